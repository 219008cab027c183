"""How it is going: retention, activity, the coming days, the topics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from quizdl.model import Topic
from quizdl.overview import stats_lines
from quizdl.render.text import Line, Span
from quizdl.session import Library
from quizdl.tui.explained import explained
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.sheet import Block, Sheet
from quizdl.words import say

PERIODS = (365, 30, 90)
"""Days that can be looked at, in the order in which Tab goes through them."""


class _Overview(Block):
    def __init__(self, lines: Callable[[int], list[Line]]) -> None:
        self._lines = lines

    def lay_out(self, width: int) -> list[Line]:
        return self._lines(width)


class StatsScreen(Screen[None]):
    BINDINGS = [  # noqa: RUF012
        Binding(
            "tab",
            "period",
            say("tui.key.stats.period"),
            priority=True,
            key_display="Tab",
            id="stats.period",
        ),
        Binding("j,down", "scroll(1)", say("tui.key.down"), show=False, id="stats.down"),
        Binding("k,up", "scroll(-1)", say("tui.key.up"), show=False, id="stats.up"),
        Binding(
            "pagedown,space", "page(1)", say("tui.key.page_down"), show=False, id="stats.page_down"
        ),
        Binding("pageup", "page(-1)", say("tui.key.page_up"), show=False, id="stats.page_up"),
        Binding("home", "edge('home')", say("tui.key.top"), show=False, id="stats.top"),
        Binding("end", "edge('end')", say("tui.key.bottom"), show=False, id="stats.bottom"),
        Binding("escape,q", "dismiss", say("tui.key.back"), key_display="Esc", id="stats.dismiss"),
    ]

    def __init__(
        self, library: Library, topics: Sequence[Topic], clock: Callable[[], datetime]
    ) -> None:
        super().__init__()
        self._library, self._topics, self._clock = library, topics, clock
        self._period = 0  # place in PERIODS
        self._title, self._sheet = Band(id="stats-title"), Sheet(id="stats")

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._sheet
        yield KeyLine()

    def on_screen_resume(self) -> None:
        self._show()

    def _show(self) -> None:
        period = PERIODS[self._period]
        self._title.show((Span("  " + say("tui.stats.title", days=period), "strong"),))
        with explained(self.app):
            found = self._library.stats(self._topics, period, self._clock())
            self._sheet.show(_Overview(partial(stats_lines, found, period)))

    def action_period(self) -> None:
        self._period = (self._period + 1) % len(PERIODS)
        self._show()

    def action_scroll(self, lines: int) -> None:
        self._sheet.scroll_rows(lines * 2)

    def action_page(self, pages: int) -> None:
        self._sheet.scroll_pages(pages)

    def action_edge(self, edge: str) -> None:
        self._sheet.scroll_edge(end=edge == "end")
