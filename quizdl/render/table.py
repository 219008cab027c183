"""Plain tables: columns aligned by cells, wrapped rather than cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from quizdl.render.cells import Align
from quizdl.render.text import Line, Span, width_of, wrap
from quizdl.words import say

Cell = str | Line

_RULE = "muted"
_BETWEEN = " │ "
_CROSSING = "─┼─"
_NARROWEST = 6  # cells; below this a column is a ladder of single characters


def table(
    rows: Sequence[Sequence[Cell]],
    header: Sequence[Cell] = (),
    align: Sequence[Align] = (),
    width: int = 80,
) -> list[Line]:
    """`rows` under `header` in at most `width` cells.

    Columns that are too wide share what is left and wrap; rows are then ruled off. Where not
    even that fits, each row becomes a list of `header  cell` lines.
    """
    count = max((len(row) for row in (*rows, header)), default=0)
    if not count:
        return []
    head = _row(header, count, "strong") if header else None
    body = [_row(row, count, "") for row in rows]
    missing: list[Align] = ["left"] * (count - len(align))
    aligns = [*align, *missing]
    every = [*([head] if head else []), *body]
    natural = [max(1, *(_natural(row[column]) for row in every)) for column in range(count)]
    widths = _share(natural, width - len(_BETWEEN) * (count - 1))
    if widths is None:
        return _records(head, body, width)
    wrapped = widths != natural
    rule = Span(_CROSSING.join("─" * size for size in widths), _RULE)
    lines: list[Line] = []
    if head:
        lines += _lines(head, widths, aligns)
        lines.append((rule,))
    for index, row in enumerate(body):
        if index and wrapped:
            lines.append((rule,))
        lines += _lines(row, widths, aligns)
    return lines


def _row(cells: Sequence[Cell], count: int, style: str) -> list[Line]:
    row = [(Span(cell, style),) if isinstance(cell, str) else cell for cell in cells]
    if style:
        row = [
            tuple(span._replace(style=f"{style} {span.style}".strip()) for span in cell)
            if all(style not in span.style.split() for span in cell)
            else cell
            for cell in row
        ]
    return [*row, *[()] * (count - len(row))]


def _natural(cell: Line) -> int:
    return max(width_of(line) for line in wrap(cell, 10_000))


def _share(natural: Sequence[int], room: int) -> list[int] | None:
    """Widths that sum to at most `room`: narrow columns keep theirs, the others get equal
    shares. None when a column would come out too narrow to read."""
    widths = list(natural)
    wide = list(range(len(widths)))
    left = room
    while sum(widths[i] for i in wide) > left:
        share = left // len(wide)
        fitting = [i for i in wide if natural[i] <= share]
        if not fitting:
            if share < _NARROWEST:
                return None
            for place, i in enumerate(wide):
                widths[i] = share + (place < left - share * len(wide))
            break
        left -= sum(natural[i] for i in fitting)
        wide = [i for i in wide if natural[i] > share]
    return widths


def _lines(row: Sequence[Line], widths: Sequence[int], aligns: Sequence[Align]) -> list[Line]:
    columns = [wrap(cell, size) for cell, size in zip(row, widths, strict=True)]
    out: list[Line] = []
    for parts in zip_longest(*columns, fillvalue=()):
        line: list[Span] = []
        for column, (part, size, align) in enumerate(zip(parts, widths, aligns, strict=True)):
            if column:
                line.append(Span(_BETWEEN, _RULE))
            room = max(0, size - width_of(part))
            left = {"left": 0, "center": room // 2, "right": room}[align]
            last = column == len(widths) - 1
            line += [Span(" " * left), *part, Span("" if last else " " * (room - left))]
        out.append(tuple(span for span in line if span.text))
    return out


def _records(head: Sequence[Line] | None, body: Sequence[Sequence[Line]], width: int) -> list[Line]:
    lines: list[Line] = []
    for index, row in enumerate(body):
        if index:
            lines.append((Span("─" * width, _RULE),))
        for column, cell in enumerate(row):
            name = head[column] if head else ()
            colon = (Span(say("punctuation.colon"), _RULE),) if name else ()
            lines += wrap((*name, *colon, *cell), width)
    return lines
