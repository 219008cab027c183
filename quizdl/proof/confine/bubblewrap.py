"""bubblewrap (bwrap(1)): the server in name spaces of its own, where only Python's files are.

Used where Landlock is missing. It is put around the server, before any question is known, so
the folder of a question cannot be read in it; no demo needs to. Where Landlock works it would
add nothing but the time to start, and process ids that mean something else outside.
"""

from __future__ import annotations

import shutil
from pathlib import Path


def command(readable: tuple[Path, ...], root: Path) -> list[str]:
    """The command line to put before another; empty when bubblewrap is not installed.

    `root` is the one folder that stays writable.
    """
    program = shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin")
    if program is None:
        return []
    line = [program, "--die-with-parent", "--unshare-all", "--cap-drop", "ALL"]
    line += ["--proc", "/proc", "--dev", "/dev"]
    for path in map(str, readable):
        line += ["--ro-bind", path, path]
    for name in ("/lib", "/lib64", "/bin"):  # where they lead into /usr, the loader needs them
        link = Path(name)
        if link.is_symlink():
            line += ["--symlink", str(link.readlink()), name]
    return [*line, "--bind", str(root), str(root), "--chdir", "/"]
