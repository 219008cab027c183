"""Content that would break a careless writer arrives as text, in every format."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from anki.collection import CsvMetadata, ImportCsvRequest
from banks import QUESTION, write_question
from decks import collection, give_out, take_in
from terminals import Quizdl

from quizdl.exchange.anki.notes import Note
from quizdl.exchange.anki.notetype import FIELDS, GUID
from quizdl.exchange.anki.package import Entry, write_package

NASTY = (
    '</script><script>alert(1)</script> {{c1::cloze}} {{FrontSide}} <b>&amp; "quoted" '
    "'single' \u202eltr\u202c عربي #tag \\(x\\) ]]> <!-- --> <img src=x onerror=alert(1)>"
)
SHOWN = NASTY.replace("&amp;", "&").replace("\\(x\\)", "(x)")
"""What it means in Markdown."""
BIG = "字" * 350_000  # more than 1 MB


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    root = tmp_path / "bank"
    question = QUESTION.replace("会的。", f"会的：{NASTY}\n\n{BIG}").replace("{title}", NASTY)
    write_question(root, "nasty", question=question)
    return root


def run(quizdl: Quizdl, kind: str, bank: Path, to: Path, *more: str) -> Path:
    ran = quizdl("export", kind, "--no-proofs", "--bank", str(bank), "-o", str(to), *more)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return to


def words(markup: str) -> str:
    return html.unescape(re.sub("<[^>]*>", "", markup))


def test_anki_shows_it_as_text(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    with collection(tmp_path / "anki") as anki:
        take_in(anki, run(quizdl, "anki", bank, tmp_path / "deck.apkg"))
        (number,) = anki.find_notes("")
        note = anki.get_note(number)
        fields = dict(zip(FIELDS, note.fields, strict=True))
        assert SHOWN in words(fields["question"])
        assert BIG in fields["short"]
        assert "<script" not in "".join(note.fields)
        assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", fields["question"])
        (card,) = note.cards()
        assert "{{c1::cloze}}" in html.unescape(card.question())
        assert anki.fix_integrity()[1]


def test_what_no_field_can_hold_is_replaced(tmp_path: Path) -> None:
    values = tuple(f"{key}\0\x1f!" for key in FIELDS)
    note = Note(f"{GUID}q", "quizdl::题", ("quizdl",), values)
    write_package(tmp_path / "deck.apkg", [Entry(note, 1_700_000_000)], 1_700_000_000, 4)
    with collection(tmp_path / "anki") as anki:
        take_in(anki, tmp_path / "deck.apkg")
        (number,) = anki.find_notes("")
        assert anki.get_note(number).fields == [f"{key}\ufffd\ufffd!" for key in FIELDS]


def test_a_table_stays_a_table(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    write_question(bank, "plain", question=QUESTION.replace("会的。", "会的，\t有表符。"))
    table = run(quizdl, "tsv", bank, tmp_path / "table.tsv")
    with collection(tmp_path / "anki") as anki:
        metadata = anki.get_csv_metadata(str(table), delimiter=None)
        assert metadata.delimiter == CsvMetadata.TAB
        request = ImportCsvRequest(path=str(table), metadata=metadata)
        log = anki.import_csv(request).log
        assert len(log.new) == 2, log
        assert not log.first_field_match
        (number,) = anki.find_notes("deck:quizdl::算术 tag:难度::1 nasty OR cloze")
        note = anki.get_note(number)
        assert SHOWN in words(note.fields[0])
        assert BIG in note.fields[1]
        deck = anki.decks.id_for_name("quizdl")
        assert deck is not None
        anki.decks.select(deck)
        card = anki.get_card(anki.sched.get_queued_cards().cards[0].card.id)
        card.start_timer()
        anki.sched.answerCard(card, 3)
        package = give_out(anki, tmp_path / "reviewed.apkg")
    ran = quizdl("import", "anki", str(package), "--bank", str(bank))
    assert "新增 1 次复习" in ran.stdout, "answers to its cards come home, too"


@pytest.mark.parametrize("reader", ["quizlet", "mochi"])
def test_other_tables_have_a_line_for_each_question(
    quizdl: Quizdl, bank: Path, tmp_path: Path, reader: str
) -> None:
    write_question(bank, "plain")
    table = run(quizdl, "tsv", bank, tmp_path / "table.tsv", "--for", reader)
    lines = table.read_text("utf-8").splitlines()
    assert len(lines) == 2
    assert {line.count("\t") for line in lines} == {{"quizlet": 1, "mochi": 2}[reader]}


class Seen(HTMLParser):
    """What a browser would make of a page: its elements, its text, what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.loads: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.loads += [value or "" for name, value in attrs if name in ("src", "srcset", "data")]
        if tag not in ("meta", "br", "hr", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_has_no_element_that_is_not_ours(
    quizdl: Quizdl, bank: Path, tmp_path: Path
) -> None:
    page = run(quizdl, "html", bank, tmp_path / "page.html").read_text("utf-8")
    seen = Seen()
    seen.feed(page)
    assert seen.open == []
    assert (seen.tags.count("script"), seen.handlers, seen.loads) == (1, [], [])
    assert "b" not in seen.tags
    text = "".join(seen.text)
    assert SHOWN in text
    assert BIG in text


def test_markdown_keeps_it_out_of_the_markup(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    from markdown_it import MarkdownIt

    folder = run(quizdl, "markdown", bank, tmp_path / "out")
    written = (folder / "arithmetic.md").read_text("utf-8")
    # a code host reads HTML in Markdown: only ours may be there
    shown = MarkdownIt("commonmark", {"html": True}).render(written)
    assert "<script>" not in shown
    assert "<img src=x" not in shown
    assert "alert(1)" in shown
