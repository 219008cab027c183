"""零初始化与对称性：同层神经元为什么分不开。"""

import numpy as np

from quizdl.proof import claim

ACTIVATIONS = {  # 激活函数，以及用输出 a 表示的导数
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
}


def xor_data(seed, n=64):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))  # (n, 2)
    y = (X[:, 0] * X[:, 1] > 0) * 1.0  # 同号为 1：线性分不开
    return X, y[:, None]


def init_params(init, hidden, seed):
    if init == "random":
        rng = np.random.default_rng(seed + 1000)
        W1, W2 = rng.normal(0, 1, (2, hidden)), rng.normal(0, 1, (hidden, 1))
    else:
        value = {"zero": 0.0, "constant": 0.5}[init]
        W1, W2 = np.full((2, hidden), value), np.full((hidden, 1), value)
    return [W1, np.zeros(hidden), W2, np.zeros(1)]


def forward_backward(params, X, y, activation):
    """两层网络的交叉熵，及其对 W1, b1, W2, b2 的梯度。"""
    act, act_grad = ACTIVATIONS[activation]
    W1, b1, W2, b2 = params
    a = act(X @ W1 + b1)  # (n, hidden)
    logit = a @ W2 + b2  # (n, 1)
    loss = np.mean(np.logaddexp(0, logit) - y * logit)
    d_logit = (1 / (1 + np.exp(-logit)) - y) / len(X)
    d_z = (d_logit @ W2.T) * act_grad(a)  # (n, hidden)
    return loss, [X.T @ d_z, d_z.sum(0), a.T @ d_logit, d_logit.sum(0)], a


def train(params, X, y, activation, lr, steps):
    for _ in range(steps):
        loss, grads, _ = forward_backward(params, X, y, activation)
        params = [p - lr * g for p, g in zip(params, grads, strict=True)]
    return loss, params


def spread(W):
    """同层各神经元之间的最大差异，相对于权重的大小。"""
    return np.ptp(W, axis=1).max() / np.abs(W).max()


@claim(
    guard={"梯度最大绝对值": ">= 1e-3"},
    expect={"同层梯度相对极差": "<= 1e-9"},
    control={"init": "random"},
    knobs={"init": ["constant", "random"], "hidden": [2, 64]},
)
def same_gradient(init="constant", hidden=8, seed=0):
    """各神经元初值相同，梯度就逐元素相同。"""
    X, y = xor_data(seed)
    _, (dW1, *_), _ = forward_backward(init_params(init, hidden, seed), X, y, "tanh")
    return {"梯度最大绝对值": np.abs(dW1).max(), "同层梯度相对极差": spread(dW1)}


@claim(
    guard={"权重走过的相对距离": ">= 0.05"},
    expect={"训练后同层权重相对极差": "<= 1e-6"},
    control={"init": "random"},
    knobs={"init": ["constant", "random"], "steps": [50, 400]},
)
def stays_symmetric(init="constant", steps=200, seed=0):
    """训练不会自己打破对称：走了很远，各神经元仍是同一个。"""
    X, y = xor_data(seed)
    start = init_params(init, 8, seed)
    _, params = train(start, X, y, "tanh", lr=2.0, steps=steps)
    return {
        "权重走过的相对距离": np.abs(params[0] - start[0]).max() / np.abs(start[0]).max(),
        "训练后同层权重相对极差": spread(params[0]),
    }


@claim(
    guard={"训练带来的下降比例": ">= 0.05"},
    expect={"最优学习率下的损失 / ln 2": ">= 0.6"},
    control={"init": "random"},
    knobs={"init": ["constant", "random"], "hidden": [4, 32]},
)
def cannot_fit_xor(init="constant", hidden=8, seed=0):
    """对称的网络宽度再大也只等于一个神经元，拟合不了异或。"""
    X, y = xor_data(seed)
    start = init_params(init, hidden, seed)
    first, *_ = forward_backward(start, X, y, "tanh")
    best = min(train(start, X, y, "tanh", lr, 300)[0] for lr in (0.5, 1.0, 2.0))  # 各自调参
    return {"训练带来的下降比例": 1 - best / first, "最优学习率下的损失 / ln 2": best / np.log(2)}


@claim(
    guard={"输出偏置的梯度": ">= 1e-4"},
    expect={"全部权重的最大梯度": "== 0"},
    control={"activation": "sigmoid"},
    knobs={"activation": ["tanh", "relu", "sigmoid"]},
)
def zero_means_dead(activation="tanh", seed=0):
    """φ(0)=0 时全零初始化的权重梯度恒为零，只有输出偏置在学。"""
    X, y = xor_data(seed)
    _, (dW1, _, dW2, db2), _ = forward_backward(init_params("zero", 8, seed), X, y, activation)
    return {
        "输出偏置的梯度": np.abs(db2).max(),
        "全部权重的最大梯度": max(np.abs(dW1).max(), np.abs(dW2).max()),
    }


@claim(
    guard={"样本间输入的标准差": ">= 0.1"},
    expect={"隐层激活的最小值": ">= 0.4"},
    control={"activation": "tanh"},
    knobs={"activation": ["sigmoid", "tanh", "relu"]},
)
def sigmoid_is_half(activation="sigmoid", seed=0):
    """“全零初始化使激活为 0”不总对：sigmoid 的隐层全是 0.5。"""
    X, y = xor_data(seed)
    *_, a = forward_backward(init_params("zero", 8, seed), X, y, activation)
    return {"样本间输入的标准差": X.std(), "隐层激活的最小值": a.min()}


@claim(
    guard={"随机初始化的损失下降比例": ">= 0.1"},
    expect={"零初始化多付出的相对损失": "<= 1e-3"},
    control={"layers": 2},
    knobs={"layers": [1, 2]},
)
def convex_is_fine(layers=1, seed=0):
    """没有隐层（逻辑回归）就没有对称问题：从零出发与随机出发到同一个最优。"""
    X, _ = xor_data(seed)
    rng = np.random.default_rng(seed + 7)
    rule = X[:, :1] + 0.5 * X[:, 1:] if layers == 1 else X[:, :1] * X[:, 1:]
    y = (rule + rng.normal(0, 0.3, rule.shape) > 0) * 1.0  # 带噪声：最优解有限
    losses = {}
    for init in ("zero", "random"):
        if layers == 1:
            w = np.zeros((2, 1)) if init == "zero" else rng.normal(0, 1, (2, 1))
            for _ in range(500):
                w = w - 2.0 * X.T @ (1 / (1 + np.exp(-X @ w)) - y) / len(X)
            losses[init] = np.mean(np.logaddexp(0, X @ w) - y * (X @ w))
        else:
            losses[init] = train(init_params(init, 8, seed), X, y, "tanh", 1.0, 300)[0]
    return {
        "随机初始化的损失下降比例": 1 - losses["random"] / np.log(2),
        "零初始化多付出的相对损失": losses["zero"] / losses["random"] - 1,
    }
