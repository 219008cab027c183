"""A session in English: prints what stands on each screen, with form feeds between.

A process of its own, since the screens look their texts up when they are imported.
`python in_english.py BANK DATA`
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from quizdl.words import speak

speak("en")
from pilots import claims, opened, text_of, until  # noqa: E402

from quizdl.settings import Paths  # noqa: E402
from quizdl.tui.screens.review import ReviewScreen  # noqa: E402
from quizdl.tui.widgets.claims import Stage  # noqa: E402


async def main(bank: Path, data: Path) -> None:
    async with opened(bank, Paths(data, data), size=(60, 20)) as (app, pilot, _):

        async def show(*keys: str) -> None:
            await pilot.press(*keys)
            await pilot.pause(0.2)
            print(text_of(app), end="\f")

        await show()
        await show("question_mark")
        await pilot.press("escape")
        await show("enter")
        await show("space")
        await pilot.press("r")
        await until(pilot, lambda: all(each.stage is Stage.DONE for each in claims(app)))
        await show("end")
        await show("1")
        await show("q")
        assert not isinstance(app.screen, ReviewScreen)


asyncio.run(main(*map(Path, sys.argv[1:])))
