"""An index for what was done today, asked whenever a session opens.

Without it the whole log is read: with 100,000 reviews, opening took 19 ms, with it 13.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE INDEX reviews_by_day ON reviews (day)")
