"""A packaging from its settings page to the files of a message (PM-7, PM-8, PM-9, PM-15, PM-18)."""

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.company_rules import CompanyInvalid
from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.documents.models import DocumentFile
from crm_mail.documents.packagings import PackagingValues, list_packagings, save_packaging
from crm_mail.installation import Installation
from crm_mail.outbox.committing.rechecking import drop_outdated
from crm_mail.outbox.models import Message, MessageContent, MessageFile, Run
from crm_mail.outbox.preparing.preparation import prepare_run
from crm_mail.outbox.sending.copies import handle_copies
from crm_mail.outbox.states import MessageState
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_document,
    make_party,
    make_user,
)
from tests.outbox.preparing import attached, criteria_for, left_out, prepare, receivers, rows

ADMIN = make_actor()
CFDI = b'<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4"></cfdi:Comprobante>'


def pair(session: Session, home: Installation, party: Party, number: str) -> None:
    """A document with a PDF and a legal XML that names its customer, and its UUID."""
    xml, pdf = CFDI + f"<!-- {party.code} {number} -->".encode(), f"PDF {party.code} {number}".encode()
    values = {
        "number": number,
        "natural_key": f"{party.code}/{number}",
        "data": {"stamp": {"uuid": f"u-{number}"}},
    }
    document = make_document(session, party, (), **values)
    for place, (role, data, end) in enumerate((("main", pdf, "pdf"), ("legal_xml", xml, "xml"))):
        document.files.append(
            DocumentFile(
                position=place,
                role=role,
                name=f"{number}.{end}",
                mime=f"application/{end}",
                sha256=home.store.put(data),
                size=len(data),
            )
        )


def files_of(session: Session, home: Installation, message_id: int) -> dict[str, bytes]:
    found = session.scalars(select(MessageFile).where(MessageFile.message_id == message_id))
    return {file.name: home.store.read(file.sha256) for file in found}


def chain(session: Session, **values: Any) -> tuple[Company, Party, Party]:
    """A company with the packaging CHAIN, a customer that names it, and one that does not."""
    company = make_company(session)
    make_account(session, company)
    save_packaging(session, ADMIN, company, PackagingValues("CHAIN", **values), is_new=True)
    first = make_party(session, company, code="C1", email="one@chain.example", packaging="CHAIN")
    other = make_party(session, company, code="C2", email="two@other.example")
    return company, first, other


def test_files_are_renamed_and_zipped_for_the_customers_that_name_the_packaging_alone(
    sqlite_home: Installation,
) -> None:
    """Law 7 holds inside the archive too: each party's files, and no other's; and the originals stay untouched."""
    home = sqlite_home
    with home.database.write() as session:
        company, first, other = chain(
            session, name_pattern="{customer}_{UUID}", zip_above_kb=0, has_bom=True, addenda="<order n='7'/>"
        )
        for party in (first, other):
            pair(session, home, party, "1")
            pair(session, home, party, "2") if party is first else None
        wanted = criteria_for(company)
    run_id = prepare_run(home, ADMIN, wanted).run_id
    with home.database.read() as session:
        run = session.get_one(Run, run_id)
        packed, plain = rows(session, run)
        ((name, archive),) = files_of(session, home, packed.id).items()
        content = zipfile.ZipFile(io.BytesIO(archive))
        assert (packed.to_address, packed.file_count, name) == ("one@chain.example", 1, "C1_U-1.zip")
        assert content.namelist() == ["C1_U-1.pdf", "C1_U-1.xml", "C1_U-2.pdf", "C1_U-2.xml"]
        assert content.read("C1_U-1.pdf") == b"PDF C1 1"
        assert all(b"C2" not in content.read(one) for one in content.namelist())
        assert packed.why["packaging"] == "CHAIN"
        assert set(files_of(session, home, plain.id)) == {"1.pdf", "1.xml"}
        assert "packaging" not in plain.why


def test_a_link_offers_the_files_of_its_message_alone_until_it_expires_or_is_withdrawn(
    sqlite_home: Installation, client: FlaskClient, login_as: Any
) -> None:
    """CO-6."""
    home = sqlite_home
    with home.database.write() as session:
        company, first, other = chain(session, link_above_kb=0, name_pattern="{customer}")
        other.packaging = "CHAIN"
        for party in (first, other):
            pair(session, home, party, "1")
        admin, wanted = make_user(session, is_admin=True), criteria_for(company)
    run_id = prepare_run(home, ADMIN, wanted).run_id
    with home.database.write() as session:
        messages = rows(session, session.get_one(Run, run_id))
        assert [(one.file_count, one.blockers) for one in messages] == [(0, 0), (0, 0)]
        assert [files_of(session, home, one.id) for one in messages] == [{}, {}]
        paths, ids = (
            [one.why["link"].partition("/download/")[2] for one in messages],
            [one.id for one in messages],
        )
        bodies = [session.get_one(MessageContent, id_) for id_ in ids]
        assert [
            (path in body.body_text, path in body.body_html) for path, body in zip(paths, bodies, strict=True)
        ] == [(True, True)] * 2
    page, second = (f"/download/{path}" for path in paths)
    assert client.get(page).status_code == 404  # nothing has left yet
    with home.database.write() as session:
        for id_ in ids:
            message = session.get_one(Message, id_)
            message.state, message.sent_at = MessageState.SENT, now()
    shown = client.get(page)
    assert (shown.status_code, "C1.pdf" in shown.text, "C2." in shown.text) == (200, True, False)
    assert client.post(f"{page}/0").data == b"PDF C1 1"
    assert client.post(f"{page}/2").status_code == 200  # no such file: the page again
    assert client.get(page[:-1] + ("A" if page[-1] != "A" else "B")).status_code == 404
    staff = login_as(admin)
    assert "C1.pdf" in staff.get(f"/outbox/{run_id}/messages/{ids[0]}").text
    assert staff.post(f"/outbox/{run_id}/messages/{ids[0]}/revoke-link").status_code == 303
    assert client.get(page).status_code == 404
    assert client.post(f"{second}/1").data.startswith(CFDI)
    with home.database.write() as session:
        session.get_one(Message, ids[1]).sent_at = now() - timedelta(days=31)
        logged = [event.action for event in session.scalars(select(AuditEvent))]
        assert logged.count("outbox.link.downloaded") == 2
    assert client.post(f"{second}/1").status_code == 404


@pytest.mark.parametrize(
    ("after", "left", "recycled"),
    [
        (AfterSending.KEEP, True, False),
        (AfterSending.RECYCLE, False, True),
        (AfterSending.DELETE, False, False),
    ],
)
def test_copies_lie_in_the_folder_while_a_message_is_on_its_way_and_what_is_chosen_happens_then(
    sqlite_home: Installation, tmp_path: Path, after: AfterSending, left: bool, recycled: bool
) -> None:
    """PM-13, PM-14."""
    home = sqlite_home
    home.settings.copies_dir = str(tmp_path / "copies")
    with home.database.write() as session:
        company, first, _other = chain(session, copy_folder="cfdi", after_sending=after, logs_success=True)
        pair(session, home, first, "1")
        wanted = criteria_for(company)
    run_id = prepare_run(home, ADMIN, wanted).run_id
    copy = tmp_path / "copies" / "cfdi" / "C1" / "1.pdf"
    for state, is_there in (
        (MessageState.PENDING, False),
        (MessageState.COMMITTED, True),
        (MessageState.SENT, left),
    ):
        with home.database.write() as session:
            (message,) = rows(session, session.get_one(Run, run_id))
            message.state = state
        handle_copies(home)
        assert (copy.exists(), copy.with_suffix(".xml").exists()) == (is_there, is_there)
    assert bool(list((tmp_path / "copies").glob("recycle/*/cfdi/C1/*.pdf"))) == recycled
    assert handle_copies(home) == 0
    with home.database.read() as session:
        logged = [event.action for event in session.scalars(select(AuditEvent))]
        assert logged.count("outbox.packaging.sent") == 1


def test_the_attached_xml_has_the_bom_and_the_addenda_and_the_original_has_not(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    with home.database.write() as session:
        company, first, _other = chain(session, has_main=False, has_bom=True)
        first.addenda = "<order n='9'/>"  # the customer's own comes first
        xml = home.store.put(CFDI)
        document = make_document(session, first, (("1.pdf", "a" * 64, 5),))
        document.files.append(
            DocumentFile(
                position=1, role="legal_xml", name="1.xml", mime="text/xml", sha256=xml, size=len(CFDI)
            )
        )
        wanted = criteria_for(company)
    run_id = prepare_run(home, ADMIN, wanted).run_id
    with home.database.read() as session:
        (message,) = rows(session, session.get_one(Run, run_id))
        assert files_of(session, home, message.id) == {
            "1.xml": b"\xef\xbb\xbf"
            + CFDI.replace(b"></cfdi", b"><cfdi:Addenda><order n='9'/></cfdi:Addenda></cfdi")
        }
        assert message.blockers == 0
        assert home.store.read(xml) == CFDI


def test_the_addresses_behind_the_packaging_receive_after_the_billing_address_and_before_contacts(
    sqlite_home: Installation,
) -> None:
    """PM-15, in its order; who is silenced is named."""
    with sqlite_home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        behind = "a_x@customer.example,b@customer.example"
        party = make_party(session, company, email="own@customer.example", packaging_emails=behind)
        contact = make_contact(session, party, subscriptions=("invoice",))
        billed = make_party(
            session, company, billing_email="bill@other.example", packaging_emails="c@other.example"
        )
        make_document(session, party)
        make_document(session, billed)

        run = prepare(session, ADMIN, company)

        assert receivers(session, run) == ["a_x@customer.example", "b@customer.example", "bill@other.example"]
        assert [message.why["rule"] for message in rows(session, run)] == ["packaging"] * 2 + [
            "billing_override"
        ]
        assert ("packaging_override", None, contact.id) in left_out(session, run)

        party.packaging_emails = "ayx@customer.example,b@customer.example"  # `_` is a sign, not any sign
        session.flush()
        assert drop_outdated(session, ADMIN, run) == {"contact_changed_meanwhile": 1}


def test_a_packaging_chooses_types_account_and_text(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company, first, other = chain(session, types=("invoice",))
        account = make_account(session, company, is_default=False)
        changed = PackagingValues(
            "CHAIN", types=("invoice",), smtp_account_id=account.id, text_name="quote", timeout_seconds=300
        )
        save_packaging(session, ADMIN, company, changed, is_new=False)
        for party in (first, other):
            make_document(session, party, (("f.pdf", "b" * 64, 5),), number="7", natural_key=party.code)
        note = make_document(session, first, type="delivery_note")

        run = prepare(session, ADMIN, company, document_types=("invoice", "delivery_note"))

        packed, plain = rows(session, run)
        assert packed.account_id == account.id != plain.account_id
        assert (packed.timeout_seconds, plain.timeout_seconds) == (300, 0)  # PM-10
        thanks = "Vi ringraziamo per la richiesta"  # of the text for quotes
        bodies = [session.get_one(MessageContent, one.id).body_text for one in (packed, plain)]
        assert [thanks in body for body in bodies] == [True, False]
        assert attached(session, packed) == ["f.pdf"]
        assert left_out(session, run) == {("not_packaged", note.id, None)}
        events = [event.action for event in session.scalars(select(AuditEvent))]
        assert events.count("companies.packaging.changed") == 1


def test_a_packaging_that_cannot_work_is_refused_with_every_reason(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        foreign = make_account(session, make_company(session))
        wrong = PackagingValues(
            "A B",
            party_code="nobody",
            types=("no_type",),
            has_main=False,
            has_legal_xml=False,
            has_attachments=False,
            name_pattern="{x}",
            zip_above_kb=-1,
            link_above_kb=1 << 40,
            copy_folder="../up",
            smtp_account_id=foreign.id,
            timeout_seconds=601,
            text_name="no_text",
            addenda="<",
        )
        with pytest.raises(CompanyInvalid) as caught:
            save_packaging(session, ADMIN, company, wrong, is_new=True)
        fields = {one.field for one in caught.value.problems}
        assert fields == set(PackagingValues.__dataclass_fields__) - {
            *(
                "description",
                "has_legal_xml",
                "has_bom",
                "has_attachments",
                "link_days",
                "after_sending",
                "logs_success",
                "uses_order_smtp",
                "writes_orders",
            )
        }
        assert [one.code for one in list_packagings(session, company.id)] == ["GRAL"]


def test_pages_keep_a_packaging_and_a_card_names_it(sqlite_home: Installation, login_as: Any) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        party = make_party(session, company)
        user = make_user(session, is_admin=True)
        base, card = f"/documents/packagings/{company.id}", f"/contacts/{party.id}/details"
    client = login_as(user)
    entered = {
        "code": "liver",
        "has_main": "y",
        "name_pattern": "{FOLIO}",
        "smtp_account_id": "",
        "text_name": "",
        "link_days": "30",
    }
    assert client.post(f"{base}/new", data=entered | {"name_pattern": "{x}"}).status_code == 422
    assert client.post(f"{base}/new", data=entered).status_code == 303
    assert b"{FOLIO}" in client.get(f"{base}/LIVER").data
    assert client.post(base, data={"till_packaging": "LIVER"}).status_code == 303
    assert b"LIVER" in client.get(base).data
    of_party = {"code": party.code, "name": party.name, "is_customer": "y", "language": ""}
    kinds = {"email_kind": "unknown", "billing_email_kind": "unknown"}
    assert client.post(card, data=of_party | kinds | {"packaging": "NONE"}).status_code == 422
    assert client.post(card, data=of_party | kinds | {"packaging": "LIVER,a@x.example"}).status_code == 303
    assert b'value="LIVER,a@x.example"' in client.get(card).data
    assert b"a@x.example" in client.get(f"/contacts/{party.id}").data
