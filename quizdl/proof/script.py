"""`python demo.py`: run every claim in this very process and print what it measured.

For reading only. What quizdl believes is what `quizdl run` measures in a child process;
both read the same declarations and ask the same judge.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

from quizdl.bank.declaration import read_claims
from quizdl.bank.loader import problem_line
from quizdl.model import SEEDS, Claim, ClaimResult, Sample, Verdict
from quizdl.proof.calling import DemoError, call
from quizdl.proof.figures import FigureError
from quizdl.proof.gallery import figure_block
from quizdl.proof.judge import Failure, judge
from quizdl.proof.report import result_lines
from quizdl.render.text import Span, plain
from quizdl.words import speak
from quizdl.words.choice import choose
from quizdl.words.streams import open_streams

WIDTH = 100


def print_table(path: Path, module: ModuleType) -> None:
    """Print one table per claim of the demo at `path` that ran as the script `module`."""
    open_streams()
    speak(choose())
    try:
        _print_table(path, module)
    except BrokenPipeError:  # `python demo.py | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_table(path: Path, module: ModuleType) -> None:
    claims, problems = read_claims(path.read_text("utf-8"), path)
    for problem in problems:
        print(problem_line(problem), file=sys.stderr)  # noqa: T201
    for claim in claims:
        result = _result(claim, module)
        summary = (getattr(module, claim.id).__doc__ or claim.id).strip().splitlines()[0]
        lines = result_lines(result, (Span(summary),), WIDTH)
        lines += figure_block(result.figures, WIDTH)
        print(plain(lines), end="\n\n", flush=True)  # noqa: T201


def _result(claim: Claim, module: ModuleType) -> ClaimResult:
    samples: list[Sample] = []
    try:
        for seed in SEEDS:
            for arm, params in enumerate(claim.arms()):
                measured, figures, ms = call(getattr(module, claim.id), params, seed)
                figures = figures if seed == SEEDS[0] else ()
                samples.append(Sample(seed, arm, measured, ms, figures))
    except (DemoError, FigureError) as error:
        return judge(claim, samples, SEEDS, Failure(Verdict.ERROR, str(error)))
    return judge(claim, samples, SEEDS)
