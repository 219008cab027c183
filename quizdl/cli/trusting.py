"""To trust: look at a foreign bank, and let its demos run; list and take back."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quizdl.cli.base import bank_root, examples, short_path
from quizdl.cli.study import main
from quizdl.words import QuizdlError, listed, say

if TYPE_CHECKING:
    from quizdl.bank.survey import Demo
    from quizdl.bank.trust import Trust, Trusted


@main.command(
    help=say("cli.trust"),
    epilog=examples(
        "quizdl trust ~/banks/mine",
        "quizdl trust ~/banks/mine --yes",
        "quizdl trust --list",
        "quizdl trust --revoke ~/banks/mine",
    ),
)
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help=say("cli.trust.yes"))
@click.option("--list", "listing", is_flag=True, help=say("cli.trust.list"))
@click.option("--revoke", is_flag=True, help=say("cli.trust.revoke"))
def trust(folder: Path | None, yes: bool, listing: bool, revoke: bool) -> int:
    from quizdl.bank.trust import Trust
    from quizdl.settings import find_paths

    if yes + listing + revoke > 1 or (listing and folder is not None):
        raise click.UsageError(say("cli.trust.one"))
    store = Trust(find_paths().trust)
    if listing:
        return _list(store)
    root = folder or bank_root()
    if revoke:
        return _revoke(store, root)
    return _trust(store, root, yes or (folder is not None and not sys.stdin.isatty()))


def _list(store: Trust) -> int:
    for root, trusted in sorted(store.all().items()):
        when, count = _day(trusted), len(trusted.demos)
        click.echo(say("cli.trust.listed", path=_printable(root), count=count, when=when))
    return 0


def _revoke(store: Trust, root: Path) -> int:
    try:
        revoked = store.revoke(root)
    except OSError as error:
        raise QuizdlError("cli.trust.unwritable", why=error.strerror or error) from error
    key = "cli.trust.revoked" if revoked else "cli.trust.not_trusted"
    click.echo(say(key, path=_printable(short_path(root))))
    return 0 if revoked else 1


def _trust(store: Trust, root: Path, yes: bool) -> int:
    """`yes`: said already. Who names the folder in a script has said so, too."""
    from quizdl.bank import load
    from quizdl.bank.survey import survey
    from quizdl.bank.trust import is_ours

    bank, before = load(root), store.of(root)
    demos = survey(root)
    if is_ours(root) and all(is_ours(root / demo.path) for demo in demos):
        click.echo(say("cli.trust.ours", path=short_path(root)))
        return 0
    if not demos:
        raise QuizdlError("cli.trust.empty", path=root)
    known = before.demos if before else {}
    news = [demo for demo in demos if known.get(demo.path) != demo.digest]
    if before and not news:
        click.echo(say("cli.trust.same", path=_printable(short_path(root)), when=_day(before)))
        return 0
    click.echo(
        say(
            "cli.trust.contains",
            path=_printable(root.resolve()),
            questions=len(bank.questions),
            claims=sum(len(question.claims) for question in bank.questions),
            demos=len(demos),
            lines=sum(demo.lines for demo in demos),
        )
    )
    if before:
        _print_changes(before, news)
    _print_findings(root, news)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(say("cli.trust.no_terminal"))
        if not click.confirm(say("cli.trust.ask"), default=False):
            click.echo(say("cli.trust.declined"))
            return 1
    try:
        store.grant(root, demos, datetime.now(UTC))
    except OSError as error:
        raise QuizdlError("cli.trust.unwritable", why=error.strerror or error) from error
    click.echo(say("cli.trust.done", path=_printable(short_path(root))))
    return 0


def _print_changes(before: Trusted, news: Sequence[Demo]) -> None:
    """What is new or another since it was last trusted; the rest is not shown again."""
    click.echo(say("cli.trust.changes", when=_day(before), count=len(news)))
    for demo in news:
        key = "edited" if demo.path in before.demos else "added"
        click.echo(say(f"cli.trust.{key}", path=_printable(demo.path), lines=demo.lines))


def _print_findings(root: Path, demos: Sequence[Demo]) -> None:
    """What the demos import, and every place that deserves a look."""
    counted = Counter(module for demo in demos for module in demo.imports)
    modules = listed(
        say("cli.trust.module", name=name, count=count) for name, count in sorted(counted.items())
    )
    click.echo(say("cli.trust.imports", modules=modules or "—"))
    places = []
    for demo in demos:
        path = _printable(short_path(root / demo.path))
        if demo.broken:
            places.append(say("cli.trust.broken", path=path))
        places += [f"  {path}:{line}  {_printable(name)}" for line, name in demo.suspects]
    key = "cli.trust.suspects" if places else "cli.trust.no_suspects"
    click.echo("\n".join((say(key, count=len(places)), *places)))


def _day(trusted: Trusted) -> str:
    return f"{trusted.at.astimezone():%Y-%m-%d %H:%M}"


def _printable(text: object) -> str:
    """Names come from a bank that nobody trusts yet: none of them steers the terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text))
