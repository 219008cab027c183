from hypothesis import given
from hypothesis import strategies as st

from quizdl.render.table import table
from quizdl.render.text import Span, plain, width_of

ROWS = [["SGD", "0.1", "θ − ηg"], ["动量", "0.01", "θ − ηm，其中 m 是梯度的滑动平均"]]
HEADER = ["方法", "学习率", "更新"]


def test_columns_are_aligned_by_cells() -> None:
    assert plain(table(ROWS, HEADER, ["left", "right"], 60)) == (
        "方法 │ 学习率 │ 更新\n"
        "─────┼────────┼────────────────────────────────\n"
        "SGD  │    0.1 │ θ − ηg\n"
        "动量 │   0.01 │ θ − ηm，其中 m 是梯度的滑动平均"
    )


def test_wide_cells_wrap_and_rows_are_ruled_off() -> None:
    assert plain(table(ROWS, HEADER, ["left", "right"], 30)) == (
        "方法 │ 学习率 │ 更新\n"
        "─────┼────────┼───────────────\n"
        "SGD  │    0.1 │ θ − ηg\n"
        "─────┼────────┼───────────────\n"
        "动量 │   0.01 │ θ − ηm，其中 m\n"
        "     │        │ 是梯度的滑动平\n"
        "     │        │ 均"
    )


def test_where_columns_cannot_fit_rows_become_records() -> None:
    rows = [["一二三四五六七八"] * 4, ["九"] * 4]
    lines = table(rows, list("甲乙丙丁"), width=24)
    assert plain(lines).split("\n")[0] == "甲：一二三四五六七八"
    assert plain(lines).count("：") == 8
    assert all(width_of(line) <= 24 for line in lines)


def test_cells_keep_their_styles() -> None:
    (line,) = table([[(Span("好", "good"),), "x"]], width=20)
    assert line[0] == Span("好", "good")


def test_short_rows_are_filled_up_and_no_rows_are_no_lines() -> None:
    assert plain(table([["a", "b"], ["c"]], width=20)) == "a │ b\nc │"
    assert table([], width=20) == []


CELL = st.text(alphabet="中文a b，1.", max_size=30)


@given(
    st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=4), st.integers(20, 90)
)
def test_nothing_is_cut(rows: list[list[str]], width: int) -> None:
    lines = table(rows, width=width)
    assert all(width_of(line) <= width for line in lines)
    shown = sorted(plain(lines))
    for char in "中文a，1.":
        assert shown.count(char) == sum(cell.count(char) for row in rows for cell in row)
