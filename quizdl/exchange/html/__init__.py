"""One page that needs nothing else: formulas as MathML, figures in it, answers folded.

It prints in two ways, chosen at its top: the whole text, or cards to cut out, question and
answer side by side so that a sheet can be folded along the middle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files

from quizdl.exchange import sheets
from quizdl.exchange.sheets import Proof, Sheet
from quizdl.render import html
from quizdl.render.html import code_html, inline_html, markdown_html
from quizdl.words import in_chinese

CLAIM_LINK = "demo.py#"
_LONG = 40
"""Characters of LaTeX."""


def write(made: Iterable[Sheet], title: str, ids: frozenset[str]) -> Iterator[str]:
    """The page in pieces. `ids`: of all questions that will be on it; a link to any other is
    plain text."""
    yield from _begin(title, _controls())
    topic = ""
    for sheet in made:
        if sheet.topic.id != topic:
            topic = sheet.topic.id
            yield f'<h2 class="topic">{escape(sheet.topic.title)}</h2>\n'
        yield _question(sheet, ids)
    script = files("quizdl.exchange.html").joinpath("page.js").read_text("utf-8")
    yield f"</main>\n<script>\n{script}</script>\n</body>\n</html>\n"


def write_text(title: str, markdown: str, proofs: Iterable[tuple[str, Proof]]) -> Iterator[str]:
    """A page of text, and below it proofs, each with the id of its question: a link to one of
    their claims leads there."""

    def link(target: str) -> str | None:
        name = target.partition("#")[2]
        found = (f"#{question}.{name}" for question, proof in every if proof.claim.id == name)
        if target.startswith(CLAIM_LINK):
            return next(found, None)
        return target if target.startswith(("http://", "https://")) else None

    every = list(proofs)
    yield from _begin(title, "")
    yield markdown_html(markdown, _math, link)
    if every:
        yield f"<h2>{escape(in_chinese('anki.field.proofs'))}</h2>\n"
    for question, proof in every:
        yield _proof(question, proof, link)
    yield "</main>\n</body>\n</html>\n"


def _begin(title: str, controls: str) -> Iterator[str]:
    style = files("quizdl.exchange.html").joinpath("page.css").read_text("utf-8")
    yield _HEAD.format(title=escape(title), style=style)
    yield f"<header><h1>{escape(title)}</h1>{controls}</header>\n<main>\n"


_HEAD = """\
<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
"""


def _controls() -> str:
    return (
        f'<p class="controls"><button type="button" id="open">{in_chinese("html.open")}</button>'
        f'<button type="button" id="close">{in_chinese("html.close")}</button>'
        f'<button type="button" id="text">{in_chinese("html.print_text")}</button>'
        f'<button type="button" id="cards">{in_chinese("html.print_cards")}</button></p>'
    )


def _question(sheet: Sheet, ids: frozenset[str]) -> str:
    question = sheet.question

    def link(target: str) -> str | None:
        if target.startswith(CLAIM_LINK):
            name = target.partition("#")[2]
            return f"#{question.id}.{name}" if any(p.claim.id == name for p in proofs) else None
        if target.endswith("/question.md"):
            name = target.split("/")[-2]
            return f"#{name}" if name in ids else None
        return target if target.startswith(("http://", "https://")) else None

    proofs = sheet.proofs
    stars = "★" * question.level + "☆" * (3 - question.level)
    about = escape(" · ".join([stars, *question.asked_by, *question.tags]))
    title = inline_html(question.title, _math, link)
    front = markdown_html(question.front, _math, link) if question.front else ""
    parts = [
        f'<article id="{question.id}">',
        f'<div class="front"><h3>{title}</h3><p class="about">{about}</p>{front}</div>',
        f'<details class="answer"><summary>{in_chinese("html.answer")}</summary>',
        f'<div class="short">{markdown_html(sheet.short, _math, link)}</div>',
        _section(
            in_chinese("sheet.points"), sheet.part(in_chinese("sheet.points")), link, "points"
        ),
        markdown_html(_lower(sheet.reasons), _math, link),
        _section(in_chinese("sheet.followups"), sheet.part(in_chinese("sheet.followups")), link),
        _fold(
            in_chinese("anki.field.proofs"), "".join(_proof(question.id, p, link) for p in proofs)
        ),
        _fold(in_chinese("anki.field.code"), code_html(question.demo, "python")),
        _fold(in_chinese("answer.refs"), _references(sheet)),
        "</details>",
        "</article>\n",
    ]
    return "\n".join(part for part in parts if part)


def _math(latex: str, display: bool) -> str:
    """A formula; one that may be wider than a phone, in its line, can be pushed sideways."""
    made = html.mathml(latex, display)
    return f'<span class="long">{made}</span>' if len(latex) > _LONG and not display else made


def _lower(markdown: str) -> str:
    """Headings of an answer are the fourth level of the page."""
    fenced = False
    lines = markdown.split("\n")
    for place, line in enumerate(lines):
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        elif line.startswith("#") and not fenced:
            lines[place] = f"##{line}"
    return "\n".join(lines)


def _section(title: str, markdown: str, link: Callable[[str], str | None], kind: str = "") -> str:
    if not markdown:
        return ""
    body = f"<h4>{escape(title)}</h4>{markdown_html(markdown, _math, link)}"
    return f'<div class="{kind}">{body}</div>' if kind else body


def _fold(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>" if body else ""


def _proof(question: str, proof: Proof, link: Callable[[str], str | None]) -> str:
    sign = in_chinese(f"sheet.sign.{proof.verdict}")
    sentence = inline_html(proof.claim.text, _math, link)
    head = "".join(f"<th>{escape(name)}</th>" for name in sheets.headings())
    kinds: Sequence[str] = ("name", "bound", "value", "control")
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{k}">{escape(c)}</td>' for k, c in zip(kinds, row, strict=True))
        + "</tr>"
        for row in sheets.rows(proof)
    )
    figures = "".join(f'<div class="figure">{svg}</div>' for svg in sheets.drawings(proof))
    return (
        f'<section id="{question}.{proof.claim.id}"><p class="claim">{sign} {sentence}</p>'
        f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
        f'<p class="about">{escape(sheets.footing(proof))}</p>{figures}</section>'
    )


def _references(sheet: Sheet) -> str:
    items = [
        f'<a href="{escape(ref.url)}">{escape(ref.text)}</a>' if ref.url else escape(ref.text)
        for ref in sheet.question.refs
    ]
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>" if items else ""
