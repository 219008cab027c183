"""A claim's numbers as lines, each beside its bound and beside what the control gave; and its
figures, each beside that of the first control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from quizdl.model import ClaimResult, Figure, FigureKind, Measure, Role, Verdict
from quizdl.render.cells import cells, pad
from quizdl.render.figure import figure_lines
from quizdl.render.numbers import format_number
from quizdl.render.scale import shared_axes
from quizdl.render.text import Line, Span, width_of, wrap
from quizdl.words import say

MARKS = {
    Verdict.PROVED: "✓",
    Verdict.NOT_PROVED: "✗",
    Verdict.ERROR: "!",
    Verdict.TIMEOUT: "!",
    Verdict.LIMIT: "!",
}
_SPACE = Span("  ")
_GAP = "   "  # between two figures
_NARROWEST = 36  # cells of a figure that has another beside it
_HEIGHT = 14  # lines of a figure; bars and heatmaps have as many as they need
_FIRST_NUMBER = 3  # columns from here on are numbers


def mark(verdict: Verdict) -> Span:
    return Span(MARKS[verdict], f"verdict.{verdict}")


def measure_lines(measures: Sequence[Measure], width: int) -> list[Line]:
    """One row per number: role, name, bound, value, control value.

    Where `width` cells are too few for the columns, the name stands above its numbers.
    """
    head = tuple(
        Span(say(f"measure.{key}"), "muted")
        for key in ("role", "name", "bound", "value", "control")
    )
    rows = [head, *(_row(measure) for measure in measures)]
    widths = [max(cells(row[column].text) for row in rows) for column in range(len(head))]
    if sum(widths) + cells(_SPACE.text) * (len(widths) - 1) <= width:
        return [_columns(row, widths) for row in rows]
    lines: list[Line] = []
    for role, name, bound, value, control in rows[1:]:
        lines += wrap((role, Span(" "), name), width)
        number = Span(pad(value.text, widths[3], "right"), value.style)
        limit = Span(pad(bound.text, widths[2]), bound.style)
        lines += wrap((number, _SPACE, limit, _SPACE, head[4], Span(" "), control), width)
    return lines


def result_lines(result: ClaimResult, text: Sequence[Span], width: int) -> list[Line]:
    """A finished claim: verdict and sentence, its numbers, and why it is not proved."""
    verdict = say(f"verdict.{result.verdict}")
    tail = (_SPACE, Span(f"{verdict} · {result.ms:.0f} ms", "muted"))
    lines = wrap((mark(result.verdict), Span(" "), *text), width)
    if width_of(lines[-1]) + width_of(tail) <= width:
        lines[-1] += tail
    else:  # on a line of its own rather than torn
        lines.append(tail)
    lines += [(Span("  "), *line) for line in measure_lines(result.measures, width - 2)]
    if result.reason:
        lines += [(Span("  "), *line) for line in wrap((Span(result.reason, "bad"),), width - 2)]
    if result.output.strip():
        lines += [(Span("  "), Span(say("proof.output"), "muted"))]
        for line in result.output.strip().splitlines():
            lines += [(Span("  │ ", "muted"), *each) for each in wrap((Span(line),), width - 4)]
    return lines


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


def _row(measure: Measure) -> tuple[Span, Span, Span, Span, Span]:
    return (
        Span(say("role.guard") if measure.role is Role.GUARD else say("role.expect"), "muted"),
        Span(measure.name),
        Span(measure.bound, "muted"),
        Span(_number(measure.value), "good" if measure.holds else "bad"),
        Span(_number(measure.control), "control"),
    )


def _number(value: float | None) -> str:
    return "—" if value is None else format_number(value)


def _columns(row: Sequence[Span], widths: Sequence[int]) -> Line:
    parts: list[Span] = []
    for column, (span, width) in enumerate(zip(row, widths, strict=True)):
        text = pad(span.text, width, "right" if column >= _FIRST_NUMBER else "left")
        parts += [Span(text, span.style), _SPACE]
    return tuple(parts[:-1])
