"""A learner for tests: answers questions through the store, as a session does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from quizdl.memory import scheduler
from quizdl.memory.store import Store
from quizdl.model import Rating, Review
from quizdl.settings import Settings

SETTINGS = Settings()
START = datetime(2025, 3, 1, 9, tzinfo=UTC)
TOOK = timedelta(seconds=42)


def answer(store: Store, question: str, rating: Rating, now: datetime = START) -> Review:
    moment = scheduler.moment(now, SETTINGS.rollover_hour)
    card = store.memory(moment.day).cards.get(question)
    outcome = scheduler.outcomes(card, question, moment, SETTINGS)[rating]
    return store.record(outcome, moment.at, TOOK, scheduler.preset(SETTINGS))


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """What another program sees in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()
