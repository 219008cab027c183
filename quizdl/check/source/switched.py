"""Whether a number is measured and then replaced, shifted or scaled by a flag.

It may be chosen between two measured values, by a parameter, but not between a measured and a
fixed one. The search goes from the reported number backwards, through names and the demo's own
functions, and stops at loops and at what helpers hand to helpers: what is switched there is
the mechanism, and nobody's business here; so is, in a helper, what something is then made of
(an exponential, a product of matrices). A lie told inside a loop is not seen.
"""

from __future__ import annotations

import ast

from quizdl.check.source.allowed import DIRECT, FILLED, LIKES, MIXING, SHAPES, SHAPING
from quizdl.check.source.fixed import calls, fixed, switch, turns
from quizdl.check.source.frames import (
    NOTHING,
    Frame,
    callees,
    frame_of,
    once,
    returns,
    values,
)
from quizdl.check.source.scopes import Demo, Function, names, parts

NONE: list[list[ast.expr]] = []


@once(False)
def switched(frame: Frame, node: ast.expr) -> bool:
    """Whether a fixed, parameter-testing value replaces, shifts or scales a measured one."""
    if fixed(frame, node):
        return False
    match node:
        case ast.IfExp():
            if fixed(frame, node.test) and turns(frame, node.test):
                if fixed(frame, node.body) != fixed(frame, node.orelse):
                    return True
                if isinstance(node.body, ast.Tuple) and isinstance(node.orelse, ast.Tuple):
                    pairs = zip(node.body.elts, node.orelse.elts, strict=False)
                    if any(fixed(frame, one) != fixed(frame, other) for one, other in pairs):
                        return True
                if off(frame, node.body, node.orelse) or off(frame, node.orelse, node.body):
                    return True
            return switched(frame, node.body) or switched(frame, node.orelse)
        case ast.BinOp(op=ast.MatMult()) if not _in_claim(frame):
            return False  # something has been made of it
        case ast.BinOp() | ast.Compare() | ast.BoolOp():
            return _mixed(frame, [*parts(node)])
        case ast.Name():
            return _switched_name(frame, node.id)
        case ast.Subscript():
            if turns(frame, node.slice) and fixed(frame, node.slice):
                displays = _displays(frame, node.value)
                if any(_chosen(frame, each) for each in displays):
                    return True
                if not displays and switch(frame, node.slice):
                    return True
            return switched(frame, node.value)
        case ast.Attribute() | ast.Starred():
            return switched(frame, node.value)
        case ast.Dict():
            return any(switched(frame, value) for value in node.values)
        case ast.Call():
            return _switched_call(frame, node)
    return any(switched(frame, part) for part in parts(node))


@once(NONE)
def _displays(frame: Frame, node: ast.expr) -> list[list[ast.expr]]:
    """The entries of the lists, tuples and dicts that an expression may be, written out."""
    match node:
        case ast.Dict():
            return [node.values]
        case ast.List() | ast.Tuple():
            return [node.elts]
        case ast.Name():
            found = values(frame.demo, node.id, frame.scope)
            return [display for value in found for display in _displays(frame, value)]
    return []


def _chosen(frame: Frame, entries: list[ast.expr]) -> bool:
    """Whether to choose among them is to choose between measured and not."""
    return len({fixed(frame, each) for each in entries}) > 1


def off(frame: Frame, one: ast.expr, other: ast.expr) -> bool:
    """Whether `other` is `one` with a fixed value added; in a claim itself, or scaled by one."""
    operators: tuple[type[ast.operator], ...] = (ast.Add, ast.Sub)
    if _in_claim(frame):
        operators += (ast.Mult, ast.Div, ast.Pow)
    if not isinstance(other, ast.BinOp) or not isinstance(other.op, operators):
        return False
    sides = ((other.left, other.right), (other.right, other.left))
    return any(ast.dump(a) == ast.dump(one) and fixed(frame, b) for a, b in sides)


def _mixed(frame: Frame, operands: list[ast.expr]) -> bool:
    known = [each for each in operands if fixed(frame, each)]
    chosen = (each for each in known if not any(True for _ in callees(frame.demo, each)))
    if len(known) < len(operands) and any(switch(frame, each) for each in chosen):
        return True
    return any(switched(frame, each) for each in operands)


@once(False)
def _switched_name(frame: Frame, name: str) -> bool:
    owner = frame_of(frame, name)
    if owner is None or isinstance(owner.scope, ast.Module):
        return False
    places = [each for each in frame.demo.bound[owner.scope][name] if each.value is not None]
    for each in places:
        assert each.value is not None
        tested = any(fixed(owner, test) and turns(owner, test) for test in each.tests)
        if _array(frame.demo, each.value) and not _in_claim(owner):
            continue  # a helper that sets something up
        if each.looped or not fixed(owner, each.value):
            continue
        if tested and (each.changes or len(places) > 1):
            return True
        if each.changes and switch(owner, each.value):
            return True
    if any(each.looped for each in places):
        return False
    return any(each.value is not None and switched(owner, each.value) for each in places)


def _switched_call(frame: Frame, call: ast.Call) -> bool:
    functions = [*calls(frame, call)]
    kinds = set()
    for function, inner in functions:
        returned = {each: fixed(inner, each) for each in returns(function)}
        kinds |= {kind for each, kind in returned.items() if not _array(frame.demo, each)}
        if len({*returned.values()}) > 1 and _tests_parameter(inner, function):
            return True
        if any(switched(inner, each) for each in returned):
            return True
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if functions:  # what helpers give to helpers is the mechanism; what is written here is not
        if len(kinds) > 1 and isinstance(call.func, ast.Subscript | ast.IfExp):
            return True
        return any(switched(frame, each) for each in given if not _calling(frame, each))
    for each in given:  # a function of the demo's that is handed to another: map, reduce
        for function in callees(frame.demo, each):
            inner = Frame(frame.demo, function, NOTHING, NOTHING, NOTHING, frame)
            if any(switched(inner, part) for part in returns(function)):
                return True
    whole = frame.demo.dotted(call.func)
    given = [*call.args, *(each.value for each in call.keywords if each.arg not in SHAPING)]
    if isinstance(call.func, ast.Attribute) and not whole:
        if call.func.attr == "get" and call.args and turns(frame, call.args[0]):
            for entries in _displays(frame, call.func.value):
                if _chosen(frame, [*entries, *call.args[1:]]):
                    return True
        if switched(frame, call.func.value):
            return True
        if call.func.attr in MIXING:
            return _mixed(frame, [call.func.value, *given])
        return any(switched(frame, each) for each in given)
    if whole and whole not in DIRECT and not _in_claim(frame):
        return False  # something has been made of it
    if whole.startswith("numpy.linalg.") or whole in SHAPES:
        return any(switched(frame, each) for each in given)
    return _mixed(frame, given)


def _in_claim(frame: Frame) -> bool:
    return any(frame.scope is claim for claim in frame.demo.claims())


def _array(demo: Demo, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and demo.dotted(node.func) in FILLED | LIKES


def _calling(frame: Frame, node: ast.expr) -> bool:
    """Whether a value comes out of the demo's own functions."""
    todo, seen = [node], set()
    while todo:
        for each in ast.walk(todo.pop()):
            if isinstance(each, ast.Call) and any(True for _ in callees(frame.demo, each.func)):
                return True
            if isinstance(each, ast.Name) and each.id not in seen:
                seen.add(each.id)
                todo += values(frame.demo, each.id, frame.scope)
    return False


def _tests_parameter(frame: Frame, function: Function) -> bool:
    """Whether an `if` of the function's own asks a fixed parameter."""
    return any(
        isinstance(each, ast.If) and fixed(frame, each.test) and turns(frame, each.test)
        for each in ast.walk(function)
    )


def shifted(
    frame: Frame, node: ast.expr, controlled: frozenset[str], lonely: frozenset[str]
) -> bool:
    """Whether a parameter that a control sets is put on the number: added as the last thing
    that is done to it, or, if it is used for nothing else (`lonely`), in whatever way."""
    for each in ast.walk(node):
        if isinstance(each, ast.BinOp):
            sides = [side for side in (each.left, each.right) if fixed(frame, side)]
            last = each is node and isinstance(each.op, ast.Add | ast.Sub)
            if len(sides) == 1 and names(sides[0]) & (controlled if last else lonely):
                return True
    return False
