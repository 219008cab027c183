"""Demos that break: none is proved, none outlives its run, each says what happened."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest
from demos import Prove, alive, target

from quizdl.model import Judged, Verdict
from quizdl.proof.pool import Pool

DEMO = Path("bank/demo/demo.py")


@pytest.mark.parametrize(
    "work",
    [
        "while True: pass",
        "sum(range(10**12))",
        "import time; time.sleep(60)",
        "import numpy as np; A = np.ones((2500, 2500)); np.linalg.svd(A)",
    ],
    ids=["python loop", "C loop", "sleep", "LAPACK"],
)
def test_too_long_is_a_timeout_within_its_limit(prove_soon: Prove, work: str) -> None:
    prove_soon("def f(a=1.0): return {'x': a}")  # the server is up
    started = time.monotonic()
    result, _ = prove_soon(f"def f(a=1.0):\n    {work}\n    return {{'x': a}}")
    assert result.verdict is Verdict.TIMEOUT
    assert "0.5" in result.reason
    assert 0.4 < time.monotonic() - started < 2.5


def test_a_server_that_is_stopped_is_replaced(prove_bare_soon: Prove) -> None:
    source = """
        import os, signal, time
        def f(a=1.0):
            os.kill(os.getppid(), signal.SIGSTOP)
            time.sleep(60)
    """
    result, _ = prove_bare_soon(source)
    assert result.verdict is Verdict.TIMEOUT
    result, _ = prove_bare_soon("def f(a=1.0): return {'x': a}")
    assert result.verdict is Verdict.PROVED, result.reason


def test_cpu_time_is_limited_even_while_the_wall_clock_is_not(prove: Prove) -> None:
    result, measured = prove("def f(a=1.0):\n    while a == 2: pass\n    return {'x': a}")
    assert result.verdict is Verdict.TIMEOUT
    assert "CPU" in result.reason
    assert len(measured) == 1
    assert result.measures[0].value == 1  # the claim's own number is kept


@pytest.mark.parametrize(
    "work",
    [
        "import numpy as np; np.ones(10 * 2**30 // 8)",
        "bytearray(10 * 2**30)",
        "all = []\n    while True: all.append(bytearray(1000))",
    ],
    ids=["numpy", "bytes", "piece by piece"],
)
def test_too_much_memory_is_a_limit(prove_hungry: Prove, work: str) -> None:
    result, _ = prove_hungry(f"def f(a=1.0):\n    {work}\n    return {{'x': a}}")
    assert result.verdict is Verdict.LIMIT, result.reason
    assert "256 MiB" in result.reason


def test_endless_output_is_a_limit_and_the_parent_stays_small(prove: Prove) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result, _ = prove("def f(a=1.0):\n    while True: print('spam' * 1000)")
    assert result.verdict is Verdict.LIMIT
    assert len(result.output) == 64 << 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 << 10  # KiB


def test_a_large_file_is_a_limit(prove: Prove) -> None:
    source = """
        def f(a=1.0):
            with open("large", "wb") as file:
                for _ in range(1024):
                    file.write(bytes(1 << 20))
            return {"x": a}
    """
    result, _ = prove(source)
    assert result.verdict is Verdict.LIMIT
    assert "16 MiB" in result.reason


@pytest.mark.parametrize(
    ("work", "says"),
    [
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", "强行终止"),
        ("import os; os._exit(0)", "退出码 0"),
        ("import os; os._exit(3)", "退出码 3"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ValueError('a' + chr(10) + chr(27) + '[31mb')", "ValueError：a \ufffd[31mb"),
        ("return None", "NoneType"),
        ("return {'x': True}", "真假值"),
        ("import numpy as np; return {'x': np.bool_(True)}", "真假值"),
        ("import numpy as np; return {'x': np.array(True)}", "真假值"),
        ("return {'x': 1j}", "complex"),
        ("return {'x': '1'}", "str"),
        ("import numpy as np; return {'x': np.ones(1)}", "ndarray"),
        ("return {1: 1.0}", "1"),
        ("return {chr(0xd800): 1.0, 'x': 10**400}", "OverflowError"),
    ],
)
def test_whatever_breaks_is_never_a_proof(prove: Prove, work: str, says: str) -> None:
    result, measured = prove(f"def f(a=1.0):\n    {work}\n")
    assert result.verdict in {Verdict.ERROR, Verdict.LIMIT}
    assert says in result.reason
    assert measured == []


def test_an_exception_names_its_line_and_shows_it(prove: Prove) -> None:
    result, measured = prove("def g():\n    return 1 / 0\n\ndef f(a=1.0):\n    return {'x': g()}")
    assert result.verdict is Verdict.ERROR
    assert "第 2 行" in result.reason
    assert "ZeroDivisionError" in result.reason
    assert "return 1 / 0" in result.output
    assert str(DEMO) in result.output
    assert "quizdl" not in result.output  # nothing of our own machinery
    assert measured == []


def test_what_was_printed_before_an_error_is_shown_however_late_we_read(pool: Pool) -> None:
    late = "def f(a=1.0):\n    if a == 2: raise ValueError('late')\n    return {'x': a}"
    events = pool.prove([target(late)], [0])
    next(events)
    time.sleep(0.5)  # the error and its traceback both wait for us now
    *_, last = events
    assert isinstance(last, Judged)
    assert "ValueError: late" in last.result.output


def test_an_exception_under_the_control_is_an_error_not_a_proof(prove: Prove) -> None:
    result, measured = prove("def f(a=1.0):\n    if a == 2: raise ValueError\n    return {'x': a}")
    assert result.verdict is Verdict.ERROR
    assert "对照 1" in result.reason
    assert [m.sample.numbers["x"] for m in measured] == [1]
    assert result.measures[0].value == 1


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("x = 1\ndef f(a=1.0:\n    pass", "第 2 行"),
        ("import no_such_module\ndef f(a=1.0): return {'x': a}", "第 1 行"),
        ("def g(a=1.0): return {'x': a}", "没有函数 f"),
        ("f = 3", "没有函数 f"),
        ("def f(): return {'x': 1}", "TypeError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("", "没有函数 f"),
    ],
)
def test_a_demo_that_cannot_be_loaded_is_an_error(prove: Prove, source: str, says: str) -> None:
    result, _ = prove(source)
    assert result.verdict is Verdict.ERROR
    assert says in result.reason


FORGER = """
    import json, os, sys
    lines = [json.dumps({"run": n, "numbers": {"x": 1.0 + n}, "ms": 1.0}) for n in range(2)]
"""


def test_results_printed_to_stdout_change_nothing(prove: Prove) -> None:
    source = FORGER + "    def f(a=1.0): print('\\n'.join(lines), flush=True); os._exit(0)"
    result, measured = prove(source)
    assert result.verdict is Verdict.ERROR
    assert measured == []
    assert '"numbers"' in result.output


@pytest.mark.parametrize(
    "text",
    [
        "b'garbage\\n'",
        "b'x' * 10**6",
        "b'[' * 10**5 + b'\\n'",
        'b\'{"run": 0, "numbers": {"x": "1"}, "ms": 1}\\n\'',
        'b\'{"run": 0, "numbers": {"x": true}, "ms": 1}\\n\'',
        'b\'{"run": 7, "numbers": {"x": 1}, "ms": 1}\\n\'',
        'b\'{"run": 0, "numbers": {"x": 1\' + b\'0\' * 5000 + b\'}, "ms": 1}\\n\'',
        'b\'{"run": 0, "numbers": [], "ms": 1}\\n\'',
        'b\'{"run": 9, "type": "E", "message": "", "line": 1, "memory": false}\\n\'',
        "b'null\\n3\\n'",
        "bytes(range(256)) + b'\\n'",
    ],
)
def test_garbage_on_the_result_pipe_is_an_error(prove: Prove, text: str) -> None:
    source = f"""
        import os
        def f(a=1.0):
            data = {text}
            def exists(fd):
                try:
                    return bool(os.fstat(fd))
                except OSError:
                    return False
            fd = max(filter(exists, range(256)))
            while data:
                data = data[os.write(fd, data):]
            return {{"x": a}}
    """
    result, measured = prove(source)
    assert result.verdict is Verdict.ERROR
    assert "结果通道" in result.reason
    assert measured == []


def test_a_double_forked_daemon_in_its_own_session_is_dead_after_the_run(prove_bare: Prove) -> None:
    source = """
        import os, signal, time
        def f(a=1.0):
            read, write = os.pipe()
            if os.fork() == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                pid = os.fork()
                if pid == 0:
                    time.sleep(60)
                os.write(write, str(pid).encode())
                os._exit(0)
            return {"x": a, "pid": int(os.read(read, 20))}
    """
    result, measured = prove_bare(source)
    assert result.verdict is Verdict.PROVED
    assert not any(alive(m.sample.numbers["pid"]) for m in measured)


def test_a_process_that_keeps_forking_away_is_caught(prove_bare: Prove, tmp_path: Path) -> None:
    trail = tmp_path / "trail"
    source = f"""
        import os, time
        def f(a=1.0):
            if os.fork() == 0:
                os.setsid()
                with open({str(trail)!r}, "ab", buffering=0) as file:
                    for _ in range(2000):
                        if os.fork():
                            os._exit(0)
                        file.write(b"x")
                os._exit(0)
            time.sleep(0.02)
            return {{"x": a}}
    """
    result, _ = prove_bare(source)
    assert result.verdict is Verdict.PROVED
    length = trail.stat().st_size
    time.sleep(0.1)
    assert 0 < trail.stat().st_size == length < 4000


def test_a_fork_bomb_is_cleaned_up(prove_bare: Prove, tmp_path: Path) -> None:
    source = f"""
        import os, pathlib, time
        def f(a=1.0):
            pid = os.getpid()
            for _ in range(6):
                os.fork()
            pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()
            if os.getpid() != pid:
                time.sleep(60)
            while len(os.listdir({str(tmp_path)!r})) < 64:
                time.sleep(0.001)
            raise RuntimeError
    """
    result, _ = prove_bare(source)
    assert result.verdict is Verdict.ERROR
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 64
    assert not any(map(alive, pids))


def test_copies_of_a_child_cannot_report_twice(prove_bare: Prove) -> None:
    result, _ = prove_bare("import os\ndef f(a=1.0): os.fork(); return {'x': a}")
    assert result.verdict is Verdict.ERROR


def test_a_background_thread_does_not_hold_up_the_end(prove: Prove) -> None:
    source = """
        import threading, time
        def f(a=1.0):
            threading.Thread(target=time.sleep, args=(60,)).start()
            return {"x": a}
    """
    started = time.monotonic()
    result, _ = prove(source)
    assert result.verdict is Verdict.PROVED
    assert time.monotonic() - started < 5


def test_a_scratch_folder_made_unreadable_is_removed_all_the_same(prove: Prove) -> None:
    source = """
        import os
        def f(a=1.0):
            if a == 1.0:
                print(os.getcwd())
                os.mkdir("deep")
                os.symlink("/", "deep/root")
                os.mkdir("deep/er", 0)
            return {"x": a}
    """
    result, _ = prove(source)
    assert result.verdict is Verdict.PROVED, result.reason
    assert not Path(result.output.strip()).exists()


@pytest.mark.slow
def test_output_cannot_steer_the_terminal(prove: Prove) -> None:
    result, _ = prove("def f(a=1.0):\n    print('\\x1b[2J零\\u202e\\r\\n好')\n    return {'x': a}")
    assert result.output == "\ufffd[2J零\ufffd\n好\n" * 2
