"""The last line of a screen: what the keys do now. A click on one presses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual import events
from textual.binding import Binding
from textual.screen import Screen

from quizdl.render.text import Line, Span, width_of
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
        parts = []
        for binding, enabled in keys.values():
            key = f" {self.app.get_key_display(binding)} "
            what = f"{binding.description} "
            look = ("key", "") if enabled else ("off", "off")
            parts.append((binding.key, (Span(key, look[0]), Span(what, look[1]))))
        spans: list[Span] = []
        self._places, at = [], 0
        for key, part in _fitting(parts, self.size.width):
            end = at + width_of(part)
            self._places.append((range(at, end), key))
            spans += part
            at = end
        self.show(tuple(spans))


def _fitting(parts: Sequence[tuple[str, Line]], width: int) -> Iterator[tuple[str, Line]]:
    """As many as fit; the last, which explains the others, always."""
    if not parts:
        return
    *others, last = parts
    left = width - width_of(last[1])
    for key, part in others:
        left -= width_of(part)
        if left < 0:
            break
        yield key, part
    yield last
