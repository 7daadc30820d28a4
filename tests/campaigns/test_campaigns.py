"""Mailings to groups: audience, texts, letters, the compulsory test, the run (IT-13, IT-14, IT-16, IT-21)."""

import io
import os
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.campaigns import office
from crm_mail.campaigns.audience import count_audience, sample_audience
from crm_mail.campaigns.content import language_for, mark_of
from crm_mail.campaigns.files import kind_of, safe_name
from crm_mail.campaigns.letters import LetterInvalid, check_docx, merge_docx
from crm_mail.campaigns.models import Campaign, CampaignLetter
from crm_mail.campaigns.service import (
    CampaignRefused,
    add_file,
    begin_campaign,
    change_audience,
    change_text,
    copy_campaign,
    prepare_campaign,
    set_html_letter,
    set_word_letter,
)
from crm_mail.campaigns.testing import send_test
from crm_mail.companies.models import Company
from crm_mail.composers import register_composers
from crm_mail.contacts.consents.recording import Word, record_consent
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Contact, Role
from crm_mail.db import now
from crm_mail.delivery.models import SenderAccount
from crm_mail.documents.builtin_texts import MessageText
from crm_mail.documents.message_context import build_context, share_context
from crm_mail.documents.texts import TextInvalid
from crm_mail.installation import Installation
from crm_mail.outbox.models import MessageContent, MessageFile, Run
from crm_mail.outbox.preparing.completing import can_complete, complete_run
from crm_mail.outbox.states import RunState
from crm_mail.outbox.tasks import fill_one_run
from crm_mail.permissions import Actor
from tests.delivery.servers import FaultyServer
from tests.factories import make_account, make_actor, make_company, make_contact, make_party, make_user
from tests.outbox.preparing import left_out, rows

TEXT = MessageText(
    "News for {{ party.name }}",
    "Dear {{ contact.name }} at {{ contact.email }},\nnews.\n",
    "<p>Dear {{ contact.name }}</p>",
)
GIVEN = Word(Purpose.COMMERCIAL, ConsentChannel.EMAIL, Decision.GIVEN, Source.PERSON)


def word_letter(*paragraphs: str) -> bytes:
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    done = io.BytesIO()
    document.save(done)
    return done.getvalue()


def word_letter_with_field(instruction: str) -> bytes:
    """A letter whose text holds a field of Word."""
    document = docx.Document()
    element = OxmlElement("w:fldSimple")
    element.set(qn("w:instr"), instruction)
    document.add_paragraph("x")._p.append(element)
    done = io.BytesIO()
    document.save(done)
    return done.getvalue()


RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s" TargetMode="External"/>'
    "</Relationships>"
)


def said(letter: bytes) -> list[str]:
    return [paragraph.text for paragraph in docx.Document(io.BytesIO(letter)).paragraphs if paragraph.text]


def context(**contact: str) -> dict[str, Any]:
    shared = share_context({"name": "Acme & Co"}, {}, "2026-11-22")
    return build_context(shared, {"name": "Rossi <S.p.A.>", "city": "Torino"}, contact or None, [], "it")


@dataclass
class Office:
    company: Company
    actor: Actor
    campaign: Campaign
    agreed: list[Contact]
    silent: Contact


@pytest.fixture
def desk(session: Session) -> Office:
    return make_office(session)


def make_office(session: Session) -> Office:
    """A company with three contacts in Torino of whom two agreed, one of them a manager, and one in Roma."""
    company = make_company(session, soft_opt_in=False, language="en")
    make_account(session, company)
    user = make_user(session, is_admin=True, clearance=1, email="anna@office.example")
    actor = make_actor(clearance=1, user_id=user.id)
    people = []
    for number, city in enumerate(("Torino", "Torino", "Torino", "Roma")):
        party = make_party(session, company, city=city, name=f"Firm {number}")
        people.append(make_contact(session, party, name=f"Person {number}"))
    role = Role(company_id=company.id, name="Manager")
    session.add(role)
    people[0].roles.append(role)
    for contact in (people[0], people[1], people[3]):
        record_consent(session, actor, contact, GIVEN)
    campaign = begin_campaign(session, actor, company.id, "Spring", "generic", "commercial")
    chosen = PartyFilter(company.id, cities=("Torino",))
    change_audience(session, actor, campaign, chosen, subscribed=False, parties=False)
    change_text(session, actor, campaign, "en", TEXT)
    return Office(company, actor, campaign, people[:2], people[2])


def test_the_audience_is_counted_with_its_exclusions_and_each_of_the_sample_has_its_reasons(
    session: Session, desk: Office
) -> None:
    """IT-14: groups by place and role."""
    make_contact(session, desk.silent.party, privacy_level=3)
    counts = count_audience(session, desk.actor, desk.campaign)
    assert (counts.chosen, counts.excluded) == (3, {"no_consent": 1, "above_clearance": 1})
    assert counts.remaining == 2
    sample = sample_audience(session, desk.actor, desk.campaign)
    assert [(row.one.contact and row.one.contact["name"], row.exclusion) for row in sample] == [
        ("Person 0", ""),
        ("Person 1", ""),
        ("Person 2", "no_consent"),
    ]
    assert sample[0].reasons == (("city", "Torino"),)
    narrow = PartyFilter(desk.company.id, roles=("manager",))
    change_audience(session, desk.actor, desk.campaign, narrow, subscribed=False, parties=True)
    (only,) = sample_audience(session, desk.actor, desk.campaign)
    assert only.reasons == (("role", "Manager"),)


def test_texts_are_checked_and_cleaned_when_they_are_kept(session: Session, desk: Office) -> None:
    with pytest.raises(TextInvalid):
        change_text(session, desk.actor, desk.campaign, "en", MessageText("{{ party.secret }}", "x", ""))
    change_text(
        session, desk.actor, desk.campaign, "it", MessageText("Ciao", "", "<p>Ciao<script>x</script></p>")
    )
    assert desk.campaign.texts["it"] == {"subject": "Ciao", "body_text": "Ciao\n", "body_html": "<p>Ciao</p>"}
    change_text(session, desk.actor, desk.campaign, "it", MessageText("", "", ""))
    assert list(desk.campaign.texts) == ["en"]


def test_nothing_is_prepared_before_the_test_and_a_change_asks_for_another(
    home: Installation, session: Session, desk: Office
) -> None:
    """The test message really leaves through the company's account, to whoever writes the mailing."""
    set_html_letter(session, desk.actor, desk.campaign, "Offer", {"en": "<h1>For {{ party.name }}</h1>"})
    add_file(
        session,
        desk.actor,
        home,
        desk.campaign,
        "logo.png",
        b"\x89PNG\r\n\x1a\nlogo\0\0\0\0IEND\xaeB`\x82",
        inline=True,
    )
    with pytest.raises(CampaignRefused) as refused:
        prepare_campaign(session, desk.actor, desk.campaign)
    assert refused.value.code == "not_tested"
    campaign_id = desk.campaign.id
    with FaultyServer() as server:
        account = session.scalars(select(SenderAccount)).one()
        account.port, account.timeout_seconds = server.port, 5
        session.commit()
        outcome = send_test(home, desk.actor, campaign_id)
        assert outcome.is_sent, outcome
        ((to, data),) = server.received
    session.expire_all()
    text = data.decode()
    assert to == ("anna@office.example",)
    assert "[TEST] News for Firm 0" in text
    assert "Offer.pdf" in text
    run = prepare_campaign(session, desk.actor, desk.campaign)
    assert run.state is RunState.PREPARING
    again = copy_campaign(session, desk.actor, desk.campaign, "Again")
    with pytest.raises(CampaignRefused):
        prepare_campaign(session, desk.actor, again)


def test_a_mailing_becomes_a_run_with_a_word_letter_for_each_recipient(sqlite_home: Installation) -> None:
    """IT-16, IT-21: letters merged per contact; the review sees texts, letters and who was left out."""
    register_composers()
    template = word_letter(
        "Dear {{ contact.name }} of {{ party.city }}", "{% if party.city == 'Torino' %}Near{% endif %}"
    )
    with sqlite_home.database.write() as session:
        office_ = make_office(session)
        set_word_letter(
            session, office_.actor, sqlite_home, office_.campaign, "Letter.docx", template, as_pdf=False
        )
        add_file(
            session,
            office_.actor,
            sqlite_home,
            office_.campaign,
            "list",
            b"%PDF-1.7 prices\n%%EOF\n",
            inline=False,
        )
        _tested(office_.campaign)
        run_id = prepare_campaign(session, office_.actor, office_.campaign).id
        silent = office_.silent.id
    prepared = fill_one_run(sqlite_home, run_id)
    assert prepared is not None
    assert (prepared.messages, prepared.blocked) == (2, 0)
    with sqlite_home.database.read() as session:
        run = session.get_one(Run, run_id)
        first = rows(session, run)[0]
        assert (first.subject, first.document_types, first.purpose) == (
            "News for Firm 0",
            "generic",
            "commercial",
        )
        content = session.get_one(MessageContent, first.id)
        assert "Dear Person 0" in content.body_html
        assert first.unsubscribe_url in content.body_text
        assert f"Person 0 at {first.to_address}" in content.body_text
        letter, prices = session.scalars(select(MessageFile).where(MessageFile.message_id == first.id))
        assert (letter.name, prices.name, prices.mime) == ("Letter.docx", "list.pdf", "application/pdf")
        assert said(sqlite_home.store.read(letter.sha256)) == ["Dear Person 0 of Torino", "Near"]
        assert left_out(session, run) == {("no_consent", None, silent)}
        made = select(CampaignLetter.contact_id)
        assert silent not in session.scalars(made).all()  # nobody's letter is made who may not be written to


def test_a_colleague_prepares_the_rest_of_a_mailing(sqlite_home: Installation) -> None:
    """IT-17: who prepared learns how many there are; the rest goes to nobody whom the first run writes to."""
    register_composers()
    with sqlite_home.database.write() as session:
        desk = make_office(session)
        shared, secret = (
            make_contact(session, desk.silent.party, ((address, "ordinary"),), privacy_level=3)
            for address in (desk.agreed[0].addresses[0].email, "boss@customer.example")
        )
        chief = make_actor(user_id=make_user(session, is_admin=True, clearance=3).id)
        for contact in (shared, secret):
            record_consent(session, chief, contact, GIVEN)
        _tested(desk.campaign)
        run_id = prepare_campaign(session, desk.actor, desk.campaign).id
    prepared = fill_one_run(sqlite_home, run_id)
    assert prepared is not None
    assert (prepared.messages, prepared.hidden) == (2, 2)
    with sqlite_home.database.write() as session:
        run = session.get_one(Run, run_id)
        assert not can_complete(desk.actor, run)
        rest_id = complete_run(session, chief, run).id
        assert not can_complete(chief, run), "once"
    rest = fill_one_run(sqlite_home, rest_id)
    assert rest is not None
    with sqlite_home.database.read() as session:
        run = session.get_one(Run, rest_id)
        assert [(row.contact_id, row.to_address) for row in rows(session, run)] == [
            (secret.id, "boss@customer.example")
        ]
        assert left_out(session, run) == {("duplicate", None, shared.id)}


def _tested(campaign: Campaign) -> None:
    campaign.tested_at, campaign.tested_mark = now(), mark_of(campaign)


def test_word_letters_know_fields_conditions_and_loops_and_nothing_else() -> None:
    letter = word_letter("{{ party.name }}", "{% for d in documents %}{{ d.number }}{% endfor %}End")
    assert said(merge_docx(letter, context())) == ["Rossi <S.p.A.>", "End"]
    assert merge_docx(letter, context()) == merge_docx(letter, context())
    for wrong in (
        "{{ ''.__class__ }}",
        "{{ party.secret }}",
        "{{ cycler }}",
        "{% for i in range(9) %}{% endfor %}",
    ):
        with pytest.raises(LetterInvalid):
            merge_docx(word_letter(wrong), context())


def test_what_is_no_word_document_is_refused() -> None:
    macros = io.BytesIO(word_letter("x"))
    with zipfile.ZipFile(macros, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"x")
    for data in (b"", b"%PDF-1.7", macros.getvalue()):
        with pytest.raises(LetterInvalid):
            check_docx(data)


def test_without_libreoffice_a_letter_as_pdf_is_refused_with_the_remedy(
    session: Session, home: Installation, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "office_program", lambda: "")
    with pytest.raises(LetterInvalid, match="install"):
        set_word_letter(session, desk.actor, home, desk.campaign, "L.docx", word_letter("x"), as_pdf=True)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("offer.doc", b"%PDF-1.7", "application/pdf"),
        (
            "x.docx",
            word_letter("x"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        ("photo.exe", b"\x89PNG\r\n\x1a\n", ""),
        ("photo.png", b"MZ\x90", ""),
        ("list.csv", b"a;b\n", "text/csv"),
        ("page.html", b"<html>", "application/octet-stream"),
    ],
)
def test_the_kind_of_a_file_is_read_from_its_content(name: str, data: bytes, kind: str) -> None:
    assert kind_of(name, data) == kind


def test_a_file_that_was_cut_off_is_refused_with_the_remedy(
    session: Session, home: Installation, desk: Office
) -> None:
    for data in (b"%PDF-1.7 x\n", b"\x89PNG\r\n\x1a\n", b"GIF89a", word_letter("x")[:-30]):
        with pytest.raises(CampaignRefused, match="save it again"):
            add_file(session, desk.actor, home, desk.campaign, "offer", data, inline=False)


def test_names_and_languages_have_a_way_out() -> None:
    assert safe_name("../a\\b:c.png", "application/pdf") == "b c.png.pdf"
    assert language_for("es", {"it": 1}, "en") == "it"
    assert language_for("es", {"it": 1, "es": 1}, "en") == "es"


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_many_word_letters_are_handed_to_libreoffice_in_one_call(tmp_path: Path) -> None:
    """A stand-in keeps the contract of the command line: all files at once, PDFs beside them.

    It dies of the second letter, which is then tried alone, and those behind it in a call of their own.
    """
    program = tmp_path / "soffice"
    program.write_text(
        "#!/bin/sh\n"
        'echo call >> "$(dirname "$0")/calls"\n'
        'while [ "$1" != "--outdir" ]; do shift; done\n'
        'out="$2"; shift 2\n'
        'for file in "$@"; do grep -q b "$file" && exit 1\n'
        'printf "%%PDF" > "$out/$(basename "$file" .docx).pdf"; done\n'
    )
    program.chmod(0o755)
    assert office.convert([b"a", b"b", b"c", b"d"], str(program)) == [b"%PDF", None, b"%PDF", b"%PDF"]
    assert (tmp_path / "calls").read_text() == "call\n" * 3
    assert office.convert([b"b", b"b", b"b"], str(program)) == [None] * 3
    assert (tmp_path / "calls").read_text() == "call\n" * 5


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_a_libreoffice_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is a script whose child does the work: ending the script alone would wait for the child for ever."""
    program = tmp_path / "soffice"
    program.write_text('#!/bin/sh\nsleep 600 &\necho $! > "$(dirname "$0")/child"\nwait\n')
    program.chmod(0o755)
    monkeypatch.setattr(office, "SECONDS", 2.0)
    monkeypatch.setattr(office, "SECONDS_EACH", 0.0)
    assert office.convert([b"a"], str(program)) == [None]
    child = int((tmp_path / "child").read_text())
    ends = time.monotonic() + 20
    while is_alive(child) and time.monotonic() < ends:  # it was killed; a busy machine buries it later
        time.sleep(0.05)
    assert not is_alive(child)


def is_alive(process_id: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process_id}/stat").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not office.office_program(), reason="LibreOffice is not installed")
def test_word_letters_become_pdf_by_libreoffice_and_what_is_no_letter_stops_no_other() -> None:
    """IT-14: merged per contact, read back page by page; nothing outside of the letter is loaded."""
    template = word_letter("Gentile {{ contact.name }}, àèìòù ñ €", "{{ party.name }}")
    letters = [merge_docx(template, context(name=name)) for name in ("Ada", "Bea")]
    first, broken, second = office.convert([letters[0], b"no letter", letters[1]], office.require_office())
    assert broken is None
    for pdf, name in ((first, "Ada"), (second, "Bea")):
        assert pdf is not None
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
        assert f"Gentile {name}, àèìòù ñ €" in text
        assert "Rossi <S.p.A.>" in text


def test_a_word_letter_that_loads_what_lies_elsewhere_is_refused() -> None:
    """Whoever writes letters must not have the server read its own files, or call other machines."""
    linked = io.BytesIO(word_letter("x"))
    with zipfile.ZipFile(linked, "a") as archive:
        archive.writestr("word/_rels/header1.xml.rels", RELS % ("image", "file:///etc/passwd"))
    with pytest.raises(LetterInvalid) as refused:
        check_docx(linked.getvalue())
    assert refused.value.code == "linked"
    named = io.BytesIO(word_letter("x"))
    with zipfile.ZipFile(named, "a") as archive:
        archive.writestr("word/_rels/header1.xml.rels", RELS % ("hyperlink", "https://office.example/"))
    check_docx(named.getvalue())
    with pytest.raises(LetterInvalid) as refused:
        check_docx(word_letter_with_field('INCLUDETEXT "/etc/passwd"'))
    assert refused.value.code == "linked"
