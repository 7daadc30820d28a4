"""The mass-mailing catalogue: rows typed and pasted become contacts and subscriptions (RP-2 to RP-8, RP-16, RP-17)."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.catalogue.checking import CheckedRow, check_lines
from crm_mail.catalogue.lines import read_lines, typed
from crm_mail.catalogue.listing import Receives, list_rows
from crm_mail.catalogue.removing import find_removal, remove_rows, undo_removal
from crm_mail.catalogue.saving import save_lines, save_one
from crm_mail.catalogue.verdicts import Outcome
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, ContactState, Subscription
from crm_mail.permissions import Actor, Permission, PermissionDenied
from tests.factories import make_actor, make_company, make_contact, make_party, outbox_grants

STATEMENT = "account_statement"


def manager(company_id: int | None = None, clearance: int = 0) -> Actor:
    return make_actor(
        clearance,
        is_admin=False,
        user_id=None,
        areas=frozenset({Permission.CONTACTS_MANAGE}),
        grants=outbox_grants(company_id),
    )


def told(rows: list[CheckedRow]) -> list[str]:
    return [row.said.in_words(str) for row in rows]


def shown(session: Session, actor: Actor, company: Company) -> dict[str, list[str]]:
    page = list_rows(session, actor, company.id)
    return {row.party.code: [one.email for one in row.receivers] for row in page.rows}


PASTED = {
    b"SM02\t1006210\ta@x.test; b@x.test\r\nSM02\t1004273\t\r\n": [
        ("SM02", "1006210", "a@x.test; b@x.test"),
        ("SM02", "1004273", ""),
    ],
    b"SM02\t1006210\r\nSM02\t1004273\r\n": [("SM02", "1006210", ""), ("SM02", "1004273", "")],
    b"1006210\ta@x.test\r\n1004273\t\r\n": [("", "1006210", "a@x.test"), ("", "1004273", "")],
    b"1006210\r\n0001004273\r\n": [("", "1006210", ""), ("", "0001004273", "")],
    b"SM02;1;a@x.test;b@x.test\nSM02;7;c@x.test;d@x.test\n": [
        ("SM02", "1", "a@x.test;b@x.test"),
        ("SM02", "7", "c@x.test;d@x.test"),
    ],
    b"\n\nCorreo,Sociedad,No. de Cliente\na@x.test,SM02,7\n": [("SM02", "7", "a@x.test")],
    b"SM02\t7\ta@x.test;b@x.test;c@x.test;d@x.test\n": [("SM02", "7", "a@x.test;b@x.test;c@x.test;d@x.test")],
}


@pytest.mark.parametrize(("pasted", "rows"), PASTED.items())
def test_copied_columns_are_understood_with_and_without_their_names(
    pasted: bytes, rows: list[tuple[str, str, str]]
) -> None:
    assert [(line.company, line.code, line.emails) for line in read_lines(pasted)] == rows


def test_one_row_is_typed_and_says_what_it_did_or_why_not(session: Session) -> None:
    """RP-3, RP-4: the sentences that the manual shows."""
    company, actor = make_company(session, code="SM02"), manager()
    make_party(session, company, code="1006210", name="AGRO EQUIPOS")
    make_party(session, company, code="0001009998")
    make_party(session, company, code="77", is_customer=False, is_supplier=True)
    row = save_one(session, actor, typed("SM02", " 1006210 ", "Ana@X.test; b@x.test ;ana@x.test"))
    assert row.outcome is Outcome.SAVED
    assert told([row]) == ["Saved: account statements go to Ana@x.test; b@x.test."]
    assert shown(session, actor, company) == {"1006210": ["Ana@x.test", "b@x.test"]}
    wrong = [
        save_one(session, actor, typed("SM02", code, emails))
        for code, emails in (("1009999", ""), ("1009998", ""), ("77", ""), ("1006210", "c@x"), ("", ""))
    ]
    assert [row.outcome for row in wrong] == [Outcome.REFUSED] * 5
    words = told(wrong)
    assert words[0] == "Customer 1009999 is not in company SM02."
    assert words[1] == "Customer 1009998 is not in company SM02: did you mean 0001009998?"
    assert words[2] == "77 is a supplier in company SM02, not a customer."
    assert words[3].startswith("“c@x” is not an e-mail address: ")
    assert words[4] == "The row names no customer number."
    contacts = session.scalars(select(Contact).order_by(Contact.id)).all()
    assert [(c.name, c.source, c.privacy_level) for c in contacts] == [("AGRO EQUIPOS", "catalogue", 0)] * 2
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "catalogue.rows.saved")).one()
    assert event.detail["after"] == {"rows": [["1006210", ["Ana@x.test", "b@x.test"]]]}


def test_the_preliminary_list_writes_nothing_and_save_does_what_it_announced(session: Session) -> None:
    """RP-8, RP-16, RP-17: several companies in one paste, the same number in two, repeats put together."""
    one, two = make_company(session, code="SM02"), make_company(session, code="SM03")
    for company in (one, two):
        make_party(session, company, code="7", email=f"own@{company.code.lower()}.test")
    make_party(session, one, code="8")
    party = make_party(session, one, code="9", billing_email="bills@x.test")
    known = make_contact(session, party, (("known@x.test", "ordinary"), ("other@x.test", "ordinary")))
    pasted = (
        "SM02\t7\ta@x.test\nsm03\t7\t\nSM02\t7\ta@x.test\nSM02\t7\tb@x.test\nSM02\t8\t\nXX\t8\t\n"
        "SM02\t9\tother@x.test\nSM02\t1.00621E+06\t\n\t8\te@x.test\n"
    )
    lines, actor = read_lines(pasted.encode()), manager()
    checked = check_lines(session, actor, lines)
    assert session.scalar(select(func.count()).select_from(Subscription)) == 0
    assert told(checked) == [
        "Account statements will go to a@x.test.",
        "No e-mail given: account statements will go to the customer's own address, own@sm03.test.",
        "The same as row 1: nothing more to do.",
        "Account statements will go to b@x.test.",
        "No e-mail given, and customer 8 has no address of its own.",
        "There is no company XX whose contacts you may change.",
        "Account statements will go to other@x.test.",
        "The spreadsheet turned a number into 1.00621E+06: format the column as text and copy it again.",
        "The row names no company.",
    ]
    assert [note.in_words(str) for row in checked for note in row.notes] == [
        "The same customer as row 1: the addresses are put together.",
        "Its billing address bills@x.test receives in place of these.",
    ]
    saved = save_lines(session, actor, lines, one)
    assert [row.outcome.value for row in saved] == [
        "saved", "saved", "skipped", "saved", "refused", "refused", "saved", "refused", "saved",
    ]  # fmt: skip
    page = list_rows(session, actor)
    assert [
        (r.company_code, r.party.code, r.receives, [e.email for e in r.receivers]) for r in page.rows
    ] == [
        ("SM02", "7", Receives.CONTACTS, ["a@x.test", "b@x.test"]),
        ("SM02", "8", Receives.CONTACTS, ["e@x.test"]),
        ("SM02", "9", Receives.BILLING, ["bills@x.test"]),
        ("SM03", "7", Receives.OWN, ["own@sm03.test"]),
    ]
    assert [one.contact_id for one in page.rows[2].entered] == [known.id]  # no second contact for it
    again = save_lines(session, actor, lines, one)
    assert {row.outcome for row in again} == {Outcome.SKIPPED, Outcome.REFUSED}


def test_rows_are_found_by_company_and_number_and_paged(session: Session) -> None:
    one, two = make_company(session, code="SM02"), make_company(session, code="SM03")
    for company in (one, two):
        for code in ("100", "200", "300"):
            make_party(session, company, code=code, email="own@x.test", name=f"Cliente {code}")
    actor = manager()
    pasted = "".join(f"{company.code}\t{code}\n" for company in (one, two) for code in ("100", "200", "300"))
    save_lines(session, actor, read_lines(pasted.encode()))

    def codes(*args: object, **kwargs: int) -> list[tuple[str, str]]:
        page = list_rows(session, actor, *args, **kwargs)  # type: ignore[arg-type]
        return [(row.company_code, row.party.code) for row in page.rows]

    assert codes(two.id) == [("SM03", "100"), ("SM03", "200"), ("SM03", "300")]
    assert codes(None, "200") == [("SM02", "200"), ("SM03", "200")]
    assert codes(one.id, "100, 300") == [("SM02", "100"), ("SM02", "300")]
    assert codes(one.id, "cliente 3") == [("SM02", "300")]
    first = list_rows(session, actor, size=4)
    assert (first.total, first.first, first.last, first.previous_cursor) == (6, 1, 4, None)
    second = list_rows(session, actor, after=int(first.next_cursor or 0), size=4)
    assert [row.party.code for row in second.rows] == ["200", "300"]
    assert (second.first, second.next_cursor) == (5, None)
    back = list_rows(session, actor, before=int(second.previous_cursor or 0), size=4)
    assert [row.party.id for row in back.rows] == [row.party.id for row in first.rows]


def test_a_row_is_removed_and_put_back_whole(session: Session) -> None:
    """RP-6: what was made here goes and comes back; a contact with another use stays in use."""
    company, actor = make_company(session), manager()
    party = make_party(session, company, code="7", email="own@x.test")
    card = make_contact(session, party, (("c@x.test", "pec"),), (f"{STATEMENT}:cc", "invoice"))
    save_one(session, actor, typed(company.code, "7", "a@x.test"))
    before = shown(session, actor, company)
    assert before == {"7": ["a@x.test", "c@x.test"]}
    (change,) = remove_rows(session, actor, [party.id, 999_999])
    assert shown(session, actor, company) == {}
    session.expire_all()
    states = {contact.source: contact.state for contact in session.scalars(select(Contact))}
    assert states == {"": ContactState.ACTIVE, "catalogue": ContactState.INACTIVE}
    assert [s.document_type for s in card.subscriptions] == ["invoice"]
    assert remove_rows(session, actor, [party.id]) == []
    assert find_removal(session, manager(clearance=0), change.id) is change
    assert undo_removal(session, actor, change) == 1
    assert shown(session, actor, company) == before
    assert {s.recipient_kind.value for s in card.subscriptions if s.document_type == STATEMENT} == {"cc"}
    assert find_removal(session, actor, change.id) is None
    save_one(
        session, actor, typed(company.code, "7", "")
    )  # and typed again after a removal: the same contact
    remove_rows(session, actor, [party.id])
    save_one(session, actor, typed(company.code, "7", "a@x.test"))
    assert session.scalar(select(func.count()).where(Contact.source == "catalogue")) == 1


def test_what_a_person_above_the_clearance_receives_is_neither_told_nor_doubled(session: Session) -> None:
    """IT-17: the answers are those of a customer without that contact; no second subscription is made."""
    company, low, high = make_company(session), manager(clearance=1), manager(clearance=3)
    party = make_party(session, company, code="7", email="own@x.test")
    secret = make_contact(
        session, party, (("boss@x.test", "ordinary"),), (STATEMENT,), privacy_level=2, name="The owner"
    )
    assert shown(session, low, company) == {}
    assert shown(session, high, company) == {"7": ["boss@x.test"]}
    row = save_one(session, low, typed(company.code, "7", "boss@x.test"))
    assert told([row]) == ["Saved: account statements go to boss@x.test."]
    assert shown(session, low, company) == {"7": ["boss@x.test"]}
    assert [one.contact for one in list_rows(session, low).rows[0].receivers] == [party.name]
    assert list(session.scalars(select(Subscription.contact_id))) == [secret.id]
    again = save_one(session, low, typed(company.code, "7", "boss@x.test"))
    assert again.outcome is Outcome.SKIPPED
    remove_rows(session, low, [party.id])
    assert shown(session, low, company) == {}
    assert list(session.scalars(select(Subscription.contact_id))) == [secret.id]
    back = save_one(session, low, typed(company.code, "7", "boss@x.test"))
    assert back.outcome is Outcome.SAVED
    assert session.scalar(select(func.count()).where(Contact.source == "catalogue")) == 1
    assert list(session.scalars(select(Subscription.contact_id))) == [secret.id]


def test_who_only_looks_sees_own_companies_and_changes_nothing(session: Session) -> None:
    mine, other = make_company(session), make_company(session)
    for company in (mine, other):
        party = make_party(session, company, code="7")
        make_contact(session, party, None, (STATEMENT,))
    reader = make_actor(3, is_admin=False, grants=outbox_grants(mine.id))
    assert [row.party.company_id for row in list_rows(session, reader).rows] == [mine.id]
    with pytest.raises(PermissionDenied):
        list_rows(session, reader, other.id)
    with pytest.raises(PermissionDenied):
        save_one(session, reader, typed(mine.code, "7", "a@x.test"))
    with pytest.raises(PermissionDenied):
        remove_rows(session, reader, [1])
