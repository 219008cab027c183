"""为什么要非线性激活：线性层塌成一层，非线性能逼近什么、不能逼近什么。"""

import numpy as np

from quizdl.proof import claim, line

ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "cube": lambda z: z**3,
}


def affine_layers(rng, widths):
    pairs = zip(widths, widths[1:], strict=False)
    return [(rng.normal(0, a**-0.5, (a, b)), rng.normal(0, 1, b)) for a, b in pairs]


def forward(x, layers, act):
    """最后一层之外都加激活；x: (n, d)"""
    for W, b in layers[:-1]:
        x = ACTIVATIONS[act](x @ W + b)
    W, b = layers[-1]
    return x @ W + b


@claim(
    guard={"输出的标准差": "in [0.3, 8]", "线性部分的秩": "== 3"},
    expect={"与一个仿射变换的最大相对差": "<= 1e-9"},
    control=[{"act": "relu"}, {"act": "tanh"}],
    knobs={"act": ["identity", "relu", "tanh"]},
)
def linear_layers_collapse(act="identity", seed=0):
    """八层没有激活的网络恰好等于一个仿射变换，秩不超过最窄的一层"""
    rng = np.random.default_rng(seed)
    layers = affine_layers(rng, [10, 64, 64, 3, 64, 64, 64, 64, 8])  # 最窄处 3
    W, b = layers[0]
    for V, c in layers[1:]:
        W, b = W @ V, b @ V + c  # 合并成一层
    x = rng.normal(0, 1, (200, 10))
    y = forward(x, layers, act)
    return {
        "输出的标准差": y.std(),
        "线性部分的秩": np.linalg.matrix_rank(W),
        "与一个仿射变换的最大相对差": np.abs(y - (x @ W + b)).max() / y.std(),
    }


@claim(
    guard={"正类占比": "in [0.4, 0.6]"},
    expect={"最小二乘的残差 / 标签方差": ">= 0.9", "新样本的正确率": "<= 0.8"},
    control=[{"act": "relu"}, {"act": "tanh"}],
    knobs={"act": ["identity", "relu", "tanh"], "width": [1, 100]},
)
def xor_needs_nonlinearity(act="identity", width=30, seed=0):
    """异或数据上，没有激活的隐层再宽，最好的输出权重也几乎等于只猜均值"""
    rng = np.random.default_rng(seed)
    corner = rng.permutation(np.tile([[1, 1], [1, -1], [-1, 1], [-1, -1]], (100, 1)))
    x, y = corner + rng.normal(0, 0.2, (400, 2)), corner[:, 0] * corner[:, 1]  # 同号为正
    hidden = affine_layers(rng, [2, width])
    H = np.hstack([ACTIVATIONS[act](forward(x, hidden, act)), np.ones((400, 1))])
    v = np.linalg.lstsq(H[:200], y[:200], rcond=None)[0]  # 隐层随机，输出层取最优
    residual = H @ v - y
    return {
        "正类占比": (y > 0).mean(),
        "最小二乘的残差 / 标签方差": (residual[:200] ** 2).mean() / y[:200].var(),
        "新样本的正确率": (np.sign(H[200:] @ v) == y[200:]).mean(),
    }


def smooth_target(rng, terms=4):
    """[-1, 1] 上的随机三角多项式。"""
    a, phase = rng.uniform(0.5, 1, terms), rng.uniform(0, 2 * np.pi, terms)
    k = np.arange(1, terms + 1)
    return lambda x: np.sin(np.pi * k * x[:, None] + phase) @ a


def best_error(f, act, width, rng):
    """隐层随机、输出层最小二乘：细网格上的相对误差（均方根 / 标准差）。"""
    x = np.linspace(-1, 1, 200)
    w, b = rng.uniform(-5, 5, width), rng.uniform(-5, 5, width)
    H = np.hstack([ACTIVATIONS[act](x[:, None] * w + b), np.ones((200, 1))])
    v = np.linalg.lstsq(H, f(x), rcond=1e-12)[0]
    return np.std(H @ v - f(x)) / np.std(f(x))


@claim(
    guard={"宽 8 的误差": "in [0.1, 1]"},
    expect={"宽 80 的误差 / 宽 8 的误差": "in [0.999, 1.001]"},
    control=[{"act": "relu"}, {"act": "tanh"}],
    knobs={"act": ["cube", "relu", "tanh"]},
)
def polynomial_is_stuck(act="cube", seed=0):
    """一个隐层、激活是 z³：宽度从 8 加到 80，误差一点不降；ReLU 与 tanh 则会降"""
    rng = np.random.default_rng(seed)
    f = smooth_target(rng)
    narrow, wide = best_error(f, act, 8, rng), best_error(f, act, 80, rng)
    return {"宽 8 的误差": narrow, "宽 80 的误差 / 宽 8 的误差": wide / narrow}


TARGETS = {
    "smooth": lambda f, x: f(x),
    "step": lambda f, x: f(x) + 4 * (x > 0.3),  # 有跳跃
}


def interpolate(f, units, act, far=1.0):
    """手工搭的一个隐层：在 units + 1 个等距点上与 f 相等。返回 [-1, far] 上的 x 与输出。"""
    knots = np.linspace(-1, 1, units + 1)
    slope = np.diff(f(knots)) / np.diff(knots)  # (units,)
    v = np.diff(slope, prepend=0)  # 每个单元只负责在自己的折点上改变斜率
    x = np.linspace(-1, far, 2001)
    H = ACTIVATIONS[act](x[:, None] - knots[:-1])  # (n, units)
    return x, f(knots[:1]) + H @ v


@claim(
    guard={"16 个单元的最大误差": "in [0.02, 50]"},
    expect={"单元加倍，最大误差的倍数": "in [0.2, 0.3]"},
    control=[{"act": "identity"}, {"target": "step"}],
    knobs={"act": ["relu", "identity"], "target": ["smooth", "step"]},
)
def width_buys_accuracy(act="relu", target="smooth", seed=0):
    """闭区间上的光滑函数：手工搭的单隐层 ReLU 网络，单元加倍，最大误差降到约四分之一"""
    g = smooth_target(np.random.default_rng(seed))
    f = lambda x: TARGETS[target](g, x)
    units = [16, 32, 64, 128]
    fitted = [interpolate(f, n, act) for n in units]
    errors = [np.abs(y - f(x)).max() for x, y in fitted]
    return {
        "16 个单元的最大误差": errors[0],
        "单元加倍，最大误差的倍数": (errors[3] / errors[1]) ** (1 / 2),
        "最大误差": line(errors, units, x_label="单元数", log_x=True, log_y=True),
    }


@claim(
    guard={"区间内的最大误差": "in [1e-4, 0.05]", "区间外的二阶差分": "<= 1e-9"},
    expect={"到三倍远处的误差 / 区间内的误差": ">= 500"},
    control={"target": "bent"},
    knobs={"target": ["sine", "bent"], "far": [1.5, 5.0]},
)
def fails_outside(target="sine", far=3.0, seed=0):
    """在 [-1, 1] 上逼近得很好的 ReLU 网络，出了区间就是直线，误差大几百倍以上"""
    a, b = np.random.default_rng(seed).uniform(0.5, 1, 2)
    wave = lambda x: a * np.sin(2 * np.pi * x) + b * x
    bent = lambda x: a * np.abs(x - 0.01) + b * x  # 弯折在区间内，区间外本来就是直线
    f = wave if target == "sine" else bent
    x, y = interpolate(f, 64, "relu", far)
    error, outside = np.abs(y - f(x)), x > 1.01
    return {
        "区间内的最大误差": error[x <= 1].max(),
        "区间外的二阶差分": np.abs(np.diff(y[outside], 2)).max(),
        "到三倍远处的误差 / 区间内的误差": error[outside].max() / error[x <= 1].max(),
        "逼近与外推": line({"目标": f(x), "ReLU 网络": y}, x, x_label="x"),
    }


def tents(depth, rng):
    """每层两个 ReLU 的帐篷函数：[0, 1] 对折一次；高度在 0.98 与 1 之间随机。"""
    height = rng.uniform(0.98, 1, depth)
    first = np.ones((1, 2)), np.array([0.0, -0.5])
    fold = np.array([[2.0], [-4.0]])  # 2 relu(x) − 4 relu(x − 1/2)
    middle = [(h * fold @ first[0], first[1]) for h in height[:-1]]
    return [first, *middle, (height[-1] * fold, np.zeros(1))]


def random_layers(depth, rng):
    return affine_layers(rng, [1, *[2] * depth, 1])


def pieces(y):
    """上下起伏的段数：斜率换号的次数加一。"""
    sign = np.sign(np.diff(y))
    sign = sign[sign != 0]
    return 1 + (sign[1:] != sign[:-1]).sum()


@claim(
    guard={"同样多单元排成一层的段数": "== 12", "排成一层的最大值": "in [0.5, 1]"},
    expect={"深网络的段数": "in [63, 65]"},
    control=[{"weights": "random"}, {"act": "identity"}],
    knobs={"weights": ["tents", "random"], "act": ["relu", "identity"]},
)
def depth_folds(weights="tents", act="relu", depth=6, seed=0):
    """六层、每层两个 ReLU，手工取的权重折出 64 段；同样 12 个单元排成一层只折出 12 段"""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, 20_001)[:, None]
    layers = {"tents": tents, "random": random_layers}[weights](depth, rng)
    y = forward(x, layers, act)[:, 0]
    height = rng.uniform(0.5, 1, 2 * depth + 1) * np.resize([0, 1], 2 * depth + 1)
    zigzag = lambda x: np.interp(x, np.linspace(-1, 1, len(height)), height)
    _, shallow = interpolate(zigzag, 2 * depth, "relu")
    return {
        "同样多单元排成一层的段数": pieces(shallow),
        "排成一层的最大值": shallow.max(),
        "深网络的段数": pieces(y),
        "深网络": line(y[::50], x[::50, 0], x_label="x"),
    }


@np.errstate(over="ignore", invalid="ignore")  # 学习率过大的几份会发散
def descend(x, y, depth, lr, rng, steps=200, runs=12, width=4):
    """深网络从随机初值做梯度下降，各次、各学习率并行；返回各自的均方残差。"""
    widths = [1, *[width] * depth, 1]
    pairs = [*zip(widths, widths[1:], strict=False)]
    n = runs * len(lr)
    lr = np.repeat(lr, runs)[:, None, None]
    W = [rng.normal(0, (2 / a) ** 0.5, (n, a, b)) for a, b in pairs]
    B = [rng.normal(0, 0.3, (n, 1, b)) for _, b in pairs]
    for step in range(steps + 1):
        A = [np.broadcast_to(x[:, None], (n, len(x), 1))]
        for V, b in zip(W[:-1], B[:-1], strict=True):
            A.append(np.maximum(A[-1] @ V + b, 0))
        error = A[-1] @ W[-1] + B[-1] - y[:, None]  # (n, batch, 1)
        if step == steps:
            return (error**2).mean(axis=(1, 2))
        delta = 2 * error / len(x)
        for i in reversed(range(len(W))):
            dW, dB = A[i].transpose(0, 2, 1) @ delta, delta.sum(axis=1, keepdims=True)
            delta = delta @ W[i].transpose(0, 2, 1) * (A[i] > 0)
            W[i], B[i] = W[i] - lr * dW, B[i] - lr * dB


@claim(
    guard={"目标的标准差": ">= 0.2"},
    expect={"梯度下降最好的残差 / 方差": ">= 0.5"},
    control={"folds": 1},
    knobs={"folds": [1, 4]},
)
def existing_is_not_learned(folds=4, seed=0):
    """目标由四层、每层两个 ReLU 的网络给出；同样深、宽一倍的网络训练 36 次，没有一次学到一半"""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 1, 48))
    y = forward(x[:, None], tents(folds, rng), "relu")[:, 0]
    loss = descend(x, y, 4, np.array([0.1, 0.2, 0.4]), rng)
    return {
        "目标的标准差": y.std(),
        "梯度下降最好的残差 / 方差": np.nanmin(loss) / y.var(),
    }
