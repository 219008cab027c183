"""优化方法的地图：一个公式套住几种更新规则，和一次公平的比较。"""

import numpy as np

from quizdl.proof import claim, heatmap

EPS = 1e-8
LRS = np.geomspace(3e-3, 10, 15)  # 每种方法、每个问题都在这里挑最快的学习率


class Rule:
    """m ← a·m + b·g，V ← c·V + d·g²，w ← w - lr·m̂ / (√V̂ + ε)；c 为 None 就没有分母。"""

    def __init__(self, lr, a=0.0, b=1.0, c=None, d=None, correct=False, eps=EPS):
        self.lr, self.a, self.b, self.c, self.d = lr, a, b, c, d
        self.correct, self.eps = correct, eps  # 偏差修正
        self.t = self.m = self.V = 0

    def __call__(self, g):
        self.t += 1
        self.m = self.a * self.m + self.b * g
        if self.c is None:
            return -self.lr * self.m
        self.V = self.c * self.V + self.d * g**2
        m_hat, V_hat = self.m, self.V
        if self.correct:
            m_hat, V_hat = m_hat / (1 - self.a**self.t), V_hat / (1 - self.c**self.t)
        return -self.lr * m_hat / (np.sqrt(V_hat) + self.eps)


class AdaDelta:
    """Zeiler (2012)：分子是更新量自己的均方根。原文没有学习率，即 lr = 1。"""

    def __init__(self, lr=1.0, rho=0.95, eps=1e-6):
        self.lr, self.rho, self.eps = lr, rho, eps
        self.V = self.U = 0.0

    def __call__(self, g):
        self.V = self.rho * self.V + (1 - self.rho) * g**2
        step = -np.sqrt(self.U + self.eps) / np.sqrt(self.V + self.eps) * g
        self.U = self.rho * self.U + (1 - self.rho) * step**2
        return self.lr * step


RULES = {
    "GD": {},
    "动量": {"a": 0.9},
    "AdaGrad": {"c": 1.0, "d": 1.0},
    "RMSProp": {"c": 0.9, "d": 0.1},
    "Adam": {"a": 0.9, "b": 0.1, "c": 0.999, "d": 0.001, "correct": True},
}


def make(name, lr, eps=EPS):
    return AdaDelta(lr, eps=eps) if name == "AdaDelta" else Rule(lr, eps=eps, **RULES[name])


def quadratic(kappa, rotated, rng, dim=20):
    """wᵀAw/2，特征值 1/kappa … 1；返回 A 与起点，最小点在原点。"""
    Q, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    Q = Q if rotated else np.eye(dim)
    start = rng.uniform(0.2, 2, dim)  # 每个主轴上都有误差
    return (Q * np.geomspace(1 / kappa, 1, dim)) @ Q.T, Q @ start


# ---- 一个公式 ----


@claim(
    guard={"走得最近的一种 / 起点的距离": "in [0.15, 0.4]"},
    expect={"五种规则与各自教科书写法的最大差": "<= 1e-12"},
    control=[{"rms_corrected": True}, {"ema_momentum": True}],
    knobs={"rms_corrected": [False, True], "ema_momentum": [False, True], "steps": [20, 200]},
)
def one_formula(rms_corrected=False, ema_momentum=False, steps=100, seed=0):
    """GD、动量、AdaGrad、RMSProp、Adam 都是同一个公式取不同的系数。"""
    rng = np.random.default_rng(seed)
    A, start = quadratic(20, True, rng)
    noise = rng.normal(0, 0.1, (steps, 20))  # 两种写法看到同样的数据
    lr = 0.02
    rules = {name: Rule(lr, **coefficients) for name, coefficients in RULES.items()}
    if rms_corrected:
        rules["RMSProp"].correct = True  # β₁ = 0 的 Adam
    if ema_momentum:
        rules["动量"].b = 0.1
    gap, moved = [], []
    for name, rule in rules.items():
        ours = w = start
        v = G = np.zeros(20)
        for t, e in enumerate(noise, 1):
            g = A @ w + e
            if name == "GD":
                w = w - lr * g
            elif name == "动量":
                v = 0.9 * v + g
                w = w - lr * v
            elif name == "AdaGrad":
                G = G + g**2
                w = w - lr / (np.sqrt(G) + EPS) * g
            elif name == "RMSProp":
                G = 0.9 * G + (1 - 0.9) * g**2
                w = w - lr / (np.sqrt(G) + EPS) * g
            else:
                v, G = 0.9 * v + (1 - 0.9) * g, 0.999 * G + (1 - 0.999) * g**2
                root = np.sqrt(G / (1 - 0.999**t))
                w = w - lr * (v / (1 - 0.9**t)) / (root + EPS)
            ours = ours + rule(A @ ours + e)
            gap.append(np.abs(w - ours).max())
        moved.append(np.linalg.norm(w - start) / np.linalg.norm(start))
    return {
        "走得最近的一种 / 起点的距离": min(moved),
        "五种规则与各自教科书写法的最大差": np.max(gap),
    }


# ---- 公平的比较：每种方法、每个问题各调各的学习率 ----


def steps_until(name, gradient, start, tol, lrs=None, budget=250):
    """从离最小点 start 处出发，各学习率中最先把距离缩到 tol 倍的步数，对问题取平均。"""
    grid = LRS if lrs is None else lrs
    if name == "AdaDelta":
        grid = 100 * grid  # 它的更新量从 √ε 起步，要大得多的倍数
    rule = make(name, grid[:, None])
    E = np.tile(start, (1, len(grid), 1))  # 到最小点的差：(问题, 学习率, 参数)
    steps = np.full(len(E), budget)  # 走不到就算 budget
    for t in range(1, budget):
        E = (E + rule(gradient(t, E))).clip(-1e6, 1e6)  # 发散的停在那里
        reached = ((E**2).sum(2) <= tol**2 * (start**2).sum(2)).any(1)
        steps = np.where(reached, np.minimum(steps, t), steps)
        if steps.max() <= t:
            break
    return steps.mean()


def quadratic_steps(name, kappa, rotated, seed, scale=1.0, lrs=None):
    """三个二次函数，损失乘 scale，量距离缩到 5% 的步数。"""
    rng = np.random.default_rng(seed)
    A, start = zip(*[quadratic(kappa, rotated, rng) for _ in range(3)])
    A, start = np.array(A), np.array(start)[:, None, :]
    return steps_until(name, lambda t, E: scale * E @ A, start, 0.05, lrs)


def sparse_steps(name, rarest, seed):
    """八份稀疏的线性回归，每批 10 个样本，量距离缩到 20% 的步数。"""
    rng = np.random.default_rng(seed)
    period = np.geomspace(2, rarest, 20).round()  # 每个特征每隔几个样本出现一次
    phase = rng.integers(0, 1000, (8, 1, 20))

    def gradient(t, E):
        i = 10 * t + np.arange(10)[:, None]  # 这一批样本的编号
        X = rng.choice([-1, 1], (8, 10, 20)) * ((i + phase) % period == 0)
        return E @ (X.transpose(0, 2, 1) @ X)  # 批内求和

    return steps_until(name, gradient, np.ones((8, 1, 20)), 0.2)


@claim(
    guard={"走到的最少步数": "in [2, 10]"},
    expect={
        "良态：动量 / GD": "in [4, 20]",
        "沿轴病态：GD / AdaGrad": "in [20, 200]",
        "转轴病态：AdaGrad / 动量": "in [3, 6]",
        "稀疏：GD / AdaGrad": "in [1.4, 4]",
        "各方法在最不利一题上的倍数，最小者": "in [3, 6]",
        "Adam、动量走得最久的一题": "in [60, 240]",
    },
    control=[{"harsh": 3.0}, {"rarest": 2}],
    knobs={"mild": [2.0, 300.0], "harsh": [3.0, 3000.0], "rarest": [2, 200]},
)
def no_single_winner(mild=3.0, harsh=1000.0, rarest=200, seed=0):
    """各调各的学习率，四个问题的最快者不同；没有一种方法处处接近最快。"""
    names = [*RULES, "AdaDelta"]
    table = np.array(
        [
            [
                quadratic_steps(name, mild, True, seed),
                quadratic_steps(name, harsh, False, seed),
                quadratic_steps(name, harsh, True, seed),
                sparse_steps(name, rarest, seed),
            ]
            for name in names
        ]
    )
    slower = table / table.min(0)  # 是该题最快者的几倍
    gd, momentum, adagrad = table[0], table[1], table[2]
    return {
        "走到的最少步数": table.min(),
        "良态：动量 / GD": momentum[0] / gd[0],
        "沿轴病态：GD / AdaGrad": gd[1] / adagrad[1],
        "转轴病态：AdaGrad / 动量": adagrad[2] / momentum[2],
        "稀疏：GD / AdaGrad": gd[3] / adagrad[3],
        "各方法在最不利一题上的倍数，最小者": slower.max(1).min(),
        "Adam、动量走得最久的一题": max(table[4].max(), momentum.max()),
        "步数（越小越好）": heatmap(table, rows=names, columns=["良态", "沿轴", "转轴", "稀疏"]),
    }


@claim(
    guard={"调好的 GD 步数": "in [3, 12]"},
    expect={"同一学习率时 GD / Adam": "in [3, 8]", "各自调好时 GD / Adam": "in [0.05, 0.4]"},
    control=[{"lr": 8.0}, {"scale": 10.0}],
    knobs={"lr": [0.01, 10.0], "scale": [0.1, 10.0], "kappa": [2.0, 1000.0]},
)
def same_lr_misleads(lr=0.1, scale=0.1, kappa=3.0, seed=0):
    """同一个良态问题：都用 0.1 时 Adam 快得多，各自调好学习率后是 GD 快。"""
    one = np.array([lr])
    gd, adam = (quadratic_steps(name, kappa, True, seed, scale, one) for name in ("GD", "Adam"))
    gd_best, adam_best = (
        quadratic_steps(name, kappa, True, seed, scale) for name in ("GD", "Adam")
    )
    return {
        "调好的 GD 步数": gd_best,
        "同一学习率时 GD / Adam": gd / adam,
        "各自调好时 GD / Adam": gd_best / adam_best,
    }


# ---- 不变性：换个写法，轨迹变不变 ----


def change(name, A, start, S, scale, eps, damping):
    """令 w = Su、损失乘 scale，再对 u 优化：换算回 w 后与原来的轨迹差多少（与走过的距离之比）。

    另返回终点与起点到最小点的距离之比。
    """
    B = scale * S.T @ A @ S  # 对 u 的 Hessian
    if name == "牛顿法":
        one, two = (
            lambda g, H=H: -0.05 * np.linalg.solve(H + damping * np.eye(20), g) for H in (A, B)
        )
    else:
        lr = 1.0 if name == "AdaDelta" else 0.05
        one, two = make(name, lr, eps), make(name, lr, eps)
    w, u, gap, moved = start, np.linalg.solve(S, start), [], []
    for _ in range(30):
        w, u = w + one(A @ w), u + two(B @ u)
        gap.append(np.linalg.norm(S @ u - w))
        moved.append(np.linalg.norm(w - start))
    return max(gap) / max(moved), np.linalg.norm(w) / np.linalg.norm(start)


@claim(
    guard={"终点 / 起点到最小点的距离，最大者": "<= 0.99999"},
    expect={
        "损失乘 4：GD、动量的最小变化": "in [0.4, 1.5]",
        "损失乘 4：另外五种的最大变化": "<= 1e-4",
        "转轴：GD、动量、牛顿法的最大变化": "<= 1e-9",
        "转轴：自适应四种的最小变化": "in [0.1, 0.8]",
        "伸缩坐标：牛顿法的变化": "<= 1e-9",
        "伸缩坐标：另外六种的最小变化": "in [0.1, 0.8]",
    },
    control=[
        {"eps": 1.0},
        {"factor": 1.0},
        {"angle": 0.0},
        {"shear": 0.5},
        {"stretch": 1.0},
        {"damping": 0.1},
    ],
    knobs={"eps": [1e-12, 1.0], "factor": [1.0, 10.0], "angle": [0.0, 1.5], "stretch": [1.0, 5.0]},
)
def invariances(eps=1e-12, factor=4.0, angle=0.7, shear=0.0, stretch=3.0, damping=0.0, seed=0):
    """损失的尺度、坐标系的转动、坐标的伸缩：各种方法各对哪些不变。"""
    rng = np.random.default_rng(seed)
    A, start = quadratic(20, True, rng)
    pairs = np.kron(np.eye(10), [[0, -1], [1, 0]])  # 坐标两两一组，各转 angle
    turn = np.cos(angle) * np.eye(20) + np.sin(angle) * pairs
    turn = turn @ (np.eye(20) + shear * np.maximum(pairs, 0))  # shear 不为 0 就不再是转动
    names = ["GD", "动量", "牛顿法", "AdaGrad", "RMSProp", "Adam", "AdaDelta"]
    moves = (np.eye(20), factor), (turn, 1.0), (np.diag(np.geomspace(1, stretch, 20)), 1.0)
    table = np.array(
        [[change(name, A, start, *move, eps, damping) for move in moves] for name in names]
    )
    left, (scaled, turned, stretched) = table[:, :, 1], table[:, :, 0].T
    return {
        "终点 / 起点到最小点的距离，最大者": left.max(),
        "损失乘 4：GD、动量的最小变化": scaled[:2].min(),
        "损失乘 4：另外五种的最大变化": scaled[2:].max(),
        "转轴：GD、动量、牛顿法的最大变化": turned[:3].max(),
        "转轴：自适应四种的最小变化": turned[3:].min(),
        "伸缩坐标：牛顿法的变化": stretched[2],
        "伸缩坐标：另外六种的最小变化": np.delete(stretched, 2).min(),
    }


# ---- AdaDelta 不是 RMSProp ----


@claim(
    guard={"走过的距离": "in [5, 100]"},
    expect={
        "AdaDelta 的第一步 / √(ε/(1-ρ))": "in [0.99, 1.01]",
        "两者步长之比，最后 / 最初": "in [3, 8]",
    },
    control={"other": "RMSProp"},
    knobs={"other": ["AdaDelta", "RMSProp"]},
)
def adadelta_is_not_rmsprop(other="AdaDelta", seed=0):
    """喂给同一串梯度，AdaDelta 与 RMSProp 的步长之比随时间变好几倍：不是换个学习率的事。"""
    rng = np.random.default_rng(seed)
    one, two = Rule(0.01, c=0.95, d=0.05), AdaDelta()
    if other == "RMSProp":
        two = Rule(0.03, c=0.95, d=0.05)
    g = rng.normal(1, 0.5, (300, 50))  # 方向稳定、大小有起伏
    base, steps = (np.array([opt(each) for each in g]) for opt in (one, two))
    ratio = np.linalg.norm(steps, axis=1) / np.linalg.norm(base, axis=1)
    return {
        "走过的距离": np.linalg.norm(steps.sum(0)),
        "AdaDelta 的第一步 / √(ε/(1-ρ))": -np.median(steps[0]) / np.sqrt(1e-6 / (1 - 0.95)),
        "两者步长之比，最后 / 最初": ratio[-1] / ratio[0],
    }
