"""What was read of a bank, kept so that the next start need not parse it again.

A question that was sound is taken from here as long as its two files are, by size and times, the
ones that were read; one with problems is read anew each time. Its texts and claims stay in the
file until somebody asks for them. All of this can fail and be deleted: what is damaged, or was
written by another quizdl or another Python, is begun anew; without it the bank itself is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from quizdl.bank import loader
from quizdl.model import Bound, Claim, Knob, Problem, Question, Reference
from quizdl.words import QuizdlError

_TEXTS = ("front", "back", "demo", "claims")
"""What a question leaves in the file, each until it is asked for."""
_YOUNG = 2.0
"""Seconds. What has changed since may change again without another time: there are file systems
that count in steps of two seconds."""
_BATCH = 200
"""Questions that are parsed before they are written."""
_BUSY_SECONDS = 2.0
_SCHEMA = """
DROP TABLE IF EXISTS heads;
DROP TABLE IF EXISTS texts;
CREATE TABLE heads (root TEXT, place TEXT, stamp TEXT NOT NULL, head TEXT NOT NULL,
  PRIMARY KEY (root, place)) STRICT;
CREATE TABLE texts (root TEXT, place TEXT, stamp TEXT NOT NULL, front TEXT NOT NULL,
  back TEXT NOT NULL, demo TEXT NOT NULL, claims TEXT NOT NULL, PRIMARY KEY (root, place)) STRICT;
"""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def load(root: Path, file: Path, now: float) -> loader.Bank:
    """As the loader's `load`, by way of the cache in `file`. `now`: seconds since 1970."""
    shelf = _Shelf(file, root)
    known = shelf.heads()
    gone = set(known)
    fresh: list[_Row] = []

    def read(folder: Path, topic: str) -> tuple[Question | None, tuple[Problem, ...]]:
        place, stamp = f"{topic}/{folder.name}", _stamp(folder, now - _YOUNG)
        gone.discard(place)
        if stamp and known.get(place, ("", ""))[0] == stamp:
            with contextlib.suppress(ValueError, LookupError, TypeError):
                return _kept(shelf, folder, topic, *known[place]), ()
        question, problems = loader.read_question(folder, topic)
        if stamp and question is not None and not problems:
            fresh.append((place, stamp, question))
            if len(fresh) == _BATCH:
                shelf.put(fresh)
                fresh.clear()
        return question, problems

    bank = loader.load(root, read)
    shelf.put(fresh, gone)
    return bank


def _stamp(folder: Path, before: float) -> str:
    """Tells whether the files of a question are what they were; empty when that cannot be told,
    since they are not there or have not been left alone since `before`."""
    parts = []
    for name in ("question.md", "demo.py"):
        try:
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116 - twenty thousand times
        except OSError:
            return ""
        if max(found.st_mtime, found.st_ctime) > before:
            return ""
        parts.append(f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}")
    return "; ".join(parts)


# --- questions ----------------------------------------------------------------------------

_Row = tuple[str, str, Question]
"""Place in its bank, stamp, and the question."""


class _Kept(Question):
    """A question of which some fields are still in the file."""

    __slots__ = ("_shelf", "_stamp")

    _shelf: _Shelf
    _stamp: str

    def __getattr__(self, name: str) -> Any:
        """A field that is not there yet."""
        if name not in _TEXTS:
            raise AttributeError(name)
        text = self._shelf.text(f"{self.topic}/{self.id}", self._stamp, name)
        if text is not None:
            found = {name: _claims(text) if name == "claims" else text}
        else:  # another quizdl has read a newer one since, or the file is damaged
            question, problems = loader.read_question(self.folder, self.topic)
            if question is None:
                line = loader.problem_line(problems[0])
                raise QuizdlError("bank.broken_id", id=self.id, problem=line)
            found = {field: getattr(question, field) for field in _TEXTS}
        for field, value in found.items():
            object.__setattr__(self, field, value)
        return found[name]


def _kept(shelf: _Shelf, folder: Path, topic: str, stamp: str, head: str) -> Question:
    title, level, tags, asked_by, refs, formerly, terms = json.loads(head)
    question = object.__new__(_Kept)
    for name, value in (
        ("id", folder.name),
        ("topic", topic),
        ("title", title),
        ("level", level),
        ("folder", folder),
        ("tags", tuple(tags)),
        ("asked_by", tuple(asked_by)),
        ("refs", tuple(Reference(*each) for each in refs)),
        ("formerly", tuple(formerly)),
        ("terms", terms),
        ("_shelf", shelf),
        ("_stamp", stamp),
    ):
        object.__setattr__(question, name, value)
    return question


def _head(question: Question) -> str:
    refs = [(each.text, each.url) for each in question.refs]
    about = question.title, question.level, question.tags, question.asked_by
    return json.dumps((*about, refs, question.formerly, dict(question.terms)))


def _claims(text: str) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            *(each["id"], each["text"], each["line"]),
            guards={name: Bound.parse(bound) for name, bound in each["guards"].items()},
            expects={name: Bound.parse(bound) for name, bound in each["expects"].items()},
            controls=tuple(each["controls"]),
            knobs=tuple(
                Knob(name, tuple(choices), *ends) for name, choices, *ends in each["knobs"]
            ),
            defaults=each["defaults"],
        )
        for each in json.loads(text)
    )


def _claims_text(claims: Iterable[Claim]) -> str:
    return json.dumps(
        [
            {
                "id": claim.id,
                "text": claim.text,
                "line": claim.line,
                "guards": {name: bound.text for name, bound in claim.guards.items()},
                "expects": {name: bound.text for name, bound in claim.expects.items()},
                "controls": [dict(control) for control in claim.controls],
                "knobs": [(each.name, each.choices, each.low, each.high) for each in claim.knobs],
                "defaults": dict(claim.defaults),
            }
            for claim in claims
        ]
    )


# --- the file -----------------------------------------------------------------------------


class _Shelf:
    """The file, as far as it is about one bank. What it cannot do, it leaves undone."""

    def __init__(self, file: Path, root: Path) -> None:
        self._file, self._root = file, os.path.abspath(root)  # noqa: PTH100 - links stay
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        with self._forgiving():
            self._open()
        if self._connection is None and not file.exists():  # it was damaged, and removed
            with self._forgiving():
                self._open()

    def heads(self) -> Mapping[str, tuple[str, str]]:
        """Stamps and heads, by place."""
        rows = self._ask("SELECT place, stamp, head FROM heads WHERE root = ?", self._root)
        return {place: (stamp, head) for place, stamp, head in rows}

    def text(self, place: str, stamp: str, field: str) -> str | None:
        """One of _TEXTS, as it was under that stamp."""
        sql = f"SELECT {field} FROM texts WHERE root = ? AND place = ? AND stamp = ?"  # noqa: S608
        rows = self._ask(sql, self._root, place, stamp)
        return rows[0][0] if rows else None

    def put(self, rows: Sequence[_Row], gone: Iterable[str] = ()) -> None:
        """Keep these, and forget what is no longer in the bank."""
        heads = [(self._root, place, stamp, _head(each)) for place, stamp, each in rows]
        texts = [
            (self._root, place, stamp, q.front, q.back, q.demo, _claims_text(q.claims))
            for place, stamp, q in rows
        ]
        old = [(self._root, place) for place in gone]
        if not (heads or old) or self._connection is None:
            return
        with self._lock, self._forgiving(), _transaction(self._connection) as connection:
            connection.executemany("INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?)", heads)
            connection.executemany(
                "INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?, ?, ?, ?)", texts
            )
            for table in ("heads", "texts"):
                sql = f"DELETE FROM {table} WHERE root = ? AND place = ?"  # noqa: S608
                connection.executemany(sql, old)

    def _open(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if _version(connection) != _code():
                with _transaction(connection):
                    if _version(connection) != _code():  # else another quizdl was faster
                        for statement in _SCHEMA.split(";"):
                            connection.execute(statement)
                        connection.execute(f"PRAGMA user_version = {_code()}")
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        weakref.finalize(self, connection.close)

    def _ask(self, sql: str, *values: str) -> list[tuple[str, ...]]:
        with self._lock, self._forgiving():
            if self._connection is not None:
                return self._connection.execute(sql, values).fetchall()
        return []

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            pass
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                self._connection = None
                for end in ("", "-wal", "-shm"):
                    with contextlib.suppress(OSError):
                        self._file.with_name(self._file.name + end).unlink(missing_ok=True)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits, or takes back
        yield connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@cache
def _code() -> int:
    """Tells this quizdl and this Python, as far as they read banks, from others."""
    package = Path(__file__).parents[1]
    files = [package / "model.py", *sorted((package / "bank").glob("*.py"))]
    sources = [file.read_bytes() for file in files]
    found = hashlib.sha256(b"\0".join([sys.version.encode(), *sources])).digest()
    return int.from_bytes(found[:4]) >> 1
