"""The processes below the server: none may outlive its job, however often it forked away.

On Linux orphans become children of the server, which can then see them. Elsewhere only the
process group of a child is reached.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

assert sys.platform != "win32"

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> bool:
    """Make this process the parent of every descendant whose own parent ends; whether it is."""
    if sys.platform != "linux":
        return False
    from quizdl.proof.confine import kernel

    return kernel.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Ask to be killed when `parent`, the process that forked this one, ends."""
    if sys.platform == "linux":
        from quizdl.proof.confine import kernel

        kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def kill(pid: int) -> None:
    """Kill a child of ours that has not been reaped yet, and its process group."""
    os.kill(pid, signal.SIGKILL)
    kill_group(pid)


def kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # none, or not yet its own
        os.killpg(pid, signal.SIGKILL)


def children() -> set[int]:
    """Process ids of our children (Linux; empty elsewhere)."""
    me = os.getpid()
    listing = Path(f"/proc/{me}/task/{me}/children")
    with contextlib.suppress(FileNotFoundError):
        return {int(pid) for pid in listing.read_text().split()}
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            # pid (name) state ppid ...: the name may hold anything, ")" included
            if int(stat.read_text().rpartition(")")[2].split()[1]) == me:
                found.add(int(stat.parent.name))
    return found
