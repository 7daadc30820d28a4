"""What a run leaves out, and why (BX-1): documents and contacts, written by set-based statements."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import case, exists, func, insert, literal, null, select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.models import ConsentState
from crm_mail.contacts.consents.recording import may_receive
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Reason, Verdict
from crm_mail.contacts.finding.selection import contact_query
from crm_mail.contacts.models import Contact, ContactState, Party, Subscription
from crm_mail.documents.models import Document
from crm_mail.outbox.models import LeftOut, Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.due import due_documents, in_period, of_parties, sendable
from crm_mail.outbox.preparing.facts import DocumentFacts, Sent
from crm_mail.outbox.reasons import LeftOutReason
from crm_mail.outbox.sight import left_out_in_sight
from crm_mail.permissions import Sight

_COLUMNS = ["run_id", "reason", "party_id", "contact_id", "document_id", "privacy_level", "detail"]


def leave_out_disabled(session: Session, run: Run, criteria: Criteria, sight: Sight) -> None:
    """Documents of types that the company does not send; ``criteria`` names these types alone."""
    query = (
        select(
            literal(run.id),
            literal(LeftOutReason.TYPE_DISABLED.value),
            Document.party_id,
            null(),
            Document.id,
            Document.privacy_level,
            literal(""),
        )
        .join(Party, Party.id == Document.party_id)
        .where(*in_period(criteria), *of_parties(criteria, sight), *sendable(sight))
    )
    _insert(session, query)


def leave_out_documents(session: Session, run: Run, criteria: Criteria, sight: Sight) -> None:
    """Documents of the period that may not be sent: marked, voided, or of a blocked party."""
    reason = case(
        (Document.voided_at.is_not(None), LeftOutReason.VOIDED.value),
        (Document.is_mailable.is_(False), LeftOutReason.NOT_MAILABLE.value),
        (Party.is_blocked.is_(True), LeftOutReason.PARTY_BLOCKED.value),
    )
    detail = case((reason == LeftOutReason.NOT_MAILABLE.value, Document.not_mailable_reason), else_="")
    query = (
        select(
            literal(run.id),
            reason,
            Document.party_id,
            null(),
            Document.id,
            Document.privacy_level,
            detail,
        )
        .join(Party, Party.id == Document.party_id)
        .where(*in_period(criteria), *of_parties(criteria, sight), reason.is_not(None))
    )
    _insert(session, query)


def sent_row(run_id: int, party_id: int, document: DocumentFacts, known: Sent) -> dict[str, Any]:
    """A document that every recipient was already sent, that came back, or that is on its way in another run."""
    reason = LeftOutReason.ALREADY_SENT if known.at else LeftOutReason.ON_ITS_WAY
    if known.is_returned:
        reason = LeftOutReason.RETURNED
    detail = f"{known.at.date().isoformat() if known.at else ''} run {known.run_id}".strip()
    return _document_row(run_id, reason, party_id, document.id, detail=detail)


def unpackaged_row(run_id: int, party_id: int, document: DocumentFacts) -> dict[str, Any]:
    """A document of a type that its party's packaging does not cover (PM-7)."""
    return _document_row(run_id, LeftOutReason.NOT_PACKAGED, party_id, document.id)


def refused_row(run_id: int, party_id: int, document: DocumentFacts, verdict: Verdict) -> dict[str, Any]:
    """Advertising that none of its party's recipients agreed to."""
    return _document_row(run_id, REFUSALS[verdict.reason], party_id, document.id, document.privacy_level)


def _document_row(
    run_id: int, reason: LeftOutReason, party_id: int, document_id: int, level: int = 0, detail: str = ""
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "reason": reason.value,
        "party_id": party_id,
        "document_id": document_id,
        "privacy_level": level,
        "detail": detail,
    }


REFUSALS = {
    Reason.NOT_GIVEN: LeftOutReason.NO_CONSENT,
    Reason.WITHDRAWN: LeftOutReason.CONSENT_WITHDRAWN,
}


def leave_out_without_consent(
    session: Session, run: Run, criteria: Criteria, company: Company, asking: Collection[str], sight: Sight
) -> None:
    """Contacts that would receive advertising and may not, in two statements.

    Args:
        asking: the types of the run that are advertising.
    """
    of_type = replace(criteria, document_types=tuple(t for t in criteria.document_types if t in asking))
    due = due_documents(of_type, sight).subquery()
    parties = select(Document.party_id).where(Document.id.in_(select(due.c.id))).distinct()
    subscribed = exists().where(
        Subscription.contact_id == Contact.id, Subscription.document_type.in_(of_type.document_types)
    )
    withdrawn = exists().where(
        ConsentState.contact_id == Contact.id,
        ConsentState.purpose == Purpose.COMMERCIAL,
        ConsentState.channel == ConsentChannel.EMAIL,
        ConsentState.decision == Decision.WITHDRAWN,
    )
    allowed = may_receive(company, Purpose.COMMERCIAL, ConsentChannel.EMAIL)
    for reason, word in (
        (LeftOutReason.CONSENT_WITHDRAWN, withdrawn),
        (LeftOutReason.NO_CONSENT, ~withdrawn),
    ):
        query = (
            select(
                literal(run.id),
                literal(reason.value),
                Contact.party_id,
                Contact.id,
                null(),
                Contact.privacy_level,
                literal(""),
            )
            .join(Party, Party.id == Contact.party_id)
            .where(Contact.party_id.in_(parties), Contact.state == ContactState.ACTIVE, subscribed)
            .where(Party.billing_email == "", Party.packaging_emails == "", word, ~allowed)
        )
        _insert(session, query)


def leave_out_contacts(session: Session, run: Run, criteria: Criteria, sight: Sight) -> None:
    """Contacts of the parties at hand that receive nothing, each with its reason."""
    due = due_documents(criteria, sight).subquery()
    parties = select(Document.party_id).where(Document.id.in_(select(due.c.id))).distinct()
    subscribed = exists().where(
        Subscription.contact_id == Contact.id, Subscription.document_type.in_(criteria.document_types)
    )
    reasons = [
        (Contact.state == ContactState.SUGGESTED, LeftOutReason.CONTACT_SUGGESTED),
        (Contact.state == ContactState.INACTIVE, LeftOutReason.CONTACT_INACTIVE),
        (Contact.state == ContactState.RESTRICTED, LeftOutReason.CONTACT_RESTRICTED),
        (Contact.state != ContactState.ACTIVE, null()),
        (~subscribed, LeftOutReason.CONTACT_NOT_SUBSCRIBED),
        (Party.billing_email != "", LeftOutReason.BILLING_OVERRIDE),
        (Party.packaging_emails != "", LeftOutReason.PACKAGING_OVERRIDE),
    ]
    if criteria.parties.asks_contacts:
        wanted = contact_query(criteria.parties, sight)
        reasons.append((Contact.id.not_in(wanted), LeftOutReason.CONTACT_FILTERED))
    reason = case(
        *(
            (condition, literal(one.value) if isinstance(one, LeftOutReason) else one)
            for condition, one in reasons
        )
    )
    query = (
        select(
            literal(run.id),
            reason,
            Contact.party_id,
            Contact.id,
            null(),
            Contact.privacy_level,
            literal(""),
        )
        .join(Party, Party.id == Contact.party_id)
        .where(Contact.party_id.in_(parties), reason.is_not(None))
    )
    _insert(session, query)


def _insert(session: Session, query: Any) -> None:
    session.connection().execute(insert(LeftOut).from_select(_COLUMNS, query, include_defaults=False))


def count_left_out(session: Session, run_id: int, sight: Sight) -> dict[str, int]:
    """How many were left out for each reason, as far as this clearance may know."""
    query = (
        select(LeftOut.reason, func.count())
        .where(LeftOut.run_id == run_id, left_out_in_sight(sight))
        .group_by(LeftOut.reason)
    )
    return {reason: count for reason, count in session.execute(query)}
