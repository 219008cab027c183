"""Proofs for a screen: runs them in a thread, and tells the screen what they say.

Widgets are not touched from the thread. Only the latest run is listened to: what an earlier
one still says is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.screen import Screen

from quizdl.model import ProofEvent, Trial
from quizdl.words import QuizdlError

if TYPE_CHECKING:
    from quizdl.proof.pool import Pool


class Follower:
    """One for each screen that proves. All share the pool, so one at a time is at work."""

    class News(Message):
        """An event of the latest run; an error; or None, its end."""

        def __init__(self, follower: Follower, run: int, event: ProofEvent | QuizdlError | None):
            super().__init__()
            self._follower, self._run = follower, run
            self.event = event

        @property
        def stale(self) -> bool:
            """Another run has begun since, or this one was stopped."""
            return self._run != self._follower._run

    def __init__(self, screen: Screen[Any], pool: Pool) -> None:
        self._screen, self._pool = screen, pool
        self._run = 0
        self.busy = False

    def start(self, trials: Sequence[Trial], seeds: Sequence[int]) -> None:
        """Run these instead of whatever runs now."""
        self.stop()
        self._run += 1
        self.busy = True
        run = self._run
        self._screen.run_worker(lambda: self._follow(run, trials, seeds), thread=True)

    def stop(self) -> bool:
        """Kill what runs, at once; whether anything did. Nothing more will be heard of it."""
        was, self.busy = self.busy, False
        if was:
            self._run += 1
            self._pool.cancel()
        return was

    def _follow(self, run: int, trials: Sequence[Trial], seeds: Sequence[int]) -> None:
        def tell(event: ProofEvent | QuizdlError | None) -> None:
            self._screen.post_message(self.News(self, run, event))

        try:
            for event in self._pool.prove(trials, seeds):
                if run != self._run:
                    return
                tell(event)
        except QuizdlError as error:
            tell(error)
        tell(None)
