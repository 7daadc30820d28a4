"""Whether addresses are PEC, for messages: what the ladder knows, and what a person answers (IT-18, issue section 4).

An address of which neither its card nor the ladder knows the kind is *undetermined*: its message carries a warning with
the reason, and nothing commits before somebody has answered, address by address, domain by domain, or for this
once. A company may decide to treat such addresses as ordinary mail.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery.domains.pec_ladder import Verdict, judge_addresses
from crm_mail.delivery.routing import AddressKind, AddressOption, Evidence
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.recipients import ContactFacts, PartyFacts
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Sight

COMPANY_RULE = "company_rule"
"""The reason of an address that is ordinary because the company treats undetermined ones so."""


def evidence_of(verdict: Verdict) -> Evidence:
    """A verdict of the ladder as it stands among the reasons of a message."""
    since = verdict.decided_at.date().isoformat() if verdict.decided_at else ""
    return Evidence(verdict.reason.value, verdict.detail[:200], since, verdict.looks_like_pec)


def judge_kinds(session: Session, company_id: int, emails: Iterable[str]) -> dict[str, AddressOption]:
    """What is known of addresses whose cards say nothing; asks no name server."""
    verdicts = judge_addresses(session, emails, now())
    is_lenient = session.scalar(select(Company.unknown_is_ordinary).where(Company.id == company_id))
    found = {}
    told: dict[Verdict, Evidence] = {}  # thousands of addresses share a few verdicts
    for email, verdict in verdicts.items():
        kind, evidence = verdict.kind, told.get(verdict) or told.setdefault(verdict, evidence_of(verdict))
        if is_lenient and kind is AddressKind.UNKNOWN:
            kind, evidence = AddressKind.ORDINARY, Evidence(COMPANY_RULE)
        found[email] = AddressOption(email, kind, evidence=evidence)
    return found


def undetermined(run: Run, sight: Sight) -> list[ColumnElement[bool]]:
    """The messages that would leave to an address of which nobody knows the kind."""
    return [
        Message.run_id == run.id,
        Message.state == MessageState.PENDING,
        Message.blockers == 0,
        Message.to_kind == AddressKind.UNKNOWN,
        messages_in_sight(sight),
    ]


def count_undetermined(session: Session, run: Run, sight: Sight) -> int:
    """How many messages wait for the answer whether their address is PEC."""
    company = session.get_one(Company, run.company_id)
    if company.unknown_is_ordinary:
        return 0
    query = select(func.count()).select_from(Message).where(*undetermined(run, sight))
    return session.scalar(query) or 0


def judge_parties(
    session: Session,
    company_id: int,
    parties: dict[int, PartyFacts],
    contacts: Mapping[int, list[ContactFacts]],
) -> None:
    """Put what the ladder knows beside every address of these parties and contacts whose card does not say it."""
    unknown = {
        option.email
        for people in contacts.values()
        for contact in people
        for option in contact.addresses
        if option.kind is AddressKind.UNKNOWN
    }
    for party in parties.values():
        unknown.update(_own_unknown(party))
    if not unknown:
        return
    judged = judge_kinds(session, company_id, unknown)
    for id_, party in parties.items():
        if own := _own_unknown(party):
            parties[id_] = party._replace(judged={email: judged[email] for email in own})
    for people in contacts.values():
        people[:] = [_with_judged(contact, judged) for contact in people]


def _own_unknown(party: PartyFacts) -> list[str]:
    """The party's own addresses of which its card does not say the kind."""
    found = list(party.packaging_emails)
    if party.email and party.email_kind is AddressKind.UNKNOWN:
        found.append(party.email)
    if party.billing_email and party.billing_email_kind is AddressKind.UNKNOWN:
        found.append(party.billing_email)
    return found


def _with_judged(contact: ContactFacts, judged: Mapping[str, AddressOption]) -> ContactFacts:
    if all(option.kind is not AddressKind.UNKNOWN for option in contact.addresses):
        return contact
    options = (judged[one.email] if one.kind is AddressKind.UNKNOWN else one for one in contact.addresses)
    return contact._replace(addresses=tuple(options))
