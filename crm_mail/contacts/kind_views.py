"""On a party's card: whether each address is PEC, why and since when, and the button that looks again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from crm_mail.contacts.access import find_party, list_contacts
from crm_mail.contacts.blueprint import blueprint
from crm_mail.contacts.models import Contact, Party
from crm_mail.db import now
from crm_mail.delivery.addresses import domain_of
from crm_mail.delivery.domains.kind_words import describe_look, describe_reason
from crm_mail.delivery.domains.mx_check import check_domains
from crm_mail.delivery.domains.pec_domains import Reason
from crm_mail.delivery.domains.pec_ladder import Verdict, judge_addresses
from crm_mail.delivery.domains.resolver import shared_resolver
from crm_mail.delivery.routing import AddressKind
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm

SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class KindNote:
    """What the card says of one address. ``differs``: a receipt or a registry says otherwise than the card."""

    kind: AddressKind
    words: str
    since: datetime | None = None
    differs: str = ""


def kind_notes(session: Session, party: Party, contacts: Iterable[Contact]) -> dict[str, KindNote]:
    """What is known of every address of a party and of its contacts."""
    given = {one.email: one.kind for contact in contacts for one in contact.addresses}
    for email, kind in ((party.email, party.email_kind), (party.billing_email, party.billing_email_kind)):
        if email:
            given[email] = kind
    verdicts = judge_addresses(session, given, now())
    return {email: _note(kind, verdicts[email]) for email, kind in given.items()}


def _note(kind: AddressKind, verdict: Verdict) -> KindNote:
    words = describe_reason(verdict.reason, verdict.detail, _)
    if kind is AddressKind.UNKNOWN:
        if not verdict.is_settled and (look := describe_look(verdict.looks_like_pec, _)):
            words = f"{words} {look}"
        return KindNote(verdict.kind, words, verdict.decided_at)
    is_strong = verdict.reason in (Reason.RECEIPT, Reason.REGISTRY)
    differs = words if is_strong and verdict.is_settled and verdict.kind is not kind else ""
    return KindNote(kind, str(_("The card says so.")), None, differs)


@blueprint.post("/<int:party_id>/check-kinds")
@requires(Permission.CONTACTS_SEE)
def check_kinds(party_id: int) -> Any:
    """Look the domains of the party's addresses up now. No transaction waits for the servers."""
    if not ActionForm().validate_on_submit():
        abort(400)
    actor, home = signed_in_actor(), installation()
    party = find_party(db(), actor, party_id) or abort(404)
    emails = [one.email for contact in list_contacts(db(), actor, party_id) for one in contact.addresses]
    emails += [party.email, party.billing_email]
    db().rollback()
    resolver = shared_resolver(home.settings.dns_servers)
    resolver.forget()
    done = check_domains(
        home.database, resolver, [domain_of(one) for one in emails if one], fresh=True, seconds=SECONDS
    )
    if done.is_offline:
        flash(
            _("This computer does not reach the internet's name servers. Nothing was looked up."), "warning"
        )
    elif done.could_not_check:
        flash(_("Some domains could not be looked up. Try again later."), "warning")
    else:
        flash(_("The addresses were checked."), "success")
    return redirect(url_for("contacts.show_party", party_id=party_id), 303)
