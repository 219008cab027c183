"""Settings and keys: what they are, what they do, what a change would ask of the learner."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.timer import Timer
from textual.widgets import Input
from textual.worker import get_current_worker

from quizdl.render.cells import pad, truncate
from quizdl.render.text import Line, Span, wrap
from quizdl.session import Library, Workload
from quizdl.settings import (
    DEFAULTS,
    KINDS,
    NAMES,
    Settings,
    bounds,
    checked,
    choices,
    explanation,
    typed,
)
from quizdl.tui import keys
from quizdl.tui.screens.choice import ChoiceScreen
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.listing import Listing
from quizdl.tui.widgets.sheet import Block, Sheet
from quizdl.words import QuizdlError, say

REST = 0.2
"""Seconds without another change after which it is weighed."""
WEIGHED = {
    "desired_retention",
    "new_per_day",
    "reviews_per_day",
    "learning_steps",
    "relearning_steps",
    "maximum_interval",
    "two_grades",
}
"""Settings that change how much there is to do."""
_STEPS = {"desired_retention": 0.01, "reviews_per_day": 10, "learn_ahead_minutes": 5}
_COLUMNS = {"value": 18, "default": 16}
_PLAIN = [name for name in NAMES if KINDS[name] != "keys"]

Save: TypeAlias = Callable[
    [
        Mapping[str, Any],
        Mapping[str, tuple[str, ...] | None],
        Callable[[QuizdlError | None], None],
    ],
    object,
]
"""Saves settings, and keys by action (None: the default ones), and says how it went."""


class _Details(Block):
    """Of the setting or action the cursor is on."""

    def __init__(self) -> None:
        self.paragraphs: list[Line] = []

    def lay_out(self, width: int) -> list[Line]:
        return [line for each in self.paragraphs for line in (wrap(each, width) or [()])]


class CaptureScreen(ModalScreen[str]):
    """Dismissed with the next key that is pressed; with nothing by Esc."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = Band(id="capture-title")
        self._text = title

    def compose(self) -> ComposeResult:
        with Vertical(id="capture"):
            yield self._title

    def on_mount(self) -> None:
        self._title.show(
            (Span(self._text, "strong"),), (), (Span(say("tui.settings.press"), "muted"),)
        )

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        self.dismiss(None if event.key == "escape" else event.key)

    def on_click(self) -> None:
        self.dismiss(None)


class SettingsScreen(Screen[None]):
    """Changes are collected, and saved when the learner says so."""

    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        Binding("up,k", "move(-1)", say("tui.key.up"), show=False, id="settings.up"),
        Binding("down,j", "move(1)", say("tui.key.down"), show=False, id="settings.down"),
        Binding("pageup", "page(-1)", say("tui.key.page_up"), show=False, id="settings.page_up"),
        Binding(
            "pagedown", "page(1)", say("tui.key.page_down"), show=False, id="settings.page_down"
        ),
        Binding("enter,space", "edit", say("tui.key.settings.edit"), id="settings.edit"),
        Binding("s,ctrl+s", "save", say("tui.key.settings.save"), id="settings.save"),
        Binding("left,h", "turn(-1)", say("tui.key.settings.less"), id="settings.less"),
        Binding("right,l", "turn(1)", say("tui.key.settings.more"), id="settings.more"),
        Binding("a", "add", say("tui.key.settings.add"), id="settings.add"),
        Binding("x,delete", "default", say("tui.key.settings.default"), id="settings.default"),
        Binding("tab", "turn_page", say("tui.key.settings.page"), id="settings.page"),
        Binding("escape,q", "leave", say("tui.key.back"), id="settings.leave"),
    ]

    class Weighed(Message):
        """What is to be expected under the settings as they are, and as they would be."""

        def __init__(self, asked: Settings, now: Workload, then: Workload | None) -> None:
            super().__init__()
            self.asked, self.now, self.then = asked, now, then

    def __init__(
        self,
        settings: Settings,
        path: Path,
        library: Library,
        clock: Callable[[], datetime],
        save: Save,
    ) -> None:
        """`path`: of the file, to be shown."""
        super().__init__()
        self._settings, self._path, self._library = settings, path, library
        self._clock, self._save = clock, save
        self._changed: dict[str, Any] = {}
        self._rebound: dict[str, tuple[str, ...] | None] = {}
        self._on_keys = self._leaving = False
        self._error = ""
        self._weighed: tuple[Settings, Workload, Workload | None] | None = None
        self._rest: Timer | None = None
        self._title = Band(id="settings-title")
        self._list: Listing[str] = Listing(self._head, self._line, id="settings-list")
        self._details, self._sheet = _Details(), Sheet(id="settings-details")
        self._input = Input(id="settings-input", compact=True)

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._list
        yield self._sheet
        yield self._input
        yield KeyLine()

    def on_mount(self) -> None:
        self._input.display = False
        self._sheet.show(self._details)
        self._outlook = self._library.outlook(self._clock())
        self._list.show(_PLAIN)
        self._tell()

    # --- what is chosen

    @property
    def drafted(self) -> Settings:
        """The settings as they would be."""
        return replace(self._settings, **self._changed)

    @property
    def _count(self) -> int:
        return len(self._changed) + len(self._rebound)

    def _keys(self) -> dict[str, tuple[str, ...]]:
        """Keys by action, where they are not the default ones, as they would be."""
        chosen = dict(self._settings.keys)
        for action, given in self._rebound.items():
            if given is None:
                chosen.pop(action, None)
            else:
                chosen[action] = given
        return chosen

    def _keys_of(self, action: str) -> tuple[str, ...]:
        return self._keys().get(action, keys.actions()[action].keys)

    def _set(self, name: str, value: Any) -> None:
        if value == getattr(self._settings, name):
            self._changed.pop(name, None)
        else:
            self._changed[name] = value
        if name == "theme":
            self._wear(value)
        self._error = ""
        self._tell()
        self._weigh()

    def _rebind(self, action: str, given: tuple[str, ...] | None) -> None:
        """Unless it clashes with what another key does."""
        before = dict(self._rebound)
        self._rebound[action] = given
        if self._keys().get(action) == dict(self._settings.keys).get(action):
            del self._rebound[action]
        try:
            keys.keymap(self._keys())
            self._error = ""
        except QuizdlError as error:
            self._rebound, self._error = before, str(error)
        self._tell()

    def _wear(self, theme: str) -> None:
        if not self.app.no_color:
            self.app.theme = theme

    # --- what is on screen

    def _tell(self) -> None:
        title = say("tui.settings.keys" if self._on_keys else "tui.settings.title")
        changed = say("tui.settings.unsaved", count=self._count) if self._count else ""
        where = str(self._path)
        self._title.show(
            (Span(f"  {title}  ", "strong"), Span(changed or where, "" if changed else "muted"))
        )
        self._list.refresh()
        self._details.paragraphs = [*self._paragraphs()]
        self._sheet.changed(self._details)
        self.refresh_bindings()

    def _head(self, width: int) -> Line:
        names = ("key", "") if self._on_keys else ("value", "default")
        texts = [say("tui.settings.action" if self._on_keys else "tui.settings.name")]
        texts += [say(f"tui.settings.{name}") if name else "" for name in names]
        return tuple(Span(text, "muted") for text in self._cells(texts, width))

    def _line(self, name: str, width: int) -> Line:
        if self._on_keys:
            action = keys.actions()[name]
            changed = name in self._rebound
            where = say(f"tui.settings.where.{name.partition('.')[0]}")
            text = f"{where}  {action.text}"
            value = " ".join(map(keys.shown, self._keys_of(name)))
            note = name if width > sum(_COLUMNS.values()) + 40 else ""
            default = self._keys_of(name) == action.keys
        else:
            changed = name in self._changed
            text = say(f"settings.name.{name}")
            value = _text(name, getattr(self.drafted, name))
            note = _text(name, getattr(DEFAULTS, name))
            default = getattr(self.drafted, name) == getattr(DEFAULTS, name)
        mark = "*" if changed else " "
        title, shown, note = self._cells([f"{mark} {text}", value, note], width)
        return (
            Span(title, "strong" if changed else ""),
            Span(shown, "" if default else "key"),
            Span(note, "muted"),
        )

    def _cells(self, texts: Iterable[str], width: int) -> list[str]:
        widths = [min(max(8, width - sum(_COLUMNS.values())), 40), *_COLUMNS.values()]
        if self._on_keys:
            widths[2] = max(_COLUMNS["default"], width - widths[0] - widths[1])
        return [
            pad(truncate(text, cells - 1), cells) for text, cells in zip(texts, widths, strict=True)
        ]

    def _paragraphs(self) -> Iterable[Line]:
        name = self._list.current
        if name is None:
            return
        if self._on_keys:
            action = keys.actions()[name]
            default = " ".join(map(keys.shown, action.keys))
            yield (Span(f"{action.text}  ", "strong"), Span(f"keys.{name}", "muted"))
            yield (Span(say("tui.settings.key_default", keys=default), "muted"),)
        else:
            yield (Span(explanation(name)),)
            default = _text(name, getattr(DEFAULTS, name))
            yield (Span(say("tui.settings.default_is", key=name, default=default), "muted"),)
        if self._error:
            yield (Span(self._error, "bad"),)
        elif name in WEIGHED and not self._on_keys:
            yield from self._forecast()

    def _forecast(self) -> Iterable[Line]:
        """Days to come, as the settings are and as they would be."""
        if self._weighed is None or not self._known:
            yield (Span(say("tui.settings.weighing"), "muted"),)
            return
        _, now, then = self._weighed
        yield (Span(say("tui.settings.coming"), "muted"),)
        for row in ("reviews", "new", "minutes"):
            before = getattr(now, f"{row}_per_day")
            line = say(f"tui.settings.coming.{row}", count=before)
            if then is None:
                yield (Span(line),)
                continue
            after = getattr(then, f"{row}_per_day")
            change = say("tui.settings.coming.change", share=after / before - 1) if before else ""
            yield (Span(f"{line}  →  "), Span(f"{after:.1f}", "strong"), Span(f"  {change}"))

    # --- weighing

    @property
    def _known(self) -> bool:
        """Whether what was weighed last is what is chosen now."""
        return self._weighed is not None and _same(self._weighed[0], self.drafted)

    def _weigh(self) -> None:
        """Soon, unless the cursor or a value moves on before."""
        if self._rest is not None:
            self._rest.stop()
        if self._list.current in WEIGHED and not self._known:
            self._rest = self.set_timer(REST, lambda: self._simulate(self.drafted))

    @work(thread=True, group="weigh", exclusive=True)
    def _simulate(self, drafted: Settings) -> None:
        worker = get_current_worker()

        def wanted() -> bool:
            time.sleep(0)  # gives way: a key waits for a simulated day at most
            return not worker.is_cancelled

        known = self._weighed
        now = known[1] if known else self._outlook.under(self._settings, wanted)
        changed = any(getattr(drafted, name) != getattr(self._settings, name) for name in WEIGHED)
        then = self._outlook.under(drafted, wanted) if changed else None
        if now is not None and (then is not None or not changed):
            self.post_message(self.Weighed(drafted, now, then))

    @on(Weighed)
    def _show_weighed(self, message: Weighed) -> None:
        if _same(message.asked, self.drafted):  # else another change has come since
            self._weighed = message.asked, message.now, message.then
            self._tell()

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self._input.display:
            return action in ("leave", "edit")
        match action:
            case "turn":
                return not self._on_keys
            case "add":
                return self._on_keys
            case "save":
                return True if self._count else None
            case _:
                return True

    @on(Listing.Moved)
    def _moved(self) -> None:
        self._error = ""
        self._tell()
        self._weigh()

    @on(Listing.Pressed)
    def _pressed(self) -> None:
        self.action_edit()

    def action_move(self, rows: int) -> None:
        self._list.move(rows)

    def action_page(self, pages: int) -> None:
        self._list.move_pages(pages)

    def action_turn_page(self) -> None:
        self._on_keys = not self._on_keys
        self._list.show([*keys.actions()] if self._on_keys else _PLAIN, at=0)
        self._error = ""
        self._tell()

    def action_turn(self, way: int) -> None:
        """The next value, or the one before."""
        name = self._list.current
        if name is None:
            return
        value = getattr(self.drafted, name)
        if KINDS[name] == "bool":
            self._set(name, not value)
        elif known := choices(name):
            self._set(name, known[(known.index(value) + way) % len(known)])
        elif KINDS[name] in ("int", "float"):
            limits = bounds(name)
            assert limits is not None
            step = way * _STEPS.get(name, 1)
            value = round(min(max(value + step, limits[0]), limits[1]), 4)
            self._set(name, checked(name, value))

    def action_edit(self) -> None:
        """Type, toggle, choose or press the new one."""
        name = self._list.current
        if name is None or self._input.display:
            return
        if self._on_keys:
            self._capture(name, add=False)
        elif KINDS[name] == "bool":
            self.action_turn(1)
        elif known := choices(name):
            title = say(f"settings.name.{name}")
            self.app.push_screen(
                ChoiceScreen(title, {each: each for each in known}, getattr(self.drafted, name)),
                lambda chosen: self._set(name, chosen) if chosen else None,
            )
        else:
            self._type(_typed_form(name, getattr(self.drafted, name)))

    def action_add(self) -> None:
        if self._on_keys and self._list.current is not None:
            self._capture(self._list.current, add=True)

    def _capture(self, action: str, *, add: bool) -> None:
        def pressed(key: str | None) -> None:
            if key is not None:
                before = self._keys_of(action) if add else ()
                self._rebind(action, tuple(dict.fromkeys((*before, key))))

        title = say("tui.settings.capture", what=keys.actions()[action].text)
        self.app.push_screen(CaptureScreen(title), pressed)

    def action_default(self) -> None:
        name = self._list.current
        if name is not None and self._on_keys:
            self._rebind(name, None)
        elif name is not None:
            self._set(name, getattr(DEFAULTS, name))

    # --- typing

    def on_key(self, event: events.Key) -> None:
        """A digit begins a number."""
        name = self._list.current
        if self._on_keys or self._input.display or name is None:
            return
        if KINDS[name] in ("int", "float", "tuple") and (event.character or "").isdigit():
            event.stop()
            self._type(event.character or "")

    def _type(self, text: str) -> None:
        self._input.value = text
        self._input.display = True
        self._input.focus()
        self._input.cursor_position = len(text)
        self.refresh_bindings()

    def _stop_typing(self) -> None:
        self._input.display = False
        self.set_focus(None)
        self._tell()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = self._list.current
        assert name is not None
        try:
            value = typed(name, event.value)
        except QuizdlError as error:
            self._error = str(error)
            self._tell()
            return
        self._stop_typing()
        self._set(name, value)

    # --- saving and leaving

    def action_save(self) -> None:
        if self._count:
            self._save(dict(self._changed), dict(self._rebound), self._hear)

    def _hear(self, error: QuizdlError | None) -> None:
        self.call_later(self._saved, error)  # a screen is dismissed by its own messages only

    def _saved(self, error: QuizdlError | None) -> None:
        if error is not None:
            self._error, self._leaving = str(error), False
            self.notify(str(error), severity="error", timeout=12)
            self._tell()
            return
        self._changed.clear()
        self._rebound.clear()
        self._settings, self._weighed, self._error = self._library.settings, None, ""
        self._outlook = self._library.outlook(self._clock())
        if self._leaving:
            self.dismiss()
            return
        self.notify(say("tui.settings.saved"))
        self._tell()
        self._weigh()

    def action_leave(self) -> None:
        if self._input.display:
            self._error = ""
            self._stop_typing()
        elif not self._count:
            self.dismiss()
        else:
            options = {name: say(f"tui.settings.leave.{name}") for name in ("save", "discard")}
            title = say("tui.settings.unsaved", count=self._count)
            self.app.push_screen(ChoiceScreen(title, options), self._leave)

    def _leave(self, how: str | None) -> None:
        if how == "save":
            self._leaving = True
            self.action_save()
        elif how == "discard":
            self._wear(self._settings.theme)
            self.dismiss()


def _same(one: Settings, other: Settings) -> bool:
    """They ask as much of the learner."""
    return all(getattr(one, name) == getattr(other, name) for name in WEIGHED)


def _text(name: str, value: Any) -> str:
    """A value as it is shown."""
    match value:
        case bool():
            return say(f"tui.settings.{'on' if value else 'off'}")
        case tuple():
            return "  ".join(f"{step:g}" for step in value) or say("tui.settings.empty")
        case str():
            return value or say("tui.settings.empty")
        case _:
            return f"{value:g}" if KINDS[name] == "float" else str(value)


def _typed_form(name: str, value: Any) -> str:
    """A value as it is typed."""
    return value if isinstance(value, str) else "" if value == () else _text(name, value)
