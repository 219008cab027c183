"""The audit: what numbers that satisfied the judge may still say against their claim. Pure.

The judge asks whether declared bounds hold where they should and fail where they should. An
author chooses bounds, controls and seeds, and can choose them so that this means nothing; here
the numbers themselves are asked. Margins are scale-free (`depth`), so that one threshold does
for a ratio near 1, an error of 1e-9 and a count.

What no audit can find: numbers come from the author's process. Numbers that are invented, but
look alive (move with the seed, differ under the control, repeat exactly), prove a sentence as
well as measured ones; only a reader of the code can object. The rules for the source
(`quizdl.check.source`) make such an invention awkward to write and easy to see, no more: they
do not look into loops, nor follow what an object carries (`of_arms` sees only the crudest of
what can be done there), and a helper may compute something else than its name says. What changes
NumPy and puts it back within one call, by a way that the rules miss, is not noticed. Nor can we
know whether a control removes the mechanism that the sentence is about, or another one.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from quizdl.model import Bound, Claim, Knob, Params, Sample, Value
from quizdl.proof.judge import judge
from quizdl.words import listed

HAIR = 0.02
"""Least depth of a deciding number in its bound, whatever its spread. Ours: 0.04 and more."""
NEAR, SPREADS = 0.1, 3.0
"""Least depth of one that is nearer to its bound than so many standard deviations."""
APART = 0.1
"""Least depth of a control's number beyond the bound it breaks. Ours: 0.4 and more."""
GAP = 2.0
"""Least gap between claim and control, in standard deviations of the claim's own number over
the seeds; as it stands or by its logarithm. Ours: 3 and more."""
ROUNDING = 1e-12
"""A control whose number is no further than this from the bound breaks it by rounding."""
WIDE = 4.0
"""An interval whose ends differ by this factor is measured by logarithms."""
RESCALED = 1e5
"""A factor between claim and control, the same in every seed, that no mechanism has. Honest ones
are exact factors, too (bias correction, n - 1 for n, inverted dropout): ours go to 200."""
ALIGNED = 1e-9
"""So exactly, relative to their spread, numbers on one line lie on it."""
LEAST_SEEDS = 4
"""Fewer points say nothing about a line."""
EXACT = 1e-5
"""The unit of depth for `== x`, relative to x or to 1."""


@dataclass(frozen=True, slots=True)
class Objection:
    """`key` names the text below `check.audit`; `values` fill it in."""

    key: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Margins:
    """How far one expectation is from failing, and the controls from not failing."""

    name: str
    depth: float
    """Of the worst seed of the claim in its bound; negative when it is outside."""
    spreads: float
    """The same distance in standard deviations over the seeds."""
    beyond: tuple[float, ...]
    """Per control, depth of its best seed beyond the bound; negative when one holds."""
    gaps: tuple[float, ...]
    """Per control, distance to the claim's nearest number in the claim's spreads."""


def depth(bound: Bound, value: float) -> float:
    """How deep inside `bound` a value lies, on the bound's own scale; negative outside.

    The unit is the bound itself; for one near 1 its distance to 1 (cosines, R², shares); of an
    interval half its width, by logarithms when its ends differ by a factor of four.
    """
    if math.isnan(value):
        return -math.inf
    if bound.op in ("==", "!="):
        off = abs(value - bound.low) / max(abs(bound.low), 1.0)
        if bound.op == "==":
            return -off / EXACT if off else math.inf
        return off / EXACT
    if bound.op == "in":
        low, high = bound.low, bound.high
        if low > 0 and high >= WIDE * low:
            if value <= 0:
                return -math.inf
            low, high, value = math.log(low), math.log(high), math.log(value)
        half = (high - low) / 2
        if half == 0:
            return math.inf if value == low else -abs(value - low) / max(abs(low), 1.0) / EXACT
        return min(value - low, high - value) / half
    inside = bound.low - value if bound.op in ("<", "<=") else value - bound.low
    scale = abs(bound.low)
    if 0.5 < bound.low < 1.5 and bound.low != 1:
        scale = abs(1 - bound.low)
    return inside / (scale or 1.0)


def margins(claim: Claim, samples: Sequence[Sample]) -> tuple[Margins, ...]:
    """Of every expectation, over all `samples`; each arm must have been measured."""
    found = []
    for name, bound in claim.expects.items():
        ours, ends = _values(samples, name, 0), (bound.low, bound.high)
        worst = min(ours, key=lambda value: depth(bound, value))
        beyond, gaps = [], []
        for arm in range(1, len(claim.controls) + 1):
            theirs = _values(samples, name, arm)
            beyond.append(min(-depth(bound, value) for value in theirs))
            if min(abs(value - end) for value in theirs for end in ends) < ROUNDING:
                beyond[-1] = min(beyond[-1], 0.0)
            gaps.append(max(_gap(ours, theirs), _gap(_logs(ours), _logs(theirs))))
        edge = min(ends, key=lambda end: abs(end - worst))
        spread = statistics.pstdev(ours)
        spreads = abs(worst - edge) / spread if spread else math.inf
        found.append(Margins(name, depth(bound, worst), spreads, tuple(beyond), tuple(gaps)))
    return tuple(found)


def _values(samples: Sequence[Sample], name: str, arm: int) -> list[float]:
    return [sample.numbers[name] for sample in samples if sample.arm == arm]


def _logs(values: Sequence[float]) -> list[float]:
    return [
        math.log(value) if value > 0 else -math.inf if value == 0 else math.nan for value in values
    ]


def _gap(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """In spreads of ours; 0 when they overlap or cannot be compared."""
    if any(map(math.isnan, [*ours, *theirs])) or any(map(math.isinf, ours)):
        return 0.0
    gap = max(min(theirs) - max(ours), min(ours) - max(theirs), 0.0)
    spread = statistics.pstdev(ours)
    return gap / spread if spread else math.inf if gap else 0.0


# --- what speaks against a claim ---------------------------------------------------------


def of_guards(claim: Claim, samples: Sequence[Sample]) -> Iterator[Objection]:
    """An experiment that did nothing reports zeros. Some bound has to notice, and on a number
    that moves at all: one that is 10 whatever happens says nothing about what happened."""
    bounds = {**claim.guards, **claim.expects}
    alive = (n for n in bounds if len({repr(s.numbers.get(n)) for s in samples}) > 1)
    if samples and all(bounds[name].holds(0.0) for name in alive):
        yield Objection("no_guard", {"names": listed(claim.expects)})


def of_numbers(claim: Claim, samples: Sequence[Sample]) -> Iterator[Objection]:
    """Numbers that are not alive, or that are a parameter's own value."""
    names = [*claim.guards, *claim.expects]
    if not samples or any(name not in sample.numbers for name in names for sample in samples):
        return
    if all(sample.numbers[name] == 0 for sample in samples if sample.arm == 0 for name in names):
        yield Objection("empty", {})
    elif all(len({repr(s.numbers[name]) for s in samples}) == 1 for name in names):
        yield Objection("constant", {})
    plans = claim.arms()
    for name in claim.expects:
        for key, default in claim.defaults.items():
            if isinstance(default, str) or len({plan[key] for plan in plans}) < 2:
                continue
            pairs = [(s.numbers[name], float(plans[s.arm][key])) for s in samples]
            if any(all(n == a * x + b for n, x in pairs) for a, b in ((1, 0), (-1, 0), (-1, 1))):
                yield Objection("mirror", {"name": name, "param": key})


def of_arms(claim: Claim, samples: Sequence[Sample]) -> Iterator[Objection]:
    """A control whose number is the claim's own, shifted or hugely scaled by the same amount in
    every seed: what was measured is the same, and something was done to it afterwards, however
    well that is hidden (a loop, an object, a name's length)."""
    for name, bound in claim.expects.items():
        ours = _by_seed(samples, name, 0)
        for arm in range(1, len(claim.controls) + 1):
            theirs = _by_seed(samples, name, arm)
            if all(bound.holds(value) for value in theirs) or (line := _line(ours, theirs)) is None:
                continue
            factor, shift = line
            spread = max(ours) - min(ours)
            values = {"name": name, "arm": arm, "factor": f"{factor:.3g}", "shift": f"{shift:.3g}"}
            if abs(factor - 1) <= ALIGNED and abs(shift) > spread:
                yield Objection("shifted", values)
            elif not 1 / RESCALED < abs(factor) < RESCALED:
                yield Objection("rescaled", values)


def _by_seed(samples: Sequence[Sample], name: str, arm: int) -> list[float]:
    found = [sample for sample in samples if sample.arm == arm]
    return [sample.numbers[name] for sample in sorted(found, key=lambda sample: sample.seed)]


def _line(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float] | None:
    """(factor, shift) when theirs = factor * ours + shift in every seed; None otherwise."""
    if len(ours) < LEAST_SEEDS or len(ours) != len(theirs):
        return None
    low, high = ours.index(min(ours)), ours.index(max(ours))
    width, spread = ours[high] - ours[low], max(theirs) - min(theirs)
    if width <= ALIGNED * max(map(abs, ours)) or spread <= ALIGNED * max(map(abs, theirs)):
        return None
    factor = (theirs[high] - theirs[low]) / width
    shift = theirs[low] - factor * ours[low]
    pairs = zip(ours, theirs, strict=True)
    aligned = all(abs(y - factor * x - shift) <= ALIGNED * spread for x, y in pairs)
    return (factor, shift) if aligned else None


def of_seeds(claim: Claim, samples: Sequence[Sample]) -> Iterator[Objection]:
    """Whether a claim that takes a seed makes anything of it."""
    arms = range(len(claim.controls) + 1)
    if all(
        len({repr(s.numbers[name]) for s in samples if s.arm == arm}) == 1
        for name in (*claim.guards, *claim.expects)
        for arm in arms
    ):
        yield Objection("seedless", {})


def of_margins(claim: Claim, samples: Sequence[Sample]) -> Iterator[Objection]:
    """Bounds within a hair of the claim, or of the controls, of a proved claim."""
    found = margins(claim, samples)
    for each in found:
        if each.depth < HAIR or (each.depth < NEAR and each.spreads < SPREADS):
            bound = claim.expects[each.name].text
            depth_ = _percent(each.depth)
            yield Objection("hair", {"name": each.name, "bound": bound, "depth": depth_})
    for arm in range(len(claim.controls)):
        best = max(found, key=lambda each: (min(each.beyond[arm], APART), each.gaps[arm]))
        values: dict[str, object] = {
            "arm": arm + 1,
            "name": best.name,
            "bound": claim.expects[best.name].text,
        }
        if best.beyond[arm] < APART:
            yield Objection("close", values | {"depth": _percent(best.beyond[arm])})
        elif best.gaps[arm] < GAP:
            yield Objection("overlap", values | {"gap": f"{best.gaps[arm]:.2g}"})


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%"


def idle(claim: Claim, samples: Sequence[Sample]) -> tuple[str, ...]:
    """The expectations that hold in every sample, under whatever parameters it was taken."""
    return tuple(
        name
        for name, bound in claim.expects.items()
        if all(bound.holds(sample.numbers.get(name, math.nan)) for sample in samples)
    )


def of_other_seeds(
    claim: Claim, samples: Sequence[Sample], seeds: Sequence[int]
) -> Iterator[Objection]:
    """Whether a claim proved under the seeds asked for stands under others."""
    if reason := judge(claim, samples, seeds).reason:
        yield Objection("lucky", {"count": len(seeds), "reason": reason})


def of_nudge(claim: Claim, samples: Sequence[Sample], seed: int) -> Iterator[Objection]:
    """Whether it stands with every fraction among the parameters moved by one rounding step."""
    if reason := judge(claim, samples, [seed]).reason:
        yield Objection("exact", {"reason": reason})


def differing(one: Sequence[Sample], other: Sequence[Sample]) -> str:
    """The first number that two runs of the same parameters and seed do not agree on, bit by
    bit; empty when they agree."""
    again = {(sample.seed, sample.arm): sample.numbers for sample in other}
    for sample in one:
        numbers = again.get((sample.seed, sample.arm), sample.numbers)
        for name in {**sample.numbers, **numbers}:
            if repr(sample.numbers.get(name)) != repr(numbers.get(name)):
                return name
    return ""


# --- what to run for it ------------------------------------------------------------------


def nudged(claim: Claim) -> tuple[Params, ...]:
    """The claim's arms with every fraction other than 0 one rounding step further; empty when
    there is none. No honest experiment notices; `if lr == 0.005` does."""
    plans = tuple(
        {key: _next(value, claim.knobs, key) for key, value in plan.items()}
        for plan in claim.arms()
    )
    return () if plans == claim.arms() else plans


def _next(value: Value, knobs: Sequence[Knob], key: str) -> Value:
    if not isinstance(value, float) or value == 0:
        return value
    ranges = (knob for knob in knobs if knob.name == key and not knob.choices)
    up = all(value < knob.high for knob in ranges)
    return math.nextafter(value, math.inf if up else -math.inf)


def turned(claim: Claim) -> tuple[Params, ...]:
    """Every knob at each of its choices, or at both ends and in the middle, one at a time."""
    found: list[Params] = []
    for knob in claim.knobs:
        whole = isinstance(claim.defaults[knob.name], int)
        middle = (knob.low + knob.high) / 2
        values = knob.choices or (knob.low, int(middle) if whole else middle, knob.high)
        found += [{**claim.defaults, knob.name: value} for value in values]
    return tuple(found)
