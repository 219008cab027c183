"""One command line, from its words to its exit code."""

from __future__ import annotations

from collections.abc import Sequence

import click

from quizdl.cli import (  # noqa: F401 - they add their commands
    browse,
    exporting,
    importing,
    interviewing,
    machine,
    proving,
    serving,
    statistics,
    trusting,
)
from quizdl.cli.base import print_json
from quizdl.cli.study import main
from quizdl.words import QuizdlError, say
from quizdl.words.click_zh import tidy


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; every error is one clear line.

    With `--json` it is also the document: `{"error": line}`.
    """
    try:
        code = main.main(list(arguments), prog_name="quizdl", standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "quizdl"
        why = tidy(error.format_message())
        return _fail(2, say("cli.wrong_use", why=why, where=where), arguments)
    except QuizdlError as error:
        return _fail(1, str(error), arguments)
    except click.Abort:  # ctrl+c
        return _fail(130, say("cli.interrupted"), arguments)
    except OSError as error:  # click has dealt with a reader that went away
        return _fail(1, say("cli.system", why=error), arguments)
    return code if isinstance(code, int) else 0


def _fail(code: int, line: str, arguments: Sequence[str]) -> int:
    click.echo(line, err=True)
    if "--json" in arguments:
        print_json({"error": line})
    return code
