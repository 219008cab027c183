"""The real Anki: a collection of its own in a folder, for what we write and for what it writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anki.collection import (
    Collection,
    DeckIdLimit,
    ExportAnkiPackageOptions,
    ImportAnkiPackageOptions,
    ImportAnkiPackageRequest,
    ImportLogWithChanges,
)


@contextmanager
def collection(folder: Path) -> Iterator[Collection]:
    folder.mkdir(parents=True, exist_ok=True)
    opened = Collection(str(folder / "collection.anki2"))
    try:
        yield opened
    finally:
        opened.close()


def take_in(anki: Collection, package: Path) -> ImportLogWithChanges.Log:
    """As its dialog does, with everything on that concerns progress."""
    options = ImportAnkiPackageOptions(with_scheduling=True, with_deck_configs=False)
    request = ImportAnkiPackageRequest(package_path=str(package), options=options)
    return anki.import_anki_package(request).log


def give_out(anki: Collection, package: Path, *, legacy: bool = False) -> Path:
    """What the learner exports after having reviewed there."""
    options = ExportAnkiPackageOptions(
        with_scheduling=True, with_deck_configs=False, with_media=True, legacy=legacy
    )
    deck = anki.decks.id_for_name("quizdl")
    assert deck is not None
    anki.export_anki_package(
        out_path=str(package), limit=DeckIdLimit(deck_id=deck), options=options
    )
    return package
