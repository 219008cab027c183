"""What a demo may hold: the imports, names and statements of a pure function."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from quizdl.check.source.allowed import (
    ALLOWED_LIB,
    BUILT_IN,
    DATES,
    DECORATORS,
    ENDING,
    INNER,
    MODULES,
    MUTATING,
    NUMPY,
    ORDERLESS,
    OUTSIDE,
    RAW,
    REACHING,
    SPECIAL,
    SUBMODULES,
    UNREPEATABLE,
)
from quizdl.check.source.scopes import FUNCTIONS, Demo, Finding, is_claim, parameters
from quizdl.words import listed


def of_rules(demo: Demo) -> Iterator[Finding]:
    for node in ast.walk(demo.tree):
        for key, name in (*_of_import(node), *_of_name(demo, node), *_of_statement(demo, node)):
            yield getattr(node, "lineno", 1), key, {"name": name}


def _of_import(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if MODULES.get(alias.name) is None or alias.name == "quizdl.proof":
                yield "import", alias.name
    elif isinstance(node, ast.ImportFrom):
        allowed = MODULES.get(node.module or "") if node.level == 0 else None
        for alias in node.names:
            whole = f"{'.' * node.level}{node.module or ''}.{alias.name}"
            known = allowed is not None and ("*" in allowed or alias.name in allowed)
            if not known or alias.name == "*" or alias.name.startswith("_"):
                yield "import", whole
            elif key := _of_numpy(whole):
                yield key, whole


def _of_numpy(whole: str) -> str:
    """The key of what is wrong with using `whole`, dotted, of NumPy; empty when nothing is."""
    first, *rest = whole.split(".")
    if first != "numpy" or not rest or whole == ALLOWED_LIB:
        return ""
    if rest[0] in OUTSIDE or len(rest) > 2:
        return "reach"
    if rest[0] in NUMPY and len(rest) > 1 and rest[1] not in NUMPY[rest[0]]:
        return "random" if rest[0] == "random" else "reach"
    return ""


def _of_name(demo: Demo, node: ast.AST) -> Iterator[tuple[str, str]]:
    """Names and attributes, by what they lead to."""
    parent = demo.parents.get(node)
    if isinstance(node, ast.Name):
        name, home = node.id, demo.home(node.id, demo.scope(node))
        if name.startswith("__") or (name in REACHING and home is None):
            yield "reach", name
        elif name in UNREPEATABLE and home is None:
            yield "random", name
        elif name in ENDING and home is None:
            yield "exits", name
        elif name == "print" and home is None:
            yield "prints", name
        whole, is_module = demo.imports.get(name, ("", False))
        if isinstance(node.ctx, ast.Store | ast.Del):
            if whole or name in BUILT_IN:
                yield "rebound", name
        elif is_module and home in (None, demo.tree) and not isinstance(parent, ast.Attribute):
            yield "module", name
    elif isinstance(node, ast.Attribute):
        whole = demo.dotted(node)
        inner = node.attr.startswith("__") and node.attr not in SPECIAL
        private = node.attr.startswith("_") and bool(whole)
        raw = node.attr in RAW and getattr(node.value, "id", "") != "self"
        if isinstance(node.ctx, ast.Store | ast.Del) and (whole or raw):
            yield "patched", whole or node.attr
        elif inner or private or node.attr in INNER:
            yield "reach", node.attr
        elif whole in SUBMODULES and not isinstance(parent, ast.Attribute):
            yield "module", whole
        elif whole.startswith("numpy.lib"):
            if not ALLOWED_LIB.startswith(whole):
                yield "reach", whole
        elif key := _of_numpy(whole):
            yield key, whole
        else:
            base, _, last = whole.rpartition(".")
            if not {"*", last} & MODULES.get(base, {"*"}):
                yield "reach", whole
    elif isinstance(node, ast.arg) and (node.arg in demo.imports or node.arg in BUILT_IN):
        yield "rebound", node.arg


def _of_statement(demo: Demo, node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Assert():
            yield "asserts", "assert"
        case ast.Global() | ast.Nonlocal():
            yield "state", listed(node.names)
        case ast.Try() | ast.TryStar():
            for handler in node.handlers:
                if not isinstance(handler.body[-1], ast.Raise):
                    yield "swallows", "except"
            leaving = (ast.Return, ast.Break, ast.Continue)
            if any(isinstance(each, leaving) for part in node.finalbody for each in ast.walk(part)):
                yield "swallows", "finally"
        case ast.ClassDef():
            if node.keywords:
                yield "reach", "metaclass"
        case ast.Constant(value=str() as text) if "datetime64" in text or text[:3] in DATES:
            yield "random", text
        case ast.Set() | ast.SetComp():
            yield from _of_set(demo, node)
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            yield from _of_set(demo, node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from _of_definition(demo, node)
    if isinstance(node, FUNCTIONS):
        for name, default in parameters(node).items():
            held = [default] if default is not None else []
            if isinstance(default, ast.Name):
                held = [
                    each.value for each in demo.bound[demo.tree].get(default.id, ()) if each.value
                ]
            if any(isinstance(each, ast.List | ast.Dict | ast.Set | ast.Call) for each in held):
                yield "state", name
    yield from _of_change(demo, node)


def _of_set(demo: Demo, node: ast.AST) -> Iterator[tuple[str, str]]:
    parent = demo.parents[node]
    asked = isinstance(parent, ast.Compare) and node in parent.comparators
    counted = isinstance(parent, ast.Call) and getattr(parent.func, "id", "") in ORDERLESS
    if not asked and not counted:
        yield "set_order", "set"


def _of_definition(
    demo: Demo, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
) -> Iterator[tuple[str, str]]:
    scope = demo.scope(node)
    method = isinstance(demo.parents[node], ast.ClassDef)
    twice = len(demo.bound[scope].get(node.name, ())) > 1
    if node.name in demo.imports or (not method and (twice or node.name in BUILT_IN)):
        yield "rebound", node.name
    if node.name.startswith("__") and node.name not in SPECIAL:
        yield "reach", node.name
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        whole = demo.dotted(target)
        if not isinstance(node, ast.ClassDef) and is_claim(decorator):
            good = whole == "quizdl.proof.claim"
        elif whole:
            good = whole in ("numpy.errstate", "dataclasses.dataclass", "functools.wraps")
        else:
            good = isinstance(target, ast.Name) and target.id in DECORATORS
        if not good:
            yield "decorator", ast.unparse(target)


def _of_change(demo: Demo, node: ast.AST) -> Iterator[tuple[str, str]]:
    """What changes something that outlives the call: it makes one run depend on another."""
    changed: ast.expr | None = None
    if isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node.ctx, ast.Store | ast.Del) and not demo.dotted(node):
            changed = node.value
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in MUTATING:
            changed = node.func.value
        elif isinstance(node.func, ast.Name) and node.func.id == "next" and node.args:
            changed = node.args[0]
    if changed is None:
        return
    while isinstance(changed, ast.Attribute | ast.Subscript):
        changed = changed.value
    if not isinstance(changed, ast.Name):
        if isinstance(changed, ast.Call) and not isinstance(node, ast.Call):
            yield "state", ast.unparse(changed)
        return
    scope = demo.scope(node)
    home = demo.home(changed.id, scope)
    inside = not isinstance(scope, ast.Module)
    defined = home is demo.tree and any(
        isinstance(each.node, ast.FunctionDef | ast.ClassDef)
        for each in demo.bound[demo.tree][changed.id]
    )
    if (inside and home is demo.tree) or defined:
        yield "state", changed.id
