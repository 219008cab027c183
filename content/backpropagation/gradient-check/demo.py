"""梯度检查：差分用哪种、步子多大、什么时候误报、什么样的错会漏掉。"""

import numpy as np

from quizdl.proof import claim, line

N, BATCH = 5, 8  # 三个 (N, N) 的权重，没有偏置：共 75 个参数

ACTIVATIONS = {  # 激活函数与导数，都以净输入 z 为自变量
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
}


def problem(seed, batch=BATCH):
    """参数 (75,)，输入与目标 (batch, N)，以及还没用过的随机数。"""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=3 * N * N) / np.sqrt(N)
    return theta, *rng.normal(size=(2, batch, N)), rng


def losses(thetas, x, y, act="tanh", mask=1.0, square=np.square):
    """许多组参数 (m, 75) 各自的均方误差 (m,)；mask 是 dropout 的掩码。"""
    W = thetas.reshape(-1, 3, N, N)
    phi, h = ACTIVATIONS[act][0], x
    for layer in range(2):
        h = phi(h @ W[:, layer]) * mask  # (m, batch, N)
    return square(h @ W[:, 2] - y).mean(axis=(1, 2))


def backprop(theta, x, y, act="tanh", mask=1.0, bug="none"):
    """一组参数的梯度 (75,)。"""
    W = theta.reshape(3, N, N)
    phi, slope = ACTIVATIONS[act]
    hs, zs = [x], []
    for layer in range(2):
        zs.append(hs[-1] @ W[layer])
        hs.append(phi(zs[-1]) * mask)
    delta, grads = 2 * (hs[-1] @ W[2] - y) / y.size, []
    for layer in (2, 1, 0):
        dW = hs[layer].T @ delta
        grads.insert(0, dW.T if bug == "transposed" else dW)
        dh = delta @ W[layer].T
        if layer > 0:
            delta = dh * mask * (1.0 if bug == "no_slope" else slope(zs[layer - 1]))
    return np.ravel(grads)


def difference(f, theta, V, h, scheme="central"):
    """沿 V 的每一行 (m, 75)，f 的方向导数 (m,)。"""
    if scheme == "complex":  # f(θ + ihv) 的虚部是 h f'，没有相减
        return f(theta + 1j * h * V).imag / h
    if scheme == "one_sided":
        return (f(theta + h * V) - f(theta)) / h
    return (f(theta + h * V) - f(theta - h * V)) / (2 * h)


def rms(a):
    return np.sqrt(np.mean(np.square(a)))


def relative(error, true):
    """整个向量的相对误差：个别接近 0 的分量不会误报。"""
    return rms(error) / rms(true)


def errors(scheme, hs, seed, dtype="float64"):
    """各个 h 的相对误差，对 20 个随机的单位方向取均方根。"""
    theta, x, y, rng = problem(seed)
    V = rng.normal(size=(20, theta.size))
    V = V / np.linalg.norm(V, axis=1, keepdims=True)
    true = V @ backprop(theta, x, y)
    theta, x, y, V = (each.astype(dtype) for each in (theta, x, y, V))
    f = lambda thetas: losses(thetas, x, y)
    found = [difference(f, theta, V, np.asarray(h, dtype), scheme) for h in hs]
    return np.array([relative(each - true, true) for each in found])


@claim(
    guard={"最大的相对误差": "in [1e-7, 0.5]"},
    expect={"误差对 h 的斜率": "in [1.9, 2.1]"},
    control={"scheme": "one_sided"},
    knobs={"scheme": ["central", "one_sided"]},
)
def central_is_second_order(scheme="central", seed=0):
    """中心差分的误差是 O(h²)：h 从 0.1 到 0.001，双对数图上斜率是 2"""
    hs = np.geomspace(0.1, 0.001, 9)
    error = errors(scheme, hs, seed)
    return {
        "最大的相对误差": error.max(),
        "误差对 h 的斜率": np.polyfit(np.log(hs), np.log(error), 1)[0],
        "误差": line({scheme: (hs, error)}, x_label="h", log_x=True, log_y=True),
    }


@claim(
    guard={"最小的相对误差": "<= 1e-3"},
    expect={
        "最好的 h": "in [2e-6, 5e-5]",
        "h 再大 100 倍的误差 / 最小": ">= 300",
        "h 再小 10000 倍的误差 / 最小": ">= 300",
    },
    control=[{"dtype": "float32"}, {"scheme": "one_sided"}, {"scheme": "complex"}],
    knobs={"scheme": ["central", "one_sided", "complex"], "dtype": ["float64", "float32"]},
)
def error_is_u_shaped(scheme="central", dtype="float64", seed=0):
    """双精度中心差分：h 在 1e-5 附近最准，太大有截断误差，太小有舍入误差"""
    hs = 10.0 ** -np.arange(0.5, 14.1, 0.5)  # 相邻相差 √10 倍
    error = errors(scheme, hs, seed, dtype)
    best = hs[error.argmin()]
    larger, smaller = errors(scheme, [100 * best, best / 10_000], seed, dtype)
    return {
        "最小的相对误差": error.min(),
        "最好的 h": best,
        "h 再大 100 倍的误差 / 最小": larger / error.min(),
        "h 再小 10000 倍的误差 / 最小": smaller / error.min(),
        "误差": line({scheme: (hs, error)}, x_label="h", log_x=True, log_y=True),
    }


@claim(
    guard={"符号变了的参数占比": "in [0.02, 0.9]"},
    expect={"符号变了的误差 / 梯度": ">= 1e-4", "符号变了的误差 / 没变的": ">= 1e6"},
    control={"act": "tanh"},
    knobs={"act": ["relu", "tanh"], "h": [1e-4, 1e-2]},
)
def kinks_raise_false_alarms(act="relu", h=5e-3, seed=0):
    """ReLU 网络：±h 之间有净输入变号（跨过折点），正确的梯度也会对不上"""
    theta, x, y, _ = problem(seed, batch=200)
    V = np.eye(theta.size)  # 逐个参数
    f = lambda thetas: losses(thetas, x, y, act)
    true = backprop(theta, x, y, act)
    error = difference(f, theta, V, h) - true

    def signs(thetas):  # 每组参数下所有净输入的正负，(75, batch, 2N)
        W = thetas.reshape(-1, 3, N, N)
        first = x @ W[:, 0]
        return np.concatenate([first, ACTIVATIONS[act][0](first) @ W[:, 1]], axis=2) > 0

    crossed = (signs(theta + h * V) != signs(theta - h * V)).any(axis=(1, 2))
    return {
        "符号变了的参数占比": crossed.mean(),
        "符号变了的误差 / 梯度": relative(error[crossed], true),
        "符号变了的误差 / 没变的": relative(error[crossed], error[~crossed]),
    }


@claim(
    guard={"正确时相对误差的中位数": "<= 3e-4"},
    expect={"查出的比例": ">= 0.95"},
    control=[{"direction": "ones"}, {"scale": 0.01}],
    knobs={"direction": ["random", "ones"], "scale": [0.001, 1.0]},
)
def two_evaluations_suffice(direction="random", scale=1.0, seed=0):
    """沿一个随机方向、只算两次损失，就能查出转置错与漏乘导数"""
    theta, x, y, rng = problem(seed)
    theta, V = scale * theta, rng.normal(size=(100, theta.size))  # 100 次互不相干的检查
    if direction == "ones":  # 只核对梯度各分量之和
        V = np.ones((100, theta.size))
    numeric = difference(lambda thetas: losses(thetas, x, y), theta, V, 1e-5)

    def mismatch(bug):
        along = V @ backprop(theta, x, y, bug=bug)
        return np.abs(along - numeric) / np.maximum(np.abs(along), np.abs(numeric))

    return {
        "正确时相对误差的中位数": np.median(mismatch("none")),
        "查出的比例": min((mismatch(bug) > 1e-3).mean() for bug in ("transposed", "no_slope")),
    }


@claim(
    guard={"正确时的相对误差": "<= 1e-2"},
    expect={"漏项时的相对误差": "in [1e-6, 1e-5]", "漏项 / 正确时的误差": ">= 1000"},
    control=[{"decay": 1e-3}, {"h": 0.03}],
    knobs={"decay": [1e-8, 1e-2], "h": [1e-7, 0.1]},
)
def small_terms_escape(decay=5e-7, h=1e-5, seed=0):
    """漏掉系数 5e-7 的权重惩罚：低于 1e-5 的门槛，却比正确时的误差大一千倍"""
    theta, x, y, _ = problem(seed)
    f = lambda thetas: losses(thetas, x, y) + decay / 2 * (thetas**2).sum(axis=1)
    numeric = difference(f, theta, np.eye(theta.size), h)
    gap = backprop(theta, x, y) - numeric  # 漏了惩罚项
    right = relative(gap + decay * theta, numeric)
    return {
        "正确时的相对误差": right,
        "漏项时的相对误差": relative(gap, numeric),
        "漏项 / 正确时的误差": relative(gap, numeric) / right,
    }


KEEP = 0.7


@claim(
    guard={"掩码的平均值": "in [0.9, 1.1]", "固定掩码时的相对误差": "<= 1e-6"},
    expect={"误差 / 梯度": "in [1000, 50000]", "h 缩小十倍误差的倍数": "in [5, 20]"},
    control={"masks": "frozen"},
    knobs={"masks": ["fresh", "frozen"]},
)
def freeze_the_dice(masks="fresh", seed=0):
    """dropout 每次前向都换掩码：差分里全是噪声，h 越小越糟"""
    theta, x, y, rng = problem(seed)
    V, draw = np.eye(theta.size), lambda m: (rng.random((m, BATCH, N)) < KEEP) / KEEP
    fixed = draw(1)
    fresh = lambda thetas: losses(thetas, x, y, mask=draw(len(thetas)))  # 每组参数各抽一张
    same = lambda thetas: losses(thetas, x, y, mask=fixed)
    true = backprop(theta, x, y, mask=fixed[0])
    chosen = fresh if masks == "fresh" else same
    error = [relative(difference(chosen, theta, V, h) - true, true) for h in (1e-4, 1e-5)]
    return {
        "掩码的平均值": draw(1000).mean(),
        "固定掩码时的相对误差": relative(difference(same, theta, V, 1e-4) - true, true),
        "误差 / 梯度": error[0],
        "h 缩小十倍误差的倍数": error[1] / error[0],
    }


SQUARES = {"plain": np.square, "abs": lambda a: np.abs(a) ** 2}


@claim(
    guard={"梯度的均方根": "in [0.01, 1]"},
    expect={"相对误差": "<= 1e-13"},
    control=[{"scheme": "central"}, {"square": "abs"}],
    knobs={"scheme": ["complex", "central"], "square": ["plain", "abs"]},
)
def complex_step_is_exact(scheme="complex", square="plain", seed=0):
    """复数步：h 取 1e-30 也没有舍入误差；代码里有 abs 就不行"""
    theta, x, y, _ = problem(seed)
    f = lambda thetas: losses(thetas, x, y, square=SQUARES[square])
    true = backprop(theta, x, y)
    found = difference(f, theta, np.eye(theta.size), 1e-30, scheme)
    return {"梯度的均方根": rms(true), "相对误差": relative(found - true, true)}
