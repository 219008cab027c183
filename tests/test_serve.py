"""`quizdl serve`: who is let in, what a tab does, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import aiohttp
import pytest
from serving import Served, Tab, answering, served
from terminals import Quizdl

from quizdl.memory import open_store
from quizdl.web import NEEDED

pytestmark = pytest.mark.slow


async def status(server: Served, path: str, **headers: str) -> int:
    async with (
        aiohttp.ClientSession() as client,
        client.get(server.address + path, headers=headers) as response,
    ):
        return response.status


async def test_other_pages_are_refused(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        foreign = [
            "http://evil.example",
            f"http://evil.example:{server.port}",
            f"https://127.0.0.1:{server.port}",
            f"http://127.0.0.1:{server.port + 1}",
            f"http://127.0.0.1:{server.port}.evil.example",
            "null",
            "",  # a browser always sends one
        ]
        for origin in foreign:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with Tab(server, origin):
                    pass
            assert refused.value.status == 403, origin
        assert await status(server, "/", Origin="http://evil.example") == 403
        for host in (f"evil.example:{server.port}", "127.0.0.1", f"127.0.0.1:{server.port + 1}"):
            for path in ("/", "/page.js", "/static/js/textual.js", "/nothing"):
                assert await status(server, path, Host=host) == 403, host
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with Tab(server, Host=host):
                    pass
            assert refused.value.status == 403
        assert server.children() == {}, "nothing may have been started for them"


async def test_only_this_machine_can_reach_it(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port), timeout=5).close()


async def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        for name in (f"http://127.0.0.1:{server.port}", f"http://localhost:{server.port}"):
            async with aiohttp.ClientSession() as client, client.get(name + "/") as response:
                assert response.status == 200
                policy = response.headers["Content-Security-Policy"]
                page = await response.text()
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "://" not in page
        parts = re.findall(r'(?:href|src)="(/[^"]+)"', page)
        async with aiohttp.ClientSession() as client:
            response = await client.get(server.address + "/page.css")
            parts += re.findall(r'url\("([^"]+)"\)', await response.text())
        assert len(parts) >= 6
        for part in parts:
            assert await status(server, part) == 200, part


async def test_a_review_in_a_tab(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        async with answering(server) as tab:
            await tab.press("e")
            await tab.wait_for("浏览器里打不开你的编辑器")
            for nonsense in (
                '"x"',
                "[]",
                '["resize", 3]',
                '["resize", {"width": "?"}]',
                "{",
                "[1]",
            ):
                await tab.socket.send_str(nonsense)
            await tab.press("4")
            await tab.wait_for("halving 吗？")
            await tab.socket.send_json(["resize", {"width": 100, "height": 30}])
            await tab.wait_for("\x1b[30;")  # a row that was not there before
            assert any("proof.server" in args for args in server.children().values())
        server.wait_for_none()
        assert server.stop() == 0
        assert server.process.communicate() == ("", "")
        with open_store(server.home / "memory.sqlite3") as store:
            (review,) = store.reviews()
            assert (review.question, int(review.rating)) == ("doubling", 4)


async def test_two_tabs_rate_at_once(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        async with answering(server) as one, answering(server) as two:
            await asyncio.gather(one.press("4"), two.press("4"))
            await asyncio.gather(one.wait_for("halving 吗？"), two.wait_for("halving 吗？"))
        server.wait_for_none()
        with open_store(server.home / "memory.sqlite3") as store:
            reviews = store.reviews()
            assert [review.question for review in reviews] == ["doubling", "doubling"]
            cards = store.memory(reviews[0].day).cards
            assert cards["doubling"].reps == 2
            store.replay()
            assert store.memory(reviews[0].day).cards == cards


async def test_leaving_says_so(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        async with Tab(server) as tab:
            await tab.wait_for("2 道题")
            await tab.press("q")
            assert "已经离开" in (await tab.ended() or "")
        server.wait_for_none()


def closed_properly(server: Served) -> bool:
    """SQLite takes the log away when the last connection is closed, not when that is killed."""
    database = server.home / "memory.sqlite3"
    return database.exists() and not database.with_name("memory.sqlite3-wal").exists()


async def test_a_tab_that_vanishes_amid_a_paint(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        async with answering(server) as tab:
            await tab.press("4")
            await tab.wait_for("halving 吗？")
            assert not closed_properly(server)
            await tab.socket.send_json(["resize", {"width": 1000, "height": 1000}])
            await tab.press("??")  # megabytes of paint, more than all pipes hold
            await asyncio.sleep(2)
            await tab.client.close()
        server.wait_for_none()
        assert closed_properly(server)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)]
)
async def test_stopping_takes_everything_along(
    tmp_path: Path, bank: Path, number: signal.Signals, code: int
) -> None:
    with served(tmp_path, bank) as server:
        async with answering(server) as tab:
            began = time.monotonic()
            assert await asyncio.to_thread(server.stop, number) == code
            assert time.monotonic() - began < 5
            await tab.ended()
        assert server.children() == {}
        assert "Traceback" not in server.process.communicate()[1]


async def test_killing_the_server_leaves_nothing(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        async with answering(server) as tab:
            await tab.press("4")
            await tab.wait_for("halving 吗？")
            await tab.socket.send_json(["resize", {"width": 1000, "height": 1000}])
            await tab.socket.receive()
            server.stop(signal.SIGKILL)
            server.wait_for_none()
            assert closed_properly(server)


async def test_a_crash_is_told(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        async with answering(server) as tab:
            os.kill(server.app(), signal.SIGSEGV)
            assert "意外结束了（退出码 -11）" in (await tab.ended() or "")
        server.wait_for_none()
        async with Tab(server) as tab:  # and the next one works
            await tab.wait_for("2 道题")


async def test_what_keeps_it_from_starting_is_told(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        (server.home / "config.toml").write_text("new_per_day = 'many'\n", "utf-8")
        async with Tab(server) as tab:
            told = await tab.ended()
        assert told is not None
        assert "config.toml 里的 new_per_day" in told
        server.stop()
        assert told in server.process.communicate()[1]


async def test_a_child_that_will_not_leave(tmp_path: Path, bank: Path) -> None:
    with served(tmp_path, bank) as server:
        async with Tab(server) as tab:
            await tab.wait_for("2 道题")
            os.kill(server.app(), signal.SIGSTOP)
        server.wait_for_none()


async def test_not_more_than_four_tabs(tmp_path: Path, bank: Path) -> None:
    """And those that are closed before their child has even begun leave nothing, either."""
    with served(tmp_path, bank) as server:
        tabs = [Tab(server) for _ in range(5)]
        try:
            for tab in tabs[:4]:
                await tab.__aenter__()
            async with tabs[4] as fifth:
                assert "最多同时开 4 个" in (await fifth.ended() or "")
        finally:
            await asyncio.gather(*(tab.__aexit__(None, None, None) for tab in tabs[:4]))
        server.wait_for_none()


def test_a_port_that_is_taken(quizdl: Quizdl, bank: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ran = quizdl("serve", "--bank", str(bank), "--port", port)
    assert ran.returncode == 1
    assert f"端口 {port} 已经被占用" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_bank_that_is_not_there(quizdl: Quizdl, tmp_path: Path) -> None:
    ran = quizdl("serve", "--bank", str(tmp_path / "nowhere"), "--port", "0")
    assert ran.returncode == 1
    assert ran.stderr.startswith("找不到题库")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("missing", "command"),
    [("textual_serve", "serve"), ("aiohttp", "serve"), ("aiohttp", "doctor")],
)
def test_without_the_extra(surroundings: dict[str, str], missing: str, command: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nfrom quizdl.cli import run\n"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}sys.exit(run(['{command}']))"],
        env=surroundings,
        capture_output=True,
        encoding="utf-8",
    )
    said = ran.stderr if command == "serve" else ran.stdout
    (line,) = [line for line in said.splitlines() if "浏览器" in line]
    assert "pip install 'textual-serve" in line
    if command == "serve":
        assert (ran.returncode, said) == (1, line + "\n")
    else:
        assert line.startswith("–"), "it is no fault"


def test_what_is_to_be_installed_is_what_was_declared() -> None:
    text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text("utf-8")
    assert NEEDED in tomllib.loads(text)["project"]["optional-dependencies"]["serve"]


def test_opening_the_browser(tmp_path: Path, bank: Path) -> None:
    browser, wanted = tmp_path / "browser", tmp_path / "wanted"
    browser.write_text(f'#!/bin/sh\necho "$1" > {wanted}.new && mv {wanted}.new {wanted}\n')
    browser.chmod(0o755)
    with served(tmp_path, bank, "--open", BROWSER=str(browser)) as server:
        end = time.monotonic() + 10
        while not wanted.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        assert wanted.read_text().strip() == server.address
