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
    "xavier": lambda rng, n: rng.normal(size=(n, n)) / np.sqrt(n),
    "he": lambda rng, n: rng.normal(size=(n, n)) * np.sqrt(2 / n),
    "orthogonal": lambda rng, n: np.linalg.qr(rng.normal(size=(n, n)))[0],
}


def network(seed, init, gain=1.0, depth=20, n=64):
    """各层权重 (depth, n, n)，一批非负的输入 (n, n)，末端的梯度 (n, n)。"""
    rng = np.random.default_rng(seed)
    x, G = rng.normal(size=(2, n, n))  # (batch, n)
    return gain * np.array([INITS[init](rng, n) for _ in range(depth)]), np.abs(x), G


Run = namedtuple("Run", "norms slopes out gradient")


def backprop(weights, x, G, act, norm, skip, branch):
    """各层的梯度范数 ‖∂L/∂h‖ (depth + 1,)（下标 0 是输入）、φ'(z)、h_末、∂L/∂x；L = <G, h_末>。

    z = h W，可再做 BN。无跳连：h ← φ(z)；恒等跳连：h ← h + branch · φ(z)；
    先加后激活：h ← φ(h + branch · z)。
    """
    phi, dphi = ACTIVATIONS[act]
    h, saved, norms = x, [], [np.linalg.norm(G)]
    for W in weights:
        z, std = h @ W, None
        if norm == "bn":
            std = z.std(axis=0)  # (n,)
            z = (z - z.mean(axis=0)) / std
        a = phi(h + branch * z) if skip == "after" else phi(z)
        h = h + branch * a if skip == "identity" else a
        saved.append((W, z, std, dphi(a)))
    for W, z, std, slope in reversed(saved):
        dz = G * slope  # 跨过激活
        shortcut = {"none": 0.0, "identity": G, "after": dz}[skip]
        dz = dz if skip == "none" else branch * dz
        if norm == "bn":  # 均值与方差也依赖 z
            dz = (dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0)) / std
        G = dz @ W.T + shortcut  # 跨过线性层
        norms.append(np.linalg.norm(G))
    return Run(np.array(norms[::-1]), np.array([each[-1] for each in saved]), h, G)


def backprop_error(net, kind, h=1e-6):
    """只取前三层：沿随机方向的导数与中心差分之差，相对于梯度的范数。"""
    weights, x, G = net
    V = np.random.default_rng(x.size).normal(size=x.shape)
    plus, minus = (backprop(weights[:3], x + s * V, G, *kind).out for s in (h, -h))
    gradient = backprop(weights[:3], x, G, *kind).gradient
    numeric = (G * (plus - minus)).sum() / (2 * h)
    return abs(numeric - (gradient * V).sum()) / np.linalg.norm(gradient)


def ends(run):
    """首端与末端的梯度之比。"""
    return run.norms[0] / run.norms[-1]


def by_layer(norms):
    """一张图：名称 → 各层的梯度范数。"""
    return line(norms, x_label="层（0 是输入）", y_label="梯度范数", log_y=True)


def log_slope(run):
    """每退一层 ln(梯度范数) 的变化（最小二乘），和直线的 R²。"""
    logs = np.log(run.norms[::-1])
    steps = np.arange(len(logs))
    fit = np.polyfit(steps, logs, 1)
    return fit[0], 1 - np.var(logs - np.polyval(fit, steps)) / np.var(logs)


@claim(
    guard={
        "φ' 的平均值": ">= 0.15",  # 没有饱和：缩小不是因为落在平的地方
        "反向传播与差分的误差": "<= 1e-6",
    },
    expect={"每退一层 ln 梯度的变化": "in [-2, -1.3863]", "直线拟合的 R²": "in [0.999, 1.001]"},
    control={"act": "tanh"},
    knobs={"act": ["sigmoid", "tanh", "relu"], "gain": [0.5, 40.0]},
)
def exponential_in_depth(act="sigmoid", gain=1.0, seed=0):
    """正交初始化的 sigmoid 网络：每退一层梯度至少缩到 1/4，对数是直线"""
    net, kind = network(seed, "orthogonal", gain), (act, "none", "none", 1.0)
    run = backprop(*net, *kind)
    k, r2 = log_slope(run)
    return {
        "φ' 的平均值": np.mean(run.slopes),
        "反向传播与差分的误差": backprop_error(net, kind),
        "每退一层 ln 梯度的变化": k,
        "直线拟合的 R²": r2,
        "各层的梯度": by_layer({act: run.norms}),
    }


SIGNS = {"positive": np.abs, "random": np.asarray}


@claim(
    guard={
        "|φ'(z)W| 的最大元素": "in [0.33, 0.75]",
        "每层权重的平方和 / n": "in [0.95, 1.05]",
        "最大奇异值的最小者": "in [1.2, 12]",
        "符号随机时每退一层的倍数": "in [0.47, 0.8]",
    },
    expect={"每退一层梯度的倍数": "in [4, 7.5]"},
    control={"signs": "random"},  # 绝对值一个不变，只有符号不同
    knobs={"signs": ["positive", "random"], "width": [8, 128]},
)
def signs_decide(signs="positive", width=64, seed=0):
    """|φ'(z)W| 的元素都小于 1，把权重符号改成全正，梯度从消失变成爆炸"""
    weights, x, G = network(seed, "xavier", n=width)
    kind = ("relu", "none", "none", 1.0)
    mixed, run = (backprop(SIGNS[each](weights), x, G, *kind) for each in ("random", signs))
    jacobians = SIGNS[signs](weights) * run.slopes[:, :1]  # 第一个样本的，(depth, n, n)
    return {
        "|φ'(z)W| 的最大元素": np.abs(weights).max(),
        "每层权重的平方和 / n": (weights**2).sum(axis=(1, 2)).mean() / width,
        "最大奇异值的最小者": np.linalg.norm(jacobians, 2, axis=(1, 2)).min(),
        "符号随机时每退一层的倍数": np.exp(log_slope(mixed)[0]),
        "每退一层梯度的倍数": np.exp(log_slope(run)[0]),
        "各层的梯度": by_layer({signs: run.norms, "符号随机": mixed.norms}),
    }


def states(W, h, inputs):
    """h_t = tanh(h_{t−1} W + x_t)：各时刻的 h，含起点。"""
    hs = [h]
    for x in inputs:
        hs.append(np.tanh(hs[-1] @ W + x))
    return hs


def bptt(W, hs, delta, how):
    """L = <delta, h_末>：各时刻对 dL/dW 的贡献 (T, n, n)。"""
    parts = []
    for h, after in zip(hs[-2::-1], hs[:0:-1], strict=True):
        dz = delta * (1 - after**2)
        parts.append(h.T @ dz)
        delta = dz @ W.T
        if how == "each_step":  # 在时间递推里面裁剪
            delta = delta / max(1.0, np.linalg.norm(delta))
        if how == "truncate" and len(parts) == len(hs) // 2:  # 截断的 BPTT
            delta = 0 * delta
    return np.array(parts[::-1])


THRESHOLD = 0.5


def clip(parts, how):
    """裁剪求和之后的梯度；按同样的系数摊回各时刻。"""
    total = parts.sum(axis=0)
    if how == "value":  # 逐元素
        return parts * (np.clip(total, -THRESHOLD, THRESHOLD) / total)
    return parts * min(1.0, THRESHOLD / np.linalg.norm(total))


def far_share(parts):
    """前一半时刻的贡献占多少（按范数）。"""
    size = np.linalg.norm(parts, axis=(1, 2))
    return size[: len(size) // 2].sum() / size.sum()


@claim(
    guard={
        "裁剪前范数 / 阈值": ">= 100",
        "裁剪前远端的份额": "in [0.5, 0.999]",
        "反向传播与差分的误差": "<= 1e-5",
        "小于阈值的梯度 裁后 / 裁前": "in [0.999999, 1.000001]",
    },
    expect={
        "裁剪后范数 / 阈值": "in [0.999999, 1.000001]",
        "与原梯度的余弦": "in [0.999999, 1.000001]",
        "远端份额 裁后 / 裁前": "in [0.999999, 1.000001]",
    },
    control=[{"how": "value"}, {"how": "each_step"}, {"how": "truncate"}],
    knobs={"how": ["norm", "value", "each_step", "truncate"], "gain": [0.3, 4.0]},
)
def clip_only_rescales(how="norm", gain=3.0, seed=0):
    """RNN 按总范数裁剪只改长度：方向不变，远处历史的份额不变；没过阈值的原样通过"""
    rng, n, steps, nudge = np.random.default_rng(seed), 32, 20, 1e-7
    W, V = rng.normal(size=(2, n, n)) / np.sqrt(n)
    h, G = rng.normal(size=(2, 8, n))
    inputs = 0.1 * rng.normal(size=(steps, 8, n))
    W = gain * W
    hs = states(W, h, inputs)
    raw = bptt(W, hs, G, "none")
    parts = clip(bptt(W, hs, G, how), how)
    before, after = raw.sum(axis=0), parts.sum(axis=0)
    faint = raw * (THRESHOLD / 2 / np.linalg.norm(before))
    plus, minus = (states(W + s * V, h, inputs)[-1] for s in (nudge, -nudge))
    numeric = (G * (plus - minus)).sum() / (2 * nudge)
    sizes = [np.linalg.norm(each, axis=(1, 2)) for each in (raw, parts)]  # 各时刻，(T,)
    norm = np.linalg.norm
    return {
        "裁剪前范数 / 阈值": norm(before) / THRESHOLD,
        "裁剪前远端的份额": far_share(raw),
        "反向传播与差分的误差": abs(numeric - (before * V).sum()) / norm(before),
        "裁剪后范数 / 阈值": norm(after) / THRESHOLD,
        "与原梯度的余弦": (before * after).sum() / norm(before) / norm(after),
        "远端份额 裁后 / 裁前": far_share(parts) / far_share(raw),
        "小于阈值的梯度 裁后 / 裁前": norm(clip(faint, how).sum(axis=0)) / norm(faint.sum(axis=0)),
        "各时刻的贡献": line(
            dict(zip(("裁前", "裁后"), sizes, strict=True)), x_label="时刻", log_y=True
        ),
    }


@claim(
    guard={"放大前 首端 / 末端梯度": "in [0.3, 200]"},
    expect={"放大倍数 / c^L - 1": "in [-1e-9, 1e-9]"},
    control=[{"act": "tanh"}, {"norm": "bn"}],
    knobs={"act": ["relu", "tanh", "sigmoid"], "norm": ["none", "bn"], "c": [0.5, 3.0]},
)
def relu_scales_with_weights(act="relu", norm="none", c=1.5, seed=0):
    """He 初始化的 ReLU 网络，权重放大 c 倍，末端梯度不变时输入处恰好放大 c^L 倍"""
    kind = (act, norm, "none", 1.0)
    base, scaled = (backprop(*network(seed, "he", gain), *kind) for gain in (1.0, c))
    return {
        "放大前 首端 / 末端梯度": ends(base),
        "放大倍数 / c^L - 1": ends(scaled) / ends(base) / c ** len(base.slopes) - 1,
    }


@claim(
    guard={"直线拟合的 R²": "in [0.7, 1]", "反向传播与差分的误差": "<= 1e-5"},
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
    net, kind = network(seed, "he", gain), (act, norm, skip, 1.0)
    run = backprop(*net, *kind)
    k, r2 = log_slope(run)
    return {
        "直线拟合的 R²": r2,
        "反向传播与差分的误差": backprop_error(net, kind),
        "每退一层梯度的倍数": np.exp(k),
        "各层的梯度": by_layer(run.norms),
    }


@claim(
    guard={
        "φ' 的平均值": "in [0.06, 0.39]",
        "输出与输入之差 / 输入": ">= 0.3",
        "反向传播与差分的误差": "<= 1e-6",
    },
    expect={"首端 / 末端梯度": "in [0.9, 1.1]"},
    control=[{"skip": "none"}, {"skip": "after"}],
    knobs={"skip": ["identity", "after", "none"], "branch": [0.0, 1.0]},
)
def identity_path_keeps_gradient(skip="identity", branch=1.0, seed=0):
    """激活只放在分支上：二十层 sigmoid 残差网络首末两端的梯度相差不到一成"""
    net, kind = network(seed, "orthogonal"), ("sigmoid", "none", skip, branch)
    run, x = backprop(*net, *kind), net[1]
    return {
        "φ' 的平均值": np.mean(run.slopes),
        "输出与输入之差 / 输入": np.linalg.norm(run.out - x) / np.linalg.norm(x),
        "反向传播与差分的误差": backprop_error(net, kind),
        "首端 / 末端梯度": ends(run),
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
    run = backprop(*network(seed, "he"), "relu", norm, skip, branch)
    return {
        "首端 / 末端梯度": ends(run),
        "每退一块梯度的倍数": np.exp(log_slope(run)[0]),
        "各层的梯度": by_layer(run.norms),
    }


def lstm_gradient(seed, forget_bias, steps, n=16):
    """末端的 c，‖∂L/∂c_0‖ / ‖∂L/∂c_末‖，其中直达路径的，输入门的均值；L = <g, c_末>。

    复数步求导：第 j 行给 c_0 的第 j 个分量加 i·ε，末端的虚部除以 ε 就是导数；
    没有减法，1e-13 的导数也算得准，而且经过各个门的路径都在里面。
    """
    rng, eps = np.random.default_rng(seed), 1e-30
    U = 0.3 / np.sqrt(n) * rng.normal(size=(n, 4 * n))  # h → i, f, o, 候选值
    b = np.zeros(4 * n)
    b[n : 2 * n] = forget_bias
    h, c, direct, input_gates = np.zeros((n, n)), 1j * eps * np.eye(n), 1.0, []
    for _ in range(steps):
        z = h @ U + 0.5 * rng.normal(size=4 * n) + b  # 随机项是输入
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in np.split(z[:, : 3 * n], 3, axis=1))
        c = f * c + i * np.tanh(z[:, 3 * n :])
        h, direct = o * np.tanh(c), direct * f[0].real  # 第一行的 ∏ f_t，(n,)
        input_gates.append(i.real)
    g = rng.normal(size=n)
    whole, direct = ((c @ g).imag / eps, direct * g)  # (n,)
    ratios = (np.linalg.norm(each) / np.linalg.norm(g) for each in (whole, direct))
    return c.real, *ratios, np.mean(input_gates)


@claim(
    guard={"末端 |c| 的平均值": ">= 0.1", "输入门的平均值": "in [0.4, 0.6]"},
    expect={"首端 / 末端梯度": "in [0.2, 8]", "只走直达路径的 首端 / 末端": "in [0.3, 0.45]"},
    control=[{"forget_bias": 0.0}, {"forget_bias": 1.0}],
    knobs={"forget_bias": [-2.0, 8.0], "steps": [10, 200]},
)
def forget_gate_decides(forget_bias=4.0, steps=50, seed=0):
    """遗忘门接近 1 的 LSTM：隔 50 步，细胞状态的梯度仍是同一量级"""
    c, ratio, direct, input_gate = lstm_gradient(seed, forget_bias, steps)
    return {
        "末端 |c| 的平均值": np.abs(c).mean(),
        "输入门的平均值": input_gate,
        "首端 / 末端梯度": ratio,
        "只走直达路径的 首端 / 末端": direct,
    }
