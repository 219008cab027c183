"""A learner for tests: answers questions through the store, as a session does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine

from quizdl import memory
from quizdl.memory import scheduler
from quizdl.memory.store import Store
from quizdl.model import Rating, Review
from quizdl.settings import Settings

MIGRATIONS = Path(memory.__file__).with_name("migrations")
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


def migrated_to(path: Path, revision: str) -> None:
    """A database as the quizdl of that revision made it: only Alembic's scripts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
