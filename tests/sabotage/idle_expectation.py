# Idle expectation: holds under the claim, every control and every knob.
import numpy as np

from quizdl.proof import claim


@claim(
    guard={"范数": ">= 0.1"},
    expect={"误差": "<= 1e-9", "余弦": "<= 1.5"},
    control={"how": "cube"},
    knobs={"how": ["double", "cube", "square"]},
)
def looser_than_anything(how="double", seed=0):  # <- check.audit.idle
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    y = {"double": x + x, "square": x**2, "cube": x**3}[how]
    cosine = (x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y)
    return {"范数": np.linalg.norm(x), "误差": np.abs(y - 2 * x).max(), "余弦": cosine}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sum"})
def control_that_changes_nothing(how="double", seed=0):  # <- judge.control_holds
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    y = {"double": 2 * x, "sum": x + x}[how]
    return {"范数": np.linalg.norm(x), "误差": np.abs(y - x * 2).max()}
