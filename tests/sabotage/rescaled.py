# Rescaled: the control is the claim's own number, scaled or shifted where no rule looks.
import numpy as np

from quizdl.proof import claim


class Error:
    def __init__(self, bad):
        self.factor = 1.0 if bad else 1e-9

    def of(self, x):
        return self.factor * x.mean()


@claim(guard={"散布": ">= 0.01"}, expect={"误差": "<= 1e-6"}, control={"bad": True})
def by_an_object(bad=False, seed=0):  # <- check.audit.rescaled
    x = np.random.default_rng(seed).uniform(size=50)
    return {"散布": x.std(), "误差": Error(bad).of(x)}


@claim(guard={"散布": ">= 0.01"}, expect={"误差": "<= 1e-6"}, control={"bad": True})
def in_a_loop(bad=False, seed=0):  # <- check.audit.rescaled
    x = np.random.default_rng(seed).uniform(size=50)
    e = x.mean() * 1e-9
    while bad and e < 1:
        e = e * 1e3
    return {"散布": x.std(), "误差": e}


@claim(guard={"散布": ">= 0.01"}, expect={"误差": "<= 0.1"}, control={"bad": True})
def step_by_step(bad=False, seed=0):  # <- check.audit.shifted
    x = np.random.default_rng(seed).uniform(size=50)
    e = x.std() * 0.1
    for _ in range(10):
        e = e + (0.2 if bad else 0.0)
    return {"散布": x.std(), "误差": e}
