"""ELU 与 SELU：负半轴的饱和、均值、零点的光滑，和写法的精度。"""

import numpy as np

from quizdl.proof import claim, line


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))  # minimum：没选中的一支也不上溢


def elu_grad(x, y, alpha=1.0):
    """负半轴的导数 α e^x 就是 f(x) + α，用前向的输出 y 即可。"""
    return np.where(x > 0, 1.0, y + alpha)


DERIVATIVES = {
    "f + alpha": elu_grad,
    "f": lambda x, y, alpha: np.where(x > 0, 1.0, y),  # 忘了加 α
}
LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772  # SELU（Klambauer 等, 2017）


def selu(x):
    return LAMBDA * elu(x, ALPHA)


@claim(
    guard={"负输入的比例": "in [0.4, 0.6]"},
    expect={"导数的最大误差": "<= 1e-8", "零点两侧导数之差": "in [-1e-5, 1e-5]"},
    control=[{"form": "f"}, {"alpha": 0.5}, {"alpha": 2.0}],
    knobs={"form": ["f + alpha", "f"], "alpha": [0.1, 3.0]},
)
def smooth_only_at_one(alpha=1.0, form="f + alpha", seed=0):
    """负半轴的导数是 f(x) + α；零点两侧的导数相差 1 − α，α = 1 才连续"""
    rng, h = np.random.default_rng(seed), 1e-6
    x = rng.uniform(-5, 5, 2000)
    x = x[np.abs(x) > 1e-3]  # 差分避开折点
    numeric = (elu(x + h, alpha) - elu(x - h, alpha)) / (2 * h)
    formula = DERIVATIVES[form](x, elu(x, alpha), alpha)
    tiny = rng.uniform(1e-7, 1e-6, 100)  # 单侧差商，f(0) = 0
    jump = elu(tiny, alpha) / tiny - elu(-tiny, alpha) / -tiny
    return {
        "负输入的比例": np.mean(x < 0),
        "导数的最大误差": np.abs(formula - numeric).max(),
        "零点两侧导数之差": jump.mean(),
    }


FUNCTIONS = {
    "elu": elu,
    "relu": lambda z: np.maximum(z, 0),
    "leaky": lambda z: np.where(z > 0, z, 0.01 * z),
    "selu": selu,
}


@claim(
    guard={"输入均值的绝对值": "<= 0.02", "输入的标准差": "in [0.98, 1.02]"},
    expect={"输出均值 / ReLU 的": "in [0.34, 0.46]", "输出的标准差": "in [0.75, 0.85]"},
    control=[{"act": "relu"}, {"act": "leaky"}, {"act": "selu"}],
    knobs={"act": ["elu", "relu", "leaky", "selu"]},
)
def mean_is_closer_to_zero(act="elu", seed=0):
    """标准正态输入：ELU 输出的均值约是 ReLU 的 0.4 倍，仍不是 0"""
    z = np.random.default_rng(seed).normal(0, 1, 40_000)
    return {
        "输入均值的绝对值": np.abs(z.mean()),
        "输入的标准差": z.std(),
        "输出均值 / ReLU 的": FUNCTIONS[act](z).mean() / FUNCTIONS["relu"](z).mean(),
        "输出的标准差": FUNCTIONS[act](z).std(),
    }


@claim(
    guard={"输入里噪声的标准差": "in [0.9, 1.1]"},
    expect={
        "负端噪声保留的比例": "in [0.003, 0.02]",
        "负端的平均导数": "in [0.002, 0.02]",
        "正端噪声保留的比例": ">= 0.99",
    },
    control=[{"act": "leaky"}, {"depth": -1.0}],
    knobs={"act": ["elu", "leaky"], "depth": [-8.0, -0.5]},
)
def saturation_kills_noise_and_gradient(act="elu", depth=-6.0, seed=0):
    """负得多的输入：噪声几乎不传下去，梯度也几乎没有；两者是一回事"""
    noise = np.random.default_rng(seed).normal(0, 1, 20_000)
    x, h = depth + noise, 1e-5
    f = {"elu": elu, "leaky": lambda z: np.where(z > 0, z, 0.1 * z)}[act]
    return {
        "输入里噪声的标准差": x.std(),
        "负端噪声保留的比例": f(x).std() / x.std(),
        "负端的平均导数": ((f(x + h) - f(x - h)) / (2 * h)).mean(),
        "正端噪声保留的比例": f(noise - depth).std() / noise.std(),
    }


def revive(act, depth, X, w, budget=1500, lr=0.5):
    """偏置从 depth 出发，目标是 2：各神经元第一次有样本被激活的步数，(units,)。"""
    f, slope = {
        "elu": (elu, lambda z: elu_grad(z, elu(z))),
        "leaky": (lambda z: np.where(z > 0, z, 0.1 * z), lambda z: np.where(z > 0, 1, 0.1)),
    }[act]
    b, steps = np.full(w.shape[1], depth), np.full(w.shape[1], float(budget))
    for step in range(1, budget):
        z = X @ w + b  # (m, units)
        d = (f(z) - 2) * slope(z) / len(X)
        w, b = w - lr * X.T @ d, b - lr * d.sum(axis=0)
        alive = (X @ w + b > 0).any(axis=0)
        steps = np.where(alive, np.minimum(steps, step), steps)
        if alive.all():
            break
    return steps


@claim(
    guard={"起点激活的样本数": "== 0", "从 −3 出发的步数": "in [5, 50]"},
    expect={"步数之比 −5 / −3": "in [5.5, 8.5]"},
    control=[{"act": "leaky"}, {"depth": -4.0}],
    knobs={"act": ["elu", "leaky"], "depth": [-6.0, -3.5]},
)
def revival_is_exponential(act="elu", depth=-5.0, seed=0):
    """ELU 的单元掉得越深，爬出来越慢：从 −5 出发的步数是从 −3 出发的五倍以上"""
    rng = np.random.default_rng(seed)
    X, w = rng.uniform(-1, 1, (64, 8)), rng.normal(0, 0.1, (8, 40))
    near, far = revive(act, -3.0, X, w), revive(act, depth, X, w)
    return {
        "起点激活的样本数": (X @ w - 3 > 0).sum(),
        "从 −3 出发的步数": near.mean(),
        "步数之比 −5 / −3": far.mean() / near.mean(),
    }


@claim(
    guard={"|x| 的最大值": "in [5e-7, 1e-6]"},
    expect={"最大相对误差": "<= 3e-7"},
    control={"form": "exp - 1"},
    knobs={"form": ["expm1", "exp - 1"], "dtype": ["float32", "float64"]},
)
def expm1_keeps_digits(form="expm1", dtype="float32", seed=0):
    """单精度、|x| 小于 1e-6：expm1 准到 3e-7，exp(x) − 1 的相对误差可达 100%"""
    x = -np.random.default_rng(seed).uniform(1e-8, 1e-6, 2000).astype(dtype)
    y = np.expm1(x) if form == "expm1" else np.exp(x) - 1
    truth = x.astype(np.float64) * (1 + x.astype(np.float64) / 2)  # 泰勒，余项 x³/6
    return {
        "|x| 的最大值": np.abs(x).max(),
        "最大相对误差": np.abs(y / truth - 1).max(),
    }


def network(act, weights, seed, depth, n):
    """深 MLP，各层激活的均值与方差 (depth + 1, 2)；输入的均值、方差故意偏离 0 和 1。"""
    rng = np.random.default_rng(seed)
    h = rng.normal(0.3, 1.4, (128, n))  # (batch, n)
    stats = [(h.mean(), h.var())]
    for _ in range(depth):
        W = rng.normal(0, 1, (n, n))
        if weights == "normalized":  # 每个神经元的入权重：和为 0，平方和为 1
            W = W - W.mean(axis=0)
            W = W / np.linalg.norm(W, axis=0)
        else:  # He
            W = W * np.sqrt(2 / n)
        h = FUNCTIONS[act](h @ W)
        stats.append((h.mean(), h.var()))
    return np.array(stats)


@claim(
    guard={"输入的方差": ">= 1.5"},
    expect={"末层的均值": "in [-0.1, 0.1]", "末层的方差": "in [0.8, 1.2]"},
    control=[{"act": "elu"}, {"act": "relu"}, {"weights": "he"}],
    knobs={"act": ["selu", "elu", "relu"], "weights": ["normalized", "he"], "depth": [5, 40]},
)
def selu_fixed_point(act="selu", weights="normalized", depth=30, seed=0):
    """SELU 加归一化的权重：三十层之后均值、方差自己回到 0 和 1"""
    stats = network(act, weights, seed, depth, 128)
    return {
        "输入的方差": stats[0, 1],
        "末层的均值": stats[-1, 0],
        "末层的方差": stats[-1, 1],
        "各层的均值与方差": line({"均值": stats[:, 0], "方差": stats[:, 1]}, x_label="层"),
    }
