import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizdl.render.numbers import format_number


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (64.0, "64"),
        (-3.0, "-3"),
        (1_000_000.0, "1000000"),
        (0.5, "0.5"),
        (1 / 3, "0.3333"),
        (0.1 + 0.2, "0.3"),
        (12.3456, "12.35"),
        (12345.6, "12346"),
        (0.99999, "1.000"),
        (99999.7, "1.000e5"),
        (123456.7, "1.235e5"),
        (0.001, "0.001"),
        (0.00099999, "0.001000"),
        (0.00099, "9.9e-4"),
        (1.2e-9, "1.2e-9"),
        (-1.23456e-12, "-1.235e-12"),
        (5e-324, "4.941e-324"),
        (1e300, "1e300"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_format(x: float, text: str) -> None:
    assert format_number(x) == text


@given(st.floats(-1e300, 1e300))
def test_four_digits_of_the_number_survive(x: float) -> None:
    assert float(format_number(x)) == pytest.approx(x, rel=5.001e-4, abs=5e-324)
