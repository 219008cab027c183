# Result channel: ways to whoever called the claim, and to the pipe its numbers go through.
import ctypes  # <- check.source.import
import gc  # <- check.source.import
import importlib  # <- check.source.import
import inspect  # <- check.source.import
import json  # <- check.source.import
import os  # <- check.source.import
import quizdl.proof.child  # <- check.source.import
from sys import _getframe  # <- check.source.import

import collections
import functools
import itertools
from collections.abc import sys  # <- check.source.import

import numpy as np

from . import neighbour  # <- check.source.import
from quizdl.proof import child, claim  # <- check.source.import
from quizdl.proof.judge import judge  # <- check.source.import
from numpy import *  # <- check.source.import


def forged(how, seed):
    os.write(200, json.dumps({"run": 0, "numbers": {"误差": 1e-12}, "ms": 1}).encode() + b"\n")
    os._exit(0)


def reached(f):
    yield _getframe(1).f_back  # <- check.source.reach
    yield f.__globals__  # <- check.source.reach
    yield f.__closure__  # <- check.source.reach
    yield ().__class__.__base__.__subclasses__()  # <- check.source.reach
    yield (x for x in ()).gi_frame  # <- check.source.reach
    yield open("/proc/self/fd/200", "wb")  # <- check.source.reach
    yield eval("1"), exec("2"), compile("3", "", "eval")  # <- check.source.reach
    yield __import__("os")  # <- check.source.reach
    yield __builtins__  # <- check.source.reach
    yield globals(), locals()  # <- check.source.reach
    yield getattr(np, "o" + "s")  # <- check.source.reach
    yield collections._sys  # <- check.source.reach
    yield functools.cache  # <- check.source.reach
    yield np.ctypeslib.load_library  # <- check.source.reach
    yield np.zeros(3).ctypes  # <- check.source.reach
    yield np.zeros(3).tofile("/dev/fd/200")  # <- check.source.reach
    yield np.random.default_rng(f()).bit_generator  # <- check.source.reach
    yield np.save("x", 1)  # <- check.source.reach
    yield np.load("x")  # <- check.source.reach
    yield np.polynomial.polyutils.np.load  # <- check.source.reach
    yield np.linalg.linalg  # <- check.source.reach
    yield np.lib.format.os  # <- check.source.reach
    yield itertools.count, functools.os  # <- check.source.reach
    yield type(f)  # <- check.source.reach


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def written_directly(how="good", seed=0):
    return forged(how, seed)
