"""Consents that a file brings, many at once: the common case (new consents) in a few statements.

A file that arrives every night says the same again and again. A day makes a word the same word; a word without a day
is only written down when nothing is known yet, so that no list gives back what somebody withdrew.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.consents.models import ConsentEvent, ConsentState
from crm_mail.contacts.consents.recording import Word, note_word
from crm_mail.contacts.consents.rules import (
    ConsentChannel,
    ConsentEntry,
    Decision,
    Source,
    Subject,
    moment_of,
)
from crm_mail.contacts.models import Contact, ContactAddress
from crm_mail.db import now
from crm_mail.many_rows import chunks, insert_many
from crm_mail.permissions import Actor

AT_ONCE = 5000
_Known = dict[tuple[int, Subject], ConsentState]


@dataclass(frozen=True, slots=True)
class NewWord:
    """A word that the ledger did not know, and what was known of its subject before."""

    entry: ConsentEntry
    before: Decision | None


def note_imported(
    session: Session, actor: Actor, company_id: int, said: Iterable[tuple[int, Sequence[ConsentEntry]]]
) -> Mapping[int, Sequence[NewWord]]:
    """Add the words of a file to the ledger; those that were new, by contact.

    Args:
        said: contact and what the file says of it; who calls has checked the right to manage contacts.
    """
    wanted = [(contact_id, entry) for contact_id, entries in said for entry in entries]
    new: dict[int, list[NewWord]] = defaultdict(list)
    if not wanted:
        return new
    ids = sorted({contact_id for contact_id, _entry in wanted})
    known, told = _read_states(session, ids), _read_told(session, ids)
    by_hand = _withdrawn_by_address(session, company_id, ids)
    plain: dict[tuple[int, Subject], ConsentEntry] = {}
    for contact_id, entry in wanted:
        state = known.get((contact_id, entry.subject))
        at = _moment(entry)
        if (contact_id, entry.subject, entry.decision, entry.on) in told or (
            contact_id,
            entry.subject,
        ) in plain:
            continue
        if at is None and state is not None and not _is_fresh_no(state, entry):
            continue
        new[contact_id].append(NewWord(entry, state.decision if state else None))
        if state is None and entry.decision is Decision.GIVEN and contact_id not in by_hand:
            plain[contact_id, entry.subject] = entry
        else:
            contact = session.get_one(Contact, contact_id)
            word = Word(*entry.subject, entry.decision, Source.IMPORT, at=at)
            note_word(session, actor, contact, word)
            known |= _read_states(session, [contact_id])
    _insert(session, actor, company_id, plain)
    return new


def _is_fresh_no(state: ConsentState, entry: ConsentEntry) -> bool:
    """A no without a day counts from today; a yes without a day says nothing new."""
    return entry.decision is Decision.WITHDRAWN and state.decision is Decision.GIVEN


def _moment(entry: ConsentEntry) -> datetime | None:
    return moment_of(entry.on, now()) if entry.on else None


def _read_states(session: Session, ids: Sequence[int]) -> _Known:
    found: _Known = {}
    for part in chunks(ids, AT_ONCE):
        query = select(ConsentState).where(ConsentState.contact_id.in_(part))
        for state in session.scalars(query):
            found[state.contact_id or 0, (state.purpose, state.channel)] = state
    return found


def _read_told(
    session: Session, ids: Sequence[int]
) -> set[tuple[int | None, Subject, Decision, date | None]]:
    """Words with a day that files brought before."""
    found: set[tuple[int | None, Subject, Decision, date | None]] = set()
    for part in chunks(ids, AT_ONCE):
        query = select(
            ConsentEvent.contact_id,
            ConsentEvent.purpose,
            ConsentEvent.channel,
            ConsentEvent.decision,
            ConsentEvent.at,
        ).where(ConsentEvent.contact_id.in_(part), ConsentEvent.source == Source.IMPORT)
        found |= {(row[0], (row[1], row[2]), row[3], row[4].date()) for row in session.execute(query)}
    return found


def _withdrawn_by_address(session: Session, company_id: int, ids: Sequence[int]) -> set[int]:
    """Contacts with an address that somebody said no for: a new consent lifts it there as well."""
    withdrawn = select(ConsentState.address).where(
        ConsentState.company_id == company_id,
        ConsentState.contact_id.is_(None),
        ConsentState.channel == ConsentChannel.EMAIL,
        ConsentState.decision == Decision.WITHDRAWN,
    )
    found: set[int] = set()
    for part in chunks(ids, AT_ONCE):
        query = select(ContactAddress.contact_id).where(
            ContactAddress.contact_id.in_(part), ContactAddress.email.in_(withdrawn)
        )
        found |= set(session.scalars(query))
    return found


def _insert(
    session: Session, actor: Actor, company_id: int, plain: dict[tuple[int, Subject], ConsentEntry]
) -> None:
    moment = now()
    states, events = [], []
    for (contact_id, (purpose, channel)), entry in plain.items():
        state = {
            "company_id": company_id,
            "contact_id": contact_id,
            "address": "",
            "purpose": purpose,
            "channel": channel,
            "decision": entry.decision,
            "at": _moment(entry) or moment,
        }
        states.append(state)
        how = {"source": Source.IMPORT, "user_id": actor.user_id, "actor_name": actor.name}
        blank = {"text_version": "", "proof": "", "proof_name": "", "proof_sha256": "", "ip": ""}
        events.append({**state, **how, **blank, "message_id": None, "recorded_at": moment})
    insert_many(session, ConsentState, states)
    insert_many(session, ConsentEvent, events)
