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


def update(running, batch, momentum):
    """PyTorch 的约定：momentum 是新值的权重。"""
    return (1 - momentum) * running + momentum * batch


@claim(
    guard={"换掉的样本占比": ">= 0.8", "输出的标准差": "in [0.8, 1.2]"},
    expect={"同一样本输出的变化": "in [0.3, 0.84]"},
    control=[{"mode": "eval"}, {"mode": "layer_norm"}],
    knobs={"mode": ["train", "eval", "layer_norm"], "m": [2, 256]},
)
def depends_on_batch_mates(mode="train", m=8, seed=0):
    """训练模式下，换一批同伴，同一个样本的输出就变"""
    rng = np.random.default_rng(seed)
    a = rng.normal(2, 3, (m, 64))  # (m, C)
    b = np.vstack([a[:1], rng.normal(2, 3, (m - 1, 64))])  # 只留第 0 个样本，同伴全换
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
    guard={"各批方差的相对波动": "in [0.3, 0.99]"},
    expect={"各批方差的平均 / 总体方差": "in [0.97, 1.03]"},
    control=[{"ddof": 0}, {"batches": "sorted"}],
    knobs={"ddof": [0, 1], "m": [2, 64], "batches": ["shuffled", "sorted"]},
)
def unbiased_average_matches(ddof=1, m=4, batches="shuffled", seed=0):
    """批是随机抽的，各批无偏方差的平均才对准总体方差"""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(8), 512)  # 8 类，各类均值不同
    x = rng.normal(0, 1, (8, 16))[label] + rng.normal(0, 1, (4096, 16))  # (N, C)
    if batches == "shuffled":
        x = rng.permutation(x)  # 否则按类别排序：每批只有一类
    var = x[: len(x) // m * m].reshape(-1, m, 16).var(axis=1, ddof=ddof)  # (批数, C)
    return {
        "各批方差的相对波动": (var.std(axis=0) / var.mean(axis=0)).min(),
        "各批方差的平均 / 总体方差": var.mean() / x.var(axis=0).mean(),
    }


@claim(
    guard={"批均值 / 总体均值": "in [0.9, 1.1]"},
    expect={"滑动均值缺的比例": "in [0.57, 0.61]"},
    control=[{"steps": 100}, {"average": "cumulative"}],
    knobs={"steps": [1, 200], "momentum": [0.01, 0.5], "average": ["ema", "cumulative"]},
)
def ema_remembers_its_start(steps=5, momentum=0.1, average="ema", seed=0):
    """momentum=0.1 更新 5 步后，滑动均值里约 59% 仍是初值 0"""
    rng = np.random.default_rng(seed)
    running, means, path = np.zeros(64), [], [0.0]
    for step in range(1, steps + 1):
        batch_mean = rng.normal(3, 1, (32, 64)).mean(axis=0)  # 总体均值为 3
        weight = momentum if average == "ema" else 1 / step  # 1/step：所有批的平均
        running = update(running, batch_mean, weight)
        means.append(batch_mean)
        path.append(running.mean())
    return {
        "批均值 / 总体均值": np.mean(means) / 3,
        "滑动均值缺的比例": 1 - running.mean() / 3,
        "滑动均值": line(path, x_label="更新次数", rules={"总体均值": 3}),
    }


def train_step(params, x, y, lr):
    """线性 → BN → ReLU → 线性，平方损失，一步 SGD；梯度要穿过批均值与批方差。"""
    W, v = params
    z = x @ W  # (m, h)
    mean, std = z.mean(axis=0), np.sqrt(z.var(axis=0) + EPS)
    xhat = (z - mean) / std
    a = np.maximum(xhat, 0)
    error = a @ v - y  # (m,)
    d_a = np.outer(2 * error / len(x), v)
    d_xhat = d_a * (xhat > 0)
    d_z = (d_xhat - d_xhat.mean(axis=0) - xhat * (d_xhat * xhat).mean(axis=0)) / std
    new = W - lr * x.T @ d_z, v - lr * a.T @ (2 * error / len(x))
    return new, (error**2).mean()


@claim(
    guard={"损失下降的比例": ">= 0.05", "滑动平均的推理偏差": "<= 0.1"},
    expect={"全程平均的偏差 / 滑动平均的": "in [1.5, 21]"},
    control={"collect": "frozen"},
    knobs={"collect": ["during", "frozen"], "lr": [0.0, 0.3], "momentum": [0.02, 0.5]},
)
def whole_run_average_is_stale(collect="during", lr=0.1, momentum=0.1, seed=0):
    """边训练边收集时，所有批统计量的平均比滑动平均离最终的网络更远"""
    rng = np.random.default_rng(seed)
    X = rng.normal(1, 1, (2048, 8))
    y = np.sin(X @ rng.normal(0, 1, (8, 3)) / 1.5).sum(axis=1)
    y = (y - y.mean()) / y.std()
    params = rng.normal(0, 8**-0.5, (8, 16)), rng.normal(0, 0.25, 16)
    batches, losses, stats = rng.integers(0, 2048, (200, 128)), [], []
    collected = lambda W, i: np.array([(X[i] @ W).mean(axis=0), (X[i] @ W).var(axis=0, ddof=1)])
    for i in batches:
        if collect == "during":
            stats.append(collected(params[0], i))
        params, loss = train_step(params, X[i], y[i], lr)
        losses.append(loss)
    if collect == "frozen":  # 论文的做法：训练结束、权重冻结后再过一遍
        stats = [collected(params[0], i) for i in batches]
    ema = np.stack([np.zeros(16), np.ones(16)])  # 初值：均值 0，方差 1
    for each in stats:
        ema = update(ema, each, momentum)
    z = X @ params[0]
    right = normalize(z, z.mean(axis=0), z.var(axis=0))  # 最终网络真实的统计量
    bias = lambda s: rms(normalize(z, *s) - right)
    return {
        "损失下降的比例": 1 - np.mean(losses[-20:]) / np.mean(losses[:20]),
        "滑动平均的推理偏差": bias(ema),
        "全程平均的偏差 / 滑动平均的": bias(np.mean(stats, axis=0)) / bias(ema),
    }


@claim(
    guard={"BN 前后的相对差异": ">= 0.5"},
    expect={"合并后的相对误差": "<= 1e-12"},
    control=[{"mode": "train"}, {"relu_between": True}],
    knobs={"mode": ["eval", "train"], "relu_between": [False, True]},
)
def folds_into_linear(mode="eval", relu_between=False, seed=0):
    """推理模式的 BN 可以精确并进紧挨在前面的线性层"""
    rng = np.random.default_rng(seed)
    x, W, b = rng.normal(0, 1, (32, 8)), rng.normal(0, 1, (8, 16)), rng.normal(0, 1, 16)
    gamma, beta = rng.uniform(0.5, 2, 16), rng.normal(0, 1, 16)
    mean, var = rng.normal(0, 1, 16), rng.uniform(4, 12, 16)  # 训练时存下的滑动统计量
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
    # 减去 EPS，抵消 normalize 里加上的：偏度按真正的方差算
    return (normalize(x, x.mean(axis=0), x.var(axis=0) - EPS) ** 3).mean(axis=0)  # (C,)


def rank_gaussianize(x, rng):
    """真正变成正态：把每列第 k 小的数换成正态样本里第 k 小的数。"""
    rank = x.argsort(axis=0).argsort(axis=0)
    return np.take_along_axis(np.sort(rng.normal(0, 1, x.shape), axis=0), rank, axis=0)


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
    x = rng.exponential(1, (m, 16))  # 指数分布：偏度约为 2
    y = bn_train(x) if method == "bn" else rank_gaussianize(x, rng)
    return {
        "输入的偏度": skewness(x).min(),
        "输出均值的最大绝对值": np.abs(y.mean(axis=0)).max(),
        "输出方差与 1 之差": np.abs(y.var(axis=0) - 1).max(),
        "偏度的相对变化": np.abs(skewness(y) / skewness(x) - 1).max(),
        "一列的分布": hist({"输入": x[:, 0], "输出": y[:, 0]}, x_label="值", y_label="个数"),
    }
