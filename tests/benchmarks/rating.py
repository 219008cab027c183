"""How long one answer takes: `python tests/benchmarks/rating.py [RATINGS] [QUESTIONS]`.

Measured in turn within one run, so that all meet the same disk and the same load:
- bare Core: SQLAlchemy Core doing one INSERT and one upsert in BEGIN IMMEDIATE, same pragmas;
- store.record: check that nobody changed the card, add the review, put the card, commit;
- session.rate: all of that, and choosing the next question.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import NullPool, create_engine, insert
from sqlalchemy.dialects.sqlite import insert as upsert

from quizdl.memory import open_store, scheduler
from quizdl.memory.store import cards, reviews
from quizdl.model import Question, Rating
from quizdl.session import Session
from quizdl.settings import Settings

SETTINGS = Settings(new_per_day=9999, reviews_per_day=9999)
START = datetime(2025, 3, 1, 9, tzinfo=UTC)

ADD = insert(reviews)
PUT = upsert(cards)
PUT = PUT.on_conflict_do_update(
    index_elements=[cards.c.question],
    set_={name: column for name, column in PUT.excluded.items() if name != "question"},
)


def main(ratings: int = 400, bank: int = 1000) -> None:
    questions = [
        Question(f"question-{i}", "topic", "title", 1, "", "", (), "", Path()) for i in range(bank)
    ]
    preset = scheduler.preset(SETTINGS)
    times: dict[str, list[float]] = {"bare Core": [], "store.record": [], "session.rate": []}

    def measure(name: str, call: Callable[[], object]) -> None:
        start = time.perf_counter()
        call()
        times[name].append(time.perf_counter() - start)

    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder, "store.sqlite3"))
        session_store = open_store(Path(folder, "session.sqlite3"))
        session = Session(session_store, questions, SETTINGS, START)
        open_store(Path(folder, "bare.sqlite3")).close()  # the same schema
        bare = Bare(Path(folder, "bare.sqlite3"))

        for i in range(ratings):
            now = START + timedelta(seconds=30 * i)
            moment = scheduler.moment(now, SETTINGS.rollover_hour)
            outcome = scheduler.outcomes(None, f"other-{i}", moment, SETTINGS)[Rating.GOOD]
            session.reveal(now)
            measure("bare Core", lambda: bare.write(f"other-{i}", moment.day))  # noqa: B023 - called at once
            measure("store.record", lambda: store.record(outcome, now, timedelta(0), preset))  # noqa: B023
            measure("session.rate", lambda: session.rate(Rating.GOOD, now))  # noqa: B023
        bare.close()
        store.close()
        session_store.close()
    base = statistics.median(times["bare Core"])
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"{name:<13} median {median * 1e3:7.3f} ms   {median / base:5.2f} x bare")


class Bare:
    """SQLAlchemy Core doing the two statements of an answer, durably, and nothing else."""

    def __init__(self, path: Path | str) -> None:
        """`path` has our schema."""

        def raw() -> sqlite3.Connection:
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            return connection

        self._connection = create_engine("sqlite://", creator=raw, poolclass=NullPool).connect()
        self._connection.exec_driver_sql("INSERT OR IGNORE INTO presets VALUES (1, 'fsrs', '{}')")
        self._connection.commit()

    def write(self, question: str, day: int = 739000) -> None:
        row, card = rows(question, day)
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        self._connection.execute(ADD, row)
        self._connection.execute(PUT, card)
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()


def rows(question: str, day: int) -> tuple[dict[str, object], dict[str, object]]:
    memory = {"state": 1, "step": 1, "stability": 2.3065, "difficulty": 2.118, "due_ms": 10**12}
    review = {"rating": 3, "reviewed_ms": 10**12, "day": day, "duration_ms": 0, "preset": 1}
    review |= {"question": question, "state_before": None, "interval_s": 600}
    card = {"question": question, "due_day": day, "last_day": day, "reps": 1, "lapses": 0}
    return review | memory, card | memory | {"scheduler": "fsrs"}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
