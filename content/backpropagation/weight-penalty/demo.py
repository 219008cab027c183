"""权重惩罚：它压的是权重，不是梯度；压得多快，能不能管住爆炸，代价是什么。"""

import numpy as np

from quizdl.proof import claim, line


def rms(a):
    return np.sqrt(np.mean(np.abs(a) ** 2))


def penalty_gradient(w, kind, alpha):
    """α‖w‖² 或 α‖w‖₁ 的（次）梯度。"""
    return 2 * alpha * w if kind == "l2" else alpha * np.sign(w)


@claim(
    guard={"拟合的相对误差": "in [0.001, 0.05]", "起点在无数据方向上的长度": ">= 0.5"},
    expect={"与 (1 − 2αη)ᵗ 的相对偏差": "<= 1e-9"},
    control={"kind": "l1"},
    knobs={"kind": ["l2", "l1"], "alpha": [0.0, 0.1]},
)
def decay_is_geometric(kind="l2", alpha=0.01, seed=0):
    """没有数据约束的方向上，L2 每步恰好乘 1 − 2αη；换成 L1 就不是"""
    rng, lr, steps = np.random.default_rng(seed), 0.1, 200
    Q = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    free, X = Q[:, 6:], rng.normal(size=(40, 6)) @ Q[:, :6].T  # 数据只张成 6 维
    y, w0 = X @ rng.normal(size=10), rng.normal(size=10)
    w, path = w0, []
    for _ in range(steps):
        w = w - lr * (2 * X.T @ (X @ w - y) / 40 + penalty_gradient(w, kind, alpha))
        path.append(np.linalg.norm(w @ free) / np.linalg.norm(w0 @ free))
    return {
        "拟合的相对误差": rms(X @ w - y) / rms(y),
        "起点在无数据方向上的长度": np.linalg.norm(w0 @ free),
        "与 (1 − 2αη)ᵗ 的相对偏差": abs(path[-1] / (1 - 2 * alpha * lr) ** steps - 1),
        "剩下的比例": line(path, x_label="步", log_y=True),
    }


def he_net(seed, gain, depth, n=32):
    """gain × He 初始化的权重 (depth, n, n)；输入与输出端的梯度 (batch, n)。"""
    rng = np.random.default_rng(seed)
    W = gain * np.sqrt(2 / n) * rng.normal(size=(depth, n, n))
    x, G = rng.normal(size=(2, n, n))
    return W, x, G / np.linalg.norm(G)


def backprop(W, x, G):
    """ReLU 网络，L = <G, h_末>：各层权重的梯度 (depth, n, n)，输入处的梯度，L。"""
    hs, grads = [x], []
    for each in W:
        hs.append(np.maximum(hs[-1] @ each, 0))
    loss = (G * hs[-1]).sum()
    for each, h_in, h_out in zip(W[::-1], hs[-2::-1], hs[:0:-1], strict=True):
        G = G * (h_out > 0)
        grads.append(h_in.T @ G)
        G = G @ each.T
    return np.array(grads[::-1]), G, loss


def cosine(a, b):
    return np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b)


@claim(
    guard={"正常时输入处的梯度": "in [0.1, 10]", "各层 <梯度, W> 与损失的相对差": "<= 1e-9"},
    expect={
        "权重平方和 / 正常时": "in [2.2, 2.3]",
        "输入处的梯度 / 正常时": "in [3000, 3700]",
        "加上惩罚后梯度的余弦": "in [0.999, 1.001]",
    },
    control=[{"depth": 4}, {"gain": 0.5}],
    knobs={"depth": [2, 25], "gain": [0.5, 2.0], "alpha": [0.0, 0.1]},
)
def norm_hardly_shows_explosion(depth=20, gain=1.5, alpha=0.01, seed=0):
    """二十层 ReLU 网络：权重平方和只多一倍多，梯度已放大上千倍，惩罚的梯度微不足道"""
    W, x, G = he_net(seed, gain, depth)
    normal, _, _ = he_net(seed, 1.0, depth)
    grads, first, loss = backprop(W, x, G)
    _, healthy, _ = backprop(normal, x, G)
    along = (grads * W).sum(axis=(1, 2))  # 损失对每层权重都是一次齐次的，<∂L/∂W, W> = L
    return {
        "正常时输入处的梯度": np.linalg.norm(healthy),
        "各层 <梯度, W> 与损失的相对差": np.abs(along / loss - 1).max(),
        "权重平方和 / 正常时": (W**2).sum() / (normal**2).sum(),
        "输入处的梯度 / 正常时": np.linalg.norm(first) / np.linalg.norm(healthy),
        "加上惩罚后梯度的余弦": cosine(grads, grads + penalty_gradient(W, "l2", alpha)),
    }


@claim(
    guard={"开始时 首端 / 末端梯度": "in [1e5, 1e7]"},
    expect={
        "之后 首端 / 末端梯度": "in [1e-11, 1e-8]",
        "之后各层奇异值的最大者": "in [0.999, 1.001]",
    },
    control={"method": "decay"},
    knobs={"method": ["spectral", "decay"], "steps": [1, 5000]},
)
def spectral_norm_acts_at_once(method="spectral", steps=1000, seed=0):
    """除以谱范数，一次就不再爆炸；α = 1e-4、η = 0.1 的惩罚走一千步还差得远"""
    W, x, G = he_net(seed, 2.0, 20)  # ‖G‖ = 1
    after = W
    if method == "spectral":
        after = W / np.linalg.norm(W, 2, axis=(1, 2), keepdims=True)
    else:
        for _ in range(steps):
            after = after - 0.1 * penalty_gradient(after, "l2", 1e-4)
    (_, first, _), (_, first_after, _) = backprop(W, x, G), backprop(after, x, G)
    return {
        "开始时 首端 / 末端梯度": np.linalg.norm(first),
        "之后 首端 / 末端梯度": np.linalg.norm(first_after),
        "之后各层奇异值的最大者": np.linalg.norm(after, 2, axis=(1, 2)).max(),
    }


@claim(
    guard={"起点的误差": "<= 1e-9", "平衡式的残差": "<= 1e-3"},
    expect={"走完后的误差": "in [0.95, 1.05]", "循环权重的最大奇异值": "<= 0.01"},
    control=[{"alpha": 2.0}, {"alpha": 0.01}],
    knobs={"alpha": [0.0, 6.0], "T": [4, 14]},
)
def strong_penalty_erases_memory(alpha=4.0, T=10, seed=0):
    """线性 RNN 要保持十步的记忆，奇异值须是 1：惩罚太强，循环权重缩到 0，什么也不记得"""
    n = 4
    R = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    target, W, path = np.linalg.matrix_power(R, T), R, []  # 从完美的解出发
    for _ in range(400):
        powers = [np.eye(n)]
        for _ in range(T):
            powers.append(powers[-1] @ W)
        E = powers[T] - target
        path.append((E**2).sum() / n)  # 白噪声输入下每个分量的均方误差
        g = sum(2 * powers[k].T @ E @ powers[T - 1 - k].T for k in range(T))
        W = W - 0.004 * (g + penalty_gradient(W, "l2", alpha))
    s = np.linalg.norm(W, 2)  # 停下的地方：s = 0，或 T s^(T−2) (1 − s^T) = α
    return {
        "起点的误差": path[0],
        "平衡式的残差": abs(s * (alpha - T * s ** (T - 2) * (1 - s**T))),
        "走完后的误差": path[-1],
        "循环权重的最大奇异值": s,
        "误差": line(path, x_label="步", y_label="误差"),
    }


@claim(
    guard={"走一步，损失的下降 / ηg²": "in [0.6, 1.1]"},  # 一阶近似：下降约为 η‖g‖²
    expect={
        "权重减半后输出的变化": "<= 1e-9",
        "权重减半后梯度的倍数": "in [1.99, 2.01]",
        "学习率除以 4 走一步，输出之差": "<= 1e-9",
    },
    control={"norm": "none"},
    knobs={"norm": ["bn", "none"], "c": [0.2, 2.0]},
)
def bn_turns_penalty_into_rate(norm="bn", c=0.5, seed=0):
    """BN 前的权重减半：函数不变，梯度加倍，相当于学习率乘 4"""
    rng = np.random.default_rng(seed)
    x, W = rng.normal(size=(64, 8)), 0.5 * rng.normal(size=(8, 6))
    v, y = rng.normal(size=6), rng.normal(size=64)

    def output(weights):  # (..., 8, 6) → (..., 64)
        z = x @ weights
        if norm == "bn":
            z = z - z.mean(axis=-2, keepdims=True)
            z = z / np.sqrt((z**2).mean(axis=-2, keepdims=True))
        return np.tanh(z) @ v

    def loss(weights):
        return ((output(weights) - y) ** 2).mean(axis=-1)

    def gradient(weights):  # 复数步求导，没有舍入误差
        E = np.eye(W.size).reshape(-1, *W.shape)
        return (loss(weights + 1e-30j * E).imag / 1e-30).reshape(W.shape)

    lr, g = 0.01, gradient(W)
    one, two = W - lr * g, c * W - lr * c**2 * gradient(c * W)
    return {
        "走一步，损失的下降 / ηg²": (loss(W) - loss(one)) / (lr * (g**2).sum()),
        "权重减半后输出的变化": rms(output(c * W) - output(W)) / rms(output(W)),
        "权重减半后梯度的倍数": rms(gradient(c * W)) / rms(g),
        "学习率除以 4 走一步，输出之差": rms(output(two) - output(one)) / rms(output(one)),
    }


def ridge(A, y, alpha):
    return np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ y)


@claim(
    guard={"残差的标准差 / 目标的标准差": "in [0.05, 0.25]"},
    expect={"残差的均值 / 目标的均值": "in [0.111, 0.1112]"},  # α / (样本数 + α)
    control={"bias": "free"},
    knobs={"bias": ["penalized", "free"], "alpha": [0.0, 50.0]},
)
def penalized_bias_shifts(bias="penalized", alpha=5.0, seed=0):
    """连偏置一起罚，预测整体偏向 0：40 个样本、惩罚 5，残差的均值约是目标均值的九分之一"""
    rng, m = np.random.default_rng(seed), 40
    X = rng.normal(size=(m, 3))
    X = X - X.mean(axis=0)
    y = X.sum(axis=1) + 10
    if bias == "penalized":  # 偏置当成一个普通的权重，对应全 1 的特征
        A = np.column_stack([X, np.ones(m)])
        residual = y - A @ ridge(A, y, alpha)
    else:  # 偏置不受惩罚：特征已中心化，它就是目标的均值
        residual = y - y.mean() - X @ ridge(X, y - y.mean(), alpha)
    return {
        "残差的标准差 / 目标的标准差": residual.std() / y.std(),
        "残差的均值 / 目标的均值": residual.mean() / y.mean(),
    }
