"""Which bank to use. Apart from the loader, because the interface paints before it loads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def find_bank(explicit: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The bank to use: the one asked for, `QUIZDL_BANK`, or the one that came with quizdl."""
    if explicit is not None:
        return explicit
    if chosen := environ.get("QUIZDL_BANK"):
        return Path(os.path.expanduser(chosen))  # noqa: PTH111 - lets an unknown ~name stand
    return shipped_bank()


def shipped_bank() -> Path:
    """The bank that came with this quizdl: inside the installed package, or beside it in the
    checkout of an editable install. Who can write there can change quizdl itself."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_content"
    return installed if installed.is_dir() else package.parent / "content"
