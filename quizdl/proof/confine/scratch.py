"""The one folder a child may write in: made before it, watched while it works, removed after.

One that was left as it was found serves the next child: on a busy disk to make and to remove a
folder may take longer than the whole run of a small demo.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from pathlib import Path

_MODE = 0o700
_FILES = 10_000
"""More files than this are too many, whatever their size: counting them takes time."""


def make(folder: Path) -> None:
    if sys.platform == "win32":
        folder.mkdir()  # with a mode it would not inherit what its parent allows a child
    else:
        folder.mkdir(mode=_MODE)


def is_as_made(folder: Path) -> bool:
    """Whether it is empty, and still the folder that was made."""
    with contextlib.suppress(OSError):
        mode = folder.lstat().st_mode
        return stat.S_ISDIR(mode) and stat.S_IMODE(mode) == _MODE and not any(folder.iterdir())
    return False


def is_overfull(folder: Path, limit: int) -> bool:
    """Whether its files take more than `limit` bytes together, or are very many. What a child
    deleted and keeps open is not seen; the limits of descriptors and file size bound that."""
    size = count = 0
    for path, _, names in os.walk(folder):
        for name in names:
            count += 1
            with contextlib.suppress(OSError):  # deleted meanwhile
                size += _size(os.lstat(os.path.join(path, name)))  # noqa: PTH118
            if size > limit or count > _FILES:
                return True
    return False


def _size(status: os.stat_result) -> int:
    """Bytes on the disk."""
    if sys.platform == "win32":
        return status.st_size
    return status.st_blocks * 512


def remove(folder: Path) -> None:
    """Delete it, even if its owner has taken away its own permissions."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for path, folders, _ in os.walk(folder):
            for name in folders:
                if not (Path(path) / name).is_symlink():
                    (Path(path) / name).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
