"""A review: the question, the learner's recall, the answer and its proofs, a grade."""

from __future__ import annotations

import math
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from quizdl.bank.loader import read_question
from quizdl.model import SEEDS, Claim, Judged, Measured, ProofEvent, Question, Rating
from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.session import Session, format_interval
from quizdl.tui.widgets.claims import ClaimRow, ClaimsPanel
from quizdl.tui.widgets.lines import Lines
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.ratings import RatingBar
from quizdl.words import QuizdlError, say

if TYPE_CHECKING:
    from quizdl.proof.pool import Pool

WIDE = 110
ASKING = frozenset({"#question", "#recall"})
ANSWERING = frozenset({"#question", "#answer", "#proofs", "RatingBar"})
WAITING = frozenset({"#waiting"})


class ReviewScreen(Screen[None]):
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        Binding("space,enter", "reveal", say("tui.key.reveal"), key_display="空格"),
        Binding("space,enter", "rate(3)", say("rating.good"), key_display="空格"),
        *(
            Binding(str(rating.value), f"rate({rating.value})", say("tui.key.rate"), show=False)
            for rating in Rating
        ),
        Binding("r", "prove", say("tui.key.prove")),
        Binding("escape", "cancel", say("tui.key.cancel"), key_display="Esc"),
        Binding("u", "undo", say("tui.key.undo")),
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

    class Proved(Message):
        """News from a proof; `run` tells which one, because an old run may still be talking."""

        def __init__(self, run: int, event: ProofEvent | QuizdlError | None) -> None:
            super().__init__()
            self.run = run
            self.event = event

    class Edited(Message):
        """The learner has changed the text of a question."""

        def __init__(self, question: Question) -> None:
            super().__init__()
            self.question = question

    def __init__(
        self,
        session: Session,
        topics: Mapping[str, str],
        clock: Callable[[], datetime],
        pool: Pool,
    ) -> None:
        super().__init__()
        self._session, self._clock, self._pool = session, clock, pool
        self._topics = topics
        self._question: Question | None = None
        self._revealed = False
        self._run = 0
        self._proving = False

    def compose(self) -> ComposeResult:
        yield Static(id="status", markup=False)
        with VerticalScroll(id="body", can_focus=False):
            with VerticalScroll(id="text", can_focus=False):
                yield Page(id="question")
                yield Static(say("tui.review.recall"), id="recall")
                yield Static(id="waiting")
                yield Page(id="answer")
            with VerticalScroll(id="proofs", can_focus=False):
                yield ClaimsPanel()
        yield RatingBar()
        yield Footer()

    async def on_mount(self) -> None:
        await self._show_current()

    # --- what is on screen

    async def _show_current(self) -> None:
        """Put up the question the session says is next, or the end."""
        self._stop_proof()
        question = self._question = self._session.current
        self._revealed = False
        waiting = question is None and self._session.wait_until is not None
        self._show_parts(WAITING if waiting else ASKING)
        if question is None:
            if waiting:
                self._wait()
            else:
                self._finish()
            return
        self._show_status(question)
        self.query_one("#question", Page).show(question_markdown(question))
        self.query_one("#body").scroll_home(animate=False)
        self.query_one("#text").scroll_home(animate=False)
        self.set_focus(None)
        self.query_one(ClaimsPanel).reset()
        self.call_after_refresh(self._prepare, question)

    async def _prepare(self, question: Question) -> None:
        """While the learner recalls: all of the answer that can be made ready, and the footer."""
        if question is not self._question:
            return
        self.refresh_bindings()
        panel = self.query_one(ClaimsPanel)
        await panel.show(question.claims)
        width = self.query_one("#question", Page).content_size.width
        for row in panel.rows():
            row.layout_lines(width)
        self._lay_out(answer_markdown(question), panel.marks(), width)

    @work(thread=True, group="prepare")
    def _lay_out(self, markdown: str, marks: Mapping[str, str], width: int) -> None:
        Page.prepare(markdown, marks, width)

    def _show_parts(self, parts: frozenset[str]) -> None:
        """Show these parts and no others. A class of the screen would do, but for it Textual
        matches every widget against the style sheet anew: a third of the wait for an answer."""
        for part in ASKING | ANSWERING | WAITING:
            self.query_one(part).display = part in parts

    def _wait(self) -> None:
        """Nothing to ask before the next learning step: say when it comes, and look again."""
        until = self._session.wait_until
        if until is None or self._question is not None:
            return
        left = (until - self._clock()).total_seconds()
        if left <= 0 and self._session.refresh(self._clock()) is not None:
            self.run_worker(self._show_current())
            return
        minutes = max(1, math.ceil(left / 60))
        self.query_one("#waiting", Static).update(say("tui.review.wait", minutes=minutes))
        self.set_timer(min(max(left, 1), 10), self._wait)

    def _show_status(self, question: Question) -> None:
        today = self._session.today(self._clock())
        left = say("tui.review.left", learning=today.learning, review=today.review, new=today.new)
        facts = [
            self._topics.get(question.topic, question.topic),
            "★" * question.level + "☆" * (3 - question.level),
        ]
        if question.asked_by:
            facts.append(say("cli.asked_by", companies="、".join(question.asked_by)))
        if self._session.flagged:
            facts.append(say("tui.review.flagged"))
        self.query_one("#status", Static).update("  ·  ".join((*facts, left)))

    def _finish(self) -> None:
        from quizdl.tui.screens.summary import SummaryScreen

        async def closed(undo: bool | None) -> None:
            with self._explained():
                if undo and self._session.undo(self._clock()) is not None:
                    await self._show_current()
                    return
            self.dismiss()

        self.app.push_screen(SummaryScreen(self._session.summary(self._clock())), closed)

    # --- answering

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "rate" | "prove":
                return self._revealed
            case "reveal":
                return self._question is not None and not self._revealed
            case "skip" | "bury" | "suspend_question" | "flag":
                return self._question is not None
            case "cancel":
                return self._proving
            case _:
                return True

    async def action_reveal(self) -> None:
        if self._question is not None:
            await self._reveal(self._question)

    async def _reveal(self, question: Question) -> None:
        outcomes = self._session.reveal(self._clock())
        self.query_one(RatingBar).show(
            {rating: format_interval(outcome.interval) for rating, outcome in outcomes.items()}
        )
        panel = self.query_one(ClaimsPanel)
        await panel.show(question.claims)
        self.query_one("#answer", Page).show(answer_markdown(question), panel.marks())
        self._revealed = True
        self._show_parts(ANSWERING)
        self.call_after_refresh(self.refresh_bindings)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """A disk that is full, say: the learner reads why, and the question stays."""
        try:
            yield
        except QuizdlError as error:
            self.notify(str(error), severity="error", timeout=12)

    async def action_rate(self, rating: int) -> None:
        with self._explained():
            self._session.rate(Rating(rating), self._clock())
            await self._show_current()

    @on(RatingBar.Rated)
    async def _rated(self, message: RatingBar.Rated) -> None:
        await self.action_rate(message.rating)

    async def action_undo(self) -> None:
        with self._explained():
            if self._session.undo(self._clock()) is None:
                self.notify(say("tui.review.nothing_to_undo"))
            else:
                await self._show_current()

    async def action_skip(self) -> None:
        self._session.skip(self._clock())
        await self._show_current()

    async def action_bury(self) -> None:
        with self._explained():
            self._session.bury(self._clock())
            self.notify(say("tui.review.buried"))
            await self._show_current()

    async def action_suspend_question(self) -> None:
        with self._explained():
            self._session.suspend(self._clock())
            self.notify(say("tui.review.suspended"))
            await self._show_current()

    def action_flag(self) -> None:
        with self._explained():
            if self._question is not None:
                self._session.flag(self._clock())
                self._show_status(self._question)

    async def action_edit(self) -> None:
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
        self._session.replace(question)
        self.post_message(self.Edited(question))
        revealed = self._revealed
        await self._show_current()
        if revealed:
            await self._reveal(question)

    def action_leave(self) -> None:
        self._stop_proof()
        if self._session.summary(self._clock()).ratings:
            self._finish()
        else:
            self.dismiss()

    @property
    def _scroller(self) -> Widget:
        """What holds the answer: one column scrolls as a whole, two on their own."""
        return self.query_one("#text" if self.has_class("-wide") else "#body")

    def action_scroll(self, lines: int) -> None:
        self._scroller.scroll_relative(y=lines * 2, animate=False)

    def action_page(self, pages: int) -> None:
        height = self._scroller.scrollable_content_region.height
        self._scroller.scroll_relative(y=pages * max(1, height - 2), animate=False)

    def action_edge(self, edge: str) -> None:
        scroll = self._scroller.scroll_home if edge == "home" else self._scroller.scroll_end
        scroll(animate=False)

    # --- proving

    def action_prove(self) -> None:
        if self._question is not None:
            self._prove(self._question, self._question.claims)

    @on(ClaimRow.Wanted)
    @on(Lines.ClaimClicked)
    def _prove_one(self, message: ClaimRow.Wanted | Lines.ClaimClicked) -> None:
        claim = self._question.claim(message.claim) if self._question else None
        if self._question is not None and claim is not None and self._revealed:
            self._prove(self._question, (claim,))

    def _prove(self, question: Question, claims: Sequence[Claim]) -> None:
        self._stop_proof()
        self._run += 1
        panel = self.query_one(ClaimsPanel)
        for claim in claims:
            if (row := panel.row(claim.id)) is not None:
                row.queue(runs=len(SEEDS) * len(claim.arms()))
        self._proving = True
        self.refresh_bindings()
        self._show_marks()
        if not self.has_class("-wide"):
            target = panel if len(claims) > 1 else panel.row(claims[0].id)
            if target is not None:
                # after the layout: the answer may have been shown a moment ago
                self.call_after_refresh(
                    self.query_one("#body").scroll_to_widget, target, animate=False, top=True
                )
        self._follow(self._run, [(question, claim) for claim in claims])

    @work(thread=True, group="proof")
    def _follow(self, run: int, targets: Sequence[tuple[Question, Claim]]) -> None:
        """In a thread: pass on what the pool says; widgets are not touched from here."""
        try:
            for event in self._pool.prove(targets, SEEDS):
                if run != self._run:
                    break
                self.post_message(self.Proved(run, event))
        except QuizdlError as error:
            self.post_message(self.Proved(run, error))
        self.post_message(self.Proved(run, None))

    def on_review_screen_proved(self, message: Proved) -> None:
        if message.run != self._run:
            return
        match message.event:
            case Measured(claim=claim, sample=sample):
                if (row := self.query_one(ClaimsPanel).row(claim)) is not None:
                    row.add(sample)
            case Judged(claim=claim, result=result):
                if (row := self.query_one(ClaimsPanel).row(claim)) is not None:
                    row.finish(result)
                    self._show_marks()
            case QuizdlError() as error:
                self.notify(str(error), severity="error")
            case None:
                self._ended()

    def action_cancel(self) -> None:
        self._stop_proof()
        self.notify(say("tui.review.cancelled"))

    def _stop_proof(self) -> None:
        if self._proving:
            self._run += 1
            self._pool.cancel()
            self._ended()

    def _ended(self) -> None:
        self._proving = False
        for row in self.query_one(ClaimsPanel).rows():
            row.cancel()
        self._show_marks()
        self.refresh_bindings()

    def _show_marks(self) -> None:
        self.query_one("#answer", Page).set_marks(self.query_one(ClaimsPanel).marks())
