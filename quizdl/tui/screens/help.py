"""The keys of the screen below, from its own bindings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import App, ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from quizdl.render.cells import pad
from quizdl.tui.widgets.keys import KeyLine
from quizdl.words import say

OF_TEXTUAL = {  # bindings that Textual brings, in its own words
    "screen.copy_text": say("tui.key.copy"),
    "app.focus_next": "",
    "app.focus_previous": "",
}
"""Empty: not worth a line."""


def described(binding: Binding, tooltip: str) -> str:
    """What a binding does, in words; empty for what is not worth any."""
    if binding.system or not binding.id:  # one of Textual's: all of ours have an id
        return OF_TEXTUAL.get(binding.action, "")
    return binding.tooltip or binding.description or tooltip


def keys_of(app: App[object], bindings: Iterable[ActiveBinding]) -> dict[str, str]:
    """By what they do, the keys that do it; what is the same in every terminal app comes last."""
    keys: dict[str, list[str]] = {}
    for _, binding, _, tooltip in bindings:
        again = binding.key.startswith("super+")  # a second key for terminals that send it
        if (text := described(binding, tooltip)) and not again:
            keys.setdefault(text, []).append(app.get_key_display(binding))
    last = [text for text in OF_TEXTUAL.values() if text in keys]
    order = [*(text for text in keys if text not in last), *last]
    return {text: " ".join(dict.fromkeys(keys[text])) for text in order}


class HelpScreen(Screen[None]):  # not modal, see PredictScreen
    BINDINGS = [  # noqa: RUF012
        Binding(
            "escape,q,question_mark,f1,enter,space",
            "dismiss",
            say("tui.key.back"),
            key_display="Esc",
            id="help.dismiss",
        ),
    ]

    def __init__(self, bindings: Sequence[ActiveBinding]) -> None:
        super().__init__()
        self._keys = bindings

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text(), markup=False)
        yield KeyLine()

    def _text(self) -> str:
        keys = keys_of(self.app, self._keys)
        rows = [f"{pad(of, 16)} {what}" for what, of in keys.items()]
        return "\n".join((say("tui.help.title"), "", *rows, "", say("tui.help.more")))
