"""GD 与 SGD：样本梯度、串行步数、精度、病态、鞍点，各自付出什么。"""

import numpy as np

from quizdl.proof import claim, line


class Regression:
    """线性回归；特征的标准差从 1 到 flattest，起点 0，各方向上的误差一样重要。"""

    def __init__(self, seed, n, flattest, noise, whiten=False):
        self.rng = np.random.default_rng(seed)
        scale = np.geomspace(1, flattest, 8)
        X = self.rng.normal(size=(n, 8)) * scale  # (n, 8)
        self.y = X @ (1 / scale) + noise * self.rng.normal(size=n)
        self.X = X / X.std(axis=0) if whiten else X
        self.H = self.X.T @ self.X / n
        self.best = np.linalg.solve(self.H, self.X.T @ self.y / n)
        self.n, self.start = n, self.excess(np.zeros(8))

    def excess(self, W):
        """超额损失：比最小点高出多少。"""
        return (((W - self.best) @ self.H) * (W - self.best)).sum(axis=-1) / 2

    def full(self, W):
        return (W - self.best) @ self.H

    def sample(self, W, i):
        """每份轨迹一个样本的梯度；W: (runs, lrs, dim)，i: (runs,)"""
        x = self.X[i][:, None]
        return ((W * x).sum(axis=2) - self.y[i][:, None])[..., None] * x


GD_LRS = np.geomspace(0.1, 3, 12)
SGD_LRS = np.geomspace(0.002, 0.4, 12)


@np.errstate(all="ignore")  # 发散的成为 inf 或 nan
def steps_to(target, p, method, budget=3000):
    """各学习率各走十遍，平均超额损失最先降到起点的 target 倍的步数。"""
    lrs = GD_LRS if method == "gd" else SGD_LRS
    W = np.zeros((10, len(lrs), 8))
    for step in range(budget):
        if (p.excess(W).mean(axis=0) <= target * p.start).any():
            return step
        g = p.full(W) if method == "gd" else p.sample(W, p.rng.integers(p.n, size=10))
        W = W - lrs[:, None] * g
    return budget


@claim(
    guard={
        "样本梯度的平均与全量梯度的相对差": "<= 1e-9",
        "起点的超额损失与两次损失之差的相对差": "<= 1e-9",
        "GD 的步数": "in [2, 40]",
        "串行步数：SGD / GD": "in [4, 25]",
    },
    expect={"样本梯度：SGD / GD": "<= 0.02"},
    control={"n": 20},
    knobs={"n": [20, 4000]},
)
def samples_against_serial(n=2000, seed=0):
    """到起点的 10%：SGD 的样本梯度不到 GD 的 2%，先后依赖的步数却是四倍以上；样本少时没这么省。"""
    p = Regression(seed, n, 0.3, 0.5)
    each, full = p.sample(np.zeros((n, 1, 8)), np.arange(n)), p.full(np.zeros(8))
    drop = (p.y @ p.y - np.sum((p.y - p.X @ p.best) ** 2)) / (2 * n)
    gd, sgd = (steps_to(0.1, p, method) for method in ("gd", "sgd"))
    return {
        "样本梯度的平均与全量梯度的相对差": np.linalg.norm(each.mean(axis=(0, 1)) - full)
        / np.linalg.norm(full),
        "起点的超额损失与两次损失之差的相对差": abs(p.start / drop - 1),
        "GD 的步数": gd,
        "样本梯度：SGD / GD": sgd / (gd * n),
        "串行步数：SGD / GD": sgd / gd,
    }


@claim(
    guard={"κ 小时 GD 的步数": "in [1, 10]", "κ 小时 SGD 的步数": "in [10, 150]"},
    expect={"κ 大后 GD 步数的倍数": "in [8, 30]", "κ 大后 SGD 步数的倍数": "in [4, 12]"},
    control={"whiten": True},
    knobs={"whiten": [False, True]},
)
def conditioning_slows_both(whiten=False, seed=0):
    """特征尺度之比从 2 拉到 10（κ 从 4 到 100），GD 与 SGD 都慢好几倍；先把特征标准化就都不慢。"""
    good, bad = (Regression(seed, 500, flattest, 0.2, whiten) for flattest in (0.5, 0.1))
    gd, worse_gd = (steps_to(0.02, p, "gd") for p in (good, bad))
    sgd, worse_sgd = (steps_to(0.02, p, "sgd") for p in (good, bad))
    return {
        "κ 小时 GD 的步数": gd,
        "κ 小时 SGD 的步数": sgd,
        "κ 大后 GD 步数的倍数": worse_gd / gd,
        "κ 大后 SGD 步数的倍数": worse_sgd / sgd,
    }


@claim(
    guard={"SGD 最后 / 起初": "<= 0.01", "GD：第三个四位 / 第二个四位": "in [0.7, 1.4]"},
    expect={"SGD：超额损失随样本数的幂": "in [-1.5, -0.75]"},
    control={"noise": 0.0},
    knobs={"noise": [0.0, 2.0]},
)
def digits_cost(noise=1.0, seed=0):
    """GD 每多四位花同样多步；学习率按 1/t 降的 SGD，样本数乘 16，超额损失才约除以 16。"""
    p = Regression(seed, 200, 0.33, noise)
    four, eight, twelve = (steps_to(tol, p, "gd") for tol in (1e-4, 1e-8, 1e-12))
    a, tau = (each.ravel() for each in np.meshgrid([0.02, 0.05, 0.1], [30, 100, 300, 1000]))
    W, curve = np.zeros((10, 12, 8)), []
    for t in range(3201):
        if t % 200 == 0:  # 每个时刻各取最好的一组 a、τ
            curve.append(p.excess(W).mean(axis=0).min() / p.start)
        W = W - (a / (1 + t / tau))[:, None] * p.sample(W, p.rng.integers(200, size=10))
    return {
        "SGD 最后 / 起初": curve[-1],
        "GD：第三个四位 / 第二个四位": (twelve - eight) / (eight - four),
        "SGD：超额损失随样本数的幂": np.log(curve[-1] / curve[1]) / np.log(16),
        "SGD 的超额损失": line(
            curve[1:], 200 * np.arange(1, 17), x_label="样本梯度", log_x=True, log_y=True
        ),
    }


@claim(
    guard={"GD 最后 / 起初": "in [1e-3, 0.06]"},
    expect={"SVRG / GD": "in [1e-7, 0.01]", "SVRG / SGD": "in [5e-7, 0.01]"},
    control={"correct": False},
    knobs={"correct": [True, False]},
)
def variance_reduction(correct=True, seed=0):
    """样本梯度一样多、各自调好学习率，SVRG 的超额损失不到 GD 与 SGD 的百分之一；去掉修正项则否。"""
    n, p = 200, Regression(seed, 200, 0.15, 1.0)
    rounds, runs = 12, 5  # SVRG 每轮：1 次全量梯度 + n 步，每步两个样本梯度，共 3n
    gd = np.zeros((len(GD_LRS), 8))
    for _ in range(3 * rounds):
        gd = gd - GD_LRS[:, None] * p.full(gd)
    sgd, W = np.zeros((runs, 12, 8)), np.zeros((runs, 12, 8))
    for _ in range(rounds):
        snapshot, mu = W, p.full(W)
        for _ in range(n):
            i, *others = p.rng.integers(n, size=(4, runs))
            g = p.sample(W, i)
            direction = g - p.sample(snapshot, i) + mu if correct else g
            W = W - SGD_LRS[:, None] * direction
            for j in others:
                sgd = sgd - SGD_LRS[:, None] * p.sample(sgd, j)
    low = lambda W: np.nanmin(p.excess(W).reshape(-1, 12).mean(axis=0))
    return {
        "GD 最后 / 起初": low(gd) / p.start,
        "SVRG / GD": low(W) / low(gd),
        "SVRG / SGD": low(W) / low(sgd),
    }


@claim(
    guard={"起点处全量梯度的相对大小": "<= 1e-9", "起点的负曲率": "in [0.5, 4]"},
    expect={"离开鞍点的比例": ">= 0.9"},
    control=[{"method": "gd"}, {"data": "axes"}],
    knobs={"method": ["sgd", "gd"], "data": ["mixed", "axes"]},
)
def noise_leaves_saddle(method="sgd", data="mixed", seed=0):
    """f(w) = |w|⁴/4 - E(wᵀx)²/2 从第二主成分（严格鞍点）出发：SGD 都离开，GD 不动。"""
    rng = np.random.default_rng(seed)
    n, runs = 400, 50
    X = rng.normal(size=(n, 4)) * np.sqrt([4, 2, 1, 1])
    if data == "axes":  # 方差不变，但每个样本只落在一个坐标轴上
        X = X * 2 * np.eye(4)[rng.permutation(np.arange(n) % 4)]
    C = X.T @ X / n
    values, V = np.linalg.eigh(C)
    w0 = np.sqrt(values[-2]) * V[:, -2]  # 鞍点：全量梯度为零
    W = np.tile(w0, (runs, 1))
    full = lambda W: np.einsum("rd,rd,re->re", W, W, W) - W @ C
    sample = lambda W, x: np.einsum("rd,rd,re->re", W, W, W) - np.einsum("rd,rd,re->re", W, x, x)
    for _ in range(600):
        g = full(W) if method == "gd" else sample(W, X[rng.integers(n, size=runs)])
        W = W - 0.01 * g
    return {
        "起点处全量梯度的相对大小": np.linalg.norm(full(w0[None])) / values[-1],
        "起点的负曲率": values[-1] - values[-2],
        "离开鞍点的比例": np.mean(np.linalg.norm(W - w0, axis=1) > 0.5 * np.linalg.norm(w0)),
    }
