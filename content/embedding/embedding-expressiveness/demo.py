"""Embedding 的表达能力：秩不超过 d 的限制；好处在没有数据的格子里。"""

import numpy as np

from quizdl.proof import claim, line

M, N = 120, 80  # 类别数、情形数


def truth(rng, rank):
    """M 个类别对 N 种情形的反应：秩为 rank，元素的方差约为 1。"""
    return rng.normal(size=(M, rank)) @ rng.normal(size=(rank, N)) / np.sqrt(rank)


def solve_rows(Y, seen, V, decay):
    """固定 V，每一行各解一个岭回归，只用看得见的格子。返回 U: (m, d)"""
    d = V.shape[1]
    outer = (V[:, :, None] * V[:, None, :]).reshape(len(V), d * d)
    A = (seen @ outer).reshape(-1, d, d) + decay * np.eye(d)  # 每行一个 d×d 方程组
    return np.linalg.solve(A, ((seen * Y) @ V)[:, :, None])[:, :, 0]


def learn(Y, seen, d, rng, decay=1.0, table="learned"):
    """交替最小二乘，学两张表 U、V，使 U Vᵀ 在看得见的格子上接近 Y。"""
    U = rng.normal(size=(len(Y), d))
    for _ in range(40):
        V = solve_rows(Y.T, seen.T, U, decay)
        if table == "learned":  # 否则 U 随机而且不学，只学后面的 V
            U = solve_rows(Y, seen, V, decay)
    return U, V


def error(P, of):
    """相对误差：全猜 0 时为 1。"""
    return np.sum((P - of) ** 2) / np.sum(of**2)


@claim(
    guard={"one-hot 加线性层的误差": "<= 1e-9"},
    expect={"Embedding 的误差": "in [0.12, 0.3]", "比尾部奇异值多出的": "in [-1e-6, 1e-6]"},
    control=[{"noise": 0.0}, {"table": "random"}],
    knobs={"d": [1, 10], "noise": [0.0, 1.0], "table": ["learned", "random"]},
)
def rank_limits(d=3, noise=0.5, table="learned", seed=0):
    """数据齐全时，d 维 Embedding 的误差恰好是丢掉的奇异值；one-hot 加线性层没有误差"""
    rng = np.random.default_rng(seed)
    Y = rng.normal(truth(rng, 3), noise)
    U, V = learn(Y, np.ones_like(Y), d, rng, decay=1e-9, table=table)
    W = np.linalg.solve(np.eye(M), Y)  # one-hot 后面的线性层
    s = np.linalg.svd(Y, compute_uv=False)
    found = error(U @ V.T, of=Y)
    return {
        "one-hot 加线性层的误差": error(np.eye(M) @ W, of=Y),
        "Embedding 的误差": found,
        "比尾部奇异值多出的": found - np.sum(s[d:] ** 2) / np.sum(s**2),
    }


def observe(rng, rank):
    """真的表、带噪声的表、哪些格子看得见（约 35%）。"""
    Y = truth(rng, rank)
    return Y, rng.normal(Y, 0.3), rng.random(Y.shape) < 0.35


def pair(who, which):
    """类别与情形的 one-hot 拼起来，一行一个样本。"""
    return np.hstack([np.eye(M)[who], np.eye(N)[which]])


@claim(
    guard={"没见过的比例": "in [0.6, 0.7]", "one-hot 在没见过的格子上": "in [0.95, 1.2]"},
    expect={"Embedding 在没见过的格子上": "in [0.01, 0.06]"},
    control=[{"table": "random"}, {"rank": 80}],
    knobs={"table": ["learned", "random"], "rank": [1, 80], "d": [1, 12]},
)
def fills_the_gaps(table="learned", rank=3, d=3, seed=0):
    """65% 的格子没有数据：Embedding 借别的类别补上，one-hot 加线性层补不了"""
    rng = np.random.default_rng(seed)
    Y, noisy, seen = observe(rng, rank)
    U, V = learn(noisy, seen, d, rng, table=table)
    w = np.linalg.lstsq(pair(*np.nonzero(seen)), noisy[seen])[0]
    return {
        "没见过的比例": np.mean(~seen),
        "one-hot 在没见过的格子上": error(pair(*np.nonzero(~seen)) @ w, of=Y[~seen]),
        "Embedding 在没见过的格子上": error((U @ V.T)[~seen], of=Y[~seen]),
    }


@claim(
    guard={"d=3 测试误差": "in [0.01, 0.12]"},
    expect={
        "d=1 测试误差/d=3": "in [10, 60]",
        "d=12 训练误差/d=3": "in [0.1, 0.35]",
        "d=12 测试误差/d=3": "in [4, 12]",
    },
    control=[{"decay": 3.0}, {"rank": 1}],
    knobs={"decay": [0.1, 10.0], "rank": [1, 3]},
)
def dimension_has_an_optimum(decay=0.3, rank=3, seed=0):
    """真实的秩是 3：1 维欠拟合，12 维训练误差更小而测试误差大得多"""
    rng = np.random.default_rng(seed)
    Y, noisy, seen = observe(rng, rank)
    train, test = {}, {}
    for d in (1, 2, 3, 6, 12):
        fits = [U @ V.T for U, V in (learn(noisy, seen, d, rng, decay) for _ in range(2))]
        P = min(fits, key=lambda P: error(P[seen], of=noisy[seen]))  # 避开坏的局部极小
        train[d] = error(P[seen], of=noisy[seen])
        test[d] = error(P[~seen], of=Y[~seen])
    curves = {"训练": list(train.values()), "测试": list(test.values())}
    return {
        "d=3 测试误差": test[3],
        "d=1 测试误差/d=3": test[1] / test[3],
        "d=12 训练误差/d=3": train[12] / train[3],
        "d=12 测试误差/d=3": test[12] / test[3],
        "误差与维数": line(curves, list(test), x_label="d"),
    }


@claim(
    guard={"两类共同见过的情形": "== 0", "看得见的比例": "in [0.45, 0.55]"},
    expect={"同组两类余弦的平均": "in [0.9, 1.1]"},
    control={"bridge": False},
    knobs={"bridge": [True, False]},
)
def similarity_through_others(bridge=True, seed=0):
    """两个类别从没遇到过同一种情形，也能借别的类别学到几乎相同的向量"""
    rng = np.random.default_rng(seed)
    Y = truth(rng, 5)[np.arange(M) % 10]  # 分 10 组，编号的个位相同就同组
    Y = rng.normal(Y, 0.1)  # 同组的反应几乎相同
    left = np.arange(N) < 40
    seen = rng.integers(2, size=Y.shape)
    if not bridge:  # 人人只见半边：前 60 类左，后 60 类右，没有谁横跨两边
        seen[:60], seen[60:] = left, ~left
    seen[:10], seen[60:70] = left, ~left  # 要比的十对：一个只见左半边，一个只见右半边
    U, _ = learn(Y, seen, 5, rng)
    unit = U / np.linalg.norm(U, axis=1, keepdims=True)
    return {
        "两类共同见过的情形": np.sum(seen[:10] * seen[60:70]),
        "看得见的比例": seen.mean(),
        "同组两类余弦的平均": np.sum(unit[:10] * unit[60:70], axis=1).mean(),
    }


@claim(
    guard={"没碰撞的 40 类的误差": "<= 1e-3"},
    expect={"碰撞的 80 类的误差": "in [0.35, 0.65]"},
    control={"buckets": 120},
    knobs={"buckets": [40, 120]},
)
def collisions_average(buckets=80, seed=0):
    """120 类散列到 80 行：共用一行的类别只能取折中，数据再多误差也剩一半"""
    rng = np.random.default_rng(seed)
    Y = truth(rng, 3)
    row = np.arange(M) % buckets  # 第 i 类用第几行；相同就是碰撞
    # 数据齐全，共用一行的几个类别合起来，等于学它们的平均
    mean = np.stack([Y[row == k].mean(axis=0) for k in range(buckets)])
    U, V = learn(mean, np.ones_like(mean), 3, rng)
    P = (U @ V.T)[row]
    alone = np.arange(M) // 40 == 1  # 第 40–79 类各有一行；第 0–39 与 80–119 类两两共用
    return {
        "没碰撞的 40 类的误差": error(P[alone], of=Y[alone]),
        "碰撞的 80 类的误差": error(P[~alone], of=Y[~alone]),
    }
