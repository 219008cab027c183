"""Small files that several quizdl may change at the same time.

Whoever changes one holds the lock of its folder, writes the new text beside it and renames it
over the old: a reader sees the old one or the new one, and a process killed anywhere, or a disk
that is full, leaves one of them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait for the lock of `folder` and hold it; the system drops it with the process."""
    with (folder / ".lock").open("a") as file:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # OSError after ten seconds
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def replace_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Put `text` in the place of `path`, or raise OSError and leave what was there. The caller
    holds the lock.

    `durable`: not before it is on the disk; with the permissions of the old file.
    """
    beside = path.with_name(f".{path.name}")  # one name will do: nobody else writes now
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if durable and path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
