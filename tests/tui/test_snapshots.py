"""What stands on every screen at 60, 80 and 120 columns, as text, beside what stood there before.

A change that is meant: `QUIZDL_SNAPSHOTS=write pytest tests/tui/test_snapshots.py`, then look at
what git says has changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from banks import QUESTION, write_question
from pilots import claims, opened, text_of, until
from textual.pilot import Pilot

from quizdl.model import Setup
from quizdl.render.cells import cells
from quizdl.settings import Paths
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.lab import LabScreen
from quizdl.tui.screens.report import ReportScreen
from quizdl.tui.widgets.claims import Stage

HERE = Path(__file__).parent / "snapshots"
SIZES = ((120, 40), (80, 24), (60, 20))

LONG = QUESTION.replace(
    "会的。",
    "把一个数加上它自己，得到的就是它的两倍（twice the number）：$x + x = 2x$，对每个实数都成立，"
    "证明只用到分配律。\n\n$$\nx + x = (1 + 1)\\,x = 2x, \\qquad \\frac{x + x}{2} = x\n$$",
).replace(
    "- [平方不是翻倍](demo.py#squares)。",
    "- （加分）[平方不是翻倍](demo.py#squares)：只有 $x = 0$ 和 $x = 2$ 时两者才相等，"
    "别处都不等，而且 $x$ 越大相差越远。",
)


CHANGING = re.compile(r"\d+(?= ms)|(?<=隔离：).*|\d+:\d\d")
"""What differs from run to run and from machine to machine."""


def proved(app: QuizdlApp) -> bool:
    return all(block.stage is Stage.DONE for block in claims(app))


def measured(app: QuizdlApp) -> bool:
    return isinstance(app.screen, LabScreen) and "正在测量" not in text_of(app)


def weighed(app: QuizdlApp) -> bool:
    return "每天用时" in text_of(app)


ENDED = ("enter", "w", *"是两倍", "escape", "enter", "q", "down", "enter")
"""Keys from the setup of an interview to the end of it."""
SCREENS: dict[str, tuple[tuple[str, ...], Callable[[QuizdlApp], object]]] = {
    # name: keys from Today, and what has to hold before it is looked at
    "today": ((), bool),
    "interview-setup": (("m", "down", "right"), bool),
    "question": (("enter",), bool),
    "interview": (("enter", "w", *"是两倍", "escape"), bool),
    "debrief": (ENDED, lambda app: "对答案" in text_of(app)),
    "report": ((*ENDED, "1", "3", "enter"), lambda app: isinstance(app.screen, ReportScreen)),
    "draft": (("enter", "w", *"两倍就是 x+x", "enter", *"分配律"), bool),
    "answer": (("enter", "space"), bool),
    "points": (("enter", "w", *"两倍就是 x+x", "escape", "space", "1", "2"), bool),
    "proofs": (("enter", "space", "r"), proved),
    "predict": (("enter", "space", "p"), bool),
    "settings": (("comma", "right", "right"), weighed),
    "keys": (("comma", "right", "tab"), bool),
    "lab": (("enter", "space", "l"), measured),
    "note": (("enter", "n", *"先画图"), bool),
    "look-back": (("enter", "space", "x", "1", "space", "b"), bool),
    "summary": (("enter", "space", "3", "space", "1", "q"), bool),
    "browse": (("slash",), lambda app: "0/3" in text_of(app) or "—" in text_of(app)),
    "browse-query": (("slash", *"is:"), bool),
    "bulk": (("slash", "ctrl+o"), bool),
    "stats": (("enter", "space", "x", "1", "space", "space", "3", "q", "enter", "t"), bool),
    "help": (("enter", "space", "question_mark"), bool),
}


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    root = tmp_path / "bank"
    write_question(root, "doubling", question=LONG)
    write_question(root, "halving")
    write_question(root, "keeping", topic="identity")
    return root


async def shown(app: QuizdlApp, pilot: Pilot[None]) -> str:
    """What stands there once nothing moves any more."""
    before = ""
    while (now := text_of(app)) != before:
        before = now
        await pilot.pause(0.15)
    return now


SCROLLED = ("points", "proofs")
"""How far depends on the size they were asked for at."""
CASES = [(name, SIZES) for name in SCREENS if name not in SCROLLED] + [
    (name, (size,)) for name in SCROLLED for size in SIZES
]


@pytest.mark.parametrize(("name", "sizes"), CASES)
async def test_it_looks_as_before(
    bank: Path, paths: Paths, name: str, sizes: Sequence[tuple[int, int]]
) -> None:
    """In a terminal that is made smaller, as in one that was so from the beginning."""
    keys, ready = SCREENS[name]
    plan = (lambda bank: Setup(20, seed=1)) if name in ("interview", "debrief", "report") else None
    async with opened(bank, paths, sizes[0], plan) as (app, pilot, _):
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
        await until(pilot, lambda: ready(app))
        for size in sizes:
            await pilot.resize_terminal(*size)
            rows = (await shown(app, pilot)).split("\n")
            assert len(rows) == size[1]
            assert {cells(row) for row in rows} == {size[0]}, "as long as the screen is wide"
            text = "\n".join(CHANGING.sub("…", row).rstrip() for row in rows) + "\n"
            file = HERE / f"{name}-{size[0]}.txt"
            if os.environ.get("QUIZDL_SNAPSHOTS") == "write":
                HERE.mkdir(exist_ok=True)
                file.write_text(text, "utf-8")
            assert text == file.read_text("utf-8")
