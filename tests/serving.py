"""`quizdl serve` as a child process, and tabs that speak to it as the page does."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType

import aiohttp
from banks import trust_bank


class Served:
    """A running server. All that belongs to it knows `folder`, by its arguments."""

    def __init__(self, folder: Path, bank: Path, *arguments: str, **environ: str) -> None:
        self.folder, self.home = folder, folder / "home"
        trust_bank(bank, self.home)
        scratch = folder / "scratch"
        scratch.mkdir()
        surroundings = {key: value for key, value in os.environ.items() if "QUIZDL_" not in key}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "quizdl", "serve", "--bank", bank, "--port", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=surroundings
            | {"QUIZDL_HOME": str(self.home), "TMPDIR": str(scratch), "PYTHONIOENCODING": "utf-8"}
            | environ,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, (line, self.process.communicate(timeout=10))
        self.address = found[0]
        self.port = int(self.address.rpartition(":")[2])

    def children(self) -> dict[int, str]:
        """Every process that is left, but the server itself."""
        ran = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True)
        lines = [line.split(maxsplit=1) for line in ran.stdout.decode().splitlines()]
        ours = {int(pid): rest[0] for pid, *rest in lines if rest and str(self.folder) in rest[0]}
        return {pid: args for pid, args in ours.items() if pid != self.process.pid}

    def app(self) -> int:
        """The one interface that runs."""
        (pid,) = [pid for pid, args in self.children().items() if "-m quizdl --bank" in args]
        return pid

    def wait_for_none(self, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while left := self.children():
            assert time.monotonic() < end, left
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        for pid in self.children():
            os.kill(pid, signal.SIGKILL)


@contextmanager
def served(folder: Path, bank: Path, *arguments: str, **environ: str) -> Iterator[Served]:
    server = Served(folder, bank, *arguments, **environ)
    try:
        yield server
    finally:
        server.close()


class Tab:
    """What `textual.js` does, without a screen; what came last is in `seen`."""

    def __init__(self, server: Served, origin: str | None = None, **headers: str) -> None:
        self._origin = server.address if origin is None else origin
        self._url = f"{server.address}/ws?width=80&height=24"
        self._headers = headers
        self.seen = ""

    async def __aenter__(self) -> Tab:
        self.client = aiohttp.ClientSession()
        try:
            self.socket = await self.client.ws_connect(
                self._url, origin=self._origin or None, headers=self._headers
            )
        except BaseException:
            await self.client.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.socket.close()
        await self.client.close()

    async def press(self, keys: str) -> None:
        await self.socket.send_json(["stdin", keys])

    async def wait_for(self, text: str, seconds: float = 30) -> None:
        """Read until `text` has been painted since the last wait."""
        painted = b""
        async with asyncio.timeout(seconds):
            while text.encode() not in painted:
                message = await self.socket.receive()
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                if message.type is aiohttp.WSMsgType.BINARY:
                    painted += message.data
        self.seen = painted.decode(errors="replace")

    async def ended(self, seconds: float = 20) -> str | None:
        """Read to the end; what the page is told about it, if anything."""
        told = None
        async with asyncio.timeout(seconds):
            async for message in self.socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    kind, text = json.loads(message.data)
                    told = text if kind == "ended" else told
        return told


@asynccontextmanager
async def answering(server: Served) -> AsyncIterator[Tab]:
    """A tab in which the first question's answer is shown, and its proof has run."""
    async with Tab(server) as tab:
        await tab.wait_for("2 道题")
        await tab.press("\r")
        await tab.wait_for("doubling 吗？")
        await tab.press(" ")
        await tab.wait_for("不假思索")
        await tab.press("r")
        await tab.wait_for("已证")
        yield tab
