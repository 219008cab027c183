"""Xavier 初始化：信号与梯度的尺度，以及这套推导在哪里失效。"""

import numpy as np

from quizdl.proof import claim, hist, line

ACTIVATIONS = {  # 激活函数与导数，都以净输入 z 为自变量
    "linear": (lambda z: z, np.ones_like),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "sigmoid": (lambda z: (1 + np.tanh(z / 2)) / 2, lambda z: (1 - np.tanh(z / 2) ** 2) / 4),
    # 4σ(z) - 2 = 2 tanh(z/2)：同一条曲线，平移到过原点，再拉伸到斜率 1
    "4σ-2": (lambda z: 2 * np.tanh(z / 2), lambda z: 1 - np.tanh(z / 2) ** 2),
}


def weight_variance(fan_in, fan_out, mode):
    return {
        "xavier": 2 / (fan_in + fan_out),  # Glorot & Bengio 式 (12)
        "fan_in": 1 / fan_in,  # 只顾前向
        "he": 2 / fan_in,  # He 等，式 (10)：给 ReLU 补上因子 2
        "tiny": 1e-4,  # 标准差 0.01，与宽度无关
    }[mode]


def init_weights(widths, mode, rng, gain=1.0, nets=1):
    """逐层 U(-a, a)，a = gain·√(3·Var)；xavier 时就是 a = gain·√(6/(fan_in+fan_out))。"""
    weights = []
    for layer in range(len(widths) - 1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        a = gain * np.sqrt(3 * weight_variance(fan_in, fan_out, mode))
        weights.append(rng.uniform(-a, a, (nets, fan_in, fan_out)))
    return weights


def propagate(weights, activation, x, g):
    """前向、反向各走一遍；返回每层的激活，以及损失对每层激活的梯度。"""
    act, act_grad = ACTIVATIONS[activation]
    activations, slopes, grads = [x], [], [g]
    for W in weights:
        z = activations[-1] @ W  # (nets, batch, fan_out)
        activations.append(act(z))
        slopes.append(act_grad(z))
    for W, slope in zip(weights[::-1], slopes[::-1], strict=True):
        grads.append((grads[-1] * slope) @ W.swapaxes(1, 2))  # (nets, batch, fan_in)
    return activations, grads[::-1]


def probe(widths, mode, activation, seed, gain=1.0, nets=6, batch=4):
    """nets 个独立的随机网络，输入与输出端梯度都是标准正态。"""
    rng = np.random.default_rng(seed)
    weights = init_weights(widths, mode, rng, gain, nets)
    x = rng.normal(size=(nets, batch, widths[0]))
    g = rng.normal(size=(nets, batch, widths[-1]))
    return propagate(weights, activation, x, g)


def second_moment(a):
    return np.mean(a**2, axis=(-2, -1))  # 每个网络一个数


def by_layer(**moments):
    """一张图：名称 → 各层的二阶矩，对网络平均。"""
    curves = {name: [second_moment(a).mean() for a in each] for name, each in moments.items()}
    return line(curves, x_label="层（0 是输入）", y_label="二阶矩", log_y=True)


def growth(last, first, layers):
    """二阶矩每层乘上的倍数（层间几何平均，再对网络平均）。"""
    return np.mean((second_moment(last) / second_moment(first)) ** (1 / layers))


@claim(
    guard={"输入均值/标准差": "in [1, 2.3]"},
    expect={"前向倍数/(扇入·Var)": "in [0.7, 1.4]", "反向倍数/(扇出·Var)": "in [0.9, 1.1]"},
    control={"shift": 1.0},
    knobs={"shape": ["uniform", "normal", "sign"], "shift": [0.0, 2.0], "fan_out": [100, 800]},
)
def fan_in_and_fan_out(shape="uniform", shift=0.0, fan_in=500, fan_out=250, seed=0):
    """一层线性映射：前向乘 fan_in·Var(w)，反向乘 fan_out·Var(w)；输入不必零均值"""
    rng = np.random.default_rng(seed)
    W = {  # 三种分布，方差都是 1
        "uniform": lambda size: rng.uniform(-np.sqrt(3), np.sqrt(3), size),
        "normal": lambda size: rng.normal(size=size),
        "sign": lambda size: rng.choice([-1.0, 1.0], size),
    }[shape]((fan_in, fan_out))
    W = 0.05 * (W + shift)  # shift：权重的均值，以标准差计
    x = rng.uniform(0, 1, (32, fan_in))  # 输入全为正
    g = rng.normal(size=(32, fan_out))  # 输出端的梯度
    return {
        "输入均值/标准差": x.mean() / x.std(),
        "前向倍数/(扇入·Var)": growth(x @ W, x, 1) / (fan_in * W.var()),
        "反向倍数/(扇出·Var)": growth(g @ W.T, g, 1) / (fan_out * W.var()),
    }


@claim(
    guard={"第一层的激活二阶矩": "in [0.3, 1.9]"},
    expect={"激活每两层的倍数": "in [0.55, 0.75]", "梯度每两层的倍数": "in [0.55, 0.75]"},
    control=[{"mode": "fan_in"}, {"wide": 64}],
    knobs={"mode": ["xavier", "fan_in"], "wide": [64, 320], "depth": [2, 40]},
)
def bottleneck_decays(mode="xavier", wide=256, depth=20, seed=0):
    """宽窄交替的线性网络：Xavier 前向反向都衰减，只按扇入反而两头都守得住"""
    widths = [64, wide] * (depth // 2) + [64]
    activations, grads = probe(widths, mode, "linear", seed, nets=4)
    return {
        "第一层的激活二阶矩": second_moment(activations[1]).mean(),
        "激活每两层的倍数": growth(activations[-1], activations[0], depth // 2),
        "梯度每两层的倍数": growth(grads[0], grads[-1], depth // 2),
        "各层的二阶矩": by_layer(激活=activations, 梯度=grads),
    }


def final_loss(mode, seed, depth, width=24, steps=20, nets=3):
    """深层 tanh 网络做回归，全批量梯度下降；走完 steps 步的损失（常数预测为 1）。

    每个学习率各训练 nets 个随机网络取中位数，再取各学习率中最低的。
    """
    rates = {"tiny": (0.1, 1e3, 1e5, 3e5, 1e6), "xavier": (0.05, 0.1)}[mode]  # 各自调参
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1, 32, width))
    y = np.tanh(x @ rng.normal(size=(width, 1)) / np.sqrt(width))
    y = (y - y.mean()) / y.std()
    lr = np.repeat(rates, nets)[:, None, None]
    start = init_weights([width] * depth + [1], mode, rng, nets=nets)
    weights = [np.concatenate([W] * len(rates)) for W in start]  # 各学习率起点相同
    for _ in range(steps + 1):  # 最后一次前向量的是走完之后的损失
        h = [x]
        for W in weights[:-1]:
            h.append(np.tanh(h[-1] @ W))  # (rates * nets, n, width)
        error = h[-1] @ weights[-1] - y  # (rates * nets, n, 1)
        loss = np.mean(error**2, axis=(1, 2))
        delta = 2 * error / y.size * (loss < 1e6)[:, None, None]  # 发散的网络停住
        updated = []
        for W, a in zip(weights[::-1], h[::-1], strict=True):
            updated.append(W - lr * a.swapaxes(1, 2) @ delta)
            delta = (delta @ W.swapaxes(1, 2)) * (1 - a**2)
        weights = updated[::-1]
    return np.median(loss.reshape(len(rates), nets), axis=1).min()


@claim(
    guard={"换成 Xavier 走完的损失": "<= 0.15"},
    expect={"走完 20 步的损失": ">= 0.95"},
    control=[{"mode": "xavier"}, {"depth": 2}],
    knobs={"mode": ["tiny", "xavier"], "depth": [2, 8]},
)
def rate_cannot_repair(mode="tiny", depth=8, seed=0):
    """尺度太小，调学习率救不回来：走完 20 步，损失还停在常数预测"""
    return {
        "换成 Xavier 走完的损失": final_loss("xavier", seed, depth),
        "走完 20 步的损失": final_loss(mode, seed, depth),
    }


@claim(
    guard={"第一层的激活二阶矩": "in [0.3, 0.84]"},
    expect={"末层二阶矩×2L": "in [0.45, 1.6]", "四分之一深度/末层": "in [2, 8]"},
    control=[{"activation": "relu"}, {"gain": 1.6667}],
    knobs={"activation": ["tanh", "relu", "linear"], "gain": [0.8, 2.0], "depth": [16, 80]},
)
def tanh_power_law(activation="tanh", gain=1.0, depth=32, seed=0):
    """tanh 配增益 1：激活二阶矩按 1/(2L) 缓慢下降，不是每层打折的指数衰减"""
    activations, _ = probe([64] * (depth + 1), "xavier", activation, seed, gain)
    q = [second_moment(a).mean() for a in activations]
    return {
        "第一层的激活二阶矩": q[1],
        "末层二阶矩×2L": q[-1] * 2 * depth,
        "四分之一深度/末层": q[depth // 4] / q[-1],
        "各层激活的二阶矩": line(
            {activation: q[1:], "1/(2L)": [1 / (2 * L) for L in range(1, depth + 1)]},
            range(1, depth + 1),
            x_label="层",
            log_y=True,
        ),
    }


@claim(
    guard={"第一层的激活二阶矩": "in [0.3, 1.8]"},
    expect={
        "Xavier 的激活倍数": "in [0.44, 0.54]",
        "Xavier 的梯度倍数": "in [0.44, 0.54]",
        "He 的激活倍数": "in [0.88, 1.08]",
        "He 的梯度倍数": "in [0.88, 1.08]",
    },
    control={"activation": "linear"},
    knobs={"activation": ["relu", "linear", "tanh"], "width": [8, 128]},
)
def relu_halves(activation="relu", width=64, seed=0):
    """ReLU 只留下一半：Xavier 下信号与梯度的二阶矩每层减半，He 的因子 2 补回"""
    activations, grads = probe([width] * 21, "xavier", activation, seed)
    he_activations, he_grads = probe([width] * 21, "he", activation, seed)
    return {
        "第一层的激活二阶矩": second_moment(activations[1]).mean(),
        "Xavier 的激活倍数": growth(activations[-1], activations[0], 20),
        "Xavier 的梯度倍数": growth(grads[0], grads[-1], 20),
        "He 的激活倍数": growth(he_activations[-1], he_activations[0], 20),
        "He 的梯度倍数": growth(he_grads[0], he_grads[-1], 20),
        "各层激活的二阶矩": by_layer(Xavier=activations, He=he_activations),
    }


@claim(
    guard={"末层激活二阶矩": "in [0.1, 0.42]"},
    expect={"样本间方差每层倍数": "in [0.045, 0.065]", "梯度二阶矩每层倍数": "in [0.045, 0.065]"},
    control={"activation": "4σ-2"},
    knobs={"activation": ["sigmoid", "4σ-2", "tanh"], "depth": [2, 20]},
)
def sigmoid_collapses(activation="sigmoid", depth=10, seed=0):
    """sigmoid：激活不会变小，但样本间的差别和梯度每层只剩百分之几"""
    activations, grads = probe([64] * (depth + 1), "xavier", activation, seed)
    centred = [a - a.mean(axis=1, keepdims=True) for a in activations]  # 去掉批内均值
    return {
        "末层激活二阶矩": second_moment(activations[-1]).mean(),
        "样本间方差每层倍数": growth(centred[-1], centred[0], depth),
        "梯度二阶矩每层倍数": growth(grads[0], grads[-1], depth),
        "各层的二阶矩": by_layer(激活=activations, 样本间=centred, 梯度=grads),
    }


@claim(
    guard={"单层倍数的平均": "in [0.85, 1.15]"},
    expect={"末层二阶矩的中位数": "<= 0.05", "末层二阶矩的对数标准差": "in [1.7, 6.2]"},
    control=[{"depth": 4}, {"width": 32}],
    knobs={"width": [4, 32], "depth": [2, 80]},
)
def narrow_deep_scatters(width=8, depth=60, seed=0):
    """又窄又深：每层平均不放大不缩小，单个网络的信号却大多塌掉"""
    activations, _ = probe([width] * (depth + 1), "xavier", "linear", seed, nets=40)
    q = second_moment(np.stack(activations))  # (depth + 1, nets)
    return {
        "单层倍数的平均": np.mean(q[1:] / q[:-1]),
        "末层二阶矩的中位数": np.median(q[-1]),
        "末层二阶矩的对数标准差": np.log(q[-1]).std(),
        "40 个网络的末层": hist(np.log10(q[-1]), bins=16, x_label="log₁₀ 二阶矩", y_label="个数"),
    }
