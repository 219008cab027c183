"""The command palette: what the screen's keys do, found by its Chinese or its English name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pilots import opened, text_of, until
from textual.command import CommandPalette

from quizdl.memory import open_store
from quizdl.settings import Paths
from quizdl.tui.screens.help import HelpScreen
from quizdl.tui.screens.stats import StatsScreen


@pytest.mark.parametrize("typed", ["今天不再", "bury", "Bury", "jintianbu", "jtbzcx"])
async def test_an_action_of_the_screen_in_either_language(
    bank: Path, paths: Paths, typed: str
) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*typed)
        await until(pilot, lambda: "今天不再出现  Bury" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))
        await until(pilot, lambda: "halving 吗？" in text_of(app))
    with open_store(paths.database) as store:
        assert store.memory(0).marks["doubling"].buried_until > 0


async def test_what_can_be_done_from_anywhere(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        for typed, screen in (("statistics", StatsScreen), ("帮助", HelpScreen)):
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(app.screen, CommandPalette))
            await pilot.press(*typed)
            await until(pilot, lambda: "  " in text_of(app))
            await pilot.pause(0.3)
            await pilot.press("enter")
            await until(pilot, lambda screen=screen: isinstance(app.screen, screen))
            await pilot.press("escape")
            await pilot.pause()


async def test_only_what_can_be_done_now_is_offered(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, (80, 60)) as (app, pilot, _):
        await pilot.press("enter", "ctrl+p")
        await until(pilot, lambda: "跳过  Skip" in text_of(app))
        shown = text_of(app)
        order = [shown.index(text) for text in ("看答案  Show", "跳过", "写笔记", "找题  Browse")]
        assert order == sorted(order), "what the screen is for comes first"
        assert "复制" not in shown[: order[-1]], "and what every terminal app can do, last"
        assert "看答案" in shown
        assert "实验台" not in shown, "before the answer, no proof can be played with"
        await pilot.press(*"找题")
        await until(pilot, lambda: "找题  Browse" in text_of(app))
        assert text_of(app).count("找题  Browse") == 1, "not once for the key and once more"
        await pilot.press(*"qqqq")
        await until(pilot, lambda: "没有这个命令" in text_of(app))
        await pilot.press("enter", "escape")
