"""The screen of settings, on a real file and a real memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from pilots import opened, place, text_of, until
from textual.pilot import Pilot

from quizdl.memory import workload
from quizdl.model import Rating
from quizdl.session import Workload
from quizdl.settings import Paths, Settings, load_settings, save_settings
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.review import ReviewScreen
from quizdl.tui.screens.settings import CaptureScreen, SettingsScreen
from quizdl.tui.screens.today import TodayScreen


def row(app: QuizdlApp, text: str) -> str:
    return next(line for line in text_of(app).splitlines() if text in line)


async def saved(pilot: Pilot[None], paths: Paths, settings: Settings) -> None:
    await until(
        pilot, lambda: paths.config_file.exists() and load_settings(paths.config_file) == settings
    )
    await pilot.pause()


@pytest.mark.parametrize("columns", [60, 80, 120])
async def test_values_defaults_and_what_they_do(bank: Path, paths: Paths, columns: int) -> None:
    async with opened(bank, paths, (columns, 24), new_per_day=3) as (app, pilot, _):
        await pilot.press("comma", "down")
        await pilot.pause()
        assert row(app, "› ").split() == ["›", "每天的新题", "3", "5"]
        assert "每天最多几道新题" in text_of(app)
        assert "new_per_day" in text_of(app)
        assert "保存" in text_of(app).splitlines()[-1]


async def test_the_same_by_the_keyboard_in_every_kind(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("comma", "right", "right", "left")  # retention
        await pilot.press("down", "7", "enter")  # new_per_day, typed
        await pilot.press("down", "down", "enter", *["backspace"] * 9, *"2 15 30", "enter")
        for _ in range(5):
            await pilot.press("down")
        await pilot.press("enter", "down", "right", "down", "enter")  # predict, two_grades, theme
        await pilot.pause()
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        assert app.theme == "high-contrast", "seen at once"
        await pilot.press("down", "down", "enter", *"vim -n", "enter")
        await pilot.pause()
        assert "改了 7 项" in text_of(app)
        assert not paths.config_file.exists(), "nothing is saved before one says so"
        await pilot.press("s")
        expected = Settings(
            desired_retention=0.91,
            new_per_day=7,
            learning_steps=(2, 15, 30),
            predict=True,
            two_grades=True,
            theme="high-contrast",
            editor="vim -n",
        )
        await saved(pilot, paths, expected)
        assert app.settings == expected
        assert app.library is not None
        assert app.library.settings == expected


async def test_mouse(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("comma")
        await pilot.pause()
        where = place(app, "只打两种分")
        await pilot.click(offset=where)
        await pilot.pause()
        assert "忘了、记得" in text_of(app)
        await pilot.click(offset=where)
        await pilot.pause()
        assert row(app, "只打两种分").split()[-2:] == ["开", "关"]
        await pilot.click(offset=place(app, "s 保存"))
        await saved(pilot, paths, Settings(two_grades=True))


async def test_what_will_not_do_is_said_and_not_taken(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("comma", "2", "enter")
        await pilot.pause()
        assert "desired_retention 应在 0.7 到 0.99 之间" in text_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "0.9 " in row(app, "目标记忆率")
        for _ in range(30):
            await pilot.press("right")
        assert "0.99" in row(app, "目标记忆率")
        await pilot.press("x")
        await pilot.pause()
        assert row(app, "目标记忆率").split()[-2:] == ["0.9", "0.9"]


async def test_leaving_with_changes_asks(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("comma", "right", "escape")
        await pilot.pause()
        assert "还没有保存" in text_of(app)
        await pilot.press("escape")
        assert isinstance(app.screen, SettingsScreen)
        await pilot.press("escape", "down", "enter")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
        assert not paths.config_file.exists()
        await pilot.press("comma", "right", "escape", "enter")
        await saved(pilot, paths, Settings(desired_retention=0.91))
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))


async def test_a_file_that_cannot_be_written_loses_nothing(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        paths.config_file.mkdir()  # in its place
        await pilot.press("comma", "right", "s")
        await until(pilot, lambda: "写不了配置文件" in text_of(app))
        assert "0.91" in row(app, "目标记忆率"), "what was chosen is still there"
        assert app.settings == Settings()


async def test_what_another_quizdl_saved_meanwhile_stays(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("comma", "right")
        save_settings(paths.config_file, {"reviews_per_day": 33})
        await pilot.press("s")
        await saved(pilot, paths, Settings(desired_retention=0.91, reviews_per_day=33))
        await until(pilot, lambda: app.settings.reviews_per_day == 33)


# --- what it would ask


async def test_a_change_is_weighed_before_it_is_saved(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("comma", "down")
        await until(pilot, lambda: "每天新题（道）  0.1" in text_of(app))  # two questions, 30 days
        assert "→" not in row(app, "每天新题")
        await pilot.press("0", "enter")
        await until(pilot, lambda: "→  0.0" in text_of(app))
        assert "→  0.0" in row(app, "每天新题（道）")
        assert "（-100%）" in row(app, "每天用时")
        assert not paths.config_file.exists()


async def test_an_answer_to_an_older_choice_is_dropped(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("comma")
        await until(pilot, lambda: "每天复习（次）" in text_of(app))
        screen = app.screen
        assert isinstance(screen, SettingsScreen)
        nonsense = Workload((777.0,), (0.0,), (0.0,), 1)
        await pilot.press("right")
        screen.post_message(SettingsScreen.Weighed(Settings(), nonsense, nonsense))
        await until(pilot, lambda: "→" in text_of(app))
        assert "777" not in text_of(app)


@pytest.mark.slow
async def test_keys_do_not_wait_for_it(
    bank: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workload, "RUNS", 10**9)
    forever = {**(workload.expect.__kwdefaults__ or {}), "looks": 10**9}
    monkeypatch.setattr(workload.expect, "__kwdefaults__", forever)
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("comma")
        await pilot.pause(0.5)  # now it computes, and would for ever
        assert "正在用你的卡片推算" in text_of(app)
        await pilot.press("down", "right")
        await until(pilot, lambda: row(app, "›").split()[:2] == ["›*", "每天的新题"])
        await pilot.press("escape", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))


# --- keys


async def test_rebinding_by_pressing_the_key(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, (120, 60)) as (app, pilot, _):
        await pilot.press("comma", "tab")
        await pilot.pause()
        await pilot.click(offset=place(app, "review.flag"))
        await pilot.press("enter")
        assert isinstance(app.screen, CaptureScreen)
        await pilot.press("r")
        await pilot.pause()
        assert "“r”有两个用处" in text_of(app)
        await pilot.press("enter", "f", "a", "ctrl+f")
        await pilot.pause()
        assert "f ctrl+f" in row(app, "review.flag")
        await pilot.press("s")
        await saved(pilot, paths, Settings(keys=(("review.flag", ("f", "ctrl+f")),)))
        await until(pilot, lambda: app.rebound)
        await pilot.press("escape", "enter")
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        await pilot.press("f")
        assert screen.session.flagged
        await pilot.press("asterisk")
        assert screen.session.flagged, "its old key does nothing"


async def test_back_to_the_key_it_came_with(bank: Path, paths: Paths) -> None:
    save_settings(paths.config_file, {}, {"review.flag": ("f",)})
    async with opened(bank, paths, (120, 60), keys=(("review.flag", ("f",)),)) as (app, pilot, _):
        await pilot.press("comma", "tab")
        await pilot.pause()
        await pilot.click(offset=place(app, "review.flag"))
        await pilot.press("x", "s")
        await saved(pilot, paths, Settings())
        await until(pilot, lambda: not app.rebound)


async def test_nothing_pressed_nothing_bound(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("comma", "tab", "enter", "escape")
        await pilot.pause()
        assert isinstance(app.screen, SettingsScreen)
        assert "还没有保存" not in text_of(app)


# --- what they change


async def test_two_grades(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, two_grades=True) as (app, pilot, _):
        await pilot.press("enter", "space")
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        await pilot.pause()
        shown = text_of(app)
        assert "1 忘了" in shown
        assert "2 记得" in shown
        assert "吃力" not in shown
        assert "轻松" not in shown
        await pilot.press("question_mark")
        await pilot.pause()
        helped = text_of(app)
        assert "记得" in helped
        assert "吃力" not in helped
        await pilot.press("escape", "3", "4")
        await pilot.pause()
        assert screen._revealed, "no such grades"
        await pilot.press("2")
        await pilot.pause()
        await pilot.press("space")
        await pilot.pause()
        await pilot.click(offset=(10, 20))  # the left half
        await pilot.pause()
        ratings = screen.session.summary(app.clock()).ratings
        assert ratings == {Rating.GOOD: 1, Rating.AGAIN: 1}


async def test_it_is_for_sessions_begun_afterwards(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space", "comma")
        assert isinstance(app.screen, SettingsScreen)
        for _ in range(9):
            await pilot.press("down")
        await pilot.press("enter", "s")
        await saved(pilot, paths, Settings(two_grades=True))
        await until(pilot, lambda: app.settings.two_grades)
        await pilot.press("escape")
        await pilot.pause()
        assert "吃力" in text_of(app), "the running one goes on as it began"
        await pilot.press("q", "enter", "space")
        await pilot.pause()
        assert "吃力" not in text_of(app)
