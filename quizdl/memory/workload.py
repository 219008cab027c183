"""What a choice of settings would ask of the learner in the coming days.

A simulation of the learner's own cards, day by day, as the sessions here would ask them: the
queue's own order and limits, FSRS's own memory states and intervals, and an answer drawn with
the probability of recall that FSRS predicts (`R = (1 + F * t / S) ** -w20`; J. Ye et al., A
Stochastic Shortest Path Algorithm for Optimizing Spaced Repetition Scheduling, KDD 2022, and the
FSRS-6 wiki). It is repeated until the mean is steady; the draws belong to a question and to how
often it was asked, so that two choices meet the same luck and differ by what was chosen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from quizdl.memory import queue, scheduler
from quizdl.memory.queue import Limits, Memory
from quizdl.model import Card, Moment, Rating, State
from quizdl.settings import Settings

DAYS = 30
LOOKS = 12_000
"""Simulated looks after which no other run is begun: about a third of a second."""
RUNS = 60
_LONGEST = 30  # looks at a question on one day: whoever fails them all goes to bed
_TRUST = 20.0  # own answers that weigh as much as those of others

Habits = Mapping[State | None, Mapping[Rating, int]]
"""How often the learner gave each rating, by the state before; None: to a new question."""

_OTHERS = {
    None: (0.24, 0.094, 0.495, 0.171),
    State.REVIEW: (0.0, 0.224, 0.631, 0.145),
    State.LEARNING: (0.2103, 0.0549, 0.6785, 0.0564),
    State.RELEARNING: (0.1607, 0.1040, 0.6930, 0.0424),
}
"""How people answer, by fsrs-rs (SimulatorConfig's defaults: first_rating_prob,
review_rating_prob of those recalled, and for the steps the mean of the rows after Again and after
Good); until there are answers of one's own."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be expected on each of the coming days, today first."""

    reviews: tuple[float, ...]
    """Of questions in State.REVIEW: what `reviews_per_day` counts."""
    new: tuple[float, ...]
    seconds: tuple[float, ...]
    """With all that is asked, learning steps, too."""
    runs: int

    @property
    def reviews_per_day(self) -> float:
        return sum(self.reviews) / len(self.reviews)

    @property
    def new_per_day(self) -> float:
        return sum(self.new) / len(self.new)

    @property
    def minutes_per_day(self) -> float:
        return sum(self.seconds) / len(self.seconds) / 60


def expect(
    order: Sequence[str],
    memory: Memory,
    habits: Habits,
    settings: Settings,
    *,
    days: int = DAYS,
    looks: int = LOOKS,
    wanted: Callable[[], bool] = lambda: True,
) -> Workload | None:
    """The workload of the ids in `order` from the day of `memory` on; None as soon as it is no
    longer `wanted`, which is asked once a simulated day."""
    learner = _Learner(
        {state: _shares(habits.get(state, {}), state, settings) for state in _OTHERS},
        queue.pace(memory.paces),
    )
    total = _Tally([0] * days, [0] * days, [0.0] * days)
    runs = 0
    while runs < RUNS and (runs < 2 or total.looks < looks):
        for _ in _run(order, memory, learner, settings, runs, total):
            if not wanted():
                return None
        runs += 1
    return Workload(
        reviews=tuple(count / runs for count in total.reviews),
        new=tuple(count / runs for count in total.new),
        seconds=tuple(each / runs for each in total.seconds),
        runs=runs,
    )


@dataclass(frozen=True, slots=True)
class _Learner:
    shares: Mapping[State | None, Sequence[float]]
    """Of each rating, by the state before; in review, of those that were recalled."""
    pace: Mapping[State | None, float]

    def rate(self, card: Card | None, day: int, luck: random.Random) -> Rating:
        """What the learner might answer. In review, FSRS says how likely a recall is."""
        draw, kind = luck.random(), luck.random()
        state = card.state if card else None
        if card is not None and state is State.REVIEW:
            recalled = draw < scheduler.retrievability(card, day)
            return _pick(kind, self.shares[state]) if recalled else Rating.AGAIN
        return _pick(kind, self.shares[state])

    def seconds(self, card: Card | None) -> float:
        """That a look takes."""
        state = card.state if card else None
        return self.pace[State.LEARNING if state is State.RELEARNING else state]


@dataclass(slots=True)
class _Tally:
    """Sums over the runs, by day."""

    reviews: list[int]
    new: list[int]
    seconds: list[float]
    looks: int = 0


def _run(
    order: Sequence[str],
    memory: Memory,
    learner: _Learner,
    settings: Settings,
    run: int,
    total: _Tally,
) -> Iterator[None]:
    """One possible future, added to `total`; yields after each of its days."""
    luck: dict[str, random.Random] = {}
    cards = dict(memory.cards)
    limits = Limits(settings.new_per_day, settings.reviews_per_day)
    for place in range(len(total.seconds)):
        day = memory.day + place
        now = replace(memory, day=day, cards=cards)
        if place:
            now = replace(now, new_done=0, reviews_done=0)
        late = Moment(datetime.fromordinal(day + 2).replace(tzinfo=UTC), day)
        asked = queue.build(order, now, late, limits)  # every step of the day has come by then
        for question in (*asked.learning, *asked.review, *asked.new):
            if question not in luck:
                luck[question] = random.Random(f"{run} {question}")  # noqa: S311
            card = cards.get(question)
            total.reviews[place] += card is not None and card.state is State.REVIEW
            total.new[place] += card is None
            for _ in range(_LONGEST):
                total.seconds[place] += learner.seconds(card)
                total.looks += 1
                rating = learner.rate(card, day, luck[question])
                card = scheduler.outcome(card, question, rating, late, settings).card
                if card.state is State.REVIEW:
                    break
            assert card is not None
            cards[question] = card
        yield


def _pick(draw: float, shares: Sequence[float]) -> Rating:
    for rating, part in zip(Rating, shares, strict=True):
        draw -= part
        if draw < 0:
            return rating
    return Rating.GOOD


def _shares(given: Mapping[Rating, int], state: State | None, settings: Settings) -> list[float]:
    """Of each rating, how often it is given: by this learner, and by others as long as there is
    little to go by. In review only of those that were recalled."""
    weights = [
        given.get(rating, 0) + _TRUST * part
        for rating, part in zip(Rating, _OTHERS[state], strict=True)
    ]
    if state is State.REVIEW:
        weights[0] = 0.0
    again, *passed = weights
    if settings.two_grades:
        passed = [0.0, sum(passed), 0.0]
    return [part / sum(weights) for part in (again, *passed)]
