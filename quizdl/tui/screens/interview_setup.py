"""Before an interview: whose questions, about what, how deep, how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding

from quizdl.interview.choosing import expected, matching
from quizdl.interview.conduct import Draft, Interviewer
from quizdl.model import Interview, Setup
from quizdl.render.text import Span
from quizdl.tui.room import Room
from quizdl.tui.screens.choice import ChoiceScreen
from quizdl.tui.screens.reading import InterviewStage
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.interview import Box, Row, Words
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.sheet import Sheet
from quizdl.words import QuizdlError, say

MINUTES = (10, 15, 20, 30, 45, 60)
LEVELS = range(4)
_OLD = 9
"""Interviews of before that can be chosen at once."""


class InterviewSetupScreen(InterviewStage[None]):
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        Binding(
            "enter",
            "begin",
            say("tui.key.interview.begin"),
            key_display="Enter",
            id="interview_setup.begin",
        ),
        Binding(
            "up,k",
            "move(-1)",
            say("tui.key.interview.row"),
            key_display="↑↓",
            show=False,
            id="interview_setup.previous",
        ),
        Binding(
            "down,j", "move(1)", say("tui.key.interview.row"), show=False, id="interview_setup.next"
        ),
        Binding(
            "left,h",
            "turn(-1)",
            say("tui.key.interview.turn"),
            key_display="←→",
            id="interview_setup.less",
        ),
        Binding(
            "right,l",
            "turn(1)",
            say("tui.key.interview.turn"),
            show=False,
            id="interview_setup.more",
        ),
        Binding(
            "space",
            "tick",
            say("tui.key.interview.tick"),
            key_display=say("tui.key.space"),
            id="interview_setup.tick",
        ),
        Binding("o", "old", say("tui.key.interview.old"), id="interview_setup.old"),
        Binding(
            "escape,q",
            "dismiss",
            say("tui.key.back"),
            key_display="Esc",
            id="interview_setup.dismiss",
        ),
    ]

    def __init__(self, room: Room, setup: Setup) -> None:
        super().__init__()
        self._room, self._setup = room, setup
        questions = room.library.questions
        self._remembered = room.library.remembered(room.clock())
        self._companies = ["", *dict.fromkeys(name for q in questions for name in q.asked_by)]
        self._minutes = sorted({*MINUTES, setup.minutes})
        self._title = Band(id="interview-title")
        any_ = say("interview.setup.any")
        self._company = Row(
            "company",
            [name or any_ for name in self._companies],
            _at(self._companies, setup.company),
        )
        self._level = Row(
            "level",
            [any_, *(say(f"interview.setup.level.{level}") for level in LEVELS[1:])],
            setup.level,
        )
        minutes = [say("interview.minutes", minutes=each) for each in self._minutes]
        self._time = Row("time", minutes, self._minutes.index(setup.minutes))
        counts = Counter(question.topic for question in questions)
        self._boxes = [
            Box(
                topic,
                say("interview.setup.topic", topic=title, count=counts[topic]),
                ticked=topic in setup.topics,
            )
            for topic, title in room.topics.items()
            if counts[topic]
        ]
        self._rows: list[Row | Box] = [self._company, self._level, self._time, *self._boxes]
        self._at = 0

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._sheet
        yield KeyLine()

    def on_mount(self) -> None:
        self._show()
        if (draft := self._room.drafts.newest()) is not None:
            self._ask_about(draft)

    # --- choosing

    def _show(self) -> None:
        setup = self._chosen()
        pool = matching(self._room.library.questions, setup, self._remembered)
        count = say("interview.setup.count", questions=len(pool), asked=expected(pool, setup))
        title = say("interview.setup.title")
        self._title.show((Span(f"  {title}  ·  ", "strong"), Span(count, "" if pool else "bad")))
        for place, row in enumerate(self._rows):
            row.current = place == self._at
        topics = Words(say("interview.setup.topics"), "muted", key="topics")
        topics.tight = True
        hint = Words(say("interview.setup.hint"), "muted")
        self._sheet.show(*self._rows[:3], topics, *self._boxes, Words(""), hint, top=False)
        self._sheet.changed(*self._rows)
        self._sheet.reveal(self._rows[self._at].key)

    def _chosen(self) -> Setup:
        return replace(
            self._setup,
            company=self._companies[self._company.place],
            level=LEVELS[self._level.place],
            minutes=self._minutes[self._time.place],
            topics=tuple(box.key for box in self._boxes if box.ticked),
        )

    def action_move(self, step: int) -> None:
        self._at = max(0, min(self._at + step, len(self._rows) - 1))
        self._show()

    def action_turn(self, step: int) -> None:
        row = self._rows[self._at]
        if isinstance(row, Row):
            row.place = max(0, min(row.place + step, len(row.choices) - 1))
        else:
            row.ticked = not row.ticked
        self._show()

    def action_tick(self) -> None:
        """A topic; of anything else, the next choice."""
        row = self._rows[self._at]
        if isinstance(row, Row):
            row.place = (row.place + 1) % len(row.choices)
        else:
            row.ticked = not row.ticked
        self._show()

    @on(Sheet.Clicked)
    def _clicked(self, message: Sheet.Clicked) -> None:
        for place, row in enumerate(self._rows):
            if row.key == message.key:
                self._at = place
                self.action_tick()

    # --- going on from here

    def action_begin(self) -> None:
        room = self._room
        try:
            interviewer = Interviewer(
                room.library.questions, room.topics, self._chosen(), room.clock(), self._remembered
            )
        except QuizdlError as error:
            self.notify(str(error), severity="warning")
            return
        self._ask(interviewer, "")

    def _ask(self, interviewer: Interviewer, said: str) -> None:
        from quizdl.tui.screens.interview import InterviewScreen

        self.app.switch_screen(InterviewScreen(self._room, interviewer, said))

    def _ask_about(self, draft: Draft) -> None:
        """One that was not finished is not lost: go on, or go through it, or drop it."""
        begun = draft.interview.begun.astimezone(self._room.clock().tzinfo)
        asked = bool(draft.question)
        choices = {"resume": say(f"interview.draft.{'resume' if asked else 'debrief'}")}
        if asked and draft.interview.exchanges:
            choices["debrief"] = say("interview.draft.stop")
        choices |= {key: say(f"interview.draft.{key}") for key in ("later", "drop")}
        title = say(
            "interview.draft.title",
            when=f"{begun:%m-%d %H:%M}",
            count=len(draft.interview.exchanges),
        )
        self.app.push_screen(ChoiceScreen(title, choices), lambda key: self._decided(draft, key))

    def _decided(self, draft: Draft, key: str | None) -> None:
        room = self._room
        if key == "drop":
            with self._explained():
                room.drafts.drop(draft.interview)
        elif key == "resume" and draft.question:
            setup = draft.interview.setup
            questions, now = room.library.questions, room.clock()
            interviewer = Interviewer(
                questions, room.topics, setup, now, self._remembered, draft=draft
            )
            self._ask(interviewer, draft.said)
        elif key in ("resume", "debrief"):
            from quizdl.tui.screens.debrief import DebriefScreen

            self.app.switch_screen(DebriefScreen(room, draft.interview))

    def action_old(self) -> None:
        """What came of interviews that were held."""
        from quizdl.exchange.interviews import about, title

        now, held = self._room.clock(), dict[str, Interview]()
        with self._explained():
            last = self._room.library.interviews()[-_OLD:]
            held = {str(each.id): each for each in reversed(last)}
        if not held:
            self.notify(say("interview.old.none"))
            return
        choices: Mapping[str, str] = {
            key: f"{title(each, now)}  {about(each, self._room.topics)}"
            for key, each in held.items()
        }

        def chosen(key: str | None) -> None:
            from quizdl.tui.screens.report import ReportScreen

            if key is not None:
                self.app.push_screen(ReportScreen(self._room, held[key]))

        self.app.push_screen(ChoiceScreen(say("interview.old.title"), choices), chosen)


def _at(values: list[str], value: str) -> int:
    return values.index(value) if value in values else 0
