"""Mock interviews: to hold one, and to take home what came of those that were held."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quizdl.cli.base import (
    WordedGroup,
    bank_option,
    examples,
    json_option,
    load_bank,
    open_memory,
    print_json,
    print_lines,
    width,
)
from quizdl.cli.study import main, open_screen
from quizdl.words import QuizdlError, listed, say

if TYPE_CHECKING:
    from quizdl.bank import Bank
    from quizdl.exchange import interviews
    from quizdl.interview.report import Report, Share
    from quizdl.model import Interview, Setup

MINUTES = 20


@main.group(
    cls=WordedGroup,
    invoke_without_command=True,
    help=say("cli.interview"),
    epilog=examples(
        "quizdl interview",
        "quizdl interview --company 字节 --minutes 30",
        "quizdl interview --topic 优化器 --topic 初始化 --plain",
        "quizdl interview export -o report.html",
    ),
)
@click.option("--company", default="", metavar="C", help=say("cli.company"))
@click.option("--topic", "topics", multiple=True, metavar="T", help=say("cli.interview.topic"))
@click.option("--level", type=click.IntRange(1, 3), metavar="1-3", help=say("cli.level"))
@click.option(
    "--minutes",
    type=click.IntRange(5, 180),
    default=MINUTES,
    metavar="N",
    help=say("cli.interview.minutes", default=MINUTES),
)
@click.option("--seed", type=int, metavar="N", help=say("cli.interview.seed"))
@click.option("--plain", is_flag=True, help=say("cli.review.plain"))
@bank_option
@click.pass_context
def interview(
    context: click.Context,
    company: str,
    topics: tuple[str, ...],
    level: int | None,
    minutes: int,
    seed: int | None,
    plain: bool,
) -> None:
    if context.invoked_subcommand is not None:
        return
    drawn = secrets.randbelow(1_000_000) if seed is None else seed

    def setup(bank: Bank) -> Setup:
        from quizdl.model import Setup

        return Setup(minutes, _company(bank, company), _topics(bank, topics), level or 0, drawn)

    if not plain:
        open_screen(setup)
        return
    from quizdl.cli.interview_plain import interview_plain
    from quizdl.settings import find_paths, load_settings

    paths = find_paths()
    settings = load_settings(paths.config_file)
    bank = load_bank().require_questions()
    if bank.problems:
        click.echo(say("cli.skipped", count=len(bank.problems)), err=True)
    interview_plain(bank, paths, settings, setup(bank), print_lines, width())


def _company(bank: Bank, given: str) -> str:
    """As the bank writes it. Raises QuizdlError for one that asked nothing."""
    known = {name.casefold(): name for each in bank.questions for name in each.asked_by}
    if given and given.casefold() not in known:
        names = listed(known.values()) or "—"
        raise QuizdlError("cli.interview.company", given=given, known=names)
    return known.get(given.casefold(), "")


def _topics(bank: Bank, given: Iterable[str]) -> tuple[str, ...]:
    """Ids. Raises QuizdlError for a topic that there is not."""
    known = {name.casefold(): each.id for each in bank.topics for name in (each.id, each.title)}
    for name in given:
        if name.casefold() not in known:
            titles = listed(each.title for each in bank.topics)
            raise QuizdlError("cli.interview.no_topic", given=name, known=titles)
    return tuple(dict.fromkeys(known[name.casefold()] for name in given))


# --- those that were held -----------------------------------------------------------------


@interview.command("list", help=say("cli.interview.list"), epilog=examples("quizdl interview list"))
@json_option
@bank_option
def list_(as_json: bool) -> None:
    from quizdl.exchange.interviews import about
    from quizdl.interview.drafts import Drafts
    from quizdl.settings import find_paths

    bank, held = _held()
    if as_json:
        print_json([_summary_json(each) for each in held])
        return
    titles = {topic.id: topic.title for topic in bank.topics}
    for each in held:
        click.echo(_summary(each, about(each, titles)))
    if not held:
        click.echo(say("cli.interview.none"))
    if (draft := Drafts(find_paths().interviews).newest()) is not None:
        begun = draft.interview.begun.astimezone()
        click.echo(say("cli.interview.unfinished", when=f"{begun:%Y-%m-%d %H:%M}"))


@interview.command(
    help=say("cli.interview.show"),
    epilog=examples("quizdl interview show", "quizdl interview show 3 --json"),
)
@click.argument("number", type=int, required=False, metavar="[N]")
@json_option
@bank_option
def show(number: int | None, as_json: bool) -> None:
    from quizdl import render
    from quizdl.exchange import interviews

    bank, held = _held()
    about = _about(bank)
    found = _report(bank, _chosen(held, number))
    if as_json:
        print_json(_report_json(found, about))
        return
    heading = interviews.title(found.interview, about.now)
    print_lines(render.layout(f"# {heading}\n\n{interviews.whole(found, about)}", width()))


@interview.command(
    help=say("cli.interview.export"),
    epilog=examples(
        "quizdl interview export -o report.md", "quizdl interview export 3 -o report.html"
    ),
)
@click.argument("number", type=int, required=False, metavar="[N]")
@click.option(
    "-o",
    "output",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=say("cli.export.file"),
)
@bank_option
def export(number: int | None, output: Path) -> None:
    from quizdl.cli.exporting import write_lines, writing
    from quizdl.exchange.interviews import write

    bank, held = _held()
    chosen = _chosen(held, number)
    pieces = write(_report(bank, chosen), _about(bank), output)
    with writing(output) as beside:
        write_lines(beside, pieces)
    click.echo(say("cli.interview.exported", number=chosen.id, path=output))


def _held() -> tuple[Bank, list[Interview]]:
    bank = load_bank()
    with open_memory(bank) as store:
        return bank, store.interviews() if store else []


def _chosen(held: list[Interview], number: int | None) -> Interview:
    """The one of that number, else the last. Raises QuizdlError when there is none."""
    found = [each for each in held if number in (None, each.id)]
    if not found and held:
        numbers = listed(each.id for each in held)
        raise QuizdlError("cli.interview.unknown", number=number, known=numbers)
    if not found:
        raise QuizdlError("cli.interview.none")
    return found[-1]


def _report(bank: Bank, interview: Interview) -> Report:
    from quizdl.interview.report import report

    return report(interview, {each.id: each.topic for each in bank.questions})


def _about(bank: Bank) -> interviews.Bank:
    from quizdl.exchange import interviews
    from quizdl.proof.receipts import Receipts
    from quizdl.settings import find_paths

    return interviews.Bank(
        {each.id: each for each in bank.questions},
        {each.id: each.title for each in bank.topics},
        Receipts(find_paths().receipts),
        datetime.now().astimezone(),
    )


def _summary(interview: Interview, about: str) -> str:
    from quizdl.exchange.interviews import clock_text
    from quizdl.interview.conduct import time_taken
    from quizdl.interview.report import tally

    found = tally(interview.exchanges)
    return say(
        "cli.interview.line",
        number=interview.id,
        when=f"{interview.begun.astimezone():%Y-%m-%d %H:%M}",
        about=about,
        questions=len(interview.exchanges),
        time=clock_text(time_taken(interview)),
        told=found.musts.told,
        asked=found.musts.asked,
    )


def _summary_json(interview: Interview) -> dict[str, Any]:
    """The fixed shape of an element of `quizdl interview list --json`."""
    from quizdl.interview.conduct import time_taken
    from quizdl.interview.report import tally

    found, setup = tally(interview.exchanges), interview.setup
    return {
        "number": interview.id,
        "begun": interview.begun.isoformat(timespec="milliseconds"),
        "company": setup.company,
        "topics": list(setup.topics),
        "level": setup.level or None,
        "minutes": setup.minutes,
        "seed": setup.seed,
        "ending": str(interview.ending),
        "questions": len(interview.exchanges),
        "seconds": round(time_taken(interview).total_seconds()),
        "musts": _share_json(found.musts),
        "bonuses": _share_json(found.bonuses),
        "follow_ups": _share_json(found.follow_ups),
    }


def _report_json(found: Report, about: interviews.Bank) -> dict[str, Any]:
    """The fixed shape of `quizdl interview show --json`."""
    from quizdl.cli.browse import receipt_json

    def seconds(reply: Any) -> dict[str, Any]:
        kept = {"asked": reply.asked, "passed": reply.passed, "said": reply.said}
        return {"seconds": round(reply.duration.total_seconds()), **kept}

    return _summary_json(found.interview) | {
        "exchanges": [
            {
                "question": each.question,
                **seconds(each.main),
                "points": [
                    {"text": tick.point, "must": tick.must, "told": tick.told}
                    for tick in each.ticks
                ],
                "follow_ups": [{**seconds(r), "told": r.told} for r in each.follow_ups],
            }
            for each in found.interview.exchanges
        ],
        "missed": [
            {
                "question": each.question,
                "text": each.point,
                "must": each.must,
                "claims": [
                    {"id": claim.id, "text": claim.text}
                    | {"receipt": receipt_json(about.receipts.of(q).get(claim.id), q, claim)}
                    for q, claim in about.claims(each)
                ],
            }
            for each in found.missed
        ],
        "weak": [
            {
                "topic": topic,
                "musts": _share_json(tally.musts),
                "follow_ups": _share_json(tally.follow_ups),
            }
            for topic, tally in found.weak
        ],
    }


def _share_json(share: Share) -> dict[str, int]:
    return {"told": share.told, "asked": share.asked}
