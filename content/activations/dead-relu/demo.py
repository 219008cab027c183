"""dead ReLU：怎样才算死，谁的梯度是 0，怎么死的，能不能活过来。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import claim, line

SLOPES = {"relu": 0.0, "leaky": 0.05}  # 负半轴的斜率


def forward(params, X, slope=0.0):
    """(W, b) 的列表，末层线性；返回各层的输入与隐层的 φ'(z)。"""
    h, slopes = [X], []
    for W, b in params[:-1]:
        z = h[-1] @ W + b
        slopes.append(np.where(z > 0, 1.0, slope))  # (n, width)
        h.append(z * slopes[-1])
    W, b = params[-1]
    return h, slopes, h[-1] @ W + b


def gradients(params, X, loss_grad, slope=0.0):
    """各层 (dW, db)；loss_grad(out) 是损失对输出的梯度。"""
    h, slopes, out = forward(params, X, slope)
    delta, grads = loss_grad(out), []
    for k in reversed(range(len(params))):
        grads.append((h[k].T @ delta, delta.sum(axis=0, keepdims=True)))
        if k:
            delta = delta @ params[k][0].T * slopes[k - 1]
    return grads[::-1]


def stepped(pair, grads, lr, shrink=0.0):
    """一层 (W, b) 走一步梯度下降，先缩小到 1 − shrink 倍。"""
    return tuple((1 - shrink) * p - lr * g for p, g in zip(pair, grads, strict=True))


def he(sizes, rng):
    """He 初始化，偏置为 0。"""
    return [(rng.normal(0, np.sqrt(2 / n), (n, m)), np.zeros((1, m))) for n, m in pairwise(sizes)]


def dead(slopes):
    """对所有样本导数都是 0 的神经元：(…, width) 的布尔数组。"""
    return (slopes == 0).all(axis=-2)


@claim(
    guard={"第一层入梯度的平均": ">= 1e-2", "梯度与差分的误差": "<= 1e-6"},
    expect={
        "入权重梯度 / 平均": "<= 1e-9",
        "出权重梯度 / 平均": "<= 1e-9",
        "其余梯度与删掉它之差": "<= 1e-9",
    },
    control=[{"shift": -0.5}, {"act": "leaky"}],
    knobs={"shift": [-30.0, 2.0], "act": ["relu", "leaky"]},
)
def dead_is_like_removed(shift=-20.0, act="relu", seed=0):
    """对所有样本都为负的神经元：入、出权重的梯度是 0，其余参数的梯度与把它删掉时相同"""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(0, 1, (64, 10)), rng.normal(0, 1, (64, 1))
    params = he([10, 24, 24, 1], rng)
    params[0][1][0, 0] = shift  # 第一层第 0 个神经元的偏置
    error = lambda out: 2 * (out - y) / len(y)
    full = gradients(params, X, error, SLOPES[act])
    moved = lambda lr: [stepped(*each, lr) for each in zip(params, full, strict=True)]
    loss = lambda lr: ((forward(moved(lr), X, SLOPES[act])[2] - y) ** 2).mean()
    (W1, b1), (W2, b2), last = params
    rest = [(W1[:, 1:], b1[:, 1:]), (W2[1:], b2), last]  # 删掉它
    removed = gradients(rest, X, error, SLOPES[act])
    into, out_of = np.linalg.norm(full[0][0], axis=0), np.linalg.norm(full[1][0], axis=1)
    kept = [full[0][0][:, 1:], full[0][1][:, 1:], full[1][0][1:], full[1][1], *full[2]]
    flat = lambda parts: np.concatenate([np.ravel(each) for each in parts])
    one, two = flat(kept), flat([g for pair in removed for g in pair])
    along = sum((g**2).sum() for pair in full for g in pair)  # 沿梯度方向的导数
    return {
        "第一层入梯度的平均": into.mean(),
        "梯度与差分的误差": abs((loss(-1e-6) - loss(1e-6)) / 2e-6 / along - 1),
        "入权重梯度 / 平均": into[0] / into.mean(),
        "出权重梯度 / 平均": out_of[0] / out_of.mean(),
        "其余梯度与删掉它之差": np.abs(one - two).max(),
    }


@claim(
    guard={"净输入的标准差": "in [0.5, 3]"},
    expect={"输出为 0 的占比": "in [0.45, 0.55]", "死掉的占比": "<= 0.01"},
    control=[{"shift": -6.0}, {"samples": 1}],
    knobs={"shift": [-8.0, 2.0], "samples": [1, 512]},
)
def half_zero_is_not_dead(shift=0.0, samples=256, seed=0):
    """He 初始化、零偏置：一半的输出是 0，可对 256 个样本都为 0 的神经元几乎没有"""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (256, 20))[:samples]
    W = rng.normal(0, np.sqrt(2 / 20), (20, 500))
    z = X @ W + shift
    slopes = (z > 0) * 1.0
    return {
        "净输入的标准差": z.std(axis=1).mean(),
        "输出为 0 的占比": 1 - slopes.mean(),
        "死掉的占比": dead(slopes).mean(),
    }


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


CALM = 0.3  # 合适的学习率


def train(high, seed, steps=10):
    """三分类、两个隐层、全批量梯度下降：先用 high 走几步，再用 CALM 走 40 步。

    返回每一步的（死掉的占比，死得最多的一层的占比，损失）。
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (96, 8))
    Y = np.eye(3)[(X @ rng.normal(0, 1, (8, 3))).argmax(axis=1)]
    params, history = he([8, 32, 32, 3], rng), []
    for step in range(steps + 41):
        _, slopes, out = forward(params, X)
        loss = (np.logaddexp.reduce(out, axis=1) - (out * Y).sum(axis=1)).mean()
        shares = [dead(each).mean() for each in slopes]
        history.append((np.mean(shares), max(shares), loss))
        grads = gradients(params, X, lambda out: (softmax(out) - Y) / len(X))
        lr = high if step < steps else CALM
        params = [stepped(*each, lr) for each in zip(params, grads, strict=True)]
    return np.array(history)


@claim(
    guard={"全程用 0.3 的损失": "in [0.01, 0.2]", "起点死掉的占比": "<= 0.05"},
    expect={
        "大步之后死掉的占比": "in [0.35, 0.95]",
        "大步之后死得最多的一层": ">= 0.8",
        "调回 0.3 再走 40 步后死掉的占比": "in [0.35, 0.95]",
        "调回 0.3 再走 40 步后的损失": ">= 0.85",
    },
    control=[{"lr": 0.3}, {"lr": 1.0}],
    knobs={"lr": [0.1, 20.0], "steps": [1, 20]},
)
def big_steps_kill(lr=10.0, steps=10, seed=0):
    """先用 10 的学习率走十步：三成以上的神经元死掉，调回合适的学习率也救不回来"""
    calm, run = train(CALM, seed, steps), train(lr, seed, steps)
    return {
        "全程用 0.3 的损失": calm[-1, 2],
        "起点死掉的占比": run[0, 0],
        "大步之后死掉的占比": run[steps, 0],
        "大步之后死得最多的一层": run[steps, 1],
        "调回 0.3 再走 40 步后死掉的占比": run[-1, 0],
        "调回 0.3 再走 40 步后的损失": run[-1, 2],
        "死掉的占比": line({f"先用 {lr}": run[:, 0], "全程 0.3": calm[:, 0]}, x_label="步"),
    }


@claim(
    guard={
        "压死的一半开始时活着的占比": "<= 0.01",
        "训练后损失 / 训练前": "in [0.001, 0.8]",
    },
    expect={"复活的占比": "in [0.05, 0.8]"},
    control=[{"below": "frozen"}, {"below": "decay"}],
    knobs={
        "below": ["trained", "frozen", "decay"],
        "lr": [0.01, 0.1],
        "depth_of_death": [0.0, 3.0],
    },
)
def lower_layer_revives(below="trained", lr=0.1, depth_of_death=0.005, seed=0):
    """第二层的一半神经元刚好死掉：训练第一层能让其中一部分复活；冻结第一层则一个也不会"""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (48, 8))
    y = np.sin(2 * X[:, :1]) + X[:, 1:2]
    params = he([8, 32, 64, 1], rng)
    h, _, _ = forward(params, X)
    z = h[1] @ params[1][0]  # (n, 64)
    params[1][1][0, :32] = -z[:, :32].max(axis=0) - depth_of_death * z.std()  # 最大的也是负的
    error = lambda out: 2 * (out - y) / len(y)
    losses, alive = [], []
    for _ in range(100):
        _, slopes, out = forward(params, X)
        alive.append(1 - dead(slopes[1])[:32].mean())
        losses.append(((out - y) ** 2).mean())
        first, *above = gradients(params, X, error)
        lr_first, shrink = {"trained": (lr, 0), "frozen": (0, 0), "decay": (0, 0.02 * lr)}[below]
        params = [stepped(params[0], first, lr_first)] + [
            stepped(*each, lr, shrink) for each in zip(params[1:], above, strict=True)
        ]
    return {
        "压死的一半开始时活着的占比": alive[0],
        "训练后损失 / 训练前": losses[-1] / losses[0],
        "复活的占比": alive[-1],
        "活着的占比": line(alive, x_label="步"),
    }


NORMS = {
    "bn": lambda z: (z - z.mean(axis=0)) / z.std(axis=0),
    "none": lambda z: z,
}


@claim(
    guard={"净输入的标准差": "in [1.2, 1.65]", "偏置的均值": "in [-9, -7]"},
    expect={
        "死掉的占比": "<= 0.01",
        "输出为 0 的占比": "in [0.45, 0.55]",
        "送进 ReLU 的标准差离 1": "<= 1e-9",
    },
    control=[{"norm": "none"}, {"beta": -6.0}],
    knobs={"norm": ["bn", "none"], "beta": [-6.0, 2.0], "shift": [-9.0, -7.0]},
)
def bn_cancels_the_bias(norm="bn", beta=0.0, shift=-8.0, seed=0):
    """偏置在 −4 到 −12 之间：ReLU 前做 BN，没有神经元死掉；可 BN 自己的 β 太负照样会死"""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1, (256, 20)) @ rng.normal(0, np.sqrt(2 / 20), (20, 500))
    z = z + shift * rng.uniform(0.5, 1.5, 500)  # 各神经元偏得不一样
    y = NORMS[norm](z) + beta
    slopes = (y > 0) * 1.0
    return {
        "净输入的标准差": z.std(axis=0).mean(),
        "偏置的均值": z.mean(),
        "死掉的占比": dead(slopes).mean(),
        "输出为 0 的占比": 1 - slopes.mean(),
        "送进 ReLU 的标准差离 1": np.abs(y.std(axis=0) - 1).max(),
    }


@claim(
    guard={"第一层死掉的神经元": "<= 0.05"},
    expect={"输出恒为 0 的网络占比": "in [0.82, 1]"},
    control=[{"width": 16}, {"depth": 2}, {"act": "leaky"}],
    knobs={"width": [2, 16], "depth": [2, 40], "act": ["relu", "leaky"]},
)
def narrow_and_deep_is_born_dead(width=3, depth=25, act="relu", seed=0):
    """宽 3、深 25、He 初始化：多数网络一出生就有整整一层全死，输出恒为 0"""
    rng = np.random.default_rng(seed)
    h = rng.normal(0, 1, (1, 50, width))  # 50 个样本
    born = []
    for _ in range(depth):
        z = h @ rng.normal(0, 1, (200, width, width))  # 200 个网络；只看符号，尺度不要紧
        slopes = np.where(z > 0, 1.0, SLOPES[act])
        h = z * slopes
        born.append(dead(slopes).mean())
    return {
        "第一层死掉的神经元": born[0],
        "输出恒为 0 的网络占比": dead(slopes).all(axis=-1).mean(),
    }
