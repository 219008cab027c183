# Same object: the two sides of an identity are one and the same thing.
import numpy as np

from quizdl.proof import claim


def layer(how, seed):
    x = np.random.default_rng(seed).normal(0, 1, (8, 8))
    return np.tanh(x) if how == "tanh" else x


@claim(guard={"输出": ">= 0.1"}, expect={"差": "<= 1e-9"}, control={"how": "relu"})
def behind_another_name(how="tanh", seed=0):
    one = layer("tanh", seed)
    two = one if how == "tanh" else layer(how, seed)
    return {
        "输出": np.abs(one).max(),
        "差": np.abs(one - two).max(),  # <- check.source.itself
    }


@claim(guard={"输出": ">= 0.1"}, expect={"差": "<= 1e-9"}, control={"how": "relu"})
def behind_a_copy(how="tanh", seed=0):
    one = layer("tanh", seed)
    if how == "tanh":
        two = one.copy()
    else:
        two = layer(how, seed)
    difference = np.abs(np.array(two) - one).max()
    return {
        "输出": np.abs(one).max(),
        "差": difference,  # <- check.source.itself
    }


@claim(guard={"输出": ">= 0.1"}, expect={"比": "in [0.99, 1.01]"}, control={"how": "relu"})
def divided_by_itself(how="tanh", seed=0):
    x = layer(how, seed)
    return {
        "输出": np.abs(x).max(),
        "比": np.linalg.norm(x) / np.linalg.norm(x),  # <- check.source.itself
    }
