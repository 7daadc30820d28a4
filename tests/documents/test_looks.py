"""The look of a company and its layouts as versions (IT-19, PD-6)."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.documents import layouts, looks
from crm_mail.documents.differences import unified
from crm_mail.documents.layout_checks import check_jobs
from crm_mail.documents.layout_samples import sample_data
from crm_mail.documents.looks import Change
from crm_mail.documents.models import Document
from crm_mail.documents.pdf_jobs import RenderJob
from crm_mail.documents.pdf_theme import InvalidTheme, Theme
from crm_mail.documents.printing import company_theme, document_job
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, PermissionDenied
from tests.factories import make_actor, make_company, make_document, make_party, outbox_grants

ANNA = make_actor()
CLERK = Actor(None, "Clerk", grants=outbox_grants())


def test_every_save_of_a_look_is_a_version_and_going_back_is_one_too(
    session: Session, home: Installation
) -> None:
    company, other = make_company(session), make_company(session)
    store = home.store
    assert company_theme(store, company) == Theme()
    first = looks.default_values() | {"accent": "#aa0000", "paper": "Letter"}
    assert looks.save_look(session, ANNA, company.id, first, 0) == 1
    assert looks.save_look(session, ANNA, company.id, first) == 1, "the same again is no version"
    assert looks.save_look(session, ANNA, company.id, first | {"columns": {"quote": ["discounts"]}}) == 2
    assert company_theme(store, company).columns_of("quote") == ("discounts",)
    assert company_theme(store, other) == Theme()
    assert looks.restore_look(session, ANNA, company.id, 1)
    assert company_theme(store, company) == Theme(accent="#aa0000", paper="Letter")
    assert looks.restore_look(session, ANNA, company.id, 0)
    assert not looks.restore_look(session, ANNA, company.id, 77)
    assert [look.version for look in looks.list_looks(session, company.id)] == [4, 3, 2, 1]
    actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["documents.look.saved"] * 4


def test_a_wrong_look_is_not_saved_nor_one_over_somebody_elses(session: Session) -> None:
    company = make_company(session)
    with pytest.raises(InvalidTheme):
        looks.save_look(session, ANNA, company.id, {"accent": "red"})
    looks.save_look(session, ANNA, company.id, {"paper": "Letter"}, 0)
    with pytest.raises(looks.LookChangedMeanwhile):
        looks.save_look(session, ANNA, company.id, {"paper": "A4"}, 0)
    with pytest.raises(PermissionDenied):
        looks.save_look(session, CLERK, company.id, {"paper": "A4"})
    assert looks.look_in_use(session, company.id).version == 1


def test_a_stored_look_keeps_what_this_version_still_knows() -> None:
    """An update of the product may drop a column or a choice; the other choices stay."""
    stored = {"accent": "#aa0000", "columns": {"quote": ["gone"]}, "glitter": True}
    assert looks.stored_theme(stored) == Theme(accent="#aa0000")


def test_the_difference_of_two_looks_names_fields_and_types() -> None:
    before = {"legal_texts": {"quote": "a", "invoice": "b"}}
    after = {"legal_texts": {"quote": "a2", "invoice": "b"}, "tagged": False, "columns": {"quote": []}}
    assert looks.look_changes(before, after) == [
        Change("legal_texts", "quote", "a", "a2"),
        Change("columns", "quote", None, []),
        Change("tagged", "", True, False),
    ]


def test_layouts_are_kept_as_versions_and_the_newest_is_printed(session: Session) -> None:
    company = make_company(session)
    assert layouts.save_layout(session, ANNA, company.id, "quote", "one\r\ntwo", 0) == 1
    layouts.save_layout(session, ANNA, company.id, "cfdi", "three")
    assert layouts.own_layouts(company) == {"quote": "one\ntwo", "cfdi": "three"}
    assert layouts.save_layout(session, ANNA, company.id, "quote", "", 1) == 2
    assert layouts.own_layouts(company) == {"cfdi": "three"}
    assert layouts.find_layout_version(session, company.id, "quote", 1) == "one\ntwo"
    builtin = layouts.find_layout_version(session, company.id, "quote", 0)
    assert builtin == layouts.find_layout_version(session, company.id, "quote", 2)
    assert builtin is not None
    assert "extends" in builtin
    with pytest.raises(layouts.LayoutChangedMeanwhile):
        layouts.save_layout(session, ANNA, company.id, "quote", "x", 1)
    with pytest.raises(PermissionDenied):
        layouts.save_layout(session, CLERK, company.id, "quote", "x")


def test_a_run_draws_in_the_look_and_by_the_layout_in_use(session: Session, home: Installation) -> None:
    """Both are part of the render key: what has no PDF yet is drawn anew, nothing old is served."""
    company = make_company(session)
    party = make_party(session, company, language="it")
    quote = make_document(session, party, files=(), type="quote", data=sample_data("quote"))
    invoice = make_document(session, party, files=(), data=sample_data("invoice"))

    def job(document: Document) -> RenderJob:
        theme, own = company_theme(home.store, company), layouts.own_layouts(company)
        return document_job(session, home.store, document, party, company, theme, own)

    before = [job(quote).key, job(invoice).key]
    layouts.save_layout(session, ANNA, company.id, "quote", "<h1>Own {{ number }}</h1>")
    assert job(quote).source == "<h1>Own {{ number }}</h1>"
    assert (job(quote).key == before[0], job(invoice).key == before[1]) == (False, True)
    looks.save_look(session, ANNA, company.id, {"accent": "#aa0000"})
    assert job(invoice).theme.accent == "#aa0000"
    assert job(invoice).key != before[1]
    layouts.save_layout(session, ANNA, company.id, "quote", "")
    looks.restore_look(session, ANNA, company.id, 0)
    assert [job(quote).key, job(invoice).key] == before


def test_a_layout_is_tried_short_long_and_empty_in_every_language(session: Session) -> None:
    company = make_company(session)
    jobs = list(check_jobs(session, company, "quote", "<p>", Theme()))
    tried = {(job.language, len(job.data.get("lines", ()))) for job in jobs}
    assert tried == {(language, rows) for language in ("it", "es", "en") for rows in (4, 40, 0)}
    assert {job.source for job in jobs} == {"<p>"}
    stamped = list(check_jobs(session, company, "cfdi", "<p>", Theme()))
    assert {job.layout for job in stamped} == {"cfdi"}


def test_a_stamped_document_is_printed_by_the_layout_of_stamped_documents() -> None:
    assert layouts.layout_name("invoice", "cfdi") == "cfdi"
    assert layouts.layout_name("invoice", "courtesy_copy") == "invoice"
    assert layouts.layout_name("x_visit", "generic") == "x_visit"


def test_a_difference_shows_changed_lines_with_their_neighbours() -> None:
    lines = unified("a\nb\nc", "a\nB\nc")
    assert [(line.kind, line.text) for line in lines] == [
        ("place", "@@ -1,3 +1,3 @@"),
        ("kept", "a"),
        ("out", "b"),
        ("in", "B"),
        ("kept", "c"),
    ]
    assert unified("a", "a") == []
