"""How a guess compares with what was measured. Pure.

Every comparison is paired over the seeds, and what moves less than the seeds scatter counts as
not moving: a learner is not marked wrong by noise.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence

from quizdl.model import Ask, Bound, Forecast, Guess, Hit, Numbers, Prompt, Sample
from quizdl.render.numbers import format_number
from quizdl.words import in_chinese, say

LARGER, SMALLER, SAME = range(3)
"""The options of Ask.WAY, by their place."""
_SPREADS = 3.0
"""An effect is at least so many standard deviations of the claim over its seeds (design §4)."""
_SLIGHT = 0.05
"""A change below this share of the number, or a rest below this share of its bound, is what
people call nothing."""
_ROUNDING = 1e-9
_ZERO = 1e-14
"""Not a small number any more, but what arithmetic leaves of none."""
_TWICE = 2.0
"""How much further than the next a control must be to stand out."""
_FACTOR = math.log10(3)
_WIDEN = 0.15
"""Of a number far from 1, so much of its power of ten is allowed too: 1e-13 guessed as 1e-12 is
as good as 0.1 guessed as 0.2."""
_WIDE = 2.5
"""From this ratio of its ends on, an interval is about orders of magnitude."""
_SHARE_STEP = 0.1
_SMALLEST_SHARE = 0.01


def is_share(name: str, bound: Bound) -> bool:
    """Whether this number is one of [0, 1] or [-1, 1], as its author's name for it says. One
    that must be below a hundredth is an error, whatever it is called."""
    if bound.op in ("<", "<=") and abs(bound.high) < _SMALLEST_SHARE:
        return False
    return any(word in name for word in in_chinese("predict.share_words").split())


def within(name: str, bound: Bound) -> str:
    """How near a guess of this number must come, in words."""
    step = _step(name, bound)
    if step is None:
        return say("predict.within.factor")
    if bound.op != "in":
        return say("predict.within.share")
    return say("predict.within.step", step=format_number(float(f"{step:.1g}")))


def score(
    prompts: Sequence[Prompt], guesses: Sequence[Guess], samples: Sequence[Sample]
) -> tuple[Forecast, ...]:
    """Each guess beside the truth. What was not measured, as after a cancelled run, is marked
    Hit.NONE, and so is what was not answered."""
    runs = {(sample.seed, sample.arm): sample.numbers for sample in samples}
    seeds = sorted({sample.seed for sample in samples})
    return tuple(
        _forecast(prompt, guess, runs, seeds)
        for prompt, guess in zip(prompts, guesses, strict=True)
    )


_Runs = dict[tuple[int, int], Numbers]


def _forecast(prompt: Prompt, guess: Guess, runs: _Runs, seeds: Sequence[int]) -> Forecast:
    try:
        # per arm (the claim first), per name: the value for every seed that has them all
        paired = _paired(prompt, runs, seeds)
    except LookupError:
        return Forecast(prompt, guess, Hit.NONE, say("predict.truth.unmeasured"))
    marked = {
        Ask.WAY: _way,
        Ask.BREAKS: _breaks,
        Ask.FURTHEST: _furthest,
        Ask.NUMBER: _number,
    }[prompt.ask]
    hit, truth = marked(prompt, guess, paired)
    return Forecast(prompt, guess, Hit.NONE if guess is None else hit, truth)


def _paired(prompt: Prompt, runs: _Runs, seeds: Sequence[int]) -> list[list[list[float]]]:
    arms = (0, *prompt.arms)
    whole = [
        seed
        for seed in seeds
        if all(name in runs.get((seed, arm), {}) for arm in arms for name in prompt.names)
    ]
    if not whole:
        raise LookupError
    return [[[runs[seed, arm][name] for seed in whole] for name in prompt.names] for arm in arms]


_Paired = list[list[list[float]]]


def _way(prompt: Prompt, guess: Guess, paired: _Paired) -> tuple[Hit, str]:
    claim, control = paired[0][0], paired[1][0]
    if any(map(math.isnan, (*claim, *control))):
        return Hit.NONE, say("predict.truth.not_finite")
    moves = [after - before for before, after in zip(claim, control, strict=True)]
    typical = statistics.median(claim)
    noise = statistics.pstdev(claim) if all(map(math.isfinite, claim)) else 0.0
    least = max(_SPREADS * noise, _SLIGHT * abs(typical), _ROUNDING)
    leaning = SAME
    if all(move > _ROUNDING for move in moves):
        leaning = LARGER
    elif all(move < -_ROUNDING for move in moves):
        leaning = SMALLER
    truth = leaning if abs(statistics.median(moves)) >= least else SAME
    # every seed leans that way, though by little: not quite wrong
    return _hit(guess == (truth,), guess == (leaning,)), say(
        "predict.truth.way",
        way=prompt.options[truth],
        claim=format_number(typical),
        control=format_number(statistics.median(control)),
    )


def _breaks(prompt: Prompt, guess: Guess, paired: _Paired) -> tuple[Hit, str]:
    always, ever = set(), set()
    for place, (text, values) in enumerate(zip(prompt.bounds, paired[1], strict=True)):
        broken = [not Bound.parse(text).holds(value) for value in values]
        if all(broken):
            always.add(place)
        if any(broken):
            ever.add(place)
    said = set(guess) if isinstance(guess, tuple) else set()
    hit = _hit(always <= said <= ever, bool(said & ever))
    join = say("predict.join")
    truth = join.join(prompt.names[place] for place in sorted(always))
    if not ever:
        truth = say("predict.truth.kept")
    if ever - always:
        names = join.join(prompt.names[place] for place in sorted(ever - always))
        truth += say("predict.truth.also", names=names)
    return hit, truth


def _furthest(prompt: Prompt, guess: Guess, paired: _Paired) -> tuple[Hit, str]:
    bound = Bound.parse(prompt.bounds[0])
    arms = [values[0] for values in paired[1:]]
    beyond = [[-bound.slack(value) for value in values] for values in arms]
    middles = [statistics.median(values) for values in beyond]
    first, second, *_ = sorted(range(len(arms)), key=lambda arm: -middles[arm])
    stands_out = middles[first] >= _TWICE * middles[second] and all(
        mine > other for mine, other in zip(beyond[first], beyond[second], strict=True)
    )
    truth = first if stands_out else len(arms)
    hit = _hit(guess == (truth,), guess == (first,))
    values = say("predict.join").join(format_number(statistics.median(arm)) for arm in arms)
    return hit, say("predict.truth.furthest", winner=prompt.options[truth], values=values)


def _number(prompt: Prompt, guess: Guess, paired: _Paired) -> tuple[Hit, str]:
    values = paired[1][0]
    if not all(map(math.isfinite, values)):
        return Hit.NONE, say("predict.truth.not_finite")
    low, high = min(values), max(values)
    shown = [format_number(x) for x in (statistics.median(values), low, high)]
    spread = shown[1] != shown[2]
    truth = say(
        f"predict.truth.{'spread' if spread else 'number'}",
        value=shown[0],
        low=shown[1],
        high=shown[2],
    )
    if not isinstance(guess, int | float):
        return Hit.NONE, truth
    bound = Bound.parse(prompt.bounds[0])
    nearest = min(max(guess, low), high)
    off = _off(prompt.names[0], bound, guess, nearest)
    same_side = bound.holds(guess) == bound.holds(nearest)
    return _hit(off <= 1 and same_side, off <= 1 or (off <= 2 and same_side)), truth


def _hit(right: bool, partly: bool) -> Hit:
    if right:
        return Hit.RIGHT
    return Hit.PARTLY if partly else Hit.WRONG


def _step(name: str, bound: Bound) -> float | None:
    """The distance that counts as near; None: this number is guessed by its magnitude."""
    if bound.op == "in":
        middle = abs(bound.low + bound.high) / 2
        tight = bound.low > 0 and bound.high / bound.low < _WIDE
        return max(bound.high - bound.low, middle / 10) if tight else None
    return _SHARE_STEP if is_share(name, bound) else None


def _off(name: str, bound: Bound, guess: float, truth: float) -> float:
    """0: exact, up to 1: near, up to 2: half right."""
    if guess == truth:
        return 0.0
    step = _step(name, bound)
    size = max(abs(bound.low), abs(bound.high))
    if step is not None and bound.op != "in" and abs(truth) <= 1:
        return abs(guess - truth) / step
    if step is not None and bound.op == "in" and abs(truth) <= 3 * size:
        return abs(guess - truth) / max(step, abs(truth) / 4)
    if abs(truth) <= _ZERO:
        return abs(guess) / (_SLIGHT * size) if size else math.inf
    if guess == 0:
        return 0.0 if abs(truth) <= _SLIGHT * size else math.inf
    if not math.isfinite(guess) or (guess > 0) != (truth > 0):
        return math.inf
    allowed = max(_FACTOR, _WIDEN * abs(math.log10(abs(truth))))
    return abs(math.log10(abs(guess)) - math.log10(abs(truth))) / allowed


def counts(forecasts: Sequence[Forecast]) -> dict[Hit, int]:
    """How many of each; every Hit is there."""
    found = Counter(forecast.hit for forecast in forecasts)
    return {hit: found[hit] for hit in Hit}
