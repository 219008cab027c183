"""What a demo imports: the `claim` decorator."""

from __future__ import annotations

import atexit
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from quizdl.model import Figure, Params, Value

Function = TypeVar("Function", bound=Callable[..., Mapping[str, float | Figure]])


def claim(
    *,
    expect: Mapping[str, str],
    control: Params | Sequence[Params],
    guard: Mapping[str, str] | None = None,
    knobs: Mapping[str, Sequence[Value]] | None = None,
) -> Callable[[Function], Function]:
    """Declare the experiment that proves one sentence of an answer.

    The function below it takes parameters with literal defaults, and `seed` when it uses
    randomness, and returns named real numbers, and named figures to be looked at (`line`,
    `scatter`, `bar`, `hist`, `heatmap`), which are never judged. Everything here must be
    written as a literal: quizdl reads it from the source text and never asks the running demo.

    - `expect`: number name -> bound; these decide (`"<= 1e-9"`, `"in [0.9, 1.1]"`).
    - `guard`: number name -> bound; these show that the claim is not empty, and must hold
      under the control as well.
    - `control`: changed parameters (or a list of such sets) that take the mechanism away;
      under each of them some expectation must fail, in every seed.
    - `knobs`: what a learner may turn: two numbers are an inclusive range, anything else
      is a list of choices.

    The function is returned as it is. Run as a script, a demo prints a table of all its
    claims when it ends.
    """
    del expect, control, guard, knobs

    def mark(function: Function) -> Function:
        if function.__module__ == "__main__" and sys.argv and sys.argv[0].endswith(".py"):
            atexit.unregister(_print_table)
            whole = inspect.unwrap(function)  # below @np.errstate
            atexit.register(_print_table, Path(whole.__code__.co_filename))
        return function

    return mark


def _print_table(path: Path) -> None:
    """Runs at the end of `python demo.py`, unless the script itself failed."""
    if getattr(sys, "last_value", None) is None:
        from quizdl.proof.script import print_table

        print_table(path, sys.modules["__main__"])
