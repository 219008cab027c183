"""The cache of banks: the same as reading, at any time, whatever happens to the file."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest
from banks import DEMO, trust_bank, write_question

from quizdl.bank import cache, find_bank, load
from quizdl.bank.trust import Permission, Trust
from quizdl.model import Question
from quizdl.settings import Paths
from quizdl.words import QuizdlError

LATER = time.time() + 3600
"""Long after every file here was written."""


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    for slug in ("one", "two", "three"):
        write_question(tmp_path / "bank", slug)
    return tmp_path / "bank"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "cache.sqlite3"


def values(questions: tuple[Question, ...]) -> list[dict[str, object]]:
    names = [field.name for field in fields(Question)]
    return [{name: getattr(each, name) for name in names} for each in questions]


def titles(bank: Path, file: Path) -> list[str]:
    return [question.title for question in cache.load(bank, file, LATER).questions]


def change(file: Path, sql: str, *values: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(sql, values)


def mark(file: Path) -> None:
    """Make what comes from the cache known by its titles."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for root, place, head in connection.execute("SELECT root, place, head FROM heads"):
            changed = json.dumps(["kept", *json.loads(head)[1:]])
            connection.execute(
                "UPDATE heads SET head = ? WHERE root = ? AND place = ?", (changed, root, place)
            )


def test_the_whole_bank_is_the_same_from_the_cache(file: Path) -> None:
    read = load(find_bank(None))
    for _ in range(2):
        kept = cache.load(find_bank(None), file, LATER)
        assert kept.topics == read.topics
        assert kept.problems == read.problems
        assert values(kept.questions) == values(read.questions)
        assert [repr(q.claims) for q in kept.questions] == [repr(q.claims) for q in read.questions]


def test_only_the_first_start_reads_the_files(bank: Path, file: Path) -> None:
    assert titles(bank, file) == ["one 吗？", "three 吗？", "two 吗？"]
    mark(file)
    assert titles(bank, file) == ["kept"] * 3


def test_an_edit_shows_at_once_even_with_the_time_of_before(bank: Path, file: Path) -> None:
    titles(bank, file)
    mark(file)
    path = bank / "arithmetic/one/question.md"
    before = path.stat()
    path.write_text(path.read_text("utf-8").replace("one 吗", "eno 吗"), "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert titles(bank, file) == ["eno 吗？", "kept", "kept"]


def test_what_has_just_changed_is_not_kept(bank: Path, file: Path) -> None:
    """Another edit within the same tick of the file system would have the same times."""
    newest = max(path.stat().st_ctime for path in bank.rglob("*.*"))
    cache.load(bank, file, newest + 1)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM heads").fetchone() == (0,)


def test_problems_are_said_each_time(bank: Path, file: Path) -> None:
    (bank / "arithmetic/two/demo.py").write_text("def", "utf-8")
    for _ in range(2):
        loaded = cache.load(bank, file, LATER)
        assert [question.id for question in loaded.questions] == ["one", "three"]
        assert loaded.problems == load(bank).problems
        assert loaded.problems


def test_a_question_that_goes_is_forgotten(bank: Path, file: Path) -> None:
    titles(bank, file)
    (bank / "arithmetic/two").rename(bank / "arithmetic/four")
    (bank / "other").mkdir()
    (bank / "arithmetic/three").rename(bank / "other/three")
    loaded = cache.load(bank, file, LATER)
    assert {(each.topic, each.id) for each in loaded.questions} == {
        ("arithmetic", "one"),
        ("arithmetic", "four"),
        ("other", "three"),
    }
    with closing(sqlite3.connect(file)) as connection:
        for table in ("heads", "texts"):
            rows = connection.execute(f"SELECT place FROM {table} ORDER BY place").fetchall()
            assert rows == [("arithmetic/four",), ("arithmetic/one",), ("other/three",)]


def test_two_banks_share_the_file(bank: Path, file: Path, tmp_path: Path) -> None:
    write_question(tmp_path / "other", "one", demo=f"{DEMO}\n# another\n")
    titles(bank, file)
    titles(tmp_path / "other", file)
    for root in (bank, tmp_path / "other"):
        assert values(cache.load(root, file, LATER).questions) == values(load(root).questions)


@pytest.mark.parametrize("bytes_", [b"no database at all", b"SQLite format 3\0" + b"\x07" * 5000])
def test_a_damaged_file_is_begun_anew(bank: Path, file: Path, bytes_: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(bytes_)
    titles(bank, file)
    mark(file)
    assert titles(bank, file) == ["kept"] * 3


def test_a_row_that_says_nothing_is_read_from_the_bank(bank: Path, file: Path) -> None:
    titles(bank, file)
    change(file, "UPDATE heads SET head = '[1, 2' WHERE place = 'arithmetic/one'")
    change(file, "DELETE FROM texts WHERE place = 'arithmetic/two'")
    assert values(cache.load(bank, file, LATER).questions) == values(load(bank).questions)


def test_another_quizdl_does_not_believe_it(bank: Path, file: Path) -> None:
    titles(bank, file)
    mark(file)
    change(file, "PRAGMA user_version = 7")
    assert titles(bank, file) == ["one 吗？", "three 吗？", "two 吗？"]


def test_without_a_place_for_it_the_bank_is_read(bank: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, no folder", "utf-8")
    for _ in range(2):
        assert len(titles(bank, tmp_path / "data" / "cache.sqlite3")) == 3


def test_texts_asked_for_late_are_those_of_now(bank: Path, file: Path) -> None:
    """Another quizdl has meanwhile read what an author has changed, or removed."""
    titles(bank, file)
    one, three, two = cache.load(bank, file, LATER).questions
    path = bank / "arithmetic/one/question.md"
    path.write_text(path.read_text("utf-8").replace("会的。", "会的，当然。"), "utf-8")
    shutil.rmtree(bank / "arithmetic/three")
    titles(bank, file)
    assert "会的，当然。" in one.back
    assert "会的。" in two.back
    with pytest.raises(QuizdlError, match="three"):
        _ = three.back


def test_many_at_once(bank: Path, file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from quizdl.bank import cache\n"
        "for _ in range(5):\n"
        f"    bank = cache.load(Path(sys.argv[1]), Path(sys.argv[2]), {LATER})\n"
        "    assert [len(q.claims) for q in bank.questions] == [3, 3, 3], bank\n"
    )
    command = [sys.executable, "-c", code, str(bank), str(file)]
    children = [subprocess.Popen(command) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0] * 4
    mark(file)
    assert titles(bank, file) == ["kept"] * 3


def test_it_lets_nothing_run_that_was_not_trusted(bank: Path, file: Path, tmp_path: Path) -> None:
    trust_bank(bank, tmp_path)
    allow = Permission(Trust(Paths(tmp_path, tmp_path).trust))
    titles(bank, file)
    allow(cache.load(bank, file, LATER).questions[0])
    change(file, "UPDATE texts SET demo = demo || 'print(1)'")
    with pytest.raises(QuizdlError, match="one"):
        allow(cache.load(bank, file, LATER).questions[0])
