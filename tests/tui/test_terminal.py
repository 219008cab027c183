"""The real program in a real (pseudo) terminal: killed, resized, too small."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from banks import trust_bank

from quizdl.bank import load
from quizdl.memory import open_store
from quizdl.session import open_library
from quizdl.settings import Settings

pytestmark = pytest.mark.slow


class Keyboard:
    """The far end of a terminal: keys go in, what is painted comes out and is kept in `seen`."""

    def __init__(self, fd: int) -> None:
        self._fd, self.seen = fd, ""

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Read until `text` has been painted since the last wait."""
        self.seen, end = "", time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self._fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} did not come; the end of what came: {self.seen[-2000:]!r}"
            try:
                self.seen += os.read(self._fd, 1 << 16).decode(errors="replace")
            except OSError:  # the other end is gone
                break
        assert text in self.seen, self.seen[-2000:]


class Terminal(Keyboard):
    """A quizdl in a terminal of its own."""

    def __init__(self, home: Path, bank: Path, columns: int = 80, rows: int = 24) -> None:
        trust_bank(bank, home)
        fd, child = pty.openpty()
        super().__init__(fd)
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environ = os.environ | {
            "QUIZDL_HOME": str(home),
            "QUIZDL_BANK": str(bank),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        command = [sys.executable, "-m", "quizdl"]
        self.process = subprocess.Popen(
            command, stdin=child, stdout=child, stderr=child, env=environ, start_new_session=True
        )
        os.close(child)

    def hang_up(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()


@contextmanager
def terminal(*arguments: object, **options: int) -> Iterator[Terminal]:
    opened = Terminal(*arguments, **options)  # type: ignore[arg-type]
    try:
        yield opened
    finally:
        opened.close()


def test_killed_right_after_a_rating(tmp_path: Path, bank: Path) -> None:
    home = tmp_path / "home"
    with terminal(home, bank) as term:
        term.wait_for("2 道题")
        term.press("\r")
        term.wait_for("doubling 吗？")
        term.press(" ")
        term.wait_for("不假思索")
        term.press("4")
        term.wait_for("halving 吗？")
        os.killpg(term.process.pid, signal.SIGKILL)
    with open_store(home / "memory.sqlite3") as store:
        (review,) = store.reviews()
        assert (review.question, int(review.rating)) == ("doubling", 4)
        cards = store.memory(review.day).cards
        store.replay()
        assert store.memory(review.day).cards == cards
    with terminal(home, bank) as term:
        term.wait_for("1 道题")
        if "1/2" not in term.seen:  # painted a moment later
            term.wait_for("1/2")


def test_it_ends_when_its_terminal_goes_away(tmp_path: Path, bank: Path) -> None:
    with terminal(tmp_path / "home", bank) as term:
        term.wait_for("2 道题")
        term.hang_up()
        assert term.process.wait(15) == 1


def test_two_windows_rate_at_once(tmp_path: Path, bank: Path) -> None:
    home = tmp_path / "home"
    with terminal(home, bank) as one, terminal(home, bank) as two:
        for term in (one, two):
            term.wait_for("2 道题")
            term.press("\r")
            term.wait_for("doubling 吗？")
            term.press(" ")
            term.wait_for("不假思索")
        one.press("4")
        two.press("4")
        for term in (one, two):
            term.wait_for("halving 吗？")
    with open_store(home / "memory.sqlite3") as store:
        reviews = store.reviews()
        assert [review.question for review in reviews] == ["doubling", "doubling"]
        cards = store.memory(reviews[0].day).cards
        assert cards["doubling"].reps == 2
        store.replay()
        assert store.memory(reviews[0].day).cards == cards


@pytest.mark.parametrize(("columns", "rows"), [(40, 24), (80, 10)])
def test_a_terminal_too_small(tmp_path: Path, bank: Path, columns: int, rows: int) -> None:
    with terminal(tmp_path / "home", bank, columns=columns, rows=rows) as term:
        term.wait_for("终端太小")
        assert term.process.wait(10) == 1
        assert "Traceback" not in term.seen


def test_quitting_leaves_no_process_behind(tmp_path: Path, bank: Path) -> None:
    with terminal(tmp_path / "home", bank) as term:
        term.wait_for("2 道题")
        term.press("\r")
        term.wait_for("doubling 吗？")
        term.press(" ")
        term.wait_for("不假思索")
        term.press("r")
        term.wait_for("已证")
        term.press("\x11")  # ctrl+q
        assert term.process.wait(10) == 0
    left = subprocess.run(["ps", "-o", "pid=", "-g", str(term.process.pid)], capture_output=True)
    assert left.stdout.strip() == b""
    library = open_library(tmp_path / "home/memory.sqlite3", load(bank).questions, Settings())
    assert library.started() == frozenset()
    library.close()


def test_editing_the_question_in_ones_own_editor(
    tmp_path: Path, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/会的。/当然会。/' \"$1\"\n", "utf-8")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    with terminal(tmp_path / "home", bank) as term:
        term.wait_for("2 道题")
        term.press("\r")
        term.wait_for("doubling 吗？")
        term.press(" ")
        term.wait_for("会的。")
        term.press("e")
        term.wait_for("当然会。")
        term.press("q")
        term.wait_for("2 道题")
        term.press("\r")
        term.wait_for("doubling 吗？")
        term.press(" ")
        term.wait_for("当然会。")


def test_it_is_put_into_the_background_and_comes_back(tmp_path: Path, bank: Path) -> None:
    """In a shell with job control, as nothing else can stop a process group and go on."""
    trust_bank(bank, tmp_path / "home")
    environ = os.environ | {"QUIZDL_HOME": str(tmp_path / "home"), "QUIZDL_BANK": str(bank)}
    environ |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PS1": "shell> "}
    shell, fd = pty.fork()
    if shell == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environ)
    try:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        term = Keyboard(fd)
        term.wait_for("shell> ")
        term.press(f"{sys.executable} -m quizdl\r")
        term.wait_for("2 道题")
        term.press("\r")
        term.wait_for("doubling 吗？")
        term.press("\x1a")
        term.wait_for("Stopped")
        term.press("echo still $((40 + 2)) here\r")
        term.wait_for("still 42 here")
        term.press("fg\r")
        term.wait_for("doubling 吗？")
        term.press(" ")
        term.wait_for("不假思索")
        term.press("4")
        term.wait_for("halving 吗？")
        term.press("q")
        term.wait_for("打分 1 次")
    finally:
        os.kill(shell, signal.SIGKILL)
        os.close(fd)
        os.waitpid(shell, 0)
