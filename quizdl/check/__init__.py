"""Every rule an author must keep, as a stream of problems.

The loader has already refused what cannot be read; here is what reads fine and is still not
good enough (`text`, `source`), and what running it did not prove (`runs`).
"""

from quizdl.check.runs import Proofs, problem_of, prove_all
from quizdl.check.source import source_problems
from quizdl.check.text import check_question, check_text, statements

__all__ = [
    "Proofs",
    "check_question",
    "check_text",
    "problem_of",
    "prove_all",
    "source_problems",
    "statements",
]
