"""小批怎么抽：放不放回、打不打乱、改了概率怎么补、缓冲区多大才够。"""

import numpy as np

from quizdl.proof import bar, claim, line, scatter


@claim(
    guard={"批均值的相对波动": "in [0.05, 0.2]"},
    expect={"批均值方差 / 有限总体公式": "in [0.95, 1.05]"},
    control={"replace": True},
    knobs={"replace": [False, True], "B": [10, 90]},
)
def finite_population(replace=False, B=50, seed=0):
    """不放回抽 B 个，批均值的方差是 σ²/B 再乘 (N-B)/(N-1)；放回则没有后一个因子。"""
    N, rng = 100, np.random.default_rng(seed)
    values = rng.exponential(1, N)
    chosen = np.argsort(rng.random((20000, N)), axis=1)[:, :B]
    if replace:
        chosen = rng.integers(N, size=chosen.shape)
    mean = values[chosen].mean(axis=1)  # (20000,)
    return {
        "批均值的相对波动": mean.std() / mean.mean(),
        "批均值方差 / 有限总体公式": mean.var() / (values.var() / B * (N - B) / (N - 1)),
    }


@claim(
    guard={"平均每个样本用到的次数": "in [0.99, 1.01]"},
    expect={"一次也没用到的比例": "in [0.345, 0.39]", "用到至少三次的比例": "in [0.06, 0.1]"},
    control={"replace": False},
    knobs={"replace": [True, False], "n": [1000, 20000]},
)
def replacement_misses(replace=True, n=4000, seed=0):
    """放回抽满一轮的量，约 1/e = 37% 的样本一次也没用到；打乱后不放回则每个恰好一次。"""
    rng = np.random.default_rng(seed)
    count = np.bincount(rng.integers(n, size=n) if replace else rng.permutation(n), minlength=n)
    return {
        "平均每个样本用到的次数": count.mean(),
        "一次也没用到的比例": np.mean(count == 0),
        "用到至少三次的比例": np.mean(count >= 3),
        "用到几次": bar({str(k): np.mean(count == k) for k in range(6)}, y_label="样本的比例"),
    }


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def train_softmax(X, Y, orders, lrs):
    """批量 10 的 softmax 回归，每个学习率一份；返回最后的训练损失 (lrs,)。"""
    W = np.zeros((len(lrs), X.shape[1], Y.shape[1]))
    for i in np.array(orders).reshape(-1, 10):
        W = W - lrs[:, None, None] * (X[i].T @ (softmax(X[i] @ W) - Y[i]) / 10)
    return -np.log(np.maximum((softmax(X @ W) * Y).sum(axis=2), 1e-12)).mean(axis=1)


@claim(
    guard={"打乱时的平均损失": "in [0.1, 0.7]"},
    expect={"各自调学习率，排序 / 打乱": "in [1.4, 2.4]"},
    control={"order": "once"},
    knobs={"order": ["sorted", "once"], "epochs": [2, 12]},
)
def sorted_hurts(order="sorted", epochs=2, seed=0):
    """八类数据按类排好、走两轮，各自调好学习率，损失仍高四成以上；固定但乱的顺序没有这个问题。"""
    rng = np.random.default_rng(seed)
    lrs, worse, best = np.geomspace(0.003, 3, 9), [], []
    for _ in range(8):  # 八个数据集
        label = rng.permutation(np.repeat(np.arange(8), 50))
        X = rng.normal(size=(8, 10))[label] + rng.normal(size=(400, 10))
        X, Y = np.hstack([X, np.ones((400, 1))]), np.eye(8)[label]  # 最后一列给偏置
        fixed = np.argsort(label) if order == "sorted" else rng.permutation(400)
        ours = train_softmax(X, Y, [fixed] * epochs, lrs)
        shuffled = train_softmax(X, Y, [rng.permutation(400) for _ in range(epochs)], lrs)
        worse.append(ours.min() / shuffled.min())
        best.append(shuffled.min())
    return {
        "打乱时的平均损失": np.mean(best),
        "各自调学习率，排序 / 打乱": np.exp(np.mean(np.log(worse))),
        "最后的损失": line(
            {"固定顺序": ours, "每轮打乱": shuffled}, lrs, x_label="学习率", log_x=True, log_y=True
        ),
    }


@claim(
    guard={"放回时最后 / 起初损失": "<= 0.3"},
    expect={"放回 / 只打乱一次": "in [5, 100]", "每轮打乱 / 只打乱一次": "in [0.05, 0.85]"},
    control={"epochs": 1},
    knobs={"epochs": [1, 40], "noise": [0.5, 2.0]},
)
def many_epochs_reward_shuffling(epochs=20, noise=1.0, seed=0):
    """走二十轮、各自调好学习率：只打乱一次的超额损失不到放回的五分之一，每轮打乱再低 15% 以上。"""
    rng = np.random.default_rng(seed)
    n, runs = 64, 30
    X = rng.normal(size=(n, 4))
    y = X @ rng.normal(size=4) + noise * rng.normal(size=n)
    target, H = np.linalg.lstsq(X, y, rcond=None)[0], X.T @ X / n
    excess = lambda W: (((W - target) @ H) * (W - target)).sum(axis=-1) / 2
    lrs = np.geomspace(0.002, 0.2, 12)

    def final(orders):
        W = np.zeros((runs, len(lrs), 4))
        for i in orders.reshape(runs, -1).T:  # 每步一个样本，runs 份各抽各的
            error = (W * X[i][:, None]).sum(axis=2) - y[i][:, None]
            W = W - (lrs * error)[..., None] * X[i][:, None]
        return excess(W).mean(axis=0).min()

    rows = np.tile(np.arange(n), (runs, epochs, 1))
    every = final(rng.permuted(rows, axis=2))
    once = final(np.tile(rng.permuted(rows[:, :1], axis=2), (1, epochs, 1)))
    with_back = final(rng.integers(n, size=(runs, n * epochs)))
    return {
        "放回时最后 / 起初损失": with_back / excess(np.zeros(4)),
        "每轮打乱 / 只打乱一次": every / once,
        "放回 / 只打乱一次": with_back / once,
    }


@claim(
    guard={"梯度估计的相对波动": ">= 0.1"},
    expect={
        "平均梯度的相对偏差": "<= 0.08",
        "方差 / 均匀抽样": "in [0.02, 0.3]",
        "方差 / 最小方差的公式": "in [0.9, 1.1]",
    },
    control=[{"correct": 0.0}, {"power": 0.0}],
    knobs={"correct": [0.0, 1.0], "power": [0.0, 1.5]},
)
def reweighting_unbiases(correct=1.0, power=1.0, seed=0):
    """按梯度范数抽样、每个样本除以 N·p，平均梯度不偏，方差比均匀抽样小；不除就偏了。"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(500, 5)) * rng.exponential(1, (500, 1))
    grads = (X.sum(axis=1) + rng.normal(size=500))[:, None] * X  # w = 0 处单样本梯度的反方向
    G, norm = grads.mean(axis=0), np.linalg.norm(grads, axis=1)
    p = norm**power / (norm**power).sum()  # power = 0 是均匀抽样
    i = rng.choice(500, (20000, 10), p=p)  # 两万批，每批 10 个
    weight = (1 / (500 * p)) ** correct  # correct = 0 是不补权重
    estimate = (weight[:, None] * grads)[i].mean(axis=1)  # (20000, 5)
    spread, uniform = estimate.var(axis=0).sum(), grads.var(axis=0).sum() / 10
    return {
        "梯度估计的相对波动": np.sqrt(spread) / np.linalg.norm(G),
        "平均梯度的相对偏差": np.linalg.norm(estimate.mean(axis=0) - G) / np.linalg.norm(G),
        "方差 / 均匀抽样": spread / uniform,
        "方差 / 最小方差的公式": spread / ((norm.mean() ** 2 - G @ G) / 10),
    }


def fit_logistic(X, y, weight):
    """加权逻辑回归，牛顿法解到底。"""
    w = np.zeros(X.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-X @ w))
        H = (X.T * (weight * p * (1 - p))) @ X
        w = w - np.linalg.solve(H, X.T @ (weight * (p - y)))
    return w, p


@claim(
    guard={"正类的比例": "in [0.05, 0.2]", "斜率的相对变化": "<= 0.25"},
    expect={
        "截距的移动 / log(负正样本数之比)": "in [0.95, 1.05]",
        "预测概率的平均 / 正类比例": "in [3, 4.5]",
    },
    control={"reweight": True},
    knobs={"reweight": [False, True]},
)
def balancing_shifts_probability(reweight=False, seed=0):
    """两类抽成各半再训练逻辑回归：截距抬高约 log(负/正)，预测概率偏高；损失乘回权重才还原。"""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(6000, 2)), np.ones(6000)])
    y = (rng.random(6000) < 1 / (1 + np.exp(-X @ np.array([1.0, -0.5, -2.5])))) * 1.0
    base, _ = fit_logistic(X, y, np.ones(6000))
    positive, negative = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    i = np.concatenate([rng.choice(positive, 6000), rng.choice(negative, 6000)])  # 类别平衡的抽样
    rate = y.mean() if reweight else y[i].mean()  # 按原来的比例加权，或按抽出来的（各半）
    share = np.where(y[i] == 1, rate, 1 - rate)
    w, _ = fit_logistic(X[i], y[i], share)
    return {
        "正类的比例": y.mean(),
        "斜率的相对变化": np.abs(w / base - 1)[:2].max(),
        "截距的移动 / log(负正样本数之比)": (w - base)[2] / np.log(len(negative) / len(positive)),
        "预测概率的平均 / 正类比例": np.mean(1 / (1 + np.exp(-X @ w))) / y.mean(),
    }


def through_buffer(n, size, rng):
    """流式打乱：缓冲区装满 size 个，每次随机取走一个、补进下一个。"""
    buffer, out = list(range(size)), []
    for coming in range(size, n):
        k = rng.integers(size)
        out.append(buffer[k])
        buffer[k] = coming
    return np.array(out + list(rng.permutation(buffer)))


@claim(
    guard={"位置变了的样本比例": ">= 0.9"},
    expect={"新旧位置的相关系数": "in [0.95, 0.999]", "每批的类数 / 真正打乱": "in [0.1, 0.4]"},
    control={"size": 4000},
    knobs={"size": [20, 4000]},
)
def buffer_too_small(size=100, seed=0):
    """四千个样本按十类排好，缓冲区只有一百：顺序看着变了，每批的类数仍不到真正打乱的四成。"""
    rng = np.random.default_rng(seed)
    order = through_buffer(4000, size, rng)
    kinds = lambda order: np.mean([len(np.unique(b)) for b in (order // 400).reshape(-1, 20)])
    return {
        "位置变了的样本比例": np.mean(order != np.arange(4000)),
        "新旧位置的相关系数": np.corrcoef(order, np.arange(4000))[0, 1],
        "每批的类数 / 真正打乱": kinds(order) / kinds(rng.permutation(4000)),
        "打乱之后": scatter(
            order[::20], np.arange(0, 4000, 20), x_label="新位置", y_label="旧位置"
        ),
    }
