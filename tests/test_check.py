"""`quizdl check`: every rule, with file, line and a way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from banks import DEMO, QUESTION, write_question
from conftest import Quizdl


def check(quizdl: Quizdl, root: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    ran = quizdl("check", "--json", "--bank", str(root), *arguments)
    return ran.returncode, json.loads(ran.stdout)


def test_a_sound_bank(quizdl: Quizdl, bank: Path) -> None:
    code, found = check(quizdl, bank)
    assert found == {"questions": 2, "claims": 6, "proved": 6, "problems": []}
    assert code == 0


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("## 一句话\n会的。", "## 一句话", 8, "一句话"),
        ("- [三倍不是翻倍](demo.py#triples)。\n", "", 11, "2 条"),
        ("**错误**", "**胡说**", 17, "判词"),
        ("**错误**", "**错误**、**成立**", 17, "判词"),
        ("## 追问", "## 后续", 8, "追问"),
        ("- **负数呢？** 一样。", "负数也一样。", 19, "追问"),
        ("会的。", "TODO", 9, "TODO"),
        ("会的。", "是 $\\nosuchmacro{x}$。", 9, "nosuchmacro"),
        ('refs = [{ text = "某文 (2020)" }]', "refs = []", 1, "参考文献"),
    ],
)
def test_a_rule_broken_is_a_problem_with_its_line(
    quizdl: Quizdl, tmp_path: Path, old: str, new: str, line: int, part: str
) -> None:
    assert old in QUESTION
    text = QUESTION.replace(old, new)
    if "triples" not in text:
        text = text.replace("只在 0", "[三倍也不是](demo.py#triples)，只在 0")
    folder = write_question(tmp_path / "bank", "doubling", question=text)
    code, found = check(quizdl, tmp_path / "bank")
    (problem,) = found["problems"]
    assert part in problem["message"]
    assert (Path(problem["path"]).name, problem["line"]) == ("question.md", line)
    assert Path(problem["path"]).absolute() == folder / "question.md"
    assert problem["fix"]
    assert code == 1


def test_a_false_claim_is_a_problem_at_its_function(quizdl: Quizdl, tmp_path: Path) -> None:
    wrong = DEMO.replace('"double": x + x', '"double": x + 2')
    write_question(tmp_path / "bank", "doubling", demo=wrong)
    code, found = check(quizdl, tmp_path / "bank")
    assert code == 1
    assert found["proved"] == 0, "the others' control is the doubling that is now wrong"
    first = found["problems"][0]
    assert (Path(first["path"]).name, first["line"]) == ("demo.py", 15)
    assert "误差" in first["message"]


def test_everything_is_reported_not_the_first(quizdl: Quizdl, tmp_path: Path) -> None:
    root = tmp_path / "bank"
    write_question(root, "doubling", question=QUESTION.replace("level = 1", "level = 7"))
    write_question(root, "halving", demo=None)
    write_question(root, "tripling", question=QUESTION.replace("**错误**", "错误"))
    code, found = check(quizdl, root)
    assert code == 1
    assert len(found["problems"]) == 3


def test_part_of_a_bank(quizdl: Quizdl, bank: Path) -> None:
    write_question(bank, "wrong", question=QUESTION.replace("level = 1", "level = 7"))
    ran = quizdl("check", str(bank / "arithmetic/halving"), "--json")
    found = json.loads(ran.stdout)
    assert (found["questions"], found["claims"], found["problems"]) == (1, 3, [])


def test_the_figure_on_a_plain_stream(quizdl: Quizdl, bank: Path) -> None:
    ran = quizdl("check", "--bank", str(bank), "--seeds", "2")
    assert "2 道题，6 个命题，6 个已证（2 个种子" in ran.stdout
    assert ran.stderr == "", "no progress bar where nobody watches"
