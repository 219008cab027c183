"""A review without the interface: questions to stdout, one answer a line from stdin.

The same session as the screens use; only the reading and printing differ, so that it can be
scripted. The end of the input ends the session; every rating before it is stored.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import click

from quizdl import render
from quizdl.cli.base import read_line
from quizdl.cli.predicting import ask, compare, now, print_suggestion
from quizdl.model import Forecast, Question, Rating, Sample
from quizdl.proof.predict import for_review
from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.render.text import Line
from quizdl.session import Plan, Session, format_interval, leech_warning, open_library
from quizdl.settings import Settings
from quizdl.words import QuizdlError, say

Show = Callable[[Sequence[Line]], None]
Prove = Callable[[Question], dict[str, list[Sample]]]


def review_plain(
    questions: Sequence[Question],
    database: Path,
    settings: Settings,
    plan: Plan,
    *,
    show: Show,
    prove: Prove,
    width: int,
) -> None:
    """Ask until nothing is due or the input ends, then print the summary.

    `show` prints lines laid out for `width` cells, `prove` runs and prints a question's
    proof and returns what it measured, by claim. Raises QuizdlError when the database cannot
    be used.
    """
    library = open_library(database, questions, settings)
    try:
        session = library.session(plan, now())
        run = _predicting(session, prove) if settings.predict else prove
        asked = session.current is not None
        while True:
            while session.current is not None and _ask(session, show, run, width):
                pass
            _print_summary(session)
            if session.current is not None:  # the learner has had enough
                return
            click.echo(_what_is_next(session))
            if not asked or _read(say("plain.end")) != "u":
                return
            _undo(session)
    finally:
        library.close()


def _ask(session: Session, show: Show, prove: Prove, width: int) -> bool:
    """One question until it is rated, skipped or undone. False: the learner is done."""
    question = session.current
    assert question is not None
    click.echo()
    show(render.layout(question_markdown(question), width))
    grades = {str(place): rating for place, rating in enumerate(session.grades, 1)}
    key = _choose(say("plain.recall"), {"", "s", "u"})
    if key == "":
        show(render.layout(answer_markdown(question), width))
        outcomes = session.reveal(now())
        ratings = "  ".join(
            say(
                "plain.rating",
                key=key,
                name=say(f"rating.{rating.name.lower()}"),
                interval=say("tui.review.cram")
                if session.cram
                else format_interval(outcomes[rating].interval),
            )
            for key, rating in grades.items()
        )
        good = next(key for key, rating in grades.items() if rating is Rating.GOOD)
        prompt = say("plain.rate", ratings=ratings, good=good)
        while (key := _choose(prompt, {"", *grades, "r", "s", "u"})) == "r":
            try:
                prove(question)
            except QuizdlError as error:  # a bank that is not trusted, say: the session goes on
                click.echo(str(error))
    match key:
        case "q":
            return False
        case "s":
            session.skip(now())
        case "u":
            _undo(session)
        case _:
            outcome = session.rate(grades.get(key, Rating.GOOD), now())
            if not session.cram and (warning := leech_warning(outcome)):
                click.echo(warning)
    return True


def _predicting(session: Session, prove: Prove) -> Prove:
    """`prove`, but before the first run of a question some of it is to be predicted."""
    met: set[tuple[str, int]] = set()

    def run(question: Question) -> dict[str, list[Sample]]:
        before = session.reveal(now())[Rating.GOOD].before
        turn = before.reps if before else 0
        asked = for_review(question, turn)
        if (question.id, turn) in met or not asked:
            return prove(question)
        met.add((question.id, turn))
        made = now()
        prompts = [prompt for group in asked.values() for prompt in group]
        guesses = iter(ask(prompts)[0])
        samples = prove(question)
        click.echo()
        every: list[Forecast] = []
        for claim_id, group in asked.items():
            every += compare(
                claim_id, group, [next(guesses) for _ in group], samples, made, session.predict
            )
        print_suggestion(every, session.grades)
        return samples

    return run


def _choose(prompt: str, keys: set[str]) -> str:
    """One of `keys`, or `q`, which the end of the input also means."""
    while (key := _read(prompt)) not in keys:
        if key in ("q", None):
            return "q"
        click.echo(say("plain.unknown", key=key))
    return key


def _read(prompt: str) -> str | None:
    """One line, as it would be typed without an input method; None at the end of the input."""
    line = read_line(prompt)
    return None if line is None else unicodedata.normalize("NFKC", line).strip().casefold()


def _undo(session: Session) -> None:
    step = session.last_step
    try:
        undone = session.undo(now())
    except QuizdlError as error:  # it stands; the session goes on
        click.echo(str(error))
    else:
        click.echo(say("plain.undone", step=step) if undone else say("tui.review.nothing_to_undo"))


def _print_summary(session: Session) -> None:
    found = session.summary(now())
    click.echo()
    total = sum(found.ratings.values())
    if not total:
        click.echo(say("tui.summary.nothing"))
        return
    minutes = max(1, round(found.seconds / 60))
    click.echo(say("tui.summary.total", count=total, minutes=minutes))
    if found.cram:
        click.echo(say("tui.summary.cram"))
        return
    click.echo(say("tui.summary.new", count=found.new))
    click.echo(say("plain.tomorrow", count=found.due_tomorrow))


def _what_is_next(session: Session) -> str:
    match session.next_in(now()):
        case None:
            return say("plain.nothing")
        case timedelta(days=0, seconds=0):
            return say("plain.more")
        case interval:
            return say("plain.next", interval=format_interval(interval))
