"""question.md: TOML between +++ lines, a title, the front, and the back with its links."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from quizdl.model import Problem, Reference
from quizdl.words import listed, say

FENCE = "+++"
KEYS = ("level", "tags", "asked_by", "refs", "formerly", "terms")

# A link text may hold one level of brackets, as in `$W_{[1]}$`.
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])+)\]\(demo\.py#([A-Za-z_]\w*)\)")
_CODE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ClaimLink:
    text: str
    claim: str
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    level: int
    front: str
    back: str
    links: tuple[ClaimLink, ...]
    tags: tuple[str, ...]
    asked_by: tuple[str, ...]
    refs: tuple[Reference, ...]
    formerly: tuple[str, ...]
    terms: Mapping[str, str]


def read_document(text: str, path: Path) -> tuple[Document | None, tuple[Problem, ...]]:
    """The parts of a question.md; None and the reasons when it cannot be read."""
    problems: list[Problem] = []

    def complain(line: int, key: str, /, **values: object) -> None:
        message = say(f"bank.{key}", **values)
        problems.append(Problem(path, line, message, say(f"bank.{key}.fix", **values)))

    lines = text.removeprefix("\ufeff").removesuffix("\n").split("\n")  # as editors count
    if lines[0].strip() != FENCE:
        complain(1, "no_front")
        return None, tuple(problems)
    end = next((n for n, line in enumerate(lines) if n and line.strip() == FENCE), None)
    if end is None:
        complain(len(lines), "open_front")
        return None, tuple(problems)
    head = lines[1:end]
    try:
        raw = tomllib.loads("\n".join(head))
    except tomllib.TOMLDecodeError as error:
        line, why = toml_fault(error)
        complain(line + 1 if line else end, "toml", why=why)
        return None, tuple(problems)

    def where(key: str) -> int:
        pattern = re.compile(rf"""\s*\[{{0,2}}["']?{re.escape(key)}\b""")
        return next((n for n, line in enumerate(head, 2) if pattern.match(line)), 1)

    for key in raw.keys() - set(KEYS):
        complain(where(key), "unknown_key", key=key, known=listed(KEYS))
    level = raw.get("level")
    if type(level) is not int or level not in (1, 2, 3):
        complain(where("level"), "level")

    def strings(key: str) -> tuple[str, ...]:
        value = raw.get(key, [])
        if isinstance(value, list) and all(isinstance(each, str) and each for each in value):
            return tuple(value)
        complain(where(key), "strings", key=key)
        return ()

    refs, terms = _references(raw, where, complain), raw.get("terms", {})
    if not isinstance(terms, dict) or not all(isinstance(each, str) for each in terms.values()):
        complain(where("terms"), "terms")
        terms = {}
    tags, asked_by, formerly = strings("tags"), strings("asked_by"), strings("formerly")

    body_at = end + 1
    title_at = next((n for n in range(body_at, len(lines)) if lines[n].strip()), None)
    if title_at is None or not re.match(r"#\s+\S", lines[title_at]):
        complain(body_at + 1 if title_at is None else title_at + 1, "no_title")
        return None, tuple(problems)
    body = "\n".join(lines[title_at + 1 :])
    hidden = _CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), body)  # same lines
    start = re.search(r"^##\s", hidden, re.MULTILINE)
    if start is None:
        complain(title_at + 1, "no_answer")
        return None, tuple(problems)

    def line_of(offset: int) -> int:
        return title_at + 2 + body.count("\n", 0, offset)

    links = tuple(
        ClaimLink(join_lines(found[1]), found[2], line_of(found.start()))
        for found in _LINK.finditer(hidden)
    )
    if problems:
        return None, tuple(problems)
    return (
        Document(
            title=lines[title_at].lstrip("#").strip(),
            level=raw["level"],
            front=body[: start.start()].strip(),
            back=body[start.start() :].strip(),
            links=links,
            tags=tags,
            asked_by=asked_by,
            refs=refs,
            formerly=formerly,
            terms=terms,
        ),
        (),
    )


def toml_fault(error: tomllib.TOMLDecodeError) -> tuple[int, str]:
    """The line to blame, 0 for the end of the text, and what is wrong with it."""
    found = re.search(r" \(at line (\d+).*\)", str(error))
    return int(found[1]) if found else 0, re.sub(r" \(at .*\)", "", str(error))


def _references(
    raw: Mapping[str, object],
    where: Callable[[str], int],
    complain: Callable[..., None],
) -> tuple[Reference, ...]:
    value = raw.get("refs", [])
    refs = []
    for each in value if isinstance(value, list) else [None]:
        if (
            isinstance(each, dict)
            and {"text"} <= each.keys() <= {"text", "url"}
            and all(isinstance(part, str) for part in each.values())
        ):
            refs.append(Reference(**each))
        else:
            complain(where("refs"), "refs")
    return tuple(refs)


def join_lines(text: str) -> str:
    """One line; a break between two wide characters leaves no space behind."""
    return re.sub(r"(?<=[^\x00-\x7f])\s*\n\s*|\s*\n\s*(?=[^\x00-\x7f])", "", text).replace(
        "\n", " "
    )
