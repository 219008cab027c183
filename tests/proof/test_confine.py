"""Each mechanism by itself, and how one is chosen. What only another system could run is
checked as text."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from demos import anyone, prove_with

from quizdl.model import Verdict
from quizdl.proof import confine
from quizdl.proof.confine import bubblewrap, macos, places
from quizdl.proof.pool import Pool
from quizdl.proof.protocol import OPTIONAL, Applied

linux = pytest.mark.skipif(sys.platform != "linux", reason="layers of Linux")


def only(*layers: str) -> tuple[str, ...]:
    return tuple(name for name in OPTIONAL if name not in layers)


@pytest.fixture(params=["landlock", "bubblewrap", "seccomp"])
def alone(request: pytest.FixtureRequest) -> Iterator[tuple[str, Pool, Applied]]:
    with Pool(jobs=1, permission=anyone, without=only(request.param)) as pool:
        applied = pool.applied(20)
        assert applied is not None
        there = {
            "landlock": applied.landlock > 0,
            "bubblewrap": applied.wrapper == "bubblewrap",
            "seccomp": applied.seccomp,
        }
        if not there[request.param]:
            pytest.skip("this machine does not have it")
        assert sum(there.values()) == 1
        yield request.param, pool, applied


@linux
def test_each_layer_does_its_part_without_the_others(
    alone: tuple[str, Pool, Applied], tmp_path: Path
) -> None:
    name, pool, applied = alone
    prove = prove_with(pool)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    beside = tmp_path / "beside"

    def goes_through(work: str) -> bool:
        result, _ = prove(f"import os, socket\ndef f(a=1.0):\n    {work}\n    return {{'x': a}}")
        return result.verdict is Verdict.PROVED

    assert goes_through("open('note', 'w').write(open(os.__file__).read()[:9])")
    for path in (secret, "/etc/passwd"):
        assert goes_through(f"open({str(path)!r})") is not applied.files
    assert goes_through(f"open({str(beside)!r}, 'w')") is not applied.files
    assert beside.exists() is not applied.files
    assert goes_through("os.fork() or os._exit(0)") is not applied.processes
    assert goes_through("os.kill(os.getppid(), 0)") is (name == "bubblewrap")
    away = "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', 9))"
    if name != "bubblewrap":  # it has a loopback of its own; nothing beyond it
        assert goes_through(away) is not applied.network
    else:
        assert not goes_through(away.replace("127.0.0.1", "192.0.2.1"))


@linux
def test_a_child_that_cannot_confine_itself_runs_nothing(tmp_path: Path) -> None:
    """A process may enter 16 Landlock domains, one inside the other. Here are 16 already."""
    if not confine._landlock(()):
        pytest.skip("this machine has no Landlock")
    code = """
import struct
from demos import prove_with, target
from quizdl.proof.confine import kernel
from quizdl.proof.pool import Pool
kernel.no_new_privileges()
for _ in range(16):
    ruleset = kernel.syscall(444, struct.pack("=Q", 1 << 9), 8, 0)  # no sockets as files
    kernel.syscall(446, ruleset, 0)
with Pool(permission=lambda _: None) as pool:
    result, _ = prove_with(pool)("def f(a=1.0): print('ran'); return {'x': a}")
    print(result.verdict, result.reason, result.output)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert "隔离没能建立起来" in ran.stdout, ran.stderr
    assert "ran" not in ran.stdout


@linux
def test_bubblewrap_is_put_around_only_where_landlock_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bubblewrap, "command", lambda readable, root: ["bwrap", str(root)])
    monkeypatch.setattr(confine, "_landlock", lambda without: 7)
    assert confine._wrapper(tmp_path, ()) == ("", [])
    monkeypatch.setattr(confine, "_landlock", lambda without: 0)
    assert confine._wrapper(tmp_path, ()) == ("bubblewrap", ["bwrap", str(tmp_path.resolve())])
    assert confine._wrapper(tmp_path, ("bubblewrap",)) == ("", [])


def test_macos_takes_sandbox_exec_and_windows_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "sandbox-exec"
    monkeypatch.setattr(macos, "PROGRAM", program)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert confine._wrapper(tmp_path, ()) == ("sandbox-exec", [])  # not installed
    program.touch()
    name, command = confine._wrapper(tmp_path, ())
    assert (name, command[:2]) == ("sandbox-exec", [str(program), "-p"])
    assert confine._wrapper(tmp_path, ("sandbox-exec",)) == ("", [])
    monkeypatch.setattr(sys, "platform", "win32")
    assert confine._wrapper(tmp_path, ()) == ("", [])


def test_a_wrapper_that_does_not_work_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(confine, "_wrapper", lambda *_: ("bubblewrap", ["/bin/false"]))
    assert confine.wrap_server(tmp_path, ()) == ""
    monkeypatch.setattr(confine, "_wrapper", lambda *_: ("bubblewrap", ["/no/such/program"]))
    assert confine.wrap_server(tmp_path, ()) == ""


def test_the_profile_of_macos_denies_first_and_writes_one_folder() -> None:
    text = macos.profile((Path("/opt/py thon"), Path('/a"b\\c')), Path("/private/tmp/quizdl-1"))
    lines = text.splitlines()
    assert lines[:2] == ["(version 1)", "(deny default)"]
    assert text.count("(") == text.count(")")
    assert '(subpath "/opt/py thon")' in text
    assert '(subpath "/a\\"b\\\\c")' in text
    assert "network" not in text
    writes = [line for line in lines if "file-write" in line]
    assert writes == [
        '(allow file-read* file-write* (subpath "/private/tmp/quizdl-1") (literal "/dev/null"))'
    ]


def test_pythons_files_never_take_in_the_home_folder_or_the_current_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(places, "_home", lambda: str(tmp_path / "me"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    found = places.readable()
    for private in (tmp_path, tmp_path / "me" / ".ssh", Path("/etc/passwd"), Path("/")):
        assert not any(private.is_relative_to(path) for path in found), private
    for needed in (os.__file__, confine.__file__):
        assert any(Path(needed).resolve().is_relative_to(path) for path in found), needed


# --- the filter, run here instead of in the kernel


def decide(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter for process 77 answers: 0 for allowed, otherwise an errno."""
    from quizdl.proof.confine import seccomp

    program = [struct.unpack("=HBBI", i) for i in seccomp.program(machine, 77)]
    values = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    arch = seccomp._AUDIT_ARCH[machine] if arch is None else arch
    data = struct.pack("<IIQ6Q", number, arch, 0, *values)
    at, register = 0, 0
    tests = {
        0x15: lambda k: register == k,
        0x35: lambda k: register >= k,
        0x45: lambda k: bool(register & k),
    }
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        if code == 0x20:
            (register,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            assert value >> 16 in (0x7FFF, 0x0005)
            return value & 0xFFFF
        else:
            at += if_true if tests[code](value) else if_false


@linux
@pytest.mark.parametrize(
    ("machine", "calls"),
    [
        # socket, execve, clone, kill, tgkill, fcntl, prctl, prlimit64, read, mmap, futex
        ("x86_64", (41, 59, 56, 62, 234, 72, 157, 302, 0, 9, 202)),
        ("aarch64", (198, 221, 220, 129, 131, 25, 167, 261, 63, 222, 98)),
    ],
)
def test_the_filter_refuses_what_it_says(machine: str, calls: tuple[int, ...]) -> None:
    socket, execve, clone, kill, tgkill, fcntl, prctl, prlimit, *harmless = calls
    refused = errno.EPERM
    assert [decide(machine, number) for number in harmless] == [0, 0, 0]
    assert decide(machine, socket) == decide(machine, execve) == refused
    assert decide(machine, harmless[0], arch=0x40000003) == refused  # 32-bit calls
    assert decide(machine, 0x40000000 | harmless[0]) == refused
    assert decide(machine, 425) == refused  # io_uring_setup
    assert decide(machine, 435) == decide(machine, 451) == errno.ENOSYS  # clone3, newer ones
    assert decide(machine, clone, 0x003D0F00) == 0  # what pthread_create asks for
    assert decide(machine, clone, 0x01200011) == refused  # fork
    assert decide(machine, clone, 0x00004111) == refused  # vfork
    for signal in (kill, tgkill):
        assert decide(machine, signal, 77, 9) == 0
        assert decide(machine, signal, 1, 9) == decide(machine, signal, 0, 9) == refused
        assert decide(machine, signal, 2**64 - 1, 9) == refused
    assert decide(machine, fcntl, 5, 1030) == 0  # F_DUPFD_CLOEXEC
    assert decide(machine, fcntl, 5, 8) == decide(machine, fcntl, 5, 10) == refused
    assert decide(machine, prctl, 1, 0) == refused
    assert decide(machine, prctl, 15) == 0  # PR_SET_NAME
    assert decide(machine, prlimit, 0) == 0
    assert decide(machine, prlimit, 1) == refused
