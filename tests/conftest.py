"""Shared by all tests: a small bank, and the command line as a child process.

quizdl speaks Chinese here, whatever the locale of the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from banks import trust_banks_below, write_question
from terminals import Quizdl

from quizdl.words.choice import VARIABLE

os.environ[VARIABLE] = "zh"


def pytest_configure(config: pytest.Config) -> None:
    """Where quizdl runs from its source, the English texts are as they are written now."""
    from translations import PATH, compile_texts

    compiled = PATH.with_suffix(".mo")
    if hasattr(config, "workerinput") or not PATH.exists():
        return
    if not compiled.exists() or compiled.stat().st_mtime < PATH.stat().st_mtime:
        compile_texts()


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are cores: for half of its time a test waits, for a child or a
    screen."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A bank of two sound questions."""
    root = tmp_path / "bank"
    write_question(root, "doubling")
    write_question(root, "halving")
    return root


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """The environment of a child: a home of its own, and nothing of the caller's quizdl."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("QUIZDL_")}
    own = {"QUIZDL_HOME": str(tmp_path / "home"), VARIABLE: "zh", "PYTHONIOENCODING": "utf-8"}
    return kept | own


PROVING = {"run", "check", "review", "export"}


@pytest.fixture
def quizdl(surroundings: dict[str, str], tmp_path: Path) -> Quizdl:
    """Run the real command line in a child with a home of its own, in which the test's own
    banks are trusted as they are at that moment."""

    def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        if PROVING & set(arguments):
            trust_banks_below(tmp_path, Path(surroundings["QUIZDL_HOME"]))
        return stranger(*arguments, **options)

    stranger = run_in(surroundings)
    return run


@pytest.fixture
def stranger(surroundings: dict[str, str]) -> Quizdl:
    """The same for somebody who has trusted no bank yet."""
    return run_in(surroundings)


def run_in(surroundings: dict[str, str]) -> Quizdl:
    def run(
        *arguments: str, env: dict[str, str] | None = None, stdin: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "quizdl", *arguments],
            env=surroundings | (env or {}),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    return run
