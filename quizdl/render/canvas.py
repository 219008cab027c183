"""A drawing in terminal cells: braille dots, 2 × 4 to a cell, and whole glyphs above them."""

from __future__ import annotations

from quizdl.render.text import Line, Span, merge

DOTS_X, DOTS_Y = 2, 4
EIGHTHS = " ▁▂▃▄▅▆▇█"
"""A cell filled from below, by eighths."""

_BRAILLE = 0x2800
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # by column, then row from above


class Canvas:
    """`columns` × `rows` cells. Dots are counted from the upper left; what lies outside is
    not drawn. Where dots of two styles share a cell, the later style has it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._dots = [[0] * columns for _ in range(rows)]
        self._styles = [[""] * columns for _ in range(rows)]
        self._glyphs = [[""] * columns for _ in range(rows)]

    def dot(self, x: int, y: int, style: str) -> None:
        column, row = x // DOTS_X, y // DOTS_Y
        if 0 <= column < self.columns and 0 <= row < self.rows:
            self._dots[row][column] |= _BITS[x % DOTS_X][y % DOTS_Y]
            self._styles[row][column] = style

    def segment(self, start: tuple[int, int], end: tuple[int, int], style: str) -> None:
        (x0, y0), (x1, y1) = start, end
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for k in range(steps + 1):
            self.dot(round(x0 + (x1 - x0) * k / steps), round(y0 + (y1 - y0) * k / steps), style)

    def glyph(self, column: int, row: int, char: str, style: str) -> None:
        """`char`, one cell wide, in place of the dots there."""
        if 0 <= column < self.columns and 0 <= row < self.rows:
            self._glyphs[row][column] = char
            self._styles[row][column] = style

    def is_free(self, column: int, row: int) -> bool:
        return not self._dots[row][column] and not self._glyphs[row][column]

    def lines(self) -> list[Line]:
        return [
            merge(self._cell(column, row) for column in range(self.columns))
            for row in range(self.rows)
        ]

    def _cell(self, column: int, row: int) -> Span:
        char = self._glyphs[row][column]
        if not char:
            dots = self._dots[row][column]
            char = chr(_BRAILLE + dots) if dots else " "
        return Span(char, self._styles[row][column] if char != " " else "")
