"""A session that was left in the middle, as a small document that the next start can take up.

The review log stays the truth: of what was rated, only the number of the review is kept here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from quizdl.model import Rating

VERSION = 1


@dataclass(frozen=True, slots=True)
class Rated:
    question: str
    review: int
    """Its number in the log."""


@dataclass(frozen=True, slots=True)
class Crammed:
    question: str
    rating: Rating
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Skipped:
    question: str


Step: TypeAlias = Rated | Crammed | Skipped


@dataclass(frozen=True, slots=True)
class Unfinished:
    day: int
    """Ordinal of the study day."""
    questions: tuple[str, ...] | None
    """Ids; None: the whole library."""
    limit: int | None
    time: timedelta | None
    """In all, of which `spent` is gone."""
    spent: timedelta
    new: int | None
    ahead: bool
    cram: bool
    steps: Sequence[Step]


def to_document(left: Unfinished) -> dict[str, Any]:
    return {
        "version": VERSION,
        "day": left.day,
        "questions": None if left.questions is None else list(left.questions),
        "limit": left.limit,
        "seconds": None if left.time is None else left.time.total_seconds(),
        "spent": left.spent.total_seconds(),
        "new": left.new,
        "ahead": left.ahead,
        "cram": left.cram,
        "steps": [_record(step) for step in left.steps],
    }


def from_document(found: dict[str, Any]) -> Unfinished | None:
    """None for what is not one of ours: a convenience is no reason to complain."""
    try:
        if found["version"] != VERSION:
            return None
        questions, seconds = found["questions"], found["seconds"]
        return Unfinished(
            day=int(found["day"]),
            questions=None if questions is None else tuple(map(str, questions)),
            limit=None if found["limit"] is None else int(found["limit"]),
            time=None if seconds is None else timedelta(seconds=seconds),
            spent=timedelta(seconds=found["spent"]),
            new=None if found["new"] is None else int(found["new"]),
            ahead=found["ahead"] is True,
            cram=found["cram"] is True,
            steps=[_step(record) for record in found["steps"]],
        )
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None


def _record(step: Step) -> dict[str, Any]:
    match step:
        case Rated():
            return {"question": step.question, "review": step.review}
        case Crammed():
            ms = step.duration // timedelta(milliseconds=1)
            return {"question": step.question, "rating": int(step.rating), "ms": ms}
        case Skipped():
            return {"question": step.question}


def _step(record: dict[str, Any]) -> Step:
    question = str(record["question"])
    if "review" in record:
        return Rated(question, int(record["review"]))
    if "rating" in record:
        took = timedelta(milliseconds=record["ms"])
        return Crammed(question, Rating(record["rating"]), took)
    return Skipped(question)
