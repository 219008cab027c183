"""Today: what is due, what is new, how long it will take. Enter starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Digits, Static

from quizdl.render.cells import pad
from quizdl.tui.explained import explained
from quizdl.tui.keys import key_of
from quizdl.tui.widgets.keys import KeyLine
from quizdl.words import say

if TYPE_CHECKING:
    from quizdl.session import Session
    from quizdl.tui.app import QuizdlApp

KINDS = ("learning", "review", "new")
_BAR = 12


class TodayScreen(Screen[None]):
    BINDINGS = [  # noqa: RUF012
        Binding(
            "enter,space", "start", say("tui.key.start"), key_display="Enter", id="today.start"
        ),
        Binding("a", "ahead", say("tui.key.ahead"), id="today.ahead"),
        Binding("c", "resume", say("tui.key.resume"), id="today.resume"),
        Binding("m", "app.interview", say("tui.key.interview"), id="today.interview"),
        Binding("t", "app.stats", say("tui.key.stats"), id="today.stats"),
        Binding("slash", "app.browse", say("tui.key.browse"), key_display="/", id="app.browse"),
        Binding("comma", "app.settings", say("tui.key.settings"), show=False, id="app.settings"),
        Binding("q,escape", "app.quit", say("tui.key.quit"), key_display="q", id="today.quit"),
    ]

    _eager = False
    _left: Session | None = None
    """A session that was left in the middle."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._left is not None if action == "resume" else True

    def compose(self) -> ComposeResult:
        yield Static(say("tui.today.title"), id="today-title")
        with VerticalScroll(id="today"):
            with Horizontal(id="counts"):
                for kind in KINDS:
                    with Vertical(classes="count", id=f"count-{kind}"):
                        yield Digits("–")
                        yield Static(say(f"tui.today.{kind}"))
            yield Static(say("tui.today.opening"), id="today-time")
            yield Static(id="today-left")
            yield Static(id="today-guide")
            yield Static(id="today-topics", markup=False)
        yield KeyLine()

    def on_screen_resume(self) -> None:
        self.show(self.app)  # type: ignore[arg-type]

    def show(self, app: QuizdlApp) -> None:
        """Put up today's figures; before the library is open there are none."""
        if app.library is not None and app.bank is not None:
            with explained(app):
                self._show(app)

    def _show(self, app: QuizdlApp) -> None:
        assert app.library is not None
        from quizdl.session import format_interval

        now = app.clock()
        session = app.new_session()
        today = session.today(now)
        for kind in KINDS:
            count = getattr(today, kind)
            box = self.query_one(f"#count-{kind}")
            box.query_one(Digits).update(str(count))
            box.set_class(count == 0, "-none")
        if today.total:
            minutes = max(1, round(today.seconds / 60))
            text = say(
                "tui.today.time",
                count=today.total,
                minutes=minutes,
                key=key_of(self, "today.start"),
            )
        else:
            coming = session.next_in(now)
            next_one = (
                say("tui.today.next", interval=format_interval(coming))
                if coming is not None
                else ""
            )
            text = say("tui.today.done", next=next_one, key=key_of(self, "today.ahead"))
        self.query_one("#today-time", Static).update(text)
        self._left = app.left_session()
        left = self._left.today(now).total if self._left is not None else 0
        self.query_one("#today-left", Static).update(
            say("tui.today.left", count=left, key=key_of(self, "today.resume"))
        )
        self.query_one("#today-left", Static).display = bool(left)
        self.refresh_bindings()
        started = app.library.started()
        guide = self.query_one("#today-guide", Static)
        guide.update(say("tui.today.guide"))
        guide.display = not started  # for whom this is the first time
        self.query_one("#today-topics", Static).update(self._topics(app, started))
        date = say("tui.today.date", date=now.date(), weekday=say(f"weekday.{now.weekday()}"))
        title = f"{say('tui.today.title')}  {date}"
        self.query_one("#today-title", Static).update(title)
        if self._eager:
            self._eager = False
            self.action_start()

    def _topics(self, app: QuizdlApp, started: frozenset[str]) -> str:
        assert app.bank is not None
        lines = []
        for topic in app.bank.topics:
            ids = [question.id for question in app.bank.questions if question.topic == topic.id]
            if not ids:
                continue
            seen = sum(question_id in started for question_id in ids)
            full = round(_BAR * seen / len(ids))
            bar = "━" * full + "╌" * (_BAR - full)
            lines.append(f"{pad(topic.title, 16)}  {bar}  {seen}/{len(ids)}")
        return "\n".join(lines)

    def action_start(self) -> None:
        """Start now, or as soon as the library is open: no key is lost on the way."""
        app: QuizdlApp = self.app  # type: ignore[assignment]
        if app.library is None:
            self._eager = True
            return
        with explained(app):
            if (session := app.new_session()).today(app.clock()).total:
                app.start_session(session)
            else:
                self.notify(say("tui.today.nothing"))

    def action_resume(self) -> None:
        """Go on with the session that was left in the middle."""
        app: QuizdlApp = self.app  # type: ignore[assignment]
        if self._left is not None:
            app.start_session(self._left)

    def action_ahead(self) -> None:
        from quizdl.session import Plan

        app: QuizdlApp = self.app  # type: ignore[assignment]
        if app.library is not None:
            with explained(app):
                app.start_session(app.new_session(Plan(ahead=True)))
