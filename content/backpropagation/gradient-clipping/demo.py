"""梯度裁剪：它救的是悬崖，代价是什么，会不会让 RNN 忘掉很早的历史。"""

import numpy as np

from quizdl.proof import claim, line


def shrink(norm, threshold):
    """按范数裁剪乘的系数：只缩小，不放大。"""
    return np.minimum(1.0, threshold / norm)


def unit(g):
    return g / np.linalg.norm(g)


def deep_gradients(seed, depth, nudge=0.0):
    """sigmoid 网络各层权重的梯度 (depth, n, n)、损失，以及 <梯度, V>，供差分核对。"""
    rng, n = np.random.default_rng(seed), 16
    W, V = rng.standard_normal((2, depth, n, n)) / np.sqrt(n)
    x, y = rng.standard_normal((2, 2 * n, n))
    W, hs = W + nudge * V, [x]
    for each in W:
        hs.append(1 / (1 + np.exp(-hs[-1] @ each)))
    delta, grads = 2 * (hs[-1] - y) / y.size, []
    for layer in reversed(range(depth)):
        delta = delta * hs[layer + 1] * (1 - hs[layer + 1])
        grads.append(hs[layer].T @ delta)
        delta = delta @ W[layer].T
    grads = np.array(grads[::-1])
    return grads, ((hs[-1] - y) ** 2).mean(), (grads * V).sum()


@claim(
    guard={
        "反向与差分的相对误差": "<= 1e-5",
        "每层方向之差": "<= 1e-12",
        "按总范数裁剪后的总范数 / 阈值": "in [0.999999, 1.000001]",
        "阈值够大时的系数": "== 1",
    },
    expect={"总方向的余弦": "in [0.4, 0.75]", "裁剪后 最小层 / 最大层": ">= 0.999999"},
    control={"how": "global"},
    knobs={"how": ["per_tensor", "global"], "depth": [2, 8]},
)
def per_tensor_turns(how="per_tensor", depth=5, seed=0):
    """每个张量各裁各的：每层方向不变，总方向却转了，各层变得一样大"""
    grads, _, along = deep_gradients(seed, depth)
    plus, minus = (deep_gradients(seed, depth, h)[1] for h in (1e-4, -1e-4))
    norms, total = np.linalg.norm(grads, axis=(1, 2)), np.linalg.norm(grads)
    threshold = norms.min() / 2  # 每一层都超过
    whole = grads * shrink(total, threshold)
    clipped = {
        "per_tensor": grads * shrink(norms, threshold)[:, None, None],
        "global": whole,
    }[how]
    sizes = np.linalg.norm(clipped, axis=(1, 2))
    turned = clipped / sizes[:, None, None] - grads / norms[:, None, None]
    return {
        "反向与差分的相对误差": abs((plus - minus) / 2e-4 / along - 1),
        "每层方向之差": np.abs(turned).max(),
        "按总范数裁剪后的总范数 / 阈值": np.linalg.norm(whole) / threshold,
        "阈值够大时的系数": shrink(norms, total).max(),
        "总方向的余弦": (unit(grads) * unit(clipped)).sum(),
        "裁剪后 最小层 / 最大层": sizes.min() / sizes.max(),
    }


@claim(
    guard={"起点的梯度 / 最优点的曲率": "in [50, 1e4]", "梯度与差分的误差": "<= 1e-6"},
    expect={"留在最优点附近所需的步数": "in [5, 100]"},
    control={"threshold": 1e9},
    knobs={"threshold": [0.1, 1e9], "T": [3, 40]},
)
def cliff_needs_clipping(threshold=1.0, T=20, seed=0):
    """构造的悬崖 (wᵀ − y)²/2：裁剪后几十步走到最优点，不裁剪调遍学习率也走不到"""
    rng = np.random.default_rng(seed)
    w0, y = rng.uniform(1.2, 1.3, (8, 1)), rng.uniform(0.3, 0.8)  # 八个起点：一步碰巧落准不算
    best, lr = y ** (1 / T), np.geomspace(1e-12, 0.1, 40)  # w = best 时损失为零
    loss = lambda w: (w**T - y) ** 2 / 2
    slope = lambda w: (w**T - y) * T * w ** (T - 1)
    slopes = lambda f, w: (f(w + 1e-6) - f(w - 1e-6)) / 2e-6  # 中心差分
    w, errors = np.repeat(w0, lr.size, axis=1), []  # (起点, lrs)
    for _ in range(1000):
        errors.append((np.abs(w - best) / (w0 - best)).max(axis=0))  # 最远的起点
        g = slope(w)
        w = w - lr * shrink(np.abs(g), threshold) * g
    away = ~(np.array(errors) <= 0.01)  # (步, lrs)；NaN 也算
    needed = (away * np.arange(1, 1001)[:, None]).max(axis=0)  # 此后不再离开
    winner = needed.argmin()
    return {
        "起点的梯度 / 最优点的曲率": (slope(w0) / slopes(slope, best)).min(),
        "梯度与差分的误差": np.abs(slopes(loss, w0) / slope(w0) - 1).max(),
        "留在最优点附近所需的步数": needed[winner],
        "误差": line(np.array(errors)[:200, winner], x_label="步", y_label="误差", log_y=True),
    }


NOISES = {  # 三种零均值的噪声；前两种标准差为 1，heavy 的方差无穷大
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed": lambda rng, shape: rng.standard_exponential(shape) - 1,
    "heavy": lambda rng, shape: rng.pareto(1.2, shape) - rng.pareto(1.2, shape),
}


@claim(
    guard={"噪声的均值": "in [-0.02, 0.02]", "噪声的标准差": "in [0.97, 1.03]"},
    expect={"停下的位置 / 噪声的标准差": "in [0.26, 0.31]"},
    control=[{"kind": "normal"}, {"threshold": 30.0}],
    knobs={"kind": ["skewed", "normal"], "threshold": [0.1, 30.0]},
)
def skewed_noise_biases(kind="skewed", threshold=0.3, seed=0):
    """噪声零均值但偏斜：裁剪后的梯度有偏，停在离最优点 0.3 个标准差的地方"""
    rng, w = np.random.default_rng(seed), np.zeros(200)  # 200 份独立的训练，最优点是 0
    xi = NOISES[kind](rng, (400, 200))
    for each in xi:
        g = w + each  # w²/2 的梯度加噪声
        w = w - 0.05 * shrink(np.abs(g), threshold) * g
    return {
        "噪声的均值": xi.mean(),
        "噪声的标准差": xi.std(),
        "停下的位置 / 噪声的标准差": w.mean(),
    }


def noisy_descent(xi, threshold):
    """二次函数加噪声，每个学习率各走 300 步；最好的学习率下，离最优点的平均距离 / 起点。"""
    start, lr = np.full(10, 3.0), np.geomspace(1e-3, 1, 8)[:, None, None]
    w = np.tile(start, (8, 20, 1))  # (lrs, 20 份, 10 维)
    for each in xi:
        g = w + each
        w = w - lr * shrink(np.linalg.norm(g, axis=2, keepdims=True), threshold) * g
    return np.linalg.norm(w, axis=2).mean(axis=1).min() / np.linalg.norm(start)


@claim(
    guard={"裁剪后的距离 / 起点": "in [0.02, 0.2]"},
    expect={"不裁剪 / 裁剪的距离": "in [2.5, 60]"},
    control={"kind": "normal"},
    knobs={"kind": ["heavy", "normal"], "threshold": [0.3, 30.0]},
)
def heavy_tails_need_clipping(kind="heavy", threshold=1.0, seed=0):
    """噪声的方差无穷大：各自调好学习率，裁剪的误差也不到不裁剪的四成"""
    xi = NOISES[kind](np.random.default_rng(seed), (300, 20, 10))
    clipped = noisy_descent(xi, threshold)
    return {
        "裁剪后的距离 / 起点": clipped,
        "不裁剪 / 裁剪的距离": noisy_descent(xi, np.inf) / clipped,
    }


def regression_path(seed, lr, threshold):
    """小批量线性回归 100 步：轨迹 (101, 10)，末了的误差 / 起点。"""
    rng = np.random.default_rng(seed)
    X, w_true = rng.standard_normal((512, 10)), rng.standard_normal(10)
    y, path = X @ w_true, [np.zeros(10)]
    for batch in rng.integers(len(X), size=(100, 16)):
        g = 2 * X[batch].T @ (X[batch] @ path[-1] - y[batch]) / len(batch)
        path.append(path[-1] - lr * shrink(np.linalg.norm(g), threshold) * g)
    return np.array(path), np.linalg.norm(path[-1] - w_true) / np.linalg.norm(w_true)


@claim(
    guard={"走完时的误差 / 起点": "in [0, 0.95]"},
    expect={
        "最短的一步 / (lr·c)": "in [0.999999, 1.000001]",
        "两条轨迹的相对差": "<= 1e-9",
    },
    control={"threshold": 2.0},
    knobs={"threshold": [0.01, 5.0]},
)
def threshold_is_a_step_length(threshold=0.2, seed=0):
    """每步都被裁剪时只有 lr·c 起作用：学习率加倍、阈值减半，轨迹不变"""
    one, error = regression_path(seed, 0.05, threshold)
    two, _ = regression_path(seed, 0.1, threshold / 2)
    steps = np.linalg.norm(np.diff(one, axis=0), axis=1)
    return {
        "走完时的误差 / 起点": error,
        "最短的一步 / (lr·c)": steps.min() / (0.05 * threshold),
        "两条轨迹的相对差": np.abs(one[1:] / two[1:] - 1).max(),
    }


T, N, BATCH = 12, 4, 48  # 步数、隐层宽度、每批的序列数


def rnn(W, u, v, x, noise, window):
    """h_t = tanh(h_{t−1} W + x_t u + 噪声)，末了用 h_T v 答出 x_1；反传最后 window 步。

    W: (m, N, N)，u: (m, 1, N)，v: (m, N, 1)，m 份参数各算各的；x: (T, BATCH, 1)。
    """
    h = [np.zeros((len(W), BATCH, N))]
    for each, eps in zip(x, noise, strict=True):
        h.append(np.tanh(h[-1] @ W + each @ u + eps))
    error = h[-1] @ v - x[0]
    grads = [np.zeros_like(W), np.zeros_like(u), h[-1].swapaxes(1, 2) @ error]
    delta = error @ v.swapaxes(1, 2)
    for t in reversed(range(T - window, T)):
        dz = delta * (1 - h[t + 1] ** 2)
        grads[0] += h[t].swapaxes(1, 2) @ dz
        grads[1] += x[t].T @ dz
        delta = dz @ W.swapaxes(1, 2)
    return np.mean(error**2, axis=(1, 2)), [2 / BATCH * g for g in grads]


def start(rng, copies):
    """W 是正交阵的 0.9 倍；copies 份相同的参数。"""
    W = 0.9 * np.linalg.qr(rng.standard_normal((N, N)))[0]
    u, v = 0.3 * rng.standard_normal((1, N)), rng.standard_normal((N, 1)) / np.sqrt(N)
    return [np.tile(p, (copies, 1, 1)) for p in (W, u, v)]


def batch_of(rng):
    return rng.standard_normal((T, BATCH, 1)), 0.1 * rng.standard_normal((T, BATCH, N))


def rnn_error(seed):
    """完整反传的梯度与中心差分的相对误差，沿一个随机方向。"""
    rng, h = np.random.default_rng(seed), 1e-5
    params, data = start(rng, 1), batch_of(rng)
    V = [rng.standard_normal(p.shape) for p in params]
    loss = lambda s: rnn(*[p + s * d for p, d in zip(params, V, strict=True)], *data, T)[0][0]
    along = sum((g * d).sum() for g, d in zip(rnn(*params, *data, T)[1], V, strict=True))
    return abs((loss(h) - loss(-h)) / (2 * h) / along - 1)


def recall_loss(seed, window, threshold, rates):
    """训练 120 步，每步都换新样本；各学习率里最低的损失，以及那时被裁剪的步数占比。"""
    rng, lr = np.random.default_rng(seed), np.reshape(rates, (-1, 1, 1))
    params, losses, clipped = start(rng, len(rates)), [], []
    for _ in range(120):
        loss, grads = rnn(*params, *batch_of(rng), window)
        total = np.sqrt(sum((g**2).sum(axis=(1, 2), keepdims=True) for g in grads))
        losses.append(loss)
        clipped.append(total.ravel() > threshold)
        step = lr * shrink(total, threshold)
        params = [p - step * g for p, g in zip(params, grads, strict=True)]
    final = np.mean(losses[-10:], axis=0)
    best = np.nanargmin(final)
    return final[best], np.mean(clipped, axis=0)[best], losses[0][best]


@claim(
    guard={
        "被裁剪的步数占比": ">= 0.8",
        "开头的损失": "in [0.5, 4]",
        "不裁剪的损失": "in [0.1, 1.2]",
        "不裁剪时被裁剪的步数占比": "== 0",
        "反向与差分的相对误差": "<= 1e-5",
    },
    expect={
        "裁剪时的损失": "in [0.1, 0.7]",
        "裁剪 / 不裁剪的损失": "in [0.2, 1.8]",
    },
    control={"window": 2},
    knobs={"window": [2, 12], "threshold": [0.01, 1.0]},
)
def clipping_keeps_memory(window=12, threshold=0.05, seed=0):
    """隔 11 步的记忆：步步都按总范数裁剪照样学会；只反传 2 步（截断 BPTT）就学不会"""
    loss, share, first = recall_loss(seed, window, threshold, np.geomspace(0.8, 6, 4))
    plain, none, _ = recall_loss(seed, T, 1e9, (0.05, 0.15))
    return {
        "被裁剪的步数占比": share,
        "开头的损失": first,
        "不裁剪的损失": plain,
        "不裁剪时被裁剪的步数占比": none,
        "反向与差分的相对误差": rnn_error(seed),
        "裁剪时的损失": loss,
        "裁剪 / 不裁剪的损失": loss / plain,
    }
