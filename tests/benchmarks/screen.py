"""How long the screen keeps a learner waiting: `python tests/benchmarks/screen.py [RUNS]`.

Real programs in a pseudo-terminal of 80 x 24, one after the other in turn, so that all meet
the same load:
- bare: a Textual app of one Static and a Footer. One key puts another text into the Static;
  one does so after storing two bare SQLAlchemy Core statements durably (see rating.py); one
  opens a second screen like the first;
- quizdl: `python -m quizdl` on the bank that comes with it, with a database from yesterday;
- first: the same with an empty home, as at the first start ever.

Times run from exec, or from the writing of a key, to the moment when every text that tells
the new picture from the old one has been read from the terminal:
- first paint: the line at the top and the last key in the footer;
- ready (quizdl): today's figures, that is, bank and memory are open;
- r: first number (quizdl): the first row of numbers of a proof, its children warm;
- key: the text after it. In quizdl Enter -> question, space -> answer with the four grades,
  3 -> next question, the answer being stored; a learner's pause lies between a picture and the
  next key. Each is compared with bare doing the same: another screen, another text, another
  text after storing. The last column compares it with bare's other text alone.
The very first run of each, which reads the disk, is left out. A row gives the median and the
quartiles; a ratio is the median over bare's median, and the quartiles of the ratios run by run.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from quizdl.bank import Bank, find_bank, load
from quizdl.memory import open_store
from quizdl.model import Rating
from quizdl.session import Plan, open_library
from quizdl.settings import Paths, Settings
from quizdl.words import say

BARE = """\
import sys

from textual.app import App
from textual.screen import Screen
from textual.widgets import Footer, Static

PAGES = {pages!r}


class Second(Screen):
    def compose(self):
        yield Static(PAGES[-1], markup=False)
        yield Footer()


class Bare(App):
    BINDINGS = [
        ("space", "turn", "翻页"), ("3", "store", "存"), ("enter", "open", "打开"),
        ("q", "quit", "退出"),
    ]
    page = 0

    def compose(self):
        yield Static(PAGES[0], markup=False)
        yield Footer()

    def on_mount(self):
        self.set_timer(0.2, self.connect)  # behind the first paint

    def connect(self):
        sys.path.insert(0, {benchmarks!r})
        from rating import Bare as Statements

        self.statements = Statements({database!r})
        self.statements.write("warm")

    def action_turn(self):
        self.page += 1
        self.query_one(Static).update(PAGES[self.page])

    def action_store(self):
        self.statements.write("answer")
        self.action_turn()

    def action_open(self):
        self.push_screen(Second())


Bare().run()
"""
TURNS = 2  # pages that bare turns in one run
SAME = {"key: question": "key: screen", "key: answer": "key", "key: next": "key: stored"}
PAUSE = 0.5  # seconds: what is prepared behind a picture is prepared by then
PATIENCE = 120
RECALL = say("tui.review.recall", key=say("tui.key.space"))
ESCAPE = re.compile(r"\x1b(?:\[[0-9;:?<=>$]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])")

Times = dict[str, list[float]]


class Terminal:
    """A program in a terminal of its own; `since` is when it, or its last key, was sent."""

    def __init__(
        self, command: Sequence[str], home: Path, rows: int = 24, columns: int = 80
    ) -> None:
        self._fd, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environ = {key: value for key, value in os.environ.items() if "QUIZDL" not in key}
        environ |= {"QUIZDL_HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self.since, self._seen = time.perf_counter(), b""
        self._process = subprocess.Popen(
            command, stdin=child, stdout=child, stderr=child, env=environ, start_new_session=True
        )
        os.close(child)

    def press(self, key: str, pause: float = PAUSE) -> None:
        self._drain(pause)
        self.since, self._seen = time.perf_counter(), b""
        os.write(self._fd, key.encode())

    def wait(self, *texts: str) -> float:
        """Milliseconds from `since` until all `texts` have come."""
        end = time.monotonic() + PATIENCE
        while not all(text in ESCAPE.sub("", self._seen.decode(errors="ignore")) for text in texts):
            if not self._read(end - time.monotonic()):
                raise SystemExit(f"{texts} did not come: {self._seen[-4000:]!r}")
        return (time.perf_counter() - self.since) * 1e3

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    def _drain(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            pass

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], max(0.0, seconds))
        if ready:
            try:
                self._seen += os.read(self._fd, 1 << 16)
            except OSError:  # Linux: the program has ended
                return False
        return bool(ready)


@contextmanager
def running(command: Sequence[str], home: Path) -> Iterator[Terminal]:
    terminal = Terminal(command, home)
    try:
        yield terminal
    finally:
        terminal.close()


def prepare(home: Path, bank: Bank, ratings: int) -> list[str]:
    """A database with `ratings` from yesterday; none leaves the home empty. Gives how the
    titles of the two questions that come next begin."""
    with tempfile.TemporaryDirectory() as elsewhere:
        folder = home if ratings else Path(elsewhere)
        library = open_library(Paths(folder, folder).database, bank.questions, Settings())
        now = datetime.now().astimezone()
        session = library.session(Plan(limit=ratings), now - timedelta(days=1))
        for _ in range(ratings):
            session.rate(Rating.EASY, now - timedelta(days=1))
        session, titles = library.session(Plan(), now), []
        for _ in range(2):
            assert session.current is not None
            titles.append(re.split(r"[$`*]", session.current.title)[0][:14])
            session.skip(now)
        library.close()
        return titles


def quizdl(bank: Bank, home: Path, ratings: int) -> Iterator[tuple[str, float]]:
    home.mkdir()
    titles = prepare(home, bank, ratings)
    with running([sys.executable, "-m", "quizdl"], home) as terminal:
        yield "first paint", terminal.wait(say("tui.today.title"), say("tui.key.quit"))
        yield "ready", terminal.wait(bank.topics[0].title)
        terminal.press("\r")
        yield "key: question", terminal.wait(titles[0], RECALL)
        terminal.press(" ")
        yield "key: answer", terminal.wait("一句话", say("rating.easy.meaning"))
        terminal.press("r")
        yield "r: first number", terminal.wait(say("measure.bound"))
        terminal.press("\x1b")
        terminal.press("3")
        yield "key: next", terminal.wait(titles[1], RECALL)


def bare(script: Path, pages: Sequence[str], home: Path) -> Iterator[tuple[str, float]]:
    with running([sys.executable, str(script)], home) as terminal:
        yield "first paint", terminal.wait(pages[0].splitlines()[0], "退出")
        presses = [(" ", "key")] * TURNS + [("3", "key: stored"), ("\r", "key: screen")]
        for page, (key, what) in zip(pages[1:], presses, strict=True):
            terminal.press(key)
            yield what, terminal.wait(page.splitlines()[0], page.splitlines()[-1])


def filled(bank: Bank) -> list[str]:
    """Pages of text as full as an answer in 80 x 24: 20 lines of up to 76 cells."""
    text = "".join(re.findall(r"[\u4e00-\u9fff]", "".join(q.back for q in bank.questions)))
    lines = [text[start : start + 36] for start in range(0, len(text), 36)]
    return [
        "\n".join(f"{page}.{row:<2}{line}" for row, line in enumerate(lines[page * 20 :][:20]))
        for page in range(TURNS + 3)
    ]


def main(runs: int = 12) -> None:
    root = find_bank(None)
    bank = load(root).require_questions()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        pages = filled(bank)
        script = place / "bare.py"
        open_store(place / "bare.sqlite3").close()
        names = {"benchmarks": str(Path(__file__).parent), "database": str(place / "bare.sqlite3")}
        script.write_text(BARE.format(pages=pages, **names), "utf-8")

        found: dict[str, Times] = {name: defaultdict(list) for name in ("bare", "quizdl", "first")}
        for run in range(runs + 1):
            programs = {
                "bare": bare(script, pages, place),
                "quizdl": quizdl(bank, place / f"home-{run}", ratings=2),
                "first": quizdl(bank, place / f"first-{run}", ratings=0),
            }
            for name, program in programs.items():
                for what, milliseconds in program:
                    if run:
                        found[name][what].append(milliseconds)
    report(found, runs)


def report(found: dict[str, Times], runs: int) -> None:
    print(f"{runs} runs of each, in turn; ms: median (quartiles); ratio to bare's (quartiles)")
    base = found["bare"]
    # one figure a run, so that each run is compared with itself
    base["key"] = [statistics.median(base["key"][run * TURNS :][:TURNS]) for run in range(runs)]
    for name, times in found.items():
        for what, values in times.items():
            row = f"{name:<7}{what:<14}{spread(values, '7.1f')}"
            if name != "bare" and what.startswith(("first", "key")):
                same = SAME.get(what, what)
                row += f"   x {ratio(values, base[same])} bare's {same}"
                if same not in ("key", "first paint"):
                    row += f"; x {ratio(values, base['key'])} key"
            print(row)


def ratio(values: Sequence[float], base: Sequence[float]) -> str:
    low, _, high = statistics.quantiles(
        [mine / theirs for mine, theirs in zip(values, base, strict=True)], n=4
    )
    middle = statistics.median(values) / statistics.median(base)
    return f"{middle:4.2f} ({low:4.2f} … {high:4.2f})"


def spread(values: Sequence[float], form: str) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:{form}} ({low:{form}} … {high:{form}})"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
