"""The command palette: everything that can be done now, by its Chinese and its English name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider

from quizdl.search import sounds_like
from quizdl.tui.screens.help import OF_TEXTUAL, described, keys_of
from quizdl.words import both, say
from quizdl.words.zh import TEXT


class Command(NamedTuple):
    name: str
    """In both languages, the one that is spoken first."""
    help: str
    """What it is good for, or the keys that do the same."""
    run: Callable[[], object]


class Actions(Provider):
    """What the keys of the screen below do, and what can be done from anywhere."""

    async def discover(self) -> Hits:
        for each in self._commands():
            yield DiscoveryHit(each.name, each.run, help=each.help)

    async def search(self, query: str) -> Hits:
        matcher, found = self.matcher(query), False
        for each in self._commands():
            score = matcher.match(each.name)
            if score > 0 or sounds_like(query, each.name):
                found = True
                yield Hit(
                    score or _SPOKEN, matcher.highlight(each.name), each.run, each.name, each.help
                )
        if not found:  # Textual would say so in English
            yield Hit(0.01, say("tui.palette.none"), lambda: None)

    def _commands(self) -> Iterator[Command]:
        """What this screen is for comes first, what every terminal app can do last."""
        mine: dict[str, Callable[[], object]] = {}
        last: dict[str, Callable[[], object]] = {}
        keys = keys_of(self.app, self.screen.active_bindings.values())
        for node, binding, enabled, tooltip in self.screen.active_bindings.values():
            text = described(binding, tooltip)
            if text and enabled and binding.action not in _OF_THE_APP:
                runs = last if isinstance(node, App) or binding.action in OF_TEXTUAL else mine
                runs.setdefault(text, partial(self.app.run_action, binding.action, node))
        for text, run in mine.items():
            yield Command(_in_both(text), keys[text], run)
        for command in self.app.get_system_commands(self.screen):
            yield Command(_in_both(command.title), command.help, command.callback)
        for text, run in last.items():
            yield Command(_in_both(text), keys[text], run)


_SPOKEN = 0.5
"""Score of what was typed in pinyin: below a name that has these very letters."""
_OF_THE_APP = (
    "browse",
    "help",
    "quit",
    "command_palette",
    "settings",
    "app.settings",
    "app.browse",
    "app.stats",
    "app.interview",
    "app.quit",
)
"""Actions that are told as what can be done from anywhere."""


@cache
def _names() -> dict[str, str]:
    keys = (key for key in TEXT if key.startswith(("tui.key.", "tui.palette.", "rating.")))
    return {say(key): "  ".join(both(key)) for key in keys}


def _in_both(text: str) -> str:
    return _names().get(text, text)
