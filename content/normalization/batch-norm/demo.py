"""BatchNorm 的前向与反向：它约掉了什么，没有改变什么。"""

import numpy as np

from quizdl.proof import claim, hist, line

EPS = 1e-5


def bn_forward(x, gamma=1.0, beta=0.0, axes=(0,), eps=EPS):
    """Ioffe & Szegedy (2015) 算法 1：axes 是参与统计的轴，剩下的是通道。"""
    mean, std = x.mean(axis=axes), np.sqrt(x.var(axis=axes) + eps)  # 有偏方差，(C,)
    xhat = (x - mean) / std
    return gamma * xhat + beta, (xhat, std)


def bn_backward(dy, cache, gamma=1.0, axes=(0,), through="mean+var"):
    """均值与方差也是 x 的函数：各减去一项。"""
    xhat, std = cache
    dxhat = dy * gamma
    dx = dxhat.copy()
    if through != "nothing":  # 经过均值的一路
        dx -= dxhat.mean(axis=axes)
    if through == "mean+var":  # 经过方差的一路
        dx -= xhat * (dxhat * xhat).mean(axis=axes)
    return dx / std, (dy * xhat).sum(axis=axes), dy.sum(axis=axes)


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@claim(
    guard={"|γ| 的最小值": "in [0.5, 2]", "梯度范数 / 上游范数": "in [0.6, 2.1]"},
    expect={"dx、dγ、dβ 的最大相对误差": "<= 1e-7"},
    control=[{"through": "mean"}, {"through": "nothing"}],
    knobs={"through": ["mean+var", "mean", "nothing"], "eps": [1e-8, 1.0]},
)
def gradient_goes_through_statistics(through="mean+var", eps=1e-5, seed=0):
    """卷积的 BN：完整的反向与中心差分一致，把批方差或两者当常数就不对"""
    rng = np.random.default_rng(seed)
    axes = (0, 1, 2)  # (N, H, W, C)：每个通道统计 N·H·W 个数
    x, R = rng.normal(size=(2, 4, 3, 3, 5))
    gamma, beta = rng.uniform(0.5, 2, 5), rng.normal(size=5)

    def loss(x, gamma, beta):
        y, _ = bn_forward(x, gamma, beta, axes, eps)
        return (R * y**2).sum() / 2

    def numeric(values, place, h=1e-5):
        """place(v) 是把 values 换成 v 之后的损失。"""
        grad = np.zeros(values.shape)
        for i in np.ndindex(values.shape):
            step = np.zeros(values.shape)
            step[i] = h
            grad[i] = (place(values + step) - place(values - step)) / (2 * h)
        return grad

    y, cache = bn_forward(x, gamma, beta, axes, eps)
    dx, dgamma, dbeta = bn_backward(R * y, cache, gamma, axes, through)
    dx_true = numeric(x, lambda v: loss(v, gamma, beta))
    pairs = [
        (dx, dx_true),
        (dgamma, numeric(gamma, lambda v: loss(x, v, beta))),
        (dbeta, numeric(beta, lambda v: loss(x, gamma, v))),
    ]
    return {
        "|γ| 的最小值": gamma.min(),
        "梯度范数 / 上游范数": np.linalg.norm(dx_true) / np.linalg.norm(R * y),
        "dx、dγ、dβ 的最大相对误差": max(relative(one, true) for one, true in pairs),
    }


def train(X, y, W, v, lr_W, norm, eps, steps=60, lr_v=0.02):
    """X W → BN → ReLU → v，平方损失，全批量梯度下降。

    返回各步的损失、各步对 W 的梯度范数，以及 ‖w‖² 与勾股定理所说的最大相对差（逐个神经元）。
    """
    losses, norms, off = [], [], []
    for _ in range(steps):
        z = X @ W  # (m, h)
        n, cache = bn_forward(z, eps=eps) if norm == "bn" else (z, None)
        a = np.maximum(n, 0)
        error = a @ v - y
        d_out = 2 * error / len(X)
        dn = np.outer(d_out, v) * (n > 0)
        dz = bn_backward(dn, cache)[0] if norm == "bn" else dn
        g = X.T @ dz  # (d, h)
        losses.append(np.mean(error**2))
        norms.append(np.linalg.norm(g))
        right_angle = (W**2 + (lr_W * g) ** 2).sum(axis=0)  # 正交：步后 ‖w‖² 恰好是它
        W, v = W - lr_W * g, v - lr_v * a.T @ d_out
        off.append(np.abs((W**2).sum(axis=0) / right_angle - 1).max())
    return np.array(losses), np.array(norms), max(off)


@claim(
    guard={"起点的损失": "in [0.5, 5]", "训练后的损失": "in [0.02, 0.8]"},
    expect={
        "两条损失曲线的最大相对差": "<= 1e-9",
        "步后 ‖w‖² 与勾股定理之差": "<= 1e-9",
        "梯度范数之比 × a 与 1 之差": "<= 1e-9",
    },
    control=[{"norm": "none"}, {"power": 1}, {"eps": 0.1}],
    knobs={"norm": ["bn", "none"], "power": [0, 2], "eps": [0.0, 1.0], "a": [1.5, 10.0]},
)
def weight_scale_is_learning_rate(norm="bn", a=3.0, power=2, eps=0.0, seed=0):
    """BN 前的权重放大 a 倍、学习率乘 a²，训练过程不变；梯度与权重正交，大小为 1/a"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(128, 8))
    y = np.sin(X @ rng.normal(size=8)) + X[:, 0]
    y = (y - y.mean()) / y.std()  # 猜均值的损失是 1
    W, v = rng.normal(size=(8, 16)) / np.sqrt(8), rng.normal(size=16) / 4
    lr = 0.05
    one, g, off = train(X, y, W, v, lr, norm, eps)
    two, g_scaled, _ = train(X, y, a * W, v, lr * a**power, norm, eps)
    return {
        "起点的损失": one[0],
        "训练后的损失": one[-1],
        "两条损失曲线的最大相对差": np.abs(two / one - 1).max(),
        "步后 ‖w‖² 与勾股定理之差": off,
        "梯度范数之比 × a 与 1 之差": np.abs(g_scaled / g * a - 1).max(),
        "损失": line({"1": one, "a": two}, x_label="步", log_y=True),
    }


def kurtosis(x):
    return np.mean((x - x.mean()) ** 4) / x.var() ** 2  # 正态为 3


@claim(
    guard={"输出均值的绝对值": "<= 1e-9", "输出方差": "in [0.999, 1]"},
    expect={
        "|x̂| < 0.5 的比例": "in [0.002, 0.015]",
        "输出的峰度": "in [1.12, 1.18]",
        "峰度的相对变化": "<= 1e-9",
    },
    control=[{"fan_in": 64}, {"method": "gaussianize"}],
    knobs={"fan_in": [1, 256], "method": ["bn", "gaussianize"]},
)
def shape_is_kept(fan_in=1, method="bn", seed=0):
    """双峰的输入过了 BN 仍是双峰；像正态的，是因为前一层的扇入大"""
    rng = np.random.default_rng(seed)
    x = rng.choice([-1, 1], (4000, fan_in))
    z = rng.normal(5 * x.sum(axis=1), 1)  # 扇入为 1：两头都在 sigmoid 的饱和区
    if method == "bn":
        xhat, _ = bn_forward(z)
    else:  # 真正变成正态：第 k 小的换成正态样本里第 k 小的，再标准化
        normal = np.sort(rng.normal(0, 1, 4000))[z.argsort().argsort()]
        xhat, _ = bn_forward(normal)
    return {
        "输出均值的绝对值": np.abs(xhat.mean()),
        "输出方差": xhat.var(),
        "|x̂| < 0.5 的比例": np.mean(np.abs(xhat) < 0.5),  # 正态为 0.38
        "输出的峰度": kurtosis(xhat),
        "峰度的相对变化": np.abs(kurtosis(xhat) / kurtosis(z) - 1),
        "分布": hist(xhat, x_label="归一化之后的值", y_label="个数"),
    }


def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2


@claim(
    guard={"BN 之前 σ' 的平均值": "in [0.04, 0.06]"},
    expect={"σ' 的平均值": "in [0.2, 0.213]", "激活函数的线性 R²": "in [0.975, 0.99]"},
    control=[{"norm": "none"}, {"gamma": 10.0}, {"act": "relu"}],
    knobs={"norm": ["bn", "none"], "gamma": [0.1, 20.0], "act": ["sigmoid", "relu"]},
)
def sensitive_zone_is_linear_zone(norm="bn", gamma=1.0, act="sigmoid", seed=0):
    """BN 把饱和的 sigmoid 拉回敏感区，那里 98% 是线性的；γ 放大十倍又饱和"""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(2000, 64)) @ rng.normal(size=(64, 8))  # 标准差约 8
    n = bn_forward(z, gamma)[0] if norm == "bn" else z
    phi = {"sigmoid": sigmoid, "relu": lambda z: np.maximum(z, 0)}[act]
    return {
        "BN 之前 σ' 的平均值": (sigmoid(z) * sigmoid(-z)).mean(),
        "σ' 的平均值": (sigmoid(n) * sigmoid(-n)).mean(),
        "激活函数的线性 R²": np.mean([np.corrcoef([c, phi(c)])[0, 1] ** 2 for c in n.T]),
        "一个神经元的激活值": hist(phi(n)[:, 0], x_label="激活值", y_label="个数"),
    }


def deep(seed, act, norm, gain, depth, n):
    """无跳连的深网络：各层 ‖∂L/∂h‖ (depth + 1,)，各层 φ' 的平均值。L = <G, h_末>。"""
    rng = np.random.default_rng(seed)
    phi, dphi = {
        "sigmoid": (sigmoid, lambda z: sigmoid(z) * sigmoid(-z)),
        "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
        "linear": (lambda z: z, np.ones_like),
    }[act]
    h, G = rng.normal(size=(2, n, n))  # (batch, n)
    saved = []
    for _ in range(depth):
        W = gain / np.sqrt(n) * rng.normal(size=(n, n))
        z, cache = h @ W, None
        if norm == "bn":
            z, cache = bn_forward(z)
        elif norm == "centre":  # 只减均值，不除标准差
            z = z - z.mean(axis=0)
            cache = np.zeros_like(z), 1.0  # 反向只剩均值那一路
        h = phi(z)
        saved.append((W, cache, dphi(z)))
    norms = [np.linalg.norm(G)]
    for W, cache, slope in reversed(saved):
        dz = G * slope
        if cache:
            dz = bn_backward(dz, cache)[0]
        G = dz @ W.T
        norms.append(np.linalg.norm(G))
    return np.array(norms[::-1]), np.array([slope.mean() for *_, slope in saved])


def per_layer(norms):
    """每退一层梯度范数的倍数：ln 范数对层数的斜率。"""
    return np.exp(-np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0])


@claim(
    guard={"不做 BN 时 σ' 的平均值": "in [0.225, 0.24]", "不做 BN 时每层的倍数": "in [0.2, 0.3]"},
    expect={"σ' 之比 做 / 不做": "in [0.85, 0.92]", "每退一层梯度的倍数": "in [0.9, 1.1]"},
    control=[{"norm": "centre"}, {"norm": "none"}],
    knobs={"norm": ["bn", "centre", "none"], "depth": [5, 40]},
)
def rescaling_saves_gradient(norm="bn", depth=15, seed=0):
    """没有饱和的 sigmoid 网络照样梯度消失；BN 救它靠除以标准差，不靠让 σ' 变大"""
    plain, slopes = deep(seed, "sigmoid", "none", 1.0, depth, 64)
    norms, bn_slopes = deep(seed, "sigmoid", norm, 1.0, depth, 64)
    return {
        "不做 BN 时 σ' 的平均值": slopes.mean(),
        "不做 BN 时每层的倍数": per_layer(plain),
        "σ' 之比 做 / 不做": bn_slopes.mean() / slopes.mean(),
        "每退一层梯度的倍数": per_layer(norms),
        "各层的梯度": line({"无": plain, norm: norms}, x_label="层（0 是输入）", log_y=True),
    }


@claim(
    guard={"各层梯度的最小 / 最大": "in [0.05, 1]"},
    expect={
        "每退一层梯度平方的倍数": "in [1.33, 1.55]",
        "权重缩到十分之一后的倍数": "in [1.33, 1.55]",
    },
    control=[{"act": "linear"}, {"norm": "none"}],
    knobs={"act": ["relu", "linear", "sigmoid"], "norm": ["bn", "none"], "depth": [5, 40]},
)
def explodes_with_depth(act="relu", norm="bn", depth=12, seed=0):
    """无跳连的 BN + ReLU 网络：梯度平方每退一层约乘 π/(π−1)，与权重的尺度无关"""
    he = np.sqrt(2) if act == "relu" else 1.0
    norms, _ = deep(seed, act, norm, he, depth, 128)
    small, _ = deep(seed, act, norm, he / 10, depth, 128)
    return {
        "各层梯度的最小 / 最大": norms.min() / norms.max(),
        "每退一层梯度平方的倍数": per_layer(norms) ** 2,
        "权重缩到十分之一后的倍数": per_layer(small) ** 2,
        "各层的梯度": line({norm: norms}, x_label="层（0 是输入）", log_y=True),
    }


@claim(
    guard={"归一化前后的相对差": "in [0.55, 0.7]"},
    expect={"还原的相对误差": "<= 1e-12"},
    control=[{"gamma": "sqrt(var)"}, {"gamma": "one"}, {"beta": "zero"}],
    knobs={"gamma": ["sqrt(var+eps)", "sqrt(var)", "one"], "beta": ["mean", "zero"]},
)
def gamma_beta_can_undo(gamma="sqrt(var+eps)", beta="mean", seed=0):
    """γ 取 √(σ² + ε)、β 取 μ，BN 恰好是恒等映射；γ 里少了 ε 就只是近似"""
    x = np.random.default_rng(seed).normal(1, 2, (64, 16))
    scale = {
        "sqrt(var+eps)": np.sqrt(x.var(axis=0) + EPS),
        "sqrt(var)": x.std(axis=0),
        "one": np.ones(16),
    }[gamma]
    shift = {"mean": x.mean(axis=0), "zero": np.zeros(16)}[beta]
    return {
        "归一化前后的相对差": relative(bn_forward(x)[0], x),
        "还原的相对误差": relative(bn_forward(x, scale, shift)[0], x),
    }
