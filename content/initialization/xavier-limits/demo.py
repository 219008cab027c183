"""Xavier 的两个假设：线性、关于 0 对称，各自违反了会怎样，哪个才是要紧的。"""

import numpy as np

from quizdl.proof import bar, claim, line


def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2


def sigmoid_grad(z):
    return (1 - np.tanh(z / 2) ** 2) / 4


MEAN = 1 / np.sqrt(2 * np.pi)  # z ~ N(0, 1) 时 ReLU(z) 的均值
STD = np.sqrt(0.5 - MEAN**2)  # 与标准差
TANH = 0.6279  # z ~ N(0, 1) 时 tanh(z) 的均方根

ACTIVATIONS = {  # 激活函数与导数，都以净输入 z 为自变量
    "linear": (lambda z: z, np.ones_like),
    "σ": (sigmoid, sigmoid_grad),
    "σ-1/2": (lambda z: sigmoid(z) - 0.5, sigmoid_grad),  # 只平移：关于 0 对称
    "4σ": (lambda z: 4 * sigmoid(z), lambda z: 4 * sigmoid_grad(z)),  # 只拉伸：0 处斜率 1
    "4σ-2": (lambda z: 4 * sigmoid(z) - 2, lambda z: 4 * sigmoid_grad(z)),  # 两样都改
    # 下面三个在 z ~ N(0, 1) 时二阶矩都是 1
    "√2 ReLU": (lambda z: np.sqrt(2) * np.maximum(z, 0), lambda z: np.sqrt(2) * (z > 0)),
    "减均值的 ReLU": (lambda z: (np.maximum(z, 0) - MEAN) / STD, lambda z: (z > 0) / STD),
    "放大的 tanh": (lambda z: np.tanh(z) / TANH, lambda z: (1 - np.tanh(z) ** 2) / TANH),
}


def forward(activation, weights, h):
    """逐层的激活与导数。"""
    act, act_grad = ACTIVATIONS[activation]
    hs, slopes = [h], []
    for W in weights:
        z = hs[-1] @ W  # (nets, batch, width)
        hs.append(act(z))
        slopes.append(act_grad(z))
    return hs, slopes


def probe(activation, width, depth, seed, nets=6):
    """nets 个随机的 Xavier 网络（等宽，方差 1/n）；返回逐层的激活、梯度，与对梯度的核对。"""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, np.sqrt(1 / width), (depth, nets, width, width))
    h, g = rng.normal(size=(2, nets, 4, width))
    hs, slopes = forward(activation, weights, h)
    grads = [g]
    for W, slope in zip(weights[::-1], slopes[::-1], strict=True):
        grads.append((grads[-1] * slope) @ W.swapaxes(1, 2))
    # 输入沿梯度前后各挪一小步：损失 Σ g·h 的变化与一阶预测之比
    step = 1e-5 * grads[-1] / grads[-1].std()
    (ahead, _), (behind, _) = (forward(activation, weights, h + d) for d in (step, -step))
    change = np.sum(g * (ahead[-1] - behind[-1])) / 2
    return hs, grads, change / np.sum(grads[-1] * step)


def second_moments(path):
    return np.array([np.mean(each**2) for each in path])


def factor(path):
    """每过一层二阶矩乘多少：各层的平均。"""
    q = second_moments(path)
    return np.mean(q[1:] / q[:-1])


def centred(hs):
    return [h - h.mean(axis=1, keepdims=True) for h in hs]  # 去掉批内均值，剩下样本间的差别


@claim(
    guard={"输入二阶矩": "in [0.8, 1.2]", "损失的变化/梯度的预测": "in [0.99, 1.01]"},
    expect={"激活每层倍数": "in [0.055, 0.07]", "梯度每层倍数": "in [0.055, 0.07]"},
    control=[{"activation": "4σ-2"}, {"activation": "4σ"}],
    knobs={"activation": ["σ", "σ-1/2", "4σ", "4σ-2"], "depth": [2, 20]},
)
def symmetry_alone(activation="σ-1/2", depth=10, seed=0):
    """sigmoid 减去 1/2 已经关于 0 对称，激活与梯度的二阶矩每层仍只剩约 1/16"""
    hs, grads, check = probe(activation, 64, depth, seed)
    return {
        "输入二阶矩": np.mean(hs[0] ** 2),
        "损失的变化/梯度的预测": check,
        "激活每层倍数": factor(hs),
        "梯度每层倍数": factor(grads),
    }


@claim(
    guard={"输入二阶矩": "in [0.8, 1.2]", "损失的变化/梯度的预测": "in [0.99, 1.01]"},
    expect={
        "样本间方差每层倍数": "in [0.36, 0.52]",
        "梯度每层倍数": "in [0.36, 0.52]",
        "末层激活的均值": "in [1.6, 2.4]",
        "末层激活的二阶矩": "in [4.9, 6.8]",
    },
    control={"activation": "4σ-2"},
    knobs={"activation": ["σ", "4σ", "4σ-2"], "depth": [2, 20]},
)
def slope_alone(activation="4σ", depth=10, seed=0):
    """sigmoid 放大 4 倍（等于权重乘 4），0 处斜率是 1 了，但均值约 2：梯度仍然指数衰减"""
    hs, grads, check = probe(activation, 64, depth, seed)
    return {
        "输入二阶矩": np.mean(hs[0] ** 2),
        "损失的变化/梯度的预测": check,
        "样本间方差每层倍数": factor(centred(hs)),
        "梯度每层倍数": factor(grads),
        "末层激活的均值": hs[depth].mean(),
        "末层激活的二阶矩": np.mean(hs[depth] ** 2),
    }


def cosine(h):
    """第 0、1 两个样本的余弦，对网络平均。"""
    a, b = h[:, 0], h[:, 1]
    return np.mean(np.sum(a * b, axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))


@claim(
    guard={"输入的余弦": "in [-0.2, 0.2]", "一层后/输入的二阶矩": "in [0.7, 1.3]"},
    expect={"一层后的余弦": "in [0.22, 0.42]", "30 层后的余弦": "in [0.93, 0.996]"},
    control=[{"activation": "减均值的 ReLU"}, {"activation": "放大的 tanh"}],
    knobs={"activation": ["√2 ReLU", "减均值的 ReLU", "放大的 tanh", "linear"]},
)
def mean_aligns_samples(activation="√2 ReLU", seed=0):
    """几乎正交的两个输入，He-ReLU 一层后余弦约 1/π，30 层后几乎同向；减去均值就不会"""
    hs, _, _ = probe(activation, 128, 30, seed, nets=8)
    cosines = [cosine(h) for h in hs]
    return {
        "输入的余弦": cosines[0],
        "一层后/输入的二阶矩": factor(hs[:2]),
        "一层后的余弦": cosines[1],
        "30 层后的余弦": cosines[30],
        "余弦": line(cosines, x_label="层", y_label="余弦"),
    }


@claim(
    guard={
        "激活每层倍数": "in [0.85, 1.15]",
        "对称的：损失的变化/梯度的预测": "in [0.99, 1.01]",
        "不对称的：损失的变化/梯度的预测": "in [0.99, 1.01]",
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
    hs, grads, check = probe(odd, 128, 12, seed)
    hs2, grads2, check2 = probe(skewed, 128, 12, seed)
    return {
        "激活每层倍数": (factor(hs) + factor(hs2)) / 2,
        "对称的：损失的变化/梯度的预测": check,
        "不对称的：损失的变化/梯度的预测": check2,
        "对称的：梯度每层倍数": factor(grads),
        "不对称的：梯度每层倍数": factor(grads2),
        "梯度的二阶矩": line(
            {"对称": second_moments(grads), "不对称": second_moments(grads2)},
            x_label="离输出几层",
            log_y=True,
        ),
    }


RATES = np.geomspace(0.003, 10, 8)  # 每种激活都试这些学习率


def final_loss(activation, depth, seed, width=24, n=8, steps=40, nets=3):
    """全批量梯度下降做回归，走完的损失（常数预测为 1）：各网络取自己最好的学习率。"""
    act, act_grad = ACTIVATIONS[activation]
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1, n, width))
    y = x @ rng.normal(size=(width, 1))
    y = y / y.std()  # 不减均值：它由输出层的偏置去学
    fan_outs = [width] * depth + [1]
    start = [rng.normal(0, np.sqrt(1 / width), (nets, width, out)) for out in fan_outs]
    W = [np.concatenate([w] * len(RATES)) for w in start]  # 各学习率起点相同
    c, lr = 0.0, np.repeat(RATES, nets)[:, None, None]  # c：输出层的偏置
    for _ in range(steps + 1):  # 最后一次前向量的是走完之后的损失
        h, layers = x, [(x, 1.0)]  # 各层的激活与导数
        for w in W[:-1]:
            z = h @ w  # (rates * nets, n, width)
            h = act(z)
            layers.append((h, act_grad(z)))
        error = h @ W[-1] + c - y
        loss = np.mean(error**2, axis=(1, 2))
        delta = 2 * error / n * (loss < 1e4)[:, None, None]  # 发散的网络停住
        c = c - lr * delta.sum(axis=1, keepdims=True)
        updated = []
        for w, (a, slope) in zip(W[::-1], layers[::-1], strict=True):
            updated.append(w - lr * a.swapaxes(1, 2) @ delta)
            delta = delta @ w.swapaxes(1, 2) * slope
        W = updated[::-1]
    return loss.reshape(len(RATES), nets).min(axis=0)


@claim(
    guard={"4σ-2 的中位数": "<= 0.1"},
    expect={"三种里最好的网络": ">= 0.9", "三种里最差的网络": "in [0.99, 1.02]"},
    control=[{"activations": "4σ-2"}, {"depth": 1}],
    knobs={"activations": ["σ σ-1/2 4σ", "σ", "σ-1/2", "4σ", "4σ-2"], "depth": [1, 10]},
)
def both_needed_to_learn(activations="σ σ-1/2 4σ", depth=10, seed=0):
    """10 个隐层：sigmoid、只平移、只拉伸都停在常数预测，两样都改才学得会"""
    names = activations.split()
    losses = [final_loss(each, depth, seed) for each in names]
    both = np.median(final_loss("4σ-2", depth, seed))
    medians = dict(zip(names, np.median(losses, axis=1), strict=True))
    return {
        "4σ-2 的中位数": both,
        "三种里最好的网络": np.min(losses),
        "三种里最差的网络": np.max(losses),
        "走完的损失": bar(medians | {"4σ-2": both}),
    }
