"""A claim's numbers as lines: each beside its bound and beside what the control gave."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from quizdl.model import ClaimResult, Measure, Role, Verdict
from quizdl.render.cells import Align, cells, pad
from quizdl.render.numbers import format_number
from quizdl.render.text import Line, Span, wrap
from quizdl.words import say

MARKS = {
    Verdict.PROVED: "✓",
    Verdict.NOT_PROVED: "✗",
    Verdict.ERROR: "!",
    Verdict.TIMEOUT: "!",
    Verdict.LIMIT: "!",
}
_GAP = 2
_NUMERIC = ("good", "bad", "control")


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
    if sum(widths) + _GAP * (len(widths) - 1) <= width:
        return [_columns(row, widths) for row in rows]
    lines: list[Line] = []
    for role, name, bound, value, control in rows[1:]:
        lines += wrap((role, Span(" "), name), width)
        numbers = _columns((Span("  "), value, bound, head[4], control), (2, widths[3], widths[2]))
        lines += wrap(numbers, width)
    return lines


def result_lines(result: ClaimResult, text: Sequence[Span], width: int) -> list[Line]:
    """A finished claim: verdict and sentence, its numbers, and why it is not proved."""
    verdict = say(f"verdict.{result.verdict}")
    tail = Span(f"  {verdict} · {result.ms:.0f} ms", "muted")
    lines = wrap((mark(result.verdict), Span(" "), *text, tail), width)
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
    """The spans side by side, numbers to the right; spans without a width as they are."""
    parts: list[Span] = []
    for span, width in zip_longest(row, widths, fillvalue=0):
        assert isinstance(span, Span)
        assert isinstance(width, int)
        align: Align = "right" if span.style in _NUMERIC else "left"
        parts += [Span(pad(span.text, width, align), span.style), Span(" " * _GAP)]
    return tuple(parts[:-1])
