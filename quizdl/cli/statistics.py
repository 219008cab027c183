"""To see how it is going: counts over the log, as text or as JSON."""

from __future__ import annotations

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
    from quizdl.memory.stats import Stats


@main.command(
    help=say("cli.stats"),
    epilog=examples(
        "quizdl stats",
        f"quizdl stats --days 30 topic:{say('cli.example.topic')}",
        "quizdl stats --json",
    ),
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
    from quizdl.overview import stats_lines
    from quizdl.settings import find_paths, load_settings

    bank = load_bank().require_questions()
    questions = chosen_questions(bank, make_terms(words, topic, tag, company, level))
    if not questions:
        raise QuizdlError("cli.list.none")
    rollover = load_settings(find_paths().config_file).rollover_hour
    today = study_day(datetime.now().astimezone(), rollover)
    with open_memory(bank) as store:
        if store is None:
            nothing = Memory(today, {}, {}, 0, 0, ())
            found = compute(questions, bank.topics, nothing, (), {}, (), ())
        else:
            found = store.stats(questions, bank.topics, today, days)
    if as_json:
        print_json(stats_json(found, days))
    else:
        print_lines(stats_lines(found, days, width()))


def stats_json(found: Stats, days: int) -> dict[str, Any]:
    """The fixed shape of `quizdl stats --json`."""
    return {
        "today": date.fromordinal(found.today).isoformat(),
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
        "points": [
            {
                "question": each.question,
                "point": each.point,
                "must": each.must,
                "missed": each.missed,
                "asked": each.asked,
                "last": each.last.isoformat(timespec="seconds"),
            }
            for each in found.points
        ],
        "predictions": {str(hit): count for hit, count in found.predictions.items()},
    }
