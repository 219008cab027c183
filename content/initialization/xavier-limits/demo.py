"""Xavier 的两个假设：线性、关于 0 对称，各自违反了会怎样，哪个才是要紧的。"""

import numpy as np

from quizdl.proof import claim, line


def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2


def sigmoid_grad(z):
    return (1 - np.tanh(z / 2) ** 2) / 4


MEAN = 1 / np.sqrt(2 * np.pi)  # z ~ N(0, 1) 时 ReLU(z) 的均值
STD = np.sqrt(0.5 - MEAN**2)  # 与标准差
TANH = 0.6279  # z ~ N(0, 1) 时 tanh(z) 的均方根

ACTIVATIONS = {  # 激活函数与导数，都以净输入 z 为自变量
    "linear": (lambda z: z, np.ones_like),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "σ": (sigmoid, sigmoid_grad),
    "σ-1/2": (lambda z: sigmoid(z) - 0.5, sigmoid_grad),  # 只平移：关于 0 对称
    "4σ": (lambda z: 4 * sigmoid(z), lambda z: 4 * sigmoid_grad(z)),  # 只拉伸：0 处斜率 1
    "4σ-2": (lambda z: 4 * sigmoid(z) - 2, lambda z: 4 * sigmoid_grad(z)),  # 两样都改
    # 下面三个在 z ~ N(0, 1) 时二阶矩都是 1
    "√2 ReLU": (lambda z: np.sqrt(2) * np.maximum(z, 0), lambda z: np.sqrt(2) * (z > 0)),
    "减均值的 ReLU": (lambda z: (np.maximum(z, 0) - MEAN) / STD, lambda z: (z > 0) / STD),
    "放大的 tanh": (lambda z: np.tanh(z) / TANH, lambda z: (1 - np.tanh(z) ** 2) / TANH),
}


def probe(activation, width, depth, seed, nets=6):
    """nets 个随机的 Xavier 网络（等宽，方差 1/n）；返回逐层的激活与梯度。"""
    act, act_grad = ACTIVATIONS[activation]
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, np.sqrt(1 / width), (depth, nets, width, width))
    h, g = rng.normal(size=(2, nets, 4, width))
    hs, slopes, grads = [h], [], [g]
    for W in weights:
        z = hs[-1] @ W  # (nets, batch, width)
        hs.append(act(z))
        slopes.append(act_grad(z))
    for W, slope in zip(weights[::-1], slopes[::-1], strict=True):
        grads.append((grads[-1] * slope) @ W.swapaxes(1, 2))
    return hs, grads


def slope_error(activation, seed, step=1e-6):
    """导数与中心差分相差多少；取样避开 0 处的尖点。"""
    act, act_grad = ACTIVATIONS[activation]
    z = np.random.default_rng(seed).uniform(0.1, 3, 50) * np.tile([-1, 1], 25)
    return np.abs((act(z + step) - act(z - step)) / (2 * step) - act_grad(z)).max()


def second_moment(a):
    return np.mean(a**2, axis=(-2, -1))  # 每个网络一个数


def factor(path):
    """每过一层二阶矩乘多少：各层、各网络的平均。"""
    q = np.stack([second_moment(each) for each in path])
    return np.mean(q[1:] / q[:-1])


def centred(hs):
    return [h - h.mean(axis=1, keepdims=True) for h in hs]  # 去掉批内均值，剩下样本间的差别


@claim(
    guard={"输入二阶矩": ">= 0.5", "导数与中心差分之差": "<= 1e-6"},
    expect={"激活每层倍数": "in [0.055, 0.07]", "梯度每层倍数": "in [0.055, 0.07]"},
    control=[{"activation": "4σ-2"}, {"activation": "4σ"}],
    knobs={"activation": ["σ", "σ-1/2", "4σ", "4σ-2"], "depth": [2, 20]},
)
def symmetry_alone(activation="σ-1/2", depth=10, seed=0):
    """sigmoid 减去 1/2 已经关于 0 对称，激活与梯度的二阶矩每层仍只剩约 1/16"""
    hs, grads = probe(activation, 64, depth, seed)
    return {
        "输入二阶矩": second_moment(hs[0]).mean(),
        "导数与中心差分之差": slope_error(activation, seed),
        "激活每层倍数": factor(hs),
        "梯度每层倍数": factor(grads),
    }


@claim(
    guard={"末层激活二阶矩": ">= 0.1", "导数与中心差分之差": "<= 1e-6"},
    expect={"样本间方差每层倍数": "in [0.36, 0.52]", "梯度每层倍数": "in [0.36, 0.52]"},
    control={"activation": "4σ-2"},
    knobs={"activation": ["σ", "4σ", "4σ-2"], "depth": [2, 20]},
)
def slope_alone(activation="4σ", depth=10, seed=0):
    """sigmoid 放大 4 倍（等于权重乘 4），0 处斜率是 1 了，但均值约 2：梯度仍然指数衰减"""
    hs, grads = probe(activation, 64, depth, seed)
    return {
        "末层激活二阶矩": second_moment(hs[-1]).mean(),
        "导数与中心差分之差": slope_error(activation, seed),
        "样本间方差每层倍数": factor(centred(hs)),
        "梯度每层倍数": factor(grads),
    }


def cosine(h):
    """每个网络里第 0、1 两个样本的余弦。"""
    a, b = h[:, 0], h[:, 1]
    return np.sum(a * b, axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@claim(
    guard={"输入的余弦": "in [-0.2, 0.2]", "一层后/输入的二阶矩": "in [0.7, 1.3]"},
    expect={"一层后的余弦": "in [0.22, 0.42]", "30 层后的余弦": ">= 0.93"},
    control=[{"activation": "减均值的 ReLU"}, {"activation": "放大的 tanh"}],
    knobs={"activation": ["√2 ReLU", "减均值的 ReLU", "放大的 tanh", "linear"]},
)
def mean_aligns_samples(activation="√2 ReLU", seed=0):
    """几乎正交的两个输入，He-ReLU 一层后余弦约 1/π，30 层后几乎同向；减去均值就不会"""
    hs, _ = probe(activation, 128, 30, seed, nets=8)
    return {
        "输入的余弦": cosine(hs[0]).mean(),
        "一层后/输入的二阶矩": factor(hs[:2]),
        "一层后的余弦": cosine(hs[1]).mean(),
        "30 层后的余弦": cosine(hs[30]).mean(),
        "余弦": line([cosine(h).mean() for h in hs], x_label="层", y_label="余弦"),
    }


@claim(
    guard={
        "激活每层倍数": "in [0.85, 1.15]",
        "激活的二阶矩": "in [0.5, 2]",
        "导数与中心差分之差": "<= 1e-6",
    },
    expect={"对称的：梯度每层倍数": "in [1.1, 1.26]", "不对称的：梯度每层倍数": "in [1.36, 1.6]"},
    control=[{"odd": "linear", "skewed": "linear"}, {"odd": "√2 ReLU", "skewed": "√2 ReLU"}],
    knobs={
        "odd": ["放大的 tanh", "减均值的 ReLU", "√2 ReLU", "linear"],
        "skewed": ["放大的 tanh", "减均值的 ReLU", "√2 ReLU", "linear"],
    },
)
def zero_mean_cannot_hold_both(odd="放大的 tanh", skewed="减均值的 ReLU", seed=0):
    """均值为 0 的非线性激活：把激活的二阶矩守在 1，梯度就每层放大，与对称与否无关"""
    (hs, grads), (hs2, grads2) = (probe(each, 128, 12, seed) for each in (odd, skewed))
    return {
        "激活每层倍数": (factor(hs) + factor(hs2)) / 2,
        "激活的二阶矩": second_moment(hs[6]).mean(),
        "导数与中心差分之差": max(slope_error(odd, seed), slope_error(skewed, seed)),
        "对称的：梯度每层倍数": factor(grads),
        "不对称的：梯度每层倍数": factor(grads2),
        "梯度的二阶矩": line(
            {
                name: [second_moment(g).mean() for g in path[::-1]]
                for name, path in (("对称", grads), ("不对称", grads2))
            },
            x_label="离输出几层",
            log_y=True,
        ),
    }


RATES = {  # 各自的学习率网格
    "σ": (0.03, 0.3),
    "σ-1/2": (0.1, 1, 10),
    "4σ": (0.003, 0.01, 0.03),
    "4σ-2": (0.01, 0.03),
}


def final_loss(activation, depth, seed, width=24, n=8, steps=40, nets=3):
    """全批量梯度下降做回归，走完的损失（常数预测为 1）：各网络取最好的学习率，再取中位数。"""
    act, act_grad = ACTIVATIONS[activation]
    rates, rng = RATES[activation], np.random.default_rng(seed)
    x = rng.normal(size=(1, n, width))
    y = np.tanh(2 * x @ rng.normal(size=(width, 1)) / np.sqrt(width))
    y = (y - y.mean()) / y.std()
    fan_outs = [width] * depth + [1]
    start = [rng.normal(0, np.sqrt(1 / width), (nets, width, out)) for out in fan_outs]
    W = [np.concatenate([w] * len(rates)) for w in start]  # 各学习率起点相同
    c, lr = 0.0, np.repeat(rates, nets)[:, None, None]  # c：输出层的偏置
    for _ in range(steps + 1):  # 最后一次前向量的是走完之后的损失
        h, slopes = [x], [1.0]
        for w in W[:-1]:
            z = h[-1] @ w  # (rates * nets, n, width)
            h.append(act(z))
            slopes.append(act_grad(z))
        error = h[-1] @ W[-1] + c - y
        loss = np.mean(error**2, axis=(1, 2))
        delta = 2 * error / n * (loss < 1e4)[:, None, None]  # 发散的网络停住
        c = c - lr * delta.sum(axis=1, keepdims=True)
        for k in range(depth, -1, -1):
            g = h[k].swapaxes(1, 2) @ delta
            delta = delta @ W[k].swapaxes(1, 2) * slopes[k]
            W[k] = W[k] - lr * g
    return np.median(loss.reshape(len(rates), nets).min(axis=0))


@claim(
    guard={"换成 4σ-2 的损失": "<= 0.1"},
    expect={"三种里最低的损失": ">= 0.9"},
    control=[{"activations": "4σ-2"}, {"depth": 1}],
    knobs={"activations": ["σ σ-1/2 4σ", "σ", "σ-1/2", "4σ", "4σ-2"], "depth": [1, 10]},
)
def both_needed_to_learn(activations="σ σ-1/2 4σ", depth=10, seed=0):
    """10 个隐层：sigmoid、只平移、只拉伸都停在常数预测，两样都改才学得会"""
    return {
        "换成 4σ-2 的损失": final_loss("4σ-2", depth, seed),
        "三种里最低的损失": min(final_loss(each, depth, seed) for each in activations.split()),
    }
