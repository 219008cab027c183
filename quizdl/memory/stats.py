"""How it is going: counts over the log and over the cards. Pure functions of what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from quizdl.memory import scheduler
from quizdl.memory.points import WeakPoint, weak_points
from quizdl.memory.queue import Memory, is_weak
from quizdl.model import Hit, Mark, Prediction, Question, Recalled, State, Topic

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
class QuestionTally:
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
    by_question = {each.question: each for each in tallies if each.question in ids}
    cards = [card for card in memory.cards.values() if card.question in ids]
    done = tuple(sorted(days, key=lambda each: each.day))
    return Stats(
        today=memory.day,
        days=done,
        asked=sum(each.asked for each in by_question.values()),
        passed=sum(each.passed for each in by_question.values()),
        streak=_streak({each.day for each in done}, memory.day),
        forecast=_forecast(memory, ids),
        topics=tuple(
            _topic(topic, [q for q in questions if q.topic == topic.id], memory, by_question)
            for topic in topics
            if any(question.topic == topic.id for question in questions)
        ),
        stabilities=_stabilities([card.stability for card in cards]),
        difficulties=tuple(
            sum(1 for card in cards if round(card.difficulty) == level) for level in range(1, 11)
        ),
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


def _forecast(memory: Memory, ids: Collection[str]) -> tuple[int, ...]:
    due = [0] * FORECAST
    for card in memory.cards.values():
        mark = memory.marks.get(card.question, Mark())
        if card.question in ids and card.state is State.REVIEW and not mark.suspended:
            place = max(card.due_day - memory.day, 0)
            if place < FORECAST:
                due[place] += 1
    return tuple(due)


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


def _stabilities(values: Sequence[float]) -> tuple[tuple[str, int], ...]:
    classes = []
    low = 0.0
    for high in (*_STABILITIES, float("inf")):
        name = f"≥ {low:g}" if high == float("inf") else f"< {high:g}"
        classes.append((name, sum(1 for value in values if low <= value < high)))
        low = high
    return tuple(classes)
