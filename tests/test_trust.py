"""A foreign bank runs nothing before somebody has looked at it and agreed."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from banks import DEMO, trust_bank, write_question
from pilots import claims, until
from terminals import Quizdl

from quizdl.bank import find_bank, load
from quizdl.bank.survey import look, survey
from quizdl.bank.trust import Permission, Trust
from quizdl.settings import Paths, Settings
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.edit import EditScreen
from quizdl.words import QuizdlError


def edit(bank: Path, old: str = "3 + np", new: str = "4 + np", slug: str = "doubling") -> None:
    demo = bank / "arithmetic" / slug / "demo.py"
    text = demo.read_text("utf-8")
    assert old in text
    demo.write_text(text.replace(old, new), "utf-8")


def one_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


# --- before trust ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["run doubling", "run doubling#doubles --set how=double", "check"]
)
def test_nothing_runs_and_the_command_that_helps_is_named(
    stranger: Quizdl, tmp_path: Path, command: str
) -> None:
    """What would run leaves a file where it can, and is slow to load."""
    bank, written = tmp_path / "bank", tmp_path / "written"
    trick = "import contextlib, time\n\nwith contextlib.suppress(OSError):\n"
    trick += f"    open({str(written)!r}, 'w').close()\ntime.sleep(0.1)\n"
    write_question(bank, "doubling", demo=trick + DEMO)
    ran = stranger(*command.split(), "--bank", str(bank))
    assert ran.returncode == 1
    *faults, last = ran.stderr.splitlines()
    assert last.endswith(f"：quizdl trust {bank}")
    assert bool(faults) == (command == "check"), "it has read the source by then"
    assert "已证" not in ran.stdout
    assert not written.exists()
    assert not (tmp_path / "home/trust.json").exists(), "asking trusts nobody"

    ran = stranger("trust", str(bank), "--yes")
    assert (ran.returncode, ran.stderr) == (0, "")
    ran = stranger(*command.split(), "--bank", str(bank))
    assert "quizdl trust" not in ran.stderr
    assert "已证" in ran.stdout
    assert ran.returncode == (command == "check"), "what leaves files breaks its rules"


def test_the_refusal_is_a_document_too(stranger: Quizdl, bank: Path) -> None:
    ran = stranger("run", "doubling", "--json", "--bank", str(bank))
    assert ran.returncode == 1
    assert json.loads(ran.stdout) == {"error": ran.stderr.strip()}
    ran = stranger("check", str(bank / "arithmetic/doubling"), "--json")
    (problem,) = json.loads(ran.stdout)["problems"]
    assert (ran.returncode, ran.stderr) == (1, "")
    assert f"quizdl trust {bank}" in problem["message"]


def test_a_plain_review_goes_on_without_the_proof(stranger: Quizdl, bank: Path) -> None:
    ran = stranger("review", "--plain", "--bank", str(bank), stdin="\nr\n3\n\n4\n")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"quizdl trust {bank}" in ran.stdout
    assert "打分 2 次" in ran.stdout


async def test_the_screens_review_without_the_proof(bank: Path, tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", tmp_path / "data")
    app = QuizdlApp(bank, paths, Settings(), clock=lambda: datetime(2026, 3, 2, 9, tzinfo=UTC))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: app.library is not None)
        await pilot.pause()
        await pilot.press("enter", "space", "r")
        await until(pilot, lambda: app._notifications)
        (said,) = (notice.message for notice in app._notifications)
        assert said.endswith(f"：quizdl trust {bank}")
        trust_bank(bank, paths.data)
        await pilot.press("r")
        await until(pilot, lambda: [block.mark for block in claims(app)] == ["✓"] * 3)
        await pilot.press("3")


async def test_the_lab_and_its_editor_wait_for_trust_too(bank: Path, tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", tmp_path / "data")
    app = QuizdlApp(bank, paths, Settings(), clock=lambda: datetime(2026, 3, 2, 9, tzinfo=UTC))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: app.library is not None)
        await pilot.pause()
        await pilot.press("enter", "space", "l")
        await until(pilot, lambda: len(app._notifications) == 1)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, EditScreen))
        app.screen.editor.text = DEMO.replace("3 + np", "5 + np")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(app._notifications) == 2)
        for notice in app._notifications:
            assert notice.message.endswith(f"：quizdl trust {bank}")
        trust_bank(bank, paths.data)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(app.screen._samples[0]) == len(app.screen._samples[1]) == 10)
        assert len(app._notifications) == 2


# --- what is trusted ------------------------------------------------------------------------


@pytest.mark.slow
def test_any_edit_asks_again_and_shows_only_itself(stranger: Quizdl, bank: Path) -> None:
    at = ("--bank", str(bank))
    stranger("trust", str(bank), "--yes")
    assert stranger("check", *at).returncode == 0
    edit(bank)
    ran = stranger("run", "doubling", *at)
    assert ran.returncode == 1
    line = one_line(ran.stderr)
    assert line.startswith("doubling 的 demo 在信任题库之后改过")
    assert line.endswith(f"：quizdl trust {bank}")
    assert stranger("run", "halving", *at).returncode == 0, "every letter of it is trusted"
    assert stranger("check", *at).returncode == 1

    write_question(bank, "adding")
    ran = stranger("trust", str(bank), "--yes")
    shown = [line for line in ran.stdout.splitlines() if "demo.py" in line]
    assert [line.split()[:2] for line in shown] == [
        ["新增", "arithmetic/adding/demo.py（16"],
        ["改过", "arithmetic/doubling/demo.py（16"],
    ]
    assert stranger("check", *at).returncode == 0
    assert "没有变化" in stranger("trust", str(bank), "--yes").stdout


def test_a_text_is_trusted_not_a_name(stranger: Quizdl, bank: Path) -> None:
    """Questions of one bank change places: both texts are trusted, neither at this place."""
    edit(bank)
    stranger("trust", str(bank), "--yes")
    one, other = (bank / "arithmetic" / slug / "demo.py" for slug in ("doubling", "halving"))
    swapped = one.read_text("utf-8"), other.read_text("utf-8")
    other.write_text(swapped[0], "utf-8")
    one.write_text(swapped[1], "utf-8")
    assert stranger("run", "doubling", "--bank", str(bank)).returncode == 1
    assert stranger("run", "halving", "--bank", str(bank)).returncode == 1


def test_a_question_that_cannot_be_read_yet_is_looked_at_too(stranger: Quizdl, bank: Path) -> None:
    folder = write_question(bank, "waiting", question="?", demo="import os\n" + DEMO)
    ran = stranger("trust", str(bank), "--yes")
    assert "2 道题，6 个命题；3 个 demo" in ran.stdout
    assert f"{folder}/demo.py:1  os" in ran.stdout


@pytest.mark.parametrize("source", ["def (:", "x = " + "-" * 200_000 + "1", "\0"])
def test_what_cannot_be_looked_at_is_not_trusted(
    stranger: Quizdl, bank: Path, tmp_path: Path, source: str
) -> None:
    folder = write_question(bank, "broken", demo=source)
    ran = stranger("trust", str(bank), "--yes")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"{folder}/demo.py  有语法错误" in ran.stdout
    (trusted,) = Trust(tmp_path / "home/trust.json").all().values()
    assert set(trusted.demos) == {f"arithmetic/{slug}/demo.py" for slug in ("doubling", "halving")}


def test_list_and_revoke(stranger: Quizdl, bank: Path, tmp_path: Path) -> None:
    write_question(tmp_path / "other", "adding")
    stranger("trust", str(bank), "--yes")
    stranger("trust", str(tmp_path / "other"), "--yes")
    listed = stranger("trust", "--list").stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [[str(bank), "2"], [f"{tmp_path}/other", "1"]]
    shutil.rmtree(tmp_path / "other")
    assert stranger("trust", "--revoke", str(tmp_path / "other")).returncode == 0
    assert stranger("trust", "--revoke", str(tmp_path / "other")).returncode == 1
    assert stranger("trust", "--list").stdout.count("\n") == 1
    assert stranger("run", "doubling", "--bank", str(bank)).returncode == 0
    stranger("trust", "--revoke", str(bank))
    assert stranger("run", "doubling", "--bank", str(bank)).returncode == 1


def test_the_chosen_bank_is_meant_when_none_is_named(stranger: Quizdl, bank: Path) -> None:
    ran = stranger("trust", "--yes", env={"QUIZDL_BANK": str(bank)})
    assert f"信任了 {bank}" in ran.stdout
    ran = stranger("trust")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "自带" in ran.stdout


def test_a_script_that_names_the_folder_has_said_yes(stranger: Quizdl, bank: Path) -> None:
    ran = stranger("trust", str(bank))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"信任了 {bank}" in ran.stdout
    assert stranger("run", "doubling", "--bank", str(bank)).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("trust", 2, "--yes"),
        ("trust {bank} --yes --revoke", 2, "只能用一个"),
        ("trust --list {bank}", 2, "只能用一个"),
        ("trust {bank}/nowhere --yes", 1, "nowhere"),
        ("trust {bank}/arithmetic/doubling --yes", 1, "没有任何 demo.py"),
    ],
)
def test_what_will_not_do_trusts_nobody(
    stranger: Quizdl, bank: Path, arguments: str, code: int, says: str
) -> None:
    foreign = {"QUIZDL_BANK": str(bank)}
    ran = stranger(*arguments.format(bank=bank).split(), env=foreign)
    assert ran.returncode == code
    assert says in one_line(ran.stderr)
    assert stranger("trust", "--list").stdout == ""


def test_a_trust_that_cannot_be_stored(stranger: Quizdl, bank: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    home = {"QUIZDL_HOME": str(tmp_path / "file/home")}
    ran = stranger("trust", str(bank), "--yes", env=home)
    assert ran.returncode == 1
    assert one_line(ran.stderr).startswith("写不了")
    assert stranger("run", "doubling", "--bank", str(bank), env=home).returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "{", "[]", '{"%s": 1}', '{"%s": {"at": "x", "demos": {}}}'])
def test_a_damaged_list_trusts_nobody(
    stranger: Quizdl, bank: Path, tmp_path: Path, text: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "trust.json").write_text(text.replace("%s", str(bank)), "utf-8")
    ran = stranger("run", "doubling", "--bank", str(bank))
    assert (ran.returncode, one_line(ran.stderr)[:2]) == (1, "题库")
    assert (stranger("trust", "--list").stdout, stranger("trust", "--list").stderr) == ("", "")
    assert stranger("trust", str(bank), "--yes").returncode == 0
    assert stranger("run", "doubling", "--bank", str(bank)).returncode == 0


def test_two_who_trust_at_once_lose_nothing(surroundings: dict[str, str], tmp_path: Path) -> None:
    banks = [tmp_path / f"bank-{n}" for n in range(6)]
    for bank in banks:
        write_question(bank, "doubling")
    command = [sys.executable, "-m", "quizdl", "trust", "--yes"]
    quiet = {"stdout": subprocess.DEVNULL, "env": surroundings}
    started = [subprocess.Popen([*command, str(bank)], **quiet) for bank in banks]
    assert [process.wait(60) for process in started] == [0] * len(banks)
    assert set(Trust(tmp_path / "home/trust.json").all()) == set(banks)


# --- a terminal to ask on -------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1), ("\x03", 130)])
def test_it_asks_on_a_terminal(
    surroundings: dict[str, str], bank: Path, tmp_path: Path, answer: str, code: int
) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(
            sys.executable, [sys.executable, "-m", "quizdl", "trust", str(bank)], surroundings
        )
    seen = b""
    try:
        while part := os.read(terminal, 4096):
            seen += part
            if "信任吗".encode() in seen and b"N]" in seen and answer is not None:
                os.write(terminal, answer.encode() + b"\n")
                answer = None  # type: ignore[assignment]
    except OSError:  # Linux: it has ended
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
    assert bool(Trust(tmp_path / "home/trust.json").all()) == (code == 0)


# --- where a bank lies ----------------------------------------------------------------------


def test_a_copy_of_our_bank_is_foreign_and_a_link_to_it_is_not(
    stranger: Quizdl, tmp_path: Path
) -> None:
    ours = find_bank(environ={})
    (tmp_path / "link").symlink_to(ours)
    claim = "zero-init#same_gradient"
    assert stranger("run", claim, "--bank", str(tmp_path / "link")).returncode == 0
    topic = ours / "initialization"
    shutil.copytree(topic, tmp_path / "copy/initialization")
    ran = stranger("run", claim, "--bank", str(tmp_path / "copy"))
    assert f"quizdl trust {tmp_path}/copy" in one_line(ran.stderr)
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed/initialization").symlink_to(topic)
    ran = stranger("run", claim, "--bank", str(tmp_path / "mixed"))
    assert f"quizdl trust {tmp_path}/mixed" in one_line(ran.stderr), "who made it can turn the link"


def test_a_bank_behind_a_link_is_the_folder_behind_it(
    stranger: Quizdl, bank: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(bank, other)
    edit(other)
    link = tmp_path / "link"
    link.symlink_to(bank)
    stranger("trust", str(link), "--yes")
    at = ("--bank", str(link))
    assert stranger("run", "doubling", *at).returncode == 0
    assert stranger("run", "doubling", "--bank", str(bank)).returncode == 0
    link.unlink()
    link.symlink_to(other)
    assert f"quizdl trust {other}" in one_line(stranger("run", "doubling", *at).stderr)


@pytest.mark.parametrize(
    "level", ["arithmetic", "arithmetic/doubling", "arithmetic/doubling/demo.py"]
)
def test_a_link_inside_a_bank_that_leads_elsewhere_asks_again(
    stranger: Quizdl, bank: Path, tmp_path: Path, level: str
) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(bank, outside)
    place = bank / level
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.symlink_to(outside / level)
    stranger("trust", str(bank), "--yes")
    assert stranger("run", "doubling", "--bank", str(bank)).returncode == 0
    edit(outside)
    ran = stranger("run", "doubling", "--bank", str(bank))
    assert f"quizdl trust {bank}" in one_line(ran.stderr)


def test_the_command_that_is_named_works_from_anywhere(
    stranger: Quizdl, surroundings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = tmp_path / "it's my [bank]"
    write_question(bank, "doubling")
    monkeypatch.chdir(bank)
    said = one_line(stranger("run", "doubling", "--bank", ".").stderr)
    command = said.rpartition("：")[2].removeprefix("quizdl ")
    subprocess.run(
        f"cd / && {sys.executable} -m quizdl {command} --yes",
        shell=True,
        env=surroundings | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert stranger("run", "doubling", "--bank", ".").returncode == 0


def test_the_way_of_an_author(stranger: Quizdl, tmp_path: Path) -> None:
    """new, trust, check; each edit costs one command, which is always named."""
    bank = tmp_path / "mine"
    at = ("--bank", str(bank))
    ran = stranger("new", "calculus/slope", *at)
    assert f"quizdl trust {bank}\n" in ran.stdout
    stranger("trust", str(bank), "--yes")
    assert stranger("run", "slope", *at).returncode == 0
    demo = bank / "calculus/slope/demo.py"
    demo.write_text(demo.read_text("utf-8").replace("1e-6", "1e-7"), "utf-8")
    assert f"quizdl trust {bank}" in one_line(stranger("run", "slope", *at).stderr)
    stranger("trust", str(bank), "--yes")
    assert stranger("run", "slope", *at).returncode == 0
    assert "trust" not in stranger("new", "--help").stdout


def test_a_learners_own_edit_runs_where_the_original_may(bank: Path, tmp_path: Path) -> None:
    permission = Permission(Trust(tmp_path / "trust.json"))
    question = load(bank).get("doubling")
    edited = replace(question, demo=question.demo.replace("3 + np", "5 + np"))
    permission.admit(question, edited.demo)
    with pytest.raises(QuizdlError, match="还没有被信任"):
        permission(edited)
    trust_bank(bank, tmp_path)
    permission(edited)
    with pytest.raises(QuizdlError, match="改过"):
        Permission(Trust(tmp_path / "trust.json"))(edited)
    edit(bank)
    changed = load(bank).get("doubling")
    with pytest.raises(QuizdlError, match="改过"):
        permission(changed)
    permission.admit(changed, edited.demo)
    with pytest.raises(QuizdlError, match="改过"):
        permission(edited)


# --- what is pointed out --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import os.path", ["os.path"]),
        ("from subprocess import run", ["subprocess"]),
        ("import numpy as np\nnp.load('x')", ["load"]),
        ("from numpy import fromfile as f", ["fromfile"]),
        ("import random\nrandom._os.system('ls')", ["_os", "system"]),
        ("x = open", ["open"]),
        ("eval('1')", ["eval"]),
        ("().__class__.__base__", ["__base__", "__class__"]),
        ("__import__('socket')", ["__import__"]),
        ("from quizdl.proof.pool import Pool", ["quizdl.proof.pool"]),
        ("from . import x", ["."]),
        ("import re\nre.compile('x')\nclass A:\n    def __init__(self): self.input = 1", []),
    ],
)
def test_what_reaches_out_is_named(source: str, names: list[str]) -> None:
    assert [suspect.name for suspect in look("demo.py", source).suspects] == names


def test_our_own_bank_gives_nothing_to_point_out() -> None:
    demos = survey(find_bank(environ={}))
    assert len(demos) >= 10
    assert [demo.suspects for demo in demos if demo.suspects or demo.broken] == []


def test_a_hostile_name_does_not_steer_the_terminal(stranger: Quizdl, tmp_path: Path) -> None:
    write_question(tmp_path / "bank", "doubling", topic="a\x1b[2Jb", demo="import os\n" + DEMO)
    ran = stranger("trust", str(tmp_path / "bank"), "--yes")
    assert ran.returncode == 0
    assert "demo.py:1  os" in ran.stdout
    assert "\x1b" not in ran.stdout
