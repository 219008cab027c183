"""Writing and reading Anki decks: `python tests/benchmarks/decks.py`.

The same synthetic notes are written by us and by genanki, in turns, in one run; the same
package is imported by us and by the anki package. Medians, and their ratios:

    1,000 and 10,000 notes with MathJax     ours / genanki   goal 0.5, 0.5
    1,000 notes with a small figure each    ours / genanki   goal 0.6
    10,000 notes eight times as long        ours / genanki   both wait for the disk
    import of 10,000 notes, reviewed once, twice   ours / anki   goal 1.0

Peak memory of writing 10,000 notes is measured in a child of its own, for both.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from quizdl.exchange.anki.deck import to_log
from quizdl.exchange.anki.notes import Note
from quizdl.exchange.anki.notetype import FIELDS, GUID
from quizdl.exchange.anki.package import Entry, write_package
from quizdl.exchange.anki.reading import read_package
from quizdl.exchange.anki.scheduling import CardColumns, ReviewColumns
from quizdl.memory import open_store

FORMULA = r"\[\frac{\partial L}{\partial w_i} = \sum_j x_{ij} (\sigma(z_j) - y_j)\]"
SENTENCE = "梯度的期望等于零时，参数停在驻点附近，方差由批量决定。"


def fields(number: int, *, long: bool = False) -> tuple[str, ...]:
    """Three kilobytes with twenty formulas; a long one has twenty-five, nearer to our own."""
    draw = random.Random(number)
    sentences = [f"<p>{SENTENCE}{draw.random()} {FORMULA}</p>" for _ in range(16)]
    bodies = ["".join(sentences[2 * k : 2 * k + 2]) * (8 if long else 1) for k in range(8)]
    return (f"<p>第 {number} 题 {FORMULA}</p>", "★", *bodies, "", "q")


def svg(number: int) -> bytes:
    points = " ".join(f"{x},{(x * number) % 97}" for x in range(0, 300, 3))
    return f'<svg xmlns="http://www.w3.org/2000/svg"><polyline points="{points}"/></svg>'.encode()


def entries(
    count: int, *, figures: bool = False, reviews: int = 0, long: bool = False
) -> Iterator[Entry]:
    for number in range(count):
        media = {f"figure-{number}.svg": svg(number)} if figures else {}
        values = fields(number, long=long)
        if figures:
            values = (*values[:5], f'<img src="figure-{number}.svg">', *values[6:])
        note = Note(f"{GUID}q{number}", "quizdl::优化器", ("quizdl", "难度::1"), values, media)
        card = CardColumns(2, 2, 2000, 9, 2500, 3, 0, 0, 0, "") if reviews else None
        log = tuple(
            ReviewColumns(1_600_000_000_000 + number * 1000 + k, 3, 9, 3, 500, 9000, 1)
            for k in range(reviews)
        )
        yield Entry(note, 1_700_000_000, card, log)


def ours(folder: Path, given: Iterable[Entry]) -> None:
    write_package(folder / "ours.apkg", given, 1_700_000_000, 4)


def theirs(folder: Path, given: Iterable[Entry]) -> None:
    """genanki as its README shows it; figures are files on the disk, as it wants them."""
    import genanki

    model = genanki.Model(
        1_600_000_000,
        "synthetic",
        fields=[{"name": key} for key in FIELDS],
        templates=[{"name": "c", "qfmt": "{{question}}", "afmt": "{{FrontSide}}{{short}}"}],
    )
    deck = genanki.Deck(1_600_000_001, "quizdl::优化器")
    files = []
    for entry in given:
        note = entry.note
        deck.add_note(
            genanki.Note(model, list(note.fields), guid=note.guid, tags=["quizdl", "难度::1"])
        )
        for name, data in note.media.items():
            path = folder / name
            path.write_bytes(data)
            files.append(str(path))
    package = genanki.Package(deck)
    package.media_files = files
    package.write_to_file(str(folder / "theirs.apkg"))


def import_by_us(folder: Path) -> None:
    """From the file to a new log on the disk, its cards computed."""
    found = read_package(folder / "read.apkg")
    log = to_log(found, (), lambda at: at.toordinal())
    with tempfile.TemporaryDirectory(dir=folder) as home:
        with open_store(Path(home) / "memory.sqlite3") as store:
            merged = store.merge(log)
        assert merged.reviews == len(found.answers) >= found.notes == 10_000


def import_by_anki(folder: Path) -> None:
    from anki.collection import (
        Collection,
        ImportAnkiPackageOptions,
        ImportAnkiPackageRequest,
    )

    with tempfile.TemporaryDirectory(dir=folder) as home:
        collection = Collection(f"{home}/c.anki2")
        options = ImportAnkiPackageOptions(with_scheduling=True)
        request = ImportAnkiPackageRequest(package_path=str(folder / "read.apkg"), options=options)
        collection.import_anki_package(request)
        collection.close()


def compare(name: str, goal: float, turns: int, *runs: Callable[[], None]) -> None:
    taken: list[list[float]] = [[] for _ in runs]
    for _ in range(turns):
        for times, run in zip(taken, runs, strict=True):
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
    one, two = (statistics.median(times) for times in taken)
    print(f"{name:<46} {one:7.3f} s / {two:7.3f} s = {one / two:.2f}  (goal {goal})", flush=True)


def peak(who: str, count: int) -> float:
    """MiB of a child that only writes."""
    ran = subprocess.run(
        [sys.executable, __file__, "--write", who, "--count", str(count)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(ran.stdout) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--write", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=10_000, help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.write:
            (ours if given.write == "ours" else theirs)(folder, entries(given.count))
            status = Path("/proc/self/status").read_text("ascii")
            print(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line))
            return
        for count, kind, goal in (
            (1000, "notes", 0.5),
            (10_000, "notes", 0.5),
            (1000, "with figures", 0.6),
            (10_000, "long notes", 0.5),
        ):
            made = list(entries(count, figures=kind == "with figures", long=kind == "long notes"))
            compare(
                f"write {count:,} {kind}, ours / genanki",
                goal,
                given.turns,
                lambda made=made: ours(folder, made),  # type: ignore[misc]
                lambda made=made: theirs(folder, made),  # type: ignore[misc]
            )
        for reviews in (1, 2):
            made = entries(10_000, reviews=reviews)
            write_package(folder / "read.apkg", made, 1_700_000_000, 4)
            compare(
                f"import 10,000, {reviews} review(s) each, ours / anki",
                1.0,
                given.turns,
                lambda: import_by_us(folder),
                lambda: import_by_anki(folder),
            )
        memory = {who: [peak(who, count) for count in (100, 10_000)] for who in ("ours", "theirs")}
        for who, (few, many) in memory.items():
            print(f"peak memory, {who}: {few:.0f} MiB for 100 notes, {many:.0f} for 10,000")


if __name__ == "__main__":
    main()
