"""The single-use child: runs one claim of one demo, writes one line per run, ends.

It reports numbers and nothing else. What they prove is the parent's to say.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import linecache
import os
import random
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TextIO

from quizdl.proof.calling import DemoError, call
from quizdl.proof.confine import Confinement, tree
from quizdl.proof.figure_record import figure_record
from quizdl.proof.protocol import UNCONFINED, Job, Setup
from quizdl.proof.seal import seal
from quizdl.words import say

_HIGH = 200
"""Lowest number for our own descriptors: what a demo opens or closes stays clear of them."""
_REHEARSAL = Job(
    source="""\
import numpy as np
from quizdl.proof import claim

@claim(expect={"x": "<= 1"}, control={"a": 2.0})
def f(a=1.0, seed=0):
    X = np.random.default_rng(seed).normal(size=(8, 4))
    Y = np.maximum(X @ X.T, 0.0) / np.exp(X).sum(axis=1, keepdims=True)
    return {"x": a * np.abs(Y).max(), "y": float(np.linalg.norm(X)), "z": Y.mean()}
""",
    path="rehearsal",
    folder="/",
    claim="f",
    runs=((0, {"a": 1.0}), (1, {"a": 2.0})),
)


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
            setup.limits, place.scratch, place.readable, place.wrapper, setup.without
        )
        rehearse(null)
        os.close(null)
        inbox.sendall(confinement.applied.dump())
        job, result = _receive(inbox)
        confinement.enter(Path(job.folder))
    except OSError:
        os._exit(UNCONFINED)
    status = _run(job, result)
    with contextlib.suppress(Exception):  # closed by the demo: its numbers have arrived
        sys.stdout.flush()
    os._exit(status)


def rehearse(result: int) -> None:
    """Run a small demo, so that what a real one needs first is there: compiled and cached, and
    in a child its own copy of the memory pages that every run writes to."""
    _run(_REHEARSAL, result)
    del sys.modules["demo"], linecache.cache[_REHEARSAL.path]


def _let_go_of_all_but(inbox: socket.socket) -> int:
    """Keep stdin, stdout and stderr, all empty so far; returns the number of an empty file."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names, not paths
        if int(name) > 2 and int(name) not in (inbox.fileno(), null):
            with contextlib.suppress(OSError):  # the listing's own, closed by now
                os.close(int(name))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for life
    sys.stdout, sys.stderr = _writer(1), _writer(2)
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


def _writer(fd: int) -> TextIO:
    """By lines, so that what was printed before a crash is still seen."""
    return open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _run(job: Job, result: int) -> int:
    """Every run of the job, in order; the exit status: 0 when all of them have been reported."""
    reserve = bytearray(1 << 20)  # so that running out of memory can still be reported
    run: int | None = None
    function: Callable[..., object] | None = None
    try:
        seal()
        function = _load(job)
        for run, (seed, params) in enumerate(job.runs):
            _reset_global_random()
            measured, figures, ms = call(function, params, seed)
            with contextlib.suppress(ValueError, OSError):  # closed by the demo, its own loss
                sys.stdout.flush()
            record: dict[str, Any] = {"run": run, "numbers": measured, "ms": ms}
            if seed == job.runs[0][0]:  # for looking at: those of one seed are enough
                record["figures"] = [figure_record(figure) for figure in figures]
            _write(result, record)
    except BaseException as error:
        del reserve
        line = _line(error, job.path, function)
        if not isinstance(error, MemoryError):
            _show(error, job.path)
        name = "" if isinstance(error, DemoError) else type(error).__name__
        failed = {"run": run, "type": name, "message": _message(error), "line": line}
        _write(result, failed | {"kind": _kind(error)})
        return 1
    return 0


def _load(job: Job) -> Callable[..., object]:
    """Execute the demo as a module of its own and find the claim's function."""
    module = ModuleType("demo")
    module.__file__ = job.path
    sys.modules["demo"] = module
    sys.argv = [job.path]
    lines = job.source.splitlines(keepends=True)
    linecache.cache[job.path] = (len(job.source), None, lines, job.path)
    exec(compile(job.source, job.path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    function = getattr(module, job.claim, None)
    if not callable(function):
        raise DemoError(say("proof.no_function", name=job.claim))
    return function  # type: ignore[no-any-return]


def _reset_global_random() -> None:
    """The same for every seed: a demo that draws from here instead of from its seed measures
    the same in all of them, and shows itself."""
    import numpy as np

    random.seed(0)
    np.random.seed(0)


def _write(result: int, record: Mapping[str, Any]) -> None:
    data = json.dumps(record).encode() + b"\n"
    while data:
        data = data[os.write(result, data) :]


def _line(error: BaseException, path: str, function: Callable[..., object] | None) -> int:
    """Line of the demo to blame; the claim's own for what it returned; 0 when unknown."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 0
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == path]
    if lines:
        return lines[-1]
    code = getattr(function, "__code__", None)
    return code.co_firstlineno if code is not None else 0


def _kind(error: BaseException) -> str:
    """Which protection the demo ran into, if it was one."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return "descriptors"
    # EXDEV is Landlock's answer to a link across the border of what may be written.
    if isinstance(error, OSError) and error.errno in (errno.EPERM, errno.EACCES, errno.EXDEV):
        return "forbidden"
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error.args):
        return "threads"
    return ""


def _message(error: BaseException) -> str:
    try:
        return str(error)[:500]
    except Exception:  # the demo's own __str__
        return ""


def _show(error: BaseException, path: str) -> None:
    """The traceback from the demo's first line on, into the output."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != path:
        frame = frame.tb_next
    if not isinstance(error, DemoError):
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            traceback.print_exception(type(error), error, frame)
