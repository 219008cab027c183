"""How a child ended, in words that mean the same on every system: `exit N`, `cpu` (time is
up), `file` (one grew too large), `killed`, `crash NAME`.
"""

from __future__ import annotations

import signal

_OURS = {"SIGXCPU": "cpu", "SIGXFSZ": "file", "SIGKILL": "killed"}
_NOT_ENOUGH_QUOTA = 1816
"""Exit status of a process that used up its time under a job object (Microsoft Learn,
JOBOBJECT_BASIC_LIMIT_INFORMATION, PerProcessUserTimeLimit)."""
_NO_MEMORY = (0xC0000017, 0xC000012D)
"""STATUS_NO_MEMORY, STATUS_COMMITMENT_LIMIT (MS-ERREF 2.3.1)."""
_FATAL = 0xC0000000
"""NTSTATUS values from here on are errors (MS-ERREF 2.3); Windows ends with one what crashed."""


def of_posix(code: int) -> str:
    """`code` as subprocess and os.waitstatus_to_exitcode give it: negative for a signal."""
    if code >= 0:
        return f"exit {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return _OURS.get(name, f"crash {name}")


def of_windows(code: int) -> str:
    """`code` as GetExitCodeProcess gives it, from 0 to 2³² - 1."""
    if code == _NOT_ENOUGH_QUOTA:
        return "cpu"
    if code in _NO_MEMORY:
        return "killed"
    return f"crash 0x{code:08X}" if code >= _FATAL else f"exit {code}"
