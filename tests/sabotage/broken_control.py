# Broken control: it takes the experiment away instead of the mechanism.
import numpy as np

from quizdl.proof import claim


def outcome(how, x):
    if how == "broken":
        raise ValueError("no such way")
    return {"double": x + x, "nothing": 9 + 0 * x}[how]


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"scale": 0.0})
def breaks_the_guard(scale=1.0, seed=0):  # <- judge.guard_broken
    x = scale * np.random.default_rng(seed).uniform(2, 3, 20)
    return {"范数": np.linalg.norm(x), "误差": np.abs(outcome("double", x) - 2 * x).max()}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "broken"})
def raises(how="double", seed=0):  # <- proof.exception
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    return {"范数": np.linalg.norm(x), "误差": np.abs(outcome(how, x) - 2 * x).max()}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "other"})
def knows_no_such_way(how="double", seed=0):  # <- proof.exception
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    return {"范数": np.linalg.norm(x), "误差": np.abs(outcome(how, x) - 2 * x).max()}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "nan"})
def is_not_a_number(how="double", seed=0):  # <- judge.not_finite
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    y = x + x if how == "double" else x * np.nan
    return {"范数": np.linalg.norm(x), "误差": np.abs(y - 2 * x).max()}
