"""What the statistics count: on a real log, under the names of today, without what was undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from banks import write_question
from learner import START, TOOK, answer
from terminals import Quizdl

from quizdl.memory import open_store, scheduler
from quizdl.memory.stats import FORECAST, Stats, compute
from quizdl.memory.store import Store
from quizdl.model import Ask, Forecast, Hit, Prompt, Question, Rating, State, Topic

DAY = START.toordinal()
TOPICS = (Topic("a", "甲", 1), Topic("b", "乙", 2), Topic("empty", "空", 3))
QUESTIONS = tuple(
    Question(name, topic, name, 1, "", "", (), "", Path())
    for name, topic in (("adam", "a"), ("sgd", "a"), ("relu", "b"), ("never", "b"))
)
LATER = timedelta(days=30)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "memory.sqlite3") as opened:
        yield opened


def fill(store: Store) -> None:
    for question in ("adam", "sgd", "relu"):
        answer(store, question, Rating.EASY)
    answer(store, "adam", Rating.GOOD, START + LATER)
    answer(store, "sgd", Rating.AGAIN, START + LATER)
    slip = answer(store, "relu", Rating.AGAIN, START + LATER)
    store.undo(slip.id, START + LATER)
    answer(store, "relu", Rating.HARD, START + LATER + timedelta(minutes=1))


def computed(store: Store, *, day: int = DAY + 30, first: int = 0) -> Stats:
    return compute(
        QUESTIONS,
        TOPICS,
        store.memory(day),
        store.days(first),
        store.tallies(first),
        store.predictions(),
        store.told(),
    )


def test_nothing_yet(store: Store) -> None:
    found = computed(store)
    assert (found.asked, found.retention, found.streak) == (0, None, 0)
    assert found.forecast == (0,) * FORECAST
    assert [each.started for each in found.topics] == [0, 0]


def test_days_and_retention(store: Store) -> None:
    fill(store)
    found = computed(store)
    assert [(each.day - DAY, each.reviews, each.new) for each in found.days] == [
        (0, 3, 3),
        (30, 3, 0),
    ]
    assert found.days[0].seconds == 3 * TOOK.total_seconds()
    assert (found.asked, found.passed) == (3, 2), "Hard is a pass; what was undone is not there"
    assert found.retention == pytest.approx(2 / 3)
    assert computed(store, first=DAY + 31).asked == 0
    assert computed(store, first=DAY + 1).days[0].day == DAY + 30


def test_recalls_are_told_under_the_names_of_today(store: Store) -> None:
    """Of a question that was renamed, then made new again: none is forgotten."""
    fill(store)
    store.adopt({"sgd": "plain-sgd"}, live={"adam", "plain-sgd", "relu"})
    answer(store, "plain-sgd", Rating.GOOD, START + 2 * LATER)
    store.reset(["plain-sgd", "relu"], START + 2 * LATER + timedelta(hours=1))
    found = store.tallies(0)
    assert found == {"adam": (1, 1), "plain-sgd": (1, 0), "relu": (1, 1)}


def test_recalls_of_a_question_whose_old_name_was_made_new(store: Store, tmp_path: Path) -> None:
    """It has no card then, neither name has: its recalls are counted all the same."""
    answer(store, "old", Rating.EASY)
    answer(store, "new", Rating.EASY)
    answer(store, "new", Rating.GOOD, START + LATER)
    store.reset(["old"], START + LATER + timedelta(days=1))
    store.adopt({"old": "new"}, live={"new"})
    with open_store(tmp_path / "memory.sqlite3") as another:
        assert another.tallies(0) == store.tallies(0) == {"new": (1, 1)}


def test_streaks(store: Store) -> None:
    for days in (0, 2, 3, 4):
        answer(store, f"q{days}", Rating.EASY, START + timedelta(days=days))
    assert [computed(store, day=DAY + days).streak for days in (0, 1, 2, 4, 5, 6)] == [
        *(1, 1, 1),
        *(3, 3, 0),
    ]


def test_the_forecast_counts_each_due_day(store: Store) -> None:
    fill(store)
    cards = store.memory(0).cards
    day = min(card.due_day for card in cards.values() if card.state is State.REVIEW) - 3
    expected = [0] * FORECAST
    for card in cards.values():
        if card.state is State.REVIEW and card.due_day - day < FORECAST:
            expected[card.due_day - day] += 1
    assert list(computed(store, day=day).forecast) == expected
    assert expected[3] > 0
    late = computed(store, day=DAY + 5000)
    assert late.forecast[0] == sum(card.state is State.REVIEW for card in cards.values())
    store.mark("adam", suspended=True)
    assert computed(store, day=DAY + 5000).forecast[0] == late.forecast[0] - 1


def test_topics(store: Store) -> None:
    fill(store)
    one, two = computed(store).topics
    assert (one.topic.id, one.questions, one.started, one.asked, one.passed) == ("a", 2, 2, 2, 1)
    assert (two.topic.id, two.questions, two.started, two.asked, two.passed) == ("b", 2, 1, 1, 1)
    assert one.weak == ("sgd",)
    cards = store.memory(0).cards
    recall = [scheduler.retrievability(cards[name], DAY + 30) for name in ("adam", "sgd")]
    assert one.retrievability == pytest.approx(sum(recall) / 2)


def test_distributions_have_every_card_once(store: Store) -> None:
    fill(store)
    found = computed(store)
    assert sum(count for _, count in found.stabilities) == 3
    assert sum(found.difficulties) == 3
    assert len(found.difficulties) == 10


def test_a_renamed_question_counts_under_its_new_name(store: Store) -> None:
    answer(store, "old", Rating.EASY)
    answer(store, "old", Rating.GOOD, START + LATER)
    store.adopt({"old": "adam"}, live={"adam"})
    answer(store, "adam", Rating.AGAIN, START + 2 * LATER)
    assert store.tallies(0) == {"adam": (2, 1)}


def test_predictions(store: Store) -> None:
    prompt = Prompt(Ask.NUMBER, "多大？", (), ("误差",), ("<= 1",), (1,))
    right = Forecast(prompt, 0.5, Hit.RIGHT, "0.5")
    store.predict("adam", "c", START, "h", [right, replace(right, hit=Hit.WRONG)])
    store.predict("elsewhere", "c", START, "h", [right])
    assert computed(store).predictions == {Hit.RIGHT: 1, Hit.WRONG: 1}


def test_the_command(quizdl: Quizdl, tmp_path: Path) -> None:
    root = tmp_path / "bank"
    write_question(root, "doubling")
    write_question(root, "halving")
    at = ("--bank", str(root))
    empty = quizdl("stats", *at)
    assert (empty.returncode, empty.stderr) == (0, "")
    assert "真实记住率：—" in empty.stdout
    with open_store(tmp_path / "home" / "memory.sqlite3") as opened:
        answer(opened, "doubling", Rating.EASY)
        answer(opened, "doubling", Rating.GOOD, START + LATER)
    document = json.loads(quizdl("stats", "--json", "--days", "5000", *at).stdout)
    assert (document["reviews"], document["asked"], document["retention"]) == (2, 1, 1.0)
    assert [day["reviews"] for day in document["days"]] == [1, 1]
    assert document["topics"][0]["started"] == 1
    assert len(document["forecast"]) == FORECAST
    text = quizdl("stats", "--days", "5000", *at).stdout
    assert "2 次复习" in text
    assert "真实记住率：100%" in text
    assert "1/2" in text
    none = quizdl("stats", "没有这样的题", *at)
    assert (none.returncode, none.stdout) == (1, "")


def test_of_a_question_all_of_whose_reviews_were_undone_nothing_is_counted(store: Store) -> None:
    made = [answer(store, "adam", Rating.EASY), answer(store, "adam", Rating.GOOD, START + LATER)]
    for review in reversed(made):
        store.undo(review.id, START + LATER)
    found = computed(store)
    assert (found.asked, found.passed, found.days) == (0, 0, ())
