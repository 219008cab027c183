"""The language of searching: what each word and operator finds, and what it says when wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from banks import QUESTION, write_question
from terminals import Quizdl

from quizdl.bank import find_bank, load
from quizdl.memory import open_store
from quizdl.model import Card, Mark, State
from quizdl.search import Index, Remembered, asks_memory, parse
from quizdl.words import QuizdlError

BANK = load(find_bank())
INDEX = Index(BANK.questions, {topic.id: topic.title for topic in BANK.topics})


def found(query: str, remembered: Remembered | None = None) -> list[str]:
    return [question.id for question in INDEX.find(parse(query), remembered)]


@pytest.mark.parametrize(
    ("query", "among"),
    [
        ("梯度消失", "vanishing-exploding-gradients"),
        ("梯度 消失", "vanishing-exploding-gradients"),
        ("ＡＤＡＭ", "adam"),
        ("batch normalization", "batch-norm"),
        ('"batch normalization"', "batch-norm"),
        ("bn", "batch-norm"),
        ("批归一化", "batch-norm"),
        ("pigui", "batch-norm"),
        ("tiduxiaoshi", "vanishing-exploding-gradients"),
        ("xiaoshi", "vanishing-exploding-gradients"),
        ("tdxs", "vanishing-exploding-gradients"),
        ("dongliang", "momentum"),
        ("gradient-clipping", "gradient-clipping"),
        ("topic:优化器 nesterov", "momentum"),
        ("topic:optimizers tag:动量", "momentum"),
        ("company:字节", "focal-loss"),
    ],
)
def test_it_finds(query: str, among: str) -> None:
    assert among in found(query)


@pytest.mark.parametrize(
    ("query", "not_among"),
    [
        ("iduxiaoshi", "vanishing-exploding-gradients"),  # not from the beginning of a syllable
        ('"gradient vanishing"', "vanishing-exploding-gradients"),
        ("tag:动", "momentum"),  # a tag is named in full
        ("-topic:优化器", "momentum"),
        ("-动量", "momentum"),
        ("level:1 -level:1", "adam"),
    ],
)
def test_it_does_not_find(query: str, not_among: str) -> None:
    assert not_among not in found(query)


def test_every_condition_narrows_and_the_order_is_the_syllabus() -> None:
    everything = [question.id for question in BANK.questions]
    assert found("") == everything
    some = found("topic:优化器 level:2 学习率")
    assert 0 < len(some) < len(found("topic:优化器"))
    assert some == [each for each in everything if each in some]
    assert set(found("topic:优化器")) | set(found("-topic:优化器")) == set(everything)


def card(question: str, **changed: object) -> Card:
    values: dict[str, object] = {
        "question": question,
        "state": State.REVIEW,
        "step": None,
        "stability": 10.0,
        "difficulty": 5.0,
        "due": None,
        "due_day": 1010,
        "last_day": 1000,
        "reps": 3,
        "lapses": 0,
    }
    return Card(**(values | changed))  # type: ignore[arg-type]


CARDS = {
    "sgd": card("sgd"),
    "adam": card("adam", due_day=1005, difficulty=8.0),
    "tanh": card("tanh", state=State.LEARNING, step=0, due_day=1005),
    "relu": card("relu", lapses=9, reps=40, due_day=1001),
    "elu": card("elu", due_day=1001),
}
MARKS = {
    "relu": Mark(flagged=True),
    "elu": Mark(suspended=True),
    "momentum": Mark(buried_until=1006),
}
ABOUT = Remembered(1005, CARDS, MARKS)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("is:due", {"adam", "tanh", "relu"}),
        ("is:learning", {"tanh"}),
        ("is:review", {"sgd", "adam", "relu", "elu"}),
        ("is:suspended", {"elu"}),
        ("is:buried", {"momentum"}),
        ("is:flagged", {"relu"}),
        ("is:leech", {"relu"}),
        ("is:weak", {"adam", "relu"}),
        ("is:review -is:due", {"sgd", "elu"}),
        ("prop:d>=8", {"adam"}),
        ("prop:lapses>0 prop:reps=40", {"relu"}),
        ("prop:ivl<5", {"relu", "elu"}),
        ("prop:r<0.97 prop:r>0.9", {"sgd", "adam", "relu", "elu", "tanh"}),
        ("prop:r<0.9", set()),
        ("prop:s!=10", set()),
    ],
)
def test_what_is_remembered_can_be_asked_for(query: str, expected: set[str]) -> None:
    assert set(found(query, ABOUT)) == expected
    assert asks_memory(parse(query))


def test_what_was_never_asked_is_new() -> None:
    assert set(found("is:new", ABOUT)) == {q.id for q in BANK.questions} - CARDS.keys()
    assert not asks_memory(parse("topic:优化器 动量"))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("color:red", "topic:"),
        ("is:late", "due"),
        ("prop:x>1", "prop:r<0.9"),
        ("level:9", "level:1"),
        ("梯度 tag:", "tag: 后面还要写一个值"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_ones(query: str, says: str) -> None:
    with pytest.raises(QuizdlError, match=says):
        parse(query)


def test_an_address_is_a_word() -> None:
    (term,) = parse("https://a.org")
    assert (term.kind, term.value) == ("", "https://a.org")


def test_commands_speak_it(quizdl: Quizdl, bank: Path, tmp_path: Path) -> None:
    write_question(bank, "other", topic="algebra", question=QUESTION.replace('"测试"', '"代数"'))
    at = ("--bank", str(bank))
    assert "other" in quizdl("list", "tag:代数", *at).stdout
    assert "doubling" not in quizdl("list", "tag:代数", *at).stdout
    assert "doubling" in quizdl("list", "suanshu", *at).stdout
    ran = quizdl("list", "is:late", *at)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    page = tmp_path / "page.html"
    assert quizdl("export", "html", "tag:代数", "--no-proofs", "-o", str(page), *at).returncode == 0
    assert page.read_text("utf-8").count("<article") == 1
    assert "没有符合条件的题" in quizdl("review", "is:due", "--plain", *at).stderr
    with open_store(tmp_path / "home" / "memory.sqlite3") as store:
        store.mark("other", flagged=True)
    assert "other" in quizdl("list", "is:flagged", *at).stdout


def test_what_was_prepared_is_kept() -> None:
    index = Index(BANK.questions, {})
    texts = [entry.text for entry in index._entries]
    index.find(parse("梯度"))
    assert all(entry.text is text for entry, text in zip(index._entries, texts, strict=True))


@pytest.mark.parametrize(
    "typed",
    [
        *("归一化", "tidu", "td", "i", "zz", "batch norm", "Adam 动量 -tag:动量", "l2正则", "-td"),
        *("level:2 梯", "is:new 学习率", '"batch norm" 层', "2014", "demo.py#", "\\sigma"),
    ],
)
def test_typing_and_deleting_finds_what_asking_at_once_does(typed: str) -> None:
    """What was found before helps; also when the words stand in the text just so."""
    index, remembered = Index(BANK.questions, {}), Remembered(0)
    ends = [*range(1, len(typed) + 1), *range(len(typed), 0, -1), len(typed)]
    for end in ends:
        try:
            terms = parse(typed[:end])
        except QuizdlError:
            continue
        found = index.find(terms, remembered)
        assert found == Index(BANK.questions, {}).find(terms, remembered)
        words = [term for term in terms if not term.kind and not term.negated]
        text = [f"{q.id}\n{q.title}\n{q.front}\n{q.back}".casefold() for q in BANK.questions]
        sure = [all(word.value in each for word in words) for each in text]
        if len(words) == len(terms):
            ids = {question.id for question in found}
            assert ids >= {q.id for q, yes in zip(BANK.questions, sure, strict=True) if yes}


@pytest.mark.parametrize("prepared", [True, False])
def test_an_edited_question_is_found_by_what_it_says_now(prepared: bool) -> None:
    before, new = (replace(BANK.questions[3], title=title) for title in ("plugh", "绝无仅有 xyzzy"))
    index = Index([*BANK.questions[:3], before, *BANK.questions[4:]], {})
    if prepared:
        index.prepare()
    changed = index.replaced(new)
    for word, was, now in (("绝无仅有", (), (new,)), ("xyzz", (), (new,)), ("lugh", (before,), ())):
        assert index.find(parse(word)) == was
        assert changed.find(parse(word)) == now
    assert new in changed.find(parse(before.id)), "what did not change is still there"
    assert len(changed.find(())) == len(BANK.questions)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("", "topic:"),
        ("梯度 t", "topic:"),
        ("-is", "is:"),
        ("is:", "is:new"),
        ("is:su", "is:suspended"),
        ("level:", "level:1"),
        ("topic:优", "topic:优化器"),
        ("company:", "company:字节"),
        ("prop:l", "prop:lapses>=3"),
    ],
)
def test_what_may_come_next(query: str, first: str) -> None:
    hints = INDEX.hints(query)
    assert hints[0] == first
    for hint in hints:
        if not hint.endswith(":"):
            assert parse(hint), "what is offered is understood"


@pytest.mark.parametrize("query", ["梯度", "is:new", "level:2", "nothing:", "topic:优化器"])
def test_nothing_more_may_come(query: str) -> None:
    assert INDEX.hints(query) == ()
