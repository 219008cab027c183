"""The four grades, each with what it means and when the question would come back."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from quizdl.model import Rating
from quizdl.words import say


class RatingButton(Static):
    def __init__(self, rating: Rating) -> None:
        super().__init__(id=f"rating-{rating.value}", markup=False)
        self._rating = rating

    def show(self, interval: str) -> None:
        name = self._rating.name.lower()
        title = say("tui.rating.title", key=self._rating.value, name=say(f"rating.{name}"))
        self.update(f"{title}\n{interval}\n{say(f'rating.{name}.meaning')}")

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(RatingBar.Rated(self._rating))


class RatingBar(Horizontal):
    class Rated(Message):
        """A grade was chosen with the mouse."""

        def __init__(self, rating: Rating) -> None:
            super().__init__()
            self.rating = rating

    def compose(self) -> ComposeResult:
        for rating in Rating:
            yield RatingButton(rating)

    def show(self, intervals: Mapping[Rating, str]) -> None:
        for button, rating in zip(self.query(RatingButton), Rating, strict=True):
            button.show(intervals[rating])
