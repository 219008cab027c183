"""An interview as JSON can hold it: in the store, in the log that is taken elsewhere, in drafts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeVar

from quizdl.model import Ending, Exchange, Interview, Reply, Setup, Tick

_VERSION = 1
"""A change of shape gets the next number, and reads the old ones."""
_MS = timedelta(milliseconds=1)
Kind = TypeVar("Kind")


def record(interview: Interview) -> dict[str, Any]:
    """All of it but when it was begun and its number, which stand beside it."""
    return {
        "version": _VERSION,
        "setup": asdict(interview.setup),
        "ending": str(interview.ending),
        "exchanges": [
            {
                "question": each.question,
                **_reply_record(each.main),
                "ticks": [asdict(tick) for tick in each.ticks],
                "follow_ups": [
                    {**_reply_record(reply), "told": reply.told} for reply in each.follow_ups
                ],
            }
            for each in interview.exchanges
        ],
    }


def read(begun: datetime, found: Mapping[str, Any], row: int = 0) -> Interview:
    """Raises AttributeError, KeyError, TypeError or ValueError for what `record` did not make."""
    if found["version"] != _VERSION:
        raise ValueError(found["version"])
    setup = found["setup"]
    return Interview(
        begun=begun,
        setup=Setup(
            minutes=_is(int, setup["minutes"]),
            company=_is(str, setup["company"]),
            topics=tuple(_is(str, topic) for topic in setup["topics"]),
            level=_is(int, setup["level"]),
            seed=_is(int, setup["seed"]),
        ),
        exchanges=tuple(map(_exchange, found["exchanges"])),
        ending=Ending(found["ending"]),
        id=row,
    )


def _reply_record(reply: Reply) -> dict[str, Any]:
    return {
        "asked": reply.asked,
        "duration_ms": reply.duration // _MS,
        "passed": reply.passed,
        "said": reply.said,
    }


def _exchange(found: Mapping[str, Any]) -> Exchange:
    return Exchange(
        question=_is(str, found["question"]),
        main=_reply(found, told=False),
        follow_ups=tuple(
            _reply(each, told=_is(bool, each["told"])) for each in found["follow_ups"]
        ),
        ticks=tuple(
            Tick(_is(str, each["point"]), _is(bool, each["must"]), _is(bool, each["told"]))
            for each in found["ticks"]
        ),
    )


def _reply(found: Mapping[str, Any], *, told: bool) -> Reply:
    return Reply(
        asked=_is(str, found["asked"]),
        duration=max(0, _is(int, found["duration_ms"])) * _MS,
        passed=_is(bool, found["passed"]),
        said=_is(str, found["said"]),
        told=told,
    )


def _is(kind: type[Kind], value: object) -> Kind:
    if type(value) is not kind:  # not isinstance: a truth value is no whole number
        raise TypeError(f"{value!r:.40}")
    return value
