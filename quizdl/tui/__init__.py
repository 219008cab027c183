"""The terminal interface. Importing this package imports nothing of Textual."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from quizdl.settings import Paths, Settings
from quizdl.words import QuizdlError

if TYPE_CHECKING:
    from quizdl.bank import Bank
    from quizdl.model import Setup
    from quizdl.session import Plan

LEAST_COLUMNS, LEAST_ROWS = 60, 16


def run_app(
    bank_root: Path,
    paths: Paths,
    settings: Settings,
    opening: Callable[[Bank], Plan | Setup] | None,
) -> int:
    """Open the interface; with what `opening` makes of the bank, a session of that plan starts
    at once, or an interview so set up is ready to.

    Returns the exit code. Raises QuizdlError when there is no terminal, or one too small to draw
    on; where Textual was told of another driver, that is not a terminal's (`quizdl serve`).
    """
    if "TEXTUAL_DRIVER" not in os.environ:
        _require_terminal()
    from quizdl.tui.app import QuizdlApp

    app = QuizdlApp(bank_root, paths, settings, opening)
    app.run()
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0


def _require_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise QuizdlError("tui.no_terminal")
    columns, rows = os.get_terminal_size()
    if columns < LEAST_COLUMNS or rows < LEAST_ROWS:
        least = {"least_columns": LEAST_COLUMNS, "least_rows": LEAST_ROWS}
        raise QuizdlError("tui.too_small", columns=columns, rows=rows, **least)
