"""Days counted as reviews are added, and indexes for statistics and for the next answer.

Statistics of a year grouped every review of the log; the time of a question's last review, which
each answer asks for, was looked up in every one of its reviews.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

_DAYS = """
    CREATE TABLE days (
        day INTEGER NOT NULL,
        reviews INTEGER NOT NULL,
        duration_ms INTEGER NOT NULL,
        begun INTEGER NOT NULL,
        recalled INTEGER NOT NULL,
        PRIMARY KEY (day)
    ) STRICT
"""
_FILLED = """
    INSERT INTO days
    SELECT day, count(*), sum(duration_ms), sum(state_before IS NULL), sum(state_before IS 2)
    FROM reviews WHERE id NOT IN (SELECT review FROM undos) GROUP BY day
"""
_ADDED = (
    "CREATE TRIGGER reviews_counted AFTER INSERT ON reviews BEGIN "
    "INSERT INTO days VALUES "
    "(NEW.day, 1, NEW.duration_ms, NEW.state_before IS NULL, NEW.state_before IS 2) "
    "ON CONFLICT (day) DO UPDATE SET reviews = reviews + 1, "
    "duration_ms = duration_ms + excluded.duration_ms, "
    "begun = begun + excluded.begun, recalled = recalled + excluded.recalled; END"
)
_UNDONE = (
    "CREATE TRIGGER undos_counted AFTER INSERT ON undos BEGIN "
    "UPDATE days SET reviews = days.reviews - 1, "
    "duration_ms = days.duration_ms - gone.duration_ms, "
    "begun = days.begun - (gone.state_before IS NULL), "
    "recalled = days.recalled - (gone.state_before IS 2) "
    "FROM reviews AS gone WHERE gone.id = NEW.review AND days.day = gone.day; END"
)


def upgrade() -> None:
    for statement in (_DAYS, _FILLED, _ADDED, _UNDONE):
        op.execute(statement)
    op.execute("DROP INDEX reviews_by_day")
    op.execute("DROP INDEX reviews_by_question")
    op.execute("CREATE INDEX reviews_by_question ON reviews (question, reviewed_ms)")
    op.execute(
        "CREATE INDEX recalls_by_question ON reviews (question, day, rating) WHERE state_before = 2"
    )
