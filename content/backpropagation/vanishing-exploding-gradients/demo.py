"""梯度消失与爆炸：Jacobian 连乘的后果，以及每种药治什么、不治什么。"""

from collections import namedtuple

import numpy as np

from quizdl.proof import claim, line


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


ACTIVATIONS = {  # 激活函数，以及用输出 a 表示的导数
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
}

INITS = {  # (n, n) 的权重
    "xavier": lambda rng, n: rng.normal(0, np.sqrt(1 / n), (n, n)),
    "he": lambda rng, n: rng.normal(0, np.sqrt(2 / n), (n, n)),
    "positive": lambda rng, n: np.abs(rng.normal(0, np.sqrt(1 / n), (n, n))),
    "orthogonal": lambda rng, n: np.linalg.qr(rng.normal(0, 1, (n, n)))[0],
}


Run = namedtuple("Run", "norms weights slopes loss along")


def backprop(
    seed, act, init, gain=1.0, norm="none", skip="none", branch=1.0, depth=20, n=64, nudge=0.0
):
    """各层的梯度范数 ‖∂L/∂h‖ (depth + 1,)（下标 0 是输入）、权重、φ'(z)，L，<∂L/∂h_0, V>。

    z = h W，可再做 BN。无跳连：h ← φ(z)；恒等跳连：h ← h + branch · φ(z)；
    先加后激活：h ← φ(h + branch · z)。L = <G, h_末>，G 随机，末端的梯度就是 G。
    输入沿随机方向 V 挪 nudge，供差分核对。
    """
    phi, dphi = ACTIVATIONS[act]
    rng = np.random.default_rng(seed)
    G, V, h = rng.normal(0, 1, (3, n, n))  # (batch, n)
    h, saved = np.abs(h) + nudge * V, []
    for _ in range(depth):
        W = gain * INITS[init](rng, n)
        z, std = h @ W, None
        if norm == "bn":
            std = z.std(axis=0)  # (n,)
            z = (z - z.mean(axis=0)) / std
        a = phi(h + branch * z) if skip == "after" else phi(z)
        h = h + branch * a if skip == "identity" else a
        saved.append((W, z, std, dphi(a)))
    loss, norms = (G * h).sum(), [np.linalg.norm(G)]
    for W, z, std, slope in reversed(saved):
        dz = G * slope  # 跨过激活
        shortcut = {"none": 0.0, "identity": G, "after": dz}[skip]
        dz = dz if skip == "none" else branch * dz
        if norm == "bn":  # 均值与方差也依赖 z
            dz = (dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0)) / std
        G = dz @ W.T + shortcut  # 跨过线性层
        norms.append(np.linalg.norm(G))
    weights, slopes = [W for W, *_ in saved], [slope for *_, slope in saved]
    return Run(np.array(norms[::-1]), weights, slopes, loss, (G * V).sum())


def backprop_error(seed, *net, h=1e-7, **options):
    """同样的网络取小（宽 8、三层）：方向导数与中心差分之差，相对于梯度的范数。"""
    options |= {"depth": 3, "n": 8}
    plus, exact, minus = (backprop(seed, *net, nudge=s, **options) for s in (h, 0.0, -h))
    return abs((plus.loss - minus.loss) / (2 * h) - exact.along) / exact.norms[0]


def by_layer(norms):
    """一张图：名称 → 各层的梯度范数。"""
    return line(norms, x_label="层（0 是输入）", y_label="梯度范数", log_y=True)


def log_slope(norms):
    """每退一层 ln(梯度范数) 的变化（最小二乘），和直线的 R²。"""
    steps, logs = np.arange(len(norms)), np.log(norms[::-1])
    k, b = np.polyfit(steps, logs, 1)
    return k, 1 - np.var(logs - k * steps - b) / np.var(logs)


@claim(
    guard={
        "φ' 的平均值": ">= 0.15",  # 没有饱和：缩小不是因为落在平的地方
        "反向传播与差分的误差": "<= 1e-5",
    },
    expect={"每退一层 ln 梯度的变化": "<= -1.3863", "直线拟合的 R²": ">= 0.999"},
    control={"act": "tanh"},
    knobs={"act": ["sigmoid", "tanh", "relu"], "gain": [0.5, 40.0]},
)
def exponential_in_depth(act="sigmoid", gain=1.0, seed=0):
    """正交初始化的 sigmoid 网络：每退一层梯度至少缩到 1/4，对数是直线"""
    run = backprop(seed, act, "orthogonal", gain)
    k, r2 = log_slope(run.norms)
    return {
        "φ' 的平均值": np.mean(run.slopes),
        "反向传播与差分的误差": backprop_error(seed, act, "orthogonal", gain),
        "每退一层 ln 梯度的变化": k,
        "直线拟合的 R²": r2,
        "各层的梯度": by_layer({act: run.norms}),
    }


@claim(
    guard={
        "|φ'(z)W| 的最大元素": "in [0.33, 0.75]",
        "每层权重的平方和 / n": "in [0.95, 1.05]",
        "最大奇异值的最小者": "in [1.2, 12]",
        "符号随机时每退一层的倍数": "in [0.47, 0.8]",
    },
    expect={"每退一层梯度的倍数": "in [4, 7.5]"},
    control={"init": "xavier"},  # 绝对值一个不变，只有符号不同
    knobs={"init": ["positive", "xavier"], "width": [8, 128]},
)
def signs_decide(init="positive", width=64, seed=0):
    """|φ'(z)W| 的元素都小于 1，把权重符号改成全正，梯度从消失变成爆炸"""
    run = backprop(seed, "relu", init, depth=12, n=width)
    random_signs = backprop(seed, "relu", "xavier", depth=12, n=width)
    jacobians = [W * d[0] for W, d in zip(run.weights, run.slopes, strict=True)]  # 第 0 个样本
    return {
        "|φ'(z)W| 的最大元素": max(np.abs(W).max() for W in run.weights),
        "每层权重的平方和 / n": np.mean([(W**2).sum() / width for W in run.weights]),
        "最大奇异值的最小者": min(np.linalg.norm(J, 2) for J in jacobians),
        "符号随机时每退一层的倍数": np.exp(log_slope(random_signs.norms)[0]),
        "每退一层梯度的倍数": np.exp(log_slope(run.norms)[0]),
        "各层的梯度": by_layer({init: run.norms, "符号随机": random_signs.norms}),
    }


def bptt(seed, how, gain, steps=20, n=32, batch=8):
    """h_t = tanh(h_{t−1} W + x_t)，L = <G, h_末>；各时刻对 dL/dW 的贡献 (T, n, n)。"""
    rng = np.random.default_rng(seed)
    W = rng.normal(0, gain / np.sqrt(n), (n, n))
    h, delta = [rng.normal(0, 1, (batch, n))], rng.normal(0, 1, (batch, n))
    for _ in range(steps):
        h.append(np.tanh(h[-1] @ W + rng.normal(0, 0.1, (batch, n))))
    parts = np.zeros((steps, n, n))
    for t in reversed(range(steps)):
        dz = delta * (1 - h[t + 1] ** 2)
        parts[t] = h[t].T @ dz
        delta = dz @ W.T
        if how == "each_step":  # 在时间递推里面裁剪
            delta = delta / max(1.0, np.linalg.norm(delta))
        if how == "truncate" and t == steps // 2:  # 截断的 BPTT
            break
    return parts


def clip(parts, how, threshold):
    """裁剪求和之后的梯度；按同样的系数摊回各时刻。"""
    total = parts.sum(axis=0)
    if how == "value":  # 逐元素
        return parts * (np.clip(total, -threshold, threshold) / total)
    return parts * min(1.0, threshold / np.linalg.norm(total))


def far_share(parts):
    """前一半时刻的贡献占多少（按范数）。"""
    size = np.linalg.norm(parts, axis=(1, 2))
    return size[: len(size) // 2].sum() / size.sum()


@claim(
    guard={"裁剪前范数 / 阈值": ">= 100", "裁剪前远端的份额": ">= 0.5"},
    expect={
        "裁剪后范数 / 阈值": "in [0.999999, 1.000001]",
        "与原梯度的余弦": ">= 0.999999",
        "远端份额 裁后 / 裁前": "in [0.999999, 1.000001]",
    },
    control=[{"how": "value"}, {"how": "each_step"}, {"how": "truncate"}],
    knobs={"how": ["norm", "value", "each_step", "truncate"], "gain": [0.3, 4.0]},
)
def clip_only_rescales(how="norm", gain=3.0, threshold=1.0, seed=0):
    """RNN 按总范数裁剪只改长度：方向不变，远处历史的份额不变"""
    raw = bptt(seed, "none", gain)
    parts = clip(bptt(seed, how, gain), how, threshold)
    before, after = raw.sum(axis=0), parts.sum(axis=0)
    sizes = [np.linalg.norm(each, axis=(1, 2)) for each in (raw, parts)]  # 各时刻，(T,)
    cosine = (before * after).sum() / np.linalg.norm(before) / np.linalg.norm(after)
    return {
        "裁剪前范数 / 阈值": np.linalg.norm(before) / threshold,
        "裁剪前远端的份额": far_share(raw),
        "裁剪后范数 / 阈值": np.linalg.norm(after) / threshold,
        "与原梯度的余弦": cosine,
        "远端份额 裁后 / 裁前": far_share(parts) / far_share(raw),
        "各时刻的贡献": line(
            dict(zip(("裁前", "裁后"), sizes, strict=True)), x_label="时刻", log_y=True
        ),
    }


@claim(
    guard={"放大前 首端 / 末端梯度": ">= 0.3"},
    expect={"放大倍数 / c^L - 1": "in [-1e-9, 1e-9]"},
    control=[{"act": "tanh"}, {"norm": "bn"}],
    knobs={"act": ["relu", "tanh", "sigmoid"], "norm": ["none", "bn"], "c": [0.5, 3.0]},
)
def relu_scales_with_weights(act="relu", norm="none", c=1.5, seed=0):
    """He 初始化的 ReLU 网络，权重放大 c 倍，末端梯度不变时输入处恰好放大 c^L 倍"""
    base = backprop(seed, act, "he", norm=norm)
    scaled = backprop(seed, act, "he", gain=c, norm=norm)
    ratio = scaled.norms[0] / base.norms[0]
    return {
        "放大前 首端 / 末端梯度": base.norms[0] / base.norms[-1],
        "放大倍数 / c^L - 1": ratio / c ** len(base.weights) - 1,
    }


@claim(
    guard={"直线拟合的 R²": ">= 0.7", "反向传播与差分的误差": "<= 1e-5"},
    expect={"每退一层梯度的倍数": "in [1.15, 1.3]"},
    control=[{"norm": "none"}, {"skip": "identity"}],
    knobs={
        "norm": ["bn", "none"],
        "skip": ["none", "identity"],
        "act": ["relu", "tanh", "sigmoid"],
        "gain": [0.1, 10.0],
    },
)
def bn_alone_explodes(norm="bn", skip="none", act="relu", gain=3.0, seed=0):
    """没有跳连的 BN + ReLU 网络：权重放大到三倍，梯度每退一层仍放大约 1.2 倍"""
    norms = backprop(seed, act, "he", gain, norm, skip).norms
    k, r2 = log_slope(norms)
    return {
        "直线拟合的 R²": r2,
        "反向传播与差分的误差": backprop_error(seed, act, "he", gain, norm, skip),
        "每退一层梯度的倍数": np.exp(k),
        "各层的梯度": by_layer(norms),
    }


@claim(
    guard={"φ' 的平均值": "in [0.06, 0.39]"},
    expect={"首端 / 末端梯度": "in [0.9, 1.1]"},
    control=[{"skip": "none"}, {"skip": "after"}],
    knobs={"skip": ["identity", "after", "none"], "branch": [0.0, 1.0]},
)
def identity_path_keeps_gradient(skip="identity", branch=1.0, seed=0):
    """激活只放在分支上：二十层 sigmoid 残差网络首末两端的梯度相差不到一成"""
    run = backprop(seed, "sigmoid", "orthogonal", skip=skip, branch=branch)
    return {
        "φ' 的平均值": np.mean(run.slopes),
        "首端 / 末端梯度": run.norms[0] / run.norms[-1],
        "各层的梯度": by_layer(run.norms),
    }


@claim(
    guard={"首端 / 末端梯度": ">= 0.3"},
    expect={"每退一块梯度的倍数": "in [1.4, 2.1]"},
    control=[{"branch": 0.22}, {"norm": "bn"}, {"skip": "none"}],
    knobs={"branch": [0.0, 1.0], "norm": ["none", "bn"], "skip": ["identity", "none"]},
)
def residual_can_explode(skip="identity", norm="none", branch=1.0, seed=0):
    """分支不缩放也不做 BN 的 He-ReLU 残差网络：梯度每退一块放大 1.4 倍以上"""
    norms = backprop(seed, "relu", "he", 1.0, norm, skip, branch).norms
    return {
        "首端 / 末端梯度": norms[0] / norms[-1],
        "每退一块梯度的倍数": np.exp(log_slope(norms)[0]),
        "各层的梯度": by_layer(norms),
    }


def lstm_gradient(seed, forget_bias, steps, n=16):
    """末端的 c、输入门的均值、‖∂L/∂c_0‖ / ‖∂L/∂c_末‖，L = <g, c_末>。

    复数步求导：第 j 行给 c_0 的第 j 个分量加 i·ε，末端的虚部除以 ε 就是导数；
    没有减法，1e-13 的导数也算得准，而且经过各个门的路径都在里面。
    """
    rng, eps = np.random.default_rng(seed), 1e-30
    U = rng.normal(0, 0.3 / np.sqrt(n), (n, 4 * n))  # h → i, f, o, 候选值
    b = np.repeat([0.0, forget_bias, 0.0, 0.0], n)
    h, c, input_gates = np.zeros((n, n)), 1j * eps * np.eye(n), []
    for _ in range(steps):
        z = h @ U + rng.normal(0, 0.5, 4 * n) + b  # 随机项是输入
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in np.split(z[:, : 3 * n], 3, axis=1))
        c = f * c + i * np.tanh(z[:, 3 * n :])
        h = o * np.tanh(c)
        input_gates.append(i.real)
    g = rng.normal(0, 1, n)
    gradient = (c @ g).imag / eps  # (n,)
    return c.real, np.mean(input_gates), np.linalg.norm(gradient) / np.linalg.norm(g)


@claim(
    guard={"末端 |c| 的平均值": ">= 0.1", "输入门的平均值": "in [0.4, 0.6]"},
    expect={"首端 / 末端梯度": "in [0.2, 8]"},
    control=[{"forget_bias": 0.0}, {"forget_bias": 1.0}],
    knobs={"forget_bias": [-2.0, 8.0], "steps": [10, 200]},
)
def forget_gate_decides(forget_bias=4.0, steps=50, seed=0):
    """遗忘门接近 1 的 LSTM：隔 50 步，细胞状态的梯度仍是同一量级"""
    c, input_gate, ratio = lstm_gradient(seed, forget_bias, steps)
    return {
        "末端 |c| 的平均值": np.abs(c).mean(),
        "输入门的平均值": input_gate,
        "首端 / 末端梯度": ratio,
    }
