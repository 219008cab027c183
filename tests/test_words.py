"""Every text asked for exists, and every text that exists is asked for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import quizdl
from quizdl.words import QuizdlError, say
from quizdl.words.zh import DOCUMENTS, TEXT

EVERY = TEXT | DOCUMENTS

SOURCES = [p for p in Path(quizdl.__file__).parent.rglob("*.py") if "_content" not in p.parts]
CODE = {path: path.read_text("utf-8") for path in SOURCES if path.name != "zh.py"}


def mentions(key: str) -> re.Pattern[str]:
    """The key, or an f-string whose fixed parts it matches."""
    return re.compile(rf'["\']{re.escape(key)}["\']')


def patterns() -> list[re.Pattern[str]]:
    """What dotted f-strings in the code can become."""
    found = []
    for text in CODE.values():
        for body in re.findall(r'f"([\w.{}\'()\[\]:+ -]*\{[^"]*)"', text):
            if "." in body:
                pieces = re.split(r"\{[^{}]*\}", body)
                found.append(re.compile(r"[\w.]+".join(map(re.escape, pieces))))
    return found


def test_every_literal_key_exists() -> None:
    for path, text in CODE.items():
        for key in re.findall(r'\b(?:say|both|QuizdlError)\(\s*"([^"]+)"', text):
            assert key in TEXT, f"{path.name}: {key}"
        for key in re.findall(r'\bin_chinese\(\s*"([^"]+)"', text):
            assert key in EVERY, f"{path.name}: {key}"
    assert not TEXT.keys() & DOCUMENTS.keys()


CHINESE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
OF_CONTENT = {
    "bank/sections.py": "names of sections",
    "check/text.py": "names of sections",
    "cli/browse.py": "a company in an example",
    "cli/exporting.py": "a company in an example",
    "cli/interviewing.py": "a company and topics in examples",
    "cli/predicting.py": "what an input method types",
    "exchange/anki/notes.py": "a document",
    "exchange/sheets.py": "a document",
    "exchange/tables.py": "a document",
    "proof/predict.py": "what an input method types",
    "proof/run.py": "blanks",
    "render/answer.py": "terms of a question",
    "render/linear.py": "typography of any text",
    "render/mathml.py": "typography of any text",
    "render/svg.py": "a document",
    "render/text.py": "typography of any text",
    "search.py": "letters",
    "words/click_zh.py": "click in Chinese",
}
"""Where Chinese characters stand in the code, and why they need no translation."""


def test_no_chinese_is_said_by_the_code_itself() -> None:
    found = set()
    for path, text in CODE.items():
        tree = ast.parse(text)
        remarks = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            said = isinstance(node, ast.Constant) and id(node) not in remarks
            if said and CHINESE.search(str(node.value)):
                found.add(path.relative_to(Path(quizdl.__file__).parent).as_posix())
    assert found - OF_CONTENT.keys() == set()


def test_no_text_is_left_over() -> None:
    everything = "\n".join(CODE.values())
    dynamic = patterns()
    stems = set(
        re.findall(
            r'(?:complain|refuse|problem)\(\s*[^"()]*(?:\([^()]*\))?[^"()]*"(\w+)"', everything
        )
    )
    unused = [
        key
        for key in EVERY
        if not mentions(key).search(everything)
        and not any(pattern.fullmatch(key) for pattern in dynamic)
        and key.split(".")[1] not in stems
    ]
    assert unused == []


def test_an_error_is_its_text() -> None:
    assert str(QuizdlError("bank.empty", path="/x")) == say("bank.empty", path="/x")
    with pytest.raises(KeyError):
        say("no.such.key")
