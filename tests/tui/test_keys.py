"""Keys of the learner's own: checked, applied, and shown as they are."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from pilots import opened, text_of, until
from textual.binding import Binding

from quizdl.settings import Paths
from quizdl.tui import keys
from quizdl.tui.screens.browse import BrowseScreen
from quizdl.tui.screens.help import HelpScreen
from quizdl.tui.screens.review import ReviewScreen
from quizdl.tui.widgets.draft import Draft
from quizdl.words import QuizdlError


def test_every_binding_has_an_id_of_its_screen() -> None:
    for scope, place in keys.SCREENS.items():
        module, _, name = place.rpartition(".")
        bindings = getattr(import_module(module), name).__dict__["BINDINGS"]
        ids = [binding.id for binding in bindings]
        assert all(isinstance(binding, Binding) for binding in bindings)
        assert all(id_ and id_.partition(".")[0] in (scope, "app") for id_ in ids), name
        assert len(ids) == len(set(ids)), name


def test_every_screen_with_keys_is_known() -> None:
    folder = Path(keys.__file__).with_name("screens")
    with_keys = {
        path.stem for path in folder.glob("*.py") if "BINDINGS = [" in path.read_text("utf-8")
    }
    assert with_keys == {
        place.split(".")[3] for place in keys.SCREENS.values() if ".screens." in place
    }


def test_the_keys_that_actions_come_with_are_keys() -> None:
    for action in keys.actions().values():
        assert tuple(map(keys.read_key, action.keys)) == action.keys
    assert keys.keymap({name: each.keys for name, each in keys.actions().items()}) == {}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("?", "question_mark"),
        (",", "comma"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("Ctrl+X", "ctrl+x"),
        ("F2", "f2"),
        ("U", "U"),
        ("shift+ctrl+left", "ctrl+shift+left"),
        ("esc", "escape"),
    ],
)
def test_names_of_keys(text: str, key: str) -> None:
    assert keys.read_key(text) == key


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"review.flagg": ["f"]}, "没有动作 review.flagg；相近的有：review.flag"),
        ({"review.flag": ["nonsense"]}, "不认识键“nonsense”"),
        ({"review.flag": ["hyperctrl+x"]}, "不认识键"),
        ({"review.flag": ["r"]}, "“r”有两个用处：review.flag（标记）和 review.prove（运行证明）"),
        ({"review.flag": ["f"], "review.prove": ["f"]}, "“f”有两个用处"),
        ({"app.browse": ["u"]}, "“u”有两个用处"),
        ({"browse.one": ["x"]}, "它是要打的字"),
        ({"app.quit": ["z"]}, "它是要打的字"),
    ],
)
def test_keys_that_will_not_do(chosen: dict[str, list[str]], says: str) -> None:
    with pytest.raises(QuizdlError, match=says):
        keys.keymap(chosen)


def test_two_actions_can_change_places() -> None:
    found = keys.keymap({"review.undo": ["s"], "review.skip": ["u"]})
    assert (found["review.undo"], found["review.skip"]) == ("s", "u")


async def test_a_rebound_key_works_and_is_shown(bank: Path, paths: Paths) -> None:
    mine = (("review.reveal", ("v",)), ("review.skip", ("z", "ctrl+y")), ("app.help", ("f2",)))
    async with opened(bank, paths, keys=mine) as (app, pilot, _):
        await until(pilot, lambda: app.rebound)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        assert "再按v看答案" in text_of(app)
        await pilot.press("space")
        assert not screen._revealed, "its old key does nothing"
        await pilot.press("v")
        assert screen._revealed
        await pilot.pause()
        line = text_of(app).splitlines()[-1]
        assert "Enter 记得" in line, "what shared its old key keeps it"
        assert "z 跳过" in line
        assert " s " not in line
        assert "f2 帮助" in line
        first = screen.session.current
        await pilot.press("f2")
        assert isinstance(app.screen, HelpScreen)
        shown = text_of(app)
        assert "z ^y" in shown
        await pilot.press("escape", "space")
        assert screen.session.current is not first, "rated"
        second = screen.session.current
        await pilot.press("ctrl+y")
        assert screen.session.current is not second


async def test_a_hint_names_the_key_as_it_is(bank: Path, paths: Paths) -> None:
    mine = (
        *(("today.start", ("g",)), ("review.undo", ("z",)), ("review.again", ("f",))),
        ("review.remark", ("v",)),
    )
    async with opened(bank, paths, keys=mine) as (app, pilot, _):
        assert "按 g 开始" in text_of(app)
        await pilot.press("g", "space")
        await pilot.pause()
        assert "f 忘了" in text_of(app)
        await pilot.press("asterisk")
        await pilot.pause()
        assert "按 v 写下为什么" in text_of(app)
        await pilot.press("minus")
        await pilot.pause()
        assert "按 z 撤销" in text_of(app)


@pytest.mark.parametrize(
    ("mine", "says"),
    [
        ((("review.flagg", ("f",)),), "没有动作 review.flagg"),
        ((("review.flag", ("r",)),), "有两个用处"),
    ],
)
async def test_keys_that_will_not_do_are_one_clear_error(
    bank: Path, paths: Paths, mine: tuple[tuple[str, tuple[str, ...]], ...], says: str
) -> None:
    async with opened(bank, paths, keys=mine) as (app, pilot, _):
        await until(pilot, lambda: app.failure is not None)
        assert says in str(app.failure)
        assert str(paths.config_file) in str(app.failure)
        assert "\n" not in str(app.failure)


async def test_help_from_where_one_types_names_what_works_there(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, (100, 60)) as (app, pilot, _):
        await pilot.press("enter", "w", *"-_@/", "f1")
        await pilot.pause()
        shown = text_of(app)
        assert "Esc              写完了" in shown
        for other in ("Cursor", "今天不再出现", "暂停这道题", "找题"):
            assert other not in shown
        await pilot.press("escape")
        assert app.screen.query_one(Draft).text == "-_@/"
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "写完了  Written" in text_of(app))
        assert "Cursor" not in text_of(app)
        await pilot.press("escape", "escape", "slash")
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        await pilot.pause()
        await pilot.press("f1")
        await pilot.pause()
        shown = text_of(app)
        assert "↓" in shown
        assert "/ " not in shown
