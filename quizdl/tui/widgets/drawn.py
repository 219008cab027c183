"""Widgets that draw lines laid out by render/, in the colours of the theme.

Both kinds here have a place on the screen that does not depend on what they show, so that
showing something else is one repaint and never a layout: that is what makes a key feel instant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.widget import Widget

from quizdl.render.text import Line, clip
from quizdl.tui.themes import NO_COLOR

CLAIM = "demo.py#"
"""How the link of a claim's sentence begins."""
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
    "key": "bold $footer-key-foreground",
    "off": "$text-disabled",
    "edge": "$surface-lighten-2",
    "edge.running": "$warning",
    "chosen": "on $boost",
    "series.1": "$text-primary",
    "series.2": "$text-warning",
    "series.3": "$text-accent",
    "series.4": "$text-secondary",
    "series.5": "$text-success",
    "series.6": "$text-error",
    "axis": "$text-muted",
    "rule.bound": "bold",
    "heat": "$text-primary",
    "rating.again": "$error-lighten-1",
    "rating.hard": "$warning",
    "rating.good": "$success-lighten-1",
    "rating.easy": "$primary-lighten-2",
}
COLOURLESS = {
    **dict.fromkeys(LOOKS, ""),
    **{name: look for name, look in LOOKS.items() if "$" not in look},
    **dict.fromkeys(("heading", "heading2", "code.keyword", "key", "good", "edge.running"), "bold"),
    **dict.fromkeys((name for name in LOOKS if name.startswith(("verdict.", "rating."))), "bold"),
    **dict.fromkeys(("muted", "quote", "rule", "off", "edge", "axis", "code.comment"), "dim"),
    "bad": "bold underline",
    "control": "italic",
    "chosen": "reverse",
}
"""The same without a colour: weight, lines and reverse; signs stand in the texts themselves."""


class Drawn(Widget):
    """Turns lines into strips of cells."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._style_of = lru_cache(maxsize=256)(self._find_style)

    def strip(self, line: Line, looks: str = "") -> Strip:
        """`line` as cells; `looks` are styles for the whole of it."""
        return Strip(
            Segment(span.text, self._style_of(f"{looks} {span.style}", span.link)) for span in line
        )

    def notify_style_update(self) -> None:
        self._style_of.cache_clear()
        super().notify_style_update()

    def _find_style(self, names: str, link: str) -> Style:
        style = self.visual_style
        looks = COLOURLESS if self.app.theme == NO_COLOR else LOOKS
        claim = link.startswith(CLAIM)
        for name in (*names.split(), *(["claim"] if claim else ())):
            if name in looks:
                style += VisualStyle.parse(_VARIABLE.sub(self._value, looks[name]))
        meta = Style.from_meta({"claim": link.removeprefix(CLAIM)}) if claim else Style.null()
        return style.rich_style + meta

    def _value(self, variable: re.Match[str]) -> str:
        """What the theme says: `Style.parse` knows variables, but loses the 60% of `auto 60%`."""
        return self.app.theme_variables[variable[1]]


class Band(Drawn):
    """Lines in a fixed place: as many as the style sheet gives it rows, each as long as there is
    room; the rest is not shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._shown: Sequence[Line] = ()

    def show(self, *lines: Line) -> None:
        if lines != self._shown:
            self._shown = lines
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        line = self._shown[y] if y < len(self._shown) else ()
        return self.strip(clip(line, width)).adjust_cell_length(width, self.rich_style)
