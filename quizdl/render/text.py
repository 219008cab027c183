"""Styled text and its wrapping into lines of cells, by the rules of Chinese typesetting."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from quizdl.render.cells import cells, clusters, truncate


class Span(NamedTuple):
    """A stretch of one line. Holds no line break and no control character."""

    text: str
    style: str = ""
    """Semantic names, separated by spaces; what they look like is the reader's business."""
    link: str = ""
    """`demo.py#fn` for a claim, else an address; empty for plain text."""


Line = tuple[Span, ...]

CLOSING = frozenset("，。、；：？！）】》〉」』〕〗｝］％‰℃…—～·’”′″々ー,.;:?!)]}%")
"""What no line may begin with."""
OPENING = frozenset("（【《〈「『〔〖｛［‘“￥＄([{")
"""What no line may end with."""
_PAIRED = frozenset("—…")  # —— and …… are one sign each
_FULL_STOPS = frozenset("，。、；：？！（）【】《》〈〉「」『』〔〕〖〗｛｝［］")

# How bad a break is. FREE: between words or Chinese characters. SOFT: inside code or a formula
# at a space, or after a hyphen. JOINT: inside a word after a sign, as in an address. HARD: inside
# a word. WRONG: against kinsoku.
_FREE, _SOFT, _JOINT, _HARD, _WRONG, _NEVER = range(6)
_JOINTS = frozenset("/\\-=&?+*|,;:.")

# A worse break is taken when the free one before it would leave this much of a line empty.
_RAGGED = 0.4


def join(before: str, after: str) -> str:
    """What a line break in the source stands for between `before` and `after`: nothing next
    to Chinese punctuation or between two Chinese characters, else a space."""
    left, right = before[-1:], after[:1]
    if left in _FULL_STOPS or right in _FULL_STOPS:
        return ""
    if left in "“‘":
        return ""
    chinese = [char for char in (left, right) if cells(char) == 2]
    neutral = [char for char in (left, right) if char and char in "“”‘’…—·"]
    return "" if chinese and len(chinese) + len(neutral) == 2 else " "


def wrap(spans: Sequence[Span], width: int) -> list[Line]:
    """`spans` as lines of at most `width` cells (one glyph may be wider than a width of 1).

    A span whose text is a single "\\n" ends a line. Nothing but spaces around a break is
    lost; control characters are made visible. Text in styles `code` and `math` is kept whole
    where that is possible.
    """
    lines: list[Line] = []
    for paragraph in _paragraphs(spans):
        lines.extend(_measure(paragraph).lines(max(1, width)))
    return lines


def flow(parts: Iterable[Line], width: int, gap: str = "  ") -> list[Line]:
    """Parts one after the other, `gap` between them, as many to a line as fit; each is kept
    whole unless it alone is wider than `width`."""
    lines: list[Line] = []
    for part in parts:
        if lines and width_of(lines[-1]) + cells(gap) + width_of(part) <= width:
            lines[-1] += (Span(gap), *part)
        else:
            lines += [part] if width_of(part) <= width else wrap(part, width)
    return lines


def clip(line: Line, width: int) -> Line:
    """The beginning of `line` that fits `width` cells, ending in … when cut."""
    if width_of(line) <= width:
        return line
    kept: list[Span] = []
    for span in line:
        room = width - width_of(kept)
        if cells(span.text) >= room:  # what follows does not fit
            cut = truncate(span.text + " ", room) if room > 0 else ""
            return (*kept, span._replace(text=cut))
        kept.append(span)
    return tuple(kept)


def plain(lines: Iterable[Line]) -> str:
    """The lines as text without any style, no spaces at the ends of lines."""
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines)


# Select Graphic Rendition codes of the styles; later ones win where they meet.
_SGR = {
    "heading": "1;36",
    "heading2": "1;36",
    "heading3": "1",
    "strong": "1",
    "em": "3",
    "strike": "9",
    "code": "36",
    "math": "33",
    "quote": "2",
    "muted": "2",
    "claim": "4",
    "link": "4",
    "good": "32",
    "bad": "31",
    "control": "35",
    "verdict.proved": "32",
    "verdict.not_proved": "31",
    "verdict.error": "31",
    "verdict.timeout": "33",
    "verdict.limit": "33",
    "verdict.true": "32",
    "verdict.part": "33",
    "verdict.loose": "35",
    "verdict.false": "31",
    "code.keyword": "35",
    "code.string": "32",
    "code.number": "34",
    "code.comment": "2",
    "code.function": "34",
    # Figures: no red beside green; each series has its mark besides.
    "series.1": "94",
    "series.2": "33",
    "series.3": "35",
    "series.4": "36",
    "series.5": "32",
    "series.6": "31",
    "axis": "2",
    "rule.bound": "1",
    "heat": "94",
}


def ansi(lines: Iterable[Line]) -> str:
    """The lines with terminal colours from the sixteen that every theme defines."""
    return "\n".join("".join(_colour(span) for span in line).rstrip() for line in lines)


def _colour(span: Span) -> str:
    codes = [_SGR[name] for name in span.style.split() if name in _SGR]
    if not codes or not span.text.strip():
        return span.text
    return f"\x1b[{';'.join(codes)}m{span.text}\x1b[0m"


def width_of(line: Iterable[Span]) -> int:
    """Width of a line in cells."""
    return sum(cells(span.text) for span in line)


_CONTROL: dict[int, str] = dict.fromkeys((*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029), "�")
_CONTROL[ord("\t")] = "    "


def visible(text: str) -> str:
    """`text` with control characters, which could drive the terminal, shown as �."""
    return text.translate(_CONTROL)


def _paragraphs(spans: Sequence[Span]) -> Iterator[Line]:
    paragraph: list[Span] = []
    for span in spans:
        if span.text == "\n":
            yield tuple(paragraph)
            paragraph = []
        elif span.text:
            paragraph.append(span._replace(text=visible(span.text)))
    yield tuple(paragraph)


class _Measured:
    """One paragraph, with all that does not depend on the width it is wrapped to."""

    def __init__(self, spans: Line) -> None:
        self.spans = spans
        owner: list[int] = []
        glyphs: list[str] = []
        for index, span in enumerate(spans):
            parts = clusters(span.text)
            glyphs += parts
            owner += [index] * len(parts)
        self.glyphs, self.owner = glyphs, owner
        self.ends = [0, *accumulate(cells(glyph) for glyph in glyphs)]
        # filled[k]: cells up to the last glyph before k that is not a space
        self.filled = [0]
        for glyph, end in zip(glyphs, self.ends[1:], strict=True):
            self.filled.append(self.filled[-1] if glyph == " " else end)
        self.breaks = [_NEVER, *(self._break(k) for k in range(1, len(glyphs))), _FREE]

    def _break(self, k: int) -> int:
        """How bad it is to begin a line with glyph `k`."""
        before, after = self.glyphs[k - 1], self.glyphs[k]
        left, right = self.spans[self.owner[k - 1]], self.spans[self.owner[k]]
        if after == " " or (left.style == "mark" and left.link == right.link):
            return _NEVER
        head = after[0]
        inside = left is right and ("code" in left.style or "math" in left.style)
        if before == " ":
            while k > 1 and self.glyphs[k - 1] == " ":
                k -= 1
            if head in CLOSING or self.glyphs[k - 1][0] in OPENING:
                return _WRONG
            return _SOFT if inside else _FREE
        tail = before[0]
        if head in CLOSING or tail in OPENING or (tail == head and tail in _PAIRED):
            return _WRONG
        if inside:
            return _JOINT if tail in _JOINTS and not head.isdigit() else _HARD
        if cells(before) == 2 or cells(after) == 2 or tail in _PAIRED:
            return _FREE
        if tail == "-" and head.isalpha() and k > 1 and self.glyphs[k - 2][0].isalpha():
            return _SOFT
        return _JOINT if tail in _JOINTS and not head.isdigit() else _HARD

    def lines(self, width: int) -> Iterator[Line]:
        start, total = 0, len(self.glyphs)
        if not total:
            yield ()
        while start < total:
            end = self._end(start, width)
            yield self._cut(start, end)
            start = end
            while start < total and self.glyphs[start] == " ":
                start += 1

    def _end(self, start: int, width: int) -> int:
        base = self.ends[start]
        furthest = bisect_right(self.filled, base + width) - 1
        if furthest >= len(self.glyphs):
            return len(self.glyphs)
        last: dict[int, int] = {}
        for k in range(furthest, start, -1):
            last.setdefault(self.breaks[k], k)
            if self.breaks[k] == _FREE:
                break
        free = last.get(_FREE, 0)
        for level in (_SOFT, _JOINT):
            k = last.get(level, 0)
            if not k or (free and self.filled[k] - self.filled[free] <= _RAGGED * width):
                continue
            if not free or level == _SOFT or self._too_long(free, furthest, width):
                return k
        return free or last.get(_HARD) or last.get(_WRONG) or max(furthest, start + 1)

    def _too_long(self, start: int, furthest: int, width: int) -> bool:
        """Whether what begins at glyph `start` has to be broken on a line of its own, too."""
        end = next(k for k in range(furthest + 1, len(self.breaks)) if self.breaks[k] <= _SOFT)
        return self.filled[end] - self.ends[start] > width

    def _cut(self, start: int, end: int) -> Line:
        while end > start and self.glyphs[end - 1] == " ":
            end -= 1
        line: list[Span] = []
        first = start
        for k in range(start, end):
            if k + 1 == end or self.owner[k + 1] != self.owner[first]:
                span = self.spans[self.owner[first]]
                line.append(span._replace(text="".join(self.glyphs[first : k + 1])))
                first = k + 1
        return tuple(line)


_measure = lru_cache(maxsize=1024)(_Measured)


def merge(spans: Iterable[Span]) -> Line:
    """The same text with neighbours of one style and link made one span."""
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1][1:] == span[1:] and "\n" not in (span.text, merged[-1].text):
            merged[-1] = merged[-1]._replace(text=merged[-1].text + span.text)
        elif span.text:
            merged.append(span)
    return tuple(merged)
