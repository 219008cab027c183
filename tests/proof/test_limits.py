"""The layers of protection, each by trying to get past it."""

from __future__ import annotations

import sys

import pytest
from demos import Prove, anyone

from quizdl.model import Verdict
from quizdl.proof import probe
from quizdl.proof.limits import Limits
from quizdl.proof.pool import Pool
from quizdl.proof.probe import active, summary
from quizdl.proof.protocol import OPTIONAL

linux = pytest.mark.skipif(sys.platform != "linux", reason="a protection of Linux")


@linux
@pytest.mark.parametrize(
    "work",
    [
        "socket.socket()",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_INET6)",
        "socket.socket(socket.AF_UNIX)",
        "socket.create_connection(('127.0.0.1', 9))",
        "subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'], check=True)",
    ],
)
def test_no_network_here_nor_in_programs_started_from_here(prove: Prove, work: str) -> None:
    result, _ = prove(f"import socket, subprocess, sys\ndef f(a=1.0): {work}")
    assert result.verdict is Verdict.ERROR
    assert "PermissionError" in result.reason + result.output


@linux
@pytest.mark.parametrize("call", [425, 0x40000000 | 41])
def test_no_way_around_to_a_socket(prove: Prove, call: int) -> None:
    source = f"""
        import ctypes
        def f(a=1.0):
            returned = ctypes.CDLL(None, use_errno=True).syscall({call}, 2, 1, 0)
            return {{"x": a, "returned": returned, "errno": ctypes.get_errno()}}
    """
    _, measured = prove(source)
    assert measured[0].sample.numbers["returned"] == -1
    assert measured[0].sample.numbers["errno"] == 1  # EPERM


def test_limits_cannot_be_raised_again(prove: Prove) -> None:
    source = """
        import resource
        def f(a=1.0):
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            core = resource.getrlimit(resource.RLIMIT_CORE)
            return {"x": a, "file": hard, "core": max(core)}
    """
    _, measured = prove(source)
    assert measured[0].sample.numbers["file"] == 16 << 20
    assert measured[0].sample.numbers["core"] == 0


def test_memory_below_the_limit_is_granted(prove: Prove) -> None:
    source = """
        import numpy as np
        def f(a=1.0): return {"x": a, "sum": np.ones(200 * 2**20 // 8).sum()}
    """
    result, _ = prove(source)  # 200 of 256 MiB
    assert result.verdict is Verdict.PROVED, result.reason


def test_linear_algebra_works_under_the_limits(prove: Prove) -> None:
    source = """
        import numpy as np
        def f(a=1.0, seed=0):
            A = np.random.default_rng(seed).normal(size=(200, 200))
            U, s, Vt = np.linalg.svd(A)
            fft = np.fft.ifft(np.fft.fft(A)).real
            return {"x": a, "svd": np.abs((U * s) @ Vt - A).max(), "fft": np.abs(fft - A).max()}
    """
    _, measured = prove(source)
    assert max(measured[0].sample.numbers["svd"], measured[0].sample.numbers["fft"]) < 1e-9


def test_the_layers_that_are_said_to_be_active(pool: Pool) -> None:
    layers = {layer.key: layer.active for layer in active()}
    applied = pool.applied(20)
    assert applied is not None
    assert all(layers[key] for key in ("means", "cpu", "file", "descriptors"))
    assert layers["network"] == applied.network
    assert layers["read"] == layers["write"] == applied.files
    assert layers["processes"] == applied.processes
    if sys.platform == "linux":
        assert layers["memory"]
        assert layers["tree"]


def test_the_layers_that_are_missing_are_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        probe, "Pool", lambda *given, **_: Pool(*given, permission=anyone, without=OPTIONAL)
    )
    layers = {layer.key: layer.active for layer in active()}
    assert not any(layers[key] for key in ("network", "read", "write", "processes", "signals"))
    assert layers["cpu"]
    assert layers["tree"] == (sys.platform == "linux")


def test_one_line_says_what_confines_a_demo() -> None:
    with Pool(limits=Limits(wall=5, memory=256 << 20), permission=anyone, without=OPTIONAL) as bare:
        assert summary(bare) == "隔离：还不知道，子进程正在启动"
        assert summary(bare, 20) == "隔离：未断网 · 文件未隔离 · 内存 256 MiB · 5 秒"
    with Pool(permission=anyone) as pool:
        applied = pool.applied(20)
        line = summary(pool)
    assert applied is not None
    assert ("文件只读到题目文件夹" in line) == applied.files
    assert line.endswith(" · 内存 1 GiB · 20 秒")
