"""Source code coloured by Pygments; long lines are wrapped, never lost."""

from __future__ import annotations

from functools import lru_cache

from quizdl.render.cells import cells
from quizdl.render.text import Line, Span, merge, visible, width_of, wrap

_CONTINUED = "↳ "

# Pygments token types, most general last: the first whose path begins so gives the style.
_STYLES = (
    ("Keyword", "code.keyword"),
    ("Operator.Word", "code.keyword"),
    ("Comment", "code.comment"),
    ("Literal.String.Doc", "code.comment"),
    ("Literal.String", "code.string"),
    ("Literal.Number", "code.number"),
    ("Name.Function", "code.function"),
    ("Name.Class", "code.function"),
    ("Name.Decorator", "code.function"),
    ("Name.Builtin", "code.builtin"),
)


@lru_cache(maxsize=128)
def highlight(source: str, language: str) -> tuple[Line, ...]:
    """The lines of `source`, coloured; plain when Pygments does not know `language`."""
    lines: list[list[Span]] = [[]]
    for style, text in _tokens(source.expandtabs(4).rstrip("\n"), language):
        for index, part in enumerate(text.split("\n")):
            if index:
                lines.append([])
            if part:
                lines[-1].append(Span(visible(part), f"code {style}".strip()))
    return tuple(merge(line) for line in lines)


def code_lines(source: str, language: str, width: int) -> list[Line]:
    """`source` in at most `width` cells; a line that goes on is marked and keeps its indent."""
    out: list[Line] = []
    for line in highlight(source, language):
        if width_of(line) <= width:
            out.append(line)
        else:
            out += _continued(line, width)
    return out


def _continued(line: Line, width: int) -> list[Line]:
    text = "".join(span.text for span in line)
    indent = len(text) - len(text.lstrip(" "))
    if indent + cells(_CONTINUED) > width // 2:
        indent = 0
    margin = Span(" " * indent, "code")
    first, *rest = wrap(_stripped(line, len(text) - len(text.lstrip(" "))), width - indent)
    length = sum(len(span.text) for span in first)
    rows = [(margin, *first)]
    if rest:
        remaining = _stripped(_stripped(line, len(text) - len(text.lstrip(" "))), length)
        room = max(1, width - indent - cells(_CONTINUED))
        mark = Span(_CONTINUED, "muted")
        rows += [(margin, mark, *part) for part in wrap(remaining, room)]
    return [tuple(span for span in row if span.text) for row in rows]


def _stripped(line: Line, count: int) -> Line:
    """`line` without its first `count` characters and the spaces after them."""
    out: list[Span] = []
    for span in line:
        taken = min(count, len(span.text))
        count -= taken
        text = span.text[taken:]
        if not out:
            text = text.lstrip(" ")
        if text:
            out.append(span._replace(text=text))
    return tuple(out)


def _tokens(source: str, language: str) -> list[tuple[str, str]]:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return [("", source)]
    return [(_style(str(kind)), text) for kind, text in lexer.get_tokens(source)]


def _style(kind: str) -> str:
    path = kind.removeprefix("Token.")
    return next((style for prefix, style in _STYLES if path.startswith(prefix)), "")
