"""小批量与单样本：方向准多少，代价在哪里，硬件省在哪里。"""

from collections import OrderedDict

import numpy as np

from quizdl.proof import claim, line


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def logistic(rng, n=2000, dim=10):
    """带标签噪声的逻辑回归。"""
    X = rng.normal(size=(n, dim))
    y = (rng.random(n) < sigmoid(X @ rng.normal(size=dim))) * 1.0
    return X, y


@claim(
    guard={"单样本的平均余弦": "in [0.1, 0.7]"},
    expect={"B=16 的余弦 / 公式": "in [0.95, 1.05]", "B=256 的余弦": "in [0.93, 0.99]"},
    control={"distinct": False},
    knobs={"distinct": [True, False]},
)
def cosine_follows_formula(distinct=True, seed=0):
    """小批梯度与全量梯度的平均余弦约为 1/√(1 + 噪声尺度/B)；同一样本重复 B 次则不升。"""
    rng = np.random.default_rng(seed)
    X, y = logistic(rng)
    grads = (sigmoid(X @ np.zeros(10)) - y)[:, None] * X  # (n, 10) 单样本梯度
    G = grads.mean(axis=0)
    scale = ((grads - G) ** 2).sum(axis=1).mean() / (G @ G)  # 噪声尺度 tr(Σ)/|G|²

    def cosine(B):
        i = rng.integers(len(X), size=(2000, B if distinct else 1))
        g = grads[i].sum(axis=1)  # 重复 B 次只是放大，方向不变
        return np.mean(g @ G / np.linalg.norm(g, axis=1) / np.linalg.norm(G))

    sizes = 4 ** np.arange(5)
    found = np.array([cosine(B) for B in sizes])
    return {
        "单样本的平均余弦": found[0],
        "B=16 的余弦 / 公式": found[2] * np.sqrt(1 + scale / 16),
        "B=256 的余弦": found[4],
        "方向的准确度": line(
            {"实测": found, "公式": 1 / np.sqrt(1 + scale / sizes)}, sizes, x_label="B", log_x=True
        ),
    }


@claim(
    guard={
        "小批走过的相对距离 / 学习率": "in [1, 20]",
        "梯度检查：差分 / 公式": "in [0.9999, 1.0001]",
    },
    expect={"终点之差 / 走过的距离": "<= 0.02"},
    control={"lr": 0.3},
    knobs={"lr": [1e-3, 1.0], "B": [2, 64]},
)
def small_steps_average_too(lr=3e-3, B=32, seed=0):
    """步子小时，32 步单样本与学习率放大 32 倍的一步小批（同样的样本）几乎走到同一点。"""
    rng = np.random.default_rng(seed)
    X, y = logistic(rng, n=B)
    start = rng.normal(size=10)
    w = start
    for x, label in zip(X, y, strict=True):
        w = w - lr * (sigmoid(x @ w) - label) * x
    G = X.T @ (sigmoid(X @ start) - y) / B
    batch = start - B * lr * G
    loss = lambda w: np.logaddexp(0, (1 - 2 * y) * (X @ w)).mean()
    change = loss(start + 1e-4 * G) - loss(start - 1e-4 * G)
    moved = np.linalg.norm(batch - start)
    return {
        "小批走过的相对距离 / 学习率": moved / np.linalg.norm(start) / lr,
        "梯度检查：差分 / 公式": change / (2e-4 * G @ G),
        "终点之差 / 走过的距离": np.linalg.norm(w - batch) / moved,
    }


def train(X, Y, W, v, batches, lrs):
    """两层 tanh 网络、平方损失的 SGD，每个任务、每个学习率一份；返回最后的训练损失 (任务, lrs)。"""
    lr = lrs[:, None, None]
    predict = lambda h: (h * v).sum(axis=3, keepdims=True)
    with np.errstate(all="ignore"):  # 发散的成为 inf 或 nan
        for i in batches:
            x = X[:, :, i]
            h = np.tanh(x @ W)  # (任务, lrs, B, 16)
            delta = (predict(h) - Y[:, :, i]) / len(i)
            dW = np.einsum("tlbi,tlbh->tlih", x, delta * v * (1 - h**2))
            W, v = W - lr * dW, v - lr * (h * delta).sum(axis=2, keepdims=True)
        loss = ((predict(np.tanh(X @ W)) - Y) ** 2).mean(axis=(2, 3))
    return np.nan_to_num(loss, nan=np.inf)


@claim(
    guard={"单样本的最后损失": "in [0.1, 1.6]"},
    expect={"B=64 的损失 / 单样本的损失": "in [1.5, 3]"},
    control=[{"noise": 1.0}, {"batch": 1}],
    knobs={"noise": [0.0, 2.0], "batch": [1, 128]},
)
def single_leads_per_sample(noise=0.1, batch=64, seed=0):
    """小网络只过一遍 256 个样本、各自调好学习率：B=64 只走 4 步，损失比走 256 步的单样本高。"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(16, 1, 256, 4))  # 16 个任务，中间一维留给学习率
    Y = np.sin(2 * X[..., :1]) + noise * rng.normal(size=(16, 1, 256, 1))
    W, v = rng.normal(size=(16, 1, 4, 16)) / 2, rng.normal(size=(16, 1, 1, 16)) / 4
    lrs, order = np.geomspace(0.02, 2, 10), rng.permutation(256)
    single = train(X, Y, W, v, order.reshape(-1, 1), lrs).min(axis=1)
    ours = train(X, Y, W, v, order.reshape(-1, batch), lrs).min(axis=1)
    return {
        "单样本的最后损失": single.mean(),
        "B=64 的损失 / 单样本的损失": np.exp(np.log(ours / single).mean()),
    }


@claim(
    guard={"与矩阵乘法的相对差": "<= 1e-12", "乘加次数 / (B × 权重数)": "in [0.999999, 1.000001]"},
    expect={"每个样本从内存读的权重块 / 权重块数": "in [0.03, 0.033]"},
    control=[{"order": "sample-first"}, {"B": 1}],
    knobs={"order": ["weight-first", "sample-first"], "B": [1, 64]},
)
def weights_are_read_once(order="weight-first", B=32, seed=0):
    """把 x@W 分块算，缓存只装得下四分之一的权重：先定权重块再过整批，每块只读一次。"""
    rng = np.random.default_rng(seed)
    X, W = rng.normal(size=(B, 64)), rng.normal(size=(64, 64))
    tiles = [(r, c) for r in range(0, 64, 16) for c in range(0, 64, 16)]  # 16 块
    if order == "weight-first":
        visits = [(tile, s) for tile in tiles for s in range(B)]
    else:
        visits = [(tile, s) for s in range(B) for tile in tiles]
    cache, reads, work, Z = OrderedDict(), 0, 0, np.zeros((B, 64))
    for (r, c), s in visits:
        if (r, c) not in cache:
            reads += 1
            cache[r, c] = W[r : r + 16, c : c + 16]
            if len(cache) > 4:
                cache.popitem(last=False)  # 挤掉最早进来的
        Z[s, c : c + 16] += X[s, r : r + 16] @ cache[r, c]
        work += cache[r, c].size
    return {
        "与矩阵乘法的相对差": np.linalg.norm(Z - X @ W) / np.linalg.norm(Z),
        "乘加次数 / (B × 权重数)": work / (B * W.size),
        "每个样本从内存读的权重块 / 权重块数": reads / B / len(tiles),
    }


@claim(
    guard={"单样本的上限 × (d+2)/2": "in [0.95, 1.05]", "B 很大时的上限": "in [1.9, 2.05]"},
    expect={"小批上限 / 单样本上限": "in [12, 14.5]"},
    control={"B": 1},
    knobs={"B": [1, 200], "dim": [5, 40]},
)
def limit_rises_with_batch(B=32, dim=20, seed=0):
    """20 个标准正态特征的线性回归，误差平方的期望一步不放大的最大学习率：B=32 是单样本的 13 倍。"""
    rng = np.random.default_rng(seed)
    w = np.ones(dim)  # 与最小点之差；各向同性，取哪个方向都一样

    def limit(B, runs):
        X = rng.normal(size=(runs, B, dim))
        g = np.einsum("rbi,rb->ri", X, X @ w) / B  # 标签没有噪声
        return 2 * (g @ w).mean() / (g**2).sum(axis=1).mean()

    small, single = limit(B, 3000), limit(1, 60000)
    return {
        "单样本的上限 × (d+2)/2": single * (dim + 2) / 2,
        "B 很大时的上限": limit(2000, 40),
        "小批上限 / 单样本上限": small / single,
    }


@claim(
    guard={
        "输入的相对差异": ">= 0.3",
        "8 个样本归一化后的均方": "in [0.99, 1.01]",
        "8 个样本时，对前一层权重的梯度": ">= 1e-3",
    },
    expect={"归一化后的最大绝对值": "<= 1e-9", "对前一层权重的梯度": "<= 1e-9"},
    control=[{"B": 8}, {"norm": "layer"}],
    knobs={"B": [1, 8], "norm": ["batch", "layer"]},
)
def bn_needs_a_batch(B=1, norm="batch", seed=0):
    """单样本时 BN 减掉的均值就是它自己：输出恒为 0，前一层的权重收不到梯度；LayerNorm 不受影响。"""
    rng = np.random.default_rng(seed)
    X, W, v = rng.normal(size=(8, 6)), rng.normal(size=(6, 8)), rng.normal(size=8)
    standardize = lambda z: (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)

    def forward(X, W):
        z = X @ W  # BN 在批里（列）标准化，LayerNorm 在一个样本之内（行）
        return standardize(z) if norm == "batch" else standardize(z.T).T

    loss = lambda X, W: np.mean((np.tanh(forward(X, W)) @ v) ** 2)
    bumps, few = 1e-5 * rng.normal(size=(20, 6, 8)), X[:B]
    slope = lambda X: max(np.abs(loss(X, W + d) - loss(X, W - d)) / 2e-5 for d in bumps)  # 中心差分
    return {
        "输入的相对差异": (few @ W).std() / np.abs(few @ W).mean(),
        "8 个样本归一化后的均方": np.mean(forward(X, W) ** 2),
        "8 个样本时，对前一层权重的梯度": slope(X),
        "归一化后的最大绝对值": np.abs(forward(few, W)).max(),
        "对前一层权重的梯度": slope(few),
    }
