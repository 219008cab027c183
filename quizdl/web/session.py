"""One tab: a quizdl of its own, between a websocket and a child's pipes.

The browser's side of the protocol is textual-serve's `textual.js`, the child's is Textual's web
driver: a line that says it is there, then packets of a letter (D: terminal data, M: JSON), four
bytes of length, and the payload. textual-serve's own AppService stands between them, too, but
starts a shell, waits for ever for a child that does not leave, stops reading a child whose tab
went away (which then blocks, half-way through a paint), and says nothing of one that crashed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Sequence

from aiohttp import WSMsgType, web

from quizdl.words import say

LEAVE_SECONDS = 6
"""For a child to leave once it is asked; then it is told, then killed."""
TOLD_SECONDS = 1
MOST_CELLS = 1000
KEPT_ERRORS = 1 << 16
HELLO = b"__GANGLION__\n"


async def converse(
    socket: web.WebSocketResponse,
    command: Sequence[str],
    columns: int,
    rows: int,
    report: Callable[[str], None],
) -> str:
    """Run `command` for this tab until either leaves; the child has ended by then.

    Returns what the page should say.
    """
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(columns, rows),
            start_new_session=True,  # ctrl+c in the terminal is for the server
        )
    except OSError as error:
        return say("web.no_start", why=error.strerror or error)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    errors = asyncio.create_task(_last_of(child.stderr))
    painting = asyncio.create_task(_paint(child.stdout, socket))
    typing = asyncio.create_task(_type(socket, child.stdin))
    try:
        await asyncio.wait({painting, typing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        typing.cancel()
        await _end(child)
        _, late = await asyncio.wait({painting, typing, errors}, timeout=TOLD_SECONDS)
        for task in late:
            task.cancel()
    complaint = "" if errors in late else errors.result()
    if complaint:
        report(complaint)
    if child.returncode == 0:
        return say("web.left")
    if complaint and "\n" not in complaint:  # a clear line, meant to be read
        return complaint
    return say("web.crashed", code=child.returncode)


def _environment(columns: int, rows: int) -> dict[str, str]:
    return os.environ | {
        "TEXTUAL_DRIVER": "quizdl.tui.driver:PipeDriver",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "COLUMNS": str(columns),
        "ROWS": str(rows),
    }


async def _paint(stdout: asyncio.StreamReader, socket: web.WebSocketResponse) -> None:
    """What the child draws, to the browser; read on when that has gone, or the child would
    block."""
    with contextlib.suppress(asyncio.IncompleteReadError, ValueError):  # ends; a line too long
        while await stdout.readline() not in (HELLO, b""):
            pass
        while True:
            kind = await stdout.readexactly(1)
            size = int.from_bytes(await stdout.readexactly(4), "big")
            payload = await stdout.readexactly(size)
            with contextlib.suppress(ConnectionError, RuntimeError):  # the tab has gone
                if kind == b"D":
                    await socket.send_bytes(payload)
                elif kind == b"M":
                    await _open_link(socket, json.loads(payload))


async def _open_link(socket: web.WebSocketResponse, meta: dict[str, object]) -> None:
    """Web pages only: a bank's `javascript:` would run as a part of ours."""
    if meta["type"] == "open_url" and str(meta["url"]).startswith(("https://", "http://")):
        await socket.send_json(["open_url", {"url": meta["url"], "new_tab": True}])


async def _type(socket: web.WebSocketResponse, stdin: asyncio.StreamWriter) -> None:
    """What the browser sends, to the child; what is not understood is left out."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            kind, *rest = json.loads(message.data)
            packet = _packet(kind, rest)
        except (ValueError, TypeError, KeyError, IndexError):
            continue
        if kind == "ping":
            await socket.send_json(["pong", rest[0] if rest else ""])
        elif packet:
            try:
                stdin.write(packet)
                await stdin.drain()
            except (ConnectionError, RuntimeError):
                return


def _packet(kind: str, rest: Sequence[object]) -> bytes:
    if kind == "stdin":
        return _encode(b"D", str(rest[0]).encode("utf-8", "replace"))
    if kind == "resize":
        size = rest[0]
        if not isinstance(size, dict):
            raise TypeError
        width, height = (min(max(1, int(size[key])), MOST_CELLS) for key in ("width", "height"))
        return _meta({"type": "resize", "width": width, "height": height})
    if kind in ("focus", "blur"):
        return _meta({"type": kind})
    return b""


def _meta(meta: dict[str, object]) -> bytes:
    return _encode(b"M", json.dumps(meta).encode())


def _encode(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


async def _end(child: asyncio.subprocess.Process) -> None:
    """Ask the child to leave, which saves and takes its proofs with it; or make it."""
    assert child.stdin is not None
    with contextlib.suppress(ConnectionError, RuntimeError):
        child.stdin.write(_meta({"type": "quit"}))
        child.stdin.close()
    for insist, seconds in ((child.terminate, LEAVE_SECONDS), (child.kill, TOLD_SECONDS)):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), seconds)
        if child.returncode is None:
            insist()
    await child.wait()


async def _last_of(stderr: asyncio.StreamReader) -> str:
    kept = b""
    while part := await stderr.read(4096):
        kept = (kept + part)[-KEPT_ERRORS:]
    return kept.decode(errors="replace").strip()
