"""`quizdl serve` in a real browser: run where chromium and its driver are installed.

On Debian: `apt-get install chromium chromium-driver fonts-noto-cjk`. The last picture is kept with
`QUIZDL_PICTURE=file.png`.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from serving import served

from quizdl.memory import open_store

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver here"),
]

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--window-size=1000,700",
]
ENTER, CONTROL = "\ue007", "\ue009"

# What xterm is given to draw: a canvas cannot be asked.
LISTEN = """
window.painted = "";
const decoder = new TextDecoder();
window.WebSocket = class extends WebSocket {
  constructor(...where) {
    super(...where);
    this.addEventListener("message", ({ data }) => {
      if (typeof data !== "string") window.painted += decoder.decode(data, { stream: true });
    });
  }
};
"""


class Browser:
    """The little of the WebDriver protocol that is needed here."""

    def __init__(self, client: aiohttp.ClientSession, session: str) -> None:
        self._client, self._session = client, session

    async def ask(self, method: str, what: str, **body: object) -> Any:
        path = f"/session/{self._session}{what}"
        body_of = {"json": body} if method == "POST" else {}
        async with self._client.request(method, path, **body_of) as response:
            answer = (await response.json())["value"]
        assert response.status == 200, answer
        return answer

    async def open(self, address: str) -> None:
        await self.ask("POST", "/url", url=address)

    async def run(self, script: str) -> Any:
        return await self.ask("POST", "/execute/sync", script=script, args=[])

    async def press(self, keys: str, holding: str = "") -> None:
        pressed = [[{"type": "keyDown", "value": k}, {"type": "keyUp", "value": k}] for k in keys]
        down = [{"type": "keyDown", "value": key} for key in holding]
        up = [{"type": "keyUp", "value": key} for key in holding]
        actions = [*down, *(step for steps in pressed for step in steps), *up]
        keyboard = {"type": "key", "id": "keyboard", "actions": actions}
        await self.run('window.painted = ""')
        await self.ask("POST", "/actions", actions=[keyboard])

    async def wait_for(self, holds: str, seconds: float = 30) -> None:
        """Until the expression `holds` is true in the page."""
        async with asyncio.timeout(seconds):
            while not await self.run(f"return {holds}"):
                await asyncio.sleep(0.05)

    async def wait_for_paint(self, text: str) -> None:
        await self.wait_for(f'painted.includes("{text}")')


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    assert DRIVER is not None
    driver = subprocess.Popen(
        [DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert driver.stdout is not None
    try:
        port = next(
            m[1] for line in driver.stdout if (m := re.search(r"successfully on port (\d+)", line))
        )
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={profile}"]}
            asked = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
            async with client.post("/session", json=asked) as response:
                answer = (await response.json())["value"]
            assert response.status == 200, answer
            browser = Browser(client, answer["sessionId"])
            listen = {"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": {"source": LISTEN}}
            await browser.ask("POST", "/goog/cdp/execute", **listen)
            try:
                yield browser
            finally:
                await browser.ask("DELETE", "")
    finally:
        driver.terminate()
        driver.communicate()


async def test_a_review_in_the_browser(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, bank: Path
) -> None:
    with served(tmp_path, bank) as server:
        async with chromium(tmp_path_factory.mktemp("profile")) as browser:
            await browser.open(server.address)
            await browser.wait_for_paint("2 道题")  # and the keyboard needs no click:
            await browser.wait_for('document.activeElement.className.includes("xterm")')
            await browser.press(ENTER)
            await browser.wait_for_paint("doubling 吗？")
            await browser.press(" ")
            await browser.wait_for_paint("不假思索")
            await browser.press("r")
            await browser.wait_for_paint("已证")
            if picture := os.environ.get("QUIZDL_PICTURE"):
                await asyncio.sleep(1)
                shot = await browser.ask("GET", "/screenshot")
                Path(picture).write_bytes(base64.b64decode(shot))
            await browser.press("4")
            await browser.wait_for_paint("halving 吗？")
            used = 'performance.getEntriesByType("resource").map((entry) => entry.name)'
            addresses = await browser.run(f"return {used}")
            assert any("RobotoMono" in address for address in addresses)
            assert all(address.startswith(server.address + "/") for address in addresses)
            await browser.press("q", holding=CONTROL)
            await browser.wait_for('document.activeElement.id === "again"')
            assert "已经离开" in await browser.run("return said.innerText")
            server.wait_for_none()
            await browser.run("window.painted = ''")
            await browser.press(ENTER)  # the button has the focus: once more
            await browser.wait_for("window.painted && painted.includes('1 道题')")
            await browser.open("about:blank")
            server.wait_for_none()
            await browser.ask("POST", "/back")
            await browser.wait_for_paint("1 道题")
        server.wait_for_none()  # the browser was closed
        with open_store(server.home / "memory.sqlite3") as store:
            (review,) = store.reviews()
            assert (review.question, int(review.rating)) == ("doubling", 4)


async def test_a_page_elsewhere_cannot_get_in(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, bank: Path
) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<p>hello", content_type="text/html")

    site = web.Application()
    site.router.add_get("/", page)
    with served(tmp_path, bank) as server:
        async with (
            TestServer(site) as other,
            chromium(tmp_path_factory.mktemp("profile")) as browser,
        ):
            await browser.open(str(other.make_url("/")))
            await browser.run(
                f"""window.came = [];
                const socket = new WebSocket("ws://127.0.0.1:{server.port}/ws");
                socket.onopen = () => came.push("open");
                socket.onerror = () => came.push("error");
                const frame = document.createElement("iframe");
                frame.src = "{server.address}/";
                frame.onload = () => came.push("frame");
                document.body.append(frame);"""
            )
            await browser.wait_for("came.length > 1")
            assert sorted(await browser.run("return came")) == ["error", "frame"]
            assert server.children() == {}, "the frame stays empty"
