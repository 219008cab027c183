"""One of a few things to do, over the screen they are about."""

from __future__ import annotations

from collections.abc import Mapping

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from quizdl.tui.widgets.keys import KeyLine
from quizdl.words import say


class ChoiceScreen(Screen[str]):  # not modal, see PredictScreen
    """Dismissed with the key of what was chosen, or with nothing."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape,q", "dismiss", say("tui.key.back"), key_display="Esc", id="choice.dismiss"),
    ]

    def __init__(self, title: str, choices: Mapping[str, str], at: str = "") -> None:
        """`choices`: texts by key; the cursor is on the one of key `at`."""
        super().__init__()
        self._title, self._choices, self._at = title, choices, at

    def compose(self) -> ComposeResult:
        with Vertical(id="choice"):
            yield Static(self._title, markup=False)
            options = [Option(text, id=key) for key, text in self._choices.items()]
            found = OptionList(*options, compact=True, markup=False)
            if self._at in self._choices:
                found.highlighted = [*self._choices].index(self._at)
            yield found
            yield KeyLine()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)
