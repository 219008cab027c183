"""To study: the interface, and the same session on stdin and stdout."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from quizdl.cli.base import (
    WordedGroup,
    bank_option,
    bank_root,
    chosen_questions,
    examples,
    filter_options,
    load_bank,
    make_terms,
    print_lines,
    prove,
    width,
)
from quizdl.words import QuizdlError, say

if TYPE_CHECKING:
    from quizdl.bank import Bank
    from quizdl.model import Question, Sample, Setup
    from quizdl.session import Plan


@click.group(
    cls=WordedGroup,
    invoke_without_command=True,
    help=say("cli.about"),
    epilog=examples(
        "quizdl", f"quizdl list {say('cli.example.word')}", "quizdl run zero-init", "quizdl check"
    ),
)
@click.version_option(package_name="quizdl", message="quizdl %(version)s", help=say("cli.version"))
@bank_option
@click.pass_context
def main(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        open_screen(None)


def open_screen(opening: Callable[[Bank], Plan | Setup] | None) -> None:
    """The interface; with what `opening` makes of the bank, a session or an interview."""
    from quizdl.settings import find_paths, load_settings
    from quizdl.tui import run_app

    paths = find_paths()
    code = run_app(bank_root(), paths, load_settings(paths.config_file), opening)
    click.get_current_context().exit(code)


@main.command(
    help=say("cli.review"),
    epilog=examples(
        f"quizdl review --topic {say('cli.example.topic')}",
        f"quizdl review is:weak {say('cli.example.tag')}",
        "quizdl review --minutes 20 --new 3",
        "quizdl review --limit 10 --plain",
    ),
)
@click.argument("words", nargs=-1, metavar="[WORDS…]")
@filter_options
@click.option("--limit", type=click.IntRange(1), metavar="N", help=say("cli.review.limit"))
@click.option("--minutes", type=click.IntRange(1), metavar="N", help=say("cli.review.minutes"))
@click.option("--new", type=click.IntRange(0), metavar="N", help=say("cli.review.new"))
@click.option("--ahead", is_flag=True, help=say("cli.review.ahead"))
@click.option("--cram", is_flag=True, help=say("cli.review.cram"))
@click.option("--plain", is_flag=True, help=say("cli.review.plain"))
@bank_option
def review(
    words: tuple[str, ...],
    topic: str,
    tag: str,
    company: str,
    level: int | None,
    limit: int | None,
    minutes: int | None,
    new: int | None,
    ahead: bool,
    cram: bool,
    plain: bool,
) -> None:
    chosen = make_terms(words, topic, tag, company, level)

    def plan(bank: Bank) -> Plan:
        from quizdl.session import Plan

        questions = chosen_questions(bank, chosen)
        if not questions:
            raise QuizdlError("cli.review.none")
        time = timedelta(minutes=minutes) if minutes else None
        return Plan(questions, limit=limit, time=time, new=new, ahead=ahead, cram=cram)

    if not plain:
        open_screen(plan)
        return
    from quizdl.cli.plain import review_plain
    from quizdl.settings import find_paths, load_settings

    paths = find_paths()
    settings = load_settings(paths.config_file)
    bank = load_bank().require_questions()
    if bank.problems:
        click.echo(say("cli.skipped", count=len(bank.problems)), err=True)
    review_plain(
        bank.questions,
        paths.database,
        settings,
        plan(bank),
        show=print_lines,
        prove=_prove_all,
        width=width(),
    )


def _prove_all(question: Question) -> dict[str, list[Sample]]:
    from quizdl.model import SEEDS

    samples: dict[str, list[Sample]] = {}
    prove(question, question.claims, SEEDS, samples=samples)
    return samples
