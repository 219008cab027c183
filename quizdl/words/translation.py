"""A compiled gettext catalogue whose texts may have two forms for a count."""

from __future__ import annotations

import string
from collections.abc import Mapping
from gettext import GNUTranslations
from pathlib import Path
from typing import Any


class _Counting(string.Formatter):
    """`str.format`, and `{count:one|many}`: the first form for exactly one."""

    def format_field(self, value: Any, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if str(value) == "1" else many
        return str(super().format_field(value, format_spec))


_FORMAT = _Counting()


class Translation:
    def __init__(self, language: str, catalogue: GNUTranslations) -> None:
        self.language = language
        self._catalogue = catalogue

    def fill(self, key: str, chinese: str, values: Mapping[str, object]) -> str:
        """The translation of the `chinese` text of `key`, or else that itself, filled in."""
        return _FORMAT.vformat(self._catalogue.pgettext(key, chinese), (), values)


def load(language: str) -> Translation | None:
    """None when it is not installed, or damaged."""
    try:
        with Path(__file__).with_name(f"{language}.mo").open("rb") as file:
            return Translation(language, GNUTranslations(file))
    except (OSError, ValueError, LookupError):
        return None
