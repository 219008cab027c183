"""How long a learner waits for a proof: `python tests/benchmarks/proof.py`.

From request to last number of a small demo with three claims (one seed and its control):
- cold: `python demo.py` in a fresh interpreter, to its exit;
- fork: a process with NumPy loaded forks once per claim, runs it, ends; no limits, no judge;
- pool: a warm `Pool`, to the last `Measured`, and to the last `Judged`.
Medians; ratios are against the pool's last number.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from quizdl.model import Bound, Claim, Measured, Question
from quizdl.proof.pool import Pool

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
NAMES = ("one", "two", "three")
SCRIPT = DEMO + "\nfor a in (1.0, 2.0):\n    print(one(a), two(a), three(a))\n"


def milliseconds(work: Callable[[], float], times: int) -> float:
    """Median over `times` calls; `work` returns the moment that counts."""
    waits = []
    for _ in range(times):
        started = time.perf_counter()
        waits.append((work() - started) * 1e3)
    return statistics.median(waits)


def cold(path: Path) -> float:
    subprocess.run([sys.executable, path], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter()


def fork() -> float:
    read, write = os.pipe()
    for name in NAMES:
        if os.fork() == 0:
            space: dict[str, Callable[..., object]] = {}
            exec(compile(DEMO, "demo.py", "exec"), space)
            for a in (1.0, 2.0):
                os.write(write, repr(space[name](a)).encode() + b"\n")
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as lines:
        assert len(lines.readlines()) == 6
    for _ in NAMES:
        os.wait()
    return time.perf_counter()


def main() -> None:
    claims = tuple(
        Claim(name, "", 1, {}, {"x": Bound.parse("<= 1")}, ({"a": 2.0},), (), {"a": 1.0})
        for name in NAMES
    )
    question = Question("demo", "", "", 1, "", "", claims, DEMO, Path())
    judged: list[float] = []

    with Pool(permission=lambda _: None) as pool:

        def prove() -> float:
            started = last = time.perf_counter()
            for event in pool.prove([(question, claim) for claim in claims], [0]):
                if isinstance(event, Measured):
                    last = time.perf_counter()
            judged.append((time.perf_counter() - started) * 1e3)
            return last

        first = milliseconds(prove, 1)
        judged.clear()
        warm = milliseconds(prove, 60)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.py"
        path.write_text(SCRIPT)
        fresh = milliseconds(lambda: cold(path), 12)

    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import numpy as np

    np.random.seed(0)
    bare = milliseconds(fork, 60)
    print(f"{'pool, last number':<24}{warm:8.1f} ms")
    print(f"{'pool, last verdict':<24}{statistics.median(judged):8.1f} ms")
    print(f"{'pool, very first':<24}{first:8.1f} ms   (starts the server)")
    print(f"{'bare fork':<24}{bare:8.1f} ms   pool / fork = {warm / bare:.1f}")
    print(f"{'cold python demo.py':<24}{fresh:8.1f} ms   cold / pool = {fresh / warm:.1f}")


if __name__ == "__main__":
    main()
