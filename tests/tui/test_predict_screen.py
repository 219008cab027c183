"""Predict, then run: the prompts, the outcome beside the guess, the suggestion, the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from banks import write_question
from pilots import claims, opened, text_of, until
from textual.pilot import Pilot

from quizdl.memory import open_store
from quizdl.model import Ask, Hit
from quizdl.settings import Paths
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens.predict import PredictScreen
from quizdl.tui.screens.review import ReviewScreen
from quizdl.tui.widgets.claims import Stage

DEMO = '''\
import numpy as np

from quizdl.proof import claim


@claim(
    expect={"甲": ">= 1", "乙": ">= 1"},
    control={"a": 0.0},
    knobs={"a": [0.0, 2.0]},
)
def doubles(a=1.0, seed=0):
    """甲随 a 变，乙不变"""
    x = 2 + np.random.default_rng(seed).uniform()
    return {"甲": a * x, "乙": x}


@claim(expect={"比例": "in [0.4, 0.6]"}, control={"shift": 0.3})
def squares(shift=0.0, seed=0):
    return {"比例": 0.5 + shift + np.random.default_rng(seed).uniform(-0.01, 0.01)}


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
async def answer(
    bank: Path, paths: Paths, size: tuple[int, int] = (120, 40), *, predict: bool = False
) -> AsyncIterator[tuple[QuizdlApp, Pilot[None]]]:
    async with opened(bank, paths, size, predict=predict) as (app, pilot, _):
        await pilot.press("enter", "space")
        await pilot.pause()
        yield app, pilot


async def finished(app: QuizdlApp, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
    await until(pilot, lambda: all(row.stage is Stage.DONE for row in claims(app)))
    await pilot.pause(0.1)


async def guess_all(app: QuizdlApp, pilot: Pilot[None], *, right: bool) -> list[Ask]:
    """Answer every prompt; what is right follows from DEMO."""
    met = []
    while isinstance(app.screen, PredictScreen):
        prompt = app.screen.prompt
        met.append(prompt.ask)
        match prompt.ask:
            case Ask.BREAKS:
                await pilot.press("1" if right else "2", "enter")
            case Ask.WAY:
                await pilot.press("1" if right else "2")
            case Ask.NUMBER:
                truth = "0.8" if "比例" in prompt.text else "0"
                await pilot.press(*(truth if right else "99"), "enter")
        await pilot.pause()
    return met


@pytest.mark.parametrize("right", [True, False])
async def test_a_prediction_is_compared_logged_and_suggests(
    bank: Path, paths: Paths, right: bool
) -> None:
    async with answer(bank, paths) as (app, pilot):
        await pilot.press("p")
        await pilot.pause()
        assert isinstance(app.screen, PredictScreen)
        assert "先预测 1/" in text_of(app)
        met = await guess_all(app, pilot, right=right)
        assert Ask.BREAKS in met
        await finished(app, pilot)
        shown = text_of(app)
        assert "你猜" in shown
        assert "实测" in shown
        assert ("▸ 3 记得（建议）" if right else "▸ 1 忘了（建议）") in shown
        await pilot.press("4")
        await pilot.pause()
    with open_store(paths.database) as store:
        predictions = store.predictions()
        hits = {forecast.hit for each in predictions for forecast in each.forecasts}
        assert hits == {Hit.RIGHT if right else Hit.WRONG}
        assert {each.question for each in predictions} == {"doubling"}
        (review,) = store.reviews()
        assert review.rating == 4, "the suggestion forces nothing"


async def test_nothing_is_asked_unless_the_learner_wants_it(bank: Path, paths: Paths) -> None:
    async with answer(bank, paths) as (app, pilot):
        await pilot.press("r")
        await finished(app, pilot)
        await pilot.press("p")
        await pilot.pause()
        assert "第一次运行之前" in text_of(app)
        assert "预测建议" not in text_of(app)
    with open_store(paths.database) as store:
        assert not store.predictions()


async def test_with_the_setting_it_asks_before_the_first_run_only(bank: Path, paths: Paths) -> None:
    async with answer(bank, paths, predict=True) as (app, pilot):
        await pilot.press("r")
        await pilot.pause()
        assert isinstance(app.screen, PredictScreen)
        await pilot.press("escape")
        await finished(app, pilot)
        await pilot.press("r")
        await pilot.pause()
        assert isinstance(app.screen, ReviewScreen)
        assert "预测建议" not in text_of(app)
    with open_store(paths.database) as store:
        assert not store.predictions(), "what was not answered is not a prediction"


async def test_one_claim_asks_about_itself(bank: Path, paths: Paths) -> None:
    async with answer(bank, paths, (80, 24)) as (app, pilot):
        await pilot.press("tab", "tab", "p")
        await pilot.pause()
        assert isinstance(app.screen, PredictScreen)
        assert "比例" in app.screen.prompt.text
        await guess_all(app, pilot, right=True)
        await until(pilot, lambda: claims(app)[1].stage is Stage.DONE)
        assert claims(app)[0].stage is Stage.IDLE
        assert claims(app)[1].forecasts


async def test_what_is_no_number_is_said_and_asked_again(bank: Path, paths: Paths) -> None:
    async with answer(bank, paths) as (app, pilot):
        await pilot.press("p")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, PredictScreen)
        while screen.prompt.options:
            await pilot.press("enter")
            await pilot.pause()
        await pilot.press("a", "b", "enter")
        await pilot.pause()
        assert app.screen is screen
        assert "ab" in text_of(app)
        await pilot.press("escape")
        await finished(app, pilot)
