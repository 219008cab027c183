"""The English texts, brought up to the Chinese ones: `python tests/translations.py`.

New keys get an empty entry, changed Chinese texts make theirs fuzzy (compare, correct, remove
the flag), keys that are gone go. Prints what is to be done by hand, and compiles the rest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polib

import quizdl.words
from quizdl.words.zh import TEXT

PATH = Path(quizdl.words.__file__).with_name("en.po")


def entries(path: Path = PATH) -> dict[str, polib.POEntry]:
    """By key."""
    return {entry.msgctxt: entry for entry in polib.pofile(str(path), wrapwidth=0)}


def updated(known: dict[str, polib.POEntry]) -> list[polib.POEntry]:
    """An entry for each text there is, in the order of the Chinese."""
    found = []
    for key, text in TEXT.items():
        if not text:
            continue
        entry = known.get(key) or polib.POEntry(msgctxt=key, msgid=text)
        if entry.msgid != text:
            entry.previous_msgid, entry.msgid = entry.previous_msgid or entry.msgid, text
            entry.flags = ["fuzzy"]
        elif not entry.fuzzy:
            entry.previous_msgid = None
        found.append(entry)
    return found


def compile_texts(path: Path = PATH) -> None:
    polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))


def main() -> int:
    file = polib.pofile(str(PATH), wrapwidth=0)
    file[:] = updated(entries())
    file.save()
    compile_texts()
    todo = [entry for entry in file if not entry.translated()]
    for entry in todo:
        print("changed" if entry.fuzzy else "new    ", entry.msgctxt, entry.msgid)
    return 1 if todo else 0


if __name__ == "__main__":
    sys.exit(main())
