# Special values: the claim's own parameters take a path of their own.
import numpy as np

from quizdl.proof import claim


def descend(lr, steps, seed):
    w = np.random.default_rng(seed).uniform(1, 2, 20)
    for _ in range(steps):
        w = w - lr * w
    return np.abs(w).max()


def rate(lr):
    return 0.9 if lr == 0.05 else lr / 10


@claim(guard={"起点": ">= 0.5"}, expect={"距离": "<= 1e-9"}, control={"steps": 3})
def one_number_of_steps(steps=60, seed=0):
    lr = 0.5 if steps == 60 else 0.1  # <- check.source.special
    return {"起点": descend(0.0, 1, seed), "距离": descend(lr, steps, seed)}


@claim(guard={"起点": ">= 0.5"}, expect={"距离": "<= 1e-9"}, control={"lr": 0.001})
def one_rate_in_a_helper(lr=0.05, seed=0):  # <- check.audit.exact
    return {"起点": descend(0.0, 1, seed), "距离": descend(rate(lr), 60, seed)}
