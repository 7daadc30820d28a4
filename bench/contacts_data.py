"""A company with very many parties, contacts, addresses, characteristics and messages, made by the database itself."""

from collections.abc import Iterator

from sqlalchemy import insert, literal, select, text

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party, Role
from crm_mail.db import now
from crm_mail.delivery.routing import Channel
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run


def fill(home: Installation, count: int) -> int:
    """Make the rows with one statement for each table; the company's id.

    Args:
        count: parties, each with a contact and an address; every tenth has a second contact.
    """
    with home.database.write() as session:
        company = Company(code="SM02", name="Bench", language="it")
        session.add(company)
        session.flush()
        role = Role(company_id=company.id, name="Logistica")
        run = Run(company_id=company.id, title="Bench", criteria={})
        session.add_all([role, run])
        session.flush()
        known = {"company": company.id, "role": role.id, "run": run.id, "at": now().isoformat(" ")}
        for statement in statements():
            session.execute(text(statement), known | {"n": count})
        sent = select(
            literal(run.id), Party.company_id, Party.id, Party.code, Party.name, literal("it"), literal(now())
        ).add_columns(literal(Channel.SMTP.value))
        names = [
            "run_id",
            "company_id",
            "party_id",
            "party_code",
            "party_name",
            "language",
            "sent_at",
            "channel",
        ]
        session.execute(insert(Message).from_select(names, sent.where(Party.id % 2 == 0)))
    _analyse(home)
    return company.id


def _analyse(home: Installation) -> None:
    with home.database.write_engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE"))


def statements() -> Iterator[str]:
    """INSERT … SELECT from a counted series; the same on both databases."""
    counted = "WITH RECURSIVE s(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM s WHERE i < :n) "
    yield (
        "INSERT INTO parties (id, company_id, code, name, name_key, is_customer, is_supplier, vat_number, tax_code,"
        " address, postcode, city, province, country, zone, agent, category, language, email, email_kind,"
        " billing_email, billing_email_kind, packaging, packaging_emails, addenda, is_blocked, created_at, updated_at) "
        + counted
        + "SELECT i, :company, CAST(i AS TEXT), 'Cliente ' || (i * 7919 % :n) || ' S.r.l.',"
        " 'cliente ' || (i * 7919 % :n) || ' s.r.l.', i % 5 > 0, i % 5 = 0, 'IT' || (10000000000 + i), '',"
        " 'Via Roma ' || i, '20100', 'Città ' || (i % 900), 'MI', 'IT', 'Z' || (i % 12), 'Agente ' || (i % 60),"
        " 'C' || (i % 20), '', CASE WHEN i % 3 = 0 THEN 'info@c' || i || '.example' ELSE '' END, 'ordinary',"
        " '', 'unknown', 'GRAL', '', '', i % 97 = 0, :at, :at FROM s"
    )
    contacts = (
        "INSERT INTO contacts (id, company_id, party_id, name, name_key, phone, mobile, language, birth_month,"
        " birth_day, privacy_level, state, notes, source, created_at, updated_at) "
    )
    yield (
        contacts
        + counted
        + "SELECT i, :company, i, 'Mario ' || i, 'mario ' || i, '', '', '', 1 + i % 12, 1 + i % 28, i % 4, 'active',"
        " '', 'bench', :at, :at FROM s"
    )
    yield (
        contacts
        + counted
        + "SELECT :n + i, :company, i, 'Anna ' || i, 'anna ' || i, '', '', '', NULL, NULL, 0, 'active',"
        " '', 'bench', :at, :at FROM s WHERE i % 10 = 0"
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
