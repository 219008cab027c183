"""The interface in a browser on this machine. Importing this package imports nothing heavy."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from quizdl.words import QuizdlError

NEEDED = "textual-serve>=1.1.3,<2"  # as in pyproject.toml
INSTALL = shlex.join([sys.executable, "-m", "pip", "install", NEEDED])


def is_installed() -> bool:
    """Whether what the extra `serve` brings is there."""
    return find_spec("textual_serve") is not None and find_spec("aiohttp") is not None


def run_server(
    command: Sequence[str],
    port: int,
    opened: Callable[[str], None],
    report: Callable[[str], None],
) -> int:
    """Serve the interface that `command` starts, on 127.0.0.1, until a signal comes; that is
    returned. Every child has ended by then.

    `opened` is told the address (port 0: a free one); `report`, what a child that failed wrote to
    stderr. Raises QuizdlError when the extra is missing or the port cannot be had.
    """
    if not is_installed():
        raise QuizdlError("web.missing", command=INSTALL)
    from quizdl.web.server import run

    return run(command, port, opened, report)
