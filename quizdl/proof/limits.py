"""What a demo may use, and how the child gives everything else up before it starts.

All of it works without privileges and without a container. What a platform cannot do is
left out silently here; `quizdl.proof.probe` finds out what really holds on this machine.
Files of the user stay readable and writable: no layer here claims otherwise.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one claim: all its runs, seeds and controls together."""

    wall: float = 20.0
    """Seconds from the start of the child; the parent keeps this one."""
    cpu: int = 20
    """CPU seconds of each process."""
    memory: int = 1 << 30
    """Bytes of address space above what Python and NumPy already occupy."""
    output: int = 64 << 10
    """Bytes of stdout and stderr together; the parent keeps this one."""
    file: int = 16 << 20
    """Bytes of any one file."""


DEFAULT = Limits()


def apply(limits: Limits, scratch: Path) -> None:
    """Confine this process and all it will start. There is no way back.

    Raises OSError when `scratch` cannot be entered.
    """
    with contextlib.suppress(PermissionError):  # already the leader of a session
        os.setsid()
    os.umask(0o077)
    os.chdir(scratch)
    os.environ["HOME"] = os.environ["TMPDIR"] = str(scratch)
    _lower_rlimits(limits)
    if sys.platform == "linux":
        from quizdl.proof import linux

        linux.refuse_network()


def _lower_rlimits(limits: Limits) -> None:
    import resource  # POSIX only

    def lower(which: int, value: int, grace: int = 0) -> None:
        _, hard = resource.getrlimit(which)
        ceiling = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
        with contextlib.suppress(ValueError, OSError):  # the platform knows no such limit
            resource.setrlimit(which, (min(value, ceiling), ceiling))

    # Past the soft limit comes SIGXCPU, which says what happened; past the hard one SIGKILL.
    lower(resource.RLIMIT_CPU, limits.cpu, grace=1)
    lower(resource.RLIMIT_FSIZE, limits.file)
    lower(resource.RLIMIT_CORE, 0)
    # Python ignores SIGXFSZ; by default it ends the process, so that nothing can miss it.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if sys.platform == "linux":  # elsewhere the limit is accepted and not kept
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        lower(resource.RLIMIT_AS, pages * resource.getpagesize() + limits.memory)
