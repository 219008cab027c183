"""What setrlimit(2) keeps: CPU time, memory, the size of a file, open files, no core dump."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from quizdl.proof.limits import Limits

assert sys.platform != "win32"


def lower(limits: Limits) -> bool:
    """Lower them for good; whether the system took every one that it is known to keep."""
    import resource

    missed: list[int] = []

    def to(which: int, value: int, grace: int = 0) -> None:
        _, hard = resource.getrlimit(which)
        ceiling = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
        try:
            resource.setrlimit(which, (min(value, ceiling), ceiling))
        except (ValueError, OSError):
            missed.append(which)

    # Past the soft limit comes SIGXCPU, which says what happened; past the hard one SIGKILL.
    to(resource.RLIMIT_CPU, limits.cpu + int(time.process_time()), grace=1)
    to(resource.RLIMIT_FSIZE, limits.file)
    to(resource.RLIMIT_NOFILE, limits.descriptors)
    to(resource.RLIMIT_CORE, 0)
    # Python ignores SIGXFSZ; by default it ends the process, so that nothing can miss it.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if sys.platform == "linux":  # elsewhere the limit is accepted and not kept
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        to(resource.RLIMIT_AS, pages * resource.getpagesize() + limits.memory)
    return not missed
