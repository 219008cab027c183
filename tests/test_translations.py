"""The English texts: all there, of the Chinese that stands now, with its placeholders; chosen by
setting or locale; packaged."""

from __future__ import annotations

import re
import shutil
import string
import subprocess
import sys
import tarfile
import zipfile
from gettext import GNUTranslations
from pathlib import Path

import pytest
from terminals import Quizdl
from translations import entries, updated

from quizdl.settings import find_paths
from quizdl.words import both, in_chinese, say
from quizdl.words.choice import VARIABLE, choose, config_file
from quizdl.words.translation import Translation, load
from quizdl.words.zh import TEXT

ENTRIES = entries()
CHINESE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef“”]")


def test_every_text_is_translated() -> None:
    assert [key for key, text in TEXT.items() if text and key not in ENTRIES] == []
    assert [key for key, entry in ENTRIES.items() if not entry.msgstr] == []


def test_no_translation_is_of_another_text() -> None:
    assert [key for key, entry in ENTRIES.items() if TEXT.get(key) != entry.msgid] == []
    assert [key for key, entry in ENTRIES.items() if entry.fuzzy] == []


def test_a_changed_text_and_a_new_one_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEXT, "rating.good", "想得起来")
    monkeypatch.setitem(TEXT, "rating.better", "更好")
    monkeypatch.delitem(TEXT, "rating.easy")
    found = {entry.msgctxt: entry for entry in updated(entries())}
    assert [key for key, entry in found.items() if not entry.translated()] == [
        "rating.good",
        "rating.better",
    ]
    assert found["rating.good"].previous_msgid == "记得"
    assert "rating.easy" not in found


CONTENT = (
    *("一句话", "要点", "辨析", "追问", "待写", "对称性", "我的笔记", "字节"),
    "- “说法。” → **错误**：正确的说法。",
    "- **问题？** 短答案。",
)
"""What stands in a bank, a deck or a question, whatever the language of the interface."""


def placeholders(text: str) -> set[tuple[str, str]]:
    """Of each: its name, and how it is formatted unless that chooses a form or a date."""
    return {
        (re.split(r"[.\[]", name)[0], "" if "|" in spec or "%" in spec else spec)
        for _, name, spec, _ in string.Formatter().parse(text)
        if name is not None and spec is not None
    }


def test_placeholders_are_those_of_the_chinese() -> None:
    for key, entry in ENTRIES.items():
        english, chinese = placeholders(entry.msgstr), placeholders(entry.msgid)
        names = {name for name, _ in english}
        assert names == {name for name, _ in chinese}, key
        assert chinese <= english | {(name, "") for name in names}, key
        assert entry.msgstr.count("\n") == entry.msgid.count("\n"), key


def without_content(text: str) -> str:
    return re.sub("|".join(map(re.escape, CONTENT)), "", text)


def test_english_is_english() -> None:
    found = [key for key, e in ENTRIES.items() if CHINESE.search(without_content(e.msgstr))]
    assert found == []


@pytest.fixture(scope="module")
def english() -> Translation:
    found = load("en")
    assert found is not None, "python tests/translations.py compiles it"
    return found


def test_a_count_has_its_form(english: Translation) -> None:
    def questions(count: object) -> str:
        return english.fill("no.such.key", "{count} question{count:|s}", {"count": count})

    assert [questions(n) for n in (0, 1, "1", 2, 1.5)] == [
        "0 questions",
        "1 question",
        "1 question",
        "2 questions",
        "1.5 questions",
    ]


def test_what_is_not_translated_is_said_in_chinese(english: Translation, tmp_path: Path) -> None:
    assert english.fill("no.such.key", "题 {n}", {"n": 1}) == "题 1"
    assert load("fr") is None


def test_both_languages_of_a_text() -> None:
    assert both("tui.key.stats") == (say("tui.key.stats"), ENTRIES["tui.key.stats"].msgstr)
    assert both("cli.doctor.config.good", path="/x") == ("/x",), "said once where they are equal"
    code = """if True:
        from quizdl.words import both, in_chinese, language, say, speak
        speak("en")
        print(both("tui.key.stats"), language())
        print(in_chinese("tui.key.stats"), in_chinese("sheet.points"))
    """
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    mine, other = both("tui.key.stats")
    assert ran.stdout == f"{(other, mine)} en\n{mine} {in_chinese('sheet.points')}\n"


@pytest.mark.parametrize(
    ("environ", "config", "spoken"),
    [
        ({}, "", "zh"),
        ({"LANG": "C"}, "", "zh"),
        ({"LANG": "de_DE.UTF-8"}, "", "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "", "zh"),
        ({"LANG": "en_US.UTF-8"}, "", "en"),
        ({"LANG": "en"}, "", "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C.UTF-8"}, "", "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "", "en"),
        ({"LANG": "zh_CN.UTF-8"}, 'language = "en"', "en"),
        ({"LANG": "en_US.UTF-8"}, 'language = "zh"', "zh"),
        ({"LANG": "en_US.UTF-8"}, 'language = "auto"', "en"),
        ({"LANG": "en_US.UTF-8"}, "language = [", "en"),
        ({"LANG": "en_US.UTF-8"}, "language = 3", "en"),
        ({"LANG": "zh_CN.UTF-8", VARIABLE: "en"}, 'language = "zh"', "en"),
        ({"LANG": "en_US.UTF-8", VARIABLE: "zh"}, 'language = "en"', "zh"),
        ({"LANG": "en_US.UTF-8", VARIABLE: "klingon"}, "", "en"),
    ],
)
def test_the_language_is_asked_for_set_or_the_locale(
    environ: dict[str, str], config: str, spoken: str, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(config)
    assert choose(environ | {"QUIZDL_HOME": str(tmp_path)}) == spoken


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"XDG_CONFIG_HOME": "/x/y"},
        {"XDG_CONFIG_HOME": " "},
        {"QUIZDL_HOME": "/q"},
        {"QUIZDL_HOME": "relative"},
        {"QUIZDL_HOME": "~no.such.user/q"},
    ],
)
def test_the_setting_is_read_where_settings_are(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CONFIG_HOME", "QUIZDL_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert config_file() == find_paths().config_file


COMMANDS = (
    *("", "review", "list", "show", "run", "check", "stats", "new", "export", "import", "trust"),
    *("paths", "doctor", "export anki", "export html", "import anki"),
)


@pytest.mark.parametrize(
    ("variables", "spoken"),
    [
        ({"LANG": "en_US.UTF-8", VARIABLE: ""}, "en"),
        ({"LANG": "zh_CN.UTF-8", VARIABLE: ""}, "zh"),
        ({"LANG": "C", VARIABLE: ""}, "zh"),
        ({"LANG": "en_US.UTF-8", VARIABLE: "zh"}, "zh"),
        ({"LANG": "C", VARIABLE: "en"}, "en"),
    ],
)
def test_help_is_in_the_language(quizdl: Quizdl, variables: dict[str, str], spoken: str) -> None:
    ran = quizdl("list", "--help", env={"LC_ALL": "", "LC_MESSAGES": ""} | variables)
    assert ran.returncode == 0
    assert ran.stdout.startswith("Usage: quizdl list" if spoken == "en" else "用法：quizdl list")
    assert bool(CHINESE.search(without_content(ran.stdout))) is (spoken == "zh")


@pytest.mark.parametrize("command", COMMANDS)
def test_english_help_has_no_chinese(quizdl: Quizdl, command: str) -> None:
    ran = quizdl(*command.split(), "--help", env={VARIABLE: "en"})
    assert ran.returncode == 0
    assert not CHINESE.search(without_content(ran.stdout))


def test_wrong_use_is_one_english_sentence(quizdl: Quizdl) -> None:
    ran = quizdl("list", "--levle", "1", env={VARIABLE: "en"})
    assert ran.returncode == 2
    assert "No such option" in ran.stderr
    assert not CHINESE.search(ran.stderr)
    assert ran.stderr.count("\n") == 1


def test_a_demo_that_fails_is_told_in_english(quizdl: Quizdl, bank: Path) -> None:
    """What the child, which is not told our environment, says of it, and what we do."""
    demo = next(bank.glob("*/doubling/demo.py"))
    text = demo.read_text("utf-8")
    demo.write_text(text.replace('return {"误差": error(how, seed)[0]}', "return []"), "utf-8")
    ran = quizdl("run", "doubling#squares", "--bank", str(bank), env={VARIABLE: "en"})
    assert "failed (seed 0): must return a dict {name: number}, but" in ran.stdout
    assert "0/1 claim proved, 5 seeds" in ran.stdout


@pytest.mark.slow
def test_without_the_catalogue_it_is_chinese_and_doctor_says_so(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    import quizdl

    copy = tmp_path / "copy"
    shutil.copytree(
        Path(quizdl.__file__).parent,
        copy / "quizdl",
        ignore=shutil.ignore_patterns("*.mo", "_content", "__pycache__"),
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "quizdl", *arguments],
            env=surroundings | {VARIABLE: "en", "PYTHONPATH": str(copy)},
            cwd=copy,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    assert run("--help").stdout.startswith("用法：")
    assert say("cli.doctor.language.missing", code="en") in run("doctor").stdout


@pytest.mark.slow
def test_a_wheel_made_of_the_source_package_holds_the_texts(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    if not (root / "pyproject.toml").exists():
        pytest.skip("not run from a source tree")
    tree, dist = tmp_path / "tree", tmp_path / "dist"
    shutil.copytree(
        root,
        tree,
        ignore=shutil.ignore_patterns(".git", ".venv*", "*.mo", "__pycache__", ".*_cache", "dist"),
    )
    build(tree, dist, "sdist")
    (package,) = dist.glob("*.tar.gz")
    with tarfile.open(package) as archive:
        archive.extractall(tmp_path, filter="data")
    build(tmp_path / package.name.removesuffix(".tar.gz"), dist, "wheel")
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive, archive.open("quizdl/words/en.mo") as file:
        catalogue = GNUTranslations(file)
        assert not [name for name in archive.namelist() if name.endswith(".po")]
    assert catalogue.pgettext("rating.good", TEXT["rating.good"]) == "Good"


def build(tree: Path, dist: Path, target: str) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(dist), "-t", target]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)


@pytest.mark.parametrize("form", ["tsv", "html"])
def test_an_export_does_not_change_with_the_language(
    quizdl: Quizdl, bank: Path, tmp_path: Path, form: str
) -> None:
    made = []
    for code in ("zh", "en"):
        path = tmp_path / f"{code}.{form}"
        ran = quizdl("export", form, "-o", str(path), "--bank", str(bank), env={VARIABLE: code})
        assert ran.returncode == 0, ran.stderr
        made.append(path.read_text("utf-8"))
    assert made[0] == made[1]
