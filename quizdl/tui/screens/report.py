"""What came of an interview: what was missed, with its proofs, and what of it to review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message

from quizdl.exchange import interviews
from quizdl.interview.report import Offer, offers, report
from quizdl.model import (
    Interview,
    Question,
    Rating,
    Recall,
    Review,
)
from quizdl.proof.receipts import describe
from quizdl.render.text import Span
from quizdl.session import Answered, propose
from quizdl.tui.room import Room
from quizdl.tui.screens.choice import ChoiceScreen
from quizdl.tui.screens.reading import InterviewStage
from quizdl.tui.screens.running import RunningScreen
from quizdl.tui.widgets.claims import ClaimBlock
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.interview import OfferBlock, Words
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.sheet import Block, Sheet
from quizdl.words import say

FRESH = timedelta(hours=12)
"""So long after its beginning an interview still says what one remembers now."""


class ReportScreen(RunningScreen[None], InterviewStage[None]):
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        Binding("a", "accept", say("tui.key.report.accept"), id="report.accept"),
        Binding("u", "undo", say("tui.key.undo"), id="report.undo"),
        Binding(
            "tab",
            "choose(1)",
            say("tui.key.report.choose"),
            key_display="Tab",
            id="report.choose_next",
        ),
        Binding(
            "shift+tab",
            "choose(-1)",
            say("tui.key.report.choose"),
            show=False,
            id="report.choose_previous",
        ),
        *(
            Binding(
                str(rating.value),
                f"rate({rating.value})",
                say("tui.key.rate"),
                show=False,
                id=f"report.{rating.name.lower()}",
            )
            for rating in Rating
        ),
        Binding(
            "space,enter",
            "pick",
            say("tui.key.report.pick"),
            key_display=say("tui.key.space"),
            id="report.pick",
        ),
        Binding("r", "prove", say("tui.key.prove"), id="report.prove"),
        Binding("o", "answers", say("tui.key.report.answers"), id="report.answers"),
        Binding("c", "cancel", say("tui.key.cancel"), show=False, id="report.cancel"),
        Binding("q,escape", "leave", say("tui.key.back"), key_display="q", id="report.leave"),
    ]

    class Receipts(Message):
        """What earlier proofs left, in words: by the key of a block."""

        def __init__(self, found: Mapping[str, str]) -> None:
            super().__init__()
            self.found = found

    def __init__(self, room: Room, interview: Interview) -> None:
        super().__init__(room.pool, room.receipts, room.clock)
        self._room, self._interview = room, interview
        self._title = Band(id="interview-title")
        questions = {question.id: question for question in room.library.questions}
        self._bank = interviews.Bank(questions, room.topics, room.receipts, room.clock())
        self._found = report(interview, {each.id: each.topic for each in questions.values()})
        self._claims: dict[str, tuple[Question, ClaimBlock]] = {}
        self._offered: Sequence[OfferBlock] = ()
        self._made: Sequence[Review] = ()
        self._decided = False
        """Whether the learner has recorded them, or has taken that back."""

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._sheet
        yield KeyLine()

    def on_mount(self) -> None:
        title = interviews.title(self._interview, self._bank.now)
        number = say("report.number", number=self._interview.id)
        self._title.show((Span(f"  {title}  ·  {number}", "strong"),))
        with self._explained():
            self._offer()
        self._show()
        self._read_receipts()

    # --- what is on screen

    def _offer(self) -> None:
        """What could be a review, as long as it was just now that one was asked."""
        now = self._room.clock()
        if now - self._interview.begun > FRESH:
            return
        asked = [
            q for each in self._interview.exchanges if (q := each.question) in self._bank.questions
        ]
        offered = offers(self._interview, self._room.library.outcomes(asked, now))
        self._offered = [
            OfferBlock(each, self._bank.questions[each.question].title) for each in offered
        ]

    def _show(self) -> None:
        found, bank = self._found, self._bank
        about = interviews.about(self._interview, bank.topics)
        blocks: list[Block] = [
            Words(about, "muted"),
            Page(interviews.overall(found)),
            *self._offer_blocks(),
            Page(f"## {say('interview.report.missed')}"),
        ]
        for each in found.missed:
            blocks.append(Page("- " + interviews.missed_line(found, each)))
            for question, claim in bank.claims(each):
                key = f"{question.id}#{claim.id}"
                if key not in self._claims:
                    block = ClaimBlock(claim)
                    block.key = key
                    self._claims[key] = question, block
                    blocks.append(block)
        if not found.missed:
            blocks.append(Words(say("interview.report.missed.none")))
        parts = (
            interviews.untold(found),
            interviews.weak(found, bank.topics),
            interviews.times(found, bank),
            interviews.said(found, bank),
        )
        blocks += [Page(part) for part in parts if part]
        blocks.append(Words(say("interview.kept", number=self._interview.id), "muted"))
        self._sheet.show(*blocks)

    def _offer_blocks(self) -> Sequence[Block]:
        if not self._offered:
            return (Words(say("interview.offers.none"), "muted"),)
        heading = Words(say("interview.offers.title"), "strong")
        heading.tight = True
        self._hint = Words("", "muted")
        self._say_hint()
        return (heading, *self._offered, self._hint)

    def _say_hint(self) -> None:
        text = say("report.undo_hint", count=len(self._made)) if self._made else ""
        self._hint.text = text or say("report.hint")
        self._sheet.changed(self._hint)

    @work(thread=True, group="receipts")
    def _read_receipts(self) -> None:
        self.post_message(
            self.Receipts(
                {
                    key: describe(
                        self._room.receipts.of(question).get(block.claim.id),
                        question,
                        block.claim,
                        self._bank.now,
                    )
                    for key, (question, block) in self._claims.items()
                }
            )
        )

    @on(Receipts)
    def _show_receipts(self, message: Receipts) -> None:
        for key, text in message.found.items():
            self._claims[key][1].receipt = text
        self._sheet.changed(*(block for _, block in self._claims.values()))

    # --- choosing

    @property
    def _offer_chosen(self) -> OfferBlock | None:
        return next((block for block in self._offered if block.current), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "accept":
                return not self._made and any(block.offer.chosen for block in self._offered)
            case "undo":
                return bool(self._made)
            case "rate":
                place, block = parameters[0], self._offer_chosen
                offered = block is not None and place in range(1, len(block.offer.outcomes) + 1)
                return offered and not self._made
            case "pick":
                return bool(self._sheet.chosen) and not (self._offer_chosen and self._made)
            case "prove":
                return bool(self._claims)
            case "choose":
                return bool(self._offered or self._claims)
            case "cancel":
                return self._proof.busy
        return True

    def action_choose(self, step: int) -> None:
        keys = [*(block.key for block in self._offered), *self._claims]
        chosen = self._sheet.chosen
        place = keys.index(chosen) + step if chosen else min(step - 1, 0)
        self._choose(keys[place % len(keys)])

    def _choose(self, key: str) -> None:
        changed = [block for block in self._offered if block.current is not (block.key == key)]
        for block in changed:
            block.current = block.key == key
        self._sheet.changed(*changed)
        self._sheet.choose(key)
        self.refresh_bindings()

    @on(Sheet.Clicked)
    def _clicked(self, message: Sheet.Clicked) -> None:
        if message.key in self._claims or any(b.key == message.key for b in self._offered):
            self._choose(message.key)
            if self.check_action("pick", ()):
                self.action_pick()

    def action_pick(self) -> None:
        """An offer is taken or left; a claim is run."""
        block = self._offer_chosen
        if block is None:
            self._prove([self._sheet.chosen])
        else:
            self._change(block, replace(block.offer, chosen=not block.offer.chosen))

    def action_rate(self, place: int) -> None:
        """With the grade at that place among those that are offered."""
        block = self._offer_chosen
        if block is not None:
            rating = [*block.offer.outcomes][place - 1]
            self._change(block, replace(block.offer, rating=rating, chosen=True))

    def _change(self, block: OfferBlock, offer: Offer) -> None:
        block.offer = offer
        self._sheet.changed(block)
        self.refresh_bindings()

    # --- as reviews

    def action_accept(self) -> None:
        chosen = [block.offer for block in self._offered if block.offer.chosen]
        with self._explained():
            self._made = self._room.library.rate_all(
                [(each.outcome, each.duration) for each in chosen], self._room.clock()
            )
            self._recorded(recorded=True)
            self.notify(say("interview.offers.done", count=len(self._made)))

    def action_undo(self) -> None:
        with self._explained():
            self._room.library.undo_all(self._made, self._room.clock())
            self._made = ()
            self._recorded(recorded=False)
            self.notify(say("report.undone"))

    def _recorded(self, *, recorded: bool) -> None:
        self._decided = True
        for block in self._offered:
            block.recorded = recorded
        self._sheet.changed(*self._offered)
        self._say_hint()
        self.refresh_bindings()

    # --- proofs and answers

    def action_prove(self) -> None:
        """The chosen claim, or all that prove something that was missed."""
        chosen = self._sheet.chosen
        self._prove([chosen] if chosen in self._claims else list(self._claims))

    def _prove(self, keys: Sequence[str]) -> None:
        self._run_these([self._claims[key] for key in keys])
        self._sheet.reveal(keys[0])

    def _changed(self, *blocks: ClaimBlock) -> None:
        self._sheet.changed(*blocks)

    def action_answers(self) -> None:
        """The whole answers, beginning with that of what is chosen."""
        from quizdl.tui.screens.lookback import LookBackScreen

        answered = [
            Answered(
                self._bank.questions[each.question],
                propose(each.ticks) if each.ticks else Rating.AGAIN,
                None,
                Recall(each.main.said, each.ticks),
            )
            for each in self._interview.exchanges
            if each.question in self._bank.questions
        ]
        if not answered:
            return
        chosen = self._sheet.chosen.removeprefix("offer:").partition("#")[0]
        ids = [each.question.id for each in answered]
        at = ids.index(chosen) if chosen in ids else 0
        self.app.push_screen(LookBackScreen(answered, at))

    def action_leave(self) -> None:
        """What is offered is not lost by an early key: it is asked about once."""
        self._stop_proof()
        count = sum(block.offer.chosen for block in self._offered)
        if self._decided or not count:
            self.dismiss()
            return
        choices = {key: say(f"report.leave.{key}") for key in ("accept", "leave")}
        title = say("report.leave.title", count=count)
        self.app.push_screen(ChoiceScreen(title, choices), self._leave)

    def _leave(self, key: str | None) -> None:
        if key == "accept":
            self.action_accept()
        if key == "leave" or self._made:
            self.dismiss()
