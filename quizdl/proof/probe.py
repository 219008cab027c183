"""Which protections really hold on this machine: each is put to the test by a demo.

The demo goes the way of all demos (pool, server, child) and tries to do what it must not.
Wall clock and output are not asked about: the parent keeps those itself, everywhere.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quizdl.model import Claim, Measured, Question
from quizdl.proof.limits import Limits
from quizdl.proof.pool import Pool
from quizdl.words import say


@dataclass(frozen=True, slots=True)
class Layer:
    """One protection. `why` says what the demo tried and what came of it."""

    key: str
    name: str
    active: bool
    why: str


_LIMITS = Limits(wall=10, cpu=1, memory=128 << 20, file=1 << 20)

# Each function returns 1 when it was stopped; `tree` the pid of what should be dead by now.
_DEMO = """\
import os, signal, socket, time

def ended_by(signal_number, work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return {"stopped": int(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal_number)}

def refused(errors, work):
    try:
        work()
    except errors:
        return {"stopped": 1}
    return {"stopped": 0}

def burn():
    while True:
        pass

def write():
    with open("large", "wb") as file:
        file.write(bytes(2 << 20))

def cpu():
    return ended_by(signal.SIGXCPU, burn)

def file():
    return ended_by(signal.SIGXFSZ, write)

def memory():
    return refused(MemoryError, lambda: bytearray(256 << 20))

def network():
    return refused(PermissionError, socket.socket)

def files(path=""):
    return refused(OSError, lambda: open(path, "a").close())

def tree():
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
        os.write(write, str(pid).encode())
        os._exit(0)
    return {"pid": int(os.read(read, 20))}
"""


def active() -> tuple[Layer, ...]:
    """Every layer that depends on the platform. Takes about two seconds.

    Raises QuizdlError when no demo can be run at all.
    """
    with tempfile.NamedTemporaryFile(prefix="quizdl-") as mine:
        claims = tuple(
            Claim(key, "", 0, {}, {}, (), (), {"path": mine.name} if key == "files" else {})
            for key in _layers()
        )
        question = Question("probe", "", "", 1, "", "", claims, _DEMO, Path())
        seen: dict[str, Mapping[str, float]] = {}
        with Pool(len(claims), _LIMITS, permission=lambda _: None) as pool:  # ours, above
            for event in pool.prove([(question, claim) for claim in claims], [0]):
                if isinstance(event, Measured):
                    seen[event.claim] = event.sample.numbers
    layers = []
    for key, (name, held, failed) in _layers().items():
        holds = _gone(seen.get(key, {})) if key == "tree" else seen.get(key) == {"stopped": 1}
        layers.append(Layer(key, name, holds, held if holds else failed))
    return tuple(layers)


def _gone(numbers: Mapping[str, float]) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(numbers.get("pid", os.getpid())), 0)
        return False
    return True


def _layers() -> dict[str, tuple[str, str, str]]:
    """Key -> name, and what to say when it holds and when it does not."""
    return {
        "cpu": (say("layer.cpu"), say("layer.cpu.on"), say("layer.cpu.off")),
        "memory": (say("layer.memory"), say("layer.memory.on"), say("layer.memory.off")),
        "file": (say("layer.file"), say("layer.file.on"), say("layer.file.off")),
        "network": (say("layer.network"), say("layer.network.on"), say("layer.network.off")),
        "tree": (say("layer.tree"), say("layer.tree.on"), say("layer.tree.off")),
        "files": (say("layer.files"), say("layer.files.on"), say("layer.files.off")),
    }
