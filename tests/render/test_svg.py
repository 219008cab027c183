"""The SVG of a figure: well-formed whatever it holds, and the same values as on a terminal."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render.figures import figures

from quizdl.model import Figure, FigureKind, Series
from quizdl.render.svg import COLOURS, figure_svg

NS = "{http://www.w3.org/2000/svg}"


@settings(max_examples=300, deadline=None)
@given(figures())
def test_any_figure_is_well_formed_and_the_same_again(figure: Figure) -> None:
    text = figure_svg(figure)
    root = ET.fromstring(text.encode())
    assert text == figure_svg(figure)
    assert root.find(f"{NS}desc") is not None
    assert "<b>" not in text
    for element in root.iter():
        for name in ("x", "y", "width", "height", "x1", "y1", "x2", "y2"):
            assert math.isfinite(float(element.get(name, "0")))
        points = element.get("points", "").replace(",", " ").split()
        assert all(math.isfinite(float(number)) for number in points)


def axis(root: ET.Element, anchor: str, along: str) -> tuple[tuple[float, float], ...]:
    """(pixel, value) of the first and the last tick of one axis, as a reader sees them."""
    labels = [e for e in root.iter(f"{NS}text") if e.get("text-anchor") == anchor]
    shift = 4.0 if along == "y" else 0.0
    found = [(float(e.get(along, "")) - shift, float(e.text or "")) for e in labels]
    return found[0], found[-1]


def value_at(pixel: float, ends: tuple[tuple[float, float], ...], *, log: bool) -> float:
    (p0, v0), (p1, v1) = ends
    if log:
        v0, v1 = math.log10(v0), math.log10(v1)
    value = v0 + (pixel - p0) / (p1 - p0) * (v1 - v0)
    return 10.0**value if log else value


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=60).filter(lambda y: max(y) > 2 * min(y)),
    st.booleans(),
)
def test_the_points_can_be_read_from_the_picture(ys: list[float], log: bool) -> None:
    xs = tuple(float(k) for k in range(len(ys)))
    root = ET.fromstring(
        figure_svg(Figure(FigureKind.LINE, "", (Series("", xs, tuple(ys)),), log_y=log))
    )
    (curve,) = root.iter(f"{NS}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in curve.get("points", "").split()]
    across, up = axis(root, "middle", "x"), axis(root, "end", "y")
    span = max(ys) - min(ys)
    for (px, py), x, y in zip(points, xs, ys, strict=True):
        assert value_at(px, across, log=False) == pytest.approx(x, abs=len(ys) * 1e-3)
        read = value_at(py, up, log=log)
        assert (
            read == pytest.approx(y, rel=5e-3) if log else read == pytest.approx(y, abs=span / 500)
        )


def test_a_gap_is_a_gap() -> None:
    ys = (1.0, 2.0, math.nan, 3.0, 4.0)
    root = ET.fromstring(
        figure_svg(Figure(FigureKind.LINE, "", (Series("", (0, 1, 2, 3, 4), ys),)))
    )
    assert len(list(root.iter(f"{NS}polyline"))) == 2


def test_it_is_accessible_and_takes_the_colour_of_the_page() -> None:
    series = (Series("甲 & 乙", (0.0, 1.0), (2.0, 3.5)),)
    text = figure_svg(Figure(FigureKind.LINE, "标题 <1>", series, "步", "损失"))
    root = ET.fromstring(text)
    assert root.get("role") == "img"
    assert root.get("fill") == "currentColor"
    assert root.findtext(f"{NS}title") == "标题 <1>"
    assert "甲 & 乙 从 2 到 3.5" in (root.findtext(f"{NS}desc") or "")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<style" not in text


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_are_seen_on_light_and_on_dark(colour: str) -> None:
    light, dark, own = luminance("#ffffff"), luminance("#1e1e1e"), luminance(colour)
    assert (light + 0.05) / (own + 0.05) >= 3
    assert (own + 0.05) / (dark + 0.05) >= 3
