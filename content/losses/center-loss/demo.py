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
    noise = rng.normal(0, np.repeat([0.5, 1.5], 5), (2, n, 10))
    return means[y] + noise, y


def class_means(F, y):
    return np.stack([F[y == k].mean(axis=0) for k in range(y.max() + 1)])


def spread(F, y):
    """类内散布（均方根）与类间距离（各类均值两两距离的平均）。"""
    M = class_means(F, y)
    gaps = np.linalg.norm(M[:, None] - M, axis=2)
    inner = np.sqrt(((F - M[y]) ** 2).sum(axis=1).mean())
    return inner, gaps.sum() / (len(M) * (len(M) - 1))


Run = namedtuple("Run", "start F new y V")  # 起点、训练后、新样本的特征；标签；分类层


def train(seed, lam, softmax=1.0, pull="center", steps=150, lr=0.2, alpha=0.5, dim=5):
    """10 → 32 (tanh) → dim 维特征 → softmax；L = L_S + λ/2 · mean ‖x − c_y‖²，全批量梯度下降。"""
    X, labels = blobs(seed)
    x, y, hot = X[0], labels[0], np.eye(5)[labels[0]]
    rng = np.random.default_rng(seed + 1)
    W1, W2 = rng.normal(0, 10**-0.5, (10, 32)), rng.normal(0, 32**-0.5, (32, dim))
    V, b1, b2 = rng.normal(0, dim**-0.5, (dim, 5)), np.zeros(32), np.zeros(dim)
    features = lambda x: np.tanh(x @ W1 + b1) @ W2 + b2
    start = features(x)
    C = class_means(start, y)
    for _ in range(steps):
        H = np.tanh(x @ W1 + b1)  # (n, 32)
        F = H @ W2 + b2  # (n, dim)
        P = np.exp(F @ V - np.logaddexp.reduce(F @ V, axis=1, keepdims=True))
        dZ = softmax * (P - hot) / len(x)
        target = C[y] if pull == "center" else 0.0  # 拉向中心，或只是缩小特征
        dF = dZ @ V.T + lam * (F - target) / len(x)
        dH = dF @ W2.T * (1 - H**2)
        V = V - lr * F.T @ dZ
        W2, b2 = W2 - lr * H.T @ dF, b2 - lr * dF.sum(axis=0)
        W1, b1 = W1 - lr * x.T @ dH, b1 - lr * dH.sum(axis=0)
        C = update_centers(C, F, y, alpha)
    return Run(start, features(X[0]), features(X[1]), labels, V)


def ratio(F, y):
    inner, between = spread(F, y)
    return inner / between


@claim(
    guard={"新样本的正确率": ">= 0.9", "只用 softmax 时的比": "in [0.15, 0.35]"},
    expect={
        "训练集 类内类间比 / 只用 softmax": "<= 0.6",
        "新样本 类内类间比 / 只用 softmax": "<= 0.88",
        "新样本 类间距离 / 只用 softmax": "in [0.38, 0.6]",
    },
    control=[{"lam": 0.0, "steps": 300}, {"pull": "origin", "lam": 0.1}],  # 练久些；只缩小特征
    knobs={"lam": [0.0, 1.0], "pull": ["center", "origin"], "steps": [50, 400]},
)
def tightens_classes(lam=1.0, pull="center", steps=150, seed=0):
    """和 softmax 一起训练，类内散布与类间距离之比降到 0.6 倍以下，新样本上 0.88 倍以下"""
    plain, joint = train(seed, 0.0), train(seed, lam, pull=pull, steps=steps)
    y, y_new = joint.y
    M = class_means(joint.new, y_new)
    main = np.linalg.svd(M - M.mean(axis=0))[2][:2] @ joint.new.T  # (2, n)，均值最分散的方向
    return {
        "新样本的正确率": ((joint.new @ joint.V).argmax(axis=1) == y_new).mean(),
        "只用 softmax 时的比": ratio(plain.F, y),
        "训练集 类内类间比 / 只用 softmax": ratio(joint.F, y) / ratio(plain.F, y),
        "新样本 类内类间比 / 只用 softmax": ratio(joint.new, y_new) / ratio(plain.new, y_new),
        "新样本 类间距离 / 只用 softmax": spread(joint.new, y_new)[1] / spread(plain.new, y_new)[1],
        "新样本的特征（主方向）": scatter(
            {f"类 {k}": tuple(main[:, y_new == k]) for k in range(5)}, x_label="1", y_label="2"
        ),
    }


@claim(
    guard={"起点的类间距离": ">= 0.3", "剩下的类内散布 / 起点": "<= 0.6"},
    expect={"剩下的类间距离 / 起点": "<= 0.35"},
    control=[{"softmax": 1.0}, {"shared": False}],
    knobs={"softmax": [0.0, 1.0], "shared": [True, False], "steps": [50, 800]},
)
def alone_collapses(softmax=0.0, shared=True, steps=300, seed=0):
    """去掉 softmax，只用中心损失：三百步后类间距离缩到起点的 0.35 倍以下"""
    run = train(seed, 1.0, softmax, steps=steps, lr=0.4)
    F, y = run.F, run.y[0]
    if not shared:  # 没有网络：每个样本的特征各自是自由的参数
        F, C = run.start, class_means(run.start, y)
        for _ in range(steps):
            F, C = F - 0.05 * (F - C[y]), update_centers(C, F, y, 0.5)
    (inner0, between0), (inner, between) = spread(run.start, y), spread(F, y)
    return {
        "起点的类间距离": between0,
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
    F, C, y = rng.normal(0, 1, (20, 3)), rng.normal(0, 1, (4, 3)), rng.integers(0, 4, 20)
    count = np.bincount(y, minlength=4)[:, None]

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
    guard={"样本的方差": "in [0.9, 1.1]", "常见类中心的方差 * 8": "in [0.2, 0.45]"},
    expect={"稀有类中心的方差": "in [0.125, 0.16]"},
    control=[{"plus_one": 0.0}, {"alpha": 0.6}],
    knobs={"alpha": [0.1, 1.0], "plus_one": [0.0, 4.0]},
)
def plus_one_steadies_rare(alpha=0.5, plus_one=1.0, seed=0):
    """α=0.5，每批只来一个样本的类：分母加一，中心的稳态方差是样本方差的 1/7 而不是 1/3"""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [1, 8])  # 类 0 稀有，类 1 常见；真正的中心都在 0
    C = np.zeros((2, 2000))
    for _ in range(15):
        F = rng.normal(0, 1, (9, 2000))  # 2000 份独立的历史
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
    F, C = rng.normal(0, 0.3, (100, 2)) + np.eye(5)[y][:, :2], rng.normal(0, 3, (5, 2))
    M, hot = class_means(F, y), np.eye(5)[y]
    off = lambda C: np.linalg.norm(C - M)
    start = off(C)
    for _ in range(200):
        if rule == "eq4":
            C = update_centers(C, F, y, 0.5)
            continue
        grad = lam * hot.T @ (C[y] - F) / len(F)  # 总损失对中心的梯度
        C = C - 0.5 * (grad / lam if undo_weight else grad)
    return {"起点偏离类均值": start, "两百步后剩下的偏离 / 起点": off(C) / start}


@claim(
    guard={"中心损失 / 样本数": ">= 1"},
    expect={"中心损失 / 加权的同类距离和 - 1": "in [-1e-9, 1e-9]"},
    control={"lag": 0.3},
    knobs={"lag": [0.0, 1.0], "n": [30, 200]},
)
def equals_all_pairs(lag=0.0, n=60, seed=0):
    """中心取类均值时，中心损失等于同类两两距离平方之和，每类除以 2n：只有拉，没有推"""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 4)
    F = rng.normal(0, 1, (n, 8)) + rng.normal(0, 3, (4, 8))[y]
    C = class_means(F, y) + lag * rng.normal(0, 1, (4, 8))  # lag：中心没跟上
    square = ((F[:, None] - F) ** 2).sum(axis=2)  # (n, n)
    pairs = np.triu(square * (y[:, None] == y), 1)  # 每对同类样本一次
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
    right, shrunk = train(seed, 1.0), train(seed, lam, pull=pull)
    y = right.y[1]
    (inner0, between0), (inner, between) = spread(right.new, y), spread(shrunk.new, y)
    return {
        "新样本的正确率": ((shrunk.new @ shrunk.V).argmax(axis=1) == y).mean(),
        "中心损失训练的类内类间比": inner0 / between0,
        "新样本的中心损失 / 中心损失训练的": (inner / inner0) ** 2,
        "新样本的类内类间比 / 中心损失训练的": inner / between / (inner0 / between0),
    }
