"""Choosing questions by words and by filters. An in-memory scan: a bank is small."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from quizdl.model import Question


@dataclass(frozen=True, slots=True)
class Filter:
    """All given conditions must hold; an empty filter lets everything through."""

    words: tuple[str, ...] = ()
    topic: str = ""
    tag: str = ""
    company: str = ""
    level: int = 0

    def __bool__(self) -> bool:
        return bool(self.words or self.topic or self.tag or self.company or self.level)


def select(
    questions: Iterable[Question], chosen: Filter, topic_titles: dict[str, str]
) -> tuple[Question, ...]:
    """The questions that pass `chosen`, in their order. Topics match by id or title."""
    words = [_fold(word) for word in chosen.words]
    return tuple(
        question
        for question in questions
        if _matches(chosen.topic, (question.topic, topic_titles.get(question.topic, "")))
        and _matches(chosen.tag, question.tags)
        and _matches(chosen.company, question.asked_by)
        and chosen.level in (0, question.level)
        and (not words or all(word in _text(question) for word in words))
    )


def _matches(wanted: str, names: Iterable[str]) -> bool:
    return not wanted or _fold(wanted) in {_fold(name) for name in names}


def _text(question: Question) -> str:
    parts = (question.id, question.title, question.front, question.back, *question.tags)
    return _fold("\n".join((*parts, *question.terms, *question.terms.values())))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
