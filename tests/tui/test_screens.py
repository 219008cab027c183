"""The way a learner goes, key by key, on a real bank, a real database and real proofs."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from banks import DEMO, QUESTION, write_question
from pilots import MORNING, claims, opened, place, text_of, until
from textual.events import MouseScrollDown
from textual.widgets import Digits

from quizdl.bank import load
from quizdl.model import Rating
from quizdl.session import Plan, open_library
from quizdl.settings import Paths, Settings
from quizdl.tui.app import QuizdlApp
from quizdl.tui.screens import review
from quizdl.tui.screens.browse import BrowseScreen
from quizdl.tui.screens.review import ReviewScreen
from quizdl.tui.screens.stats import StatsScreen
from quizdl.tui.screens.summary import SummaryScreen
from quizdl.tui.screens.today import TodayScreen
from quizdl.tui.widgets.claims import Stage
from quizdl.tui.widgets.draft import Draft

SIZES = [(80, 24), (120, 40)]


def counts(app: QuizdlApp) -> list[str]:
    return [digits.value for digits in app.screen.query(Digits)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_whole_session(bank: Path, paths: Paths, size: tuple[int, int]) -> None:
    async with opened(bank, paths, size) as (app, pilot, clock):
        assert isinstance(app.screen, TodayScreen)
        assert counts(app) == ["0", "0", "2"]
        assert "2 道题" in text_of(app)

        await pilot.press("enter")
        await pilot.pause()
        assert "doubling 吗？" in text_of(app)
        assert "会的" not in text_of(app), "the answer is hidden before the recall"
        await pilot.press("3")
        assert "doubling 吗？" in text_of(app), "no rating before the answer is seen"

        await pilot.press("space")
        await pilot.pause()
        shown = text_of(app)
        assert "会的" in shown
        for part in ("1 忘了", "2 吃力", "3 记得", "4 轻松", "1 分钟", "10 分钟", "没想起来"):
            assert part in shown

        await pilot.press("4")
        await pilot.pause()
        assert "halving 吗？" in text_of(app)
        await pilot.press("space", "space")
        clock.now += timedelta(minutes=11)
        await pilot.pause()
        assert "halving 吗？" in text_of(app), "a learning step comes back in the same session"
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert isinstance(app.screen, SummaryScreen)
        assert "打分 3 次" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
        assert counts(app) == ["0", "0", "0"]
        assert "今天的都做完了" in text_of(app)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_the_first_time_today_tells_how_it_goes(
    bank: Path, paths: Paths, size: tuple[int, int]
) -> None:
    async with opened(bank, paths, size) as (app, pilot, _):
        shown = text_of(app)
        for line in ("第一次用", "按空格看答案", "它必须失败的对照", "按 1 到 4", "ctrl+p"):
            assert line in shown
        await pilot.press("enter", "space", "4", "q", "enter")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
        assert "第一次用" not in text_of(app)


async def test_what_was_rated_is_there_at_the_next_start(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space", "4")
        await pilot.pause()
    async with opened(bank, paths) as (app, _, _):
        assert counts(app) == ["0", "0", "1"]
        assert "1/2" in text_of(app)


async def test_undo_brings_the_question_back(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space", "1")
        await pilot.pause()
        assert "halving 吗？" in text_of(app)
        await pilot.press("u")
        await pilot.pause()
        assert "doubling 吗？" in text_of(app)
        await pilot.press("u")
        await pilot.pause()
        assert "没有可以撤销的" in text_of(app)
    library = open_library(paths.database, load(bank).questions, Settings())
    assert library.started() == frozenset()
    library.close()


async def test_redo_takes_the_same_step_again(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space", "4", "u")
        await pilot.pause()
        assert "撤销了：打分“轻松”" in text_of(app)
        assert "doubling 吗？" in text_of(app)
        await pilot.press("U")
        await pilot.pause()
        assert "halving 吗？" in text_of(app)
        assert "重做了：打分“轻松”" in text_of(app)
        await pilot.press("U")
        await pilot.pause()
        assert "没有可以重做的" in text_of(app)
    library = open_library(paths.database, load(bank).questions, Settings())
    assert library.started() == {"doubling"}
    library.close()


async def test_undo_from_the_summary(bank: Path, paths: Paths) -> None:
    def one(loaded: object) -> Plan:
        return Plan(load(bank).questions, limit=1)

    async with opened(bank, paths, plan=one) as (app, pilot, _):
        await pilot.press("space", "4")
        await pilot.pause()
        assert isinstance(app.screen, SummaryScreen)
        await pilot.press("u")
        await pilot.pause()
        assert isinstance(app.screen, ReviewScreen)
        assert "doubling 吗？" in text_of(app)


async def test_a_leech_is_announced(bank: Path, paths: Paths) -> None:
    now = MORNING - timedelta(days=9 * 401)
    library = open_library(paths.database, [load(bank).get("doubling")], Settings())
    library.session(Plan(), now).rate(Rating.EASY, now)
    for _ in range(7):
        for wait, rating in ((400, Rating.AGAIN), (1, Rating.EASY)):
            now += timedelta(days=wait)
            library.session(Plan(), now).rate(rating, now)
    library.close()
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter")
        await pilot.pause()
        assert "doubling 吗？" in text_of(app)
        await pilot.press("space", "1")
        await pilot.pause()
        assert "这道题已经忘了 8" in text_of(app)
        await pilot.press("slash", *"is:leech")
        await pilot.pause()
        assert "1 / 2 道题" in text_of(app)


@pytest.mark.parametrize("size", SIZES)
async def test_all_proofs_with_r(bank: Path, paths: Paths, size: tuple[int, int]) -> None:
    async with opened(bank, paths, size) as (app, pilot, _):
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("r")
        assert all(row.stage is Stage.IDLE for row in claims(app)), "not before"
        await pilot.press("space", "r")
        rows = claims(app)
        await until(pilot, lambda: all(row.stage is Stage.DONE for row in rows))
        await pilot.pause()
        shown = text_of(app)
        assert "✓ 翻倍就是乘二" in shown
        assert "已证" in shown
        assert ">= 1" in shown
        await pilot.press("home")
        await pilot.pause()
        assert "• ✓ 翻倍就是乘二" in text_of(app), "the state stands in the answer, too"


async def test_proofs_asked_for_in_one_breath_with_the_answer_are_seen(
    bank: Path, paths: Paths
) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter")
        await pilot.pause()
        app.simulate_key("space")
        app.simulate_key("r")
        await until(pilot, lambda: "已证" in text_of(app))


async def test_the_footer_says_what_the_keys_do_now(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert "空格 看答案" in text_of(app)
        await pilot.press("space", "tab")
        await pilot.pause(0.1)
        footer = text_of(app).splitlines()[-1]
        assert "空格 记得" in footer
        assert "运行这一条" in footer
        assert "r 运行证明" in footer


async def test_one_claim_with_enter_and_with_a_click(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space", "tab", "tab", "enter")
        rows = claims(app)
        await until(pilot, lambda: any(row.stage is Stage.DONE for row in rows))
        assert [row.stage for row in rows] == [Stage.IDLE, Stage.DONE, Stage.IDLE]
        assert isinstance(app.screen, ReviewScreen), "Enter on a claim is not a rating"
        await pilot.click(offset=place(app, "三倍不是翻倍"))
        await until(pilot, lambda: rows[2].stage is Stage.DONE)
        assert rows[0].stage is Stage.IDLE


async def test_a_claim_is_run_by_clicking_its_sentence(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space")
        await pilot.pause()
        lines = text_of(app).splitlines()
        y = next(n for n, line in enumerate(lines) if "平方不是翻倍" in line)
        await pilot.click(offset=(12, y))
        row = next(row for row in claims(app) if row.key == "squares")
        await until(pilot, lambda: row.stage is Stage.DONE)


SLOW = DEMO.replace("    off, x = error", "    while seed == 4:\n        pass\n    off, x = error")


async def test_the_interface_lives_while_a_proof_runs_and_esc_ends_it(
    tmp_path: Path, paths: Paths
) -> None:
    bank = tmp_path / "bank"
    write_question(bank, "doubling", demo=SLOW)
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space", "r")
        row = next(row for row in claims(app) if row.key == "doubles")
        await until(pilot, lambda: row.stage is Stage.RUNNING)
        await until(pilot, lambda: "8/10" in text_of(app))
        assert "<= 1e-9" in text_of(app), "numbers stand there before the verdict"
        await pilot.press("question_mark")
        await pilot.pause()
        assert "按键" in text_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert row.stage is Stage.RUNNING, "closing the help does not cancel"
        started = asyncio.get_running_loop().time()
        await pilot.press("escape")
        await until(pilot, lambda: row.stage is Stage.CANCELLED)
        assert asyncio.get_running_loop().time() - started < 2
        await pilot.press("r", "3")
        await pilot.pause()
        assert not any(row.running for row in claims(app)), "a rating leaves the proof behind"


async def test_a_refuted_claim_is_shown_as_such(tmp_path: Path, paths: Paths) -> None:
    bank = tmp_path / "bank"
    wrong = DEMO.replace("x + x", "x + 2")
    write_question(bank, "doubling", demo=wrong)
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space", "r")
        rows = claims(app)
        await until(pilot, lambda: all(row.stage is Stage.DONE for row in rows))
        await pilot.pause()
        assert "✗ 翻倍就是乘二" in text_of(app)
        assert "未证" in text_of(app)


async def test_skip_bury_suspend_flag(bank: Path, paths: Paths) -> None:
    write_question(bank, "tripling")
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "asterisk")
        await pilot.pause()
        assert "已标记" in text_of(app)
        await pilot.press("s")
        await pilot.pause()
        assert "halving 吗？" in text_of(app)
        await pilot.press("minus")
        await pilot.pause()
        assert "tripling 吗？" in text_of(app)
        await pilot.press("at")
        await pilot.pause()
        assert isinstance(app.screen, SummaryScreen)
    async with opened(bank, paths) as (app, _, _):
        assert counts(app) == ["0", "0", "1"], "skipped comes again, buried and suspended do not"


async def test_leaving_early_shows_the_summary_only_after_a_rating(
    bank: Path, paths: Paths
) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "q")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
        await pilot.press("enter", "space", "3", "q")
        await pilot.pause()
        assert isinstance(app.screen, SummaryScreen)


async def test_keys_are_shown_in_chinese(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, (80, 48)) as (app, pilot, _):
        await pilot.press("enter", "space", "question_mark")
        await pilot.pause()
        shown = text_of(app)
        for part in ("运行证明", "撤销", "跳过", "今天不再出现", "暂停这道题", "忘了"):
            assert part in shown
        assert "Focus" not in shown
        await pilot.press("escape", "ctrl+p")
        await pilot.pause(0.3)
        assert "搜索命令" in text_of(app)
        assert "Search" not in text_of(app)


async def test_a_question_that_cannot_be_read_is_left_out_and_said(
    bank: Path, paths: Paths
) -> None:
    write_question(bank, "broken", question=QUESTION.replace("level = 1", "level = 9"))
    async with opened(bank, paths) as (app, pilot, _):
        await until(pilot, lambda: "已跳过" in text_of(app))
        assert counts(app) == ["0", "0", "2"]


async def test_nothing_readable_ends_with_the_reason(tmp_path: Path, paths: Paths) -> None:
    bank = tmp_path / "bank"
    write_question(bank, "broken", question=QUESTION.replace("level = 1", "level = 9"))
    async with opened(bank, paths) as (app, pilot, _):
        await until(pilot, lambda: app.failure is not None)
    assert "level" in str(app.failure)


async def test_a_database_that_is_not_ours_ends_with_the_reason(bank: Path, paths: Paths) -> None:
    paths.data.mkdir()
    paths.database.write_text("这不是数据库" * 100, "utf-8")
    async with opened(bank, paths) as (app, _, _):
        pass
    assert str(paths.database) in str(app.failure)
    assert paths.database.read_text("utf-8") == "这不是数据库" * 100


async def test_every_rating_has_its_interval(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space")
        await pilot.pause()
        titles, intervals, meanings = text_of(app).splitlines()[-4:-1]
        assert titles.split() == ["1", "忘了", "2", "吃力", "3", "记得", "4", "轻松"]
        assert len(re.findall(r"[\d.]+ (?:分钟|天)", intervals)) == len(Rating)
        assert len(meanings.split()) == len(Rating)


async def test_no_line_begins_with_closing_punctuation(bank: Path, paths: Paths) -> None:
    long = QUESTION.replace("会的。", "这一句话很长，要换好几行；" * 12 + "到此为止。")
    write_question(bank, "tripling", question=long)
    for width in (60, 73, 80, 100, 120):
        async with opened(
            bank, paths, (width, 30), lambda _: Plan((load(bank).get("tripling"),))
        ) as (app, pilot, _):
            await pilot.press("space")
            await pilot.pause()
            shown = [line.partition("│")[0].strip() for line in text_of(app).splitlines()]
            assert any("这一句话很长" in line for line in shown)
            assert not [line for line in shown if line[:1] in tuple("，。；、：？！）》”")]


async def test_text_can_be_marked_with_the_mouse_and_copied(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space")
        await pilot.pause()
        lines = text_of(app).splitlines()
        y = next(n for n, line in enumerate(lines) if "平方不是翻倍" in line)
        x = len(lines[y].partition("平方")[0])  # one cell each up to here
        await pilot.mouse_down(offset=(x, y))
        await pilot.hover(offset=(x + 7, y))
        await pilot.mouse_up(offset=(x + 7, y))
        await pilot.pause()
        assert str(app.screen.get_selected_text()).startswith("平方不是")
        row = next(row for row in claims(app) if row.key == "squares")
        assert row.stage is Stage.IDLE, "to mark a sentence is not to click on it"


async def test_grades_and_keys_can_be_clicked(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.click(offset=place(app, "开始"))
        await pilot.pause()
        await pilot.click(offset=place(app, "看答案"))
        await pilot.pause()
        assert "会的" in text_of(app)
        await pilot.click(offset=place(app, "轻松"))
        await pilot.pause()
        assert "halving 吗？" in text_of(app)
    library = open_library(paths.database, load(bank).questions, Settings())
    assert library.started() == {"doubling"}
    library.close()


def long_bank(root: Path, paragraph: str = "第 {} 段。") -> Path:
    """A bank with a question whose answer is sixty paragraphs long."""
    long = "\n\n".join(paragraph.format(number) for number in range(60))
    write_question(root, "doubling", question=QUESTION.replace("会的。", f"会的。\n\n{long}"))
    return root


async def test_a_long_answer_is_scrolled_by_keys_wheel_and_handle(
    tmp_path: Path, paths: Paths
) -> None:
    bank = long_bank(tmp_path / "bank")
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space")
        await pilot.pause()
        assert "第 0 段" in text_of(app)
        assert "▐" in text_of(app), "a handle shows that there is more"
        for keys, seen in (("pagedown", "第 9 段"), ("end", "三倍不是翻倍"), ("home", "第 0 段")):
            await pilot.press(keys)
            await pilot.pause()
            assert seen in text_of(app)
        await pilot._post_mouse_events([MouseScrollDown] * 4, offset=(10, 8), button=0)
        await pilot.pause()
        assert "第 0 段" not in text_of(app)
        await pilot.mouse_down(offset=(79, 18))
        await pilot.mouse_up(offset=(79, 18))
        await pilot.pause()
        assert "三倍不是翻倍" in text_of(app)


async def test_a_resize_keeps_the_answer_and_its_proofs(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space", "r")
        await until(pilot, lambda: all(row.stage is Stage.DONE for row in claims(app)))
        for size in ((130, 40), (70, 20), (110, 30)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            await pilot.press("home")
            await pilot.pause()
            shown = text_of(app)
            assert "会的" in shown
            assert "✓ 翻倍就是乘二" in shown
            assert ("│ ▎ ✓" in shown) == (size[0] >= 110), "beside the answer, or below it"


async def test_a_resize_keeps_the_place_that_is_read(tmp_path: Path, paths: Paths) -> None:
    bank = long_bank(tmp_path / "bank", "第 {} 段，" + "这一段有好几行那么长，" * 12 + "完。")
    async with opened(bank, paths, (100, 24)) as (app, pilot, _):
        await pilot.press("enter", "space", *["pagedown"] * 5)
        await pilot.pause()
        (first, *_) = re.findall(r"第 (\d+) 段", text_of(app))
        for size in ((60, 24), (140, 40), (100, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            (now, *_) = re.findall(r"第 (\d+) 段", text_of(app))
            assert abs(int(now) - int(first)) <= 1, size


@pytest.mark.parametrize("then", [(81, 24), (80, 30), (130, 40)])
async def test_a_chosen_claim_stays_chosen_through_a_resize(
    bank: Path, paths: Paths, then: tuple[int, int]
) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space", "tab")
        await pilot.pause()
        await pilot.resize_terminal(*then)
        await pilot.pause()
        assert "Enter 运行这一条" in text_of(app).splitlines()[-1]
        await pilot.press("enter")
        await until(pilot, lambda: claims(app)[0].stage is Stage.DONE)
        assert claims(app)[1].stage is Stage.IDLE
        assert isinstance(app.screen, ReviewScreen)
        current = app.screen.session.current
        assert current is not None
        assert current.id == "doubling", "it was not rated"


async def test_sizes_passed_through_leave_the_place_where_it_was(
    tmp_path: Path, paths: Paths
) -> None:
    """What one wrote before the answer, the answer, and the proofs beside it."""
    bank = long_bank(tmp_path / "bank")
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "w")
        app.screen.query_one(Draft).text = "\n".join(f"我的第{n}行" for n in range(60))
        await pilot.press("escape", *["pagedown"] * 2)
        for keys in ((), ("home", "space", *["pagedown"] * 5)):
            await pilot.press(*keys)
            await pilot.pause()
            before = text_of(app)
            for size in ((81, 24), (130, 40), (80, 200), (90, 20), (80, 24)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
            assert text_of(app) == before
        await pilot.resize_terminal(120, 20)
        await pilot.press("r")
        await until(pilot, lambda: all(row.stage is Stage.DONE for row in claims(app)))
        await pilot.press("tab", "tab", "tab")
        await pilot.pause()

        def proofs() -> list[str]:
            return [row.partition("│")[2] for row in text_of(app).splitlines()[1:-6]]

        before = proofs()
        assert "三倍不是翻倍" in "".join(before)
        for size in ((140, 22), (80, 24), (120, 20)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert proofs() == before


async def test_no_claim_is_chosen_after_esc(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space", "shift+tab", "escape", "enter")
        await pilot.pause()
        assert "halving 吗？" in text_of(app), "Enter is a rating again"


async def test_the_answer_says_when_and_with_what_it_was_proved(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space")
        await pilot.pause()
        assert "numpy" not in text_of(app)
        await pilot.press("r")
        await until(pilot, lambda: all(row.stage is Stage.DONE for row in claims(app)))
        await until(pilot, lambda: any(paths.receipts.rglob("doubling.json")))
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space")
        await until(pilot, lambda: "已证 · 03-02 09:00 · numpy" in text_of(app))
        assert re.search(r"numpy [\d.]+ · 5", text_of(app)), "under five seeds"
        assert all(row.stage is Stage.IDLE for row in claims(app))
    demo = bank / "arithmetic/doubling/demo.py"
    demo.write_text(demo.read_text("utf-8") + "#", "utf-8")
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space")
        await until(pilot, lambda: "题目改过，凭据已过期" in text_of(app))


async def test_receipts_that_cannot_be_kept_are_said_and_nothing_else_is_lost(
    bank: Path, paths: Paths
) -> None:
    paths.data.mkdir(exist_ok=True)
    paths.receipts.write_text("not a folder", "utf-8")
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space", "r")
        await until(pilot, lambda: "凭据没能存下" in text_of(app))
        assert all(row.stage is Stage.DONE for row in claims(app))
        await pilot.press("3")
        await pilot.pause()
        assert "halving 吗？" in text_of(app)


async def test_beside_the_answer_the_chosen_claims_scroll(tmp_path: Path, paths: Paths) -> None:
    bank = tmp_path / "bank"
    long = "这一句很长，要排好几行，" * 12
    write_question(bank, "doubling", question=QUESTION.replace("三倍不是翻倍", f"{long}终"))
    async with opened(bank, paths, (120, 24)) as (app, pilot, _):
        await pilot.press("enter", "space", "tab")
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert "终" in "".join(line.partition("│")[2] for line in text_of(app).splitlines())
        assert "一句话" in text_of(app), "the answer has stayed where it was"


async def test_a_waiting_session_goes_on_by_itself_even_behind_the_help(
    bank: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "LOOK_AGAIN", 0.05)

    def one(loaded: object) -> Plan:
        return Plan(load(bank).questions, limit=1)

    async with opened(bank, paths, plan=one, learn_ahead_minutes=0) as (app, pilot, clock):
        await pilot.press("space", "1")
        await until(pilot, lambda: "下一题在 1 分钟后" in text_of(app))
        await pilot.press("question_mark")
        await pilot.pause(0.3)
        clock.now += timedelta(minutes=2)
        await pilot.pause(0.3)
        await pilot.press("escape")
        await until(pilot, lambda: "先自己讲一遍" in text_of(app))
        assert "doubling 吗？" in text_of(app)


async def test_what_was_proved_before_a_rating_leaves_its_receipt(
    tmp_path: Path, paths: Paths
) -> None:
    bank = tmp_path / "bank"
    endless = "    while how == 'triple':\n        pass\n    x = 3"
    write_question(bank, "doubling", demo=DEMO.replace("    x = 3", endless))
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space", "r")
        await until(pilot, lambda: sum(row.stage is Stage.DONE for row in claims(app)) == 2)
        await pilot.press("3")
        await until(pilot, lambda: any(paths.receipts.glob("*/*.json")))
    (kept,) = paths.receipts.glob("*/*.json")
    assert set(json.loads(kept.read_text("utf-8"))["claims"]) == {"doubles", "squares"}


async def test_other_peoples_words_are_never_markup(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        app.notify("没有 [bold 这个 [/文件]")
        app.screen.notify("x[1], [red]y[/red]")
        await until(pilot, lambda: "[red]y[/red]" in text_of(app))
        assert "[bold 这个 [/文件]" in text_of(app)


async def test_after_the_lab_it_is_too_late_to_predict(bank: Path, paths: Paths) -> None:
    async with opened(bank, paths, (120, 40)) as (app, pilot, _):
        await pilot.press("enter", "space", "l", "escape", "p")
        await until(pilot, lambda: "第一次运行之前" in text_of(app))


async def test_a_memory_that_can_no_longer_be_read_is_told_and_nothing_ends(
    bank: Path, paths: Paths
) -> None:
    async with opened(bank, paths) as (app, pilot, _):
        await pilot.press("enter", "space", "4", "q", "enter")
        await pilot.pause()
        with closing(sqlite3.connect(paths.database)) as other:  # so that nothing is cached
            other.execute("CREATE TABLE other (x)")
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with paths.database.open("r+b") as file:
            size = file.seek(0, 2)
            file.seek(4096)
            file.write(b"\xaa" * (size - 4096))
        for keys, screen in (
            (["enter"], TodayScreen),
            (["a"], TodayScreen),
            (["slash"], BrowseScreen),
            (["ctrl+r"], BrowseScreen),
            (["ctrl+s"], BrowseScreen),
            (["escape"], TodayScreen),
            (["t"], StatsScreen),
        ):
            app.clear_notifications()
            await pilot.press(*keys)
            await pilot.pause()
            assert isinstance(app.screen, screen), keys
            assert "memory.sqlite3" in str([n.message for n in app._notifications]), keys
