"""The claims of an answer as blocks: each with its state, and its numbers as they arrive."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from quizdl import render
from quizdl.model import Claim, ClaimResult, Forecast, Guess, Prompt, Sample, Verdict
from quizdl.proof.gallery import figure_block
from quizdl.proof.judge import measure
from quizdl.proof.report import MARKS, forecast_lines, measure_lines, result_lines
from quizdl.proof.score import score
from quizdl.render.text import Line, Span, wrap
from quizdl.tui.widgets.sheet import Block
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


class ClaimsTitle(Block):
    """Stands above the claims: how many there are, and what to press."""

    def __init__(self, text: str) -> None:
        self._text = text

    def lay_out(self, width: int) -> list[Line]:
        return wrap((Span(self._text, "muted"),), width)


class ClaimBlock(Block):
    """One claim, from idle to judged."""

    def __init__(self, claim: Claim) -> None:
        self.claim, self.key = claim, claim.id
        self.stage = Stage.IDLE
        self._samples: list[Sample] = []
        self._runs = 0
        self._result: ClaimResult | None = None
        self._prediction: tuple[Sequence[Prompt], Sequence[Guess]] | None = None
        self.forecasts: Sequence[Forecast] = ()
        self.receipt = ""
        """What an earlier proof of this claim left, in words."""

    @property
    def mark(self) -> str:
        return MARKS[self._result.verdict] if self._result else _MARKS[self.stage]

    @property
    def verdict(self) -> Verdict | None:
        return self._result.verdict if self._result else None

    @property
    def running(self) -> bool:  # type: ignore[override]
        return self.stage in (Stage.QUEUED, Stage.RUNNING)

    @property
    def waiting(self) -> bool:
        """A prediction was made, and what comes of it is not known yet."""
        return self._prediction is not None and self.running

    def expect(self, prompts: Sequence[Prompt], guesses: Sequence[Guess]) -> None:
        """The learner's prediction of the run to come."""
        self._prediction = prompts, guesses

    def queue(self, runs: int) -> None:
        """Proof asked for; `runs` results will follow. What an earlier run gave is gone."""
        self._samples, self._runs, self._result = [], runs, None
        self.stage = Stage.QUEUED

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)
        self.stage = Stage.RUNNING

    def finish(self, result: ClaimResult) -> None:
        self._result = result
        self.stage = Stage.DONE
        if self._prediction is not None:  # of the first run; a later one is no news
            self.forecasts = score(*self._prediction, self._samples)
            self._prediction = None

    def cancel(self) -> None:
        if self.running:
            self.stage = Stage.CANCELLED

    def lay_out(self, width: int) -> list[Line]:
        text = render.inline(self.claim.text)
        if self._result is not None:
            lines = result_lines(self._result, text, width)
            forecasts = forecast_lines(self.forecasts, width - 2)
            figures = figure_block(self._result.figures, width - 2)
            return [*lines, *((_INDENT, *line) for line in (*forecasts, *figures))]
        note = ""
        if self.stage is Stage.RUNNING:
            note = say("tui.claim.running", done=len(self._samples), runs=self._runs)
        elif self.stage in (Stage.QUEUED, Stage.CANCELLED):
            note = say(f"tui.claim.{self.stage.value}")
        lines = wrap((Span(self.mark + " ", "muted"), *text, Span(f"  {note}", "muted")), width)
        if self.receipt and self.stage is Stage.IDLE:
            lines += [(_INDENT, *line) for line in wrap((Span(self.receipt, "muted"),), width - 2)]
        if self._samples:
            numbers = measure_lines(measure(self.claim, self._samples), width - 2)
            lines += [(_INDENT, *line) for line in numbers]
        return lines
