"""What a company decides per document type, and the defaults where it decided nothing."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.company_rules import CompanyInvalid
from crm_mail.companies.models import AccountSource, Company, TypePolicy
from crm_mail.companies.policies import PolicyView, default_policy, policy_for, save_policies
from crm_mail.delivery.models import AccountKind
from crm_mail.delivery.routing import ChannelPreference
from crm_mail.document_types import TYPE_FACTS, DocumentType
from crm_mail.permissions import PermissionDenied
from tests.factories import make_account, make_actor, make_company, make_user, outbox_grants

ADMIN = make_actor()
INVOICE = DocumentType.INVOICE


def save(session: Session, company: Company, **changes: Any) -> int:
    policy = replace(policy_for(session, company.id)[INVOICE], **changes)
    return save_policies(session, ADMIN, company, {INVOICE: policy})


def test_without_a_decision_each_type_follows_its_own_facts(session: Session) -> None:
    policies = policy_for(session, make_company(session).id)
    assert set(policies) == set(DocumentType)
    for document_type, policy in policies.items():
        assert policy.channel_preference == TYPE_FACTS[document_type].channel
        assert policy.is_bundled == TYPE_FACTS[document_type].bundled
        assert policy.is_enabled
        assert not policy.uses_own_account


def test_a_decision_holds_for_its_company_and_type_only(session: Session) -> None:
    company, other = make_company(session), make_company(session)
    account = make_account(session, company)
    changed = save(
        session,
        company,
        channel_preference=ChannelPreference.ORDINARY_ONLY,
        smtp_account_id=account.id,
        is_bundled=False,
        bcc=("Archivio@Example.COM", "second@example.com"),
        reply_to="replies@example.com",
    )
    assert changed == 1
    session.expire_all()
    policy = policy_for(session, company.id)[INVOICE]
    assert policy == PolicyView(
        INVOICE,
        True,
        AccountSource.COMPANY,
        account.id,
        None,
        ChannelPreference.ORDINARY_ONLY,
        False,
        ("Archivio@example.com", "second@example.com"),
        "replies@example.com",
    )
    assert policy_for(session, other.id)[INVOICE] == default_policy(INVOICE)
    assert policy_for(session, company.id)[DocumentType.QUOTE] == default_policy(DocumentType.QUOTE)


def test_a_decision_equal_to_the_default_keeps_no_row(session: Session) -> None:
    company = make_company(session)
    save(session, company, is_enabled=False)
    assert session.scalar(select(func.count(TypePolicy.id))) == 1
    save(session, company, is_enabled=True)
    assert session.scalar(select(func.count(TypePolicy.id))) == 0
    assert save(session, company, is_enabled=True) == 0


def test_orders_may_leave_by_the_account_of_the_person_who_sends(session: Session) -> None:
    """PD-2."""
    company = make_company(session)
    save(session, company, account_source=AccountSource.USER)
    assert policy_for(session, company.id)[INVOICE].uses_own_account


def test_an_account_of_another_company_kind_or_person_is_refused(session: Session) -> None:
    company, other = make_company(session), make_company(session)
    user = make_user(session)
    foreign = make_account(session, other)
    pec = make_account(session, company, kind=AccountKind.PEC)
    personal = make_account(session, company, user_id=user.id)
    for account_id in (foreign.id, pec.id, personal.id, 999_999):
        with pytest.raises(CompanyInvalid, match="smtp_account_id"):
            save(session, company, smtp_account_id=account_id)
    assert save(session, company, pec_account_id=pec.id) == 1


def test_a_wrong_address_is_refused_and_nothing_is_kept(session: Session) -> None:
    """CO-4."""
    company = make_company(session)
    with pytest.raises(CompanyInvalid, match="bcc"):
        save(session, company, is_enabled=False, bcc=("good@example.com", "bad"))
    with pytest.raises(CompanyInvalid, match="reply_to"):
        save(session, company, reply_to="a@example.com\nBcc: b@example.com")
    assert policy_for(session, company.id)[INVOICE] == default_policy(INVOICE)


def test_the_audit_tells_which_type_changed_and_from_what(session: Session) -> None:
    company = make_company(session)
    save(session, company, is_bundled=False)
    session.flush()
    event = session.scalars(select(AuditEvent)).one()
    assert event.action == "companies.policy.changed"
    assert event.detail == {
        "document_type": "invoice",
        "before": {"is_bundled": True},
        "after": {"is_bundled": False},
    }


def test_only_who_manages_settings_changes_policies(session: Session) -> None:
    company = make_company(session)
    clerk = make_actor(is_admin=False, user_id=5, grants=outbox_grants(company.id))
    with pytest.raises(PermissionDenied):
        save_policies(session, clerk, company, {})
