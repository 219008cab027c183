"""The learner's whole log as JSON Lines: one object a line, so that it can be read, searched
and kept without quizdl. The first line says what it is.

    {"quizdl": "log", "version": 2}
    {"kind": "review", "question": "adam", "at": "2026-03-01T20:15:03.250Z", "rating": 3, …}
    {"kind": "name", "old": "…", "new": "…"}
    {"kind": "mark", "question": "…", "suspended": true, "buried_until": "2026-03-02", …}
    {"kind": "remark", "question": "…", "text": "…", "at": "…"}
    {"kind": "prediction", "question": "…", "claim": "…", "at": "…", …}
    {"kind": "reset", "question": "…", "at": "…", "undone": null}
    {"kind": "interview", "begun": "…", "setup": {…}, "exchanges": [{"question": "…", …}], …}

Times are UTC with milliseconds, days are ISO dates of study days, intervals are in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from quizdl.memory import forecasts, interviews
from quizdl.model import (
    Entry,
    Interview,
    Log,
    Mark,
    Prediction,
    Preset,
    Rating,
    Recall,
    Remark,
    Reset,
    Review,
    State,
    Tick,
)
from quizdl.words import QuizdlError, say

VERSION = 2
"""The first had no resets, no interviews and nothing of what was told."""
_READABLE = (1, 2)
_HEAD = {"quizdl": "log", "version": VERSION}
_WRONG = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def write(log: Log) -> Iterator[str]:
    """The lines, each with its end. The same log gives the same lines."""
    yield _line(_HEAD)
    for old, new in sorted(log.names.items()):
        yield _line({"kind": "name", "old": old, "new": new})
    for entry in log.entries:
        yield _line(_review_record(entry))
    for question, mark in sorted(log.marks.items()):
        buried = date.fromordinal(mark.buried_until).isoformat() if mark.buried_until else None
        yield _line(
            {
                "kind": "mark",
                "question": question,
                "suspended": mark.suspended,
                "buried_until": buried,
                "flagged": mark.flagged,
            }
        )
    for question, remark in sorted(log.remarks.items()):
        at = _time_text(remark.at)
        yield _line({"kind": "remark", "question": question, "text": remark.text, "at": at})
    for prediction in log.predictions:
        yield _line(_prediction_record(prediction))
    for reset in log.resets:
        undone = _time_text(reset.undone) if reset.undone else None
        at = _time_text(reset.at)
        yield _line({"kind": "reset", "question": reset.question, "at": at, "undone": undone})
    for held in log.interviews:
        begun = {"kind": "interview", "begun": _time_text(held.begun)}
        yield _line(begun | interviews.record(held))


def read(lines: Iterable[str], path: Path) -> Log:
    """Raises QuizdlError naming the line of `path` that cannot be understood."""
    entries: list[Entry] = []
    names: dict[str, str] = {}
    marks: dict[str, Mark] = {}
    remarks: dict[str, Remark] = {}
    predictions: list[Prediction] = []
    resets: list[Reset] = []
    held: list[Interview] = []
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if number == 1:
                _check_head(record, path)
                continue
            match record["kind"]:
                case "review":
                    entries.append(_entry(record))
                case "name":
                    names[_text(record["old"])] = _text(record["new"])
                case "mark":
                    marks[_text(record["question"])] = _mark(record)
                case "remark":
                    remarks[_text(record["question"])] = Remark(
                        _text(record["text"]), _time(record["at"])
                    )
                case "prediction":
                    predictions.append(_prediction(record))
                case "reset":
                    undone = _time(record["undone"]) if record["undone"] else None
                    at = _time(record["at"])
                    resets.append(Reset(_text(record["question"]), at, undone))
                case "interview":
                    held.append(interviews.read(_time(record["begun"]), record))
                case kind:
                    raise ValueError(say("log.unknown_kind", kind=kind))
        except _WRONG as error:
            raise QuizdlError("log.line", path=path, line=number, why=_why(error)) from error
    if number == 0:
        raise QuizdlError("log.not_ours", path=path)
    lists = tuple(predictions), tuple(resets), tuple(held)
    return Log(tuple(entries), names, marks, remarks, *lists)


def _check_head(record: Any, path: Path) -> None:
    if not isinstance(record, dict) or record.get("quizdl") != "log":
        raise QuizdlError("log.not_ours", path=path)
    if record.get("version") not in _READABLE:
        raise QuizdlError("log.newer", path=path, found=record.get("version"), known=VERSION)


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return say("log.missing", key=error.args[0])
    return str(error) or type(error).__name__


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


# --- values to records and back ----------------------------------------------------------


def _review_record(entry: Entry) -> dict[str, object]:
    review = entry.review
    return {
        "kind": "review",
        "question": review.question,
        "at": _time_text(review.at),
        "day": date.fromordinal(review.day).isoformat(),
        "rating": int(review.rating),
        "duration_ms": review.duration // timedelta(milliseconds=1),
        "state_before": review.state_before.name.lower() if review.state_before else None,
        "state": review.state.name.lower(),
        "step": review.step,
        "stability": review.stability,
        "difficulty": review.difficulty,
        "interval": review.interval // timedelta(seconds=1),
        "due": _time_text(review.due) if review.due else None,
        "scheduler": entry.preset.scheduler,
        "parameters": entry.preset.parameters,
        "undone": _time_text(entry.undone) if entry.undone else None,
        **({"recall": asdict(entry.recall)} if entry.recall else {}),
    }


def _entry(record: Mapping[str, Any]) -> Entry:
    review = Review(
        id=0,
        question=_text(record["question"]),
        rating=Rating(record["rating"]),
        at=_time(record["at"]),
        day=date.fromisoformat(record["day"]).toordinal(),
        duration=timedelta(milliseconds=max(0, int(record["duration_ms"]))),
        state_before=State[record["state_before"].upper()] if record["state_before"] else None,
        state=State[record["state"].upper()],
        step=None if record["step"] is None else int(record["step"]),
        stability=float(record["stability"]),
        difficulty=float(record["difficulty"]),
        interval=timedelta(seconds=int(record["interval"])),
        due=_time(record["due"]) if record["due"] else None,
    )
    preset = Preset(_text(record["scheduler"]), _text(record["parameters"]))
    undone = _time(record["undone"]) if record["undone"] else None
    return Entry(review, preset, undone, _recall(record["recall"]) if "recall" in record else None)


def _recall(record: Mapping[str, Any]) -> Recall:
    ticks = (
        Tick(_text(tick["point"]), tick["must"] is True, tick["told"] is True)
        for tick in record["ticks"]
    )
    return Recall(_text(record["said"]), tuple(ticks))


def _mark(record: Mapping[str, Any]) -> Mark:
    until = record["buried_until"]
    return Mark(
        suspended=record["suspended"] is True,
        buried_until=date.fromisoformat(until).toordinal() if until else 0,
        flagged=record["flagged"] is True,
    )


def _prediction_record(prediction: Prediction) -> dict[str, object]:
    return {
        "kind": "prediction",
        "question": prediction.question,
        "claim": prediction.claim,
        "at": _time_text(prediction.at),
        "about": prediction.about,
        "forecasts": forecasts.records(prediction.forecasts),
    }


def _prediction(record: Mapping[str, Any]) -> Prediction:
    return Prediction(
        id=0,
        question=_text(record["question"]),
        claim=_text(record["claim"]),
        at=_time(record["at"]),
        about=_text(record["about"]),
        forecasts=forecasts.read(record["forecasts"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(say("log.not_text", value=repr(value)[:40]))
    return value


def _time_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(text: object) -> datetime:
    at = datetime.fromisoformat(_text(text).replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError(say("log.no_zone", value=text))
    return at.astimezone(UTC)
