"""``crm-mail contact``: what stands twice, and merging it."""

import click
from sqlalchemy import select

from crm_mail.cli.frame import SHELL, Answer, Failure, command, find_actor, find_company
from crm_mail.contacts.access import find_contact
from crm_mail.contacts.merging.duplicates import DuplicateKind, find_duplicates
from crm_mail.contacts.merging.service import merge_contacts, merge_parties
from crm_mail.contacts.models import Party
from crm_mail.installation import Installation

AS_USER = click.option("--as", "email", default=None, metavar="EMAIL", help="The user on whose behalf.")


@click.group()
def contact() -> None:
    """Contacts: what stands twice, and merging it."""


@contact.command("duplicates")
@click.option("--company", "company_code", required=True)
@click.option("--kind", type=click.Choice([kind.value for kind in DuplicateKind]), default="email")
@click.option("--after", default="", help="The cursor of an earlier page.")
@command()
def duplicates(home: Installation, company_code: str, kind: str, after: str) -> Answer:
    """Contacts of one party with the same e-mail or name; parties with the same VAT number or tax code."""
    with home.database.read() as session:
        company = find_company(session, company_code)
        page = find_duplicates(session, SHELL, company.id, DuplicateKind(kind), after)
        groups = [
            {
                "in_common": group.key,
                "contacts": [{"id": one.id, "name": one.name} for one in group.contacts],
                "parties": [{"code": one.code, "name": one.name} for one in group.parties],
            }
            for group in page.groups
        ]
    return {"duplicates": groups, "next": page.next_cursor}


@contact.command("merge")
@click.argument("keep", type=int)
@click.argument("other", type=int)
@AS_USER
@command()
def merge(home: Installation, keep: int, other: int, email: str | None) -> Answer:
    """Merge the contact OTHER into KEEP, with addresses, subscriptions, consents and messages. Not undone."""
    with home.database.write() as session:
        actor = find_actor(session, email)
        found = [find_contact(session, actor, id_) for id_ in (keep, other)]
        for id_, one in zip((keep, other), found, strict=True):
            if one is None:
                raise Failure(
                    f"there is no contact {id_} for {actor.name}: `crm-mail contact duplicates` names ids"
                )
        kept, gone = found
        assert kept is not None
        assert gone is not None
        merge_contacts(session, actor, kept, gone)
        return {"kept": kept.id, "name": kept.name, "merged": other}


@contact.command("merge-parties")
@click.argument("keep")
@click.argument("other")
@click.option("--company", "company_code", required=True)
@AS_USER
@command()
def merge_two_parties(
    home: Installation, keep: str, other: str, company_code: str, email: str | None
) -> Answer:
    """Merge the party with the code OTHER into KEEP, with its contacts, documents and messages. Not undone."""
    with home.database.write() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        found = {}
        for code in (keep, other):
            query = select(Party).where(Party.company_id == company.id, Party.code == code)
            party = session.scalar(query)
            if party is None:
                raise Failure(f"there is no party {code} in {company_code}: look at the list of contacts")
            found[code] = party
        merge_parties(session, actor, found[keep], found[other])
        return {"kept": keep, "name": found[keep].name, "merged": other}


COMMANDS = {"contact": contact}
