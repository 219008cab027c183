"""Interviews that are not in the log yet: what is left of them when the machine goes down."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from quizdl import jsonfile
from quizdl.interview.conduct import Draft
from quizdl.memory import interviews
from quizdl.model import Interview
from quizdl.words import QuizdlError

_MS = timedelta(milliseconds=1)


class Drafts:
    """Those in the file `path`, which need not exist before the first is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def newest(self) -> Draft | None:
        """The one begun last; what is damaged is passed over."""
        for key, found in sorted(jsonfile.read(self._path).items(), reverse=True):
            with contextlib.suppress(AttributeError, LookupError, TypeError, ValueError):
                return _read(key, found)
        return None

    def keep(self, draft: Draft) -> None:
        """In place of what was kept of this interview. Raises QuizdlError when it cannot be."""
        found = {
            "interview": interviews.record(draft.interview),
            "question": draft.question,
            "follow_ups": list(draft.follow_ups),
            "leads_to": draft.leads_to,
            "said": draft.said,
            "ran_ms": draft.ran // _MS,
        }
        self._change(lambda document: document | {_key(draft.interview): found})

    def drop(self, interview: Interview) -> None:
        """It is in the log, or is not wanted. Raises QuizdlError when that cannot be
        written."""
        key = _key(interview)
        if key in jsonfile.read(self._path):
            self._change(lambda document: {k: v for k, v in document.items() if k != key})

    def _change(self, changed: Any) -> None:
        try:
            jsonfile.change(self._path, changed)
        except OSError as error:
            why = error.strerror or error
            raise QuizdlError("interview.draft", path=self._path, why=why) from error


def _key(interview: Interview) -> str:
    return interview.begun.isoformat(timespec="milliseconds")


def _read(key: str, found: Any) -> Draft:
    begun = datetime.fromisoformat(key)
    if begun.tzinfo is None:
        raise ValueError(key)
    return Draft(
        interview=interviews.read(begun, found["interview"]),
        question=str(found["question"]),
        follow_ups=tuple(map(str, found["follow_ups"])),
        leads_to=str(found["leads_to"]),
        said=str(found["said"]),
        ran=int(found["ran_ms"]) * _MS,
    )
