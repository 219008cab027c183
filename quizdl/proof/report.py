"""A claim's numbers as lines: each beside its bound and beside what the control gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quizdl.model import Claim, ClaimResult, Forecast, Hit, Measure, Role, Verdict
from quizdl.render.cells import cells, pad
from quizdl.render.numbers import format_number
from quizdl.render.text import Line, Span, flow, width_of, wrap
from quizdl.words import say

MARKS = {
    Verdict.PROVED: "✓",
    Verdict.NOT_PROVED: "✗",
    Verdict.ERROR: "!",
    Verdict.TIMEOUT: "!",
    Verdict.LIMIT: "!",
}
HITS = {Hit.RIGHT: "✓", Hit.PARTLY: "~", Hit.WRONG: "✗", Hit.NONE: "–"}
_HIT_STYLES = {Hit.RIGHT: "good", Hit.PARTLY: "control", Hit.WRONG: "bad", Hit.NONE: "muted"}
_SPACE = Span("  ")
_FIRST_NUMBER = 3  # columns from here on are numbers


def mark(verdict: Verdict) -> Span:
    return Span(MARKS[verdict], f"verdict.{verdict}")


def measure_lines(measures: Sequence[Measure], width: int) -> list[Line]:
    """One row per number: role, name, bound, value, control value.

    Where `width` cells are too few for the columns, the name stands above its numbers, and
    where these are still too long, the bound stands with the name.
    """
    head = tuple(
        Span(say(f"measure.{key}"), "muted")
        for key in ("role", "name", "bound", "value", "control")
    )
    rows = [head, *(_row(measure) for measure in measures)]
    widths = [max(cells(row[column].text) for row in rows) for column in range(len(head))]
    if sum(widths) + cells(_SPACE.text) * (len(widths) - 1) <= width:
        return [_columns(row, widths) for row in rows]
    _, _, bounds, values, controls = widths
    beside = sum((values, bounds, cells(head[4].text), 1, controls)) + 2 * cells(_SPACE.text)
    lines: list[Line] = []
    for role, name, bound, value, control in rows[1:]:
        named = wrap((role, Span(" "), name), width)
        number: Line = (Span(pad(value.text, values, "right"), value.style), _SPACE)
        if beside <= width:
            number += (Span(pad(bound.text, bounds), bound.style), _SPACE)
        else:
            _append(named, (_SPACE, bound), width)
        lines += [*named, *wrap((*number, head[4], Span(" "), control), width)]
    return lines


def _append(lines: list[Line], tail: Line, width: int) -> None:
    """At the end of the last of `lines`, or on a line of its own rather than torn."""
    if width_of(lines[-1]) + width_of(tail) <= width:
        lines[-1] += tail
    else:
        lines.append(tail)


def result_lines(result: ClaimResult, text: Sequence[Span], width: int) -> list[Line]:
    """A finished claim: verdict and sentence, its numbers, and why it is not proved."""
    verdict = say(f"verdict.{result.verdict}")
    tail = (_SPACE, Span(f"{verdict} · {result.ms:.0f} ms", "muted"))
    lines = wrap((mark(result.verdict), Span(" "), *text), width)
    _append(lines, tail, width)
    lines += [(Span("  "), *line) for line in measure_lines(result.measures, width - 2)]
    if result.reason:
        lines += [(Span("  "), *line) for line in wrap((Span(result.reason, "bad"),), width - 2)]
    if result.output.strip():
        lines += [(Span("  "), Span(say("proof.output"), "muted"))]
        for line in result.output.strip().splitlines():
            lines += [(Span("  │ ", "muted"), *each) for each in wrap((Span(line),), width - 4)]
    return lines


def arm_lines(
    claim: Claim, measures: Sequence[Measure], width: int, before: Mapping[str, Measure]
) -> list[Line]:
    """One row per number, a column for each control, and what each control changes below.

    `before` are the numbers of another version, by name: a column of their own where there
    are any. A control's value is coloured by whether it does what it must: break some
    expectation, and no guard.
    """
    several = len(claim.controls) > 1
    heads = [
        say("measure.control_arm", arm=k + 1) if several else say("measure.control")
        for k in range(len(claim.controls))
    ]
    mine = [say("measure.before"), say("measure.copy")] if before else [say("measure.value")]
    header = ["", say("measure.name"), say("measure.bound"), *mine, *heads]
    rows = [_arm_row(claim, measure, before) for measure in measures]
    everything = [tuple(Span(text, "muted") for text in header), *rows]
    widths = [max(cells(row[column].text) for row in everything) for column in range(len(header))]
    if sum(widths) + cells(_SPACE.text) * (len(widths) - 1) <= width:
        lines = [_columns(row, widths) for row in everything]
    else:
        lines = []
        for role, name, bound, *values in rows:
            lines += wrap((role, Span(" "), name, _SPACE, bound), width)
            named = zip((*mine, *heads), values, strict=True)
            pairs = [(Span(f"{head} ", "muted"), value) for head, value in named]
            lines += [(_SPACE, *line) for line in flow(pairs, width - cells(_SPACE.text))]
    for number, (head, control) in enumerate(zip(heads, claim.controls, strict=True)):
        if number == 0:
            lines.append(())
        changes = (f"{key} = {value}" for key, value in control.items())
        changed = say("punctuation.clauses").join(changes)
        text = say("measure.changed", name=head, changed=changed)
        lines += wrap((Span(text, "control"),), width)
    return lines


def _arm_row(claim: Claim, measure: Measure, before: Mapping[str, Measure]) -> list[Span]:
    bound = {**claim.guards, **claim.expects}[measure.name]
    row = [
        Span(say("role.guard") if measure.role is Role.GUARD else say("role.expect"), "muted"),
        Span(measure.name),
        Span(measure.bound, "muted"),
    ]
    if before:
        old = before.get(measure.name)
        row.append(Span(_number(old.value if old else None), "muted"))
    row.append(Span(_number(measure.value), "good" if measure.holds else "bad"))
    worst = min if measure.role is Role.GUARD else max
    for values in (*measure.controls, *((),) * (len(claim.controls) - len(measure.controls))):
        value = worst(values, key=bound.slack) if values else None
        holds = value is not None and bound.holds(value)
        style = "control" if holds == (measure.role is Role.GUARD) else "muted"
        row.append(Span(_number(value), style))
    return row


def forecast_lines(forecasts: Sequence[Forecast], width: int) -> list[Line]:
    """Each prediction beside what was measured: mark and question, then guess and truth."""
    lines: list[Line] = []
    for forecast in forecasts:
        style = _HIT_STYLES[forecast.hit]
        head = (Span(HITS[forecast.hit], style), Span(" "), Span(forecast.prompt.text))
        lines += wrap(head, width)
        guess = guess_text(forecast)
        said = say("predict.guess", guess=guess) if guess else say("predict.hit.none")
        words = (Span(said, style), _SPACE, Span(say("predict.truth", truth=forecast.truth)))
        lines += [(_SPACE, *line) for line in wrap(words, width - 2)]
    return lines


def guess_text(forecast: Forecast) -> str:
    """A guess as the learner would say it; empty when there was none."""
    guess = forecast.guess
    if guess is None:
        return ""
    if isinstance(guess, tuple):
        return say("predict.join").join(forecast.prompt.options[place] for place in guess)
    return format_number(guess)


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
