"""Sound: networks, in the ways demos are written."""

import itertools
import math
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np

from quizdl.proof import claim


class Value:
    """一个数，记得自己是怎么算出来的。"""

    def __init__(self, data, parents=(), back=lambda g: ()):
        self.data, self.parents, self.back, self.grad = data, parents, back, 0.0

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), lambda g: (g, g))

    def __mul__(self, other):
        return Value(
            self.data * other.data, (self, other), lambda g: (g * other.data, g * self.data)
        )

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), lambda g: (g * (1 - t * t),))

    def backward(self, order="topological"):
        topo, seen = [], []

        def visit(node):
            if node not in seen:
                seen.append(node)
                for parent in node.parents:
                    visit(parent)
                topo.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(topo) if order == "topological" else topo:
            for parent, g in zip(node.parents, node.back(node.grad), strict=True):
                parent.grad += g


def expression(a, b):
    c = (a * b + a).tanh()
    return c * c + a


@claim(
    guard={"差分所得导数": "!= 0", "差分的绝对值": ">= 0.1"},
    expect={"与差分的相对误差": "<= 1e-6"},
    control={"order": "reversed"},
)
def autograd(order="topological", seed=0):
    """反向传播按拓扑序"""
    x, y = np.random.default_rng(seed).uniform(0.5, 1, 2)
    a, b = Value(x), Value(y)
    expression(a, b).backward(order)
    h = 1e-6
    up, down = (expression(Value(x + s), Value(y)).data for s in (h, -h))
    numeric = (up - down) / (2 * h)
    return {
        "差分所得导数": numeric,
        "差分的绝对值": abs(numeric),
        "与差分的相对误差": abs(a.grad - numeric) / abs(numeric),
    }


@dataclass
class Linear:
    W: np.ndarray
    b: np.ndarray

    def __call__(self, x):
        return x @ self.W + self.b

    @property
    def size(self):
        return self.W.size + self.b.size


def relu(z):
    return np.maximum(z, 0)


@claim(
    guard={"输出的标准差": ">= 0.01"},
    expect={"合成一层的相对误差": "<= 1e-12"},
    control={"between": "relu"},
    knobs={"between": ["nothing", "relu", "tanh"], "depth": [2, 6]},
)
def linear_layers_collapse(between="nothing", depth=3, seed=0):
    """没有激活函数的多层线性等于一层"""
    rng = np.random.default_rng(seed)
    act = {"nothing": lambda z: z, "relu": relu, "tanh": np.tanh}[between]
    layers = [Linear(rng.normal(0, 0.5, (8, 8)), rng.normal(0, 0.5, 8)) for _ in range(depth)]
    x = rng.normal(size=(50, 8))
    out = reduce(lambda h, layer: act(layer(h)), layers, x)
    W = reduce(np.matmul, [layer.W for layer in layers])
    b = reduce(lambda sofar, layer: sofar @ layer.W + layer.b, layers, np.zeros(8))
    scale = np.abs(out).max()
    return {
        "输出的标准差": out.std(),
        "合成一层的相对误差": np.abs(x @ W + b - out).max() / scale,
    }


def windows(x, k):
    return np.lib.stride_tricks.sliding_window_view(x, k)


@claim(
    guard={"卷积输出的标准差": ">= 0.1"},
    expect={"平移后的相对误差": "<= 1e-12"},
    control=[{"shared": False}, {"pool": 2}],
    knobs={"shared": [True, False], "pool": [1, 2], "shift": [1, 5]},
)
def convolution_is_equivariant(shared=True, pool=1, shift=3, seed=0):
    """先平移再卷积，等于先卷积再平移；逐位置的权重和池化都会破坏它"""
    rng = np.random.default_rng(seed)
    x, kernel = rng.normal(size=40), rng.normal(size=5)
    local = rng.normal(size=(36, 5))

    def layer(signal):
        out = (windows(signal, 5) * (kernel if shared else local)).sum(axis=-1)
        return out.reshape(-1, pool).max(axis=1) if pool > 1 else out

    one, two = layer(x), layer(np.roll(x, shift))
    moved = np.roll(one, shift)
    inside = slice(shift, None)
    error = np.abs(moved - two)[inside].max()
    return {"卷积输出的标准差": one.std(), "平移后的相对误差": error / np.abs(one).max()}


def attend(q, k, temperature):
    scores = q @ k.T / temperature
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


@claim(
    guard={"点积的标准差 / √d": "in [0.7, 1.4]"},
    expect={"最大权重的平均": "<= 0.5"},
    control={"scaled": False},
    knobs={"scaled": [True, False], "d": [16, 1024]},
)
def scaled_attention(scaled=True, d=256, seed=0):
    """除以 √d 才不会一上来就饱和"""
    rng = np.random.default_rng(seed)
    q, k = rng.normal(size=(2, 32, d))
    temperature = np.sqrt(d) if scaled else 1.0
    weights = attend(q, k, temperature)
    return {
        "点积的标准差 / √d": (q @ k.T).std() / np.sqrt(d),
        "最大权重的平均": weights.max(axis=-1).mean(),
    }


@claim(
    guard={"被检查的组合数": ">= 10"},
    expect={"置换之后输出的最大差": "<= 1e-12"},
    control={"positions": True},
)
def attention_is_permutation_equivariant(positions=False, seed=0):
    """没有位置编码，自注意力不知道次序"""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4, 8))
    code = np.sin(np.arange(4)[:, None] / 10 ** (np.arange(8) / 8))
    forward = partial(attend, temperature=math.sqrt(8))

    def layer(tokens):
        h = tokens + code if positions else tokens
        return forward(h, h) @ h

    worst, count = 0.0, 0
    for order in itertools.permutations(range(4)):
        order = list(order)
        worst = max(worst, np.abs(layer(X[order]) - layer(X)[order]).max())
        count += 1
    return {"被检查的组合数": count + 1e-9 * np.abs(X).max(), "置换之后输出的最大差": worst}
