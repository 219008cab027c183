"""The judge decides from raw numbers alone."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from quizdl.bank.declaration import read_claims
from quizdl.model import Sample, Verdict
from quizdl.proof.judge import Failure, judge

SOURCE = """
@claim(
    guard={"大小": ">= 1"},
    expect={"误差": "<= 0.1", "次数": "== 3"},
    control=[{"how": "b"}, {"how": "c"}],
)
def f(how="a", seed=0): ...
"""
((CLAIM,), _) = read_claims(SOURCE, Path("demo.py"))
SEEDS = (0, 1)
GOOD = {"大小": 2.0, "误差": 0.05, "次数": 3.0}
FAILING = {"大小": 2.0, "误差": 0.9, "次数": 3.0}


def samples(**changed: dict[str, float]) -> list[Sample]:
    """Sound runs of the claim and both controls; `s1a0` names seed 1, arm 0."""
    runs = []
    for seed in SEEDS:
        for arm in range(3):
            numbers = changed.get(f"s{seed}a{arm}", FAILING if arm else GOOD)
            runs.append(Sample(seed, arm, numbers, 1.0))
    return runs


def test_proved_when_the_claim_holds_and_every_control_fails() -> None:
    result = judge(CLAIM, samples(), SEEDS)
    assert result.verdict is Verdict.PROVED
    assert result.reason == ""
    assert result.ms == 6.0
    assert [(m.name, m.role, m.value, m.control, m.holds) for m in result.measures] == [
        ("大小", "guard", 2.0, 2.0, True),
        ("误差", "expect", 0.05, 0.9, True),
        ("次数", "expect", 3.0, 3.0, True),
    ]


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"s1a0": GOOD | {"误差": 0.2}}, "误差"),
        ({"s1a0": GOOD | {"次数": 4.0}}, "次数"),
        ({"s0a0": GOOD | {"大小": 0.5}}, "前提"),
        ({"s1a1": GOOD}, "对照 1"),
        ({"s0a2": GOOD}, "对照 2"),
        ({"s1a2": FAILING | {"大小": 0.0}}, "前提"),
        ({"s1a0": GOOD | {"误差": math.nan}}, "有限"),
        ({"s1a1": FAILING | {"误差": math.inf}}, "有限"),
        ({"s0a1": {"大小": 2.0, "误差": 0.9}}, "次数"),
    ],
)
def test_one_seed_or_one_control_is_enough_to_refuse(
    changed: dict[str, dict[str, float]], part: str
) -> None:
    result = judge(CLAIM, samples(**changed), SEEDS)
    assert result.verdict is Verdict.NOT_PROVED
    assert part in result.reason


def test_a_missing_run_is_not_proved() -> None:
    result = judge(CLAIM, samples()[:-1], SEEDS)
    assert result.verdict is Verdict.NOT_PROVED
    assert judge(CLAIM, [], ()).verdict is Verdict.NOT_PROVED


def test_a_failure_wins_and_keeps_the_numbers_seen() -> None:
    result = judge(CLAIM, samples()[:1], SEEDS, Failure(Verdict.TIMEOUT, "太久"), output="哈")
    assert (result.verdict, result.reason, result.output) == (Verdict.TIMEOUT, "太久", "哈")
    assert result.measures[1].value == 0.05
    assert result.measures[1].control is None


def test_the_worst_seed_is_shown() -> None:
    worse = samples(s1a0=GOOD | {"误差": 0.09}, s0a1=FAILING | {"误差": 0.2})
    measure = judge(CLAIM, worse, SEEDS).measures[1]
    assert (measure.value, measure.control) == (0.09, 0.2)


def test_a_script_refuses_what_a_child_refuses(tmp_path: Path) -> None:
    demo = tmp_path / "demo.py"
    body = "from quizdl.proof import claim\n\n@claim(expect={'对': '== 1'}, control={'x': 0})\n"
    demo.write_text(body + "def f(x=1):\n    return {'对': x == 1}\n", "utf-8")
    ran = subprocess.run([sys.executable, demo], capture_output=True, encoding="utf-8", check=True)
    assert "出错" in ran.stdout
    assert "✓" not in ran.stdout


def test_a_script_whose_last_claim_is_wrapped_prints_its_table(tmp_path: Path) -> None:
    demo = tmp_path / "demo.py"
    body = "import numpy as np\nfrom quizdl.proof import claim\n\n"
    body += "@claim(expect={'对': '<= 1'}, control={'x': 2.0})\n@np.errstate(all='ignore')\n"
    demo.write_text(body + "def f(x=1.0):\n    return {'对': x}\n", "utf-8")
    ran = subprocess.run([sys.executable, demo], capture_output=True, encoding="utf-8", check=True)
    assert "✓" in ran.stdout
