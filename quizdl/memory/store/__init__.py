"""The review log in SQLite, and the cards cached beside it. The only importer of SQLAlchemy.

The log is the truth: reviews are only ever added, an undo is a further line. A card is what
replaying its reviews gives, kept so that nobody has to. Every write is one transaction that
takes the write lock first (BEGIN IMMEDIATE), so what it read is still so when it writes;
readers have their own connection and wait for nobody (WAL).

Every public method raises QuizdlError, in one line, for what the surroundings do: no space,
no permission, a lock held too long, a damaged file. Whatever it was doing is then not done.

The modules stand on each other: this one on `opening`, on `history`, on `schema`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from quizdl.memory import Stale
from quizdl.memory.queue import RECENT, Memory, Version
from quizdl.memory.stats import DayTally, Stats, compute
from quizdl.memory.store import history, merging
from quizdl.memory.store.opening import explained, open_connections
from quizdl.memory.store.prepared import Prepared, raw
from quizdl.memory.store.schema import (
    CARD,
    aliases,
    cards,
    days,
    inserted,
    interview_values,
    interviews,
    marks,
    milliseconds,
    prediction_values,
    predictions,
    presets,
    recall_values,
    recalls,
    remarks,
    resets,
    review_values,
    reviews,
    time_of,
    to_cards,
    to_interview,
    to_mark,
    to_prediction,
    to_recall,
    to_remark,
    to_review,
    to_state,
    to_time,
    undos,
    unresets,
)
from quizdl.model import (
    Card,
    Entry,
    Forecast,
    Interview,
    Log,
    Mark,
    Merged,
    Outcome,
    Prediction,
    Preset,
    Question,
    Rating,
    Recall,
    Recalled,
    Remark,
    Reset,
    Review,
    State,
    Topic,
)
from quizdl.words import QuizdlError

_CARDS = Prepared(select(*CARD))
_MARKS = Prepared(select(marks))
_DONE = Prepared(select(days.c.begun, days.c.recalled).where(days.c.day == bindparam("day")))
_PACES = Prepared(
    select(reviews.c.state_before, reviews.c.duration_ms)
    .order_by(reviews.c.id.desc())
    .limit(RECENT)
)
_ADD_REVIEW = Prepared(
    insert(reviews), [column.name for column in reviews.c if column.name != "id"]
)


class _TakenBack(Exception):  # noqa: N818
    """Ends a transaction that was not meant."""


class Store:
    """An open database. One call at a time; any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._presets: dict[Preset, int] = {}
        self._memory: Memory | None = None
        """As it was read, with those writes since that `_tell` of themselves."""
        self._writes = 0
        self._tallies: history.Tallies | None = None
        """As they were counted last."""
        with explained(path):
            self._writer, self._reader = open_connections(path)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- reading

    def memory(self, day: int) -> Memory:
        """Everything remembered, as one consistent picture, with what was done on `day`. Read
        only if something has been written since the last time that is not known here."""
        version = self.version()  # before reading: what comes in between is read twice, not never
        known = self._memory
        if known is None or known.day != day or known.version != version:
            known = self._memory = self._read_memory(day, version)
        return known

    def _read_memory(self, day: int, version: Version) -> Memory:
        with explained(self._path), self._reader.begin():
            begun, recalled = _DONE(self._reader, {"day": day}).fetchone() or (0, 0)
            return Memory(
                day=day,
                cards={card.question: card for card in to_cards(_CARDS(self._reader))},
                marks={row[0]: to_mark(row) for row in _MARKS(self._reader)},
                new_done=begun,
                reviews_done=recalled,
                paces=[(to_state(state), ms / 1000) for state, ms in _PACES(self._reader)],
                version=version,
            )

    def started(self) -> frozenset[str]:
        """Ids of the questions that have a card."""
        with explained(self._path), self._reader.begin():
            return frozenset(self._reader.scalars(select(cards.c.question)))

    def reviews(self) -> list[Review]:
        """The log without what was undone, oldest first, under the names of today."""
        with explained(self._path), self._reader.begin():
            log = history.standing(self._reader)
            return [replace(review, question=name) for name, review in log]

    def reviews_of(self, numbers: Collection[int]) -> dict[int, tuple[Review, Recall | None]]:
        """By number: those of these reviews that stand, with what was told at them."""
        every = select(reviews, recalls.c.said, recalls.c.ticks)
        every = every.select_from(history.LOG.outerjoin(recalls)).where(history.STANDING)
        with explained(self._path), self._reader.begin():
            return {
                row.id: (
                    to_review(row),
                    None if row.said is None else to_recall(row.said, row.ticks),
                )
                for row in self._reader.execute(every.where(reviews.c.id.in_(numbers)))
            }

    def resets(self) -> dict[str, datetime]:
        """When each question was last made new, under the names of today."""
        with explained(self._path), self._reader.begin():
            return {name: each[-1] for name, each in history.all_resets(self._reader).items()}

    def told(self) -> list[Recalled]:
        """What was told at the reviews that stand and in interviews, oldest first, under the
        names of today."""
        told = select(reviews.c.question, reviews.c.reviewed_ms, recalls.c.said, recalls.c.ticks)
        told = told.select_from(history.LOG.join(recalls)).where(history.STANDING)
        told = told.where(reviews.c.id.in_(select(recalls.c.review)))  # not all of the log
        with explained(self._path), self._reader.begin():
            name = history.names_of_today(self._reader)
            found = [
                Recalled(name(question), time_of(at), to_recall(said, ticks))
                for question, at, said, ticks in self._reader.execute(
                    told.order_by(reviews.c.reviewed_ms, reviews.c.id)
                )
            ]
            found += [
                Recalled(name(each.question), held.begun, Recall(each.main.said, each.ticks))
                for held in history.interviews_held(self._reader)
                for each in held.exchanges
            ]
        return sorted(found, key=lambda recalled: recalled.at)

    def predictions(self) -> list[Prediction]:
        """All of them, oldest first, under the names of today."""
        with explained(self._path), self._reader.begin():
            made = history.predictions_made(self._reader)
            return [replace(prediction, question=name) for name, prediction in made]

    def interviews(self) -> list[Interview]:
        """All of them, oldest first, under the names of today."""
        with explained(self._path), self._reader.begin():
            held = history.interviews_held(self._reader)
            return history.under_names_of_today(self._reader, held)

    def habits(self) -> dict[State | None, dict[Rating, int]]:
        """How often each rating was given, by the state before; None: to a new question."""
        counts = (
            select(reviews.c.state_before, reviews.c.rating, func.count())
            .select_from(history.LOG)
            .where(history.STANDING)
            .group_by(reviews.c.state_before, reviews.c.rating)
        )
        found: dict[State | None, dict[Rating, int]] = {}
        with explained(self._path), self._reader.begin():
            for state, rating, count in self._reader.execute(counts):
                found.setdefault(to_state(state), {})[Rating(rating)] = count
        return found

    def days(self, first: int) -> list[DayTally]:
        """What was done on each study day from `first` on."""
        counts = select(days).where(days.c.day >= first, days.c.reviews > 0)
        with explained(self._path), self._reader.begin():
            return [
                DayTally(row.day, row.reviews, row.duration_ms / 1000, row.begun)
                for row in self._reader.execute(counts)
            ]

    def tallies(self, first: int) -> dict[str, tuple[int, int]]:
        """Of each question, under the name of today, from the study day `first` on: how often
        it was asked in State.REVIEW, and how often it was known."""
        with explained(self._path), self._reader.begin():
            self._tallies = history.tallies(self._reader, first, self._tallies)
            return self._tallies.by_question(self._reader)

    def stats(
        self, questions: Sequence[Question], topics: Iterable[Topic], today: int, period: int
    ) -> Stats:
        """How it is going with these questions, over the last `period` study days."""
        first = today - period + 1
        return compute(
            questions,
            topics,
            self.memory(today),
            self.days(first),
            self.tallies(first),
            self.predictions(),
            self.told(),
        )

    def remarks(self) -> dict[str, Remark]:
        """By question, what the learner has written about it."""
        with explained(self._path), self._reader.begin():
            return {row.question: to_remark(row) for row in self._reader.execute(select(remarks))}

    def last_told(self, question: str) -> Recall | None:
        """What was told of the question of that id at its last standing review with key points
        or words, or in an interview since; None when there is none."""
        with explained(self._path), self._reader.begin():
            return history.last_told(self._reader, question)

    def remark_of(self, question: str) -> str:
        """What the learner has written about the question of that id; empty when nothing."""
        with explained(self._path), self._reader.begin():
            found = select(remarks.c.text).where(remarks.c.question == question)
            return self._reader.scalar(found) or ""

    def log(self) -> Log:
        """Everything that cannot be computed, under the names of then, as one picture."""
        with explained(self._path), self._reader.begin():
            ask = self._reader.execute
            columns = (reviews, presets.c.scheduler, presets.c.parameters, undos.c.undone_ms)
            every = select(*columns, recalls.c.said, recalls.c.ticks)
            every = every.select_from(history.LOG.join(presets).outerjoin(recalls))
            every = every.order_by(reviews.c.reviewed_ms, reviews.c.id)
            return Log(
                entries=tuple(
                    Entry(
                        to_review(row),
                        Preset(row.scheduler, row.parameters),
                        to_time(row.undone_ms),
                        None if row.said is None else to_recall(row.said, row.ticks),
                    )
                    for row in ask(every)
                ),
                names={row.old: row.new for row in ask(select(aliases))},
                marks={row.question: to_mark(row) for row in ask(select(marks))},
                remarks={row.question: to_remark(row) for row in ask(select(remarks))},
                predictions=tuple(
                    to_prediction(row) for row in ask(select(predictions).order_by("id"))
                ),
                resets=tuple(
                    Reset(row.question, time_of(row.reset_ms), to_time(row.undone_ms))
                    for row in ask(
                        select(resets, unresets.c.undone_ms)
                        .select_from(resets.outerjoin(unresets))
                        .order_by(resets.c.id)
                    )
                ),
                interviews=tuple(history.interviews_held(self._reader)),
            )

    def version(self) -> Version:
        """Differs from an earlier one when anything that `memory` tells was written since, here
        or elsewhere."""
        with explained(self._path):
            # asked by the writer, it counts the commits of all other connections
            others = self._raw.execute("PRAGMA data_version").fetchone()[0]
        return Version(int(others), self._writes)

    # --- writing

    def record(
        self,
        outcome: Outcome,
        at: datetime,
        duration: timedelta,
        preset: Preset,
        recall: Recall | None = None,
    ) -> Review:
        """Add a review with what was told, and its card, durably; return what the log now says.

        The log is in the order of its times: a clock that went back since the last review of
        this question, here or on a phone, is taken to stand still. Raises Stale, writing
        nothing, when the card is no longer `outcome.before`.
        """
        with self._writing():
            known = self._presets.get(preset) or self._add_preset(preset)
            made = self._record(outcome, at, duration, known, preset)
            if recall is not None:
                self._writer.execute(insert(recalls), recall_values(made.id, recall))
        self._presets[preset] = known
        self._tell(lambda memory: memory.after(made, outcome.card))
        return made

    def record_all(
        self, given: Iterable[tuple[Outcome, timedelta]], at: datetime, preset: Preset
    ) -> tuple[Review, ...]:
        """The same of several outcomes, with the time that each took: all of them or, in case
        of an exception, none."""
        with self._writing():
            known = self._presets.get(preset) or self._add_preset(preset)
            made = tuple(self._record(each, at, took, known, preset) for each, took in given)
        self._presets[preset] = known
        return made

    def undo(self, review: int, at: datetime) -> Card | None:
        """Mark a review undone and return the card before it; None: new again.

        Raises Stale, writing nothing, unless it is the question's newest standing review.
        """
        return self.undo_all([review], at)[0]

    def undo_all(self, made: Iterable[int], at: datetime) -> tuple[Card | None, ...]:
        """The same of several: of all or, in case of an exception, of none."""
        with self._writing():
            return tuple(self._undo(review, at) for review in made)

    def reset(self, questions: Iterable[str], at: datetime) -> tuple[int, ...]:
        """Make these new again, those that are not, from `at` on: the log keeps their reviews,
        and what comes after does not build on them. The ids of these lines, for `unreset`."""
        made = []
        with self._writing():
            for question in questions:
                if history.card_of(self._writer, question) is not None:
                    since = max(at, history.earliest(self._writer, question))
                    values = {"question": question, "reset_ms": milliseconds(since)}
                    made.append(inserted(self._writer.execute(insert(resets), values)))
                    history.rebuild(self._writer, question)
        return tuple(made)

    def unreset(self, made: Iterable[int], at: datetime) -> None:
        """Take back what `reset` did."""
        with self._writing():
            for each in made:
                name = select(resets.c.question).where(resets.c.id == each)
                question = self._writer.execute(name).scalar_one()
                values = {"reset": each, "undone_ms": milliseconds(at)}
                self._writer.execute(upsert(unresets).values(values).on_conflict_do_nothing())
                history.rebuild(self._writer, history.current_name(self._writer, question))

    def remark(self, question: str, text: str, at: datetime) -> None:
        """Keep what the learner writes about a question, in place of what was written before."""
        with explained(self._path), self._writer.begin():
            merging.merge_remarks(self._writer, {question: Remark(text, at)})

    def predict(
        self, question: str, claim: str, at: datetime, about: str, forecasts: Sequence[Forecast]
    ) -> Prediction:
        """Add a prediction to the log, durably. `about`: hash of what it was about."""
        values = prediction_values(question, claim, at, about, forecasts)
        # Not `_writing`: what `memory` tells is unchanged, nobody need read it again.
        with explained(self._path), self._writer.begin():
            added = self._writer.execute(insert(predictions), values)
        return Prediction(inserted(added), question, claim, at, about, tuple(forecasts))

    def mark(
        self,
        *questions: str,
        suspended: bool | None = None,
        buried_until: int | None = None,
        flagged: bool | None = None,
    ) -> None:
        """Set what is given on all of them, or on none; leave the rest."""
        given = {"suspended": suspended, "buried_until": buried_until, "flagged": flagged}
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        values = {name: int(value) for name, value in changes.items()}
        with self._writing():
            self._writer.execute(
                upsert(marks).on_conflict_do_update(index_elements=[marks.c.question], set_=values),
                [{"question": question, **values} for question in questions],
            )
        self._tell(
            lambda memory: memory.marked(
                {q: replace(memory.marks.get(q, Mark()), **changes) for q in questions}
            )
        )

    def adopt(self, formerly: Mapping[str, str], live: Collection[str]) -> None:
        """Let the history of old ids go on under the new ones (`formerly`: old -> new).

        `live` are the ids in use: one that was an old id gets its own history back. Writes
        only if there is something to change.
        """
        with explained(self._path), self._reader.begin():
            if not history.renames(self._reader, formerly, live):
                return
        with self._writing():
            history.adopt(self._writer, formerly, live)

    def merge(self, log: Log) -> Merged:
        """Add what `log` has and this one lacks, in one transaction; the cards of the questions
        concerned are computed anew. A second time, nothing is new.

        Reviews interleave by their time. Where both sides have set marks, those here stay; of
        two remarks the newer one does.
        """
        known: dict[Preset, int] = {}

        def preset_id(preset: Preset) -> int:
            if preset not in known:
                known[preset] = self._find_preset(preset) or self._add_preset(preset)
            return known[preset]

        with self._writing():
            names = merging.merge_names(self._writer, log.names)
            reset, made_new = merging.merge_resets(self._writer, log.resets)
            added, undone = merging.merge_reviews(self._writer, log.entries, preset_id)
            for question in {*names, *names.values(), *made_new}:
                history.rebuild(self._writer, question)
            return Merged(
                reviews=added,
                undone=undone,
                names=len(names),
                marks=merging.merge_marks(self._writer, log.marks),
                remarks=merging.merge_remarks(self._writer, log.remarks),
                predictions=merging.merge_predictions(self._writer, log.predictions),
                resets=reset,
                interviews=merging.merge_interviews(self._writer, log.interviews),
            )

    def replay(self) -> None:
        """Compute every card anew from the log."""
        with self._writing():
            history.replay(self._writer)

    def warm(self, outcome: Outcome, at: datetime, preset: Preset) -> None:
        """Go through `record` once and take it all back: SQLAlchemy compiles a statement when
        it meets it first, which takes longer than the whole of a later answer. What stays is
        the row of the preset, if it is a new one."""
        with self._writing():
            known = self._find_preset(preset) or self._add_preset(preset)
        self._presets[preset] = known
        with suppress(_TakenBack), self._writing():
            question = outcome.card.question
            history.card_of(self._writer, question)
            self._refuse_old_name(question)
            self._add(outcome, at, timedelta(0), known, preset)
            raise _TakenBack

    def keep(self, interview: Interview) -> Interview:
        """Add an interview and return it with its number; one that was begun in the same
        millisecond stays, and is returned."""
        at = milliseconds(interview.begun)
        with self._writing():
            put = upsert(interviews).values(interview_values(interview)).on_conflict_do_nothing()
            self._writer.execute(put)
            row = self._writer.execute(select(interviews).where(interviews.c.begun_ms == at)).one()
            return history.under_names_of_today(self._writer, [to_interview(row)])[0]

    # --- inside a transaction

    def _tell(self, told: Callable[[Memory], Memory]) -> None:
        """Bring what was read up to the write that has just been made."""
        if self._memory is not None and self._memory.version.own == self._writes - 1:
            self._memory = told(self._memory)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with explained(self._path), self._writer.begin():
            yield
        self._writes += 1

    def _record(
        self, outcome: Outcome, at: datetime, duration: timedelta, known: int, preset: Preset
    ) -> Review:
        card = outcome.card
        now = history.card_of(self._writer, card.question)
        if now != outcome.before:
            raise Stale(now)
        if now is None:
            self._refuse_old_name(card.question)
        at = max(at, history.earliest(self._writer, card.question))
        return Review(
            id=self._add(outcome, at, duration, known, preset),
            question=card.question,
            rating=outcome.rating,
            at=at,
            day=card.last_day,
            duration=duration,
            state_before=None if now is None else now.state,
            state=card.state,
            step=card.step,
            stability=card.stability,
            difficulty=card.difficulty,
            interval=outcome.interval,
            due=card.due,
        )

    def _undo(self, review: int, at: datetime) -> Card | None:
        name = select(reviews.c.question).where(reviews.c.id == review)
        question = history.current_name(self._writer, self._writer.execute(name).scalar_one())
        log = history.standing_of(self._writer, question)
        if not log or log[-1].id != review:
            raise Stale(history.card_of(self._writer, question))
        self._writer.execute(insert(undos), {"review": review, "undone_ms": milliseconds(at)})
        return history.rebuild(self._writer, question)

    def _add(
        self, outcome: Outcome, at: datetime, duration: timedelta, known: int, preset: Preset
    ) -> int:
        """Write a review, scheduled with the preset of row `known`, and its card."""
        values = review_values(outcome, at, duration, known)
        added = _ADD_REVIEW(self._writer, values).lastrowid
        assert added is not None
        history.put_card(self._writer, outcome.card, preset.scheduler)
        return added

    def _refuse_old_name(self, question: str) -> None:
        """A quizdl with an older bank is still running: its new card would split a history."""
        if (new := history.current_name(self._writer, question)) != question:
            raise QuizdlError("memory.renamed", old=question, new=new)

    def _add_preset(self, preset: Preset) -> int:
        self._writer.execute(upsert(presets).values(_values(preset)).on_conflict_do_nothing())
        known = self._find_preset(preset)
        assert known is not None
        return known

    def _find_preset(self, preset: Preset) -> int | None:
        return self._writer.scalar(select(presets.c.id).filter_by(**_values(preset)))

    @property
    def _raw(self) -> sqlite3.Connection:
        """The writer below SQLAlchemy."""
        return raw(self._writer)


def _values(preset: Preset) -> dict[str, str]:
    return {"scheduler": preset.scheduler, "parameters": preset.parameters}
