"""``crm-mail import``: contacts and documents from files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DatabaseError

from crm_mail.cli.frame import Answer, Interrupted, command, find_actor, find_company
from crm_mail.companies.models import Company
from crm_mail.documents.purchases import catch_up
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts.service import import_contacts
from crm_mail.importers.databases.service import run_view
from crm_mail.importers.documents.bundles import Door, ImportedFile, named_beside
from crm_mail.importers.documents.bundles import import_group as bring_group
from crm_mail.importers.documents.pairing import Group, group_files
from crm_mail.importers.folders.hot_folder import is_wanted, outer_file
from crm_mail.importers.formats.canonical import Beside
from crm_mail.importers.sales.service import import_sales
from crm_mail.installation import Installation

_COUNTED = ("created", "unchanged", "versions", "receipts")


@click.group(name="import")
def import_group() -> None:
    """Bring contacts and documents in."""


@import_group.command("contacts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--company", "company_code", required=True)
@click.option("--mapping", default=None, help="Name of a saved mapping of columns.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def contacts(
    home: Installation, file: Path, company_code: str, mapping: str | None, dry_run: bool, email: str | None
) -> Answer:
    """Contacts and parties from CSV, TSV, XLSX or ODS."""
    with home.database.write() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        result = import_contacts(
            session, actor, company, file, mapping=mapping or "", dry_run=dry_run, name=file.name
        )
    return result.as_json()


@import_group.command("documents")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--company", "company_code", required=True)
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def documents(
    home: Installation, paths: tuple[Path, ...], company_code: str, dry_run: bool, email: str | None
) -> Answer:
    """Electronic documents, canonical JSON and receipts: files, ZIP archives or folders, recognised by their content.

    Files of one base name are one document: a PDF with its XML or JSON. A lone PDF is read by its name.

    A file that is refused does not stop the others. When the disk is full, what was done before is still told, with
    the files that were not read.
    """
    with home.database.read() as session:
        company_id, actor = find_company(session, company_code).id, find_actor(session, email)
    report = _Report(dry_run)
    limit_mb = home.settings.max_upload_mb
    waiting = _groups(paths, limit_mb)
    while waiting:
        group = waiting[0]
        try:
            files = {name: _read(Path(name), limit_mb) for name in group.names}
            with home.database.write() as session:
                company = session.get_one(Company, company_id)
                door = Door(session, home.store, actor, company, dry_run)
                done = list(bring_group(door, group, files, _beside(Path(group.lead), limit_mb)))
        except ImportRefused as refused:
            report.errors.append({"file": group.lead, "message": refused.message})
        except (OSError, DatabaseError) as trouble:  # a full disk: the files before this one are kept
            left = [name for one in waiting for name in one.names]
            raise Interrupted(report.as_json() | {"not_read": left}) from trouble
        else:
            report.add(done)
        del waiting[0]
    return report.as_json()


@dataclass(slots=True)
class _Report:
    """What became of the files so far."""

    dry_run: bool
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))
    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def add(self, done: Iterable[ImportedFile]) -> None:
        """Count one file, or those of one archive."""
        for file in done:
            if file.result is None:
                self.errors.append(
                    {"file": file.name, "message": file.refused.message if file.refused else ""}
                )
                continue
            for name in self.totals:
                self.totals[name] += getattr(file.result, name)
            self.warnings += [
                {"file": file.name, "message": notice.message} for notice in file.result.warnings
            ]

    def as_json(self) -> dict[str, Any]:
        """The answer of the command."""
        found = {"errors": self.errors, "warnings": self.warnings, "dry_run": self.dry_run}
        return {**self.totals, **found}


def _read(path: Path, limit_mb: int) -> bytes:
    size = path.stat().st_size
    if size > limit_mb * 1024 * 1024:
        raise ImportRefused("file_too_large", size_mb=size // (1024 * 1024), limit_mb=limit_mb)
    return path.read_bytes()


def _beside(lead: Path, limit_mb: int) -> Beside:
    """Fetches what a JSON names by path, inside its own folder."""
    return lambda path: outer_file(lead.parent, path, limit_mb * 1024 * 1024)


def _groups(paths: tuple[Path, ...], limit_mb: int) -> list[Group]:
    """The files, those of one base name together."""
    names = list(dict.fromkeys(str(path) for path in _files(paths)))
    named = {}
    for name in names:
        if name.lower().endswith(".json") and Path(name).stat().st_size <= limit_mb * 1024 * 1024:
            named[name] = named_beside(name, Path(name).read_bytes())
    return group_files(names, named)


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and is_wanted(p.name))
        else:
            yield path


@import_group.command("sales")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--company", "company_code", required=True)
@click.option("--mapping", default=None, help="Name of a saved mapping of columns.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def sales(
    home: Installation, file: Path, company_code: str, mapping: str | None, dry_run: bool, email: str | None
) -> Answer:
    """Sales lines from CSV, TSV, XLSX, ODS or JSON: what customers bought."""
    with home.database.write() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        result = import_sales(session, actor, company, file, mapping=mapping or "", dry_run=dry_run)
    return result.as_json()


@import_group.command("purchases")
@click.option("--company", "company_code", required=True)
@command()
def purchases(home: Installation, company_code: str) -> Answer:
    """What the invoices sold that are here already; once, after an update. A second time changes nothing."""
    with home.database.read() as session:
        company_id = find_company(session, company_code).id
    after, documents, lines = -1, 0, 0
    while after:
        with home.database.write() as session:
            after, more, kept = catch_up(session, company_id, max(after, 0))
        documents, lines = documents + more, lines + kept
    return {"documents": documents, "lines": lines}


@import_group.command("sql")
@click.argument("name")
@click.option("--company", "company_code", required=True)
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def sql(home: Installation, name: str, company_code: str, dry_run: bool, email: str | None) -> Answer:
    """Run a named query on the ERP's database and import what it gives."""
    with home.database.read() as session:
        company_id, actor = find_company(session, company_code).id, find_actor(session, email)
    return run_view(home, actor, company_id, name, dry_run=dry_run)


COMMANDS = {"import": import_group}
