"""为什么要 Embedding：查表就是 one-hot 乘矩阵，省的是计算，换的是相似性。"""

import numpy as np

from quizdl.proof import bar, claim


def one_hot(ids, vocab):
    return np.eye(vocab)[ids]  # (n, vocab)


def table_grad(ids, g, vocab, accumulate=True):
    """查表的反向：把每个样本的梯度加到它用过的那一行。g: (n, d)"""
    grad = np.zeros((vocab, g.shape[1]))
    if accumulate:
        np.add.at(grad, ids, g)  # 同一个编号出现几次就累加几次
    else:
        grad[ids] += g  # 陷阱：重复的编号只留下最后一次
    return grad


@claim(
    guard={"同一编号平均出现的次数": "in [1.1, 2]"},
    expect={"输出的最大差": "<= 1e-12", "梯度的最大差": "<= 1e-12"},
    control=[{"accumulate": False}, {"noise": 0.01}],
    knobs={"accumulate": [True, False], "noise": [0.0, 0.5], "vocab": [2, 500]},
)
def lookup_is_matmul(accumulate=True, noise=0.0, vocab=100, seed=0):
    """查表等于 one-hot 乘矩阵，前向与反向都一样；反向要把重复的编号累加起来"""
    rng = np.random.default_rng(seed)
    E = rng.normal(size=(vocab, 8))
    ids, g = rng.integers(vocab, size=64), rng.normal(size=(64, 8))
    X = one_hot(ids, vocab)
    X = X + noise * rng.normal(size=X.shape)  # noise > 0：不再是 one-hot
    out, grad = E[ids], table_grad(ids, g, vocab, accumulate)
    return {
        "同一编号平均出现的次数": len(ids) / len(np.unique(ids)),
        "输出的最大差": np.abs(X @ E - out).max(),
        "梯度的最大差": np.abs(X.T @ g - grad).max(),
    }


@claim(
    guard={"每批不同的编号数": "in [3, 64]"},
    expect={"乘法里乘 0 的比例": "in [0.999, 1]", "梯度里全零行的比例": "in [0.95, 0.99]"},
    control={"vocab": 4},
    knobs={"vocab": [4, 5000], "batch": [16, 512]},
)
def almost_all_is_zero(vocab=2000, batch=64, seed=0):
    """2000 类、每批 64 个样本：按 one-hot 做矩阵乘，99.9% 以上的乘法乘的是 0"""
    rng = np.random.default_rng(seed)
    ids = rng.integers(vocab, size=batch)
    X = one_hot(ids, vocab)
    grad = X.T @ rng.normal(size=(batch, 8))  # (vocab, 8)
    return {
        "每批不同的编号数": len(np.unique(ids)),
        "乘法里乘 0 的比例": np.mean(X == 0),
        "梯度里全零行的比例": np.mean(~grad.any(axis=1)),
    }


@claim(
    guard={"被训练的类别预测的变化": "in [0.1, 50]"},
    expect={"其余类别预测的最大变化": "<= 1e-12", "两两距离与 √2 之差": "<= 1e-12"},
    control=[{"code": "dense"}, {"code": "one-hot + bias"}],
    knobs={"code": ["one-hot", "dense", "one-hot + bias"]},
)
def one_hot_shares_nothing(code="one-hot", seed=0):
    """one-hot 两两等距：线性模型在一个类别上学到的，一点也不会传给别的类别"""
    rng = np.random.default_rng(seed)
    X = one_hot(rng.permutation(20), 20)  # 第几类编成几号是随意的
    if code == "one-hot + bias":
        X = np.hstack([X, np.ones((20, 1))])
    if code == "dense":
        X = rng.normal(size=(20, 5))
    error = rng.uniform(1, 2)  # 第 0 类的样本上，预测差了多少
    moved = X @ (error * X[0])  # w 沿 error·x 走一步（学习率 1），各类别预测的变化
    apart = np.linalg.norm(X[:, None] - X[None], axis=2)[~np.eye(20, dtype=bool)]
    return {
        "被训练的类别预测的变化": moved[0],
        "其余类别预测的最大变化": np.abs(moved[1:]).max(),
        "两两距离与 √2 之差": np.abs(apart - np.sqrt(2)).max(),
    }


@claim(
    guard={"用到的行移动的距离": "in [0.8, 3]", "用到的行离目标的距离": "in [0.2, 2]"},
    expect={"没用到的行移动的距离": "<= 1e-9"},
    control=[{"optimizer": "adam"}, {"optimizer": "momentum"}, {"decay": 1e-3}],
    knobs={
        "optimizer": ["sgd", "momentum", "adam", "lazy adam"],
        "decay": [0.0, 0.01],
        "steps": [1, 100],
    },
)
def unused_rows_stay(optimizer="sgd", decay=0.0, steps=20, seed=0):
    """批里没有的行梯度为零，SGD 不动它；Adam、动量的余劲和权重衰减却会动它"""
    rng = np.random.default_rng(seed)
    E, target = rng.normal(size=(2, 40, 8))
    m = v = np.zeros_like(E)
    for t in range(20 + steps):
        if t == 20:
            start = E  # 前 20 步人人都有；之后只剩前 20 行
        ids = rng.integers(40 if t < 20 else 20, size=64)
        g = table_grad(ids, E[ids] - target[ids], 40)
        step = 0.02 * g
        if optimizer != "sgd":
            m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
            step = 0.02 * m
        if optimizer.endswith("adam"):
            m_hat, v_hat = m / (1 - 0.9 ** (t + 1)), v / (1 - 0.99 ** (t + 1))
            step = 0.05 * m_hat / (np.sqrt(v_hat) + 1e-8)
        if optimizer == "lazy adam":  # 只更新批里出现的行
            step = step * np.isin(np.arange(40), ids)[:, None]
        E = (1 - decay) * E - step
    moved = np.linalg.norm(E - start, axis=1)
    left = np.linalg.norm(E - target, axis=1)
    return {
        "用到的行移动的距离": moved[:20].mean(),
        "用到的行离目标的距离": left[:20].mean(),
        "没用到的行移动的距离": moved[20:].mean(),
    }


def learn_rows(frequency, optimizer, lr, rng, vocab=400, batch=64, steps=150):
    """每行学自己类别的目标（样本带噪声）；返回每行的误差（起点平均为 1）与样本数。"""
    p = 1 / np.arange(1, vocab + 1)
    if frequency == "uniform":
        p = np.ones(vocab)
    p = p / p.sum()
    target = rng.normal(size=(vocab, 8))
    E, G = np.zeros((2, *target.shape))
    draws = rng.choice(vocab, (steps, batch), p=p)
    for ids in draws:
        y = rng.normal(target[ids], 0.5)
        g = table_grad(ids, E[ids] - y, vocab) / batch
        if optimizer == "adagrad":
            G = G + g**2
            g = g / (np.sqrt(G) + 1e-8)
        E = E - lr * g
    return np.mean((E - target) ** 2, axis=1), np.bincount(draws.ravel(), minlength=vocab)


@claim(
    guard={"最常见一成的误差": "in [0.01, 0.06]"},
    expect={"最少见一半的误差": "in [0.15, 0.55]", "最少见一半每类的样本数": "in [4.3, 5.8]"},
    control={"frequency": "uniform"},
    knobs={"frequency": ["zipf", "uniform"], "optimizer": ["sgd", "adagrad"]},
)
def rare_rows_learn_little(frequency="zipf", optimizer="sgd", seed=0):
    """频率服从 Zipf：调好学习率的 SGD 走完，最少见的一半类别还剩很大的误差"""
    rates = range(4, 15, 2)
    if optimizer == "adagrad":
        rates = (0.2, 0.3, 0.45, 0.6, 0.8, 1.2)
    runs = [learn_rows(frequency, optimizer, lr, np.random.default_rng(seed)) for lr in rates]
    # 取每个样本的平均误差最小的学习率
    error, count = min(runs, key=lambda run: np.average(run[0], weights=run[1]))
    return {
        "最少见一半的误差": error[200:].mean(),
        "最常见一成的误差": error[:40].mean(),
        "最少见一半每类的样本数": count[200:].mean(),
        "误差": bar({f"第 {k + 1} 类起": error[k : k + 40].mean() for k in range(0, 400, 40)}),
    }
