"""Sound: classical learning, in the ways demos are written."""

from collections import Counter

import numpy as np

from quizdl.proof import claim


def logistic(X, y, penalty, l1, steps=600, lr=0.1):
    """近端梯度：L1 用软阈值，L2 直接收缩。"""
    w = np.zeros(X.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-X @ w))
        w = w - lr * X.T @ (p - y) / len(y)
        shrunk = np.sign(w) * np.maximum(np.abs(w) - lr * penalty, 0)
        w = shrunk if l1 else w / (1 + lr * penalty)
    return w


@claim(
    guard={"训练正确率": ">= 0.75"},
    expect={"恰为零的权重占比": ">= 0.3"},
    control={"l1": False},
    knobs={"l1": [True, False], "penalty": [0.01, 0.2]},
)
def l1_is_sparse(l1=True, penalty=0.08, seed=0):
    """L1 让许多权重恰好为零，L2 只让它们变小"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, 30))
    truth = np.where(np.arange(30) < 4, 3.0, 0.0)
    y = (X @ truth + rng.normal(size=200) > 0) * 1.0
    w = logistic(X, y, penalty, l1)
    return {
        "训练正确率": np.mean((X @ w > 0) == y),
        "恰为零的权重占比": np.mean(w == 0),
    }


def auc(score, y):
    positive, negative = score[y == 1], score[y == 0]
    return np.mean(positive[:, None] > negative) + np.mean(positive[:, None] == negative) / 2


TRANSFORMS = {"exp": np.exp, "cube": lambda s: s**3, "square": np.square}


@claim(
    guard={"AUC": "in [0.6, 0.95]"},
    expect={"变换前后 AUC 之差": "<= 1e-12"},
    control={"transform": "square"},
    knobs={"transform": ["exp", "cube", "square"]},
)
def auc_is_rank_based(transform="exp", seed=0):
    """AUC 只看次序：单调变换不改变它"""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 300)
    score = rng.normal(0, 1, 300) + 1.2 * y
    before, after = auc(score, y), auc(TRANSFORMS[transform](score), y)
    return {"AUC": before, "变换前后 AUC 之差": abs(before - after)}


def nearest_farthest(d, rng, n=200):
    X, q = rng.uniform(size=(n, d)), rng.uniform(size=d)
    distance = np.linalg.norm(X - q, axis=1)
    return distance.max() / distance.min()


@claim(
    guard={"距离之比": ">= 1"},
    expect={"最远 / 最近": "<= 1.6"},
    control={"d": 2},
    knobs={"d": [2, 2000]},
)
def distances_concentrate(d=1000, seed=0):
    """维数一高，最远与最近的距离就差不多"""
    ratio = nearest_farthest(d, np.random.default_rng(seed))
    found = {"距离之比": ratio, "最远 / 最近": ratio}
    return found


@claim(
    guard={"少数类占比": "in [0.02, 0.08]", "少数类召回率": "== 0"},
    expect={"全猜多数类的正确率": ">= 0.9"},
    control={"balance": 0.5},
)
def accuracy_misleads(balance=0.05, seed=0):
    """类别不平衡时，什么也不学也有很高的正确率"""
    rng = np.random.default_rng(seed)
    y = (rng.random(4000) < 0.05) * 1
    test = (rng.random(4000) < balance) * 1
    counts = Counter(y.tolist())
    majority = max(counts, key=counts.get)
    guess = np.full(4000, majority)
    return {
        "少数类占比": y.mean(),
        "全猜多数类的正确率": np.mean(guess == test),
        "少数类召回率": np.mean(guess[test == 1] == 1),
    }


@claim(
    guard={"真实的正确率": "in [0.35, 0.65]"},
    expect={"交叉验证的正确率": ">= 0.75"},
    control={"select": "inside"},
    knobs={"select": ["outside", "inside"]},
)
def selection_leaks(select="outside", seed=0):
    """在全部数据上挑特征再做交叉验证：随机标签也能“预测”"""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(50, 3000)), np.repeat([0, 1], 25)
    X_new, y_new = rng.normal(size=(400, 3000)), np.repeat([0, 1], 200)

    def best(A, b):
        gap = A[b == 1].mean(axis=0) - A[b == 0].mean(axis=0)
        return np.argsort(-np.abs(gap))[:15]

    def predict(A, b, new, chosen):
        one, zero = A[b == 1][:, chosen].mean(axis=0), A[b == 0][:, chosen].mean(axis=0)
        new = new[:, chosen]
        return (np.linalg.norm(new - one, axis=1) < np.linalg.norm(new - zero, axis=1)) * 1

    everywhere, right = best(X, y), []
    for fold in range(5):
        held = np.arange(50) % 5 == fold
        chosen = everywhere if select == "outside" else best(X[~held], y[~held])
        right.append(np.mean(predict(X[~held], y[~held], X[held], chosen) == y[held]))
    return {
        "真实的正确率": np.mean(predict(X, y, X_new, everywhere) == y_new),
        "交叉验证的正确率": np.mean(right),
    }


@claim(
    guard={"方差占比之和": "in [0.999999, 1.000001]"},
    expect={"两条路的子空间夹角余弦": ">= 0.999999"},
    control={"centred": False},
)
def pca_is_svd(centred=True, seed=0):
    """PCA 就是去均值之后的 SVD"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, 5)) * [5, 4, 3, 2, 1] + rng.uniform(20, 30, 5)
    values, vectors = np.linalg.eigh(np.cov(X.T))
    A = X - X.mean(axis=0) if centred else X
    _, _, Vt = np.linalg.svd(A, full_matrices=False)
    return {
        "方差占比之和": (values / values.sum()).sum(),
        "两条路的子空间夹角余弦": abs(Vt[0] @ vectors[:, -1]),
    }
