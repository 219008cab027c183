"""牛顿法：乘的是 Hessian 的逆；快在哪里，会走到哪里，一步要付多少。"""

import numpy as np

from quizdl.proof import claim, line


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# ---- 正定二次函数：牛顿法一步到底 ----


@claim(
    guard={"起点到最小点的距离": "in [1, 6]"},
    expect={
        "牛顿步的最优步长": "in [0.999999, 1.000001]",
        "牛顿步剩下的相对距离": "<= 1e-9",
        "另外三种一步后剩下的最小比例": ">= 0.4",
    },
    control=[{"kappa": 1.0}, {"aligned": True}, {"damping": 0.01}],
    knobs={"kappa": [1.0, 1e4], "aligned": [False, True], "damping": [0.0, 1.0]},
)
def one_step_on_quadratic(kappa=1000.0, aligned=False, damping=0.0, seed=0):
    """二次函数上 H⁻¹g 一步到最小点；逐坐标除以二阶导、乘二阶导、不用二阶导都不行。"""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(10, 10)))
    Q = np.eye(10) if aligned else Q  # 主轴沿坐标轴，或转到随机方向
    H = (Q * np.geomspace(1 / kappa, 1, 10)) @ Q.T  # (10, 10)
    e = rng.normal(size=10)  # 起点减最小点
    g = H @ e
    step, left = {}, {}
    for name, p in {
        "inverse": np.linalg.solve(H + damping * np.eye(10), g),
        "diagonal": g / np.diag(H),  # 每个坐标一个“学习率”
        "hessian": H @ g,  # 照字面：学习率就是二阶导
        "identity": g,  # 梯度下降
    }.items():
        step[name] = (g @ p) / (p @ H @ p)  # 精确线搜索：各用这条线上最好的步长
        left[name] = np.linalg.norm(e - step[name] * p) / np.linalg.norm(e)
    return {
        "起点到最小点的距离": np.linalg.norm(e),
        "牛顿步的最优步长": step["inverse"],
        "牛顿步剩下的相对距离": left["inverse"],
        "另外三种一步后剩下的最小比例": min(left["diagonal"], left["hessian"], left["identity"]),
    }


# ---- 带一点 L2 的逻辑回归：强凸、光滑、不是二次 ----


class Logistic:
    def __init__(self, rng, n=300, dim=8, l2=0.05):
        self.X = rng.normal(size=(n, dim)) * np.geomspace(1, 3, dim)  # (n, dim)，各特征尺度不同
        self.y = rng.random(n) < sigmoid(self.X.mean(1))
        self.l2 = l2

    def loss(self, w):
        z = self.X @ w
        return np.mean(np.log1p(np.exp(z)) - self.y * z) + self.l2 / 2 * (w @ w)

    def grad(self, w):
        return self.X.T @ (sigmoid(self.X @ w) - self.y) / len(self.X) + self.l2 * w

    def hessian(self, w):
        p = sigmoid(self.X @ w)
        return (self.X.T * (p * (1 - p))) @ self.X / len(self.X) + self.l2 * np.eye(len(w))


@claim(
    guard={"只用对角线的": "in [0.1, 10]"},  # 只是转一转，它也会变
    expect={"牛顿法两条轨迹的最大相对差": "<= 1e-9", "梯度下降的": "in [0.3, 5]"},
    control=[{"cond": 1.0}, {"damping": 0.1}],
    knobs={"cond": [1.0, 1000.0], "damping": [0.0, 1.0]},
)
def affine_invariant(cond=100.0, damping=0.0, seed=0):
    """令 w = Au 再对 u 优化：牛顿法换回来是同一条轨迹；梯度下降和只用对角线的都不是。"""
    rng = np.random.default_rng(seed)
    f = Logistic(rng)
    U, _, Vt = np.linalg.svd(rng.normal(size=(8, 8)))
    A = (U * np.geomspace(1, cond, 8)) @ Vt  # (8, 8)，条件数 cond
    methods = {
        "newton": lambda g, H: np.linalg.solve(H + damping * np.eye(8), g),
        "gd": lambda g, H: g / np.linalg.eigvalsh(H)[-1],  # 各自坐标下的 1/L
        "diagonal": lambda g, H: 0.3 * g / np.diag(H),
    }
    gap = {}
    for name, direction in methods.items():
        w, u, gaps = np.zeros(8), np.zeros(8), []
        for _ in range(6):
            w = w - direction(f.grad(w), f.hessian(w))
            g, H = f.grad(A @ u), f.hessian(A @ u)
            u = u - direction(A.T @ g, A.T @ H @ A)  # 链式法则：对 u 的梯度与 Hessian
            gaps.append(np.linalg.norm(A @ u - w) / np.linalg.norm(w))
        gap[name] = np.max(gaps)
    return {
        "牛顿法两条轨迹的最大相对差": gap["newton"],
        "梯度下降的": gap["gd"],
        "只用对角线的": gap["diagonal"],
    }


def errors_of(step, w, w_min):
    """每走一步之后的相对误差，直到 1e-6 以下。"""
    errors = []
    for _ in range(1000):
        w = w - step(w)
        errors.append(np.linalg.norm(w - w_min) / np.linalg.norm(w_min))
        if errors[-1] <= 1e-6:
            break
    return errors


def order(errors):
    e0, e1, e2 = errors[-3:]
    return np.log(e2 / e1) / np.log(e1 / e0)  # e_{t+1} ≈ C e_t^阶


@claim(
    guard={
        "两者最后的相对误差": "<= 1e-6",
        "起点的相对误差": "in [0.29, 0.31]",
        "条件数": "in [4.5, 15]",
        "斜率 / 损失的中心差分": "in [0.999, 1.001]",
        "梯度下降每步的收缩 / 理论值": "in [0.95, 1.01]",
    },
    expect={
        "牛顿法收敛的阶": "in [1.85, 2.15]",
        "梯度下降步数 / 牛顿法步数": "in [6, 32]",
    },
    control=[{"hessian": "frozen"}, {"hessian": "inexact"}],
    knobs={"hessian": ["exact", "frozen", "inexact"]},
)
def digits_double(hessian="exact", seed=0):
    """最小点附近牛顿法的误差逐步平方；Hessian 冻结或差 5%，或改用梯度下降，就只是线性收敛。"""
    rng = np.random.default_rng(seed)
    f = Logistic(rng)
    w_min = np.zeros(8)
    for _ in range(15):
        w_min = w_min - np.linalg.solve(f.hessian(w_min), f.grad(w_min))
    start, v = 1.3 * w_min, rng.normal(size=8)
    matrix = {
        "exact": f.hessian,
        "frozen": lambda w: f.hessian(start),
        "inexact": lambda w: 1.05 * f.hessian(w),
    }[hessian]
    newton = errors_of(lambda w: np.linalg.solve(matrix(w), f.grad(w)), start, w_min)
    curvature = np.linalg.eigvalsh(f.hessian(w_min))
    lr = 2 / (curvature[0] + curvature[-1])  # 最小点附近最好的固定学习率
    gd = errors_of(lambda w: lr * f.grad(w), start, w_min)
    kappa = curvature[-1] / curvature[0]
    rise = f.loss(start + 1e-3 * v) - f.loss(start - 1e-3 * v)
    return {
        "起点的相对误差": np.linalg.norm(start - w_min) / np.linalg.norm(w_min),
        "条件数": kappa,
        "斜率 / 损失的中心差分": 2e-3 * f.grad(start) @ v / rise,
        "两者最后的相对误差": max(newton[-1], gd[-1]),
        "牛顿法收敛的阶": order(newton),
        "梯度下降每步的收缩 / 理论值": gd[-1] / gd[-2] * (kappa + 1) / (kappa - 1),
        "梯度下降步数 / 牛顿法步数": len(gd) / len(newton),
        "到最小点的距离": line(
            {
                "牛顿法": (range(1, len(newton) + 1), newton),
                "梯度下降": (range(1, len(gd) + 1), gd),
            },
            x_label="步",
            y_label="相对误差",
            log_y=True,
        ),
    }


# ---- 离开最小点附近：驻点都是一样的，远处可能发散 ----


@claim(
    guard={"三者终点梯度的最大值": "<= 1e-6"},
    expect={
        "纯牛顿停在鞍点或极大点的比例": "in [0.36, 0.43]",
        "曲率取绝对值的": "== 0",
        "梯度下降的": "== 0",
    },
    control=[{"width": 4.0}, {"on_axis": 600}],
    knobs={"width": [0.2, 4.0], "on_axis": [0, 2000]},
)
def any_stationary_point(width=2.0, on_axis=0, seed=0):
    """牛顿法解的是“梯度为零”：起点均匀撒开，四成上下停在鞍点或极大点；梯度下降一个也没有。"""
    rng = np.random.default_rng(seed)
    start = rng.uniform(-width, width, (2000, 2))  # 2000 个起点
    start[:on_axis, 0] = 0  # 有几个从鞍点的稳定流形上出发
    step = {  # f(x) = Σ(xᵢ⁴/4 - xᵢ²/2)：四个极小点、四个鞍点、一个极大点；Hessian 是对角阵
        "newton": lambda g, h: g / h,
        "abs": lambda g, h: g / np.abs(h),  # 沿负曲率方向改成下坡
        "gd": lambda g, h: 0.1 * g,
    }
    slope, bad = [], {}
    for name, move in step.items():
        x = start
        for _ in range(200):
            x = x - move(x**3 - x, 3 * x**2 - 1)
        slope.append(np.abs(x**3 - x).max())
        bad[name] = np.mean((3 * x**2 - 1).min(1) < 0)  # 有负曲率
    return {
        "三者终点梯度的最大值": max(slope),
        "纯牛顿停在鞍点或极大点的比例": bad["newton"],
        "曲率取绝对值的": bad["abs"],
        "梯度下降的": bad["gd"],
    }


def robust_newton(X, y, W, safeguard, steps):
    """伪 Huber 损失的回归，每行一个起点；返回发散的比例和到达最小点的比例。"""

    def loss(W):  # 残差小于 1 时像 r²/2，大了像 |r|；处处凸
        return np.sqrt(1 + (W @ X.T - y) ** 2).sum(1)

    first, damping, step = loss(W), np.full(len(W), 100.0), np.ones(len(W))
    for _ in range(steps):
        r = W @ X.T - y  # (起点, n)
        root = np.sqrt(1 + r**2)
        g = r / root @ X  # (起点, dim)
        H = (X.T * (root**-3.0)[:, None, :]) @ X  # (起点, dim, dim)，正定
        lost = loss(W) > 10 * first
        H[lost] = np.eye(len(X.T))  # 已经发散的不再走
        if safeguard == "damping":  # (H + λI)⁻¹g：λ 大像小步的梯度下降，小像牛顿法
            H = H + damping[:, None, None] * np.eye(len(X.T))
        p = np.linalg.solve(H, g[:, :, None])[:, :, 0] * ~lost[:, None]
        if safeguard == "line-search":  # 步长从 1 起，损失没降就减半
            step = np.ones(len(W))
            for _ in range(12):
                step = np.where(loss(W - step[:, None] * p) < loss(W), step, step / 2)
        if safeguard == "damping":  # 损失没降就不走，并加大阻尼
            better = loss(W - p) < loss(W)
            step, damping = better * 1.0, np.where(better, damping / 4, damping * 4)
        W = W - step[:, None] * p
    slope = np.linalg.norm(g, axis=1)  # 凸函数：梯度为零就是最小点
    return np.mean(lost), np.mean(slope <= 1e-4)


@claim(
    guard={"起点到真参数的距离 / knee": "in [0.02, 5]"},
    expect={
        "纯牛顿法发散的比例": ">= 0.8",
        "加线搜索到达最小点的比例": ">= 0.99",
        "加阻尼到达最小点的比例": ">= 0.99",
    },
    control=[{"spread": 0.1}, {"knee": 100.0}],
    knobs={"spread": [0.1, 10.0], "knee": [0.5, 100.0], "steps": [2, 60]},
)
def diverges_far_away(spread=4.0, knee=1.0, steps=50, seed=0):
    """凸的稳健回归上，起点远时纯牛顿法几乎都发散；加线搜索或阻尼就都收敛。"""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(100, 5)), rng.normal(0, 0.1, 100)  # 真参数为 0，标签只有噪声
    away = spread * rng.normal(size=(20, 5)) / np.sqrt(5)  # 20 个起点
    pure, searched, damped = (
        robust_newton(X, y / knee, away / knee, each, steps)  # 以 knee 为单位
        for each in ("none", "line-search", "damping")
    )
    return {
        "起点到真参数的距离 / knee": np.linalg.norm(away, axis=1).mean() / knee,
        "纯牛顿法发散的比例": pure[0],
        "加线搜索到达最小点的比例": searched[1],
        "加阻尼到达最小点的比例": damped[1],
    }


# ---- 一步的代价：数乘法，数要存的数 ----


def cholesky_solve(H, b):
    """解 Hp = b；返回 p、乘除法次数、要存的数。"""
    n = len(b)
    L, count = np.zeros((n, n)), 0
    for j in range(n):
        column = H[j:, j] - L[j:, :j] @ L[j, :j]  # (n - j) 行，每行 j 次乘法
        L[j:, j] = column / np.sqrt(column[0])
        count += (n - j) * (j + 1)
    p = np.array(b)
    for j in range(n):  # 前代
        p[j] = (p[j] - L[j, :j] @ p[:j]) / L[j, j]
        count += j + 1
    for j in range(n)[::-1]:  # 回代
        p[j] = (p[j] - L[j + 1 :, j] @ p[j + 1 :]) / L[j, j]
        count += n - j
    return p, count, L.size


def conjugate_gradient(X, b, tol=1e-9):
    """不形成 H：只用 Hv = Xᵀ(Xv)。"""
    p, r = np.zeros(len(b)), np.array(b)
    d, count = r, 0
    while np.linalg.norm(r) > tol * np.linalg.norm(b):
        Hd = X.T @ (X @ d)
        rr = r @ r
        a = rr / (d @ Hd)
        p, r = p + a * d, r - a * Hd
        d = r + (r @ r) / rr * d
        count += 2 * X.size  # 其余的只有几倍 n
    return p, count, 4 * len(b)  # p、r、d、Hd


@claim(
    guard={"两者的最大相对残差": "<= 1e-8", "存储随 n 的幂次之差": "in [0.9, 1.1]"},
    expect={
        "Cholesky 的乘除法 / (n³/6)": "in [1, 1.1]",
        "Cholesky 乘除法随 n 的幂次": "in [2.85, 2.92]",
        "共轭梯度的": "in [1, 1.2]",
    },
    control=[{"large": 16}, {"spread": 1e3}],
    knobs={"large": [16, 160], "spread": [1.0, 1e3]},
)
def cubic_cost(large=160, spread=3.0, seed=0):
    """分解 Hessian：运算量约按 n³ 增长，存储按 n²；条件数固定时共轭梯度两样都只按 n。"""
    rng = np.random.default_rng(seed)
    sizes = np.array([large // 4, large])
    counts, stored, residual = [], [], []
    for n in sizes:
        U, _ = np.linalg.qr(rng.normal(size=(200, n)))
        V, _ = np.linalg.qr(rng.normal(size=(n, n)))
        X = (U * np.geomspace(1, spread, n)) @ V.T  # (200, n)；H = XᵀX 的条件数是 spread²
        g = X.T @ rng.normal(size=200)
        direct, direct_count, direct_size = cholesky_solve(X.T @ X, g)
        cg, cg_count, cg_size = conjugate_gradient(X, g)
        counts.append([direct_count, cg_count])
        stored.append([direct_size, cg_size])
        gap = X.T @ (X @ np.stack([direct, cg], 1)) - g[:, None]  # (n, 2)
        residual.append(np.linalg.norm(gap, axis=0).max() / np.linalg.norm(g))
    growth = np.log(sizes[1] / sizes[0])
    work = np.log(np.divide(counts[1], counts[0])) / growth
    memory = np.log(np.divide(stored[1], stored[0])) / growth
    return {
        "两者的最大相对残差": np.max(residual),
        "存储随 n 的幂次之差": memory[0] - memory[1],
        "Cholesky 的乘除法 / (n³/6)": direct_count / (large**3 / 6),
        "Cholesky 乘除法随 n 的幂次": work[0],
        "共轭梯度的": work[1],
    }


# ---- 小批量的 Hessian ----


@claim(
    guard={"批 Hessian 的平均 / 全量": "in [0.97, 1.03]"},
    expect={"步长 / 全量的牛顿步": "in [2.1, 2.35]"},
    control=[{"batch": 200}, {"average": "hessian"}],
    knobs={"batch": [15, 200], "average": ["inverse", "hessian"]},
)
def inverse_is_biased(batch=20, average="inverse", seed=0):
    """批 Hessian 无偏，它的逆却不：10 维、每批 20 个高斯样本，牛顿步平均是 20/(20-10-1) 倍。"""
    rng = np.random.default_rng(seed)
    dim, batches = 10, 1000
    X = rng.normal(size=(batches, batch, dim)) * np.geomspace(1, 3, dim)
    H = X.transpose(0, 2, 1) @ X / batch  # (批数, 10, 10)
    exact = np.geomspace(1, 3, dim) ** 2  # 全量 Hessian 是对角阵
    right = rng.normal(size=dim)  # 全量的牛顿步
    g = exact * right  # 全量梯度，没有噪声
    if average == "hessian":  # 先把各批的 Hessian 平均，再求逆
        H = np.broadcast_to(H.mean(0), H.shape)
    steps = np.linalg.solve(H, np.broadcast_to(g[:, None], (batches, dim, 1)))[:, :, 0]
    return {
        "批 Hessian 的平均 / 全量": np.trace(H.mean(0)) / exact.sum(),
        "步长 / 全量的牛顿步": steps.mean(0) @ right / (right @ right),
    }
