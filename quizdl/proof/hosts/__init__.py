"""Where children come from: each host starts them, hands them their jobs and cleans up.

`forking` has one warm server fork them, in a millisecond; `spawning` starts each as a program
of its own, in half a second, where processes cannot be forked (Windows).
"""

from __future__ import annotations

import os
import sys
from typing import Protocol

from quizdl.proof.protocol import Applied, Handles, Setup
from quizdl.words import language
from quizdl.words.choice import VARIABLE

STOP = 3.0
"""Seconds within which killed processes must be gone before we stop waiting for them."""

# One thread: two make a small SVD a hundred times slower when the other core is busy, and
# threads do not survive a fork. A fixed hash seed makes the order of a set repeatable.
# Huge pages for the heap (glibc 2.35 and later) make a child of the server end a fifth sooner.
_ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "LANG": "C.UTF-8",
    "PATH": os.defpath,
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""Variables of the user without which NumPy, or on Windows Python itself, may not load."""


class Host(Protocol):
    """Starts children and hands them their jobs, up to its `stop`."""

    def submit(self, handles: Handles) -> None:
        """Returns at once; the rest is said on the control socket.

        Raises BrokenPipeError or ConnectionResetError when the host is dead."""

    def applied(self) -> Applied | None:
        """What its children said of their confinement; None while none has."""

    def is_alive(self) -> bool: ...

    def last_words(self) -> str:
        """The last line on stderr of what is no longer alive: why it died, if it said so."""

    def kill(self) -> None:
        """End it without its leave; every job it had is lost."""

    def stop(self) -> None:
        """Have it kill its jobs, tidy up and end; waits for that."""


def host(setup: Setup) -> Host:
    """The quickest that works here. Raises QuizdlError when the system refuses."""
    if sys.platform != "win32" and "fork" not in setup.without:
        from quizdl.proof.hosts.forking import ForkServer

        return ForkServer(setup)
    from quizdl.proof.hosts.spawning import Spawner

    return Spawner(setup)


def environment() -> dict[str, str]:
    """What a child finds in its environment: nothing of the user's that it can do without."""
    kept = {k: v for k in _KEPT if (v := os.environ.get(k))}
    return _ENVIRONMENT | kept | {VARIABLE: language()}


def python(boot: str) -> list[str]:
    """The command that runs the code `boot` in the Python that runs here.

    Not -I: it would ignore PYTHONHASHSEED. On Windows the program of a virtual environment
    only starts the true one, as a second process, which a child must not have.
    """
    program = sys.executable
    if sys.platform == "win32":
        program = getattr(sys, "_base_executable", program)
    return [program, "-P", "-c", boot]


def path() -> list[str]:
    """sys.path, so that children find the same quizdl; no entry depends on the folder."""
    return [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - "" is the cwd


def last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")
