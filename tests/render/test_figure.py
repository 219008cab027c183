"""Figures in a terminal: never too wide, whatever the values, and true to them."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render.figures import figures

from quizdl.model import Figure, FigureKind, Series
from quizdl.render.cells import cells
from quizdl.render.figure import figure_lines
from quizdl.render.scale import axes, fit, tick_labels
from quizdl.render.text import Line, Span, ansi, plain, width_of

BRAILLE = range(0x2800, 0x2900)
BITS = {1: (0, 0), 2: (0, 1), 4: (0, 2), 64: (0, 3), 8: (1, 0), 16: (1, 1), 32: (1, 2), 128: (1, 3)}


@settings(max_examples=300, deadline=None)
@given(figure=figures(), width=st.integers(1, 120), height=st.integers(0, 40))
def test_any_figure_fits_and_is_the_same_again(figure: Figure, width: int, height: int) -> None:
    lines = figure_lines(figure, width, height)
    assert all(width_of(line) <= width for line in lines)
    assert lines == figure_lines(figure, width, height)
    text = plain(lines)
    assert all(char.isprintable() or ord(char) > 127 or char == "\n" for char in text)
    assert "\x1b" not in text


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(st.floats(), st.sampled_from([0.0, 1e-320, 1.7e308])), max_size=20),
    st.booleans(),
    st.integers(0, 12),
)
def test_a_scale_places_all_it_was_fitted_to(values: list[float], log: bool, most: int) -> None:
    scale = fit(values, log=log)
    places = [scale.place(value) for value in values]
    for value, place in zip(values, places, strict=True):
        drawable = math.isfinite(value) and not (log and value <= 0)
        assert (place is not None) == drawable
        assert place is None or -1e-9 <= place <= 1 + 1e-9
    ticks = scale.ticks(most)
    assert 2 <= len(ticks) <= most + 6
    assert list(ticks) == sorted(set(ticks))
    assert all(-1e-6 <= (scale.place(tick) or 0.0) <= 1 + 1e-6 for tick in ticks)


@pytest.mark.parametrize(
    ("values", "log", "expected"),
    [
        ((0.0, 1.0), False, ["0", "0.5", "1"]),
        ((-3.0, 7.0), False, ["0", "5"]),
        ((1e-9, 1.0), True, ["1e-9", "1e-6", "0.001", "1"]),
        ((2.0, 30.0), True, ["2", "5", "10", "20"]),
        ((1.00001, 1.00002), False, ["1.00001", "1.000015", "1.00002"]),
    ],
)
def test_ticks_are_round(values: tuple[float, ...], log: bool, expected: list[str]) -> None:
    assert tick_labels(fit(values, log=log).ticks(3)) == expected


def line(*series: Series, **options: object) -> Figure:
    return Figure(FigureKind.LINE, "标题", series, **options)  # type: ignore[arg-type]


def ramp(name: str, of: int, slope: float = 1.0) -> Series:
    return Series(name, tuple(map(float, range(of))), tuple(slope * k for k in range(of)))


def plot_of(lines: list[Line]) -> tuple[list[str], int]:
    """The rows between the axes, and the column where they begin."""
    rows = [plain([each]) for each in lines]
    rows = [row for row in rows if "┤" in row or "│" in row]
    left = min(row.index(edge) for row in rows for edge in "┤│" if edge in row) + 1
    return [row[left:] for row in rows], left


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=30, max_size=200),
    st.sampled_from([44, 80]),
)
def test_each_point_of_a_line_has_its_dot(ys: list[float], width: int) -> None:
    figure = line(Series("", tuple(map(float, range(len(ys)))), tuple(ys)))
    x_scale, y_scale = axes(figure)
    rows, _ = plot_of(figure_lines(figure, width, 14))
    gutter = max(map(cells, tick_labels(y_scale.ticks(len(rows) // 3))))
    columns = width - gutter - 2
    dots = {
        (2 * column + dx, 4 * row + dy)
        for row, text in enumerate(rows)
        for column, char in enumerate(text)
        if ord(char) in BRAILLE
        for bit, (dx, dy) in BITS.items()
        if (ord(char) - 0x2800) & bit
    }
    for x, y in enumerate(ys):
        across = (x_scale.place(x) or 0.0) * (2 * columns - 1)
        down = (1 - (y_scale.place(y) or 0.0)) * (4 * len(rows) - 1)
        assert any(abs(a - across) <= 0.51 and abs(b - down) <= 0.51 for a, b in dots)


def test_series_are_told_apart_without_colour() -> None:
    figure = line(ramp("动量", 200), ramp("普通梯度下降", 200, 0.5), rules=(("界", 50.0),))
    for width in (44, 80):
        text = plain(figure_lines(figure, width, 14))
        assert "● 动量  ◆ 普通梯度下降  ╌ 界" in text
        rows, _ = plot_of(figure_lines(figure, width, 14))
        for char in "●◆╌":
            assert char in "".join(rows)


def test_every_style_of_a_figure_has_a_look() -> None:
    styles = [*(f"series.{k + 1}" for k in range(6)), "axis", "rule.bound", "heat"]
    looks = [ansi([(Span("x", style),)]) for style in styles]
    assert "x" not in looks
    assert len(set(looks[:6])) == 6


def test_an_axis_stays_straight_beside_chinese_names() -> None:
    figure = Figure(
        FigureKind.BAR,
        "步数",
        (Series("前向", (0.0, 1.0), (3.0, -1.0)), Series("反向", (0.0, 1.0), (2.0, math.nan))),
        categories=("普通梯度下降", "Adam"),
    )
    rows = [plain([each]) for each in figure_lines(figure, 44, 14)][2:]
    assert len({cells(row[: row.index("│")]) for row in rows}) == 1
    assert "NaN" in rows[-1]


def test_what_cannot_be_drawn_is_counted() -> None:
    ys = (1.0, math.nan, 0.0, 10.0, math.inf)
    figure = line(Series("", (0.0, 1.0, 2.0, 3.0, 4.0), ys), log_y=True)
    assert "3 个点画不出" in plain(figure_lines(figure, 60, 14))
    assert "画不出" not in plain(figure_lines(line(ramp("", 5)), 60, 14))


def test_rows_that_do_not_fit_are_counted() -> None:
    figure = Figure(FigureKind.BAR, "", (ramp("", 30),))
    lines = figure_lines(figure, 60, 10)
    assert len(lines) == 10
    assert "21 行" in plain(lines[-1:])


def test_a_heatmap_shows_numbers_where_they_fit() -> None:
    figure = Figure(FigureKind.HEATMAP, "", (ramp("甲", 3), ramp("乙", 3, 2.0)))
    assert "█" in plain(figure_lines(figure, 44, 14))
    assert "4" in plain(figure_lines(figure, 44, 14)).splitlines()[2]
    assert "×" in plain(
        figure_lines(Figure(FigureKind.HEATMAP, "", (Series("", (0.0,), (math.nan,)),)), 44, 14)
    )


def test_drawing_needs_no_library_of_plots() -> None:
    code = "import sys, quizdl.render.figure, quizdl.render.svg; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert loaded.isdisjoint({"numpy", "matplotlib", "plotext", "textual", "rich"})
