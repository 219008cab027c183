"""What happens to the file that was there: it is replaced by a whole one, or not at all."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from banks import DEMO, trust_banks_below, write_question
from terminals import Quizdl


def arguments(kind: str, bank: Path, to: Path) -> list[str]:
    return ["export", kind, "--bank", str(bank), "-o", str(to)]


@pytest.mark.parametrize("kind", ["anki", "tsv", "html"])
def test_a_full_disk_leaves_the_old_file(
    surroundings: dict[str, str], bank: Path, tmp_path: Path, kind: str
) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"what was there")
    trust_banks_below(tmp_path, Path(surroundings["QUIZDL_HOME"]))

    def small_disk() -> None:  # no file may grow beyond this: the write fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    ran = subprocess.run(
        [sys.executable, "-m", "quizdl", *arguments(kind, bank, old), "--no-proofs"],
        env=surroundings,
        capture_output=True,
        encoding="utf-8",
        preexec_fn=small_disk,
        check=False,
    )
    assert ran.returncode == 1, ran
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert "没有动" in ran.stderr
    assert old.read_bytes() == b"what was there"
    assert sorted(each.name for each in tmp_path.iterdir() if "part" in each.name) == []


def test_a_kill_in_the_middle_leaves_the_old_file(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "bank"
    slow = DEMO.replace(
        "    off, x = error", "    import time\n    time.sleep(1)\n    off, x = error"
    )
    for number in "abc":
        write_question(root, f"slow-{number}", demo=slow)
    old = tmp_path / "deck.apkg"
    old.write_bytes(b"what was there")
    trust_banks_below(tmp_path, Path(surroundings["QUIZDL_HOME"]))
    child = subprocess.Popen(
        [sys.executable, "-m", "quizdl", *arguments("anki", root, old)], env=surroundings
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".deck.apkg.*.part")):
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert old.read_bytes() == b"what was there"


def test_a_folder_that_is_not_there_is_said(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    ran = quizdl(*arguments("html", bank, tmp_path / "nowhere" / "page.html"))
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert "nowhere" in ran.stderr


def test_nothing_to_export_is_an_error(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    for narrowing in (["--company", "无"], ["--due"], ["--weak"]):
        ran = quizdl(*arguments("anki", bank, tmp_path / "deck.apkg"), *narrowing)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "没有符合条件的题" in ran.stderr
        assert not (tmp_path / "deck.apkg").exists()


def test_a_bank_that_is_not_trusted_runs_nothing(
    stranger: Quizdl, bank: Path, tmp_path: Path
) -> None:
    ran = stranger(*arguments("anki", bank, tmp_path / "deck.apkg"))
    assert ran.returncode == 1
    assert "quizdl trust" in ran.stderr
    assert not list(tmp_path.glob("*deck.apkg*"))
    ran = stranger(*arguments("anki", bank, tmp_path / "deck.apkg"), "--no-proofs")
    assert (ran.returncode, ran.stderr) == (0, "")
