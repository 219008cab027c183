"""After an interview: every answer beside what was said, and what of it was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding

from quizdl.bank.sections import cut_points, key_points
from quizdl.interview.conduct import Draft
from quizdl.interview.report import blank_ticks, follow_up_answer, to_look_at, with_ticks
from quizdl.model import Exchange, Interview, Question
from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.render.text import Span
from quizdl.tui.room import Room
from quizdl.tui.screens.reading import InterviewStage
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.interview import Followed, Words
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.points import PointBlock, TextBlock
from quizdl.tui.widgets.sheet import Block, Sheet
from quizdl.words import QuizdlError, say


class DebriefScreen(InterviewStage[None]):
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        Binding(
            "enter", "turn(1)", say("tui.key.debrief.next"), key_display="Enter", id="debrief.next"
        ),
        Binding(
            "enter",
            "finish",
            say("tui.key.debrief.finish"),
            key_display="Enter",
            id="debrief.finish",
        ),
        *(
            Binding(
                str(n),
                f"tick({n})",
                say("tui.key.tick"),
                key_display="1 2 …",
                show=n == 1,
                id=f"debrief.tick_{n}",
            )
            for n in range(1, 10)
        ),
        Binding("a", "all", say("tui.key.debrief.all"), id="debrief.all"),
        Binding(
            "b,left", "turn(-1)", say("tui.key.debrief.back"), key_display="b", id="debrief.back"
        ),
        Binding("space", "page(1)", say("tui.key.page_down"), show=False, id="debrief.page_down"),
        Binding(
            "q,escape", "leave", say("tui.key.debrief.leave"), key_display="q", id="debrief.leave"
        ),
    ]

    def __init__(self, room: Room, interview: Interview) -> None:
        super().__init__()
        self._room, self._interview = room, interview
        self._questions = {question.id: question for question in room.library.questions}
        self._at = to_look_at(interview) or 0
        self._title = Band(id="interview-title")
        self._points: Sequence[PointBlock] = ()
        self._followed: Sequence[Followed] = ()

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._sheet
        yield KeyLine()

    def on_mount(self) -> None:
        self._show()

    # --- what is on screen

    @property
    def _exchange(self) -> Exchange:
        return self._interview.exchanges[self._at]

    def _show(self) -> None:
        exchange, count = self._exchange, len(self._interview.exchanges)
        parts = [say("debrief.title", at=self._at + 1, count=count)]
        if not self._at:
            ending = say(f"interview.ending.{self._interview.ending}")
            parts.insert(0, say("debrief.over", ending=ending))
        self._title.show((Span("  " + "  ·  ".join(parts), "strong"),))
        question = self._questions.get(exchange.question)
        self._points, self._followed = (), ()
        if question is None:  # it left the bank since
            gone = Words(say("debrief.gone"), "muted")
            self._sheet.show(Page(f"# {exchange.main.asked}"), gone)
        else:
            self._sheet.show(*self._blocks(question, exchange))
        self.refresh_bindings()

    def _blocks(self, question: Question, exchange: Exchange) -> Sequence[Block]:
        cut = cut_points(answer_markdown(question))
        points = key_points(question.back)
        told = {tick.point for tick in exchange.ticks if tick.told}
        kinds = {True: say("interview.must"), False: say("interview.bonus")}
        self._points = [
            PointBlock(n, point, f"**{kinds[point.must]}** {point.text}", last=n == len(points))
            for n, point in enumerate(points, 1)
        ]
        for block in self._points:
            block.ticking, block.told = True, block.point.text in told
        self._followed = [
            Followed(
                len(points) + n,
                reply,
                follow_up_answer(question, reply.asked),
                last=n == len(exchange.follow_ups),
            )
            for n, reply in enumerate(exchange.follow_ups, 1)
        ]
        said = [
            TextBlock(say("interview.said"), reply.said)
            if reply is exchange.main
            else TextBlock(say("interview.said.of", asked=reply.asked), reply.said)
            for reply in (exchange.main, *exchange.follow_ups)
            if reply.said
        ]
        blocks: list[Block] = [Page(question_markdown(question))]
        if exchange.main.passed:
            blocks.append(Words(say("debrief.passed"), "strong"))
        hint = Words(say("debrief.hint"), "muted")
        # an answer whose points cannot be cut out follows as a whole
        answer = cut.before if cut.points else ""
        blocks += [*said, Page(answer)] if answer else said
        blocks += [hint, *self._points]
        if self._followed:
            blocks += [Words(say("debrief.follow_ups"), "heading2"), *self._followed]
        rest = cut.after if cut.points else cut.before
        return [*blocks, Words("─" * 12, "rule"), Page(rest)]

    # --- ticking

    @property
    def _ticked(self) -> Sequence[PointBlock | Followed]:
        return [*self._points, *self._followed]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action, parameters:
            case "tick", (int(number),):
                return number <= len(self._ticked)
            case "turn", (int(step),):
                return 0 <= self._at + step < len(self._interview.exchanges)
            case "finish", _:
                return self._at + 1 == len(self._interview.exchanges)
            case "all", _:
                return bool(self._ticked)
        return True

    def action_tick(self, number: int) -> None:
        block = self._ticked[number - 1]
        block.told = not block.told
        self._sheet.changed(block)
        self._sheet.reveal(block.key)

    def action_all(self) -> None:
        """All of them told; when they are, none."""
        told = not all(block.told for block in self._ticked)
        for block in self._ticked:
            block.told = told
        self._sheet.changed(*self._ticked)

    @on(Sheet.Clicked)
    def _clicked(self, message: Sheet.Clicked) -> None:
        for place, block in enumerate(self._ticked, 1):
            if block.key == message.key:
                self.action_tick(place)

    # --- going on

    def action_turn(self, step: int) -> None:
        self._take()
        self._at += step
        self._keep()
        self._show()

    def action_leave(self) -> None:
        """Later: it stays as it is."""
        self._take()
        self._keep()
        self.notify(say("debrief.later"))
        self.dismiss()

    def _take(self) -> None:
        """What is ticked on the screen, into the interview."""
        question = self._questions.get(self._exchange.question)
        if question is not None:
            ticks = [
                replace(tick, told=block.told)
                for tick, block in zip(blank_ticks(question), self._points, strict=True)
            ]
            told = [block.told for block in self._followed]
            self._interview = with_ticks(self._interview, self._at, ticks, told)

    def _keep(self) -> None:
        with self._explained():
            self._room.drafts.keep(Draft(self._interview))

    def action_finish(self) -> None:
        """Into the log, and on to what came of it."""
        from quizdl.tui.screens.report import ReportScreen

        self._take()
        try:
            kept = self._room.library.keep(self._interview)
        except QuizdlError as error:
            self._keep()
            self.notify(str(error), severity="error", timeout=12)
            return
        with self._explained():
            self._room.drafts.drop(kept)
        self.app.switch_screen(ReportScreen(self._room, kept))
