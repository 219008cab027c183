"""A block of Markdown: the question, or its answer with the state of each claim."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from quizdl import render
from quizdl.render.text import Line
from quizdl.tui.widgets.sheet import Block


class Page(Block):
    """Shows Markdown; `marks` puts a sign before the sentence of each claim."""

    def __init__(self, markdown: str, marks: Mapping[str, str] | None = None) -> None:
        self._markdown = markdown
        self.marks: Mapping[str, str] = marks or {}

    def lay_out(self, width: int) -> list[Line]:
        """In any thread: what one has laid out, another finds ready."""
        return _lay_out(self._markdown, width, tuple(self.marks.items()))


@lru_cache(maxsize=32)  # an answer is some eight of them
def _lay_out(markdown: str, width: int, marks: tuple[tuple[str, str], ...]) -> list[Line]:
    return render.layout(markdown, width, dict(marks))
