"""Shared by all tests: a small bank, and the command line as a child process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from banks import write_question
from terminals import Quizdl


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
    return kept | {"QUIZDL_HOME": str(tmp_path / "home"), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def quizdl(surroundings: dict[str, str]) -> Quizdl:
    """Run the real command line in a child with a home of its own."""

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
