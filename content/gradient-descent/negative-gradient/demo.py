"""负梯度方向：在什么意义下最快，走多远还算数，停在哪里。"""

import numpy as np

from quizdl.proof import claim, line, scatter


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def angle(a, to):
    """两个向量的夹角，单位为度。"""
    chord = a / np.linalg.norm(a) - to / np.linalg.norm(to)  # 单位圆上的弦长 = 2 sin(夹角 / 2)
    return np.degrees(2 * np.arcsin(np.linalg.norm(chord) / 2))


def central_difference(f, w, h=1e-5):
    """f 对各个参数的导数，一行一个。"""
    return np.array([(f(w + h * e) - f(w - h * e)) / (2 * h) for e in np.eye(len(w))])


# ---- 两个参数的逻辑回归：方向只有一圈，可以挨个试 ----
# 数据有意造成梯度离坐标轴和对角线都不近，各范数的最陡方向才分得开。


def logistic_problem(seed, n=400):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2)) * [2.0, 1.0]  # 两个特征尺度不同
    y = sigmoid(X @ [0.6, 1.0])  # (n,) 软标签，由真参数给出
    return X, y, 0.05 * rng.normal(size=2)  # 起点靠近原点


def logistic_loss(w, X, y):
    """平均交叉熵；w: (2,) 或每列一个参数点的 (2, m)。"""
    logit = X @ w  # (n,) 或 (n, m)
    return np.mean(np.logaddexp(0, logit) - (y * logit.T).T, axis=0)


def logistic_grad(w, X, y):
    return X.T @ (sigmoid(X @ w) - y) / len(X)  # (2,)


def logistic_hessian(w, X):
    p = sigmoid(X @ w)
    return (X.T * (p * (1 - p))) @ X / len(X)  # (2, 2)


def lengths(steps, norm, H):
    """每一列的长度；“一样长”是什么意思由范数决定。"""
    if norm == "hessian":  # H = C Cᵀ，所以 sqrt(dᵀ H d) = |Cᵀ d|
        return np.linalg.norm(np.linalg.cholesky(H).T @ steps, axis=0)
    return np.linalg.norm(steps, ord={"l1": 1, "l2": 2, "inf": np.inf}[norm], axis=0)


def best_step(norm, radius, w, X, y):
    """在长度为 radius 的所有步子里（每 0.5° 试一个），损失降得最多的那一步。"""
    theta = np.deg2rad(np.arange(0, 360, 0.5))
    steps = np.stack([np.cos(theta), np.sin(theta)])  # (2, 720)
    steps *= radius / lengths(steps, norm, logistic_hessian(w, X))
    return steps[:, np.argmin(logistic_loss(w[:, None] + steps, X, y))]


def steepest_in_theory(norm, g, H):
    """一阶近似下的最陡方向，由对偶范数的取等条件得出。"""
    if norm == "inf":
        return -np.sign(g)  # 符号下降
    if norm == "l1":
        return -np.sign(g) * (np.abs(g) == np.abs(g).max())  # 坐标下降
    if norm == "hessian":
        return -np.linalg.solve(H, g)  # 牛顿方向
    return -g


@claim(
    guard={"梯度范数": "in [0.27, 0.6]", "梯度与中心差分之差": "<= 1e-8"},
    expect={"最优方向与负梯度的夹角": "<= 0.4"},
    control=[{"radius": 0.5}, {"norm": "inf"}],
    knobs={"radius": [0.001, 2.0], "norm": ["l2", "inf", "l1", "hessian"]},
)
def steepest_when_tiny(radius=0.001, norm="l2", seed=0):
    """欧氏长度相同且步子极小时，降得最多的方向就是负梯度"""
    X, y, w = logistic_problem(seed)
    g = logistic_grad(w, X, y)
    numeric = central_difference(lambda v: logistic_loss(v, X, y), w)
    return {
        "梯度范数": np.linalg.norm(g),
        "梯度与中心差分之差": np.abs(g - numeric).max(),
        "最优方向与负梯度的夹角": angle(best_step(norm, radius, w, X, y), to=-g),
    }


@claim(
    guard={"梯度范数": "in [0.27, 0.6]", "Hessian 与中心差分之差": "<= 1e-8"},
    expect={"与理论方向的最大夹角": "<= 0.4", "与负梯度的最小夹角": "in [8, 33]"},
    control=[{"norm": "l2"}, {"radius": 0.5}],
    knobs={"norm": ["others", "inf", "l1", "hessian", "l2"], "radius": [0.001, 2.0]},
)
def norm_decides(norm="others", radius=0.001, seed=0):
    """换一种范数量步长，最陡方向就换成符号、单个坐标或牛顿方向"""
    X, y, w = logistic_problem(seed)
    g, H = logistic_grad(w, X, y), logistic_hessian(w, X)
    numeric = central_difference(lambda v: logistic_grad(v, X, y), w)
    norms = ("inf", "l1", "hessian") if norm == "others" else (norm,)
    best = {k: best_step(k, radius, w, X, y) for k in norms}
    theory = {k: steepest_in_theory(k, g, H) for k in norms}
    return {
        "梯度范数": np.linalg.norm(g),
        "Hessian 与中心差分之差": np.abs(H - numeric).max(),
        "与理论方向的最大夹角": np.max([angle(best[k], to=theory[k]) for k in norms]),
        "与负梯度的最小夹角": np.min([angle(best[k], to=-g) for k in norms]),
    }


# ---- 线性回归：损失是二次函数，只通过误差 e = w - w* 起作用 ----


def quadratic_problem(seed, scale, d=10, n=1000):
    """特征尺度从 1 到 scale 的线性回归：Hessian，和起点的误差。"""
    rng = np.random.default_rng(seed)
    spread = np.geomspace(1, scale, d)
    X = rng.normal(size=(n, d)) * spread
    return X.T @ X / n, rng.choice([-1, 1], d) / spread  # 各特征对损失的贡献不相上下


def excess(e, H):
    """比最小损失高出多少。"""
    return e @ H @ e / 2


@claim(
    guard={"条件数": "in [3, 5.7]"},
    expect={
        "小 5% 时每步损失之比": "in [0.8, 0.82]",
        "大 5% 时每步损失之比": "in [1.2, 1.22]",
    },
    control=[{"critical": 1.8}, {"critical": 2.2}],
    knobs={"critical": [0.5, 3.0]},
)
def two_over_L(critical=2.0, seed=0):
    """二次函数上步长的分水岭是 2/L：小 5% 收敛，大 5% 发散"""
    H, start = quadratic_problem(seed, scale=2.0)
    L, curves = np.linalg.eigvalsh(H).max(), {}  # 最大曲率
    for name, factor in (("小 5%", 0.95), ("大 5%", 1.05)):
        e, curves[name] = start, []
        for _ in range(150):
            curves[name].append(excess(e, H))
            e = e - factor * critical / L * (H @ e)  # w* 不动，误差的更新就是 w 的更新
    last = {name: losses[-1] / losses[-2] for name, losses in curves.items()}
    return {
        "条件数": np.linalg.cond(H),
        "小 5% 时每步损失之比": last["小 5%"],  # 走久以后，一步缩小或放大多少
        "大 5% 时每步损失之比": last["大 5%"],
        "损失曲线": line(curves, x_label="步", y_label="超额损失", log_y=True),
    }


@claim(
    guard={"起点的超额损失": "in [3.5, 6.5]", "线搜索后剩余的斜率": "<= 1e-9"},
    expect={
        "与最小点方向的平均夹角": "in [40, 52]",
        "所需步数": "in [200, 400]",
        "末值 / 初值": "in [5e-7, 1.5e-6]",
    },
    control=[{"scale": 1.0}, {"direction": "newton"}],
    knobs={"scale": [1.0, 20.0], "direction": ["gradient", "newton"]},
)
def points_elsewhere(scale=10.0, direction="gradient", seed=0):
    """特征尺度差 10 倍时负梯度偏离最小点的方向，每步取最优步长也要走很多步"""
    H, e = quadratic_problem(seed, scale)
    angles, losses, slopes = [], [excess(e, H)], []
    while losses[-1] > 1e-6 * losses[0] and len(angles) < 1000:
        g = H @ e
        p = -g if direction == "gradient" else -np.linalg.solve(H, g)
        angles.append(angle(p, to=-e))
        e = e - (g @ p) / (p @ H @ p) * p  # 精确线搜索：这条线上的最优步长
        slopes.append(np.abs(p @ H @ e))  # 最优处沿 p 的斜率为 0
        losses.append(excess(e, H))
    return {
        "起点的超额损失": losses[0],
        "线搜索后剩余的斜率": max(slopes),
        "与最小点方向的平均夹角": np.mean(angles),
        "所需步数": len(angles),
        "末值 / 初值": losses[-1] / losses[0],
        "损失曲线": line(losses, x_label="步", y_label="超额损失", log_y=True),
    }


# ---- 梯度为零之后 ----


@claim(
    guard={
        "起点损失 / 恒零预测": "in [24, 26]",
        "起点梯度与中心差分之差": "<= 1e-6",
        "终点梯度最大绝对值": "<= 1e-9",
    },
    expect={
        "终点损失 / 恒零预测": "in [0.99, 1.01]",
        "终点最负曲率": "in [-2.01, -1.99]",
        "终点最大曲率": "in [1.99, 2.01]",
    },
    control={"kick": 0.001},
    knobs={"kick": [0.0, 0.1]},
)
def stops_at_saddle(kick=0.0, hidden=8, seed=0):
    """两层线性网络从鞍点的稳定流形上出发，会停在鞍点"""

    def loss(p):
        u, v = p.reshape(2, hidden)  # 预测为 u·v，目标为 1；恒零预测的损失是 1
        return (u @ v - 1) ** 2

    def gradient(p):
        u, v = p.reshape(2, hidden)
        return 2 * (u @ v - 1) * np.append(v, u)

    u, noise = np.random.default_rng(seed).normal(size=(2, hidden))
    u *= 2 / np.linalg.norm(u)
    start = p = np.append(u, -u + kick * noise)  # v = -u 就是鞍点 (0, 0) 的稳定流形
    losses = []
    for _ in range(800):
        losses.append(loss(p))
        p = p - 0.025 * gradient(p)
    curvatures = np.linalg.eigvalsh(central_difference(gradient, p))
    return {
        "起点损失 / 恒零预测": losses[0],
        "起点梯度与中心差分之差": np.abs(gradient(start) - central_difference(loss, start)).max(),
        "终点梯度最大绝对值": np.abs(gradient(p)).max(),
        "终点损失 / 恒零预测": losses[-1],
        "终点最负曲率": curvatures.min(),
        "终点最大曲率": curvatures.max(),
        "损失曲线": line(losses, x_label="步", y_label="损失 / 恒零预测", log_y=True),
    }


@claim(
    guard={
        "斜率与中心差分之差": "<= 1e-8",
        "终点斜率最大绝对值": "<= 1e-6",
        "终点最小曲率": "in [1e-3, 2]",
        "最好的相对损失": "<= 1e-6",
    },
    expect={"最差的相对损失": "in [0.7, 7]"},
    control={"model": "linear"},
    knobs={"model": ["sine", "linear"]},
)
def start_decides(model="sine", starts=24, seed=0):
    """拟合正弦频率：只换起点，梯度下降就停在高低不同的极小点"""
    f, df = {"sine": (np.sin, np.cos), "linear": (lambda z: z, np.ones_like)}[model]
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (32, 1))
    y = f(rng.uniform(3, 5) * x)  # 真参数在 3 与 5 之间，没有噪声

    def loss(w):
        return np.mean((f(x * w) - y) ** 2, axis=0)

    def slope(w):
        return 2 * np.mean((f(x * w) - y) * df(x * w) * x, axis=0)

    def derivative(g, w, h=1e-5):
        return (g(w + h) - g(w - h)) / (2 * h)

    start = w = rng.uniform(-8, 8, starts)  # 每个起点一列，互不影响
    for _ in range(1500):
        w = w - slope(w)
    relative = loss(w) / y.var()  # 常数预测为 1
    return {
        "斜率与中心差分之差": np.abs(slope(start) - derivative(loss, start)).max(),
        "终点斜率最大绝对值": np.abs(slope(w)).max(),
        "终点最小曲率": derivative(slope, w).min(),
        "最好的相对损失": relative.min(),
        "最差的相对损失": relative.max(),
        "起点与终点": scatter(relative, start, x_label="起点频率", y_label="终点的相对损失"),
    }
