"""A finished claim as lines of text: verdict, numbers beside bound and control."""

from __future__ import annotations

from rich.cells import cell_len

from quizdl.model import ClaimResult, Role, Verdict
from quizdl.words import say


def number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4g}"


def result_text(result: ClaimResult, summary: str) -> str:
    mark = "✓" if result.verdict is Verdict.PROVED else "✗"
    lines = [f"{mark} {summary}  [{say('verdict.' + result.verdict)}, {result.ms:.0f} ms]"]
    rows = [
        (
            "",
            say("measure.name"),
            say("measure.bound"),
            say("measure.value"),
            say("measure.control"),
        )
    ]
    for m in result.measures:
        role = say("role.guard") if m.role is Role.GUARD else say("role.expect")
        rows.append(
            (role, m.name, m.bound, number(m.value) + ("" if m.holds else " ✗"), number(m.control))
        )
    widths = [max(cell_len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = (
            text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)
        )
        lines.append("    " + "  ".join(cells).rstrip())
    if result.reason:
        lines.append("    " + result.reason)
    return "\n".join(lines)
