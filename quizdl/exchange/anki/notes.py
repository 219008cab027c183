"""A sheet as the fields of a note."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from zlib import crc32

from quizdl.exchange import sheets
from quizdl.exchange.anki.notetype import GUID
from quizdl.exchange.sheets import Proof, Sheet
from quizdl.model import Question
from quizdl.render.html import code_html, inline_html, markdown_html, mathjax
from quizdl.words import in_chinese

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Note:
    """One note, with the one card it has."""

    guid: str
    deck: str
    """Name; `::` between a deck and the one below it."""
    tags: tuple[str, ...]
    fields: tuple[str, ...]
    """HTML, in the order of `notetype.FIELDS`."""
    media: Mapping[str, bytes] = field(default_factory=dict)
    """Files the fields speak of, by name."""


def guid(question: Question) -> str:
    """The same for ever: made of the first id the question had."""
    return GUID + (question.formerly[0] if question.formerly else question.id)


def note(sheet: Sheet, remark: str = "") -> Note:
    """`remark`: what the learner wrote in Anki, given back as it was."""
    question = sheet.question
    media: dict[str, bytes] = {}
    values = {
        "question": _html(f"{question.title}\n\n{question.front}"),
        "about": _about(sheet),
        "short": _html(sheet.short),
        "points": _html(sheet.part(in_chinese("sheet.points"))),
        "proofs": "".join(_proof(proof) for proof in sheet.proofs),
        "figures": "".join(_figures(proof, media) for proof in sheet.proofs),
        "reasons": _html(sheet.reasons),
        "followups": _html(sheet.part(in_chinese("sheet.followups"))),
        "code": code_html(question.demo, "python"),
        "source": _source(question),
        "remark": remark,
        "id": escape(question.id),
    }
    return Note(guid(question), deck(sheet), tags(question), tuple(values.values()), media)


def deck(sheet: Sheet) -> str:
    return f"{in_chinese('anki.deck')}::{sheet.topic.title.replace('::', ' ')}"


def deck_id(name: str) -> int:
    """The same for a name, wherever it is made."""
    return 1_600_000_000_000 + crc32(name.encode())


def tags(question: Question) -> tuple[str, ...]:
    level = f"{in_chinese('anki.tag.level')}::{question.level}"
    companies = [f"{in_chinese('anki.tag.company')}::{name}" for name in question.asked_by]
    every = ["quizdl", level, *companies, *question.tags]
    return tuple(dict.fromkeys(_SPACE.sub("_", tag) for tag in every if tag))


def _html(markdown: str) -> str:
    return markdown_html(markdown, mathjax, _link).strip()


def _link(target: str) -> str | None:
    """Of links only those lead somewhere that leave the bank."""
    return target if re.match(r"https?:", target) else None


def _about(sheet: Sheet) -> str:
    question = sheet.question
    stars = "★" * question.level + "☆" * (3 - question.level)
    return escape(" · ".join([sheet.topic.title, stars, *question.asked_by]))


def _proof(proof: Proof) -> str:
    sign = in_chinese(f"sheet.sign.{proof.verdict}")
    sentence = inline_html(proof.claim.text, mathjax, _link)
    head = "".join(f"<th>{escape(name)}</th>" for name in sheets.headings())
    kinds = ("name", "bound", "value", "control")
    body = "".join(
        f"<tr>{''.join(_cell(kind, text) for kind, text in zip(kinds, row, strict=True))}</tr>"
        for row in sheets.rows(proof)
    )
    return (
        f'<p class="claim">{sign} {sentence}</p><table><tr>{head}</tr>{body}</table>'
        f'<p class="footing">{escape(sheets.footing(proof))}</p>'
    )


def _cell(kind: str, text: str) -> str:
    return f'<td class="{kind}">{escape(text)}</td>'


def _figures(proof: Proof, media: dict[str, bytes]) -> str:
    """The figures of a claim as pictures; the files are put into `media`."""
    pictures = []
    for drawing in sheets.drawings(proof):
        data = drawing.encode()
        name = f"quizdl-{hashlib.sha256(data).hexdigest()[:20]}.svg"
        media[name] = data
        pictures.append(f'<img src="{name}">')
    return "".join(pictures)


def _source(question: Question) -> str:
    items = [
        f'<a href="{escape(ref.url)}">{escape(ref.text)}</a>' if ref.url else escape(ref.text)
        for ref in question.refs
    ]
    terms = "；".join(f"{chinese} {english}" for chinese, english in question.terms.items())
    listed = "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
    return listed + (f"<p>{escape(terms)}</p>" if terms else "")
