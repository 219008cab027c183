"""A child forked by the server: warm from its first moment, it gives up what it may not have
and waits for its one job.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from quizdl.proof.confine import Confinement, tree
from quizdl.proof.perform import open_streams, perform, quit_with, rehearse
from quizdl.proof.protocol import UNCONFINED, Job, Setup
from quizdl.proof.seal import seal

assert sys.platform != "win32"

_HIGH = 200
"""Lowest number for our own descriptors: what a demo opens or closes stays clear of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a child finds itself, the same for all that a server starts but the folder."""

    setup: Setup
    scratch: Path
    readable: tuple[Path, ...]
    wrapper: str
    server: int
    """The server's process id."""

    def at(self, scratch: Path) -> Place:
        return replace(self, scratch=scratch)


def main(inbox: socket.socket, place: Place) -> NoReturn:
    """Become a spare child: confined, warm, waiting for the one job that comes through
    `inbox`. Called right after fork; never returns."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    tree.die_with_parent(place.server)
    with contextlib.suppress(PermissionError):  # already the leader of a session
        os.setsid()
    os.umask(0o077)
    os.chdir(place.scratch)
    os.environ["HOME"] = os.environ["TMPDIR"] = str(place.scratch)
    tempfile.tempdir = None
    null = _let_go_of_all_but(inbox)
    setup = place.setup
    try:
        confinement = Confinement(
            setup.limits, place.scratch, place.wrapper, setup.without, place.readable
        )
        seal()
        rehearse(null)
        os.close(null)
        inbox.sendall(confinement.applied.dump())
        job, result = _receive(inbox)
        confinement.enter(Path(job.folder))
    except OSError:
        os._exit(UNCONFINED)
    quit_with(perform(job, result))


def _let_go_of_all_but(inbox: socket.socket) -> int:
    """Keep stdin, stdout and stderr, all empty so far; returns the number of an empty file."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names, not paths
        if int(name) > 2 and int(name) not in (inbox.fileno(), null):
            with contextlib.suppress(OSError):  # the listing's own, closed by now
                os.close(int(name))
    open_streams()
    os.set_inheritable(null, False)
    return null


def _receive(inbox: socket.socket) -> tuple[Job, int]:
    """The job, and the number of the result pipe; output goes to its own pipe from now on.

    Ends the process when the server wants nothing of it any more.
    """
    message, fds, _, _ = socket.recv_fds(inbox, 1, 3)
    if not message or len(fds) != 3:
        os._exit(0)
    inbox.close()
    file, pipe, output = fds
    with os.fdopen(file, "rb") as text:
        job = Job.load(text.read())
    # Programs started from here, where that is possible at all, do not inherit it.
    result = fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(pipe)
    os.close(output)
    return job, result
