"""The lab: a claim's parameters as dials, and where along a dial the claim stops being true.

Pure: it says what to run and reads what was measured. Who runs it is the screen's business.
"""

from __future__ import annotations

import enum
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from quizdl.model import (
    Bound,
    Claim,
    Figure,
    FigureKind,
    Knob,
    Params,
    Sample,
    Series,
    Value,
)
from quizdl.words import say

_STEPS = 24
"""Positions of a dial over a range, before those that must be among them."""
_WIDE = 20
"""A range of positive numbers whose ends are this many times apart is turned by ratios."""
_DIGITS = 2
"""Significant digits of a position: 0.012, not 0.0118763."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One parameter and the values it can be turned to, in order."""

    name: str
    positions: tuple[Value, ...]
    default: Value
    ranged: bool
    """The positions lie on a range, not in a list of choices."""
    log: bool = False

    def turn(self, value: Value, steps: int) -> Value:
        """`steps` positions on from `value`; stops at the ends of a range, goes round a list."""
        at = self.positions.index(value) + steps
        if self.ranged:
            return self.positions[max(0, min(at, len(self.positions) - 1))]
        return self.positions[at % len(self.positions)]


def dials(claim: Claim) -> tuple[Dial, ...]:
    """A dial for each knob of the claim; its default and the values of its controls are always
    among the positions."""
    return tuple(_dial(knob, claim) for knob in claim.knobs)


def _dial(knob: Knob, claim: Claim) -> Dial:
    default = claim.defaults[knob.name]
    if knob.choices:
        return Dial(knob.name, knob.choices, default, ranged=False)
    musts = [default, *(c[knob.name] for c in claim.controls if knob.name in c)]
    whole = all(isinstance(value, int) for value in (knob.low, knob.high, *musts))
    log = knob.low > 0 and knob.high / knob.low >= _WIDE
    if whole and knob.high - knob.low <= _STEPS:
        values = {float(value) for value in range(int(knob.low), int(knob.high) + 1)}
    else:
        values = {_between(knob, step / (_STEPS - 1), log) for step in range(_STEPS)}
        if whole:
            values = {float(round(value)) for value in values}
    values = {min(max(value, knob.low), knob.high) for value in values}
    values |= {knob.low, knob.high, *(float(value) for value in musts)}
    kind = int if whole else float
    return Dial(knob.name, tuple(kind(v) for v in sorted(values)), default, ranged=True, log=log)


def _between(knob: Knob, share: float, log: bool) -> float:
    if log:
        value = knob.low * (knob.high / knob.low) ** share
    else:
        value = knob.low + (knob.high - knob.low) * share
    return float(f"{value:.{_DIGITS - 1}e}") if log else float(f"{value:.{_DIGITS}e}")


class State(enum.Enum):
    """What the numbers of the claim itself say, without its controls."""

    UNKNOWN = "unknown"
    HOLDS = "holds"
    EMPTY = "empty"
    """A guard is broken: at this setting there is nothing to be claimed."""
    FAILS = "fails"


def state(claim: Claim, samples: Iterable[Sample], arm: int = 0) -> State:
    """Of one arm, over all seeds measured."""
    numbers = [sample.numbers for sample in samples if sample.arm == arm]
    if not numbers:
        return State.UNKNOWN
    if not all(_meets(claim.guards, each) for each in numbers):
        return State.EMPTY
    return State.HOLDS if all(_meets(claim.expects, each) for each in numbers) else State.FAILS


def _meets(bounds: Mapping[str, Bound], numbers: Mapping[str, float]) -> bool:
    return all(bound.holds(numbers.get(name, math.nan)) for name, bound in bounds.items())


def alone(claim: Claim) -> Claim:
    """The claim without its controls: what a sweep has to run."""
    return replace(claim, controls=())


@dataclass(frozen=True, slots=True)
class Flip:
    """Between two neighbouring positions the claim's state changes."""

    before: Value
    after: Value
    was: State
    now: State


@dataclass(frozen=True, slots=True)
class Sweep:
    """One dial turned through all its positions, everything else as it was."""

    claim: Claim
    dial: Dial
    samples: tuple[tuple[Sample, ...], ...]
    """Per position, what has been measured so far."""

    @classmethod
    def empty(cls, claim: Claim, dial: Dial) -> Sweep:
        return cls(claim, dial, ((),) * len(dial.positions))

    def settings(self, params: Params) -> list[Params]:
        """The parameters of every position, those of the lab being `params`."""
        return [{**params, self.dial.name: value} for value in self.dial.positions]

    def plus(self, position: int, sample: Sample) -> Sweep:
        found = list(self.samples)
        found[position] = (*found[position], sample)
        return replace(self, samples=tuple(found))

    def states(self) -> list[State]:
        return [state(self.claim, samples) for samples in self.samples]

    def flips(self) -> list[Flip]:
        """Where the state changes, among the positions measured."""
        known = [
            (value, found)
            for value, found in zip(self.dial.positions, self.states(), strict=True)
            if found is not State.UNKNOWN
        ]
        return [
            Flip(before, after, was, now)
            for (before, was), (after, now) in pairwise(known)
            if was is not now
        ]

    def deciding(self) -> str:
        """The expectation that breaks at most positions: the one to look at."""
        broken = {
            name: sum(
                not bound.holds(sample.numbers.get(name, math.nan))
                for samples in self.samples
                for sample in samples
            )
            for name, bound in self.claim.expects.items()
        }
        return max(broken, key=lambda name: broken[name])

    def figure(self, name: str) -> Figure:
        """The number `name` along the dial: its worst seed and its median, against its bound."""
        bound = {**self.claim.guards, **self.claim.expects}[name]
        values = [
            [sample.numbers[name] for sample in samples if name in sample.numbers]
            for samples in self.samples
        ]

        def series(key: str, of: Callable[[Sequence[float]], float]) -> Series:
            x = [(at, of(each)) for at, each in zip(self._axis(), values, strict=True) if each]
            return Series(say(f"lab.{key}"), tuple(p for p, _ in x), tuple(v for _, v in x))

        worst = series("worst", lambda each: min(each, key=bound.slack))
        middle = series("median", statistics.median)
        limits = (bound.low, bound.high) if bound.op == "in" else (bound.low,)
        finite = [abs(v) for v in (*worst.y, *middle.y, *limits) if math.isfinite(v)]
        positive = all(v > 0 for v in (*worst.y, *middle.y, *limits) if math.isfinite(v))
        return Figure(
            FigureKind.LINE if self.dial.ranged else FigureKind.BAR,
            say("lab.sweep.title", name=name, dial=self.dial.name),
            (worst, middle),
            x_label=self.dial.name,
            categories=() if self.dial.ranged else tuple(map(str, self.dial.positions)),
            log_x=self.dial.log,
            log_y=bool(finite) and positive and max(finite) > _WIDE * min(finite),
            rules=tuple((say("lab.bound", bound=bound.text), limit) for limit in limits),
        )

    def _axis(self) -> list[float]:
        if self.dial.ranged:
            return [float(value) for value in self.dial.positions]
        return [float(at) for at in range(len(self.dial.positions))]
