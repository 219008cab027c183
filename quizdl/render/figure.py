"""A figure as lines of a terminal: braille curves, block bars, shaded heatmaps.

Why our own and not plotext, which design §8 names: version 6.1 aligns Chinese, but its one
global figure would be shared by everything that draws, importing it takes 120 ms and 150
modules, its legend covers half of a plot of 40 columns, its ticks are at 0.23 and 10.7, its
series differ by colour alone, it raises on an infinity and aborts the whole process on a NaN.
"""

from __future__ import annotations

from quizdl.model import Figure, FigureKind
from quizdl.render.bars import bars, heatmap, shades
from quizdl.render.cells import cells, pad
from quizdl.render.legend import legend
from quizdl.render.plane import plane
from quizdl.render.scale import Axes, axes, missing_points
from quizdl.render.text import Line, Span, clip, visible, wrap
from quizdl.words import say

_LEAST = 5  # lines, with its x axis; a lower plane shows nothing

# Styles: `series.1` … `series.6`, `axis`, `rule.bound`, `heat`, and `heading3`, `muted`, `bad`.


def figure_lines(figure: Figure, width: int, height: int, on: Axes | None = None) -> list[Line]:
    """At most `width` cells wide. `height` lines in all, title and legend among them: fewer
    when there are fewer bars or rows, more only when an axis could not be drawn otherwise.

    `on`: other axes than its own (`shared_axes`); they hold all its values.
    """
    on = on or axes(figure)
    head = wrap((Span(visible(figure.title), "heading3"),), width) if figure.title else []
    head += _legend(figure, width, on)
    foot = _foot(figure, width)
    room = height - len(head) - len(foot)
    if figure.kind is FigureKind.BAR:
        body = _cut(bars(figure, width, on.y), room)
    elif figure.kind is FigureKind.HEATMAP:
        body = _cut(heatmap(figure, width, on.y), room)
    else:
        body = plane(figure, width, max(room, _LEAST), on)
    return [clip(line, width) for line in (*head, *body, *foot)]


def _legend(figure: Figure, width: int, on: Axes) -> list[Line]:
    first: list[Line] = []
    if figure.kind is FigureKind.BAR and figure.x_label:
        first.append((Span(f"{visible(figure.x_label)} │ {visible(figure.y_label)}", "axis"),))
    elif figure.y_label:
        first.append((Span(visible(figure.y_label), "axis"),))
    if figure.kind is FigureKind.HEATMAP and figure.series:
        first.append(shades(on.y))
    return legend(figure, width, first)


def _foot(figure: Figure, width: int) -> list[Line]:
    """The name of the x axis, and how many points are not to be seen."""
    lines: list[Line] = []
    if figure.x_label and figure.kind is not FigureKind.BAR:
        label = visible(figure.x_label)
        lines.append((Span(pad(label, width, "right") if cells(label) < width else label, "axis"),))
    if not any(series.y for series in figure.series):
        lines += wrap((Span(say("figure.empty"), "muted"),), width)
    elif missing := missing_points(figure):
        lines += wrap((Span(say("figure.missing", count=missing), "muted"),), width)
    return lines


def _cut(lines: list[Line], room: int) -> list[Line]:
    room = max(room, 2)
    if len(lines) <= room:
        return lines
    left = len(lines) - room + 1
    return [*lines[: room - 1], (Span(say("figure.more_rows", count=left), "muted"),)]
