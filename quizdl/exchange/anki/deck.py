"""A bank, and what is remembered of it, as a deck; a deck's reviews as a log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from quizdl.exchange.anki.editions import Editions
from quizdl.exchange.anki.notes import guid, note
from quizdl.exchange.anki.notetype import GUID, model
from quizdl.exchange.anki.package import Entry as PackageEntry
from quizdl.exchange.anki.reading import Found
from quizdl.exchange.anki.scheduling import Answer, Schedule, card_columns, review_columns
from quizdl.exchange.sheets import Sheet
from quizdl.memory.scheduler import steps
from quizdl.model import Entry, Log, Preset, Question, Remark, Review, State
from quizdl.settings import DEFAULTS, Settings

PRESET = Preset("anki", "{}")
"""Of reviews made there: with which parameters, Anki does not log."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What an export with progress carries, by question; and how FSRS is set."""

    schedules: Mapping[str, Schedule]
    steps: tuple[int, int]
    """How many learning and relearning steps there are."""
    retention: float
    decay: float


@dataclass(frozen=True, slots=True)
class Extras:
    remarks: Mapping[str, Remark] = field(default_factory=dict)
    progress: Progress | None = None


def entries(sheets: Iterable[Sheet], extras: Extras, editions: Editions) -> Iterator[PackageEntry]:
    """The notes of a deck, in the order of `sheets`."""
    for sheet in sheets:
        question = sheet.question.id
        remark = extras.remarks.get(question)
        made = note(sheet, remark.text if remark else "")
        schedule = extras.progress.schedules.get(question) if extras.progress else None
        if schedule is None or extras.progress is None:
            yield PackageEntry(made, editions.of(made))
            continue
        progress = extras.progress
        columns = card_columns(schedule, progress.steps, progress.retention, progress.decay)
        reviews = tuple(review_columns(schedule.reviews))
        yield PackageEntry(made, editions.of(made), columns, reviews)


def model_edition(editions: Editions) -> int:
    """When our note type last changed."""
    return editions.of_text("notetype", repr(model(0, 0)))


def to_log(
    found: Found,
    questions: Iterable[Question],
    study_day: Callable[[datetime], int],
    settings: Settings = DEFAULTS,
) -> Log:
    """What `found` tells, under the ids of today; a question that is no longer in the bank
    keeps the id it had. `study_day`: of a time in UTC; `settings`: for the learning steps."""
    known = {guid(question): question.id for question in questions}

    def name(first: str) -> str:
        return known.get(GUID + first, first)

    return Log(
        entries=tuple(
            Entry(_review(answer, name(answer.question), study_day, settings), PRESET)
            for answer in found.answers
        ),
        remarks={
            name(first): Remark(text, at.astimezone(UTC))
            for first, (text, at) in found.remarks.items()
        },
    )


def _review(
    answer: Answer, question: str, study_day: Callable[[datetime], int], settings: Settings
) -> Review:
    """Stability and difficulty, which Anki does not log, are 0: to be computed."""
    short = answer.interval < timedelta(days=1)
    state: State = State.REVIEW
    minutes: Sequence[float] = ()
    if short:
        learning = State.LEARNING, settings.learning_steps
        relearning = State.RELEARNING, settings.relearning_steps
        state, minutes = learning if answer.learning else relearning
    return Review(
        id=0,
        question=question,
        rating=answer.rating,
        at=answer.at,
        day=study_day(answer.at),
        duration=answer.duration,
        state_before=None,
        state=state,
        step=_step(answer.interval, steps(minutes)) if short else None,
        stability=0.0,
        difficulty=0.0,
        interval=answer.interval,
        due=answer.at + answer.interval if short else None,
    )


def _step(interval: timedelta, ours: Sequence[timedelta]) -> int:
    """Which of our steps is nearest to one of Anki's, whose steps may be others: the last that
    is not longer."""
    return max((place for place, each in enumerate(ours) if each <= interval), default=0)
