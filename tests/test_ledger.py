"""Nothing of the source notes was dropped: each statement has its question, verdict and proof."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from quizdl.bank import find_bank, load
from quizdl.check.text import VERDICTS

HERE = Path(__file__).parent
LEDGER: dict[str, Any] = tomllib.loads((HERE / "source_ledger.toml").read_text("utf-8"))
STATEMENTS: list[dict[str, Any]] = LEDGER["statement"]
NOTES = HERE.parents[1] / "shared" / "source" / "deep-learning-interview-notes.txt"
BANK = load(find_bank(environ={}))
DEFINITION = "定义"


def name(statement: dict[str, Any]) -> str:
    return f"{statement['line']}-{statement['question']}-{statement.get('claim', '')}"


def judgements(back: str) -> list[tuple[str, str]]:
    """(verdict, text) of each statement under 辨析."""
    _, _, rest = back.partition("\n## 辨析\n")
    body = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    items = re.split(r"^- ", body, flags=re.MULTILINE)[1:]
    return [(next(v for v in VERDICTS if f"**{v}**" in item), item) for item in items]


@pytest.mark.parametrize("statement", STATEMENTS, ids=name)
def test_a_statement_is_judged_where_the_ledger_says(statement: dict[str, Any]) -> None:
    assert set(statement) <= {"says", "line", "question", "claim", "verdict"}
    question = BANK.get(statement["question"])
    verdict = statement["verdict"]
    if verdict == DEFINITION:
        return
    claim = statement["claim"]
    assert claim in [each.id for each in question.claims]
    link = f"(demo.py#{claim})"
    if verdict == "成立":  # then the claim itself may say so
        assert link in question.back
    else:
        found = [text for each, text in judgements(question.back) if each == verdict]
        assert any(link in text for text in found), f"{verdict} 的辨析里没有 {link}"


def test_most_statements_have_a_measurement() -> None:
    measured = [s for s in STATEMENTS if s["verdict"] != DEFINITION]
    assert len(measured) >= 90
    assert {s["verdict"] for s in measured} == set(VERDICTS)


@pytest.mark.skipif(not NOTES.exists(), reason="the notes are not part of this repository")
def test_every_line_of_the_notes_is_accounted_for() -> None:
    lines = {n for n, line in enumerate(NOTES.read_text("utf-8").split("\n"), 1) if line.strip()}
    told = {s["line"] for s in STATEMENTS}
    silent = {int(number) for number in LEDGER["silent"]}
    assert told | silent == lines
    assert not told & silent


COMPANIES = {
    "focal-loss": "字节",
    "center-loss": "字节",
    "optimizer-overview": "京东",
    "gd-vs-sgd": "京东",
    "adam-vs-sgd": "云从",
    "softmax-overflow": "旷世",
    "batch-norm-train-eval": "字节",
}


@pytest.mark.parametrize(("question", "company"), COMPANIES.items())
def test_the_companies_of_the_notes_are_kept(question: str, company: str) -> None:
    assert company in BANK.get(question).asked_by
