"""The history of a question: its standing reviews under all its names, and the card they give.

The log keeps the id a question had when it was rated; an alias says what it is called today.
All of this happens inside a transaction of the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    union,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from quizdl.memory import scheduler
from quizdl.memory.store.prepared import Prepared
from quizdl.memory.store.schema import (
    CARD,
    aliases,
    card_values,
    cards,
    insert_many,
    interviews,
    marks,
    predictions,
    recalls,
    remarks,
    resets,
    reviews,
    time_of,
    to_card,
    to_interview,
    to_prediction,
    to_recall,
    to_review,
    undos,
    unresets,
)
from quizdl.model import Card, Interview, Prediction, Rating, Recall, Review, State

LOG = reviews.outerjoin(undos, undos.c.review == reviews.c.id)
STANDING = undos.c.review.is_(None)
"""Of the rows of LOG, those nobody has undone."""

# Statements, built once.
_CARD = Prepared(select(*CARD).where(cards.c.question == bindparam("question")))
_upsert = upsert(cards)
_PUT_CARD = Prepared(
    _upsert.on_conflict_do_update(
        index_elements=[cards.c.question],
        set_={name: column for name, column in _upsert.excluded.items() if name != "question"},
    ),
    cards.c.keys(),
)
_BEHIND = Prepared(
    union(
        *(
            select(table.c.question).where(table.c.question.in_(select(aliases.c.old)))
            for table in (marks, remarks)
        )
    )
)
"""Old names that marks or a note still stand under, as an alias that comes with a merge leaves
them: by a bank that has the new name, `adopt` brings them there."""
_FOREIGN = Prepared(
    select(cards.c.question).where(cards.c.scheduler != bindparam("version")).limit(1)
)
_ALIASES = Prepared(select(aliases.c.old, aliases.c.new))
_ALIAS = Prepared(select(aliases.c.new).where(aliases.c.old == bindparam("question")))
_IN_TIME = (reviews.c.reviewed_ms, reviews.c.id)
"""The order of the log: reviews made elsewhere are added later than they happened."""
_ALL_STANDING = select(reviews).select_from(LOG).where(STANDING).order_by(*_IN_TIME)


def _is_question(name: ColumnElement[str]) -> ColumnElement[bool]:
    return name == bindparam("question")


def _was_question(name: ColumnElement[str]) -> ColumnElement[bool]:
    return name.in_(select(aliases.c.old).where(aliases.c.new == bindparam("question")))


def _of_question(name: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(_is_question(name), _was_question(name))


_STANDING_OF = _ALL_STANDING.where(_of_question(reviews.c.question))
_LAST_TOLD = (
    select(recalls.c.said, recalls.c.ticks, reviews.c.reviewed_ms)
    .select_from(LOG.join(recalls))
    .where(STANDING, _of_question(reviews.c.question))
    .order_by(reviews.c.reviewed_ms.desc(), reviews.c.id.desc())
    .limit(1)
)
_exchange = func.json_each(interviews.c.document, "$.exchanges").table_valued("value")
_LAST_HELD = (
    select(interviews)
    .where(
        select(_exchange.c.value)
        .where(
            _of_question(func.json_extract(_exchange.c.value, "$.question")),
            func.json_array_length(_exchange.c.value, "$.ticks") > 0,
        )
        .exists()
    )
    .order_by(interviews.c.begun_ms.desc())
    .limit(1)
)
"""The last interview in which key points of a question were looked at."""
_NEWEST = Prepared(
    select(
        *(
            select(func.max(at)).where(of(at.table.c.question)).scalar_subquery()
            for at in (reviews.c.reviewed_ms, resets.c.reset_ms)
            for of in (_is_question, _was_question)  # each the last entry of an index
        )
    )
)
_RESETS = (
    select(resets.c.question, resets.c.reset_ms)
    .select_from(resets.outerjoin(unresets, unresets.c.reset == resets.c.id))
    .where(unresets.c.reset.is_(None))
    .order_by(resets.c.reset_ms)
)
_RESETS_OF = _RESETS.where(_of_question(resets.c.question))

_names = union(  # of all that have reviews: each is looked up in an index
    *(select(name) for name in (cards.c.question, aliases.c.old, aliases.c.new)),
    select(resets.c.question),
    select(reviews.c.question).where(reviews.c.id.in_(select(undos.c.review))),
).subquery()
_recall = (
    reviews.c.state_before == literal_column(f"{State.REVIEW:d}"),  # as the index has it
    reviews.c.day >= bindparam("first"),
)
_asked = func.count()
_passed = func.count().filter(reviews.c.rating > Rating.AGAIN.value)
_BOTH = 1 << 32
"""Two counts in one number, as a subquery gives one: groups of text take half as long again."""
_TALLIES = Prepared(
    select(
        _names.c.question,
        select(_asked * _BOTH + _passed)
        .where(reviews.c.question == _names.c.question, *_recall)
        .scalar_subquery(),
    )
)
_TALLIES_UNDONE = Prepared(
    select(reviews.c.question, _asked * _BOTH + _passed)
    .where(reviews.c.id.in_(select(undos.c.review)), *_recall)
    .group_by(reviews.c.question)
)
_SINCE = Prepared(  # asked for recalls alone, SQLite would look through the index of all of them
    select(reviews.c.question, reviews.c.state_before, reviews.c.day, reviews.c.rating).where(
        reviews.c.id > bindparam("last")
    )
)
_GROWTH = Prepared(
    select(
        func.coalesce(select(func.max(reviews.c.id)).scalar_subquery(), 0),
        select(func.count()).select_from(undos).scalar_subquery(),
    )
)


# --- reviews ------------------------------------------------------------------------------


def standing(connection: Connection) -> Iterator[tuple[str, Review]]:
    """Every review that was not undone, oldest first, with the name of today."""
    known = _aliases(connection)
    for row in connection.execute(_ALL_STANDING):
        review = to_review(row)
        yield known.get(review.question, review.question), review


def standing_of(connection: Connection, question: str) -> list[Review]:
    """The same of one question."""
    return [to_review(row) for row in connection.execute(_STANDING_OF, {"question": question})]


def earliest(connection: Connection, question: str) -> datetime:
    """When the next review of a question may be: not before the last one, also if that was
    undone, and after it was last made new; 1970 when neither ever happened."""
    *reviewed, new, once_new = _NEWEST(connection, {"question": question}).fetchone()
    made_new = [at + 1 for at in (new, once_new) if at is not None]
    return time_of(max([0, *made_new, *(at for at in reviewed if at is not None)]))


class Tallies(NamedTuple):
    """The answers in State.REVIEW that stand, of each question, from a study day on."""

    first: int
    last: int
    """The newest review that was looked at, and how many were undone: by these the log says
    whether, and where, it has grown since."""
    undone: int
    both: Mapping[str, int]
    """By the name it had then: how often it was asked, times _BOTH, and how often known."""

    def by_question(self, connection: Connection) -> dict[str, tuple[int, int]]:
        """How often asked, and how often known; under the names of today."""
        both = dict(self.both)
        for old, new in _aliases(connection).items():
            if old in both:
                both[new] = both.get(new, 0) + both.pop(old)
        return {question: (each // _BOTH, each % _BOTH) for question, each in both.items()}


def tallies(connection: Connection, first: int, before: Tallies | None) -> Tallies:
    """`before`: what was counted at an earlier time. As reviews are only ever added, only those
    added since are looked at; all are when one was undone since."""
    last, undone = _GROWTH(connection).fetchone()
    if before is not None and (before.first, before.undone) == (first, undone):
        both = dict(before.both)
        for question, state, day, rating in _SINCE(connection, {"last": before.last}):
            if state == State.REVIEW and day >= first:
                both[question] = both.get(question, 0) + _BOTH + (rating > Rating.AGAIN)
    else:
        both = {each: found for each, found in _TALLIES(connection, {"first": first}) if found}
        for question, less in _TALLIES_UNDONE(connection, {"first": first}):
            both[question] -= less
    return Tallies(first, last, undone, both)


def resets_of(connection: Connection, question: str) -> list[datetime]:
    """When a question was made new, without what was undone, oldest first."""
    return [time_of(row.reset_ms) for row in connection.execute(_RESETS_OF, {"question": question})]


def all_resets(connection: Connection) -> dict[str, list[datetime]]:
    """The same of every question, under the names of today."""
    name, found = names_of_today(connection), dict[str, list[datetime]]()
    for row in connection.execute(_RESETS):
        found.setdefault(name(row.question), []).append(time_of(row.reset_ms))
    return found


def last_told(connection: Connection, question: str) -> Recall | None:
    """What was told of a question when it was last asked, at a review or in an interview, of
    those times of which it is known."""
    row = connection.execute(_LAST_TOLD, {"question": question}).first()
    held = connection.execute(_LAST_HELD, {"question": question}).first()
    if held is not None and (row is None or row.reviewed_ms < held.begun_ms):
        name = names_of_today(connection)
        for each in to_interview(held).exchanges:
            if name(each.question) == question and each.ticks:
                return Recall(each.main.said, each.ticks)
    return None if row is None else to_recall(row.said, row.ticks)


def predictions_made(connection: Connection) -> Iterator[tuple[str, Prediction]]:
    """Every prediction, oldest first, with the name of today. No undo concerns them."""
    known = _aliases(connection)
    for row in connection.execute(select(predictions).order_by(predictions.c.id)):
        prediction = to_prediction(row)
        yield known.get(prediction.question, prediction.question), prediction


def interviews_held(connection: Connection) -> list[Interview]:
    """Every interview, oldest first, under the names of then."""
    rows = connection.execute(select(interviews).order_by(interviews.c.begun_ms))
    return [to_interview(row) for row in rows]


def under_names_of_today(connection: Connection, held: Iterable[Interview]) -> list[Interview]:
    name = names_of_today(connection)
    return [
        replace(
            interview,
            exchanges=tuple(
                replace(each, question=name(each.question)) for each in interview.exchanges
            ),
        )
        for interview in held
    ]


# --- cards --------------------------------------------------------------------------------


def card_of(connection: Connection, question: str) -> Card | None:
    row = _CARD(connection, {"question": question}).fetchone()
    return None if row is None else to_card(row)


def put_card(connection: Connection, card: Card, version: str) -> None:
    """`version`: of the scheduler that computed it."""
    _PUT_CARD(connection, card_values(card, version))


def rebuild(connection: Connection, question: str) -> Card | None:
    """Replay one question into the cache."""
    card = None
    if current_name(connection, question) == question:
        log = standing_of(connection, question)
        card = scheduler.replay(question, log, resets_of(connection, question))
    if card is None:
        connection.execute(delete(cards).where(cards.c.question == question))
    else:
        put_card(connection, card, scheduler.scheduler_version())
    return card


def put_cards(connection: Connection, computed: Mapping[str, Card | None]) -> None:
    """Put many cards, by question; None: it has none. All computed by the scheduler at hand."""
    if not computed:
        return
    this = delete(cards).where(cards.c.question == bindparam("gone"))
    connection.execute(this, [{"gone": question} for question in computed])
    version = scheduler.scheduler_version()
    values = [card_values(card, version) for card in computed.values() if card is not None]
    insert_many(connection, cards, values)


def replay(connection: Connection) -> None:
    """Replay every question."""
    logs: dict[str, list[Review]] = {}
    for question, review in standing(connection):
        logs.setdefault(question, []).append(review)
    made_new = all_resets(connection)
    connection.execute(delete(cards))
    put_cards(
        connection,
        {name: scheduler.replay(name, log, made_new.get(name, ())) for name, log in logs.items()},
    )


def is_outdated(connection: Connection) -> bool:
    """Whether another version of the scheduler computed a card."""
    version = {"version": scheduler.scheduler_version()}
    return _FOREIGN(connection, version).fetchone() is not None


# --- names --------------------------------------------------------------------------------


def current_name(connection: Connection, question: str) -> str:
    row = _ALIAS(connection, {"question": question}).fetchone()
    return question if row is None else str(row[0])


def names_of_today(connection: Connection) -> Callable[[str], str]:
    """As `current_name`, for many."""
    known = _aliases(connection)
    return lambda question: known.get(question, question)


def renames(
    connection: Connection, formerly: Mapping[str, str], live: Collection[str]
) -> dict[str, str]:
    """Aliases to change, old -> new; old -> old takes one away.

    Only ids that left a trace are kept. An id renamed twice points to its last name at once.
    """
    known = _aliases(connection)
    changes = {old: old for old in known if old in live}
    formerly = {old: new for old, new in formerly.items() if old not in live}
    fresh = [old for old in formerly if old not in known]
    traced: set[str] = set()
    if fresh:
        for table in (reviews, resets, marks, remarks, predictions):
            found = select(table.c.question).where(table.c.question.in_(fresh)).distinct()
            traced.update(connection.scalars(found))
        held = interviews_held(connection)
        traced.update({each.question for one in held for each in one.exchanges} & set(fresh))
    for old, new in {**known, **formerly}.items():
        new = formerly.get(new, new)
        if old not in live and (old in known or old in traced) and known.get(old) != new:
            changes[old] = new
    if known:
        for (old,) in _BEHIND(connection):
            if old not in live:
                changes.setdefault(old, known[old])
    return changes


def adopt(connection: Connection, formerly: Mapping[str, str], live: Collection[str]) -> None:
    """Change these aliases, and compute anew the cards they concern."""
    known = _aliases(connection)
    changes = renames(connection, formerly, live)
    for old, new in changes.items():
        _rename(connection, old, new)
    before = {known[old] for old in changes if old in known}
    for question in sorted({*changes, *changes.values(), *before}):
        rebuild(connection, question)


def _aliases(connection: Connection) -> dict[str, str]:
    return dict(_ALIASES(connection))


def _rename(connection: Connection, old: str, new: str) -> None:
    write = connection.execute
    write(delete(aliases).where(aliases.c.old == old))
    if old == new:
        return
    write(insert(aliases), {"old": old, "new": new})
    for table in (marks, remarks):  # by hand, so kept under the name of today
        row = write(select(table).where(table.c.question == old)).one_or_none()
        if row is not None:
            moved = {**row._mapping, "question": new}
            write(upsert(table).values(moved).on_conflict_do_nothing())
            write(delete(table).where(table.c.question == old))
