"""What the demos of a bank could do, from their source, for somebody to read before they run.

A reading aid and no guard: whoever wants to hide a name from it can. What guards is that
nothing runs before somebody has looked and agreed (`quizdl.bank.trust`), and then the limits
of the child.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from quizdl.bank.loader import folders, read_text
from quizdl.bank.trust import digest


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


HARMLESS = _words(
    "__future__ abc bisect cmath collections dataclasses decimal enum fractions functools heapq",
    "itertools math numbers numpy numpy.linalg numpy.random operator quizdl.proof random re",
    "statistics string textwrap typing",
)
"""Modules that an honest demo uses; any other is pointed out."""
BUILTINS = _words("open eval exec compile breakpoint globals locals vars getattr setattr delattr")
ATTRIBUTES = _words(
    "open os sys io subprocess socket shutil ctypes importlib builtins pathlib pickle marshal",
    "multiprocessing threading system popen environ unlink rmtree",
    # NumPy's own ways to files and to C
    "load save savez savez_compressed loadtxt savetxt genfromtxt fromfile tofile fromregex",
    "memmap DataSource ctypeslib f2py",
)
"""Reach out of the numbers: to files, processes, the network, the interpreter. A module is one
also where another has imported it (`random._os`), hence without leading underscores."""
_PLAIN_DUNDERS = frozenset({"__init__", "__call__", "__name__", "__doc__", "__len__", "__repr__"})


class Suspect(NamedTuple):
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Demo:
    path: str
    """`topic/slug/demo.py`: where it lies in its bank."""
    digest: str
    """`quizdl.bank.trust.digest` of its text."""
    lines: int
    """Those that are not empty."""
    imports: tuple[str, ...]
    suspects: tuple[Suspect, ...]
    broken: bool = False
    """It is no Python: nothing of it can run, and nothing of it was looked at."""


def survey(root: Path) -> tuple[Demo, ...]:
    """Every demo of the bank at `root` that could be read, those of unusable questions too:
    an edit of their question.md would be enough to make them run. OSError as the system says."""
    return tuple(_demos(root))


def _demos(root: Path) -> Iterator[Demo]:
    for topic in folders(root):
        for folder in folders(topic):
            text, _ = read_text(folder / "demo.py")
            if text is not None:
                yield look(f"{topic.name}/{folder.name}/demo.py", text)


def look(path: str, text: str) -> Demo:
    """What one demo imports and names."""
    known = digest(text)
    lines = sum(bool(line.strip()) for line in text.splitlines())
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Demo(path, known, lines, (), (), broken=True)
    imports: dict[str, None] = {}
    suspects: dict[Suspect, None] = {}
    for node in ast.walk(tree):
        for module in _modules(node):
            imports[module] = None
            if module not in HARMLESS:
                suspects[Suspect(node.lineno, module)] = None  # type: ignore[attr-defined]
        for name in _names(node):
            suspects[Suspect(node.lineno, name)] = None  # type: ignore[attr-defined]
    return Demo(path, known, lines, tuple(sorted(imports)), tuple(sorted(suspects)))


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["." * node.level + (node.module or "")]
    return []


def _names(node: ast.AST) -> list[str]:
    """Names in `node` that deserve a look."""
    match node:
        case ast.Name(id=name):
            return [name] if name in BUILTINS or _is_inner(name) else []
        case ast.Attribute(attr=name):
            return [name] if name.lstrip("_") in ATTRIBUTES or _is_inner(name) else []
        case ast.ImportFrom(names=aliases):
            names = [alias.name for alias in aliases]
            return [name for name in names if name.lstrip("_") in ATTRIBUTES or _is_inner(name)]
    return []


def _is_inner(name: str) -> bool:
    """`__globals__`, `__subclasses__`, `__import__`: the way to everything else."""
    return name.startswith("__") and name.endswith("__") and name not in _PLAIN_DUNDERS
