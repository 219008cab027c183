"""The warm process: has NumPy in memory, keeps spare children waiting, leaves nothing behind.

It has no threads (fork would not survive them) and sleeps in one selector. A job goes to a
spare child, forked and confined beforehand; a new spare takes its place once the job is on
its way. A job ends when its child has ended; then every process that is neither a spare nor
has a living job is killed, however often it forked or changed its session, what it wrote is
removed, and only then is the end reported. When the parent goes, for whatever reason, all
children go and the server too. Where the kernel has taken the filter that refuses new
processes, there is nothing to look for.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from quizdl.proof import child, endings
from quizdl.proof.confine import places, scratch, tree, wrap_server
from quizdl.proof.perform import versions, warm_up
from quizdl.proof.protocol import Applied, Handles, Setup

assert sys.platform != "win32"

_REFILL = 0.01
"""Seconds from handing over a job until its spare is replaced, unless a job ends before:
forking at once would take a core from the very job that somebody waits for."""
_WATCH = 0.5
"""Seconds between two looks at the scratch folders of those at work."""


@dataclass(slots=True)
class _Child:
    pid: int
    link: socket.socket
    """To it; its report comes from here, its job goes here."""
    scratch: Path
    control: socket.socket | None = None
    """To the parent, once it has a job."""
    status: int | None = None
    """What waitpid said, once it has ended."""


def main(inbox: int, root: str, setup: str) -> None:
    """Serve jobs from the Unix socket `inbox` until its other end closes.

    `root` is an empty folder for scratch folders; it is removed at the end. `setup` is a
    `Setup`.
    """
    folder, terms = Path(root), Setup.load(setup)
    wrapper = wrap_server(folder, terms.without)
    tree.adopt_orphans()
    warm_up()
    place = child.Place(terms, folder, places.readable(), wrapper, os.getpid())
    gc.collect()
    gc.freeze()  # children share these pages: no collection may touch them
    try:
        with socket.socket(fileno=inbox) as parent, _Server(parent, place) as server:
            server.serve()
    finally:
        scratch.remove(folder)


class _Server:
    def __init__(self, parent: socket.socket, place: child.Place) -> None:
        self._parent = parent
        self._place = place
        self._folders: list[Path] = []  # empty ones, for the next children
        self._count = 0
        self._spares: deque[_Child] = deque()
        self._jobs: dict[int, _Child] = {}
        self._reported = False
        self._forking = True  # children may have children, as far as we know
        self._versions = versions()
        self._refilling = True
        self._refill_at = 0.0
        self._watch_at = 0.0
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()

    def __enter__(self) -> _Server:
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._parent, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        return self

    def __exit__(self, *_: object) -> None:
        """Every job has ended; the spares go as well."""
        for spare in self._spares:
            tree.kill(spare.pid)
        with contextlib.suppress(ChildProcessError):
            while self._spares:
                os.waitpid(-1, 0)
        self._selector.close()

    def serve(self) -> None:
        while self._selector.get_map().get(self._parent) or self._jobs:
            ready = self._selector.select(self._patience())
            for key, _ in ready:
                if key.fileobj is self._wake:
                    self._wake.recv(4096)
                elif key.fileobj is self._parent:
                    self._on_parent()
                elif key.fileobj is key.data.link:
                    self._on_report(key.data)
                else:  # the parent says nothing on a control socket but its end
                    self._selector.unregister(key.fileobj)
                    if key.data.status is None:
                        tree.kill(key.data.pid)
            now = time.monotonic()
            if ready:
                self._bury()
            elif self._wants_spare() and self._refill_at <= now:
                self._refill()
            if self._watch_at <= now:
                self._watch()
                self._watch_at = now + _WATCH

    def _patience(self) -> float | None:
        """Seconds until there is something to do, if nothing happens before."""
        due = [self._refill_at] if self._wants_spare() else []
        due += [self._watch_at] if self._jobs else []
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _wants_spare(self) -> bool:
        return self._refilling and len(self._spares) < self._place.setup.spares

    def _watch(self) -> None:
        """Tell the parent of jobs that fill the disk. It will close their control sockets."""
        for one in self._jobs.values():
            if scratch.is_overfull(one.scratch, self._place.setup.limits.scratch):
                assert one.control is not None
                _tell(one.control, "filled")

    def _on_parent(self) -> None:
        message, fds = b"", list[int]()
        with contextlib.suppress(ConnectionResetError):  # gone without having read our report
            message, fds, _, _ = socket.recv_fds(self._parent, 1, len(Handles._fields))
        if message and len(fds) == len(Handles._fields):
            self._start(Handles(*fds))
            self._refilling = True
            self._refill_at = time.monotonic() + _REFILL
        elif message:  # out of descriptors: the parent sees its ends close
            for fd in fds:
                os.close(fd)
        else:  # it has gone, or wants us to go; its control sockets close as well
            self._selector.unregister(self._parent)
            self._refilling = False

    def _start(self, handles: Handles) -> None:
        control = socket.socket(fileno=handles.control)
        try:
            one = self._hand_over(handles)
        except OSError as error:
            _tell(control, f"refused {error.errno}")
            control.close()
            return
        finally:
            for fd in (handles.job, handles.result, handles.output):
                os.close(fd)
        _tell(control, f"started {self._versions}")
        one.control = control
        self._jobs[one.pid] = one
        self._selector.register(control, selectors.EVENT_READ, one)
        if self._reported:  # what else comes from it need not wake us
            self._quit_listening(one.link)

    def _hand_over(self, handles: Handles) -> _Child:
        """Give the job to a spare, to a new one if there is none. Raises OSError when the
        system has no room for a new one."""
        while True:
            new = not self._spares
            one = self._fork() if new else self._spares.popleft()
            try:
                socket.send_fds(one.link, [b"j"], [handles.job, handles.result, handles.output])
            except OSError:
                self._forget(one)
                if new:
                    raise
            else:
                return one

    def _refill(self) -> None:
        try:
            self._spares.append(self._fork())
        except OSError:  # no room: those who want a child will be told
            self._refilling = False

    def _fork(self) -> _Child:
        """Raises OSError when the system has no room for another process."""
        folder = self._folder()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                self._folders.append(folder)
                raise
            if pid == 0:
                try:
                    child.main(theirs, self._place.at(folder))
                finally:
                    os._exit(1)
        one = _Child(pid, ours, folder)
        self._selector.register(ours, selectors.EVENT_READ, one)
        return one

    def _folder(self) -> Path:
        if self._folders:
            return self._folders.pop()
        self._count += 1
        folder = self._place.scratch / str(self._count)
        scratch.make(folder)
        return folder

    def _on_report(self, one: _Child) -> None:
        """The first child that is ready says what confines it; the others are no different."""
        report = one.link.recv(4096)
        self._quit_listening(one.link)
        if report and not self._reported:
            self._reported = True
            self._forking = not Applied.load(report).processes
            with contextlib.suppress(OSError):
                self._parent.sendall(report)

    def _bury(self) -> None:
        """Collect every process that has ended, kill those that belong to no living job, and
        report the jobs that are over."""
        with contextlib.suppress(ChildProcessError):
            while pid := (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if one := self._jobs.get(pid):
                    one.status = ended[1]
                    if self._forking:  # without adoption those in its group are all we reach
                        tree.kill_group(pid)
                for spare in [spare for spare in self._spares if spare.pid == pid]:
                    self._spares.remove(spare)
                    self._forget(spare)
                    self._refilling = False  # the next would not fare better
        if self._forking and self._kill_orphans():
            return
        for one in [one for one in self._jobs.values() if one.status is not None]:
            del self._jobs[one.pid]
            self._forget(one)
            assert one.control is not None
            assert one.status is not None
            how = endings.of_posix(os.waitstatus_to_exitcode(one.status))
            _tell(one.control, f"ended {how}")
            one.control.close()
            self._refill_at = 0.0

    def _forget(self, one: _Child) -> None:
        self._quit_listening(one.link)
        self._quit_listening(one.control)
        one.link.close()
        if scratch.is_as_made(one.scratch):
            self._folders.append(one.scratch)
        else:
            scratch.remove(one.scratch)

    def _quit_listening(self, source: socket.socket | None) -> None:
        if source is not None and source in self._selector.get_map():
            self._selector.unregister(source)

    def _kill_orphans(self) -> bool:
        """Kill each child of ours that is neither a spare nor a living job; whether there was
        one.

        Their children become ours when they end, and SIGCHLD brings us back here. Nobody can
        say which job an orphan came from, so one may be killed while its job still runs.
        """
        known = {one.pid for one in (*self._spares, *self._jobs.values()) if one.status is None}
        orphans = tree.children() - known
        for pid in orphans:  # not reaped yet, so the number is still its own
            os.kill(pid, signal.SIGKILL)
        return bool(orphans)


def _tell(control: socket.socket, line: str) -> None:
    with contextlib.suppress(OSError):  # the parent no longer listens
        control.sendall(line.encode() + b"\n")
