"""Maxout：每个单元在自己的 k 个仿射片段里取最大。"""

import numpy as np

from quizdl.proof import claim, line


def pieces(x, W, b):
    """各片段的值 (n, units, k)；x: (n, d)，W: (d, units, k)，b: (units, k)"""
    return np.tensordot(x, W, 1) + b


def maxout(x, W, b):
    return pieces(x, W, b).max(axis=2)  # (n, units)


def over_neurons(x, W, b):
    """另一种（错误的）读法：在一层的所有神经元里取最大。"""
    z = pieces(x, W, b)
    return np.broadcast_to(z.max(axis=(1, 2))[:, None], z.shape[:2])


@claim(
    guard={"输入投影的标准差": ">= 0.5", "与 |z| 的最大差": "<= 1e-12"},
    expect={
        "与 ReLU 的最大差": "<= 1e-12",
        "与 LeakyReLU 的最大差": "<= 1e-12",
    },
    control={"over": "neurons"},
    knobs={"over": ["pieces", "neurons"]},
)
def contains_relu_and_abs(over="pieces", seed=0):
    """两个片段的 Maxout 单元，权重取得当就是 ReLU、绝对值或 LeakyReLU"""
    rng = np.random.default_rng(seed)
    x, w, c = rng.normal(0, 1, (300, 6)), rng.normal(0, 1, 6), rng.normal()
    z = x @ w + c
    slopes = np.array([[1, 0], [1, -1], [1, 0.01]])  # (units, k)：各片段是 z 的几倍
    W, b = w[:, None, None] * slopes, c * slopes
    h = {"pieces": maxout, "neurons": over_neurons}[over](x, W, b)
    return {
        "输入投影的标准差": z.std(),
        "与 ReLU 的最大差": np.abs(h[:, 0] - np.maximum(z, 0)).max(),
        "与 |z| 的最大差": np.abs(h[:, 1] - np.abs(z)).max(),
        "与 LeakyReLU 的最大差": np.abs(h[:, 2] - np.maximum(z, 0.01 * z)).max(),
    }


def bend(f, x, y):
    """中点处的凸性：(f(x) + f(y)) / 2 − f((x + y) / 2)，凸函数处处不小于零。"""
    return (f(x) + f(y)) / 2 - f((x + y) / 2)


@claim(
    guard={"弯曲程度的最大值": ">= 0.1"},
    expect={"弯曲程度的最小值": ">= -1e-12"},
    control=[{"units": "difference"}, {"depth": 2}],
    knobs={"units": ["one", "difference"], "k": [2, 20], "depth": [1, 2]},
)
def one_unit_is_convex(units="one", k=4, depth=1, seed=0):
    """直接接输入的单个 Maxout 单元总是凸的（且不是线性的）；两个相减、或再叠一层就不一定"""
    rng = np.random.default_rng(seed)
    W, b = rng.normal(0, 1, (5, 8, k)), rng.normal(0, 1, (8, k))
    V, c = rng.normal(0, 1, (8, 8, k)), rng.normal(0, 1, (8, k))
    take = {"one": lambda h: h[:, 0], "difference": lambda h: h[:, 0] - h[:, 1]}[units]

    def f(x):
        h = maxout(x, W, b)  # (n, 8)
        return take(maxout(h, V, c) if depth > 1 else h)

    gap = bend(f, *rng.normal(0, 2, (2, 2000, 5)))
    return {"弯曲程度的最大值": gap.max(), "弯曲程度的最小值": gap.min()}


def convex_target(rng):
    a, s = rng.uniform(0.5, 1.5, 2)
    return lambda x: a * x**2 + np.exp(s * x)


def wavy_target(rng):
    a, s = rng.uniform(0.5, 1.5, 2)
    return lambda x: a * np.sin(3 * x + s)


TARGETS = {"convex": convex_target, "wavy": wavy_target}


def segments(f, k):
    """f 在 [-2, 2] 上 k 段插值的斜率与截距。"""
    knots = np.linspace(-2, 2, k + 1)
    slope = np.diff(f(knots)) / np.diff(knots)
    return knots, slope, f(knots[:-1]) - slope * knots[:-1]


def worst(f, k):
    """一个 k 片段的单元：k 段割线取最大；与 f 的最大误差。"""
    x = np.linspace(-2, 2, 2001)
    _, slope, intercept = segments(f, k)
    h = maxout(x[:, None], slope[None, None], intercept[None])[:, 0]
    return np.abs(h - f(x)).max(), h, x


@claim(
    guard={"8 个片段的最大误差": "in [0.02, 20]"},
    expect={
        "8 个片段的最大误差 / 割线的误差公式": "in [0.5, 1.05]",
        "片段加倍，最大误差的倍数": "in [0.22, 0.32]",
    },
    control={"target": "wavy"},
    knobs={"target": ["convex", "wavy"]},
)
def pieces_fit_convex(target="convex", seed=0):
    """一维光滑凸函数：一个 Maxout 单元，片段加倍，最大误差降到约四分之一；不凸的函数降不下来"""
    f = TARGETS[target](np.random.default_rng(seed))
    (few, h, x), (many, _, _) = worst(f, 8), worst(f, 32)
    curvature = ((f(x + 1e-3) - 2 * f(x) + f(x - 1e-3)) / 1e-6).max()  # f″
    return {
        "8 个片段的最大误差": few,
        "8 个片段的最大误差 / 割线的误差公式": few / (curvature * (4 / 8) ** 2 / 8),
        "片段加倍，最大误差的倍数": np.sqrt(many / few),
        "8 个片段": line({"目标": f(x), "Maxout": h}, x, x_label="x"),
    }


def as_difference(f, k, keep):
    """插值的斜率改变量分成增与减两份，各积成一个凸函数，各用一个单元：f ≈ g − h。"""
    knots, slope, _ = segments(f, k)
    turn, x, parts = np.diff(slope), np.linspace(-2, 2, 2001), []
    for first, up, start in ((slope[0], turn, f(knots[0])), (0.0, -turn, 0.0)):
        s = np.cumsum(np.concatenate([[first], np.maximum(up, 0)]))  # 各段斜率，不减
        height = start + np.cumsum(np.concatenate([[0.0], s * np.diff(knots)]))  # 折点的高度
        intercept = height[:-1] - s * knots[:-1]
        parts.append(maxout(x[:, None], s[None, None], intercept[None])[:, 0])
    g, h = parts
    return x, g - h if keep == "both" else g


def convex_limit(f):
    """任何凸函数与 f 的最大误差都不小于它：中点高出两端平均的一半。"""
    m, d = np.linspace(-1.5, 1.5, 151)[:, None], np.linspace(0.1, 0.5, 20)
    return (f(m) - (f(m - d) + f(m + d)) / 2).max() / 2


@claim(
    guard={"任何凸函数的最大误差下界": ">= 0.1"},
    expect={"两个单元之差的最大误差 / 下界": "in [0.018, 0.1]"},
    control=[{"k": 4}, {"keep": "first"}],
    knobs={"k": [2, 64], "keep": ["both", "first"]},
)
def difference_fits_any(k=40, keep="both", seed=0):
    """一维的正弦：任何凸函数都差得远，两个 40 片段单元之差的误差不到那个下界的一成"""
    f = wavy_target(np.random.default_rng(seed))
    x, y = as_difference(f, k, keep)
    limit = convex_limit(f)
    return {
        "任何凸函数的最大误差下界": limit,
        "两个单元之差的最大误差 / 下界": np.abs(y - f(x)).max() / limit,
        "两个单元之差": line({"目标": f(x), "网络": y}, x, x_label="x"),
    }


REDUCE = {  # 片段怎么合成一个单元
    "max": lambda z: z.max(axis=2),
    "log_sum_exp": lambda z: np.logaddexp.reduce(z, axis=2),
    "mean": lambda z: z.mean(axis=2),
}


@claim(
    guard={"各片段梯度之和的平均": "in [0.999, 1.001]"},
    expect={"每个单元得到梯度的片段数": "in [0.999, 1.001]", "与最大片段指示的最大差": "<= 1e-6"},
    control=[{"reduce": "log_sum_exp"}, {"reduce": "mean"}],
    knobs={"reduce": ["max", "log_sum_exp", "mean"], "k": [2, 8]},
)
def winner_takes_gradient(reduce="max", k=4, seed=0):
    """对一个样本，每个单元只有赢的那个片段得到梯度"""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (100, 5))
    W, b, h = rng.normal(0, 1, (5, 8, k)), rng.normal(0, 1, (8, k)), 1e-6
    f = REDUCE[reduce]
    steps = h * np.eye(k)  # 第 j 行只动各单元第 j 个片段的偏置
    up, down = (np.stack([f(pieces(x, W, b + s * t)) for t in steps], axis=2) for s in (1, -1))
    grad = (up - down) / (2 * h)  # (n, units, k)
    wins = pieces(x, W, b).argmax(axis=2)[:, :, None] == np.arange(k)
    return {
        "各片段梯度之和的平均": grad.sum(axis=2).mean(),
        "每个单元得到梯度的片段数": (np.abs(grad) > 1e-3).sum(axis=2).mean(),
        "与最大片段指示的最大差": np.abs(grad - wins).max(),
    }


UNITS = {  # 一个单元：Maxout 用全部片段，其余只用第一个
    "maxout": lambda z: z.max(axis=2),
    "relu": lambda z: np.maximum(z[:, :, 0], 0),
    "tanh": lambda z: np.tanh(z[:, :, 0]),
}


@claim(
    guard={"输入的大小": ">= 100"},
    expect={"最小的单元梯度 / 片段权重的范数": ">= 0.2"},
    control=[{"unit": "relu"}, {"unit": "tanh"}],
    knobs={"unit": ["maxout", "relu", "tanh"], "size": [1.0, 1000.0]},
)
def never_flat(unit="maxout", size=300.0, seed=0):
    """输入再大，每个 Maxout 单元对输入的梯度都不为零；ReLU 有一半是零，tanh 全饱和"""
    rng = np.random.default_rng(seed)
    x = size * rng.normal(0, 1, (200, 12))
    W, b = rng.normal(0, 1, (12, 16, 3)), rng.normal(0, 1, (16, 3))
    f = lambda x: UNITS[unit](pieces(x, W, b))
    steps = 1e-4 * np.eye(12)
    grad = np.stack([f(x + s) - f(x - s) for s in steps], axis=2) / 2e-4  # (n, units, d)
    return {
        "输入的大小": np.abs(x).mean(),
        "最小的单元梯度 / 片段权重的范数": np.linalg.norm(grad, axis=2).min()
        / np.sqrt((W**2).sum(axis=0).mean()),
    }


@claim(
    guard={"起点上的损失": "in [0.5, 30]"},
    expect={"第一个片段的改变量": "== 0", "损失下降的比例": "in [0.5, 1.3]"},
    control=[{"offset": 0.0}, {"kind": "relu"}],
    knobs={"offset": [-40.0, 0.0], "kind": ["maxout", "relu"]},
)
def a_piece_can_die(offset=-30.0, kind="maxout", seed=0):
    """偏置压到 −30 的片段从不赢，训练后一动不动；单元却还在学，ReLU 单元则整个死掉"""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (200, 5))
    y = X.sum(axis=1) + np.abs(X[:, 0])
    W, b = rng.normal(0, 0.5, (5, 8, 2)), np.array([offset, 0.0]) * np.ones((8, 1))
    learns = np.ones(2)
    if kind == "relu":  # 第二个片段恒为 0，也不学
        learns = np.array([1.0, 0.0])
    W, v = W * learns, rng.normal(0, 0.3, 8)
    start, losses = W, []
    for _ in range(200):
        z = pieces(X, W, b)  # (n, 8, 2)
        hot = z.argmax(axis=2)[:, :, None] == np.arange(2)
        h = z.max(axis=2)
        error = h @ v - y
        dz = (error[:, None] * v)[:, :, None] * hot * learns / len(X)
        losses.append((error**2).mean())
        W, b = W - 0.1 * np.tensordot(X.T, dz, 1), b - 0.1 * dz.sum(axis=0)
        v = v - 0.1 * h.T @ error / len(X)
    return {
        "起点上的损失": losses[0],
        "第一个片段的改变量": np.abs(W - start)[:, :, 0].max(),
        "损失下降的比例": 1 - losses[-1] / losses[0],
    }


def mlp(rng, widths, k):
    """隐层各有 k 个片段、输出层一个的网络：参数数组的列表。"""
    pieces_of = [k] * (len(widths) - 2) + [1]
    shapes = zip(widths, widths[1:], pieces_of, strict=False)
    return [rng.normal(0, a**-0.5, (a + 1, n, p)) for a, n, p in shapes]  # 多的一行是偏置


def count(net):
    return sum(each.size for each in net)


@claim(
    guard={"普通网络的参数量": "in [42600, 42700]", "Maxout 网络输出的标准差": "in [0.05, 20]"},
    expect={"Maxout / 同宽的 ReLU": "in [3.8, 4]", "四倍宽的 ReLU / Maxout": "in [3, 4]"},
    control={"k": 1},
    knobs={"k": [1, 8]},
)
def costs_k_times(k=4, seed=0):
    """三个宽 128 的隐层：4 片段的 Maxout 参数量近 4 倍；ReLU 加宽 4 倍则接近它的 3.5 倍"""
    rng = np.random.default_rng(seed)
    plain = count(mlp(rng, [64, 128, 128, 128, 10], 1))
    wide = count(mlp(rng, [64, 512, 512, 512, 10], 1))
    net = mlp(rng, [64, 128, 128, 128, 10], k)
    with_pieces, h = count(net), rng.normal(0, 1, (50, 64))
    for each in net:
        h = maxout(h, each[:-1], each[-1])  # 输出层只有一个片段，就是仿射变换
    return {
        "普通网络的参数量": plain,
        "Maxout 网络输出的标准差": h.std(),
        "Maxout / 同宽的 ReLU": with_pieces / plain,
        "四倍宽的 ReLU / Maxout": wide / with_pieces,
    }
