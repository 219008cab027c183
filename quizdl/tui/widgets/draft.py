"""A place to write down what one would say, before the answer is seen."""

from __future__ import annotations

from textual.binding import Binding
from textual.message import Message
from textual.widgets import TextArea

from quizdl.words import say


class Draft(TextArea):
    """Out of sight until it is opened; what was written stays when it is closed."""

    BINDINGS = [  # noqa: RUF012
        Binding(
            "escape,ctrl+s", "done", say("tui.key.written"), key_display="Esc", id="draft.done"
        ),
    ]

    class Written(Message):
        """It was closed with a key."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, id="draft", compact=True)
        self.display = False

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Enter begins another line, whatever it does on the screen."""
        return key == "enter" or super().check_consume_key(key, character)

    def open(self) -> None:
        self.display = True
        self.move_cursor(self.document.end)
        self.focus()

    def close(self, text: str | None = None) -> str:
        """Out of sight; with another text, if one is given. What is written."""
        if text is not None and text != self.text:
            self.text = text
        if self.display:
            self.display = False
            self.screen.set_focus(None)
        return self.text.strip()

    def action_done(self) -> None:
        self.close()
        self.post_message(self.Written())
