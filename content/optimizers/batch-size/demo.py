"""批量大小：梯度噪声尺度、步数与样本的权衡、梯度累积、泛化差距从哪里来。"""

import numpy as np

from quizdl.proof import claim, line


def regression(rng, n, flattest=1.0, noise=4.0, power=1, dim=10):
    """线性回归的样本：特征的标准差从 1 到 flattest；power 越大，信号越集中在小的特征上。"""
    scale = np.geomspace(1, flattest, dim)
    X, target = rng.normal(size=(n, dim)) * scale, scale**-power
    return X, X @ target + noise * rng.normal(size=n)


def noise_scale(grads):
    """B_simple = tr(Σ) / |G|²，grads: (n, dim) 每个样本的梯度"""
    G = grads.mean(axis=0)
    return ((grads - G) ** 2).sum(axis=1).mean() / (G @ G)


def best_gain(batch_grads, G, H):
    """许多个小批的梯度共用一个学习率走一步，平均能降多少；学习率取使平均下降最多的那个。"""
    lr = np.geomspace(1e-3, 30, 1500)
    curve = np.einsum("ri,ij,rj->r", batch_grads, H, batch_grads).mean()
    return (lr * (batch_grads @ G).mean() - lr**2 / 2 * curve).max()


@claim(
    guard={"噪声尺度": "in [8, 120]", "全量的下降 / 理论值": "in [0.98, 1.02]"},
    expect={
        "批量等于噪声尺度时的下降 / 全量": "in [0.46, 0.54]",
        "四倍时的下降 / 全量": "in [0.77, 0.83]",
    },
    control={"flattest": 0.3},
    knobs={"flattest": [0.3, 1.0], "noise": [0.5, 6.0]},
)
def half_at_noise_scale(flattest=1.0, noise=4.0, seed=0):
    """曲率各向相同时，批量等于 tr(Σ)/|G|²，一步最多能降全量的一半；四倍时降八成。"""
    rng = np.random.default_rng(seed)
    X, y = regression(rng, 20000, flattest, noise, power=3)
    H, w = X.T @ X / len(X), np.zeros(10)
    grads = (X @ w - y)[:, None] * X  # (n, dim)
    G, B = grads.mean(axis=0), round(noise_scale(grads))
    full = best_gain(G[None], G, H)

    def gain(B):
        i = rng.integers(0, len(X), (3000, B))
        return best_gain(grads[i].mean(axis=1), G, H) / full

    return {
        "噪声尺度": B,
        "全量的下降 / 理论值": full / ((G @ G) ** 2 / (2 * G @ H @ G)),
        "批量等于噪声尺度时的下降 / 全量": gain(B),
        "四倍时的下降 / 全量": gain(4 * B),
    }


@claim(
    guard={"真正的噪声尺度": "in [8, 80]"},
    expect={"估计 / 真值": "in [0.93, 1.07]"},
    control={"estimator": "naive"},
    knobs={"estimator": ["two-sizes", "naive"], "small": [2, 32]},
)
def two_sizes_estimate(estimator="two-sizes", small=4, seed=0):
    """用两种批量的 |g|² 可以无偏地估出 tr(Σ) 与 |G|²；直接拿小批的 |g|² 当 |G|² 会低估噪声尺度。"""
    rng = np.random.default_rng(seed)
    X, y = regression(rng, 20000)
    grads = -y[:, None] * X  # w = 0 处每个样本的梯度
    big = 8 * small
    g = grads[rng.integers(0, len(X), (6000, 8, small))].mean(axis=2)  # (次, 8, dim)
    of_small = (g**2).sum(axis=2).mean()  # E|g_b|² = |G|² + tr(Σ)/b
    of_big = (g.mean(axis=1) ** 2).sum(axis=1).mean()  # E|g_B|² = |G|² + tr(Σ)/B
    trace = (of_small - of_big) / (1 / small - 1 / big)
    if estimator == "two-sizes":
        square = (big * of_big - small * of_small) / (big - small)
    else:
        square = of_small  # 拿小批的 |g|² 直接当 |G|²
    true = noise_scale(grads)
    return {"真正的噪声尺度": true, "估计 / 真值": trace / square / true}


def fewest_steps(B, lrs, rng, budget=1000):
    """每步取 B 个新样本，每个学习率各走几份，到平均超额损失降到起点的 5% 为止。"""
    runs, scale = 2 + 400 // B, np.geomspace(1, 0.3, 10)  # Hessian 是 diag(scale²)，条件数约 11
    W, steps = np.zeros((runs, len(lrs), 10)), 0
    for _ in range(budget):
        excess = ((W * scale - 1) ** 2).mean(axis=(0, 2))  # (lrs,)，起点为 1
        if excess.min() <= 0.05:
            break
        steps += 1
        X, y = regression(rng, runs * B, 0.3, noise=3.0)
        X, y = X.reshape(runs, B, 10), y.reshape(runs, B, 1)
        error = X @ W.transpose(0, 2, 1) - y  # (runs, B, lrs)
        W = W - lrs[:, None] * (error.transpose(0, 2, 1) @ X / B)
        W = np.where(excess[:, None] < 1e6, W, 1e6)  # 发散的不再算
    return steps, lrs[excess.argmin()]  # 最少的步数，最快的学习率


@claim(
    guard={
        "批量 4 的步数": "in [50, 1000]",
        "步数：批量 256 / 批量 1024": "in [0.8, 2.2]",
        "学习率：批量 1024 / 批量 256": "in [0.6, 1.8]",
    },
    expect={"步数：批量 4 / 批量 16": "in [2.6, 5.6]", "学习率：批量 16 / 批量 4": "in [2, 6.5]"},
    control={"lr": "fixed"},
    knobs={"lr": ["tuned", "fixed"]},
)
def steps_fall_then_flatten(lr="tuned", seed=0):
    """各自调好学习率：批量小时步数近似反比于批量，大了几乎不再降；学习率先正比后持平。"""
    rng = np.random.default_rng(seed)
    grid = np.geomspace(0.005, 1.81, 18)  # 每档 √2 倍
    sizes = np.array([4, 16, 64, 256, 1024])
    found = [fewest_steps(B, grid if lr == "tuned" else grid[7:8], rng) for B in sizes]
    steps, best = np.array(found).T
    return {
        "批量 4 的步数": steps[0],
        "步数：批量 4 / 批量 16": steps[0] / steps[1],
        "步数：批量 256 / 批量 1024": steps[3] / steps[4],
        "学习率：批量 16 / 批量 4": best[1] / best[0],
        "学习率：批量 1024 / 批量 256": best[4] / best[3],
        "到达目标": line(
            {"步数": steps, "样本数": steps * sizes}, sizes, x_label="批量", log_x=True, log_y=True
        ),
    }


def accumulated(X, y, w, sizes, weights):
    """逐个小批算均值梯度，再按 weights 加起来，最后才更新一次。"""
    cuts, total = np.cumsum(sizes)[:-1], 0.0
    for x, label, weight in zip(np.split(X, cuts), np.split(y, cuts), weights, strict=True):
        total = total + weight * gradient_of(x, label, w)
    return total


def gradient_of(X, y, w):
    """逻辑回归平均损失的梯度。"""
    return X.T @ (1 / (1 + np.exp(-X @ w)) - y) / len(X)


def standardized(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)  # 没有参数的 BN，作用在输入上


@claim(
    guard={"小批之间梯度的相对差异": ">= 0.3"},
    expect={"累积与整批的相对差": "<= 1e-12"},
    control=[{"weights": "equal"}, {"bn": True}],
    knobs={"weights": ["count", "equal"], "bn": [False, True]},
)
def accumulation_is_exact(weights="count", bn=False, seed=0):
    """大小不等的小批按样本数加权累积，梯度与整批相同；各批等权平均、或中间有 BN，就不同。"""
    rng = np.random.default_rng(seed)
    sizes = np.array([4, 8, 20, 32])
    X = rng.normal(size=(64, 10)) * 2 + np.repeat(rng.normal(size=(4, 10)), sizes, axis=0)
    y, w = (X @ rng.normal(size=10) > 0) * 1.0, rng.normal(size=10)
    share = sizes / sizes.sum() if weights == "count" else np.full(4, 1 / 4)
    parts = [standardized(x) if bn else x for x in np.split(X, np.cumsum(sizes)[:-1])]
    whole = gradient_of(standardized(X) if bn else X, y, w)
    total = accumulated(np.vstack(parts), y, w, sizes, share)
    alone = gradient_of(parts[0], y[:4], w)
    return {
        "小批之间梯度的相对差异": np.linalg.norm(alone - whole) / np.linalg.norm(whole),
        "累积与整批的相对差": np.linalg.norm(total - whole) / np.linalg.norm(whole),
    }


def test_errors(data, W, v, batches, lrs):
    """两层 ReLU 网络、逻辑损失的小批 SGD，每个学习率一份；返回测试集每个样本判错没有。"""
    X, Y, X_test, Y_test = data
    W, v = np.tile(W, (len(lrs), 1, 1)), np.tile(v, (len(lrs), 1, 1))
    lr = lrs[:, None, None]
    for i in batches:
        a = np.maximum(X[i] @ W, 0)  # (lrs, B, 24)
        margin = np.clip(Y[i] * (a @ v), -50, 50)
        delta = -Y[i] / (1 + np.exp(margin)) / len(i)  # (lrs, B, 1)
        dW = X[i].T @ (delta @ v.transpose(0, 2, 1) * (a > 0))
        W, v = W - lr * dW, v - lr * (a.transpose(0, 2, 1) @ delta)
    return np.sign(np.maximum(X_test @ W, 0) @ v)[..., 0] != Y_test[:, 0]  # (lrs, 测试样本)


@claim(
    guard={"批量 8 的测试错误率": "in [0.05, 0.35]", "二十轮，各自调学习率，大批高出": "<= 0.05"},
    expect={"同一学习率，大批高出": "in [-0.02, 0.02]"},
    control={"steps": 20},
    knobs={"steps": [20, 1000]},
)
def gap_is_budget(steps=640, seed=0):
    """批量 256 与批量 8 走一样多的步，测试错误率就一样；只给同样的轮数（步数少 32 倍）才差一截。"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2256, 10))
    Y = np.sign(np.tanh(X @ rng.normal(size=(10, 4))).sum(axis=1, keepdims=True))
    flipped = np.where(rng.random((256, 1)) < 0.1, -1, 1)  # 训练标签错一成
    data = X[:256], Y[:256] * flipped, X[256:], Y[256:]
    W, v = rng.normal(0, 0.2**0.5, (10, 24)), rng.normal(0, 24**-0.5, (24, 1))
    epochs = np.array([rng.permutation(256) for _ in range(20)]).reshape(-1, 8)
    whole = np.arange(256)
    lrs = np.geomspace(0.03, 3, 9)

    def tuned(wrong):  # 一半测试样本选学习率，另一半报告
        return wrong[wrong[:, :1000].mean(axis=1).argmin(), 1000:].mean()

    small = test_errors(data, W, v, epochs, lrs)  # 20 轮 = 640 步
    large = test_errors(data, W, v, [whole] * steps, lrs[1:2])
    brief = test_errors(data, W, v, [whole] * 20, lrs)  # 也是 20 轮，只有 20 步
    return {
        "批量 8 的测试错误率": small[1].mean(),
        "同一学习率，大批高出": large.mean() - small[1].mean(),
        "二十轮，各自调学习率，大批高出": tuned(brief) - tuned(small),
    }
