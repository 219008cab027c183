"""What to ask about a claim before its first run, and what the answers say of the learner. Pure.

By then the learner has read the sentence and its bounds, and knows that every control breaks
something. So what is asked lies under the control: which of several expectations it breaks,
which way a number leaves an interval, which control goes furthest, where a number ends up.
Nothing is asked that the bounds give away: that `<= 1e-9` is exceeded, or the number under the
claim itself, which stands in the sentence.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from quizdl.model import (
    Ask,
    Bound,
    Claim,
    Forecast,
    Guess,
    Hit,
    Params,
    Prompt,
    Question,
    Rating,
    Value,
)
from quizdl.proof.score import counts, is_share, within
from quizdl.render.numbers import format_number
from quizdl.words import QuizdlError, in_chinese, say

MOST = 3
"""Prompts of one claim, and of one review."""
_IDENTITY = 1e-3
"""An interval narrower than this share of its ends says that something is exact."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    rating: Rating
    why: str


# --- asking -------------------------------------------------------------------------------


def prompts(claim: Claim) -> tuple[Prompt, ...]:
    """At most MOST prompts, the most telling first; none where nothing is worth asking."""
    changes = {
        arm: change
        for arm, control in enumerate(claim.controls, 1)
        if (change := _change(claim, control))
    }
    if not changes or not claim.expects:
        return ()
    if len(claim.expects) > 1:
        asked = _of_several(claim.expects, changes)
    else:
        ((name, bound),) = claim.expects.items()
        asked = _of_one(name, bound, changes)
    return tuple(islice(asked, MOST))


def for_review(question: Question, turn: int = 0) -> Mapping[str, tuple[Prompt, ...]]:
    """At most MOST prompts for a whole question, by claim: one of each of some claims. `turn`
    moves on to other claims, and round to other prompts; say, the reviews so far."""
    able = [(claim.id, asked) for claim in question.claims if (asked := prompts(claim))]
    chosen: dict[str, tuple[Prompt, ...]] = {}
    for step in range(min(MOST, len(able))):
        round_, place = divmod(turn * MOST + step, len(able))
        claim, asked = able[place]
        chosen[claim] = (asked[round_ % len(asked)],)
    in_order = [claim for claim, _ in able if claim in chosen]
    return MappingProxyType({claim: chosen[claim] for claim in in_order})


_Changes = Mapping[int, str]
"""Per control, what it changes, in words."""


def _of_one(name: str, bound: Bound, changes: _Changes) -> Iterator[Prompt]:
    first, *others = changes.items()
    if bound.op == "in":
        for arm, change in islice(changes.items(), 2):
            yield _way(name, bound, arm, change)
        yield _number(name, bound, *first)
        return
    compare = bool(others) and (
        len(changes) > 2 or (bound.op in ("<", "<=") and not is_share(name, bound))
    )
    if _can_be_guessed(name, bound):
        # where a number can only fall to nothing, the controls differ in how much is left
        for arm, change in [first] if compare else islice(changes.items(), 2):
            yield _number(name, bound, arm, change)
    if compare:  # last: of the bank's fourteen, ten end in a draw
        yield _furthest(name, bound, changes)


def _of_several(expects: Mapping[str, Bound], changes: _Changes) -> Iterator[Prompt]:
    first, *others = changes.items()
    able = [(name, bound) for name, bound in expects.items() if _can_be_guessed(name, bound)]
    inside = [(name, bound) for name, bound in able if _is_interval(bound)]
    shares = [(name, bound) for name, bound in able if is_share(name, bound)]
    floors = [(name, bound) for name, bound in able if bound.op in (">", ">=")]
    yield _breaks(expects, *first)
    if others:
        yield _breaks(expects, *others[0])
        for name, bound in islice(inside or shares or floors[: len(others) == 1], 1):
            yield _number(name, bound, *first)
        for arm, change in others[1:]:
            yield _breaks(expects, arm, change)
    elif inside:
        yield _way(*inside[0], *first)
        yield _number(*inside[-1], *first)
    elif able:
        yield _number(*able[0], *first)


def _can_be_guessed(name: str, bound: Bound) -> bool:
    """Not a count of nobody knows how many, not the size of what should be nothing."""
    if any(word in name for word in in_chinese("predict.count_words").split()):
        return False
    return bound.op not in ("==", "!=") or is_share(name, bound)


def _is_interval(bound: Bound) -> bool:
    size = max(abs(bound.low), abs(bound.high))
    return bound.op == "in" and bound.high - bound.low > _IDENTITY * size and bound.low > 0


def _way(name: str, bound: Bound, arm: int, change: str) -> Prompt:
    text = say("predict.way", change=change, name=name, bound=bound.text)
    options = tuple(say(f"predict.way.{way}") for way in ("larger", "smaller", "same"))
    return Prompt(Ask.WAY, text, options, (name,), (bound.text,), (arm,))


def _breaks(expects: Mapping[str, Bound], arm: int, change: str) -> Prompt:
    options = tuple(
        say("predict.breaks.option", name=name, bound=bound.text) for name, bound in expects.items()
    )
    bounds = tuple(bound.text for bound in expects.values())
    text = say("predict.breaks", change=change)
    return Prompt(Ask.BREAKS, text, options, tuple(expects), bounds, (arm,))


def _furthest(name: str, bound: Bound, changes: _Changes) -> Prompt:
    most = {"<": "largest", "<=": "largest", ">": "smallest", ">=": "smallest"}.get(bound.op, "off")
    text = say(f"predict.furthest.{most}", name=name, bound=bound.text)
    options = (*changes.values(), say("predict.furthest.none"))
    return Prompt(Ask.FURTHEST, text, options, (name,), (bound.text,), tuple(changes))


def _number(name: str, bound: Bound, arm: int, change: str) -> Prompt:
    near = within(name, bound)
    text = say("predict.number", change=change, name=name, bound=bound.text, within=near)
    return Prompt(Ask.NUMBER, text, (), (name,), (bound.text,), (arm,))


def _change(claim: Claim, control: Params) -> str:
    """What a control changes, in words; empty when it changes nothing."""
    return say("predict.join").join(
        _switch(name, claim.defaults[name], value)
        for name, value in control.items()
        if claim.defaults[name] != value
    )


def _switch(name: str, old: Value, new: Value) -> str:
    if isinstance(old, bool) and isinstance(new, bool):
        return say("predict.on" if new else "predict.off", name=name)
    return say("predict.change", name=name, old=_value(old), new=_value(new))


def _value(value: Value) -> str:
    return value if isinstance(value, str) else format_number(float(value))


# --- answers ------------------------------------------------------------------------------


def read(prompt: Prompt, typed: str) -> Guess:
    """What was typed as an answer: places of options counted from 1, or a number (`3e-4`,
    `20%`); None for nothing. Raises QuizdlError, in one line, for anything else."""
    text = unicodedata.normalize("NFKC", typed).strip()
    if not text:
        return None
    if not prompt.options:
        return _read_number(text, typed)
    several = prompt.ask is Ask.BREAKS
    picked = text.replace(",", " ").replace("、", " ").split()
    places = {str(place): place - 1 for place in range(1, len(prompt.options) + 1)}
    known = bool(picked) and all(word in places for word in picked)
    if not known or (len(picked) > 1 and not several):
        more = say("predict.not_option.several") if several else ""
        count = len(prompt.options)
        raise QuizdlError("predict.not_option", text=typed.strip(), count=count, several=more)
    return tuple(sorted({places[word] for word in picked}))


def _read_number(text: str, typed: str) -> float:
    digits, percent = text.removesuffix("%").strip(), text.endswith("%")
    try:
        number = float(digits) / (100 if percent else 1)
        if not math.isfinite(number):
            raise ValueError(text)  # noqa: TRY301
    except ValueError:
        raise QuizdlError("predict.not_number", text=typed.strip()) from None
    return number


def suggest(
    forecasts: Sequence[Forecast], grades: Collection[Rating] = tuple(Rating)
) -> Suggestion | None:
    """The rating, of the `grades` that are offered, that these outcomes speak for; never Easy,
    which is about the effort of recall. None when nothing was answered."""
    count = counts(forecasts)
    answered = len(forecasts) - count[Hit.NONE]
    if not answered:
        return None
    if count[Hit.RIGHT] == answered:
        rating = Rating.GOOD
    elif 2 * count[Hit.RIGHT] + count[Hit.PARTLY] >= answered:
        rating = Rating.HARD
    else:
        rating = Rating.AGAIN
    rating = rating.among(grades)
    name = say(f"rating.{rating.name.lower()}")
    return Suggestion(rating, say("predict.suggest", counts=tally(forecasts), rating=name))


def tally(forecasts: Sequence[Forecast]) -> str:
    """How many were right, in words; empty when nothing was answered."""
    count = counts(forecasts)
    answered = len(forecasts) - count[Hit.NONE]
    if not answered:
        return ""
    said = say("predict.counts", answered=answered, right=count[Hit.RIGHT])
    if count[Hit.PARTLY]:
        said += say("predict.counts.partly", partly=count[Hit.PARTLY])
    return said


def about(question: Question, claim: Claim) -> str:
    """Hash (SHA-256) of what a prediction of this claim is about: its sentence and the code."""
    parts = (question.id, claim.id, claim.text, question.demo)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
