"""Answers that recipients sent to our texts: STOP is obeyed at once, everything else stands in the history.

STOP withdraws the consents by SMS and puts the number on the suppression list, so that nothing at all goes there any
more, also what is owed by contract; a person can lift it. START changes nothing by itself: it is only recorded.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.recording import (
    Word,
    contact_states,
    note_address_word,
    note_word,
    own_address_states,
)
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.contacts.models import Contact, ContactState
from crm_mail.delivery import suppression
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.numbers import NumberInvalid, mobile_of, normalise_number
from crm_mail.outbox.links.unsubscribing import drop_unsubscribed
from crm_mail.outbox.models import Message, MessageEvent
from crm_mail.permissions import INSTALLATION

STOP = frozenset(
    {"stop", "stopall", "basta", "alto", "baja", "cancel", "cancella", "cancelar", "annulla"}
    | {"disiscrivi", "unsubscribe", "end", "quit"}
)
START = frozenset({"start", "unstop", "inizia", "alta"})
MOST_WORDS = 3
"""A longer answer that begins with such a word is a sentence, which a person reads."""
_PURPOSES = (Purpose.COMMERCIAL, Purpose.GREETINGS)
_NOT_DIGITS = (" ", "-", ".", "/", "(", ")")


class Asked(StrEnum):
    """What an answer asks for."""

    STOP = "stop"
    START = "start"
    NOTHING = "nothing"


def read_answer(text: str) -> Asked:
    """What an answer asks for. Pure."""
    words = re.findall(r"\w+", text.casefold())
    if not words or len(words) > MOST_WORDS:
        return Asked.NOTHING
    if words[0] in STOP:
        return Asked.STOP
    return Asked.START if words[0] in START else Asked.NOTHING


def take_answer(session: Session, account: SenderAccount, sender: str, text: str) -> Asked | None:
    """Take one answer in; None when its sender is no number."""
    company = session.get_one(Company, account.company_id)
    given = sender.strip()
    if given.isdigit() and not given.startswith("0"):
        given = f"+{given}"  # gateways leave the sign away
    try:
        number = normalise_number(given, company.country)
    except NumberInvalid:
        return None
    asked = read_answer(text)
    people = contacts_with_number(session, company, number)
    if asked is Asked.STOP:
        _obey_stop(session, company, number, people)
    message = _last_message(session, account, number, people)
    if message is not None:
        session.add(MessageEvent(message_id=message.id, kind="came_sms", detail={"detail": text[:200]}))
    session.flush()
    return asked


def contacts_with_number(session: Session, company: Company, number: str) -> list[Contact]:
    """Every contact of a company with this mobile number, however its card writes it, whoever may see it."""
    ending = number[-7:]
    query = select(Contact).where(
        Contact.company_id == company.id,
        Contact.state != ContactState.ERASED,
        or_(_digits(Contact.mobile).endswith(ending), _digits(Contact.phone).endswith(ending)),
    )
    return [
        contact
        for contact in session.scalars(query.order_by(Contact.id))
        if number in _numbers_of(contact, company)
    ]


def _numbers_of(contact: Contact, company: Company) -> set[str]:
    region = contact.party.country or company.country
    return {mobile_of((written,), region)[0] for written in (contact.mobile, contact.phone)}


def _digits(column: InstrumentedAttribute[str]) -> ColumnElement[str]:
    found: ColumnElement[str] = func.coalesce(column, "")
    for sign in _NOT_DIGITS:
        found = func.replace(found, sign, "")
    return found


def _obey_stop(session: Session, company: Company, number: str, people: Sequence[Contact]) -> None:
    for purpose in _PURPOSES:
        word = Word(purpose, ConsentChannel.SMS, Decision.WITHDRAWN, Source.REPLY, proof="STOP")
        subject = (purpose, ConsentChannel.SMS)
        for contact in people:
            known = contact_states(session, contact.id).get(subject)
            if known is None or known.decision is not Decision.WITHDRAWN:
                note_word(session, INSTALLATION, contact, word)
        said = own_address_states(session, company.id, number).get(subject)
        if said is None or said.decision is not Decision.WITHDRAWN:
            note_address_word(session, INSTALLATION, company.id, number, word)
    level = max((contact.privacy_level for contact in people), default=0)
    suppression.suppress_for_reader(session, company.id, number, "STOP (SMS)", level)
    drop_unsubscribed(session, INSTALLATION, {contact.party_id for contact in people})


def _last_message(
    session: Session, account: SenderAccount, number: str, people: Sequence[Contact]
) -> Message | None:
    query = select(Message).where(
        Message.contact_id.in_([contact.id for contact in people]),
        Message.account_id == account.id,
        Message.channel == Channel.SMS,
        Message.to_address == number,
        Message.sent_at.is_not(None),
    )
    return session.scalar(query.order_by(Message.id.desc()).limit(1))
