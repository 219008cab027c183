"""One claim being run, as the parent sees it: its channels, its numbers so far, how it ended.

Everything that arrives here comes from a process that may lie, so it is bounded, checked and
cleaned before it is kept.
"""

from __future__ import annotations

import contextlib
import enum
import json
import math
import os
import selectors
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any

from quizdl.model import Figure, Judged, Measured, Sample, Trial, Verdict
from quizdl.proof.channels import channel
from quizdl.proof.figure_record import read_figure
from quizdl.proof.figures import FIGURES
from quizdl.proof.judge import Failure, judge
from quizdl.proof.limits import Limits
from quizdl.proof.protocol import UNCONFINED, Handles, Job
from quizdl.words import say

_START = 60.0
"""Seconds a server may take until a child runs: NumPy from a cold disk, on a busy machine."""
_GRACE = 2.0
"""Seconds to wait for the server's word that a killed job is gone."""
_LINE = 640 << 10
"""Bytes of one line on the result pipe; an honest claim needs a few hundred, and its figures,
with all the points that proof/figures.py allows, less than 600 KiB."""
_NOT_AS_AGREED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading a line raises when it is not one that an honest child writes."""


_TROUBLE = {
    "": (Verdict.ERROR, "proof.exception"),
    "memory": (Verdict.LIMIT, "proof.memory"),
    "descriptors": (Verdict.LIMIT, "proof.descriptors"),
    "threads": (Verdict.LIMIT, "proof.threads"),
    "forbidden": (Verdict.ERROR, "proof.forbidden"),
}
"""What a child says stopped it -> the verdict, and the words for it."""


class Stage(enum.Enum):
    WAITING = enum.auto()
    """Not sent, or sent to a server that died: to be sent (again)."""
    SENT = enum.auto()
    STARTED = enum.auto()
    """A child is at work."""
    STOPPED = enum.auto()
    """To be killed; the server has not confirmed yet that all is gone."""
    ENDED = enum.auto()
    """The child and all it started are gone, or their server is."""


class Run:
    """One trial of `Pool.prove`.

    Once sent, it waits in a selector for its channels; `receive` takes what has come. A run must
    be `expire`d when its `deadline` (of time.monotonic) has passed before it ended.
    """

    def __init__(
        self,
        number: int,
        trial: Trial,
        seeds: Sequence[int],
        limits: Limits,
    ) -> None:
        """`number`: its place among the trials of its `prove`."""
        self.question, self.claim = trial.question, trial.claim
        self._number = number
        self.stage = Stage.WAITING
        self.attempts = 0
        self.ever_started = False
        self.deadline = math.inf
        self._seeds = trial.seeds or tuple(seeds)
        self._limits = limits
        arms = self.claim.arms(trial.changed)
        # Seed by seed: the numbers of a control show at once beside those of the claim.
        self._plan = [(seed, arm, p) for seed in self._seeds for arm, p in enumerate(arms)]
        self._samples: list[Sample] = []
        self._output = bytearray()
        self._failure: Failure | None = None
        self._versions = ""

    def send(self, submit: Callable[[Handles], None], selector: selectors.BaseSelector) -> None:
        """Hand the runs that have not been measured yet to a server, and wait in `selector`
        with self as the data. Raises OSError when descriptors or disk space run out, and
        whatever `submit` raises."""
        self._offset = len(self._samples)
        self._line = bytearray()
        self._words = bytearray()
        self._selector = selector
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            job = _file(self._job().dump(), theirs)
            self._result, result = channel(ours, theirs)
            self._printed, printed = channel(ours, theirs)
            self._control, control = socket.socketpair()
            ours.enter_context(self._control)
            theirs.enter_context(control)
            submit(Handles(job, result, printed, control.fileno()))
            for source in (self._result, self._printed, self._control):
                selector.register(source, selectors.EVENT_READ, self)
            self._ours = ours.pop_all()
        self.attempts += 1
        self.stage = Stage.SENT
        self.deadline = time.monotonic() + _START

    @property
    def has_measured_all(self) -> bool:
        """Nothing but its end is missing."""
        return len(self._samples) == len(self._plan)

    def receive(self, source: object) -> Iterator[Measured]:
        """Take what has arrived on `source`, one of our three in the selector."""
        if source is self._control:
            yield from self._on_control()
        elif source is self._result:
            if data := self._result.read():
                yield from self._on_result(data)
            else:
                self._selector.unregister(self._result)
        elif data := self._printed.read():
            self._on_output(data)
        else:
            self._selector.unregister(self._printed)

    def stop(self) -> None:
        """Have the child killed with all it started."""
        self.stage = Stage.STOPPED
        self.deadline = time.monotonic() + _GRACE
        with contextlib.suppress(OSError):  # the server is gone already
            self._control.shutdown(socket.SHUT_WR)
        for source in (self._result, self._printed):
            if source in self._selector.get_map():
                self._selector.unregister(source)

    def expire(self) -> None:
        if self.stage is Stage.STARTED:
            self._fail(Verdict.TIMEOUT, "proof.wall", seconds=f"{self._limits.wall:g}")
        elif self.stage is Stage.SENT:
            self._fail(Verdict.ERROR, "proof.no_start", seconds=f"{_START:g}")
        else:
            self.stage = Stage.ENDED

    def close(self) -> None:
        """Let go of everything that `send` opened."""
        for source in (self._result, self._printed, self._control):
            if source in self._selector.get_map():
                self._selector.unregister(source)
        self._ours.close()

    def judged(self) -> Judged:
        """The verdict, from the raw numbers. A run whose server died under it failed."""
        if self.stage is not Stage.ENDED:
            self._failure = self._failure or Failure(Verdict.ERROR, say("proof.lost"))
        output = _clean(self._output.decode("utf-8", "replace"))
        result = judge(self.claim, self._samples, self._seeds, self._failure, output)
        python, _, numpy = self._versions.partition(" ")
        result = replace(result, python=python, numpy=numpy)
        return Judged(self.question.id, self.claim.id, result, self._number)

    def _job(self) -> Job:
        return Job(
            source=self.question.demo,
            path=str(self.question.folder / "demo.py"),
            folder=str(self.question.folder.absolute()),
            claim=self.claim.id,
            runs=tuple((seed, dict(params)) for seed, _, params in self._plan[self._offset :]),
        )

    def _fail(self, verdict: Verdict, key: str, **values: object) -> None:
        self._failure = Failure(verdict, say(key, **values))
        if self.stage is not Stage.ENDED:
            self.stop()

    # --- what arrives

    def _on_control(self) -> Iterator[Measured]:
        data = self._control.recv(4096)
        self._words += data
        *lines, self._words = self._words.split(b"\n")
        for line in lines:
            word, _, detail = line.partition(b" ")
            if word == b"started" and self.stage is Stage.SENT:
                self._versions = detail.decode()
                self.stage = Stage.STARTED
                self.ever_started = True
                self.deadline = time.monotonic() + self._limits.wall
            elif word == b"refused":
                self._fail(Verdict.ERROR, "proof.refused", why=os.strerror(int(detail)))
                self.stage = Stage.ENDED
            elif word == b"filled" and self._failure is None:
                self._fail(Verdict.LIMIT, "proof.scratch", mib=self._limits.scratch >> 20)
            elif word == b"ended":
                yield from self._end(detail.decode())
        if not data and self.stage is not Stage.ENDED:
            # Without a word the server has died. What had been stopped is not tried again.
            self.stage = Stage.ENDED if self._failure else Stage.WAITING

    def _end(self, how: str) -> Iterator[Measured]:
        """The child has ended: take what is left in its channels, then say how it went."""
        while self._failure is None and (data := self._result.read()):
            yield from self._on_result(data)
        self._take_output()
        self.stage = Stage.ENDED
        if self._failure is None:
            self._on_exit(*how.partition(" ")[::2])

    def _on_exit(self, how: str, detail: str) -> None:
        """`how` and `detail` as in `endings`."""
        if how == "cpu":
            self._fail(Verdict.TIMEOUT, "proof.cpu", seconds=self._limits.cpu)
        elif how == "file":
            self._fail(Verdict.LIMIT, "proof.file", mib=self._limits.file >> 20)
        elif how == "killed":
            self._fail(Verdict.LIMIT, "proof.killed")
        elif how == "crash":
            self._fail(Verdict.ERROR, "proof.signal", name=detail)
        elif detail == str(UNCONFINED) and not self._samples:
            self._fail(Verdict.ERROR, "proof.unconfined")
        elif detail != "0" or len(self._samples) < len(self._plan):
            measured, planned = len(self._samples), len(self._plan)
            counts = {"measured": measured, "planned": planned}
            self._fail(Verdict.ERROR, "proof.early", code=detail, **counts)

    def _on_output(self, data: bytes) -> None:
        self._output += data[: self._limits.output - len(self._output) + 1]
        if len(self._output) > self._limits.output:
            del self._output[self._limits.output :]
            self._fail(Verdict.LIMIT, "proof.too_much_output", kib=self._limits.output >> 10)

    def _take_output(self) -> None:
        while self._failure is None and (data := self._printed.read()):
            self._on_output(data)

    def _on_result(self, data: bytes) -> Iterator[Measured]:
        self.ever_started = True  # a quick child may be heard before the server's word of it
        self._line += data
        *lines, self._line = self._line.split(b"\n")
        for line in lines:
            if self._failure is None:
                try:
                    event = self._on_record(json.loads(line))
                except _NOT_AS_AGREED:
                    self._fail(Verdict.ERROR, "proof.garbled")
                else:
                    yield from event
        if len(self._line) > _LINE and self._failure is None:
            self._fail(Verdict.ERROR, "proof.garbled")

    def _on_record(self, record: dict[str, Any]) -> list[Measured]:
        """One line of the child. Raises one of `_NOT_AS_AGREED` for any other."""
        if "numbers" not in record:
            self._on_trouble(record)
            return []
        if record["run"] + self._offset != len(self._samples):
            raise ValueError(record["run"])
        seed, arm, _ = self._plan[len(self._samples)]
        numbers = {_clean(name): _real(value) for name, value in record["numbers"].items()}
        figures = _figures(record) if seed == self._seeds[0] else ()
        sample = Sample(seed, arm, numbers, _real(record["ms"]), figures)
        self._samples.append(sample)
        return [Measured(self.question.id, self.claim.id, sample, self._number)]

    def _on_trouble(self, record: dict[str, Any]) -> None:
        self._take_output()  # the traceback was written first, and may not have been read yet
        if self._failure is not None:
            return
        where = say("proof.loading")
        if record["run"] is not None:
            seed, arm, _ = self._plan[record["run"] + self._offset]
            key = "proof.in_control" if arm else "proof.in_claim"
            where = say(key, arm=arm, seed=seed)
        kind, message = _clean(record["type"])[:100], _clean(record["message"])[:500]
        what = say("punctuation.colon").join(
            part for part in (kind, " ".join(message.split())) if part
        )
        verdict, key = _TROUBLE[record["kind"]]
        limits = {"mib": self._limits.memory >> 20, "count": self._limits.descriptors}
        self._fail(verdict, key, line=_line(record), where=where, what=what, **limits)


def _file(data: bytes, stack: contextlib.ExitStack) -> int:
    """A file that holds `data`, read from the start; in memory where the system can."""
    if hasattr(os, "memfd_create"):  # Linux
        file: IO[bytes] = os.fdopen(os.memfd_create("quizdl-job"), "wb")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the stack
    stack.enter_context(file)
    file.write(data)
    file.seek(0)
    return file.fileno()


def _real(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)


def _figures(record: dict[str, Any]) -> tuple[Figure, ...]:
    """Raises one of `_NOT_AS_AGREED` for what is not a few figures of moderate size."""
    given = record.get("figures", [])
    if not isinstance(given, list) or len(given) > FIGURES:
        raise ValueError(given)
    return tuple(read_figure(each, _clean_name) for each in given)


def _clean_name(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(text)
    return _clean(text).replace("\n", " ")


def _line(record: dict[str, Any]) -> str:
    """Where in demo.py, as words; empty when unknown."""
    return say("proof.line", line=int(record["line"])) if record["line"] else ""


def _clean(text: str) -> str:
    """Without what could steer a terminal: escape sequences, overprinting, bidi marks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs()
    return "".join(c if c.isprintable() or c in "\n\u3000\xa0" else "\ufffd" for c in text)
