"""A scrolling sheet of blocks: the question, its answer, each of its claims."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from quizdl.render.cells import cells
from quizdl.render.text import Line, Span, plain
from quizdl.tui.widgets.drawn import Drawn

LONGEST = 92
"""Cells of the longest line: longer ones are tiring to read."""
_MARGIN = Span("  ")
_EDGE = "▎ "
_RULE = "│"
_THUMB = "▐"
_WHEEL = 3  # rows a turn of the wheel
_KEPT = 4000  # strips; beyond it a window has been resized for long


class Block:
    """A part of a sheet. With a `key` it can be chosen and clicked, and has an edge."""

    key = ""
    edged = True
    """Whether one with a key has its edge drawn."""
    running = False
    tight = False
    """No blank line stands below it."""

    def lay_out(self, width: int) -> list[Line]:
        raise NotImplementedError


def _edge(block: Block) -> str:
    return _EDGE if block.key and block.edged else ""


_Rows = list[tuple[Block | None, Line]]


class Sheet(Drawn, can_focus=False):
    """Draws its blocks one below the other, a blank line between them.

    It scrolls by itself and has no padding: a ScrollView lays out the whole screen anew when
    its text grows, and Textual cuts every line at the edges of scrollbar and padding, which
    together took longer than all the drawing.
    """

    class Clicked(Message):
        """A block, or the sentence of a claim, was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, ruled: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._ruled = ruled
        """Whether a line runs down its left side as long as it shows anything."""
        self._blocks: Sequence[Block] = ()
        self._laid_out: dict[Block, list[Line]] = {}
        self._rows: _Rows = []
        self._strips: dict[tuple[int, Line, bool, bool], Strip] = {}
        self._width = 0
        self._chosen = ""
        self._top = 0
        self._read: tuple[Block, int, float] | None = None
        """What is in sight, see `_place`; kept until somebody scrolls."""
        self._held = False

    # --- what is shown

    def show(self, *blocks: Block, top: bool = True) -> None:
        """These and no others; from the top, or where it was scrolled to."""
        self._blocks, self._chosen = blocks, ""
        self._laid_out = {b: lines for b, lines in self._laid_out.items() if b in blocks}
        if top:
            self._top, self._read = 0, None
        self._stack(keep=not top)

    def changed(self, *blocks: Block) -> None:
        """These no longer lay out as before."""
        for block in blocks:
            self._laid_out.pop(block, None)
        self._stack()

    def prepare(self, *blocks: Block) -> None:
        """Make ready what `show` will be given next, so that it has only to be painted."""
        rows = self._arrange(blocks)
        for row in range(self._top, min(len(rows), self._top + self.size.height)):
            self._strip(row, rows)

    @property
    def text_width(self) -> int:
        """Cells that a block without an edge is laid out for."""
        return max(1, min(self.size.width - 2 * cells(_MARGIN.text), LONGEST))

    # --- scrolling and choosing

    def scroll_rows(self, rows: int) -> None:
        self._go(self._top + rows)

    def scroll_pages(self, pages: int) -> None:
        self._go(self._top + pages * max(1, self.size.height - 2))

    def scroll_edge(self, *, end: bool) -> None:
        self._go(len(self._rows) if end else 0)

    @property
    def chosen(self) -> str:
        return self._chosen

    def choose(self, key: str, *, reveal: bool = True) -> None:
        """Mark the block `key` and bring it into sight; "" marks none."""
        self._chosen = key
        self.refresh()
        if key and reveal:
            self.reveal(key)

    def reveal(self, key: str, *, top: bool = False) -> None:
        """Scroll no further than needed to see the block `key`, or until it is at the top."""
        rows = [row for row, (block, _) in enumerate(self._rows) if block and block.key == key]
        if not rows:
            return
        first, end = rows[0] - 1, rows[-1] + 2  # with the blank lines around it
        if top or first < self._top:
            self._go(first)
        elif end > self._top + self.size.height:
            self._go(min(first, end - self.size.height))

    def _go(self, row: int) -> None:
        top = max(0, min(row, len(self._rows) - self.size.height))
        if top != self._top:
            self._top, self._read = top, None
            self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(_WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-_WHEEL)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.x == self.size.width - 1 and len(self._rows) > self.size.height:
            event.stop()
            self._held = True
            self.capture_mouse()
            self._drag(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._held:
            self._drag(event.y)

    def on_mouse_up(self) -> None:
        if self._held:
            self._held = False
            self.release_mouse()

    def _drag(self, y: int) -> None:
        hidden = len(self._rows) - self.size.height
        self._go(round(hidden * y / max(1, self.size.height - 1)))

    # --- drawing

    def render_line(self, y: int) -> Strip:
        row = self._top + y
        strip = self._strip(row, self._rows)
        if (selection := self.text_selection) is not None:
            strip = self._highlighted(strip, selection.get_span(row)).apply_offsets(0, row)
        return strip

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """What the mouse has marked, as plain text to be copied."""
        text = selection.extract(plain(self._line(*row) for row in self._rows))
        lines = (line.removeprefix(_RULE).strip().removeprefix(_EDGE) for line in text.split("\n"))
        return "\n".join(lines), "\n"

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def on_resize(self) -> None:
        self._strips.clear()
        self._stack(keep=True)

    def on_click(self, event: events.Click) -> None:
        if self.text_selection is not None or event.x == self.size.width - 1:
            return
        key = event.style.meta.get("claim")
        if not key and (row := self._top + event.y) < len(self._rows):
            block = self._rows[row][0]
            key = block.key if block else ""
        if key:
            event.stop()
            self.post_message(self.Clicked(key))

    def _stack(self, *, keep: bool = False) -> None:
        """Make rows of the blocks; `keep` in sight what is read, whatever stands above it now."""
        if self.size.width:  # else not on screen yet; the resize will come back here
            if keep and self._read is None:
                self._read = self._place()
            self._rows = self._arrange(self._blocks)
            if keep and self._read is not None:
                self._take_place(*self._read)
            self._top = max(0, min(self._top, len(self._rows) - self.size.height))
            self.refresh()

    def _place(self) -> tuple[Block, int, float] | None:
        """What is being read: the first block in sight, how many rows of it are above, and what
        share of it that is; None at the very top."""
        block = next((block for block, _ in self._rows[self._top :] if block), None)
        if block is None or not self._top:
            return None
        mine = self._rows_of(block)
        above = self._top - mine[0]
        return block, above, above / len(mine)

    def _take_place(self, block: Block, above: int, share: float) -> None:
        """Have the same in sight, in other lines."""
        if mine := self._rows_of(block):
            self._top = mine[0] + (above if above < 0 else round(share * len(mine)))

    def _rows_of(self, block: Block) -> list[int]:
        return [row for row, (each, _) in enumerate(self._rows) if each is block]

    def _arrange(self, blocks: Sequence[Block]) -> _Rows:
        if self._width != self.text_width:
            self._laid_out.clear()
            self._width = self.text_width
        rows: _Rows = [(None, ())] * bool(blocks)
        for block in blocks:
            if block not in self._laid_out:
                self._laid_out[block] = block.lay_out(self._width - cells(_edge(block)))
            rows += [(block, line) for line in self._laid_out[block]]
            if not block.tight:
                rows.append((None, ()))
        return rows

    def _line(self, block: Block | None, line: Line) -> Line:
        if block is not None and _edge(block):
            line = (Span(_EDGE, "edge.running" if block.running else "edge"), *line)
        return (Span(_RULE, "edge"), Span(" "), *line) if self._ruled else (_MARGIN, *line)

    def _strip(self, row: int, rows: _Rows) -> Strip:
        block, line, shown = *(rows[row] if row < len(rows) else (None, ())), bool(rows)
        line = self._line(block, line) if shown else ()
        chosen = block is not None and block.key == self._chosen != ""
        thumb = row - self._top in self._thumb(len(rows))
        key = (row, line, chosen, thumb)
        if key not in self._strips:
            if len(self._strips) > _KEPT:
                self._strips.clear()
            self._strips[key] = self._draw(line, chosen, thumb).apply_offsets(0, row)
        return self._strips[key]

    def _draw(self, line: Line, chosen: bool, thumb: bool) -> Strip:
        looks, width = "chosen" if chosen else "", self.size.width - cells(_THUMB)
        strip = self.strip(line, looks).adjust_cell_length(width, self._style_of(looks, ""))
        style = self._style_of("edge" if thumb else "", "")
        return Strip([*strip, Segment(_THUMB if thumb else " ", style)], self.size.width)

    def _thumb(self, rows: int) -> range:
        """Lines of the window where the handle of the scrollbar stands."""
        height = self.size.height
        if rows <= height:
            return range(0)
        length = max(1, height * height // rows)
        start = round((height - length) * self._top / (rows - height))
        return range(start, start + length)

    def _highlighted(self, strip: Strip, span: tuple[int, int] | None) -> Strip:
        if span is None:
            return strip
        text, (start, end) = strip.text, span
        before = cells(text[:start])
        marked = cells(text[start:] if end == -1 else text[start:end])
        style = self.screen.get_component_rich_style("screen--selection")
        parts = strip.divide([before, before + marked, strip.cell_length])
        chosen = Strip(Segment.apply_style(parts[1], post_style=style))
        return Strip.join([parts[0], chosen, *parts[2:]])
