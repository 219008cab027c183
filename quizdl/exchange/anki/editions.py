"""When each note last changed, kept beside the learner's data.

Anki replaces a note when the one that comes in is newer. So a note whose content is what it was
at the last export must say the same time as then, and one that changed a later time; else a
second import changes nothing, or changes everything.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from quizdl import jsonfile
from quizdl.exchange.anki.notes import Note

_FORMAT = 1


class Editions:
    """The times in the file at `path`; `now`, in seconds since 1970, is the time of what is met
    for the first time, or has changed. `save` keeps them."""

    def __init__(self, path: Path, now: int) -> None:
        self._path, self._now = path, now
        document = jsonfile.read(path)
        self._known = document.get("notes", {}) if document.get("format") == _FORMAT else {}
        self._met: dict[str, list[object]] = {}
        self.changed = 0
        """How many of what was met are no longer what they were."""

    def of(self, note: Note) -> int:
        parts = (note.deck, *note.tags, "", *note.fields)
        return self.of_text(note.guid, "\x1f".join(parts))

    def of_text(self, name: str, text: str) -> int:
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        match self._known.get(name):
            case [str(known), int(at)] if known == digest:
                pass
            case [_, int(before)]:
                at = max(self._now, before + 1)  # later than before, whatever the clock says
                self.changed += 1
            case _:
                at = self._now
        self._met[name] = [digest, at]
        return at

    def save(self) -> None:
        """Raises OSError when it cannot be written."""
        met = self._met
        jsonfile.change(
            self._path,
            lambda document: {
                "format": _FORMAT,
                "notes": (document.get("notes") or {} if document.get("format") == _FORMAT else {})
                | met,
            },
        )
