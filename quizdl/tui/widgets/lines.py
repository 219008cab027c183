"""A widget that draws lines laid out by render/ for exactly its own width."""

from __future__ import annotations

import re
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.widget import Widget

from quizdl.render.cells import cells
from quizdl.render.text import Line, plain

CLAIM = "demo.py#"
_VARIABLE = re.compile(r"\$([\w-]+)")

# What the semantic style names of render/ look like, in theme colours. Not component classes:
# Textual would match every one of them against the whole style sheet for every widget anew.
LOOKS = {
    "heading": "bold $text-primary",
    "heading2": "bold $text-accent",
    "heading3": "bold",
    "strong": "bold",
    "em": "italic",
    "strike": "strike",
    "code": "$text-secondary",
    "math": "$text-warning",
    "link": "underline",
    "muted": "$text-muted",
    "quote": "$text-muted",
    "rule": "$text-disabled",
    "good": "$text-success",
    "bad": "$text-error",
    "control": "$text-secondary",
    "claim": "underline",
    "verdict.proved": "bold $text-success",
    "verdict.not_proved": "bold $text-error",
    "verdict.error": "bold $text-error",
    "verdict.timeout": "bold $text-warning",
    "verdict.limit": "bold $text-warning",
    "verdict.true": "bold $text-success",
    "verdict.part": "bold $text-warning",
    "verdict.loose": "bold $text-warning",
    "verdict.false": "bold $text-error",
    "code.keyword": "$text-accent",
    "code.name": "$foreground",
    "code.function": "$text-primary",
    "code.string": "$text-success",
    "code.number": "$text-warning",
    "code.comment": "italic $text-muted",
    "code.operator": "$text-muted",
    "code.builtin": "$text-primary",
}


class Lines(Widget):
    """Base of everything that shows laid-out text. Subclasses give `layout_lines(width)`."""

    LONGEST = 92
    """Cells of the longest line: longer ones are tiring to read."""

    class ClaimClicked(Message):
        """The sentence of a claim was clicked."""

        def __init__(self, claim: str) -> None:
            super().__init__()
            self.claim = claim

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._laid_out: tuple[int, list[Line]] | None = None
        self._style_of = lru_cache(maxsize=256)(self._find_style)

    def layout_lines(self, width: int) -> list[Line]:
        raise NotImplementedError

    def changed(self) -> None:
        """What is shown is no longer what `layout_lines` gives: lay out and draw again."""
        self._laid_out = None
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render_line(self, y: int) -> Strip:
        lines = self._lines(self.content_size.width)
        line = lines[y] if y < len(lines) else ()
        strip = Strip(Segment(span.text, self._style_of(span.style, span.link)) for span in line)
        if (selection := self.text_selection) is not None:
            strip = self._highlighted(strip, selection.get_span(y))
        strip = strip.adjust_cell_length(self.content_size.width, self.rich_style)
        return strip.apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """What the mouse has marked, as plain text to be copied."""
        return selection.extract(plain(self._lines(self.content_size.width))), "\n"

    def notify_style_update(self) -> None:
        self._style_of.cache_clear()
        super().notify_style_update()

    def on_click(self, event: events.Click) -> None:
        claim = event.style.meta.get("claim")
        if claim and self.text_selection is None:
            event.stop()
            self.post_message(self.ClaimClicked(claim))

    def _highlighted(self, strip: Strip, span: tuple[int, int] | None) -> Strip:
        if span is None:
            return strip
        text, (start, end) = strip.text, span
        before = cells(text[:start])
        marked = cells(text[start:] if end == -1 else text[start:end])
        style = self.screen.get_component_rich_style("screen--selection")
        parts = strip.divide([before, before + marked, strip.cell_length])
        return Strip.join([parts[0], parts[1].apply_style(style), *parts[2:]])

    def _lines(self, width: int) -> list[Line]:
        width = max(1, min(width, self.LONGEST))
        if self._laid_out is None or self._laid_out[0] != width:
            self._laid_out = width, self.layout_lines(width)
        return self._laid_out[1]

    def _find_style(self, names: str, link: str) -> Style:
        style = self.visual_style
        claim = link.startswith(CLAIM)
        for name in (*names.split(), *(["claim"] if claim else ())):
            if name in LOOKS:
                style += VisualStyle.parse(_VARIABLE.sub(self._value, LOOKS[name]))
        meta = Style.from_meta({"claim": link.removeprefix(CLAIM)}) if claim else Style.null()
        return style.rich_style + meta

    def _value(self, variable: re.Match[str]) -> str:
        """What the theme says: `Style.parse` knows variables, but loses the 60% of `auto 60%`."""
        return self.app.theme_variables[variable[1]]
