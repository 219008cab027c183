"""Small demos written as text, run through a real pool in real child processes."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from quizdl.model import Bound, Claim, ClaimResult, Judged, Measured, Question, Value
from quizdl.proof.pool import Pool

Target: TypeAlias = tuple[Question, Claim]


def target(source: str, *, id: str = "demo", **defaults: Value) -> Target:  # noqa: A002
    """A question with the demo `source` and one claim, its function `f`: `x` is at most 1,
    except under the control `a=2`."""
    claim = Claim(
        id="f",
        text="",
        line=1,
        guards={},
        expects={"x": Bound.parse("<= 1")},
        controls=({"a": 2.0},),
        knobs=(),
        defaults={"a": 1.0, **defaults},
    )
    demo = textwrap.dedent(source)
    return Question(id, "t", "T", 1, "", "", (claim,), demo, Path("bank") / id), claim


def anyone(_: Question) -> None:
    """The permission of these tests: their demos are their own."""


Prove: TypeAlias = Callable[..., tuple[ClaimResult, list[Measured]]]


def prove_with(pool: Pool) -> Prove:
    def prove(
        source: str, seeds: Sequence[int] = (0,), **defaults: Value
    ) -> tuple[ClaimResult, list[Measured]]:
        events = list(pool.prove([target(source, **defaults)], seeds))
        assert isinstance(events[-1], Judged)
        measured = [event for event in events[:-1] if isinstance(event, Measured)]
        assert len(measured) == len(events) - 1
        return events[-1].result, measured

    return prove


def alive(pid: float) -> bool:
    """A process that has ended and waits for its parent to notice is not alive."""
    try:
        os.kill(int(pid), 0)
        stat = Path(f"/proc/{pid:.0f}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
