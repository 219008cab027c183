"""反向传播：跨过每一种层要乘什么、加什么、记住什么，一共花多少。"""

from itertools import pairwise

import numpy as np

from quizdl.proof import bar, claim, line


def unpack(theta, widths):
    """一个长向量 → 各层的 W (in, out) 与 b (out,)。"""
    layers, at = [], 0
    for fan_in, fan_out in pairwise(widths):
        W = theta[at : at + fan_in * fan_out].reshape(fan_in, fan_out)
        at += fan_in * fan_out
        layers.append((W, theta[at : at + fan_out]))
        at += fan_out
    return layers


def task(widths, seed, batch=7):
    rng = np.random.default_rng(seed)
    theta = 0.5 * rng.normal(size=sum((i + 1) * o for i, o in pairwise(widths)))
    x, label = rng.normal(size=(batch, widths[0])), rng.integers(0, widths[-1], batch)
    return theta, x, np.eye(widths[-1])[label]  # y: one-hot


def forward(theta, widths, x):
    """每层 z = hW + b，h = tanh(z)；记下所有的 z 和 h。分类时末层只用 z。"""
    hs, zs = [x], []
    for W, b in unpack(theta, widths):
        zs.append(hs[-1] @ W + b)
        hs.append(np.tanh(zs[-1]))
    return zs, hs


def softmax(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))


def loss(theta, widths, x, y):
    """一批样本的平均交叉熵。"""
    zs, _ = forward(theta, widths, x)
    return -np.log((softmax(zs[-1]) * y).sum(axis=1)).mean()


def backprop(theta, widths, x, y, bug="none"):
    """dL/dtheta，拼法与 theta 相同。"""
    zs, hs = forward(theta, widths, x)
    delta = (softmax(zs[-1]) - y) / len(x)  # dL/dz，(batch, out)；1/batch 只在这里出现一次
    grads = []
    for layer, (W, _) in reversed([*enumerate(unpack(theta, widths))]):
        dW = hs[layer].T @ delta  # (in, out)：前向时的输入乘误差
        if bug == "batch_twice":
            dW = dW / len(x)
        grads.insert(0, np.append(dW, delta.sum(axis=0)))
        if layer > 0:
            dh = delta @ (W if bug == "no_transpose" else W.T)  # 跨过线性层
            at = hs[layer] if bug == "slope_at_a" else zs[layer - 1]
            delta = dh * (1 - np.tanh(at) ** 2)  # 跨过 tanh：逐元素
    return np.concatenate(grads)


def differences(f, theta, h=1e-5):
    """中心差分：每个参数两次前向。"""
    return np.array([(f(theta + h * e) - f(theta - h * e)) / (2 * h) for e in np.eye(len(theta))])


def relative(error, true):
    return np.linalg.norm(error) / np.linalg.norm(true)


@claim(
    guard={"梯度最小的一层 / 最大的一层": "in [0.15, 1]"},
    expect={"各层中最大的相对误差": "<= 1e-8"},
    control=[{"bug": "no_transpose"}, {"bug": "slope_at_a"}, {"bug": "batch_twice"}],
    knobs={
        "bug": ["none", "no_transpose", "slope_at_a", "batch_twice"],
        "width": [2, 8],
        "depth": [1, 5],
    },
)
def matrix_form_is_exact(bug="none", width=5, depth=3, seed=0):
    """δWᵀ、⊙φ'(z)、hᵀδ：三条规则给出的各层梯度与中心差分一致"""
    widths = [width] * (depth + 1)  # 全是方阵：转不转置，形状都对得上
    theta, x, y = task(widths, seed)
    exact = differences(lambda t: loss(t, widths, x, y), theta)
    error = backprop(theta, widths, x, y, bug) - exact
    # 每层的 W 与 b 合起来算
    sizes = [np.linalg.norm(np.append(*each)) for each in unpack(exact, widths)]
    errors = [np.linalg.norm(np.append(*each)) for each in unpack(error, widths)]
    return {
        "梯度最小的一层 / 最大的一层": min(sizes) / max(sizes),
        "各层中最大的相对误差": np.divide(errors, sizes).max(),
    }


def layer_norm(z):
    return (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)


def layer_norm_backward(z, g):
    y, mean = layer_norm(z), lambda a: a.mean(axis=1, keepdims=True)
    return (g - mean(g) - y * mean(g * y)) / z.std(axis=1, keepdims=True)


def softmax_backward(z, g):
    p = softmax(z)
    return p * (g - (g * p).sum(axis=1, keepdims=True))


LAYERS = {  # 前向，以及 g 乘整个 Jacobian；z、g: (batch, n)
    "coupled": [(softmax, softmax_backward), (layer_norm, layer_norm_backward)],
    "elementwise": [(np.tanh, lambda z, g: g * (1 - np.tanh(z) ** 2))],
}


@claim(
    guard={"乘整个 Jacobian 的误差": "<= 1e-7"},
    expect={"只乘对角元的误差": ">= 0.2"},
    control={"layers": "elementwise"},
    knobs={"layers": ["coupled", "elementwise"], "n": [3, 16]},
)
def some_layers_are_coupled(layers="coupled", n=6, seed=0):
    """softmax、LayerNorm 的每个输出依赖所有输入：只乘 ∂yᵢ/∂zᵢ 是错的"""
    z, g = np.random.default_rng(seed).normal(size=(2, 20, n))  # (batch, n)
    whole, diagonal, h = [], [], 1e-5
    for f, backward in LAYERS[layers]:
        # J[k, b, j]：第 b 个样本的第 j 个输出对第 k 个输入的导数
        J = np.array([(f(z + h * e) - f(z - h * e)) / (2 * h) for e in np.eye(n)])
        true = np.einsum("bj,kbj->bk", g, J)
        whole.append(relative(backward(z, g) - true, true))
        diagonal.append(relative(g * np.einsum("kbk->bk", J) - true, true))
    return {"乘整个 Jacobian 的误差": max(whole), "只乘对角元的误差": min(diagonal)}


def shared_net(W, x):
    """同一个 W 用四次，每次还有跳连：h ← h + tanh(h W)。"""
    hs = [x]
    for _ in range(4):
        hs.append(hs[-1] + np.tanh(hs[-1] @ W))
    return hs


@claim(
    guard={"只算最后一处的误差": "in [0.3, 1.5]"},
    expect={"对 W 的相对误差": "<= 1e-7", "对输入的相对误差": "<= 1e-7"},
    control=[{"weight": "overwrite"}, {"weight": "mean"}, {"skip": "overwrite"}],
    knobs={"weight": ["sum", "mean", "overwrite"], "skip": ["sum", "overwrite"]},
)
def paths_add_up(weight="sum", skip="sum", n=4, seed=0):
    """一个量用了几次，梯度就有几份，全部相加：共享的权重、跳连都如此"""
    rng = np.random.default_rng(seed)
    W, (x, G) = rng.normal(size=(n, n)) / np.sqrt(n), rng.normal(size=(2, 5, n))
    hs, parts, delta = shared_net(W, x), [], G  # L = <G, h_末>
    for h in hs[-2::-1]:
        dz = delta * (1 - np.tanh(h @ W) ** 2)
        parts.append(h.T @ dz)
        delta = dz @ W.T + (delta if skip == "sum" else 0.0)  # 两条支路都回到 h
    dW = {"sum": np.sum, "mean": np.mean, "overwrite": lambda a, axis: a[-1]}[weight](parts, axis=0)
    by_W = differences(lambda w: (G * shared_net(w.reshape(n, n), x)[-1]).sum(), W.ravel())
    by_x = differences(lambda v: (G * shared_net(W, v.reshape(5, n))[-1]).sum(), x.ravel())
    return {
        "只算最后一处的误差": relative(parts[0].ravel() - by_W, by_W),
        "对 W 的相对误差": relative(dW.ravel() - by_W, by_W),
        "对输入的相对误差": relative(delta.ravel() - by_x, by_x),
    }


class Count:
    """数矩阵乘法里的乘加次数。"""

    def __init__(self):
        self.macs = 0

    def dot(self, A, B):
        self.macs += A.shape[0] * A.shape[1] * B.shape[1]
        return A @ B


def reverse_mode(theta, widths, x, G, count):
    """一趟反向：标量 <G, 输出> 对全部参数和输入的导数。"""
    zs, hs = forward(theta, widths, x)
    delta, grads = G, []
    for layer, (W, _) in reversed([*enumerate(unpack(theta, widths))]):
        delta = delta * (1 - np.tanh(zs[layer]) ** 2)
        grads.insert(0, np.append(count.dot(hs[layer].T, delta), delta.sum(axis=0)))
        delta = count.dot(delta, W.T)
    return np.concatenate(grads)


def forward_mode(theta, widths, x, direction, count):
    """一趟前向：输出沿参数空间里一个方向的导数，(batch, out)。"""
    zs, hs = forward(theta, widths, x)
    dh = 0 * x
    layers = zip(unpack(theta, widths), unpack(direction, widths), strict=True)
    for layer, ((W, _), (dW, db)) in enumerate(layers):
        dz = count.dot(dh, W) + count.dot(hs[layer], dW) + db
        dh = dz * (1 - np.tanh(zs[layer]) ** 2)
    return dh


@claim(
    guard={"两种模式的相对误差": "<= 1e-12"},
    expect={"反向 / 一趟前向": "in [1.9, 2.1]", "前向模式 / 反向": "in [80, 90]"},
    control={"outputs": 6},
    knobs={"outputs": [1, 12], "hidden": [3, 12]},
)
def reverse_is_cheap(outputs=1, hidden=6, seed=0):
    """标量损失：一趟反向只要前向两倍的乘加；前向模式每个参数都要走一趟"""
    widths = [5, hidden, hidden, outputs]
    theta, x, _ = task(widths, seed)
    once, back, along = Count(), Count(), Count()
    for h, (W, _) in zip(forward(theta, widths, x)[1][:-1], unpack(theta, widths), strict=True):
        once.dot(h, W)
    sums = [np.ones((len(x), 1)) * e for e in np.eye(outputs)]  # 每个输出各求一次梯度
    rows = np.array([reverse_mode(theta, widths, x, G, back) for G in sums])
    eye = np.eye(len(theta))
    columns = np.array([forward_mode(theta, widths, x, e, along).sum(axis=0) for e in eye])
    return {
        "两种模式的相对误差": relative(columns.T - rows, rows),
        "反向 / 一趟前向": back.macs / once.macs,
        "前向模式 / 反向": along.macs / back.macs,
        "乘加次数": bar({"前向": once.macs, "反向": back.macs, "前向模式": along.macs}),
    }


def descend(theta, gradient, beta):
    """每步走 0.3 乘梯度的指数移动平均：β = 0 就是梯度下降，β > 0 是动量。"""
    path, v = [theta], 0.0
    for _ in range(15):
        v = beta * v + (1 - beta) * gradient(path[-1])
        path.append(path[-1] - 0.3 * v)
    return np.array(path)


@claim(
    guard={"损失 末 / 首": "in [0.2, 0.9]"},
    expect={"轨迹的相对差": "<= 1e-7"},
    control={"beta": 0.9},
    knobs={"beta": [0.0, 0.95]},
)
def only_supplies_the_gradient(beta=0.0, seed=0):
    """同是梯度下降，BP 的梯度和差分的梯度走出同一条轨迹；换成动量，同一个 BP 走出另一条"""
    widths = [3, 4, 3]
    theta, x, y = task(widths, seed)
    exact = lambda t: differences(lambda s: loss(s, widths, x, y), t)
    slow = descend(theta, exact, 0.0)
    fast = descend(theta, lambda t: backprop(t, widths, x, y), beta)
    by_differences, by_bp = ([loss(t, widths, x, y) for t in path] for path in (slow, fast))
    return {
        "损失 末 / 首": by_bp[-1] / by_bp[0],
        "轨迹的相对差": relative(fast - slow, slow - theta),
        "损失": line(
            {"差分 + GD": by_differences, f"BP，β = {beta:g}": by_bp},
            x_label="步",
            y_label="训练损失",
        ),
    }


def masked_net(weights, masks, x):
    for W, mask in zip(weights, masks, strict=True):
        x = np.tanh(x @ W) * mask
    return x


def checkpointed(weights, masks, replayed, x, G, every):
    """每 every 层留一个激活，反向时分段重算；返回各层梯度、同时存着的激活数、前向的层数。"""
    kept, h, layers = [x], x, 0
    for layer, W in enumerate(weights, 1):
        h, layers = np.tanh(h @ W) * masks[layer - 1], layers + 1
        if layer % every == 0:
            kept.append(h)
    kept.pop()  # 最后的输出不用留
    grads, peak = [], 0
    while kept:
        start = every * (len(kept) - 1)
        hs, slopes = [kept.pop()], []
        for layer in range(start, start + every):  # 重算这一段
            a = np.tanh(hs[-1] @ weights[layer])
            slopes.append((1 - a**2) * replayed[layer])
            hs.append(a * replayed[layer])
            layers += 1
        peak = max(peak, len(kept) + len(hs))
        for layer in reversed(range(every)):
            dz = G * slopes[layer]
            grads.append(hs[layer].T @ dz)
            G = dz @ weights[start + layer].T
    return np.array(grads[::-1]), peak, layers


@claim(
    guard={
        "多算的前向层数 / 层数": "in [0.99, 1.01]",
        "首层 / 末层的梯度": "in [0.1, 20]",
        "全存时与差分的误差": "<= 1e-5",
    },
    expect={"梯度的相对差": "<= 1e-12", "存的激活 / 全存": "<= 0.55"},
    control=[{"replay": False}, {"every": 16}],
    knobs={"replay": [True, False], "every": [1, 2, 4, 8, 16]},
)
def recompute_instead_of_store(every=4, replay=True, seed=0):
    """十六层网络每四层留一个激活、其余重算：梯度不变，存的激活减半，前向多算一遍"""
    rng, depth, n = np.random.default_rng(seed), 16, 12
    weights = rng.normal(size=(depth, n, n)) / np.sqrt(n)
    masks, fresh = 2.0 * (rng.random((2, depth, 8, n)) < 0.5)  # dropout 的掩码
    x, G = rng.normal(size=(2, 8, n))
    grads, peak, layers = checkpointed(weights, masks, masks if replay else fresh, x, G, every)
    full, most, _ = checkpointed(weights, masks, masks, x, G, depth)  # 只有一段：全存
    V, h = rng.normal(size=weights.shape), 1e-6
    plus, minus = ((G * masked_net(weights + s * V, masks, x)).sum() for s in (h, -h))
    return {
        "多算的前向层数 / 层数": layers / depth - 1,
        "首层 / 末层的梯度": np.linalg.norm(full[0]) / np.linalg.norm(full[-1]),
        "全存时与差分的误差": abs((plus - minus) / (2 * h) / (full * V).sum() - 1),
        "梯度的相对差": relative(grads - full, full),
        "存的激活 / 全存": peak / most,
    }
