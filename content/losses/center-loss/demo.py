"""中心损失：拉近类内，不管类间；单独用会塌成一点。"""

from collections import namedtuple

import numpy as np

from quizdl.proof import claim, scatter


def update_centers(C, F, y, alpha, plus_one=1.0):
    """Wen 等 (2016) 式 4：Δc_j = Σ_{y_i=j} (c_j − x_i) / (1 + n_j)，c ← c − αΔc。"""
    hot = np.eye(len(C))[y]  # (n, K)
    count = hot.sum(axis=0)[:, None]  # (K, 1)
    return C - alpha * (count * C - hot.T @ F) / (plus_one + count)


def blobs(seed, n=150, classes=5):
    """前 5 维分得开各类，后 5 维与类别无关但更散；训练与新样本各 n 个。"""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    means = np.hstack([3 * Q, np.zeros((classes, 5))])
    y = rng.integers(0, classes, (2, n))
    return means[y] + np.repeat([0.5, 1.5], 5) * rng.normal(size=(2, n, 10)), y


def class_means(F, y):
    return np.stack([F[y == k].mean(axis=0) for k in range(y.max() + 1)])


def spread(F, y):
    """类内散布（均方根）与类间距离（各类均值两两距离的平均）。"""
    M = class_means(F, y)
    gaps = np.linalg.norm(M[:, None] - M, axis=2)
    inner = np.sqrt(((F - M[y]) ** 2).sum(axis=1).mean())
    return inner, gaps.sum() / (len(M) * (len(M) - 1))


def ratio(F, y):
    inner, between = spread(F, y)
    return inner / between


def forward(net, x):
    """10 → 32 (tanh) → 5 维特征 → softmax：隐藏层、特征、logit，每行一个样本。"""
    W1, b1, W2, b2, V = net
    H = np.tanh(x @ W1 + b1)
    F = H @ W2 + b2
    return H, F, F @ V


def log_softmax(Z):
    return Z - np.logaddexp.reduce(Z, axis=1, keepdims=True)


def loss(net, x, hot, target, lam, softmax):
    """softmax · 交叉熵 + λ/2 · ‖特征 − 目标‖²，都按样本平均。"""
    _, F, Z = forward(net, x)
    return (lam / 2 * ((F - target) ** 2).sum() - softmax * (hot * log_softmax(Z)).sum()) / len(x)


def gradients(net, x, hot, target, lam, softmax):
    """loss 对五组参数的梯度；目标当作常数。"""
    _, _, W2, _, V = net
    H, F, Z = forward(net, x)
    dZ = softmax * (np.exp(log_softmax(Z)) - hot) / len(x)
    dF = dZ @ V.T + lam * (F - target) / len(x)
    dH = dF @ W2.T * (1 - H**2)
    return x.T @ dH, dH.sum(axis=0), H.T @ dF, dF.sum(axis=0), F.T @ dZ


def gradient_error(seed, net, *problem, h=1e-6):
    """沿随机方向的导数与中心差分之差，相对于梯度。"""
    rng = np.random.default_rng([seed, 2])
    V, grads = [rng.normal(size=each.shape) for each in net], gradients(net, *problem)
    plus, minus = (
        loss([p + s * v for p, v in zip(net, V, strict=True)], *problem) for s in (h, -h)
    )
    along = sum((g * v).sum() for g, v in zip(grads, V, strict=True))
    return abs((plus - minus) / (2 * h) - along) / np.sqrt(sum((g**2).sum() for g in grads))


Run = namedtuple("Run", "start F new y correct error")
# 起点、训练后、新样本的特征；标签；新样本的正确率；训练后的梯度与差分的误差


def train(seed, lam, softmax, pull, steps):
    """全批量梯度下降，中心按式 4 更新；特征拉向中心（center），或只是缩小（origin）。"""
    (x, x_new), labels = blobs(seed)
    y, hot = labels[0], np.eye(5)[labels[0]]
    rng = np.random.default_rng([seed, 1])
    shapes = (10, 32), (32,), (32, 5), (5,), (5, 5)
    net = [rng.normal(size=each) / np.sqrt(each[0]) for each in shapes]  # W1, b1, W2, b2, V
    start = forward(net, x)[1]
    C = class_means(start, y)
    for _ in range(steps):
        F = forward(net, x)[1]
        target = C[y] if pull == "center" else 0.0
        grads = gradients(net, x, hot, target, lam, softmax)
        net = [p - 0.2 * g for p, g in zip(net, grads, strict=True)]
        C = update_centers(C, F, y, alpha=0.5)
    error = gradient_error(seed, net, x, hot, C[y], lam, softmax)
    _, new, Z = forward(net, x_new)
    correct = (Z.argmax(axis=1) == labels[1]).mean()
    return Run(start, forward(net, x)[1], new, labels, correct, error)


@claim(
    guard={
        "输入的类内散布": "in [3.2, 3.8]",  # 真值约 3.5
        "输入的类间距离": "in [4.1, 4.7]",  # 真值约 4.3
        "新样本的正确率": ">= 0.9",
        "只用 softmax 时的比": "in [0.15, 0.35]",
        "梯度与差分的误差": "<= 1e-6",
    },
    expect={
        "训练集 类内类间比 / 只用 softmax": "in [0.3, 0.6]",
        "新样本 类内类间比 / 只用 softmax": "in [0.45, 0.88]",
        "新样本 类间距离 / 只用 softmax": "in [0.38, 0.6]",
    },
    control=[{"lam": 0.0, "steps": 300}, {"pull": "origin", "lam": 0.1}],  # 练久些；只缩小特征
    knobs={"lam": [0.0, 1.0], "pull": ["center", "origin"], "steps": [50, 400]},
)
def tightens_classes(lam=1.0, pull="center", steps=150, seed=0):
    """和 softmax 一起训练，类内散布与类间距离之比降到 0.6 倍以下，新样本上 0.88 倍以下"""
    plain, joint = train(seed, 0.0, 1.0, "center", 150), train(seed, lam, 1.0, pull, steps)
    x, (y, y_new) = blobs(seed)[0][0], joint.y
    inner, between = spread(x, y)
    M = class_means(joint.new, y_new)
    return {
        "输入的类内散布": inner,
        "输入的类间距离": between,
        "新样本的正确率": joint.correct,
        "只用 softmax 时的比": ratio(plain.F, y),
        "梯度与差分的误差": joint.error,
        "训练集 类内类间比 / 只用 softmax": ratio(joint.F, y) / ratio(plain.F, y),
        "新样本 类内类间比 / 只用 softmax": ratio(joint.new, y_new) / ratio(plain.new, y_new),
        "新样本 类间距离 / 只用 softmax": spread(joint.new, y_new)[1] / spread(plain.new, y_new)[1],
        "新样本的特征（主方向）": scatter(
            {  # 均值最分散的两个方向
                f"类 {k}": tuple(np.linalg.svd(M - M.mean(axis=0))[2][:2] @ joint.new[y_new == k].T)
                for k in range(5)
            },
            x_label="1",
            y_label="2",
        ),
    }


@claim(
    guard={
        "起点的类间距离": ">= 0.3",
        "剩下的类内散布 / 起点": "<= 0.6",
        "梯度与差分的误差": "<= 1e-6",
    },
    expect={"剩下的类间距离 / 起点": "<= 0.35"},
    control=[{"softmax": 1.0}, {"shared": False}],
    knobs={"softmax": [0.0, 1.0], "shared": [True, False], "steps": [50, 800]},
)
def alone_collapses(softmax=0.0, shared=True, steps=300, seed=0):
    """去掉 softmax，只用中心损失：三百步后类间距离缩到起点的 0.35 倍以下"""
    run = train(seed, 1.0, softmax, "center", steps)
    F, y = run.F, run.y[0]
    if not shared:  # 没有网络：每个样本的特征各自是自由的参数
        F, C = run.start, class_means(run.start, y)
        for _ in range(steps):
            F, C = F - 0.05 * (F - C[y]), update_centers(C, F, y, 0.5)
    (inner0, between0), (inner, between) = spread(run.start, y), spread(F, y)
    return {
        "起点的类间距离": between0,
        "梯度与差分的误差": run.error,
        "剩下的类内散布 / 起点": inner / inner0,
        "剩下的类间距离 / 起点": between / between0,
    }


def center_loss(F, C, y):
    return ((F - C[y]) ** 2).sum() / 2


GRADIENTS = {  # 对特征的梯度
    "sum": lambda F, C, y: F - C[y],
    "no_half": lambda F, C, y: 2 * (F - C[y]),
    "mean": lambda F, C, y: (F - C[y]) / len(F),
}


@claim(
    guard={"差分梯度的最大绝对值": ">= 1", "另两种写法换算之后的误差": "<= 1e-7"},
    expect={"特征梯度的最大误差": "<= 1e-8", "中心的位移与式 4 之差": "<= 1e-8"},
    control=[{"form": "no_half"}, {"form": "mean"}, {"plus_one": 0.0}],
    knobs={"form": ["sum", "no_half", "mean"], "plus_one": [0.0, 2.0]},
)
def gradients_and_rule(form="sum", plus_one=1.0, seed=0):
    """对特征的梯度是 x − c；式 4 的位移等于对中心的真梯度除以 1 + n，不是真梯度本身"""
    rng, h = np.random.default_rng(seed), 1e-5
    F, C, y = rng.normal(size=(20, 3)), rng.normal(size=(4, 3)), np.repeat(range(4), [1, 3, 6, 10])
    count = np.bincount(y)[:, None]

    def differences(loss, at):
        grad = np.zeros_like(at)
        for i in np.ndindex(at.shape):
            step = np.zeros_like(at)
            step[i] = h
            grad[i] = (loss(at + step) - loss(at - step)) / (2 * h)
        return grad

    dF = differences(lambda F: center_loss(F, C, y), F)
    dC = differences(lambda C: center_loss(F, C, y), C)
    twice, mean = (GRADIENTS[each](F, C, y) for each in ("no_half", "mean"))
    moved = C - update_centers(C, F, y, 0.5, plus_one)
    return {
        "差分梯度的最大绝对值": np.abs(dF).max(),
        "另两种写法换算之后的误差": max(np.abs(twice / 2 - dF).max(), np.abs(20 * mean - dF).max()),
        "特征梯度的最大误差": np.abs(GRADIENTS[form](F, C, y) - dF).max(),
        "中心的位移与式 4 之差": np.abs(moved - 0.5 * dC / (1 + count)).max(),
    }


@claim(
    guard={"样本的方差": "in [0.9, 1.1]", "常见类中心的方差 * 8": "in [0.2, 0.6]"},
    expect={"稀有类中心的方差": "in [0.125, 0.16]"},
    control=[{"plus_one": 0.0}, {"alpha": 0.7}],
    knobs={"alpha": [0.1, 1.0], "plus_one": [0.0, 4.0]},
)
def plus_one_steadies_rare(alpha=0.5, plus_one=1.0, seed=0):
    """α=0.5，每批只来一个样本的类：分母加一，中心的稳态方差是样本方差的 1/7 而不是 1/3"""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [1, 8])  # 类 0 稀有，类 1 常见；真正的中心都在 0
    C = np.zeros((2, 2000))
    for _ in range(15):
        F = rng.normal(size=(9, 2000))  # 2000 份独立的历史
        C = update_centers(C, F, y, alpha, plus_one)
    rare, common = C.var(axis=1)
    return {
        "样本的方差": F.var(),
        "常见类中心的方差 * 8": 8 * common,
        "稀有类中心的方差": rare,
    }


@claim(
    guard={"起点偏离类均值": ">= 1"},
    expect={"两百步后剩下的偏离 / 起点": "in [0.92, 0.96]"},
    control=[{"undo_weight": True}, {"rule": "eq4"}],
    knobs={"lam": [0.001, 1.0], "undo_weight": [False, True], "rule": ["sgd", "eq4"]},
)
def weight_slows_centers(lam=0.003, rule="sgd", undo_weight=False, seed=0):
    """中心当参数交给 SGD：λ=0.003 也乘进中心的梯度，两百步只走了不到一成"""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 5, 100)
    F, C = 5 + rng.normal(size=(100, 2)), 3 * rng.normal(size=(5, 2))
    M, hot = class_means(F, y), np.eye(5)[y]
    off = lambda C: np.linalg.norm(C - M)
    start = off(C)
    for _ in range(200):
        if rule == "eq4":
            C = update_centers(C, F, y, 0.5)
        else:  # 总损失对中心的梯度
            C = C - 0.5 * (1.0 if undo_weight else lam) * hot.T @ (C[y] - F) / len(F)
    return {"起点偏离类均值": start, "两百步后剩下的偏离 / 起点": off(C) / start}


@claim(
    guard={"中心损失 / 样本数": "in [2.5, 5.5]"},
    expect={"中心损失 / 加权的同类距离和 - 1": "in [-1e-9, 1e-9]"},
    control={"lag": 0.3},
    knobs={"lag": [0.0, 1.0], "n": [30, 200]},
)
def equals_all_pairs(lag=0.0, n=60, seed=0):
    """中心取类均值时，中心损失等于同类两两距离平方之和，每类除以 2n：只有拉，没有推"""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 4)
    F = rng.normal(size=(n, 8)) + 3 * y[:, None]
    C = class_means(F, y) + lag * rng.normal(size=(4, 8))  # lag：中心没跟上
    square = ((F[:, None] - F) ** 2).sum(axis=2)  # (n, n)，对角线是 0
    pairs = np.triu(square * (y[:, None] == y))  # 每对同类样本一次
    count = np.bincount(y)
    return {
        "中心损失 / 样本数": center_loss(F, C, y) / n,
        "中心损失 / 加权的同类距离和 - 1": center_loss(F, C, y)
        / (pairs.sum(axis=1) / (2 * count[y])).sum()
        - 1,
    }


@claim(
    guard={"新样本的正确率": ">= 0.9", "中心损失训练的类内类间比": "in [0.1, 0.3]"},
    expect={
        "新样本的中心损失 / 中心损失训练的": "in [0.1, 0.6]",
        "新样本的类内类间比 / 中心损失训练的": "in [1.25, 2.2]",
    },
    control=[{"pull": "center"}, {"lam": 0.0}],
    knobs={"lam": [0.0, 1.0], "pull": ["origin", "center"]},
)
def small_loss_misleads(pull="origin", lam=1.0, seed=0):
    """只罚特征的长度：到类均值的平方距离更小，类内类间比却更大"""
    right, shrunk = train(seed, 1.0, 1.0, "center", 150), train(seed, lam, 1.0, pull, 150)
    y = right.y[1]
    (inner, _), (inner0, _) = spread(shrunk.new, y), spread(right.new, y)
    return {
        "新样本的正确率": shrunk.correct,
        "中心损失训练的类内类间比": ratio(right.new, y),
        "新样本的中心损失 / 中心损失训练的": (inner / inner0) ** 2,
        "新样本的类内类间比 / 中心损失训练的": ratio(shrunk.new, y) / ratio(right.new, y),
    }
