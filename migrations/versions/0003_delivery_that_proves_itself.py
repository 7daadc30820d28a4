"""Delivery that proves itself"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "address_verdicts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=254), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_verdicts")),
        sa.UniqueConstraint("subject", "source", name=op.f("uq_address_verdicts_subject_source")),
    )
    op.create_table(
        "domain_checks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("findings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_domain_checks_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain_checks")),
        sa.UniqueConstraint("company_id", "domain", name=op.f("uq_domain_checks_company_id_domain")),
    )
    op.create_table(
        "error_notices",
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cause", sa.String(length=100), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("last_detail", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_error_notices_company_id")),
        sa.PrimaryKeyConstraint("company_id", "cause", name=op.f("pk_error_notices")),
    )
    op.create_table(
        "pec_registries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("file_name", sa.String(length=250), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("addresses", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["imported_by"], ["users.id"], name=op.f("fk_pec_registries_imported_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pec_registries")),
        sa.UniqueConstraint("name", name=op.f("uq_pec_registries_name")),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("soft_bounces", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_suppressions_company_id")),
        sa.ForeignKeyConstraint(["lifted_by"], ["users.id"], name=op.f("fk_suppressions_lifted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint("company_id", "address", name=op.f("uq_suppressions_company_id_address")),
    )
    op.create_table(
        "mailbox_folders",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("uid_validity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_uid", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["sender_accounts.id"],
            name=op.f("fk_mailbox_folders_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_mailbox_folders")),
    )
    op.create_table(
        "mailboxes",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.Column("quota_used_kb", sa.Integer(), nullable=True),
        sa.Column("quota_limit_kb", sa.Integer(), nullable=True),
        sa.Column("lease_owner", sa.String(length=60), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["sender_accounts.id"], name=op.f("fk_mailboxes_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_mailboxes")),
    )
    op.create_table(
        "pec_registry_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("registry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("tax_code", sa.String(length=30), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["registry_id"],
            ["pec_registries.id"],
            name=op.f("fk_pec_registry_entries_registry_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pec_registry_entries")),
        sa.UniqueConstraint(
            "registry_id", "address", name=op.f("uq_pec_registry_entries_registry_id_address")
        ),
    )
    with op.batch_alter_table("pec_registry_entries", schema=None) as batch_op:
        batch_op.create_index("ix_pec_registry_entries_address", ["address"], unique=False)
        batch_op.create_index("ix_pec_registry_entries_tax_code", ["tax_code"], unique=False)

    op.create_table(
        "mail_items",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("folder", sa.String(length=250), nullable=False),
        sa.Column("uid_validity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("own_id", sa.String(length=250), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("receipt_type", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("trust", sa.String(length=20), nullable=False),
        sa.Column("verification", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("alarm", sa.String(length=40), nullable=False),
        sa.Column("alarm_settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alarm_settled_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("alarm_note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["sender_accounts.id"], name=op.f("fk_mail_items_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["alarm_settled_by"], ["users.id"], name=op.f("fk_mail_items_alarm_settled_by")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_mail_items_company_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_mail_items_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_items")),
        sa.UniqueConstraint("account_id", "sha256", name=op.f("uq_mail_items_account_id_sha256")),
    )
    with op.batch_alter_table("mail_items", schema=None) as batch_op:
        batch_op.create_index(
            "ix_mail_items_alarm",
            ["company_id", "id"],
            unique=False,
            sqlite_where=sa.text("alarm <> ''"),
            postgresql_where=sa.text("alarm <> ''"),
        )
        batch_op.create_index("ix_mail_items_company", ["company_id", "kind", "id"], unique=False)
        batch_op.create_index("ix_mail_items_message", ["message_id", "id"], unique=False)

    op.create_table(
        "message_proofs",
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider_id", sa.String(length=250), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recipient_is_pec", sa.Boolean(), nullable=True),
        sa.Column("taken_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_reason", sa.String(length=40), nullable=False),
        sa.Column("failure_detail", sa.String(length=500), nullable=False),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("in_sent_folder_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conflict", sa.String(length=40), nullable=False),
        sa.Column("alarm", sa.String(length=40), nullable=False),
        sa.Column("alarm_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alarm_settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alarm_settled_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("alarm_note", sa.String(length=500), nullable=False),
        sa.Column("waits_for_sender", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["alarm_settled_by"], ["users.id"], name=op.f("fk_message_proofs_alarm_settled_by")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_message_proofs_company_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_proofs_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_proofs")),
    )
    with op.batch_alter_table("message_proofs", schema=None) as batch_op:
        batch_op.create_index(
            "ix_message_proofs_alarm",
            ["company_id", "message_id"],
            unique=False,
            sqlite_where=sa.text("alarm <> ''"),
            postgresql_where=sa.text("alarm <> ''"),
        )
        batch_op.create_index("ix_message_proofs_company", ["company_id", "message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_proofs_provider_id"), ["provider_id"], unique=False)
        batch_op.create_index(
            "ix_message_proofs_waiting",
            ["message_id"],
            unique=False,
            sqlite_where=sa.text("waits_for_sender IS TRUE"),
            postgresql_where=sa.text("waits_for_sender IS TRUE"),
        )

    with op.batch_alter_table("companies", recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column("unknown_is_ordinary", sa.Boolean(), server_default=sa.false(), nullable=False)
        )

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_messages_unproven",
            ["account_id", "sent_at"],
            unique=False,
            sqlite_where=sa.text("channel = 'pec' AND state = 'sent'"),
            postgresql_where=sa.text("channel = 'pec' AND state = 'sent'"),
        )

    with op.batch_alter_table("sender_accounts", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("slowed_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("operator", sa.String(length=30), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("auth", sa.String(length=32), server_default="password", nullable=False)
        )
        batch_op.add_column(
            sa.Column("oauth_provider", sa.String(length=20), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("oauth_client_id", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("oauth_tenant", sa.String(length=100), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("oauth_authorize_url", sa.String(length=300), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("oauth_token_url", sa.String(length=300), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("oauth_scope", sa.String(length=500), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("oauth_secret", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("oauth_tokens", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("oauth_expires_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("oauth_secret_ends_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("oauth_leased_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("mailbox_is_read", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("mailbox_host", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("mailbox_port", sa.Integer(), server_default="993", nullable=False))
        batch_op.add_column(
            sa.Column("mailbox_security", sa.String(length=32), server_default="tls", nullable=False)
        )
        batch_op.add_column(
            sa.Column("mailbox_username", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("mailbox_secret", sa.LargeBinary(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "mailbox_folders",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                server_default="[]",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column("mailbox_sent_folder", sa.String(length=250), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("mailbox_minutes", sa.Integer(), server_default="5", nullable=False))
        batch_op.add_column(
            sa.Column("bounce_address", sa.String(length=254), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("receipt_form", sa.String(length=32), server_default="completa", nullable=False)
        )
        batch_op.add_column(
            sa.Column("acceptance_minutes", sa.Integer(), server_default="30", nullable=False)
        )
        batch_op.add_column(
            sa.Column("dkim_domain", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("dkim_selector", sa.String(length=63), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("dkim_is_used", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("dkim_key", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("sender_accounts", recreate="never") as batch_op:
        batch_op.drop_column("dkim_key")
        batch_op.drop_column("dkim_is_used")
        batch_op.drop_column("dkim_selector")
        batch_op.drop_column("dkim_domain")
        batch_op.drop_column("acceptance_minutes")
        batch_op.drop_column("receipt_form")
        batch_op.drop_column("bounce_address")
        batch_op.drop_column("mailbox_minutes")
        batch_op.drop_column("mailbox_sent_folder")
        batch_op.drop_column("mailbox_folders")
        batch_op.drop_column("mailbox_secret")
        batch_op.drop_column("mailbox_username")
        batch_op.drop_column("mailbox_security")
        batch_op.drop_column("mailbox_port")
        batch_op.drop_column("mailbox_host")
        batch_op.drop_column("mailbox_is_read")
        batch_op.drop_column("oauth_leased_until")
        batch_op.drop_column("oauth_secret_ends_on")
        batch_op.drop_column("oauth_expires_at")
        batch_op.drop_column("oauth_tokens")
        batch_op.drop_column("oauth_secret")
        batch_op.drop_column("oauth_scope")
        batch_op.drop_column("oauth_token_url")
        batch_op.drop_column("oauth_authorize_url")
        batch_op.drop_column("oauth_tenant")
        batch_op.drop_column("oauth_client_id")
        batch_op.drop_column("oauth_provider")
        batch_op.drop_column("auth")
        batch_op.drop_column("operator")
        batch_op.drop_column("slowed_until")

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_messages_unproven",
            sqlite_where=sa.text("channel = 'pec' AND state = 'sent'"),
            postgresql_where=sa.text("channel = 'pec' AND state = 'sent'"),
        )

    with op.batch_alter_table("companies", recreate="never") as batch_op:
        batch_op.drop_column("unknown_is_ordinary")

    with op.batch_alter_table("message_proofs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_message_proofs_waiting",
            sqlite_where=sa.text("waits_for_sender IS TRUE"),
            postgresql_where=sa.text("waits_for_sender IS TRUE"),
        )
        batch_op.drop_index(batch_op.f("ix_message_proofs_provider_id"))
        batch_op.drop_index("ix_message_proofs_company")
        batch_op.drop_index(
            "ix_message_proofs_alarm",
            sqlite_where=sa.text("alarm <> ''"),
            postgresql_where=sa.text("alarm <> ''"),
        )

    op.drop_table("message_proofs")
    with op.batch_alter_table("mail_items", schema=None) as batch_op:
        batch_op.drop_index("ix_mail_items_message")
        batch_op.drop_index("ix_mail_items_company")
        batch_op.drop_index(
            "ix_mail_items_alarm",
            sqlite_where=sa.text("alarm <> ''"),
            postgresql_where=sa.text("alarm <> ''"),
        )

    op.drop_table("mail_items")
    with op.batch_alter_table("pec_registry_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_pec_registry_entries_tax_code")
        batch_op.drop_index("ix_pec_registry_entries_address")

    op.drop_table("pec_registry_entries")
    op.drop_table("mailboxes")
    op.drop_table("mailbox_folders")
    op.drop_table("suppressions")
    op.drop_table("pec_registries")
    op.drop_table("error_notices")
    op.drop_table("domain_checks")
    op.drop_table("address_verdicts")
