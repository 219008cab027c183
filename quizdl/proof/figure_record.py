"""Figures on their way from child to parent, as JSON can hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from quizdl.model import Figure, FigureKind, Series
from quizdl.proof.figures import check


def figure_record(figure: Figure) -> dict[str, Any]:
    """What JSON can hold of a figure: all of it, with NaN and infinities as Python writes them."""
    return asdict(figure)


def read_figure(record: Mapping[str, Any], clean: Callable[[object], str]) -> Figure:
    """The figure of a record that may be anything; every text goes through `clean`.

    Raises AttributeError, LookupError, OverflowError, TypeError or ValueError for one that
    `figure_record` did not make or that is too large.
    """
    series = tuple(
        Series(clean(each["name"]), _numbers(each["x"]), _numbers(each["y"]))
        for each in record["series"]
    )
    figure = Figure(
        kind=FigureKind(record["kind"]),
        title=clean(record["title"]),
        series=series,
        x_label=clean(record["x_label"]),
        y_label=clean(record["y_label"]),
        categories=tuple(clean(name) for name in record["categories"]),
        log_x=record["log_x"] is True,
        log_y=record["log_y"] is True,
        rules=tuple((clean(name), _numbers([value])[0]) for name, value in record["rules"]),
    )
    return check(figure)


def _numbers(values: list[Any]) -> tuple[float, ...]:
    if not all(type(value) in (int, float) for value in values):
        raise TypeError(values)
    return tuple(map(float, values))
