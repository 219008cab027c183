"""A formula as MathML that browsers show right, which what latex2mathml writes is not yet:
MathML Core knows no alphabets but the upright one, and wants names whole and limits below."""

from __future__ import annotations

from html import unescape
from itertools import groupby
from typing import TYPE_CHECKING

from quizdl.render.latex import element, read
from quizdl.render.mathml import LIMITS, shaped

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_BELOW = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}


def mathml(latex: str, display: bool) -> str:
    """The `math` element of `latex` as text, its source in it for who copies the formula.
    Raises MathError for what cannot be read in full."""
    from xml.etree.ElementTree import Element, SubElement, tostring

    read(latex)
    found = element(latex, display)
    for each in found.iter():
        _mend(each, display)
    math = Element("math", {"display": "block" if display else "inline"})
    semantics = SubElement(math, "semantics")
    SubElement(semantics, "mrow").extend(found)
    source = SubElement(semantics, "annotation", {"encoding": "application/x-tex"})
    source.text = latex.strip()
    return tostring(math, encoding="unicode")


def _mend(node: Element, display: bool) -> None:
    node.text = unescape(node.text or "")  # latex2mathml writes characters as entities
    variant = node.get("mathvariant", "")
    if variant not in ("", "normal"):
        node.text = shaped(node.text, node.attrib.pop("mathvariant"))
    if display and node.tag in _BELOW and unescape(node[0].text or "") in LIMITS:
        node.tag = _BELOW[node.tag]
    if any(_upright(child) for child in node):
        node[:] = _joined(list(node))


def _upright(node: Element) -> bool:
    return node.tag == "mi" and node.get("mathvariant") == "normal"


def _joined(nodes: list[Element]) -> list[Element]:
    """`Var`, which comes as three letters, as one name."""
    joined: list[Element] = []
    for upright, run in groupby(nodes, _upright):
        first, *rest = run
        if upright and rest:
            first.text = "".join(unescape(each.text or "") for each in (first, *rest))
            del first.attrib["mathvariant"]  # a name of several letters is upright anyway
            rest = []
        joined += [first, *rest]
    return joined
