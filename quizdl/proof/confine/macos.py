"""macOS: the server and its children under a profile of sandbox-exec(1).

Like bubblewrap it is put around the server, so that the folder of a question cannot be read
in it. A process in a sandbox cannot enter a second one, and the server has to fork: forking
cannot be refused here, and there is no adopting of orphans either. Apple calls sandbox-exec
deprecated and still ships it; it is tried out before it is used.
"""

from __future__ import annotations

import sys
from pathlib import Path

from quizdl.proof.confine import places

assert sys.platform != "win32"

PROGRAM = Path("/usr/bin/sandbox-exec")
_SYSTEM = (
    "/usr/lib",
    "/usr/share",
    "/System",
    "/Library/Apple",
    "/private/var/db/dyld",
    "/private/var/db/timezone",
)


def command(readable: tuple[Path, ...], root: Path) -> list[str]:
    """The command line to put before another; empty when sandbox-exec is not there."""
    return [str(PROGRAM), "-p", profile(readable, root)] if PROGRAM.exists() else []


def profile(readable: tuple[Path, ...], root: Path) -> str:
    """The last rule that fits decides; what none allows is denied, the network with it."""
    folders = "\n".join(f"  (subpath {_quoted(p)})" for p in (*map(Path, _SYSTEM), *readable))
    devices = " ".join(f"(literal {_quoted(Path(d))})" for d in places.READ_DEVICES)
    null = " ".join(f"(literal {_quoted(Path(d))})" for d in places.WRITE_DEVICES)
    return f"""(version 1)
(deny default)
(import "system.sb")
(allow process-exec)
(allow process-fork)
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-read* (literal "/") {devices}
{folders})
(allow file-read* file-write* (subpath {_quoted(root)}) {null})
"""


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
