"""The file: a database of Anki's schema 11 in a zip, media beside it.

Every version of Anki since 2.1 reads it. Written from streams: neither notes nor media are
held all at once. The same notes give the same bytes.
"""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha1
from html import unescape
from pathlib import Path
from typing import Any

from quizdl.exchange.anki.notes import Note, deck_id
from quizdl.exchange.anki.notetype import FIELDS, MODEL_ID, model
from quizdl.exchange.anki.scheduling import (
    CREATED,
    CardColumns,
    ReviewColumns,
    new_card,
)
from quizdl.words import in_chinese

_SCHEMA = """
CREATE TABLE col (id integer PRIMARY KEY, crt integer NOT NULL, mod integer NOT NULL,
  scm integer NOT NULL, ver integer NOT NULL, dty integer NOT NULL, usn integer NOT NULL,
  ls integer NOT NULL, conf text NOT NULL, models text NOT NULL, decks text NOT NULL,
  dconf text NOT NULL, tags text NOT NULL);
CREATE TABLE notes (id integer PRIMARY KEY, guid text NOT NULL, mid integer NOT NULL,
  mod integer NOT NULL, usn integer NOT NULL, tags text NOT NULL, flds text NOT NULL,
  sfld integer NOT NULL, csum integer NOT NULL, flags integer NOT NULL, data text NOT NULL);
CREATE TABLE cards (id integer PRIMARY KEY, nid integer NOT NULL, did integer NOT NULL,
  ord integer NOT NULL, mod integer NOT NULL, usn integer NOT NULL, type integer NOT NULL,
  queue integer NOT NULL, due integer NOT NULL, ivl integer NOT NULL, factor integer NOT NULL,
  reps integer NOT NULL, lapses integer NOT NULL, left integer NOT NULL, odue integer NOT NULL,
  odid integer NOT NULL, flags integer NOT NULL, data text NOT NULL);
CREATE TABLE revlog (id integer PRIMARY KEY, cid integer NOT NULL, usn integer NOT NULL,
  ease integer NOT NULL, ivl integer NOT NULL, lastIvl integer NOT NULL,
  factor integer NOT NULL, time integer NOT NULL, type integer NOT NULL);
CREATE TABLE graves (usn integer NOT NULL, oid integer NOT NULL, type integer NOT NULL);
"""
_INDEXES = """
CREATE INDEX ix_notes_usn ON notes (usn);
CREATE INDEX ix_cards_usn ON cards (usn);
CREATE INDEX ix_revlog_usn ON revlog (usn);
CREATE INDEX ix_cards_nid ON cards (nid);
CREATE INDEX ix_cards_sched ON cards (did, queue, due);
CREATE INDEX ix_revlog_cid ON revlog (cid);
CREATE INDEX ix_notes_csum ON notes (csum);
"""
_ROW = {"notes": 11, "cards": 18, "revlog": 9}
_INSERT = {
    table: f"INSERT INTO {table} VALUES ({','.join('?' * columns)})"  # noqa: S608 - our names
    for table, columns in _ROW.items()
}
_TAG = re.compile(r"<[^>]*>")
_FIRST = CREATED * 1000
"""Ids of notes and cards are times in milliseconds to Anki, in the past; it knows a note by its
guid, and gives it another id where this one is taken."""
_BATCH = 100
"""Notes that are held before they are written."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A note on its way into a package."""

    note: Note
    changed: int
    """When it last changed, in seconds since 1970."""
    card: CardColumns | None = None
    """None: new, at its place among the notes."""
    reviews: tuple[ReviewColumns, ...] = ()


def write_package(path: Path, entries: Iterable[Entry], model_changed: int, rollover: int) -> int:
    """Write the package and return how many notes it holds.

    `rollover`: the hour at which days begin. Raises OSError when it cannot be written; `path` may
    then hold a part of it.
    """
    try:
        return _write(path, entries, model_changed, rollover)
    except sqlite3.Error as error:  # a full disk, as SQLite says it
        raise OSError(str(error)) from error


def _write(path: Path, entries: Iterable[Entry], model_changed: int, rollover: int) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="quizdl-") as folder,
        zipfile.ZipFile(path, "w") as package,
    ):
        database = Path(folder) / "collection.anki2"
        media = _Media(package)
        count = _write_database(database, entries, media, model_changed, rollover)
        info = _info("collection.anki2")
        info.file_size = database.stat().st_size  # zipfile wants to know beyond 2 GiB
        with database.open("rb") as source, package.open(info, "w") as sink:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
        names = {str(number): name for name, number in media.numbers.items()}
        package.writestr(_info("media"), json.dumps(names, separators=(",", ":")))
    return count


class _Media:
    """The files of a package: each is written when it is first met."""

    def __init__(self, package: zipfile.ZipFile) -> None:
        self._package = package
        self.numbers: dict[str, int] = {}

    def add(self, name: str, data: bytes) -> None:
        if name not in self.numbers:
            self.numbers[name] = len(self.numbers)
            self._package.writestr(_info(str(self.numbers[name])), data)


def _info(name: str) -> zipfile.ZipInfo:
    """Of a file in the zip: no time of ours in it, and stored as it is, which is as fast as the
    disk; a deck of fifty questions has 2 MB."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    return info


def _write_database(
    path: Path, entries: Iterable[Entry], media: _Media, model_changed: int, rollover: int
) -> int:
    decks: dict[str, int] = {}
    newest, number = model_changed, _FIRST
    logged: set[int] = set()
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _ROW}
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for setting in (
            "page_size = 32768",
            "journal_mode = OFF",
            "synchronous = OFF",
            "cache_size = -65536",
        ):
            database.execute(f"PRAGMA {setting}")
        database.executescript(_SCHEMA)
        database.execute("BEGIN")
        for number, entry in enumerate(entries, _FIRST + 1):
            for name, data in entry.note.media.items():
                media.add(name, data)
            deck = decks.setdefault(entry.note.deck, deck_id(entry.note.deck))
            newest = max(newest, entry.changed)
            card = entry.card or new_card(number - _FIRST)
            rows["notes"].append(_note_row(number, entry))
            rows["cards"].append(_card_row(number, deck, entry.changed, card))
            rows["revlog"] += (
                (_free(review.id, logged), number, -1, *review[1:]) for review in entry.reviews
            )
            if len(rows["notes"]) == _BATCH:
                _flush(database, rows)
        _flush(database, rows)
        for statement in _INDEXES.split(";"):  # last: filling a table that has them is slower
            database.execute(statement)
        row = _collection_row(decks, newest, model_changed, rollover)
        database.execute(f"INSERT INTO col VALUES ({','.join('?' * len(row))})", row)  # noqa: S608
        database.execute("COMMIT")
    return number - _FIRST


def _flush(database: sqlite3.Connection, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    for table, waiting in rows.items():
        database.executemany(_INSERT[table], waiting)
        waiting.clear()


def _free(number: int, used: set[int]) -> int:
    """`number`, or the next that is not used; it is from now on."""
    while number in used:
        number += 1
    used.add(number)
    return number


def _note_row(number: int, entry: Entry) -> tuple[Any, ...]:
    note, fields = entry.note, entry.note.fields
    assert len(fields) == len(FIELDS)
    text = "\x1f".join(fields)
    if "\0" in text or text.count("\x1f") >= len(FIELDS):  # what no field of Anki's may hold
        fields = tuple(field.translate({0x1F: "\ufffd", 0: "\ufffd"}) for field in fields)
        text = "\x1f".join(fields)
    first = _plain(fields[0])
    digest = sha1(first.encode("utf-8", "replace"), usedforsecurity=False).digest()
    tags = f" {' '.join(note.tags)} " if note.tags else ""
    checksum = int.from_bytes(digest[:4])
    return number, note.guid, MODEL_ID, entry.changed, -1, tags, text, first, checksum, 0, ""


def _card_row(note: int, deck: int, changed: int, card: CardColumns) -> tuple[Any, ...]:
    """A card has its note's number: there is one for each."""
    return (
        *(note, note, deck, 0, changed, -1),
        *(card.type, card.queue, card.due, card.ivl, card.factor, card.reps, card.lapses),
        *(card.left, 0, 0, card.flags, card.data),
    )


def _plain(html: str) -> str:
    """What Anki sorts and compares notes by."""
    text = _TAG.sub("", html) if "<" in html else html
    return unescape(text).replace("\xa0", " ") if "&" in text else text


def _collection_row(
    decks: dict[str, int], newest: int, model_changed: int, rollover: int
) -> tuple[Any, ...]:
    named = {number: name for name, number in _with_parents(decks).items()}
    first = next(iter(named), 1)
    config = {
        "schedVer": 2,  # without it Anki takes the cards for its first scheduler's, and rewrites
        "creationOffset": 0,
        "rollover": rollover,
        "curDeck": 1,
        "activeDecks": [1],
        "nextPos": 1,
        "sortType": "noteFld",
        "sortBackwards": False,
        "addToCur": True,
        "estTimes": True,
        "dueCounts": True,
        "curModel": str(MODEL_ID),
        "newSpread": 0,
        "collapseTime": 1200,
        "timeLim": 0,
    }
    return (
        *(1, CREATED, newest * 1000, model_changed * 1000, 11, 0, 0, 0, _json(config)),
        _json({str(MODEL_ID): model(model_changed, first)}),
        _json({"1": _deck(1, "Default", 0), **dict(_decks(named, newest))}),
        _json({"1": _OPTIONS}),
        "{}",
    )


def _with_parents(decks: dict[str, int]) -> dict[str, int]:
    every: dict[str, int] = {}
    for name in decks:
        parts = name.split("::")
        for length in range(1, len(parts) + 1):
            parent = "::".join(parts[:length])
            every.setdefault(parent, deck_id(parent))
    return every


def _decks(named: dict[int, str], changed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, name in named.items():
        yield str(number), _deck(number, name, changed)


def _deck(number: int, name: str, changed: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "mod": changed,
        "usn": -1,
        "lrnToday": [0, 0],
        "revToday": [0, 0],
        "newToday": [0, 0],
        "timeToday": [0, 0],
        "collapsed": False,
        "browserCollapsed": False,
        "desc": in_chinese("anki.about") if "::" not in name and number != 1 else "",
        "dyn": 0,
        "conf": 1,
        "extendNew": 0,
        "extendRev": 0,
    }


_OPTIONS: dict[str, Any] = {
    "id": 1,
    "name": "Default",
    "mod": 0,
    "usn": 0,
    "maxTaken": 60,
    "autoplay": True,
    "timer": 0,
    "replayq": True,
    "dyn": False,
    "new": {
        "delays": [1.0, 10.0],
        "ints": [1, 4, 0],
        "initialFactor": 2500,
        "order": 1,
        "perDay": 20,
        "bury": False,
        "separate": True,
    },
    "rev": {
        "perDay": 200,
        "ease4": 1.3,
        "fuzz": 0.05,
        "ivlFct": 1.0,
        "maxIvl": 36500,
        "bury": False,
        "hardFactor": 1.2,
    },
    "lapse": {"delays": [10.0], "mult": 0.0, "minInt": 1, "leechFails": 8, "leechAction": 1},
}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
