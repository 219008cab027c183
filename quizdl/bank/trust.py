"""Who may run: our own bank always, any other once somebody has looked at it and agreed.

Trust is in text: a demo runs when the very text that would run was trusted at that place.
After an edit, of a demo or of a link that leads to another, it is asked for again.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from quizdl import jsonfile
from quizdl.bank.place import shipped_bank
from quizdl.words import QuizdlError

if TYPE_CHECKING:
    from quizdl.bank.survey import Demo
    from quizdl.model import Question


def digest(text: str) -> str:
    """The hash by which a demo is known: of the very text that would be run."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Trusted:
    at: datetime
    """UTC."""
    demos: Mapping[str, str]
    """`topic/slug/demo.py` -> digest of its text."""


class Trust:
    """The trusted banks, by the folder they really are (no links), in one small file.

    Read anew at each question, so that what another quizdl does counts at once. A file that
    cannot be read trusts nothing.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def all(self) -> dict[Path, Trusted]:
        found = {}
        for root, entry in jsonfile.read(self._file).items():
            if (trusted := _trusted(entry)) is not None:
                found[Path(root)] = trusted
        return found

    def of(self, root: Path) -> Trusted | None:
        return _trusted(jsonfile.read(self._file).get(str(root.resolve())))

    def grant(self, root: Path, demos: Iterable[Demo], at: datetime) -> None:
        """Trust `demos` as they were surveyed, instead of what was trusted in `root` before; none
        that is broken, since another Python may be able to run what nobody could look at.

        Raises OSError when that cannot be stored.
        """
        known = {demo.path: demo.digest for demo in demos if not demo.broken}
        entry = {"at": at.isoformat(timespec="seconds"), "demos": known}
        jsonfile.change(self._file, lambda found: found | {str(root.resolve()): entry})

    def revoke(self, root: Path) -> bool:
        """Whether there was something to take back. Raises OSError when it cannot be stored."""
        key = str(root.resolve())
        if key not in jsonfile.read(self._file):
            return False
        jsonfile.change(self._file, lambda found: {k: v for k, v in found.items() if k != key})
        return True


def _trusted(entry: object) -> Trusted | None:
    """None for what quizdl did not write."""
    match entry:
        case {"at": str(at), "demos": dict(demos)}:
            try:
                return Trusted(datetime.fromisoformat(at), demos)
            except ValueError:
                return None
    return None


class Permission:
    """What a pool asks before it runs anything of a question."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._own: dict[tuple[Path, str], Question] = {}

    def __call__(self, question: Question) -> None:
        """Raises QuizdlError, naming the command that helps, when `question` may not run."""
        question = self._own.get((question.folder, digest(question.demo)), question)
        root = question.folder.parent.parent
        if is_ours(root) and is_ours(question.folder / "demo.py"):
            return
        trusted = self._trust.of(root)
        if trusted is None:
            raise QuizdlError("trust.needed", root=root.resolve(), command=trust_command(root))
        path = f"{question.folder.parent.name}/{question.folder.name}/demo.py"
        if trusted.demos.get(path) != digest(question.demo):
            raise QuizdlError("trust.changed", id=question.id, command=trust_command(root))

    def admit(self, original: Question, source: str) -> None:
        """Let `source`, the learner's own edit of the demo, run where the original may."""
        self._own[original.folder, digest(source)] = original


def is_ours(path: Path) -> bool:
    """Whether `path` really lies in the bank that came with this quizdl.

    A copy of that bank elsewhere is foreign: what was ours there anybody may have edited.
    """
    return path.resolve().is_relative_to(shipped_bank().resolve())


def trust_command(root: Path) -> str:
    """The command that trusts the bank at `root`, to be typed as it is, from anywhere."""
    return f"quizdl trust {shlex.quote(str(root.resolve()))}"
