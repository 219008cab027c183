"""负梯度方向：在什么意义下最快，走多远还算数，停在哪里。"""

import numpy as np

from quizdl.proof import claim, line, scatter


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def angle(a, b):
    """两个向量的夹角，单位为度。"""
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


# ---- 两个参数的逻辑回归：方向只有一圈，可以挨个试 ----
# 数据有意造成梯度离坐标轴和对角线都不近，各范数的最陡方向才分得开。


def logistic_problem(seed, n=400):
    rng = np.random.default_rng(seed)
    X = rng.normal(0, [2.0, 1.0], (n, 2))  # 两个特征尺度不同
    y = sigmoid(X @ np.array([0.6, 1.0]))  # (n,) 软标签，由真参数给出
    return X, y, rng.normal(0, 0.05, 2)  # 起点靠近原点


def logistic_loss(w, X, y):
    """平均交叉熵；w: (2,) 或每列一个参数点的 (2, m)。"""
    logit = X @ w  # (n,) 或 (n, m)
    return np.mean(np.logaddexp(0, logit) - (y * logit.T).T, axis=0)


def logistic_grad(w, X, y):
    return X.T @ (sigmoid(X @ w) - y) / len(X)  # (2,)


def logistic_hessian(w, X):
    p = sigmoid(X @ w)
    return (X.T * (p * (1 - p))) @ X / len(X)  # (2, 2)


def central_difference(f, w, h=1e-5):
    return np.array([(f(w + h * e) - f(w - h * e)) / (2 * h) for e in np.eye(len(w))])


def lengths(steps, norm, H):
    """每一列的长度；“一样长”是什么意思由范数决定。"""
    if norm == "hessian":
        return np.sqrt((steps * (H @ steps)).sum(0))  # sqrt(d^T H d)
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
    guard={"梯度范数": "in [0.1, 0.73]", "与中心差分的相对误差": "<= 1e-6"},
    expect={"最优方向与负梯度的夹角": "<= 0.5"},
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
        "与中心差分的相对误差": np.linalg.norm(g - numeric) / np.linalg.norm(numeric),
        "最优方向与负梯度的夹角": angle(best_step(norm, radius, w, X, y), -g),
    }


@claim(
    guard={"梯度范数": "in [0.1, 0.73]"},
    expect={"与理论方向的最大夹角": "<= 0.5", "与负梯度的最小夹角": "in [8, 33]"},
    control=[{"norm": "l2"}, {"radius": 0.5}],
    knobs={"norm": ["others", "inf", "l1", "hessian", "l2"], "radius": [0.001, 2.0]},
)
def norm_decides(norm="others", radius=0.001, seed=0):
    """换一种范数量步长，最陡方向就换成符号、单个坐标或牛顿方向"""
    X, y, w = logistic_problem(seed)
    g, H = logistic_grad(w, X, y), logistic_hessian(w, X)
    norms = ("inf", "l1", "hessian") if norm == "others" else (norm,)
    best = {name: best_step(name, radius, w, X, y) for name in norms}
    return {
        "梯度范数": np.linalg.norm(g),
        "与理论方向的最大夹角": max(angle(best[k], steepest_in_theory(k, g, H)) for k in norms),
        "与负梯度的最小夹角": min(angle(best[k], -g) for k in norms),
    }


# ---- 最小二乘：损失是二次函数，Hessian 为常数 ----


def quadratic_problem(seed, scale, d=10, n=1000):
    """特征尺度从 1 到 scale 的线性回归；返回 Hessian 与最小点。"""
    rng = np.random.default_rng(seed)
    spread = np.geomspace(1, scale, d)
    X = rng.normal(0, 1, (n, d)) * spread
    y = X @ (rng.normal(0, 1, d) / spread) + rng.normal(0, 0.1, n)
    H = X.T @ X / n  # (d, d)
    return H, np.linalg.solve(H, X.T @ y / n)


def excess(w, H, w_min):
    """比最小损失高出多少。"""
    return (w - w_min) @ H @ (w - w_min) / 2


@claim(
    guard={"条件数": "in [3, 5.7]", "起点在最陡特征方向的占比": ">= 1e-6"},
    expect={"小 5% 时每步损失之比": "in [0.6, 0.9]", "大 5% 时每步损失之比": "in [1.1, 1.6]"},
    control=[{"critical": 1.8}, {"critical": 2.2}],
    knobs={"critical": [0.5, 3.0]},
)
def two_over_L(critical=2.0, seed=0):
    """二次函数上步长的分水岭是 2/L：小 5% 收敛，大 5% 发散"""
    H, _ = quadratic_problem(seed, scale=2.0)
    eigenvalues, vectors = np.linalg.eigh(H)
    L = eigenvalues[-1]  # 最大曲率
    start = np.random.default_rng(seed + 500).normal(0, 1, len(H))  # 误差 e = w - w*
    ratio, curves = {}, {}
    for factor, name in ((0.95, "小 5%"), (1.05, "大 5%")):
        e, losses = start, []
        for _ in range(150):
            before = e @ H @ e  # 两倍的超额损失
            losses.append(before / 2)
            e = e - factor * critical / L * (H @ e)  # w* 不动，误差的更新就是 w 的更新
        ratio[factor] = (e @ H @ e) / before  # 走久以后，一步缩小或放大多少
        curves[name] = losses
    return {
        "条件数": L / eigenvalues[0],
        "起点在最陡特征方向的占比": L * (vectors[:, -1] @ start) ** 2 / (start @ H @ start),
        "小 5% 时每步损失之比": ratio[0.95],
        "大 5% 时每步损失之比": ratio[1.05],
        "损失曲线": line(curves, x_label="步", y_label="超额损失", log_y=True),
    }


@claim(
    guard={"末值 / 初值": "<= 1e-6", "线搜索后剩余的斜率": "<= 1e-9"},
    expect={"与最小点方向的平均夹角": "in [30, 59]", "所需步数": "in [60, 440]"},
    control=[{"scale": 1.0}, {"direction": "newton"}],
    knobs={"scale": [1.0, 20.0], "direction": ["gradient", "newton"]},
)
def points_elsewhere(scale=10.0, direction="gradient", seed=0):
    """特征尺度差 10 倍时负梯度偏离最小点的方向，每步取最优步长也要走很多步"""
    H, w_min = quadratic_problem(seed, scale)
    w = np.zeros(len(w_min))
    first, angles, losses, slope = excess(w, H, w_min), [], [1.0], 0.0
    while excess(w, H, w_min) > 1e-6 * first and len(angles) < 2000:
        g = H @ (w - w_min)
        p = -g if direction == "gradient" else -np.linalg.solve(H, g)
        angles.append(angle(p, w_min - w))
        w = w - (g @ p) / (p @ H @ p) * p  # 精确线搜索：这条线上的最优步长
        losses.append(excess(w, H, w_min) / first)
        slope = max(slope, abs(p @ H @ (w - w_min) / (g @ p)))  # 最优处沿 p 的斜率为 0
    return {
        "末值 / 初值": excess(w, H, w_min) / first,
        "线搜索后剩余的斜率": slope,
        "与最小点方向的平均夹角": np.mean(angles),
        "所需步数": len(angles),
        "损失曲线": line(losses, x_label="步", y_label="超额损失 / 初值", log_y=True),
    }


# ---- 梯度为零之后 ----


@claim(
    guard={"终点梯度最大绝对值": "<= 1e-9", "损失下降比例": ">= 0.7"},
    expect={"终点损失 / 恒零预测": ">= 0.99", "终点最负曲率": "<= -0.5"},
    control={"kick": 0.001},
    knobs={"kick": [0.0, 0.1]},
)
def stops_at_saddle(kick=0.0, hidden=8, seed=0):
    """两层线性网络从鞍点的稳定流形上出发，会停在鞍点"""
    rng = np.random.default_rng(seed)
    u = rng.normal(0, 1, hidden)
    u *= 2 / np.linalg.norm(u)  # 预测为 u·v，目标为 1
    v = -u + kick * rng.normal(0, 1, hidden)  # v = -u 就是鞍点 (0, 0) 的稳定流形
    first, losses = (u @ v - 1) ** 2 / 2, []
    for _ in range(800):
        r = u @ v - 1
        losses.append(r**2)
        u, v = u - 0.05 * r * v, v - 0.05 * r * u
    r = u @ v - 1
    cross = np.outer(v, u) + r * np.eye(hidden)  # d²L / du dv
    H = np.block([[np.outer(v, v), cross], [cross.T, np.outer(u, u)]])
    return {
        "终点梯度最大绝对值": np.abs(r * np.concatenate([v, u])).max(),
        "损失下降比例": 1 - (r**2 / 2) / first,
        "终点损失 / 恒零预测": r**2,
        "终点最负曲率": np.linalg.eigvalsh(H)[0],
        "损失曲线": line(losses, x_label="步", y_label="损失 / 恒零预测", log_y=True),
    }


@claim(
    guard={
        "终点梯度最大绝对值": "<= 1e-6",
        "终点最小曲率": ">= 1e-3",
        "最好的相对损失": "<= 1e-6",
    },
    expect={"最差的相对损失": "in [0.5, 7]"},
    control={"model": "linear"},
    knobs={"model": ["sine", "linear"]},
)
def start_decides(model="sine", starts=24, seed=0):
    """拟合正弦频率：只换起点，梯度下降就停在高低不同的极小点"""
    f, df, d2f = {
        "sine": (np.sin, np.cos, lambda z: -np.sin(z)),
        "linear": (lambda z: z, np.ones_like, np.zeros_like),
    }[model]
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (32, 1))
    y = f(rng.uniform(3, 5) * x)  # 真参数在 3 与 5 之间，没有噪声
    w = start = rng.uniform(-8, 8, starts)  # 每个起点一列，互不影响
    for _ in range(1500):
        z = x * w  # (32, starts)
        w = w - 2.0 * np.mean((f(z) - y) * df(z) * x, axis=0)
    z = x * w
    r = f(z) - y
    loss = np.mean(r**2, axis=0) / np.mean(y**2)  # 恒零预测为 1
    return {
        "终点梯度最大绝对值": np.abs(np.mean(r * df(z) * x, axis=0)).max(),
        "终点最小曲率": np.mean((df(z) ** 2 + r * d2f(z)) * x**2, axis=0).min(),
        "最好的相对损失": loss.min(),
        "最差的相对损失": loss.max(),
        "起点与终点": scatter(loss, start, x_label="起点频率", y_label="终点的相对损失"),
    }
