"""Markdown and formulas as lines of a terminal.

    layout(markdown, width, marks)  lines of spans with semantic style names
    inline(markdown)                one sentence as spans, to be wrapped by the caller
    plain(lines), ansi(lines)       for plain output
    math_box(latex)                 a formula in two dimensions, with its baseline
    problems(markdown)              formulas a reader would see as source
    cells, numbers, table           modules: how numbers and tables are written everywhere

The names below are fetched from their modules at first use, so that importing a light
module of this room does not load the parsers of the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quizdl.render.box import Box, math_block, math_box
    from quizdl.render.formula import MathError
    from quizdl.render.markdown import inline, layout, problems
    from quizdl.render.text import Line, Span, ansi, plain

__all__ = [
    "Box",
    "Line",
    "MathError",
    "Span",
    "ansi",
    "inline",
    "layout",
    "math_block",
    "math_box",
    "plain",
    "problems",
]

_HOMES = {
    "box": ("Box", "math_block", "math_box"),
    "formula": ("MathError",),
    "markdown": ("inline", "layout", "problems"),
    "text": ("Line", "Span", "ansi", "plain"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"quizdl.render.{home}"), name)
    raise AttributeError(name)
