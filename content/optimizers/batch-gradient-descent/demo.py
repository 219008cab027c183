"""批量梯度下降：每步用全部样本，换来什么，付出什么。代价一律按“样本梯度”的个数算。"""

import numpy as np

from quizdl.proof import claim, line


class LeastSquares:
    """平均平方损失 |Xw - y|²/2n；起点一律是 w = 0。"""

    def __init__(self, X, y):
        self.X, self.y, self.n = X, y, len(y)
        self.H = X.T @ X / self.n  # (d, d)
        self.w_min = np.linalg.solve(self.H, X.T @ y / self.n)
        self.mu, *_, self.L = np.linalg.eigvalsh(self.H)

    def loss(self, w):
        return np.mean((self.X @ w - self.y) ** 2) / 2

    def excess(self, W):
        """比最小损失高出多少，起点为 1；W 的最后一维是参数。"""
        e = W - self.w_min
        return np.einsum("...i,...i->...", e @ self.H, e) / (self.w_min @ self.H @ self.w_min)

    def grad(self, w, rows=None):
        X, y = (self.X, self.y) if rows is None else (self.X[rows], self.y[rows])
        return X.T @ (X @ w - y) / len(y)


def regression(n, rng, scale=3.0, noise=1.0):
    X = rng.normal(size=(n, 8)) * np.geomspace(1, scale, 8)  # 特征尺度差 scale 倍
    return LeastSquares(X, rng.normal(X.sum(1), noise))  # 真参数全是 1


def gd(f, steps, lr=None):
    """全量梯度下降的轨迹 (steps + 1, d)；学习率默认取最好的固定值 2/(L + μ)。"""
    lr = lr or 2 / (f.L + f.mu)
    path = [np.zeros_like(f.w_min)]
    for _ in range(steps):
        path.append(path[-1] - lr * f.grad(path[-1]))
    return np.array(path)


def sgd(f, steps, rng, decays=(0.0,)):
    """每步有放回地抽一个样本，五种学习率各走 20 遍；返回超额损失 (steps + 1, 学习率, 20)。"""
    lr = np.tile(np.geomspace(0.02, 1, 5), len(decays)) / (f.X**2).sum(1).mean()
    lr, decay = lr[:, None, None], np.repeat(decays, 5)[:, None, None]
    W = np.zeros((len(lr), 20, len(f.w_min)))
    history = [f.excess(W)]
    for t, i in enumerate(rng.integers(0, f.n, (steps, 20))):
        x, y = f.X[i], f.y[i]  # (20, d)、(20,)
        residual = np.einsum("lrd,rd->lr", W, x) - y
        W = W - lr / (1 + decay * t) * residual[:, :, None] * x
        history.append(f.excess(W))
    return np.array(history)


def first_below(history, target):
    """第几步第一次低于 target；没有到的算走满。history: (步, …)"""
    below = history <= target
    return np.where(below.any(0), below.argmax(0), len(history))


# ---- 准确的梯度：步步下降，与样本的次序、怎样分块都无关 ----


@claim(
    guard={
        "SGD 最后的超额损失": "<= 0.01",
        "最小损失 / 起点的损失": "in [0.015, 0.05]",
        "超额损失 / 按损失直接算的": "in [0.99999, 1.00001]",
    },
    expect={"GD 全量损失上升的步数比例": "== 0", "SGD 全量损失上升的步数比例": "in [0.36, 0.48]"},
    control=[{"critical": 1.02}, {"sampler": "full"}],
    knobs={"critical": [0.5, 1.05], "sampler": ["one", "full"]},
)
def falls_every_step(critical=0.95, sampler="one", seed=0):
    """学习率小于 2/L，全批量每步都降；单样本的步子（学习率调好）常使全量损失上升。"""
    rng = np.random.default_rng(seed)
    f = regression(200, rng)
    path = gd(f, 60, critical * 2 / f.L)
    full, one = f.excess(path), sgd(f, 600, rng)
    if sampler == "full":
        one = f.excess(gd(f, 40))[:, None, None]
    best = one[-1].mean(1).argmin()  # 最后的损失最低的学习率
    start, last, least = f.loss(path[0]), f.loss(path[-1]), f.loss(f.w_min)
    return {
        "SGD 最后的超额损失": one[-1, best].mean(),
        "最小损失 / 起点的损失": least / start,
        "超额损失 / 按损失直接算的": full[-1] / ((last - least) / (start - least)),
        "GD 全量损失上升的步数比例": np.mean(np.diff(full) > 0),
        "SGD 全量损失上升的步数比例": np.mean(np.diff(one[:, best], axis=0) > 0),
        "全量损失": line(
            {"GD": full, "SGD": one[:60, best, 0]}, x_label="步", y_label="超额损失", log_y=True
        ),
    }


@claim(
    guard={"最后一块 / 其他块": "in [0.43, 0.44]", "斜率 / 中心差分": "in [0.999999, 1.000001]"},
    expect={"与一次算完的相对差": "<= 1e-9"},
    control=[{"weights": "equal"}, {"drop_last": True}],
    knobs={"weights": ["size", "equal"], "drop_last": [False, True]},
)
def accumulates_exactly(weights="size", drop_last=False, seed=0):
    """打乱次序、分块算、按块的大小加权相加，与一次算完是同一个全量梯度。"""
    rng = np.random.default_rng(seed)
    f = regression(103, rng)
    w, v = rng.normal(size=(2, 8))
    order = rng.permutation(103)
    chunks = [order[start : start + 16] for start in range(0, 103, 16)]  # 最后一块只有 7 个
    last = len(chunks[-1]) / len(chunks[0])
    if drop_last:
        chunks = chunks[:-1]
    total, weight = 0.0, 0.0
    for rows in chunks:  # 显存里一次只放一块
        each = len(rows) if weights == "size" else 1
        total, weight = total + each * f.grad(w, rows), weight + each
    exact = f.grad(w)
    return {
        "最后一块 / 其他块": last,
        "斜率 / 中心差分": 2 * exact @ v / (f.loss(w + v) - f.loss(w - v)),  # 沿任一方向 v
        "与一次算完的相对差": np.abs(total / weight / exact - 1).max(),
    }


# ---- 代价：与样本数成正比，不管样本是否重复 ----


@claim(
    guard={"GD 样本梯度随 n 的幂次": "in [0.8, 1.2]"},
    expect={"GD 的步数": "in [20, 40]", "SGD 样本梯度随 n 的幂次": "in [-0.3, 0.3]"},
    control={"data": "disjoint"},
    knobs={"data": ["regression", "disjoint"], "target": [0.01, 0.05]},
)
def cost_grows_with_n(data="regression", target=0.02, seed=0):
    """降到起点的 2%：GD 的代价正比于 n，SGD 的与 n 无关；样本各管各的时 SGD 也正比于 n。"""
    rng = np.random.default_rng(seed)
    cost = []
    for n in [400, 4000]:
        f = regression(n, rng, scale=6.0)
        if data == "disjoint":  # n/20 个样本，每个只碰自己的那个参数：没有冗余
            f = LeastSquares(np.eye(n // 20), rng.choice([-1.0, 1.0], n // 20))
        steps = first_below(f.excess(gd(f, 100)), target)
        single = first_below(sgd(f, 1200, rng), target).mean(1).min()
        cost.append([steps * n, single])
    power = np.log10(np.divide(cost[1], cost[0]))  # n 大了 10 倍
    return {
        "GD 的步数": steps,
        "GD 样本梯度随 n 的幂次": power[0],
        "SGD 样本梯度随 n 的幂次": power[1],
    }


@claim(
    guard={"GD 的步数": "in [3, 30]", "SGD 样本梯度的倍数": "in [0.5, 2]"},
    expect={
        "GD 两条轨迹的最大差": "<= 1e-9",
        "GD 样本梯度的倍数": "in [9.9, 10.1]",
    },
    control=[{"more": "fresh"}, {"copies": 1}],
    knobs={"more": ["copies", "fresh"], "copies": [1, 20]},
)
def pays_for_duplicates(more="copies", copies=10, seed=0):
    """每个样本复制 10 份：GD 走同一条轨迹，样本梯度多付 10 倍；SGD 不多付。"""
    rng = np.random.default_rng(seed)
    f = regression(100, rng)
    g = LeastSquares(np.tile(f.X, (copies, 1)), np.tile(f.y, copies))  # (copies·n, d)
    if more == "fresh":  # 多出来的不是复制，是同一个真参数下新抽的样本
        g = regression(100 * copies, rng)
    w, u = gd(f, 100), gd(g, 100)
    target = 0.02
    steps, twin = (first_below(each.excess(path), target) for each, path in ((f, w), (g, u)))
    once, often = (first_below(sgd(each, 1200, rng), target).mean(1).min() for each in (f, g))
    return {
        "GD 的步数": steps,
        "GD 两条轨迹的最大差": np.abs(w - u).max(),  # 真参数都是 1
        "GD 样本梯度的倍数": twin * g.n / (steps * f.n),
        "SGD 样本梯度的倍数": often / once,
    }


# ---- 什么时候全批量是对的 ----


@claim(
    guard={"一遍之后 SGD 的超额损失": "in [1e-6, 0.9]"},
    expect={
        "一遍之后 SGD / GD 的超额损失": "in [0.02, 0.35]",
        "走完后 GD 的超额损失": "<= 1e-6",
        "走完后 SGD 最好的超额损失": "in [3e-5, 5e-4]",
        "其中固定学习率的 / 递减的": "in [1.2, 6]",
    },
    control=[{"noise": 0.0}, {"n": 8}],
    knobs={"noise": [0.0, 2.0], "n": [8, 400]},
)
def precise_in_the_end(noise=1.0, n=100, seed=0):
    """样本梯度一样多：一遍之后 SGD 领先；走到底 GD 精确得多，SGD 停在噪声里。"""
    rng = np.random.default_rng(seed)
    f = regression(n, rng, noise=noise)
    path = gd(f, 70)
    full, g = f.excess(path), f.grad(path[0])
    first = f.excess(path[0] - g * (g @ g) / (g @ f.H @ g))  # 只走一步：最好的学习率（精确线搜索）
    single = sgd(f, 70 * n, rng, decays=(0.0, 0.003)).mean(2)
    best = single.min(1)  # 每一步都取十种学习率里最好的
    fixed, falling = single[-1].reshape(2, 5).min(1)
    return {
        "一遍之后 SGD 的超额损失": best[n],
        "一遍之后 SGD / GD 的超额损失": best[n] / first,
        "走完后 GD 的超额损失": full[-1],
        "走完后 SGD 最好的超额损失": best[-1],
        "其中固定学习率的 / 递减的": fixed / falling,
        "同样多样本梯度之后": line(
            {"GD": full, "SGD": best[::n]}, x_label="遍", y_label="超额损失", log_y=True
        ),
    }


@claim(
    guard={"GD 最慢一步缩小的对数 / 理论值": "in [0.999999, 1.2]"},
    expect={"GD 步数 / 割线步长的步数": "in [5, 30]"},
    control=[{"batch": 32}, {"scale": 1.0}],
    knobs={"batch": [32, 400], "scale": [1.0, 12.0]},
)
def secants_need_exact_gradients(batch=400, scale=12.0, seed=0):
    """病态问题上用两次梯度之差估曲率（割线），比学习率最好的 GD 快数倍；换成小批量的梯度就失灵。"""
    rng = np.random.default_rng(seed)
    f = regression(400, rng, scale)
    full = f.excess(gd(f, 2500))
    steps = first_below(full, 1e-8)
    slowest = np.diff(np.log(full[:steps])).max()
    rows = lambda: rng.permutation(400)[:batch]  # batch = 400 就是全部样本
    w, path, lr = np.zeros(8), [1.0], 1 / f.L
    g = f.grad(w, rows())
    while path[-1] > 1e-8 and len(path) <= steps:
        step = -lr * g
        w, before = w + step, g
        g = f.grad(w, rows())
        lr = (step @ step) / np.abs(step @ (g - before))  # Barzilai–Borwein：sᵀs / sᵀy
        path.append(f.excess(w))
    return {
        "GD 最慢一步缩小的对数 / 理论值": slowest / np.log((f.L - f.mu) / (f.L + f.mu)) / 2,
        "GD 步数 / 割线步长的步数": steps / (len(path) - 1),
    }
