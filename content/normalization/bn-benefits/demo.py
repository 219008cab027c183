"""BN 的好处：哪些量得到，哪些不是它独有的。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import claim, line

EPS = 1e-5
WIDTHS = (6, 10, 10, 10, 10, 10)  # 五个隐层
RATES = np.geomspace(1e-2, 10, 7)  # 每十倍两个


def problem(seed, scale, nets=3, n=32):
    """几个小回归任务，各有自己的网络：X (nets, n, 6)，y (nets, n)，He 初始化乘 scale。"""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (nets, n, 6))
    y = np.sin((X * rng.normal(0, 1, (nets, 1, 6))).sum(axis=2)) + 0.5 * X[:, :, 0] * X[:, :, 1]
    y = (y - y.mean(1, keepdims=True)) / y.std(1, keepdims=True)  # 常数预测的均方误差为 1
    layers = [scale * np.sqrt(2 / i) * rng.normal(0, 1, (nets, i, o)) for i, o in pairwise(WIDTHS)]
    return X, y, layers, rng.normal(0, WIDTHS[-1] ** -0.5, (nets, WIDTHS[-1], 1)), rng


def rescale_once(layers, X):
    """只在起点做一次：把每层净输入的标准差调成 1，之后照常训练（LSUV 的做法）。"""
    found = []
    for W in layers:
        W = W / (X @ W).std(axis=(1, 2), keepdims=True)
        found.append(W)
        X = np.maximum(X @ W, 0)
    return found


def standardize(z, norm):
    """(n, 标准差)；没有 BN 时原样。z: (k, n, d)"""
    if norm in ("none", "once"):
        return z, 1.0
    std = np.sqrt(z.var(axis=1, keepdims=True) + EPS)
    return (z - z.mean(axis=1, keepdims=True)) / std, std


def jitter(norm, rng, shape):
    """BN 之后再加一份每步都变的平移与缩放（Santurkar 等人的做法）。"""
    if norm != "noisy":
        return 0.0, 1.0
    return rng.normal(0, 0.2, shape), rng.uniform(0.8, 1.25, shape)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def train(seed, norm, scale=1.0, nets=3, steps=28):
    """全批量梯度下降：各学习率最后的均方误差 (nets, rates)，末层输入的分布每步漂移多少。"""
    X, y, layers, v, rng = problem(seed, scale, nets)
    if norm == "once":
        layers = rescale_once(layers, X)
    k = len(RATES)
    X, v = np.repeat(X, k, axis=0), np.repeat(v, k, axis=0)  # 每个网络、每个学习率一份
    y = np.repeat(y, k, axis=0)[:, :, None]  # (nets·k, n, 1)
    layers = [np.repeat(W, k, axis=0) for W in layers]
    lr = np.tile(RATES, nets)[:, None, None]
    moments = []
    for step in range(steps):
        h, saved = X, []
        for W in layers:
            n, std = standardize(h @ W, norm)
            shift, gain = jitter(norm if step < steps - 1 else "bn", rng, (1, 1, n.shape[2]))
            a = np.maximum(gain * n + shift, 0)
            saved.append((h, n, std, (a > 0) * gain))
            h = a
        moments.append(np.concatenate([h.mean(axis=1), h.std(axis=1)], axis=1))
        error = h @ v - y
        g = error * v.transpose(0, 2, 1) / y.shape[1]
        v = v - lr * (h.transpose(0, 2, 1) @ error) / y.shape[1]
        for i in reversed(range(len(layers))):
            h, n, std, slope = saved[i]
            g = g * slope
            if norm in ("bn", "noisy"):  # 穿过批统计量
                g = g - g.mean(axis=1, keepdims=True) - n * (g * n).mean(axis=1, keepdims=True)
            g = g / std
            dW, g = h.transpose(0, 2, 1) @ g, g @ layers[i].transpose(0, 2, 1)
            layers[i] = layers[i] - lr * dW
    loss = np.nan_to_num((error**2).mean(axis=(1, 2)), nan=9.0, posinf=9.0)
    M = np.array(moments)  # (steps, nets·k, 2·width)
    jump = np.linalg.norm(M[1:] - M[:-1], axis=2) / np.linalg.norm(M[:-1], axis=2)
    drift = np.nan_to_num(np.median(jump, axis=0), nan=9.0)
    return np.minimum(loss, 9.0).reshape(nets, k), drift.reshape(nets, k)


def lowest(loss):
    """每个网络取损失最低的那个学习率，再对网络取几何平均。"""
    return np.exp(np.log(loss.min(axis=1)).mean())


def drift_at_best(drift, loss):
    chosen = np.take_along_axis(drift, loss.argmin(axis=1)[:, None], axis=1)
    return np.exp(np.log(chosen).mean())


@claim(
    guard={"没有 BN 时最好的损失": "in [0.15, 0.95]"},
    expect={"最好的损失": "in [0.002, 0.15]", "损失减半的学习率个数": "in [2.3, 5]"},
    control=[{"norm": "none"}, {"norm": "once"}],
    knobs={"norm": ["bn", "none", "once"]},
)
def trains_faster_and_wider(norm="bn", seed=0):
    """各自调好学习率，BN 网络低一个数量级，好用的学习率也多；起点调一次尺度做不到"""
    loss, _ = train(seed, norm)
    plain, _ = train(seed, "none")
    curves = {"无": np.median(plain, axis=0), norm: np.median(loss, axis=0)}
    return {
        "没有 BN 时最好的损失": lowest(plain),
        "最好的损失": lowest(loss),
        "损失减半的学习率个数": (loss < 0.5).sum(axis=1).mean(),
        "学习率与损失": line(curves, RATES, x_label="学习率", y_label="损失", log_x=True),
    }


@claim(
    guard={"两头尺度之比": "in [9.5, 10.5]"},
    expect={"两头里较差的最好损失": "in [0.02, 0.5]"},
    control={"norm": "none"},
    knobs={"norm": ["bn", "none", "once"], "spread": [2.0, 4.0]},
)
def forgives_initial_scale(norm="bn", spread=3.16, seed=0):
    """权重缩小、放大三倍多，BN 网络照样学得会；没有 BN 的一头不动、一头发散"""
    small, _ = train(seed, norm, 1 / spread)
    large, _ = train(seed, norm, spread)
    sizes = [np.abs(problem(seed, s)[2][0]).mean() for s in (1 / spread, spread)]
    return {
        "两头尺度之比": sizes[1] / sizes[0],
        "两头里较差的最好损失": max(lowest(small), lowest(large)),
    }


@claim(
    guard={"BN 网络的漂移": "in [0.005, 0.1]"},
    expect={"漂移 / BN 网络的漂移": "in [4, 40]", "损失 / 没有 BN 的损失": "in [0.1, 0.8]"},
    control=[{"norm": "bn"}, {"norm": "none"}],
    knobs={"norm": ["noisy", "bn", "none"]},
)
def unstable_inputs_are_fine(norm="noisy", seed=0):
    """BN 之后故意加上每步都变的平移缩放：分布的漂移大了好几倍，训练仍比没有 BN 快"""
    plain, _ = train(seed, "none", nets=2)
    calm, calm_drift = train(seed, "bn", nets=2)
    loss, drift = train(seed, norm, nets=2)
    return {
        "BN 网络的漂移": drift_at_best(calm_drift, calm),
        "漂移 / BN 网络的漂移": drift_at_best(drift, loss) / drift_at_best(calm_drift, calm),
        "损失 / 没有 BN 的损失": lowest(loss) / lowest(plain),
    }


STATISTICS = {  # 归一化用的均值与标准差从哪里来。batch: (批数, m)
    "train": lambda batch: (batch.mean(axis=1), batch.std(axis=1)),
    "eval": lambda batch: (batch.mean(), batch.std()),
}


@claim(
    guard={"这个样本的值": "in [0.9, 1.1]"},
    expect={"输出的标准差 × √m": "in [1.08, 1.38]"},
    control={"mode": "eval"},
    knobs={"mode": ["train", "eval"], "m": [16, 512]},
)
def noise_falls_with_batch(mode="train", m=64, seed=0):
    """同一个样本每次换同伴，BN 输出的标准差约为 √(1 + x²/2) / √m；推理时没有噪声"""
    rng = np.random.default_rng(seed)
    batch = rng.normal(0, 1, (800, m))
    batch[:, 0] = x = rng.uniform(0.95, 1.05)  # 每批的第一个是同一个样本
    mean, std = STATISTICS[mode](batch)
    out = (batch[:, 0] - mean) / std
    return {"这个样本的值": x, "输出的标准差 × √m": out.std() * np.sqrt(m)}
