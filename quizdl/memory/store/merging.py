"""Taking in what was remembered elsewhere: on a phone, on another machine.

A review is known by its question and its millisecond, under whatever name the question had; one
that is known, also one that was undone, is not added again. All of this happens inside a
transaction of the caller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from quizdl.memory import scheduler
from quizdl.memory.store import history
from quizdl.memory.store.schema import (
    aliases,
    entry_values,
    insert_many,
    inserted,
    interview_values,
    interviews,
    marks,
    milliseconds,
    prediction_values,
    predictions,
    recall_values,
    recalls,
    remarks,
    resets,
    reviews,
    to_remark,
    undos,
    unresets,
)
from quizdl.model import Card, Entry, Interview, Mark, Prediction, Preset, Remark, Reset, Review


def merge_reviews(
    connection: Connection, entries: Iterable[Entry], preset_id: Callable[[Preset], int]
) -> tuple[int, int]:
    """Add the entries that the log lacks, and the undos of those it has; compute the cards of
    their questions anew. How many reviews and how many undos were new."""
    arriving: dict[str, list[Entry]] = defaultdict(list)
    name = history.names_of_today(connection)
    for entry in entries:
        arriving[name(entry.review.question)].append(entry)
    known = _known(connection, name)
    fresh = {question: _fresh(known[question], found) for question, found in arriving.items()}
    undone = _undo(
        connection,
        [
            (row, entry.undone)
            for question, found in arriving.items()
            for entry in found
            if entry.undone and (row := known[question].get(milliseconds(entry.review.at)))
        ],
    )
    made_new = history.all_resets(connection)
    standing: dict[str, list[Review]] = defaultdict(list)
    for question, review in history.standing(connection):
        if question in arriving:
            standing[question].append(review)
    cards: dict[str, Card | None] = {}
    rows: list[dict[str, object]] = []
    late: list[tuple[dict[str, object], datetime]] = []
    for question, new in fresh.items():
        if new or undone & set(known[question].values()):
            states, cards[question] = _states(
                question, standing[question], new, made_new.get(question, ())
            )
            for entry in new:
                values = entry_values(entry.review, preset_id(entry.preset))
                values |= states.get(id(entry.review), {})
                if entry.undone is None:
                    rows.append(values)
                else:
                    late.append((values, entry.undone))
    insert_many(connection, reviews, rows)
    undone |= _undo(connection, [(_insert(connection, values), at) for values, at in late])
    history.put_cards(connection, cards)
    _merge_recalls(connection, arriving)
    return len(rows) + len(late), len(undone)


def _merge_recalls(connection: Connection, arriving: Mapping[str, Iterable[Entry]]) -> None:
    """Add what was told at reviews of which it is not known."""
    told = [
        (question, entry.review.at, entry.recall)
        for question, entries in arriving.items()
        for entry in entries
        if entry.recall is not None
    ]
    if told:
        reviewed = _known(connection, history.names_of_today(connection))
        known = set(connection.scalars(select(recalls.c.review)))
        rows = {reviewed[question][milliseconds(at)]: recall for question, at, recall in told}
        values = [recall_values(row, told) for row, told in rows.items() if row not in known]
        insert_many(connection, recalls, values)


def merge_resets(connection: Connection, made: Iterable[Reset]) -> tuple[int, set[str]]:
    """Add those that the log lacks, known by question and millisecond, and what was undone of
    them. How many were new, and the questions whose cards are to be computed anew."""
    name = history.names_of_today(connection)
    rows = connection.execute(select(resets.c.question, resets.c.reset_ms, resets.c.id))
    known = {(name(question), at): row for question, at, row in rows}
    undone = set(connection.scalars(select(unresets.c.reset)))
    added, changed = 0, set[str]()
    for each in made:
        key = name(each.question), milliseconds(each.at)
        if key not in known:
            values = {"question": each.question, "reset_ms": key[1]}
            known[key] = inserted(connection.execute(insert(resets), values))
            added += 1
            changed.add(key[0])
        if each.undone is not None and known[key] not in undone:
            undone.add(known[key])
            values = {"reset": known[key], "undone_ms": milliseconds(each.undone)}
            connection.execute(insert(unresets), values)
            changed.add(key[0])
    return added, changed


def _known(connection: Connection, name: Callable[[str], str]) -> dict[str, dict[int, int]]:
    """By question, of every review, undone ones too: its millisecond -> its row."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    rows = select(reviews.c.question, reviews.c.reviewed_ms, reviews.c.id)
    for question, at, row in connection.execute(rows):
        found[name(question)][at] = row
    return found


def _fresh(known: Mapping[int, int], found: Iterable[Entry]) -> list[Entry]:
    """Those that are not known, each once, oldest first."""
    fresh = {milliseconds(entry.review.at): entry for entry in found}
    return [fresh[at] for at in sorted(fresh.keys() - known.keys())]


def _states(
    question: str,
    standing: Iterable[Review],
    fresh: Sequence[Entry],
    resets: Sequence[datetime],
) -> tuple[dict[int, dict[str, object]], Card | None]:
    """By identity of each fresh review of which it is not known: the columns of the state it
    was made in and of the memory it led to. And the card after all. Computed in the order in
    which everything happened, here and there."""
    timeline = [*standing, *(entry.review for entry in fresh if entry.undone is None)]
    timeline.sort(key=lambda review: review.at)
    states: dict[int, dict[str, object]] = {}
    card: Card | None = None
    cards = scheduler.retrace(question, timeline, resets)
    for review, after in zip(timeline, cards, strict=True):
        if not review.stability:
            before = card if after.reps > 1 else None
            states[id(review)] = {
                "state_before": int(before.state) if before else None,
                "stability": after.stability,
                "difficulty": after.difficulty,
            }
        card = after
    if resets and timeline and timeline[-1].at <= resets[-1]:
        card = None
    return states, card


def _insert(connection: Connection, values: Mapping[str, object]) -> int:
    """Write one review; its row."""
    return inserted(connection.execute(insert(reviews), values))


def _undo(connection: Connection, undone: Iterable[tuple[int, datetime]]) -> set[int]:
    """Mark these rows undone; which of them were not yet."""
    known = set(connection.scalars(select(undos.c.review)))
    new = {row: at for row, at in undone if row not in known}
    values = [{"review": row, "undone_ms": milliseconds(at)} for row, at in new.items()]
    insert_many(connection, undos, values)
    return set(new)


def merge_predictions(connection: Connection, made: Iterable[Prediction]) -> int:
    """Add those that the log lacks: known by question, claim and millisecond."""
    rows = connection.execute(
        select(predictions.c.question, predictions.c.claim, predictions.c.made_ms)
    )
    known = {tuple(row) for row in rows}
    added = 0
    for each in made:
        key = (each.question, each.claim, milliseconds(each.at))
        if key not in known:
            known.add(key)
            values = prediction_values(
                each.question, each.claim, each.at, each.about, each.forecasts
            )
            connection.execute(insert(predictions), values)
            added += 1
    return added


def merge_interviews(connection: Connection, held: Iterable[Interview]) -> int:
    """Add those that the log lacks: known by the millisecond in which they were begun."""
    known = set(connection.scalars(select(interviews.c.begun_ms)))
    fresh = {milliseconds(each.begun): each for each in held}
    rows = [interview_values(each) for at, each in sorted(fresh.items()) if at not in known]
    insert_many(connection, interviews, rows)
    return len(rows)


def merge_names(connection: Connection, names: Mapping[str, str]) -> dict[str, str]:
    """Add the aliases, old -> new, that are not known, and return them; what is known here
    stays, and leads on to the new name if it led to the old one."""
    added = {}
    for old, new in names.items():
        values = {"old": old, "new": history.current_name(connection, new)}
        if old != values["new"]:
            done = connection.execute(upsert(aliases).values(values).on_conflict_do_nothing())
            if done.rowcount:
                added[old] = values["new"]
                leads_here = update(aliases).where(aliases.c.new == old)
                connection.execute(leads_here.values(new=values["new"]))
    return added


def merge_marks(connection: Connection, given: Mapping[str, Mark]) -> int:
    """Set the marks of questions that have none here."""
    known = {row.question for row in connection.execute(select(marks.c.question))}
    rows = [
        {
            "question": question,
            "suspended": int(mark.suspended),
            "buried_until": mark.buried_until,
            "flagged": int(mark.flagged),
        }
        for question, mark in given.items()
        if question not in known and mark != Mark()
    ]
    insert_many(connection, marks, rows)
    return len(rows)


def merge_remarks(connection: Connection, given: Mapping[str, Remark]) -> int:
    """Take the remarks that are newer than those here."""
    known = {row.question: to_remark(row) for row in connection.execute(select(remarks))}
    name = history.names_of_today(connection)
    newer = {
        name(question): remark
        for question, remark in given.items()
        if (before := known.get(name(question))) is None
        or (remark.at > before.at and remark.text != before.text)
    }
    if newer:
        put = upsert(remarks)
        put = put.on_conflict_do_update(
            index_elements=[remarks.c.question],
            set_={"text": put.excluded.text, "changed_ms": put.excluded.changed_ms},
        )
        values = [
            {"question": question, "text": remark.text, "changed_ms": milliseconds(remark.at)}
            for question, remark in newer.items()
        ]
        connection.execute(put, values)
    return len(newer)
