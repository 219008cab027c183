"""动量：快在哪里，代价是什么。"""

import numpy as np

from quizdl.proof import claim, line

STABLE = np.linspace(0.05, 0.99, 20)  # 占稳定上限的比例


def quadratic(kappa, seed, dim=10):
    """f(w) = wᵀAw / 2，特征值 1/kappa … 1，主轴方向随机；最小点在原点，起点离它 1。"""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    A = (Q * np.geomspace(1 / kappa, 1, dim)) @ Q.T  # (dim, dim)
    w0 = Q @ rng.uniform(0.5, 1.5, dim)  # 每个主轴上都有误差
    return A, w0 / np.linalg.norm(w0)


def step(w, v, g, lr, m):
    """累积式动量（PyTorch 的默认写法）。"""
    v = m * v + g
    return w - lr * v, v


def polyak_m(kappa):
    root = np.sqrt(kappa)
    return ((root - 1) / (root + 1)) ** 2


def fewest_steps(A, w0, m, lrs, tol=1e-4, budget=4000):
    """每个学习率各走一份，直到有一个把距离缩到 tol 倍；返回每一步最小的相对距离。"""
    W = np.tile(w0, (len(lrs), 1))  # (lrs, dim)
    V, lr, nearest = np.zeros_like(W), lrs[:, None], []
    for _ in range(budget):
        W, V = step(W, V, W @ A, lr, m)
        error = np.linalg.norm(W, axis=1)
        nearest.append(error.min())
        if nearest[-1] <= tol:
            break
        keep = error < 1e3  # 发散的学习率退出
        W, V, lr = W[keep], V[keep], lr[keep]
    return nearest


@claim(
    guard={"两者到达的最大相对误差": "<= 1e-4"},
    expect={"GD 步数 / 动量步数": "in [5, 9]"},
    control=[{"inertia": False}, {"kappa": 2}],
    knobs={"inertia": [True, False], "kappa": [2, 300]},
)
def accelerates(kappa=100, inertia=True, seed=0):
    """病态二次函数上各自调好学习率，动量仍快数倍；只把步长放大 1/(1-m) 换不来。"""
    A, w0 = quadratic(kappa, seed)
    m = polyak_m(kappa)
    gd = fewest_steps(A, w0, 0.0, 2 * STABLE)
    lrs = 2 * (1 + m) * STABLE  # 动量的稳定上限是 2(1+m)/L，这里 L = 1
    if not inertia:  # 平凡的解释：没有惯性，只是步子更大
        lrs, m = lrs / (1 - m), 0.0
    ours = fewest_steps(A, w0, m, lrs)
    return {
        "两者到达的最大相对误差": max(gd[-1], ours[-1]),
        "GD 步数 / 动量步数": len(gd) / len(ours),
        "到最小点的距离": line(
            {"GD": (range(len(gd)), gd), "动量" if inertia else "大步": (range(len(ours)), ours)},
            x_label="步",
            y_label="相对距离",
            log_y=True,
        ),
    }


@claim(
    guard={"GD 步数随 κ 的幂次": "in [0.9, 1.1]"},
    expect={"动量步数随 κ 的幂次": "in [0.45, 0.55]"},
    control={"tuned": False},
    knobs={"tuned": [True, False], "m": [0.0, 0.7]},
)
def sqrt_kappa(tuned=True, m=0.5, seed=0):
    """m 按 κ 调好时步数按 √κ 增长，GD 按 κ 增长；m 固定不变时动量也退回按 κ 增长。"""
    kappas = np.array([25, 225])
    gd, heavy = [], []
    for kappa in kappas:
        A, w0 = quadratic(kappa, seed)
        mk = polyak_m(kappa) if tuned else m
        gd.append(len(fewest_steps(A, w0, 0.0, 2 * STABLE)))
        heavy.append(len(fewest_steps(A, w0, mk, 2 * (1 + mk) * STABLE)))
    growth = np.log(kappas[1] / kappas[0])
    return {
        "GD 步数随 κ 的幂次": np.log(gd[1] / gd[0]) / growth,
        "动量步数随 κ 的幂次": np.log(heavy[1] / heavy[0]) / growth,
    }


@claim(
    guard={"走过的距离": "in [0.9, 2.2]"},
    expect={"两条轨迹的最大差": "<= 1e-9"},
    control=[{"rescale": False}, {"first": "raw"}],
    knobs={"rescale": [True, False], "first": ["damped", "raw"], "m": [0.5, 0.99]},
)
def ema_is_rescaled(m=0.9, rescale=True, first="damped", seed=0):
    """EMA 式动量用 lr/(1-m)，与累积式逐步相同；PyTorch 的 dampening 首步不打折，不等价。"""
    A, w0 = quadratic(20, seed)
    rng = np.random.default_rng(seed + 100)
    lr, w, u = 0.05, w0, w0
    lr_ema = lr / (1 - m) if rescale else lr
    v = e = np.zeros(10)
    gap, moved = [], []
    for t in range(200):
        noise = rng.normal(0, 0.1, 10)  # 两边看到同一批数据
        w, v = step(w, v, A @ w + noise, lr, m)
        fresh = 1.0 if first == "raw" and t == 0 else 1 - m
        e = m * e + fresh * (A @ u + noise)
        u = u - lr_ema * e
        gap.append(np.abs(w - u).max())
        moved.append(np.linalg.norm(w - w0))
    return {
        "走过的距离": max(moved),
        "两条轨迹的最大差": max(gap),
    }


@claim(
    guard={"走过的距离": "in [0.35, 1.3]"},
    expect={"与 GD 轨迹的最大差": "in [0.01, 0.03]"},
    control=[{"factor": 1.0}, {"lr": 0.1}],
    knobs={"factor": [1.0, 20.0], "lr": [1e-4, 0.1]},
)
def effective_step(lr=5e-4, factor=10.0, seed=0):
    """步子小时，m=0.9 的动量走的就是学习率放大 1/(1-m)=10 倍的 GD。"""
    A, w0 = quadratic(20, seed)
    w, v, u = w0, np.zeros(10), w0
    gap, moved = [], []
    for _ in range(400):
        w, v = step(w, v, A @ w, lr, 0.9)
        u = u - factor * lr * (A @ u)
        gap.append(np.linalg.norm(w - u))
        moved.append(np.linalg.norm(w - w0))
    return {
        "走过的距离": max(moved),
        "与 GD 轨迹的最大差": max(gap),
    }


@claim(
    guard={"SGD 的稳态方差 / 公式": "in [0.85, 1.15]"},
    expect={
        "稳态方差之比": "in [0.9, 1.1]",
        "单步位移方差之比": "in [0.045, 0.06]",
    },
    control=[{"m": 0.0, "batch": 19}, {"same_lr": True}],
    knobs={"m": [0.0, 0.98], "batch": [1, 40], "same_lr": [False, True]},
)
def noise_stays(m=0.9, batch=1, same_lr=False, seed=0):
    """有效步长相同时，m=0.9 的动量每步的位移平滑 19 倍，最小点附近的散布却没有变小。"""
    rng = np.random.default_rng(seed)
    lr = 0.05  # SGD 的学习率
    w = v = u = np.zeros(200)  # 200 份独立的轨迹
    ours, sgd = [], []
    for _ in range(350):
        noise = rng.normal(size=(batch, 200))  # f(w) = w²/2 的梯度噪声，σ = 1
        w, v = step(w, v, w + noise.mean(0), lr if same_lr else lr * (1 - m), m)
        u = u - lr * (u + noise[0])  # 普通 SGD，批量为 1
        ours.append(w)
        sgd.append(u)
    ours, sgd = np.array(ours[150:]), np.array(sgd[150:])  # 已到稳态
    return {
        "SGD 的稳态方差 / 公式": sgd.var() / (lr / (2 - lr)),
        "稳态方差之比": ours.var() / sgd.var(),
        "单步位移方差之比": np.diff(ours, axis=0).var() / np.diff(sgd, axis=0).var(),
    }


@claim(
    guard={"路程 / 起点距离": ">= 0.3"},
    expect={
        "冲过最小点的幅度": "in [0.25, 0.37]",
        "速度见顶时的剩余距离": "in [0.15, 0.34]",
        "最后的相对距离": "in [1e-8, 1e-5]",
    },
    control=[{"m": 0.0}, {"m": 1.0}, {"lr": 0.0001}],
    knobs={"m": [0.0, 1.0], "lr": [0.0001, 0.1]},
)
def overshoots_then_settles(m=0.9, lr=0.005, seed=0):
    """欠阻尼时，速度在到达最小点之前就见顶，仍会冲过去；但 m<1 就终会停在最小点。"""
    rng = np.random.default_rng(seed)
    curvature, w0 = rng.uniform(4, 10, 20), rng.uniform(1, 2, 20)  # 20 个一维二次函数
    w, v, path = w0, np.zeros(20), []
    for _ in range(300):
        w, v = step(w, v, curvature * w, lr, m)
        path.append(w / w0)
    path = np.array(path)  # (steps, 20)
    speed = np.abs(np.diff(path, axis=0, prepend=1))
    at_peak = path[speed.argmax(0), np.arange(20)]
    return {
        "路程 / 起点距离": speed.sum(0).min(),
        "冲过最小点的幅度": -path.min(0).max(),
        "速度见顶时的剩余距离": at_peak.min(),
        "最后的相对距离": np.abs(path[-10:]).max(),
        "离最小点": line(path[:121, 0], x_label="步", y_label="位置 / 起点", rules={"最小点": 0}),
    }


SLOPE = [1, 0, -1, -0.15]  # 斜放的双阱 f(x) = x⁴/4 - x²/2 - 0.15x 的导数：左浅右深，中间隔着势垒
LEFT, BARRIER, RIGHT = np.sort(np.roots(SLOPE).real)


def height(x):
    return np.polyval(np.polyint(SLOPE), x) - np.polyval(np.polyint(SLOPE), LEFT)


@claim(
    guard={"起点到最远处的距离": "in [0.15, 0.6]", "到过的最高处 / 起点的高度": "in [0.8, 1]"},
    expect={"翻出浅极小的比例": "== 0"},
    control={"top": 4.5},
    knobs={"top": [0.2, 5.0]},
)
def needs_height(top=0.9, seed=0):
    """步子较小、从静止出发、起点低于势垒时，m 从 0.5 到 0.99 的动量一次也翻不出局部极小。"""
    rng = np.random.default_rng(seed)
    target = height(BARRIER) * rng.uniform(top / 3, top, 40)  # 低于势垒
    grid = np.linspace(LEFT, -2, 2000)  # 在左坡上找高度为 target 的起点
    x = x0 = np.tile(np.interp(target, height(grid), grid), (8, 1))
    v, path = np.zeros((8, 40)), []
    for _ in range(400):
        x, v = step(x, v, np.polyval(SLOPE, x), 0.02, np.linspace(0.5, 0.99, 8)[:, None])
        path.append(x)
    right = np.max(path, axis=0)  # 到过的最右处
    return {
        "起点到最远处的距离": (right - x0).min(),
        "翻出浅极小的比例": np.mean(right > BARRIER),
        "到过的最高处 / 起点的高度": (height(np.array(path)) / height(x0)).max(),
    }


@claim(
    guard={"最后的最大坡度": "<= 0.01"},
    expect={"从深极小一侧落进浅极小的比例": "in [0.12, 0.36]"},
    control={"m": 0.0},
    knobs={"m": [0.0, 0.99]},
)
def leaves_good_too(m=0.98, seed=0):
    """惯性不认好坏：从深极小一侧的高处出发，有一部分越过它，停进了浅极小。"""
    x, v = np.random.default_rng(seed).uniform(1.8, 2.4, 400), np.zeros(400)
    for _ in range(800):
        x, v = step(x, v, np.polyval(SLOPE, x), 0.01, m)
    return {
        "最后的最大坡度": np.abs(np.polyval(SLOPE, x)).max(),
        "从深极小一侧落进浅极小的比例": np.mean(x < BARRIER),
    }


@claim(
    guard={"相隔三步的差": "<= 1e-9"},  # 已经停住，或每三步回到原处
    expect={"循环里离最小点最近时": "in [0.6, 0.7]", "最远时": "in [1.5, 4]"},
    control=[{"method": "gd"}, {"method": "nesterov"}],
    knobs={"method": ["heavy-ball", "nesterov", "gd"]},
)
def polyak_can_cycle(method="heavy-ball", seed=0):
    """人造反例：强凸但不是二次的函数上，按 μ、L 取 Polyak 参数的重球陷入周期为三的循环。"""
    # 导数：x < 1 时 25x，1 到 2 之间 x + 24，再往右 25x - 24；μ = 1，L = 25
    grad = lambda x: x + 24 * (np.minimum(x, 1) + np.maximum(x - 2, 0))
    lr, m = 4 / (np.sqrt(25) + 1) ** 2, polyak_m(25)
    if method == "nesterov":  # 各用它自己在 μ = 1、L = 25 下的标准参数
        lr, m = 1 / 25, (np.sqrt(25) - 1) / (np.sqrt(25) + 1)
    if method == "gd":
        lr, m = 2 / (25 + 1), 0.0
    x, v, path = np.random.default_rng(seed).uniform(3.1, 3.4, 20), np.zeros(20), []
    for _ in range(300):
        ahead = x - lr * m * v if method == "nesterov" else x  # Nesterov 在前方取梯度
        x, v = step(x, v, grad(ahead), lr, m)
        path.append(x)
    last = np.abs(path[-3:])
    return {
        "循环里离最小点最近时": last.min(),
        "最远时": last.max(),
        "相隔三步的差": np.abs(path[-1] - path[-4]).max(),
        "轨迹": line([x[0] for x in path[:30]], x_label="步", y_label="x", rules={"最小点": 0}),
    }
