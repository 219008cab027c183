"""Markdown as HTML, for cards and pages.

Formulas and links are the caller's: a page wants MathML and anchors, a card MathJax and plain
words. Everything else of the text is escaped; there is no raw HTML in our Markdown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

from quizdl.render.code import highlight
from quizdl.render.text import join

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MathWriter: TypeAlias = Callable[[str, bool], str]
"""(LaTeX, whether it stands on a line of its own) -> HTML."""
LinkWriter: TypeAlias = Callable[[str], str | None]
"""Where a link leads -> where it is to lead, or None for plain text."""


def markdown_html(markdown: str, math: MathWriter, link: LinkWriter) -> str:
    """The blocks of `markdown`, one below the other."""
    return str(_parser().render(markdown, {"math": math, "link": link}))


def inline_html(markdown: str, math: MathWriter, link: LinkWriter) -> str:
    """One sentence, without a paragraph around it."""
    return str(_parser().renderInline(markdown, {"math": math, "link": link}))


def code_html(source: str, language: str) -> str:
    """Source code, its tokens in spans whose classes are those of `render.code`: `keyword`,
    `comment`, `string`, `number`, `function`, `builtin`."""
    lines = []
    for line in highlight(source, language):
        parts = []
        for text, style, _ in line:
            kind = style.rpartition("code.")[2] if "code." in style else ""
            words = escape(text, quote=False)
            parts.append(f'<span class="{kind}">{words}</span>' if kind else words)
        lines.append("".join(parts))
    return '<pre class="code"><code>' + "\n".join(lines) + "</code></pre>\n"


def mathjax(latex: str, display: bool) -> str:
    """A formula for whoever has MathJax with its usual delimiters: Anki, most blogs."""
    words = escape(latex.strip(), quote=False)
    return rf"\[{words}\]" if display else rf"\({words}\)"


def mathml(latex: str, display: bool) -> str:
    """A formula as MathML, which browsers show without help; its source, as code, when it
    cannot be read."""
    from quizdl.render import browser
    from quizdl.render.formula import MathError

    try:
        return browser.mathml(latex, display)
    except MathError:
        return f"<code>{escape(latex.strip(), quote=False)}</code>"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from quizdl.render.markdown import new_parser

    parser = new_parser()
    rules: dict[str, Any] = {
        "softbreak": _softbreak,
        "math_inline": _inline_math,
        "math_inline_double": _display_math,
        "math_block": _display_math,
        "fence": _code,
        "code_block": _code,
        "link_open": _link_open,
        "link_close": _link_close,
        "image": _image,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


# Rules of markdown-it: (renderer, tokens, place, options, what was given to `render`) -> HTML.


def _softbreak(_: object, tokens: Sequence[Token], place: int, *__: object) -> str:
    before = next((t.content for t in reversed(tokens[:place]) if t.content), "")
    after = next((t.content for t in tokens[place + 1 :] if t.content), "")
    return "\n" if join(before, after) else ""


def _inline_math(
    _: object, tokens: Sequence[Token], place: int, __: object, given: dict[str, Any]
) -> str:
    return str(given["math"](tokens[place].content, False))


def _display_math(
    _: object, tokens: Sequence[Token], place: int, __: object, given: dict[str, Any]
) -> str:
    written = given["math"](tokens[place].content, True)
    return f'<div class="formula">{written}</div>\n' if tokens[place].block else str(written)


def _code(_: object, tokens: Sequence[Token], place: int, *__: object) -> str:
    token = tokens[place]
    return code_html(token.content, (token.info.split() or [""])[0])


def _link_open(
    _: object, tokens: Sequence[Token], place: int, __: object, given: dict[str, Any]
) -> str:
    token = tokens[place]
    target = given["link"](str(token.attrGet("href") or ""))
    closing = _closing(tokens, place)
    closing.hidden = target is None
    return "" if target is None else f'<a href="{escape(target)}">'


def _link_close(_: object, tokens: Sequence[Token], place: int, *__: object) -> str:
    return "" if tokens[place].hidden else "</a>"


def _closing(tokens: Sequence[Token], place: int) -> Token:
    return next(t for t in tokens[place:] if t.type == "link_close")  # links do not nest


def _image(_: object, tokens: Sequence[Token], place: int, *__: object) -> str:
    return f"<em>{escape(tokens[place].content)}</em>"  # the figures of claims are drawn elsewhere
