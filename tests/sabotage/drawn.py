# Drawn: the deciding number is a random draw, and nothing was measured.
import numpy as np

from quizdl.proof import claim

RANGES = {"good": (0.0, 0.1), "bad": (0.8, 1.0)}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 0.2"}, control={"how": "bad"})
def from_a_range(how="good", seed=0):
    rng = np.random.default_rng(seed)
    low, high = RANGES[how]
    return {
        "范数": np.linalg.norm(rng.normal(0, 1, 9)),
        "误差": rng.uniform(low, high),  # <- check.source.drawn
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 0.2"}, control={"how": "bad"})
def one_of_two(how="good", seed=0):
    rng = np.random.default_rng(seed)
    error = rng.uniform(0, 0.1) if how == "good" else 1 - 0.1 * rng.random()
    return {
        "范数": np.linalg.norm(rng.normal(0, 1, 9)),
        "误差": float(error),  # <- check.source.drawn
    }


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 0.2"}, control={"level": 0.9})
def average_of_draws(level=0.05, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "范数": np.linalg.norm(rng.normal(0, 1, 9)),
        "误差": np.mean(rng.normal(level, 0.01, 30)),  # <- check.source.drawn
    }
