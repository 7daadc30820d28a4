"""``crm-mail orders``: look into a company's folder of send orders, set it up, list what came, write orders."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import click

from crm_mail.cli.frame import SHELL, Answer, Failure, check_types, command, find_actor, find_company
from crm_mail.cli.looking import company_id_of, look_twice, look_until_stopped
from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.companies.type_registry import company_types
from crm_mail.installation import Installation
from crm_mail.send_orders.listing import list_orders
from crm_mail.send_orders.settings import OrdersInvalid, folder_of, read_choices, save_choices
from crm_mail.send_orders.watching import OrderReport, OrderWatcher
from crm_mail.send_orders.wording import explain
from crm_mail.send_orders.writing import write_orders
from crm_mail.web.translating import translator

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def orders() -> None:
    """Send orders: XML files that ask for one mail each."""


@orders.command()
@click.option("--company", "company_code", required=True)
@click.option("--path", help="Inside CRM_MAIL_MAILER_DIR; `.` is that folder itself.")
@click.option("--watch/--no-watch", "is_watched", default=None)
@click.option("--afterwards", type=click.Choice([one.value for one in AfterSending]))
@click.option("--wait-minutes", type=int, help="For attachments that are missing.")
@click.option("--map", "mapping", multiple=True, help=r"Such as 'C:\Envio_Mails = /mnt/envio'; replaces all.")
@click.option(
    "--authorisation", "authorisation_id", type=int, help="A standing authorisation; 0: a person commits."
)
@command()
def folder(home: Installation, company_code: str, **given: Any) -> Answer:
    """Show or change the folder of a company's orders."""
    wanted = {name: value for name, value in given.items() if value is not None and value != ()}
    if "mapping" in wanted:
        wanted["mapping"] = "\n".join(wanted["mapping"])
    if "afterwards" in wanted:
        wanted["afterwards"] = AfterSending(wanted["afterwards"])
    if "authorisation_id" in wanted:
        wanted["authorisation_id"] = wanted["authorisation_id"] or None
    with home.database.write() as session:
        company = find_company(session, company_code)
        choices = read_choices(session, company)
        if wanted:
            try:
                choices = save_choices(session, SHELL, home.settings, company, replace(choices, **wanted))
            except OrdersInvalid as refused:
                raise Failure(f"{refused.field}: {refused.problem} {refused.detail}".rstrip()) from None
        return {**asdict(choices), "folder": str(folder_of(home.settings, choices))}


@orders.command()
@click.option("--company", "company_code", required=True)
@command()
def once(home: Installation, company_code: str) -> Answer:
    """Take in what lies in the folder and is ready now."""
    reports: list[OrderReport] = []
    watcher = OrderWatcher(home, company_id_of(home, company_code), reports.append)
    look_twice(watcher)
    return _answer(reports) | {"waiting": watcher.waiting()}


@orders.command()
@click.option("--company", "company_code", required=True)
@command()
def watch(home: Installation, company_code: str) -> Answer:
    """Take in what comes, until Ctrl-C; the worker and `serve` do the same for every watched folder."""
    reports: list[OrderReport] = []

    def tell(report: OrderReport) -> None:
        reports.append(report)
        click.echo(f"{report.name}: {report.verdict} {report.reason}".rstrip(), err=True)

    watcher = OrderWatcher(home, company_id_of(home, company_code), tell)
    look_until_stopped(watcher, home.settings.mailer_seconds)
    return _answer(reports)


@orders.command("list")
@click.option("--company", "company_code", required=True)
@click.option("--count", default=50, type=click.IntRange(1, 1000))
@click.option("--as", "email", help="With the eyes of this user.")
@command()
def list_(home: Installation, company_code: str, count: int, email: str | None) -> Answer:
    """The orders that came in last."""
    english = translator("en")
    with home.database.read() as session:
        company = find_company(session, company_code)
        rows = list_orders(session, find_actor(session, email), company.id, count)
        return {
            "orders": [
                {
                    "name": row.name,
                    "state": row.state.value,
                    "to": row.to_address,
                    "run": row.run_id,
                    "received_at": row.received_at.isoformat(timespec="seconds"),
                    "reason": explain(row.problem, row.params, english) if row.problem else "",
                }
                for row in rows
            ]
        }


@orders.command()
@click.option("--company", "company_code", required=True)
@click.option("--customer", default="", help="Code of a customer; without it, of all of them.")
@click.option("--from", "from_on", type=_DAY, help="First day of the documents' date.")
@click.option("--to", "to_on", type=_DAY, help="Last day.")
@click.option("--type", "types", multiple=True, help="Document types; without it, all.")
@click.option("--again", is_flag=True, help="Also for what was sent, or had an order, before.")
@click.option("--as", "email", help="With the rights of this user.")
@command()
def write(
    home: Installation,
    company_code: str,
    customer: str,
    from_on: datetime | None,
    to_on: datetime | None,
    types: Sequence[str],
    again: bool,
    email: str | None,
) -> Answer:
    """Write a send order for each document of a customer, or of a period."""
    if not (customer or from_on or to_on):
        raise Failure("name a customer or a period: without them every document of the company would be sent")
    with home.database.write() as session:
        company = find_company(session, company_code)
        check_types(company_types(session, company.id).ids, types)
        written = write_orders(
            *(home, session, find_actor(session, email), company),
            customer=customer,
            from_on=_day(from_on),
            to_on=_day(to_on),
            types=types,
            again=again,
        )
    return {
        "written": list(written.names),
        "hindered": [{"document": document, "obstacle": why} for document, why in written.hindered],
    }


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _answer(reports: Sequence[OrderReport]) -> dict[str, Any]:
    counted = {name: 0 for name in ("accepted", "repeated", "refused")}
    for one in reports:
        counted[one.verdict] += 1
    return {**counted, "files": [asdict(one) for one in reports]}


COMMANDS = {"orders": orders}
