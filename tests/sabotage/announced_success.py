# Announced success: printed, asserted, or an exit code.
import sys  # <- check.source.import

import numpy as np

from quizdl.proof import claim


def error(how, seed):
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    return np.abs({"double": x + x, "square": x**2}[how] - 2 * x).max()


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def printed(how="square", seed=0):
    print('{"run": 0, "numbers": {"误差": 9}, "ms": 1}')  # <- check.source.prints
    return {"误差": error(how, seed)}


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def asserted(how="square", seed=0):
    assert error("square", seed) > 0.1  # <- check.source.asserts
    return {"误差": error(how, seed)}


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def left(how="square", seed=0):  # <- proof.exception
    if how == "double":
        raise SystemExit(0)  # <- check.source.exits
    return {"误差": error(how, seed)}


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def left_by_name(how="square", seed=0):
    if how == "double":
        exit(0)  # <- check.source.exits
    return {"误差": error(how, seed)}


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def written(how="square", seed=0):
    sys.stdout.write("PROVED\n")
    return {"误差": error(how, seed)}


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def swallowed(how="square", seed=0):
    found = 0.0
    try:  # <- check.source.swallows
        found = error("cube", seed)
    except KeyError:
        found = error(how, seed)
    return {"误差": found}


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def returned_in_the_end(how="square", seed=0):
    try:  # <- check.source.swallows
        error("cube", seed)
    finally:
        return {"误差": error(how, seed)}
