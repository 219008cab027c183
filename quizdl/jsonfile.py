"""Small JSON documents in the data folder that several quizdl may change at the same time.

A change is made under a lock, written beside the document and renamed over it: a reader sees
the old one or the new one, a process killed anywhere leaves one of them, and no change is lost.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

Document: TypeAlias = dict[str, Any]


def read(path: Path) -> Document:
    """What `path` holds; empty when that is missing, unreadable or no JSON object."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def change(path: Path, changed: Callable[[Document], Document]) -> None:
    """Put `changed(what it holds)` in the place of `path`, and make its folder when missing.

    Raises OSError when it cannot be written; the document is then what it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.parent / ".lock"):
        text = json.dumps(changed(read(path)), ensure_ascii=False, indent=1)
        beside = path.with_name(f".{path.name}")  # one name will do: nobody else writes now
        beside.write_text(text + "\n", "utf-8")
        beside.replace(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for the lock and hold it; the system drops it with the process."""
    with path.open("a") as file:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # OSError after ten seconds
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
