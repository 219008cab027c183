"""The interface in English, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CHINESE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


def test_a_session_in_english(bank: Path, tmp_path: Path, surroundings: dict[str, str]) -> None:
    here = Path(__file__).parent
    ran = subprocess.run(
        [sys.executable, str(here / "in_english.py"), str(bank), str(tmp_path / "data")],
        env=surroundings | {"PYTHONPATH": f"{here.parent}:{here.parents[1]}"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    today, keys, question, answer, proof, undoable, summary, _ = ran.stdout.split("\f")
    assert "Monday, March 2" in today
    assert "2 questions, about" in today
    keys_of_today = " ".join(today.splitlines()[-1].split())
    assert keys_of_today == "Enter Start a Ahead m Interview t Stats ? Help"
    assert "Command palette" in keys
    assert "0 learning  0 due  2 new" in question
    assert "then Space shows the answer" in question
    assert re.search(r"1 Again +2 Hard +3 Good +4 Easy", answer)
    assert re.search(r"1 min +\S+ min +10 min +\d+ days", answer)
    assert "expect" in proof
    assert "proved" in proof
    assert "1 learning  0 due  1 new" in undoable
    assert "1 rating in" in summary
    assert "1 new question learned" in summary
    for screen in (keys, summary, *(s.splitlines()[-1] for s in (question, answer, proof))):
        assert not CHINESE.search(screen)
