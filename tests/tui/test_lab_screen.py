"""The lab beside the answer: dials, sweeps, seeds, the learner's copy."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from banks import QUESTION, write_question
from pilots import claims, opened, place, text_of, until
from textual.pilot import Pilot

from quizdl.lab import State
from quizdl.model import Sample, Verdict
from quizdl.settings import Paths
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.edit import EditScreen
from quizdl.tui.screens.lab import LabScreen
from quizdl.tui.screens.review import ReviewScreen
from quizdl.tui.widgets.claims import Stage

DEMO = '''\
import numpy as np

from quizdl.proof import claim


def noise(seed, n):
    return np.random.default_rng(seed).normal(0, 1, (200, n)).mean(1).std()


@claim(
    guard={"样本数": ">= 1"},
    expect={"均值的标准差": "<= 0.3"},
    control=[{"n": 1}, {"how": "first"}],
    knobs={"n": [1, 100], "how": ["mean", "first"]},
)
def doubles(n=50, how="mean", seed=0):
    """均值的散布随样本数变小"""
    return {"样本数": n, "均值的标准差": noise(seed, n if how == "mean" else 1)}


@claim(expect={"和": ">= 100"}, control={"n": 3}, knobs={"n": [1, 40]})
def squares(n=30, seed=0):
    return {"和": n * (5 + np.random.default_rng(seed).uniform())}


@claim(expect={"数": ">= 1"}, control={"x": 0.0})
def triples(x=1.0, seed=0):
    return {"数": x * (2 + np.random.default_rng(seed).uniform())}
'''


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    root = tmp_path / "bank"
    write_question(root, "doubling", demo=DEMO)
    return root


@asynccontextmanager
async def lab(
    bank: Path, paths: Paths, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[QuizdlApp, Pilot[None], LabScreen]]:
    async with opened(bank, paths, size) as (app, pilot, _):
        await pilot.press("enter", "space", "l")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, LabScreen)
        await measured(pilot, screen)
        yield app, pilot, screen


async def measured(pilot: Pilot[None], screen: LabScreen) -> None:
    """Until every run of the present setting is there, and the screen shows it."""
    runs = len(screen.seeds) * len(screen.claim.arms())
    await until(pilot, lambda: len(screen.samples) == runs)
    await pilot.pause(0.1)


def originals(screen: LabScreen) -> Sequence[Sample]:
    """What the original measured at the setting on the screen."""
    return screen.table.original[1] if screen.table.original is not None else ()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_proof_and_controls_stand_side_by_side(
    bank: Path, paths: Paths, size: tuple[int, int]
) -> None:
    async with lab(bank, paths, size) as (app, pilot, _):
        shown = text_of(app)
        assert "✓ 命题成立" in shown
        assert "对照1不成立 ✓" in shown
        assert "对照2不成立 ✓" in shown
        assert "对照1：n = 1" in shown
        assert "对照2：how = first" in shown
        assert ("一句话" in shown) == (size[0] >= 110), "the answer stays beside the lab"
        await until(pilot, lambda: "隔离：" in text_of(app))
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, ReviewScreen)
        assert "3 记得" in text_of(app)


async def test_turning_a_dial_runs_the_experiment_anew(bank: Path, paths: Paths) -> None:
    async with lab(bank, paths) as (app, pilot, screen):
        before = list(screen.samples)
        await pilot.press("left")
        assert screen.params["n"] < 50
        await measured(pilot, screen)
        assert [s.numbers for s in screen.samples] != [s.numbers for s in before]
        await pilot.press("shift+left")
        assert screen.params["n"] == 1
        await measured(pilot, screen)
        assert "✗ 命题不成立" in text_of(app)
        await pilot.press("0")
        await pilot.pause()
        assert screen.params["n"] == 50
        assert screen.samples == before, "what has been measured is there at once"
        await pilot.press("down", "right")
        assert screen.params["how"] == "first"
        await measured(pilot, screen)
        assert "✗ 命题不成立" in text_of(app)
        await pilot.press("x")
        await measured(pilot, screen)
        assert "✓ 命题成立" in text_of(app)


async def test_quick_turns_end_at_the_last_setting(bank: Path, paths: Paths) -> None:
    async with lab(bank, paths) as (app, pilot, screen):
        await pilot.press(*["left"] * 6, *["right"] * 2)
        setting = screen.params["n"]
        await measured(pilot, screen)
        await pilot.pause(0.3)
        assert screen.params["n"] == setting
        assert f"◂{setting}▸" in text_of(app)
        assert {s.numbers["样本数"] for s in screen.samples if s.arm == 0} == {setting}


async def test_a_sweep_shows_where_the_claim_stops(bank: Path, paths: Paths) -> None:
    async with lab(bank, paths) as (app, pilot, screen):
        await pilot.press("w")
        sweep = screen.sweep
        assert sweep is not None
        await until(pilot, lambda: screen.sweep and State.UNKNOWN not in screen.sweep.states())
        await pilot.pause(0.2)
        sweep = screen.sweep
        assert sweep is not None
        (flip,) = sweep.flips()
        assert (flip.was, flip.now) == (State.FAILS, State.HOLDS)
        assert 8 <= float(flip.before) < float(flip.after) <= 25, "the spread is 1 / √n"
        shown = text_of(app)
        assert f"n 从 {flip.before} 到 {flip.after}" in shown
        assert "┃" in shown, "the place is marked on the dial"
        await pilot.press("down", "right")
        await pilot.pause(0.1)
        assert screen.sweep is None, "it was made with another value of this dial"


async def test_a_sweep_over_choices_lists_them(bank: Path, paths: Paths) -> None:
    async with lab(bank, paths) as (app, pilot, screen):
        await pilot.press("down", "w")
        await until(pilot, lambda: screen.sweep and State.UNKNOWN not in screen.sweep.states())
        await pilot.pause(0.2)
        assert "成立：mean" in text_of(app)
        assert "不成立：first" in text_of(app)


async def test_esc_ends_a_sweep_before_it_closes_the_lab(tmp_path: Path, paths: Paths) -> None:
    bank = tmp_path / "slow"
    slow = DEMO.replace('    return {"样本数"', '    while n < 50: pass\n    return {"样本数"')
    write_question(bank, "doubling", demo=slow.replace('control=[{"n": 1}, ', "control=["))
    async with lab(bank, paths) as (app, pilot, screen):
        await pilot.press("w")
        await pilot.pause(0.2)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is screen
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, ReviewScreen)


async def test_other_seeds_and_other_claims(bank: Path, paths: Paths) -> None:
    async with lab(bank, paths) as (app, pilot, screen):
        first = list(screen.samples)
        await pilot.press("s")
        await measured(pilot, screen)
        assert {s.seed for s in screen.samples} == set(range(5, 10))
        assert "种子 5–9" in text_of(app)
        assert [s.numbers for s in screen.samples] != [s.numbers for s in first]
        await pilot.press("tab")
        await measured(pilot, screen)
        assert screen.claim.id == "squares"
        assert "平方不是翻倍" in text_of(app)
        await pilot.press("shift+tab", "shift+tab")
        await measured(pilot, screen)
        assert screen.claim.id == "triples"
        await pilot.press("left", "up", "w", "0")
        await pilot.pause()
        assert app.screen is screen, "a claim without dials has nothing to turn"


async def test_a_dial_is_chosen_with_the_mouse(bank: Path, paths: Paths) -> None:
    async with lab(bank, paths) as (app, pilot, screen):
        await pilot.click(offset=place(app, "◂mean▸"))
        await pilot.pause()
        await pilot.press("right")
        assert screen.params["how"] == "first"


async def test_edit_run_compare_reset(bank: Path, paths: Paths) -> None:
    demo = bank / "arithmetic/doubling/demo.py"
    async with lab(bank, paths) as (app, pilot, screen):
        await pilot.press("E")
        await pilot.pause()
        editor = app.screen
        assert isinstance(editor, EditScreen)
        assert editor.editor.language == "python"
        editor.editor.text = DEMO.replace(".mean(1).std()", ".mean(1).std() * 10")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "✗ 命题不成立" in text_of(app))
        assert "原题" in text_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is screen
        await measured(pilot, screen)
        assert screen.changed
        assert "✗ 命题不成立" in text_of(app)
        assert "副本" in text_of(app)
        assert demo.read_text("utf-8") == DEMO, "the bank is never touched"
    async with lab(bank, paths) as (app, pilot, screen):
        assert screen.changed, "the copy is there the next time"
        await pilot.press("x")
        await measured(pilot, screen)
        assert not screen.changed
        assert "✓ 命题成立" in text_of(app)
    async with lab(bank, paths) as (_, _, screen):
        assert not screen.changed


async def test_what_is_wrong_in_the_copy_is_said_with_its_line(bank: Path, paths: Paths) -> None:
    async with lab(bank, paths) as (app, pilot, _):
        await pilot.press("E")
        await pilot.pause()
        editor = app.screen
        assert isinstance(editor, EditScreen)
        for change, said in (
            (("return {", "return {{"), "第"),
            (("def doubles", "def renamed"), "没有命题 doubles"),
            (("n=50", "n=oops"), "字面量"),
        ):
            editor.editor.text = DEMO.replace(*change, 1)
            await pilot.press("ctrl+r")
            await pilot.pause(0.1)
            assert said in text_of(app)
        editor.editor.text = DEMO.replace('    return {"样本数"', '    1 / 0\n    return {"样本数"')
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "ZeroDivisionError" in text_of(app))
        await pilot.press("ctrl+o")
        assert editor.editor.text == DEMO


async def test_the_lab_explains_its_keys(bank: Path, paths: Paths) -> None:
    async with lab(bank, paths, (80, 24)) as (app, pilot, screen):
        assert "? 帮助" in text_of(app).splitlines()[-1]
        await pilot.press("question_mark")
        await pilot.pause()
        shown = text_of(app)
        for part in ("到哪里为止", "换一个数来画", "换种子", "改代码", "这个旋钮复位", "转到头"):
            assert part in shown
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is screen


async def test_a_copy_stands_beside_the_original_of_the_same_setting(
    bank: Path, paths: Paths
) -> None:
    changed = DEMO.replace(".mean(1).std()", ".mean(1).std() * 10")
    async with lab(bank, paths) as (app, pilot, screen):
        await pilot.press("E")
        await pilot.pause()
        assert isinstance(app.screen, EditScreen)
        app.screen.editor.text = changed
        await pilot.press("escape")
        await pilot.pause()
        await measured(pilot, screen)
        assert screen.changed, "leaving the editor puts its text on the bench"
        for keys in (("shift+left",), ("0",)):  # the second has been measured before
            await pilot.press(*keys)
            await measured(pilot, screen)
            await until(pilot, lambda: len(originals(screen)) == len(screen.samples))
            for mine, theirs in zip(screen.samples, originals(screen), strict=True):
                ratio = mine.numbers["均值的标准差"] / theirs.numbers["均值的标准差"]
                assert ratio == pytest.approx(10, rel=1e-9)


async def test_half_a_thought_is_not_lost(bank: Path, paths: Paths) -> None:
    async with lab(bank, paths) as (app, pilot, screen):
        await pilot.press("E")
        await pilot.pause()
        assert isinstance(app.screen, EditScreen)
        app.screen.editor.text = DEMO + "\ndef half(:"
        await pilot.press("escape")
        await pilot.pause()
        assert not screen.changed, "what cannot be read does not run"
        await pilot.press("E")
        await pilot.pause()
        assert isinstance(app.screen, EditScreen)
        assert app.screen.editor.text.endswith("def half(:")


async def test_a_sweep_that_was_broken_off_leaves_nothing(tmp_path: Path, paths: Paths) -> None:
    bank = tmp_path / "slow"
    slow = DEMO.replace('    return {"样本数"', '    while n < 50: pass\n    return {"样本数"')
    write_question(bank, "doubling", demo=slow.replace('control=[{"n": 1}, ', "control=["))
    async with lab(bank, paths) as (app, pilot, screen):
        await pilot.press("w")
        await until(pilot, lambda: "正在扫" in text_of(app))
        await pilot.press("right")
        await measured(pilot, screen)
        assert screen.sweep is None
        assert "正在扫" not in text_of(app)


HOSTILE = """\
import ctypes
import os
import socket

from quizdl.proof import claim


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def doubles(a=1.0, seed=0):
    os.write(1, b"x" * (100 << 20))
    return {"数": a}


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def squares(a=1.0, seed=0):
    return {"数": a * ctypes.string_at(0)[0]}


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def triples(a=1.0, seed=0):
    return {"数": a * len(bytearray(10 << 30))}


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def reads(a=1.0, seed=0):
    return {"数": a * len(open("/etc/passwd").read())}


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def writes(a=1.0, seed=0):
    open("BESIDE", "w").close()
    return {"数": a}


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def calls(a=1.0, seed=0):
    return {"数": a * socket.socket().fileno()}


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def forks(a=1.0, seed=0):
    while True:
        os.fork()
"""
ENDS = {
    "doubles": Verdict.LIMIT,
    "squares": Verdict.ERROR,
    "triples": Verdict.LIMIT,
    "reads": Verdict.ERROR,
    "writes": Verdict.ERROR,
    "calls": Verdict.ERROR,
    "forks": Verdict.ERROR,
}


@pytest.mark.skipif(sys.platform != "linux", reason="layers of Linux")
async def test_the_screen_lives_on_whatever_a_demo_does(tmp_path: Path, paths: Paths) -> None:
    bank = tmp_path / "bank"
    points = "".join(f"- [{name}](demo.py#{name})。\n" for name in ENDS)
    question = QUESTION.replace("- [翻倍就是乘二](demo.py#doubles)。\n", points)
    question = question.replace("- [平方不是翻倍](demo.py#squares)。\n", "")
    question = question.replace("- [三倍不是翻倍](demo.py#triples)。\n", "")
    beside = tmp_path / "beside"
    demo = HOSTILE.replace("BESIDE", str(beside))
    write_question(bank, "doubling", question=question, demo=demo)
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space", "r")
        for key in ("question_mark", "escape", "pagedown", "home") * 3:
            await pilot.press(key)
        await until(pilot, lambda: all(row.stage is Stage.DONE for row in claims(app)))
        assert {row.key: row.verdict for row in claims(app)} == ENDS
        assert not beside.exists()
        await pilot.press("3")
        await pilot.pause()
        assert "学习中 1" in text_of(app), "rated, and goes on"
