"""How a measured number is written, everywhere a person reads one."""

from __future__ import annotations

import math

_DIGITS = 4
_EXACT = 1e-12  # relative; what float arithmetic may leave on a number meant to be short


def format_number(x: float) -> str:
    """Four significant digits; scientific below 1e-3 and from 1e5 on (`1.2e-9`).

    Whole numbers stay whole up to nine digits. Zeros at the end are kept only when the
    number was rounded: 0.5 is `0.5`, while 0.99999 is `1.000`, not the `1` it is not.
    """
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "∞" if x > 0 else "-∞"
    if x == int(x) and abs(x) < 1e9:
        return str(int(x))
    mantissa, _, power = f"{x:.{_DIGITS - 1}e}".partition("e")
    exponent = int(power)
    if -3 <= exponent < 5:
        return _shorten(f"{x:.{max(0, _DIGITS - 1 - exponent)}f}", "", x)
    return _shorten(mantissa, f"e{exponent}", x)


def _shorten(digits: str, power: str, x: float) -> str:
    if "." in digits and abs(float(digits + power) - x) <= _EXACT * abs(x):
        digits = digits.rstrip("0").rstrip(".")
    return digits + power
