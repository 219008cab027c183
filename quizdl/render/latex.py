"""LaTeX read into a small tree of formula parts, which `linear` and `box` draw.

latex2mathml does the parsing; here its MathML is brought to what a terminal needs: brackets
are matched, operators classed, letters given the one shape a terminal font has.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from quizdl.render.cells import Align, cells
from quizdl.words import QuizdlError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


class MathError(QuizdlError):
    """A formula that cannot be shown. `latex` is its source, `str(error)` says why not."""

    def __init__(self, latex: str, key: str, /, **values: object) -> None:
        super().__init__(key, **values)
        self.latex = latex


# --- the tree ----------------------------------------------------------------------------

Kind = Literal[
    "ident",  # a letter, or anything that behaves like one
    "number",
    "word",  # log, softmax: set off by spaces, applied to what follows
    "text",  # \text{...}: brings its own spaces
    "rel",  # = ≤ ∈ →
    "bin",  # + − × ·
    "slash",
    "bar",  # | between two things, as in p(y|x)
    "punct",
    "prefix",  # unary minus, ∂, ∇
    "big",  # ∑ ∏ ∫
    "open",  # a bracket without its partner
    "close",
    "space",
    "frac",
    "fence",  # a bracketed group or a table
]


@dataclass(frozen=True, slots=True)
class Atom:
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Row:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Frac:
    over: Node
    under: Node
    bar: bool = True
    """False for the two storeys of a binomial."""


@dataclass(frozen=True, slots=True)
class Root:
    body: Node
    index: Node | None = None


@dataclass(frozen=True, slots=True)
class Script:
    base: Node
    sub: Node | None
    sup: Node | None
    limits: bool = False
    """Whether display style puts them below and above the base, as with ∑ and max."""


@dataclass(frozen=True, slots=True)
class Accent:
    body: Node
    mark: str
    """A combining character."""


@dataclass(frozen=True, slots=True)
class Brace:
    """A horizontal brace, with its label in the Script around it."""

    body: Node
    above: bool


@dataclass(frozen=True, slots=True)
class Fence:
    left: str
    body: Node
    right: str


@dataclass(frozen=True, slots=True)
class Table:
    rows: tuple[tuple[Node, ...], ...]
    aligns: tuple[Align, ...]
    tight: bool
    """Columns are the two sides of relations (aligned), not cells of a matrix."""


Node: TypeAlias = Atom | Row | Frac | Root | Script | Accent | Brace | Fence | Table

EMPTY = Row(())


def kind(node: Node) -> Kind:
    """What `node` counts as for the spacing around it."""
    match node:
        case Atom():
            return node.kind
        case Script() | Accent():
            inner = node.base if isinstance(node, Script) else node.body
            return kind(inner)
        case Frac():
            return "frac" if node.bar else "fence"
        case Fence() | Table():
            return "fence"
        case Row(items=(single,)):
            return kind(single)
        case _:
            return "ident"


def items(node: Node) -> tuple[Node, ...]:
    """The parts of a row; any other node is a row of itself."""
    return node.items if isinstance(node, Row) else (node,)


def is_compound(base: Node) -> bool:
    """Whether a script on `base` needs brackets to show how far it reaches."""
    parts = items(base)
    return len(parts) > 1 or any(isinstance(part, Frac | Root | Script) for part in parts)


def gap(left: Node, right: Node, compact: bool) -> int:
    """Spaces between two neighbours; `compact` is the style of scripts and limits."""
    a, b = kind(left), kind(right)
    if "space" in (a, b) or b == "punct":
        return 0
    if a == "punct":
        return 0 if compact or cells(_last(left)) == 2 else 1
    if {a, b} & {"rel", "bin"}:
        return 0 if compact else 1
    if a in ("open", "prefix") or b == "close" or {a, b} & {"slash", "bar"}:
        return 0
    if "text" in (a, b):
        return _text_gap(left, right)
    if a == "word":
        return 0 if b in ("fence", "open") else 1
    apart = a == "ident" and b == "number" and _last(left).isalpha()  # x 2 is not x2
    return 1 if b == "word" or "big" in (a, b) or apart else 0


def _last(node: Node) -> str:
    return node.text[-1:] if isinstance(node, Atom) else ""


def _text_gap(left: Node, right: Node) -> int:
    if isinstance(left, Atom) and left.kind == "text" and left.text.endswith(" "):
        return 0
    if isinstance(right, Atom) and right.kind == "text" and right.text[:1] in (" ", ""):
        return 0
    return 0 if kind(right) in ("fence", "open") else 1


# --- LaTeX that latex2mathml does not read as meant ---------------------------------------

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


# --- MathML to the tree -------------------------------------------------------------------

_RELATIONS = frozenset("=<>≤≥≠≈∼≃≅∝≡∈∉∋⊂⊆⊃⊇→←↔⇒⇐⇔↦≪≫≜≔⊥∥≺≻⟶⟵:↑↓↗↘∣")
_BINARY = frozenset("+−±∓×÷·⊙∘⊗⊕⊖∪∩∧∨∖*⋆•")
_PREFIX = frozenset("∂∇¬∀∃")
_BIG = frozenset("∑∏∐∫∬∭∮⋃⋂⨁⨂⨀⋁⋀")
_PAIRS = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "⌊": "⌋", "⌈": "⌉"}
_CLOSERS = frozenset(_PAIRS.values())
_BARS = frozenset("|‖")
_PRIMES = frozenset("′″‴")
# Operators whose limits stand below in display style, also where MathML has plain scripts.
_LIMITS = frozenset(
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


@lru_cache(maxsize=1024)
def read(latex: str) -> Node:
    """The tree of `latex`. Raises MathError for anything that could not be shown in full."""
    for char in latex:
        if unicodedata.category(char) == "Cc" and char not in "\n\r\t":
            raise MathError(latex, "render.math_stray", name=repr(char))
    _check_braces(latex)
    return _Reader(latex).root()


_DEEPEST = 40  # levels of nesting; no formula a person wrote has ten


class _Reader:
    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.depth = 0

    def fail(self, key: str, **values: object) -> MathError:
        return MathError(self.latex, key, **values)

    def root(self) -> Node:
        from latex2mathml.converter import convert_to_element

        source = _normalise(self.latex)
        if not source.strip():
            raise self.fail("render.math_empty")
        try:
            element = convert_to_element(source, display="block")
        except Exception as error:  # it raises a dozen unrelated types, IndexError among them
            raise self.fail("render.math_malformed", why=type(error).__name__) from error
        top = list(element)
        lines = _split_newlines(top[0] if len(top) == 1 and top[0].tag == "mrow" else top)
        rows = [row for line in lines if items(row := self.row(line))]
        if not rows:
            raise self.fail("render.math_empty")
        return rows[0] if len(rows) == 1 else Table(tuple((row,) for row in rows), ("left",), True)

    def row(self, elements: Iterable[Element]) -> Row:
        """Brackets matched, operators classed, empty parts dropped."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fail("render.math_deep")
        parts = [item for element in elements for item in items(self.node(element))]
        self.depth -= 1
        parts = _words(parts)
        parts = _brackets(_bars(parts))
        return Row(tuple(_signs(_trim(parts))))

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
        text = _letters(text, element.get("mathvariant", ""))
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
            isinstance(base, Atom) and base.text.replace(" ", "") in _LIMITS
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


def _letters(text: str, variant: str) -> str:
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
        (_BARS, "bar"),
        (frozenset(",;.，；。、"), "punct"),
        (frozenset("/"), "slash"),
    ]
    found = next((kind_ for chars, kind_ in classes if text in chars), None)
    if found:
        return found
    return "text" if cells(text) == 2 else "ident"


def _words(parts: list[Node]) -> list[Node]:
    """Upright letters in a row are one name (\\mathrm{ReLU}), Chinese characters one text,
    `:` and `=` one sign."""
    merged: list[Node] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, Atom) and isinstance(last, Atom):
            both = last.kind, part.kind
            upright = both == ("word", "word") and len(part.text) == 1
            chinese = both == ("text", "text")
            if upright or chinese or last.text + part.text in (":=", "=:"):
                merged[-1] = replace(last, text=last.text + part.text)
                continue
        merged.append(part)
    return [_single(part) for part in merged]


def _single(part: Node) -> Node:
    """One upright letter is a letter, not a name: \\mathrm{d}x."""
    if isinstance(part, Atom) and part.kind == "word" and len(part.text) == 1:
        return Atom(part.text, "ident")
    return part


def _bars(parts: list[Node]) -> list[Node]:
    """|x| and ‖x‖ made groups: an even number of bars at one bracket level pairs up."""
    out = parts
    for bar in sorted(_BARS):
        out = _pair_bars(out, bar)
    return out


def _pair_bars(parts: list[Node], bar: str) -> list[Node]:
    depth = 0
    levels: dict[int, list[int]] = {}
    pairs: list[tuple[int, int]] = []
    for index, part in enumerate(parts):
        core = _core(part)
        if isinstance(core, Atom) and core.kind == "open":
            depth += 1
            levels[depth] = []
        elif isinstance(core, Atom) and core.kind == "close":
            pairs += _even(levels.pop(depth, []))
            depth -= 1
        elif isinstance(core, Atom) and core.text == bar and core.kind == "bar":
            levels.setdefault(depth, []).append(index)
    for found in levels.values():
        pairs += _even(found)
    for left, right in sorted(pairs):
        parts = [*parts]
        parts[left] = _relabel(parts[left], "open")
        parts[right] = _relabel(parts[right], "close")
    return parts


def _even(found: list[int]) -> list[tuple[int, int]]:
    return list(zip(found[::2], found[1::2], strict=True)) if len(found) % 2 == 0 else []


def _core(part: Node) -> Node:
    return part.base if isinstance(part, Script) else part


def _relabel(part: Node, kind_: Kind) -> Node:
    if isinstance(part, Script):
        return replace(part, base=_relabel(part.base, kind_))
    assert isinstance(part, Atom)
    return replace(part, kind=kind_)


def _brackets(parts: list[Node]) -> list[Node]:
    """Each opening bracket with its closing one and all between made a Fence. Half-open
    intervals pair too; scripts on the closing bracket move to the whole group."""
    stack: list[list[Node]] = [[]]
    for part in parts:
        core = _core(part)
        if core is part and isinstance(core, Atom) and core.kind == "open":
            stack.append([part])
        elif isinstance(core, Atom) and core.kind == "close" and len(stack) > 1:
            left, *inner = stack.pop()
            assert isinstance(left, Atom)
            group: Node = Fence(left.text, Row(tuple(_signs(_trim(inner)))), core.text)
            stack[-1].append(replace(part, base=group) if isinstance(part, Script) else group)
        else:
            stack[-1].append(part)
    while len(stack) > 1:
        unmatched = stack.pop()
        stack[-1].extend(unmatched)
    return stack[0]


def _trim(parts: list[Node]) -> list[Node]:
    while parts and kind(parts[0]) == "space":
        parts = parts[1:]
    while parts and kind(parts[-1]) == "space":
        parts = parts[:-1]
    return parts


def _signs(parts: list[Node]) -> list[Node]:
    """A sign with nothing to its left is a prefix; a binary operator that ends a row or is
    alone (the `*` of θ*) is a letter."""
    out: list[Node] = []
    for index, part in enumerate(parts):
        if isinstance(part, Atom) and part.kind == "bin":
            before = next((kind(node) for node in reversed(out) if kind(node) != "space"), None)
            if index == len(parts) - 1:
                part = replace(part, kind="ident" if before is None else "bin")
            elif before in (None, "rel", "bin", "punct", "open", "big", "slash", "bar"):
                part = replace(part, kind="prefix")
        out.append(part)
    return out
