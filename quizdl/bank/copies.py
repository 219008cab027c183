"""The learner's own copies of demos: changed and run at will, while the bank stays as it is."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from quizdl.bank.declaration import read_claims
from quizdl.model import Problem, Question
from quizdl.words import QuizdlError


class Copies:
    """One file per question in `folder`, made when the first is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, question: Question) -> str | None:
        """The source of the copy; None without one that can be read."""
        try:
            return self._path(question).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def keep(self, question: Question, source: str) -> None:
        """Whole or not at all. Raises QuizdlError when it cannot be written."""
        path = self._path(question)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
            with os.fdopen(part, "w", encoding="utf-8") as file:
                file.write(source)
            Path(name).replace(path)
        except OSError as error:
            raise QuizdlError("copies.unwritable", path=path, why=error.strerror) from error

    def drop(self, question: Question) -> None:
        """Raises QuizdlError when the file is there and cannot be removed."""
        path = self._path(question)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise QuizdlError("copies.unwritable", path=path, why=error.strerror) from error

    def _path(self, question: Question) -> Path:
        return self._folder / f"{question.id}.py"


def with_demo(question: Question, source: str) -> tuple[Question | None, tuple[Problem, ...]]:
    """The question with another demo; None when its declarations cannot be read.

    Claims keep the sentences of the answer. One that the answer does not know has none.
    """
    claims, problems = read_claims(source, question.folder / "demo.py")
    if problems:
        return None, problems
    texts = {claim.id: claim.text for claim in question.claims}
    linked = tuple(replace(claim, text=texts.get(claim.id, "")) for claim in claims)
    return replace(question, demo=source, claims=linked), ()
