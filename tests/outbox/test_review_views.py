"""The review pages: who may see and change what, lists, selection, decisions, files; on real rows and real PDFs."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.documents.models import Document
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageContent, MessageRevision, Run, Selection
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Permission
from tests.factories import make_account, make_company, make_contact, make_party, make_user
from tests.outbox.preparing import prepare
from tests.outbox.reviewing import actor_of, add_file, document_with_pdf, reviewer

Login = Callable[..., FlaskClient]


@pytest.fixture
def session(sqlite_home: Installation) -> Iterator[Session]:
    """A session beside the application's own: it reads without holding anybody up."""
    with sqlite_home.database.reading() as session:
        yield session
        session.rollback()


@pytest.fixture
def office(session: Session, sqlite_home: Installation) -> Run:
    """Three messages: to a contact everybody sees, to a confidential one, and one without an address."""
    company = make_company(session)
    make_account(session, company, name="Office")
    store = sqlite_home.store
    first = make_party(session, company, name="Núñez S.L.")
    make_contact(session, first, (("n@customer.example", "ordinary"),), ("invoice",))
    add_file(session, document_with_pdf(session, store, first, "1"), store, "data.xml", b"<x/>", "text/xml")
    secret = make_party(session, company, name="Secret Party")
    make_contact(session, secret, (("s@customer.example", "ordinary"),), ("invoice",), privacy_level=3)
    document_with_pdf(session, store, secret, "2")
    document_with_pdf(session, store, make_party(session, company, name="No Address"), "3")
    user = reviewer(session)
    run = prepare(session, actor_of(user), company, store.has)
    session.commit()
    return run


def messages(session: Session, run: Run) -> list[Message]:
    session.rollback()
    session.expire_all()
    return list(session.scalars(select(Message).where(Message.run_id == run.id).order_by(Message.id)))


def sign_in(login_as: Login, session: Session, **values: Any) -> FlaskClient:
    session.rollback()
    user = reviewer(session, **values)
    session.commit()
    return login_as(user)


def paths(run: Run, message: Message) -> list[str]:
    one = f"/outbox/{run.id}/messages/{message.id}"
    parts = ["", "/body", "/source", "/files/0", "/edit"]
    lists = [f"/outbox/{run.id}", f"/outbox/{run.id}/matching", f"/outbox/{run.id}/left-out"]
    return lists + [one + part for part in parts]


def test_a_guest_is_sent_to_the_login(client: FlaskClient, session: Session, office: Run) -> None:
    for path in paths(office, messages(session, office)[0]):
        assert client.get(path).status_code in (302, 303, 401), path


def test_a_reviewer_sees_every_page(login_as: Login, session: Session, office: Run) -> None:
    browser = sign_in(login_as, session)
    for path in paths(office, messages(session, office)[0]):
        assert browser.get(path).status_code == 200, path


def test_a_run_of_another_company_does_not_exist(login_as: Login, session: Session, office: Run) -> None:
    company = make_company(session)
    session.commit()
    browser = sign_in(login_as, session, company=company)
    message = messages(session, office)[0]
    for path in paths(office, message):
        assert browser.get(path).status_code == 404, path
    assert browser.post(f"/outbox/{office.id}/messages", data={"action": "exclude"}).status_code == 404
    assert browser.post(f"/outbox/{office.id}/messages/{message.id}/decision").status_code == 404


def test_a_message_above_the_clearance_does_not_exist(login_as: Login, session: Session, office: Run) -> None:
    browser = sign_in(login_as, session, clearance=2)
    secret = next(m for m in messages(session, office) if m.privacy_level == 3)
    for path in paths(office, secret)[3:]:
        assert browser.get(path).status_code == 404, path
    page = browser.get(f"/outbox/{office.id}").text
    assert "Secret Party" not in page
    assert "2 messages" in page


def test_who_may_only_prepare_looks_but_changes_nothing(
    login_as: Login, session: Session, office: Run
) -> None:
    user = make_user(session, grants=[(Permission.OUTBOX_PREPARE, "*", None)], clearance=3, language="en")
    session.commit()
    browser = login_as(user)
    message = messages(session, office)[0]
    page = browser.get(f"/outbox/{office.id}?open={message.id}").text
    assert "data-select-row" not in page
    assert "Approve and next" not in page
    assert (
        browser.post(
            f"/outbox/{office.id}/messages", data={"ids": message.id, "action": "exclude"}
        ).status_code
        == 403
    )
    one = f"/outbox/{office.id}/messages/{message.id}"
    assert browser.get(f"{one}/edit").status_code == 403
    assert browser.post(f"{one}/decision", data={"action": "exclude"}).status_code == 403


def test_the_right_for_one_type_does_not_change_a_run_of_another(
    login_as: Login, session: Session, office: Run
) -> None:
    rights = [(Permission.OUTBOX_REVIEW, "quote", None), (Permission.OUTBOX_PREPARE, "invoice", None)]
    user = make_user(session, grants=rights, clearance=3)
    session.commit()
    message = messages(session, office)[0]
    answer = login_as(user).post(
        f"/outbox/{office.id}/messages", data={"ids": message.id, "action": "exclude"}
    )
    assert answer.status_code == 403
    assert messages(session, office)[0].state is MessageState.PENDING


def test_a_file_belongs_to_its_message_and_to_no_other(
    login_as: Login, session: Session, office: Run
) -> None:
    """Law 7: files are named by their place in a message that the person may see, never by their hash."""
    browser = sign_in(login_as, session)
    first, _secret, last = messages(session, office)
    answer = browser.get(f"/outbox/{office.id}/messages/{first.id}/files/0")
    assert answer.mimetype == "application/pdf"
    assert b"Fattura 1" in answer.data
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert browser.get(f"/outbox/{office.id}/messages/{last.id}/files/1").status_code == 404
    session.rollback()
    other = prepare(session, actor_of(reviewer(session)), make_company(session))
    session.commit()
    assert browser.get(f"/outbox/{other.id}/messages/{first.id}/files/0").status_code == 404


def test_what_is_no_pdf_is_downloaded(login_as: Login, session: Session, office: Run) -> None:
    answer = sign_in(login_as, session).get(
        f"/outbox/{office.id}/messages/{messages(session, office)[0].id}/files/1"
    )
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.mimetype == "application/octet-stream"


def test_a_file_that_only_calls_itself_pdf_is_downloaded(
    login_as: Login, session: Session, office: Run, sqlite_home: Installation
) -> None:
    message = messages(session, office)[0]
    message.files[0].sha256 = sqlite_home.store.put(b"<html><script>alert(1)</script>")
    session.commit()
    answer = sign_in(login_as, session).get(f"/outbox/{office.id}/messages/{message.id}/files/0")
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_body_cannot_run_anything(login_as: Login, session: Session, office: Run) -> None:
    answer = sign_in(login_as, session).get(
        f"/outbox/{office.id}/messages/{messages(session, office)[0].id}/body"
    )
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_source_is_the_message_with_its_files(login_as: Login, session: Session, office: Run) -> None:
    answer = sign_in(login_as, session).get(
        f"/outbox/{office.id}/messages/{messages(session, office)[0].id}/source"
    )
    assert answer.mimetype == "message/rfc822"
    assert b"To: n@customer.example\r\n" in answer.data
    assert b"application/pdf" in answer.data


def test_counts_and_blockers_stand_at_the_top(login_as: Login, session: Session, office: Run) -> None:
    page = sign_in(login_as, session).get(f"/outbox/{office.id}").text
    assert "Send 2 messages" in page
    assert "1 blocked" in page
    blocked = sign_in(login_as, session).get(f"/outbox/{office.id}?state=blocked").text
    assert "No Address" in blocked
    assert "Secret Party" not in blocked


def test_a_blocker_stands_beside_its_remedy(login_as: Login, session: Session, office: Run) -> None:
    """BX-6."""
    message = messages(session, office)[2]
    page = sign_in(login_as, session).get(f"/outbox/{office.id}/messages/{message.id}").text
    assert "There is no address to send this message to." in page
    assert f"/messages/{message.id}/edit?part=to_address" in page
    assert "Check again" in page


def test_every_tab_has_an_address(login_as: Login, session: Session, office: Run) -> None:
    browser = sign_in(login_as, session)
    message = messages(session, office)[0]
    one = f"/outbox/{office.id}/messages/{message.id}"
    assert "sandbox" in browser.get(f"{one}?tab=message").text
    assert "Núñez" in browser.get(f"{one}?tab=text").text
    assert f"{one}/files/0" in browser.get(f"{one}?tab=file-0").text
    assert "To: n@customer.example" in browser.get(f"{one}?tab=headers").text
    assert "is set to receive these documents" in browser.get(f"{one}?tab=why").text
    assert browser.get(f"{one}?tab=history").status_code == 200


def test_ticked_rows_are_left_out_with_a_reason_and_undo_puts_them_back(
    login_as: Login, session: Session, office: Run
) -> None:
    browser = sign_in(login_as, session)
    ids = [m.id for m in messages(session, office)]
    data = {"action": "exclude", "reason": "not yet", "ids": ids[:2], "scope": "page"}
    page = browser.post(f"/outbox/{office.id}/messages", data=data, follow_redirects=True).text
    assert "2 messages left out." in page
    assert [m.withheld_reason for m in messages(session, office)] == ["not yet", "not yet", ""]
    undo = re.search(r'action="(/outbox/\d+/actions/\d+/undo)"', page)
    assert undo is not None
    browser.post(undo[1], follow_redirects=True)
    assert {m.state for m in messages(session, office)} == {MessageState.PENDING}


def test_a_dialog_is_told_how_many_messages_an_action_touches(
    login_as: Login, session: Session, office: Run
) -> None:
    browser = sign_in(login_as, session)
    first, *others = messages(session, office)
    ask = f"/outbox/{office.id}/affected?act=language"
    data = {"ids": [first.id, *(one.id for one in others)], "language": first.language}
    same = sum(one.language == first.language for one in (first, *others))
    page = browser.post(ask, data=data).text
    assert f"{len(others) + 1 - same} of the selected messages" in page or same == len(others) + 1
    assert "like this already" in page
    assert browser.post(f"/outbox/{office.id}/affected?act=nonsense", data=data).status_code == 404


def test_the_chosen_rows_come_as_a_file_in_which_nothing_is_a_formula(
    login_as: Login, session: Session, office: Run
) -> None:
    """OWASP, CSV injection: a name that begins with = stays a name."""
    session.rollback()
    one, two, _three = messages(session, office)
    one.party_name, ids = "=1+1", [one.id, two.id]
    session.commit()
    browser = sign_in(login_as, session)
    address = f"/outbox/{office.id}/messages"
    answer = browser.post(address, data={"action": "csv", "ids": ids}, buffered=True)
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["Name"] for row in rows] == ["'=1+1", two.party_name]
    assert rows[1]["To"] == two.to_address
    answer = browser.post(address, data={"action": "xlsx", "ids": ids}, buffered=True)
    book = load_workbook(io.BytesIO(answer.data))
    cells = list(book["Messages"].iter_rows(values_only=True))
    assert len(cells) == 3
    assert book["Messages"]["G2"].data_type == "s"
    exported = select(AuditEvent.detail).where(AuditEvent.action == "outbox.messages.exported")
    assert [one["count"] for one in session.scalars(exported)] == [2, 2]


def test_columns_and_rows_of_a_page_stay_as_they_were_chosen(
    login_as: Login, session: Session, office: Run
) -> None:
    browser = sign_in(login_as, session)
    address = f"/outbox/{office.id}"
    assert 'data-label="Subject"' in browser.get(address).text
    browser.post(f"{address}/columns", data={"columns": ["to", "city", "nonsense"]})
    browser.get(f"{address}?size=100")
    page = browser.get(address).text
    assert 'data-label="City"' in page
    assert 'data-label="Subject"' not in page
    assert '<span aria-current="true">100</span>' in page
    browser.post(f"{address}/columns", data={"usual": "yes"})
    assert 'data-label="Subject"' in browser.get(address).text


def test_somebody_else_cannot_undo_my_action(login_as: Login, session: Session, office: Run) -> None:
    mine, other = sign_in(login_as, session), sign_in(login_as, session)
    page = mine.post(
        f"/outbox/{office.id}/messages",
        data={"action": "exclude", "ids": messages(session, office)[0].id},
        follow_redirects=True,
    ).text
    undo = re.search(r'action="(/outbox/\d+/actions/\d+/undo)"', page)
    assert undo is not None
    other.post(undo[1])
    assert messages(session, office)[0].state is MessageState.WITHHELD


def test_everything_that_matches_is_selected_on_the_server_but_for_what_is_unticked(
    login_as: Login, session: Session, office: Run
) -> None:
    """RP-10: the post carries the page's ids at most."""
    browser = sign_in(login_as, session)
    ids = [m.id for m in messages(session, office)]
    where = "?state=pending"
    browser.post(f"/outbox/{office.id}/selection{where}", data={"action": "all"})
    data = {"ids": ids[:2], "shown": ids}
    bar = browser.post(f"/outbox/{office.id}/selection{where}", data=data, headers={"HX-Request": "true"})
    assert "2 selected" in bar.text
    session.rollback()
    assert session.scalars(select(Selection.exceptions)).one() == [ids[2]]
    data = {"action": "exclude", "scope": "all", "ids": ids[:2], "shown": ids}
    browser.post(f"/outbox/{office.id}/messages{where}", data=data)
    assert [m.state.value for m in messages(session, office)] == ["withheld", "withheld", "pending"]
    assert session.scalars(select(Selection)).all() == [], "an action ends the selection"


def test_all_without_a_selection_on_the_server_changes_nothing(
    login_as: Login, session: Session, office: Run
) -> None:
    browser = sign_in(login_as, session)
    browser.post(f"/outbox/{office.id}/messages", data={"action": "exclude", "scope": "all"})
    assert {m.state for m in messages(session, office)} == {MessageState.PENDING}


def test_approve_goes_to_the_next_message_of_the_filter(
    login_as: Login, session: Session, office: Run
) -> None:
    browser = sign_in(login_as, session)
    first, second, _last = messages(session, office)
    decision = f"/outbox/{office.id}/messages/{first.id}/decision?state=ready"
    answer = browser.post(decision, data={"action": "approve"})
    assert answer.status_code == 303
    assert f"open={second.id}" in answer.location
    assert "state=ready" in answer.location
    assert messages(session, office)[0].is_approved


def test_the_pane_answers_with_the_next_message_and_the_changed_row(
    login_as: Login, session: Session, office: Run
) -> None:
    browser = sign_in(login_as, session)
    first, second, _last = messages(session, office)
    answer = browser.post(
        f"/outbox/{office.id}/messages/{first.id}/decision",
        data={"action": "exclude"},
        headers={"HX-Request": "true"},
    )
    assert f'data-message="{second.id}"' in answer.text
    assert re.search(rf'id="row-{first.id}"[^>]*hx-swap-oob', answer.text)
    assert "Send 1 message…" in answer.text
    assert "<html" not in answer.text


def test_a_run_that_left_the_review_says_so_and_changes_nothing(
    login_as: Login, session: Session, office: Run
) -> None:
    session.get_one(Run, office.id).state = RunState.SENDING
    session.commit()
    browser = sign_in(login_as, session)
    data = {"action": "exclude", "ids": messages(session, office)[0].id}
    page = browser.post(f"/outbox/{office.id}/messages", data=data, follow_redirects=True).text
    assert "no longer under review" in page
    assert messages(session, office)[0].state is MessageState.PENDING


def form_of(page: str) -> dict[str, str]:
    """What the edit form shows."""
    fields = dict(re.findall(r'<input[^>]*name="(to_address|cc|subject|seen)"[^>]*value="([^"]*)"', page))
    text = re.search(r'<textarea[^>]*name="body_text"[^>]*>\r?\n?(.*?)</textarea>', page, re.DOTALL)
    assert text is not None
    return fields | {"body_text": text[1], "to_kind": "ordinary"}


def test_a_correction_is_kept_with_what_it_replaced(login_as: Login, session: Session, office: Run) -> None:
    browser = sign_in(login_as, session)
    message = messages(session, office)[0]
    edit = f"/outbox/{office.id}/messages/{message.id}/edit"
    form = form_of(browser.get(edit).text) | {"subject": "A better subject", "body_text": "Hello"}
    assert browser.post(edit, data=form).status_code == 303
    after = messages(session, office)[0]
    assert (after.subject, after.is_edited, after.revision) == ("A better subject", True, 2)
    content = session.get_one(MessageContent, message.id)
    assert content.body_text == "Hello"
    assert ">Hello</p>" in content.body_html, "the formatted text says the same"
    revision = session.scalars(select(MessageRevision)).one()
    browser.post(
        f"/outbox/{office.id}/messages/{message.id}/revisions/{revision.id}/restore", data={"seen": "2"}
    )
    assert messages(session, office)[0].subject == revision.subject


def test_who_comes_second_keeps_the_own_text_and_sees_the_other_one(
    login_as: Login, session: Session, office: Run
) -> None:
    first, second = sign_in(login_as, session, name="Bruno"), sign_in(login_as, session)
    edit = f"/outbox/{office.id}/messages/{messages(session, office)[0].id}/edit"
    theirs, mine = form_of(first.get(edit).text), form_of(second.get(edit).text)
    first.post(edit, data=theirs | {"subject": "Written by Bruno"})
    answer = second.post(edit, data=mine | {"subject": "Written by me"})
    assert answer.status_code == 422
    assert "Bruno changed this message" in answer.text
    assert "Written by Bruno" in answer.text
    assert 'value="Written by me"' in answer.text
    assert messages(session, office)[0].subject == "Written by Bruno"
    assert second.post(edit, data=form_of(answer.text) | {"subject": "Written by me"}).status_code == 303
    assert messages(session, office)[0].subject == "Written by me"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": "Hello\r\nBcc: everybody@evil.example"}, "line break"),
        ({"subject": "  "}, "subject is empty"),
        ({"subject": "x" * 501}, "longer than 500"),
        ({"to_address": "a@customer.example\r\nBcc: x@evil.example"}, "not an e-mail address"),
        ({"to_address": ""}, "Enter an address"),
        ({"to_address": "nonsense"}, "not an e-mail address"),
        ({"cc": "fine@customer.example; broken@"}, "not an e-mail address"),
        ({"cc": "copy@customer.example", "to_kind": "pec"}, "one recipient only"),
        ({"account_id": "99999"}, "cannot be used"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_its_field(
    login_as: Login, session: Session, office: Run, change: dict[str, str], said: str
) -> None:
    """Header injection among it (RFC 5322 2.2): a line break in a subject or address would add headers."""
    browser = sign_in(login_as, session)
    edit = f"/outbox/{office.id}/messages/{messages(session, office)[0].id}/edit"
    answer = browser.post(edit, data=form_of(browser.get(edit).text) | change)
    assert answer.status_code == 422
    assert said in answer.text
    after = messages(session, office)[0]
    assert (after.revision, after.is_edited, after.cc) == (1, False, [])


def test_scripts_do_not_survive_in_a_body(login_as: Login, session: Session, office: Run) -> None:
    browser = sign_in(login_as, session)
    message = messages(session, office)[0]
    edit = f"/outbox/{office.id}/messages/{message.id}/edit"
    html = '<p onclick="x()">Hi<script>alert(1)</script><a href="javascript:x">y</a></p>'
    browser.post(edit, data=form_of(browser.get(edit).text) | {"body_html": html})
    session.rollback()
    body = session.get_one(MessageContent, message.id).body_html
    assert "Hi" in body
    assert not re.search(r"script|onclick|javascript", body)


def test_the_list_of_what_was_left_out_gives_reasons(login_as: Login, session: Session, office: Run) -> None:
    session.rollback()
    party = make_party(session, office.company, name="Self billed")
    document = document_with_pdf_not_mailable(session, party)
    run = prepare(session, actor_of(reviewer(session)), office.company)
    session.commit()
    page = sign_in(login_as, session).get(f"/outbox/{run.id}/left-out").text
    assert "Not to be mailed" in page
    assert "Self billed" in page
    assert document.number in page


def document_with_pdf_not_mailable(session: Session, party: Any) -> Document:
    from tests.factories import make_document

    return make_document(session, party, number="TD17-1", is_mailable=False, not_mailable_reason="TD17")
