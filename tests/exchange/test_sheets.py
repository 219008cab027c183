"""What every format shows of a proof, and where its numbers come from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from banks import DEMO, QUESTION, write_question

from quizdl.bank import Bank, load
from quizdl.exchange import sheets
from quizdl.exchange.sheets import Sheet, gather
from quizdl.model import Verdict
from quizdl.proof.pool import Pool
from quizdl.proof.receipts import Receipts

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DRAWING = """

from quizdl.proof import bar, line


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def draws(how="square", seed=0):
    off, x = error(how, seed)
    return {"误差": off, "随方法": line([off, 2 * off]), "同样": bar({"a": 1.0})}
"""


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    question = QUESTION.replace("平方就是翻倍。", "[平方](demo.py#draws)就是翻倍。")
    write_question(tmp_path / "bank", "doubling", question=question, demo=DEMO + DRAWING)
    return load(tmp_path / "bank")


@pytest.fixture
def receipts(tmp_path: Path) -> Receipts:
    return Receipts(tmp_path / "receipts")


def open_pool() -> Pool:
    return Pool(permission=lambda _: None)


def refuse() -> Pool:
    raise AssertionError("nothing needs to run")


def made(bank: Bank, receipts: Receipts, pool: object = open_pool) -> list[Sheet]:
    return list(gather(bank.questions, bank.topics, receipts, pool, NOW))  # type: ignore[arg-type]


def test_claims_are_proved_once(bank: Bank, receipts: Receipts) -> None:
    (first,) = made(bank, receipts)
    assert [proof.claim.id for proof in first.proofs] == ["doubles", "squares", "triples", "draws"]
    assert {proof.verdict for proof in first.proofs} == {Verdict.PROVED}
    (second,) = made(bank, receipts, refuse)
    assert second == first, "numbers and figures, from the receipts"


def test_an_edited_claim_is_proved_again(bank: Bank, receipts: Receipts) -> None:
    made(bank, receipts)
    demo = bank.questions[0].folder / "demo.py"
    demo.write_text(demo.read_text("utf-8").replace("[off, 2 * off]", "[off, 3 * off]"), "utf-8")
    edited = load(bank.root)
    with pytest.raises(AssertionError, match="nothing needs to run"):
        made(edited, receipts, refuse)
    (sheet,) = made(edited, receipts)
    (line, _), _ = sheet.proofs[3].figures
    assert line.series[0].y[1] == pytest.approx(3 * line.series[0].y[0])


def test_a_damaged_file_of_figures_is_as_good_as_none(
    bank: Bank, receipts: Receipts, tmp_path: Path
) -> None:
    made(bank, receipts)
    (file,) = tmp_path.glob("receipts/**/figures/doubling.json")
    file.write_text(file.read_text("utf-8").replace('"line"', '"spiral"'), "utf-8")
    with pytest.raises(AssertionError, match="nothing needs to run"):
        made(bank, receipts, refuse)


def test_numbers_stand_beside_those_of_the_control(bank: Bank, receipts: Receipts) -> None:
    (sheet,) = made(bank, receipts)
    guard, error = sheets.rows(sheet.proofs[0])
    assert guard[:2] == ("（前提）输入", ">= 1")
    assert error[:3] == ("误差", "<= 1e-9", "0")
    assert float(error[3]) > 1
    assert "对照：how = square" in sheets.footing(sheet.proofs[0])


def test_a_figure_comes_with_that_of_its_control(bank: Bank, receipts: Receipts) -> None:
    (sheet,) = made(bank, receipts)
    drawn = list(sheets.drawings(sheet.proofs[3]))
    titles = [each.partition("<title>")[2].partition("<")[0] for each in drawn]
    assert titles == ["随方法", "随方法 · 对照 1", "同样"], "a figure that is the same stands once"


def test_parts_of_an_answer(bank: Bank) -> None:
    sheet = Sheet(bank.questions[0], bank.topics[0])
    assert sheet.short == "会的。"
    assert sheet.part("要点").count("\n") == 2
    assert sheet.reasons.startswith("## 辨析\n")
    assert "追问" not in sheet.reasons
    assert sheet.part("没有这一节") == ""
