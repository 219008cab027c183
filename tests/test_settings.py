"""config.toml: read, written, and never lost."""

from __future__ import annotations

import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from quizdl.settings import (
    DEFAULTS,
    KINDS,
    NAMES,
    Settings,
    explanation,
    load_settings,
    save_settings,
    typed,
)
from quizdl.words import QuizdlError

OWN = """\
# my settings
zero = 0
theme = "light"   # by the window

# three is plenty
new_per_day = 3

[keys]
review.flag = "f"
"""
MINE = OWN.replace("zero = 0\n", "")

SAVE = """
import sys
from pathlib import Path
from quizdl.settings import save_settings
from quizdl.words import QuizdlError
try:
    save_settings(Path(sys.argv[1]), {sys.argv[2]: int(sys.argv[3])})
except QuizdlError as error:
    print(error)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "config.toml"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")


def test_a_new_file_says_of_every_key_what_it_does(path: Path) -> None:
    saved = save_settings(path, {"new_per_day": 8})
    assert saved == load_settings(path) == Settings(new_per_day=8)
    lines = path.read_text("utf-8").splitlines()
    for name in NAMES:
        head = "[keys]" if name == "keys" else f"{name} = "
        at = next(n for n, line in enumerate(lines) if line.startswith(head))
        assert lines[at - 1] == f"# {explanation(name)}"


def test_what_is_not_changed_stays_to_the_letter(path: Path) -> None:
    write(path, MINE)
    save_settings(path, {"theme": "dark"}, {"review.undo": ("z", "ctrl+z")})
    expected = MINE.replace('"light"   #', '"dark"   #') + 'review.undo = ["z", "ctrl+z"]\n'
    assert path.read_text("utf-8") == expected
    saved = save_settings(path, {"theme": "light"}, {"review.undo": None})
    assert path.read_text("utf-8") == MINE
    assert saved.keys == (("review.flag", ("f",)),)


def test_a_key_that_the_file_lacks_comes_with_its_explanation(path: Path) -> None:
    write(path, MINE)
    assert save_settings(path, {"learning_steps": (2, 15.5)}).learning_steps == (2, 15.5)
    text = path.read_text("utf-8")
    assert f"learning_steps = [2, 15.5] # {explanation('learning_steps')}\n" in text
    assert tomllib.loads(text)["keys"] == {"review": {"flag": "f"}}


@pytest.mark.parametrize(
    "text", ['"review.flag" = "f"', 'review.flag = ["f"]', 'review = {flag="f"}']
)
def test_an_action_can_be_written_with_quotes_or_without(path: Path, text: str) -> None:
    write(path, f"[keys]\n{text}\n")
    assert load_settings(path).keys == (("review.flag", ("f",)),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("learning_steps = [1, 800]", "learning_steps 应在 1 到 720"),
        ("learning_steps = 10", "learning_steps 应当是分钟数的列表"),
        ("learning_steps = ['1']", "learning_steps 应当是分钟数的列表"),
        ("two_grades = 1", "two_grades 应当是 true 或 false"),
        ("theme = 'pink'", "theme 应当是这些之一：dark、light、high-contrast、no-color"),
        ("editor = 3", "editor 应当是加引号的文字"),
        ("keys = 3", "keys 应当是一张表"),
        ("[keys]\nreview.flag = 3", r"keys\.review\.flag 应当是一个键"),
        ("[keys]\nreview.flag = []", r"keys\.review\.flag 应当是一个键"),
    ],
)
def test_a_setting_that_will_not_do(path: Path, text: str, says: str) -> None:
    write(path, text)
    with pytest.raises(QuizdlError, match=says) as error:
        load_settings(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_typed() -> None:
    assert typed("learning_steps", "1，10 30") == (1, 10, 30)
    assert typed("learning_steps", "") == ()
    assert typed("desired_retention", " 0.85 ") == 0.85
    assert typed("editor", "code -w") == "code -w"
    for key, text in (("new_per_day", "many"), ("new_per_day", "1.5"), ("rollover_hour", "13")):
        with pytest.raises(QuizdlError, match=key):
            typed(key, text)
    assert set(KINDS) == set(NAMES)


def test_a_broken_file_is_not_written_over(path: Path) -> None:
    for text in (OWN, "new_per_day = "):
        write(path, text)
        with pytest.raises(QuizdlError, match=r"config\.toml"):
            save_settings(path, {"new_per_day": 4})
        assert path.read_text("utf-8") == text


def test_a_link_to_the_file_stays_one(path: Path, tmp_path: Path) -> None:
    write(path, "")
    path.unlink()
    (tmp_path / "dotfiles.toml").write_text(MINE, "utf-8")
    path.symlink_to(tmp_path / "dotfiles.toml")
    save_settings(path, {"new_per_day": 4})
    assert path.is_symlink()
    assert load_settings(tmp_path / "dotfiles.toml").new_per_day == 4


def test_nothing_is_lost_between_two_processes(path: Path) -> None:
    numbers = {
        "new_per_day": 4,
        "reviews_per_day": 50,
        "maximum_interval": 90,
        "learn_ahead_minutes": 7,
    }
    children = [
        subprocess.Popen([sys.executable, "-c", SAVE, str(path), name, str(value)])
        for name, value in numbers.items()
    ]
    assert [child.wait(60) for child in children] == [0] * len(numbers)
    assert load_settings(path) == Settings(**numbers)


def test_a_full_disk_leaves_the_old_file(path: Path) -> None:
    write(path, MINE)

    def small_disk() -> None:  # no file may grow beyond this: the write fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    ran = subprocess.run(
        [sys.executable, "-B", "-c", SAVE, str(path), "new_per_day", "4"],
        preexec_fn=small_disk,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith(f"写不了配置文件 {path}：")
    assert ran.stdout.count("\n") == 1
    assert path.read_text("utf-8") == MINE
    assert {file.name for file in path.parent.iterdir()} == {"config.toml", ".lock"}


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    path = tmp_path / "file" / "config.toml"
    assert load_settings(path) == DEFAULTS
    with pytest.raises(QuizdlError, match="设置没有改") as error:
        save_settings(path, {"new_per_day": 4})
    assert "\n" not in str(error.value)
