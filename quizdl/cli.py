"""The commands: parse, call, print. Nothing below this module and tui/ prints or knows the time."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from quizdl.words import QuizdlError, say
from quizdl.words.click_zh import speak_chinese

speak_chinese()
import click  # noqa: E402

if TYPE_CHECKING:
    from quizdl.bank import Bank
    from quizdl.bank.select import Filter
    from quizdl.model import Claim, ClaimResult, Params, Problem, Question, Value
    from quizdl.session import Plan

Command = TypeVar("Command", bound=Callable[..., Any])
SEEDS = 5
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; every error is one clear line."""
    try:
        code = main.main(list(arguments), prog_name="quizdl", standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "quizdl"
        click.echo(say("cli.wrong_use", why=error.format_message(), where=where), err=True)
        return 2
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        return 1
    except QuizdlError as error:
        click.echo(str(error), err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo(say("cli.interrupted"), err=True)
        return 130
    except BrokenPipeError:  # `quizdl list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0


class Chinese(click.Command):
    """A command whose usage line is Chinese, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("options_metavar", say("cli.options"))
        super().__init__(*args, **kwargs)


class ChineseGroup(click.Group):
    command_class = Chinese

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"options_metavar": say("cli.options"), "subcommand_metavar": say("cli.command")}
        super().__init__(*args, **kwargs)


# --- options that several commands share ---------------------------------------------------


def bank_option(command: Command) -> Command:
    def remember(context: click.Context, _: click.Parameter, value: Path | None) -> None:
        if value is not None:
            context.ensure_object(dict)["bank"] = value

    return click.option(
        "--bank",
        type=click.Path(path_type=Path),
        metavar="DIR",
        expose_value=False,
        callback=remember,
        help=say("cli.bank"),
    )(command)


def filter_options(command: Command) -> Command:
    for decorate in (
        click.option("--level", type=click.IntRange(1, 3), metavar="1-3", help=say("cli.level")),
        click.option("--company", default="", metavar="C", help=say("cli.company")),
        click.option("--tag", default="", metavar="T", help=say("cli.tag")),
        click.option("--topic", default="", metavar="T", help=say("cli.topic")),
    ):
        command = decorate(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help=say("cli.json"))


def _examples(*lines: str) -> str:
    return "\b\n" + say("cli.examples") + "\n" + "\n".join(f"  {line}" for line in lines)


def _bank_root() -> Path:
    from quizdl.bank import find_bank

    chosen = click.get_current_context().find_root().obj or {}
    own = click.get_current_context().obj or {}
    return find_bank(own.get("bank") or chosen.get("bank"))


def _load_bank() -> Bank:
    from quizdl.bank import load

    return load(_bank_root())


def _filter(words: Sequence[str], topic: str, tag: str, company: str, level: int | None) -> Filter:
    from quizdl.bank.select import Filter

    return Filter(tuple(words), topic, tag, company, level or 0)


def _chosen(bank: Bank, chosen: Filter) -> tuple[Question, ...]:
    from quizdl.bank.select import select

    return select(bank.questions, chosen, {topic.id: topic.title for topic in bank.topics})


def _print_json(document: object) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))


def _print_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        click.echo(problem_line(problem), err=True)


def problem_line(problem: Problem) -> str:
    """A problem as one line, with the path as short as it can be said from here."""
    key = "cli.problem" if problem.line > 0 else "cli.problem.no_line"
    path, line = _short(problem.path), problem.line
    return say(key, path=path, line=line, message=problem.message, fix=problem.fix)


def _short(path: Path) -> str:
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def _width() -> int:
    import shutil

    return min(shutil.get_terminal_size((80, 24)).columns, 100)


def _print_lines(lines: Iterable[Any]) -> None:
    from quizdl import render

    styled = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    click.echo(render.ansi(lines) if styled else render.plain(lines))


# --- the program ---------------------------------------------------------------------------


@click.group(
    cls=ChineseGroup,
    invoke_without_command=True,
    context_settings=HELP,
    help=say("cli.about"),
    epilog=_examples("quizdl", "quizdl list 初始化", "quizdl run zero-init", "quizdl check"),
)
@click.version_option(package_name="quizdl", message="quizdl %(version)s", help=say("cli.version"))
@bank_option
@click.pass_context
def main(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        _open_screen(None)


def _open_screen(plan: Callable[[Bank], Plan] | None) -> None:
    from quizdl.settings import find_paths, load_settings
    from quizdl.tui import run_app

    paths = find_paths()
    run_app(_bank_root(), paths, load_settings(paths.config_file), plan)


@main.command(
    context_settings=HELP,
    help=say("cli.review"),
    epilog=_examples("quizdl review --topic 优化器", "quizdl review --new 3 --limit 10 --plain"),
)
@filter_options
@click.option("--limit", type=click.IntRange(1), metavar="N", help=say("cli.review.limit"))
@click.option("--new", type=click.IntRange(0), metavar="N", help=say("cli.review.new"))
@click.option("--ahead", is_flag=True, help=say("cli.review.ahead"))
@click.option("--plain", is_flag=True, help=say("cli.review.plain"))
@bank_option
def review(
    topic: str,
    tag: str,
    company: str,
    level: int | None,
    limit: int | None,
    new: int | None,
    ahead: bool,
    plain: bool,
) -> None:
    chosen = _filter((), topic, tag, company, level)

    def plan(bank: Bank) -> Plan:
        from quizdl.session import Plan

        questions = _chosen(bank, chosen)
        if not questions:
            raise QuizdlError("cli.review.none")
        return Plan(questions, limit=limit, new=new, ahead=ahead)

    if not plain:
        _open_screen(plan)
        return
    from quizdl.plain import review_plain
    from quizdl.settings import find_paths, load_settings

    paths = find_paths()
    settings = load_settings(paths.config_file)
    bank = _load_bank().require_questions()
    if bank.problems:
        click.echo(say("cli.skipped", count=len(bank.problems)), err=True)
    review_plain(bank, paths.database, settings, plan(bank), _width())


@main.command(
    "list",
    context_settings=HELP,
    help=say("cli.list"),
    epilog=_examples("quizdl list", "quizdl list 方差 初始化", "quizdl list --company 字节 --json"),
)
@click.argument("words", nargs=-1, metavar="[WORDS…]")
@filter_options
@json_option
@bank_option
def list_(
    words: tuple[str, ...], topic: str, tag: str, company: str, level: int | None, as_json: bool
) -> int:
    bank = _load_bank()
    questions = _chosen(bank, _filter(words, topic, tag, company, level))
    if as_json:
        _print_json([question_json(question) for question in questions])
    else:
        titles = {topic.id: topic.title for topic in bank.topics}
        shown = ""
        for question in questions:
            if question.topic != shown:
                shown = question.topic
                click.secho(titles[shown], bold=True)
            stars = "★" * question.level + "☆" * (3 - question.level)
            click.echo(f"  {stars}  {question.id:<34} {question.title}")
        total = sum(len(question.claims) for question in questions)
        click.echo(
            say("cli.list.count", questions=len(questions), claims=total)
            if questions
            else say("cli.list.none")
        )
    _print_problems(bank.problems)
    return 1 if bank.problems else 0


def question_json(question: Question) -> dict[str, object]:
    """The fixed shape of `quizdl list --json`."""
    return {
        "id": question.id,
        "topic": question.topic,
        "title": question.title,
        "level": question.level,
        "tags": list(question.tags),
        "asked_by": list(question.asked_by),
        "claims": [{"id": claim.id, "text": claim.text} for claim in question.claims],
    }


@main.command(
    context_settings=HELP,
    help=say("cli.show"),
    epilog=_examples("quizdl show adam", "quizdl show adam --json"),
)
@click.argument("question_id", metavar="ID")
@json_option
@bank_option
def show(question_id: str, as_json: bool) -> None:
    from quizdl import render
    from quizdl.render.answer import answer_markdown, question_markdown

    question = _load_bank().get(question_id)
    if as_json:
        references = [dataclasses.asdict(reference) for reference in question.refs]
        _print_json(
            question_json(question)
            | {
                "front": question.front,
                "back": question.back,
                "refs": references,
                "terms": dict(question.terms),
                "demo": question.demo,
            }
        )
        return
    markdown = f"{question_markdown(question)}\n\n{answer_markdown(question)}"
    _print_lines(render.layout(markdown, _width()))


# --- proving -------------------------------------------------------------------------------


@main.command(
    "run",
    context_settings=HELP,
    help=say("cli.run"),
    epilog=_examples(
        "quizdl run zero-init",
        "quizdl run zero-init#same_gradient --set hidden=64 --seed 7",
        "quizdl run zero-init#same_gradient --control",
    ),
)
@click.argument("target", metavar="ID[#CLAIM]")
@click.option("--set", "settings", multiple=True, metavar="K=V", help=say("cli.run.set"))
@click.option("--seed", type=click.IntRange(0), metavar="N", help=say("cli.run.seed"))
@click.option("--control", is_flag=True, help=say("cli.run.control"))
@json_option
@bank_option
def run_(
    target: str, settings: tuple[str, ...], seed: int | None, control: bool, as_json: bool
) -> int:
    from quizdl import render
    from quizdl.model import Judged, Verdict
    from quizdl.proof.pool import Pool
    from quizdl.proof.report import result_lines

    question, claims = _load_bank().get_claims(target)
    claims = _turn_knobs(target, claims, settings)
    if control:
        claims = tuple(_change(claim, claim.controls[0]) for claim in claims)
    seeds = range(SEEDS) if seed is None else (seed,)
    started = time.perf_counter()
    results: dict[str, ClaimResult] = {}
    if not as_json:
        click.secho(question.title, bold=True)
    with Pool() as pool:
        waiting = list(claims)  # printed in the order of the answer, each as soon as it can be
        for event in pool.prove([(question, claim) for claim in claims], seeds):
            if isinstance(event, Judged):
                results[event.claim] = event.result
            while not as_json and waiting and waiting[0].id in results:
                claim = waiting.pop(0)
                click.echo()
                text = render.inline(claim.text)
                _print_lines(result_lines(results[claim.id], text, _width()))
    proved = sum(result.verdict is Verdict.PROVED for result in results.values())
    if as_json:
        found = [result_json(results[claim.id], claim.text) for claim in claims]
        _print_json({"question": question.id, "claims": found})
    else:
        seconds = time.perf_counter() - started
        total = {"proved": proved, "claims": len(claims), "seeds": len(seeds)}
        click.echo("\n" + say("cli.run.total", seconds=seconds, **total))
    return 0 if proved == len(claims) > 0 else 1


def _change(claim: Claim, params: Params) -> Claim:
    return dataclasses.replace(claim, defaults={**claim.defaults, **params})


def _turn_knobs(
    target: str, claims: tuple[Claim, ...], settings: Sequence[str]
) -> tuple[Claim, ...]:
    """The claims that have every parameter of `--set`, under the new values."""
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise QuizdlError("cli.run.set_form", given=setting)
        having = tuple(claim for claim in claims if key in claim.defaults)
        if not having:
            known = "、".join(dict.fromkeys(name for claim in claims for name in claim.defaults))
            raise QuizdlError("cli.run.set_unknown", key=key, target=target, known=known or "—")
        claims = tuple(_change(claim, {key: _parse(claim, key, text)}) for claim in having)
    return claims


def _parse(claim: Claim, key: str, text: str) -> Value:
    """`text` as a value of the type of the parameter's default, within its knob."""
    kind = type(claim.defaults[key])
    try:
        value: Value
        if kind is bool:
            value = {"true": True, "false": False, "1": True, "0": False}[text.lower()]
        elif kind is int and "." in text:
            value = float(text)
        else:
            value = kind(text)
    except (KeyError, ValueError):
        what = say(f"cli.run.kind.{kind.__name__}")
        raise QuizdlError("cli.run.set_type", key=key, kind=what, value=text) from None
    for knob in claim.knobs:
        if knob.name == key and not knob.allows(value):
            allowed = "、".join(map(str, knob.choices)) or f"{knob.low:g} … {knob.high:g}"
            raise QuizdlError("cli.run.set_outside", key=key, allowed=allowed, value=text)
    return value


def result_json(result: ClaimResult, text: str) -> dict[str, object]:
    """The fixed shape of one claim in `quizdl run --json`; NaN and infinities become null."""
    return {
        "id": result.claim,
        "text": text,
        "verdict": str(result.verdict),
        "reason": result.reason,
        "seeds": len(result.seeds),
        "ms": round(result.ms, 3),
        "measures": [
            {
                "name": measure.name,
                "role": str(measure.role),
                "bound": measure.bound,
                "value": _finite(measure.value),
                "control": _finite(measure.control),
                "holds": measure.holds,
                "values": [_finite(value) for value in measure.values],
                "controls": [[_finite(value) for value in arm] for arm in measure.controls],
            }
            for measure in result.measures
        ],
    }


def _finite(value: float | None) -> float | None:
    import math

    return value if value is not None and math.isfinite(value) else None


@main.command(
    context_settings=HELP,
    help=say("cli.check"),
    epilog=_examples(
        "quizdl check", "quizdl check content/initialization --seeds 20", "quizdl check --json"
    ),
)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--seeds", type=click.IntRange(1), default=SEEDS, show_default=True, help=say("cli.check.seeds")
)
@click.option("--jobs", type=click.IntRange(1), default=None, help=say("cli.check.jobs"))
@json_option
@bank_option
def check(path: Path | None, seeds: int, jobs: int | None, as_json: bool) -> int:
    from quizdl.check import check_text, problem_of
    from quizdl.model import Judged
    from quizdl.proof.pool import Pool

    started = time.perf_counter()
    bank, questions = _checked_part(path)
    problems = list(check_text(bank, questions))
    targets = [(question, claim) for question in questions for claim in question.claims]
    by_id = {question.id: question for question in questions}
    proved = 0
    with Pool(jobs) as pool, _progress(len(targets), hidden=as_json) as advance:
        for event in pool.prove(targets, range(seeds)) if targets else ():
            if isinstance(event, Judged):
                advance()
                found = problem_of(by_id[event.question], event.result)
                proved += found is None
                if found is not None:
                    problems.append(found)
    if as_json:
        total = {"questions": len(questions), "claims": len(targets), "proved": proved}
        _print_json(total | {"problems": [problem_json(problem) for problem in problems]})
    else:
        _print_problems(problems)
        seconds = time.perf_counter() - started
        counts = {"questions": len(questions), "claims": len(targets), "proved": proved}
        click.echo(say("cli.check.total", seeds=seeds, seconds=seconds, **counts))
        click.echo(
            say("cli.check.problems", count=len(problems)) if problems else say("cli.check.fine")
        )
    return 1 if problems else 0


def problem_json(problem: Problem) -> dict[str, object]:
    """The fixed shape of one problem in `quizdl check --json`."""
    path = _short(problem.path)
    return {"path": path, "line": problem.line, "message": problem.message, "fix": problem.fix}


def _checked_part(path: Path | None) -> tuple[Bank, tuple[Question, ...]]:
    """The bank that `path` lies in (or is), and its questions at or below `path`."""
    from quizdl.bank import load

    if path is None:
        bank = _load_bank()
        if not bank.questions and not bank.problems:
            raise QuizdlError("bank.empty", path=bank.root)
        return bank, bank.questions
    path = path.absolute()
    folder = path if path.is_dir() else path.parent
    for depth, marker in ((2, "question.md"), (1, "topic.toml"), (0, "*/*/question.md")):
        if any(folder.glob(marker)):
            bank = load(folder.parents[depth - 1] if depth else folder)
            break
    else:
        raise QuizdlError("cli.check.outside", path=path)

    def below(each: Path) -> bool:
        return each.absolute().is_relative_to(folder)

    bank = dataclasses.replace(bank, problems=tuple(p for p in bank.problems if below(p.path)))
    return bank, tuple(question for question in bank.questions if below(question.folder))


@contextlib.contextmanager
def _progress(length: int, *, hidden: bool) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; nothing where nobody watches."""
    if hidden or not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(
        length=length, label=say("cli.check.progress"), file=sys.stderr, show_pos=True
    ) as bar:
        yield lambda: bar.update(1)


# --- the surroundings ----------------------------------------------------------------------


@main.command(
    context_settings=HELP,
    help=say("cli.new"),
    epilog=_examples("quizdl new initialization/he-init"),
)
@click.argument("target", metavar="TOPIC/SLUG")
@bank_option
def new(target: str) -> None:
    from quizdl.bank.scaffold import create

    click.echo(say("cli.new.done", path=_short(create(_bank_root(), target))))


@main.command(
    context_settings=HELP,
    help=say("cli.paths"),
    epilog=_examples("quizdl paths", "quizdl paths --json"),
)
@json_option
@bank_option
def paths(as_json: bool) -> None:
    from quizdl.settings import find_paths

    found = find_paths()
    places = {
        "bank": _bank_root(),
        "data": found.data,
        "database": found.database,
        "config": found.config_file,
    }
    if as_json:
        _print_json({name: str(path.absolute()) for name, path in places.items()})
        return
    for name, path in places.items():
        click.echo(f"{say('cli.paths.' + name)}：{path}")


@main.command(
    context_settings=HELP,
    help=say("cli.doctor"),
    epilog=_examples("quizdl doctor", "quizdl doctor --json"),
)
@json_option
@bank_option
def doctor(as_json: bool) -> int:
    findings = list(_examine())
    if as_json:
        _print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = {True: "✓", False: "✗", None: "–"}[finding.good]
            click.echo(f"{mark} {finding.name}：{finding.detail}")
    return 1 if any(finding.good is False for finding in findings) else 0


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    good: bool | None
    """None: missing here, and not an error."""
    detail: str


def _examine() -> Iterator[Finding]:
    import platform
    import shutil
    from importlib.metadata import version

    from quizdl.bank import load
    from quizdl.proof.probe import active
    from quizdl.settings import find_paths, load_settings

    parts = ("quizdl", "textual", "numpy", "sqlalchemy", "fsrs")
    versions = [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in parts)]
    yield Finding(say("cli.doctor.versions"), True, "，".join(versions))
    try:
        bank = load(_bank_root())
        key, count = ("bad", len(bank.problems)) if bank.problems else ("good", 0)
        detail = say(
            f"cli.doctor.bank.{key}", path=bank.root, questions=len(bank.questions), count=count
        )
        yield Finding(say("cli.doctor.bank"), not bank.problems, detail)
    except QuizdlError as error:
        yield Finding(say("cli.doctor.bank"), False, str(error))
    found = find_paths()
    try:
        load_settings(found.config_file)
        from quizdl.memory import open_store

        open_store(found.database).close()
        yield Finding(say("cli.doctor.memory"), True, str(found.database))
    except QuizdlError as error:
        yield Finding(say("cli.doctor.memory"), False, str(error))
    encoding = sys.stdout.encoding or "?"
    good = encoding.lower().replace("-", "") == "utf8"
    key = "cli.doctor.encoding" if good else "cli.doctor.encoding.bad"
    yield Finding(say("cli.doctor.terminal"), good, say(key, encoding=encoding))
    columns, rows = shutil.get_terminal_size((80, 24))
    good = columns >= 60 and rows >= 16
    key = "cli.doctor.size" if good else "cli.doctor.size.bad"
    yield Finding(say("cli.doctor.terminal"), good, say(key, columns=columns, rows=rows))
    for layer in active():
        state = say("cli.doctor.good" if layer.active else "cli.doctor.off")
        detail = f"{layer.name}：{state}" + (f"（{layer.why}）" if layer.why else "")
        yield Finding(say("cli.doctor.proof"), layer.active or None, detail)
