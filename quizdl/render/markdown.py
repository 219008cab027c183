"""Markdown to a tree of blocks, and the tree to lines of a given width.

Parsing is done once per text and remembered; a new width or new marks only lay out again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from quizdl.render.box import math_block
from quizdl.render.cells import Align, cells
from quizdl.render.code import code_lines
from quizdl.render.formula import MathError
from quizdl.render.latex import read
from quizdl.render.linear import math_line
from quizdl.render.table import table
from quizdl.render.text import Line, Span, join, merge, wrap
from quizdl.words import in_chinese, say

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

_INDENT = 2  # of code and formulas
_NARROWEST = 8  # cells; a nested block that would get less gives up its indentation
_BULLETS = "•◦▪"
_HEADING = "▌ "
_HEADINGS = ("heading", "heading2", "heading3")
_CLAIM = re.compile(r"(?:\./)?demo\.py#(\w+)")
_QUESTION = re.compile(r"([^/]+)/question\.md$")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_LEFTOVER = re.compile(r"\\[A-Za-z]+|\$[^$\n]+\$")


# --- blocks ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: Line
    level: int = 0
    """Of a heading, 1 to 6; 0 for plain text."""


@dataclass(frozen=True, slots=True)
class Formula:
    latex: str


@dataclass(frozen=True, slots=True)
class Code:
    source: str
    language: str


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[tuple[Block, ...], ...]
    start: int | None
    """Number of the first item; None for bullets."""
    tight: bool


@dataclass(frozen=True, slots=True)
class Grid:
    header: tuple[Line, ...]
    rows: tuple[tuple[Line, ...], ...]
    aligns: tuple[Align, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    pass


Block: TypeAlias = Paragraph | Formula | Code | Quote | Listing | Grid | Rule


# --- reading -----------------------------------------------------------------------------


def new_parser() -> MarkdownIt:
    """Of what Markdown means here: CommonMark without HTML, with tables and formulas."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return parser.use(dollarmath_plugin, allow_space=False, allow_labels=False, double_inline=True)


@lru_cache(maxsize=2)
def _parser(escapes: bool = False) -> MarkdownIt:
    """`escapes` leaves escaped characters (`\\$`) as tokens of their own."""
    return new_parser().disable("text_join") if escapes else new_parser()


@lru_cache(maxsize=64)
def parse(markdown: str) -> tuple[Block, ...]:
    """The blocks of `markdown`. Any text is valid Markdown; a formula that cannot be read
    comes out as its source in style `code`."""
    from markdown_it.tree import SyntaxTreeNode

    tokens = _parser().parse(markdown)
    return _blocks(SyntaxTreeNode(tokens).children)


@lru_cache(maxsize=256)
def inline(markdown: str) -> Line:
    """One sentence of Markdown (emphasis, code, formulas, links) as one line of spans."""
    from markdown_it.tree import SyntaxTreeNode

    return _text(SyntaxTreeNode(_parser().parseInline(markdown)), "")


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> tuple[Block, ...]:
    return tuple(block for node in nodes for block in _block(node))


def _block(node: SyntaxTreeNode) -> Iterator[Block]:
    match node.type:
        case "paragraph":
            yield from _paragraph(node)
        case "heading":
            level = int(node.tag[1:])
            yield Paragraph(_text(node, _HEADINGS[min(level, 3) - 1]), level)
        case "math_block":
            yield _formula(node.content)
        case "fence" | "code_block":
            yield Code(node.content, (node.info.split() or [""])[0] if node.info else "")
        case "blockquote":
            yield Quote(_blocks(node.children))
        case "bullet_list" | "ordered_list":
            start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
            tight = all(
                part.hidden
                for item in node.children
                for part in item.children
                if part.type == "paragraph"
            )
            yield Listing(tuple(_blocks(item.children) for item in node.children), start, tight)
        case "table":
            yield _grid(node)
        case "hr":
            yield Rule()
        case _:
            yield Paragraph((Span(node.content),))


def _formula(latex: str) -> Block:
    try:
        read(latex)
    except MathError:
        return Code(latex.strip(), "")
    return Formula(latex)


def _paragraph(node: SyntaxTreeNode) -> Iterator[Block]:
    """One paragraph, or several when $$...$$ stands between lines of its text."""
    spans: list[Span] = []
    for span in _text(node, ""):
        if span.style == "display":
            if any(part.text.strip() for part in spans):
                yield Paragraph(tuple(spans))
            yield _formula(span.text)
            spans = []
        else:
            spans.append(span)
    if any(part.text.strip() for part in spans):
        yield Paragraph(tuple(spans))


def _grid(node: SyntaxTreeNode) -> Grid:
    lines = [row for part in node.children for row in part.children]
    header, *rows = [tuple(_text(cell, "") for cell in line.children) for line in lines]
    aligns = tuple(_align(str(cell.attrs.get("style", ""))) for cell in lines[0].children)
    return Grid(header, tuple(rows), aligns)


def _align(style: str) -> Align:
    return "right" if "right" in style else "center" if "center" in style else "left"


def _text(node: SyntaxTreeNode, style: str) -> Line:
    children = node.children[0].children if node.children else []
    spans: list[Span] = []
    for span in _inlines(children, style, ""):
        text = span.text
        if text == "\v":  # a line break in the source, decided by what it stands between
            spans.append(span)
            continue
        if spans and spans[-1].text == "\v":
            broken = spans.pop()
            before = spans[-1] if spans else Span("")
            alone = before.text in ("", "\n") or "display" in (before.style, span.style)
            glue = "" if alone else join(before.text, text)
            spans.append(broken._replace(text=glue))
        spans.append(span)
    return merge(span for span in spans if span.text != "\v")


def _inlines(nodes: Iterable[SyntaxTreeNode], style: str, link: str) -> Iterator[Span]:
    for node in nodes:
        match node.type:
            case "text":
                yield Span(node.content, style, link)
            case "softbreak":
                yield Span("\v", style, link)
            case "hardbreak":
                yield Span("\n")
            case "code_inline":
                yield Span(node.content, _and(style, "code"), link)
            case "math_inline":
                yield _inline_math(node.content, style, link)
            case "math_inline_double":
                display = (
                    node.parent and node.parent.parent and (node.parent.parent.type == "paragraph")
                )
                if display:
                    yield Span(node.content, "display")
                else:
                    yield _inline_math(node.content, style, link)
            case "strong":
                yield from _inlines(node.children, _strong(node, style), link)
            case "em":
                yield from _inlines(node.children, _and(style, "em"), link)
            case "s":
                yield from _inlines(node.children, _and(style, "strike"), link)
            case "link":
                yield from _link(node, style)
            case "image":
                text = say("render.image", text=node.content)
                yield Span(text, _and(style, "em"), str(node.attrs.get("src", "")))
            case _:
                yield Span(node.content, style, link)


def _and(style: str, more: str) -> str:
    return f"{style} {more}".strip()


def _strong(node: SyntaxTreeNode, style: str) -> str:
    """**成立** and the other verdicts on a statement have a colour of their own."""
    text = "".join(child.content for child in node.children)
    for verdict in ("true", "part", "loose", "false"):
        if text == in_chinese(f"render.verdict_{verdict}"):
            return _and(style, f"strong verdict.{verdict}")
    return _and(style, "strong")


def _inline_math(latex: str, style: str, link: str) -> Span:
    try:
        return Span(math_line(latex), _and(style, "math"), link)
    except MathError:
        return Span(f"${latex}$", _and(style, "code"), link)


def _link(node: SyntaxTreeNode, style: str) -> Iterator[Span]:
    target = str(node.attrs.get("href", ""))
    if claim := _CLAIM.fullmatch(target):
        yield from _inlines(node.children, _and(style, "claim"), f"demo.py#{claim[1]}")
        return
    spans = list(_inlines(node.children, _and(style, "link"), target))
    yield from spans
    words = "".join(span.text for span in spans)
    if (question := _QUESTION.search(target)) and question[1] != words.lower():
        after = node.next_sibling.content[:1] if node.next_sibling else ""
        gap = " " if after.isalnum() else ""  # no sentence goes on right behind a name
        yield Span(f" → {question[1]}{gap}", _and(style, "muted"), target)
    elif _ADDRESS.match(target) and target != words:
        yield Span(f" ({target})", _and(style, "muted"), target)


# --- laying out --------------------------------------------------------------------------


def layout(markdown: str, width: int, marks: Mapping[str, str] | None = None) -> list[Line]:
    """`markdown` as lines of at most `width` cells. Never raises.

    A claim link `[text](demo.py#fn)` has `Span.link == "demo.py#fn"`; `marks["fn"]`, when
    given, is put before its text in style `mark`.
    """
    return _Layout(marks or {}).blocks(parse(markdown), max(1, width), tight=False)


class _Layout:
    def __init__(self, marks: Mapping[str, str]) -> None:
        self.marks = marks

    def blocks(
        self, blocks: Sequence[Block], width: int, tight: bool, depth: int = 0
    ) -> list[Line]:
        lines: list[Line] = []
        for index, block in enumerate(blocks):
            new = self.block(block, width, depth)
            if index and not (tight and _flows(block) and _flows(blocks[index - 1])):
                lines.append(())
            lines += new
        return lines

    def block(self, block: Block, width: int, depth: int) -> list[Line]:
        match block:
            case Paragraph():
                return self.paragraph(block, width)
            case Formula():
                room = max(1, width - _INDENT)
                text = math_block(block.latex, room)
                return _indented([(Span(line, "math"),) for line in text], width)
            case Code():
                room = max(1, width - _INDENT)
                return _indented(code_lines(block.source, block.language, room), width)
            case Quote():
                bar = (Span("│ ", "quote"),) if width - 2 >= _NARROWEST else ()
                inner = self.blocks(block.blocks, width - 2 * len(bar), tight=False, depth=depth)
                return [(*bar, *_restyled(line, "quote")) for line in inner]
            case Listing():
                return self.listing(block, width, depth)
            case Grid():
                rows = [[self.marked(cell) for cell in row] for row in block.rows]
                header = [self.marked(cell) for cell in block.header]
                return table(rows, header, block.aligns, width)
            case Rule():
                return [(Span("─" * width, "muted"),)]

    def paragraph(self, block: Paragraph, width: int) -> list[Line]:
        text = self.marked(block.text)
        if not 1 <= block.level <= 2 or width <= 2 * len(_HEADING):
            return wrap(text, width)
        sign = Span(_HEADING, _HEADINGS[block.level - 1])
        return [(sign, *line) for line in wrap(text, width - len(_HEADING))]

    def listing(self, block: Listing, width: int, depth: int) -> list[Line]:
        count = len(block.items)
        if block.start is None:
            signs = [f"{_BULLETS[min(depth, len(_BULLETS) - 1)]} "] * count
        else:
            numbers = [f"{block.start + index}. " for index in range(count)]
            signs = [number.rjust(len(numbers[-1])) for number in numbers]
        lines: list[Line] = []
        for index, (sign, item) in enumerate(zip(signs, block.items, strict=True)):
            if index and not block.tight:
                lines.append(())
            lines += self.item(sign, item, width, block.tight, depth)
        return lines

    def item(
        self, sign: str, item: Sequence[Block], width: int, tight: bool, depth: int
    ) -> list[Line]:
        indent = cells(sign)
        if width - indent < _NARROWEST:
            return [(Span(sign, "muted"),), *self.blocks(item, width, tight, depth + 1)]
        first, *rest = self.blocks(item, width - indent, tight, depth + 1) or [()]
        margin = Span(" " * indent)
        return [(Span(sign, "muted"), *first), *((margin, *line) if line else () for line in rest)]

    def marked(self, text: Line) -> Line:
        """`text` with the mark of each claim before the link to it."""
        if not self.marks:
            return text
        out: list[Span] = []
        for span in text:
            begins = span.link and (not out or out[-1].link != span.link)
            if begins and (claim := _CLAIM.fullmatch(span.link)) and claim[1] in self.marks:
                out.append(Span(self.marks[claim[1]], "mark", span.link))
            out.append(span)
        return tuple(out)


def _flows(block: Block) -> bool:
    """Whether `block` needs no empty line around it in a tight list."""
    return isinstance(block, Paragraph | Listing)


def _indented(lines: Sequence[Line], width: int) -> list[Line]:
    margin = Span(" " * (_INDENT if width > _INDENT else 0))
    return [(margin, *line) if line and margin.text else line for line in lines]


def _restyled(line: Line, style: str) -> Line:
    return tuple(span._replace(style=_and(style, span.style)) for span in line)


# --- checking ----------------------------------------------------------------------------


def problems(markdown: str) -> list[tuple[int, str, str]]:
    """What of the formulas in `markdown` a reader would see as source: (line, LaTeX, why),
    lines counted from 1. Empty when all is well."""
    found: list[tuple[int, str, str]] = []
    for token in _parser(escapes=True).parse(markdown):
        line = token.map[0] + 1 if token.map else 1
        if token.type == "math_block":
            found += _math_problem(line, token.content)
        for is_text, run in groupby(token.children or (), lambda child: "text" in child.type):
            if is_text:
                found += _leftovers(line, run)
                continue
            for child in run:
                if child.type in ("softbreak", "hardbreak"):
                    line += 1
                elif child.type.startswith("math_inline"):
                    found += _math_problem(line, child.content)
                    line += child.content.count("\n")
    return found


def _leftovers(line: int, run: Iterable[Token]) -> Iterator[tuple[int, str, str]]:
    """Commands and dollars in plain text, but not those that were escaped on purpose."""
    text = "".join(
        " " if child.type == "text_special" and len(child.content) == 1 else child.content
        for child in run
    )
    for match in _LEFTOVER.finditer(text):
        yield line, match[0], say("render.math_leftover")


def _math_problem(line: int, latex: str) -> list[tuple[int, str, str]]:
    try:
        read(latex)
    except MathError as error:
        return [(line, latex.strip(), str(error))]
    return []
