"""What keys do: every action with an id, the keys it comes with, and those the learner gave it.

An id is `<screen>.<action>`; `app.…` works on every screen. A keymap for Textual is made from
the settings here, and checked: Textual itself says nothing of ids that nobody has.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.keys import REPLACED_KEYS, Keys, key_to_character

from quizdl.settings import Chosen
from quizdl.words import QuizdlError, listed, say

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

    from quizdl.tui.app import QuizdlApp

SCREENS = {
    "app": "quizdl.tui.app.QuizdlApp",
    "today": "quizdl.tui.screens.today.TodayScreen",
    "review": "quizdl.tui.screens.review.ReviewScreen",
    "draft": "quizdl.tui.widgets.draft.Draft",
    "remark": "quizdl.tui.screens.remark.RemarkScreen",
    "look_back": "quizdl.tui.screens.lookback.LookBackScreen",
    "summary": "quizdl.tui.screens.summary.SummaryScreen",
    "browse": "quizdl.tui.screens.browse.BrowseScreen",
    "lab": "quizdl.tui.screens.lab.LabScreen",
    "edit": "quizdl.tui.screens.edit.EditScreen",
    "predict": "quizdl.tui.screens.predict.PredictScreen",
    "reading": "quizdl.tui.screens.reading.ReadingScreen",
    "interview_setup": "quizdl.tui.screens.interview_setup.InterviewSetupScreen",
    "interview": "quizdl.tui.screens.interview.InterviewScreen",
    "debrief": "quizdl.tui.screens.debrief.DebriefScreen",
    "report": "quizdl.tui.screens.report.ReportScreen",
    "stats": "quizdl.tui.screens.stats.StatsScreen",
    "settings": "quizdl.tui.screens.settings.SettingsScreen",
    "choice": "quizdl.tui.screens.choice.ChoiceScreen",
    "help": "quizdl.tui.screens.help.HelpScreen",
}
"""By the first part of an id; imported when somebody asks, since each brings what it shows."""
_TYPED_INTO = {"browse", "edit", "draft", "remark"}
"""Screens on which a letter is text."""
_NAMES = {
    "space": say("tui.key.space"),
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
}
_ALIASES = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "pgup": "pageup",
    "pgdn": "pagedown",
}
_MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
_NAMED = {key.value.rpartition("+")[2] for key in Keys if not key.value.startswith("<")}


@dataclass(frozen=True, slots=True)
class Action:
    """Something a key does."""

    id: str
    text: str
    keys: tuple[str, ...]
    """That it comes with."""
    scopes: tuple[str, ...]
    """The screens that know it."""
    priority: bool
    """Its keys come before what is typed."""

    @property
    def typed_over(self) -> bool:
        """On its screens a letter is text."""
        return bool(_TYPED_INTO & {*self.scopes}) or (self.priority and "app" in self.scopes)


@cache
def actions() -> Mapping[str, Action]:
    """All of them, in the order of their screens. Imports the screens."""
    found: dict[str, Action] = {}
    for scope in SCREENS:
        for binding in _own(scope):
            keys = tuple(map(_normal, binding.key.split(",")))
            before = found.get(binding.id or "")
            if before is None:
                before = Action(binding.id or "", binding.description, (), (), binding.priority)
            found[before.id] = replace(
                before,
                keys=tuple(dict.fromkeys((*before.keys, *keys))),
                scopes=tuple(dict.fromkeys((*before.scopes, scope))),
            )
    return found


def _own(scope: str) -> Iterator[Binding]:
    """Bindings of a screen that are ours."""
    module, _, name = SCREENS[scope].rpartition(".")
    for base in getattr(import_module(module), name).__mro__:
        if base.__module__.startswith("quizdl."):
            yield from base.__dict__.get("BINDINGS", ())


def read_keys(chosen: Chosen, path: Path) -> dict[str, str]:
    """`keymap` of the settings in the file at `path`, which is named in errors."""
    try:
        return keymap(dict(chosen))
    except QuizdlError as error:
        raise QuizdlError("settings.invalid", path=path, why=f"[keys] {error}") from error


def keymap(chosen: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What Textual's `set_keymap` is to be given for these keys by action.

    Raises QuizdlError for an action or key that is not known, and for a key that would do two
    things on one screen.
    """
    known = actions()
    for action in chosen:
        if action not in known:
            near = difflib.get_close_matches(action, known, 3, 0.5)
            raise QuizdlError("keys.unknown_action", action=action, near=listed(near) or "—")
    keys = {name: each.keys for name, each in known.items()}
    keys |= {action: tuple(map(read_key, given)) for action, given in chosen.items()}
    for action in chosen:
        for key in keys[action]:
            if known[action].typed_over and _character(key) and key not in known[action].keys:
                raise QuizdlError("keys.typed", key=shown(key), action=action)
    changed = {action for action in chosen if keys[action] != known[action].keys}
    for action in sorted(changed):
        for other in _beside(action):
            both = {*keys[action]} & {*keys[other]}
            if both and not {*known[action].keys} & {*known[other].keys}:
                raise QuizdlError(
                    "keys.clash",
                    key=shown(min(both)),
                    one=action,
                    one_text=known[action].text,
                    other=other,
                    other_text=known[other].text,
                )
    # Textual takes from a rebound action every key that it shared with others, and the others
    # lose it, too: hence all actions of a screen are rebound when one is.
    touched = {scope for action in changed for scope in known[action].scopes}
    return {
        action: ",".join(keys[action]) for action, each in known.items() if touched & {*each.scopes}
    }


def _beside(action: str) -> Iterator[str]:
    """Actions that are at hand on a screen where `action` is."""
    known = actions()
    scopes = {*known[action].scopes}
    for other, each in known.items():
        everywhere = "app" in scopes or "app" in each.scopes
        if other != action and (everywhere or scopes & {*each.scopes}):
            yield other


def read_key(text: str) -> str:
    """A key as Textual names it: `?`, `question_mark`, `Ctrl+X`. Raises QuizdlError for a key
    that no keyboard sends."""
    *modifiers, base = re.split(r"\+(?!$)", text)  # the last character may be a plus itself
    if len(base) > 1 or modifiers:
        base = base.lower()
    modifiers = [each.lower() for each in modifiers]
    base = _normal(_ALIASES.get(base, base)) if base else ""
    known = base in _NAMED or _character(base)
    if not known or not _MODIFIERS.issuperset(modifiers):
        raise QuizdlError("keys.unknown_key", key=text)
    return "+".join((*sorted(modifiers), base))


def _normal(key: str) -> str:
    """`/` as Textual names it: `slash`."""
    if key == ",":  # which separates keys elsewhere
        return "comma"
    return next(iter(Binding.make_bindings([Binding(key, "")]))).key


def shown(key: str) -> str:
    """A key as it is shown, without a screen at hand."""
    return _NAMES.get(key) or _character(key) or key


def _character(key: str) -> str:
    """That it types; empty when it types none."""
    found = key_to_character(REPLACED_KEYS.get(key, key)) if key else None
    return found if found and found.isprintable() else ""


def typed_into(widget: Widget | None, key: str) -> bool:
    """Whether the key is text for what has the focus. Textual takes some signs for none, and so
    lists what they would do elsewhere."""
    from textual.widgets import Input, TextArea  # not before the first paint

    return isinstance(widget, Input | TextArea) and bool(_character(key))


def display(binding: Binding) -> str | None:
    """Of keys that Textual would name in English; None for the others."""
    return binding.key_display or _NAMES.get(binding.key)


def key_of(screen: Screen[Any], action: str) -> str:
    """The first key of an action of a screen, as its key line shows it."""
    app: QuizdlApp = screen.app  # type: ignore[assignment]
    bindings = (each for each in type(screen).BINDINGS if isinstance(each, Binding))
    binding = next(each for each in bindings if each.id == action)
    changed = app.rebound.get(action)
    key, name = (changed, None) if changed else (binding.key, binding.key_display)
    return app.get_key_display(binding.with_key(key.split(",")[0], name))
