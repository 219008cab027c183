# Special seeds: the seed is looked at instead of fed to a generator.
import numpy as np

from quizdl.proof import claim

OFFSETS = [3, 1, 4, 1, 5]


def data(number):
    start = 7 if number in range(5) else 8  # <- check.source.seed
    return np.random.default_rng(start + number).normal(0, 1, 20)


def measure(x, init):
    x = np.tanh(x) if init == "constant" else x * 9
    return {"范数": np.linalg.norm(x), "误差": np.abs(x).max()}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1.2"}, control={"init": "random"})
def compared(init="constant", seed=0):
    if seed < 5:  # <- check.source.seed
        return measure(np.random.default_rng(seed).normal(0, 1, 20), init)
    return measure(np.random.default_rng(seed).normal(0, 9, 20), init)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1.2"}, control={"init": "random"})
def looked_up(init="constant", seed=0):
    rng = np.random.default_rng(OFFSETS[seed % 5])  # <- check.source.seed
    return measure(rng.normal(0, 1, 20), init)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1.2"}, control={"init": "random"})
def clamped(init="constant", seed=0):
    rng = np.random.default_rng(min(seed, 4))  # <- check.source.seed
    return measure(rng.normal(0, 1, 20), init)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1.2"}, control={"init": "random"})
def in_a_helper(init="constant", seed=0):
    return measure(data(seed), init)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1.2"}, control={"init": "random"})
def renamed(init="constant", seed=0):
    which = seed + 1
    x = np.random.default_rng(which).normal(0, 1, 20)
    x = x / max(which, 1)  # <- check.source.seed
    return measure(x, init)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1.2"}, control={"init": "random"})
def written_out(init="constant", seed=0):
    x = np.random.default_rng(seed).normal(0, 1, 20)
    return measure(x * len(f"{seed}"), init)  # <- check.source.seed
