"""BN 的好处：哪些量得到，哪些不是它独有的。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import claim, line

EPS = 1e-5
NETS = 3  # 每个种子三道小回归题，各有自己的网络
WIDTHS = (6, 10, 10, 10, 10, 10, 1)  # 五个隐层
RATES = np.geomspace(1e-2, 10, 10)  # 每十倍三个


def problem(seed, scale=1.0):
    """X (NETS, n, 6)，y (NETS, n, 1)，各层的权重：He 初始化乘 scale。"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(NETS, 32, 6))
    y = np.sin(X @ rng.normal(size=(NETS, 6, 1)))
    y = (y - y.mean(axis=1, keepdims=True)) / y.std(axis=1, keepdims=True)  # 猜均值的损失是 1
    he = [np.sqrt(2 / i) * rng.normal(size=(NETS, i, o)) for i, o in pairwise(WIDTHS)]
    return X, y, [scale * W for W in he], rng


def rescale_once(weights, X):
    """只在起点做一次：把每层净输入的标准差调成 1，之后照常训练（LSUV 的做法）。"""
    *layers, v = weights
    found = []
    for W in layers:
        W = W / (X @ W).std(axis=(1, 2), keepdims=True)
        found.append(W)
        X = np.maximum(X @ W, 0)
    return [*found, v]


def loss_and_gradients(weights, X, y, bn, noise):
    """每个网络的均方误差 (k,)，各层权重的梯度，末层的输入 h。

    noise：BN 之后各层再乘 gain、加 shift（Santurkar 等人的做法）。
    """
    *layers, v = weights
    h, saved = X, []
    for W, (gain, shift) in zip(layers, noise, strict=True):
        n, std = h @ W, 1.0  # (k, n, d)
        if bn:
            std = np.sqrt(n.var(axis=1, keepdims=True) + EPS)
            n = (n - n.mean(axis=1, keepdims=True)) / std
        a = np.maximum(gain * n + shift, 0)
        saved.append((h, W, n, std, (a > 0) * gain))
        h = a
    error = h @ v - y
    g = 2 * error / y.shape[1]
    dv, g, gradients = h.mT @ g, g @ v.mT, []
    for x, W, n, std, slope in reversed(saved):
        g = g * slope
        if bn:  # 穿过批统计量
            g = g - g.mean(axis=1, keepdims=True) - n * (g * n).mean(axis=1, keepdims=True)
        g = g / std
        gradients.insert(0, x.mT @ g)
        g = g @ W.mT
    return np.mean(error**2, axis=(1, 2)), [*gradients, dv], h


CALM = [(1.0, 0.0)] * 5  # 各隐层的 gain 与 shift


def shaken(rng):
    """每个隐层、每个神经元随机的缩放与平移。"""
    return [(rng.uniform(0.8, 1.25, d), rng.normal(0, 0.2, d)) for d in WIDTHS[1:-1]]


def gradient_error(seed, bn, step=1e-8):
    """损失沿随机方向的变化率：反向传播与中心差分的最大相对误差。"""
    X, y, weights, rng = problem(seed)
    along, noise = [rng.normal(size=W.shape) for W in weights], shaken(rng)
    moved = lambda t: [W + t * u for W, u in zip(weights, along, strict=True)]
    loss = lambda t: loss_and_gradients(moved(t), X, y, bn, noise)[0]  # (NETS,)
    gradients = loss_and_gradients(weights, X, y, bn, noise)[1]
    slope = sum((g * u).sum(axis=(1, 2)) for g, u in zip(gradients, along, strict=True))
    return np.abs((loss(step) - loss(-step)) / (2 * step * slope) - 1).max()


@np.errstate(over="ignore", invalid="ignore")  # 太大的学习率会发散
def train(seed, norm, scale=1.0, steps=28):
    """全批量梯度下降：各学习率最后的均方误差 (NETS, rates)，末层输入的分布每步漂移多少。"""
    X, y, weights, rng = problem(seed, scale)
    if norm == "once":
        weights = rescale_once(weights, X)
    copies = lambda a: np.repeat(a, len(RATES), axis=0)  # 每个学习率一份，(NETS·rates, ·, ·)
    X, y, weights = copies(X), copies(y), [copies(w) for w in weights]
    lr = np.tile(RATES, NETS)[:, None, None]
    moments, bn = [], norm in ("bn", "noisy")
    for _ in range(steps):
        noise = shaken(rng) if norm == "noisy" else CALM
        _, gradients, h = loss_and_gradients(weights, X, y, bn, noise)
        moments.append(np.hstack([h.mean(axis=1), h.std(axis=1)]))
        weights = [W - lr * g for W, g in zip(weights, gradients, strict=True)]
    loss = np.fmin(loss_and_gradients(weights, X, y, bn, CALM)[0], 9)  # 发散的记 9
    M = np.array(moments)  # (steps, NETS·rates, 2·width)
    drift = np.median(
        np.linalg.norm(M[1:] - M[:-1], axis=2) / np.linalg.norm(M[1:], axis=2), axis=0
    )
    return loss.reshape(NETS, -1), drift.reshape(NETS, -1)


def lowest(loss):
    """每个网络取损失最低的那个学习率，再对网络取几何平均。"""
    return np.exp(np.log(loss.min(axis=1)).mean())


def drift_at_best(drift, loss):
    chosen = np.take_along_axis(drift, loss.argmin(axis=1)[:, None], axis=1)
    return np.exp(np.log(chosen).mean())


@claim(
    guard={"没有 BN 时最好的损失": "in [0.15, 0.95]", "反向与中心差分的相对误差": "<= 0.001"},
    expect={"最好的损失": "in [0.001, 0.15]", "损失减半的学习率个数": "in [3, 7]"},
    control=[{"norm": "none"}, {"norm": "once"}],
    knobs={"norm": ["bn", "none", "once"]},
)
def trains_faster_and_wider(norm="bn", seed=0):
    """各自调好学习率，BN 网络低一个数量级，好用的学习率也多；起点调一次尺度做不到"""
    loss, _ = train(seed, norm)
    plain, _ = train(seed, "none")
    curves = {"无": np.median(plain, axis=0), norm: np.median(loss, axis=0)}
    return {
        "没有 BN 时最好的损失": lowest(plain),
        "反向与中心差分的相对误差": max(gradient_error(seed, bn) for bn in (True, False)),
        "最好的损失": lowest(loss),
        "损失减半的学习率个数": (loss < 0.5).sum(axis=1).mean(),
        "学习率与损失": line(curves, RATES, x_label="学习率", y_label="损失", log_x=True),
    }


@claim(
    guard={"没有 BN 时较差的一头": "in [0.95, 9]"},
    expect={"两头里较差的最好损失": "in [0.005, 0.5]"},
    control={"norm": "none"},
    knobs={"norm": ["bn", "none", "once"], "spread": [2.0, 4.0]},
)
def forgives_initial_scale(norm="bn", spread=3.16, seed=0):
    """权重缩小、放大三倍多，BN 网络照样学得会；没有 BN 的一头不动、一头发散"""
    worse = lambda norm: max(lowest(train(seed, norm, s)[0]) for s in (1 / spread, spread))
    return {"没有 BN 时较差的一头": worse("none"), "两头里较差的最好损失": worse(norm)}


@claim(
    guard={"BN 网络的漂移": "in [0.005, 0.1]"},
    expect={"漂移 / BN 网络的漂移": "in [4, 40]", "损失 / 没有 BN 的损失": "in [0.1, 0.8]"},
    control=[{"norm": "bn"}, {"norm": "none"}],
    knobs={"norm": ["noisy", "bn", "none"]},
)
def unstable_inputs_are_fine(norm="noisy", seed=0):
    """BN 之后故意加上每步都变的平移缩放：分布的漂移大了好几倍，训练仍比没有 BN 快"""
    plain, _ = train(seed, "none")
    calm, calm_drift = train(seed, "bn")
    loss, drift = train(seed, norm)
    return {
        "BN 网络的漂移": drift_at_best(calm_drift, calm),
        "漂移 / BN 网络的漂移": drift_at_best(drift, loss) / drift_at_best(calm_drift, calm),
        "损失 / 没有 BN 的损失": lowest(loss) / lowest(plain),
    }


STATISTICS = {  # 归一化用的均值与标准差从哪里来。batch: (批数, m)
    "train": lambda batch: (batch.mean(axis=1), batch.std(axis=1)),
    "eval": lambda batch: (batch.mean(), batch.std()),
}


def output_noise(x, m, mode, rng):
    """同一个样本 x 换 2000 批同伴，归一化之后的标准差。"""
    batch = rng.normal(size=(2000, m))
    batch[:, 0] = x
    mean, std = STATISTICS[mode](batch)
    return ((batch[:, 0] - mean) / std).std()


@claim(
    guard={"这个样本的值": "in [0.5, 2]"},
    expect={
        "批为 64 时，量到 / 理论": "in [0.92, 1.09]",
        "批为 256 时，量到 / 理论": "in [0.92, 1.09]",
    },
    control={"mode": "eval"},
    knobs={"mode": ["train", "eval"]},
)
def noise_falls_with_batch(mode="train", seed=0):
    """同一个样本每次换同伴，BN 输出的标准差约为 √(1 + x²/2) / √m；推理时没有噪声"""
    rng = np.random.default_rng(seed)
    x, sizes = rng.uniform(0.5, 2), np.array([16, 32, 64, 128, 256])
    noise = np.array([output_noise(x, m, mode, rng) for m in sizes])
    theory = np.sqrt((1 + x**2 / 2) / sizes)
    return {
        "这个样本的值": x,
        "批为 64 时，量到 / 理论": noise[2] / theory[2],
        "批为 256 时，量到 / 理论": noise[4] / theory[4],
        "噪声": line({"量到": noise, "理论": theory}, sizes, x_label="批大小", log_x=True),
    }
