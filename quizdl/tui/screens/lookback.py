"""What was answered earlier in this session, to be read again. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding

from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.render.text import Span
from quizdl.session import Answered, format_interval
from quizdl.tui.screens.reading import ReadingScreen
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.points import TextBlock
from quizdl.tui.widgets.sheet import Block
from quizdl.words import say


class LookBackScreen(ReadingScreen[None]):
    BINDINGS = [  # noqa: RUF012
        Binding(
            "left,b", "turn(-1)", say("tui.key.earlier"), key_display="←", id="look_back.earlier"
        ),
        Binding("right", "turn(1)", say("tui.key.later"), key_display="→", id="look_back.later"),
        Binding(
            "escape,q", "dismiss", say("tui.key.back"), key_display="Esc", id="look_back.dismiss"
        ),
        Binding("space", "page(1)", say("tui.key.page_down"), show=False, id="look_back.page_down"),
    ]

    def __init__(self, answered: Sequence[Answered], at: int = -1) -> None:
        """Begins with the one at that place of `answered`, which are oldest first and some."""
        super().__init__()
        self._answered, self._at = answered, at % len(answered)
        self._status = Band(id="look-back-status")

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._sheet
        yield KeyLine()

    def on_mount(self) -> None:
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "turn":
            step = parameters[0]
            return isinstance(step, int) and 0 <= self._at + step < len(self._answered)
        return True

    def _show(self) -> None:
        this = self._answered[self._at]
        facts = [
            say("tui.look_back.title", at=self._at + 1, count=len(self._answered)),
            say(f"rating.{this.rating.name.lower()}"),
        ]
        if this.interval is not None:
            facts.append(say("tui.browse.in", interval=format_interval(this.interval)))
        self._status.show((Span("  " + "  ·  ".join(facts), "muted"),))
        self._sheet.show(*_blocks(this))
        self.refresh_bindings()

    def action_turn(self, step: int) -> None:
        self._at += step
        self._show()


def _blocks(this: Answered) -> list[Block]:
    blocks: list[Block] = [Page(question_markdown(this.question))]
    if this.recall is not None and this.recall.said:
        blocks.append(TextBlock(say("tui.review.said"), this.recall.said))
    if this.recall is not None and this.recall.ticks:
        ticks = "\n".join(f"- {'✓' if t.told else '✗'} {t.point}" for t in this.recall.ticks)
        blocks.append(Page(ticks))
    return [*blocks, Page(answer_markdown(this.question))]
