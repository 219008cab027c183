"""The functions of a demo as a claim calls them: which may be meant, and what they are given."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from quizdl.check.source.scopes import FUNCTIONS, Demo, Function, Scope

Part = TypeVar("Part")
Answer = TypeVar("Answer")

NOTHING: frozenset[str] = frozenset()


def once(
    busy: Answer,
) -> Callable[[Callable[[Frame, Part], Answer]], Callable[[Frame, Part], Answer]]:
    """Ask each question of one frame once; one that leads back to itself is answered `busy`."""

    def wrap(ask: Callable[[Frame, Part], Answer]) -> Callable[[Frame, Part], Answer]:
        @functools.wraps(ask)
        def asked(frame: Frame, part: Part) -> Answer:
            key = (ask.__name__, frame, part)
            answers: dict[object, Answer] = frame.demo.answers
            if key not in answers:
                answers[key] = busy
                answers[key] = ask(frame, part)
            return answers[key]

        return asked

    return wrap


@dataclass(frozen=True)
class Frame:
    """A function as it is called from a claim: which of its parameters are fixed, and which
    of those are truth values, or chosen by a test; and which are words."""

    demo: Demo
    scope: Scope
    fixed: frozenset[str]
    flags: frozenset[str]
    words: frozenset[str]
    outer: Frame | None = None
    """Of a function inside a function: the call it was made in."""


def frame_of(frame: Frame, name: str) -> Frame | None:
    """The frame whose variable `name` is; None for what is built in or imported."""
    home = frame.demo.home(name, frame.scope)
    if home is None:
        return None
    around: Frame | None = frame
    while around is not None and around.scope is not home:
        around = around.outer
    return around or Frame(frame.demo, home, NOTHING, NOTHING, NOTHING)


def callees(
    demo: Demo, callee: ast.expr, seen: frozenset[ast.AST] = frozenset()
) -> Iterator[Function]:
    """The demo's own functions that an expression may stand for. `seen`: what led here, for a
    name that is made from itself."""
    if callee in seen:
        return
    seen |= {callee}
    match callee:
        case ast.Lambda():
            yield callee
        case ast.IfExp():
            yield from callees(demo, callee.body, seen)
            yield from callees(demo, callee.orelse, seen)
        case ast.Subscript(value=ast.Dict() as table):
            for value in table.values:
                yield from callees(demo, value, seen)
        case ast.Subscript(value=ast.Name(id=name)):
            for value in values(demo, name, demo.scope(callee)):
                if isinstance(value, ast.Dict):
                    for entry in value.values:
                        yield from callees(demo, entry, seen)
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
                elif isinstance(each.value, ast.Lambda | ast.IfExp | ast.Subscript | ast.Name):
                    yield from callees(demo, each.value, seen)


def values(demo: Demo, name: str, scope: Scope) -> Iterator[ast.expr]:
    """The expressions that a name, used in `scope`, may have got its value from."""
    home = demo.home(name, scope)
    for each in demo.bound[home].get(name, ()) if home else ():
        if each.value is not None:
            yield each.value


def returns(function: Function) -> Iterator[ast.expr]:
    """What it may return, without what functions inside it do."""
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
