"""Every sentence a person reads, by key, in Chinese or in English.

`say("bank.no_title", path=p)` looks the key up and fills it in with `str.format`. Chinese is
the source: `zh.TEXT` holds every key, and a missing one is a bug (KeyError). English is a
gettext catalogue: `en.po` has an entry for each key (`msgctxt`) and Chinese text (`msgid`), and
is compiled to `en.mo` when quizdl is packaged. What has no translation is said in Chinese.

To add or change a text: write it in `zh.py`, run `python tests/translations.py` (needs polib),
and fill in what it lists in `en.po`; run it again to see your words. Placeholders stay what they
are; where English needs a plural, `{count} question{count:|s}` has both forms, that for one
first. tests/test_translations.py finds what is missing, outdated or left over.

`speak` comes before the import of cli or tui: they look texts up while they are imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from quizdl.words.zh import DOCUMENTS, TEXT

if TYPE_CHECKING:
    from quizdl.words.translation import Translation

__all__ = ["QuizdlError", "both", "in_chinese", "language", "listed", "say", "speak"]

_spoken: Translation | None = None  # None: Chinese


def speak(code: str) -> None:
    """Say everything from now on in this language: "zh", or another that is installed; where
    its catalogue is missing, it stays Chinese."""
    global _spoken
    _spoken = _translation(code)


def language() -> str:
    """What is spoken: "zh" or "en"."""
    return _spoken.language if _spoken else "zh"


def say(key: str, /, **values: object) -> str:
    """The text of `key`, filled in. Raises KeyError for a key the catalogue lacks."""
    text = TEXT[key]
    return _spoken.fill(key, text, values) if _spoken else text.format(**values)


def in_chinese(key: str, /, **values: object) -> str:
    """The text of `key` as it is written into documents and read in banks, whose language does
    not change with that of the interface."""
    text = DOCUMENTS[key] if key in DOCUMENTS else TEXT[key]
    return text.format(**values)


def both(key: str, /, **values: object) -> tuple[str, ...]:
    """The text of `key` in the language spoken, then in the other one; once, where they are the
    same or the other is not installed. Reads the other catalogue on first use."""
    other = TEXT[key].format(**values)
    if _spoken is None and (english := _translation("en")):
        other = english.fill(key, TEXT[key], values)
    return tuple(dict.fromkeys((say(key, **values), other)))


def listed(things: Iterable[object]) -> str:
    """Things side by side: 甲、乙; a, b."""
    return say("punctuation.list").join(map(str, things))


@cache
def _translation(code: str) -> Translation | None:
    if code == "zh":
        return None
    from quizdl.words.translation import load

    return load(code)


class QuizdlError(Exception):
    """Bad input or a bad surrounding, said in one line a person can act on.

    The command line prints `str(error)` and exits with 1; no traceback reaches a user.
    """

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(say(key, **values))
        self.key = key
