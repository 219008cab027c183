"""The parts of the lab's sheet: what is claimed, the dials, the numbers arm by arm, figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from quizdl import render
from quizdl.lab import Dial, Flip, State, Sweep, state
from quizdl.model import Claim, Figure, Sample, Value
from quizdl.proof.judge import measure
from quizdl.proof.report import arm_lines
from quizdl.render.cells import cells, pad
from quizdl.render.figure import figure_lines
from quizdl.render.scale import shared_axes
from quizdl.render.text import Line, Span, flow, width_of, wrap
from quizdl.tui.widgets.sheet import Block
from quizdl.words import listed, say

FIGURE_ROWS = 12
_LOOKS = {
    State.HOLDS: "verdict.proved",
    State.FAILS: "verdict.not_proved",
    State.EMPTY: "verdict.timeout",
    State.UNKNOWN: "muted",
}
_LEAST_TRACK = 8
_LONGEST_TRACK = 40


def value_text(value: Value) -> str:
    """A parameter's value as it is shown, and as it is written in a demo."""
    return f"{value:g}" if isinstance(value, float) else str(value)


class Message(Block):
    """A line or two of plain text."""

    def __init__(self, text: str, style: str) -> None:
        self.text, self._style = text, style

    def lay_out(self, width: int) -> list[Line]:
        return wrap((Span(self.text, self._style),), width)


class Statement(Block):
    """The claim's sentence, and what the numbers say of it at these settings."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.samples: Sequence[Sample] = ()
        self.note = ""

    def lay_out(self, width: int) -> list[Line]:
        lines = wrap(render.inline(self.claim.text), width)
        found = state(self.claim, self.samples)
        parts: list[Line] = [(Span(say(f"lab.state.{found.value}"), _LOOKS[found]),)]
        for arm in range(1, len(self.claim.controls) + 1):
            control = state(self.claim, self.samples, arm)
            if control is not State.UNKNOWN:
                good = control is State.FAILS
                text = say(f"lab.control.{control.value}", arm=arm)
                parts.append((Span(text, "good" if good else "bad"),))
        if self.note:
            parts.append((Span(self.note, "muted"),))
        return [*lines, *flow(parts, width)]


class DialBlock(Block):
    """One parameter: its name, its value, and where that stands among all it can be."""

    tight = True

    def __init__(self, dial: Dial, claim: Claim, name_width: int, *, last: bool) -> None:
        self.dial, self.key = dial, dial.name
        self.tight = not last
        self.value: Value = dial.default
        self.flips: Sequence[Flip] = ()
        self._name = pad(dial.name, name_width)
        self._controls = {c[dial.name] for c in claim.controls if dial.name in c}

    def lay_out(self, width: int) -> list[Line]:
        head = (Span(self._name, "strong"), Span("  "))
        return self._track(head, width) if self.dial.ranged else self._choices(head, width)

    def _choices(self, head: Line, width: int) -> list[Line]:
        parts: list[Line] = []
        for value in self.dial.positions:
            text = value_text(value)
            if value == self.value:
                span = Span(f"◂{text}▸", "key")
            else:
                span = Span(f" {text} ", "control" if value in self._controls else "muted")
            flipped = any(flip.after == value for flip in self.flips)
            parts.append((Span("┃ ", "bad"), span) if flipped else (span,))
        indent = width_of(head)
        lines = flow(parts, width - indent, " ")
        return [(*head, *lines[0]), *((Span(" " * indent), *line) for line in lines[1:])]

    def _track(self, head: Line, width: int) -> list[Line]:
        positions = self.dial.positions
        texts = [value_text(value) for value in positions]
        shown = Span(pad(f"◂{value_text(self.value)}▸", 2 + max(map(cells, texts))), "key")
        low, high = Span(texts[0] + " ├", "muted"), Span("┤ " + texts[-1], "muted")
        used = sum(cells(span.text) for span in (*head, shown, low, high)) + 2
        if (room := min(width - used, _LONGEST_TRACK)) < _LEAST_TRACK:
            return wrap((*head, shown), width)
        track = [("─", "rule")] * room

        def place(at: float) -> int:
            return round(at * (room - 1) / (len(positions) - 1))

        for control in self._controls:
            track[place(positions.index(control))] = ("×", "control")
        track[place(positions.index(self.dial.default))] = ("○", "muted")
        for flip in self.flips:
            between = (positions.index(flip.before) + positions.index(flip.after)) / 2
            track[place(between)] = ("┃", "bad")
        track[place(positions.index(self.value))] = ("●", "key")
        line = (*head, shown, Span("  "), low, *(Span(*each) for each in track), high)
        return [line]


class ArmTable(Block):
    """Every declared number: its bound, the claim's value, and a column for each control."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.samples: Sequence[Sample] = ()
        self.original: tuple[Claim, Sequence[Sample]] | None = None
        """What the question's own code measures, where a changed copy runs."""

    def lay_out(self, width: int) -> list[Line]:
        before = {}
        if self.original is not None:
            before = {each.name: each for each in measure(*self.original)}
        return arm_lines(self.claim, measure(self.claim, self.samples), width, before)


class Figures(Block):
    """What a run drew, the claim's beside its controls'."""

    def __init__(self) -> None:
        self.figures: Sequence[tuple[str, Sequence[Figure]]] = ()

    def lay_out(self, width: int) -> list[Line]:
        """Figure by figure, the claim's above its controls', on axes of its own and theirs."""
        if not self.figures:
            return []
        (heading, own), *controls = self.figures
        lines: list[Line] = []
        for figure in own:
            others = [(h, f) for h, each in controls for f in each if f.title == figure.title]
            axes = shared_axes(figure, others[0][1])[0] if others else None
            lines += [(Span(heading, "heading3"),), *figure_lines(figure, width, FIGURE_ROWS, axes)]
            for head, other in others:
                axes = shared_axes(figure, other)[1]
                lines += [(), (Span(head, "heading3"),)]
                lines += figure_lines(other, width, FIGURE_ROWS, axes)
            lines.append(())
        return lines[:-1]


class SweepBlock(Block):
    """Where the claim stops being true along one dial: in words, and as a plot."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.number = ""
        """The number to plot; empty: the one that decides."""

    def lay_out(self, width: int) -> list[Line]:
        lines = wrap((Span(say("lab.sweep", dial=self.sweep.dial.name), "heading3"),), width)
        for text in _flip_words(self.sweep):
            lines += wrap((Span(text),), width)
        if any(self.sweep.samples):
            figure = self.sweep.figure(self.number or self.sweep.deciding())
            lines += figure_lines(figure, width, FIGURE_ROWS)
        return lines


def _flip_words(sweep: Sweep) -> Iterable[str]:
    missing = sum(not samples for samples in sweep.samples)
    if missing:
        yield say("lab.sweep.running", left=missing, count=len(sweep.samples))
        return
    states = sweep.states()
    if len(set(states)) == 1:
        yield say("lab.no_flip", state=say(f"lab.state.{states[0].value}.short"))
    elif sweep.dial.ranged:
        for flip in sweep.flips():
            yield say(
                "lab.flip",
                dial=sweep.dial.name,
                before=value_text(flip.before),
                after=value_text(flip.after),
                was=say(f"lab.state.{flip.was.value}.short"),
                now=say(f"lab.state.{flip.now.value}.short"),
            )
    else:
        for found in dict.fromkeys(states):
            pairs = zip(sweep.dial.positions, states, strict=True)
            values = listed(value_text(value) for value, each in pairs if each is found)
            yield say("lab.choices", state=say(f"lab.state.{found.value}.short"), values=values)


def figures_of(claim: Claim, samples: Sequence[Sample]) -> list[tuple[str, Sequence[Figure]]]:
    """Of the first seed that has any, arm by arm, each under the name of its arm."""
    found: dict[int, Sequence[Figure]] = {}
    for sample in samples:
        if sample.figures:
            found.setdefault(sample.arm, sample.figures)
    return [(arm_title(claim, arm), figures) for arm, figures in sorted(found.items())]


def arm_title(claim: Claim, arm: int) -> str:
    if arm == 0:
        return say("measure.value")
    changed = changed_words(claim.controls[arm - 1])
    several = len(claim.controls) > 1
    name = say("measure.control_arm", arm=arm) if several else say("measure.control")
    return say("lab.arm", name=name, changed=changed)


def changed_words(params: Mapping[str, Value]) -> str:
    return say("punctuation.clauses").join(
        f"{name} = {value_text(value)}" for name, value in params.items()
    )
