"""Proving claims for their author: the runs a learner asks for, and those only doubt asks for.

First the seeds asked for, as the judge wants them. Then, of what is proved, in other children:
five other seeds and the first one again, with the arms in reverse order, so that luck and
whatever else than parameters and seed decides the numbers shows itself; one seed with all
fractions moved by a rounding step; and one with the knobs turned, where an expectation has not
failed yet. All in all about 2.4 times the runs of the proof alone.
"""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from quizdl.check.source import source_problems
from quizdl.check.source.scopes import parameters
from quizdl.model import (
    Claim,
    ClaimResult,
    Measured,
    Params,
    Problem,
    Question,
    Sample,
    Trial,
    Verdict,
)
from quizdl.proof import audit
from quizdl.proof.audit import Objection
from quizdl.proof.pool import Pool
from quizdl.words import say

OTHERS = 5
"""How many seeds are tried that nobody has asked for."""


@dataclass
class _Case:
    """A claim, what it measured under the seeds asked for, and what speaks against it."""

    question: Question
    claim: Claim
    seeds: tuple[int, ...]
    samples: list[Sample] = field(default_factory=list)
    result: ClaimResult | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def proved(self) -> bool:
        return self.result is not None and self.result.verdict is Verdict.PROVED

    def object(self, objections: Iterable[Objection]) -> None:
        for each in objections:
            key, values = f"check.audit.{each.key}", each.values
            message = say(key, claim=self.claim.id, **values)
            path = self.question.folder / "demo.py"
            self.problems.append(Problem(path, self.claim.line, message, say(f"{key}.fix")))


@dataclass
class _Doubt:
    """One more run of a claim: its arms are `plans`, whatever the claim declares."""

    case: _Case
    ask: Callable[[_Doubt], Iterable[Objection]]
    plans: Sequence[Params]
    seeds: tuple[int, ...]
    samples: list[Sample] = field(default_factory=list)

    def trial(self) -> Trial:
        arms = replace(
            self.case.claim, defaults=self.plans[0], controls=tuple(self.plans[1:]), knobs=()
        )
        return Trial(self.case.question, arms, seeds=self.seeds)


@dataclass(frozen=True, slots=True)
class Proofs:
    """What became of the claims that were to be proved."""

    results: Mapping[str, Sequence[ClaimResult]]
    """By question, what its claims gave under the seeds asked for."""
    proved: int
    """How many claims are proved beyond doubt."""
    problems: Sequence[Problem]
    """What speaks against the others, by place."""


def prove_all(
    pool: Pool,
    questions: Sequence[Question],
    seeds: Sequence[int],
    advance: Callable[[], None] = lambda: None,
) -> Proofs:
    """Prove every claim, and doubt what is proved.

    A demo whose source breaks a rule proves nothing; which one is `check_text`'s to say.
    `advance` is called twice per claim. Raises QuizdlError when nothing can be run.
    """
    cases = [_Case(each, claim, tuple(seeds)) for each in questions for claim in each.claims]
    _prove(pool, cases, advance)
    pool.close()  # it starts another server: where things lie in memory is different there
    repeated = [_again(case) for case in cases if case.proved]
    doubts = [*repeated, *(each for case in cases if case.proved for each in _further(case))]
    _run(pool, doubts, advance)
    _run(pool, [_once_more(each) for each in repeated if _differing(each)])
    bad = {each.id for each in questions if source_problems(each.demo, each.folder / "demo.py")}
    proved = sum(not case.problems and case.question.id not in bad for case in cases)
    problems = [problem for case in cases for problem in case.problems]
    results: dict[str, list[ClaimResult]] = {question.id: [] for question in questions}
    for case in cases:
        assert case.result is not None
        results[case.question.id].append(case.result)
    return Proofs(results, proved, sorted(problems, key=lambda each: (each.path, each.line)))


def other_seeds(question: Question, claim: Claim) -> tuple[int, ...]:
    """They follow from the text of the demo, so that no one writes it with them in mind, and
    are the same in every check of it."""
    first = 10_000 + zlib.crc32(f"{claim.id}\n{question.demo}".encode()) % 1_000_000
    return tuple(range(first, first + OTHERS))


def problem_of(question: Question, result: ClaimResult) -> Problem | None:
    """What a finished proof says against its claim; None when it is proved."""
    if result.verdict is Verdict.PROVED:
        return None
    claim = question.claim(result.claim)
    message = say(
        "check.not_proved",
        claim=result.claim,
        verdict=say(f"verdict.{result.verdict}"),
        reason=result.reason,
    )
    fix = say(f"check.{result.verdict}.fix", target=f"{question.id}#{result.claim}")
    return Problem(question.folder / "demo.py", claim.line if claim else 0, message, fix)


def _prove(pool: Pool, cases: Sequence[_Case], advance: Callable[[], None]) -> None:
    trials = [Trial(case.question, case.claim, seeds=case.seeds) for case in cases]
    for event in pool.prove(trials, ()):
        case = cases[event.trial]
        if isinstance(event, Measured):
            case.samples.append(event.sample)
            continue
        advance()
        case.result = event.result
        if problem := problem_of(case.question, event.result):
            case.problems.append(problem)
            advance()  # for the second time: nothing more is asked of it
        case.object(audit.of_guards(case.claim, case.samples))
        alive = audit.of_numbers(case.claim, case.samples)
        case.object(each for each in alive if case.proved or each.key == "constant")


def _parameters(demo: str, name: str) -> frozenset[str]:
    for node in ast.parse(demo).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return frozenset(parameters(node))
    return frozenset()


def _run(pool: Pool, doubts: Sequence[_Doubt], advance: Callable[[], None] = lambda: None) -> None:
    for event in pool.prove([doubt.trial() for doubt in doubts], ()):
        doubt = doubts[event.trial]
        if isinstance(event, Measured):
            doubt.samples.append(event.sample)
            continue
        if event.result.verdict in (Verdict.PROVED, Verdict.NOT_PROVED):
            doubt.case.object(doubt.ask(doubt))
        else:  # it ends early where it did not before
            values = {"count": len(doubt.seeds), "reason": event.result.reason}
            doubt.case.object([Objection("lucky", values)])
        if doubt.ask is _of_again:
            advance()


def _again(case: _Case) -> _Doubt:
    """Other seeds first; then the first of those asked for, whose run was the very first; arms
    backwards."""
    seeds = (*other_seeds(case.question, case.claim), case.seeds[0])
    return _Doubt(case, _of_again, case.claim.arms()[::-1], seeds)


def _in_place(doubt: _Doubt) -> list[Sample]:
    """Its samples under the numbers of the claim's own arms."""
    last = len(doubt.plans) - 1
    return [replace(sample, arm=last - sample.arm) for sample in doubt.samples]


def _differing(doubt: _Doubt) -> str:
    return audit.differing(doubt.case.samples, _in_place(doubt))


def _of_again(doubt: _Doubt) -> Iterator[Objection]:
    if _differing(doubt):
        return  # of what cannot be repeated, nothing else can be said
    case, samples = doubt.case, _in_place(doubt)
    if "seed" in _parameters(case.question.demo, case.claim.id):
        yield from audit.of_seeds(case.claim, [*case.samples, *samples])
    yield from audit.of_other_seeds(case.claim, samples, doubt.seeds[:OTHERS])
    if not case.problems:
        yield from audit.of_margins(case.claim, [*case.samples, *samples])
    yield from audit.of_arms(case.claim, case.samples)


def _once_more(doubt: _Doubt) -> _Doubt:
    """The proof itself once more: what differs now, differs by itself."""
    case = doubt.case
    name = _differing(doubt)

    def ask(same: _Doubt) -> Iterator[Objection]:
        by_itself = audit.differing(case.samples, same.samples)
        yield Objection("unrepeatable" if by_itself else "order", {"name": by_itself or name})

    return _Doubt(case, ask, case.claim.arms(), case.seeds)


def _further(case: _Case) -> Iterator[_Doubt]:
    seeds = case.seeds[:1]
    if plans := audit.nudged(case.claim):
        yield _Doubt(case, _of_nudge, plans, seeds)
    if audit.idle(case.claim, case.samples):
        yield _Doubt(case, _of_turns, audit.turned(case.claim) or case.claim.arms(), seeds)


def _of_nudge(doubt: _Doubt) -> Iterator[Objection]:
    yield from audit.of_nudge(doubt.case.claim, doubt.samples, doubt.seeds[0])


def _of_turns(doubt: _Doubt) -> Iterator[Objection]:
    for name in audit.idle(doubt.case.claim, [*doubt.case.samples, *doubt.samples]):
        yield Objection("idle", {"name": name})
