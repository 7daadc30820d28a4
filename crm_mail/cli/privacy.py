"""``crm-mail privacy``: hand over, erase or restrict the data of a contact; retention by hand."""

import os
from pathlib import Path

import click
from sqlalchemy.orm import Session

from crm_mail.cli.frame import Answer, Failure, command, find_actor
from crm_mail.companies.models import Company
from crm_mail.contacts.access import find_contact, find_party
from crm_mail.contacts.models import Contact
from crm_mail.installation import Installation
from crm_mail.permissions import Actor
from crm_mail.privacy.erasing import erase_contact, preview_erasure
from crm_mail.privacy.exporting import export_contact, export_party
from crm_mail.privacy.person_summary import PersonSummary
from crm_mail.privacy.restricting import lift_restriction, restrict_contact
from crm_mail.privacy.retention import retain
from crm_mail.web.forms import LANGUAGES


@click.group()
def privacy() -> None:
    """Requests of persons about their data, and retention."""


@privacy.command("export")
@click.option("--contact", type=int, help="Number of the contact (in the address of its card).")
@click.option("--party", type=int, help="Number of a party that is a person: all of it.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The ZIP to write."
)
@click.option(
    "--language", type=click.Choice(list(LANGUAGES)), help="Of the summary; default: the contact's."
)
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def export(
    home: Installation,
    contact: int | None,
    party: int | None,
    out: Path,
    language: str | None,
    email: str | None,
) -> Answer:
    """Write everything about a contact, or a party, as a ZIP."""
    if (contact is None) == (party is None):
        raise Failure("say about whom: exactly one of --contact and --party")
    partial = out.with_name(out.name + ".part")
    try:
        with home.database.write() as session, partial.open("wb") as file:
            actor = find_actor(session, email)
            if contact is not None:
                found = _contact(session, actor, contact)
                summary = PersonSummary(language or found.language or _language(session, found.company_id))
                done = export_contact(session, home.store, actor, found, file, summary)
            else:
                firm = find_party(session, actor, party or 0)
                if firm is None:
                    raise Failure(f"there is no party {party}")
                summary = PersonSummary(language or firm.language or _language(session, firm.company_id))
                done = export_party(session, home.store, actor, firm, file, summary)
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)
    return {
        "file": str(out),
        "about": done.label,
        "messages": done.messages,
        "evidence": done.evidence,
        "documents": done.documents,
        "tables": done.tables,
        "missing": done.missing,
        "problem": summary.problem,
    }


@privacy.command("erase")
@click.option("--contact", type=int, required=True)
@click.option("--reason", default="", help="Who asked, when and how.")
@click.option("--dry-run", is_flag=True, help="Say what would go and what would stay.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def erase(home: Installation, contact: int, reason: str, dry_run: bool, email: str | None) -> Answer:
    """Erase a contact; what law obliges to keep stays, with its reason and term."""
    if dry_run:
        with home.database.read() as session:
            actor = find_actor(session, email)
            return {
                "dry_run": True,
                **preview_erasure(session, actor, _contact(session, actor, contact)).as_json(),
            }
    with home.database.write() as session:
        actor = find_actor(session, email)
        done = erase_contact(session, actor, _contact(session, actor, contact), reason)
    done.remove_files(home.store)
    return {"dry_run": False, **done.as_json()}


@privacy.command("restrict")
@click.option("--contact", type=int, required=True)
@click.option("--reason", required=True, help="Who asked, when, on which ground (art. 18.1 GDPR).")
@click.option("--lift", is_flag=True, help="Lift the restriction.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def restrict(home: Installation, contact: int, reason: str, lift: bool, email: str | None) -> Answer:
    """Restrict the processing of a contact's data: they stay, nothing is sent."""
    with home.database.write() as session:
        actor = find_actor(session, email)
        found = _contact(session, actor, contact)
        called_back = 0
        if lift:
            lift_restriction(session, actor, found, reason)
        else:
            called_back = restrict_contact(session, actor, found, reason)
        return {"contact": contact, "state": found.state.value, "called_back": called_back}


@privacy.command("retain")
@click.option("--dry-run", is_flag=True, help="Count what is older than its term; remove nothing.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def retain_now(home: Installation, dry_run: bool, email: str | None) -> Answer:
    """Remove what is older than its term, as the worker does once a day."""
    with home.database.read() as session:
        actor = find_actor(session, email)
    steps = retain(home, actor, dry_run=dry_run)
    return {"dry_run": dry_run, "removed": sum(s.count for s in steps), "steps": [s.as_json() for s in steps]}


def _contact(session: Session, actor: Actor, contact_id: int) -> Contact:
    found = find_contact(session, actor, contact_id)
    if found is None:
        raise Failure(f"there is no contact {contact_id}")
    return found


def _language(session: Session, company_id: int) -> str:
    return session.get_one(Company, company_id).language


COMMANDS = {"privacy": privacy}
