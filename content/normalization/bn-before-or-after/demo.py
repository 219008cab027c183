"""BN 放在激活之前还是之后：量一量差在哪里。"""

import numpy as np

from quizdl.proof import claim, hist

EPS = 1e-5


def relu(z):
    return np.maximum(z, 0)


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def bn(x, axis=0):
    """归一化之后的值，和标准差。"""
    std = np.sqrt(x.var(axis=axis, keepdims=True) + EPS)
    return (x - x.mean(axis=axis, keepdims=True)) / std, std


def bn_backward(d, xhat, std, axis=0):
    mean = lambda v: v.mean(axis=axis, keepdims=True)
    return (d - mean(d) - xhat * mean(d * xhat)) / std


def block(z, place, act=relu, beta=0.0):
    """z = x W 之后的一段：返回激活函数的输入，和交给下一层的值。γ = 1。"""
    if place == "before":  # 线性 → BN → 激活
        n = bn(z)[0] + beta
        return n, act(n)
    if place == "after":  # 线性 → 激活 → BN
        return z, bn(act(z))[0] + beta
    return z, act(z)


@claim(
    guard={"偏置 / 激活前的标准差": ">= 0.5"},
    expect={"加偏置后输出的相对变化": "<= 1e-12", "偏置梯度 / 权重梯度": "<= 1e-12"},
    control=[{"place": "after"}, {"place": "none"}],
    knobs={"place": ["before", "after", "none"], "size": [1.0, 10.0]},
)
def bias_is_redundant(place="before", size=2.0, seed=0):
    """BN 紧跟线性层，线性层的偏置就没有作用，梯度也恒为 0；隔着 ReLU 则不然"""
    rng = np.random.default_rng(seed)
    x, W, G = rng.normal(0, 1, (64, 8)), rng.normal(0, 8**-0.5, (8, 16)), rng.normal(0, 1, (64, 16))
    b = size * rng.normal(0, 1, 16)
    z = x @ W
    _, plain = block(z, place)
    n, out = block(z + b, place)
    d = bn_backward(G, *bn(relu(n))) if place == "after" else G
    d = d * (n > 0)
    if place == "before":
        d = bn_backward(d, *bn(z + b))
    return {
        "偏置 / 激活前的标准差": np.linalg.norm(b) / np.linalg.norm(z.std(axis=0)),
        "加偏置后输出的相对变化": np.linalg.norm(out - plain) / np.linalg.norm(plain),
        "偏置梯度 / 权重梯度": np.linalg.norm(d.sum(axis=0)) / np.linalg.norm(x.T @ d),
    }


@claim(
    guard={"激活函数输入的标准差": ">= 0.5"},
    expect={
        "下一层输入的均值": "in [0.38, 0.42]",
        "下一层输入的方差": "in [0.32, 0.36]",
        "最大特征值的份额": "in [0.3, 0.36]",
    },
    control={"place": "after"},
    knobs={"place": ["before", "after", "none"]},
)
def relu_output_is_not_centred(place="before", seed=0):
    """BN → ReLU 交给下一层的均值约 0.40、方差约 0.34；ReLU → BN 交出的是 0 和 1"""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1, (4000, 64)) @ rng.normal(0, 64**-0.5, (64, 64))
    n, out = block(z, place)
    moments = np.linalg.eigvalsh(out.T @ out)  # 未减均值的二阶矩，(64,)
    return {
        "激活函数输入的标准差": n.std(),
        "下一层输入的均值": out.mean(),
        "下一层输入的方差": out.var(),
        "最大特征值的份额": moments[-1] / moments.sum(),
        "下一层的输入": hist(out[:, 0], x_label="值", y_label="个数"),
    }


@claim(
    guard={"激活前均值 / 标准差": "in [-12, -8]"},
    expect={"整批不激活的神经元": "== 0", "激活的比例": "in [0.45, 0.55]"},
    control=[{"place": "after"}, {"beta": -6.0}],
    knobs={"place": ["before", "after", "none"], "beta": [-10.0, 2.0], "m": [16, 256]},
)
def no_dead_relu_before(place="before", beta=0.0, m=64, seed=0):
    """激活前的均值被推到 −10 倍标准差：BN 在前，仍有一半激活；在后，全部死掉"""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1, (m, 32)) @ rng.normal(0, 32**-0.5, (32, 100))
    z = z - 10 * z.std(axis=0)  # 一次过大的更新，把偏置推到很负
    n, _ = block(z, place, beta=beta)
    return {
        "激活前均值 / 标准差": (z.mean(axis=0) / z.std(axis=0)).mean(),
        "整批不激活的神经元": np.mean((n <= 0).all(axis=0)),
        "激活的比例": np.mean(n > 0),
    }


@claim(
    guard={"激活前的标准差": ">= 0.3", "交给下一层的标准差": ">= 0.1"},
    expect={"σ' 的平均值": "<= 0.06", "输出的标准差": "in [0.99, 1.01]"},
    control=[{"place": "before"}, {"scale": 0.5}],
    knobs={"place": ["after", "before"], "scale": [0.1, 20.0]},
)
def after_cannot_unsaturate(place="after", scale=10.0, seed=0):
    """sigmoid 已经饱和时，放在它后面的 BN 使输出方差为 1，却救不回 σ'"""
    rng = np.random.default_rng(seed)
    z = scale * rng.normal(0, 1, (2000, 32)) @ rng.normal(0, 32**-0.5, (32, 32))
    n, out = block(z, place, sigmoid)
    return {
        "激活前的标准差": z.std(),
        "交给下一层的标准差": out.std(),
        "σ' 的平均值": (sigmoid(n) * sigmoid(-n)).mean(),
        "输出的标准差": out.std(),
    }


def train(place, init, seed, depth=4, n=16, m=32, steps=60, tasks=2):
    """深 MLP 的在线回归：每步一批没见过的样本。后 20 步的平均相对误差，每题取最好的学习率。

    每层有可学的 β；γ 可以并进下一层的权重（ReLU 正齐次），省去。
    """
    rng = np.random.default_rng(seed)
    lr = np.geomspace(0.02, 1.5, 5)[:, None, None]
    copies = lambda a: np.tile(a[:, None], (1, len(lr), 1, 1))  # (tasks, lrs, ·, ·)
    teacher = rng.normal(0, n**-0.5, (tasks, 1, n, 4))
    Ws = [copies(rng.normal(0, init * np.sqrt(2 / n), (tasks, n, n))) for _ in range(depth)]
    betas = [copies(np.zeros((tasks, 1, n))) for _ in range(depth)]
    v, curve = copies(np.zeros((tasks, n, 1))), []
    for _ in range(steps):
        h = rng.normal(0, 1, (tasks, 1, m, n))
        y = np.sin(h @ teacher).sum(axis=3, keepdims=True)
        saved = []
        for W, beta in zip(Ws, betas, strict=True):
            z, xhat, std = h @ W, None, None
            if place == "after":
                active = z > 0
                xhat, std = bn(relu(z), axis=2)
                out = xhat + beta
            else:
                if place == "before":
                    z, std = bn(z, axis=2)
                    xhat = z
                active = z + beta > 0
                out = relu(z + beta)
            saved.append((h, active, xhat, std))
            h = out
        error = h @ v - y  # (tasks, lrs, m, 1)
        curve.append((error**2).mean(axis=(2, 3)) / y.var(axis=(2, 3)))
        d = error @ v.mT / m
        v = v - lr * h.mT @ error / m
        for i in reversed(range(depth)):
            h, active, xhat, std = saved[i]
            d = d if place == "after" else d * active
            d_beta = d.sum(axis=2, keepdims=True)
            if place != "none":
                d = bn_backward(d, xhat, std, axis=2)
            d = d * active if place == "after" else d
            W = Ws[i]
            Ws[i], betas[i] = W - lr * h.mT @ d, betas[i] - lr * d_beta
            d = d @ W.mT
    last = np.nan_to_num(np.mean(curve[-20:], axis=0), nan=1.0)  # 发散的当作猜均值，误差为 1
    return last.min(axis=1)


@claim(
    guard={"放在前的相对误差": "in [0.05, 0.95]"},
    expect={"后 / 前 的误差之比": "in [0.85, 1.15]", "不做 / 做得较差者": ">= 2"},
    control=[{"init": 2.0}, {"second": "none"}],
    knobs={"init": [0.05, 2.0], "second": ["after", "none"]},
)
@np.errstate(all="ignore")  # 太大的学习率会发散
def presence_matters_more(init=0.1, second="after", seed=0):
    """初始权重是 He 的十分之一的四层 MLP，各自调学习率：前后相差不到一成半，不做则差一倍以上"""
    first, other, plain = (train(place, init, seed) for place in ("before", second, "none"))
    return {
        "放在前的相对误差": first.mean(),
        "后 / 前 的误差之比": np.exp(np.log(other / first).mean()),
        "不做 / 做得较差者": np.exp(np.log(plain / np.maximum(first, other)).mean()),
    }
