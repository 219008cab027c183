"""`quizdl check`: every rule, with file, line and a way out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from banks import DEMO, QUESTION, trust_bank, write_question
from terminals import Quizdl, on_terminal


def check(quizdl: Quizdl, *arguments: str) -> tuple[int, dict[str, object]]:
    ran = quizdl("check", "--json", *arguments)
    return ran.returncode, json.loads(ran.stdout)


def where(problem: dict[str, object]) -> tuple[str, str, object]:
    path = Path(str(problem["path"]))
    return path.parent.name, path.name, problem["line"]


def test_a_sound_bank(quizdl: Quizdl, bank: Path) -> None:
    code, found = check(quizdl, "--bank", str(bank))
    verdicts = {"成立": 0, "有条件成立": 0, "不准确": 0, "错误": 2}
    counts = {"questions": 2, "claims": 6, "proved": 6, "statements": verdicts}
    assert found == counts | {"problems": []}
    assert code == 0


BROKEN = {
    # slug: a part of QUESTION, what stands there instead, the line to blame, in its message
    "no-sentence": ("## 一句话\n会的。", "## 一句话", 8, "一句话"),
    "tabbed-heading": ("## 一句话\n会的。", "##\t一句话", 8, "一句话"),
    "two-points": ("- [三倍不是翻倍](demo.py#triples)。\n", "", 11, "2 条"),
    "eight-points": ("- [三倍不是", "- 又一条。\n" * 5 + "- [三倍不是", 11, "8 条"),
    "few-must": (
        "。\n- [平方不是翻倍](demo.py#squares)。\n- [三倍",
        "。\n- （加分）[平方不是](demo.py#squares)。\n- （加分）[三倍",
        11,
        "必须说到",
    ),
    "no-such-verdict": ("**错误**", "**胡说**", 17, "判词"),
    "two-verdicts": ("**错误**", "**错误**、**成立**", 17, "判词"),
    "no-follow-ups": ("## 追问", "## 后续", 8, "追问"),
    "follow-up-no-item": ("- **负数呢？** [一样](demo.py#doubles)。", "负数也一样。", 19, "追问"),
    "follow-up-unproved": ("[一样](demo.py#doubles)", "一样", 20, "追问"),
    "follow-up-of-itself": ("[一样](demo.py#doubles)", "[一样](question.md)", 20, "追问"),
    "dead-link": ("。\n\n## 追问", "，见[那题](../gone/question.md)。\n\n## 追问", 17, "gone"),
    "unfinished": ("会的。", "TODO", 9, "TODO"),
    "bad-formula": ("会的。", "是 $\\nosuchmacro{x}$。", 9, "nosuchmacro"),
    "no-refs": ('refs = [{ text = "某文 (2020)" }]', "refs = []", 1, "参考文献"),
}


def test_a_rule_broken_is_a_problem_with_its_line(quizdl: Quizdl, tmp_path: Path) -> None:
    root = tmp_path / "bank"
    for slug, (old, new, _, _) in BROKEN.items():
        assert QUESTION.count(old) == 1
        text = QUESTION.replace(old, new)
        if "triples" not in text:
            text = text.replace("只在 0", "[三倍也不是](demo.py#triples)，只在 0")
        write_question(root, slug, question=text)
    code, found = check(quizdl, "--bank", str(root))
    assert code == 1
    assert found["proved"] == 3 * len(BROKEN), "what is wrong is the text"
    expected = sorted((slug, "question.md", line) for slug, (_, _, line, _) in BROKEN.items())
    assert sorted(map(where, found["problems"])) == expected
    for problem in found["problems"]:
        assert set(problem) == {"path", "line", "message", "fix"}
        assert BROKEN[where(problem)[0]][3] in problem["message"]
        assert problem["fix"]


def test_a_false_claim_is_a_problem_at_its_function(quizdl: Quizdl, tmp_path: Path) -> None:
    wrong = DEMO.replace('"double": x + x', '"double": x + 2')
    write_question(tmp_path / "bank", "doubling", demo=wrong)
    code, found = check(quizdl, "--bank", str(tmp_path / "bank"))
    assert code == 1
    assert found["proved"] == 0, "the others' control is the doubling that is now wrong"
    names = ("doubles", "squares", "triples")
    lines = [wrong[: wrong.index(f"def {name}")].count("\n") + 1 for name in names]
    assert [where(problem) for problem in found["problems"]] == [
        ("doubling", "demo.py", line) for line in lines
    ]
    assert "误差" in found["problems"][0]["message"]


def test_everything_is_reported_not_the_first(quizdl: Quizdl, tmp_path: Path) -> None:
    root = tmp_path / "bank"
    write_question(root, "doubling", question=QUESTION.replace("level = 1", "level = 7\ntag = 1"))
    write_question(root, "halving", demo=None)
    false = DEMO.replace('"square": x**2', '"square": x + x')
    write_question(root, "tripling", question=QUESTION.replace("**错误**", "错误"), demo=false)
    (root / "arithmetic/topic.toml").write_text('title = "算术"\norder = 1\norder = 2\n', "utf-8")
    code, found = check(quizdl, "--bank", str(root))
    assert code == 1
    assert {where(problem) for problem in found["problems"]} == {
        ("arithmetic", "topic.toml", 3),
        ("doubling", "question.md", 2),
        ("doubling", "question.md", 3),
        ("halving", "demo.py", 0),
        ("tripling", "question.md", 17),
        ("tripling", "demo.py", 14),  # its control, the square, is now a double
        ("tripling", "demo.py", 20),  # not proved, and no number of it moves
    }
    ran = quizdl("check", "--bank", str(root))
    lines = ran.stderr.splitlines()
    assert len(lines) == len(found["problems"]) == 8, "for people: one line each"
    assert any(line.startswith(f"{root}/arithmetic/doubling/question.md:2：") for line in lines)
    assert "8 个问题" in ran.stdout


def test_the_files_of_a_question(quizdl: Quizdl, tmp_path: Path) -> None:
    folder = write_question(tmp_path / "bank", "doubling", demo=DEMO.replace("翻倍。", "待写。", 1))
    (folder / "demo.py.orig").write_text("", "utf-8")
    (folder / "figures").mkdir()
    (folder / "__pycache__").mkdir()
    (folder / ".DS_Store").write_text("", "utf-8")
    code, found = check(quizdl, "--bank", str(tmp_path / "bank"))
    assert [where(problem) for problem in found["problems"]] == [
        ("doubling", "demo.py", 1),
        ("doubling", "demo.py.orig", 0),
        ("doubling", "figures", 0),
    ]
    assert code == 1


@pytest.mark.parametrize(
    ("path", "questions"),
    [
        (".", 3),
        ("arithmetic", 2),
        ("arithmetic/topic.toml", 2),
        ("arithmetic/doubling", 1),
        ("arithmetic/doubling/question.md", 1),
        ("arithmetic/doubling/demo.py", 1),
        ("arithmetic/doubling/../halving", 1),
    ],
)
def test_part_of_a_bank(quizdl: Quizdl, bank: Path, path: str, questions: int) -> None:
    write_question(bank, "adding", topic="more")
    write_question(bank, "wrong", topic="more", question="?")
    wrong = 1 if path == "." else 0
    code, found = check(quizdl, f"{bank}/{path}")
    assert (found["questions"], found["proved"]) == (questions, 3 * questions)
    assert (len(found["problems"]), code) == (wrong, wrong)


@pytest.mark.parametrize("path", ["nowhere", "arithmetic/nowhere", "../outside"])
def test_nothing_to_check_is_never_no_problems(quizdl: Quizdl, bank: Path, path: str) -> None:
    (bank.parent / "outside").mkdir()
    code, found = check(quizdl, f"{bank}/{path}")
    assert code == 1
    assert len(found["problems"]) == 1


def test_a_folder_without_question_md(quizdl: Quizdl, bank: Path) -> None:
    (bank / "arithmetic/empty").mkdir()
    code, found = check(quizdl, str(bank / "arithmetic/empty"))
    assert [where(problem) for problem in found["problems"]] == [("empty", "question.md", 0)]
    assert (found["questions"], code) == (0, 1)


def test_the_figure_on_a_plain_stream(quizdl: Quizdl, bank: Path) -> None:
    ran = quizdl("check", "--bank", str(bank), "--seeds", "2", "--jobs", "2")
    assert "2 道题，6 个命题，6 个已证（2 个种子" in ran.stdout
    assert "没有问题" in ran.stdout
    assert ran.stderr == "", "no progress bar where nobody watches"


def test_a_progress_bar_on_a_terminal(surroundings: dict[str, str], bank: Path) -> None:
    trust_bank(bank, Path(surroundings["QUIZDL_HOME"]))
    shown = on_terminal("check", "--bank", str(bank), env=surroundings)
    steps = [int(step) for step in re.findall(r"(\d+)/12", shown.text)]  # proof and audit
    assert steps[-1] == 12
    assert steps == sorted(steps)
    assert "没有问题" in shown.text
    assert shown.code == 0
    assert all(len(line) <= 80 for line in re.split(r"[\r\n]", shown.text) if "/12" in line)
    hidden = on_terminal("check", "--json", "--bank", str(bank), env=surroundings)
    assert json.loads(hidden.text)["proved"] == 6


@pytest.mark.slow
def test_proofs_run_in_parallel(quizdl: Quizdl, tmp_path: Path) -> None:
    """Three claims, each with two arms of a tenth of a second: five seeds, then seven. The two
    ways are compared with each other: whatever else the machine does slows both."""
    slow = DEMO.replace("    x = 3", "    import time\n\n    time.sleep(0.1)\n    x = 3")
    write_question(tmp_path / "bank", "doubling", demo=slow)

    def seconds(jobs: int) -> float:
        ran = quizdl("check", "--bank", str(tmp_path / "bank"), "--jobs", str(jobs))
        assert ran.stderr.count("\n") == 1, "the clock is all that is wrong"
        return float(re.search(r"([\d.]+) 秒", ran.stdout)[1])

    assert seconds(3) < 0.8 * seconds(1)


@pytest.mark.slow
def test_a_demo_that_never_ends(quizdl: Quizdl, tmp_path: Path) -> None:
    """It sleeps, so that the twenty seconds of the real limit cost no CPU."""
    endless = DEMO.replace(
        "    off, x = error(how, seed)", "    import time\n\n    while True:\n        time.sleep(1)"
    )
    folder = write_question(tmp_path / "bank", "doubling", demo=endless)
    write_question(tmp_path / "bank", "halving")
    code, found = check(quizdl, "--bank", str(tmp_path / "bank"))
    assert (code, found["proved"]) == (1, 3)
    (problem,) = (each for each in found["problems"] if "超时" in each["message"])
    assert problem["path"] == str(folder / "demo.py")
    assert "超时" in problem["message"]
    assert "20 秒" in problem["message"]
