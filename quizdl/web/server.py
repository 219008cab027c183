"""The server: one page, textual-serve's terminal for it, and a websocket for each tab.

Any web page that the learner visits can send requests to 127.0.0.1, open a websocket there, or
give its own name this address. So only requests that name us as their host are answered, and only
a websocket that our own page opened (a browser always says which page did) gets a child.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from html import escape
from importlib import resources
from string import Template

from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler, Middleware

from quizdl.web.session import MOST_CELLS, converse
from quizdl.words import QuizdlError, listed, say

HOST = "127.0.0.1"
MOST_TABS = 4
HEARTBEAT_SECONDS = 30


def run(
    command: Sequence[str],
    port: int,
    opened: Callable[[str], None],
    report: Callable[[str], None],
) -> int:
    """See `quizdl.web.run_server`."""
    listener = _listen(port)
    port = listener.getsockname()[1]
    return asyncio.run(_serve(listener, Tabs(command, report).application(port), opened))


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise QuizdlError("web.port_taken", port=port) from error
        raise QuizdlError("web.port_refused", port=port, why=error.strerror) from error


async def _serve(
    listener: socket.socket, application: web.Application, opened: Callable[[str], None]
) -> int:
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    stopped = _signalled()
    try:
        await web.SockSite(runner, listener).start()
        opened(f"http://{HOST}:{listener.getsockname()[1]}")
        return await stopped
    finally:
        await runner.cleanup()


def _signalled() -> asyncio.Future[int]:
    """The signal that ends the server. A second one is not waited for: it acts as ever."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    ours = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]

    def stop(came: int) -> None:
        for number in ours:
            loop.remove_signal_handler(number)
        if not stopped.done():
            stopped.set_result(came)

    try:
        for number in ours:
            loop.add_signal_handler(number, stop, number)
    except NotImplementedError:  # Windows: ctrl+c cancels whoever waits
        pass
    return stopped


class Tabs:
    """The tabs that are open, and what they are given."""

    def __init__(self, command: Sequence[str], report: Callable[[str], None]) -> None:
        self._command, self._report = command, report
        self._open: set[web.WebSocketResponse] = set()

    def application(self, port: int) -> web.Application:
        shown = "" if port == 80 else f":{port}"
        origins = {f"http://{name}{shown}" for name in (HOST, "localhost")}
        application = web.Application(middlewares=[web.middleware(_guard(origins))])
        application.on_response_prepare.append(_policy(origins))
        terminal = resources.files("textual_serve") / "static"
        ours = resources.files("quizdl.web")
        application.router.add_get("/", self._page)
        application.router.add_get("/ws", self._tab)
        for name in ("page.css", "page.js"):
            application.router.add_get(f"/{name}", _file(str(ours / name)))
        application.router.add_static("/static", str(terminal))
        application.on_shutdown.append(self._close)
        return application

    async def _page(self, request: web.Request) -> web.Response:
        page = Template((resources.files("quizdl.web") / "page.html").read_text("utf-8"))
        texts = {name: say(f"web.page.{name}") for name in ("opening", "lost", "again", "script")}
        text = page.substitute({name: escape(text) for name, text in texts.items()})
        return web.Response(text=text, content_type="text/html")

    async def _tab(self, request: web.Request) -> web.WebSocketResponse:
        tab = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, compress=False)
        await tab.prepare(request)
        if len(self._open) >= MOST_TABS:
            said = say("web.too_many", most=MOST_TABS)
        else:
            self._open.add(tab)
            try:
                columns, rows = _cells(request, "width", 80), _cells(request, "height", 24)
                said = await converse(tab, self._command, columns, rows, self._report)
            finally:
                self._open.discard(tab)
        if not tab.closed:
            await tab.send_json(["ended", said])
            await tab.close()
        return tab

    async def _close(self, _: web.Application) -> None:
        """Their handlers end with them, and their children with these; aiohttp waits."""
        going = [tab.close(code=WSCloseCode.GOING_AWAY) for tab in self._open]
        await asyncio.gather(*going, return_exceptions=True)


def _cells(request: web.Request, name: str, default: int) -> int:
    try:
        return min(max(1, int(request.query[name])), MOST_CELLS)
    except (KeyError, ValueError):
        return default


def _file(path: str) -> Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return send


def _guard(origins: set[str]) -> Middleware:
    """Refuses other people's pages."""

    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        is_ours = origin in origins or (origin is None and request.path != "/ws")
        if f"http://{host}" not in origins or not is_ours:
            raise web.HTTPForbidden(text=say("web.foreign", addresses=listed(sorted(origins))))
        return await handler(request)

    return guard


def _policy(origins: set[str]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Nothing is loaded from elsewhere, and no other page shows ours in a frame."""
    sockets = " ".join(sorted(origin.replace("http", "ws") for origin in origins))
    headers = {
        "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none';"
        f" style-src 'self' 'unsafe-inline'; connect-src 'self' {sockets};"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }

    async def add(_: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(headers)

    return add
