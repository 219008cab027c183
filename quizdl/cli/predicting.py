"""To predict before a proof runs, by stdin and stdout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import click

from quizdl import render
from quizdl.cli.base import open_pool, print_lines, prove, read_line, width
from quizdl.model import Ask, Claim, ClaimResult, Forecast, Guess, Prompt, Question, Rating, Sample
from quizdl.proof.predict import prompts, read, suggest, tally
from quizdl.proof.report import forecast_lines
from quizdl.proof.score import score
from quizdl.render.text import Span, wrap
from quizdl.words import QuizdlError, say

Log = Callable[[str, Sequence[Forecast], datetime], object]
"""Takes the claim, what was predicted of it, and when."""


def prove_predicted(
    question: Question,
    claims: Sequence[Claim],
    seeds: Sequence[int],
    log: Log,
    *,
    figures: bool = False,
) -> list[ClaimResult]:
    """Claim by claim: what the learner expects, the run, and the two side by side."""
    results: list[ClaimResult] = []
    every: list[Forecast] = []
    with open_pool() as pool:
        pool.permit(question)  # before asking about what may not run
        pool.warm()
        asking = True
        for number, claim in enumerate(claims, 1):
            click.echo()
            click.echo(say("cli.run.predict.claim", number=number, count=len(claims)))
            print_lines(wrap(render.inline(claim.text), width()))
            asked = prompts(claim) if asking else ()
            made = now()
            guesses, asking = ask(asked) if asked else ([], asking)
            samples: dict[str, list[Sample]] = {}
            results += prove(question, [claim], seeds, figures=figures, pool=pool, samples=samples)
            every += compare(claim.id, asked, guesses, samples, made, log)
    if said := tally(every):
        click.echo("\n" + said)
    return results


def now() -> datetime:
    return datetime.now().astimezone()


def ask(asked: Sequence[Prompt]) -> tuple[list[Guess], bool]:
    """A guess for each, and whether the learner wants to be asked on. The end of the input and
    `q` leave the rest unanswered."""
    click.echo(say("plain.predict"))
    guesses: list[Guess] = []
    for prompt in asked:
        print_lines(wrap((Span(prompt.text),), width()))
        for number, option in enumerate(prompt.options, 1):
            click.echo(say("plain.predict.option", number=number, option=option))
        kind = {Ask.NUMBER: "number", Ask.BREAKS: "several"}.get(prompt.ask, "one")
        while True:
            typed = read_line(say(f"plain.predict.{kind}"))
            if typed is None or typed.strip().casefold() in ("q", "ｑ"):
                return [*guesses, *[None] * (len(asked) - len(guesses))], False
            try:
                guesses.append(read(prompt, typed))
                break
            except QuizdlError as error:
                click.echo(str(error))
    return guesses, True


def compare(
    claim_id: str,
    asked: Sequence[Prompt],
    guesses: Sequence[Guess],
    samples: dict[str, list[Sample]],
    made: datetime,
    log: Log,
) -> tuple[Forecast, ...]:
    """Print predictions beside what was measured, and log them if there are any."""
    if all(guess is None for guess in guesses):
        return ()
    forecasts = score(asked, guesses, samples.get(claim_id, ()))
    log(claim_id, forecasts, made)
    print_lines(forecast_lines(forecasts, width()))
    return forecasts


def print_suggestion(
    forecasts: Sequence[Forecast], grades: Sequence[Rating] = tuple(Rating)
) -> None:
    suggestion = suggest(forecasts, grades)
    if suggestion is not None:
        click.echo("\n" + suggestion.why)
