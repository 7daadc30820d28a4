"""Pages of evidence: the legal timeline, receipts with their check, alarms, and who may see what (issue 4; IT-17)."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from crm_mail.evidence.models import MailItem, MessageProof
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.permissions import ANY, Permission
from crm_mail.users.models import User
from tests.evidence.mails import (
    RECIPIENT,
    believe,
    certified,
    hours,
    issuer,
    pec_account,
    receive,
    sent_message,
)
from tests.factories import make_company, make_user

Login = Callable[[User], FlaskClient]


@dataclass
class Case:
    """An accepted and delivered message, and a forged receipt about it."""

    message: Message
    delivery: MailItem
    forged: MailItem
    account_id: int
    admin: User
    clerk: User
    other: User
    stranger: User


@pytest.fixture
def case(sqlite_home: Installation) -> Case:
    believe(sqlite_home)
    with sqlite_home.database.write() as session:
        company = make_company(session)
        account = pec_account(session, company)
        message = sent_message(session, account, privacy_level=2)
        id_ = message.message_id or ""
        receive(session, sqlite_home, account, issuer().acceptance(certified(id_), hours(0.1)))
        delivery = receive(
            session, sqlite_home, account, issuer().delivery(certified(id_), hours(0.2), RECIPIENT)
        )
        stranger = issuer("Somebody else")
        forged = receive(
            session,
            sqlite_home,
            account,
            stranger.delivery(certified(id_, by=stranger), hours(0.3), RECIPIENT),
        )
        assert delivery is not None
        assert forged is not None
        grants = [(p, ANY, company.id) for p in (Permission.OUTBOX_REVIEW, Permission.OUTBOX_COMMIT)]
        return Case(
            message,
            delivery,
            forged,
            account.id,
            make_user(session, is_admin=True, clearance=3),
            make_user(session, clearance=2, grants=grants),
            make_user(session, clearance=1, grants=grants),
            make_user(session, clearance=3, grants=[(Permission.OUTBOX_COMMIT, "invoice", company.id)]),
        )


def test_the_timeline_tells_in_plain_words_what_each_receipt_proves(case: Case, login_as: Login) -> None:
    client = login_as(case.clerk)
    page = client.get(f"/outbox/{case.message.run_id}/messages/{case.message.id}?tab=proof").text
    accepted = page.index("Accepted by the sender&#39;s PEC operator on 03/11/2026 13:06:00")
    delivered = page.index(f"Delivered into the mailbox of {RECIPIENT} on 03/11/2026 13:12:00. Enforceable")
    assert accepted < delivered
    assert "Its signature does not hold." in page
    assert "Delivery proven" in page
    received = client.get(f"/evidence/items/{case.delivery.id}/mail")
    assert received.data == client.application.extensions["crm_mail"].store.read(case.delivery.sha256)


def test_a_persons_list_holds_what_they_may_see_and_an_alarm_is_settled_with_a_note(
    case: Case, login_as: Login, sqlite_home: Installation
) -> None:
    clerk, other = login_as(case.clerk), login_as(case.other)
    assert f"/evidence/items/{case.forged.id}" in clerk.get("/evidence?alarm=open").text
    assert "/evidence/items/" not in other.get("/evidence").text
    assert "/evidence/items/" not in login_as(case.stranger).get("/evidence").text
    for path in ("", "/mail"):
        assert other.get(f"/evidence/items/{case.forged.id}{path}").status_code == 404
    assert "Signature" in clerk.get(f"/evidence/items/{case.forged.id}").text
    url = f"/evidence/items/{case.forged.id}/settle"
    assert clerk.post(url, data={"note": " "}).status_code == 422
    assert clerk.post(url, data={"note": "A test of the operator"}).status_code == 303
    assert f"/evidence/items/{case.forged.id}" not in clerk.get("/evidence?alarm=open").text
    assert "A test of the operator" in clerk.get(f"/evidence/items/{case.forged.id}").text
    with sqlite_home.database.read() as session:
        proof = session.get_one(MessageProof, case.message.id)
        assert proof.delivered_at == hours(0.2)


def test_a_receipt_saved_by_hand_is_taken_in_once(case: Case, login_as: Login) -> None:
    client = login_as(case.admin)
    data = issuer().delay(certified(case.message.message_id or ""), hours(12), RECIPIENT, 12)
    for words in ("was taken in.", "was taken in before."):
        form = {"account": str(case.account_id), "files": (io.BytesIO(data), "avviso.eml")}
        answer = client.post("/evidence/hand-in", data=form, follow_redirects=True)
        assert f"avviso.eml {words}" in answer.text
    assert login_as(case.clerk).get("/evidence/hand-in").status_code == 403
    bad = client.post("/evidence/hand-in", data={"account": str(case.account_id)})
    assert bad.status_code == 422


def test_a_checked_dossier_is_told_in_words_and_local_times(case: Case, login_as: Login) -> None:
    client = login_as(case.admin)
    with client.post(f"/dossiers/message/{case.message.id}") as answer:
        made = answer.data
    page = client.post("/dossiers/check", data={"file": (io.BytesIO(made), "dossier.zip")}).text
    assert "Acceptance receipt" in page
    assert "03/11/2026 13:12:00" in page  # of the delivery, as the proof page tells it
    assert "+00:00" not in page
    assert ">avvenuta-consegna<" not in page


def test_report_progress_and_dashboard_count_what_is_proven(case: Case, login_as: Login) -> None:
    client = login_as(case.clerk)
    report = client.get(f"/outbox/{case.message.run_id}/report").text
    assert "Proves the delivery" in report
    assert "Proves the delivery" in client.get(f"/outbox/{case.message.run_id}/progress").text
    assert "Alarms of receipts" in client.get("/").text
