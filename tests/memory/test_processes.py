"""Real processes on one database: killed, racing, opening together."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from learner import answer, migrated_to, rows

from quizdl.memory import open_store
from quizdl.memory.store.schema import REVISION
from quizdl.model import Rating

LEARNER = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from quizdl.model import Question, Rating
from quizdl.session import open_library, Plan
from quizdl.settings import Settings

def question(slug):
    return Question(slug, "topic", slug, 1, "", "", (), "", Path())

path, count, *slugs = sys.argv[1:]
now = datetime(2025, 3, 1, 9, tzinfo=UTC)
library = open_library(Path(path), [question(slug) for slug in slugs], Settings())
session = library.session(Plan(), now)
session.reveal(now)  # FSRS is imported
print("ready", flush=True)
sys.stdin.readline()
for i in range(int(count)):
    # forgotten, so that it comes again at once and is fought over again
    session.rate(Rating.AGAIN, now)
    print("rated", session.current.id, flush=True)
if not sys.stdin.readline():
    library.close()
"""


def learner(path: Path, count: int, *slugs: str) -> subprocess.Popen[str]:
    """A child that opens a session, says ready, waits for a line, rates, waits for the end."""
    return subprocess.Popen(
        [sys.executable, "-c", LEARNER, path, str(count), *slugs],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(child: subprocess.Popen[str], word: str) -> None:
    assert child.stdout is not None
    assert child.stdout.readline().split()[:1] == [word]


def go(*children: subprocess.Popen[str]) -> None:
    for child in children:
        wait_for(child, "ready")
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()


def finish(child: subprocess.Popen[str]) -> None:
    child.communicate(timeout=60)
    assert child.returncode == 0


def assert_replay_changes_nothing(path: Path) -> None:
    before = rows(path, "SELECT * FROM cards ORDER BY question")
    with open_store(path) as store:
        store.replay()
    assert rows(path, "SELECT * FROM cards ORDER BY question") == before


@pytest.mark.parametrize("count", [1, 7])
def test_killed_right_after_a_rating(tmp_path: Path, count: int) -> None:
    path = tmp_path / "memory.sqlite3"
    child = learner(path, count, "a")
    go(child)
    for _ in range(count):
        wait_for(child, "rated")
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    with child:  # closes the pipes
        pass
    with open_store(path) as store:
        assert len(store.reviews()) == count
        answer(store, "a", Rating.GOOD)
        assert len(store.reviews()) == count + 1
    assert_replay_changes_nothing(path)


@pytest.mark.slow
@pytest.mark.parametrize("theirs", ["same", "other"])
def test_two_rating_at_once_lose_nothing(tmp_path: Path, theirs: str) -> None:
    path, count = tmp_path / "memory.sqlite3", 60
    slugs = ("a", "a") if theirs == "same" else ("a", "b")
    children = [learner(path, count, slug) for slug in slugs]
    go(*children)
    for child in children:
        finish(child)
    wanted = Counter({slug: slugs.count(slug) * count for slug in slugs})
    with open_store(path) as store:
        log = store.reviews()
        assert Counter(review.question for review in log) == wanted
        reps = {name: card.reps for name, card in store.memory(log[0].day).cards.items()}
        assert reps == wanted
    first = [review for review in log if review.state_before is None]
    assert len(first) == len(set(slugs)), "nobody believed it new after the other had rated it"
    assert_replay_changes_nothing(path)


OPENER = """
import sys
from pathlib import Path
from quizdl.memory import open_store
import quizdl.memory.store
print("ready", flush=True)
sys.stdin.readline()
open_store(Path(sys.argv[1])).close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("old", [False, True])
def test_many_may_make_or_migrate_the_database_at_once(tmp_path: Path, old: bool) -> None:
    path = tmp_path / "memory.sqlite3"
    if old:
        migrated_to(path, "0001")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    go(*children)
    for child in children:
        finish(child)
    assert rows(path, "SELECT * FROM alembic_version") == [(REVISION,)]
