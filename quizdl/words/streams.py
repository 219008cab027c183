"""The standard streams, able to take whatever is said or typed."""

import os
import sys


def open_streams() -> None:
    """Let no stream fail for want of a character, or for having been closed by the caller.

    A character that the terminal's encoding lacks is shown as `?`.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
        else:
            stream.reconfigure(errors="replace")
