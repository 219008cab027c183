"""Landlock: the kernel refuses every file that is not named here, to root as well.

linux/landlock.h and Documentation/userspace-api/landlock.rst. What an older kernel does not
know is left out, as that document asks; `version` says what there is. It does not govern
the attributes of files (chmod, utime, ...): seccomp refuses to change those.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from pathlib import Path

from quizdl.proof.confine import kernel, places

assert sys.platform == "linux"

# The same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_SYM, _REFER, _TRUNCATE = 1 << 12, 1 << 13, 1 << 14
_FILE = _READ_FILE | _WRITE_FILE | _TRUNCATE
"""What can be granted on something that is not a folder."""
_READ = _READ_FILE | _READ_DIR
_WRITE = _FILE | _READ_DIR | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER


def version() -> int:
    """The kernel's Landlock ABI; 0 when it has none, or keeps it off."""
    try:
        return kernel.syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def _handled(abi: int) -> tuple[int, int, int]:
    """Bits of what is governed, all there are: of files, of TCP ports, of other processes."""
    files = 13 if abi < 2 else 14 if abi < 3 else 15 if abi < 5 else 16
    network = 0b11 if abi >= 4 else 0  # bind and connect
    scoped = 0b11 if abi >= 6 else 0  # abstract Unix sockets and signals
    return (1 << files) - 1, network, scoped


class Ruleset:
    """What a process will be allowed, once it has called `enter`."""

    def __init__(self, scratch: Path, readable: tuple[Path, ...], abi: int) -> None:
        """Raises OSError when the kernel refuses."""
        attributes = struct.pack("=QQQ", *_handled(abi))
        size = 8 if abi < 4 else 16 if abi < 6 else 24
        self._files, *_ = _handled(abi)
        self._fd = kernel.syscall(_CREATE_RULESET, attributes, size, 0)
        for path in readable:
            self._allow(path, _READ)
        for device in places.READ_DEVICES:
            self._allow(Path(device), _READ)
        for device in places.WRITE_DEVICES:
            self._allow(Path(device), _READ | _WRITE)
        self._allow(scratch, _WRITE)

    def enter(self, folder: Path) -> None:
        """`folder` may be read as well; nothing else from now on, and for good. Raises OSError
        when the kernel refuses."""
        self._allow(folder, _READ)
        kernel.syscall(_RESTRICT_SELF, self._fd, 0)
        os.close(self._fd)

    def _allow(self, path: Path, access: int) -> None:
        """Grant `access` at and below `path`; a path that is not there grants nothing."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                granted = access & self._files & (-1 if path.is_dir() else _FILE)
                rule = struct.pack("=Qi", granted, fd)  # packed: 12 bytes
                kernel.syscall(_ADD_RULE, self._fd, _RULE_PATH_BENEATH, rule, 0)
            finally:
                os.close(fd)
