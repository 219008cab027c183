"""The lab: one claim, its parameters as dials, proof and controls side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer

from quizdl.bank.copies import with_demo
from quizdl.lab import State, Sweep, alone, dials
from quizdl.model import SEEDS, Claim, Measured, Question, Sample, Trial, Value
from quizdl.proof.probe import summary
from quizdl.render.cells import cells
from quizdl.render.text import Span
from quizdl.tui.bench import Bench
from quizdl.tui.follower import Follower
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.experiment import (
    ArmTable,
    DialBlock,
    Figures,
    Statement,
    SweepBlock,
    figures_of,
)
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.sheet import Block, Sheet
from quizdl.words import QuizdlError, say

PAUSE = 0.08
"""Seconds without a turn after which the experiment runs, when one is running already."""
PATIENCE = 10.0
"""Seconds to wait for a server that has only just been started."""
FRAME = 1 / 30
"""Seconds between two pictures of numbers that come in faster than anybody reads."""

_Setting = tuple[str, tuple[tuple[str, Value], ...], int]


class LabScreen(ModalScreen[None]):
    """Beside the answer where there is room, over it where there is not."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        Binding(
            "up,k",
            "dial(-1)",
            say("tui.key.lab.dial"),
            key_display="↑↓",
            show=False,
            id="lab.previous_dial",
        ),
        Binding("down,j", "dial(1)", say("tui.key.lab.dial"), show=False, id="lab.next_dial"),
        Binding(
            "left,h", "turn(-1)", say("tui.key.lab.turn"), key_display="←→", id="lab.turn_down"
        ),
        Binding("right,l", "turn(1)", say("tui.key.lab.turn"), show=False, id="lab.turn_up"),
        Binding(
            "shift+left", "turn(-99)", say("tui.key.lab.far"), show=False, id="lab.turn_to_least"
        ),
        Binding(
            "shift+right", "turn(99)", say("tui.key.lab.far"), show=False, id="lab.turn_to_most"
        ),
        Binding("0", "default", say("tui.key.lab.default"), show=False, id="lab.default"),
        Binding("w", "sweep", say("tui.key.lab.sweep"), id="lab.sweep"),
        Binding("E", "edit", say("tui.key.lab.edit"), id="lab.edit"),
        Binding(
            "tab", "claim(1)", say("tui.key.lab.claim"), key_display="Tab", id="lab.next_claim"
        ),
        Binding("x", "reset", say("tui.key.lab.reset"), id="lab.reset"),
        Binding("s", "seeds", say("tui.key.lab.seeds"), id="lab.seeds"),
        Binding(
            "shift+tab", "claim(-1)", say("tui.key.lab.claim"), show=False, id="lab.previous_claim"
        ),
        Binding("n", "number", say("tui.key.lab.number"), show=False, id="lab.number"),
        Binding("r", "again", say("tui.key.lab.again"), show=False, id="lab.again"),
        Binding(
            "pagedown,space", "page(1)", say("tui.key.page_down"), show=False, id="lab.page_down"
        ),
        Binding("pageup", "page(-1)", say("tui.key.page_up"), show=False, id="lab.page_up"),
        Binding("escape,q", "close", say("tui.key.lab.close"), key_display="Esc", id="lab.close"),
        # a modal screen does not see the keys of the app
        Binding("question_mark", "app.help", say("tui.key.help"), key_display="?", id="app.help"),
    ]

    class Confined(Message):
        """What confines the demos here, in words."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, question: Question, claim: str, bench: Bench) -> None:
        """`claim`: the id of the one to begin with."""
        super().__init__()
        self._original = question
        self.question = self._with_copy(question, claim, bench)
        self._bench, self._proof = bench, Follower(self, bench.pool)
        self._sheet = Sheet(id="lab-sheet")
        self._title, self._layers = Band(id="lab-title"), Band(id="lab-layers")
        self._first_seed = SEEDS.start
        self._measured: dict[_Setting, list[Sample]] = {}
        self._originals: dict[_Setting, list[Sample]] = {}
        """What the question's own code measures, where a copy of it is on the bench."""
        self._due: _Setting | None = None
        self._soon: Timer | None = None
        self._drawing = False
        self._take(claim)

    def compose(self) -> ComposeResult:
        with Vertical(id="lab"):
            yield self._title
            yield self._sheet
            yield self._layers
            yield KeyLine()

    def on_mount(self) -> None:
        self._show()
        self._run()
        self._ask_what_confines()

    @work(thread=True)
    def _ask_what_confines(self) -> None:
        with suppress(QuizdlError):  # whoever proves says so
            self.post_message(self.Confined(summary(self._bench.pool, PATIENCE)))

    @on(Confined)
    def _show_layers(self, message: Confined) -> None:
        self._layers.show((Span(f"  {message.text}", "muted"),))

    # --- what is on the bench

    def _with_copy(self, question: Question, claim: str, bench: Bench) -> Question:
        """The question with the learner's own demo, if there is one that has the claim."""
        source = bench.copies.get(question)
        if source is None:
            return question
        bench.admit(question, source)
        copy = with_demo(question, source)[0]
        return copy if copy is not None and copy.claim(claim) is not None else question

    def _take(self, claim: str) -> None:
        """Put the claim of that id on the bench, at its declared parameters."""
        found = self.question.claim(claim)
        assert found is not None
        self.claim: Claim = found
        every = dials(found)
        width = max((cells(dial.name) for dial in every), default=0)
        self.dials = [DialBlock(d, found, width, last=d is every[-1]) for d in every]
        self._statement, self._table = Statement(found), ArmTable(found)
        self._before = self._original.claim(claim) if self.changed else None
        self._figures = Figures()
        self._sweep: SweepBlock | None = None

    @property
    def changed(self) -> bool:
        """The learner's copy is on the bench."""
        return self.question is not self._original

    @property
    def params(self) -> dict[str, Value]:
        return {**self.claim.defaults, **{block.dial.name: block.value for block in self.dials}}

    @property
    def seeds(self) -> range:
        return range(self._first_seed, self._first_seed + len(SEEDS))

    @property
    def samples(self) -> Sequence[Sample]:
        """What has been measured at the present setting."""
        return self._measured.get(self._setting, ())

    @property
    def table(self) -> ArmTable:
        return self._table

    @property
    def sweep(self) -> Sweep | None:
        return self._sweep.sweep if self._sweep else None

    @property
    def _setting(self) -> _Setting:
        return self.claim.id, tuple(self.params.items()), self._first_seed

    @property
    def _dial(self) -> DialBlock | None:
        return next((block for block in self.dials if block.key == self._sheet.chosen), None)

    def _show(self) -> None:
        figures = (self._figures,) if self._figures.figures else ()
        sweep = (self._sweep,) if self._sweep else ()
        blocks: Sequence[Block] = (self._statement, *self.dials, *sweep, self._table, *figures)
        chosen = self._sheet.chosen
        self._sheet.show(*blocks, top=False)
        keys = [block.key for block in self.dials]
        self._sheet.choose(chosen if chosen in keys else next(iter(keys), ""))
        self._show_title()

    def _show_title(self) -> None:
        claims = self.question.claims
        text = say(
            "tui.lab.title",
            claim=self.claim.id,
            copy=say("tui.lab.copy") if self.changed else "",
            at=claims.index(self.claim) + 1,
            count=len(claims),
            seeds=f"{self.seeds[0]}–{self.seeds[-1]}",
        )
        self._title.show((Span(f"  {text}", "muted"),))

    # --- running

    def _run(self) -> None:
        """Measure at the present setting, unless that has been done."""
        self._wait_no_more()
        setting, samples = self._setting, self.samples
        runs = len(self.seeds) * len(self.claim.arms())
        if len(samples) < runs:
            self._measured[setting], self._originals[setting] = [], []
            self._due = setting
            trials = [Trial(self.question, self.claim, self.params)]
            if self._before is not None:
                known = {k: v for k, v in self.params.items() if k in self._before.defaults}
                trials.append(Trial(self._original, self._before, known))
            self._proof.start(trials, self.seeds)
        else:
            self._proof.stop()
            self._due = None
        self._draw()
        self.refresh_bindings()

    def _run_soon(self) -> None:
        """At once when nothing runs; else when the dial has come to rest."""
        resting = self._soon is None and not self._proof.busy
        self._wait_no_more()
        if resting:
            self._run()
            return
        self._proof.stop()
        self._soon = self.set_timer(PAUSE, self._run)
        self._draw()

    def _wait_no_more(self) -> None:
        if self._soon is not None:
            self._soon.stop()
            self._soon = None

    @on(Follower.News)
    def _heard(self, message: Follower.News) -> None:
        if message.stale:
            return
        match message.event:
            case Measured(sample=sample, trial=trial):
                if self._due is not None and trial:
                    self._originals[self._due].append(sample)
                elif self._due is not None:
                    self._measured[self._due].append(sample)
                elif self._sweep is not None:
                    self._sweep.sweep = self._sweep.sweep.plus(trial, sample)
                self._draw_soon()
            case QuizdlError() as error:
                self.notify(str(error), severity="error", timeout=12)
            case None:
                self._proof.busy = False
                self._due = None
                self._draw()
                self.refresh_bindings()
            case judged:
                if judged.result.reason and judged.result.verdict not in ("proved", "not_proved"):
                    self.notify(judged.result.reason, severity="error")

    def _draw_soon(self) -> None:
        if not self._drawing:
            self._drawing = True
            self.set_timer(FRAME, self._draw)

    def _draw(self) -> None:
        """Everything that depends on what was measured."""
        self._drawing = False
        samples = self.samples
        runs = len(self.seeds) * len(self.claim.arms())
        self._statement.samples = self._table.samples = samples
        if self._before is not None:
            self._table.original = self._before, self._originals.get(self._setting, ())
        running = self._due is not None and self._proof.busy
        self._statement.note = (
            say("tui.claim.running", done=len(samples), runs=runs) if running else ""
        )
        had = bool(self._figures.figures)
        self._figures.figures = figures_of(self.claim, samples)
        if self._sweep is not None:
            for block in self.dials:
                here = block.dial.name == self._sweep.sweep.dial.name
                block.flips = self._sweep.sweep.flips() if here else ()
        if had != bool(self._figures.figures):
            self._show()
        changed: list[Block] = [self._statement, self._table, self._figures, *self.dials]
        self._sheet.changed(*changed, *((self._sweep,) if self._sweep else ()))

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "dial" | "turn" | "default" | "sweep":
                return bool(self.dials)
            case "number":
                return True if self._sweep is not None else None  # the help names it
            case "claim":
                return len(self.question.claims) > 1
            case _:
                return True

    def action_dial(self, step: int) -> None:
        keys = [block.key for block in self.dials]
        at = keys.index(self._sheet.chosen) + step
        self._sheet.choose(keys[at % len(keys)])

    def action_turn(self, steps: int) -> None:
        block = self._dial
        if block is None:
            return
        if abs(steps) > 1 and not block.dial.ranged:
            steps = 1 if steps > 0 else -1
        value = block.dial.turn(block.value, steps)
        if value != block.value:
            self._set(block, value)

    def action_default(self) -> None:
        if (block := self._dial) is not None:
            self._set(block, block.dial.default)

    def _set(self, block: DialBlock, value: Value) -> None:
        block.value = value
        if self.sweep is not None and (
            block.dial.name != self.sweep.dial.name or State.UNKNOWN in self.sweep.states()
        ):
            self._forget_sweep()  # made with another value of this dial, or never to be finished
        self._run_soon()

    @on(Sheet.Clicked)
    def _clicked(self, message: Sheet.Clicked) -> None:
        block = next((block for block in self.dials if block.key == message.key), None)
        if block is not None:
            chosen = self._sheet.chosen == block.key
            self._sheet.choose(block.key)
            if chosen and not block.dial.ranged:
                self.action_turn(1)

    def action_sweep(self) -> None:
        """Turn the chosen dial through all its positions, and plot the deciding number."""
        if (block := self._dial) is None:
            return
        self._wait_no_more()
        claim = alone(self.claim)
        sweep = Sweep.empty(claim, block.dial)
        self._sweep, self._due = SweepBlock(sweep), None
        settings: Sequence[Mapping[str, Value]] = sweep.settings(self.params)
        self._proof.start([Trial(self.question, claim, each) for each in settings], self.seeds)
        self._show()
        self.refresh_bindings()

    def action_number(self) -> None:
        if self._sweep is not None:
            names = list({**self.claim.expects, **self.claim.guards})
            at = names.index(self._sweep.number or self._sweep.sweep.deciding())
            self._sweep.number = names[(at + 1) % len(names)]
            self._draw()

    def action_seeds(self) -> None:
        """Others than before: a claim that needs a lucky seed shows itself."""
        self._first_seed += len(SEEDS)
        self._forget_sweep()
        self._show_title()
        self._run()

    def action_again(self) -> None:
        self._measured.pop(self._setting, None)
        self._run()

    def action_reset(self) -> None:
        """Dials, seeds and code as the question has them."""
        self._first_seed = SEEDS.start
        try:
            self._bench.copies.drop(self._original)
        except QuizdlError as error:
            self.notify(str(error), severity="error")
        self._use(self._original)

    def action_edit(self) -> None:
        from quizdl.tui.screens.edit import EditScreen

        def closed(question: Question | None) -> None:
            if question is not None:
                self._use(self._original if question.demo == self._original.demo else question)

        self._proof.stop()
        screen = EditScreen(self._original, self.question, self.claim.id, self.params, self._bench)
        self.app.push_screen(screen, closed)

    def _use(self, question: Question) -> None:
        """Another version of the demo; the dials start anew."""
        self._proof.stop()
        self.question = question
        self._measured.clear()
        self._originals.clear()
        self._take(self.claim.id)
        self._show()
        self._run()

    def action_claim(self, step: int) -> None:
        known = {claim.id for claim in self._original.claims}
        claims = [claim for claim in self.question.claims if claim.id in known]
        at = claims.index(self.claim) + step
        self._proof.stop()
        self._take(claims[at % len(claims)].id)
        self._sheet.scroll_edge(end=False)
        self._show()
        self._run()

    def action_page(self, pages: int) -> None:
        self._sheet.scroll_pages(pages)

    def action_close(self) -> None:
        if self._due is None and self._proof.stop():  # a sweep: the lab itself stays
            self._forget_sweep()
            return
        self._proof.stop()
        self.dismiss()

    def _forget_sweep(self) -> None:
        if self._sweep is not None:
            self._sweep = None
            for block in self.dials:
                block.flips = ()
            self._show()
