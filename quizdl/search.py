"""Looking for questions: the language that every command and screen understands.

    梯度 消失           every word must be somewhere: Chinese, English, part of a tag or a term
    tidu   td   BN     pinyin, its initials, abbreviations
    topic:优化器  tag:动量  company:字节  level:2
    is:due is:new is:learning is:review is:suspended is:buried is:flagged is:leech is:weak
    prop:r<0.9         r, s, d (as FSRS has them), ivl in days, reps, lapses
    -tag:动量          a minus: none of these
    "learning rate"    quotes keep words together

Words are searched in memory: a bank is small, and an index of SQLite's cannot find two
characters of Chinese.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

from quizdl.memory import scheduler
from quizdl.memory.queue import is_due, is_leech, is_weak
from quizdl.model import Card, Mark, Question, State
from quizdl.words import QuizdlError, listed

OPERATORS = ("topic", "tag", "company", "level", "is", "prop")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_PROPERTY = re.compile(r"(r|s|d|ivl|reps|lapses)(<=|>=|!=|<|>|=)(\d+(?:\.\d+)?)")
_PART = re.compile(r'(-?)((?:[a-z]+:)?)(?:"([^"]*)"|(\S+))')
_ASCII = re.compile(r"[a-z]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_GAP = "|"  # in no word of _ASCII
_CHINESE = re.compile("[\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a query."""

    kind: str
    """One of OPERATORS, or empty for a word."""
    value: str
    """Folded."""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Remembered:
    """What `is:` and `prop:` ask about, on one study day."""

    day: int
    cards: Mapping[str, Card] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a query. Raises QuizdlError for an operator or a value that there is not."""
    terms = []
    for minus, prefix, quoted, plain in _PART.findall(_fold(text)):
        kind, value = prefix.removesuffix(":"), quoted or plain
        if not kind and plain.removesuffix(":") in OPERATORS and plain.endswith(":"):
            raise QuizdlError("search.unfinished", name=plain)
        if kind and kind not in OPERATORS:
            if kind in ("http", "https"):
                kind, value = "", prefix + value
            else:
                known = listed(f"{name}:" for name in OPERATORS)
                raise QuizdlError("search.operator", name=kind, known=known)
        if kind == "is" and value not in _STATES:
            raise QuizdlError("search.state", value=value, known=listed(_STATES))
        if kind == "prop" and not _PROPERTY.fullmatch(value):
            raise QuizdlError("search.property", value=value)
        if kind == "level" and value not in ("1", "2", "3"):
            raise QuizdlError("search.level", value=value)
        if value:
            terms.append(Term(kind, value, bool(minus)))
    return tuple(terms)


def sounds_like(word: str, text: str) -> bool:
    """Whether a run of Chinese in `text` can be typed as `word`: in pinyin, or by its initials."""
    return _Sounds(_CHINESE.findall(text)).has(_fold(word))


def asks_memory(terms: Iterable[Term]) -> bool:
    """Whether any of the terms can only be answered by what is remembered."""
    return any(term.kind in ("is", "prop") for term in terms)


class Index:
    """Questions, prepared to be searched again and again."""

    def __init__(self, questions: Sequence[Question], topic_titles: Mapping[str, str]) -> None:
        self._entries = [
            _Entry(place, each, topic_titles.get(each.topic, ""))
            for place, each in enumerate(questions)
        ]
        self._last: _Search | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def prepare(self) -> None:
        """Do beforehand, in any thread, what the first query would wait for."""
        for entry in self._entries:
            _ = entry.text, entry.sounds, entry.topics, entry.tags, entry.companies
        _ = self._pieces, self._values

    def replaced(self, question: Question) -> Index:
        """With the text of one question as it is now; all else is as ready as it was."""
        index = Index((), {})
        index._entries = [*self._entries]
        for old in self._entries:
            if old.question.id == question.id:
                new = index._entries[old.place] = _Entry(old.place, question, old.topic_title)
                index._pieces = self._pieces.replaced(old, new)
        return index

    def hints(self, query: str) -> tuple[str, ...]:
        """What may stand in place of the last word of `query`: operators, or values of one."""
        typed = _fold(query).rpartition(" ")[2].removeprefix("-")
        kind, colon, start = typed.partition(":")
        if not colon:
            return tuple(f"{name}:" for name in OPERATORS if name.startswith(kind))
        return tuple(
            f'{kind}:"{value}"' if " " in value else f"{kind}:{value}"
            for value in self._values.get(kind, ())
            if _fold(value).startswith(start.strip('"')) and _fold(value) != start
        )

    @cached_property
    def _pieces(self) -> _Pieces:
        return _Pieces.of(self._entries)

    @cached_property
    def _values(self) -> Mapping[str, Sequence[str]]:
        """Of each operator, in the order of the syllabus; of numbers, examples."""
        questions = [entry.question for entry in self._entries]
        return {
            "topic": _once(entry.topic_title or entry.question.topic for entry in self._entries),
            "tag": _once(tag for question in questions for tag in question.tags),
            "company": _once(name for question in questions for name in question.asked_by),
            "level": ("1", "2", "3"),
            "is": tuple(_STATES),
            "prop": ("r<0.9", "s>30", "d>7", "ivl>21", "reps>5", "lapses>=3"),
        }

    def find(
        self, terms: Sequence[Term], remembered: Remembered | None = None
    ) -> tuple[Question, ...]:
        """The questions that meet all `terms`, in their order. `remembered` may be missing when
        no term asks for it."""
        last, entries, left = self._last, self._entries, terms
        if last is not None and last.remembered is remembered and _goes_on(last.terms, terms):
            # as one types: what has the longer word has the shorter one, and all else before it
            entries, left = last.found, terms[len(last.terms) - 1 :]
        about = remembered or Remembered(0)
        for term in left:  # each goes through what the one before has left
            meets, wanted = self._condition(term, about), not term.negated
            entries = [entry for entry in entries if meets(entry) is wanted]
        self._last = _Search(tuple(terms), remembered, entries)
        return tuple(entry.question for entry in entries)

    def _condition(self, term: Term, remembered: Remembered) -> Callable[[_Entry], bool]:
        """What a term that is not negated asks of a question."""
        value, cards, marks = term.value, remembered.cards, remembered.marks
        match term.kind:
            case "topic":
                return lambda entry: value in entry.topics
            case "tag":
                return lambda entry: value in entry.tags
            case "company":
                return lambda entry: value in entry.companies
            case "level":
                return lambda entry: entry.question.level == int(value)
            case "is":
                state, day, plain = _STATES[value], remembered.day, Mark()

                def stands(entry: _Entry) -> bool:
                    question = entry.question.id
                    return state(cards.get(question), marks.get(question, plain), day)

                return stands
            case "prop":
                return lambda entry: _property(cards.get(entry.question.id), value, remembered.day)
        if value.isascii() and not any(map(str.isspace, value)):
            written = self._pieces.having(value)
            if _ASCII.fullmatch(value):
                return lambda entry: entry.place in written or entry.sounds.has(value)
            return lambda entry: entry.place in written
        return lambda entry: _holds(entry.text, value)


class _Search(NamedTuple):
    terms: tuple[Term, ...]
    remembered: Remembered | None
    found: list[_Entry]


def _goes_on(before: Sequence[Term], now: Sequence[Term]) -> bool:
    """Whether `now` asks for all that `before` did: with more terms, or with more letters in
    what was the last word."""
    if not before or len(now) < len(before):
        return False
    *same, last = before
    then = now[len(same)]
    word = not (last.kind or then.kind or last.negated or then.negated)
    longer = word and then.value.startswith(last.value)
    return list(now[: len(same)]) == same and (then == last or longer)


class _Entry:
    def __init__(self, place: int, question: Question, topic_title: str) -> None:
        self.place, self.question, self.topic_title = place, question, topic_title

    @cached_property
    def topics(self) -> frozenset[str]:
        return frozenset({_fold(self.question.topic), _fold(self.topic_title)})

    @cached_property
    def tags(self) -> frozenset[str]:
        return frozenset(map(_fold, self.question.tags))

    @cached_property
    def companies(self) -> frozenset[str]:
        return frozenset(map(_fold, self.question.asked_by))

    @cached_property
    def text(self) -> str:
        question = self.question
        parts = (question.id, self.topic_title, question.title, question.front, question.back)
        more = (*question.tags, *question.asked_by, *question.terms, *question.terms.values())
        return _fold("\n".join((*parts, *more)))

    def pieces(self) -> Iterable[str]:
        """What stands in ASCII, each piece once: all that a word of ASCII can be part of."""
        return dict.fromkeys(_NOT_ASCII.sub(" ", self.text).split())

    @cached_property
    def sounds(self) -> _Sounds:
        """How the names of things are spoken: not every sentence of the answer."""
        question = self.question
        names = (question.title, self.topic_title, *question.tags, *question.terms)
        return _Sounds(run for name in names for run in _CHINESE.findall(name))


class _Pieces:
    """Where each piece of ASCII stands. Thousands of texts have the same few pieces, so these
    are looked through instead of the texts."""

    def __init__(self, places: Mapping[str, Sequence[int]]) -> None:
        self._places = places

    @classmethod
    def of(cls, entries: Iterable[_Entry]) -> _Pieces:
        places: dict[str, list[int]] = defaultdict(list)
        for entry in entries:
            for piece in entry.pieces():
                places[piece].append(entry.place)
        return cls(places)

    def replaced(self, old: _Entry, new: _Entry) -> _Pieces:
        """With another entry in its place."""
        places = dict(self._places)
        before, after = set(old.pieces()), set(new.pieces())
        for piece in before - after:
            places[piece] = [place for place in places[piece] if place != old.place]
        for piece in after - before:
            places[piece] = [*places.get(piece, ()), new.place]
        return _Pieces(places)

    def having(self, word: str) -> set[int]:
        """The places of all entries with a piece that `word` is a part of."""
        found: set[int] = set()
        return found.union(*(at for piece, at in self._places.items() if word in piece))


class _Sounds:
    """Runs of Chinese characters in pinyin."""

    def __init__(self, runs: Iterable[str]) -> None:
        spoken = [_syllables(run) for run in runs]
        self._full = _GAP.join("".join(run) for run in spoken)
        self._initials = _GAP.join("".join(syllable[:1] for syllable in run) for run in spoken)
        starts, at = set(), 0
        for run in spoken:
            for syllable in run:
                starts.add(at)
                at += len(syllable)
            at += len(_GAP)
        self._starts = frozenset(starts)

    def has(self, word: str) -> bool:
        """Whether a run can be typed so, from the beginning of a syllable on."""
        if word in self._initials or len(word) == 1:
            return word in self._initials
        at = self._full.find(word)
        while at >= 0:
            if at in self._starts:
                return True
            at = self._full.find(word, at + 1)
        return False


@lru_cache(maxsize=10_000)
def _syllables(run: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin

    return tuple(lazy_pinyin(run))


def _holds(text: str, word: str) -> bool:
    """`word in text`, for words that begin with a rare character. Python looks for one Chinese
    character several times as fast as for two."""
    at = text.find(word[0])
    while at >= 0 and not text.startswith(word, at):
        at = text.find(word[0], at + 1)
    return at >= 0


_STATES: Mapping[str, Callable[[Card | None, Mark, int], bool]] = {
    "new": lambda card, mark, day: card is None,
    "due": lambda card, mark, day: card is not None and is_due(card, mark, day),
    "learning": lambda card, mark, day: card is not None and card.state is not State.REVIEW,
    "review": lambda card, mark, day: card is not None and card.state is State.REVIEW,
    "suspended": lambda card, mark, day: mark.suspended,
    "buried": lambda card, mark, day: mark.buried_until > day,
    "flagged": lambda card, mark, day: mark.flagged,
    "leech": lambda card, mark, day: card is not None and is_leech(card),
    "weak": lambda card, mark, day: card is not None and is_weak(card),
}


def _property(card: Card | None, condition: str, day: int) -> bool:
    """A question that was never asked has none of these."""
    match = _PROPERTY.fullmatch(condition)
    if card is None or match is None:
        return False
    name, sign, number = match.groups()
    value: float
    match name:
        case "r":
            value = scheduler.retrievability(card, day)
        case "s":
            value = card.stability
        case "d":
            value = card.difficulty
        case "ivl":
            value = card.due_day - card.last_day
        case "reps":
            value = card.reps
        case _:
            value = card.lapses
    return _COMPARE[sign](value, float(number))


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
