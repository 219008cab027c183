"""What a session is to cover, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from quizdl.model import Question, Rating, Recall


@dataclass(frozen=True, slots=True)
class Plan:
    """What one session is to cover."""

    questions: tuple[Question, ...] | None = None
    """None: the whole library."""
    limit: int | None = None
    """At most this many questions."""
    time: timedelta | None = None
    """From the beginning; after it, no other question is asked."""
    new: int | None = None
    """New questions today, instead of the setting."""
    ahead: bool = False
    """Go on with questions that are not due yet."""
    cram: bool = False
    """Ask every question, due or not, until it is known, and leave the schedule untouched."""


EVERYTHING = Plan()


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a session."""

    ratings: Mapping[Rating, int]
    new: int
    """Questions rated for the first time."""
    seconds: float
    due_tomorrow: int
    """Questions of this session's bank that will be waiting tomorrow."""
    cram: bool = False
    """Nothing of it was recorded."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question as it was answered in this session."""

    question: Question
    rating: Rating
    interval: timedelta | None
    """Until it comes back; None when that was not touched."""
    recall: Recall | None
