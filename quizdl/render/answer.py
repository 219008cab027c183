"""A question and its answer as one piece of Markdown each."""

from __future__ import annotations

from quizdl.model import Question
from quizdl.words import say


def question_markdown(question: Question) -> str:
    """What is shown before the answer."""
    return f"# {question.title}\n\n{question.front}".rstrip()


def answer_markdown(question: Question) -> str:
    """The answer as written, then the terms in English and the references."""
    parts = [question.back]
    if question.terms:
        terms = "；".join(f"{chinese} {english}" for chinese, english in question.terms.items())
        parts.append(f"## {say('answer.terms')}\n{terms}")
    if question.refs:
        items = (f"- {ref.text} {f'<{ref.url}>' if ref.url else ''}" for ref in question.refs)
        parts.append(f"## {say('answer.refs')}\n" + "\n".join(items))
    return "\n\n".join(parts)
