"""A note of the learner's own about one question."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import TextArea

from quizdl.render.text import Span
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.keys import KeyLine
from quizdl.words import say


class RemarkScreen(ModalScreen[str | None]):
    """Dismissed with the text, which is kept whatever key closes it; None when it is as it was."""

    BINDINGS = [  # noqa: RUF012
        Binding(
            "escape,ctrl+s",
            "keep",
            say("tui.key.remark.keep"),
            priority=True,
            key_display="Esc",
            id="remark.keep",
        ),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._before = Band(id="remark-title"), text
        self._heading = say("tui.remark.title", question=title)
        self._text = TextArea(text, placeholder=say("tui.remark.placeholder"), compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(id="remark"):
            yield self._title
            yield self._text
            yield KeyLine()

    def on_mount(self) -> None:
        self._title.show((Span(self._heading, "strong"),))
        self._text.move_cursor(self._text.document.end)
        self._text.focus()

    def action_keep(self) -> None:
        text = self._text.text.strip()
        self.dismiss(None if text == self._before.strip() else text)
