"""What to ask next, and what is left today. Pure functions of what is remembered."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import NamedTuple

from quizdl.model import Card, Mark, Moment, Outcome, Rating, Review, State, Today

_SECONDS = {None: 90.0, State.LEARNING: 60.0, State.REVIEW: 60.0}
"""Guess of how long one look takes, until there are _ENOUGH looks of one's own."""
_ENOUGH = 5
RECENT = 300
"""Ratings that the learner's pace is taken from."""
_HARD = 7.0
LEECH = 8
"""Lapses that make a leech: as many as in Anki."""


class Version(NamedTuple):
    """Which state of the store was read."""

    others: int
    """Changes with every write of another quizdl."""
    own: int
    """Writes through this store."""

    @property
    def next(self) -> Version:
        """After one more write through this store."""
        return self._replace(own=self.own + 1)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered, seen from one study day. Ids may include ones not in the bank."""

    day: int
    cards: Mapping[str, Card]
    marks: Mapping[str, Mark]
    new_done: int
    """Questions seen for the first time on this day."""
    reviews_done: int
    """Ratings on this day of cards that were in State.REVIEW."""
    paces: Sequence[tuple[State | None, float]]
    """Of the RECENT last ratings, newest first: the state before (None: new) and the seconds
    taken."""
    version: Version = field(default=Version(0, 0), compare=False)

    def after(self, review: Review, card: Card) -> Memory:
        """With one more review, written through the store it was read from, and its card."""
        today = review.day == self.day
        return replace(
            self,
            cards={**self.cards, card.question: card},
            new_done=self.new_done + (today and review.state_before is None),
            reviews_done=self.reviews_done + (today and review.state_before is State.REVIEW),
            paces=[
                (review.state_before, review.duration.total_seconds()),
                *self.paces[: RECENT - 1],
            ],
            version=self.version.next,
        )

    def marked(self, marks: Mapping[str, Mark]) -> Memory:
        """With these marks, written through the store it was read from, in one go."""
        return replace(self, marks={**self.marks, **marks}, version=self.version.next)


@dataclass(frozen=True, slots=True)
class Limits:
    new: int
    """New questions a day."""
    reviews: int
    """Reviews a day; learning steps are never held back."""
    ahead: bool = False
    """Also ask what is not due yet; then `reviews` holds nothing back."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Ids in the order they are asked: learning, then review, then new."""

    learning: tuple[str, ...]
    review: tuple[str, ...]
    new: tuple[str, ...]
    steps: tuple[tuple[datetime, str], ...]
    """Learning steps still to come, soonest first."""

    def next(self, at: datetime, learn_ahead: timedelta) -> str | None:
        """The id to ask now; a coming step is asked early only when nothing else is left."""
        for ids in (self.learning, self.review, self.new):
            if ids:
                return ids[0]
        if self.steps and self.steps[0][0] - at <= learn_ahead:
            return self.steps[0][1]
        return None

    def __contains__(self, question: str) -> bool:
        waiting = chain(self.learning, self.review, self.new, (step[1] for step in self.steps))
        return question in waiting

    def at(self, now: datetime) -> Queue:
        """What it has become by a later time of the same day."""
        due = tuple(question for due, question in self.steps if due <= now)
        if not due:
            return self
        return replace(self, learning=self.learning + due, steps=self.steps[len(due) :])

    def after(self, card: Card) -> Queue:
        """What is left when one of it was rated, which has led to `card`. The limits of the day
        hold back as many as before, since this one counts."""
        others = [step for step in self.steps if step[1] != card.question]
        steps = others if card.due is None else [*others, (card.due, card.question)]
        return Queue(
            learning=_without(self.learning, card.question),
            review=_without(self.review, card.question),
            new=_without(self.new, card.question),
            steps=tuple(sorted(steps)),
        )

    def narrowed(self, started: Collection[str], room: int) -> Queue:
        """Only what is `started`, and the first `room` others."""
        waiting = chain(self.learning, self.review, self.new, (step[1] for step in self.steps))
        others = [question for question in waiting if question not in started][: max(room, 0)]
        kept = {*started, *others}
        return Queue(
            learning=_only(self.learning, kept),
            review=_only(self.review, kept),
            new=_only(self.new, kept),
            steps=tuple(step for step in self.steps if step[1] in kept),
        )


NOTHING = Queue((), (), (), ())


def build(order: Sequence[str], memory: Memory, now: Moment, limits: Limits) -> Queue:
    """The queue at `now` of the ids in `order` (the syllabus); `memory` is of the same day.

    Reviews come lowest retrievability first. By FSRS's forgetting curve that is a falling
    function of elapsed days / stability alone, so the ratio sorts them; ties keep `order`.
    """
    cards, day, ahead = memory.cards, now.day, limits.ahead
    known = State.REVIEW  # looked up once: an enum is slow to ask, for thousands of cards
    hidden = {question for question, mark in memory.marks.items() if mark.hides(day)}
    soon = {
        question: card
        for question, card in cards.items()
        if card.due_day <= day or (ahead and card.last_day < day)
    }
    for question in hidden:
        soon.pop(question, None)
    asked = [*map(soon.__getitem__, filter(soon.__contains__, order))]
    steps = sorted((card.due, card.question) for card in asked if card.due is not None)
    review = [card for card in asked if card.state is known and (not ahead or card.due_day <= day)]

    def overdue(card: Card) -> float:
        return (card.last_day - day) / card.stability

    review.sort(key=overdue)
    if ahead:
        review += sorted((card for card in asked if card.due_day > day), key=overdue)
    else:
        del review[max(limits.reviews - memory.reviews_done, 0) :]
    new = (question for question in order if question not in cards and question not in hidden)
    return Queue(
        learning=tuple(question for due, question in steps if due <= now.at),
        review=tuple(card.question for card in review),
        new=tuple(islice(new, max(limits.new - memory.new_done, 0))),
        steps=tuple(step for step in steps if step[0] > now.at),
    )


def cram(
    order: Sequence[str], memory: Memory, now: Moment, given: Mapping[str, Sequence[Rating]]
) -> Queue:
    """Every question of `order` that is not put aside and was not known yet in this session, by
    the ratings `given`; one that was not comes back after all that were asked less often."""
    left = [
        question
        for question in order
        if not memory.marks.get(question, Mark()).hides(now.day)
        and (not given.get(question) or given[question][-1] is Rating.AGAIN)
    ]
    left.sort(key=lambda question: len(given.get(question, ())))
    return Queue((), tuple(left), (), ())


def is_due(card: Card, mark: Mark | None, day: int) -> bool:
    """Whether the queue of that study day would ask it, were there no limits."""
    return card.due_day <= day and not (mark is not None and mark.hides(day))


def is_weak(card: Card) -> bool:
    """Forgotten once known, or of a difficulty (1 to 10) that only repeated failure gives."""
    return card.lapses > 0 or card.difficulty >= _HARD


def is_leech(card: Card) -> bool:
    """Forgotten so often that asking again is not what it needs."""
    return card.lapses >= LEECH


def is_new_leech(outcome: Outcome) -> bool:
    """Whether this answer is the one to say so: at LEECH lapses, and then at every half as many
    again, as Anki does."""
    before = outcome.before.lapses if outcome.before else 0
    forgotten = outcome.card.lapses > before
    return (
        forgotten and is_leech(outcome.card) and (outcome.card.lapses - LEECH) % (LEECH // 2) == 0
    )


def days_to_next(order: Iterable[str], memory: Memory, limits: Limits) -> int | None:
    """Study days from `memory.day` to the next that has something to ask, supposing that of
    this day nothing is left; None when none has."""
    days = []
    for question in order:
        card, mark = memory.cards.get(question), memory.marks.get(question, Mark())
        if not mark.suspended and (card is not None or limits.new):
            due = memory.day + 1 if card is None else card.due_day
            days.append(max(due, mark.buried_until, memory.day + 1))
    return min(days) - memory.day if days else None


def today(queue: Queue, paces: Iterable[tuple[State | None, float]]) -> Today:
    """Counts of `queue`, and the time they take at the median pace of recent ratings."""
    learning = len(queue.learning) + len(queue.steps)
    seconds = pace(paces)
    first, step, review = seconds[None], seconds[State.LEARNING], seconds[State.REVIEW]
    return Today(
        learning=learning,
        review=len(queue.review),
        new=len(queue.new),
        # a new question is looked at twice when it goes well: once new, once after 10 minutes
        seconds=learning * step + len(queue.review) * review + len(queue.new) * (first + step),
    )


def pace(paces: Iterable[tuple[State | None, float]]) -> dict[State | None, float]:
    """Seconds that a look takes, by the state before; None: the first of a question."""
    seen: dict[State | None, list[float]] = {kind: [] for kind in _SECONDS}
    for state, seconds in paces:
        seen[State.LEARNING if state is State.RELEARNING else state].append(seconds)
    return {
        kind: statistics.median(values) if len(values) >= _ENOUGH else _SECONDS[kind]
        for kind, values in seen.items()
    }


def _without(questions: tuple[str, ...], gone: str) -> tuple[str, ...]:
    if gone not in questions:
        return questions
    place = questions.index(gone)
    return questions[:place] + questions[place + 1 :]


def _only(questions: Iterable[str], kept: Collection[str]) -> tuple[str, ...]:
    return tuple(question for question in questions if question in kept)
