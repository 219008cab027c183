"""Scales of a figure's axes: where a value stands, and which values are named on the axis.

Terminal and SVG place their points through here, so that both show the same figure.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from quizdl.model import Figure, FigureKind
from quizdl.render.numbers import format_number

_LARGEST = sys.float_info.max
_NOTHING = 1e-290  # smaller numbers are 0 on a linear axis: their steps would underflow
_SAME = 1e-9  # relative; values nearer to each other than this are drawn as one
_NEAR = 0.06  # of the axis
_FLAT = 0.125  # of the axis
_DIGITS = range(4, 13)


class Scale(NamedTuple):
    low: float
    """Lower end of the axis; of a logarithmic one its decimal logarithm. Below `high`."""
    high: float
    log: bool = False

    def place(self, value: float) -> float | None:
        """0 at the lower end, 1 at the upper. None for what has no place on the axis: NaN,
        infinities, and on a logarithmic axis what is not positive."""
        if not math.isfinite(value) or (self.log and value <= 0):
            return None
        at = math.log10(value) if self.log else value
        # Halved: from -1e308 to 1e308 is further than a float can say.
        return (at / 2 - self.low / 2) / (self.high / 2 - self.low / 2)

    def ticks(self, most: int) -> tuple[float, ...]:
        """About `most` round values on the axis, two or more; its ends where none are round."""
        for number in range(max(2, most), max(2, most) + 4):
            found = _decades(self, number) if self.log else _steps(self.low, self.high, number)
            if len(found) >= 2:
                return tuple(found)
        return (_power(self.low), _power(self.high)) if self.log else (self.low, self.high)


def fit(values: Iterable[float], *, log: bool = False) -> Scale:
    """The scale on which all values that have a place just fit."""
    if log:
        places = [math.log10(value) for value in values if 0 < value < math.inf]
        low, high = (min(places), max(places)) if places else (0.0, 1.0)
        if high - low < _SAME:
            low, high = low - 0.5, high + 0.5
        return Scale(low, high, log=True)
    finite = [0.0 if abs(value) < _NOTHING else value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    size = max(abs(low), abs(high))
    if high / 2 - low / 2 <= _SAME * size:
        room = size / 2 or 1.0
        low, high = max(low - room, -_LARGEST), min(high + room, _LARGEST)
    return Scale(low, high)


class Axes(NamedTuple):
    x: Scale
    y: Scale
    """Of bars and heatmaps the only one that measures anything."""


def axes(figure: Figure) -> Axes:
    """Rules are on the axis; bars and histograms stand on 0, or on a power of ten below the
    least of them."""
    x = fit((value for series in figure.series for value in series.x), log=figure.log_x)
    values = [value for series in figure.series for value in series.y]
    values += [] if figure.kind is FigureKind.HEATMAP else [value for _, value in figure.rules]
    stands = figure.kind in (FigureKind.BAR, FigureKind.HIST)
    y = fit([*values, 0.0] if stands else values, log=figure.log_y)
    if stands and y.log:
        y = y._replace(low=math.floor(y.low - 0.1))
    return Axes(_round_out(x), y if figure.kind is FigureKind.HEATMAP else _round_out(y))


def shared_axes(figure: Figure, control: Figure) -> tuple[Axes, Axes]:
    """The axes of two figures that stand beside each other: the same y (and x, of
    histograms), so that they can be compared; unless on a linear axis `figure` would be
    squeezed flat. Bars and heatmaps, which say their numbers, have their own."""
    own, other = axes(figure), axes(control)
    kinds = (FigureKind.LINE, FigureKind.SCATTER, FigureKind.HIST)
    if figure.kind is not control.kind or figure.kind not in kinds:
        return own, other
    if joint := _join(own.y, other.y):
        own, other = own._replace(y=joint), other._replace(y=joint)
    if figure.kind is FigureKind.HIST and (joint := _join(own.x, other.x)):
        own, other = own._replace(x=joint), other._replace(x=joint)
    return own, other


def _join(one: Scale, two: Scale) -> Scale | None:
    if one.log is not two.log:
        return None
    joint = Scale(min(one.low, two.low), max(one.high, two.high), one.log)
    flat = (one.high / 2 - one.low / 2) < _FLAT * (joint.high / 2 - joint.low / 2)
    return None if flat and not one.log else joint


def _round_out(scale: Scale) -> Scale:
    """An end just short of a round value is moved there: the axis says 1, not 0.9997."""
    if scale.log:
        return scale
    span = scale.high - scale.low
    ticks = _steps(scale.low - _NEAR * span, scale.high + _NEAR * span, 5) if span < 1e300 else []
    low = min([scale.low, *ticks])
    high = max([scale.high, *ticks])
    return Scale(low, high)


def missing_points(figure: Figure) -> int:
    """How many points of a line or a cloud have no place: NaN, infinite, not positive on a
    logarithmic axis."""
    if figure.kind not in (FigureKind.LINE, FigureKind.SCATTER):
        return 0
    x_scale, y_scale = axes(figure)
    return sum(
        x_scale.place(x) is None or y_scale.place(y) is None
        for series in figure.series
        for x, y in zip(series.x, series.y, strict=False)
    )


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """How the ticks are written: as all numbers are, with more digits where two would read
    the same."""
    labels = [_short(tick) for tick in ticks]
    for digits in _DIGITS:
        if len(set(labels)) == len(set(ticks)):
            break
        labels = [f"{tick:.{digits}g}" for tick in ticks]
    return labels


def _short(tick: float) -> str:
    """As a number is written; 1e8 for 100000000."""
    text = format_number(tick)
    if not text.endswith("00000"):
        return text
    mantissa, _, power = f"{tick:.3e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}"


def _steps(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (high / 2 - low / 2) / most * 2
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - _SAME))
    first, last = math.ceil(low / step - _SAME), math.floor(high / step + _SAME)
    # Rounded: 3 * 0.1 is to be 0.3; `+ 0.0` for no negative zero.
    return [float(f"{k * step:.12g}") + 0.0 for k in range(first, last + 1)]


def _decades(scale: Scale, most: int) -> list[float]:
    """Powers of ten; on an axis that holds only one of them also 2 and 5 times these, or
    what a linear axis would have."""
    first, last = math.ceil(scale.low - _SAME), math.floor(scale.high + _SAME)
    stride = max(1, math.ceil((last - first) / most))
    found = [_power(k) for k in range(first, last + 1) if k % stride == 0]
    if len(found) < 2:
        every = [m * _power(k) for k in range(first - 1, last + 1) for m in (1, 2, 5)]
        found = [value for value in every if _within(scale, value)]
    if len(found) < 2 and scale.high - scale.low < 1:
        found = _steps(_power(scale.low), _power(scale.high), most)
    return [value for value in found if _within(scale, value)]


def _within(scale: Scale, value: float) -> bool:
    place = scale.place(value)
    return place is not None and -_SAME <= place <= 1 + _SAME


def _power(exponent: float) -> float:
    if exponent == int(exponent) and exponent < 308:
        return float(f"1e{int(exponent)}")  # the nearest float, which ** does not always give
    return min(_LARGEST, 10.0**exponent) if exponent < 308.25 else _LARGEST
