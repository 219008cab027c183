"""The last line of a screen: what the keys do now. A click on one presses it."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.screen import Screen

from quizdl.render.cells import cells
from quizdl.render.text import Line, Span
from quizdl.tui.widgets.drawn import Band


class KeyLine(Band):
    """Like Textual's Footer, which makes a widget of every key and lays all of them out anew
    whenever one changes; this one only repaints."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._places: list[tuple[range, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self._update(self.screen)

    def on_resize(self) -> None:
        self._update(self.screen)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        for place, key in self._places:
            if event.x in place:
                self.app.simulate_key(key)

    def _update(self, screen: Screen[object]) -> None:
        if screen is not self.screen:
            return
        keys: dict[str, tuple[Binding, bool]] = {}
        for _, binding, enabled, _ in screen.active_bindings.values():
            if binding.show:
                keys.setdefault(binding.action, (binding, enabled))
        spans: list[Span] = []
        self._places, at = [], 0
        for binding, enabled in keys.values():
            key = f" {self.app.get_key_display(binding)} "
            spans += [
                Span(key, "key" if enabled else "off"),
                Span(f"{binding.description} ", "" if enabled else "off"),
            ]
            end = at + cells(key) + cells(spans[-1].text)
            self._places.append((range(at, end), binding.key))
            at = end
        line: Line = tuple(spans)
        self.show(line)
