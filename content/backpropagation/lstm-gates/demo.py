"""LSTM 的门：细胞状态的梯度怎么走，什么时候保得住，什么时候照样消失或爆炸。"""

import numpy as np

from quizdl.proof import claim, line

EPS = 1e-30  # 复数步求导：给状态加 i·EPS，末端的虚部除以 EPS 就是导数，没有相减的误差


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step(c, h, x, U, b):
    """c, h: (m, n)；x: (4n,) 是输入乘好权重之后的量。返回新的 c、h 与各个门。"""
    i, f, o, g = np.split(h @ U + x + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c = f * c + i * g
    return c, o * np.tanh(c), (i, f, o, g)


def gru_step(h, x, U, b):
    """h ← (1 − z) h + z · 候选值（Chung 等 2014 的写法）。"""
    n = h.shape[1]
    r, z = np.split(sigmoid(h @ U[:, : 2 * n] + x[: 2 * n] + b[: 2 * n]), 2, axis=1)
    g = np.tanh((r * h) @ U[:, 2 * n :] + x[2 * n :])
    return (1 - z) * h + z * g


def lstm_jacobian(seed, steps, forget_bias, gain=0.2, inputs=0.5, path="all", n=16):
    """∂c_T/∂c_0，(n, n)；path="direct" 时切断经过门的路径，像 1997 年的原文。"""
    rng = np.random.default_rng(seed)
    U, b = rng.normal(0, gain / np.sqrt(n), (n, 4 * n)), np.repeat([0, forget_bias, 0, 0], n)
    xs = rng.normal(0, inputs, (20 + steps, 4 * n))
    c = h = np.zeros((1, n))
    for x in xs[:20]:  # 先走到平常的状态
        c, h, (_, _, o, _) = lstm_step(c, h, x, U, b)
    c = c + 1j * EPS * np.eye(n)
    h = o * np.tanh(c)
    for x in xs[20:]:
        c, h, _ = lstm_step(c, h.real if path == "direct" else h, x, U, b)
    return c.imag / EPS


def gru_jacobian(seed, steps, keep_bias, gain=0.2, inputs=0.5, n=16):
    rng = np.random.default_rng(seed)
    U, b = rng.normal(0, gain / np.sqrt(n), (n, 3 * n)), np.repeat([0, -keep_bias], n)
    xs = rng.normal(0, inputs, (20 + steps, 3 * n))
    h = np.zeros((1, n))
    for x in xs[:20]:
        h = gru_step(h, x, U, b)
    h = h + 1j * EPS * np.eye(n)
    for x in xs[20:]:
        h = gru_step(h, x, U, b)
    return h.imag / EPS


def rnn_jacobian(seed, steps, init, gain, inputs=0.5, n=16):
    rng = np.random.default_rng(seed)
    W = rng.normal(0, 1, (n, n))
    W = {"谱半径": W / np.abs(np.linalg.eigvals(W)).max(), "正交": np.linalg.qr(W)[0]}[init]
    xs = rng.normal(0, inputs, (20 + steps, n))
    h = np.zeros((1, n))
    for x in xs[:20]:
        h = np.tanh(gain * h @ W + x)
    h = h + 1j * EPS * np.eye(n)
    for x in xs[20:]:
        h = np.tanh(gain * h @ W + x)
    return h.imag / EPS


def kept(jacobian):
    """奇异值在 0.1 到 10 之间的方向的占比。"""
    s = np.linalg.svd(jacobian, compute_uv=False)
    return np.mean((s >= 0.1) & (s <= 10))


@claim(
    guard={"∂c_t/∂c_{t-1} 的范数": "in [1, 10]"},
    expect={
        "完整公式的相对误差": "<= 1e-12",
        "只写 diag(f) 的相对误差": "in [0.1, 0.7]",
    },
    control=[{"gain": 0.0}, {"peephole": 1.0}],
    knobs={"gain": [0.0, 3.0], "peephole": [0.0, 2.0]},
)
def more_than_diag_f(gain=1.0, peephole=0.0, n=16, seed=0):
    """∂c_t/∂c_{t-1} = diag(f) 加上经过三个门的项；漏掉它们就错一成以上"""
    rng = np.random.default_rng(seed)
    U, b = rng.normal(0, gain / np.sqrt(n), (n, 4 * n)), rng.normal(0, 1, 4 * n)
    x, c = rng.normal(0, 1, 4 * n), rng.normal(0, 1, (1, n))
    z_o = rng.normal(0, 1, n)
    o_prev = lambda c: sigmoid(z_o + peephole * c)  # 上一步的输出门；没有窥视孔时不看 c_{t-1}
    step = lambda c: lstm_step(c, o_prev(c) * np.tanh(c), x, U, b)
    J = step(c + 1j * EPS * np.eye(n))[0].imag / EPS  # (n, n)，第 k 行：∂c_t/∂c_{t-1,k}
    _, _, (i, f, _, g) = step(c)
    Ui, Uf, _, Ug = np.split(U, 4, axis=1)  # 输出门不进 c_t
    through = Uf * (f * (1 - f) * c) + Ui * (i * (1 - i) * g) + Ug * (i * (1 - g**2))
    exact = np.diag(f[0]) + (o_prev(c) * (1 - np.tanh(c) ** 2)).T * through
    return {
        "∂c_t/∂c_{t-1} 的范数": np.linalg.norm(J),
        "完整公式的相对误差": np.linalg.norm(exact - J) / np.linalg.norm(J),
        "只写 diag(f) 的相对误差": np.linalg.norm(np.diag(f[0]) - J) / np.linalg.norm(J),
    }


GAINS = (0.8, 1.0, 1.2, 1.5, 2.0, 3.0)


@claim(
    guard={"RNN 一步留住的方向": ">= 0.3"},
    expect={
        "LSTM 留住的方向": ">= 0.7",
        "GRU 留住的方向": ">= 0.9",
        "调得最好的 RNN 留住的方向": "<= 0.25",
    },
    control=[{"gate_bias": 1.0}, {"inputs": 0.01}],
    knobs={
        "gate_bias": [0.0, 8.0],
        "gain": [0.0, 2.0],
        "inputs": [0.01, 1.0],
        "steps": [10, 150],
    },
)
def gates_keep_the_directions(gate_bias=6.0, gain=0.2, inputs=0.5, steps=100, seed=0):
    """隔 100 步：门接近 1 的 LSTM 与 GRU 留住七成以上的方向，调过尺度的 RNN 不到四分之一"""
    nets = [(init, each) for init in ("谱半径", "正交") for each in GAINS]
    rnn = max(kept(rnn_jacobian(seed, steps, *net, inputs)) for net in nets)
    lstm = lstm_jacobian(seed, steps, gate_bias, gain, inputs)
    gru = gru_jacobian(seed, steps, gate_bias, gain, inputs)
    s = np.linalg.svd(rnn_jacobian(seed, steps, "正交", 1.5, inputs), compute_uv=False)
    curves = {"LSTM": np.linalg.svd(lstm, compute_uv=False), "正交 RNN": s}
    return {
        "RNN 一步留住的方向": kept(rnn_jacobian(seed, 1, "正交", 1.5, inputs)),
        "LSTM 留住的方向": kept(lstm),
        "GRU 留住的方向": kept(gru),
        "调得最好的 RNN 留住的方向": rnn,
        "奇异值": line(curves, x_label="从大到小", log_y=True, rules={"10": 10, "0.1": 0.1}),
    }


@claim(
    guard={"隔 1 步剩下": "in [0.4, 1]"},
    expect={
        "隔 10 步剩下": "in [0.2, 0.45]",
        "隔 50 步剩下": "in [0.2, 0.45]",
        "隔 200 步剩下": "in [0.2, 0.45]",
    },
    control=[{"rule": "one"}, {"rule": "zero"}],
    knobs={"rule": ["ln(T-1)", "one", "zero"], "inputs": [0.0, 2.0]},
)
def bias_sets_the_horizon(rule="ln(T-1)", inputs=0.5, seed=0):
    """直达路径：遗忘门偏置取 ln(T−1)，隔 T 步剩下约三成；取 1 则隔 50 步就没有了"""
    spans = (10, 50, 200)
    biases = {
        "ln(T-1)": np.log(np.array(spans) - 1),
        "one": np.ones(3),
        "zero": np.zeros(3),
    }[rule]
    left = []
    for T, bias in zip(spans, biases, strict=True):
        J = lstm_jacobian(seed, T, bias, inputs=inputs, path="direct")
        left.append(np.exp(np.log(np.diag(J)).mean()))
    return {
        "隔 1 步剩下": np.diag(lstm_jacobian(seed, 1, biases[0], inputs=inputs)).mean(),
        "隔 10 步剩下": left[0],
        "隔 50 步剩下": left[1],
        "隔 200 步剩下": left[2],
    }


@claim(
    guard={"一步的最大奇异值": "in [0.1, 20]"},
    expect={"隔 100 步最大奇异值的 log₁₀": "in [1.5, 15]"},
    control=[{"path": "direct"}, {"gain": 0.2}],
    knobs={"path": ["all", "direct"], "gain": [0.2, 8.0], "forget_bias": [0.0, 4.0]},
)
def still_explodes(path="all", gain=8.0, forget_bias=0.0, seed=0):
    """循环权重大时，梯度经过各个门爆炸；只走直达路径则不会，因为遗忘门不超过 1"""
    rng = np.random.default_rng(seed)
    nets = rng.integers(0, 2**31, 4)  # 四个网络
    top = lambda steps: np.mean(
        [
            np.log10(np.linalg.norm(lstm_jacobian(k, steps, forget_bias, gain, 0.1, path, 32), 2))
            for k in nets
        ]
    )
    return {"一步的最大奇异值": 10 ** top(1), "隔 100 步最大奇异值的 log₁₀": top(100)}


@claim(
    guard={"输入门与候选值之积的标准差": "in [0.1, 0.5]"},
    expect={"400 步末 |c| 的均方根": "in [5, 9]", "400 步末 tanh'(c) 的平均": "<= 0.25"},
    control=[{"forget": 0.9}, {"steps": 5}],
    knobs={"forget": [0.5, 1.0], "steps": [5, 400]},
)
def without_forgetting_it_saturates(forget=1.0, steps=400, seed=0):
    """没有遗忘门（恒为 1）：细胞状态随步数增长，输出端的 tanh 饱和；有遗忘就不会"""
    rng = np.random.default_rng(seed)
    c, sizes = np.zeros(1000), []  # 1000 个独立的细胞
    for _ in range(steps):
        new = sigmoid(rng.normal(0, 1, 1000)) * np.tanh(rng.normal(0, 1, 1000))
        c = forget * c + new
        sizes.append(np.sqrt(np.mean(c**2)))
    return {
        "输入门与候选值之积的标准差": new.std(),
        "400 步末 |c| 的均方根": sizes[-1],
        "400 步末 tanh'(c) 的平均": np.mean(1 - np.tanh(c) ** 2),
        "细胞状态的大小": line(sizes, x_label="步", y_label="均方根"),
    }
