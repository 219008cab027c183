"""How fast the list follows the typing: `python tests/benchmarks/searching.py [QUESTIONS]`.

The screen of all questions, with the bank that comes with quizdl and with a bank of 10,000
made of it (every question under other ids, with two characters of its own in the title), in
turn, in one process, 120 x 40. Each query is typed key by key; a time runs from the key to the
end of the paint that shows what it found, which is the last thing this thread does for it. What
is measured is this thread's own time; on the wall, whatever else runs is in it, too.
A row gives the median over all keys, and the longest key: of the medians of its rounds, once
behind all preparation. A frame of a 60 Hz terminal is 16.7 ms.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from textual.app import App
from textual.widgets import Input

from quizdl.bank import Bank, find_bank, load
from quizdl.model import Question
from quizdl.proof.receipts import Receipts
from quizdl.session import open_library
from quizdl.settings import Settings
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.browse import BrowseScreen

QUERIES = (
    "梯度",
    "归一化",
    "tidu",
    "td",
    "batch norm",
    "topic:优化器 动量",
    "is:new 学习率",
    "zzzz",
)
ROUNDS = 5


def many(bank: Bank, count: int) -> list[Question]:
    """`count` questions, each with something that tells it from the others."""
    return [
        replace(
            question,
            id=f"{question.id}-{number}",
            title=f"{chr(0x4E00 + number % 5000)}{chr(0x4E00 + number // 50)} {question.title}",
        )
        for number in range(count)
        for question in [bank.questions[number % len(bank.questions)]]
    ]


async def keystrokes(
    questions: list[Question], bank: Bank, place: Path
) -> list[tuple[float, float]]:
    """Milliseconds of every key: of this thread, and on the wall."""
    library = open_library(place / "quizdl.sqlite3", questions, Settings())
    titles = {topic.id: topic.title for topic in bank.topics}

    def clock() -> datetime:
        return datetime.now().astimezone()

    class Host(App[None]):
        CSS_PATH = [  # noqa: RUF012
            Path(sys.modules[QuizdlApp.__module__].__file__ or "").parent / path
            for path in QuizdlApp.CSS_PATH
        ]

    times = []
    host = Host()
    async with host.run_test(size=(120, 40)) as pilot:
        screen = BrowseScreen(library, titles, Receipts(place / "receipts"), clock, None)
        await host.push_screen(screen)
        library.index(titles).prepare()  # as the app does
        gc.freeze()
        await host.workers.wait_for_complete()
        await pilot.pause()
        query = screen.query_one(Input)
        search, searched = screen._search, asyncio.Event()

        def watched() -> None:
            search()
            searched.set()

        screen._search = watched  # type: ignore[method-assign]
        for _ in range(ROUNDS):
            for text in QUERIES:
                for end in range(1, len(text) + 1):
                    searched.clear()
                    start, wall = time.thread_time(), time.perf_counter()
                    query.value = text[:end]
                    await searched.wait()
                    screen._compositor.render_strips()
                    taken = time.thread_time() - start, time.perf_counter() - wall
                    times.append((taken[0] * 1e3, taken[1] * 1e3))
                    await pilot.pause()
    library.close()
    return times


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    bank = load(find_bank())
    for questions in ([*bank.questions], many(bank, count)):
        with tempfile.TemporaryDirectory() as place:
            found = asyncio.run(keystrokes(questions, bank, Path(place)))
        for name, middle, longest, text in summary(found):
            print(
                f"{len(questions):>6} questions, {name:<6}  {middle:6.1f} ms a key"
                f"  longest {longest:6.1f} ms  ({text})"
            )


def summary(times: list[tuple[float, float]]) -> list[tuple[str, float, float, str]]:
    """Of this thread and of the wall: the median of all keys, the longest key, and which."""
    keys = [text[:end] for text in QUERIES for end in range(1, len(text) + 1)]
    rows = []
    for name, found in zip(("thread", "wall"), zip(*times, strict=True), strict=True):
        medians = [statistics.median(found[place :: len(keys)]) for place in range(len(keys))]
        longest, text = max(zip(medians, keys, strict=True))
        rows.append((name, statistics.median(found), longest, text))
    return rows


if __name__ == "__main__":
    main()
