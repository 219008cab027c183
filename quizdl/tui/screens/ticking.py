"""An answer whose key points can be ticked, beside what one had to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from textual import on

from quizdl.bank.sections import cut_points, key_points
from quizdl.model import Question, Rating, Recall, Tick
from quizdl.render.answer import answer_markdown
from quizdl.session import propose
from quizdl.tui.bench import Bench
from quizdl.tui.screens.proving import ProvingScreen
from quizdl.tui.widgets.draft import Draft
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.points import KEY as POINT
from quizdl.tui.widgets.points import PointBlock, TextBlock
from quizdl.tui.widgets.sheet import Sheet
from quizdl.words import say


class TickingScreen(ProvingScreen):
    """What the review does with key points. It says which grades are offered, and puts the parts
    on its sheets."""

    def __init__(self, clock: Callable[[], datetime], bench: Bench) -> None:
        super().__init__(clock, bench)
        self._draft = Draft(say("tui.review.write"))
        self._points: Sequence[PointBlock] = ()
        self._notes: Sequence[TextBlock] = ()
        self._ticking = self._ticked = False
        """Whether number keys tick, and whether anything was looked at to be ticked."""
        self._predicted: Rating | None = None

    def _show_parts(self) -> None:
        raise NotImplementedError

    def _cut(self, question: Question) -> None:
        """Take up its answer as pages: each key point is one of its own, to be ticked."""
        self._ticking = self._ticked = False
        self._notes, self._predicted = (), None
        self._draft.close("")
        cut = cut_points(answer_markdown(question))
        count = len(cut.points)
        points = zip(key_points(question.back), cut.points, strict=False)
        self._points = [
            PointBlock(n, point, text, last=n == count) for n, (point, text) in enumerate(points, 1)
        ]
        after = (Page(cut.after),) if cut.after else ()
        self._answer = (Page(cut.before), *self._points, *after)
        marks = self._marks()
        for page in self._answer:
            page.marks = marks

    def action_write(self) -> None:
        """Put down what one would say; it stays beside the answer."""
        self._draft.open()

    @on(Draft.Written)
    def _written(self) -> None:
        self._take_note(said=self._draft.close())
        self._show_parts()

    def _take_note(self, **texts: str) -> None:
        """Show these texts of the learner's own, those that are not empty."""
        self._notes = [
            TextBlock(say(f"tui.review.{what}"), text) for what, text in texts.items() if text
        ]

    @on(Sheet.Clicked)
    def _point_clicked(self, message: Sheet.Clicked) -> None:
        if message.key.startswith(POINT) and self._revealed:
            self._start_ticking()
            self.action_tick(int(message.key.removeprefix(POINT)))

    def action_points(self) -> None:
        """Let the number keys tick what was told."""
        if self._points:
            self._start_ticking()
            beside = self._notes if not self._wide else ()
            self._text.reveal([*beside, *self._points][0].key, top=not self._wide)
            self._propose()

    def _start_ticking(self) -> None:
        self._ticking = self._ticked = True
        for point in self._points:
            point.ticking = True
        self._text.changed(*self._points)
        self.refresh_bindings()

    def action_tick(self, number: int) -> None:
        point = self._points[number - 1]
        point.told = not point.told
        self._text.changed(point)
        self._propose()

    def action_points_done(self) -> None:
        """Back to rating with the number keys; what was ticked stays so."""
        self._ticking = False
        self.refresh_bindings()

    def suggested(self, rating: Rating) -> None:
        self._predicted = rating
        self._propose()

    @property
    def _recall(self) -> Recall | None:
        """What there is to be kept of it."""
        ticks = [Tick(*block.point, block.told) for block in self._points if self._ticked]
        said = self._draft.text.strip()
        return Recall(said, tuple(ticks)) if ticks or said else None

    @property
    def _proposed(self) -> Rating | None:
        """What ticks and prediction speak for: the lower of the two. Where only two grades are
        offered, what is no Good is Again."""
        recall = self._recall
        ticks = [propose(recall.ticks)] if recall is not None and recall.ticks else []
        found = [*ticks, *([self._predicted] if self._predicted else [])]
        lowest = min(found, default=None)
        return None if lowest is None else lowest.among(self.grades)

    def _propose(self) -> None:
        if (rating := self._proposed) is not None:
            self._ratings.suggest(rating)
