"""The doors to the Linux kernel that Python has no handle for, opened with ctypes.

Imported by the server and its children only.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

assert sys.platform == "linux"

_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h

_LIBC = ctypes.CDLL(None, use_errno=True)

MACHINE = os.uname().machine if struct.calcsize("P") == 8 else ""
"""Whose system call numbers hold; empty in a 32-bit Python."""


def prctl(option: int, *arguments: int) -> bool:
    """Whether the kernel did as asked."""
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    return bool(_LIBC.prctl(option, *values) == 0)


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """Raises OSError when the kernel refuses. Bytes are passed by address."""
    values = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    result = int(_LIBC.syscall(ctypes.c_long(number), *values))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def no_new_privileges() -> bool:
    """Give up setuid programs for good; without this the kernel takes no filter from a user."""
    return prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> bool:
    """Leave root its name only: mount, mknod, reboot and the like are refused from now on."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    return bool(_LIBC.capset(header, bytes(24)) == 0)
