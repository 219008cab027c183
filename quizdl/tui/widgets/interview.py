"""Blocks of an interview: what is set up, what is said, what is offered as a review."""

from __future__ import annotations

from collections.abc import Sequence

from quizdl import render
from quizdl.interview.report import Offer
from quizdl.model import Reply
from quizdl.render.cells import cells, pad
from quizdl.render.text import Line, Span, flow, wrap
from quizdl.session import format_interval
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.sheet import Block
from quizdl.words import say

_LABEL = 8  # cells of the longest name of a row
_CURSOR = "› "


class Row(Block):
    """One line of the setup: a name and its choices, one of which is taken."""

    edged = False

    def __init__(self, key: str, choices: Sequence[str], place: int = 0) -> None:
        self.key, self.choices, self.place = key, choices, place
        self.current = False

    def lay_out(self, width: int) -> list[Line]:
        head = Span(_cursor(self) + pad(say(f"interview.setup.{self.key}"), _LABEL), "strong")
        parts: list[Line] = [
            (Span(f"◂{text}▸", "key") if n == self.place else Span(f" {text} ", "muted"),)
            for n, text in enumerate(self.choices)
        ]
        return _hung(head, flow(parts, width - cells(head.text), " "))


class Box(Block):
    """A topic that may be asked about, or not."""

    tight, edged = True, False

    def __init__(self, key: str, text: str, *, ticked: bool) -> None:
        self.key, self._text = key, text
        self.ticked, self.current = ticked, False

    def lay_out(self, width: int) -> list[Line]:
        box = "[×] " if self.ticked else "[ ] "
        head = Span(_cursor(self) + pad("", _LABEL) + box, "strong" if self.ticked else "")
        return _hung(head, wrap((Span(self._text),), width - cells(head.text)))


class Words(Block):
    """Plain text: what the interviewer says, a hint, a heading."""

    edged = False

    def __init__(self, text: str, style: str = "", key: str = "") -> None:
        self.text, self._style, self.key = text, style, key

    def lay_out(self, width: int) -> list[Line]:
        return wrap((Span(self.text, self._style),), width)


class Followed(Page):
    """A follow-up with its answer, which was told or not."""

    edged = False

    def __init__(self, number: int, reply: Reply, answer: str, *, last: bool) -> None:
        super().__init__(f"**{reply.asked}** {answer}")
        self.number, self.key, self.tight = number, f"followed:{number}", not last
        self.told, self._passed = reply.told, reply.passed

    def lay_out(self, width: int) -> list[Line]:
        box = "[✓]" if self.told else "[ ]"
        head = Span(f"{box} {self.number} ", "good" if self.told else "strong")
        lines = super().lay_out(width - cells(head.text))
        if self._passed:
            lines = [*lines, (Span(say("interview.passed"), "muted"),)]
        return _hung(head, lines)


class OfferBlock(Block):
    """A question that may be recorded as a review, with its rating."""

    tight, edged = True, False

    def __init__(self, offer: Offer, title: str) -> None:
        self.offer, self._title, self.key = offer, title, f"offer:{offer.question}"
        self.current = self.recorded = False

    def lay_out(self, width: int) -> list[Line]:
        offer = self.offer
        box = "[×]" if offer.chosen else "[ ]"
        if self.recorded:
            box = f" {'✓' if offer.chosen else '–'} "
        name = offer.rating.name.lower()
        key = [*offer.outcomes].index(offer.rating) + 1
        title = say("tui.rating.title", key=key, name=say(f"rating.{name}"))
        head = Span(f"{_cursor(self)}{box} ", "strong")
        rating = Span(pad(title, 8), f"rating.{name}" if offer.chosen else "off")
        interval = Span(pad(format_interval(offer.outcome.interval), 12), "muted")
        room = width - cells(head.text)
        return _hung(head, wrap((rating, interval, *render.inline(self._title)), room))


def _cursor(block: Row | Box | OfferBlock) -> str:
    return _CURSOR if block.current else " " * cells(_CURSOR)


def _hung(head: Span, lines: Sequence[Line]) -> list[Line]:
    """Lines beside a head that stands before the first of them."""
    margin = Span(" " * cells(head.text))
    return [(head if not n else margin, *line) for n, line in enumerate(lines or [()])]
