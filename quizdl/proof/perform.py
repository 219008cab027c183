"""What a child does with its job, however it came to be: runs one claim of one demo, writes one
line per run.

It reports numbers and nothing else. What they prove is the parent's to say.
"""

from __future__ import annotations

import contextlib
import errno
import json
import linecache
import os
import random
import sys
import traceback
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NoReturn, TextIO

from quizdl.proof.calling import DemoError, call
from quizdl.proof.figure_record import figure_record
from quizdl.proof.protocol import Job
from quizdl.words import say, speak
from quizdl.words.choice import VARIABLE

_REHEARSALS = 8
"""So often, and the interpreter has specialised the code that every job runs."""
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


def perform(job: Job, result: int) -> int:
    """Every run of the job, in order; the exit status: 0 when all of them have been reported."""
    reserve = bytearray(1 << 20)  # so that running out of memory can still be reported
    run: int | None = None
    function: Callable[..., object] | None = None
    try:
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


def warm_up() -> None:
    """Load NumPy, and what it loads or sets up only when first used; and the language in which
    to say what is wrong with a demo, whose catalogue cannot be read any more later on."""
    import numpy as np

    speak(os.environ.get(VARIABLE, "zh"))

    X = np.random.default_rng(0).normal(size=(4, 4))
    np.linalg.svd(X @ X.T)
    np.fft.fft(X)
    null = os.open(os.devnull, os.O_WRONLY)
    for _ in range(_REHEARSALS):
        rehearse(null)
    os.close(null)


def versions() -> str:
    """Of the Python and the NumPy in memory here."""
    import numpy as np

    return f"{'.'.join(map(str, sys.version_info[:3]))} {np.__version__}"


def rehearse(result: int) -> None:
    """Run a small demo, so that what a real one needs first is there: compiled and cached, and
    in a child its own copy of the memory pages that every run writes to."""
    perform(_REHEARSAL, result)
    del sys.modules["demo"], linecache.cache[_REHEARSAL.path]


def open_streams() -> None:
    """Make Python's stdin, stdout and stderr of descriptors 0, 1 and 2, whatever these are."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for life
    sys.stdout, sys.stderr = _writer(1), _writer(2)


def quit_with(status: int) -> NoReturn:
    """End the process at once, with no thread or finaliser of the demo having its say."""
    with contextlib.suppress(Exception):  # closed by the demo: its numbers have arrived
        sys.stdout.flush()
    os._exit(status)


def _writer(fd: int) -> TextIO:
    """By lines, so that what was printed before a crash is still seen."""
    return open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


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
    write_line(result, json.dumps(record).encode() + b"\n")


def write_line(result: int, data: bytes) -> None:
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
