"""What a child gives up before it runs a demo, chosen by platform, here and nowhere else.

              Linux                              macOS                 Windows
  limits      rlimits                            rlimits, no memory    job object
  files       Landlock, otherwise bubblewrap     sandbox-exec          AppContainer
  network     seccomp (bubblewrap, Landlock)     sandbox-exec          AppContainer
  processes   seccomp: no new ones, no signals   -                     job object
  tree        orphans are adopted and killed     the process group     job object

All of it works without privileges, and none of it can be undone. What a machine cannot do is
left out and reported as left out (`Applied`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from quizdl.proof.confine import rlimits
from quizdl.proof.limits import Limits
from quizdl.proof.protocol import Applied

_WRAPPER = "QUIZDL_PROOF_WRAPPER"
_PATIENCE = 20.0
"""Seconds a wrapper has to show that NumPy loads inside it."""


def wrap_server(root: Path, without: Collection[str]) -> str:
    """Start this process anew inside a wrapper, where nothing better keeps files apart and a
    wrapper works. Returns the wrapper's name when inside one, "" when there is none.

    `root` is the folder that must stay writable.
    """
    assert sys.platform != "win32"
    if inside := os.environ.pop(_WRAPPER, ""):
        return inside
    name, command = _wrapper(root, without)
    if command and _works(command):
        os.environ[_WRAPPER] = name
        os.execv(command[0], [*command, *sys.orig_argv])  # noqa: S606 - ourselves
    return ""


def _wrapper(root: Path, without: Collection[str]) -> tuple[str, list[str]]:
    from quizdl.proof.confine import places

    root = root.resolve()
    if sys.platform == "darwin" and "sandbox-exec" not in without:
        from quizdl.proof.confine import macos

        return "sandbox-exec", macos.command(places.readable(), root)
    if sys.platform == "linux" and "bubblewrap" not in without and not _landlock(without):
        from quizdl.proof.confine import bubblewrap

        return "bubblewrap", bubblewrap.command(places.readable(), root)
    return "", []


def _works(command: list[str]) -> bool:
    """Whether NumPy loads inside: name spaces may be refused, a path may be missing."""
    code = "import sys; sys.path[:] = sys.argv[1:]; import numpy, quizdl.proof.server"
    trial = [*command, sys.executable, "-P", "-c", code, *sys.path]
    try:
        return subprocess.run(trial, capture_output=True, timeout=_PATIENCE).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _landlock(without: Collection[str]) -> int:
    if sys.platform == "linux" and "landlock" not in without:
        from quizdl.proof.confine import landlock

        return landlock.version()
    return 0


class Confinement:
    """Of one child: everything that does not depend on the job at once, the rest with it."""

    def __init__(
        self,
        limits: Limits,
        scratch: Path,
        wrapper: str,
        without: Collection[str],
        readable: tuple[Path, ...] | None = None,
    ) -> None:
        """`readable`: `places.readable()`, where it has been looked up before.

        Raises OSError when a layer that the system has does not take what it is told.
        """
        self._enter: Callable[[Path], None] | None = None
        if sys.platform == "win32":
            from quizdl.proof.confine import windows

            self.applied = windows.lower()
            return

        self.applied = Applied(rlimits=rlimits.lower(limits), wrapper=wrapper)
        if sys.platform == "linux":
            from quizdl.proof.confine import kernel, landlock, places, seccomp

            kernel.drop_capabilities()
            if kernel.no_new_privileges():
                if abi := _landlock(without):
                    ruleset = landlock.Ruleset(scratch, readable or places.readable(), abi)
                    self.applied = replace(self.applied, landlock=abi)
                    self._enter = ruleset.enter
                if "seccomp" not in without:
                    self.applied = replace(self.applied, seccomp=seccomp.refuse())

    def enter(self, folder: Path) -> None:
        """Close the last door: of the files that are left, only `folder` may be read too.

        Raises OSError when the kernel refuses; the demo must not run then.
        """
        if self._enter is not None:
            self._enter(folder)
