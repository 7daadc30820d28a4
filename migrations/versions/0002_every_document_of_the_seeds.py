"""Every document of the seeds"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "company_themes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("values", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_company_themes_company_id")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_company_themes_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_themes")),
        sa.UniqueConstraint("company_id", "version", name=op.f("uq_company_themes_company_id_version")),
    )
    op.create_table(
        "company_types",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("type_id", sa.String(length=32), nullable=False),
        sa.Column("is_used", sa.Boolean(), nullable=False),
        sa.Column("labels", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("plurals", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("base", sa.String(length=32), nullable=False),
        sa.Column("layout", sa.String(length=32), nullable=False),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("role", sa.String(length=100), nullable=False),
        sa.Column("is_bundled", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("fields", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_company_types_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_types")),
        sa.UniqueConstraint("company_id", "type_id", name=op.f("uq_company_types_company_id_type_id")),
    )
    op.create_table(
        "document_layouts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_document_layouts_company_id")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_document_layouts_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_layouts")),
        sa.UniqueConstraint(
            "company_id", "type", "version", name=op.f("uq_document_layouts_company_id_type_version")
        ),
    )
    op.create_table(
        "hot_folder_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("document_ids", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("notices", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("privacy_level", sa.Integer(), nullable=False),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_hot_folder_files_company_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hot_folder_files")),
    )
    with op.batch_alter_table("hot_folder_files", schema=None) as batch_op:
        batch_op.create_index("ix_hot_folder_files_list", ["company_id", "id"], unique=False)
        batch_op.create_index(
            "ix_hot_folder_files_open", ["company_id", "outcome", "is_settled"], unique=False
        )

    op.create_table(
        "hot_folders",
        sa.Column(
            "company_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("is_watched", sa.Boolean(), nullable=False),
        sa.Column("name_pattern", sa.String(length=200), nullable=False),
        sa.Column("wait_minutes", sa.Integer(), nullable=False),
        sa.Column("afterwards", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_hot_folders_company_id")),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_hot_folders")),
    )
    op.create_table(
        "ledger_mappings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("columns", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_ledger_mappings_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_mappings")),
        sa.UniqueConstraint("company_id", "name", name=op.f("uq_ledger_mappings_company_id_name")),
    )
    op.create_table(
        "ledger_sources",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("url_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_ledger_sources_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_sources")),
        sa.UniqueConstraint("company_id", "name", name=op.f("uq_ledger_sources_company_id_name")),
    )
    op.create_table(
        "party_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_party_changes_company_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_party_changes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party_changes")),
    )
    with op.batch_alter_table("party_changes", schema=None) as batch_op:
        batch_op.create_index("ix_party_changes_company", ["company_id", "user_id", "id"], unique=False)

    op.create_table(
        "receivables_settings",
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("business_rate", sa.BigInteger(), nullable=False),
        sa.Column("consumer_rate", sa.BigInteger(), nullable=False),
        sa.Column("lump_sum", sa.BigInteger(), nullable=False),
        sa.Column("lump_sum_per_document", sa.Boolean(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("days_between", sa.Integer(), nullable=False),
        sa.Column("level_days", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("charges_from_level", sa.Integer(), nullable=False),
        sa.Column("pay_within_days", sa.Integer(), nullable=False),
        sa.Column("statement_comment", sa.Text(), nullable=False),
        sa.Column("bank", sa.String(length=120), nullable=False),
        sa.Column("iban", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_receivables_settings_company_id")
        ),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_receivables_settings")),
    )
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("filter", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_saved_filters_company_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_saved_filters_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint(
            "company_id", "user_id", "name", name=op.f("uq_saved_filters_company_id_user_id_name")
        ),
    )
    op.create_table(
        "sdi_receipts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("file_key", sa.String(length=100), nullable=False),
        sa.Column("sdi_id", sa.String(length=40), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=4), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_sdi_receipts_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sdi_receipts")),
        sa.UniqueConstraint("company_id", "sha256", name=op.f("uq_sdi_receipts_company_id_sha256")),
    )
    with op.batch_alter_table("sdi_receipts", schema=None) as batch_op:
        batch_op.create_index("ix_sdi_receipts_file", ["company_id", "file_key"], unique=False)
        batch_op.create_index("ix_sdi_receipts_sdi_id", ["company_id", "sdi_id"], unique=False)

    op.create_table(
        "ledger_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("party_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("source_key", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("doc_type", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=True),
        sa.Column("doc_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("description", sa.String(length=300), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("open_amount", sa.BigInteger(), nullable=True),
        sa.Column("method", sa.String(length=60), nullable=False),
        sa.Column("is_disputed", sa.Boolean(), nullable=False),
        sa.Column("is_unpaid", sa.Boolean(), nullable=False),
        sa.Column("is_opening", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("reminded_on", sa.Date(), nullable=True),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_ledger_lines_company_id")),
        sa.ForeignKeyConstraint(
            ["party_id"], ["parties.id"], name=op.f("fk_ledger_lines_party_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_lines")),
        sa.UniqueConstraint(
            "party_id", "kind", "source_key", name=op.f("uq_ledger_lines_party_id_kind_source_key")
        ),
    )
    with op.batch_alter_table("ledger_lines", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ledger_lines_due", ["company_id", "kind", "settled_on", "due_on", "id"], unique=False
        )
        batch_op.create_index(
            "ix_ledger_lines_list", ["company_id", "kind", "settled_on", "party_id"], unique=False
        )

    op.create_table(
        "packagings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("party_code", sa.String(length=60), nullable=False),
        sa.Column("types", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("has_main", sa.Boolean(), nullable=False),
        sa.Column("has_legal_xml", sa.Boolean(), nullable=False),
        sa.Column("has_bom", sa.Boolean(), nullable=False),
        sa.Column("has_attachments", sa.Boolean(), nullable=False),
        sa.Column("name_pattern", sa.String(length=200), nullable=False),
        sa.Column("zip_above_kb", sa.Integer(), nullable=True),
        sa.Column("link_above_kb", sa.Integer(), nullable=True),
        sa.Column("link_days", sa.Integer(), nullable=False),
        sa.Column("copy_folder", sa.String(length=200), nullable=False),
        sa.Column("after_sending", sa.String(length=32), nullable=False),
        sa.Column("logs_success", sa.Boolean(), nullable=False),
        sa.Column("smtp_account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text_name", sa.String(length=40), nullable=False),
        sa.Column("addenda", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_packagings_company_id")),
        sa.ForeignKeyConstraint(
            ["smtp_account_id"], ["sender_accounts.id"], name=op.f("fk_packagings_smtp_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packagings")),
        sa.UniqueConstraint("company_id", "code", name=op.f("uq_packagings_company_id_code")),
    )
    op.create_table(
        "reminders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("party_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_key", sa.String(length=120), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_reminders_company_id")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_reminders_document_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["parties.id"], name=op.f("fk_reminders_party_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("document_id", "source_key", name=op.f("uq_reminders_document_id_source_key")),
    )
    with op.batch_alter_table("reminders", schema=None) as batch_op:
        batch_op.create_index("ix_reminders_party", ["party_id", "source_key"], unique=False)

    op.create_table(
        "sdi_invoices",
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_key", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_sdi_invoices_company_id")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_sdi_invoices_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_sdi_invoices")),
    )
    with op.batch_alter_table("sdi_invoices", schema=None) as batch_op:
        batch_op.create_index("ix_sdi_invoices_file", ["company_id", "file_key"], unique=False)
        batch_op.create_index("ix_sdi_invoices_state", ["company_id", "state"], unique=False)

    op.create_table(
        "download_links",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("files", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("last_download_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_download_links_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_download_links")),
        sa.UniqueConstraint("message_id", name=op.f("uq_download_links_message_id")),
        sa.UniqueConstraint("token", name=op.f("uq_download_links_token")),
    )
    op.create_table(
        "packaging_copies",
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("folder", sa.String(length=200), nullable=False),
        sa.Column("after_sending", sa.String(length=32), nullable=False),
        sa.Column("logs_success", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("names", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_packaging_copies_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_packaging_copies")),
    )
    with op.batch_alter_table("packaging_copies", schema=None) as batch_op:
        batch_op.create_index("ix_packaging_copies_state", ["state", "message_id"], unique=False)

    with op.batch_alter_table("companies", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("till_packaging", sa.String(length=20), server_default="", nullable=False)
        )

    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("privacy_level", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.alter_column(
            "document_types",
            existing_type=sa.VARCHAR(length=200),
            type_=sa.String(length=1000),
            existing_nullable=False,
        )
        batch_op.create_index(
            "ix_messages_approved",
            ["run_id", "is_approved", "id"],
            unique=False,
            sqlite_where=sa.text("is_approved IS 1"),
            postgresql_where=sa.text("is_approved IS true"),
        )
        batch_op.create_index(
            "ix_messages_blocked",
            ["run_id", "state", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'pending' AND blockers > 0"),
            postgresql_where=sa.text("state = 'pending' AND blockers > 0"),
        )
        batch_op.create_index(
            "ix_messages_edited",
            ["run_id", "is_edited", "id"],
            unique=False,
            sqlite_where=sa.text("is_edited IS 1"),
            postgresql_where=sa.text("is_edited IS true"),
        )
        batch_op.create_index(
            "ix_messages_warned",
            ["run_id", "state", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'pending' AND warnings > 0"),
            postgresql_where=sa.text("state = 'pending' AND warnings > 0"),
        )

    with op.batch_alter_table("parties", schema=None) as batch_op:
        batch_op.add_column(sa.Column("credit_days", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("packaging", sa.String(length=20), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("packaging_emails", sa.String(length=1000), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("addenda", sa.Text(), server_default="", nullable=False))

    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("sender_accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ca_pem", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("hastened_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("sender_accounts", recreate="never") as batch_op:
        batch_op.drop_column("hastened_at")
        batch_op.drop_column("ca_pem")

    with op.batch_alter_table("runs", recreate="never") as batch_op:
        batch_op.drop_column("heartbeat_at")

    with op.batch_alter_table("parties", recreate="never") as batch_op:
        batch_op.drop_column("addenda")
        batch_op.drop_column("packaging_emails")
        batch_op.drop_column("packaging")
        batch_op.drop_column("credit_days")

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_messages_warned",
            sqlite_where=sa.text("state = 'pending' AND warnings > 0"),
            postgresql_where=sa.text("state = 'pending' AND warnings > 0"),
        )
        batch_op.drop_index(
            "ix_messages_edited",
            sqlite_where=sa.text("is_edited IS 1"),
            postgresql_where=sa.text("is_edited IS true"),
        )
        batch_op.drop_index(
            "ix_messages_blocked",
            sqlite_where=sa.text("state = 'pending' AND blockers > 0"),
            postgresql_where=sa.text("state = 'pending' AND blockers > 0"),
        )
        batch_op.drop_index(
            "ix_messages_approved",
            sqlite_where=sa.text("is_approved IS 1"),
            postgresql_where=sa.text("is_approved IS true"),
        )
        batch_op.alter_column(
            "document_types",
            existing_type=sa.String(length=1000),
            type_=sa.VARCHAR(length=200),
            existing_nullable=False,
        )

    with op.batch_alter_table("documents", recreate="never") as batch_op:
        batch_op.drop_column("privacy_level")

    with op.batch_alter_table("companies", recreate="never") as batch_op:
        batch_op.drop_column("till_packaging")

    with op.batch_alter_table("packaging_copies", schema=None) as batch_op:
        batch_op.drop_index("ix_packaging_copies_state")

    op.drop_table("packaging_copies")
    op.drop_table("download_links")
    with op.batch_alter_table("sdi_invoices", schema=None) as batch_op:
        batch_op.drop_index("ix_sdi_invoices_state")
        batch_op.drop_index("ix_sdi_invoices_file")

    op.drop_table("sdi_invoices")
    with op.batch_alter_table("reminders", schema=None) as batch_op:
        batch_op.drop_index("ix_reminders_party")

    op.drop_table("reminders")
    op.drop_table("packagings")
    with op.batch_alter_table("ledger_lines", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_lines_list")
        batch_op.drop_index("ix_ledger_lines_due")

    op.drop_table("ledger_lines")
    with op.batch_alter_table("sdi_receipts", schema=None) as batch_op:
        batch_op.drop_index("ix_sdi_receipts_sdi_id")
        batch_op.drop_index("ix_sdi_receipts_file")

    op.drop_table("sdi_receipts")
    op.drop_table("saved_filters")
    op.drop_table("receivables_settings")
    with op.batch_alter_table("party_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_party_changes_company")

    op.drop_table("party_changes")
    op.drop_table("ledger_sources")
    op.drop_table("ledger_mappings")
    op.drop_table("hot_folders")
    with op.batch_alter_table("hot_folder_files", schema=None) as batch_op:
        batch_op.drop_index("ix_hot_folder_files_open")
        batch_op.drop_index("ix_hot_folder_files_list")

    op.drop_table("hot_folder_files")
    op.drop_table("document_layouts")
    op.drop_table("company_types")
    op.drop_table("company_themes")
