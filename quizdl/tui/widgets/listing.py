"""A list of rows with a cursor. Only the rows in sight are ever laid out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from textual import events
from textual.message import Message
from textual.strip import Strip

from quizdl.render.text import Line, Span, clip
from quizdl.tui.widgets.drawn import Drawn

Item = TypeVar("Item")
_CURSOR = "›"
_WHEEL = 3  # rows a turn of the wheel


class Listing(Drawn, Generic[Item], can_focus=False):
    """Not Textual's DataTable, which measures every row whenever the rows change: here ten
    thousand cost as much as twenty."""

    class Moved(Message):
        """The cursor is on another item, or there is none."""

    class Pressed(Message):
        """The item under the cursor was clicked once more."""

    def __init__(
        self,
        head_of: Callable[[int], Line],
        line_of: Callable[[Item, int], Line],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        """The names of the columns, and an item, in one line of so many cells."""
        super().__init__(id=id)
        self._head_of, self._line_of = head_of, line_of
        self._items: Sequence[Item] = ()
        self._cursor = self._top = 0

    @property
    def items(self) -> Sequence[Item]:
        return self._items

    @property
    def current(self) -> Item | None:
        """The item the cursor is on."""
        return self._items[self._cursor] if self._items else None

    def show(self, items: Sequence[Item], at: int | None = None) -> None:
        """These; the cursor `at` a place, or on its item, or else in its place."""
        before = self.current
        self._items = items
        same = (place for place, item in enumerate(items) if item is before)
        self._place(next(same, self._cursor) if at is None else at)
        if self.current is not before:
            self.post_message(self.Moved())

    def move(self, rows: int) -> None:
        before = self._cursor
        self._place(self._cursor + rows)
        if self._cursor != before:
            self.post_message(self.Moved())

    def move_pages(self, pages: int) -> None:
        self.move(pages * max(1, self._rows - 1))

    def on_resize(self) -> None:
        self._place(self._cursor)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.y and (row := self._top + event.y - 1) < len(self._items):
            if row == self._cursor:
                self.post_message(self.Pressed())
            self.move(row - self._cursor)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(_WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-_WHEEL)

    def render_line(self, y: int) -> Strip:
        row, width = self._top + y - 1, self.size.width
        room = max(0, width - len(_CURSOR))
        line: Line = ()
        edge, looks = " " * len(_CURSOR), ""
        if y == 0:
            line = self._head_of(room)
        elif row < len(self._items):
            line = self._line_of(self._items[row], room)
            if row == self._cursor:
                edge, looks = _CURSOR, "chosen"
        strip = self.strip(clip((Span(edge, "strong"), *line), width), looks)
        return strip.adjust_cell_length(width, self._style_of(looks, ""))

    @property
    def _rows(self) -> int:
        """Items in sight."""
        return max(1, self.size.height - 1)

    def _place(self, row: int) -> None:
        self._cursor = max(0, min(row, len(self._items) - 1))
        self._top = max(self._cursor - self._rows + 1, min(self._top, self._cursor))
        self._top = max(0, min(self._top, len(self._items) - self._rows))
        self.refresh()
