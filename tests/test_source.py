"""The rules for a demo's source as a function of its text: nothing is read and nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from banks import DEMO

from quizdl.check import source_problems
from quizdl.words import in_chinese, say

NOWHERE = Path("nowhere/demo.py")


def test_a_sound_text_has_no_problems() -> None:
    assert source_problems(DEMO, NOWHERE) == ()
    assert source_problems(in_chinese("scaffold.demo"), NOWHERE) == ()
    assert source_problems("", NOWHERE) == ()


def test_a_problem_says_file_line_reason_and_fix() -> None:
    text = DEMO.replace("import numpy as np\n", "import numpy as np\nimport os\n")
    (problem,) = source_problems(text, NOWHERE)
    assert (problem.path, problem.line) == (NOWHERE, 4)
    assert problem.message == say("check.source.import", name="os")
    assert problem.fix == say("check.source.import.fix")


def test_problems_come_by_line_and_once() -> None:
    found = source_problems("print(1); print(2)\nimport os\nexit()\nimport os, os\n", NOWHERE)
    assert [problem.line for problem in found] == [1, 2, 3, 4]


@pytest.mark.parametrize("text", ["def f(:", "x = '", "\0", "if True:\n"])
def test_what_is_no_python_is_the_declarations_to_refuse(text: str) -> None:
    assert source_problems(text, NOWHERE) == ()


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "+".join("1" for _ in range(3000)) + "\nimport os\n",
        "x = a" + ".b" * 3000 + "\nimport os\n",
        DEMO.replace("error(how, seed)[0]", "-" * 3000 + "error(how, seed)[0]"),
    ],
    ids=["sum", "attributes", "signs"],
)
def test_what_is_too_deep_to_look_into_is_refused(text: str) -> None:
    """An analysis that gave up silently would be a way through it."""
    problems = source_problems(text, NOWHERE)
    assert problems
    assert all(problem.fix for problem in problems)


@pytest.mark.parametrize(
    "line",
    [
        "W = W if seed_like else W",
        "W, V = V, W",
        "W = np.tanh(W)",
        "found = {**{}, 'x': 1.0}; found = found if W is V else found",
        "step = lambda x: step(x) if x else 0; W = step(W)",
        "step = step if W is V else step; W = step(W)",
        "def step(x): return step(x - 1); W = step(W)",
    ],
)
def test_names_that_are_made_from_themselves_end(line: str) -> None:
    """In the claim itself, between two experiments."""
    text = f"""\
import numpy as np
from quizdl.proof import claim

@claim(expect={{"误差": ">= 0.1"}}, control={{"how": "a"}})
def f(how="b", seed_like=True, seed=0):
    W = V = np.random.default_rng(seed).normal(0, 1, 9)
    {line}
    return {{"误差": np.abs(W * V).max()}}
"""
    assert all("太深" not in problem.message for problem in source_problems(text, NOWHERE))
