"""PReLU：负半轴的斜率由梯度来学。"""

import numpy as np

from quizdl.proof import claim, line


def prelu(y, alpha):
    return np.where(y > 0, y, alpha * y)


def prelu_backward(y, d, alpha):
    """dy，以及每个通道一个的 dα = Σ min(y, 0) · d（对样本与空间求和）。"""
    return d * np.where(y > 0, 1.0, alpha), (np.minimum(y, 0) * d).sum(axis=(0, 1))


DALPHA = {
    "min(y,0)": lambda y, d: prelu_backward(y, d, 0.0)[1],
    "y": lambda y, d: (y * d).sum(axis=(0, 1)),  # 忘了正半轴没有 α
    "mean": lambda y, d: prelu_backward(y, d, 0.0)[1] / (y.shape[0] * y.shape[1]),  # 平均而不求和
}


@claim(
    guard={"负输入的比例": "in [0.3, 0.7]", "α 梯度的最小值 / 最大值": ">= 1e-4"},
    expect={"dy、dα 的最大相对误差": "<= 1e-7"},
    control=[{"form": "y"}, {"form": "mean"}],
    knobs={"form": ["min(y,0)", "y", "mean"]},
)
def alpha_gradient_sums_negatives(form="min(y,0)", seed=0):
    """α 的梯度是本通道所有负输入乘上游梯度之和，与中心差分一致"""
    rng, h = np.random.default_rng(seed), 1e-6
    y, R = rng.normal(0, 1, (2, 8, 9, 5))  # (N, HW, C)
    y = np.where(np.abs(y) < 1e-3, 0.1, y)  # 差分避开折点
    alpha = rng.uniform(0.1, 0.5, 5)
    loss = lambda y, alpha: (R * prelu(y, alpha) ** 2).sum(axis=(0, 1)) / 2  # 各通道互不相干
    d = R * prelu(y, alpha)
    dy, _ = prelu_backward(y, d, alpha)
    dy_true = R * (prelu(y + h, alpha) ** 2 - prelu(y - h, alpha) ** 2) / (4 * h)
    dalpha = DALPHA[form](y, d)
    true = (loss(y, alpha + h) - loss(y, alpha - h)) / (2 * h)
    relative = lambda a, b: np.linalg.norm(a - b) / np.linalg.norm(b)
    return {
        "负输入的比例": np.mean(y < 0),
        "α 梯度的最小值 / 最大值": np.abs(true).min() / np.abs(true).max(),
        "dy、dα 的最大相对误差": max(relative(dy, dy_true), relative(dalpha, true)),
    }


FORMS = {
    "where": prelu,
    "max": lambda y, alpha: np.maximum(y, alpha * y),  # 只在 α ≤ 1 时是 PReLU
}


def learn(true_alpha, form, seed, decay=0.0, steps=250, lr=0.2):
    """一个单元，只学 α（从 0.25 出发）。返回 α 的轨迹 (steps,) 和末尾的均方误差。"""
    rng, h = np.random.default_rng(seed), 1e-5
    y = rng.normal(0, 1, 400)
    target = prelu(y, true_alpha) + rng.normal(0, 0.1, 400)
    f, alpha, path = FORMS[form], 0.25, []
    for _ in range(steps):
        slope = (f(y, alpha + h) - f(y, alpha - h)) / (2 * h)  # ∂f/∂α
        alpha = alpha - lr * (((f(y, alpha) - target) * slope).mean() + decay * alpha)
        path.append(alpha)
    return path, np.mean((f(y, alpha) - target) ** 2)


@claim(
    guard={"第一步离真斜率": ">= 0.2"},
    expect={"学到的 α / 真斜率": "in [0.95, 1.05]"},
    control=[{"decay": 0.2}, {"steps": 10}],
    knobs={"true_alpha": [0.5, 1.0], "decay": [0.0, 1.0], "steps": [10, 400]},
)
def learns_the_true_slope(true_alpha=0.6, decay=0.0, steps=250, seed=0):
    """数据由斜率 0.6 生成，α 从 0.25 出发学回 0.6；给 α 加 0.2 的权重衰减，只学到七成"""
    path, _ = learn(true_alpha, "where", seed, decay, steps)
    return {
        "第一步离真斜率": true_alpha - path[0],
        "学到的 α / 真斜率": path[-1] / true_alpha,
        "α": line(path, x_label="步", rules={"真斜率": 0.6}),
    }


@claim(
    guard={"分两支学到的 α / 真斜率": "in [0.9, 1.1]", "噪声的均方误差": "in [0.006, 0.015]"},
    expect={
        "max 学到的 α": "in [0.9, 1.1]",
        "误差之比 max / where": ">= 4",
    },
    control={"true_alpha": 0.6},
    knobs={"true_alpha": [0.1, 2.0]},
)
def max_form_sticks_at_one(true_alpha=1.5, seed=0):
    """真斜率 1.5：分两支的写法学得到；写成 max(y, αy)，α 停在 1 附近，误差大得多"""
    path, error = learn(true_alpha, "where", seed)
    stuck, worse = learn(true_alpha, "max", seed)
    return {
        "噪声的均方误差": error,
        "分两支学到的 α / 真斜率": path[-1] / true_alpha,
        "max 学到的 α": stuck[-1],
        "误差之比 max / where": worse / error,
        "α": line({"where": path, "max": stuck}, x_label="步", rules={"真斜率": 1.5}),
    }


FLIPPED = {
    "1/alpha": lambda y, alpha: -alpha * prelu(y, 1 / alpha),
    "alpha": lambda y, alpha: -alpha * prelu(y, alpha),  # 斜率没有取倒数
    "unscaled": lambda y, alpha: -prelu(y, 1 / alpha),  # 少了系数
}


@claim(
    guard={"|y| 的平均值": ">= 0.5"},
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


def fit_slopes(share, m, spread, seed, units=32, noise=0.5):
    """输出 Σ v_c f(y_c)，只学斜率：全层共用一个，或每个单元一个。训练误差、测试误差。

    输出对 α 是线性的，最小二乘就是训练到收敛的结果。
    """
    rng = np.random.default_rng(seed)
    y = rng.normal(0, 1, (m + 2000, units))
    v, true = rng.choice([-1, 1], units), 0.25 + spread * rng.uniform(-1, 1, units)
    target = prelu(y, true) @ v + rng.normal(0, noise, m + 2000)
    rest = target - np.maximum(y, 0) @ v  # 正半轴已知，剩下的由 α 解释
    F = np.minimum(y, 0) * v  # (m + 2000, units)
    if share:
        F = F.sum(axis=1, keepdims=True)
    alpha = np.linalg.lstsq(F[:m], rest[:m])[0]
    error = (F @ alpha - rest) ** 2
    return error[:m].mean(), error[m:].mean()


@claim(
    guard={"共用时的训练误差 / 噪声": ">= 0.3"},
    expect={"训练误差 各自 / 共用": "<= 0.8", "测试误差 各自 / 共用": ">= 1.25"},
    control=[{"m": 2000}, {"spread": 0.5}],
    knobs={"m": [40, 2000], "spread": [0.0, 1.0]},
)
def own_slopes_overfit(m=64, spread=0.0, seed=0):
    """样本少、真斜率相同：每个单元一个 α，训练误差更低，测试误差更高"""
    train, test = fit_slopes(True, m, spread, seed)
    own_train, own_test = fit_slopes(False, m, spread, seed)
    return {
        "共用时的训练误差 / 噪声": train / 0.5**2,
        "训练误差 各自 / 共用": own_train / train,
        "测试误差 各自 / 共用": own_test / test,
    }
