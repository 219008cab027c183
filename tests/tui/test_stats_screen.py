"""The statistics, looked at."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pilots import opened, text_of
from textual.pilot import Pilot

from quizdl.render.cells import cells
from quizdl.settings import Paths
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.stats import StatsScreen
from quizdl.tui.screens.today import TodayScreen


async def read_through(app: QuizdlApp, pilot: Pilot[None]) -> str:
    """All that the screen has to show, page after page."""
    pages: list[str] = []
    await pilot.press("home")
    while not pages or pages[-1] != text_of(app):
        pages.append(text_of(app))
        await pilot.press("pagedown")
        await pilot.pause()
    return "\n".join(pages)


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (120, 40)])
async def test_what_was_done_is_counted(bank: Path, paths: Paths, size: tuple[int, int]) -> None:
    async with opened(bank, paths, size) as (app, pilot, clock):
        await pilot.press("t")
        await pilot.pause()
        assert isinstance(app.screen, StatsScreen)
        assert "最近 365 天：0 次复习" in text_of(app)
        await pilot.press("escape", "enter", "space", "4", "space", "4", "enter")
        await pilot.press("t")
        await pilot.pause()
        assert "未来 30 天" in await read_through(app, pilot)
        clock.now += timedelta(days=30)
        await pilot.press("escape", "enter", "space", "3", "space", "1", "q", "enter", "t")
        await pilot.pause()
        shown = await read_through(app, pilot)
        for part in (
            "4 次复习",
            "50%",
            "答了 2 次，记得 1 次",
            "算术",
            "稳定性",
            "难度",
        ):
            assert part in shown, part
        assert all(cells(line) <= size[0] for line in shown.splitlines())


async def test_tab_looks_at_another_time(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, clock):
        await pilot.press("enter", "space", "4", "q", "enter")
        clock.now += timedelta(days=40)
        await pilot.press("t")
        await pilot.pause()
        assert "最近 365 天：1 次复习" in text_of(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "最近 30 天：0 次复习" in text_of(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "最近 90 天：1 次复习" in text_of(app)
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
