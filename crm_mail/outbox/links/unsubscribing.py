"""What the holder of an unsubscribe link may do: say no, or choose what to receive. Services never commit.

Whoever holds the link reads the mailbox that the message went to, so a word counts for the contact and for every card
of the company with that address. It holds at once: what waits in prepared and running runs is taken out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.models import ConsentEvent
from crm_mail.contacts.consents.recording import (
    Word,
    contacts_with_address,
    note_address_word,
    note_word,
    own_address_states,
    verdicts,
)
from crm_mail.contacts.consents.rules import (
    SUBJECTS,
    ConsentChannel,
    Decision,
    Purpose,
    Reason,
    Source,
    Subject,
    Verdict,
    decide,
    soft_opt_in,
)
from crm_mail.contacts.models import Contact, Party
from crm_mail.db import now
from crm_mail.delivery.sms.numbers import is_number
from crm_mail.outbox.consent_gate import may_not_go
from crm_mail.outbox.links.unsubscribe_links import UnsubscribeToken
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.reviewing.review import write_events
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import INSTALLATION, Actor

PAGE_VERSION = "preferences-1"
"""Of the words on the preference page: change it with them."""
MOST_WORDS = 20
WORDS_WITHIN = timedelta(hours=1)
"""So many words by one link in so much time, and no more: nobody changes their mind that often."""


class TooManyWords(Exception):
    """The link was used too often in a short time."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """Whose link it is, and what may be chosen. ``contact`` None: an address of the party itself."""

    token: UnsubscribeToken
    company: Company
    contact: Contact | None
    party: Party
    address: str
    language: str
    chosen: Mapping[Subject, Verdict]

    @property
    def purpose(self) -> Purpose:
        """What the message was for."""
        return self.token.purpose

    @property
    def channel(self) -> ConsentChannel:
        """By which way the message came."""
        return ConsentChannel.SMS if is_number(self.address) else ConsentChannel.EMAIL


def open_preferences(session: Session, token: UnsubscribeToken) -> Preferences | None:
    """What a genuine token opens; None when neither its message nor its contact is there any more."""
    message = session.get(Message, token.message_id)
    contact = session.get(Contact, token.contact_id) if token.contact_id else None
    if message is None and contact is None:
        return None
    if message is not None and (message.contact_id or None) != token.contact_id and contact is None:
        return None
    party_id = contact.party_id if contact else (message.party_id if message else 0)
    party = session.get_one(Party, party_id)
    company = session.get_one(Company, party.company_id)
    address, language = _written_to(message, contact)
    language = language or party.language or company.language
    chosen = verdicts(session, contact) if contact else _of_address(session, company, party, address)
    return Preferences(token, company, contact, party, address, language, chosen)


def _written_to(message: Message | None, contact: Contact | None) -> tuple[str, str]:
    """Address and language of the message; of the contact, when the message is no longer kept."""
    if message is not None:
        return message.to_address, message.language
    if contact is None:
        return "", ""
    return next((one.email for one in contact.addresses), ""), contact.language


def _of_address(session: Session, company: Company, party: Party, address: str) -> dict[Subject, Verdict]:
    states = own_address_states(session, company.id, address)
    soft = soft_opt_in(company.country, company.soft_opt_in)
    return {
        (purpose, channel): decide(
            purpose,
            channel,
            None,
            of_address=state.decision if (state := states.get((purpose, channel))) else None,
            soft=soft,
            is_customer=party.is_customer,
        )
        for purpose, channel in SUBJECTS
        if channel is ConsentChannel.EMAIL
    }


def unsubscribe(session: Session, opened: Preferences, source: Source, ip: str) -> bool:
    """Say no to what the message was for, by the way it came; whether that is new. A second no changes nothing.

    Raises:
        TooManyWords
    """
    return _withdraw(session, opened, [(opened.purpose, opened.channel)], source, ip)


def withdraw_everything(session: Session, opened: Preferences, ip: str) -> bool:
    """Nothing at all any more, for every purpose and channel; what is owed by contract still arrives.

    Raises:
        TooManyWords
    """
    return _withdraw(session, opened, list(opened.chosen), Source.LINK, ip)


def save_choices(session: Session, opened: Preferences, wanted: Collection[Subject], ip: str) -> bool:
    """Keep what was ticked on the page; whether anything changed.

    Raises:
        TooManyWords
    """
    given = [s for s, verdict in opened.chosen.items() if s in wanted and not verdict.is_allowed]
    gone = [s for s, verdict in opened.chosen.items() if s not in wanted and verdict.is_allowed]
    if given:
        _check_often(session, opened)
    for purpose, channel in given:
        word = Word(purpose, channel, Decision.GIVEN, Source.LINK, text_version=PAGE_VERSION, ip=ip)
        _say(session, opened, [opened.contact] if opened.contact else [], word)
    return _withdraw(session, opened, gone, Source.LINK, ip) or bool(given)


def _withdraw(
    session: Session, opened: Preferences, subjects: Sequence[Subject], source: Source, ip: str
) -> bool:
    fresh = [s for s in subjects if opened.chosen[s].reason is not Reason.WITHDRAWN]
    if not fresh:
        return False
    _check_often(session, opened)
    contacts = list(contacts_with_address(session, opened.company.id, opened.address))
    if opened.contact is not None and opened.contact not in contacts:
        contacts.append(opened.contact)
    for purpose, channel in fresh:
        version = PAGE_VERSION if source is Source.LINK else ""
        word = Word(purpose, channel, Decision.WITHDRAWN, source, text_version=version, ip=ip)
        _say(session, opened, contacts, word)
    parties = {opened.party.id, *(contact.party_id for contact in contacts)}
    drop_unsubscribed(session, INSTALLATION, parties)
    return True


def _say(session: Session, opened: Preferences, contacts: Sequence[Contact], word: Word) -> None:
    word = replace(word, message_id=opened.token.message_id)
    for contact in contacts:
        note_word(session, INSTALLATION, contact, word)
    if word.channel is ConsentChannel.EMAIL and opened.address:
        states = own_address_states(session, opened.company.id, opened.address)
        known = states.get((word.purpose, word.channel))
        if known is None or known.decision is not word.decision:
            note_address_word(session, INSTALLATION, opened.company.id, opened.address, word)


def _check_often(session: Session, opened: Preferences) -> None:
    query = select(func.count()).where(
        ConsentEvent.message_id == opened.token.message_id,
        ConsentEvent.recorded_at > now() - WORDS_WITHIN,
        ConsentEvent.contact_id == opened.contact.id
        if opened.contact
        else ConsentEvent.company_id == opened.company.id,
    )
    if (session.scalar(query) or 0) >= MOST_WORDS:
        raise TooManyWords


_STOPPED = {
    MessageState.PENDING: MessageState.WITHHELD,
    MessageState.COMMITTED: MessageState.CANCELLED,
    MessageState.RETRYING: MessageState.CANCELLED,
}


def drop_unsubscribed(session: Session, actor: Actor, party_ids: Collection[int]) -> int:
    """Take out what nobody of these parties agrees to any more and has not left yet, visibly; how many messages.

    What a worker holds at this moment is stopped by the sender itself, right before it would leave.
    """
    session.flush()
    dropped = 0
    for before, after in _STOPPED.items():
        rows = [Message.party_id.in_(sorted(party_ids)), Message.state == before, may_not_go()]
        ids = list(session.scalars(select(Message.id).where(*rows)))
        if ids:
            _stop(session, actor, ids, before, after)
            dropped += len(ids)
    return dropped


def _stop(
    session: Session, actor: Actor, ids: Sequence[int], before: MessageState, after: MessageState
) -> None:
    mine: ColumnElement[bool] = Message.id.in_(ids)
    session.connection().execute(
        update(Message)
        .where(mine, Message.state == before)
        .values(
            state=after,
            withheld_reason=WithheldReason.CONSENT_MEANWHILE.value,
            next_attempt_at=None,
            revision=Message.revision + 1,
        )
    )
    runs = select(Message.run_id).where(mine)
    session.connection().execute(update(Run).where(Run.id.in_(runs)).values(changes=Run.changes + 1))
    write_events(session, [mine, Message.state == after], "unsubscribed", actor, {})
    session.expire_all()
