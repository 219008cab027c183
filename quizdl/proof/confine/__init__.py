"""What a child gives up before it runs a demo, chosen by platform, here and nowhere else.

              Linux                              macOS
  rlimits     yes                                yes, except memory
  files       Landlock, otherwise bubblewrap     sandbox-exec
  network     seccomp (bubblewrap, Landlock)     sandbox-exec
  processes   seccomp: no new ones, no signals   -
  tree        orphans are adopted and killed     the process group is killed

All of it works without privileges and without a container, and none of it can be undone.
What a machine cannot do is left out and reported as left out (`Applied`); on Windows, where
processes cannot be forked, no demo is run at all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
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
    if sys.platform != "linux" or "landlock" in without:
        return 0
    from quizdl.proof.confine import landlock

    return landlock.version()


class Confinement:
    """Of one child: everything that does not depend on the job at once, the rest with it."""

    def __init__(
        self,
        limits: Limits,
        scratch: Path,
        readable: tuple[Path, ...],
        wrapper: str,
        without: Collection[str],
    ) -> None:
        """Raises OSError when a layer that the kernel has does not take what it is told."""
        landlock_abi = _landlock(without)
        self._ruleset = None
        seccomp_taken = False
        lowered = rlimits.lower(limits)
        if sys.platform == "linux":
            from quizdl.proof.confine import kernel, landlock, seccomp

            kernel.drop_capabilities()
            if kernel.no_new_privileges():
                if landlock_abi:
                    self._ruleset = landlock.Ruleset(scratch, readable, landlock_abi)
                seccomp_taken = "seccomp" not in without and seccomp.refuse()
        self.applied = Applied(
            rlimits=lowered,
            landlock=landlock_abi if self._ruleset else 0,
            seccomp=seccomp_taken,
            wrapper=wrapper,
        )

    def enter(self, folder: Path) -> None:
        """Close the last door: of the files that are left, only `folder` may be read too.

        Raises OSError when the kernel refuses; the demo must not run then.
        """
        if self._ruleset is not None:
            self._ruleset.allow_reading(folder)
            self._ruleset.enforce()
