"""What parent, server and child say to each other.

parent → server   one byte with the file descriptors of `Handles`, over a Unix socket
server → parent   over the same socket, once: a line of `Applied`
server → parent   lines on the job's own control socket: `started PYTHON NUMPY` with their
                  versions, then `ended HOW` (see `endings`); or `refused ERRNO` when there
                  is no child for it; in between `filled` when the job's files take more
                  than it may have
parent → server   the end of the control socket: kill the job and all it started
child  → server   over its own Unix socket, once it waits for a job: a line of `Applied`
server → child    one byte with the descriptors of a job, a result and an output
child  → parent   JSON lines on the result pipe: one per run (with its figures, for the first
                  seed), or one that says what broke
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import NamedTuple

from quizdl.model import Params
from quizdl.proof.limits import Limits

OPTIONAL = ("landlock", "seccomp", "bubblewrap", "sandbox-exec", "AppContainer")
"""Names of the layers that `Setup.without` can leave out. With "fork" in it children are
spawned, as they are where nothing can be forked."""

UNCONFINED = 125
"""Exit status of a child that could not confine itself, and therefore ran nothing."""


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
class Setup:
    """What the server needs to know before the first job."""

    limits: Limits
    spares: int
    """How many children to keep waiting for a job."""
    without: tuple[str, ...] = ()
    """Layers of `OPTIONAL` to leave out: for tests, and to see what the others do without
    them."""

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Setup:
        fields = json.loads(text)
        limits, without = Limits(**fields["limits"]), tuple(fields["without"])
        return cls(limits, fields["spares"], without)


@dataclass(frozen=True, slots=True)
class Applied:
    """What the system accepted when a child confined itself."""

    rlimits: bool = False
    landlock: int = 0
    """The version of Landlock's ABI; 0 when it is missing."""
    seccomp: bool = False
    job: bool = False
    """Windows: in a job object of one process."""
    low: bool = False
    """Windows: at low integrity, without privileges; it cannot change the user's files."""
    wrapper: str = ""
    """bubblewrap or sandbox-exec around the server, an AppContainer around the child."""

    @property
    def files(self) -> bool:
        """Only Python's own files can be read, only the scratch folder written."""
        return self.landlock > 0 or bool(self.wrapper)

    @property
    def network(self) -> bool:
        return self.seccomp or bool(self.wrapper)

    @property
    def processes(self) -> bool:
        """A child can neither start a process nor end or signal another."""
        return self.seccomp or self.job

    def dump(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def load(cls, data: bytes) -> Applied:
        return cls(**json.loads(data))


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a child needs to know to run one claim."""

    source: str
    path: str
    """What tracebacks call the source; nothing is read from there."""
    folder: str
    """The folder of the question, absolute: the demo may read in it."""
    claim: str
    runs: tuple[tuple[int, Params], ...]
    """(seed, parameters), in the order to run them."""

    def dump(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, data: bytes) -> Job:
        fields = json.loads(data)
        return cls(
            source=fields["source"],
            path=fields["path"],
            folder=fields["folder"],
            claim=fields["claim"],
            runs=tuple((seed, params) for seed, params in fields["runs"]),
        )
