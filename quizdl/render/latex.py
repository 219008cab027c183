"""LaTeX read into the tree of a formula.

latex2mathml does the parsing; what it does not read as meant is rewritten before.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from quizdl.render.formula import MathError, Node
from quizdl.render.mathml import tree

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ENVIRONMENTS = {
    "aligned": "split",
    "align": "split",
    "align*": "split",
    "alignat": "split",
    "split": "split",
    "gathered": "matrix",
    "gather": "matrix",
    "gather*": "matrix",
    "dcases": "cases",
    "cases": "cases",
    "equation": "",
    "equation*": "",
    **{name: name for name in ("array", "matrix", "pmatrix", "bmatrix", "Bmatrix")},
    **{name: name for name in ("vmatrix", "Vmatrix", "smallmatrix")},
}
_REWRITES = [
    (re.compile(r"\\(?:label\s*\{[^{}]*\}|nonumber|notag)(?![A-Za-z])"), ""),
    (re.compile(r"\\tag\*?\s*\{([^{}]*)\}"), r"\\qquad\\text{(\1)}"),
    (re.compile(r"\\\\\s*\[[^\]&\\]*\]"), r"\\\\ "),  # row spacing: \\[4pt]
    (re.compile(r"\\arg\s*\\(max|min)(?![A-Za-z])"), r"\\operatorname*{arg\1}"),
    (re.compile(r"\\arg(?![A-Za-z])"), r"\\operatorname{arg}"),
    (re.compile(r"\\not\s*="), r"\\ne "),
    (re.compile(r"\\(?:displaystyle|textstyle|hline)(?![A-Za-z])"), " "),
]
_OPERATOR_NAME = re.compile(r"(\\operatorname\*?\s*)\{([^{}]*)\}")
_NAME_SPACE = re.compile(r"\\[,;:! ]|~|\s+")
_TEXT = re.compile(r"\\(text|textrm|mbox)\s*\{([^{}]*\$[^{}]*)\}")
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([^{}]*)\}")


@lru_cache(maxsize=1024)
def read(latex: str) -> Node:
    """The tree of `latex`. Raises MathError for anything that could not be shown in full."""
    return tree(element(latex, display=True), latex)


def element(latex: str, display: bool) -> Element:
    """The `math` element that latex2mathml makes of `latex`; characters are still entities.
    Raises MathError for what cannot be parsed."""
    from latex2mathml.converter import convert_to_element

    for char in latex:
        if unicodedata.category(char) == "Cc" and char not in "\n\r\t":
            raise MathError(latex, "render.math_stray", name=repr(char))
    _check_braces(latex)
    source = _normalise(latex)
    if not source.strip():
        raise MathError(latex, "render.math_empty")
    try:
        return convert_to_element(source, display="block" if display else "inline")
    except Exception as error:  # it raises a dozen unrelated types, IndexError among them
        raise MathError(latex, "render.math_malformed", why=type(error).__name__) from error


def _normalise(latex: str) -> str:
    for pattern, replacement in _REWRITES:
        latex = pattern.sub(replacement, latex)
    latex = _OPERATOR_NAME.sub(lambda m: f"{m[1]}{{{_NAME_SPACE.sub('', m[2])}}}", latex)
    latex = _TEXT.sub(_split_text, latex)
    return _ENVIRONMENT.sub(lambda m: _environment(latex, m[1], m[2]), latex)


def _split_text(match: re.Match[str]) -> str:
    """`\\text{若 $x$ 为正}` has a formula inside: text, formula, text."""
    parts = match[2].split("$")
    return "".join(
        part if index % 2 else f"\\text{{{part}}}" for index, part in enumerate(parts) if part
    )


def _environment(latex: str, edge: str, name: str) -> str:
    if name not in _ENVIRONMENTS:
        raise MathError(latex, "render.math_environment", name=name)
    known = _ENVIRONMENTS[name]
    return f"\\{edge}{{{known}}}" if known else ""


def _check_braces(latex: str) -> None:
    depth = 0
    for brace in re.findall(r"\\.|[{}]", latex, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            break
    if depth:
        raise MathError(latex, "render.math_braces")
