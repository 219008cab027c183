"""Whether NumPy is still the NumPy that was loaded: an experiment must not change its tools.

Names are compared, by identity, before and after a run. What a demo changes and puts back in
between is not noticed here; the rules for its source (`quizdl.check.source`) leave it no way
to do so.
"""

from __future__ import annotations

import sys

_MODULES = (
    "builtins",
    "math",
    "numpy",
    "numpy.fft",
    "numpy.linalg",
    "numpy.linalg._linalg",
    "numpy.random",
)
_sealed: list[tuple[str, dict[str, object], dict[str, object]]] = []
"""Module, its names as they are now, and what they meant."""


def seal() -> None:
    """Remember what the names of NumPy mean now. Called in a child that waits for its job."""
    import numpy  # noqa: F401 - so that it is there to be remembered

    for module in _MODULES:
        if module in sys.modules:
            now = vars(sys.modules[module])
            meant = {name: thing for name, thing in now.items() if not name.startswith("__")}
            _sealed.append((module, now, meant))


def broken() -> str:
    """The first name that means something else than at `seal`, dotted; empty when all is well
    or nothing was sealed."""
    for module, now, meant in _sealed:
        for name, thing in meant.items():
            if now.get(name) is not thing:
                return f"{module}.{name}"
    return ""
