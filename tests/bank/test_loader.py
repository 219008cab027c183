"""Reading a bank: what comes out, and what is said about what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from banks import DEMO, QUESTION, write_question

from quizdl.bank import load
from quizdl.model import Problem
from quizdl.words import QuizdlError


def problems_of(root: Path) -> tuple[Problem, ...]:
    return load(root).problems


def only_problem(root: Path) -> Problem:
    (problem,) = problems_of(root)
    return problem


def test_a_question_is_read_whole(bank: Path) -> None:
    loaded = load(bank)
    assert loaded.problems == ()
    assert [question.id for question in loaded.questions] == ["doubling", "halving"]
    question = loaded.questions[0]
    assert question.title == "doubling 吗？"
    assert (question.level, question.tags) == (1, ("测试",))
    assert question.front == ""
    assert question.back.startswith("## 一句话")
    assert [(claim.id, claim.text) for claim in question.claims] == [
        ("doubles", "翻倍就是乘二"),
        ("squares", "平方不是翻倍"),
        ("triples", "三倍不是翻倍"),
    ]
    assert question.claims[0].controls == ({"how": "square"},)


def test_claim_text_over_two_lines_is_joined_without_a_space(tmp_path: Path) -> None:
    write_question(
        tmp_path, "doubling", question=QUESTION.replace("翻倍就是乘二", "翻倍\n  就是乘二")
    )
    assert load(tmp_path).questions[0].claims[0].text == "翻倍就是乘二"


def test_topics_order_the_syllabus(tmp_path: Path) -> None:
    write_question(tmp_path, "late", topic="z-first")
    write_question(tmp_path, "early", topic="z-first")
    write_question(tmp_path, "other", topic="a-second")
    (tmp_path / "z-first/topic.toml").write_text(
        'title = "先"\norder = 1\nquestions = ["late"]\n', "utf-8"
    )
    (tmp_path / "a-second/topic.toml").write_text('title = "后"\norder = 2\n', "utf-8")
    assert [question.id for question in load(tmp_path).questions] == ["late", "early", "other"]


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ('tags = ["测试"]', 'tags = ["测试"', 4, "TOML"),
        ("level = 1", "level = 4", 2, "level"),
        ("level = 1", "level = true", 2, "level"),
        ('tags = ["测试"]', 'tags = "测试"', 3, "tags"),
        ('tags = ["测试"]', 'tag = ["测试"]', 3, "tag"),
        ('tags = ["测试"]', 'tags = ["a"]\ntags = ["b"]', 4, "TOML"),
        ('refs = [{ text = "某文 (2020)" }]', 'refs = ["某文"]', 4, "refs"),
        ("+++\nlevel", "level", 1, "+++"),
        ("+++\n# {title}", "# {title}", 19, "+++"),
        ("# {title}", "{title}", 6, "标题"),
        ("demo.py#squares", "demo.py#square", 13, "square"),
    ],
)
def test_a_fault_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, part: str
) -> None:
    assert old in QUESTION
    folder = write_question(tmp_path, "doubling", question=QUESTION.replace(old, new, 1))
    write_question(tmp_path, "halving")
    loaded = load(tmp_path)
    found = loaded.problems[0]
    assert found.path == folder / "question.md"
    assert part in found.message
    assert found.line == line
    assert found.fix
    assert [question.id for question in loaded.questions] == ["halving"], "the others still load"


def test_a_heading_inside_a_code_block_is_not_a_section(tmp_path: Path) -> None:
    front = "# {title}\n\n```\n## 不是答案\n[不是](demo.py#nothing)\n```"
    write_question(tmp_path, "doubling", question=QUESTION.replace("# {title}", front))
    question = load(tmp_path).questions[0]
    assert "不是答案" in question.front
    assert len(question.claims) == 3


def test_missing_parts(tmp_path: Path) -> None:
    write_question(tmp_path, "no-demo", demo=None)
    (tmp_path / "arithmetic/empty").mkdir()
    assert {problem.path.name for problem in problems_of(tmp_path)} == {"demo.py", "question.md"}


def test_unlinked_claim_and_syntax_error_point_into_the_demo(tmp_path: Path) -> None:
    write_question(tmp_path, "unlinked", question=QUESTION.replace("demo.py#triples", "https://x"))
    write_question(tmp_path, "broken", demo=DEMO.replace("def squares(", "def squares(("))
    by_folder = {problem.path.parent.name: problem for problem in problems_of(tmp_path)}
    assert (by_folder["unlinked"].path.name, by_folder["unlinked"].line) == ("demo.py", 25)
    assert by_folder["broken"].path.name == "demo.py"
    assert by_folder["broken"].line == 20


def test_an_id_belongs_to_one_question_in_the_whole_bank(tmp_path: Path) -> None:
    write_question(tmp_path, "doubling", topic="one")
    write_question(tmp_path, "doubling", topic="two")
    loaded = load(tmp_path)
    assert len(loaded.questions) == 1
    assert str(loaded.questions[0].folder) in loaded.problems[0].message


def test_a_former_id_is_found_and_is_no_one_elses(tmp_path: Path) -> None:
    renamed = QUESTION.replace("level = 1", 'level = 1\nformerly = ["doubles"]')
    write_question(tmp_path, "doubling", question=renamed)
    assert load(tmp_path).get("doubles").id == "doubling"
    write_question(tmp_path, "halving", question=renamed)
    assert "doubles" in only_problem(tmp_path).message


@pytest.mark.parametrize("slug", ["Upper", "q1", "under_score", "softmax-2", "中文"])
def test_slugs_that_do_not_last_are_refused(tmp_path: Path, slug: str) -> None:
    write_question(tmp_path, slug)
    assert slug in only_problem(tmp_path).message


def test_an_unknown_id_is_answered_with_near_ones(bank: Path) -> None:
    with pytest.raises(QuizdlError, match="doubling"):
        load(bank).get("dubling")


def test_a_broken_question_is_named_with_its_fault(tmp_path: Path) -> None:
    write_question(tmp_path, "doubling", question=QUESTION.replace("level = 1", "level = 9"))
    write_question(tmp_path, "halving")
    with pytest.raises(QuizdlError, match=r"question\.md:2"):
        load(tmp_path).get("doubling")


def test_a_file_that_is_not_utf8(bank: Path) -> None:
    (bank / "arithmetic/halving/question.md").write_bytes("汉字".encode("gbk"))
    assert "UTF-8" in only_problem(bank).fix


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufeff" + QUESTION.replace("\n", "\r\n")
    folder = write_question(tmp_path, "doubling")
    (folder / "question.md").write_bytes(text.encode("utf-8"))
    assert problems_of(tmp_path) == ()


def test_no_bank(tmp_path: Path) -> None:
    with pytest.raises(QuizdlError, match="nowhere"):
        load(tmp_path / "nowhere")
