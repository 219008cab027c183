"""ELU 与 SELU：负半轴的饱和、均值、零点的光滑，和写法的精度。"""

import numpy as np

from quizdl.proof import claim, line


def elu(x, alpha=1.0):
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))  # 正的 x 不进指数，不会上溢


def elu_grad(x, y, alpha):
    """负半轴的导数 α e^x 就是 f(x) + α，用前向的输出 y 即可。"""
    return np.where(x > 0, 1.0, y + alpha)


DERIVATIVES = {
    "f + alpha": elu_grad,
    "f": lambda x, y, alpha: elu_grad(x, y, 0.0),  # 忘了加 α
}


def difference(f, x, h=1e-6):
    return (f(x + h) - f(x - h)) / (2 * h)


LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772  # SELU（Klambauer 等, 2017）
FUNCTIONS = {
    "elu": elu,
    "relu": lambda z: np.maximum(z, 0),
    "leaky": lambda z: np.maximum(z, 0.1 * z),
    "selu": lambda z: LAMBDA * elu(z, ALPHA),
}


@claim(
    guard={"负输入的比例": "in [0.4, 0.6]"},
    expect={"导数的最大误差": "<= 1e-8", "零点两侧导数之差": "in [-1e-5, 1e-5]"},
    control=[{"form": "f"}, {"alpha": 0.5}, {"alpha": 2.0}],
    knobs={"form": ["f + alpha", "f"], "alpha": [0.1, 3.0]},
)
def smooth_only_at_one(alpha=1.0, form="f + alpha", seed=0):
    """负半轴的导数是 f(x) + α；零点两侧的导数相差 1 − α，α = 1 才连续"""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-5, 5, 2000)
    x = x[np.abs(x) > 1e-3]  # 差分避开折点
    f = lambda x: elu(x, alpha)
    formula, grid = DERIVATIVES[form](x, f(x), alpha), np.linspace(-5, 2, 141)
    tiny = rng.uniform(1e-7, 1e-6, 100)  # 单侧差商，f(0) = 0
    jump = f(tiny) / tiny + f(-tiny) / tiny
    return {
        "负输入的比例": np.mean(x < 0),
        "导数的最大误差": np.abs(formula - difference(f, x)).max(),
        "零点两侧导数之差": jump.mean(),
        "ELU 与它的导数": line({"f": f(grid), "f'": elu_grad(grid, f(grid), alpha)}, grid),
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
    guard={"波动的标准差": "in [0.48, 0.52]"},
    expect={
        "负端波动保留的比例": "in [0.002, 0.005]",
        "负端的平均导数": "in [0.002, 0.005]",
        "正端波动保留的比例": "in [0.99, 1.01]",
    },
    control=[{"act": "leaky"}, {"depth": -1.0}],
    knobs={"act": ["elu", "leaky"], "depth": [-8.0, -0.5]},
)
def saturation_kills_noise_and_gradient(act="elu", depth=-6.0, seed=0):
    """负得多的输入：波动几乎不传下去，梯度也几乎没有；两者是一回事"""
    x, f = np.random.default_rng(seed).normal(depth, 0.5, 20_000), FUNCTIONS[act]
    return {
        "波动的标准差": x.std(),
        "负端波动保留的比例": f(x).std() / x.std(),
        "负端的平均导数": difference(f, x).mean(),
        "正端波动保留的比例": f(-x).std() / x.std(),
    }


def revive(act, depth, z, budget=1500, lr=0.5):
    """净输入是 z + b，只学 b，从 depth 出发，目标是 2：第一次有样本被激活的步数，单元平均。"""
    f, b, steps = FUNCTIONS[act], np.full(z.shape[1], depth), np.full(z.shape[1], budget)
    for step in range(1, budget):
        b = b - lr * ((f(z + b) - 2) * difference(f, z + b)).mean(axis=0)
        alive = (z + b > 0).any(axis=0)
        steps = np.where(alive, np.minimum(steps, step), steps)
        if alive.all():
            break
    return steps.mean()


@claim(
    guard={
        "起点激活的样本数": "== 0",
        "净输入的标准差": "in [0.12, 0.22]",
        "ELU 从 −3 出发的步数 / 理论": "in [1, 1.3]",
        "Leaky ReLU 步数之比 −5 / −3": "in [1.4, 1.8]",
    },
    expect={"步数之比": "in [6.5, 7.5]"},
    control=[{"act": "leaky"}, {"depth": -4.0}],
    knobs={"act": ["elu", "leaky"], "depth": [-6.0, -3.5]},
)
def revival_is_exponential(act="elu", depth=-5.0, seed=0):
    """ELU 的单元掉得越深，爬出来越慢：从 −5 出发的步数是从 −3 出发的约七倍"""
    rng = np.random.default_rng(seed)
    z = rng.uniform(-1, 1, (64, 8)) @ rng.normal(0, 0.1, (8, 40))  # (样本, 单元)
    return {
        "起点激活的样本数": (z - 3 > 0).sum(),
        "净输入的标准差": z.std(),
        "ELU 从 −3 出发的步数 / 理论": revive("elu", -3.0, z) / (np.expm1(3) / 3 / 0.5),
        "Leaky ReLU 步数之比 −5 / −3": revive("leaky", -5.0, z) / revive("leaky", -3.0, z),
        "步数之比": revive(act, depth, z) / revive(act, -3.0, z),
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


def normalized(W):
    """每个神经元的入权重（一列）：和为 0，平方和为 1。"""
    W = W - W.mean(axis=0)
    return W / np.linalg.norm(W, axis=0)


WEIGHTS = {"normalized": normalized, "he": lambda W: W * np.sqrt(2 / len(W))}


@claim(
    guard={"输入的均值": "in [0.2, 0.4]", "输入的方差": "in [1.8, 2.1]"},
    expect={
        "入权重之和离 0": "<= 1e-12",
        "入权重平方和离 1": "<= 1e-12",
        "末层的均值": "in [-0.1, 0.1]",
        "末层的方差": "in [0.8, 1.2]",
    },
    control=[{"act": "elu"}, {"act": "relu"}, {"weights": "he"}],
    knobs={"act": ["selu", "elu", "relu"], "weights": ["normalized", "he"], "depth": [5, 40]},
)
def selu_fixed_point(act="selu", weights="normalized", depth=30, seed=0):
    """SELU 加归一化的权重：三十层之后均值、方差自己回到 0 和 1"""
    rng = np.random.default_rng(seed)
    h = rng.normal(0.3, 1.4, (128, 128))  # (batch, n)，均值、方差故意偏离 0 和 1
    stats = [(h.mean(), h.var())]
    for _ in range(depth):
        W = WEIGHTS[weights](rng.normal(0, 1, (128, 128)))
        h = FUNCTIONS[act](h @ W)
        stats.append((h.mean(), h.var()))
    means, variances = np.transpose(stats)
    return {
        "输入的均值": means[0],
        "输入的方差": variances[0],
        "入权重之和离 0": np.abs(W.sum(axis=0)).max(),
        "入权重平方和离 1": np.abs((W**2).sum(axis=0) - 1).max(),
        "末层的均值": means[-1],
        "末层的方差": variances[-1],
        "各层的均值与方差": line({"均值": means, "方差": variances}, x_label="层"),
    }
