"""Sender accounts: what is kept, what is refused, who sends what, and where a secret never appears."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import TypePolicy
from crm_mail.db import now
from crm_mail.delivery import service
from crm_mail.delivery.account_choice import Chosen
from crm_mail.delivery.account_rules import AccountDetails, AccountInvalid, Problem
from crm_mail.delivery.models import AccountKind, Security, SenderAccount
from crm_mail.delivery.routing import Channel, ChannelPreference
from crm_mail.installation import Installation
from crm_mail.permissions import Permission, PermissionDenied
from tests.factories import make_account, make_actor, make_company, make_user, outbox_grants

SECRET = "Pässwörd-ñ-&<>-42"
ADMIN = make_actor()


def details(**overrides: Any) -> AccountDetails:
    values: dict[str, Any] = {
        "name": "Amministrazione",
        "kind": AccountKind.SMTP,
        "host": "mail.example.com",
        "port": 465,
        "security": Security.TLS,
        "from_address": "amministrazione@example.com",
        "username": "amministrazione",
    }
    return AccountDetails(**(values | overrides))


def add(session: Session, home: Installation, company_id: int, **overrides: Any) -> SenderAccount:
    secret = overrides.pop("secret", SECRET)
    user_id = overrides.pop("user_id", None)
    actor = overrides.pop("actor", ADMIN)
    return service.add_account(
        session, actor, company_id, details(**overrides), secret, home.encrypt, user_id
    )


def problems(overrides: dict[str, Any], session: Session, home: Installation) -> set[tuple[str, str]]:
    company = make_company(session)
    with pytest.raises(AccountInvalid) as refusal:
        add(session, home, company.id, **overrides)
    return {(p.field, p.problem.value) for p in refusal.value.problems}


def test_a_new_account_is_enabled_default_of_its_kind_and_its_secret_is_encrypted(
    session: Session, home: Installation
) -> None:
    """PM-27."""
    company = make_company(session)
    first = add(session, home, company.id)
    second = add(session, home, company.id, name="Vendite")
    pec = add(session, home, company.id, name="PEC", kind=AccountKind.PEC)
    assert first.is_enabled
    assert (first.is_default, second.is_default, pec.is_default) == (True, False, True)
    assert first.secret is not None
    assert SECRET.encode() not in first.secret
    assert home.decrypt(first.secret) == SECRET


def test_an_account_without_a_user_name_logs_in_nowhere_and_keeps_no_secret(
    session: Session, home: Installation
) -> None:
    account = add(session, home, make_company(session).id, username="", secret="")
    assert account.secret is None


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"name": " "}, ("name", Problem.REQUIRED)),
        ({"host": ""}, ("host", Problem.REQUIRED)),
        ({"host": "mail example.com"}, ("host", Problem.BAD_HOST)),
        ({"host": "mail.example.com\r\nRSET"}, ("host", Problem.CONTROL)),
        ({"port": 0}, ("port", Problem.OUT_OF_RANGE)),
        ({"port": 70000}, ("port", Problem.OUT_OF_RANGE)),
        ({"timeout_seconds": 601}, ("timeout_seconds", Problem.OUT_OF_RANGE)),
        ({"from_address": "nobody"}, ("from_address", Problem.BAD_ADDRESS)),
        ({"from_address": "a@example.com\nBcc: b@example.com"}, ("from_address", Problem.BAD_ADDRESS)),
        ({"from_name": "Rossi\r\nBcc: b@example.com"}, ("from_name", Problem.CONTROL)),
        ({"reply_to": "x@@y"}, ("reply_to", Problem.BAD_ADDRESS)),
        ({"security": Security.NONE}, ("security", Problem.NOT_ENCRYPTED)),
        (
            {"kind": AccountKind.PEC, "security": Security.NONE, "allows_unencrypted": True},
            ("security", Problem.PEC_NOT_ENCRYPTED),
        ),
        ({"username": ""}, ("username", Problem.SECRET_WITHOUT_USER)),
        ({"ca_file": "/nowhere/ca.pem"}, ("ca_file", Problem.NO_CA_FILE)),
        ({"per_hour": -1}, ("per_hour", Problem.OUT_OF_RANGE)),
        ({"max_connections": 0}, ("max_connections", Problem.OUT_OF_RANGE)),
    ],
)
def test_a_wrong_value_is_refused_with_its_field_and_reason(
    session: Session, home: Installation, overrides: dict[str, Any], expected: tuple[str, Problem]
) -> None:
    assert expected in problems(overrides, session, home)


def test_every_wrong_value_is_named_at_once_and_the_message_tells_what_to_do(
    session: Session, home: Installation
) -> None:
    company = make_company(session)
    with pytest.raises(AccountInvalid, match=r"name is missing: enter it.*port must lie between 1 and 65535"):
        add(session, home, company.id, name="", port=-1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_a_pec_account_may_be_unencrypted_only_on_this_machine(
    session: Session, home: Installation, host: str
) -> None:
    account = add(
        session,
        home,
        make_company(session).id,
        kind=AccountKind.PEC,
        security=Security.NONE,
        host=host,
        allows_unencrypted=True,
    )
    assert account.security is Security.NONE


def test_two_accounts_of_a_company_cannot_have_one_name(session: Session, home: Installation) -> None:
    company, other = make_company(session), make_company(session)
    add(session, home, company.id)
    with pytest.raises(AccountInvalid, match="choose another name"):
        add(session, home, company.id, name="AMMINISTRAZIONE")
    assert add(session, home, other.id).name == "Amministrazione"


def test_a_blank_secret_keeps_the_one_there_is_and_a_new_one_replaces_it(
    session: Session, home: Installation
) -> None:
    account = add(session, home, make_company(session).id)
    kept = account.secret
    changed = replace(service.details_of(account), from_name="Officine Ñandú & Figli <S.p.A.>")
    service.update_account(session, ADMIN, account, changed, "", home.encrypt)
    assert account.secret == kept
    assert account.from_name == "Officine Ñandú & Figli <S.p.A.>"
    service.update_account(session, ADMIN, account, changed, "another", home.encrypt)
    assert home.decrypt(account.secret) == "another"


def test_a_kind_never_changes(session: Session, home: Installation) -> None:
    account = add(session, home, make_company(session).id)
    changed = replace(service.details_of(account), kind=AccountKind.PEC)
    service.update_account(session, ADMIN, account, changed, None, home.encrypt)
    assert account.kind is AccountKind.SMTP


def test_new_login_data_let_a_stopped_account_try_again(session: Session, home: Installation) -> None:
    account = add(session, home, make_company(session).id)
    account.stopped_at, account.stopped_reason = now(), "535 5.7.8 refused"
    service.update_account(session, ADMIN, account, service.details_of(account), "new one", home.encrypt)
    assert account.stopped_at is None


def test_restarting_clears_the_reason_and_keeps_it_in_the_audit(session: Session, home: Installation) -> None:
    account = add(session, home, make_company(session).id)
    account.stopped_at, account.stopped_reason = now(), "535 5.7.8 refused"
    service.restart_account(session, ADMIN, account)
    session.flush()
    event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert (account.stopped_at, account.stopped_reason) == (None, "")
    assert event is not None
    assert event.detail == {"stopped_reason": "535 5.7.8 refused"}


def test_making_an_account_the_default_takes_it_from_the_other(session: Session, home: Installation) -> None:
    company = make_company(session)
    first = add(session, home, company.id)
    second = add(session, home, company.id, name="Vendite")
    service.make_default(session, ADMIN, second)
    assert (first.is_default, second.is_default) == (False, True)


def test_an_unused_account_can_be_deleted_and_the_next_one_becomes_the_default(
    session: Session, home: Installation
) -> None:
    company = make_company(session)
    first = add(session, home, company.id)
    second = add(session, home, company.id, name="Vendite")
    service.delete_account(session, ADMIN, first)
    session.flush()
    assert service.list_accounts(session, ADMIN, company.id) == [second]
    assert second.is_default


def test_an_account_that_a_document_type_uses_is_kept(session: Session, home: Installation) -> None:
    company = make_company(session)
    account = add(session, home, company.id)
    session.add(
        TypePolicy(
            company_id=company.id,
            document_type="invoice",
            channel_preference=ChannelPreference.PEC_FIRST,
            smtp_account_id=account.id,
        )
    )
    session.flush()
    with pytest.raises(service.AccountInUse, match="disable it instead"):
        service.delete_account(session, ADMIN, account)
    session.commit()
    assert service.list_accounts(session, ADMIN, company.id) == [account]
    assert session.scalar(select(AuditEvent).where(AuditEvent.action == "delivery.account.deleted")) is None


def test_the_audit_tells_before_and_after_and_never_a_secret(session: Session, home: Installation) -> None:
    """PM-27."""
    account = add(session, home, make_company(session).id)
    changed = replace(service.details_of(account), port=587, security=Security.STARTTLS)
    service.update_account(session, ADMIN, account, changed, "Second-Secret-7", home.encrypt)
    service.set_enabled(session, ADMIN, account, False)
    session.flush()
    events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [e.action for e in events] == [
        "delivery.account.added",
        "delivery.account.changed",
        "delivery.account.disabled",
    ]
    assert events[1].detail == {
        "before": {"port": 465, "security": "tls"},
        "after": {"port": 587, "security": "starttls"},
        "secret_changed": True,
    }
    told = repr([(e.detail, e.object_label) for e in events])
    assert SECRET not in told
    assert "Second-Secret-7" not in told


def test_without_the_right_to_manage_settings_nothing_is_added_or_seen(
    session: Session, home: Installation
) -> None:
    company = make_company(session)
    account = make_account(session, company)
    clerk = make_actor(is_admin=False, user_id=7, grants=outbox_grants(company.id))
    with pytest.raises(PermissionDenied):
        add(session, home, company.id, actor=clerk)
    with pytest.raises(PermissionDenied):
        service.list_accounts(session, clerk, company.id)
    with pytest.raises(PermissionDenied):
        service.set_enabled(session, clerk, account, False)
    assert service.find_account(session, clerk, account.id) is None


def test_a_user_manages_the_own_account_in_a_company_the_user_sees(
    session: Session, home: Installation
) -> None:
    """PD-2."""
    company, foreign = make_company(session), make_company(session)
    user, colleague = make_user(session), make_user(session)
    actor = make_actor(is_admin=False, user_id=user.id, grants=outbox_grants(company.id))
    own = add(session, home, company.id, actor=actor, user_id=user.id)
    assert service.list_own_accounts(session, actor) == [own]
    with pytest.raises(PermissionDenied):
        add(session, home, foreign.id, actor=actor, user_id=user.id)
    with pytest.raises(PermissionDenied):
        add(session, home, company.id, actor=actor, user_id=colleague.id, name="Other")
    other = make_actor(is_admin=False, user_id=colleague.id, grants=outbox_grants(company.id))
    assert service.find_account(session, other, own.id) is None
    settings = make_actor(is_admin=False, user_id=99, areas=frozenset({Permission.SETTINGS_MANAGE}))
    assert service.find_account(session, settings, own.id) is own


class Policy:
    def __init__(self, own: bool = False, smtp: int | None = None, pec: int | None = None) -> None:
        self.uses_own_account, self.smtp_account_id, self.pec_account_id = own, smtp, pec


def test_the_account_follows_channel_policy_and_sender(session: Session, home: Installation) -> None:
    """PD-2, IT-18: orders by the user's own account, statements by the company's, PEC only by PEC."""
    company = make_company(session)
    user = make_user(session)
    main = add(session, home, company.id)
    sales = add(session, home, company.id, name="Vendite")
    pec = add(session, home, company.id, name="PEC", kind=AccountKind.PEC)
    own = add(session, home, company.id, name="Anna", user_id=user.id)
    book = service.accounts_for(session, company.id, user.id)

    def chosen(policy: Policy, channel: Channel, committer: int | None) -> tuple[int | None, Chosen]:
        choice = book.resolve(policy, channel, committer)
        return (choice.account.id if choice.account else None, choice.reason)

    assert chosen(Policy(), Channel.SMTP, user.id) == (main.id, Chosen.COMPANY_DEFAULT)
    assert chosen(Policy(smtp=sales.id), Channel.SMTP, user.id) == (sales.id, Chosen.EXPLICIT)
    assert chosen(Policy(smtp=sales.id), Channel.PEC, user.id) == (pec.id, Chosen.COMPANY_DEFAULT)
    assert chosen(Policy(own=True), Channel.SMTP, user.id) == (own.id, Chosen.SENDERS_OWN)
    assert chosen(Policy(own=True), Channel.SMTP, 12345) == (None, Chosen.NO_OWN_ACCOUNT)
    assert chosen(Policy(own=True), Channel.SMTP, None) == (None, Chosen.NO_OWN_ACCOUNT)
    assert chosen(Policy(own=True), Channel.PEC, user.id) == (pec.id, Chosen.COMPANY_DEFAULT)
    assert book.has(AccountKind.PEC)


def test_a_disabled_account_is_not_replaced_behind_the_companys_back(
    session: Session, home: Installation
) -> None:
    company = make_company(session)
    main = add(session, home, company.id)
    add(session, home, company.id, name="Vendite")
    service.set_enabled(session, ADMIN, main, False)
    choice = service.accounts_for(session, company.id).resolve(Policy(), Channel.SMTP, None)
    assert (choice.account, choice.reason) == (None, Chosen.DISABLED)


def test_a_run_never_sees_the_accounts_of_another_company_or_user(
    session: Session, home: Installation
) -> None:
    company, other = make_company(session), make_company(session)
    user, colleague = make_user(session), make_user(session)
    add(session, home, other.id)
    own = add(session, home, company.id, name="Anna", user_id=user.id)
    add(session, home, company.id, name="Bruno", user_id=colleague.id)
    assert set(service.accounts_for(session, company.id, user.id).by_id) == {own.id}
    assert service.accounts_for(session, company.id).by_id == {}
    choice = service.accounts_for(session, company.id).resolve(Policy(), Channel.PEC, None)
    assert choice.reason is Chosen.NO_COMPANY_ACCOUNT
