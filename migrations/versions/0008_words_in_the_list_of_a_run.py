"""Words in the list of a run: SQLite looks for them in the index that holds the list's order"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_messages_run_words", "messages", ["run_id", "id", "search_key", "privacy_level"])
        op.drop_index("ix_messages_run", "messages")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_messages_run", "messages", ["run_id", "id"])
        op.drop_index("ix_messages_run_words", "messages")
