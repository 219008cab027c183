"""Two logs of one learner become one: whatever was done where, in whatever order it arrives."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learner import SETTINGS, START, answer

from quizdl.exchange.anki.deck import to_log
from quizdl.exchange.anki.reading import Found
from quizdl.exchange.anki.scheduling import Answer
from quizdl.memory import open_store, scheduler
from quizdl.memory.store import Store
from quizdl.model import Card, Log, Mark, Rating, Review

QUESTIONS = ("adam", "sgd")
STEP = st.tuples(
    st.sampled_from(("here", "there", "both see it")),
    st.sampled_from(QUESTIONS),
    st.sampled_from(Rating),
    st.integers(1, 5000),
    st.sampled_from(("", "undone", "made new", "undone, then made new")),
)
"""Where, what, the rating, minutes since the step before, what happens to it afterwards."""


def rate(store: Store, question: str, rating: Rating, minutes: int) -> int:
    moment = scheduler.moment(START + timedelta(minutes=minutes), SETTINGS.rollover_hour)
    card = store.memory(moment.day).cards.get(question)
    outcome = scheduler.outcomes(card, question, moment, SETTINGS)[rating]
    preset = scheduler.preset(SETTINGS)
    return store.record(outcome, moment.at, timedelta(seconds=5), preset).id


def picture(store: Store) -> tuple[dict[str, Card], list[Review]]:
    return dict(store.memory(0).cards), [replace(review, id=0) for review in store.reviews()]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=12))
def test_both_end_up_with_the_same(steps: list[tuple[str, str, Rating, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = open_store(Path(folder) / "here.sqlite3")
        there = open_store(Path(folder) / "there.sqlite3")
        with here, there:
            minutes = 0
            for where, question, rating, later, after in steps:
                minutes += later
                store = there if where == "there" else here
                review = rate(store, question, rating, minutes)
                at = START + timedelta(minutes=minutes, seconds=1)
                if after in ("undone", "undone, then made new"):
                    store.undo(review, at)
                if after.endswith("made new"):
                    made = store.reset([question], at)
                    if rating is Rating.EASY:
                        store.unreset(made, at)
                if where == "both see it":
                    there.merge(here.log())
            there.merge(here.log())
            here.merge(there.log())
            assert picture(here) == picture(there)
            merged, times = here.merge(there.log()), [r.at for r in here.reviews()]
            assert (merged.reviews, merged.undone, merged.resets) == (0, 0, 0)
            assert times == sorted(times)
            cards = picture(here)[0]
            here.replay()
            assert picture(here)[0] == cards


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=12), st.randoms())
def test_answers_of_anki_interleave(
    steps: list[tuple[str, str, Rating, int, str]], random: object
) -> None:
    """Arriving in two files, in any order, once or twice: the log is the same."""
    answers = []
    with tempfile.TemporaryDirectory() as folder:
        one = open_store(Path(folder) / "one.sqlite3")
        two = open_store(Path(folder) / "two.sqlite3")
        with one, two:
            minutes = 0
            for where, question, rating, later, _ in steps:
                minutes += later
                if where == "here":
                    rate(one, question, rating, minutes)
                    rate(two, question, rating, minutes)
                else:
                    at = START + timedelta(minutes=minutes)
                    days = timedelta(days=int(rating))
                    answers.append(
                        Answer(question, at, rating, timedelta(seconds=3), days, learning=False)
                    )
            log = from_anki(answers)
            one.merge(log)
            cut = random.randrange(len(answers) + 1)  # type: ignore[attr-defined]
            for part in (answers[cut:], answers, answers[:cut]):
                two.merge(from_anki(part))
            assert [r.at for r in one.reviews()] == [r.at for r in two.reviews()]
            assert picture(one)[0] == picture(two)[0]


def from_anki(answers: list[Answer]) -> Log:
    return to_log(Found(tuple(answers), {}, 1, 0), (), lambda at: at.toordinal())


def test_a_name_that_led_to_one_renamed_elsewhere_leads_on(tmp_path: Path) -> None:
    with open_store(tmp_path / "here") as here, open_store(tmp_path / "there") as there:
        answer(there, "first", Rating.GOOD)
        there.adopt({"first": "second"}, live={"second"})
        answer(there, "second", Rating.GOOD, START + timedelta(days=5))
        here.merge(there.log())
        there.adopt({"second": "third"}, live={"third"})
        here.merge(there.log())
        assert here.log().names == {"first": "third", "second": "third"}
        assert here.memory(0).cards == there.memory(0).cards
        assert here.memory(0).cards["third"].reps == 2


def test_marks_follow_a_name_that_came_with_a_merge(tmp_path: Path) -> None:
    """As soon as the bank here knows of it."""
    with open_store(tmp_path / "here") as here, open_store(tmp_path / "there") as there:
        answer(there, "old", Rating.GOOD)
        there.adopt({"old": "new"}, live={"new"})
        here.mark("old", suspended=True)
        here.remark("old", "先画图", START)
        here.merge(there.log())
        here.adopt({"old": "new"}, live={"new"})
        assert here.memory(0).marks == {"new": Mark(suspended=True)}
        assert here.remark_of("new") == "先画图"
        before = here.log()
        here.adopt({"old": "new"}, live={"new"})
        assert here.log() == before
