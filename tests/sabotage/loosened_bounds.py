# Loosened bounds: they sit on the number, or on the control, and bind nothing.
import numpy as np

from quizdl.proof import claim


def share(level, seed, spread=0.0005):
    x = np.random.default_rng(seed).normal(0, spread, (20, 400))
    return 0.5 + level + np.tanh(x).mean(axis=1).max()


@claim(guard={"占比": ">= 0.1"}, expect={"份额": "<= 0.5012"}, control={"level": 0.5})
def within_a_hair(level=0.001, seed=0):  # <- check.audit.hair
    return {"占比": share(0, seed), "份额": np.abs(share(level, seed))}


@claim(guard={"占比": ">= 0.1"}, expect={"份额": "<= 0.998"}, control={"level": 0.5})
def control_hardly_breaks(level=0.0, seed=0):  # <- check.audit.close
    return {"占比": share(0, seed), "份额": np.sqrt(share(level, seed) ** 2) - 0.00195}


@claim(guard={"误": ">= 1e-30"}, expect={"误差": "== 0"}, control={"how": "sum"})
def rounding_for_a_control(how="three", seed=0):  # <- check.audit.close
    x = np.random.default_rng(seed).uniform(2, 3, 4000)
    y = {"three": 3 * x, "sum": x * 0.3 * 10}[how]
    return {"误": np.abs(x).max(), "误差": np.abs(y - x * 3).max()}


@claim(guard={"占比": ">= 0.1"}, expect={"份额": "<= 0.9"}, control={"level": 1.4})
def control_within_the_noise(level=0.0, seed=0):  # <- check.audit.overlap
    x = np.random.default_rng(seed).uniform(-1, 1, 1)
    return {"占比": share(0, seed), "份额": 0.3 + np.abs(x + level * np.sign(x)).max() / 2}


@claim(guard={"占比": ">= 0.1"}, expect={"误差": "<= 1e-16"}, control={"how": "sum"})
def rounding_again(how="three", seed=0):  # <- check.audit.close
    x = np.random.default_rng(seed).uniform(2, 3, 4000)
    y = {"three": 3 * x, "sum": x * 0.3 * 10}[how]
    return {"占比": np.abs(x).max(), "误差": np.abs(y - x * 3).max()}
