"""One study session: what is asked now, what each rating would do, and the way back.

No Textual and no SQL. `now` is an aware local datetime, handed to every call; the study day
is read from its wall clock. One operation (rate, skip, bury, suspend) is one step of undo and
of redo. Any call may raise QuizdlError (disk full, say): the session is then as it was before
the call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from quizdl.memory import Stale, queue, scheduler
from quizdl.memory.queue import Limits, Memory, Queue
from quizdl.model import (
    Card,
    Forecast,
    Mark,
    Moment,
    Outcome,
    Prediction,
    Question,
    Rating,
    Recall,
    Today,
)
from quizdl.proof import predict
from quizdl.session import steps, unfinished
from quizdl.session.plan import EVERYTHING, Answered, Plan, Summary
from quizdl.session.steps import Buried, Crammed, Rated, Skipped, Step, Suspended
from quizdl.session.unfinished import Unfinished
from quizdl.settings import Settings
from quizdl.words import QuizdlError

if TYPE_CHECKING:
    from quizdl.memory.store import Store

LONGEST = timedelta(minutes=10)
"""A look counts for no longer than this: beyond it, the learner has left the desk, and one
such night would distort every estimate. Anki's default is a minute; here an answer is read
and its proof turned over."""


class Session:
    def __init__(
        self,
        store: Store,
        questions: Sequence[Question] | Mapping[str, Question],
        settings: Settings,
        now: datetime,
        plan: Plan = EVERYTHING,
    ) -> None:
        """The questions may come by id, which saves a step with thousands of them."""
        self._store, self.settings, self._plan = store, settings, plan
        if not isinstance(questions, Mapping):
            questions = {question.id: question for question in questions}
        self._questions = dict(questions)
        self._limits = Limits(
            new=settings.new_per_day if plan.new is None else plan.new,
            reviews=settings.reviews_per_day,
            ahead=plan.ahead,
        )
        self._history: list[Step] = []
        self._undone: list[Step] = []
        self._memory: Memory = store.memory(self._moment(now).day)
        self._built: tuple[Memory, Queue] | None = None
        """The queue, and what it was built of."""
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
        return "" if self._current is None else self._store.remark_of(self._current)

    @property
    def answered(self) -> tuple[Answered, ...]:
        """What was answered so far, oldest first."""
        return tuple(
            Answered(self._questions[step.question], step.review.rating, step.review.interval, told)
            if isinstance(step, Rated)
            else Answered(self._questions[step.question], step.rating, None, told)
            for step in self._history
            if isinstance(step, Rated | Crammed)
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
        reviews = [step.review for step in self._history if isinstance(step, Rated)]
        given = [(review.rating, review.duration) for review in reviews]
        given += [(s.rating, s.duration) for s in self._history if isinstance(s, Crammed)]
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
            self._done(Crammed(outcome.card.question, rating, duration, recall), moment)
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
        self._done(Rated(review.question, review, recall), moment, outcome.card)
        return outcome

    def skip(self, now: datetime) -> None:
        """Not in this session."""
        if self._current is not None:
            self._built = None
            self._done(Skipped(self._current), self._moment(now))

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
        self._done(Buried(self._current, until_before), moment)
        return len(buried)

    def suspend(self, now: datetime) -> None:
        """Not until the learner says so."""
        moment = self._moment(now)
        if self._current is not None:
            self._store.mark(self._current, suspended=True)
            self._done(Suspended(self._current), moment)

    def flag(self, now: datetime) -> None:
        """Flag the current question, or take its flag away. The question stays."""
        if self._current is not None:
            self._store.mark(self._current, flagged=not self.flagged)
            self._sync(self._moment(now))

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
            case Rated(review=review):
                try:
                    self._store.undo(review.id, moment.at)
                except Stale:
                    del self._history[-1]
                    raise QuizdlError("session.undo_late") from None
            case Buried(until_before=before):
                for until in set(before.values()):
                    these = [question for question, was in before.items() if was == until]
                    self._store.mark(*these, buried_until=until)
            case Suspended():
                self._store.mark(step.question, suspended=False)
            case Skipped() | Crammed():
                pass
        self._undone.append(self._history.pop())
        self._built = None
        self._sync(moment)
        self._show(step.question, moment)
        self._recall = step.recall if isinstance(step, Rated | Crammed) else None
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
                case Rated(review=review):
                    self._rate(review.rating, review.duration, now, step.recall)
                case Crammed():
                    self._rate(step.rating, step.duration, now, step.recall)
                case Buried():
                    self.bury(now, siblings=len(step.until_before) > 1)
                case Suspended():
                    self.suspend(now)
                case Skipped():
                    self.skip(now)
        except QuizdlError:
            self._current, self._outcomes, self._shown = shown
            raise
        self._undone = before
        return True

    @property
    def last_step(self) -> str:
        """What `undo` would take back, in words; empty without one."""
        return steps.name(self._history[-1]) if self._history else ""

    @property
    def next_step(self) -> str:
        """What `redo` would do again, in words; empty without one."""
        return steps.name(self._undone[-1]) if self._undone else ""

    def replace(self, question: Question) -> None:
        """Take the text of a question as it is now; what is remembered of it stays."""
        if question.id in self._questions:
            self._questions[question.id] = question

    def refresh(self, now: datetime) -> Question | None:
        """Look again for a question to ask, when there is none; returns the current one."""
        if self._current is None:
            moment = self._moment(now)
            self._sync(moment)
            self._advance(moment)
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
        return log_prediction(self._store, question, claim_id, forecasts, self._moment(now).at)

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
                case Rated():
                    steps.append(unfinished.Rated(step.question, step.review.id))
                case Crammed():
                    steps.append(unfinished.Crammed(step.question, step.rating, step.duration))
                case Skipped():
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
                    self._history.append(Rated(step.question, *known[step.review]))
                case unfinished.Crammed():
                    crammed = Crammed(step.question, step.rating, step.duration, None)
                    self._history.append(crammed)
                case unfinished.Skipped():
                    self._history.append(Skipped(step.question))
        self._built, moment = None, self._moment(now)
        self._sync(moment)
        self._advance(moment)

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
        built = self._build(moment)
        if self._plan.limit is None:
            return built
        rated = Rated | Crammed
        started = {step.question for step in self._history if isinstance(step, rated)}
        return built.narrowed(started, self._plan.limit - len(started))

    def _build(self, moment: Moment) -> Queue:
        """Without the limits of the plan. Kept from one call to the next as long as nothing was
        written but ratings, which it can follow, and nothing skipped."""
        if self._built is not None and self._built[0] is self._memory:
            return self._built[1].at(moment.at)
        skipped = {step.question for step in self._history if isinstance(step, Skipped)}
        order = tuple(self._questions)
        if skipped:
            order = tuple(question for question in order if question not in skipped)
        if self._plan.cram:
            return queue.cram(order, self._memory, moment, self._crammed())
        built = queue.build(order, self._memory, moment, self._limits)
        self._built = self._memory, built
        return built

    def _crammed(self) -> dict[str, list[Rating]]:
        given: dict[str, list[Rating]] = {}
        for step in self._history:
            if isinstance(step, Crammed):
                given.setdefault(step.question, []).append(step.rating)
        return given

    def _advance(self, moment: Moment) -> None:
        self._show(self._queue(moment).next(moment.at, self._learn_ahead), moment)

    def _show(self, question: str | None, moment: Moment) -> None:
        self._current, self._outcomes, self._shown = question, None, moment
        self._recall = None

    def _done(self, step: Step, moment: Moment, rated: Card | None = None) -> None:
        """`rated`: the card that was stored, if that is what was done."""
        self._history.append(step)
        self._undone.clear()
        before, built = self._memory, self._built
        self._sync(moment)
        alone = self._memory.day == before.day and self._memory.version == before.version.next
        if rated and built and built[0] is before and alone and rated.question in built[1]:
            self._built = self._memory, built[1].after(rated)
        self._advance(moment)

    def _sync(self, moment: Moment) -> None:
        """Take in a new study day, and what another session or quizdl has written."""
        self._memory = self._store.memory(moment.day)


def log_prediction(
    store: Store, question: Question, claim_id: str, forecasts: Sequence[Forecast], at: datetime
) -> Prediction:
    """Add it to the log. Raises LookupError for a claim that the question has not."""
    claim = question.claim(claim_id)
    if claim is None:
        raise LookupError(claim_id)
    return store.predict(question.id, claim_id, at, predict.about(question, claim), forecasts)
