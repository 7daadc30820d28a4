"""A mail that comes back is kept, matched and believed, or is an alarm that changes nothing (issue 4)."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Party
from crm_mail.delivery.models import AddressVerdict, Suppression, VerdictSource
from crm_mail.delivery.routing import AddressKind
from crm_mail.evidence.address_facts import contradicted_addresses
from crm_mail.evidence.matching import is_interesting
from crm_mail.evidence.models import ErrorNotice, ItemKind, MailItem, MessageProof
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageEvent
from crm_mail.outbox.states import MessageState
from crm_mail.pec_simulator import adversary
from tests.evidence.mails import (
    RECIPIENT,
    believe,
    bounce,
    certified,
    hours,
    issuer,
    keep_source,
    ordinary,
    pec_account,
    receive,
    sent_message,
)
from tests.factories import make_account, make_company, make_contact

Mail = Callable[[str], bytes]


def _acceptance(message_id: str) -> bytes:
    return issuer().acceptance(certified(message_id), hours(0.1))


def _delivery(message_id: str) -> bytes:
    return issuer().delivery(certified(message_id), hours(0.2), RECIPIENT)


def message_party(session: Session, message: Message) -> Party:
    return session.get_one(Party, message.party_id)


def _events(session: Session, message: Message) -> list[str]:
    query = select(MessageEvent.kind).where(MessageEvent.message_id == message.id).order_by(MessageEvent.id)
    return list(session.scalars(query))


def test_receipts_in_any_order_bring_a_message_to_delivered_and_are_kept_as_received(
    home: Installation, session: Session
) -> None:
    believe(home)
    account = pec_account(session, make_company(session))
    message = sent_message(session, account)
    delivery = _delivery(message.message_id or "")
    late = receive(session, home, account, delivery)
    assert late is not None
    assert message.state is MessageState.DELIVERED
    assert (late.kind, late.trust, late.recipient, late.alarm) == (ItemKind.RECEIPT, "valid", RECIPIENT, "")
    assert home.store.read(late.sha256) == delivery
    assert receive(session, home, account, delivery) is None  # the same mail again
    assert receive(session, home, account, _acceptance(message.message_id or "")) is not None
    proof = session.get_one(MessageProof, message.id)
    assert (proof.accepted_at, proof.delivered_at) == (hours(0.1), hours(0.2))
    assert proof.recipient_is_pec is True
    assert proof.provider_id
    assert message.state is MessageState.DELIVERED
    assert _events(session, message) == ["delivered", "pec_delivered", "pec_accepted"]


def test_a_receipt_for_the_address_that_the_account_had_when_it_sent_is_believed(
    sqlite_home: Installation,
) -> None:
    believe(sqlite_home)
    with sqlite_home.database.writing() as session:
        account = pec_account(session, make_company(session))
        message = sent_message(session, account)
        keep_source(session, sqlite_home, account, message)
        account.from_address = "nuovo@pec.azienda.example"
        item = receive(session, sqlite_home, account, _delivery(message.message_id or ""))
        assert item is not None
        assert (item.alarm, message.state) == ("", MessageState.DELIVERED)


FATES: dict[str, tuple[Mail, MessageState, str]] = {
    "refused": (
        lambda id_: issuer().refusal(certified(id_), hours(0.1), "5.3.4 messaggio troppo grande"),
        MessageState.BOUNCED,
        "pec_refused_too_big",
    ),
    "unknown mailbox": (
        lambda id_: issuer().unknown_mailbox(certified(id_), hours(0.1), RECIPIENT),
        MessageState.BOUNCED,
        "bounce:user_unknown",
    ),
    "12 hours": (
        lambda id_: issuer().delay(certified(id_), hours(12), RECIPIENT, 12),
        MessageState.SENT,
        "",
    ),
    "24 hours": (
        lambda id_: issuer().delay(certified(id_), hours(23), RECIPIENT, 24),
        MessageState.BOUNCED,
        "bounce:expired",
    ),
    "taken over": (
        lambda id_: issuer().taken_over(certified(id_), hours(0.1), (RECIPIENT,)),
        MessageState.SENT,
        "",
    ),
    "virus, between operators": (
        lambda id_: issuer().virus_found(certified(id_), hours(0.1)),
        MessageState.SENT,
        "",
    ),
}


@pytest.mark.parametrize("fate", FATES)
def test_each_receipt_has_its_effect(sqlite_home: Installation, fate: str) -> None:
    mail, state, cause = FATES[fate]
    believe(sqlite_home)
    with sqlite_home.database.writing() as session:
        account = pec_account(session, make_company(session))
        message = sent_message(session, account)
        assert receive(session, sqlite_home, account, mail(message.message_id or "")) is not None
        assert (message.state, message.last_cause) == (state, cause)
        assert receive(session, sqlite_home, account, _delivery(message.message_id or "")) is not None
        assert (message.state, message.last_cause) == (MessageState.DELIVERED, "")


@pytest.mark.parametrize("forgery", sorted(adversary.all_deliveries()))
def test_no_forged_delivery_changes_anything(sqlite_home: Installation, forgery: str) -> None:
    believe(sqlite_home)
    with sqlite_home.database.writing() as session:
        account = pec_account(session, make_company(session))
        message = sent_message(session, account)
        forged = adversary.all_deliveries()[forgery](
            issuer(), certified(message.message_id or ""), hours(1), RECIPIENT
        )
        item = receive(session, sqlite_home, account, forged)
        assert message.state is MessageState.SENT
        if item is not None and item.message_id is not None:
            assert item.alarm
        proof = session.get(MessageProof, message.id)
        assert proof is None or proof.delivered_at is None


def test_a_genuine_receipt_under_forged_headers_is_shown_as_what_is_signed_and_is_an_alarm(
    sqlite_home: Installation,
) -> None:
    """pec.md finding 2: X-Ricevuta is not covered by the signature."""
    believe(sqlite_home)
    with sqlite_home.database.writing() as session:
        account = pec_account(session, make_company(session))
        message = sent_message(session, account)
        forged = adversary.forged_headers(_acceptance(message.message_id or ""))
        item = receive(session, sqlite_home, account, forged)
        assert item is not None
        assert (item.receipt_type, item.alarm) == ("accettazione", "headers")
        assert message.state is MessageState.SENT


def test_a_receipt_that_quotes_another_company_is_an_alarm_and_names_no_message(
    sqlite_home: Installation,
) -> None:
    believe(sqlite_home)
    with sqlite_home.database.writing() as session:
        mine, other = make_company(session), make_company(session)
        message = sent_message(session, pec_account(session, mine))
        item = receive(session, sqlite_home, pec_account(session, other), _delivery(message.message_id or ""))
        assert item is not None
        assert (item.company_id, item.message_id, item.alarm) == (other.id, None, "other_company")
        assert message.state is MessageState.SENT
        notice = session.scalars(select(ErrorNotice)).one()
        assert (notice.company_id, notice.cause) == (other.id, "alarm:other_company")


def test_the_error_address_is_told_of_the_notice_after_a_day_and_not_of_the_warning_after_twelve_hours(
    sqlite_home: Installation,
) -> None:
    believe(sqlite_home)
    with sqlite_home.database.writing() as session:
        account = pec_account(session, make_company(session))
        message = certified(sent_message(session, account).message_id or "")
        receive(session, sqlite_home, account, issuer().delay(message, hours(12), RECIPIENT, 12))
        assert session.scalars(select(ErrorNotice)).all() == []
        receive(session, sqlite_home, account, issuer().delay(message, hours(24), RECIPIENT, 24))
        assert [row.cause for row in session.scalars(select(ErrorNotice))] == ["pec_failed"]


def test_a_bounce_after_a_signed_delivery_is_a_conflict_and_suppresses_nobody(
    sqlite_home: Installation,
) -> None:
    believe(sqlite_home)
    with sqlite_home.database.writing() as session:
        account = pec_account(session, make_company(session))
        message = sent_message(session, account)
        receive(session, sqlite_home, account, _delivery(message.message_id or ""))
        item = receive(session, sqlite_home, account, bounce(message.message_id or "", RECIPIENT))
        assert item is not None
        assert (item.alarm, message.state) == ("conflict", MessageState.DELIVERED)
        assert session.scalars(select(Suppression)).all() == []


def test_an_ordinary_recipient_is_warned_of_and_the_address_corrected(sqlite_home: Installation) -> None:
    """pec.md finding 6: the accettazione says certificato or esterno."""
    believe(sqlite_home)
    with sqlite_home.database.writing() as session:
        account = pec_account(session, make_company(session))
        message = sent_message(session, account)
        outside = issuer(is_certified=False)
        mail = outside.acceptance(certified(message.message_id or "", by=outside), hours(0.1))
        item = receive(session, sqlite_home, account, mail)
        assert item is not None
        assert item.alarm == "not_pec"
        verdict = session.scalars(select(AddressVerdict)).one()
        assert (verdict.subject, verdict.source) == (RECIPIENT, VerdictSource.RECEIPT)
        assert verdict.kind is AddressKind.ORDINARY
        assert "not_pec" in _events(session, message)
        contact = make_contact(session, message_party(session, message), ((RECIPIENT, "pec"),))
        assert contact.addresses[0].kind is AddressKind.PEC  # a person's word stays, and the card shows this:
        assert list(contradicted_addresses(session, contact.addresses)) == [RECIPIENT]


def test_a_reply_is_linked_by_our_id_or_the_operators_and_changes_no_state(sqlite_home: Installation) -> None:
    believe(sqlite_home)
    with sqlite_home.database.writing() as session:
        account = pec_account(session, make_company(session))
        message = sent_message(session, account)
        receive(session, sqlite_home, account, _acceptance(message.message_id or ""))
        provider_id = session.get_one(MessageProof, message.id).provider_id
        for number, cited in enumerate((message.message_id, f"<{provider_id}>")):
            raw = ordinary(f"Re: {number}", In_Reply_To=str(cited), From=RECIPIENT)
            item = receive(session, sqlite_home, account, raw)
            assert item is not None
            assert (item.kind, item.message_id) == (ItemKind.REPLY, message.id)
        assert message.state is MessageState.SENT
        assert (
            receive(session, sqlite_home, account, ordinary("Re: else", In_Reply_To="<x@y.example>")) is None
        )
        assert session.scalar(select(func.count()).select_from(MailItem)) == 3


@pytest.mark.parametrize(
    ("status", "action", "state", "kind"),
    [
        ("5.1.1", "failed", MessageState.BOUNCED, ItemKind.BOUNCE),
        ("4.4.1", "delayed", MessageState.SENT, ItemKind.DELAY),
    ],
)
def test_a_bounce_settles_an_uncertain_message_and_a_delay_says_that_it_left(
    sqlite_home: Installation, status: str, action: str, state: MessageState, kind: ItemKind
) -> None:
    with sqlite_home.database.writing() as session:
        account = make_account(session, make_company(session), from_address="office@azienda.example")
        message = sent_message(session, account, state=MessageState.UNCERTAIN, last_cause="crash")
        mail = bounce(message.message_id or "", message.to_address, status, action)
        item = receive(session, sqlite_home, account, mail)
        assert item is not None
        assert (item.kind, message.state) == (kind, state)
        assert message.last_cause == ("bounce:user_unknown" if state is MessageState.BOUNCED else "")


def test_a_copy_in_the_sent_folder_resolves_an_uncertain_message(sqlite_home: Installation) -> None:
    with sqlite_home.database.writing() as session:
        account = make_account(session, make_company(session), from_address="office@azienda.example")
        message = sent_message(session, account, state=MessageState.UNCERTAIN, sent_at=None)
        item = receive(
            session, sqlite_home, account, ordinary("Fattura", Message_ID=message.message_id or ""), "Sent"
        )
        assert item is not None
        assert (item.kind, message.state) == (ItemKind.SENT_COPY, MessageState.SENT)
        assert message.sent_at is not None
        assert _events(session, message) == ["proven_sent", "came_sent_copy"]


def test_the_offices_own_mail_is_no_evidence(sqlite_home: Installation) -> None:
    """A clerk's answer in the thread, and the sent folder's copy of what is known to have left."""
    with sqlite_home.database.writing() as session:
        account = make_account(session, make_company(session), from_address="office@azienda.example")
        message = sent_message(session, account)
        id_ = message.message_id or ""
        own = [
            ordinary("Re: Re", References=id_, From="Anna <office@azienda.example>"),
            ordinary("Fattura", Message_ID=id_),
        ]
        assert [receive(session, sqlite_home, account, mail, "Sent") for mail in own] == [None, None]


def test_a_bounce_of_a_copy_suppresses_that_address_and_leaves_the_message(sqlite_home: Installation) -> None:
    with sqlite_home.database.writing() as session:
        account = make_account(session, make_company(session), from_address="office@azienda.example")
        message = sent_message(session, account, cc=["agente@customer.example"])
        for to in ("agente@customer.example", "forwarded@else.example"):
            assert receive(session, sqlite_home, account, bounce(message.message_id or "", to)) is not None
            assert message.state is MessageState.SENT
        suppressed = session.scalars(select(Suppression.address).where(Suppression.is_active)).all()
        assert suppressed == ["agente@customer.example"]


def test_headers_tell_what_is_worth_fetching() -> None:
    ours = "<" + "a1" * 12 + "@azienda.example>"
    yes = [
        _acceptance(ours),
        bounce(ours, RECIPIENT),
        ordinary("Re: Fattura", In_Reply_To=ours),
        ordinary("Fattura", Message_ID=ours),
        ordinary("Out of office", Auto_Submitted="auto-replied"),
        ordinary("x", To="office+mfrggzdfmztwq2lknnwg23tp@azienda.example"),
    ]
    no = [ordinary("Newsletter"), ordinary("Re: Ordine", In_Reply_To="<CAF1234@mail.example>")]
    heads = [mail.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0] for mail in (*yes, *no)]
    assert [is_interesting(head) for head in heads] == [True] * len(yes) + [False] * len(no)
