"""``crm-mail company``: the firms that send."""

import json
from pathlib import Path
from typing import Any

import click

from crm_mail.cli.frame import SHELL, Answer, Failure, command, find_actor, find_company
from crm_mail.companies.company_rules import CompanyDetails
from crm_mail.companies.own_types import save_own_type
from crm_mail.companies.service import add_company
from crm_mail.companies.type_registry import company_types
from crm_mail.companies.type_rules import read_own_type
from crm_mail.installation import Installation


@click.group()
def company() -> None:
    """The firms that send."""


@company.command("add")
@click.argument("code")
@click.option("--name", required=True)
@click.option("--vat", default="", help="VAT number.")
@click.option("--tax-code", default="")
@click.option("--language", type=click.Choice(["it", "es", "en"]), default="it")
@click.option("--timezone", default="Europe/Rome")
@click.option("--country", default="", help="Two letters; without it that of the VAT number, or IT.")
@click.option("--error-address", default="", help="Where failures are reported.")
@command()
def add(
    home: Installation,
    code: str,
    name: str,
    vat: str,
    tax_code: str,
    language: str,
    timezone: str,
    country: str,
    error_address: str,
) -> Answer:
    """Add a company."""
    details = CompanyDetails(
        code=code,
        name=name,
        vat_number=vat,
        tax_code=tax_code,
        language=language,
        timezone=timezone,
        country=country,
        error_address=error_address,
    )
    with home.database.write() as session:
        added = add_company(session, SHELL, details)
        return {"company": added.id, "code": added.code}


@company.command("types")
@click.argument("code")
@command()
def list_types(home: Installation, code: str) -> Answer:
    """The document types of a company: their names, which are in use, which are its own."""
    with home.database.read() as session:
        found = find_company(session, code)
        types = company_types(session, found.id)
        return {
            "types": [
                {
                    "id": one.id,
                    "name": one.facts.label(found.language),
                    "in_use": one.is_used,
                    "own": one.is_own,
                    "base": one.base,
                }
                for one in types.by_id.values()
            ]
        }


@company.command("add-type")
@click.argument("code")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Change a type that is there already.")
@click.option("--as", "email", metavar="EMAIL", help="The user who adds it.")
@command()
def add_type(home: Installation, code: str, file: Path, replace: bool, email: str | None) -> Answer:
    """Add a document type of the company's own from a JSON file.

    It has `id`, `labels`, `base` and, if wanted, `plurals`, `layout`, `direction`, `role`, `bundled`, `channel`,
    and `fields` or a small JSON `schema`.
    """
    try:
        data: Any = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Failure(f"{file.name} is not JSON: {error}") from None
    with home.database.write() as session:
        found, actor = find_company(session, code), find_actor(session, email)
        kept = save_own_type(session, actor, found, read_own_type(data), is_new=not replace)
        return {"company": found.code, "type": kept.id, "base": kept.base, "fields": len(kept.fields)}


COMMANDS = {"company": company}
