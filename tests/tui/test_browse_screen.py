"""Looking for questions, and what can be done to those that were found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from banks import QUESTION, write_question
from pilots import MORNING, Clock, claims, opened, text_of, until
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from quizdl.bank import find_bank, load
from quizdl.memory import open_store
from quizdl.model import Mark, Question, Rating
from quizdl.render.cells import cells
from quizdl.session import EVERYTHING, open_library
from quizdl.settings import Paths, Settings
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.browse import BrowseScreen
from quizdl.tui.screens.choice import ChoiceScreen
from quizdl.tui.screens.help import HelpScreen
from quizdl.tui.screens.review import ReviewScreen
from quizdl.tui.screens.summary import SummaryScreen
from quizdl.tui.screens.today import TodayScreen
from quizdl.tui.widgets.claims import Stage
from quizdl.tui.widgets.listing import Listing

SUSPENDED, FLAGGED = Mark(suspended=True), Mark(flagged=True)


@pytest.fixture
def bank(bank: Path) -> Path:
    """doubling, halving, and one of a tag of its own: keeping."""
    write_question(bank, "keeping", question=QUESTION.replace("测试", "不变"))
    return bank


def found(app: QuizdlApp) -> list[str]:
    """Ids in the list, from the top."""
    items: list[Question] = [*app.screen.query_one(Listing).items]
    return [question.id for question in items]


async def ask(app: QuizdlApp, pilot: Pilot[None], query: str) -> None:
    app.screen.query_one(Input).value = query
    await pilot.pause()


def marked(bank: Path, paths: Paths, clock: Clock) -> Mapping[str, Mark]:
    """What another quizdl reads of each question that has a mark."""
    library = open_library(paths.database, load(bank).questions, Settings())
    remembered = library.remembered(clock.now)
    library.close()
    return {name: mark for name, mark in remembered.marks.items() if mark != Mark()}


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (120, 40)])
async def test_the_list_follows_the_typing(bank: Path, paths: Paths, size: tuple[int, int]) -> None:
    async with opened(bank, paths, size) as (app, pilot, _):
        await pilot.press("slash")
        await until(pilot, lambda: "会的" in text_of(app))
        assert found(app) == ["doubling", "halving", "keeping"]
        shown = text_of(app)
        assert "3 / 3 道题" in shown
        assert "topic:" in shown, "the operators are told before anything is typed"
        assert all(name in shown for name in ("题目", "难度", "何时", "记得", "证明"))
        assert ("主题" in shown) is (size[0] >= 80)
        assert all(cells(line) <= size[0] for line in shown.splitlines())

        await pilot.press(*"halv")
        await pilot.pause()
        assert found(app) == ["halving"]
        assert "1 / 3 道题" in text_of(app)
        await until(pilot, lambda: text_of(app).count("halving 吗？") == 2)


async def test_words_that_are_not_finished_leave_the_list(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("slash")
        await ask(app, pilot, "tag:不")
        assert found(app) == ["doubling", "halving", "keeping"]
        assert "tag:不变" in text_of(app)
        await pilot.press("tab")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "tag:不变"
        assert found(app) == ["keeping"]
        for unfinished in ("tag:", "is:", "is:susp", "level:", "prop:r"):
            await ask(app, pilot, f"tag:不变 {unfinished}")
            assert found(app) == ["keeping"], unfinished
        await ask(app, pilot, "-is:ne")
        await pilot.press("tab")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "-is:new"
        assert found(app) == []
        assert "没有符合条件的题" in text_of(app)
        await ask(app, pilot, "is:nothing")
        assert "不认得 is:nothing" in text_of(app)


async def test_enter_asks_the_one_and_ctrl_r_all_that_were_found(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, new_per_day=1) as (app, pilot, _):
        await pilot.press("slash", "down", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ReviewScreen)
        assert "halving 吗？" in text_of(app)
        await pilot.press("space", "4")
        await pilot.pause()
        assert isinstance(app.screen, SummaryScreen)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)

        await pilot.press("slash")
        await ask(app, pilot, "halving")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, BrowseScreen)
        assert "今天已经做过" in text_of(app)
        assert "后" in text_of(app).split("halving 吗？")[1].splitlines()[0], "when it comes"

        await ask(app, pilot, "-halving")
        await pilot.press("ctrl+r")
        await pilot.pause()
        for question in ("doubling", "keeping"):
            assert f"{question} 吗？" in text_of(app)
            await pilot.press("space", "4")
            await pilot.pause()
        assert isinstance(app.screen, SummaryScreen)


async def test_one_question_is_suspended_and_flagged_and_back(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, clock):
        await pilot.press("slash", "down", "ctrl+s")
        await pilot.pause()
        assert "已暂停" in text_of(app)
        await pilot.press("down", "ctrl+b")
        await pilot.pause()
        assert "⚑ keeping" in text_of(app)
        assert marked(bank, paths, clock) == {"halving": SUSPENDED, "keeping": FLAGGED}
        await ask(app, pilot, "is:suspended")
        assert found(app) == ["halving"]
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert found(app) == []
        assert marked(bank, paths, clock) == {"keeping": FLAGGED}
        await pilot.press("escape")
        assert isinstance(app.screen, BrowseScreen), "first out of the query"
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)


async def test_all_that_were_found_and_the_way_back(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, clock):
        await pilot.press("slash", "ctrl+s")
        await ask(app, pilot, "tag:测试")
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)
        assert "对列出的 2 道题" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "改了 1 道题" in text_of(app), "one was suspended before"
        assert marked(bank, paths, clock) == {"doubling": SUSPENDED, "halving": SUSPENDED}
        await pilot.press("ctrl+o", "end", "enter")
        await pilot.pause()
        assert marked(bank, paths, clock) == {"doubling": SUSPENDED}, "undo leaves the first"
        await pilot.press("ctrl+o", "escape")
        await pilot.pause()
        assert isinstance(app.screen, BrowseScreen)
        assert marked(bank, paths, clock) == {"doubling": SUSPENDED}


async def bulk(pilot: Pilot[None], app: QuizdlApp, label: str) -> None:
    """Choose what is done to all that were found, by its words."""
    await pilot.press("ctrl+o")
    await pilot.pause()
    for _ in range(12):
        if label in app.screen.query_one(OptionList).highlighted_option.prompt:  # type: ignore[union-attr,operator]
            break
        await pilot.press("down")
    await pilot.press("enter")
    await pilot.pause()


async def test_new_again_and_back_step_by_step(bank: Path, paths: Paths) -> None:
    library = open_library(paths.database, load(bank).questions, Settings())
    library.session(EVERYTHING, MORNING).rate(Rating.EASY, MORNING)
    library.close()
    with open_store(paths.database) as store:
        before = store.memory(0).cards
    async with opened(bank, paths) as (app, pilot, clock):
        await pilot.press("slash", "ctrl+b")
        await bulk(pilot, app, "当新题重学")
        assert "又是新题了：1 道" in text_of(app)
        assert "新题" in text_of(app)
        with open_store(paths.database) as store:
            assert store.memory(0).cards == {}
        await bulk(pilot, app, "撤销上一步")
        with open_store(paths.database) as store:
            assert store.memory(0).cards == before
        assert marked(bank, paths, clock) == {"doubling": FLAGGED}
        await bulk(pilot, app, "撤销上一步")
        assert marked(bank, paths, clock) == {}, "two steps back"


async def test_a_cram_of_what_was_found(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("slash")
        await bulk(pilot, app, "突击")
        assert isinstance(app.screen, ReviewScreen)
        await pilot.press("space")
        await pilot.pause()
        assert "不计入" in text_of(app)


async def test_over_a_session_it_looks_and_does_not_begin_another(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, clock):
        await pilot.press("enter", "slash", "down", "down", "enter")
        await pilot.pause()
        assert isinstance(app.screen, BrowseScreen)
        assert "手头这一次还没有结束" in text_of(app)
        await pilot.press("up", "ctrl+s", "escape")
        await pilot.pause()
        assert isinstance(app.screen, ReviewScreen)
        await pilot.press("space", "4")
        await pilot.pause()
        assert "keeping 吗？" in text_of(app), "halving was suspended meanwhile"
        assert marked(bank, paths, clock) == {"halving": SUSPENDED}


async def test_what_is_remembered_and_what_was_proved_stand_in_the_list(
    bank: Path, paths: Paths
) -> None:
    async with opened(bank, paths) as (app, pilot, clock):
        await pilot.press("enter", "space", "r")
        rows = claims(app)
        await until(pilot, lambda: all(row.stage is Stage.DONE for row in rows))
        await pilot.press("4", "q", "enter")
        clock.now += timedelta(days=30)
        await pilot.press("slash")
        await until(pilot, lambda: "3/3" in text_of(app))
        row = next(line for line in text_of(app).splitlines() if "doubling" in line)
        assert "到期" in row
        assert "%" in row
        await ask(app, pilot, "is:due prop:r<1")
        assert found(app) == ["doubling"]


async def test_the_answer_follows_the_cursor_and_scrolls(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("slash", "down", "down")
        await until(pilot, lambda: text_of(app).count("keeping 吗？") == 2)
        before = text_of(app)
        await pilot.press("ctrl+down")
        await pilot.pause()
        assert text_of(app) != before
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        shown = text_of(app)
        assert "暂停或恢复" in shown
        for word in ("cursor", "Focus"):
            assert word not in shown, "what Textual brings is told in English"
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(app.screen, BrowseScreen)


async def test_a_click_chooses(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("slash")
        await pilot.pause()
        await pilot.click(Listing, offset=(8, 3))
        await until(pilot, lambda: text_of(app).count("keeping 吗？") == 2)
        assert "›  keeping" in text_of(app).replace("⚑", " ")


async def test_slash_is_a_letter_where_one_types(paths: Paths) -> None:
    async with opened(find_bank(), paths) as (app, pilot, _):
        await pilot.press("slash", "slash", "question_mark")
        await pilot.pause()
        assert isinstance(app.screen, BrowseScreen)
        assert app.screen.query_one(Input).value == "/?"
        await ask(app, pilot, "")
        listing = app.screen.query_one(Listing)
        await pilot.press(*["pagedown"] * 30)
        await pilot.pause()
        assert listing.current is listing.items[-1]
        assert "›" in text_of(app)
        await pilot.press(*["pageup"] * 30)
        await pilot.pause()
        assert listing.current is listing.items[0]
