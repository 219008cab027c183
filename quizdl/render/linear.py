"""A formula on one line of Unicode, brackets added wherever its shape carried the meaning."""

from __future__ import annotations

import unicodedata

from quizdl.render.cells import cells, clusters
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

_SUP = dict(
    zip(
        "0123456789+−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθφχ⊤",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡᵀ",
        strict=True,
    )
)
_SUP |= {char: char for char in "′″‴*†∘"}
_SUB = dict(
    zip(
        "0123456789+−=()aehijklmnoprstuvxβγρφχ",
        "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
        strict=True,
    )
)
_LONGEST_SCRIPT = 5  # small raised letters are hard to read in a long row

_FACTORS = frozenset(("ident", "number", "word", "text", "big", "open", "frac", "fence", "prefix"))
_DIFFERENTIALS = frozenset("∂∇dΔδ")


def math_line(latex: str) -> str:
    """`latex` on one line. Raises MathError."""
    return linear(read(latex))


def linear(node: Node, compact: bool = False) -> str:
    """`node` on one line; `compact` leaves out the spaces around operators."""
    match node:
        case Atom():
            return node.text
        case Row():
            return _row(node.items, compact)
        case Frac():
            return _fraction(node, compact)
        case Root():
            return _root(node, compact)
        case Script():
            return _script(node, compact)
        case Accent():
            return _accent(node, compact)
        case Brace():
            return linear(node.body, compact)
        case Fence():
            return _fence(node, compact)
        case Table():
            return "; ".join(_cells(row, node.tight, compact) for row in node.rows)


def scripts(sub: Node | None, sup: Node | None, longest: int) -> str | None:
    """Both scripts in Unicode's small letters, or None when it lacks one of them or they
    are longer than `longest`."""
    out = ""
    for part, table in ((sub, _SUB), (sup, _SUP)):
        if part is None:
            continue
        text = linear(part, compact=True)
        if len(text) > longest or not all(char in table for char in text):
            return None
        if part is sup and len(text) > 1 and "T" in text:
            return None  # xᵀ⁻¹ would be read as a transpose
        # a prime binds closer than an index: x′ᵢ
        small = "".join(table[char] for char in text)
        out = small + out if small[:1] in ("′", "″", "‴") else out + small
    return out


def accented(body: str, mark: str) -> str | None:
    """`body` under a combining mark; None when it is not a single letter."""
    if len(clusters(body)) != 1 or cells(body) != 1:
        return None
    return unicodedata.normalize("NFC", body + mark)


# --- rows --------------------------------------------------------------------------------


def _row(parts: tuple[Node, ...], compact: bool) -> str:
    out = ""
    for index, part in enumerate(parts):
        before = parts[index - 1] if index else None
        after = parts[index + 1] if index + 1 < len(parts) else None
        text = linear(part, compact)
        space = gap(before, part, compact) if before else 0
        if isinstance(part, Frac) and part.bar:
            if _binds(after) or (before and not _open_left(before)):
                text = f"({text})"
                if before and kind(before) == "word" and not out.endswith(")"):
                    space = 0
            elif before and kind(before) in ("ident", "number", "fence"):
                text = "·" + text  # η·a/b: times the whole fraction
        elif isinstance(part, Root) and _binds(after) and not text.endswith(")"):
            text = f"{text[: text.index('√') + 1]}({text[text.index('√') + 1 :]})"
        if before and _binds(part) and _trailing(before, out, part):
            space = 1
        out += " " * space + text
    return out


def _trailing(before: Node, out: str, part: Node) -> bool:
    """Whether the end of `before` would run into `part`: θ* x, ∇_θ J."""
    if out.endswith("*"):
        return kind(before) != "bin"
    plain = isinstance(before, Script) and scripts(before.sub, before.sup, _LONGEST_SCRIPT) is None
    return plain and not out.endswith(")") and kind(part) != "fence"


def _binds(after: Node | None) -> bool:
    """Whether `after` would be read as multiplied into what stands right before it."""
    return after is not None and kind(after) in _FACTORS


def _open_left(before: Node) -> bool:
    """Whether a fraction right after `before` may stay without brackets."""
    if kind(before) == "prefix":
        return isinstance(before, Atom) and before.text in "+−±∓"
    return kind(before) not in ("word", "big", "frac", "slash", "text")


# --- fractions, roots, scripts -----------------------------------------------------------


def _fraction(node: Frac, compact: bool) -> str:
    if not node.bar:
        return f"{linear(node.over, compact)}; {linear(node.under, compact)}"
    over, under = linear(node.over, compact), linear(node.under, compact)
    if not _is_product(node.over):
        over = f"({over})"
    if not _is_factor(node.under):
        under = f"({under})"
    return f"{over}/{under}"


def _is_product(node: Node) -> bool:
    """Whether `node` can be divided as it stands: factors side by side."""
    parts = items(node)
    kinds = [kind(part) for part in parts]
    if set(kinds) & {"rel", "bin", "punct", "bar", "slash", "frac", "big", "open", "close"}:
        return False
    if "word" in kinds:
        return len(parts) == 1 or (len(parts) == 2 and kinds == ["word", "fence"])
    return "text" not in kinds or len(parts) == 1


def _is_factor(node: Node) -> bool:
    """Whether `node` can divide as it stands: one factor, differentials before it aside."""
    parts = items(node)
    while len(parts) > 1 and _is_differential(parts[0]):
        parts = parts[1:]
    if len(parts) == 2 and kind(parts[1]) == "fence" and isinstance(parts[1], Fence):
        return kind(parts[0]) in ("ident", "word")  # f(x)
    return len(parts) == 1 and kind(parts[0]) not in ("frac", "text", "big")


def _is_differential(node: Node) -> bool:
    core = node.base if isinstance(node, Script) else node
    return isinstance(core, Atom) and core.text in _DIFFERENTIALS


def _root(node: Root, compact: bool) -> str:
    body = linear(node.body, compact)
    if not (_is_small(node.body, body) or _is_fenced(node.body)):
        body = f"({body})"
    index = ""
    if node.index is not None:
        index = scripts(None, node.index, _LONGEST_SCRIPT) or f"^{_group(node.index)}"
    return f"{index}√{body}"


def _is_small(node: Node, text: str) -> bool:
    parts = items(node)
    return (
        len(parts) == 1
        and kind(parts[0]) in ("ident", "number")
        and not isinstance(parts[0], Root)
        and not set(text) & set("_^ ")
    )


def _is_fenced(node: Node) -> bool:
    parts = items(node)
    return len(parts) == 1 and isinstance(parts[0], Fence) and parts[0].left == "("


def _script(node: Script, compact: bool) -> str:
    base = linear(node.base, compact)
    if is_compound(node.base):
        base = f"({base})"
    if isinstance(node.base, Brace):
        label = node.sub or node.sup
        return f"({base}){{{linear(label)}}}" if label else base
    both = scripts(node.sub, node.sup, _LONGEST_SCRIPT)
    if both is not None:
        return base + both
    small, large = "", ""
    for part, mark in ((node.sub, "_"), (node.sup, "^")):
        if part is None:
            continue
        text = scripts(part, None, _LONGEST_SCRIPT) if mark == "_" else None
        if mark == "^":
            text = scripts(None, part, _LONGEST_SCRIPT)
        if text is None:
            large += mark + _group(part)
        else:
            small += text
    return base + small + large


def _group(node: Node) -> str:
    """`node` in brackets unless it is one letter, one name or bracketed already."""
    text = linear(node, compact=True)
    parts = items(node)
    if len(parts) == 1 and (isinstance(parts[0], Atom) or _is_fenced(node)) and " " not in text:
        return text
    return f"({text})"


def _accent(node: Accent, compact: bool) -> str:
    body = linear(node.body, compact)
    one = accented(body, node.mark)
    if one is not None:
        return one
    return "".join(
        cluster + node.mark if cells(cluster) == 1 else cluster for cluster in clusters(body)
    )


# --- groups ------------------------------------------------------------------------------


def _fence(node: Fence, compact: bool) -> str:
    body = linear(node.body, compact)
    right = node.right or ("}" if node.left == "{" else "")
    return f"{node.left}{body}{right}"


def _cells(row: tuple[Node, ...], tight: bool, compact: bool) -> str:
    texts = [text for text in (linear(cell, compact) for cell in row) if text]
    if tight:
        return " ".join(texts)
    out = ""
    for text in texts:
        glue = "" if not out else " " if out.endswith((",", "，", ";", ":")) else ", "
        out += glue + text
    return out
