"""AdaDelta：分子也是均方根。它与 RMSProp 差在哪里，“没有学习率”又是什么意思。"""

import numpy as np

from quizdl.proof import claim, line


class AdaDelta:
    """Zeiler (2012) 算法 1；调用一次返回参数的改变量。lr=1 是论文，别的值是框架加的。"""

    def __init__(self, lr=1.0, rho=0.95, eps=1e-6, eps_step=None):
        self.lr, self.rho, self.eps = lr, rho, eps
        self.eps_step = eps if eps_step is None else eps_step  # 分子里的 ε，单位是参数的平方
        self.G, self.D = 0.0, 0.0  # 梯度平方、更新量平方的移动平均

    def __call__(self, g):
        self.G = self.rho * self.G + (1 - self.rho) * g**2
        step = -np.sqrt(self.D + self.eps_step) / np.sqrt(self.G + self.eps) * g
        self.D = self.rho * self.D + (1 - self.rho) * step**2  # 下一步才用得上
        return self.lr * step


class RMSProp:
    """同样的分母，分子是固定的学习率。"""

    def __init__(self, lr=5e-3, rho=0.95, eps=1e-6):
        self.lr, self.rho, self.eps, self.G = lr, rho, eps, 0.0

    def __call__(self, g):
        self.G = self.rho * self.G + (1 - self.rho) * g**2
        return -self.lr * g / np.sqrt(self.G + self.eps)


@claim(
    guard={"各坐标梯度大小的跨度": "in [8e3, 8e4]"},
    expect={"第一步 / √(ε/(1-ρ))": "in [0.99, 1.01]", "第千步 / 第百步": "in [1.45, 1.7]"},
    control={"optimizer": "rmsprop"},
    knobs={"optimizer": ["adadelta", "rmsprop"], "eps": [1e-10, 1e-4]},
)
def starts_from_eps(optimizer="adadelta", eps=1e-6, seed=0):
    """第一步是 √(ε/(1-ρ))，与梯度大小无关；梯度几乎不变时步子自己慢慢变大，RMSProp 不会。"""
    rng = np.random.default_rng(seed)
    opt = AdaDelta(eps=eps)
    if optimizer == "rmsprop":
        opt = RMSProp(eps=eps)
    g = np.geomspace(0.1, 1000, 100) * rng.normal(1, 0.1, (1000, 100))  # (步, 坐标)
    size = np.array([np.abs(opt(each)).mean() for each in g])
    return {
        "各坐标梯度大小的跨度": np.abs(g).max() / np.abs(g).min(),
        "第一步 / √(ε/(1-ρ))": size[0] / np.sqrt(eps / (1 - opt.rho)),
        "第千步 / 第百步": size[-50:].mean() / size[75:125].mean(),
        "步长": line(size / np.sqrt(eps), range(1, 1001), x_label="步", y_label="步长 / √ε"),
    }


@claim(
    guard={"ε=1e-8 时的路程": "in [0.03, 3]"},
    expect={"ε 大一万倍，路程变成几倍": "in [97, 103]"},
    control=[{"optimizer": "rmsprop"}, {"size": 1e-4}],
    knobs={"optimizer": ["adadelta", "rmsprop"], "size": [1e-5, 100.0]},
)
def sqrt_eps_is_rate(optimizer="adadelta", size=10.0, seed=0):
    """同一串远大于 √ε 的梯度，AdaDelta 的路程正比于 √ε：它就是藏起来的学习率。"""
    rng = np.random.default_rng(seed)
    g = size * rng.normal(0.5, 1, (500, 100))
    method = AdaDelta if optimizer == "adadelta" else RMSProp
    small, large = (method(eps=eps) for eps in (1e-8, 1e-4))
    path = [sum(np.abs(opt(each)).mean() for each in g) for opt in (small, large)]
    return {"ε=1e-8 时的路程": path[0], "ε 大一万倍，路程变成几倍": path[1] / path[0]}


@claim(
    guard={"走过的相对距离": "in [0.6, 1.1]"},
    expect={"换单位后轨迹的最大差": "<= 1e-9"},
    control=[{"optimizer": "rmsprop"}, {"scale_eps": False}],
    knobs={"optimizer": ["adadelta", "rmsprop"], "scale_eps": [True, False]},
)
def units_match(optimizer="adadelta", scale_eps=True, seed=0):
    """参数的单位换大千倍，两个 ε 也各按单位换算，AdaDelta 的轨迹就跟着换；RMSProp 还要改学习率。"""
    rng = np.random.default_rng(seed)
    curvature, w0 = rng.uniform(0.5, 1.5, 20), rng.uniform(0.5, 1.5, 20)
    c = 1000.0
    factor = c if scale_eps else 1.0
    if optimizer == "adadelta":
        one, two = AdaDelta(), AdaDelta(eps=1e-6 / factor**2, eps_step=1e-6 * factor**2)
    else:
        one, two = RMSProp(), RMSProp(eps=1e-6 / factor**2)
    w, u, gap, moved = w0, c * w0, [], []
    for _ in range(300):
        noise = rng.normal(0, 0.3, 20)
        w = w + one(curvature * w + noise)
        u = u + two((curvature * u / c + noise) / c)  # f(u/c) 对 u 的梯度
        gap.append(np.abs(w - u / c).max())
        moved.append(np.linalg.norm(w - w0) / np.linalg.norm(w0))
    return {"走过的相对距离": max(moved), "换单位后轨迹的最大差": max(gap)}


def steps_to(left, opt, w0, curvature, budget=600):
    """二次函数上离最小点的距离缩到 left 倍、不再超出；每个学习率各走一份，返回最少的步数。"""
    w, last = np.tile(w0, (len(opt.lr), 1)), np.zeros(len(opt.lr))  # (lrs, dim), (lrs,)
    for t in range(1, budget):
        w = w + opt(curvature * w)
        last = np.where(np.linalg.norm(w, axis=1) > left * np.linalg.norm(w0), t, last)
    return last.min() + 1


@claim(
    guard={"RMSProp 最少的步数": "in [8, 60]"},
    expect={"AdaDelta 步数 / RMSProp 步数": "in [5, 50]"},
    control=[{"tuned": True}, {"eps": 1e-2}],
    knobs={"tuned": [False, True], "eps": [1e-8, 0.1]},
)
def slow_by_default(tuned=False, eps=1e-6, seed=0):
    """距离约为 1、ε=1e-6：AdaDelta 的步数是调好的 RMSProp 的五倍以上；ε 也调好就不慢了。"""
    rng = np.random.default_rng(seed)
    w0, curvature = rng.uniform(0.5, 1.5, 20), rng.uniform(0.5, 1.5, 20)
    lrs = np.geomspace(1e-3, 1, 16)[:, None]  # (lrs, 1)
    rms = steps_to(0.05, RMSProp(lrs), w0, curvature)
    if tuned:
        eps = lrs**2  # √ε 与学习率同一张网格
    ada = steps_to(0.05, AdaDelta(np.ones((16, 1)), eps=eps), w0, curvature)
    return {"RMSProp 最少的步数": rms, "AdaDelta 步数 / RMSProp 步数": ada / rms}


@claim(
    guard={"起点的距离 / √ε": "in [300, 900]"},
    expect={"最后的距离 / √ε": "in [11, 16]"},
    control=[{"curvature": 1.7}, {"lr": 0.5}],
    knobs={"curvature": [0.5, 100.0], "lr": [0.1, 1.0], "eps": [1e-8, 1e-4]},
)
def stable_below_two(curvature=3.0, lr=1.0, eps=1e-6, seed=0):
    """梯度小到 √ε 以下，它就是学习率不小于 1 的梯度下降：曲率超过 2 时在 √ε 的量级上振荡。"""
    w = np.random.default_rng(seed).uniform(0.5, 1.5, 20)
    opt, path, start = AdaDelta(lr, eps=eps), [], w
    for _ in range(2000):
        w = w + opt(curvature * w)
        path.append(np.abs(w))
    return {
        "起点的距离 / √ε": start.min() / np.sqrt(eps),
        "最后的距离 / √ε": np.max(path[-200:], axis=0).mean() / np.sqrt(eps),
        "离最小点": line([p[0] + 1e-12 for p in path], x_label="步", y_label="距离", log_y=True),
    }


@claim(
    guard={"lr=1 走完的路程": "in [0.95, 1]"},
    expect={"同样步数内走完的路程": "in [0.001, 0.01]"},
    control={"lr": 1.0},
    knobs={"lr": [1e-4, 1.0]},
)
def keras_default(lr=1e-3, seed=0):
    """框架另加的学习率取 0.001（Keras 的默认值），lr=1 走完九成的时候它还没走 1%。"""
    rng = np.random.default_rng(seed)
    w0, curvature = rng.uniform(0.5, 1.5, 50), rng.uniform(0.5, 1.5, 50)
    w, paper, u, ours = w0, AdaDelta(), w0, AdaDelta(lr)
    for _ in range(500):
        w = w + paper(curvature * w)
        u = u + ours(curvature * u)
    return {
        "lr=1 走完的路程": 1 - np.abs(w / w0).mean(),
        "同样步数内走完的路程": 1 - np.abs(u / w0).mean(),
    }
