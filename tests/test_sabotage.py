"""Proofs that prove nothing: `quizdl check` refuses each, for the right reason, at its line.

A demo in tests/sabotage/ says its way in the first comment, and marks each line to be blamed
with `# <- key …`: the texts (quizdl/words) that `check` must say there. Against one in
tests/sound/ it says nothing at all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest
from banks import QUESTION, trust_bank, write_question

from quizdl.bank.declaration import read_claims
from quizdl.words.zh import TEXT

Found: TypeAlias = dict[str, list[dict[str, object]]]

DEMOS = sorted(Path(__file__).parent.joinpath("sabotage").glob("*.py"))
SOUND = sorted(Path(__file__).parent.joinpath("sound").glob("*.py"))
POINTS = "- [翻倍就是乘二](demo.py#doubles)。\n- [平方不是翻倍](demo.py#squares)。\n"
POINTS += "- [三倍不是翻倍](demo.py#triples)。\n"


def marks(source: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.splitlines(), 1):
        for key in line.partition("  # <- ")[2].split():
            yield number, key


MARKS = [(path.stem, line, key) for path in DEMOS for line, key in marks(path.read_text("utf-8"))]


@cache
def saying(key: str) -> re.Pattern[str]:
    """The text of `key`, filled in somehow."""
    assert key in TEXT, key
    return re.compile(".*".join(map(re.escape, re.split(r"\{\w+\}", TEXT[key]))), re.DOTALL)


def check_demos(root: Path, demos: Sequence[Path]) -> Found:
    """The demos as questions of one bank, and what a check says of each."""
    for path in demos:
        demo = path.read_text("utf-8")
        claims, problems = read_claims(demo, path)
        assert not problems
        points = "".join(f"- [{claim.id}](demo.py#{claim.id})。\n" for claim in claims)
        question = QUESTION.replace(POINTS, points).replace("#doubles", f"#{claims[0].id}")
        write_question(root, path.stem.replace("_", "-"), question=question, demo=demo)
    home = root.parent / f"{root.name}-home"
    trust_bank(root, home)
    ran = subprocess.run(
        [sys.executable, "-m", "quizdl", "check", "--json", "--bank", root],
        env=os.environ | {"QUIZDL_HOME": str(home)},
        capture_output=True,
        encoding="utf-8",
        timeout=180,
        check=False,
    )
    assert ran.returncode == (demos is not SOUND), ran.stderr
    said: Found = {path.stem: [] for path in demos}
    for problem in json.loads(ran.stdout)["problems"]:
        path = Path(str(problem["path"]))
        if path.name == "demo.py":
            said[path.parent.name.replace("-", "_")].append(problem)
    return said


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return check_demos(tmp_path_factory.mktemp("sabotage"), DEMOS)


@pytest.mark.parametrize(("name", "line", "key"), MARKS, ids=str)
def test_each_way_is_refused_at_its_line(found: Found, name: str, line: int, key: str) -> None:
    there = [problem for problem in found[name] if problem["line"] == line]
    right = [problem for problem in there if saying(key).search(str(problem["message"]))]
    assert right, there
    assert all(problem["fix"] for problem in right)


def test_nothing_is_said_against_sound_demos(tmp_path: Path) -> None:
    assert check_demos(tmp_path / "bank", SOUND) == {path.stem: [] for path in SOUND}
