"""tanh：怎么写才准，和 sigmoid 到底差在哪里，为什么循环网络还在用它。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import claim, line


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def tanh(x):
    """expm1(y) = e^y − 1 在 0 附近也准；指数 −2|x| 不会上溢。"""
    m = np.expm1(-2 * np.abs(x))
    return -np.sign(x) * m / (2 + m)


FORMS = {
    "expm1": tanh,
    "(e^x-e^-x)/(e^x+e^-x)": lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "2σ(2x)-1": lambda x: 2 * sigmoid(2 * x) - 1,
    "1-2/(e^2x+1)": lambda x: 1 - 2 / (np.exp(2 * x) + 1),
}


@claim(
    guard={"最小的 |x|": "<= 1e-7", "最大的 |x|": ">= 715", "不是 NaN 时的绝对误差": "<= 1e-12"},
    expect={"NaN 的个数": "== 0", "不是 NaN 时的相对误差": "<= 1e-14"},
    control=[
        {"form": "(e^x-e^-x)/(e^x+e^-x)"},
        {"form": "2σ(2x)-1"},
        {"form": "1-2/(e^2x+1)"},
    ],
    knobs={"form": ["expm1", "(e^x-e^-x)/(e^x+e^-x)", "2σ(2x)-1", "1-2/(e^2x+1)"]},
)
@np.errstate(over="ignore", invalid="ignore")  # 溢出正是要看的
def stable_form(form="expm1", seed=0):
    """|x| 从 1e-8 到 800：用 expm1 写，每个值的相对误差都在 1e-14 以内"""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(np.log(1e-8), np.log(800), 3000))
    x = rng.choice([-1, 1], 3000) * size
    a, truth = FORMS[form](x), np.tanh(x)
    bad = np.isnan(a)
    error = np.abs(a - truth)[~bad]
    return {
        "最小的 |x|": size.min(),
        "最大的 |x|": size.max(),
        "NaN 的个数": bad.sum(),
        "不是 NaN 时的绝对误差": error.max(),
        "不是 NaN 时的相对误差": (error / np.abs(truth)[~bad]).max(),
    }


def slope(a):
    return 1 - a**2


@claim(
    guard={"|x| 的最大值": "in [4, 6]", "导数的最大值": "in [0.999, 1.001]"},
    expect={
        "与中心差分的最大误差": "<= 1e-8",
        "最大值处的 |x|": "<= 0.05",
        "|x| 大于 3 处的最大导数": "in [0.008, 0.01]",
    },
    control=[{"of": "x"}, {"of": "σ"}],  # 把 x、把 sigmoid 的输出当成了 a
    knobs={"of": ["a", "x", "σ"]},
)
def derivative_and_saturation(of="a", seed=0):
    """tanh' = 1 − tanh²：在 0 处取最大值 1，|x| 过 3 就不到 0.01，照样饱和"""
    x, h = np.sort(np.random.default_rng(seed).uniform(-5, 5, 4000)), 1e-5
    a = np.tanh(x)
    found = slope({"a": a, "x": x, "σ": sigmoid(x)}[of])
    numeric = (np.tanh(x + h) - np.tanh(x - h)) / (2 * h)
    return {
        "|x| 的最大值": np.abs(x).max(),
        "导数的最大值": found.max(),
        "与中心差分的最大误差": np.abs(found - numeric).max(),
        "最大值处的 |x|": np.abs(x[found.argmax()]),
        "|x| 大于 3 处的最大导数": np.abs(found[np.abs(x) > 3]).max(),
        "tanh 与导数": line({"tanh": a[::40], "导数": slope(a)[::40]}, x[::40], x_label="x"),
    }


@claim(
    guard={"输出的标准差": ">= 0.2", "隐层 |tanh| 的平均": "in [0.5, 0.75]"},
    expect={"两个网络输出之差": "<= 1e-12"},
    control=[{"scale": 2.0}, {"shift": 0.0}],
    knobs={"scale": [1.0, 6.0], "shift": [0.0, 2.0]},
)
def same_functions(scale=4.0, shift=1.0, seed=0):
    """任一 tanh 网络都有一个 sigmoid 网络与它处处相同：权重乘 4，偏置改成 2b − 2·1ᵀW"""
    rng = np.random.default_rng(seed)
    X, sizes = rng.standard_normal((200, 6)), [6, 16, 16, 1]
    W = [1.5 / np.sqrt(n) * rng.standard_normal((n, m)) for n, m in pairwise(sizes)]
    b = [0.5 * rng.standard_normal(n) for n in sizes[1:]]
    h1 = np.tanh(X @ W[0] + b[0])
    h2 = np.tanh(h1 @ W[1] + b[1])
    one = h2 @ W[2] + b[2]
    # tanh(z) = 2σ(2z) − 1，其中的 2 与 −1 并进下一层
    s1 = sigmoid(scale / 2 * (X @ W[0] + b[0]))
    s2 = sigmoid(scale * s1 @ W[1] + 2 * (b[1] - shift * W[1].sum(axis=0)))
    two = scale / 2 * s2 @ W[2] + b[2] - shift * W[2].sum()
    return {
        "输出的标准差": one.std(),
        "隐层 |tanh| 的平均": np.abs(np.concatenate([h1, h2])).mean(),
        "两个网络输出之差": np.abs(one - two).max(),
    }


OUTPUTS = {
    "tanh": np.tanh,
    "σ": sigmoid,
    "σ-0.5": lambda z: sigmoid(z) - 0.5,  # 只减去中心
}


def fewest_steps(A, w0, budget=3000):
    """wᵀAw / 2 上的梯度下降，‖w0‖ = 1：几个学习率里最先把距离缩到 3% 的步数。"""
    rates = 2 / np.linalg.eigvalsh(A)[-1] * np.linspace(0.5, 0.98, 7)[:, None]  # (lrs, 1)
    W = np.tile(w0, (len(rates), 1))  # (lrs, n)
    for t in range(1, budget + 1):
        W = W - rates * (W @ A)
        if np.linalg.norm(W, axis=1).min() <= 0.03:
            return t
    return budget


@claim(
    guard={"tanh 的步数": "in [3, 1500]"},
    expect={
        "tanh 输出的 |均值| / 标准差": "<= 0.3",
        "步数 对手 / tanh": "in [20, 160]",
        "条件数 对手 / tanh": "in [40, 150]",
    },
    control=[{"rival": "σ-0.5"}, {"offset": 1.5}],
    knobs={"rival": ["σ", "σ-0.5"], "offset": [0.0, 2.0], "width": [2, 64]},
)
def centred_is_well_conditioned(rival="σ", offset=0.0, width=32, seed=0):
    """净输入零均值、宽 32：后接线性回归，各自调好学习率，sigmoid 要走二十倍以上的步数"""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((1000, 64)) @ rng.standard_normal((64, width)) / 8 + offset
    w0 = rng.standard_normal(width)
    w0 = w0 / np.linalg.norm(w0)

    def measure(act):
        a = OUTPUTS[act](z)  # (N, width)
        A = a.T @ a / len(a)  # 下一层权重的 Hessian
        return fewest_steps(A, w0), np.linalg.cond(A)

    (steps, cond), (rival_steps, rival_cond) = measure("tanh"), measure(rival)
    a = np.tanh(z)
    return {
        "tanh 的步数": steps,
        "tanh 输出的 |均值| / 标准差": np.abs(a.mean()) / a.std(),
        "步数 对手 / tanh": rival_steps / steps,
        "条件数 对手 / tanh": rival_cond / cond,
    }


@claim(
    guard={"第一层的二阶矩": "in [0.3, 2]", "导数与差分的误差": "<= 1e-5"},
    expect={
        "弯得最厉害处的 |x|": "in [0.95, 1.05]",
        "末层激活的二阶矩": "in [0.24, 0.5]",
        "梯度二阶矩每层的倍数": "in [0.96, 1.04]",
    },
    control=[{"a": 1.0, "b": 1.0}, {"b": 1.0}],
    knobs={"a": [1.0, 2.0], "b": [0.5, 1.0], "depth": [2, 40]},
)
def lecun_holds_the_scale(a=1.7159, b=0.66667, depth=30, width=96, seed=0):
    """1.7159·tanh(2x/3) 配方差 1/n：三十层后激活的二阶矩约 0.37，梯度每层约乘 1"""
    rng = np.random.default_rng(seed)
    f = lambda z: a * np.tanh(b * z)
    df = lambda z: a * b * slope(np.tanh(b * z))
    x, g = rng.standard_normal((2, 64, width))
    q, layers = [], []
    for _ in range(depth):
        W = rng.standard_normal((width, width)) / np.sqrt(width)
        z = x @ W
        x = f(z)
        q.append((x**2).mean())
        layers.append((W, df(z)))
    for W, each in reversed(layers):
        g = (g * each) @ W.T
    at, h = rng.uniform(-3, 3, 1000), 1e-3
    up, down = f(at + h), f(at - h)
    bend = up - 2 * f(at) + down  # 正比于二阶导数
    return {
        "导数与差分的误差": np.abs(df(at) - (up - down) / (2 * h)).max(),
        "第一层的二阶矩": q[0],
        "弯得最厉害处的 |x|": np.abs(at[np.abs(bend).argmax()]),
        "末层激活的二阶矩": q[-1],
        "梯度二阶矩每层的倍数": (g**2).mean() ** (1 / depth),
        "各层激活的二阶矩": line(q, range(1, depth + 1), x_label="层"),
    }


@claim(
    guard={"前十步 |h| 的平均": ">= 0.5"},
    expect={"末端 |h|": "in [0.7, 0.9]", "末端 |h| / 前十步": "in [0.95, 1.45]"},
    control=[{"act": "relu"}, {"act": "linear"}],
    knobs={"act": ["tanh", "relu", "linear"], "radius": [0.5, 3.0], "steps": [20, 200]},
)
def bounded_state(act="tanh", radius=3.0, steps=100, seed=0):
    """循环权重的谱半径为 3：tanh 的状态走一百步仍是同一量级，ReLU 的爆炸"""
    rng = np.random.default_rng(seed)
    phi = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "linear": lambda z: z}[act]
    W = rng.standard_normal((32, 32))
    W = radius * W / np.abs(np.linalg.eigvals(W)).max()
    h, sizes = np.zeros((16, 32)), []
    for _ in range(steps):
        h = phi(h @ W + 0.3 * rng.standard_normal(h.shape))
        sizes.append(np.abs(h).mean())
    early = np.mean(sizes[:10])
    return {
        "前十步 |h| 的平均": early,
        "末端 |h|": sizes[-1],
        "末端 |h| / 前十步": sizes[-1] / early,
        "状态的大小": line(sizes, x_label="步", y_label="|h|", log_y=True),
    }


CANDIDATES = {"tanh": np.tanh, "σ": sigmoid}


@claim(
    guard={"细胞状态的标准差": "in [1, 1.8]"},
    expect={"|均值| / 标准差": "<= 0.3"},
    control={"candidate": "σ"},
    knobs={"candidate": ["tanh", "σ"], "steps": [10, 200]},
)
def candidate_needs_both_signs(candidate="tanh", steps=100, seed=0):
    """LSTM 的候选值用 tanh，细胞状态围着 0 走；换成 sigmoid 就单向累积"""
    rng = np.random.default_rng(seed)
    c, path = np.zeros(500), []  # 500 个独立的细胞
    for _ in range(steps):
        i, f, g = rng.standard_normal((3, len(c)))  # 遗忘门的偏置是 4
        c = sigmoid(f + 4) * c + sigmoid(i) * CANDIDATES[candidate](g)
        path.append(c.mean())
    return {
        "细胞状态的标准差": c.std(),
        "|均值| / 标准差": abs(c.mean()) / c.std(),
        "细胞状态的均值": line(path, x_label="时刻"),
    }
