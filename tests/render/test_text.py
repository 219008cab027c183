"""Wrapping by the rules of Chinese typesetting."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizdl.render.cells import cells, clusters, pad, truncate
from quizdl.render.text import CLOSING, OPENING, Span, ansi, flow, join, plain, width_of, wrap


def wrapped(text: str, width: int, style: str = "") -> list[str]:
    return plain(wrap([Span(text, style)], width)).split("\n")


def test_closing_punctuation_takes_the_character_before_it_along() -> None:
    assert wrapped("一二三四五，六七", 10) == ["一二三四", "五，六七"]


def test_opening_punctuation_goes_to_the_next_line() -> None:
    assert wrapped("一二三四（五六）", 10) == ["一二三四", "（五六）"]


def test_a_dash_is_not_torn() -> None:
    assert wrapped("一二三——四五", 7) == ["一二", "三——四", "五"]


def test_words_and_numbers_stay_whole() -> None:
    assert wrapped("用 gradient 下降 0.001 步", 12) == ["用 gradient", "下降 0.001", "步"]


def test_a_break_may_stand_after_a_hyphen_but_not_in_a_number() -> None:
    assert wrapped("aaaa learning-rate", 14) == ["aaaa learning-", "rate"]
    assert wrapped("aaaa aaaa 1e-8", 13) == ["aaaa aaaa", "1e-8"]


def test_an_address_breaks_after_its_slashes() -> None:
    assert wrapped("https://example.com/a/long/path", 22) == ["https://example.com/a/", "long/path"]


def test_code_is_kept_whole_where_it_fits() -> None:
    spans = [Span("一二三四五六七"), Span("f(a, b)", "code"), Span("八")]
    assert plain(wrap(spans, 20)) == "一二三四五六七\nf(a, b)八"


def test_code_longer_than_a_line_breaks_at_its_joints() -> None:
    assert wrapped("np.random.default_rng(0)", 12, "code") == ["np.random.", "default_rng", "(0)"]


def test_a_mark_stays_with_its_claim() -> None:
    spans = [Span("一二三四 "), Span("✓ ", "mark", "x"), Span("五六", "claim", "x")]
    assert plain(wrap(spans, 10)) == "一二三四\n✓ 五六"


def test_spans_keep_style_and_link_across_lines() -> None:
    lines = wrap([Span("一二"), Span("三四五", "claim", "demo.py#f")], 6)
    assert lines == [
        (Span("一二"), Span("三", "claim", "demo.py#f")),
        (Span("四五", "claim", "demo.py#f"),),
    ]


def test_combining_marks_are_never_cut_off() -> None:
    assert wrapped("v̂" * 4, 2) == ["v̂v̂", "v̂v̂"]


def test_control_characters_cannot_reach_the_terminal() -> None:
    assert wrapped("a\x1b[31mb\x9bc", 20) == ["a�[31mb�c"]


@pytest.mark.parametrize(
    ("before", "after", "glue"),
    [
        *(("中", "文", ""), ("，", "a", ""), ("a", "（", ""), ("中", "a", " "), ("a", "b", " ")),
        *(("”", "中", ""), ("中", "“", ""), ("a", "“", " "), (".", "a", " ")),
    ],
)
def test_line_breaks_in_the_source(before: str, after: str, glue: str) -> None:
    assert join(before, after) == glue


# Words short enough that every rule can be kept at twenty cells.
WORDS = st.sampled_from(
    [
        *("一", "二三", "word", "x86", "3.5%", "1e-8", "v̂ₜ", "——", "……", " ", " ", ", ", ". "),
        *"，。、：！（）「」“”()",
    ]
)


@given(st.lists(WORDS, min_size=10, max_size=80).map("".join), st.integers(20, 120))
def test_no_line_is_too_wide_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(st.lists(WORDS, min_size=20, max_size=80), st.integers(20, 40))
def test_lines_begin_and_end_as_they_should(words: list[str], width: int) -> None:
    solid = [
        word
        for index, word in enumerate(words)
        # runs of brackets longer than a line cannot be broken rightly by anyone
        if word[0] not in CLOSING | OPENING or not index or words[index - 1][0].isalnum()
    ]
    lines = wrapped("".join(solid), width)
    for before, after in pairwise(lines):
        assert after[:1] not in CLOSING
        assert before[-1:] not in OPENING


@given(st.text(max_size=80), st.integers(1, 40))
def test_any_text_can_be_wrapped(text: str, width: int) -> None:
    for line in wrap([Span(text)], width):
        glyphs = clusters("".join(span.text for span in line))
        assert width_of(line) <= width or len(glyphs) == 1


def test_ansi_colours_and_plain_do_not() -> None:
    line = (Span("成立", "strong verdict.true"), Span("。"))
    assert ansi([line]) == "\x1b[1;32m成立\x1b[0m。"
    assert plain([line]) == "成立。"


def test_cells() -> None:
    assert cells("中a") == 3
    assert cells("v̂") == 1
    assert pad("中", 4) + "|" == "中  |"
    assert pad("中", 5, "center") == " 中  "
    assert pad("中", 4, "right") == "  中"
    assert pad("中文", 2) == "中文"
    assert truncate("中文字", 5) == "中文…"
    assert truncate("中文", 4) == "中文"
    assert clusters("v̂x") == ["v̂", "x"]


@given(st.lists(st.text("字a ", min_size=1, max_size=8), max_size=12), st.integers(2, 30))
def test_flow_keeps_parts_whole_and_lines_short(texts: list[str], width: int) -> None:
    lines = flow([(Span(text),) for text in texts], width)
    assert all(width_of(line) <= width for line in lines)
    shown = plain(lines)
    for text in texts:
        if cells(text) <= width:
            assert text.strip() in shown
