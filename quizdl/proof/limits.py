"""How much a demo may use. What keeps it to that is in `confine`, `pool` and `run`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one claim: all its runs, seeds and controls together."""

    wall: float = 20.0
    """Seconds from the start of the child; the parent keeps this one."""
    cpu: int = 20
    """CPU seconds of each process."""
    memory: int = 1 << 30
    """Bytes of address space above what Python and NumPy already occupy."""
    output: int = 64 << 10
    """Bytes of stdout and stderr together; the parent keeps this one."""
    file: int = 16 << 20
    """Bytes of any one file."""
    scratch: int = 64 << 20
    """Bytes of all its files together; the server looks now and then, and kills."""
    descriptors: int = 256
    """Files open at the same time."""


DEFAULT = Limits()
