"""Purchases, text messages, reports by mail"""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _use_no_id_twice("user_groups", "parties", "contacts")
    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("group_name", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_products_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("company_id", "code", name=op.f("uq_products_company_id_code")),
    )
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.create_index("ix_products_company_group", ["company_id", "group_name"], unique=False)

    op.create_table(
        "purchase_months",
        sa.Column(
            "party_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_purchase_months_company_id")),
        sa.PrimaryKeyConstraint("party_id", "currency", "month", name=op.f("pk_purchase_months")),
    )
    op.create_table(
        "purchase_totals",
        sa.Column(
            "party_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_purchase_totals_company_id")),
        sa.PrimaryKeyConstraint("party_id", "currency", name=op.f("pk_purchase_totals")),
    )
    with op.batch_alter_table("purchase_totals", schema=None) as batch_op:
        batch_op.create_index(
            "ix_purchase_totals_gross", ["company_id", "currency", "gross", "party_id"], unique=False
        )
        batch_op.create_index("ix_purchase_totals_last", ["company_id", "last_on", "party_id"], unique=False)
        batch_op.create_index(
            "ix_purchase_totals_net", ["company_id", "currency", "net", "party_id"], unique=False
        )

    op.create_table(
        "saved_reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("listing", sa.String(length=40), nullable=False),
        sa.Column("filters", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("columns", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("order_by", sa.String(length=40), nullable=False),
        sa.Column("is_descending", sa.Boolean(), nullable=False),
        sa.Column("source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("formats", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("user_ids", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("addresses", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("clearance", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("row_limit", sa.Integer(), nullable=False),
        sa.Column("sends_empty", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_saved_reports_company_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_saved_reports_owner_id")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sql_sources.id"], name=op.f("fk_saved_reports_source_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_reports")),
        sa.UniqueConstraint("company_id", "name", name=op.f("uq_saved_reports_company_id_name")),
    )
    op.create_table(
        "sms_days",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["sender_accounts.id"], name=op.f("fk_sms_days_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "day", name=op.f("pk_sms_days")),
    )
    op.create_table(
        "purchase_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("party_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bought_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("source_key", sa.String(length=140), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_purchase_lines_company_id")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_purchase_lines_document_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_purchase_lines_party_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_purchase_lines_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_lines")),
        sa.UniqueConstraint("company_id", "source_key", name=op.f("uq_purchase_lines_company_id_source_key")),
    )
    with op.batch_alter_table("purchase_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_purchase_lines_document_id"), ["document_id"], unique=False)
        batch_op.create_index(
            "ix_purchase_lines_party",
            ["party_id", "bought_on", "product_id", "quantity", "amount", "currency"],
            unique=False,
        )
        batch_op.create_index(
            "ix_purchase_lines_product",
            ["product_id", "bought_on", "party_id", "quantity", "amount", "currency"],
            unique=False,
        )

    op.create_table(
        "report_issues",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("report_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("asked_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=True),
        sa.Column("is_cut", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(length=300), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_report_issues_asked_by")),
        sa.ForeignKeyConstraint(
            ["report_id"], ["saved_reports.id"], name=op.f("fk_report_issues_report_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_issues")),
        sa.UniqueConstraint("report_id", "key", name=op.f("uq_report_issues_report_id_key")),
    )
    with op.batch_alter_table("report_issues", schema=None) as batch_op:
        batch_op.create_index(
            "ix_report_issues_due",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "report_mails",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("issue_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["report_issues.id"], name=op.f("fk_report_mails_issue_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_report_mails_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_mails")),
        sa.UniqueConstraint("issue_id", "address", name=op.f("uq_report_mails_issue_id_address")),
    )
    op.create_table(
        "sms_receipts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider_id", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["sender_accounts.id"],
            name=op.f("fk_sms_receipts_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_sms_receipts_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_receipts")),
    )
    with op.batch_alter_table("sms_receipts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sms_receipts_message_id"), ["message_id"], unique=False)
        batch_op.create_index("ix_sms_receipts_provider", ["account_id", "provider_id"], unique=False)

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contacts_suggested"))
        batch_op.create_index(
            "ix_contacts_waiting",
            ["company_id", "state", "privacy_level"],
            unique=False,
            sqlite_where=sa.text("state = 'suggested'"),
            postgresql_where=sa.text("state = 'suggested'"),
        )

    with op.batch_alter_table("event_rules", recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column("attaches_document", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("channel", sa.String(length=32), server_default="email", nullable=False)
        )
        batch_op.add_column(
            sa.Column("sms_texts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )

    with op.batch_alter_table("saved_filters", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("is_shared", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("saved_mappings", recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column("purpose", sa.String(length=20), server_default="contacts", nullable=False)
        )

    with op.batch_alter_table("sender_accounts", recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column("sms", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("sms_headers", sa.LargeBinary(), nullable=True))

    with op.batch_alter_table("special_dates", recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column("channel", sa.String(length=32), server_default="email", nullable=False)
        )
    for name, email in _ADDRESSES.items():
        has_one = sa.text(f"{email} > ''")
        key = [sa.text(f"lower({email})"), "company_id"]
        op.create_index(name, "parties", key, sqlite_where=has_one, postgresql_where=has_one)
    tag = [sa.text("lower(key)"), sa.text("lower(value)"), "contact_id"]
    op.create_index("ix_characteristics_tag", "characteristics", tag)


_ADDRESSES = {"ix_parties_email_key": "email", "ix_parties_billing_key": "billing_email"}


def _use_no_id_twice(*names: str) -> None:
    """Make SQLite give no id of a deleted row to a new one, whose history would then begin with another's.

    By the words of the table itself, so that nothing of it is lost; `env.py` has foreign keys off meanwhile.
    """
    if op.get_bind().dialect.name != "sqlite":
        return
    for name in names:
        made, hanging = _words_of(name)
        if "AUTOINCREMENT" in made:
            continue
        key = re.compile(rf",\s*CONSTRAINT pk_{name} PRIMARY KEY \(id\)")
        made, count = key.subn("", made.replace("id INTEGER NOT NULL", _KEY.format(name), 1))
        if count != 1:
            raise RuntimeError(f"the table {name} is not as it was made; restore the backup and ask for help")
        copy = re.compile(rf'CREATE TABLE "?{name}"?', re.IGNORECASE)
        op.execute(sa.text(copy.sub(f"CREATE TABLE _copy_of_{name}", made, count=1)))
        columns = ", ".join(f'"{column}"' for column in _columns_of(name))
        op.execute(sa.text(f"INSERT INTO _copy_of_{name} ({columns}) SELECT {columns} FROM {name}"))  # noqa: S608
        op.execute(sa.text(f"DROP TABLE {name}"))
        op.execute(sa.text(f"ALTER TABLE _copy_of_{name} RENAME TO {name}"))
        for one in hanging:
            op.execute(sa.text(one.replace(":", "\\:")))


_KEY = "id INTEGER NOT NULL CONSTRAINT pk_{} PRIMARY KEY AUTOINCREMENT"


def _words_of(name: str) -> tuple[str, list[str]]:
    """How a table was made, and its indexes and triggers."""
    query = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL")
    rows = op.get_bind().execute(query, {"name": name}).all()
    return next(sql for kind, sql in rows if kind == "table"), [sql for kind, sql in rows if kind != "table"]


def _columns_of(name: str) -> list[str]:
    """The columns that are not computed."""
    rows = op.get_bind().execute(sa.text(f"PRAGMA table_xinfo({name})")).all()
    return [row.name for row in rows if row.hidden == 0]


def downgrade() -> None:
    op.drop_index("ix_characteristics_tag", "characteristics")
    for name in _ADDRESSES:
        op.drop_index(name, "parties")
    with op.batch_alter_table("special_dates", recreate="never") as batch_op:
        batch_op.drop_column("channel")

    with op.batch_alter_table("sender_accounts", recreate="never") as batch_op:
        batch_op.drop_column("sms_headers")
        batch_op.drop_column("sms")

    with op.batch_alter_table("saved_mappings", recreate="never") as batch_op:
        batch_op.drop_column("purpose")

    with op.batch_alter_table("saved_filters", recreate="never") as batch_op:
        batch_op.drop_column("is_shared")

    with op.batch_alter_table("event_rules", recreate="never") as batch_op:
        batch_op.drop_column("sms_texts")
        batch_op.drop_column("channel")
        batch_op.drop_column("attaches_document")

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_contacts_waiting",
            sqlite_where=sa.text("state = 'suggested'"),
            postgresql_where=sa.text("state = 'suggested'"),
        )
        batch_op.create_index(
            batch_op.f("ix_contacts_suggested"), ["company_id", "state", "id"], unique=False
        )

    with op.batch_alter_table("sms_receipts", schema=None) as batch_op:
        batch_op.drop_index("ix_sms_receipts_provider")
        batch_op.drop_index(batch_op.f("ix_sms_receipts_message_id"))

    op.drop_table("sms_receipts")
    op.drop_table("report_mails")
    with op.batch_alter_table("report_issues", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_report_issues_due",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.drop_table("report_issues")
    with op.batch_alter_table("purchase_lines", schema=None) as batch_op:
        batch_op.drop_index("ix_purchase_lines_product")
        batch_op.drop_index("ix_purchase_lines_party")
        batch_op.drop_index(batch_op.f("ix_purchase_lines_document_id"))

    op.drop_table("purchase_lines")
    op.drop_table("sms_days")
    op.drop_table("saved_reports")
    with op.batch_alter_table("purchase_totals", schema=None) as batch_op:
        batch_op.drop_index("ix_purchase_totals_net")
        batch_op.drop_index("ix_purchase_totals_last")
        batch_op.drop_index("ix_purchase_totals_gross")

    op.drop_table("purchase_totals")
    op.drop_table("purchase_months")
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.drop_index("ix_products_company_group")

    op.drop_table("products")
