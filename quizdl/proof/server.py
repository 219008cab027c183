"""The warm process: has NumPy in memory, forks one child per job, leaves nothing behind.

It has no threads (fork would not survive them) and sleeps in one selector. A job ends when
its child has ended; then every process without a living job is killed, however often it
forked or changed its session, the scratch folder is removed, and only then is the end
reported. When the parent goes, for whatever reason, all jobs go and the server too.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import shutil
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from quizdl.proof import child
from quizdl.proof.protocol import Handles

if sys.platform == "linux":
    from quizdl.proof import linux


@dataclass(slots=True)
class _Running:
    pid: int
    control: socket.socket
    scratch: Path
    status: int | None = None
    """What waitpid said, once the child has ended."""


def main(inbox: int, root: str) -> None:
    """Serve jobs from the Unix socket `inbox` until its other end closes.

    `root` is an empty folder for scratch folders; it is removed at the end.
    """
    if sys.platform == "linux":
        linux.adopt_orphans()
    _warm_up()
    gc.collect()
    gc.freeze()  # children share these pages: no collection may touch them
    with socket.socket(fileno=inbox) as parent:
        _serve(parent, Path(root))
    _remove(Path(root))


def _warm_up() -> None:
    """Load NumPy, and what it loads or sets up only when first used."""
    import numpy as np

    np.random.seed(0)
    X = np.random.default_rng(0).normal(size=(4, 4))
    np.linalg.svd(X @ X.T)
    np.fft.fft(X)


def _versions() -> str:
    """Of the Python and the NumPy in memory here, which the children share."""
    import numpy as np

    return f"{'.'.join(map(str, sys.version_info[:3]))} {np.__version__}"


def _serve(parent: socket.socket, root: Path) -> None:
    wake, waker = socket.socketpair()
    wake.setblocking(False)
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    jobs: dict[int, _Running] = {}
    count = 0
    with selectors.DefaultSelector() as selector:
        selector.register(parent, selectors.EVENT_READ)
        selector.register(wake, selectors.EVENT_READ)
        while selector.get_map().get(parent) or jobs:
            for key, _ in selector.select():
                if key.fileobj is wake:
                    wake.recv(4096)
                elif key.fileobj is parent:
                    message, fds, _, _ = socket.recv_fds(parent, 1, len(Handles._fields))
                    if message and len(fds) == len(Handles._fields):
                        count += 1
                        if job := _start(Handles(*fds), root / str(count)):
                            jobs[job.pid] = job
                            selector.register(job.control, selectors.EVENT_READ, job)
                    elif message:  # out of descriptors: the parent sees its ends close
                        for fd in fds:
                            os.close(fd)
                    else:  # it has gone, or wants us to go; its control sockets close as well
                        selector.unregister(parent)
                else:  # the parent says nothing on a control socket but its end
                    selector.unregister(key.fileobj)
                    _kill(key.data)
            _reap(jobs)
            if not _kill_orphans(jobs):
                for job in [job for job in jobs.values() if job.status is not None]:
                    del jobs[job.pid]
                    if job.control in selector.get_map():
                        selector.unregister(job.control)
                    _remove(job.scratch)
                    _tell(job.control, f"ended {job.status}")
                    job.control.close()


def _start(handles: Handles, scratch: Path) -> _Running | None:
    """Fork the child of one job; None when the system has no room for another process."""
    control = socket.socket(fileno=handles.control)
    server = os.getpid()
    try:
        scratch.mkdir(mode=0o700)
        pid = os.fork()
        if pid == 0:
            try:
                if sys.platform == "linux":
                    linux.die_with_parent(server)
                child.main(handles, scratch)
            finally:
                os._exit(1)
    except OSError as error:
        _tell(control, f"refused {error.errno}")
        control.close()
        return None
    finally:
        for fd in (handles.job, handles.result, handles.output):
            os.close(fd)
    _tell(control, f"started {_versions()}")
    return _Running(pid, control, scratch)


def _tell(control: socket.socket, line: str) -> None:
    with contextlib.suppress(OSError):  # the parent no longer listens
        control.sendall(line.encode() + b"\n")


def _kill(job: _Running) -> None:
    if job.status is None:
        os.kill(job.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):  # no group of its own yet
            os.killpg(job.pid, signal.SIGKILL)


def _reap(jobs: dict[int, _Running]) -> None:
    """Collect every process that has ended; note the status of those that are jobs."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if job := jobs.get(pid):
                job.status = status
                # Where orphans are not adopted, those in the child's group are all we reach.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)


def _kill_orphans(jobs: dict[int, _Running]) -> bool:
    """Kill each child of ours that is not a living job; whether there was one.

    Their children become ours when they end, and SIGCHLD brings us back here. Nobody can say
    which job an orphan came from, so one may be killed while its job still runs.
    """
    orphans = _children() - {job.pid for job in jobs.values() if job.status is None}
    for pid in orphans:  # not reaped yet, so the number is still its own
        os.kill(pid, signal.SIGKILL)
    return bool(orphans)


def _children() -> set[int]:
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


def _remove(folder: Path) -> None:
    """Delete a folder whose owner may have taken away its own permissions."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for path, folders, _ in os.walk(folder):
            for name in folders:
                if not (Path(path) / name).is_symlink():
                    (Path(path) / name).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
