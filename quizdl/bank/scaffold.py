"""`quizdl new`: a question to fill in, already in the right form and already proved."""

from __future__ import annotations

from pathlib import Path

from quizdl.bank.loader import NUMBERED, SLUG, load
from quizdl.words import QuizdlError, in_chinese


def create(root: Path, target: str) -> Path:
    """Write question.md and demo.py (and topic.toml for a new topic) for `TOPIC/SLUG`.

    Nothing that exists is touched. Raises QuizdlError for a malformed name, an id that is
    taken anywhere in the bank, or a folder that cannot be written.
    """
    topic, _, slug = target.partition("/")
    if not (SLUG.fullmatch(topic) and SLUG.fullmatch(slug)) or NUMBERED.search(slug):
        raise QuizdlError("bank.new.form")
    folder = root / topic / slug
    if folder.exists():
        raise QuizdlError("bank.new.exists", path=folder)
    if root.is_dir():
        others = [*root.glob(f"*/{slug}")]  # one that cannot be read has its id as well
        others += [each.folder for each in load(root).questions if slug in each.formerly]
        if others:
            raise QuizdlError("bank.new.taken", id=slug, other=others[0])
    topic_file = folder.parent / "topic.toml"
    try:
        folder.mkdir(parents=True)
        if not topic_file.exists():
            topic_file.write_text(in_chinese("scaffold.topic", topic=topic), "utf-8")
        (folder / "question.md").write_text(in_chinese("scaffold.question"), "utf-8")
        (folder / "demo.py").write_text(in_chinese("scaffold.demo"), "utf-8")
    except OSError as error:
        raise QuizdlError("bank.new.unwritable", path=folder, why=error.strerror) from error
    return folder
