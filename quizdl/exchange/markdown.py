"""A Markdown file for each topic, readable on a code host; figures as files beside them.

Code hosts read Markdown a little differently from us: they know HTML, set a gap where a line of
Chinese is broken, and take backslashes out of formulas between dollars, so that formulas stand
in backticks there (`$`…`$` and ```` ```math ````, on GitHub and GitLab).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import groupby

from quizdl.exchange import sheets
from quizdl.exchange.sheets import Proof, Sheet
from quizdl.render.text import join
from quizdl.words import in_chinese

FIGURES = "figures"
_CLAIM = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(demo\.py#\w+\)")
_QUESTION = re.compile(r"\]\((?:\.\./)*(?:([\w-]+)/)?([\w-]+)/question\.md\)")
_HEADING = re.compile(r"^(#+ )", re.MULTILINE)
_CODE = re.compile(r"(^```.*?^```\n?)", re.MULTILINE | re.DOTALL)
_LITERAL = re.compile(r"(`+[^`]*`+|\$\$.*?\$\$|\$[^$\n]+\$|<https?://[^\s<>]+>)", re.DOTALL)
"""Where a bracket is no HTML: inline code, formulas, addresses."""
_BLOCK = re.compile(r"[-*+] |\d+[.)] |[#|>]|\$\$|```")
"""What begins a block of its own."""
_ALONE = re.compile(r"[#|]|.*\$\$$")
"""A line that the next one does not go on."""
_SVG_STYLE = (
    "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>"
)


def write(made: Iterable[Sheet], topics: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files, figures first. `topics`: of every question, its topic's
    id: links between questions lead into the right file."""
    index: list[tuple[Sheet, ...]] = []
    for topic, group in groupby(made, lambda sheet: sheet.topic):
        of_topic = tuple(group)
        index.append(of_topic)
        parts = [f"# {topic.title}\n"]
        for sheet in of_topic:
            figures: list[tuple[str, bytes]] = []
            parts.append(_question(sheet, topics, figures))
            yield from figures
        yield f"{topic.id}.md", "\n".join(parts).encode()
    yield "README.md", _index(index).encode()


def _index(groups: Iterable[tuple[Sheet, ...]]) -> str:
    lines = [f"# {in_chinese('markdown.title')}\n"]
    for group in groups:
        topic = group[0].topic
        lines.append(f"\n## [{topic.title}]({topic.id}.md)\n")
        for sheet in group:
            question = sheet.question
            title = f"[{_line(question.title)}]({topic.id}.md#{question.id})"
            lines.append(f"- {title} {'★' * question.level}")
    return "\n".join(lines) + "\n"


def _question(sheet: Sheet, topics: Mapping[str, str], figures: list[tuple[str, bytes]]) -> str:
    question = sheet.question
    about = " · ".join(["★" * question.level, *question.asked_by, *question.tags])
    parts = [
        f'<a id="{question.id}"></a>\n\n## {_line(question.title)}\n\n{about}\n',
        portable(question.front, topics),
        "<details><summary>" + in_chinese("markdown.answer") + "</summary>\n",
        portable(question.back, topics),
    ]
    if sheet.proofs:
        parts.append(f"### {in_chinese('anki.field.proofs')}\n")
        parts += [proof_markdown(proof, figures) for proof in sheet.proofs]
    parts.append(
        f"### {in_chinese('anki.field.code')}\n\n```python\n{question.demo.rstrip()}\n```\n"
    )
    if question.refs:
        parts.append(f"### {in_chinese('answer.refs')}\n")
        parts += [f"- {ref.text} {f'<{ref.url}>' if ref.url else ''}" for ref in question.refs]
    parts.append("\n</details>\n")
    return "\n".join(part for part in parts if part)


def portable(markdown: str, topics: Mapping[str, str], *, lower: bool = True) -> str:
    """Our Markdown inside a page: its headings a level lower, its links leading to where the
    questions are; claims are words, their proofs follow."""

    def question(match: re.Match[str]) -> str:
        topic = topics.get(match[2])
        return f"]({topic}.md#{match[2]})" if topic else "](#)"

    parts = _CODE.split(markdown)
    for place in range(0, len(parts), 2):  # the others are code
        text = _CLAIM.sub(r"\1", joined(parts[place]))
        text = _QUESTION.sub(question, text)
        text = _line(text)
        parts[place] = _HEADING.sub(r"#\1", text) if lower else text
    text = "".join(parts).strip()
    return f"{text}\n" if text else ""


def _line(markdown: str) -> str:
    """Text as a code host wants it: no HTML, formulas in backticks."""
    parts = _LITERAL.split(markdown)
    for place, part in enumerate(parts):
        if place % 2 == 0:
            parts[place] = part.replace("<", "&lt;")
        elif part.startswith("$$"):
            indent = re.search(r"( *)$", parts[place - 1])
            margin = "\n" + (indent[1] if indent else "")
            latex = margin.join(line.strip() for line in part.strip("$").strip().split("\n"))
            parts[place] = f"```math{margin}{latex}{margin}```"
        elif part.startswith("$"):
            parts[place] = f"$`{part[1:-1]}`$"
    return "".join(parts)


def joined(markdown: str) -> str:
    """The lines of a paragraph as one."""
    lines: list[str] = []
    formula = open_ = False
    for line in markdown.split("\n"):
        text = line.strip()
        mark = text.count("$$") % 2 == 1
        if open_ and text and not formula and not mark and not _BLOCK.match(text):
            lines[-1] += join(lines[-1], text) + text
        else:
            lines.append(line)
        formula ^= mark
        open_ = bool(text) and not formula and not mark and not _ALONE.match(text)
    return "\n".join(lines)


def proof_markdown(proof: Proof, figures: list[tuple[str, bytes]]) -> str:
    """Sentence, numbers and figures of a proof; the files of the figures are added to `figures`."""
    sign = in_chinese(f"sheet.sign.{proof.verdict}")
    head = sheets.headings()
    lines = [
        f"**{sign} {_line(proof.claim.text)}**\n",
        _cells(head),
        _cells(["---"] * len(head)),
    ]
    lines += [_cells(row) for row in sheets.rows(proof)]
    lines.append(f"\n{sheets.footing(proof)}\n")
    for drawing in sheets.drawings(proof):
        data = drawing.replace(">", f">{_SVG_STYLE}", 1).encode()
        name = f"{FIGURES}/{sha256(data).hexdigest()[:20]}.svg"
        figures.append((name, data))
        lines.append(f"![]({name})\n")
    return "\n".join(lines)


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
