"""Our cards and reviews in Anki's columns, and Anki's reviews in ours.

Anki counts days from the creation of a collection. A package is a collection of its own, and
whoever imports it shifts the days; ours was created at noon UTC of `EPOCH`, so day n of it is
the study day with ordinal EPOCH + n. What the columns mean: rslib/src/card, rslib/src/revlog
and rslib/src/storage/card/data.rs of github.com/ankitects/anki.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from quizdl.model import Card, Mark, Rating, Review, State

EPOCH = date(2020, 1, 1).toordinal()
CREATED = int(datetime(2020, 1, 1, 12, tzinfo=UTC).timestamp())
_DAY = timedelta(days=1)
_MS = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_NEW, _LEARNING, _REVIEW, _RELEARNING = range(4)
_SUSPENDED = -1
_EASE = 2500
"""In thousandths, the ease a card starts with: FSRS does not look at it, SM-2 does."""
_MANUAL, _RESCHEDULED, _FILTERED = 4, 5, 3


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is remembered of one question."""

    card: Card
    reviews: tuple[Review, ...]
    mark: Mark = field(default_factory=Mark)


class CardColumns(NamedTuple):
    type: int
    queue: int
    due: int
    ivl: int
    factor: int
    reps: int
    lapses: int
    left: int
    flags: int
    data: str


def new_card(position: int) -> CardColumns:
    """A card that was never answered, at its place in the syllabus."""
    return CardColumns(_NEW, _NEW, position, 0, 0, 0, 0, 0, 0, "")


def card_columns(
    schedule: Schedule, steps: tuple[int, int], retention: float, decay: float
) -> CardColumns:
    """`steps`: how many learning and relearning steps there are; `decay`: of FSRS's forgetting
    curve, positive."""
    card = schedule.card
    last = schedule.reviews[-1]
    ease = 0 if card.state is State.LEARNING else _EASE
    left = 0
    if card.state is State.REVIEW:
        kind, queue = _REVIEW, _REVIEW
        due, interval = card.due_day - EPOCH, max(1, card.due_day - card.last_day)
    else:
        kind = _LEARNING if card.state is State.LEARNING else _RELEARNING
        queue = _LEARNING
        due = 0 if card.due is None else (card.due - _ZERO) // _SECOND
        interval = 0 if card.state is State.LEARNING else 1
        number = steps[0] if card.state is State.LEARNING else steps[1]
        left = 1001 * max(1, number - (card.step or 0))  # that many, that many of them today
    if schedule.mark.suspended:
        queue = _SUSPENDED
    return CardColumns(
        type=kind,
        queue=queue,
        due=due,
        ivl=interval,
        factor=ease,
        reps=card.reps,
        lapses=card.lapses,
        left=left,
        flags=int(schedule.mark.flagged),  # 1: the red flag
        data=json.dumps(
            {
                "s": round(card.stability, 4),
                "d": round(card.difficulty, 3),
                "dr": round(retention, 2),
                "decay": round(decay, 3),
                "lrt": (last.at - _ZERO) // _SECOND,
            },
            separators=(",", ":"),
        ),
    )


class ReviewColumns(NamedTuple):
    id: int
    ease: int
    ivl: int
    last_ivl: int
    factor: int
    time: int
    type: int


def review_columns(reviews: Iterable[Review]) -> Iterator[ReviewColumns]:
    """Of one question, oldest first."""
    before = 0
    for review in reviews:
        interval = _interval(review.interval)
        yield ReviewColumns(
            id=milliseconds(review),
            ease=int(review.rating),
            ivl=interval,
            last_ivl=before,
            factor=round(((review.difficulty - 1) / 9 + 0.1) * 1000),  # as Anki's FSRS logs it
            time=review.duration // _MS,
            type=_kind(review.state_before),
        )
        before = interval


def milliseconds(review: Review) -> int:
    return (review.at - _ZERO) // _MS


def _interval(interval: timedelta) -> int:
    """Days, or seconds below zero."""
    return interval // _DAY if interval >= _DAY else -(interval // _SECOND)


def _kind(before: State | None) -> int:
    return {State.REVIEW: 1, State.RELEARNING: 2}.get(before, 0) if before else 0


# --- and back ----------------------------------------------------------------------------


class Answer(NamedTuple):
    """A review as Anki logged it."""

    question: str
    at: datetime
    """UTC."""
    rating: Rating
    duration: timedelta
    interval: timedelta
    """What Anki promised: below a day, a step."""
    learning: bool
    """Of an interval below a day: whether the card had not left its learning steps before."""


def answer(question: str, row: ReviewColumns) -> Answer | None:
    """None for what was no answer to the card: rescheduling, cramming, an unknown button."""
    cramming = row.type == _FILTERED and row.factor == 0
    if not 1 <= row.ease <= 4 or row.type in (_MANUAL, _RESCHEDULED) or cramming:
        return None
    return Answer(
        question=question,
        at=_ZERO + row.id * _MS,
        rating=Rating(row.ease),
        duration=max(0, row.time) * _MS,
        interval=row.ivl * _DAY if row.ivl > 0 else -row.ivl * _SECOND,
        learning=row.type == 0,
    )
