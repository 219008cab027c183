"""动量：快在哪里，代价是什么。"""

import numpy as np

from quizdl.proof import claim, line

STABLE = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99])  # 占稳定上限的比例


def quadratic(kappa, seed, dim=10):
    """f(w) = wᵀAw / 2，特征值 1/kappa … 1，主轴方向随机；最小点在原点。"""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    A = (Q * np.geomspace(1 / kappa, 1, dim)) @ Q.T  # (dim, dim)
    signs = rng.choice([-1, 1], dim)
    return A, Q @ (signs * rng.uniform(0.5, 1.5, dim))  # w0 在每个主轴上都有误差


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
    V, lr, nearest = np.zeros_like(W), np.array(lrs)[:, None], []
    for _ in range(budget):
        W, V = step(W, V, W @ A, lr, m)
        error = np.sqrt((W * W).sum(1) / (w0 @ w0))
        nearest.append(error.min())
        if nearest[-1] <= tol:
            break
        if error.max() > 1e3:  # 发散的学习率退出
            keep = error < 1e3
            W, V, lr = W[keep], V[keep], lr[keep]
    return nearest


@claim(
    guard={"两者到达的最大相对误差": "<= 1e-4"},
    expect={"GD 步数 / 动量步数": "in [4.5, 9.3]"},
    control=[{"inertia": False}, {"kappa": 2}],
    knobs={"inertia": [True, False], "kappa": [2, 300]},
)
def accelerates(kappa=100, inertia=True, seed=0):
    """病态二次函数上各自调好学习率，动量仍快数倍；只把步长放大 1/(1-m) 换不来。"""
    A, w0 = quadratic(kappa, seed)
    m = polyak_m(kappa)
    gd = fewest_steps(A, w0, 0.0, 2 * STABLE)
    lrs = 2 * (1 + m) * STABLE  # 动量的稳定上限是 2(1+m)/L，这里 L = 1
    # 平凡的解释：没有惯性，只是步子更大
    ours = fewest_steps(A, w0, m, lrs) if inertia else fewest_steps(A, w0, 0.0, lrs / (1 - m))
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
    expect={"动量步数随 κ 的幂次": "in [0.42, 0.6]"},
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
    guard={"走过的相对距离": "in [0.5, 1.5]"},
    expect={"两条轨迹的最大相对差": "<= 1e-9"},
    control=[{"rescale": False}, {"first": "raw"}],
    knobs={"rescale": [True, False], "first": ["damped", "raw"], "m": [0.5, 0.99]},
)
def ema_is_rescaled(m=0.9, rescale=True, first="damped", seed=0):
    """EMA 式动量用 lr/(1-m)，与累积式逐步相同；PyTorch 的 dampening 首步不打折，不等价。"""
    A, w0 = quadratic(20, seed)
    rng = np.random.default_rng(seed + 100)
    lr, w, v = 0.05, w0, np.zeros_like(w0)
    lr_ema, u, e = lr / (1 - m) if rescale else lr, w0, np.zeros_like(w0)
    gap = moved = 0.0
    for t in range(200):
        noise = rng.normal(0, 0.1, w0.shape)  # 两边看到同一批数据
        w, v = step(w, v, A @ w + noise, lr, m)
        fresh = 1.0 if first == "raw" and t == 0 else 1 - m
        e = m * e + fresh * (A @ u + noise)
        u = u - lr_ema * e
        gap = max(gap, np.linalg.norm(w - u) / np.linalg.norm(w0))
        moved = max(moved, np.linalg.norm(w - w0) / np.linalg.norm(w0))
    return {"走过的相对距离": moved, "两条轨迹的最大相对差": gap}


@claim(
    guard={"走过的相对距离": "in [0.2, 2]"},
    expect={"与 GD 轨迹的最大相对差": "<= 0.04"},
    control=[{"factor": 1.0}, {"lr": 0.1}],
    knobs={"factor": [1.0, 20.0], "lr": [1e-4, 0.1]},
)
def effective_step(lr=5e-4, factor=10.0, seed=0):
    """步子小时，m=0.9 的动量走的就是学习率放大 1/(1-m)=10 倍的 GD。"""
    A, w0 = quadratic(20, seed)
    w, v, u = w0, np.zeros_like(w0), w0
    gap = moved = 0.0
    for _ in range(400):
        w, v = step(w, v, A @ w, lr, 0.9)
        u = u - factor * lr * (A @ u)
        gap = max(gap, np.linalg.norm(w - u) / np.linalg.norm(w0))
        moved = max(moved, np.linalg.norm(w - w0) / np.linalg.norm(w0))
    return {"走过的相对距离": moved, "与 GD 轨迹的最大相对差": gap}


@claim(
    guard={"SGD 稳态方差 / 有效步长": "in [0.4, 0.68]"},
    expect={"稳态位置方差之比": "in [0.9, 1.1]", "单步位移方差之比": "in [0.045, 0.065]"},
    control=[{"m": 0.0, "batch": 19}, {"same_lr": True}],
    knobs={"m": [0.0, 0.98], "batch": [1, 40], "same_lr": [False, True]},
)
def noise_stays(m=0.9, batch=1, same_lr=False, seed=0):
    """有效步长相同时，m=0.9 的动量每步的位移平滑 19 倍，最小点附近的散布却没有变小。"""
    rng = np.random.default_rng(seed)
    lr, runs = 0.05, 200  # SGD 的学习率；200 份独立的轨迹
    w, v, u = np.zeros(runs), np.zeros(runs), np.zeros(runs)
    place, stride = np.zeros(2), np.zeros(2)
    for t in range(350):
        noise = rng.normal(size=(batch, runs))  # f(w) = w²/2 的梯度噪声，σ = 1
        w_new, v = step(w, v, w + noise.mean(0), lr if same_lr else lr * (1 - m), m)
        u_new = u - lr * (u + noise[0])  # 普通 SGD，批量为 1
        if t >= 150:  # 已到稳态
            place += np.array([(w * w).mean(), (u * u).mean()]) / 200
            stride += np.array([((w_new - w) ** 2).mean(), ((u_new - u) ** 2).mean()]) / 200
        w, u = w_new, u_new
    return {
        "SGD 稳态方差 / 有效步长": place[1] / lr,
        "稳态位置方差之比": place[0] / place[1],
        "单步位移方差之比": stride[0] / stride[1],
    }


@claim(
    guard={"路程 / 起点距离": ">= 0.3"},
    expect={
        "冲过最小点的幅度": "in [0.2, 0.42]",
        "速度见顶时的剩余距离": "in [0.12, 0.34]",
        "最后的相对距离": "<= 1e-4",
    },
    control=[{"m": 0.0}, {"m": 1.0}, {"lr": 0.0001}],
    knobs={"m": [0.0, 1.0], "lr": [0.0001, 0.1]},
)
def overshoots_then_settles(m=0.9, lr=0.005, seed=0):
    """欠阻尼时，速度在到达最小点之前就见顶，仍会冲过去；但 m<1 就终会停在最小点。"""
    rng = np.random.default_rng(seed)
    curvature, w0 = rng.uniform(4, 10, 20), rng.uniform(1, 2, 20)  # 20 个一维二次函数
    w, v, path = w0, np.zeros(20), [w0]
    for _ in range(300):
        w, v = step(w, v, curvature * w, lr, m)
        path.append(w)
    path = np.array(path) / w0  # (steps + 1, 20)
    speed = np.abs(np.diff(path, axis=0))
    at_peak = path[speed.argmax(0) + 1, np.arange(20)]
    return {
        "路程 / 起点距离": speed.sum(0).min(),
        "冲过最小点的幅度": np.maximum(-path.min(0), 0).min(),
        "速度见顶时的剩余距离": at_peak.min(),
        "最后的相对距离": np.abs(path[-10:]).max(),
        "离最小点": line(path[:121, 0], x_label="步", y_label="位置 / 起点", rules={"最小点": 0}),
    }


def two_wells(x):
    """斜放的双阱 f(x) = x⁴/4 - x²/2 - 0.15x：左浅右深，中间隔着势垒。"""
    return x**4 / 4 - x**2 / 2 - 0.15 * x


def two_wells_grad(x):
    return x**3 - x - 0.15


LEFT, BARRIER, RIGHT = np.sort(np.roots([1, 0, -1, -0.15]).real)


@claim(
    guard={"起点到最远处的距离": "in [0.1, 0.64]"},
    expect={"翻出浅极小的比例": "== 0"},
    control={"low": 1.5, "high": 3.0},
    knobs={"low": [0.1, 3.0], "high": [0.2, 4.0]},
)
def needs_height(low=0.3, high=0.9, seed=0):
    """步子较小、从静止出发、起点低于势垒时，m=0.5、0.9、0.99 的动量一次也翻不出局部极小。"""
    rng = np.random.default_rng(seed)
    depth = two_wells(BARRIER) - two_wells(LEFT)
    target = two_wells(LEFT) + depth * rng.uniform(low, high, 40)
    grid = np.linspace(-2, LEFT, 2000)  # 在左坡上找高度为 target 的起点
    x0 = np.interp(target, two_wells(grid)[::-1], grid[::-1])
    m = np.array([0.5, 0.9, 0.99])[:, None, None]
    lr = np.array([0.005, 0.02, 0.05])[:, None]
    x = np.broadcast_to(x0, (3, 3, 40))
    v, right = np.zeros_like(x), x  # right：到过的最右处
    for _ in range(400):
        x, v = step(x, v, two_wells_grad(x), lr, m)
        right = np.maximum(right, x)
    return {"起点到最远处的距离": (right - x0).min(), "翻出浅极小的比例": np.mean(right > BARRIER)}


@claim(
    guard={"最后的最大坡度": "<= 0.01"},
    expect={"从深极小一侧落进浅极小的比例": "in [0.1, 0.32]"},
    control={"m": 0.0},
    knobs={"m": [0.0, 0.99]},
)
def leaves_good_too(m=0.98, seed=0):
    """惯性不认好坏：从深极小一侧的高处出发，有一部分越过它，停进了浅极小。"""
    rng = np.random.default_rng(seed)
    x = np.linspace(1.8, 2.4, 100) + rng.uniform(0, 0.006, 100)
    v = np.zeros_like(x)
    for _ in range(800):
        x, v = step(x, v, two_wells_grad(x), 0.01, m)
    return {
        "最后的最大坡度": np.abs(two_wells_grad(x)).max(),
        "从深极小一侧落进浅极小的比例": np.mean(x < BARRIER),
    }


@claim(
    guard={
        "起点离最小点的距离": "in [3, 4]",
        "相隔三步的差": "<= 1e-9",
    },  # 已经停住，或每三步回到原处
    expect={"最后离最小点的距离": "in [0.3, 0.81]"},
    control=[{"method": "gd"}, {"method": "nesterov"}],
    knobs={"method": ["heavy-ball", "nesterov", "gd"]},
)
def polyak_can_cycle(method="heavy-ball", seed=0):
    """人造反例：强凸但不是二次的函数上，按 μ、L 取 Polyak 参数的重球陷入周期为三的循环。"""
    grad = lambda x: np.where(x < 1, 25 * x, np.where(x < 2, x + 24, 25 * x - 24))  # μ=1, L=25
    lr, m = {  # 每种方法用它自己在 μ=1、L=25 下的标准参数
        "heavy-ball": (4 / (np.sqrt(25) + 1) ** 2, polyak_m(25)),
        "nesterov": (1 / 25, (np.sqrt(25) - 1) / (np.sqrt(25) + 1)),
        "gd": (2 / 26, 0.0),
    }[method]
    x0 = np.random.default_rng(seed).uniform(3.1, 3.4, 20)
    x, v, path = x0, np.zeros(20), []
    for _ in range(300):
        ahead = x - lr * m * v if method == "nesterov" else x  # Nesterov 在前方取梯度
        x, v = step(x, v, grad(ahead), lr, m)
        path.append(x)
    return {
        "起点离最小点的距离": x0.min(),
        "最后离最小点的距离": np.abs(path[-3:]).min(),
        "相隔三步的差": np.abs(path[-1] - path[-4]).max(),
        "轨迹": line([x[0] for x in path[:30]], x_label="步", y_label="x", rules={"最小点": 0}),
    }
