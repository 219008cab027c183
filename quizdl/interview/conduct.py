"""One interview as it goes on. `now` is an aware datetime, handed to every call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from quizdl.bank.sections import FollowUp, follow_ups
from quizdl.interview.choosing import NOTHING, Leg, budget, matching, next_leg
from quizdl.model import Ending, Exchange, Interview, Question, Reply, Setup
from quizdl.search import Remembered
from quizdl.words import QuizdlError, say

_WORTH = 0.5
"""No question is begun when less than this part of the time for its answer is left."""
_FASTEST = 2
"""However fast the answers come: no more than what would fill the time so many times."""
_NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Turn:
    """What is being asked."""

    question: Question
    follow_up: FollowUp | None
    """None: the question itself."""
    number: int
    """Of the question in this interview, from 1."""
    opening: str
    """What the interviewer says before it."""
    budget: timedelta

    @property
    def asked(self) -> str:
        """Markdown."""
        return self.follow_up.asked if self.follow_up else self.question.title


@dataclass(frozen=True, slots=True)
class Draft:
    """An interview that has not been gone through to its end: all that is needed to go on."""

    interview: Interview
    question: str = ""
    """That is being asked; empty: nothing more is, and the answers are being looked at."""
    follow_ups: tuple[str, ...] = ()
    """All that are to be asked after it, as they are written."""
    leads_to: str = ""
    said: str = ""
    """What has been typed of the answer."""
    ran: timedelta = _NONE
    """Time of the answer."""


class Interviewer:
    """Asks until the time is up; the answer that is being given then may be finished."""

    def __init__(
        self,
        questions: Sequence[Question],
        topics: Mapping[str, str],
        setup: Setup,
        now: datetime,
        remembered: Remembered = NOTHING,
        draft: Draft | None = None,
    ) -> None:
        """`topics`: titles by id. With a `draft`, which must be of the same setup, that interview
        goes on. Raises QuizdlError when no question matches."""
        self._pool = matching(questions, setup, remembered)
        if not self._pool and draft is None:
            raise QuizdlError("interview.none")
        self._topics, self._remembered, self._setup = topics, remembered, setup
        self._budgeted = self._turn_ran = _NONE
        self._since: datetime | None = now
        self._leg: Leg | None = None
        self._current: Turn | None = None
        self._ending: Ending | None = None
        if draft is None:
            at = now.astimezone(UTC)
            begun = at.replace(microsecond=at.microsecond // 1000 * 1000)
            self._interview = Interview(begun, setup)
            self._begin_next(now)
        else:
            self._interview = draft.interview
            self._take_up(draft, {question.id: question for question in questions}, now)

    # --- what to show

    @property
    def current(self) -> Turn | None:
        """What is being asked; None when the interview is over."""
        return self._current

    @property
    def interview(self) -> Interview:
        """As it would be logged now, without what is being asked."""
        return replace(self._interview, ending=self._ending or Ending.EARLY)

    @property
    def paused(self) -> bool:
        return self._since is None

    @property
    def total(self) -> timedelta:
        return timedelta(minutes=self._setup.minutes)

    def on_this(self, now: datetime) -> timedelta:
        """How long the current answer has taken."""
        running = max(now - self._since, _NONE) if self._since else _NONE
        return self._turn_ran + running if self._current else _NONE

    def elapsed(self, now: datetime) -> timedelta:
        """Time of the whole interview, without pauses."""
        return time_taken(self._interview) + self.on_this(now)

    def time_is_up(self, now: datetime) -> bool:
        return self.elapsed(now) >= self.total

    def draft(self, now: datetime, said: str = "") -> Draft:
        if self._current is None or self._leg is None:
            return Draft(self.interview)
        return Draft(
            self.interview,
            self._leg.question.id,
            tuple(each.asked for each in self._leg.follow_ups),
            self._leg.leads_to,
            said,
            self.on_this(now),
        )

    # --- what the learner does

    def answer(self, now: datetime, said: str = "") -> Turn | None:
        """The answer has been given; what is asked next."""
        return self._reply(now, said, passed=False)

    def give_up(self, now: datetime, said: str = "") -> Turn | None:
        """There is no answer: another question is asked."""
        return self._reply(now, said, passed=True)

    def stop(self, now: datetime, said: str = "", *, counted: bool) -> None:
        """Ask nothing more. Whether what is being asked counts as answered."""
        if self._current is not None:
            if counted:
                self._log(now, said, passed=False)
            self._end(Ending.EARLY)

    def pause(self, now: datetime) -> None:
        self._turn_ran, self._since = self.on_this(now), None

    def resume(self, now: datetime) -> None:
        if self._since is None:
            self._since = now

    # --- inside

    def _reply(self, now: datetime, said: str, *, passed: bool) -> Turn | None:
        if self._current is None or self._leg is None:
            return None
        self._log(now, said, passed=passed)
        up = self.time_is_up(now)
        to_come = self._leg.follow_ups[self._followed :]
        if up:
            self._end(Ending.TIME)
        elif to_come and not passed:
            self._ask(to_come[0], "deeper" if self._followed else "follow", now)
        else:
            self._begin_next(now, passed=passed)
        return self._current

    def _log(self, now: datetime, said: str, *, passed: bool) -> None:
        turn = self._current
        assert turn is not None
        took = self.on_this(now) // timedelta(milliseconds=1) * timedelta(milliseconds=1)
        reply = Reply(turn.asked, took, passed, said.strip())
        exchanges = self._interview.exchanges
        if turn.follow_up is None:
            exchanges = (*exchanges, Exchange(turn.question.id, reply))
        else:
            followed = replace(exchanges[-1], follow_ups=(*exchanges[-1].follow_ups, reply))
            exchanges = (*exchanges[:-1], followed)
        self._interview = replace(self._interview, exchanges=exchanges)
        self._current, self._turn_ran, self._since = None, _NONE, now

    def _begin_next(self, now: datetime, *, passed: bool = False) -> None:
        """Go over to another question, where one is left and worth beginning."""
        asked = [each.question for each in self._interview.exchanges]
        lead = self._leg.leads_to if self._leg and not passed else ""
        leg = next_leg(self._pool, asked, self._setup, self._remembered, lead)
        if leg is None:
            self._end(Ending.DONE)
            return
        needed = budget(leg.question)
        if asked and self.total - self.elapsed(now) < _WORTH * needed:
            self._end(Ending.TIME)
            return
        if asked and self._budgeted + needed > _FASTEST * self.total:
            self._end(Ending.DONE)
            return
        before, self._leg = self._leg, leg
        if passed:
            kind = "passed"
        elif before is None:
            kind = "first"
        elif lead and leg.question.id == lead:
            kind = "lead"
        else:
            kind = "next" if before.question.topic == leg.question.topic else "topic"
        self._ask(None, kind, now)

    def _ask(self, follow_up: FollowUp | None, kind: str, now: datetime) -> None:
        assert self._leg is not None
        question = self._leg.question
        number = len(self._interview.exchanges) + (follow_up is None)
        needed = budget(question, follow_up=follow_up is not None)
        self._budgeted += needed
        opening = self._opening(kind, number, question)
        self._current = Turn(question, follow_up, number, opening, needed)
        self._turn_ran, self._since = _NONE, now

    def _opening(self, kind: str, number: int, question: Question) -> str:
        topic = self._topics.get(question.topic, question.topic)
        variants = say(f"interview.open.{kind}", topic=topic).split("|")
        chance = Random(f"{self._setup.seed}:{number}:{self._followed}:{kind}")  # noqa: S311
        return chance.choice(variants)

    @property
    def _followed(self) -> int:
        """Follow-ups of the current leg that have been answered."""
        last = self._interview.exchanges[-1] if self._interview.exchanges else None
        same = last is not None and self._leg is not None and last.question == self._leg.question.id
        return len(last.follow_ups) if last is not None and same else 0

    def _end(self, ending: Ending) -> None:
        self._ending, self._current, self._since = ending, None, None

    def _take_up(self, draft: Draft, questions: Mapping[str, Question], now: datetime) -> None:
        for each in self._interview.exchanges:
            if question := questions.get(each.question):
                self._budgeted += budget(question)
                self._budgeted += len(each.follow_ups) * budget(question, follow_up=True)
        if not draft.question:
            self._ending, self._since = draft.interview.ending, None
            return
        question = questions.get(draft.question)
        if question is None:  # the bank has changed since
            self._begin_next(now)
            return
        written = {each.asked: each for each in follow_ups(question.back)}
        chosen = tuple(written[text] for text in draft.follow_ups if text in written)
        self._leg = Leg(question, chosen, draft.leads_to)
        asked = self._interview.exchanges
        if not asked or asked[-1].question != question.id:
            self._ask(None, "again", now)
        elif to_come := chosen[self._followed :]:
            self._ask(to_come[0], "again", now)
        else:
            self._begin_next(now)
            return
        self._turn_ran = draft.ran


def time_taken(interview: Interview) -> timedelta:
    """By all answers, without pauses."""
    return sum((exchange_time(each) for each in interview.exchanges), _NONE)


def exchange_time(exchange: Exchange) -> timedelta:
    """By a question and what followed it."""
    return sum((reply.duration for reply in exchange.follow_ups), exchange.main.duration)
