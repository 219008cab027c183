"""What a demo must not do: it is refused with a clear line, and leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from demos import anyone, target

from quizdl.model import ClaimResult, Judged, Question, Verdict
from quizdl.proof.limits import Limits
from quizdl.proof.pool import Pool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="layers of Linux")

Attempt = Callable[..., ClaimResult]
WALL = 30.0


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    limits = Limits(wall=WALL, cpu=5, memory=256 << 20)
    with Pool(jobs=2, limits=limits, permission=anyone) as pool:
        pool.applied(20)
        yield pool


@pytest.fixture
def attempt(pool: Pool, tmp_path: Path) -> Attempt:
    """Prove a claim whose function does `work`; afterwards nothing but the spares is left."""

    def attempt(work: str) -> ClaimResult:
        body = "".join(f"    {line}\n" for line in work.strip().splitlines())
        source = f"import os, socket, subprocess, sys, threading, time\ndef f(a=1.0):\n{body}"
        source = source.replace("FOLDER", repr(str(tmp_path))) + "    return {'x': a}\n"
        question, claim = target(source)
        fields = {name: getattr(question, name) for name in Question.__slots__}
        question = Question(**fields | {"folder": tmp_path / "question"})
        question.folder.mkdir(exist_ok=True)
        started = time.monotonic()
        events = list(pool.prove([(question, claim)], [0]))
        assert time.monotonic() - started < WALL
        assert isinstance(events[-1], Judged)
        assert_nothing_left(pool)
        return events[-1].result

    return attempt


def assert_nothing_left(pool: Pool) -> None:
    """The server has its spares for children, and empty folders; all else is gone at once."""
    server = pool._server
    assert server is not None
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    assert len(children.read_text().split()) <= pool._setup.spares
    folders = [path for path in server._root.iterdir() if path.is_dir()]
    assert len(folders) <= pool._setup.spares + 2  # as many as have ever run at once
    assert not any(path for folder in folders for path in folder.iterdir())


def refused(result: ClaimResult) -> bool:
    return (
        result.verdict is Verdict.ERROR
        and "隔离不允许" in result.reason
        and "第 " in result.reason
        and "\n" not in result.reason
    )


@pytest.mark.parametrize(
    "work",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair()",
        "while True: os.fork()",
        "if os.fork() == 0:\n    if os.fork() == 0:\n        os.setsid(); time.sleep(60)",
        "subprocess.run(['/bin/true'])",
        "os.system('true') and subprocess.Popen(['/bin/true'])",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.kill(os.getppid(), 15)",
        "os.kill(1, 0)",
        "os.kill(-1, 9)",
        "os.killpg(os.getpgid(0), 9)",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)",
        "import fcntl; fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid())",
        "os.memfd_create('x')",
        "os.chmod('.', 0o777)",
        "os.utime(FOLDER)",
        "os.setxattr(FOLDER, 'user.x', b'1')",
    ],
)
def test_a_call_that_is_not_allowed_is_refused(attempt: Attempt, work: str) -> None:
    assert refused(attempt(work))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "~/.ssh",
        "~",
        "/",
        "/tmp",
        "/proc",
        "/proc/PARENT/mem",
        "/proc/PARENT/environ",
        "/proc/self/mem",
        "/dev/mem",
        "/dev/tty",
    ],
)
def test_what_is_not_pythons_cannot_be_read(attempt: Attempt, path: str) -> None:
    path = str(Path(path.replace("PARENT", str(os.getpid()))).expanduser())
    if not os.path.lexists(path):
        pytest.skip("not on this machine")
    assert refused(attempt(f"os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r})"))


def test_a_users_file_cannot_be_read_even_with_the_path_known(
    attempt: Attempt, tmp_path: Path
) -> None:
    secret = tmp_path / "home" / ".ssh" / "id_ed25519"
    secret.parent.mkdir(parents=True)
    secret.write_text("secret")
    assert refused(attempt(f"print(open({str(secret)!r}).read())"))
    link = f"os.symlink({str(secret)!r}, 'link'); print(open('link').read())"
    assert refused(attempt(link))
    assert refused(attempt(f"os.link({str(secret)!r}, 'link')"))


def test_the_other_scratch_folders_cannot_be_read(attempt: Attempt) -> None:
    assert refused(attempt("os.listdir('..')"))


def test_the_folder_of_the_question_is_read_and_never_written(
    attempt: Attempt, tmp_path: Path
) -> None:
    folder = tmp_path / "question"
    folder.mkdir()
    (folder / "data.csv").write_text("1,2\n")
    good = attempt("assert open(FOLDER + '/question/data.csv').read() == '1,2\\n'")
    assert good.verdict is Verdict.PROVED, good.reason
    for work in (
        "open(FOLDER + '/question/beside', 'w')",
        "open(FOLDER + '/question/data.csv', 'a')",
        "os.truncate(FOLDER + '/question/data.csv', 0)",
        "os.unlink(FOLDER + '/question/data.csv')",
        "os.rename(FOLDER + '/question/data.csv', 'mine')",
        "os.mkdir(FOLDER + '/question/new')",
        "os.symlink('/', FOLDER + '/question/new')",
    ):
        assert refused(attempt(work)), work
    assert [path.name for path in folder.iterdir()] == ["data.csv"]
    assert (folder / "data.csv").read_text() == "1,2\n"


def test_the_scratch_folder_is_a_place_to_work_in(attempt: Attempt) -> None:
    result = attempt(
        """
os.makedirs('deep/er', exist_ok=True)
open('deep/note', 'w').write('x' * 5000)
os.truncate('deep/note', 10)
os.rename('deep/note', 'deep/er/note')
assert len(open('deep/er/note').read()) == 10
open(os.devnull, 'w').write('x')
assert len(open('/dev/urandom', 'rb').read(8)) == 8
thread = threading.Thread(target=print, args=('hello',)); thread.start(); thread.join()
import tempfile; tempfile.TemporaryFile().write(b'x')
"""
    )
    assert result.verdict is Verdict.PROVED, result.reason + result.output
    assert result.output == "hello\n" * 2


def test_numpy_has_all_it_needs(attempt: Attempt) -> None:
    result = attempt(
        """
import numpy as np
import numpy.polynomial, numpy.ma, numpy.testing, decimal, sqlite3, ssl, csv, statistics
from fractions import Fraction
A = np.random.default_rng(0).normal(size=(120, 120))
np.linalg.eig(A); np.linalg.solve(A, A); np.fft.rfft2(A); np.einsum('ij,jk', A, A)
np.savez('a.npz', A=A); assert np.allclose(np.load('a.npz')['A'], A)
np.show_config()
"""
    )
    assert result.verdict is Verdict.PROVED, result.reason + result.output


def test_ten_thousand_open_files_are_a_limit(attempt: Attempt) -> None:
    result = attempt("all = [open(os.devnull) for _ in range(10_000)]")
    assert result.verdict is Verdict.LIMIT
    assert "256" in result.reason


@pytest.mark.parametrize(
    "work",
    [
        "open(str(n), 'wb').write(bytes(8 << 20))",
        "os.close(os.open(str(n), os.O_CREAT | os.O_WRONLY))",
    ],
    ids=["large files", "very many files"],
)
def test_filling_the_disk_is_a_limit(attempt: Attempt, work: str) -> None:
    result = attempt(f"import itertools\nfor n in itertools.count():\n    {work}")
    assert result.verdict is Verdict.LIMIT
    assert "64 MiB" in result.reason


def test_a_thread_bomb_is_a_limit(attempt: Attempt) -> None:
    result = attempt("while True: threading.Thread(target=time.sleep, args=(60,)).start()")
    assert result.verdict is Verdict.LIMIT
    assert "线程" in result.reason or "内存" in result.reason


@pytest.mark.parametrize(
    ("work", "verdict", "says"),
    [
        pytest.param("while True: pass", Verdict.TIMEOUT, "CPU", marks=pytest.mark.slow),
        ("bytearray(10 << 30)", Verdict.LIMIT, "内存"),
        ("for _ in range(100): print('x' * 2**20)", Verdict.LIMIT, "输出"),
        ("sys.stdout.close(); print(1)", Verdict.ERROR, "ValueError"),
        ("os.close(1); os.close(2); print(1); sys.stdout.flush()", Verdict.ERROR, "OSError"),
        ("import ctypes; ctypes.string_at(0)", Verdict.ERROR, "SIGSEGV"),
    ],
)
def test_each_end_has_its_line(attempt: Attempt, work: str, verdict: Verdict, says: str) -> None:
    result = attempt(work)
    assert result.verdict is verdict
    assert says in result.reason


def test_a_closed_stdout_loses_the_output_and_no_number(attempt: Attempt) -> None:
    assert attempt("sys.stdout.close()").verdict is Verdict.PROVED
    assert attempt("if a == 1: os.close(1); os.close(2)").verdict is Verdict.PROVED


def test_root_keeps_its_name_only(attempt: Attempt) -> None:
    assert refused(attempt("os.mknod('null', 0o20600, os.makedev(1, 3))"))
    assert refused(attempt("os.chroot('.')"))
