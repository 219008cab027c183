"""An answer cut at its headings: 一句话, 要点, …, 追问."""

from __future__ import annotations

import re
from typing import NamedTuple

_HEADING = re.compile(r"##(\s|$)")
_ITEM = re.compile(r"^[-*] (.+(?:\n(?:[ \t]+\S.*|))*)", re.MULTILINE)


class Section(NamedTuple):
    line: int
    """Of its heading, counted from 1 within the answer."""
    title: str
    body: str


def sections(back: str) -> list[Section]:
    """Every `##` section of an answer; what comes before the first heading is one, too."""
    found: list[tuple[int, str, list[str]]] = []
    fenced = False
    for number, line in enumerate(back.split("\n"), 1):
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        if number == 1 or (_HEADING.match(line) and not fenced):
            found.append((number, line[2:].strip(), []))
        else:
            found[-1][2].append(line)
    return [Section(number, title, "\n".join(body)) for number, title, body in found]


def items(body: str) -> list[re.Match[str]]:
    """The items of the lists in a section; group 1 is the text of one."""
    return list(_ITEM.finditer(body))
