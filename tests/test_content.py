"""Our own bank: everything in it is proved, and stops being proved when it is made wrong."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from terminals import Quizdl

from quizdl.bank import find_bank, load
from quizdl.check import check_text, prove_all
from quizdl.proof.pool import Pool

ROOT = find_bank(environ={})
BANK = load(ROOT)
IDS = [question.id for question in BANK.questions]
ONE_OF_EACH = list({question.topic: question.id for question in BANK.questions}.values())
"""The last of each topic."""

TEN = {
    "negative-gradient",
    "zero-init",
    "xavier-init",
    "momentum",
    "adam",
    "vanishing-exploding-gradients",
    "sigmoid",
    "softmax-overflow",
    "batch-norm-train-eval",
    "dropout",
}


def test_the_ten_are_there_and_read_without_a_problem() -> None:
    assert BANK.problems == ()
    assert set(IDS) >= TEN


def test_check_finds_nothing_wrong_in_any_text() -> None:
    """What all of it measures is proved by `quizdl check`, which CI runs after these tests."""
    assert list(check_text(BANK, BANK.questions)) == []


@pytest.mark.slow
def test_nothing_is_said_against_it_under_other_seeds_either() -> None:
    """The audit's own seeds follow from each demo's text; these are neither those nor 0 to 4.
    A part of the bank, for its time."""
    part = BANK.questions[::12]
    with Pool(permission=lambda _: None) as pool:
        found = prove_all(pool, part, range(7_000_000, 7_000_003))
    assert found.problems == []
    assert found.proved == sum(len(question.claims) for question in part)


@pytest.mark.slow
@pytest.mark.parametrize("question_id", ONE_OF_EACH)
def test_a_demo_runs_by_itself(question_id: str) -> None:
    demo = BANK.get(question_id).folder / "demo.py"
    ran = subprocess.run(
        [sys.executable, demo], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    for claim in BANK.get(question_id).claims:
        bounds = {**claim.guards, **claim.expects}
        assert all(name in ran.stdout for name in bounds)
    drawn = "└" in ran.stdout or "·░▒▓█" in ran.stdout
    source = demo.read_text("utf-8")
    assert drawn == bool(re.search(r"import .*\b(line|scatter|bar|hist|heatmap)\b", source))


def run_changed(
    quizdl: Quizdl, tmp_path: Path, target: str, old: str, new: str
) -> tuple[int, dict[str, object]]:
    """Prove one claim of a copy of its question with `old` replaced by `new` once."""
    question = BANK.get(target.partition("#")[0])
    folder = tmp_path / "bank" / question.topic / question.id
    shutil.copytree(question.folder, folder)
    shutil.copy(question.folder.parent / "topic.toml", folder.parent)
    demo = folder / "demo.py"
    source = demo.read_text("utf-8")
    assert source.count(old) == 1, f"{old!r} is there {source.count(old)} times"
    demo.write_text(source.replace(old, new), "utf-8")
    ran = quizdl("run", target, "--json", "--bank", str(tmp_path / "bank"))
    (claim,) = json.loads(ran.stdout)["claims"]
    return ran.returncode, claim


MUTANTS = [
    # question#claim, the decisive line, the same line made wrong
    (
        "zero-init#same_gradient",
        "np.full((2, hidden), value)",
        "np.linspace(0, value, 2 * hidden).reshape(2, hidden)",
    ),
    (
        "zero-init#convex_is_fine",
        "w = w - 2.0 * X.T @",
        "w = w + 2.0 * X.T @",
    ),
    ("momentum#accelerates", "v = m * v + g", "v = g"),
    ("momentum#effective_step", "return w - lr * v, v", "return w - lr * (1 - m) * v, v"),
    ("adam#first_step_is_lr", "self.m / (1 - self.beta1**self.t)", "self.m"),
    ("adam#scale_invariant", "(1 - self.beta2) * g**2", "(1 - self.beta2) * np.abs(g)"),
    (
        "softmax-overflow#max_shift_is_safe",
        '"max": np.max,',
        '"max": np.mean,',
    ),
    (
        "softmax-overflow#log_softmax_keeps_the_loss",
        "return z - np.log(np.exp(z)",
        "return z + np.log(np.exp(z)",
    ),
    (
        "batch-norm-train-eval#ema_remembers_its_start",
        "(1 - weight) * running + weight * batch",
        "weight * running + (1 - weight) * batch",
    ),
    (
        "batch-norm-train-eval#depends_on_batch_mates",
        "normalize(x, x.mean(axis=0), x.var(axis=0), gamma, beta)",
        "normalize(x, 2.0, 9.0, gamma, beta)",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("target", "old", "new"), MUTANTS)
def test_a_wrong_decisive_line_is_not_proved(
    quizdl: Quizdl, tmp_path: Path, target: str, old: str, new: str
) -> None:
    code, claim = run_changed(quizdl, tmp_path, target, old, new)
    assert code == 1
    assert claim["verdict"] == "not_proved", claim["reason"]


@pytest.mark.slow
def test_the_example_of_the_guide_passes_every_rule(quizdl: Quizdl, tmp_path: Path) -> None:
    guide = (ROOT / "README.md").read_text("utf-8")
    (question,) = re.findall(r"^````markdown\n(.*?)^````$", guide, re.DOTALL | re.MULTILINE)
    (demo,) = re.findall(r"^```python\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    bank = tmp_path / "content"
    shutil.copytree(ROOT, bank)
    folder = bank / "statistics" / "unbiased-variance"
    folder.mkdir(parents=True)
    (folder.parent / "topic.toml").write_text('title = "统计"\norder = 999\n', "utf-8")
    (folder / "question.md").write_text(question, "utf-8")
    (folder / "demo.py").write_text(demo, "utf-8")
    trusted = quizdl("trust", str(bank))
    assert trusted.returncode == 0, trusted.stderr
    ran = quizdl("check", str(folder), "--bank", str(bank), "--json")
    found = json.loads(ran.stdout)
    assert found["problems"] == []
    assert (found["questions"], found["proved"]) == (1, 3)
