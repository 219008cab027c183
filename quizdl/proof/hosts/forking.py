"""The warm server of `proof.server`, seen from outside."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from quizdl.proof.hosts import STOP, environment, last_line, path, python
from quizdl.proof.protocol import Applied, Handles, Setup
from quizdl.words import QuizdlError

assert sys.platform != "win32"

_BOOT = """\
import sys
fd, root, setup, *sys.path = sys.argv[1:]
from quizdl.proof.server import main
main(int(fd), root, setup)
"""


class ForkServer:
    """A `Host`."""

    def __init__(self, setup: Setup) -> None:
        """Start it; does not wait for NumPy. Raises QuizdlError when the system refuses."""
        ours, theirs = socket.socketpair()
        try:
            self._root = Path(tempfile.mkdtemp(prefix="quizdl-"))
            with theirs, (self._root / "log").open("wb") as log:
                self.process = subprocess.Popen(
                    [*python(_BOOT), str(theirs.fileno()), self._root, setup.dump(), *path()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    cwd="/",
                    env=environment(),
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # ctrl+c in the terminal is for the parent
                )
        except OSError as error:
            ours.close()
            raise QuizdlError("proof.no_server", why=error.strerror) from error
        self._socket = ours
        self._applied: Applied | None = None

    def submit(self, handles: Handles) -> None:
        socket.send_fds(self._socket, [b"j"], handles)

    def applied(self) -> Applied | None:
        if self._applied is None:
            with contextlib.suppress(OSError, ValueError, TypeError):
                self._applied = Applied.load(self._socket.recv(4096, socket.MSG_DONTWAIT))
        return self._applied

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        with contextlib.suppress(OSError):
            return last_line((self._root / "log").read_text("utf-8", "replace"))
        return ""

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        self._socket.close()
        try:
            self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self._root, ignore_errors=True)
