"""To prove: one answer (run), or the whole bank with every rule for authors (check)."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quizdl.cli.base import (
    bank_option,
    bank_root,
    examples,
    json_option,
    load_bank,
    print_json,
    print_problems,
    prove,
    short_path,
)
from quizdl.cli.study import main
from quizdl.words import QuizdlError, say

if TYPE_CHECKING:
    from quizdl.bank import Bank
    from quizdl.model import Claim, ClaimResult, Params, Problem, Question, Value


@main.command(
    "run",
    help=say("cli.run"),
    epilog=examples(
        "quizdl run zero-init",
        "quizdl run zero-init#same_gradient --set hidden=64 --seed 7",
        "quizdl run zero-init#same_gradient --control",
    ),
)
@click.argument("target", metavar="ID[#CLAIM]")
@click.option("--set", "settings", multiple=True, metavar="K=V", help=say("cli.run.set"))
@click.option("--seed", type=click.IntRange(0), metavar="N", help=say("cli.run.seed"))
@click.option("--control", is_flag=True, help=say("cli.run.control"))
@json_option
@bank_option
def run_(
    target: str, settings: tuple[str, ...], seed: int | None, control: bool, as_json: bool
) -> int:
    from quizdl.model import SEEDS, Verdict

    question, claims = load_bank().get_claims(target)
    claims = _turn_knobs(target, claims, settings)
    if control:
        claims = tuple(_change(claim, claim.controls[0]) for claim in claims)
    seeds = SEEDS if seed is None else (seed,)
    started = time.perf_counter()
    if not as_json:
        click.secho(question.title, bold=True)
    results = prove(question, claims, seeds, hidden=as_json)
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
            known = "、".join(dict.fromkeys(name for claim in claims for name in claim.defaults))
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
        allowed = "、".join(map(str, knob.choices)) or f"{knob.low:g} … {knob.high:g}"
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
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


@main.command(
    help=say("cli.check"),
    epilog=examples(
        "quizdl check", "quizdl check content/initialization --seeds 20", "quizdl check --json"
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
@json_option
@bank_option
def check(path: Path | None, seeds: int | None, jobs: int | None, as_json: bool) -> int:
    from quizdl.check import check_text
    from quizdl.model import SEEDS, Problem

    started = time.perf_counter()
    seeds = seeds or len(SEEDS)
    problems: list[Problem] = []
    failed: list[Problem] = []
    questions: tuple[Question, ...] = ()
    proved = 0
    try:
        bank, questions = _checked_part(path)
        problems += check_text(bank, questions)
        if not as_json:
            print_problems(problems)
        proved, failed = _prove_all(questions, range(seeds), jobs, hidden=as_json)
        problems += failed
    except QuizdlError as error:
        if not as_json:
            raise
        problems.append(Problem(path or bank_root(), 0, str(error), ""))
    claims = sum(len(question.claims) for question in questions)
    counts = {"questions": len(questions), "claims": claims, "proved": proved}
    if as_json:
        print_json(counts | {"problems": [problem_json(problem) for problem in problems]})
        return 1 if problems else 0
    print_problems(failed)
    seconds = time.perf_counter() - started
    click.echo(say("cli.check.total", seeds=seeds, seconds=seconds, **counts))
    click.echo(
        say("cli.check.problems", count=len(problems)) if problems else say("cli.check.fine")
    )
    return 1 if problems else 0


def _prove_all(
    questions: Sequence[Question], seeds: Sequence[int], jobs: int | None, *, hidden: bool
) -> tuple[int, list[Problem]]:
    """How many claims are proved, and what is wrong with the others, file by file."""
    from quizdl.check import prove_all
    from quizdl.proof.pool import Pool

    length = 2 * sum(len(question.claims) for question in questions)
    with Pool(jobs) as pool, _progress(length, hidden=hidden) as advance:
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
        bank = load_bank()
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


@contextlib.contextmanager
def _progress(length: int, *, hidden: bool) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; nothing where nobody watches."""
    if hidden or not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(
        length=length, label=say("cli.check.progress"), file=sys.stderr, show_pos=True
    ) as bar:
        yield lambda: bar.update(1)
