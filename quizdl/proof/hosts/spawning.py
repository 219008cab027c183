"""Children started one by one, each a Python of its own: for where nothing can be forked.

A thread a child lives as long as it: starts it, waits until it is warm, waits for its job,
hands that over, watches it and sees it out. Two more carry what the child writes, since a
selector waits for no pipe on Windows. Warm spares hide most of the time a start takes.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import IO, Protocol

from quizdl.proof import endings
from quizdl.proof.channels import KIND, Sink
from quizdl.proof.confine import scratch
from quizdl.proof.hosts import STOP, environment, last_line, path, python
from quizdl.proof.protocol import Applied, Handles, Setup
from quizdl.words import QuizdlError

if sys.platform != "win32":
    from quizdl.proof.confine import tree

_BOOT = """\
import sys
setup, *sys.path = sys.argv[1:]
from quizdl.proof.spawned import main
main(setup)
"""
_WATCH = 0.5
"""Seconds between two looks at the scratch folder of a child at work."""
_CARRY = 0.01
"""Seconds between two looks at whether what a child wrote has been carried to the parent."""
_CALM = 0.02
"""Seconds without output after which a child that said what broke has printed it all."""
_PORTION = 64 << 10


class Process(Protocol):
    """A child as the system gives it. The numbers are descriptors, ours to close."""

    stdin: int
    stdout: int
    stderr: int

    def confine(self) -> None:
        """Lower what is kept from outside, now that the child is warm, to what a job may use."""

    def wait(self) -> str:
        """Until it has ended; how, as in `endings`."""

    def kill(self) -> None:
        """End it and, as far as the system can tell, all it started."""


class Launcher(Protocol):
    """How the system starts a process that is to be confined."""

    wrapper: str
    """What is put around it, as in `Applied`."""

    def start(self, command: list[str], environment: dict[str, str], folder: Path) -> Process:
        """Raises OSError when the system refuses."""


@dataclass(frozen=True, slots=True)
class _Job:
    text: bytes
    result: Sink
    output: Sink
    control: socket.socket

    def refuse(self, errno: int) -> None:
        self.tell(f"refused {errno}")
        self.close()

    def tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # the parent no longer listens
            self.control.sendall(line.encode() + b"\n")

    def close(self) -> None:
        self.result.close()
        self.output.close()
        self.control.close()


class Spawner:
    """A `Host`. Dead once a child did not become warm: the next would not fare better."""

    def __init__(self, setup: Setup) -> None:
        """Start the first spares; does not wait for them. Raises QuizdlError when the system
        refuses."""
        self._setup = setup
        try:
            self._root = Path(tempfile.mkdtemp(prefix="quizdl-"))
            self._launcher = _launcher(self._root, setup)
        except OSError as error:
            raise QuizdlError("proof.no_server", why=error.strerror) from error
        self._lock = threading.Lock()  # guards all below
        self._waiting: list[_Child] = []
        self._living: set[_Child] = set()
        self._count = 0
        self._applied: Applied | None = None
        self._last_words: str | None = None
        self._closed = False
        self._refill()

    def submit(self, handles: Handles) -> None:
        if not self.is_alive():
            raise BrokenPipeError
        control = socket.fromfd(handles.control, *KIND)
        job = _Job(_contents(handles.job), Sink(handles.result), Sink(handles.output), control)
        with self._lock:
            child = self._waiting.pop(0) if self._waiting else self._new_child()
        child.jobs.put(job)

    def applied(self) -> Applied | None:
        return self._applied

    def is_alive(self) -> bool:
        return self._last_words is None

    def last_words(self) -> str:
        return self._last_words or ""

    def kill(self) -> None:
        """Its jobs are lost: their children go and nothing more is said of them."""
        with self._lock:
            self._last_words = self._last_words or ""
            living = list(self._living)
        for child in living:
            child.kill()

    def stop(self) -> None:
        with self._lock:
            self._closed = True
            living = list(self._living)
        for child in living:
            child.jobs.put(None)
            child.kill()
        end = time.monotonic() + STOP
        for child in living:
            child.join(max(0.0, end - time.monotonic()))
        shutil.rmtree(self._root, ignore_errors=True)

    # --- called by the threads of the children

    def start(self, folder: Path) -> Process:
        """Raises OSError when the system refuses."""
        scratch.make(folder)
        home = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), str(folder))
        command = [*python(_BOOT), self._setup.dump(), *path()]
        return self._launcher.start(command, environment() | home, folder)

    def is_warm(self, applied: Applied) -> None:
        self._applied = replace(applied, wrapper=self._launcher.wrapper)

    def has_failed(self, why: str) -> None:
        with self._lock:
            if not self._closed:
                self._last_words = why

    def is_overfull(self, folder: Path) -> bool:
        return scratch.is_overfull(folder, self._setup.limits.scratch)

    def has_ended(self, child: _Child) -> None:
        with self._lock:
            self._living.discard(child)
            if child in self._waiting:
                self._waiting.remove(child)
        self._refill()

    # ---

    def _refill(self) -> None:
        with self._lock:
            while not self._closed and self.is_alive() and len(self._waiting) < self._setup.spares:
                self._waiting.append(self._new_child())

    def _new_child(self) -> _Child:
        self._count += 1
        child = _Child(self, self._root / str(self._count))
        self._living.add(child)
        child.start()
        return child


class _Child(threading.Thread):
    """One child, from its start to its end."""

    def __init__(self, host: Spawner, folder: Path) -> None:
        super().__init__(daemon=True)
        self.jobs = queue.SimpleQueue[_Job | None]()
        self._host = host
        self._folder = folder
        self._lock = threading.Lock()  # guards both below
        self._process: Process | None = None
        self._unwanted = False

    def kill(self) -> None:
        with self._lock:
            self._unwanted = True
            if self._process is not None:
                self._process.kill()

    def run(self) -> None:
        try:
            self._live()
        finally:
            scratch.remove(self._folder)
            self._host.has_ended(self)

    def _live(self) -> None:
        try:
            process = self._host.start(self._folder)
        except OSError as error:
            if job := self.jobs.get():
                job.refuse(error.errno or 0)
            return
        with self._lock:
            self._process = process
            if self._unwanted:
                process.kill()
        stdin = os.fdopen(process.stdin, "wb")
        stdout = os.fdopen(process.stdout, "rb", buffering=0)
        stderr = os.fdopen(process.stderr, "rb", buffering=0)
        versions = self._greet(stdout.readline())
        if not versions:
            process.wait()
            self._host.has_failed(last_line(stderr.read().decode("utf-8", "replace")))
        job = self.jobs.get()
        if job is not None and versions and _hand_over(job, process, stdin):
            job.tell(f"started {versions}")
            output = _Carrier(stderr, job.output)
            carriers = [output, _Carrier(stdout, job.result, behind=output)]
            how = self._watch(job, process, carriers)
            scratch.remove(self._folder)
            job.tell(f"ended {how}")
            job.control.close()
        else:
            process.kill()
            process.wait()
            stdout.close()
            stderr.close()
            if job is not None:  # without a word: it is tried again
                job.close()
        with contextlib.suppress(OSError):  # the child never took what was written
            stdin.close()

    def _greet(self, line: bytes) -> str:
        """Its versions of Python and NumPy, from its first line; empty when it has died."""
        versions, _, applied = line.partition(b"\t")
        if applied:
            self._host.is_warm(Applied.load(applied))
        return versions.decode() if applied else ""

    def _watch(self, job: _Job, process: Process, carriers: list[_Carrier]) -> str:
        """Until the child has ended and all it wrote is on its way; how it ended."""
        how = ""
        stopped = threading.Event()
        ended, ending = socket.socketpair()

        def wait() -> None:
            nonlocal how
            how = process.wait()
            process.kill()  # what it may have started
            end = time.monotonic() + STOP
            while any(c.is_alive() for c in carriers) and not stopped.wait(_CARRY):
                if time.monotonic() > end:  # somebody it started holds the other end
                    break
            ending.close()

        threading.Thread(target=wait, daemon=True).start()
        with ended, selectors.DefaultSelector() as selector:
            selector.register(ended, selectors.EVENT_READ)
            selector.register(job.control, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(_WATCH)}
                if ended in ready:
                    return how
                if job.control in ready:  # the parent says nothing there but its end
                    selector.unregister(job.control)
                    stopped.set()
                    process.kill()
                if not ready and self._host.is_overfull(self._folder):
                    job.tell("filled")


class _Carrier(threading.Thread):
    """Carries what comes from a child to where the parent can wait for it; closes both.

    What broke is said after the traceback was printed, and the parent then listens no longer:
    so that line does not overtake what is still on its way `behind` it.
    """

    def __init__(self, source: FileIO, sink: Sink, behind: _Carrier | None = None) -> None:
        super().__init__(daemon=True)
        self._source = source
        self._sink = sink
        self._behind = behind
        self._idle_since = math.inf
        self.start()

    def run(self) -> None:
        with self._source, contextlib.closing(self._sink), contextlib.suppress(OSError):
            while data := self._read():  # an OSError: nobody reads it any more
                if self._behind is not None and b'"numbers"' not in data:
                    self._behind.settle()
                self._sink.write(data)

    def settle(self) -> None:
        """Wait, not for long, until nothing has come for a moment."""
        end = time.monotonic() + STOP
        while self.is_alive() and time.monotonic() - self._idle_since < _CALM:
            if time.monotonic() > end:
                break
            time.sleep(_CALM / 4)

    def _read(self) -> bytes:
        self._idle_since = time.monotonic()
        data = self._source.read(_PORTION)
        self._idle_since = math.inf  # busy until it has been handed on
        return data


class _Popen:
    """A `Process` of a system where subprocess does all that is needed."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        """Raises OSError when the system refuses."""
        pipe = subprocess.PIPE
        self._popen = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        files = self._popen.stdin, self._popen.stdout, self._popen.stderr
        self.stdin, self.stdout, self.stderr = map(_taken_over, files)

    def confine(self) -> None:
        """It has confined itself."""

    def wait(self) -> str:
        if sys.platform == "linux":  # not in every Python for macOS
            with contextlib.suppress(ChildProcessError):  # somebody else has seen it out
                os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOWAIT)
                tree.kill_group(self._popen.pid)  # while its number is still its own
        return endings.of_posix(self._popen.wait())

    def kill(self) -> None:
        if sys.platform != "win32" and self._popen.poll() is None:
            tree.kill_group(self._popen.pid)


def _taken_over(file: IO[bytes] | None) -> int:
    """The descriptor below `file`, ours to close from now on."""
    assert file is not None
    with file:
        return os.dup(file.fileno())


class _Plain:
    """A `Launcher` that puts nothing around a child."""

    wrapper = ""

    def start(self, command: list[str], environment: dict[str, str], folder: Path) -> Process:
        return _Popen(command, environment, folder)


def _launcher(root: Path, setup: Setup) -> Launcher:
    """Raises OSError when the system refuses."""
    if sys.platform == "win32":
        from quizdl.proof.confine import windows

        return windows.Launcher(root, setup)
    return _Plain()


def _hand_over(job: _Job, process: Process, stdin: BufferedWriter) -> bool:
    """Whether the child took it; one that has died meanwhile does not."""
    try:
        process.confine()
        stdin.write(job.text)
        stdin.close()
    except OSError:
        return False
    return True


def _contents(file: int) -> bytes:
    """Of a file that this process holds, from its start."""
    os.lseek(file, 0, os.SEEK_SET)
    parts = []
    while part := os.read(file, _PORTION):
        parts.append(part)
    return b"".join(parts)
