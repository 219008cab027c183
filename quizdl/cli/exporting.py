"""To take questions and memory out of quizdl."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from quizdl.cli.base import (
    WordedGroup,
    bank_option,
    chosen_questions,
    examples,
    filter_options,
    load_bank,
    make_terms,
    open_memory,
    open_pool,
    print_problems,
    progress_bar,
)
from quizdl.cli.study import main
from quizdl.words import QuizdlError, in_chinese, say

if TYPE_CHECKING:
    from quizdl.bank import Bank
    from quizdl.exchange.sheets import Sheet
    from quizdl.memory.store import Store
    from quizdl.model import Question
    from quizdl.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


@main.group(
    cls=WordedGroup,
    help=say("cli.export"),
    epilog=examples(
        "quizdl export anki -o quizdl.apkg",
        "quizdl export html --company 字节 -o bytedance.html",
        "quizdl export data -o log.jsonl",
    ),
)
def export() -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Selection:
    """What was asked for of the bank."""

    words: tuple[str, ...]
    topic: str
    tag: str
    company: str
    level: int | None
    due: bool
    weak: bool
    no_proofs: bool


def _selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which every format of questions can be narrowed, given to `command` as one
    `selection`."""
    names = [field.name for field in fields(_Selection)]

    @functools.wraps(command)
    def selecting(**given: Any) -> Any:
        selection = _Selection(**{name: given.pop(name) for name in names})
        return command(selection=selection, **given)

    decorated: Any = selecting
    for decorate in (
        bank_option,
        click.option("--no-proofs", is_flag=True, help=say("cli.export.no_proofs")),
        click.option("--weak", is_flag=True, help=say("cli.export.weak")),
        click.option("--due", is_flag=True, help=say("cli.export.due")),
        filter_options,
        click.argument("words", nargs=-1, metavar="[ID|WORDS…]"),
    ):
        decorated = decorate(decorated)
    return decorated  # type: ignore[no-any-return]


def _output(help_key: str) -> Callable[[Command], Command]:
    return click.option(
        "-o",
        "output",
        required=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help=say(help_key),
    )


@export.command(
    "anki",
    help=say("cli.export.anki"),
    epilog=examples(
        "quizdl export anki -o quizdl.apkg",
        f"quizdl export anki --with-progress --topic {say('cli.example.topic')} -o optimizers.apkg",
    ),
)
@_selecting
@_output("cli.export.file")
@click.option("--with-progress", is_flag=True, help=say("cli.export.with_progress"))
def anki(output: Path, with_progress: bool, selection: _Selection) -> None:
    from quizdl.exchange.anki.deck import Extras, entries, model_edition
    from quizdl.exchange.anki.editions import Editions
    from quizdl.exchange.anki.package import write_package
    from quizdl.settings import find_paths, load_settings

    paths = find_paths()
    settings = load_settings(paths.config_file)
    bank, questions = _chosen(selection)
    editions = Editions(paths.data / "editions.json", _epoch())
    with open_memory(bank) as store:
        remarks = store.remarks() if store else {}
        progress = _progress(store, settings) if store and with_progress else None
    with (
        writing(output) as beside,
        _sheets(bank, questions, no_proofs=selection.no_proofs) as sheets,
    ):
        made = entries(sheets, Extras(remarks, progress), editions)
        count = write_package(beside, made, model_edition(editions), settings.rollover_hour)
    try:
        editions.save()
    except OSError as error:
        click.echo(say("cli.export.editions", why=error.strerror or error), err=True)
    click.echo(say("cli.export.done", count=count, path=output))
    if editions.changed:  # Anki will replace these
        click.echo(say("cli.export.anki.changed", count=editions.changed))


def _progress(store: Store, settings: Settings) -> Any:
    from quizdl.exchange.anki.deck import Progress
    from quizdl.exchange.anki.scheduling import Schedule
    from quizdl.memory import scheduler
    from quizdl.model import Mark, Review

    logs: dict[str, list[Review]] = {}
    made_new = store.resets()
    for review in store.reviews():
        since = made_new.get(review.question)
        if since is None or review.at > since:
            logs.setdefault(review.question, []).append(review)
    memory = store.memory(0)
    return Progress(
        schedules={
            question: Schedule(card, tuple(logs[question]), memory.marks.get(question, Mark()))
            for question, card in memory.cards.items()
        },
        steps=(len(settings.learning_steps), len(settings.relearning_steps)),
        retention=settings.desired_retention,
        decay=scheduler.decay(),
    )


@export.command("tsv", help=say("cli.export.tsv"), epilog=examples("quizdl export tsv -o a.tsv"))
@_selecting
@_output("cli.export.file")
@click.option(
    "--for",
    "reader",
    type=click.Choice(["anki", "quizlet", "mochi"]),
    metavar="APP",
    default="anki",
    help=say("cli.export.for"),
)
def tsv(output: Path, reader: str, selection: _Selection) -> None:
    from quizdl.exchange.tables import Reader, write

    bank, questions = _chosen(selection)
    with (
        writing(output) as beside,
        _sheets(bank, questions, no_proofs=selection.no_proofs) as sheets,
    ):
        write_lines(beside, write(sheets, Reader(reader)))
    click.echo(say("cli.export.done", count=len(questions), path=output))


@export.command(
    "markdown",
    help=say("cli.export.markdown"),
    epilog=examples("quizdl export markdown -o notes/"),
)
@_selecting
@_output("cli.export.folder")
def markdown(output: Path, selection: _Selection) -> None:
    from quizdl.exchange.markdown import write

    bank, questions = _chosen(selection)
    topics = {question.id: question.topic for question in questions}
    with _explained(output), _sheets(bank, questions, no_proofs=selection.no_proofs) as sheets:
        for name, data in write(sheets, topics):
            path = output / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with writing(path) as beside:
                beside.write_bytes(data)
    click.echo(say("cli.export.done", count=len(questions), path=output))


@export.command(
    "html", help=say("cli.export.html"), epilog=examples("quizdl export html -o quizdl.html")
)
@_selecting
@_output("cli.export.file")
def html(output: Path, selection: _Selection) -> None:
    from quizdl.exchange.html import write

    bank, questions = _chosen(selection)
    ids = frozenset(question.id for question in questions)
    with (
        writing(output) as beside,
        _sheets(bank, questions, no_proofs=selection.no_proofs) as sheets,
    ):
        write_lines(beside, write(sheets, in_chinese("markdown.title"), ids))
    click.echo(say("cli.export.done", count=len(questions), path=output))


@export.command(
    "data", help=say("cli.export.data"), epilog=examples("quizdl export data -o log.jsonl")
)
@_output("cli.export.file")
def data(output: Path) -> None:
    from quizdl.exchange.log import write
    from quizdl.memory import open_store
    from quizdl.settings import find_paths

    with open_store(find_paths().database) as store:
        log = store.log()
    with writing(output) as beside:
        write_lines(beside, write(log))
    click.echo(say("cli.export.data.done", count=len(log.entries), path=output))


# --- what the formats share --------------------------------------------------------------


def _chosen(selection: _Selection) -> tuple[Bank, tuple[Question, ...]]:
    """Raises QuizdlError when nothing is left."""
    bank = load_bank().require_questions()
    print_problems(bank.problems)
    ids = {each.id for each in bank.questions} | {old for q in bank.questions for old in q.formerly}
    wanted = {bank.get(word).id for word in selection.words if word in ids}
    words = [word for word in selection.words if word not in ids]
    words += [f"is:{name}" for name in ("due", "weak") if getattr(selection, name)]
    narrowed = (selection.topic, selection.tag, selection.company, selection.level)
    questions = chosen_questions(bank, make_terms(words, *narrowed))
    questions = tuple(each for each in questions if not wanted or each.id in wanted)
    if not questions:
        for word in selection.words:
            if "-" in word.strip("-") and ":" not in word:
                bank.get(word)  # which says what it may have meant
        raise QuizdlError("cli.export.none")
    return bank, questions


@contextlib.contextmanager
def _sheets(
    bank: Bank, questions: Sequence[Question], *, no_proofs: bool
) -> Iterator[Iterator[Sheet]]:
    from quizdl.exchange.sheets import Sheet, gather
    from quizdl.proof.receipts import Receipts
    from quizdl.settings import find_paths

    if no_proofs:
        topics = {topic.id: topic for topic in bank.topics}
        yield (Sheet(question, topics[question.topic]) for question in questions)
        return
    hidden = not sys.stderr.isatty()
    with progress_bar(len(questions), say("cli.export.progress"), hidden=hidden) as advance:
        receipts, now = Receipts(find_paths().receipts), datetime.now(UTC)
        with contextlib.closing(
            gather(questions, bank.topics, receipts, open_pool, now, advance)
        ) as sheets:
            yield sheets


def _epoch() -> int:
    """Seconds since 1970; of builds that are to be repeated, those of SOURCE_DATE_EPOCH."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(given) if given.isdecimal() else int(datetime.now(UTC).timestamp())


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """What takes the place of `path` when it is whole."""
    from quizdl.exchange.beside import replacing

    with _explained(path), replacing(path) as beside:
        yield beside


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise QuizdlError(
            "cli.export.unwritable", path=path, why=error.strerror or error
        ) from error


def write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n", errors="replace") as file:
        file.writelines(lines)
