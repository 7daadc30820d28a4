"""``crm-mail company``: the firms that send."""

import click

from crm_mail.cli.frame import SHELL, Answer, command
from crm_mail.companies.company_rules import CompanyDetails
from crm_mail.companies.service import add_company
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
@click.option("--country", default="IT")
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


COMMANDS = {"company": company}
