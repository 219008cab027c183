"""Key points told and missed: what they say of a recall, and which stay missing."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from quizdl.bank.sections import key_points
from quizdl.model import Question, Rating, Recall, Recalled, Tick

RECENT = 4
"""Recalls of a question that tell whether a point of it is weak."""
_ALIKE = 0.6
"""From this similarity on (difflib's ratio), a point that was edited is still the same."""


@dataclass(frozen=True, slots=True)
class WeakPoint:
    question: str
    point: str
    """Markdown, as it is written today."""
    must: bool
    missed: int
    asked: int
    """Of the last RECENT recalls in which it was looked at."""
    last: datetime
    """UTC, when it was missed last."""


def propose(ticks: Sequence[Tick]) -> Rating:
    """The rating that the points told speak for: Good with every must-have, Hard with half of
    them, else Again. How easily they came, no tick can tell: never Easy.

    Raises ValueError without any tick.
    """
    if not ticks:
        raise ValueError("no key point was looked at")
    must = [tick.told for tick in ticks if tick.must] or [tick.told for tick in ticks]
    if all(must):
        return Rating.GOOD
    return Rating.HARD if 2 * sum(must) >= len(must) else Rating.AGAIN


def weak_points(
    recalled: Iterable[Recalled], questions: Iterable[Question]
) -> tuple[WeakPoint, ...]:
    """The points of `questions` that were missed in half or more of their last RECENT recalls,
    the most often missed first. `recalled` is oldest first; its texts may be older than the
    points of today, and one that resembles none of them is left out."""
    by_question: dict[str, list[Recalled]] = defaultdict(list)
    for each in recalled:
        if each.recall.ticks:
            by_question[each.question].append(each)
    found = [
        weak
        for question in questions
        if question.id in by_question
        for weak in _of_question(question, by_question[question.id])
    ]
    found.sort(key=lambda weak: (-weak.missed / weak.asked, -weak.last.timestamp()))
    return tuple(found)


def missed(question: Question, recall: Recall) -> frozenset[int]:
    """Places, from 0, of the points of today that were not told then."""
    places = _places([tick.point for tick in recall.ticks], question)
    return frozenset(
        place
        for tick, place in zip(recall.ticks, places, strict=True)
        if place is not None and not tick.told
    )


def _of_question(question: Question, recalled: Sequence[Recalled]) -> Iterable[WeakPoint]:
    told: dict[int, list[tuple[datetime, bool]]] = defaultdict(list)
    for each in recalled:
        ticks = each.recall.ticks
        for tick, place in zip(ticks, _places([t.point for t in ticks], question), strict=True):
            if place is not None:
                told[place].append((each.at, tick.told))
    points = key_points(question.back)
    for place, history in sorted(told.items()):
        recent = history[-RECENT:]
        misses = [at for at, was_told in recent if not was_told]
        if 2 * len(misses) >= len(recent):
            point = points[place]
            yield WeakPoint(
                question.id, point.text, point.must, len(misses), len(recent), misses[-1]
            )


def _places(texts: Sequence[str], question: Question) -> list[int | None]:
    """Where each of some former points stands among those of today; None: nowhere."""
    today = [point.text for point in key_points(question.back)]
    return [today.index(text) if text in today else _nearest(text, today) for text in texts]


def _nearest(text: str, today: Sequence[str]) -> int | None:
    alike = [difflib.SequenceMatcher(None, text, each).ratio() for each in today]
    best = max(range(len(alike)), key=alike.__getitem__, default=None)
    return None if best is None or alike[best] < _ALIKE else best
