"""The rules of one run: what the company decided for each type, which accounts send, which texts are used."""

from functools import cache

from sqlalchemy import update
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.policies import PolicyView, policy_for
from crm_mail.delivery.account_choice import AccountBook
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.service import accounts_for
from crm_mail.documents.builtin_texts import compile_message
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.texts import load_texts
from crm_mail.documents.types import TEXT_LANGUAGES
from crm_mail.outbox.assembly import Policy, Rules
from crm_mail.outbox.criteria import Criteria
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.states import MessageState
from crm_mail.outbox.writing import FoundText, TextFinder
from crm_mail.permissions import Actor

MEGABYTE = 1024 * 1024
ROOM_FOR_TEXT = 100_000


def load_decisions(session: Session, company_id: int) -> dict[str, PolicyView]:
    """What holds for each enabled document type of a company."""
    policies = policy_for(session, company_id)
    return {document_type.value: policy for document_type, policy in policies.items() if policy.is_enabled}


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
    return Rules(
        policies,
        frozenset(TEXT_LANGUAGES),
        company.language,
        criteria.only_unsent,
        criteria.parties.asks_contacts,
        largest * MEGABYTE - ROOM_FOR_TEXT,
    )


def _policy(book: AccountBook, decision: PolicyView, sender_id: int | None) -> Policy:
    smtp = book.resolve(decision, Channel.SMTP, sender_id).account
    pec = book.resolve(decision, Channel.PEC, sender_id).account
    return Policy(
        decision.channel_preference,
        decision.is_bundled,
        smtp.id if smtp else None,
        pec.id if pec else None,
        decision.bcc,
        decision.reply_to,
    )


def find_texts(session: Session, company_id: int) -> TextFinder:
    """The company's texts, its own before the built-in ones, compiled once for each type and language."""
    book = load_texts(session, company_id)

    @cache
    def find(name: str, language: str) -> FoundText:
        text = book.text(name, language)
        try:
            return FoundText(compile_message(text.text), is_builtin=not text.is_own)
        except TemplateInvalid as problem:
            return FoundText(None, str(problem), is_builtin=not text.is_own)

    return find


def reassign_accounts(session: Session, run: Run, actor: Actor) -> None:
    """Where a type is sent from the sender's own account, that is the account of the person who commits (PD-2)."""
    decisions = load_decisions(session, run.company_id)
    own = [t for t, d in decisions.items() if d.uses_own_account and t in run.document_types]
    if not own or actor.user_id is None or actor.user_id == run.created_by:
        return
    book = accounts_for(session, run.company_id, actor.user_id)
    for document_type in own:
        for channel in Channel:
            chosen = book.resolve(decisions[document_type], channel, actor.user_id).account
            session.connection().execute(
                update(Message)
                .where(
                    Message.run_id == run.id,
                    Message.state == MessageState.PENDING,
                    Message.is_edited.is_(False),
                    Message.document_types == document_type,
                    Message.channel == channel,
                )
                .values(account_id=chosen.id if chosen else None)
            )
