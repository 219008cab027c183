"""What the surroundings do to the interface: the learner reads why, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.app import App

from quizdl.words import QuizdlError


@contextmanager
def explained(app: App[Any]) -> Iterator[None]:
    """A disk that is full, a database that cannot be read: in place of what was begun in here,
    its one line is shown. Textual would end the program with a traceback."""
    try:
        yield
    except QuizdlError as error:
        app.notify(str(error), severity="error", timeout=12)
