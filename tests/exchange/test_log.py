"""The log as JSON Lines: out, into another home, and in again."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from terminals import Quizdl

from quizdl.memory import open_store, scheduler
from quizdl.memory.store import Store
from quizdl.model import Ask, Forecast, Hit, Log, Prompt, Rating, Recall, Remark, Tick
from quizdl.settings import Settings

SETTINGS = Settings()
START = datetime(2025, 3, 1, 20, tzinfo=datetime.now().astimezone().tzinfo)
TOOK = timedelta(milliseconds=4321)


RECALL = Recall("说了", (Tick("要点：$x$", must=True, told=True), Tick("另一", False, False)))


def answer(
    store: Store, question: str, rating: Rating, at: datetime, recall: Recall | None = None
) -> int:
    moment = scheduler.moment(at, SETTINGS.rollover_hour)
    card = store.memory(moment.day).cards.get(question)
    outcome = scheduler.outcomes(card, question, moment, SETTINGS)[rating]
    return store.record(outcome, moment.at, TOOK, scheduler.preset(SETTINGS), recall).id


def fill(path: Path, *, shift: timedelta = timedelta(0)) -> None:
    with open_store(path) as store:
        answer(store, "old-name", Rating.EASY, START + shift)
        answer(store, "adam", Rating.GOOD, START + shift + timedelta(minutes=1))
        slip = answer(store, "adam", Rating.AGAIN, START + shift + timedelta(minutes=11))
        store.undo(slip, START + shift + timedelta(minutes=12))
        answer(store, "adam", Rating.GOOD, START + shift + timedelta(minutes=13), RECALL)
        for question in ("relu", "elu"):
            answer(store, question, Rating.EASY, START + shift + timedelta(minutes=14))
        store.reset(["relu"], START + shift + timedelta(minutes=15))
        taken_back = store.reset(["elu", "never-learnt"], START + shift + timedelta(minutes=15))
        store.unreset(taken_back, START + shift + timedelta(minutes=16))
        store.mark("adam", flagged=True)
        store.mark("old-name", suspended=True, buried_until=739_500)
        store.adopt({"old-name": "new-name"}, live={"adam", "new-name"})
        prompt = Prompt(Ask.NUMBER, "多大？", (), ("误差",), ("<= 1",), (1,))
        forecast = Forecast(prompt, 0.5, Hit.PARTLY, "0.7")
        store.predict("adam", "claim", START + shift, "hash", [forecast])
        store.merge(Log(remarks={"adam": Remark("先说结论\n再说理由", START + shift)}))


def everything(path: Path) -> tuple[object, ...]:
    with open_store(path) as store:
        memory = store.memory(0)
        logs = store.reviews(), store.remarks(), store.predictions()
        return memory.cards, memory.marks, *logs, store.told(), store.resets()


def without_ids(path: Path) -> tuple[object, ...]:
    from dataclasses import replace

    cards, marks, reviews, remarks, predictions, *others = everything(path)
    return (
        *(cards, marks, remarks, *others),
        [replace(review, id=0) for review in reviews],  # type: ignore[attr-defined]
        [replace(each, id=0) for each in predictions],  # type: ignore[attr-defined]
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home" / "memory.sqlite3"


def test_all_of_it_arrives_in_a_new_home(quizdl: Quizdl, home: Path, tmp_path: Path) -> None:
    fill(home)
    file = tmp_path / "log.jsonl"
    ran = quizdl("export", "data", "-o", str(file))
    assert (ran.returncode, ran.stderr) == (0, "")
    other = {"QUIZDL_HOME": str(tmp_path / "other")}
    ran = quizdl("import", "data", str(file), env=other)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "新增 6 次复习" in ran.stdout
    arrived = tmp_path / "other" / "memory.sqlite3"
    assert without_ids(arrived) == without_ids(home)
    with open_store(arrived) as store:
        cached = store.memory(0).cards
        store.replay()
        assert store.memory(0).cards == cached
        assert len(store.log().entries) == 6, "also what was undone"

    again = tmp_path / "again.jsonl"
    assert quizdl("export", "data", "-o", str(again), env=other).returncode == 0
    assert again.read_text("utf-8") == file.read_text("utf-8")


def test_a_second_import_changes_nothing(quizdl: Quizdl, home: Path, tmp_path: Path) -> None:
    fill(home)
    file = tmp_path / "log.jsonl"
    quizdl("export", "data", "-o", str(file))
    before = everything(home)
    ran = quizdl("import", "data", str(file))
    assert "新增 0 次复习，6 次已经有了" in ran.stdout
    assert everything(home) == before


@pytest.mark.slow
def test_two_machines_end_up_with_the_same(quizdl: Quizdl, home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "memory.sqlite3"
    fill(home)
    fill(other, shift=timedelta(hours=2))
    env = {"QUIZDL_HOME": str(other.parent)}
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    quizdl("export", "data", "-o", str(one))
    quizdl("export", "data", "-o", str(two), env=env)
    assert quizdl("import", "data", str(two)).returncode == 0
    assert quizdl("import", "data", str(one), env=env).returncode == 0
    mine, theirs = everything(home), everything(other)
    assert mine[0] == theirs[0], "cards"
    times = [[review.at for review in each[2]] for each in (mine, theirs)]  # type: ignore[attr-defined]
    assert times[0] == times[1] == sorted(times[0])
    assert len(times[0]) == 10, "five standing reviews of each"


def test_an_undo_elsewhere_is_an_undo_here(quizdl: Quizdl, home: Path, tmp_path: Path) -> None:
    with open_store(home) as store:
        last = answer(store, "adam", Rating.AGAIN, START)
    file = tmp_path / "log.jsonl"
    env = {"QUIZDL_HOME": str(tmp_path / "other")}
    quizdl("export", "data", "-o", str(file))
    quizdl("import", "data", str(file), env=env)
    with open_store(home) as store:
        store.undo(last, START + timedelta(minutes=1))
    quizdl("export", "data", "-o", str(file))
    assert "新增撤销 1" in quizdl("import", "data", str(file), env=env).stdout
    assert everything(tmp_path / "other" / "memory.sqlite3")[0] == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda lines: [], "第一行"),
        (lambda lines: ["hello\n"], "第 1 行"),
        (lambda lines: ['{"a": 1}\n'], "第一行"),
        (lambda lines: ['{"quizdl": "log", "version": 99}\n'], "99"),
        (lambda lines: [*lines[:2], "{\n"], "第 3 行"),
        (lambda lines: [*lines[:2], '{"kind": "dance"}\n'], "dance"),
        (lambda lines: [lines[0], lines[2].replace('"rating": ', '"rating": 9')], "第 2 行"),
        (lambda lines: [lines[0], lines[2].replace('"step"', '"stop"')], "step"),
        (lambda lines: [lines[0], lines[2].replace("Z", "", 1)], "时区"),
    ],
)
def test_a_damaged_file_is_one_clear_line_and_changes_nothing(
    quizdl: Quizdl, home: Path, tmp_path: Path, damage: object, says: str
) -> None:
    fill(home)
    file = tmp_path / "log.jsonl"
    quizdl("export", "data", "-o", str(file))
    lines = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join(damage(lines)), "utf-8")  # type: ignore[operator]
    before = everything(home)
    ran = quizdl("import", "data", str(file))
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert says in ran.stderr
    assert everything(home) == before


def test_every_line_is_an_object_that_says_its_kind(
    quizdl: Quizdl, home: Path, tmp_path: Path
) -> None:
    fill(home)
    file = tmp_path / "log.jsonl"
    quizdl("export", "data", "-o", str(file))
    first, *others = map(json.loads, file.read_text("utf-8").splitlines())
    assert first == {"quizdl": "log", "version": 2}
    kinds = [each["kind"] for each in others]
    assert kinds == [
        *("name", *["review"] * 6, "mark", "mark", "remark", "prediction"),
        *("reset", "reset"),
    ]
    review = others[1]
    assert review["question"] == "old-name"
    assert datetime.fromisoformat(review["at"]) == START
    assert (review["rating"], review["duration_ms"]) == (4, 4321)
