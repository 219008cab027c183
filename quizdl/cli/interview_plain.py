"""An interview without the interface: questions to stdout, one line from stdin for each answer.

The same interview as the screens hold. The end of the input leaves it as a draft, with which
`quizdl interview` goes on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

import click

from quizdl import render
from quizdl.bank import Bank
from quizdl.cli.base import read_line
from quizdl.cli.predicting import now
from quizdl.exchange import interviews
from quizdl.interview.conduct import Draft, Interviewer
from quizdl.interview.drafts import Drafts
from quizdl.interview.report import blank_ticks, follow_up_answer, offers, report, with_ticks
from quizdl.model import Interview, Question, Setup, Tick
from quizdl.proof.receipts import Receipts
from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.render.text import Line
from quizdl.session import Library, format_interval, open_library
from quizdl.settings import Paths, Settings
from quizdl.words import QuizdlError, say

Show = Callable[[Sequence[Line]], None]


class _EndOfInput(Exception):  # noqa: N818
    """Nothing more will be typed."""


def interview_plain(
    bank: Bank, paths: Paths, settings: Settings, setup: Setup, show: Show, width: int
) -> None:
    """Hold one interview, look at its answers, and print its report.

    `show` prints lines laid out for `width` cells. Raises QuizdlError when no question matches,
    or when the log cannot be written.
    """
    drafts = Drafts(paths.interviews)
    library = open_library(paths.database, bank.questions, settings)

    def lay_out(markdown: str) -> None:
        show(render.layout(markdown, width))

    try:
        titles = {topic.id: topic.title for topic in bank.topics}
        interviewer = Interviewer(bank.questions, titles, setup, now(), library.remembered(now()))
        about = interviews.Bank(
            {each.id: each for each in bank.questions},
            titles,
            Receipts(paths.receipts),
            now(),
        )
        _hold(interviewer, drafts, lay_out)
        held = interviewer.interview
        if not held.exchanges:
            drafts.drop(held)
            return
        held = _look_at(held, about, drafts, lay_out)
        kept = library.keep(held)
        drafts.drop(held)
        found = report(kept, {each.id: each.topic for each in bank.questions})
        lay_out(f"# {interviews.title(kept, about.now)}\n\n{interviews.whole(found, about)}")
        click.echo(say("interview.kept", number=kept.id))
        _offer(kept, library, about)
    except _EndOfInput:
        click.echo(say("plain.interview.left"))
    finally:
        library.close()


def _hold(interviewer: Interviewer, drafts: Drafts, lay_out: Callable[[str], None]) -> None:
    while (turn := interviewer.current) is not None:
        _keep(drafts, interviewer.draft(now()))
        click.echo(f"\n{turn.opening}")
        follow_up = turn.follow_up is not None
        lay_out(f"**{turn.asked}**" if follow_up else question_markdown(turn.question))
        text = _read(say("plain.interview.answer"))
        match _key(text):
            case "q":
                interviewer.stop(now(), counted=False)
            case "s":
                interviewer.give_up(now())
            case _:
                interviewer.answer(now(), text)
        elapsed = interviews.clock_text(interviewer.elapsed(now()))
        total = interviews.clock_text(interviewer.total)
        click.echo(say("plain.interview.clock", elapsed=elapsed, total=total))
    ending = interviewer.interview.ending
    click.echo(say("plain.interview.over", ending=say(f"interview.ending.{ending}")))
    _keep(drafts, interviewer.draft(now()))


def _look_at(
    held: Interview, about: interviews.Bank, drafts: Drafts, lay_out: Callable[[str], None]
) -> Interview:
    """Every answer beside what was said; with what was told of it."""
    for place, exchange in enumerate(held.exchanges):
        question = about.questions[exchange.question]
        lay_out(f"{question_markdown(question)}\n\n{answer_markdown(question)}")
        if exchange.main.said:
            click.echo(say("plain.interview.said", said=exchange.main.said))
        ticks = blank_ticks(question)
        told = _numbers(ticks, lay_out)
        ticked = [replace(tick, told=n in told) for n, tick in enumerate(ticks, 1)]
        followed = [_told(question, reply.asked, lay_out) for reply in exchange.follow_ups]
        held = with_ticks(held, place, ticked, followed)
        _keep(drafts, Draft(held))
    return held


def _numbers(ticks: Sequence[Tick], lay_out: Callable[[str], None]) -> set[int]:
    """Which of the key points were told, counted from 1."""
    if not ticks:
        return set()
    kinds = {True: say("interview.must"), False: say("interview.bonus")}
    lay_out("\n".join(f"{n}. **{kinds[t.must]}** {t.point}" for n, t in enumerate(ticks, 1)))
    while True:
        words = _key(_read(say("plain.interview.points"))).split()
        known = {str(n): n for n in range(1, len(ticks) + 1)}
        if known.keys() >= set(words):
            return {known[word] for word in words}
        click.echo(say("plain.interview.not_numbers", count=len(ticks)))


def _told(question: Question, asked: str, lay_out: Callable[[str], None]) -> bool:
    lay_out(f"**{asked}** {follow_up_answer(question, asked)}")
    return _key(_read(say("plain.interview.told"))) == "y"


def _offer(kept: Interview, library: Library, about: interviews.Bank) -> None:
    """Record the questions as reviews, if the learner agrees."""
    asked = [each.question for each in kept.exchanges]
    offered = [each for each in offers(kept, library.outcomes(asked, now())) if each.chosen]
    if not offered:
        click.echo(say("interview.offers.none"))
        return
    click.echo(say("interview.offers.title"))
    for each in offered:
        rating = say(f"rating.{each.rating.name.lower()}")
        interval = format_interval(each.outcome.interval)
        title = about.questions[each.question].title
        click.echo(say("plain.interview.offer", rating=rating, interval=interval, title=title))
    if _key(_read(say("plain.interview.accept"))) != "n":
        made = library.rate_all([(each.outcome, each.duration) for each in offered], now())
        click.echo(say("interview.offers.done", count=len(made)))


def _keep(drafts: Drafts, draft: Draft) -> None:
    try:
        drafts.keep(draft)
    except QuizdlError as error:  # the interview goes on
        click.echo(str(error), err=True)


def _read(prompt: str) -> str:
    """One line. Raises _EndOfInput."""
    line = read_line(prompt)
    if line is None:
        raise _EndOfInput
    return line.strip()


def _key(text: str) -> str:
    """As it would be typed without an input method."""
    return unicodedata.normalize("NFKC", text).casefold()
