"""MathML, as latex2mathml writes it, to the tree of a formula: characters are classed, letters
given the one shape a terminal font has."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from quizdl.render.cells import Align, cells
from quizdl.render.formula import (
    BARS,
    EMPTY,
    Accent,
    Atom,
    Brace,
    Fence,
    Frac,
    Kind,
    MathError,
    Node,
    Root,
    Row,
    Script,
    Table,
    items,
    kind,
    row_of,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_RELATIONS = frozenset("=<>≤≥≠≈∼≃≅∝≡∈∉∋⊂⊆⊃⊇→←↔⇒⇐⇔↦≪≫≜≔⊥∥≺≻⟶⟵:↑↓↗↘∣")
_BINARY = frozenset("+−±∓×÷·⊙∘⊗⊕⊖∪∩∧∨∖*⋆•")
_PREFIX = frozenset("∂∇¬∀∃")
_BIG = frozenset("∑∏∐∫∬∭∮⋃⋂⨁⨂⨀⋁⋀")
_PAIRS = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "⌊": "⌋", "⌈": "⌉"}
_CLOSERS = frozenset(_PAIRS.values())
# Operators whose limits stand below in display style, also where MathML has plain scripts.
LIMITS = frozenset(
    ("max", "min", "argmax", "argmin", "sup", "inf", "lim", "limsup", "liminf", *"∑∏∐⋃⋂")
)

_GLYPHS = str.maketrans(
    {
        "~": "∼",
        "ϵ": "ε",  # \epsilon and \varepsilon: one shape in terminals
        "ϕ": "φ",
        "⟂": "⊥",
        "⩽": "≤",
        "⩾": "≥",
        "⟺": "⇔",
        "⟹": "⇒",
        "⟸": "⇐",
        "⧵": "∖",
        "⋅": "·",
        "⊺": "⊤",
        "-": "−",
        "∗": "*",
        "\u00a0": " ",
        "\u2006": " ",
    }
)
_ACCENTS = {
    "^": "\u0302",
    "ˆ": "\u0302",
    "¯": "\u0304",
    "―": "\u0305",
    "‾": "\u0305",
    "∼": "\u0303",
    "˜": "\u0303",
    "˙": "\u0307",
    "¨": "\u0308",
    "→": "\u20d7",
    "´": "\u0301",
    "ˇ": "\u030c",
    "˘": "\u0306",
    "`": "\u0300",
    "˚": "\u030a",
}
_VARIANTS = {"bold": "BOLD", "bold-italic": "BOLD", "double-struck": "DOUBLE-STRUCK"} | {
    "script": "SCRIPT",
    "fraktur": "FRAKTUR",
}
_DEEPEST = 40  # levels of nesting; no formula a person wrote has ten


def tree(math: Element, latex: str) -> Node:
    """The formula of a `math` element. Raises MathError, naming its source `latex`, for
    anything that could not be shown in full."""
    return _Reader(latex).root(math)


class _Reader:
    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.depth = 0

    def fail(self, key: str, **values: object) -> MathError:
        return MathError(self.latex, key, **values)

    def root(self, math: Element) -> Node:
        top = list(math)
        lines = _split_newlines(top[0] if len(top) == 1 and top[0].tag == "mrow" else top)
        rows = [row for line in lines if items(row := self.row(line))]
        if not rows:
            raise self.fail("render.math_empty")
        return rows[0] if len(rows) == 1 else Table(tuple((row,) for row in rows), ("left",), True)

    def row(self, elements: Iterable[Element]) -> Row:
        """The row of some elements, empty ones dropped."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fail("render.math_deep")
        parts = [item for element in elements for item in items(self.node(element))]
        self.depth -= 1
        return row_of(parts)

    def node(self, element: Element) -> Node:
        tag = element.tag
        children = list(element)
        match tag:
            case "mi" | "mn" | "mo" | "mtext":
                return self.leaf(element)
            case "mrow" | "mstyle" | "mpadded" | "menclose":
                return self.group(element)
            case "mspace":
                return _space(element.get("width", ""))
            case "mphantom":
                return EMPTY
            case "mfrac":
                self.arity(children, 2)
                bar = element.get("linethickness") != "0"
                return Frac(self.row(children[:1]), self.row(children[1:]), bar)
            case "msqrt":
                return Root(self.row(children))
            case "mroot":
                self.arity(children, 2)
                return Root(self.row(children[:1]), self.row(children[1:]))
            case "msub" | "msup" | "msubsup" | "munder" | "mover" | "munderover":
                return self.scripts(tag, children)
            case "mtable":
                return self.table(element)
            case _:
                raise self.fail("render.math_unsupported", name=tag)

    def arity(self, children: Sequence[Element], count: int) -> None:
        if len(children) != count:
            raise self.fail("render.math_malformed", why="missing argument")

    def group(self, element: Element) -> Node:
        children = list(element)
        if element.tag == "menclose" and element.get("notation") != "box":
            raise self.fail("render.math_unsupported", name=element.get("notation"))
        if element.tag == "mpadded" and element.get("width") == "0":
            raise self.fail("render.math_unsupported", name="\\not")
        if len(children) > 1 and (left := _fence_edge(children[0])) is not None:
            right = _fence_edge(children[-1])
            inner = children[1:] if right is None else children[1:-1]
            return Fence(left, self.row(inner), right or "")
        inner_row = self.row(children)
        match inner_row.items:
            case (Atom(text=text, kind="punct" | "rel" | "bin"),):
                return Atom(text, "ident")  # 1{,}000 and {=}: braces take the spacing away
            case _:
                return inner_row

    def leaf(self, element: Element) -> Node:
        if list(element):  # \mathop, \mathrel: an operator made of parts
            inner = self.row(element)
            letters = "".join(item.text for item in inner.items if isinstance(item, Atom))
            if letters.isalpha():
                return Atom(letters, "word")
            if all(isinstance(item, Atom) and item.kind == "rel" for item in inner.items):
                return Atom(letters, "rel")
            return inner
        raw = html.unescape(element.text or "")
        if element.tag == "mtext":
            words = raw.replace("\u00a0", " ")
            letter = len(words) == 1 and words.isascii()  # \text{d}x
            return Atom(words, "ident" if letter else "text") if words else EMPTY
        text = raw.translate(_GLYPHS).strip()
        if not text:
            return EMPTY
        if text.startswith("\\"):
            raise self.fail("render.math_unknown", name=text)
        if text in "&{}$" and element.tag == "mi":
            raise self.fail("render.math_stray", name=text)
        text = shaped(text, element.get("mathvariant", ""))
        if element.tag == "mn":
            return Atom(text, "number")
        if element.tag == "mi" and element.get("mathvariant") == "normal":
            return Atom(text, "word")
        return Atom("|", "rel") if text == "∣" else Atom(text, _class(text))

    def scripts(self, tag: str, children: list[Element]) -> Node:
        self.arity(children, 3 if tag in ("msubsup", "munderover") else 2)
        base = self.node(children[0])
        first = children[1]
        if tag in ("munder", "mover"):
            mark = html.unescape(first.text or "").translate(_GLYPHS) if first.tag == "mo" else ""
            if mark in ("⏟", "⏞"):
                return Brace(base, above=mark == "⏞")
            if tag == "mover" and mark in _ACCENTS and kind(base) not in ("rel", "bin"):
                return Accent(base, _ACCENTS[mark])
            if tag == "munder" and mark in ("―", "‾"):
                return Accent(base, "\u0332")
        parts = [self.row([child]) for child in children[1:]]
        over_first = tag in ("msup", "mover")
        sub = None if over_first else parts[0]
        sup = parts[-1] if over_first or len(parts) == 2 else None
        limits = tag.startswith(("munder", "mover")) or (
            isinstance(base, Atom) and base.text.replace(" ", "") in LIMITS
        )
        return Script(base, sub, sup, limits)

    def table(self, element: Element) -> Node:
        rows: list[tuple[Node, ...]] = []
        aligns: tuple[Align, ...] = ()
        for line in element:
            columns = list(line)
            rows.append(tuple(self.row(column) for column in columns))
            if len(columns) > len(aligns):
                aligns = tuple(_align(column.get("columnalign")) for column in columns)
        tight = (element.get("columnspacing") or "").startswith("0em")
        if tight:
            rows = [_carried_on(row) for row in rows]
        count = len(aligns)
        full = tuple(row + (EMPTY,) * (count - len(row)) for row in rows if any(map(items, row)))
        return Table(full, aligns, tight) if full else EMPTY


def _carried_on(row: tuple[Node, ...]) -> tuple[Node, ...]:
    """In `&+ b` the sign joins `b` to the row above: it is an operator, not the sign of b."""
    if len(row) < 2 or items(row[0]) or not items(row[1]):
        return row
    first, *rest = items(row[1])
    if isinstance(first, Atom) and first.kind == "prefix" and first.text in _BINARY:
        first = replace(first, kind="bin")
    return (row[0], Row((first, *rest)), *row[2:])


def _align(name: str | None) -> Align:
    return "left" if name == "left" else "right" if name == "right" else "center"


def _fence_edge(element: Element) -> str | None:
    """The character of a \\left or \\right delimiter ("" for `.`), None for anything else."""
    if element.tag != "mo" or element.get("form") not in ("prefix", "postfix"):
        return None
    return html.unescape(element.text or "").translate(_GLYPHS)


def _split_newlines(elements: Iterable[Element]) -> list[list[Element]]:
    lines: list[list[Element]] = [[]]
    for element in elements:
        if element.tag == "mspace" and element.get("linebreak") == "newline":
            lines.append([])
        else:
            lines[-1].append(element)
    return [line for line in lines if line] or [[]]


def _space(width: str) -> Node:
    match = re.fullmatch(r"(-?[\d.]+)em", width)
    size = float(match[1]) if match else 0.0
    return Atom(" " * max(1, round(2 * size)), "space") if size > 0 else EMPTY


def shaped(text: str, variant: str) -> str:
    """Bold, double-struck, script and fraktur as the Unicode letters a terminal can show;
    every slanted or sans shape as the plain letter."""
    if variant in _VARIANTS:
        return "".join(_styled(char, _VARIANTS[variant]) for char in text)
    out = []
    for char in text:
        name = unicodedata.name(char, "")
        plain = "MATHEMATICAL" in name and any(
            shape in name for shape in ("ITALIC", "SANS-SERIF", "MONOSPACE")
        )
        if plain and "BOLD" in name:
            base = unicodedata.normalize("NFKC", char)
            out.append(_styled(base, "BOLD"))
        else:
            out.append(unicodedata.normalize("NFKC", char) if plain else char)
    return "".join(out)


def _styled(char: str, style: str) -> str:
    name = unicodedata.name(char, "")
    for prefix in ("LATIN ", "GREEK "):
        name = name.removeprefix(prefix)
    name = name.replace("CAPITAL LETTER", "CAPITAL").replace("SMALL LETTER", "SMALL")
    for candidate in (f"MATHEMATICAL {style} {name}", f"{style} {name}"):
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return char


def _class(text: str) -> Kind:
    if len(text) > 1 and text[0].isalpha():
        return "word"
    classes: list[tuple[frozenset[str], Kind]] = [
        (_RELATIONS, "rel"),
        (_BINARY, "bin"),
        (_PREFIX, "prefix"),
        (_BIG, "big"),
        (frozenset(_PAIRS), "open"),
        (_CLOSERS, "close"),
        (BARS, "bar"),
        (frozenset(",;.，；。、"), "punct"),
        (frozenset("/"), "slash"),
    ]
    found = next((kind_ for chars, kind_ in classes if text in chars), None)
    if found:
        return found
    return "text" if cells(text) == 2 else "ident"
