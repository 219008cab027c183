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
_sealed: dict[str, dict[str, object]] = {}


def seal() -> None:
    """Remember what the names of NumPy mean now. Called in a child before the demo is loaded."""
    import numpy  # noqa: F401 - so that it is there to be remembered

    for name in _MODULES:
        if name in sys.modules:
            _sealed[name] = dict(vars(sys.modules[name]))


def broken() -> str:
    """The first name that means something else than at `seal`, dotted; empty when all is well
    or nothing was sealed."""
    for module, names in _sealed.items():
        now = vars(sys.modules[module])
        for name, thing in names.items():
            if now.get(name) is not thing and not name.startswith("__"):
                return f"{module}.{name}"
    return ""
