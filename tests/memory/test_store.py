"""The log on disk: real files, read back by SQLite itself."""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from learner import MIGRATIONS, START, TOOK, answer, migrated_to, rows

from quizdl.memory import Stale, open_store, scheduler
from quizdl.memory.scheduler import Preset
from quizdl.memory.store import Store, opening
from quizdl.memory.store.schema import APPLICATION_ID, REVISION
from quizdl.model import Mark, Rating, Recall, Recalled, State, Tick
from quizdl.settings import Settings
from quizdl.words import QuizdlError

DAY = START.toordinal()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "memory.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened


# --- the log


def test_a_review_is_in_the_log_in_full(store: Store, path: Path) -> None:
    first = answer(store, "zero-init", Rating.EASY)
    later = START + timedelta(days=8, milliseconds=5)
    second = answer(store, "zero-init", Rating.AGAIN, later)
    assert store.reviews() == [first, second]
    assert (first.state_before, first.state, first.due) == (None, State.REVIEW, None)
    assert first.interval == timedelta(days=8)
    assert (second.state_before, second.state) == (State.REVIEW, State.RELEARNING)
    assert second.due == later + timedelta(minutes=10)
    assert (second.day, second.duration) == (DAY + 8, TOOK)
    logged = rows(
        path,
        "SELECT question, rating, reviewed_ms, scheduler, json_extract(parameters, '$.parameters')"
        " FROM reviews JOIN presets ON presets.id = preset ORDER BY reviews.id",
    )
    assert logged[1][:3] == ("zero-init", 1, int(later.timestamp() * 1000))
    assert str(logged[1][3]).startswith("fsrs ")
    assert str(logged[1][4]).count(",") == 20, "FSRS-6 has 21 weights"


def test_what_was_rated_is_there_after_reopening(path: Path) -> None:
    with open_store(path) as store:
        answer(store, "a", Rating.GOOD)
        answer(store, "b", Rating.EASY)
        store.mark("a", suspended=True, flagged=True)
        before = store.memory(DAY)
    with open_store(path) as store:
        assert store.memory(DAY) == before
        assert before.marks == {"a": Mark(suspended=True, flagged=True)}
        assert store.started() == {"a", "b"}


@pytest.mark.parametrize("table", ["reviews", "undos"])
@pytest.mark.parametrize("change", ["UPDATE {} SET rowid = 99", "DELETE FROM {}"])
def test_nothing_changes_or_leaves_the_log(
    store: Store, path: Path, table: str, change: str
) -> None:
    store.undo(answer(store, "a", Rating.GOOD).id, START)
    with (
        closing(sqlite3.connect(path)) as other,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        other.execute(change.format(table))
    assert len(rows(path, f"SELECT * FROM {table}")) == 1


def test_undo_marks_and_restores_the_card_exactly(store: Store, path: Path) -> None:
    reviews = []
    cards = [None]
    ratings = [Rating.GOOD, Rating.GOOD, Rating.AGAIN, Rating.AGAIN, Rating.GOOD, Rating.EASY]
    for i, rating in enumerate(ratings):
        reviews.append(answer(store, "a", rating, START + timedelta(days=i)))
        cards.append(store.memory(DAY).cards["a"])
    for review, before in zip(reversed(reviews), reversed(cards[:-1]), strict=True):
        assert store.undo(review.id, START) == before
        assert store.memory(DAY).cards.get("a") == before
    assert store.reviews() == []
    assert len(rows(path, "SELECT * FROM reviews")) == len(ratings), "undo erases nothing"


def test_undo_takes_back_the_newest_only_and_once(store: Store) -> None:
    first, second = (answer(store, "a", Rating.GOOD) for _ in range(2))
    with pytest.raises(Stale):
        store.undo(first.id, START)
    store.undo(second.id, START)
    with pytest.raises(Stale):
        store.undo(second.id, START)
    assert store.reviews() == [first]


def test_todays_counts_come_from_the_log(store: Store) -> None:
    answer(store, "a", Rating.EASY)
    answer(store, "b", Rating.GOOD)
    answer(store, "b", Rating.GOOD)
    undone = answer(store, "c", Rating.EASY)
    store.undo(undone.id, START)
    today = store.memory(DAY)
    assert (today.new_done, today.reviews_done) == (2, 0)
    answer(store, "a", Rating.GOOD, START + timedelta(days=8))
    later = store.memory(DAY + 8)
    assert (later.new_done, later.reviews_done) == (0, 1)
    assert later.paces[0] == (State.REVIEW, TOOK.total_seconds())


def test_marks_change_only_what_is_given(store: Store) -> None:
    store.mark("a", flagged=True)
    store.mark("a", buried_until=DAY + 1)
    store.mark("a", suspended=True)
    store.mark("a", suspended=False)
    assert store.memory(DAY).marks["a"] == Mark(buried_until=DAY + 1, flagged=True)


# --- two at once


def test_a_card_changed_by_another_is_noticed_and_nothing_written(path: Path) -> None:
    with open_store(path) as ours, open_store(path) as theirs:
        moment = scheduler.moment(START, 4)
        outcome = scheduler.outcomes(None, "a", moment, Settings())[Rating.GOOD]
        answer(theirs, "a", Rating.EASY)
        with pytest.raises(Stale) as stale:
            ours.record(outcome, moment.at, TOOK, scheduler.preset(Settings()))
        assert stale.value.card == theirs.memory(DAY).cards["a"]
        assert len(ours.reviews()) == 1


def test_a_rating_taken_back_elsewhere_is_no_conflict(path: Path) -> None:
    with open_store(path) as ours, open_store(path) as theirs:
        moment = scheduler.moment(START, 4)
        outcome = scheduler.outcomes(None, "a", moment, Settings())[Rating.GOOD]
        theirs.undo(answer(theirs, "a", Rating.EASY).id, START)
        ours.record(outcome, moment.at, TOOK, scheduler.preset(Settings()))
        assert theirs.memory(DAY).cards["a"] == outcome.card


def test_the_version_tells_of_every_write(path: Path) -> None:
    with open_store(path) as ours, open_store(path) as theirs:
        first = ours.version()
        assert ours.memory(DAY).version == first == ours.version()
        review = answer(ours, "a", Rating.GOOD)
        mine = ours.version()
        assert mine == ours.memory(DAY).version == first._replace(own=first.own + 1)
        theirs.undo(review.id, START)
        assert ours.version().others != mine.others
        assert ours.version().own == mine.own


def test_a_reader_waits_for_no_writer(store: Store, path: Path) -> None:
    answer(store, "a", Rating.GOOD)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert set(store.memory(DAY).cards) == {"a"}


def test_a_lock_that_stays_is_said_in_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.1)
    with open_store(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(QuizdlError) as error:
            answer(store, "a", Rating.GOOD)
        other.execute("ROLLBACK")
        assert error.value.key == "memory.busy"
        answer(store, "a", Rating.GOOD)
        assert len(store.reviews()) == 1


def test_durable_and_strict(store: Store, path: Path) -> None:
    for connection in (store._writer, store._reader):
        raw = connection.connection.driver_connection
        assert raw is not None
        pragmas = {
            name: raw.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
        assert pragmas == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 5000,
        }
    tables = rows(path, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
    ours = {name for name, strict in tables if strict}
    assert ours == {
        "presets",
        "reviews",
        "undos",
        "cards",
        "marks",
        "aliases",
        "predictions",
        "remarks",
        "recalls",
        "resets",
        "unresets",
        "interviews",
        "days",
    }


# --- renames


def test_history_goes_on_under_a_new_name(store: Store, path: Path) -> None:
    answer(store, "old", Rating.EASY)
    store.mark("old", flagged=True)
    card = store.memory(DAY).cards["old"]
    store.adopt({"old": "new", "never-seen": "new"}, live={"new"})
    after = store.memory(DAY)
    assert set(after.cards) == {"new"}
    assert after.cards["new"].stability == card.stability
    assert after.marks == {"new": Mark(flagged=True)}
    answer(store, "new", Rating.GOOD, START + timedelta(days=8))
    assert [review.question for review in store.reviews()] == ["new", "new"]
    assert rows(path, "SELECT question FROM reviews ORDER BY id") == [("old",), ("new",)], (
        "log untouched"
    )
    assert rows(path, "SELECT * FROM aliases") == [("old", "new")]
    assert_replay_changes_nothing(store, path)


def test_renamed_twice_and_back(store: Store, path: Path) -> None:
    answer(store, "a", Rating.EASY)
    store.adopt({"a": "b"}, live={"b"})
    store.adopt({"b": "c"}, live={"c"})
    assert set(store.memory(DAY).cards) == {"c"}
    review = answer(store, "c", Rating.GOOD, START + timedelta(days=8))
    store.adopt({"c": "a", "b": "a"}, live={"a"})
    assert set(store.memory(DAY).cards) == {"a"}
    assert store.memory(DAY).cards["a"].reps == 2
    card = store.undo(review.id, START)
    assert card is not None
    assert (card.question, card.reps) == ("a", 1)
    assert_replay_changes_nothing(store, path)


def test_two_histories_become_one(store: Store, path: Path) -> None:
    answer(store, "old", Rating.GOOD)
    answer(store, "new", Rating.EASY, START + timedelta(minutes=1))
    answer(store, "old", Rating.GOOD, START + timedelta(minutes=2))
    store.adopt({"old": "new"}, live={"new"})
    merged = store.memory(DAY).cards["new"]
    assert merged.reps == 3
    assert merged == scheduler.replay("new", store.reviews())
    assert merged.stability != store.reviews()[-1].stability, "it was logged for half of this"
    assert_replay_changes_nothing(store, path)


def test_adopting_nothing_new_writes_nothing(store: Store, path: Path) -> None:
    answer(store, "old", Rating.GOOD)
    store.adopt({"old": "new"}, live={"new"})
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # a write would now wait, and fail
        store.adopt({"old": "new", "older": "new"}, live={"new"})


def test_a_window_with_the_old_bank_cannot_split_a_history(path: Path) -> None:
    with open_store(path) as stale_window, open_store(path) as store:
        answer(store, "old", Rating.GOOD)
        store.adopt({"old": "new"}, live={"new"})
        with pytest.raises(QuizdlError) as error:
            answer(stale_window, "old", Rating.GOOD)
        assert error.value.key == "memory.renamed"
        assert_replay_changes_nothing(store, path)


def test_reviews_of_a_question_that_left_the_bank_are_kept(store: Store) -> None:
    answer(store, "gone", Rating.GOOD)
    store.adopt({}, live={"other"})
    assert [review.question for review in store.reviews()] == ["gone"]


def assert_replay_changes_nothing(store: Store, path: Path) -> None:
    before = rows(path, "SELECT * FROM cards ORDER BY question")
    store.replay()
    assert rows(path, "SELECT * FROM cards ORDER BY question") == before


# --- another FSRS


def test_a_newer_fsrs_replays_the_log(path: Path) -> None:
    """What is believed of the past is computed anew; what was promised stays."""
    with open_store(path) as store:
        answer(store, "a", Rating.EASY)
        moment = scheduler.moment(START + timedelta(days=8), 4)
        before = store.memory(DAY).cards["a"]
        now = scheduler.outcomes(before, "a", moment, Settings())[Rating.GOOD]
        card = now.card._replace(stability=1.5, difficulty=9.5, due_day=now.card.due_day + 3)
        older = replace(now, card=card, interval=now.interval + timedelta(days=3))
        old_preset = Preset("fsrs 6.2.0", "{}")
        review = store.record(older, moment.at, TOOK, old_preset)
        assert store.memory(DAY).cards["a"] == card
    with open_store(path) as store:
        assert store.memory(DAY).cards["a"] == now.card._replace(due_day=card.due_day)
        assert store.reviews()[-1] == review, "the log keeps what the older one computed"
        assert_replay_changes_nothing(store, path)


# --- schema and migrations


def schema(path: Path) -> set[str]:
    found = rows(path, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {"".join(str(sql).split()) for (sql,) in found}


def test_made_new_is_the_same_as_migrated(path: Path, tmp_path: Path) -> None:
    open_store(path).close()
    migrated = tmp_path / "migrated.sqlite3"
    migrated_to(migrated, "head")
    assert schema(path) == schema(migrated)
    for file in (path, migrated):
        assert rows(file, "SELECT version_num FROM alembic_version") == [(REVISION,)]
        assert rows(file, "PRAGMA application_id") == [(APPLICATION_ID,)]


def test_the_newest_script_is_the_schema_of_the_code() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == REVISION


@pytest.fixture
def old(path: Path, tmp_path: Path) -> Path:
    """A database of revision 0001 with a history in it."""
    filled = tmp_path / "filled.sqlite3"
    with open_store(filled) as store:
        for i in range(20):
            answer(store, f"q{i % 3}", Rating.GOOD, START + timedelta(days=i))
        store.undo(answer(store, "q0", Rating.AGAIN).id, START)
        store.mark("q1", suspended=True)
    migrated_to(path, "0001")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH ? AS filled", (str(filled),))
        for table in ("presets", "reviews", "undos", "cards", "marks"):
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM filled.{table}")
        connection.commit()
    return path


TABLES = ("presets", "reviews", "undos", "cards", "marks", "aliases")


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows(path, f"SELECT * FROM {table} ORDER BY 1") for table in TABLES}


def test_an_old_database_is_migrated_and_keeps_everything(old: Path, tmp_path: Path) -> None:
    before = contents(old)
    assert len(before["reviews"]) == 21
    with open_store(old) as store:
        assert len(store.reviews()) == 20
        answer(store, "q9", Rating.GOOD)
    after = contents(old)
    assert after["reviews"][:-1] == before["reviews"]
    assert after["undos"] == before["undos"]
    days = "SELECT * FROM days WHERE reviews > 0 ORDER BY day"
    answered = tmp_path / "filled.sqlite3"
    with open_store(answered) as store:
        answer(store, "q9", Rating.GOOD)
    assert rows(old, days) == rows(answered, days), "counted in old reviews as in new ones"
    fresh = tmp_path / "fresh.sqlite3"
    open_store(fresh).close()
    assert schema(old) == schema(fresh)


def test_a_backup_is_written_before_a_migration(old: Path) -> None:
    before, plan = contents(old), schema(old)
    open_store(old).close()
    backup = old.with_name("memory.0001.backup.sqlite3")
    assert contents(backup) == before
    assert schema(backup) == plan
    assert sorted(file.name for file in old.parent.iterdir()) == [backup.name, old.name]
    with open_store(backup) as restored:  # it can be used in place of the database
        assert len(restored.reviews()) == 20


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, plan = contents(old), schema(old)

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("halfway")

    with monkeypatch.context() as patched:
        patched.setattr(ScriptDirectory, "run_env", halfway(ScriptDirectory.run_env))
        with pytest.raises(RuntimeError, match="power cut"):
            open_store(old)
    assert (contents(old), schema(old)) == (before, plan)
    open_store(old).close()
    assert schema(old) != plan


def halfway(run):  # type: ignore[no-untyped-def]
    """Every step of the migration is done, and then the power fails."""

    def fails(self: ScriptDirectory) -> None:
        run(self)
        raise RuntimeError("power cut")

    return fails


def test_alembic_is_imported_only_for_a_migration(old: Path, tmp_path: Path) -> None:
    probe = (
        "import sys; from pathlib import Path; from quizdl.memory import open_store;"
        "open_store(Path(sys.argv[1])).close();"
        "print(*sorted({m.partition('.')[0] for m in sys.modules} & {'alembic', 'fsrs'}),"
        " 'sqlalchemy.orm' in sys.modules)"
    )

    def opens(path: Path) -> str:
        return subprocess.run(
            [sys.executable, "-c", probe, path], capture_output=True, text=True, check=True
        ).stdout.strip()

    fresh = tmp_path / "fresh.sqlite3"
    assert opens(fresh) == "False", "made new"
    assert opens(fresh) == "False", "opened again"
    assert opens(old).startswith("alembic")


def test_neither_memory_nor_an_answer_nor_statistics_read_the_whole_log(store: Store) -> None:
    answer(store, "a", Rating.EASY)
    statements: list[str] = []
    for connection in (store._reader, store._writer):
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.set_trace_callback(statements.append)
    store.memory(DAY)
    store.stats([], [], DAY, 365)
    answer(store, "a", Rating.GOOD, START + timedelta(days=9))
    raw.set_trace_callback(None)
    asked = [sql for sql in statements if sql.startswith(("SELECT", "INSERT"))]
    assert len(asked) > 8
    for sql in asked:
        plan = store._raw.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
        scanned = any(step[3].startswith("SCAN reviews") for step in plan)
        assert not scanned or "LIMIT" in sql, (sql, plan)


# --- what is kept instead of read


def test_what_is_known_here_is_what_another_would_read(store: Store, path: Path) -> None:
    """After each kind of write; time and again nothing is read, and nothing differs."""
    draw = random.Random(3)
    names, made = ["a", "b", "c", "d", "e"], []
    for step in range(120):
        now = START + timedelta(days=step // 12, minutes=20 * (step % 12))
        day = scheduler.moment(now, 4).day
        name = draw.choice(names)
        match draw.randrange(8):
            case 0:
                store.mark(name, draw.choice(names), suspended=draw.random() < 0.5)
            case 1:
                store.mark(name, buried_until=day + 1, flagged=True)
            case 2 if made and (last := made.pop()):
                with suppress(Stale):
                    store.undo(last.id, now)
            case 3:
                store.unreset(store.reset([name], now), now)
            case 4:
                with open_store(path) as other:
                    answer(other, name, Rating.HARD, now)
            case _:
                made.append(answer(store, name, draw.choice(list(Rating)), now))
        with open_store(path) as other:
            known, read = store.memory(day), other.memory(day)
        assert known == read
        assert store.memory(day) is known


def test_days_are_counted_as_the_log_has_them(store: Store, path: Path) -> None:
    first = answer(store, "a", Rating.EASY)
    for name, days in (("b", 5), ("c", 5), ("a", 9)):
        answer(store, name, Rating.GOOD, START + timedelta(days=days))
    gone = answer(store, "a", Rating.AGAIN, START + timedelta(days=30))
    store.undo(gone.id, START + timedelta(days=31))
    counted = (
        "SELECT day, count(*), sum(duration_ms), sum(state_before IS NULL), sum(state_before = 2) "
        "FROM reviews WHERE id NOT IN (SELECT review FROM undos) GROUP BY day"
    )
    kept = "SELECT * FROM days WHERE reviews > 0 ORDER BY day"
    assert rows(path, kept) == [(*row[:4], row[4] or 0) for row in rows(path, counted)]
    with open_store(path.with_name("other.sqlite3")) as other:
        other.merge(store.log())
        assert other.days(first.day) == store.days(first.day)
        assert [each.reviews for each in other.days(0)] == [1, 2, 1]


# --- files that cannot be used


def refused(path: Path) -> str:
    """Opening fails in one line that names the file; returns which."""
    with pytest.raises(QuizdlError) as error:
        open_store(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return error.value.key


def test_a_newer_database_is_left_alone(path: Path) -> None:
    open_store(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
        other.commit()
    before = path.read_bytes()
    assert refused(path) == "memory.newer"
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("tables", [["notes"], ["reviews", "cards", "alembic_version"]])
def test_a_foreign_database_is_left_alone(path: Path, tables: list[str]) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        for table in tables:
            other.execute(f"CREATE TABLE {table} (id)")
    before = path.read_bytes()
    assert refused(path) == "memory.foreign"
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("我的笔记" * 1000)
    assert refused(path) == "memory.not_a_database"
    assert path.read_text() == "我的笔记" * 1000


def test_an_empty_file_is_a_new_database(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    open_store(path).close()
    assert rows(path, "SELECT version_num FROM alembic_version") == [(REVISION,)]


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)
    assert refused(path) == "memory.unwritable"


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert refused(tmp_path / "data" / "memory.sqlite3") == "memory.unwritable"


def test_a_damaged_database(path: Path) -> None:
    with open_store(path) as store:
        for i in range(200):
            answer(store, f"q{i}", Rating.GOOD)
    whole = path.read_bytes()
    page = 4096
    path.write_bytes(whole[:page] + b"\xaa" * (len(whole) - page))
    assert refused(path) == "memory.corrupt"


PROBE = """
import os, sys
from pathlib import Path
from quizdl.memory import open_store
from quizdl.words import QuizdlError
open_store(Path(sys.argv[2])).close()  # everything is imported
if os.getuid() == 0:
    os.setuid(65534)  # root may write anywhere
try:
    open_store(Path(sys.argv[1]))
except QuizdlError as error:
    print(error.key, str(error).count(chr(10)))
"""


@pytest.mark.parametrize("locked", ["folder", "file", "both"])
def test_a_place_that_cannot_be_written(tmp_path: Path, locked: str) -> None:
    folder = tmp_path / "data"
    path = folder / "memory.sqlite3"
    if locked == "folder":
        folder.mkdir()
    else:
        open_store(path).close()
        path.chmod(0o444)
    folder.chmod(0o777 if locked == "file" else 0o555)
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(parent.stat().st_mode | 0o055)
    try:
        said = subprocess.run(
            [sys.executable, "-c", PROBE, path, tmp_path / "other.sqlite3"],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        folder.chmod(0o755)
    assert said.stdout.split() == ["memory.unwritable", "0"], said


def test_a_full_disk_loses_nothing(store: Store, path: Path) -> None:
    for i in range(5):
        answer(store, f"q{i}", Rating.GOOD)
    before = contents(path)
    pages = store._raw.execute("PRAGMA page_count").fetchone()[0]
    store._raw.execute(f"PRAGMA max_page_count = {pages}")

    def go_on() -> None:
        for i in range(500):
            answer(store, f"much-more-{i}", Rating.GOOD)

    with pytest.raises(QuizdlError) as error:
        go_on()
    assert error.value.key == "memory.full"
    after = contents(path)
    assert after["reviews"][:5] == before["reviews"]
    assert len(after["cards"]) == len(after["reviews"]), "the failed answer left no half"
    store._raw.execute("PRAGMA max_page_count = 1000000")
    answer(store, "space again", Rating.GOOD)
    assert len(contents(path)["reviews"]) == len(after["reviews"]) + 1


def test_warming_up_leaves_no_trace_of_the_rehearsal(store: Store, path: Path) -> None:
    moment, settings = scheduler.moment(START, 4), Settings()
    outcome = scheduler.outcomes(None, "doubling", moment, settings)[Rating.GOOD]
    for _ in range(2):
        store.warm(outcome, moment.at, scheduler.preset(settings))
    assert store.reviews() == []
    assert store.started() == frozenset()
    added = answer(store, "doubling", Rating.GOOD)
    assert store.reviews() == [added]
    assert rows(path, "SELECT count(*) FROM presets") == [(1,)]
    assert rows(path, "SELECT count(*) FROM reviews") == [(1,)]


# --- new again, and what was told


def test_made_new_the_log_stays_and_what_follows_starts_anew(store: Store, path: Path) -> None:
    answer(store, "a", Rating.EASY)
    answer(store, "b", Rating.EASY)
    before = store.memory(0).cards
    made = store.reset(["a", "never"], START)
    assert len(made) == 1, "one that was never learnt is new already"
    assert (store.started(), len(store.reviews())) == ({"b"}, 2)
    later = START + timedelta(days=9)
    again = answer(store, "a", Rating.AGAIN, later)
    assert again.state_before is None
    store.undo(again.id, later)
    assert "a" not in store.memory(0).cards, "the undo leads back to new, not to before"
    store.unreset(made, later)
    assert store.memory(0).cards == before
    store.unreset(made, later)
    store.replay()
    assert store.memory(0).cards == before
    stated = pytest.raises(sqlite3.IntegrityError, match="append-only")
    with closing(sqlite3.connect(path)) as raw, stated:
        raw.execute("DELETE FROM resets")


def test_made_new_under_its_old_name(store: Store) -> None:
    answer(store, "old", Rating.EASY)
    store.reset(["old"], START)
    store.adopt({"old": "new"}, live={"new"})
    assert store.memory(0).cards == {}
    assert list(store.resets()) == ["new"]
    answer(store, "new", Rating.GOOD)
    store.replay()
    assert store.memory(0).cards["new"].reps == 1


def test_a_review_in_the_millisecond_of_a_reset_comes_after_it(store: Store) -> None:
    answer(store, "a", Rating.EASY)
    store.reset(["a"], START)
    review = answer(store, "a", Rating.GOOD, START)
    assert review.at > store.resets()["a"]
    store.replay()
    assert store.memory(0).cards["a"].reps == 1


def test_what_was_told_goes_with_its_review(store: Store) -> None:
    moment = scheduler.moment(START, 4)
    outcome = scheduler.outcomes(None, "a", moment, Settings())[Rating.HARD]
    recall = Recall("先说结论", (Tick("要点", must=True, told=False),))
    review = store.record(outcome, moment.at, TOOK, scheduler.preset(Settings()), recall)
    answer(store, "b", Rating.GOOD)
    assert store.told() == [Recalled("a", review.at, recall)]
    store.adopt({"a": "z"}, live={"b", "z"})
    assert store.told() == [Recalled("z", review.at, recall)]
    store.undo(review.id, START)
    assert store.told() == []


def test_a_note_goes_with_the_question_under_its_new_name(store: Store) -> None:
    store.remark("old", "先画图", START)
    store.adopt({"old": "new"}, live={"new"})
    assert store.remark_of("new") == "先画图"
    store.remark("new", "", START + timedelta(days=1))
    assert store.remark_of("new") == ""
