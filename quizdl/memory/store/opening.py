"""Opening a database: two connections to a file that has our schema, and what may go wrong."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from quizdl.memory.store.history import is_outdated, replay
from quizdl.memory.store.prepared import raw
from quizdl.memory.store.schema import APPLICATION_ID, REVISION, create
from quizdl.words import QuizdlError

BUSY_SECONDS = 5.0
"""How long to wait for another quizdl to finish its write, which takes milliseconds."""
_MIGRATIONS = Path(__file__).parents[1] / "migrations"


def open_connections(path: Path) -> tuple[Connection, Connection]:
    """One that writes and one that reads, to the database at `path`.

    The schema is made, migrated, or found well; a file that is not ours is left alone. Cards
    of another scheduler are computed anew.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connect = _connect(path)
    writer = connect("BEGIN IMMEDIATE")
    try:
        _prepare(writer, path)
        return writer, connect("BEGIN")
    except BaseException:
        writer.close()
        raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What the surroundings do to the database at `path`, as QuizdlError."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, OSError):
            why = cause.strerror
            raise QuizdlError("memory.unwritable", path=path, why=why) from error
        code = getattr(cause, "sqlite_errorcode", None)
        key = None if code is None else _SAID.get(code & 0xFF)  # the low byte is the kind
        if key is None:
            raise
        raise QuizdlError(key, path=path, why=cause) from error


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


def _connect(path: Path) -> Callable[[str], Connection]:
    """Makes connections of which every transaction starts with the statement it is given.

    Left to itself, sqlite3 begins a transaction only at the first INSERT: what was read
    before it may be out of date by then, and the other process's update is lost.
    """

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")  # in WAL mode: a commit is on the disk
        connection.execute("PRAGMA cache_size = -16384")  # KiB: an index of a long log fits in
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        raw(connection).execute(connection.get_execution_options()["begin"])

    return lambda begin: engine.connect().execution_options(begin=begin)


def _prepare(writer: Connection, path: Path) -> None:
    raw(writer).execute("BEGIN")  # one picture, even while another quizdl is making the schema
    try:
        _revision(writer, path)
    finally:
        raw(writer).execute("ROLLBACK")
    if not os.access(path, os.W_OK):  # SQLite would say so only at the first answer
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    _use_wal(writer)
    with writer.begin():  # asked again: another quizdl may be opening it too
        match _revision(writer, path):
            case None:
                create(writer)
            case revision if revision < REVISION:
                _migrate(writer, path, revision)
        if is_outdated(writer):
            replay(writer)


def _use_wal(writer: Connection) -> None:
    """Of several that switch a new file to WAL at once, SQLite refuses all but one without
    letting them wait; so they wait for the write lock, and ask again."""
    for attempt in reversed(range(10)):
        try:
            raw(writer).execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not attempt:
                raise
            raw(writer).execute("BEGIN IMMEDIATE")
            raw(writer).execute("ROLLBACK")
        else:
            return


def _revision(writer: Connection, path: Path) -> str | None:
    """Which schema the file has; None when it is empty."""
    ask = raw(writer).execute
    application = ask("PRAGMA application_id").fetchone()[0]
    empty = ask("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if empty and application in (0, APPLICATION_ID):
        return None
    if application != APPLICATION_ID:
        raise QuizdlError("memory.foreign", path=path)
    revision = str(ask("SELECT version_num FROM alembic_version").fetchone()[0])
    if revision > REVISION:
        raise QuizdlError("memory.newer", path=path, found=revision, known=REVISION)
    return revision


def _migrate(writer: Connection, path: Path, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    _back_up(path, revision)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = writer
    command.upgrade(config, REVISION)


def _back_up(path: Path, revision: str) -> None:
    """A copy of the file beside it, whole or not at all, while nobody else can write."""
    final = path.with_name(f"{path.stem}.{revision}.backup{path.suffix}")
    part = final.with_name(f"{final.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as to:
        source.backup(to)
    part.replace(final)
