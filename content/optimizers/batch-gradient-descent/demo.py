"""批量梯度下降：每步用全部样本，换来什么，付出什么。代价一律按“样本梯度”的个数算。"""

import numpy as np

from quizdl.proof import claim, line


class LeastSquares:
    """平均平方损失 |Xw - y|²/2n；超额损失按起点 w = 0 归一。"""

    def __init__(self, X, y):
        self.X, self.y, self.n = X, y, len(y)
        self.H = X.T @ X / self.n  # (d, d)
        self.w_min = np.linalg.solve(self.H, X.T @ y / self.n)
        self.L = np.linalg.eigvalsh(self.H)[-1]

    def excess(self, W):
        """比最小损失高出多少，起点为 1；W 的最后一维是参数。"""
        e = W - self.w_min
        return ((e @ self.H) * e).sum(-1) / (self.w_min @ self.H @ self.w_min)

    def grad(self, w, rows=None):
        X, y = (self.X, self.y) if rows is None else (self.X[rows], self.y[rows])
        return X.T @ (X @ w - y) / len(y)


def regression(n, rng, scale=3.0, noise=1.0, dim=8):
    w = rng.normal(size=dim)
    X = rng.normal(size=(n, dim)) * np.geomspace(1, scale, dim)
    return LeastSquares(X, X @ w + noise * rng.normal(size=n))


def gd(f, steps):
    """每个学习率各走一份；返回每步的超额损失 (steps + 1, 学习率)。"""
    lr = np.array([0.5, 1.0, 1.5, 1.8])[:, None] / f.L
    W = np.zeros((4, len(f.w_min)))
    history = [f.excess(W)]
    for _ in range(steps):
        W = W - lr * (W @ f.H - f.w_min @ f.H)  # 全量梯度 H(w - w*)
        history.append(f.excess(W))
    return np.array(history)


def sgd(f, steps, rng, runs=30, decays=(0.0,)):
    """每步有放回地抽一个样本；返回 (steps + 1, 学习率的各种取法, runs)。"""
    lr = np.tile([0.02, 0.05, 0.1, 0.3, 1.0], len(decays))[:, None, None]
    lr, decay = lr / (f.X**2).sum(1).mean(), np.repeat(decays, 5)[:, None, None]
    W = np.zeros((len(lr), runs, len(f.w_min)))
    history = [f.excess(W)]
    for t, i in enumerate(rng.integers(0, f.n, (steps, runs))):
        x, y = f.X[i], f.y[i]  # (runs, d)、(runs,)
        residual = (W * x).sum(-1, keepdims=True) - y[:, None]
        W = W - lr / (1 + decay * t) * residual * x
        history.append(f.excess(W))
    return np.array(history)


def first_below(history, target):
    """第几步第一次低于 target；没有到的算走满。history: (步, …)"""
    below = history <= target
    return np.where(below.any(0), below.argmax(0), len(history))


# ---- 准确的梯度：步步下降，与样本的次序、怎样分块都无关 ----


@claim(
    guard={"GD 最低的超额损失": "<= 0.99", "SGD 最后的超额损失": "<= 0.05"},
    expect={"GD 全量损失上升的步数比例": "== 0", "SGD 全量损失上升的步数比例": "in [0.3, 0.6]"},
    control=[{"critical": 1.02}, {"sampler": "full"}],
    knobs={"critical": [0.5, 1.05], "sampler": ["one", "full"]},
)
def falls_every_step(critical=0.95, sampler="one", seed=0):
    """学习率小于 2/L，全批量每步都降；单样本的步子（学习率调好）常使全量损失上升。"""
    rng = np.random.default_rng(seed)
    f = regression(200, rng)
    w, path = np.zeros(8), []
    for _ in range(60):
        path.append(f.excess(w))
        w = w - critical * 2 / f.L * f.grad(w)
    one = sgd(f, 600, rng, runs=20) if sampler == "one" else gd(f, 600)[:40, :, None]
    best = one[-1].mean(1).argmin()  # 最后的损失最低的学习率
    return {
        "GD 最低的超额损失": min(path),
        "SGD 最后的超额损失": one[-1, best].mean(),
        "GD 全量损失上升的步数比例": np.mean(np.diff(path) > 0),
        "SGD 全量损失上升的步数比例": np.mean(np.diff(one[:, best], axis=0) > 0),
        "全量损失": line(
            {"GD": path, "SGD": one[:60, best, 0]}, x_label="步", y_label="超额损失", log_y=True
        ),
    }


@claim(
    guard={"梯度范数": ">= 0.1", "最后一块 / 其他块": "in [0.3, 0.6]"},
    expect={"与一次算完的相对差": "<= 1e-12"},
    control=[{"weights": "equal"}, {"drop_last": True}],
    knobs={"weights": ["size", "equal"], "drop_last": [False, True]},
)
def accumulates_exactly(weights="size", drop_last=False, seed=0):
    """打乱次序、分块算、按块的大小加权相加，与一次算完是同一个全量梯度。"""
    rng = np.random.default_rng(seed)
    f = regression(103, rng)
    w = rng.normal(size=8)
    order = rng.permutation(103)
    chunks = [order[start : start + 16] for start in range(0, 103, 16)]  # 最后一块只有 7 个
    if drop_last:
        chunks = chunks[:-1]
    total, weight = np.zeros(8), 0.0
    for rows in chunks:  # 显存里一次只放一块
        each = len(rows) if weights == "size" else 1
        total, weight = total + each * f.grad(w, rows), weight + each
    exact = f.grad(w)
    return {
        "梯度范数": np.linalg.norm(exact),
        "最后一块 / 其他块": len(order) % len(chunks[0]) / len(chunks[0]),
        "与一次算完的相对差": np.linalg.norm(total / weight - exact) / np.linalg.norm(exact),
    }


# ---- 代价：与样本数成正比，不管样本是否重复 ----


@claim(
    guard={"GD 的步数": "in [1, 100]", "GD 样本梯度随 n 的幂次": "in [0.8, 1.2]"},
    expect={"SGD 样本梯度随 n 的幂次": "in [-0.3, 0.3]"},
    control={"data": "disjoint"},
    knobs={"data": ["regression", "disjoint"], "target": [0.01, 0.05]},
)
def cost_grows_with_n(data="regression", target=0.02, seed=0):
    """降到起点的 2%：GD 的代价正比于 n，SGD 的与 n 无关；样本各管各的时 SGD 也正比于 n。"""
    cost = []
    for n in [200, 2000] if data == "regression" else [20, 200]:
        rng = np.random.default_rng(seed)  # 同一份真参数
        if data == "regression":
            f = regression(n, rng, scale=6.0, noise=0.3)
        else:  # 每个样本只碰自己的那个参数：没有冗余
            f = LeastSquares(np.eye(n), rng.choice([-1.0, 1.0], n))
        full = first_below(gd(f, 100), target).min()
        single = first_below(sgd(f, 1200, rng, runs=15), target).mean(1).min()
        cost.append([full * n, single])
    power = np.log10(np.divide(cost[1], cost[0]))  # n 大了 10 倍
    return {
        "GD 的步数": full,
        "GD 样本梯度随 n 的幂次": power[0],
        "SGD 样本梯度随 n 的幂次": power[1],
    }


@claim(
    guard={"GD 的步数": "in [2, 80]", "SGD 样本梯度的倍数": "in [0.7, 1.4]"},
    expect={
        "GD 两条轨迹的最大相对差": "<= 1e-9",
        "GD 样本梯度的倍数": "in [9.9, 10.1]",
    },
    control=[{"more": "fresh"}, {"copies": 1}],
    knobs={"more": ["copies", "fresh"], "copies": [1, 20]},
)
def pays_for_duplicates(more="copies", copies=10, seed=0):
    """每个样本复制 10 份：GD 走同一条轨迹，样本梯度多付 10 倍；SGD 不多付。"""
    rng = np.random.default_rng(seed)
    f = regression(100, rng, noise=0.3)
    if more == "copies":
        g = LeastSquares(np.tile(f.X, (copies, 1)), np.tile(f.y, copies))  # (copies·n, d)
    else:  # 多出来的不是复制，是同一个真参数下新抽的样本
        g = regression(100 * copies, np.random.default_rng(seed), noise=0.3)
    w = u = np.zeros(8)
    gap, path, twin = 0.0, [], []
    for _ in range(100):
        path.append(f.excess(w))
        twin.append(g.excess(u))
        w, u = w - 1.5 / f.L * f.grad(w), u - 1.5 / f.L * g.grad(u)
        gap = max(gap, np.linalg.norm(w - u) / np.linalg.norm(f.w_min))
    steps = first_below(np.array(path), 1e-2)
    single = [first_below(sgd(each, 1200, rng), 0.02).mean(1).min() for each in (f, g)]
    return {
        "GD 的步数": steps,
        "GD 两条轨迹的最大相对差": gap,
        "GD 样本梯度的倍数": first_below(np.array(twin), 1e-2) * g.n / (steps * f.n),
        "SGD 样本梯度的倍数": single[1] / single[0],
    }


# ---- 什么时候全批量是对的 ----


@claim(
    guard={"总遍数": ">= 10"},
    expect={
        "一遍之后 SGD / GD 的超额损失": "<= 0.5",
        "走完后 GD 的超额损失": "<= 1e-7",
        "走完后 SGD 最好的超额损失": ">= 3e-5",
    },
    control=[{"noise": 0.0}, {"n": 8}],
    knobs={"noise": [0.0, 2.0], "n": [8, 400]},
)
def precise_in_the_end(noise=1.0, n=100, seed=0):
    """样本梯度一样多：一遍之后 SGD 领先；走到底 GD 精确得多，SGD 停在噪声里。"""
    rng = np.random.default_rng(seed)
    f = regression(n, rng, noise=noise)
    epochs = 60
    full = gd(f, epochs).min(1)  # 每一遍之后，最好的学习率
    single = sgd(f, epochs * n, rng, runs=8, decays=(0.0, 0.003)).mean(2)
    best = single.min(1)  # 每一步都取十种学习率里最好的
    return {
        "总遍数": len(full) - 1,
        "一遍之后 SGD / GD 的超额损失": best[n] / full[1],
        "走完后 GD 的超额损失": full[-1],
        "走完后 SGD 最好的超额损失": best[-1],
        "同样多样本梯度之后": line(
            {"GD": full, "SGD": best[::n]}, x_label="遍", y_label="超额损失", log_y=True
        ),
    }


@claim(
    guard={"GD 最后的超额损失": "<= 1e-8"},
    expect={"GD 步数 / 割线步长的步数": ">= 5"},
    control=[{"batch": 32}, {"scale": 1.0}],
    knobs={"batch": [32, 400], "scale": [1.0, 12.0]},
)
def secants_need_exact_gradients(batch=400, scale=12.0, seed=0):
    """病态问题上用两次梯度之差估曲率（割线），比调好学习率的 GD 快数倍；换成小批量的梯度就失灵。"""
    rng = np.random.default_rng(seed)
    f = regression(400, rng, scale, noise=1.0)
    full = gd(f, 2500)
    steps = first_below(full, 1e-8).min()
    rows = lambda: rng.permutation(400)[:batch]  # batch = 400 就是全部样本
    w, lr, g, path = np.zeros(8), 1 / f.L, f.grad(np.zeros(8), rows()), [1.0]
    while path[-1] > 1e-8 and len(path) <= steps:
        step = -lr * g
        w, before = w + step, g
        g = f.grad(w, rows())
        lr = (step @ step) / np.abs(step @ (g - before))  # Barzilai–Borwein：sᵀs / sᵀy
        path.append(f.excess(w))
    return {
        "GD 最后的超额损失": full[-1].min(),
        "GD 步数 / 割线步长的步数": steps / (len(path) - 1),
    }
