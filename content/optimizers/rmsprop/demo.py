"""RMSProp：移动平均换来了什么，又丢掉了什么。"""

import numpy as np

from quizdl.proof import claim, line


class RMSProp:
    """Hinton 讲义第 6e 讲；调用一次返回参数的改变量，学习率为 1 时就是以学习率为单位。"""

    def __init__(self, decay, lr=1.0, eps=1e-8):
        self.lr, self.decay, self.eps = lr, decay, eps
        self.t = self.mean = self.G = 0

    def scale(self):
        return np.sqrt(self.G) + self.eps

    def __call__(self, g):
        self.t += 1
        self.mean = self.decay * self.mean + (1 - self.decay) * g  # 只有中心化版本用它
        self.G = self.decay * self.G + (1 - self.decay) * g**2
        return -self.lr * g / self.scale()


class Corrected(RMSProp):
    """像 Adam 那样修正偏差。"""

    def scale(self):
        return np.sqrt(self.G / (1 - self.decay**self.t)) + self.eps


class Centered(RMSProp):
    """减去均值的平方：除以标准差。"""

    def scale(self):
        return np.sqrt(self.G - self.mean**2) + self.eps


class EpsInside(RMSProp):
    """Keras 的写法：√(G+ε)，不是 √G+ε。"""

    def scale(self):
        return np.sqrt(self.G + self.eps)


class AdaGrad:
    def __init__(self, lr=1.0):
        self.lr, self.G = lr, 0.0

    def __call__(self, g):
        self.G = self.G + g**2
        return -self.lr * g / np.sqrt(self.G)


class SGD:
    def __init__(self, lr):
        self.lr = lr

    def __call__(self, g):
        return -self.lr * g


@claim(
    guard={"梯度大小的跨度": "in [1e5, 1e6]"},
    expect={"第一步 / 学习率": "in [9.99, 10.01]", "第十步 / 学习率": "in [3.2, 3.3]"},
    control=[{"correct": True}, {"decay": 0.9}],
    knobs={"correct": [False, True], "decay": [0.5, 0.999]},
)
def first_step_large(decay=0.99, correct=False, seed=0):
    """没有偏差修正：λ=0.99 时第一步是学习率的 10 倍，梯度不变时第十步还有 3.2 倍。"""
    rng = np.random.default_rng(seed)
    g = 10 ** rng.uniform(-3, 3, 200)  # 各坐标的梯度，每步都一样
    opt = Corrected(decay) if correct else RMSProp(decay)
    steps = [np.abs(opt(g)).mean() for _ in range(10)]
    return {
        "梯度大小的跨度": g.max() / g.min(),
        "第一步 / 学习率": steps[0],
        "第十步 / 学习率": steps[-1],
    }


@claim(
    guard={"走过的路程 / 学习率": "in [200, 600]"},
    expect={"漂移 / 路程": "in [0.001, 0.1]"},
    control=[{"decay": 0.0}, {"decay": 0.5}],
    knobs={"decay": [0.0, 0.999]},
)
def respects_size(decay=0.99, seed=0):
    """Hinton 的例子：九批梯度 0.1、一批 -0.9，λ 接近 1 时互相抵消；λ=0（只看符号）就一直漂移。"""
    rng = np.random.default_rng(seed)
    opt = RMSProp(decay)
    rounds = np.tile([0.1] * 9 + [-0.9], (2000, 1))  # 20 份，各 100 轮，每轮 10 批、之和为 0
    g = rng.permuted(rounds, axis=1).reshape(20, 1000).T
    steps = np.array([opt(each) for each in g])[500:]  # 分母稳定之后
    path = np.abs(steps).sum(0)
    return {"走过的路程 / 学习率": path.mean(), "漂移 / 路程": np.abs(steps.sum(0) / path).mean()}


@claim(
    guard={"尖峰里的步长 / 平时": "in [0.5, 2]"},
    expect={"恢复所需的步数 / 窗口": "in [7, 9]"},
    control=[{"optimizer": "adagrad"}, {"burst": 1.0}],
    knobs={"optimizer": ["rmsprop", "adagrad"], "burst": [1.0, 1000.0], "decay": [0.9, 0.995]},
)
def forgets(optimizer="rmsprop", burst=100.0, decay=0.99, seed=0):
    """梯度忽大百倍之后，RMSProp 要七到九个窗口 1/(1-λ) 才恢复平时的一半步长；AdaGrad 恢复不了。"""
    rng = np.random.default_rng(seed)
    opt = RMSProp(decay) if optimizer == "rmsprop" else AdaGrad()
    scale = np.repeat([1.0, burst, 1.0], [1000, 500, 1500])
    size = np.array([np.abs(opt(s * rng.normal(size=100))).mean() for s in scale])
    before, spike, after = np.split(size, [1000, 1500])
    usual = before[900:].mean()
    return {
        "尖峰里的步长 / 平时": spike[400:].mean() / usual,
        "恢复所需的步数 / 窗口": np.sum(after < usual / 2) * (1 - decay),
        "步长": line(size, x_label="步", y_label="步长 / μ", log_y=True),
    }


def tracking_error(opt, scale, jumps, seed, runs=20):
    """损失 scale·(w - 目标)²/2，目标在中途跳一次；每个学习率各走一份，返回最好的一份的误差。"""
    rng = np.random.default_rng(seed)
    w, error = np.zeros((len(opt.lr), runs)), []  # (lrs, runs)
    target, jump = rng.uniform(1, 2, (2, runs))
    for t in range(600):
        if t == 300:
            target, scale = target + jumps * jump, 1.0
        w = w + opt(scale * (w - target + rng.normal(0, 0.5, runs)))
        error.append(((w - target) ** 2).mean(1))
    return np.mean(error, axis=0).min()


@claim(
    guard={"RMSProp 的误差": "in [0.01, 0.9]"},
    expect={"AdaGrad 误差 / RMSProp 误差": "in [2, 12]"},
    control=[{"scale": 1.0}, {"jumps": 0.0}],
    knobs={"scale": [1.0, 1000.0], "jumps": [0.0, 2.0]},
)
def follows_change(scale=100.0, jumps=1.0, seed=0):
    """前一半梯度大百倍、中途最优点又跳走：各自调好学习率，AdaGrad 的误差是 RMSProp 的两倍以上。"""
    lrs = np.geomspace(0.003, 30, 33)[:, None]
    ada = tracking_error(AdaGrad(lrs), scale, jumps, seed)
    rms = tracking_error(RMSProp(0.9, lrs / 10), scale, jumps, seed)
    return {"RMSProp 的误差": rms, "AdaGrad 误差 / RMSProp 误差": ada / rms}


@claim(
    guard={"起点的距离 / 学习率": ">= 10"},
    expect={"振幅 / 学习率": "in [0.45, 0.55]", "振幅随学习率的幂次": "in [0.95, 1.05]"},
    control=[{"optimizer": "adagrad"}, {"optimizer": "sgd"}, {"power": 1.0}],
    knobs={"optimizer": ["rmsprop", "adagrad", "sgd"], "power": [0.0, 1.0]},
)
def keeps_jumping(optimizer="rmsprop", power=0.0, seed=0):
    """没有噪声的二次函数上学习率不变，RMSProp 最后在最小点两侧来回跳，振幅是学习率的一半。"""
    rng = np.random.default_rng(seed)
    lr = np.array([0.02, 0.08])[:, None]
    curvature = rng.uniform(0.5, 2, 50)  # (dim,)
    w = w0 = np.tile(rng.uniform(1, 2, 50), (2, 1))  # (lrs, dim)
    opt = RMSProp(0.9)
    if optimizer == "adagrad":
        opt = AdaGrad(10.0)
    elif optimizer == "sgd":
        opt = SGD(10.0)
    last = []
    for t in range(1000):
        w = w + lr * (1 + t / 100) ** -power * opt(curvature * w)
        last.append(np.abs(w))
    amplitude = np.max(last[-100:], axis=0).mean(1)  # (2,)，每个学习率的振幅
    return {
        "起点的距离 / 学习率": np.abs(w0).min() / lr.max(),
        "振幅 / 学习率": (amplitude / lr[:, 0]).mean(),
        "振幅随学习率的幂次": np.log(amplitude[1] / amplitude[0]) / np.log(4),
    }


@claim(
    guard={"普通 RMSProp 的步长 / μ": "in [0.5, 1.5]"},
    expect={"中心化步长 / 普通步长": "in [2.9, 3.5]"},
    control=[{"mean": 0.0}, {"centered": False}],
    knobs={"mean": [0.0, 10.0], "centered": [True, False]},
)
def centered_is_bolder(mean=3.0, centered=True, seed=0):
    """梯度的均值是标准差的 3 倍时，除以标准差的中心化版本，步长是普通版本的约 3.2 倍。"""
    rng = np.random.default_rng(seed)
    plain, ours = RMSProp(0.99), (Centered if centered else RMSProp)(0.99)
    g = rng.normal(mean, 1, (1000, 100))
    steps = np.array([[np.abs(opt(each)).mean() for opt in (plain, ours)] for each in g])
    small, large = steps[600:].mean(0)  # 移动平均已经稳定
    return {"普通 RMSProp 的步长 / μ": small, "中心化步长 / 普通步长": large / small}


@claim(
    guard={
        "ε 在根号外的步长 / μ": "in [0.5, 1.5]",
        "根号外：梯度与 ε 相当时的步长 / 平时": "in [0.4, 0.6]",
    },
    expect={"ε 在根号里的步长 / 根号外": "in [0.25, 0.4]"},
    control=[{"size": 1e-1}, {"eps_inside": False}],
    knobs={"size": [1e-5, 1.0], "eps_inside": [True, False]},
)
def eps_placement(size=1e-4, eps_inside=True, seed=0):
    """梯度约 1e-4 时，把 ε=1e-7 放进根号，步长只剩三成；放在外面，梯度与 ε 一样大时步长才减半。"""
    rng = np.random.default_rng(seed)
    outside = RMSProp(0.9, eps=1e-7)
    inside = (EpsInside if eps_inside else RMSProp)(0.9, eps=1e-7)
    default, g = RMSProp(0.9), rng.normal(size=(300, 200))
    steps = [[np.abs(d).mean() for d in (outside(size * z), inside(size * z))] for z in g]
    out, within = np.mean(steps[100:], axis=0)  # 移动平均已经稳定
    small = np.mean([np.abs(default(1e-8 * z)).mean() for z in g][100:])
    return {
        "ε 在根号外的步长 / μ": out,
        "ε 在根号里的步长 / 根号外": within / out,
        "根号外：梯度与 ε 相当时的步长 / 平时": small / out,
    }
