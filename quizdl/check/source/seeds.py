"""Whether the seed feeds a random generator and nothing else, and all randomness the seed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from quizdl.check.source.allowed import GENERATORS
from quizdl.check.source.frames import callees
from quizdl.check.source.scopes import Demo, Finding, Scope, names, parameters


def of_seeds(demo: Demo) -> Iterator[Finding]:
    yield from _looked_at(demo)
    yield from _unseeded(demo)


def _looked_at(demo: Demo) -> Iterator[Finding]:
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
    functions = [*callees(demo, call.func)]
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


def _unseeded(demo: Demo) -> Iterator[Finding]:
    """Generators made from nothing, or from a number that no parameter decides."""
    for node in ast.walk(demo.tree):
        if isinstance(node, ast.Call) and demo.dotted(node.func) in GENERATORS:
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            used: set[str] = set().union(*map(names, given))
            scope = demo.scope(node)
            if not given or any(
                isinstance(part, ast.Constant) and part.value is None for part in given
            ):
                yield node.lineno, "random", {"name": ast.unparse(node)}
            elif all(demo.home(name, scope) in (None, demo.tree) for name in used):
                yield node.lineno, "fixed_seed", {"name": ast.unparse(node)}
