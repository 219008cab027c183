"""The interface in a browser: serve."""

from __future__ import annotations

import signal
import sys

import click

from quizdl.cli.base import bank_option, bank_root, examples
from quizdl.cli.study import main
from quizdl.words import QuizdlError, say


@main.command(
    help=say("cli.serve"),
    epilog=examples("quizdl serve", "quizdl serve --open", "quizdl serve --port 9000"),
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    metavar="N",
    help=say("cli.serve.port"),
)
@click.option("--open", "open_page", is_flag=True, help=say("cli.serve.open"))
@bank_option
def serve(port: int, open_page: bool) -> None:
    from quizdl.web import run_server

    bank = bank_root().absolute()
    if not bank.is_dir():
        raise QuizdlError("bank.none", path=bank)

    def opened(address: str) -> None:
        click.echo(say("cli.serve.ready", address=address))
        if open_page:
            _open(address)

    command = [sys.executable, "-m", "quizdl", "--bank", str(bank)]
    came = run_server(command, port, opened, lambda text: click.echo(text, err=True))
    if came == signal.SIGINT:
        raise click.Abort


def _open(address: str) -> None:
    """In a thread: where there is no screen, a browser may be one of the terminal."""
    import webbrowser
    from threading import Thread

    Thread(target=webbrowser.open, args=[address], daemon=True).start()
