"""Predictions: what is asked before a claim runs, and how an answer compares with the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizdl.bank import find_bank, load
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
    Sample,
    Value,
)
from quizdl.proof.predict import MOST, about, for_review, prompts, read, suggest
from quizdl.proof.report import forecast_lines
from quizdl.proof.score import score
from quizdl.words import QuizdlError, say

QUESTIONS = load(find_bank(None)).questions
CLAIMS = [(question, claim) for question in QUESTIONS for claim in question.claims]


def make(
    expects: Mapping[str, str], *controls: Params, defaults: Mapping[str, Value] | None = None
) -> Claim:
    return Claim(
        id="c",
        text="一句话",
        line=1,
        guards={},
        expects={name: Bound.parse(text) for name, text in expects.items()},
        controls=controls,
        knobs=(),
        defaults={"init": "zero", "rate": 0.1, "fix": True} if defaults is None else defaults,
    )


def measured(*arms: Mapping[str, Sequence[float]]) -> list[Sample]:
    """Samples of each arm, from the values of each number over the seeds."""
    return [
        Sample(seed, arm, {name: values[seed] for name, values in numbers.items()}, 1.0)
        for arm, numbers in enumerate(arms)
        for seed in range(len(next(iter(numbers.values()))))
    ]


def asked(claim: Claim) -> list[Ask]:
    return [prompt.ask for prompt in prompts(claim)]


RANDOM, FAST, UNFIXED = {"init": "random"}, {"rate": 0.5}, {"fix": False}

# --- what is asked


@pytest.mark.parametrize(
    ("question", "claim"), CLAIMS, ids=[f"{question.id}#{claim.id}" for question, claim in CLAIMS]
)
def test_of_every_claim_of_the_bank_something_sensible_is_asked(
    question: Question, claim: Claim
) -> None:
    found = prompts(claim)
    assert 1 <= len(found) <= MOST
    assert len({prompt.text for prompt in found}) == len(found)
    for prompt in found:
        assert set(prompt.names) <= set(claim.expects)
        assert prompt.bounds == tuple(claim.expects[name].text for name in prompt.names)
        assert set(prompt.arms) <= set(range(1, len(claim.controls) + 1))
        assert len(set(prompt.options)) == len(prompt.options)
        assert bool(prompt.options) == (prompt.ask is not Ask.NUMBER)
        bound = Bound.parse(prompt.bounds[0])
        if prompt.ask is Ask.WAY:
            assert bound.op == "in", "otherwise the bound gives the way away"
        if prompt.ask is Ask.NUMBER:
            assert "个数" not in prompt.names[0], "of how many, nobody knows"


def test_one_bound_and_one_control_leave_the_number() -> None:
    (prompt,) = prompts(make({"相对差": "<= 1e-9"}, RANDOM))
    assert prompt.ask is Ask.NUMBER
    assert prompt.text.startswith("init 从 zero 换成 random，“相对差”大约变成多少？")
    assert "<= 1e-9" in prompt.text


@pytest.mark.parametrize(
    ("expects", "controls", "kinds"),
    [
        ({"倍数": "in [0.9, 1.1]"}, [RANDOM], [Ask.WAY, Ask.NUMBER]),
        ({"倍数": "in [0.9, 1.1]"}, [RANDOM, FAST], [Ask.WAY, Ask.WAY, Ask.NUMBER]),
        ({"误差": "<= 1e-9"}, [RANDOM, FAST], [Ask.NUMBER, Ask.FURTHEST]),
        ({"步数之比": ">= 5"}, [RANDOM, FAST], [Ask.NUMBER, Ask.NUMBER]),
        ({"步数之比": ">= 5"}, [RANDOM, FAST, UNFIXED], [Ask.NUMBER, Ask.FURTHEST]),
        ({"NaN 的个数": "== 0"}, [RANDOM], []),
        ({"NaN 的个数": "== 0"}, [RANDOM, FAST, UNFIXED], [Ask.FURTHEST]),
        ({"占比": "== 0"}, [RANDOM], [Ask.NUMBER]),
        ({"a": "== 0", "b": "== 0"}, [RANDOM], [Ask.BREAKS]),
        ({"a": "<= 1", "b": "in [1, 2]"}, [RANDOM], [Ask.BREAKS, Ask.WAY, Ask.NUMBER]),
        ({"a": "<= 1", "b": "<= 1"}, [RANDOM, FAST], [Ask.BREAKS, Ask.BREAKS]),
        ({"a": "<= 1", "b": ">= 1"}, [RANDOM, FAST], [Ask.BREAKS, Ask.BREAKS, Ask.NUMBER]),
        ({"a": "<= 1", "b": ">= 1"}, [RANDOM, FAST, UNFIXED], [Ask.BREAKS] * 3),
        ({"误差": "<= 1e-9"}, [{"init": "zero"}], []),
        ({}, [RANDOM], []),
        ({"误差": "<= 1e-9"}, [], []),
    ],
)
def test_what_is_asked_follows_from_the_declaration(
    expects: dict[str, str], controls: list[Params], kinds: list[Ask]
) -> None:
    assert asked(make(expects, *controls)) == kinds


def test_a_change_is_said_in_words() -> None:
    both = {"init": "random", "rate": 1e-5, "fix": False}
    (prompt,) = prompts(make({"相对差": "<= 1e-9"}, both))
    assert prompt.text.startswith("init 从 zero 换成 random、rate 从 0.1 换成 1e-5、关掉 fix，")
    (prompt,) = prompts(make({"相对差": "<= 1"}, {"fix": True}, defaults={"fix": False}))
    assert prompt.text.startswith("打开 fix，")


def test_a_control_that_changes_nothing_keeps_the_others_numbers() -> None:
    (prompt,) = prompts(make({"相对差": "<= 1e-9"}, {"init": "zero"}, FAST))
    assert prompt.arms == (2,)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_review_asks_a_few_and_the_next_one_others(question: Question) -> None:
    able = {claim.id: prompts(claim) for claim in question.claims}
    seen: set[tuple[str, str]] = set()
    for turn in range(len(able) * MOST):
        chosen = for_review(question, turn)
        assert 1 <= len(chosen) <= MOST
        assert list(chosen) == [claim for claim in able if claim in chosen], "in their order"
        assert all(len(group) == 1 for group in chosen.values())
        seen |= {(claim, group[0].text) for claim, group in chosen.items()}
    assert seen == {(claim, prompt.text) for claim, found in able.items() for prompt in found}


# --- answers


def prompt_of(kind: Ask, expects: Mapping[str, str], *controls: Params) -> Prompt:
    return next(found for found in prompts(make(expects, *controls)) if found.ask is kind)


NUMBER = prompt_of(Ask.NUMBER, {"相对差": "<= 1e-9"}, RANDOM)
WAY = prompt_of(Ask.WAY, {"倍数": "in [0.9, 1.1]"}, RANDOM)
BREAKS = prompt_of(Ask.BREAKS, {"a": "<= 1", "b": ">= 1", "c": "== 0"}, RANDOM)
FURTHEST = prompt_of(Ask.FURTHEST, {"误差": "<= 1e-3"}, RANDOM, FAST)


@pytest.mark.parametrize(
    ("prompt", "typed", "guess"),
    [
        (NUMBER, "0.5\n", 0.5),
        (NUMBER, " 3e-4 ", 3e-4),
        (NUMBER, "２０％", 0.2),
        (NUMBER, "-1", -1.0),
        (NUMBER, "\n", None),
        (WAY, "2", (1,)),
        (WAY, "", None),
        (BREAKS, "3 1", (0, 2)),
        (BREAKS, "1，3、3", (0, 2)),
        (FURTHEST, "３", (2,)),
    ],
)
def test_what_is_typed_is_read(prompt: Prompt, typed: str, guess: Guess) -> None:
    assert read(prompt, typed) == guess


@pytest.mark.parametrize(
    ("prompt", "typed"),
    [
        *((NUMBER, typed) for typed in ("大", "nan", "inf", "1e999", "%", "1 2", "1%%")),
        *((WAY, typed) for typed in ("0", "4", "1 2", "x", "1.0", "-1", "01")),
        *((BREAKS, typed) for typed in ("4", "1 x", "，")),
    ],
)
def test_what_is_no_answer_is_refused_in_one_line(prompt: Prompt, typed: str) -> None:
    with pytest.raises(QuizdlError) as error:
        read(prompt, typed)
    assert typed in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(max_size=8), st.sampled_from([NUMBER, WAY, BREAKS, FURTHEST]))
def test_any_text_is_read_or_refused(typed: str, prompt: Prompt) -> None:
    try:
        guess = read(prompt, typed)
    except QuizdlError:
        return
    if isinstance(guess, tuple):
        assert all(0 <= place < len(prompt.options) for place in guess)
    else:
        assert guess is None or math.isfinite(guess)


# --- marks


def mark(prompt: Prompt, guess: Guess, samples: Sequence[Sample]) -> Forecast:
    (forecast,) = score([prompt], [guess], samples)
    return forecast


LARGER, SMALLER, SAME = (0,), (1,), (2,)


@pytest.mark.parametrize(
    ("claim", "control", "hits"),
    [
        ([1.0, 1.1, 0.9], [2.0, 2.1, 1.9], (Hit.RIGHT, Hit.WRONG, Hit.WRONG)),
        ([1.0, 1.1, 0.9], [0.1, 0.2, 0.0], (Hit.WRONG, Hit.RIGHT, Hit.WRONG)),
        # it leans that way in every seed, by less than three times the spread of the seeds
        ([1.0, 1.1, 0.9], [1.1, 1.2, 1.0], (Hit.PARTLY, Hit.WRONG, Hit.RIGHT)),
        # the typical seed moves far, another the other way
        ([1.0, 1.0, 1.0], [2.0, 2.0, 0.9], (Hit.WRONG, Hit.WRONG, Hit.RIGHT)),
        # without any spread, a twentieth is still nothing
        ([1.0, 1.0, 1.0], [1.04] * 3, (Hit.PARTLY, Hit.WRONG, Hit.RIGHT)),
        ([1.0, 1.0, 1.0], [1.06] * 3, (Hit.RIGHT, Hit.WRONG, Hit.WRONG)),
        # rounding
        ([0.0, 1e-16, 0.0], [3e-16, 3e-16, 3e-16], (Hit.WRONG, Hit.WRONG, Hit.RIGHT)),
        ([1.0, 1.0, 1.0], [math.inf] * 3, (Hit.RIGHT, Hit.WRONG, Hit.WRONG)),
        ([1.0, 1.0, 1.0], [math.nan] * 3, (Hit.NONE, Hit.NONE, Hit.NONE)),
    ],
)
def test_which_way(claim: list[float], control: list[float], hits: tuple[Hit, Hit, Hit]) -> None:
    samples = measured({"倍数": claim}, {"倍数": control})
    assert tuple(mark(WAY, guess, samples).hit for guess in (LARGER, SMALLER, SAME)) == hits


def test_the_seeds_are_paired() -> None:
    """Each seed grows by a tenth while the seeds differ by a factor of a hundred."""
    claim = [1.0, 10.0, 100.0]
    samples = measured({"倍数": claim}, {"倍数": [1.1 * value for value in claim]})
    assert mark(WAY, SAME, samples).hit is Hit.RIGHT, "next to the spread it is nothing"
    assert mark(WAY, LARGER, samples).hit is Hit.PARTLY, "but it does grow"
    assert mark(WAY, SMALLER, samples).hit is Hit.WRONG


@pytest.mark.parametrize(
    ("guess", "hit"),
    [
        ((0,), Hit.RIGHT),
        ((0, 1), Hit.RIGHT),
        ((1,), Hit.PARTLY),
        ((0, 2), Hit.PARTLY),
        ((2,), Hit.WRONG),
        (None, Hit.NONE),
    ],
)
def test_which_break(guess: Guess, hit: Hit) -> None:
    """`a` breaks under every seed, `b` under one, `c` under none."""
    holds = {"a": [0.5] * 3, "b": [2.0] * 3, "c": [0.0] * 3}
    broken = {"a": [5.0, 6.0, math.nan], "b": [2.0, 0.5, 2.0], "c": [0.0] * 3}
    found = mark(BREAKS, guess, measured(holds, broken))
    assert (found.hit, found.truth) == (hit, "a（b 时破时不破）")


@pytest.mark.parametrize(
    ("first", "second", "hits"),
    [
        ([1.0, 1.2, 0.9], [0.1, 0.1, 0.2], (Hit.RIGHT, Hit.WRONG, Hit.WRONG)),
        ([0.5, 0.6, 0.5], [0.4, 0.4, 0.4], (Hit.PARTLY, Hit.WRONG, Hit.RIGHT)),
        # three times as far in the middle, but not in every seed
        ([0.1, 0.3, 0.3], [0.2, 0.1, 0.1], (Hit.PARTLY, Hit.WRONG, Hit.RIGHT)),
        ([1.0, 1.0, 1.0], [math.nan] * 3, (Hit.WRONG, Hit.RIGHT, Hit.WRONG)),
    ],
)
def test_which_goes_furthest(
    first: list[float], second: list[float], hits: tuple[Hit, Hit, Hit]
) -> None:
    samples = measured({"误差": [0.0] * 3}, {"误差": first}, {"误差": second})
    assert tuple(mark(FURTHEST, (place,), samples).hit for place in range(3)) == hits


def number(name: str, bound: str) -> Prompt:
    return replace(NUMBER, names=(name,), bounds=(bound,))


@pytest.mark.parametrize(
    ("name", "bound", "truth", "right", "partly", "wrong"),
    [
        # by its magnitude
        ("步数之比", ">= 4.5", [0.53, 0.51], [0.53, 0.2, 1.5], [4, 0.06], [5, 50, 0, -0.5]),
        ("相对差", "<= 1e-9", [0.8, 0.9], [1, 0.3, 2.5], [0.1, 8], [1e-9, 1e-3, 0, 10]),
        # a number far from 1 need only be near in its power of ten
        ("首末之比", "in [0.2, 8]", [1e-13], [1e-12, 3e-15, 0], [1e-10], [1e-3, 1, 10]),
        # nothing: what is a twentieth of the bound, or less
        ("夹角", ">= 30", [0.0], [0, 1e-6, 1.4], [2.5], [10, 40]),
        ("夹角", ">= 8", [0.13], [0, 0.1, 0.3], [1], [4]),
        # the sign counts
        ("偏差", "in [-1e-9, 1e-9]", [-0.99], [-1, -0.5], [-0.2], [1, 0, -0.01]),
        # a share, by its distance
        ("测试正确率", "<= 0.6", [1.0], [1, 0.95], [0.85], [0.75, 0.5]),
        ("恰为 0 的占比", ">= 0.4", [0.0], [0, 0.05], [0.15], [0.3]),
        # an interval, by its width or a quarter
        ("倍数", "in [0.55, 0.75]", [1.0], [1, 0.8, 1.2], [1.4], [0.4, 2]),
        # on the wrong side of the bound one is not right, however near
        ("倍数", "in [0.55, 0.75]", [0.8], [0.9], [0.7], [0.2]),
        ("测试正确率", "<= 0.6", [0.65], [0.7], [0.6], [0.5, 0.4]),
        # an interval left far behind
        ("倍数", "in [0.7, 1.4]", [375.0], [200, 1000], [50], [2]),
        # a small ratio of two numbers is no share
        ("最大比例", "<= 1e-3", [2.16], [1, 3], [10], [0.1]),
    ],
)
def test_roughly_what_number(
    name: str,
    bound: str,
    truth: list[float],
    right: list[float],
    partly: list[float],
    wrong: list[float],
) -> None:
    samples = measured({name: [0.0] * len(truth)}, {name: truth})
    for hit, guesses in ((Hit.RIGHT, right), (Hit.PARTLY, partly), (Hit.WRONG, wrong)):
        for guess in guesses:
            found = mark(number(name, bound), guess, samples)
            assert found.hit is hit, (guess, found)


def test_a_guess_among_the_seeds_is_exact() -> None:
    samples = measured({"相对差": [0.0] * 3}, {"相对差": [1e-6, 1.0, 1e3]})
    assert mark(NUMBER, 30.0, samples).hit is Hit.RIGHT
    assert mark(NUMBER, 30.0, samples).truth == "1（各种子 1e-6 到 1000）"


@pytest.mark.parametrize("prompt", [NUMBER, WAY, BREAKS, FURTHEST])
def test_what_was_not_measured_is_not_marked(prompt: Prompt) -> None:
    guess: Guess = 1.0 if prompt is NUMBER else (0,)
    for samples in ([], measured({name: [1.0] for name in prompt.names}), measured({"x": [1.0]})):
        found = mark(prompt, guess, samples)
        assert (found.hit, found.truth, found.guess) == (Hit.NONE, "没有量出来", guess)


def test_a_seed_that_was_cut_off_is_left_out() -> None:
    samples = measured({"倍数": [1.0, 1.0]}, {"倍数": [2.0]})
    assert mark(WAY, LARGER, samples).hit is Hit.RIGHT


def test_an_infinite_number_is_no_guess() -> None:
    samples = measured({"相对差": [0.0]}, {"相对差": [math.inf]})
    assert mark(NUMBER, 1.0, samples).hit is Hit.NONE


floats = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.sampled_from(CLAIMS),
    st.data(),
    st.sampled_from([None, 0.0, 1.0, -3e-7, 5e-324, 1.7e308, (0,), (0, 1)]),
)
def test_any_numbers_are_marked(pair: tuple[Question, Claim], data: st.DataObject, guess: Guess):
    """Whatever a demo returns: a mark for each, and words of one line."""
    claim = pair[1]
    found = prompts(claim)
    guesses = [guess if (prompt.ask is Ask.NUMBER) != isinstance(guess, tuple) else None
               for prompt in found]  # fmt: skip
    arms = range(len(claim.controls) + 1)
    samples = [
        Sample(seed, arm, {name: data.draw(floats) for name in claim.expects}, 1.0)
        for seed in range(2)
        for arm in arms
    ]
    forecasts = score(found, guesses, samples)
    assert [forecast.prompt for forecast in forecasts] == list(found)
    assert all(forecast.truth and "\n" not in forecast.truth for forecast in forecasts)
    assert all((forecast.guess is not None) or forecast.hit is Hit.NONE for forecast in forecasts)
    assert forecast_lines(forecasts, 40)


@given(st.sampled_from([p for _, c in CLAIMS for p in prompts(c) if p.ask is Ask.NUMBER]),
       st.floats(allow_nan=False, allow_infinity=False))  # fmt: skip
def test_the_number_itself_is_always_right(prompt: Prompt, truth: float) -> None:
    (name,) = prompt.names
    samples = measured({name: [0.0]}, {name: [truth]})
    assert mark(replace(prompt, arms=(1,)), truth, samples).hit is Hit.RIGHT


# --- what it says of the learner


def outcome(*hits: Hit) -> list[Forecast]:
    return [Forecast(NUMBER, None if hit is Hit.NONE else 1.0, hit, "1") for hit in hits]


@pytest.mark.parametrize(
    ("hits", "rating"),
    [
        ([], None),
        ([Hit.NONE, Hit.NONE], None),
        ([Hit.RIGHT, Hit.RIGHT], Rating.GOOD),
        ([Hit.RIGHT, Hit.NONE], Rating.GOOD),
        ([Hit.RIGHT, Hit.PARTLY], Rating.HARD),
        ([Hit.PARTLY], Rating.HARD),
        ([Hit.RIGHT, Hit.WRONG], Rating.HARD),
        ([Hit.PARTLY, Hit.WRONG], Rating.AGAIN),
        ([Hit.RIGHT, Hit.WRONG, Hit.WRONG], Rating.AGAIN),
        ([Hit.WRONG, Hit.NONE], Rating.AGAIN),
    ],
)
def test_the_suggestion(hits: list[Hit], rating: Rating | None) -> None:
    found = suggest(outcome(*hits))
    assert (found and found.rating) == rating
    if found:
        assert say(f"rating.{found.rating.name.lower()}") in found.why.partition("建议")[2]
    two = suggest(outcome(*hits), (Rating.AGAIN, Rating.GOOD))
    assert (two and two.rating) == (Rating.AGAIN if rating is Rating.HARD else rating)


def test_the_suggestion_says_why() -> None:
    found = suggest(outcome(Hit.RIGHT, Hit.RIGHT, Hit.PARTLY, Hit.NONE))
    assert found is not None
    assert found.why == "预测 3 问，对 2 问，部分对 1 问：建议打“吃力”"


@given(st.lists(st.sampled_from(Hit)))
def test_never_easy_and_better_answers_never_suggest_less(hits: list[Hit]) -> None:
    found = suggest(outcome(*hits))
    if found is None:
        return
    assert found.rating is not Rating.EASY
    better = [Hit.RIGHT if hit is Hit.WRONG else hit for hit in hits]
    improved = suggest(outcome(*better))
    assert improved is not None
    assert improved.rating >= found.rating


def test_the_hash_changes_with_the_sentence_and_with_the_code() -> None:
    claim = make({"误差": "<= 1"}, RANDOM)
    question = Question("q", "t", "题", 1, "", "", (claim,), "code", Path())
    hashes = {
        about(question, claim),
        about(question, replace(claim, text="另一句话")),
        about(replace(question, demo="other"), claim),
    }
    assert len(hashes) == 3
    assert about(question, claim) == about(replace(question, title="新题目"), claim)
