"""Figures: what authors may return, what crosses from a child, what the judge makes of it."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from demos import Prove
from hypothesis import given, settings
from hypothesis import strategies as st
from render.figures import figures
from test_judge import CLAIM, SEEDS, samples

from quizdl.model import Figure, FigureKind, Series, Verdict
from quizdl.proof import bar, heatmap, hist, line, scatter
from quizdl.proof.figure_record import figure_record, read_figure
from quizdl.proof.figures import NAME, POINTS, SERIES, FigureError
from quizdl.proof.gallery import figure_block
from quizdl.proof.judge import judge
from quizdl.render.text import plain, width_of

# --- the authors' functions


def test_curves_are_given_in_three_ways() -> None:
    assert line([3, 1]).series == (Series("", (0.0, 1.0), (3.0, 1.0)),)
    assert line({"甲": np.array([3, 1])}, x=range(5, 7)).series == (
        Series("甲", (5.0, 6.0), (3.0, 1.0)),
    )
    assert scatter({"乙": ([1, 2], [3.5, math.nan])}).series[0].x == (1.0, 2.0)
    assert line((1, 2)).series[0].y == (1.0, 2.0)
    figure = line([1], x_label="步", y_label="损失", log_y=True, rules={"界": 1e-9})
    assert (figure.x_label, figure.y_label, figure.log_y) == ("步", "损失", True)
    assert figure.rules == (("界", 1e-9),)


def test_bars_histograms_and_heatmaps() -> None:
    alone = bar({"甲": 1, "乙": np.float32(2)})
    assert (alone.categories, alone.series[0].y) == (("甲", "乙"), (1.0, 2.0))
    groups = bar({"前": [1, 2], "后": [3, 4]}, ["a", "b"])
    assert (groups.categories, len(groups.series)) == (("a", "b"), 2)
    counted = hist({"甲": [0, 0, 1], "乙": [4]}, bins=4)
    assert counted.series[0] == Series("甲", (0.0, 1.0, 2.0, 3.0, 4.0), (2.0, 1.0, 0.0, 0.0))
    assert counted.series[1].y == (0.0, 0.0, 0.0, 1.0)
    hot = heatmap(np.eye(2), ["行"], ["列"])
    assert [series.name for series in hot.series] == ["行", "2"]
    assert hot.categories == ("列",)


@given(st.lists(st.floats(), max_size=3000))
def test_a_long_line_keeps_its_extremes_and_its_gaps(ys: list[float]) -> None:
    (series,) = line(ys).series
    assert len(series.y) <= POINTS
    assert all(ys[int(x)] == y or math.isnan(y) for x, y in zip(series.x, series.y, strict=True))
    assert list(series.x) == sorted(set(series.x))
    finite = [y for y in ys if math.isfinite(y)]
    kept = [y for y in series.y if math.isfinite(y)]
    assert (min(finite), max(finite)) == (min(kept), max(kept)) if finite else not kept
    assert any(not math.isfinite(y) for y in ys) == any(not math.isfinite(y) for y in series.y)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: scatter(range(POINTS + 1)), "太多"),
        (lambda: line({str(k): [1] for k in range(SERIES + 1)}), "太多"),
        (lambda: line([1, 2], x=[1]), "对不上"),
        (lambda: line([[1, 2], [3, 4]]), "一维"),
        (lambda: line(["甲"]), "一维"),
        (lambda: line([1j]), "一维"),
        (lambda: line({"长" * (NAME + 1): [1]}), "太长"),
        (lambda: line({3: [1]}), "字符串"),
        (lambda: hist([1, math.inf]), "有限"),
        (lambda: hist([]), "有限"),
        (lambda: heatmap(np.zeros((2, 100))), "太多"),
        (lambda: line([1], rules={str(k): k for k in range(9)}), "太多"),
    ],
)
def test_an_author_is_told_what_is_wrong(make: object, part: str) -> None:
    with pytest.raises(FigureError, match=part):
        make()  # type: ignore[operator]


def test_a_demo_prints_its_figures(tmp_path: Path) -> None:
    demo = tmp_path / "demo.py"
    demo.write_text(
        "from quizdl.proof import claim, line\n\n"
        "@claim(expect={'数': '== 1'}, control={'x': 0})\n"
        "def f(x=1):\n    return {'数': x, '曲线': line({'甲': [x, 2, 3]}, y_label='损失')}\n",
        "utf-8",
    )
    ran = subprocess.run([sys.executable, demo], capture_output=True, encoding="utf-8", check=True)
    assert "曲线 · 对照 1" in ran.stdout
    assert "损失  ● 甲" in ran.stdout
    assert ran.stderr == ""


# --- from the child to the parent

DRAWN = """
import numpy as np
from quizdl.proof import line

def f(a, seed):
    return {"x": a, "曲线": line({"甲": [seed, np.nan, a]}, rules={"界": 1.0})}
"""


def test_figures_arrive_for_the_first_seed_of_each_arm(prove: Prove) -> None:
    result, measured = prove(DRAWN, seeds=(3, 4))
    assert result.verdict is Verdict.PROVED, result.reason
    assert [len(event.sample.figures) for event in measured] == [1, 1, 0, 0]
    (own,), (control,) = result.figures
    assert (own.title, own.kind, own.rules) == ("曲线", FigureKind.LINE, (("界", 1.0),))
    assert own.series[0].y[0] == 3.0
    assert math.isnan(own.series[0].y[1])
    assert (own.series[0].y[2], control.series[0].y[2]) == (1.0, 2.0)


def test_the_largest_figures_pass(prove: Prove) -> None:
    result, _ = prove("""
        import numpy as np
        from quizdl.proof import line

        def f(a, seed):
            y = -np.random.default_rng(seed).uniform(1e-300, 2e-300, 9999)
            return {"x": a} | {
                f"图{k}" * 10: line({f"名{j}" * 10: y for j in range(6)}) for k in range(4)
            }
    """)
    assert result.verdict is Verdict.PROVED, result.reason
    assert [len(arm) for arm in result.figures] == [4, 4]


def test_a_figure_is_never_judged(prove: Prove) -> None:
    result, _ = prove("""
        from quizdl.proof import line

        def f(a):
            return {"x": line([a])}
    """)
    assert result.verdict is Verdict.NOT_PROVED
    assert "“x”是一张图" in result.reason


@pytest.mark.parametrize(
    ("returned", "part"),
    [
        ("{f'图{k}': line([1]) for k in range(5)}", "太多"),
        ("{'图': scatter(range(10**6))}", "太多"),
        ("{'图' * 50: line([1])}", "太长"),
        (
            "{'图': Figure(FigureKind.LINE, '', (Series('', (1.0,) * 10**6, (1.0,) * 10**6),))}",
            "太多",
        ),
        ("{'图': Figure(FigureKind.LINE, '', (Series('', (1.0,), ()),))}", "对不上"),
        ("{7: line([1])}", "字符串"),
    ],
)
def test_an_author_hears_of_a_figure_that_cannot_be(prove: Prove, returned: str, part: str) -> None:
    result, _ = prove(f"""
        from quizdl.model import Figure, FigureKind, Series
        from quizdl.proof import line, scatter

        def f(a):
            return {{"x": a}} | {returned}
    """)
    assert result.verdict is Verdict.ERROR
    assert part in result.reason
    assert "第 " in result.reason


NOT_FIGURES = [
    "{'series': [{'name': '', 'x': [11111111] * 10**6, 'y': []}]}",  # 10 MB
    "{'series': [{'name': '', 'x': [1] * 401, 'y': [1] * 401}]}",
    "{'series': [{'name': '', 'x': [1], 'y': [1]}] * 7}",
    "{'series': [{'name': '', 'x': ['1'], 'y': [1]}]}",
    "{'series': [{'name': '', 'x': [True], 'y': [1]}]}",
    "{'series': [{'name': '', 'x': [[1]], 'y': [1]}]}",
    "{'series': [{'name': '', 'x': [10**400], 'y': [1]}]}",
    "{'series': [{'name': '', 'x': [1, 2], 'y': [1]}]}",
    "{'series': [{'name': 5, 'x': [1], 'y': [1]}]}",
    "{'series': [{'name': '', 'y': [1]}]}",
    "{'series': 3}",
    "{'series': {'name': 1}}",
    "{'kind': 'pie'}",
    "{'kind': []}",
    "{'title': 'x' * 41}",
    "{'title': None}",
    "{'categories': ['x'] * 33}",
    "{'rules': [['a']]}",
    "{'rules': [['a', 'b']]}",
    "{'rules': [['a', 1]] * 5}",
]


@pytest.mark.parametrize("change", NOT_FIGURES)
def test_what_is_no_figure_is_refused(prove: Prove, change: str) -> None:
    """A demo that has taken over its child's side of the protocol."""
    result, _ = prove(
        """
        import quizdl.proof.perform as child
        from quizdl.proof import line

        whole = child.figure_record
        child.figure_record = lambda figure: whole(figure) | CHANGE

        def f(a):
            return {"x": a, "图": line([a])}
    """.replace("CHANGE", change)
    )
    assert result.verdict is Verdict.ERROR
    assert "结果通道" in result.reason
    assert result.figures == ()


def test_a_record_that_is_changed_in_nothing_passes(prove: Prove) -> None:
    result, _ = prove("""
        import quizdl.proof.perform as child
        from quizdl.proof import line

        whole = child.figure_record
        child.figure_record = lambda figure: whole(figure) | {"title": "另一个"}

        def f(a):
            return {"x": a, "图": line([a])}
    """)
    assert result.verdict is Verdict.PROVED, result.reason
    assert result.figures[0][0].title == "另一个"


@pytest.mark.parametrize("figures", ["[whole] * 5", "[3]", "{'a': whole}", "'text'", "None"])
def test_a_list_of_no_figures_is_refused(prove: Prove, figures: str) -> None:
    result, _ = prove(
        """
        import quizdl.proof.perform as child
        from quizdl.proof import line

        write, whole = child._write, child.figure_record(line([1]))
        child._write = lambda result, record: write(result, record | {"figures": FIGURES})

        def f(a):
            return {"x": a}
    """.replace("FIGURES", figures)
    )
    assert result.verdict is Verdict.ERROR
    assert "结果通道" in result.reason


def test_names_come_without_what_could_steer_a_terminal(prove: Prove) -> None:
    result, _ = prove(r"""
        from quizdl.proof import bar, line

        def f(a):
            evil = "\x1b[31m红\r\n\u202e倒\x07"
            return {"x": a, evil: line({evil: [1, 2]}, x_label=evil, rules={evil: 1.0}),
                    "条": bar({evil: 1})}
    """)
    assert result.verdict is Verdict.PROVED, result.reason
    figure, bars = result.figures[0]
    names = (figure.title, figure.x_label, figure.series[0].name, figure.rules[0][0])
    for name in (*names, *bars.categories):
        assert name.isprintable() or name.replace("\ufffd", "").isprintable()
        assert "红" in name
    assert "\x1b" not in plain(figure_block(result.figures, 80))


def test_a_record_gives_back_the_figure() -> None:
    figure = line({"甲": [1, math.inf]}, x=[0.1, 1e300], log_x=True, rules={"界": 2})
    figure = dataclasses.replace(figure, title="图", categories=("c",))
    record = json.loads(json.dumps(figure_record(figure)))
    assert read_figure(record, str) == figure


# --- what becomes of them


def test_the_judge_hands_on_one_set_for_each_arm() -> None:
    drawn = [
        dataclasses.replace(s, figures=(line([s.seed, s.arm]),) if s.arm < 2 else ())
        for s in samples()
    ]
    result = judge(CLAIM, drawn, SEEDS)
    assert result.verdict is Verdict.PROVED
    assert [[f.series[0].y for f in arm] for arm in result.figures] == [[(0, 0)], [(0, 1)], []]
    assert judge(CLAIM, samples(), SEEDS).figures == ()


def figure(title: str, *ys: float) -> Figure:
    return dataclasses.replace(line({"损失": list(ys)}), title=title)


def test_a_figure_stands_beside_its_control() -> None:
    arms = ((figure("图", 0, 1, 2),), (figure("图", 0, 4, 10),), (figure("图", 7, 7, 7),))
    wide = figure_block(arms, 78)
    assert plain(wide).splitlines()[1].split() == ["图", "图", "·", "对照", "1"]
    assert max(map(width_of, wide)) <= 78
    assert plain(wide).count("10 ┤") == 2, "both on one scale"
    narrow = plain(figure_block(arms, 44))
    assert narrow.index("图") < narrow.index("图 · 对照 1")
    assert len(narrow.splitlines()) > len(wide)


def test_a_control_that_would_flatten_the_claim_has_its_own_axis() -> None:
    text = plain(figure_block(((figure("图", 0, 1),), (figure("图", 0, 1e9),)), 78))
    assert "1 ┤" in text
    assert "1e9 ┤" in text


def test_the_same_figure_is_shown_once() -> None:
    arms = ((figure("图", 0, 1),), (figure("图", 0, 1),))
    assert "对照" not in plain(figure_block(arms, 78))
    assert figure_block((), 78) == []
    assert figure_block(((figure("图", 0, 1),),), 78)


@settings(max_examples=100, deadline=None)
@given(figures(), figures(), st.integers(20, 120))
def test_any_two_figures_stand_beside_each_other(one: Figure, two: Figure, width: int) -> None:
    arms = ((one,), (dataclasses.replace(two, title=one.title, kind=one.kind),))
    assert all(width_of(row) <= width for row in figure_block(arms, width))
