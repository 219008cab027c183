"""The commands: parse, call, print. Nothing below this module and tui/ prints or knows the time."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from quizdl.words import QuizdlError, say
from quizdl.words.click_zh import speak_chinese, tidy

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
    """Run one command line and return its exit code; every error is one clear line.

    With `--json` it is also the document: `{"error": line}`.
    """
    try:
        code = main.main(list(arguments), prog_name="quizdl", standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "quizdl"
        why = tidy(error.format_message())
        return _fail(2, say("cli.wrong_use", why=why, where=where), arguments)
    except QuizdlError as error:
        return _fail(1, str(error), arguments)
    except click.Abort:  # ctrl+c
        return _fail(130, say("cli.interrupted"), arguments)
    except OSError as error:  # click has dealt with a reader that went away
        return _fail(1, say("cli.system", why=error), arguments)
    return code if isinstance(code, int) else 0


def _fail(code: int, line: str, arguments: Sequence[str]) -> int:
    click.echo(line, err=True)
    if "--json" in arguments:
        _print_json({"error": line})
    return code


class _Formatter(click.HelpFormatter):
    """Headings with the colon of Chinese."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        self.write(f"{say('cli.usage')}{prog} {args}\n")

    def write_heading(self, heading: str) -> None:
        self.write(f"{heading}：\n")


class _Context(click.Context):
    formatter_class = _Formatter


class Chinese(click.Command):
    """A command whose help is Chinese, and whose errors know which command they are about."""

    context_class = _Context

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"options_metavar": say("cli.options"), "context_settings": HELP}
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class ChineseGroup(Chinese, click.Group):
    command_class = Chinese

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, subcommand_metavar=say("cli.command"), **kwargs)


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

    return find_bank((click.get_current_context().find_object(dict) or {}).get("bank"))


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
    import json

    ascii_only = sys.stdout.encoding.lower().replace("-", "") != "utf8"
    click.echo(json.dumps(document, ensure_ascii=ascii_only, indent=2, allow_nan=False))


def _print_problems(problems: Iterable[Problem]) -> None:
    from quizdl.bank import problem_line

    for problem in problems:
        shown = dataclasses.replace(problem, path=_short(problem.path))
        click.echo(problem_line(shown), err=True)


def _short(path: Path) -> Path:
    """The path as short as it can be said from here."""
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


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
    review_plain(
        bank.questions,
        paths.database,
        settings,
        plan(bank),
        show=_print_lines,
        prove=lambda question: _prove(question, question.claims, range(SEEDS)),
        width=_width(),
    )


@main.command(
    "list",
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
        _print_list(questions, {topic.id: topic.title for topic in bank.topics})
        total = sum(len(question.claims) for question in questions)
        click.echo(
            say("cli.list.count", questions=len(questions), claims=total)
            if questions
            else say("cli.list.none")
        )
    _print_problems(bank.problems)
    return 1 if bank.problems else 0


def _print_list(questions: Sequence[Question], titles: Mapping[str, str]) -> None:
    """A line per question, by topic; only on a terminal are long ones cut."""
    longest = max((len(question.id) for question in questions), default=0)
    shown = ""
    for question in questions:
        if question.topic != shown:
            shown = question.topic
            click.secho(titles[shown], bold=True)
        stars = "★" * question.level + "☆" * (3 - question.level)
        line = f"  {stars}  {question.id:<{longest}}  {question.title}"
        if sys.stdout.isatty():
            from quizdl.render.cells import truncate

            line = truncate(line, _width())
        click.echo(line)


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
    from quizdl.model import Verdict

    question, claims = _load_bank().get_claims(target)
    claims = _turn_knobs(target, claims, settings)
    if control:
        claims = tuple(_change(claim, claim.controls[0]) for claim in claims)
    seeds = range(SEEDS) if seed is None else (seed,)
    started = time.perf_counter()
    if not as_json:
        click.secho(question.title, bold=True)
    results = _prove(question, claims, seeds, hidden=as_json)
    proved = sum(result.verdict is Verdict.PROVED for result in results)
    if as_json:
        texts = [claim.text for claim in claims]
        found = [result_json(*pair) for pair in zip(results, texts, strict=True)]
        _print_json({"question": question.id, "claims": found})
    else:
        seconds = time.perf_counter() - started
        total = {"proved": proved, "claims": len(claims), "seeds": len(seeds)}
        click.echo("\n" + say("cli.run.total", seconds=seconds, **total))
    return 0 if proved == len(claims) > 0 else 1


def _prove(
    question: Question, claims: Sequence[Claim], seeds: Sequence[int], *, hidden: bool = False
) -> list[ClaimResult]:
    """Results in the order of `claims`, each printed as soon as it and those before it are
    there."""
    from quizdl import render
    from quizdl.model import Judged
    from quizdl.proof.pool import Pool
    from quizdl.proof.report import result_lines

    found: dict[str, ClaimResult] = {}
    results: list[ClaimResult] = []
    with Pool() as pool:
        for event in pool.prove([(question, claim) for claim in claims], seeds):
            if isinstance(event, Judged):
                found[event.claim] = event.result
            while len(results) < len(claims) and claims[len(results)].id in found:
                claim = claims[len(results)]
                results.append(found[claim.id])
                if not hidden:
                    click.echo()
                    text = render.inline(claim.text)
                    _print_lines(result_lines(results[-1], text, _width()))
    return results


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
    """`text` as a value of the type of the parameter's default, within its knob.

    Raises QuizdlError for any other. A whole default takes a fraction when its knob does.
    """
    knob = next((knob for knob in claim.knobs if knob.name == key), None)
    kind = type(claim.defaults[key])
    if kind is int and knob and float in map(type, knob.choices or (knob.low, knob.high)):
        kind = float
    try:
        if kind is bool:
            value: Value = {"true": True, "false": False, "1": True, "0": False}[text.lower()]
        else:
            value = kind(text)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(text)  # noqa: TRY301
    except (KeyError, ValueError):
        what = say(f"cli.run.kind.{kind.__name__}")
        raise QuizdlError("cli.run.set_type", key=key, kind=what, value=text) from None
    if knob and not knob.allows(value):
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
    return value if value is not None and math.isfinite(value) else None


@main.command(
    help=say("cli.check"),
    epilog=_examples(
        "quizdl check", "quizdl check content/initialization --seeds 20", "quizdl check --json"
    ),
)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=SEEDS,
    show_default=True,
    metavar="N",
    help=say("cli.check.seeds"),
)
@click.option("--jobs", type=click.IntRange(1), metavar="N", help=say("cli.check.jobs"))
@json_option
@bank_option
def check(path: Path | None, seeds: int, jobs: int | None, as_json: bool) -> int:
    from quizdl.check import check_text
    from quizdl.model import Problem

    started = time.perf_counter()
    problems: list[Problem] = []
    failed: list[Problem] = []
    questions: tuple[Question, ...] = ()
    proved = 0
    try:
        bank, questions = _checked_part(path)
        problems += check_text(bank, questions)
        if not as_json:
            _print_problems(problems)
        proved, failed = _prove_all(questions, range(seeds), jobs, hidden=as_json)
        problems += failed
    except QuizdlError as error:
        if not as_json:
            raise
        problems.append(Problem(path or _bank_root(), 0, str(error), ""))
    claims = sum(len(question.claims) for question in questions)
    counts = {"questions": len(questions), "claims": claims, "proved": proved}
    if as_json:
        _print_json(counts | {"problems": [problem_json(problem) for problem in problems]})
        return 1 if problems else 0
    _print_problems(failed)
    seconds = time.perf_counter() - started
    click.echo(say("cli.check.total", seeds=seeds, seconds=seconds, **counts))
    click.echo(
        say("cli.check.problems", count=len(problems)) if problems else say("cli.check.fine")
    )
    return 1 if problems else 0


def _prove_all(
    questions: Sequence[Question], seeds: Sequence[int], jobs: int | None, *, hidden: bool
) -> tuple[int, list[Problem]]:
    """How many claims are proved, and what is wrong with the others, file by file."""
    from quizdl.check import problem_of
    from quizdl.model import Judged
    from quizdl.proof.pool import Pool

    by_id = {question.id: question for question in questions}
    targets = [(question, claim) for question in questions for claim in question.claims]
    problems = []
    with Pool(jobs) as pool, _progress(len(targets), hidden=hidden) as advance:
        for event in pool.prove(targets, seeds):
            if isinstance(event, Judged):
                advance()
                problem = problem_of(by_id[event.question], event.result)
                problems += [problem] if problem else []
    problems.sort(key=lambda problem: (problem.path, problem.line))
    return len(targets) - len(problems), problems


def problem_json(problem: Problem) -> dict[str, object]:
    """The fixed shape of one problem in `quizdl check --json`."""
    path = str(_short(problem.path))
    return {"path": path, "line": problem.line, "message": problem.message, "fix": problem.fix}


def _checked_part(path: Path | None) -> tuple[Bank, tuple[Question, ...]]:
    """The bank that `path` lies in (or is), and its questions at or below `path`.

    Raises QuizdlError when there is nothing to check.
    """
    from quizdl.bank import load

    if path is None:
        bank = _load_bank()
        if not bank.questions and not bank.problems:
            raise QuizdlError("bank.empty", path=bank.root)
        return bank, bank.questions
    if not path.exists():
        raise QuizdlError("cli.check.missing", path=path)
    path = path.resolve()
    folder = path if path.is_dir() else path.parent

    def below(each: Path) -> bool:
        return each.absolute().is_relative_to(folder)

    for root in (folder, folder.parent, folder.parent.parent):  # a bank, a topic, a question
        if any(root.glob("*/*/question.md")):
            bank = load(root)
            questions = tuple(question for question in bank.questions if below(question.folder))
            problems = tuple(problem for problem in bank.problems if below(problem.path))
            if questions or problems:
                return dataclasses.replace(bank, problems=problems), questions
    raise QuizdlError("cli.check.outside", path=path)


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
    help=say("cli.new"),
    epilog=_examples("quizdl new initialization/he-init"),
)
@click.argument("target", metavar="TOPIC/SLUG")
@bank_option
def new(target: str) -> None:
    from quizdl.bank.scaffold import create

    click.echo(say("cli.new.done", path=_short(create(_bank_root(), target))))


@main.command(
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
    from importlib.metadata import PackageNotFoundError, version

    from quizdl.bank import load
    from quizdl.proof.probe import active
    from quizdl.settings import find_paths, load_settings

    parts = {"Python": platform.python_version()}
    missing = []
    for part in ("quizdl", "textual", "numpy", "sqlalchemy", "fsrs"):
        try:
            parts[part] = version(part)
        except PackageNotFoundError:
            missing.append(part)
    detail = "，".join(f"{part} {number}" for part, number in parts.items())
    yield Finding(say("cli.doctor.versions"), True, detail)
    if missing:
        detail = say("cli.doctor.missing", parts="、".join(missing))
        yield Finding(say("cli.doctor.versions"), False, detail)
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
        key = "good" if found.config_file.exists() else "none"
        detail = say(f"cli.doctor.config.{key}", path=found.config_file)
        yield Finding(say("cli.doctor.config"), True, detail)
    except QuizdlError as error:
        yield Finding(say("cli.doctor.config"), False, str(error))
    yield _examine_memory(found.database)
    encoding = sys.stdout.encoding or "?"
    good = encoding.lower().replace("-", "") == "utf8"
    key = "cli.doctor.encoding" if good else "cli.doctor.encoding.bad"
    yield Finding(say("cli.doctor.terminal"), good, say(key, encoding=encoding))
    columns, rows = shutil.get_terminal_size((80, 24))
    good = columns >= 60 and rows >= 16
    key = "cli.doctor.size" if good else "cli.doctor.size.bad"
    yield Finding(say("cli.doctor.terminal"), good, say(key, columns=columns, rows=rows))
    try:
        for layer in active():
            state = say("cli.doctor.good" if layer.active else "cli.doctor.off")
            detail = f"{layer.name}：{state}" + (f"（{layer.why}）" if layer.why else "")
            yield Finding(say("cli.doctor.proof"), layer.active or None, detail)
    except QuizdlError as error:
        yield Finding(say("cli.doctor.proof"), False, str(error))


def _examine_memory(database: Path) -> Finding:
    """Opens the database if there is one; otherwise only asks whether there could be."""
    from quizdl.memory import open_store

    name = say("cli.doctor.memory")
    if database.exists():
        try:
            open_store(database).close()
        except QuizdlError as error:
            return Finding(name, False, str(error))
        return Finding(name, True, str(database))
    there = next(folder for folder in database.parents if folder.exists())
    good = there.is_dir() and os.access(there, os.W_OK)
    key = "cli.doctor.memory.none" if good else "cli.doctor.memory.bad"
    return Finding(name, good, say(key, path=database, there=there))
