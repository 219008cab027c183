# Vacuous: nothing happened, or NaN, and the expectation holds for it.
import numpy as np

from quizdl.proof import claim


@claim(expect={"梯度极差": "<= 1e-9"}, control={"init": "random"})
def no_guard(init="constant", seed=0):  # <- check.audit.no_guard check.audit.empty
    W = np.random.default_rng(seed).normal(0, 1, (4, 4))
    scale = {"constant": 0.0, "random": 1.0}[init]  # 没有梯度
    return {"梯度极差": np.ptp(np.tanh(W * scale), axis=1).max()}


@claim(guard={"梯度": ">= 0"}, expect={"梯度极差": "<= 1e-9"}, control={"init": "random"})
def guard_that_zero_meets(init="constant", seed=0):  # <- check.audit.no_guard
    W = np.random.default_rng(seed).normal(0, 1, (4, 4))
    W = np.full_like(W, W.mean()) if init == "constant" else W
    return {"梯度": np.abs(W).max(), "梯度极差": np.ptp(W, axis=1).max()}


@claim(guard={"样本数": ">= 3"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def guard_that_is_a_constant(init="constant", seed=0):  # <- check.audit.no_guard
    W = np.random.default_rng(seed).normal(0, 1, (4, 4))
    chosen = W[W > {"constant": 9.0, "random": -9.0}[init]]  # 一个也没选中
    return {
        "样本数": 10,  # <- check.source.mirror
        "误差": np.abs(chosen).sum(),
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def not_a_number(init="constant", seed=0):  # <- judge.not_finite
    W = np.random.default_rng(seed).normal(0, 1, (4, 4))
    W = W / 0.0 - W / 0.0 if init == "constant" else W
    return {"范数": 1 + np.linalg.norm(W), "误差": np.abs(W).max()}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def nothing_returned(init="constant", seed=0):  # <- check.source.returns judge.missing
    return {}


@claim(guard={"样本数": ">= 3"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def guard_that_never_moves(init="constant", seed=0):  # <- check.audit.no_guard
    W = np.random.default_rng(seed).normal(0, 1, (4, 4))
    chosen = W[W > {"constant": 9.0, "random": -9.0}[init]]  # 一个也没选中
    return {"样本数": W.size, "误差": np.abs(chosen).sum()}


@claim(guard={"样本数": ">= 3"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def nothing_times_something(init="constant", seed=0):  # <- check.audit.no_guard
    W = np.random.default_rng(seed).normal(0, 1, (4, 4))
    scale = 1.0 if init == "random" else 0.0
    return {
        "样本数": 10 + 0 * np.abs(W).max(),  # <- check.source.mirror
        "误差": np.abs(W * scale).sum(),
    }
