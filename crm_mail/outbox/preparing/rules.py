"""The rules of one run: what the company decided for each type, which accounts send, which texts are used."""

from dataclasses import replace

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.companies.policies import PolicyView, policy_for
from crm_mail.contacts.consents.rules import Purpose
from crm_mail.delivery.account_choice import AccountBook
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.service import accounts_for
from crm_mail.delivery.suppression import load_suppressed
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents.context_fields import shared_context
from crm_mail.documents.packaging import PackagingFacts
from crm_mail.documents.packagings import load_packagings
from crm_mail.documents.texts import load_texts
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.facts import Packed, Policy, Rules
from crm_mail.outbox.preparing.filling import RunTexts
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor
from crm_mail.users.models import User

MEGABYTE = 1024 * 1024
ROOM_FOR_TEXT = 100_000


def load_decisions(session: Session, company_id: int) -> dict[str, PolicyView]:
    """What holds for each enabled document type of a company."""
    policies = policy_for(session, company_id)
    return {type_: policy for type_, policy in policies.items() if policy.is_enabled}


def load_rules(session: Session, company: Company, criteria: Criteria, actor: Actor) -> Rules:
    """The rules of a run that `actor` prepares; only the types asked for and switched on."""
    book = accounts_for(session, company.id, actor.user_id)
    policies = {
        type_: _policy(book, decision, actor.user_id)
        for type_, decision in load_decisions(session, company.id).items()
        if type_ in criteria.document_types
    }
    account_limits = [a.max_message_mb for a in book.by_id.values() if a.max_message_mb]
    largest = min([company.max_message_mb, *account_limits])
    rules = Rules(
        policies,
        frozenset(TEXT_LANGUAGES),
        company.language,
        criteria.only_unsent,
        criteria.parties.needs_contact,
        largest * MEGABYTE - ROOM_FOR_TEXT,
        suppressed=load_suppressed(session, company.id),
    )
    packed = {
        code: None if facts.is_plain else Packed(facts, _rules_for(rules, facts, book))
        for code, facts in load_packagings(session, company.id).items()
    }
    return replace(rules, packagings=packed, default_packaging=packed[DEFAULT_PACKAGING])


def _rules_for(rules: Rules, facts: PackagingFacts, book: AccountBook) -> Rules:
    """The rules of a run for the parties of one packaging: its account sends what leaves by ordinary mail (PM-9)."""
    rules = replace(rules, has_links=facts.link_above is not None)
    account = book.by_id.get(facts.smtp_account_id or 0)
    if account is None or not account.is_enabled:
        return rules
    policies = {
        type_: replace(policy, smtp_account_id=account.id) for type_, policy in rules.policies.items()
    }
    return replace(rules, policies=policies)


def _policy(book: AccountBook, decision: PolicyView, sender_id: int | None) -> Policy:
    smtp = book.resolve(decision, Channel.SMTP, sender_id).account
    pec = book.resolve(decision, Channel.PEC, sender_id).account
    sms = book.resolve(decision, Channel.SMS, sender_id).account
    return Policy(
        decision.channel_preference,
        decision.is_bundled,
        smtp.id if smtp else None,
        pec.id if pec else None,
        decision.bcc,
        decision.reply_to,
        decision.uses_own_account,
        sms.id if sms else None,
        Purpose.COMMERCIAL.value if decision.asks_consent else "",
    )


def load_run_texts(session: Session, company: Company, signer: Actor | User) -> RunTexts:
    """The company's texts, its own before the built-in ones, for messages that this person signs."""
    return RunTexts(load_texts(session, company.id), shared_context(session, company, signer))


def own_accounts(session: Session, run: Run, actor: Actor) -> dict[tuple[str, Channel], int | None]:
    """The accounts from which a run leaves when this person commits it, where the sender's own one is asked (PD-2).

    The keys are the rows' document types as they stand there (one, or the several of a bundle) and the channel;
    None: the person has no account of this kind.
    """
    decisions = load_decisions(session, run.company_id)
    own = {type_ for type_, decision in decisions.items() if decision.uses_own_account}
    if actor.user_id is None or not own & set(run.document_types):
        return {}
    book = accounts_for(session, run.company_id, actor.user_id)
    query = select(Message.document_types).where(Message.run_id == run.id).distinct()
    found: dict[tuple[str, Channel], int | None] = {}
    for types in session.scalars(query):
        if types and own.issuperset(types.split()):
            for channel in Channel:
                chosen = book.resolve(decisions[types.split()[0]], channel, actor.user_id).account
                found[types, channel] = chosen.id if chosen else None
    return found


def leaves_from_own_account(actor: Actor) -> ColumnElement[bool]:
    """Rows whose account nobody chose by hand: none at all, or somebody else's own."""
    others = select(SenderAccount.id).where(
        SenderAccount.user_id.is_not(None), SenderAccount.user_id != actor.user_id
    )
    return or_(Message.account_id.is_(None), Message.account_id.in_(others))


def reassign_accounts(session: Session, run: Run, actor: Actor) -> None:
    """Where a type is sent from the sender's own account, that is the account of the person who commits (PD-2)."""
    for (types, channel), account_id in own_accounts(session, run, actor).items():
        session.connection().execute(
            update(Message)
            .where(
                Message.run_id == run.id,
                Message.state == MessageState.PENDING,
                Message.document_types == types,
                Message.channel == channel,
                leaves_from_own_account(actor),
            )
            .values(account_id=account_id)
        )
