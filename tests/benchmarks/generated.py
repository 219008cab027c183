"""A learner of years, made up: 10,000 questions and 1,000,000 reviews, for us and for Anki.

The same each time it is made on the same day. The bank is the one that comes with quizdl, each
question many times over under ids and titles of its own, with a demo of its own. Histories are
simulated with quizdl's scheduler, a few hundred of them; each question has one, moved in time by
whole days, which changes no state of FSRS. The database is made by quizdl and filled by plain
SQL; its cards are what a replay of its log gives. The same questions, cards and reviews reach
Anki in a package that our exporter writes, with FSRS on and the same limits a day.
"""

from __future__ import annotations

import random
import re
import shutil
import time as clock
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from itertools import count, cycle, islice
from pathlib import Path

from quizdl.bank import Bank, cache, find_bank, load
from quizdl.exchange.anki import notes
from quizdl.exchange.anki.package import Entry, write_package
from quizdl.exchange.anki.scheduling import Schedule, card_columns, review_columns
from quizdl.exchange.sheets import Sheet
from quizdl.memory import open_store, scheduler
from quizdl.memory.store import schema
from quizdl.model import Mark, Moment, Outcome, Question, Rating, Review, State
from quizdl.settings import Paths, Settings
from quizdl.words import in_chinese

QUESTIONS, STARTED, REVIEWS_EACH, HISTORIES = 10_000, 8_000, 125, 400
UNDONE = 0.001
"""Share of reviews that were taken back and given again: lines that only our log has."""
_RATINGS = (20, 12, 56, 12)  # percent: it takes many lapses to be asked so often in some years
_YEARS = timedelta(days=3 * 365), timedelta(days=10 * 365)
_PLACE = "PLACE"  # of the title, in a note that is made once for many
_LAST_GOOD = 3  # so that no history ends in a learning step


@dataclass(frozen=True, slots=True)
class Made:
    folder: Path
    bank: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def paths(self) -> Paths:
        return Paths(self.home, self.home)

    @property
    def anki(self) -> Path:
        return self.folder / "anki" / "collection.anki2"


def make(folder: Path, today: date, questions: int = QUESTIONS) -> Made:
    """All of it below `folder`, unless it is there; and the bank read, so that it is cached."""
    folder /= f"{today:%Y-%m-%d}-{questions}-{schema.REVISION}"
    made = Made(folder, folder / "bank")
    done = made.folder / "done"
    if not done.exists():
        shutil.rmtree(made.folder, ignore_errors=True)
        bank = load(find_bank(None)).require_questions()
        copies = _copies(bank, questions)
        write_bank(made.bank, bank, copies)
        schedules = _schedules(copies, today.toordinal())
        made.home.mkdir()
        write_database(made.paths.database, schedules.values())
        made.anki.parent.mkdir()
        write_collection(made.anki, bank, copies, schedules, today)
        done.touch()
    cache.load(made.bank, made.paths.bank_cache, clock.time())
    return made


# --- the bank -----------------------------------------------------------------------------


def _copies(bank: Bank, total: int) -> list[Question]:
    """In the order in which the bank on the disk will be read."""
    copies = [
        replace(
            question,
            id=f"{question.id}-{number}x",
            title=f"{_mark(number)} {question.title}",
            formerly=(),
        )
        for number, question in zip(range(total), cycle(bank.questions), strict=False)
    ]
    place = {topic.id: place for place, topic in enumerate(bank.topics)}
    return sorted(copies, key=lambda each: (place[each.topic], each.id))


def _mark(number: int) -> str:
    """Two characters that tell a copy from the others."""
    return chr(0x4E00 + number % 5000) + chr(0x4E00 + number // 50)


def write_bank(root: Path, bank: Bank, copies: Sequence[Question]) -> None:
    for topic in bank.topics:
        folder = root / topic.id
        folder.mkdir(parents=True)
        text = f'title = "{topic.title}"\norder = {topic.order}\n'
        (folder / "topic.toml").write_text(text, "utf-8")
    sources: dict[Path, str] = {}
    for copy in copies:
        if copy.folder not in sources:
            text = (copy.folder / "question.md").read_text("utf-8")
            sources[copy.folder] = re.sub(r"^formerly = .*\n", "", text, flags=re.MULTILINE)
        folder = root / copy.topic / copy.id
        folder.mkdir()
        head, title, body = re.split(r"(^# .*$)", sources[copy.folder], maxsplit=1, flags=re.M)
        assert title.endswith(copy.title.split(" ", 1)[1])
        (folder / "question.md").write_text(f"{head}# {copy.title}{body}", "utf-8")
        (folder / "demo.py").write_text(f"{copy.demo}\n# {copy.id}\n", "utf-8")


# --- the memory ---------------------------------------------------------------------------

_History = Sequence[tuple[datetime, Outcome]]


def _schedules(questions: Sequence[Question], today: int) -> dict[str, Schedule]:
    """What is remembered of the questions that have been rated, by id."""
    draw = random.Random(1)
    histories = list(islice(_histories(), HISTORIES))
    used: set[datetime] = set()
    schedules = {}
    started = draw.sample(questions, len(questions) * STARTED // QUESTIONS)
    for place, question in enumerate(started):
        history = histories[place % HISTORIES]
        last = history[-1][1].card
        interval = last.due_day - last.last_day
        late = draw.choices([0, 3], [9, 1])[0]
        due = today + draw.randrange(interval) - late  # reviewed yesterday at the latest
        shift = due - last.due_day
        schedules[question.id] = Schedule(
            last._replace(question=question.id, due_day=due, last_day=due - interval),
            tuple(_reviews(question.id, history, timedelta(days=shift), draw, used)),
            Mark(suspended=place % 80 == 0, flagged=place % 40 == 1),
        )
    return schedules


def _histories() -> Iterator[_History]:
    for seed in count():
        history = _history(random.Random(seed))
        if _YEARS[0] < history[-1][0] - history[0][0] < _YEARS[1]:
            yield history


def _history(draw: random.Random) -> _History:
    """What a question goes through from some day on, each answer when it is due, or later."""
    settings, card = Settings(), None
    history: list[tuple[datetime, Outcome]] = []
    at = datetime(2000, 1, 1, 9, tzinfo=UTC)
    while len(history) < REVIEWS_EACH:
        last = REVIEWS_EACH - len(history) <= _LAST_GOOD
        rating = Rating.GOOD if last else draw.choices(list(Rating), _RATINGS)[0]
        outcome = scheduler.outcomes(card, "", Moment(at, at.toordinal()), settings)[rating]
        history.append((at, outcome))
        card = outcome.card
        if card.due is not None:
            at = card.due + timedelta(seconds=draw.randint(5, 90))
        else:
            late = draw.choices([0, 1, 4], [80, 15, 5])[0]
            morning = datetime.fromordinal(card.due_day + late).replace(hour=8, tzinfo=UTC)
            at = morning + timedelta(seconds=draw.randint(0, 50_000))
    assert history[-1][1].card.state is State.REVIEW
    return history


def _reviews(
    question: str, history: _History, shift: timedelta, draw: random.Random, used: set[datetime]
) -> Iterator[Review]:
    """A history as the log of a question, each review at a millisecond of its own, by which Anki
    knows it."""
    for at, outcome in history:
        card = outcome.card
        at += shift + timedelta(milliseconds=draw.randrange(4000))
        while at in used:
            at += timedelta(milliseconds=1)
        used.add(at)
        yield Review(
            id=0,
            question=question,
            rating=outcome.rating,
            at=at,
            day=card.last_day + shift.days,
            duration=timedelta(milliseconds=draw.randrange(3000, 60_000)),
            state_before=outcome.before.state if outcome.before else None,
            state=card.state,
            step=card.step,
            stability=card.stability,
            difficulty=card.difficulty,
            interval=outcome.interval,
            due=None if card.due is None else at + outcome.interval,
        )


def write_database(path: Path, schedules: Collection[Schedule]) -> None:
    preset, draw = scheduler.preset(Settings()), random.Random(2)
    log = sorted(
        (review for schedule in schedules for review in schedule.reviews), key=lambda each: each.at
    )
    rows: list[Mapping[str, object]] = []
    undos: list[Mapping[str, object]] = []
    for review in log:
        values = schema.entry_values(review, preset=1)
        if draw.random() < UNDONE:
            before = schema.milliseconds(review.at) - 5000
            rows.append(values | {"reviewed_ms": before})
            undos.append({"review": len(rows), "undone_ms": before + 2000})
        rows.append(values)
    version = scheduler.scheduler_version()
    with open_store(path) as store, store._writer.begin():
        writer = store._writer
        assert store._add_preset(preset) == 1
        schema.insert_many(writer, schema.reviews, rows)
        schema.insert_many(writer, schema.undos, undos)
        cards = [schema.card_values(each.card, version) for each in schedules]
        schema.insert_many(writer, schema.cards, cards)
        marks = [
            {
                "question": each.card.question,
                "suspended": int(each.mark.suspended),
                "flagged": int(each.mark.flagged),
            }
            for each in schedules
            if each.mark != Mark()
        ]
        schema.insert_many(writer, schema.marks, marks)


# --- Anki ---------------------------------------------------------------------------------


def write_collection(
    path: Path,
    bank: Bank,
    copies: Iterable[Question],
    schedules: Mapping[str, Schedule],
    today: date,
) -> None:
    """The same, as Anki has it after an import: FSRS on, as many cards a day, the same order."""
    from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest
    from anki.deck_config_pb2 import DeckConfig

    settings = Settings()
    now = int(datetime.combine(today, time(), UTC).timestamp())
    package = path.with_suffix(".apkg")
    write_package(package, _entries(bank, copies, schedules, now), now, settings.rollover_hour)
    collection = Collection(str(path))
    try:
        options = ImportAnkiPackageOptions(with_scheduling=True)
        collection.import_anki_package(
            ImportAnkiPackageRequest(package_path=str(package), options=options)
        )
        collection.set_config("rollover", settings.rollover_hour)
        collection.set_config("fsrs", True)
        limits = collection.decks.get_config(1)
        limits["new"]["perDay"] = settings.new_per_day
        limits["rev"]["perDay"] = settings.reviews_per_day
        limits["desiredRetention"] = settings.desired_retention
        order = DeckConfig.Config.REVIEW_CARD_ORDER_RETRIEVABILITY_ASCENDING
        limits["reviewOrder"] = order
        limits["newMix"] = DeckConfig.Config.REVIEW_MIX_AFTER_REVIEWS
        collection.decks.update_config(limits)
        collection.decks.select(collection.decks.id_for_name(in_chinese("anki.deck")))
    finally:
        collection.close()
        package.unlink()


def _entries(
    bank: Bank, copies: Iterable[Question], schedules: Mapping[str, Schedule], now: int
) -> Iterator[Entry]:
    """Without code and proofs, into which our search does not look, either."""
    topics = {topic.id: topic for topic in bank.topics}
    settings, decay = Settings(), scheduler.decay()
    steps = len(settings.learning_steps), len(settings.relearning_steps)
    made: dict[Path, notes.Note] = {}
    for copy in copies:
        if copy.folder not in made:
            plain = replace(copy, title=_PLACE, demo="")
            made[copy.folder] = notes.note(Sheet(plain, topics[copy.topic]))
        note = made[copy.folder]
        first = note.fields[0].replace(_PLACE, escape(copy.title))
        note = replace(
            note, guid=notes.guid(copy), fields=(first, *note.fields[1:-1], escape(copy.id))
        )
        if (schedule := schedules.get(copy.id)) is None:
            yield Entry(note, now)
        else:
            columns = card_columns(schedule, steps, settings.desired_retention, decay)
            yield Entry(note, now, columns, tuple(review_columns(schedule.reviews)))


if __name__ == "__main__":
    import sys

    print(make(Path(sys.argv[1]), datetime.now(UTC).date(), *map(int, sys.argv[2:])).folder)
