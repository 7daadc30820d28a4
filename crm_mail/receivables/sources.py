"""Lists read from a database of the ERP: an address kept encrypted, one query, read only (`foreign_databases`).

``:company`` is the code of the company and ``:today`` the day.
"""

from collections.abc import Mapping, Sequence
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import today
from crm_mail.importers.databases.foreign_databases import (
    DatabaseRefused,
    answering,
    check_address,
    check_query,
)
from crm_mail.importers.tables.object_tables import table_text
from crm_mail.importers.tables.table_rows import TableLimits
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.importing import LedgerResult, import_ledger
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.models import LedgerSource

GIVEN = frozenset({"company", "today"})
"""Names that a query may use."""


class SourceRefused(DatabaseRefused):
    """A source cannot be kept or found."""

    WORDS: Mapping[str, str] = {
        "name": "give the source a name of at most 80 characters",
        "unknown": "there is no source called “{}”",
    }


def list_sources(session: Session, actor: Actor, company_id: int) -> Sequence[LedgerSource]:
    """The sources of a company, by name."""
    actor.require(Permission.DOCUMENTS_MANAGE, company_id)
    query = select(LedgerSource).where(LedgerSource.company_id == company_id).order_by(LedgerSource.name)
    return session.scalars(query).all()


def find_source(session: Session, actor: Actor, company_id: int, name: str) -> LedgerSource:
    """A source by its name.

    Raises:
        SourceRefused: there is none of that name.
    """
    for source in list_sources(session, actor, company_id):
        if source.name.casefold() == name.strip().casefold():
            return source
    raise SourceRefused("unknown", name)


def save_source(
    session: Session,
    actor: Actor,
    home: Installation,
    company_id: int,
    *,
    name: str,
    url: str,
    query: str,
    kind: Kind,
    is_complete: bool,
) -> LedgerSource:
    """Keep a source; one of the same name is replaced, and keeps its address when none is given.

    Raises:
        PermissionDenied: the right to change settings is missing.
        DatabaseRefused: naming the problem.
    """
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    clean = " ".join(name.split())
    if not clean or len(clean) > 80:
        raise SourceRefused("name")
    clean_query = check_query(query, GIVEN)
    found = session.scalars(
        select(LedgerSource).where(LedgerSource.company_id == company_id, LedgerSource.name == clean)
    ).one_or_none()
    source = found or LedgerSource(company_id=company_id, name=clean)
    if url.strip() or found is None:
        check_address(home, url.strip())
        source.url_encrypted = home.encrypt(url.strip())
    source.query, source.kind, source.is_complete = clean_query, kind, is_complete
    session.add(source)
    session.flush()
    audit.record(
        session, actor, "receivables.source.saved", company_id=company_id, subject=source, label=clean
    )
    return source


def delete_source(session: Session, actor: Actor, company_id: int, source_id: int) -> bool:
    """Forget a source; False when the company has none of that id."""
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    source = session.get(LedgerSource, source_id)
    if source is None or source.company_id != company_id:
        return False
    audit.record(
        session, actor, "receivables.source.deleted", company_id=company_id, subject=source, label=source.name
    )
    session.delete(source)
    return True


def import_from_source(
    session: Session, actor: Actor, home: Installation, company: Company, name: str, *, dry_run: bool = False
) -> LedgerResult:
    """Run a source's query and import what it gives, as a file of the same columns would be.

    Raises:
        PermissionDenied: the actor may not bring documents in.
        DatabaseRefused: there is no such source, or its database does not answer.
        ImportRefused: what it gives is no list.
    """
    source = find_source(session, actor, company.id, name)
    data = read_source(home, source, company)
    return import_ledger(
        session,
        actor,
        company,
        data,
        kind=source.kind,
        columns=source.columns or None,
        is_complete=source.is_complete,
        dry_run=dry_run,
        name=source.name,
    )


def read_source(home: Installation, source: LedgerSource, company: Company) -> bytes:
    """What a source gives, as a table of text.

    Raises:
        DatabaseRefused: the database does not answer; the message never holds its password.
    """
    url, limit = home.decrypt(source.url_encrypted), TableLimits().rows + 1
    with answering(home, url, source.query, {"company": company.code, "today": today()}) as answer:
        return table_text(answer.columns, islice(answer.rows, limit))
