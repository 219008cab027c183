"""ReLU：正半轴不饱和的好处有多大，非零均值、幅度与“导数为 1”各要怎么说才对。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import claim, line


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


ACTIVATIONS = {  # φ(z)，以及用输出 a 表示的 φ'
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
    "leaky": (lambda z: np.maximum(z, 0.1 * z), lambda a: np.where(a > 0, 1, 0.1)),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
}


@claim(
    guard={
        "正负两边的 |z| 都到过": ">= 90",
        "四种激活用输出写的导数与差分之差": "<= 1e-6",
    },
    expect={"正半轴 |导数 − 1| 的最大值": "<= 1e-6", "负半轴 |导数| 的最大值": "<= 1e-9"},
    control=[{"act": "tanh"}, {"act": "leaky"}],
    knobs={"act": ["relu", "leaky", "tanh", "sigmoid"]},
)
def only_positive_side_keeps(act="relu", seed=0):
    """z 大到 100，正半轴的导数仍是 1；负半轴的导数处处是 0，那是另一种饱和"""
    z, h = np.random.default_rng(seed).uniform(-100, 100, 2000), 1e-5
    z = z[np.abs(z) > h]  # 差分不跨过折点
    slopes = {name: (f(z + h) - f(z - h)) / (2 * h) for name, (f, _) in ACTIVATIONS.items()}
    errors = [np.abs(df(f(z)) - slopes[name]).max() for name, (f, df) in ACTIVATIONS.items()]
    slope, grid, phi = slopes[act], np.linspace(-6, 6, 121), ACTIVATIONS[act][0]
    return {
        "正负两边的 |z| 都到过": min(z.max(), -z.min()),
        "四种激活用输出写的导数与差分之差": max(errors),
        "正半轴 |导数 − 1| 的最大值": np.abs(slope[z > 0] - 1).max(),
        "负半轴 |导数| 的最大值": np.abs(slope[z < 0]).max(),
        "φ": line({act: phi(grid), "tanh": np.tanh(grid)}, grid, x_label="z"),
    }


def he(sizes, rng):
    return [rng.normal(0, np.sqrt(2 / n), (n, m)) for n, m in pairwise(sizes)]


def output_and_grads(weights, bias, act, X, y):
    """输出 (n, 1)，与均方误差对各层权重的梯度；隐层 φ(h W + bias)，输出层线性。"""
    phi, dphi = ACTIVATIONS[act]
    h = [X]
    for W in weights[:-1]:
        h.append(phi(h[-1] @ W + bias))  # (n, width)
    out = h[-1] @ weights[-1]  # (n, 1)
    delta, grads = 2 * (out - y) / len(X), []
    for W, a in zip(weights[::-1], h[::-1], strict=True):
        grads.append(a.T @ delta)
        delta = (delta @ W.T) * dphi(a)
    return out, grads[::-1]


@claim(
    guard={"梯度的范数": ">= 0.5", "梯度与差分的误差": "<= 1e-6"},
    expect={
        "各层 ⟨W, 梯度⟩ 的极差 / 梯度的范数": "<= 1e-9",
        "缩放后输出的相对变化": "<= 1e-9",
        "两层相对更新之比的变化 · c⁴ − 1": "in [-1e-9, 1e-9]",
    },
    control=[{"act": "tanh"}, {"bias": 0.3}],
    knobs={"act": ["relu", "leaky", "tanh", "sigmoid"], "bias": [-0.5, 0.5], "c": [0.5, 20.0]},
)
def same_function_other_speed(act="relu", bias=0.0, c=10.0, seed=0):
    """第一层权重乘 10、第二层除以 10：函数不变，两层的相对更新之比变成万分之一"""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(0, 1, (64, 8)), rng.normal(1, 1, (64, 1))
    weights = he([8, 32, 32, 1], rng)
    scaled = [c * weights[0], weights[1] / c, weights[2]]
    out, grads = output_and_grads(weights, bias, act, X, y)
    out_scaled, grads_scaled = output_and_grads(scaled, bias, act, X, y)
    balance = [(W * g).sum() for W, g in zip(weights, grads, strict=True)]
    size = np.sqrt(sum((g**2).sum() for g in grads))

    def loss(step):  # 沿梯度的单位方向走一点
        moved = [W + step * g / size for W, g in zip(weights, grads, strict=True)]
        return ((output_and_grads(moved, bias, act, X, y)[0] - y) ** 2).mean()

    def first_to_second(weights, grads):
        one, two = (np.linalg.norm(grads[k]) / np.linalg.norm(weights[k]) for k in (0, 1))
        return one / two

    change = first_to_second(scaled, grads_scaled) / first_to_second(weights, grads)
    return {
        "梯度的范数": size,
        "梯度与差分的误差": abs((loss(1e-7) - loss(-1e-7)) / 2e-7 / size - 1),
        "各层 ⟨W, 梯度⟩ 的极差 / 梯度的范数": np.ptp(balance) / size,
        "缩放后输出的相对变化": np.linalg.norm(out_scaled - out) / np.linalg.norm(out),
        "两层相对更新之比的变化 · c⁴ − 1": change * c**4 - 1,
    }


@claim(
    guard={"首层激活的二阶矩": "in [0.3, 0.6]"},
    expect={
        "Var = 1/n 时每层的倍数": "in [0.4, 0.6]",
        "Var = 2/n 时每层的倍数": "in [0.86, 1.14]",
        "Var = 3/n 时每层的倍数": "in [1.25, 1.75]",
    },
    control=[{"act": "tanh"}, {"mean": 0.05}],
    knobs={"act": ["relu", "leaky", "tanh", "sigmoid"], "mean": [0.0, 0.1], "width": [16, 256]},
)
def amplitude_follows_variance(act="relu", width=128, mean=0.0, depth=24, seed=0):
    """激活的二阶矩每层乘 n·Var(w)/2：缩小、不变还是放大，由权重的方差定"""
    rng = np.random.default_rng(seed)
    phi, _ = ACTIVATIONS[act]
    h = rng.normal(0, 1, (3, 64, width))  # 三种方差，(3, batch, n)
    variance = np.array([1, 2, 3])[:, None, None] / width
    q = [(h**2).mean(axis=(1, 2))]
    for _ in range(depth):
        W = rng.normal(mean, 1, (3, width, width)) * np.sqrt(variance)
        h = phi(h @ W)
        q.append((h**2).mean(axis=(1, 2)))
    one, two, three = (q[-1] / q[0]) ** (1 / depth)
    curves = dict(zip(("1/n", "2/n", "3/n"), np.transpose(q), strict=True))
    return {
        "首层激活的二阶矩": q[1].min(),
        "Var = 1/n 时每层的倍数": one,
        "Var = 2/n 时每层的倍数": two,
        "Var = 3/n 时每层的倍数": three,
        "各层激活的二阶矩": line(curves, x_label="层（0 是输入）", log_y=True),
    }


def one_sign(grad):
    """各神经元的入权重梯度 (..., fan_in, units)：不全为零的神经元里，非零的全同号的占比。"""
    signs = np.sign(grad)
    some = (signs != 0).any(axis=-2)
    return (np.abs(signs.sum(axis=-2)) == np.abs(signs).sum(axis=-2))[some].mean()


@claim(
    guard={
        "第二层 非零梯度里正的占比": "in [0.4, 0.6]",
        "各样本相加与整批之差": "<= 1e-12",
        "第二层 整批相加后同号的占比": "in [0, 0.3]",
    },
    expect={
        "第二层 单个样本同号的占比": "== 1",
        "第一层 单个样本同号的占比": "<= 0.03",
    },
    control=[{"act": "tanh"}, {"act": "leaky"}, {"inputs": "positive"}],
    knobs={
        "act": ["relu", "leaky", "tanh", "sigmoid"],
        "inputs": ["centred", "positive"],
        "batch": [2, 256],
    },
)
def one_sign_per_neuron(act="relu", inputs="centred", batch=128, seed=0):
    """同号只发生在单个样本、同一个神经元的入权重之间，不是“所有参数”"""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(0, 1, (batch, 10)), rng.normal(0, 1, (batch, 1))
    X, weights = {"centred": X, "positive": np.abs(X)}[inputs], he([10, 32, 16, 1], rng)
    out, _ = output_and_grads(weights, 0.0, act, X, y)
    y = y + (out - y).mean()  # 输出偏置已把平均残差拟合成 0
    _, whole = output_and_grads(weights, 0.0, act, X, y)
    each = [
        output_and_grads(weights, 0.0, act, X[i : i + 1], y[i : i + 1])[1] for i in range(batch)
    ]
    first, second = (np.array([grads[k] for grads in each]) for k in (0, 1))  # 每个样本一份
    return {
        "第二层 非零梯度里正的占比": (second > 0).sum() / (second != 0).sum(),
        "各样本相加与整批之差": np.abs(second.mean(axis=0) - whole[1]).max(),
        "第二层 单个样本同号的占比": one_sign(second),
        "第一层 单个样本同号的占比": one_sign(first),
        "第二层 整批相加后同号的占比": one_sign(whole[1]),
    }


def fewest_steps(A, w0, tol=1e-3, budget=2000):
    """wᵀAw / 2 上的梯度下降：几个学习率里最先把距离缩到 tol 倍的步数。"""
    rates = 2 / np.linalg.eigvalsh(A)[-1] * np.linspace(0.5, 0.98, 9)[:, None]  # (lrs, 1)
    W = np.tile(w0, (len(rates), 1))  # (lrs, n)
    for t in range(budget):
        if np.linalg.norm(W, axis=1).min() <= tol * np.linalg.norm(w0):
            return t
        W = W - rates * (W @ A)
    return budget


@claim(
    guard={"减去均值后的步数": "in [2, 80]", "净输入的标准差": "in [0.85, 1.15]"},
    expect={
        "步数 原样 / 减去均值": "in [8, 16]",
        "最陡的方向与均值向量的余弦": "in [0.97, 1.02]",
        "条件数": "in [70, 170]",
    },
    control=[{"act": "tanh"}, {"width": 4}],
    knobs={"act": ["relu", "leaky", "tanh", "sigmoid"], "width": [4, 96]},
)
def mean_makes_it_slow(act="relu", width=64, seed=0):
    """宽 64 的 ReLU 层后面接线性回归：减去各神经元的均值，梯度下降的步数不到八分之一"""
    rng = np.random.default_rng(seed)
    phi, _ = ACTIVATIONS[act]
    z = rng.normal(0, 1, (1000, 128)) @ rng.normal(0, 128**-0.5, (128, width))
    a = phi(z)  # (N, width)
    mean = a.mean(axis=0)
    A, A0 = (h.T @ h / len(h) for h in (a, a - mean))  # 这一层权重的 Hessian
    w0 = rng.normal(0, 1, width)
    eigenvalues, vectors = np.linalg.eigh(A)
    steps, centred = fewest_steps(A, w0), fewest_steps(A0, w0)
    return {
        "减去均值后的步数": centred,
        "净输入的标准差": z.std(),
        "步数 原样 / 减去均值": steps / centred,
        "最陡的方向与均值向量的余弦": np.abs(vectors[:, -1] @ mean) / np.linalg.norm(mean),
        "条件数": eigenvalues[-1] / eigenvalues[0],
    }


SETUP = {  # 初始化的 n·Var(w)，与各自的学习率
    "relu": (2.0, np.geomspace(0.02, 0.3, 4)),
    "tanh": (1.0, np.geomspace(0.05, 0.6, 4)),
    "sigmoid": (1.0, np.geomspace(0.1, 100, 4)),
    "tanh, 小权重": (0.1, np.geomspace(0.05, 30, 4)),
}


def losses(setup, seed, depth=6, width=24, steps=20, nets=12):
    """全批量梯度下降走 steps 步：各网络最好的学习率下的损失；第一层净输入的方差。"""
    gain, rates = SETUP[setup]
    phi, dphi = ACTIVATIONS[setup.split(",")[0]]
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (nets, 1, 48, 6))
    y = np.sin(X @ rng.normal(0, 0.5, (nets, 1, 6, 2))).sum(axis=3, keepdims=True)
    y = y / y.std(axis=2, keepdims=True)  # 常数预测的损失是 1
    sizes = pairwise([6] + [width] * depth + [1])
    weights = [rng.normal(0, np.sqrt(gain / n), (nets, 1, n, m)) for n, m in sizes]
    biases, lr = [0.0] * len(weights), rates[:, None, None]  # 各学习率起点相同
    spread = (X @ weights[0]).var()
    for _ in range(steps + 1):
        h = [X]
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            h.append(phi(h[-1] @ W + b))
        error = h[-1] @ weights[-1] + biases[-1] - y  # (nets, rates, n, 1)
        loss = (error**2).mean(axis=(2, 3))
        delta = 2 * error / 48 * (loss < 1e4)[:, :, None, None]  # 发散的停住
        for k in reversed(range(len(weights))):
            W, a = weights[k], h[k]
            weights[k] = W - lr * (a.mT @ delta)
            biases[k] = biases[k] - lr * delta.sum(axis=2, keepdims=True)
            delta = (delta @ W.mT) * dphi(a)
    return loss.min(axis=1), spread


@claim(
    guard={
        "六层 ReLU 走完 20 步的损失": "in [0.15, 0.55]",
        "ReLU 第一层净输入的方差": "in [1.7, 2.3]",
        "对手第一层净输入的方差": "in [0.85, 1.15]",
    },
    expect={"对手走完 20 步的损失": "in [0.95, 1.05]"},
    control=[{"rival": "tanh"}, {"depth": 1}],
    knobs={"rival": ["sigmoid", "tanh", "relu"], "depth": [1, 6]},
)
def faster_than_deep_sigmoid(rival="sigmoid", depth=6, seed=0):
    """六个隐层：各自调好学习率，走完 20 步，ReLU 学到了，sigmoid 还停在常数预测"""
    loss, spread = losses("relu", seed)
    other, other_spread = losses(rival, seed, depth)
    return {
        "六层 ReLU 走完 20 步的损失": np.median(loss),
        "ReLU 第一层净输入的方差": spread,
        "对手第一层净输入的方差": other_spread,
        "对手走完 20 步的损失": np.median(other),
    }


@claim(
    guard={"六层 ReLU 走完 20 步的损失": "in [0.15, 0.55]"},
    expect={"损失之比 对手 / ReLU": "in [0.09, 0.8]"},
    control=[{"rival": "sigmoid"}, {"rival": "tanh, 小权重"}],
    knobs={"rival": ["tanh", "tanh, 小权重", "sigmoid"]},
)
def not_faster_than_tanh(rival="tanh", seed=0):
    """同样六个隐层，换成没有饱和的 tanh：各自调好学习率，走完 20 步的损失反而更低"""
    loss, _ = losses("relu", seed)
    other, _ = losses(rival, seed)
    return {
        "六层 ReLU 走完 20 步的损失": np.median(loss),
        "损失之比 对手 / ReLU": np.median(other / loss),
    }
