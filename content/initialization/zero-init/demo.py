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
    X = rng.uniform(-1, 1, (n, 2))  # (n, 2)
    y = (X[:, 0] * X[:, 1] > 0) * 1.0  # 同号为 1：线性分不开
    return X, y[:, None]


def linear_data(seed):
    X, _ = xor_data(seed)
    noise = np.random.default_rng(seed + 7).normal(0, 0.4, (len(X), 1))
    y = (X[:, :1] + 0.5 * X[:, 1:] + noise > 0) * 1.0  # 带噪声，两类有重叠
    return X, y


def init_params(init, hidden, seed):
    rng = np.random.default_rng(seed + 1000)
    if init == "random":
        W1, W2 = rng.normal(0, 1, (2, hidden)), rng.normal(0, 1, (hidden, 1))
    else:
        value = 0.0 if init == "zero" else 0.5
        W1, W2 = np.full((2, hidden), value), np.full((hidden, 1), value)
    if init == "noisy":  # 常数加一成噪声：大小不变，只破坏对称
        W1, W2 = W1 + rng.normal(0, 0.05, W1.shape), W2 + rng.normal(0, 0.05, W2.shape)
    if init == "noisy_out":  # 只有输出权重不同
        W2 = W2 + rng.normal(0, 0.05, W2.shape)
    return [W1, np.zeros(hidden), W2, np.zeros(1)]


def forward_backward(params, X, y, activation):
    """两层网络的交叉熵，及其对 W1, b1, W2, b2 的梯度。"""
    act, act_grad = ACTIVATIONS[activation]
    W1, b1, W2, b2 = params
    a = act(X @ W1 + b1)  # (n, hidden)
    logit = a @ W2 + b2  # (n, 1)
    loss = np.mean(np.logaddexp(0, logit) - y * logit)
    d_logit = (sigmoid(logit) - y) / len(X)
    d_z = (d_logit @ W2.T) * act_grad(a)  # (n, hidden)
    return loss, [X.T @ d_z, d_z.sum(0), a.T @ d_logit, d_logit.sum(0)], a


def gradient_error(params, grads, X, y, activation, seed, h=1e-5):
    """沿一个随机方向的斜率：反向传播与中心差分相差多少，相对于梯度范数。"""
    rng = np.random.default_rng(seed)
    d = [rng.normal(0, 1, p.shape) for p in params]

    def loss_at(t):
        moved = [p + t * e for p, e in zip(params, d, strict=True)]
        return forward_backward(moved, X, y, activation)[0]

    slope = sum((g * e).sum() for g, e in zip(grads, d, strict=True))
    norm = np.sqrt(sum((g**2).sum() for g in grads))
    return abs((loss_at(h) - loss_at(-h)) / (2 * h) - slope) / norm


def train(params, X, y, activation, lr, steps):
    for _ in range(steps):
        loss, grads, _ = forward_backward(params, X, y, activation)
        params = [p - lr * g for p, g in zip(params, grads, strict=True)]
    return loss, params


def by_neuron(params):
    """每列一个隐层神经元：输入权重、偏置、输出权重；(4, hidden)。"""
    W1, b1, W2, _ = params
    return np.vstack([W1, b1, W2.T])


def spread(columns):
    """各列（各神经元）之间的最大差异，相对于最大的元素。"""
    return np.ptp(columns, axis=1).max() / np.abs(columns).max()


@claim(
    guard={
        "与中心差分的相对误差": "<= 1e-6",
        "梯度最大绝对值": ">= 1e-3",
        "输入维之间的梯度相对差": ">= 1e-4",
    },
    expect={"同层梯度相对极差": "<= 1e-9"},
    control=[{"init": "random"}, {"init": "noisy_out"}],
    knobs={"init": ["constant", "random", "noisy", "noisy_out"], "hidden": [2, 64]},
)
def same_gradient(init="constant", hidden=8, seed=0):
    """输入、输出权重和偏置都相同的神经元，梯度也相同"""
    X, y = xor_data(seed)
    params = init_params(init, hidden, seed)
    _, grads, _ = forward_backward(params, X, y, "tanh")
    dW1 = grads[0]
    return {
        "与中心差分的相对误差": gradient_error(params, grads, X, y, "tanh", seed),
        "梯度最大绝对值": np.abs(dW1).max(),
        "输入维之间的梯度相对差": np.ptp(dW1, axis=0).max() / np.abs(dW1).max(),
        "同层梯度相对极差": spread(by_neuron(grads)),
        "梯度": heatmap(by_neuron(grads)[:, :16], ["w₁", "w₂", "b", "v"], x_label="神经元"),
    }


@claim(
    guard={"权重走过的相对距离": ">= 0.1"},
    expect={"训练后神经元的相对差": "<= 1e-9"},
    control=[{"init": "random"}, {"init": "noisy"}],
    knobs={"init": ["constant", "random", "noisy", "noisy_out"], "steps": [50, 400]},
)
def stays_symmetric(init="constant", steps=200, seed=0):
    """训练不会自己打破对称：权重动了，各神经元仍是同一个"""
    X, y = xor_data(seed)
    start = init_params(init, 8, seed)
    _, params = train(start, X, y, "tanh", lr=2.0, steps=steps)
    return {
        "权重走过的相对距离": np.abs(params[0] - start[0]).max() / np.abs(start[0]).max(),
        "训练后神经元的相对差": spread(by_neuron(params)),
        "训练后的参数": heatmap(by_neuron(params), ["w₁", "w₂", "b", "v"], x_label="神经元"),
    }


@claim(
    guard={"训练带来的下降比例": ">= 0.05"},
    expect={"最优学习率下的损失 / ln 2": ">= 0.4", "与单神经元的 8 倍之差": "<= 1e-9"},
    control=[{"init": "random"}, {"init": "noisy"}],
    knobs={"init": ["constant", "random", "noisy", "noisy_out"]},
)
def cannot_fit_xor(init="constant", seed=0):
    """对称的 8 个神经元只等于一个神经元的 8 倍，拟合不了异或"""
    X, y = xor_data(seed)
    start = init_params(init, 8, seed)
    first, *_ = forward_backward(start, X, y, "tanh")
    runs = [train(start, X, y, "tanh", lr, 300) for lr in (1.0, 2.0)]  # 各自调参
    best, (W1, b1, W2, b2) = min(runs, key=lambda run: run[0])
    output = np.tanh(X @ W1 + b1) @ W2 + b2
    single = 8 * np.tanh(X @ W1[:, :1] + b1[:1]) @ W2[:1] + b2
    return {
        "训练带来的下降比例": 1 - best / first,
        "最优学习率下的损失 / ln 2": best / np.log(2),
        "与单神经元的 8 倍之差": np.abs(output - single).max() / np.abs(output).max(),
    }


@claim(
    guard={"输出偏置走过的距离": ">= 1e-3"},
    expect={"起点处其余梯度的最大值": "== 0", "训练后最大的权重": "== 0"},
    control={"activation": "sigmoid"},
    knobs={"activation": ["tanh and relu", "tanh", "relu", "sigmoid"]},
)
def zero_means_dead(activation="tanh and relu", seed=0):
    """tanh 与 ReLU 网络全零初始化时，除输出偏置外梯度全为零，权重一直不动"""
    X, y = xor_data(seed)
    start = init_params("zero", 8, seed)
    moved, gradient, weight = [], [], []
    for name in activation.split(" and "):
        _, grads, _ = forward_backward(start, X, y, name)
        _, params = train(start, X, y, name, lr=1.0, steps=50)
        moved.append(np.abs(params[3]).max())
        gradient.append(np.abs(by_neuron(grads)).max())  # 隐层权重、隐层偏置、输出权重
        weight.append(np.abs(by_neuron(params)).max())
    return {
        "输出偏置走过的距离": min(moved),
        "起点处其余梯度的最大值": max(gradient),
        "训练后最大的权重": max(weight),
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
    *_, a = forward_backward(init_params(init, 8, seed), X, y, activation)
    return {"样本间输入的标准差": X.std(), "隐层激活与 0.5 之差": np.abs(a - 0.5).max()}


def fit(layers, init, X, y, seed):
    """一层是逻辑回归，两层有 8 个 tanh 隐层神经元；返回损失与全部参数。"""
    if layers == 2:
        loss, params = train(init_params(init, 8, seed), X, y, "tanh", lr=1.0, steps=300)
        return loss, np.concatenate([p.ravel() for p in params])
    X = np.hstack([X, np.ones((len(X), 1))])  # 最后一列是偏置
    w = np.zeros((3, 1)) if init == "zero" else np.random.default_rng(seed).normal(0, 1, (3, 1))
    for _ in range(500):
        w = w - 2.0 * X.T @ (sigmoid(X @ w) - y) / len(X)
    return np.mean(np.logaddexp(0, X @ w) - y * (X @ w)), w.ravel()


@claim(
    guard={"随机初始化的损失下降比例": ">= 0.1"},
    expect={"零初始化多付出的相对损失": "<= 1e-3", "两个终点的相对距离": "<= 1e-2"},
    control={"layers": 2},
    knobs={"layers": [1, 2]},
)
def convex_is_fine(layers=1, seed=0):
    """没有隐层（逻辑回归）就没有对称问题：从零出发与随机出发到同一个最优"""
    X, y = linear_data(seed)
    zero_loss, zero_end = fit(layers, "zero", X, y, seed)
    loss, end = fit(layers, "random", X, y, seed)
    return {
        "随机初始化的损失下降比例": 1 - loss / np.log(2),
        "零初始化多付出的相对损失": zero_loss / loss - 1,
        "两个终点的相对距离": np.linalg.norm(zero_end - end) / np.linalg.norm(end),
    }


def least_parallel(W):
    """各列两两夹角余弦绝对值的最小值：1 表示全部平行。"""
    unit = W / np.linalg.norm(W, axis=0)
    return np.abs(unit.T @ unit).min()


@claim(
    guard={"起点最小的余弦绝对值": "<= 0.9", "训练带来的下降比例": ">= 0.03"},
    expect={"终点最小的余弦绝对值": ">= 0.9"},
    control={"scale": 1.0},
    knobs={"scale": [1e-5, 1.0], "steps": [50, 300]},
)
def small_random_aligns(scale=1e-4, steps=150, seed=0):
    """随机初值很小时，训练会把各神经元拉到几乎同一个方向（或正相反）"""
    X, y = linear_data(seed)
    start = [scale * p for p in init_params("random", 8, seed)]
    first, *_ = forward_backward(start, X, y, "tanh")
    loss, params = train(start, X, y, "tanh", lr=0.5, steps=steps)
    return {
        "起点最小的余弦绝对值": least_parallel(start[0]),
        "训练带来的下降比例": 1 - loss / first,
        "终点最小的余弦绝对值": least_parallel(params[0]),
    }
