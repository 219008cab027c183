"""The keys of the screen below, from its own bindings."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from quizdl.render.cells import pad
from quizdl.words import say

OF_TEXTUAL = {  # bindings that Textual brings, in its own words
    "screen.copy_text": say("tui.key.copy"),
    "app.focus_next": "",
    "app.focus_previous": "",
}
"""Empty: not worth a line."""


def described(node: object, binding: Binding, tooltip: str) -> str:
    """What a binding of `node` does, in words; empty for what is not worth any."""
    if binding.system or type(node).__module__.startswith("textual."):  # keys of an Input, say
        return OF_TEXTUAL.get(binding.action, "")
    text = binding.tooltip or binding.description or tooltip
    return OF_TEXTUAL.get(binding.action, text)


class HelpScreen(Screen[None]):  # not modal, see PredictScreen
    BINDINGS = [  # noqa: RUF012
        Binding(
            "escape,q,question_mark,f1,enter,space",
            "dismiss",
            say("tui.key.back"),
            id="help.dismiss",
        ),
    ]

    def __init__(self, bindings: Sequence[ActiveBinding]) -> None:
        super().__init__()
        self._keys = bindings

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text(), markup=False)

    def _text(self) -> str:
        keys: dict[str, list[str]] = {}
        for node, binding, _, tooltip in self._keys:
            if text := described(node, binding, tooltip):
                keys.setdefault(text, []).append(self.app.get_key_display(binding))
        rows = [f"{pad(' '.join(dict.fromkeys(of)), 16)} {what}" for what, of in keys.items()]
        return "\n".join((say("tui.help.title"), "", *rows, "", say("tui.help.more")))
