"""Receipts: what the claims of a question gave when they were last proved, when, with what.

One small file for each question, in the data folder, and one beside it for the figures, which
only exports ask for. A receipt says by itself whether it still stands for the question as it is
now; one that quizdl cannot read is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import quizdl
from quizdl import jsonfile
from quizdl.bank.trust import is_ours
from quizdl.model import SEEDS, Claim, ClaimResult, Figure, Measure, Question, Role, Verdict
from quizdl.proof.figure_record import figure_record, read_figure
from quizdl.words import say

_FORMAT = 1
_ARMS = 2
"""Whose figures are kept: those of the claim and of its first control, all that is shown."""
_JUDGING = (
    "model.py",
    "bank/declaration.py",
    "bank/document.py",
    "bank/loader.py",
    "proof/**/*.py",
)
"""What decides the verdict on a claim, as paths in the package."""
_CHECKING = ("check/**/*.py", "cli/proving.py")
"""What else decides whether a question passes `quizdl check`."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of the last finished proof of one claim as it was declared."""

    claim: str
    content: str
    """Hash of the claim's sentence, its declaration and the code of the demo."""
    code: str
    """Hash of quizdl's own code that measured and judged."""
    python: str
    numpy: str
    """Versions in the child that ran it."""
    seeds: tuple[int, ...]
    verdict: Verdict
    measures: tuple[Measure, ...]
    at: datetime
    """UTC."""

    def stale(self, question: Question, claim: Claim) -> bool:
        """Whether it no longer speaks of this claim, or of this machine."""
        return bool(self.why_stale(question, claim))

    def why_stale(self, question: Question, claim: Claim) -> str:
        """In words; empty when it still stands. NumPy is not imported, its version is what
        the installed package says."""
        if self.content != _content(question, claim):
            return say("receipt.edited")
        if self.code != _code(*_JUDGING):
            return say("receipt.code")
        for name, then, now in (
            ("NumPy", self.numpy, numpy_version()),
            ("Python", self.python, _python_version()),
        ):
            if then != now:
                return say("receipt.version", name=name, then=then, now=now or "—")
        return ""


def describe(receipt: Receipt | None, question: Question, claim: Claim, now: datetime) -> str:
    """One line for a learner. `now` gives the zone in which to say when, and the year that
    goes without saying."""
    if receipt is None:
        return say("receipt.none")
    if why := receipt.why_stale(question, claim):
        return why
    at = receipt.at.astimezone(now.tzinfo)
    return say(
        "receipt.line",
        verdict=say(f"verdict.{receipt.verdict}"),
        when=f"{at:%m-%d %H:%M}" if at.year == now.year else f"{at:%Y-%m-%d %H:%M}",
        numpy=receipt.numpy,
        seeds=len(receipt.seeds),
    )


class Receipts:
    """The receipts in `folder`, which need not exist before the first is saved."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, question: Question) -> dict[str, Receipt]:
        """By claim. Reads one file; what is missing, damaged or not ours is left out."""
        found = {}
        for claim, entry in _section(self._read(self._path(question)), "claims").items():
            if (receipt := _receipt(claim, entry)) is not None:
                found[claim] = receipt
        return found

    def figures(self, question: Question) -> dict[str, tuple[tuple[Figure, ...], ...]]:
        """By claim, the figures of the claim and of its first control, as long as the claim's
        receipt stands; a claim that is known to have none is there with an empty tuple."""
        found = {}
        receipts = self.of(question)
        drawn = _section(self._read(self._figure_path(question)), "claims")
        for claim in question.claims:
            receipt, entry = receipts.get(claim.id), drawn.get(claim.id)
            if receipt is None or receipt.stale(question, claim) or not isinstance(entry, dict):
                continue
            if entry.get("of") == _stamp(receipt.content, receipt.code, receipt.numpy):
                with contextlib.suppress(ArithmeticError, LookupError, TypeError, ValueError):
                    found[claim.id] = tuple(
                        tuple(read_figure(figure, str) for figure in arm) for arm in entry["arms"]
                    )
        return found

    def save(
        self,
        question: Question,
        results: Sequence[ClaimResult],
        at: datetime,
        *,
        passed: bool | None = None,
    ) -> None:
        """Leave a receipt for each finished proof of claims as `question` declares them, under
        the default seeds at least; fewer seeds, or a child that never started, leave none.

        `passed` is what `quizdl check` found of the whole question, all claims and whatever
        else it asks; None when it was not asked. A failure is not kept, and ends what passed
        before. Receipts of other claims stay, whoever writes them at the same time. Raises
        OSError when the folder cannot be written.
        """
        entries = {
            result.claim: _entry(question, claim, result, at)
            for result in results
            if result.numpy and set(SEEDS) <= set(result.seeds)
            if (claim := question.claim(result.claim)) is not None
        }
        failed = any(result.verdict is not Verdict.PROVED for result in results)
        mark = ""
        if passed and not failed and results:
            first = results[0]
            mark = _mark(question, first.seeds, first.python, first.numpy)

        def changed(document: jsonfile.Document) -> jsonfile.Document:
            before = document if document.get("format") == _FORMAT else {}
            stands = "" if failed or passed is False else before.get("passed", "")
            claims = _section(before, "claims") | entries
            return {"format": _FORMAT, "passed": mark or stands, "claims": claims}

        def drawn(document: jsonfile.Document) -> jsonfile.Document:
            before = document if document.get("format") == _FORMAT else {}
            return {"format": _FORMAT, "claims": _section(before, "claims") | figures}

        figures = {
            result.claim: {
                "of": _stamp(*(entries[result.claim][key] for key in ("content", "code", "numpy"))),
                "arms": [[figure_record(f) for f in arm] for arm in result.figures[:_ARMS]],
            }
            for result in results
            if result.claim in entries
        }
        jsonfile.change(self._path(question), changed)
        if figures:
            jsonfile.change(self._figure_path(question), drawn)

    def passed(self, question: Question, seeds: Sequence[int]) -> bool:
        """Whether `quizdl check` found nothing against the whole question, letter for letter as
        it is now, under these very seeds, with the same Python, NumPy and code of quizdl."""
        mark = self._read(self._path(question)).get("passed")
        now = _mark(question, tuple(seeds), _python_version(), numpy_version())
        return bool(mark) and mark == now

    def _read(self, path: Path) -> jsonfile.Document:
        document = jsonfile.read(path)
        return document if document.get("format") == _FORMAT else {}

    def _path(self, question: Question) -> Path:
        """Ids are unique in a bank: those of a foreign one have a folder of their own."""
        root = question.folder.parent.parent
        folder = self._folder
        if not is_ours(root):
            folder /= _hash(str(root.resolve()))[:16]
        return folder / f"{question.id}.json"

    def _figure_path(self, question: Question) -> Path:
        path = self._path(question)
        return path.parent / "figures" / path.name


def _section(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _entry(question: Question, claim: Claim, result: ClaimResult, at: datetime) -> dict[str, Any]:
    return {
        "content": _content(question, claim),
        "code": _code(*_JUDGING),
        "python": result.python,
        "numpy": result.numpy,
        "seeds": list(result.seeds),
        "verdict": str(result.verdict),
        "measures": [asdict(measure) for measure in result.measures],
        "at": at.isoformat(timespec="seconds"),
    }


def _stamp(content: str, code: str, numpy: str) -> str:
    """What figures belong to, besides the claim's name."""
    return _hash(content, code, numpy)


def _receipt(claim: str, entry: Any) -> Receipt | None:
    try:
        at = datetime.fromisoformat(entry["at"])
        if at.tzinfo is None:
            return None
        return Receipt(
            claim=claim,
            **{key: str(entry[key]) for key in ("content", "code", "python", "numpy")},
            seeds=tuple(map(int, entry["seeds"])),
            verdict=Verdict(entry["verdict"]),
            measures=tuple(_measure(each) for each in entry["measures"]),
            at=at,
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


def _measure(entry: Mapping[str, Any]) -> Measure:
    def number(value: Any) -> float | None:
        return None if value is None else float(value)

    return Measure(
        name=str(entry["name"]),
        role=Role(entry["role"]),
        bound=str(entry["bound"]),
        value=number(entry["value"]),
        control=number(entry["control"]),
        holds=bool(entry["holds"]),
        values=tuple(map(float, entry["values"])),
        controls=tuple(tuple(map(float, arm)) for arm in entry["controls"]),
    )


def _content(question: Question, claim: Claim) -> str:
    """The line of the function does not count: it moves only when the demo changes."""
    return _hash(repr(replace(claim, line=0)), question.demo)


def _mark(question: Question, seeds: Sequence[int], python: str, numpy: str) -> str:
    """Hash of all that decides whether a question passes; empty when it cannot be told.

    The file is hashed beside the value read from it: when it changes in between, the two
    disagree, and no later reading will find the same pair.
    """
    try:
        source = (question.folder / "question.md").read_bytes().decode("latin-1")
    except OSError:
        return ""
    value = repr(replace(question, folder=Path()))
    code = _code(*_JUDGING, *_CHECKING)
    return _hash(source, value, code, python, numpy, repr(tuple(seeds)))


def _hash(*parts: str) -> str:
    found = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        found.update(len(data).to_bytes(8) + data)  # no two lists of parts run together alike
    return found.hexdigest()


@cache
def _code(*patterns: str) -> str:
    """Hash of the files of this quizdl that match, once for each process."""
    package = Path(quizdl.__file__).parent
    files = sorted({file for pattern in patterns for file in package.glob(pattern)})
    return _hash(*(file.read_text("utf-8") for file in files))


@cache
def numpy_version() -> str:
    """Of the NumPy a child would load, from its metadata; empty when there is none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("numpy")
    except PackageNotFoundError:
        return ""


def _python_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))
