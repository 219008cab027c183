"""Tab-separated lines: a question and its answer on each, as Anki, Quizlet and Mochi read them.

Anki is told by headers what is in which column, and gets HTML with MathJax. The other two know
no headers; Quizlet shows plain text, Mochi Markdown. A tab or a line break would begin a new
cell or card there: they are spaces, or `<br>` and entities in HTML.
"""

from __future__ import annotations

import csv
import enum
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from quizdl import render
from quizdl.exchange import sheets
from quizdl.exchange.anki.notes import deck, guid, tags
from quizdl.exchange.anki.notetype import GUID, TABLE
from quizdl.exchange.markdown import joined
from quizdl.exchange.sheets import Proof, Sheet
from quizdl.render.html import markdown_html, mathjax
from quizdl.words import in_chinese

_INSIDE = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:)[^)]*\)")
"""A link that leads nowhere outside the bank."""


class Reader(enum.StrEnum):
    """Which program the lines are for."""

    ANKI = "anki"
    QUIZLET = "quizlet"
    MOCHI = "mochi"


def write(made: Iterable[Sheet], reader: Reader) -> Iterator[str]:
    """The lines, each with its end."""
    if reader is Reader.ANKI:
        yield "#separator:tab\n#html:true\n#guid column:1\n#deck column:2\n#tags column:3\n"
        names = (in_chinese("table.deck"), in_chinese("table.tags"))
        yield "\t".join(("#columns:guid", *names, "Front", "Back\n"))
    for sheet in made:
        match reader:
            case Reader.ANKI:
                yield _row(_anki(sheet))
            case Reader.QUIZLET:
                yield _row((_plain(sheet.question.title), _plain(_answer(sheet))))
            case Reader.MOCHI:
                answer = _INSIDE.sub(r"\1", joined(_answer(sheet)))
                yield _row((sheet.question.title, answer, " ".join(_mochi_tags(sheet))))


def _row(cells: Sequence[str]) -> str:
    line = io.StringIO()
    flat = [re.sub(r"[\t\r\n\0]+", " ", cell).strip() for cell in cells]
    csv.writer(line, delimiter="\t", lineterminator="\n").writerow(flat)
    return line.getvalue()


def _anki(sheet: Sheet) -> tuple[str, ...]:
    question = sheet.question
    name = guid(question).replace(GUID, GUID + TABLE, 1)
    front = _html(f"{question.title}\n\n{question.front}")
    back = _html(f"{question.back}\n\n{_proofs(sheet)}")
    return name, deck(sheet), " ".join(tags(question)), front, back


def _html(markdown: str) -> str:
    """HTML in one line: lines of code are kept apart by `<br>`."""
    written = markdown_html(markdown, mathjax, lambda target: None)
    written = re.sub(
        r"<pre.*?</pre>", lambda match: match[0].replace("\n", "<br>"), written, flags=re.DOTALL
    )
    return written.replace("\n", " ")


def _answer(sheet: Sheet) -> str:
    """Markdown of what a short card has room for."""
    points = sheet.part(in_chinese("sheet.points"))
    return f"{sheet.short}\n\n{points}\n\n{_proofs(sheet)}".strip()


def _proofs(sheet: Sheet) -> str:
    return "\n".join(f"- {_proof(proof)}" for proof in sheet.proofs)


def _proof(proof: Proof) -> str:
    sign = in_chinese(f"sheet.sign.{proof.verdict}")
    numbers = "；".join(
        in_chinese("table.number", name=name, bound=bound, value=value, control=control)
        for name, bound, value, control in sheets.rows(proof)
    )
    return f"{sign} {proof.claim.text}：{numbers}"


def _plain(markdown: str) -> str:
    return render.plain(render.layout(markdown, 10_000))


def _mochi_tags(sheet: Sheet) -> Iterator[str]:
    for tag in tags(sheet.question):
        yield "#" + tag.replace("::", "/")
