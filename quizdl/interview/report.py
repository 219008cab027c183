"""What came of an interview, once its answers have been looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from quizdl.bank.sections import follow_ups, key_points
from quizdl.memory.points import propose
from quizdl.model import Exchange, Interview, Outcome, Question, Rating, Reply, Tick


class Share(NamedTuple):
    """How many of so many."""

    told: int
    asked: int


class Missed(NamedTuple):
    question: str
    point: str
    """Markdown, as it was then."""
    must: bool


class Untold(NamedTuple):
    question: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Tally:
    """What was told of some questions."""

    musts: Share
    bonuses: Share
    follow_ups: Share

    @property
    def weak(self) -> bool:
        """Something that must be told was not, or less than half of what was asked after it."""
        return self.musts.told < self.musts.asked or (
            2 * self.follow_ups.told < self.follow_ups.asked
        )


@dataclass(frozen=True, slots=True)
class Report:
    interview: Interview
    whole: Tally
    complete: int
    """Questions of which everything was told that must be."""
    passed: int
    """Questions to which there was no answer."""
    missed: tuple[Missed, ...]
    """Those first that must be told; else in the order of the interview."""
    untold: tuple[Untold, ...]
    """Follow-ups without their answer."""
    weak: tuple[tuple[str, Tally], ...]
    """By topic, that of which the least was told first."""


def blank_ticks(question: Question) -> tuple[Tick, ...]:
    """Of every key point: nothing told yet."""
    return tuple(Tick(point.text, point.must, told=False) for point in key_points(question.back))


def follow_up_answer(question: Question, asked: str) -> str:
    """Markdown; empty when the question no longer has it."""
    return next((each.answer for each in follow_ups(question.back) if each.asked == asked), "")


def to_look_at(interview: Interview) -> int | None:
    """The place of the first exchange whose key points nobody has looked at; None: of none."""
    places = (place for place, each in enumerate(interview.exchanges) if not each.ticks)
    return next(places, None)


def with_ticks(
    interview: Interview, place: int, ticks: Sequence[Tick], told: Sequence[bool]
) -> Interview:
    """With what was told of one exchange, and of which of its follow-ups."""
    exchange = interview.exchanges[place]
    replies = zip(exchange.follow_ups, told, strict=True)
    looked_at = replace(
        exchange,
        ticks=tuple(ticks),
        follow_ups=tuple(replace(reply, told=was_told) for reply, was_told in replies),
    )
    before, after = interview.exchanges[:place], interview.exchanges[place + 1 :]
    return replace(interview, exchanges=(*before, looked_at, *after))


def tally(exchanges: Iterable[Exchange]) -> Tally:
    every = tuple(exchanges)
    ticks = [tick for each in every for tick in each.ticks]
    replies = [reply for each in every for reply in each.follow_ups]
    return Tally(
        musts=_share(tick.told for tick in ticks if tick.must),
        bonuses=_share(tick.told for tick in ticks if not tick.must),
        follow_ups=_share(reply.told for reply in replies),
    )


def report(interview: Interview, topics: Mapping[str, str]) -> Report:
    """`topics`: ids of the topics of questions, by question; of one that is no longer in the
    bank it may be missing."""
    exchanges = interview.exchanges
    missed = [
        Missed(each.question, tick.point, tick.must)
        for each in exchanges
        for tick in each.ticks
        if not tick.told
    ]
    by_topic: dict[str, list[Exchange]] = defaultdict(list)
    for each in exchanges:
        if each.question in topics:
            by_topic[topics[each.question]].append(each)
    weak = [(topic, found) for topic, of in by_topic.items() if (found := tally(of)).weak]
    return Report(
        interview=interview,
        whole=tally(exchanges),
        complete=sum(_complete(each) for each in exchanges),
        passed=sum(each.main.passed for each in exchanges),
        missed=tuple(sorted(missed, key=lambda each: not each.must)),
        untold=tuple(
            Untold(each.question, reply)
            for each in exchanges
            for reply in each.follow_ups
            if not reply.told
        ),
        weak=tuple(sorted(weak, key=lambda each: _told(each[1]))),
    )


def _complete(exchange: Exchange) -> bool:
    return bool(exchange.ticks) and all(tick.told for tick in exchange.ticks if tick.must)


def _share(told: Iterable[bool]) -> Share:
    every = list(told)
    return Share(sum(every), len(every))


def _told(found: Tally) -> float:
    asked = found.musts.asked + found.follow_ups.asked
    return (found.musts.told + found.follow_ups.told) / asked if asked else 1.0


# --- as reviews ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """A question of the interview that could be a review."""

    question: str
    rating: Rating
    """What its ticks speak for."""
    outcomes: Mapping[Rating, Outcome]
    duration: timedelta
    """Of the answer to the question itself: what is asked after it is no part of a review."""
    chosen: bool = True

    @property
    def outcome(self) -> Outcome:
        return self.outcomes[self.rating]


def offers(
    interview: Interview, outcomes: Mapping[str, Mapping[Rating, Outcome]]
) -> tuple[Offer, ...]:
    """`outcomes`: of those questions that a review is due of. Without any key points to go by,
    none is chosen unless there was no answer."""
    return tuple(
        Offer(
            question=each.question,
            rating=_rating(each).among(outcomes[each.question]),
            outcomes=outcomes[each.question],
            duration=each.main.duration,
            chosen=bool(each.ticks) or each.main.passed,
        )
        for each in interview.exchanges
        if each.question in outcomes
    )


def _rating(exchange: Exchange) -> Rating:
    if exchange.ticks:
        return propose(exchange.ticks)
    return Rating.AGAIN if exchange.main.passed else Rating.GOOD
