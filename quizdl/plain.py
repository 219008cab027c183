"""A review without the interface: questions to stdout, one answer a line from stdin.

The same session as the screens use; only the reading and printing differ, so that it can be
scripted. The end of the input ends the session; every rating before it is stored.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from quizdl import render
from quizdl.bank import Bank
from quizdl.model import Judged, Question, Rating
from quizdl.proof.pool import Pool
from quizdl.proof.report import result_lines
from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.render.text import Line
from quizdl.session import Plan, Session, format_interval, open_library
from quizdl.settings import Settings
from quizdl.words import say

SEEDS = range(5)


def review_plain(bank: Bank, database: Path, settings: Settings, plan: Plan, width: int) -> None:
    """Ask until nothing is due or the input ends, then print the summary."""
    library = open_library(database, bank.questions, settings)
    try:
        session = library.session(plan, _now())
        while (question := session.current) is not None:
            if not _ask(session, question, width):
                break
        _print_summary(session)
    finally:
        library.close()


def _now() -> datetime:
    return datetime.now().astimezone()


def _ask(session: Session, question: Question, width: int) -> bool:
    """One question until it is rated, skipped or undone. False: the learner is done."""
    click.echo()
    _print(render.layout(question_markdown(question), width))
    key = _read(say("plain.recall"))
    while key not in ("", "q", "s", "u", None):
        click.echo(say("plain.unknown", key=key))
        key = _read(say("plain.recall"))
    if key is None or key == "q":
        return False
    if key == "":
        _print(render.layout(answer_markdown(question), width))
        outcomes = session.reveal(_now())
        shown = (
            say(
                "plain.rating",
                key=rating.value,
                name=say(f"rating.{rating.name.lower()}"),
                interval=format_interval(outcome.interval),
            )
            for rating, outcome in outcomes.items()
        )
        prompt = say("plain.rate", ratings="  ".join(shown))
        key = _read(prompt)
        while key is None or key not in ("1", "2", "3", "4", "", "q", "s", "u"):
            if key is None:
                return False
            if key == "r":
                _prove(question, width)
            else:
                click.echo(say("plain.unknown", key=key))
            key = _read(prompt)
    match key:
        case "q":
            return False
        case "s":
            session.skip(_now())
        case "u":
            if session.undo(_now()) is None:
                click.echo(say("tui.review.nothing_to_undo"))
        case _:
            session.rate(Rating(int(key or Rating.GOOD)), _now())
    return True


def _read(prompt: str) -> str | None:
    """One line without surrounding space; None at the end of the input."""
    click.echo(prompt, nl=False)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        click.echo()
    return line.strip() if line else None


def _prove(question: Question, width: int) -> None:
    texts = {claim.id: render.inline(claim.text) for claim in question.claims}
    with Pool() as pool:
        for event in pool.prove([(question, claim) for claim in question.claims], SEEDS):
            if isinstance(event, Judged):
                _print(result_lines(event.result, texts[event.claim], width))


def _print_summary(session: Session) -> None:
    found = session.summary(_now())
    click.echo()
    total = sum(found.ratings.values())
    if not total:
        click.echo(say("tui.summary.nothing"))
        return
    minutes = max(1, round(found.seconds / 60))
    click.echo(say("tui.summary.total", count=total, minutes=minutes))
    click.echo(say("tui.summary.new", count=found.new))
    click.echo(say("plain.tomorrow", count=found.due_tomorrow))


def _print(lines: list[Line]) -> None:
    click.echo(render.ansi(lines) if sys.stdout.isatty() else render.plain(lines))
