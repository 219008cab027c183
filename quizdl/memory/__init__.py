"""What the learner remembers: the schedule, the queue, and the store that keeps the log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from quizdl.model import Card

if TYPE_CHECKING:
    from quizdl.memory.store import Store

__all__ = ["Stale", "open_store"]


class Stale(Exception):  # noqa: N818 - news, not an error
    """Another quizdl changed the card meanwhile; nothing was written. `card` is as it is now."""

    def __init__(self, card: Card | None) -> None:
        super().__init__(card)
        self.card = card


def open_store(path: Path) -> Store:
    """The database at `path`, made if there is none. Imports SQLAlchemy.

    Raises QuizdlError when the file cannot be used: see quizdl.memory.store.
    """
    from quizdl.memory.store import Store

    return Store(path)
