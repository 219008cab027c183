"""The tables, and how their rows stand for the values of the model.

STRICT tables know INTEGER, REAL and TEXT. *_ms: UTC milliseconds since 1970; day: ordinal of a
study day. A change here needs a new migration (a test compares the two).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    REAL,
    CheckConstraint,
    Column,
    Connection,
    CursorResult,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    text,
)

from quizdl.memory import interviews as interview_records
from quizdl.memory.forecasts import read, records
from quizdl.model import (
    Card,
    Forecast,
    Interview,
    Mark,
    Outcome,
    Prediction,
    Rating,
    Recall,
    Remark,
    Review,
    State,
    Tick,
)

APPLICATION_ID = 0x515A444C
"""`QZDL`, in the header of every database of ours."""
REVISION = "0006"
"""The newest of migrations/versions: the schema below."""

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
    Index("reviews_by_question", "question", "reviewed_ms"),
    Index(
        "recalls_by_question", "question", "day", "rating", sqlite_where=text("state_before = 2")
    ),
    sqlite_strict=True,
)
days = Table(  # of the reviews that stand; kept by the triggers below
    "days",
    _schema,
    Column("day", Integer, primary_key=True),
    Column("reviews", Integer, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("begun", Integer, nullable=False),
    Column("recalled", Integer, nullable=False),
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
predictions = Table(
    "predictions",
    _schema,
    Column("id", Integer, primary_key=True),
    Column("question", Text, nullable=False),
    Column("claim", Text, nullable=False),
    Column("made_ms", Integer, nullable=False),
    Column("about", Text, nullable=False),
    Column("forecasts", Text, nullable=False),
    Index("predictions_by_question", "question"),
    sqlite_strict=True,
)
remarks = Table(
    "remarks",
    _schema,
    Column("question", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("changed_ms", Integer, nullable=False),
    sqlite_strict=True,
)
recalls = Table(
    "recalls",
    _schema,
    Column("review", Integer, ForeignKey("reviews.id"), primary_key=True),
    Column("said", Text, nullable=False),
    Column("ticks", Text, nullable=False),
    sqlite_strict=True,
)
resets = Table(
    "resets",
    _schema,
    Column("id", Integer, primary_key=True),
    Column("question", Text, nullable=False),
    Column("reset_ms", Integer, nullable=False),
    Index("resets_by_question", "question"),
    sqlite_strict=True,
)
unresets = Table(
    "unresets",
    _schema,
    Column("reset", Integer, ForeignKey("resets.id"), primary_key=True),
    Column("undone_ms", Integer, nullable=False),
    sqlite_strict=True,
)
interviews = Table(
    "interviews",
    _schema,
    Column("id", Integer, primary_key=True),
    Column("begun_ms", Integer, nullable=False, unique=True),
    Column("document", Text, nullable=False),
    sqlite_strict=True,
)
_version = Table(  # as Alembic makes it
    "alembic_version",
    _schema,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
_TRIGGERS = [
    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the review log is append-only'); END"
    for table in (
        *("reviews", "undos", "predictions"),
        *("recalls", "resets", "unresets", "interviews"),
    )
    for verb in ("UPDATE", "DELETE")
] + [
    "CREATE TRIGGER reviews_counted AFTER INSERT ON reviews BEGIN "
    "INSERT INTO days VALUES "
    "(NEW.day, 1, NEW.duration_ms, NEW.state_before IS NULL, NEW.state_before IS 2) "
    "ON CONFLICT (day) DO UPDATE SET reviews = reviews + 1, "
    "duration_ms = duration_ms + excluded.duration_ms, "
    "begun = begun + excluded.begun, recalled = recalled + excluded.recalled; END",
    "CREATE TRIGGER undos_counted AFTER INSERT ON undos BEGIN "
    "UPDATE days SET reviews = days.reviews - 1, "
    "duration_ms = days.duration_ms - gone.duration_ms, "
    "begun = days.begun - (gone.state_before IS NULL), "
    "recalled = days.recalled - (gone.state_before IS 2) "
    "FROM reviews AS gone WHERE gone.id = NEW.review AND days.day = gone.day; END",
]


def create(connection: Connection) -> None:
    """Make all of it in an empty database."""
    _schema.create_all(connection, checkfirst=False)
    for trigger in _TRIGGERS:
        connection.exec_driver_sql(trigger)
    connection.execute(insert(_version), {"version_num": REVISION})
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


# --- rows and values ----------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def milliseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - _EPOCH) // _MS


def to_remark(row: Row[Any]) -> Remark:
    return Remark(row.text, time_of(row.changed_ms))


def time_of(ms: int) -> datetime:
    return _EPOCH + ms * _MS


def to_time(ms: int | None) -> datetime | None:
    return None if ms is None else time_of(ms)


def to_state(number: int | None) -> State | None:
    return None if number is None else _STATES[number]


_STATES = {int(state): state for state in State}
CARD = [column for column in cards.c if column.name != "scheduler"]
"""The columns of which `to_card` makes a card."""


def to_card(row: Sequence[Any]) -> Card:
    """Of the columns CARD."""
    return next(to_cards([row]))


def to_cards(rows: Iterable[Sequence[Any]]) -> Iterator[Card]:
    """The same of thousands: the constructor of a named tuple takes longer than the rest."""
    make, states = Card._make, _STATES
    for question, state, step, stability, difficulty, due_ms, due, last, reps, lapses in rows:
        at = None if due_ms is None else time_of(due_ms)
        yield make(
            (question, states[state], step, stability, difficulty, at, due, last, reps, lapses)
        )


def card_values(card: Card, version: str) -> dict[str, object]:
    return {
        "question": card.question,
        "state": int(card.state),
        "step": card.step,
        "stability": card.stability,
        "difficulty": card.difficulty,
        "due_ms": None if card.due is None else milliseconds(card.due),
        "due_day": card.due_day,
        "last_day": card.last_day,
        "reps": card.reps,
        "lapses": card.lapses,
        "scheduler": version,
    }


def to_review(row: Row[Any]) -> Review:
    return Review(
        id=row.id,
        question=row.question,
        rating=Rating(row.rating),
        at=time_of(row.reviewed_ms),
        day=row.day,
        duration=row.duration_ms * _MS,
        state_before=to_state(row.state_before),
        state=State(row.state),
        step=row.step,
        stability=row.stability,
        difficulty=row.difficulty,
        interval=timedelta(seconds=row.interval_s),
        due=to_time(row.due_ms),
    )


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that all have the same columns, of plain values: straight to the driver, as
    SQLAlchemy would look at each value of each row."""
    if rows:
        names = list(rows[0])
        columns, places = ", ".join(names), ", ".join(f":{name}" for name in names)
        sql = f"INSERT INTO {table.name} ({columns}) VALUES ({places})"  # noqa: S608 - our names
        connection.exec_driver_sql(sql, list(rows))


def inserted(result: CursorResult[Any]) -> int:
    """The id of the one row that was written."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def entry_values(review: Review, preset: int) -> dict[str, object]:
    """The row of a review that was made elsewhere."""
    return {
        "question": review.question,
        "rating": int(review.rating),
        "reviewed_ms": milliseconds(review.at),
        "day": review.day,
        "duration_ms": review.duration // _MS,
        "preset": preset,
        "state_before": None if review.state_before is None else int(review.state_before),
        "state": int(review.state),
        "step": review.step,
        "stability": review.stability,
        "difficulty": review.difficulty,
        "interval_s": review.interval // timedelta(seconds=1),
        "due_ms": None if review.due is None else milliseconds(review.due),
    }


def review_values(
    outcome: Outcome, at: datetime, duration: timedelta, preset: int
) -> dict[str, object]:
    """The row of a new review; `preset` is a row of the presets."""
    card, before = outcome.card, outcome.before
    return {
        "question": card.question,
        "rating": int(outcome.rating),
        "reviewed_ms": milliseconds(at),
        "day": card.last_day,
        "duration_ms": duration // _MS,
        "preset": preset,
        "state_before": None if before is None else int(before.state),
        "state": int(card.state),
        "step": card.step,
        "stability": card.stability,
        "difficulty": card.difficulty,
        "interval_s": outcome.interval // timedelta(seconds=1),
        "due_ms": None if card.due is None else milliseconds(card.due),
    }


def to_mark(row: Sequence[Any]) -> Mark:
    """Of the columns of the table, in their order."""
    _, suspended, buried_until, flagged = row
    return Mark(bool(suspended), buried_until, bool(flagged))


_FORECASTS = 1
"""Version of the JSON below. A change of shape gets the next number, and reads the old ones."""


def prediction_values(
    question: str, claim: str, at: datetime, about: str, forecasts: Sequence[Forecast]
) -> dict[str, object]:
    document = {"version": _FORECASTS, "forecasts": records(forecasts)}
    return {
        "question": question,
        "claim": claim,
        "made_ms": milliseconds(at),
        "about": about,
        "forecasts": json.dumps(document, ensure_ascii=False, allow_nan=False),
    }


def to_prediction(row: Row[Any]) -> Prediction:
    return Prediction(
        id=row.id,
        question=row.question,
        claim=row.claim,
        at=time_of(row.made_ms),
        about=row.about,
        forecasts=read(json.loads(row.forecasts)["forecasts"]),
    )


def recall_values(review: int, recall: Recall) -> dict[str, object]:
    ticks = [[tick.point, tick.must, tick.told] for tick in recall.ticks]
    return {
        "review": review,
        "said": recall.said,
        "ticks": json.dumps(ticks, ensure_ascii=False),
    }


def to_recall(said: str, ticks: str) -> Recall:
    return Recall(said, tuple(Tick(*tick) for tick in json.loads(ticks)))


def interview_values(interview: Interview) -> dict[str, object]:
    document = interview_records.record(interview)
    return {
        "begun_ms": milliseconds(interview.begun),
        "document": json.dumps(document, ensure_ascii=False, allow_nan=False),
    }


def to_interview(row: Row[Any]) -> Interview:
    return interview_records.read(time_of(row.begun_ms), json.loads(row.document), row.id)
