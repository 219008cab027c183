# Constant: no number moves with any seed or control.
import numpy as np

from quizdl.proof import claim


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def literals(init="constant", seed=0):  # <- check.audit.constant judge.control_holds
    return {
        "范数": 2.0,  # <- check.source.mirror
        "误差": 1e-12,  # <- check.source.mirror
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def computed_from_nothing(init="constant", seed=0):  # <- check.audit.constant
    grid = np.linspace(0, 1, 50)
    total = 0.0
    for x in grid:
        total += np.exp(-x * x) / 50
    return {"范数": total, "误差": 1e-15 * total}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"init": "random"})
def a_seed_for_show(init="constant", seed=0):  # <- check.audit.seedless
    rng = np.random.default_rng(seed)
    rng.normal(0, 1, 10)
    total = 0.0
    for x in np.linspace(0, 1, 50):
        total += np.exp(-x * x) / 50 if init == "random" else 1e-12
    return {"范数": 1 + total, "误差": total - 1e-13}
