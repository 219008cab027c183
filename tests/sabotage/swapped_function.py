# Swapped function: what runs is not what is read.
import numpy as np

from quizdl.proof import claim


def rigged(function):
    return lambda how="good", seed=0: {"范数": 1.0, "误差": 0.0 if how == "good" else 1.0}


def fake(**_):
    return lambda function: function


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
@rigged  # the decorator
def decorated(how="good", seed=0):  # <- check.source.decorator
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    y = {"good": x + x, "bad": x**2}[how]
    return {"范数": np.linalg.norm(x), "误差": np.abs(y - 2 * x).max()}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def replaced(how="good", seed=0):  # <- check.source.rebound
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    y = {"good": x + x, "bad": x**2}[how]
    return {"范数": np.linalg.norm(x), "误差": np.abs(y - 2 * x).max()}


replaced = rigged(replaced)


class Liar(dict):
    def __iter__(self):
        return iter(["误差"])

    def __getattribute__(self, name):  # <- check.source.reach
        return 0.0
