"""A child started as a program of its own: warms up, gives up what it may not have and waits for
its one job on stdin.

What it writes to stdout goes to the parent's side of the protocol; a demo's output goes where
stderr goes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from quizdl.proof.confine import Confinement
from quizdl.proof.perform import (
    open_streams,
    perform,
    quit_with,
    rehearse,
    versions,
    warm_up,
    write_line,
)
from quizdl.proof.protocol import UNCONFINED, Job, Setup
from quizdl.proof.seal import seal


def main(setup: str) -> NoReturn:
    """Started in the scratch folder. `setup` is a `Setup`."""
    terms = Setup.load(setup)
    scratch = Path.cwd()
    result = _result()
    warm_up()
    null = os.open(os.devnull, os.O_RDWR)
    try:
        confinement = Confinement(terms.limits, scratch, "", terms.without)
        seal()
        rehearse(null)
        write_line(result, versions().encode() + b"\t" + confinement.applied.dump())
        text = sys.stdin.buffer.read()
        if not text:
            os._exit(0)  # the parent wants nothing of it any more
        job = Job.load(text)
        os.dup2(null, 0)
        os.close(null)
        confinement.enter(Path(job.folder))
    except OSError:
        os._exit(UNCONFINED)
    quit_with(perform(job, result))


def _result() -> int:
    """The number under which stdout goes on; prints go to stderr from now on."""
    result = os.dup(1)  # not inherited by what a demo may start
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(result, os.O_BINARY)
    os.dup2(2, 1)
    open_streams()
    return result
