"""A page of Markdown: the question, or its answer with the state of each claim."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from quizdl import render
from quizdl.render.text import Line
from quizdl.tui.widgets.lines import Lines


class Page(Lines):
    """Shows Markdown; `marks` puts a sign before the sentence of each claim."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._markdown = ""
        self._marks: Mapping[str, str] = {}

    def show(self, markdown: str, marks: Mapping[str, str] | None = None) -> None:
        self._markdown, self._marks = markdown, marks or {}
        self.changed()

    def set_marks(self, marks: Mapping[str, str]) -> None:
        if marks != self._marks:
            self._marks = marks
            self.changed()

    @classmethod
    def prepare(cls, markdown: str, marks: Mapping[str, str], width: int) -> None:
        """Lay out in any thread what a page will be asked to show."""
        _layout(markdown, min(width, cls.LONGEST), tuple(marks.items()))

    def layout_lines(self, width: int) -> list[Line]:
        return _layout(self._markdown, width, tuple(self._marks.items()))


@lru_cache(maxsize=8)
def _layout(markdown: str, width: int, marks: tuple[tuple[str, str], ...]) -> list[Line]:
    return render.layout(markdown, width, dict(marks))
