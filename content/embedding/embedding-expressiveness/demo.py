"""Embedding 的表达能力：秩不超过 d 的限制；好处在没有数据的格子里。"""

import numpy as np

from quizdl.proof import claim, line


def truth(rng, rank, m=120, n=80):
    """m 个类别对 n 种情形的反应：秩为 rank，元素的方差约为 1。"""
    return rng.normal(size=(m, rank)) @ rng.normal(size=(rank, n)) / np.sqrt(rank)


def solve_rows(Y, seen, V, decay):
    """固定 V，每一行各解一个岭回归，只用看得见的格子；seen 是 0/1。返回 U: (m, d)"""
    d = V.shape[1]
    outer = (V[:, :, None] * V[:, None, :]).reshape(len(V), d * d)
    A = (seen @ outer).reshape(-1, d, d) + decay * np.eye(d)  # 每行一个 d×d 方程组
    return np.linalg.solve(A, ((seen * Y) @ V)[:, :, None])[:, :, 0]


def learn(Y, seen, d, rng, decay=1.0, sweeps=50, buckets=None):
    """交替最小二乘，学两张表 U、V，使 U Vᵀ 在看得见的格子上接近 Y。"""
    V = rng.normal(size=(Y.shape[1], d))
    share = np.arange(len(Y)) % (buckets or len(Y))  # 第 i 类用第几行；相同就是碰撞
    pool = (np.arange(share.max() + 1)[:, None] == share) * 1.0  # (行, 类)
    for _ in range(sweeps):
        count = pool @ seen  # 每行在每种情形下有几个样本
        mean = pool @ (seen * Y) / np.maximum(count, 1)
        U = solve_rows(mean, count, V, decay)[share]
        V = solve_rows(Y.T, seen.T, U, decay)
    return U, V


def error(P, Y, where=True):
    """在 where 处的相对误差：全猜 0 时为 1。"""
    return np.sum((P - Y) ** 2, where=where) / np.sum(Y**2, where=where)


@claim(
    guard={"one-hot 加线性层的误差": "<= 1e-9"},
    expect={"Embedding 的误差": "in [0.12, 0.3]", "比尾部奇异值多出的": "in [-1e-3, 1e-3]"},
    control=[{"noise": 0.0}, {"table": "random"}],
    knobs={"d": [1, 10], "noise": [0.0, 1.0], "table": ["learned", "random"]},
)
def rank_limits(d=3, noise=0.5, table="learned", seed=0):
    """数据齐全时，d 维 Embedding 的误差恰好是丢掉的奇异值；one-hot 加线性层没有误差"""
    rng = np.random.default_rng(seed)
    Y = truth(rng, 3)
    Y = Y + noise * rng.normal(size=Y.shape)
    seen = np.ones_like(Y)
    U, V = learn(Y, seen, d, rng, decay=1e-9)
    if table == "random":  # U 随机而且不学，只学后面的 V
        U = rng.normal(size=U.shape)
        V = solve_rows(Y.T, seen.T, U, 1e-9)
    W = np.linalg.lstsq(np.eye(120), Y, rcond=None)[0]  # one-hot 后面的线性层
    s = np.linalg.svd(Y, compute_uv=False)
    return {
        "one-hot 加线性层的误差": error(np.eye(120) @ W, Y),
        "Embedding 的误差": error(U @ V.T, Y),
        "比尾部奇异值多出的": error(U @ V.T, Y) - np.sum(s[d:] ** 2) / np.sum(s**2),
    }


@claim(
    guard={"看得见的比例": "in [0.3, 0.4]", "one-hot 在没见过的格子上": ">= 0.85"},
    expect={"Embedding 在没见过的格子上": "<= 0.06"},
    control=[{"table": "random"}, {"rank": 80}],
    knobs={"table": ["learned", "random"], "rank": [1, 80], "d": [1, 12]},
)
def fills_the_gaps(table="learned", rank=3, d=3, seed=0):
    """65% 的格子没有数据：Embedding 借别的类别补上，one-hot 加线性层补不了"""
    rng = np.random.default_rng(seed)
    Y = truth(rng, rank)
    seen = (rng.random(Y.shape) < 0.35) * 1.0
    noisy = Y + 0.3 * rng.normal(size=Y.shape)
    U, V = learn(noisy, seen, d, rng)
    if table == "random":
        U = rng.normal(size=U.shape)
        V = solve_rows(noisy.T, seen.T, U, 1.0)
    hidden = seen == 0
    who, which = np.nonzero(seen)
    X = np.hstack([np.eye(120)[who], np.eye(80)[which]])  # 类别与情形的 one-hot 拼起来
    w = np.linalg.solve(X.T @ X + np.eye(200), X.T @ noisy[who, which])
    return {
        "看得见的比例": seen.mean(),
        "one-hot 在没见过的格子上": error(w[:120, None] + w[120:], Y, hidden),
        "Embedding 在没见过的格子上": error(U @ V.T, Y, hidden),
    }


@claim(
    guard={"d=3 测试误差": "<= 0.2"},
    expect={
        "d=1 测试误差/d=3": ">= 10",
        "d=12 训练误差/d=3": "in [0.1, 0.35]",
        "d=12 测试误差/d=3": "in [4, 12]",
    },
    control=[{"decay": 3.0}, {"rank": 1}],
    knobs={"decay": [0.1, 10.0], "rank": [1, 3]},
)
def dimension_has_an_optimum(decay=0.3, rank=3, seed=0):
    """真实的秩是 3：1 维欠拟合，12 维训练误差更小而测试误差大得多"""
    rng = np.random.default_rng(seed)
    Y = truth(rng, rank)
    seen = (rng.random(Y.shape) < 0.35) * 1.0
    noisy = Y + 0.3 * rng.normal(size=Y.shape)
    dims = (1, 2, 3, 5, 8, 12)
    fits = [U @ V.T for U, V in (learn(noisy, seen, d, rng, decay) for d in dims)]
    train = [error(P, noisy, seen == 1) for P in fits]
    test = [error(P, Y, seen == 0) for P in fits]
    return {
        "d=3 测试误差": test[2],
        "d=1 测试误差/d=3": test[0] / test[2],
        "d=12 训练误差/d=3": train[5] / train[2],
        "d=12 测试误差/d=3": test[5] / test[2],
        "误差与维数": line({"训练": train, "测试": test}, dims, x_label="d"),
    }


@claim(
    guard={"两类共同见过的情形": "== 0", "看得见的比例": "in [0.3, 0.7]"},
    expect={"同组两类余弦的平均": "in [0.9, 1.1]"},
    control={"bridge": False},
    knobs={"bridge": [True, False]},
)
def similarity_through_others(bridge=True, seed=0):
    """两个类别从没遇到过同一种情形，也能借别的类别学到几乎相同的向量"""
    rng = np.random.default_rng(seed)
    Y = truth(rng, 5, m=10)[np.arange(120) % 10]  # 120 类分 10 组，编号的个位相同就同组
    Y = Y + 0.1 * rng.normal(size=Y.shape)  # 同组的反应几乎相同
    left = np.arange(80) < 40
    seen = (rng.random(Y.shape) < 0.5) * 1.0
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
    guard={"没碰撞的 40 类的误差": "<= 0.2"},
    expect={"碰撞的 80 类的误差": "in [0.35, 0.65]"},
    control={"buckets": 120},
    knobs={"buckets": [40, 120]},
)
def collisions_average(buckets=80, seed=0):
    """120 类散列到 80 行：共用一行的类别只能取折中，数据再多误差也剩一半"""
    rng = np.random.default_rng(seed)
    Y = truth(rng, 3)
    U, V = learn(Y, np.ones_like(Y), 3, rng, decay=1e-9, buckets=buckets)
    alone = np.arange(120) // 40 == 1  # 第 40–79 类各有一行；第 0–39 与 80–119 类两两共用
    return {
        "没碰撞的 40 类的误差": error(U @ V.T, Y, alone[:, None]),
        "碰撞的 80 类的误差": error(U @ V.T, Y, ~alone[:, None]),
    }
