"""What the source of a demo may hold: imports, names and statements that let a claim be a
pure function of its parameters and its seed, and nothing else. Nothing is executed.

These are rules for honest authors and a net for careless ones: what is not reached by name
cannot be patched, read or written. `flow` asks where the numbers come from.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from quizdl import proof
from quizdl.check.flow import flow_findings
from quizdl.check.scopes import FUNCTIONS, SUBMODULES, Demo, is_claim, parameters
from quizdl.model import Problem
from quizdl.words import say

Finding = tuple[int, str, dict[str, object]]
"""Line, key below `check.source`, and what fills the text in."""

ANY = frozenset({"*"})
MODULES = {  # what may be imported; of some only these names
    "__future__": ANY,
    "collections": frozenset({"ChainMap", "Counter", "OrderedDict", "defaultdict", "deque"})
    | {"namedtuple"},
    "collections.abc": frozenset({"Callable", "Iterable", "Iterator", "Mapping", "Sequence"}),
    "dataclasses": frozenset({"asdict", "astuple", "dataclass", "field", "replace"}),
    "functools": frozenset({"partial", "reduce", "wraps"}),
    "itertools": ANY,
    "math": ANY,
    "numpy": ANY,
    "quizdl.proof": frozenset(proof.__all__),
    "typing": frozenset({"Any", "Callable", "Iterable", "Iterator", "Literal", "NamedTuple"})
    | {"Sequence", "TypeAlias"},
} | dict.fromkeys(SUBMODULES, ANY)

NUMPY = {  # of NumPy's modules, what neither has a state nor leads to another module
    "fft": frozenset(
        "fft fft2 fftfreq fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 irfftn"
        " rfft rfft2 rfftfreq rfftn".split()
    ),
    "linalg": frozenset(
        "LinAlgError cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq matmul"
        " matrix_norm matrix_power matrix_rank matrix_transpose multi_dot norm outer pinv qr"
        " slogdet solve svd svdvals tensordot tensorinv tensorsolve trace vecdot vector_norm".split()
    ),
    "polynomial": frozenset("Chebyshev Hermite HermiteE Laguerre Legendre Polynomial".split()),
    "random": frozenset(
        "BitGenerator Generator MT19937 PCG64 PCG64DXSM Philox SFC64 SeedSequence"
        " default_rng".split()
    ),
}

OUTSIDE = frozenset(  # files, clocks, settings of the process, ways to other modules
    "DataSource add_docstring add_newdoc add_newdoc_ufunc builtins char compat core ctypeslib"
    " datetime64 distutils dtypes exceptions f2py from_dlpack fromfile fromregex genfromtxt"
    " get_include getbufsize info lib load loadtxt ma math matlib memmap os rec save savetxt savez"
    " savez_compressed set_numeric_ops set_printoptions set_string_function setbufsize seterr"
    " seterrcall seterrobj show_config show_runtime source sys test testing typing version"
    " warnings".split()
)
ALLOWED_LIB = "numpy.lib.stride_tricks.sliding_window_view"

REACHING = frozenset(
    "__import__ breakpoint compile delattr dir eval exec getattr globals hasattr help input"
    " locals memoryview object open setattr type vars".split()
)
UNREPEATABLE = frozenset({"ascii", "hash", "id", "repr"})
ENDING = frozenset({"BaseException", "GeneratorExit", "KeyboardInterrupt", "SystemExit"}) | {
    "exit",
    "quit",
}
INNER = frozenset(  # attributes that lead to frames, modules, files, raw memory, a generator's seed
    "ag_frame bit_generator builtins cr_frame ctypes dump dumps entropy f_back f_builtins f_code f_globals"
    " f_lineno f_locals f_trace gi_code gi_frame mro os seed_seq setflags sys tb_frame tb_next tofile"
    " with_traceback".split()
)
RAW = frozenset({"data", "dtype", "flags", "strides"})
"""Attributes of an array that reinterpret its memory when they are set."""

SPECIAL = frozenset(  # methods a teaching class may define; none is called behind one's back
    f"__{name}__"
    for name in "init call post_init len iter next getitem repr add radd sub rsub mul rmul"
    " truediv rtruediv pow rpow matmul rmatmul neg".split()
)
DECORATORS = frozenset({"classmethod", "dataclass", "property", "staticmethod"})
BUILT_IN = frozenset(
    "abs all any bool dict divmod enumerate filter float frozenset int iter len list map max min"
    " next pow range reversed round set sorted str sum super tuple zip".split()
)
"""What a reader takes for granted, so that nothing else may have these names."""
MUTATING = frozenset(
    "add append appendleft clear discard extend extendleft fill insert itemset pop popitem popleft"
    " put remove resize reverse rotate send setdefault sort update".split()
)
ORDERED = frozenset({"all", "any", "frozenset", "len", "max", "min", "set", "sorted"})
"""What makes nothing of the order of a set."""


@functools.lru_cache(maxsize=256)
def source_problems(source: str, path: Path) -> tuple[Problem, ...]:
    """Everything in a demo's text that lets its numbers be other than measured, by line.

    Pure; for an editor as well as for `quizdl check`. Empty for a text that is no Python:
    the reader of declarations says so. `path` only names the file.
    """
    try:
        demo = Demo(source)
    except (SyntaxError, ValueError):
        return ()
    except RecursionError:
        return (_too_deep(path),)
    try:
        found = [*_findings(demo), *flow_findings(demo)]
    except RecursionError:  # to look no further would be a way through
        return (_too_deep(path),)
    said = {}
    for line, key, values in found:
        message = say(f"check.source.{key}", **values)
        said[line, message] = Problem(path, line, message, say(f"check.source.{key}.fix"))
    return tuple(said[place] for place in sorted(said))


def _too_deep(path: Path) -> Problem:
    return Problem(path, 1, say("check.source.deep"), say("check.source.deep.fix"))


def _findings(demo: Demo) -> Iterator[Finding]:
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
            if allowed is None or not ("*" in allowed or alias.name in allowed):
                yield "import", whole
            elif alias.name == "*" or alias.name.startswith("_"):
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
        if isinstance(node.ctx, ast.Store | ast.Del) and (name in demo.imports or name in BUILT_IN):
            yield "rebound", name
        elif name in demo.imports and home in (None, demo.tree) and demo.imports[name][1]:
            if not isinstance(parent, ast.Attribute):
                yield "module", name
    elif isinstance(node, ast.Attribute):
        whole = demo.dotted(node)
        inner = node.attr.startswith("__") and node.attr not in SPECIAL
        private = node.attr.startswith("_") and bool(whole)
        if isinstance(node.ctx, ast.Store | ast.Del) and (whole or node.attr in RAW):
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
        elif (allowed := MODULES.get(whole.rpartition(".")[0])) is not None:
            if "*" not in allowed and whole.rpartition(".")[2] not in allowed:
                yield "reach", whole
    elif isinstance(node, ast.arg) and (node.arg in demo.imports or node.arg in BUILT_IN):
        yield "rebound", node.arg


def _of_statement(demo: Demo, node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Assert():
            yield "asserts", "assert"
        case ast.Global() | ast.Nonlocal():
            yield "state", "、".join(node.names)
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
        case ast.Constant(value=str() as text) if "datetime64" in text or text[:3] in _DATES:
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


_DATES = frozenset({"M8[", "<M8", ">M8", "now"})


def _of_set(demo: Demo, node: ast.AST) -> Iterator[tuple[str, str]]:
    parent = demo.parents[node]
    asked = isinstance(parent, ast.Compare) and node in parent.comparators
    counted = isinstance(parent, ast.Call) and getattr(parent.func, "id", "") in ORDERED
    if not asked and not counted:
        yield "set_order", "set"


def _of_definition(
    demo: Demo, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
) -> Iterator[tuple[str, str]]:
    scope = demo.scope(node)
    method = isinstance(demo.parents[node], ast.ClassDef)
    if node.name in demo.imports or (node.name in BUILT_IN and not method):
        yield "rebound", node.name
    elif not method and len(demo.bound[scope].get(node.name, ())) > 1:
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
