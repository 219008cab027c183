"""Whatever a learner does, replaying the log gives the cards, bit for bit."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from learner import rows

from quizdl.memory import open_store, scheduler
from quizdl.memory.store import Store
from quizdl.memory.store.schema import time_of
from quizdl.model import Card, Question, Rating, State
from quizdl.session import Plan, Session
from quizdl.settings import Settings
from quizdl.words import QuizdlError

ZONES = ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"]
QUESTIONS = [
    Question(f"q{i}", "topic", f"q{i}", 1, "", "", (), "", Path(), tags=(f"tag{i % 2}",))
    for i in range(4)
]


class Learner(RuleBasedStateMachine):
    """One database, two windows on it, days passing, the learner travelling."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "memory.sqlite3")
        self.now = datetime(2025, 3, 7, 21, tzinfo=ZoneInfo(ZONES[0]))
        self.begun = self.now.toordinal()
        self.settings = Settings(new_per_day=3, learn_ahead_minutes=5)
        self.stores: list[Store] = []
        self.resets: list[tuple[int, ...]] = []
        self.open()

    def open(self) -> None:
        self.stores = [open_store(self.path) for _ in range(2)]
        self.windows = [self.window(store) for store in self.stores]

    def window(self, store: Store) -> Session:
        return Session(store, QUESTIONS, self.settings, self.now, Plan(ahead=True))

    @rule(which=st.booleans(), rating=st.sampled_from(Rating), seconds=st.integers(0, 900))
    def rate(self, which: bool, rating: Rating, seconds: int) -> None:
        session = self.windows[which]
        if session.refresh(self.now) is None:
            return
        asked = session.current
        assert asked is not None
        shown = session.reveal(self.now)[rating]
        logged = len(self.stores[which].reviews())
        self.now += timedelta(seconds=seconds)
        stored = session.rate(rating, self.now)
        review = self.stores[which].reviews()[-1]
        assert len(self.stores[which].reviews()) == logged + 1
        assert (review.question, review.rating) == (asked.id, rating)
        assert stored.interval == shown.interval == review.interval

    @rule(which=st.booleans(), rating=st.sampled_from(Rating), minutes=st.integers(0, 3000))
    def rate_what_was_revealed_long_ago(self, which: bool, rating: Rating, minutes: int) -> None:
        """The other window may rate the same question between reveal and rating."""
        session, other = self.windows[which], self.windows[not which]
        if session.refresh(self.now) is None:
            return
        session.reveal(self.now)
        if other.refresh(self.now) is not None:
            other.rate(rating, self.now)
        self.now += timedelta(minutes=minutes)
        session.rate(rating, self.now)

    @rule(which=st.booleans())
    def undo(self, which: bool) -> None:
        session, before = self.windows[which], self.stores[0].reviews()
        try:
            asked = session.undo(self.now)
        except QuizdlError:  # rated since in the other window: it stands
            assert self.stores[0].reviews() == before
        else:
            assert asked is None or session.current == asked

    @rule(which=st.booleans())
    def redo(self, which: bool) -> None:
        """Not before something was undone, and once."""
        session, logged = self.windows[which], len(self.stores[0].reviews())
        before, step = session.last_step, session.next_step
        assert session.redo(self.now) is bool(step)
        assert session.last_step == (step or before)
        added = len(self.stores[0].reviews()) - logged
        assert added == step.startswith("打分")

    @rule(which=st.booleans(), what=st.sampled_from(["skip", "bury", "suspend", "flag"]))
    def put_aside(self, which: bool, what: str) -> None:
        self.windows[which].refresh(self.now)
        getattr(self.windows[which], what)(self.now)

    @rule(which=st.booleans())
    def bury_with_siblings(self, which: bool) -> None:
        session = self.windows[which]
        if session.refresh(self.now) is not None:
            assert session.bury(self.now, siblings=True) == 2

    @rule(ratings=st.lists(st.sampled_from(Rating), max_size=5), undone=st.integers(0, 5))
    def cram(self, ratings: list[Rating], undone: int) -> None:
        """In a window of its own: nothing of it reaches the log or the cards."""
        session = Session(self.stores[0], QUESTIONS, self.settings, self.now, Plan(cram=True))
        before = self.stores[0].reviews(), self.stores[0].memory(0)
        for rating in ratings:
            if session.current is not None:
                session.rate(rating, self.now)
        for _ in range(undone):
            session.undo(self.now)
        session.redo(self.now)
        assert (self.stores[0].reviews(), self.stores[0].memory(0)) == before

    @rule(which=st.booleans(), question=st.sampled_from(QUESTIONS))
    def begin_a_question_anew(self, which: bool, question: Question) -> None:
        store, at = self.stores[which], scheduler.moment(self.now, 4).at
        started = question.id in store.started()
        logged = store.reviews()
        if made := store.reset([question.id], at):
            self.resets.append(made)
        assert bool(made) is started
        assert question.id not in store.started()
        assert store.reviews() == logged, "the log keeps them"

    @rule(which=st.booleans())
    def take_that_back(self, which: bool) -> None:
        """Unless it was learnt since: those promises were made for a new question."""
        if self.resets:
            made = self.resets.pop()
            (since,) = rows(self.path, f"SELECT question, reset_ms FROM resets WHERE id={made[0]}")
            if all(
                (review.question, review.at) <= (since[0], time_of(since[1]))
                for review in self.stores[0].reviews()
                if review.question == since[0]
            ):
                self.stores[which].unreset(made, scheduler.moment(self.now, 4).at)

    @rule(hours=st.integers(0, 40))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(days=st.integers(1, 500))
    def pass_days(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(zone=st.sampled_from(ZONES))
    def travel(self, zone: str) -> None:
        self.now = self.now.astimezone(ZoneInfo(zone))

    @rule(retention=st.sampled_from([0.8, 0.9, 0.97]))
    def choose_another_retention(self, retention: float) -> None:
        self.settings = Settings(new_per_day=3, desired_retention=retention)
        self.windows = [self.window(store) for store in self.stores]

    @rule()
    def reopen(self) -> None:
        for store in self.stores:
            store.close()
        self.open()

    @rule()
    def replay(self) -> None:
        """Not an invariant: it writes, and so would have every window read all anew."""
        query = "SELECT * FROM cards ORDER BY question"
        before = rows(self.path, query)
        self.stores[0].replay()
        assert rows(self.path, query) == before

    @invariant()
    def every_promise_in_the_log_was_what_fsrs_says(self) -> None:
        """Without replay()'s own code: each review's outcome, from the card before it."""
        cards: dict[str, Card] = {}
        presets = dict(
            rows(
                self.path, "SELECT id, json_extract(parameters, '$.desired_retention') FROM presets"
            )
        )
        used = dict(rows(self.path, "SELECT id, preset FROM reviews"))
        query = "SELECT question, reset_ms FROM resets WHERE id NOT IN (SELECT reset FROM unresets)"
        made_new = [(question, time_of(ms)) for question, ms in rows(self.path, query)]
        for review in self.stores[0].reviews():
            if any(name == review.question and at < review.at for name, at in made_new):
                cards.pop(review.question, None)
                made_new = [
                    line for line in made_new if line[0] != review.question or line[1] >= review.at
                ]
            chosen = Settings(desired_retention=presets[used[review.id]])
            moment = scheduler.Moment(review.at, review.day)
            card = cards.get(review.question)
            outcome = scheduler.outcomes(card, review.question, moment, chosen)[review.rating]
            settled = scheduler.settle(outcome, review.at).card
            if settled.due is not None and review.due is not None:
                # a review in the millisecond of a reset is logged in the next one
                assert settled.due - review.due <= timedelta(milliseconds=1)
            cards[review.question] = settled._replace(due=review.due)
            assert review.interval == outcome.interval
            assert review.state_before == (None if card is None else card.state)
        for name, _ in made_new:
            cards.pop(name, None)
        assert cards == self.stores[0].memory(0).cards

    @invariant()
    def recalls_are_counted_as_the_log_has_them(self) -> None:
        """By a window that has counted before, too, whichever of the two has written since."""
        for store, first in zip(self.stores, (0, self.begun + 60), strict=True):
            counted = {
                question: tally for question, tally in store.tallies(first).items() if any(tally)
            }
            expected: dict[str, tuple[int, int]] = {}
            for review in store.reviews():
                if review.state_before is State.REVIEW and review.day >= first:
                    asked, known = expected.get(review.question, (0, 0))
                    known += review.rating > Rating.AGAIN
                    expected[review.question] = asked + 1, known
            assert counted == expected

    def teardown(self) -> None:
        self.replay()
        for store in self.stores:
            store.close()
        self.folder.cleanup()


TestLearner = Learner.TestCase
TestLearner.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
