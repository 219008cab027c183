"""The grades, each with its key, what it means and when the question would come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.message import Message

from quizdl.model import Rating
from quizdl.render.cells import cells, pad
from quizdl.render.text import Line, Span
from quizdl.tui.widgets.drawn import Band
from quizdl.words import say


class RatingBar(Band):
    """Columns under a rule. Before the answer is seen, one line of text in their place."""

    class Rated(Message):
        """A grade was chosen with the mouse."""

        def __init__(self, rating: Rating) -> None:
            super().__init__()
            self.rating = rating

    def __init__(self) -> None:
        super().__init__()
        self._content: str | Mapping[Rating, str] = ""
        self._keys: Mapping[Rating, str] = {}
        self._suggested: Rating | None = None

    def show_text(self, text: str) -> None:
        self._content = text
        self._suggested = None
        self._draw()

    def show_grades(self, intervals: Mapping[Rating, str], keys: Mapping[Rating, str]) -> None:
        """Those that have an interval, in their order; `keys` are what rates each."""
        self._content, self._keys = intervals, keys
        self._suggested = None
        self._draw()

    def suggest(self, rating: Rating) -> None:
        """Mark the grade that a prediction speaks for, or what is left of it where only two are
        offered. The learner still chooses."""
        self._suggested = rating if rating in self._content else Rating.GOOD
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if not isinstance(self._content, str):
            grades = [*self._content]
            column = event.x * len(grades) // max(1, self.content_size.width)
            self.post_message(self.Rated(grades[min(column, len(grades) - 1)]))

    def _draw(self) -> None:
        width = self.content_size.width
        rule = (Span("─" * width, "rule"),)
        if isinstance(self._content, str):
            self.show(rule, (), (Span(pad(self._content, width, "center"), "muted"),))
        else:
            self.show(rule, *self._columns(self._content, width))

    def _columns(self, intervals: Mapping[Rating, str], width: int) -> Sequence[Line]:
        columns = []
        count = len(intervals)
        for place, rating in enumerate(intervals):
            name = rating.name.lower()
            title = say("tui.rating.title", key=self._keys[rating], name=say(f"rating.{name}"))
            room = width * (place + 1) // count - width * place // count
            if rating is self._suggested:
                whole = say("tui.rating.suggested", title=title)
                title = whole if cells(whole) < room else f"▸ {title}"
            texts = (title, intervals[rating], say(f"rating.{name}.meaning"))
            columns.append([Span(pad(text, room, "center"), f"rating.{name}") for text in texts])
        return [*zip(*columns, strict=True)]
