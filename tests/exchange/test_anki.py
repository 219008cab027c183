"""Decks in the real Anki: what a fresh collection makes of ours, and what a second import does."""

from __future__ import annotations

import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from banks import QUESTION, write_question
from decks import collection, give_out, take_in
from terminals import Quizdl

from quizdl.exchange.anki.notetype import FIELDS, MODEL_ID, REMARK
from quizdl.memory import open_store
from quizdl.words import in_chinese

RICH = (
    QUESTION.replace('tags = ["测试"]', 'tags = ["测试", "two words"]\nasked_by = ["字节"]')
    .replace("会的。", "会的：$x_1 < 2$，见**下面**。\n\n$$\n\\frac{a}{b} \\tag{1}\n$$")
    .replace("## 追问", "## 实现\n```python\ndef f(x):\n    return x < 2  # 小于\n```\n\n## 追问")
)
DRAWING = """

from quizdl.proof import line


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def draws(how="square", seed=0):
    off, x = error(how, seed)
    return {"误差": off, "误差的图": line([off, off + 1, off + 2])}
"""


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    from banks import DEMO

    root = tmp_path / "bank"
    question = RICH.replace("平方就是翻倍。", "[平方](demo.py#draws)就是翻倍。")
    write_question(root, "doubling", question=question, demo=DEMO + DRAWING)
    write_question(root, "halving")
    return root


def export(quizdl: Quizdl, bank: Path, to: Path, *more: str, at: int = 0) -> Path:
    """`at`: seconds since 1970; 0: now."""
    env = {"SOURCE_DATE_EPOCH": str(at)} if at else {}
    ran = quizdl("export", "anki", "--bank", str(bank), "-o", str(to), *more, env=env)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    assert ("其中 1 处与上次导出不同" in ran.stdout) == bool(at), "`at` is given for what changed"
    return to


def test_a_fresh_collection_has_all_of_it(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    package = export(quizdl, bank, tmp_path / "deck.apkg")
    with collection(tmp_path / "anki") as anki:
        log = take_in(anki, package)
        assert (len(log.new), len(log.updated), len(log.conflicting)) == (2, 0, 0)
        assert (anki.note_count(), anki.card_count()) == (2, 2)
        assert anki.fix_integrity() == ("Database rebuilt and optimized.", True)
        (number,) = anki.find_notes("deck:quizdl::算术 tag:公司::字节 tag:难度::1 tag:two_words")
        note = anki.get_note(number)
        assert note.guid == "quizdl:doubling"
        assert note.mid == MODEL_ID
        assert note.keys() == [in_chinese(f"anki.field.{key}") for key in FIELDS]
        fields = dict(zip(FIELDS, note.fields, strict=True))
        assert fields["question"] == "<p>doubling 吗？</p>"
        assert r"\(x_1 &lt; 2\)" in fields["short"]
        assert r"\[\frac{a}{b} \tag{1}\]" in fields["short"]
        assert "<li>翻倍就是乘二。</li>" in fields["points"]
        assert '<span class="keyword">def</span>' in fields["reasons"]
        assert "x &lt; <span" in fields["reasons"]
        assert fields["proofs"].count('<p class="claim">✓ ') == 4
        assert '<td class="value">0</td><td class="control">' in fields["proofs"]
        assert fields["remark"] == ""
        assert fields["id"] == "doubling"
        pictures = anki.media.files_in_str(note.mid, fields["figures"])
        assert len(pictures) == 2, "the claim's and that of its control"
        for name in pictures:
            written = (Path(anki.media.dir()) / name).read_text("utf-8")
            assert written.startswith("<svg"), name
        (card,) = note.cards()
        assert (card.type, card.queue, card.ivl, card.reps) == (0, 0, 0, 0)
        assert "doubling 吗？" in card.question()
        assert "doubling 吗？" in card.answer()


def test_new_cards_come_in_the_order_of_the_syllabus(quizdl: Quizdl, tmp_path: Path) -> None:
    root = tmp_path / "bank"
    for slug in ("zulu", "alpha", "mike"):
        write_question(root, slug)
    (root / "arithmetic" / "topic.toml").write_text(
        'title = "算术"\norder = 1\nquestions = ["zulu", "alpha", "mike"]\n', "utf-8"
    )
    package = export(quizdl, root, tmp_path / "deck.apkg", "--no-proofs")
    with collection(tmp_path / "anki") as anki:
        take_in(anki, package)
        cards = sorted((anki.get_card(number).due, number) for number in anki.find_cards(""))
        titles = [anki.get_card(number).note()[in_chinese("anki.field.id")] for _, number in cards]
    assert titles == ["zulu", "alpha", "mike"]


def test_the_same_input_is_the_same_file(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    one = export(quizdl, bank, tmp_path / "one.apkg")
    two = export(quizdl, bank, tmp_path / "two.apkg")
    assert one.read_bytes() == two.read_bytes()
    epoch = {"SOURCE_DATE_EPOCH": "1700000000"}
    shutil.rmtree(tmp_path / "home")
    for name in ("three", "four"):
        arguments = ("--bank", str(bank), "-o", str(tmp_path / f"{name}.apkg"))
        assert quizdl("export", "anki", *arguments, env=epoch).returncode == 0
        shutil.rmtree(tmp_path / "home")
    assert (tmp_path / "three.apkg").read_bytes() == (tmp_path / "four.apkg").read_bytes()


def test_a_second_import_updates_only_what_changed(
    quizdl: Quizdl, bank: Path, tmp_path: Path
) -> None:
    package = export(quizdl, bank, tmp_path / "deck.apkg")
    with collection(tmp_path / "anki") as anki:
        take_in(anki, package)
        for number in anki.find_notes(""):
            note = anki.get_note(number)
            note.fields[REMARK] = f"我写的 {note.guid}"
            anki.update_note(note)
        anki.decks.select(anki.decks.id_for_name("quizdl"))
        answered = answer_all(anki, ease=3)
        before = schedule_of(anki)
        assert len(before) == answered > 0

        again = take_in(anki, package)
        assert (len(again.updated), len(again.new)) == (0, 0)
        assert len(again.duplicate) == 2

        file = bank / "arithmetic" / "doubling" / "question.md"
        file.write_text(file.read_text("utf-8").replace("会的", "当然会的"), "utf-8")
        later = int(time.time()) + 60  # than what was written in Anki, by the second
        third = take_in(anki, export(quizdl, bank, tmp_path / "deck.apkg", at=later))
        assert [list(each.fields)[-1] for each in third.updated] == ["doubling"]
        assert schedule_of(anki) == before
        (number,) = anki.find_notes("doubling")
        assert "当然会的" in anki.get_note(number).fields[FIELDS.index("short")]
        (other,) = anki.find_notes("halving")
        assert anki.get_note(other).fields[REMARK] == "我写的 quizdl:halving"
        assert anki.fix_integrity()[1]


def answer_all(anki: Any, ease: int) -> int:
    count = 0
    while True:
        queue = anki.sched.get_queued_cards(fetch_limit=1)
        if not queue.cards:
            return count
        card = anki.get_card(queue.cards[0].card.id)
        card.start_timer()
        anki.sched.answerCard(card, ease)
        count += 1


def schedule_of(anki: Any) -> list[tuple[object, ...]]:
    db = anki.db
    return [tuple(row) for row in db.all("select id, cid, ease, ivl, type from revlog")]


def test_media_is_named_by_its_content_and_stored_once(
    quizdl: Quizdl, bank: Path, tmp_path: Path
) -> None:
    shutil.copytree(bank / "arithmetic" / "doubling", bank / "arithmetic" / "tripling")
    package = export(quizdl, bank, tmp_path / "deck.apkg")
    with zipfile.ZipFile(package) as file:
        names = sorted(file.namelist())
    assert names == ["0", "1", "collection.anki2", "media"]


def test_a_renamed_question_is_the_same_note(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    package = export(quizdl, bank, tmp_path / "deck.apkg")
    with collection(tmp_path / "anki") as anki:
        take_in(anki, package)
        old = bank / "arithmetic" / "halving"
        new = old.rename(old.with_name("bisecting"))
        file = new / "question.md"
        text = file.read_text("utf-8").replace("level = 1", 'level = 1\nformerly = ["halving"]')
        file.write_text(text, "utf-8")
        later = int(time.time()) + 60
        log = take_in(anki, export(quizdl, bank, tmp_path / "deck.apkg", at=later))
        assert (len(log.new), len(log.updated)) == (0, 1)
        assert anki.note_count() == 2
        deck = anki.decks.id_for_name("quizdl")
        assert deck is not None
        anki.decks.select(deck)
        answer_all(anki, ease=4)
        reviewed = give_out(anki, tmp_path / "reviewed.apkg")
    assert quizdl("import", "anki", str(reviewed), "--bank", str(bank)).returncode == 0
    with open_store(tmp_path / "home" / "memory.sqlite3") as store:
        assert set(store.memory(0).cards) == {"doubling", "bisecting"}
