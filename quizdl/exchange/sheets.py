"""A question with what its claims measured: the one thing that all formats are made of."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from quizdl.bank.sections import sections
from quizdl.model import (
    SEEDS,
    Claim,
    ClaimResult,
    Figure,
    Judged,
    Measure,
    Question,
    Role,
    Topic,
    Verdict,
)
from quizdl.proof.receipts import Receipt, Receipts
from quizdl.render.numbers import format_number
from quizdl.render.scale import shared_axes
from quizdl.render.svg import figure_svg
from quizdl.words import in_chinese

if TYPE_CHECKING:
    from quizdl.proof.pool import Pool


@dataclass(frozen=True, slots=True)
class Proof:
    """What a claim gave when it was last proved."""

    claim: Claim
    verdict: Verdict
    measures: tuple[Measure, ...]
    seeds: int
    numpy: str
    figures: tuple[tuple[Figure, ...], ...] = ()
    """Of the claim, then of its first control."""


@dataclass(frozen=True, slots=True)
class Sheet:
    question: Question
    topic: Topic
    proofs: tuple[Proof, ...] = ()
    """In the order in which the answer states the claims; empty when it is exported without."""

    @property
    def short(self) -> str:
        """Markdown of the one-sentence answer."""
        return sections(self.question.back)[0].body.strip()

    def part(self, title: str) -> str:
        """Markdown of one section of the answer; empty when it has none of that name."""
        return next((s.body.strip() for s in sections(self.question.back) if s.title == title), "")

    @property
    def reasons(self) -> str:
        """Markdown of what stands between 要点 and 追问, with its headings."""
        apart = (in_chinese("sheet.points"), in_chinese("sheet.followups"))
        parts = sections(self.question.back)[1:]
        return "\n\n".join(f"## {s.title}\n{s.body.strip()}" for s in parts if s.title not in apart)


def gather(
    questions: Sequence[Question],
    topics: Iterable[Topic],
    receipts: Receipts,
    open_pool: Callable[[], Pool],
    now: datetime,
    advance: Callable[[], None] = lambda: None,
) -> Generator[Sheet, None, None]:
    """The sheets of `questions`, one after the other; `advance` is called after each.

    Claims whose receipts stand are taken from there. The others are proved, in a pool opened
    when the first is met, and leave receipts (where those cannot be written, none). Raises what
    the pool raises: a bank that is not trusted, say.
    """
    by_id = {topic.id: topic for topic in topics}
    pool: Pool | None = None
    try:
        for question in questions:
            proofs = from_receipts(question, receipts)
            missing = [claim for claim in question.claims if claim.id not in proofs]
            if missing:
                pool = pool or open_pool()
                proofs |= _prove(question, missing, pool, receipts, now)
            yield Sheet(
                question,
                by_id[question.topic],
                tuple(proofs[claim.id] for claim in question.claims if claim.id in proofs),
            )
            advance()
    finally:
        if pool is not None:
            pool.close()


def from_receipts(question: Question, receipts: Receipts) -> dict[str, Proof]:
    """By claim, those whose receipts stand."""
    found, figures = receipts.of(question), receipts.figures(question)
    return {
        claim.id: _proof(claim, found[claim.id], figures[claim.id])
        for claim in question.claims
        if claim.id in figures  # which tells that its receipt stands
    }


def _prove(
    question: Question, claims: Sequence[Claim], pool: Pool, receipts: Receipts, now: datetime
) -> dict[str, Proof]:
    results: dict[str, ClaimResult] = {}
    for event in pool.prove([(question, claim) for claim in claims], list(SEEDS)):
        if isinstance(event, Judged):
            results[event.claim] = event.result
    with contextlib.suppress(OSError):  # then the next export will prove them again
        receipts.save(question, list(results.values()), now)
    return {
        claim.id: _proof(claim, results[claim.id], results[claim.id].figures[:2])
        for claim in claims
    }


def _proof(
    claim: Claim, of: Receipt | ClaimResult, figures: tuple[tuple[Figure, ...], ...]
) -> Proof:
    return Proof(claim, of.verdict, of.measures, len(of.seeds), of.numpy, figures)


# --- what is said of a proof, the same in all formats ---------------------------------------


def headings() -> tuple[str, ...]:
    """Of the columns of `rows`."""
    return tuple(in_chinese(f"measure.{key}") for key in ("name", "bound", "value", "control"))


def rows(proof: Proof) -> Iterator[tuple[str, str, str, str]]:
    """Every number: its name, its bound, its worst value, the value that came nearest to still
    meeting the bound under the control. Guards say that they are."""
    for measure in proof.measures:
        guard = measure.role is Role.GUARD
        name = in_chinese("sheet.guard", name=measure.name) if guard else measure.name
        yield name, measure.bound, _number(measure.value), _number(measure.control)


def _number(value: float | None) -> str:
    return "—" if value is None else format_number(value)


def footing(proof: Proof) -> str:
    """What it was measured with, and what the controls change."""
    controls = [
        "，".join(f"{key} = {value}" for key, value in control.items())
        for control in proof.claim.controls
    ]
    return in_chinese(
        "sheet.footing",
        controls="；".join(controls),
        seeds=proof.seeds,
        numpy=proof.numpy,
        verdict=in_chinese(f"verdict.{proof.verdict}"),
    )


def drawings(proof: Proof) -> Iterator[str]:
    """The figures of a claim as SVG, each followed by that of its first control on the same
    axes, unless that is the same figure."""
    own = proof.figures[0] if proof.figures else ()
    control = proof.figures[1] if len(proof.figures) > 1 else ()
    for figure in own:
        other = next((each for each in control if each.title == figure.title), figure)
        if other == figure:
            yield figure_svg(figure)
            continue
        title = f"{figure.title} · {in_chinese('judge.control_arm', arm=1)}"
        for each, on in zip((figure, other), shared_axes(figure, other), strict=True):
            yield figure_svg(each if each is figure else replace(other, title=title), on)
