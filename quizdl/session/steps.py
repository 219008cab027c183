"""The operations of a session: each is one step of undo and of redo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from quizdl.model import Rating, Recall, Review
from quizdl.words import say


@dataclass(frozen=True, slots=True)
class Rated:
    question: str
    review: Review
    recall: Recall | None


@dataclass(frozen=True, slots=True)
class Crammed:
    question: str
    rating: Rating
    duration: timedelta
    recall: Recall | None


@dataclass(frozen=True, slots=True)
class Buried:
    question: str
    until_before: Mapping[str, int]
    """Of every question that was."""


@dataclass(frozen=True, slots=True)
class Suspended:
    question: str


@dataclass(frozen=True, slots=True)
class Skipped:
    question: str


Step: TypeAlias = Rated | Crammed | Buried | Suspended | Skipped


def name(step: Step) -> str:
    """In words."""
    match step:
        case Rated(review=review):
            return say("session.step.rated", rating=say(f"rating.{review.rating.name.lower()}"))
        case Crammed(rating=rating):
            return say("session.step.rated", rating=say(f"rating.{rating.name.lower()}"))
        case Buried(until_before=before) if len(before) > 1:
            return say("session.step.buried_siblings", count=len(before))
        case Buried():
            return say("session.step.buried")
        case Suspended():
            return say("session.step.suspended")
        case Skipped():
            return say("session.step.skipped")
