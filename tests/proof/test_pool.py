"""What a pool makes of demos that keep to the rules, and of the processes it starts."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from demos import Prove, alive, anyone, target

from quizdl.model import Judged, Measured, Question, Trial, Verdict
from quizdl.proof.limits import Limits
from quizdl.proof.pool import Pool
from quizdl.proof.protocol import OPTIONAL
from quizdl.words import QuizdlError

GOOD = """
    import numpy as np
    from quizdl.proof import claim

    @claim(expect={"x": "<= 1"}, control={"a": 2.0})
    def f(a=1.0, seed=0):
        rng = np.random.default_rng(seed)
        return {"x": np.float32(a), "first": rng.random(), "0-d": np.array(3), "int": 7}
"""

SLOW = """
    import os, time
    def f(a=1.0, seed=0):
        time.sleep(0.0 if a == 1.0 else 30)
        return {"x": a, "pid": os.getpid()}
"""


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> float:
    """Seconds until it was true."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < seconds, "never came true"
        time.sleep(0.005)
    return time.monotonic() - started


def test_good_claim_is_proved_with_every_number_in_order(prove: Prove) -> None:
    result, measured = prove(GOOD, seeds=[3, 4])
    assert result.verdict is Verdict.PROVED, result.reason
    assert [(m.sample.seed, m.sample.arm) for m in measured] == [(3, 0), (3, 1), (4, 0), (4, 1)]
    assert [m.sample.numbers["x"] for m in measured] == [1, 2, 1, 2]
    firsts = [m.sample.numbers["first"] for m in measured]
    assert firsts[0] == firsts[1] != firsts[2] == firsts[3]
    assert measured[0].sample.numbers["0-d"] == 3
    assert measured[0].sample.numbers["int"] == 7
    assert all(type(v) is float for m in measured for v in m.sample.numbers.values())


def test_claim_that_fails_its_bound_is_not_proved(prove: Prove) -> None:
    result, _ = prove("def f(a=1.0): return {'x': a + 5}")
    assert result.verdict is Verdict.NOT_PROVED


def test_changed_parameters_reach_the_claim_but_not_over_its_control(pool: Pool) -> None:
    one = target("def f(a=1.0, b='u'): return {'x': a, 'b': ord(b)}", b="u")
    events = list(pool.prove([Trial(*one, {"a": 0.5, "b": "v"})], [0]))
    samples = [event.sample for event in events if isinstance(event, Measured)]
    assert [(s.numbers["x"], s.numbers["b"]) for s in samples] == [(0.5, 118), (2.0, 118)]


def test_numbers_stream_long_before_the_last_run_ends(pool: Pool) -> None:
    source = """
        import time
        def f(a=1.0, seed=0):
            time.sleep(0.1)
            return {"x": a}
    """
    pool.warm()
    times = [time.monotonic() for _ in pool.prove([target(source)], range(4))]
    assert len(times) == 9
    assert times[-2] - times[0] > 6 * 0.1


def test_not_finite_numbers_survive(prove: Prove) -> None:
    source = "def f(a=1.0): return {'x': float('nan'), 'up': float('inf'), 'down': -float('inf')}"
    result, measured = prove(source)
    numbers = measured[0].sample.numbers
    assert math.isnan(numbers["x"])
    assert (numbers["up"], numbers["down"]) == (math.inf, -math.inf)
    assert result.verdict is Verdict.NOT_PROVED


def test_seed_is_passed_only_where_it_is_taken(prove: Prove) -> None:
    result, _ = prove("def f(a=1.0): return {'x': a}", seeds=[1, 2])
    assert result.verdict is Verdict.PROVED


def test_global_random_numbers_are_the_same_in_every_run(prove: Prove) -> None:
    source = """
        import random
        import numpy as np
        def f(a=1.0, seed=0):
            return {"x": a, "numpy": np.random.rand(), "python": random.random()}
    """
    _, measured = prove(source, seeds=[1, 2])
    assert len({m.sample.numbers["numpy"] for m in measured}) == 1
    assert len({m.sample.numbers["python"] for m in measured}) == 1


def test_children_are_fresh_and_hashes_repeat(prove: Prove) -> None:
    source = """
        import numpy as np
        seen = getattr(np, "seen", 0)
        np.seen = 1
        def f(a=1.0): return {"x": a, "seen": seen, "hash": hash("quizdl") % 1000}
    """
    (_, first), (_, second) = prove(source), prove(source)
    assert first[0].sample.numbers == second[0].sample.numbers
    assert second[0].sample.numbers["seen"] == 0


def test_the_parent_never_imports_numpy() -> None:
    code = """
import sys
from demos import anyone, target
from quizdl.proof.pool import Pool
with Pool(permission=anyone) as pool:
    events = list(pool.prove([target("import numpy\\ndef f(a=1.0): return {'x': a}")], [0]))
assert events[-1].result.verdict == "proved", events
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)


def test_environment_is_scrubbed_and_the_cwd_is_a_scratch_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUIZDL_SECRET", "1")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    source = """
        import os, sys, tempfile
        def f(a=1.0):
            print(sorted(os.environ))
            print(os.getcwd())
            open("note", "w").write("x")
            home = os.path.expanduser("~")
            assert os.getcwd() == home == tempfile.gettempdir() == os.environ["TMPDIR"], home
            assert os.listdir() == ["note"]
            return {"x": a, "stdin": len(sys.stdin.read()), "threads": int(
                os.environ["OPENBLAS_NUM_THREADS"])}
    """
    with Pool(permission=anyone) as pool:
        events = list(pool.prove([target(source)], [0]))
        assert isinstance(events[-1], Judged)
        result = events[-1].result
        assert result.verdict is Verdict.PROVED, result.reason + result.output
        environment, folder, *_ = result.output.splitlines()
        assert "QUIZDL_SECRET" not in environment
        assert "PYTHONPATH" not in environment
        assert not Path(folder).exists()
        assert Path(folder).parent.exists()
    assert not Path(folder).parent.exists()
    assert Path(folder).is_relative_to(tempfile.gettempdir())


def test_a_child_has_no_descriptors_but_its_own(prove: Prove) -> None:
    source = """
        import os
        def f(a=1.0):
            found = []
            for fd in range(os.sysconf("SC_OPEN_MAX")):
                try:
                    os.fstat(fd)
                    found.append(fd)
                except OSError:
                    pass
            return {"x": a, "low": sum(fd < 200 for fd in found), "high": sum(
                fd >= 200 for fd in found)}
    """
    _, measured = prove(source)
    # 0, 1, 2; the result pipe
    assert measured[0].sample.numbers == {"x": 1, "low": 3, "high": 1}


def test_many_targets_run_side_by_side_and_none_is_mixed_up() -> None:
    source = """
        import time
        def f(a=1.0, seed=0, n=0):
            time.sleep(0.05)
            return {"x": a, "n": n, "s": seed}
    """
    targets = [target(source, id=f"q{n}", n=n) for n in range(8)]
    with Pool(jobs=4, permission=anyone) as pool:
        pool.warm()
        started = time.monotonic()
        events = list(pool.prove(targets, [5, 6]))
        elapsed = time.monotonic() - started
    measured = [event for event in events if isinstance(event, Measured)]
    assert len(measured) == 8 * 4
    for event in measured:
        assert event.question == f"q{event.sample.numbers['n']:.0f}"
        assert event.sample.seed == event.sample.numbers["s"]
    judged = [event for event in events if isinstance(event, Judged)]
    assert sorted(event.question for event in judged) == [f"q{n}" for n in range(8)]
    assert all(event.result.verdict is Verdict.PROVED for event in judged)
    # one after the other would sleep for 1.6 s
    assert elapsed < 1.5


def test_prove_works_from_two_threads_and_two_pools_at_once(pool: Pool) -> None:
    source = "def f(a=1.0, seed=0, n=0): return {'x': a, 'n': n}"
    found: dict[int, list[float]] = {}

    def work(pool: Pool, n: int) -> None:
        events = pool.prove([target(source, n=n)], range(20))
        found[n] = [event.sample.numbers["n"] for event in events if isinstance(event, Measured)]

    with Pool(permission=anyone) as other:
        threads = [
            threading.Thread(target=work, args=(p, n)) for n, p in enumerate([pool, pool, other])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {n: [n] * 40 for n in range(3)}


def test_cancel_from_another_thread_kills_the_children_at_once(pool: Pool) -> None:
    events: list[object] = []
    pids: list[float] = []

    def work() -> None:
        for event in pool.prove([target(SLOW), target(SLOW), target(SLOW)], [0]):
            events.append(event)
            if isinstance(event, Measured):
                pids.append(event.sample.numbers["pid"])

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: len(pids) == 2)
    assert all(map(alive, pids))
    started = time.monotonic()
    pool.cancel()
    thread.join(5)
    assert time.monotonic() - started < 0.5
    assert not any(map(alive, pids))
    assert not any(isinstance(event, Judged) for event in events)


def test_cancel_ends_a_run_that_has_not_begun_but_no_later_one(pool: Pool) -> None:
    early = pool.prove([target(GOOD)], [0])
    pool.cancel()
    assert list(early) == []
    assert len(list(pool.prove([target(GOOD)], [0]))) == 3


def test_closing_the_generator_kills_its_children(pool: Pool) -> None:
    """Again and again: a number may be heard before the word that its child has started."""
    for _ in range(60):
        with contextlib.closing(pool.prove([target(SLOW)], [0])) as events:
            first = next(events)
            assert isinstance(first, Measured)
            pid = first.sample.numbers["pid"]
            assert alive(pid)
        assert not alive(pid)


def test_server_and_children_die_with_a_parent_killed_by_9(tmp_path: Path) -> None:
    code = f"""
from quizdl.proof.pool import Pool
from demos import anyone, target
with Pool(permission=anyone) as pool:
    for event in pool.prove([target({SLOW!r})], [0]):
        print(int(event.sample.numbers["pid"]), pool._server.process.pid, flush=True)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child, server = map(int, parent.stdout.readline().split())
    assert alive(child)
    assert alive(server)
    assert list(tmp_path.iterdir())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not alive(child) and not alive(server))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_dies_is_replaced_and_no_number_is_lost() -> None:
    source = """
        import os, signal, time
        def f(a=1.0, seed=0):
            time.sleep(0.1)
            return {"x": a, "server": os.getppid()}
    """
    with Pool(permission=anyone) as pool:
        measured = []
        for event in pool.prove([target(source)], range(3)):
            if isinstance(event, Measured):
                measured.append(event.sample)
                if len(measured) == 2:
                    os.kill(int(event.sample.numbers["server"]), signal.SIGKILL)
            else:
                assert event.result.verdict is Verdict.PROVED, event.result.reason
    assert [(s.seed, s.arm) for s in measured] == [(n, arm) for n in range(3) for arm in range(2)]
    assert len({s.numbers["server"] for s in measured}) == 2


def test_a_server_that_died_idle_is_replaced(pool: Pool) -> None:
    source = "import os\ndef f(a=1.0): return {'x': a, 'server': os.getppid()}"
    for _ in range(2):
        events = list(pool.prove([target(source)], [0]))
        assert isinstance(events[0], Measured)
        assert isinstance(events[-1], Judged)
        assert events[-1].result.verdict is Verdict.PROVED
        os.kill(int(events[0].sample.numbers["server"]), signal.SIGKILL)


@pytest.mark.parametrize("without", [(), OPTIONAL], ids=["confined", "bare"])
def test_a_demo_that_kills_its_server_is_an_error_and_the_pool_goes_on(
    without: tuple[str, ...],
) -> None:
    killer = "import os\ndef f(a=1.0): os.kill(os.getppid(), 9); import time; time.sleep(5)"
    with Pool(permission=anyone, without=without) as pool:
        events = list(pool.prove([target(killer)], [0]))
        assert isinstance(events[-1], Judged)
        assert events[-1].result.verdict is Verdict.ERROR
        events = list(pool.prove([target(GOOD)], [0]))
        assert isinstance(events[-1], Judged)
        assert events[-1].result.verdict is Verdict.PROVED


def test_a_server_that_cannot_start_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('no NumPy here')")
    monkeypatch.syspath_prepend(tmp_path)
    with (
        Pool(limits=Limits(wall=1), permission=anyone) as pool,
        pytest.raises(QuizdlError, match="no NumPy here"),
    ):
        list(pool.prove([target(GOOD)], [0]))
    with Pool(permission=anyone) as pool, pytest.raises(QuizdlError, match="no NumPy here"):
        pool.applied(20)


def test_each_trial_has_its_own_changes_and_its_number(pool: Pool) -> None:
    question, claim = target("def f(a=1.0): return {'x': a}")
    trials = [Trial(question, claim, {"a": a}) for a in (0.25, 0.5, 3.0)]
    events = list(pool.prove(trials, [0]))
    first = {
        e.trial: e.sample.numbers["x"]
        for e in events
        if isinstance(e, Measured) and not e.sample.arm
    }
    assert first == {0: 0.25, 1: 0.5, 2: 3.0}
    verdicts = {e.trial: e.result.verdict for e in events if isinstance(e, Judged)}
    assert verdicts == {0: Verdict.PROVED, 1: Verdict.PROVED, 2: Verdict.NOT_PROVED}


def test_a_trial_may_have_its_own_seeds(pool: Pool) -> None:
    question, claim = target("def f(a=1.0, seed=0): return {'x': a, 'seed': seed}")
    trials = [Trial(question, claim), Trial(question, claim, seeds=(7, 3))]
    events = list(pool.prove(trials, [0]))
    seen: dict[int, list[float]] = {0: [], 1: []}
    for event in events:
        if isinstance(event, Measured) and not event.sample.arm:
            seen[event.trial].append(event.sample.numbers["seed"])
    assert seen == {0: [0], 1: [7, 3]}
    assert {e.trial: e.result.seeds for e in events if isinstance(e, Judged)} == {
        0: (0,),
        1: (7, 3),
    }


def test_one_refused_question_keeps_all_from_running(tmp_path: Path) -> None:
    def only_the_first(question: Question) -> None:
        if question.id != "first":
            raise QuizdlError("cli.interrupted")

    written = tmp_path / "written"
    source = f"""
        import contextlib
        with contextlib.suppress(OSError):
            open({str(written)!r}, "w").close()
        def f(a=1.0): return {{"x": a}}
    """
    first, second = target(source, id="first"), target(source, id="second")
    with Pool(permission=only_the_first) as pool:
        with pytest.raises(QuizdlError):
            pool.prove([first, second], [0])
        assert not written.exists()
        assert isinstance(list(pool.prove([first], [0]))[-1], Judged)
