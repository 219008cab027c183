"""The judge: from raw numbers to a verdict. Pure; runs in the parent only.

proved = in every seed all guards and expectations hold for the claim, and under every
control all guards still hold while at least one expectation fails (design §4).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quizdl.model import Bound, Claim, ClaimResult, Figure, Measure, Role, Sample, Verdict
from quizdl.words import say


@dataclass(frozen=True, slots=True)
class Failure:
    """Why running a claim ended early. `reason` is a sentence for the learner."""

    verdict: Verdict
    reason: str


def judge(
    claim: Claim,
    samples: Sequence[Sample],
    seeds: Sequence[int],
    failure: Failure | None = None,
    output: str = "",
) -> ClaimResult:
    """The verdict on `claim` from what its runs measured.

    With a `failure` the verdict is the failure's, whatever was measured before it; the
    numbers seen so far are still reported.
    """
    if failure is None:
        reason = next(_objections(claim, samples, seeds), "")
        verdict = Verdict.NOT_PROVED if reason else Verdict.PROVED
    else:
        verdict, reason = failure.verdict, failure.reason
    return ClaimResult(
        claim=claim.id,
        verdict=verdict,
        seeds=tuple(seeds),
        ms=sum(sample.ms for sample in samples),
        measures=measure(claim, samples),
        reason=reason,
        output=output,
        figures=figures_of(claim, samples),
    )


def measure(claim: Claim, samples: Sequence[Sample]) -> tuple[Measure, ...]:
    """Every declared number over the runs so far, guards first."""
    guards = (_measure(claim, samples, name, Role.GUARD, b) for name, b in claim.guards.items())
    expects = (_measure(claim, samples, name, Role.EXPECT, b) for name, b in claim.expects.items())
    return (*guards, *expects)


def figures_of(claim: Claim, samples: Sequence[Sample]) -> tuple[tuple[Figure, ...], ...]:
    """Per arm, the figures of the first of its runs that has any; empty when none has."""
    found = {sample.arm: sample.figures for sample in reversed(samples) if sample.figures}
    return tuple(found.get(arm, ()) for arm in range(len(claim.controls) + 1)) if found else ()


def _measure(
    claim: Claim, samples: Sequence[Sample], name: str, role: Role, bound: Bound
) -> Measure:
    def of_arm(arm: int) -> tuple[float, ...]:
        found = (s.numbers.get(name) for s in samples if s.arm == arm)
        return tuple(value for value in found if value is not None)

    values = of_arm(0)
    controls = tuple(of_arm(arm + 1) for arm in range(len(claim.controls)))
    under_control = [value for arm in controls for value in arm]
    # An expectation must break under the control, a guard must not: show the seed that
    # comes nearest to the wrong side.
    nearest = max if role is Role.EXPECT else min
    return Measure(
        name=name,
        role=role,
        bound=bound.text,
        value=min(values, key=bound.slack) if values else None,
        control=nearest(under_control, key=bound.slack) if under_control else None,
        holds=bool(values) and all(bound.holds(value) for value in values),
        values=values,
        controls=controls,
    )


def _objections(claim: Claim, samples: Sequence[Sample], seeds: Sequence[int]) -> Iterator[str]:
    """Everything that speaks against `proved`, most basic first."""
    if not claim.expects:
        yield say("judge.no_expectation")
    if not claim.controls:
        yield say("judge.no_control")
    if not seeds:
        yield say("judge.no_seed")
    by_run = {(sample.seed, sample.arm): sample.numbers for sample in samples}
    bounds = {**claim.guards, **claim.expects}
    for title in dict.fromkeys(f.title for sample in samples for f in sample.figures):
        if title in bounds:
            yield say("judge.is_figure", name=title)
    for seed in seeds:
        for arm in range(len(claim.controls) + 1):
            where = say("judge.claim_arm" if arm == 0 else "judge.control_arm", arm=arm)
            numbers = by_run.get((seed, arm))
            if numbers is None:
                yield say("judge.no_run", where=where, seed=seed)
                return
            for name in bounds:
                if name not in numbers:
                    yield say("judge.missing", where=where, seed=seed, name=name)
                elif not math.isfinite(numbers[name]):
                    value = numbers[name]
                    yield say("judge.not_finite", where=where, seed=seed, name=name, value=value)
    for seed in seeds:
        for arm in range(len(claim.controls) + 1):
            numbers = by_run[seed, arm]
            where = say("judge.claim_arm" if arm == 0 else "judge.control_arm", arm=arm)
            broken = [name for name, bound in bounds.items() if not bound.holds(numbers[name])]
            for name in broken:
                if arm == 0 or name in claim.guards:
                    yield say(
                        "judge.guard_broken" if name in claim.guards else "judge.expect_broken",
                        where=where,
                        seed=seed,
                        name=name,
                        value=f"{numbers[name]:.4g}",
                        bound=bounds[name].text,
                    )
            if arm > 0 and not any(name in claim.expects for name in broken):
                yield say("judge.control_holds", where=where, seed=seed)
