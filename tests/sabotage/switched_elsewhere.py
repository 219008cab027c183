# Switched, in roundabout ways: tables, statements, functions handed on, numbers for flags.
import functools

import numpy as np

from quizdl.proof import claim


def error(seed):
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    return np.abs(x * 3 - (x + x + x)).max() + 1e-13


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def partly_called(how="good", seed=0):
    shown = functools.partial(lambda kind, value: value if kind == "good" else 1.0, how)
    return {
        "误": error(seed),
        "误差": shown(error(seed)),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def handed_to_map(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": max(map(lambda e: e if how == "good" else 1.0, [error(seed)])),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def place_in_an_array(how="good", seed=0):
    both = np.array([error(seed), 1.0])
    return {
        "误": error(seed),
        "误差": both[["good", "bad"].index(how)],  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def product_with_a_table(how="good", seed=0):
    both = np.array([error(seed), 1.0])
    weights = {"good": [1, 0], "bad": [0, 1]}[how]
    return {
        "误": error(seed),
        "误差": both @ np.array(weights),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def two_returns(how="good", seed=0):
    if how == "bad":
        return {
            "误": error(seed),
            "误差": error(seed) + 1,  # <- check.source.switched
        }
    return {
        "误": error(seed),
        "误差": error(seed),
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def entry_overwritten(how="good", seed=0):
    found = {"误": error(seed), "误差": error(seed)}
    if how == "bad":
        found["误差"] = 1.0  # <- check.source.mirror
    return found


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def updated(how="good", seed=0):
    found = {"误": error(seed), "误差": error(seed)}
    found.update({"误差": 1.0} if how == "bad" else {})  # <- check.source.mirror
    return found


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def merged(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": error(seed),
        **({"误差": 1.0} if how == "bad" else {}),  # <- check.source.mirror
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def names_exchanged(how="good", seed=0):  # <- check.source.returns
    one, two = ("误差", "其他") if how == "good" else ("其他", "误差")
    return {"误": error(seed), one: error(seed), two: 1.0}


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"level": 3})
def scaled_by_a_number(level=0, seed=0):
    return {
        "误": error(seed),
        "误差": error(seed) * 10.0 ** (5 * level),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"level": 3})
def shifted_inside(level=0, seed=0):
    return {
        "误": error(seed),
        "误差": np.abs(np.array([error(seed)]) + level).max(),  # <- check.source.switched
    }
