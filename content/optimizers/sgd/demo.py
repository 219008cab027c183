"""SGD：每步一个样本。梯度无偏而有噪声；噪声停在哪里，怎样才会消失。"""

import numpy as np

from quizdl.proof import claim, line, scatter


class Regression:
    """线性回归，损失 |Xw - y|²/2n；起点 w = 0，超额损失按起点归一。"""

    def __init__(self, rng, n=100, dim=5, noise=1.0):
        self.X = rng.normal(size=(n, dim))
        self.y = rng.normal(self.X.sum(1), noise)  # 真参数全是 1
        self.w_min = np.linalg.pinv(self.X) @ self.y
        self.H = self.X.T @ self.X / n  # (dim, dim)
        self.size = (self.X**2).sum(1).mean()  # 单个样本曲率的平均

    def excess(self, W):
        """W: (…, dim)"""
        e = W - self.w_min
        return np.einsum("...i,...i->...", e @ self.H, e) / (self.w_min @ self.H @ self.w_min)

    def sample_grads(self, W, i):
        """第 k 份轨迹用第 i[k] 个样本；W: (…, runs, dim)。"""
        x = self.X[i]  # (runs, dim)
        residual = np.einsum("...rd,rd->...r", W, x) - self.y[i]
        return residual[..., None] * x


def draws(rng, n, steps, runs, replace=True):
    """每步抽哪个样本，(steps, runs)；不放回时每一遍各自重新洗牌。"""
    if replace:
        return rng.integers(0, n, (steps, runs))
    epochs = np.tile(np.arange(n)[:, None], (steps // n, 1, runs))  # (遍数, n, runs)
    return rng.permuted(epochs, axis=1).reshape(steps, runs)


# ---- 梯度：平均起来对，单个看很乱 ----


@claim(
    guard={"全量梯度范数": "in [0.05, 3]"},
    expect={
        "期望与全量梯度的最大差": "<= 1e-9",
        "方向反了的样本比例": "in [0.36, 0.54]",
        "单样本梯度的标准差 / 全量梯度": "in [15, 33]",
    },
    control=[{"hard": 1.0}, {"away": 2.0}],
    knobs={"hard": [0.0, 2.0], "away": [0.05, 2.0]},
)
def unbiased_but_noisy(hard=0.0, away=0.1, seed=0):
    """均匀抽样时单样本梯度的期望就是全量梯度；靠近最小点时，近一半样本的方向是反的。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng, n=400)
    v = rng.normal(size=5)
    w = f.w_min + away * v / np.linalg.norm(v)
    G = f.sample_grads(np.tile(w, (400, 1)), np.arange(400))  # (n, dim)
    full = f.H @ (w - f.w_min)
    p = np.abs(f.X @ w - f.y) ** hard  # 0 为均匀；大于 0 时难样本多抽
    p = p / p.sum()
    spread = np.sqrt(p @ ((G - p @ G) ** 2).sum(1))
    return {
        "全量梯度范数": np.linalg.norm(full),
        "期望与全量梯度的最大差": np.abs(p @ G - full).max(),
        "方向反了的样本比例": p @ (G @ full < 0),
        "单样本梯度的标准差 / 全量梯度": spread / np.linalg.norm(full),
        "各样本的梯度": scatter({"样本": (G[:, 0], G[:, 1]), "全量": ([full[0]], [full[1]])}),
    }


# ---- 噪声球：固定学习率停在哪里 ----


@claim(
    guard={"小学习率的稳态超额损失": "in [2e-4, 0.006]"},
    expect={"学习率 4 倍时稳态超额损失的倍数": "in [3.7, 4.8]"},
    control={"average": True},
    knobs={"average": [False, True], "noise": [0.5, 2.0]},
)
def ball_grows_with_lr(average=False, noise=1.0, seed=0):
    """固定学习率的 SGD 停在一个噪声球里，稳态超额损失约正比于学习率；取轨迹的平均则不然。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng, noise=noise)
    lr = np.array([0.02, 0.08])[:, None, None] / f.size
    W = np.zeros((2, 60, 5))  # 两个学习率，各 60 份轨迹
    curve, late = [], []
    for i in draws(rng, 100, 3000, 60):
        W = W - lr * f.sample_grads(W, i)
        curve.append(f.excess(W).mean(1))
        late = [*late[-1499:], W]  # 后一半，已到稳态
    curve = np.array(curve)  # (步, 2)
    level = curve[1500:].mean(0)
    if average:
        level = f.excess(np.mean(late, axis=0)).mean(1)
    return {
        "小学习率的稳态超额损失": level[0],
        "学习率 4 倍时稳态超额损失的倍数": level[1] / level[0],
        "超额损失": line(
            {"小学习率": curve[::20, 0], "四倍": curve[::20, 1]},
            range(0, 3000, 20),
            x_label="步",
            log_y=True,
        ),
    }


@claim(
    guard={"前段的超额损失": "in [5e-4, 0.1]"},
    expect={"步数 8 倍后缩小的倍数": "in [5, 13]"},
    control=[{"power": 0.0}, {"power": 2.0}],
    knobs={"power": [0.0, 0.5, 1.0, 2.0]},
)
def decreasing_steps_converge(power=1.0, seed=0):
    """学习率按 1/t 降，超额损失也按 1/t 降；不降或降得太快都停在半路。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng)
    W, curve = np.zeros((60, 5)), []
    for t, i in enumerate(draws(rng, 100, 4000, 60)):
        W = W - 0.3 / f.size / (1 + t / 40) ** power * f.sample_grads(W, i)
        curve.append(f.excess(W).mean())
    early, late = np.mean(curve[475:525]), np.mean(curve[3950:])
    return {"前段的超额损失": early, "步数 8 倍后缩小的倍数": early / late}


@claim(
    guard={"标签里的噪声占比": "in [0.08, 0.9]"},
    expect={"最后的超额损失": "<= 1e-10"},
    control={"dim": 10},
    knobs={"dim": [10, 120]},
)
def interpolation_has_no_ball(dim=120, seed=0):
    """参数多到能把每个样本都拟合时，固定学习率也线性收敛，尽管标签有噪声。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng, n=30, dim=dim, noise=0.7 * np.sqrt(dim))
    W = np.zeros((10, dim))
    for i in draws(rng, 30, 3000, 10):
        W = W - 0.5 / f.size * f.sample_grads(W, i)
    return {
        "标签里的噪声占比": np.var(f.y - f.X.sum(1)) / np.var(f.y),
        "最后的超额损失": f.excess(W).mean(),
    }


# ---- 抽样：每一遍洗牌，还是有放回地抽 ----


@claim(
    guard={"有放回时的超额损失": "in [2e-4, 0.1]", "两份轨迹抽到同一个样本的比例": "<= 0.1"},
    expect={"有放回 / 洗牌": "in [20, 1000]"},
    control=[{"replace": True}, {"epochs": 1}],
    knobs={"replace": [False, True], "epochs": [1, 40]},
)
def shuffling_is_better(replace=False, epochs=40, seed=0):
    """各自调好学习率，走同样多遍，每遍洗牌（不放回）的超额损失比有放回的小一个数量级以上。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng)
    lr = np.geomspace(0.01, 0.6, 8)[:, None, None] / f.size
    final = []
    for each in (True, replace):
        W, order = np.zeros((8, 40, 5)), draws(rng, 100, epochs * 100, 40, each)
        for i in order:
            W = W - lr * f.sample_grads(W, i)
        final.append(f.excess(W).mean(1).min())  # 最好的学习率
    with_replacement, shuffled = final
    return {
        "有放回时的超额损失": with_replacement,
        "两份轨迹抽到同一个样本的比例": np.mean(order[:, 0] == order[:, 1]),
        "有放回 / 洗牌": with_replacement / shuffled,
    }


# ---- 逃出局部极小：噪声够大才行，而且不认好坏 ----


WELLS = [1, 0, -1, -0.1]  # 斜放的双阱 f(x) = x⁴/4 - x²/2 - 0.1x 的导数：左浅右深


@claim(
    guard={"样本斜率的平均": "<= 1e-9"},
    expect={"逃出浅极小的比例": ">= 0.8", "逃出深极小的比例": "in [0.25, 0.85]"},
    control=[{"lr": 0.02}, {"noise": "vanishing"}],
    knobs={"lr": [0.01, 0.3], "noise": ["constant", "vanishing"]},
)
def escapes_if_noise_is_large(lr=0.2, noise="constant", seed=0):
    """学习率大时 SGD 的噪声能翻出浅极小，也会翻出深极小；学习率小或噪声在极小处为零时都翻不出。"""
    rng = np.random.default_rng(seed)
    s = rng.normal(size=50)  # 第 i 个样本的损失 fᵢ(x) = f(x) + sᵢ x，平均起来就是 f
    s = (s - s.mean()) / s.std()
    left, barrier, right = np.sort(np.roots(WELLS).real)
    x = start = np.repeat([[left], [right]], 300, axis=1)  # 从两个极小点出发，各 300 份
    crossed = np.zeros((2, 300), bool)
    for i in rng.integers(0, 50, (400, 300)):
        slope = np.polyval(WELLS, x)
        kick = s[i]
        if noise == "vanishing":
            kick = s[i] * slope  # fᵢ = (1 + sᵢ) f：极小处无噪声
        x = (x - lr * (slope + kick)).clip(-2, 2)
        crossed = crossed | ((x > barrier) != (start > barrier))
    return {
        "样本斜率的平均": np.abs(s.mean()),
        "逃出浅极小的比例": crossed[0].mean(),
        "逃出深极小的比例": crossed[1].mean(),
    }
