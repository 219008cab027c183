"""sigmoid 及其导数：恒等式、浮点里的写法，以及几种常被说重了的缺点。"""

import numpy as np

from quizdl.proof import claim, line, scatter


def sigmoid(x):
    """两支共用 e = exp(−|x|) ≤ 1，所以不会上溢。"""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def slope(a):
    return a * (1 - a)


DERIVATIVES = {  # 由 x 和 a = σ(x) 写出的 σ'(x)
    "a(1-a)": lambda x, a: slope(a),
    "x(1-x)": lambda x, a: slope(x),  # 把 x 当成了输出
    "e^-x/(1+e^-x)^2": lambda x, a: np.exp(-x) / (1 + np.exp(-x)) ** 2,
}


@claim(
    guard={
        "差分所得导数的最大值": "in [0.2499, 0.2501]",
        "最远的 |x|": "in [750, 800]",
        "|x| ≤ 8 时两式之差": "<= 1e-12",
    },
    expect={
        "与中心差分的最大误差": "<= 1e-9",
        "最大值处的 |x|": "<= 0.02",
        "|x| 到 800 时 NaN 个数": "== 0",
    },
    control=[{"form": "x(1-x)"}, {"form": "e^-x/(1+e^-x)^2"}],
    knobs={"form": ["a(1-a)", "x(1-x)", "e^-x/(1+e^-x)^2"]},
)
@np.errstate(over="ignore", invalid="ignore")  # 溢出正是要看的
def derivative_identity(form="a(1-a)", seed=0):
    """σ' = σ(1−σ)：与中心差分一致，在 0 处取最大值 1/4，|x| 很大也不出 NaN"""
    rng, h = np.random.default_rng(seed), 1e-5
    x, far = np.sort(rng.uniform(-8, 8, 20_000)), rng.uniform(-800, 800, 2000)
    numeric = (sigmoid(x + h) - sigmoid(x - h)) / (2 * h)
    a, formula = sigmoid(x), DERIVATIVES[form]
    found = formula(x, a)
    curves = {"σ": a[::200], form: found[::200]}
    return {
        "差分所得导数的最大值": numeric.max(),
        "最远的 |x|": np.abs(far).max(),
        "|x| ≤ 8 时两式之差": np.abs(DERIVATIVES["e^-x/(1+e^-x)^2"](x, a) - slope(a)).max(),
        "与中心差分的最大误差": np.abs(found - numeric).max(),
        "最大值处的 |x|": np.abs(x[found.argmax()]),
        "|x| 到 800 时 NaN 个数": np.isnan(formula(far, sigmoid(far))).sum(),
        "σ 与导数": line(curves, x[::200], x_label="x", rules={"1/4": 0.25}),
    }


FORMS = {
    "two_branch": sigmoid,
    "1/(1+e^-x)": lambda x: 1 / (1 + np.exp(-x)),
    "e^x/(1+e^x)": lambda x: np.exp(x) / (1 + np.exp(x)),
}


@claim(
    guard={"最大 |x| / 上溢阈值": "in [1.05, 1.1]", "双精度里三种写法之差": "<= 1e-12"},
    expect={"NaN 的个数": "== 0", "最大的相对误差": "in [1e-8, 0.01]"},
    control=[{"form": "1/(1+e^-x)"}, {"form": "e^x/(1+e^x)"}],
    knobs={"form": ["two_branch", "1/(1+e^-x)", "e^x/(1+e^x)"], "dtype": ["float16", "float32"]},
)
@np.errstate(over="ignore", invalid="ignore")
def two_branches_survive(form="two_branch", dtype="float16", seed=0):
    """|x| 越过 exp 的上溢阈值 8%，两支写法每个值仍准到 1% 以内"""
    limit = np.log(float(np.finfo(dtype).max))  # float16 约 11.09，float32 约 88.72
    drawn = np.random.default_rng(seed).uniform(-1.08 * limit, 1.08 * limit, 5000)
    x = drawn.astype(dtype)
    exact = [each(x.astype(np.float64)) for each in FORMS.values()]  # 双精度里不上溢
    a, truth = FORMS[form](x), exact[0]
    return {
        "最大 |x| / 上溢阈值": np.abs(drawn).max() / limit,
        "双精度里三种写法之差": np.ptp(exact, axis=0).max(),
        "NaN 的个数": np.isnan(a).sum(),
        "最大的相对误差": np.nanmax(np.abs(a - truth) / truth),
    }


COMPLEMENTS = {"sigma(-x)": lambda x: sigmoid(-x), "1-sigma(x)": lambda x: 1 - sigmoid(x)}


@claim(
    guard={
        "σ(x) 恰等于 1 的占比": "in [0.42, 0.62]",
        "开始等于 1 的 x": "in [36.6, 37.2]",
        "x 不到 20 处的相对误差": "<= 1e-6",
    },
    expect={"1 − σ(x) 的最大相对误差": "<= 1e-14"},
    control={"how": "1-sigma(x)"},
    knobs={"how": ["sigma(-x)", "1-sigma(x)"]},
)
def complement_is_sigma_of_minus_x(how="sigma(-x)", seed=0):
    """双精度里 x 超过约 36.7 时 σ(x) 恰等于 1，σ(−x) 却仍给出准确的 1 − σ(x)"""
    x = np.random.default_rng(seed).uniform(15, 60, 1000)
    truth = np.exp(-x - np.log1p(np.exp(-x)))  # 1 − σ(x) = e^(−x) / (1 + e^(−x))
    is_one = sigmoid(x) == 1
    error = np.abs(COMPLEMENTS[how](x) - truth) / truth
    return {
        "σ(x) 恰等于 1 的占比": is_one.mean(),
        "开始等于 1 的 x": x[is_one].min(),
        "x 不到 20 处的相对误差": error[x < 20].max(),
        "1 − σ(x) 的最大相对误差": error.max(),
    }


def clipped_bce(z, y):
    """先算出 p、截到 [1e-7, 1 − 1e-7]，再取对数。"""
    p = np.clip(sigmoid(z), 1e-7, 1 - 1e-7)
    return -np.log(np.where(y, p, 1 - p))


LOSSES = {  # logit z 的函数，以及没有饱和时的梯度
    "cross_entropy": (lambda z, y: np.logaddexp(0, z) - y * z, lambda p, y: p - y),
    "mse": (lambda z, y: (sigmoid(z) - y) ** 2 / 2, lambda p, y: (p - y) * slope(p)),
    "clipped_bce": (clipped_bce, lambda p, y: p - y),
}


@claim(
    guard={
        "最小的 |p − y|": ">= 0.99",
        "正类的占比": "in [0.4, 0.6]",
        "|z| ≤ 3 时与公式之差": "<= 1e-8",
    },
    expect={"最小的 |dL/dz|": ">= 0.99", "与 p − y 的最大误差": "<= 1e-7"},
    control=[{"loss": "mse"}, {"loss": "clipped_bce"}],
    knobs={"loss": ["cross_entropy", "mse", "clipped_bce"], "reach": [6.0, 35.0]},
)
def cross_entropy_cancels_saturation(loss="cross_entropy", reach=30.0, seed=0):
    """错得很自信的样本：sigmoid 加交叉熵的梯度是 p − y，绝对值不小于 0.99"""
    rng, h = np.random.default_rng(seed), 1e-4
    y = rng.integers(2, size=1000)
    of, formula = LOSSES[loss]
    gradient = lambda z: (of(z + h, y) - of(z - h, y)) / (2 * h)
    wrong = 1 - 2 * y  # 全都判错
    z, near = wrong * rng.uniform(5, reach, y.size), rng.uniform(-3, 3, y.size)
    residual = wrong * sigmoid(np.abs(z))  # p − y
    return {
        "最小的 |p − y|": np.abs(residual).min(),
        "正类的占比": y.mean(),
        "|z| ≤ 3 时与公式之差": np.abs(gradient(near) - formula(sigmoid(near), y)).max(),
        "最小的 |dL/dz|": np.abs(gradient(z)).min(),
        "与 p − y 的最大误差": np.abs(gradient(z) - residual).max(),
        "判错时的梯度": scatter(
            np.abs(gradient(z))[:400],
            z[:400],
            x_label="z",
            y_label="|dL/dz|",
            rules={"没有梯度": 0},
        ),
    }


def one_sign(grad):
    """各神经元的入权重梯度 (..., fan_in, units) 是否同号。"""
    return np.abs(np.sign(grad).sum(axis=-2)) == grad.shape[-2]


@claim(
    guard={
        "正类的占比": "in [0.3, 0.7]",  # 残差有正有负
        "拟合偏置后的平均残差": "in [-1e-6, 1e-6]",
        "梯度与差分的相对误差": "<= 1e-6",
    },
    expect={"单个样本同号的占比": "== 1", "整批相加后同号的占比": "<= 0.1"},
    control=[{"act": "tanh"}, {"bias_shift": 0.5}],  # 平均残差偏到约 0.12
    knobs={"act": ["sigmoid", "tanh"], "bias_shift": [-4.0, 4.0]},
)
def one_sign_per_sample(act="sigmoid", bias_shift=0.0, seed=0):
    """sigmoid 之后那层：单个样本的入权重梯度全同号，平均残差为 0 的一批加起来不同号"""
    rng, h = np.random.default_rng(seed), 1e-5
    X, y = rng.standard_normal((128, 10)), rng.integers(2, size=128)
    W1, W2, V = (0.3 * rng.standard_normal((n, m)) for n, m in ((10, 16), (16, 8), (16, 8)))
    w3, bias = 0.3 * rng.standard_normal(8), 0.0
    a1 = {"sigmoid": sigmoid, "tanh": np.tanh}[act](X @ W1)  # (n, 16)
    hidden = lambda W: sigmoid(a1 @ W)  # (n, 8)
    residual = lambda bias: sigmoid(hidden(W2) @ w3 + bias) - y  # (n,)
    for _ in range(60):  # 先拟合输出偏置：平均残差为 0
        bias -= 4 * residual(bias).mean()
    shifted = bias + bias_shift
    delta = residual(shifted)[:, None] * w3 * slope(hidden(W2))  # (n, 8)
    grads = a1[:, :, None] * delta[:, None, :]  # (n, 16, 8)：每个样本的 dL/dW2
    loss = lambda W: LOSSES["cross_entropy"][0](hidden(W) @ w3 + shifted, y).sum()
    along = (loss(W2 + h * V) - loss(W2 - h * V)) / (2 * h)
    return {
        "正类的占比": y.mean(),
        "拟合偏置后的平均残差": residual(bias).mean(),
        "梯度与差分的相对误差": abs((grads * V).sum() / along - 1),
        "单个样本同号的占比": one_sign(grads).mean(),
        "整批相加后同号的占比": one_sign(grads.sum(axis=0)).mean(),
    }


@claim(
    guard={"|tanh(x)| 的平均值": "in [0.74, 0.8]"},
    expect={
        "2σ(kx) − 1 与 tanh 之差": "<= 1e-12",
        "tanh' 与 σ' 最大值之比": "in [3.99, 4.01]",
    },
    control=[{"k": 1.0}, {"k": 4.0}],
    knobs={"k": [0.5, 4.0]},
)
def tanh_is_stretched_sigmoid(k=2.0, seed=0):
    """tanh(x) = 2σ(2x) − 1：同一条曲线拉伸，最大斜率是 σ 的 4 倍"""
    x, h = np.sort(np.random.default_rng(seed).uniform(-3, 3, 5000)), 1e-5
    stretched = lambda x: 2 * sigmoid(k * x) - 1
    steepest = lambda f: (f(x + h) - f(x - h)).max()
    curves = {"2σ(kx) − 1": stretched(x)[::50], "tanh": np.tanh(x)[::50]}
    return {
        "|tanh(x)| 的平均值": np.abs(np.tanh(x)).mean(),
        "2σ(kx) − 1 与 tanh 之差": np.abs(stretched(x) - np.tanh(x)).max(),
        "tanh' 与 σ' 最大值之比": steepest(stretched) / steepest(sigmoid),
        "两条曲线": line(curves, x[::50], x_label="x"),
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
    expect={
        "sigmoid 的最大误差": "in [1e-8, 6e-8]",
        "sigmoid 占一层运算的份额": "in [0.018, 0.022]",
    },
    control=[{"width": 16}, {"degree": 4}],
    knobs={"width": [16, 4096], "degree": [2, 10]},
)
def exp_is_a_small_share(width=512, degree=6, seed=0):
    """自己写 exp 到单精度并数运算：宽 512 的全连接层里 sigmoid 只占 2% 左右"""
    x = np.random.default_rng(seed).uniform(-30, 30, 5000)
    e, exp_ops = exp_by_hand(-np.abs(x), degree)
    a, per_unit = np.where(x >= 0, 1, e) / (1 + e), exp_ops + 4  # 绝对值、选、加、除
    matmul = 2 * width  # 每个神经元：乘加各 width 次，含偏置
    return {
        "x 的最大绝对值": np.abs(x).max(),
        "sigmoid 的最大误差": np.abs(a - sigmoid(x)).max(),
        "sigmoid 占一层运算的份额": per_unit / (per_unit + matmul),
    }
