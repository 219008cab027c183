"""Children that are started instead of forked, as on Windows: the same answers to the same demos.

Run here on whatever system this is, over pipes and over the sockets that Windows needs; what
only Windows can do is in test_windows.py.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from demos import Prove, alive, anyone, prove_with, target

from quizdl.model import Judged, Measured, Verdict
from quizdl.proof import channels
from quizdl.proof.limits import Limits
from quizdl.proof.pool import Pool
from quizdl.words import QuizdlError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tests/proof/test_pool.py does")

GOOD = "import os\ndef f(a=1.0): return {'x': a, 'pid': os.getpid(), 'parent': os.getppid()}"
LIMITS = Limits(wall=15, cpu=2, memory=256 << 20, scratch=4 << 20)


@pytest.fixture(scope="module", params=[False, True], ids=["pipes", "sockets"])
def sockets(request: pytest.FixtureRequest) -> Iterator[bool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channels, "SOCKETS", request.param)
        yield request.param


@pytest.fixture(scope="module")
def pool(sockets: bool) -> Iterator[Pool]:
    with Pool(jobs=2, limits=LIMITS, permission=anyone, without=["fork"]) as pool:
        yield pool


@pytest.fixture(scope="module")
def prove(pool: Pool) -> Prove:
    return prove_with(pool)


def test_each_claim_has_a_process_of_its_own_that_is_gone_afterwards(prove: Prove) -> None:
    pids = []
    for _ in range(4):
        result, measured = prove(GOOD, seeds=(0, 1))
        assert result.verdict is Verdict.PROVED, result.reason
        assert [m.sample.numbers["x"] for m in measured] == [1, 2, 1, 2]
        assert result.numpy
        assert result.python == ".".join(map(str, sys.version_info[:3]))
        (pid,) = {m.sample.numbers["pid"] for m in measured}
        pids.append(pid)
        assert not alive(pid)
    assert len(set(pids)) == len(pids)


def test_many_at_once(pool: Pool) -> None:
    events = list(pool.prove([target(GOOD, id=f"q{n}") for n in range(8)], [0]))
    judged = [event for event in events if isinstance(event, Judged)]
    assert {event.question for event in judged} == {f"q{n}" for n in range(8)}
    assert all(event.result.verdict is Verdict.PROVED for event in judged)


def test_it_is_confined_as_a_forked_child_is(pool: Pool) -> None:
    prove_with(pool)(GOOD)
    with Pool(permission=anyone) as forked:
        assert pool.applied(20) == forked.applied(20)


@pytest.mark.parametrize(
    ("work", "verdict", "says"),
    [
        pytest.param("while True: pass", Verdict.TIMEOUT, "CPU", marks=pytest.mark.slow),
        ("bytearray(10 * 2**30)", Verdict.LIMIT, "256 MiB"),
        ("while True: print('spam' * 1000)", Verdict.LIMIT, "输出"),
        ("import ctypes; ctypes.string_at(0)", Verdict.ERROR, "SIGSEGV"),
        ("import os; os._exit(3)", Verdict.ERROR, "退出码 3"),
        ("if a == 1: import os; os.close(1); os.close(2)", Verdict.PROVED, ""),
        ("raise ValueError('no')", Verdict.ERROR, "ValueError：no"),
        ("print('words')", Verdict.PROVED, ""),
    ],
)
def test_whatever_a_demo_does_becomes_its_verdict(
    prove: Prove, work: str, verdict: Verdict, says: str
) -> None:
    result, _ = prove(f"def f(a=1.0):\n    {work}\n    return {{'x': a}}")
    assert (result.verdict, says in result.reason) == (verdict, True), result.reason
    if "words" in work:
        assert result.output == "words\nwords\n"


def test_what_was_printed_before_an_error_arrives_whole(prove: Prove) -> None:
    result, _ = prove("def f(a=1.0):\n    print('w' * 60_000)\n    return 1 / 0")
    assert result.output.startswith("w" * 60_000)
    assert "ZeroDivisionError" in result.output


def test_numbers_printed_to_stdout_are_output(prove: Prove) -> None:
    source = 'print(\'{"run": 0, "numbers": {"x": 1}, "ms": 1}\', flush=True)\n'
    result, _ = prove(source + GOOD)
    assert result.verdict is Verdict.PROVED
    assert '"numbers"' in result.output


def test_too_many_files_are_a_limit(prove: Prove) -> None:
    source = """
        import time
        def f(a=1.0):
            for n in range(8):
                open(f"file{n}", "wb").write(bytes(1 << 20))
            time.sleep(10)
            return {"x": a}
    """
    result, _ = prove(source)
    assert result.verdict is Verdict.LIMIT
    assert "4 MiB" in result.reason


def test_a_cancel_kills_at_once_and_another_proof_runs(pool: Pool) -> None:
    sleeper = "import os, time\ndef f(a=1.0):\n    if a == 2: time.sleep(60)\n" + (
        "    return {'x': a, 'pid': os.getpid()}"
    )
    events = pool.prove([target(sleeper)], [0])
    first = next(events)
    assert isinstance(first, Measured)
    started = time.monotonic()
    threading.Timer(0.1, pool.cancel).start()
    assert list(events) == []
    assert time.monotonic() - started < 2
    assert not alive(first.sample.numbers["pid"])
    assert list(pool.prove([target(GOOD)], [0]))


def test_nothing_is_left_when_the_pool_is_closed(sockets: bool) -> None:
    threads = threading.active_count()
    with Pool(jobs=2, permission=anyone, without=["fork"]) as pool:
        _, measured = prove_with(pool)(GOOD)
        host = pool._server
        assert host is not None
        root = Path(host._root)  # type: ignore[attr-defined]
        spares = [child for child in host._living]  # type: ignore[attr-defined]  # noqa: C416
        assert root.exists()
    assert not root.exists()
    assert not alive(measured[0].sample.numbers["pid"])
    assert all(not child.is_alive() for child in spares)
    end = time.monotonic() + 5
    while threading.active_count() > threads:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_python_without_numpy_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('no NumPy here')")
    monkeypatch.syspath_prepend(tmp_path)
    with Pool(permission=anyone, without=["fork"]) as pool:
        with pytest.raises(QuizdlError, match="no NumPy here"):
            list(pool.prove([target(GOOD)], [0]))
        with pytest.raises(QuizdlError, match="no NumPy here"):
            pool.applied(20)
