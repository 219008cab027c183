"""What is promised about imports, seen in fresh processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "textual",
    "tomlkit",
    "aiohttp",
    "numpy",
    "sqlalchemy",
    "alembic",
    "fsrs",
    "rich",
    "latex2mathml",
    "markdown_it",
)


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}


def test_help_imports_nothing_heavy() -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "quizdl", "--help"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    modules = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "quizdl.cli.main" in modules
    assert "quizdl.model" not in modules, "some 20 ms that help has no use for"
    imported = {name.partition(".")[0] for name in modules}
    assert imported.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import quizdl.session, quizdl.check, quizdl.proof.pool, quizdl.render", ("textual",)),
        (
            "import quizdl.tui.app, quizdl.tui.screens.today",
            ("sqlalchemy", "numpy", "fsrs", "tomlkit"),
        ),
        ("import quizdl.proof.pool, quizdl.proof.judge, quizdl.proof.report", ("numpy",)),
        ("import quizdl.memory.queue, quizdl.memory.scheduler, quizdl.session", ("sqlalchemy",)),
        ("import quizdl.web, quizdl.cli.serving", ("aiohttp", "textual_serve", "textual")),
        ("import quizdl.web.server", ("textual", "numpy", "sqlalchemy")),
        ("import quizdl.proof", ("sqlalchemy", "textual", "rich", "click", "numpy")),
    ],
)
def test_a_room_does_not_bring_what_it_must_not(code: str, forbidden: tuple[str, ...]) -> None:
    assert modules_after(code).isdisjoint(forbidden)
