"""The doors to Windows that Python has no handle for, opened with ctypes.

Layouts, numbers and rules are those of Microsoft Learn, under the names used there (Win32 API:
jobapi2.h, winnt.h, processthreadsapi.h, securitybaseapi.h, userenv.h, psapi.h). Integer types
are given by size: ctypes.wintypes has other sizes on other systems, where this is tested.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from ctypes import POINTER, byref, c_int32, c_int64, c_size_t, c_uint16, c_uint32, c_uint64, sizeof
from typing import Any, ClassVar, TypeAlias

HANDLE = ctypes.c_void_p
Handle: TypeAlias = int

JOB_EXTENDED_LIMITS, JOB_UI_RESTRICTIONS = 9, 4  # JOBOBJECTINFOCLASS
LIMIT_PROCESS_TIME, LIMIT_ACTIVE_PROCESS, LIMIT_PROCESS_MEMORY = 0x2, 0x8, 0x100
LIMIT_DIE_ON_UNHANDLED_EXCEPTION, LIMIT_KILL_ON_JOB_CLOSE = 0x400, 0x2000
UI_ALL = 0xFF  # JOB_OBJECT_UILIMIT_*: handles, clipboard, parameters, display, atoms, desktop, exit

CREATE_UNICODE_ENVIRONMENT, CREATE_NO_WINDOW = 0x400, 0x08000000
EXTENDED_STARTUPINFO_PRESENT = 0x00080000
STARTF_USESTDHANDLES = 0x100
HANDLE_LIST, SECURITY_CAPABILITIES = 0x20002, 0x20009  # PROC_THREAD_ATTRIBUTE_*
JOB_LIST, CHILD_PROCESS_POLICY = 0x2000D, 0x2000E
CHILD_PROCESS_RESTRICTED = 1

TOKEN_QUERY, TOKEN_ADJUST_PRIVILEGES, TOKEN_ADJUST_DEFAULT = 0x8, 0x20, 0x80
TOKEN_PRIVILEGES, TOKEN_INTEGRITY_LEVEL = 3, 25  # TOKEN_INFORMATION_CLASS
SE_PRIVILEGE_REMOVED, SE_GROUP_INTEGRITY = 0x4, 0x20
LOW_INTEGRITY = "S-1-16-4096"
ALREADY_EXISTS = -2147024713
"""HRESULT_FROM_WIN32(ERROR_ALREADY_EXISTS)"""
_INFINITE = 0xFFFFFFFF


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION. Times in units of 100 ns."""

    _fields_: ClassVar = [
        ("PerProcessUserTimeLimit", c_int64),
        ("PerJobUserTimeLimit", c_int64),
        ("LimitFlags", c_uint32),
        ("MinimumWorkingSetSize", c_size_t),
        ("MaximumWorkingSetSize", c_size_t),
        ("ActiveProcessLimit", c_uint32),
        ("Affinity", c_size_t),
        ("PriorityClass", c_uint32),
        ("SchedulingClass", c_uint32),
    ]


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION. Memory in bytes of committed memory."""

    _fields_: ClassVar = [
        ("BasicLimitInformation", BasicLimits),
        ("IoInfo", c_uint64 * 6),
        ("ProcessMemoryLimit", c_size_t),
        ("JobMemoryLimit", c_size_t),
        ("PeakProcessMemoryUsed", c_size_t),
        ("PeakJobMemoryUsed", c_size_t),
    ]


class StartupInfo(ctypes.Structure):
    """STARTUPINFOW"""

    _fields_: ClassVar = [
        ("cb", c_uint32),
        ("lpReserved", ctypes.c_wchar_p),
        ("lpDesktop", ctypes.c_wchar_p),
        ("lpTitle", ctypes.c_wchar_p),
        *((name, c_uint32) for name in ("dwX", "dwY", "dwXSize", "dwYSize")),
        *((name, c_uint32) for name in ("dwXCountChars", "dwYCountChars", "dwFillAttribute")),
        ("dwFlags", c_uint32),
        ("wShowWindow", c_uint16),
        ("cbReserved2", c_uint16),
        ("lpReserved2", ctypes.c_void_p),
        *((name, HANDLE) for name in ("hStdInput", "hStdOutput", "hStdError")),
    ]


class StartupInfoEx(ctypes.Structure):
    """STARTUPINFOEXW"""

    _fields_: ClassVar = [("StartupInfo", StartupInfo), ("lpAttributeList", ctypes.c_void_p)]


class ProcessInformation(ctypes.Structure):
    """PROCESS_INFORMATION"""

    _fields_: ClassVar = [
        ("hProcess", HANDLE),
        ("hThread", HANDLE),
        ("dwProcessId", c_uint32),
        ("dwThreadId", c_uint32),
    ]


class SecurityCapabilities(ctypes.Structure):
    """SECURITY_CAPABILITIES"""

    _fields_: ClassVar = [
        ("AppContainerSid", ctypes.c_void_p),
        ("Capabilities", ctypes.c_void_p),
        ("CapabilityCount", c_uint32),
        ("Reserved", c_uint32),
    ]


class MemoryCounters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS; PagefileUsage is what the process has committed."""

    _fields_: ClassVar = [
        ("cb", c_uint32),
        ("PageFaultCount", c_uint32),
        *(
            (name, c_size_t)
            for name in (
                "PeakWorkingSetSize",
                "WorkingSetSize",
                "QuotaPeakPagedPoolUsage",
                "QuotaPagedPoolUsage",
                "QuotaPeakNonPagedPoolUsage",
                "QuotaNonPagedPoolUsage",
                "PagefileUsage",
                "PeakPagefileUsage",
            )
        ),
    ]


class MandatoryLabel(ctypes.Structure):
    """TOKEN_MANDATORY_LABEL"""

    _fields_: ClassVar = [("Sid", ctypes.c_void_p), ("Attributes", c_uint32)]


class LuidAndAttributes(ctypes.Structure):
    """LUID_AND_ATTRIBUTES"""

    _fields_: ClassVar = [("LowPart", c_uint32), ("HighPart", c_int32), ("Attributes", c_uint32)]


# Every handle and pointer needs its type: ctypes would pass an int of 32 bits.
_SIGNATURES: dict[str, tuple[str, Any, list[Any]]] = {
    "CreateJobObjectW": ("kernel32", HANDLE, [ctypes.c_void_p, ctypes.c_wchar_p]),
    "SetInformationJobObject": (
        "kernel32",
        c_int32,
        [HANDLE, c_int32, ctypes.c_void_p, c_uint32],
    ),
    "TerminateJobObject": ("kernel32", c_int32, [HANDLE, c_uint32]),
    "IsProcessInJob": ("kernel32", c_int32, [HANDLE, HANDLE, POINTER(c_int32)]),
    "InitializeProcThreadAttributeList": (
        "kernel32",
        c_int32,
        [ctypes.c_void_p, c_uint32, c_uint32, POINTER(c_size_t)],
    ),
    "UpdateProcThreadAttribute": (
        "kernel32",
        c_int32,
        [ctypes.c_void_p, c_uint32, c_size_t, ctypes.c_void_p, c_size_t, *[ctypes.c_void_p] * 2],
    ),
    "DeleteProcThreadAttributeList": ("kernel32", None, [ctypes.c_void_p]),
    "CreateProcessW": (
        "kernel32",
        c_int32,
        [
            *(ctypes.c_wchar_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
            *(c_int32, c_uint32, ctypes.c_void_p, ctypes.c_wchar_p),
            *(ctypes.c_void_p, POINTER(ProcessInformation)),
        ],
    ),
    "WaitForSingleObject": ("kernel32", c_uint32, [HANDLE, c_uint32]),
    "GetExitCodeProcess": ("kernel32", c_int32, [HANDLE, POINTER(c_uint32)]),
    "GetProcessTimes": ("kernel32", c_int32, [HANDLE] + [POINTER(c_uint64)] * 4),
    "K32GetProcessMemoryInfo": ("kernel32", c_int32, [HANDLE, POINTER(MemoryCounters), c_uint32]),
    "GetCurrentProcess": ("kernel32", HANDLE, []),
    "CloseHandle": ("kernel32", c_int32, [HANDLE]),
    "LocalFree": ("kernel32", ctypes.c_void_p, [ctypes.c_void_p]),
    "OpenProcessToken": ("advapi32", c_int32, [HANDLE, c_uint32, POINTER(HANDLE)]),
    "GetTokenInformation": (
        "advapi32",
        c_int32,
        [HANDLE, c_int32, ctypes.c_void_p, c_uint32, POINTER(c_uint32)],
    ),
    "SetTokenInformation": ("advapi32", c_int32, [HANDLE, c_int32, ctypes.c_void_p, c_uint32]),
    "AdjustTokenPrivileges": (
        "advapi32",
        c_int32,
        [HANDLE, c_int32, ctypes.c_void_p, c_uint32, ctypes.c_void_p, ctypes.c_void_p],
    ),
    "ConvertStringSidToSidW": (
        "advapi32",
        c_int32,
        [ctypes.c_wchar_p, POINTER(ctypes.c_void_p)],
    ),
    "ConvertSidToStringSidW": (
        "advapi32",
        c_int32,
        [ctypes.c_void_p, POINTER(ctypes.c_wchar_p)],
    ),
    "CreateAppContainerProfile": (
        "userenv",
        c_int32,
        [ctypes.c_wchar_p] * 3 + [ctypes.c_void_p, c_uint32, POINTER(ctypes.c_void_p)],
    ),
    "DeriveAppContainerSidFromAppContainerName": (
        "userenv",
        c_int32,
        [ctypes.c_wchar_p, POINTER(ctypes.c_void_p)],
    ),
}


class Api:
    """The functions of `_SIGNATURES`, by name. One that returns false raises OSError; those
    with a value of their own, or an HRESULT, are called through `raw`."""

    def raw(self, name: str, *arguments: Any) -> Any:
        library, result, types = _SIGNATURES[name]
        dll = ctypes.WinDLL(library, use_last_error=True)  # type: ignore[attr-defined, unused-ignore]
        function = getattr(dll, name)
        function.restype, function.argtypes = result, types
        return function(*arguments)

    def call(self, name: str, *arguments: Any) -> Any:
        """Raises OSError when Windows refuses."""
        result = self.raw(name, *arguments)
        if not result:
            code = ctypes.get_last_error()  # type: ignore[attr-defined, unused-ignore]
            raise OSError(code, f"{name}: error {code}")
        return result

    # --- in the words of the rest

    def create_job(self) -> Handle:
        return int(self.call("CreateJobObjectW", None, None))

    def set_job(self, job: Handle, kind: int, value: ctypes.Structure | c_uint32) -> None:
        self.call("SetInformationJobObject", job, kind, byref(value), sizeof(value))

    def wait(self, process: Handle) -> int:
        """Until it has ended; its exit code."""
        self.raw("WaitForSingleObject", process, _INFINITE)
        code = c_uint32()
        self.call("GetExitCodeProcess", process, byref(code))
        return code.value

    def used(self, process: Handle) -> tuple[int, int]:
        """Time in user mode so far, in units of 100 ns, and bytes committed now."""
        times = [c_uint64() for _ in range(4)]  # created, ended, kernel, user
        self.call("GetProcessTimes", process, *map(byref, times))
        memory = MemoryCounters(cb=sizeof(MemoryCounters))
        self.call("K32GetProcessMemoryInfo", process, byref(memory), sizeof(memory))
        return times[3].value, memory.PagefileUsage

    def create_process(
        self,
        command: str,
        environment: str,
        folder: str,
        handles: Sequence[Handle],
        job: Handle,
        container: int | None,
    ) -> Handle:
        """`handles`: stdin, stdout and stderr, inheritable; nothing else is inherited.
        `environment` is a block of NAME=VALUE, each ended by a NUL. `container` is the SID of
        an AppContainer. Returns a handle to the process, which starts in `job`."""
        attributes: list[tuple[int, Any]] = [
            (HANDLE_LIST, (HANDLE * len(handles))(*handles)),
            (JOB_LIST, (HANDLE * 1)(job)),
            (CHILD_PROCESS_POLICY, c_uint32(CHILD_PROCESS_RESTRICTED)),
        ]
        if container is not None:
            attributes.append((SECURITY_CAPABILITIES, SecurityCapabilities(container)))
        size = c_size_t()
        self.raw("InitializeProcThreadAttributeList", None, len(attributes), 0, byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        self.call("InitializeProcThreadAttributeList", buffer, len(attributes), 0, byref(size))
        try:
            for key, value in attributes:  # the list holds their addresses: they must live on
                self.call(
                    "UpdateProcThreadAttribute",
                    *(buffer, 0, key, byref(value), sizeof(value), None, None),
                )
            start = StartupInfoEx()
            start.StartupInfo.cb = sizeof(start)
            start.StartupInfo.dwFlags = STARTF_USESTDHANDLES
            info = start.StartupInfo
            info.hStdInput, info.hStdOutput, info.hStdError = handles
            start.lpAttributeList = ctypes.addressof(buffer)
            flags = EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT | CREATE_NO_WINDOW
            block = ctypes.create_unicode_buffer(environment)  # adds the NUL that ends it
            line = ctypes.create_unicode_buffer(command)  # CreateProcessW may write to it
            found = ProcessInformation()
            self.call(
                "CreateProcessW",
                *(None, line, None, None, True, flags, block, folder, byref(start), byref(found)),
            )
        finally:
            self.raw("DeleteProcThreadAttributeList", buffer)
        self.call("CloseHandle", found.hThread)
        return int(found.hProcess)

    def container(self, name: str) -> tuple[int, str]:
        """The SID of this user's AppContainer `name`, made when there is none, and its text."""
        sid = ctypes.c_void_p()
        result = self.raw("CreateAppContainerProfile", name, name, name, None, 0, byref(sid))
        if result == ALREADY_EXISTS:
            result = self.raw("DeriveAppContainerSidFromAppContainerName", name, byref(sid))
        if result < 0 or sid.value is None:
            raise OSError(result, f"AppContainer: 0x{result & 0xFFFFFFFF:08X}")
        text = ctypes.c_wchar_p()
        self.call("ConvertSidToStringSidW", sid, byref(text))
        return sid.value, text.value or ""

    @contextlib.contextmanager
    def _token(self, access: int) -> Iterator[HANDLE]:
        """Of this process."""
        token = HANDLE()
        self.call("OpenProcessToken", self.raw("GetCurrentProcess"), access, byref(token))
        try:
            yield token
        finally:
            self.call("CloseHandle", token)

    def is_in_job(self) -> bool:
        """Whether this process is in a job object."""
        found = c_int32()
        self.call("IsProcessInJob", self.raw("GetCurrentProcess"), None, byref(found))
        return bool(found.value)

    def remove_privileges(self) -> None:
        """Of this process, for good."""
        with self._token(TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES) as token:
            size = c_uint32()
            self.raw("GetTokenInformation", token, TOKEN_PRIVILEGES, None, 0, byref(size))
            buffer = ctypes.create_string_buffer(size.value)
            arguments = token, TOKEN_PRIVILEGES, buffer, size, byref(size)
            self.call("GetTokenInformation", *arguments)
            count = c_uint32.from_buffer(buffer).value
            held = (LuidAndAttributes * count).from_buffer(buffer, sizeof(c_uint32))
            for privilege in held:
                privilege.Attributes = SE_PRIVILEGE_REMOVED
            self.call("AdjustTokenPrivileges", token, False, buffer, 0, None, None)

    def lower_integrity(self) -> None:
        """Of this process, for good: it can write to nothing that is not marked as low."""
        sid = ctypes.c_void_p()
        self.call("ConvertStringSidToSidW", LOW_INTEGRITY, byref(sid))
        label = MandatoryLabel(sid, SE_GROUP_INTEGRITY)
        with self._token(TOKEN_ADJUST_DEFAULT) as token:
            arguments = token, TOKEN_INTEGRITY_LEVEL, byref(label), sizeof(label)
            self.call("SetTokenInformation", *arguments)
        self.raw("LocalFree", sid)
