"""What a claim may return beside its numbers: figures, for looking at only.

They are values (quizdl.model.Figure): a demo draws nothing, and what a figure shows is never
judged. The limits are for what can be seen in a terminal, and for what the parent takes from
a child; both check against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from quizdl.model import Figure, FigureKind, Series
from quizdl.words import say

FIGURES = 4
"""Of one claim."""
SERIES = 6
"""Of one figure: as many as can be told apart without colour."""
POINTS = 400
"""Of one series."""
BARS = 32
"""Categories, or columns of a heatmap."""
ROWS = 24
"""Of a heatmap."""
RULES = 4
NAME = 40
"""Characters of a title, a label or a name."""

Values: TypeAlias = Any
"""An array, list or tuple of real numbers; NaN and infinities are gaps."""
Curves: TypeAlias = Values | Mapping[str, Values | tuple[Values, Values]]
Rules: TypeAlias = Mapping[str, float]


class FigureError(ValueError):
    """A figure that cannot be shown; the message is a sentence for its author."""


def line(
    y: Curves,
    x: Values | None = None,
    *,
    x_label: str = "",
    y_label: str = "",
    log_x: bool = False,
    log_y: bool = False,
    rules: Rules | None = None,
) -> Figure:
    """Points joined in their order: one array, or name -> array, or name -> `(x, y)`.

    `x` counts from 0 where it is not given. `rules` are horizontal lines, name -> y. Of a
    line with more than 400 points each stretch keeps its lowest, its highest and its gaps.
    Raises FigureError, as all functions here do.
    """
    series = [Series(*_thin(name, *xy)) for name, xy in _curves(y, x).items()]
    return _figure(FigureKind.LINE, series, x_label, y_label, rules, log_x=log_x, log_y=log_y)


def scatter(
    y: Curves,
    x: Values | None = None,
    *,
    x_label: str = "",
    y_label: str = "",
    log_x: bool = False,
    log_y: bool = False,
    rules: Rules | None = None,
) -> Figure:
    """Points by themselves, given as to `line`; none is left out, so at most 400 a series."""
    series = [Series(name, tuple(xs), tuple(ys)) for name, (xs, ys) in _curves(y, x).items()]
    return _figure(FigureKind.SCATTER, series, x_label, y_label, rules, log_x=log_x, log_y=log_y)


def bar(
    heights: Mapping[str, Any],
    names: Sequence[str] = (),
    *,
    x_label: str = "",
    y_label: str = "",
    log_y: bool = False,
    rules: Rules | None = None,
) -> Figure:
    """A bar for each `name -> number`; or, with `names` of categories, a group of bars for
    each of them from `series -> numbers`."""
    if names:
        table = {name: _floats(values) for name, values in heights.items()}
    else:
        table, names = {"": _floats(list(heights.values()))}, tuple(heights)
    series = [Series(name, _counting(len(y)), tuple(y)) for name, y in table.items()]
    return _figure(FigureKind.BAR, series, x_label, y_label, rules, names, log_y=log_y)


def hist(
    samples: Values | Mapping[str, Values],
    bins: int = 30,
    *,
    x_label: str = "",
    y_label: str = "",
    log_y: bool = False,
) -> Figure:
    """How many samples fall into each of `bins` equal parts of their common range."""
    import numpy as np

    table = {
        name: np.asarray(_floats(np.ravel(values))) for name, values in _named(samples).items()
    }
    every = np.concatenate([*table.values(), []])
    if not every.size or not np.isfinite(every).all():
        raise FigureError(say("figure.not_countable"))
    if not 1 <= bins <= POINTS:
        raise FigureError(say("figure.too_many", what=say("figure.points"), most=POINTS))
    edges = np.histogram_bin_edges(every, bins)
    series = [
        Series(name, tuple(map(float, edges)), tuple(map(float, np.histogram(values, edges)[0])))
        for name, values in table.items()
    ]
    return _figure(FigureKind.HIST, series, x_label, y_label, None, log_y=log_y)


def heatmap(
    values: Values,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    *,
    x_label: str = "",
    y_label: str = "",
) -> Figure:
    """A table of numbers as shades; `rows` and `columns` are their names."""
    table = [_floats(row) for row in values]
    names = [*rows, *(str(k + 1) for k in range(len(rows), len(table)))]
    series = [
        Series(name, _counting(len(y)), tuple(y)) for name, y in zip(names, table, strict=False)
    ]
    return _figure(FigureKind.HEATMAP, series, x_label, y_label, None, columns)


def check(figure: Figure) -> Figure:
    """The figure itself. Raises FigureError for one that is too large or ill-formed."""
    hot = figure.kind is FigureKind.HEATMAP
    _at_most(len(figure.series), ROWS if hot else SERIES, "figure.rows" if hot else "figure.series")
    _at_most(len(figure.rules), RULES, "figure.rules")
    _at_most(len(figure.categories), BARS, "figure.bars")
    listed = figure.kind in (FigureKind.BAR, FigureKind.HEATMAP)
    for series in figure.series:
        edges = figure.kind is FigureKind.HIST
        _at_most(
            len(series.y), BARS if listed else POINTS, f"figure.{'bars' if listed else 'points'}"
        )
        if len(series.x) != len(series.y) + edges:
            raise FigureError(say("figure.lengths", x=len(series.x), y=len(series.y)))
    texts = (figure.title, figure.x_label, figure.y_label, *figure.categories)
    for text in (*texts, *(s.name for s in figure.series), *(name for name, _ in figure.rules)):
        if not isinstance(text, str):
            raise FigureError(say("figure.not_text", given=type(text).__name__))
        if len(text) > NAME:
            raise FigureError(say("figure.long", text=text[:NAME], most=NAME))
    return figure


def _figure(
    kind: FigureKind,
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    rules: Rules | None,
    categories: Sequence[str] = (),
    *,
    log_x: bool = False,
    log_y: bool = False,
) -> Figure:
    """Its title is the name under which the claim returns it."""
    lines = tuple((name, float(value)) for name, value in (rules or {}).items())
    shape = (kind, "", tuple(series), x_label, y_label, tuple(categories))
    return check(Figure(*shape, bool(log_x), bool(log_y), lines))


def _at_most(count: int, most: int, what: str) -> None:
    if count > most:
        raise FigureError(say("figure.too_many", what=say(what), most=most))


def _named(values: Any) -> Mapping[str, Any]:
    return values if isinstance(values, Mapping) else {"": values}


def _curves(y: Curves, x: Values | None) -> dict[str, tuple[list[float], list[float]]]:
    """Name -> x and y."""
    found = {}
    for name, values in _named(y).items():
        if isinstance(values, tuple) and len(values) == 2 and hasattr(values[0], "__len__"):
            xs, ys = _floats(values[0]), _floats(values[1])
        else:
            ys = _floats(values)
            xs = list(_counting(len(ys))) if x is None else _floats(x)
        if len(xs) != len(ys):
            raise FigureError(say("figure.lengths", x=len(xs), y=len(ys)))
        found[name] = xs, ys
    return found


def _floats(values: Values) -> list[float]:
    import numpy as np

    try:
        array = np.asarray(values)
        if array.ndim != 1 or array.dtype.kind not in "biuf":
            raise TypeError(array.dtype)  # noqa: TRY301
        return array.astype(float).tolist()  # type: ignore[no-any-return]
    except (TypeError, ValueError):
        raise FigureError(say("figure.not_numbers")) from None


def _counting(count: int) -> tuple[float, ...]:
    return tuple(map(float, range(count)))


def _thin(
    name: str, xs: list[float], ys: list[float]
) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    """At most POINTS of the points, in their order: both ends, and of every stretch between
    them the lowest, the highest and one gap if there is any."""
    count = len(ys)
    if count <= POINTS:
        return name, tuple(xs), tuple(ys)
    stretches = (POINTS - 2) // 3
    kept = {0, count - 1}
    for k in range(stretches):
        stretch = range(k * count // stretches, (k + 1) * count // stretches)
        drawn = [i for i in stretch if abs(ys[i]) < float("inf")]
        kept |= {min(drawn, key=ys.__getitem__), max(drawn, key=ys.__getitem__)} if drawn else set()
        kept |= set([i for i in stretch if not abs(ys[i]) < float("inf")][:1])
    order = sorted(kept)
    return name, tuple(xs[i] for i in order), tuple(ys[i] for i in order)
