"""AdaGrad：逐坐标的学习率从哪里来，什么时候降到零，什么时候不降。"""

import numpy as np

from quizdl.proof import claim, line


class AdaGrad:
    """Duchi 等 (2011) 的对角版本；调用一次返回参数的改变量。"""

    def __init__(self, lr, start=0.0, eps=1e-10, *, forget=0.0, shared=False, inside=False):
        self.lr, self.G, self.eps = lr, start, eps
        self.forget = forget  # 0：全部历史之和；大于 0：换成移动平均，即 RMSProp
        self.shared = shared  # 所有坐标共用一个累加值
        self.inside = inside  # √(G+ε) 而不是 √G+ε

    def rate(self):
        """有效学习率：乘在梯度前面的那个数。"""
        if self.inside:
            return self.lr / np.sqrt(self.G + self.eps)
        return self.lr / (np.sqrt(self.G) + self.eps)

    def __call__(self, g):
        square = g**2
        if self.shared:
            square = square.sum(-1, keepdims=True)
        before, self.G = self.G, self.G + square
        if self.forget:
            self.G = (1 - self.forget) * before + self.forget * square
        return -self.rate() * g


class SGD:
    """power=0 是固定学习率，0.5 是 1/√t；m > 0 时带动量。"""

    def __init__(self, lr, power=0.0, m=0.0):
        self.lr, self.power, self.m = lr, power, m
        self.t, self.v = 0, 0.0

    def __call__(self, g):
        self.t += 1
        self.v = self.m * self.v + g
        return -self.lr / self.t**self.power * self.v


def bounded(w):
    return w.clip(-9, 9)  # 发散的学习率停在边上，不会被选中


def best_error(opt, X, y):
    """在线最小二乘，一次一个样本；每个学习率各走一份，返回最好的一份，每个特征一样重。"""
    W = np.zeros((len(opt.lr), *X[0].shape))  # (lrs, 题数, dim)
    for x, label in zip(X, y, strict=True):
        residual = np.einsum("lqd,qd->lq", W, x) - label
        W = bounded(W + opt(residual[:, :, None] * x))
    return ((W - 1) ** 2).mean((1, 2)).min()


@claim(
    guard={"SGD 的均方误差": "in [1e-4, 0.1]", "标签的方差里噪声占": "in [0.001, 0.02]"},
    expect={
        "AdaGrad 误差 / SGD 误差": "in [0.1, 0.6]",
        "按 1/√t 降的 SGD / 固定学习率的": "in [2, 8]",
    },
    control=[{"shared": True}, {"rarest": 1.0}],
    knobs={"shared": [False, True], "rarest": [0.005, 1.0]},
)
def rare_features(shared=False, rarest=0.01, seed=0):
    """特征频率相差百倍，各自调好学习率，AdaGrad 学到的权重误差明显小于 SGD。"""
    rng = np.random.default_rng(seed)
    chance = np.geomspace(rarest, 1, 40)  # 每个特征出现的概率
    X = rng.choice([-1, 1], (900, 4, 40)) * (rng.random((900, 4, 40)) < chance)  # 四道题
    y = rng.normal(X.sum(2), 0.3)  # 真权重全是 1
    lrs = np.geomspace(0.005, 5, 13)[:, None, None]  # (lrs, 1, 1)
    ada = best_error(AdaGrad(lrs, shared=shared), X, y)
    fixed, falling = (best_error(SGD(lrs, power), X, y) for power in (0.0, 0.5))
    sgd = min(fixed, falling)
    return {
        "SGD 的均方误差": sgd,
        "标签的方差里噪声占": np.var(y - X.sum(2)) / np.var(y),
        "AdaGrad 误差 / SGD 误差": ada / sgd,
        "按 1/√t 降的 SGD / 固定学习率的": falling / fixed,
    }


def power(values):
    """第 100 步到最后一步，随步数的幂次。"""
    return np.log(values[-1] / values[99]) / np.log(len(values) / 100)


@claim(
    guard={"梯度的标准差 / 均值": "in [1.4, 3.5]", "位移 / μ": ">= 1"},
    expect={
        "有效学习率 · √t · 梯度均方根 / μ": "in [0.99, 1.01]",
        "有效学习率的幂次": "in [-0.53, -0.47]",
        "位移的幂次": "in [0.45, 0.55]",
    },
    control=[{"forget": 0.01}, {"fading": 1.0}],
    knobs={"forget": [0.0, 0.1], "fading": [0.0, 1.5]},
)
def own_schedule(forget=0.0, fading=0.0, seed=0):
    """梯度同分布时 AdaGrad 就是 1/√t 的学习率，位移按 √t 增长，没有停住。"""
    rng = np.random.default_rng(seed)
    opt = AdaGrad(1.0, forget=forget)
    w, rates, places = np.zeros(500), [], []
    for t in range(1, 1001):
        g = rng.normal(-1, 2, 500) * t**-fading  # 500 份独立的历史；μ = 1
        w = w + opt(g)
        rates.append(opt.rate().mean())
        places.append(w.mean())
    return {
        "梯度的标准差 / 均值": -g.std() / g.mean(),
        "位移 / μ": places[-1],
        "有效学习率 · √t · 梯度均方根 / μ": rates[-1] * np.sqrt(1000) * np.sqrt(1 + 2**2),
        "有效学习率的幂次": power(rates),
        "位移的幂次": power(places),
        "有效学习率": line(rates, range(1, 1001), x_label="步", log_x=True, log_y=True),
    }


@claim(
    guard={"剩下的距离 / 起点的距离": "<= 0.2"},
    expect={
        "前一百步里有效学习率降了": "in [0.45, 0.6]",
        "后九成步数里有效学习率降了": "in [1e-6, 0.01]",
    },
    control=[{"noise": 1.0}, {"corner": True}],
    knobs={"noise": [0.0, 2.0], "corner": [False, True]},
)
def stops_falling(noise=0.0, corner=False, seed=0):
    """没有噪声的强凸二次函数上 Σg² 收敛，AdaGrad 的有效学习率停在一个正数上。"""
    rng = np.random.default_rng(seed)
    curvature = np.array([0.1, 1.0])  # (dim,)
    w = w0 = rng.uniform(1, 3, (50, 2))
    opt, rates = AdaGrad(0.3), []
    for _ in range(1000):
        g = curvature * (np.sign(w) if corner else w)  # corner：损失换成 |w|，梯度不会变小
        w = w + opt(rng.normal(g, noise))
        rates.append(opt.rate().mean())
    return {
        "前一百步里有效学习率降了": 1 - rates[99] / rates[0],
        "剩下的距离 / 起点的距离": np.linalg.norm(w) / np.linalg.norm(w0),
        "后九成步数里有效学习率降了": 1 - rates[-1] / rates[99],
        "有效学习率": line(rates, range(1, 1001), x_label="步", log_x=True, log_y=True),
    }


def steps_to_minimum(opt, start, budget=2000):
    """f(x, y) = x²/2 + (y²-1)²/40：鞍点在原点，最小点在 (0, ±1)；返回最快的学习率的步数。"""
    w = np.tile(start, (len(opt.lr), 1))  # (lrs, 2)
    for t in range(1, budget):
        x, y = w.T
        w = bounded(w + opt(np.stack([x, y * (y**2 - 1) / 10], 1)))
        if (np.hypot(w[:, 0], np.abs(w[:, 1]) - 1) < 0.1).any():
            return t
    return budget


@claim(
    guard={"从稍远处出发的步数": "in [3, 150]"},
    expect={"从极近处出发，步数变成几倍": "in [0.8, 1.4]"},
    control=[{"optimizer": "sgd"}, {"optimizer": "momentum"}, {"history": 400}],
    knobs={"optimizer": ["adagrad", "sgd", "momentum"], "history": [0, 1000]},
)
def leaves_saddle(optimizer="adagrad", history=0, seed=0):
    """下坡方向沿坐标轴、历史梯度小时，离鞍点再近，AdaGrad 的步数也不变；SGD 的随之增加。"""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0.5, 1.5, 2)
    past = rng.normal(size=(history, 1, 2))  # 到鞍点之前见过的梯度
    lrs = np.geomspace(0.003, 3, 31)[:, None]  # (lrs, 1)
    count = []
    for offset in (1e-1, 1e-8):
        opt = {
            "adagrad": AdaGrad(lrs / 10 * np.sqrt(max(1, history))),  # 第一步不超过路程的三成
            "sgd": SGD(lrs),
            "momentum": SGD(lrs, m=0.9),
        }[optimizer]
        for g in past:
            opt(g)
        count.append(steps_to_minimum(opt, start * [1, offset]))
    return {"从稍远处出发的步数": count[0], "从极近处出发，步数变成几倍": count[1] / count[0]}


@claim(
    guard={"相邻梯度反号的比例": "in [0.45, 0.49]"},
    expect={"步子与当前梯度反号的比例": ">= 0.9999", "第二步与手算的相对差": "<= 1e-9"},
    control={"optimizer": "momentum"},
    knobs={"optimizer": ["adagrad", "momentum"], "mean": [0.0, 1.0]},
)
def no_inertia(optimizer="adagrad", mean=0.3, seed=0):
    """AdaGrad 没有惯性：梯度一变号，步子立刻跟着变号；动量则不会。"""
    rng = np.random.default_rng(seed)
    opt = AdaGrad(0.1, eps=0.5) if optimizer == "adagrad" else SGD(0.1, m=0.9)
    g = rng.normal(mean, 1, (200, 100))  # 200 步，100 个坐标
    steps = np.array([opt(each) for each in g])
    by_hand = -0.1 * g[1] / (np.hypot(g[0], g[1]) + 0.5)
    return {
        "相邻梯度反号的比例": np.mean(np.diff(np.sign(g), axis=0) != 0),
        "第二步与手算的相对差": np.abs(steps[1] / by_hand - 1).max(),
        "步子与当前梯度反号的比例": np.mean(np.sign(steps) == -np.sign(g)),
    }


@claim(
    guard={"走过的路程 / μ": "in [15.5, 18.5]"},
    expect={"梯度缩小万倍后，路程剩下几成": "in [0.97, 1.03]"},
    control=[{"start": 0.1}, {"eps": 1e-8, "inside": True}],
    knobs={"start": [0.0, 1.0], "eps": [1e-12, 1e-3], "inside": [False, True]},
)
def start_breaks_scale(start=0.0, eps=1e-10, inside=False, seed=0):
    """累加值从 0 起、ε 在根号外时 AdaGrad 不管梯度的尺度；从 0.1 起步就不是了。"""
    rng = np.random.default_rng(seed)
    g = rng.normal(1, 0.5, (100, 50))  # 100 步，50 个坐标
    length = []
    for scale in (1.0, 1e-4):
        opt = AdaGrad(1.0, start=start, eps=eps, inside=inside)
        length.append(np.abs(sum(opt(scale * each) for each in g)).mean())
    return {"走过的路程 / μ": length[0], "梯度缩小万倍后，路程剩下几成": length[1] / length[0]}


@claim(
    guard={"最好的固定点每步赚": "in [0.31, 0.36]"},
    expect={"遗憾 / 上界": "in [0.35, 0.7]", "遗憾随步数的幂次": "in [0.45, 0.55]"},
    control={"forget": 0.9},
    knobs={"forget": [0.0, 0.95]},
)
def regret_bound(forget=0.0, seed=0):
    """在线凸优化：AdaGrad 的遗憾不超过 √2·D·√(Σg²)，按 √T 增长；同样的题 RMSProp 按 T 增长。"""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, 20)  # 20 份独立的问题，x 限制在 [-1, 1]，D = 2
    opt = AdaGrad(np.sqrt(2), forget=forget)  # μ = D/√2
    g = rng.normal(np.tile([3, -1, -1], 500)[:, None], 0.1, (1500, 20))  # f_t(x) = g·x
    lost = []
    for t, slope in enumerate(g):
        lost.append(slope * x)
        step = opt(slope)
        if forget:
            step = step / np.sqrt(t + 1)
        x = (x + step).clip(-1, 1)
    best = np.abs(np.cumsum(g, axis=0))  # 到每一步为止，最好的固定点赚了多少：|Σg|
    regret = np.cumsum(lost, axis=0) + best  # (T, 20)
    bound = 2 * np.sqrt(2 * (g**2).sum(0))
    return {
        "最好的固定点每步赚": best[-1].mean() / len(g),
        "遗憾 / 上界": (regret[-1] / bound).max(),
        "遗憾随步数的幂次": power(regret.mean(1)),
    }
