"""What parent, server and child say to each other.

parent → server   one byte with the file descriptors of `Handles`, over a Unix socket
server → parent   lines on the job's own control socket: `started`, then `ended STATUS`
                  (as waitpid gives it); or `refused ERRNO` when fork failed
parent → server   the end of the control socket: kill the job and all it started
child  → parent   JSON lines on the result pipe: one per run (with its figures, for the first
                  seed), or one that says what broke
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from quizdl.model import Figure, FigureKind, Params, Series
from quizdl.proof.figures import check
from quizdl.proof.limits import Limits


class Handles(NamedTuple):
    """File descriptors that travel with a job, in this order."""

    job: int
    """A file that holds the `Job`."""
    result: int
    """A pipe for the child's JSON lines."""
    output: int
    """A pipe for the child's stdout and stderr."""
    control: int
    """A socket between parent and server; the child never holds it."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a child needs to know to run one claim."""

    source: str
    path: str
    """What tracebacks call the source; nothing is read from there."""
    claim: str
    runs: tuple[tuple[int, Params], ...]
    """(seed, parameters), in the order to run them."""
    limits: Limits

    def dump(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, data: bytes) -> Job:
        fields = json.loads(data)
        return cls(
            source=fields["source"],
            path=fields["path"],
            claim=fields["claim"],
            runs=tuple((seed, params) for seed, params in fields["runs"]),
            limits=Limits(**fields["limits"]),
        )


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
