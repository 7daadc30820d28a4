"""Proof consent privacy"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_stored = op.get_bind().dialect.name != "sqlite"  # SQLite adds only virtual ones to a table with rows
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
        "audit_checks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.Integer(), nullable=False),
        sa.Column("problems", sa.Integer(), nullable=False),
        sa.Column("listed", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_checks")),
    )
    op.create_table(
        "audit_keys",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_keys")),
    )
    op.create_table(
        "audit_seals",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("chain_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_seals_event_id")),
    )
    with op.batch_alter_table("audit_seals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_seals_content_hash"), ["content_hash"], unique=False)

    op.create_table(
        "retention_runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_daily", sa.Boolean(), nullable=False),
        sa.Column("report", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_runs")),
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
        "erased_addresses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_erased_addresses_company_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_addresses")),
        sa.UniqueConstraint("company_id", "digest", name=op.f("uq_erased_addresses_company_id_digest")),
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
        "merged_rows",
        sa.Column("object_type", sa.String(length=40), nullable=False),
        sa.Column(
            "merged_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kept_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_merged_rows_company_id")),
        sa.PrimaryKeyConstraint("object_type", "merged_id", name=op.f("pk_merged_rows")),
    )
    with op.batch_alter_table("merged_rows", schema=None) as batch_op:
        batch_op.create_index("ix_merged_rows_kept", ["object_type", "kept_id"], unique=False)

    op.create_table(
        "password_links",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_invitation", sa.Boolean(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_password_links_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_links_token_hash")),
    )
    with op.batch_alter_table("password_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_password_links_user_id"), ["user_id"], unique=False)

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
        "privacy_acts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("party_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("privacy_level", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_name", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("report", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_privacy_acts_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_acts")),
    )
    with op.batch_alter_table("privacy_acts", schema=None) as batch_op:
        batch_op.create_index("ix_privacy_acts_company", ["company_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_privacy_acts_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "processing_registers",
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("controller", sa.Text(), nullable=False),
        sa.Column("representative", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("activities", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_processing_registers_company_id")
        ),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_processing_registers")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    with op.batch_alter_table("recovery_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recovery_codes_user_id"), ["user_id"], unique=False)

    op.create_table(
        "retention_rules",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("document_type", sa.String(length=40), nullable=False),
        sa.Column("months", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_retention_rules_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rules")),
        sa.UniqueConstraint(
            "company_id",
            "kind",
            "document_type",
            name=op.f("uq_retention_rules_company_id_kind_document_type"),
        ),
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
        "audit_redactions",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("object_label", sa.String(length=300), nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["audit_events.id"], name=op.f("fk_audit_redactions_event_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_redactions")),
    )
    op.create_table(
        "catalogue_entries",
        sa.Column(
            "party_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("added_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["added_by"], ["users.id"], name=op.f("fk_catalogue_entries_added_by")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_catalogue_entries_company_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["parties.id"], name=op.f("fk_catalogue_entries_party_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_catalogue_entries")),
    )
    with op.batch_alter_table("catalogue_entries", schema=None) as batch_op:
        batch_op.create_index("ix_catalogue_entries_company", ["company_id", "party_id"], unique=False)

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
        "consent_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("text_version", sa.String(length=80), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("proof_name", sa.String(length=200), nullable=False),
        sa.Column("proof_sha256", sa.String(length=64), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_consent_events_company_id")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_consent_events_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_events")),
    )
    with op.batch_alter_table("consent_events", schema=None) as batch_op:
        batch_op.create_index("ix_consent_events_address", ["company_id", "address", "id"], unique=False)
        batch_op.create_index("ix_consent_events_contact", ["contact_id", "id"], unique=False)

    op.create_table(
        "consent_states",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_consent_states_company_id")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_consent_states_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_states")),
        sa.UniqueConstraint(
            "contact_id", "purpose", "channel", name=op.f("uq_consent_states_contact_id_purpose_channel")
        ),
    )
    with op.batch_alter_table("consent_states", schema=None) as batch_op:
        batch_op.create_index(
            "ix_consent_states_subject",
            ["company_id", "purpose", "channel", "decision", "contact_id"],
            unique=False,
        )
        batch_op.create_index(
            "uq_consent_states_address",
            ["company_id", "address", "purpose", "channel"],
            unique=True,
            sqlite_where=sa.text("contact_id IS NULL"),
            postgresql_where=sa.text("contact_id IS NULL"),
        )

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
        batch_op.create_index(batch_op.f("ix_message_proofs_provider_id"), ["provider_id"], unique=False)
        batch_op.create_index(
            "ix_message_proofs_waiting",
            ["message_id"],
            unique=False,
            sqlite_where=sa.text("waits_for_sender IS TRUE"),
            postgresql_where=sa.text("waits_for_sender IS TRUE"),
        )

    op.create_table(
        "privacy_remains",
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("act_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kept_until_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["privacy_acts.id"], name=op.f("fk_privacy_remains_act_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_privacy_remains_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_privacy_remains")),
    )
    with op.batch_alter_table("privacy_remains", schema=None) as batch_op:
        batch_op.create_index("ix_privacy_remains_until", ["kept_until_on"], unique=False)

    with op.batch_alter_table("companies", recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column("unknown_is_ordinary", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("soft_opt_in", sa.Boolean(), server_default=sa.true(), nullable=False))

    with op.batch_alter_table("contact_addresses", recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column(
                "email_key",
                sa.String(length=254),
                sa.Computed("lower(email)", persisted=is_stored),
                nullable=False,
            )
        )
        batch_op.create_index("ix_contact_addresses_key", ["email_key", "contact_id"], unique=False)
        batch_op.create_index("ix_contact_addresses_kind", ["kind", "contact_id"], unique=False)

    with op.batch_alter_table("contacts", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("birth_month", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("birth_day", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("birth_year", sa.Integer(), nullable=True))
        batch_op.create_index(
            "ix_contacts_birthday", ["company_id", "birth_month", "birth_day"], unique=False
        )
        batch_op.create_index("ix_contacts_party_name", ["company_id", "party_id", "name_key"], unique=False)

    with op.batch_alter_table("messages", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("timeout_seconds", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("purpose", sa.String(length=20), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("unsubscribe_url", sa.String(length=300), server_default="", nullable=False)
        )
        batch_op.create_index(
            "ix_messages_party_sent",
            ["party_id", "privacy_level"],
            unique=False,
            sqlite_where=sa.text("sent_at IS NOT NULL"),
            postgresql_where=sa.text("sent_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_messages_uncertain",
            ["account_id", "claimed_at"],
            unique=False,
            sqlite_where=sa.text("state = 'uncertain'"),
            postgresql_where=sa.text("state = 'uncertain'"),
        )
        batch_op.create_index(
            "ix_messages_unproven",
            ["account_id", "sent_at"],
            unique=False,
            sqlite_where=sa.text("channel = 'pec' AND state = 'sent'"),
            postgresql_where=sa.text("channel = 'pec' AND state = 'sent'"),
        )

    with op.batch_alter_table("packagings", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("timeout_seconds", sa.Integer(), nullable=True))

    with op.batch_alter_table("parties", schema=None) as batch_op:
        batch_op.create_index("ix_parties_company_billing", ["company_id", "billing_email"], unique=False)
        batch_op.create_index("ix_parties_company_category", ["company_id", "category"], unique=False)
        batch_op.create_index("ix_parties_company_email", ["company_id", "email"], unique=False)
        batch_op.create_index(
            "ix_parties_company_kind", ["company_id", "is_customer", "is_supplier"], unique=False
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

    with op.batch_alter_table("type_policies", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("asks_consent", sa.Boolean(), nullable=True))

    with op.batch_alter_table("users", recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column("second_factor_required", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("totp_secret", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("totp_step", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("users", recreate="never") as batch_op:
        batch_op.drop_column("warned_at")
        batch_op.drop_column("totp_step")
        batch_op.drop_column("totp_secret")
        batch_op.drop_column("second_factor_required")

    with op.batch_alter_table("type_policies", recreate="never") as batch_op:
        batch_op.drop_column("asks_consent")

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

    with op.batch_alter_table("parties", schema=None) as batch_op:
        batch_op.drop_index("ix_parties_company_kind")
        batch_op.drop_index("ix_parties_company_email")
        batch_op.drop_index("ix_parties_company_category")
        batch_op.drop_index("ix_parties_company_billing")

    with op.batch_alter_table("packagings", recreate="never") as batch_op:
        batch_op.drop_column("timeout_seconds")

    with op.batch_alter_table("messages", recreate="never") as batch_op:
        batch_op.drop_index(
            "ix_messages_unproven",
            sqlite_where=sa.text("channel = 'pec' AND state = 'sent'"),
            postgresql_where=sa.text("channel = 'pec' AND state = 'sent'"),
        )
        batch_op.drop_index(
            "ix_messages_uncertain",
            sqlite_where=sa.text("state = 'uncertain'"),
            postgresql_where=sa.text("state = 'uncertain'"),
        )
        batch_op.drop_index(
            "ix_messages_party_sent",
            sqlite_where=sa.text("sent_at IS NOT NULL"),
            postgresql_where=sa.text("sent_at IS NOT NULL"),
        )
        batch_op.drop_column("unsubscribe_url")
        batch_op.drop_column("purpose")
        batch_op.drop_column("timeout_seconds")

    with op.batch_alter_table("contacts", recreate="never") as batch_op:
        batch_op.drop_index("ix_contacts_party_name")
        batch_op.drop_index("ix_contacts_birthday")
        batch_op.drop_column("birth_year")
        batch_op.drop_column("birth_day")
        batch_op.drop_column("birth_month")

    with op.batch_alter_table("contact_addresses", recreate="never") as batch_op:
        batch_op.drop_index("ix_contact_addresses_kind")
        batch_op.drop_index("ix_contact_addresses_key")
        batch_op.drop_column("email_key")

    with op.batch_alter_table("companies", recreate="never") as batch_op:
        batch_op.drop_column("soft_opt_in")
        batch_op.drop_column("unknown_is_ordinary")

    with op.batch_alter_table("privacy_remains", schema=None) as batch_op:
        batch_op.drop_index("ix_privacy_remains_until")

    op.drop_table("privacy_remains")
    with op.batch_alter_table("message_proofs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_message_proofs_waiting",
            sqlite_where=sa.text("waits_for_sender IS TRUE"),
            postgresql_where=sa.text("waits_for_sender IS TRUE"),
        )
        batch_op.drop_index(batch_op.f("ix_message_proofs_provider_id"))
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
    with op.batch_alter_table("consent_states", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_consent_states_address",
            sqlite_where=sa.text("contact_id IS NULL"),
            postgresql_where=sa.text("contact_id IS NULL"),
        )
        batch_op.drop_index("ix_consent_states_subject")

    op.drop_table("consent_states")
    with op.batch_alter_table("consent_events", schema=None) as batch_op:
        batch_op.drop_index("ix_consent_events_contact")
        batch_op.drop_index("ix_consent_events_address")

    op.drop_table("consent_events")
    with op.batch_alter_table("pec_registry_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_pec_registry_entries_tax_code")
        batch_op.drop_index("ix_pec_registry_entries_address")

    op.drop_table("pec_registry_entries")
    op.drop_table("mailboxes")
    op.drop_table("mailbox_folders")
    with op.batch_alter_table("catalogue_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_catalogue_entries_company")

    op.drop_table("catalogue_entries")
    op.drop_table("audit_redactions")
    op.drop_table("suppressions")
    op.drop_table("retention_rules")
    with op.batch_alter_table("recovery_codes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recovery_codes_user_id"))

    op.drop_table("recovery_codes")
    op.drop_table("processing_registers")
    with op.batch_alter_table("privacy_acts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_privacy_acts_contact_id"))
        batch_op.drop_index("ix_privacy_acts_company")

    op.drop_table("privacy_acts")
    op.drop_table("pec_registries")
    with op.batch_alter_table("password_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_password_links_user_id"))

    op.drop_table("password_links")
    with op.batch_alter_table("merged_rows", schema=None) as batch_op:
        batch_op.drop_index("ix_merged_rows_kept")

    op.drop_table("merged_rows")
    op.drop_table("error_notices")
    op.drop_table("erased_addresses")
    op.drop_table("domain_checks")
    op.drop_table("retention_runs")
    with op.batch_alter_table("audit_seals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_seals_content_hash"))

    op.drop_table("audit_seals")
    op.drop_table("audit_keys")
    op.drop_table("audit_checks")
    op.drop_table("address_verdicts")
