"""Key points told, questions begun anew, mock interviews: all of them append-only."""

from alembic import op

revision = "0005"
down_revision = "0004"

_TABLES = {
    "recalls": """
        review INTEGER NOT NULL,
        said TEXT NOT NULL,
        ticks TEXT NOT NULL,
        PRIMARY KEY (review),
        FOREIGN KEY(review) REFERENCES reviews (id)
    """,
    "resets": """
        id INTEGER NOT NULL,
        question TEXT NOT NULL,
        reset_ms INTEGER NOT NULL,
        PRIMARY KEY (id)
    """,
    "unresets": """
        reset INTEGER NOT NULL,
        undone_ms INTEGER NOT NULL,
        PRIMARY KEY (reset),
        FOREIGN KEY(reset) REFERENCES resets (id)
    """,
    "interviews": """
        id INTEGER NOT NULL,
        begun_ms INTEGER NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (id),
        UNIQUE (begun_ms)
    """,
}


def upgrade() -> None:
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns}) STRICT")
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the review log is append-only'); END"
            )
    op.execute("CREATE INDEX resets_by_question ON resets (question)")
