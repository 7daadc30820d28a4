"""The page of manual packaging: search by ?, result, mend, repackage (PM-5, PM-16, PM-17)."""

from html import unescape
from typing import Any

from sqlalchemy import select

from crm_mail.contacts.models import Party
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from tests.factories import make_account, make_company, make_document, make_party, make_user, outbox_grants

PAGE = "/outbox/packaging"


def test_a_customer_without_address_is_reported_mended_and_packed_again(
    sqlite_home: Installation, login_as: Any
) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        party = make_party(session, company, code="ALMGAR", name="Almacenes García")
        make_party(session, company, code="OTHER", name="Somebody else", email="office@other.example")
        make_document(
            session, party, number="78", is_mailable=False, not_mailable_reason="unstamped", files=()
        )
        make_document(session, party, number="77", files=(("77.pdf", sqlite_home.store.put(b"PDF"), 3),))
        user = make_user(session, grants=list(outbox_grants(company.id)))
        party_id = party.id
    client = login_as(user)
    listed = client.post(PAGE, data={"customer": "?garc"}).text
    assert "customer=ALMGAR" in listed
    assert "OTHER" not in listed
    kept = {"from_on": "2026-11-01", "to_on": "2026-11-30", "types": "invoice", "again": "y"}
    chosen = client.post(PAGE, data={"customer": "?"} | kept).text
    link = "customer=ALMGAR&amp;types=invoice&amp;from_on=2026-11-01&amp;to_on=2026-11-30&amp;again=True"
    assert link in chosen
    form = client.get(f"{PAGE}?{unescape(link)}").text
    assert all(f'value="{day}"' in form for day in ("2026-11-01", "2026-11-30"))
    assert form.count(" checked") == 2
    assert client.post(PAGE, data={"customer": "nobody"}).status_code == 422
    assert client.post(PAGE, data={}).status_code == 422  # neither a customer nor a period

    packed = client.post(PAGE, data={"customer": "almgar"})
    assert packed.status_code == 303
    result = client.get(packed.location).text
    assert f"/contacts/{party_id}/details#email" in result
    run_id = int(packed.location.rpartition("=")[2])
    assert f"/outbox/{run_id}/repackage" in result
    assert "Not to be mailed: it has no fiscal stamp yet" in result

    with sqlite_home.database.write() as session:
        session.get_one(Party, party_id).email = "pagos@almgar.example"
    again = client.post(f"/outbox/{run_id}/repackage", data={"customer": "ALMGAR"})
    assert "pagos@almgar.example" in client.get(again.location).text
    with sqlite_home.database.read() as session:
        newest = session.scalars(select(Run).order_by(Run.id.desc())).first()
        assert newest is not None
        sent = session.scalars(select(Message).where(Message.run_id == newest.id)).all()
        assert [(one.to_address, one.blockers) for one in sent] == [("pagos@almgar.example", 0)]
