"""BatchNorm 的训练与推理：两套统计量从哪里来，差在哪里。"""

import numpy as np

from quizdl.proof import claim, hist, line

EPS = 1e-5


def normalize(x, mean, var, gamma=1.0, beta=0.0):
    """BN 的公式；训练与推理只差 mean、var 从哪里来。x: (m, C)"""
    return gamma * (x - mean) / np.sqrt(var + EPS) + beta


def bn_train(x, gamma=1.0, beta=0.0):
    return normalize(x, x.mean(axis=0), x.var(axis=0), gamma, beta)  # 本批的有偏方差


def layer_norm(x):
    return normalize(x, x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True))


def rms(x):
    return np.sqrt(np.mean(x**2))


def running_average(batches, weights):
    """从 0 起的滑动平均，每一步的值；权重是新值的（PyTorch 的 momentum）。"""
    running, path = 0.0, []
    for batch, weight in zip(batches, weights, strict=True):
        running = (1 - weight) * running + weight * batch
        path.append(running)
    return path


@claim(
    guard={"换掉的样本占比": "in [0.87, 0.88]", "输出的标准差": "in [0.9, 1.1]"},
    expect={"同一样本输出的变化": "in [0.45, 0.75]"},
    control=[{"mode": "eval"}, {"mode": "layer_norm"}],
    knobs={"mode": ["train", "eval", "layer_norm"], "m": [2, 256]},
)
def depends_on_batch_mates(mode="train", m=8, seed=0):
    """训练模式下，换一批同伴，同一个样本的输出就变"""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(2, 3, (2, m, 64))  # 两批，(m, C)
    b[0] = a[0]  # 只留第 0 个样本，同伴全换
    forward = {
        "train": bn_train,
        "eval": lambda x: normalize(x, mean=2.0, var=9.0),  # 固定的统计量
        "layer_norm": layer_norm,
    }[mode]
    return {
        "换掉的样本占比": (a != b).any(axis=1).mean(),
        "输出的标准差": np.vstack([forward(a), forward(b)]).std(),
        "同一样本输出的变化": rms(forward(a)[0] - forward(b)[0]),
    }


@claim(
    guard={"各批方差的相对波动": "in [0.65, 1.1]"},
    expect={"各批方差的平均 / 总体方差": "in [0.97, 1.03]"},
    control=[{"ddof": 0}, {"batches": "sorted"}],
    knobs={"ddof": [0, 1], "m": [2, 64], "batches": ["shuffled", "sorted"]},
)
def unbiased_average_matches(ddof=1, m=4, batches="shuffled", seed=0):
    """批是随机抽的，各批无偏方差的平均才对准总体方差"""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(8, 1, 16))  # 8 类，各类均值不同，方差都是 1
    x = rng.normal(centre, 1, (8, 128 * m, 16)).reshape(1024 * m, 16)  # (N, C)
    if batches == "shuffled":
        x = rng.permutation(x)  # 否则按类别排序：每批只有一类
    var = x.reshape(1024, m, 16).var(axis=1, ddof=ddof)  # (批数, C)
    return {
        "各批方差的相对波动": var.std() / var.mean(),
        "各批方差的平均 / 总体方差": var.mean() / x.var(axis=0).mean(),
    }


@claim(
    guard={"批均值 / 总体均值": "in [0.98, 1.02]"},
    expect={"滑动均值缺的比例": "in [0.57, 0.61]"},
    control=[{"steps": 100}, {"average": "cumulative"}],
    knobs={"steps": [1, 200], "momentum": [0.01, 0.5], "average": ["ema", "cumulative"]},
)
def ema_remembers_its_start(steps=5, momentum=0.1, average="ema", seed=0):
    """momentum=0.1 更新 5 步后，滑动均值里约 59% 仍是初值 0"""
    rng = np.random.default_rng(seed)
    means = rng.normal(3, 1, (steps, 2048)).mean(axis=1)  # 各批的均值，总体均值为 3
    step = np.arange(1, steps + 1)
    weights = momentum + 0 * step if average == "ema" else 1 / step  # 1/step：所有批的平均
    path = running_average(means, weights)
    return {
        "批均值 / 总体均值": means.mean() / 3,
        "滑动均值缺的比例": 1 - path[-1] / 3,
        "滑动均值": line([0, *path], x_label="更新次数", rules={"总体均值": 3}),
    }


def loss_and_gradients(params, x, y):
    """线性 → BN → ReLU → 线性，平方损失；梯度要穿过批均值与批方差。"""
    W, v = params
    z = x @ W  # (m, h)
    std = np.sqrt(z.var(axis=0) + EPS)
    xhat = bn_train(z)
    a = np.maximum(xhat, 0)
    error = a @ v - y  # (m,)
    d_out = 2 * error / len(x)
    d = np.outer(d_out, v) * (xhat > 0)
    d_z = (d - d.mean(axis=0) - xhat * (d * xhat).mean(axis=0)) / std
    return np.mean(error**2), (x.T @ d_z, a.T @ d_out)


def gradient_error(params, x, y, rng, step=1e-8):
    """损失沿一个随机方向的变化率：中心差分与反向传播的相对误差。"""
    direction = [rng.normal(size=p.shape) for p in params]
    pairs = list(zip(params, direction, strict=True))
    loss = lambda t: loss_and_gradients([p + t * u for p, u in pairs], x, y)[0]
    numeric = (loss(step) - loss(-step)) / (2 * step)
    gradients = loss_and_gradients(params, x, y)[1]
    return abs(sum((g * u).sum() for g, u in zip(gradients, direction, strict=True)) / numeric - 1)


@claim(
    guard={
        "起点的损失": "in [0.999, 1.001]",
        "训练后的损失": "in [0.1, 0.98]",
        "反向与中心差分的相对误差": "<= 0.01",
        "滑动平均的推理偏差": "in [0.008, 0.09]",
    },
    expect={"全程平均的偏差 / 滑动平均的": "in [1.5, 35]"},
    control={"collect": "frozen"},
    knobs={"collect": ["during", "frozen"], "lr": [0.0, 0.3], "momentum": [0.02, 0.5]},
)
def whole_run_average_is_stale(collect="during", lr=0.05, momentum=0.1, seed=0):
    """边训练边收集时，所有批统计量的平均比滑动平均离最终的网络更远"""
    rng = np.random.default_rng(seed)
    X = rng.normal(1, 1, (2048, 8))
    y = np.sin(X @ rng.normal(0, 0.7, (8, 3))).sum(axis=1)
    y = (y - y.mean()) / y.std()
    params = rng.normal(0, 8**-0.5, (8, 16)), np.zeros(16)  # 末层从 0 起：损失恰好是 1
    start = loss_and_gradients(params, X, y)[0]
    batches, stats = rng.integers(0, 2048, (400, 128)), []
    collected = lambda z: np.array([z.mean(axis=0), z.var(axis=0)])
    for i in batches:
        if collect == "during":
            stats.append(collected(X[i] @ params[0]))
        _, gradients = loss_and_gradients(params, X[i], y[i])
        params = [p - lr * g for p, g in zip(params, gradients, strict=True)]
    if collect == "frozen":  # 论文的做法：训练结束、权重冻结后再过一遍
        stats = [collected(X[i] @ params[0]) for i in batches]
    ema = running_average(stats, np.full(len(stats), momentum))[-1]
    z = X @ params[0]
    right = bn_train(z)  # 最终网络真实的统计量
    bias = lambda s: rms(normalize(z, *s) - right)
    return {
        "起点的损失": start,
        "训练后的损失": loss_and_gradients(params, X, y)[0],
        "反向与中心差分的相对误差": gradient_error(params, X[i], y[i], rng),
        "滑动平均的推理偏差": bias(ema),
        "全程平均的偏差 / 滑动平均的": bias(np.mean(stats, axis=0)) / bias(ema),
    }


@claim(
    guard={"BN 前后的相对差异": "in [0.4, 1.1]"},
    expect={"合并后的相对误差": "<= 1e-12"},
    control=[{"mode": "train"}, {"relu_between": True}],
    knobs={"mode": ["eval", "train"], "relu_between": [False, True]},
)
def folds_into_linear(mode="eval", relu_between=False, seed=0):
    """推理模式的 BN 可以精确并进紧挨在前面的线性层"""
    rng = np.random.default_rng(seed)
    x, W, b = rng.normal(size=(32, 8)), rng.normal(size=(8, 16)), rng.normal(size=16)
    gamma, beta = rng.uniform(0.5, 2, 16), rng.normal(size=16)
    mean, var = rng.normal(size=16), rng.uniform(4, 12, 16)  # 训练时存下的滑动统计量
    z = x @ W + b
    h = np.maximum(z, 0) if relu_between else z
    y = normalize(h, mean, var, gamma, beta) if mode == "eval" else bn_train(h, gamma, beta)
    scale = gamma / np.sqrt(var + EPS)
    folded = x @ (W * scale) + (b - mean) * scale + beta  # 一个新的线性层
    if relu_between:
        folded = np.maximum(folded, 0)
    return {
        "BN 前后的相对差异": rms(y - h) / rms(h),
        "合并后的相对误差": rms(folded - y) / rms(y),
    }


def skewness(x):
    centred = x - x.mean(axis=0)
    return np.mean(centred**3, axis=0) / np.mean(centred**2, axis=0) ** 1.5  # (C,)


def rank_gaussianize(x, rng):
    """真正变成正态：把每列第 k 小的数换成正态样本里第 k 小的数。"""
    rank = x.argsort(axis=0).argsort(axis=0)
    return np.take_along_axis(np.sort(rng.normal(size=x.shape), axis=0), rank, axis=0)


@claim(
    guard={
        "输入的偏度": "in [1, 2.4]",
        "输出均值的最大绝对值": "<= 0.15",
        "输出方差与 1 之差": "<= 0.25",
    },
    expect={"偏度的相对变化": "<= 1e-9"},
    control={"method": "gaussianize"},
    knobs={"method": ["bn", "gaussianize"], "m": [100, 5000]},
)
def skewed_stays_skewed(method="bn", m=2000, seed=0):
    """BN 只把均值、方差变成 0 和 1，不把分布变成正态：偏度一点没变"""
    rng = np.random.default_rng(seed)
    x = rng.exponential(size=(m, 16))  # 指数分布：偏度约为 2
    y = bn_train(x) if method == "bn" else rank_gaussianize(x, rng)
    return {
        "输入的偏度": skewness(x).min(),
        "输出均值的最大绝对值": np.abs(y.mean(axis=0)).max(),
        "输出方差与 1 之差": np.abs(y.var(axis=0) - 1).max(),
        "偏度的相对变化": np.abs(skewness(y) / skewness(x) - 1).max(),
        "一列的分布": hist({"输入": x[:, 0], "输出": y[:, 0]}, x_label="值", y_label="个数"),
    }
