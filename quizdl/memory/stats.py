"""How it is going: counts over the log and over the cards. Pure functions of what was read."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quizdl.memory import scheduler
from quizdl.memory.points import WeakPoint, weak_points
from quizdl.memory.queue import Memory, is_weak
from quizdl.model import Card, Hit, Prediction, Question, Recalled, State, Topic

FORECAST = 30
"""Days, today among them."""
_STABILITIES = (1.0, 3.0, 7.0, 14.0, 30.0, 90.0, 180.0, 365.0)
"""Days; upper ends of the classes of stability, after which there is one more."""


@dataclass(frozen=True, slots=True)
class DayTally:
    """What was done on one study day, undone reviews left out."""

    day: int
    reviews: int
    seconds: float
    new: int
    """Questions answered for the first time."""


class QuestionTally(NamedTuple):
    """The answers to one question while it was in State.REVIEW: whether it was still known."""

    question: str
    asked: int
    passed: int


@dataclass(frozen=True, slots=True)
class TopicStats:
    topic: Topic
    questions: int
    started: int
    asked: int
    passed: int
    retrievability: float | None
    """Mean over the questions that have a card, as FSRS sees it today."""
    weak: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stats:
    today: int
    """The study day they are of."""
    days: tuple[DayTally, ...]
    """Of the period, oldest first; days on which nothing was done are left out."""
    asked: int
    passed: int
    """Over the period: of all answers in State.REVIEW, those that were not Again."""
    streak: int
    """Study days in a row up to today (or yesterday) on which something was done."""
    forecast: tuple[int, ...]
    """Reviews falling due on each of the coming days; overdue ones count for today."""
    topics: tuple[TopicStats, ...]
    stabilities: tuple[tuple[str, int], ...]
    difficulties: tuple[int, ...]
    """How many cards have difficulty 1, 2, … 10."""
    predictions: Mapping[Hit, int]
    points: tuple[WeakPoint, ...]
    """Key points that stay missing, the weakest first."""

    @property
    def retention(self) -> float | None:
        """True retention; None before anything was asked."""
        return self.passed / self.asked if self.asked else None


def compute(
    questions: Sequence[Question],
    topics: Iterable[Topic],
    memory: Memory,
    days: Iterable[DayTally],
    tallies: Iterable[QuestionTally],
    predictions: Iterable[Prediction],
    recalled: Iterable[Recalled],
) -> Stats:
    """Of these questions; `days` are of the whole log, which does not know them apart."""
    ids = {question.id for question in questions}
    by_topic: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        by_topic[question.topic].append(question)
    by_question = {each.question: each for each in tallies if each.question in ids}
    cards = [card for card in memory.cards.values() if card.question in ids]
    levels = Counter(round(card.difficulty) for card in cards)
    done = tuple(sorted(days, key=lambda each: each.day))
    return Stats(
        today=memory.day,
        days=done,
        asked=sum(each.asked for each in by_question.values()),
        passed=sum(each.passed for each in by_question.values()),
        streak=_streak({each.day for each in done}, memory.day),
        forecast=_forecast(memory, cards),
        topics=tuple(
            _topic(topic, by_topic[topic.id], memory, by_question)
            for topic in topics
            if topic.id in by_topic
        ),
        stabilities=_stabilities(card.stability for card in cards),
        difficulties=tuple(levels[level] for level in range(1, 11)),
        predictions=Counter(
            forecast.hit
            for prediction in predictions
            if prediction.question in ids
            for forecast in prediction.forecasts
        ),
        points=weak_points(recalled, questions),
    )


def _streak(active: Collection[int], today: int) -> int:
    day = today if today in active else today - 1
    length = 0
    while day in active:
        length, day = length + 1, day - 1
    return length


def _forecast(memory: Memory, cards: Iterable[Card]) -> tuple[int, ...]:
    suspended = {question for question, mark in memory.marks.items() if mark.suspended}
    coming = Counter(
        max(card.due_day - memory.day, 0)
        for card in cards
        if card.state is State.REVIEW and card.question not in suspended
    )
    return tuple(coming[place] for place in range(FORECAST))


def _topic(
    topic: Topic,
    questions: Sequence[Question],
    memory: Memory,
    tallies: Mapping[str, QuestionTally],
) -> TopicStats:
    cards = [card for each in questions if (card := memory.cards.get(each.id)) is not None]
    mine = [tallies[each.id] for each in questions if each.id in tallies]
    recall = [scheduler.retrievability(card, memory.day) for card in cards]
    return TopicStats(
        topic=topic,
        questions=len(questions),
        started=len(cards),
        asked=sum(each.asked for each in mine),
        passed=sum(each.passed for each in mine),
        retrievability=sum(recall) / len(recall) if recall else None,
        weak=tuple(card.question for card in cards if is_weak(card)),
    )


def _stabilities(values: Iterable[float]) -> tuple[tuple[str, int], ...]:
    counts = Counter(bisect_right(_STABILITIES, value) for value in values)
    names = [*(f"< {high:g}" for high in _STABILITIES), f"≥ {_STABILITIES[-1]:g}"]
    return tuple((name, counts[place]) for place, name in enumerate(names))
