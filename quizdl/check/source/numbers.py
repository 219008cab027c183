"""Whether each declared number of a claim has been measured, as far as its text tells."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from quizdl.check.source.fixed import calls, fixed
from quizdl.check.source.frames import Frame, returns, values
from quizdl.check.source.hollow import drawn, itself
from quizdl.check.source.scopes import Demo, Finding, is_claim, is_literal, parameters
from quizdl.check.source.switched import off, shifted, switched
from quizdl.words import listed


def of_numbers(demo: Demo) -> Iterator[Finding]:
    for claim in demo.claims():
        yield from _of_claim(demo, claim)


def _of_claim(demo: Demo, claim: ast.FunctionDef) -> Iterator[Finding]:
    guards, expects, controlled = _declared(claim)
    defaults = parameters(claim)
    frame = Frame(
        demo,
        claim,
        frozenset({*defaults} - {"seed"}),
        frozenset(name for name, default in defaults.items() if is_literal(default, bool)),
        frozenset(name for name, default in defaults.items() if is_literal(default, str)),
    )
    written = [value for each in returns(claim) for value in _entries(frame, each)]
    lonely = controlled - _used(claim, written)
    seen: dict[object, list[ast.expr]] = {}
    for returned in returns(claim):
        for table, where in _tables(frame, returned):
            for key, value in zip(table.keys, table.values, strict=True):
                name = key.value if isinstance(key, ast.Constant) else None
                if name not in guards and name not in expects:
                    continue
                mine = where is frame
                others = seen.setdefault(name, [])
                if fixed(where, value):
                    yield value.lineno, "mirror", {"name": name}
                elif (
                    switched(where, value)
                    or (mine and shifted(where, value, controlled, lonely))
                    or (mine and any(off(where, a, value) or off(where, value, a) for a in others))
                ):
                    yield value.lineno, "switched", {"name": name}
                if mine:
                    others.append(value)
                if itself(where, value):
                    yield value.lineno, "itself", {"name": name}
                if name in expects and drawn(where, value):
                    yield value.lineno, "drawn", {"name": name}
    for name in sorted(map(str, (guards | expects) - seen.keys())):
        yield claim.lineno, "returns", {"claim": claim.name, "name": name}
    yield from _special_cases(demo, claim)


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


def _tables(
    frame: Frame, node: ast.expr, seen: frozenset[ast.AST] = frozenset()
) -> Iterator[tuple[ast.Dict, Frame]]:
    """The dict displays that a returned expression may be, through names and helpers. `seen`: what
    led here, for a name that is made from itself."""
    if node in seen:
        return
    seen |= {node}
    match node:
        case ast.Dict():
            yield node, frame
            for key, value in zip(node.keys, node.values, strict=True):
                if key is None:  # **more
                    yield from _tables(frame, value, seen)
        case ast.IfExp():
            yield from _tables(frame, node.body, seen)
            yield from _tables(frame, node.orelse, seen)
        case ast.Tuple() | ast.List():  # numbers, and figures beside them
            for each in node.elts:
                yield from _tables(frame, each, seen)
        case ast.BinOp(op=ast.BitOr()):
            yield from _tables(frame, node.left, seen)
            yield from _tables(frame, node.right, seen)
        case ast.Name():
            for value in values(frame.demo, node.id, frame.scope):
                yield from _tables(frame, value, seen)
            for part in ast.walk(frame.scope):
                match part:
                    case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=key)]):
                        if name == node.id:
                            yield ast.Dict([key], [part.value]), frame
        case ast.Call():
            for function, inner in calls(frame, node):
                for each in returns(function):
                    yield from _tables(inner, each, seen)
            for argument in node.args:
                if isinstance(argument, ast.Dict):
                    yield argument, frame


def _entries(frame: Frame, returned: ast.expr) -> Iterator[ast.expr]:
    for table, where in _tables(frame, returned):
        if where is frame:
            yield from table.values


def _used(claim: ast.FunctionDef, written: list[ast.expr]) -> set[str]:
    """The names that the claim uses for more than writing its numbers down."""
    inside = {id(each) for value in written for each in ast.walk(value)}
    return {
        each.id
        for part in claim.body
        for each in ast.walk(part)
        if isinstance(each, ast.Name) and id(each) not in inside
    }


def _special_cases(demo: Demo, claim: ast.FunctionDef) -> Iterator[Finding]:
    """Numeric parameters of a claim asked for one exact value other than 0 and 1."""
    numeric = {
        name
        for name, default in parameters(claim).items()
        if default is not None and not is_literal(default, bool, str) and name != "seed"
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
                yield node.lineno, "special", {"name": listed(names)}
