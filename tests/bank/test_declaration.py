"""Claims are read from the source text; nothing of a demo runs to declare them."""

from __future__ import annotations

from pathlib import Path

import pytest

from quizdl.bank.declaration import read_claims
from quizdl.model import Claim, Knob, Problem

PATH = Path("demo.py")


def read(
    decorator: str, parameters: str = "init='zero', n=8, seed=0"
) -> tuple[tuple[Claim, ...], tuple[Problem, ...]]:
    source = (
        f"from quizdl.proof import claim\n\n@claim({decorator})\ndef f({parameters}):\n    ...\n"
    )
    return read_claims(source, PATH)


GOOD = "expect={'误差': '<= 1e-9'}, control={'init': 'random'}"


def test_a_declaration_becomes_a_claim() -> None:
    (claim,), problems = read(
        "guard={'大小': '> 0'}, expect={'误差': 'in [0.9, 1.1]'},"
        " control=[{'init': 'random'}, {'n': 2}],"
        " knobs={'init': ['zero', 'random'], 'n': [2, 64]}"
    )
    assert problems == ()
    assert (claim.id, claim.line) == ("f", 4)
    assert claim.defaults == {"init": "zero", "n": 8}
    assert claim.guards["大小"].holds(0.1)
    assert not claim.guards["大小"].holds(0)
    assert claim.expects["误差"].holds(1.1)
    assert claim.controls == ({"init": "random"}, {"n": 2})
    assert claim.knobs == (Knob("init", ("zero", "random")), Knob("n", (), 2, 64))
    assert claim.arms() == (
        {"init": "zero", "n": 8},
        {"init": "random", "n": 8},
        {"init": "zero", "n": 2},
    )


def test_nothing_runs(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    source = f"open({str(witness)!r}, 'w')\n@claim({GOOD})\ndef f(init='zero'): ..."
    claims, problems = read_claims(source, PATH)
    assert [claim.id for claim in claims] == ["f"]
    assert problems == ()
    assert not witness.exists()


@pytest.mark.parametrize(
    ("decorator", "parameters", "part"),
    [
        ("expect={'误差': '<= 1e-9'}", "init='zero'", "control"),
        ("control={'init': 'random'}", "init='zero'", "expect"),
        (GOOD, "init", "默认值"),
        (GOOD, "init=zero()", "字面量"),
        (GOOD, "init=[1]", "init"),
        (GOOD, "*args, init='zero'", "args"),
        (GOOD.replace("random", "zero"), "init='zero'", "对照与默认"),
        (GOOD.replace("'random'", "RANDOM"), "init='zero'", "字面量"),
        (GOOD.replace("'init'", "'inti'"), "init='zero'", "inti"),
        (GOOD.replace("<= 1e-9", "about 3"), "init='zero'", "about 3"),
        (GOOD.replace("<= 1e-9", "<= nan"), "init='zero'", "nan"),
        (GOOD.replace("<= 1e-9", "in [2, 1]"), "init='zero'", "in [2, 1]"),
        (GOOD + ", knobs={'n': [9, 64]}", "init='zero', n=8", "n"),
        (GOOD + ", knobs={'n': [8]}", "init='zero', n=8", "n"),
        (GOOD + ", guard={'误差': '> 0'}", "init='zero'", "误差"),
        (GOOD + ", seeds=3", "init='zero'", "seeds"),
        (GOOD + ", **more", "init='zero'", "**"),
        ("{'误差': '<= 1'}", "init='zero'", "关键字"),
        ("expect={'误差': '<= 1', '误差': '<= 2'}, control={'init': 'r'}", "init='z'", "两次"),
    ],
)
def test_a_bad_declaration_is_a_problem_and_no_claim(
    decorator: str, parameters: str, part: str
) -> None:
    claims, problems = read(decorator, parameters)
    assert claims == ()
    assert len(problems) == 1
    assert part in problems[0].message
    assert problems[0].line in (3, 4)
    assert problems[0].fix


def test_two_functions_of_one_name() -> None:
    text = f"@claim({GOOD})\ndef f(init='zero'): ...\n"
    _, (problem,) = read_claims(text * 2, PATH)
    assert problem.line == 4


def test_nul_bytes_are_a_syntax_problem() -> None:
    _, (problem,) = read_claims("x = 1\x00", PATH)
    assert "语法" in problem.message


@pytest.mark.parametrize("source", ["-" * 200_000 + "1", "(" * 200_000, "1+" * 200_000 + "1"])
def test_a_source_too_deep_for_the_parser_is_a_syntax_problem(source: str) -> None:
    claims, (problem,) = read_claims(source, PATH)
    assert claims == ()
    assert "语法错误" in problem.message
