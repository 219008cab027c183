"""Before a proof runs: what does the learner expect of it? One prompt at a time, all optional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input

from quizdl.model import Ask, Guess, Prompt
from quizdl.proof.predict import read
from quizdl.render.text import Line, Span, wrap
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.sheet import Block, Sheet
from quizdl.words import QuizdlError, say

Guesses = Mapping[str, Sequence[Guess]]
"""By claim, a guess for each of its prompts."""


class PromptBlock(Block):
    """A prompt with its options; of those that may be picked together, which are picked."""

    def __init__(self, prompt: Prompt, at: int, count: int) -> None:
        self.prompt, self._at, self._count = prompt, at, count
        self.picked: set[int] = set()
        self.error = ""

    def lay_out(self, width: int) -> list[Line]:
        several = self.prompt.ask is Ask.BREAKS
        lines = wrap(
            (Span(say("tui.predict.count", at=self._at, count=self._count), "muted"),), width
        )
        lines += [(), *wrap((Span(self.prompt.text, "strong"),), width), ()]
        for place, option in enumerate(self.prompt.options):
            box = ("[×] " if place in self.picked else "[ ] ") if several else ""
            head = f"{place + 1}  {box}"
            rows = wrap((Span(option),), width - len(head))
            lines += [
                (Span(head, "key"), *rows[0]),
                *((Span(" " * len(head)), *r) for r in rows[1:]),
            ]
        hint = "several" if several else "one" if self.prompt.options else "number"
        lines += [(), *wrap((Span(say(f"tui.predict.hint.{hint}"), "muted"),), width)]
        if self.error:
            lines += wrap((Span(self.error, "bad"),), width)
        return lines


class PredictScreen(Screen[Guesses | None]):
    """Dismissed with the guesses; with None when the learner would rather just run it.

    Not modal: Textual cuts the lines of what is in front at the edges of what is behind, and a
    Chinese character that is cut through is lost.
    """

    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        *(
            Binding(
                str(place),
                f"pick({place - 1})",
                say("tui.key.predict.pick"),
                show=place == 1,
                key_display="1 2 …",
                id=f"predict.pick_{place}",
            )
            for place in range(1, 10)
        ),
        Binding("enter", "next", say("tui.key.predict.next"), id="predict.next"),
        Binding(
            "escape", "skip", say("tui.key.predict.skip"), key_display="Esc", id="predict.skip"
        ),
    ]

    def __init__(self, prompts: Mapping[str, Sequence[Prompt]]) -> None:
        """By claim. There is at least one."""
        super().__init__()
        self._asked = [(claim, prompt) for claim, each in prompts.items() for prompt in each]
        self._guesses: list[Guess] = []
        self._block = self._next()
        self._sheet, self._input = Sheet(id="predict-sheet"), Input(id="predict-number")

    def compose(self) -> ComposeResult:
        with Vertical(id="predict"):
            yield self._sheet
            yield self._input
            yield KeyLine()

    def on_mount(self) -> None:
        self._show()

    @property
    def prompt(self) -> Prompt:
        return self._block.prompt

    def _next(self) -> PromptBlock:
        at = len(self._guesses)
        return PromptBlock(self._asked[at][1], at + 1, len(self._asked))

    def _show(self) -> None:
        self._sheet.show(self._block)
        typed = not self.prompt.options
        self._input.value = ""
        self._input.display = typed
        self.set_focus(self._input if typed else None)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "pick":
            (place,) = parameters
            return isinstance(place, int) and place < len(self.prompt.options)
        return True

    def action_pick(self, place: int) -> None:
        if self.prompt.ask is Ask.BREAKS:
            self._block.picked ^= {place}
            self._sheet.changed(self._block)
        else:
            self._take((place,))

    def action_next(self) -> None:
        """What is picked so far; nothing picked is no answer."""
        picked = tuple(sorted(self._block.picked))
        self._take(picked or None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self._take(read(self.prompt, event.value))
        except QuizdlError as error:
            self._block.error = str(error)
            self._sheet.changed(self._block)

    def _take(self, guess: Guess) -> None:
        self._guesses.append(guess)
        if len(self._guesses) < len(self._asked):
            self._block = self._next()
            self._show()
            return
        found: dict[str, list[Guess]] = {}
        for (claim, _), each in zip(self._asked, self._guesses, strict=True):
            found.setdefault(claim, []).append(each)
        self.dismiss(found)

    def action_skip(self) -> None:
        self.dismiss(None)
