"""What is said of an interview, and what of it becomes reviews."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizdl.bank import load
from quizdl.interview.report import (
    blank_ticks,
    follow_up_answer,
    offers,
    report,
    to_look_at,
    with_ticks,
)
from quizdl.memory import open_store, scheduler
from quizdl.model import Exchange, Interview, Rating, Reply, Setup, Tick
from quizdl.session import LONGEST, Library, Plan, open_library
from quizdl.settings import Settings
from quizdl.words import QuizdlError

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOOK = timedelta(seconds=80)
TICKS = st.lists(st.builds(Tick, st.just("要点"), st.booleans(), st.booleans()), max_size=6)
REPLY = st.builds(Reply, st.just("？"), st.just(TOOK), passed=st.booleans(), told=st.booleans())
EXCHANGE = st.builds(
    Exchange,
    st.sampled_from(("a", "b", "c", "d")),
    REPLY,
    st.lists(REPLY, max_size=3).map(tuple),
    TICKS.map(tuple),
)
HELD = st.lists(EXCHANGE, unique_by=lambda each: each.question).map(
    lambda exchanges: Interview(NOW, Setup(20), tuple(exchanges))
)


@pytest.fixture
def library(bank: Path, tmp_path: Path) -> Library:
    return open_library(tmp_path / "memory.sqlite3", load(bank).questions, Settings())


@given(HELD)
def test_every_point_counts_once_and_must_haves_come_first(held: Interview) -> None:
    found = report(held, {"a": "x", "b": "x", "c": "y"})
    ticks = [tick for each in held.exchanges for tick in each.ticks]
    assert found.whole.musts.asked + found.whole.bonuses.asked == len(ticks)
    assert len(found.missed) == sum(not tick.told for tick in ticks)
    must = [each.must for each in found.missed]
    assert must == sorted(must, reverse=True)
    assert found.complete + found.passed <= 2 * len(held.exchanges)
    assert {topic for topic, _ in found.weak} <= {"x", "y"}
    assert all(tally.weak for _, tally in found.weak)


@given(HELD)
def test_a_missed_must_have_is_never_proposed_as_good(held: Interview) -> None:
    moment = scheduler.moment(NOW, 4)
    outcomes = {
        each.question: scheduler.outcomes(None, each.question, moment, Settings())
        for each in held.exchanges
    }
    for offer in offers(held, outcomes):
        exchange = next(each for each in held.exchanges if each.question == offer.question)
        if any(tick.must and not tick.told for tick in exchange.ticks):
            assert offer.rating < Rating.GOOD
        assert offer.rating < Rating.EASY
        assert offer.chosen or not exchange.ticks
        assert offer.outcome.card.question == offer.question


def test_looked_at_one_after_the_other(bank: Path) -> None:
    question = load(bank).questions[0]
    exchange = Exchange(question.id, Reply(question.title, TOOK), (Reply("负数呢？", TOOK),))
    held = Interview(NOW, Setup(20), (exchange, replace(exchange, question="other")))
    ticks = blank_ticks(question)
    assert [(tick.must, tick.told) for tick in ticks] == [(True, False)] * 3
    assert to_look_at(held) == 0
    held = with_ticks(held, 0, ticks, [True])
    assert to_look_at(held) == 1
    assert held.exchanges[0].follow_ups[0].told
    assert to_look_at(with_ticks(held, 1, ticks, [False])) is None
    assert follow_up_answer(question, "负数呢？") == "[一样](demo.py#doubles)。"
    assert follow_up_answer(question, "没有这一问") == ""


def test_what_is_new_or_due_can_be_a_review(library: Library) -> None:
    ids = [question.id for question in library.questions]
    assert set(library.outcomes(ids, NOW)) == set(ids)
    library.session(Plan(), NOW).rate(Rating.AGAIN, NOW)
    assert set(library.outcomes(ids, NOW)) == {ids[1]}, "reviewed today"
    tomorrow = NOW + timedelta(days=1)
    assert set(library.outcomes(ids, tomorrow)) == set(ids)
    library.mark(ids[:1], suspended=True)
    assert set(library.outcomes(ids, tomorrow)) == {ids[1]}
    library.close()


def test_reviews_are_recorded_together_and_taken_back_together(
    library: Library, tmp_path: Path
) -> None:
    ids = [question.id for question in library.questions]
    found = library.outcomes(ids, NOW)
    later = NOW + timedelta(minutes=9)
    given = [(found[each][Rating.AGAIN], timedelta(hours=1)) for each in ids]
    made = library.rate_all(given, later)
    assert [(review.question, review.rating) for review in made] == [(i, Rating.AGAIN) for i in ids]
    assert {review.duration for review in made} == {LONGEST}
    assert {review.due for review in made} == {later + timedelta(minutes=1)}
    library.undo_all(made, later)
    with open_store(tmp_path / "memory.sqlite3") as store:
        assert store.reviews() == []
        assert store.memory(0).cards == {}
    library.close()


def test_one_that_another_window_rated_counts_after_it(
    library: Library, bank: Path, tmp_path: Path
) -> None:
    ids = [question.id for question in library.questions]
    found = library.outcomes(ids, NOW)
    other = open_library(tmp_path / "memory.sqlite3", load(bank).questions, Settings())
    other.session(Plan(), NOW).rate(Rating.HARD, NOW)
    made = library.rate_all([(found[each][Rating.GOOD], TOOK) for each in ids], NOW)
    with open_store(tmp_path / "memory.sqlite3") as store:
        assert store.memory(0).cards[ids[0]].reps == 2
        assert len(store.reviews()) == 3
    session = other.session(Plan(limit=1), NOW + timedelta(minutes=11))
    session.rate(Rating.AGAIN, NOW + timedelta(minutes=11))
    with pytest.raises(QuizdlError):
        library.undo_all(made, NOW + timedelta(minutes=12))
    with open_store(tmp_path / "memory.sqlite3") as store:
        assert len(store.reviews()) == 4, "none of them was taken back"
    library.close()
    other.close()
