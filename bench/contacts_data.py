"""A company with very many parties, contacts, addresses, characteristics and messages, made by the database itself."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from sqlalchemy import bindparam, insert, literal, select, text

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party, Role
from crm_mail.db import UtcDateTime, now
from crm_mail.delivery.routing import Channel
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run


def fill(home: Installation, contacts: int, parties: int) -> int:
    """Make the rows with one statement for each table; the company's id.

    Args:
        contacts: each with an address; a party has two or three of them.
        parties: customers and suppliers.
    """
    with home.database.write() as session:
        company = Company(code="SM02", name="Bench", language="it", country="IT")
        session.add(company)
        session.flush()
        role = Role(company_id=company.id, name="Logistica")
        run = Run(company_id=company.id, title="Bench", criteria={})
        session.add_all([role, run])
        session.flush()
        known: dict[str, Any] = {"company": company.id, "role": role.id, "run": run.id}
        known |= {"at": now(), "parties": parties, "contacts": contacts}
        for statement in statements():
            names = {name: value for name, value in known.items() if f":{name}" in statement}
            typed = [bindparam("at", type_=UtcDateTime)] if "at" in names else []
            session.execute(text(statement).bindparams(*typed), names)
        sent = select(
            literal(run.id), Party.company_id, Party.id, Party.code, Party.name, literal("it"), literal(now())
        ).add_columns(literal(Channel.SMTP.value))
        columns = [
            "run_id",
            "company_id",
            "party_id",
            "party_code",
            "party_name",
            "language",
            "sent_at",
            "channel",
        ]
        session.execute(insert(Message).from_select(columns, sent.where(Party.id % 2 == 0)))
    analyse(home)
    return company.id


def analyse(home: Installation) -> None:
    """What a database knows of itself after some days of use."""
    with home.database.write_engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        if connection.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE"))
            return
        connection.execute(text("ANALYZE"))
    with closing(home.database.engine.raw_connection()) as plain:  # outside any transaction
        plain.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")  # no office reads through a gigabyte of log


def statements() -> Iterator[str]:
    """INSERT … SELECT from a counted series; the same on both databases."""
    counted = "WITH RECURSIVE s(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM s WHERE i < {}) "
    yield (
        "INSERT INTO parties (id, company_id, code, name, name_key, is_customer, is_supplier, vat_number, tax_code,"
        " address, postcode, city, province, country, zone, agent, category, language, email, email_kind,"
        " billing_email, billing_email_kind, packaging, packaging_emails, addenda, is_blocked, created_at, updated_at) "
        + counted.format(":parties")
        + "SELECT i, :company, CAST(i AS TEXT), 'Cliente ' || (i * 7919 % :parties) || ' S.r.l.',"
        " 'cliente ' || (i * 7919 % :parties) || ' s.r.l.', i % 5 > 0, i % 5 = 0, 'IT' || (10000000000 + i), '',"
        " 'Via Roma ' || i, '20100', 'Città ' || (i % 900), 'MI', 'IT', 'Z' || (i % 12), 'Agente ' || (i % 60),"
        " 'C' || (i % 20), '', CASE WHEN i % 3 = 0 THEN 'info@c' || i || '.example' ELSE '' END, 'ordinary',"
        " '', 'unknown', 'GRAL', '', '', i % 97 = 0, :at, :at FROM s"
    )
    yield (
        "INSERT INTO contacts (id, company_id, party_id, name, name_key, phone, mobile, language, birth_month,"
        " birth_day, privacy_level, state, notes, source, created_at, updated_at) "
        + counted.format(":contacts")
        + "SELECT i, :company, 1 + i % :parties, 'Mario ' || i, 'mario ' || i, '', '', '',"
        " CASE WHEN i % 3 = 0 THEN 1 + i % 12 END, CASE WHEN i % 3 = 0 THEN 1 + i % 28 END,"
        " CASE WHEN i % 10 < 7 THEN 0 ELSE i % 10 - 6 END, 'active', '', 'bench', :at, :at FROM s"
    )
    of_contacts = " FROM contacts WHERE company_id = :company"
    yield (
        "INSERT INTO contact_addresses (contact_id, email, kind, position) SELECT id, 'mario@c' || id || '.example',"
        " CASE WHEN id % 3 = 0 THEN 'pec' ELSE 'ordinary' END, 0" + of_contacts
    )
    yield (
        "INSERT INTO characteristics (contact_id, key, value) SELECT id, 'sector', 's' || (id % 15)"
        + of_contacts
        + " AND id % 2 = 0"
    )
    yield (
        "INSERT INTO characteristics (contact_id, key, value) SELECT id, 'fair', 'f' || (id % 7)"
        + of_contacts
        + " AND id % 50 = 0"
    )
    yield (
        "INSERT INTO subscriptions (contact_id, document_type, recipient_kind) SELECT id, 'invoice', 'to'"
        + of_contacts
        + " AND id % 3 > 0"
    )
    yield (
        "INSERT INTO contact_roles (contact_id, role_id) SELECT id, :role" + of_contacts + " AND id % 25 = 0"
    )
    yield (
        "INSERT INTO suppressions (company_id, address, reason, detail, status, soft_bounces, is_active, since_at)"
        " SELECT :company, 'mario@c' || id || '.example', 'no_such_user', '', '5.1.1', 0, 0 = 0, :at"
        + of_contacts
        + " AND id % 200 = 0"
    )
    yield (
        "INSERT INTO consent_states (company_id, contact_id, address, purpose, channel, decision, at)"
        " SELECT :company, id, '', 'commercial', 'email', CASE WHEN id % 20 = 0 THEN 'withdrawn' ELSE 'given' END,"
        " :at" + of_contacts + " AND id % 4 = 0"
    )
