"""How long a learner waits for a proof: `python tests/benchmarks/proof.py [--no-jupyter]`.

One run prints, as medians, everything that the lab promises. What is compared:

- pool: a warm `Pool` with every layer of isolation on, from the call of `prove` to the last
  event: all numbers of one claim (one seed and its control) and the verdict, by which time the
  child and all it could have started are gone and its folder is removed.
- cold: `python demo.py` in a fresh interpreter, the same two calls, to its exit.
- Jupyter: the same code as one cell of a warm ipykernel, from `execute` to `idle`, through
  jupyter_client in a venv that is made for it in a temporary folder. Its kernel keeps state
  from one run to the next and confines nothing.
- fork: a process with NumPy loaded forks, the child makes the same two calls and ends, to the
  return of waitpid. No limits, no isolation, no scratch folder, no judge.

The four take turns, so that what else the machine does meets all of them alike, and pause in
between as a learner does. Then, each by itself: what the layers cost (in a fork as above, to
see what it would take to confine a child only when it is needed); a demo of three claims; the
whole bank, its wall clock against the sum of its own samples divided by the cores; and
`Pool.cancel` while every core is busy, to the end of `prove` with all children gone.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from quizdl.bank import load
from quizdl.model import SEEDS, Bound, Claim, Judged, Measured, Question
from quizdl.proof.pool import Pool


def anyone(_: Question) -> None:
    """The demos here are the bank's, or this script's."""


ROUNDS = 40
COLD_EVERY = 5
PAUSE = 0.05
DEMO = """\
import numpy as np

def one(a=1.0, seed=0):
    X = np.random.default_rng(seed).normal(size=(64, 16))
    return {"x": a * np.linalg.norm(X.T @ X - (X.T @ X).T)}

def two(a=1.0, seed=0):
    z = np.random.default_rng(seed).normal(size=(32, 10))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return {"x": a * np.abs(p.sum(axis=1) - 1).max()}

def three(a=1.0, seed=0):
    s = np.linalg.svd(np.random.default_rng(seed).normal(size=(20, 20)), compute_uv=False)
    return {"x": a * s.min() / s.max()}
"""
SCRIPT = DEMO + "\nfor a in (1.0, 2.0):\n    print(two(a))\n"
SPIN = "def f(a=1.0):\n    while True: pass\n"

# Both answer each line on stdin with the milliseconds of one execution.
_FORK = f"""\
import os, sys, time
import numpy as np
np.random.seed(0)
np.linalg.svd(np.eye(3))
for line in sys.stdin:
    started = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        exec(compile({SCRIPT!r}, "demo.py", "exec"), {{"print": lambda x: os.write(2, b"x")}})
        os._exit(0)
    os.waitpid(pid, 0)
    print((time.perf_counter() - started) * 1e3, flush=True)
"""
_JUPYTER = f"""\
import sys, time
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
try:
    for line in sys.stdin:
        started = time.perf_counter()
        request = client.execute({SCRIPT!r})
        while True:
            message = client.get_iopub_msg(timeout=60)
            if (message["parent_header"].get("msg_id") == request
                    and message["msg_type"] == "status"
                    and message["content"]["execution_state"] == "idle"):
                break
        print((time.perf_counter() - started) * 1e3, flush=True)
        client.get_shell_msg(timeout=60)
finally:
    manager.shutdown_kernel(now=True)
"""
_LAYERS = """\
import json, os, sys, time
from pathlib import Path
import numpy as np
from quizdl.proof.confine import kernel, landlock, places, rlimits, seccomp
from quizdl.proof.limits import Limits

scratch = Path(sys.argv[1])
readable = places.readable()
ruleset = None

def build():
    global ruleset
    ruleset = landlock.Ruleset(scratch, readable, landlock.version())

def enter():
    ruleset.enter(Path("/usr"))

steps = {
    "scratch folder, made and removed": lambda: ((scratch / "x").mkdir(), (scratch / "x").rmdir()),
    "rlimits": lambda: rlimits.lower(Limits()),
    "capabilities, no new privileges": lambda: (
        kernel.drop_capabilities(), kernel.no_new_privileges()),
    "Landlock, rules made": build,
    "Landlock, entered *": enter,
    "seccomp": seccomp.refuse,
}
found = {name: [] for name in steps}
for _ in range(30):
    read, write = os.pipe()
    if os.fork() == 0:
        costs = {}
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            costs[name] = (time.perf_counter() - started) * 1e3
        os.write(write, json.dumps(costs).encode())
        os._exit(0)
    os.close(write)
    for name, cost in json.loads(os.read(read, 65536)).items():
        found[name].append(cost)
    os.close(read)
    os.wait()
print(json.dumps({name: sorted(costs)[15] for name, costs in found.items()}))
"""
_ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


def question(source: str, *names: str) -> Question:
    bound = {"x": Bound.parse("<= 1")}
    claims = (Claim(n, "", 1, {}, bound, ({"a": 2.0},), (), {"a": 1.0}) for n in names)
    return Question("demo", "", "", 1, "", "", tuple(claims), source, Path("/nowhere"))


def prove(pool: Pool, one: Question) -> float:
    """Milliseconds to the last event."""
    started = time.perf_counter()
    events = list(pool.prove([(one, claim) for claim in one.claims], [0]))
    elapsed = (time.perf_counter() - started) * 1e3
    assert sum(isinstance(event, Measured) for event in events) == 2 * len(one.claims)
    return elapsed


class Helper:
    """A process that answers each request with the milliseconds it took there."""

    def __init__(self, python: Path, code: str, stack: ExitStack) -> None:
        self._process = subprocess.Popen(
            [python, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_ENVIRONMENT,
        )
        stack.callback(self._process.wait)
        stack.callback(self._process.communicate)
        self()

    def __call__(self) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def cold(path: Path) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, path], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1e3


def jupyter(folder: Path, stack: ExitStack) -> Helper:
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "jupyter_client", "ipykernel", "numpy"]
    subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
    return Helper(python, _JUPYTER, stack)


def cancel() -> float:
    """Milliseconds from `cancel` to the end of `prove`, with every core spinning."""
    one = question(SPIN, "f")
    with Pool(permission=anyone) as pool:
        pool.applied(20)
        trials = [(one, one.claims[0])] * (os.cpu_count() or 1)
        waits = []
        for _ in range(10):
            thread = threading.Thread(target=lambda: list(pool.prove(trials, [0])))
            thread.start()
            time.sleep(0.3)
            started = time.perf_counter()
            pool.cancel()
            thread.join()
            waits.append((time.perf_counter() - started) * 1e3)
    print(row("cancel, all cores busy", waits, f"   worst {max(waits):.1f}   (goal < 50)"))
    return statistics.median(waits)


def bank() -> None:
    cores = os.cpu_count() or 1
    root = Path(__file__).parents[2] / "content"
    targets = [(one, claim) for one in load(root).questions for claim in one.claims]
    with Pool(permission=anyone) as pool:
        pool.applied(20)
        started = time.perf_counter()
        events = list(pool.prove(targets, SEEDS))
        elapsed = time.perf_counter() - started
    own = sum(event.result.ms for event in events if isinstance(event, Judged)) / 1e3 / cores
    print(
        f"\nwhole bank, {len(targets)} claims, {len(SEEDS)} seeds: {elapsed:.2f} s; its own "
        f"compute / {cores} cores: {own:.2f} s; ratio {elapsed / own:.2f}   (goal <= 1.3)"
    )


def row(name: str, values: list[float], note: str = "") -> str:
    return f"{name:<36}{statistics.median(values):8.2f} ms{note}"


def main() -> None:
    small, larger = question(DEMO, "two"), question(DEMO, "one", "two", "three")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        path = folder / "demo.py"
        path.write_text(SCRIPT)
        measures: dict[str, Callable[[], float]] = {}
        pool = stack.enter_context(Pool(permission=anyone))
        first = prove(pool, small)
        measures["pool"] = lambda: prove(pool, small)
        measures["fork"] = Helper(Path(sys.executable), _FORK, stack)
        if "--no-jupyter" not in sys.argv:
            measures["Jupyter"] = jupyter(folder, stack)
        found: dict[str, list[float]] = {name: [] for name in [*measures, "cold", "three"]}
        for turn in range(ROUNDS):
            for kind, measure in measures.items():
                time.sleep(PAUSE)
                found[kind].append(measure())
            time.sleep(PAUSE)
            found["three"].append(prove(pool, larger))
            if turn % COLD_EVERY == 0:
                found["cold"].append(cold(path))
        costs = subprocess.run(
            [sys.executable, "-c", _LAYERS, name], check=True, capture_output=True, env=_ENVIRONMENT
        ).stdout
    mine = statistics.median(found["pool"])
    goals = {"cold": 0.1, "Jupyter": 1.0, "fork": 1.3}
    print(row("pool, one claim", found["pool"]))
    for kind, goal in goals.items():
        if kind in found:
            ratio = mine / statistics.median(found[kind])
            print(row(kind, found[kind], f"   pool / {kind} = {ratio:.3f}   (goal <= {goal})"))
    print(row("pool, three claims", found["three"]))
    print(row("pool, very first", [first], "   (starts the server)"))
    cancel()
    print("\nwhat the layers cost, of which only * comes after the request:")
    for layer, cost in json.loads(costs).items():
        print(row("  " + layer, [cost]))
    bank()


if __name__ == "__main__":
    main()
