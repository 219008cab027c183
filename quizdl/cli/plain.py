"""A review without the interface: questions to stdout, one answer a line from stdin.

The same session as the screens use; only the reading and printing differ, so that it can be
scripted. The end of the input ends the session; every rating before it is stored.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import click

from quizdl import render
from quizdl.memory import open_store, scheduler
from quizdl.memory.queue import Memory
from quizdl.model import Mark, Question, Rating
from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.render.text import Line
from quizdl.session import Library, Plan, Session, format_interval
from quizdl.settings import Settings
from quizdl.words import QuizdlError, say

Show = Callable[[Sequence[Line]], None]
Prove = Callable[[Question], object]


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
    proof. Raises QuizdlError when the database cannot be used.
    """
    with open_store(database) as store:
        library = Library(store, questions, settings)
        plan = replace(plan, questions=plan.questions or tuple(questions))
        session = library.session(plan, _now())
        asked = session.current is not None
        while True:
            while session.current is not None and _ask(session, show, prove, width):
                pass
            _print_summary(session)
            if session.current is not None:  # the learner has had enough
                return
            now = _now()
            memory = store.memory(scheduler.moment(now, settings.rollover_hour).day)
            click.echo(_what_is_next(library, memory, settings, plan, now))
            if not asked or _read(say("plain.end")) != "u":
                return
            _undo(session)


def _now() -> datetime:
    return datetime.now().astimezone()


def _ask(session: Session, show: Show, prove: Prove, width: int) -> bool:
    """One question until it is rated, skipped or undone. False: the learner is done."""
    question = session.current
    assert question is not None
    click.echo()
    show(render.layout(question_markdown(question), width))
    key = _choose(say("plain.recall"), {"", "s", "u"})
    if key == "":
        show(render.layout(answer_markdown(question), width))
        outcomes = session.reveal(_now())
        ratings = "  ".join(
            say(
                "plain.rating",
                key=rating.value,
                name=say(f"rating.{rating.name.lower()}"),
                interval=format_interval(outcome.interval),
            )
            for rating, outcome in outcomes.items()
        )
        prompt = say("plain.rate", ratings=ratings)
        while (key := _choose(prompt, {"", "1", "2", "3", "4", "r", "s", "u"})) == "r":
            prove(question)
    match key:
        case "q":
            return False
        case "s":
            session.skip(_now())
        case "u":
            _undo(session)
        case _:
            session.rate(Rating(int(key or Rating.GOOD)), _now())
    return True


def _choose(prompt: str, keys: set[str]) -> str:
    """One of `keys`, or `q`, which the end of the input also means."""
    while (key := _read(prompt)) not in keys:
        if key in ("q", None):
            return "q"
        click.echo(say("plain.unknown", key=key))
    return key


def _read(prompt: str) -> str | None:
    """One line, as it would be typed without an input method; None at the end of the input."""
    click.echo(prompt, nl=False)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        click.echo()
    return unicodedata.normalize("NFKC", line).strip().casefold() if line else None


def _undo(session: Session) -> None:
    try:
        undone = session.undo(_now())
    except QuizdlError as error:  # it stands; the session goes on
        click.echo(str(error))
    else:
        click.echo(say("plain.undone" if undone else "tui.review.nothing_to_undo"))


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


def _what_is_next(
    library: Library, memory: Memory, settings: Settings, plan: Plan, now: datetime
) -> str:
    """When there will be something to ask. `memory` is what is remembered now."""
    rest = library.session(replace(plan, limit=None), now)
    if rest.current is not None:
        return say("plain.more")
    if rest.wait_until is not None:
        return say("plain.next", interval=format_interval(rest.wait_until - now))
    learns = settings.new_per_day if plan.new is None else plan.new
    days = []
    for question in plan.questions or ():
        card, mark = memory.cards.get(question.id), memory.marks.get(question.id, Mark())
        if not mark.suspended and (card is not None or learns):
            due = memory.day + 1 if card is None else card.due_day
            days.append(max(due, mark.buried_until))
    if not days:
        return say("plain.nothing")
    return say("plain.next", interval=format_interval(timedelta(days=min(days) - memory.day)))
