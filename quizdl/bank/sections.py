"""An answer cut at its headings: 一句话, 要点, …, 追问."""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

_HEADING = re.compile(r"##(\s|$)")
POINTS = "要点"
"""Title of the section of key points."""
BONUS = "（加分）"
"""How the text of a key point begins without which an answer is still a good one."""
_ASKED = re.compile(r"\*\*(.+?)\*\*\s*", re.DOTALL)
_ITEM = re.compile(r"^[-*] (.+(?:\n(?:[ \t]+\S.*|))*)", re.MULTILINE)

_CLAIM = re.compile(r"\]\(demo\.py#(\w+)\)")
_QUESTION = re.compile(r"\]\((?:\.\./)*(?:[\w-]+/)?([\w-]+)/question\.md\)")


class Section(NamedTuple):
    line: int
    """Of its heading, counted from 1 within the answer."""
    title: str
    body: str


class KeyPoint(NamedTuple):
    text: str
    """Markdown, as written."""
    must: bool
    """Whether an answer that lacks it is not a good one."""


class FollowUp(NamedTuple):
    asked: str
    """Markdown, on one line."""
    answer: str
    """Markdown."""


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


def key_points(back: str) -> tuple[KeyPoint, ...]:
    """Of an answer, in its order."""
    texts = (item[1].strip() for item in items(_body(back, POINTS)))
    return tuple(KeyPoint(t.removeprefix(BONUS), not t.startswith(BONUS)) for t in texts)


class Cut(NamedTuple):
    """An answer, cut so that each key point stands alone: Markdown, all of it."""

    before: str
    points: tuple[str, ...]
    after: str


def cut_points(answer: str) -> Cut:
    """Without points when there are none, or when something stands between them."""
    for section in sections(answer):
        found = items(section.body)
        if section.title != POINTS or not found:
            continue
        gaps = itertools.pairwise(found)
        if any(section.body[one.end() : other.start()].strip() for one, other in gaps):
            break
        start = sum(len(line) + 1 for line in answer.split("\n")[: section.line])
        return Cut(
            answer[: start + found[0].start()].rstrip(),
            tuple(item[1].strip() for item in found),
            answer[start + found[-1].end() :].strip(),
        )
    return Cut(answer, (), "")


def follow_ups(back: str) -> tuple[FollowUp, ...]:
    """What an interviewer would ask next, and what to say then."""
    found = ((_ASKED.match(item[1]), item[1]) for item in items(_body(back, "追问")))
    return tuple(
        FollowUp(" ".join(asked[1].split()), text[asked.end() :].strip())
        for asked, text in found
        if asked is not None
    )


def _body(back: str, title: str) -> str:
    return next((section.body for section in sections(back) if section.title == title), "")


def linked_claims(markdown: str) -> tuple[str, ...]:
    """Ids of the claims that a text rests on, each once."""
    return tuple(dict.fromkeys(_CLAIM.findall(markdown)))


def linked_questions(markdown: str) -> tuple[str, ...]:
    """Ids of the questions that a text leads to, each once."""
    return tuple(dict.fromkeys(_QUESTION.findall(markdown)))
