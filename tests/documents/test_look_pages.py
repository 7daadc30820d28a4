"""The pages of look, layouts and differences: who may, the preview on a real document, what is refused (IT-19)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crm_mail.documents import layout_checks
from crm_mail.documents.layout_samples import sample_data
from crm_mail.documents.preview_pool import PagePicture, PreviewPool
from crm_mail.documents.rendering import pdf_available
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.users.models import User
from tests.factories import make_company, make_contact, make_document, make_party, make_user, outbox_grants

LoginAs = Callable[[User], FlaskClient]
PAGES = (
    "/documents/look",
    "/documents/layouts",
    "/documents/layouts/quote",
    "/documents/layouts/quote/difference",
)


@dataclass
class Office:
    settings: FlaskClient
    clerk: FlaskClient
    guest: FlaskClient
    quote: int
    hidden: int
    contact: int
    previews: PreviewPool


@pytest.fixture
def office(app: Flask, sqlite_home: Installation, login_as: LoginAs) -> Iterator[Office]:
    with sqlite_home.database.write() as session:
        company = make_company(session, name="Officine Ñandú")
        party = make_party(session, company, name="Ferrari & Figli")
        contact = make_contact(session, party, name="Giulia Neri").id
        data = sample_data("quote")
        quote = make_document(session, party, files=(), type="quote", data=data, number="Q-77").id
        hidden = make_document(session, party, files=(), type="quote", data=data, privacy_level=3).id
        clerk = make_user(session, grants=list(outbox_grants(company.id)))
        boss = make_user(session, areas=[Permission.SETTINGS_MANAGE, Permission.CONTACTS_MANAGE])
    app.extensions["pdf_previews"] = previews = PreviewPool()
    yield Office(login_as(boss), login_as(clerk), app.test_client(), quote, hidden, contact, previews)
    previews.close()


def test_only_who_manages_settings_opens_look_and_layouts(office: Office) -> None:
    for page in PAGES:
        assert office.guest.get(page).status_code in (302, 303), page
        assert office.clerk.get(page).status_code == 403, page
        answer = office.settings.get(page)
        assert answer.status_code == 200, page
        assert "Traceback" not in answer.text
    for page in ("/documents/look/draw-again", "/documents/look/preview", "/documents/layouts/quote/restore"):
        assert office.clerk.post(page).status_code == 403, page
    assert office.settings.get("/documents/layouts/no_such_type").status_code == 404
    assert office.settings.get("/documents/layouts/quote/difference?old=0&new=9").status_code == 404


def look_form(**changed: str) -> dict[str, str]:
    values = {
        "accent": "#1f4e79",
        "typeface": "sans",
        "paper": "A4",
        "window": "right",
        "footer": "",
        "notice": "builtin",
    }
    return values | {"fallback_language": "en", "tagged": "y", "based_on": "0"} | changed


def test_a_look_is_saved_shown_in_words_and_restored(office: Office) -> None:
    form = look_form(
        **{"paper": "Letter", "choose-quote": "1", "column-quote": "discounts", "text-quote": "Ex works."}
    )
    assert office.settings.post("/documents/look", data=form).status_code == 303
    page = office.settings.get("/documents/look").text
    assert re.search(r"Paper: <del>A4</del> → <ins>Letter</ins>", page)
    assert "Columns, Quote: <del>those that have data</del> → <ins>Disc.</ins>" in page
    assert "Ex works.</textarea>" in page
    assert office.settings.post("/documents/look", data=form).status_code == 422, "an old page"
    assert office.settings.post("/documents/look/restore", data={"version": "0"}).status_code == 303
    assert "Version 2" in office.settings.get("/documents/look").text
    refused = office.settings.post("/documents/look", data=look_form(accent="red", based_on="2"))
    assert (refused.status_code, "#1f4e79" in refused.text) == (422, True)


def test_a_text_is_tried_on_a_real_document_and_contact(office: Office) -> None:
    text = {
        "subject": "S",
        "body_text": "{{ document.number }} {{ contact.name }} {{ party.name }}",
        "body_html": "",
    }
    url = "/documents/texts/quote/en/preview"
    answer = office.settings.post(
        url, data=text | {"part": "text", "trial": f"{office.quote}.{office.contact}"}
    )
    assert "Q-77 Giulia Neri Ferrari &amp; Figli" in answer.text
    answer = office.settings.post(url, data=text | {"part": "text", "trial": f"{office.hidden}.0"})
    assert "Ferrari" not in answer.text, "a document above the reader's clearance: invented data"
    assert office.settings.get("/documents/texts/quote/en/difference").status_code == 200


def test_a_preview_holds_no_transaction_while_it_is_drawn(
    office: Office, sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite one process writes at a time: a preview of seconds must not stop the sending."""

    def draw(_self: PreviewPool, *_arguments: object, **_named: object) -> PagePicture:
        with sqlite_home.database.write() as session:
            make_company(session)
        return PagePicture(b"", 1)

    monkeypatch.setattr(PreviewPool, "picture", draw)
    monkeypatch.setattr(PreviewPool, "check", draw)
    assert office.settings.post("/documents/look/preview", data=look_form()).status_code == 200
    saved = office.settings.post("/documents/layouts/quote", data={"source": "<p>x", "based_on": "0"})
    assert saved.status_code == 303


@pytest.mark.skipif(not pdf_available()[0], reason="the PDF engine's libraries are not installed")
def test_previews_are_pictures_of_real_documents_and_a_bad_layout_is_never_saved(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process for all of it, and one language: each drawing takes its time."""
    monkeypatch.setattr(layout_checks, "TEXT_LANGUAGES", ("it",))
    browser, url = office.settings, "/documents/layouts/quote"
    shown = browser.post("/documents/look/preview", data=look_form(document=str(office.quote)))
    picture = re.search(r'src="data:image/png;base64,([^"]+)"', shown.text)
    assert picture, shown.text[:500]
    assert base64.b64decode(picture[1]).startswith(b"\x89PNG")
    assert "Page 1 of 1" in shown.text
    assert browser.post("/documents/look/preview", data={"document": str(office.hidden)}).status_code == 404
    pdf = browser.post(
        f"{url}/preview.pdf", data={"source": "<p>{{ number }}", "document": str(office.quote)}
    )
    assert pdf.data.startswith(b"%PDF-")

    wrong = browser.post(f"{url}/preview", data={"source": "a\n{{ lines.append(1) }}", "document": ""})
    assert (wrong.status_code, "Line 2:" in wrong.text) == (422, True)
    misspelt = browser.post(f"{url}/preview", data={"source": "a\n{{ nonexist.foo }}", "document": ""})
    assert (misspelt.status_code, "Line 2: There is no field “nonexist”" in misspelt.text) == (422, True)
    for bad in ("{{ x", "{% include '/etc/passwd' %}", "{% if lines|length > 9 %}\n{{ 1/0 }}{% endif %}"):
        refused = browser.post(url, data={"source": bad, "based_on": "0"})
        assert (refused.status_code, "Line " in refused.text) == (422, True), bad
    assert "Nothing was changed yet" in browser.get(url).text
    good = '{% extends "quote.html" %}\n{% block heading %}<h1>{{ number }}</h1>{% endblock %}'
    assert browser.post(url, data={"source": good, "based_on": "0"}).status_code == 303
    assert "&lt;h1&gt;" in browser.get(f"{url}/difference").text
    assert browser.post(f"{url}/restore", data={"version": "0"}).status_code == 303
