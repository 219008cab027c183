"""He 初始化：给 ReLU 补上的因子 2，方差该按什么算，深到什么程度才离不开它。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import claim, line


def relu(z):
    return np.maximum(z, 0)


def second_moment(h):
    return np.mean(h**2, axis=(-2, -1))  # 每个网络一个数


def draw(shape, size, rng):
    """名义方差都是 1 的权重。"""
    if shape == "uniform":
        return rng.uniform(-np.sqrt(3), np.sqrt(3), size)
    if shape == "skewed":
        return rng.exponential(1, size) - 1  # 均值 0、方差 1，但不对称
    w = rng.normal(size=size)
    if shape == "truncated":  # 超过两倍标准差的重抽，方差不再是 1
        while (out := np.abs(w) > 2).any():
            w[out] = rng.normal(size=out.sum())
    return w


@claim(
    guard={"输入均值/标准差": ">= 1", "权重均值/标准差": "in [-0.02, 0.02]"},
    expect={"激活/输入的二阶矩": "in [0.95, 1.05]"},
    control=[{"shape": "skewed"}, {"shape": "truncated"}],
    knobs={"shape": ["normal", "uniform", "skewed", "truncated"], "fan_in": [1, 64]},
)
def half_is_symmetry(shape="normal", fan_in=4, seed=0):
    """只有 4 个输入、输入全为正，He 的方差也精确补回 ReLU 丢的一半：只要权重分布关于 0 对称"""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, (80000, fan_in))  # 8 万个神经元，各有自己的输入
    W = np.sqrt(2 / fan_in) * draw(shape, x.shape, rng)
    h = relu((W * x).sum(axis=1))
    return {
        "输入均值/标准差": x.mean() / x.std(),
        "权重均值/标准差": W.mean() / W.std(),
        "激活/输入的二阶矩": np.mean(h**2) / np.mean(x**2),
    }


def run(weights, slope, x, g):
    """leaky ReLU 网络（slope = 0 就是 ReLU）：逐层的激活，以及损失对逐层激活的梯度。"""
    hs, leaks, grads = [x], [], [g]
    for W in weights:
        z = hs[-1] @ W  # (nets, batch, fan_out)
        leaks.append(np.where(z > 0, 1, slope))
        hs.append(z * leaks[-1])
    for W, leak in zip(weights[::-1], leaks[::-1], strict=True):
        grads.append((grads[-1] * leak) @ W.swapaxes(1, 2))  # (nets, batch, fan_in)
    return hs, grads


def ratios(path):
    """每过一层二阶矩乘多少：(layers, nets)。"""
    q = np.stack([second_moment(each) for each in path])
    return q[1:] / q[:-1]


@claim(
    guard={"第一层的激活二阶矩": "in [0.5, 2]"},
    expect={"激活每层倍数": "in [0.94, 1.06]", "梯度每层倍数": "in [0.94, 1.06]"},
    control=[{"correct": False}, {"slope": 0.0, "assumed": 0.5}],
    knobs={"slope": [0.0, 1.0], "assumed": [0.0, 1.0], "correct": [True, False]},
)
def leaky_correction(slope=0.5, assumed=0.5, correct=True, seed=0):
    """负半轴斜率 0.5 的 leaky ReLU：方差取 2/((1+a²)n)，激活与梯度每层都约乘 1"""
    rng = np.random.default_rng(seed)
    n, depth, nets = 96, 20, 8
    a = assumed if correct else 0.0
    std = np.sqrt(2 / ((1 + a**2) * n))
    weights = std * rng.normal(size=(depth, nets, n, n))
    hs, grads = run(weights, slope, *rng.normal(size=(2, nets, 4, n)))
    return {
        "第一层的激活二阶矩": second_moment(hs[1]).mean(),
        "激活每层倍数": ratios(hs).mean(),
        "梯度每层倍数": ratios(grads).mean(),
    }


@claim(
    guard={"第一层的激活二阶矩": ">= 0.2"},
    expect={
        "扇入：激活总倍数": "in [0.55, 1.8]",
        "扇入：梯度总倍数": "in [2.2, 7.2]",
        "扇出：激活总倍数": "in [0.14, 0.45]",
        "扇出：梯度总倍数": "in [0.55, 1.8]",
    },
    control={"average": True},
    knobs={"average": [False, True], "depth": [3, 21]},
)
def either_fan_will_do(average=False, depth=11, seed=0):
    """宽 64 与 256 交替的 11 层 ReLU 网络：按扇入或按扇出都只在总账上差一个 4"""
    rng = np.random.default_rng(seed)
    widths, nets = [64 if layer % 2 == 0 else 256 for layer in range(depth + 1)], 24
    pairs = list(pairwise(widths))
    normal = [rng.normal(size=(nets, *pair)) for pair in pairs]
    x, g = rng.normal(size=(nets, 4, widths[0])), rng.normal(size=(nets, 4, widths[-1]))
    totals, paths = {}, {}
    for side, mode in enumerate(("扇入", "扇出")):
        fans = [sum(pair) / 2 if average else pair[side] for pair in pairs]
        weights = [np.sqrt(2 / fan) * W for fan, W in zip(fans, normal, strict=True)]
        hs, grads = run(weights, 0.0, x, g)
        first = second_moment(hs[1]).mean()
        totals[mode] = ratios(hs).mean(axis=1).prod(), ratios(grads).mean(axis=1).prod()
        paths[mode] = [1, *ratios(hs).mean(axis=1).cumprod()]
    return {
        "第一层的激活二阶矩": first,
        "扇入：激活总倍数": totals["扇入"][0],
        "扇入：梯度总倍数": totals["扇入"][1],
        "扇出：激活总倍数": totals["扇出"][0],
        "扇出：梯度总倍数": totals["扇出"][1],
        "激活的二阶矩": line(paths, x_label="层", log_y=True),
    }


def kernel_fan_in(shape, layout):
    """卷积核的扇入：输入通道数乘核面积。"""
    if layout == "out,in,kh,kw":  # PyTorch
        _, into, kh, kw = shape
    else:  # Keras：kh,kw,in,out
        kh, kw, into, _ = shape
    return into * kh * kw


def conv(h, K):
    """3×3 卷积，循环填充。h: (nets, H, W, in)；K: (nets, kh, kw, in, out)。"""
    H, W = h.shape[1:3]
    total = 0.0
    for i in range(3):
        for j in range(3):
            moved = np.roll(h, (1 - i, 1 - j), axis=(1, 2)).reshape(len(h), H * W, -1)
            total = total + moved @ K[:, i, j]
    return total.reshape(len(h), H, W, -1)


@claim(
    guard={"第一层的激活二阶矩": "in [0.05, 50]"},
    expect={"激活每层倍数": "in [0.8, 1.25]"},
    control=[{"layout": "out,in,kh,kw"}, {"area": False}],
    knobs={"layout": ["kh,kw,in,out", "out,in,kh,kw"], "area": [True, False]},
)
def conv_counts_the_kernel(layout="kh,kw,in,out", area=True, seed=0):
    """3×3 卷积的扇入是 9·C_in：漏乘核面积，或按别家的布局去读形状，每层都错一个倍数"""
    rng = np.random.default_rng(seed)
    shape, nets, depth = (3, 3, 16, 24), 10, 8
    h = rng.normal(size=(nets, 8, 8, 16))
    path = [h]
    for _ in range(depth):
        fan_in = kernel_fan_in(shape, layout) if area else shape[2]
        h = relu(conv(h, rng.normal(0, np.sqrt(2 / fan_in), (nets, *shape))))
        path.append(h)
        shape = (3, 3, shape[3], shape[2])  # 通道数 16 与 24 交替
    q = np.stack([np.mean(h**2, axis=(1, 2, 3)) for h in path])
    return {
        "第一层的激活二阶矩": q[1].mean(),
        "激活每层倍数": np.mean(q[1:] / q[:-1]),
    }


@claim(
    guard={"第一层样本间方差×3n": ">= 1"},
    expect={"样本间方差每层倍数": "in [0.13, 0.18]", "末层二阶矩/偏置方差": "in [0.4, 0.85]"},
    control=[{"a": 0.0}, {"bias": False}],
    knobs={"a": [0.0, 3.0], "bias": [True, False], "depth": [4, 20]},
)
def pytorch_linear_forgets(a=2.23606797749979, bias=True, depth=12, seed=0):
    """nn.Linear 的默认初始化接 ReLU：二阶矩被偏置托住，样本间的差别每层只剩约六分之一"""
    rng = np.random.default_rng(seed)
    n, nets = 96, 8
    bound = np.sqrt(6 / ((1 + a**2) * n))  # kaiming_uniform_(a=√5)：恰好是 1/√n
    path = [rng.normal(size=(nets, 8, n))]
    for _ in range(depth):
        W = rng.uniform(-bound, bound, (nets, n, n))
        b = rng.uniform(-1, 1, (nets, 1, n)) / np.sqrt(n)  # 方差 1/(3n)
        path.append(relu(path[-1] @ W + b * bias))
    centred = [h - h.mean(axis=1, keepdims=True) for h in path]  # 去掉批内均值
    return {
        "第一层样本间方差×3n": second_moment(centred[1]).mean() * 3 * n,
        "样本间方差每层倍数": ratios(centred).mean(),
        "末层二阶矩/偏置方差": second_moment(path[-1]).mean() * 3 * n,
        "各层的二阶矩": line(
            {
                "激活": [second_moment(h).mean() for h in path],
                "样本间": [second_moment(h).mean() for h in centred],
            },
            x_label="层",
            log_y=True,
        ),
    }


RATES = {  # 各自的学习率网格
    ("xavier", "gd"): (0.1, 1, 10, 100),
    ("he", "gd"): (0.01, 0.02),
    ("xavier", "adam"): (0.003, 0.01),
    ("he", "adam"): (0.001, 0.003),
}


def final_loss(mode, optimizer, depth, seed, width=32, n=8, steps=50, nets=4):
    """深层 ReLU 网络做回归，全批量训练；走完的损失（常数预测为 1）。

    nets 个随机网络各取最好的学习率，再取中位数。
    """
    rates = RATES[mode, optimizer]
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1, n, width))
    y = np.tanh(2 * x @ rng.normal(size=(width, 1)) / np.sqrt(width))
    y = (y - y.mean()) / y.std()
    gain = {"he": 2, "xavier": 1}[mode]  # 宽度处处相同，两者恰差因子 2
    fan_outs = [width] * depth + [1]
    start = [rng.normal(0, np.sqrt(gain / width), (nets, width, out)) for out in fan_outs]
    W = [np.concatenate([w] * len(rates)) for w in start]  # 各学习率起点相同
    lr = np.repeat(rates, nets)[:, None, None]
    m, v = [0.0] * len(W), [0.0] * len(W)
    for t in range(1, steps + 2):
        h = [x]
        for w in W[:-1]:
            h.append(relu(h[-1] @ w))  # (rates * nets, n, width)
        error = h[-1] @ W[-1] - y
        loss = np.mean(error**2, axis=(1, 2))
        delta = 2 * error / n * (loss < 1e4)[:, None, None]  # 发散的网络停住
        for k in range(depth, -1, -1):
            g = h[k].swapaxes(1, 2) @ delta
            delta = (delta @ W[k].swapaxes(1, 2)) * (h[k] > 0)
            if optimizer == "gd":
                W[k] = W[k] - lr * g
                continue
            m[k], v[k] = 0.9 * m[k] + 0.1 * g, 0.999 * v[k] + 0.001 * g**2
            W[k] = W[k] - lr * m[k] / (1 - 0.9**t) / (np.sqrt(v[k] / (1 - 0.999**t)) + 1e-8)
    return np.median(loss.reshape(len(rates), nets).min(axis=0))


@claim(
    guard={"换成 He 走完的损失": "<= 0.75"},
    expect={"Xavier 走完的损失": ">= 0.9"},
    control=[{"mode": "he"}, {"depth": 3}, {"optimizer": "adam"}],
    knobs={"mode": ["xavier", "he"], "optimizer": ["gd", "adam"], "depth": [2, 20]},
)
def deep_relu_needs_he(mode="xavier", optimizer="gd", depth=20, seed=0):
    """20 个 ReLU 隐层：各自调学习率，Xavier 的损失不动，He 降得下去；浅的或换 Adam 就都能学"""
    return {
        "换成 He 走完的损失": final_loss("he", "gd", depth, seed),
        "Xavier 走完的损失": final_loss(mode, optimizer, depth, seed),
    }
