"""What tells the series of a figure apart, and the lines that say so.

Every series has a mark of its own besides its colour, in the order of the legend: a reader
who sees no colours loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quizdl.model import Figure, FigureKind
from quizdl.render.cells import cells
from quizdl.render.text import Line, Span, visible, width_of

MARKS = "●◆▲■✚○"
STYLES = 6
"""Series styles are `series.1` … `series.6`, then from the beginning."""
_RULES = ("╌╎", "┈┊", "─│", "┄┆")  # lying and standing
_GAP = Span("  ")


def mark(index: int) -> str:
    return MARKS[index % len(MARKS)]


def series_style(index: int) -> str:
    return f"series.{index % STYLES + 1}"


def rule_mark(index: int, *, standing: bool = False) -> str:
    return _RULES[index % len(_RULES)][standing]


def legend(figure: Figure, width: int, first: Iterable[Line] = ()) -> list[Line]:
    """`first`, then each named series and each rule with its mark, as many to a line as fit."""
    entries = list(first)
    if figure.kind is not FigureKind.HEATMAP:
        for index, series in enumerate(figure.series):
            if series.name:
                style = series_style(index)
                entries.append((Span(mark(index), style), Span(f" {visible(series.name)}", style)))
        standing = figure.kind is FigureKind.BAR
        for index, (name, _) in enumerate(figure.rules):
            char = rule_mark(index, standing=standing)
            entries.append((Span(f"{char} {visible(name)}", "rule.bound"),))
    return _flow(entries, width)


def _flow(entries: Sequence[Line], width: int) -> list[Line]:
    lines: list[Line] = []
    for entry in entries:
        if lines and width_of(lines[-1]) + cells(_GAP.text) + width_of(entry) <= width:
            lines[-1] += (_GAP, *entry)
        else:
            lines.append(entry)
    return lines
