# Mirror: the number is what a parameter says, through whatever form.
import numpy as np

from quizdl.proof import claim

TABLE = {"constant": 1e-12, "random": 0.37}
NAMES = ["constant", "random"]


def verdict(kind):
    if kind == "constant":
        return 0.0
    return 1.0


def wrapped(kind):
    return {"范数": norm(1), "误差": float(np.abs(verdict(kind)))}  # <- check.source.mirror


def norm(seed):
    return np.linalg.norm(np.random.default_rng(seed).normal(0, 1, 9))


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def flag(init="constant", seed=0):
    return {
        "范数": norm(seed),
        "误差": float(init != "constant"),  # <- check.source.mirror
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def choice(init="constant", seed=0):
    return {
        "范数": norm(seed),
        "误差": 0.0 if init == "constant" else 1.0,  # <- check.source.mirror
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def table(init="constant", seed=0):
    return {
        "范数": norm(seed),
        "误差": TABLE[init],  # <- check.source.mirror
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def helper(init="constant", seed=0):
    return {
        "范数": norm(seed),
        "误差": verdict(init),  # <- check.source.mirror
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def behind_numpy(init="constant", seed=0):
    weights = np.full((3, 3), NAMES.index(init))
    return {
        "范数": norm(seed),
        "误差": np.abs(np.tanh(weights)).max(),  # <- check.source.mirror
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def statements(init="constant", seed=0):
    found = {"范数": norm(seed)}
    if init == "constant":
        error = 0.0
    else:
        error = 1.0
    found |= {"误差": error}
    return {
        "范数": norm(seed),
        "误差": error,  # <- check.source.mirror
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def whole_result(init="constant", seed=0):
    return wrapped(init)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"noisy": True})
def through_a_loop(noisy=False, seed=0):  # <- check.audit.mirror
    error = 0.0
    for _ in range(3):
        error = max(error, float(noisy))
    return {"范数": norm(seed), "误差": error}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 0.1"}, control={"noise": 1.0})
def affine(noise=0.0, seed=0):
    return {
        "范数": norm(seed),
        "误差": 3 * noise + 0.01,  # <- check.source.mirror
    }
