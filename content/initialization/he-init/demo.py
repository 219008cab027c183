"""He 初始化：给 ReLU 补上的因子 2，方差该按什么算，深到什么程度才离不开它。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import claim, line


def relu(z):
    return np.maximum(z, 0)


def second_moment(h):
    return np.mean(h.reshape(len(h), -1) ** 2, axis=1)  # 每个网络一个数


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
    guard={"输入均值/标准差": ">= 1", "权重均值": "in [-0.02, 0.02]"},
    expect={"激活/输入的二阶矩": "in [0.95, 1.05]"},
    control=[{"shape": "skewed"}, {"shape": "truncated"}],
    knobs={"shape": ["normal", "uniform", "skewed", "truncated"], "fan_in": [1, 64]},
)
def half_is_symmetry(shape="normal", fan_in=4, seed=0):
    """只有 4 个输入、输入全为正，He 的方差也精确补回 ReLU 丢的一半：只要权重分布关于 0 对称"""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, (80000, fan_in))  # 8 万个神经元，各有自己的输入
    w = draw(shape, x.shape, rng)
    h = relu(np.sqrt(2 / fan_in) * (w * x).sum(axis=1))
    return {
        "输入均值/标准差": x.mean() / x.std(),
        "权重均值": w.mean(),
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
        grads.append((grads[-1] * leak) @ W.mT)  # (nets, batch, fan_in)
    return hs, grads


def ratios(path):
    """每过一层二阶矩乘多少，对网络平均。"""
    q = np.stack([second_moment(each) for each in path])  # (layers, nets)
    return np.mean(q[1:] / q[:-1], axis=1)


def euler_gap(hs, grads):
    """正齐次：每层的 Σ激活·梯度 都等于输出端的那一个，反向算错就对不上。"""
    each = [np.sum(h * g) for h, g in zip(hs, grads[::-1], strict=True)]
    return np.ptp(each) / np.abs(each).max()


@claim(
    guard={"Σ激活·梯度的各层之差": "<= 1e-9"},
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
        "Σ激活·梯度的各层之差": euler_gap(hs, grads),
        "激活每层倍数": ratios(hs).mean(),
        "梯度每层倍数": ratios(grads).mean(),
    }


@claim(
    guard={"扇出：第一层的激活二阶矩": "in [0.2, 0.5]"},
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
    widths, nets = ([64, 256] * depth)[: depth + 1], 24
    pairs = list(pairwise(widths))
    normal = [rng.normal(size=(nets, *pair)) for pair in pairs]
    x, g = rng.normal(size=(nets, 4, widths[0])), rng.normal(size=(nets, 4, widths[-1]))
    forward, backward = {}, {}
    for side, mode in enumerate(("扇入", "扇出")):
        fans = [sum(pair) / 2 if average else pair[side] for pair in pairs]
        weights = [np.sqrt(2 / fan) * W for fan, W in zip(fans, normal, strict=True)]
        hs, grads = run(weights, 0.0, x, g)
        forward[mode] = ratios(hs)
        backward[mode] = ratios(grads)
    return {
        "扇出：第一层的激活二阶矩": second_moment(hs[1]).mean(),
        "扇入：激活总倍数": forward["扇入"].prod(),
        "扇入：梯度总倍数": backward["扇入"].prod(),
        "扇出：激活总倍数": forward["扇出"].prod(),
        "扇出：梯度总倍数": backward["扇出"].prod(),
        "激活的二阶矩": line(
            {mode: [1, *each.cumprod()] for mode, each in forward.items()},
            x_label="层",
            log_y=True,
        ),
    }


def kernel_fan_in(shape, layout):
    """卷积核的扇入：输入通道数乘核面积。"""
    if layout == "out,in,kh,kw":  # PyTorch
        _, into, kh, kw = shape
    else:  # Keras：kh,kw,in,out
        kh, kw, into, _ = shape
    return into * kh * kw


def conv(h, K):
    """3×3 卷积，循环填充。h: (nets, side, side, in)；K: (nets, kh, kw, in, out)。"""
    side = h.shape[1]
    near = (np.arange(side)[:, None] + [-1, 0, 1]) % side
    patches = h[:, near][:, :, :, near]  # (nets, side, kh, side, kw, in)
    return np.einsum("nyixjc,nijcd->nyxd", patches, K)


@claim(
    guard={"一个像素的响应与翻转的核之差": "<= 1e-9"},
    expect={"激活每层倍数": "in [0.8, 1.25]"},
    control=[{"layout": "out,in,kh,kw"}, {"area": False}],
    knobs={"layout": ["kh,kw,in,out", "out,in,kh,kw"], "area": [True, False]},
)
def conv_counts_the_kernel(layout="kh,kw,in,out", area=True, seed=0):
    """3×3 卷积的扇入是 9·C_in：漏乘核面积，或按别家的布局去读形状，每层都错一个倍数"""
    rng = np.random.default_rng(seed)
    nets, channels = 10, [16, 24] * 4 + [16]
    path = [rng.normal(size=(nets, 8, 8, 16))]
    for into, out in pairwise(channels):
        shape = (3, 3, into, out)
        fan_in = kernel_fan_in(shape, layout) if area else into
        K = np.sqrt(2 / fan_in) * rng.normal(size=(nets, *shape))
        path.append(relu(conv(path[-1], K)))
    pixel = np.zeros_like(path[-2])
    pixel[:, 1, 1] = 1  # 只点亮一个像素，输出就是翻转的核
    error = conv(pixel, K)[:, :3, :3] - K[:, ::-1, ::-1].sum(axis=3)
    return {
        "一个像素的响应与翻转的核之差": np.abs(error).max(),
        "激活每层倍数": ratios(path).mean(),
    }


@claim(
    guard={
        "偏置方差×3n": "in [0.93, 1.07]",
        "第一层样本间方差/(n·权重方差)": "in [0.2, 0.4]",  # 7/8·(1/2 − 1/2π) = 0.298
    },
    expect={
        "权重方差/He 的方差": "in [0.16, 0.173]",
        "样本间方差每层倍数": "in [0.13, 0.18]",
        "末层二阶矩/偏置方差": "in [0.4, 0.85]",
    },
    control=[{"a": 0.0}, {"bias": False}],
    knobs={"a": [0.0, 3.0], "bias": [True, False], "depth": [4, 20]},
)
def pytorch_linear_forgets(a=2.23606797749979, bias=True, depth=12, seed=0):
    """nn.Linear 的默认初始化接 ReLU：二阶矩被偏置托住，样本间的差别每层只剩约六分之一"""
    rng = np.random.default_rng(seed)
    n, nets = 96, 8
    bound = np.sqrt(6 / ((1 + a**2) * n))  # kaiming_uniform_(a=√5)：恰好是 1/√n
    W = rng.uniform(-bound, bound, (depth, nets, n, n))
    b = rng.uniform(-1, 1, (depth, nets, 1, n)) / np.sqrt(n)  # 方差 1/(3n)
    path = [rng.normal(size=(nets, 8, n))]
    for layer in range(depth):
        path.append(relu(path[-1] @ W[layer] + b[layer] * bias))
    centred = [h - h.mean(axis=1, keepdims=True) for h in path]  # 去掉批内均值
    return {
        "偏置方差×3n": b.var() * 3 * n,
        "第一层样本间方差/(n·权重方差)": second_moment(centred[1]).mean() / (n * W.var()),
        "权重方差/He 的方差": W.var() / (2 / n),
        "样本间方差每层倍数": ratios(centred).mean(),
        "末层二阶矩/偏置方差": second_moment(path[-1]).mean() / b.var(),
        "各层的二阶矩": line(
            {
                "激活": [second_moment(h).mean() for h in path],
                "样本间": [second_moment(h).mean() for h in centred],
            },
            x_label="层",
            log_y=True,
        ),
    }


RATES = {  # 各自的学习率网格；Xavier 的从几乎不动到发散
    "xavier": (0.1, 0.3, 1, 3),
    "he": (1e-8, 0.005, 0.01),  # 前一个小到只剩一阶，用来核对梯度
    "adam": (0.003, 0.01),
}


def train(mode, optimizer, rates, depth, seed):
    """深层 ReLU 网络做回归，全批量训练 50 步。

    返回逐步的损失（常数预测为 1）：(steps, rates, nets)，与同样形状的梯度平方和。
    """
    rng = np.random.default_rng(seed)
    n, width, nets = 8, 32, 5
    x = rng.normal(size=(n, width))
    y = x @ rng.normal(size=(width, 1))
    y = (y - y.mean()) / y.std()
    std = np.sqrt({"he": 2, "xavier": 1}[mode] / width)  # 宽度处处相同，方差恰差因子 2
    start = [std * rng.normal(size=(nets, width, out)) for out in [width] * depth + [1]]
    W = [np.stack([w] * len(rates)) for w in start]  # 各学习率起点相同
    m = [np.zeros_like(w) for w in W]
    v = list(m)
    lr = np.array(rates)[:, None, None, None]
    losses, squares = [], []
    for t in range(51):  # 最后一次前向量的是走完之后的损失
        h = [x]
        for w in W[:-1]:
            h.append(relu(h[-1] @ w))  # (rates, nets, n, width)
        error = h[-1] @ W[-1] - y
        losses.append(np.mean(error**2, axis=(2, 3)))
        delta = 2 * error / n * (losses[-1] < 1e4)[..., None, None]  # 发散的网络停住
        square = 0.0
        for k in reversed(range(len(W))):
            g = h[k].mT @ delta
            delta = (delta @ W[k].mT) * (h[k] > 0)
            square = square + np.sum(g**2, axis=(2, 3))
            if optimizer == "gd":
                W[k] = W[k] - lr * g
                continue
            m[k], v[k] = 0.9 * m[k] + 0.1 * g, 0.999 * v[k] + 0.001 * g**2
            mean, root = m[k] / (1 - 0.9 ** (t + 1)), np.sqrt(v[k] / (1 - 0.999 ** (t + 1)))
            W[k] = W[k] - lr * mean / (root + 1e-8)
        squares.append(square)
    return np.array(losses), np.array(squares)


def settled(losses):
    """走完的损失：每个学习率一个数，对网络取中位数。"""
    return np.median(losses[-1], axis=1)


@claim(
    guard={"第一步的下降/一阶预测": "in [0.99, 1.01]", "换成 He 走完的损失": "<= 0.6"},
    expect={
        "Xavier 各学习率走完的损失中最低的": "in [0.9, 1.02]",
        "Xavier 最小的学习率走完的损失": "in [0.97, 1.03]",
        "Xavier 最大的学习率走完的损失": ">= 100",
    },
    control=[{"mode": "he"}, {"depth": 3}, {"optimizer": "adam"}],
    knobs={"mode": ["xavier", "he"], "optimizer": ["gd", "adam"], "depth": [2, 20]},
)
def deep_relu_needs_he(mode="xavier", optimizer="gd", depth=20, seed=0):
    """20 个 ReLU 隐层：各自调学习率，Xavier 的损失不动，He 降得下去；浅的或换 Adam 就都能学"""
    he, squares = train("he", "gd", RATES["he"], depth, seed)
    drop = (he[0] - he[1])[0]  # 最小的学习率走第一步
    rates = RATES[mode if optimizer == "gd" else optimizer]
    losses, _ = train(mode, optimizer, rates, depth, seed)
    return {
        "第一步的下降/一阶预测": np.mean(drop / (RATES["he"][0] * squares[0][0])),
        "换成 He 走完的损失": settled(he).min(),
        "Xavier 各学习率走完的损失中最低的": settled(losses).min(),
        "Xavier 最小的学习率走完的损失": settled(losses)[0],
        "Xavier 最大的学习率走完的损失": settled(losses)[-1],
        "损失": line(
            {"he 0.01": np.median(he[:, -1], axis=1)}
            | {
                f"{mode} {rate}": np.minimum(np.median(each, axis=1), 100)
                for rate, each in zip(rates, losses.swapaxes(0, 1), strict=True)
            },
            x_label="步",
            y_label="损失（画到 100 为止）",
            log_y=True,
        ),
    }
