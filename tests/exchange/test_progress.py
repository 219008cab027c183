"""Progress to Anki and back, with the real Anki at the other end."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anki.collection import Collection
from banks import write_question
from decks import collection, give_out, take_in
from terminals import Quizdl

from quizdl.exchange.anki.notetype import REMARK
from quizdl.memory import open_store, scheduler
from quizdl.model import Card, Rating, Review, State
from quizdl.settings import Settings

SETTINGS = Settings()
TOOK = timedelta(seconds=12)
ANSWERS = {
    "learning": [(0, Rating.GOOD)],
    "known": [(9, Rating.EASY), (1, Rating.GOOD)],
    "forgotten": [(12, Rating.EASY), (3, Rating.AGAIN)],
    "relearnt": [(20, Rating.EASY), (10, Rating.AGAIN), (10, Rating.GOOD), (2, Rating.HARD)],
    "set-aside": [(8, Rating.EASY)],
}
"""Days before now, and the rating."""


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    root = tmp_path / "bank"
    for slug in (*ANSWERS, "never-asked"):
        write_question(root, slug)
    return root


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A learner's, with reviews up to two minutes ago."""
    path = tmp_path / "home" / "memory.sqlite3"
    now = datetime.now().astimezone() - timedelta(minutes=2)
    with open_store(path) as store:
        for place, (question, answers) in enumerate(ANSWERS.items()):
            for number, (days, rating) in enumerate(answers):
                at = now - timedelta(days=days, seconds=place + 60 * (len(answers) - number))
                moment = scheduler.moment(at, SETTINGS.rollover_hour)
                card = store.memory(moment.day).cards.get(question)
                outcome = scheduler.outcomes(card, question, moment, SETTINGS)[rating]
                store.record(
                    scheduler.settle(outcome, moment.at),
                    moment.at,
                    TOOK,
                    scheduler.preset(SETTINGS),
                )
        store.mark("set-aside", suspended=True)
        store.mark("known", flagged=True)
    return path


def export(quizdl: Quizdl, bank: Path, to: Path, *more: str) -> Path:
    arguments = ("--no-proofs", "--bank", str(bank), "-o", str(to), *more)
    ran = quizdl("export", "anki", *arguments)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return to


def remembered(database: Path) -> tuple[dict[str, Card], list[Review]]:
    with open_store(database) as store:
        return dict(store.memory(0).cards), store.reviews()


def card_of(anki: Collection, question: str) -> Any:
    (number,) = anki.find_cards(f'"quizdl id:{question}"')
    return anki.get_card(number)


def today() -> int:
    return scheduler.study_day(datetime.now().astimezone(), SETTINGS.rollover_hour)


def test_without_the_flag_nothing_is_carried(
    quizdl: Quizdl, bank: Path, database: Path, tmp_path: Path
) -> None:
    package = export(quizdl, bank, tmp_path / "deck.apkg")
    with collection(tmp_path / "anki") as anki:
        take_in(anki, package)
        assert anki.db is not None
        assert anki.db.scalar("select count() from revlog") == 0
        assert anki.db.list("select distinct queue from cards") == [0]


def test_schedule_and_log_survive(
    quizdl: Quizdl, bank: Path, database: Path, tmp_path: Path
) -> None:
    cards, reviews = remembered(database)
    package = export(quizdl, bank, tmp_path / "deck.apkg", "--with-progress")
    with collection(tmp_path / "anki") as anki:
        anki.set_config("rollover", SETTINGS.rollover_hour)
        take_in(anki, package)
        assert anki.fix_integrity() == ("Database rebuilt and optimized.", True)
        for question, card in cards.items():
            there = card_of(anki, question)
            assert (there.reps, there.lapses) == (card.reps, card.lapses), question
            assert there.memory_state is not None
            assert there.memory_state.stability == pytest.approx(card.stability, abs=1e-4)
            assert there.memory_state.difficulty == pytest.approx(card.difficulty, abs=1e-3)
            if card.state is State.REVIEW:
                assert there.type == 2, question
                assert there.due - anki.sched.today == card.due_day - today(), question
                assert there.ivl == card.due_day - card.last_day, question
            else:
                assert there.type == {State.LEARNING: 1, State.RELEARNING: 3}[card.state]
                assert card.due is not None
                assert there.due == int(card.due.timestamp()), question
        assert card_of(anki, "set-aside").queue == -1
        assert card_of(anki, "known").user_flag() == 1
        assert card_of(anki, "never-asked").queue == 0
        assert anki.db is not None
        logged = anki.db.all(
            "select revlog.id, sfld, ease, time, revlog.ivl from revlog "
            "join cards on cards.id = cid join notes on notes.id = nid order by revlog.id"
        )
        assert [(at, ease, time) for at, _, ease, time, _ in logged] == [
            (ms(review), int(review.rating), 12000) for review in reviews
        ]
        for (*_, interval), review in zip(logged, reviews, strict=True):
            days = review.interval.days
            assert interval == (days or -int(review.interval.total_seconds()))


def ms(review: Review) -> int:
    return round(review.at.timestamp() * 1000)


@pytest.mark.slow
@pytest.mark.parametrize("legacy", [False, True])
def test_answers_given_in_anki_come_home_once(
    quizdl: Quizdl, bank: Path, database: Path, tmp_path: Path, legacy: bool
) -> None:
    _, before = remembered(database)
    package = export(quizdl, bank, tmp_path / "deck.apkg", "--with-progress")
    with collection(tmp_path / "anki") as anki:
        anki.set_config("fsrs", True)
        anki.set_config("rollover", SETTINGS.rollover_hour)
        take_in(anki, package)
        answered = answer(anki, {"never-asked": 3, "forgotten": 1})
        note = card_of(anki, "known").note()
        note.fields[REMARK] = "<b>先说结论</b>"
        anki.update_note(note)
        reviewed = give_out(anki, tmp_path / "reviewed.apkg", legacy=legacy)
        expected = {name: (card_of(anki, name).type, card_of(anki, name).ivl) for name in answered}
    assert set(answered) == {"never-asked", "forgotten"}

    first = quizdl("import", "anki", str(reviewed), "--bank", str(bank))
    assert first.returncode == 0, first
    assert f"新增 2 次复习，{len(before)} 次已经有了" in first.stdout
    cards, after = remembered(database)
    assert [review for review in after if review in before] == before
    new = [review for review in after if review not in before]
    assert {(r.question, int(r.rating), ms(r)) for r in new} == {
        (name, ease, at) for name, (ease, at) in answered.items()
    }
    kinds = {State.LEARNING: 1, State.REVIEW: 2, State.RELEARNING: 3}
    assert cards["never-asked"].step == 1, "Good on the first of two steps, there as here"
    for name, (kind, interval) in expected.items():
        assert kinds[cards[name].state] == kind
        if kind == 2:
            assert cards[name].due_day == today() + interval
    assert_replay_equals_cache(database)

    second = quizdl("import", "anki", str(reviewed), "--bank", str(bank))
    assert f"新增 0 次复习，{len(after)} 次已经有了" in second.stdout
    assert remembered(database) == (cards, after)

    again = export(quizdl, bank, tmp_path / "again.apkg")
    with collection(tmp_path / "fresh") as anki:
        take_in(anki, again)
        fields = card_of(anki, "known").note().fields
    assert fields[REMARK] == "<b>先说结论</b>", "what the learner wrote there is given back"


def answer(anki: Collection, wanted: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Through Anki's own scheduler: question -> (button, when). Others are put off."""
    done: dict[str, tuple[int, int]] = {}
    deck = anki.decks.id_for_name("quizdl")
    assert deck is not None
    anki.decks.select(deck)
    for question, ease in wanted.items():
        card = card_of(anki, question)
        others = [n for n in anki.find_cards("") if n != card.id]
        anki.sched.bury_cards(others, manual=False)
        if card.type == 3:  # its step is to come: as if it had
            card.due = int(datetime.now(UTC).timestamp()) - 1
            anki.update_card(card)
        queued = anki.sched.get_queued_cards(fetch_limit=1).cards
        assert [each.card.id for each in queued] == [card.id], question
        shown = type(card)(anki, backend_card=queued[0].card)
        shown.start_timer()
        anki.sched.answerCard(shown, ease)
        assert anki.db is not None
        at = anki.db.scalar("select max(id) from revlog where cid = ?", card.id)
        done[question] = (ease, at)
        anki.sched.unbury_cards(others)
    return done


def assert_replay_equals_cache(database: Path) -> None:
    with open_store(database) as store:
        cached = store.memory(0).cards
        store.replay()
        assert store.memory(0).cards == cached


def test_reviews_on_both_sides_interleave_by_time(
    quizdl: Quizdl, bank: Path, database: Path, tmp_path: Path
) -> None:
    package = export(quizdl, bank, tmp_path / "deck.apkg", "--with-progress")
    with collection(tmp_path / "anki") as anki:
        take_in(anki, package)
        answered = answer(anki, {"forgotten": 3})
        reviewed = give_out(anki, tmp_path / "reviewed.apkg")
    with open_store(database) as store:  # meanwhile, later than there
        moment = scheduler.moment(
            datetime.now().astimezone() + timedelta(minutes=1), SETTINGS.rollover_hour
        )
        card = store.memory(moment.day).cards["forgotten"]
        outcome = scheduler.outcomes(card, "forgotten", moment, SETTINGS)[Rating.HARD]
        late = store.record(outcome, moment.at, TOOK, scheduler.preset(SETTINGS))
    assert quizdl("import", "anki", str(reviewed), "--bank", str(bank)).returncode == 0
    cards, log = remembered(database)
    own = [review for review in log if review.question == "forgotten"]
    assert [int(review.rating) for review in own] == [4, 1, 3, 2]
    assert ms(own[2]) == answered["forgotten"][1]
    assert own[3] == late, "what was logged here is as it was"
    assert cards["forgotten"].reps == 4
    assert cards["forgotten"].due_day == late.day + late.interval.days
    assert_replay_equals_cache(database)


def test_a_foreign_deck_is_refused(
    quizdl: Quizdl, bank: Path, database: Path, tmp_path: Path
) -> None:
    before = remembered(database)
    with collection(tmp_path / "anki") as anki:
        note = anki.new_note(anki.models.by_name("Basic"))
        note.fields = ["法国的首都", "巴黎"]
        anki.add_note(note, anki.decks.id("quizdl"))
        foreign = give_out(anki, tmp_path / "foreign.apkg")
    ran = quizdl("import", "anki", str(foreign), "--bank", str(bank))
    assert ran.returncode == 1
    assert "没有 quizdl 的卡片" in ran.stderr
    assert remembered(database) == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"not a zip at all"])
def test_a_broken_file_is_one_clear_line(
    quizdl: Quizdl, bank: Path, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "deck.apkg"
    path.write_bytes(content)
    ran = quizdl("import", "anki", str(path), "--bank", str(bank))
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert str(path) in ran.stderr


def test_the_package_is_one_that_old_readers_know(
    quizdl: Quizdl, bank: Path, database: Path, tmp_path: Path
) -> None:
    import zipfile

    package = export(quizdl, bank, tmp_path / "deck.apkg", "--with-progress")
    with zipfile.ZipFile(package) as file:
        file.extract("collection.anki2", tmp_path)
    with closing(sqlite3.connect(tmp_path / "collection.anki2")) as database_:
        version, config = database_.execute("SELECT ver, conf FROM col").fetchone()
        assert version == 11
        assert json.loads(config)["schedVer"] == 2
        assert database_.execute("PRAGMA integrity_check").fetchone() == ("ok",)
