"""Every page of our own bank, as the terminal shows it: laid out, whole, in good Chinese."""

from __future__ import annotations

import re

import pytest

from quizdl.bank import find_bank, load
from quizdl.model import Question
from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.render.markdown import layout
from quizdl.render.text import CLOSING, Line, width_of

BANK = load(find_bank(environ={}))
WIDTHS = (80, 60)
CODE = {"code", "math"}


def page(question: Question, width: int) -> list[Line]:
    return layout(question_markdown(question) + "\n\n" + answer_markdown(question), width)


def prose(line: Line) -> str:
    """The line without code and formulas, which have their own rules."""
    return "".join(span.text for span in line if not CODE & set(span.style.split()))


def is_prose(line: Line) -> bool:
    first = next((span for span in line if span.text.strip()), None)
    return first is not None and not CODE & set(first.style.split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("question", BANK.questions, ids=lambda question: question.id)
def test_a_page_fits_and_reads_well(question: Question, width: int) -> None:
    lines = page(question, width)
    assert len(lines) > 60
    too_wide = ["".join(s.text for s in line) for line in lines if width_of(line) > width]
    assert too_wide == []
    raw = [prose(line) for line in lines if re.search(r"\\[A-Za-z]+|\$|\]\(", prose(line))]
    assert raw == [], "raw LaTeX or Markdown is left"
    begins = [
        prose(line) for line in lines if is_prose(line) and prose(line).lstrip()[:1] in CLOSING
    ]
    assert [text for text in begins if text.strip()] == [], "closing punctuation begins a line"


@pytest.mark.parametrize("question", BANK.questions, ids=lambda question: question.id)
def test_no_row_of_a_table_is_cut(question: Question) -> None:
    """A table that does not fit becomes a list: none of ours should have to."""
    rows = [line for line in question.back.split("\n") if re.match(r"\s*\|.*\|\s*$", line)]
    if rows:
        drawn = "\n".join("".join(s.text for s in line) for line in page(question, 80))
        assert "─┼─" in drawn
