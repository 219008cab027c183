"""What an interviewer asks, and when: held for any bank, any setup, any learner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizdl.bank.sections import follow_ups
from quizdl.interview.choosing import budget, expected, matching, next_leg
from quizdl.interview.conduct import Interviewer, time_taken
from quizdl.interview.drafts import Drafts
from quizdl.model import Card, Ending, Interview, Mark, Question, Setup, State
from quizdl.search import Remembered
from quizdl.words import QuizdlError

START = datetime(2026, 3, 2, 9, 0, 0, 123_000, tzinfo=UTC)
DAY = START.toordinal()
COMPANIES = ("字节", "京东")
TOPICS = ("optimizers", "losses", "initialization")
TITLES = {"optimizers": "优化器", "losses": "损失函数", "initialization": "初始化"}
FAST, AT_PACE, SLOW = 0.1, 1.0, 3.0


def make(
    place: int,
    topic: str = "optimizers",
    level: int = 2,
    asked_by: tuple[str, ...] = (),
    followed: tuple[int | None, ...] = (),
) -> Question:
    """`followed`: of each follow-up, the question that it leads to."""
    items = "\n".join(
        f"- **追问 {place}.{n}？** "
        + ("[有](demo.py#c)" if to is None else f"见 [那题](../q{to}/question.md)")
        for n, to in enumerate(followed)
    )
    back = f"## 一句话\n会。\n\n## 要点\n- 必须说\n- （加分）也说\n\n## 追问\n{items}"
    return Question(
        id=f"q{place}",
        topic=topic,
        title=f"第 {place} 题？",
        level=level,
        front="",
        back=back,
        claims=(),
        demo="",
        folder=Path(),
        asked_by=asked_by,
    )


FOLLOWED = st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=5).map(tuple)
QUESTION = st.tuples(
    st.sampled_from(TOPICS),
    st.integers(1, 3),
    st.sampled_from([(), ("字节",), ("京东", "字节")]),
    FOLLOWED,
)
BANK = st.lists(QUESTION, max_size=10).map(
    lambda drawn: [make(place, *each) for place, each in enumerate(drawn)]
)
SETUP = st.builds(
    Setup,
    minutes=st.integers(5, 60),
    company=st.sampled_from(("", *COMPANIES)),
    topics=st.lists(st.sampled_from(TOPICS), unique=True, max_size=2).map(tuple),
    level=st.integers(0, 3),
    seed=st.integers(0, 99),
)
PACE = st.lists(st.tuples(st.sampled_from((FAST, AT_PACE, SLOW)), st.booleans()), min_size=1)
"""Of each answer: how long it takes, in budgets, and whether there is one."""


def hold(
    interviewer: Interviewer,
    pace: list[tuple[float, bool]],
    now: datetime = START,
    already: timedelta = timedelta(0),
) -> tuple[Interview, list[str], datetime]:
    """To its end; what the interviewer said, and when it was over. `already`: has passed of
    the first answer."""
    said, n = [], 0
    while (turn := interviewer.current) is not None:
        said.append(f"{turn.opening}{turn.asked}")
        times, answers = pace[n % len(pace)]
        n += 1
        now, already = now + turn.budget * times - already, timedelta(0)
        interviewer.answer(now) if answers else interviewer.give_up(now)
        assert n < 200
    return interviewer.interview, said, now


@settings(max_examples=100, deadline=None)
@given(BANK, SETUP, PACE)
def test_only_what_was_asked_for_and_nothing_twice(
    bank: list[Question], setup: Setup, pace: list[tuple[float, bool]]
) -> None:
    pool = {question.id: question for question in matching(bank, setup)}
    if not pool:
        with pytest.raises(QuizdlError):
            Interviewer(bank, TITLES, setup, START)
        return
    interview, _, now = hold(Interviewer(bank, TITLES, setup, START), pace)
    ids = [each.question for each in interview.exchanges]
    assert ids
    assert len(ids) == len(set(ids))
    for exchange in interview.exchanges:
        question = pool[exchange.question]
        assert setup.company in ("", *question.asked_by)
        assert not setup.topics or question.topic in setup.topics
        assert setup.level in (0, question.level)
        written = [each.asked for each in follow_ups(question.back)]
        asked = [reply.asked for reply in exchange.follow_ups]
        assert len(asked) <= 3
        assert len(asked) == len(set(asked))
        assert set(asked) <= set(written)
        assert not (exchange.main.passed and asked), "nothing is asked after a blank"
    assert time_taken(interview) == now - START


@settings(max_examples=100, deadline=None)
@given(BANK, SETUP, PACE)
def test_nothing_begins_once_the_time_is_up(
    bank: list[Question], setup: Setup, pace: list[tuple[float, bool]]
) -> None:
    if not matching(bank, setup):
        return
    by_id = {question.id: question for question in bank}
    interview, _, _ = hold(Interviewer(bank, TITLES, setup, START), pace)
    limit, before, budgeted = timedelta(minutes=setup.minutes), timedelta(0), timedelta(0)
    for place, exchange in enumerate(interview.exchanges):
        needed = budget(by_id[exchange.question])
        if place:
            assert limit - before >= needed / 2
            assert budgeted + needed <= 2 * limit
        for reply in (exchange.main, *exchange.follow_ups):
            assert before < limit
            before += reply.duration
        budgeted += needed + len(exchange.follow_ups) * budget(
            by_id[exchange.question], follow_up=True
        )
    if interview.ending is Ending.TIME:
        rest = [
            each
            for each in matching(bank, setup)
            if each.id not in {exchange.question for exchange in interview.exchanges}
        ]
        longest = max((budget(each) for each in rest), default=timedelta(0))
        assert limit - before < longest or before >= limit


@settings(max_examples=60, deadline=None)
@given(BANK, SETUP, PACE)
def test_a_seed_gives_the_same_interview(
    bank: list[Question], setup: Setup, pace: list[tuple[float, bool]]
) -> None:
    if matching(bank, setup):
        first, again = (hold(Interviewer(bank, TITLES, setup, START), pace) for _ in range(2))
        assert first == again


def test_seeds_differ() -> None:
    bank = [make(place, followed=(None,) * 4) for place in range(10)]
    heard = {
        tuple(hold(Interviewer(bank, TITLES, Setup(20, seed=seed), START), [(1, True)])[1])
        for seed in range(8)
    }
    assert len(heard) > 4


@settings(max_examples=60, deadline=None)
@given(BANK, SETUP, PACE, st.integers(0, 8), st.floats(0, 1))
def test_one_that_was_cut_off_goes_on_as_it_would_have(
    tmp_path_factory: pytest.TempPathFactory,
    bank: list[Question],
    setup: Setup,
    pace: list[tuple[float, bool]],
    cut: int,
    through: float,
) -> None:
    """Cut after so many answers, and so far through the next: the rest is the same, and the
    hours in between cost nothing."""
    if not matching(bank, setup):
        return
    whole, _, _ = hold(Interviewer(bank, TITLES, setup, START), pace)
    interviewer, now, n = Interviewer(bank, TITLES, setup, START), START, 0
    while (turn := interviewer.current) is not None and n < cut:
        times, answers = pace[n % len(pace)]
        n, now = n + 1, now + turn.budget * times
        interviewer.answer(now) if answers else interviewer.give_up(now)
    times = pace[n % len(pace)][0]
    here = timedelta(seconds=int(turn.budget.seconds * times * through) if turn else 0)
    drafts = Drafts(tmp_path_factory.mktemp("home") / "interviews.json")
    drafts.keep(interviewer.draft(now + here, "说到一半"))
    draft = drafts.newest()
    assert draft == interviewer.draft(now + here, "说到一半")
    later = now + timedelta(hours=7)
    rest = [pace[(n + k) % len(pace)] for k in range(200)]
    taken_up = Interviewer(bank, TITLES, setup, later, draft=draft)
    assert hold(taken_up, rest, later, here)[0] == whole


def test_topics_take_turns() -> None:
    bank = [make(place, TOPICS[place % 3]) for place in range(9)]
    for seed in range(20):
        asked: list[str] = []
        while leg := next_leg(bank, asked, Setup(60, seed=seed)):
            asked.append(leg.question.id)
        topics = [TOPICS[int(each[1:]) % 3] for each in asked]
        assert [len(set(topics[at : at + 3])) for at in (0, 3, 6)] == [3, 3, 3]


def test_a_follow_up_leads_over_and_is_the_last() -> None:
    bank = [make(0, followed=(1, None, None)), make(1), make(2, "losses")]
    led = [leg for seed in range(60) if (leg := next_leg(bank, ["q2"], Setup(20, seed=seed)))]
    led = [leg for leg in led if leg.leads_to]
    assert led
    for leg in led:
        assert leg.leads_to == "q1"
        assert leg.follow_ups[-1].asked == "追问 0.0？"
        following = next_leg(bank, ["q2", "q0"], Setup(20), leads_to=leg.leads_to)
        assert following is not None
        assert following.question.id == "q1"


@pytest.mark.parametrize("answers", [True, False])
def test_only_what_was_answered_leads_over(answers: bool) -> None:
    bank = [make(0, followed=(1,)), make(1), *(make(n, "losses") for n in range(2, 8))]
    followed = []
    for seed in range(80):
        interviewer = Interviewer(bank, TITLES, Setup(60, seed=seed), START)
        if (turn := interviewer.current) and turn.question.id == "q0":
            interviewer.answer(START)
            following = interviewer.answer(START) if answers else interviewer.give_up(START)
            assert following is not None
            followed.append(following.question.id)
    assert followed
    assert ("q1" in followed) is answers


def remembered(**cards: int) -> Remembered:
    """Ids, and in how many days each is due."""
    made = {
        name: Card(name, State.REVIEW, None, 9.0, 5.0, None, DAY + due, DAY - 9, 3, 0)
        for name, due in cards.items()
    }
    return Remembered(DAY, made)


def test_what_is_due_comes_a_little_sooner() -> None:
    bank = [make(0), make(1)]
    known = remembered(q0=3, q1=-1)
    first = [next_leg(bank, [], Setup(20, seed=seed), known) for seed in range(300)]
    due = sum(leg is not None and leg.question.id == "q1" for leg in first)
    assert 160 < due < 240, "two to one"


def test_what_was_put_away_is_not_asked() -> None:
    bank = [make(place) for place in range(3)]
    marks = {"q0": Mark(suspended=True), "q1": Mark(buried_until=DAY + 1)}
    assert [each.id for each in matching(bank, Setup(20), Remembered(DAY, {}, marks))] == ["q2"]
    later = Remembered(DAY + 1, {}, marks)
    assert [each.id for each in matching(bank, Setup(20), later)] == ["q1", "q2"]


def test_time_stands_still_in_a_pause() -> None:
    interviewer = Interviewer([make(0), make(1)], TITLES, Setup(5), START)
    interviewer.pause(START + timedelta(seconds=30))
    assert interviewer.paused
    assert interviewer.elapsed(START + timedelta(hours=1)) == timedelta(seconds=30)
    interviewer.resume(START + timedelta(hours=1))
    interviewer.answer(START + timedelta(hours=1, seconds=12), "  说完了 ")
    reply = interviewer.interview.exchanges[0].main
    assert (reply.duration, reply.said) == (timedelta(seconds=42), "说完了")


@pytest.mark.parametrize("counted", [True, False])
def test_one_may_stop(counted: bool) -> None:
    interviewer = Interviewer([make(0), make(1)], TITLES, Setup(60), START)
    interviewer.answer(START + timedelta(seconds=9))
    interviewer.stop(START + timedelta(seconds=20), counted=counted)
    interview = interviewer.interview
    assert interviewer.current is None
    assert interview.ending is Ending.EARLY
    assert len(interview.exchanges) == 1 + counted


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    interviewer = Interviewer([make(0), make(1)], TITLES, Setup(60), START)
    interviewer.answer(START - timedelta(hours=1))
    assert time_taken(interviewer.interview) == timedelta(0)


@pytest.mark.parametrize("minutes", [5, 10, 20, 30, 45, 60])
def test_the_number_announced_is_what_comes(minutes: int) -> None:
    bank = [make(n, TOPICS[n % 3], 1 + n % 3, followed=(None,) * 4) for n in range(30)]
    announced = expected(bank, Setup(minutes))
    for seed in range(20):
        interviewer = Interviewer(bank, TITLES, Setup(minutes, seed=seed), START)
        held, _, _ = hold(interviewer, [(AT_PACE, True)])
        assert abs(len(held.exchanges) - announced) <= 2
    assert expected(bank[:1], Setup(minutes)) == 1
    assert expected([], Setup(minutes)) == 0


def test_damaged_drafts_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "interviews.json"
    assert Drafts(path).newest() is None
    interviewer = Interviewer([make(0)], TITLES, Setup(5), START)
    Drafts(path).keep(interviewer.draft(START))
    text = path.read_text("utf-8")
    path.write_text(text.replace("{", '{"2099-01-01T00:00:00.000+00:00": {"question": 3}, ', 1))
    assert Drafts(path).newest() == interviewer.draft(START)
    Drafts(path).drop(interviewer.interview)
    assert Drafts(path).newest() is None
