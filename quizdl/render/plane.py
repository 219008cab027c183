"""Lines, points and histograms between two axes, in terminal cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from quizdl.model import Figure, FigureKind, Series
from quizdl.render.canvas import DOTS_X, DOTS_Y, EIGHTHS, Canvas
from quizdl.render.cells import cells, pad
from quizdl.render.legend import mark, rule_mark, series_style
from quizdl.render.scale import Axes, tick_labels
from quizdl.render.text import Line, Span

_ROWS_A_TICK = 3
_COLUMNS_A_TICK = 11
_COLUMNS_A_POINT = 3  # where points are sparser than this, each gets its mark
_BETWEEN_MARKS = 12  # columns, on denser lines
_CLOUD = 40  # points; more of one series are dots rather than marks

Place = tuple[int, int]
"""Dots from the left, dots from above."""


def plane(figure: Figure, width: int, height: int, on: Axes) -> list[Line]:
    """The axes and what stands between them in `height` lines, the last two of them the x axis."""
    rows = max(1, height - 2)
    y_ticks = on.y.ticks(rows // _ROWS_A_TICK)
    y_labels = tick_labels(y_ticks)
    gutter = max(map(cells, y_labels))
    if gutter > width // 2:
        gutter, y_labels = 0, [""] * len(y_labels)
    columns = max(1, width - gutter - 2)
    board = _Board(Canvas(columns, rows), on)
    board.draw(figure)
    label_of = {
        board.y(tick) // DOTS_Y: label for tick, label in zip(y_ticks, y_labels, strict=True)
    }
    lines: list[Line] = []
    for row, drawn in enumerate(board.canvas.lines()):
        edge = "┤" if row in label_of else "│"
        label = pad(label_of.get(row, ""), gutter, "right")
        lines.append((Span(f"{label} {edge}", "axis"), *drawn))
    return lines + _x_axis(board, gutter, width)


def _x_axis(board: _Board, gutter: int, width: int) -> list[Line]:
    """The lower edge with its ticks, and their labels where they do not touch."""
    ticks = board.on.x.ticks(board.canvas.columns // _COLUMNS_A_TICK)
    edge, labels = ["─"] * board.canvas.columns, ""
    for tick, label in zip(ticks, tick_labels(ticks), strict=True):
        column = board.x(tick) // DOTS_X
        start = min(gutter + 2 + column - cells(label) // 2, width - cells(label))
        if start >= cells(labels) + bool(labels):
            labels = pad(labels, start) + label
            edge[column] = "┬"
    return [(Span(" " * (gutter + 1) + "└" + "".join(edge), "axis"),), (Span(labels, "axis"),)]


class _Board:
    """A canvas with the scales that say where a value belongs on it."""

    def __init__(self, canvas: Canvas, on: Axes) -> None:
        self.canvas, self.on = canvas, on

    def x(self, value: float) -> int:
        """For a value that has a place."""
        return round((self.on.x.place(value) or 0.0) * (DOTS_X * self.canvas.columns - 1))

    def y(self, value: float) -> int:
        return round((1 - (self.on.y.place(value) or 0.0)) * (DOTS_Y * self.canvas.rows - 1))

    def draw(self, figure: Figure) -> None:
        alone = len(figure.series) == 1
        for index, series in enumerate(figure.series):
            if figure.kind is FigureKind.SCATTER:
                self._points(index, series, dots=alone and len(series.x) > _CLOUD)
            elif figure.kind is FigureKind.LINE:
                self._line(index, series, len(figure.series))
            elif alone:
                self._columns(series)
            else:
                self._outline(index, series, len(figure.series))
        for index, (_, value) in enumerate(figure.rules):
            self._rule(index, value)

    def places(self, xs: Sequence[float], ys: Sequence[float]) -> list[Place | None]:
        return [
            None
            if self.on.x.place(x) is None or self.on.y.place(y) is None
            else (self.x(x), self.y(y))
            for x, y in zip(xs, ys, strict=False)
        ]

    def _points(self, index: int, series: Series, *, dots: bool) -> None:
        for place in self.places(series.x, series.y):
            if place and dots:
                self.canvas.dot(*place, series_style(index))
            elif place:
                self._mark(place, index)

    def _line(self, index: int, series: Series, of: int) -> None:
        places = self.places(series.x, series.y)
        self._stroke(places, series_style(index))
        placed = [place for place in places if place]
        self._marks(placed, index, of, named=bool(series.name))

    def _outline(self, index: int, series: Series, of: int) -> None:
        """A histogram among others: the steps of its upper edge."""
        xs = [x for edge in series.x for x in (edge, edge)][1:-1]
        places = self.places(xs, [y for count in series.y for y in (count, count)])
        self._stroke(places, series_style(index))
        self._marks([place for place in places if place], index, of)

    def _stroke(self, places: Sequence[Place | None], style: str) -> None:
        for place in places:
            if place:
                self.canvas.dot(*place, style)
        for start, end in pairwise(places):
            if start and end:
                self.canvas.segment(start, end, style)

    def _marks(self, places: Sequence[Place], index: int, of: int, *, named: bool = True) -> None:
        """Marks at points of the line: at all where they are sparse, else here and there, for
        each series elsewhere; none on a dense line that is alone and not in the legend."""
        sparse = len(places) * _COLUMNS_A_POINT <= self.canvas.columns
        if not places or (of == 1 and not named and not sparse):
            return
        if sparse:
            for place in places:
                self._mark(place, index)
            return
        last, room, marked = places[0], _BETWEEN_MARKS * (index + 1) / (of + 1), False
        for place in places:
            # A row is as far as two columns; in dots both are the same.
            if max(abs(place[0] - last[0]), abs(place[1] - last[1])) >= room * DOTS_X:
                self._mark(place, index)
                last, room, marked = place, _BETWEEN_MARKS, True
        if not marked:
            self._mark(places[-1], index)

    def _mark(self, place: Place, index: int) -> None:
        x, y = place
        self.canvas.glyph(x // DOTS_X, y // DOTS_Y, mark(index), series_style(index))

    def _columns(self, series: Series) -> None:
        """A histogram alone: full columns. A column that holds several bins is as high as the
        highest of them."""
        full = len(EIGHTHS) - 1
        heights = [0] * self.canvas.columns
        for (left, right), count in zip(pairwise(series.x), series.y, strict=False):
            place = self.on.y.place(count)
            ends = self.places((left, right), (count, count))
            if place is not None and ends[0] and ends[1] and count != 0:
                start, end = sorted((ends[0][0] // DOTS_X, (ends[1][0] + 1) // DOTS_X))
                height = max(1, round(place * self.canvas.rows * full))
                for column in range(start, min(max(end, start + 1), self.canvas.columns)):
                    heights[column] = max(heights[column], height)
        for column, height in enumerate(heights):
            for row in range(self.canvas.rows):
                eighths = min(full, height - full * (self.canvas.rows - 1 - row))
                if eighths > 0:
                    self.canvas.glyph(column, row, EIGHTHS[eighths], series_style(0))

    def _rule(self, index: int, value: float) -> None:
        if self.on.y.place(value) is not None:
            row = self.y(value) // DOTS_Y
            for column in range(self.canvas.columns):
                if self.canvas.is_free(column, row):
                    self.canvas.glyph(column, row, rule_mark(index), "rule.bound")
