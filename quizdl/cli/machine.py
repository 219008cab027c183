"""This machine and this bank: new, paths, doctor."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from quizdl.cli.base import (
    bank_option,
    bank_root,
    examples,
    json_option,
    print_json,
    short_path,
)
from quizdl.cli.study import main
from quizdl.words import QuizdlError, language, listed, say


@main.command(
    help=say("cli.new"),
    epilog=examples("quizdl new initialization/he-init"),
)
@click.argument("target", metavar="TOPIC/SLUG")
@bank_option
def new(target: str) -> None:
    from quizdl.bank.scaffold import create
    from quizdl.bank.trust import is_ours, trust_command

    root = bank_root()
    click.echo(say("cli.new.done", path=short_path(create(root, target))))
    if not is_ours(root):
        click.echo(say("cli.new.foreign", command=trust_command(root)))


@main.command(
    help=say("cli.paths"),
    epilog=examples("quizdl paths", "quizdl paths --json"),
)
@json_option
@bank_option
def paths(as_json: bool) -> None:
    from quizdl.settings import find_paths

    found = find_paths()
    places = {
        "bank": bank_root(),
        "data": found.data,
        "database": found.database,
        "config": found.config_file,
    }
    if as_json:
        print_json({name: str(path.absolute()) for name, path in places.items()})
        return
    for name, path in places.items():
        click.echo(say("cli.named", name=say(f"cli.paths.{name}"), what=path))


@main.command(
    help=say("cli.doctor"),
    epilog=examples("quizdl doctor", "quizdl doctor --json"),
)
@json_option
@bank_option
def doctor(as_json: bool) -> int:
    findings = list(_examine())
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = {True: "✓", False: "✗", None: "–"}[finding.good]
            click.echo(f"{mark} " + say("cli.named", name=finding.name, what=finding.detail))
    return 1 if any(finding.good is False for finding in findings) else 0


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    good: bool | None
    """None: missing here, and not an error."""
    detail: str


def _examine() -> Iterator[Finding]:
    import platform
    import shutil
    from importlib.metadata import PackageNotFoundError, version

    from quizdl.bank import load
    from quizdl.proof.probe import active
    from quizdl.settings import find_paths, load_settings
    from quizdl.web import INSTALL, is_installed

    parts = {"Python": platform.python_version()}
    missing = []
    for part in ("quizdl", "textual", "numpy", "sqlalchemy", "fsrs"):
        try:
            parts[part] = version(part)
        except PackageNotFoundError:
            missing.append(part)
    detail = listed(f"{part} {number}" for part, number in parts.items())
    yield Finding(say("cli.doctor.versions"), True, detail)
    if missing:
        detail = say("cli.doctor.missing", parts=listed(missing))
        yield Finding(say("cli.doctor.versions"), False, detail)
    try:
        bank = load(bank_root())
        key, count = ("bad", len(bank.problems)) if bank.problems else ("good", 0)
        detail = say(
            f"cli.doctor.bank.{key}", path=bank.root, questions=len(bank.questions), count=count
        )
        yield Finding(say("cli.doctor.bank"), not bank.problems, detail)
    except QuizdlError as error:
        yield Finding(say("cli.doctor.bank"), False, str(error))
    found = find_paths()
    try:
        load_settings(found.config_file)
        key = "good" if found.config_file.exists() else "none"
        detail = say(f"cli.doctor.config.{key}", path=found.config_file)
        yield Finding(say("cli.doctor.config"), True, detail)
    except QuizdlError as error:
        yield Finding(say("cli.doctor.config"), False, str(error))
    yield _examine_language()
    yield _examine_memory(found.database)
    encoding = sys.stdout.encoding or "?"
    good = encoding.lower().replace("-", "") == "utf8"
    key = "cli.doctor.encoding" if good else "cli.doctor.encoding.bad"
    yield Finding(say("cli.doctor.terminal"), good, say(key, encoding=encoding))
    columns, rows = shutil.get_terminal_size((80, 24))
    good = columns >= 60 and rows >= 16
    key = "cli.doctor.size" if good else "cli.doctor.size.bad"
    yield Finding(say("cli.doctor.terminal"), good, say(key, columns=columns, rows=rows))
    good, key = (True, "good") if is_installed() else (None, "missing")
    yield Finding(
        say("cli.doctor.browser"), good, say(f"cli.doctor.browser.{key}", command=INSTALL)
    )
    try:
        for layer in active():
            state = say("cli.doctor.good" if layer.active else "cli.doctor.off")
            key = "cli.doctor.layer" if layer.why else "cli.named"
            detail = say(key, name=layer.name, what=state, why=layer.why)
            yield Finding(say("cli.doctor.proof"), layer.active or None, detail)
    except QuizdlError as error:
        yield Finding(say("cli.doctor.proof"), False, str(error))


def _examine_language() -> Finding:
    from quizdl.words.choice import choose

    name, wanted = say("cli.doctor.language"), choose()
    if wanted != language():
        return Finding(name, False, say("cli.doctor.language.missing", code=wanted))
    return Finding(name, True, say("cli.doctor.language.good"))


def _examine_memory(database: Path) -> Finding:
    """Opens the database if there is one; otherwise only asks whether there could be."""
    from quizdl.memory import open_store

    name = say("cli.doctor.memory")
    if database.exists():
        try:
            open_store(database).close()
        except QuizdlError as error:
            return Finding(name, False, str(error))
        return Finding(name, True, str(database))
    there = next(folder for folder in database.parents if folder.exists())
    good = there.is_dir() and os.access(there, os.W_OK)
    key = "cli.doctor.memory.none" if good else "cli.doctor.memory.bad"
    return Finding(name, good, say(key, path=database, there=there))
