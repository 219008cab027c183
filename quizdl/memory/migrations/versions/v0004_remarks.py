"""What the learner has written about a question, in Anki for instance."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE remarks (
            question TEXT NOT NULL,
            text TEXT NOT NULL,
            changed_ms INTEGER NOT NULL,
            PRIMARY KEY (question)
        ) STRICT
    """)
