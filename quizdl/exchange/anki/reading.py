"""Reviews and remarks in a package or a collection that Anki has written.

Two kinds of file: a plain SQLite database in the zip (`collection.anki21`, `.anki2`), and since
Anki 2.1.50 one compressed with Zstandard (`collection.anki21b`), beside which an empty
`collection.anki2` tells older versions to be updated. The tables that matter here are the same
in both.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import IO, Protocol

from quizdl.exchange.anki.notetype import GUID, MODEL_ID, REMARK, TABLE
from quizdl.exchange.anki.scheduling import Answer, ReviewColumns, answer
from quizdl.words import QuizdlError, in_chinese

_COLLECTIONS = ("collection.anki21b", "collection.anki21", "collection.anki2")
_LARGEST = 4 << 30
"""Bytes of an unpacked collection: more than any learner has, less than fills a disk."""
_CHUNK = 1 << 20
_REMARK_NAME = in_chinese("anki.field.remark")


class _Bytes(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds of ours, under the ids that the guids name."""

    answers: tuple[Answer, ...]
    """In the order of their times."""
    remarks: Mapping[str, tuple[str, datetime]]
    """HTML of the learner's own field where it is not empty, and when the note last changed."""
    notes: int
    others: int
    """Notes that are not ours."""


def read_package(path: Path) -> Found:
    """Raises QuizdlError: for what is no package, is damaged, or holds nothing of ours."""
    with tempfile.TemporaryDirectory(prefix="quizdl-") as folder:
        database = Path(folder) / "collection"
        try:
            _unpack(path, database)
            with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
                connection.create_collation("unicase", _unicase)
                return _read(path, connection)
        except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError) as error:
            raise QuizdlError("anki.no_package", path=path) from error
        except sqlite3.Error as error:
            raise QuizdlError("anki.damaged", path=path, why=error) from error


def _unpack(path: Path, to: Path) -> None:
    with zipfile.ZipFile(path) as package:
        names = package.namelist()
        name = next((each for each in _COLLECTIONS if each in names), None)
        if name is None:
            raise QuizdlError("anki.no_package", path=path)
        with package.open(name) as source, to.open("wb") as sink:
            if name.endswith("b"):
                _decompress(path, source, sink)
            else:
                _copy(path, source, sink)


def _decompress(path: Path, source: IO[bytes], sink: IO[bytes]) -> None:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    try:
        with zstd.open(source) as plain:
            _copy(path, plain, sink)
    except zstd.ZstdError as error:
        raise QuizdlError("anki.damaged", path=path, why=error) from error


def _copy(path: Path, source: _Bytes, sink: IO[bytes]) -> None:
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > _LARGEST:
            raise QuizdlError("anki.too_large", path=path, gib=_LARGEST >> 30)
        sink.write(chunk)


def _unicase(left: str, right: str) -> int:
    a, b = left.casefold(), right.casefold()
    return (a > b) - (a < b)


def _read(path: Path, connection: sqlite3.Connection) -> Found:
    places = _remark_places(connection)
    ids: dict[int, str] = {}
    remarks: dict[str, tuple[str, datetime]] = {}
    others = 0
    for number, guid, kind, changed, fields in connection.execute(
        "SELECT id, guid, mid, mod, flds FROM notes"
    ):
        if not str(guid).startswith(GUID):
            others += 1
            continue
        question = str(guid)[len(GUID) :].removeprefix(TABLE)
        ids[number] = question
        texts = str(fields).split("\x1f")
        place = places.get(kind, REMARK)
        text = texts[place] if place < len(texts) else ""
        if _has_content(text):
            remarks[question] = (text, datetime.fromtimestamp(changed, UTC))
    if not ids:
        raise QuizdlError("anki.foreign", path=path, others=others)
    return Found(tuple(_answers(connection, ids)), remarks, len(ids), others)


def _answers(connection: sqlite3.Connection, ids: Mapping[int, str]) -> Iterator[Answer]:
    for note, *columns in connection.execute(
        "SELECT nid, revlog.id, ease, revlog.ivl, lastIvl, revlog.factor, time, revlog.type "
        "FROM revlog JOIN cards ON cards.id = revlog.cid ORDER BY revlog.id"
    ):
        if note in ids:
            found = answer(ids[note], ReviewColumns._make(columns))
            if found is not None:
                yield found


def _remark_places(connection: sqlite3.Connection) -> dict[int, int]:
    """Where the learner's own field stands, by note type: they can be moved in Anki."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if "fields" in tables:
        rows = connection.execute("SELECT ntid, ord, name FROM fields")
        return {kind: place for kind, place, name in rows if name == _REMARK_NAME}
    (models,) = connection.execute("SELECT models FROM col").fetchone()
    try:
        return {
            int(kind): field["ord"]
            for kind, model in json.loads(models).items()
            for field in model["flds"]
            if field["name"] == _REMARK_NAME
        }
    except (ValueError, TypeError, LookupError):
        return {MODEL_ID: REMARK}


def _has_content(html: str) -> bool:
    return bool(re.search(r"<img|\[sound:", html)) or bool(
        unescape(re.sub("<[^>]*>", "", html)).replace("\xa0", " ").strip()
    )
