"""What is said of answers and intervals."""

from __future__ import annotations

from datetime import timedelta

from quizdl.memory.queue import is_new_leech
from quizdl.model import Outcome
from quizdl.words import say


def leech_warning(outcome: Outcome) -> str:
    """What to say when this answer shows that the question needs something else; or nothing."""
    return say("session.leech", count=outcome.card.lapses) if is_new_leech(outcome) else ""


def format_interval(interval: timedelta) -> str:
    """The interval as a button shows it: one unit, at most one decimal. Months and years are
    mean ones of the Gregorian calendar (30.44 and 365.25 days)."""
    minutes = interval / timedelta(minutes=1)
    days = interval / timedelta(days=1)
    if minutes < 1:
        return say("interval.under_minute")
    if minutes < 59.5:
        return say("interval.minutes", count=_short(minutes, 1))
    if days < 1:
        return say("interval.hours", count=_short(minutes / 60, 1))
    if days < 31:
        return say("interval.days", count=_short(days, 0))
    if days < 365:
        return say("interval.months", count=_short(days / 30.436875, 1))
    return say("interval.years", count=_short(days / 365.2425, 1))


def _short(count: float, digits: int) -> str:
    return f"{round(count, digits):g}"
