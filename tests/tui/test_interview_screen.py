"""A mock interview, key by key: asked, looked at, reported, reviewed; on a real database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from banks import QUESTION, write_question
from pilots import MORNING, opened, text_of, until
from textual.pilot import Pilot

from quizdl.bank import load
from quizdl.interview.drafts import Drafts
from quizdl.memory import open_store
from quizdl.model import Ending, Interview, Rating, Setup
from quizdl.session import Plan, open_library
from quizdl.settings import Paths, Settings
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.choice import ChoiceScreen
from quizdl.tui.screens.debrief import DebriefScreen
from quizdl.tui.screens.interview import InterviewScreen
from quizdl.tui.screens.interview_setup import InterviewSetupScreen
from quizdl.tui.screens.report import ReportScreen
from quizdl.tui.screens.today import TodayScreen

SIZES = [(60, 16), (80, 24), (120, 40)]
ANSWER = "会的"


def held(paths: Paths) -> list[Interview]:
    with open_store(paths.database) as store:
        return store.interviews()


def logged(paths: Paths) -> list[tuple[str, Rating]]:
    with open_store(paths.database) as store:
        return [(review.question, review.rating) for review in store.reviews()]


async def choose(pilot: Pilot[None], app: QuizdlApp, text: str) -> None:
    """One of the things to do that a ChoiceScreen offers."""
    assert isinstance(app.screen, ChoiceScreen)
    keys = [key for key, each in app.screen._choices.items() if text in each]
    place = list(app.screen._choices).index(keys[0])
    await pilot.press(*["down"] * place, "enter")
    await pilot.pause()


async def begin(pilot: Pilot[None], app: QuizdlApp) -> InterviewScreen:
    await pilot.press("m")
    await pilot.pause()
    assert isinstance(app.screen, InterviewSetupScreen)
    await pilot.press("enter")
    await pilot.pause()
    assert isinstance(app.screen, InterviewScreen)
    return app.screen


async def answer_all(pilot: Pilot[None], app: QuizdlApp) -> None:
    while isinstance(app.screen, InterviewScreen):
        await pilot.press("enter")
        await pilot.pause()
    assert isinstance(app.screen, DebriefScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_a_whole_interview(bank: Path, paths: Paths, size: tuple[int, int]) -> None:
    async with opened(bank, paths, size) as (app, pilot, _):
        await pilot.press("m")
        await pilot.pause()
        assert "符合的题 2 道" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, InterviewScreen)
        assert "面试官：" in text_of(app)
        first = app.screen._interviewer.current
        assert first is not None
        assert first.question.title in text_of(app)

        await pilot.press("w", *"yes", "escape")
        await pilot.pause()
        assert "当时写下的" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "负数呢？" in text_of(app)
        assert "第 1 题 追问" in text_of(app)
        assert ANSWER not in text_of(app), "no answer before the end"
        await pilot.press("enter")
        await pilot.pause()
        assert "第 2 题" in text_of(app)
        await pilot.press("s")
        await pilot.pause()

        assert isinstance(app.screen, DebriefScreen)
        assert "面试结束（问完了）" in text_of(app)
        assert "对答案 1/2" in text_of(app)
        await pilot.press("1", "3", "4")
        await pilot.press("end", "home")
        await pilot.pause()
        assert "yes" in text_of(app)
        if size[1] >= 40:
            for told in ("[✓] 1 必须 翻倍就是乘二", "[ ] 2 必须", "[✓] 4 负数呢？"):
                assert told in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "没答" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()

        assert isinstance(app.screen, ReportScreen)
        shown = text_of(app)
        assert "问了 2 题、1 个追问" in shown
        assert "必须说到的 2/6，追问 1/1" in shown
        if size[1] >= 24:
            assert "[×] 2 吃力" in shown, "two of three must-haves"
            assert "[×] 1 忘了" in shown, "no answer"
        assert not logged(paths), "nothing is recorded before it is accepted"

        await pilot.press("tab", "tab", "4", "tab")
        await pilot.press("shift+tab", "shift+tab", "space")
        await pilot.press("a")
        await pilot.pause()
        (kept,) = held(paths)
        second = kept.exchanges[1].question
        assert logged(paths) == [(second, Rating.EASY)], "the first was left out"
        await pilot.press("u")
        await pilot.pause()
        assert logged(paths) == []
        await pilot.press("tab", "shift+tab", "space", "a")
        await pilot.pause()
        ratings = {first.question.id: Rating.HARD, second: Rating.EASY}
        assert dict(logged(paths)) == ratings
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)

    (kept,) = held(paths)
    assert kept.ending is Ending.DONE
    one, two = kept.exchanges
    assert (one.main.said, one.main.passed, two.main.passed) == ("yes", False, True)
    assert [tick.told for tick in one.ticks] == [True, False, True]
    assert [reply.told for reply in one.follow_ups] == [True]
    assert Drafts(paths.interviews).newest() is None
    with open_store(paths.database) as store:
        durations = {review.question: review.duration for review in store.reviews()}
    assert durations == {each.question: each.main.duration for each in kept.exchanges}


async def test_a_missed_point_is_proved_from_the_report(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, (80, 60)) as (app, pilot, _):
        await begin(pilot, app)
        await answer_all(pilot, app)
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ReportScreen)
        await until(pilot, lambda: "还没有证明过" in text_of(app))
        await pilot.press("tab", "tab", "tab", "r")
        await until(pilot, lambda: "已证" in text_of(app))
        screen = app.screen
        await until(pilot, lambda: not screen._proof.busy)
        await until(pilot, lambda: any(app.receipts.of(q) for q in load(bank).questions))
        await pilot.press("r")
        await pilot.press("o")
        await pilot.pause()
        assert ANSWER in text_of(app)
        await pilot.press("q", "q")
        await pilot.pause()
        assert "2 道题还没有记入复习" in text_of(app)
        await choose(pilot, app, "不记")
        assert isinstance(app.screen, TodayScreen)
    assert logged(paths) == []


async def test_what_was_reviewed_today_or_is_not_due_is_not_offered(
    bank: Path, paths: Paths
) -> None:
    library = open_library(paths.database, load(bank).questions, Settings())
    for back, rating in ((1, Rating.AGAIN), (0, Rating.EASY)):
        now = MORNING - timedelta(days=back, hours=1)
        session = library.session(Plan((load(bank).questions[1 - back],)), now)
        session.rate(rating, now)
    library.close()
    async with opened(bank, paths) as (app, pilot, _):
        await begin(pilot, app)
        await answer_all(pilot, app)
        await pilot.press("a", "enter", "a", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ReportScreen)
        (offer,) = app.screen._offered
        assert offer.offer.question == load(bank).questions[0].id, "a learning step of yesterday"
        assert offer.offer.rating is Rating.GOOD
        await pilot.press("a")
        await pilot.pause()
        assert logged(paths)[-1] == (offer.offer.question, Rating.GOOD)


async def test_the_setup_narrows(tmp_path: Path, paths: Paths) -> None:
    root = tmp_path / "bank"
    named = QUESTION.replace("level = 1", 'level = 2\nasked_by = ["字节"]')
    write_question(root, "named", question=named)
    write_question(root, "other")
    write_question(root, "algebra", topic="algebra")
    async with opened(root, paths) as (app, pilot, _):
        await pilot.press("m")
        await pilot.pause()
        assert "符合的题 3 道" in text_of(app)
        await pilot.press("right")
        await pilot.pause()
        assert "◂字节▸" in text_of(app)
        assert "符合的题 1 道" in text_of(app)
        await pilot.press("down", "right")
        await pilot.pause()
        assert "符合的题 0 道" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "没有符合条件的题" in text_of(app)
        await pilot.press("right", "down", "left", "down", "down", "space")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, InterviewSetupScreen)
        chosen = screen._chosen()
        assert (chosen.company, chosen.level, chosen.minutes) == ("字节", 2, 15)
        assert len(chosen.topics) == 1
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)


async def test_pause_leave_and_take_up_again(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, clock):
        screen = await begin(pilot, app)
        title = screen._interviewer.current.question.title  # type: ignore[union-attr]
        await pilot.press("p")
        await pilot.pause()
        assert "暂停中" in text_of(app)
        assert title not in text_of(app)
        clock.now += timedelta(hours=2)
        await pilot.press("enter")
        await pilot.pause()
        assert not screen._interviewer.interview.exchanges, "not while it is paused"
        await pilot.press("p")
        await pilot.pause()
        assert title in text_of(app)
        assert screen._interviewer.elapsed(clock()) < timedelta(minutes=5)
        await pilot.press("slash")
        await pilot.pause()
        assert "面试中不翻答案" in text_of(app)
        await pilot.press("enter", "w", *"half", "escape", "q")
        await pilot.pause()
        await choose(pilot, app, "以后接着面")
        assert isinstance(app.screen, TodayScreen)
        clock.now += timedelta(days=1)
        await pilot.press("m")
        await pilot.pause()
        await choose(pilot, app, "接着面")
        assert "负数呢？" in text_of(app)
        assert "half" in text_of(app)
        await answer_all(pilot, app)
        assert app.screen._interview.exchanges[0].follow_ups[0].said == "half"  # type: ignore[attr-defined]


async def test_an_app_that_dies_loses_nothing(bank: Path, paths: Paths) -> None:
    """First while it asks, then while the answers are looked at."""
    async with opened(bank, paths) as (app, pilot, _):
        await begin(pilot, app)
        await pilot.press("enter", "w", *"said")
        await pilot.pause()
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("m")
        await pilot.pause()
        assert "还没有做完" in text_of(app)
        await choose(pilot, app, "接着面")
        assert "said" in text_of(app)
        await answer_all(pilot, app)
        await pilot.press("2", "enter")
        await pilot.pause()
        assert "对答案 2/2" in text_of(app)
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("m")
        await pilot.pause()
        await choose(pilot, app, "接着对答案")
        assert "对答案 2/2" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ReportScreen)
    (kept,) = held(paths)
    assert kept.exchanges[0].follow_ups[0].said == "said"
    assert [tick.told for tick in kept.exchanges[0].ticks] == [False, True, False]


async def test_one_may_stop_or_drop_it(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await begin(pilot, app)
        await pilot.press("enter", "q")
        await pilot.pause()
        await choose(pilot, app, "丢掉")
        assert isinstance(app.screen, TodayScreen)
        assert Drafts(paths.interviews).newest() is None
        await begin(pilot, app)
        await pilot.press("enter", "enter", "q")
        await pilot.pause()
        await choose(pilot, app, "这一问不算")
        assert "对答案 1/1" in text_of(app)
        assert "提前结束" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ReportScreen)
        await pilot.press("q")
        await pilot.pause()
        await choose(pilot, app, "记入复习，返回")
        assert len(logged(paths)) == 1
        await pilot.press("m", "o")
        await pilot.pause()
        await choose(pilot, app, "模拟面试 2026-03-02")
        assert isinstance(app.screen, ReportScreen)
    assert [each.ending for each in held(paths)] == [Ending.EARLY]


async def test_the_time_is_up(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, clock):
        screen = await begin(pilot, app)
        clock.now += timedelta(minutes=20)
        screen._tick()
        await pilot.pause()
        assert "时间到，讲完就结束" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, DebriefScreen)
        assert "面试结束（时间到）" in text_of(app)
        assert app.screen._interview.exchanges[0].follow_ups == ()


async def test_an_interview_can_be_what_the_app_opens_at(bank: Path, paths: Paths) -> None:
    def opening(_: object) -> Setup:
        return Setup(45, level=1, seed=3)

    async with opened(bank, paths, plan=opening) as (app, pilot, _):  # type: ignore[arg-type]
        await pilot.pause()
        assert isinstance(app.screen, InterviewSetupScreen)
        assert "◂45 分钟▸" in text_of(app)
        assert "◂1 人人该会▸" in text_of(app)


async def test_a_question_that_left_the_bank(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        screen = await begin(pilot, app)
        gone = screen._interviewer.current.question  # type: ignore[union-attr]
        await answer_all(pilot, app)
    for file in (bank / "arithmetic" / gone.id).iterdir():
        file.unlink()
    (bank / "arithmetic" / gone.id).rmdir()
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("m")
        await pilot.pause()
        await choose(pilot, app, "接着对答案")
        assert "已经不在题库里" in text_of(app)
        await pilot.press("enter", "1", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ReportScreen)
        await pilot.press("end")
        await pilot.pause()
        assert gone.title in text_of(app)
