"""The report of an interview: Markdown that terminal, page and code host are made of.

Every part is Markdown as the bank writes it; a claim is a link, and its receipt stands below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from quizdl.bank.sections import linked_claims
from quizdl.exchange import html
from quizdl.exchange.markdown import portable, proof_markdown
from quizdl.exchange.sheets import Proof, from_receipts
from quizdl.interview.choosing import budget
from quizdl.interview.conduct import time_taken
from quizdl.interview.report import Missed, Report, Share, Tally
from quizdl.model import Claim, Exchange, Interview, Question, Reply
from quizdl.proof.receipts import Receipts, describe
from quizdl.words import QuizdlError, in_chinese, listed, say

_MARKUP = re.compile(r"([\\`*_\[\]<>#|~])")
SUFFIXES = (".md", ".markdown", ".html", ".htm")


@dataclass(frozen=True, slots=True)
class Bank:
    """What a report looks up."""

    questions: Mapping[str, Question]
    """By id; an interview may be about some that are no longer there."""
    topics: Mapping[str, str]
    """Titles by id."""
    receipts: Receipts
    now: datetime
    """Local."""

    def title(self, exchange: Exchange) -> str:
        question = self.questions.get(exchange.question)
        return question.title if question else exchange.main.asked

    def claims(self, missed: Missed) -> tuple[tuple[Question, Claim], ...]:
        """What proves a point that was missed."""
        question = self.questions.get(missed.question)
        if question is None:
            return ()
        found = (question.claim(claim) for claim in linked_claims(missed.point))
        return tuple((question, claim) for claim in found if claim is not None)


# --- the parts ----------------------------------------------------------------------------


def title(interview: Interview, now: datetime) -> str:
    """Of one interview; `now` gives the zone in which to say when."""
    begun = interview.begun.astimezone(now.tzinfo)
    return say("interview.title", when=f"{begun:%Y-%m-%d %H:%M}")


def about(interview: Interview, topics: Mapping[str, str]) -> str:
    """What it was to be about, in one line."""
    setup = interview.setup
    parts = [setup.company or say("interview.any.company")]
    parts.append(listed(topics.get(t, t) for t in setup.topics) or say("interview.any.topic"))
    parts.append(say("interview.level", level=setup.level) if setup.level else "")
    parts.append(say("interview.minutes", minutes=setup.minutes))
    return " · ".join(part for part in parts if part)


def clock_text(time: timedelta) -> str:
    """Minutes and seconds."""
    seconds = max(0, int(time.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"


def overall(found: Report) -> str:
    """What can be said of the whole of it without inventing a mark."""
    interview, whole = found.interview, found.whole
    questions = len(interview.exchanges)
    total = say(
        "interview.report.total",
        questions=questions,
        follow_ups=whole.follow_ups.asked,
        time=clock_text(time_taken(interview)),
        minutes=interview.setup.minutes,
        ending=say(f"interview.ending.{interview.ending}"),
    )
    counts = {
        "complete": found.complete,
        "short": questions - found.complete - found.passed,
        "passed": found.passed,
    }
    complete = say("punctuation.clauses").join(
        say(f"interview.report.{kind}", count=count)
        for kind, count in counts.items()
        if count or kind == "complete"
    )
    shares = say("interview.report.shares", shares=_shares(whole))
    return "\n\n".join([total, shares, say("interview.report.caveat", complete=complete)])


def times(found: Report, bank: Bank) -> str:
    """Every question and follow-up with its time."""
    lines = [f"## {say('interview.report.times')}"]
    for number, exchange in enumerate(found.interview.exchanges, 1):
        question = bank.questions.get(exchange.question)
        taken = _taken(exchange.main, question, follow_up=False)
        lines.append(f"{number}. **{bank.title(exchange)}** {taken}")
        lines += [
            f"   - {reply.asked} {_taken(reply, question, follow_up=True)}"
            for reply in exchange.follow_ups
        ]
    return "\n".join(lines)


def missed(found: Report, bank: Bank) -> str:
    """Points that were not told, those first that must be, each with its proof."""
    if not found.missed:
        return f"## {say('interview.report.missed')}\n{say('interview.report.missed.none')}"
    lines = [f"## {say('interview.report.missed')}"]
    for each in found.missed:
        lines.append(f"- {missed_line(found, each)}")
        for question, claim in bank.claims(each):
            receipt = bank.receipts.of(question).get(claim.id)
            line = describe(receipt, question, claim, bank.now)
            lines.append(f"  - {say('interview.report.proof', claim=claim.id, receipt=line)}")
    return "\n".join(lines)


def missed_line(found: Report, each: Missed) -> str:
    """With the number that its question has among the times."""
    kind = say("interview.must" if each.must else "interview.bonus")
    asked = [exchange.question for exchange in found.interview.exchanges]
    number = say("interview.number", number=asked.index(each.question) + 1)
    point = _indented(each.point)
    return say("interview.report.point", kind=kind, point=point, number=number)


def untold(found: Report) -> str:
    """Follow-ups whose answer was not given."""
    if not found.untold:
        return ""
    lines = [f"## {say('interview.report.untold')}"]
    lines += [f"- {each.reply.asked}" for each in found.untold]
    return "\n".join(lines)


def weak(found: Report, topics: Mapping[str, str]) -> str:
    if not found.weak:
        return ""
    lines = [f"## {say('interview.report.weak')}"]
    colon = say("punctuation.colon")
    lines += [f"- {topics.get(topic, topic)}{colon}{_shares(tally)}" for topic, tally in found.weak]
    return "\n".join(lines)


def said(found: Report, bank: Bank) -> str:
    """What was written down, word for word."""
    lines = []
    for exchange in found.interview.exchanges:
        for reply in (exchange.main, *exchange.follow_ups):
            if reply.said:
                asked = bank.title(exchange) if reply is exchange.main else reply.asked
                quoted = "\n".join(f"> {line}" for line in _literal(reply.said).split("\n"))
                lines.append(f"**{asked}**\n\n{quoted}")
    return "\n\n".join([f"## {say('interview.report.said')}", *lines]) if lines else ""


def whole(found: Report, bank: Bank) -> str:
    """All of it, without its title."""
    parts = (
        about(found.interview, bank.topics),
        overall(found),
        missed(found, bank),
        untold(found),
        weak(found, bank.topics),
        times(found, bank),
        said(found, bank),
    )
    return "\n\n".join(part for part in parts if part)


def _taken(reply: Reply, question: Question | None, *, follow_up: bool) -> str:
    text = clock_text(reply.duration)
    if question:
        usual = clock_text(budget(question, follow_up=follow_up))
        text += say("interview.report.usual", time=usual)
    if reply.passed:
        return f"{text} · {say('interview.passed')}"
    if follow_up:
        text += " · " + say("interview.told" if reply.told else "interview.not_told")
    return text


def _shares(found: Tally) -> str:
    parts = [
        say(f"interview.report.{kind}", told=share.told, asked=share.asked)
        for kind in ("musts", "bonuses", "follow_ups")
        if (share := _share(found, kind)).asked
    ]
    return say("punctuation.clauses").join(parts) or say("interview.report.nothing")


def _share(found: Tally, kind: str) -> Share:
    return {
        "musts": found.musts,
        "bonuses": found.bonuses,
        "follow_ups": found.follow_ups,
    }[kind]


def _literal(text: str) -> str:
    """Words of the learner's own; formulas stay formulas."""
    return _MARKUP.sub(r"\\\1", text)


def _indented(markdown: str) -> str:
    """Inside an item of a list."""
    return "\n  ".join(line.strip() for line in markdown.split("\n"))


# --- files --------------------------------------------------------------------------------


def proofs(found: Report, bank: Bank) -> Iterator[tuple[str, Proof]]:
    """Of what was missed, as far as their receipts stand, each once, with its question."""
    seen = set()
    for each in found.missed:
        for question, claim in bank.claims(each):
            key = question.id, claim.id
            proof = from_receipts(question, bank.receipts).get(claim.id)
            if key not in seen and proof is not None:
                seen.add(key)
                yield question.id, proof


def write(found: Report, bank: Bank, path: Path) -> Iterable[str]:
    """The report in pieces, in the format that the name of `path` asks for.

    Raises QuizdlError when it asks for none that there is.
    """
    heading = title(found.interview, bank.now)
    match path.suffix.lower():
        case ".md" | ".markdown":
            return _markdown(heading, whole(found, bank), proofs(found, bank))
        case ".html" | ".htm":
            return html.write_text(heading, whole(found, bank), proofs(found, bank))
    raise QuizdlError("interview.suffix", path=path, known=listed(SUFFIXES))


def _markdown(heading: str, text: str, every: Iterable[tuple[str, Proof]]) -> Iterator[str]:
    yield f"# {heading}\n\n"
    yield portable(text, {}, lower=False)
    made = [proof_markdown(replace(proof, figures=()), []) for _, proof in every]
    if made:
        yield f"\n## {in_chinese('anki.field.proofs')}\n\n"
        yield "\n".join(made)
