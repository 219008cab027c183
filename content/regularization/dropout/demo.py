"""Dropout：丢的是单元，保持的只是期望，以及它等价于什么样的正则。"""

import numpy as np

from quizdl.proof import bar, claim, hist


def draw_mask(shape, p, rng):
    """每次前向、每个样本、每个单元独立抽：1 留下，0 丢弃，p 是丢弃概率。"""
    return rng.random(shape) >= p


def dropout(keep, p, inverted=True):
    """训练时所乘的系数：丢掉的 0；倒置写法里留下的 1/(1-p)，评估时就不必再做什么。"""
    return keep / (1 - p) if inverted else keep


def relu(z):
    return np.maximum(z, 0)


def relative_gap(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@claim(
    guard={"被丢单元占比": "in [0.28, 0.32]"},
    expect={"总和均值的相对误差": "<= 0.01", "总和标准差/理论值": "in [0.9, 1.1]"},
    control=[{"inverted": False}, {"mask": "fixed count"}],
    knobs={
        "inverted": [True, False],
        "mask": ["bernoulli", "fixed count"],
        "units": [10, 400],
    },
)
def kept_on_average(inverted=True, mask="bernoulli", units=100, seed=0):
    """乘 1/(1-p) 只保住期望：单次前向的总和照样波动，方差多出 p/(1-p)·Σx²"""
    p, rng = 0.3, np.random.default_rng(seed)
    x = rng.uniform(0.5, 1.5, units)
    shape = (2000, units)  # 同一个输入前向 2000 次
    if mask == "bernoulli":
        keep = draw_mask(shape, p, rng)
    else:  # 每次恰好丢掉 p·units 个
        keep = rng.random(shape).argsort(axis=1) >= p * units
    Y = x * dropout(keep, p, inverted)
    total = Y.sum(axis=1)  # (2000,)
    return {
        "被丢单元占比": np.mean(Y == 0),
        "总和均值的相对误差": abs(total.mean() / x.sum() - 1),
        "总和标准差/理论值": total.std() / np.sqrt(p / (1 - p) * np.sum(x**2)),
        "2000 次前向": hist(total / x.sum(), x_label="总和 / 不丢时的总和", y_label="次数"),
    }


def masked_net(W1, W2, x, keep, drop):
    """x -> tanh 隐层 -> 丢弃 -> 线性输出；返回隐层、留下的隐层、有效权重、输出。"""
    h, scale = np.tanh(x @ W1), dropout(keep, 0.3)  # h: (1, hidden)
    if drop == "units":
        kept, W = h * scale, W2  # keep: (1, hidden)
    else:  # DropConnect：逐条连接
        kept, W = h, W2 * scale  # keep: (hidden, out)
    return h, kept, W, kept @ W


def masked_grads(W1, W2, x, y, keep, back, drop):
    """½‖输出 - y‖² 的反向传播：前向用掩码 keep，反向用掩码 back。"""
    *_, out = masked_net(W1, W2, x, keep, drop)
    delta = out - y  # (1, out)
    h, kept, W, _ = masked_net(W1, W2, x, back, drop)
    dW2, d_h = kept.T @ delta, delta @ W.T
    if drop == "units":
        d_h = d_h * dropout(back, 0.3)
    else:
        dW2 = dW2 * dropout(back, 0.3)
    return x.T @ (d_h * (1 - h**2)), dW2


def central_difference(loss, W, eps=1e-5):
    grad = np.zeros_like(W)
    for index in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[index] = eps
        grad[index] = (loss(W + step) - loss(W - step)) / (2 * eps)
    return grad


@claim(
    guard={"梯度为零的出边占比": "in [0.05, 0.6]"},
    expect={"与中心差分的最大误差": "<= 1e-6", "出边部分为零的单元": "== 0"},
    control=[{"backward": "fresh"}, {"drop": "connections"}],
    knobs={"backward": ["same", "fresh"], "drop": ["units", "connections"]},
)
def same_mask(backward="same", drop="units", seed=0):
    """反向复用前向的掩码；掩码逐单元，被丢单元的出边梯度整行为零"""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(1, 5)), rng.normal(size=(1, 6))
    W1, W2 = rng.normal(size=(5, 24)), rng.normal(size=(24, 6))
    shape = (1, 24) if drop == "units" else W2.shape
    keep, other = draw_mask((2, *shape), 0.3, rng)
    back = keep if backward == "same" else other
    dW1, dW2 = masked_grads(W1, W2, x, y, keep, back, drop)

    def loss(U1, U2):
        return np.sum((masked_net(U1, U2, x, keep, drop)[-1] - y) ** 2) / 2

    exact1 = central_difference(lambda U: loss(U, W2), W1)
    exact2 = central_difference(lambda U: loss(W1, U), W2)
    zero = np.mean(exact2 == 0, axis=1)  # 每个隐层单元的出边里梯度为零的比例
    return {
        "梯度为零的出边占比": zero.mean(),
        "与中心差分的最大误差": max(np.abs(dW1 - exact1).max(), np.abs(dW2 - exact2).max()),
        "出边部分为零的单元": np.sum((zero > 0) & (zero < 1)),
    }


def all_masks(units):
    """全部 2^units 张掩码。"""
    return (np.arange(2**units)[:, None] >> np.arange(units)) & 1  # (2^units, units)


@claim(
    guard={"掩码带来的相对波动": "in [0.3, 3.3]"},
    expect={"评估输出与平均的相对差": "in [0.05, 0.5]"},
    control=[{"place": "hidden"}, {"activation": "linear"}],
    knobs={"place": ["inputs", "hidden"], "activation": ["relu", "tanh", "linear"]},
)
def scaling_is_approximate(place="inputs", activation="relu", seed=0):
    """丢弃之后还要过非线性，评估时的一次前向就不等于对掩码取平均"""
    rng = np.random.default_rng(seed)
    act = {"relu": relu, "tanh": np.tanh, "linear": lambda z: z}[activation]
    x = rng.normal(size=(20, 1, 10))  # 20 个样本
    W1, W2 = rng.normal(size=(10, 10)), rng.normal(size=10)
    scaled = dropout(all_masks(10), 0.5)  # 各掩码等概率；(1024, 10)

    def forward(inputs=1, hidden=1):
        return (act((x * inputs) @ W1) * hidden) @ W2

    outputs = forward(**{place: scaled})  # (20, 1024)
    evaluated = forward()[:, 0]  # 评估：不丢
    mean = outputs.mean(axis=1)  # 精确的平均，不是抽样
    return {
        "掩码带来的相对波动": relative_gap(outputs, mean[:, None]) / np.sqrt(len(scaled)),
        "评估输出与平均的相对差": relative_gap(evaluated, mean),
    }


def softmax(logits):
    weights = np.exp(logits)  # 这里的 logits 不大，不会上溢
    return weights / weights.sum(axis=-1, keepdims=True)


@claim(
    guard={"掩码间概率的标准差": "in [0.05, 0.4]"},
    expect={"与子网络平均的最大差": "<= 1e-9"},
    control=[{"average": "arithmetic"}, {"activation": "relu"}],
    knobs={
        "average": ["geometric", "arithmetic"],
        "activation": ["linear", "relu", "tanh"],
        "p": [0.1, 0.9],
    },
)
def softmax_geometric_mean(average="geometric", activation="linear", p=0.4, seed=0):
    """softmax 回归：不丢的一次前向，恰好是全部子网络的归一化几何平均"""
    rng = np.random.default_rng(seed)
    act = {"linear": lambda z: z, "relu": relu, "tanh": np.tanh}[activation]
    x = rng.normal(size=(20, 1, 8))  # 20 个样本
    W1, W2 = rng.normal(size=(8, 8)) / np.sqrt(8), rng.normal(size=(8, 4))
    keep = all_masks(8)  # (256, 8)
    weight = np.prod(np.where(keep, 1 - p, p), axis=1)  # 每张掩码的概率；(256,)
    members = softmax(act((x * dropout(keep, p)) @ W1) @ W2)  # (20, 256, 4)
    if average == "geometric":
        combined = softmax(np.einsum("m,nmk->nk", weight, np.log(members)))
    else:
        combined = np.einsum("m,nmk->nk", weight, members)
    evaluated = softmax(act(x @ W1) @ W2)[:, 0]
    return {
        "掩码间概率的标准差": members.std(axis=1).mean(),
        "与子网络平均的最大差": np.abs(combined - evaluated).max(),
    }


def fit_with_noise(X, y, noise, p):
    """给输入加噪声的线性回归：对全部掩码精确求期望，再解最小二乘。"""
    keep = all_masks(X.shape[1])[:, None]  # (masks, 1, d)
    probability = np.prod(np.where(keep, 1 - p, p), axis=2)  # (masks, 1)
    u = dropout(keep, p) - 1  # 均值 0，方差 p/(1-p)
    size = X if noise == "dropout" else np.sqrt(np.mean(X**2))  # 加性噪声：总方差相同
    X_noisy = X + size * u  # dropout 时就是 X·keep/(1-p)；(masks, n, d)
    weighted = (X_noisy * probability[:, :, None]).swapaxes(1, 2)  # (masks, d, n)
    return np.linalg.solve((weighted @ X_noisy).sum(axis=0), (weighted @ y).sum(axis=0))


def ridge(X, y, penalty):
    """最小化 ‖y - Xw‖² + Σ penalty_j·w_j²。"""
    return np.linalg.solve(X.T @ X + np.diag(penalty), X.T @ y)


@claim(
    guard={"岭回归与最小二乘之差": "in [0.2, 4]"},
    expect={"与按特征加权的岭之差": "<= 1e-9"},
    control=[{"noise": "additive"}, {"penalty": "uniform"}],
    knobs={
        "noise": ["dropout", "additive"],
        "penalty": ["per feature", "uniform"],
        "p": [0.1, 0.9],
    },
)
def linear_dropout_is_ridge(noise="dropout", penalty="per feature", p=0.4, seed=0):
    """线性回归里 dropout 就是岭回归，第 j 维的惩罚正比于该特征的平方和"""
    rng = np.random.default_rng(seed)
    scales = np.geomspace(0.3, 3, 6)  # 各特征尺度不同
    X = rng.normal(size=(50, 6)) * scales
    y = X @ (1 / scales) + rng.normal(size=50)
    power = np.sum(X**2, axis=0)  # Σ_i x_ij²
    if penalty == "uniform":
        power = np.full(6, power.mean())
    predicted = X @ ridge(X, y, p / (1 - p) * power)
    return {
        "岭回归与最小二乘之差": relative_gap(X @ ridge(X, y, np.zeros(6)), predicted),
        "与按特征加权的岭之差": np.abs(X @ fit_with_noise(X, y, noise, p) - predicted).max(),
    }


@claim(
    guard={"换一张掩码的输出方差": "in [0.9, 1.1]"},
    expect={"评估时 BN 输出方差": "in [0.38, 0.43]"},
    control={"order": "bn first"},
    knobs={"order": ["dropout first", "bn first"], "p": [0.0, 0.8]},
)
def bn_variance_shift(order="dropout first", p=0.5, seed=0):
    """dropout 放在 BN 之前：训练时统计的方差偏大，评估时 BN 输出的方差不再是 1"""
    rng = np.random.default_rng(seed)
    x = relu(rng.normal(size=(2000, 32)))  # (batch, units)
    W = rng.normal(size=(32, 32))

    def train_input():  # 训练时 BN 的输入；每次前向换一张掩码
        keep = draw_mask(x.shape, p, rng)
        return (x * dropout(keep, p) if order == "dropout first" else x) @ W

    var = train_input().var(axis=0)  # 训练时记下的方差；减去的均值与方差无关
    return {
        "换一张掩码的输出方差": np.mean((train_input() / np.sqrt(var)).var(axis=0)),
        "评估时 BN 输出方差": np.mean((x @ W / np.sqrt(var)).var(axis=0)),
    }


@claim(
    guard={"与最小二乘解的相对距离": "in [0.4, 1]"},
    expect={"测试误差/不用时": "in [1.7, 2.4]"},
    control={"n": 22},
    knobs={"n": [22, 4000], "p": [0.0, 0.8]},
)
def hurts_when_data_suffice(n=2000, p=0.5, seed=0):
    """样本远多于参数的线性回归里，p=0.5 的 dropout 反而抬高测试误差"""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(5):  # 5 份独立的数据
        w = rng.normal(size=20)
        w = w / np.linalg.norm(w)
        X, X_test = rng.normal(size=(n, 20)), rng.normal(size=(500, 20))
        y, y_test = (A @ w + rng.normal(0, 0.5, len(A)) for A in (X, X_test))
        plain = ridge(X, y, np.zeros(20))
        dropped = ridge(X, y, p / (1 - p) * np.sum(X**2, axis=0))  # dropout 的精确解
        errors = [np.mean((X_test @ v - y_test) ** 2) for v in (plain, dropped)]
        rows.append([*errors, relative_gap(dropped, plain)])
    without, using, distance = np.mean(rows, axis=0)
    return {
        "与最小二乘解的相对距离": distance,
        "测试误差/不用时": using / without,
        "测试误差": bar({"不用": without, "dropout": using}, y_label="均方误差"),
    }
