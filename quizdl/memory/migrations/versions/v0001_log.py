"""The review log, the cards cached beside it, and the learner's marks."""

from alembic import op

revision = "0001"
down_revision = None

SCHEMA = """
CREATE TABLE presets (
    id INTEGER NOT NULL,
    scheduler TEXT NOT NULL,
    parameters TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (scheduler, parameters)
) STRICT;
CREATE TABLE reviews (
    id INTEGER NOT NULL,
    question TEXT NOT NULL,
    rating INTEGER NOT NULL,
    reviewed_ms INTEGER NOT NULL,
    day INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    preset INTEGER NOT NULL,
    state_before INTEGER,
    state INTEGER NOT NULL,
    step INTEGER,
    stability REAL NOT NULL,
    difficulty REAL NOT NULL,
    interval_s INTEGER NOT NULL,
    due_ms INTEGER,
    PRIMARY KEY (id),
    CHECK (rating BETWEEN 1 AND 4),
    CHECK (duration_ms >= 0),
    FOREIGN KEY(preset) REFERENCES presets (id)
) STRICT;
CREATE INDEX reviews_by_question ON reviews (question);
CREATE TABLE undos (
    review INTEGER NOT NULL,
    undone_ms INTEGER NOT NULL,
    PRIMARY KEY (review),
    FOREIGN KEY(review) REFERENCES reviews (id)
) STRICT;
CREATE TABLE cards (
    question TEXT NOT NULL,
    state INTEGER NOT NULL,
    step INTEGER,
    stability REAL NOT NULL,
    difficulty REAL NOT NULL,
    due_ms INTEGER,
    due_day INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    reps INTEGER NOT NULL,
    lapses INTEGER NOT NULL,
    scheduler TEXT NOT NULL,
    PRIMARY KEY (question)
) STRICT;
CREATE TABLE marks (
    question TEXT NOT NULL,
    suspended INTEGER DEFAULT 0 NOT NULL,
    buried_until INTEGER DEFAULT 0 NOT NULL,
    flagged INTEGER DEFAULT 0 NOT NULL,
    PRIMARY KEY (question)
) STRICT;
CREATE TABLE aliases (
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    PRIMARY KEY (old)
) STRICT;
"""
KEPT = (
    "CREATE TRIGGER {table}_no_{low} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the review log is append-only'); END"
)


def upgrade() -> None:
    for statement in SCHEMA.split(";"):
        if statement.strip():
            op.execute(statement)
    for table in ("reviews", "undos"):
        for verb in ("UPDATE", "DELETE"):
            op.execute(KEPT.format(table=table, verb=verb, low=verb.lower()))
    op.execute("PRAGMA application_id = 1364870220")
