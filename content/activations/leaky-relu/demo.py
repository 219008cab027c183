"""Leaky ReLU：负半轴留一点斜率，换来了什么，没换来什么。"""

import numpy as np

from quizdl.proof import claim, line


def leaky(z, alpha):
    return np.where(z > 0, z, alpha * z)


def slope(z, alpha):
    return np.where(z > 0, 1.0, alpha)


def revive(alpha, target, z, budget=500, lr=1.0):
    """净输入是 z + b，只学 b，从 −5 出发；各神经元第一次有样本被激活的步数，和每步的比例。"""
    b, steps, shares = np.full(z.shape[1], -5.0), np.full(z.shape[1], budget), []
    for step in range(1, budget):
        d = (leaky(z + b, alpha) - target) * slope(z + b, alpha)  # 目标为正：应当激活
        b = b - lr * d.mean(axis=0)
        alive = (z + b > 0).any(axis=0)
        steps = np.where(alive, np.minimum(steps, step), steps)
        shares.append(alive.mean())
        if alive.all():
            break
    return steps.mean(), shares


@claim(
    guard={
        "起点激活的样本数": "== 0",
        "净输入的标准差": "in [0.2, 0.45]",
        "α = 0.1 时的步数": "in [17, 22]",
    },
    expect={"步数与 α = 0.1 时之比": "in [10.3, 11.7]"},
    control=[{"alpha": 0.0}, {"target": -4.0}],
    knobs={"alpha": [0.0, 0.1], "target": [-4.0, 4.0]},
)
def revival_time_is_inverse_to_slope(alpha=0.01, target=2.0, seed=0):
    """全部样本落在负半轴的神经元：α 从 0.1 减到 0.01，复活的步数约为十倍；α = 0 永不复活"""
    rng = np.random.default_rng(seed)
    z = rng.uniform(-1, 1, (64, 8)) @ rng.normal(0, 0.2, (8, 40))  # (样本, 单元)
    fast, _ = revive(0.1, 2.0, z)
    slow, shares = revive(alpha, target, z)
    return {
        "起点激活的样本数": (z - 5 > 0).sum(),
        "净输入的标准差": z.std(),
        "α = 0.1 时的步数": fast,
        "步数与 α = 0.1 时之比": slow / fast,
        "复活的比例": line(shares, x_label="步", y_label="比例"),
    }


@claim(
    guard={"输入均值的绝对值": "<= 0.02", "ReLU 输出的均值": "in [0.38, 0.42]"},
    expect={"均值之比 Leaky / ReLU": "in [0.985, 0.995]", "恰为 0 的比例": "== 0"},
    control=[{"alpha": 0.25}, {"alpha": 0.0}],
    knobs={"alpha": [0.0, 1.0]},
)
def mean_barely_moves(alpha=0.01, seed=0):
    """标准正态输入，α = 0.01 的输出均值只比 ReLU 小 1%，稀疏却全没了"""
    z = np.random.default_rng(seed).normal(0, 1, 40_000)
    return {
        "输入均值的绝对值": np.abs(z.mean()),
        "ReLU 输出的均值": leaky(z, 0.0).mean(),
        "均值之比 Leaky / ReLU": leaky(z, alpha).mean() / leaky(z, 0.0).mean(),
        "恰为 0 的比例": np.mean(leaky(z, alpha) == 0),
    }


@claim(
    guard={"负的激活的比例": "in [0.4, 0.6]"},
    expect={"每层均方的倍数": "in [0.9, 1.1]"},
    control=[{"gain": "relu"}, {"gain": "linear"}],
    knobs={"gain": ["leaky", "relu", "linear"], "alpha": [0.0, 1.0]},
)
def gain_keeps_second_moment(gain="leaky", alpha=0.5, depth=20, seed=0):
    """权重方差取 2 / ((1 + α²) n)：二十层 α = 0.5 的网络，均方不增不减"""
    rng, n = np.random.default_rng(seed), 128
    variance = {"leaky": 2 / (1 + alpha**2), "relu": 2.0, "linear": 1.0}[gain]
    h = rng.normal(0, 1, (64, n))
    powers = [np.mean(h**2)]
    for _ in range(depth):
        h = leaky(h @ rng.normal(0, np.sqrt(variance / n), (n, n)), alpha)
        powers.append(np.mean(h**2))
    return {
        "负的激活的比例": np.mean(h < 0),
        "每层均方的倍数": np.exp(np.polyfit(np.arange(depth + 1), np.log(powers), 1)[0]),
        "各层的均方": line(powers, range(depth + 1), x_label="层", log_y=True),
    }


def train(alpha, bias, seed, hidden=16, tasks=3, steps=120):
    """一个隐层的回归，偏置从 bias 出发。每题取最好的学习率：测试误差，和整批为负的单元的比例。"""
    rng = np.random.default_rng(seed)
    lr = np.array([0.03, 0.06, 0.12, 0.25])[:, None, None]
    copies = lambda a: np.tile(a[:, None], (1, len(lr), 1, 1))  # (tasks, lrs, ·, ·)
    X = rng.normal(0, 1, (tasks, 1, 256, 6))  # 前一半训练，后一半测试
    y = np.sin(X @ rng.normal(0, 6**-0.5, (tasks, 1, 6, 3))).sum(axis=3, keepdims=True)
    x, t = X[:, :, :128], y[:, :, :128]
    W = copies(rng.normal(0, np.sqrt(2 / 6), (tasks, 6, hidden)))
    v = copies(rng.normal(0, hidden**-0.5, (tasks, hidden, 1)))
    b, c = np.full((tasks, len(lr), 1, hidden), float(bias)), np.zeros((tasks, len(lr), 1, 1))
    for _ in range(steps):
        z = x @ W + b
        error = (leaky(z, alpha) @ v + c - t) / 128
        d = error @ v.mT * slope(z, alpha)
        v, c = v - lr * leaky(z, alpha).mT @ error, c - lr * error.sum(axis=2, keepdims=True)
        W, b = W - lr * x.mT @ d, b - lr * d.sum(axis=2, keepdims=True)
    negative = (x @ W + b <= 0).all(axis=2).mean()
    error = (leaky(X @ W + b, alpha) @ v + c - y)[:, :, 128:]
    loss = (error**2).mean(axis=(2, 3)) / y.var(axis=(2, 3))  # (tasks, lrs)，常数预测约为 1
    return loss.min(axis=1), negative


def ratio(a, b):
    return np.exp(np.log(a / b).mean())


@claim(
    guard={"ReLU 整批为负的单元": ">= 0.8"},
    expect={"Leaky 整批为负的单元": ">= 0.8", "测试误差 ReLU / Leaky": "in [0.9, 1.3]"},
    control={"alpha": 0.1},
    knobs={"alpha": [0.0, 0.2], "bias": [-8.0, 0.0]},
)
def tiny_slope_barely_rescues(alpha=0.01, bias=-6.0, seed=0):
    """偏置被推到 −6：α = 0.01 训练 120 步，八成以上的单元仍整批为负，误差与 ReLU 相近"""
    dead, dead_share = train(0.0, bias, seed)
    saved, share = train(alpha, bias, seed)
    return {
        "ReLU 整批为负的单元": dead_share,
        "Leaky 整批为负的单元": share,
        "测试误差 ReLU / Leaky": ratio(dead, saved),
    }


@claim(
    guard={"ReLU 的测试误差": "in [0.03, 1.4]"},
    expect={"测试误差 ReLU / Leaky": "in [0.8, 1.2]"},
    control={"bias": -6.0},
    knobs={"bias": [-8.0, 0.0], "alpha": [0.01, 1.0]},
)
def no_gain_when_healthy(alpha=0.1, bias=0.0, seed=0):
    """没有单元死掉时，各自调好学习率，Leaky 与 ReLU 的测试误差相差不到两成"""
    plain, _ = train(0.0, bias, seed)
    other, _ = train(alpha, bias, seed)
    return {"ReLU 的测试误差": plain.mean(), "测试误差 ReLU / Leaky": ratio(plain, other)}
