"""The tree of a demo with what a reader of Python sees in it: which name is whose.

Comprehensions and class bodies count as part of the function around them: demos are short,
and a name that means two things in one function is bad enough for a reader.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from quizdl.check.source.allowed import FILLING, SUBMODULES

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Scope: TypeAlias = ast.Module | Function

Finding: TypeAlias = tuple[int, str, dict[str, object]]
"""A line, a key below `check.source`, and what fills its text in."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
PARTS = (ast.Attribute, ast.Subscript)
LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(frozen=True, slots=True)
class Assigned:
    """One place that gives a name its value. `value` is None when no expression says it."""

    value: ast.expr | None
    node: ast.AST
    changes: bool
    """An augmented assignment: the old value takes part."""
    looped: bool
    """In a loop of its scope, or the target of one."""
    tests: tuple[ast.expr, ...]
    """Conditions of the `if`s around it, and subjects of the `match`es, within its scope."""


@dataclass(eq=False)
class Demo:
    """A parsed demo. Raises what `ast.parse` raises (SyntaxError, ValueError)."""

    source: str
    tree: ast.Module = field(init=False)
    parents: dict[ast.AST, ast.AST] = field(init=False, default_factory=dict)
    bound: dict[Scope, dict[str, list[Assigned]]] = field(init=False, default_factory=dict)
    imports: dict[str, tuple[str, bool]] = field(init=False, default_factory=dict)
    """Name -> what it stands for, dotted; and whether that is a module."""
    answers: dict[Any, Any] = field(init=False, default_factory=dict)
    """What `flow` has found out already."""

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.source)
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
        self.bound[self.tree] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, FUNCTIONS):
                self.bound[node] = {}
                for name in parameters(node):
                    self._bind(node, name, None, node)
        for node in ast.walk(self.tree):
            self._note(node)
        for node in ast.walk(self.tree):
            self._note_filling(node)

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.imports[alias.asname or whole] = (whole, True)
            case ast.ImportFrom():
                for alias in node.names:
                    whole = f"{node.module or ''}.{alias.name}"
                    self.imports[alias.asname or alias.name] = (whole, whole in SUBMODULES)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if not isinstance(self.parents[node], ast.ClassDef):
                    self._bind(self.scope(node), node.name, None, node)
            case ast.Assign():
                for target in node.targets:
                    self._targets(target, node.value, node)
            case ast.AnnAssign() | ast.NamedExpr():
                self._targets(node.target, node.value, node)
            case ast.AugAssign():
                self._targets(node.target, node.value, node, changes=True)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                self._targets(node.target, None, node, looped=True)
            case ast.withitem(optional_vars=ast.expr() as target):
                self._targets(target, None, node)
            case ast.ExceptHandler(name=str() as name):
                self._bind(self.scope(node), name, None, node)
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                self._bind(self.scope(node), name, None, node)

    def _note_filling(self, node: ast.AST) -> None:
        """What is put into a list, a dict, an array or an object becomes part of its name."""
        parts: list[tuple[ast.expr, ast.expr | None]] = []
        match node:
            case ast.Call(func=ast.Attribute(value=whole, attr=attr), args=[*_, last]):
                parts = [(whole, last)] if attr in FILLING else []
            case ast.Assign():
                parts = [(each, node.value) for each in node.targets if isinstance(each, PARTS)]
            case ast.AugAssign(target=ast.Subscript() | ast.Attribute()):
                parts = [(node.target, node.value)]
        for whole, value in parts:
            while isinstance(whole, PARTS):
                whole = whole.value
            if isinstance(whole, ast.Name) and (home := self.home(whole.id, self.scope(node))):
                changes = isinstance(node, ast.AugAssign)
                self._bind(home, whole.id, value, node, changes=changes)

    def _targets(
        self,
        target: ast.expr,
        value: ast.expr | None,
        node: ast.AST,
        *,
        changes: bool = False,
        looped: bool = False,
    ) -> None:
        if isinstance(target, ast.Name):
            self._bind(self.scope(node), target.id, value, node, changes=changes, looped=looped)
        elif isinstance(target, ast.Starred):
            self._targets(target.value, None, node, looped=looped)
        elif isinstance(target, ast.Tuple | ast.List):
            parts: list[ast.expr | None] = [value] * len(target.elts)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(parts):
                parts = [*value.elts]
            for each, part in zip(target.elts, parts, strict=True):
                self._targets(each, part, node, changes=changes, looped=looped)

    def _bind(
        self,
        scope: Scope,
        name: str,
        value: ast.expr | None,
        node: ast.AST,
        *,
        changes: bool = False,
        looped: bool = False,
    ) -> None:
        tests = []
        for above in self.above(node):
            if above is scope:
                break
            looped = looped or isinstance(above, LOOPS)
            if isinstance(above, ast.If):
                tests.append(above.test)
            if isinstance(above, ast.Match):
                tests.append(above.subject)
        found = Assigned(value, node, changes, looped, tuple(tests))
        self.bound[scope].setdefault(name, []).append(found)

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around `node`, nearest first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def scope(self, node: ast.AST) -> Scope:
        """The function, or the module, in whose body `node` stands."""
        for parent in self.above(node):
            if isinstance(parent, FUNCTIONS):
                if isinstance(parent, ast.Lambda) or not _in_head(parent, node, self.parents):
                    return parent
            elif isinstance(parent, ast.Module):
                return parent
        return self.tree

    def home(self, name: str, scope: Scope) -> Scope | None:
        """The scope that `name`, used in `scope`, belongs to; None for what is built in."""
        while True:
            if name in self.bound[scope]:
                return scope
            if isinstance(scope, ast.Module):
                return None
            scope = self.scope(scope)

    def dotted(self, node: ast.expr) -> str:
        """What an expression stands for if it leads to something imported: `np.random.rand`
        is `numpy.random.rand`. Empty otherwise."""
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            return f"{base}.{node.attr}" if base else ""
        if isinstance(node, ast.Name) and node.id in self.imports:
            home = self.home(node.id, self.scope(node))
            return self.imports[node.id][0] if home in (None, self.tree) else ""
        return ""

    def claims(self) -> Iterator[ast.FunctionDef]:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef) and any(map(is_claim, node.decorator_list)):
                yield node


def is_claim(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")) == "claim"


def parameters(function: Function) -> dict[str, ast.expr | None]:
    """Name -> default, in order; None for one without."""
    found = function.args
    plain = [*found.posonlyargs, *found.args]
    defaults = [None] * (len(plain) - len(found.defaults)) + [*found.defaults]
    named = zip([*plain, *found.kwonlyargs], [*defaults, *found.kw_defaults], strict=True)
    stars = [each.arg for each in (found.vararg, found.kwarg) if each]
    return {each.arg: default for each, default in named} | dict.fromkeys(stars)


def _in_head(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    node: ast.AST,
    parents: dict[ast.AST, ast.AST],
) -> bool:
    """Whether `node` stands in the decorators, defaults or annotations of `function`."""
    while parents[node] is not function:
        node = parents[node]
    return node not in function.body


def parts(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions directly inside one, also those in keywords and in comprehensions."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.expr):
            yield each
        elif isinstance(each, ast.keyword | ast.comprehension):
            yield from parts(each)


def names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def is_literal(node: ast.expr | None, *types: type) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, types)
