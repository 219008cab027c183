"""One run of a claim: the call, its time, and what counts as a measurement.

The child and `python demo.py` both call a claim through here, so that neither takes for a
number what the other refuses.
"""

from __future__ import annotations

import dataclasses
import inspect
import numbers
import time
from collections.abc import Callable, Mapping

from quizdl.model import Figure, Params
from quizdl.proof.figures import FIGURES, FigureError, check
from quizdl.proof.seal import broken
from quizdl.words import say


class DemoError(Exception):
    """The demo broke the rules of a claim; the message is a sentence for its author."""


def call(
    function: Callable[..., object], params: Params, seed: int
) -> tuple[dict[str, float], tuple[Figure, ...], float]:
    """The numbers that one run measured, its figures, each with its name as the title, and
    its milliseconds; `seed` goes to who takes one.

    Raises DemoError for what is not a mapping of names to real numbers and figures and for a
    NumPy that is not the one that was loaded, and whatever the function raises.
    """
    takes_seed = "seed" in inspect.signature(function).parameters
    arguments = {**params, "seed": seed} if takes_seed else params
    started = time.perf_counter()
    returned = function(**arguments)
    ms = (time.perf_counter() - started) * 1e3
    if patched := broken():
        raise DemoError(say("proof.patched", name=patched))
    if not isinstance(returned, Mapping):
        raise DemoError(say("proof.not_mapping", type=type(returned).__name__))
    drawn = {name: value for name, value in returned.items() if isinstance(value, Figure)}
    measured = {name: value for name, value in returned.items() if name not in drawn}
    return _real_numbers(measured), _figures(drawn), ms


def _figures(drawn: Mapping[str, Figure]) -> tuple[Figure, ...]:
    if len(drawn) > FIGURES:
        raise DemoError(say("figure.too_many", what=say("figure.figures"), most=FIGURES))
    try:
        return tuple(
            check(dataclasses.replace(figure, title=name)) for name, figure in drawn.items()
        )
    except FigureError as error:
        raise DemoError(str(error)) from None


def _real_numbers(returned: Mapping[object, object]) -> dict[str, float]:
    """Name -> float, in order. Raises DemoError for anything that is not a real number; a
    truth value is a conclusion, not a measurement."""
    import numpy as np

    found = {}
    for name, value in returned.items():
        if not isinstance(name, str):
            raise DemoError(say("proof.not_name", name=repr(name)))
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        if isinstance(value, bool | np.bool_):
            raise DemoError(say("proof.truth_value", name=name))
        if not isinstance(value, numbers.Real):
            raise DemoError(say("proof.not_number", name=name, type=type(value).__name__))
        found[name] = float(value)
    return found
