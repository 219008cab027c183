"""The demo's source, to be changed and run: numbers of the copy beside those of the original."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import TextArea

from quizdl.bank.copies import with_demo
from quizdl.model import SEEDS, Claim, Judged, Measured, Params, Question, Sample, Trial
from quizdl.render.text import Span
from quizdl.tui.bench import Bench
from quizdl.tui.follower import Follower
from quizdl.tui.keys import key_of
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.experiment import ArmTable, Message, Statement
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.sheet import Sheet
from quizdl.words import QuizdlError, say


class EditScreen(Screen[Question]):
    """Dismissed with the question as it was last run: the original, or with the copy's demo."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    BINDINGS = [  # noqa: RUF012
        Binding("ctrl+r", "run", say("tui.key.edit.run"), priority=True, id="edit.run"),
        Binding("ctrl+o", "reset", say("tui.key.edit.reset"), priority=True, id="edit.reset"),
        Binding(
            "escape",
            "close",
            say("tui.key.edit.close"),
            priority=True,
            key_display="Esc",
            id="edit.close",
        ),
    ]

    def __init__(
        self, original: Question, now: Question, claim: str, params: Params, bench: Bench
    ) -> None:
        """`now`: the question with the copy's demo, or `original`. `params`: as the lab's dials
        stand; what the copy's claim does not take is left out."""
        super().__init__()
        self._original, self._now, self._claim = original, now, claim
        self._params, self._bench = params, bench
        self._proof = Follower(self, bench.pool)
        self._samples: tuple[list[Sample], list[Sample]] = ([], [])
        self._title, self._results = Band(id="edit-title"), Sheet(id="edit-results")
        self.editor = TextArea.code_editor(
            bench.copies.get(original) or now.demo,
            language="python",
            id="editor",
            tab_behavior="indent",
        )

    def compose(self) -> ComposeResult:
        yield self._title
        with Container(id="edit-body"):
            yield self.editor
            yield self._results
        yield KeyLine()

    def on_mount(self) -> None:
        declared = self._now.claim(self._claim) or self._now.claims[0]
        self.editor.move_cursor((declared.line - 1, 0), center=True)
        self.editor.theme = "vscode_dark" if self.app.current_theme.dark else "github_light"
        self.editor.focus()
        self._say(say("tui.edit.hint", key=key_of(self, "edit.run")))
        self._show_title()

    def _show_title(self) -> None:
        text = say("tui.edit.title", question=self._original.id, claim=self._claim)
        self._title.show((Span(f"  {text}", "muted"),))

    def _say(self, text: str, style: str = "muted") -> None:
        self._results.show(Message(text, style))

    # --- running

    def action_run(self) -> None:
        """Keep the copy, and run the claim of it and of the original."""
        source = self.editor.text
        question, problems = with_demo(self._original, source)
        if question is None:
            first = problems[0]
            text = say("tui.edit.problem", line=first.line, message=first.message, fix=first.fix)
            self._say(text, "bad")
            self.editor.move_cursor((first.line - 1, 0), center=True)
            return
        claim = question.claim(self._claim)
        if claim is None:
            self._say(
                say("tui.edit.no_claim", claim=self._claim, key=key_of(self, "edit.reset")), "bad"
            )
            return
        self._now = question
        self._bench.admit(self._original, source)
        self._keep(source)
        before = self._original.claim(self._claim)
        assert before is not None
        self._samples = ([], [])
        self._statement, self._table = Statement(claim), ArmTable(claim)
        self._table.original = before, self._samples[0]
        self._failure = Message("", "bad")
        self._proof.start(
            [
                Trial(self._original, before, self._known(before)),
                Trial(question, claim, self._known(claim)),
            ],
            SEEDS,
        )
        self._draw()

    def _keep(self, source: str) -> None:
        """As the learner's copy; what is the original's needs none."""
        try:
            if source == self._original.demo:
                self._bench.copies.drop(self._original)
            else:
                self._bench.copies.keep(self._original, source)
        except QuizdlError as error:
            self.notify(str(error), severity="error")

    def _known(self, claim: Claim) -> Params:
        return {name: value for name, value in self._params.items() if name in claim.defaults}

    @on(Follower.News)
    def _heard(self, message: Follower.News) -> None:
        if message.stale:
            return
        match message.event:
            case Measured(sample=sample, trial=trial):
                self._samples[trial].append(sample)
            case Judged(result=result, trial=1):
                self._failure.text = result.reason
            case QuizdlError() as error:
                self.notify(str(error), severity="error", timeout=12)
            case None:
                self._proof.busy = False
        self._draw()

    def _draw(self) -> None:
        self._statement.samples = self._table.samples = self._samples[1]
        failure: Sequence[Message] = (self._failure,) if self._failure.text else ()
        self._results.show(self._statement, self._table, *failure, top=False)
        self._results.changed(self._statement, self._table, *failure)

    # --- keys

    def action_reset(self) -> None:
        """The original's source; the copy goes when it is run or the editor is left."""
        self.editor.text = self._original.demo
        self._say(say("tui.edit.reset_done"))

    def action_close(self) -> None:
        """With the text as it stands, where it can be run, else with what was run last. The
        text itself is kept in any case: nobody loses half a thought to a syntax error."""
        self._proof.stop()
        source = self.editor.text
        if source != self._now.demo:
            self._keep(source)
            question, _ = with_demo(self._original, source)
            if question is not None and question.claim(self._claim) is not None:
                self._bench.admit(self._original, source)
                self._now = question
        self.dismiss(self._now)
