"""Lists read from a database of the ERP: an address kept encrypted, one query, read only.

The query is one SELECT; ``:company`` is the code of the company and ``:today`` the day. The transaction is read-only
where the database knows that (SQLite, PostgreSQL, MySQL), and is never committed. Give it a user that may only read.
"""

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, make_url, select, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import today
from crm_mail.importers.table_rows import TableLimits
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.importing import LedgerResult, import_ledger
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.lists import table_text
from crm_mail.receivables.models import LedgerSource
from crm_mail.refusals import Refusal

SECONDS = 60
_SELECT = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(select|with)\b", re.IGNORECASE | re.DOTALL)
_PASSWORD = re.compile(r"//[^@\s]*@")
_READ_ONLY = {
    "sqlite": ("PRAGMA query_only = ON",),
    "postgresql": ("SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = {SECONDS * 1000}"),
    "mysql": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_execution_time = {SECONDS * 1000}"),
    "mariadb": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_statement_time = {SECONDS}"),
}


class SourceRefused(Refusal):
    """A source cannot be kept or read; `problem` is name, url, driver, own, query, unknown or failed."""

    def __init__(self, problem: str, detail: str = "") -> None:
        words = {
            "name": "give the source a name of at most 80 characters",
            "url": "the address of the database is not understood: write it as postgresql+psycopg://user:password@host/db",
            "driver": f"the driver for {detail} is not installed here: ask who looks after the installation",
            "own": "this is the database of CRM Mail itself: name the one of the accounting system",
            "query": "the query must be one SELECT without a semicolon",
            "unknown": f"there is no source called “{detail}”",
            "failed": f"the database did not answer the query: {detail}",
        }
        super().__init__(words[problem])
        self.problem, self.detail = problem, detail


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
        SourceRefused: naming the problem.
    """
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    clean = " ".join(name.split())
    if not clean or len(clean) > 80:
        raise SourceRefused("name")
    if not _SELECT.match(query) or ";" in query.strip().rstrip(";"):
        raise SourceRefused("query")
    found = session.scalars(
        select(LedgerSource).where(LedgerSource.company_id == company_id, LedgerSource.name == clean)
    ).one_or_none()
    source = found or LedgerSource(company_id=company_id, name=clean)
    if url.strip() or found is None:
        check_address(home, url.strip())
        source.url_encrypted = home.encrypt(url.strip())
    source.query, source.kind, source.is_complete = query.strip().rstrip(";"), kind, is_complete
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


def check_address(home: Installation, url: str) -> URL:
    """The address of a foreign database.

    Raises:
        SourceRefused: it is none, its driver is missing, or it is our own.
    """
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except NoSuchModuleError:
        raise SourceRefused("driver", url.partition(":")[0][:40]) from None
    except (ArgumentError, ValueError):
        raise SourceRefused("url") from None
    except ImportError as missing:
        raise SourceRefused("driver", str(missing.name or parsed.drivername)) from None
    own = home.database.engine.url
    same_server = (parsed.host, parsed.database) == (own.host, own.database)
    if same_server or (parsed.get_backend_name() == "sqlite" and _is_ours(home, parsed.database or "")):
        raise SourceRefused("own")
    return parsed


def _is_ours(home: Installation, path: str) -> bool:
    """Whether a file of SQLite lies in our data folder, or could: a database in memory, an odd file name."""
    if not path or path.startswith(":") or path.startswith("file:"):
        return True
    return Path(path).resolve().is_relative_to(home.settings.data_dir.resolve())


def import_from_source(
    session: Session, actor: Actor, home: Installation, company: Company, name: str, *, dry_run: bool = False
) -> LedgerResult:
    """Run a source's query and import what it gives, as a file of the same columns would be.

    Raises:
        PermissionDenied: the actor may not bring documents in.
        SourceRefused: there is no such source, or its database does not answer.
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
        SourceRefused: the database does not answer; the message never holds its password.
    """
    url = check_address(home, home.decrypt(source.url_encrypted))
    limit = TableLimits().rows + 1
    try:
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            _read_only(connection)
            known = {"company": company.code, "today": today()}
            query = text(source.query)
            used = {key: value for key, value in known.items() if key in query._bindparams}
            result = connection.execution_options(stream_results=True).execute(query, used)
            rows: list[Any] = list(islice(result, limit))
            header = list(result.keys())
            connection.rollback()
    except (SQLAlchemyError, OSError) as error:
        answer = str(getattr(error, "orig", None) or error).strip().splitlines()
        raise SourceRefused("failed", _PASSWORD.sub("//", answer[0] if answer else "")[:300]) from None
    return table_text(header, rows)


def _read_only(connection: Connection) -> None:
    for statement in _READ_ONLY.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement)
