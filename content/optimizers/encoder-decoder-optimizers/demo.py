"""编码器和解码器：一个优化器分两组，还是两个优化器？什么时候真有区别。"""

import numpy as np

from quizdl.proof import claim, heatmap, line


class Adam:
    """逐元素更新；lr 可以是一个数，也可以每个元素一个（分组）。调用一次返回改变量。"""

    def __init__(self, lr, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.t = self.m = self.v = 0

    def scale(self, g):
        return g**2

    def __call__(self, g):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * self.scale(g)
        m_hat, v_hat = self.m / (1 - self.beta1**self.t), self.v / (1 - self.beta2**self.t)
        return -self.lr * m_hat / np.sqrt(v_hat)  # 这里的梯度都不是零，不用 ε


class NormAdam(Adam):
    """不是逐元素的：手里的参数共用一个分母。"""

    def scale(self, g):
        return np.mean(g**2)


def gradients(w, X, y, hidden=4):
    """y ≈ tanh(X E) D；w 是编码器 E 与解码器 D 摊平后接起来的向量。返回 (梯度, 损失)。"""
    cut = X.shape[1] * hidden
    E, D = w[:cut].reshape(-1, hidden), w[cut:]
    h = np.tanh(X @ E)  # (n, hidden)
    error = (h @ D - y) / len(y)
    d_E = X.T @ (np.outer(error, D) * (1 - h**2))
    return np.concatenate([d_E.ravel(), h.T @ error]), len(y) * (error**2).sum() / 2


def clipped(g, most):
    return g * min(1, most / np.linalg.norm(g))


@claim(
    guard={
        "走过的相对距离": "in [0.2, 3]",
        "损失降到起点的": "in [0.001, 0.5]",
        "梯度检查的相对误差": "<= 1e-6",
    },
    expect={"两条轨迹的最大相对差": "<= 1e-12"},
    control=[{"lr_decoder": 0.01}, {"elementwise": False}, {"clip": "total"}],
    knobs={
        "lr_decoder": [0.001, 0.1],
        "elementwise": [True, False],
        "clip": ["none", "total"],
    },
)
def one_equals_two(lr_decoder=0.03, elementwise=True, clip="none", seed=0):
    """逐元素的优化器，学习率相同：一个优化器分两组，与两个优化器的轨迹相同。"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(400, 6))
    y = np.tanh(X @ rng.normal(size=(6, 4))) @ rng.normal(size=4)
    w = u = w0 = 0.4 * rng.normal(size=28)
    make = Adam if elementwise else NormAdam
    both = make(np.repeat([0.003, lr_decoder], [24, 4]))  # 一个优化器，两组学习率
    encoder, decoder = make(0.003), make(0.03)  # 两个优化器
    gap = 0.0
    for _ in range(200):
        batch = rng.integers(0, 400, 32)
        g, _ = gradients(w, X[batch], y[batch])
        w = w + both(clipped(g, 0.05) if clip == "total" else g)  # 按总范数裁剪
        g, _ = gradients(u, X[batch], y[batch])
        u = u + np.concatenate([encoder(g[:24]), decoder(g[24:])])
        gap = max(gap, np.linalg.norm(w - u) / np.linalg.norm(w0))
    loss = lambda w: gradients(w, X, y)[1]
    d = 1e-5 * rng.normal(size=28)  # 中心差分：沿随机方向
    change, slope = loss(w0 + d) - loss(w0 - d), gradients(w0, X, y)[0] @ (2 * d)
    return {
        "走过的相对距离": np.linalg.norm(w - w0) / np.linalg.norm(w0),
        "损失降到起点的": loss(w) / loss(w0),
        "梯度检查的相对误差": abs(change / slope - 1),
        "两条轨迹的最大相对差": gap,
    }


@claim(
    guard={"解码器梯度 / 编码器梯度": "in [8, 12]"},
    expect={"按总范数裁剪，编码器的路程剩下": "in [0.05, 0.2]"},
    control=[{"most": 1e6}, {"joint": False}],
    knobs={"most": [0.01, 1e6], "joint": [True, False]},
)
def total_norm_couples(most=0.1, joint=True, seed=0):
    """解码器的梯度大得多时，按总范数裁剪会连编码器一起缩小；各自裁剪则不会。"""
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(200, 30)) * np.repeat([0.05, 1.0], [24, 6])  # 前 24 维是编码器
    apart = np.array([clipped(each[:24], most) for each in g])
    together = np.array([clipped(each, most)[:24] for each in g]) if joint else apart
    size = [np.linalg.norm(part) for part in (g[:, :24], g[:, 24:])]
    return {
        "解码器梯度 / 编码器梯度": size[1] / size[0],
        "按总范数裁剪，编码器的路程剩下": np.abs(together).sum() / np.abs(apart).sum(),
    }


@claim(
    guard={"λmax": "in [0.999999, 1.000001]"},
    expect={"第一步是正常的几倍": "in [1.99, 2.01]", "最后的距离 / 起点": "in [1e9, 1.2e12]"},
    control=[{"once": True}, {"lr": 0.7}],
    knobs={"once": [False, True], "lr": [0.1, 1.9]},
)
def tied_twice(once=False, lr=1.5, seed=0):
    """编码器与解码器共用的权重放进两个优化器，每步被更新两次：学习率翻倍，越过稳定上限就发散。"""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    A = (Q * np.linspace(0.2, 1, 8)) @ Q.T  # 共用权重的二次损失，最大曲率为 1
    w = w0 = rng.normal(size=8)
    owners = 1 if once else 2  # 两个优化器都以为权重归自己
    for t in range(40):
        g = A @ w  # 一次反向传播，一个梯度
        for _ in range(owners):
            w = w - lr * g
        if t == 0:
            first = np.linalg.norm(w - w0) / np.linalg.norm(lr * g)
    return {
        "λmax": np.linalg.norm(A, ord=2),
        "第一步是正常的几倍": first,
        "最后的距离 / 起点": np.linalg.norm(w) / np.linalg.norm(w0),
    }


@claim(
    guard={"起点的距离": "in [0.7, 2.2]", "交替更新后的距离 / 起点": "<= 1.2"},
    expect={"同时更新后的距离 / 起点": "in [11.9, 12.1]"},
    control=[{"damping": 0.5}, {"lr": 0.01}],
    knobs={"damping": [0.0, 1.0], "lr": [0.01, 0.2]},
)
def timing_matters(damping=0.0, lr=0.1, seed=0):
    """对抗问题 min_x max_y xy：两边同时更新会越转越远，交替更新（要分两次 step）保持有界。"""
    start = np.random.default_rng(seed).uniform(0.5, 1.5, (2, 20))
    x, y = start  # 同时更新：一个优化器，一次 step
    a, b = start  # 交替更新：先 x，再用新的 x 更新 y
    far = lambda u, v: np.sqrt(u**2 + v**2)
    path = []
    for _ in range(500):
        x, y = x - lr * (y + damping * x), y + lr * (x - damping * y)
        a = a - lr * (b + damping * a)
        b = b + lr * (a - damping * b)
        path.append([far(x, y).mean(), far(a, b).mean()])
    before = far(*start)
    together, turns = np.array(path).T
    return {
        "起点的距离": before.min(),
        "交替更新后的距离 / 起点": (far(a, b) / before).max(),
        "同时更新后的距离 / 起点": (far(x, y) / before).min(),
        "到均衡点的距离": line({"同时": together, "交替": turns}, x_label="步", log_y=True),
    }


@claim(
    guard={"冻结前走了几个学习率": "in [95, 105]"},
    expect={"冻结后又走了几个学习率": "in [8, 11]"},
    control=[{"skip": True}, {"momentum": 0.0}],
    knobs={"skip": [False, True], "momentum": [0.0, 0.95]},
)
def zero_gradient_is_not_frozen(skip=False, momentum=0.9, seed=0):
    """中途把编码器的梯度置零，Adam 的动量还会让它再走约 9 个学习率；从优化器里拿掉才真的不动。"""
    rng = np.random.default_rng(seed)
    opt, w = Adam(1.0, momentum), np.zeros(100)
    for _ in range(100):
        w = w + opt(rng.normal(3, 0.3, 100))
    before = w
    for _ in range(100):
        if not skip:
            w = w + opt(np.zeros(100))
    return {
        "冻结前走了几个学习率": np.abs(before).mean(),
        "冻结后又走了几个学习率": np.abs(w - before).mean(),
    }


def finetune(E0, D0, lr_e, lr_d, X, y, steps=60):
    """线性编码器 E、解码器 D，各自的 Adam；每一对学习率各走一份。返回 (E, D)。"""
    E, D = np.tile(E0, (len(lr_e), 1, 1)), np.tile(D0, (len(lr_e), 1, 1))
    opt_e, opt_d = Adam(lr_e[:, None, None]), Adam(lr_d[:, None, None])
    for _ in range(steps):
        h = X @ E  # (对数, n, k)
        error = h @ D - y  # (对数, n, 1)；不除以 n，Adam 不在乎梯度的尺度
        d_E, d_D = X.T @ error @ D.transpose(0, 2, 1), h.transpose(0, 2, 1) @ error
        E, D = E + opt_e(d_E), D + opt_d(d_D)
    return E, D


@claim(
    guard={"分开调的测试误差": "in [0.005, 0.3]"},
    expect={
        "同一学习率的误差 / 分开调的误差": "in [1.6, 20]",
        "选中的学习率之比（编码器 / 解码器）": "<= 0.1",
    },
    control={"pretrained": False},
    knobs={"pretrained": [True, False], "samples": [20, 80]},
)
def pretrained_wants_less(pretrained=True, samples=40, seed=0):
    """编码器预训练过、新数据少：两个学习率分开调，测试误差明显更低，编码器的学习率小得多。"""
    rng = np.random.default_rng(seed)
    rates = np.geomspace(1e-4, 1, 8)
    lr_e, lr_d = (each.ravel() for each in np.meshgrid(rates, rates))  # 64 对
    same = lr_e == lr_d  # 只有一个学习率时能选的
    errors, ratios = [], []
    for _ in range(5):  # 五个任务
        truth = np.linalg.qr(rng.normal(size=(30, 3)))[0]  # 真正有用的特征 (d, k)
        E0 = truth + 0.2 * rng.normal(size=(30, 3)) / np.sqrt(30)
        E0 = E0 if pretrained else rng.permutation(E0)  # 行打乱：大小相同，方向全错
        X = rng.normal(size=(samples + 600, 30))
        clean = X @ truth @ rng.uniform(1, 2, (3, 1))
        y = clean + 0.5 * rng.normal(size=clean.shape)
        E, D = finetune(E0, rng.normal(0, 0.1, (3, 1)), lr_e, lr_d, X[:samples], y[:samples])
        miss = (X[samples:] @ E @ D - clean[samples:])[..., 0] ** 2 / np.mean(clean**2)
        valid, test = (half.mean(1) for half in np.split(miss, 2, axis=1))  # (对数,)，选在验证集上
        two = valid.argmin()
        errors.append([test[np.where(same, valid, np.inf).argmin()], test[two]])
        ratios.append(np.log(lr_e[two] / lr_d[two]))
    one, apart = np.mean(errors, axis=0)
    return {
        "分开调的测试误差": apart,
        "同一学习率的误差 / 分开调的误差": one / apart,
        "选中的学习率之比（编码器 / 解码器）": np.exp(np.mean(ratios)),
        "验证误差的对数（最后一个任务）": heatmap(
            np.log10(valid.reshape(8, 8)),
            x_label="编码器学习率 1e-4 → 1",
            y_label="解码器学习率 1e-4 → 1",
        ),
    }
