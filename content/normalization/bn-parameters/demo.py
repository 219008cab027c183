"""BN 存了哪些数：哪些要学，哪些只是记录，哪些是超参数。"""

import numpy as np

from quizdl.proof import claim, line

EPS = 1e-5


def normalize(x, mean, var, gamma, beta, eps):
    """tf.nn.batch_normalization 就是这一个式子：统计量由调用者给。"""
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def bn_train(x, gamma=1, beta=0, eps=EPS, axes=(0,)):
    return normalize(x, x.mean(axis=axes), x.var(axis=axes), gamma, beta, eps)  # 本批的统计量


def bn(x, state, training, axes=(0,)):
    """state 是存下的四组数。"""
    gamma, beta = state["gamma"], state["beta"]
    if training:
        return bn_train(x, gamma, beta, axes=axes)
    return normalize(x, state["running_mean"], state["running_var"], gamma, beta, EPS)


def fresh(shape, rng):
    """训练过一阵的一层 BN；shape 是 (C,)，或者每个位置各一份。"""
    return {
        "gamma": rng.uniform(0.5, 2, shape),
        "beta": rng.normal(size=shape),
        "running_mean": rng.normal(3, 1, shape),
        "running_var": rng.uniform(4, 12, shape),
    }


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@claim(
    guard={"训练输出的均值与 β 之差": "<= 1e-9", "训练输出的标准差与 γ 之差": "in [1e-9, 1e-4]"},
    expect={"影响训练输出的数 / C": "== 2", "影响推理输出的数 / C": "== 4"},
    control=[{"shared": "none"}, {"keep": "statistics"}],
    knobs={"shared": ["positions", "none"], "keep": ["all", "statistics"]},
)
def four_numbers_per_channel(shared="positions", keep="all", seed=0):
    """逐个扰动存下的数：每通道两个影响训练时的输出，四个影响推理时的输出"""
    rng = np.random.default_rng(seed)
    x = rng.normal(3, 2, (8, 3, 3, 5))  # (N, H, W, C)
    axes, shape = ((0, 1, 2), (5,)) if shared == "positions" else ((0,), (3, 3, 5))
    state = fresh(shape, rng)
    stored = list(state) if keep == "all" else ["running_mean", "running_var"]  # affine=False
    y, counts = bn(x, state, True, axes), []
    for training in (True, False):
        base, changed = bn(x, state, training, axes), 0
        for name in stored:
            for i in np.ndindex(shape):
                moved = {each: value.copy() for each, value in state.items()}
                moved[name][i] += 0.1
                changed += relative(bn(x, moved, training, axes), base) > 1e-9
        counts.append(changed / 5)
    return {
        "训练输出的均值与 β 之差": np.abs(y.mean(axis=axes) - state["beta"]).max(),
        "训练输出的标准差与 γ 之差": np.abs(y.std(axis=axes) - state["gamma"]).max(),
        "影响训练输出的数 / C": counts[0],
        "影响推理输出的数 / C": counts[1],
    }


@claim(
    guard={"输入均值 / 标准差": "in [1.4, 1.6]", "漏之前推理输出的均值与 β 之差": "<= 1e-9"},
    expect={"训练模式的变化": "<= 1e-12", "推理模式的相对变化": "in [1.3, 4]"},
    control=[{"lost": "gamma"}, {"lost": "nothing"}],
    knobs={"lost": ["buffers", "gamma", "nothing"]},
)
def losing_buffers_hides_in_training(lost="buffers", seed=0):
    """存盘时漏了两个缓冲量：训练模式的输出分毫不变，一推理就错"""
    rng = np.random.default_rng(seed)
    x = rng.normal(3, 2, (256, 16))
    state = fresh((16,), rng) | {"running_mean": x.mean(axis=0), "running_var": x.var(axis=0)}
    defaults = {
        "buffers": {"running_mean": np.zeros(16), "running_var": np.ones(16)},  # 回到初值
        "gamma": {"gamma": np.ones(16)},
        "nothing": {},
    }
    loaded, before = state | defaults[lost], bn(x, state, training=False)
    change = [relative(bn(x, loaded, mode), bn(x, state, mode)) for mode in (True, False)]
    return {
        "输入均值 / 标准差": x.mean() / x.std(),
        "漏之前推理输出的均值与 β 之差": np.abs(before.mean(axis=0) - state["beta"]).max(),
        "训练模式的变化": change[0],
        "推理模式的相对变化": change[1],
    }


@claim(
    guard={"换算后的波动 / 批均值的": "in [0.065, 0.077]"},
    expect={"滑动均值的波动，照搬 / 换算": "in [12.8, 15.4]"},
    control={"ported": 0.01},
    knobs={"ported": [0.01, 0.99]},
)
def momentum_means_the_opposite(ported=0.99, seed=0):
    """把 Keras 的 0.99 照搬成 PyTorch 的 momentum，滑动均值的波动大了一个数量级"""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(400, 2000))  # 400 步的批均值，标准差当作 1，(步, C)

    def torch_ema(momentum):  # 新值的权重
        running, path = 0.0, []  # 总体均值就是 0
        for each in means:
            running = (1 - momentum) * running + momentum * each
            path.append(running)
        return np.array(path)

    copied = torch_ema(ported)
    right = torch_ema(0.01)  # 与 Keras 的 0.99（旧值的权重）等价
    return {
        "换算后的波动 / 批均值的": right[-1].std(),
        "滑动均值的波动，照搬 / 换算": copied[-1].std() / right[-1].std(),
        "一个通道": line({"照搬": copied[:, 0], "换算": right[:, 0]}, x_label="步"),
    }


@claim(
    guard={"ε = 1e-5 时的输出标准差": "in [0.94, 1]"},
    expect={"ε = 1e-3 时的输出标准差": "in [0.29, 0.315]"},
    control={"std": 1.0},
    knobs={"std": [0.01, 1.0]},
)
def eps_mutes_quiet_channels(std=0.01, seed=0):
    """标准差 0.01 的通道：ε 取 1e-5 输出标准差约 0.95，取 1e-3 只有 0.3"""
    rng = np.random.default_rng(seed)
    x = rng.normal(rng.normal(size=8), std, (4000, 8))  # 各通道的均值不同
    out = {eps: bn_train(x, eps=eps) for eps in (EPS, 1e-3)}
    return {
        "ε = 1e-5 时的输出标准差": out[EPS].std(),
        "ε = 1e-3 时的输出标准差": out[1e-3].std(),
    }


@claim(
    guard={"γ、β 缩小的倍数": "== 10", "缩小前输出的标准差": ">= 0.5"},
    expect={"下一个 BN 之后的相对变化": "<= 1e-9"},
    control=[{"what": "gamma"}, {"act": "tanh"}, {"following": "linear"}],
    knobs={
        "what": ["gamma+beta", "gamma"],
        "act": ["relu", "tanh"],
        "following": ["bn", "linear"],
    },
)
def next_bn_cancels_gamma(what="gamma+beta", act="relu", following="bn", seed=0):
    """BN → ReLU → 线性 → BN：前一个 BN 的 γ、β 一起缩小十倍，输出不变（忽略 ε）"""
    rng = np.random.default_rng(seed)
    x, W = rng.normal(size=(128, 16)), rng.normal(size=(16, 16))
    gamma, beta = rng.uniform(0.5, 2, 16), rng.normal(size=16)
    phi = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}[act]
    small = {"gamma+beta": (gamma / 10, beta / 10), "gamma": (gamma / 10, beta)}[what]

    def forward(gamma, beta):
        z = phi(bn_train(x, gamma, beta)) @ W
        return bn_train(z, eps=0) if following == "bn" else z

    before = forward(gamma, beta)
    return {
        "γ、β 缩小的倍数": np.mean(gamma / small[0]),
        "缩小前输出的标准差": before.std(),
        "下一个 BN 之后的相对变化": relative(forward(*small), before),
    }


@claim(
    guard={"γ 的梯度 / 上游梯度": "in [0.2, 2.5]", "γ 的梯度与 Σ G·x̂ 之差": "<= 1e-9"},
    expect={"输出与输入之差": "<= 1e-12", "换一个 W，输出的变化": "<= 1e-12"},
    control={"start": 1.0},
    knobs={"start": [0.0, 1.0]},
)
def zero_gamma_starts_as_identity(start=0.0, seed=0):
    """残差分支末尾的 γ 从 0 开始：块是恒等映射，W 怎么变都没有影响，γ 的梯度却不是 0"""
    rng = np.random.default_rng(seed)
    h, G = rng.normal(size=(2, 128, 16))  # 输入，上游梯度
    W, other = rng.normal(size=(2, 16, 16))
    gamma = np.full(16, start)
    block = lambda W, gamma: h + bn_train(h @ W, gamma)
    loss = lambda gamma: (G * block(W, gamma)).sum()
    d_gamma = [loss(gamma + e) - loss(gamma) for e in np.eye(16)]  # 损失对 γ 是线性的
    return {
        "γ 的梯度 / 上游梯度": np.linalg.norm(d_gamma) / np.linalg.norm(G),
        "γ 的梯度与 Σ G·x̂ 之差": relative(d_gamma, (G * bn_train(h @ W)).sum(axis=0)),
        "输出与输入之差": np.abs(block(W, gamma) - h).max(),
        "换一个 W，输出的变化": np.abs(block(other, gamma) - block(W, gamma)).max(),
    }
