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
    from quizdl.session import Plan

LEAST_COLUMNS, LEAST_ROWS = 60, 16


def run_app(
    bank_root: Path, paths: Paths, settings: Settings, plan: Callable[[Bank], Plan] | None
) -> None:
    """Open the interface; with a `plan` for the bank a session of it starts at once.

    Raises QuizdlError when there is no terminal, or one too small to draw on.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise QuizdlError("tui.no_terminal")
    columns, rows = os.get_terminal_size()
    if columns < LEAST_COLUMNS or rows < LEAST_ROWS:
        least = {"least_columns": LEAST_COLUMNS, "least_rows": LEAST_ROWS}
        raise QuizdlError("tui.too_small", columns=columns, rows=rows, **least)
    from quizdl.tui.app import QuizdlApp

    app = QuizdlApp(bank_root, paths, settings, plan)
    app.run()
    if app.failure is not None:
        raise app.failure
