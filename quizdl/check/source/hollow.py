"""Numbers that say nothing although they move: bare draws, and things compared with themselves."""

from __future__ import annotations

import ast

from quizdl.check.source.allowed import DRAWS, ELEMENTWISE, GENERATORS, SAME, SCALAR
from quizdl.check.source.fixed import calls, fixed
from quizdl.check.source.frames import NOTHING, Frame, callees, frame_of, once, returns
from quizdl.check.source.scopes import names


@once(False)
def drawn(frame: Frame, node: ast.expr) -> bool:
    """Whether a number is a random draw with nothing done to it but fixed arithmetic."""
    match node:
        case ast.Call(func=ast.Attribute(attr=method, value=receiver)) if method in DRAWS:
            return not frame.demo.dotted(receiver) and not fixed(frame, receiver)
        case ast.Call(func=ast.Attribute(attr="max" | "min" | "mean" | "sum" | "item") as method):
            if not frame.demo.dotted(method):
                return drawn(frame, method.value)
            return bool(node.args) and drawn(frame, node.args[0])
        case ast.Call(args=[first, *_]):
            if isinstance(node.func, ast.Name) and node.func.id in SCALAR:
                return drawn(frame, first)
            if frame.demo.dotted(node.func) in ELEMENTWISE:
                return drawn(frame, first)
            return any(
                drawn(inner, each)
                for function, inner in calls(frame, node)
                for each in returns(function)
            )
        case ast.IfExp():
            return drawn(frame, node.body) or drawn(frame, node.orelse)
        case ast.BinOp():
            sides = ((node.left, node.right), (node.right, node.left))
            return any(drawn(frame, a) and fixed(frame, b) for a, b in sides)
        case ast.Name(id=name):
            owner = frame_of(frame, name)
            if owner is None or isinstance(owner.scope, ast.Module):
                return False
            places = frame.demo.bound[owner.scope][name]
            return bool(places) and all(
                each.value is not None and not each.looped and drawn(owner, each.value)
                for each in places
            )
    return False


@once(False)
def itself(frame: Frame, node: ast.expr) -> bool:
    """Whether somewhere in the number a thing is taken from, or divided by, itself."""
    for each in ast.walk(node):
        pair: list[ast.expr] = []
        match each:
            case ast.BinOp(op=ast.Sub() | ast.Div()):
                pair = [each.left, each.right]
            case ast.Call(args=[one, other], keywords=[]):
                own = any(True for _ in callees(frame.demo, each.func))
                if own or frame.demo.dotted(each.func) in ("numpy.subtract", "numpy.divide"):
                    pair = [one, other]
        if pair and _things(frame, pair[0]) & _things(frame, pair[1]):
            return True
    if isinstance(node, ast.Name):
        owner = frame_of(frame, node.id)
        if owner is not None and not isinstance(owner.scope, ast.Module):
            places = frame.demo.bound[owner.scope][node.id]
            if not any(each.looped or each.changes for each in places):
                return any(each.value and itself(owner, each.value) for each in places)
    return False


@once(NOTHING)
def _things(frame: Frame, node: ast.expr) -> frozenset[str]:
    """What an expression may be, as texts, behind other names and copies; empty for literals
    and for draws, of which no two are the same."""
    if fixed(frame, node):
        return frozenset()
    match node:
        case ast.Name(id=name):
            owner = frame_of(frame, name)
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


def _steady(frame: Frame, name: str) -> bool:
    """Whether a name means the same thing throughout its function."""
    owner = frame_of(frame, name)
    return owner is None or len(frame.demo.bound[owner.scope][name]) == 1


def _pure(frame: Frame, call: ast.Call) -> bool:
    """Whether two calls that read the same give the same: no generator among what is given."""
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return method not in DRAWS and not any(_generator(frame, name) for name in names(call))


def _generator(frame: Frame, name: str) -> bool:
    owner = frame_of(frame, name)
    if owner is None or isinstance(owner.scope, ast.Module):
        return False
    return name == "rng" or any(
        isinstance(each.value, ast.Call) and frame.demo.dotted(each.value.func) in GENERATORS
        for each in frame.demo.bound[owner.scope][name]
    )
