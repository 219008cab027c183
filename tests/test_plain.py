"""`quizdl review --plain`: a whole review through stdin and stdout, with real files."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from banks import QUESTION, write_question
from terminals import Quizdl

from quizdl.bank import load
from quizdl.cli import run
from quizdl.memory import open_store
from quizdl.model import Rating, Review
from quizdl.session import Plan, open_library
from quizdl.settings import Settings

AGAIN, HARD, GOOD, EASY = Rating


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "home/memory.sqlite3"


def logged(database: Path) -> list[tuple[str, Rating]]:
    """What stands in the log, read by another process than the one that wrote it."""
    with open_store(database) as store:
        found: list[Review] = store.reviews()
    return [(review.question, review.rating) for review in found]


Reviewing = Callable[..., tuple[int, str, str]]


@pytest.fixture
def review(
    bank: Path,
    surroundings: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Reviewing:
    """Many short reviews: the same command in this process, which has SQLAlchemy by now."""
    monkeypatch.setenv("QUIZDL_HOME", surroundings["QUIZDL_HOME"])
    monkeypatch.setenv("QUIZDL_BANK", str(bank))

    def run_here(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = run(["review", "--plain", *arguments])
        return code, *capsys.readouterr()

    return run_here


def typed(*keys: str) -> str:
    return "".join(f"{key}\n" for key in keys)


def test_ratings_are_stored_and_the_next_run_goes_on_from_there(
    quizdl: Quizdl, bank: Path, database: Path
) -> None:
    plain = ("review", "--plain", "--bank", str(bank))
    ran = quizdl(*plain, stdin=typed("", "1", "", "", "q"))
    assert (ran.returncode, ran.stderr) == (0, "")
    first, recall, answer, *_ = (ran.stdout.index(part) for part in ("doubling 吗", "回忆", "会的"))
    assert first < recall < answer
    assert "1 忘了 1 分钟" in ran.stdout
    assert "4 轻松 8 天" in ran.stdout
    assert "打分 2 次" in ran.stdout
    assert "新学了 2 道题" in ran.stdout
    assert logged(database) == [("doubling", AGAIN), ("halving", GOOD)]

    ran = quizdl(*plain, stdin=typed("", "4", "", "4"))
    assert ran.stdout.index("doubling 吗") < ran.stdout.index("halving 吗"), "1 minute, 10 minutes"
    assert "新学了 0 道题" in ran.stdout
    assert logged(database)[2:] == [("doubling", EASY), ("halving", EASY)]

    ran = quizdl(*plain)
    assert ran.returncode == 0
    assert "吗" not in ran.stdout, "nothing is asked"
    assert "这一次没有打分。" in ran.stdout
    assert "下一题在 1 天后" in ran.stdout


KEYS = ("", "x", "3", "u", "", "4", "s")
STANDING = ([], [], [], [GOOD], [], [], [EASY], [EASY])
"""What the log holds when the input ends after so many keys."""


@pytest.mark.parametrize("count", range(len(KEYS) + 1))
def test_the_input_may_end_anywhere(review: Reviewing, database: Path, count: int) -> None:
    """Also in the middle of a line: what was rated before is stored, nothing else is."""
    code, shown, said = review(stdin=typed(*KEYS[:count]).removesuffix("\n"))
    assert (code, said) == (0, "")
    assert [rating for _, rating in logged(database)] == STANDING[count]
    assert ("打分 1 次" in shown) == bool(STANDING[count])


def test_keys_that_mean_nothing_are_answered(quizdl: Quizdl, bank: Path, database: Path) -> None:
    ran = quizdl(
        "review",
        "--plain",
        "--bank",
        str(bank),
        stdin=typed("r", "3", "", "5", "\x00é", "４", "ｑ"),
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    for key in ("r", "3", "5"):
        assert f"不认识“{key}”。" in ran.stdout
    assert logged(database) == [("doubling", EASY)], "full-width keys are keys"


def test_bytes_that_are_no_text(surroundings: dict[str, str], bank: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "quizdl", "review", "--plain", "--bank", str(bank)],
        env=surroundings,
        input=b"\xff\xfe\n\nq\n",
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_skip_and_undo(quizdl: Quizdl, bank: Path, database: Path) -> None:
    plain = ("review", "--plain", "--bank", str(bank))
    ran = quizdl(*plain, stdin=typed("u", "s", "", "s", "u", "s"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "没有可以撤销的。" in ran.stdout
    assert ran.stdout.count("doubling 吗") == 2
    assert ran.stdout.count("halving 吗") == 2
    assert "这一次没有打分。" in ran.stdout
    assert "再运行一次" in ran.stdout, "what was skipped waits"
    assert logged(database) == []

    ran = quizdl(*plain, stdin=typed("", "4", "", "4", "u", "", "1", "q"))
    assert "打分 2 次" in ran.stdout
    assert logged(database) == [("doubling", EASY), ("halving", AGAIN)], "the last one undone"


def test_the_proof_is_shown_before_the_rating(quizdl: Quizdl, bank: Path, database: Path) -> None:
    ran = quizdl("review", "--plain", "--bank", str(bank), stdin=typed("", "r", "2", "q"))
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = [line for line in ran.stdout.splitlines() if line.startswith("✓")]
    assert [line[2:8] for line in lines] == ["翻倍就是乘二", "平方不是翻倍", "三倍不是翻倍"]
    assert "<= 1e-9" in ran.stdout
    assert logged(database) == [("doubling", HARD)]


def test_which_and_how_many(review: Reviewing, bank: Path, database: Path) -> None:
    hard = QUESTION.replace("level = 1", 'level = 3\nasked_by = ["字节"]')
    write_question(bank, "adding", topic="sums", question=hard)
    (bank / "sums/topic.toml").write_text('title = "加法"\norder = 2\n', "utf-8")

    def asked(*arguments: str, keys: str = "") -> list[str]:
        code, shown, said = review(*arguments, stdin=keys)
        assert (code, said) == (0, "")
        return [line[2:].split()[0] for line in shown.splitlines() if line.endswith("吗？")]

    skip, easy = typed("s", "s", "s", "s"), typed("", "4", "", "4")
    assert asked(keys=skip) == ["doubling", "halving", "adding"]
    assert asked("--company", "字节", "--level", "3", keys=skip) == ["adding"]
    assert asked("--topic", "算术", "--tag", "测试", keys=skip) == ["doubling", "halving"]
    assert asked("--new", "0") == []
    assert asked("--new", "1", keys=easy) == ["doubling"]
    assert asked("--limit", "1", keys=easy) == ["halving"]
    assert asked("--ahead", "--new", "0") == [], "rated today"
    assert logged(database) == [("doubling", EASY), ("halving", EASY)]
    code, shown, said = review("--tag", "没有")
    assert (code, shown) == (1, "")
    assert "没有符合条件的题" in said


def test_what_comes_next_is_said(review: Reviewing, bank: Path, database: Path) -> None:
    def end(*arguments: str, keys: str = "") -> str:
        _, shown, _ = review(*arguments, stdin=keys)
        return shown.rstrip().splitlines()[-1]

    assert end("--new", "0") == "没有别的题在等。"
    review("--new", "1", stdin=typed("", "4"))
    assert end("--new", "1") == "眼下没有要做的题。下一题在 1 天后。", "a new one, tomorrow"
    assert end("--new", "0") == "眼下没有要做的题。下一题在 8 天后。"
    (database.parent / "config.toml").write_text("learn_ahead_minutes = 0", "utf-8")
    review(stdin=typed("", "3"))
    assert end() == "眼下没有要做的题。下一题在 10 分钟后。"


def test_ahead_asks_what_is_not_due_yet(review: Reviewing, bank: Path, database: Path) -> None:
    yesterday = datetime.now().astimezone() - timedelta(days=1)
    library = open_library(database, load(bank).questions, Settings())
    session = library.session(Plan(), yesterday)
    session.reveal(yesterday)
    session.rate(EASY, yesterday)
    library.close()
    code, shown, _ = review("--new", "0")
    assert (code, "吗？" in shown) == (0, False)
    assert "下一题在 7 天后" in shown
    code, shown, _ = review("--new", "0", "--ahead", stdin=typed("", "3"))
    assert "doubling 吗？" in shown
    assert logged(database) == [("doubling", EASY), ("doubling", GOOD)]


def test_broken_questions_are_left_out_and_said_so(quizdl: Quizdl, bank: Path) -> None:
    write_question(bank, "wrong", question="?")
    ran = quizdl("review", "--plain", "--bank", str(bank), stdin="q\n")
    assert ran.returncode == 0
    assert ran.stderr == "有 1 处读不了，相关的题已跳过；运行 quizdl check 查看。\n"
    assert "doubling 吗" in ran.stdout


def test_ctrl_c_keeps_what_was_rated(
    surroundings: dict[str, str], bank: Path, database: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "quizdl", "review", "--plain", "--bank", str(bank)],
        env=surroundings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(typed("", "3"))
    process.stdin.flush()
    assert any("halving" in line for line in process.stdout), "the second question is asked"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert said.strip() == "已中断。"
    assert logged(database) == [("doubling", GOOD)]
