"""The layers of Windows, as far as another system can check them: layouts and numbers against
those that the Windows headers (mingw-w64 11) gave, the order of calls against a stand-in for
Windows that remembers them, and every line against the types that Python has there (.ci/run).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quizdl.proof import endings, hosts
from quizdl.proof.confine import win32, windows
from quizdl.proof.limits import Limits
from quizdl.proof.protocol import Applied, Setup

LIMITS = Limits(cpu=3, memory=64 << 20)
SID = "S-1-15-2-1"


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="measured on 64 bits")
@pytest.mark.parametrize(
    ("structure", "size"),
    [
        (win32.BasicLimits, 64),
        (win32.ExtendedLimits, 144),
        (win32.StartupInfo, 104),
        (win32.StartupInfoEx, 112),
        (win32.ProcessInformation, 24),
        (win32.SecurityCapabilities, 24),
        (win32.MemoryCounters, 72),
        (win32.MandatoryLabel, 16),
        (win32.LuidAndAttributes, 12),
    ],
)
def test_the_layouts_are_those_of_the_headers(structure: type[ctypes.Structure], size: int) -> None:
    assert ctypes.sizeof(structure) == size


def test_the_fields_we_set_are_where_the_headers_have_them() -> None:
    assert win32.ExtendedLimits.ProcessMemoryLimit.offset == 112
    assert win32.BasicLimits.ActiveProcessLimit.offset == 40
    assert win32.StartupInfo.hStdInput.offset == 80
    assert win32.MemoryCounters.PagefileUsage.offset == 56


def test_one_process_with_so_much_more_time_and_memory_than_it_has_used() -> None:
    limits = windows.limits_of(LIMITS, time_used=7, memory_used=1000)
    basic = limits.BasicLimitInformation
    assert basic.LimitFlags == 0x2 | 0x8 | 0x100 | 0x400 | 0x2000
    assert basic.ActiveProcessLimit == 1
    assert basic.PerProcessUserTimeLimit == 7 + 3 * 10_000_000
    assert limits.ProcessMemoryLimit == 1000 + (64 << 20)


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (0, "exit 0"),
        (3, "exit 3"),
        (1816, "cpu"),
        (0xC0000005, "crash 0xC0000005"),
        (0xC000012D, "killed"),
    ],
)
def test_exit_codes_of_windows_say_how_a_child_ended(code: int, how: str) -> None:
    assert endings.of_windows(code) == how


class FakeWindows(win32.Api):
    """Takes every call and remembers it; a trial of the container ends with `trial`."""

    def __init__(self, trial: int = 0, container: bool = True) -> None:
        self.calls: list[tuple[str, Any]] = []
        self._handles = iter(range(100, 1000))
        self._trial, self._has_container = trial, container

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def raw(self, name: str, *arguments: Any) -> Any:
        self.calls.append((name, arguments))
        return 0

    def call(self, name: str, *arguments: Any) -> Any:
        self.calls.append((name, arguments))
        if name == "CreateProcessW":
            arguments[-1]._obj.hProcess, arguments[-1]._obj.hThread = 7001, 7002
        return next(self._handles)

    def set_job(self, job: int, kind: int, value: Any) -> None:
        self.calls.append(("set_job", (job, kind, value)))

    def used(self, process: int) -> tuple[int, int]:
        return 5, 500

    def wait(self, process: int) -> int:
        self.calls.append(("wait", process))
        return self._trial

    def container(self, name: str) -> tuple[int, str]:
        if not self._has_container:
            raise OSError(5, "not here")
        return 4242, SID

    def create_process(self, *arguments: Any) -> int:
        self.calls.append(("create_process", arguments))
        return next(self._handles)


@pytest.fixture
def icacls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What icacls was asked to do."""
    asked: list[list[str]] = []
    monkeypatch.setattr(windows.subprocess, "run", lambda line, **_: asked.append(line))
    return asked


@pytest.fixture(autouse=True)
def _handles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_inheritable", lambda end: 1000 + end)


@pytest.fixture
def started() -> Iterator[list[Any]]:
    """Processes whose ends are closed after the test."""
    found: list[Any] = []
    yield found
    for process in found:
        for end in (process.stdin, process.stdout, process.stderr):
            os.close(end)


def launch(api: FakeWindows, root: Path, started: list[Any], *without: str) -> windows.Launcher:
    launcher = windows.Launcher(root, Setup(LIMITS, 1, without), api)
    started.append(launcher.start(["python.exe", "-c", "a b"], {"B": "2", "A": "1"}, root))
    return launcher


def test_a_child_starts_in_its_job_and_is_lowered_before_its_own_work(
    tmp_path: Path, icacls: list[list[str]], started: list[Any]
) -> None:
    api = FakeWindows()
    launch(api, tmp_path, started, "AppContainer")
    assert api.names() == ["CreateJobObjectW", "set_job", "set_job", "create_process"]
    (_, (_, kind, restrictions)) = api.calls[2]
    assert (kind, restrictions.value) == (4, 0xFF)
    line, block, folder, handles, job, container = api.calls[3][1]
    assert line == 'python.exe -c "a b"'
    assert block == "A=1\0B=2\0"
    assert folder == str(tmp_path)
    assert len(handles) == 3
    assert job == 100
    assert container is None
    started[0].confine()
    limits = api.calls[-1][1][2]
    assert limits.ProcessMemoryLimit == 500 + LIMITS.memory
    assert limits.BasicLimitInformation.PerProcessUserTimeLimit == 5 + 30_000_000
    assert [line[2:] for line in icacls] == [["/setintegritylevel", "(OI)(CI)L"]]


def test_the_end_of_a_child_closes_its_job_and_a_late_kill_touches_nothing(
    tmp_path: Path, icacls: list[list[str]], started: list[Any]
) -> None:
    api = FakeWindows(trial=1816)
    launch(api, tmp_path, started, "AppContainer")
    started[0].kill()
    assert api.calls[-1] == ("TerminateJobObject", (100, 1))
    assert started[0].wait() == "cpu"
    assert [call for call in api.calls if call[0] == "CloseHandle"] == [
        ("CloseHandle", (100,)),
        ("CloseHandle", (101,)),
    ]
    before = len(api.calls)
    started[0].kill()
    assert started[0].wait() == "cpu"
    assert len(api.calls) == before


def test_an_app_container_is_used_when_numpy_loads_inside_it(
    tmp_path: Path, icacls: list[list[str]], started: list[Any]
) -> None:
    api = FakeWindows()
    launcher = launch(api, tmp_path, started)
    assert launcher.wrapper == "AppContainer"
    trial, real = [arguments for name, arguments in api.calls if name == "create_process"]
    assert "import numpy" in trial[0]
    assert trial[-1] == real[-1] == 4242
    assert icacls[1][2:] == ["/grant", f"*{SID}:(OI)(CI)F"]
    started.append(launcher.start(["python.exe"], {}, tmp_path))
    assert api.names().count("create_process") == 3  # it is tried out once


@pytest.mark.parametrize(
    "api", [FakeWindows(trial=1), FakeWindows(container=False)], ids=["no numpy", "no container"]
)
def test_without_a_container_that_works_a_child_runs_outside_and_says_so(
    api: FakeWindows, tmp_path: Path, icacls: list[list[str]], started: list[Any]
) -> None:
    launcher = launch(api, tmp_path, started)
    assert launcher.wrapper == ""
    *_, (_, real) = [call for call in api.calls if call[0] == "create_process"]
    assert real[-1] is None


def test_the_attributes_of_a_process_name_its_handles_its_job_and_its_container() -> None:
    api = FakeWindows()
    create = win32.Api.create_process
    assert create(api, "python.exe", "A=1\0", "C:\\", [7, 8, 9], 55, 4242) == 7001
    updates = [arguments for name, arguments in api.calls if name == "UpdateProcThreadAttribute"]
    assert [(key, size) for _, _, key, _, size, _, _ in updates] == [
        (0x20002, 24),  # three handles
        (0x2000D, 8),  # one job
        (0x2000E, 4),  # no children
        (0x20009, 24),  # the container
    ]
    (created,) = [arguments for name, arguments in api.calls if name == "CreateProcessW"]
    assert created[4] is True  # handles are inherited, and only those listed
    assert created[5] == 0x80000 | 0x400 | 0x08000000
    assert created[6].value == "A=1"
    assert created[6][:6] == "A=1\0\0"  # an empty string ends the block
    assert api.names()[-2:] == ["DeleteProcThreadAttributeList", "CloseHandle"]


def test_a_child_says_what_windows_accepted_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(FakeWindows):
        def remove_privileges(self) -> None: ...

        def lower_integrity(self) -> None:
            raise OSError(5, "refused")

    class Accepting(FakeWindows):
        def remove_privileges(self) -> None: ...

        def is_in_job(self) -> bool:
            return True

    monkeypatch.setattr(windows, "Api", Accepting)
    assert windows.lower() == Applied(job=True, low=True)
    monkeypatch.setattr(windows, "Api", Refusing)
    assert windows.lower() == Applied(job=False, low=False)


def test_integrity_is_lowered_to_low() -> None:
    api = FakeWindows()
    api.lower_integrity()
    assert api.calls[0][1][0] == "S-1-16-4096"
    name, arguments = api.calls[-3]
    assert name == "SetTokenInformation"
    assert (arguments[1], arguments[3]) == (25, 16)


def test_windows_is_where_children_are_spawned(monkeypatch: pytest.MonkeyPatch) -> None:
    from quizdl.proof.hosts import spawning

    made: list[Setup] = []
    monkeypatch.setattr(spawning, "Spawner", made.append)
    monkeypatch.setattr(hosts.sys, "platform", "win32")
    hosts.host(setup := Setup(LIMITS, 1))
    assert made == [setup]


def test_what_a_job_object_and_a_container_keep_is_known() -> None:
    bare = Applied(job=True, low=True)
    assert (bare.files, bare.network, bare.processes) == (False, False, True)
    inside = Applied(job=True, low=True, wrapper="AppContainer")
    assert (inside.files, inside.network, inside.processes) == (True, True, True)
