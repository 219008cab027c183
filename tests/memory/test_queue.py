"""What is asked next: pure functions of what is remembered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from quizdl.memory import queue
from quizdl.memory.queue import Limits, Memory
from quizdl.model import Card, Mark, Moment, State

DAY = 739_000
NOW = Moment(datetime(2025, 3, 1, 9, tzinfo=UTC), DAY)
LIMITS = Limits(new=5, reviews=200)
AHEAD = timedelta(minutes=20)


def review(name: str, *, elapsed: int = 10, due: int = 0, stability: float = 10.0) -> Card:
    last = DAY - elapsed
    return Card(name, State.REVIEW, None, stability, 5.0, None, DAY + due, last, 3, 0)


def learning(name: str, minutes: int, state: State = State.LEARNING) -> Card:
    due = NOW.at + timedelta(minutes=minutes)
    return Card(name, state, 0, 1.0, 5.0, due, DAY, DAY, 1, 0)


def memory(*cards: Card, **other: object) -> Memory:
    empty = Memory(DAY, {card.question: card for card in cards}, {}, 0, 0, ())
    return replace(empty, **other)  # type: ignore[arg-type]


def test_learning_then_review_then_new() -> None:
    known = memory(review("r"), learning("l", -1), learning("m", -2, State.RELEARNING))
    built = queue.build(["n", "r", "l", "m"], known, NOW, LIMITS)
    assert (built.learning, built.review, built.new) == (("m", "l"), ("r",), ("n",))
    assert built.next(NOW.at, AHEAD) == "m"


def test_lowest_retrievability_first_and_ties_in_syllabus_order() -> None:
    known = memory(
        review("fresh", elapsed=5, stability=5.0),
        review("tie-b", elapsed=20, stability=10.0),
        review("tie-a", elapsed=10, stability=5.0),
        review("worst", elapsed=9, stability=2.0),
    )
    built = queue.build(["tie-a", "fresh", "tie-b", "worst"], known, NOW, LIMITS)
    assert built.review == ("worst", "tie-a", "tie-b", "fresh")


def test_not_due_is_not_asked() -> None:
    built = queue.build(["r"], memory(review("r", due=1)), NOW, LIMITS)
    assert built.next(NOW.at, AHEAD) is None
    assert queue.build(["r"], memory(review("r", due=0)), NOW, LIMITS).review == ("r",)


def test_new_ones_come_in_the_order_of_the_caller() -> None:
    assert queue.build(["c", "a", "b"], memory(), NOW, LIMITS).new == ("c", "a", "b")


@pytest.mark.parametrize(("done", "left"), [(0, 2), (1, 1), (2, 0), (9, 0)])
def test_daily_limits_count_what_the_log_says_was_done(done: int, left: int) -> None:
    limits = Limits(new=2, reviews=2)
    new = queue.build(["a", "b", "c"], memory(new_done=done), NOW, limits).new
    assert len(new) == left
    known = memory(review("a"), review("b"), review("c"), reviews_done=done)
    assert len(queue.build(["a", "b", "c"], known, NOW, limits).review) == left


def test_learning_steps_are_never_held_back() -> None:
    known = memory(learning("l", -1), new_done=9, reviews_done=9)
    assert queue.build(["l"], known, NOW, Limits(new=0, reviews=0)).learning == ("l",)


def test_suspended_and_buried_are_left_out() -> None:
    marks = {
        "suspended": Mark(suspended=True),
        "buried": Mark(buried_until=DAY + 1),
        "unburied": Mark(buried_until=DAY),
        "flagged": Mark(flagged=True),
    }
    built = queue.build([*marks, "plain"], memory(marks=marks), NOW, LIMITS)
    assert built.new == ("unburied", "flagged", "plain")
    known = memory(*(review(name) for name in marks), marks=marks)
    assert set(queue.build([*marks], known, NOW, LIMITS).review) == {"unburied", "flagged"}


def test_a_coming_step_is_asked_early_only_when_nothing_else_is_left() -> None:
    soon = memory(learning("l", 10))
    assert queue.build(["l"], soon, NOW, LIMITS).next(NOW.at, AHEAD) == "l"
    assert queue.build(["l", "n"], soon, NOW, LIMITS).next(NOW.at, AHEAD) == "n"
    late = queue.build(["l"], memory(learning("l", 21)), NOW, LIMITS)
    assert late.next(NOW.at, AHEAD) is None
    assert late.steps == ((NOW.at + timedelta(minutes=21), "l"),)


def test_ahead_goes_on_with_what_is_not_due_but_once_a_day() -> None:
    known = memory(
        review("due"),
        review("early", due=2, elapsed=8, stability=10.0),
        review("earlier", due=20, elapsed=1, stability=21.0),
        review("today", due=3, elapsed=0),
        reviews_done=999,
    )
    ahead = replace(LIMITS, ahead=True)
    order = ["earlier", "early", "today", "due"]
    assert queue.build(order, known, NOW, ahead).review == ("due", "early", "earlier")


def test_orphans_are_not_shown() -> None:
    known = memory(review("gone"), learning("gone too", -1))
    assert queue.build([], known, NOW, LIMITS).next(NOW.at, AHEAD) is None


def test_narrowed_keeps_what_was_started_and_the_first_others() -> None:
    known = memory(learning("l", -1), learning("s", 5), review("r"))
    built = queue.build(["l", "s", "r", "n1", "n2"], known, NOW, LIMITS)
    kept = built.narrowed({"s"}, 2)
    assert (kept.learning, kept.review, kept.new) == (("l",), ("r",), ())
    assert [question for _, question in kept.steps] == ["s"]
    assert built.narrowed({"s"}, -1).next(NOW.at, AHEAD) == "s"


def test_today_counts_and_guesses_before_there_is_data() -> None:
    known = memory(learning("l", -1), learning("s", 5), review("r"))
    found = queue.today(queue.build(["l", "s", "r", "n"], known, NOW, LIMITS), [])
    assert (found.learning, found.review, found.new, found.total) == (2, 1, 1, 4)
    assert found.seconds == 2 * 60 + 60 + (90 + 60)


def test_today_uses_the_learners_own_median_pace_by_kind() -> None:
    paces = [
        *((State.REVIEW, seconds) for seconds in (10.0, 20.0, 600.0, 20.0, 30.0)),
        *((state, 40.0) for state in (State.LEARNING, State.RELEARNING) for _ in range(3)),
        *((None, 5.0) for _ in range(4)),  # too few to believe
    ]
    built = queue.build(["r", "n"], memory(review("r")), NOW, LIMITS)
    assert queue.today(built, paces).seconds == 20 + (90 + 40)
