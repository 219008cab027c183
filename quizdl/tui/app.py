"""The application: opens bank and memory behind the first paint, then hands out sessions."""

from __future__ import annotations

import gc
import secrets
import select
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter, NoColor
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen

from quizdl import jsonfile
from quizdl.model import Setup
from quizdl.settings import Paths, Settings, choices, save_settings
from quizdl.tui import LEAST_COLUMNS, LEAST_ROWS, keys
from quizdl.tui.explained import explained
from quizdl.tui.screens.today import TodayScreen
from quizdl.tui.themes import NO_COLOR, THEMES
from quizdl.words import QuizdlError, say

if TYPE_CHECKING:
    from quizdl.bank import Bank
    from quizdl.bank.trust import Permission
    from quizdl.model import Question
    from quizdl.proof.pool import Pool
    from quizdl.proof.receipts import Receipts
    from quizdl.session import Library, Plan, Session
    from quizdl.session.unfinished import Unfinished
    from quizdl.tui.screens.review import ReviewScreen


def local_now() -> datetime:
    """The wall clock with the zone of this machine: the only clock of the interface."""
    return datetime.now().astimezone()


HANGUP_SECONDS = 2
SWITCH_SECONDS = 0.001
"""How long another thread may keep this one waiting: a picture is painted in some ten turns, and
Python's own 5 ms would show while a large bank is read."""
MINUTES = 20
"""Of an interview, unless others are asked for."""


def _titles(bank: Bank) -> dict[str, str]:
    """Of the topics, by id."""
    return {topic.id: topic.title for topic in bank.topics}


class QuizdlApp(App[None]):
    TITLE = "quizdl"
    CSS_PATH = [  # noqa: RUF012
        "app.tcss",
        "screens/today.tcss",
        "screens/review.tcss",
        "screens/remark.tcss",
        "screens/lookback.tcss",
        "screens/lab.tcss",
        "screens/edit.tcss",
        "screens/predict.tcss",
        "screens/stats.tcss",
        "screens/summary.tcss",
        "screens/interview.tcss",
        "screens/browse.tcss",
        "screens/choice.tcss",
        "screens/settings.tcss",
        "screens/help.tcss",
    ]
    BINDINGS = [  # noqa: RUF012
        Binding("question_mark", "help", say("tui.key.help"), key_display="?", id="app.help"),
        Binding("f1", "help", say("tui.key.help"), key_display="F1", id="app.help_typing"),
        Binding(
            "slash", "browse", say("tui.key.browse"), key_display="/", show=False, id="app.browse"
        ),
        Binding(
            "ctrl+p",
            "command_palette",
            say("tui.key.palette"),
            show=False,
            id="app.command_palette",
        ),
        Binding("comma", "settings", say("tui.key.settings"), show=False, id="app.settings"),
        Binding(
            "ctrl+z",
            "suspend_process",
            say("tui.key.suspend_process"),
            show=False,
            id="app.suspend_process",
        ),
        Binding("ctrl+q", "quit", say("tui.key.quit"), show=False, priority=True, id="app.quit"),
    ]
    ENABLE_COMMAND_PALETTE = True

    class Opened(Message):
        """Bank and memory are ready."""

        def __init__(self, library: Library, bank: Bank, opening: Plan | Setup | None) -> None:
            super().__init__()
            self.library, self.bank, self.opening = library, bank, opening

    class Failed(Message):
        """They are not, and the learner has to act."""

        def __init__(self, error: QuizdlError) -> None:
            super().__init__()
            self.error = error

    class Rebound(Message):
        """The learner's keys have been read."""

        def __init__(self, keymap: Mapping[str, str]) -> None:
            super().__init__()
            self.keymap = keymap

    class Saved(Message):
        """Settings stand in config.toml; `done` wants to hear of it."""

        def __init__(
            self,
            settings: Settings,
            keymap: Mapping[str, str],
            done: Callable[[QuizdlError | None], None],
        ) -> None:
            super().__init__()
            self.settings, self.keymap, self.done = settings, keymap, done

    class NotSaved(Message):
        def __init__(self, error: QuizdlError, done: Callable[[QuizdlError | None], None]) -> None:
            super().__init__()
            self.error, self.done = error, done

    def __init__(
        self,
        bank_root: Path,
        paths: Paths,
        settings: Settings,
        opening: Callable[[Bank], Plan | Setup] | None = None,
        clock: Callable[[], datetime] = local_now,
    ) -> None:
        super().__init__()
        self.bank_root, self.paths, self.settings = bank_root, paths, settings
        self._opening = opening
        self.clock = clock
        self._small = False
        """Whether the terminal is smaller than it has to be."""
        self.failure: QuizdlError | None = None
        self.library: Library | None = None
        self.bank: Bank | None = None
        self.review: ReviewScreen | None = None
        self.unfinished: Unfinished | None = None
        """The session that was left in the middle, if it can be taken up."""
        self.rebound: Mapping[str, str] = {}
        """Keys that are not the ones an action comes with, as Textual's keymap."""
        self._pool: Pool | None = None
        for theme in THEMES:
            self.register_theme(theme)
        # Before the style sheet is parsed: a change later parses and applies all of it anew.
        self.set_reactive(QuizdlApp.theme, self._theme())
        self.stylesheet.set_variables(self.get_css_variables())

    def on_mount(self) -> None:
        self.push_screen(TodayScreen())
        sys.setswitchinterval(SWITCH_SECONDS)
        self.call_after_refresh(self._open)
        if sys.platform != "win32" and not self.is_headless:
            self.set_interval(HANGUP_SECONDS, self._leave_if_hung_up)

    def _leave_if_hung_up(self) -> None:
        """End with the terminal. Textual's reader would spin on a dead one for ever where no
        SIGHUP comes, as in a session without a controlling terminal."""
        if sys.platform == "win32":
            return
        waiting = select.poll()
        waiting.register(sys.stdin.fileno(), 0)  # hang-ups are reported unasked
        if any(event & select.POLLHUP for _, event in waiting.poll(0)):
            self.exit(return_code=1)

    @work(thread=True, exclusive=True)
    def _open(self) -> None:
        """Everything that is slow to import or to read, off the interface's thread."""
        from quizdl.bank import cache
        from quizdl.session import open_library
        from quizdl.session.unfinished import from_document

        try:
            if self.settings.keys:
                keymap = keys.read_keys(self.settings.keys, self.paths.config_file)
                self.post_message(self.Rebound(keymap))
            now = self.clock().timestamp()
            bank = cache.load(self.bank_root, self.paths.bank_cache, now).require_questions()
            gc.freeze()  # it stays: looking through it for garbage can outlast a key
            opening = self._opening(bank) if self._opening else None
            library = open_library(self.paths.database, bank.questions, self.settings)
        except QuizdlError as error:
            self.post_message(self.Failed(error))
            return
        self.unfinished = from_document(jsonfile.read(self.paths.unfinished))
        library.warm(self.clock())
        gc.freeze()
        self.post_message(self.Opened(library, bank, opening))

    @work(thread=True, group="prepare", description="prepare")  # else the repr of a bank
    def _prepare(self, bank: Bank, library: Library) -> None:
        """While today's figures are looked at: load what the first keys will need."""
        from quizdl import render
        from quizdl.proof.receipts import numpy_version
        from quizdl.render.answer import answer_markdown
        from quizdl.tui.screens import lab, review, summary  # noqa: F401

        numpy_version()
        render.layout(answer_markdown(bank.questions[0]), LEAST_COLUMNS)
        library.index(_titles(bank)).prepare()
        gc.freeze()

    def on_quizdl_app_failed(self, message: Failed) -> None:
        self.failure = message.error
        self.exit(return_code=1)

    async def on_quizdl_app_opened(self, message: Opened) -> None:
        self.library, self.bank = message.library, message.bank
        if message.bank.problems:
            count = len(message.bank.problems)
            self.notify(say("cli.skipped", count=count), severity="warning", timeout=8)
        self.pool().warm()
        await self._mount_review()
        for screen in self.screen_stack:
            if isinstance(screen, TodayScreen):
                screen.show(self)
        self._prepare(message.bank, message.library)
        if isinstance(message.opening, Setup):
            self.open_interview(message.opening)
        elif message.opening is not None:
            self.start_session(self.new_session(message.opening))

    def on_review_screen_moved_on(self, message: ReviewScreen.MovedOn) -> None:
        """Remember where the learner is, for the next start."""
        if message.left != self.unfinished:
            self.unfinished = message.left
            self._keep_unfinished()

    @work(thread=True, group="unfinished")
    def _keep_unfinished(self) -> None:
        from quizdl.session.unfinished import to_document

        def newest(_: jsonfile.Document) -> jsonfile.Document:
            """Of those whose turn it is to write, any may be the last."""
            left = self.unfinished
            return to_document(left) if left else {}

        with suppress(OSError):  # a convenience: the log has all that counts
            jsonfile.change(self.paths.unfinished, newest)

    def left_session(self) -> Session | None:
        if self.library is None or self.unfinished is None:
            return None
        return self.library.resume(self.unfinished, self.clock())

    def on_review_screen_edited(self, message: ReviewScreen.Edited) -> None:
        if self.library is not None:
            self.library.replace(message.question)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Our texts hold paths, code and other people's words, never markup."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    @cached_property
    def permission(self) -> Permission:
        """What the pool asks: a foreign bank runs nothing before it is trusted."""
        from quizdl.bank.trust import Permission, Trust

        return Permission(Trust(self.paths.trust))

    @cached_property
    def receipts(self) -> Receipts:
        from quizdl.proof.receipts import Receipts

        return Receipts(self.paths.receipts)

    def pool(self) -> Pool:
        """The one pool of proof children, started on first use."""
        if self._pool is None:
            from quizdl.proof.pool import Pool

            self._pool = Pool(permission=self.permission)
        return self._pool

    def new_session(self, plan: Plan | None = None) -> Session:
        from quizdl.session import Plan

        assert self.library is not None
        return self.library.session(plan or Plan(), self.clock())

    def start_session(self, session: Session) -> None:
        assert self.bank is not None
        assert self.review is not None
        self.review.begin(session, _titles(self.bank))
        self.push_screen(self.review)

    async def _mount_review(self) -> None:
        """Build the review screen while today's figures are read: the key that opens it then
        has only to paint. Shown and taken away again, since Textual mounts what it shows."""
        from quizdl.bank.copies import Copies
        from quizdl.tui.bench import Bench
        from quizdl.tui.screens.review import ReviewScreen

        bench = Bench(
            self.pool(),
            Copies(self.paths.data / "copies"),
            self.receipts,
            self.permission.admit,
        )
        self.review = ReviewScreen(self.clock, bench)
        self.install_screen(self.review, "review")
        with self.batch_update():
            await self.push_screen(self.review)
            await self.pop_screen()
        # A screen's first paint of all waits for a full tick; have that behind us, too.
        self.review._update_timer.resume()

    def on_resize(self, event: events.Resize) -> None:
        small = event.size.width < LEAST_COLUMNS or event.size.height < LEAST_ROWS
        if small or self._small:
            self.clear_notifications()  # what was said of another size
        self._small = small
        if small:
            self.notify(
                say(
                    "tui.too_small",
                    columns=event.size.width,
                    rows=event.size.height,
                    least_columns=LEAST_COLUMNS,
                    least_rows=LEAST_ROWS,
                ),
                severity="warning",
            )

    def on_unmount(self) -> None:
        if self._pool is not None:
            self._pool.close()
        if self.library is not None:
            self.library.close()

    def action_help(self) -> None:
        from quizdl.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            found = [
                each
                for each in self.screen.active_bindings.values()
                if not keys.typed_into(self.focused, each.binding.key)
            ]
            self.push_screen(HelpScreen(found))

    def action_browse(self) -> None:
        """All questions, to look for some; from anywhere, but once."""
        from quizdl.tui.screens.browse import BrowseScreen
        from quizdl.tui.screens.interview import InterviewScreen

        if self.library is None or self.bank is None or self.review is None:
            return
        if any(isinstance(screen, BrowseScreen) for screen in self.screen_stack):
            return
        if any(isinstance(screen, InterviewScreen) for screen in self.screen_stack):
            self.notify(say("interview.closed_book"))
            return
        titles = {topic.id: topic.title for topic in self.bank.topics}
        busy = self.review in self.screen_stack
        screen = BrowseScreen(
            self.library, titles, self.receipts, self.clock, self.session_of if not busy else None
        )
        self.push_screen(screen, self._browsed)

    def action_stats(self) -> None:
        """How it is going."""
        from quizdl.tui.screens.stats import StatsScreen

        if self.library is not None and self.bank is not None:
            self.push_screen(StatsScreen(self.library, self.bank.topics, self.clock))

    def action_interview(self) -> None:
        """A mock interview, to be set up first."""
        from quizdl.tui.screens.reading import InterviewStage

        if self.library is None:
            return
        if not any(isinstance(screen, InterviewStage) for screen in self.screen_stack):
            self.open_interview(Setup(MINUTES, seed=secrets.randbelow(1_000_000)))

    def open_interview(self, setup: Setup) -> None:
        from quizdl.interview.drafts import Drafts
        from quizdl.tui.room import Room
        from quizdl.tui.screens.interview_setup import InterviewSetupScreen

        assert self.library is not None
        assert self.bank is not None
        titles = {topic.id: topic.title for topic in self.bank.topics}
        room = Room(
            self.library,
            titles,
            Drafts(self.paths.interviews),
            self.receipts,
            self.pool(),
            self.clock,
        )
        with explained(self):
            self.push_screen(InterviewSetupScreen(room, setup))

    def action_settings(self) -> None:
        """Settings and keys; but once."""
        from quizdl.tui.screens.settings import SettingsScreen

        if self.library is None:
            return
        if any(isinstance(screen, SettingsScreen) for screen in self.screen_stack):
            return
        path = self.paths.config_file
        self.push_screen(
            SettingsScreen(self.settings, path, self.library, self.clock, self.save_settings)
        )

    @work(thread=True, group="settings")
    def save_settings(
        self,
        changed: Mapping[str, Any],
        rebound: Mapping[str, tuple[str, ...] | None],
        done: Callable[[QuizdlError | None], None],
    ) -> None:
        """Put them into config.toml and into effect, then call `done`."""
        path = self.paths.config_file
        try:
            saved = save_settings(path, changed, rebound)
            self.post_message(self.Saved(saved, keys.read_keys(saved.keys, path), done))
        except QuizdlError as error:
            self.post_message(self.NotSaved(error, done))

    def on_quizdl_app_saved(self, message: Saved) -> None:
        self._apply(message.settings, message.keymap)
        message.done(None)

    def on_quizdl_app_not_saved(self, message: NotSaved) -> None:
        message.done(message.error)

    def _apply(self, settings: Settings, keymap: Mapping[str, str]) -> None:
        """Theme and keys at once, the rest for sessions begun from now on."""
        self.settings = settings
        if self.library is not None:
            self.library.settings = settings
        self.theme = self._theme()
        self._rebind(keymap)

    def on_quizdl_app_rebound(self, message: Rebound) -> None:
        self._rebind(message.keymap)

    def _rebind(self, keymap: Mapping[str, str]) -> None:
        self.rebound = keymap
        self.set_keymap(keymap)

    def get_key_display(self, binding: Binding) -> str:
        return keys.display(binding) or super().get_key_display(binding)

    # --- colours

    def _theme(self) -> str:
        """As the settings say; without colours where NO_COLOR asks for it."""
        known = self.settings.theme in self.available_themes
        return NO_COLOR if self.no_color else self.settings.theme if known else "dark"

    def get_line_filters(self) -> Sequence[LineFilter]:
        """NO_COLOR alone would leave Textual's greys."""
        found = super().get_line_filters()
        return [*found, NoColor()] if self.theme == NO_COLOR else found

    def search_themes(self) -> None:
        """In our own list; what is chosen is kept."""
        from quizdl.tui.screens.choice import ChoiceScreen

        def done(error: QuizdlError | None) -> None:
            if error is not None:
                self.notify(str(error), severity="error", timeout=12)

        def chosen(theme: str | None) -> None:
            if theme is not None:
                self.theme = NO_COLOR if self.no_color else theme
                self.save_settings({"theme": theme}, {}, done)

        title, every = say("tui.palette.theme"), {name: name for name in choices("theme")}
        self.push_screen(ChoiceScreen(title, every, self.settings.theme), chosen)

    def _browsed(self, session: Session | None) -> None:
        if session is not None:
            self.start_session(session)

    def session_of(self, questions: Sequence[Question], cram: bool = False) -> Session:
        """One that asks these whether they are due or not, however many are new."""
        from quizdl.session import Plan

        return self.new_session(Plan(tuple(questions), new=sys.maxsize, ahead=True, cram=cram))

    def action_command_palette(self) -> None:
        from textual.command import CommandPalette

        from quizdl.tui.palette import Actions

        if not isinstance(self.screen, CommandPalette):
            placeholder = say("tui.palette.placeholder")
            self.push_screen(CommandPalette([Actions], placeholder=placeholder))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for name, action in (
            ("browse", self.action_browse),
            ("interview", self.action_interview),
            ("stats", self.action_stats),
            ("settings", self.action_settings),
            ("help", self.action_help),
            ("theme", self.action_change_theme),
        ):
            yield SystemCommand(say(f"tui.palette.{name}"), say(f"tui.palette.{name}.help"), action)
        yield SystemCommand(say("tui.palette.quit"), say("tui.palette.quit.help"), self.action_quit)
