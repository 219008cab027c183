"""小批量梯度下降：批量 B 换来多少方向上的准确，付出多少次更新。"""

import numpy as np

from quizdl.proof import claim, line


class Regression:
    """线性回归，损失 |Xw - y|²/2n；起点 w = 0，超额损失按起点归一。"""

    def __init__(self, rng, n=256, dim=5, scale=4.0, noise=1.0):
        self.X = rng.normal(size=(n, dim)) * np.geomspace(1, scale, dim)
        self.y = rng.normal(self.X.sum(1), noise)  # 真参数全是 1
        self.H = self.X.T @ self.X / n
        self.w_min = np.linalg.solve(self.H, self.X.T @ self.y / n)
        self.L = np.linalg.eigvalsh(self.H)[-1]
        self.size = (self.X**2).sum(1).mean()  # 单个样本曲率的平均

    def excess(self, W):
        e = W - self.w_min
        return np.einsum("...i,...i->...", e @ self.H, e) / (self.w_min @ self.H @ self.w_min)

    def batch_grads(self, W, rows):
        """每份轨迹用自己的一批，批内取平均。W: (…, runs, dim)；rows: (runs, B)"""
        x = self.X[rows]  # (runs, B, dim)
        residual = np.einsum("rbd,...rd->...rb", x, W) - self.y[rows]
        return np.einsum("...rb,rbd->...rd", residual, x) / rows.shape[1]


def descend(f, rng, lr, batch, steps, runs=30):
    """有放回地抽批；lr: (学习率, 1, 1)。返回每步的超额损失 (steps + 1, 学习率)。"""
    W = np.zeros((len(lr), runs, len(f.w_min)))
    history = [f.excess(W).mean(1)]
    for rows in rng.integers(0, len(f.y), (steps, runs, batch)):
        W = W - lr * f.batch_grads(W, rows)
        history.append(f.excess(W).mean(1))
    return np.array(history)


# ---- 方向：方差按 1/B，误差按 1/√B ----


@claim(
    guard={"单样本误差 / 全量梯度": "in [1, 4]"},
    expect={
        "有放回：B=1 的方差 / B=100 的": "in [90, 110]",
        "误差缩小的倍数": "in [9.5, 10.5]",
        "不放回 B=150 的方差 / 有放回的": "in [0.22, 0.285]",
    },
    control=[{"neighbours": 10}, {"n": 1500}],
    knobs={"neighbours": [1, 20], "n": [200, 1500]},
)
def variance_is_one_over_b(neighbours=1, n=200, seed=0):
    """梯度方差按 1/B、误差按 1/√B 下降；不放回再乘 (N-B)/(N-1)；批内样本相关时就没有这么好。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng, n=n)
    full = -f.H @ f.w_min

    def variance(rows):
        """行号 (批数, B)：各批的梯度离全量梯度的均方误差。"""
        return ((f.batch_grads(np.zeros((len(rows), 5)), rows) - full) ** 2).sum(1).mean()

    one = variance(np.arange(n)[:, None])  # 每个样本各一次：B = 1 的准确值
    # 每抽中一个样本，连它在内取 neighbours 份一样的（好比同一段视频的相邻帧）
    picked = rng.integers(0, n, (3000, 100 // neighbours))
    hundred = variance(np.repeat(picked, neighbours, axis=1))
    rows = np.argsort(rng.random((2000, n)), axis=1)[:, :150]  # 不放回的 150 个
    return {
        "单样本误差 / 全量梯度": np.sqrt(one) / np.linalg.norm(full),
        "有放回：B=1 的方差 / B=100 的": one / hundred,
        "误差缩小的倍数": np.sqrt(one / hundred),
        "不放回 B=150 的方差 / 有放回的": variance(rows) * 150 / one,
    }


# ---- 稳定与更新次数：同一件事的两面 ----


@claim(
    guard={"B=1 的稳态超额损失": "in [0.003, 0.011]"},
    expect={"B=1 的稳态 / B=16 的稳态": "in [13, 21]"},
    control=[{"lr_power": 1.0}, {"lr_power": 0.5}],
    knobs={"lr_power": [0.0, 1.0], "noise": [0.5, 2.0]},
)
def ball_shrinks_with_batch(lr_power=0.0, noise=1.0, seed=0):
    """学习率不变时，批量 16 倍，稳态超额损失约降到 1/16；学习率跟着放大，好处就还回去了。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng, scale=1.0, noise=noise)
    level, curves = {}, {}
    for batch in (1, 16):
        lr = np.full((1, 1, 1), 0.06 / f.size * batch**lr_power)
        history = descend(f, rng, lr, batch, 1200)[:, 0]
        level[batch] = history[500:].mean()
        curves[f"B={batch}"] = history[::10]
    return {
        "B=1 的稳态超额损失": level[1],
        "B=1 的稳态 / B=16 的稳态": level[1] / level[16],
        "超额损失": line(curves, np.arange(0, 1201, 10), x_label="步", log_y=True),
    }


@claim(
    guard={"B=8 剩下的超额损失": "in [2e-4, 0.2]"},
    expect={"同样遍数后 全批量 / B=8 的超额损失": "in [8, 150]"},
    control=[{"budget": "updates"}, {"scale": 1.0}],
    knobs={"budget": ["passes", "updates"], "scale": [1.0, 8.0]},
)
def fewer_updates_is_a_cost(budget="passes", scale=6.0, seed=0):
    """走同样多遍、各自调好学习率：更新次数少的全批量落后于小批量；按更新次数比才是它赢。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng, scale=scale, noise=1.0)
    few, many = 4, 4 * 256 // 8  # 走 4 遍各更新几次
    if budget == "updates":
        few = many = 16
    lr = np.geomspace(0.02, 1.8, 10)[:, None, None]
    small = descend(f, rng, lr / (f.L + f.size / 8), 8, many)[-1].min()
    W = np.zeros((10, 5))
    for _ in range(few):  # 全批量：256 个样本恰好各用一次
        W = W - lr[:, 0] / f.L * ((W - f.w_min) @ f.H)
    return {
        "B=8 剩下的超额损失": small,
        "同样遍数后 全批量 / B=8 的超额损失": f.excess(W).min() / small,
    }


@claim(
    guard={"B=1 走完后的超额损失": "in [0.006, 0.03]"},
    expect={"B=8 / B=1 的超额损失": "in [0.87, 1.13]", "B=2048 走完后的超额损失": "in [30, 1000]"},
    control=[{"rule": "none"}, {"rule": "sqrt"}],
    knobs={"rule": ["linear", "sqrt", "none"]},
)
def linear_scaling_stops(rule="linear", seed=0):
    """学习率与 B 同比例放大，走同样多的样本结果相同；放大到超过 2/L 就发散。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng, n=1024, noise=0.5)
    base, final = 0.005 / f.size, {}
    for batch in (1, 8, 2048):
        factor = {"linear": batch, "sqrt": np.sqrt(batch), "none": 1.0}[rule]
        lr = np.full((1, 1, 1), base * factor)
        final[batch] = descend(f, rng, lr, batch, 4096 // batch)[-1, 0]
    return {
        "B=1 走完后的超额损失": final[1],
        "B=8 / B=1 的超额损失": final[8] / final[1],
        "B=2048 走完后的超额损失": final[2048],
    }


# ---- 求和还是求平均，最后一个小批 ----


@claim(
    guard={"走过的相对距离": "in [0.45, 0.75]"},
    expect={"求和配 学习率/B 与求平均的最大差": "<= 1e-12"},
    control=[{"n": 250}, {"divisor": 15}],
    knobs={"n": [240, 250], "divisor": [15, 60]},
)
def sum_is_mean_times_b(n=240, divisor=30, seed=0):
    """损失求和、学习率除以 B，与求平均逐步相同；最后一批不满时就不同了。"""
    rng = np.random.default_rng(seed)
    f = Regression(rng, n=n)
    lr, gap = 0.2 / f.size, []
    w = u = np.zeros((1, 5))
    for _ in range(3):
        order = rng.permutation(n)
        for start in range(0, n, 30):  # n = 250 时最后一批只有 10 个
            rows = order[None, start : start + 30]
            w = w - lr * f.batch_grads(w, rows)
            u = u - lr / divisor * f.batch_grads(u, rows) * rows.shape[1]  # 批内求和
            gap.append(np.abs(w - u).max())  # 真参数都是 1
    return {
        "走过的相对距离": np.linalg.norm(w) / np.linalg.norm(f.w_min),
        "求和配 学习率/B 与求平均的最大差": max(gap),
    }
