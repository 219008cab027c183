"""A review: the question, the learner's recall, the answer and its proofs, a grade."""

from __future__ import annotations

import math
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from textual import on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding
from textual.message import Message
from textual.timer import Timer

from quizdl.bank.loader import read_question
from quizdl.model import Forecast, Question, Rating
from quizdl.proof.receipts import describe
from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.render.text import Span
from quizdl.session import Session, format_interval, leech_warning
from quizdl.tui.bench import Bench
from quizdl.tui.screens.proving import WIDE, ProvingScreen
from quizdl.tui.widgets.claims import ClaimBlock, ClaimsTitle
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.ratings import RatingBar
from quizdl.tui.widgets.sheet import Block, Sheet
from quizdl.words import say

LOOK_AGAIN = 10.0
"""Seconds after which the minutes to the next learning step are counted anew."""


SHORT = 1.5
"""Seconds that a note stays which lies over the question: at 80 columns, over half of its title."""


class ReviewScreen(ProvingScreen):
    """Mounted once, behind the first picture; `begin` gives it a session before each showing."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        Binding("enter", "prove_chosen", say("tui.key.prove_one")),
        Binding("space,enter", "reveal", say("tui.key.reveal"), key_display="空格"),
        Binding("space,enter", "rate(3)", say("rating.good"), key_display="空格"),
        *(
            Binding(str(rating.value), f"rate({rating.value})", say("tui.key.rate"), show=False)
            for rating in Rating
        ),
        Binding("r", "prove", say("tui.key.prove")),
        Binding("p", "predict", say("tui.key.predict"), show=False),
        Binding("l", "lab", say("tui.key.lab")),
        Binding("escape,c", "cancel", say("tui.key.cancel"), key_display="Esc"),
        Binding("escape", "choose(0)", say("tui.key.choose_none"), show=False),
        Binding("tab", "choose(1)", say("tui.key.choose_next"), show=False),
        Binding("shift+tab", "choose(-1)", say("tui.key.choose_previous"), show=False),
        Binding("u", "undo", say("tui.key.undo")),
        Binding("U", "redo", say("tui.key.redo"), show=False),
        Binding("s", "skip", say("tui.key.skip")),
        Binding("minus", "bury", say("tui.key.bury"), key_display="-", show=False),
        Binding("at", "suspend_question", say("tui.key.suspend"), key_display="@", show=False),
        Binding("asterisk", "flag", say("tui.key.flag"), key_display="*", show=False),
        Binding("e", "edit", say("tui.key.edit"), show=False),
        Binding("j,down", "scroll(1)", say("tui.key.down"), show=False),
        Binding("k,up", "scroll(-1)", say("tui.key.up"), show=False),
        Binding("pagedown", "page(1)", say("tui.key.page_down"), show=False),
        Binding("pageup", "page(-1)", say("tui.key.page_up"), show=False),
        Binding("home", "edge('home')", say("tui.key.top"), show=False),
        Binding("end", "edge('end')", say("tui.key.bottom"), show=False),
        Binding("q", "leave", say("tui.key.leave")),
    ]

    class Edited(Message):
        """The learner has changed the text of a question."""

        def __init__(self, question: Question) -> None:
            super().__init__()
            self.question = question

    class Prepared(Message):
        """The answer has been laid out, and the receipts of its claims read: words by claim."""

        def __init__(self, question: Question, receipts: Mapping[str, str]) -> None:
            super().__init__()
            self.question, self.receipts = question, receipts

    def __init__(self, clock: Callable[[], datetime], bench: Bench) -> None:
        super().__init__(clock, bench)
        self._status = Band(id="status")
        self._page, self._title = Page(""), ClaimsTitle(0)
        self._session: Session | None = None
        self._begun = False
        self._topics: Mapping[str, str] = {}
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._text
        yield self._proofs
        yield self._ratings
        yield KeyLine()

    def begin(self, session: Session, topics: Mapping[str, str]) -> None:
        """Show the first question of `session`. Topics: their titles by id."""
        self._session, self._topics, self._begun = session, topics, True

    def on_screen_resume(self) -> None:
        if self._begun:
            self._begun = False
            self._show_current()

    # --- what is on screen

    @property
    def session(self) -> Session:
        assert self._session is not None, "begin comes first"
        return self._session

    def log_prediction(
        self, question: Question, claim: str, forecasts: Sequence[Forecast], at: datetime
    ) -> None:
        self.session.predict(claim, forecasts, at, question)

    def on_resize(self) -> None:
        if self._question is not None:
            self._show_parts()

    def _show_current(self) -> None:
        """Put up the question the session says is next, or the end."""
        self._stop_proof()
        question = self._question = self.session.current
        self._revealed = self._ran = False
        if self._waiting is not None:
            self._waiting.stop()
        if question is None:
            self._text.show()
            self._proofs.show()
            if self.session.wait_until is not None:
                self._wait()
            else:
                self._finish()
            return
        self._page = Page(question_markdown(question))
        self.claims = [ClaimBlock(claim) for claim in question.claims]
        self._title = ClaimsTitle(len(self.claims))
        self._answer = Page(answer_markdown(question), self._marks())
        self._show_status(question)
        self._show_parts()
        self._ratings.show_text(say("tui.review.recall"))
        self.call_after_refresh(self._prepare, question)

    def _show_parts(self) -> None:
        """The question, and the answer once it is asked for."""
        text, proofs = self._parts(revealed=self._revealed)
        self._text.show(*text, top=not self._revealed)
        self._proofs.show(*proofs)

    def _parts(self, *, revealed: bool) -> tuple[Sequence[Block], Sequence[Block]]:
        """What stands on each sheet."""
        if not revealed:
            return (self._page,), ()
        claims = (self._title, *self.claims)
        if self._wide:
            return (self._page, self._answer), claims
        return (self._page, self._answer, *claims), ()

    def _prepare(self, question: Question) -> None:
        """While the learner recalls: make the answer ready, and say what the keys do."""
        if question is self._question:
            self.refresh_bindings()
            self._lay_out(question, self._answer, self._text.text_width, self._clock())

    @work(thread=True, group="prepare")
    def _lay_out(self, question: Question, page: Page, width: int, now: datetime) -> None:
        found = self._bench.receipts.of(question)
        receipts = {
            claim.id: describe(found[claim.id], question, claim, now)
            for claim in question.claims
            if claim.id in found
        }
        page.lay_out(width)
        self.post_message(self.Prepared(question, receipts))

    @on(Prepared)
    def _draw_ahead(self, message: Prepared) -> None:
        if message.question is not self._question:
            return
        for block in self.claims:
            block.receipt = message.receipts.get(block.key, "")
        if self._revealed:
            self._changed(*self.claims)
        else:
            for sheet, blocks in zip(
                (self._text, self._proofs), self._parts(revealed=True), strict=True
            ):
                sheet.prepare(*blocks)

    def _wait(self) -> None:
        """Nothing to ask before the next learning step: say when it comes, and look again."""
        until = self._session.wait_until if self._session is not None else None
        if until is None or self._question is not None:
            return
        left = (until - self._clock()).total_seconds()
        if left <= 0 and self.session.refresh(self._clock()) is not None:
            self._show_current()
            return
        minutes = max(1, math.ceil(left / 60))
        self._ratings.show_text(say("tui.review.wait", minutes=minutes))
        self.refresh_bindings()
        self._waiting = self.set_timer(min(max(left, 1), LOOK_AGAIN), self._wait)

    def _show_status(self, question: Question) -> None:
        today = self.session.today(self._clock())
        left = say("tui.review.left", learning=today.learning, review=today.review, new=today.new)
        facts = [
            self._topics.get(question.topic, question.topic),
            "★" * question.level + "☆" * (3 - question.level),
        ]
        if question.asked_by:
            facts.append(say("cli.asked_by", companies="、".join(question.asked_by)))
        if self.session.flagged:
            facts.append(say("tui.review.flagged"))
        self._status.show((Span("  " + "  ·  ".join((*facts, left)), "muted"),))

    def _finish(self) -> None:
        from quizdl.tui.screens.summary import SummaryScreen

        def closed(undo: bool | None) -> None:
            with self._explained():
                if undo and self.session.undo(self._clock()) is not None:
                    self._show_current()
                    return
            self._end()

        self.app.push_screen(SummaryScreen(self.session.summary(self._clock())), closed)

    def _end(self) -> None:
        self._session = self._question = None
        self.dismiss()

    # --- answering

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "rate" | "prove" | "predict" | "lab":
                return self._revealed
            case "prove_chosen":
                return bool(self._chosen)
            case "choose":
                return self._revealed and (parameters != (0,) or bool(self._chosen))
            case "reveal":
                return self._question is not None and not self._revealed
            case "skip" | "bury" | "suspend_question" | "flag":
                return self._question is not None
            case "cancel":
                return self._proof.busy
            case _:
                return True

    def action_reveal(self) -> None:
        if self._question is not None:
            outcomes = self.session.reveal(self._clock())
            before = outcomes[Rating.GOOD].before
            self._turn = before.reps if before else 0
            self._revealed = True
            self._show_parts()
            self._ratings.show_grades(
                {rating: format_interval(outcome.interval) for rating, outcome in outcomes.items()}
            )
            self.call_after_refresh(self.refresh_bindings)

    def action_rate(self, rating: int) -> None:
        with self._explained():
            outcome = self.session.rate(Rating(rating), self._clock())
            self._show_current()
            if warning := leech_warning(outcome):
                self.notify(warning, severity="warning", timeout=12)

    @on(RatingBar.Rated)
    def _rated(self, message: RatingBar.Rated) -> None:
        self.action_rate(message.rating)

    def action_undo(self) -> None:
        step = self.session.last_step
        with self._explained():
            if self.session.undo(self._clock()) is None:
                self.notify(say("tui.review.nothing_to_undo"))
            else:
                self._show_current()
                self.notify(say("tui.review.undone", step=step), timeout=SHORT)

    def action_redo(self) -> None:
        step = self.session.next_step
        with self._explained():
            if self.session.redo(self._clock()):
                self._show_current()
                self.notify(say("tui.review.redone", step=step), timeout=SHORT)
            else:
                self.notify(say("tui.review.nothing_to_redo"))

    def action_skip(self) -> None:
        self.session.skip(self._clock())
        self._show_current()

    def action_bury(self) -> None:
        with self._explained():
            self.session.bury(self._clock())
            self.notify(say("tui.review.buried"))
            self._show_current()

    def action_suspend_question(self) -> None:
        with self._explained():
            self.session.suspend(self._clock())
            self.notify(say("tui.review.suspended"))
            self._show_current()

    def action_flag(self) -> None:
        with self._explained():
            if self._question is not None:
                self.session.flag(self._clock())
                self._show_status(self._question)

    def action_edit(self) -> None:
        """The question's text in the learner's own editor, then back to where they were."""
        if self._question is None:
            return
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        folder = self._question.folder
        try:
            with self.app.suspend():
                subprocess.run([*shlex.split(editor), folder / "question.md"], check=False)
        except (OSError, ValueError, SuspendNotSupported) as error:
            self.notify(say("tui.review.no_editor", editor=editor, why=error), severity="error")
            return
        question, problems = read_question(folder, self._question.topic)
        if question is None:
            first = problems[0]
            text = say("tui.review.edited_badly", line=first.line, message=first.message)
            self.notify(text + first.fix, severity="error", timeout=12)
            return
        self.session.replace(question)
        self.post_message(self.Edited(question))
        revealed = self._revealed
        self._show_current()
        if revealed:
            self.action_reveal()

    def action_leave(self) -> None:
        self._stop_proof()
        if self.session.summary(self._clock()).ratings:
            self._finish()
        else:
            self._end()

    @property
    def _scroller(self) -> Sheet:
        """What the scrolling keys move: the answer, or beside it the claims one has gone to."""
        return self._claims_sheet if self._chosen else self._text

    def action_scroll(self, lines: int) -> None:
        self._scroller.scroll_rows(lines * 2)

    def action_page(self, pages: int) -> None:
        self._scroller.scroll_pages(pages)

    def action_edge(self, edge: str) -> None:
        self._scroller.scroll_edge(end=edge == "end")
