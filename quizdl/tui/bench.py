"""What the screens need to prove things, handed from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quizdl.bank.copies import Copies
    from quizdl.proof.pool import Pool


@dataclass(frozen=True, slots=True)
class Bench:
    pool: Pool
    copies: Copies
    predict: bool = False
    """Ask before the first run of a proof."""
