"""Shared by all tests: a small bank, and the command line as a child process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from banks import write_question


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A bank of two sound questions."""
    root = tmp_path / "bank"
    write_question(root, "doubling")
    write_question(root, "halving")
    return root


Quizdl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def quizdl(tmp_path: Path) -> Quizdl:
    """Run the real command line in a child with a home of its own."""

    def run(
        *arguments: str, env: dict[str, str] | None = None, stdin: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith("QUIZDL_")}
        surroundings |= {"QUIZDL_HOME": str(tmp_path / "home"), "PYTHONIOENCODING": "utf-8"}
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
