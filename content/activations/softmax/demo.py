"""softmax：什么变了它不变，它的导数，以及“输出就是概率”要加的条件。"""

import numpy as np

from quizdl.proof import claim, line


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cross_entropy(z, hot):
    return (np.logaddexp.reduce(z, axis=-1) - (z * hot).sum(axis=-1)).mean()


JACOBIANS = {  # ∂p_i/∂z_j 的几种说法，p: (K,)
    "diag(p) - pp^T": lambda p: np.diag(p) - np.outer(p, p),
    "diag(p(1-p))": lambda p: np.diag(p * (1 - p)),  # 当成逐元素的 sigmoid
    "p - 1": lambda p: np.diag(p - 1),
}


@claim(
    guard={
        "差分 Jacobian 的最大元素": "in [0.1, 0.26]",
        "差分的秩 - (K - 1)": "== 0",
        "差分的对角线与 p(1-p) 之差": "<= 1e-9",
    },
    expect={"与中心差分的最大误差": "<= 1e-9", "公式的各行之和": "<= 1e-12"},
    control=[{"form": "diag(p(1-p))"}, {"form": "p - 1"}],
    knobs={"form": ["diag(p) - pp^T", "diag(p(1-p))", "p - 1"], "K": [2, 12]},
)
def jacobian_has_rank_k_minus_1(form="diag(p) - pp^T", K=6, seed=0):
    """softmax 的导数是 diag(p) − ppᵀ：与中心差分一致，每行和为 0，秩是 K − 1"""
    z, h = np.random.default_rng(seed).normal(0, 1, K), 1e-5
    steps = h * np.eye(K)
    numeric = (softmax(z + steps) - softmax(z - steps)).T / (2 * h)  # (i, j)：∂p_i/∂z_j
    p = softmax(z)
    formula, diagonal = JACOBIANS[form](p), JACOBIANS["diag(p(1-p))"](p)
    return {
        "差分 Jacobian 的最大元素": numeric.max(),
        "与中心差分的最大误差": np.abs(formula - numeric).max(),
        "差分的秩 - (K - 1)": np.linalg.matrix_rank(numeric, tol=1e-6) - (K - 1),
        "差分的对角线与 p(1-p) 之差": np.abs(np.diag(numeric - diagonal)).max(),
        "公式的各行之和": np.abs(formula @ np.ones(K)).max(),
    }


CHANGES = {  # 对一行 logits 做的变换；都不改变大小次序
    "shift": lambda z, c: z + c,
    "scale": lambda z, c: c * z,
    "cube": lambda z, c: z**3,
}


@claim(
    guard={"最大类不变的样本占比": "== 1", "logits 变化的均方根": ">= 0.5"},
    expect={"概率的最大变化": "<= 1e-12"},
    control=[{"change": "scale"}, {"change": "cube"}],
    knobs={"change": ["shift", "scale", "cube"], "size": [2.0, 10.0]},
)
def only_differences_matter(change="shift", size=3.0, seed=0):
    """每个 logit 加同一个数，概率不变；乘同一个数、取立方，次序不变而概率变"""
    rng = np.random.default_rng(seed)
    z, c = rng.normal(0, 1, (500, 5)), rng.uniform(1.5, size, (500, 1))
    changed = CHANGES[change](z, c)
    p, q = softmax(z), softmax(changed)
    return {
        "最大类不变的样本占比": (p.argmax(axis=1) == q.argmax(axis=1)).mean(),
        "logits 变化的均方根": np.sqrt(((changed - z) ** 2).mean()),
        "概率的最大变化": np.abs(p - q).max(),
    }


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def fit(X, y, W, predict, decay, steps=150, lr=2.0):
    """交叉熵加 L2（系数 decay / 2），全批量梯度下降；softmax 与 sigmoid 的梯度都是 Xᵀ(p − y)。"""
    for _ in range(steps):
        W = W - lr * (X.T @ (predict(X @ W) - y) / len(X) + decay * W)
    return W


@claim(
    guard={
        "两列之差的范数": "in [0.5, 3]",
        "与 sigmoid(两个 logit 之差) 的误差": "<= 1e-12",
        "没有 L2 时列和的变化": "<= 1e-9",
        "有 L2 时剩下的列和 / 起点": "<= 1e-4",
    },
    expect={"两列之差与逻辑回归之差": "<= 1e-3"},
    control=[{"share": 1.0}, {"share": 2.0}],
    knobs={"share": [0.25, 2.0]},
)
def binary_is_logistic(share=0.5, seed=0):
    """二分类：两列权重之差就是逻辑回归的权重，L2 系数要减半；列和多余，L2 把它消掉"""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (200, 3))
    y = (rng.random(200) < sigmoid(X.sum(axis=1))) * 1
    hot, start, decay = np.eye(2)[y], rng.normal(0, 1, (3, 2)), 0.04
    free = fit(X, hot, start, softmax, 0.0)
    W = fit(X, hot, start, softmax, decay)
    w = fit(X, y, np.zeros(3), sigmoid, share * decay)  # 逻辑回归
    difference, size = W[:, 1] - W[:, 0], np.linalg.norm
    return {
        "两列之差的范数": size(difference),
        "与 sigmoid(两个 logit 之差) 的误差": np.abs(
            softmax(X @ W)[:, 1] - sigmoid(X @ difference)
        ).max(),
        "没有 L2 时列和的变化": np.abs((free - start) @ np.ones(2)).max(),
        "有 L2 时剩下的列和 / 起点": size(W @ np.ones(2)) / size(start @ np.ones(2)),
        "两列之差与逻辑回归之差": size(difference - w) / size(w),
    }


def half_square(z, hot):
    return ((softmax(z) - hot) ** 2).sum(axis=-1).mean() / 2


def half_square_grad(p, hot):
    dp = p - hot
    return p * (dp - (dp * p).sum(axis=-1, keepdims=True))  # J (p − y)


LOSSES = {  # 损失，以及每个样本对 logits 的梯度
    "cross_entropy": (cross_entropy, lambda p, hot: p - hot),
    "mse": (half_square, half_square_grad),
}


@claim(
    guard={"起点上 1 - p_y 的最小值": "in [0.99, 1]", "梯度与中心差分之差": "<= 1e-8"},
    expect={"起点上最小的梯度范数": "in [0.99, 1.42]", "最好的学习率下学对的占比": ">= 0.99"},
    control={"loss": "mse"},
    knobs={"loss": ["cross_entropy", "mse"], "reach": [6.0, 30.0]},
)
def mse_saturates(loss="cross_entropy", reach=30.0, seed=0):
    """错得很自信的样本：交叉熵的梯度不小于 0.99；均方误差的消失，调学习率也救不回来"""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, 300)
    hot = np.eye(4)[y]
    z = rng.normal(0, 1, (300, 4)) + 4 * np.eye(4)[(y + 1) % 4]  # 偏爱另一类
    z = z - hot * rng.uniform(5, reach, (300, 1))
    value, grad = LOSSES[loss]
    (mild, way), h = rng.normal(0, 1, (2, 300, 4)), 1e-5
    along = (value(mild + h * way, hot) - value(mild - h * way, hot)) / (2 * h)
    first = np.linalg.norm(grad(softmax(z), hot), axis=1)
    Z, lrs = z, np.geomspace(0.1, 10_000, 6)[:, None, None]  # 每个学习率各走一份
    for _ in range(50):
        Z = Z - lrs * grad(softmax(Z), hot)  # (lrs, n, K)
    right = (Z.argmax(axis=2) == y).mean(axis=1)  # (lrs,)
    return {
        "起点上 1 - p_y 的最小值": (1 - (softmax(z) * hot).sum(axis=1)).min(),
        "梯度与中心差分之差": abs(along - (grad(softmax(mild), hot) * way).sum() / len(y)),
        "起点上最小的梯度范数": first.min(),
        "最好的学习率下学对的占比": right.max(),
    }


def normalize_sum(z):
    return z / z.sum(axis=-1, keepdims=True)  # 另一种归一化：要求 z > 0


def entropy(p):
    return -(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1)


@claim(
    guard={"最大与次大 logit 之差": "in [0.1, 0.13]"},
    expect={
        "T = 0.01 时最小的最大概率": "in [0.999, 0.999999]",
        "T = 100 时最小的熵 / ln K": "in [0.98, 1.02]",
        "T = 1 时 dH/dT 与方差之差": "<= 1e-8",
        "T 从 0.2 起熵增大的占比": ">= 0.999",
    },
    control={"normalizer": "sum"},
    knobs={"normalizer": ["softmax", "sum"]},
)
def temperature_sharpens(normalizer="softmax", seed=0):
    """温度趋于 0 得到 one-hot，趋于无穷得到均匀分布，熵随温度单调增加"""
    rng = np.random.default_rng(seed)
    z = rng.uniform(1, 4, (500, 5))
    top = np.sort(z, axis=1)
    gap = top[:, -1] - top[:, -2]
    z, gap = z[gap > 0.1], gap[gap > 0.1]  # 去掉并列的
    f = {"softmax": softmax, "sum": normalize_sum}[normalizer]
    H = lambda T: entropy(f(z / T))  # (n,)
    temperatures, p = np.geomspace(0.2, 100, 41), f(z)
    path = np.stack([H(T) for T in temperatures])  # (T, n)
    variance = (p * z**2).sum(axis=1) - (p * z).sum(axis=1) ** 2
    slope = (H(1 + 1e-5) - H(1 - 1e-5)) / 2e-5  # dH/dT，T = 1
    return {
        "最大与次大 logit 之差": gap.min(),
        "T = 0.01 时最小的最大概率": f(z / 0.01).max(axis=1).min(),
        "T = 100 时最小的熵 / ln K": path[-1].min() / np.log(5),
        "T 从 0.2 起熵增大的占比": (np.diff(path, axis=0) > 0).mean(),
        "T = 1 时 dH/dT 与方差之差": np.abs(slope - variance).max(),
        "熵": line(path.mean(axis=1), temperatures, x_label="T", log_x=True),
    }


def best_temperature(z, y):
    """在网格上找使交叉熵最小的 T。"""
    grid = np.geomspace(0.2, 8, 120)
    hot = np.eye(z.shape[1])[y]
    return grid[np.argmin([cross_entropy(z / T, hot) for T in grid])]


@claim(
    guard={
        "放大前后最大类相同的占比": "== 1",
        "正确率": "in [0.57, 0.65]",
        "除以 T 后 置信度 - 正确率": "in [-0.04, 0.04]",
    },
    expect={"平均置信度 - 正确率": "in [0.15, 0.3]", "拟合出的 T": "in [2.65, 3.4]"},
    control=[{"scale": 1.0}, {"scale": 0.5}],
    knobs={"scale": [0.3, 6.0]},
)
def sums_to_one_is_not_calibrated(scale=3.0, seed=0):
    """真实的 logits 放大三倍：正确率一点不变，置信度虚高两成；拟合一个温度能修回来"""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, (8000, 4))  # 真实的对数概率（差一个常数）
    y = (softmax(z).cumsum(axis=1) < rng.random((8000, 1))).sum(axis=1)  # 按它抽标签
    model = scale * z
    held, new = slice(0, 3000), slice(3000, 8000)  # 拟合 T 的，与测试的
    T = best_temperature(model[held], y[held])
    right = (model[new].argmax(axis=1) == y[new]).mean()
    confidence = lambda z: softmax(z[new]).max(axis=1).mean()
    return {
        "放大前后最大类相同的占比": (model.argmax(axis=1) == z.argmax(axis=1)).mean(),
        "正确率": right,
        "平均置信度 - 正确率": confidence(model) - right,
        "拟合出的 T": T,
        "除以 T 后 置信度 - 正确率": confidence(model / T) - right,
    }


@claim(
    guard={"正确率最高的决策的正确率": "in [0.6, 0.67]"},
    expect={"取最大概率的代价 / 最小期望代价": "in [3, 6]"},
    control={"miss": 1.0},
    knobs={"miss": [1.0, 50.0]},
)
def argmax_ignores_costs(miss=20.0, seed=0):
    """漏报第 0 类的代价是别的 20 倍：概率完全准确，取最大概率的平均代价仍是三倍以上"""
    rng = np.random.default_rng(seed)
    p = softmax(rng.normal(0, 1.2, (5000, 3)))
    y = (p.cumsum(axis=1) < rng.random((5000, 1))).sum(axis=1)
    cost = 1 - np.eye(3)  # cost[真实, 预测]
    cost[0] *= miss
    paid = lambda choice: cost[y, choice].mean()
    most_likely, cheapest = p.argmax(axis=1), (p @ cost).argmin(axis=1)
    return {
        "正确率最高的决策的正确率": (most_likely == y).mean(),
        "取最大概率的代价 / 最小期望代价": paid(most_likely) / paid(cheapest),
    }
