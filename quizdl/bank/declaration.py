"""Reading the claims a demo declares, from its source text, without importing it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from quizdl.model import Bound, Claim, Knob, Params, Problem, Value
from quizdl.words import say

T = TypeVar("T")

KEYWORDS = ("guard", "expect", "control", "knobs")


def read_claims(source: str, path: Path) -> tuple[tuple[Claim, ...], tuple[Problem, ...]]:
    """Claims declared with `@claim(...)` at the top level of `source`, in its order.

    A declaration with any problem yields no claim. `path` only names the file in problems.
    """
    reader = _Reader(path)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:  # ValueError: NUL bytes
        line = getattr(error, "lineno", None) or 1
        reader.complain(line, "syntax", why=getattr(error, "msg", None) or str(error))
        return (), tuple(reader.problems)
    except (RecursionError, MemoryError):  # how the parser says that it has gone too deep
        reader.complain(1, "syntax", why=say("declaration.deep"))
        return (), tuple(reader.problems)
    claims: dict[str, Claim] = {}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if _name(decorator) != "claim":
                continue
            found = reader.claim(node, decorator)
            if node.name in claims:
                reader.complain(node.lineno, "twice", name=node.name)
            elif found is not None:
                claims[node.name] = found
    return tuple(claims.values()), tuple(reader.problems)


def _name(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")


class _Invalid(Exception):  # noqa: N818 - never leaves this module
    """One part of a declaration is unusable; the problem has been noted."""


@dataclass
class _Reader:
    path: Path
    problems: list[Problem] = field(default_factory=list)

    def complain(self, line: int, key: str, /, **values: object) -> None:
        message = say(f"declaration.{key}", **values)
        self.problems.append(Problem(self.path, line, message, say(f"declaration.{key}.fix")))

    def refuse(self, line: int, key: str, /, **values: object) -> _Invalid:
        self.complain(line, key, **values)
        return _Invalid()

    def claim(self, function: ast.FunctionDef, decorator: ast.expr) -> Claim | None:
        before = len(self.problems)
        parts: dict[str, ast.expr] = {}
        if not isinstance(decorator, ast.Call) or decorator.args:
            self.complain(decorator.lineno, "keywords", name=function.name)
            return None
        for keyword in decorator.keywords:
            if keyword.arg is not None and keyword.arg in KEYWORDS:
                parts[keyword.arg] = keyword.value
            else:
                self.complain(
                    keyword.lineno, "unknown", name=function.name, key=keyword.arg or "**"
                )
        defaults = self._attempt(lambda: self._defaults(function))
        if defaults is None:
            return None  # everything else is said in terms of the parameters
        guards = self._attempt(lambda: self._bounds(parts.get("guard"), "guard")) or {}
        expects = self._attempt(lambda: self._bounds(parts.get("expect"), "expect")) or {}
        knobs = self._attempt(lambda: self._knobs(parts.get("knobs"), defaults)) or ()
        controls = self._attempt(lambda: self._controls(parts.get("control"), defaults)) or ()
        if len(self.problems) == before:
            for name in guards.keys() & expects.keys():
                self.complain(decorator.lineno, "both", name=function.name, key=name)
            if not expects:
                self.complain(decorator.lineno, "no_expect", name=function.name)
            if not controls:
                self.complain(decorator.lineno, "no_control", name=function.name)
            for knob in knobs:
                for params in ({knob.name: defaults[knob.name]}, *controls):
                    if knob.name in params and not knob.allows(params[knob.name]):
                        value = params[knob.name]
                        self.complain(decorator.lineno, "outside", key=knob.name, value=value)
        if len(self.problems) > before:
            return None
        return Claim(
            id=function.name,
            text="",
            line=function.lineno,
            guards=guards,
            expects=expects,
            controls=controls,
            knobs=knobs,
            defaults=defaults,
        )

    def _attempt(self, part: Callable[[], T]) -> T | None:
        try:
            return part()
        except _Invalid:
            return None

    def _literal(self, node: ast.expr, what: str) -> object:
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise self.refuse(node.lineno, "literal", what=what) from None

    def _entries(self, node: ast.expr, what: str) -> Iterator[tuple[str, ast.expr]]:
        if not isinstance(node, ast.Dict):
            raise self.refuse(node.lineno, "dict", what=what)
        seen: set[str] = set()
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            key = None if key_node is None else self._literal(key_node, what)
            if not isinstance(key, str) or not key:
                raise self.refuse(node.lineno, "dict", what=what)
            if key in seen:
                raise self.refuse(value_node.lineno, "key_twice", what=what, key=key)
            seen.add(key)
            yield key, value_node

    def _bounds(self, node: ast.expr | None, what: str) -> dict[str, Bound]:
        bounds: dict[str, Bound] = {}
        for key, value_node in self._entries(node, what) if node else ():
            text = self._literal(value_node, what)
            try:
                bounds[key] = Bound.parse(text if isinstance(text, str) else repr(text))
            except ValueError:
                self.complain(value_node.lineno, "bound", key=key, text=text)
        return bounds

    def _defaults(self, function: ast.FunctionDef) -> dict[str, Value]:
        arguments = function.args
        if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
            raise self.refuse(function.lineno, "star", name=function.name)
        positional = arguments.args
        nodes: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
        nodes += [*arguments.defaults, *arguments.kw_defaults]
        defaults: dict[str, Value] = {}
        for argument, node in zip([*positional, *arguments.kwonlyargs], nodes, strict=True):
            if argument.arg == "seed":
                continue
            if node is None:
                raise self.refuse(function.lineno, "default", name=function.name, key=argument.arg)
            value = self._literal(node, argument.arg)
            if not isinstance(value, bool | int | float | str):
                raise self.refuse(node.lineno, "value", key=argument.arg)
            defaults[argument.arg] = value
        return defaults

    def _controls(self, node: ast.expr | None, defaults: Params) -> tuple[Params, ...]:
        if node is None:
            return ()
        nodes = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
        controls = []
        for each in nodes:
            control: dict[str, Value] = {}
            for key, value_node in self._entries(each, "control"):
                value = self._literal(value_node, key)
                if key not in defaults:
                    raise self.refuse(value_node.lineno, "no_param", what="control", key=key)
                if not isinstance(value, bool | int | float | str):
                    raise self.refuse(value_node.lineno, "value", key=key)
                control[key] = value
            if all(defaults.get(key) == value for key, value in control.items()):
                self.complain(each.lineno, "same_control")
            controls.append(control)
        return tuple(controls)

    def _knobs(self, node: ast.expr | None, defaults: Params) -> tuple[Knob, ...]:
        knobs = []
        for key, value_node in self._entries(node, "knobs") if node else ():
            values = self._literal(value_node, key)
            if key not in defaults:
                self.complain(value_node.lineno, "no_param", what="knobs", key=key)
            elif not isinstance(values, list | tuple) or len(values) < 2:
                self.complain(value_node.lineno, "knob", key=key)
            elif len(values) == 2 and all(type(v) in (int, float) for v in values):
                if values[0] < values[1]:
                    knobs.append(Knob(key, low=values[0], high=values[1]))
                else:
                    self.complain(value_node.lineno, "knob", key=key)
            elif all(isinstance(v, bool | int | float | str) for v in values):
                knobs.append(Knob(key, choices=tuple(values)))
            else:
                self.complain(value_node.lineno, "knob", key=key)
        return tuple(knobs)
