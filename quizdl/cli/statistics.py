"""To see how it is going: counts over the log, as text or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from quizdl.cli.base import (
    bank_option,
    chosen_questions,
    examples,
    filter_options,
    json_option,
    load_bank,
    make_terms,
    open_memory,
    print_json,
    print_lines,
    width,
)
from quizdl.cli.study import main
from quizdl.words import QuizdlError, say

if TYPE_CHECKING:
    from quizdl.memory.stats import Stats, TopicStats
    from quizdl.render.text import Line

_WEEKS = 12
"""Of the activity that is drawn."""


@main.command(
    help=say("cli.stats"),
    epilog=examples("quizdl stats", "quizdl stats --days 30 topic:优化器", "quizdl stats --json"),
)
@click.argument("words", nargs=-1, metavar="[WORDS…]")
@filter_options
@click.option(
    "--days", type=click.IntRange(1), default=365, metavar="N", help=say("cli.stats.days")
)
@json_option
@bank_option
def stats(
    words: tuple[str, ...],
    topic: str,
    tag: str,
    company: str,
    level: int | None,
    days: int,
    as_json: bool,
) -> None:
    from quizdl.memory.queue import Memory
    from quizdl.memory.scheduler import study_day
    from quizdl.memory.stats import compute
    from quizdl.settings import find_paths, load_settings

    bank = load_bank().require_questions()
    questions = chosen_questions(bank, make_terms(words, topic, tag, company, level))
    if not questions:
        raise QuizdlError("cli.list.none")
    rollover = load_settings(find_paths().config_file).rollover_hour
    today = study_day(datetime.now().astimezone(), rollover)
    first = today - days + 1
    with open_memory(bank) as store:
        if store is None:
            memory = Memory(today, {}, {}, 0, 0, ())
            found = compute(questions, bank.topics, memory, (), (), ())
        else:
            found = compute(
                questions,
                bank.topics,
                store.memory(today),
                store.days(first),
                store.recalls(first),
                store.predictions(),
            )
    if as_json:
        print_json(stats_json(found, today, days))
    else:
        print_lines(_lines(found, today, days))


def stats_json(found: Stats, today: int, days: int) -> dict[str, Any]:
    """The fixed shape of `quizdl stats --json`."""
    return {
        "today": date.fromordinal(today).isoformat(),
        "period_days": days,
        "reviews": sum(each.reviews for each in found.days),
        "seconds": round(sum(each.seconds for each in found.days)),
        "streak": found.streak,
        "retention": found.retention,
        "asked": found.asked,
        "passed": found.passed,
        "days": [
            {
                "day": date.fromordinal(each.day).isoformat(),
                "reviews": each.reviews,
                "seconds": round(each.seconds),
                "new": each.new,
            }
            for each in found.days
        ],
        "forecast": list(found.forecast),
        "topics": [
            {
                "id": each.topic.id,
                "questions": each.questions,
                "started": each.started,
                "asked": each.asked,
                "passed": each.passed,
                "retrievability": each.retrievability,
                "weak": list(each.weak),
            }
            for each in found.topics
        ],
        "stability": [{"days": name, "cards": count} for name, count in found.stabilities],
        "difficulty": list(found.difficulties),
        "predictions": {str(hit): count for hit, count in found.predictions.items()},
    }


def _lines(found: Stats, today: int, days: int) -> list[Line]:
    from quizdl.model import Figure, FigureKind, Series
    from quizdl.render.figure import figure_lines
    from quizdl.render.table import table
    from quizdl.render.text import Span

    def text(key: str, **values: object) -> Line:
        return (Span(say(key, **values)),)

    def bars(key: str, names: Sequence[str], counts: Sequence[int]) -> list[Line]:
        values = tuple(map(float, counts))
        series = Series("", tuple(map(float, range(len(values)))), values)
        figure = Figure(FigureKind.BAR, say(key), (series,), categories=tuple(names))
        return [(), *figure_lines(figure, width(), len(values) + 2)]

    reviews = sum(each.reviews for each in found.days)
    minutes = sum(each.seconds for each in found.days) / 60
    lines = [
        text("cli.stats.total", days=days, reviews=reviews, minutes=minutes, streak=found.streak),
        text(
            "cli.stats.retention",
            passed=found.passed,
            asked=found.asked,
            share=_percent(found.retention),
        ),
    ]
    if found.predictions:
        right = sum(count for hit, count in found.predictions.items() if hit == "right")
        asked = sum(count for hit, count in found.predictions.items() if hit != "none")
        lines.append(text("cli.stats.predictions", right=right, asked=asked))
    if found.days:
        lines += _activity(found, today)
    coming = [date.fromordinal(today + place) for place in range(len(found.forecast))]
    shown = [place for place, count in enumerate(found.forecast) if count]
    if shown:
        names = [f"{coming[place]:%m-%d}" for place in shown]
        lines += bars("cli.stats.forecast", names, [found.forecast[place] for place in shown])
    header = [
        say(f"cli.stats.topic.{key}") for key in ("name", "started", "recall", "passed", "weak")
    ]
    rows = [_topic_row(each) for each in found.topics]
    lines += [(), *table(rows, header, ("left", "right", "right", "right", "left"), width())]
    if any(count for _, count in found.stabilities):
        names = [name for name, _ in found.stabilities]
        lines += bars("cli.stats.stability", names, [count for _, count in found.stabilities])
        levels = [str(level) for level in range(1, 11)]
        lines += bars("cli.stats.difficulty", levels, found.difficulties)
    return lines


def _topic_row(each: TopicStats) -> list[str]:
    passed = each.passed / each.asked if each.asked else None
    return [
        each.topic.title,
        f"{each.started}/{each.questions}",
        _percent(each.retrievability),
        _percent(passed),
        "、".join(each.weak),
    ]


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"


def _activity(found: Stats, today: int) -> list[Line]:
    """Reviews of the last weeks: a row for each day of the week, a column for each week."""
    from quizdl.render.text import Span

    counts = {each.day: each.reviews for each in found.days}
    monday = today - date.fromordinal(today).weekday() - 7 * (_WEEKS - 1)
    most = max((counts.get(day, 0) for day in range(monday, today + 1)), default=0) or 1
    shades = "·░▒▓█"
    lines: list[Line] = [(), (Span(say("cli.stats.activity", weeks=_WEEKS), "heading3"),)]
    for weekday, name in enumerate(say("cli.stats.weekdays").split()):
        cells = []
        for week in range(_WEEKS):
            day = monday + 7 * week + weekday
            count = counts.get(day, 0)
            place = 0 if not count else 1 + (count * (len(shades) - 2)) // most
            cells.append(" " if day > today else shades[min(place, len(shades) - 1)])
        lines.append((Span(f"{name}  "), Span(" ".join(cells), "series.1")))
    return lines
