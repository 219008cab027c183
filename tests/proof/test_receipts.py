"""Receipts: what they say, when they stop standing, and who may write them at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from banks import DEMO, QUESTION, trust_bank, write_question
from terminals import Quizdl

import quizdl as package
from quizdl.bank import find_bank, load
from quizdl.model import ClaimResult, Judged, Question, Verdict
from quizdl.proof import receipts as module
from quizdl.proof.pool import Pool
from quizdl.proof.receipts import Receipts, describe

AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
BEIJING = timezone(timedelta(hours=8))
EVENING = datetime(2026, 11, 24, 20, 0, tzinfo=BEIJING)


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Question, list[ClaimResult]]:
    """A question, and what its claims gave in a real pool."""
    root = tmp_path_factory.mktemp("proved") / "bank"
    write_question(root, "doubling")
    question = load(root).get("doubling")
    with Pool(permission=lambda _: None) as pool:
        events = pool.prove([(question, claim) for claim in question.claims], range(5))
        results = [event.result for event in events if isinstance(event, Judged)]
    assert [result.verdict for result in results] == [Verdict.PROVED] * 3
    return question, results


Proved = tuple[Question, list[ClaimResult]]


# --- what they say --------------------------------------------------------------------------


def test_a_receipt_holds_what_the_proof_gave(proved: Proved, tmp_path: Path) -> None:
    question, results = proved
    store = Receipts(tmp_path / "receipts")
    assert store.of(question) == {}
    assert not (tmp_path / "receipts").exists(), "asking makes nothing"
    store.save(question, results, AT)
    found = Receipts(tmp_path / "receipts").of(question)
    assert set(found) == {"doubles", "squares", "triples"}
    for result in results:
        receipt = found[result.claim]
        assert receipt.measures == result.measures
        assert (receipt.verdict, receipt.seeds, receipt.at) == (Verdict.PROVED, (0, 1, 2, 3, 4), AT)
        assert receipt.numpy == version("numpy"), "as the child said"
        assert receipt.python == ".".join(map(str, sys.version_info[:3]))


def test_it_is_described_in_one_line(proved: Proved, tmp_path: Path) -> None:
    question, results = proved
    store, claim = Receipts(tmp_path), question.claims[0]
    assert describe(None, question, claim, EVENING) == "还没有证明过"
    store.save(question, results, AT)
    receipt = store.of(question)[claim.id]
    numpy = version("numpy")
    assert describe(receipt, question, claim, EVENING) == (
        f"已证 · 11-24 09:00 · numpy {numpy} · 5 个种子"
    )
    later = EVENING.replace(year=2027)
    assert "2026-11-24 09:00" in describe(receipt, question, claim, later)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"numpy": "1.0"}, "NumPy 从 1.0 换成了"),
        ({"python": "2.7.18"}, "Python 从 2.7.18 换成了"),
        ({"code": "0"}, "quizdl"),
        ({"content": "0"}, "题目改过"),
    ],
)
def test_it_expires_with_what_it_was_made_of(
    proved: Proved, tmp_path: Path, change: dict[str, str], says: str
) -> None:
    question, results = proved
    claim = question.claims[0]
    Receipts(tmp_path).save(question, results, AT)
    receipt = Receipts(tmp_path).of(question)[claim.id]
    assert not receipt.stale(question, claim)
    other = replace(receipt, **change)
    assert other.stale(question, claim)
    assert says in describe(other, question, claim, EVENING)
    assert describe(other, question, claim, EVENING).endswith("凭据已过期")


@pytest.mark.parametrize(
    ("name", "old", "new", "stale"),
    [
        ("question.md", "翻倍就是乘二", "翻倍就是乘贰", ["doubles"]),
        ("demo.py", '"""翻倍。"""', '"""翻倍！"""', ["doubles", "squares", "triples"]),
        ("question.md", "一样。", "一样！", []),
    ],
)
def test_one_character(
    quizdl: Quizdl, bank: Path, name: str, old: str, new: str, stale: list[str]
) -> None:
    at = ("--bank", str(bank))
    assert quizdl("run", "doubling", *at).returncode == 0
    path = bank / "arithmetic/doubling" / name
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    claims = json.loads(quizdl("show", "doubling", "--json", *at).stdout)["claims"]
    assert [claim["id"] for claim in claims if claim["receipt"]["stale"]] == stale
    shown = quizdl("show", "doubling", *at).stdout
    assert shown.count("题目改过，凭据已过期") == len(stale)
    assert shown.count("已证 · ") == 3 - len(stale)


def test_show_says_what_was_proved_with_what(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    at = ("--bank", str(bank))
    assert quizdl("show", "doubling", *at).stdout.count("还没有证明过") == 3
    quizdl("run", "doubling#squares", *at)
    claims = json.loads(quizdl("show", "doubling", "--json", *at).stdout)["claims"]
    assert [claim["receipt"] for claim in claims[::2]] == [None, None]
    receipt = claims[1]["receipt"]
    assert datetime.fromisoformat(receipt.pop("at")).utcoffset() == timedelta(0)
    assert receipt == {
        "verdict": "proved",
        "numpy": version("numpy"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "seeds": 5,
        "stale": False,
    }
    shown = quizdl("show", "doubling", *at).stdout
    assert re.search(r"平方不是翻倍\n  已证 · \d\d-\d\d \d\d:\d\d · numpy \S+ · 5 个种子\n", shown)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "count"),
    [
        ("run doubling", 3),
        ("run doubling#doubles", 1),
        ("run doubling#doubles --set how=double", 0),
        ("run doubling --control", 0),
        ("run doubling --seed 3", 0),
        ("check --seeds 2", 0),
        ("check --seeds 6", 3),
        ("review --plain", 3),
    ],
)
def test_only_the_declared_experiment_leaves_one(
    quizdl: Quizdl, bank: Path, command: str, count: int
) -> None:
    quizdl(*command.split(), "--bank", str(bank), stdin="\nr\nq\n")
    shown = quizdl("show", "doubling", "--json", "--bank", str(bank)).stdout
    found = [claim["receipt"] for claim in json.loads(shown)["claims"]]
    assert sum(receipt is not None for receipt in found) == count


def test_a_refuted_claim_leaves_one_that_says_so(quizdl: Quizdl, tmp_path: Path) -> None:
    wrong = DEMO.replace('"double": x + x', '"double": x + 2')
    write_question(tmp_path / "bank", "doubling", demo=wrong)
    at = ("--bank", str(tmp_path / "bank"))
    quizdl("run", "doubling#doubles", *at)
    assert "  未证 · " in quizdl("show", "doubling", *at).stdout


@pytest.mark.slow
def test_banks_with_the_same_ids_keep_theirs_apart(
    quizdl: Quizdl, bank: Path, tmp_path: Path
) -> None:
    shutil.copytree(bank, tmp_path / "other")
    quizdl("run", "doubling", "--bank", str(bank))
    other = tmp_path / "other/arithmetic/doubling/demo.py"
    other.write_text(DEMO.replace("3 + np", "4 + np"), "utf-8")
    quizdl("run", "doubling", "--bank", str(tmp_path / "other"))
    for root in (bank, tmp_path / "other"):
        assert quizdl("show", "doubling", "--bank", str(root)).stdout.count("已证 · ") == 3


# --- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "\ufeff{}",
        '{"claims": {}}',
        '{"format": 2, "passed": "x", "claims": {"doubles": {}}}',
        '{"format": 1, "passed": [], "claims": []}',
        '{"format": 1, "claims": {"doubles": null, "squares": 1, "triples": {"at": 1}}}',
        "[" * 100_000,
        "{" + '"a":{' * 100_000,
    ],
)
def test_what_is_damaged_or_foreign_is_as_good_as_none(
    proved: Proved, tmp_path: Path, text: str
) -> None:
    question, results = proved
    store = Receipts(tmp_path)
    store.save(question, results, AT, passed=True)
    assert store.passed(question, range(5))
    (path,) = tmp_path.glob("*/doubling.json")
    path.write_text(text, "utf-8")
    assert store.of(question) == {}
    assert not store.passed(question, range(5))
    store.save(question, results, AT, passed=True)
    assert set(store.of(question)) == {"doubles", "squares", "triples"}
    assert store.passed(question, range(5))


def test_a_learner_never_meets_a_damaged_file(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    at = ("--bank", str(bank))
    quizdl("run", "doubling", *at)
    (path,) = (tmp_path / "home/receipts").glob("*/doubling.json")
    path.write_text("no json", "utf-8")
    ran = quizdl("show", "doubling", *at)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("还没有证明过") == 3
    ran = quizdl("check", "--changed", "--json", *at)
    assert (ran.returncode, ran.stderr, json.loads(ran.stdout)["reproved"]) == (0, "", 2)
    assert quizdl("show", "doubling", *at).stdout.count("已证 · ") == 3


def test_one_damaged_receipt_costs_only_itself(proved: Proved, tmp_path: Path) -> None:
    question, results = proved
    Receipts(tmp_path).save(question, results, AT)
    (path,) = tmp_path.glob("*/doubling.json")
    whole = json.loads(path.read_text("utf-8"))
    for change in (
        {"verdict": "believed"},
        {"at": "2026-11-24T01:00:00"},  # of no zone
        {"at": None},
        {"seeds": 5},
        {"measures": [{}]},
        {"measures": None},
    ):
        document = json.loads(json.dumps(whole))
        document["claims"]["squares"] |= change
        path.write_text(json.dumps(document), "utf-8")
        assert set(Receipts(tmp_path).of(question)) == {"doubles", "triples"}, change


def test_numbers_that_are_none_survive(proved: Proved, tmp_path: Path) -> None:
    question, (first, *_) = proved
    values = (float("inf"), float("-inf"))
    odd = replace(first.measures[0], value=None, control=float("inf"), values=values)
    Receipts(tmp_path).save(question, [replace(first, measures=(odd,))], AT)
    assert Receipts(tmp_path).of(question)[first.claim].measures == (odd,)


MANY = """
import sys
from dataclasses import replace
from datetime import datetime, UTC
from pathlib import Path
from quizdl.bank import find_bank, load
from quizdl.model import ClaimResult, Verdict
from quizdl.proof.receipts import Receipts

root, folder, first = sys.argv[1:]
question = load(Path(root)).get("doubling")
claims = tuple(replace(question.claims[0], id=f"c{n}") for n in range(80))
question = replace(question, claims=claims)
for n in range(int(first), 80, 4):
    result = ClaimResult(f"c{n}", Verdict.PROVED, (0, 1, 2, 3, 4), 1.0, (), numpy="1", python="3")
    Receipts(Path(folder)).save(question, [result], datetime.now(UTC))
"""


def test_four_processes_at_once_lose_no_claim(bank: Path, tmp_path: Path) -> None:
    folder = tmp_path / "receipts"
    command = [sys.executable, "-c", MANY, str(bank), str(folder)]
    processes = [subprocess.Popen([*command, str(n)]) for n in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    found = Receipts(folder).of(load(bank).get("doubling"))
    assert set(found) == {f"c{n}" for n in range(80)}


KILLED = """
import os, signal, sys
from pathlib import Path
from quizdl.cli import run

def killed(self, target):
    assert self.exists(), "it is written"
    os.kill(os.getpid(), signal.SIGKILL)

Path.replace = killed
run(sys.argv[1:])
"""


@pytest.mark.slow
def test_killed_between_writing_and_renaming(
    quizdl: Quizdl, surroundings: dict[str, str], bank: Path
) -> None:
    at = ("--bank", str(bank))
    quizdl("run", "doubling#doubles", *at)
    before = quizdl("show", "doubling", *at).stdout
    assert before.count("已证 · ") == 1
    command = [sys.executable, "-c", KILLED, "run", "doubling", *at]
    assert subprocess.run(command, env=surroundings, capture_output=True).returncode == -9
    assert quizdl("show", "doubling", *at).stdout == before
    assert quizdl("run", "doubling", *at).returncode == 0
    assert quizdl("show", "doubling", *at).stdout.count("已证 · ") == 3


def no_folder(home: Path) -> None:
    home.write_text("", "utf-8")


def read_only(home: Path) -> None:
    home.mkdir()
    home.chmod(0o500)
    if os.access(home, os.W_OK):
        pytest.skip("nothing is read-only for root")


def no_file(home: Path) -> None:
    (home / "receipts").mkdir(parents=True)
    (home / "receipts/.lock").mkdir()


@pytest.mark.slow
@pytest.mark.parametrize("forbid", [no_folder, read_only, no_file])
def test_without_a_data_folder_proofs_work_and_it_is_said(
    stranger: Quizdl, tmp_path: Path, forbid: Any
) -> None:
    """On our own bank, which needs no trust to be stored."""
    forbid(tmp_path / "home")
    folder = find_bank(environ={}) / "initialization/zero-init"
    for command in ("run zero-init#same_gradient", f"check --changed {folder}"):
        ran = stranger(*command.split())
        assert ran.returncode == 0
        (line,) = ran.stderr.splitlines()
        assert line.startswith("写不了凭据")
        assert "已证" in ran.stdout


# --- check --changed ------------------------------------------------------------------------


def check(quizdl: Quizdl, *arguments: str) -> dict[str, Any]:
    ran = quizdl("check", "--changed", "--json", *arguments)
    found: dict[str, Any] = json.loads(ran.stdout)
    assert ran.returncode == bool(found["problems"])
    assert ran.stderr == ""
    return found


def again(quizdl: Quizdl, *arguments: str) -> tuple[int, int]:
    found = check(quizdl, *arguments)
    assert found["proved"] == found["claims"]
    return found["reproved"], found["taken_over"]


@pytest.mark.slow
def test_only_what_changed_is_proved_again(quizdl: Quizdl, bank: Path) -> None:
    at = ("--bank", str(bank))
    assert again(quizdl, *at) == (2, 0)
    assert again(quizdl, *at) == (0, 2)
    assert again(quizdl, str(bank / "arithmetic/halving")) == (0, 1)
    for name, old, new in (
        ("question.md", "会的。", "会的！"),
        ("question.md", "level = 1", "level = 1 # 注"),
        ("demo.py", '"""翻倍。"""', '"""翻倍！"""'),
    ):
        path = bank / "arithmetic/doubling" / name
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
        assert again(quizdl, *at) == (1, 1), (name, new)
        assert again(quizdl, *at) == (0, 2)
    write_question(bank, "adding")
    assert again(quizdl, *at) == (1, 2)
    shutil.rmtree(bank / "arithmetic/halving")
    assert again(quizdl, *at) == (0, 2)


@pytest.mark.slow
def test_other_seeds_are_another_check(quizdl: Quizdl, bank: Path) -> None:
    at = ("--bank", str(bank))
    assert again(quizdl, *at) == (2, 0)
    assert again(quizdl, "--seeds", "6", *at) == (2, 0)
    assert again(quizdl, "--seeds", "6", *at) == (0, 2)
    assert again(quizdl, "--seeds", "5", *at) == (2, 0)


def test_what_is_taken_over_does_not_run(stranger: Quizdl, bank: Path, tmp_path: Path) -> None:
    """With the trust taken back nothing could."""
    at = ("--bank", str(bank))
    trust_bank(bank, tmp_path / "home")
    assert stranger("check", *at).returncode == 0
    stranger("trust", "--revoke", str(bank))
    assert stranger("check", *at).returncode == 1
    ran = stranger("check", "--changed", *at)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "2 道题，6 个命题，6 个已证" in ran.stdout
    assert "重新证明 0 道题，沿用 2 道题" in ran.stdout


@pytest.mark.slow
def test_single_claims_do_not_make_a_checked_question(quizdl: Quizdl, bank: Path) -> None:
    at = ("--bank", str(bank))
    quizdl("run", "doubling", *at)
    quizdl("run", "halving", *at)
    assert again(quizdl, *at) == (2, 0)


def test_failures_and_problems_are_never_taken_over(quizdl: Quizdl, bank: Path) -> None:
    wrong = DEMO.replace('"double": x + x', '"double": x + 2')
    write_question(bank, "wrong", demo=wrong)
    write_question(bank, "untidy", question=QUESTION.replace("会的。", "TODO"))
    write_question(bank, "unreadable", question="?")
    at = ("--bank", str(bank))
    first = check(quizdl, *at)
    assert (first["reproved"], first["taken_over"], len(first["problems"])) == (4, 0, 5)
    second = check(quizdl, *at)
    assert (second["reproved"], second["taken_over"]) == (1, 3)
    for key in ("problems", "questions", "claims", "proved"):
        assert second[key] == first[key]
    assert second["proved"] == 9


def test_a_failure_ends_what_passed(proved: Proved, tmp_path: Path) -> None:
    question, results = proved
    store = Receipts(tmp_path)
    store.save(question, results, AT, passed=True)
    assert store.passed(question, range(5))
    store.save(question, results[:1], AT)
    assert store.passed(question, range(5)), "one more proof changes nothing"
    store.save(question, results, AT, passed=False)
    assert not store.passed(question, range(5)), "an audit that failed, say"
    store.save(question, results, AT, passed=True)
    store.save(question, [replace(results[0], verdict=Verdict.TIMEOUT)], AT)
    assert not store.passed(question, range(5))
    store.save(question, [replace(results[0], verdict=Verdict.TIMEOUT)], AT, passed=True)
    assert not store.passed(question, range(5))


def test_another_numpy_or_python_is_another_check(
    proved: Proved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question, results = proved
    store = Receipts(tmp_path)
    store.save(question, results, AT, passed=True)
    for name in ("numpy_version", "_python_version"):
        with monkeypatch.context() as other:
            other.setattr(module, name, lambda: "9.9")
            assert not store.passed(question, range(5))
    assert store.passed(question, range(5))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["proof/judge.py", "model.py", "check/runs.py"])
def test_quizdl_s_own_code_is_part_of_a_check(
    surroundings: dict[str, str], bank: Path, tmp_path: Path, name: str
) -> None:
    """In a copy of quizdl, of which one file is changed."""
    source = Path(package.__file__).parent
    shutil.copytree(source, tmp_path / "copy/quizdl", ignore=shutil.ignore_patterns("__pycache__"))
    trust_bank(bank, tmp_path / "home")

    def again() -> tuple[int, int]:
        command = [sys.executable, "-m", "quizdl", "check", "--changed", "--json", "--bank", bank]
        ran = subprocess.run(
            command, cwd=tmp_path / "copy", env=surroundings, capture_output=True, check=True
        )
        found = json.loads(ran.stdout)
        return found["reproved"], found["taken_over"]

    assert [again(), again()] == [(2, 0), (0, 2)]
    with (tmp_path / "copy/quizdl" / name).open("a", encoding="utf-8") as file:
        file.write("# another\n")
    assert again() == (2, 0)
