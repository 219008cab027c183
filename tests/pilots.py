"""The app driven by Textual's Pilot: what stands on the screen, and where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from banks import trust_bank
from textual.pilot import Pilot

from quizdl.render.cells import cells
from quizdl.session import Plan
from quizdl.settings import Paths, Settings
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.review import ReviewScreen
from quizdl.tui.widgets.claims import ClaimBlock

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=8)))


class Clock:
    """A clock that goes a second forward whenever it is read, and where it is told."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def text_of(app: QuizdlApp) -> str:
    """What stands on the screen, as a terminal would show it."""
    screen = app.screen
    size = screen.size
    lines = screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip)[: size.width] for strip in lines)


async def until(pilot: Pilot[None], holds: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await pilot.pause(0.02)


def claims(app: QuizdlApp) -> list[ClaimBlock]:
    assert isinstance(app.screen, ReviewScreen)
    return list(app.screen.claims)


def place(app: QuizdlApp, text: str) -> tuple[int, int]:
    """Column and row of the last cell that begins `text` on the screen."""
    rows = text_of(app).splitlines()
    y = max(n for n, row in enumerate(rows) if text in row)
    return cells(rows[y].rpartition(text)[0]), y


@asynccontextmanager
async def opened(
    bank: Path,
    paths: Paths,
    size: tuple[int, int] = (80, 24),
    plan: Callable[..., Plan] | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[QuizdlApp, Pilot[None], Clock]]:
    clock = Clock()
    if bank.is_dir():
        trust_bank(bank, paths.data)
    app = QuizdlApp(bank, paths, Settings(**settings), plan, clock)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.library is not None or app.failure is not None)
        await pilot.pause()
        yield app, pilot, clock
