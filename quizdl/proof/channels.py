"""One-way channels that end in the parent, where a selector waits for them: pipes, and sockets
where a selector takes nothing else (Windows)."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

SOCKETS = sys.platform == "win32"
if sys.platform == "win32":
    KIND = (socket.AF_INET, socket.SOCK_STREAM)
else:
    KIND = (socket.AF_UNIX, socket.SOCK_STREAM)
"""Of the sockets that socket.socketpair makes."""
_PORTION = 64 << 10


class Source:
    """The end to read from; never waits."""

    def __init__(self, end: int | socket.socket) -> None:
        self._end = end
        if isinstance(end, socket.socket):
            end.setblocking(False)
        elif sys.platform != "win32":
            os.set_blocking(end, False)

    def fileno(self) -> int:
        return self._end if isinstance(self._end, int) else self._end.fileno()

    def read(self) -> bytes:
        """What is there; empty at the end of the channel, and when nothing is there."""
        try:
            if isinstance(self._end, int):
                return os.read(self._end, _PORTION)
            return self._end.recv(_PORTION)
        except (BlockingIOError, ConnectionResetError):
            return b""

    def close(self) -> None:
        _close(self._end)


class Sink:
    """A descriptor of its own for the end to write to; waits while the channel is full."""

    def __init__(self, number: int) -> None:
        """`number` stays the caller's."""
        if SOCKETS:
            self._end: int | socket.socket = socket.fromfd(number, *KIND)
        else:
            self._end = os.dup(number)

    def write(self, data: bytes) -> None:
        """Raises OSError when nobody will read it."""
        if not isinstance(self._end, int):
            self._end.sendall(data)
            return
        while data:
            data = data[os.write(self._end, data) :]

    def close(self) -> None:
        _close(self._end)


def _close(end: int | socket.socket) -> None:
    if isinstance(end, int):
        os.close(end)
    else:
        end.close()


def channel(ours: contextlib.ExitStack, theirs: contextlib.ExitStack) -> tuple[Source, int]:
    """The end to read from and the number of the other, each closed with its stack."""
    if SOCKETS:
        near, far = socket.socketpair()
        source = Source(near)
        theirs.enter_context(far)
        number = far.fileno()
    else:
        read, number = os.pipe()
        source = Source(read)
        theirs.callback(os.close, number)
    ours.callback(source.close)
    return source, number
