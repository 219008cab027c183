"""What the source of a demo says against its claims. Nothing is executed.

`rules` asks what it holds: imports, names and statements that let a claim be a pure function
of its parameters and its seed, and nothing else. `seeds` and `numbers` ask where its randomness
and its numbers come from. These are rules for honest authors and a net for careless ones: what
is not reached by name cannot be patched, read or written; what they miss is said in
`quizdl.proof.audit`.
"""

from __future__ import annotations

import functools
from pathlib import Path

from quizdl.check.source.numbers import of_numbers
from quizdl.check.source.rules import of_rules
from quizdl.check.source.scopes import Demo
from quizdl.check.source.seeds import of_seeds
from quizdl.model import Problem
from quizdl.words import say

__all__ = ["source_problems"]


@functools.lru_cache(maxsize=256)
def source_problems(source: str, path: Path) -> tuple[Problem, ...]:
    """Everything in a demo's text that lets its numbers be other than measured, by line.

    Pure; for an editor as well as for `quizdl check`. Empty for a text that is no Python:
    the reader of declarations says so. `path` only names the file.
    """
    try:
        demo = Demo(source)
    except (SyntaxError, ValueError):
        return ()
    except RecursionError:
        return (_too_deep(path),)
    try:
        found = [*of_rules(demo), *of_seeds(demo), *of_numbers(demo)]
    except RecursionError:  # to look no further would be a way through
        return (_too_deep(path),)
    said = {}
    for line, key, values in found:
        message = say(f"check.source.{key}", **values)
        said[line, message] = Problem(path, line, message, say(f"check.source.{key}.fix"))
    return tuple(said[place] for place in sorted(said))


def _too_deep(path: Path) -> Problem:
    return Problem(path, 1, say("check.source.deep"), say("check.source.deep.fix"))
