"""梯度裁剪：它救的是悬崖，代价是什么，会不会让 RNN 忘掉很早的历史。"""

import numpy as np

from quizdl.proof import claim, line


def shrink(norm, threshold):
    """按范数裁剪乘的系数：只缩小，不放大。"""
    return np.minimum(1.0, threshold / norm)


def deep_gradients(seed, depth=5, n=16, batch=32, nudge=0.0):
    """sigmoid 网络各层权重的梯度 (depth, n, n)、损失，以及 <梯度, V>，供差分核对。"""
    rng = np.random.default_rng(seed)
    W, V = rng.normal(0, n**-0.5, (2, depth, n, n))
    x, y = rng.normal(0, 1, (2, batch, n))
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


def cosine(a, b):
    return np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b)


@claim(
    guard={"每层余弦的最小值": ">= 0.999999", "与差分的误差": "<= 1e-6"},
    expect={"总方向的余弦": "<= 0.8", "裁剪后 最小层 / 最大层": ">= 0.999999"},
    control={"how": "global"},
    knobs={"how": ["per_tensor", "global"], "depth": [2, 8]},
)
def per_tensor_turns(how="per_tensor", depth=5, seed=0):
    """每个张量各裁各的：每层方向不变，总方向却转了，各层变得一样大"""
    grads, _, along = deep_gradients(seed, depth)
    plus, minus = (deep_gradients(seed, depth, nudge=h)[1] for h in (1e-5, -1e-5))
    norms = np.linalg.norm(grads, axis=(1, 2))
    threshold = norms.min() / 2  # 每一层都超过
    per_layer = shrink(norms, threshold)[:, None, None]
    clipped = grads * (
        per_layer if how == "per_tensor" else shrink(np.linalg.norm(grads), threshold)
    )
    sizes = np.linalg.norm(clipped, axis=(1, 2))
    return {
        "每层余弦的最小值": min(cosine(a, b) for a, b in zip(grads, clipped, strict=True)),
        "与差分的误差": abs((plus - minus) / 2e-5 - along) / np.linalg.norm(grads),
        "总方向的余弦": cosine(grads, clipped),
        "裁剪后 最小层 / 最大层": sizes.min() / sizes.max(),
    }


@claim(
    guard={"起点的梯度 / 最优点的曲率": "in [100, 1e5]", "梯度与差分的误差": "<= 1e-6"},
    expect={"留在最优点附近所需的步数": "<= 100"},
    control={"threshold": 1e9},
    knobs={"threshold": [0.1, 1e9], "T": [3, 40]},
)
def cliff_needs_clipping(threshold=1.0, T=20, seed=0):
    """构造的悬崖 (wᵀ − y)²/2：裁剪后几十步走到最优点，不裁剪调遍学习率也走不到"""
    rng = np.random.default_rng(seed)
    w0, y = rng.uniform(1.2, 1.3), rng.uniform(0.3, 0.8)
    best, lr = y ** (1 / T), np.geomspace(1e-12, 0.1, 40)  # w = best 时损失为零
    loss = lambda w: (w**T - y) ** 2 / 2
    slope = lambda w: (w**T - y) * T * w ** (T - 1)
    slopes = lambda f, w: (f(w + 1e-6) - f(w - 1e-6)) / 2e-6  # 中心差分
    w, errors = np.full(40, w0), []
    for _ in range(1000):
        g = slope(w)
        w = w - lr * shrink(np.abs(g), threshold) * g
        errors.append(np.abs(w - best) / (w0 - best))
    away = ~(np.array(errors) <= 0.01)  # (步, lrs)；NaN 也算
    needed = np.where(away[-1], 1000, 1000 - away[::-1].argmax(axis=0))  # 此后不再离开
    winner = needed.argmin()
    return {
        "起点的梯度 / 最优点的曲率": slope(w0) / slopes(slope, best),
        "梯度与差分的误差": abs(slopes(loss, w0) / slope(w0) - 1),
        "留在最优点附近所需的步数": needed[winner],
        "误差": line(np.array(errors)[:200, winner], x_label="步", y_label="误差", log_y=True),
    }


def noise(kind, rng, shape):
    """三种零均值的噪声；前两种标准差为 1，heavy 的方差无穷大。"""
    if kind == "skewed":
        return rng.exponential(1, shape) - 1
    if kind == "heavy":  # |ξ| + 1 服从指数 1.2 的 Pareto 分布
        return rng.choice([-1, 1], shape) * (rng.random(shape) ** (-1 / 1.2) - 1)
    return rng.normal(0, 1, shape)


@claim(
    guard={"噪声的均值 / 标准差": "in [-0.02, 0.02]"},
    expect={"停下的位置 / 噪声的标准差": "in [0.25, 0.33]"},
    control=[{"kind": "normal"}, {"threshold": 30.0}],
    knobs={"kind": ["skewed", "normal"], "threshold": [0.1, 30.0]},
)
def skewed_noise_biases(kind="skewed", threshold=0.3, seed=0):
    """噪声零均值但偏斜：裁剪后的梯度有偏，停在离最优点 0.3 个标准差的地方"""
    rng, w = np.random.default_rng(seed), np.zeros(200)  # 200 份独立的训练，最优点是 0
    xi = noise(kind, rng, (400, 200))
    for each in xi:
        g = w + each  # w²/2 的梯度加噪声
        w = w - 0.05 * shrink(np.abs(g), threshold) * g
    return {
        "噪声的均值 / 标准差": xi.mean() / xi.std(),
        "停下的位置 / 噪声的标准差": w.mean() / xi.std(),
    }


def noisy_descent(kind, threshold, seed):
    """二次函数加噪声，20 份、每个学习率各走 300 步；最好的学习率下离最优点的平均距离。"""
    rng = np.random.default_rng(seed)
    lr, w = np.geomspace(1e-3, 1, 8)[:, None, None], np.full((8, 20, 10), 3.0)
    for _ in range(300):
        g = w + noise(kind, rng, (20, 10))
        w = w - lr * shrink(np.linalg.norm(g, axis=2, keepdims=True), threshold) * g
    return np.linalg.norm(w, axis=2).mean(axis=1).min()


@claim(
    guard={"裁剪后的距离 / 起点": "in [0.02, 0.2]"},
    expect={"裁剪 / 不裁剪的距离": "in [0.03, 0.4]"},
    control={"kind": "normal"},
    knobs={"kind": ["heavy", "normal"], "threshold": [0.3, 30.0]},
)
def heavy_tails_need_clipping(kind="heavy", threshold=1.0, seed=0):
    """噪声的方差无穷大：各自调好学习率，裁剪的误差也不到不裁剪的四成"""
    clipped = noisy_descent(kind, threshold, seed)
    plain = noisy_descent(kind, np.inf, seed)
    return {
        "裁剪后的距离 / 起点": clipped / (3 * np.sqrt(10)),
        "裁剪 / 不裁剪的距离": clipped / plain,
    }


def regression_path(seed, lr, threshold):
    """小批量线性回归 100 步的轨迹 (101, 10)，与被裁剪的步数占比。"""
    rng = np.random.default_rng(seed)
    X, w_true = rng.normal(0, 1, (512, 10)), rng.normal(0, 1, 10)
    y = X @ w_true + rng.normal(0, 0.3, 512)
    path, clipped = [np.zeros(10)], []
    for batch in rng.integers(0, 512, (100, 16)):
        g = 2 * X[batch].T @ (X[batch] @ path[-1] - y[batch]) / 16
        factor = shrink(np.linalg.norm(g), threshold)
        clipped.append(factor < 1)
        path.append(path[-1] - lr * factor * g)
    return (
        np.array(path),
        np.mean(clipped),
        np.linalg.norm(path[-1] - w_true) / np.linalg.norm(w_true),
    )


@claim(
    guard={"走完时的误差 / 起点": "<= 0.9", "被裁剪过的步数占比": ">= 0.05"},
    expect={"两条轨迹的相对差": "<= 1e-9"},
    control={"threshold": 2.0},
    knobs={"threshold": [0.01, 5.0]},
)
def threshold_is_a_step_length(threshold=0.2, seed=0):
    """每步都被裁剪时只有 lr·c 起作用：学习率加倍、阈值减半，轨迹不变"""
    one, share, error = regression_path(seed, 0.05, threshold)
    two, _, _ = regression_path(seed, 0.1, threshold / 2)
    return {
        "走完时的误差 / 起点": error,
        "被裁剪过的步数占比": share,
        "两条轨迹的相对差": np.linalg.norm(one - two) / np.linalg.norm(one),
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
    for t in range(T - 1, T - 1 - window, -1):
        dz = delta * (1 - h[t + 1] ** 2)
        grads[0] += h[t].swapaxes(1, 2) @ dz
        grads[1] += x[t].T @ dz
        delta = dz @ W.swapaxes(1, 2)
    return np.mean(error**2, axis=(1, 2)), [2 / BATCH * g for g in grads]


def start(rng, copies):
    """W 是正交阵的 0.9 倍；copies 份相同的参数。"""
    W = 0.9 * np.linalg.qr(rng.normal(0, 1, (N, N)))[0]
    u, v = rng.normal(0, 0.3, (1, N)), rng.normal(0, N**-0.5, (N, 1))
    return [np.tile(p, (copies, 1, 1)) for p in (W, u, v)]


def batch_of(rng):
    return rng.normal(0, 1, (T, BATCH, 1)), rng.normal(0, 0.1, (T, BATCH, N))


def rnn_error(seed):
    """完整反传的梯度与中心差分之差，沿一个随机方向。"""
    rng, h = np.random.default_rng(seed), 1e-5
    params, data = start(rng, 1), batch_of(rng)
    V = [rng.normal(0, 1, p.shape) for p in params]
    plus, minus = (
        rnn(*[p + s * d for p, d in zip(params, V, strict=True)], *data, T)[0].sum()
        for s in (h, -h)
    )
    along = sum((g * d).sum() for g, d in zip(rnn(*params, *data, T)[1], V, strict=True))
    return abs((plus - minus) / (2 * h) - along)


def recall_loss(seed, window, threshold, rates):
    """训练 120 步，每步都换新样本；各学习率里最低的损失，以及那时被裁剪的步数占比。"""
    rng, lr = np.random.default_rng(seed), np.reshape(rates, (-1, 1, 1))
    params, losses, clipped = start(rng, len(rates)), [], []
    for _ in range(120):
        loss, grads = rnn(*params, *batch_of(rng), window)
        total = np.sqrt(sum((g**2).sum(axis=(1, 2), keepdims=True) for g in grads))
        factor = shrink(total, threshold)
        losses.append(loss)
        clipped.append(factor.ravel() < 1)
        params = [p - lr * factor * g for p, g in zip(params, grads, strict=True)]
    final = np.mean(losses[-10:], axis=0)
    best = np.nanargmin(final)
    return final[best], np.mean(clipped, axis=0)[best]


@claim(
    guard={
        "被裁剪的步数占比": ">= 0.7",
        "不裁剪的损失": ">= 0.1",
        "反向与差分的误差": "<= 1e-6",
    },
    expect={"裁剪时的损失": "in [0.1, 0.7]", "裁剪 / 不裁剪的损失": "in [0.2, 1.8]"},
    control={"window": 2},
    knobs={"window": [2, 12], "threshold": [0.01, 1.0]},
)
def clipping_keeps_memory(window=12, threshold=0.1, seed=0):
    """隔 11 步的记忆：步步都按总范数裁剪照样学会；只反传 2 步（截断 BPTT）就学不会"""
    loss, share = recall_loss(seed, window, threshold, np.geomspace(0.4, 3, 4))
    plain, _ = recall_loss(seed, T, 1e9, (0.05, 0.15))
    return {
        "被裁剪的步数占比": share,
        "不裁剪的损失": plain,
        "反向与差分的误差": rnn_error(seed),
        "裁剪时的损失": loss,
        "裁剪 / 不裁剪的损失": loss / plain,
    }
