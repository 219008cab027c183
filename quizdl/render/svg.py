"""A figure as one SVG element, for pages and cards: our own small writer.

No fonts, scripts, ids or style sheets, so that any number of them can stand in one page; text
and axes take the page's own colour. The same figure is always the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import TypeAlias
from xml.sax.saxutils import escape

from quizdl.model import Figure, FigureKind, Series
from quizdl.render.cells import cells, truncate
from quizdl.render.numbers import format_number
from quizdl.render.scale import Axes, Scale, axes, missing_points, tick_labels
from quizdl.words import in_chinese

COLOURS = ("#2b7bba", "#cf6a12", "#0f8f72", "#b565a7", "#7b7b7b", "#c8475a")
"""After Okabe and Ito, each with a contrast of 3 or more to white and to #1e1e1e."""
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 4")
_SHAPES = (  # around 0 0: disc, diamond, triangle, square, cross, ring
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "M0 -5L5 0L0 5L-5 0z",
    "M0 -5L5 4L-5 4z",
    "M-4 -4H4V4H-4z",
    "M-5 -1.5H-1.5V-5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5z",
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0zM-2.5 0a2.5 2.5 0 1 1 5 0a2.5 2.5 0 1 1 -5 0z",
)
_WIDTH, _PLOT = 640.0, 240.0
_CELL = 7.0  # pixels of a terminal cell's worth of text, at 13 pixels
_LINE = 18.0
_EDGE = 8.0  # between the plot's frame and its outermost points
_BAR = 18.0
_SPARSE = 40  # points; a line of more has `_MARKS` marks in all
_MARKS = 7
_MOST_CELLS = 26  # of a name beside bars
_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f]")


def figure_svg(figure: Figure, on: Axes | None = None) -> str:
    """`on`: other axes than its own (`shared_axes`); they hold all its values."""
    on = on or axes(figure)
    head, top = _head(figure)
    if figure.kind is FigureKind.BAR:
        body, height = _bars(figure, top, on.y)
    elif figure.kind is FigureKind.HEATMAP:
        body, height = _heatmap(figure, top, on.y)
    else:
        body, height = _plane(figure, top, on)
    name = f"<title>{_text(figure.title)}</title>" if figure.title else ""
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(_WIDTH)} {_n(height)}"'
            ' role="img" font-family="sans-serif" font-size="13" fill="currentColor">',
            f"{name}<desc>{_text(_description(figure))}</desc>",
            *head,
            *body,
            "</svg>\n",
        )
    )


def _description(figure: Figure) -> str:
    """What a reader who cannot see it is told: kind, axes, and the range of each series."""
    parts = [in_chinese(f"figure.kind.{figure.kind}")]
    parts += [label for label in (figure.x_label, figure.y_label) if label]
    for series in figure.series:
        finite = [value for value in series.y if abs(value) < float("inf")]
        if finite:
            low, high = format_number(min(finite)), format_number(max(finite))
            parts.append(in_chinese("figure.range", name=series.name, low=low, high=high).strip())
    return "；".join([*parts, *(name for name, _ in figure.rules)])


# --- parts


def _head(figure: Figure) -> tuple[list[str], float]:
    """Title and legend, and where they end."""
    lines: list[str] = []
    y = _LINE
    if figure.title:
        title = truncate(figure.title, int(_WIDTH / _CELL))
        lines.append(_label(0, y, title, ' font-weight="bold"'))
        y += _LINE + 2
    x = 0.0
    if figure.kind is not FigureKind.HEATMAP:
        for index, series in enumerate(figure.series):
            if series.name:
                x, y = _advance(x, y, series.name)
                lines += [*_sample(figure, index, x, y - 4), _label(x + 34, y, series.name)]
                x += _key_width(series.name)
        for index, (name, _) in enumerate(figure.rules):
            x, y = _advance(x, y, name)
            lines += [_rule(x, y - 4, x + 28, y - 4, index), _label(x + 34, y, name)]
            x += _key_width(name)
    return lines, y + (10 if x else -_LINE + 10)


def _key_width(name: str) -> float:
    return 34 + cells(name) * _CELL + 18


def _advance(x: float, y: float, name: str) -> tuple[float, float]:
    """Where an entry of the legend stands: on the next line when this one is full."""
    return (0.0, y + _LINE) if x and x + _key_width(name) > _WIDTH else (x, y)


def _sample(figure: Figure, index: int, x: float, y: float) -> Iterator[str]:
    if figure.kind is FigureKind.BAR:
        yield _rectangle(x + 8, y - 6, 20, 12, _colour(index), _strength(index))
        return
    if figure.kind is not FigureKind.SCATTER:
        yield _path([(x, y), (x + 28, y)], index)
    if figure.kind is not FigureKind.HIST:
        yield _mark(x + 14, y, index)


def _plane(figure: Figure, top: float, on: Axes) -> tuple[list[str], float]:
    x_scale, y_scale = on
    y_ticks = y_scale.ticks(5)
    y_labels = tick_labels(y_ticks)
    left = max(map(cells, y_labels)) * _CELL + 10
    if figure.y_label:
        top += _LINE
    right, bottom = _WIDTH - 12, top + _PLOT
    x_at = _placer(x_scale, left + _EDGE, right - _EDGE)
    y_at = _placer(y_scale, bottom - (0 if figure.kind is FigureKind.HIST else _EDGE), top + _EDGE)
    lines = [_label(0, top - 6, figure.y_label)] if figure.y_label else []
    for tick, label in zip(y_ticks, y_labels, strict=True):
        if (y := y_at(tick)) is not None:
            lines.append(_grid(left, y, right, y))
            lines.append(_label(left - 6, y + 4, label, ' text-anchor="end"'))
    x_ticks = x_scale.ticks(7)
    for tick, label in zip(x_ticks, tick_labels(x_ticks), strict=True):
        if (x := x_at(tick)) is not None:
            lines.append(_grid(x, bottom, x, bottom + 5))
            lines.append(_label(x, bottom + _LINE, label, ' text-anchor="middle"'))
    frame = f"M{_n(left)} {_n(top)}V{_n(bottom)}H{_n(right)}"
    lines.append(f'<path d="{frame}" fill="none" stroke="currentColor"/>')
    for index, (_, value) in enumerate(figure.rules):
        if (y := y_at(value)) is not None:
            lines.append(_rule(left, y, right, y, index))
    for index, series in enumerate(figure.series):
        if figure.kind is FigureKind.HIST:
            lines += _steps(series, index, x_at, y_at, bottom, alone=len(figure.series) == 1)
        else:
            lines += _curve(figure, index, x_at, y_at)
    height = bottom + _LINE + 8
    missing = missing_points(figure)
    if missing:
        lines.append(_label(0, height + 10, in_chinese("figure.missing", count=missing)))
    if figure.x_label:
        lines.append(_label(right, height + 10, figure.x_label, ' text-anchor="end"'))
    return lines, height + (_LINE if missing or figure.x_label else 0)


def _curve(figure: Figure, index: int, x_at: _At, y_at: _At) -> Iterator[str]:
    series, of = figure.series[index], len(figure.series)
    points = [(x_at(x), y_at(y)) for x, y in zip(series.x, series.y, strict=False)]
    placed = [(x, y) for x, y in points if x is not None and y is not None]
    if figure.kind is FigureKind.LINE:
        for whole, run in groupby(points, key=lambda point: None not in point):
            if whole:
                yield _path([(x, y) for x, y in run if x is not None and y is not None], index)
        if len(placed) > _SPARSE:  # marks here and there, elsewhere for each series
            step = len(placed) // _MARKS
            named = of > 1 or series.name
            placed = placed[step * (index + 1) // (of + 1) :: step] if named else []
    for x, y in placed:
        yield _mark(x, y, index)


def _steps(
    series: Series, index: int, x_at: _At, y_at: _At, bottom: float, *, alone: bool
) -> Iterator[str]:
    outline: list[tuple[float, float]] = []
    for (left, right), count in zip(pairwise(series.x), series.y, strict=False):
        x0, x1, y = x_at(left), x_at(right), y_at(count)
        if x0 is None or x1 is None:
            continue
        if alone and y is not None:
            yield _rectangle(x0, y, x1 - x0, bottom - y, _colour(index))
        outline += [(x0, bottom if y is None else y), (x1, bottom if y is None else y)]
    if not alone and outline:
        yield _path(outline, index)


def _bars(figure: Figure, top: float, scale: Scale) -> tuple[list[str], float]:
    count = max((len(series.y) for series in figure.series), default=0)
    names = [truncate(name, _MOST_CELLS) for name in figure.categories[:count]]
    names += [str(place + 1) for place in range(len(names), count)]
    left = max([20.0, *(cells(name) * _CELL for name in names)]) + 10
    numbers = [[format_number(value) for value in series.y] for series in figure.series]
    right = _WIDTH - max((cells(text) for texts in numbers for text in texts), default=0) * 8 - 8
    at = _placer(scale, left, right)
    zero = left if scale.log else at(0.0) or left
    lines: list[str] = []
    heading = " │ ".join(filter(None, (figure.x_label, figure.y_label)))
    if heading:
        lines.append(_label(0, top + 12, heading))
        top += _LINE + 4
    y = top + 4
    for place in range(count):
        middle = y + len(figure.series) * _BAR / 2
        lines.append(_label(left - 6, middle + 4, names[place], ' text-anchor="end"'))
        for index, series in enumerate(figure.series):
            if place < len(series.y):
                end = at(series.y[place])
                if end is not None:
                    x0, x1 = sorted((zero, end))
                    bar = (x0, y + 2, x1 - x0, _BAR - 4)
                    lines.append(_rectangle(*bar, _colour(index), _strength(index)))
                lines.append(_label(right + 6, y + 13, numbers[index][place]))
            y += _BAR
        y += 6
    bottom = y
    lines.append(_grid(zero, top, zero, bottom, strong=True))
    for index, (_, value) in enumerate(figure.rules):
        if (x := at(value)) is not None:
            lines.append(_rule(x, top, x, bottom, index))
    return lines, bottom + 8


def _heatmap(figure: Figure, top: float, scale: Scale) -> tuple[list[str], float]:
    columns = max((len(series.y) for series in figure.series), default=0)
    names = [truncate(series.name, _MOST_CELLS) for series in figure.series]
    left = max([20.0, *(cells(name) * _CELL for name in names)]) + 10
    wide = (_WIDTH - left - 12) / max(1, columns)
    wide, tall = min(wide, 64.0), min(max(wide, 18.0), 32.0)
    ends = [format_number(10.0 ** min(e, 308) if scale.log else e) for e in (scale.low, scale.high)]
    lines = [_label(0, top + 12, f"{figure.y_label}  {ends[0]} … {ends[1]}".strip())]
    y = top + _LINE + 4
    for series, name in zip(figure.series, names, strict=True):
        lines.append(_label(left - 6, y + tall / 2 + 4, name, ' text-anchor="end"'))
        for column, value in enumerate(series.y):
            x, place = left + column * wide, scale.place(value)
            if place is None:
                lines.append(_label(x + wide / 2, y + tall / 2 + 4, "×", ' text-anchor="middle"'))
            else:
                shade = f' fill-opacity="{_n(0.06 + 0.94 * place)}"'
                cell = _rectangle(x, y, wide - 1, tall - 1, COLOURS[0], shade)
                title = f"<title>{_text(format_number(value))}</title>"
                lines.append(cell.removesuffix("/>") + f">{title}</rect>")
        y += tall
    reached = 0.0
    for column, name in enumerate(figure.categories[:columns]):
        x = left + (column + 0.5) * wide
        if x - cells(name) * _CELL / 2 >= reached:
            lines.append(_label(x, y + 14, name, ' text-anchor="middle"'))
            reached = x + cells(name) * _CELL / 2 + 6
    y += _LINE + 4
    if figure.x_label:
        anchor = ' text-anchor="end"'
        lines.append(_label(left + columns * wide, y + 10, figure.x_label, anchor))
        y += _LINE
    return lines, y + 4


# --- shapes


_At: TypeAlias = Callable[[float], float | None]
"""A value's pixel; None where the axis has no place for it."""


def _placer(scale: Scale, low: float, high: float) -> _At:
    def at(value: float) -> float | None:
        place = scale.place(value)
        return None if place is None else low + place * (high - low)

    return at


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _strength(index: int) -> str:
    """Bars of one group differ in weight besides colour, in the order of the legend."""
    return f' fill-opacity="{_n(1 - 0.15 * (index % len(COLOURS)))}"' if index else ""


def _path(points: Sequence[tuple[float, float]], index: int) -> str:
    dashes = _DASHES[index % len(_DASHES)]
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{_colour(index)}" stroke-width="2"{dash}/>'
    )


def _mark(x: float, y: float, index: int) -> str:
    shape = _SHAPES[index % len(_SHAPES)]
    where = f"translate({_n(x)} {_n(y)})"
    return f'<path d="{shape}" transform="{where}" fill="{_colour(index)}"/>'


def _rectangle(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    size = f'width="{_n(width)}" height="{_n(height)}"'
    return f'<rect x="{_n(x)}" y="{_n(y)}" {size} fill="{fill}"{more}/>'


def _rule(x0: float, y0: float, x1: float, y1: float, index: int) -> str:
    dash = ("6 4", "2 4", "12 4", "1 3")[index % 4]
    line = f'<line x1="{_n(x0)}" y1="{_n(y0)}" x2="{_n(x1)}" y2="{_n(y1)}"'
    return f'{line} stroke="currentColor" stroke-width="1.5" stroke-dasharray="{dash}"/>'


def _grid(x0: float, y0: float, x1: float, y1: float, *, strong: bool = False) -> str:
    line = f'<line x1="{_n(x0)}" y1="{_n(y0)}" x2="{_n(x1)}" y2="{_n(y1)}" stroke="currentColor"'
    return f"{line}/>" if strong else f'{line} stroke-opacity="0.2"/>'


def _label(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}"{more}>{_text(text)}</text>'


def _text(text: str) -> str:
    """Escaped, and without what XML may not hold."""
    return escape(_INVALID.sub("\ufffd", text))


def _n(value: float) -> str:
    """Hundredths of a pixel, without zeros at the end."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
