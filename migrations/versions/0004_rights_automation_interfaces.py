"""Rights, automation, interfaces"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_groups",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("second_factor_required", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["user_groups.id"], name=op.f("fk_user_groups_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_user_groups_name")),
    )
    op.create_table(
        "worker_beats",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("host", sa.String(length=80), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("processes", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker_beats")),
    )
    with op.batch_alter_table("worker_beats", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_worker_beats_beat_at"), ["beat_at"], unique=False)

    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scopes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("company_ids", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("clearance", sa.Integer(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_ip", sa.String(length=45), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_api_keys_created_by")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_api_keys_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_keys_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "change_rules",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kinds", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("ways", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("addresses", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("every_minutes", sa.Integer(), nullable=False),
        sa.Column("clearance", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_change_rules_company_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_change_rules_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_rules")),
    )
    with op.batch_alter_table("change_rules", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_change_rules_company_id"), ["company_id"], unique=False)

    op.create_table(
        "inbound_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("event_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_inbound_events_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_events")),
        sa.UniqueConstraint(
            "company_id", "source", "event_id", name=op.f("uq_inbound_events_company_id_source_event_id")
        ),
    )
    with op.batch_alter_table("inbound_events", schema=None) as batch_op:
        batch_op.create_index("ix_inbound_events_company", ["company_id", "id"], unique=False)
        batch_op.create_index(
            "ix_inbound_events_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "oidc_identities",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_oidc_identities_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_oidc_identities_issuer_subject")),
        sa.UniqueConstraint("user_id", "issuer", name=op.f("uq_oidc_identities_user_id_issuer")),
    )
    op.create_table(
        "send_order_folders",
        sa.Column(
            "company_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("is_watched", sa.Boolean(), nullable=False),
        sa.Column("afterwards", sa.String(length=32), nullable=False),
        sa.Column("settles_files", sa.Boolean(), nullable=False),
        sa.Column("wait_minutes", sa.Integer(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("element_paths", sa.Text(), nullable=False),
        sa.Column("stranger_party", sa.String(length=60), nullable=False),
        sa.Column("document_type", sa.String(length=40), nullable=False),
        sa.Column("authorisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_send_order_folders_company_id")
        ),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_send_order_folders")),
    )
    op.create_table(
        "sql_sources",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("url_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_sql_sources_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sql_sources")),
        sa.UniqueConstraint("company_id", "name", name=op.f("uq_sql_sources_company_id_name")),
    )
    op.create_table(
        "standing_authorisations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("document_types", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("most_per_run", sa.Integer(), nullable=False),
        sa.Column("most_per_day", sa.Integer(), nullable=False),
        sa.Column("from_minute", sa.Integer(), nullable=False),
        sa.Column("to_minute", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("given_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_standing_authorisations_company_id")
        ),
        sa.ForeignKeyConstraint(["given_by"], ["users.id"], name=op.f("fk_standing_authorisations_given_by")),
        sa.ForeignKeyConstraint(
            ["revoked_by"], ["users.id"], name=op.f("fk_standing_authorisations_revoked_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_authorisations")),
    )
    with op.batch_alter_table("standing_authorisations", schema=None) as batch_op:
        batch_op.create_index("ix_standing_authorisations_company", ["company_id", "id"], unique=False)

    op.create_table(
        "user_group_members",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["user_groups.id"], name=op.f("fk_user_group_members_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_group_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_user_group_members")),
    )
    with op.batch_alter_table("user_group_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_group_members_group_id"), ["group_id"], unique=False)

    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("topics", sa.String(length=300), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("clearance", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_webhook_endpoints_company_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_webhook_endpoints_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    with op.batch_alter_table("webhook_endpoints", schema=None) as batch_op:
        batch_op.create_index("ix_webhook_endpoints_company", ["company_id", "is_active"], unique=False)

    op.create_table(
        "api_allowances",
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("minute", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_api_allowances_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_allowances")),
    )
    op.create_table(
        "api_answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_api_answers_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_answers")),
        sa.UniqueConstraint("key_id", "idempotency_key", name=op.f("uq_api_answers_key_id_idempotency_key")),
    )
    with op.batch_alter_table("api_answers", schema=None) as batch_op:
        batch_op.create_index("ix_api_answers_created", ["created_at"], unique=False)

    op.create_table(
        "campaigns",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("document_type", sa.String(length=40), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("audience", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("only_subscribed", sa.Boolean(), nullable=False),
        sa.Column("with_parties", sa.Boolean(), nullable=False),
        sa.Column("texts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("letter_kind", sa.String(length=10), nullable=False),
        sa.Column("letter_as_pdf", sa.Boolean(), nullable=False),
        sa.Column("letter_name", sa.String(length=120), nullable=False),
        sa.Column("letter_sha256", sa.String(length=64), nullable=False),
        sa.Column("letter_html", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("tested_mark", sa.String(length=64), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_campaigns_company_id")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_campaigns_created_by")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_campaigns_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.create_index("ix_campaigns_company", ["company_id", "id"], unique=False)

    op.create_table(
        "change_notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("after_position", sa.BigInteger(), nullable=False),
        sa.Column("to_position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_detail", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["change_rules.id"], name=op.f("fk_change_notices_rule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_notices")),
    )
    with op.batch_alter_table("change_notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_change_notices_next_at"), ["next_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_change_notices_rule_id"), ["rule_id"], unique=False)

    op.create_table(
        "event_rules",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("conditions", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("staff", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("characteristic", sa.String(length=60), nullable=False),
        sa.Column("document_type", sa.String(length=40), nullable=False),
        sa.Column("sends_document", sa.Boolean(), nullable=False),
        sa.Column("texts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("authorisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["authorisation_id"], ["standing_authorisations.id"], name=op.f("fk_event_rules_authorisation_id")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_event_rules_company_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_event_rules_owner_id")),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_event_rules_role_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_rules")),
    )
    with op.batch_alter_table("event_rules", schema=None) as batch_op:
        batch_op.create_index("ix_event_rules_kind", ["company_id", "kind", "id"], unique=False)

    op.create_table(
        "party_merges",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("party_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snapshot", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_party_merges_company_id")),
        sa.ForeignKeyConstraint(
            ["party_id"], ["parties.id"], name=op.f("fk_party_merges_party_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party_merges")),
    )
    with op.batch_alter_table("party_merges", schema=None) as batch_op:
        batch_op.create_index("ix_party_merges_company", ["company_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_party_merges_party_id"), ["party_id"], unique=False)

    op.create_table(
        "schedules",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("options", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("rule", sa.String(length=300), nullable=False),
        sa.Column("times", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("timezone", sa.String(length=50), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("calendar", sa.String(length=10), nullable=False),
        sa.Column("on_holiday", sa.String(length=32), nullable=False),
        sa.Column("has_weekends", sa.Boolean(), nullable=False),
        sa.Column("missed", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("authorisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["authorisation_id"], ["standing_authorisations.id"], name=op.f("fk_schedules_authorisation_id")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_schedules_company_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_schedules_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
    )
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.create_index("ix_schedules_company", ["company_id", "id"], unique=False)
        batch_op.create_index(
            "ix_schedules_due",
            ["next_due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )

    op.create_table(
        "send_orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.String(length=100), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_asked", sa.Boolean(), nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("party_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("to_address", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("files", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("document_ids", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("problem", sa.String(length=40), nullable=False),
        sa.Column("params", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("privacy_level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_send_orders_company_id")),
        sa.ForeignKeyConstraint(
            ["party_id"], ["parties.id"], name=op.f("fk_send_orders_party_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_send_orders_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_send_orders")),
        sa.UniqueConstraint("company_id", "order_id", name=op.f("uq_send_orders_company_id_order_id")),
    )
    with op.batch_alter_table("send_orders", schema=None) as batch_op:
        batch_op.create_index("ix_send_orders_list", ["company_id", "id"], unique=False)
        batch_op.create_index("ix_send_orders_run", ["run_id", "id"], unique=False)
        batch_op.create_index("ix_send_orders_state", ["state", "look_at", "id"], unique=False)

    op.create_table(
        "sql_views",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("mapping", sa.String(length=80), nullable=False),
        sa.Column("since_column", sa.String(length=80), nullable=False),
        sa.Column("watermark", sa.String(length=80), nullable=False),
        sa.Column("last_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_result", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_sql_views_company_id")),
        sa.ForeignKeyConstraint(["source_id"], ["sql_sources.id"], name=op.f("fk_sql_views_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sql_views")),
        sa.UniqueConstraint("company_id", "name", name=op.f("uq_sql_views_company_id_name")),
    )
    op.create_table(
        "standing_uses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("authorisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_committed", sa.Boolean(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["authorisation_id"],
            ["standing_authorisations.id"],
            name=op.f("fk_standing_uses_authorisation_id"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_standing_uses_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_uses")),
    )
    with op.batch_alter_table("standing_uses", schema=None) as batch_op:
        batch_op.create_index("ix_standing_uses_authorisation", ["authorisation_id", "id"], unique=False)
        batch_op.create_index("ix_standing_uses_run", ["run_id", "id"], unique=False)

    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_detail", sa.String(length=300), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhook_deliveries_due",
            ["endpoint_id", "next_attempt_at", "id"],
            unique=False,
            sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
            postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        )
        batch_op.create_index("ix_webhook_deliveries_endpoint", ["endpoint_id", "id"], unique=False)

    op.create_table(
        "campaign_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("mime", sa.String(length=100), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_files_campaign_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_files")),
    )
    with op.batch_alter_table("campaign_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_files_campaign_id"), ["campaign_id"], unique=False)

    op.create_table(
        "campaign_letters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("party_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_letters_campaign_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_campaign_letters_contact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_campaign_letters_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_letters")),
    )
    with op.batch_alter_table("campaign_letters", schema=None) as batch_op:
        batch_op.create_index("ix_campaign_letters_contact", ["campaign_id", "contact_id"], unique=False)
        batch_op.create_index("ix_campaign_letters_party", ["campaign_id", "party_id"], unique=False)

    op.create_table(
        "contact_merges",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snapshot", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_contact_merges_company_id")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_merges_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_merges")),
    )
    with op.batch_alter_table("contact_merges", schema=None) as batch_op:
        batch_op.create_index("ix_contact_merges_company", ["company_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_merges_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "event_actions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_event_actions_document_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["inbound_events.id"], name=op.f("fk_event_actions_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["event_rules.id"], name=op.f("fk_event_actions_rule_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_event_actions_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_actions")),
        sa.UniqueConstraint("event_id", "rule_id", name=op.f("uq_event_actions_event_id_rule_id")),
    )
    with op.batch_alter_table("event_actions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_event_actions_open",
            ["rule_id", "id"],
            unique=False,
            sqlite_where=sa.text("state IN ('pending', 'preparing')"),
            postgresql_where=sa.text("state IN ('pending', 'preparing')"),
        )
        batch_op.create_index("ix_event_actions_rule", ["rule_id", "id"], unique=False)
        batch_op.create_index("ix_event_actions_run", ["run_id"], unique=False)

    op.create_table(
        "schedule_firings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("schedule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("is_manual", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_schedule_firings_company_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_schedule_firings_owner_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_schedule_firings_run_id")),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_schedule_firings_schedule_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_firings")),
        sa.UniqueConstraint("schedule_id", "due_at", name=op.f("uq_schedule_firings_schedule_id_due_at")),
    )
    with op.batch_alter_table("schedule_firings", schema=None) as batch_op:
        batch_op.create_index("ix_schedule_firings_run", ["run_id"], unique=False)
        batch_op.create_index("ix_schedule_firings_state", ["state", "lease_until"], unique=False)

    op.create_table(
        "special_dates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("schedule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("celebration", sa.String(length=32), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("leap_rule", sa.String(length=32), nullable=False),
        sa.Column("audience", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("texts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_special_dates_company_id")),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_special_dates_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_special_dates")),
        sa.UniqueConstraint("schedule_id", name=op.f("uq_special_dates_schedule_id")),
    )
    with op.batch_alter_table("special_dates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_special_dates_company_id"), ["company_id"], unique=False)

    op.create_table(
        "written_orders",
        sa.Column(
            "document_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.String(length=100), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_written_orders_company_id")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_written_orders_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_written_orders")),
    )
    op.create_table(
        "greetings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("special_date_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_greetings_contact_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_greetings_run_id")),
        sa.ForeignKeyConstraint(
            ["special_date_id"], ["special_dates.id"], name=op.f("fk_greetings_special_date_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_greetings")),
        sa.UniqueConstraint(
            "special_date_id", "contact_id", "year", name=op.f("uq_greetings_special_date_id_contact_id_year")
        ),
    )
    with op.batch_alter_table("greetings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_greetings_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "send_order_messages",
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_send_order_messages_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["send_orders.id"], name=op.f("fk_send_order_messages_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "message_id", name=op.f("pk_send_order_messages")),
    )
    with op.batch_alter_table("send_order_messages", schema=None) as batch_op:
        batch_op.create_index("ix_send_order_messages_message", ["message_id"], unique=False)

    with op.batch_alter_table("companies", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("pressure_messages", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("pressure_days", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("send_windows", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )

    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("is_denied", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(
            sa.Column("given_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("given_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.alter_column(
            "user_id", existing_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        )
        batch_op.create_check_constraint("one_holder", "(user_id IS NULL) <> (group_id IS NULL)")
        batch_op.create_index("ix_grants_group", ["group_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_grants_given_by"), "users", ["given_by"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_grants_group_id"), "user_groups", ["group_id"], ["id"])

    with op.batch_alter_table("message_files", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("content_id", sa.String(length=80), server_default="", nullable=False))

    with op.batch_alter_table("messages", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("is_composed", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("packagings", recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column("uses_order_smtp", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("writes_orders", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("writes_orders_since", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("parties", schema=None) as batch_op:
        batch_op.create_index("ix_parties_agent", ["agent", "id"], unique=False)
        batch_op.create_index("ix_parties_company_blocked", ["company_id", "is_blocked"], unique=False)
        batch_op.create_index("ix_parties_company_language", ["company_id", "language"], unique=False)
        batch_op.create_index("ix_parties_company_province", ["company_id", "province"], unique=False)
        batch_op.create_index("ix_parties_zone", ["zone", "id"], unique=False)

    with op.batch_alter_table("user_sessions", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("way", sa.String(length=32), server_default="password", nullable=False))

    with op.batch_alter_table("users", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("commit_most", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("commit_second_person_above", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("commit_from_minute", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("commit_to_minute", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "commit_weekdays",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                server_default="[]",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("commit_zone", sa.String(length=50), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column(
                "agents",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                server_default="[]",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column(
                "zones",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                server_default="[]",
                nullable=False,
            )
        )
    _move_areas()


def _move_areas() -> None:
    """Rights of areas become rows like the others; who could bring in documents or export keeps that."""
    op.execute(
        "INSERT INTO grants (user_id, permission, document_type) SELECT user_id, permission, '' FROM area_grants"
    )
    op.execute(
        "INSERT INTO grants (user_id, permission, document_type) "
        "SELECT user_id, 'documents:manage', '*' FROM area_grants WHERE permission = 'contacts:manage'"
    )
    op.execute(
        "INSERT INTO grants (user_id, permission, document_type) "
        "SELECT user_id, 'contacts:export', '' FROM area_grants WHERE permission = 'contacts:manage'"
    )
    op.execute(
        "INSERT INTO grants (user_id, permission, document_type, company_id) "
        "SELECT DISTINCT user_id, 'documents:export', document_type, company_id FROM grants "
        "WHERE permission IN ('outbox:prepare', 'outbox:review', 'outbox:commit')"
    )
    op.drop_table("area_grants")


def downgrade() -> None:
    with op.batch_alter_table("users", recreate="never") as batch_op:
        batch_op.drop_column("zones")
        batch_op.drop_column("agents")
        batch_op.drop_column("commit_zone")
        batch_op.drop_column("commit_weekdays")
        batch_op.drop_column("commit_to_minute")
        batch_op.drop_column("commit_from_minute")
        batch_op.drop_column("commit_second_person_above")
        batch_op.drop_column("commit_most")

    with op.batch_alter_table("user_sessions", recreate="never") as batch_op:
        batch_op.drop_column("way")

    with op.batch_alter_table("parties", schema=None) as batch_op:
        batch_op.drop_index("ix_parties_zone")
        batch_op.drop_index("ix_parties_company_province")
        batch_op.drop_index("ix_parties_company_language")
        batch_op.drop_index("ix_parties_company_blocked")
        batch_op.drop_index("ix_parties_agent")

    with op.batch_alter_table("packagings", recreate="never") as batch_op:
        batch_op.drop_column("writes_orders_since")
        batch_op.drop_column("writes_orders")
        batch_op.drop_column("uses_order_smtp")

    with op.batch_alter_table("messages", recreate="never") as batch_op:
        batch_op.drop_column("is_composed")

    with op.batch_alter_table("message_files", recreate="never") as batch_op:
        batch_op.drop_column("content_id")

    op.create_table(
        "area_grants",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permission", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_area_grants_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_grants")),
        sa.UniqueConstraint("user_id", "permission", name=op.f("uq_area_grants_user_id_permission")),
    )
    op.execute(
        "INSERT INTO area_grants (user_id, permission) SELECT user_id, permission FROM grants "
        "WHERE document_type = '' AND company_id IS NULL AND NOT is_denied AND user_id IS NOT NULL "
        "AND permission IN ('contacts:manage', 'users:manage', 'settings:manage', 'privacy:manage')"
    )
    op.execute(
        "DELETE FROM grants WHERE is_denied OR user_id IS NULL OR document_type = '' "
        "OR permission NOT IN ('outbox:prepare', 'outbox:review', 'outbox:commit')"
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_grants_group_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_grants_given_by"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("ck_grants_one_holder"), type_="check")
        batch_op.drop_index("ix_grants_group")
        batch_op.alter_column(
            "user_id", existing_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        )
        batch_op.drop_column("given_at")
        batch_op.drop_column("given_by")
        batch_op.drop_column("is_denied")
        batch_op.drop_column("group_id")

    with op.batch_alter_table("companies", recreate="never") as batch_op:
        batch_op.drop_column("send_windows")
        batch_op.drop_column("pressure_days")
        batch_op.drop_column("pressure_messages")

    with op.batch_alter_table("send_order_messages", schema=None) as batch_op:
        batch_op.drop_index("ix_send_order_messages_message")

    op.drop_table("send_order_messages")
    with op.batch_alter_table("greetings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_greetings_contact_id"))

    op.drop_table("greetings")
    op.drop_table("written_orders")
    with op.batch_alter_table("special_dates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_special_dates_company_id"))

    op.drop_table("special_dates")
    with op.batch_alter_table("schedule_firings", schema=None) as batch_op:
        batch_op.drop_index("ix_schedule_firings_state")
        batch_op.drop_index("ix_schedule_firings_run")

    op.drop_table("schedule_firings")
    with op.batch_alter_table("event_actions", schema=None) as batch_op:
        batch_op.drop_index("ix_event_actions_run")
        batch_op.drop_index("ix_event_actions_rule")
        batch_op.drop_index(
            "ix_event_actions_open",
            sqlite_where=sa.text("state IN ('pending', 'preparing')"),
            postgresql_where=sa.text("state IN ('pending', 'preparing')"),
        )

    op.drop_table("event_actions")
    with op.batch_alter_table("contact_merges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_merges_contact_id"))
        batch_op.drop_index("ix_contact_merges_company")

    op.drop_table("contact_merges")
    with op.batch_alter_table("campaign_letters", schema=None) as batch_op:
        batch_op.drop_index("ix_campaign_letters_party")
        batch_op.drop_index("ix_campaign_letters_contact")

    op.drop_table("campaign_letters")
    with op.batch_alter_table("campaign_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_files_campaign_id"))

    op.drop_table("campaign_files")
    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_deliveries_endpoint")
        batch_op.drop_index(
            "ix_webhook_deliveries_due",
            sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
            postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        )

    op.drop_table("webhook_deliveries")
    with op.batch_alter_table("standing_uses", schema=None) as batch_op:
        batch_op.drop_index("ix_standing_uses_run")
        batch_op.drop_index("ix_standing_uses_authorisation")

    op.drop_table("standing_uses")
    op.drop_table("sql_views")
    with op.batch_alter_table("send_orders", schema=None) as batch_op:
        batch_op.drop_index("ix_send_orders_state")
        batch_op.drop_index("ix_send_orders_run")
        batch_op.drop_index("ix_send_orders_list")

    op.drop_table("send_orders")
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_schedules_due",
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )
        batch_op.drop_index("ix_schedules_company")

    op.drop_table("schedules")
    with op.batch_alter_table("party_merges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_party_merges_party_id"))
        batch_op.drop_index("ix_party_merges_company")

    op.drop_table("party_merges")
    with op.batch_alter_table("event_rules", schema=None) as batch_op:
        batch_op.drop_index("ix_event_rules_kind")

    op.drop_table("event_rules")
    with op.batch_alter_table("change_notices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_change_notices_rule_id"))
        batch_op.drop_index(batch_op.f("ix_change_notices_next_at"))

    op.drop_table("change_notices")
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.drop_index("ix_campaigns_company")

    op.drop_table("campaigns")
    with op.batch_alter_table("api_answers", schema=None) as batch_op:
        batch_op.drop_index("ix_api_answers_created")

    op.drop_table("api_answers")
    op.drop_table("api_allowances")
    with op.batch_alter_table("webhook_endpoints", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_endpoints_company")

    op.drop_table("webhook_endpoints")
    with op.batch_alter_table("user_group_members", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_group_members_group_id"))

    op.drop_table("user_group_members")
    with op.batch_alter_table("standing_authorisations", schema=None) as batch_op:
        batch_op.drop_index("ix_standing_authorisations_company")

    op.drop_table("standing_authorisations")
    op.drop_table("sql_sources")
    op.drop_table("send_order_folders")
    op.drop_table("oidc_identities")
    with op.batch_alter_table("inbound_events", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_inbound_events_waiting",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
        batch_op.drop_index("ix_inbound_events_company")

    op.drop_table("inbound_events")
    with op.batch_alter_table("change_rules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_change_rules_company_id"))

    op.drop_table("change_rules")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_keys_owner_id"))

    op.drop_table("api_keys")
    with op.batch_alter_table("worker_beats", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_worker_beats_beat_at"))

    op.drop_table("worker_beats")
    op.drop_table("user_groups")
