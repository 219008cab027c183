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
from quizdl.render.answer import question_markdown
from quizdl.render.text import Span
from quizdl.session import Session, format_interval, leech_warning, missed
from quizdl.session.unfinished import Unfinished
from quizdl.tui.bench import Bench
from quizdl.tui.keys import key_of
from quizdl.tui.screens.proving import WIDE
from quizdl.tui.screens.ticking import TickingScreen
from quizdl.tui.widgets.claims import ClaimBlock, ClaimsTitle
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.ratings import RatingBar
from quizdl.tui.widgets.sheet import Block, Sheet
from quizdl.words import listed, say

LOOK_AGAIN = 10.0
"""Seconds after which the minutes to the next learning step are counted anew."""


SHORT = 1.5
"""Seconds that a note stays which lies over the question: at 80 columns, over half of its title."""


class ReviewScreen(TickingScreen):
    """Mounted once, behind the first picture; `begin` gives it a session before each showing."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        Binding("enter", "prove_chosen", say("tui.key.prove_one"), id="review.prove_chosen"),
        Binding(
            "space,enter",
            "reveal",
            say("tui.key.reveal"),
            key_display=say("tui.key.space"),
            id="review.reveal",
        ),
        Binding(
            "space,enter",
            "rate_proposed",
            say("tui.key.rate_proposed"),
            key_display=say("tui.key.space"),
            id="review.rate_proposed",
        ),
        Binding(
            "space,enter",
            "rate(3)",
            say("rating.good"),
            key_display=say("tui.key.space"),
            id="review.accept",
        ),
        *(
            Binding(
                str(n),
                f"tick({n})",
                say("tui.key.tick"),
                key_display="1 2 …",
                show=n == 1,
                id=f"review.tick_{n}",
            )
            for n in range(1, 10)
        ),
        *(
            Binding(
                str(rating.value),
                f"grade({rating.value}{', 4' * (rating > 1)})",
                say(f"rating.{rating.name.lower()}"),
                show=False,
                id=f"review.{rating.name.lower()}",
            )
            for rating in Rating
        ),
        Binding("2", "grade(3, 2)", say("rating.good"), show=False, id="review.good_of_two"),
        Binding("w", "write", say("tui.key.write"), id="review.write"),
        Binding("x", "points", say("tui.key.points"), id="review.points"),
        Binding("r", "prove", say("tui.key.prove"), id="review.prove"),
        Binding("p", "predict", say("tui.key.predict"), show=False, id="review.predict"),
        Binding("l", "lab", say("tui.key.lab"), id="review.lab"),
        Binding("escape,c", "cancel", say("tui.key.cancel"), key_display="Esc", id="review.cancel"),
        Binding(
            "escape",
            "points_done",
            say("tui.key.points_done"),
            key_display="Esc",
            id="review.points_done",
        ),
        Binding(
            "escape", "choose(0)", say("tui.key.choose_none"), show=False, id="review.choose_none"
        ),
        Binding(
            "tab", "choose(1)", say("tui.key.choose_next"), show=False, id="review.choose_next"
        ),
        Binding(
            "shift+tab",
            "choose(-1)",
            say("tui.key.choose_previous"),
            show=False,
            id="review.choose_previous",
        ),
        Binding("u", "undo", say("tui.key.undo"), id="review.undo"),
        Binding("U", "redo", say("tui.key.redo"), show=False, id="review.redo"),
        Binding("s", "skip", say("tui.key.skip"), id="review.skip"),
        Binding(
            "minus", "bury", say("tui.key.bury"), key_display="-", show=False, id="review.bury"
        ),
        Binding(
            "underscore",
            "bury_siblings",
            say("tui.key.siblings"),
            key_display="_",
            show=False,
            id="review.bury_siblings",
        ),
        Binding(
            "at",
            "suspend_question",
            say("tui.key.suspend"),
            key_display="@",
            show=False,
            id="review.suspend_question",
        ),
        Binding(
            "asterisk", "flag", say("tui.key.flag"), key_display="*", show=False, id="review.flag"
        ),
        Binding("n", "remark", say("tui.key.remark"), show=False, id="review.remark"),
        Binding("b", "look_back", say("tui.key.look_back"), show=False, id="review.look_back"),
        Binding("e", "edit", say("tui.key.edit"), show=False, id="review.edit"),
        Binding("j,down", "scroll(1)", say("tui.key.down"), show=False, id="review.down"),
        Binding("k,up", "scroll(-1)", say("tui.key.up"), show=False, id="review.up"),
        Binding("pagedown", "page(1)", say("tui.key.page_down"), show=False, id="review.page_down"),
        Binding("pageup", "page(-1)", say("tui.key.page_up"), show=False, id="review.page_up"),
        Binding("home", "edge('home')", say("tui.key.top"), show=False, id="review.top"),
        Binding("end", "edge('end')", say("tui.key.bottom"), show=False, id="review.bottom"),
        Binding("q", "leave", say("tui.key.leave"), id="review.leave"),
    ]

    class Edited(Message):
        """The learner has changed the text of a question."""

        def __init__(self, question: Question) -> None:
            super().__init__()
            self.question = question

    class MovedOn(Message):
        """Another question is asked, or none: where the session stands, if it can be left."""

        def __init__(self, left: Unfinished | None) -> None:
            super().__init__()
            self.left = left

    class Prepared(Message):
        """The answer has been laid out, and the receipts of its claims read: words by claim."""

        def __init__(self, question: Question, receipts: Mapping[str, str]) -> None:
            super().__init__()
            self.question, self.receipts = question, receipts

    def __init__(self, clock: Callable[[], datetime], bench: Bench) -> None:
        super().__init__(clock, bench)
        self._status = Band(id="status")
        self._page, self._title = Page(""), ClaimsTitle("")
        self._remark = ""
        self._session: Session | None = None
        self._begun = False
        self._topics: Mapping[str, str] = {}
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._text
        yield self._proofs
        yield self._draft
        yield self._ratings
        yield KeyLine()

    def begin(self, session: Session, topics: Mapping[str, str]) -> None:
        """Show the first question of `session`. Topics: their titles by id."""
        self._session, self._topics, self._begun = session, topics, True
        self.grades = session.grades

    def on_screen_resume(self) -> None:
        if self._begun:
            self._begun = False
            self._show_current()

    # --- what is on screen

    @property
    def session(self) -> Session:
        assert self._session is not None, "begin comes first"
        return self._session

    @property
    def predicting(self) -> bool:
        return self.session.settings.predict

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
        self._title = self._claims_title()
        self._cut(question)
        self._remark = ""
        self._show_status(question)
        self._show_parts(top=True)
        self._ratings.show_text(say("tui.review.recall", key=self._key("review.reveal")))
        self.call_after_refresh(self._prepare, question)

    def _show_parts(self, *, top: bool = False) -> None:
        """The question, and the answer once it is asked for: from the `top`, or with what is
        read still in sight and what is chosen still chosen."""
        before = self._text if self._text.chosen else self._proofs
        chosen = before.chosen
        text, proofs = self._parts(revealed=self._revealed)
        self._text.show(*text, top=top)
        self._proofs.show(*proofs, top=top)
        if chosen and not top:
            self._claims_sheet.choose(chosen, reveal=self._claims_sheet is not before)

    def _parts(self, *, revealed: bool) -> tuple[Sequence[Block], Sequence[Block]]:
        """What stands on each sheet."""
        if not revealed:
            return (self._page, *self._notes), ()
        claims = (self._title, *self.claims)
        if self._wide:
            return (self._page, *self._answer), (*self._notes, *claims)
        before, *others = self._answer  # what one said stands beside the points
        return (self._page, before, *self._notes, *others, *claims), ()

    def _claims_title(self) -> ClaimsTitle:
        run, choose = self._key("review.prove"), self._key("review.choose_next")
        return ClaimsTitle(say("tui.claims.title", count=len(self.claims), run=run, choose=choose))

    def _key(self, action: str) -> str:
        return key_of(self, action)

    def _prepare(self, question: Question) -> None:
        """While the learner recalls: make the answer ready, and say what the keys do."""
        if question is self._question:
            self.refresh_bindings()
            self._moved_on()
            self._remember(question)
            self._lay_out(question, self._answer, self._text.text_width, self._clock())

    def _remember(self, question: Question) -> None:
        """What was told and noted before."""
        with self._explained():
            last, undone = self.session.last_recall, self.session.recall
            self._remark = self.session.remark
            if undone is not None:
                self._take_note(said=self._draft.close(undone.said))
                self._show_parts()
                for point, tick in zip(self._points, undone.ticks, strict=False):
                    point.told, self._ticked = tick.told, True
            if last is not None:
                gone = missed(question, last)
                for point in self._points:
                    point.missed = point.number - 1 in gone

    @work(thread=True, group="prepare", description="lay out")  # else the repr of a question
    def _lay_out(
        self, question: Question, pages: Sequence[Page], width: int, now: datetime
    ) -> None:
        found = self._bench.receipts.of(question)
        receipts = {
            claim.id: describe(found[claim.id], question, claim, now)
            for claim in question.claims
            if claim.id in found
        }
        for page in pages:
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
        self._ratings.show_text(
            say("tui.review.wait", minutes=minutes, key=self._key("review.leave"))
        )
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
            facts.append(say("cli.asked_by", companies=listed(question.asked_by)))
        if self.session.flagged:
            facts.append(say("tui.review.flagged"))
        self._status.show((Span("  " + "  ·  ".join((*facts, left)), "muted"),))

    def _moved_on(self) -> None:
        if self.session.has_plan:
            self.post_message(self.MovedOn(self.session.left(self._clock())))

    def _finish(self) -> None:
        from quizdl.tui.screens.summary import SummaryScreen

        self._moved_on()

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
                return self._revealed and not (action == "rate" and self._ticking)
            case "grade":
                fits = parameters[1:] in ((), (len(self.grades),))
                return self._revealed and not self._ticking and fits
            case "tick":
                number = parameters[0]
                return self._ticking and isinstance(number, int) and number <= len(self._points)
            case "rate_proposed" | "points_done":
                return self._ticking
            case "points":
                return self._revealed and not self._ticking and bool(self._points)
            case "write":
                return self._question is not None and not self._revealed
            case "look_back":
                return self._session is not None and bool(self._session.answered)
            case "prove_chosen":
                return bool(self._chosen)
            case "choose":
                return self._revealed and (parameters != (0,) or bool(self._chosen))
            case "reveal":
                return self._question is not None and not self._revealed
            case "skip" | "bury" | "bury_siblings" | "suspend_question" | "flag" | "remark":
                return self._question is not None
            case "cancel":
                return self._proof.busy
            case _:
                return True

    def action_reveal(self) -> None:
        if self._question is None:
            return
        with self._explained():
            outcomes = self.session.reveal(self._clock())
            before = outcomes[Rating.GOOD].before
            self._turn = before.reps if before else 0
            self._revealed = True
            said = self._draft.close()
            self._take_note(said=said, remark=self._remark)
            self._show_parts()
            grades = self.grades
            self._ratings.show_grades(
                {
                    rating: say("tui.review.cram")
                    if self.session.cram
                    else format_interval(outcomes[rating].interval)
                    for rating in grades
                },
                {rating: self._key(_rating_id(rating, grades)) for rating in grades},
            )
            if said or self._ticked:
                self.action_points()
            self.call_after_refresh(self.refresh_bindings)

    def action_rate_proposed(self) -> None:
        self.action_rate(self._proposed or Rating.GOOD)

    def action_rate(self, rating: int) -> None:
        with self._explained():
            outcome = self.session.rate(Rating(rating), self._clock(), self._recall)
            self._show_current()
            if not self.session.cram and (warning := leech_warning(outcome)):
                self.notify(warning, severity="warning", timeout=12)

    def action_grade(self, rating: int, of: int = 0) -> None:
        """By its own key; `of`: with so many grades only (0: with any number)."""
        self.action_rate(rating)

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
                self.notify(
                    say("tui.review.undone", step=step, key=self._key("review.redo")), timeout=SHORT
                )

    def action_redo(self) -> None:
        step = self.session.next_step
        with self._explained():
            if self.session.redo(self._clock()):
                self._show_current()
                self.notify(say("tui.review.redone", step=step), timeout=SHORT)
            else:
                self.notify(say("tui.review.nothing_to_redo"))

    def action_skip(self) -> None:
        with self._explained():
            self.session.skip(self._clock())
            self._show_current()

    def action_bury(self) -> None:
        with self._explained():
            self.session.bury(self._clock())
            self.notify(say("tui.review.buried", key=self._key("review.undo")))
            self._show_current()

    def action_bury_siblings(self) -> None:
        with self._explained():
            count = self.session.bury(self._clock(), siblings=True)
            self.notify(
                say("tui.review.buried_siblings", count=count, key=self._key("review.undo"))
            )
            self._show_current()

    def action_suspend_question(self) -> None:
        with self._explained():
            self.session.suspend(self._clock())
            self.notify(say("tui.review.suspended", key=self._key("review.undo")))
            self._show_current()

    def action_flag(self) -> None:
        with self._explained():
            if self._question is not None:
                self.session.flag(self._clock())
                self._show_status(self._question)
                if self.session.flagged and not self._remark:
                    key = self._key("review.remark")
                    self.notify(say("tui.review.flag_note", key=key), timeout=SHORT)

    def action_remark(self) -> None:
        """A note of one's own about the question; a flag says that there is one."""
        from quizdl.tui.screens.remark import RemarkScreen

        question = self._question

        def written(text: str | None) -> None:
            if text is None or question is None or question is not self._question:
                return
            with self._explained():
                self.session.write(text, self._clock())
                self._remark = text
                self.notify(say("tui.review.noted"), timeout=SHORT)

        if question is not None:
            self.app.push_screen(RemarkScreen(question.title, self._remark), written)

    def action_look_back(self) -> None:
        """The questions answered before this one, to be read again."""
        from quizdl.tui.screens.lookback import LookBackScreen

        self.app.push_screen(LookBackScreen(self.session.answered))

    def action_edit(self) -> None:
        """The question's text in the learner's own editor, then back to where they were."""
        if self._question is None:
            return
        if self.app.is_web:
            path = self._question.folder / "question.md"
            self.notify(say("tui.review.in_browser", path=path), severity="warning")
            return
        chosen = self.session.settings.editor
        editor = chosen or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
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
            said = {"line": first.line, "message": first.message, "fix": first.fix}
            text = say("tui.review.edited_badly", **said)
            self.notify(text, severity="error", timeout=12)
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


def _rating_id(rating: Rating, grades: Sequence[Rating]) -> str:
    """The action that gives it, as bound to its own key."""
    two = rating is Rating.GOOD and len(grades) < len(Rating)
    return "review.good_of_two" if two else f"review.{rating.name.lower()}"
