"""A claim's numbers as lines: each beside its bound and beside what the control gave."""

from __future__ import annotations

from collections.abc import Sequence

from quizdl.model import ClaimResult, Measure, Role, Verdict
from quizdl.render.cells import cells, pad
from quizdl.render.numbers import format_number
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
