"""Which protections really hold on this machine: `active` puts each to the test by demos.

A demo goes the way of all demos (pool, server, child) and tries to do what it must not.
Wall clock and output are not asked about: the parent keeps those itself, everywhere.
`summary` asks no demo: it repeats what the system said it accepted.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quizdl.model import Claim, Measured, Params, Question
from quizdl.proof.limits import Limits
from quizdl.proof.pool import Pool
from quizdl.proof.protocol import OPTIONAL, Applied
from quizdl.words import listed, say


@dataclass(frozen=True, slots=True)
class Layer:
    """One protection. `why` says what the demo tried and what came of it."""

    key: str
    name: str
    active: bool
    why: str


_LIMITS = Limits(wall=10, cpu=1, memory=128 << 20, file=1 << 20)
_PATIENCE = 20.0
"""Seconds for a server to start on a busy machine."""

# Each function returns 1 when it was stopped; `tree` the pid of what should be dead by now.
_DEMO = """\
import os, signal, socket, subprocess, sys, time

class Stopped(Exception):
    pass

def stop(*_):
    raise Stopped

def refused(errors, *attempts):
    for attempt in attempts:
        try:
            attempt()
        except errors:
            continue
        return {"stopped": 0}
    return {"stopped": 1}

def burn():
    while True:
        pass

def write_large():
    with open("large", "wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))

def cpu():
    if hasattr(signal, "SIGXCPU"):  # without, only the verdict can tell
        signal.signal(signal.SIGXCPU, stop)
    return refused(Stopped, burn)

def file():
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # or nobody could return to tell
    return refused(OSError, write_large)

def memory():
    return refused(MemoryError, lambda: bytearray(256 << 20))

def descriptors():
    return refused(OSError, lambda: [open(os.devnull) for _ in range(10_000)])

def network():
    kinds = [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM)]
    return refused(PermissionError, *(lambda kind=kind: socket.socket(*kind) for kind in kinds))

def read(paths=""):
    def look(path):
        os.listdir(path) if os.path.isdir(path) else open(path).close()
    return refused(OSError, *(lambda path=path: look(path) for path in paths.split(chr(10))))

def write(path=""):
    return refused(OSError, lambda: open(path, "a").close())

def processes():
    def fork():
        if os.fork() == 0:
            os._exit(0)
    run = [sys.executable, "-c", ""]
    forks = [fork] if hasattr(os, "fork") else []
    return refused(OSError, *forks, lambda: subprocess.run(run, check=True))

def signals():
    if sys.platform == "win32":  # os.kill(_, 0) would press ctrl+c there
        import _winapi
        terminate = 1
        return refused(PermissionError, lambda: _winapi.OpenProcess(terminate, False, os.getppid()))
    return refused(PermissionError, lambda: os.kill(os.getppid(), 0))

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
_KEYS = (
    "cpu",
    "memory",
    "file",
    "descriptors",
    "network",
    "read",
    "write",
    "processes",
    "signals",
)


def summary(pool: Pool, patience: float = 0.0) -> str:
    """What confines the children of `pool`, in one line; waits up to `patience` seconds for
    its server to say so.

    Raises QuizdlError when no server can be started.
    """
    applied = pool.applied(patience)
    if applied is None:
        return say("isolation.unknown")
    parts = [
        say("isolation.network" if applied.network else "isolation.network.off"),
        say("isolation.files" if applied.files else "isolation.files.off"),
        say("isolation.memory", size=_size(pool.limits.memory)),
        say("isolation.wall", seconds=f"{pool.limits.wall:g}"),
    ]
    return say("isolation", parts=" · ".join(parts))


def active() -> tuple[Layer, ...]:
    """Every layer that depends on the platform. Takes about two seconds.

    Raises QuizdlError when no demo can be run at all.
    """
    with tempfile.TemporaryDirectory(prefix="quizdl-") as mine:
        folder, secret = Path(mine) / "question", Path(mine) / "secret"
        folder.mkdir()
        secret.touch()
        private = [str(secret), "/etc/passwd", os.path.expanduser("~/.ssh")]  # noqa: PTH111
        params: dict[str, Params] = {
            "read": {"paths": "\n".join(filter(os.path.exists, private))},
            "write": {"path": str(folder / "beside")},
        }
        with Pool(len(_KEYS), _LIMITS, permission=_ours) as pool:
            seen = _try(pool, folder, {key: params.get(key, {}) for key in _KEYS})
            applied = pool.applied(_PATIENCE)
        layers = [_layer(key, seen.get(key) == {"stopped": 1}) for key in _KEYS]
        if sys.platform != "win32":
            # What cleans up behind a demo that could fork is only seen where one can.
            with Pool(1, _LIMITS, permission=_ours, without=OPTIONAL) as pool:
                tree = _try(pool, folder, {"tree": {}}).get("tree", {})
            layers.append(_layer("tree", _gone(tree)))
    return (_means(applied), *layers)


def _ours(_: Question) -> None:
    """The demo above is quizdl's own."""


def _try(pool: Pool, folder: Path, params: Mapping[str, Params]) -> dict[str, Mapping[str, float]]:
    """Call functions of the demo, by name; the numbers of those that returned."""
    claims = tuple(Claim(key, "", 0, {}, {}, (), (), given) for key, given in params.items())
    question = Question("probe", "", "", 1, "", "", claims, _DEMO, folder)
    seen: dict[str, Mapping[str, float]] = {}
    for event in pool.prove([(question, claim) for claim in claims], [0]):
        if isinstance(event, Measured):
            seen[event.claim] = event.sample.numbers
        elif event.result.reason == say("proof.cpu", seconds=pool.limits.cpu):
            seen[event.claim] = {"stopped": 1}
    return seen


def _gone(numbers: Mapping[str, float]) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(numbers.get("pid", os.getpid())), 0)
        return False
    return True


def _means(applied: Applied | None) -> Layer:
    """Which mechanisms of the system are at work."""
    found = []
    if applied is not None:
        found += ["rlimits"] if applied.rlimits else []
        found += [say("layer.landlock", version=applied.landlock)] if applied.landlock else []
        found += ["seccomp"] if applied.seccomp else []
        found += ["job object"] if applied.job else []
        found += ["low integrity"] if applied.low else []
        found += [applied.wrapper] if applied.wrapper else []
    return Layer("means", say("layer.means"), bool(found), listed(found))


def _layer(key: str, holds: bool) -> Layer:
    return Layer(key, say(f"layer.{key}"), holds, say(f"layer.{key}.{'on' if holds else 'off'}"))


def _size(size: int) -> str:
    return f"{size >> 30} GiB" if size % (1 << 30) == 0 else f"{size >> 20} MiB"
