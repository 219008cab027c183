"""Colours that can be read, and none where none are wanted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pilots import opened, until
from rich.color import ColorType
from textual.app import App, ComposeResult
from textual.theme import BUILTIN_THEMES

from quizdl.render.text import Span
from quizdl.settings import Paths, choices
from quizdl.tui.themes import NO_COLOR, THEMES
from quizdl.tui.widgets.drawn import COLOURLESS, LOOKS, Band

FAINT = {"rule", "off", "edge", "edge.running"}
"""Lines, and what cannot be chosen now: WCAG asks nothing of them."""
GROUNDS = ("background", "surface", "panel", "footer-background")


class Swatches(App[None]):
    CSS = "\n".join(f"#{name} {{ background: ${name}; height: 1; }}" for name in GROUNDS)

    def compose(self) -> ComposeResult:
        for name in GROUNDS:
            yield Band(id=name)


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative, by WCAG 2.2."""
    parts = [part / 255 for part in colour]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_itself() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((0x76, 0x76, 0x76), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(
    ("theme", "least", "grounds", "faint"),
    [
        ("high-contrast", 7.0, GROUNDS, set()),
        ("light", 4.5, GROUNDS, FAINT),
        ("dark", 4.5, ("background",), FAINT),
    ],
)
async def test_texts_can_be_read(
    theme: str, least: float, grounds: tuple[str, ...], faint: set[str]
) -> None:
    app = Swatches()
    async with app.run_test() as pilot:
        for each in THEMES:
            app.register_theme(each)
        app.theme = theme
        await pilot.pause()
        for ground in grounds:
            band = app.query_one(f"#{ground}", Band)
            for name in {*LOOKS} - faint:
                for looks in ("", "chosen") if theme != "dark" else ("",):
                    (segment,) = band.strip((Span("x", name),), looks)
                    assert segment.style is not None
                    colour, behind = segment.style.color, segment.style.bgcolor
                    assert colour is not None
                    assert behind is not None
                    found = contrast(colour.get_truecolor(), behind.get_truecolor())
                    assert found >= least, (ground, looks, name, found)


def test_the_themes_to_choose_from_are_those_there_are() -> None:
    ours = [theme.name for theme in THEMES]
    rest = {*BUILTIN_THEMES} - {"textual-dark", "textual-light"}  # ours are meant for these
    assert [*choices("theme")][:4] == ours
    assert {*choices("theme")[4:]} == rest


def test_states_differ_without_colour() -> None:
    assert {*COLOURLESS} == {*LOOKS}
    assert not re.search(r"\$|#", " ".join(COLOURLESS.values()))
    for one, other in (("good", "bad"), ("good", "muted"), ("chosen", ""), ("key", "off")):
        assert COLOURLESS[one] != COLOURLESS.get(other, "")


@pytest.mark.parametrize("by", ["setting", "NO_COLOR"])
async def test_no_colour_is_sent(
    bank: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    async with opened(bank, paths, theme=NO_COLOR if by == "setting" else "nord") as (
        app,
        pilot,
        _,
    ):
        for key in ("enter", "space", "question_mark"):
            await pilot.press(key)
            await pilot.pause()
            styles = [
                segment.style
                for strip in app.screen._compositor.render_strips()
                for segment in strip.apply_filter(
                    app.get_line_filters()[-1], app.screen.background_colors[1]
                )
            ]
            for style in filter(None, styles):
                for colour in (style.color, style.bgcolor):
                    assert colour is None or colour.type is ColorType.DEFAULT
            if key == "space":
                assert any(style.bold for style in styles if style)


async def test_a_theme_chosen_from_the_palette_is_kept(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        app.search_themes()
        await pilot.pause()
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.settings.theme == "light")
        assert app.theme == "light"
        assert 'theme = "light"' in paths.config_file.read_text("utf-8")
