"""``crm-mail doctor`` and ``crm-mail pec-registry``: what DNS and public lists know."""

from pathlib import Path

import click

from crm_mail.cli.frame import SHELL, Answer, Failure, command, find_company
from crm_mail.db import now
from crm_mail.delivery.domains import checkups, registries
from crm_mail.delivery.domains.doctor_words import describe
from crm_mail.delivery.domains.registry_file import read_registry
from crm_mail.delivery.domains.resolver import shared_resolver
from crm_mail.installation import Installation


@click.command()
@click.argument("domain", required=False)
@click.option("--company", "company_code", required=True)
@click.option("--no-connect", is_flag=True, help="Ask name servers only, no mail server.")
@command()
def doctor(home: Installation, domain: str | None, company_code: str, no_connect: bool) -> Answer:
    """Look at the domains that a company sends from, and say what should stand in their DNS."""
    resolver = shared_resolver(home.settings.dns_servers)
    with home.database.read() as session:
        company = find_company(session, company_code)
        report_to = company.error_address or company.email
        known = [one.domain for one in checkups.list_checkups(session, SHELL, company.id)]
        if not known:
            raise Failure(f"the company {company.code} has no account: add one with `crm-mail account add`")
        patients = [
            checkups.read_patient(session, SHELL, company.id, one, home.decrypt, report_to)
            for one in ([domain] if domain else known)
        ]
    if no_connect:
        patients = [checkups.without_connecting(patient) for patient in patients]
    answer: dict[str, object] = {}
    for patient in patients:
        findings = checkups.look(resolver, patient)
        with home.database.write() as session:
            checkups.keep(session, SHELL, patient, findings)
        answer[patient.domain] = [
            {
                "check": finding.check.value,
                "level": finding.level.value,
                "about": finding.about,
                "text": describe(finding).text,
                "advice": describe(finding).advice,
                "found": list(finding.found),
                "publish": f"{finding.publish.name} {finding.publish.type} {finding.publish.value}"
                if finding.publish
                else "",
            }
            for finding in findings
        ]
    return answer


@click.group("pec-registry")
def pec_registry() -> None:
    """Public lists of PEC addresses (IndicePA, INI-PEC and the like)."""


@pec_registry.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", default="", help="Name of the registry; the file's own name when left out.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, write nothing.")
@command()
def import_(home: Installation, file: Path, source: str, dry_run: bool) -> Answer:
    """Replace a registry as a whole by the addresses of a file."""
    found = read_registry(file.read_bytes())
    name = source or file.stem[: registries.NAME_LENGTH]
    with home.database.write() as session:
        if dry_run:
            change = registries.compare(session, name, found)
        else:
            change = registries.import_registry(session, SHELL, name, found, file.name)
    return {
        "registry": change.name,
        "lines": found.lines,
        "addresses": change.addresses,
        "domains": found.domains,
        "added": change.added,
        "removed": change.removed,
        "not_certified": found.not_certified,
        "invalid": found.invalid_count,
        "written": not dry_run,
    }


@pec_registry.command("list")
@command()
def list_(home: Installation) -> Answer:
    """The registries that there are, with their age."""
    with home.database.read() as session:
        return {
            "registries": [
                {
                    "name": one.name,
                    "addresses": one.addresses,
                    "file": one.file_name,
                    "imported_at": one.imported_at.isoformat(timespec="seconds"),
                    "days": (now() - one.imported_at).days,
                }
                for one in registries.list_registries(session)
            ]
        }


COMMANDS = {"doctor": doctor, "pec-registry": pec_registry}
