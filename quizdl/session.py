"""One study session: what is asked now, what each rating would do, and the way back.

No Textual and no SQL. `now` is an aware local datetime, handed to every call; the study day
is read from its wall clock. One operation (rate, skip, bury, suspend) is one step of undo and
of redo. Any call may raise QuizdlError (disk full, say): the session is then as it was before
the call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from quizdl import unfinished
from quizdl.memory import Stale, open_store, points, queue, scheduler, workload
from quizdl.memory.queue import Limits, Memory, Queue, is_due, is_new_leech
from quizdl.memory.stats import Stats
from quizdl.memory.workload import Habits
from quizdl.memory.workload import Workload as Workload  # for the screen of settings
from quizdl.model import (
    Forecast,
    Interview,
    Mark,
    Moment,
    Outcome,
    Prediction,
    Question,
    Rating,
    Recall,
    Review,
    State,
    Today,
    Topic,
)
from quizdl.proof import predict
from quizdl.search import Remembered
from quizdl.settings import Settings
from quizdl.unfinished import Unfinished
from quizdl.words import QuizdlError, say

if TYPE_CHECKING:
    from quizdl.memory.store import Store

__all__ = [
    *("EVERYTHING", "LONGEST", "Answered", "Library", "Plan", "Session", "Standing", "Summary"),
    *("format_interval", "leech_warning", "missed", "open_library", "propose", "standing"),
]

missed, propose = points.missed, points.propose
"""Of the key points; handed on, as the screens know no room below this one."""

LONGEST = timedelta(minutes=10)
"""A look counts for no longer than this: beyond it, the learner has left the desk, and one
such night would distort every estimate. Anki's default is a minute; here an answer is read
and its proof turned over."""


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


@dataclass(frozen=True, slots=True)
class Standing:
    """How a question stands on a study day."""

    state: State | None
    """None: new."""
    due_in: int
    """Study days until it is due, negative when overdue; 0 for a new one."""
    recall: float | None
    """Probability that it would be recalled, by FSRS; None for a new one."""
    mark: Mark
    buried: bool


def standing(question: str, remembered: Remembered) -> Standing:
    """How the question of that id stands on the day of `remembered`."""
    card, mark = remembered.cards.get(question), remembered.marks.get(question, Mark())
    return Standing(
        state=card.state if card else None,
        due_in=card.due_day - remembered.day if card else 0,
        recall=scheduler.retrievability(card, remembered.day) if card else None,
        mark=mark,
        buried=mark.buried_until > remembered.day,
    )


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that is remembered at one moment, to weigh settings by. In any thread."""

    order: Sequence[str]
    memory: Memory
    habits: Habits

    def under(
        self, settings: Settings, wanted: Callable[[], bool] = lambda: True
    ) -> Workload | None:
        """What the coming 30 days would ask; takes up to a second. None: no longer `wanted`."""
        return workload.expect(self.order, self.memory, self.habits, settings, wanted=wanted)


@dataclass(frozen=True, slots=True)
class _Rated:
    question: str
    review: Review
    recall: Recall | None


@dataclass(frozen=True, slots=True)
class _Crammed:
    question: str
    rating: Rating
    duration: timedelta
    recall: Recall | None


@dataclass(frozen=True, slots=True)
class _Buried:
    question: str
    until_before: Mapping[str, int]
    """Of every question that was."""


@dataclass(frozen=True, slots=True)
class _Suspended:
    question: str


@dataclass(frozen=True, slots=True)
class _Skipped:
    question: str


_Step: TypeAlias = _Rated | _Crammed | _Buried | _Suspended | _Skipped


class Library:
    """The questions of a bank and what is remembered of them; hands out sessions."""

    def __init__(self, store: Store, questions: Sequence[Question], settings: Settings) -> None:
        self._store, self._questions, self.settings = store, questions, settings
        """Settings: of sessions still to come; may be set."""
        formerly = {old: question.id for question in questions for old in question.formerly}
        store.adopt(formerly, live={question.id for question in questions})

    def session(self, plan: Plan, now: datetime) -> Session:
        questions = self._questions if plan.questions is None else plan.questions
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
            else tuple(question for question in self._questions if question.id in wanted),
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
        self._questions = [question if q.id == question.id else q for q in self._questions]

    @property
    def questions(self) -> Sequence[Question]:
        """All of them, in the order of the syllabus, as their texts are now."""
        return self._questions

    def remembered(self, now: datetime) -> Remembered:
        """What is remembered of them, on the study day of `now`."""
        day = self._moment(now).day
        memory = self._store.memory(day)
        return Remembered(day, memory.cards, memory.marks)

    def outlook(self, now: datetime) -> Outlook:
        """What settings can be weighed by, as of now."""
        memory = self._store.memory(self._moment(now).day)
        order = tuple(question.id for question in self._questions)
        return Outlook(order, memory, self._store.habits())

    def stats(self, topics: Iterable[Topic], period: int, now: datetime) -> Stats:
        """How it is going with all of them, over the last `period` study days."""
        return self._store.stats(self._questions, topics, self._moment(now).day, period)

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
        return _remark(self._store, question)

    def started(self) -> frozenset[str]:
        """Ids of the questions that have been rated."""
        return self._store.started() & {question.id for question in self._questions}

    def warm(self, now: datetime) -> None:
        """Have behind us what the first answer would wait for: imports, statements. In any
        thread, but not while a session is used."""
        moment = self._moment(now)
        outcome = scheduler.outcomes(None, "", moment, self.settings)[Rating.GOOD]
        with suppress(QuizdlError):  # a full disk, say: let the learner first see the screen
            self._store.warm(outcome, moment.at, scheduler.preset(self.settings))

    def predict(
        self, question: Question, claim_id: str, forecasts: Sequence[Forecast], now: datetime
    ) -> Prediction:
        """Log what was predicted of a claim at `now`, and how it turned out."""
        at = self._moment(now).at
        return _log(self._store, question, claim_id, forecasts, at)

    def interviews(self) -> list[Interview]:
        """All that are in the log, oldest first."""
        return self._store.interviews()

    def keep(self, interview: Interview) -> Interview:
        """Add it to the log; returns it with its number there."""
        return self._store.keep(interview)

    def outcomes(self, questions: Iterable[str], now: datetime) -> dict[str, dict[Rating, Outcome]]:
        """Of those that are new, or due and not yet rated today: what each rating would do."""
        moment = self._moment(now)
        memory = self._store.memory(moment.day)
        found = {}
        for question in questions:
            card, mark = memory.cards.get(question), memory.marks.get(question)
            waiting = card is None or (
                is_due(card, mark, moment.day) and card.last_day < moment.day
            )
            if waiting:
                found[question] = scheduler.outcomes(card, question, moment, self.settings)
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


class Session:
    def __init__(
        self,
        store: Store,
        questions: Sequence[Question],
        settings: Settings,
        now: datetime,
        plan: Plan = EVERYTHING,
    ) -> None:
        self._store, self.settings, self._plan = store, settings, plan
        self._questions = {question.id: question for question in questions}
        self._limits = Limits(
            new=settings.new_per_day if plan.new is None else plan.new,
            reviews=settings.reviews_per_day,
            ahead=plan.ahead,
        )
        self._history: list[_Step] = []
        self._undone: list[_Step] = []
        self._memory: Memory = store.memory(self._moment(now).day)
        self._outcomes: dict[Rating, Outcome] | None = None
        self._current: str | None = None
        self._recall: Recall | None = None
        self._begun = self._shown = self._moment(now)
        self.refresh(now)

    # --- what to show

    @property
    def grades(self) -> tuple[Rating, ...]:
        """The ratings that are offered."""
        return tuple(map(Rating, self.settings.grades))

    @property
    def current(self) -> Question | None:
        """The question to ask; None when there is nothing to ask now."""
        return None if self._current is None else self._questions[self._current]

    @property
    def flagged(self) -> bool:
        return self._current is not None and self._mark(self._current).flagged

    @property
    def cram(self) -> bool:
        """Whether ratings are for this session alone."""
        return self._plan.cram

    @property
    def recall(self) -> Recall | None:
        """What was told of the current question when it was rated, if that was just undone."""
        return self._recall

    @property
    def last_recall(self) -> Recall | None:
        """What was told of the current question when it was last asked about."""
        return None if self._current is None else self._store.last_told(self._current)

    @property
    def remark(self) -> str:
        """What the learner has written about the current question."""
        return "" if self._current is None else _remark(self._store, self._current)

    @property
    def answered(self) -> tuple[Answered, ...]:
        """What was answered so far, oldest first."""
        return tuple(
            Answered(self._questions[step.question], step.review.rating, step.review.interval, told)
            if isinstance(step, _Rated)
            else Answered(self._questions[step.question], step.rating, None, told)
            for step in self._history
            if isinstance(step, _Rated | _Crammed)
            for told in (step.recall,)
        )

    @property
    def wait_until(self) -> datetime | None:
        """UTC: when nothing is to be asked now, when the next learning step will be. None:
        the session is over. Call `refresh` then."""
        if self._current is not None:
            return None
        steps = self._queue(self._shown).steps
        return steps[0][0] if steps else None

    def today(self, now: datetime) -> Today:
        """What is left of this study day within this session's questions and limits."""
        moment = self._moment(now)
        self._sync(moment)
        return queue.today(self._queue(moment), self._memory.paces)

    def next_in(self, now: datetime) -> timedelta | None:
        """How long until there is something to ask, in a session without limit and without
        this one's skips. Zero: at once. None: nothing is coming."""
        moment = self._moment(now)
        self._sync(moment)
        built = queue.build(tuple(self._questions), self._memory, moment, self._limits)
        if built.next(moment.at, self._learn_ahead) is not None:
            return timedelta(0)
        if built.steps:
            return built.steps[0][0] - moment.at
        days = queue.days_to_next(self._questions, self._memory, self._limits)
        return None if days is None else timedelta(days=days)

    def summary(self, now: datetime) -> Summary:
        moment = self._moment(now)
        self._sync(moment)
        reviews = [step.review for step in self._history if isinstance(step, _Rated)]
        given = [(review.rating, review.duration) for review in reviews]
        given += [(s.rating, s.duration) for s in self._history if isinstance(s, _Crammed)]
        waiting = [
            card
            for question, card in self._memory.cards.items()
            if question in self._questions
            and not self._mark(question).suspended
            and card.due_day <= moment.day + 1
        ]
        return Summary(
            ratings=Counter(rating for rating, _ in given),
            new=sum(review.state_before is None for review in reviews),
            seconds=sum(taken.total_seconds() for _, taken in given),
            due_tomorrow=len(waiting),
            cram=self._plan.cram,
        )

    # --- answering

    def reveal(self, now: datetime) -> dict[Rating, Outcome]:
        """What each rating would do. Computed at the first call for a question; the rating
        then stores what was shown. The recall counts for the study day of this call."""
        if self._current is None:
            raise LookupError("nothing is being asked")
        if self._outcomes is None:
            moment = self._moment(now)
            self._sync(moment)
            card = self._memory.cards.get(self._current)
            self._outcomes = scheduler.outcomes(card, self._current, moment, self.settings)
        return self._outcomes

    def rate(self, rating: Rating, now: datetime, recall: Recall | None = None) -> Outcome:
        """Store what `reveal` said of `rating`, with what was told, durably, and go on. Returns
        what was stored: that differs only when another quizdl rated the same question since.
        In a cram, nothing is stored."""
        taken = self._moment(now).at - self._shown.at
        return self._rate(rating, min(max(taken, timedelta(0)), LONGEST), now, recall)

    def _rate(
        self, rating: Rating, duration: timedelta, now: datetime, recall: Recall | None
    ) -> Outcome:
        outcome = self.reveal(now)[rating]
        moment = self._moment(now)
        if self._plan.cram:
            self._done(_Crammed(outcome.card.question, rating, duration, recall), moment)
            return outcome
        preset = scheduler.preset(self.settings)
        while True:
            outcome = scheduler.settle(outcome, moment.at)
            try:
                review = self._store.record(outcome, moment.at, duration, preset, recall)
                break
            except Stale as stale:  # the learner did recall it twice: count both, in order
                question = outcome.card.question
                outcomes = scheduler.outcomes(stale.card, question, moment, self.settings)
                outcome = outcomes[rating]
        self._memory = self._memory.after(review, outcome.card)
        self._done(_Rated(review.question, review, recall), moment)
        return outcome

    def skip(self, now: datetime) -> None:
        """Not in this session."""
        if self._current is not None:
            self._done(_Skipped(self._current), self._moment(now))

    def bury(self, now: datetime, *, siblings: bool = False) -> int:
        """Not before the next study day; with `siblings`, nor any question that shares a tag
        with it. How many that were."""
        moment = self._moment(now)
        if self._current is None:
            return 0
        tags = set(self._questions[self._current].tags)
        buried = [self._current] + [
            each.id
            for each in self._questions.values()
            if siblings and each.id != self._current and tags & set(each.tags)
        ]
        until_before = {question: self._mark(question).buried_until for question in buried}
        self._store.mark(*buried, buried_until=moment.day + 1)
        self._done(_Buried(self._current, until_before), moment)
        return len(buried)

    def suspend(self, now: datetime) -> None:
        """Not until the learner says so."""
        moment = self._moment(now)
        if self._current is not None:
            self._store.mark(self._current, suspended=True)
            self._done(_Suspended(self._current), moment)

    def flag(self, now: datetime) -> None:
        """Flag the current question, or take its flag away. The question stays."""
        if self._current is not None:
            self._store.mark(self._current, flagged=not self.flagged)
            self._load(self._moment(now))

    def write(self, remark: str, now: datetime) -> None:
        """Keep this about the current question, in place of what was written before."""
        if self._current is not None:
            self._store.remark(self._current, remark, self._moment(now).at)

    def undo(self, now: datetime) -> Question | None:
        """Take back the last operation and ask its question again; None without one.

        Raises QuizdlError when another quizdl has rated the question since: that operation
        stands, and the next undo is for the one before it.
        """
        if not self._history:
            return None
        moment = self._moment(now)
        step = self._history[-1]
        match step:
            case _Rated(review=review):
                try:
                    self._store.undo(review.id, moment.at)
                except Stale:
                    del self._history[-1]
                    raise QuizdlError("session.undo_late") from None
            case _Buried(until_before=before):
                for until in set(before.values()):
                    these = [question for question, was in before.items() if was == until]
                    self._store.mark(*these, buried_until=until)
            case _Suspended():
                self._store.mark(step.question, suspended=False)
            case _Skipped() | _Crammed():
                pass
        self._undone.append(self._history.pop())
        self._load(moment)
        self._show(step.question, moment)
        self._recall = step.recall if isinstance(step, _Rated | _Crammed) else None
        return self.current

    def redo(self, now: datetime) -> bool:
        """Do again what was undone last, with the time that was taken for it; False without
        one, as after any other operation."""
        if not self._undone:
            return False
        *before, step = self._undone
        shown = self._current, self._outcomes, self._shown
        self._show(step.question, self._moment(now))
        try:
            match step:
                case _Rated(review=review):
                    self._rate(review.rating, review.duration, now, step.recall)
                case _Crammed():
                    self._rate(step.rating, step.duration, now, step.recall)
                case _Buried():
                    self.bury(now, siblings=len(step.until_before) > 1)
                case _Suspended():
                    self.suspend(now)
                case _Skipped():
                    self.skip(now)
        except QuizdlError:
            self._current, self._outcomes, self._shown = shown
            raise
        self._undone = before
        return True

    @property
    def last_step(self) -> str:
        """What `undo` would take back, in words; empty without one."""
        return _name(self._history[-1]) if self._history else ""

    @property
    def next_step(self) -> str:
        """What `redo` would do again, in words; empty without one."""
        return _name(self._undone[-1]) if self._undone else ""

    def replace(self, question: Question) -> None:
        """Take the text of a question as it is now; what is remembered of it stays."""
        if question.id in self._questions:
            self._questions[question.id] = question

    def refresh(self, now: datetime) -> Question | None:
        """Look again for a question to ask, when there is none; returns the current one."""
        if self._current is None:
            self._advance(self._moment(now))
        return self.current

    def predict(
        self,
        claim_id: str,
        forecasts: Sequence[Forecast],
        now: datetime,
        question: Question | None = None,
    ) -> Prediction:
        """Log what was predicted of a claim at `now`, and how it turned out.

        Of the current question, or of `question`: as it was when it was run, should it have
        been rated or edited since. Not an operation: undo passes over it.
        """
        question = question or self.current
        if question is None:
            raise LookupError("nothing is being asked")
        return _log(self._store, question, claim_id, forecasts, self._moment(now).at)

    # --- leaving it and coming back

    @property
    def has_plan(self) -> bool:
        """Not so the plain session of the day: that goes on by itself whenever one begins."""
        return self._plan != EVERYTHING

    def left(self, now: datetime) -> Unfinished | None:
        """What `Library.resume` needs to go on with it; None when it is over."""
        if self._current is None and self.wait_until is None:
            return None
        plan, moment = self._plan, self._moment(now)
        steps: list[unfinished.Step] = []
        for step in self._history:
            match step:
                case _Rated():
                    steps.append(unfinished.Rated(step.question, step.review.id))
                case _Crammed():
                    steps.append(unfinished.Crammed(step.question, step.rating, step.duration))
                case _Skipped():
                    steps.append(unfinished.Skipped(step.question))
        return Unfinished(
            day=moment.day,
            questions=None if plan.questions is None else tuple(self._questions),
            limit=plan.limit,
            time=plan.time,
            spent=max(moment.at - self._begun.at, timedelta(0)),
            new=plan.new,
            ahead=plan.ahead,
            cram=plan.cram,
            steps=steps,
        )

    def take_up(self, steps: Iterable[unfinished.Step], now: datetime) -> None:
        """Go on after these steps of an earlier one; what was undone since is left out."""
        steps = list(steps)
        numbers = [step.review for step in steps if isinstance(step, unfinished.Rated)]
        known = self._store.reviews_of(numbers)
        for step in steps:
            if step.question not in self._questions:
                continue
            match step:
                case unfinished.Rated() if step.review in known:
                    self._history.append(_Rated(step.question, *known[step.review]))
                case unfinished.Crammed():
                    crammed = _Crammed(step.question, step.rating, step.duration, None)
                    self._history.append(crammed)
                case unfinished.Skipped():
                    self._history.append(_Skipped(step.question))
        self._advance(self._moment(now))

    # --- inside

    def _moment(self, now: datetime) -> Moment:
        return scheduler.moment(now, self.settings.rollover_hour)

    @property
    def _learn_ahead(self) -> timedelta:
        return timedelta(minutes=self.settings.learn_ahead_minutes)

    def _mark(self, question: str) -> Mark:
        return self._memory.marks.get(question, Mark())

    def _queue(self, moment: Moment) -> Queue:
        if self._plan.time is not None and moment.at - self._begun.at >= self._plan.time:
            return queue.NOTHING
        skipped = {step.question for step in self._history if isinstance(step, _Skipped)}
        order = [question for question in self._questions if question not in skipped]
        if self._plan.cram:
            built = queue.cram(order, self._memory, moment, self._crammed())
        else:
            built = queue.build(order, self._memory, moment, self._limits)
        if self._plan.limit is None:
            return built
        rated = _Rated | _Crammed
        started = {step.question for step in self._history if isinstance(step, rated)}
        return built.narrowed(started, self._plan.limit - len(started))

    def _crammed(self) -> dict[str, list[Rating]]:
        given: dict[str, list[Rating]] = {}
        for step in self._history:
            if isinstance(step, _Crammed):
                given.setdefault(step.question, []).append(step.rating)
        return given

    def _advance(self, moment: Moment) -> None:
        self._sync(moment)
        self._show(self._queue(moment).next(moment.at, self._learn_ahead), moment)

    def _show(self, question: str | None, moment: Moment) -> None:
        self._current, self._outcomes, self._shown = question, None, moment
        self._recall = None

    def _done(self, step: _Step, moment: Moment) -> None:
        self._history.append(step)
        self._undone.clear()
        self._advance(moment)

    def _sync(self, moment: Moment) -> None:
        """Take in a new study day, and what another session or quizdl has written."""
        if moment.day != self._memory.day or self._store.version() != self._memory.version:
            self._load(moment)

    def _load(self, moment: Moment) -> None:
        self._memory = self._store.memory(moment.day)


def _name(step: _Step) -> str:
    match step:
        case _Rated(review=review):
            return say("session.step.rated", rating=say(f"rating.{review.rating.name.lower()}"))
        case _Crammed(rating=rating):
            return say("session.step.rated", rating=say(f"rating.{rating.name.lower()}"))
        case _Buried(until_before=before) if len(before) > 1:
            return say("session.step.buried_siblings", count=len(before))
        case _Buried():
            return say("session.step.buried")
        case _Suspended():
            return say("session.step.suspended")
        case _Skipped():
            return say("session.step.skipped")


def _log(
    store: Store, question: Question, claim_id: str, forecasts: Sequence[Forecast], at: datetime
) -> Prediction:
    claim = question.claim(claim_id)
    if claim is None:
        raise LookupError(claim_id)
    return store.predict(question.id, claim_id, at, predict.about(question, claim), forecasts)


def _remark(store: Store, question: str) -> str:
    found = store.remarks().get(question)
    return found.text if found else ""


def leech_warning(outcome: Outcome) -> str:
    """What to say when this answer shows that the question needs something else; or nothing."""
    return say("session.leech", count=outcome.card.lapses) if is_new_leech(outcome) else ""


def format_interval(interval: timedelta) -> str:
    """The interval as a button shows it: one unit, at most one decimal. Months and years are
    mean ones of the Gregorian calendar (30.44 and 365.25 days)."""
    minutes = interval / timedelta(minutes=1)
    days = interval / timedelta(days=1)
    if minutes < 1:
        return say("interval.under_minute")
    if minutes < 59.5:
        return say("interval.minutes", count=_short(minutes, 1))
    if days < 1:
        return say("interval.hours", count=_short(minutes / 60, 1))
    if days < 31:
        return say("interval.days", count=_short(days, 0))
    if days < 365:
        return say("interval.months", count=_short(days / 30.436875, 1))
    return say("interval.years", count=_short(days / 365.2425, 1))


def _short(count: float, digits: int) -> str:
    return f"{round(count, digits):g}"
