"""PReLU：负半轴的斜率由梯度来学。"""

import numpy as np

from quizdl.proof import claim, line


def prelu(y, alpha):
    return np.where(y > 0, y, alpha * y)


COUNTED = {  # α 的梯度由哪些输入来
    "min(y,0)": lambda y: np.minimum(y, 0),
    "y": lambda y: y,  # 忘了正半轴没有 α
    "mean": lambda y: np.minimum(y, 0) / len(y),  # 对样本平均，而不求和
}


@claim(
    guard={"α 梯度的最小值": ">= 1e-3", "dy 的最大误差": "<= 1e-7"},
    expect={"dα 的最大误差": "<= 1e-7"},
    control=[{"form": "y"}, {"form": "mean"}],
    knobs={"form": ["min(y,0)", "y", "mean"]},
)
def alpha_gradient_sums_negatives(form="min(y,0)", seed=0):
    """α 的梯度是本通道所有负输入乘上游梯度之和，与中心差分一致"""
    rng, h = np.random.default_rng(seed), 1e-6
    y, R = rng.normal(0, 1, (2, 8, 9, 5))  # (N, HW, C)
    y[np.abs(y) < h] = 0.1  # 差分不跨过折点
    alpha = rng.uniform(0.1, 0.5, 5)
    loss = lambda y, alpha: R * prelu(y, alpha) ** 2 / 2  # 各项互不相干
    d = R * prelu(y, alpha)  # 上游梯度
    dy = d * np.where(y > 0, 1.0, alpha)
    dy_true = (loss(y + h, alpha) - loss(y - h, alpha)) / (2 * h)
    dalpha = (COUNTED[form](y) * d).sum(axis=(0, 1))  # 每个通道一个
    true = (loss(y, alpha + h) - loss(y, alpha - h)).sum(axis=(0, 1)) / (2 * h)
    return {
        "α 梯度的最小值": np.abs(true).min(),
        "dy 的最大误差": np.abs(dy - dy_true).max(),
        "dα 的最大误差": np.abs(dalpha - true).max(),
    }


FORMS = {
    "where": prelu,
    "max": lambda y, alpha: np.maximum(y, alpha * y),  # 只在 α ≤ 1 时是 PReLU
}


def learn(true_alpha, form, seed, decay=0.0, steps=250, lr=0.2):
    """一个单元，只学 α（从 0.25 出发）：α 的轨迹 (steps,)，末尾的均方误差，理论上的停点。"""
    rng, h = np.random.default_rng(seed), 1e-5
    y = rng.normal(0, 1, 400)
    target = prelu(y, true_alpha) + rng.normal(0, 0.1, 400)
    f, alpha, path = FORMS[form], 0.25, []
    for _ in range(steps):
        slope = (f(y, alpha + h) - f(y, alpha - h)) / (2 * h)  # ∂f/∂α
        alpha = alpha - lr * (((f(y, alpha) - target) * slope).mean() + decay * alpha)
        path.append(alpha)
    q = np.mean(np.minimum(y, 0) ** 2)
    return path, np.mean((f(y, alpha) - target) ** 2), q / (q + decay) * true_alpha


@claim(
    guard={"第一步离真斜率": "in [0.27, 0.37]"},
    expect={
        "学到的 α / 真斜率": "in [0.95, 1.05]",
        "衰减 0.2 时学到的 α / 停点": "in [0.95, 1.05]",
    },
    control=[{"decay": 0.2}, {"steps": 10}],
    knobs={"true_alpha": [0.5, 1.0], "decay": [0.0, 1.0], "steps": [10, 400]},
)
def learns_the_true_slope(true_alpha=0.6, decay=0.0, steps=250, seed=0):
    """数据由斜率 0.6 生成，α 从 0.25 出发学回 0.6；给 α 加 0.2 的权重衰减，只学到七成"""
    path, _, _ = learn(true_alpha, "where", seed, decay, steps)
    decayed, _, stop = learn(true_alpha, "where", seed, 0.2, steps)
    return {
        "第一步离真斜率": true_alpha - path[0],
        "学到的 α / 真斜率": path[-1] / true_alpha,
        "衰减 0.2 时学到的 α / 停点": decayed[-1] / stop,
        "α": line({f"衰减 {decay}": path, "衰减 0.2": decayed}, rules={"真斜率": true_alpha}),
    }


@claim(
    guard={"分两支学到的 α / 真斜率": "in [0.9, 1.1]", "噪声的均方误差": "in [0.006, 0.015]"},
    expect={
        "max 学到的 α": "in [0.9, 1.1]",
        "误差之比 max / where": "in [4, 30]",
    },
    control={"true_alpha": 0.6},
    knobs={"true_alpha": [0.1, 2.0]},
)
def max_form_sticks_at_one(true_alpha=1.5, seed=0):
    """真斜率 1.5：分两支的写法学得到；写成 max(y, αy)，α 停在 1 附近，误差大得多"""
    path, error, _ = learn(true_alpha, "where", seed)
    stuck, worse, _ = learn(true_alpha, "max", seed)
    return {
        "噪声的均方误差": error,
        "分两支学到的 α / 真斜率": path[-1] / true_alpha,
        "max 学到的 α": stuck[-1],
        "误差之比 max / where": worse / error,
        "α": line({"where": path, "max": stuck}, x_label="步", rules={"真斜率": true_alpha}),
    }


FLIPPED = {
    "1/alpha": lambda y, alpha: -alpha * prelu(y, 1 / alpha),
    "alpha": lambda y, alpha: -alpha * prelu(y, alpha),  # 斜率没有取倒数
    "unscaled": lambda y, alpha: -prelu(y, 1 / alpha),  # 少了系数
}


@claim(
    guard={"|y| 的平均值": "in [0.7, 0.9]"},
    expect={"两种写法的相对差": "<= 1e-12"},
    control=[{"other": "alpha"}, {"other": "unscaled"}],
    knobs={"other": ["1/alpha", "alpha", "unscaled"], "alpha": [0.1, 0.9]},
)
def sign_flip_inverts_slope(alpha=0.3, other="1/alpha", seed=0):
    """翻转输入的符号，斜率 α 就变成 1/α：f_α(−y) = −α f_{1/α}(y)"""
    y = np.random.default_rng(seed).normal(0, 1, 1000)
    one, two = prelu(-y, alpha), FLIPPED[other](y, alpha)
    return {
        "|y| 的平均值": np.abs(y).mean(),
        "两种写法的相对差": np.linalg.norm(two - one) / np.linalg.norm(one),
    }


NOISE = 0.5


def fit_slopes(share, m, spread, seed, units=32):
    """输出 Σ v_c f(y_c)，只学斜率：全层共用一个，或每个单元一个。训练误差、测试误差。

    正半轴已知，剩下的 Σ v_c α_c min(y_c, 0) 对 α 是线性的，最小二乘就是训练到收敛的结果。
    """
    rng = np.random.default_rng(seed)
    F = np.minimum(rng.normal(0, 1, (m + 2000, units)), 0) * rng.normal(0, 1, units)
    true = 0.25 + spread * rng.uniform(-1, 1, units)
    rest = F @ true + rng.normal(0, NOISE, m + 2000)
    if share:
        F = F.sum(axis=1, keepdims=True)
    alpha = np.linalg.lstsq(F[:m], rest[:m])[0]
    error = (F @ alpha - rest) ** 2
    return error[:m].mean(), error[m:].mean()


@claim(
    guard={"共用时的训练误差 / 噪声": ">= 0.3"},
    expect={"训练误差 各自 / 共用": "in [0.25, 0.8]", "测试误差 各自 / 共用": "in [1.25, 6]"},
    control=[{"m": 2000}, {"spread": 0.5}],
    knobs={"m": [40, 2000], "spread": [0.0, 1.0]},
)
def own_slopes_overfit(m=64, spread=0.0, seed=0):
    """样本少、真斜率相同：每个单元一个 α，训练误差更低，测试误差更高"""
    train, test = fit_slopes(True, m, spread, seed)
    own_train, own_test = fit_slopes(False, m, spread, seed)
    return {
        "共用时的训练误差 / 噪声": train / NOISE**2,
        "训练误差 各自 / 共用": own_train / train,
        "测试误差 各自 / 共用": own_test / test,
    }
