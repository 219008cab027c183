"""LSTM 的门：细胞状态的梯度怎么走，什么时候保得住，什么时候照样消失或爆炸。"""

import numpy as np

from quizdl.proof import claim, line

N = 16  # 状态的宽度
START = 1j * 1e-30 * np.eye(N)
"""从零状态出发，第 k 行的第 k 个分量加一个极小的虚数：末端的虚部除以它就是导数，没有相减的误差。"""


def derivative(state):
    """∂末端 / ∂开头，(N, N)，第 k 行是对开头第 k 个分量的导数。"""
    return state.imag / START[0, 0].imag


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step(c, h, x, U, b):
    """c, h: (m, N)；x: (4N,) 是输入乘好权重之后的量。返回新的 c、h 与各个门。"""
    i, f, o, g = np.split(h @ U + x + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c = f * c + i * g
    return c, o * np.tanh(c), (i, f, g)


def gru_step(h, x, U, b):
    """h ← (1 − z) h + z · 候选值（Chung 等 2014 的写法）。"""
    Ur, Uz, Ug = np.split(U, 3, axis=1)
    xr, xz, xg = np.split(x + b, 3)
    r, z = sigmoid(h @ Ur + xr), sigmoid(h @ Uz + xz)
    g = np.tanh((r * h) @ Ug + xg)
    return (1 - z) * h + z * g, (r, z, g)


def draw(rng, blocks, gain, inputs, steps):
    """循环权重 (N, blocks·N)，标准差 gain/√N；各步的输入。"""
    U = gain / np.sqrt(N) * rng.standard_normal((N, blocks * N))
    return U, inputs * rng.standard_normal((steps, blocks * N))


def lstm_jacobian(rng, steps, forget_bias, gain, inputs, path="all"):
    """∂c_T/∂c_0；path="direct" 时切断经过门的路径，像 1997 年的原文。"""
    U, xs = draw(rng, 4, gain, inputs, steps)
    b = np.repeat([0, forget_bias, 0, 0], N)
    c, h = START, np.zeros((N, N))
    for x in xs:
        c, h, _ = lstm_step(c, h.real if path == "direct" else h, x, U, b)
    return derivative(c)


def gru_jacobian(rng, steps, keep_bias, gain, inputs):
    U, xs = draw(rng, 3, gain, inputs, steps)
    h, b = START, np.repeat([0, -keep_bias, 0], N)
    for x in xs:
        h, _ = gru_step(h, x, U, b)
    return derivative(h)


def rnn_jacobian(rng, steps, init, gain, inputs):
    W, xs = draw(rng, 1, 1.0, inputs, steps)
    scaled = {"谱半径": W / np.abs(np.linalg.eigvals(W)).max(), "正交": np.linalg.qr(W)[0]}
    h = START
    for x in xs:
        h = np.tanh(gain * h @ scaled[init] + x)
    return derivative(h)


def singular(jacobian):
    return np.linalg.svd(jacobian, compute_uv=False)


def kept(jacobian):
    """奇异值在 0.1 到 10 之间的方向的占比。"""
    return np.mean(np.abs(np.log10(singular(jacobian))) <= 1)


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@claim(
    guard={"f 的平均": "in [0.3, 0.7]"},
    expect={
        "完整公式的相对误差": "<= 1e-12",
        "只写 diag(f) 的相对误差": "in [0.1, 0.7]",
    },
    control=[{"gain": 0.0}, {"peephole": 1.0}],
    knobs={"gain": [0.0, 3.0], "peephole": [0.0, 2.0]},
)
def more_than_diag_f(gain=1.0, peephole=0.0, seed=0):
    """∂c_t/∂c_{t-1} = diag(f) 加上经过三个门的项；漏掉它们就错一成以上"""
    rng = np.random.default_rng(seed)
    U, (x, b) = draw(rng, 4, gain, 1.0, 2)
    c, z_o = rng.standard_normal((2, 1, N))
    o_prev = lambda c: sigmoid(z_o + peephole * c)  # 上一步的输出门；没有窥视孔时不看 c_{t-1}
    step = lambda c: lstm_step(c, o_prev(c) * np.tanh(c), x, U, b)
    J = derivative(step(c + START)[0])
    _, _, (i, f, g) = step(c)
    Ui, Uf, _, Ug = np.split(U, 4, axis=1)  # 输出门不进 c_t
    through = Uf * (f * (1 - f) * c) + Ui * (i * (1 - i) * g) + Ug * (i * (1 - g**2))
    exact = np.diag(f[0]) + (o_prev(c) * (1 - np.tanh(c) ** 2)).T * through
    return {
        "f 的平均": f.mean(),
        "完整公式的相对误差": relative(exact, J),
        "只写 diag(f) 的相对误差": relative(np.diag(f[0]), J),
    }


def gru_formula_error(rng):
    """GRU 一步的 Jacobian：diag(1 − z) 加上经过 z、候选值、r 的三项，与数值导数之差。"""
    U, (x, b) = draw(rng, 3, 1.0, 1.0, 2)
    h = rng.standard_normal((1, N))
    J = derivative(gru_step(h + START, x, U, b)[0])
    _, (r, z, g) = gru_step(h, x, U, b)
    Ur, Uz, Ug = np.split(U, 3, axis=1)
    candidate = (np.diag(r[0]) + Ur * (r * (1 - r) * h)) @ Ug * (z * (1 - g**2))
    return relative(np.diag(1 - z[0]) + Uz * (z * (1 - z) * (g - h)) + candidate, J)


@claim(
    guard={
        "GRU 一步的公式误差": "<= 1e-12",
        "正交 RNN 一步留住的方向": ">= 0.9",
        "输入极小时正交 RNN 留住的方向": "== 1",
    },
    expect={
        "LSTM 留住的方向": ">= 0.6",
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
    """隔 100 步：门接近 1 的 LSTM 与 GRU 留住六成以上的方向，调过尺度的 RNN 不到四分之一"""
    rng = np.random.default_rng(seed)
    nets = [(init, gain) for init in ("谱半径", "正交") for gain in np.linspace(0.8, 1.8, 6)]
    rnns = [rnn_jacobian(rng, steps, *net, inputs) for net in nets]
    best = max(rnns, key=kept)
    lstm = lstm_jacobian(rng, steps, gate_bias, gain, inputs)
    gru = gru_jacobian(rng, steps, gate_bias, gain, inputs)
    curves = {"LSTM": singular(lstm), "GRU": singular(gru), "最好的 RNN": singular(best)}
    return {
        "GRU 一步的公式误差": gru_formula_error(rng),
        "正交 RNN 一步留住的方向": kept(rnn_jacobian(rng, 1, "正交", 1.0, inputs)),
        "输入极小时正交 RNN 留住的方向": kept(rnn_jacobian(rng, steps, "正交", 1.0, 0.01)),
        "LSTM 留住的方向": kept(lstm),
        "GRU 留住的方向": kept(gru),
        "调得最好的 RNN 留住的方向": kept(best),
        "奇异值": line(curves, x_label="从大到小", log_y=True, rules={"10": 10, "0.1": 0.1}),
    }


BIASES = {"ln(T-1)": lambda T: np.log(T - 1), "one": lambda T: 1, "zero": lambda T: 0}


@claim(
    guard={"隔 1 步剩下": "in [0.4, 0.95]"},
    expect={
        "隔 10 步剩下": "in [0.25, 0.38]",
        "隔 50 步剩下": "in [0.25, 0.38]",
        "隔 200 步剩下": "in [0.25, 0.38]",
    },
    control=[{"rule": "one"}, {"rule": "zero"}],
    knobs={"rule": ["ln(T-1)", "one", "zero"], "inputs": [0.0, 2.0]},
)
def bias_sets_the_horizon(rule="ln(T-1)", inputs=0.5, seed=0):
    """直达路径：遗忘门偏置取 ln(T−1)，隔 T 步剩下约三成；取 1 则隔 50 步就没有了"""
    rng = np.random.default_rng(seed)

    def left(T, steps):
        """偏置按 T 取，走 steps 步，各维的几何平均。"""
        J = lstm_jacobian(rng, steps, BIASES[rule](T), 0.2, inputs, "direct")
        return np.exp(np.log(np.diag(J)).mean())

    return {
        "隔 1 步剩下": left(10, 1),
        "隔 10 步剩下": left(10, 10),
        "隔 50 步剩下": left(50, 50),
        "隔 200 步剩下": left(200, 200),
    }


@claim(
    guard={"一步的最大奇异值": "in [0.45, 1]"},
    expect={"隔 100 步最大奇异值的 log₁₀": "in [1.5, 15]"},
    control=[{"path": "direct"}, {"gain": 0.2}],
    knobs={"path": ["all", "direct"], "gain": [0.2, 8.0], "forget_bias": [0.0, 4.0]},
)
def still_explodes(path="all", gain=8.0, forget_bias=0.0, seed=0):
    """循环权重大时，梯度经过各个门爆炸；只走直达路径则不会，因为遗忘门不超过 1"""
    rng = np.random.default_rng(seed)

    def top(steps):  # 四个网络的几何平均
        nets = [lstm_jacobian(rng, steps, forget_bias, gain, 0.1, path) for _ in range(4)]
        return np.mean([np.log10(singular(J).max()) for J in nets])

    return {"一步的最大奇异值": 10 ** top(1), "隔 100 步最大奇异值的 log₁₀": top(100)}


@claim(
    guard={"输入门与候选值之积的标准差": "in [0.3, 0.38]"},
    expect={
        "400 步末 |c| 的均方根": "in [6.2, 7.4]",
        "400 步末 tanh'(c) 的平均": "in [0.08, 0.16]",
    },
    control=[{"forget": 0.9}, {"steps": 5}],
    knobs={"forget": [0.5, 1.0], "steps": [5, 400]},
)
def without_forgetting_it_saturates(forget=1.0, steps=400, seed=0):
    """没有遗忘门（恒为 1）：细胞状态随步数增长，输出端的 tanh 饱和；有遗忘就不会"""
    rng = np.random.default_rng(seed)
    c, sizes = np.zeros(1000), []  # 1000 个独立的细胞
    for _ in range(steps):
        z_i, z_g = rng.standard_normal((2, len(c)))
        new = sigmoid(z_i) * np.tanh(z_g)
        c = forget * c + new
        sizes.append(np.sqrt(np.mean(c**2)))
    return {
        "输入门与候选值之积的标准差": new.std(),
        "400 步末 |c| 的均方根": sizes[-1],
        "400 步末 tanh'(c) 的平均": np.mean(1 - np.tanh(c) ** 2),
        "细胞状态的大小": line(sizes, x_label="步", y_label="均方根"),
    }
