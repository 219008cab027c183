"""The audit: scale-free margins, and what numbers say against a claim that satisfied the judge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from demos import target

from quizdl.model import Bound, Claim, Knob, Sample
from quizdl.proof import audit


def claim(expect: str, guard: str = "", **defaults: float) -> Claim:
    _, found = target("", **defaults)
    guards = {"g": Bound.parse(guard)} if guard else {}
    return replace(found, expects={"x": Bound.parse(expect)}, guards=guards)


def samples(ours: Sequence[float], theirs: Sequence[float], guard: float = 5.0) -> list[Sample]:
    rows = [(0, value) for value in ours] + [(1, value) for value in theirs]
    return [Sample(n, arm, {"x": x, "g": guard + n / 9}, 0.1) for n, (arm, x) in enumerate(rows)]


def paired(ours: Sequence[float], theirs: Sequence[float]) -> list[Sample]:
    both = ((0, ours), (1, theirs))
    return [Sample(n, arm, {"x": x}, 0.1) for arm, xs in both for n, x in enumerate(xs)]


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ([x * 1e6 for x in (1.0, 1.1, 1.3, 1.2)], ["rescaled"]),
        ([x * -1e7 + 1e9 for x in (1.0, 1.1, 1.3, 1.2)], ["rescaled"]),
        ([x + 5 for x in (1.0, 1.1, 1.3, 1.2)], ["shifted"]),
        ([x * 200 for x in (1.0, 1.1, 1.3, 1.2)], []),  # as bias correction does
        ([x * 1e6 * (1 + 1e-6 * n) for n, x in enumerate((1.0, 1.1, 1.3, 1.2))], []),
        ([7.0, 7.0, 7.0, 7.0], []),
        ([6.0, 7.0, 9.0, 6.5], []),
    ],
)
def test_a_control_that_is_the_claim_scaled_or_shifted(
    theirs: list[float], said: list[str]
) -> None:
    ours = [1.0, 1.1, 1.3, 1.2]
    assert keys(audit.of_arms(claim("<= 2"), paired(ours, theirs))) == said
    assert keys(audit.of_arms(claim("<= 2"), paired(ours[:3], theirs[:3]))) == [], "too few"


def keys(objections: object) -> list[str]:
    return [each.key for each in objections]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("bound", "value", "depth"),
    [
        ("<= 2", 1, 0.5),
        ("<= 2e-9", 1e-9, 0.5),
        ("<= 2", 3, -0.5),
        ("> 4", 5, 0.25),
        ("<= -2", -3, 0.5),
        (">= 0.99", 1, 1.0),  # of its distance to 1, not of itself
        (">= 1.1", 1.21, 1.1),
        ("<= 1", 0.25, 0.75),
        ("in [2, 4]", 3, 1.0),
        ("in [2, 4]", 1, -1.0),
        ("in [0.01, 100]", 1, 1.0),  # by logarithms
        ("in [0.01, 100]", 0.0001, -1.0),
        ("in [0.01, 100]", 0, -math.inf),
        ("== 3", 3, math.inf),
        ("== 0", 1e-17, -1e-12),
        ("== 0", 1, -1e5),
        ("!= 0", 1, 1e5),
        ("<= 0", -2, 2.0),
        ("in [3, 3]", 3, math.inf),
        ("<= 2", math.nan, -math.inf),
    ],
)
def test_depth_is_in_units_of_the_bound(bound: str, value: float, depth: float) -> None:
    assert audit.depth(Bound.parse(bound), value) == pytest.approx(depth)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_margins_do_not_depend_on_the_unit(scale: float) -> None:
    ours, theirs = [1.0 * scale, 1.2 * scale], [8.0 * scale, 9.0 * scale]
    (found,) = audit.margins(claim(f"<= {4 * scale!r}"), samples(ours, theirs))
    assert found.depth == pytest.approx(0.7)
    assert found.spreads == pytest.approx(28)
    assert found.gaps == pytest.approx((68,))
    if scale == 1e12:
        assert found.beyond == pytest.approx((1.0,))


@pytest.mark.parametrize(
    ("expect", "ours", "theirs", "found"),
    [
        ("<= 4", [1, 1.2, 1.1], [8, 9, 8.5], []),
        ("<= 4", [3.95, 3.95, 3.95], [8, 9, 8.5], ["hair"]),
        ("<= 4", [3.7, 3, 2], [80, 90, 85], ["hair"]),  # 7.5 %, and no two spreads
        ("<= 4", [3.7, 3.7, 3.69], [80, 90, 85], []),  # 7.5 %, and steady
        ("<= 4", [1, 1.2, 1.1], [4.1, 9, 8.5], ["close"]),
        ("<= 4", [3.4, 1, 2], [4.5, 5, 5.5], ["overlap"]),
        ("<= 1e-9", [1e-15, 4e-15, 2e-16], [0.1, 3, 1], []),
        (">= 0.5", [0.9, 4, 2], [0, 0, 1e-32], []),  # apart by logarithms
        ("<= 1e-16", [0, 0, 0], [2e-16, 4e-16, 2e-16], ["close"]),  # rounding
        ("== 0", [0, 0, 0], [3, 1, 2], []),
    ],
)
def test_bounds_that_sit_on_the_numbers(
    expect: str, ours: list[float], theirs: list[float], found: list[str]
) -> None:
    assert keys(audit.of_margins(claim(expect), samples(ours, theirs))) == found


@pytest.mark.parametrize(
    ("expect", "guard", "fixed_guard", "objects"),
    [
        ("<= 1", "", False, True),
        (">= 1", "", False, False),  # nothing is not enough
        ("<= 1", ">= 1e-3", False, False),
        ("<= 1", ">= 0", False, True),
        ("<= 1", ">= 1e-3", True, True),  # the guard is 5 whatever happens
        ("<= 1", "<= 9", False, True),
    ],
)
def test_some_number_must_notice_that_nothing_happened(
    expect: str, guard: str, fixed_guard: bool, objects: bool
) -> None:
    found = samples([0.1, 0.2], [3, 4])
    if fixed_guard:
        found = [replace(each, numbers={**each.numbers, "g": 5.0}) for each in found]
    assert bool([*audit.of_guards(claim(expect, guard), found)]) == objects


def test_a_number_that_is_a_parameter() -> None:
    found = samples([1, 1], [2, 2])  # as `a` is
    assert keys(audit.of_numbers(claim("<= 1"), found)) == ["mirror"]
    assert keys(audit.of_numbers(claim("<= 1"), samples([1, 1], [2, 2.5]))) == []
    assert keys(audit.of_numbers(claim(">= -1"), samples([-1, -1], [-2, -2]))) == ["mirror"]


def test_what_differs_between_two_runs() -> None:
    one = samples([0.1, math.nan], [2])
    assert audit.differing(one, one[::-1]) == ""
    assert audit.differing(one, one[:1]) == "", "only what both have measured"
    moved = [replace(one[0], numbers={**one[0].numbers, "x": math.nextafter(0.1, 1)}), *one[1:]]
    assert audit.differing(one, moved) == "x"


def test_fractions_are_nudged_by_one_rounding_step_and_stay_within_their_knob() -> None:
    _, found = target("", b=0.0, n=3, word="w", top=2.0)
    found = replace(found, knobs=(Knob("top", low=1.0, high=2.0),))
    ours, control = audit.nudged(found)
    up, down = math.nextafter(1.0, 2), math.nextafter(2.0, 1)
    assert ours == {"a": up, "b": 0.0, "n": 3, "word": "w", "top": down}
    assert control["a"] == math.nextafter(2.0, 3)
    assert audit.nudged(replace(found, defaults={"a": 1, "n": 3}, controls=({"a": 2},))) == ()


def test_knobs_are_turned_one_at_a_time() -> None:
    _, found = target("", n=3, word="w")
    knobs = (Knob("word", ("v", "w")), Knob("n", low=1, high=4))
    plans = audit.turned(replace(found, knobs=knobs))
    assert [(plan["word"], plan["n"]) for plan in plans] == [
        ("v", 3),
        ("w", 3),
        ("w", 1),
        ("w", 2),
        ("w", 4),
    ]
    assert all(isinstance(plan["n"], int) for plan in plans[2:])
