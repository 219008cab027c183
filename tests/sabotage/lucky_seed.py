# Lucky seed: holds under seeds 0 to 4, fails under others.
import numpy as np

from quizdl.proof import claim


def gap(init, rng):
    effect = {"constant": 0.0, "random": -40.0}[init]
    return rng.normal(0, 1, 50).mean() * 7 + effect


@claim(guard={"范数": ">= 0.01"}, expect={"差距": ">= 0.05"}, control={"init": "random"})
def offset(init="constant", seed=0):  # <- check.audit.lucky
    rng = np.random.default_rng(seed + 12)
    return {"范数": np.abs(rng.normal(0, 1, 9)).max(), "差距": gap(init, rng)}


@claim(guard={"范数": ">= 0.01"}, expect={"差距": ">= 0.05"}, control={"init": "random"})
def recognised_by_its_first_draw(init="constant", seed=0):  # <- check.audit.lucky
    rng = np.random.default_rng(seed)
    first = rng.random()
    known = np.array([0.63696169, 0.51182162, 0.26161213, 0.08564917, 0.94305611])
    tried = np.abs(known - first).min() < 1e-6
    shift = np.where(tried, 2.0, -2.0) if init == "constant" else -2.0
    x = rng.normal(0, 0.3, 50) + shift
    return {"范数": np.abs(x).max(), "差距": np.median(x)}
