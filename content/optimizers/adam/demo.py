"""Adam：偏差修正、尺度不变，以及它什么时候输给 SGD。"""

import numpy as np

from quizdl.proof import claim, line


class Adam:
    """Kingma & Ba (2015) 算法 1；调用一次返回参数的改变量，学习率为 1 时就是以学习率为单位。"""

    def __init__(self, lr=1.0, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.t = self.m = self.v = 0

    def moments(self):
        return self.m / (1 - self.beta1**self.t), self.v / (1 - self.beta2**self.t)

    def __call__(self, g):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m_hat, v_hat = self.moments()
        return -self.lr * m_hat / self.scale(v_hat)

    def scale(self, v_hat):
        return np.sqrt(v_hat) + self.eps


class Uncorrected(Adam):
    """不做偏差修正。"""

    def moments(self):
        return self.m, self.v


class AMSGrad(Adam):
    """分母只增不减。"""

    most = 0

    def scale(self, v_hat):
        self.most = np.maximum(self.most, v_hat)
        return np.sqrt(self.most) + self.eps


class EpsInside(Adam):
    """√(v+ε) 而不是 √v+ε。"""

    def scale(self, v_hat):
        return np.sqrt(v_hat + self.eps)


class SGD:
    """m > 0 时带（累积式）动量。"""

    def __init__(self, lr=1.0, m=0.0):
        self.lr, self.m, self.v = lr, m, 0

    def __call__(self, g):
        self.v = self.m * self.v + g
        return -self.lr * self.v


def quadratics(kappa, rotated, seed, count=4, dim=20):
    """几个二次函数 wᵀAw / 2，特征值 1/kappa … 1；主轴沿坐标轴，或转到随机方向。"""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(count, dim, dim)))
    Q = Q if rotated else np.tile(np.eye(dim), (count, 1, 1))
    start = rng.uniform(1, 2, (count, dim, 1))
    A = (Q * np.geomspace(1 / kappa, 1, dim)) @ Q.transpose(0, 2, 1)  # (count, dim, dim)
    return A, (Q @ start)[:, :, 0]  # w0: (count, dim)，在每个主轴上都有误差


def fewest_steps(optimizer, A, w0, tol, budget=3000):
    """每个问题、每个学习率各走一份：最先把距离缩到 tol 倍的步数，对问题取平均。"""
    opt = Adam(np.geomspace(0.01, 10, 20)[:, None])  # (lrs, 1)
    if optimizer == "momentum":  # 动量 0.9 的稳定上限是 2(1+m)/L = 3.8
        opt = SGD(np.geomspace(0.2, 3.6, 7)[:, None], 0.9)
    W = np.tile(w0[:, None], (1, len(opt.lr), 1))  # (count, lrs, dim)
    steps = np.full(len(w0), float(budget))
    for t in range(1, budget + 1):
        W = W + opt(W @ A)
        error = np.linalg.norm(W, axis=2).min(1) / np.linalg.norm(w0, axis=1)
        steps = np.where(error <= tol, np.minimum(steps, t), steps)
        if steps.max() <= t:
            break
    return steps.mean()


@claim(
    guard={"各坐标梯度大小的跨度": "in [1e6, 1e8]"},
    expect={"第一步偏离 -sign(g) 的最大值": "<= 1e-3"},
    control=[{"correct": False}, {"optimizer": "sgd"}],
    knobs={"correct": [True, False], "optimizer": ["adam", "sgd"], "eps": [1e-10, 1e-2]},
)
def first_step_is_lr(optimizer="adam", correct=True, eps=1e-8, seed=0):
    """有偏差修正时，第一步每个坐标都走一个学习率，与梯度大小无关。"""
    rng = np.random.default_rng(seed)
    g = rng.choice([-1, 1], 100) * 10 ** rng.uniform(-4, 4, 100)
    opt = (Adam if correct else Uncorrected)(eps=eps) if optimizer == "adam" else SGD()
    return {
        "各坐标梯度大小的跨度": np.abs(g).max() / np.abs(g).min(),
        "第一步偏离 -sign(g) 的最大值": np.abs(opt(g) + np.sign(g)).max(),
    }


@claim(
    guard={"梯度同号的比例": ">= 0.99"},
    expect={
        "第一步 / 学习率": "in [3.1, 3.2]",
        "前百步中最大一步": "in [6, 7]",
        "前百步中最小一步": "in [2.5, 4]",
    },
    control=[{"correct": True}, {"beta2": 0.9}],
    knobs={"correct": [False, True], "beta2": [0.9, 0.9999]},
)
def uncorrected_is_too_large(correct=False, beta2=0.999, seed=0):
    """默认 β、方向稳定的梯度下，去掉修正的第一步是学习率的 3.16 倍，随后还涨到 6 倍多。"""
    rng = np.random.default_rng(seed)
    opt = (Adam if correct else Uncorrected)(beta2=beta2)
    g = rng.normal(1, 0.2, (100, 200))  # 100 步，200 份独立的历史
    size = [np.abs(opt(each)).mean() for each in g]  # 学习率为 1
    return {
        "梯度同号的比例": np.mean(g > 0),
        "第一步 / 学习率": size[0],
        "前百步中最大一步": max(size),
        "前百步中最小一步": min(size),
        "步子": line(size, range(1, 101), x_label="步", y_label="步长", rules={"学习率": 1}),
    }


@claim(
    guard={"梯度的标准差 / 均值": ">= 0.1"},
    expect={"一阶矩期望 / 真值": "in [0.95, 1.05]", "二阶矩期望 / 真值": "in [0.95, 1.05]"},
    control=[{"correct": False}, {"drift": 1.0}],
    knobs={"correct": [True, False], "steps": [1, 50], "drift": [0.0, 2.0]},
)
def correction_is_unbiased(correct=True, steps=5, drift=0.0, seed=0):
    """梯度的分布不随时间变时，修正后的 m、v 的期望等于梯度的一阶矩与二阶矩。"""
    rng = np.random.default_rng(seed)
    opt = Adam() if correct else Uncorrected()
    for t in range(steps):
        g = rng.normal(1 + drift * t, 0.7, 10000)  # 10000 份独立的历史
        opt(g)
    m_hat, v_hat = opt.moments()
    mean = 1 + drift * (steps - 1)
    return {
        "梯度的标准差 / 均值": g.std() / g.mean(),
        "一阶矩期望 / 真值": m_hat.mean() / mean,
        "二阶矩期望 / 真值": v_hat.mean() / (mean**2 + 0.7**2),
    }


@claim(
    guard={"走过的相对距离": "in [0.3, 1.3]"},
    expect={"两条轨迹的最大相对差": "<= 5e-5"},
    control=[{"optimizer": "momentum"}, {"eps": 1e-3}, {"eps_inside": True}],
    knobs={
        "optimizer": ["adam", "momentum"],
        "eps": [1e-10, 1e-1],
        "eps_inside": [False, True],
    },
)
def scale_invariant(optimizer="adam", eps=1e-8, eps_inside=False, seed=0):
    """各坐标的梯度分别乘上千分之一到一千的常数，Adam 的轨迹几乎不变；前提是 ε 很小且在根号外。"""
    A, w0 = (each[0] for each in quadratics(20, True, seed))
    rng = np.random.default_rng(seed + 100)
    D = rng.permutation(np.geomspace(1e-3, 1e3, 20))  # (dim,)
    kind = EpsInside if eps_inside else Adam
    make = lambda: kind(0.01, eps=eps) if optimizer == "adam" else SGD(3e-4, 0.9)
    one, two = make(), make()
    w, u, gaps = w0, w0, []
    for _ in range(200):
        noise = rng.normal(0, 0.1, 20)
        w = w + one(A @ w + noise)
        u = u + two(D * (A @ u + noise))
        gaps.append(w - u)
    return {
        "走过的相对距离": np.linalg.norm(u - w0) / np.linalg.norm(w0),
        "两条轨迹的最大相对差": np.linalg.norm(gaps, axis=1).max() / np.linalg.norm(w0),
    }


@claim(
    guard={"对齐时的步数": "in [4, 500]"},
    expect={"转动后步数 / 对齐时步数": "in [5, 45]"},
    control=[{"optimizer": "momentum"}, {"kappa": 10}],
    knobs={"optimizer": ["adam", "momentum"], "kappa": [2, 10000]},
)
def adapts_to_axes_only(optimizer="adam", kappa=5000, seed=0):
    """把病态二次函数的主轴转离坐标轴，调好学习率的 Adam 仍慢好几倍；动量 SGD 的步数不变。"""
    aligned = fewest_steps(optimizer, *quadratics(kappa, False, seed), tol=0.1)
    rotated = fewest_steps(optimizer, *quadratics(kappa, True, seed), tol=0.1)
    return {"对齐时的步数": aligned, "转动后步数 / 对齐时步数": rotated / aligned}


@claim(
    guard={"动量 SGD 的步数": "in [10, 2000]"},
    expect={"Adam 步数 / 动量 SGD 步数": "in [1.5, 4.1]"},
    control={"rotated": False},
    knobs={"rotated": [True, False], "kappa": [10, 10000]},
)
def not_always_faster(rotated=True, kappa=1000, seed=0):
    """“Adam 总比 SGD 快”不对：主轴不沿坐标轴的病态二次函数上，各自调好学习率，动量 SGD 更快。"""
    A, w0 = quadratics(kappa, rotated, seed)
    momentum = fewest_steps("momentum", A, w0, tol=0.03)
    adam = fewest_steps("adam", A, w0, tol=0.03)
    return {"动量 SGD 的步数": momentum, "Adam 步数 / 动量 SGD 步数": adam / momentum}


@claim(
    guard={"起点到最优点的平均距离": "in [0.5, 1.8]"},
    expect={"终点离最差点的距离": "<= 0.1"},
    control=[{"amsgrad": True}, {"beta2": 0.999}, {"optimizer": "sgd"}],
    knobs={"optimizer": ["adam", "sgd"], "beta2": [0.05, 0.999], "amsgrad": [False, True]},
)
def can_fail_to_converge(optimizer="adam", beta2=0.1, amsgrad=False, seed=0):
    """Reddi 等人的人造反例：每三步的和是 x，最优在 -1，β2 很小的 Adam 却停在最差的 +1。"""
    x = start = np.random.default_rng(seed).uniform(-1, 1, 20)
    C, path = 3.0, []
    kind = AMSGrad if amsgrad else Adam
    opt = SGD() if optimizer == "sgd" else kind(beta1=0.0, beta2=beta2)
    for t in range(1, 301):
        g = np.full(20, C if t % 3 == 1 else -1.0)  # f_t(x) = Cx 或 -x
        x = np.clip(x + opt(g) / (2 * np.sqrt(t)), -1, 1)  # 投影回 [-1, 1]
        path.append(x[0])
    return {
        "起点到最优点的平均距离": np.mean(start + 1),
        "终点离最差点的距离": np.abs(x - 1).max(),
        "轨迹": line(path, x_label="步", y_label="x", rules={"最差": 1, "最优": -1}),
    }


@claim(
    guard={"小梯度组衰减的对数": "in [0.9, 1.1]"},
    expect={"大梯度组衰减 / 小梯度组": "in [0.07, 0.15]"},
    control=[{"decoupled": True}, {"optimizer": "sgd"}],
    knobs={"decoupled": [False, True], "optimizer": ["adam", "sgd"]},
)
def l2_is_not_decay(optimizer="adam", decoupled=False, seed=0):
    """L2 加进 Adam 的梯度后，梯度大 10 倍的坐标衰减得慢约 10 倍；解耦的衰减则一样快。"""
    rng = np.random.default_rng(seed)
    scale = np.array([[1.0], [10.0]])  # 两组坐标，纯噪声梯度的大小差 10 倍
    w = np.ones((2, 2000))
    lr, decay = 0.01, 0.2
    opt = Adam(lr) if optimizer == "adam" else SGD(lr)
    for _ in range(500):
        g = scale * rng.normal(size=(2, 2000))
        # 解耦（AdamW）：衰减不经过 m、v；否则当作 L2 项加进梯度
        w = w + (opt(g) - lr * decay * w if decoupled else opt(g + decay * w))
    small, large = -np.log(w.mean(1))
    return {"小梯度组衰减的对数": small, "大梯度组衰减 / 小梯度组": large / small}


def wilson_data(n, rng):
    """Wilson 等 (2017) §3：只有特征 1 可靠，2、3 恒为 1，其余各样本独占，正类 1 个、负类 5 个。"""
    y = np.where(rng.permutation(n) < 0.7 * n, 1, -1)
    own = np.repeat(np.eye(n), np.where(y > 0, 1, 5), axis=1)
    return np.column_stack([y, np.ones((n, 2)), own]), y


@claim(
    guard={"各学习率中最大的训练损失": "<= 1e-6", "正类的比例": "in [0.69, 0.71]"},
    expect={
        "各学习率中最好的测试正确率": "in [0.4, 0.6]",
        "解与 sign(Xᵀy) 的余弦": "in [0.999, 1.001]",
    },
    control={"optimizer": "sgd"},
    knobs={"optimizer": ["adam", "sgd"]},
)
def can_generalize_worse(optimizer="adam", seed=0):
    """人造数据：训练损失同样降到零附近，Adam 的解在新样本上等于瞎猜，SGD 的解全对。"""
    rng = np.random.default_rng(seed)
    X, y = wilson_data(30, rng)
    y_new = np.array([1, -1])  # 独占的特征训练时没见过，新样本只有正负两种
    loss, test = [], []
    for lr in (0.003, 0.01, 0.03) if optimizer == "adam" else (0.1, 0.3, 0.5):
        opt = Adam(lr) if optimizer == "adam" else SGD(lr)
        w = np.zeros(X.shape[1])
        for _ in range(250):
            w = w + opt(X.T @ (X @ w - y) / len(y))
        loss.append(np.mean((X @ w - y) ** 2))  # w = 0 时为 1
        test.append(np.mean(np.sign(y_new * w[0] + w[1] + w[2]) == y_new))
    sign = np.sign(X.T @ y)
    return {
        "各学习率中最大的训练损失": max(loss),
        "正类的比例": np.mean(y > 0),
        "各学习率中最好的测试正确率": max(test),
        "解与 sign(Xᵀy) 的余弦": w @ sign / np.linalg.norm(w) / np.linalg.norm(sign),
    }
