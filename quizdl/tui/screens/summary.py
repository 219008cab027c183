"""The end of a session: what was done, and when something comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from quizdl.model import Rating
from quizdl.render.cells import pad
from quizdl.tui.widgets.keys import KeyLine
from quizdl.words import say

if TYPE_CHECKING:
    from quizdl.session import Summary

_BAR = 24


class SummaryScreen(Screen[bool]):
    """Dismissed with True when the learner wants to undo and go on."""

    BINDINGS = [  # noqa: RUF012
        Binding(
            "enter,space,q,escape",
            "close(False)",
            say("tui.key.back"),
            key_display="Enter",
            id="summary.close",
        ),
        Binding("u", "close(True)", say("tui.key.undo"), id="summary.undo"),
    ]

    def __init__(self, summary: Summary) -> None:
        super().__init__()
        self._summary = summary

    def compose(self) -> ComposeResult:
        yield Static(say("tui.summary.title"), id="summary-title")
        with VerticalScroll(id="summary"):
            yield Static("\n".join(self._lines()), markup=False)
        yield KeyLine()

    def action_close(self, undo: bool) -> None:
        self.dismiss(undo)

    def _lines(self) -> list[str]:
        found = self._summary
        total = sum(found.ratings.values())
        if not total:
            return [say("tui.summary.nothing")]
        minutes = max(1, round(found.seconds / 60))
        lines = [say("tui.summary.total", count=total, minutes=minutes), ""]
        for rating in Rating:
            count = found.ratings.get(rating, 0)
            bar = "█" * round(_BAR * count / total)
            name = pad(say(f"rating.{rating.name.lower()}"), 6)
            lines.append(f"{name} {count:>3}  {bar}")
        if found.cram:
            return [*lines, "", say("tui.summary.cram")]
        new, tomorrow = found.new, found.due_tomorrow
        lines += ["", say("tui.summary.new", count=new)]
        return [*lines, say("tui.summary.tomorrow", count=tomorrow)]
