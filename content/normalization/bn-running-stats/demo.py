"""BN 的滑动统计量：框架怎么攒、怎么合、怎么被弄脏。"""

import numpy as np

from quizdl.proof import claim, line


def ema_path(batches, weight, start=0.0):
    """running ← (1 − weight)·running + weight·batch；weight 是 PyTorch 的 momentum。(T, C)"""
    running, path = start, []
    for batch in batches:
        running = (1 - weight) * running + weight * batch
        path.append(running)
    return np.array(path)


def ema(batches, weight, start=0.0):
    """最后的值，(C,)。"""
    return ema_path(batches, weight, start)[-1]


def keras_ema(batches, momentum):
    """Keras 的约定：momentum 是旧值的权重。"""
    running, path = 0.0, []
    for batch in batches:
        running = momentum * running + (1 - momentum) * batch
        path.append(running)
    return np.array(path)


@claim(
    guard={"滑动均值走过的比例": "in [0.97, 1.03]"},
    expect={"两条轨迹的最大相对差": "<= 1e-12"},
    control=[{"keras": 0.1}, {"keras": 0.99}],
    knobs={"torch": [0.01, 0.5], "keras": [0.1, 0.99]},
)
def conventions_are_complements(torch=0.1, keras=0.9, seed=0):
    """PyTorch 的 momentum 与 Keras 的相加为 1 时，两条滑动均值逐步相同"""
    x = np.random.default_rng(seed).normal(5, 1, (400, 32, 16))  # (步, m, C)
    batches = x.mean(axis=1)
    one, two = ema_path(batches, torch), keras_ema(batches, keras)
    return {
        "滑动均值走过的比例": one[-1].mean() / 5,
        "两条轨迹的最大相对差": np.abs(two / one - 1).max(),
    }


@claim(
    guard={"跳变 / 批均值的标准差": "in [42, 49]"},
    expect={"忘到只剩一半的步数": "in [5.5, 8.5]", "一步之后剩下的比例": "in [0.89, 0.91]"},
    control=[{"momentum": 0.01}, {"average": "cumulative"}],
    knobs={"momentum": [0.01, 0.5], "average": ["ema", "cumulative"]},
)
def forgets_by_half_life(momentum=0.1, average="ema", seed=0):
    """权重突变之后，momentum=0.1 的滑动均值约 7 步忘掉一半旧值；全程平均几乎不忘"""
    rng = np.random.default_rng(seed)
    centre = np.repeat([0.0, 4.0], [200, 100])  # 第 200 步起分布变了
    means = rng.normal(centre[:, None, None], 1, (300, 128, 32)).mean(axis=1)  # (步, C)
    if average == "ema":
        path = ema_path(means, momentum)
    else:
        path = np.cumsum(means, axis=0) / np.arange(1, 301)[:, None]
    left = 1 - path[200:].mean(axis=1) / 4  # 旧值还占多少
    return {
        "跳变 / 批均值的标准差": 4 / means[:200].std(),
        "忘到只剩一半的步数": np.sum(left > 0.5),
        "一步之后剩下的比例": left[0],
        "旧值所占的比例": line(left, range(1, 101), x_label="跳变后的步数", y_label="比例"),
    }


@claim(
    guard={"批均值的方差": "in [0.98, 1.02]"},
    expect={"滑动均值的方差 / 批均值的方差": "in [0.047, 0.059]"},
    control=[{"momentum": 0.5}, {"average": "cumulative"}],
    knobs={"momentum": [0.02, 0.9], "average": ["ema", "cumulative"]},
)
def noise_floor_stays(momentum=0.1, average="ema", seed=0):
    """分布不变时，滑动均值的方差停在批均值的 α/(2−α)，不再随步数下降"""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(400, 2000))  # 各批的均值，方差当作 1，(步, C)
    last = ema(means, momentum) if average == "ema" else means.mean(axis=0)
    return {
        "批均值的方差": means.var(),
        "滑动均值的方差 / 批均值的方差": last.var() / means.var(),
    }


def merged_variance(parts, how):
    """把几块（几张卡、几个小批）的统计量合成总体方差。parts: (块, m)"""
    mean, var = parts.mean(axis=1), parts.var(axis=1)  # 每块只留这两样
    if how == "moments":  # E[x²] − (E[x])²
        return (var + mean**2).mean() - mean.mean() ** 2
    if how == "average":
        return var.mean()
    return parts.var(axis=1, ddof=1).mean()  # 各块的无偏方差取平均


@claim(
    guard={"块均值之间的方差 / 总方差": "in [0.35, 0.62]"},
    expect={"与整批方差的相对误差": "<= 1e-12"},
    control=[{"how": "average"}, {"how": "unbiased"}],
    knobs={"how": ["moments", "average", "unbiased"], "spread": [0.0, 5.0]},
)
def merge_by_moments(how="moments", spread=1.5, seed=0):
    """合并几块的方差要用一、二阶矩；直接平均方差，漏掉块均值之间的那一份"""
    centre = np.linspace(-spread, spread, 8)[:, None]  # 8 块，各块的均值不同
    parts = np.random.default_rng(seed).normal(centre, 1, (8, 32))  # (块, m)
    whole = np.ravel(parts).var()
    return {
        "块均值之间的方差 / 总方差": parts.mean(axis=1).var() / whole,
        "与整批方差的相对误差": np.abs(merged_variance(parts, how) / whole - 1),
    }


def error_of(z, mean, var):
    """用这份统计量推理，与用真实统计量的相对误差（γ = 1，β = 0）。"""
    right = (z - z.mean(axis=(0, 1))) / z.std(axis=(0, 1))
    return np.linalg.norm((z - mean) / np.sqrt(var) - right) / np.linalg.norm(right)


@claim(
    guard={"缓冲量都在时的相对误差": "in [0.002, 0.08]"},
    expect={"载入之后推理的相对误差": "in [0.8, 8]"},
    control={"saved": "all"},
    knobs={"saved": ["parameters", "all"]},
)
def buffers_must_be_saved(saved="parameters", seed=0):
    """只存参数、不存滑动统计量，推理的输出就面目全非"""
    rng = np.random.default_rng(seed)
    z = rng.normal(1, 2, (64, 32, 16)) @ rng.normal(0, 0.5, (16, 8))  # BN 的输入，(批, m, C)
    kept = ema(z.mean(axis=1), 0.1), ema(z.var(axis=1), 0.1)  # 初值只剩 0.9⁶⁴，不到千分之二
    loaded = kept if saved == "all" else (0.0, 1.0)  # 没存：停在初值，均值 0，方差 1
    return {
        "缓冲量都在时的相对误差": error_of(z, *kept),
        "载入之后推理的相对误差": error_of(z, *loaded),
    }


@claim(
    guard={"验证集均值 / 训练集标准差": "in [2.8, 3.2]"},
    expect={"滑动均值搬过去的比例": "in [0.84, 0.92]"},
    control=[{"mode": "eval"}, {"batches": 1}],
    knobs={"mode": ["train", "eval"], "batches": [1, 100], "momentum": [0.01, 0.5]},
)
def train_mode_pollutes(mode="train", batches=20, momentum=0.1, seed=0):
    """没有任何一步更新，只用训练模式在偏移的数据上前向 20 批，滑动均值就搬过去了近九成"""
    rng = np.random.default_rng(seed)
    train = rng.normal(0, 1, (200, 64, 16))  # (批, m, C)
    other = rng.normal(3, 1, (batches, 64, 16))  # 验证集的分布不同
    before = ema(train.mean(axis=1), momentum)
    after = ema(other.mean(axis=1), momentum, before) if mode == "train" else before
    return {
        "验证集均值 / 训练集标准差": other.mean() / train.std(),
        "滑动均值搬过去的比例": np.mean(after) / 3,
    }


@claim(
    guard={"累积后的梯度与整批之差": "<= 1e-12", "各特征均值的标准差": "in [0.03, 0.4]"},
    expect={"一次更新里旧值剩下的比例": "in [0.64, 0.67]"},
    control={"micro": 1},
    knobs={"micro": [1, 16]},
)
def accumulation_counts_every_forward(micro=4, seed=0):
    """梯度累积 4 个小批更新一次权重，滑动统计量却已经走了 4 步；普通层的梯度倒与整批相同"""
    rng = np.random.default_rng(seed)
    x, y, w = rng.normal(size=(64, 8)), rng.normal(size=64), rng.normal(size=8)
    parts = [*zip(np.split(x, micro), np.split(y, micro), strict=True)]
    gradient = sum(X.T @ (X @ w - t) / len(t) for X, t in parts) / micro
    means = np.array([X.mean(axis=0) for X, _ in parts])  # 每次前向各记一笔
    left = ema(means, 0.1, start=100.0) / 100  # 旧值 100，批均值都在 0 附近
    return {
        "各特征均值的标准差": x.mean(axis=0).std(),
        "一次更新里旧值剩下的比例": left.mean(),
        "累积后的梯度与整批之差": np.abs(gradient - x.T @ (x @ w - y) / len(y)).max(),
    }
