"""What all commands share: help in our words, options, the bank that was chosen, printing."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from quizdl.words import say

if TYPE_CHECKING:
    from quizdl.bank import Bank
    from quizdl.memory.store import Store
    from quizdl.model import Claim, ClaimResult, Problem, Question, Sample
    from quizdl.proof.pool import Pool
    from quizdl.search import Remembered, Term

Command = TypeVar("Command", bound=Callable[..., Any])
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Formatter(click.HelpFormatter):
    """Headings with the colon of the language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        self.write(f"{say('cli.usage')}{prog} {args}\n")

    def write_heading(self, heading: str) -> None:
        self.write(say("cli.heading", heading=heading) + "\n")


class _Context(click.Context):
    formatter_class = _Formatter


class Worded(click.Command):
    """A command whose help is in our words, and whose errors know which command they are about."""

    context_class = _Context

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"options_metavar": say("cli.options"), "context_settings": HELP}
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class WordedGroup(Worded, click.Group):
    command_class = Worded

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, subcommand_metavar=say("cli.command"), **kwargs)


def bank_option(command: Command) -> Command:
    def remember(context: click.Context, _: click.Parameter, value: Path | None) -> None:
        if value is not None:
            context.ensure_object(dict)["bank"] = value

    return click.option(
        "--bank",
        type=click.Path(path_type=Path),
        metavar="DIR",
        expose_value=False,
        callback=remember,
        help=say("cli.bank"),
    )(command)


def filter_options(command: Command) -> Command:
    for decorate in (
        click.option("--level", type=click.IntRange(1, 3), metavar="1-3", help=say("cli.level")),
        click.option("--company", default="", metavar="C", help=say("cli.company")),
        click.option("--tag", default="", metavar="T", help=say("cli.tag")),
        click.option("--topic", default="", metavar="T", help=say("cli.topic")),
    ):
        command = decorate(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help=say("cli.json"))


def examples(*lines: str) -> str:
    return "\b\n" + say("cli.examples") + "\n" + "\n".join(f"  {line}" for line in lines)


def bank_root() -> Path:
    from quizdl.bank import find_bank

    return find_bank((click.get_current_context().find_object(dict) or {}).get("bank"))


def load_bank() -> Bank:
    from quizdl.bank import cache
    from quizdl.settings import find_paths

    return cache.load(bank_root(), find_paths().bank_cache, time.time())


def make_terms(
    words: Sequence[str],
    topic: str = "",
    tag: str = "",
    company: str = "",
    level: int | None = None,
) -> tuple[Term, ...]:
    """The query of some words, which may be in its language, and of the options."""
    from quizdl.search import parse

    parts = [f'"{word}"' if " " in word and '"' not in word else word for word in words]
    given = {"topic": topic, "tag": tag, "company": company, "level": level or ""}
    parts += [f'{kind}:"{value}"' for kind, value in given.items() if value]
    return parse(" ".join(parts))


def chosen_questions(bank: Bank, terms: Sequence[Term]) -> tuple[Question, ...]:
    """The questions of `bank` that meet `terms`; the learner's database is asked if need be."""
    from quizdl.search import Index, asks_memory

    index = Index(bank.questions, {topic.id: topic.title for topic in bank.topics})
    return index.find(terms, _remembered(bank) if asks_memory(terms) else None)


def _remembered(bank: Bank) -> Remembered:
    from quizdl.memory.scheduler import study_day
    from quizdl.search import Remembered
    from quizdl.settings import find_paths, load_settings

    rollover = load_settings(find_paths().config_file).rollover_hour
    day = study_day(datetime.now().astimezone(), rollover)
    with open_memory(bank) as store:
        if store is None:
            return Remembered(day)
        memory = store.memory(day)
    return Remembered(day, memory.cards, memory.marks)


@contextlib.contextmanager
def open_memory(bank: Bank) -> Iterator[Store | None]:
    """The learner's database under the names of this bank; None when there is none yet."""
    from quizdl.memory import open_store
    from quizdl.settings import find_paths

    path = find_paths().database
    if not path.exists():
        yield None
        return
    with open_store(path) as store:
        formerly = {old: q.id for q in bank.questions for old in q.formerly}
        store.adopt(formerly, live={question.id for question in bank.questions})
        yield store


def print_json(document: object) -> None:
    import json

    ascii_only = sys.stdout.encoding.lower().replace("-", "") != "utf8"
    click.echo(json.dumps(document, ensure_ascii=ascii_only, indent=2, allow_nan=False))


def print_problems(problems: Iterable[Problem]) -> None:
    from quizdl.bank import problem_line

    for problem in problems:
        shown = dataclasses.replace(problem, path=short_path(problem.path))
        click.echo(problem_line(shown), err=True)


def short_path(path: Path) -> Path:
    """The path as short as it can be said from here."""
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


def width() -> int:
    import shutil

    return min(shutil.get_terminal_size((80, 24)).columns, 100)


def print_lines(lines: Iterable[Any]) -> None:
    from quizdl import render

    styled = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    click.echo(render.ansi(lines) if styled else render.plain(lines))


def open_pool(jobs: int | None = None) -> Pool:
    """The pool of every command: nothing of a foreign bank runs in it before it is trusted."""
    from quizdl.bank.trust import Permission, Trust
    from quizdl.proof.pool import Pool
    from quizdl.settings import find_paths

    return Pool(jobs, permission=Permission(Trust(find_paths().trust)))


def keep_receipts(outcomes: Iterable[tuple[Question, Sequence[ClaimResult], bool | None]]) -> None:
    """Save what proofs gave, and whether `check` passed the question (None: it was not asked).

    Where the data folder cannot be written, nothing is lost but the receipts: says so.
    """
    from quizdl.proof.receipts import Receipts
    from quizdl.settings import find_paths

    folder, now = find_paths().receipts, datetime.now(UTC)
    try:
        for question, results, passed in outcomes:
            Receipts(folder).save(question, results, now, passed=passed)
    except OSError as error:
        why = error.strerror or error
        click.echo(say("cli.receipts.unwritable", path=folder, why=why), err=True)


@contextlib.contextmanager
def progress_bar(length: int, label: str, *, hidden: bool) -> Iterator[Callable[[], None]]:
    """A bar on stderr, and the function that takes it a step on; where nobody watches, none."""
    if hidden:
        yield lambda: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr, show_pos=True) as bar:
        yield lambda: bar.update(1)


def read_line(prompt: str) -> str | None:
    """One line of stdin; None at its end."""
    click.echo(prompt, nl=False)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        click.echo()
    return line or None


def prove(
    question: Question,
    claims: Sequence[Claim],
    seeds: Sequence[int],
    *,
    hidden: bool = False,
    figures: bool = False,
    pool: Pool | None = None,
    samples: dict[str, list[Sample]] | None = None,
) -> list[ClaimResult]:
    """Results in the order of `claims`, each printed as soon as it and those before it are
    there. `pool`: one that goes on afterwards. `samples` is filled in, by claim. Claims as they
    are declared leave receipts."""
    from contextlib import nullcontext

    from quizdl import render
    from quizdl.model import Judged, Measured
    from quizdl.proof.gallery import figure_block
    from quizdl.proof.report import result_lines

    found: dict[str, ClaimResult] = {}
    results: list[ClaimResult] = []
    with nullcontext(pool) if pool else open_pool() as running:
        for event in running.prove([(question, claim) for claim in claims], seeds):
            if isinstance(event, Measured) and samples is not None:
                samples.setdefault(event.claim, []).append(event.sample)
            if isinstance(event, Judged):
                found[event.claim] = event.result
            while len(results) < len(claims) and claims[len(results)].id in found:
                claim = claims[len(results)]
                results.append(found[claim.id])
                if not hidden:
                    click.echo()
                    text = render.inline(claim.text)
                    lines = result_lines(results[-1], text, width())
                    lines += figure_block(results[-1].figures, width()) if figures else []
                    print_lines(lines)
    if all(claim is question.claim(claim.id) for claim in claims):
        keep_receipts([(question, results, None)])
    return results
