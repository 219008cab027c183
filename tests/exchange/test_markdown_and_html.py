"""Markdown for code hosts, and the page: on a small bank and on ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from banks import QUESTION, write_question
from terminals import Quizdl

OTHER = QUESTION.replace("[一样](demo.py#doubles)", "见[另一题](../doubling/question.md)").replace(
    "会的。",
    "会的：$a<b$，\n一行。\n\n$$\nx \\, y\n$$\n\n"
    "```python\n# 见 [x](demo.py#doubles)\nif a<b: pass\n```",
)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    root = tmp_path / "bank"
    write_question(root, "doubling")
    write_question(root, "other", topic="algebra", question=OTHER)
    return root


def test_markdown_files_link_to_each_other(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = quizdl("export", "markdown", "--bank", str(bank), "-o", str(out))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(each.name for each in out.iterdir()) == [
        "README.md",
        "algebra.md",
        "arithmetic.md",
    ]
    algebra = (out / "algebra.md").read_text("utf-8")
    assert "见[另一题](arithmetic.md#doubling)" in algebra
    assert '<a id="doubling"></a>' in (out / "arithmetic.md").read_text("utf-8")
    assert "(algebra.md#other)" in (out / "README.md").read_text("utf-8")
    assert "会的：$`a<b`$，一行。" in algebra, "a line of Chinese goes on without a gap"
    assert "```math\nx \\, y\n```" in algebra
    assert "# 见 [x](demo.py#doubles)\nif a<b: pass" in algebra, "and so does code"
    assert "- 翻倍就是乘二。" in algebra, "a claim is words; its proof follows"
    assert "| 误差 | <= 1e-9 | 0 |" in algebra


def test_every_link_of_our_bank_leads_somewhere(quizdl: Quizdl, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert quizdl("export", "markdown", "--no-proofs", "-o", str(out)).returncode == 0
    texts = {each.name: each.read_text("utf-8") for each in out.glob("*.md")}
    anchors = {
        f"{name}#{anchor}"
        for name, text in texts.items()
        for anchor in re.findall(r'<a id="([^"]+)">', text)
    }
    links = re.findall(r"\]\((\w[^)\s]*\.md[^)]*)\)", "".join(texts.values()))
    assert len(links) > 200
    assert {link for link in links if "#" in link} <= anchors
    assert {link for link in links if "#" not in link} <= texts.keys()
    assert not re.search(r"demo\.py#|question\.md", "".join(texts.values()).replace("`", ""))


@pytest.mark.slow
def test_the_page_of_our_bank_is_whole(quizdl: Quizdl, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    assert quizdl("export", "html", "--no-proofs", "-o", str(file)).returncode == 0
    page = file.read_text("utf-8")
    body = page.partition("<main>")[2]
    ids = set(re.findall(r'id="([^"]+)"', page))
    links = set(re.findall(r'href="#([^"]+)"', body))
    assert len(links) > 40
    assert links <= ids
    assert body.count("<math ") > 2000
    assert body.count("<article") == body.count("</article>") > 50
    assert not re.search(
        r"\$[^$<]*\\[a-z]+", re.sub(r"<annotation.*?</annotation>|<pre.*?</pre>", "", body)
    )
    assert not re.search(r'\b(src|srcset|poster|data)="', body), "nothing is fetched"


def test_a_table_for_quizlet_is_plain(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    file = tmp_path / "table.tsv"
    arguments = ("--bank", str(bank), "--no-proofs", "--for", "quizlet", "-o", str(file))
    assert quizdl("export", "tsv", *arguments).returncode == 0
    lines = file.read_text("utf-8").splitlines()
    assert len(lines) == 2
    term, definition = lines[0].split("\t")
    assert term == "other 吗？"
    assert "会的：a < b，一行。" in definition
    assert "](demo.py#doubles)。" not in definition


def test_a_table_for_mochi_is_markdown(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    file = tmp_path / "table.tsv"
    arguments = ("--bank", str(bank), "--no-proofs", "--for", "mochi", "-o", str(file))
    assert quizdl("export", "tsv", *arguments).returncode == 0
    (front, back, tags), _ = (line.split("\t") for line in file.read_text("utf-8").splitlines())
    assert front == "other 吗？"
    assert "会的：$a<b$，一行。" in back
    assert "- 翻倍就是乘二。" in back
    assert tags == "#quizdl #难度/1 #测试"
