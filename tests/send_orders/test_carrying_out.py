"""From a file in the folder to a mail at a real server, and the answer beside the file (issue 6, section 6)."""

import threading
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import select

from crm_mail.companies.models import Packaging
from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.contacts.models import Party
from crm_mail.delivery.models import SenderAccount
from crm_mail.documents.models import Document
from crm_mail.evidence.models import ErrorNotice
from crm_mail.installation import Installation
from crm_mail.outbox.models import MessageDocument, Run
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.states import RunState
from crm_mail.reports.mailing import mail_run_report
from crm_mail.send_orders.models import OrderState, SendOrder
from tests.delivery.servers import FaultyServer
from tests.factories import make_company, make_contact, make_document, make_party
from tests.send_orders.making import (
    TO,
    drop,
    look,
    make_office,
    make_standing,
    messages,
    names,
    order_xml,
    orders,
    watch,
    watcher,
)

PDF = b"%PDF-1.7 the invoice"


def answer_of(path: Path) -> dict[str, str]:
    root = etree.parse(str(path)).getroot()
    return {str(key): str(value) for key, value in root.attrib.items()}


def test_an_order_is_sent_by_a_standing_authorisation_and_answered_beside_its_file(
    home: Installation,
) -> None:
    r"""PM-1, PM-2, PM-3, PM-13: recipient, title, body, attachment from `C:\…`; kept, with the answer beside it."""
    with FaultyServer() as server:
        with home.database.write() as session:
            company, folder = make_office(session, home, port=server.port)
            standing = make_standing(session, company)
            mapping = f"C:\\Trabajo\\proscai\\Envio_Mails\\ = {folder}"
            watch(session, home, company, mapping=mapping, authorisation_id=standing.id)
        (folder / "A123.pdf").write_bytes(PDF)
        drop(
            folder,
            order_xml(title="CFDI A-123 & anexos ñ", files=["C:\\Trabajo\\proscai\\ENVIO_MAILS\\a123.PDF"]),
        )
        assert [(one.verdict, one.state) for one in look(home)] == [("accepted", "outbox")]
        run_worker(home, until_idle=True)
        watcher(home).turn()
        assert mail_run_report(home, messages(home)[0].run_id) == []  # PM-14: a routine success mails nobody
    ((recipients, data),) = server.received
    assert list(recipients) == [TO]
    assert b"a123.PDF" in data
    (row,) = orders(home)
    assert (row.state, row.to_address) == (OrderState.SENT, TO)
    day = next(path for path in (folder / "done").iterdir())
    assert (day / "_CFD_MAIL_REQ_0012_20250115103045.XML").is_file()
    answer = answer_of(day / "_CFD_MAIL_RES_0012_20250115103045.XML")
    assert (answer["state"], answer["id"]) == ("sent", "0012_20250115103045")
    (message,) = messages(home)
    assert message.why["send_order"] == row.id


def test_without_an_authorisation_the_order_waits_for_a_person(home: Installation) -> None:
    """Nothing here sends by itself: the run stands under review, and the file among the accepted ones."""
    with home.database.write() as session:
        _company, folder = make_office(session, home)
    drop(folder)
    look(home)
    with home.database.read() as session:
        assert session.scalars(select(Run.state)).all() == [RunState.REVIEW]
    assert names(folder) == ["accepted/_CFD_MAIL_REQ_0012_20250115103045.XML"]
    assert [one.state for one in orders(home)] == [OrderState.OUTBOX]


@pytest.mark.parametrize(
    ("afterwards", "left"),
    [
        (
            AfterSending.RECYCLE,
            {"recycle/X/A1.pdf", "recycle/X/_CFD_MAIL_REQ_1.XML", "recycle/X/_CFD_MAIL_RES_1.XML"},
        ),
        (AfterSending.DELETE, {"done/X/_CFD_MAIL_RES_1.XML"}),
    ],
)
def test_after_sending_order_and_attachments_are_recycled_or_deleted(
    sqlite_home: Installation, afterwards: AfterSending, left: set[str]
) -> None:
    """PM-13: *bandeja de reciclaje* or *eliminar*; a file that another order still names stays."""
    home = sqlite_home
    with FaultyServer() as server:
        with home.database.write() as session:
            company, folder = make_office(session, home, port=server.port)
            standing = make_standing(session, company)
            choices: dict[str, Any] = {"afterwards": afterwards, "settles_files": True, "wait_minutes": 5}
            watch(session, home, company, authorisation_id=standing.id, **choices)
        (folder / "A1.pdf").write_bytes(PDF)
        drop(folder, order_xml(files=["A1.pdf"]), "1")
        look(home)
        run_worker(home, until_idle=True)
        watcher(home).turn()
    found = {"/".join("X" if part[:2] == "20" else part for part in one.split("/")) for one in names(folder)}
    assert found == left


def test_a_missing_attachment_is_waited_for_and_then_reported(sqlite_home: Installation) -> None:
    """PM-26, PM-19: it comes: sent; it does not: quarantine with the reason, and the error address hears of it."""
    home = sqlite_home
    with home.database.write() as session:
        _company, folder = make_office(session, home, wait_minutes=10)
    drop(folder, order_xml(files=["late.pdf"]), "1")
    drop(folder, order_xml(files=["never.pdf"]), "2")
    look(home)
    assert [one.state for one in orders(home)] == [OrderState.WAITING, OrderState.WAITING]
    (folder / "late.pdf").write_bytes(PDF)
    _let_time_pass(home, "look_at")
    look(home)
    assert [one.state for one in orders(home)] == [OrderState.OUTBOX, OrderState.WAITING]
    _let_time_pass(home, "look_at", "wait_until")
    look(home)
    refused = orders(home)[1]
    assert (refused.state, refused.problem) == (OrderState.REFUSED, "file_missing")
    assert "quarantine/_CFD_MAIL_REQ_2.XML.reason.txt" in names(folder)
    assert "never.pdf" in (folder / "quarantine/_CFD_MAIL_REQ_2.XML.reason.txt").read_text()
    assert answer_of(folder / "quarantine/_CFD_MAIL_RES_2.XML")["state"] == "refused"
    with home.database.read() as session:
        notice = session.scalars(select(ErrorNotice)).one()
    assert (notice.cause, notice.waiting) == ("send_order", 1)
    assert look(home) == []  # it never loops


def _let_time_pass(home: Installation, *columns: str) -> None:
    with home.database.write() as session:
        for row in session.scalars(select(SendOrder).where(SendOrder.state == OrderState.WAITING)):
            for name in columns:
                setattr(row, name, row.received_at)


HOSTILE = {
    "1": b"<MailRequest><To>a@x.example</To><Subject>cut off",
    "2": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><MailRequest><To>a@x.example</To>'
    b"<Subject>&a;</Subject></MailRequest>",
    "3": b"\x00\x01\x02 not xml",
    "4": b"",
    "5": order_xml(files=["../../../etc/passwd"]),
    "6": order_xml(files=["C:\\Windows\\win.ini"]),
    "7": order_xml(files=["/etc/passwd"]),
    "8": order_xml(to="no address"),
    "9": order_xml(to="stranger@nowhere.example"),
    "a": order_xml(files=["link.pdf"]),
    "b": order_xml(to="a@x.example\r\nBcc: b@x.example"),
}


def test_corrupt_and_hostile_files_go_to_quarantine_once_and_the_good_one_is_carried_out(
    home: Installation,
) -> None:
    """PM-26: each with its reason; nothing outside the allowed folders is read."""
    with home.database.write() as session:
        _company, folder = make_office(session, home)
    secret = folder.parent.parent / "secret.pdf"
    secret.write_bytes(b"%PDF secret")
    (folder / "link.pdf").symlink_to(secret)
    for id_, data in HOSTILE.items():
        drop(folder, data, id_)
    (folder / "_CFD_MAIL_REQ_pipe.XML").symlink_to(secret)
    drop(folder, None, "good")
    reports = look(home)
    verdicts = {one.name: one.verdict for one in reports}
    assert verdicts.pop("_CFD_MAIL_REQ_good.XML") == "accepted"
    assert set(verdicts.values()) == {"refused"}
    assert len(verdicts) == len(HOSTILE) + 1
    problems = {one.order_id: one.problem for one in orders(home) if one.problem}
    assert problems == {
        "1": "broken_xml",
        "2": "hostile_xml",
        "3": "broken_xml",
        "4": "empty_file",
        "5": "path_outside",
        "6": "path_outside",
        "7": "path_outside",
        "8": "bad_address",
        "9": "unknown_recipient",
        "a": "path_outside",
        "b": "bad_address",
        "pipe": "not_a_file",
    }
    assert all((folder / "quarantine" / f"_CFD_MAIL_REQ_{id_}.XML.reason.txt").is_file() for id_ in problems)
    assert [one.to_address for one in messages(home)] == [TO]
    assert look(home) == []


def test_a_corrected_order_may_come_again_with_its_id_but_another_one_may_not_take_it(
    home: Installation,
) -> None:
    with home.database.write() as session:
        _company, folder = make_office(session, home)
    drop(folder, order_xml(to="no address"), "1")
    look(home)
    drop(folder, order_xml(), "1")
    assert [one.verdict for one in look(home)] == ["accepted"]
    drop(folder, order_xml(), "1")
    assert [one.verdict for one in look(home)] == ["repeated"]
    (folder / "_cfd_mail_req_1.xml").write_bytes(order_xml())
    assert [one.verdict for one in look(home)] == ["repeated"]
    drop(folder, order_xml(title="twins"), "2")
    (folder / "_cfd_mail_req_2.xml").write_bytes(order_xml(title="twins"))
    assert sorted(one.verdict for one in look(home)) == ["accepted", "repeated"]
    drop(folder, order_xml(title="something else"), "1")
    assert [one.verdict for one in look(home)] == ["refused"]
    assert len(messages(home)) == 2
    assert [one.state for one in orders(home)] == [OrderState.OUTBOX, OrderState.OUTBOX]


def test_orders_are_linked_to_the_documents_they_carry_or_name(home: Installation) -> None:
    """By the bytes of an attachment, by fiscal UUID, by number; and no document goes to another party's contact."""
    uuid = "6F5A4E9B-0C1D-4E2F-8A3B-112233445566"
    with home.database.write() as session:
        company, folder = make_office(session, home)
        other = make_party(session, company, code="OTRO")
        make_contact(session, other, (("otro@otro.example", "ordinary"),))
        party = session.scalars(select(Party).where(Party.code == "CEDIMU")).one()
        digest = home.store.put(PDF)
        by_bytes = make_document(session, party, files=(("A1.pdf", digest, len(PDF)),)).id
        by_uuid = make_document(session, party, data={"legal": {"uuid": uuid}}).id
        by_number = make_document(session, party, number="A-77").id
    (folder / "A1.pdf").write_bytes(PDF)
    (folder / "A2.xml").write_text(f'<c:Comprobante xmlns:c="x"><t UUID="{uuid.lower()}"/></c:Comprobante>')
    drop(folder, order_xml(files=["A1.pdf"]), "1")
    drop(folder, order_xml(files=["A2.xml"]), "2")
    drop(folder, order_xml(more='<document number="A-77" type="invoice"/>'), "3")
    drop(folder, order_xml(to="otro@otro.example", files=["A1.pdf"]), "4")
    drop(folder, order_xml(to="unheard-of@cedimu.example", files=["A1.pdf"]), "5")
    look(home)
    linked = {one.order_id: one.document_ids for one in orders(home)}
    assert linked == {"1": [by_bytes], "2": [by_uuid], "3": [by_number], "4": [], "5": [by_bytes]}
    assert {one.order_id: one.problem for one in orders(home)}["4"] == "other_party"
    with home.database.read() as session:
        carried = session.execute(select(MessageDocument.message_id, MessageDocument.document_id)).all()
    assert sorted(document for _message, document in carried) == sorted(
        [by_bytes, by_bytes, by_uuid, by_number]
    )


def test_an_order_that_names_a_document_and_nobody_goes_to_whom_the_customer_wants(
    home: Installation,
) -> None:
    """PM-4, PM-15: subscriptions, texts and packaging decide, as for every run."""
    with home.database.write() as session:
        company, folder = make_office(session, home)
        party = make_party(session, company)
        make_contact(session, party, (("cxp@x.example", "ordinary"),), subscriptions=("invoice",))
        digest = home.store.put(PDF)
        document = make_document(session, party, files=(("A1.pdf", digest, len(PDF)),)).id
    drop(folder, f'<send-order><document id="{document}"/></send-order>'.encode(), "1")
    look(home)
    watcher(home).turn()
    (message,) = messages(home)
    assert (message.to_address, message.document_types) == ("cxp@x.example", "invoice")
    (row,) = orders(home)
    assert (row.state, row.document_ids) == (OrderState.OUTBOX, [document])


def test_the_server_in_the_file_is_used_only_where_the_packaging_allows_it(home: Installation) -> None:
    """PM-3, PM-9, PM-10, PM-27: else the company's own account; the password is kept encrypted, never in clear."""
    smtp = (
        "<From>facturas@demo.example</From><Smtp><Host>smtp.demo.example</Host><Port>587</Port>"
        "<User>facturas</User><Password>geheim-ñ</Password><TimeOut>10</TimeOut></Smtp>"
        "<ReplyTo>cobranza@demo.example</ReplyTo>"
    )
    with home.database.write() as session:
        company, folder = make_office(session, home)
        session.add(Packaging(company_id=company.id, code="PROPIO", uses_order_smtp=True))
        session.add(Packaging(company_id=company.id, code="LENTO", timeout_seconds=300))
    drop(folder, order_xml(more=smtp), "1")
    drop(folder, order_xml(more=f"{smtp}<Empaquetado>PROPIO</Empaquetado>"), "2")
    drop(
        folder,
        order_xml(more=f"{smtp.replace('587', '25')}<Ssl>none</Ssl><Empaquetado>PROPIO</Empaquetado>"),
        "3",
    )
    drop(folder, order_xml(more=f"{smtp}<Empaquetado>LENTO</Empaquetado>"), "4")
    look(home)
    with home.database.read() as session:
        accounts = {one.id: one for one in session.scalars(select(SenderAccount))}
        used = [accounts[one.account_id].host for one in messages(home) if one.account_id]
        own = next(one for one in accounts.values() if one.host == "smtp.demo.example")
    assert used == ["127.0.0.1", "smtp.demo.example", "127.0.0.1"]
    assert [one.timeout_seconds for one in messages(home)] == [0, 600, 300]  # PM-10
    assert {one.reply_to for one in messages(home)} == {"cobranza@demo.example"}
    assert [one.problem for one in orders(home)] == ["", "", "server_open", ""]
    assert own.secret is not None
    assert b"geheim" not in own.secret
    assert home.decrypt(own.secret) == "geheim-ñ"
    assert (own.security.value, own.is_default) == ("starttls", False)


def test_several_companies_share_one_mailer_and_none_reads_the_others_files(
    sqlite_home: Installation,
) -> None:
    """PM-22, PM-24: each its folder inside MAILER_DIR; an attachment in another company's folder is out of bounds."""
    home = sqlite_home
    with home.database.write() as session:
        _first, one = make_office(session, home)
        second, two = make_office(session, home)
        (two / "theirs.pdf").write_bytes(PDF)
        third = make_company(session)
        root = home.settings.resolved_mailer_dir
        third_folder = watch(session, home, third, path="", mapping=f"X:\\ = {root}", stranger_party="")
        make_contact(session, make_party(session, third), (("c@third.example", "ordinary"),))
    assert third_folder == root.resolve()
    drop(one, order_xml(files=[str(two / "theirs.pdf")]), "1")
    drop(root, order_xml(to="c@third.example", files=[f"X:\\{second.code}\\theirs.pdf"]), "2")
    drop(two, order_xml(files=["theirs.pdf"]), "3")
    look(home)
    assert {one.order_id: (one.state.value, one.problem) for one in orders(home)} == {
        "1": ("refused", "path_outside"),
        "2": ("refused", "path_outside"),
        "3": ("outbox", ""),
    }


def test_what_a_person_must_look_at_does_not_hold_up_the_other_orders(home: Installation) -> None:
    """A blocked message gets a run of its own: the standing authorisation lets the others go."""
    with home.database.write() as session:
        company, folder = make_office(session, home)
        standing = make_standing(session, company, most_per_run=2)
        watch(session, home, company, authorisation_id=standing.id)
        make_contact(session, make_party(session, company), (("pec@pec.example", "pec"),))  # no PEC account
    for number in range(5):
        drop(folder, order_xml(title=f"order {number}"), str(number))
    drop(folder, order_xml(to="pec@pec.example"), "pec")
    look(home)
    with home.database.read() as session:
        runs = session.execute(select(Run.id, Run.state)).all()
    by_run: dict[int, int] = {}
    for message in messages(home):
        by_run[message.run_id] = by_run.get(message.run_id, 0) + 1
    assert max(by_run.values()) == 2  # no run is larger than the authorisation allows
    assert sorted(by_run[run.id] for run in runs if run.state is RunState.COMMITTED) == [1, 2, 2]
    assert [by_run[run.id] for run in runs if run.state is RunState.REVIEW] == [1]


def test_pictures_in_the_html_travel_inside_the_message(sqlite_home: Installation) -> None:
    """PM-11, PM-12: `HTML` begins an HTML body; a picture by its path, accents and `& < > " '` as they are."""
    home = sqlite_home
    png = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
    with home.database.write() as session:
        _company, folder = make_office(session, home)
    (folder / "logo.png").write_bytes(png)
    body = 'HTML <html><body><h1>Ñandú &amp; "Cía" \'x\' &lt; y</h1><img src="logo.png"></body></html>'
    drop(folder, order_xml(title="Peña & Cía <\"'>", body=body))
    look(home)
    (message,) = messages(home)
    assert message.subject == "Peña & Cía <\"'>"
    assert 'src="cid:picture-1"' in message.content.body_html
    assert "Ñandú & \"Cía\" 'x' < y" in message.content.body_text
    assert [(file.name, file.mime) for file in message.files] == [("logo.png", "image/png")]


@pytest.mark.postgres
def test_two_watchers_on_one_folder_take_each_order_once(home: Installation) -> None:
    """Any number of workers share a folder: the rename decides (PM-1)."""
    with home.database.write() as session:
        _company, folder = make_office(session, home)
    for number in range(60):
        drop(folder, order_xml(title=f"order {number}"), f"{number:03}")
    workers = [watcher(home), watcher(home)]
    for _ in range(2):
        threads = [threading.Thread(target=one.turn) for one in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(messages(home)) == 60
    assert len({one.subject for one in messages(home)}) == 60
    assert len(names(folder / "accepted")) == 60
    with home.database.read() as session:
        assert session.scalars(select(Document)).all() == []
