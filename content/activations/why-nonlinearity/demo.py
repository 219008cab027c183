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
    return [(rng.standard_normal((a, b)) / np.sqrt(a), rng.standard_normal(b)) for a, b in pairs]


def forward(x, layers, act):
    """最后一层之外都加激活；x: (n, d)"""
    for W, b in layers[:-1]:
        x = ACTIVATIONS[act](x @ W + b)
    W, b = layers[-1]
    return x @ W + b


@claim(
    guard={"输出的标准差": "in [0.3, 8]", "线性部分的秩": "== 3"},
    expect={"与一个仿射变换的最大差": "<= 1e-9"},
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
    x = rng.standard_normal((200, 10))
    y = forward(x, layers, act)
    return {
        "输出的标准差": y.std(),
        "线性部分的秩": np.linalg.matrix_rank(W),
        "与一个仿射变换的最大差": np.abs(y - (x @ W + b)).max(),
    }


@claim(
    guard={"标签的均值": "in [-0.1, 0.1]", "换成 ReLU，新样本的正确率": ">= 0.95"},
    expect={"最小二乘的残差 / 标签方差": ">= 0.9", "新样本的正确率": "<= 0.8"},
    control=[{"act": "relu"}, {"act": "tanh"}],
    knobs={"act": ["identity", "relu", "tanh"], "width": [8, 100]},
)
def xor_needs_nonlinearity(act="identity", width=30, seed=0):
    """异或数据上，没有激活的隐层再宽，最好的输出权重也几乎等于只猜均值"""
    rng = np.random.default_rng(seed)
    corner = rng.permutation(np.tile([[1, 1], [1, -1], [-1, 1], [-1, -1]], (100, 1)))
    x = corner + 0.2 * rng.standard_normal(corner.shape)
    y = corner.prod(axis=1)  # 同号为正；方差是 1
    z, half = forward(x, affine_layers(rng, [2, width]), act), len(y) // 2

    def fit(act):
        """隐层随机，输出层取最优：一半样本上的均方残差，另一半上的正确率。"""
        H = np.hstack([ACTIVATIONS[act](z), np.ones((len(y), 1))])
        out = H @ np.linalg.lstsq(H[:half], y[:half])[0]
        return np.mean((out - y)[:half] ** 2), np.mean((np.sign(out) == y)[half:])

    residual, accuracy = fit(act)
    return {
        "标签的均值": y.mean(),
        "换成 ReLU，新样本的正确率": fit("relu")[1],
        "最小二乘的残差 / 标签方差": residual,
        "新样本的正确率": accuracy,
    }


def smooth_target(rng, terms=4):
    """[-1, 1] 上的随机三角多项式。"""
    a, phase = rng.uniform(0.5, 1, terms), rng.uniform(-np.pi, np.pi, terms)
    k = np.arange(1, terms + 1)
    return lambda x: np.sin(np.pi * k * x[:, None] + phase) @ a


GRID = np.linspace(-1, 1, 200)


def best_error(f, act, width, rng):
    """隐层随机、输出层最小二乘：细网格上的均方根误差。"""
    w, b = rng.standard_normal((2, width))
    H = np.hstack([ACTIVATIONS[act](GRID[:, None] * w + b), np.ones((len(GRID), 1))])
    return np.std(H @ np.linalg.lstsq(H, f(GRID))[0] - f(GRID))


@claim(
    guard={"三次多项式的误差 / 目标的标准差": "in [0.1, 1]"},
    expect={
        "宽 8 的误差 / 三次多项式的": "in [0.999, 1.001]",
        "宽 80 的误差 / 三次多项式的": "in [0.999, 1.001]",
    },
    control=[{"act": "relu"}, {"act": "tanh"}],
    knobs={"act": ["cube", "relu", "tanh"]},
)
def polynomial_is_stuck(act="cube", seed=0):
    """一个隐层、激活是 z³：宽度从 8 加到 80，误差一点不降；ReLU 与 tanh 则会降"""
    rng = np.random.default_rng(seed)
    f = smooth_target(rng)
    cubic = np.std(f(GRID) - np.polyval(np.polyfit(GRID, f(GRID), 3), GRID))
    return {
        "三次多项式的误差 / 目标的标准差": cubic / np.std(f(GRID)),
        "宽 8 的误差 / 三次多项式的": best_error(f, act, 8, rng) / cubic,
        "宽 80 的误差 / 三次多项式的": best_error(f, act, 80, rng) / cubic,
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
    guard={"128 个单元的最大误差": "in [1e-3, 50]"},
    expect={
        "单元加倍，最大误差的倍数": "in [0.2, 0.3]",
        "最大误差 / (h²/8 · max|f″|)": "in [0.9, 1.05]",
    },
    control=[{"act": "identity"}, {"jump": 4.0}],
    knobs={"act": ["relu", "identity"], "jump": [0.0, 8.0]},
)
def width_buys_accuracy(act="relu", jump=0.0, seed=0):
    """闭区间上的光滑函数：手工搭的单隐层 ReLU 网络，单元加倍，最大误差降到约四分之一"""
    g, d = smooth_target(np.random.default_rng(seed)), 1e-3
    f = lambda x: g(x) + jump * (x > 0.3)
    units = [16, 32, 64, 128]
    fitted = [interpolate(f, n, act) for n in units]
    errors = [np.abs(y - f(x)).max() for x, y in fitted]
    *_, coarse, fine = errors
    bend = np.abs(g(GRID + d) - 2 * g(GRID) + g(GRID - d)).max() / d**2  # max|f″|
    return {
        "128 个单元的最大误差": fine,
        "单元加倍，最大误差的倍数": fine / coarse,
        "最大误差 / (h²/8 · max|f″|)": fine / ((2 / units[-1]) ** 2 / 8 * bend),
        "最大误差": line(errors, units, x_label="单元数", log_x=True, log_y=True),
    }


@claim(
    guard={"区间内的最大误差": "in [1e-4, 0.05]", "区间外的二阶差分": "<= 1e-9"},
    expect={"到三倍远处的误差 / 区间内的误差": "in [1000, 4000]"},
    control={"target": "bent"},
    knobs={"target": ["sine", "bent"], "far": [1.5, 5.0]},
)
def fails_outside(target="sine", far=3.0, seed=0):
    """在 [-1, 1] 上逼近得很好的 ReLU 网络，出了区间就是直线，误差大一千倍以上"""
    a, b, phase = np.random.default_rng(seed).uniform(0.5, 1, 3)
    wave = lambda x: a * np.sin(2 * np.pi * x + phase) + b * x
    bent = lambda x: a * np.abs(x - 0.01) + b * x  # 弯折在区间内，区间外本来就是直线
    f = {"sine": wave, "bent": bent}[target]
    x, y = interpolate(f, 64, "relu", far)
    error, outside = np.abs(y - f(x)), x > 1
    inside = error[~outside].max()
    return {
        "区间内的最大误差": inside,
        "区间外的二阶差分": np.abs(np.diff(y[outside], 2)).max(),
        "到三倍远处的误差 / 区间内的误差": error[outside].max() / inside,
        "逼近与外推": line({"目标": f(x), "ReLU 网络": y}, x, x_label="x"),
    }


def tents(height):
    """每层两个 ReLU 的帐篷函数：各把 [0, 1] 对折一次，折出的尖高 height。"""
    first = np.ones((1, 2)), np.array([0.0, -0.5])
    fold = np.array([[2.0], [-4.0]])  # 2 relu(x) − 4 relu(x − 1/2)
    middle = [(h * fold @ first[0], first[1]) for h in height[:-1]]
    return [first, *middle, (height[-1] * fold, np.zeros(1))]


def pieces(y):
    """上下起伏的段数：斜率换号的次数加一。"""
    sign = np.sign(np.diff(y))
    sign = sign[sign != 0]
    return 1 + (sign[1:] != sign[:-1]).sum()


@claim(
    guard={"同样多单元排成一层的段数": "== 12", "排成一层的最大值": "in [0.5, 1]"},
    expect={"深网络的段数": "in [63, 65]", "与逐次对折之差": "<= 1e-9"},
    control=[{"weights": "random"}, {"act": "identity"}],
    knobs={"weights": ["tents", "random"], "act": ["relu", "identity"]},
)
def depth_folds(weights="tents", act="relu", depth=6, seed=0):
    """六层、每层两个 ReLU，手工取的权重折出 64 段；同样 12 个单元排成一层只折出 12 段"""
    rng = np.random.default_rng(seed)
    x, height = np.linspace(0, 1, 20_001), rng.uniform(0.98, 1, depth)
    random = affine_layers(rng, [1, *[2] * depth, 1])
    layers = {"tents": tents(height), "random": random}[weights]
    y, folded = forward(x[:, None], layers, act)[:, 0], x
    for h in height:
        folded = h * (1 - np.abs(2 * folded - 1))
    corners = rng.uniform(0.5, 1, 2 * depth + 1) * np.resize([0, 1], 2 * depth + 1)
    zigzag = lambda x: np.interp(x, np.linspace(-1, 1, len(corners)), corners)
    _, shallow = interpolate(zigzag, 2 * depth, "relu")
    return {
        "同样多单元排成一层的段数": pieces(shallow),
        "排成一层的最大值": shallow.max(),
        "深网络的段数": pieces(y),
        "与逐次对折之差": np.abs(y - folded).max(),
        "深网络": line(y[::50], x[::50], x_label="x"),
    }


@np.errstate(over="ignore", invalid="ignore")  # 学习率过大的几份会发散
def descend(x, y, depth, rng):
    """深网络从随机初值做 200 步梯度下降，12 次 × 3 个学习率并行；最小的残差 / 方差。"""
    lr = np.repeat([0.1, 0.2, 0.4], 12)[:, None, None]
    n, widths = len(lr), [1, *[4] * depth, 1]
    pairs = [*zip(widths, widths[1:], strict=False)]
    W = [rng.standard_normal((n, a, b)) * np.sqrt(2 / a) for a, b in pairs]
    B = [0.3 * rng.standard_normal((n, 1, b)) for _, b in pairs]
    for _ in range(200):
        A = [np.broadcast_to(x[:, None], (n, len(x), 1))]
        for V, b in zip(W[:-1], B[:-1], strict=True):
            A.append(np.maximum(A[-1] @ V + b, 0))
        error = A[-1] @ W[-1] + B[-1] - y[:, None]  # (n, batch, 1)
        delta = 2 * error / len(x)
        for i in reversed(range(len(W))):
            dW, dB = A[i].transpose(0, 2, 1) @ delta, delta.sum(axis=1, keepdims=True)
            delta = delta @ W[i].transpose(0, 2, 1) * (A[i] > 0)
            W[i], B[i] = W[i] - lr * dW, B[i] - lr * dB
    return np.nanmin((error**2).mean(axis=1)) / y.var()


@claim(
    guard={"目标的标准差": ">= 0.2", "只对折一次的目标 最好的残差 / 方差": "<= 0.3"},
    expect={"梯度下降最好的残差 / 方差": "in [0.5, 1]"},
    control={"folds": 1},
    knobs={"folds": [1, 4]},
)
def existing_is_not_learned(folds=4, seed=0):
    """目标由四层、每层两个 ReLU 的网络给出；同样深、宽一倍的网络训练 36 次，没有一次学到一半"""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 1, 48))
    target = lambda folds: forward(x[:, None], tents(rng.uniform(0.98, 1, folds)), "relu")[:, 0]
    y = target(folds)
    return {
        "目标的标准差": y.std(),
        "只对折一次的目标 最好的残差 / 方差": descend(x, target(1), 4, rng),
        "梯度下降最好的残差 / 方差": descend(x, y, 4, rng),
    }
