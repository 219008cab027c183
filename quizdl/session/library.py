"""The questions of a bank and what is remembered of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from quizdl.memory import Stale, open_store, scheduler
from quizdl.memory.queue import is_due
from quizdl.memory.stats import Stats
from quizdl.model import (
    Forecast,
    Interview,
    Moment,
    Outcome,
    Prediction,
    Question,
    Rating,
    Review,
    Topic,
)
from quizdl.search import Index, Remembered
from quizdl.session.plan import Plan
from quizdl.session.session import LONGEST, Session, log_prediction
from quizdl.session.standing import Outlook
from quizdl.session.unfinished import Unfinished
from quizdl.settings import Settings
from quizdl.words import QuizdlError

if TYPE_CHECKING:
    from quizdl.memory.store import Store


YEAR = 365
"""Study days of the period that one looks at first."""


class Library:
    """The questions of a bank and what is remembered of them; hands out sessions."""

    def __init__(self, store: Store, questions: Sequence[Question], settings: Settings) -> None:
        self._store, self.settings = store, settings
        """Settings: of sessions still to come; may be set."""
        self._by_id = {question.id: question for question in questions}
        self._index: Index | None = None
        formerly = {old: question.id for question in questions for old in question.formerly}
        store.adopt(formerly, live=self._by_id.keys())

    def session(self, plan: Plan, now: datetime) -> Session:
        questions = self._by_id if plan.questions is None else plan.questions
        return Session(self._store, questions, self.settings, now, plan)

    def resume(self, left: Unfinished, now: datetime) -> Session | None:
        """The session that was left, with its way back; None when there is nothing left of it,
        as on another study day, unless it was a cram."""
        if left.day != self._moment(now).day and not left.cram:
            return None
        wanted = None if left.questions is None else set(left.questions)
        plan = Plan(
            None
            if wanted is None
            else tuple(question for question in self.questions if question.id in wanted),
            limit=left.limit,
            time=left.time,
            new=left.new,
            ahead=left.ahead,
            cram=left.cram,
        )
        session = self.session(plan, now - left.spent)
        session.take_up(left.steps, now)
        return session if session.current or session.wait_until else None

    def replace(self, question: Question) -> None:
        """Take the text of a question as it is now, for sessions still to come."""
        self._by_id[question.id] = question
        if self._index is not None:
            self._index = self._index.replaced(question)

    def index(self, topic_titles: Mapping[str, str]) -> Index:
        """To search them: the same each time, since it takes a while to get ready."""
        if self._index is None:
            self._index = Index(self.questions, topic_titles)
        return self._index

    @property
    def questions(self) -> Sequence[Question]:
        """All of them, in the order of the syllabus, as their texts are now."""
        return tuple(self._by_id.values())

    def remembered(self, now: datetime) -> Remembered:
        """What is remembered of them, on the study day of `now`."""
        day = self._moment(now).day
        memory = self._store.memory(day)
        return Remembered(day, memory.cards, memory.marks)

    def outlook(self, now: datetime) -> Outlook:
        """What settings can be weighed by, as of now."""
        memory = self._store.memory(self._moment(now).day)
        return Outlook(tuple(self._by_id), memory, self._store.habits())

    def stats(self, topics: Iterable[Topic], period: int, now: datetime) -> Stats:
        """How it is going with all of them, over the last `period` study days."""
        return self._store.stats(self.questions, topics, self._moment(now).day, period)

    def mark(
        self,
        questions: Iterable[str],
        *,
        suspended: bool | None = None,
        flagged: bool | None = None,
    ) -> None:
        """Set what is given on the questions of these ids; leave the rest."""
        self._store.mark(*questions, suspended=suspended, flagged=flagged)

    def reset(self, questions: Iterable[str], now: datetime) -> tuple[int, ...]:
        """Make the questions of these ids new again; what `unreset` needs to take it back."""
        return self._store.reset(questions, self._moment(now).at)

    def unreset(self, made: Iterable[int], now: datetime) -> None:
        self._store.unreset(made, self._moment(now).at)

    def remark(self, question: str) -> str:
        """What the learner has written about the question of that id."""
        return self._store.remark_of(question)

    def started(self) -> frozenset[str]:
        """Ids of the questions that have been rated."""
        return self._store.started() & self._by_id.keys()

    def warm(self, now: datetime) -> None:
        """Have behind us what the first answer would wait for, imports, statements, and what
        the first look at the statistics would. In any thread, but not while a session is used."""
        moment = self._moment(now)
        outcome = scheduler.outcomes(None, "", moment, self.settings)[Rating.GOOD]
        with suppress(QuizdlError):  # a full disk, say: let the learner first see the screen
            self._store.warm(outcome, moment.at, scheduler.preset(self.settings))
            self._store.memory(moment.day)
            self._store.tallies(moment.day - YEAR + 1)

    def predict(
        self, question: Question, claim_id: str, forecasts: Sequence[Forecast], now: datetime
    ) -> Prediction:
        """Log what was predicted of a claim at `now`, and how it turned out."""
        at = self._moment(now).at
        return log_prediction(self._store, question, claim_id, forecasts, at)

    def interviews(self) -> list[Interview]:
        """All that are in the log, oldest first."""
        return self._store.interviews()

    def keep(self, interview: Interview) -> Interview:
        """Add it to the log; returns it with its number there."""
        return self._store.keep(interview)

    def outcomes(self, questions: Iterable[str], now: datetime) -> dict[str, dict[Rating, Outcome]]:
        """Of those that are new, or due and not yet rated today: what each rating that is
        offered would do."""
        grades = self.settings.grades
        moment = self._moment(now)
        memory = self._store.memory(moment.day)
        found = {}
        for question in questions:
            card, mark = memory.cards.get(question), memory.marks.get(question)
            waiting = card is None or (
                is_due(card, mark, moment.day) and card.last_day < moment.day
            )
            if waiting:
                every = scheduler.outcomes(card, question, moment, self.settings)
                found[question] = {Rating(grade): every[Rating(grade)] for grade in grades}
        return found

    def rate_all(
        self, given: Sequence[tuple[Outcome, timedelta]], now: datetime
    ) -> tuple[Review, ...]:
        """Store these outcomes, with the time that each took: all or, when it raises, none.
        What was rated elsewhere since counts, too, and before them."""
        moment, preset = self._moment(now), scheduler.preset(self.settings)
        outcomes = [outcome for outcome, _ in given]
        taken = [min(max(each, timedelta(0)), LONGEST) for _, each in given]
        while True:
            settled = [scheduler.settle(outcome, moment.at) for outcome in outcomes]
            try:
                return self._store.record_all(zip(settled, taken, strict=True), moment.at, preset)
            except Stale:
                cards = self._store.memory(moment.day).cards
                outcomes = [
                    scheduler.outcomes(cards.get(name), name, moment, self.settings)[each.rating]
                    for each in outcomes
                    if (name := each.card.question)
                ]

    def undo_all(self, made: Iterable[Review], now: datetime) -> None:
        """Take back these reviews: all or, when it raises, none."""
        try:
            self._store.undo_all([review.id for review in made], self._moment(now).at)
        except Stale:
            raise QuizdlError("session.undo_late") from None

    def close(self) -> None:
        self._store.close()

    def _moment(self, now: datetime) -> Moment:
        return scheduler.moment(now, self.settings.rollover_hour)


def open_library(database: Path, questions: Sequence[Question], settings: Settings) -> Library:
    """Imports SQLAlchemy. Raises QuizdlError when the database cannot be used."""
    store = open_store(database)
    try:
        return Library(store, questions, settings)
    except BaseException:
        store.close()
        raise
