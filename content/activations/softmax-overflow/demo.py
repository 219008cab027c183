"""softmax 的上溢与下溢：减最大值管住了什么，没管住什么。"""

import numpy as np

from quizdl.proof import claim, scatter

SHIFTS = {  # 每种办法减去的量
    "max": np.max,  # 每个样本减自己的最大值
    "mean": np.mean,
    "min": np.min,
    "none": lambda z, axis, keepdims: np.zeros_like(z),
    "batch_max": lambda z, axis, keepdims: z.max(),  # 整个 batch 共用一个最大值
}


@np.errstate(all="ignore")  # 溢出正是要看的东西，不必告警
def softmax(z, shift="max"):
    e = np.exp(z - SHIFTS[shift](z, axis=1, keepdims=True))  # (n, K)
    return e / e.sum(axis=1, keepdims=True)


def log_softmax(z):
    """log p = z − logsumexp(z)，先减最大值；不经过 p，所以不怕 p 下溢。"""
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def exact_log_softmax(z):
    """双精度的 log p，另走一条路：两两合并的 logaddexp，作对照用。"""
    z = z.astype(np.float64)
    return z - np.logaddexp.reduce(z, axis=1, keepdims=True)


def wide_logits(seed, dtype, scale, n=200, K=10):
    """彼此相差很大的 logits、随机标签，和用双精度算出的 log p。"""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, scale, (n, K)).astype(dtype)
    return z, rng.integers(0, K, n), exact_log_softmax(z)


@claim(
    guard={"最大的 logit / 阈值": "in [5, 8.8]", "各行最大值里最小的 / 阈值": "in [-4.5, -1.5]"},
    expect={"含 NaN 的样本占比": "== 0", "与双精度结果的最大误差": "<= 1e-6"},
    control=[{"shift": "none"}, {"shift": "mean"}, {"shift": "min"}, {"shift": "batch_max"}],
    knobs={"shift": ["max", "none", "mean", "min", "batch_max"], "center": [0, 1000]},
)
def max_shift_is_safe(shift="max", center=300, seed=0):
    """float32 的 logits 整行很大或整行很小时，减各行的最大值都不出 NaN"""
    rng = np.random.default_rng(seed)
    side = rng.choice([-1, 1], (200, 1))  # 一半样本的 logits 很大：∞/∞；另一半很小：0/0
    z = rng.normal(center * side, 80, (200, 10)).astype(np.float32)
    p, limit = softmax(z, shift), np.log(np.finfo(np.float32).max)
    error = np.abs(np.nan_to_num(p) - np.exp(exact_log_softmax(z)))
    return {
        "最大的 logit / 阈值": z.max() / limit,
        "各行最大值里最小的 / 阈值": z.max(axis=1).min() / limit,
        "含 NaN 的样本占比": np.isnan(p).any(axis=1).mean(),
        "与双精度结果的最大误差": error.max(),
    }


@claim(
    guard={
        "最大 logit / 上溢阈值": "in [0.75, 0.9]",
        "上溢的单项个数": "== 0",
        "NaN 的个数": "== 0",
    },
    expect={"各类输出之和的最大值": "<= 0.01"},
    control=[{"shift": "max"}, {"classes": 10}],
    knobs={"classes": [10, 2000], "shift": ["none", "max"]},
)
def sum_overflows_silently(classes=1000, shift="none", seed=0):
    """float16：单项都没上溢，和先上溢，输出全为 0 而没有 NaN"""
    rng = np.random.default_rng(seed)
    z = rng.uniform(5, 9, (16, classes)).astype(np.float16)
    p = softmax(z, shift)
    return {
        "最大 logit / 上溢阈值": z.max() / np.log(float(np.finfo(np.float16).max)),
        "上溢的单项个数": np.isinf(np.exp(z)).sum(),
        "NaN 的个数": np.isnan(p).sum(),
        "各类输出之和的最大值": p.sum(axis=1).max(),
    }


@claim(
    guard={"NaN 的个数": "== 0", "每行之和与 1 之差": "<= 1e-5"},
    expect={"恰为 0 的概率占比": "in [0.55, 0.73]"},
    control=[{"dtype": "float64"}, {"scale": 1.0}],
    knobs={"dtype": ["float16", "float32", "float64"], "scale": [1.0, 300.0]},
)
def small_entries_still_vanish(dtype="float32", scale=100.0, seed=0):
    """减过最大值，离最大值太远的概率照样下溢成 0"""
    z, _, _ = wide_logits(seed, dtype, scale)
    p = softmax(z)
    return {
        "NaN 的个数": np.isnan(p).sum(),
        "每行之和与 1 之差": np.abs(p.sum(axis=1) - 1).max(),
        "恰为 0 的概率占比": (p == 0).mean(),
    }


EPS = np.float32(1e-12)
LOSSES = {  # 交叉熵的三种写法；p 都来自减过最大值的 softmax
    "log_softmax": lambda z, y: -log_softmax(z)[np.arange(len(y)), y],
    "log(p)": lambda z, y: -np.log(softmax(z)[np.arange(len(y)), y]),
    "log(p + eps)": lambda z, y: -np.log(softmax(z)[np.arange(len(y)), y] + EPS),
}


@claim(
    guard={
        "真实类概率为 0 的样本占比": "in [0.5, 0.78]",
        "给 p 加 1e-12 时损失的最大值": "in [27.6, 27.7]",
        "标准差为 1 时三种写法之差": "<= 1e-5",
    },
    expect={"损失为 inf 的样本占比": "== 0", "有限损失的最大相对误差": "<= 1e-6"},
    control=[{"method": "log(p)"}, {"method": "log(p + eps)"}],
    knobs={"method": ["log_softmax", "log(p)", "log(p + eps)"], "scale": [1.0, 300.0]},
)
@np.errstate(divide="ignore")
def log_softmax_keeps_the_loss(method="log_softmax", scale=100.0, seed=0):
    """真实类概率下溢成 0 时，log-sum-exp 写法的交叉熵仍然有限而准确"""
    z, y, log_p = wide_logits(seed, np.float32, scale)
    rows = np.arange(len(y))
    loss, truth = LOSSES[method](z, y), -log_p[rows, y]  # (n,)
    finite = np.isfinite(loss)
    error = np.abs(loss - truth) / np.maximum(truth, 1)  # 损失小于 1 时看绝对误差
    return {
        "真实类概率为 0 的样本占比": (softmax(z)[rows, y] == 0).mean(),
        "给 p 加 1e-12 时损失的最大值": LOSSES["log(p + eps)"](z, y).max(),
        "标准差为 1 时三种写法之差": np.ptp(
            [f(z / scale, y) for f in LOSSES.values()], axis=0
        ).max(),
        "损失为 inf 的样本占比": 1 - finite.mean(),
        "有限损失的最大相对误差": error[finite].max(),
        "与真值相比": scatter(loss, truth, x_label="真正的损失", y_label="算出的损失"),
    }


GRADIENTS = {  # 对 logits 的梯度的几种说法，hot 为 one-hot 标签
    "p - onehot": lambda p, hot: p - hot,
    "p - 1": lambda p, hot: p - 1,  # 每一类都减 1
}


@claim(
    guard={"数值梯度的最大绝对值": ">= 0.5"},
    expect={"与中心差分的最大误差": "<= 1e-8", "各行梯度之和": "<= 1e-12"},
    control={"form": "p - 1"},
    knobs={"form": ["p - onehot", "p - 1"], "scale": [0.5, 5.0]},
)
def gradient_is_p_minus_onehot(form="p - onehot", scale=2.0, seed=0):
    """交叉熵对 logits 的梯度是 p − onehot(y)；差分穿过了 max，公式没有"""
    rng = np.random.default_rng(seed)
    z, hot = rng.normal(0, scale, (8, 6)), np.eye(6)[rng.integers(0, 6, 8)]  # (n, K)
    loss = lambda z: -(np.log(softmax(z)) * hot).sum()  # 减最大值在里面
    numeric, h = np.zeros_like(z), 1e-5
    for i in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[i] = h
        numeric[i] = (loss(z + step) - loss(z - step)) / (2 * h)
    grad = GRADIENTS[form](softmax(z), hot)
    return {
        "数值梯度的最大绝对值": np.abs(numeric).max(),
        "与中心差分的最大误差": np.abs(grad - numeric).max(),
        "各行梯度之和": np.abs(grad.sum(axis=1)).max(),
    }


def one_hot(z, y):
    return np.eye(z.shape[1], dtype=z.dtype)[y]


@np.errstate(all="ignore")
def chained(z, y, eps):
    """交叉熵对 logits 的梯度 (n, K)：先过 log，再过 softmax。"""
    p = softmax(z)
    dp = -one_hot(z, y) / (p + eps)  # −log p_y 的导数，只在真实类上非零
    return p * (dp - (dp * p).sum(axis=1, keepdims=True))  # 乘 diag(p) − p pᵀ


BACKWARD = {
    "fused": lambda z, y: softmax(z) - one_hot(z, y),  # 合成一步
    "chain": lambda z, y: chained(z, y, np.float32(0)),
    "chain_eps": lambda z, y: chained(z, y, EPS),
}


@claim(
    guard={
        "真实类概率为 0 的样本占比": "in [0.5, 0.78]",
        "标准差为 1 时分开求导与合成一步之差": "<= 1e-5",
    },
    expect={"真实类梯度正确的样本占比": "== 1"},
    control=[{"how": "chain"}, {"how": "chain_eps"}],
    knobs={"how": ["fused", "chain", "chain_eps"], "scale": [1.0, 300.0]},
)
def fused_gradient_survives(how="fused", scale=100.0, seed=0):
    """真实类概率下溢成 0 时，合成一步的梯度仍然正确"""
    z, y, log_p = wide_logits(seed, np.float32, scale)
    rows = np.arange(len(y))
    mild = [f(z / scale, y) for f in BACKWARD.values()]
    wrong = np.abs(BACKWARD[how](z, y)[rows, y] - (np.exp(log_p[rows, y]) - 1))
    return {
        "真实类概率为 0 的样本占比": (softmax(z)[rows, y] == 0).mean(),
        "标准差为 1 时分开求导与合成一步之差": np.ptp(mild, axis=0).max(),
        "真实类梯度正确的样本占比": (wrong <= 1e-4).mean(),  # NaN 不算正确
    }
