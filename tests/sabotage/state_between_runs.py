# State between runs: a run sees what ran before it.
import itertools

import numpy as np

from quizdl.proof import claim

CALLS = []
STATE = {"n": 0}
COUNTER = itertools.count()
COUNT = 0


class Memory:
    seen = 0


def outcome(x, how):
    y = {"double": x + x, "square": x**2}[how]
    return {"范数": np.linalg.norm(x), "误差": np.abs(y - 2 * x).max()}


def draw(seed):
    return np.random.default_rng(seed).uniform(3, 4, 20)


def alias(into=CALLS):  # <- check.source.state
    into.append(1)
    return len(into)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def behind_an_alias(how="double", seed=0):  # <- check.audit.order
    return outcome(draw(seed) + alias(), how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def list_of_calls(how="double", seed=0):  # <- check.audit.order
    CALLS.append(seed)  # <- check.source.state check.source.seed
    return outcome(draw(seed) + len(CALLS), how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def entry(how="double", seed=0):  # <- check.audit.order
    STATE["n"] += 1  # <- check.source.state
    return outcome(draw(seed) + STATE["n"], how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def counter(how="double", seed=0):  # <- check.audit.order
    return outcome(draw(seed) + next(COUNTER), how)  # <- check.source.state


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def global_name(how="double", seed=0):  # <- check.audit.order
    global COUNT  # <- check.source.state
    COUNT += 1
    return outcome(draw(seed) + COUNT, how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def of_a_function(how="double", seed=0):
    outcome.calls = 1  # <- check.source.state
    Memory.seen += 1  # <- check.source.state
    return outcome(draw(seed) + Memory.seen, how)


def remember(x, seen=[]):  # <- check.source.state
    seen.append(x)
    return len(seen)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def default_that_grows(how="double", seed=0):  # <- check.audit.order
    return outcome(draw(seed) + remember(1), how)


def numbering():
    n = 0

    def following():
        nonlocal n  # <- check.source.state
        n += 1
        return n

    return following


FOLLOWING = numbering()


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def closure(how="double", seed=0):  # <- check.audit.order
    return outcome(draw(seed) + FOLLOWING(), how)


def last(x):
    calls = CALLS
    calls.append(x)
    return len(calls)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def another_name_for_it(how="double", seed=0):  # <- check.audit.order
    return outcome(draw(seed) + last(1), how)


TOTAL = np.zeros(3)
GENERATED = (each for each in range(10**6))


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def array_written_by_numpy(how="double", seed=0):  # <- check.audit.order
    np.add(TOTAL, 1, out=TOTAL)
    return outcome(draw(seed) + TOTAL.max(), how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def generator_used_up(how="double", seed=0):  # <- check.audit.order
    for each in GENERATED:
        break
    return outcome(draw(seed) + each, how)


remembering = lambda x, seen=[]: seen.append(x) or len(seen)  # <- check.source.state


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def lambda_that_grows(how="double", seed=0):  # <- check.audit.order
    return outcome(draw(seed) + remembering(1), how)
