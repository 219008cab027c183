"""Windows: a child in a job object, inside an AppContainer where that can load NumPy, at low
integrity everywhere.

The job object (one process, so much time and memory, no desktop, gone with its last handle) is
there from the first instruction and lowered once the child is warm. An AppContainer without
capabilities has no network and reads only what all apps may read: a Python that was installed
for all users, but none in the user's own folders, unless `icacls` has let it in; so it is tried
out before it is used. Elsewhere a child gives up its privileges and lowers its own integrity:
it can then still read what the user can read, but write only in its scratch folder.

Microsoft Learn: "Job Objects", "AppContainer isolation", "Mandatory Integrity Control",
"icacls". Nothing of it has been run on a Windows machine by its authors.
"""

from __future__ import annotations

import os
import subprocess
import threading
from ctypes import c_uint32
from pathlib import Path
from typing import TYPE_CHECKING

from quizdl.proof import endings
from quizdl.proof.confine import win32
from quizdl.proof.confine.win32 import Api, Handle
from quizdl.proof.limits import Limits
from quizdl.proof.protocol import Applied, Setup

if TYPE_CHECKING:
    from quizdl.proof.hosts.spawning import Process

NAME = "quizdl.demo"
"""Of the AppContainer, one for each user."""
_PATIENCE = 20.0
"""Seconds a child has to show that NumPy loads inside the container."""
_WARM_UP = Limits(cpu=60, memory=4 << 30)
"""What a child may use until it is warm: nothing of a demo is in it yet."""
_PER_SECOND = 10_000_000  # units of 100 ns
_FLAGS = (
    win32.LIMIT_PROCESS_TIME
    | win32.LIMIT_PROCESS_MEMORY
    | win32.LIMIT_ACTIVE_PROCESS
    | win32.LIMIT_DIE_ON_UNHANDLED_EXCEPTION
    | win32.LIMIT_KILL_ON_JOB_CLOSE
)


def lower() -> Applied:
    """What a child does to itself, warm and before its job; what Windows accepted of it."""
    api, low = Api(), True
    try:
        api.remove_privileges()
        api.lower_integrity()
    except OSError:
        low = False
    return Applied(job=api.is_in_job(), low=low)


def limits_of(limits: Limits, time_used: int = 0, memory_used: int = 0) -> win32.ExtendedLimits:
    """For one process that has used so much (units of 100 ns of user time, bytes committed)."""
    found = win32.ExtendedLimits()
    basic = found.BasicLimitInformation
    basic.LimitFlags = _FLAGS
    basic.ActiveProcessLimit = 1
    basic.PerProcessUserTimeLimit = time_used + limits.cpu * _PER_SECOND
    found.ProcessMemoryLimit = memory_used + limits.memory
    return found


class Launcher:
    """A `hosts.spawning.Launcher`."""

    def __init__(self, root: Path, setup: Setup, api: Api | None = None) -> None:
        """`root` holds the scratch folders."""
        self.wrapper = ""
        self._api = api or Api()
        self._root = root
        self._limits = setup.limits
        self._wanted = "AppContainer" not in setup.without
        self._container: int | None = None
        self._tried = False
        self._lock = threading.Lock()  # guards the two above

    def start(self, command: list[str], environment: dict[str, str], folder: Path) -> Process:
        """Raises OSError when Windows refuses."""
        with self._lock:
            if not self._tried:
                self._tried = True
                self._prepare(environment)
        return self._start(command, environment, folder, self._container)

    def _prepare(self, environment: dict[str, str]) -> None:
        """Let children write below the root, and find out whether the container will do."""
        self._icacls("/setintegritylevel", "(OI)(CI)L")
        if not self._wanted:
            return
        try:
            container, sid = self._api.container(NAME)
            self._icacls("/grant", f"*{sid}:(OI)(CI)F")
            if self._loads_numpy(environment, container):
                self._container, self.wrapper = container, "AppContainer"
        except OSError:
            self._container = None

    def _icacls(self, *what: str) -> None:
        """Change who may do what at and below the root. Raises OSError when it cannot be run."""
        program = Path(os.environ.get("SYSTEMROOT", "C:\\Windows")) / "System32" / "icacls.exe"
        subprocess.run([str(program), str(self._root), *what], capture_output=True, check=False)

    def _loads_numpy(self, environment: dict[str, str], container: int) -> bool:
        from quizdl.proof.hosts import path, python

        code = "import sys; sys.path[:] = sys.argv[1:]; import numpy, quizdl.proof.spawned"
        trial = self._start([*python(code), *path()], environment, self._root, container)
        timer = threading.Timer(_PATIENCE, trial.kill)
        timer.start()
        try:
            return trial.wait() == "exit 0"
        finally:
            timer.cancel()
            for end in (trial.stdin, trial.stdout, trial.stderr):
                os.close(end)

    def _start(
        self,
        command: list[str],
        environment: dict[str, str],
        folder: Path,
        container: int | None,
    ) -> Process:
        job = self._api.create_job()
        self._api.set_job(job, win32.JOB_EXTENDED_LIMITS, limits_of(_WARM_UP))
        self._api.set_job(job, win32.JOB_UI_RESTRICTIONS, c_uint32(win32.UI_ALL))
        block = "".join(f"{name}={value}\0" for name, value in sorted(environment.items()))
        line = subprocess.list2cmdline(command)
        with _Pipes() as pipes:
            process = self._api.create_process(
                line, block, str(folder), pipes.handles, job, container
            )
            return _Process(self._api, process, job, self._limits, pipes.keep())


class _Process:
    """A `hosts.spawning.Process`."""

    def __init__(
        self, api: Api, process: Handle, job: Handle, limits: Limits, ends: tuple[int, int, int]
    ) -> None:
        self.stdin, self.stdout, self.stderr = ends
        self._api = api
        self._process = process
        self._limits = limits
        self._lock = threading.Lock()  # guards the job's handle
        self._job: Handle | None = job
        self._how = ""

    def confine(self) -> None:
        if self._job is not None:
            limits = limits_of(self._limits, *self._api.used(self._process))
            self._api.set_job(self._job, win32.JOB_EXTENDED_LIMITS, limits)

    def wait(self) -> str:
        if not self._how:
            self._how = endings.of_windows(self._api.wait(self._process))
            with self._lock:
                job, self._job = self._job, None
            self._api.raw("CloseHandle", job)
            self._api.raw("CloseHandle", self._process)
        return self._how

    def kill(self) -> None:
        with self._lock:
            if self._job is not None:
                self._api.raw("TerminateJobObject", self._job, 1)


class _Pipes:
    """Three pipes: our ends are descriptors, those of a child are handles that it inherits."""

    def __init__(self) -> None:
        read, stdin = os.pipe()
        stdout, write = os.pipe()
        stderr, write_too = os.pipe()
        self._ours = (stdin, stdout, stderr)
        self._theirs = (read, write, write_too)
        self._kept = False
        self.handles = [_inheritable(end) for end in self._theirs]

    def __enter__(self) -> _Pipes:
        return self

    def keep(self) -> tuple[int, int, int]:
        """Ours stay open when the block is left."""
        self._kept = True
        return self._ours

    def __exit__(self, *_: object) -> None:
        for end in self._theirs if self._kept else (*self._theirs, *self._ours):
            os.close(end)


def _inheritable(end: int) -> Handle:
    """The handle below the descriptor `end`, which children may inherit from now on."""
    import msvcrt

    handle: int = msvcrt.get_osfhandle(end)  # type: ignore[attr-defined, unused-ignore]
    os.set_handle_inheritable(handle, True)  # type: ignore[attr-defined, unused-ignore]
    return handle
