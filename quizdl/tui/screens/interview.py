"""The interview itself: a question, the clock, and no answer."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding

from quizdl.exchange.interviews import clock_text
from quizdl.interview.conduct import Interviewer
from quizdl.render.answer import question_markdown
from quizdl.render.text import Span
from quizdl.tui.room import Room
from quizdl.tui.screens.choice import ChoiceScreen
from quizdl.tui.screens.reading import InterviewStage
from quizdl.tui.widgets.draft import Draft
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.interview import Words
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.points import TextBlock
from quizdl.tui.widgets.sheet import Block
from quizdl.words import say

KEPT_EVERY = 15
"""Seconds after which what has been typed, and the time, are safe."""


class InterviewScreen(InterviewStage[None]):
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        Binding(
            "enter,space",
            "answered",
            say("tui.key.interview.answered"),
            key_display="Enter",
            id="interview.answered",
        ),
        Binding(
            "s",
            "give_up",
            say("tui.key.interview.give_up"),
            tooltip=say("tui.key.interview.give_up.help"),
            id="interview.give_up",
        ),
        Binding("w", "write", say("tui.key.interview.write"), id="interview.write"),
        Binding("p", "pause", say("tui.key.interview.pause"), id="interview.pause"),
        Binding(
            "q,escape",
            "leave",
            say("tui.key.interview.leave"),
            key_display="q",
            id="interview.leave",
        ),
    ]

    def __init__(self, room: Room, interviewer: Interviewer, said: str) -> None:
        """`said`: what had been typed of the answer when it was cut off."""
        super().__init__()
        self._room, self._interviewer = room, interviewer
        self._title = Band(id="interview-title")
        self._draft = Draft(say("interview.write"))
        self._draft.text = said
        self._blocks: list[Block] = []
        self._seconds = 0
        self._open = True
        """As long as it has neither ended nor been dropped."""

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._sheet
        yield self._draft
        yield KeyLine()

    def on_mount(self) -> None:
        self.set_interval(1, self._tick)
        self._show_turn()

    def on_unmount(self) -> None:
        """However it is left, nothing is lost."""
        if self._open:
            self._keep()

    # --- what is on screen

    def _show_turn(self) -> None:
        """What is asked now; a follow-up stands below what it follows."""
        turn = self._interviewer.current
        if turn is None:
            self._over()
            return
        key = f"turn:{len(self._blocks)}"
        opening = Words(say("interview.says", text=turn.opening), "muted")
        opening.tight = True
        if turn.follow_up is None:
            self._blocks = [opening, Page(question_markdown(turn.question))]
        else:
            if not self._blocks:  # taken up again
                self._blocks = [Page(question_markdown(turn.question))]
            page = Page(f"**{turn.asked}**")
            page.key, page.edged = key, False
            self._blocks += [opening, page]
        self._show_blocks()
        self._tick()
        self._keep()
        self.refresh_bindings()

    def _show_blocks(self) -> None:
        if self._interviewer.paused:
            self._sheet.show(Words(say("interview.paused"), "strong"))
            return
        blocks = list(self._blocks)
        if said := self._draft.text.strip():
            blocks.append(TextBlock(say("interview.said"), said))
        self._sheet.show(*blocks, top=False)
        self._sheet.scroll_edge(end=len(self._blocks) > 2)

    def _tick(self) -> None:
        """The clock: one line is painted, nothing is laid out."""
        interviewer, now = self._interviewer, self._room.clock()
        turn = interviewer.current
        if turn is None:
            return
        kind = "follow_up" if turn.follow_up else "main"
        elapsed, total = interviewer.elapsed(now), interviewer.total
        times = {"time": clock_text(interviewer.on_this(now)), "usual": clock_text(turn.budget)}
        parts = [
            f"{clock_text(elapsed)}/{clock_text(total)}",
            say(f"interview.clock.{kind}", number=turn.number),
            say("interview.clock.this", **times),
        ]
        looks = ""
        if interviewer.paused:
            parts[2] = say("interview.clock.paused")
        elif elapsed >= total:
            parts[2], looks = say("interview.clock.up"), "strong"
        self._title.show((Span("  " + "  ·  ".join(parts), looks),))
        self._seconds += 1
        if self._seconds % KEPT_EVERY == 0:
            self._keep()

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("answered", "give_up", "write"):
            return not self._interviewer.paused
        return True

    def action_answered(self) -> None:
        self._interviewer.answer(self._room.clock(), self._taken())
        self._show_turn()

    def action_give_up(self) -> None:
        self._interviewer.give_up(self._room.clock(), self._taken())
        self._show_turn()

    def _taken(self) -> str:
        """What was typed; the next answer begins with nothing."""
        said = self._draft.text
        self._draft.close("")
        return said

    def action_write(self) -> None:
        self._draft.open()

    @on(Draft.Written)
    def _written(self) -> None:
        self._keep()
        self._show_blocks()

    def action_pause(self) -> None:
        now = self._room.clock()
        if self._interviewer.paused:
            self._interviewer.resume(now)
        else:
            self._interviewer.pause(now)
            self._draft.close()
            self._keep()
        self._show_blocks()
        self._tick()
        self.refresh_bindings()

    def action_leave(self) -> None:
        """The clock waits for the decision."""
        self._interviewer.pause(self._room.clock())
        keys = ("back", "counted", "uncounted", "later", "drop")
        choices = {key: say(f"interview.leave.{key}") for key in keys}
        if not self._interviewer.interview.exchanges:
            del choices["uncounted"]
        self.app.push_screen(ChoiceScreen(say("interview.leave.title"), choices), self._decided)

    def _decided(self, key: str | None) -> None:
        now = self._room.clock()
        match key:
            case "counted" | "uncounted":
                self._interviewer.stop(now, self._taken(), counted=key == "counted")
                self._over()
            case "later":
                self.dismiss()  # kept on the way out
            case "drop":
                self._open = False
                with self._explained():
                    self._room.drafts.drop(self._interviewer.interview)
                self.dismiss()
            case _:
                self._interviewer.resume(now)
                self._show_blocks()
                self._tick()

    def _over(self) -> None:
        from quizdl.tui.screens.debrief import DebriefScreen

        self._keep()
        self._open = False
        self.app.switch_screen(DebriefScreen(self._room, self._interviewer.interview))

    def _keep(self) -> None:
        """What there is so far is safe from here on, or the learner reads why not."""
        with self._explained():
            draft = self._interviewer.draft(self._room.clock(), self._draft.text)
            self._room.drafts.keep(draft)
