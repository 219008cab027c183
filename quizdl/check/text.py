"""The rules for the text of a question: its sections, statements, formulas and files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from quizdl.bank import Bank
from quizdl.check.source import source_problems
from quizdl.model import Problem, Question
from quizdl.words import say

VERDICTS = tuple(say(f"render.verdict_{name}") for name in ("true", "part", "loose", "false"))
LEAST_CLAIMS = 3

_UNFINISHED = re.compile("TODO|FIXME|待写")
_CLAIM_LINK = re.compile(r"\]\(demo\.py#\w+\)")
_QUESTION_LINK = re.compile(r"\]\(([^()\s]*question\.md)\)")
_ITEM = re.compile(r"^[-*] (.+(?:\n(?:[ \t]+\S.*|))*)", re.MULTILINE)


def check_text(bank: Bank, questions: Iterable[Question]) -> Iterator[Problem]:
    """What is wrong with the bank before anything runs: first what could not be read."""
    yield from bank.problems
    for question in questions:
        yield from check_question(question)


def check_question(question: Question) -> Iterator[Problem]:
    """The rules for the text of one question."""
    from quizdl import render

    path, demo = question.folder / "question.md", question.folder / "demo.py"
    source = path.read_text("utf-8")
    offset = source.count("\n", 0, max(source.find(question.back), 0))

    def problem(line: int, key: str, **values: object) -> Problem:
        message = say(f"check.{key}", **values)
        return Problem(path, offset + line, message, say(f"check.{key}.fix", **values))

    sections = _sections(question.back)
    titles = {title: (line, body) for line, title, body in sections}
    first_line, first_title, first_body = sections[0]
    if first_title in ("要点", "辨析", "追问") or not first_body.strip():
        yield problem(first_line, "one_sentence")
    for name in ("要点", "辨析", "追问"):
        if name not in titles:
            yield problem(1, "no_section", name=name)
    if "要点" in titles:
        line, body = titles["要点"]
        if not 3 <= (count := len(_ITEM.findall(body))) <= 6:
            yield problem(line, "key_points", count=count)
    if "辨析" in titles:
        line, body = titles["辨析"]
        items = list(_ITEM.finditer(body))
        if not items:
            yield problem(line, "no_statements")
        for item in items:
            if _verdict(item[1]) is None:
                at = line + 1 + body.count("\n", 0, item.start())
                yield problem(at, "verdict", verdicts="、".join(VERDICTS))
    if "追问" in titles:
        line, body = titles["追问"]
        items = list(_ITEM.finditer(body))
        if not items:
            yield problem(line, "no_followups")
        for item in items:
            others = [p for p in _linked(question, item[1]) if p != path.resolve()]
            if not (_CLAIM_LINK.search(item[1]) or others):
                at = line + 1 + body.count("\n", 0, item.start())
                yield problem(at, "followup_unproved")
    if len(question.claims) < LEAST_CLAIMS:
        yield problem(1, "few_claims", count=len(question.claims), least=LEAST_CLAIMS)
    if not question.refs:
        yield problem(1 - offset, "no_refs")
    for found in _QUESTION_LINK.finditer(question.back):
        if not (question.folder / found[1]).is_file():
            at = 1 + question.back.count("\n", 0, found.start())
            yield problem(at, "dead_question", target=found[1])
    for line, latex, why in render.problems(question.back):
        yield problem(line, "formula", latex=latex, why=why)
    for file, text in ((path, source), (demo, question.demo)):
        for line, words in enumerate(text.split("\n"), 1):
            for word in dict.fromkeys(_UNFINISHED.findall(words)):
                message = say("check.unfinished", word=word)
                yield Problem(file, line, message, say("check.unfinished.fix"))
    yield from source_problems(question.demo, demo)
    for each in sorted(question.folder.iterdir()):
        if each not in (path, demo) and not each.name.startswith((".", "__pycache__")):
            yield Problem(each, 0, say("check.stray"), say("check.stray.fix"))


def _linked(question: Question, text: str) -> list[Path]:
    """The files of the questions that `text` leads to."""
    return [(question.folder / target).resolve() for target in _QUESTION_LINK.findall(text)]


def statements(questions: Iterable[Question]) -> dict[str, int]:
    """How many statements under 辨析 have each of `VERDICTS`."""
    counts = dict.fromkeys(VERDICTS, 0)
    for question in questions:
        for _, title, body in _sections(question.back):
            for item in _ITEM.findall(body) if title == "辨析" else ():
                if verdict := _verdict(item):
                    counts[verdict] += 1
    return counts


def _verdict(item: str) -> str | None:
    """The one verdict in bold of a statement; None when there is none, or another as well."""
    marked = set(re.findall(r"\*\*([^*]+)\*\*", item)) & set(VERDICTS)
    return marked.pop() if len(marked) == 1 else None


def _sections(back: str) -> list[tuple[int, str, str]]:
    """(line, title, body) of every `##` section, lines 1-based within `back`."""
    sections: list[tuple[int, str, list[str]]] = []
    fenced = False
    for number, line in enumerate(back.split("\n"), 1):
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        if number == 1 or (re.match(r"##(\s|$)", line) and not fenced):
            sections.append((number, line[2:].strip(), []))
        else:
            sections[-1][2].append(line)
    return [(number, title, "\n".join(body)) for number, title, body in sections]
