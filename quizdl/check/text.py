"""The rules for the text of a question: its sections, statements, formulas and files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from quizdl.bank import Bank
from quizdl.bank.sections import BONUS, items, key_points, sections
from quizdl.check.source import source_problems
from quizdl.model import Problem, Question
from quizdl.words import in_chinese, listed, say

VERDICTS = tuple(
    in_chinese(f"render.verdict_{name}") for name in ("true", "part", "loose", "false")
)
LEAST_CLAIMS = 3
LEAST_MUST = 2
LEAST_POINTS, MOST_POINTS = 3, 7

_UNFINISHED = re.compile("TODO|FIXME|待写")
_CLAIM_LINK = re.compile(r"\]\(demo\.py#\w+\)")
_QUESTION_LINK = re.compile(r"\]\(([^()\s]*question\.md)\)")


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

    parts = sections(question.back)
    titles = {title: (line, body) for line, title, body in parts}
    first_line, first_title, first_body = parts[0]
    if first_title in ("要点", "辨析", "追问") or not first_body.strip():
        yield problem(first_line, "one_sentence")
    for name in ("要点", "辨析", "追问"):
        if name not in titles:
            yield problem(1, "no_section", name=name)
    if "要点" in titles:
        line, body = titles["要点"]
        if not LEAST_POINTS <= (count := len(items(body))) <= MOST_POINTS:
            yield problem(line, "key_points", count=count, least=LEAST_POINTS, most=MOST_POINTS)
        if sum(point.must for point in key_points(question.back)) < LEAST_MUST:
            yield problem(line, "must_points", least=LEAST_MUST, bonus=BONUS)
    if "辨析" in titles:
        line, body = titles["辨析"]
        found = items(body)
        if not found:
            yield problem(line, "no_statements")
        for item in found:
            if _verdict(item[1]) is None:
                at = line + 1 + body.count("\n", 0, item.start())
                yield problem(at, "verdict", verdicts=listed(VERDICTS))
    if "追问" in titles:
        line, body = titles["追问"]
        found = items(body)
        if not found:
            yield problem(line, "no_followups")
        for item in found:
            others = [p for p in _linked(question, item[1]) if p != path.resolve()]
            if not (_CLAIM_LINK.search(item[1]) or others):
                at = line + 1 + body.count("\n", 0, item.start())
                yield problem(at, "followup_unproved")
    if len(question.claims) < LEAST_CLAIMS:
        yield problem(1, "few_claims", count=len(question.claims), least=LEAST_CLAIMS)
    if not question.refs:
        yield problem(1 - offset, "no_refs")
    for link in _QUESTION_LINK.finditer(question.back):
        if not (question.folder / link[1]).is_file():
            at = 1 + question.back.count("\n", 0, link.start())
            yield problem(at, "dead_question", target=link[1])
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
        for _, title, body in sections(question.back):
            for item in items(body) if title == "辨析" else ():
                if verdict := _verdict(item[1]):
                    counts[verdict] += 1
    return counts


def _verdict(item: str) -> str | None:
    """The one verdict in bold of a statement; None when there is none, or another as well."""
    marked = set(re.findall(r"\*\*([^*]+)\*\*", item)) & set(VERDICTS)
    return marked.pop() if len(marked) == 1 else None
