"""A claim's figures as lines, each beside that of its first control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from quizdl.model import Figure, FigureKind
from quizdl.render.cells import cells
from quizdl.render.figure import figure_lines
from quizdl.render.scale import shared_axes
from quizdl.render.text import Line, Span, width_of
from quizdl.words import say

_GAP = "   "  # between two figures
_NARROWEST = 36  # cells of a figure that has another beside it
_HEIGHT = 14  # lines of a figure; bars and heatmaps have as many as they need


def figure_block(figures: Sequence[Sequence[Figure]], width: int) -> list[Line]:
    """The figures of a claim (arm 0) with those of its first control: side by side where
    `width` allows, else one below the other; once where both are the same."""
    own = figures[0] if figures else ()
    control = figures[1] if len(figures) > 1 else ()
    lines: list[Line] = []
    for figure in own:
        other = next((each for each in control if each.title == figure.title), figure)
        lines += [(), *_beside(figure, other, width)]
    return lines


def _beside(figure: Figure, control: Figure, width: int) -> list[Line]:
    if control == figure:
        return figure_lines(figure, width, _height(figure))
    named = replace(control, title=f"{figure.title} · {say('judge.control_arm', arm=1)}")
    both = zip((figure, named), shared_axes(figure, control), strict=True)
    half = (width - cells(_GAP)) // 2
    if half < _NARROWEST:
        return [line for each, on in both for line in figure_lines(each, width, _height(each), on)]
    left, right = (figure_lines(each, half, _height(each), on) for each, on in both)
    pairs = zip_longest(left, right, fillvalue=())
    return [(*a, Span(" " * (half - width_of(a)) + _GAP), *b) if b else a for a, b in pairs]


def _height(figure: Figure) -> int:
    if figure.kind is FigureKind.HEATMAP:
        return max(_HEIGHT, len(figure.series) + 6)
    if figure.kind is FigureKind.BAR:
        return max(_HEIGHT, sum(len(series.y) for series in figure.series) + 6)
    return _HEIGHT
