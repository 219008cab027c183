"""An answer whose claims can be chosen, predicted, proved and taken to the lab."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from textual import on

from quizdl.model import (
    Forecast,
    Guess,
    Prompt,
    Question,
    Rating,
)
from quizdl.proof import predict
from quizdl.tui.bench import Bench
from quizdl.tui.explained import explained
from quizdl.tui.screens.running import RunningScreen
from quizdl.tui.widgets.claims import ClaimBlock
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.ratings import RatingBar
from quizdl.tui.widgets.sheet import Sheet
from quizdl.words import say

Prompts = Mapping[str, Sequence[Prompt]]
"""By claim."""
WIDE = 110
"""Columns from which the proofs stand beside the answer instead of below it."""


class ProvingScreen(RunningScreen[None]):
    """What the review does with proofs. It says what is asked and when it is revealed; keys are
    bound there, too, since Textual does not add a subclass's bindings of a key to its base's.
    """

    def __init__(self, clock: Callable[[], datetime], bench: Bench) -> None:
        super().__init__(bench.pool, bench.receipts, clock)
        self._bench = bench
        self._text, self._proofs = Sheet(id="text"), Sheet(id="proofs", ruled=True)
        self._ratings = RatingBar()
        self._question: Question | None = None
        self._answer: Sequence[Page] = ()
        self.claims: Sequence[ClaimBlock] = ()
        self._revealed = False
        self._ran = False
        """Something of this question has been run since it was asked: too late to predict."""
        self._turn = 0
        """How often the question has been reviewed before."""
        self._asked_at = clock()

    def log_prediction(
        self, question: Question, claim: str, forecasts: Sequence[Forecast], at: datetime
    ) -> None:
        """Raises QuizdlError when it cannot be written."""
        raise NotImplementedError

    grades: Sequence[Rating] = tuple(Rating)
    """The ratings that are offered."""

    def suggested(self, rating: Rating) -> None:
        """A prediction speaks for this grade."""
        self._ratings.suggest(rating)

    @property
    def predicting(self) -> bool:
        """Whether to ask for a prediction before the first run of a proof."""
        raise NotImplementedError

    def _explained(self) -> AbstractContextManager[None]:
        """A disk that is full, say: the learner reads why, and the question stays."""
        return explained(self.app)

    @property
    def _wide(self) -> bool:
        return self.size.width >= WIDE

    @property
    def _claims_sheet(self) -> Sheet:
        return self._proofs if self._wide else self._text

    # --- choosing

    @property
    def _chosen(self) -> str:
        return self._claims_sheet.chosen

    def action_choose(self, step: int) -> None:
        """The next claim, the one before, or (0) none."""
        keys = [block.key for block in self.claims]
        if step and keys:
            at = keys.index(self._chosen) + step if self._chosen else min(step - 1, 0)
            self._claims_sheet.choose(keys[at % len(keys)])
        else:
            self._claims_sheet.choose("")
        self.refresh_bindings()

    # --- predicting and proving

    def action_prove(self) -> None:
        self._start(self.claims, ask=self.predicting)

    def action_prove_chosen(self) -> None:
        self._prove_one(self._chosen)

    def action_predict(self) -> None:
        """Ask first, then run: the chosen claim, or all."""
        if self._ran:
            self.notify(say("tui.predict.late"))
            return
        chosen = [block for block in self.claims if block.key == self._chosen]
        self._start(chosen or self.claims, ask=True)

    def _start(self, blocks: Sequence[ClaimBlock], *, ask: bool) -> None:
        """Prove these; before the first run of a question, `ask` for a prediction."""
        question = self._question
        if question is None or not self._revealed or not blocks:
            return
        prompts: Prompts = {}
        if ask and not self._ran:
            claim = blocks[0].claim
            prompts = (
                {claim.id: asked}
                if len(blocks) == 1 and (asked := predict.prompts(claim))
                else predict.for_review(question, self._turn)
            )
        if not prompts:
            self._prove(blocks)
            return
        from quizdl.tui.screens.predict import Guesses, PredictScreen

        def answered(guesses: Guesses | None) -> None:
            if question is self._question:
                self._expect(prompts, guesses or {})
                self._prove(blocks)

        self.app.push_screen(PredictScreen(prompts), answered)

    def _expect(self, prompts: Prompts, guesses: Mapping[str, Sequence[Guess]]) -> None:
        self._asked_at = self._clock()
        for block in self.claims:
            if any(guess is not None for guess in guesses.get(block.key, ())):
                block.expect(prompts[block.key], guesses[block.key])

    def _compare(self, question: Question, block: ClaimBlock) -> None:
        """Log what came of a prediction; with the last of them, suggest a rating."""
        if not block.forecasts:
            return
        with self._explained():
            self.log_prediction(question, block.key, block.forecasts, self._asked_at)
        if not any(each.waiting for each in self.claims):
            every = [forecast for each in self.claims for forecast in each.forecasts]
            if (suggestion := predict.suggest(every, self.grades)) is not None:
                self.suggested(suggestion.rating)
                self.notify(suggestion.why, timeout=8)

    def action_lab(self) -> None:
        """Open the lab on the chosen claim, or on the first."""
        from quizdl.tui.screens.lab import LabScreen

        if self._question is not None and self.claims:
            self._stop_proof()
            self._ran = True
            claim = self._chosen or self.claims[0].key

            def closed(_: None) -> None:
                self.remove_class("-lab")

            self.add_class("-lab")
            self.app.push_screen(LabScreen(self._question, claim, self._bench), closed)

    @on(Sheet.Clicked)
    def _clicked(self, message: Sheet.Clicked) -> None:
        self._prove_one(message.key)

    def _prove_one(self, key: str) -> None:
        blocks = [block for block in self.claims if block.key == key]
        self._start(blocks, ask=self.predicting)

    def _prove(self, blocks: Sequence[ClaimBlock]) -> None:
        question = self._question
        if question is None or not self._revealed or not blocks:
            return
        self._ran = True
        self._run_these([(question, block) for block in blocks])
        self._show_marks()
        if not self._wide:
            self._text.reveal(blocks[0].key, top=True)

    def _judged(self, question: Question, block: ClaimBlock) -> None:
        self._show_marks()
        self._compare(question, block)

    def _ended(self) -> None:
        super()._ended()
        self._show_marks()

    def _changed(self, *blocks: ClaimBlock) -> None:
        self._claims_sheet.changed(*blocks)

    def _marks(self) -> dict[str, str]:
        """The sign before each claim's sentence in the answer."""
        return {block.key: block.mark + " " for block in self.claims}

    def _show_marks(self) -> None:
        marks = self._marks()
        changed = [page for page in self._answer if page.marks != marks]
        for page in changed:
            page.marks = marks
        self._text.changed(*changed)
