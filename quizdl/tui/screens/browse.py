"""All questions, found as one types; the answer of the chosen one beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from quizdl.model import Mark, Question, State, Verdict
from quizdl.proof.receipts import Receipts
from quizdl.render.answer import answer_markdown, question_markdown
from quizdl.render.cells import cells, pad, truncate
from quizdl.render.text import Line, Span
from quizdl.search import Remembered, parse
from quizdl.session import Library, Session, Standing, format_interval, standing
from quizdl.tui.explained import explained
from quizdl.tui.screens.choice import ChoiceScreen
from quizdl.tui.screens.proving import WIDE
from quizdl.tui.widgets.drawn import Band
from quizdl.tui.widgets.keys import KeyLine
from quizdl.tui.widgets.listing import Listing
from quizdl.tui.widgets.page import Page
from quizdl.tui.widgets.sheet import Sheet
from quizdl.words import QuizdlError, say

REST = 0.1
"""Seconds that the cursor rests on a question before its answer is laid out."""
_TOPIC_FROM = 68  # cells of the list from which on it has room for the topic
_WIDTHS = {"mark": 2, "topic": 14, "level": 5, "when": 11, "recall": 6, "proof": 5}
_GAP = "  "
_BULK = {
    "suspend": ("suspended", True),
    "resume": ("suspended", False),
    "flag": ("flagged", True),
    "unflag": ("flagged", False),
}
Change = tuple[Sequence[Question], Callable[[], object]]
"""Questions that were changed, and what takes it back."""


class BrowseScreen(Screen[Session]):
    """Dismissed with a session of what was chosen, or with nothing.

    The keyboard stays in the query; arrows, Enter and Ctrl act on the list.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    BINDINGS = [  # noqa: RUF012
        Binding(
            "enter",
            "one",
            say("tui.key.browse.one"),
            priority=True,
            key_display="Enter",
            id="browse.one",
        ),
        Binding("ctrl+r", "all", say("tui.key.browse.all"), priority=True, id="browse.all"),
        Binding(
            "ctrl+s",
            "suspend_question",
            say("tui.key.browse.suspend"),
            priority=True,
            id="browse.suspend_question",
        ),
        Binding("ctrl+b", "flag", say("tui.key.browse.flag"), priority=True, id="browse.flag"),
        Binding("ctrl+o", "bulk", say("tui.key.browse.bulk"), priority=True, id="browse.bulk"),
        Binding("escape", "leave", say("tui.key.back"), key_display="Esc", id="browse.leave"),
        Binding(
            "tab",
            "complete",
            say("tui.key.browse.complete"),
            priority=True,
            show=False,
            id="browse.complete",
        ),
        Binding(
            "down", "move(1)", say("tui.key.down"), show=False, priority=True, id="browse.down"
        ),
        Binding("up", "move(-1)", say("tui.key.up"), show=False, priority=True, id="browse.up"),
        Binding(
            "pagedown",
            "page(1)",
            say("tui.key.page_down"),
            show=False,
            priority=True,
            id="browse.page_down",
        ),
        Binding(
            "pageup",
            "page(-1)",
            say("tui.key.page_up"),
            show=False,
            priority=True,
            id="browse.page_up",
        ),
        Binding(
            "ctrl+down",
            "preview(1)",
            say("tui.key.browse.preview_down"),
            show=False,
            id="browse.preview_down",
        ),
        Binding(
            "ctrl+up",
            "preview(-1)",
            say("tui.key.browse.preview_up"),
            show=False,
            id="browse.preview_up",
        ),
    ]

    class Proved(Message):
        """How the proofs of some questions last went."""

        def __init__(self, found: Mapping[str, Span]) -> None:
            super().__init__()
            self.found = found

    class LaidOut(Message):
        """An answer is ready to be shown."""

        def __init__(self, question: Question, page: Page) -> None:
            super().__init__()
            self.question, self.page = question, page

    def __init__(
        self,
        library: Library,
        topics: Mapping[str, str],
        receipts: Receipts,
        clock: Callable[[], datetime],
        session_of: Callable[[Sequence[Question], bool], Session] | None,
    ) -> None:
        """`topics`: titles by id. `session_of` the questions, crammed or not; None while there is
        a session already."""
        super().__init__()
        self._library, self._topics, self._receipts = library, topics, receipts
        self._clock, self._session_of = clock, session_of
        self._index = library.index(topics)
        self._remembered = Remembered(0)
        self._proofs: dict[str, Span] = {}
        self._unproved: list[Question] = []
        """Rows in sight whose proofs nobody has looked up yet."""
        self._rest: Timer | None = None
        self._undo: list[Change] = []
        self._query = Input(placeholder=say("tui.browse.placeholder"), compact=True, id="query")
        self._found = Band(id="browse-found")
        self._list: Listing[Question] = Listing(self._head, self._line, id="browse-list")
        self._preview = Sheet(id="browse-preview")

    def compose(self) -> ComposeResult:
        yield self._query
        yield self._found
        with Container(id="browse-body"):
            yield self._list
            yield self._preview
        yield KeyLine()

    def on_mount(self) -> None:
        self._query.focus()

    def on_screen_resume(self) -> None:
        """Shown at first, or again after another screen."""
        self._look_again()

    def _proofs_of(self, question: Question) -> Span:
        """Of a row in sight; blank until it has been looked up behind the picture."""
        if question.id not in self._proofs:
            self._proofs[question.id] = Span("")
            if not self._unproved:
                self.call_later(self._look_up)
            self._unproved.append(question)
        return self._proofs[question.id]

    def _look_up(self) -> None:
        questions, self._unproved = self._unproved, []
        self._look_up_proofs(questions)

    @work(thread=True, group="proofs", description="look up")  # else the repr of questions
    def _look_up_proofs(self, questions: Sequence[Question]) -> None:
        self.post_message(self.Proved({each.id: self._proof(each) for each in questions}))

    def _proof(self, question: Question) -> Span:
        """How many claims stand proved; bad when the last run of one said otherwise."""
        found = self._receipts.of(question)
        verdicts = [
            found[claim.id].verdict
            for claim in question.claims
            if claim.id in found and not found[claim.id].stale(question, claim)
        ]
        if not verdicts:
            return Span("—", "muted")
        proved = verdicts.count(Verdict.PROVED)
        style = "good" if proved == len(question.claims) else ""
        return Span(f"{proved}/{len(question.claims)}", style if proved == len(verdicts) else "bad")

    @on(Proved)
    def _show_proofs(self, message: Proved) -> None:
        self._proofs.update(message.found)
        self._list.refresh()

    # --- finding

    @on(Input.Changed)
    def _typed(self) -> None:
        self._search()

    def _search(self) -> None:
        """Show what the query finds. As long as its last word may become something that is
        known, what was found before it stays."""
        query = self._query.value
        hints = self._index.hints(query)
        try:
            found, complaint = self._index.find(parse(query), self._remembered), ""
        except QuizdlError as error:
            found, complaint = (), str(error)
        if found or not hints:
            self._list.show(found)
        if not self._list.items:
            self._preview.show()
            complaint = complaint or say("tui.browse.none")
        if hints:
            self._tell("  ".join(hints), "muted")
        else:
            self._tell(complaint, "bad")

    def _tell(self, text: str, style: str) -> None:
        count = say("tui.browse.count", found=len(self._list.items), all=len(self._index))
        self._found.show((Span(count + _GAP, "strong"), Span(text, style)))

    def _look_again(self) -> None:
        """What is remembered may have changed."""
        with explained(self.app):
            self._remembered = self._library.remembered(self._clock())
        self._search()
        self._list.refresh()

    # --- the list

    def _columns(self, width: int) -> Mapping[str, int]:
        """Cells of each column of a list that is `width` wide; the title has what is left."""
        columns = {name: max(_WIDTHS[name], cells(_name(name)) + 1) for name in _WIDTHS}
        if width < _TOPIC_FROM:
            del columns["topic"]
        title = width - sum(columns.values())
        return {"mark": columns.pop("mark"), "title": max(title, 1), **columns}

    def _head(self, width: int) -> Line:
        columns = self._columns(width)
        return tuple(Span(_cell(_name(name), columns[name]), "muted") for name in columns)

    def _line(self, question: Question, width: int) -> Line:
        now = standing(question.id, self._remembered)
        texts = {
            "mark": Span("⚑" if now.mark.flagged else "", "bad"),
            "title": Span(question.title, "off" if now.mark.suspended else ""),
            "topic": Span(self._topics.get(question.topic, question.topic), "muted"),
            "level": Span("★" * question.level, "muted"),
            "when": _when(now),
            "recall": Span("—" if now.recall is None else f"{now.recall:.0%}"),
            "proof": self._proofs_of(question),
        }
        return tuple(
            Span(_cell(texts[name].text, wide), texts[name].style)
            for name, wide in self._columns(width).items()
        )

    @on(Listing.Moved)
    def _moved(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST, self._show_preview)

    def _show_preview(self) -> None:
        if (question := self._list.current) is not None:
            self._lay_out(question, self._preview.text_width)

    @work(thread=True, group="preview", exclusive=True, description="lay out")
    def _lay_out(self, question: Question, width: int) -> None:
        page = Page(f"{question_markdown(question)}\n\n{answer_markdown(question)}")
        page.lay_out(width)
        self.post_message(self.LaidOut(question, page))

    @on(LaidOut)
    def _laid_out(self, message: LaidOut) -> None:
        if message.question is self._list.current:
            self._preview.show(message.page)

    # --- keys

    def action_leave(self) -> None:
        """First out of the query, then out of here."""
        if self._query.value:
            self._query.value = ""
        else:
            self.dismiss(None)

    def action_one(self) -> None:
        if (question := self._list.current) is not None:
            self._review((question,))

    def action_all(self) -> None:
        if self._list.items:
            self._review(self._list.items)

    def _review(self, questions: Sequence[Question], *, cram: bool = False) -> None:
        if self._session_of is None:
            self.notify(say("tui.browse.busy"))
            return
        with explained(self.app):
            session = self._session_of(questions, cram)
            if session.today(self._clock()).total:
                self.dismiss(session)
            else:
                self.notify(say("tui.browse.nothing"))

    def action_suspend_question(self) -> None:
        if (question := self._list.current) is not None:
            self._mark("suspended", [question], not self._marked("suspended", question))

    def action_flag(self) -> None:
        if (question := self._list.current) is not None:
            self._mark("flagged", [question], not self._marked("flagged", question))

    def action_bulk(self) -> None:
        """What can be done to all that were found."""
        if not (found := self._list.items):
            return
        choices = {name: say(f"tui.browse.bulk.{name}") for name in (*_BULK, "reset", "cram")}
        if self._undo:
            choices["undo"] = say("tui.browse.bulk.undo", count=len(self._undo[-1][0]))

        def chosen(name: str | None) -> None:
            if name == "cram":
                self._review(found, cram=True)
            elif name == "undo":
                self._take_back()
            elif name == "reset":
                self._reset(found)
            elif name in _BULK:
                mark, value = _BULK[name]
                self._mark(mark, found, value)

        title = say("tui.browse.bulk", count=len(found))
        self.app.push_screen(ChoiceScreen(title, choices), chosen)

    def _marked(self, mark: str, question: Question) -> bool:
        return bool(getattr(self._remembered.marks.get(question.id, Mark()), mark))

    def _mark(self, mark: str, questions: Sequence[Question], value: bool) -> None:
        """Set it on those that have it not yet, and remember which those were."""
        changed = [question for question in questions if self._marked(mark, question) is not value]
        ids = [question.id for question in changed]

        def do() -> Callable[[], object]:
            self._library.mark(ids, **{mark: value})
            return lambda: self._library.mark(ids, **{mark: not value})

        self._change(changed, do)
        if len(questions) > 1:
            self.notify(say("tui.browse.changed", count=len(changed)))

    def _reset(self, questions: Sequence[Question]) -> None:
        """New again are those that have been learnt."""
        changed = [q for q in questions if q.id in self._remembered.cards]

        def reset() -> Callable[[], object]:
            made = self._library.reset([question.id for question in changed], self._clock())
            return lambda: self._library.unreset(made, self._clock())

        self._change(changed, reset)
        self.notify(say("tui.browse.reset", count=len(changed)))

    def _take_back(self) -> None:
        _, back = self._undo[-1]
        with explained(self.app):
            back()
            self._undo.pop()
            self._look_again()

    def _change(self, changed: Sequence[Question], do: Callable[[], Callable[[], object]]) -> None:
        """`do` it to these, and remember what takes it back, which is what it returns."""
        with explained(self.app):
            if changed:
                self._undo.append((changed, do()))
                self._look_again()

    def action_complete(self) -> None:
        """The last word becomes the first of the hints."""
        query = self._query.value
        if hints := self._index.hints(query):
            before, space, last = query.rpartition(" ")
            minus = "-" if last.startswith("-") else ""
            self._query.value = before + space + minus + hints[0]
            self._query.cursor_position = len(self._query.value)

    def action_move(self, rows: int) -> None:
        self._list.move(rows)

    def action_page(self, pages: int) -> None:
        self._list.move_pages(pages)

    def action_preview(self, pages: int) -> None:
        self._preview.scroll_pages(pages)


def _name(column: str) -> str:
    return "" if column == "mark" else say(f"tui.browse.{column}")


def _cell(text: str, width: int) -> str:
    return pad(truncate(text, width - 1), width)


def _when(now: Standing) -> Span:
    """Whether it is asked, and when."""
    if now.mark.suspended:
        return Span(say("tui.browse.suspended"), "off")
    if now.buried:
        return Span(say("tui.browse.buried"), "off")
    if now.state is None:
        return Span(say("tui.browse.new"), "muted")
    if now.state is not State.REVIEW:
        return Span(say("tui.browse.learning"), "strong")
    if now.due_in <= 0:
        return Span(say("tui.browse.due"), "strong")
    return Span(say("tui.browse.in", interval=format_interval(timedelta(days=now.due_in))))
