"""What parent, server and child say to each other.

parent → server   one byte with the file descriptors of `Handles`, over a Unix socket
server → parent   lines on the job's own control socket: `started PYTHON NUMPY` with their
                  versions, then `ended STATUS` (as waitpid gives it); or `refused ERRNO`
                  when fork failed
parent → server   the end of the control socket: kill the job and all it started
child  → parent   JSON lines on the result pipe: one per run (with its figures, for the first
                  seed), or one that says what broke
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import NamedTuple

from quizdl.model import Params
from quizdl.proof.limits import Limits


class Handles(NamedTuple):
    """File descriptors that travel with a job, in this order."""

    job: int
    """A file that holds the `Job`."""
    result: int
    """A pipe for the child's JSON lines."""
    output: int
    """A pipe for the child's stdout and stderr."""
    control: int
    """A socket between parent and server; the child never holds it."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a child needs to know to run one claim."""

    source: str
    path: str
    """What tracebacks call the source; nothing is read from there."""
    claim: str
    runs: tuple[tuple[int, Params], ...]
    """(seed, parameters), in the order to run them."""
    limits: Limits

    def dump(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, data: bytes) -> Job:
        fields = json.loads(data)
        return cls(
            source=fields["source"],
            path=fields["path"],
            claim=fields["claim"],
            runs=tuple((seed, params) for seed, params in fields["runs"]),
            limits=Limits(**fields["limits"]),
        )
