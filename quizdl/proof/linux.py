"""What only Linux can do for us: prctl(2) and seccomp(2), called through ctypes.

Imported by the server before it forks, never by the parent.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
from collections.abc import Iterator

# linux/prctl.h, linux/seccomp.h
_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

# (AUDIT_ARCH of linux/audit.h, number of socket(2)) by machine
_ARCHITECTURES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_IO_URING_SETUP = 425  # on every architecture; a ring can open sockets without socket(2)
_X32_BIT = 0x40000000  # x86_64's second set of numbers for the same calls

_LIBC = ctypes.CDLL(None)


def _prctl(option: int, *arguments: int) -> bool:
    """Whether the kernel did as asked."""
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    return bool(_LIBC.prctl(option, *values) == 0)


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Ask to be killed when `parent`, the process that forked this one, ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def refuse_network() -> None:
    """From now on socket(2) fails with EPERM, here and in every program started from here.

    Does nothing on machines other than x86_64 and aarch64, and in a 32-bit Python.
    """
    if _PROGRAM and _prctl(_PR_SET_NO_NEW_PRIVS, 1):
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(_PROGRAM))


def _filter(audit_arch: int, socket_call: int) -> Iterator[bytes]:
    """Classic BPF over struct seccomp_data { int nr; __u32 arch; ... } (linux/seccomp.h)."""
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EPERM

    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)  # struct sock_filter

    yield instruction(load, 4)  # arch
    yield instruction(equal, audit_arch, if_false=5)
    yield instruction(load, 0)  # nr
    yield instruction(at_least, _X32_BIT, if_true=3)
    yield instruction(equal, socket_call, if_true=2)
    yield instruction(equal, _IO_URING_SETUP, if_true=1)
    yield instruction(answer, allow)
    yield instruction(answer, refuse)


_ARCHITECTURE = _ARCHITECTURES.get(os.uname().machine) if struct.calcsize("P") == 8 else None
_INSTRUCTIONS = b"".join(_filter(*_ARCHITECTURE)) if _ARCHITECTURE else b""
_CODE = ctypes.create_string_buffer(_INSTRUCTIONS, len(_INSTRUCTIONS))
# struct sock_fprog { unsigned short len; struct sock_filter *filter; }
_FPROG = struct.pack("HP", len(_INSTRUCTIONS) // 8, ctypes.addressof(_CODE))
_PROGRAM = ctypes.create_string_buffer(_FPROG, len(_FPROG)) if _ARCHITECTURE else None
