"""A formula in two dimensions: fractions with bars, stretched brackets, stacked limits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from quizdl.render.cells import Align, cells, pad
from quizdl.render.formula import (
    Accent,
    Atom,
    Brace,
    Fence,
    Frac,
    Node,
    Root,
    Row,
    Script,
    Table,
    gap,
    is_compound,
    items,
    kind,
)
from quizdl.render.latex import read
from quizdl.render.linear import accented, linear, scripts
from quizdl.render.text import Span, plain, wrap

_LONGEST_SCRIPT = 3  # longer ones are raised or lowered for real
_COLUMN_GAP = 2
_CONTINUED = 4


class Box(NamedTuple):
    """Lines of equal width in cells; `baseline` is the index of the one the neighbours of
    this box stand on."""

    lines: tuple[str, ...]
    baseline: int = 0

    @property
    def width(self) -> int:
        return cells(self.lines[0])

    @property
    def height(self) -> int:
        return len(self.lines)


@lru_cache(maxsize=512)
def math_box(latex: str) -> Box:
    """`latex` drawn as in a displayed formula. Raises MathError."""
    return _draw(read(latex), display=True)


@lru_cache(maxsize=512)
def math_block(latex: str, width: int) -> tuple[str, ...]:
    """`latex` as lines of at most `width` cells. A formula that is too wide goes on in
    further rows, each beginning with a relation or an operator; if that does not help it is
    written on one line and wrapped. Raises MathError."""
    box = math_box(latex)
    if box.width <= width:
        return tuple(line.rstrip() for line in box.lines)
    lines: list[str] = []
    for index, row in enumerate(_top_rows(read(latex))):
        rows = _broken(row, width)
        if index and lines[-1] and any(part.height > 1 for part in rows):
            lines.append("")
        for number, part in enumerate(rows):
            if number and part.height > 1 and rows[number - 1].height > 1:
                lines.append("")
            lines += [line.rstrip() for line in part.lines]
    return tuple(lines)


# --- breaking ----------------------------------------------------------------------------


def _top_rows(node: Node) -> list[tuple[Node, ...]]:
    parts = items(node)
    if len(parts) == 1 and isinstance(parts[0], Table) and parts[0].tight:
        return [tuple(item for cell in row for item in items(cell)) for row in parts[0].rows]
    return [parts]


def _broken(parts: tuple[Node, ...], width: int) -> list[Box]:
    """One row as rows that fit: first between formulas set apart by \\quad, then before
    relations, then before operators, last as plain text."""
    if _width(parts) <= width:
        return [_row(parts, display=True)]
    first, rest = _clause(parts)
    if rest:
        while rest:  # as many formulas as fit beside the first
            more, later = _clause(rest)
            if _width(joined := (*first, _QUAD, *more)) > width:
                break
            first, rest = joined, later
        return [*_broken(first, width), *(_broken(rest, width) if rest else ())]
    for breakers in ({"rel"}, {"rel", "bin"}):
        rows = _fill(_pieces(parts, breakers), width)
        if rows is not None:
            return rows
    return _as_text(parts, width)


_QUAD = Atom("  ", "space")


def _clause(parts: tuple[Node, ...]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """The formula before the first wide space, and what comes after it."""
    for index, part in enumerate(parts):
        if isinstance(part, Atom) and part.kind == "space" and len(part.text) >= len(_QUAD.text):
            return parts[:index], parts[index + 1 :]
    return parts, ()


def _as_text(parts: tuple[Node, ...], width: int) -> list[Box]:
    text = linear(Row(parts))
    first, *rest = plain(wrap([Span(text, "math")], width)).split("\n")
    if rest:
        tail = Span(text[len(first) :].lstrip(), "math")
        rest = [f"  {line}" for line in plain(wrap([tail], max(1, width - 2))).split("\n")]
    return [Box((line,)) for line in (first, *rest)]


def _pieces(parts: tuple[Node, ...], breakers: set[str]) -> list[tuple[Node, ...]]:
    pieces: list[tuple[Node, ...]] = []
    start = 0
    for index in range(1, len(parts)):
        if kind(parts[index]) in breakers and index > start:
            pieces.append(parts[start:index])
            start = index
    return [*pieces, parts[start:]]


def _fill(pieces: Sequence[tuple[Node, ...]], width: int) -> list[Box] | None:
    """The pieces set in as few rows as hold them; None when one piece alone is too wide."""
    rows: list[Box] = []
    current: tuple[Node, ...] = ()
    for piece in pieces:
        indent = _CONTINUED if rows else 0
        if current and _width(current + piece) + indent > width:
            rows.append(_indented(current, indent))
            current, indent = (), _CONTINUED
        current += piece
        if _width(current) + indent > width:
            return None
    return [*rows, _indented(current, _CONTINUED if rows else 0)]


def _width(parts: tuple[Node, ...]) -> int:
    return _row(parts, display=True).width


def _indented(parts: tuple[Node, ...], indent: int) -> Box:
    return _beside([_blank(indent), _row(parts, display=True)])


# --- drawing -----------------------------------------------------------------------------


def _draw(node: Node, display: bool) -> Box:
    """`display` is False inside fractions, where limits that have small letters use them."""
    match node:
        case Atom():
            return Box((node.text,))
        case Row():
            return _row(node.items, display)
        case Frac():
            return _fraction(node)
        case Root():
            return _root(node, display)
        case Script():
            return _script(node, display)
        case Accent():
            return _accent(node, display)
        case Brace():
            return _brace(node, display)
        case Fence():
            return _fence(node, display)
        case Table():
            return _table(node)


def _row(parts: Sequence[Node], display: bool) -> Box:
    boxes: list[Box] = []
    for index, part in enumerate(parts):
        box = _draw(part, display)
        if index:
            before = parts[index - 1]
            space = gap(before, part, compact=False)
            if not space and _crowded(before, boxes[-1], part):
                space = 1
            boxes.append(_blank(space))
        boxes.append(box)
    return _beside(boxes)


def _crowded(before: Node, box: Box, part: Node) -> bool:
    """Whether a bar or a stretched bracket would touch its neighbour."""
    a, b = kind(before), kind(part)
    if "space" in (a, b) or a == "open" or b in ("close", "punct"):
        return False
    stretched = a == "fence" and box.height > 1 and not isinstance(before, Script)
    return stretched or "frac" in (a, b)


def _fraction(node: Frac) -> Box:
    over = _draw(node.over, display=False)
    under = _draw(node.under, display=False)
    width = max(over.width, under.width)
    # a bar over or under another bar of the same length could not be told from it
    if any(isinstance(part, Frac) for side in (node.over, node.under) for part in items(side)):
        width += 2
    bar = ("─" * width,) if node.bar else ()
    lines = (*_centred(over, width), *bar, *_centred(under, width))
    return Box(lines, over.height if node.bar else over.height - 1)


def _root(node: Root, display: bool) -> Box:
    body = _draw(node.body, display)
    index = "" if node.index is None else scripts(None, node.index, _LONGEST_SCRIPT)
    if index is None and node.index is not None:
        index = linear(node.index, compact=True)
    room = " " * max(0, cells(index or "") - 1)
    if body.height == 1:
        if body.width <= 2 and len(items(node.body)) == 1:
            return Box((f"{index}√{body.lines[0]}",))
        empty = " " * cells(index or "")
        return Box((f"{empty} {'_' * body.width}", f"{index}√{body.lines[0]}"), 1)
    if _has_outer_bar(node.body):
        body = _beside([_blank(1), body])
    stem = [f"{room} │{line}" for line in body.lines[:-1]] + [f"{room}╲│{body.lines[-1]}"]
    if index:
        stem[-2] = index + stem[-2][len(room) + 1 :]
    return Box((f"{room} ┌{'─' * body.width}", *stem), body.baseline + 1)


def _script(node: Script, display: bool) -> Box:
    base = _draw(node.base, display)
    if isinstance(node.base, Brace) or (
        node.limits and (display or scripts(node.sub, node.sup, _LONGEST_SCRIPT) is None)
    ):
        return _stacked(node, base)
    if is_compound(node.base):
        base = _wrapped("(", base, ")")
    small, sub, sup = _sized(node)
    if base.height > 2:
        return _beside_tall(base, node)
    height, start = base.height, base.width
    width = max([cells(small), *(part.width for part in (sub, sup) if part)])
    above = tuple(" " * start + pad(line, width) for line in sup.lines) if sup else ()
    below = tuple(" " * start + pad(line, width) for line in sub.lines) if sub else ()
    right = [""] * height
    right[0 if sup is None and height > 1 else base.baseline] = small
    middle = tuple(line + pad(text, width) for line, text in zip(base.lines, right, strict=True))
    return Box((*above, *middle, *below), len(above) + base.baseline)


def _sized(node: Script) -> tuple[str, Box | None, Box | None]:
    """The scripts that Unicode has small letters for, and those to be lowered and raised."""
    both = scripts(node.sub, node.sup, _LONGEST_SCRIPT)
    if both is not None:
        return both, None, None
    low = scripts(node.sub, None, _LONGEST_SCRIPT) if node.sub else None
    high = scripts(None, node.sup, _LONGEST_SCRIPT) if node.sup else None
    sub = _small(node.sub) if node.sub and low is None else None
    sup = _small(node.sup) if node.sup and high is None else None
    return (low or "") + (high or ""), sub, sup


def _beside_tall(base: Box, node: Script) -> Box:
    """Scripts at the upper and lower right corners of a base of three lines or more."""
    high = _corner(None, node.sup) if node.sup else _blank(0)
    low = _corner(node.sub, None) if node.sub else _blank(0)
    width = max(high.width, low.width)
    right = [*high.lines, *[""] * (base.height - 2), *low.lines]
    rows = high.height - 1, low.height - 1
    empty = (" " * base.width,)
    lines = empty * rows[0] + base.lines + empty * rows[1]
    joined = (line + pad(text, width) for line, text in zip(lines, right, strict=True))
    return Box(tuple(joined), rows[0] + base.baseline)


def _corner(sub: Node | None, sup: Node | None) -> Box:
    small = scripts(sub, sup, _LONGEST_SCRIPT)
    part = sub or sup
    assert part is not None
    return Box((small,)) if small is not None else _small(part)


def _small(node: Node) -> Box:
    """A script or a limit: on one line, unless its author stacked it (\\substack)."""
    if any(isinstance(part, Table) for part in items(node)):
        return _draw(node, display=False)
    return Box((linear(node, compact=True),))


def _stacked(node: Script, base: Box) -> Box:
    over = _small(node.sup) if node.sup else None
    under = _small(node.sub) if node.sub else None
    width = max(part.width for part in (base, over, under) if part)
    above = _centred(over, width) if over else ()
    below = _centred(under, width) if under else ()
    return Box((*above, *_centred(base, width), *below), len(above) + base.baseline)


def _accent(node: Accent, display: bool) -> Box:
    body = _draw(node.body, display)
    if body.height == 1 and (one := accented(body.lines[0], node.mark)):
        return Box((one,))
    if node.mark == "\u0332":
        return Box((*body.lines, "‾" * body.width), body.baseline)
    line = node.mark in ("\u0304", "\u0305")
    row = "_" * body.width if line else pad(_SPACING.get(node.mark, "^"), body.width, "center")
    return Box((row, *body.lines), body.baseline + 1)


_SPACING = {"\u0303": "~", "\u20d7": "→", "\u0307": "·"}


def _brace(node: Brace, display: bool) -> Box:
    body = _draw(node.body, display)
    width = max(3, body.width)
    left = (width - 3) // 2
    ends = "╭┴╮" if node.above else "╰┬╯"
    row = ends[0] + "─" * left + ends[1] + "─" * (width - 3 - left) + ends[2]
    lines = _centred(body, width)
    if node.above:
        return Box((row, *lines), body.baseline + 1)
    return Box((*lines, row), body.baseline)


# --- brackets ----------------------------------------------------------------------------

_STRETCHED = {  # top, middle, bottom; box drawing joins without gaps in every font
    "(": "╭│╰",
    ")": "╮│╯",
    "[": "┌│└",
    "]": "┐│┘",
    "⌈": "┌││",
    "⌉": "┐││",
    "⌊": "││└",
    "⌋": "││┘",
    "{": "╭│╰",
    "}": "╮│╯",
    "|": "│││",
    "‖": "║║║",
}
_TICK = {"{": "┤", "}": "├"}


def _fence(node: Fence, display: bool) -> Box:
    body = _draw(node.body, display)
    if not _is_tall(node.body, display):
        return _beside(
            [
                Box((side,)) if isinstance(side, str) else side
                for side in (node.left, body, node.right)
                if side
            ]
        )
    table = next((part for part in items(node.body) if isinstance(part, Table)), None)
    if table and body.height == 2 and "{" in (node.left, node.right):
        body = Box((body.lines[0], " " * body.width, body.lines[1]), 1)
    return _wrapped(node.left, body, node.right)


def _is_tall(node: Node, display: bool) -> bool:
    """Whether brackets around `node` stretch: scripts alone do not make them."""
    match node:
        case Row():
            return any(_is_tall(part, display) for part in node.items)
        case Script():
            stacked = node.limits and (
                display or scripts(node.sub, node.sup, _LONGEST_SCRIPT) is None
            )
            return stacked or isinstance(node.base, Brace) or _is_tall(node.base, display)
        case Root() | Accent() | Fence():
            return _is_tall(node.body, display)
        case _:
            return not isinstance(node, Atom)


def _has_outer_bar(node: Node) -> bool:
    """Whether a bar would touch what stands to the left of `node`."""
    parts = items(node)
    return bool(parts) and kind(parts[0]) == "frac"


def _wrapped(left: str, body: Box, right: str) -> Box:
    room = _blank(1 if body.height > 1 else 0)
    sides = [_bracket(left, body), room, body, room, _bracket(right, body)]
    if not left:
        sides = sides[2:]
    return _beside(sides if right else sides[:-2])


def _bracket(char: str, body: Box) -> Box:
    if body.height == 1:
        return Box((char,))
    shape = _STRETCHED.get(char)
    if shape is None:
        rows = [" "] * body.height
        rows[body.baseline] = char
    else:
        rows = [shape[0], *[shape[1]] * (body.height - 2), shape[2]]
        if char in _TICK and body.height > 2:
            rows[min(max(body.baseline, 1), body.height - 2)] = _TICK[char]
    return Box(tuple(rows), body.baseline)


# --- tables ------------------------------------------------------------------------------


def _table(node: Table) -> Box:
    grid = [[_draw(cell, display=True) for cell in row] for row in node.rows]
    widths = [max(box.width for box in column) for column in zip(*grid, strict=True)]
    rows = [
        _table_row(node, row, boxes, widths) for row, boxes in zip(node.rows, grid, strict=True)
    ]
    tall = any(row.height > 1 for row in rows)
    lines: list[str] = []
    for row in rows:
        if lines and tall:
            lines.append(" " * row.width)
        lines += row.lines
    middle = len(rows) // 2 if len(rows) % 2 else None
    if middle is not None:
        before = sum(row.height + tall for row in rows[:middle])
        return Box(tuple(lines), before + rows[middle].baseline)
    return Box(tuple(lines), (len(lines) - 1) // 2)


def _table_row(
    node: Table, row: tuple[Node, ...], boxes: Sequence[Box], widths: Sequence[int]
) -> Box:
    parts: list[Box] = []
    for column, (box, width, align) in enumerate(zip(boxes, widths, node.aligns, strict=True)):
        if column:
            # in aligned, an odd column begins with the relation that belongs to the cell left
            joined = node.tight and column % 2
            parts.append(_blank(_sides(row[column - 1], row[column]) if joined else _COLUMN_GAP))
        lines = tuple(pad(line, width, align) for line in _even(box, align, width))
        parts.append(Box(lines, box.baseline))
    return _beside(parts)


def _even(box: Box, align: Align, width: int) -> tuple[str, ...]:
    """The lines of `box` set as one block, so that padding each keeps them together."""
    return (
        tuple(pad(line, box.width) for line in box.lines)
        if align != "center"
        else _centred(box, width)
    )


def _sides(left: Node, right: Node) -> int:
    return 1 if items(right) and kind(items(right)[0]) in ("rel", "bin") else 0


# --- putting boxes together --------------------------------------------------------------


def _blank(width: int) -> Box:
    return Box((" " * width,))


def _beside(boxes: Sequence[Box]) -> Box:
    """Boxes side by side, their baselines on one row."""
    if not boxes:
        return Box(("",))
    above = max(box.baseline for box in boxes)
    below = max(box.height - box.baseline for box in boxes)
    columns: list[tuple[str, ...]] = []
    for box in boxes:
        empty = " " * box.width
        top = (empty,) * (above - box.baseline)
        columns.append(top + box.lines + (empty,) * (below - box.height + box.baseline))
    return Box(tuple("".join(parts) for parts in zip(*columns, strict=True)), above)


def _centred(box: Box, width: int) -> tuple[str, ...]:
    left = (width - box.width) // 2
    right = width - box.width - left
    return tuple(" " * left + line + " " * right for line in box.lines)
