"""学习率：上限从哪里来，最好的在哪里，怎么试出来，什么时候要变。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import claim, line


def quadratic(kappa, seed, dim=10):
    """f(w) = wᵀAw / 2，λmax = 1、λmin = 1/kappa，主轴方向随机；另给出每个主轴上都有误差的起点。"""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    A = (Q * np.geomspace(1 / kappa, 1, dim)) @ Q.T  # (dim, dim)
    return A, Q, rng.uniform(0.3, 2, dim)


@claim(
    guard={"最慢一档的步数": "in [100, 2400]"},
    expect={
        "最快的学习率 / 理论值": "in [0.96, 1.02]",
        "小学习率处步数的幂次": "in [-1.05, -0.95]",
    },
    control=[{"m": 0.9}, {"start": "steep"}],
    knobs={"m": [0.0, 0.9], "kappa": [5, 50], "start": ["all", "steep"]},
)
def best_constant(kappa=20, m=0.0, start="all", seed=0):
    """二次函数上最快的固定学习率是 2/(λmax+λmin)；比它小得多时步数与学习率成反比。"""
    A, Q, error = quadratic(kappa, seed)
    if start == "steep":
        error[:5] = 0  # 曲率小的一半方向上没有误差
    w0 = Q @ error
    best = 2 / (1 + 1 / kappa)
    lr = best * np.append([0.05, 0.2], np.arange(0.5, 1.04, 0.01))  # (lrs,)
    W, V = np.tile(w0, (len(lr), 1)), np.zeros((len(lr), 10))
    steps = np.zeros(len(lr))
    for _ in range(2500):
        far = np.linalg.norm(W, axis=1) > 1e-4 * np.linalg.norm(w0)
        steps += far  # 还没到，就多算一步
        V = m * V + W @ A
        W = np.where(far[:, None], W - lr[:, None] * V, W)
        if not far.any():
            break
    return {
        "最慢一档的步数": steps.max(),
        "最快的学习率 / 理论值": lr[steps == steps.min()].mean() / best,
        "小学习率处步数的幂次": np.log(steps[1] / steps[0]) / np.log(lr[1] / lr[0]),
        "到万分之一的步数": line(steps, lr, x_label="学习率 × λmax", y_label="步", log_y=True),
    }


@claim(
    guard={"不带动量时的上限 × λmax": "in [1.97, 2.03]"},
    expect={"重球的上限 × λmax / 2(1+m)": "in [0.98, 1.02]"},
    control=[{"method": "nesterov"}, {"method": "ema"}],
    knobs={"m": [0.0, 0.99], "method": ["heavy-ball", "nesterov", "ema"]},
)
def momentum_moves_limit(m=0.9, method="heavy-ball", seed=0):
    """累积式重球动量的上限是 2(1+m)/λmax；Nesterov 更低，EMA 写法还要再乘 1/(1-m)。"""
    A, Q, error = quadratic(20, seed)

    @np.errstate(all="ignore")  # 发散的会溢出
    def limit(m):
        """每个学习率走 200 步，没有变远的里面最大的一个（λmax = 1）。"""
        lr = np.geomspace(0.5, 50, 2000)[:, None]
        W, V = np.tile(Q @ error, (2000, 1)), np.zeros((2000, 10))
        for _ in range(200):
            ahead = W - lr * m * V if method == "nesterov" else W
            g = ahead @ A
            V = m * V + ((1 - m) * g if method == "ema" else g)
            W = W - lr * V
        return lr[np.linalg.norm(W, axis=1) <= np.linalg.norm(error)].max()

    return {
        "不带动量时的上限 × λmax": limit(0),
        "重球的上限 × λmax / 2(1+m)": limit(m) / (2 * (1 + m)),
    }


def forward_backward(Ws, X, y, act):
    """均方误差与梯度；W 前面的维度是互不相干的网络。X: (nets, copies, n, d)"""
    hs = [X]
    for W in Ws[:-1]:
        hs.append(np.maximum(hs[-1] @ W, 0) if act == "relu" else np.tanh(hs[-1] @ W))
    error = hs[-1] @ Ws[-1] - y
    delta, grads = 2 * error / len(y[0, 0]), []
    for W, h in zip(Ws[::-1], hs[::-1], strict=True):
        grads.insert(0, h.swapaxes(2, 3) @ delta)
        slope = (h > 0) if act == "relu" else 1 - h**2
        delta = (delta @ W.swapaxes(2, 3)) * slope
    return (error[..., 0] ** 2).mean(axis=-1), grads


def slope_ratio(Ws, X, y, act):
    """梯度检查：沿梯度方向的中心差分，除以公式给出的 |g|²。"""
    _, grads = forward_backward(Ws, X, y, act)
    after = lambda h: forward_backward(
        [W + h * g for W, g in zip(Ws, grads, strict=True)], X, y, act
    )[0].sum()
    return (after(1e-6) - after(-1e-6)) / (2e-6 * sum((g**2).sum() for g in grads))


def relu_nets(sizes, scale, seed, nets=4, n=24):
    """几个 ReLU 网络与各自的数据：拟合 |x₁|；scale 是初始权重相对 He 初始化的倍数。"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(nets, 1, n, sizes[0]))
    y = np.abs(X[..., :1])
    y = (y - y.mean(axis=2, keepdims=True)) / y.std(axis=2, keepdims=True)
    Ws = [scale * rng.normal(size=(nets, 1, a, b)) * np.sqrt(2 / a) for a, b in pairwise(sizes)]
    return Ws, X, y


@np.errstate(all="ignore")  # 发散的损失成为 inf 或 nan
def train(Ws, X, y, schedule):
    """schedule: (steps, lrs)，每步每个网络的学习率；返回每步的损失 (steps, nets, lrs)。"""
    Ws, losses = [np.repeat(W, schedule.shape[1], axis=1) for W in Ws], []
    for lr in schedule:
        loss, grads = forward_backward(Ws, X, y, "relu")
        losses.append(loss)
        Ws = [W - lr[:, None, None] * g for W, g in zip(Ws, grads, strict=True)]
    return np.array(losses)


def geometric_mean(x):
    return np.exp(np.log(x).mean())


def doublings(x):
    """翻了几番，对网络取平均。"""
    return np.log2(x).mean()


def largest_usable(losses, lrs, below):
    """训练最后 20 步的平均损失低于 below 的最大学习率，每个网络一个；都不低于就算最小的一档。"""
    return np.where(losses[-20:].mean(axis=0) < below, lrs, lrs.min()).max(axis=1)


@claim(
    guard={"真正可用的上限": "in [0.1, 1.6]", "梯度检查：差分 / 公式": "in [0.9999, 1.0001]"},
    expect={"测试读数 / 真正可用的上限": "in [0.8, 1.7]"},
    control={"sweep": 30},
    knobs={"sweep": [10, 1000]},
)
def range_test(sweep=200, seed=0):
    """学习率 200 步里从 1e-4 升到 10，损失炸开处离真正可用的上限不远；30 步升完则高估好几倍。"""
    Ws, X, y = relu_nets((4, 16, 1), 1, seed)
    rising = np.geomspace(1e-4, 10, sweep)
    losses = train(Ws, X, y, rising[:, None])[:, :, 0]  # (sweep, nets)
    reading = rising[np.argmax(losses > 4 * np.minimum.accumulate(losses), axis=0)]
    lrs = np.geomspace(0.02, 2, 16)
    # 老老实实每个学习率各训练一遍
    usable = largest_usable(train(Ws, X, y, np.tile(lrs, (150, 1))), lrs, 0.5)
    return {
        "真正可用的上限": geometric_mean(usable),
        "梯度检查：差分 / 公式": slope_ratio(Ws, X, y, "relu"),
        "测试读数 / 真正可用的上限": geometric_mean(reading / usable),
        "一次测试": line(
            np.fmin(losses[:, 0], 100),
            rising,
            x_label="学习率",
            y_label="损失",
            log_x=True,
            log_y=True,
        ),
    }


@claim(
    guard={"可用的最小学习率倍数": ">= 2"},
    expect={"log₂（预热后的上限 / 不预热的上限）": "in [2, 8]"},
    control=[{"model": "linear"}, {"warmup": 1}],
    knobs={"warmup": [1, 90], "scale": [1, 3], "model": ["relu", "linear"]},
)
def warmup_widens(warmup=60, scale=2, model="relu", seed=0):
    """初始权重偏大两倍的 ReLU 网络，预热让可用的学习率大好几倍；曲率不变的线性回归上毫无用处。"""
    Ws, X, y = relu_nets((4, 16, 16, 1) if model == "relu" else (4, 1), scale, seed)
    lrs = np.geomspace(0.001, 1, 13)
    ramp = np.minimum(np.arange(1, 121) / warmup, 1)[:, None]  # 120 步，前 warmup 步线性上升
    below = 0.5 if model == "relu" else 1.1  # 线性模型学不会 |x₁|，不发散就算可用
    plain = largest_usable(train(Ws, X, y, np.tile(lrs, (120, 1))), lrs, below)
    warm = largest_usable(train(Ws, X, y, ramp * lrs), lrs, below)
    return {
        "可用的最小学习率倍数": geometric_mean(plain / lrs[0]),
        "log₂（预热后的上限 / 不预热的上限）": doublings(warm / plain),
    }


SIZES = (3, 8, 8, 1)


def gradient(v, X, y):
    """v: (nets, copies, 96) 每层权重拉平后接在一起；返回损失与同样形状的梯度。"""
    cuts = np.cumsum([a * b for a, b in pairwise(SIZES)])
    parts = np.split(v, cuts[:-1], axis=-1)
    Ws = [p.reshape(*v.shape[:2], *shape) for p, shape in zip(parts, pairwise(SIZES), strict=True)]
    loss, grads = forward_backward(Ws, X, y, "tanh")
    return loss, np.concatenate([g.reshape(*v.shape[:2], -1) for g in grads], axis=-1)


def sharpness(v, X, y, h=1e-4):
    """每个网络 Hessian 的最大特征值 (nets,)；Hessian 由梯度的中心差分得到。"""
    shift = h * np.eye(96)
    H = (gradient(v + shift, X, y)[1] - gradient(v - shift, X, y)[1]) / (2 * h)  # (nets, 96, 96)
    return np.linalg.eigvalsh((H + H.transpose(0, 2, 1)) / 2)[:, -1]


@claim(
    guard={
        "梯度检查：差分 / 公式": "in [0.9999, 1.0001]",
        "最后损失 / 起初损失": "<= 0.45",
        "起点 λmax / (2/η)": "<= 0.5",
    },
    expect={"最后 λmax / (2/η)": "in [0.8, 1.15]", "全量损失上升的步数比例": "in [0.05, 0.5]"},
    control={"lr": 0.02},
    knobs={"lr": [0.01, 0.2]},
)
def edge_of_stability(lr=0.2, seed=0):
    """全批量训练四个小 tanh 网络：λmax 从上限以下升到 2/η 附近停住，损失时升时降，总的仍在降。"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4, 1, 24, 3))
    y = 1.4 * np.sin(2 * X[..., :1])  # (4, 1, 24, 1)
    Ws = [rng.normal(size=(4, 1, a, b)) * np.sqrt(0.5 / a) for a, b in pairwise(SIZES)]
    v, edge, losses = np.concatenate([W.reshape(4, 1, -1) for W in Ws], axis=2), [], []
    for t in range(701):
        if t % 100 == 0:
            edge.append((sharpness(v, X, y) * lr / 2).mean())
        loss, g = gradient(v, X, y)
        losses.append(loss[:, 0])
        v = v - lr * g
    return {
        "梯度检查：差分 / 公式": slope_ratio(Ws, X, y, "tanh"),
        "最后损失 / 起初损失": np.mean(losses[-1]) / np.mean(losses[0]),
        "起点 λmax / (2/η)": edge[0],
        "最后 λmax / (2/η)": np.mean(edge[-3:]),
        "全量损失上升的步数比例": np.mean(np.diff(losses, axis=0) > 0),
        "曲率": line(
            edge, np.arange(8) * 100, x_label="步", y_label="λmax × η / 2", rules={"上限": 1}
        ),
    }


def regression(seed, noise, flattest=1.0, n=256, dim=8):
    """线性回归；特征的标准差从 1 到 flattest，真参数反过来，使每个方向起初的误差一样重要。"""
    rng = np.random.default_rng(seed)
    draws = rng.normal(size=(n, dim + 1))  # 最后一列是标签噪声
    scale = np.geomspace(1, flattest, dim)
    return draws[:, :dim] * scale, draws.sum(axis=1) + (noise - 1) * draws[:, dim], rng


@claim(
    guard={"固定学习率的最后损失 / 起初损失": "<= 0.1"},
    expect={"各自最好时，固定 / 余弦衰减": "in [1.4, 12]"},
    control={"noise": 0.0},
    knobs={"noise": [0.0, 2.0], "steps": [100, 1000]},
)
def decay_beats_constant(noise=1.0, steps=500, seed=0):
    """单样本 SGD，预算相同、各自调好学习率，衰减的超额损失更低；标签没有噪声时就没有这个好处。"""
    X, y, rng = regression(seed, noise, flattest=0.25)
    target = np.linalg.lstsq(X, y, rcond=None)[0]
    excess = lambda W: (((W - target) @ X.T) ** 2).mean(axis=-1)
    lrs = np.geomspace(0.01, 0.4, 10)
    picked = rng.integers(len(X), size=(steps, 50))  # 50 份独立的轨迹，两种日程用同样的样本

    @np.errstate(all="ignore")  # 发散的成为 inf 或 nan
    def final(schedule):
        W = np.zeros((50, len(lrs), 8))
        for factor, i in zip(schedule, picked, strict=True):
            error = (W * X[i][:, None]).sum(axis=2) - y[i][:, None]  # (50, lrs)
            W = W - (factor * lrs * error)[..., None] * X[i][:, None]
        return np.nan_to_num(excess(W).mean(axis=0), nan=np.inf)

    constant = final(np.ones(steps))
    cosine = final((1 + np.cos(np.linspace(0, np.pi, steps))) / 2)
    return {
        "固定学习率的最后损失 / 起初损失": constant.min() / excess(np.zeros(8)),
        "各自最好时，固定 / 余弦衰减": constant.min() / cosine.min(),
        "最后的超额损失": line(
            {"固定": np.minimum(constant, 10), "余弦": np.minimum(cosine, 10)},
            lrs,
            x_label="学习率（衰减前）",
            y_label="超额损失",
            log_x=True,
            log_y=True,
        ),
    }


@claim(
    guard={
        "λmax": "in [0.999999, 1.000001]",
        "走出的距离 / 起点到最优点": ">= 0.3",
        "小批损失之和 / 全量损失之和": "in [0.3, 4]",
    },
    expect={"小批损失上升的步数比例": "in [0.3, 0.65]", "全量损失上升的步数比例": "<= 0.1"},
    control=[{"batch": 256}, {"lr": 3.0}],
    knobs={"batch": [1, 256], "lr": [0.002, 4.0]},
)
def batch_loss_jitters(lr=0.02, batch=8, seed=0):
    """学习率只有稳定上限 2 的百分之一，小批损失仍有近半数的步在上升，而全量损失几乎步步下降。"""
    rng = np.random.default_rng(seed)
    X = 16 * np.linalg.qr(rng.normal(size=(256, 8)))[0]  # XᵀX/256 = I，上限就是 2
    y = X.sum(axis=1) + 0.5 * rng.normal(size=256)
    w, seen, full = np.zeros(8), [], []
    for _ in range(60):
        i = rng.permutation(256)[:batch]
        error = X[i] @ w - y[i]
        seen.append((error**2).mean())
        full.append(((X @ w - y) ** 2).mean())
        w = w - lr * X[i].T @ error / batch
    return {
        "λmax": np.linalg.norm(X.T @ X / 256, ord=2),
        "走出的距离 / 起点到最优点": np.linalg.norm(w) / np.sqrt(8),  # 真参数每个分量都是 1
        "小批损失之和 / 全量损失之和": sum(seen) / sum(full),
        "小批损失上升的步数比例": np.mean(np.diff(seen) > 0),
        "全量损失上升的步数比例": np.mean(np.diff(full) > 0),
        "损失": line({"小批": seen, "全量": full}, x_label="步", y_label="损失"),
    }
