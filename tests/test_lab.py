"""Dials, states and sweeps as values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizdl.bank import find_bank, load
from quizdl.lab import State, Sweep, dials, state
from quizdl.model import Bound, Claim, FigureKind, Knob, Sample, Value


def claim(knob: Knob, default: Value, control: Value) -> Claim:
    return Claim(
        id="f",
        text="",
        line=1,
        guards={"g": Bound.parse(">= 1")},
        expects={"x": Bound.parse("<= 10")},
        controls=({knob.name: control},),
        knobs=(knob,),
        defaults={knob.name: default},
    )


def sample(x: float, g: float = 2, seed: int = 0, arm: int = 0) -> Sample:
    return Sample(seed, arm, {"x": x, "g": g}, 1.0)


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_positions_are_ordered_within_the_range_and_hold_what_matters(
    low: float, span: float, default: float, control: float
) -> None:
    high = low + span
    of = [min(max(low + share * span, low), high) for share in (default, control)]
    (dial,) = dials(claim(Knob("k", low=low, high=high), *of))
    assert list(dial.positions) == sorted(set(dial.positions))
    assert dial.positions[0] == low
    assert dial.positions[-1] == high
    assert {*of} <= set(dial.positions)
    assert dial.turn(low, -1) == low
    assert dial.turn(high, 1) == high
    assert dial.turn(low, 1) > low


def test_a_small_range_of_whole_numbers_is_turned_one_by_one() -> None:
    (dial,) = dials(claim(Knob("k", low=2, high=9), 4, 2))
    assert dial.positions == (2, 3, 4, 5, 6, 7, 8, 9)
    assert all(type(value) is int for value in dial.positions)


def test_a_wide_range_is_turned_by_ratios() -> None:
    (dial,) = dials(claim(Knob("k", low=1e-5, high=1.0), 0.1, 1.0))
    steps = [b / a for a, b in zip(dial.positions, dial.positions[1:], strict=False)]
    assert dial.log
    assert max(steps) < 3


def test_choices_go_round() -> None:
    (dial,) = dials(claim(Knob("k", choices=("a", "b", "c")), "a", "b"))
    assert dial.turn("c", 1) == "a"
    assert dial.turn("a", -1) == "c"


def test_every_dial_of_the_bank_holds_its_defaults_and_controls() -> None:
    for question in load(find_bank(None)).questions:
        for each in question.claims:
            for dial in dials(each):
                assert dial.default in dial.positions
                for control in each.controls:
                    assert control.get(dial.name, dial.default) in dial.positions
                assert len(dial.positions) <= 32


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], State.UNKNOWN),
        ([sample(3), sample(9)], State.HOLDS),
        ([sample(3), sample(11)], State.FAILS),
        ([sample(3, g=0), sample(3)], State.EMPTY),
        ([sample(math.nan)], State.FAILS),
        ([Sample(0, 0, {"g": 2}, 1.0)], State.FAILS),
        ([sample(99, arm=1)], State.UNKNOWN),
    ],
)
def test_state(samples: list[Sample], expected: State) -> None:
    assert state(claim(Knob("k", low=0, high=1), 0, 1), samples) is expected


def test_a_sweep_finds_every_flip_and_plots_the_worst_seed() -> None:
    one = claim(Knob("k", low=0, high=4), 0, 4)
    (dial,) = dials(one)
    sweep = Sweep.empty(one, dial)
    assert [each["k"] for each in sweep.settings({"k": 2, "other": 1})] == [0, 1, 2, 3, 4]
    for position, (low, high) in enumerate([(1, 2), (3, 9), (5, 12), (14, 20), (6, 8)]):
        sweep = sweep.plus(position, sample(low)).plus(position, sample(high, seed=1))
    assert [(flip.before, flip.after) for flip in sweep.flips()] == [(1, 2), (3, 4)]
    assert sweep.deciding() == "x"
    figure = sweep.figure("x")
    worst, median = figure.series
    assert worst.y == (2, 9, 12, 20, 8)
    assert median.y == (1.5, 6, 8.5, 17, 7)
    assert figure.kind is FigureKind.LINE
    assert [y for _, y in figure.rules] == [10]
