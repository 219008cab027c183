"""The command line, run as people and scripts run it: real children, real files, real signals."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from banks import DEMO, QUESTION, trust_bank, write_question
from terminals import Quizdl, on_terminal

from quizdl.memory import open_store
from quizdl.render.cells import cells
from quizdl.settings import load_settings
from quizdl.words import QuizdlError

COMMANDS = ("", "list", "show", "run", "check", "new", "review", "trust", "paths", "doctor")
COMMANDS += ("export", "export anki", "export tsv", "export markdown", "export html", "export data")
COMMANDS += ("import", "import anki", "import data", "stats")


def strict(text: str) -> Any:
    """The one JSON document of `text`; ValueError for two, for none, for NaN and infinities."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def is_one_line(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") == 1 and len(text) > 1


# --- help and wrong use --------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_chinese_with_examples(quizdl: Quizdl, command: str) -> None:
    ran = quizdl(*command.split(), "--help")
    assert ran.returncode == 0
    assert ran.stderr == ""
    assert ran.stdout.startswith(f"用法：quizdl {command}".rstrip())
    assert f"  例\n    quizdl {command}".rstrip() in ran.stdout
    assert "选项：\n" in ran.stdout
    assert not re.search(r"Usage|Options|Commands|Show|INTEGER|TEXT|PATH\b(?!\])", ran.stdout)
    assert max(cells(line) for line in ran.stdout.splitlines()) <= 80


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("--nonsense", "没有选项 --nonsense。"),
        ("lst", "没有命令 lst。是不是想用 'list'？"),
        ("list --levle 1", "'--level'？"),
        ("list --level 9", "9 不在范围"),
        ("list --level x", "'x' 不是整数"),
        ("list --topic", "选项 --topic 后面要有一个值"),
        ("show", "缺少参数 'ID'。"),
        ("show a b", "多出了参数（b）。"),
        ("run a --seed -1", "-1 不在范围"),
        ("check --seeds 0", "0 不在范围"),
        ("review --limit 0 --plain", "0 不在范围"),
    ],
)
def test_wrong_use_is_one_chinese_line(quizdl: Quizdl, arguments: str, says: str) -> None:
    ran = quizdl(*arguments.split())
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert is_one_line(ran.stderr)
    assert says in ran.stderr
    command = arguments.split()[0]
    shown = f"quizdl {command} --help" if command in COMMANDS else "quizdl --help"
    assert f"运行“{shown}”" in ran.stderr
    assert "invalid" not in ran.stderr.lower()


def test_without_a_terminal_the_screens_do_not_open(quizdl: Quizdl, bank: Path) -> None:
    for arguments in ((), ("review",)):
        ran = quizdl(*arguments, env={"QUIZDL_BANK": str(bank)})
        assert (ran.returncode, ran.stdout) == (1, "")
        assert is_one_line(ran.stderr)
        assert "--plain" in ran.stderr


# --- which bank ----------------------------------------------------------------------------


def test_the_bank_may_be_named_before_and_after_and_in_the_environment(
    quizdl: Quizdl, bank: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    write_question(other, "adding")
    environment = {"QUIZDL_BANK": str(other)}

    def listed(*arguments: str) -> set[str]:
        return {each["id"] for each in strict(quizdl(*arguments, env=environment).stdout)}

    assert listed("list", "--json") == {"adding"}
    assert listed("--bank", str(bank), "list", "--json") == {"doubling", "halving"}
    assert listed("list", "--json", "--bank", str(bank)) == {"doubling", "halving"}
    assert listed("--bank", str(other), "list", "--json", "--bank", str(bank)) != {"adding"}


@pytest.mark.parametrize("kind", ["missing", "file", "unknown home", "too long"])
def test_a_bank_that_is_none(quizdl: Quizdl, tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    name = {"unknown home": "~nobody-at-all/bank", "too long": "x" * 5000}.get(kind, kind)
    path = name if kind == "unknown home" else str(tmp_path / name)
    ran = quizdl("list", env={"QUIZDL_BANK": path})
    assert (ran.returncode, ran.stdout) == (1, "")
    assert is_one_line(ran.stderr)
    assert path in ran.stderr


def test_an_empty_bank(quizdl: Quizdl, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    at = ("--bank", str(tmp_path / "empty"))
    ran = quizdl("list", *at)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "没有符合条件的题。\n", "")
    assert strict(quizdl("list", "--json", *at).stdout) == []
    for command in ("check", "review --plain"):
        ran = quizdl(*command.split(), *at)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert is_one_line(ran.stderr)
        assert "一道题也没有" in ran.stderr


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    # slug: how to break a sound question, and what the line about it says
    "bad-toml": (lambda at: change(at / "question.md", "level = 1", "level = "), "md:2：TOML"),
    "twice-key": (
        lambda at: change(at / "question.md", "level = 1", "level = 1\nlevel = 2"),
        "md:3：TOML",
    ),
    "new-key": (lambda at: change(at / "question.md", "level = 1", "level = 1\nlvl = 1"), "键 lvl"),
    "no-demo": (lambda at: (at / "demo.py").unlink(), "缺少 demo.py"),
    "no-syntax": (lambda at: change(at / "demo.py", "def error(", "def error(("), "语法错误"),
    "no-text": (lambda at: (at / "question.md").write_bytes(b"\xff\xfe"), "UTF-8"),
    "no-file": (
        lambda at: (at / "demo.py").unlink() or (at / "demo.py").mkdir(),
        "demo.py：读不了",
    ),
}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_broken_question_costs_one_line_and_only_itself(quizdl: Quizdl, bank: Path) -> None:
    for slug, (damage, _) in FAULTS.items():
        damage(write_question(bank, slug))
    write_question(bank, "halving", topic="twice")
    ran = quizdl("list", "--bank", str(bank), "--json")
    assert ran.returncode == 1
    assert [each["id"] for each in strict(ran.stdout)] == ["doubling", "halving"]
    lines = ran.stderr.splitlines()
    assert len(lines) == len(FAULTS) + 1
    for slug, (_, says) in FAULTS.items():
        (line,) = (line for line in lines if f"/{slug}/" in line)
        assert says in line
    assert "id halving 已经属于" in lines[-1]


@pytest.mark.parametrize("slug", ["bad-toml", "no-demo"])
def test_running_a_broken_question_says_what_is_broken(
    quizdl: Quizdl, bank: Path, slug: str
) -> None:
    damage, says = FAULTS[slug]
    damage(write_question(bank, slug))
    ran = quizdl("run", slug, "--bank", str(bank))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert is_one_line(ran.stderr)
    assert says in ran.stderr
    assert ":0" not in ran.stderr


def test_unknown_names_are_answered_with_near_ones(quizdl: Quizdl, bank: Path) -> None:
    at = ("--bank", str(bank))
    ran = quizdl("run", "dubling", *at)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert is_one_line(ran.stderr)
    assert "是不是想找：doubling" in ran.stderr
    assert "quizdl list" in quizdl("show", "zzz", *at).stderr
    ran = quizdl("run", "doubling#dubles", *at)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert is_one_line(ran.stderr)
    assert "doubles、squares、triples" in ran.stderr


# --- documents -----------------------------------------------------------------------------


def test_list_prints_the_promised_shape(quizdl: Quizdl, bank: Path) -> None:
    asked = QUESTION.replace("level = 1", 'level = 2\nasked_by = ["字节"]')
    write_question(bank, "adding", question=asked)
    (document, *_) = strict(quizdl("list", "--json", "--bank", str(bank)).stdout)
    assert document == {
        "id": "adding",
        "topic": "arithmetic",
        "title": "adding 吗？",
        "level": 2,
        "tags": ["测试"],
        "asked_by": ["字节"],
        "claims": [
            {"id": "doubles", "text": "翻倍就是乘二"},
            {"id": "squares", "text": "平方不是翻倍"},
            {"id": "triples", "text": "三倍不是翻倍"},
        ],
    }


def test_list_by_words_and_filters(quizdl: Quizdl, bank: Path) -> None:
    asked = QUESTION.replace("level = 1", 'level = 2\nasked_by = ["字节"]')
    write_question(bank, "adding", topic="sums", question=asked)
    (bank / "sums/topic.toml").write_text('title = "加法"\norder = 2\n', "utf-8")
    for arguments, ids in {
        "平方 负数": ["doubling", "halving", "adding"],
        "平方 没有这个词": [],
        "--topic 加法": ["adding"],
        "--company 字节": ["adding"],
        "--level 1": ["doubling", "halving"],
        "--topic sums --tag 测试 --level 2 ADDING": ["adding"],
    }.items():
        ran = quizdl("list", *arguments.split(), "--json", "--bank", str(bank))
        assert [each["id"] for each in strict(ran.stdout)] == ids
        assert (ran.returncode, ran.stderr) == (0, "")


def test_run_prints_the_promised_shape(quizdl: Quizdl, bank: Path) -> None:
    ran = quizdl("run", "doubling", "--json", "--bank", str(bank))
    document = strict(ran.stdout)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert set(document) == {"question", "claims"}
    assert document["question"] == "doubling"
    assert [claim["id"] for claim in document["claims"]] == ["doubles", "squares", "triples"]
    claim = document["claims"][0]
    assert claim["text"] == "翻倍就是乘二"
    assert (claim["verdict"], claim["seeds"]) == ("proved", 5)
    assert 0 < claim["ms"] < 60_000
    names = ("name", "role", "bound", "value", "control", "holds")
    guard, expectation = [[measure[name] for name in names] for measure in claim["measures"]]
    assert guard[:3] == ["输入", "guard", ">= 1"]
    assert guard[3] >= 3
    assert guard[5] is True
    assert expectation[:4] == ["误差", "expect", "<= 1e-9", 0]
    assert expectation[4] > 0.5
    assert expectation[5] is True


def test_numbers_that_json_cannot_say_are_null(quizdl: Quizdl, tmp_path: Path) -> None:
    demo = DEMO.replace('"输入": x, "误差": off', '"输入": float("nan"), "误差": float("inf")')
    write_question(tmp_path / "bank", "doubling", demo=demo)
    ran = quizdl("run", "doubling#doubles", "--json", "--bank", str(tmp_path / "bank"))
    (claim,) = strict(ran.stdout)["claims"]
    assert claim["verdict"] == "not_proved"
    assert [measure["value"] for measure in claim["measures"]] == [None, None]
    assert ran.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("list --json --bank nowhere", 1),
        ("show nothing --json", 1),
        ("run nothing --json", 1),
        ("run doubling#nothing --json", 1),
        ("run doubling --json --set", 2),
        ("paths --json more", 2),
    ],
)
def test_a_failure_is_one_document_too(
    quizdl: Quizdl, bank: Path, arguments: str, code: int
) -> None:
    ran = quizdl(*arguments.split(), env={"QUIZDL_BANK": str(bank)})
    assert ran.returncode == code
    assert is_one_line(ran.stderr)
    assert strict(ran.stdout) == {"error": ran.stderr.strip()}


@pytest.mark.parametrize("arguments", ["--bank nowhere", "nowhere", "."])
def test_a_check_that_cannot_begin_is_a_problem(
    quizdl: Quizdl, tmp_path: Path, arguments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = quizdl("check", "--json", *arguments.split())
    document = strict(ran.stdout)
    assert (document["questions"], document["claims"], document["proved"]) == (0, 0, 0)
    assert len(document["problems"]) == 1
    assert ran.returncode == 1


def test_show_prints_the_whole_answer(quizdl: Quizdl, bank: Path) -> None:
    ran = quizdl("show", "doubling", "--bank", str(bank))
    for part in ("doubling 吗？", "平方不是翻倍", "某文 (2020)"):
        assert part in ran.stdout
    document = strict(quizdl("show", "doubling", "--json", "--bank", str(bank)).stdout)
    assert document["demo"] == DEMO
    assert document["back"].startswith("## 一句话")


# --- run -----------------------------------------------------------------------------------

KNOBS = """\
import time

from quizdl.proof import claim


@claim(
    expect={"和": "<= 100"},
    control=[{"whole": 90, "part": 90.0}, {"part": 1000.0}],
    knobs={"whole": [1, 99], "part": [0.5, 2000.0], "how": ["plain", "twice"]},
)
def doubles(whole=3, part=1.5, how="plain", loud=False, seed=0):
    if loud:
        print("响")
    return {"和": (whole + part) * (2 if how == "twice" else 1) + seed / 10, "数": float(whole)}


@claim(expect={"和": "<= 10"}, control={"wait": 100.0})
def squares(wait=0.01, seed=0):
    time.sleep(min(wait, 0.01))
    return {"和": wait}


@claim(expect={"和": "<= 10"}, control={"wait": 100.0})
def triples(wait=0.01, seed=0):
    time.sleep(0.1)
    return {"和": wait}
"""


@pytest.fixture
def knobs(tmp_path: Path) -> Path:
    write_question(tmp_path / "knobs", "turning", demo=KNOBS)
    return tmp_path / "knobs"


def test_settings_and_seed_reach_the_demo(quizdl: Quizdl, knobs: Path) -> None:
    turned = "--set whole=4 --set part=2 --set how=twice --set loud=true --seed 7"
    ran = quizdl("run", "turning#doubles", *turned.split(), "--json", "--bank", str(knobs))
    (claim,) = strict(ran.stdout)["claims"]
    assert (claim["verdict"], claim["seeds"]) == ("proved", 1)
    assert claim["measures"][0]["value"] == pytest.approx(12.7)
    ran = quizdl("run", "turning", *turned.split(), "--bank", str(knobs))
    assert "1/1 个命题已证，1 个种子" in ran.stdout, "of three claims, one has these parameters"
    assert "│ 响" in ran.stdout


def test_the_control_takes_the_place_of_the_claim(quizdl: Quizdl, knobs: Path) -> None:
    ran = quizdl("run", "turning#doubles", "--control", "--json", "--bank", str(knobs))
    (claim,) = strict(ran.stdout)["claims"]
    assert ran.returncode == 1
    assert claim["verdict"] == "not_proved"
    assert claim["measures"][0]["value"] == pytest.approx(180.4)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("whole", "名字=值"),
        ("nothing=1", "whole、part、how、loud、wait"),
        ("whole=many", "整数"),
        ("whole=2.5", "整数"),
        ("whole=100", "1 … 99"),
        ("part=nan", "“nan”不是"),
        ("part=inf", "“inf”不是"),
        ("how=thrice", "plain、twice"),
        ("loud=maybe", "true 或 false"),
        ("seed=3", "“seed”不是"),
    ],
)
def test_a_wrong_setting_runs_nothing(quizdl: Quizdl, knobs: Path, setting: str, says: str) -> None:
    ran = quizdl("run", "turning", "--set", setting, "--bank", str(knobs))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert is_one_line(ran.stderr)
    assert says in ran.stderr


def test_results_come_in_the_order_of_the_answer_as_soon_as_they_can(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    """The second claim is the slow one: the first does not wait for it, the third does."""
    text = QUESTION.replace("#squares", "#T").replace("#triples", "#squares")
    text = text.replace("#T", "#triples")
    write_question(tmp_path / "bank", "turning", question=text, demo=KNOBS)
    trust_bank(tmp_path / "bank", Path(surroundings["QUIZDL_HOME"]))
    arrived: list[tuple[float, str]] = []
    command = [sys.executable, "-m", "quizdl", "run", "turning", "--bank", str(tmp_path / "bank")]
    with subprocess.Popen(
        command, env=surroundings, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        arrived = [(time.monotonic(), line) for line in process.stdout]
    claims = [(at, line) for at, line in arrived if line.startswith("✓")]
    assert [line[2:8] for _, line in claims] == ["翻倍就是乘二", "平方不是翻倍", "三倍不是翻倍"]
    first, second, third = (at for at, _ in claims)
    assert second - first > 0.5
    assert third - second < (second - first) / 2, "however slow the machine is"


def test_a_result_fits_eighty_columns(quizdl: Quizdl, tmp_path: Path) -> None:
    long = "这个量的名字长得没有道理而且还在继续变长"
    demo = DEMO.replace('"误差"', f'"{long}"').replace('"输入"', f'"{long[::-1]}"')
    sentence = "翻倍就是乘二，" * 12
    text = QUESTION.replace("翻倍就是乘二", sentence)
    write_question(tmp_path / "bank", "doubling", question=text, demo=demo)
    ran = quizdl("run", "doubling#doubles", "--bank", str(tmp_path / "bank"))
    assert ran.returncode == 0
    assert max(cells(line) for line in ran.stdout.splitlines()) <= 80
    assert "\x1b" not in ran.stdout
    assert long in ran.stdout


HOSTILE = """\
import ctypes
import resource

from quizdl.proof import claim


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def spins(a=1.0, seed=0):
    resource.setrlimit(resource.RLIMIT_CPU, (1, 9))  # a second is enough
    while True:
        pass


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def hoards(a=1.0, seed=0):
    return {"数": float(len(bytearray(10 << 30)))}


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def chatters(a=1.0, seed=0):
    while True:
        print("spam")


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def crashes(a=1.0, seed=0):
    ctypes.string_at(0)


@claim(expect={"数": ">= 0"}, control={"a": -1.0})
def sound(a=1.0, seed=0):
    return {"数": a}
"""


def test_hostile_demos_become_verdicts(quizdl: Quizdl, tmp_path: Path) -> None:
    verdicts = {
        "spins": "timeout",
        "hoards": "limit",
        "chatters": "limit",
        "crashes": "error",
        "sound": "proved",
    }
    links = "".join(f"- [{name}](demo.py#{name})。\n" for name in verdicts)
    text = re.sub(r"(- \[.*\n)+", links, QUESTION).replace("#doubles", "#sound")
    write_question(tmp_path / "bank", "hostile", question=text, demo=HOSTILE)
    ran = quizdl("run", "hostile", "--json", "--bank", str(tmp_path / "bank"))
    found = {claim["id"]: claim["verdict"] for claim in strict(ran.stdout)["claims"]}
    assert found == verdicts
    assert (ran.returncode, ran.stderr) == (1, "")


# --- pipes, terminals, encodings, signals --------------------------------------------------


def without_a_reader(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Exit code and stderr of a command whose stdout nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        command,
        env=environment,
        stdout=write,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    os.close(write)
    return ran.returncode, ran.stderr


def test_a_reader_that_goes_away(surroundings: dict[str, str], bank: Path) -> None:
    trust_bank(bank, Path(surroundings["QUIZDL_HOME"]))
    quizdl = [sys.executable, "-m", "quizdl", "--bank", str(bank)]
    for arguments in ("list", "list --json", "run doubling", "check"):
        _, said = without_a_reader([*quizdl, *arguments.split()], surroundings)
        assert said == "", arguments
    demo = bank / "arithmetic/doubling/demo.py"
    _, said = without_a_reader([sys.executable, str(demo)], surroundings)
    assert said == "", "python demo.py | head"


def test_closed_streams(surroundings: dict[str, str], bank: Path) -> None:
    trust_bank(bank, Path(surroundings["QUIZDL_HOME"]))
    line = f'"{sys.executable}" -m quizdl --bank "{bank}" %s'
    for arguments, code in (
        ("run doubling >&-", 0),
        ("check 2>&-", 0),
        ("run nothing 2>&- >&-", 1),
        ("review --plain <&-", 0),
    ):
        ran = subprocess.run(
            ["sh", "-c", line % arguments],
            env=surroundings,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert ran.returncode == code, arguments
        assert "Traceback" not in ran.stderr + ran.stdout


POOR = {"PYTHONIOENCODING": "latin-1"}  # click itself mends ASCII


def test_a_terminal_without_chinese(
    quizdl: Quizdl, surroundings: dict[str, str], bank: Path
) -> None:
    at = {"QUIZDL_BANK": str(bank)}
    ran = quizdl("list", env=POOR | at)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "doubling" in ran.stdout
    titles = [each["title"] for each in strict(quizdl("list", "--json", env=POOR | at).stdout)]
    assert titles == ["doubling 吗？", "halving 吗？"], "a document loses nothing"
    ran = quizdl("run", "nothing", env=POOR | at)
    assert ran.returncode == 1
    assert "nothing" in ran.stderr
    ran = quizdl("review", "--plain", env={"LC_ALL": "C"} | at, stdin="\n3\n")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "doubling 吗？" in ran.stdout, "Python itself knows what LANG=C means"
    ran = subprocess.run(
        [sys.executable, bank / "arithmetic/doubling/demo.py"],
        env=surroundings | POOR,
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"doubles" in ran.stdout


def test_a_long_title_is_cut_on_a_terminal_only(
    quizdl: Quizdl, surroundings: dict[str, str], tmp_path: Path
) -> None:
    title = "为什么" * 30
    write_question(tmp_path / "bank", "long", question=QUESTION.replace("{title}", title))
    assert title in quizdl("list", "--bank", str(tmp_path / "bank")).stdout
    command = "list", "--bank", str(tmp_path / "bank")
    shown = on_terminal(*command, env=surroundings | {"NO_COLOR": "1"})
    assert "为什么…" in shown.text
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown.text)
    assert max(cells(line) for line in plain.splitlines()) <= 80


DRAWING = DEMO.replace("import claim", "import claim, line").replace(
    'return {"输入": x, "误差": off}',
    'return {"输入": x, "误差": off, "曲线": line({"甲": [x, float("nan"), off]}, x_label="步")}',
)


def test_figures_are_drawn_on_a_terminal_and_written_to_json(
    quizdl: Quizdl, surroundings: dict[str, str], tmp_path: Path
) -> None:
    write_question(tmp_path, "drawn", demo=DRAWING)
    trust_bank(tmp_path, Path(surroundings["QUIZDL_HOME"]))
    at = ("run", "drawn#doubles", "--bank", str(tmp_path))
    shown = on_terminal(*at, env=surroundings)
    assert shown.code == 0
    text = re.sub(r"\x1b\[[\d;]*m", "", shown.text)
    assert "曲线 · 对照 1" in text
    assert max(cells(line) for line in text.splitlines()) <= 80
    assert "曲线" not in on_terminal(*at, "--no-figures", env=surroundings).text
    assert "曲线" not in quizdl(*at).stdout
    assert "曲线 · 对照 1" in quizdl(*at, "--figures").stdout
    (claim,) = strict(quizdl(*at, "--json").stdout)["claims"]
    own, control = claim["figures"]
    assert (own["arm"], control["arm"]) == (0, 1)
    assert own["series"][0]["x"] == [0, 1, 2]
    assert own["series"][0]["y"][1] is None
    assert own["series"][0]["y"][2] != control["series"][0]["y"][2]
    assert own.keys() - {"arm", "series"} == {
        "kind",
        "title",
        "x_label",
        "y_label",
        "log_x",
        "log_y",
        "categories",
        "rules",
    }


def descendants(pid: int) -> set[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def names(pids: set[int]) -> set[str]:
    """What the processes call themselves (prctl 15, PR_SET_NAME)."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):  # it has just ended
            found.add(Path(f"/proc/{pid}/comm").read_text().strip())
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processes through /proc")
@pytest.mark.parametrize("command", ["run doubling", "run doubling --json", "check"])
def test_ctrl_c_ends_everything(surroundings: dict[str, str], tmp_path: Path, command: str) -> None:
    work = 'import ctypes, time\n\n    ctypes.CDLL(None).prctl(15, b"at work")\n    time.sleep(60)'
    write_question(tmp_path / "bank", "doubling", demo=DEMO.replace("x = 3", work))
    trust_bank(tmp_path / "bank", Path(surroundings["QUIZDL_HOME"]))
    process = subprocess.Popen(
        [sys.executable, "-m", "quizdl", *command.split(), "--bank", str(tmp_path / "bank")],
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while "at work" not in names(started := descendants(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, said = process.communicate(timeout=10)
    assert process.returncode == 130
    *before, last = said.strip().splitlines()
    assert last == "已中断。"
    assert command == "check" or before == []  # it has found fault with the source by then
    if "--json" in command:
        assert strict(output) == {"error": "已中断。"}
    deadline = time.monotonic() + 5  # the last of them may still be on its way out
    while any(Path(f"/proc/{pid}").exists() for pid in started):
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- surroundings --------------------------------------------------------------------------


def make_newer(database: Path) -> None:
    open_store(database).close()
    connection = sqlite3.connect(database)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()


def make_foreign(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE notes (text)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("name", "damage", "says"),
    [
        ("config.toml", lambda path: path.write_text("new_per_day = "), "config.toml"),
        ("config.toml", lambda path: path.write_text("colour = 1"), "colour"),
        ("memory.sqlite3", lambda path: path.write_text("no database at all" * 99), "不是 SQLite"),
        ("memory.sqlite3", make_foreign, "别的程序"),
        ("memory.sqlite3", make_newer, "升级"),
        ("memory.sqlite3", lambda path: path.mkdir(), "memory.sqlite3"),
    ],
)
def test_files_that_are_not_ours_or_not_right_are_left_alone(
    quizdl: Quizdl,
    tmp_path: Path,
    bank: Path,
    name: str,
    damage: Callable[[Path], object],
    says: str,
) -> None:
    path = tmp_path / "home" / name
    path.parent.mkdir()
    damage(path)
    before = path.read_bytes() if path.is_file() else None
    ran = quizdl("review", "--plain", "--bank", str(bank), stdin="\n3\n")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert is_one_line(ran.stderr)
    assert says in ran.stderr
    assert str(path) in ran.stderr
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"desired_retention = 2.0", "0.7 到 0.99"),
        (b"desired_retention = nan", "0.7 到 0.99"),
        (b"new_per_day = '5'", "整数"),
        (b"new_per_day = true", "整数"),
        (b"new_per_day = 1\nnew_per_day = 2", "config.toml"),
        (b"\xff", "config.toml"),
    ],
)
def test_a_setting_that_will_not_do(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text)
    with pytest.raises(QuizdlError, match=says):
        load_settings(path)


def test_a_home_that_cannot_be(quizdl: Quizdl, tmp_path: Path, bank: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    home = {"QUIZDL_HOME": str(tmp_path / "file/home")}
    ran = quizdl("review", "--plain", "--bank", str(bank), env=home)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert is_one_line(ran.stderr)
    assert f"{tmp_path}/file/home/memory.sqlite3" in ran.stderr


def test_paths(quizdl: Quizdl, tmp_path: Path, bank: Path) -> None:
    document = strict(quizdl("paths", "--json", "--bank", str(bank)).stdout)
    home = tmp_path / "home"
    assert document == {
        "bank": str(bank),
        "data": str(home),
        "database": str(home / "memory.sqlite3"),
        "config": str(home / "config.toml"),
    }
    ran = quizdl("paths", "--bank", str(bank))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"复习记录：{home}/memory.sqlite3\n" in ran.stdout
    assert not home.exists(), "asking makes nothing"


def test_doctor_finds_nothing_wrong_and_makes_nothing(
    quizdl: Quizdl, tmp_path: Path, bank: Path
) -> None:
    ran = quizdl("doctor", "--json", "--bank", str(bank))
    findings = strict(ran.stdout)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert all(set(finding) == {"name", "good", "detail"} for finding in findings)
    details = " ".join(finding["detail"] for finding in findings)
    for part in ("Python 3", "numpy", "2 道题", "第一次复习时建立", "80 列", "内存上限"):
        assert part in details
    assert not (tmp_path / "home").exists()


def test_doctor_names_everything_that_is_wrong(quizdl: Quizdl, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("colour = 1", "utf-8")
    make_foreign(home / "memory.sqlite3")
    ran = quizdl("doctor", "--bank", str(tmp_path / "nowhere"))
    assert (ran.returncode, ran.stderr) == (1, "")
    wrong = [line for line in ran.stdout.splitlines() if line.startswith("✗")]
    assert len(wrong) == 3
    for part in ("nowhere", "colour", "别的程序"):
        assert any(part in line for line in wrong)


# --- new -----------------------------------------------------------------------------------


def test_a_new_question_is_proved_at_once_and_unfinished(quizdl: Quizdl, bank: Path) -> None:
    at = ("--bank", str(bank))
    ran = quizdl("new", "calculus/central-difference", *at)
    assert (ran.returncode, ran.stderr) == (0, "")
    folder = bank / "calculus/central-difference"
    assert str(folder) in ran.stdout
    assert {each.name for each in folder.iterdir()} == {"question.md", "demo.py"}
    assert quizdl("run", "central-difference", *at).returncode == 0
    ran = quizdl("check", str(folder), "--json")
    document = strict(ran.stdout)
    assert (ran.returncode, document["proved"]) == (1, 1)
    left = [each["message"] for each in document["problems"] if "待写" not in each["message"]]
    assert left == ["只有 1 个被证明的命题。"]
    assert {Path(each["path"]).name for each in document["problems"]} == {"question.md", "demo.py"}


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("arithmetic/doubling", "已经存在"),
        ("other/doubling", "已经被"),
        ("other/unreadable", "已经被"),
        ("other/once-doubled", "已经被"),
        ("doubling", "主题/题目"),
        ("a/b/c", "主题/题目"),
        ("../outside", "主题/题目"),
        ("other/Doubling", "主题/题目"),
        ("other/question-2", "主题/题目"),
        ("other/中文", "主题/题目"),
    ],
)
def test_a_name_that_will_not_do(quizdl: Quizdl, bank: Path, target: str, says: str) -> None:
    renamed = QUESTION.replace("level = 1", 'level = 1\nformerly = ["once-doubled"]')
    write_question(bank, "thrice", question=renamed)
    write_question(bank, "unreadable", question="?")
    before = sorted(bank.parent.rglob("*"))
    ran = quizdl("new", target, "--bank", str(bank))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert is_one_line(ran.stderr)
    assert says in ran.stderr
    assert sorted(bank.parent.rglob("*")) == before


def test_a_bank_that_cannot_be_written(quizdl: Quizdl, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    ran = quizdl("new", "calculus/slope", "--bank", str(tmp_path / "file"))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert is_one_line(ran.stderr)
    assert f"{tmp_path}/file/calculus/slope" in ran.stderr


# --- start ---------------------------------------------------------------------------------


def test_list_loads_no_numbers_no_database_and_no_screen(bank: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "quizdl", "list", "--bank", str(bank)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in ran.stderr.splitlines()}
    assert "tomllib" in imported
    assert imported.isdisjoint({"numpy", "sqlalchemy", "fsrs", "textual", "rich", "pygments"})
