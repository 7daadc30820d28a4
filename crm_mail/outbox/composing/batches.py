"""A batch of composed messages becomes drafts: who they reach, by which way, and who is left out with the reason."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.rules import OWED
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party, Subscription
from crm_mail.db import today
from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.models import AccountKind
from crm_mail.delivery.routing import AddressOption, Channel, ChannelPreference
from crm_mail.delivery.service import accounts_for
from crm_mail.documents.html_text import html_to_text, sanitise_html
from crm_mail.documents.models import Document
from crm_mail.many_rows import chunks, insert_many
from crm_mail.outbox.composing.parts import Composed, Composition
from crm_mail.outbox.composing.pressure import ADVERTISING, PressureCap, pressure_of, worn_out
from crm_mail.outbox.composing.text_drafts import draft_text, phone_of, text_issues, text_parts
from crm_mail.outbox.consent_gate import ConsentBook, consent_channel, read_consents
from crm_mail.outbox.models import LeftOut, Message, Run
from crm_mail.outbox.preparing.assembly import route_recipient
from crm_mail.outbox.preparing.drafts import ComposedParts, Draft
from crm_mail.outbox.preparing.facts import DocumentFacts, Rules
from crm_mail.outbox.preparing.filling import SUBJECT_LENGTH
from crm_mail.outbox.preparing.gathering import (
    DOCUMENT_COLUMNS,
    PartyBatch,
    document_facts,
    read_addresses,
    read_parties,
    role_names,
)
from crm_mail.outbox.preparing.kinds import judge_kinds, judge_parties
from crm_mail.outbox.preparing.leaving_out import REFUSALS
from crm_mail.outbox.preparing.recipients import ContactFacts, PartyFacts, Recipient
from crm_mail.outbox.reasons import LeftOutReason, Rule
from crm_mail.permissions import Actor
from crm_mail.refusals import Refusal

_STATES = {
    ContactState.SUGGESTED: LeftOutReason.CONTACT_SUGGESTED,
    ContactState.INACTIVE: LeftOutReason.CONTACT_INACTIVE,
    ContactState.RESTRICTED: LeftOutReason.CONTACT_RESTRICTED,
}


class ComposedWrong(Refusal):
    """A message was composed that may not exist; the sentence names what is wrong with it."""


@dataclass(slots=True)
class _Batch:
    """What judging a batch needs, read in a few statements."""

    known: PartyBatch = field(default_factory=PartyBatch)
    contacts: dict[int, ContactFacts] = field(default_factory=dict)
    party_of: dict[int, int] = field(default_factory=dict)
    states: dict[int, ContactState] = field(default_factory=dict)
    phones: dict[int, tuple[str, str]] = field(default_factory=dict)  # contact → mobile, phone
    blocked: set[int] = field(default_factory=set)
    documents: dict[int, tuple[int, DocumentFacts]] = field(default_factory=dict)
    given: dict[str, AddressOption] = field(default_factory=dict)
    consents: ConsentBook = field(default_factory=ConsentBook)
    worn_out: set[int] = field(default_factory=set)  # contacts; parties as negative ids


@dataclass(slots=True)
class Composing:
    """Judges the messages of one run, batch by batch."""

    session: Session
    actor: Actor
    run: Run
    company: Company
    composition: Composition
    rules: Rules
    hidden: set[int] = field(default_factory=set)
    _variants: dict[tuple[ChannelPreference | None, int | None], Rules] = field(default_factory=dict)
    _stubs: dict[int, DocumentFacts] = field(default_factory=dict)
    _written_to: set[str] = field(default_factory=set)
    _left: list[dict[str, Any]] = field(default_factory=list)

    @property
    def purpose(self) -> str:
        """What the recipient is asked for; empty: the messages are owed by contract."""
        if self.composition.is_owed:
            return ""
        return self.composition.purpose or self.rules.policies[self.composition.document_type].purpose

    @property
    def is_once(self) -> bool:
        """Whether an address receives one message of the run."""
        wish = self.composition.once_per_address
        return bool(self.purpose) if wish is None else wish

    def judge(self, messages: Sequence[Composed]) -> list[Draft]:
        """The drafts of a batch; who receives nothing is left out with the reason, or counted where hidden."""
        batch = self._read(messages)
        drafts = [draft for one in messages if (draft := self._draft(one, batch)) is not None]
        insert_many(self.session, LeftOut, self._left)
        self._left = []
        return drafts

    # Reading

    def _read(self, messages: Sequence[Composed]) -> _Batch:
        batch = _Batch()
        self._read_contacts(batch, [one.contact_id for one in messages if one.contact_id is not None])
        asked = {one.party_id for one in messages if one.contact_id is None and one.party_id is not None}
        ids = sorted(asked | set(batch.party_of.values()))
        found = (
            self.session.connection()
            .execute(
                select(Party.id, Party.is_blocked).where(
                    Party.id.in_(ids), Party.company_id == self.run.company_id
                )
            )
            .all()
        )
        batch.blocked = {id_ for id_, is_blocked in found if is_blocked}
        read_parties(self.session, batch.known, [id_ for id_, _ in found])
        by_party: dict[int, list[ContactFacts]] = defaultdict(list)
        for id_, contact in batch.contacts.items():
            by_party[batch.party_of[id_]].append(contact)
        judge_parties(self.session, self.run.company_id, batch.known.parties, by_party)
        batch.known.contacts = by_party
        batch.contacts = {contact.id: contact for people in by_party.values() for contact in people}
        given = {one.address for one in messages if one.address}
        if given:
            batch.given = judge_kinds(self.session, self.run.company_id, given)
        self._read_documents(batch, sorted({id_ for one in messages for id_ in one.document_ids}))
        if self.purpose:
            batch.consents = read_consents(self.session, self.company, batch.known, {self.purpose}, given)
        cap: PressureCap | None = pressure_of(self.company) if self.purpose == ADVERTISING else None
        if cap is not None:
            people = [contact.id for contact in batch.contacts.values()]
            batch.worn_out = worn_out(self.session, cap, people, sorted(asked))
        return batch

    def _read_contacts(self, batch: _Batch, ids: list[int]) -> None:
        if not ids:
            return
        rows = (
            self.session.connection()
            .execute(
                select(
                    Contact.id,
                    Contact.party_id,
                    Contact.name,
                    Contact.language,
                    Contact.privacy_level,
                    Contact.state,
                    Contact.mobile,
                    Contact.phone,
                ).where(Contact.id.in_(ids), Contact.company_id == self.run.company_id)
            )
            .all()
        )
        addresses, roles = read_addresses(self.session, ids), role_names(self.session, ids)
        types = self._subscriptions(ids)
        for id_, party_id, name, language, level, state, mobile, phone in rows:
            batch.party_of[id_], batch.states[id_] = party_id, state
            batch.phones[id_] = mobile, phone
            batch.contacts[id_] = ContactFacts(
                id_, name, roles.get(id_, ""), language, level, addresses.get(id_, ()), types.get(id_, {})
            )

    def _subscriptions(self, ids: list[int]) -> dict[int, dict[str, tuple[str, str]]]:
        if not self.composition.only_subscribed:
            return {}
        type_ = self.composition.document_type
        query = (
            select(Subscription.contact_id, Subscription.recipient_kind, ContactAddress.email)
            .outerjoin(ContactAddress, ContactAddress.id == Subscription.address_id)
            .where(Subscription.contact_id.in_(ids), Subscription.document_type == type_)
        )
        return {
            id_: {type_: (kind.value, email or "")}
            for id_, kind, email in self.session.connection().execute(query)
        }

    def _read_documents(self, batch: _Batch, ids: list[int]) -> None:
        for part in chunks(ids):
            query = select(*DOCUMENT_COLUMNS).where(
                Document.id.in_(part), Document.company_id == self.run.company_id
            )
            for row in self.session.connection().execute(query):
                facts = document_facts(row, ())._replace(problem=None)
                batch.documents[facts.id] = (row.party_id, facts)

    # Judging

    def remember_written(self, run_id: int) -> None:
        """The run that this one completes wrote to its addresses already."""
        query = select(Message.to_address).where(Message.run_id == run_id, Message.to_address != "")
        self._written_to.update(address_key(address) for address in self.session.scalars(query))

    def _is_left(self, party: PartyFacts, level: int, mark: int) -> bool:
        """Whether somebody else writes to a recipient: a colleague who sees more, or the run that is completed."""
        agent, zone = party.fields["agent"], party.fields["zone"]
        sight, beyond = self.actor.sight, self.composition.beyond
        if level > sight.clearance or not sight.covers(agent, zone):
            self.hidden.add(mark)
            return True
        return beyond is not None and level <= beyond.clearance and beyond.covers(agent, zone)

    def _draft(self, one: Composed, batch: _Batch) -> Draft | None:
        if one.contact_id is not None:
            contact = batch.contacts.get(one.contact_id)
            if contact is None:  # erased since it was chosen
                return None
            party = batch.known.parties[batch.party_of[contact.id]]
            if self._is_left(party, max(contact.privacy_level, one.privacy_level), contact.id):
                return None
            recipient = self._to_contact(one, contact, batch)
        else:
            found = batch.known.parties.get(one.party_id or 0)
            if found is None:
                raise ComposedWrong(f"message {one.subject[:60]!r} names neither a contact nor a party")
            party, contact = found, None
            if self._is_left(party, one.privacy_level, -party.id):
                return None
            recipient = _to_party(one, party, batch)
        level = max(contact.privacy_level if contact else 0, one.privacy_level)
        reason = self._standing(party, contact, batch)
        if reason is not None:
            self._leave_out(reason, party, contact, level)
            return None
        draft = self._route(one, party, recipient, batch)
        reason = LeftOutReason.NO_MOBILE if draft is None else self._refusal(draft, batch)
        if draft is None or reason is not None:
            assert reason is not None
            self._leave_out(reason, party, contact, level)
            return None
        if self.is_once and draft.to_address:
            self._written_to.add(address_key(draft.to_address))
        return draft

    def _to_contact(self, one: Composed, contact: ContactFacts, batch: _Batch) -> Recipient:
        if one.address:
            option = next((o for o in contact.addresses if o.email == one.address), batch.given[one.address])
            return Recipient(Rule.GIVEN_ADDRESS, contact, (option,), is_address_chosen=True)
        if self.composition.only_subscribed:
            _kind, chosen = contact.subscriptions.get(self.composition.document_type, ("", ""))
            named = tuple(option for option in contact.addresses if option.email == chosen)
            options = named or contact.addresses
            return Recipient(Rule.SUBSCRIPTION, contact, options, is_address_chosen=bool(named))
        return Recipient(Rule.CHOSEN_CONTACT, contact, contact.addresses)

    def _standing(
        self, party: PartyFacts, contact: ContactFacts | None, batch: _Batch
    ) -> LeftOutReason | None:
        """Why a recipient may receive nothing at all."""
        if party.id in batch.blocked:
            return LeftOutReason.PARTY_BLOCKED
        if contact is None:
            return None
        if (state := _STATES.get(batch.states[contact.id])) is not None:
            return state
        if self.composition.only_subscribed and not contact.subscriptions:
            return LeftOutReason.CONTACT_NOT_SUBSCRIBED
        return None

    def _refusal(self, draft: Draft, batch: _Batch) -> LeftOutReason | None:
        """Why a recipient may not receive this message."""
        contact = draft.recipient.contact
        contact_id = contact.id if contact else None
        purpose = self.purpose
        verdict = (
            batch.consents.ask(
                purpose, draft.party.id, contact_id, draft.to_address, consent_channel(draft.channel)
            )
            if purpose
            else OWED
        )
        if not verdict.is_allowed:
            return REFUSALS[verdict.reason]
        draft.consent = verdict
        if self.is_once and draft.to_address and address_key(draft.to_address) in self._written_to:
            return LeftOutReason.DUPLICATE
        if (contact_id if contact_id is not None else -draft.party.id) in batch.worn_out:
            return LeftOutReason.PRESSURE_CAP
        return None

    def _route(self, one: Composed, party: PartyFacts, recipient: Recipient, batch: _Batch) -> Draft | None:
        """The draft with what it says; None: a text, and there is no number to send it to."""
        if one.channel is Channel.SMS:
            return self._text(one, party, recipient, batch)
        rules = self._rules(one)
        draft = route_recipient(party, recipient, self._stub(one.privacy_level), rules)
        draft.documents = []
        for id_ in one.document_ids:
            owner, facts = batch.documents.get(id_, (0, None))
            if facts is None or owner != party.id:
                raise ComposedWrong(f"document {id_} is not one of party {party.code}: it cannot go there")
            draft.documents.append(facts)
            draft.privacy_level = max(draft.privacy_level, facts.privacy_level)
        if any(f.document_id is not None and f.document_id not in one.document_ids for f in one.files):
            raise ComposedWrong(
                f"a file of a document that the message to party {party.code} does not name: it cannot go there"
            )
        if one.language in rules.languages:
            draft.language = one.language
        draft.issues += one.problems
        draft.composed = self._parts(one)
        return draft

    def _text(self, one: Composed, party: PartyFacts, recipient: Recipient, batch: _Batch) -> Draft | None:
        contact, rules = recipient.contact, self._rules(one)
        mobile, other = batch.phones[contact.id] if contact else ("", "")
        phone = phone_of(mobile, other, party.fields["country"], self.company.country)
        if phone is None:
            return None
        draft = draft_text(party, recipient, phone, self._stub(one.privacy_level), rules)
        if one.language in rules.languages:
            draft.language = one.language
        draft.composed = text_parts(self._parts(one), phone.written)
        draft.issues += [*one.problems, *text_issues(draft.composed.body_text)]
        return draft

    def _parts(self, one: Composed) -> ComposedParts:
        html = one.body_html
        if html and self.composition.cleans_html:
            html = sanitise_html(html)
        return ComposedParts(
            " ".join(one.subject.split())[:SUBJECT_LENGTH],
            one.body_text or (html_to_text(html) if html else ""),
            html,
            one.files,
            self.composition.document_type,
            {
                "origin": self.composition.origin.value,
                "origin_name": self.composition.origin_name or self.composition.title,
                **one.why,
            },
            one.reply_to,
            one.timeout_seconds,
        )

    def _stub(self, level: int) -> DocumentFacts:
        """A document in name only, which `route_recipient` asks for its type and level."""
        if level not in self._stubs:
            type_ = self.composition.document_type
            self._stubs[level] = DocumentFacts(
                0, type_, "", "", today(), "", None, None, (), privacy_level=level
            )
        return self._stubs[level]

    def _rules(self, one: Composed) -> Rules:
        """The run's rules with the wishes of the composition and of this message."""
        key = (
            one.preference or self.composition.preference,
            one.account_id if one.account_id is not None else self.composition.account_id,
        )
        if key not in self._variants:
            preference, account_id = key
            policy = self.rules.policies[self.composition.document_type]
            policy = replace(policy, purpose=self.purpose, preference=preference or policy.preference)
            if account_id is not None:
                book = accounts_for(self.session, self.run.company_id, self.actor.user_id)
                account = book.by_id.get(account_id)
                if account is None or not account.is_enabled:
                    raise ComposedWrong(
                        f"account {account_id} cannot be used here: choose another sender account"
                    )
                if account.kind is AccountKind.PEC:
                    policy = replace(policy, pec_account_id=account.id)
                elif account.kind is AccountKind.SMS:
                    policy = replace(policy, sms_account_id=account.id)
                else:
                    policy = replace(policy, smtp_account_id=account.id)
            self._variants[key] = replace(self.rules, policies={self.composition.document_type: policy})
        return self._variants[key]

    def _leave_out(
        self, reason: LeftOutReason, party: PartyFacts, contact: ContactFacts | None, level: int
    ) -> None:
        self._left.append(
            {
                "run_id": self.run.id,
                "reason": reason.value,
                "party_id": party.id,
                "contact_id": contact.id if contact else None,
                "document_id": None,
                "privacy_level": level,
                "detail": "",
            }
        )


def _to_party(one: Composed, party: PartyFacts, batch: _Batch) -> Recipient:
    if one.address:
        return Recipient(
            Rule.GIVEN_ADDRESS, None, (batch.given[one.address],), is_address_chosen=True, name=one.name
        )
    if party.billing_email:
        option = party.option(party.billing_email, party.billing_email_kind)
        return Recipient(Rule.BILLING_OVERRIDE, None, (option,))
    own = (party.option(party.email, party.email_kind),) if party.email else ()
    return Recipient(Rule.CHOSEN_PARTY, None, own)
