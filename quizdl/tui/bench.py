"""What the screens need to prove things, handed from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quizdl.bank.copies import Copies
    from quizdl.model import Question
    from quizdl.proof.pool import Pool
    from quizdl.proof.receipts import Receipts


@dataclass(frozen=True, slots=True)
class Bench:
    pool: Pool
    copies: Copies
    receipts: Receipts
    admit: Callable[[Question, str], None]
    """Says of a source that it is the learner's own edit of a question's demo."""
