"""Frozen value types that the rooms hand to each other. Standard library only.

Nothing here does IO, knows a clock or holds a service: a value can be pickled, compared
and shown, that is all.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

Value: TypeAlias = bool | int | float | str
"""What a knob can be set to."""

Params: TypeAlias = Mapping[str, Value]
"""Keyword arguments of a claim, without `seed`."""

Numbers: TypeAlias = Mapping[str, float]
"""What one run of a claim measured, by the name shown to the learner."""


# --- content -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing an author must mend. `line` is 1-based; 0 when no line is to blame."""

    path: Path
    line: int
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A declared condition on one number: `<= 1e-9`, `> 3`, `== 0`, `in [0.4, 0.6]`."""

    op: str
    low: float
    high: float
    text: str

    _COMPARE = re.compile(r"(<=|>=|==|!=|<|>)\s*(\S+)")
    _WITHIN = re.compile(r"in\s*\[\s*([^,\s]+)\s*,\s*([^\]\s]+)\s*\]")

    @classmethod
    def parse(cls, text: str) -> Bound:
        """Raises ValueError when the text is not one of the forms above."""
        text = text.strip()
        if match := cls._WITHIN.fullmatch(text):
            low, high = float(match[1]), float(match[2])
            op = "in"
        elif match := cls._COMPARE.fullmatch(text):
            op, low = match[1], float(match[2])
            high = low
        else:
            raise ValueError(text)
        if not (math.isfinite(low) and math.isfinite(high)) or low > high:
            raise ValueError(text)
        return cls(op, low, high, text)

    def holds(self, value: float) -> bool:
        """Whether `value` meets the bound; NaN meets none."""
        match self.op:
            case "<":
                return value < self.low
            case "<=":
                return value <= self.low
            case ">":
                return value > self.low
            case ">=":
                return value >= self.low
            case "==":
                return value == self.low
            case "!=":
                return not math.isnan(value) and value != self.low
            case _:
                return self.low <= value <= self.high

    def slack(self, value: float) -> float:
        """How far inside the bound `value` lies; negative outside. Orders the seeds of one
        measure from worst to best, so that the worst is the one that is shown."""
        if math.isnan(value):
            return -math.inf
        match self.op:
            case "<" | "<=":
                return self.low - value
            case ">" | ">=":
                return value - self.low
            case "==":
                return -abs(value - self.low)
            case "!=":
                return abs(value - self.low)
            case _:
                return min(value - self.low, self.high - value)


@dataclass(frozen=True, slots=True)
class Knob:
    """A parameter the learner may turn: either `choices`, or the inclusive range low..high."""

    name: str
    choices: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0

    def allows(self, value: Value) -> bool:
        if self.choices:
            return value in self.choices
        return not isinstance(value, str | bool) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence and the declaration of the experiment that proves it (design §4)."""

    id: str
    """Name of the function in demo.py; unique within its question."""
    text: str
    """The sentence of the answer that links here; empty when none does."""
    line: int
    """Line of the function in demo.py, 1-based."""
    guards: Mapping[str, Bound]
    expects: Mapping[str, Bound]
    controls: tuple[Params, ...]
    """Each set of changed parameters under which some expectation must fail."""
    knobs: tuple[Knob, ...]
    defaults: Params
    """The parameters the claim is made under, without `seed`."""

    def arms(self, changed: Params | None = None) -> tuple[Params, ...]:
        """Parameters of every run one seed needs: the claim itself, then each control."""
        base = {**self.defaults, **(changed or {})}
        return (base, *({**base, **control} for control in self.controls))


@dataclass(frozen=True, slots=True)
class Reference:
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as its author wrote it. Knows nothing of scheduling."""

    id: str
    topic: str
    title: str
    level: int
    front: str
    """Markdown below the title, shown before the answer; often empty."""
    back: str
    """Markdown of the answer, from the first `##` on."""
    claims: tuple[Claim, ...]
    demo: str
    """Source text of demo.py, exactly what a proof runs."""
    folder: Path
    tags: tuple[str, ...] = ()
    asked_by: tuple[str, ...] = ()
    refs: tuple[Reference, ...] = ()
    formerly: tuple[str, ...] = ()
    terms: Mapping[str, str] = field(default_factory=dict)

    def claim(self, claim_id: str) -> Claim | None:
        return next((claim for claim in self.claims if claim.id == claim_id), None)


@dataclass(frozen=True, slots=True)
class Topic:
    id: str
    title: str
    order: int


# --- proof -------------------------------------------------------------------------------

SEEDS = range(5)
"""The seeds a claim is tried under, unless others are asked for."""


class Verdict(enum.StrEnum):
    PROVED = "proved"
    NOT_PROVED = "not_proved"
    ERROR = "error"
    TIMEOUT = "timeout"
    LIMIT = "limit"


class Role(enum.StrEnum):
    GUARD = "guard"
    EXPECT = "expect"


class Trial(NamedTuple):
    """A claim to be run: under its defaults, or with some parameters changed."""

    question: Question
    claim: Claim
    changed: Params = MappingProxyType({})
    seeds: tuple[int, ...] = ()
    """Its own, instead of those of the `prove`; empty for none."""


class FigureKind(enum.StrEnum):
    LINE = "line"
    SCATTER = "scatter"
    BAR = "bar"
    HIST = "hist"
    HEATMAP = "heatmap"


@dataclass(frozen=True, slots=True)
class Series:
    """A curve, a cloud of points, a group of bars, one histogram, one row of a heatmap."""

    name: str
    x: tuple[float, ...]
    """Of a histogram the edges, one more than `y`. Of bars and rows: 0, 1, 2 …"""
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as numbers; render/ draws it."""

    kind: FigureKind
    title: str
    series: tuple[Series, ...]
    x_label: str = ""
    y_label: str = ""
    categories: tuple[str, ...] = ()
    """Names of the bars, or of the columns of a heatmap."""
    log_x: bool = False
    log_y: bool = False
    rules: tuple[tuple[str, float], ...] = ()
    """Horizontal lines for comparison: name and y."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run measured: arm 0 is the claim, arm k the k-th control."""

    seed: int
    arm: int
    numbers: Numbers
    ms: float
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One declared number over all seeds, as the judge saw it."""

    name: str
    role: Role
    bound: str
    value: float | None
    """The worst value over the seeds (nearest to breaking the bound); None if never measured."""
    control: float | None
    """The value under the control, in the seed that came nearest to still meeting the bound."""
    holds: bool
    values: tuple[float, ...] = ()
    controls: tuple[tuple[float, ...], ...] = ()
    """Per control, the value for each seed."""


@dataclass(frozen=True, slots=True)
class ClaimResult:
    claim: str
    verdict: Verdict
    seeds: tuple[int, ...]
    ms: float
    measures: tuple[Measure, ...]
    reason: str = ""
    """Why it is not proved, in words; empty when proved."""
    output: str = ""
    """What the demo printed; shown, never judged."""
    python: str = ""
    """Version of the Python that ran it, and below of its NumPy; empty when no child started."""
    numpy: str = ""
    figures: tuple[tuple[Figure, ...], ...] = ()
    """Per arm, those of the first seed; shown, never judged. Empty when no arm has any."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An event: one run of one claim has finished."""

    question: str
    claim: str
    sample: Sample
    trial: int = 0
    """Which of the trials asked for, counted from 0."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An event: every run of one claim has ended and the judge has spoken."""

    question: str
    claim: str
    result: ClaimResult
    trial: int = 0


ProofEvent: TypeAlias = Measured | Judged


# --- prediction --------------------------------------------------------------------------


class Ask(enum.StrEnum):
    """What a prompt asks of an experiment that has not been run yet."""

    WAY = "way"
    """Does a number grow, shrink or stay under a control? One option."""
    BREAKS = "breaks"
    """Which expectations fail under a control? Any number of options."""
    FURTHEST = "furthest"
    """Which control takes a number furthest from its bound? One option."""
    NUMBER = "number"
    """Roughly what is a number under a control? Typed; there are no options."""


class Hit(enum.StrEnum):
    RIGHT = "right"
    PARTLY = "partly"
    WRONG = "wrong"
    NONE = "none"
    """Not answered, or nothing was measured to hold it against."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to the learner before the first run of a claim: all that scoring it needs,
    so that a logged one can be understood without the bank it came from."""

    ask: Ask
    text: str
    options: tuple[str, ...]
    names: tuple[str, ...]
    """The numbers it is about; of BREAKS, one for each option."""
    bounds: tuple[str, ...]
    """What the claim expects of each of `names`."""
    arms: tuple[int, ...]
    """The controls it is about, counted as in Sample; of FURTHEST, one for each option but the
    last, which says that none stands out."""


Guess: TypeAlias = tuple[int, ...] | float | None
"""The options picked, by their place from 0; the number typed; None: not answered."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A guess beside what was measured."""

    prompt: Prompt
    guess: Guess
    hit: Hit
    truth: str
    """What was measured, in words."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One line of the log: what was predicted of one claim, and how it turned out."""

    id: int
    question: str
    claim: str
    at: datetime
    """UTC, when it was made."""
    about: str
    """Hash of the claim's text and code, as they were."""
    forecasts: tuple[Forecast, ...]


# --- memory ------------------------------------------------------------------------------


class Rating(enum.IntEnum):
    AGAIN = 1
    HARD = 2
    GOOD = 3
    EASY = 4

    def among(self, grades: Collection[Rating]) -> Rating:
        """Itself where only `grades` are offered, which begin with AGAIN: the best of them that
        is no better."""
        return max(grade for grade in grades if grade <= self)


class State(enum.IntEnum):
    """FSRS's states; a question without a card is new."""

    LEARNING = 1
    REVIEW = 2
    RELEARNING = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happens, as memory counts time."""

    at: datetime
    """UTC, whole milliseconds."""
    day: int
    """The study day as an ordinal (`date.toordinal`), where and when the learner is."""


class Card(NamedTuple):
    """Memory state of one question: a cache of what replaying its reviews gives. A tuple, as
    thousands of them are made whenever the memory is read."""

    question: str
    state: State
    step: int | None
    stability: float
    """Days until retrievability falls to 90 %."""
    difficulty: float
    due: datetime | None
    """UTC, of a learning step. None in State.REVIEW: that falls due with its whole study day,
    whatever the time zone is by then."""
    due_day: int
    """Ordinal of the study day it falls due; of a learning step, the day it was given."""
    last_day: int
    """Ordinal of the study day of the last review."""
    reps: int
    lapses: int
    """How often State.REVIEW ended in Again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rating would do: computed once, shown on its button, stored as it is."""

    rating: Rating
    before: Card | None
    """The card it was computed from; None for a new question."""
    card: Card
    interval: timedelta
    """Below a day: a learning step, exact. Otherwise whole study days."""


@dataclass(frozen=True, slots=True)
class Review:
    """One line of the log: the truth that cards are computed from."""

    id: int
    question: str
    rating: Rating
    at: datetime
    """UTC, when the rating was given."""
    day: int
    """Ordinal of the study day of the recall."""
    duration: timedelta
    """From the question on screen to the rating."""
    state_before: State | None
    """None: the question was new."""
    state: State
    step: int | None
    stability: float
    difficulty: float
    interval: timedelta
    due: datetime | None
    """UTC, of a learning step, as in Card."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What a review was scheduled with, in full: kept in the log beside it."""

    scheduler: str
    parameters: str
    """JSON: FSRS's weights, desired_retention, steps in seconds."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Whether one key point of an answer was told."""

    point: str
    """Its text as it was then."""
    must: bool
    told: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """What the learner had to say before an answer was seen, held against its key points."""

    said: str
    """What was typed; empty when it was not."""
    ticks: tuple[Tick, ...] = ()
    """Of every key point; empty when none was looked at."""


@dataclass(frozen=True, slots=True)
class Recalled:
    question: str
    at: datetime
    """UTC, of the review it belongs to."""
    recall: Recall


@dataclass(frozen=True, slots=True)
class Setup:
    """What an interview is to be about."""

    minutes: int
    company: str = ""
    """Empty: any, and those that nobody is known to have asked."""
    topics: tuple[str, ...] = ()
    """Ids; empty: all."""
    level: int = 0
    """0: all of them."""
    seed: int = 0
    """Of everything that is left to chance."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing that was asked, and what came of it."""

    asked: str
    """Markdown, as it was then."""
    duration: timedelta
    passed: bool = False
    """The learner had no answer."""
    said: str = ""
    """What was typed; empty when it was only spoken."""
    told: bool = False
    """Of a follow-up: whether its answer was given. Of the question itself the ticks say it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question of an interview, and what was asked after it."""

    question: str
    main: Reply
    follow_ups: tuple[Reply, ...] = ()
    ticks: tuple[Tick, ...] = ()
    """Of every key point; empty as long as none was looked at."""


class Ending(enum.StrEnum):
    """Why nothing more was asked."""

    TIME = "time"
    DONE = "done"
    """There was nothing left to ask."""
    EARLY = "early"
    """The learner stopped it."""


@dataclass(frozen=True, slots=True)
class Interview:
    """One line of the log: what was asked in one go without any answer being shown, and which
    of it was told."""

    begun: datetime
    """UTC, whole milliseconds; no two have the same."""
    setup: Setup
    exchanges: tuple[Exchange, ...] = ()
    ending: Ending = Ending.EARLY
    id: int = 0
    """The log's own number for it; 0: not in it yet."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A line of the log: the question was new again from then on."""

    question: str
    at: datetime
    """UTC."""
    undone: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A review with all that the log says of it, for taking it elsewhere."""

    review: Review
    """Its `id` is the log's own. Stability and difficulty 0: not known there, to be computed."""
    preset: Preset
    undone: datetime | None = None
    recall: Recall | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """What the learner has written about a question."""

    text: str
    at: datetime
    """UTC, when it was last changed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the learner has set on a question by hand."""

    suspended: bool = False
    buried_until: int = 0
    """Ordinal of the study day on which it comes back."""
    flagged: bool = False

    def hides(self, day: int) -> bool:
        """Whether the question is not to be asked on that study day."""
        return self.suspended or self.buried_until > day


@dataclass(frozen=True, slots=True)
class Log:
    """All that was ever remembered and cannot be computed: what moves between machines."""

    entries: tuple[Entry, ...] = ()
    """Oldest first, under the names that questions had then."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Former id -> the one of today."""
    marks: Mapping[str, Mark] = field(default_factory=dict)
    remarks: Mapping[str, Remark] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()
    resets: tuple[Reset, ...] = ()
    interviews: tuple[Interview, ...] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """How much of a log was new."""

    reviews: int
    undone: int
    names: int
    marks: int
    remarks: int
    predictions: int
    resets: int
    interviews: int


@dataclass(frozen=True, slots=True)
class Today:
    """What is left of a study day."""

    learning: int
    review: int
    new: int
    seconds: float
    """How long that will take, at the learner's own pace."""

    @property
    def total(self) -> int:
        return self.learning + self.review + self.new
