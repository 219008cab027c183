"""To prove: one answer (run), or the whole bank with every rule for authors (check)."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quizdl.cli.base import (
    bank_option,
    bank_root,
    examples,
    json_option,
    keep_receipts,
    load_bank,
    open_pool,
    print_json,
    print_problems,
    progress_bar,
    prove,
    short_path,
)
from quizdl.cli.study import main
from quizdl.words import QuizdlError, listed, say

if TYPE_CHECKING:
    from quizdl.bank import Bank
    from quizdl.check import Proofs
    from quizdl.model import Claim, ClaimResult, Figure, Params, Problem, Question, Value


@main.command(
    "run",
    help=say("cli.run"),
    epilog=examples(
        "quizdl run zero-init",
        "quizdl run zero-init#same_gradient --set hidden=64 --seed 7",
        "quizdl run zero-init#same_gradient --control",
        "quizdl run zero-init --predict",
    ),
)
@click.argument("target", metavar="ID[#CLAIM]")
@click.option("--set", "settings", multiple=True, metavar="K=V", help=say("cli.run.set"))
@click.option("--seed", type=click.IntRange(0), metavar="N", help=say("cli.run.seed"))
@click.option("--control", is_flag=True, help=say("cli.run.control"))
@click.option("--figures/--no-figures", default=None, help=say("cli.run.figures"))
@click.option("--predict", is_flag=True, help=say("cli.run.predict"))
@json_option
@bank_option
def run_(
    target: str,
    settings: tuple[str, ...],
    seed: int | None,
    control: bool,
    figures: bool | None,
    predict: bool,
    as_json: bool,
) -> int:
    from quizdl.model import SEEDS, Verdict

    if predict and (as_json or settings or control):
        raise click.UsageError(say("cli.run.predict.alone"))
    bank = load_bank()
    question, claims = bank.get_claims(target)
    claims = _turn_knobs(target, claims, settings)
    if control:
        claims = tuple(_change(claim, claim.controls[0]) for claim in claims)
    seeds = SEEDS if seed is None else (seed,)
    started = time.perf_counter()
    if not as_json:
        click.secho(question.title, bold=True)
    figures = sys.stdout.isatty() if figures is None else figures
    if predict:
        results = _predict_and_prove(bank, question, claims, seeds, figures=figures)
    else:
        results = prove(question, claims, seeds, hidden=as_json, figures=figures)
    proved = sum(result.verdict is Verdict.PROVED for result in results)
    if as_json:
        texts = [claim.text for claim in claims]
        found = [result_json(*pair) for pair in zip(results, texts, strict=True)]
        print_json({"question": question.id, "claims": found})
    else:
        seconds = time.perf_counter() - started
        total = {"proved": proved, "claims": len(claims), "seeds": len(seeds)}
        click.echo("\n" + say("cli.run.total", seconds=seconds, **total))
    return 0 if proved == len(claims) > 0 else 1


def _predict_and_prove(
    bank: Bank,
    question: Question,
    claims: Sequence[Claim],
    seeds: Sequence[int],
    *,
    figures: bool,
) -> list[ClaimResult]:
    from quizdl.cli.predicting import prove_predicted
    from quizdl.session import open_library
    from quizdl.settings import find_paths, load_settings

    paths = find_paths()
    library = open_library(paths.database, bank.questions, load_settings(paths.config_file))
    with contextlib.closing(library):  # opened first: what is predicted is sure of its place
        log = functools.partial(library.predict, question)
        return prove_predicted(question, claims, seeds, log, figures=figures)


def _change(claim: Claim, params: Params) -> Claim:
    return dataclasses.replace(claim, defaults={**claim.defaults, **params})


def _turn_knobs(
    target: str, claims: tuple[Claim, ...], settings: Sequence[str]
) -> tuple[Claim, ...]:
    """The claims that have every parameter of `--set`, under the new values."""
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise QuizdlError("cli.run.set_form", given=setting)
        having = tuple(claim for claim in claims if key in claim.defaults)
        if not having:
            known = listed(dict.fromkeys(name for claim in claims for name in claim.defaults))
            raise QuizdlError("cli.run.set_unknown", key=key, target=target, known=known or "—")
        claims = tuple(_change(claim, {key: _parse(claim, key, text)}) for claim in having)
    return claims


def _parse(claim: Claim, key: str, text: str) -> Value:
    """`text` as a value of the type of the parameter's default, within its knob.

    Raises QuizdlError for any other. A whole default takes a fraction when its knob does.
    """
    knob = next((knob for knob in claim.knobs if knob.name == key), None)
    kind = type(claim.defaults[key])
    if kind is int and knob and float in map(type, knob.choices or (knob.low, knob.high)):
        kind = float
    try:
        if kind is bool:
            value: Value = {"true": True, "false": False, "1": True, "0": False}[text.lower()]
        else:
            value = kind(text)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(text)  # noqa: TRY301
    except (KeyError, ValueError):
        what = say(f"cli.run.kind.{kind.__name__}")
        raise QuizdlError("cli.run.set_type", key=key, kind=what, value=text) from None
    if knob and not knob.allows(value):
        allowed = listed(knob.choices) or f"{knob.low:g} … {knob.high:g}"
        raise QuizdlError("cli.run.set_outside", key=key, allowed=allowed, value=text)
    return value


def result_json(result: ClaimResult, text: str) -> dict[str, object]:
    """The fixed shape of one claim in `quizdl run --json`; NaN and infinities become null."""
    return {
        "id": result.claim,
        "text": text,
        "verdict": str(result.verdict),
        "reason": result.reason,
        "seeds": len(result.seeds),
        "ms": round(result.ms, 3),
        "measures": [
            {
                "name": measure.name,
                "role": str(measure.role),
                "bound": measure.bound,
                "value": _finite(measure.value),
                "control": _finite(measure.control),
                "holds": measure.holds,
                "values": [_finite(value) for value in measure.values],
                "controls": [[_finite(value) for value in arm] for arm in measure.controls],
            }
            for measure in result.measures
        ],
        "figures": [
            {"arm": arm, **_figure_json(figure)}
            for arm, figures in enumerate(result.figures)
            for figure in figures
        ],
    }


def _figure_json(figure: Figure) -> dict[str, object]:
    return {
        "kind": str(figure.kind),
        "title": figure.title,
        "x_label": figure.x_label,
        "y_label": figure.y_label,
        "log_x": figure.log_x,
        "log_y": figure.log_y,
        "categories": list(figure.categories),
        "rules": [{"name": name, "y": _finite(value)} for name, value in figure.rules],
        "series": [
            {
                "name": series.name,
                "x": [_finite(value) for value in series.x],
                "y": [_finite(value) for value in series.y],
            }
            for series in figure.series
        ],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


@main.command(
    help=say("cli.check"),
    epilog=examples(
        "quizdl check",
        "quizdl check --changed",
        "quizdl check content/initialization --seeds 20",
        "quizdl check --json",
    ),
)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    metavar="N",
    help=say("cli.check.seeds"),
)
@click.option("--jobs", type=click.IntRange(1), metavar="N", help=say("cli.check.jobs"))
@click.option("--changed", is_flag=True, help=say("cli.check.changed"))
@json_option
@bank_option
def check(
    path: Path | None, seeds: int | None, jobs: int | None, changed: bool, as_json: bool
) -> int:
    from quizdl.check import check_text, statements
    from quizdl.model import SEEDS, Problem

    started = time.perf_counter()
    seeds = seeds or len(SEEDS)
    problems: list[Problem] = []
    failed: list[Problem] = []
    questions: tuple[Question, ...] = ()
    proved, taken = 0, frozenset[str]()
    try:
        bank, questions = _checked_part(path)
        problems += check_text(bank, questions)
        if not as_json:
            print_problems(problems)
        taken = _passed(questions, range(seeds)) if changed else taken
        asked = [question for question in questions if question.id not in taken]
        proofs = _prove_all(asked, range(seeds), jobs, hidden=as_json)
        failed += proofs.problems
        problems += failed
        # of its text everything is asked again each time; its demo must be beyond doubt
        wrong = {problem.path.parent for problem in problems if problem.path.name == "demo.py"}
        keep_receipts((each, proofs.results[each.id], each.folder not in wrong) for each in asked)
        proved = sum(len(question.claims) for question in questions if question.id in taken)
        proved += proofs.proved
    except QuizdlError as error:
        if not as_json:
            raise
        problems.append(Problem(path or bank_root(), 0, str(error), ""))
    claims = sum(len(question.claims) for question in questions)
    counts = {"questions": len(questions), "claims": claims, "proved": proved}
    verdicts = statements(questions)
    again = {"reproved": len(questions) - len(taken), "taken_over": len(taken)}
    if as_json:
        counts |= again if changed else {}
        print_json(
            counts
            | {"statements": verdicts, "problems": [problem_json(problem) for problem in problems]}
        )
        return 1 if problems else 0
    print_problems(failed)
    seconds = time.perf_counter() - started
    click.echo(say("cli.check.total", seeds=seeds, seconds=seconds, **counts))
    parts = say("punctuation.clauses").join(
        f"{verdict} {count}" for verdict, count in verdicts.items() if count
    )
    click.echo(say("cli.check.statements", count=sum(verdicts.values()), parts=parts))
    if changed:
        click.echo(say("cli.check.taken", **again))
    click.echo(
        say("cli.check.problems", count=len(problems)) if problems else say("cli.check.fine")
    )
    return 1 if problems else 0


def _passed(questions: Sequence[Question], seeds: Sequence[int]) -> frozenset[str]:
    """Ids of those that need no proof: nothing has changed since they passed a check."""
    from quizdl.proof.receipts import Receipts
    from quizdl.settings import find_paths

    receipts = Receipts(find_paths().receipts)
    return frozenset(each.id for each in questions if receipts.passed(each, seeds))


def _prove_all(
    questions: Sequence[Question], seeds: Sequence[int], jobs: int | None, *, hidden: bool
) -> Proofs:
    from quizdl.check import prove_all

    length = 2 * sum(len(question.claims) for question in questions)
    hidden = hidden or not sys.stderr.isatty()
    label = say("cli.check.progress")
    with open_pool(jobs) as pool, progress_bar(length, label, hidden=hidden) as advance:
        return prove_all(pool, questions, seeds, advance)


def problem_json(problem: Problem) -> dict[str, object]:
    """The fixed shape of one problem in `quizdl check --json`."""
    path = str(short_path(problem.path))
    return {"path": path, "line": problem.line, "message": problem.message, "fix": problem.fix}


def _checked_part(path: Path | None) -> tuple[Bank, tuple[Question, ...]]:
    """The bank that `path` lies in (or is), and its questions at or below `path`.

    Raises QuizdlError when there is nothing to check.
    """
    from quizdl.bank import load

    if path is None:
        bank = load(bank_root())
        if not bank.questions and not bank.problems:
            raise QuizdlError("bank.empty", path=bank.root)
        return bank, bank.questions
    if not path.exists():
        raise QuizdlError("cli.check.missing", path=path)
    path = path.resolve()
    folder = path if path.is_dir() else path.parent

    def below(each: Path) -> bool:
        return each.absolute().is_relative_to(folder)

    for root in (folder, folder.parent, folder.parent.parent):  # a bank, a topic, a question
        if any(root.glob("*/*/question.md")):
            bank = load(root)
            questions = tuple(question for question in bank.questions if below(question.folder))
            problems = tuple(problem for problem in bank.problems if below(problem.path))
            if questions or problems:
                return dataclasses.replace(bank, problems=problems), questions
    raise QuizdlError("cli.check.outside", path=path)
