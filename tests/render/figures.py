"""Any figure at all, for hypothesis."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from quizdl.model import Figure, FigureKind, Series

SPECIAL = (0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1.7e308, -1.7e308, 1.0, 1.0 + 2e-16)
NAMES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "",
            "动量",
            "一个长得放不下的名字" * 6,
            "e\u0301x",
            "👩‍👩‍👧 家",
            "\x1b[31m红",
            "a\u202eb",
            "<b>&\"'",
            "换\n行\t",
        ]
    ),
)
numbers = st.one_of(st.floats(), st.sampled_from(SPECIAL), st.floats(-10, 10), st.integers(0, 9))


@st.composite
def figures(draw: st.DrawFn) -> Figure:
    kind = draw(st.sampled_from(FigureKind))
    series = []
    for name in draw(st.lists(NAMES, max_size=8)):
        y = draw(st.lists(numbers, max_size=30))
        if kind in (FigureKind.LINE, FigureKind.SCATTER):
            x = draw(st.lists(numbers, min_size=len(y), max_size=len(y)))
        else:
            edges = kind is FigureKind.HIST
            start, step = draw(st.floats(-1e6, 1e6)), draw(st.floats(1e-6, 1e6))
            x = [start + step * k for k in range(len(y) + edges)]
        series.append(Series(name, tuple(map(float, x)), tuple(map(float, y))))
    return Figure(
        kind,
        draw(NAMES),
        tuple(series),
        draw(NAMES),
        draw(NAMES),
        tuple(draw(st.lists(NAMES, max_size=8))),
        draw(st.booleans()),
        draw(st.booleans()),
        tuple(draw(st.lists(st.tuples(NAMES, numbers.map(float)), max_size=5))),
    )
