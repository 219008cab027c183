"""What the screens of an interview need, handed from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quizdl.interview.drafts import Drafts
    from quizdl.proof.pool import Pool
    from quizdl.proof.receipts import Receipts
    from quizdl.session import Library


@dataclass(frozen=True, slots=True)
class Room:
    library: Library
    topics: Mapping[str, str]
    """Titles by id."""
    drafts: Drafts
    receipts: Receipts
    pool: Pool
    clock: Callable[[], datetime]
