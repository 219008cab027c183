"""`quizdl interview` as a child process: held on stdin, listed, shown, exported, carried home."""

from __future__ import annotations

import html
import json
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from banks import QUESTION, write_question
from sqlalchemy.exc import IntegrityError
from terminals import Quizdl

from quizdl.bank import load
from quizdl.memory import open_store
from quizdl.memory.interviews import read, record
from quizdl.memory.store.opening import open_connections
from quizdl.model import Ending, Exchange, Interview, Rating, Reply, Setup, Tick

BEGUN = datetime(2026, 3, 2, 1, 2, 3, 456_000, tzinfo=UTC)
HELD = Interview(
    BEGUN,
    Setup(30, "字节", ("arithmetic",), 1, 7),
    (
        Exchange(
            "doubling",
            Reply("doubling 吗？", timedelta(seconds=95), said="*会* 一点\n# $x^2$"),
            (Reply("负数呢？", timedelta(seconds=5), passed=True),),
            (
                Tick("[翻倍就是乘二](demo.py#doubles)。", must=True, told=False),
                Tick("另一条", must=False, told=False),
                Tick("第三条", must=True, told=True),
            ),
        ),
        Exchange("halving", Reply("halving 吗？", timedelta(seconds=61), passed=True)),
    ),
    Ending.TIME,
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "home/memory.sqlite3"


def keep(database: Path, *held: Interview) -> None:
    with open_store(database) as store:
        for each in held:
            store.keep(each)


def test_one_is_held_on_stdin(quizdl: Quizdl, bank: Path, database: Path) -> None:
    """A question with its follow-up, a question without an answer; then the answers."""
    typed = "先说定义\n\ns\n1 3\ny\n\n\n"
    asked = ("interview", "--plain", "--seed", "1", "--bank", str(bank))
    ran = quizdl(*asked, stdin=typed)
    assert (ran.returncode, ran.stderr) == (0, "")
    before, _, after = ran.stdout.partition("面试结束（问完了）")
    assert "负数呢？" in before
    assert "会的" not in before, "no answer before the end"
    assert "当时写下的：先说定义" in after
    assert "必须说到的 2/6，追问 1/1" in after
    assert "2 道题记入了复习" in after
    with open_store(database) as store:
        (held,) = store.interviews()
        ratings = {review.question: review.rating for review in store.reviews()}
    one, two = held.exchanges
    assert ratings == {one.question: Rating.HARD, two.question: Rating.AGAIN}
    assert one.main.said == "先说定义"
    assert [tick.told for tick in one.ticks] == [True, False, True]
    assert quizdl(*asked, stdin="q\n").stdout.count("吗？") == 1, "nothing to look at"
    again = quizdl(*asked, stdin=typed)
    assert "没有要记入复习的题" in again.stdout


def test_reviews_are_only_recorded_when_agreed(quizdl: Quizdl, bank: Path, database: Path) -> None:
    typed = "\n\ns\n9\n1\n\n\nn\n"
    ran = quizdl("interview", "--plain", "--bank", str(bank), stdin=typed)
    assert "要填 1 到 3 的序号" in ran.stdout
    with open_store(database) as store:
        assert len(store.interviews()) == 1
        assert store.reviews() == []


def test_killed_in_the_middle(
    bank: Path, surroundings: dict[str, str], quizdl: Quizdl, database: Path
) -> None:
    command = [sys.executable, "-m", "quizdl", "interview", "--plain", "--bank", str(bank)]
    child = subprocess.Popen(
        command, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("说了一半\n")
    child.stdin.flush()
    while "追问" not in (line := child.stdout.readline()) and "负数呢" not in line:
        assert line, "it ended"
    child.send_signal(signal.SIGKILL)
    child.wait(20)
    listed = quizdl("interview", "list", "--bank", str(bank))
    assert "还没有对完答案" in listed.stdout
    (draft,) = json.loads((database.parent / "interviews.json").read_text("utf-8")).values()
    assert draft["interview"]["exchanges"][0]["said"] == "说了一半"
    assert draft["follow_ups"] == ["负数呢？"]


def test_the_end_of_the_input_leaves_a_draft(quizdl: Quizdl, bank: Path, database: Path) -> None:
    ran = quizdl("interview", "--plain", "--bank", str(bank), stdin="\n")
    assert ran.returncode == 0
    assert "接着来" in ran.stdout
    assert "还没有对完答案" in quizdl("interview", "list", "--bank", str(bank)).stdout


def test_wrong_use_is_one_line(quizdl: Quizdl, bank: Path) -> None:
    for arguments, what in (
        (("--company", "谷歌", "--plain"), "没有“谷歌”问过的题"),
        (("--topic", "x", "--plain"), "没有主题“x”；有的是：算术"),
        (("--level", "3", "--plain"), "没有符合条件的题"),
        (("show",), "还没有做完过"),
        (("export", "-o", "a.md"), "还没有做完过"),
    ):
        ran = quizdl("interview", *arguments, env={"QUIZDL_BANK": str(bank)})
        assert ran.returncode == 1
        assert what in ran.stderr
        assert "Traceback" not in ran.stderr


def test_shown_and_listed(quizdl: Quizdl, bank: Path, database: Path) -> None:
    keep(database, HELD)
    env = {"QUIZDL_BANK": str(bank)}
    listed = quizdl("interview", "list", env=env).stdout
    assert "字节 · 算术 · 难度 1 · 30 分钟" in listed
    assert "2 题 2:41，必须说到的 1/2" in listed
    shown = quizdl("interview", "show", env=env).stdout
    assert "必须 翻倍就是乘二。 （第 1 题）" in shown
    assert shown.index("必须 翻倍") < shown.index("加分 另一条"), "must-haves first"
    assert "证明 doubles：还没有证明过" in shown
    assert "1 题还有缺，1 题没有答" in shown.replace("\n", "")
    document = json.loads(quizdl("interview", "show", "1", "--json", env=env).stdout)
    assert document["seconds"] == 161
    assert document["missed"][0]["claims"][0]["receipt"] is None
    assert document["exchanges"][0]["follow_ups"][0]["passed"] is True
    (summary,) = json.loads(quizdl("interview", "list", "--json", env=env).stdout)
    assert summary.items() <= document.items()
    assert quizdl("interview", "show", "2", env=env).returncode == 1


def test_a_report_carries_its_proofs(
    quizdl: Quizdl, bank: Path, tmp_path: Path, database: Path
) -> None:
    keep(database, HELD)
    env = {"QUIZDL_BANK": str(bank)}
    assert quizdl("run", "doubling#doubles", env=env).returncode == 0
    for name in ("report.md", "report.HTML"):
        ran = quizdl("interview", "export", "-o", str(tmp_path / name), env=env)
        assert (ran.returncode, ran.stderr) == (0, "")
    text = (tmp_path / "report.md").read_text("utf-8")
    assert re.search(r"证明 `doubles`：已证 · .* · 5 个种子", text)
    assert "**✓ 翻倍就是乘二**" in text
    assert "| 误差 | <= 1e-9 | 0 |" in text
    assert "demo.py" not in text
    assert "> \\*会\\* 一点" in text
    page = (tmp_path / "report.HTML").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert 'href="#doubling.doubles"' in page
    assert 'id="doubling.doubles"' in page
    assert "<math" in page
    assert "*会* 一点" in html.unescape(page)
    assert "<script" not in page
    bad = quizdl("interview", "export", "-o", str(tmp_path / "report.pdf"), env=env)
    assert bad.returncode == 1
    assert ".md" in bad.stderr
    assert not (tmp_path / "report.pdf").exists()


def test_interviews_move_with_the_log(quizdl: Quizdl, database: Path, tmp_path: Path) -> None:
    keep(database, HELD)
    file = tmp_path / "log.jsonl"
    assert quizdl("export", "data", "-o", str(file)).returncode == 0
    assert '"kind": "interview"' in file.read_text("utf-8")
    there = {"QUIZDL_HOME": str(tmp_path / "there")}
    assert "面试 1" in quizdl("import", "data", str(file), env=there).stdout
    assert "面试 0" in quizdl("import", "data", str(file), env=there).stdout
    with open_store(tmp_path / "there/memory.sqlite3") as store:
        (held,) = store.interviews()
    assert (held.begun, record(held)) == (HELD.begun, record(HELD))
    text = file.read_text("utf-8").replace('"duration_ms": 95000', '"duration_ms": "long"')
    file.write_text(text, "utf-8")
    bad = quizdl("import", "data", str(file), env=there)
    assert bad.returncode == 1
    assert "第 2 行读不懂" in bad.stderr


def test_a_renamed_question_is_found_again(
    quizdl: Quizdl, bank: Path, tmp_path: Path, database: Path
) -> None:
    """Also one that was never rated, only asked in an interview."""
    keep(database, HELD)
    root = tmp_path / "renamed"
    write_question(
        root, "twice", question=QUESTION.replace("refs", 'formerly = ["doubling"]\nrefs')
    )
    document = json.loads(
        quizdl("interview", "show", "--json", env={"QUIZDL_BANK": str(root)}).stdout
    )
    assert document["exchanges"][0]["question"] == "twice"
    assert document["missed"][0]["claims"][0]["id"] == "doubles"
    assert load(root).problems == ()


def test_what_was_missed_counts_among_the_weak_points(
    quizdl: Quizdl, bank: Path, database: Path
) -> None:
    keep(database, HELD)
    found = json.loads(quizdl("stats", "--json", env={"QUIZDL_BANK": str(bank)}).stdout)
    (weak,) = found["points"]
    assert (weak["question"], weak["missed"], weak["asked"]) == ("doubling", 1, 1)
    assert "翻倍就是乘二" in weak["point"]


def test_the_log_keeps_what_it_has(database: Path) -> None:
    with open_store(database) as store:
        first = store.keep(HELD)
        other = store.keep(Interview(BEGUN, Setup(5)))
        assert (first.id, other) == (1, first), "the same millisecond: the first stays"
    writer, reader = open_connections(database)
    for statement in ("UPDATE interviews SET document = ''", "DELETE FROM interviews"):
        with pytest.raises(IntegrityError, match="append-only"), writer.begin():
            writer.exec_driver_sql(statement)
    writer.close()
    reader.close()


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"ending": "never"},
        {"exchanges": [{"question": 3}]},
        {"setup": {"minutes": True}},
        {"exchanges": "ab"},
    ],
)
def test_what_is_no_interview_is_refused(damage: dict[str, Any]) -> None:
    document = record(HELD)
    assert read(BEGUN, document) == HELD
    with pytest.raises((AttributeError, LookupError, TypeError, ValueError)):
        read(BEGUN, document | damage)
