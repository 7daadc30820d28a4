"""From a party's due documents to its messages: who, which channel and account, what is bundled, split by size (pure).

Every message is built from one party's documents alone, so no file of one party can reach a contact of another
(law 7).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm_mail.contacts.consents.rules import OWED, Verdict
from crm_mail.delivery.addresses import address_key, is_address
from crm_mail.delivery.routing import (
    AddressKind,
    Channel,
    Refusal,
    RefusalCode,
    RoutingDecision,
    choose_address,
    choose_channel,
)
from crm_mail.documents.packaging import PackagingFacts
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.preparing.drafts import Draft, encoded_size, suppressed_params
from crm_mail.outbox.preparing.facts import DocumentFacts, Rules, Sent
from crm_mail.outbox.preparing.recipients import ContactFacts, PartyFacts, Recipient, choose_recipients
from crm_mail.outbox.reasons import Rule


@dataclass(slots=True)
class PartyResult:
    """What became of one party: messages, and documents that nobody receives because everybody has them."""

    drafts: list[Draft] = field(default_factory=list)
    already_sent: list[tuple[DocumentFacts, Sent]] = field(default_factory=list)
    not_packaged: list[DocumentFacts] = field(default_factory=list)
    refused: list[tuple[DocumentFacts, Verdict]] = field(default_factory=list)  # nobody may receive it


SentBefore = Callable[[int, int | None, str], Sent | None]
"""(document id, contact id, address) → what that recipient was sent."""

AskConsent = Callable[[str, int, int | None, str], Verdict]
"""(purpose, party id, contact id, address) → whether that recipient may be written to."""


def ask_nobody(_purpose: str, _party_id: int, _contact_id: int | None, _address: str) -> Verdict:
    """Every message may go: nothing of it is advertising."""
    return OWED


def assemble_party(
    party: PartyFacts,
    documents: Sequence[DocumentFacts],
    contacts: Sequence[ContactFacts],
    hidden_types: frozenset[str],
    rules: Rules,
    sent_before: SentBefore,
    ask: AskConsent = ask_nobody,
) -> PartyResult:
    """The messages of one party.

    Args:
        hidden_types: types to which a contact above the actor's clearance is subscribed.
    """
    packed = rules.packed(party)
    if packed is None:
        return _assemble(party, documents, contacts, hidden_types, rules, sent_before, ask)
    facts = packed.facts
    chosen = [_choose_files(document, facts) for document in documents if facts.covers(document.type)]
    result = _assemble(party, chosen, contacts, hidden_types, packed.rules, sent_before, ask)
    result.not_packaged = [document for document in documents if not facts.covers(document.type)]
    for draft in result.drafts:
        draft.packaging = facts
    return result


def _choose_files(document: DocumentFacts, facts: PackagingFacts) -> DocumentFacts:
    """The document with the files that its party's packaging takes."""
    files = tuple(file for file in document.files if facts.takes(file.role))
    if len(files) == len(document.files):
        return document
    return document._replace(files=files, problem=document.problem or (None if files else Issue.MISSING_FILE))


def _assemble(
    party: PartyFacts,
    documents: Sequence[DocumentFacts],
    contacts: Sequence[ContactFacts],
    hidden_types: frozenset[str],
    rules: Rules,
    sent_before: SentBefore,
    ask: AskConsent,
) -> PartyResult:
    result = PartyResult()
    groups: dict[tuple[Any, ...], Draft] = {}
    copies: dict[int | str, tuple[Recipient, list[DocumentFacts]]] = {}
    by_type: dict[str, list[Recipient]] = {}
    for document in documents:
        if document.type not in by_type:
            by_type[document.type] = choose_recipients(
                party,
                contacts,
                document.type,
                has_hidden=document.type in hidden_types,
                only_contacts=rules.only_contacts,
            )
        known: Sent | None = None
        refusal: Verdict | None = None
        is_due = False
        for recipient in by_type[document.type]:
            draft = route_recipient(party, recipient, document, rules)
            contact_id = recipient.contact.id if recipient.contact else None
            purpose = draft.policy.purpose
            verdict = ask(purpose, party.id, contact_id, draft.to_address) if purpose else OWED
            if not verdict.is_allowed:
                refusal = verdict
                continue
            draft.consent = verdict
            sent = sent_before(document.id, contact_id, draft.to_address)
            if sent is not None and not sent.is_pending and rules.only_unsent:
                known = known if known is not None and known.is_returned else sent
                continue
            is_due = True
            if recipient.is_cc and draft.channel is Channel.SMTP and draft.to_address and not purpose:
                copies.setdefault(recipient.key, (recipient, []))[1].append(document)
                continue
            _add(groups, draft, document, sent)
        if known is not None and not is_due:
            result.already_sent.append((document, known))
        elif refusal is not None and not is_due:
            result.refused.append((document, refusal))
    drafts = [part for draft in groups.values() for part in _split(draft, rules.room(draft.channel))]
    for recipient, wanted in copies.values():
        drafts += _copy(party, recipient, wanted, drafts, rules)
    result.drafts = drafts
    return result


def _add(
    groups: dict[tuple[Any, ...], Draft], draft: Draft, document: DocumentFacts, sent: Sent | None
) -> None:
    bundle = "" if draft.policy.is_bundled else document.id
    key = (
        draft.recipient.key,
        draft.to_address,
        draft.account_id,
        draft.policy.reply_to,
        draft.policy.bcc,
        draft.policy.purpose,  # what is owed never travels with advertising
        bundle,
    )
    kept = groups.setdefault(key, draft)
    if kept is not draft:
        kept.documents.append(document)
        kept.privacy_level = max(kept.privacy_level, document.privacy_level)
    if sent is not None:
        code = Issue.IN_OTHER_RUN if sent.is_pending else Issue.ALREADY_SENT
        kept.issues.append((code, {"document": document.number, "run": sent.run_id, "at": _text(sent.at)}))
        if sent.at and (kept.last_sent_at is None or sent.at > kept.last_sent_at):
            kept.last_sent_at = sent.at


def _text(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else ""


def language_of(party: PartyFacts, contact: ContactFacts | None, rules: Rules) -> str:
    """The language of a message: the contact's, the party's, the company's; English when there are no texts in it."""
    language = (contact.language if contact else "") or party.language or rules.company_language
    return language if language in rules.languages else "en"


def route_recipient(party: PartyFacts, recipient: Recipient, document: DocumentFacts, rules: Rules) -> Draft:
    """A message with one document to one recipient: its language, address, channel and account, and what hinders."""
    policy = rules.policies[document.type]
    contact = recipient.contact
    draft = Draft(
        party=party,
        recipient=recipient,
        language=language_of(party, contact, rules),
        to_address="",
        to_kind=AddressKind.UNKNOWN,
        channel=Channel.SMTP,
        account_id=None,
        policy=policy,
        documents=[document],
        route="",
        privacy_level=max(contact.privacy_level if contact else 0, document.privacy_level),
    )
    if recipient.is_address_chosen:
        decision: RoutingDecision | Refusal = choose_channel(recipient.addresses[0])
    else:
        decision = choose_address(recipient.addresses, policy.preference)
    if isinstance(decision, Refusal):
        draft.route = decision.code.value
        draft.issues.append((_REFUSALS[decision.code], {}))
        return draft
    draft.to_address, draft.to_kind = decision.email, decision.kind
    draft.channel, draft.route = decision.channel, decision.reason.value
    if not is_address(decision.email):
        draft.issues.append((Issue.INVALID_ADDRESS, {"address": decision.email}))
    if rules.suppressed and (known := rules.suppressed.get(address_key(decision.email))):
        draft.issues.append((Issue.SUPPRESSED_ADDRESS, suppressed_params(decision.email, known)))
    draft.evidence = decision.evidence
    reasons = decision.evidence.to_dict() if decision.evidence else {}
    draft.issues.extend((Issue(warning), reasons) for warning in decision.warnings)
    is_pec = decision.channel is Channel.PEC
    draft.account_id = policy.pec_account_id if is_pec else policy.smtp_account_id
    if draft.account_id is None and not policy.is_own:  # who commits may have one: asked at commit
        draft.issues.append((Issue.NO_PEC_ACCOUNT if is_pec else Issue.NO_ACCOUNT, {}))
    return draft


_REFUSALS = {
    RefusalCode.NO_ADDRESS: Issue.NO_ADDRESS,
    RefusalCode.NO_PEC_ADDRESS: Issue.PEC_REQUIRED,
    RefusalCode.ONLY_PEC_ADDRESS: Issue.NO_ORDINARY_ADDRESS,
}


def _split(draft: Draft, max_bytes: int) -> Iterable[Draft]:
    """Several messages when the files of a bundle are too large for one (BX-7); a document is never divided."""
    sizes = [encoded_size(document.files) for document in draft.documents]
    if len(sizes) == 1 or sum(sizes) <= max_bytes:
        yield draft
        return
    part: list[DocumentFacts] = []
    room = max_bytes
    for document, size in zip(draft.documents, sizes, strict=True):
        if part and size > room:
            yield _part(draft, part)
            part, room = [], max_bytes
        part.append(document)
        room -= size
    yield _part(draft, part)


def _part(draft: Draft, documents: list[DocumentFacts]) -> Draft:
    numbers = {document.number for document in documents}
    return Draft(
        party=draft.party,
        recipient=draft.recipient,
        language=draft.language,
        to_address=draft.to_address,
        to_kind=draft.to_kind,
        channel=draft.channel,
        account_id=draft.account_id,
        policy=draft.policy,
        documents=documents,
        route=draft.route,
        privacy_level=draft.privacy_level,
        issues=[
            (code, p) for code, p in draft.issues if p.get("document") is None or p["document"] in numbers
        ],
        last_sent_at=draft.last_sent_at,
        evidence=draft.evidence,
        consent=draft.consent,
    )


def _copy(
    party: PartyFacts, recipient: Recipient, wanted: list[DocumentFacts], drafts: list[Draft], rules: Rules
) -> list[Draft]:
    """Put a Cc contact on messages that carry nothing it does not receive; what remains is a message of its own."""
    remaining = {document.id: document for document in wanted}
    first = route_recipient(party, recipient, wanted[0], rules)
    for draft in drafts:
        ids = [document.id for document in draft.documents]
        carries_only_wanted = all(id_ in remaining for id_ in ids)
        if (
            draft.channel is Channel.SMTP
            and draft.to_address
            and not draft.recipient.is_cc
            and carries_only_wanted
        ):
            if first.to_address != draft.to_address and not _is_suppressed(first):
                draft.cc.append(first.to_address)
                draft.issues += [found for found in first.issues if found[0] is Issue.INVALID_ADDRESS]
            draft.privacy_level = max(draft.privacy_level, first.privacy_level)
            for id_ in ids:
                del remaining[id_]
    alone: dict[tuple[Any, ...], Draft] = {}
    own = Recipient(
        Rule.CC_ALONE,
        recipient.contact,
        recipient.addresses,
        True,
        is_address_chosen=recipient.is_address_chosen,
    )
    for document in remaining.values():
        _add(alone, route_recipient(party, own, document, rules), document, None)
    return [part for draft in alone.values() for part in _split(draft, rules.room(draft.channel))]


def _is_suppressed(draft: Draft) -> bool:
    return any(code is Issue.SUPPRESSED_ADDRESS for code, _ in draft.issues)
