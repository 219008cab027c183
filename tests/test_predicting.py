"""To predict, then run: through the session, `run --predict` and `review --plain`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from banks import QUESTION, write_question
from terminals import Quizdl

from quizdl.bank import load
from quizdl.memory import open_store
from quizdl.model import Guess, Hit, Prediction, Rating
from quizdl.proof.predict import about, prompts
from quizdl.proof.score import score
from quizdl.session import Plan, open_library
from quizdl.settings import Settings, load_settings
from quizdl.words import QuizdlError

NOW = datetime(2025, 3, 1, 9, tzinfo=UTC)
DEMO = '''\
"""翻倍。"""

import numpy as np

from quizdl.proof import claim


def ratio(how, seed):
    x = 3 + np.random.default_rng(seed).uniform()
    return {"double": x + x, "square": x**2, "triple": 3 * x, "half": x / 2}[how] / x


@claim(expect={"倍数": "in [1.9, 2.1]"}, control={"how": "half"})
def doubles(how="double", seed=0):
    return {"倍数": ratio(how, seed) + seed * 1e-3}


@claim(
    expect={"下界": ">= 2.5", "上界": "<= 3.5"}, control=[{"how": "double"}, {"how": "square"}]
)
def triples(how="triple", seed=0):
    return {"下界": ratio(how, seed), "上界": ratio(how, seed) + (how == "square")}


@claim(expect={"误差": "<= 1e-9"}, control={"how": "triple"})
def squares(how="square", seed=0):
    return {"误差": abs(ratio(how, seed) / ratio("square", seed) - 1) + seed * 1e-14}
'''


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "home/memory.sqlite3"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A bank of one question whose claims ask for everything."""
    root = tmp_path / "bank"
    write_question(root, "doubling", question=QUESTION, demo=DEMO)
    return root


def logged(database: Path) -> list[Prediction]:
    with open_store(database) as store:
        return store.predictions()


def marks(made: Prediction) -> list[tuple[Guess, Hit]]:
    return [(forecast.guess, forecast.hit) for forecast in made.forecasts]


def typed(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


# --- the setting


def test_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert not load_settings(path).predict
    path.write_text("predict = true\nnew_per_day = 3")
    assert load_settings(path) == Settings(predict=True, new_per_day=3)


@pytest.mark.parametrize("value", ["1", "0", "'true'", "1.0", "[true]"])
def test_a_setting_that_is_no_truth_value(tmp_path: Path, value: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"predict = {value}")
    with pytest.raises(QuizdlError, match="predict 应当是 true 或 false"):
        load_settings(path)


# --- the session


def test_the_session_logs_what_it_was_about(root: Path, database: Path) -> None:
    (question,) = load(root).questions
    library = open_library(database, [question], Settings())
    session = library.session(Plan(), NOW)
    session.reveal(NOW)
    claim = question.claims[0]
    forecasts = score(prompts(claim), [(1,), 0.5], ())
    made = session.predict(claim.id, forecasts, NOW)
    assert (made.question, made.claim, made.at) == ("doubling", "doubles", NOW)
    assert made.about == about(question, claim)
    session.rate(Rating.GOOD, NOW)
    late = session.predict(claim.id, forecasts, NOW, question)
    with pytest.raises(LookupError):
        session.predict("no_such_claim", forecasts, NOW, question)
    assert session.undo(NOW) == question, "the rating, not the predictions"
    assert session.undo(NOW) is None
    also = library.predict(question, claim.id, forecasts, NOW)
    library.close()
    assert logged(database) == [made, late, also]


def test_without_a_question_there_is_nothing_to_predict(root: Path, database: Path) -> None:
    library = open_library(database, load(root).questions, Settings(new_per_day=0))
    session = library.session(Plan(), NOW)
    with pytest.raises(LookupError):
        session.predict("doubles", (), NOW)
    library.close()


# --- run --predict


ALL = typed("2", "0.45", "0.1", "1", "1 2", "9")
"""An answer to each: of `doubles` way and number, of `squares` the number, of `triples` which
break, twice, and the number."""


def test_run_asks_before_and_compares_after(quizdl: Quizdl, root: Path, database: Path) -> None:
    ran = quizdl("run", "doubling", "--predict", "--bank", str(root), stdin=ALL)
    assert (ran.returncode, ran.stderr) == (0, "")
    shown = ran.stdout
    assert shown.index("会怎样？") < shown.index("已证") < shown.index("你猜 变小  实测 变小")
    assert shown.index("你猜 变小") < shown.index("命题 2/3"), "claim by claim"
    assert "预测 6 问，对 4 问，部分对 1 问\n" in shown
    assert "3/3 个命题已证" in shown
    doubles, squares, triples = logged(database)
    assert (doubles.claim, marks(doubles)) == ("doubles", [((1,), Hit.RIGHT), (0.45, Hit.RIGHT)])
    assert (squares.claim, marks(squares)) == ("squares", [(0.1, Hit.RIGHT)])
    assert triples.claim == "triples"
    assert marks(triples) == [((0,), Hit.RIGHT), ((0, 1), Hit.PARTLY), (9.0, Hit.WRONG)]
    (question,) = load(root).questions
    assert [made.about for made in (doubles, squares, triples)] == [
        about(question, claim) for claim in question.claims
    ]


@pytest.mark.parametrize("answers", ["", typed("q"), typed("", "", "", "", "", ""), "2"])
def test_run_goes_on_without_answers(
    quizdl: Quizdl, root: Path, database: Path, answers: str
) -> None:
    ran = quizdl("run", "doubling", "--predict", "--bank", str(root), stdin=answers)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "3/3 个命题已证" in ran.stdout
    found = [(made.claim, marks(made)) for made in logged(database)]
    if answers == "2":  # the input ends in the middle
        assert found == [("doubles", [((1,), Hit.RIGHT), (None, Hit.NONE)])]
        assert "预测 1 问，对 1 问\n" in ran.stdout
    else:
        assert found == []
        assert "预测 " not in ran.stdout


def test_run_asks_again_for_what_is_no_answer(quizdl: Quizdl, root: Path, database: Path) -> None:
    answers = typed("7", "x", "２", "大约一半", "５０％", "Q")
    ran = quizdl("run", "doubling#doubles", "--predict", "--bank", str(root), stdin=answers)
    assert (ran.returncode, ran.stderr) == (0, "")
    for refused in ("没有选项“7”", "没有选项“x”", "“大约一半”不是一个数"):
        assert refused in ran.stdout
    (made,) = logged(database)
    assert marks(made) == [((1,), Hit.RIGHT), (0.5, Hit.RIGHT)]


def test_a_run_that_fails_leaves_the_guesses_unmarked(
    quizdl: Quizdl, root: Path, database: Path
) -> None:
    demo = root / "arithmetic/doubling/demo.py"
    demo.write_text(DEMO.replace('"half": x / 2', '"half": 1 // 0'), "utf-8")
    ran = quizdl("run", "doubling#doubles", "--predict", "--bank", str(root), stdin=typed("2"))
    assert ran.returncode == 1
    assert "没有量出来" in ran.stdout
    (made,) = logged(database)
    assert marks(made) == [((1,), Hit.NONE), (None, Hit.NONE)]


@pytest.mark.parametrize("other", [["--json"], ["--set", "how=half"], ["--control"]])
def test_what_does_not_go_with_predictions(
    quizdl: Quizdl, root: Path, database: Path, other: list[str]
) -> None:
    ran = quizdl("run", "doubling", "--predict", *other, "--bank", str(root))
    assert ran.returncode == 2
    assert "--predict 问的是题目原样的命题" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not database.exists()


def test_without_predict_no_database_is_made(quizdl: Quizdl, root: Path, database: Path) -> None:
    ran = quizdl("run", "doubling", "--bank", str(root), stdin=ALL)
    assert ran.returncode == 0
    assert "先预测" not in ran.stdout
    assert not database.exists()


def test_a_database_that_cannot_be_used_is_said_before_asking(
    quizdl: Quizdl, root: Path, database: Path
) -> None:
    database.mkdir(parents=True)
    ran = quizdl("run", "doubling", "--predict", "--bank", str(root), stdin=ALL)
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert "先预测" not in ran.stdout


# --- review --plain


def reviewing(quizdl: Quizdl, root: Path, *keys: str) -> str:
    ran = quizdl("review", "--plain", "--bank", str(root), stdin=typed(*keys))
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.fixture
def wanted(database: Path) -> None:
    """Predictions are wanted."""
    database.parent.mkdir()
    (database.parent / "config.toml").write_text("predict = true\nlearn_ahead_minutes = 0")


@pytest.mark.usefixtures("wanted")
def test_a_review_asks_before_its_proof(quizdl: Quizdl, root: Path, database: Path) -> None:
    # one question of each claim: way, number, which break
    shown = reviewing(quizdl, root, "", "r", "2", "0.1", "2", "r", "3")
    order = ("会的。", "先预测", "会怎样？", "已证", "你猜 变小", "建议打“吃力”", "1 忘了")
    places = [shown.index(word) for word in order[:-1]]
    assert places == sorted(places)
    assert "1 忘了" in shown[places[-1] :], "the rating is asked for after the suggestion"
    assert shown.count("先预测") == 1, "before the first run only"
    assert shown.count("已证") == 6, "and run twice"
    assert [(made.claim, marks(made)) for made in logged(database)] == [
        ("doubles", [((1,), Hit.RIGHT)]),
        ("squares", [(0.1, Hit.RIGHT)]),
        ("triples", [((1,), Hit.WRONG)]),
    ]
    with open_store(database) as store:
        (review,) = store.reviews()
    assert review.rating is Rating.GOOD, "the learner's own, not the suggested one"


@pytest.mark.usefixtures("wanted")
def test_a_later_review_asks_other_things(quizdl: Quizdl, root: Path, database: Path) -> None:
    reviewing(quizdl, root, "", "r", "2", "q", "3")
    (database.parent / "config.toml").write_text("predict = true")
    reviewing(quizdl, root, "", "r", "0.45", "0.1", "2", "3")
    asked = [forecast.prompt.text for made in logged(database) for forecast in made.forecasts]
    assert len(asked) == len(set(asked)) == 4, asked


@pytest.mark.slow
@pytest.mark.usefixtures("wanted")
@pytest.mark.parametrize("keys", [(), ("",), ("", "r"), ("", "r", "q"), ("", "r", "", "", "")])
def test_the_input_may_end_anywhere(
    quizdl: Quizdl, root: Path, database: Path, keys: tuple[str, ...]
) -> None:
    shown = reviewing(quizdl, root, *keys)
    assert "建议" not in shown
    assert logged(database) == []


def test_a_review_does_not_ask_unless_it_is_wanted(
    quizdl: Quizdl, root: Path, database: Path
) -> None:
    shown = reviewing(quizdl, root, "", "r", "3")
    assert "先预测" not in shown
    assert logged(database) == []
