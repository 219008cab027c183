"""Take the README's pictures from the running app: python tests/screens/take.py

Each is what the app paints at a fixed time over a fresh memory, as SVG without outside fonts.
"""

from __future__ import annotations

import asyncio
import html
import itertools
import re
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from textual.pilot import Pilot

from quizdl.bank import Bank, find_bank
from quizdl.lab import State
from quizdl.render.cells import cells, clusters
from quizdl.session import Plan
from quizdl.settings import Paths, Settings
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.edit import EditScreen
from quizdl.tui.screens.lab import LabScreen
from quizdl.tui.screens.review import ReviewScreen
from quizdl.tui.widgets.claims import Stage

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
            await take_lab(app, pilot)


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
