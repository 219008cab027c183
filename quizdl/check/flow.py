"""Where the numbers of a claim come from, as far as its text tells.

Two questions. Does the seed feed a random generator and nothing else? And has each declared
number been measured: is it more than a value, a test or a table entry chosen by a parameter,
and more than a bare draw or a thing compared with itself?

A value is *fixed* when parameters and literals alone decide it: through arithmetic, tests,
tables, NumPy and helper functions, but not through a random draw or a loop. Everything else
is *measured*. A reported number may choose between two measured values; it may neither be
fixed nor be switched: replaced, shifted or scaled by a fixed value that tests a parameter.
What a helper switches before it has measured is its mechanism and nobody's business here, so
the search stops at loops; a lie told inside one is not seen.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from quizdl.check.scopes import FUNCTIONS, Demo, Function, Scope, is_claim, parameters

if TYPE_CHECKING:
    from quizdl.check.source import Finding

GENERATORS = frozenset(
    f"numpy.random.{name}"
    for name in ("default_rng", "MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64", "SeedSequence")
)
DRAWS = frozenset(
    "beta binomial chisquare choice exponential gamma geometric integers laplace lognormal logistic"
    " normal permutation poisson random standard_normal triangular uniform".split()
)
SCALAR = frozenset("abs bool float int max min round sum".split())
"""Built-in functions that hand their arguments on as a number."""
ELEMENTWISE = frozenset(
    f"numpy.{name}"
    for name in "abs add array asarray clip exp fabs float32 float64 log max maximum mean min"
    " minimum multiply select sqrt subtract sum where".split()
)
SHAPES = frozenset(
    f"numpy.{name}"
    for name in "broadcast_to expand_dims moveaxis repeat reshape roll split swapaxes tile".split()
)
MIXING = frozenset({"choose", "clip", "take"})
"""Methods that put their arguments among the values of an array."""
SHAPING = frozenset({"axis", "ddof", "dtype", "keepdims", "ord"})
"""Arguments that say how an array is gone through, not what is in it."""
ARRAYS = frozenset(f"numpy.{name}" for name in "eye full linspace ones zeros".split())
NOTHING: frozenset[str] = frozenset()
LIKES = frozenset(f"numpy.{name}_like" for name in ("full", "ones", "zeros"))
SAME = frozenset({"numpy.array", "numpy.asarray", "numpy.copy"})


def flow_findings(demo: Demo) -> Iterator[Finding]:
    yield from _of_seed(demo)
    for claim in demo.claims():
        yield from _of_claim(demo, claim)


# --- the seed ----------------------------------------------------------------------------


def _of_seed(demo: Demo) -> Iterator[Finding]:
    """Follow each claim's `seed` through assignments, sums and calls of the demo's own
    functions. A generator swallows it; anything else that looks at it is reported."""
    todo: list[tuple[Scope, str]] = [
        (claim, "seed") for claim in demo.claims() if "seed" in parameters(claim)
    ]
    done: set[tuple[Scope, str]] = set()
    while todo:
        scope, name = todo.pop()
        if (scope, name) in done:
            continue
        done.add((scope, name))
        for node in ast.walk(scope):
            if (
                isinstance(node, ast.Name)
                and node.id == name
                and isinstance(node.ctx, ast.Load)
                and demo.home(name, demo.scope(node)) is scope
            ):
                more = _use_of_seed(demo, node)
                if more is None:
                    yield node.lineno, "seed", {"name": name}
                else:
                    todo += more
    yield from _unseeded(demo)


def _use_of_seed(demo: Demo, node: ast.AST) -> list[tuple[Scope, str]] | None:
    """What holds the seed after this use of it; None when the use is not allowed."""
    while True:
        child, node = node, demo.parents[node]
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult()):
                continue
            case ast.Tuple() | ast.List() | ast.Starred() | ast.keyword():
                continue
            case ast.Call() if child is not node.func:
                return _into_call(demo, node, child)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.NamedExpr(target=ast.Name(id=name)):
                return [(demo.scope(node), name)]
            case ast.For(target=ast.Name(id=name)) | ast.comprehension(target=ast.Name(id=name)):
                return [(demo.scope(node), name)] if child is node.iter else None
            case _:
                return None


def _into_call(demo: Demo, call: ast.Call, argument: ast.AST) -> list[tuple[Scope, str]] | None:
    if demo.dotted(call.func) in GENERATORS:
        return []
    functions = [*_callees(demo, call.func)]
    if not functions:
        return None
    found: list[tuple[Scope, str]] = []
    for function in functions:
        names = [*parameters(function)]
        method = names[:1] == ["self"]
        if isinstance(argument, ast.keyword):
            found += [(function, argument.arg)] if argument.arg in names else []
        elif isinstance(argument, ast.expr):
            place = call.args.index(argument) + method
            starred = any(isinstance(each, ast.Starred) for each in call.args[: place + 1])
            found += [
                (function, name) for name in (names[place:] if starred else names[place:][:1])
            ]
    return found


def _callees(demo: Demo, callee: ast.expr) -> Iterator[Function]:
    """The demo's own functions that an expression may stand for."""
    match callee:
        case ast.Lambda():
            yield callee
        case ast.IfExp():
            yield from _callees(demo, callee.body)
            yield from _callees(demo, callee.orelse)
        case ast.Subscript(value=ast.Dict() as table):
            for value in table.values:
                yield from _callees(demo, value)
        case ast.Subscript(value=ast.Name(id=name)):
            for value in _values(demo, name, demo.scope(callee)):
                if isinstance(value, ast.Dict):
                    for entry in value.values:
                        yield from _callees(demo, entry)
        case ast.Name(id=name):
            home = demo.home(name, demo.scope(callee))
            for each in demo.bound[home].get(name, ()) if home else ():
                if isinstance(each.node, ast.FunctionDef):
                    if each.node.name == name:  # not one of its parameters
                        yield each.node
                elif isinstance(each.node, ast.ClassDef):
                    for part in each.node.body:
                        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                            yield part
                elif each.value is not None:
                    yield from _callees(demo, each.value)


def _values(demo: Demo, name: str, scope: Scope) -> Iterator[ast.expr]:
    home = demo.home(name, scope)
    for each in demo.bound[home].get(name, ()) if home else ():
        if each.value is not None:
            yield each.value


def _unseeded(demo: Demo) -> Iterator[Finding]:
    """Generators made from nothing, or from a number that no parameter decides."""
    for node in ast.walk(demo.tree):
        if isinstance(node, ast.Call) and demo.dotted(node.func) in GENERATORS:
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            names = set().union(*map(_names, given))
            scope = demo.scope(node)
            if not given or any(
                isinstance(part, ast.Constant) and part.value is None for part in given
            ):
                yield node.lineno, "random", {"name": ast.unparse(node)}
            elif all(demo.home(name, scope) in (None, demo.tree) for name in names):
                yield node.lineno, "fixed_seed", {"name": ast.unparse(node)}


def _parts(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions directly inside one, also those in keywords and in comprehensions."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.expr):
            yield each
        elif isinstance(each, ast.keyword | ast.comprehension):
            yield from _parts(each)


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


# --- the numbers -------------------------------------------------------------------------


Part = TypeVar("Part")
Answer = TypeVar("Answer")


def _once(
    busy: Answer,
) -> Callable[[Callable[[_Frame, Part], Answer]], Callable[[_Frame, Part], Answer]]:
    """Ask each question of one frame once; one that leads back to itself is answered `busy`."""

    def wrap(ask: Callable[[_Frame, Part], Answer]) -> Callable[[_Frame, Part], Answer]:
        @functools.wraps(ask)
        def asked(frame: _Frame, part: Part) -> Answer:
            key = (ask.__name__, frame, part)
            answers: dict[object, Answer] = frame.demo.answers
            if key not in answers:
                answers[key] = busy
                answers[key] = ask(frame, part)
            return answers[key]

        return asked

    return wrap


@dataclass(frozen=True)
class _Frame:
    """A function as it is called from a claim: which of its parameters are fixed, and which
    of those are truth values, or chosen by a test; and which are words."""

    demo: Demo
    scope: Scope
    fixed: frozenset[str]
    flags: frozenset[str]
    words: frozenset[str]
    outer: _Frame | None = None
    """Of a function inside a function: the call it was made in."""


def _of_claim(demo: Demo, claim: ast.FunctionDef) -> Iterator[Finding]:
    guards, expects, controlled = _declared(claim)
    defaults = parameters(claim)
    frame = _Frame(
        demo,
        claim,
        frozenset({*defaults} - {"seed"}),
        frozenset(name for name, default in defaults.items() if _is_literal(default, bool)),
        frozenset(name for name, default in defaults.items() if _is_literal(default, str)),
    )
    seen: set[object] = set()
    for returned in _returns(claim):
        for table, where in _tables(frame, returned):
            for key, value in zip(table.keys, table.values, strict=True):
                name = key.value if isinstance(key, ast.Constant) else None
                seen.add(name)
                if name not in guards and name not in expects:
                    continue
                for what in _objections(
                    where, value, controlled if where is frame else frozenset()
                ):
                    yield value.lineno, what, {"name": name}
                if name in expects and _drawn(where, value):
                    yield value.lineno, "drawn", {"name": name}
    for name in sorted(map(str, (guards | expects) - seen)):
        yield claim.lineno, "returns", {"claim": claim.name, "name": name}
    yield from _special_cases(demo, claim)


def _is_literal(node: ast.expr | None, *types: type) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, types)


def _declared(claim: ast.FunctionDef) -> tuple[set[object], set[object], frozenset[str]]:
    """Names of the guards, of the expectations, and of the parameters that controls change."""
    parts: dict[str, set[object]] = {"guard": set(), "expect": set(), "control": set()}
    for decorator in claim.decorator_list:
        if isinstance(decorator, ast.Call) and is_claim(decorator):
            for keyword in decorator.keywords:
                for each in ast.walk(keyword.value):
                    if isinstance(each, ast.Dict) and keyword.arg in parts:
                        keys = (key.value for key in each.keys if isinstance(key, ast.Constant))
                        parts[keyword.arg] |= {*keys}
    return parts["guard"], parts["expect"], frozenset(map(str, parts["control"]))


def _returns(function: Function) -> Iterator[ast.expr]:
    if isinstance(function, ast.Lambda):
        yield function.body
        return
    todo: list[ast.AST] = [*function.body]
    while todo:
        node = todo.pop(0)
        if isinstance(node, ast.Return):
            if node.value is not None:
                yield node.value
        elif not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            todo += ast.iter_child_nodes(node)


def _tables(frame: _Frame, node: ast.expr) -> Iterator[tuple[ast.Dict, _Frame]]:
    """The dict displays that a returned expression may be, through names and helpers."""
    match node:
        case ast.Dict():
            yield node, frame
        case ast.IfExp():
            yield from _tables(frame, node.body)
            yield from _tables(frame, node.orelse)
        case ast.Tuple() | ast.List():  # numbers, and figures beside them
            for each in node.elts:
                yield from _tables(frame, each)
        case ast.BinOp(op=ast.BitOr()):
            yield from _tables(frame, node.left)
            yield from _tables(frame, node.right)
        case ast.Name():
            for value in _values(frame.demo, node.id, frame.scope):
                yield from _tables(frame, value)
        case ast.Call():
            for function, inner in _calls(frame, node):
                for each in _returns(function):
                    yield from _tables(inner, each)
            for argument in node.args:
                if isinstance(argument, ast.Dict):
                    yield argument, frame


def _calls(frame: _Frame, call: ast.Call) -> Iterator[tuple[Function, _Frame]]:
    """The demo's own functions a call may reach, each with what it is given."""
    for function in _callees(frame.demo, call.func):
        names = parameters(function)
        given: dict[str, ast.expr] = {}
        star = next((n for n, each in enumerate(call.args) if isinstance(each, ast.Starred)), None)
        given |= dict(zip(names, call.args[:star], strict=False))
        given |= {each.arg: each.value for each in call.keywords if each.arg}
        fixed, flags, words = set(), set(), set()
        for name, default in names.items():
            value = given.get(name)
            if default is not None and star is None if value is None else _fixed(frame, value):
                fixed.add(name)
                if value is not None and _switch(frame, value):
                    flags.add(name)
                elif isinstance(value, ast.Name) and value.id in frame.words:
                    words.add(name)
        around = frame.demo.scope(function)
        outer: _Frame | None = frame
        while outer is not None and outer.scope is not around:
            outer = outer.outer
        yield (
            function,
            _Frame(
                frame.demo, function, frozenset(fixed), frozenset(flags), frozenset(words), outer
            ),
        )


def _frame_of(frame: _Frame, name: str) -> _Frame | None:
    """The frame whose variable `name` is; None for what is built in or imported."""
    home = frame.demo.home(name, frame.scope)
    if home is None:
        return None
    around: _Frame | None = frame
    while around is not None and around.scope is not home:
        around = around.outer
    return around or _Frame(frame.demo, home, NOTHING, NOTHING, NOTHING)


@_once(True)
def _fixed(frame: _Frame, node: ast.expr) -> bool:
    """Whether parameters and literals alone decide the value."""
    match node:
        case ast.Constant() | ast.Lambda():
            return True
        case ast.Name():
            return _fixed_name(frame, node.id)
        case ast.Call():
            return _fixed_call(frame, node)
        case ast.GeneratorExp() | ast.ListComp() | ast.SetComp() | ast.DictComp():
            names = _names(node).difference(*(_names(part.target) for part in node.generators))
            calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
            return all(_fixed_name(frame, name) for name in names) and not any(
                True for call in calls for _ in _callees(frame.demo, call.func)
            )
        case ast.Attribute():
            return bool(frame.demo.dotted(node)) or _fixed(frame, node.value)
        case ast.Starred():
            return _fixed(frame, node.value)
        case ast.BinOp(op=ast.Mult() | ast.Pow()) if _is_zero(node.right):
            return True
        case ast.BinOp(op=ast.Mult()) if _is_zero(node.left):
            return True
    return all(_fixed(frame, part) for part in _parts(node))


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, str) and node.value == 0


@_once(True)
def _fixed_name(frame: _Frame, name: str) -> bool:
    owner = _frame_of(frame, name)
    if owner is None:
        return True
    for each in frame.demo.bound[owner.scope][name]:
        if each.node is owner.scope:  # it is a parameter
            if name not in owner.fixed:
                return False
        elif isinstance(each.node, ast.FunctionDef | ast.ClassDef):
            continue
        elif each.looped or each.value is None or not _fixed(owner, each.value):
            return False
        elif isinstance(each.node, ast.withitem):
            return False
    return True


def _fixed_call(frame: _Frame, call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    whole = frame.demo.dotted(call.func)
    if whole.startswith("numpy.random."):
        return False
    if whole in LIKES:  # of what is measured they take the shape
        given = given[1:]
    if whole or (isinstance(call.func, ast.Name) and _frame_of(frame, call.func.id) is None):
        return all(_fixed(frame, each) for each in given)
    functions = [*_calls(frame, call)]
    if functions:
        returned = [(inner, each) for function, inner in functions for each in _returns(function)]
        return bool(returned) and all(_fixed(inner, each) for inner, each in returned)
    if isinstance(call.func, ast.Attribute):
        return _fixed(frame, call.func.value) and all(_fixed(frame, each) for each in given)
    return False


@_once(False)
def _switch(frame: _Frame, node: ast.expr) -> bool:
    """Whether a fixed value is one of a few that a test or a table chooses by a parameter."""
    match node:
        case ast.Name(id=name):
            owner = _frame_of(frame, name)
            if owner is None:
                return False
            if name in owner.flags:
                return True
            return any(
                bool(each.tests) or (each.value is not None and _switch(owner, each.value))
                for each in frame.demo.bound[owner.scope][name]
                if each.node is not owner.scope
            )
        case ast.Compare() | ast.BoolOp() | ast.IfExp() | ast.UnaryOp(op=ast.Not()):
            return _turns(frame, node)
        case ast.Subscript():
            return _turns(frame, node.slice)
        case ast.Call():
            for function, inner in _calls(frame, node):
                returned = [*_returns(function)]
                if len(returned) > 1 or any(_switch(inner, each) for each in returned):
                    return _turns(frame, node)
            if frame.words & {each.id for each in _parts(node) if isinstance(each, ast.Name)}:
                if isinstance(node.func, ast.Name) and _frame_of(frame, node.func.id) is None:
                    return True  # the length of a word, say
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                if node.func.value.id in frame.words:
                    return True
    return any(_switch(frame, each) for each in _parts(node))


@_once(False)
def _turns(frame: _Frame, node: ast.AST) -> bool:
    """Whether any parameter takes part."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and (owner := _frame_of(frame, each.id)) is not None:
            if not isinstance(owner.scope, ast.Module):
                for place in frame.demo.bound[owner.scope][each.id]:
                    if place.node is owner.scope:
                        if each.id in owner.fixed:
                            return True
                    elif place.value is not None and _turns(owner, place.value):
                        return True
    return False


def _objections(frame: _Frame, node: ast.expr, controlled: frozenset[str]) -> Iterator[str]:
    if _fixed(frame, node):
        yield "mirror"
    elif _switched(frame, node) or _shifted(frame, node, controlled):
        yield "switched"
    if _itself(frame, node):
        yield "itself"


def _shifted(frame: _Frame, node: ast.expr, controlled: frozenset[str]) -> bool:
    """Whether the last thing done to the number is to add what a control sets."""
    match node:
        case ast.Call(func=ast.Name(id="float" | "abs"), args=[inner]):
            return _shifted(frame, inner, controlled)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            for side in (node.left, node.right):
                if _names(side) & controlled and _fixed(frame, side):
                    return True
    return False


@_once(False)
def _switched(frame: _Frame, node: ast.expr) -> bool:
    """Whether a fixed, parameter-testing value replaces, shifts or scales a measured one."""
    if _fixed(frame, node):
        return False
    match node:
        case ast.IfExp():
            if _fixed(frame, node.test) and _turns(frame, node.test):
                if _fixed(frame, node.body) != _fixed(frame, node.orelse):
                    return True
                if isinstance(node.body, ast.Tuple) and isinstance(node.orelse, ast.Tuple):
                    pairs = zip(node.body.elts, node.orelse.elts, strict=False)
                    if any(_fixed(frame, one) != _fixed(frame, other) for one, other in pairs):
                        return True
                if _off(frame, node.body, node.orelse) or _off(frame, node.orelse, node.body):
                    return True
            return _switched(frame, node.body) or _switched(frame, node.orelse)
        case ast.BinOp(op=ast.MatMult()):
            return False
        case ast.BinOp() | ast.Compare() | ast.BoolOp():
            return _mixed(frame, [*_parts(node)])
        case ast.Name():
            return _switched_name(frame, node.id)
        case ast.Subscript():
            if _turns(frame, node.slice) and _fixed(frame, node.slice):
                displays = [*_displays(frame, node.value)]
                if any(_chosen(frame, each) for each in displays):
                    return True
                if not displays and _switch(frame, node.slice):
                    return True
            return _switched(frame, node.value)
        case ast.Attribute() | ast.Starred():
            return _switched(frame, node.value)
        case ast.Dict():
            return any(_switched(frame, value) for value in node.values)
        case ast.Call():
            return _switched_call(frame, node)
    return any(_switched(frame, part) for part in _parts(node))


def _displays(frame: _Frame, node: ast.expr) -> Iterator[list[ast.expr]]:
    """The entries of the lists, tuples and dicts that an expression may be, written out."""
    match node:
        case ast.Dict():
            yield node.values
        case ast.List() | ast.Tuple():
            yield node.elts
        case ast.Name():
            for value in _values(frame.demo, node.id, frame.scope):
                if not isinstance(value, ast.Name):
                    yield from _displays(frame, value)


def _chosen(frame: _Frame, entries: list[ast.expr]) -> bool:
    """Whether to choose among them is to choose between measured and not."""
    return len({_fixed(frame, each) for each in entries}) > 1


def _off(frame: _Frame, one: ast.expr, other: ast.expr) -> bool:
    """Whether `other` is `one` with a fixed value added; in a claim itself, or scaled by one."""
    operators: tuple[type[ast.operator], ...] = (ast.Add, ast.Sub)
    if frame.scope in [*frame.demo.claims()]:
        operators += (ast.Mult, ast.Div, ast.Pow)
    if not isinstance(other, ast.BinOp) or not isinstance(other.op, operators):
        return False
    sides = ((other.left, other.right), (other.right, other.left))
    return any(ast.dump(a) == ast.dump(one) and _fixed(frame, b) for a, b in sides)


def _mixed(frame: _Frame, parts: list[ast.expr]) -> bool:
    fixed = [_fixed(frame, part) for part in parts]
    if not all(fixed) and any(f and _switch(frame, p) for f, p in zip(fixed, parts, strict=True)):
        return True
    return any(_switched(frame, part) for part in parts)


@_once(False)
def _switched_name(frame: _Frame, name: str) -> bool:
    owner = _frame_of(frame, name)
    if owner is None or isinstance(owner.scope, ast.Module):
        return False
    places = [each for each in frame.demo.bound[owner.scope][name] if each.value is not None]
    for each in places:
        assert each.value is not None
        tested = any(_fixed(owner, test) and _turns(owner, test) for test in each.tests)
        if _array(frame.demo, each.value) and owner.scope not in [*frame.demo.claims()]:
            continue  # a helper that sets something up
        if tested and not each.looped and _fixed(owner, each.value):
            if each.changes or len(places) > 1:
                return True
        if each.changes and not each.looped and _fixed(owner, each.value):
            if _switch(owner, each.value):
                return True
    if any(each.looped for each in places):
        return False
    return any(each.value is not None and _switched(owner, each.value) for each in places)


def _switched_call(frame: _Frame, call: ast.Call) -> bool:
    functions = [*_calls(frame, call)]
    kinds = set()
    for function, inner in functions:
        returned = {each: _fixed(inner, each) for each in _returns(function)}
        kinds |= {kind for each, kind in returned.items() if not _array(frame.demo, each)}
        if len({*returned.values()}) > 1 and _tests_parameter(inner, function):
            return True
        if any(_switched(inner, each) for each in returned):
            return True
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if functions:  # what helpers give to helpers is the mechanism; what is written here is not
        if len(kinds) > 1 and isinstance(call.func, ast.Subscript | ast.IfExp):
            return True
        return any(_switched(frame, each) for each in given if not _calling(frame, each))
    whole = frame.demo.dotted(call.func)
    given = [*call.args, *(each.value for each in call.keywords if each.arg not in SHAPING)]
    if isinstance(call.func, ast.Attribute) and not whole:
        if call.func.attr == "get" and call.args and _turns(frame, call.args[0]):
            for entries in _displays(frame, call.func.value):
                if _chosen(frame, [*entries, *call.args[1:]]):
                    return True
        if _switched(frame, call.func.value):
            return True
        if call.func.attr in MIXING:
            return _mixed(frame, [call.func.value, *given])
        return any(_switched(frame, each) for each in given)
    if whole.startswith("numpy.linalg.") or whole in SHAPES:
        return any(_switched(frame, each) for each in given)
    return _mixed(frame, given)


def _array(demo: Demo, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and demo.dotted(node.func) in ARRAYS | LIKES


def _calling(frame: _Frame, node: ast.expr) -> bool:
    """Whether a value comes out of the demo's own functions."""
    todo, seen = [node], set()
    while todo:
        for each in ast.walk(todo.pop()):
            if isinstance(each, ast.Call) and any(True for _ in _callees(frame.demo, each.func)):
                return True
            if isinstance(each, ast.Name) and each.id not in seen:
                seen.add(each.id)
                todo += _values(frame.demo, each.id, frame.scope)
    return False


def _tests_parameter(frame: _Frame, function: Function) -> bool:
    """Whether an `if` of the function's own asks a fixed parameter."""
    return any(
        isinstance(each, ast.If) and _fixed(frame, each.test) and _turns(frame, each.test)
        for each in ast.walk(function)
    )


@_once(False)
def _drawn(frame: _Frame, node: ast.expr) -> bool:
    """Whether a number is a random draw with nothing done to it but fixed arithmetic."""
    match node:
        case ast.Call(func=ast.Attribute(attr=method, value=receiver)) if method in DRAWS:
            return not frame.demo.dotted(receiver) and not _fixed(frame, receiver)
        case ast.Call(func=ast.Attribute(attr="max" | "min" | "mean" | "sum" | "item") as method):
            if not frame.demo.dotted(method):
                return _drawn(frame, method.value)
            return bool(node.args) and _drawn(frame, node.args[0])
        case ast.Call(args=[first, *_]):
            if isinstance(node.func, ast.Name) and node.func.id in SCALAR:
                return _drawn(frame, first)
            if frame.demo.dotted(node.func) in ELEMENTWISE:
                return _drawn(frame, first)
            return any(
                _drawn(inner, each)
                for function, inner in _calls(frame, node)
                for each in _returns(function)
            )
        case ast.IfExp():
            return _drawn(frame, node.body) or _drawn(frame, node.orelse)
        case ast.BinOp():
            sides = ((node.left, node.right), (node.right, node.left))
            return any(_drawn(frame, a) and _fixed(frame, b) for a, b in sides)
        case ast.Name(id=name):
            owner = _frame_of(frame, name)
            if owner is None or isinstance(owner.scope, ast.Module):
                return False
            places = frame.demo.bound[owner.scope][name]
            return bool(places) and all(
                each.value is not None and not each.looped and _drawn(owner, each.value)
                for each in places
            )
    return False


@_once(False)
def _itself(frame: _Frame, node: ast.expr) -> bool:
    """Whether somewhere in the number a thing is taken from, or divided by, itself."""
    for each in ast.walk(node):
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Sub | ast.Div):
            if _things(frame, each.left) & _things(frame, each.right):
                return True
        if isinstance(each, ast.Call) and len(each.args) == 2 and not each.keywords:
            own = any(True for _ in _callees(frame.demo, each.func))
            if own or frame.demo.dotted(each.func) in ("numpy.subtract", "numpy.divide"):
                if _things(frame, each.args[0]) & _things(frame, each.args[1]):
                    return True
    if isinstance(node, ast.Name):
        owner = _frame_of(frame, node.id)
        if owner is not None and not isinstance(owner.scope, ast.Module):
            places = frame.demo.bound[owner.scope][node.id]
            if not any(each.looped or each.changes for each in places):
                return any(each.value and _itself(owner, each.value) for each in places)
    return False


@_once(NOTHING)
def _things(frame: _Frame, node: ast.expr) -> frozenset[str]:
    """What an expression may be, as texts, behind other names and copies; empty for literals
    and for draws, of which no two are the same."""
    if _fixed(frame, node):
        return frozenset()
    match node:
        case ast.Name(id=name):
            owner = _frame_of(frame, name)
            if owner is None or isinstance(owner.scope, ast.Module):
                return frozenset()
            places = frame.demo.bound[owner.scope][name]
            if any(each.looped or each.changes for each in places):
                return frozenset()
            if len(places) > 1 and not all(each.tests for each in places):
                return frozenset()
            found = {name}
            for each in places:
                match each.node, each.value:
                    case ast.Assign(targets=[ast.Name()]), ast.Name() | ast.IfExp() | ast.Call():
                        found |= _things(owner, each.value)
            return frozenset(found)
        case ast.IfExp():
            return _things(frame, node.body) | _things(frame, node.orelse)
        case ast.Call(func=ast.Attribute(attr="copy") as method, args=[]):
            return _things(frame, method.value)
        case ast.Call(args=[only]) if frame.demo.dotted(node.func) in SAME:
            return _things(frame, only)
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and not _pure(frame, part):
            return frozenset()
        if isinstance(part, ast.Name) and not _steady(frame, part.id):
            return frozenset()
    return frozenset({ast.unparse(node)})


def _steady(frame: _Frame, name: str) -> bool:
    """Whether a name means the same thing throughout its function."""
    owner = _frame_of(frame, name)
    return owner is None or len(frame.demo.bound[owner.scope][name]) == 1


def _pure(frame: _Frame, call: ast.Call) -> bool:
    """Whether two calls that read the same give the same: no generator among what is given."""
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return method not in DRAWS and not any(_generator(frame, name) for name in _names(call))


def _generator(frame: _Frame, name: str) -> bool:
    owner = _frame_of(frame, name)
    if owner is None or isinstance(owner.scope, ast.Module):
        return False
    return name == "rng" or any(
        isinstance(each.value, ast.Call) and frame.demo.dotted(each.value.func) in GENERATORS
        for each in frame.demo.bound[owner.scope][name]
    )


def _special_cases(demo: Demo, claim: ast.FunctionDef) -> Iterator[Finding]:
    """Numeric parameters of a claim asked for one exact value other than 0 and 1."""
    numeric = {
        name
        for name, default in parameters(claim).items()
        if default is not None and not _is_literal(default, bool, str) and name != "seed"
    }
    for node in ast.walk(claim):
        if isinstance(node, ast.Compare) and isinstance(
            node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn
        ):
            sides = [node.left, *node.comparators]
            names = {each.id for each in sides if isinstance(each, ast.Name)} & numeric
            values = {
                each.value
                for side in sides
                for each in ast.walk(side)
                if isinstance(each, ast.Constant) and isinstance(each.value, int | float)
            }
            if names and values - {0, 1}:
                yield node.lineno, "special", {"name": "、".join(names)}
