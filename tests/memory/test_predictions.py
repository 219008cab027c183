"""Predictions in the log: real files, real processes, old databases."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from learner import START, answer, migrated_to, rows

from quizdl.memory import open_store
from quizdl.memory.store import Store
from quizdl.memory.store.schema import REVISION
from quizdl.model import Ask, Forecast, Guess, Hit, Prediction, Prompt, Rating
from quizdl.words import QuizdlError

DAY = START.toordinal()
WAY = Prompt(Ask.WAY, "会怎样？", ("变大", "变小", "差不多"), ("倍数",), ("in [0.9, 1.1]",), (1,))
NUMBER = Prompt(Ask.NUMBER, "多少？", (), ("倍数",), ("in [0.9, 1.1]",), (2,))
FORECASTS = (
    Forecast(WAY, (0,), Hit.RIGHT, "变大（1 → 2）"),
    Forecast(NUMBER, 0.3, Hit.WRONG, "2.5"),
    Forecast(NUMBER, None, Hit.NONE, "2.5"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "memory.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened


def predict(store: Store, question: str = "q", claim: str = "c") -> Prediction:
    return store.predict(question, claim, START, "hash", FORECASTS)


def test_a_prediction_is_in_the_log_in_full(path: Path) -> None:
    with open_store(path) as store:
        first = predict(store)
        at = START + timedelta(milliseconds=5)
        second = store.predict("p", "d", at, "other hash", FORECASTS[:1])
    with open_store(path) as store:
        assert store.predictions() == [first, second]
    assert (second.id, second.at, second.about) == (2, at, "other hash")
    ((question, claim, made, about, document),) = rows(
        path, "SELECT question, claim, made_ms, about, forecasts FROM predictions WHERE id = 1"
    )
    assert (question, claim, made, about) == ("q", "c", int(START.timestamp() * 1000), "hash")
    found = json.loads(str(document))
    assert found["version"] == 1
    assert found["forecasts"][0]["guess"] == [0]
    assert found["forecasts"][1]["hit"] == "wrong"
    assert "变大" in str(document), "legible with any SQLite tool"


guesses = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.tuples(st.integers())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(guesses, st.sampled_from(Hit), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_written_is_read(store: Store, guess: Guess, hit: Hit, truth: str) -> None:
    forecast = Forecast(WAY, guess, hit, truth)
    made = store.predict(truth, "c", START, "", [forecast])
    assert store.predictions()[-1] == made
    assert made.forecasts == (forecast,)


@pytest.mark.parametrize(
    "change", ["UPDATE predictions SET claim = 'x'", "DELETE FROM predictions"]
)
def test_nothing_changes_or_leaves_the_log(store: Store, path: Path, change: str) -> None:
    predict(store)
    with (
        closing(sqlite3.connect(path)) as other,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        other.execute(change)
    assert len(store.predictions()) == 1


def test_cards_know_nothing_of_predictions(store: Store) -> None:
    review = answer(store, "q", Rating.GOOD)
    before, version = store.memory(DAY), store.version()
    predict(store)
    predict(store, "new")
    assert store.version() == version, "nobody need read it again"
    assert store.memory(DAY) == before
    assert store.started() == {"q"}
    store.replay()
    assert store.memory(DAY).cards == before.cards
    assert store.reviews() == [review]


def test_an_undo_passes_over_them(store: Store) -> None:
    review = answer(store, "q", Rating.GOOD)
    made = predict(store)
    assert store.undo(review.id, START) is None
    assert store.predictions() == [made]


def test_they_go_on_under_a_new_name(store: Store, path: Path) -> None:
    """Of a question that was never rated, too."""
    predict(store, "old")
    predict(store, "other")
    store.adopt({"old": "new", "unseen": "new"}, live={"new", "other"})
    assert [made.question for made in store.predictions()] == ["new", "other"]
    assert rows(path, "SELECT * FROM aliases") == [("old", "new")]
    assert rows(path, "SELECT question FROM predictions") == [("old",), ("other",)], "log untouched"
    store.adopt({"new": "newer", "old": "newer"}, live={"newer", "other"})
    predict(store, "new")  # a window with the old bank
    store.adopt({"new": "newer", "old": "newer"}, live={"newer", "other"})
    assert [made.question for made in store.predictions()] == ["newer", "other", "newer"]
    assert store.started() == frozenset()
    store.adopt({}, live={"old", "other"})
    assert [made.question for made in store.predictions()][:2] == ["old", "other"]


def test_a_full_disk_loses_nothing(store: Store, path: Path) -> None:
    answer(store, "q", Rating.GOOD)
    predict(store)
    pages = store._raw.execute("PRAGMA page_count").fetchone()[0]
    store._raw.execute(f"PRAGMA max_page_count = {pages}")

    def go_on() -> None:
        for _ in range(500):
            predict(store)

    with pytest.raises(QuizdlError) as error:
        go_on()
    assert error.value.key == "memory.full"
    kept = store.predictions()
    assert len(kept) >= 1
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    store._raw.execute("PRAGMA max_page_count = 1000000")
    assert store.predictions() == kept
    assert [made.id for made in (*kept, predict(store))] == list(range(1, len(kept) + 2))
    assert len(store.reviews()) == 1


# --- an old database

OLD = ("presets", "reviews", "undos", "cards", "marks", "aliases")


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows(path, f"SELECT * FROM {table} ORDER BY 1") for table in OLD}


@pytest.fixture
def old(path: Path, tmp_path: Path) -> Path:
    """A database of revision 0002 with a history in it."""
    filled = tmp_path / "filled.sqlite3"
    with open_store(filled) as store:
        for i in range(12):
            answer(store, f"q{i % 3}", Rating.GOOD, START + timedelta(days=i))
        store.undo(answer(store, "q0", Rating.AGAIN).id, START)
        store.mark("q1", flagged=True)
        store.adopt({"q2": "r2"}, live={"r2"})
    migrated_to(path, "0002")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH ? AS filled", (str(filled),))
        for table in OLD:
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM filled.{table}")
        connection.commit()
    return path


def test_a_database_without_predictions_gets_room_for_them(old: Path) -> None:
    before = contents(old)
    assert len(before["reviews"]) == 13
    with open_store(old) as store:
        assert store.predictions() == []
        made = predict(store, "q2")
    assert contents(old) == before
    assert rows(old, "SELECT version_num FROM alembic_version") == [(REVISION,)]
    backup = old.with_name("memory.0002.backup.sqlite3")
    assert contents(backup) == before
    assert rows(backup, "SELECT name FROM sqlite_master WHERE name = 'predictions'") == []
    with open_store(old) as store:
        (found,) = store.predictions()
        assert (found.id, found.question) == (made.id, "r2"), "the alias was there before"


# --- two at once

PREDICTOR = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from quizdl.bank import load
from quizdl.model import Rating
from quizdl.proof.predict import prompts
from quizdl.proof.score import score
from quizdl.session import open_library, Plan
from quizdl.settings import Settings

path, bank, count = sys.argv[1:]
now = datetime(2025, 3, 1, 9, tzinfo=UTC)
library = open_library(Path(path), load(Path(bank)).questions, Settings())
session = library.session(Plan(), now)
session.reveal(now)
print("ready", flush=True)
sys.stdin.readline()
for i in range(int(count)):
    claim = session.current.claims[0]
    asked = prompts(claim)
    session.predict(claim.id, score(asked, [float(i)], ()), now)
    print("predicted", flush=True)
    session.rate(Rating.AGAIN, now)
if not sys.stdin.readline():
    library.close()
"""


def start(path: Path, bank: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREDICTOR, path, bank, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def go(*children: subprocess.Popen[str]) -> None:
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()


def test_two_at_once_lose_nothing(tmp_path: Path, bank: Path) -> None:
    path, count = tmp_path / "memory.sqlite3", 30
    children = [start(path, bank, count) for _ in range(2)]
    go(*children)
    for child in children:
        child.communicate(timeout=60)
        assert child.returncode == 0
    with open_store(path) as store:
        found = store.predictions()
        assert len(store.reviews()) == 2 * count
    assert [made.id for made in found] == list(range(1, 2 * count + 1))
    typed = Counter(made.forecasts[0].guess for made in found)
    assert typed == Counter({float(i): 2 for i in range(count)})


def test_killed_right_after_a_prediction(tmp_path: Path, bank: Path) -> None:
    path = tmp_path / "memory.sqlite3"
    child = start(path, bank, 1)
    go(child)
    assert child.stdout is not None
    assert child.stdout.readline() == "predicted\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    with child:  # closes the pipes
        pass
    with open_store(path) as store:
        assert len(store.predictions()) == 1
