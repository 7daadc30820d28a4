"""From due documents to messages: channel, bundling, splitting by size, what blocks a row, what warns."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import AccountSource
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.db import now
from crm_mail.delivery.domains.registries import import_registry
from crm_mail.delivery.domains.registry_file import read_registry
from crm_mail.delivery.models import AddressVerdict, VerdictSource
from crm_mail.delivery.routing import AddressKind, Channel, ChannelPreference
from crm_mail.documents.models import MessageText
from crm_mail.outbox.committing.commit import commit_run
from crm_mail.outbox.history import states_of_documents
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.prepare import (
    RunNotPreparing,
    create_run,
    criteria_for_documents,
    fill_run,
    preview_run,
)
from crm_mail.outbox.reviewing.editing import Correction, edit_message
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import PermissionDenied
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_document,
    make_party,
    make_user,
    outbox_grants,
)
from tests.outbox.preparing import attached, codes, criteria_for, decide, left_out, prepare, receivers, rows

MEGABYTE = 1024 * 1024
BOTH = (("ordinary@customer.example", "ordinary"), ("legal@pec.example", "pec"))


@pytest.mark.parametrize(
    ("preference", "address", "channel"),
    [
        (ChannelPreference.PEC_FIRST, "legal@pec.example", Channel.PEC),
        (ChannelPreference.PEC_ONLY, "legal@pec.example", Channel.PEC),
        (ChannelPreference.ORDINARY_ONLY, "ordinary@customer.example", Channel.SMTP),
    ],
)
def test_the_company_prefers_a_channel_for_who_has_both(
    session: Session, preference: ChannelPreference, address: str, channel: Channel
) -> None:
    """IT-18: and the account is a PEC one if and only if the address is PEC."""
    company = make_company(session)
    accounts = {
        Channel.SMTP: make_account(session, company).id,
        Channel.PEC: make_account(session, company, kind="pec").id,
    }
    decide(session, company, channel_preference=preference)
    make_document(session, make_contact(session, make_party(session, company), BOTH, ("invoice",)).party)

    (message,) = rows(session, prepare(session, make_actor(), company))

    assert (message.to_address, message.channel) == (address, channel)
    assert message.account_id == accounts[channel]
    assert message.blockers == 0


@pytest.mark.parametrize(
    ("preference", "kind", "blocker"),
    [
        (ChannelPreference.PEC_ONLY, "ordinary", "pec_required"),
        (ChannelPreference.ORDINARY_ONLY, "pec", "no_ordinary_address"),
    ],
)
def test_an_address_of_the_wrong_kind_blocks_the_row(
    session: Session, preference: ChannelPreference, kind: str, blocker: str
) -> None:
    company = make_company(session)
    make_account(session, company)
    make_account(session, company, kind="pec")
    decide(session, company, channel_preference=preference)
    party = make_party(session, company)
    make_contact(session, party, (("anna@customer.example", kind),), ("invoice",))
    make_document(session, party)

    (message,) = rows(session, prepare(session, make_actor(), company))

    assert codes(message) == {blocker}
    assert (message.blockers, message.to_address, message.first_issue) == (1, "", blocker)


def test_an_address_of_unknown_kind_goes_the_ordinary_way_with_a_warning(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="office@customer.example"))

    (message,) = rows(session, prepare(session, make_actor(), company))

    assert message.channel is Channel.SMTP
    assert (codes(message), message.warnings, message.blockers) == ({"address_kind_unknown"}, 1, 0)


def test_no_address_no_account_and_no_pec_account_block(session: Session) -> None:
    company = make_company(session)
    make_document(session, make_party(session, company, code="1"))
    make_document(session, make_party(session, company, code="2", email="a@x.example", email_kind="ordinary"))
    make_document(session, make_party(session, company, code="3", email="a@pec.example", email_kind="pec"))

    run = prepare(session, make_actor(), company)

    assert {m.party_code: codes(m) for m in rows(session, run)} == {
        "1": {"no_address"},
        "2": {"no_account"},
        "3": {"no_pec_account"},
    }


def test_a_pec_address_never_leaves_by_an_ordinary_account(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="a@pec.example", email_kind="pec"))

    (message,) = rows(session, prepare(session, make_actor(), company))

    assert (codes(message), message.account_id) == ({"no_pec_account"}, None)


def test_documents_of_one_recipient_are_bundled_across_types(session: Session) -> None:
    """BX-7."""
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="a@x.example")
    make_document(session, party, (("one.pdf", "a" * 64, 1),), dated_on=date(2026, 11, 1))
    make_document(session, party, (("two.pdf", "b" * 64, 1),), dated_on=date(2026, 11, 2))
    make_document(
        session, party, (("note.pdf", "c" * 64, 1),), type="delivery_note", dated_on=date(2026, 11, 3)
    )

    (message,) = rows(
        session, prepare(session, make_actor(), company, document_types=("invoice", "delivery_note"))
    )

    assert attached(session, message) == ["one.pdf", "two.pdf", "note.pdf"]
    assert message.document_types == "invoice delivery_note"
    assert (message.document_count, message.file_count, message.size) == (3, 3, 3)


def test_a_type_that_is_not_bundled_gives_a_message_per_document(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    decide(session, company, is_bundled=False)
    party = make_party(session, company, email="a@x.example")
    for _ in range(3):
        make_document(session, party)

    assert [m.document_count for m in rows(session, prepare(session, make_actor(), company))] == [1, 1, 1]


def test_a_bundle_that_is_too_large_is_split_between_documents(session: Session) -> None:
    """Five files of 6 MB do not fit in 20 MB once encoded: two each (8.2 MB encoded)."""
    company = make_company(session, max_message_mb=20)
    make_account(session, company)
    party = make_party(session, company, email="a@x.example")
    for number in range(5):
        make_document(session, party, ((f"{number}.pdf", f"{number:064x}", 6 * MEGABYTE),))

    found = rows(session, prepare(session, make_actor(), company))

    assert [m.document_count for m in found] == [2, 2, 1]
    assert [name for m in found for name in attached(session, m)] == [f"{number}.pdf" for number in range(5)]
    assert all(m.blockers == 0 for m in found)


def test_one_document_that_is_too_large_blocks_its_own_message_only(session: Session) -> None:
    company = make_company(session, max_message_mb=5)
    make_account(session, company)
    party = make_party(session, company, email="a@x.example")
    make_document(session, party, (("large.pdf", "a" * 64, 6 * MEGABYTE),))
    make_document(session, party, (("small.pdf", "b" * 64, 1000),))

    found = {
        attached(session, m)[0]: codes(m) for m in rows(session, prepare(session, make_actor(), company))
    }

    assert "file_too_large" in found["large.pdf"]
    assert "file_too_large" not in found["small.pdf"]


def test_a_document_without_a_file_and_a_lost_file_block(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, code="1", email="a@x.example"), files=())
    lost = make_party(session, company, code="2", email="b@x.example")
    make_document(session, lost, (("lost.pdf", "d" * 64, 10),))

    run = prepare(session, make_actor(), company, has_file=lambda sha256: sha256 != "d" * 64)

    assert all("missing_file" in codes(m) and m.blockers == 1 for m in rows(session, run))
    (issue,) = [i for i in rows(session, run)[1].issues if i.is_blocker]
    assert issue.params == {"file": "lost.pdf"}


def test_a_text_with_an_unknown_field_blocks_and_an_empty_field_warns(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    for document_type, body in (("invoice", "{{ party.nothing }}"), ("quote", "{{ party.agent }}")):
        session.add(
            MessageText(
                company_id=company.id,
                document_type=document_type,
                language="it",
                subject="Documento",
                body_text=body,
            )
        )
    for code, document_type in (("1", "invoice"), ("2", "quote")):
        party = make_party(session, company, code=code, email="a@x.example", email_kind="ordinary")
        make_document(session, party, type=document_type)

    run = prepare(session, make_actor(), company, document_types=("invoice", "quote"))

    invalid, empty = rows(session, run)
    assert "text_invalid" in codes(invalid)
    assert invalid.blockers == 1
    assert next(i for i in invalid.issues if i.code == "text_invalid").params == {
        "problem": "unknown_placeholder",
        "line": 1,
        "name": "party.nothing",
    }
    assert "empty_field" in codes(empty)
    assert empty.blockers == 0


def test_the_text_speaks_the_language_of_the_contact_then_the_party_then_the_company(
    session: Session,
) -> None:
    company = make_company(session, language="it")
    make_account(session, company)
    for code, party_language, contact_language in (("1", "es", "en"), ("2", "es", ""), ("3", "", "")):
        party = make_party(session, company, code=code, language=party_language)
        make_contact(session, party, subscriptions=("invoice",), language=contact_language)
        make_document(session, party)

    found = rows(session, prepare(session, make_actor(), company))

    assert [m.language for m in found] == ["en", "es", "it"]
    assert len({m.subject.split()[0] for m in found}) == 3


def test_an_address_that_serves_several_parties_is_a_warning(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    for _ in range(2):
        make_document(session, make_party(session, company, email="same@x.example", email_kind="ordinary"))
    make_document(session, make_party(session, company, email="other@x.example", email_kind="ordinary"))

    found = rows(session, prepare(session, make_actor(), company))

    assert [codes(m) for m in found] == [{"shared_address"}, {"shared_address"}, set()]
    assert [(m.warnings, m.first_issue) for m in found][::2] == [(1, "shared_address"), (0, "")]


def test_an_automatic_bcc_never_travels_by_pec(session: Session) -> None:
    """CO-4."""
    company = make_company(session)
    make_account(session, company)
    make_account(session, company, kind="pec")
    decide(session, company, bcc="archive@office.example; boss@office.example")
    make_document(session, make_party(session, company, email="a@x.example", email_kind="ordinary"))
    make_document(session, make_party(session, company, email="b@pec.example", email_kind="pec"))

    ordinary, certified = rows(session, prepare(session, make_actor(), company))

    assert ordinary.bcc == ["archive@office.example", "boss@office.example"]
    assert certified.bcc == []


def test_the_senders_own_account_is_used_where_the_company_says_so(session: Session) -> None:
    """PD-2: the company's stays out of it; who has none may prepare for somebody who has."""
    company = make_company(session)
    make_account(session, company)
    user = make_user(session)
    own = make_account(session, company, user_id=user.id)
    decide(session, company, account_source=AccountSource.USER)
    make_document(session, make_party(session, company, email="a@x.example"))

    (with_own,) = rows(session, prepare(session, make_actor(user_id=user.id), company))
    other = make_user(session)
    (without,) = rows(session, prepare(session, make_actor(user_id=other.id), company))

    assert with_own.account_id == own.id
    assert (without.account_id, without.blockers) == (None, 0)


def _send(session: Session, run: Run) -> None:
    commit_run(session, make_actor(), run, skip_undo=True, unknown_is_ordinary=True)
    session.expire_all()
    for message in rows(session, run):
        message.state, message.sent_at = MessageState.SENT, now()
    run.state = RunState.FINISHED
    session.flush()


def test_what_was_sent_is_left_out_with_its_reason(session: Session) -> None:
    """CO-8."""
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="a@x.example")
    document = make_document(session, party)
    _send(session, prepare(session, make_actor(), company))
    fresh = make_document(session, party)

    again = prepare(session, make_actor(), company)

    assert [m.first_documents for m in rows(session, again)] == [[["invoice", fresh.number]]]
    assert ("already_sent", document.id, None) in left_out(session, again)


def test_what_came_back_is_told_apart_from_what_was_sent(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="a@x.example")
    document = make_document(session, party)
    run = prepare(session, make_actor(), company)
    _send(session, run)
    for message in rows(session, run):
        message.state = MessageState.BOUNCED
    session.flush()

    again = prepare(session, make_actor(), company)
    assert ("returned", document.id, None) in left_out(session, again)
    assert states_of_documents(session, make_actor(), [document.id]) == {document.id: [MessageState.BOUNCED]}

    party.email = "right@x.example"
    _send(session, prepare(session, make_actor(), company))
    told = {document.id: [MessageState.SENT, MessageState.BOUNCED]}
    assert states_of_documents(session, make_actor(), [document.id]) == told


def test_a_document_sent_to_one_contact_is_still_due_to_another(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    make_contact(session, party, (("first@x.example", "ordinary"),), ("invoice",))
    document = make_document(session, party)
    _send(session, prepare(session, make_actor(), company))
    make_contact(session, party, (("second@x.example", "ordinary"),), ("invoice",))

    again = prepare(session, make_actor(), company)

    assert receivers(session, again) == ["second@x.example"]
    assert ("already_sent", document.id, None) not in left_out(session, again)


def test_what_was_sent_to_an_address_written_by_hand_is_not_due_again(session: Session) -> None:
    """The party has no address of its own: what left for it has been sent, wherever it went."""
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    document = make_document(session, party)
    run = prepare(session, make_actor(), company)
    (message,) = rows(session, run)
    edit_message(session, make_actor(), message, Correction("by@hand.example", AddressKind.ORDINARY), 1)
    _send(session, run)

    again = prepare(session, make_actor(), company)

    assert rows(session, again) == []
    assert ("already_sent", document.id, None) in left_out(session, again)


def test_sending_again_on_purpose_warns_with_the_day(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="a@x.example", email_kind="ordinary"))
    _send(session, prepare(session, make_actor(), company))

    (message,) = rows(session, prepare(session, make_actor(), company, only_unsent=False))

    assert codes(message) == {"already_sent"}
    assert message.last_sent_at is not None
    assert message.issues[0].params["at"] == now().date().isoformat()


def test_a_document_waiting_in_another_run_warns(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="a@x.example", email_kind="ordinary"))
    first = prepare(session, make_actor(), company)

    (message,) = rows(session, prepare(session, make_actor(), company))

    assert codes(message) == {"in_other_run"}
    assert message.issues[0].params["run"] == first.id


def test_a_document_on_its_way_in_another_run_is_left_out(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    document = make_document(session, make_party(session, company, email="a@x.example"))
    commit_run(session, make_actor(), prepare(session, make_actor(), company), unknown_is_ordinary=True)

    again = prepare(session, make_actor(), company)

    assert rows(session, again) == []
    assert left_out(session, again) == {("on_its_way", document.id, None)}


def test_documents_that_may_not_leave_are_listed_with_the_reason(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    decide(session, company, "quote", is_enabled=False)
    party = make_party(session, company, email="a@x.example")
    blocked = make_party(session, company, email="b@x.example", is_blocked=True)
    expected = {
        "voided": make_document(session, party, voided_at=now()),
        "not_mailable": make_document(session, party, is_mailable=False, not_mailable_reason="self_billing"),
        "party_blocked": make_document(session, blocked),
        "type_disabled": make_document(session, party, type="quote"),
    }
    make_document(session, party, is_current=False)

    run = prepare(session, make_actor(), company, document_types=("invoice", "quote"))

    assert rows(session, run) == []
    assert left_out(session, run) == {(reason, d.id, None) for reason, d in expected.items()}


def test_the_period_counts_both_its_ends(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="a@x.example")
    for day in (1, 2, 3, 4):
        make_document(session, party, number=f"n{day}", dated_on=date(2026, 11, day))

    (message,) = rows(
        session,
        prepare(session, make_actor(), company, from_on=date(2026, 11, 2), to_on=date(2026, 11, 3)),
    )

    assert [number for _type, number in message.first_documents] == ["n2", "n3"]


def test_another_companys_documents_never_enter(session: Session) -> None:
    """RP-16: the same codes and numbers may exist in two companies."""
    mine, other = make_company(session), make_company(session)
    make_account(session, mine)
    for company, address in ((mine, "mine@x.example"), (other, "other@x.example")):
        party = make_party(session, company, code="000001", email=address)
        make_document(session, party, number="1")

    assert receivers(session, prepare(session, make_actor(), mine)) == ["mine@x.example"]


def test_only_types_that_the_person_may_prepare_are_taken(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="a@x.example")
    make_document(session, party, type="quote", number="q")
    make_document(session, party, number="i")
    actor = make_actor(is_admin=False, grants=outbox_grants(company.id, "quote"))

    run = prepare(session, actor, company, document_types=())

    assert [m.document_types for m in rows(session, run)] == ["quote"]
    with pytest.raises(PermissionDenied):
        create_run(session, actor, criteria_for(company))
    with pytest.raises(PermissionDenied):
        preview_run(session, actor, Criteria(PartyFilter(make_company(session).id)))


def test_the_preview_counts_and_writes_nothing(session: Session) -> None:
    """PD-13: no filter at all means everybody, and the clerk is told."""
    company = make_company(session)
    for _ in range(2):
        party = make_party(session, company, email="a@x.example", agent="Rossi")
        make_document(session, party)
        make_document(session, party)
    make_document(session, make_party(session, company, email="c@x.example"))

    everybody = preview_run(session, make_actor(), criteria_for(company))
    some = preview_run(session, make_actor(), criteria_for(company, parties={"agents": ("Rossi",)}))

    assert (everybody.documents, everybody.parties, everybody.is_everybody) == (5, 3, True)
    assert (some.documents, some.parties, some.is_everybody) == (4, 2, False)
    assert session.scalar(select(Run)) is None


def test_a_few_documents_can_be_prepared_by_themselves(session: Session) -> None:
    """PD-7: the button on a document's page; sent once more on purpose."""
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="a@x.example")
    wanted = make_document(session, party)
    make_document(session, party)
    criteria = criteria_for_documents(company.id, [(wanted.id, "invoice")])
    run = create_run(session, make_actor(), criteria)
    fill_run(session, make_actor(), run, lambda _sha256: True)

    (message,) = rows(session, run)
    assert message.first_documents == [["invoice", wanted.number]]


def test_a_run_is_prepared_once(session: Session) -> None:
    company = make_company(session)
    run = prepare(session, make_actor(), company)

    with pytest.raises(RunNotPreparing):
        fill_run(session, make_actor(), run, lambda _sha256: True)


def test_a_run_without_anything_due_waits_for_review_empty(session: Session) -> None:
    run = prepare(session, make_actor(), make_company(session))

    assert (run.state, run.document_types) == (RunState.REVIEW, [])


def test_what_the_ladder_knows_decides_where_the_card_says_nothing(session: Session) -> None:
    """A receipt, a registry or a list settles an address of unknown kind, and the reason stands on the message."""
    company = make_company(session)
    ordinary, certified = make_account(session, company), make_account(session, company, kind="pec")
    session.add_all(
        [
            AddressVerdict(
                subject="learnt@customer.example", source=VerdictSource.RECEIPT, kind=AddressKind.PEC
            ),
            AddressVerdict(
                subject="odd.example",
                source=VerdictSource.MX,
                kind=AddressKind.UNKNOWN,
                detail="mx_unknown mx.odd.example",
                expires_at=now() + timedelta(days=1),
            ),
        ]
    )
    import_registry(session, make_actor(), "IndicePA", read_registry(b"listed@customer.example\n"))
    make_document(session, make_party(session, company, code="1", email="learnt@customer.example"))
    make_document(session, make_party(session, company, code="2", billing_email="listed@customer.example"))
    make_document(session, make_party(session, company, code="3", email="someone@gmail.com"))
    make_document(session, make_party(session, company, code="4", email="someone@odd.example"))
    packed = make_party(session, company, code="5", packaging_emails="one@pec.it")
    make_document(session, packed)
    contact = make_contact(
        session, make_party(session, company, code="6"), (("x@pec.it", "unknown"),), ("invoice",)
    )
    make_document(session, contact.party)

    found = {m.party_code: m for m in rows(session, prepare(session, make_actor(), company))}

    assert {code: (m.why["kind"]["reason"], m.account_id, codes(m)) for code, m in found.items()} == {
        "1": ("receipt", certified.id, set()),
        "2": ("registry", certified.id, set()),
        "3": ("ordinary_domain", ordinary.id, set()),
        "4": ("mx_unknown", ordinary.id, {"address_kind_unknown"}),
        "5": ("mailbox_domain", certified.id, set()),
        "6": ("mailbox_domain", certified.id, set()),
    }
    assert found["4"].issues[0].params == {
        "reason": "mx_unknown",
        "detail": "mx.odd.example",
        "since": now().date().isoformat(),
    }


def test_a_company_may_treat_undetermined_addresses_as_ordinary(session: Session) -> None:
    company = make_company(session, unknown_is_ordinary=True)
    make_account(session, company)
    make_document(session, make_party(session, company, email="office@customer.example"))

    (message,) = rows(session, prepare(session, make_actor(), company))

    assert (codes(message), message.to_kind.value) == (set(), "ordinary")
    assert message.why["kind"] == {"reason": "company_rule"}
