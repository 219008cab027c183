"""ReLU 在零点：次梯度取几，什么时候碰得到它，什么时候要紧。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import claim, line


def relu(z):
    return np.maximum(z, 0)


def slope(z, at_zero):
    """ReLU 的导数；z = 0 处取 at_zero。"""
    return np.where(z == 0, at_zero, z > 0)


FUNCTIONS = {
    "relu": relu,
    "softplus": lambda z: np.logaddexp(0, z),  # 光滑，0 处的导数是 0.5
    "absolute": np.abs,  # 次梯度多到 [−1, 1]
}


@claim(
    guard={"z 的最小值": "<= -1", "z 的最大值": ">= 1"},
    expect={
        "左边的斜率": "in [-0.001, 0.001]",
        "右边的斜率": "in [0.999, 1.001]",
        "中心差分": "in [0.499, 0.501]",
        "不越过曲线的最小斜率": "in [-0.005, 0.005]",
        "不越过曲线的最大斜率": "in [0.995, 1.005]",
    },
    control=[{"f": "softplus"}, {"f": "absolute"}],
    knobs={"f": ["relu", "softplus", "absolute"]},
)
def kink_has_many_slopes(f="relu", seed=0):
    """0 处左导数 0、右导数 1；[0, 1] 内的斜率都是次梯度，之外的都不是；中心差分得 0.5"""
    phi, rng = FUNCTIONS[f], np.random.default_rng(seed)
    h, z = rng.uniform(1e-5, 1e-4), rng.normal(0, 1, (300, 1))
    s = np.linspace(-2, 2, 401)
    above = (phi(0) + s * z - phi(z)).max(axis=0)  # 过折点的直线高出曲线多少，(len(s),)
    below = s[above <= 1e-9]
    return {
        "z 的最小值": z.min(),
        "z 的最大值": z.max(),
        "左边的斜率": (phi(-h) - phi(-2 * h)) / h,
        "右边的斜率": (phi(2 * h) - phi(h)) / h,
        "中心差分": (phi(h) - phi(-h)) / (2 * h),
        "不越过曲线的最小斜率": below[0],
        "不越过曲线的最大斜率": below[-1],
        "支撑线": line(
            {"φ": phi(s), "斜率 0.5": phi(0) + 0.5 * s, "斜率 −0.2": phi(0) - 0.2 * s},
            s,
            x_label="z",
        ),
    }


def backprop(params, X, y, at_zero):
    """均方误差：各层 (dW, db)，隐层净输入恰为 0 的占比，损失。末层线性。"""
    h, zs = [X], []
    for W, b in params[:-1]:
        zs.append(h[-1] @ W + b)  # (n, width)
        h.append(relu(zs[-1]))
    W, b = params[-1]
    error = h[-1] @ W + b - y  # (n, 1)
    delta, grads = 2 * error / len(X), []
    for k in reversed(range(len(params))):
        grads.append((h[k].T @ delta, delta.sum(axis=0)))
        if k:
            delta = delta @ params[k][0].T * slope(zs[k - 1], at_zero)
    return grads[::-1], np.mean([(z == 0).mean() for z in zs]), (error**2).mean()


def he(sizes, rng):
    return [(rng.normal(0, np.sqrt(2 / n), (n, m)), np.zeros(m)) for n, m in pairwise(sizes)]


def flat(grads):
    return np.concatenate([np.ravel(each) for pair in grads for each in pair])


def backprop_error(seed, h=1e-7):
    """随机起步的网络：反向传播与沿梯度方向的中心差分之差。"""
    rng = np.random.default_rng(seed)
    X, params = rng.normal(0, 1, (32, 6)), he([6, 32, 32, 1], rng)
    y = X[:, :1]
    grads, _, _ = backprop(params, X, y, 0.0)
    size = np.linalg.norm(flat(grads))
    moved = lambda step: [
        (W + step * dW, b + step * db) for (W, b), (dW, db) in zip(params, grads, strict=True)
    ]
    plus, minus = (backprop(moved(step / size), X, y, 0.0)[2] for step in (h, -h))
    return abs((plus - minus) / (2 * h) / size - 1)


def zero_or_one(blank, width, levels, seed):
    """净输入恰为 0 的占比；0 处取 0 与取 1，梯度的相对差。"""
    rng = np.random.default_rng(seed)
    X, params = rng.normal(0, 1, (256, 12)), he([12, width, width, width, 1], rng)
    y = np.abs(X[:, :1])
    X[:blank] = 0  # 全零的样本：空白图块、填充
    if levels:  # 权重与输入取到 1/levels 的格点上，像低比特量化
        X = np.round(X * levels) / levels
        params = [(np.round(W * levels) / levels, b) for W, b in params]
    (zero, hits, _), (one, _, _) = (backprop(params, X, y, each) for each in (0.0, 1.0))
    return hits, np.linalg.norm(flat(one) - flat(zero)) / np.linalg.norm(flat(one))


@claim(
    guard={
        "反向传播与差分的误差": "<= 1e-5",
        "四分之一的样本全零时 净输入恰为 0 的占比": "in [0.25, 0.26]",
        "四分之一的样本全零时 梯度的相对差": "in [0.005, 1]",
    },
    expect={"净输入恰为 0 的占比": "<= 1e-9", "取 0 与取 1 的梯度相对差": "<= 1e-9"},
    control=[{"blank": 64}, {"width": 3}, {"levels": 4}],
    knobs={"blank": [0, 128], "width": [3, 64], "levels": [0, 16]},
)
def rarely_hit(blank=0, width=32, levels=0, seed=0):
    """连续的数据、双精度、随机初始化、零偏置：没有净输入恰为 0，取 0 取 1 梯度完全相同"""
    known_hits, known_gap = zero_or_one(64, 32, 0, seed)
    hits, gap = zero_or_one(blank, width, levels, seed)
    return {
        "反向传播与差分的误差": backprop_error(seed),
        "四分之一的样本全零时 净输入恰为 0 的占比": known_hits,
        "四分之一的样本全零时 梯度的相对差": known_gap,
        "净输入恰为 0 的占比": hits,
        "取 0 与取 1 的梯度相对差": gap,
    }


@claim(
    guard={"净输入的标准差": "in [1.25, 1.6]"},
    expect={"净输入恰为 0 的占比": "in [3e-6, 4e-4]"},
    control=[{"dtype": "float32"}, {"dtype": "float64"}],
    knobs={"dtype": ["float16", "float32", "float64"]},
)
def half_precision_hits(dtype="float16", seed=0):
    """同样连续的数据，半精度里累加，百万分之三以上的净输入恰为 0；单精度里没有"""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (4000, 16)).astype(dtype)
    W = rng.normal(0, np.sqrt(2 / 16), (16, 64)).astype(dtype)
    z = np.zeros((4000, 64), dtype)
    for x, w in zip(X.T, W, strict=True):  # 累加也在这个精度里
        z = z + np.outer(x, w)
    return {
        "净输入的标准差": z.astype("float64").std(),
        "净输入恰为 0 的占比": (z == 0).mean(),
    }


ZEROED = {"none": (False, False), "first": (True, False), "all": (True, True)}


def train(zeroed, at_zero, seed, lr=0.1, steps=200):
    """一个隐层；zeroed 说哪些层全零开始。返回每一步的损失 / 常数预测的损失。"""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (64, 6))
    y = relu(X[:, :1])
    params = he([6, 16, 1], rng)
    params = [(W * (not z), b) for z, (W, b) in zip(ZEROED[zeroed], params, strict=True)]
    history = []
    for _ in range(steps):
        grads, _, loss = backprop(params, X, y, at_zero)
        history.append(loss / y.var())
        params = [
            (W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads, strict=True)
        ]
    return history


@claim(
    guard={"随机起步 训练后的损失": "<= 0.2"},
    expect={"训练后的损失": "in [0.99, 1.02]"},
    control=[{"at_zero": 1.0}, {"at_zero": 0.5}],
    knobs={"at_zero": [0.0, 1.0], "zeroed": ["none", "first", "all"]},
)
def zero_layer_is_stuck_at_zero(at_zero=0.0, zeroed="first", seed=0):
    """只把第一层全置零：0 处导数取 0 就永远停在常数预测，取 1 或 0.5 则能学起来"""
    *_, random = train("none", at_zero, seed)
    *losses, last = train(zeroed, at_zero, seed)
    return {
        "随机起步 训练后的损失": random,
        "训练后的损失": last,
        "损失": line(losses, x_label="步", rules={"常数预测": 1}),
    }


@claim(
    guard={"随机起步 训练后的损失": "<= 0.2"},
    expect={"训练后的损失": "in [0.99, 1.02]"},
    control=[{"zeroed": "first"}, {"zeroed": "none"}],
    knobs={"at_zero": [0.0, 1.0], "zeroed": ["none", "first", "all"]},
)
def all_zero_is_stuck_anyway(at_zero=1.0, zeroed="all", seed=0):
    """两层权重全置零：0 处导数取 1 也学不起来，因为后一层的权重是 0"""
    *_, random = train("none", at_zero, seed)
    *losses, last = train(zeroed, at_zero, seed)
    return {
        "随机起步 训练后的损失": random,
        "训练后的损失": last,
        "损失": line(losses, x_label="步", rules={"常数预测": 1}),
    }


class Dual:
    """前向模式的自动求导：值与导数一起走。"""

    def __init__(self, value, grad, at_zero):
        self.value, self.grad, self.at_zero = value, grad, at_zero

    def __sub__(self, other):
        return Dual(self.value - other.value, self.grad - other.grad, self.at_zero)

    def __neg__(self):
        return Dual(-self.value, -self.grad, self.at_zero)

    def relu(self):
        return Dual(relu(self.value), self.grad * slope(self.value, self.at_zero), self.at_zero)


@claim(
    guard={"两个函数算错的最大值": "<= 1e-12"},
    expect={"任取一个值，两者误差的较大者至少": "in [0.22, 0.25]"},
    control={"x": 0.5},
    knobs={"x": [-1.0, 1.0]},
)
def no_value_is_always_right(x=0.0, seed=0):
    """relu(x) − relu(−x) 就是 x，relu(x) − relu(relu(x)) 就是 0：没有一个值在 0 处让两者都算对"""
    s = np.sort(np.random.default_rng(seed).uniform(0, 1, 300))
    u = Dual(x, 1.0, s)
    identity, nothing = u.relu() - (-u).relu(), u.relu() - u.relu().relu()
    wrong = np.maximum(np.abs(identity.grad - 1), np.abs(nothing.grad))
    return {
        "两个函数算错的最大值": abs(identity.value - x) + abs(nothing.value),
        "任取一个值，两者误差的较大者至少": wrong.min(),
        "导数的误差": line(
            {"x": np.abs(identity.grad - 1), "0": np.abs(nothing.grad)}, s, x_label="0 处的取值"
        ),
    }


LOSSES = {  # 每个样本的损失与它的导数；|r| 在 0 处取 0
    "absolute": (np.abs, np.sign),
    "squared": (lambda r: r**2 / 2, lambda r: r),
}


@claim(
    guard={"起点的差距": ">= 0.05"},
    expect={"末端差距 固定 / 递减": "in [12, 28]"},
    control={"loss": "squared"},
    knobs={"loss": ["absolute", "squared"]},
)
def kinks_need_decay(loss="absolute", seed=0):
    """最小点在折点上：固定步长停在步长的量级上抖动，步长递减才收敛"""
    rng = np.random.default_rng(seed)
    A, best = rng.normal(0, 1, (50, 5)), rng.normal(0, 1, 5)
    value, grad = LOSSES[loss]
    gaps = {}
    for name, power in (("固定", 0), ("递减", 0.5)):
        w, gaps[name] = np.zeros(5), []
        for t in range(1, 401):
            r = A @ (w - best)
            gaps[name].append(value(r).mean())
            w = w - 0.3 / t**power * A.T @ grad(r) / len(A)
    fixed, decayed = (np.mean(gaps[name][-50:]) for name in ("固定", "递减"))
    return {
        "起点的差距": gaps["固定"][0],
        "末端差距 固定 / 递减": fixed / decayed,
        "差距": line(gaps, x_label="步", log_y=True),
    }
