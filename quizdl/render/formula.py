"""A formula as a tree of parts, which `linear` and `box` draw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from quizdl.render.cells import Align, cells
from quizdl.words import QuizdlError


class MathError(QuizdlError):
    """A formula that cannot be shown. `latex` is its source, `str(error)` says why not."""

    def __init__(self, latex: str, key: str, /, **values: object) -> None:
        super().__init__(key, **values)
        self.latex = latex


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


# --- parts to a row -----------------------------------------------------------------------

BARS = frozenset("|‖")
"""Brackets that look the same on both sides."""


def row_of(parts: list[Node]) -> Row:
    """The row that `parts`, each classed by itself, make together: letters joined to names,
    brackets and bars matched, signs told from operators."""
    parts = _brackets(_bars(_words(parts)))
    return Row(tuple(_signs(_trim(parts))))


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
    for bar in sorted(BARS):
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
