"""BN 放在激活之前还是之后：量一量差在哪里。"""

import numpy as np

from quizdl.proof import claim, hist

EPS = 1e-5


def relu(z):
    return np.maximum(z, 0)


def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2


def bn(x):
    """归一化之后的值，和标准差。倒数第二维是批：(…, m, C)"""
    std = np.sqrt(x.var(axis=-2, keepdims=True) + EPS)
    return (x - x.mean(axis=-2, keepdims=True)) / std, std


def bn_backward(d, xhat, std):
    mean = lambda v: v.mean(axis=-2, keepdims=True)
    return (d - mean(d) - xhat * mean(d * xhat)) / std


def block(z, place, act=relu, beta=0.0):
    """z = x W 之后的一段：返回激活函数的输入，和交给下一层的值。γ = 1。"""
    if place == "before":  # 线性 → BN → 激活
        n = bn(z)[0] + beta
        return n, act(n)
    if place == "after":  # 线性 → 激活 → BN
        return z, bn(act(z))[0] + beta
    return z, act(z)


@claim(
    guard={"偏置 / 激活前的标准差": "in [0.8, 5]", "损失沿权重的变化率": ">= 1e-4"},
    expect={"加偏置后输出的变化": "<= 1e-12", "损失沿偏置的变化率": "<= 1e-6"},
    control=[{"place": "after"}, {"place": "none"}],
    knobs={"place": ["before", "after", "none"], "size": [1.0, 10.0]},
)
def bias_is_redundant(place="before", size=2.0, seed=0):
    """BN 紧跟线性层，线性层的偏置就没有作用，梯度也恒为 0；隔着 ReLU 则不然"""
    rng, step = np.random.default_rng(seed), 1e-6
    x, G = rng.normal(size=(64, 8)), rng.normal(size=(64, 16))  # 输入，上游梯度
    W, b = rng.normal(size=(8, 16)) / np.sqrt(8), size * rng.normal(size=16)
    out = lambda W, b: block(x @ W + b, place)[1]
    loss = lambda W, b: (G * out(W, b)).sum() / np.linalg.norm(G)

    dW, db = step * rng.normal(size=W.shape), step * rng.normal(size=16)  # 随机的方向
    return {
        "偏置 / 激活前的标准差": np.linalg.norm(b) / np.linalg.norm((x @ W).std(axis=0)),
        "损失沿权重的变化率": abs(loss(W + dW, b) - loss(W, b)) / step,
        "加偏置后输出的变化": np.abs(out(W, b) - out(W, 0)).max(),
        "损失沿偏置的变化率": abs(loss(W, b + db) - loss(W, b)) / step,
    }


@claim(
    guard={"激活函数输入的标准差": "in [0.95, 1.05]"},
    expect={
        "下一层输入的均值": "in [0.39, 0.408]",
        "下一层输入的方差": "in [0.33, 0.352]",
        "最大特征值的份额": "in [0.31, 0.355]",
    },
    control={"place": "after"},
    knobs={"place": ["before", "after", "none"]},
)
def relu_output_is_not_centred(place="before", seed=0):
    """BN → ReLU 交给下一层的均值约 0.40、方差约 0.34；ReLU → BN 交出的是 0 和 1"""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(4000, 64)) @ rng.normal(size=(64, 64)) / np.sqrt(64)
    n, out = block(z, place)
    moments = np.linalg.eigvalsh(out.T @ out)  # 未减均值的二阶矩，(64,)
    return {
        "激活函数输入的标准差": n.std(),
        "下一层输入的均值": out.mean(),
        "下一层输入的方差": out.var(),
        "最大特征值的份额": moments[-1] / moments.sum(),
        "下一层的输入": hist(out[:, 0], x_label="值", y_label="个数"),
    }


@claim(
    guard={"激活前均值 / 标准差": "in [-10.5, -9.5]"},
    expect={"整批不激活的神经元": "== 0", "激活的比例": "in [0.47, 0.53]"},
    control=[{"place": "after"}, {"beta": -6.0}],
    knobs={"place": ["before", "after", "none"], "beta": [-10.0, 2.0], "m": [16, 256]},
)
def no_dead_relu_before(place="before", beta=0.0, m=64, seed=0):
    """激活前的均值被推到 −10 倍标准差：BN 在前，仍有一半激活；在后，全部死掉"""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(m, 32)) @ rng.normal(size=(32, 100))
    z = z - 10 * z.std(axis=0)  # 一次过大的更新，把偏置推到很负
    n, _ = block(z, place, beta=beta)
    return {
        "激活前均值 / 标准差": (z.mean(axis=0) / z.std(axis=0)).mean(),
        "整批不激活的神经元": np.mean((n <= 0).all(axis=0)),
        "激活的比例": np.mean(n > 0),
    }


@claim(
    guard={"激活前的标准差": "in [0.4, 12]"},
    expect={"σ' 的平均值": "in [0.03, 0.06]", "输出的标准差": "in [0.99, 1.01]"},
    control=[{"place": "before"}, {"scale": 0.5}],
    knobs={"place": ["after", "before"], "scale": [0.1, 20.0]},
)
def after_cannot_unsaturate(place="after", scale=10.0, seed=0):
    """sigmoid 已经饱和时，放在它后面的 BN 使输出方差为 1，却救不回 σ'"""
    rng = np.random.default_rng(seed)
    z = scale * rng.normal(size=(2000, 32)) @ rng.normal(size=(32, 32)) / np.sqrt(32)
    n, out = block(z, place, sigmoid)
    return {
        "激活前的标准差": z.std(),
        "σ' 的平均值": (sigmoid(n) * sigmoid(-n)).mean(),
        "输出的标准差": out.std(),
    }


def loss_and_gradients(weights, X, y, place):
    """每个网络的均方误差 (k,)，对各层 W、各层 β、末层 v 的梯度。X: (k, m, n)

    γ 可以并进下一层的权重（ReLU 正齐次），省去。
    """
    *layers, v = weights
    h, saved = X, []
    for W, beta in zip(layers[:DEPTH], layers[DEPTH:], strict=True):
        x = h
        h, xhat, std = x @ W, None, None
        if place == "before":
            xhat, std = bn(h)
            h = xhat
        if place != "after":
            h = h + beta
        active = h > 0
        h = relu(h)
        if place == "after":
            xhat, std = bn(h)
            h = xhat + beta
        saved.append((x, W, active, xhat, std))
    error = h @ v - y
    d = 2 * error / y.shape[1]
    dW, dbeta, dv, d = [], [], h.mT @ d, d @ v.mT
    for x, W, active, xhat, std in reversed(saved):
        if place != "after":
            d = d * active
        dbeta.insert(0, d.sum(axis=1, keepdims=True))
        if place != "none":
            d = bn_backward(d, xhat, std)
        if place == "after":
            d = d * active
        dW.insert(0, x.mT @ d)
        d = d @ W.mT
    return np.mean(error**2, axis=(1, 2)), [*dW, *dbeta, dv]


DEPTH, WIDTH, TASKS = 4, 16, 2
RATES = np.geomspace(0.01, 0.75, 5)


def task(rng, init):
    """老师 (TASKS, n, 4) 与四层 MLP 的起点：W 是 He 初始化乘 init，β 与末层 v 从 0 起。"""
    teacher = rng.normal(size=(TASKS, WIDTH, 4)) / np.sqrt(WIDTH)
    he = np.sqrt(2 / WIDTH) * rng.normal(size=(DEPTH, TASKS, WIDTH, WIDTH))
    beta = [np.zeros((TASKS, 1, WIDTH))] * DEPTH
    return teacher, [*(init * he), *beta, np.zeros((TASKS, WIDTH, 1))]


def batch(rng, teacher):
    X = rng.normal(size=(TASKS, 32, WIDTH))
    return X, np.sin(X @ teacher).sum(axis=2, keepdims=True)


def gradient_error(place, seed, step=1e-8):
    """损失沿随机方向的变化率：反向传播与中心差分的最大相对误差。"""
    rng = np.random.default_rng(seed)
    teacher, weights = task(rng, 1.0)
    X, y = batch(rng, teacher)
    weights = [w + rng.normal(size=w.shape) for w in weights]  # β、v 也不为 0
    along = [rng.normal(size=w.shape) for w in weights]
    moved = lambda t: [w + t * u for w, u in zip(weights, along, strict=True)]
    loss = lambda t: loss_and_gradients(moved(t), X, y, place)[0]
    gradients = loss_and_gradients(weights, X, y, place)[1]
    slope = sum((g * u).sum(axis=(1, 2)) for g, u in zip(gradients, along, strict=True))
    return np.abs((loss(step) - loss(-step)) / (2 * step * slope) - 1).max()


def train(place, init, seed, steps=60):
    """在线回归：每步一批没见过的样本。后 20 步的平均相对误差 (TASKS,)，每题取最好的学习率。"""
    rng = np.random.default_rng(seed)
    teacher, weights = task(rng, init)
    copies = lambda a: np.repeat(a, len(RATES), axis=0)  # 每个学习率一份
    weights, lr = [copies(w) for w in weights], np.tile(RATES, TASKS)[:, None, None]
    curve = []
    for _ in range(steps):
        X, y = (copies(a) for a in batch(rng, teacher))
        loss, gradients = loss_and_gradients(weights, X, y, place)
        weights = [w - lr * g for w, g in zip(weights, gradients, strict=True)]
        curve.append(loss / y.var())
    last = np.fmin(np.mean(curve[-20:], axis=0), 1)  # 发散的当作猜均值，误差为 1
    return last.reshape(TASKS, -1).min(axis=1)


@claim(
    guard={"放在前的相对误差": "in [0.05, 0.7]", "反向与中心差分的相对误差": "<= 0.001"},
    expect={"后 / 前 的误差之比": "in [0.85, 1.15]", "不做 / 做得较差者": "in [2, 12]"},
    control=[{"init": 2.0}, {"second": "none"}],
    knobs={"init": [0.05, 2.0], "second": ["after", "none"]},
)
@np.errstate(all="ignore")  # 太大的学习率会发散
def presence_matters_more(init=0.1, second="after", seed=0):
    """初始权重是 He 的十分之一的四层 MLP，各自调学习率：前后相差不到一成半，不做则差一倍以上"""
    first, other, plain = (train(place, init, seed) for place in ("before", second, "none"))
    return {
        "放在前的相对误差": first.mean(),
        "反向与中心差分的相对误差": max(
            gradient_error(p, seed) for p in ("before", "after", "none")
        ),
        "后 / 前 的误差之比": np.exp(np.log(other / first).mean()),
        "不做 / 做得较差者": np.exp(np.log(plain / np.maximum(first, other)).mean()),
    }
