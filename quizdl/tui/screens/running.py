"""A screen on which claims are run: each shows in its block what it measures, as it does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message
from textual.screen import Screen, ScreenResultType

from quizdl.model import SEEDS, ClaimResult, Judged, Measured, Question, Trial
from quizdl.tui.follower import Follower
from quizdl.tui.widgets.claims import ClaimBlock
from quizdl.words import QuizdlError, say

if TYPE_CHECKING:
    from quizdl.proof.pool import Pool
    from quizdl.proof.receipts import Receipts


class RunningScreen(Screen[ScreenResultType]):
    """Its subclass says where the blocks are. What was proved leaves receipts."""

    class NotKept(Message):
        """A receipt could not be saved."""

        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def __init__(self, pool: Pool, receipts: Receipts, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._proof = Follower(self, pool)
        self._receipts, self._clock = receipts, clock
        self._run: dict[tuple[str, str], tuple[Question, ClaimBlock]] = {}
        """What runs or ran last, by the ids of question and claim."""
        self._results: dict[str, list[ClaimResult]] = defaultdict(list)

    def _changed(self, *blocks: ClaimBlock) -> None:
        """These no longer look as before."""
        raise NotImplementedError

    def _judged(self, question: Question, block: ClaimBlock) -> None:
        """A claim has its verdict."""

    def _run_these(self, found: Iterable[tuple[Question, ClaimBlock]]) -> None:
        """Run the claims of these blocks, instead of whatever runs now."""
        self._stop_proof()
        self._run = {(question.id, block.claim.id): (question, block) for question, block in found}
        blocks = [block for _, block in self._run.values()]
        for block in blocks:
            block.queue(runs=len(SEEDS) * len(block.claim.arms()))
        self._proof.start([Trial(q, block.claim) for q, block in self._run.values()], SEEDS)
        self._changed(*blocks)
        self.refresh_bindings()

    @on(Follower.News)
    def _heard(self, message: Follower.News) -> None:
        if message.stale:
            return
        match message.event:
            case Measured(question=question, claim=claim, sample=sample):
                _, block = self._run[question, claim]
                block.add(sample)
                self._changed(block)
            case Judged(question=question, claim=claim, result=result):
                of, block = self._run[question, claim]
                block.finish(result)
                self._results[question].append(result)
                self._changed(block)
                self._judged(of, block)
            case QuizdlError() as error:
                self.notify(str(error), severity="error", timeout=12)
            case None:
                self._proof.busy = False
                self._ended()

    def action_cancel(self) -> None:
        self._stop_proof()

    def _stop_proof(self) -> None:
        if self._proof.stop():
            self._ended()

    def _ended(self) -> None:
        running = [block for _, block in self._run.values() if block.running]
        for block in running:
            block.cancel()
        self._changed(*running)
        self.refresh_bindings()
        if self._results:
            questions = {question.id: question for question, _ in self._run.values()}
            found = [(questions[name], results) for name, results in self._results.items()]
            self._results = defaultdict(list)
            self._keep(found, self._clock())

    @work(thread=True, group="receipts", description="keep")  # else the repr of all of it
    def _keep(self, found: Sequence[tuple[Question, Sequence[ClaimResult]]], now: datetime) -> None:
        """Leave receipts of what was proved."""
        try:
            for question, results in found:
                self._receipts.save(question, results, now)
        except OSError as error:
            self.post_message(self.NotKept(say("receipt.unwritable", why=error.strerror or error)))

    @on(NotKept)
    def _not_kept(self, message: NotKept) -> None:
        self.notify(message.why, severity="warning")
