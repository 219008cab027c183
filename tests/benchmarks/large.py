"""10,000 questions, 1,000,000 reviews: `python tests/benchmarks/large.py [--keep DIR]`.

A learner of years (generated.py), measured against the bank that comes with quizdl and against
the official `anki` package on an equal collection, in turns within one run. Medians:

- first paint, ready: `quizdl` in a pseudo-terminal, from exec to the first picture, and to
  today's figures, which need every question read; against the shipped bank. Then `/`, from the
  key to the list of all questions. The bank is cached; --cold shows one start without.
- open: from a closed store to the first card: ours is database, library, session; theirs
  `Collection` and `get_queued_cards`. Each time a new process, in which only imports are done.
- queue: the day's queue built anew, after a change: ours marks a question that is not due,
  theirs chooses another deck and comes back (no time counts for either).
- rating: scheduled and stored, and the next card chosen; both compute the four next states.
- search: a word of two Chinese characters, and a page of 40 rows of the list. Theirs has no code
  and no proofs to look through, as ours does not look there.
- statistics: of a year, all that either shows; the same reviews, seconds, recalls (compared).
  The first time apart: ours then keeps what it counted, and adds the answers that come after,
  one of which is given before each later time.
- typing: a key in the query to the end of the paint of what it found (searching.py).

Both sides live in child processes of their own, on copies, in UTC. What is compared with Anki
is CPU time: commits wait for the disk, and other programs for nobody; the wall clock follows.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from generated import Made, make
from screen import Terminal

from quizdl.bank import cache, find_bank, load
from quizdl.words import say

WORDS = ("梯度", "方差", "动量", "归一", "初始", "损失", "学习", "激活")
ROWS = 40
FRAME = 1000 / 60


# --- the two sides, each in a process of its own --------------------------------------------


class Timing(NamedTuple):
    """Milliseconds."""

    wall: float
    cpu: float


class Stopwatch:
    last: Timing

    @contextmanager
    def measured(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        cpu = (time.process_time() - cpu) * 1e3
        self.last = Timing((time.perf_counter() - wall) * 1e3, cpu)


class Ours:
    def __init__(self, made: Made, watch: Stopwatch) -> None:
        from quizdl.proof.receipts import Receipts
        from quizdl.search import Index
        from quizdl.session import Plan, open_library
        from quizdl.settings import Settings
        from quizdl.tui.screens.browse import BrowseScreen

        bank = cache.load(made.bank, made.paths.bank_cache, time.time())
        self._watch, self._topics, self._plan = watch, bank.topics, Plan()
        self._day = datetime.now().astimezone()
        import quizdl.memory.store  # noqa: F401 - as theirs, which is loaded, too

        gc.freeze()  # as the app does with a bank

        with watch.measured():
            self._library = open_library(made.paths.database, bank.questions, Settings())
            self._session = self._library.session(self._plan, self._day)
            assert self._session.current is not None
        titles = {topic.id: topic.title for topic in bank.topics}
        self._index = Index(bank.questions, titles)
        self._screen = BrowseScreen(
            self._library, titles, Receipts(made.home / "receipts"), self._now, None
        )
        self._flag = True
        self._asleep = bank.questions[-1].id

    def _now(self) -> datetime:
        return self._day

    def prepare(self) -> None:
        self._index.prepare()
        self._library.warm(self._day)
        gc.freeze()  # as the app does, when it has all of this

    def queue(self) -> None:
        self._library.mark([self._asleep], flagged=self._flag)
        self._flag = not self._flag
        with self._watch.measured():
            self._session = self._library.session(self._plan, self._day)
            assert self._session.current is not None

    def rating(self) -> None:
        from quizdl.model import Rating

        with self._watch.measured():
            self._session.reveal(self._day)
            self._session.rate(Rating.GOOD, self._day)

    def search(self, word: str) -> int:
        from quizdl.search import parse

        with self._watch.measured():
            found = self._index.find(parse(word))
            for question in found[:ROWS]:
                self._screen._line(question, 120)
        return len(found)

    def stats(self) -> list[int]:
        self.rating()  # what was counted before no longer holds
        with self._watch.measured():
            found = self._library.stats(self._topics, 365, self._day)
        reviews = sum(each.reviews for each in found.days)
        seconds = sum(each.seconds for each in found.days)
        return [reviews, round(seconds), found.asked, found.passed]


class Theirs:
    def __init__(self, made: Made, watch: Stopwatch) -> None:
        from anki.collection import Collection

        self._watch = watch
        with watch.measured():
            self._collection = Collection(str(made.anki))
            self._next = self._collection.sched.get_queued_cards()
            assert self._next.cards
        deck = self._collection.decks.get_current_id()
        names = self._collection.decks.all_names_and_ids()
        self._decks = next(each.id for each in names if each.id != deck), deck

    def prepare(self) -> None:
        self._collection.load_browser_card_columns()

    def queue(self) -> None:
        for deck in self._decks:
            self._collection._backend.set_current_deck(deck)
        with self._watch.measured():
            self._next = self._collection.sched.get_queued_cards()
            assert self._next.cards

    def rating(self) -> None:
        from anki.cards import Card
        from anki.scheduler_pb2 import CardAnswer

        queued = self._next.cards[0]
        card = Card(self._collection)
        card._load_from_backend_card(queued.card)
        card.start_timer()
        scheduler = self._collection.sched
        with self._watch.measured():
            answer = scheduler.build_answer(card=card, states=queued.states, rating=CardAnswer.GOOD)
            scheduler.answer_card(answer)
            self._next = scheduler.get_queued_cards()

    def search(self, word: str) -> int:
        with self._watch.measured():
            found = self._collection.find_cards(word)
            for card in found[:ROWS]:
                cells, *_ = self._collection.browser_row_for_id(card)
                list(cells)
        return len(found)

    def stats(self) -> list[int]:
        self.rating()
        with self._watch.measured():
            found = self._collection._backend.graphs(search="", days=365)

        def total(by_day: Any) -> int:
            kinds = "learn", "relearn", "young", "mature", "filtered"
            last = (each for day, each in by_day.items() if day > -365)
            return sum(getattr(each, kind) for each in last for kind in kinds)

        recalls = found.true_retention.year
        passed = recalls.young_passed + recalls.mature_passed
        failed = recalls.young_failed + recalls.mature_failed
        reviews = found.reviews
        seconds = round(total(reviews.time) / 1000)
        return [total(reviews.count), seconds, passed + failed, passed]


def work(side: str, made: Made) -> None:
    """Carry out what is asked on stdin, a JSON list a line: a method and its arguments."""
    watch = Stopwatch()
    worker = {"ours": Ours, "theirs": Theirs}[side](made, watch)
    result = None
    while True:
        print(json.dumps([result, watch.last]), flush=True)
        if not (line := sys.stdin.readline()):
            return
        name, *arguments = json.loads(line)
        result = getattr(worker, name)(*arguments)


class Side:
    """A worker, seen from here."""

    def __init__(self, name: str, made: Made) -> None:
        command = [
            sys.executable,
            __file__,
            "--side",
            name,
            "--made",
            str(made.folder),
            str(made.bank),
        ]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.opened = self._read()[1]

    def ask(self, name: str, *arguments: object) -> tuple[Any, Timing]:
        """What it gave, and how long it took."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> tuple[Any, Timing]:
        assert self._process.stdout is not None
        result, timing = json.loads(self._process.stdout.readline())
        return result, Timing(*timing)

    def close(self) -> None:
        self._process.communicate()


# --- the table ------------------------------------------------------------------------------


def row(name: str, ours: list[float], theirs: list[float], goal: float | None = None) -> None:
    one, two = statistics.median(ours), statistics.median(theirs)
    verdict = "" if goal is None else f"{goal:6.2f}  {'met' if one / two <= goal else 'MISSED'}"
    print(f"{name:<44}{one:9.2f}{two:9.2f}{one / two:8.3f}{verdict}", flush=True)


def against_anki(made: Made, turns: int) -> None:
    print(f"\n{'ms':<44}{'quizdl':>9}{'Anki':>9}{'ratio':>8}{'goal':>6}")
    opened: dict[str, list[Timing]] = {"ours": [], "theirs": []}
    counted: dict[str, list[Timing]] = {"ours": [], "theirs": []}
    for _ in range(turns):
        for name in opened:
            side = Side(name, made)
            opened[name].append(side.opened)
            counted[name].append(side.ask("stats")[1])
            side.close()
    both("store opened to first card", *opened.values(), 0.4)
    sides = Side("ours", made), Side("theirs", made)
    for side in sides:
        side.ask("prepare")

    def compare(
        name: str, goal: float, turns: int, what: Callable[[int], list[object]]
    ) -> list[tuple[Any, Any]]:
        times: tuple[list[Timing], list[Timing]] = ([], [])
        results = []
        for turn in range(-1, turns):  # the first is left out
            found = [side.ask(*what(turn)) for side in sides]
            if turn >= 0:
                for each, (_, timing) in zip(times, found, strict=True):
                    each.append(timing)
                results.append((found[0][0], found[1][0]))
        both(name, *times, goal)
        return results

    compare("the day's queue", 0.5, 4 * turns, lambda _: ["queue"])
    compare("a rating, and the next card", 1.5, 90, lambda _: ["rating"])
    words = len(WORDS)
    compare(
        "a word of two characters, 40 rows", 0.5, 3 * words, lambda n: ["search", WORDS[n % words]]
    )
    both("statistics of a year, the first time", *counted.values())
    totals = compare("statistics of a year, later", 0.2, turns, lambda _: ["stats"])
    same = all(mine == its for mine, its in totals)
    names = ("reviews", "seconds", "recalls", "passed")
    shown = ", ".join(f"{count:,} {name}" for count, name in zip(totals[0][0], names, strict=True))
    print(f"  totals {'agree' if same else f'DIFFER: {totals[0]}'}: {shown}")
    for side in sides:
        side.close()


def both(name: str, ours: list[Timing], theirs: list[Timing], goal: float | None = None) -> None:
    """CPU time is what is held against the goal; the clock on the wall says what else ran."""
    row(f"{name}, CPU", [each.cpu for each in ours], [each.cpu for each in theirs], goal)
    row("  on the wall", [each.wall for each in ours], [each.wall for each in theirs])


def start(made: Made, turns: int, *, cold: bool) -> None:
    """The real program, with the shipped bank and with the large one."""
    shipped = made.folder / "shipped-home"
    shipped.mkdir()
    programs = {"large": (made.bank, made.home), "shipped": (find_bank(None), shipped)}
    if cold:
        made.paths.bank_cache.unlink()
    topic = load(find_bank(None)).topics[0].title
    found: dict[tuple[str, str], list[float]] = {}
    for turn in range(-1, turns):
        order = sorted(programs, reverse=turn % 2 == 0)
        for name, (bank, home) in ((name, programs[name]) for name in order):
            time.sleep(1)  # what the last one has started is gone by then
            command = [sys.executable, "-m", "quizdl", "--bank", str(bank)]
            terminal = Terminal(command, home)
            try:
                painted = terminal.wait(say("tui.today.title"), say("tui.key.quit"))
                ready = terminal.wait(topic)
                terminal.press("/", pause=3 if turn < 0 else 1.5)
                listed = terminal.wait(say("tui.browse.recall"), "★")
            finally:
                terminal.close()
            if turn < 0:
                if cold:
                    print(f"  nothing cached, {name} bank: today's figures after {ready:.0f} ms")
                continue
            for what, value in (("paint", painted), ("ready", ready), ("list", listed)):
                found.setdefault((name, what), []).append(value)
    print(f"\n{'ms':<44}{'large':>9}{'shipped':>9}{'ratio':>8}{'goal':>8}")
    row("start to first paint", found["large", "paint"], found["shipped", "paint"], 1.1)
    row("start to today's figures", found["large", "ready"], found["shipped", "ready"])
    row("/ to the list of all questions", found["large", "list"], found["shipped", "list"])


def typing(made: Made) -> None:
    from searching import keystrokes, summary

    bank = cache.load(made.bank, made.paths.bank_cache, time.time())
    with tempfile.TemporaryDirectory() as place:
        times = asyncio.run(keystrokes([*bank.questions], bank, Path(place)))
    print(f"\n{'ms':<44}{'median':>9}{'longest':>9}{'goal':>14}")
    for name, middle, longest, text in summary(times):
        met = "met" if longest <= 2 * FRAME else "MISSED"
        row = f"{middle:9.2f}{longest:9.2f}{2 * FRAME:8.1f}  {met}"
        print(f"{f'a key while searching, to the paint; {name}':<44}{row} ({text})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="make the collections here, or find them here")
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--cold", action="store_true", help="also start without the cache, once")
    parser.add_argument("--only", choices=["start", "anki", "typing"])
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    parser.add_argument("--made", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        work(given.side, Made(*given.made))
        return
    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory() as folder:
        kept = make(given.keep or Path(folder, "kept"), today(), given.questions)
        made = Made(Path(folder, "made"), kept.bank)
        for each in (kept.home, kept.anki.parent):
            shutil.copytree(each, made.folder / each.name)
        parts: dict[str, Callable[[], None]] = {
            "start": lambda: start(made, given.turns, cold=given.cold),
            "anki": lambda: against_anki(made, given.turns),
            "typing": lambda: typing(made),
        }
        for name, part in parts.items():
            if given.only in (None, name):
                part()


def today() -> date:
    return datetime.now(UTC).date()


if __name__ == "__main__":
    main()
