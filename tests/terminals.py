"""The command line as a child process: with pipes, and on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass

Quizdl = Callable[..., subprocess.CompletedProcess[str]]
"""The fixture `quizdl`: run the command line in a child, without a terminal."""


@dataclass(frozen=True, slots=True)
class Shown:
    code: int
    text: str


def on_terminal(*arguments: str, env: dict[str, str], columns: int = 80) -> Shown:
    """Run quizdl with all its streams on a terminal of `columns`; nothing is typed."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    process = subprocess.Popen(
        [sys.executable, "-m", "quizdl", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
        start_new_session=True,
    )
    os.close(theirs)
    data = b""
    try:
        while part := os.read(ours, 4096):
            data += part
    except OSError:  # Linux: the last writer has gone
        pass
    os.close(ours)
    return Shown(process.wait(60), data.decode().replace("\r\n", "\n"))
