"""Key points ticked, answers typed, notes, and a look back: in a real session on a real file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pilots import opened, place, text_of, until
from textual.pilot import Pilot

from quizdl.memory import open_store
from quizdl.model import Rating
from quizdl.session import Plan
from quizdl.settings import Paths
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.lookback import LookBackScreen
from quizdl.tui.screens.remark import RemarkScreen
from quizdl.tui.screens.review import ReviewScreen

POINTS = ("翻倍就是乘二", "平方不是翻倍", "三倍不是翻倍")


def row(app: QuizdlApp, text: str) -> str:
    return next(line for line in text_of(app).splitlines() if text in line)


def boxes(app: QuizdlApp) -> list[str]:
    return [re.findall(rf"\[.\](?= {n} )", text_of(app))[0] for n in (1, 2, 3)]


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (120, 40)])
async def test_points_are_ticked_and_propose(
    bank: Path, paths: Paths, size: tuple[int, int]
) -> None:
    async with opened(bank, paths, size) as (app, pilot, _):
        await press(pilot, "enter", "space")
        assert f"• ○ {POINTS[0]}" in text_of(app)
        assert "[ ]" not in text_of(app)
        await press(pilot, "x")
        assert boxes(app) == ["[ ]", "[ ]", "[ ]"]
        assert "▸ 1 忘了" in text_of(app)
        await press(pilot, "1", "3")
        assert boxes(app) == ["[✓]", "[ ]", "[✓]"]
        assert "▸ 2 吃力" in text_of(app), "a must-have is missing"
        await press(pilot, "2")
        assert "▸ 3 记得" in text_of(app)
        await press(pilot, "9", "2")
        assert "▸ 2 吃力" in text_of(app)
        await press(pilot, "space")
        assert "halving 吗？" in text_of(app)
    with open_store(paths.database) as store:
        assert [review.rating for review in store.reviews()] == [Rating.HARD]
        (told,) = store.told()
        ticks = [(tick.must, tick.told) for tick in told.recall.ticks]
        assert ticks == [(True, True), (True, False), (True, True)]


async def test_the_learner_may_rate_otherwise(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await press(pilot, "enter", "space", "x", "1", "escape", "4")
        assert "halving 吗？" in text_of(app)
        await press(pilot, "space", "3")
    with open_store(paths.database) as store:
        assert [review.rating for review in store.reviews()] == [Rating.EASY, Rating.GOOD]
        (told,) = store.told()
        assert told.question == "doubling", "of the other, no point was looked at"


async def test_a_point_is_ticked_with_the_mouse(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await press(pilot, "enter", "space")
        x, y = place(app, POINTS[1])
        await pilot.click(offset=(x - 3, y))
        await pilot.pause()
        assert boxes(app) == ["[ ]", "[✓]", "[ ]"]
        assert "▸ 1 忘了" in text_of(app), "one of three"


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (120, 40)])
async def test_what_was_typed_stays_beside_the_points(
    bank: Path, paths: Paths, size: tuple[int, int]
) -> None:
    words = "翻倍就是自己加自己 x+x"
    async with opened(bank, paths, size) as (app, pilot, _):
        await press(pilot, "enter", "w", *words)
        assert words in text_of(app)
        assert "1 忘了" not in text_of(app), "no digit or space rates while one writes"
        await press(pilot, "enter", "3", "escape")
        assert "│ 3" in text_of(app), "it stays in sight"
        await press(pilot, "space")
        shown = text_of(app)
        assert words in shown
        assert boxes(app) == ["[ ]", "[ ]", "[ ]"], "one wrote to compare"
        assert "你写的" in shown
        await press(pilot, "1", "2", "3", "enter")
    with open_store(paths.database) as store:
        (told,) = store.told()
        assert told.recall.said == f"{words}\n3"
        assert store.reviews()[0].rating is Rating.GOOD


async def test_undo_brings_words_and_ticks_back(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await press(pilot, "enter", "w", "好", "escape", "space", "2", "space")
        assert "halving 吗？" in text_of(app)
        await press(pilot, "u")
        assert "│ 好" in text_of(app)
        await press(pilot, "space")
        assert boxes(app) == ["[ ]", "[✓]", "[ ]"]
        await press(pilot, "1", "3", "space")
    with open_store(paths.database) as store:
        (told,) = store.told()
        assert [tick.told for tick in told.recall.ticks] == [True, True, True]


async def test_what_was_missed_last_time_is_said(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, clock):
        await press(pilot, "enter", "space", "x", "1", "space", "space", "4")
        clock.now = clock.now.replace(hour=10)
        await pilot.pause()
        app.screen._wait()
        await pilot.pause()
        assert "doubling 吗？" in text_of(app)
        await press(pilot, "space")
        assert "上次没说到" not in text_of(app)
        await press(pilot, "x")
        assert text_of(app).count("上次没说到") == 2


async def test_a_note_is_kept_and_shown_with_the_answer(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await press(pilot, "enter", "n")
        assert isinstance(app.screen, RemarkScreen)
        await press(pilot, *"先画图", "escape")
        assert isinstance(app.screen, ReviewScreen)
        assert "先画图" not in text_of(app), "it might give the answer away"
        await press(pilot, "space")
        assert "│ 先画图" in text_of(app)
        await press(pilot, "n")
        assert "先画图" in text_of(app)
    with open_store(paths.database) as store:
        assert store.remarks()["doubling"].text == "先画图"


async def test_looking_back_changes_nothing(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await press(pilot, "enter", "b")
        assert isinstance(app.screen, ReviewScreen), "nothing was answered yet"
        await press(pilot, "space", "x", "1", "escape", "4", "space", "3")
        await press(pilot, "b")
        assert isinstance(app.screen, LookBackScreen)
        assert "2/2  ·  记得" in text_of(app)
        await press(pilot, "left")
        shown = text_of(app)
        assert "1/2  ·  轻松  ·  8 天后" in shown
        assert "doubling 吗？" in shown
        assert "✓ " in row(app, POINTS[0])
        await press(pilot, "left", "escape")
        assert isinstance(app.screen, ReviewScreen)
    with open_store(paths.database) as store:
        assert len(store.reviews()) == 2


async def test_a_cram_says_that_it_counts_for_nothing(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, plan=lambda bank: Plan(cram=True)) as (app, pilot, _):
        await press(pilot, "space")
        assert "不计入" in text_of(app)
        await press(pilot, "1", "space", "3", "space", "3")
        assert "不计入复习" in text_of(app)
    with open_store(paths.database) as store:
        assert store.reviews() == []


async def test_siblings_are_put_off_together(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await press(pilot, "enter", "_")
        assert "同标签的 2 道题" in text_of(app)
        await press(pilot, "u")
        assert "doubling 吗？" in text_of(app)


async def test_a_session_left_in_the_middle_is_offered_at_the_next_start(
    bank: Path, paths: Paths
) -> None:
    async with opened(bank, paths, plan=lambda bank: Plan(cram=True)) as (app, pilot, _):
        await press(pilot, "space", "3")
        assert "halving 吗？" in text_of(app)
        await until(pilot, lambda: (paths.data / "unfinished.json").read_text().count("rating"))
    async with opened(bank, paths) as (app, pilot, _):
        assert "上次没做完，还剩 1 道" in text_of(app)
        await press(pilot, "enter", "space", "4", "q", "enter")
        assert "上次没做完，还剩 1 道" in text_of(app), "the day's session does not lose it"
        await press(pilot, "c")
        assert "halving 吗？" in text_of(app)
        await press(pilot, "space", "3", "enter")
        assert "上次没做完" not in text_of(app)
    async with opened(bank, paths) as (app, _, _):
        assert "上次没做完" not in text_of(app)


async def test_with_two_grades_a_missing_must_have_proposes_again(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, two_grades=True) as (app, pilot, _):
        await press(pilot, "enter", "space", "x", "1", "3")
        assert "▸ 1 忘了" in text_of(app), "of four grades it would be Hard, which is a pass"
        await press(pilot, "2")
        assert "▸ 2 记得" in text_of(app)
        await press(pilot, "2", "space")
    with open_store(paths.database) as store:
        assert [review.rating for review in store.reviews()] == [Rating.AGAIN]
