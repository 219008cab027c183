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


def slope_error(activation, step=1e-6):
    """导数与中心差分最多相差多少。"""
    act, act_grad = ACTIVATIONS[activation]
    z = np.linspace(-3, 3, 50)  # 偶数个点，避开 ReLU 在 0 处的折点
    return np.abs((act(z + step) - act(z - step)) / (2 * step) - act_grad(z)).max()


def weight_variance(fan_in, fan_out, mode):
    return {
        "xavier": 2 / (fan_in + fan_out),  # Glorot & Bengio 式 (12)
        "fan_in": 1 / fan_in,  # 只顾前向
        "he": 2 / fan_in,  # He 等，式 (10)：给 ReLU 补上因子 2
        "tiny": 0.01**2,  # 标准差 0.01，与宽度无关
    }[mode]


def init_weights(widths, mode, rng, nets):
    """逐层 U(-a, a)，a = √(3·Var)；xavier 时就是 a = √(6/(fan_in+fan_out))。"""
    weights = []
    for fan_in, fan_out in zip(widths[:-1], widths[1:], strict=True):
        a = np.sqrt(3 * weight_variance(fan_in, fan_out, mode))
        weights.append(rng.uniform(-a, a, (nets, fan_in, fan_out)))
    return weights


def probe(widths, mode, activation, seed, gain=1.0, nets=6, batch=4):
    """nets 个独立的随机网络，输入与输出端的梯度都是标准正态。

    返回每层的激活（从输入数起），以及损失对每层激活的梯度（从输出数起）。
    """
    act, act_grad = ACTIVATIONS[activation]
    rng = np.random.default_rng(seed)
    weights = [gain * W for W in init_weights(widths, mode, rng, nets)]
    activations, slopes = [rng.normal(size=(nets, batch, widths[0]))], []
    for W in weights:
        z = activations[-1] @ W  # (nets, batch, fan_out)
        activations.append(act(z))
        slopes.append(act_grad(z))
    grads = [rng.normal(size=z.shape)]
    for W, slope in zip(weights[::-1], slopes[::-1], strict=True):
        grads.append((grads[-1] * slope) @ W.swapaxes(1, 2))  # (nets, batch, fan_in)
    return activations, grads


def second_moment(a):
    return np.mean(a**2, axis=(-2, -1))  # 每个网络一个数


def growth(path):
    """沿传播方向，二阶矩每一步乘上的倍数（各步几何平均，再对网络平均）。"""
    total = second_moment(path[-1]) / second_moment(path[0])
    return np.mean(total ** (1 / (len(path) - 1)))


def by_layer(paths):
    """一张图：名称 → 各层的二阶矩，对网络平均。"""
    curves = {name: [second_moment(a).mean() for a in path] for name, path in paths.items()}
    return line(curves, x_label="层（0 是输入）", y_label="二阶矩", log_y=True)


@claim(
    guard={"输入均值/标准差": "in [1, 2.3]"},
    expect={"前向倍数/(扇入·Var) 离 1": "<= 0.4", "反向倍数/(扇出·Var) 离 1": "<= 0.1"},
    control={"shift": 1.0},
    knobs={"shift": [0.0, 2.0], "fan_in": [100, 800], "fan_out": [100, 800]},
)
def fan_in_and_fan_out(shift=0.0, fan_in=500, fan_out=250, seed=0):
    """一层线性映射：前向乘 fan_in·Var(w)，反向乘 fan_out·Var(w)；输入不必零均值"""
    rng = np.random.default_rng(seed)
    size = fan_in, fan_out
    x = rng.uniform(0, 1, (32, fan_in))  # 输入全为正
    g = rng.normal(size=(32, fan_out))  # 输出端的梯度
    forward, backward = [], []
    for W in (rng.uniform(-1, 1, size), rng.normal(size=size), rng.choice([-1, 1], size)):
        W = W / W.std() + shift  # 方差都是 1；shift：权重的均值，以标准差计
        forward.append(growth([x, x @ W]) / fan_in)
        backward.append(growth([g, g @ W.T]) / fan_out)
    return {
        "输入均值/标准差": x.mean() / x.std(),
        "前向倍数/(扇入·Var) 离 1": np.abs(np.array(forward) - 1).max(),
        "反向倍数/(扇出·Var) 离 1": np.abs(np.array(backward) - 1).max(),
    }


@claim(
    guard={
        "输入的二阶矩": "in [0.8, 1.2]",
        "只取扇入：最小的激活": ">= 0.45",
        "只取扇入：最大的激活": "<= 2.2",
    },
    expect={
        "第一层的倍数": "in [0.35, 0.45]",
        "激活每两层的倍数": "in [0.58, 0.69]",
        "梯度每两层的倍数": "in [0.58, 0.69]",
    },
    control=[{"mode": "fan_in"}, {"wide": 64}],
    knobs={"mode": ["xavier", "fan_in"], "wide": [64, 320], "depth": [2, 40]},
)
def bottleneck_decays(mode="xavier", wide=256, depth=20, seed=0):
    """宽窄交替的线性网络：Xavier 前向反向都衰减，只按扇入反而两头都守得住"""
    widths = [64, wide] * (depth // 2) + [64]
    activations, grads = probe(widths, mode, "linear", seed)
    forward_only, _ = probe(widths, "fan_in", "linear", seed)
    kept = [second_moment(a).mean() for a in forward_only]
    return {
        "输入的二阶矩": second_moment(activations[0]).mean(),
        "第一层的倍数": growth(activations[:2]),
        "激活每两层的倍数": growth(activations[::2]),
        "梯度每两层的倍数": growth(grads[::2]),
        "只取扇入：最小的激活": min(kept),
        "只取扇入：最大的激活": max(kept),
        "各层的二阶矩": by_layer(
            {"激活": activations, "梯度": grads[::-1], "只取扇入的激活": forward_only}
        ),
    }


RATES = 0.1, 1e3, 1e5, 3e5, 1e6  # 到最后一个已经发散


def final_loss(mode, seed, depth, width=24, steps=20, nets=3):
    """深层 tanh 网络做回归，全批量梯度下降；走完 steps 步的损失（常数预测为 1）。

    每个学习率各训练 nets 个随机网络，取中位数。
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(32, width))
    y = x @ rng.normal(size=(width, 1))
    y = (y - y.mean()) / y.std()
    lr = np.repeat(RATES, nets)[:, None, None]
    start = init_weights([width] * depth + [1], mode, rng, nets)
    weights = [np.concatenate([W] * len(RATES)) for W in start]  # 各学习率起点相同
    for _ in range(steps + 1):  # 最后一次前向量的是走完之后的损失
        h = [x[None]]
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
    return np.median(loss.reshape(len(RATES), nets), axis=1)


@claim(
    guard={"换成 Xavier 走完的损失": "<= 0.3", "学习率 10⁶ 的损失": ">= 100"},
    expect={"走完 20 步最低的损失": ">= 0.95", "学习率 10⁵ 的损失": "in [0.99, 1.01]"},
    control=[{"mode": "xavier"}, {"depth": 2}],
    knobs={"mode": ["tiny", "xavier"], "depth": [2, 8]},
)
def rate_cannot_repair(mode="tiny", depth=8, seed=0):
    """尺度太小，调学习率救不回来：走完 20 步，损失还停在常数预测"""
    losses = final_loss(mode, seed, depth)
    return {
        "换成 Xavier 走完的损失": final_loss("xavier", seed, depth).min(),
        "走完 20 步最低的损失": losses.min(),
        "学习率 10⁵ 的损失": losses[RATES.index(1e5)],
        "学习率 10⁶ 的损失": losses[RATES.index(1e6)],
    }


@claim(
    guard={"输入的二阶矩": "in [0.8, 1.2]"},
    expect={
        "末层二阶矩×2L": "in [0.45, 1.6]",
        "四分之一深度/末层": "in [2, 8]",
        "首层的梯度×L": "in [0.3, 2]",
    },
    control=[{"activation": "relu"}, {"gain": 1.6667}],
    knobs={"activation": ["tanh", "relu", "linear"], "gain": [0.8, 2.0], "depth": [16, 80]},
)
def tanh_power_law(activation="tanh", gain=1.0, depth=32, seed=0):
    """tanh 配增益 1：激活二阶矩按 1/(2L) 缓慢下降，不是每层打折的指数衰减；梯度也是幂律"""
    paths = probe([64] * (depth + 1), "xavier", activation, seed, gain)
    q, p = ([second_moment(a).mean() for a in path] for path in paths)
    return {
        "输入的二阶矩": q[0],
        "末层二阶矩×2L": q[depth] * 2 * depth,
        "四分之一深度/末层": q[depth // 4] / q[depth],
        "首层的梯度×L": p[depth] * depth,
        "各层激活的二阶矩": line(
            {activation: q[1:], "1/(2L)": [1 / (2 * L) for L in range(1, depth + 1)]},
            range(1, depth + 1),
            x_label="层",
            log_y=True,
        ),
    }


@claim(
    guard={"输入的二阶矩": "in [0.8, 1.2]", "导数与中心差分之差": "<= 1e-6"},
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
    (activations, grads), (he_activations, he_grads) = (
        probe([width] * 21, mode, activation, seed) for mode in ("xavier", "he")
    )
    return {
        "输入的二阶矩": second_moment(activations[0]).mean(),
        "导数与中心差分之差": slope_error(activation),
        "Xavier 的激活倍数": growth(activations),
        "Xavier 的梯度倍数": growth(grads),
        "He 的激活倍数": growth(he_activations),
        "He 的梯度倍数": growth(he_grads),
        "各层激活的二阶矩": by_layer({"Xavier": activations, "He": he_activations}),
    }


@claim(
    guard={"末层激活二阶矩": "in [0.1, 0.42]", "导数与中心差分之差": "<= 1e-6"},
    expect={"样本间方差每层倍数": "in [0.045, 0.065]", "梯度二阶矩每层倍数": "in [0.045, 0.065]"},
    control={"activation": "4σ-2"},
    knobs={"activation": ["sigmoid", "4σ-2", "tanh"], "depth": [2, 20]},
)
def sigmoid_collapses(activation="sigmoid", depth=10, seed=0):
    """sigmoid：激活不会变小，但样本间的差别和梯度每层只剩百分之几"""
    activations, grads = probe([64] * (depth + 1), "xavier", activation, seed)
    centred = [a - a.mean(axis=1, keepdims=True) for a in activations]  # 去掉批内均值
    return {
        "末层激活二阶矩": second_moment(activations[depth]).mean(),
        "导数与中心差分之差": slope_error(activation),
        "样本间方差每层倍数": growth(centred),
        "梯度二阶矩每层倍数": growth(grads),
        "各层的二阶矩": by_layer({"激活": activations, "样本间": centred, "梯度": grads[::-1]}),
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
        "末层二阶矩的中位数": np.median(q[depth]),
        "末层二阶矩的对数标准差": np.log(q[depth]).std(),
        "40 个网络的末层": hist(
            np.log10(q[depth]), bins=16, x_label="log₁₀ 二阶矩", y_label="个数"
        ),
    }
