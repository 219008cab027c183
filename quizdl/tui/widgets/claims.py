"""The claims of an answer: each with its state, and its numbers as they arrive."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from quizdl import render
from quizdl.model import Claim, ClaimResult, Sample
from quizdl.proof.judge import measure
from quizdl.proof.report import MARKS, measure_lines, result_lines
from quizdl.render.text import Line, Span, wrap
from quizdl.tui.widgets.lines import Lines
from quizdl.words import say

_INDENT = Span("  ")


class Stage(enum.Enum):
    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


_MARKS = {
    Stage.IDLE: "○",
    Stage.QUEUED: "◌",
    Stage.RUNNING: "◐",
    Stage.CANCELLED: "○",
}


class ClaimRow(Lines, can_focus=True):
    """One claim. Enter or a click asks for its proof."""

    BINDINGS = [Binding("enter", "run", say("tui.key.prove_one"), show=True)]  # noqa: RUF012

    class Wanted(Message):
        """The learner wants the proof of one claim."""

        def __init__(self, claim: str) -> None:
            super().__init__()
            self.claim = claim

    def __init__(self, claim: Claim) -> None:
        super().__init__(id=f"claim-{claim.id}")
        self.claim = claim
        self._samples: list[Sample] = []
        self._runs = 0
        self._result: ClaimResult | None = None
        self.stage = Stage.IDLE

    @property
    def mark(self) -> str:
        return MARKS[self._result.verdict] if self._result else _MARKS[self.stage]

    def queue(self, runs: int) -> None:
        """Proof asked for; `runs` results will follow. What an earlier run gave is gone."""
        self._samples, self._runs, self._result = [], runs, None
        self._enter(Stage.QUEUED)

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)
        self._enter(Stage.RUNNING)

    def finish(self, result: ClaimResult) -> None:
        self._result = result
        self._enter(Stage.DONE)

    def cancel(self) -> None:
        if self.stage in (Stage.QUEUED, Stage.RUNNING):
            self._enter(Stage.CANCELLED)

    def layout_lines(self, width: int) -> list[Line]:
        text = render.inline(self.claim.text)
        if self._result is not None:
            return result_lines(self._result, text, width)
        note = ""
        if self.stage is Stage.RUNNING:
            note = say("tui.claim.running", done=len(self._samples), runs=self._runs)
        elif self.stage in (Stage.QUEUED, Stage.CANCELLED):
            note = say(f"tui.claim.{self.stage.value}")
        lines = wrap((Span(self.mark + " ", "muted"), *text, Span(f"  {note}", "muted")), width)
        if self._samples:
            numbers = measure_lines(measure(self.claim, self._samples), width - 2)
            lines += [(_INDENT, *line) for line in numbers]
        return lines

    def action_run(self) -> None:
        self.post_message(self.Wanted(self.claim.id))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if self.text_selection is None:
            self.action_run()

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self.set_class(stage in (Stage.QUEUED, Stage.RUNNING), "-running")
        self.changed()


class ClaimsPanel(Vertical):
    """All claims of the answer on screen."""

    def __init__(self) -> None:
        super().__init__()
        self._claims: Sequence[Claim] | None = None
        self._showing = asyncio.Lock()

    def compose(self) -> ComposeResult:
        yield Static(id="claims-title")

    def reset(self) -> None:
        """What is up belongs to the past, even if the same claims come again."""
        self._claims = None

    async def show(self, claims: Sequence[Claim]) -> None:
        """Put up a row for each claim; nothing to do when they are up since `reset`."""
        async with self._showing:
            if claims is self._claims:
                return
            self._claims = claims
            title = say("tui.claims.title", count=len(claims))
            self.query_one("#claims-title", Static).update(title)
            await self.query(ClaimRow).remove()
            await self.mount_all(ClaimRow(claim) for claim in claims)

    def row(self, claim_id: str) -> ClaimRow | None:
        return next((row for row in self.rows() if row.claim.id == claim_id), None)

    def rows(self) -> Iterable[ClaimRow]:
        return self.query(ClaimRow)

    def marks(self) -> dict[str, str]:
        """The sign before each claim's sentence in the answer."""
        return {row.claim.id: row.mark + " " for row in self.rows()}
