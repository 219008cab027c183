"""Key points: cut from the answer, ticked, and remembered as missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learner import START

from quizdl.bank.sections import FollowUp, KeyPoint, cut_points, follow_ups, key_points
from quizdl.memory.points import missed, propose, weak_points
from quizdl.model import Question, Rating, Recall, Recalled, Tick

BACK = """## 一句话
对。

## 要点
- 前提：[步长够小](demo.py#small)，
  才收敛。
- （加分）历史：谁先提出的。
- 代价：每步要整批数据。

## 追问
- **那么**，不加粗的不算开头。
- **步长怎么选？** 试出来。
- **为什么
  会发散？** 见[步长](../x/question.md)，
  或者画图。
"""
TICKS = st.lists(st.builds(Tick, st.just("点"), st.booleans(), st.booleans()), min_size=1)


def question(back: str = BACK) -> Question:
    return Question("gd", "topic", "标题", 1, "", back, (), "", Path())


def recalled(*told: bool, back: str = BACK, days: int = 0) -> Recalled:
    points = key_points(back)
    ticks = tuple(Tick(p.text, p.must, t) for p, t in zip(points, told, strict=True))
    return Recalled("gd", START + timedelta(days=days), Recall("", ticks))


def test_the_points_of_an_answer() -> None:
    assert key_points(BACK) == (
        KeyPoint("前提：[步长够小](demo.py#small)，\n  才收敛。", must=True),
        KeyPoint("历史：谁先提出的。", must=False),
        KeyPoint("代价：每步要整批数据。", must=True),
    )
    assert key_points("## 一句话\n没有要点") == ()


def test_what_is_asked_next() -> None:
    assert follow_ups(BACK) == (
        FollowUp("那么", "，不加粗的不算开头。"),
        FollowUp("步长怎么选？", "试出来。"),
        FollowUp("为什么 会发散？", "见[步长](../x/question.md)，\n  或者画图。"),
    )


@given(TICKS)
def test_a_missing_must_have_never_proposes_good(ticks: list[Tick]) -> None:
    rating = propose(ticks)
    if any(tick.must and not tick.told for tick in ticks):
        assert rating < Rating.GOOD
    if all(tick.told for tick in ticks):
        assert rating is Rating.GOOD
    if not any(tick.told for tick in ticks):
        assert rating is Rating.AGAIN


def test_how_many_were_told_decides() -> None:
    must, bonus = Tick("一", True, True), Tick("二", False, False)
    lacking = Tick("三", True, False)
    assert propose([must, bonus]) is Rating.GOOD
    assert propose([must, lacking]) is Rating.HARD
    assert propose([must, lacking, lacking]) is Rating.AGAIN
    assert propose([bonus]) is Rating.AGAIN, "nothing of what there was"
    with pytest.raises(ValueError, match="no key point"):
        propose([])


def test_a_point_is_weak_until_it_was_told_more_often_than_missed() -> None:
    once = recalled(True, True, False)
    (weak,) = weak_points([once], [question()])
    assert (weak.point, weak.must, weak.missed, weak.asked) == (
        "代价：每步要整批数据。",
        True,
        1,
        1,
    )
    assert weak.last == START
    told = [recalled(True, True, True, days=day) for day in (1, 2)]
    assert weak_points([once, told[0]], [question()])[0].missed == 1
    assert weak_points([once, *told], [question()]) == ()
    long_ago = [recalled(True, True, False, days=day) for day in range(9)]
    since = [recalled(True, True, True, days=day) for day in range(10, 13)]
    assert weak_points([*long_ago, *since], [question()]) == (), "only the last four count"


def test_the_most_often_missed_comes_first() -> None:
    log = [recalled(False, True, False), recalled(False, True, True, days=1)]
    assert [w.missed for w in weak_points(log, [question()])] == [2, 1]


def test_points_that_were_edited_keep_what_is_known_of_them() -> None:
    edited = BACK.replace("每步要整批数据。", "每一步都要用上整批数据。").replace(
        "- （加分）历史：谁先提出的。\n", ""
    )
    log = [recalled(False, False, False)]
    assert {weak.point[:2] for weak in weak_points(log, [question(edited)])} == {"前提", "代价"}
    assert missed(question(edited), log[0].recall) == {0, 1}


def test_of_questions_that_are_gone_nothing_is_said() -> None:
    assert weak_points([recalled(False, False, False)], []) == ()
    assert weak_points([Recalled("gd", START, Recall("只写了字"))], [question()]) == ()


def test_an_answer_is_cut_at_its_points() -> None:
    cut = cut_points(BACK)
    assert cut.before == "## 一句话\n对。\n\n## 要点"
    assert [point[:2] for point in cut.points] == ["前提", "（加", "代价"]
    assert cut.after.startswith("## 追问\n")
    assert cut_points("## 一句话\n对。") == ("## 一句话\n对。", (), "")
    between = BACK.replace("- 代价", "另外：\n\n- 代价")
    assert cut_points(between) == (between, (), ""), "nothing of it is lost"


@given(TICKS)
def test_nor_where_only_two_grades_are_offered(ticks: list[Tick]) -> None:
    two = (Rating.AGAIN, Rating.GOOD)
    missing = any(tick.must and not tick.told for tick in ticks)
    if missing:
        assert propose(ticks).among(two) is Rating.AGAIN
    assert Rating.EASY.among(two) is Rating.GOOD
    assert propose(ticks).among(Rating) is propose(ticks)
