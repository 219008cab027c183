"""Adam 与 SGD：各自调好学习率之后，谁在什么问题上赢，靠的是什么。"""

import numpy as np

from quizdl.proof import claim, line


class Adam:
    """Kingma & Ba (2015) 算法 1；调用一次返回参数的改变量。"""

    def __init__(self, lr, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.t, self.m, self.v = 0, 0.0, 0.0

    def __call__(self, g):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m_hat, v_hat = self.m / (1 - self.beta1**self.t), self.v / (1 - self.beta2**self.t)
        return -self.lr * m_hat / (np.sqrt(v_hat) + 1e-8)


class SGD:
    """累积式动量；m=0 是不带动量的 SGD。"""

    def __init__(self, lr, m=0.9):
        self.lr, self.m, self.v = lr, m, 0.0

    def __call__(self, g):
        self.v = self.m * self.v + g
        return -self.lr * self.v


RATES = np.geomspace(1e-4, 1e3, 43)[:, None]  # 够宽，两种优化器都能在里面挑到自己最好的


def bigram_losses(opt, prior, target, steps=50):
    """二元语言模型，第 k 行 logits 预测词 k 的下一个词；全批量，没有采样噪声。

    返回每个学习率、每个前词的超额损失，即 KL 散度 (lrs, words)。
    """
    W = np.zeros((len(opt.lr), *target.shape))  # (lrs, words, words)
    for _ in range(steps):
        p = np.exp(W - W.max(-1, keepdims=True))
        p = p / p.sum(-1, keepdims=True) + 1e-300
        W = W + opt(prior[:, None] * (p - target))
    return (target * np.log(target / p)).sum(-1)


@claim(
    guard={
        "训练前的超额损失": "in [0.5, 4]",
        "按词频平均剩下的损失（SGD）": "<= 0.1",
        "稀有词剩下的损失（Adam）": "<= 0.01",
    },
    expect={"稀有词剩下的损失（SGD）": "in [0.2, 0.9]"},
    control=[{"zipf": 0.0}, {"per_row": True}],
    knobs={"zipf": [0.0, 2.5], "per_row": [False, True]},
)
def rare_classes(zipf=2.0, per_row=False, seed=0):
    """词频相差千倍、没有采样噪声，各自按总损失调好学习率，50 步后稀有词只有 Adam 学会了。"""
    rng = np.random.default_rng(seed)
    prior = np.arange(1, 33) ** -zipf  # 32 个词，按排名的幂次
    prior = prior / prior.sum()
    keep = rng.uniform(0.6, 0.8, (32, 1))  # 每个词有一个最常见的下一个词
    target = (1 - keep) * prior + keep * np.eye(32)[rng.permutation(32)]
    start = (target * np.log(target * 32)).sum(-1)  # 训练前：均匀预测
    left = {}
    for name, opt in {
        "SGD": SGD(RATES[..., None]),
        "Adam": Adam(RATES[..., None]),
    }.items():
        if per_row and name == "SGD":  # 平凡的替代：每行的学习率除以它的频率
            opt.lr = opt.lr / prior[:, None] / 32
        loss = bigram_losses(opt, prior, target)
        best = (loss @ prior).argmin()  # 总损失最低的学习率
        left[name] = loss[best] / start
    return {
        "训练前的超额损失": start @ prior,
        "按词频平均剩下的损失（SGD）": left["SGD"] @ prior,
        "稀有词剩下的损失（SGD）": left["SGD"][16:].mean(),
        "稀有词剩下的损失（Adam）": left["Adam"][16:].mean(),
        "各词剩下的损失": line(left, range(1, 33), x_label="词频排名", log_y=True),
    }


def block_quadratic(ratio, rng):
    """两层各 8 维，层内曲率都在 1 到 3 之间、主轴转到随机方向；第二层整体小 ratio 倍。"""
    A = np.zeros((16, 16))
    for k, scale in enumerate((1.0, 1 / ratio)):
        Q, _ = np.linalg.qr(rng.normal(size=(8, 8)))
        A[8 * k : 8 * k + 8, 8 * k : 8 * k + 8] = scale * (Q * np.linspace(1, 3, 8)) @ Q.T
    return A, rng.uniform(1, 2, 16)


def fewest_steps(opt, A, w0, rate=1.0, budget=1500):
    """距离缩到二十分之一的步数；每个学习率各走一份，取最少的。rate：各坐标学习率的倍数。"""
    w = np.tile(w0, (len(opt.lr), 1))  # (lrs, dim)
    for t in range(1, budget):
        w = np.clip(w + rate * opt(w @ A), -1e3, 1e3)
        if np.linalg.norm(w, axis=1).min() <= 0.05 * np.linalg.norm(w0):
            return t
    return budget


@claim(
    guard={"Adam 的步数": "in [20, 70]", "Adam 的第一步 / 学习率": "in [0.999, 1.001]"},
    expect={"SGD 步数 / Adam 步数": "in [4, 20]"},
    control=[{"per_layer": True}, {"ratio": 2.0}],
    knobs={"per_layer": [False, True], "ratio": [1.0, 1e5]},
)
def layer_scales(ratio=1e4, per_layer=False, seed=0):
    """两层梯度差一万倍：动量 SGD 的步数是 Adam 的四倍以上；逐层给学习率，差距就没了。"""
    A, w0 = block_quadratic(ratio, np.random.default_rng(seed))
    rate = np.repeat([1.0, ratio], 8) if per_layer else 1.0
    sgd = min(fewest_steps(SGD(RATES, m), A, w0, rate) for m in (0.9, 0.98))
    adam = fewest_steps(Adam(RATES), A, w0)
    first = np.abs(Adam(1.0)(A @ w0)).mean()
    return {
        "Adam 的步数": adam,
        "Adam 的第一步 / 学习率": first,
        "SGD 步数 / Adam 步数": sgd / adam,
    }


@claim(
    guard={"SGD 的误差": "in [1e-3, 10]"},
    expect={"SGD 误差 / Adam 误差": "in [2.5, 40]"},
    control=[{"tail": 30.0}, {"clip": 3.0}],
    knobs={"tail": [1.2, 30.0], "clip": [1.0, 1e9]},
)
def heavy_tails(tail=1.3, clip=1e9, seed=0):
    """梯度噪声的方差无穷大时，各自调好学习率，SGD 的误差是 Adam 的数倍；先裁剪再用 SGD 就追平。"""
    rng = np.random.default_rng(seed)
    noise = rng.standard_t(tail, (400, 200))  # 自由度小于 2，方差就无穷大
    error = []
    for opt in (SGD(RATES, 0.0), Adam(RATES)):
        w, squares = np.ones((len(opt.lr), 200)), []  # (lrs, 200)：f(w) = w²/2
        for each in noise:
            w = w + opt(np.clip(w + each, -clip, clip))
            squares.append((w**2).mean(1))
        error.append(np.mean(squares[200:], axis=0).min())  # 后一半步数
    return {"SGD 的误差": error[0], "SGD 误差 / Adam 误差": error[0] / error[1]}


@claim(
    guard={"起点的误差 / 八百步后的误差": "in [10, 400]"},
    expect={
        "Adam：步数加倍，误差变成几倍": "in [0.85, 1.15]",
        "SGD：步数加倍，误差变成几倍": "in [0.85, 1.15]",
        "SGD：最后的误差 / (ασ²/2λ)": "in [0.9, 1.15]",
    },
    control={"power": 1.0},
    knobs={"power": [0.0, 1.0], "noise": [0.1, 3.0]},
)
def both_need_decay(power=0.0, noise=1.0, seed=0):
    """有噪声而学习率不变，Adam 和 SGD 都停在一个误差上；学习率下降才继续变小。"""
    rng = np.random.default_rng(seed)
    found = {}
    for name, opt in (("Adam", Adam(0.02)), ("SGD", SGD(0.05, 0.0))):
        w, errors = np.full(1000, 1.0), []
        for t in range(1600):
            w = w + opt(w + noise * rng.normal(size=1000)) * (1 + t / 200) ** -power
            errors.append((w**2).mean())
        found[name] = errors
    end = {name: np.mean(e[1300:]) / np.mean(e[500:800]) for name, e in found.items()}
    return {
        "起点的误差 / 八百步后的误差": 1 / max(np.mean(e[500:800]) for e in found.values()),
        "Adam：步数加倍，误差变成几倍": end["Adam"],
        "SGD：步数加倍，误差变成几倍": end["SGD"],
        "SGD：最后的误差 / (ασ²/2λ)": np.mean(found["SGD"][1300:]) / (0.05 * noise**2 / 2),
        "误差": line(found, x_label="步", y_label="均方误差", log_y=True),
    }


def mistuned(opt, A, w0, noise, clip, factors):
    """二次函数上后一半步数的平均损失 / 起点的损失：最好的学习率，以及它乘上各个倍数。"""
    w, losses = np.tile(w0, (len(opt.lr), 1)), []  # (lrs, dim)
    for each in noise:
        g = w @ A + each
        w = w + opt(g / np.maximum(1, np.linalg.norm(g, axis=1, keepdims=True) / clip))
        losses.append(((w @ A) * w).sum(1) / (w0 @ A @ w0))
    loss = np.mean(losses[len(noise) // 2 :], axis=0)
    best = opt.lr[loss.argmin(), 0]
    return loss.min(), *np.interp(best * np.array(factors), opt.lr[:, 0], loss)


def tilted(rng):
    """κ=10 的二次函数，主轴方向随机，最大曲率为 1。"""
    Q, _ = np.linalg.qr(rng.normal(size=(40, 40)))
    return (Q * np.geomspace(0.1, 1, 40)) @ Q.T, rng.uniform(1, 2, 40)


@claim(
    guard={"两者最好的损失": "in [1e-5, 0.2]"},
    expect={"学习率大十倍的损失（SGD）": ">= 1e6", "学习率大十倍的损失（Adam）": "<= 0.03"},
    control=[{"clip": 0.3}, {"noise": 1.0}],
    knobs={"clip": [0.1, 1e9], "noise": [0.0, 2.0]},
)
def too_large_rate(clip=1e9, noise=0.0, factor=10.0, seed=0):
    """没有噪声的二次函数，学习率比最好的大十倍：SGD 发散，Adam 照样下降。"""
    rng = np.random.default_rng(seed)
    A, w0 = tilted(rng)
    kicks = noise * rng.normal(size=(100, 40))
    sgd, sgd_off = mistuned(SGD(RATES, 0.0), A, w0, kicks, clip, [factor])
    adam, adam_off = mistuned(Adam(RATES), A, w0, kicks, clip, [factor])
    return {
        "两者最好的损失": max(sgd, adam),
        "学习率大十倍的损失（SGD）": sgd_off,
        "学习率大十倍的损失（Adam）": adam_off,
    }


@claim(
    guard={"两者最好的损失": "in [1e-13, 0.1]"},
    expect={
        "大十倍的损失 / 起点，两者中较小的": ">= 0.06",
        "大十倍 / 最好，两者中较小的": "in [4, 25]",
        "小十倍 / 最好，两者中较小的": "in [6, 40]",
    },
    control=[{"noise": 0.0}, {"factor": 1.2}],
    knobs={"noise": [0.0, 2.0], "factor": [1.0, 30.0]},
)
def noise_needs_tuning(noise=1.0, factor=10.0, seed=0):
    """有噪声时，学习率偏大或偏小十倍，Adam 和 SGD 的损失都变差几倍。"""
    rng = np.random.default_rng(seed)
    A, w0 = tilted(rng)
    kicks = noise * rng.normal(size=(400, 40))
    found = [
        mistuned(opt, A, w0, kicks, 1e9, [factor, 1 / factor])
        for opt in (Adam(RATES), SGD(RATES, 0.0))
    ]
    best, over, under = np.transpose(found)
    return {
        "两者最好的损失": best.max(),
        "大十倍的损失 / 起点，两者中较小的": over.min(),
        "大十倍 / 最好，两者中较小的": (over / best).min(),
        "小十倍 / 最好，两者中较小的": (under / best).min(),
    }


@claim(
    guard={"训练损失 / 起点": "<= 1e-6", "最小范数解的长度": ">= 0.1"},
    expect={
        "解的长度 / 最小范数": "in [1.08, 1.4]",
        "最大坐标占长度之比 / 最小范数解的": "in [0.5, 0.85]",
    },
    control={"optimizer": "sgd"},
    knobs={"optimizer": ["adam", "sgd"]},
)
def implicit_bias(optimizer="adam", seed=0):
    """欠定的最小二乘、从零出发，都拟合到底：SGD 到最小范数解，Adam 的解更长、坐标更平均。"""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(8, 20, 80)), rng.normal(size=(8, 20, 1))  # 八道题
    shortest = np.linalg.pinv(X) @ y  # (8, 80, 1)
    w, opt = np.zeros((8, 80, 1)), Adam(2e-3) if optimizer == "adam" else SGD(0.05)
    for _ in range(800):
        w = w + opt(X.transpose(0, 2, 1) @ (X @ w - y) / 20)
    length = lambda w: np.linalg.norm(w, axis=1)
    peak = lambda w: np.abs(w).max(axis=1) / length(w)
    return {
        "训练损失 / 起点": np.sum((X @ w - y) ** 2) / np.sum(y**2),
        "最小范数解的长度": length(shortest).min(),
        "解的长度 / 最小范数": (length(w) / length(shortest)).mean(),
        "最大坐标占长度之比 / 最小范数解的": (peak(w) / peak(shortest)).mean(),
    }
