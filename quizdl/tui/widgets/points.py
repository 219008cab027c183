"""The key points of an answer as blocks, each of which can be ticked; and what one had to say."""

from __future__ import annotations

from quizdl.bank.sections import KeyPoint
from quizdl.render.cells import cells
from quizdl.render.text import Line, Span, wrap
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.sheet import Block
from quizdl.words import say

KEY = "point:"
"""How the key of such a block begins; the number follows."""
_BULLET = "• "
_QUOTE = Span("│ ", "quote")


class PointBlock(Page):
    """One key point. It looks like any list item until it is to be ticked."""

    edged = False

    def __init__(self, number: int, point: KeyPoint, markdown: str, *, last: bool) -> None:
        super().__init__(markdown)
        self.point = point
        self.number, self.key, self.tight = number, f"{KEY}{number}", not last
        self.ticking = self.told = self.missed = False
        """`missed`: it was not told when the question was last asked."""

    def lay_out(self, width: int) -> list[Line]:
        lead = Span(_BULLET)
        if self.ticking:
            box = "[✓]" if self.told else "[ ]"
            lead = Span(f"{box} {self.number} ", "good" if self.told else "strong")
        room = cells(lead.text)
        lines = super().lay_out(width - room)
        if self.ticking and self.missed:
            lines = [*lines, *wrap((Span(say("tui.points.missed"), "bad"),), width - room)]
        return [(lead if not n else Span(" " * room), *line) for n, line in enumerate(lines)]


class TextBlock(Block):
    """A text of the learner's own under a heading: what they said, or noted."""

    edged = False

    def __init__(self, heading: str, text: str) -> None:
        self.key = f"text:{heading}"
        self._heading, self._text = heading, text

    def lay_out(self, width: int) -> list[Line]:
        spans = tuple(
            span
            for n, line in enumerate(self._text.strip().split("\n"))
            for span in ((Span("\n"),) * (n > 0) + (Span(line),))
        )
        lines = wrap(spans, max(1, width - cells(_QUOTE.text)))
        return [(Span(self._heading, "muted"),), *((_QUOTE, *line) for line in lines)]
