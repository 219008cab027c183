"""A widget that draws lines laid out by render/ for exactly its own width."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from quizdl.render.cells import cells
from quizdl.render.text import Line, plain

CLAIM = "demo.py#"

# Semantic style names of render/ that have a component class of the same name.
NAMES = (
    "heading",
    "heading2",
    "heading3",
    "strong",
    "em",
    "strike",
    "code",
    "math",
    "link",
    "muted",
    "quote",
    "rule",
    "good",
    "bad",
    "control",
    "claim",
    "verdict.proved",
    "verdict.not_proved",
    "verdict.error",
    "verdict.timeout",
    "verdict.limit",
    "verdict.true",
    "verdict.part",
    "verdict.loose",
    "verdict.false",
    "code.keyword",
    "code.name",
    "code.function",
    "code.string",
    "code.number",
    "code.comment",
    "code.operator",
    "code.builtin",
)


class Lines(Widget):
    """Base of everything that shows laid-out text. Subclasses give `layout_lines(width)`."""

    COMPONENT_CLASSES = {f"lines--{name.replace('.', '-')}" for name in NAMES}  # noqa: RUF012
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
        style = self.rich_style
        if link.startswith(CLAIM):
            names = f"{names} claim"
            style += Style.from_meta({"claim": link.removeprefix(CLAIM)})
        for name in names.split():
            if name in NAMES:
                style += self._component(f"lines--{name.replace('.', '-')}")
        return style

    def _component(self, name: str) -> Style:
        """Only what the style sheet says of this name, so that names can be combined. Its
        colour is taken blended with what lies below: `auto` and translucent ones need that."""
        part = self.get_component_rich_style(name, partial=True)
        rules = self.get_component_styles(name)
        if rules.has_rule("auto_color") or rules.has_rule("color"):
            part += Style(color=self.get_component_rich_style(name).color)
        return part
