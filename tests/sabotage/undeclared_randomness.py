# Undeclared randomness: something other than the seed decides.
import random  # <- check.source.import
import time  # <- check.source.import
from os import urandom  # <- check.source.import

import numpy as np
from numpy.random import rand  # <- check.source.random

from quizdl.proof import claim

SHARED = np.random.default_rng(3)  # <- check.source.fixed_seed


def tanh_error(x, how):
    x = np.clip(x, -3, 3)
    y = 2 / (1 + np.exp(-2 * x)) - 1 if how == "tanh" else 2 / (1 + np.exp(-x)) - 1
    return {"范数": np.linalg.norm(x), "误差": np.abs(y - np.tanh(x)).max()}


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def global_state(how="tanh", seed=0):
    return tanh_error(np.random.normal(0, 1, 9), how)  # <- check.source.random


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def seeding_the_global_state(how="tanh", seed=0):
    np.random.seed(seed)  # <- check.source.random
    return tanh_error(rand(9), how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def no_seed(how="tanh", seed=0):  # <- check.audit.unrepeatable
    return tanh_error(np.random.default_rng().normal(0, 1, 9), how)  # <- check.source.random


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def seed_written_down(how="tanh", seed=0):  # <- check.audit.seedless
    return tanh_error(np.random.default_rng(7).normal(0, 1, 9), how)  # <- check.source.fixed_seed


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def shared_generator(how="tanh", seed=0):  # <- check.audit.order
    return tanh_error(SHARED.normal(0, 1, 9), how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def standard_library(how="tanh", seed=0):
    return tanh_error(np.array([random.random() for _ in range(9)]), how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def clock(how="tanh", seed=0):  # <- check.audit.unrepeatable
    return tanh_error(np.arange(1, 9) * (time.perf_counter() % 1 + 0.1), how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def system(how="tanh", seed=0):  # <- check.audit.unrepeatable
    return tanh_error(np.array([*urandom(9)]) / 256 + 0.1, how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def hashes(how="tanh", seed=0):
    start = hash("tanh") % 97  # <- check.source.random
    start += id(tanh_error) % 97  # <- check.source.random
    return tanh_error(np.arange(1, 9) / (start + 1) + 0.3, how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def order_of_a_set(how="tanh", seed=0):
    words = [*{"b", "a", "c"}]  # <- check.source.set_order
    for word in set("abc"):  # <- check.source.set_order
        words.append(word)
    return tanh_error(np.arange(1, 9) / (1 + words.index("a")), how)


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "sigmoid"})
def date(how="tanh", seed=0):
    now = np.datetime64("now").astype(float)  # <- check.source.reach check.source.random
    return tanh_error(np.arange(1, 9) * (now % 7 + 1) / 9, how)
