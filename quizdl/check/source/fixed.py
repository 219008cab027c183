"""What parameters and literals alone decide.

A value is *fixed* when they do: through arithmetic, tests, tables, NumPy and helper functions,
but not through a random draw or a loop. Everything else is *measured*. A fixed value is a
*switch* when a test of a parameter, or a table, chooses it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from quizdl.check.source.allowed import LIKES
from quizdl.check.source.frames import Frame, callees, frame_of, once, returns, values
from quizdl.check.source.scopes import Function, names, parameters, parts


def calls(frame: Frame, call: ast.Call) -> Iterator[tuple[Function, Frame]]:
    """The demo's own functions a call may reach, each with what it is given."""
    args, keywords, callee = call.args, call.keywords, call.func
    for part in _partials(frame, call.func):
        callee, args, keywords = part.args[0], part.args[1:] + args, part.keywords + keywords
    for function in callees(frame.demo, callee):
        taken = parameters(function)
        star = next((n for n, each in enumerate(args) if isinstance(each, ast.Starred)), None)
        given = dict(zip(taken, args[:star], strict=False))
        given |= {each.arg: each.value for each in keywords if each.arg}
        known = {name for name, value in given.items() if fixed(frame, value)}
        flags = {name for name in known if switch(frame, given[name])}
        words = {name for name in known if names(given[name]) & frame.words} - flags
        if star is None:
            known |= {name for name in taken.keys() - given if taken[name] is not None}
        outer: Frame | None = frame
        while outer is not None and outer.scope is not frame.demo.scope(function):
            outer = outer.outer
        known_, flags_, words_ = map(frozenset, (known, flags, words))
        yield function, Frame(frame.demo, function, known_, flags_, words_, outer)


def _partials(frame: Frame, callee: ast.expr) -> Iterator[ast.Call]:
    """The `functools.partial(…)` that a callee is, if it is one."""
    found = [callee]
    if isinstance(callee, ast.Name):
        found = [*values(frame.demo, callee.id, frame.scope)]
    for each in found[:1]:
        match each:
            case ast.Call(args=[_, *_]) if frame.demo.dotted(each.func) == "functools.partial":
                yield each


@once(True)
def fixed(frame: Frame, node: ast.expr) -> bool:
    """Whether parameters and literals alone decide the value."""
    match node:
        case ast.Constant() | ast.Lambda():
            return True
        case ast.Name():
            return _fixed_name(frame, node.id)
        case ast.Call():
            return _fixed_call(frame, node)
        case ast.GeneratorExp() | ast.ListComp() | ast.SetComp() | ast.DictComp():
            free = names(node).difference(*(names(part.target) for part in node.generators))
            called = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
            return all(_fixed_name(frame, name) for name in free) and not any(
                True for call in called for _ in callees(frame.demo, call.func)
            )
        case ast.Attribute():
            return bool(frame.demo.dotted(node)) or fixed(frame, node.value)
        case ast.Starred():
            return fixed(frame, node.value)
        case ast.BinOp(op=ast.Mult() | ast.Pow()) if _is_zero(node.right):
            return True
        case ast.BinOp(op=ast.Mult()) if _is_zero(node.left):
            return True
    return all(fixed(frame, part) for part in parts(node))


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, str) and node.value == 0


@once(True)
def _fixed_name(frame: Frame, name: str) -> bool:
    owner = frame_of(frame, name)
    if owner is None:
        return True
    for each in frame.demo.bound[owner.scope][name]:
        if each.node is owner.scope:  # it is a parameter
            if name not in owner.fixed:
                return False
        elif isinstance(each.node, ast.FunctionDef | ast.ClassDef):
            continue
        elif each.looped or each.value is None or not fixed(owner, each.value):
            return False
    return True


def _fixed_call(frame: Frame, call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    whole = frame.demo.dotted(call.func)
    if whole.startswith("numpy.random."):
        return False
    if whole in LIKES:  # of what is measured they take the shape
        given = given[1:]
    if whole or (isinstance(call.func, ast.Name) and frame_of(frame, call.func.id) is None):
        return all(fixed(frame, each) for each in given)
    functions = [*calls(frame, call)]
    if functions:
        returned = [(inner, each) for function, inner in functions for each in returns(function)]
        return bool(returned) and all(fixed(inner, each) for inner, each in returned)
    if isinstance(call.func, ast.Attribute):
        return fixed(frame, call.func.value) and all(fixed(frame, each) for each in given)
    return False


@once(False)
def switch(frame: Frame, node: ast.expr) -> bool:
    """Whether a fixed value is one of a few that a test or a table chooses by a parameter."""
    match node:
        case ast.Name(id=name):
            owner = frame_of(frame, name)
            if owner is None:
                return False
            if name in owner.flags:
                return True
            return any(
                bool(each.tests) or (each.value is not None and switch(owner, each.value))
                for each in frame.demo.bound[owner.scope][name]
                if each.node is not owner.scope
            )
        case ast.Compare() | ast.BoolOp() | ast.IfExp() | ast.UnaryOp(op=ast.Not()):
            return turns(frame, node)
        case ast.Subscript():
            return turns(frame, node.slice)
        case ast.Call():
            for function, inner in calls(frame, node):
                returned = [*returns(function)]
                if len(returned) > 1 or any(switch(inner, each) for each in returned):
                    return turns(frame, node)
            match node.func:
                case ast.Name(id=name) if frame_of(frame, name) is None:  # the length of a word
                    heard = {each.id for each in node.args if isinstance(each, ast.Name)}
                    return bool(heard & frame.words) or any(switch(frame, p) for p in parts(node))
                case ast.Attribute(value=ast.Name(id=name)) if name in frame.words:
                    return True
                case ast.Attribute(attr=method) if method not in ("astype", "view"):
                    if not frame.demo.dotted(node.func):  # its place in a list
                        heard = {each.id for each in node.args if isinstance(each, ast.Name)}
                        if heard & frame.words:
                            return True
    return any(switch(frame, each) for each in parts(node))


@once(False)
def turns(frame: Frame, node: ast.AST) -> bool:
    """Whether any parameter takes part."""
    for each in ast.walk(node):
        owner = frame_of(frame, each.id) if isinstance(each, ast.Name) else None
        if owner is None or isinstance(owner.scope, ast.Module):
            continue
        assert isinstance(each, ast.Name)
        for place in frame.demo.bound[owner.scope][each.id]:
            if place.node is owner.scope:
                if each.id in owner.fixed:
                    return True
            elif place.value is not None and turns(owner, place.value):
                return True
    return False
