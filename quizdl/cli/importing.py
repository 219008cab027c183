"""To bring memory back into quizdl."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quizdl.cli.base import WordedGroup, bank_option, examples, load_bank
from quizdl.cli.study import main
from quizdl.words import QuizdlError, say

if TYPE_CHECKING:
    from quizdl.model import Log, Merged


@main.group(
    "import",
    cls=WordedGroup,
    help=say("cli.import"),
    epilog=examples("quizdl import anki quizdl.apkg", "quizdl import data log.jsonl"),
)
def import_() -> None:
    pass


_FILE = click.argument(
    "path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@import_.command(
    "anki", help=say("cli.import.anki"), epilog=examples("quizdl import anki quizdl.apkg")
)
@_FILE
@bank_option
def anki(path: Path) -> None:
    from quizdl.exchange.anki.deck import to_log
    from quizdl.exchange.anki.reading import read_package
    from quizdl.memory.scheduler import study_day
    from quizdl.settings import find_paths, load_settings

    found = read_package(path)
    settings = load_settings(find_paths().config_file)
    bank = load_bank()

    def day_of(at: datetime) -> int:
        return study_day(at.astimezone(), settings.rollover_hour)

    log = to_log(found, bank.questions, day_of, settings)
    merged = _merge(log)
    known = len(log.entries) - merged.reviews
    click.echo(say("cli.import.reviews", new=merged.reviews, known=known))
    if log.remarks:
        click.echo(say("cli.import.remarks", new=merged.remarks, count=len(log.remarks)))
    if found.others:
        click.echo(say("cli.import.others", count=found.others))


@import_.command(
    "data", help=say("cli.import.data"), epilog=examples("quizdl import data log.jsonl")
)
@_FILE
def data(path: Path) -> None:
    from quizdl.exchange.log import read

    try:
        with path.open(encoding="utf-8") as file:
            log = read(file, path)
    except (OSError, UnicodeDecodeError) as error:
        raise QuizdlError("log.unreadable", path=path, why=error) from error
    merged = _merge(log)
    known = len(log.entries) - merged.reviews
    click.echo(say("cli.import.reviews", new=merged.reviews, known=known))
    counts = {"undone": merged.undone, "resets": merged.resets, "marks": merged.marks}
    counts |= {"remarks": merged.remarks, "predictions": merged.predictions}
    click.echo(say("cli.import.rest", interviews=merged.interviews, **counts))


def _merge(log: Log) -> Merged:
    from quizdl.memory import open_store
    from quizdl.settings import find_paths

    with open_store(find_paths().database) as store:
        return store.merge(log)
