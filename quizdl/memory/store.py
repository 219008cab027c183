"""The review log in SQLite, and the cards cached beside it. The only importer of SQLAlchemy.

The log is the truth: reviews are only ever added, an undo is a further line. A card is what
replaying its reviews gives, kept so that nobody has to. Every write is one transaction that
takes the write lock first (BEGIN IMMEDIATE), so what it read is still so when it writes;
readers have their own connection and wait for nobody (WAL).

Every public function raises QuizdlError, in one line, for what the surroundings do: no space,
no permission, a lock held too long, a damaged file. Whatever it was doing is then not done.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    REAL,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    NullPool,
    PrimaryKeyConstraint,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DBAPIError

from quizdl.memory import Stale, scheduler
from quizdl.memory.queue import Memory, Version
from quizdl.memory.scheduler import Preset
from quizdl.model import Card, Mark, Outcome, Rating, Review, State
from quizdl.words import QuizdlError

APPLICATION_ID = 0x515A444C
"""`QZDL`, in the header of every database of ours."""
REVISION = "0002"
"""The newest of migrations/versions: the schema below."""

BUSY_SECONDS = 5.0
"""How long to wait for another quizdl to finish its write, which takes milliseconds."""
_RECENT = 300
"""Reviews that the learner's pace is taken from."""


# --- schema ------------------------------------------------------------------------------
# STRICT tables know INTEGER, REAL and TEXT. *_ms: UTC milliseconds since 1970; day: ordinal
# of a study day. A change here needs a new migration (a test compares the two).

_schema = MetaData()

presets = Table(
    "presets",
    _schema,
    Column("id", Integer, primary_key=True),
    Column("scheduler", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    UniqueConstraint("scheduler", "parameters"),
    sqlite_strict=True,
)
reviews = Table(
    "reviews",
    _schema,
    Column("id", Integer, primary_key=True),
    Column("question", Text, nullable=False),
    Column("rating", Integer, nullable=False),
    Column("reviewed_ms", Integer, nullable=False),
    Column("day", Integer, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("preset", Integer, ForeignKey("presets.id"), nullable=False),
    Column("state_before", Integer),
    Column("state", Integer, nullable=False),
    Column("step", Integer),
    Column("stability", REAL, nullable=False),
    Column("difficulty", REAL, nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("due_ms", Integer),
    CheckConstraint("rating BETWEEN 1 AND 4"),
    CheckConstraint("duration_ms >= 0"),
    Index("reviews_by_question", "question"),
    Index("reviews_by_day", "day"),
    sqlite_strict=True,
)
undos = Table(
    "undos",
    _schema,
    Column("review", Integer, ForeignKey("reviews.id"), primary_key=True),
    Column("undone_ms", Integer, nullable=False),
    sqlite_strict=True,
)
cards = Table(
    "cards",
    _schema,
    Column("question", Text, primary_key=True),
    Column("state", Integer, nullable=False),
    Column("step", Integer),
    Column("stability", REAL, nullable=False),
    Column("difficulty", REAL, nullable=False),
    Column("due_ms", Integer),
    Column("due_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("reps", Integer, nullable=False),
    Column("lapses", Integer, nullable=False),
    Column("scheduler", Text, nullable=False),
    sqlite_strict=True,
)
marks = Table(
    "marks",
    _schema,
    Column("question", Text, primary_key=True),
    Column("suspended", Integer, nullable=False, server_default=text("0")),
    Column("buried_until", Integer, nullable=False, server_default=text("0")),
    Column("flagged", Integer, nullable=False, server_default=text("0")),
    sqlite_strict=True,
)
aliases = Table(
    "aliases",
    _schema,
    Column("old", Text, primary_key=True),
    Column("new", Text, nullable=False),
    sqlite_strict=True,
)
Table(  # as Alembic makes it
    "alembic_version",
    _schema,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
_TRIGGERS = [
    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the review log is append-only'); END"
    for table in ("reviews", "undos")
    for verb in ("UPDATE", "DELETE")
]


# --- statements, built once ---------------------------------------------------------------

_live = undos.c.review.is_(None)
_log = reviews.outerjoin(undos, undos.c.review == reviews.c.id)
_CARD = select(cards).where(cards.c.question == bindparam("question"))
_ADD_REVIEW = insert(reviews)
_PUT_CARD = upsert(cards)
_PUT_CARD = _PUT_CARD.on_conflict_do_update(
    index_elements=[cards.c.question],
    set_={name: column for name, column in _PUT_CARD.excluded.items() if name != "question"},
)
_ALIAS = select(aliases.c.new).where(aliases.c.old == bindparam("question"))
_CHAIN = (  # every standing review of one question, under all its names
    select(reviews)
    .select_from(_log)
    .where(_live)
    .where(
        or_(
            reviews.c.question == bindparam("question"),
            reviews.c.question.in_(
                select(aliases.c.old).where(aliases.c.new == bindparam("question"))
            ),
        )
    )
    .order_by(reviews.c.id)
)


class Store:
    """An open database. One call at a time; any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._presets: dict[Preset, int] = {}
        self._writes = 0
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _connect(path, "BEGIN IMMEDIATE")
            try:
                self._prepare()
                self._reader = _connect(path, "BEGIN")
            except BaseException:
                self._writer.close()
                raise

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
        """Everything remembered, as one consistent picture, with what was done on `day`."""
        version = self.version()  # before reading: what comes in between is read twice, not never
        with self._explained(), self._reader.begin():
            counts = (
                select(reviews.c.state_before, func.count())
                .select_from(_log)
                .where(_live, reviews.c.day == day)
                .group_by(reviews.c.state_before)
            )
            done = {row[0]: row[1] for row in self._reader.execute(counts)}
            recent = (
                select(reviews.c.state_before, reviews.c.duration_ms)
                .order_by(reviews.c.id.desc())
                .limit(_RECENT)
            )
            return Memory(
                day=day,
                cards={row.question: _card(row) for row in self._reader.execute(select(cards))},
                marks={
                    row.question: Mark(bool(row.suspended), row.buried_until, bool(row.flagged))
                    for row in self._reader.execute(select(marks))
                },
                new_done=done.get(None, 0),
                reviews_done=done.get(State.REVIEW, 0),
                paces=[
                    (_state(row.state_before), row.duration_ms / 1000)
                    for row in self._reader.execute(recent)
                ],
                version=version,
            )

    def started(self) -> frozenset[str]:
        """Ids of the questions that have a card."""
        with self._explained(), self._reader.begin():
            return frozenset(self._reader.scalars(select(cards.c.question)))

    def reviews(self) -> list[Review]:
        """The log without what was undone, oldest first, under the names of today."""
        with self._explained(), self._reader.begin():
            return [replace(review, question=name) for name, review in self._standing(self._reader)]

    def version(self) -> Version:
        """Differs from an earlier one when anything was written since, here or elsewhere."""
        with self._explained():
            # asked by the writer, it counts the commits of all other connections
            others = self._raw.execute("PRAGMA data_version").fetchone()[0]
        return Version(int(others), self._writes)

    # --- writing

    def record(self, outcome: Outcome, at: datetime, duration: timedelta, preset: Preset) -> Review:
        """Add a review and its card, durably, and return what the log now says.

        Raises Stale, writing nothing, when the card is no longer `outcome.before`.
        """
        card = outcome.card
        with self._writing():
            row = self._writer.execute(_CARD, {"question": card.question}).one_or_none()
            now = None if row is None else _card(row)
            if now != outcome.before:
                raise Stale(now)
            if now is None:
                self._refuse_old_name(card.question)
            known = self._presets.get(preset) or self._add_preset(preset)
            values = {
                "question": card.question,
                "rating": int(outcome.rating),
                "reviewed_ms": _ms(at),
                "day": card.last_day,
                "duration_ms": duration // timedelta(milliseconds=1),
                "preset": known,
                "state_before": None if now is None else int(now.state),
                "state": int(card.state),
                "step": card.step,
                "stability": card.stability,
                "difficulty": card.difficulty,
                "interval_s": outcome.interval // timedelta(seconds=1),
                "due_ms": None if card.due is None else _ms(card.due),
            }
            added = self._writer.execute(_ADD_REVIEW, values)
            self._writer.execute(_PUT_CARD, _card_values(card, preset.scheduler))
        self._presets[preset] = known
        assert added.inserted_primary_key is not None
        return Review(
            id=added.inserted_primary_key[0],
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

    def undo(self, review: int, at: datetime) -> Card | None:
        """Mark a review undone and return the card before it; None: new again.

        Raises Stale, writing nothing, unless it is the question's newest standing review.
        """
        with self._writing():
            name = select(reviews.c.question).where(reviews.c.id == review)
            question = self._current_name(self._writer.execute(name).scalar_one())
            chain = self._writer.execute(_CHAIN, {"question": question}).all()
            if not chain or chain[-1].id != review:
                row = self._writer.execute(_CARD, {"question": question}).one_or_none()
                raise Stale(None if row is None else _card(row))
            self._writer.execute(insert(undos), {"review": review, "undone_ms": _ms(at)})
            return self._rebuild(question)

    def mark(
        self,
        question: str,
        *,
        suspended: bool | None = None,
        buried_until: int | None = None,
        flagged: bool | None = None,
    ) -> None:
        """Set what is given; leave the rest."""
        given = {"suspended": suspended, "buried_until": buried_until, "flagged": flagged}
        values = {name: int(value) for name, value in given.items() if value is not None}
        with self._writing():
            self._writer.execute(
                upsert(marks)
                .values(question=question, **values)
                .on_conflict_do_update(index_elements=[marks.c.question], set_=values)
            )

    def adopt(self, formerly: Mapping[str, str], live: Collection[str]) -> None:
        """Let the history of old ids go on under the new ones (`formerly`: old -> new).

        `live` are the ids in use: one that was an old id gets its own history back. Writes
        only if there is something to change.
        """
        with self._explained(), self._reader.begin():
            if not _renames(self._reader, formerly, live):
                return
        with self._writing():
            known = _aliases(self._writer)
            renames = _renames(self._writer, formerly, live)
            for old, new in renames.items():
                self._rename(old, new)
            before = {known[old] for old in renames if old in known}
            for question in sorted({*renames, *renames.values(), *before}):
                self._rebuild(question)

    def replay(self) -> None:
        """Compute every card anew from the log."""
        with self._writing():
            self._replay()

    # --- inside a transaction

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._explained(), self._writer.begin():
            yield
        self._writes += 1

    def _rename(self, old: str, new: str) -> None:
        write = self._writer.execute
        write(delete(aliases).where(aliases.c.old == old))
        if old == new:
            return
        write(insert(aliases), {"old": old, "new": new})
        mark = write(select(marks).where(marks.c.question == old)).one_or_none()
        if mark is not None:
            moved = {**mark._mapping, "question": new}
            write(upsert(marks).values(moved).on_conflict_do_nothing())
            write(delete(marks).where(marks.c.question == old))

    def _rebuild(self, question: str) -> Card | None:
        """Replay one question into the cache."""
        chain = self._writer.execute(_CHAIN, {"question": question})
        card = None
        if self._current_name(question) == question:
            card = scheduler.replay(question, map(_review, chain))
        if card is None:
            self._writer.execute(delete(cards).where(cards.c.question == question))
        else:
            values = _card_values(card, scheduler.scheduler_version())
            self._writer.execute(_PUT_CARD, values)
        return card

    def _replay(self) -> None:
        logs: dict[str, list[Review]] = {}
        for question, review in self._standing(self._writer):
            logs.setdefault(question, []).append(review)
        version = scheduler.scheduler_version()
        rebuilt = [scheduler.replay(question, log) for question, log in logs.items()]
        self._writer.execute(delete(cards))
        if rebuilt:
            values = [_card_values(card, version) for card in rebuilt if card is not None]
            self._writer.execute(insert(cards), values)

    def _standing(self, connection: Connection) -> Iterator[tuple[str, Review]]:
        known = _aliases(connection)
        for row in connection.execute(
            select(reviews).select_from(_log).where(_live).order_by(reviews.c.id)
        ):
            review = _review(row)
            yield known.get(review.question, review.question), review

    def _current_name(self, question: str) -> str:
        new = self._writer.execute(_ALIAS, {"question": question}).scalar_one_or_none()
        return question if new is None else str(new)

    def _refuse_old_name(self, question: str) -> None:
        """A quizdl with an older bank is still running: its new card would split a history."""
        if (new := self._current_name(question)) != question:
            raise QuizdlError("memory.renamed", old=question, new=new)

    def _add_preset(self, preset: Preset) -> int:
        values = {"scheduler": preset.scheduler, "parameters": preset.parameters}
        self._writer.execute(upsert(presets).values(values).on_conflict_do_nothing())
        return int(self._writer.execute(select(presets.c.id).filter_by(**values)).scalar_one())

    # --- opening

    def _prepare(self) -> None:
        """Make the schema, migrate it, or find it well; leave a file that is not ours alone."""
        self._raw.execute("BEGIN")  # one picture, even while another quizdl is making the schema
        try:
            self._revision()
        finally:
            self._raw.execute("ROLLBACK")
        if not os.access(self._path, os.W_OK):  # SQLite would say so only at the first answer
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        self._use_wal()
        with self._writer.begin():  # asked again: another quizdl may be opening it too
            match self._revision():
                case None:
                    self._create()
                case revision if revision < REVISION:
                    self._migrate(revision)
            version = scheduler.scheduler_version()
            foreign = select(cards.c.question).where(cards.c.scheduler != version).limit(1)
            if self._writer.execute(foreign).first() is not None:
                self._replay()

    def _use_wal(self) -> None:
        """Of several that switch a new file to WAL at once, SQLite refuses all but one without
        letting them wait; so they wait for the write lock, and ask again."""
        for attempt in reversed(range(10)):
            try:
                self._raw.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not attempt:
                    raise
                self._raw.execute("BEGIN IMMEDIATE")
                self._raw.execute("ROLLBACK")
            else:
                return

    def _revision(self) -> str | None:
        """Which schema the file has; None when it is empty."""
        application = self._raw.execute("PRAGMA application_id").fetchone()[0]
        empty = self._raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if empty and application in (0, APPLICATION_ID):
            return None
        if application != APPLICATION_ID:
            raise QuizdlError("memory.foreign", path=self._path)
        revision = str(self._raw.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        if revision > REVISION:
            raise QuizdlError("memory.newer", path=self._path, found=revision, known=REVISION)
        return revision

    def _create(self) -> None:
        _schema.create_all(self._writer, checkfirst=False)
        for trigger in _TRIGGERS:
            self._writer.exec_driver_sql(trigger)
        version = _schema.tables["alembic_version"]
        self._writer.execute(insert(version), {"version_num": REVISION})
        self._writer.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")

    def _migrate(self, revision: str) -> None:
        from alembic import command
        from alembic.config import Config

        self._back_up(revision)
        config = Config()
        folder = Path(__file__).with_name("migrations")
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = self._writer
        command.upgrade(config, REVISION)

    def _back_up(self, revision: str) -> None:
        """A copy of the file beside it, whole or not at all, while nobody else can write."""
        final = self._path.with_name(f"{self._path.stem}.{revision}.backup{self._path.suffix}")
        part = final.with_name(f"{final.name}.part")
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(part)) as to:
            source.backup(to)
        part.replace(final)

    @property
    def _raw(self) -> sqlite3.Connection:
        """The writer below SQLAlchemy, for statements that must not begin a transaction."""
        raw = self._writer.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        return raw

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error, OSError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if isinstance(cause, OSError):
                why = cause.strerror
                raise QuizdlError("memory.unwritable", path=self._path, why=why) from error
            code = getattr(cause, "sqlite_errorcode", None)
            key = None if code is None else _SAID.get(code & 0xFF)  # the low byte is the kind
            if key is None:
                raise
            raise QuizdlError(key, path=self._path, why=cause) from error


_SAID = {
    sqlite3.SQLITE_PERM: "memory.unwritable",
    sqlite3.SQLITE_READONLY: "memory.unwritable",
    sqlite3.SQLITE_CANTOPEN: "memory.unwritable",
    sqlite3.SQLITE_BUSY: "memory.busy",
    sqlite3.SQLITE_LOCKED: "memory.busy",
    sqlite3.SQLITE_FULL: "memory.full",
    sqlite3.SQLITE_IOERR: "memory.io",
    sqlite3.SQLITE_CORRUPT: "memory.corrupt",
    sqlite3.SQLITE_NOTADB: "memory.not_a_database",
}


def _connect(path: Path, begin: str) -> Connection:
    """A connection of which every transaction starts with `begin`.

    Left to itself, sqlite3 begins a transaction only at the first INSERT: what was read
    before it may be out of date by then, and the other process's update is lost.
    """

    def raw() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")  # in WAL mode: a commit is on the disk
        return connection

    engine = create_engine("sqlite://", creator=raw, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine.connect()


def _aliases(connection: Connection) -> dict[str, str]:
    return {row.old: row.new for row in connection.execute(select(aliases))}


def _renames(
    connection: Connection, formerly: Mapping[str, str], live: Collection[str]
) -> dict[str, str]:
    """Aliases to change, old -> new; old -> old takes one away.

    Only ids that left a trace are kept. An id renamed twice points to its last name at once.
    """
    known = _aliases(connection)
    renames = {old: old for old in known if old in live}
    formerly = {old: new for old, new in formerly.items() if old not in live}
    fresh = [old for old in formerly if old not in known]
    traced: set[str] = set()
    if fresh:
        for table in (reviews, marks):
            found = select(table.c.question).where(table.c.question.in_(fresh)).distinct()
            traced.update(connection.scalars(found))
    for old, new in {**known, **formerly}.items():
        new = formerly.get(new, new)
        if old not in live and (old in known or old in traced) and known.get(old) != new:
            renames[old] = new
    return renames


# --- rows and values ----------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // _MS


def _time(ms: int | None) -> datetime | None:
    return None if ms is None else _EPOCH + ms * _MS


def _state(number: int | None) -> State | None:
    return None if number is None else State(number)


def _card(row: Row[Any]) -> Card:
    return Card(
        question=row.question,
        state=State(row.state),
        step=row.step,
        stability=row.stability,
        difficulty=row.difficulty,
        due=_time(row.due_ms),
        due_day=row.due_day,
        last_day=row.last_day,
        reps=row.reps,
        lapses=row.lapses,
    )


def _card_values(card: Card, version: str) -> dict[str, object]:
    return {
        "question": card.question,
        "state": int(card.state),
        "step": card.step,
        "stability": card.stability,
        "difficulty": card.difficulty,
        "due_ms": None if card.due is None else _ms(card.due),
        "due_day": card.due_day,
        "last_day": card.last_day,
        "reps": card.reps,
        "lapses": card.lapses,
        "scheduler": version,
    }


def _review(row: Row[Any]) -> Review:
    return Review(
        id=row.id,
        question=row.question,
        rating=Rating(row.rating),
        at=_EPOCH + row.reviewed_ms * _MS,
        day=row.day,
        duration=row.duration_ms * _MS,
        state_before=_state(row.state_before),
        state=State(row.state),
        step=row.step,
        stability=row.stability,
        difficulty=row.difficulty,
        interval=timedelta(seconds=row.interval_s),
        due=_time(row.due_ms),
    )
