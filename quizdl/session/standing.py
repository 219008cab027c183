"""How things stand with what is remembered: a question today, the workload to come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quizdl.memory import scheduler, workload
from quizdl.memory.queue import Memory
from quizdl.memory.workload import Habits, Workload
from quizdl.model import Mark, State
from quizdl.search import Remembered
from quizdl.settings import Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """How a question stands on a study day."""

    state: State | None
    """None: new."""
    due_in: int
    """Study days until it is due, negative when overdue; 0 for a new one."""
    recall: float | None
    """Probability that it would be recalled, by FSRS; None for a new one."""
    mark: Mark
    buried: bool


def standing(question: str, remembered: Remembered) -> Standing:
    """How the question of that id stands on the day of `remembered`."""
    card, mark = remembered.cards.get(question), remembered.marks.get(question, Mark())
    return Standing(
        state=card.state if card else None,
        due_in=card.due_day - remembered.day if card else 0,
        recall=scheduler.retrievability(card, remembered.day) if card else None,
        mark=mark,
        buried=mark.buried_until > remembered.day,
    )


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that is remembered at one moment, to weigh settings by. In any thread."""

    order: Sequence[str]
    memory: Memory
    habits: Habits

    def under(
        self, settings: Settings, wanted: Callable[[], bool] = lambda: True
    ) -> Workload | None:
        """What the coming 30 days would ask; takes up to a second. None: no longer `wanted`."""
        return workload.expect(self.order, self.memory, self.habits, settings, wanted=wanted)
