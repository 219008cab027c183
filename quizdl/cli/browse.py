"""To look at questions: list and show."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from quizdl.cli.base import (
    bank_option,
    chosen_questions,
    examples,
    filter_options,
    json_option,
    load_bank,
    make_terms,
    print_json,
    print_lines,
    print_problems,
    width,
)
from quizdl.cli.study import main
from quizdl.words import say

if TYPE_CHECKING:
    from quizdl.model import Claim, Question
    from quizdl.proof.receipts import Receipt


@main.command(
    "list",
    help=say("cli.list"),
    epilog=examples(
        f"quizdl list {say('cli.example.other')} {say('cli.example.word')}",
        "quizdl list tidu is:weak",
        f'quizdl list topic:{say("cli.example.topic")} "prop:r<0.9"',
        "quizdl list --company 字节 --json",
    ),
)
@click.argument("words", nargs=-1, metavar="[WORDS…]")
@filter_options
@json_option
@bank_option
def list_(
    words: tuple[str, ...], topic: str, tag: str, company: str, level: int | None, as_json: bool
) -> int:
    bank = load_bank()
    questions = chosen_questions(bank, make_terms(words, topic, tag, company, level))
    if as_json:
        print_json([question_json(question) for question in questions])
    else:
        _print_list(questions, {topic.id: topic.title for topic in bank.topics})
        total = sum(len(question.claims) for question in questions)
        click.echo(
            say("cli.list.count", questions=len(questions), claims=total)
            if questions
            else say("cli.list.none")
        )
    print_problems(bank.problems)
    return 1 if bank.problems else 0


def _print_list(questions: Sequence[Question], titles: Mapping[str, str]) -> None:
    """A line per question, by topic; only on a terminal are long ones cut."""
    longest = max((len(question.id) for question in questions), default=0)
    shown = ""
    for question in questions:
        if question.topic != shown:
            shown = question.topic
            click.secho(titles[shown], bold=True)
        stars = "★" * question.level + "☆" * (3 - question.level)
        line = f"  {stars}  {question.id:<{longest}}  {question.title}"
        if sys.stdout.isatty():
            from quizdl.render.cells import truncate

            line = truncate(line, width())
        click.echo(line)


def question_json(question: Question) -> dict[str, object]:
    """The fixed shape of `quizdl list --json`."""
    return {
        "id": question.id,
        "topic": question.topic,
        "title": question.title,
        "level": question.level,
        "tags": list(question.tags),
        "asked_by": list(question.asked_by),
        "claims": [{"id": claim.id, "text": claim.text} for claim in question.claims],
    }


@main.command(
    help=say("cli.show"),
    epilog=examples("quizdl show adam", "quizdl show adam --json"),
)
@click.argument("question_id", metavar="ID")
@json_option
@bank_option
def show(question_id: str, as_json: bool) -> None:
    from quizdl import render
    from quizdl.proof.receipts import Receipts, describe
    from quizdl.render.answer import answer_markdown, question_markdown
    from quizdl.render.text import Span, wrap
    from quizdl.settings import find_paths

    question = load_bank().get(question_id)
    receipts = Receipts(find_paths().receipts).of(question)
    if as_json:
        references = [dataclasses.asdict(reference) for reference in question.refs]
        print_json(
            question_json(question)
            | {
                "claims": [
                    {"id": claim.id, "text": claim.text}
                    | {"receipt": receipt_json(receipts.get(claim.id), question, claim)}
                    for claim in question.claims
                ],
                "front": question.front,
                "back": question.back,
                "refs": references,
                "terms": dict(question.terms),
                "demo": question.demo,
            }
        )
        return
    markdown = f"{question_markdown(question)}\n\n{answer_markdown(question)}"
    print_lines(render.layout(markdown, width()))
    now = datetime.now().astimezone()
    click.echo("\n" + say("cli.show.proofs"))
    for claim in question.claims:
        print_lines(wrap((Span("· "), *render.inline(claim.text)), width()))
        click.echo("  " + describe(receipts.get(claim.id), question, claim, now))


def receipt_json(
    receipt: Receipt | None, question: Question, claim: Claim
) -> dict[str, object] | None:
    """The fixed shape of a receipt in `quizdl show --json`; null when there is none."""
    if receipt is None:
        return None
    return {
        "verdict": str(receipt.verdict),
        "at": receipt.at.isoformat(),
        "numpy": receipt.numpy,
        "python": receipt.python,
        "seeds": len(receipt.seeds),
        "stale": receipt.stale(question, claim),
    }
