"""sigmoid 及其导数：恒等式、浮点里的写法，以及几种常被说重了的缺点。"""

import numpy as np

from quizdl.proof import claim, line, scatter


def sigmoid(x):
    """两支共用 e = exp(−|x|) ≤ 1，所以不会上溢。"""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


DERIVATIVES = {  # 由 x 和 a = σ(x) 写出的 σ'(x)
    "a(1-a)": lambda x, a: a * (1 - a),
    "e^-x/(1+e^-x)^2": lambda x, a: np.exp(-x) / (1 + np.exp(-x)) ** 2,
    "1-a^2": lambda x, a: 1 - a**2,  # 那是 tanh 的
    "x(1-x)": lambda x, a: x * (1 - x),  # 把 x 当成了输出
}


@claim(
    guard={"差分所得导数的最大值": "in [0.2499, 0.2501]"},
    expect={
        "与中心差分的最大误差": "<= 1e-9",
        "最大值处的 |x|": "<= 0.02",
        "|x| 到 800 时 NaN 个数": "== 0",
    },
    control=[{"form": "1-a^2"}, {"form": "x(1-x)"}, {"form": "e^-x/(1+e^-x)^2"}],
    knobs={"form": ["a(1-a)", "1-a^2", "x(1-x)", "e^-x/(1+e^-x)^2"]},
)
@np.errstate(over="ignore", invalid="ignore")  # 溢出正是要看的
def derivative_identity(form="a(1-a)", seed=0):
    """σ' = σ(1−σ)：与中心差分一致，在 0 处取最大值 1/4，|x| 很大也不出 NaN"""
    rng, h = np.random.default_rng(seed), 1e-5
    x, far = rng.uniform(-8, 8, 20_000), rng.uniform(-800, 800, 2000)
    numeric = (sigmoid(x + h) - sigmoid(x - h)) / (2 * h)
    formula = DERIVATIVES[form](x, sigmoid(x))
    grid = np.linspace(-8, 8, 161)
    curves = {"σ": sigmoid(grid), form: DERIVATIVES[form](grid, sigmoid(grid))}
    return {
        "差分所得导数的最大值": numeric.max(),
        "与中心差分的最大误差": np.abs(formula - numeric).max(),
        "最大值处的 |x|": np.abs(x[formula.argmax()]),
        "|x| 到 800 时 NaN 个数": np.isnan(DERIVATIVES[form](far, sigmoid(far))).sum(),
        "σ 与导数": line(curves, grid, x_label="x", rules={"1/4": 0.25}),
    }


FORMS = {
    "two_branch": sigmoid,
    "1/(1+e^-x)": lambda x: 1 / (1 + np.exp(-x)),
    "e^x/(1+e^x)": lambda x: np.exp(x) / (1 + np.exp(x)),
}


@claim(
    guard={"最大 |x| / 上溢阈值": "in [1.05, 1.1]"},
    expect={"NaN 的个数": "== 0", "相对误差超过 1% 的个数": "== 0"},
    control=[{"form": "1/(1+e^-x)"}, {"form": "e^x/(1+e^x)"}],
    knobs={"form": ["two_branch", "1/(1+e^-x)", "e^x/(1+e^x)"], "dtype": ["float16", "float32"]},
)
@np.errstate(over="ignore", invalid="ignore")
def two_branches_survive(form="two_branch", dtype="float16", seed=0):
    """|x| 越过 exp 的上溢阈值 8%，两支写法每个值仍准到 1% 以内"""
    limit = np.log(float(np.finfo(dtype).max))  # float16 约 11.09，float32 约 88.72
    drawn = np.random.default_rng(seed).uniform(-1.08 * limit, 1.08 * limit, 5000)
    x = drawn.astype(dtype)
    a, truth = FORMS[form](x), 1 / (1 + np.exp(-x.astype(np.float64)))  # 双精度里不上溢
    return {
        "最大 |x| / 上溢阈值": np.abs(drawn).max() / limit,
        "NaN 的个数": np.isnan(a).sum(),
        "相对误差超过 1% 的个数": (~(np.abs(a - truth) <= 0.01 * truth)).sum(),
    }


COMPLEMENTS = {"sigma(-x)": lambda x: sigmoid(-x), "1-sigma(x)": lambda x: 1 - sigmoid(x)}


@claim(
    guard={"σ(x) 恰等于 1 的占比": "in [0.3, 0.7]", "开始等于 1 的 x": "in [36.6, 37.2]"},
    expect={"1 − σ(x) 的最大相对误差": "<= 1e-14"},
    control={"how": "1-sigma(x)"},
    knobs={"how": ["sigma(-x)", "1-sigma(x)"]},
)
def complement_is_sigma_of_minus_x(how="sigma(-x)", seed=0):
    """双精度里 x 超过约 36.7 时 σ(x) 恰等于 1，σ(−x) 却仍给出准确的 1 − σ(x)"""
    x = np.sort(np.random.default_rng(seed).uniform(15, 60, 1000))
    truth = np.exp(-x - np.log1p(np.exp(-x)))  # 1 − σ(x) = e^(−x) / (1 + e^(−x))
    is_one = sigmoid(x) == 1
    return {
        "σ(x) 恰等于 1 的占比": is_one.mean(),
        "开始等于 1 的 x": x[is_one].min(initial=60.0),
        "1 − σ(x) 的最大相对误差": (np.abs(COMPLEMENTS[how](x) - truth) / truth).max(),
    }


def clipped_bce(z, y, eps=1e-7):
    """先算出 p、截到 [eps, 1 − eps]，再取对数。"""
    p = np.clip(sigmoid(z), eps, 1 - eps)
    return -y * np.log(p) - (1 - y) * np.log(1 - p)


LOSSES = {  # 都是 logit z 的函数
    "cross_entropy": lambda z, y: np.logaddexp(0, z) - y * z,
    "mse": lambda z, y: (sigmoid(z) - y) ** 2 / 2,
    "clipped_bce": clipped_bce,
}


@claim(
    guard={"最小的 |p − y|": ">= 0.99"},
    expect={"最小的 |dL/dz|": ">= 0.99", "与 p − y 的最大误差": "<= 1e-7"},
    control=[{"loss": "mse"}, {"loss": "clipped_bce"}],
    knobs={"loss": ["cross_entropy", "mse", "clipped_bce"], "reach": [6.0, 35.0]},
)
def cross_entropy_cancels_saturation(loss="cross_entropy", reach=30.0, seed=0):
    """错得很自信的样本：sigmoid 加交叉熵的梯度是 p − y，绝对值不小于 0.99"""
    rng, h = np.random.default_rng(seed), 1e-4
    y = rng.integers(0, 2, 1000)
    z = np.where(y == 1, -1, 1) * rng.uniform(5, reach, 1000)  # 全都判错
    grad = (LOSSES[loss](z + h, y) - LOSSES[loss](z - h, y)) / (2 * h)
    residual = np.where(y == 1, -sigmoid(-z), sigmoid(z))  # p − y
    return {
        "最小的 |p − y|": np.abs(residual).min(),
        "最小的 |dL/dz|": np.abs(grad).min(),
        "与 p − y 的最大误差": np.abs(grad - residual).max(),
        "判错时的梯度": scatter(
            np.abs(grad)[:400], z[:400], x_label="z", y_label="|dL/dz|", rules={"没有梯度": 0}
        ),
    }


def one_sign(grad):
    """各神经元的入权重梯度 (..., fan_in, units) 是否同号。"""
    return np.abs(np.sign(grad).sum(axis=-2)) == grad.shape[-2]


@claim(
    guard={
        "非零梯度的占比": ">= 0.99",
        "正残差的占比": "in [0.3, 0.7]",  # 每一组都有正有负
    },
    expect={"单个样本同号的占比": "== 1", "整批相加后同号的占比": "<= 0.1"},
    control=[{"act": "tanh"}, {"bias_shift": 0.5}],  # 平均残差偏到约 0.12
    knobs={"act": ["sigmoid", "tanh"], "bias_shift": [-4.0, 4.0]},
)
def one_sign_per_sample(act="sigmoid", bias_shift=0.0, seed=0):
    """sigmoid 之后那层：单个样本的入权重梯度全同号，平均残差为 0 的一批加起来不同号"""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(0, 1, (128, 10)), rng.integers(0, 2, 128)
    W1, W2, w3 = rng.normal(0, 0.3, (10, 16)), rng.normal(0, 0.3, (16, 8)), rng.normal(0, 0.3, 8)
    phi = {"sigmoid": sigmoid, "tanh": np.tanh}[act]
    a1 = phi(X @ W1)  # (n, 16)
    a2 = sigmoid(a1 @ W2)  # (n, 8)
    bias = 0.0
    for _ in range(60):  # 先拟合输出偏置：平均残差为 0
        bias -= 4 * np.mean(sigmoid(a2 @ w3 + bias) - y)
    residual = sigmoid(a2 @ w3 + bias + bias_shift) - y  # (n,)
    delta = residual[:, None] * w3 * a2 * (1 - a2)  # (n, 8)
    grads = a1[:, :, None] * delta[:, None, :]  # (n, 16, 8)：每个样本的 dL/dW2
    return {
        "非零梯度的占比": (grads != 0).mean(),
        "正残差的占比": (residual > 0).mean(),
        "单个样本同号的占比": one_sign(grads).mean(),
        "整批相加后同号的占比": one_sign(grads.sum(axis=0)).mean(),
    }


@claim(
    guard={"|tanh(x)| 的平均值": "in [0.3, 0.9]"},
    expect={
        "2σ(kx) − 1 与 tanh 之差": "<= 1e-12",
        "tanh' 与 σ' 最大值之比": "in [3.99, 4.01]",
    },
    control=[{"k": 1.0}, {"k": 4.0}],
    knobs={"k": [0.5, 4.0]},
)
def tanh_is_stretched_sigmoid(k=2.0, seed=0):
    """tanh(x) = 2σ(2x) − 1：同一条曲线拉伸，最大斜率是 σ 的 4 倍"""
    x, h = np.random.default_rng(seed).uniform(-3, 3, 5000), 1e-5
    stretched = lambda x: 2 * sigmoid(k * x) - 1
    steepest = ((stretched(x + h) - stretched(x - h)) / (2 * h)).max()
    grid = np.linspace(-3, 3, 121)
    return {
        "两条曲线": line({"2σ(kx) − 1": stretched(grid), "tanh": np.tanh(grid)}, grid, x_label="x"),
        "|tanh(x)| 的平均值": np.abs(np.tanh(x)).mean(),
        "2σ(kx) − 1 与 tanh 之差": np.abs(stretched(x) - np.tanh(x)).max(),
        "tanh' 与 σ' 最大值之比": steepest / ((sigmoid(x + h) - sigmoid(x - h)) / (2 * h)).max(),
    }


def exp_by_hand(x, degree):
    """e^x = 2^k · e^r，|r| ≤ ln2 / 2，e^r 用多项式；返回值与每个元素的运算次数。"""
    k = np.round(x / np.log(2))  # 乘、取整：2 次
    r = x - k * np.log(2)  # 乘、减：2 次
    coefficients = 1 / np.cumprod([1.0, *range(1, degree + 1)])  # 1/j!，常数
    p = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:  # Horner：每项乘、加 2 次
        p = p * r + c
    return np.ldexp(p, k.astype(int)), 5 + 2 * degree  # ldexp：1 次


@claim(
    guard={"x 的最大绝对值": "in [25, 38]"},
    expect={"sigmoid 的最大误差": "<= 6e-8", "sigmoid 占一层运算的份额": "in [0.015, 0.03]"},
    control=[{"width": 16}, {"degree": 4}],
    knobs={"width": [16, 4096], "degree": [2, 10]},
)
def exp_is_a_small_share(width=512, degree=6, seed=0):
    """自己写 exp 到单精度并数运算：宽 512 的全连接层里 sigmoid 不到 3%"""
    x = np.random.default_rng(seed).uniform(-30, 30, 5000)
    e, exp_ops = exp_by_hand(-np.abs(x), degree)
    a, per_unit = np.where(x >= 0, 1, e) / (1 + e), exp_ops + 4  # 绝对值、选、加、除
    matmul = 2 * width * width  # 每个样本：乘加，含偏置
    return {
        "x 的最大绝对值": np.abs(x).max(),
        "sigmoid 的最大误差": np.abs(a - sigmoid(x)).max(),
        "sigmoid 占一层运算的份额": per_unit * width / (per_unit * width + matmul),
    }
