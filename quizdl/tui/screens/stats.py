"""How it is going: retention, activity, the coming days, the topics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from textual.app import ComposeResult
from textual.binding import Binding

from quizdl.model import Topic
from quizdl.overview import stats_lines
from quizdl.render.text import Line, Span
from quizdl.session import YEAR, Library
from quizdl.tui.screens.reading import ReadingScreen
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.sheet import Block
from quizdl.words import say

PERIODS = (YEAR, 30, 90)
"""Days that can be looked at, in the order in which Tab goes through them."""


class _Overview(Block):
    def __init__(self, lines: Callable[[int], list[Line]]) -> None:
        self._lines = lines

    def lay_out(self, width: int) -> list[Line]:
        return self._lines(width)


class StatsScreen(ReadingScreen[None]):
    BINDINGS = [  # noqa: RUF012
        Binding(
            "tab",
            "period",
            say("tui.key.stats.period"),
            priority=True,
            key_display="Tab",
            id="stats.period",
        ),
        Binding("space", "page(1)", say("tui.key.page_down"), show=False, id="stats.page_down"),
        Binding("escape,q", "dismiss", say("tui.key.back"), key_display="Esc", id="stats.dismiss"),
    ]

    def __init__(
        self, library: Library, topics: Sequence[Topic], clock: Callable[[], datetime]
    ) -> None:
        super().__init__()
        self._library, self._topics, self._clock = library, topics, clock
        self._period = 0  # place in PERIODS
        self._title = Band(id="stats-title")

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._sheet
        yield KeyLine()

    def on_screen_resume(self) -> None:
        self._show()

    def _show(self) -> None:
        period = PERIODS[self._period]
        self._title.show((Span("  " + say("tui.stats.title", days=period), "strong"),))
        with self._explained():
            found = self._library.stats(self._topics, period, self._clock())
            self._sheet.show(_Overview(partial(stats_lines, found, period)))

    def action_period(self) -> None:
        self._period = (self._period + 1) % len(PERIODS)
        self._show()
