"""What was predicted of a claim before it ran, and how it turned out."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE predictions (
            id INTEGER NOT NULL,
            question TEXT NOT NULL,
            claim TEXT NOT NULL,
            made_ms INTEGER NOT NULL,
            about TEXT NOT NULL,
            forecasts TEXT NOT NULL,
            PRIMARY KEY (id)
        ) STRICT
    """)
    op.execute("CREATE INDEX predictions_by_question ON predictions (question)")
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER predictions_no_{verb.lower()} BEFORE {verb} ON predictions "
            "BEGIN SELECT RAISE(ABORT, 'the review log is append-only'); END"
        )
