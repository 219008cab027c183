"""Study days and FSRS on them."""

import random
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import fsrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizdl.memory import scheduler
from quizdl.model import Card, Moment, Rating, State
from quizdl.settings import Settings

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
SETTINGS = Settings()


def at(text: str, zone: ZoneInfo | timezone = SHANGHAI) -> Moment:
    return scheduler.moment(datetime.fromisoformat(text).replace(tzinfo=zone), 4)


def rate(card: Card | None, rating: Rating, moment: Moment) -> Card:
    return scheduler.outcomes(card, "q", moment, SETTINGS)[rating].card


# --- study days


@pytest.mark.parametrize(
    ("earlier", "later", "days"),
    [
        ("2025-03-01T22:00", "2025-03-02T08:00", 1),
        ("2025-03-01T22:00", "2025-03-02T02:00", 0),
        ("2025-03-01T03:59", "2025-03-01T04:00", 1),
        ("2025-03-01T04:00", "2025-03-02T03:59", 0),
        ("2025-03-01T08:00", "2025-03-03T07:00", 2),
        ("2024-12-31T23:00", "2025-01-01T09:00", 1),
    ],
)
def test_days_between_are_study_days(earlier: str, later: str, days: int) -> None:
    assert at(later).day - at(earlier).day == days


def test_rollover_hour_is_the_first_of_its_day() -> None:
    midnight = datetime(2025, 3, 2, 0, 0, tzinfo=SHANGHAI)
    assert scheduler.study_day(midnight, 0) == midnight.toordinal()
    assert scheduler.study_day(midnight, 4) == midnight.toordinal() - 1


@pytest.mark.parametrize("date", ["2025-03-09", "2025-11-02"])  # 23 and 25 hours
def test_the_day_begins_at_four_on_the_wall_when_clocks_change(date: str) -> None:
    day = datetime.fromisoformat(date).toordinal()
    assert at(f"{date}T03:59", NEW_YORK).day == day - 1
    assert at(f"{date}T04:00", NEW_YORK).day == day
    assert at(f"{date}T23:59", NEW_YORK).day == day


def test_both_passes_of_a_repeated_hour_are_the_same_day_and_different_instants() -> None:
    first = datetime(2025, 11, 2, 1, 30, tzinfo=NEW_YORK)
    moments = [scheduler.moment(first.replace(fold=fold), 4) for fold in (0, 1)]
    assert moments[0].day == moments[1].day
    assert moments[1].at - moments[0].at == timedelta(hours=1)


def test_a_moment_is_utc_and_whole_milliseconds() -> None:
    now = datetime(2025, 3, 1, 12, 0, 0, 123456, tzinfo=SHANGHAI)
    assert scheduler.moment(now, 4).at == datetime(2025, 3, 1, 4, 0, 0, 123000, tzinfo=UTC)


def test_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        scheduler.moment(datetime(2025, 3, 1), 4)


# --- FSRS


def test_night_between_counts_as_a_day_for_memory() -> None:
    """22:00 -> 08:00 is ten hours, less than one of py-fsrs's 24-hour blocks."""
    evening = rate(None, Rating.EASY, at("2025-03-01T22:00"))
    morning = rate(evening, Rating.GOOD, at("2025-03-02T08:00"))
    same_night = rate(evening, Rating.GOOD, at("2025-03-02T02:00"))
    raw = fsrs.Scheduler(enable_fuzzing=False)
    first = datetime(2025, 3, 1, 12, tzinfo=UTC)
    known, _ = raw.review_card(fsrs.Card(card_id=1), fsrs.Rating.Easy, first)
    day_later, _ = raw.review_card(known, fsrs.Rating.Good, first + timedelta(days=1))
    hours_later, _ = raw.review_card(known, fsrs.Rating.Good, first + timedelta(hours=4))
    assert morning.stability == day_later.stability
    assert same_night.stability == hours_later.stability
    assert morning.stability != same_night.stability


@given(
    st.lists(
        st.tuples(st.sampled_from(Rating), st.one_of(st.just(0), st.integers(1, 400))),
        min_size=1,
        max_size=12,
    )
)
def test_agrees_with_py_fsrs_when_its_blocks_are_our_days(
    steps: list[tuple[Rating, int]],
) -> None:
    """At noon UTC, days apart by multiples of 24 hours, both count alike."""
    raw, theirs = fsrs.Scheduler(enable_fuzzing=False), fsrs.Card(card_id=1)
    ours, now = None, datetime(2025, 1, 1, 12, tzinfo=UTC)
    for rating, gap in steps:
        now += timedelta(days=gap)
        theirs, _ = raw.review_card(theirs, fsrs.Rating(rating), now)
        outcome = scheduler.outcomes(ours, "q", scheduler.moment(now, 4), SETTINGS)[rating]
        ours = outcome.card
        assert (ours.stability, ours.difficulty) == (theirs.stability, theirs.difficulty)
        assert (ours.state, ours.step) == (State(theirs.state), theirs.step)
        assert outcome.interval == theirs.due - now


def test_learning_steps_keep_exact_minutes() -> None:
    moment = at("2025-03-01T22:00")
    new = scheduler.outcomes(None, "q", moment, SETTINGS)
    assert [new[rating].interval for rating in Rating][:3] == [
        timedelta(minutes=1),
        timedelta(minutes=5, seconds=30),
        timedelta(minutes=10),
    ]
    assert new[Rating.AGAIN].card.due == moment.at + timedelta(minutes=1)
    known = rate(new[Rating.EASY].card, Rating.GOOD, at("2025-03-09T09:00"))
    forgotten = scheduler.outcomes(known, "q", at("2025-03-20T09:00"), SETTINGS)[Rating.AGAIN]
    assert forgotten.interval == timedelta(minutes=10)
    assert forgotten.card.state is State.RELEARNING
    assert forgotten.card.lapses == 1


def test_a_lapse_is_forgetting_what_was_known() -> None:
    card = rate(None, Rating.AGAIN, at("2025-03-01T22:00"))
    assert card.lapses == 0, "not learned yet"
    card = rate(card, Rating.EASY, at("2025-03-01T22:10"))
    card = rate(card, Rating.AGAIN, at("2025-03-05T22:00"))
    assert card.lapses == 1
    card = rate(card, Rating.AGAIN, at("2025-03-05T22:10"))
    assert (card.lapses, card.reps) == (1, 4)


def test_whole_days_fall_due_with_their_study_day() -> None:
    late = at("2025-03-02T02:00")  # still the first of March
    easy = scheduler.outcomes(None, "q", late, SETTINGS)[Rating.EASY]
    assert easy.card.due is None
    assert easy.interval == timedelta(days=8)
    assert easy.card.due_day == at("2025-03-09T04:00").day


def test_a_step_is_counted_from_the_rating_and_days_from_the_recall() -> None:
    shown, rated = at("2025-03-01T03:58"), at("2025-03-01T04:03")
    outcomes = scheduler.outcomes(None, "q", shown, SETTINGS)
    good = scheduler.settle(outcomes[Rating.GOOD], rated.at)
    assert good.card.due == rated.at + timedelta(minutes=10)
    assert good.interval == outcomes[Rating.GOOD].interval
    assert good.card.last_day == shown.day
    assert scheduler.settle(outcomes[Rating.EASY], rated.at) == outcomes[Rating.EASY]


def test_desired_retention_changes_the_interval_and_not_the_memory() -> None:
    moment = at("2025-03-01T22:00")
    eager = scheduler.outcomes(None, "q", moment, Settings(desired_retention=0.97))[Rating.EASY]
    usual = scheduler.outcomes(None, "q", moment, SETTINGS)[Rating.EASY]
    assert eager.interval < usual.interval
    assert eager.card.stability == usual.card.stability


def test_neither_reads_nor_stirs_the_global_random() -> None:
    card = rate(None, Rating.EASY, at("2025-03-01T22:00"))
    random.seed(1)
    state = random.getstate()
    first = scheduler.outcomes(card, "q", at("2025-06-01T22:00"), SETTINGS)
    assert random.getstate() == state
    random.seed(2)
    assert scheduler.outcomes(card, "q", at("2025-06-01T22:00"), SETTINGS) == first


def test_going_back_a_day_is_a_review_of_the_same_day() -> None:
    """Flying east to west, or a clock set back."""
    card = rate(None, Rating.EASY, at("2025-03-02T09:00"))
    back = rate(card, Rating.GOOD, at("2025-03-01T20:00"))
    same = rate(card, Rating.GOOD, at("2025-03-02T20:00"))
    assert back.stability == same.stability


def test_retrievability_is_what_fsrs_says() -> None:
    raw = fsrs.Scheduler()
    for stability in (0.01, 0.4, 3.0, 91.5, 36500.0):
        for days in (0, 1, 7, 400):
            card = Card("q", State.REVIEW, None, stability, 5.0, None, 800, 700, 1, 0)
            last = datetime.fromordinal(700).replace(tzinfo=UTC)
            theirs = fsrs.Card(card_id=1, stability=stability, last_review=last)
            expected = raw.get_card_retrievability(theirs, last + timedelta(days=days))
            assert scheduler.retrievability(card, 700 + days) == pytest.approx(expected, rel=1e-12)
