"""The one folder a child may write in: made before it, watched while it works, removed after."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

_FILES = 10_000
"""More files than this are too many, whatever their size: counting them takes time."""


def make(folder: Path) -> None:
    folder.mkdir(mode=0o700)


def is_overfull(folder: Path, limit: int) -> bool:
    """Whether its files take more than `limit` bytes together, or are very many. What a child
    deleted and keeps open is not seen; the limits of descriptors and file size bound that."""
    size = count = 0
    for path, _, names in os.walk(folder):
        for name in names:
            count += 1
            with contextlib.suppress(OSError):  # deleted meanwhile
                size += os.lstat(os.path.join(path, name)).st_blocks * 512  # noqa: PTH118
            if size > limit or count > _FILES:
                return True
    return False


def remove(folder: Path) -> None:
    """Delete it, even if its owner has taken away its own permissions."""
    with contextlib.suppress(OSError):
        folder.rmdir()  # mostly it is empty
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for path, folders, _ in os.walk(folder):
            for name in folders:
                if not (Path(path) / name).is_symlink():
                    (Path(path) / name).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
