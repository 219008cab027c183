"""A study session, through its public door, on a real database."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from quizdl.memory import open_store, scheduler
from quizdl.memory.store import Store
from quizdl.model import (
    Exchange,
    Interview,
    Outcome,
    Question,
    Rating,
    Recall,
    Reply,
    Setup,
    State,
    Tick,
)
from quizdl.session import (
    LONGEST,
    Plan,
    Session,
    format_interval,
    leech_warning,
    open_library,
)
from quizdl.session.unfinished import from_document, to_document
from quizdl.settings import Settings
from quizdl.words import QuizdlError

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVENING = datetime(2025, 3, 1, 22, 0, tzinfo=SHANGHAI)
MORNING = datetime(2025, 3, 2, 8, 0, tzinfo=SHANGHAI)
MINUTE = timedelta(minutes=1)


def question(slug: str, *formerly: str) -> Question:
    return Question(slug, "topic", slug, 1, "", "", (), "", Path(), formerly=formerly)


BANK = [question(slug) for slug in "abcdefgh"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened


def begin(
    store: Store,
    now: datetime = EVENING,
    bank: list[Question] = BANK,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    **plan: object,
) -> Session:
    return Session(store, bank, settings, now, Plan(**plan))  # type: ignore[arg-type]


def asked(session: Session) -> str | None:
    return None if session.current is None else session.current.id


def rate_all(session: Session, now: datetime, rating: Rating = Rating.EASY) -> list[str]:
    """Rates until nothing is asked; the ids in the order they came."""
    order = []
    while session.current is not None:
        order.append(session.current.id)
        session.rate(rating, now)
    return order


# --- rating


def forget(store: Store, times: int) -> list[str]:
    """Question a forgotten that often once it was known; what was said of it each time."""
    now, warnings = EVENING, []
    begin(store, now, BANK[:1]).rate(Rating.EASY, now)
    for _ in range(times):
        now += timedelta(days=400)
        session = begin(store, now, BANK[:1])
        warnings.append(leech_warning(session.rate(Rating.AGAIN, now)))
        now += timedelta(days=1)
        begin(store, now, BANK[:1]).rate(Rating.EASY, now)
    return warnings


def test_a_leech_is_announced_and_again_after_half_as_many_lapses(store: Store) -> None:
    warnings = forget(store, 13)
    assert [place + 1 for place, warning in enumerate(warnings) if warning] == [8, 12]
    assert "已经忘了 8 次" in warnings[7]
    days = timedelta(days=401 * 13)
    known = begin(store, EVENING + days + timedelta(days=400), BANK[:1])
    assert leech_warning(known.rate(Rating.GOOD, EVENING + days + timedelta(days=400))) == ""


def test_what_the_button_says_is_what_is_stored(store: Store) -> None:
    session = begin(store)
    outcomes = session.reveal(EVENING + MINUTE)
    assert list(outcomes) == list(Rating)
    assert session.reveal(EVENING + 2 * MINUTE) is outcomes, "computed once"
    stored = session.rate(Rating.EASY, EVENING + 3 * MINUTE)
    (review,) = store.reviews()
    assert stored.interval == outcomes[Rating.EASY].interval == review.interval
    assert store.memory(0).cards["a"] == outcomes[Rating.EASY].card


def test_duration_runs_from_the_question_to_the_rating_within_reason(store: Store) -> None:
    session = begin(store)
    session.rate(Rating.EASY, EVENING + timedelta(seconds=70))
    session.rate(Rating.EASY, EVENING + timedelta(hours=9))
    session.rate(Rating.EASY, EVENING)  # the clock was set back
    log = sorted(store.reviews(), key=lambda review: review.id)
    assert [each.duration for each in log] == [timedelta(seconds=70), LONGEST, timedelta(0)]


def test_recalled_before_the_rollover_and_rated_after_it(store: Store) -> None:
    late = datetime(2025, 3, 2, 3, 59, tzinfo=SHANGHAI)
    session = begin(store, late)
    session.reveal(late)
    session.rate(Rating.EASY, late + 5 * MINUTE)
    assert store.reviews()[0].day == EVENING.toordinal()


def test_ten_at_night_to_eight_in_the_morning_is_a_day(store: Store) -> None:
    session = begin(store, bank=BANK[:1])
    session.rate(Rating.GOOD, EVENING)
    session.rate(Rating.HARD, EVENING + 10 * MINUTE)
    session.rate(Rating.GOOD, EVENING + 20 * MINUTE)
    card = store.memory(0).cards["a"]
    assert (card.state, card.due_day) == (State.REVIEW, EVENING.toordinal() + 2)
    at_two = datetime(2025, 3, 3, 2, 0, tzinfo=SHANGHAI)
    assert asked(begin(store, at_two, BANK[:1])) is None, "still the second of March"
    assert asked(begin(store, at_two + timedelta(hours=2), BANK[:1])) == "a"


def test_an_answer_that_cannot_be_stored_changes_nothing(store: Store) -> None:
    session = begin(store)
    pages = store._raw.execute("PRAGMA page_count").fetchone()[0]
    store._raw.execute(f"PRAGMA max_page_count = {pages}")
    store._raw.execute(
        "CREATE TEMP TRIGGER no_room BEFORE INSERT ON main.reviews BEGIN "
        "INSERT INTO aliases SELECT hex(randomblob(9999)), ''; END"
    )
    with pytest.raises(QuizdlError) as error:
        session.rate(Rating.EASY, EVENING)
    assert error.value.key == "memory.full"
    assert (asked(session), session.summary(EVENING).ratings) == ("a", {})
    store._raw.execute("DROP TRIGGER no_room")
    store._raw.execute("PRAGMA max_page_count = 100000")
    session.rate(Rating.EASY, EVENING)
    assert [review.question for review in store.reviews()] == ["a"]


# --- order, limits, waiting


def test_new_questions_in_the_order_of_the_bank_up_to_the_daily_limit(store: Store) -> None:
    assert rate_all(begin(store), EVENING) == ["a", "b", "c", "d", "e"]


def test_a_restart_hands_out_no_second_portion(path: Path) -> None:
    with open_store(path) as store:
        begin(store).rate(Rating.EASY, EVENING)
    with open_store(path) as store:
        session = begin(store)
        assert session.today(EVENING).new == 4
        assert rate_all(session, EVENING) == ["b", "c", "d", "e"]
        assert asked(begin(store)) is None
        assert asked(begin(store, MORNING)) == "f", "a new day, a new portion"


def test_reviews_have_a_daily_limit_too(store: Store) -> None:
    rate_all(begin(store, new=8), EVENING)
    later = EVENING + timedelta(days=30)
    settings = Settings(reviews_per_day=3, new_per_day=0)
    assert len(rate_all(begin(store, later, settings=settings), later)) == 3
    assert asked(begin(store, later, settings=settings)) is None


def test_a_forgotten_question_comes_back_when_its_step_is_due(store: Store) -> None:
    settings = Settings(learn_ahead_minutes=0)
    session = begin(store, bank=BANK[:3], settings=settings)
    session.rate(Rating.AGAIN, EVENING)
    assert asked(session) == "b"
    session.rate(Rating.EASY, EVENING + MINUTE)
    assert asked(session) == "a", "its minute is over, and it goes before what is new"
    session.rate(Rating.GOOD, EVENING + MINUTE)
    session.rate(Rating.EASY, EVENING + 2 * MINUTE)
    assert asked(session) is None
    assert session.wait_until == EVENING + 11 * MINUTE
    assert session.refresh(EVENING + 10 * MINUTE) is None
    assert session.refresh(EVENING + 11 * MINUTE) == BANK[0]
    assert session.wait_until is None


def test_with_nothing_else_left_a_step_is_asked_early(store: Store) -> None:
    session = begin(store, bank=BANK[:1])
    session.rate(Rating.GOOD, EVENING)
    assert asked(session) == "a"
    session.rate(Rating.GOOD, EVENING)
    assert (asked(session), session.wait_until) == (None, None)


def test_when_its_time_is_over_no_other_question_is_asked(store: Store) -> None:
    session = begin(store, time=10 * MINUTE)
    session.rate(Rating.AGAIN, EVENING + 9 * MINUTE)
    assert asked(session) == "b"
    session.rate(Rating.EASY, EVENING + 11 * MINUTE)
    assert asked(session) is None, "the question that was on was finished, and was the last"
    assert session.wait_until is None, "nor is it waited for a learning step"
    assert session.refresh(EVENING + 30 * MINUTE) is None
    assert session.today(EVENING + 30 * MINUTE).total == 0
    session.undo(EVENING + 12 * MINUTE)
    assert asked(session) == "b"
    session.rate(Rating.GOOD, EVENING + 12 * MINUTE)
    assert asked(session) is None
    assert sum(session.summary(EVENING + 12 * MINUTE).ratings.values()) == 2
    assert asked(begin(store, EVENING + 30 * MINUTE)) == "a"


def test_limit_counts_questions_and_lets_them_finish(store: Store) -> None:
    session = begin(store, limit=2)
    assert session.today(EVENING).new == 2
    session.rate(Rating.GOOD, EVENING)
    session.rate(Rating.GOOD, EVENING)
    assert session.today(EVENING).new == 0
    assert sorted(rate_all(session, EVENING, Rating.GOOD)) == ["a", "b"]


@pytest.mark.parametrize(("new", "count"), [(0, 0), (2, 2), (7, 7)])
def test_new_replaces_the_setting(store: Store, new: int, count: int) -> None:
    assert len(rate_all(begin(store, new=new), EVENING)) == count


def test_ahead_asks_what_is_not_due_once(store: Store) -> None:
    rate_all(begin(store, bank=BANK[:3]), EVENING)
    assert asked(begin(store, MORNING, BANK[:3])) is None
    session = begin(store, MORNING, BANK[:3], ahead=True)
    assert session.today(MORNING).review == 3
    assert rate_all(session, MORNING, Rating.GOOD) == ["a", "b", "c"]


def test_the_new_day_begins_within_a_session(store: Store) -> None:
    late = datetime(2025, 3, 2, 3, 50, tzinfo=SHANGHAI)
    session = begin(store, late, new=1)
    session.rate(Rating.EASY, late)
    assert asked(session) is None
    assert session.refresh(late + 20 * MINUTE) == BANK[1]


# --- putting aside


def test_skip_bury_suspend_and_when_they_end(store: Store) -> None:
    session = begin(store)
    session.skip(EVENING)
    session.bury(EVENING)
    session.suspend(EVENING)
    assert asked(session) == "d"
    assert rate_all(begin(store), EVENING)[0] == "a", "skipped for that session only"
    morning = begin(store, MORNING)
    assert rate_all(morning, MORNING) == ["b", "h"], "buried for that day; suspended for good"


def test_skipping_does_not_use_up_the_portion(store: Store) -> None:
    session = begin(store, new=1)
    session.skip(EVENING)
    assert (asked(session), session.today(EVENING).new) == ("b", 1)


def test_flag_stays_and_can_be_taken_away(store: Store) -> None:
    session = begin(store)
    assert not session.flagged
    session.flag(EVENING)
    assert (session.flagged, asked(session)) == (True, "a")
    assert begin(store).flagged
    session.flag(EVENING)
    assert not begin(store).flagged


# --- undo


def test_every_operation_is_one_step_back(store: Store) -> None:
    session = begin(store)
    operations = [
        lambda: session.rate(Rating.AGAIN, EVENING),
        lambda: session.skip(EVENING),
        lambda: session.bury(EVENING),
        lambda: session.suspend(EVENING),
        lambda: session.rate(Rating.GOOD, EVENING + MINUTE),
        lambda: session.rate(Rating.EASY, EVENING + MINUTE),
    ]
    shown, pictures = [], []
    for operate in operations:
        shown.append(session.current)
        pictures.append((session.today(EVENING), store.memory(0).cards))
        operate()
    for before, picture in zip(reversed(shown), reversed(pictures), strict=True):
        assert session.undo(EVENING + 2 * MINUTE) == before
        assert session.current == before
        assert (session.today(EVENING), store.memory(0).cards) == picture
    assert session.undo(EVENING) is None
    assert store.reviews() == []
    assert all(
        not mark.suspended and not mark.buried_until for mark in store.memory(0).marks.values()
    )


def test_redo_goes_the_same_way_forward_and_says_what_it_does(store: Store) -> None:
    session = begin(store)
    now = EVENING
    assert (session.last_step, session.next_step, session.redo(now)) == ("", "", False)
    session.rate(Rating.EASY, now + MINUTE)
    session.skip(now + MINUTE)
    session.bury(now + MINUTE)
    session.suspend(now + MINUTE)
    assert asked(session) == "e"
    names = []
    while name := session.last_step:
        names.append(name)
        session.undo(now + 2 * MINUTE)
    assert names == ["暂停", "今天不再出现", "跳过", "打分“轻松”"]
    assert asked(session) == "a"
    assert store.memory(session._memory.day).cards == {}

    for name, then in zip(reversed(names), "bcde", strict=True):
        assert session.next_step == name
        assert session.redo(now + 30 * MINUTE)
        assert (session.last_step, asked(session)) == (name, then)
    assert not session.redo(now + 30 * MINUTE)
    (review,) = store.reviews()
    assert (review.question, review.rating) == ("a", Rating.EASY)
    assert review.duration == MINUTE, "the time it took, not the time since"
    remembered = begin(store, now + 30 * MINUTE)
    assert asked(remembered) == "b", "skipped in that session only"
    marks = store.memory(session._memory.day).marks
    assert marks["c"].buried_until > session._memory.day
    assert marks["d"].suspended


def test_another_operation_ends_what_could_be_redone(store: Store) -> None:
    session = begin(store)
    session.rate(Rating.EASY, EVENING)
    session.undo(EVENING)
    session.skip(EVENING)
    assert (session.next_step, session.redo(EVENING)) == ("", False)
    assert asked(session) == "b"


def test_undo_through_forgetting_and_relearning(store: Store) -> None:
    bank = BANK[:1]
    rate_all(begin(store, bank=bank), EVENING)
    known = store.memory(0).cards["a"]
    later = EVENING + timedelta(days=9)
    session = begin(store, later, bank)
    session.rate(Rating.AGAIN, later)
    assert store.memory(0).cards["a"].state is State.RELEARNING
    session.rate(Rating.GOOD, later + 10 * MINUTE)
    assert session.undo(later + 11 * MINUTE) == bank[0]
    assert session.undo(later + 11 * MINUTE) == bank[0]
    assert store.memory(0).cards["a"] == known
    outcome = session.rate(Rating.GOOD, later + 12 * MINUTE)
    assert outcome.before == known
    assert store.reviews()[-1].duration == MINUTE, "looked at anew"


def test_undone_questions_do_not_count(store: Store) -> None:
    session = begin(store, limit=1)
    session.rate(Rating.EASY, EVENING)
    session.undo(EVENING)
    assert session.summary(EVENING).ratings == {}
    session.skip(EVENING)
    assert asked(session) == "b"


# --- two windows


def test_a_long_session_asks_what_one_that_begins_now_would(store: Store) -> None:
    """Whatever was done in between; a queue that is kept is the queue that would be built."""
    draw, now, bank = random.Random(5), EVENING, [question(f"q{n}") for n in range(40)]
    settings = Settings(new_per_day=6, reviews_per_day=9)
    for plan in ({}, {"ahead": True}, {"new": 40}):
        session = begin(store, now, bank, settings, **plan)
        for _ in range(60):
            now += timedelta(minutes=draw.choice([0, 1, 3, 12, 300]))
            session.refresh(now)
            went_on = session.current is not None
            match draw.randrange(12):
                case 0:
                    session.undo(now)
                    went_on = False
                case 1:
                    session.redo(now)
                    went_on = False
                case 2:
                    session.bury(now)
                case _ if went_on:
                    session.rate(draw.choice(list(Rating)), now)
            fresh = begin(store, now, bank, settings, **plan)
            assert session.today(now) == fresh.today(now)
            if went_on:
                assert asked(session) == asked(fresh)


@pytest.fixture
def other(path: Path, store: Store) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened


def test_what_another_window_rated_is_not_asked_again(store: Store, other: Store) -> None:
    ours, theirs = begin(store), begin(other)
    theirs.rate(Rating.EASY, EVENING)
    theirs.rate(Rating.EASY, EVENING)
    ours.skip(EVENING)
    assert asked(ours) == "c"
    assert ours.today(EVENING).new == 3, "one portion for both"


def test_two_sessions_on_one_store_hear_of_each_other(store: Store, other: Store) -> None:
    ours, also_ours = begin(store), begin(store)
    begin(other).rate(Rating.EASY, EVENING)
    assert also_ours.today(EVENING).new == 4
    assert ours.today(EVENING).new == 4, "told to both"
    also_ours.skip(EVENING)
    also_ours.rate(Rating.EASY, EVENING)
    assert ours.today(EVENING).new == 3


def test_rated_in_both_windows_at_once_counts_twice_in_order(store: Store, other: Store) -> None:
    ours, theirs = begin(store), begin(other)
    shown = ours.reveal(EVENING)[Rating.GOOD]
    theirs.rate(Rating.EASY, EVENING)
    stored = ours.rate(Rating.GOOD, EVENING)
    first, second = store.reviews()
    assert (first.rating, second.rating) == (Rating.EASY, Rating.GOOD)
    assert stored.before == theirs_card(shown, store, first.id)
    before = store.memory(0).cards
    assert before["a"].reps == 2
    store.replay()
    assert store.memory(0).cards == before


def theirs_card(shown: Outcome, store: Store, review: int) -> object:
    """The card the other window's rating left: what replaying the log up to it gives."""
    from quizdl.memory import scheduler

    log = [line for line in store.reviews() if line.id <= review]
    return scheduler.replay(shown.card.question, log)


def test_undo_of_a_bury_leaves_what_another_window_set(store: Store, other: Store) -> None:
    session = begin(store)
    session.bury(EVENING)
    other.mark("a", suspended=True, flagged=True)
    session.undo(EVENING)
    mark = store.memory(0).marks["a"]
    assert (mark.suspended, mark.buried_until, mark.flagged) == (True, 0, True)


def test_undo_of_what_another_window_built_upon(store: Store, other: Store) -> None:
    ours = begin(store, bank=BANK[:1])
    ours.rate(Rating.AGAIN, EVENING)
    begin(other, bank=BANK[:1]).rate(Rating.GOOD, EVENING)
    with pytest.raises(QuizdlError) as error:
        ours.undo(EVENING)
    assert error.value.key == "session.undo_late"
    assert len(store.reviews()) == 2
    assert ours.undo(EVENING) is None


# --- figures


def test_summary(store: Store) -> None:
    session = begin(store, bank=BANK[:3])
    for i, rating in enumerate([Rating.AGAIN, Rating.EASY, Rating.EASY, Rating.EASY]):
        session.rate(rating, EVENING + (i + 1) * MINUTE)
    summary = session.summary(EVENING + 4 * MINUTE)
    assert summary.ratings == {Rating.AGAIN: 1, Rating.EASY: 3}
    assert (summary.new, summary.seconds) == (3, 240)
    due = {card.question: card.due_day for card in store.memory(0).cards.values()}
    assert due["a"] == EVENING.toordinal() + 1, "forgotten, then easy"
    assert summary.due_tomorrow == 1


def test_today_learns_the_learners_pace(store: Store) -> None:
    session = begin(store, bank=BANK, new=6)
    guessed = session.today(EVENING).seconds
    now = EVENING
    for _ in range(5):
        now += timedelta(seconds=200)
        session.rate(Rating.EASY, now)
    later = begin(store, now, new=6).today(now)
    assert later.new == 1
    assert later.seconds > guessed / 6


# --- the library


def test_a_renamed_question_keeps_its_history(path: Path) -> None:
    library = open_library(path, BANK, Settings())
    library.session(Plan(), EVENING).rate(Rating.EASY, EVENING)
    assert library.started() == {"a"}
    library.close()
    bank = [question("better", "a"), *BANK[1:]]
    library = open_library(path, bank, Settings())
    assert library.started() == {"better"}
    assert asked(library.session(Plan(), EVENING)) == "b"
    library.close()


def test_a_question_that_left_the_bank_is_not_shown_and_not_lost(path: Path) -> None:
    library = open_library(path, BANK, Settings())
    library.session(Plan(), EVENING).rate(Rating.AGAIN, EVENING)
    library.close()
    library = open_library(path, BANK[1:], Settings())
    session = library.session(Plan(), EVENING + MINUTE)
    assert "a" not in rate_all(session, EVENING + MINUTE)
    assert library.started() == set("bcde")
    library.close()
    with open_store(path) as store:
        assert store.reviews()[0].question == "a"


def test_a_plan_may_cover_some_questions_only(path: Path) -> None:
    library = open_library(path, BANK, Settings())
    session = library.session(Plan(questions=(BANK[6], BANK[2])), EVENING)
    assert rate_all(session, EVENING) == ["g", "c"]
    library.close()


def test_importing_the_session_is_light() -> None:
    probe = (
        "import sys, quizdl.session;"
        "print({m.partition('.')[0] for m in sys.modules}"
        " & {'sqlalchemy', 'alembic', 'fsrs', 'textual', 'numpy'})"
    )
    said = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


# --- words


@pytest.mark.parametrize(
    ("interval", "label"),
    [
        (timedelta(seconds=30), "不到 1 分钟"),
        (timedelta(minutes=1), "1 分钟"),
        (timedelta(minutes=5, seconds=30), "5.5 分钟"),
        (timedelta(minutes=10), "10 分钟"),
        (timedelta(hours=1.5), "1.5 小时"),
        (timedelta(days=1), "1 天"),
        (timedelta(days=30), "30 天"),
        (timedelta(days=63), "2.1 个月"),
        (timedelta(days=61), "2 个月"),
        (timedelta(days=364), "12 个月"),
        (timedelta(days=365), "1 年"),
        (timedelta(days=36500), "99.9 年"),
    ],
)
def test_intervals_as_the_buttons_show_them(interval: timedelta, label: str) -> None:
    assert format_interval(interval) == label


# --- what comes next


def test_next_in_says_when_there_is_something_to_ask_again(store: Store) -> None:
    session = begin(store, bank=BANK[:2], settings=Settings(new_per_day=1, learn_ahead_minutes=0))
    assert session.next_in(EVENING) == timedelta(0)
    session.rate(Rating.GOOD, EVENING)
    assert session.next_in(EVENING + MINUTE) == 9 * MINUTE, "the learning step"
    session.refresh(EVENING + 10 * MINUTE)
    session.rate(Rating.EASY, EVENING + 10 * MINUTE)
    assert session.next_in(EVENING + 11 * MINUTE) == timedelta(days=1), "tomorrow's new one"


def test_next_in_skips_what_is_hidden(store: Store) -> None:
    session = begin(store, bank=BANK[:2], settings=Settings(new_per_day=2))
    session.suspend(EVENING)
    session.bury(EVENING)
    assert session.next_in(EVENING) == timedelta(days=1)
    tomorrow = begin(store, MORNING, bank=BANK[:2])
    tomorrow.suspend(MORNING)
    assert tomorrow.next_in(MORNING) is None


def test_next_in_counts_what_was_skipped(store: Store) -> None:
    session = begin(store, bank=BANK[:1])
    session.skip(EVENING)
    assert session.current is None
    assert session.next_in(EVENING) == timedelta(0)


# --- cram, siblings, what was told


def test_a_cram_asks_everything_until_it_is_known_and_stores_nothing(store: Store) -> None:
    begin(store).rate(Rating.EASY, EVENING)
    before = store.memory(0)
    session = begin(store, limit=3, cram=True)
    assert asked(session) == "a", "though it is not due"
    session.rate(Rating.AGAIN, EVENING + MINUTE)
    session.rate(Rating.GOOD, EVENING + MINUTE)
    assert asked(session) == "c"
    session.rate(Rating.HARD, EVENING + MINUTE)
    assert asked(session) == "a", "what was not known comes back at the end"
    session.rate(Rating.AGAIN, EVENING + MINUTE)
    assert asked(session) == "a", "and again"
    session.rate(Rating.GOOD, EVENING + MINUTE)
    assert (asked(session), session.wait_until) == (None, None)
    summary = session.summary(EVENING + MINUTE)
    assert (summary.cram, sum(summary.ratings.values()), summary.new) == (True, 5, 0)
    assert store.memory(0) == before


def test_a_cram_is_undone_and_redone_in_steps(store: Store) -> None:
    session = begin(store, bank=BANK[:2], cram=True)
    session.rate(Rating.GOOD, EVENING)
    session.rate(Rating.GOOD, EVENING)
    assert asked(session) is None
    assert session.undo(EVENING) == BANK[1]
    assert session.undo(EVENING) == BANK[0]
    assert session.redo(EVENING)
    assert asked(session) == "b"
    assert store.reviews() == []


def test_siblings_are_buried_with_it_and_come_back_with_one_undo(store: Store) -> None:
    bank = [replace(question("a"), tags=("x", "y")), replace(question("b"), tags=("z",))]
    bank += [replace(question(slug), tags=("y",)) for slug in "cd"]
    store.mark("d", buried_until=EVENING.toordinal() + 5)
    marks = store.memory(0).marks
    session = begin(store, bank=bank)
    assert session.bury(EVENING, siblings=True) == 3
    assert asked(session) == "b"
    assert session.last_step == "同标签的 3 道题今天不再出现"
    assert session.undo(EVENING) == bank[0]
    assert {k: v for k, v in store.memory(0).marks.items() if v.buried_until} == marks
    assert session.redo(EVENING)
    assert asked(session) == "b"
    assert asked(begin(store, MORNING, bank)) == "a", "only for this day"


TOLD = Recall("先说结论", (Tick("要点", must=True, told=False),))


def test_what_was_told_is_kept_through_undo_and_redo(store: Store) -> None:
    session = begin(store)
    session.reveal(EVENING)
    session.rate(Rating.HARD, EVENING, TOLD)
    assert [(each.question, each.recall) for each in store.told()] == [("a", TOLD)]
    assert session.recall is None
    session.undo(EVENING)
    assert (session.recall, store.told()) == (TOLD, [])
    assert session.last_recall is None
    assert session.redo(EVENING)
    assert [each.recall for each in store.told()] == [TOLD]
    session.undo(EVENING)
    session.rate(Rating.GOOD, EVENING)
    assert store.told() == [], "it was answered anew, without"


def test_what_was_told_last_time(store: Store) -> None:
    session = begin(store, bank=BANK[:1])
    session.rate(Rating.HARD, EVENING, TOLD)
    session.refresh(EVENING + timedelta(minutes=10))
    assert (asked(session), session.last_recall) == ("a", TOLD)


def test_what_was_told_in_an_interview_since(store: Store) -> None:
    """Also when it was asked under an old name; not one in which no key point was looked at."""
    session = begin(store, bank=BANK[:1])
    session.rate(Rating.HARD, EVENING, TOLD)
    session.refresh(EVENING + timedelta(minutes=10))

    def held(minutes: int, question: str, *ticks: Tick) -> None:
        exchange = Exchange(question, Reply("?", timedelta(seconds=9), said="答"), (), ticks)
        others = Exchange("c", Reply("?", timedelta(seconds=9)), (), (Tick("别的", True, True),))
        begun = scheduler.moment(EVENING, 4).at + timedelta(minutes=minutes)
        store.keep(Interview(begun, Setup(5), (others, exchange)))

    told = Tick("要点", must=True, told=True)
    held(-5, "a", told)
    assert session.last_recall == TOLD, "it was before"
    held(2, "formerly-a", told)
    held(3, "a")
    assert session.last_recall == TOLD
    store.adopt({"formerly-a": "a"}, live={"a", "b", "c"})
    assert session.last_recall == Recall("答", (told,))


def test_looking_back(store: Store) -> None:
    session = begin(store)
    session.rate(Rating.HARD, EVENING, TOLD)
    session.skip(EVENING)
    interval = session.rate(Rating.EASY, EVENING).interval
    first, second = session.answered
    assert (first.question.id, first.rating, first.recall) == ("a", Rating.HARD, TOLD)
    assert (second.question.id, second.interval) == ("c", interval)
    session.undo(EVENING)
    assert session.answered == (first,)


def test_a_note_on_the_question(store: Store) -> None:
    session = begin(store)
    assert session.remark == ""
    session.write("先画图", EVENING)
    session.write("先画图，再推导", EVENING + MINUTE)
    assert session.remark == "先画图，再推导"
    session.write("", EVENING + 2 * MINUTE)
    assert session.remark == ""


# --- left in the middle


def come_back(
    path: Path, session: Session, now: datetime, back: datetime | None = None
) -> Session | None:
    """Leave it at `now`, as a killed program does, and start anew."""
    document = json.loads(json.dumps(to_document(session.left(now))))  # type: ignore[arg-type]
    left = from_document(document)
    assert left is not None
    library = open_library(path, BANK, Settings())
    return library.resume(left, back or now)


def test_a_session_goes_on_where_it_was_left(store: Store, path: Path) -> None:
    session = begin(store, limit=4, ahead=True)
    session.rate(Rating.EASY, EVENING, TOLD)
    session.skip(EVENING)
    session.rate(Rating.EASY, EVENING)
    again = come_back(path, session, EVENING)
    assert again is not None
    assert (asked(again), again.today(EVENING).total) == ("d", session.today(EVENING).total)
    assert [each.recall for each in again.answered] == [TOLD, None]
    assert again.undo(EVENING) == BANK[2], "the way back is there, too"
    assert again.undo(EVENING) == BANK[1]
    assert again.undo(EVENING) == BANK[0]
    assert store.reviews() == []


def test_time_goes_on_where_it_was_left(store: Store, path: Path) -> None:
    session = begin(store, time=10 * MINUTE)
    session.rate(Rating.EASY, EVENING + 8 * MINUTE)
    again = come_back(path, session, EVENING + 8 * MINUTE, EVENING + 60 * MINUTE)
    assert again is not None
    again.rate(Rating.EASY, EVENING + 63 * MINUTE)
    assert asked(again) is None


def test_what_was_undone_elsewhere_meanwhile_is_left_out(store: Store, path: Path) -> None:
    session = begin(store, limit=3)
    session.rate(Rating.EASY, EVENING)
    left = session.left(EVENING)
    assert left is not None
    session.undo(EVENING)
    again = open_library(path, BANK, Settings()).resume(left, EVENING)
    assert again is not None
    assert (asked(again), again.answered) == ("a", ())


def test_another_day_is_another_session_but_a_cram_waits(store: Store, path: Path) -> None:
    session = begin(store, limit=3)
    assert come_back(path, session, EVENING, MORNING) is None
    session = begin(store, cram=True, bank=BANK)
    session.rate(Rating.GOOD, EVENING)
    again = come_back(path, session, EVENING, MORNING)
    assert again is not None
    assert asked(again) == "b"
    rate_all(again, MORNING)
    assert again.left(MORNING) is None


def test_an_unfinished_session_that_cannot_be_read_is_none() -> None:
    assert from_document({}) is None
    assert from_document({"version": 99}) is None
    assert from_document({"version": 1, "day": "x"}) is None
