"""A screen with one sheet that is read: the keys that move it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from textual.binding import Binding
from textual.screen import Screen, ScreenResultType

from quizdl.tui.widgets.sheet import Sheet
from quizdl.words import QuizdlError, say


class ReadingScreen(Screen[ScreenResultType]):
    BINDINGS = [  # noqa: RUF012
        Binding("j,down", "scroll(1)", say("tui.key.down"), show=False),
        Binding("k,up", "scroll(-1)", say("tui.key.up"), show=False),
        Binding("pagedown", "page(1)", say("tui.key.page_down"), show=False),
        Binding("pageup", "page(-1)", say("tui.key.page_up"), show=False),
        Binding("home", "edge('home')", say("tui.key.top"), show=False),
        Binding("end", "edge('end')", say("tui.key.bottom"), show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sheet = Sheet()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """A disk that is full, say: the learner reads why."""
        try:
            yield
        except QuizdlError as error:
            self.notify(str(error), severity="error", timeout=12)

    def action_scroll(self, lines: int) -> None:
        self._sheet.scroll_rows(lines * 2)

    def action_page(self, pages: int) -> None:
        self._sheet.scroll_pages(pages)

    def action_edge(self, edge: str) -> None:
        self._sheet.scroll_edge(end=edge == "end")
