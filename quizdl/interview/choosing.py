"""What an interviewer asks next, and how long an answer may take. Pure functions.

Chance comes from the seed of the setup and from how many questions were asked, so that an
interview taken up again goes on as it would have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from quizdl.bank.sections import FollowUp, follow_ups, linked_questions
from quizdl.memory.queue import is_due, is_weak
from quizdl.model import Mark, Question, Setup
from quizdl.search import Remembered

_ANSWER = {1: 120, 2: 180, 3: 240}
"""Seconds in which a question of that level is answered aloud."""
_FOLLOWED = {1: 45, 2: 60, 3: 90}
_HOW_MANY = {1: (1, 2), 2: (1, 3), 3: (2, 3)}
"""Follow-ups of a question of that level: at least, at most."""
_LEADS = 0.5
"""How often a follow-up that leads to another question is followed there."""
_DUE, _WEAK, _EASY_START = 2.0, 1.5, 3.0
"""How much likelier they are asked."""
NOTHING = Remembered(0)


@dataclass(frozen=True, slots=True)
class Leg:
    """A question and what is to be asked after it."""

    question: Question
    follow_ups: tuple[FollowUp, ...] = ()
    leads_to: str = ""
    """The question that the last follow-up leads to, when the next one is to be that."""


def budget(question: Question, *, follow_up: bool = False) -> timedelta:
    """How long an answer usually takes: the author's level says how deep it goes."""
    return timedelta(seconds=(_FOLLOWED if follow_up else _ANSWER)[question.level])


def matching(
    questions: Iterable[Question], setup: Setup, remembered: Remembered = NOTHING
) -> tuple[Question, ...]:
    """All that may be asked. What is suspended, or buried today, may not."""

    return tuple(
        question
        for question in questions
        if (not setup.company or setup.company in question.asked_by)
        and (not setup.topics or question.topic in setup.topics)
        and (not setup.level or question.level == setup.level)
        and not remembered.marks.get(question.id, Mark()).hides(remembered.day)
    )


def expected(pool: Sequence[Question], setup: Setup) -> int:
    """About how many questions the time is enough for."""
    if not pool:
        return 0
    seconds = [
        _ANSWER[each.level] + _FOLLOWED[each.level] * sum(_HOW_MANY[each.level]) / 2
        for each in pool
    ]
    each_takes = sum(seconds) / len(seconds)
    return max(1, min(len(pool), round(60 * setup.minutes / each_takes)))


def next_leg(
    pool: Sequence[Question],
    asked: Sequence[str],
    setup: Setup,
    remembered: Remembered = NOTHING,
    leads_to: str = "",
) -> Leg | None:
    """What comes after the questions `asked`: where the last follow-up led, or else one of a
    topic that has been asked least, rather one that is due or weak. None: nothing is left."""
    left = [question for question in pool if question.id not in asked]
    if not left:
        return None
    chance = Random(f"{setup.seed}:{len(asked)}")  # noqa: S311 - nothing to guard
    chosen = next((question for question in left if question.id == leads_to), None)
    if chosen is None:
        chosen = _choose(left, pool, asked, remembered, chance)
    others = {question.id for question in left} - {chosen.id}
    return _leg(chosen, others, chance)


def _choose(
    left: Sequence[Question],
    pool: Sequence[Question],
    asked: Sequence[str],
    remembered: Remembered,
    chance: Random,
) -> Question:
    had = Counter(question.topic for question in pool if question.id in asked)
    least = min(had[question.topic] for question in left)
    candidates = [question for question in left if had[question.topic] == least]
    easiest = min(question.level for question in candidates)

    def weight(question: Question) -> float:
        card, mark = remembered.cards.get(question.id), remembered.marks.get(question.id)
        due = card is not None and is_due(card, mark, remembered.day)
        weak = card is not None and is_weak(card)
        easy = not asked and question.level == easiest
        return (_DUE if due else 1) * (_WEAK if weak else 1) * (_EASY_START if easy else 1)

    return chance.choices(candidates, [weight(each) for each in candidates])[0]


def _leg(question: Question, others: set[str], chance: Random) -> Leg:
    """Follow-ups in the author's order, which goes from near to far; one that leads over to
    another question comes last."""
    every = follow_ups(question.back)
    most = min(chance.randint(*_HOW_MANY[question.level]), len(every))
    leading = [
        (each, target)
        for each in every
        for target in linked_questions(each.answer)
        if target in others
    ]
    lead, target = None, ""
    if most and leading and chance.random() < _LEADS:
        lead, target = chance.choice(leading)
    places = [place for place, each in enumerate(every) if each is not lead]
    drawn = sorted(chance.sample(places, most - (lead is not None)))
    chosen = [every[place] for place in drawn]
    return Leg(question, (*chosen, *([lead] if lead else [])), target)
