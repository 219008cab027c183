"""Study: sessions, and the library that hands them out.

plan        what a session is to cover, and what came of it
session     what is asked now, what each rating would do, and the way back
steps       the operations of a session, each one step of undo and of redo
unfinished  a session that was left in the middle, as a document
library     the questions of a bank and what is remembered of them
standing    a question today, and the workload to come

The screens know no room below this one: what they need of the key points is handed on.
"""

from quizdl.memory.points import missed, propose
from quizdl.memory.workload import Workload
from quizdl.session.library import YEAR, Library, open_library
from quizdl.session.plan import EVERYTHING, Answered, Plan, Summary
from quizdl.session.session import LONGEST, Session
from quizdl.session.standing import Outlook, Standing, standing
from quizdl.session.words import format_interval, leech_warning

__all__ = [
    "EVERYTHING",
    "LONGEST",
    "YEAR",
    "Answered",
    "Library",
    "Outlook",
    "Plan",
    "Session",
    "Standing",
    "Summary",
    "Workload",
    "format_interval",
    "leech_warning",
    "missed",
    "open_library",
    "propose",
    "standing",
]
