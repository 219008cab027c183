"""The parent's side: sends claims to be run, passes numbers on, lets the judge speak.

Nothing of a demo is executed here and NumPy is never imported. The host of the children is
started once and lives as long as the pool; each claim runs in a child of its own (`hosts`).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from types import TracebackType

from quizdl.model import Claim, ProofEvent, Question, Trial
from quizdl.proof.hosts import STOP, Host, host
from quizdl.proof.limits import DEFAULT, Limits
from quizdl.proof.protocol import Applied, Setup
from quizdl.proof.run import Run, Stage
from quizdl.words import QuizdlError

_ATTEMPTS = 2
"""How often a claim is sent when the server dies under it."""
_SPARES = 4
"""Children kept waiting at most, so that a machine with many cores keeps its memory."""


class Pool:
    """Runs claims in children, up to `jobs` at once (default: as many as cores).

    `prove` may be called from several threads at the same time: the calls share the server
    and nothing else, and each has its own `jobs` children. `close`, or leaving the `with`
    block, ends the server.
    """

    def __init__(
        self,
        jobs: int | None = None,
        limits: Limits = DEFAULT,
        *,
        permission: Callable[[Question], None],
        without: Collection[str] = (),
    ) -> None:
        """`permission` raises QuizdlError for a question of which nothing may run; it is asked
        at each `prove`. `without`: layers to leave out (`Setup.without`)."""
        self._jobs = jobs or _cores()
        self._permission = permission
        self.limits = limits
        self._setup = Setup(limits, min(self._jobs + 1, _SPARES), tuple(without))
        self._lock = threading.Lock()  # guards all below
        self._server: Host | None = None
        self._cancels = 0
        self._wakers: set[socket.socket] = set()

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def warm(self) -> None:
        """Start the server without waiting for it. Raises QuizdlError when that fails."""
        with self._lock:
            self._living_server()

    def permit(self, question: Question) -> None:
        """Raises QuizdlError when nothing of `question` may run."""
        self._permission(question)

    def applied(self, patience: float = 0.0) -> Applied | None:
        """What confines the children, as the system accepted it. Starts the server if need
        be, and waits up to `patience` seconds; None when it has not said yet.

        Raises QuizdlError when no server can be started.
        """
        with self._lock:
            server = self._living_server()
        end = time.monotonic() + patience
        while (found := server.applied()) is None and time.monotonic() < end:
            if server is self._server and not server.is_alive():
                raise QuizdlError("proof.no_server", why=server.last_words())
            time.sleep(0.005)
        return found

    def prove(
        self,
        trials: Sequence[Trial | tuple[Question, Claim]],
        seeds: Sequence[int],
    ) -> Generator[ProofEvent, None, None]:
        """Run each claim and its controls under every seed, with the changed parameters of its
        trial laid over the defaults: a `Measured` as each run ends, one `Judged` as each trial
        ends.

        Whatever a demo does becomes a verdict. Closing the generator kills its children.
        Raises QuizdlError, before anything runs, when one of the questions has no permission;
        and when no server can be started.
        """
        for question in {id(question): question for question, *_ in trials}.values():
            self.permit(question)
        runs = deque(
            Run(number, Trial(*trial), seeds, self.limits) for number, trial in enumerate(trials)
        )
        return self._drive(runs, self._cancels)

    def cancel(self) -> None:
        """End every `prove` called so far, without further events; their children are killed
        at once. Does not wait; to be called from any thread."""
        with self._lock:
            self._cancels += 1
            for waker in self._wakers:
                with contextlib.suppress(BlockingIOError):  # it has been woken often enough
                    waker.send(b"\0")

    def close(self) -> None:
        """Cancel everything and end the server. A later `prove` would start another."""
        self.cancel()
        with self._lock:
            self._bury_server()

    def _drive(self, waiting: deque[Run], cancels: int) -> Generator[ProofEvent, None, None]:
        """One selector, no threads: at any moment up to `jobs` runs are at work."""
        running: dict[Run, Host] = {}
        with self._wake() as wake, selectors.DefaultSelector() as selector:
            selector.register(wake, selectors.EVENT_READ)
            try:
                while waiting or running:
                    while waiting and self._has_room(running):
                        server = self._send(waiting[0], selector, cancels)
                        if server is None:
                            return
                        running[waiting.popleft()] = server
                    patience = min(run.deadline for run in running) - time.monotonic()
                    ready = selector.select(max(0.0, patience))
                    for key, _ in ready:
                        if self._cancels != cancels:
                            return
                        if key.fd in selector.get_map():  # not given up a moment ago
                            yield from key.data.receive(key.fileobj)
                    heard = {key.data for key, _ in ready}
                    for run, server in list(running.items()):
                        if run not in heard and run.deadline <= time.monotonic():
                            run.expire()
                            if run.stage is Stage.ENDED:  # and nobody told us: it is stuck
                                server.kill()
                        if run.stage is Stage.ENDED:
                            del running[run]
                            run.close()
                            yield run.judged()
                        elif run.stage is Stage.WAITING:
                            del running[run]
                            run.close()
                            if run.attempts < _ATTEMPTS:
                                waiting.append(run)
                            elif run.ever_started:
                                yield run.judged()
                            else:
                                raise QuizdlError("proof.no_server", why=server.last_words())
            finally:
                selector.unregister(wake)
                _put_down(running, selector)

    def _has_room(self, running: Iterable[Run]) -> bool:
        """Whether another may start. One that has measured all it had to leaves its core to the
        next while it ends; should it not end, no more than as many again are let in."""
        at_work = [run for run in running if not run.has_measured_all]
        return len(at_work) < self._jobs and len([*running]) < 2 * self._jobs

    @contextlib.contextmanager
    def _wake(self) -> Iterator[socket.socket]:
        """A socket that becomes readable when `cancel` is called."""
        wake, waker = socket.socketpair()
        waker.setblocking(False)
        with wake, waker:
            with self._lock:
                self._wakers.add(waker)
            try:
                yield wake
            finally:
                with self._lock:
                    self._wakers.remove(waker)

    def _send(self, run: Run, selector: selectors.BaseSelector, cancels: int) -> Host | None:
        """Send `run` to the server, to a new one if that has died; None after a `cancel`."""
        with self._lock:
            if self._cancels != cancels:
                return None
            try:
                try:
                    run.send(self._living_server().submit, selector)
                except (BrokenPipeError, ConnectionResetError):  # it died this very moment
                    self._bury_server()
                    run.send(self._living_server().submit, selector)
            except OSError as error:
                raise QuizdlError("proof.no_room", why=error.strerror) from error
            return self._living_server()

    def _living_server(self) -> Host:
        if self._server is not None and not self._server.is_alive():
            self._bury_server()
        if self._server is None:
            self._server = host(self._setup)
        return self._server

    def _bury_server(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None


def _put_down(running: Iterable[Run], selector: selectors.BaseSelector) -> None:
    """Kill the runs; wait until those whose child had started are gone, and close them all."""
    for run in running:
        run.stop()
    end = time.monotonic() + STOP
    while any(run.ever_started and run.stage is Stage.STOPPED for run in running):
        ready = selector.select(max(0.0, end - time.monotonic()))
        if not ready:
            break
        for key, _ in ready:
            for _ in key.data.receive(key.fileobj):
                pass
    for run in running:
        run.close()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
