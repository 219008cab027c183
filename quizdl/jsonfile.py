"""Small JSON documents in the data folder that several quizdl may change at the same time.

No change is lost: it is made under a lock, from what the document holds by then.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from quizdl.replacing import locked, replace_text

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
    with locked(path.parent):
        text = json.dumps(changed(read(path)), ensure_ascii=False, indent=1)
        replace_text(path, text + "\n")
