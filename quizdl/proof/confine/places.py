"""Which files Python itself needs, wherever it has been installed.

The folders of sys.path are not taken as they come: one of them may be the folder the user
started quizdl in, and that may be the home folder.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

assert sys.platform != "win32"

_PACKAGES = ("quizdl", "numpy")
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
READ_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
WRITE_DEVICES = ("/dev/null",)


def readable() -> tuple[Path, ...]:
    """Files and folders that exist, each once, none inside another."""
    found: list[Path] = []
    # os.path.exists: Path.exists raises where a folder above may not be searched
    candidates = {path.resolve() for path in _candidates() if os.path.exists(path)}  # noqa: PTH110
    for path in sorted(candidates):
        if not any(path.is_relative_to(other) for other in found):
            found.append(path)
    return tuple(found)


def _candidates() -> Iterator[Path]:
    yield from map(Path, _LIBRARIES)
    home = Path(_home())
    for prefix in {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}:
        if not home.is_relative_to(Path(prefix).resolve()):
            yield Path(prefix)
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        yield Path(sysconfig.get_path(name))
    for name in _PACKAGES:
        if (spec := importlib.util.find_spec(name)) is not None:
            for folder in map(Path, spec.submodule_search_locations or ()):
                yield folder
                yield folder.with_name(f"{name}.libs")  # what wheels bring along
    yield from _mapped()


def _mapped() -> Iterator[Path]:
    """Folders of the shared libraries in use (Linux), wherever a distribution keeps them."""
    maps = Path("/proc/self/maps")
    if maps.exists():
        for path in set(re.findall(r"(/\S+\.so[\d.]*)$", maps.read_text(), re.MULTILINE)):
            yield Path(path).parent


def _home() -> str:
    """From the user database: the environment has been scrubbed."""
    import pwd

    try:
        return os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return "/"
