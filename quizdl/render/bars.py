"""Bars and heatmaps, in terminal cells. Bars lie: Chinese names need the width."""

from __future__ import annotations

import math
from collections.abc import Iterator

from quizdl.model import Figure
from quizdl.render.cells import cells, pad, truncate
from quizdl.render.legend import mark, rule_mark, series_style
from quizdl.render.numbers import format_number
from quizdl.render.scale import Scale
from quizdl.render.text import Line, Span, merge, visible

_EIGHTHS = " ▏▎▍▌▋▊▉█"  # a cell filled from the left
_SHADES = "·░▒▓█"
_MISSING = "×"
_WIDEST_SHADE = 6
_NUMBER = 7  # cells a number of a heatmap takes


def bars(figure: Figure, width: int, scale: Scale) -> list[Line]:
    """A line for each bar, with its number; the bars of a category stand together."""
    count = max((len(series.y) for series in figure.series), default=0)
    names = _names(figure.categories, count, width // 3)
    grouped = len(figure.series) > 1
    numbers = [[format_number(value) for value in series.y] for series in figure.series]
    name_width = max(map(cells, names), default=0)
    number_width = max((cells(text) for texts in numbers for text in texts), default=0)
    room = max(1, width - name_width - number_width - 3 - 2 * grouped)
    lines: list[Line] = []
    for place in range(count):
        shown = pad(names[place], name_width, "right")
        for index, series in enumerate(figure.series):
            if place < len(series.y):
                head = Span(f"{shown} "), Span(f"{mark(index)} " if grouped else "")
                number = Span(pad(numbers[index][place], number_width + 1, "right"))
                drawn = _bar(figure, scale, series.y[place], index, room)
                style = series_style(index)
                lines.append((head[0], head[1]._replace(style=style), *drawn, number))
                shown = " " * name_width
    return lines


def _bar(figure: Figure, scale: Scale, value: float, index: int, room: int) -> Line:
    """`room` + 1 cells, one of them for the axis at zero."""
    zero = 0 if scale.log else round((scale.place(0.0) or 0.0) * room)
    style = series_style(index)
    left = [Span(" ")] * zero
    right = [Span(" ")] * (room - zero)
    for number, (_, at) in enumerate(figure.rules):
        place = scale.place(at)
        if place is not None:
            span = Span(rule_mark(number, standing=True), "rule.bound")
            column = min(int(place * room), room - 1)
            if column < zero:
                left[column] = span
            else:
                right[column - zero] = span
    place = scale.place(value)
    if place is not None:
        eighths = round(abs(place * room - zero) * 8)
        if scale.log or value > 0:
            for cell in range(min(len(right), math.ceil(eighths / 8))):
                right[cell] = Span(_EIGHTHS[min(8, eighths - 8 * cell)], style)
        elif value < 0:  # Unicode has only halves that fill from the right
            for cell in range(min(zero, (eighths + 4) // 8)):
                left[-1 - cell] = Span("█", style)
            if 0 < eighths < 4:
                left[-1:] = [Span("▐", style)] * bool(left)
    return merge((*left, Span("│", "axis"), *right))


def heatmap(figure: Figure, width: int, scale: Scale) -> list[Line]:
    """A line for each row; shades, with their numbers where there is room."""
    count = max((len(series.y) for series in figure.series), default=0)
    names = _names([series.name for series in figure.series], len(figure.series), width // 4)
    gutter = max(map(cells, names), default=0) + 1
    share = (width - gutter) // max(1, count)
    numbered = share >= _NUMBER + 2
    size = _NUMBER + 2 if numbered else max(1, min(share, _WIDEST_SHADE))
    lines: list[Line] = []
    for series, name in zip(figure.series, names, strict=True):
        parts = [Span(pad(name, gutter - 1, "right") + " ")]
        for value in series.y:
            char, style = _shade(scale, value)
            if numbered:
                number = truncate(format_number(value), _NUMBER - 1)
                parts += [Span(char * 2, style), Span(pad(number, _NUMBER))]
            else:
                parts.append(Span(char * size, style))
        lines.append(merge(parts))
    return [*lines, *_column_names(figure.categories, count, gutter, size)]


def shades(scale: Scale) -> Line:
    """What the shades of a heatmap mean."""
    ends = [10.0 ** min(end, 308) if scale.log else end for end in (scale.low, scale.high)]
    low, high = map(format_number, ends)
    return Span(f"{low} ", "axis"), Span(f"{_SHADES} ", "heat"), Span(high, "axis")


def _shade(scale: Scale, value: float) -> tuple[str, str]:
    place = scale.place(value)
    if place is None:
        return _MISSING, "bad"
    return _SHADES[min(len(_SHADES) - 1, max(0, int(place * len(_SHADES))))], "heat"


def _column_names(
    categories: tuple[str, ...], count: int, gutter: int, size: int
) -> Iterator[Line]:
    """Each name below its column, where it does not touch the one before."""
    text = ""
    for place, name in enumerate(_names(categories, count, 100)):
        start = gutter + place * size
        if start >= cells(text) + bool(text):
            text = pad(text, start) + name
    if count:
        yield (Span(text, "axis"),)


def _names(names: tuple[str, ...] | list[str], count: int, widest: int) -> list[str]:
    """`count` names of at most `widest` cells; numbers from 1 on where names are missing."""
    given = [visible(name) for name in names[:count]]
    given += [str(place + 1) for place in range(len(given), count)]
    return [truncate(name, max(1, widest)) for name in given]
