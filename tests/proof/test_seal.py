"""A demo that changes NumPy proves nothing, however it got hold of it."""

from __future__ import annotations

import pytest
from demos import Prove

from quizdl.model import Verdict


@pytest.mark.parametrize(
    ("patch", "name"),
    [
        ("np.abs = lambda x: 0 * x", "numpy.abs"),
        ("np.__dict__['ptp'] = max", "numpy.ptp"),
        ("setattr(np.linalg, 'norm', len)", "numpy.linalg.norm"),
        ("np.linalg.norm.__wrapped__.__globals__['sqrt'] = abs", "numpy.linalg._linalg.sqrt"),
        ("del np.random.default_rng", "numpy.random.default_rng"),
        ("import builtins; builtins.abs = len", "builtins.abs"),
    ],
)
@pytest.mark.parametrize("when", ["as it is loaded", "in a run"])
def test_a_changed_numpy_is_an_error(prove: Prove, patch: str, name: str, when: str) -> None:
    inside = "a = min(a, 1.0)"  # nothing about `a`
    first, later = (patch, inside) if when == "as it is loaded" else ("", patch)
    result, measured = prove(
        f"import numpy as np\n{first}\ndef f(a=1.0):\n    {later}\n    return {{'x': a}}"
    )
    assert result.verdict is Verdict.ERROR
    assert name in result.reason
    assert measured == []


def test_using_numpy_does_not_change_it(prove: Prove) -> None:
    """Also what it loads or sets up only when it is used for the first time."""
    result, _ = prove(
        "import numpy as np\n"
        "def f(a=1.0):\n"
        "    np.polynomial.Polynomial([1, 2])(3.0)\n"
        "    np.random.default_rng(0).normal(size=9).astype('float16')\n"
        "    np.fft.rfft(np.ones(8)); np.linalg.svd(np.eye(3))\n"
        "    np.einsum('ij,jk', np.eye(2), np.eye(2))\n"
        "    return {'x': a}\n"
    )
    assert result.verdict is Verdict.PROVED, result.reason
