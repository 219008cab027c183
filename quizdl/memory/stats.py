"""How it is going: counts over the log and over the cards. Pure functions of what was read."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

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
    tallies: Mapping[str, tuple[int, int]],
    predictions: Iterable[Prediction],
    recalled: Iterable[Recalled],
) -> Stats:
    """Of these questions; `days` are of the whole log, which does not know them apart, and
    `tallies` say of each how often it was asked in State.REVIEW, and how often it was known."""
    by_topic: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        by_topic[question.topic].append(question.id)
    ids = {*chain.from_iterable(by_topic.values())}
    cards = [card for question, card in memory.cards.items() if question in ids]
    levels = Counter([round(card.difficulty) for card in cards])
    done = tuple(sorted(days, key=lambda each: each.day))
    found = tuple(
        _topic(topic, by_topic[topic.id], memory, tallies)
        for topic in topics
        if topic.id in by_topic
    )
    return Stats(
        today=memory.day,
        days=done,
        asked=sum(each.asked for each in found),
        passed=sum(each.passed for each in found),
        streak=_streak({each.day for each in done}, memory.day),
        forecast=_forecast(memory, cards),
        topics=found,
        stabilities=_stabilities([card.stability for card in cards]),
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
    due = Counter(
        [
            card.due_day
            for card in cards
            if card.state is State.REVIEW and card.question not in suspended
        ]
    )
    coming: Counter[int] = Counter()
    for day, count in due.items():
        coming[max(day - memory.day, 0)] += count
    return tuple(coming[place] for place in range(FORECAST))


def _topic(
    topic: Topic,
    questions: Sequence[str],
    memory: Memory,
    tallies: Mapping[str, tuple[int, int]],
) -> TopicStats:
    cards = [card for card in map(memory.cards.get, questions) if card is not None]
    mine = [tally for tally in map(tallies.get, questions) if tally is not None]
    recall = scheduler.retrievabilities(cards, memory.day)
    return TopicStats(
        topic=topic,
        questions=len(questions),
        started=len(cards),
        asked=sum(asked for asked, _ in mine),
        passed=sum(passed for _, passed in mine),
        retrievability=sum(recall) / len(recall) if recall else None,
        weak=tuple(card.question for card in cards if is_weak(card)),
    )


def _stabilities(values: Iterable[float]) -> tuple[tuple[str, int], ...]:
    counts = Counter([bisect_right(_STABILITIES, value) for value in values])
    names = [*(f"< {high:g}" for high in _STABILITIES), f"≥ {_STABILITIES[-1]:g}"]
    return tuple((name, counts[place]) for place, name in enumerate(names))
