"""How it is going, as lines: what `quizdl stats` prints and the screen of the same name shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from quizdl.memory.stats import Stats, TopicStats
from quizdl.model import Figure, FigureKind, Hit, Series
from quizdl.render.cells import cells, pad
from quizdl.render.figure import figure_lines
from quizdl.render.markdown import inline
from quizdl.render.table import table
from quizdl.render.text import Line, Span, clip, width_of
from quizdl.words import listed, say

_POINTS = 8
"""Weak points that are listed."""
_WEEKS = 12
"""Of the activity that is drawn."""
_SHADES = "·░▒▓█"
_NAME, _GAP = 4, "    "
_CALENDAR = _NAME + 2 * _WEEKS - 1
"""Cells of its rows."""


def stats_lines(found: Stats, period: int, width: int) -> list[Line]:
    """Of the last `period` days, in lines of at most `width` cells."""

    def text(key: str, **values: object) -> Line:
        return (Span(say(key, **values)),)

    def bars(key: str, names: Sequence[str], counts: Sequence[int]) -> list[Line]:
        values = tuple(map(float, counts))
        series = Series("", tuple(map(float, range(len(values)))), values)
        figure = Figure(FigureKind.BAR, say(key), (series,), categories=tuple(names))
        return [(), *figure_lines(figure, width, len(values) + 2)]

    reviews = sum(each.reviews for each in found.days)
    minutes = sum(each.seconds for each in found.days) / 60
    lines = [
        text("stats.total", days=period, reviews=reviews, minutes=minutes, streak=found.streak),
        text(
            "stats.retention",
            passed=found.passed,
            asked=found.asked,
            share=_percent(found.retention),
        ),
    ]
    if found.predictions:
        right = found.predictions.get(Hit.RIGHT, 0)
        asked = sum(count for hit, count in found.predictions.items() if hit is not Hit.NONE)
        lines.append(text("stats.predictions", right=right, asked=asked))
    lines += _weak_points(found, width)
    if found.days:
        lines += _activity(found, width)
    coming = [date.fromordinal(found.today + place) for place in range(len(found.forecast))]
    shown = [place for place, count in enumerate(found.forecast) if count]
    if shown:
        names = [f"{coming[place]:%m-%d}" for place in shown]
        lines += bars("stats.forecast", names, [found.forecast[place] for place in shown])
    header = [say(f"stats.topic.{key}") for key in ("name", "started", "recall", "passed", "weak")]
    rows = [_topic_row(each) for each in found.topics]
    lines += [(), *table(rows, header, ("left", "right", "right", "right", "left"), width)]
    if any(count for _, count in found.stabilities):
        names = [name for name, _ in found.stabilities]
        lines += bars("stats.stability", names, [count for _, count in found.stabilities])
        levels = [str(level) for level in range(1, 11)]
        lines += bars("stats.difficulty", levels, found.difficulties)
    return lines


def _weak_points(found: Stats, width: int) -> list[Line]:
    if not found.points:
        return []
    lines: list[Line] = [(), (Span(say("stats.points"), "heading3"),)]
    for weak in found.points[:_POINTS]:
        share = say("stats.points.missed", missed=weak.missed, asked=weak.asked)
        head = Span(f"{share}  ", "bad" if weak.must else "")
        tail = Span(f"  {weak.question}", "muted")
        room = max(1, width - width_of((head, tail)))
        lines.append((head, *clip(inline(weak.point), room), tail))
    if (more := len(found.points) - _POINTS) > 0:
        lines.append((Span(say("stats.points.more", count=more), "muted"),))
    return lines


def _topic_row(each: TopicStats) -> list[str]:
    passed = each.passed / each.asked if each.asked else None
    return [
        each.topic.title,
        f"{each.started}/{each.questions}",
        _percent(each.retrievability),
        _percent(passed),
        listed(each.weak),
    ]


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"


def _activity(found: Stats, width: int) -> list[Line]:
    """Reviews and minutes of the last weeks, beside each other where there is room."""
    reviews = {each.day: float(each.reviews) for each in found.days}
    minutes = {each.day: each.seconds / 60 for each in found.days}
    kinds = (("reviews", reviews), ("minutes", minutes))
    one, other = (_calendar(kind, values, found.today) for kind, values in kinds)
    heading = (Span(say("stats.activity", weeks=_WEEKS), "heading3"),)
    if 2 * _CALENDAR + cells(_GAP) > width:
        return [(), heading, *one, (), *other]
    gap = Span(_GAP)
    pairs = zip(one, other, strict=True)
    return [(), heading, *((*a, Span(" " * (_CALENDAR - width_of(a))), gap, *b) for a, b in pairs)]


def _calendar(kind: str, values: Mapping[int, float], today: int) -> list[Line]:
    """By study day: a row for each day of the week, a column for each week, the fuller the
    more; above them, how much the fullest stands for."""
    monday = today - date.fromordinal(today).weekday() - 7 * (_WEEKS - 1)
    most = max((values.get(day, 0) for day in range(monday, today + 1)), default=0) or 1
    lines: list[Line] = [(Span(say(f"stats.activity.{kind}", most=f"{most:.0f}"), "muted"),)]
    for weekday, name in enumerate(say("stats.weekdays").split()):
        marks = []
        for week in range(_WEEKS):
            day = monday + 7 * week + weekday
            value = values.get(day, 0)
            place = 1 + int(value * (len(_SHADES) - 2) / most) if value else 0
            marks.append(" " if day > today else _SHADES[min(place, len(_SHADES) - 1)])
        lines.append((Span(pad(name, _NAME)), Span(" ".join(marks), "series.1")))
    return lines
