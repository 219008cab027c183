"""A screen with one sheet that is read: the keys that move it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from textual.binding import Binding
from textual.screen import Screen, ScreenResultType

from quizdl.tui.explained import explained
from quizdl.tui.widgets.sheet import Sheet
from quizdl.words import say


class ReadingScreen(Screen[ScreenResultType]):
    BINDINGS = [  # noqa: RUF012
        Binding("j,down", "scroll(1)", say("tui.key.down"), show=False, id="reading.down"),
        Binding("k,up", "scroll(-1)", say("tui.key.up"), show=False, id="reading.up"),
        Binding(
            "pagedown", "page(1)", say("tui.key.page_down"), show=False, id="reading.page_down"
        ),
        Binding("pageup", "page(-1)", say("tui.key.page_up"), show=False, id="reading.page_up"),
        Binding("home", "edge('home')", say("tui.key.top"), show=False, id="reading.top"),
        Binding("end", "edge('end')", say("tui.key.bottom"), show=False, id="reading.bottom"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sheet = Sheet()

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self.app)

    def action_scroll(self, lines: int) -> None:
        self._sheet.scroll_rows(lines * 2)

    def action_page(self, pages: int) -> None:
        self._sheet.scroll_pages(pages)

    def action_edge(self, edge: str) -> None:
        self._sheet.scroll_edge(end=edge == "end")


class InterviewStage(ReadingScreen[ScreenResultType]):
    """A screen of a mock interview. There is one interview at a time."""
