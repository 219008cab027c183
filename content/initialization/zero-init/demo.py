"""零初始化与对称性：同层神经元为什么分不开。"""

import numpy as np

from quizdl.proof import claim, heatmap


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = {  # 激活函数，以及用输出 a 表示的导数
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
}


def xor_data(seed, n=65):  # n 取奇数：两类不会恰好一样多
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    y = (X.prod(axis=1) > 0) * 1.0  # 同号为 1：线性分不开
    return X, y[:, None]


def linear_data(seed):
    X, _ = xor_data(seed)
    noise = 0.4 * np.random.default_rng(seed + 7).normal(size=len(X))
    y = (X @ [1.0, 0.5] + noise > 0) * 1.0  # 带噪声，两类有重叠
    return X, y[:, None]


def init_params(init, seed, hidden=8):
    """两层网络的 W1, b1, W2, b2；偏置总是零。"""
    rng = np.random.default_rng(seed + 1000)
    value = 0.0 if init == "zero" else 0.5
    W1, W2 = np.full((2, hidden), value), np.full((hidden, 1), value)
    if init == "random":
        W1, W2 = rng.normal(size=W1.shape), rng.normal(size=W2.shape)
    if init == "noisy":  # 常数加一成噪声：大小不变，只破坏对称
        W1, W2 = W1 + 0.05 * rng.normal(size=W1.shape), W2 + 0.05 * rng.normal(size=W2.shape)
    if init == "noisy_out":  # 只有输出权重不同
        W2 = W2 + 0.05 * rng.normal(size=W2.shape)
    return [W1, np.zeros(hidden), W2, np.zeros(1)]


def cross_entropy(logit, y):
    return np.mean(np.logaddexp(0, logit) - y * logit)


def forward_backward(params, X, y, activation="tanh"):
    """两层网络的交叉熵，及其对 W1, b1, W2, b2 的梯度。"""
    act, act_grad = ACTIVATIONS[activation]
    W1, b1, W2, b2 = params
    a = act(X @ W1 + b1)  # (n, hidden)
    logit = a @ W2 + b2  # (n, 1)
    d_logit = (sigmoid(logit) - y) / len(X)
    d_z = (d_logit @ W2.T) * act_grad(a)  # (n, hidden)
    grads = [X.T @ d_z, d_z.sum(0), a.T @ d_logit, d_logit.sum(0)]
    return cross_entropy(logit, y), grads, a


def slope_ratio(params, grads, X, y, seed, h=1e-5):
    """沿一个随机方向的斜率：中心差分是反向传播的几倍。"""
    rng = np.random.default_rng(seed)
    d = [rng.normal(size=p.shape) for p in params]

    def loss_at(t):
        return forward_backward([p + t * e for p, e in zip(params, d, strict=True)], X, y)[0]

    slope = sum((g * e).sum() for g, e in zip(grads, d, strict=True))
    return (loss_at(h) - loss_at(-h)) / (2 * h * slope)


def train(params, X, y, activation="tanh", lr=1.0, steps=200):
    for _ in range(steps):
        loss, grads, _ = forward_backward(params, X, y, activation)
        params = [p - lr * g for p, g in zip(params, grads, strict=True)]
    return loss, params


def by_neuron(params):
    """每列一个隐层神经元：输入权重、偏置、输出权重；(4, hidden)。"""
    W1, b1, W2, _ = params
    return np.vstack([W1, b1, W2.T])


def spread(columns):
    """各列（各神经元）之间的最大差异。"""
    return np.ptp(columns, axis=1).max()


@claim(
    guard={
        "中心差分 / 反向传播的斜率": "in [0.99999, 1.00001]",
        "梯度最大绝对值": "in [1e-3, 1]",
        "输入维之间的梯度相对差": "in [1e-3, 2]",
    },
    expect={"同层梯度的最大差": "<= 1e-12"},
    control=[{"init": "random"}, {"init": "noisy_out"}],
    knobs={"init": ["constant", "random", "noisy", "noisy_out"], "hidden": [2, 64]},
)
def same_gradient(init="constant", hidden=8, seed=0):
    """输入、输出权重和偏置都相同的神经元，梯度也相同"""
    X, y = xor_data(seed)
    params = init_params(init, seed, hidden)
    _, grads, _ = forward_backward(params, X, y)
    dW1 = grads[0]
    return {
        "中心差分 / 反向传播的斜率": slope_ratio(params, grads, X, y, seed),
        "梯度最大绝对值": np.abs(dW1).max(),
        "输入维之间的梯度相对差": np.ptp(dW1, axis=0).max() / np.abs(dW1).max(),
        "同层梯度的最大差": spread(by_neuron(grads)),
        "梯度": heatmap(by_neuron(grads)[:, :16], ["w₁", "w₂", "b", "v"], x_label="神经元"),
    }


@claim(
    guard={"权重走过的相对距离": "in [0.1, 20]"},
    expect={"训练后神经元的最大差": "<= 1e-9"},
    control=[{"init": "random"}, {"init": "noisy"}],
    knobs={"init": ["constant", "random", "noisy", "noisy_out"], "steps": [50, 800]},
)
def stays_symmetric(init="constant", steps=400, seed=0):
    """训练不会自己打破对称：权重动了，各神经元仍是同一个"""
    X, y = xor_data(seed)
    start = init_params(init, seed)
    _, params = train(start, X, y, steps=steps)
    return {
        "权重走过的相对距离": np.abs(params[0] - start[0]).max() / np.abs(start[0]).max(),
        "训练后神经元的最大差": spread(by_neuron(params)),
        "训练后的参数": heatmap(by_neuron(params), ["w₁", "w₂", "b", "v"], x_label="神经元"),
    }


@claim(
    guard={"起点损失 / ln 2": "in [0.9, 3]"},
    expect={
        "最优学习率下的损失 / ln 2": "in [0.55, 1.1]",
        "与单神经元的 8 倍之差": "<= 1e-9",
    },
    control=[{"init": "random"}, {"init": "noisy"}],
    knobs={"init": ["constant", "random", "noisy", "noisy_out"]},
)
def cannot_fit_xor(init="constant", seed=0):
    """对称的 8 个神经元只等于一个神经元的 8 倍，拟合不了异或"""
    X, y = xor_data(seed)
    start = init_params(init, seed)
    first, *_ = forward_backward(start, X, y)
    runs = [train(start, X, y, lr=lr) for lr in (1.0, 4.0)]  # 各自调参
    best, (W1, b1, W2, b2) = min(runs, key=lambda run: run[0])
    output = np.tanh(X @ W1 + b1) @ W2 + b2
    single = 8 * np.tanh(X @ W1[:, :1] + b1[:1]) @ W2[:1] + b2
    return {
        "起点损失 / ln 2": first / np.log(2),
        "最优学习率下的损失 / ln 2": best / np.log(2),
        "与单神经元的 8 倍之差": np.abs(output - single).max() / np.abs(output).max(),
    }


@claim(
    guard={"正类的比例": "in [0.25, 0.75]"},
    expect={
        "起点处其余梯度的最大值": "== 0",
        "训练后最大的权重": "== 0",
        "训练后输出与正类比例之差": "<= 1e-9",
    },
    control={"activation": "sigmoid"},
    knobs={"activation": ["tanh and relu", "tanh", "relu", "sigmoid"]},
)
def zero_means_dead(activation="tanh and relu", seed=0):
    """tanh 与 ReLU 网络全零初始化时，除输出偏置外梯度全为零，权重一直不动"""
    X, y = xor_data(seed)
    start = init_params("zero", seed)
    gradient, weight, gap = [], [], []
    for name in activation.split(" and "):
        _, grads, _ = forward_backward(start, X, y, name)
        _, params = train(start, X, y, name)
        gradient.append(np.abs(by_neuron(grads)).max())  # 隐层权重、隐层偏置、输出权重
        weight.append(np.abs(by_neuron(params)).max())
        gap.append(np.abs(sigmoid(params[3]) - y.mean()).max())  # 只有输出偏置 params[3] 在动
    return {
        "正类的比例": y.mean(),
        "起点处其余梯度的最大值": max(gradient),
        "训练后最大的权重": max(weight),
        "训练后输出与正类比例之差": max(gap),
    }


@claim(
    guard={"样本间输入的标准差": "in [0.3, 0.78]"},
    expect={"隐层激活与 0.5 之差": "<= 1e-12"},
    control=[{"activation": "tanh"}, {"init": "random"}],
    knobs={"activation": ["sigmoid", "tanh", "relu"], "init": ["zero", "constant", "random"]},
)
def sigmoid_is_half(activation="sigmoid", init="zero", seed=0):
    """“全零初始化使激活为 0”不总对：sigmoid 的隐层全是 0.5"""
    X, y = xor_data(seed)
    *_, a = forward_backward(init_params(init, seed), X, y, activation)
    return {"样本间输入的标准差": X.std(), "隐层激活与 0.5 之差": np.abs(a - 0.5).max()}


def fit(layers, init, X, y, seed):
    """一层是逻辑回归，两层有 8 个 tanh 隐层神经元；返回起点、终点的全部参数，与走完的损失。"""
    start = init_params(init, seed)
    if layers == 2:
        loss, params = train(start, X, y)
        return np.hstack([p.ravel() for p in start]), np.hstack([p.ravel() for p in params]), loss
    w = start = np.append(start[0][:, 0], 0.0)  # 没有隐层：两个输入的权重，与偏置
    X, y = np.column_stack([X, np.ones(len(X))]), y[:, 0]
    for _ in range(500):
        w = w - 2.0 * X.T @ (sigmoid(X @ w) - y) / len(X)
    return start, w, cross_entropy(X @ w, y)


@claim(
    guard={
        "随机起点最大的参数": "in [0.1, 6]",
        "零起点最大的参数": "== 0",
        "损失 / ln 2": "in [0.2, 0.95]",
    },
    expect={"零初始化多付出的相对损失": "in [-1e-3, 1e-3]", "两个终点的相对距离": "<= 1e-2"},
    control={"layers": 2},
    knobs={"layers": [1, 2]},
)
def convex_is_fine(layers=1, seed=0):
    """没有隐层（逻辑回归）就没有对称问题：从零出发与随机出发到同一个最优"""
    X, y = linear_data(seed)
    zero_start, zero_end, zero_loss = fit(layers, "zero", X, y, seed)
    start, end, loss = fit(layers, "random", X, y, seed)
    return {
        "随机起点最大的参数": np.abs(start).max(),
        "零起点最大的参数": np.abs(zero_start).max(),
        "损失 / ln 2": loss / np.log(2),
        "零初始化多付出的相对损失": zero_loss / loss - 1,
        "两个终点的相对距离": np.linalg.norm(zero_end - end) / np.linalg.norm(end),
    }


def least_parallel(W):
    """各列两两夹角余弦绝对值的最小值：1 表示全部平行。"""
    unit = W / np.linalg.norm(W, axis=0)
    return np.abs(unit.T @ unit).min()


@claim(
    guard={"起点最小的余弦绝对值": "<= 0.9", "终点 / 起点的损失": "in [0.05, 0.95]"},
    expect={"终点最小的余弦绝对值": "in [0.9, 1.01]"},
    control={"scale": 1.0},
    knobs={"scale": [1e-5, 1.0], "steps": [50, 300]},
)
def small_random_aligns(scale=1e-4, steps=75, seed=0):
    """随机初值很小时，训练会把各神经元拉到几乎同一个方向（或正相反）"""
    X, y = linear_data(seed)
    start = [scale * p for p in init_params("random", seed)]
    first, *_ = forward_backward(start, X, y)
    loss, params = train(start, X, y, steps=steps)
    return {
        "起点最小的余弦绝对值": least_parallel(start[0]),
        "终点 / 起点的损失": loss / first,
        "终点最小的余弦绝对值": least_parallel(params[0]),
    }
