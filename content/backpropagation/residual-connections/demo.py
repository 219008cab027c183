"""残差连接：h ← λh + s·relu(h)W。恒等支路给了什么，什么会毁掉它。"""

from collections import namedtuple
from math import comb

import numpy as np

from quizdl.proof import claim, line


def relu(h):
    return np.maximum(h, 0)


def rms(a):
    return np.sqrt(np.mean(a**2))


def row_rms(h):
    return np.sqrt(np.mean(h**2, axis=1, keepdims=True))


def rms_norm(h):
    return h / row_rms(h)


def he(rng, *shape):
    return rng.normal(0, np.sqrt(2 / shape[-2]), shape)


Run = namedtuple("Run", "h G size grad clear loss along")


def probe(seed, depth, scale, skip=1.0, norm="none", place="branch", n=64, nudge=0.0):
    """前向、反向各一遍，L = <D, h_末>；输入与 D 的 rms 都是 1。

    h 是末端的激活，G 是输入的梯度；size、grad 是各块的 rms(h) 与 rms(∂L/∂h)。
    place="sum"：相加之后再过 ReLU；clear：恒等支路一路没被截断的分量。
    输入沿 V 挪 nudge，along = <∂L/∂输入, V>，供差分核对。
    """
    rng = np.random.default_rng(seed)
    h, D, V = rng.standard_normal((3, n, n))  # (batch, n)
    W, saved, clear = he(rng, depth, n, n), [], np.ones((n, n))
    h, D = h / rms(h) + nudge * V, D / rms(D)
    size = [rms(h)]
    for each in W:
        u = rms_norm(h) if norm == "rms" else h  # 归一化只放在分支里
        z = skip * h + scale * relu(u) @ each
        gate = z > 0 if place == "sum" else np.ones((n, n))
        saved.append((each, h, u, gate))
        h, clear = z * gate, clear * gate
        size.append(rms(h))
    G, grad = D, [rms(D)]
    for each, h_in, u, gate in reversed(saved):
        G = G * gate
        g = scale * (G @ each.T) * (u > 0)
        if norm == "rms":
            g = (g - u * (g * u).mean(axis=1, keepdims=True)) / row_rms(h_in)
        G = skip * G + g
        grad.append(rms(G))
    return Run(h, G, size, grad[::-1], clear, (D * h).sum(), (G * V).sum())


def gradient_error(seed, h=1e-6, **net):
    """同样的块取小（宽 8、三块）：方向导数与中心差分的相对误差。"""
    net |= {"depth": 3, "n": 8}
    plus, exact, minus = (probe(seed, nudge=t, **net) for t in (h, 0.0, -h))
    return abs((plus.loss - minus.loss) / (2 * h) / exact.along - 1)


def by_block(run):
    return line(
        {"激活": run.size, "梯度": run.grad}, x_label="块（0 是输入）", y_label="rms", log_y=True
    )


@claim(
    guard={"反向与差分的误差": "<= 1e-5"},
    expect={"每块激活方差的倍数": "in [1.7, 2.4]", "每块梯度方差的倍数": "in [1.8, 2.25]"},
    control=[{"power": 0.5}, {"norm": "rms"}, {"skip": 0.0}],
    knobs={"power": [0.0, 1.0], "norm": ["none", "rms"], "skip": [0.0, 1.0], "depth": [4, 40]},
)
def variance_doubles(power=0.0, norm="none", skip=1.0, depth=16, seed=0):
    """分支不缩放也不归一化：每块激活与梯度的方差都翻倍"""
    net = {"skip": skip, "scale": depth**-power, "norm": norm}
    run = probe(seed, depth, **net)
    return {
        "反向与差分的误差": gradient_error(seed, **net),
        "每块激活方差的倍数": rms(run.h) ** (2 / depth),
        "每块梯度方差的倍数": rms(run.G) ** (2 / depth),
        "各块": by_block(run),
    }


@claim(
    guard={"反向与差分的误差": "<= 1e-5"},
    expect={"激活方差 末 / 首": "in [2, 3.6]", "梯度方差 首 / 末": "in [2, 3.6]"},
    control=[{"power": 0.25}, {"power": 1.0}],
    knobs={"power": [0.0, 1.0], "depth": [8, 128]},
)
def one_over_sqrt_depth(power=0.5, depth=64, seed=0):
    """分支乘 1/√L：再深，激活与梯度的方差总共也只放大约 e 倍"""
    net = {"scale": depth**-power}
    run = probe(seed, depth, **net)
    return {
        "反向与差分的误差": gradient_error(seed, **net),
        "激活方差 末 / 首": np.mean(run.h**2),
        "梯度方差 首 / 末": np.mean(run.G**2),
        "各块": by_block(run),
    }


@claim(
    guard={"反向与差分的误差": "<= 1e-5"},
    expect={"ln(首端 / 末端梯度) 每块": "in [-0.66, -0.6]"},
    control=[{"skip": 1.0}, {"skip": 0.95}],
    knobs={"skip": [0.3, 1.2], "depth": [10, 40]},
)
def halved_shortcut_kills(skip=0.5, depth=30, seed=0):
    """跳连乘 0.5、分支乘 1/√L：梯度平均每块只剩 0.52 到 0.55 倍"""
    net = {"skip": skip, "scale": depth**-0.5}
    run = probe(seed, depth, **net)
    return {
        "反向与差分的误差": gradient_error(seed, **net),
        "ln(首端 / 末端梯度) 每块": np.log(rms(run.G)) / depth,
        "各块": by_block(run),
    }


@claim(
    guard={"反向与差分的误差": "<= 1e-5"},
    expect={"一路畅通的分量占比": "in [0.15, 0.4]", "首端 / 末端梯度": "in [0.7, 1.3]"},
    control={"place": "branch"},
    knobs={"place": ["sum", "branch"], "depth": [4, 40]},
)
def relu_on_the_sum_cuts(place="sum", depth=20, seed=0):
    """相加之后再过 ReLU：二十块后恒等支路只剩不到四成的分量一路畅通"""
    net = {"scale": depth**-0.5, "place": place}
    run = probe(seed, depth, **net)
    return {
        "反向与差分的误差": gradient_error(seed, **net),
        "一路畅通的分量占比": run.clear.mean(),
        "首端 / 末端梯度": rms(run.G),
    }


@claim(
    guard={"各长度之和与反向传播之差": "<= 1e-12"},
    expect={
        "只留短路径的相对误差": "in [0.01, 0.03]",
        "短路径的条数占比": "in [1.4e-4, 1.9e-4]",
    },
    control=[{"power": 0.0}, {"longest": 1}],
    knobs={"power": [0.0, 1.0], "longest": [0, 30]},
)
def short_paths_carry(power=0.5, longest=5, seed=0):
    """三十块、分支乘 1/√L：只留至多穿过五个分支的路径，梯度的误差不到 3%"""
    rng, depth, n = np.random.default_rng(seed), 30, 64
    h, D, _ = rng.standard_normal((3, n, n))
    h, D, scale, saved = h / rms(h), D / rms(D), depth**-power, []
    for W in he(rng, depth, n, n):
        saved.append((W, h > 0))
        h = h + scale * relu(h) @ W
    parts = np.zeros((depth + 1, n, n))  # parts[k]：恰好穿过 k 个分支的路径之和
    parts[0] = D
    for W, gate in reversed(saved):
        parts[1:] += scale * (parts[:-1] @ W.T) * gate
    exact, short = probe(seed, depth, scale).G, parts[: longest + 1].sum(axis=0)
    paths = np.array([comb(depth, k) for k in range(len(parts))])
    sizes = np.array([rms(each) for each in parts])
    return {
        "各长度之和与反向传播之差": rms(parts.sum(axis=0) - exact) / rms(exact),
        "只留短路径的相对误差": rms(exact - short) / rms(exact),
        "短路径的条数占比": paths[: longest + 1].sum() / paths.sum(),
        "各长度": line(
            {"条数": paths / paths.max(), "梯度": sizes / sizes.max()},
            x_label="穿过几个分支",
            y_label="与最大者之比",
        ),
    }


def tasks_of(seed, count=2, n=12, m=32):
    """count 份任务，拟合 |a·x|：x (count, 1, m, n)，y 已标准化；以及线性拟合的平均损失。"""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 1, m, n))
    y = np.abs(x @ rng.standard_normal((count, 1, n, 1)))
    y = (y - y.mean(axis=2, keepdims=True)) / y.std(axis=2, keepdims=True)
    linear = x @ (np.linalg.pinv(x) @ y)
    return x, y, np.mean((linear - y) ** 2), rng


def turned(a):
    return np.einsum("...ij->...ji", a)


def train(seed, depth, skip, branch, rates, learn=0.0):
    """全批量动量法 80 步；每份任务取最好的学习率，平均的训练损失（最后十步），与第 0 步的梯度。

    learn = 1：每块的分支系数是可学的参数（SkipInit），初值 branch。
    """
    x, y, _, rng = tasks_of(seed)
    (count, _, m, n), lrs, lr = x.shape, len(rates), np.reshape(rates, (-1, 1, 1))
    W = np.repeat(he(rng, depth, count, 1, n, n), lrs, axis=2)  # (depth, count, lrs, n, n)
    v = 0.1 / np.sqrt(n) * rng.standard_normal((count, 1, n, 1))  # 读出层
    s = np.full((depth, count, lrs, 1, 1), branch)
    velocity, losses, first = [0.0, 0.0, 0.0], [], []
    for _ in range(80):
        hs, branches = [x], []
        for layer in range(depth):
            branches.append(relu(hs[-1]) @ W[layer])
            hs.append(skip * hs[-1] + s[layer] * branches[-1])
        error = hs[-1] @ v - y
        loss = (error[..., 0] ** 2).mean(axis=2)  # (count, lrs)
        losses.append(loss)
        G = 2 / m * error * (loss < 1e8)[..., None, None]  # 发散的停住
        gW, gs, gv = np.zeros_like(W), np.zeros_like(s), turned(hs[-1]) @ G
        G = G @ turned(v)
        for layer in reversed(range(depth)):
            gW[layer] = s[layer] * (turned(relu(hs[layer])) @ G)
            gs[layer] = np.einsum("...ij,...ij->...", G, branches[layer])[..., None, None]
            G = skip * G + s[layer] * (G @ turned(W[layer])) * (hs[layer] > 0)
        first = first or [rms(gW), rms(gs)]
        velocity = [0.9 * u + g for u, g in zip(velocity, (gW, gv, gs * learn), strict=True)]
        W, v, s = (p - lr * u for p, u in zip((W, v, s), velocity, strict=True))
    final = np.mean(losses[-10:], axis=0)
    return np.where(np.isfinite(final), final, np.inf).min(axis=1).mean(), first


RATES = np.geomspace(3e-3, 0.1, 5)


@claim(
    guard={"线性拟合的损失": "in [0.2, 1]", "两层的训练损失": "<= 0.2"},
    expect={"24 层的训练损失": "in [0.2, 1.5]"},
    control={"skip": 1.0},
    knobs={"skip": [0.0, 1.0], "depth": [2, 32]},
)
def plain_net_degrades(skip=0.0, depth=24, seed=0):
    """没有跳连的 24 层 ReLU 网络，调过学习率，训练损失反而远高于两层的"""
    branch = depth**-0.5 if skip > 0 else 1.0
    return {
        "线性拟合的损失": tasks_of(seed)[2],
        "两层的训练损失": train(seed, 2, 0.0, 1.0, RATES)[0],
        "24 层的训练损失": train(seed, depth, skip, branch, RATES)[0],
    }


@claim(
    guard={"第 0 步 分支系数的梯度": ">= 3e-3"},
    expect={"线性拟合的 / 训练损失": ">= 1.06", "第 0 步 分支权重的梯度": "<= 1e-12"},
    control={"branch": 1.0},
    knobs={"branch": [0.0, 1.0]},
)
def zero_branch_learns(branch=0.0, seed=0):
    """分支系数可学、从 0 开始：第 0 步只有系数有梯度，不缩放也训练得动"""
    rates = np.geomspace(1e-9, 0.1, 9)  # 不从零开始的，学习率要小得多
    deep, (gW, gs) = train(seed, 24, 1.0, branch, rates, learn=1.0)
    return {
        "第 0 步 分支系数的梯度": gs,
        "线性拟合的 / 训练损失": tasks_of(seed)[2] / deep,
        "第 0 步 分支权重的梯度": gW,
    }
