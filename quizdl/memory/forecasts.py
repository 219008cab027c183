"""What was predicted and how it turned out, as JSON can hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from quizdl.model import Ask, Forecast, Hit, Prompt


def records(forecasts: Iterable[Forecast]) -> list[dict[str, Any]]:
    return [asdict(forecast) for forecast in forecasts]


def read(found: Iterable[Mapping[str, Any]]) -> tuple[Forecast, ...]:
    """Raises KeyError, TypeError or ValueError for what `records` did not make."""
    return tuple(map(_forecast, found))


def _forecast(record: Mapping[str, Any]) -> Forecast:
    prompt, guess = record["prompt"], record["guess"]
    lists = {key: tuple(prompt[key]) for key in ("options", "names", "bounds", "arms")}
    return Forecast(
        prompt=Prompt(ask=Ask(prompt["ask"]), text=prompt["text"], **lists),
        guess=tuple(guess) if isinstance(guess, list) else guess,
        hit=Hit(record["hit"]),
        truth=record["truth"],
    )
