"""Study days, and FSRS-6 on them (py-fsrs). The only importer of fsrs.

FSRS counts time in days. A day here is a study day: the local date, beginning at
`rollover_hour`; 22:00 -> 08:00 is one day apart, and 02:00 still belongs to the day before.
py-fsrs counts blocks of 24 hours instead, so it is given UTC midnights of study days, whose
distance in 24-hour blocks is the distance in study days. Learning steps, which are shorter
than a day, are added to the true time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from quizdl.model import Card, Moment, Outcome, Preset, Rating, Review, State
from quizdl.settings import DEFAULTS, Settings

if TYPE_CHECKING:  # 0.1 s: imported when the first card is scheduled
    import fsrs


def study_day(now: datetime, rollover_hour: int) -> int:
    """Ordinal of the study day of an aware local time, by the clock on its wall.

    Wall clock, not elapsed hours: in a night of 23 or 25 hours the day still begins at
    rollover_hour. Raises ValueError for a naive datetime.
    """
    if now.tzinfo is None:
        raise ValueError("now must be timezone-aware")
    return now.toordinal() - (now.hour < rollover_hour)


def moment(now: datetime, rollover_hour: int) -> Moment:
    """`now` as memory counts it. Raises ValueError for a naive datetime."""
    day = study_day(now, rollover_hour)
    at = now.astimezone(UTC)
    return Moment(at.replace(microsecond=at.microsecond // 1000 * 1000), day)


@cache
def scheduler_version() -> str:
    """Which scheduler computes memory states here; asked without importing it, and without
    parsing all of its metadata, which would take longer than all else that opening asks."""
    from importlib.metadata import distribution

    about = distribution("fsrs").read_text("METADATA") or ""
    found = re.search(r"^Version: (\S+)", about, re.MULTILINE)
    assert found is not None  # every package has one
    return f"fsrs {found[1]}"


@cache
def preset(settings: Settings) -> Preset:
    return Preset(scheduler_version(), _fsrs(settings).to_json())


@cache
def decay() -> float:
    """Of the forgetting curve (1 + factor * t / S) ** -decay, positive: FSRS's parameter w20."""
    return float(_fsrs(DEFAULTS).parameters[20])


@cache
def _factor() -> float:
    """What makes the curve 90 % after as many days as the stability."""
    return float(0.9 ** (-1 / decay()) - 1)


def retrievability(card: Card, day: int) -> float:
    """Probability of recall on a study day, by FSRS."""
    return retrievabilities((card,), day)[0]


def retrievabilities(cards: Iterable[Card], day: int) -> list[float]:
    """The same of thousands of cards: as py-fsrs computes it, without an object for each."""
    factor, power = _factor(), -decay()
    return [
        (1 + factor * (day - card.last_day) / card.stability) ** power
        if day > card.last_day
        else 1.0
        for card in cards
    ]


def outcomes(
    card: Card | None, question: str, now: Moment, settings: Settings
) -> dict[Rating, Outcome]:
    """The four futures of a question; `card` is None when it is new."""
    scheduler, before = _fsrs(settings), _card_of_fsrs(card)
    return {
        rating: _outcome(_review(scheduler, before, rating, now.day), card, question, rating, now)
        for rating in Rating
    }


def outcome(
    card: Card | None, question: str, rating: Rating, now: Moment, settings: Settings
) -> Outcome:
    """The one of `outcomes` that `rating` leads to."""
    after = _review(_fsrs(settings), _card_of_fsrs(card), rating, now.day)
    return _outcome(after, card, question, rating, now)


def settle(outcome: Outcome, at: datetime) -> Outcome:
    """The outcome, its learning step counted from `at`.

    Time spent on the answer between reveal and rating does not eat up the step, and the
    interval stays the one on the button.
    """
    if outcome.card.due is None:
        return outcome
    return replace(outcome, card=outcome.card._replace(due=at + outcome.interval))


def replay(
    question: str, reviews: Iterable[Review], resets: Sequence[datetime] = ()
) -> Card | None:
    """The card that `reviews`, in the order of the log, lead to; None without any since the
    last of `resets`, the times (UTC) at which the question was made new.

    The memory state (stability, difficulty) is computed anew, by the FSRS at hand. What was
    promised to the learner (interval, step, due) is taken from the log: a newer FSRS changes
    what is believed about the past, not which day was announced.
    """
    since = [review for review in reviews if not resets or review.at > resets[-1]]
    card: Card | None = None
    for card in retrace(question, since):  # noqa: B007 - the last one counts
        pass
    return card


def retrace(
    question: str, reviews: Iterable[Review], resets: Iterable[datetime] = ()
) -> Iterator[Card]:
    """The card after each of `reviews`, as in `replay`; `resets` are oldest first."""
    scheduler = _fsrs(DEFAULTS)  # plays no part in the memory state
    card: Card | None = None
    coming = list(resets)
    for review in reviews:
        while coming and coming[0] < review.at:
            card = None
            del coming[0]
        after = _review(scheduler, _card_of_fsrs(card), review.rating, review.day)
        card = Card(
            question=question,
            state=review.state,
            step=review.step,
            stability=_known(after.stability),
            difficulty=_known(after.difficulty),
            due=review.due,
            due_day=review.day + review.interval.days,
            last_day=review.day,
            reps=(card.reps if card else 0) + 1,
            lapses=_lapses(card, review.rating),
        )
        yield card


def _outcome(
    after: fsrs.Card, card: Card | None, question: str, rating: Rating, now: Moment
) -> Outcome:
    interval = after.due - _midnight(now.day)
    state = State(after.state)
    return Outcome(
        rating=rating,
        before=card,
        card=Card(
            question=question,
            state=state,
            step=after.step,
            stability=_known(after.stability),
            difficulty=_known(after.difficulty),
            due=None if state is State.REVIEW else now.at + interval,
            due_day=now.day + interval.days,
            last_day=now.day,
            reps=(card.reps if card else 0) + 1,
            lapses=_lapses(card, rating),
        ),
        interval=interval,
    )


def _review(scheduler: fsrs.Scheduler, before: fsrs.Card, rating: Rating, day: int) -> fsrs.Card:
    """What FSRS makes of `before`, which stays as it is."""
    import fsrs

    return scheduler.review_card(before, fsrs.Rating(rating), _midnight(day))[0]


def _card_of_fsrs(card: Card | None) -> fsrs.Card:
    import fsrs

    if card is None:
        return fsrs.Card(card_id=0)  # without one, the constructor takes it from the clock
    return fsrs.Card(
        card_id=0,
        state=fsrs.State(card.state),
        step=card.step,
        stability=card.stability,
        difficulty=card.difficulty,
        due=_midnight(card.due_day),
        last_review=_midnight(card.last_day),
    )


@cache
def _fsrs(settings: Settings) -> fsrs.Scheduler:
    import fsrs

    return fsrs.Scheduler(
        desired_retention=settings.desired_retention,
        learning_steps=steps(settings.learning_steps),
        relearning_steps=steps(settings.relearning_steps),
        maximum_interval=settings.maximum_interval,
        enable_fuzzing=False,  # it draws from the global random: no replay could repeat it
    )


def steps(minutes: Iterable[float]) -> tuple[timedelta, ...]:
    """Learning steps of the settings, in whole seconds, as presets keep them."""
    return tuple(timedelta(seconds=round(step * 60)) for step in minutes)


def _lapses(before: Card | None, rating: Rating) -> int:
    if before is None:
        return 0
    return before.lapses + (before.state is State.REVIEW and rating is Rating.AGAIN)


@lru_cache(maxsize=4096)
def _midnight(day: int) -> datetime:
    return datetime.fromordinal(day).replace(tzinfo=UTC)


def _known(value: float | None) -> float:
    assert value is not None  # every reviewed card has a memory state
    return value
