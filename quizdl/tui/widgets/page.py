"""A page of Markdown: the question, or its answer with the state of each claim."""

from __future__ import annotations

from collections.abc import Mapping

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

    def layout_lines(self, width: int) -> list[Line]:
        return render.layout(self._markdown, width, self._marks)
