"""Take the README's pictures from the running app: python tests/screens/take.py

Each is what the app paints at a fixed time over a fresh memory, as SVG without outside fonts.
"""

from __future__ import annotations

import asyncio
import html
import itertools
import random
import re
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from textual.pilot import Pilot

from quizdl.bank import Bank, find_bank, load
from quizdl.bank.sections import key_points
from quizdl.lab import State
from quizdl.model import Rating, Recall, Setup, Tick
from quizdl.render.cells import cells, clusters
from quizdl.session import Plan, open_library
from quizdl.settings import Paths, Settings
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.edit import EditScreen
from quizdl.tui.screens.lab import LabScreen
from quizdl.tui.screens.review import ReviewScreen
from quizdl.tui.screens.today import TodayScreen
from quizdl.tui.widgets.claims import Stage
from quizdl.tui.widgets.draft import Draft

HERE = Path(__file__).parent
SIZE = (110, 36)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=timezone(timedelta(hours=8)))
FONTS = 'Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace'
TEXT = re.compile(
    r'<text(?P<b>[^>]*?) x="(?P<x>[\d.]+)"(?P<y> y="[\d.]+") textLength="[\d.]+"'
    r"(?P<c>[^>]*)>(?P<t>[^<]*)</text>"
)
CELL = 12.2  # width of a cell in Rich's SVG
QUESTION = "zero-init"
BROWSE = "csh"
"""What is typed to find questions: initials of 初始化."""
POINTS = ("momentum", "把历史梯度累加起来：方向一致就加速，来回震荡就抵消", ("1", "2", "4"))
"""Question, what is written before the answer is seen, the key points that are ticked."""
INTERVIEW = 3
"""Seed of the interview."""
WEEKS = 9
LAB = ("momentum", "effective_step", ("up",), ("return w - lr * v, v", "return w - 2 * lr * v, v"))
"""Question, claim, keys to the dial to be swept, and what to change in its code."""


def only(bank: Bank) -> Plan:
    return Plan((bank.get(QUESTION), *(q for q in bank.questions if q.id != QUESTION)))


def fit(tag: re.Match[str]) -> str:
    """One text element for each run of narrow or of wide characters, as long as its cells.

    Rich counts a Chinese character as one cell when it says how long a text is to be, and no
    font has Latin and Chinese at exactly one to two.
    """
    at, content = float(tag["x"]), html.unescape(tag["t"])
    parts = []
    for _, run in itertools.groupby(clusters(content), cells):
        text = "".join(run)
        length = cells(text) * CELL
        place = f'x="{at:.1f}"{tag["y"]} textLength="{length:.1f}"'
        shown = html.escape(text).replace("\xa0", " ").replace(" ", "&#160;")
        parts.append(f"<text{tag['b']} {place}{tag['c']}>{shown}</text>")
        at += length
    return "".join(parts)


def save(app: QuizdlApp, name: str) -> None:
    svg = app.export_screenshot(title="quizdl")
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;]*;", f"font-family: {FONTS};", svg)
    svg = TEXT.sub(fit, svg)
    svg = re.sub(r"terminal-\d+-", "t-", svg)  # the same picture, the same bytes
    (HERE / f"{name}.svg").write_text(svg, "utf-8")


async def take() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder), Path(folder))
        app = QuizdlApp(find_bank(), paths, Settings(new_per_day=10), clock=lambda: NOW)
        async with app.run_test(size=SIZE) as pilot:
            while app.library is None:
                await pilot.pause(0.05)
            await pilot.pause(0.2)
            save(app, "today")
            assert app.bank is not None
            app.start_session(app.new_session(only(app.bank)))
            await pilot.pause(0.5)
            save(app, "question")
            await pilot.press("space")
            await pilot.pause(0.5)
            save(app, "answer")
            await pilot.press("r")
            assert isinstance(app.screen, ReviewScreen)
            while any(block.stage is not Stage.DONE for block in app.screen.claims):
                await pilot.pause(0.05)
            await pilot.pause(0.5)
            save(app, "proof")
            await pilot.press("escape", "q")
            await pilot.pause(0.2)
            await take_browse(app, pilot)
            await take_points(app, pilot)
            await take_interview(app, pilot)
            await take_lab(app, pilot)
        await take_after_weeks(Paths(Path(folder, "later"), Path(folder, "later")))


async def take_points(app: QuizdlApp, pilot: Pilot[None]) -> None:
    assert app.bank is not None
    app.start_session(app.new_session(Plan((app.bank.get(POINTS[0]),))))
    await pilot.pause(0.3)
    await pilot.press("w")
    app.screen.query_one(Draft).text = POINTS[1]
    await pilot.press("escape", "space", *POINTS[2])
    await pilot.pause(0.5)
    save(app, "points")
    await pilot.press("escape", "q")
    await pilot.pause(0.2)


async def take_interview(app: QuizdlApp, pilot: Pilot[None]) -> None:
    app.open_interview(Setup(20, topics=("activations", "initialization"), seed=INTERVIEW))
    await pilot.pause(0.5)
    await pilot.press("enter")
    await pilot.pause(0.5)
    await pilot.press("enter")
    await pilot.pause(0.5)
    save(app, "interview")
    await pilot.press("q", "end", "enter")
    await pilot.pause(0.5)
    while not isinstance(app.screen, TodayScreen):
        await pilot.press("escape")
        await pilot.pause(0.2)


async def take_after_weeks(paths: Paths) -> None:
    """What there is to see once the memory is filled."""
    settings = Settings(new_per_day=3)
    paths.data.mkdir()
    study(paths, settings)
    app = QuizdlApp(find_bank(), paths, settings, clock=lambda: NOW)
    async with app.run_test(size=SIZE) as pilot:
        while app.library is None:
            await pilot.pause(0.05)
        await pilot.press("t")
        await pilot.pause(0.5)
        save(app, "stats")
        await pilot.press("escape", "comma")
        await pilot.pause(2)
        await pilot.press(*["right"] * 5)
        await pilot.pause(3)
        save(app, "settings")


def study(paths: Paths, settings: Settings) -> None:
    """Some weeks of somebody who forgets one in ten, at the same hour of most days."""
    chance, bank = random.Random(1), load(find_bank())
    library = open_library(paths.database, bank.questions, settings)
    for back in range(WEEKS * 7, 0, -1):
        now = NOW - timedelta(days=back)
        session = library.session(Plan(limit=chance.choice((0, 3, 6, 9, 12)) or 1), now)
        while session.current is not None:
            rating = chance.choices(list(Rating), (10, 15, 60, 15))[0]
            points = key_points(session.current.back)
            ticks = tuple(Tick(*point, chance.random() < 0.85) for point in points)
            now += timedelta(seconds=chance.randrange(20, 200))
            session.rate(rating, now, Recall("", ticks))
    library.close()


async def take_browse(app: QuizdlApp, pilot: Pilot[None]) -> None:
    await pilot.press("slash", *BROWSE)
    await pilot.press("down")
    await pilot.pause(1.5)
    save(app, "browse")
    await pilot.press("escape", "escape")
    await pilot.pause(0.2)


async def take_lab(app: QuizdlApp, pilot: Pilot[None]) -> None:
    assert app.bank is not None
    question = app.bank.get(LAB[0])
    app.start_session(app.new_session(Plan((question,))))
    await pilot.pause(0.3)
    await pilot.press("space")
    await pilot.pause(0.3)
    place = [claim.id for claim in question.claims].index(LAB[1])
    await pilot.press(*["tab"] * (place + 1), "l")
    await pilot.pause(1.5)
    await pilot.press(*LAB[2], "w")
    lab = app.screen
    assert isinstance(lab, LabScreen)
    while lab.sweep is None or State.UNKNOWN in lab.sweep.states():
        await pilot.pause(0.1)
    await pilot.pause(0.5)
    save(app, "lab")
    await pilot.press("x", "E")
    await pilot.pause(0.5)
    editor = app.screen
    assert isinstance(editor, EditScreen)
    editor.editor.text = editor.editor.text.replace(*LAB[3])
    await pilot.press("ctrl+r")
    await pilot.pause(2)
    save(app, "edit")


if __name__ == "__main__":
    asyncio.run(take())
