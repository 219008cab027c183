"""What settings would ask of the learner: against rules, and against a brute-force future."""

from __future__ import annotations

import random
import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quizdl.memory import open_store, scheduler, workload
from quizdl.memory.queue import Memory
from quizdl.model import Card, Mark, Question, Rating, State
from quizdl.session import Session, open_library
from quizdl.settings import Settings

DAY = datetime(2026, 3, 2, tzinfo=UTC).toordinal()
NOTHING = Memory(DAY, {}, {}, 0, 0, ())
IDS = [f"q{number}" for number in range(40)]


def known(count: int = 40) -> Memory:
    """Questions of all ages, due over the coming weeks."""
    cards = {
        name: Card(
            question=name,
            state=State.REVIEW,
            step=None,
            stability=2.0 + place,
            difficulty=3.0 + place % 6,
            due=None,
            due_day=DAY + place % 15,
            last_day=DAY - 2 - place % 9,
            reps=3,
            lapses=0,
        )
        for place, name in enumerate(IDS[:count])
    }
    return replace(NOTHING, cards=cards)


def expect(
    memory: Memory, habits: workload.Habits | None = None, **settings: object
) -> workload.Workload:
    found = workload.expect(IDS, memory, habits or {}, Settings(**settings), looks=3000)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_who_wants_to_remember_more_reviews_more() -> None:
    loads = [expect(known(), desired_retention=r) for r in (0.75, 0.85, 0.9, 0.95, 0.98)]
    reviews = [load.reviews_per_day for load in loads]
    assert reviews == sorted(reviews)
    assert reviews[-1] > 1.5 * reviews[0]
    minutes = [load.minutes_per_day for load in loads]
    assert minutes == sorted(minutes)


def test_the_same_question_has_the_same_answer() -> None:
    assert expect(known()) == expect(known())


def test_limits_hold() -> None:
    load = expect(NOTHING, new_per_day=3, reviews_per_day=2)
    assert max(load.new) == 3
    assert sum(load.new) == pytest.approx(len(IDS), abs=0.01), "14 days of three new ones"
    assert max(load.reviews) <= 2
    assert expect(NOTHING, new_per_day=0).seconds == (0,) * workload.DAYS


def test_what_was_done_today_counts() -> None:
    load = expect(replace(known(), reviews_done=200))
    assert load.reviews[0] == 0 < load.reviews[1]
    load = expect(replace(NOTHING, new_done=4))
    assert load.new[:2] == (1, 5)


def test_hidden_questions_ask_nothing() -> None:
    marks = {name: Mark(suspended=True) for name in IDS}
    assert expect(replace(known(), marks=marks)).reviews_per_day == 0
    marks = {name: Mark(buried_until=DAY + 3) for name in IDS}
    assert [load > 0 for load in expect(replace(known(), marks=marks)).reviews[:4]] == [
        False
    ] * 3 + [True]


def test_shorter_intervals_and_more_steps_ask_more() -> None:
    usual = expect(known())
    assert expect(known(), maximum_interval=5).reviews_per_day > usual.reviews_per_day
    steps = expect(NOTHING, learning_steps=(1, 5, 10, 30))
    assert steps.minutes_per_day > expect(NOTHING).minutes_per_day
    assert expect(NOTHING, learning_steps=()).minutes_per_day < expect(NOTHING).minutes_per_day


def test_habits_of_ones_own_count() -> None:
    easy = {State.REVIEW: {Rating.EASY: 5000}}
    hard = {State.REVIEW: {Rating.HARD: 5000}}
    assert expect(known(), easy).reviews_per_day < expect(known(), hard).reviews_per_day
    assert expect(known(), easy, two_grades=True) == expect(known(), hard, two_grades=True)


def test_the_pace_is_the_learners() -> None:
    slow = [(State.REVIEW, 120.0)] * 9
    usual, twice = expect(known()), expect(replace(known(), paces=slow))
    assert twice.reviews == usual.reviews
    assert twice.minutes_per_day > usual.minutes_per_day


def test_a_step_given_late_last_night_is_asked() -> None:
    step = (
        known(1)
        .cards["q0"]
        ._replace(
            state=State.LEARNING,
            step=0,
            due=datetime.fromordinal(DAY + 1).replace(tzinfo=UTC) + timedelta(hours=11),
            due_day=DAY,
            last_day=DAY,
        )
    )
    load = workload.expect(["q0"], replace(NOTHING, cards={"q0": step}), {}, Settings(), days=1)
    assert load is not None
    assert load.seconds[0] >= 60


def test_it_stops_when_nobody_wants_it() -> None:
    asked = iter([True, True, False])
    assert workload.expect(IDS, known(), {}, Settings(), wanted=lambda: next(asked)) is None


# --- against a learner who really answers

FIRST = (0.24, 0.094, 0.495, 0.171)
REVIEW = (0.0, 0.224, 0.631, 0.145)
STEPS = {
    State.LEARNING: (0.2103, 0.0549, 0.6785, 0.0564),
    State.RELEARNING: (0.1607, 0.1040, 0.6930, 0.0424),
}
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECONDS = {None: 90, State.LEARNING: 60, State.RELEARNING: 60, State.REVIEW: 60}


def live(path: Path, settings: Settings, luck: random.Random) -> tuple[int, float]:
    """Reviews and seconds of thirty days of sessions, as a learner with those habits has them."""
    bank = [Question(name, "t", name, 1, "", "", (), "", Path()) for name in IDS[:12]]
    reviews, seconds = 0, 0.0
    with open_store(path) as store:
        for day in range(30):
            now = START + timedelta(days=day)
            session = Session(store, bank, settings, now)
            while True:
                if session.current is None:
                    if session.wait_until is None:
                        break
                    now = session.wait_until
                    session.refresh(now)
                    continue
                before = session.reveal(now)[Rating.GOOD].before
                state = before.state if before else None
                weights = STEPS.get(state, FIRST) if state else FIRST
                if before is not None and state is State.REVIEW:
                    reviews += 1
                    recalled = scheduler.retrievability(before, now.toordinal())
                    weights = [1 - recalled, *(recalled * part for part in REVIEW[1:])]
                seconds += SECONDS[state]
                session.rate(luck.choices(list(Rating), weights)[0], now)
                now += timedelta(seconds=30)
    return reviews, seconds


@pytest.mark.slow
@pytest.mark.parametrize("retention", [0.85, 0.95])
def test_it_agrees_with_thirty_days_that_were_lived(tmp_path: Path, retention: float) -> None:
    settings = Settings(desired_retention=retention, new_per_day=2)
    lives = [live(tmp_path / f"{n}.sqlite3", settings, random.Random(n)) for n in range(10)]
    bank = [Question(name, "t", name, 1, "", "", (), "", Path()) for name in IDS[:12]]
    library = open_library(tmp_path / "new.sqlite3", bank, settings)
    try:
        load = library.outlook(START).under(settings)
    finally:
        library.close()
    assert load is not None
    for expected, lived in (
        (sum(load.reviews), [reviews for reviews, _ in lives]),
        (sum(load.seconds), [seconds for _, seconds in lives]),
    ):
        error = statistics.stdev(lived) / len(lived) ** 0.5
        assert abs(expected - statistics.mean(lived)) < 3.5 * error
        assert error < 0.15 * expected, "sharp enough to fail"
