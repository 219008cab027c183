"""From a folder of topics to the questions in it, with every problem on the way.

One unreadable question never hides the others: it becomes a Problem and is left out.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from quizdl.bank.declaration import read_claims
from quizdl.bank.document import Document, read_document, toml_fault
from quizdl.model import Claim, Problem, Question, Topic
from quizdl.words import QuizdlError, listed, say

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
TOPIC_KEYS = ("title", "order", "questions")
NUMBERED = re.compile(r"(^|-)(q|question)?\d+$")
Reader: TypeAlias = Callable[[Path, str], tuple[Question | None, tuple[Problem, ...]]]
"""Gives the question of a folder and a topic: see `read_question`."""


@dataclass(frozen=True, slots=True)
class Bank:
    root: Path
    topics: tuple[Topic, ...]
    questions: tuple[Question, ...]
    """In syllabus order."""
    problems: tuple[Problem, ...]

    def require_questions(self) -> Bank:
        """Itself; QuizdlError when there is nothing to ask."""
        if self.questions:
            return self
        for problem in self.problems:
            raise QuizdlError("bank.all_broken", problem=problem_line(problem))
        raise QuizdlError("bank.empty", path=self.root)

    def get(self, question_id: str) -> Question:
        """The question of that id, also by a former one.

        Raises QuizdlError: with near matches for an unknown id, with the first problem of a
        question that is there but cannot be read.
        """
        for question in self.questions:
            if question_id == question.id or question_id in question.formerly:
                return question
        for problem in self.problems:
            if question_id == problem.path.parent.name:
                line = problem_line(problem)
                raise QuizdlError("bank.broken_id", id=question_id, problem=line)
        ids = [question.id for question in self.questions]
        near = difflib.get_close_matches(question_id, ids, n=3, cutoff=0.5)
        near = near or [each for each in ids if question_id and question_id in each][:3]
        hint = say("bank.hint", names=listed(near)) if near else say("bank.hint.list")
        raise QuizdlError("bank.unknown_id", id=question_id, hint=hint)

    def get_claims(self, target: str) -> tuple[Question, tuple[Claim, ...]]:
        """The question and claims that `ID` or `ID#claim` names; QuizdlError if unknown."""
        question_id, _, claim_id = target.partition("#")
        question = self.get(question_id)
        if not claim_id:
            return question, question.claims
        claim = question.claim(claim_id)
        if claim is None:
            names = listed(each.id for each in question.claims)
            raise QuizdlError("bank.unknown_claim", id=question.id, claim=claim_id, names=names)
        return question, (claim,)


def problem_line(problem: Problem) -> str:
    """All of a problem in one line."""
    key = "bank.problem" if problem.line > 0 else "bank.problem.no_line"
    message = " ".join(problem.message.split())
    text = say(key, path=problem.path, line=problem.line, message=message, fix=problem.fix)
    return text.rstrip()  # where there is nothing to fix


def load(root: Path, read: Reader | None = None) -> Bank:
    """Read the whole bank below `root`; `read` instead of `read_question`. Raises QuizdlError
    when there is no such folder."""
    read = read or read_question
    if not root.is_dir():
        raise QuizdlError("bank.none", path=root)
    topics: list[Topic] = []
    questions: list[Question] = []
    problems: list[Problem] = []
    for folder in folders(root):
        topic, order, of_file = _read_topic(folder)
        topics.append(topic)
        problems += of_file
        of_topic: dict[str, Question] = {}
        for each in folders(folder):
            question, found = read(each, topic.id)
            problems += found
            if question is not None:
                of_topic[question.id] = question
        listed = [of_topic.pop(slug) for slug in order if slug in of_topic]
        questions += [*listed, *of_topic.values()]
    position = {topic.id: (topic.order, topic.id) for topic in topics}
    questions.sort(key=lambda question: position[question.topic])  # stable within a topic
    unique, shared = _unique(questions)
    topics.sort(key=lambda topic: position[topic.id])
    return Bank(root, tuple(topics), unique, (*problems, *shared))


def read_question(folder: Path, topic: str) -> tuple[Question | None, tuple[Problem, ...]]:
    """One question's folder. None when a problem makes it unusable."""
    path, demo_path = folder / "question.md", folder / "demo.py"
    if not SLUG.fullmatch(folder.name) or NUMBERED.search(folder.name):
        message = say("bank.slug", slug=folder.name)
        return None, (Problem(path, 0, message, say("bank.slug.fix")),)
    if not path.exists():
        return None, (Problem(path, 0, say("bank.no_question"), say("bank.no_question.fix")),)
    text, problem = read_text(path)
    if text is None:
        return None, (problem,) if problem else ()
    document, problems = read_document(text, path)
    if not demo_path.exists():
        problems += (Problem(demo_path, 0, say("bank.no_demo"), say("bank.no_demo.fix")),)
        return None, problems
    demo, problem = read_text(demo_path)
    if demo is None or document is None:
        return None, (*problems, problem) if problem else problems
    claims, found = read_claims(demo, demo_path)
    problems += found
    if not found:
        claims, found = _link(document, claims, path, demo_path)
        problems += found
    if problems:
        return None, problems
    return (
        Question(
            id=folder.name,
            topic=topic,
            title=document.title,
            level=document.level,
            front=document.front,
            back=document.back,
            claims=claims,
            demo=demo,
            folder=folder,
            tags=document.tags,
            asked_by=document.asked_by,
            refs=document.refs,
            formerly=document.formerly,
            terms=document.terms,
        ),
        (),
    )


def folders(parent: Path) -> Iterator[Path]:
    """The topics of a bank, the questions of a topic: what else lies there is not looked at."""
    with os.scandir(parent) as entries:
        names = [each.name for each in entries if each.is_dir()]
    for name in sorted(names):
        if not name.startswith((".", "_")):
            yield parent / name


def read_text(path: Path) -> tuple[str | None, Problem | None]:
    """The text of a file of the bank, or why it cannot be read."""
    try:
        return path.read_text("utf-8"), None
    except (OSError, UnicodeDecodeError) as error:
        message = say("bank.unreadable", why=error)
        return None, Problem(path, 0, message, say("bank.unreadable.fix"))


def _read_topic(folder: Path) -> tuple[Topic, list[str], list[Problem]]:
    """The topic of a folder, the order its questions are to come in, and what is wrong."""
    path = folder / "topic.toml"
    topic, order = Topic(folder.name, folder.name, 1_000_000), []
    problems: list[Problem] = []

    def complain(key: str, line: int = 0, /, **values: object) -> None:
        message, fix = say(f"bank.{key}", **values), say(f"bank.{key}.fix", **values)
        problems.append(Problem(path, line, message, fix))

    text, unreadable = read_text(path)
    if not path.exists():
        complain("no_topic")
    elif unreadable:
        problems.append(unreadable)
    else:
        try:
            raw = tomllib.loads(text or "")
        except tomllib.TOMLDecodeError as error:
            line, why = toml_fault(error)
            complain("toml", line, why=why)
            return topic, [], problems
        title, position, order = raw.get("title"), raw.get("order"), raw.get("questions", [])
        for key in raw.keys() - set(TOPIC_KEYS):
            complain("unknown_key", key=key, known=listed(TOPIC_KEYS))
        if isinstance(title, str) and title and type(position) is int:
            topic = Topic(folder.name, title, position)
        else:
            complain("topic")
        if not (isinstance(order, list) and all(isinstance(slug, str) for slug in order)):
            complain("strings", key="questions")
            order = []
        for slug in order:
            if not (folder / slug).is_dir():
                complain("topic_order", id=slug)
    return topic, order, problems


def _link(
    document: Document, claims: tuple[Claim, ...], path: Path, demo_path: Path
) -> tuple[tuple[Claim, ...], tuple[Problem, ...]]:
    """Give each claim the sentence that links to it; both directions must match.

    Claims are put in the order in which the answer states them.
    """
    by_id = {claim.id: claim for claim in claims}
    problems = []
    linked: dict[str, Claim] = {}
    for link in document.links:
        if link.claim not in by_id:
            message = say("bank.dead_link", claim=link.claim)
            problems.append(Problem(path, link.line, message, say("bank.dead_link.fix")))
        elif link.claim not in linked:
            linked[link.claim] = replace(by_id[link.claim], text=link.text)
    for claim in claims:
        if claim.id not in linked:
            message = say("bank.unlinked", claim=claim.id)
            fix = say("bank.unlinked.fix", claim=claim.id)
            problems.append(Problem(demo_path, claim.line, message, fix))
    return tuple(linked.values()), tuple(problems)


def _unique(questions: list[Question]) -> tuple[tuple[Question, ...], list[Problem]]:
    """Keep the first of each id; an id, present or former, belongs to one question only."""
    owner: dict[str, Question] = {}
    problems = []
    for question in questions:
        if question.id in owner:
            other = owner[question.id].folder
            message = say("bank.twice", id=question.id, other=other)
            path = question.folder / "question.md"
            problems.append(Problem(path, 0, message, say("bank.twice.fix")))
        else:
            owner[question.id] = question
    unique = tuple(owner.values())
    for question in unique:
        for old in question.formerly:
            if owner.setdefault(old, question) is not question:
                other = owner[old].folder
                message = say("bank.formerly", id=old, other=other)
                path = question.folder / "question.md"
                problems.append(Problem(path, 0, message, say("bank.formerly.fix")))
    return unique, problems
