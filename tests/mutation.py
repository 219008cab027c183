"""How much of the demos' own code the claims watch over: `python tests/mutation.py [PATH]`.

One operator, constant or argument of an experiment is changed at a time, never a bound, a
control or a figure, and the claims that can reach the change are proved again. A mutant is
caught when one of them is no longer proved; what survives is listed with its line. Survivors
are of four kinds: a change without effect (an equal program), one of a size that a robust
experiment does not depend on (samples, steps, a wide grid), one of code that only runs under a
control, which then fails in another way, and a fault that no claim would notice. Only the last
is a defect, and only a reader can tell; lines of controls are counted apart, and survivors that
left every number the same to the last bit are marked `=`.

    --sample N    at most N mutants a question (default: all)
    --draw N      which sample: mend what one draw shows, judge by another (default 0)
    --seeds N     seeds for each claim (default 2)
"""

from __future__ import annotations

import argparse
import ast
import copy
import random
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np

from quizdl.bank import find_bank, load
from quizdl.bank.copies import with_demo
from quizdl.model import ClaimResult, Judged, Question, Verdict
from quizdl.proof.limits import Limits
from quizdl.proof.pool import Pool

FIGURES = {"line", "scatter", "bar", "hist", "heatmap"}
LIMITS = Limits(wall=12, cpu=12)
OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
SYMMETRIC = {"max", "min", "maximum", "minimum", "add", "multiply", "swapaxes", "dot", "logaddexp"}
"""Functions whose first two arguments may be exchanged: no mutants."""
SIZES = {"range", "default_rng", "normal", "uniform", "zeros", "ones", "empty", "full", "choice"}
SIZES |= {"integers", "permutation", "geomspace", "logspace", "linspace", "arange", "tile"}


@dataclass(frozen=True, slots=True)
class Mutant:
    owner: str
    """The top-level name whose code was changed."""
    line: int
    what: str
    kind: str
    """operator, constant or argument; `size` for a constant that says how many or which seed;
    `control` for whatever only runs under a control."""
    source: str


def mutants(source: str, own: set[int]) -> Iterator[Mutant]:
    """Every one of `source`, in the order of its code; `own`: the lines of its `own_lines`."""
    tree = ast.parse(source)
    for index, statement in enumerate(tree.body):
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Expr):
            continue
        owner = _name_of(statement)
        for path in _places(statement):
            for kind, what, change in _changes(_follow(statement, path[0])):
                mutated = copy.deepcopy(tree)
                node = _follow(mutated.body[index], path[0])
                change(node)
                kind = "size" if kind == "constant" and path[1] else kind
                if node.lineno not in own:  # type: ignore[attr-defined]
                    kind = "control"
                text = ast.unparse(ast.fix_missing_locations(mutated))
                yield Mutant(owner, node.lineno, what, kind, text)  # type: ignore[attr-defined]


def _name_of(statement: ast.stmt) -> str:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.name
    targets = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return targets[0].id if targets else ""


def _places(root: ast.AST) -> Iterator[tuple[tuple[tuple[str, int | None], ...], bool]]:
    """The path to each expression that may be changed, and whether it is among sizes."""

    def walk(
        node: ast.AST, path: tuple[tuple[str, int | None], ...], sizes: bool
    ) -> Iterator[tuple[tuple[tuple[str, int | None], ...], bool]]:
        if isinstance(node, ast.keyword) and node.arg == "strict":
            return
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in FIGURES:
                return
            sizes = sizes or name in SIZES
        if isinstance(node, ast.BinOp | ast.Compare | ast.Constant | ast.Call | ast.UnaryOp):
            yield path, sizes
        if isinstance(node, ast.BoolOp):
            yield path, sizes
        if isinstance(node, ast.arguments) and node.args and node.args[-1].arg == "seed":
            node = copy.copy(node)  # the seed is always given: its default is not used
            node.defaults = node.defaults[:-1]
        body = getattr(node, "body", None)
        for field, value in ast.iter_fields(node):
            if field in ("decorator_list", "annotation", "returns"):
                continue
            if isinstance(value, list):
                for number, each in enumerate(value):
                    doc = value is body and number == 0 and _is_text(each)
                    if isinstance(each, ast.AST) and not doc:
                        yield from walk(each, (*path, (field, number)), sizes)
            elif isinstance(value, ast.AST):
                yield from walk(value, (*path, (field, None)), sizes)

    yield from walk(root, (), False)


def _is_text(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _follow(node: ast.AST, path: tuple[tuple[str, int | None], ...]) -> ast.AST:
    for field, number in path:
        value = getattr(node, field)
        node = value if number is None else value[number]
    return node


def _changes(node: ast.AST) -> Iterator[tuple[str, str, object]]:
    """(kind, words, function that makes the change to such a node)."""
    text = ast.unparse(node)
    neutral = isinstance(node, ast.BinOp) and ast.unparse(node.right) in ("1", "1.0")
    if neutral and isinstance(node.op, ast.Mult | ast.Div | ast.Pow):  # type: ignore[attr-defined]
        return  # the other operator does the same
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OPERATORS:
        new = OPERATORS[type(node.op)]

        def swap(node: ast.AST) -> None:
            node.op = new()  # type: ignore[attr-defined]

        yield "operator", f"{text}  ->  {new.__name__}", swap
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        other = OPERATORS[type(node.ops[0])]

        def turn(node: ast.AST) -> None:
            node.ops[0] = other()  # type: ignore[attr-defined]

        yield "operator", f"{text}  ->  {other.__name__}", turn
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):

        def drop_sign(node: ast.AST) -> None:
            node.op = ast.UAdd()  # type: ignore[attr-defined]

        yield "operator", f"{text}  ->  without its sign", drop_sign
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        value = node.value
        if isinstance(value, bool):
            changed: object = not value
        else:  # one of those of PIT's CRCR: to nothing, to the other sign, to twice as much
            place = zlib.crc32(f"{node.lineno} {node.col_offset}".encode()) % 3
            changed = (type(value)(0), -value, 2 * value)[place] if value else type(value)(1)
            if changed == -1:  # as an axis of a matrix, the same
                changed = 2

        def put(node: ast.AST) -> None:
            node.value = changed  # type: ignore[attr-defined]

        yield "constant", f"{value}  ->  {changed}", put
    elif isinstance(node, ast.Call):
        for number, keyword in enumerate(node.keywords):
            if keyword.arg in (None, "seed", "strict"):
                continue

            def drop(node: ast.AST, number: int = number) -> None:
                del node.keywords[number]  # type: ignore[attr-defined]

            yield "argument", f"{text}  ->  without {keyword.arg}", drop
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in SYMMETRIC:
            return
        if len(node.args) > 1 and not any(isinstance(arg, ast.Starred) for arg in node.args[:2]):

            def exchange(node: ast.AST) -> None:
                arguments = node.args  # type: ignore[attr-defined]
                arguments[0], arguments[1] = arguments[1], arguments[0]

            yield "argument", f"{text}  ->  first two exchanged", exchange


def own_lines(question: Question) -> set[int]:
    """Lines that run when the demo is loaded and its claims are tried under their defaults."""
    path, seen = str(question.folder / "demo.py"), set[int]()

    def trace(frame: FrameType, event: str, _: object) -> object:
        if frame.f_code.co_filename != path:
            return None
        if event == "line":
            seen.add(frame.f_lineno)
        return trace

    space: dict[str, object] = {"__name__": "demo"}
    sys.settrace(trace)
    try:
        with np.errstate(all="ignore"):
            exec(compile(question.demo, path, "exec"), space)
            for claim in question.claims:
                space[claim.id](**claim.defaults, seed=0)  # type: ignore[operator]
    finally:
        sys.settrace(None)
    for node in ast.walk(ast.parse(question.demo)):
        if isinstance(node, ast.FunctionDef):  # defaults, whatever line they are on
            seen |= set(range(node.lineno, node.body[0].lineno))
    return seen


def reach(source: str) -> dict[str, set[str]]:
    """Every top-level name -> the top-level names that its code can come to."""
    tree = ast.parse(source)
    uses = {
        _name_of(statement): {
            node.id if isinstance(node, ast.Name) else node.attr
            for node in ast.walk(statement)
            if isinstance(node, ast.Name | ast.Attribute)
        }
        for statement in tree.body
    }
    found: dict[str, set[str]] = {}
    for name in uses:
        seen, todo = {name}, [name]
        while todo:
            new = (uses[todo.pop()] & uses.keys()) - seen
            seen |= new
            todo += new
        found[name] = seen
    return found


def numbers(result: ClaimResult) -> dict[str, object]:
    return {measure.name: (measure.values, measure.controls) for measure in result.measures}


def unchanged(question: Question, pool: Pool, seeds: range) -> dict[str, dict[str, object]]:
    """The numbers of every claim of the demo as it is. Ends the program when one is not proved:
    every mutant of it would be taken for caught."""
    events = pool.prove([(question, claim) for claim in question.claims], list(seeds))
    results = {event.claim: event.result for event in events if isinstance(event, Judged)}
    for claim, result in results.items():
        if result.verdict is not Verdict.PROVED:
            sys.exit(f"{question.id}#{claim} is not proved as it is: {result.reason}")
    return {claim: numbers(result) for claim, result in results.items()}


def fate(
    question: Question,
    mutant: Mutant,
    pool: Pool,
    seeds: range,
    before: dict[str, dict[str, object]],
) -> str:
    """`number` when a number of a claim that can reach the change gave it away, `error` when
    it broke; when all are still proved, `same` if no number has moved, otherwise `alive`."""
    changed, problems = with_demo(question, mutant.source)
    if changed is None or problems:
        return "error"
    reached = reach(mutant.source)
    claims = [c for c in changed.claims if mutant.owner in reached[c.id]]
    claims.sort(key=lambda claim: len(reached[claim.id]))  # what is nearest notices first
    events = pool.prove([(changed, claim) for claim in claims], list(seeds))
    moved = False
    for event in events:
        if not isinstance(event, Judged):
            continue
        if event.result.verdict is not Verdict.PROVED:
            events.close()
            return "number" if event.result.verdict is Verdict.NOT_PROVED else "error"
        moved = moved or numbers(event.result) != before[event.claim]
    return "alive" if moved else "same"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--draw", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    bank = load(find_bank())
    questions = bank.questions
    if given.path is not None:
        inside = given.path.resolve()
        questions = tuple(q for q in questions if q.folder.resolve().is_relative_to(inside))
    if not questions:
        parser.error(f"no question of this bank stands below {given.path}")
    total: Counter[tuple[str, str]] = Counter()
    with Pool(limits=LIMITS, permission=lambda _: None) as pool:
        for question in questions:
            started = time.monotonic()
            found = list(mutants(question.demo, own_lines(question)))
            if given.sample and len(found) > given.sample:
                draw = random.Random(zlib.crc32(question.id.encode()) + given.draw)
                found = draw.sample(found, given.sample)
            seeds = range(given.seeds)
            before = unchanged(question, pool, seeds)
            left = []
            for mutant in found:
                end = fate(question, mutant, pool, seeds, before)
                total[mutant.kind, end] += 1
                left += [(mutant, end)] if end in ("alive", "same") else []
            caught, seconds = len(found) - len(left), time.monotonic() - started
            print(f"{question.id}: {caught}/{len(found)} caught, {seconds:.0f} s", flush=True)
            for mutant, end in left:
                mark = "=" if end == "same" else " "
                print(f"{mark} {mutant.line:4} {mutant.kind:9} {mutant.what[:100]}", flush=True)
    groups = {kind: {kind} for kind in sorted({kind for kind, _ in total})}
    groups["own code"] = groups.keys() - {"control"}
    groups["all"] = set(groups)
    for kind, kinds in groups.items():
        ends = Counter[str]()
        for (of, end), count in total.items():
            ends[end] += count if of in kinds else 0
        caught = ends["number"] + ends["error"]
        share = caught / max(1, ends.total())
        by = f"{ends['number']} by a number, {ends['error']} by an error; {ends['same']} the same"
        print(f"{kind:9} {caught}/{ends.total()} caught ({share:.0%}): {by}")


if __name__ == "__main__":
    sys.exit(main())
