"""The single-use child: runs one claim of one demo, writes one line per run, ends.

It reports numbers and nothing else. What they prove is the parent's to say.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import linecache
import os
import random
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TextIO

from quizdl.proof.calling import DemoError, call
from quizdl.proof.limits import apply
from quizdl.proof.protocol import Handles, Job
from quizdl.proof.seal import seal
from quizdl.words import say

_HIGH = 200
"""Lowest number for our own descriptors: what a demo opens or closes stays clear of them."""


def main(handles: Handles, scratch: Path) -> NoReturn:
    """Become the child of one job. Called right after fork; never returns."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with os.fdopen(handles.job, "rb") as file:
        job = Job.load(file.read())
    result = _arrange_descriptors(handles)
    apply(job.limits, scratch)
    tempfile.tempdir = None
    status = _run(job, result)
    sys.stdout.flush()
    os._exit(status)


def _arrange_descriptors(handles: Handles) -> int:
    """Keep stdin (empty), stdout and stderr (the output pipe) and the result pipe only.

    Returns the result pipe's new number; programs started from here do not inherit it.
    """
    result = fcntl.fcntl(handles.result, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.dup2(handles.output, 1)
    os.dup2(handles.output, 2)
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names, not paths
        if int(name) > 2 and int(name) != result:
            with contextlib.suppress(OSError):  # the listing's own, closed by now
                os.close(int(name))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for life
    sys.stdout, sys.stderr = _writer(1), _writer(2)
    return result


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
            measured, ms = call(function, params, seed)
            sys.stdout.flush()
            _write(result, {"run": run, "numbers": measured, "ms": ms})
    except BaseException as error:
        del reserve
        line = _line(error, job.path, function)
        if not isinstance(error, MemoryError):
            _show(error, job.path)
        name = "" if isinstance(error, DemoError) else type(error).__name__
        failed = {"run": run, "type": name, "message": _message(error), "line": line}
        _write(result, failed | {"memory": isinstance(error, MemoryError)})
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
