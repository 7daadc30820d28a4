"""The editor of texts: who may use it, what it refuses, and a preview that runs nothing."""

from collections.abc import Callable

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.documents.models import MessageText
from crm_mail.documents.text_views import add_text_routes
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.users.models import User
from tests.factories import make_company, make_user, outbox_grants

LoginAs = Callable[[User], FlaskClient]
NEW = {"subject": "Fattura {{ document.number }}", "body_text": "Salve\r\n", "body_html": "", "based_on": "0"}
SPECIAL = "È ñ Ñ & < > \" ' €"


@pytest.fixture
def app_with_texts(app: Flask) -> Flask:
    """The application; the routes are added here while the room does not add them itself."""
    if "documents.list_texts" not in app.view_functions:
        blueprint = Blueprint("documents", __name__, url_prefix="/documents")
        add_text_routes(blueprint)
        app.register_blueprint(blueprint)
    return app


@pytest.fixture
def browsers(app_with_texts: Flask, sqlite_home: Installation, login_as: LoginAs) -> dict[str, FlaskClient]:
    with sqlite_home.database.write() as session:
        company = make_company(session, name="Officine Ñandú & Figli")
        clerk = make_user(session, grants=list(outbox_grants(company.id)))
        settings = make_user(session, areas=[Permission.SETTINGS_MANAGE])
    return {"guest": app_with_texts.test_client(), "clerk": login_as(clerk), "settings": login_as(settings)}


def url(app: Flask, endpoint: str, name: str = "invoice", language: str = "it") -> str:
    """Where the room's owner put the page."""
    with app.test_request_context():
        from flask import url_for

        return url_for(f"documents.{endpoint}", name=name, language=language)


@pytest.mark.parametrize("endpoint", ["edit_text", "preview_saved_text"])
@pytest.mark.parametrize(
    ("who", "statuses"), [("guest", (302, 303)), ("clerk", (403,)), ("settings", (200,))]
)
def test_only_who_manages_settings_opens_a_text(
    app_with_texts: Flask,
    browsers: dict[str, FlaskClient],
    endpoint: str,
    who: str,
    statuses: tuple[int, ...],
) -> None:
    assert browsers[who].get(url(app_with_texts, endpoint)).status_code in statuses


@pytest.mark.parametrize("endpoint", ["edit_text", "preview_text", "restore_text"])
@pytest.mark.parametrize("who", ["guest", "clerk"])
def test_nobody_else_changes_or_tries_a_text(
    app_with_texts: Flask,
    browsers: dict[str, FlaskClient],
    sqlite_home: Installation,
    endpoint: str,
    who: str,
) -> None:
    assert browsers[who].post(url(app_with_texts, endpoint), data=NEW).status_code in (302, 303, 403)
    with sqlite_home.database.read() as session:
        assert session.scalar(select(MessageText)) is None


def test_a_text_is_saved_shown_again_exactly_and_restored(
    app_with_texts: Flask, browsers: dict[str, FlaskClient], sqlite_home: Installation
) -> None:
    """PM-12."""
    edit, settings = url(app_with_texts, "edit_text"), browsers["settings"]
    answer = settings.post(edit, data=NEW | {"subject": SPECIAL, "body_text": f"{SPECIAL}\r\n\r\nfine\r\n"})
    assert answer.status_code == 303
    with sqlite_home.database.read() as session:
        row = session.scalars(select(MessageText)).one()
    assert (row.subject, row.body_text) == (SPECIAL, f"{SPECIAL}\n\nfine\n")
    page = settings.get(edit).get_data(as_text=True)
    assert 'value="È ñ Ñ &amp; &lt; &gt; &#34; &#39; €"' in page
    assert settings.post(url(app_with_texts, "restore_text"), data={"version": "0"}).status_code == 303
    assert SPECIAL not in settings.get(edit).get_data(as_text=True).split("<textarea")[0]
    assert settings.post(url(app_with_texts, "restore_text"), data={"version": "9"}).status_code == 404


def test_an_unknown_placeholder_is_shown_beside_its_field_with_its_line(
    app_with_texts: Flask, browsers: dict[str, FlaskClient], sqlite_home: Installation
) -> None:
    wrong = NEW | {"body_text": "one\r\n{{ document.nummer }}\r\n"}
    answer = browsers["settings"].post(url(app_with_texts, "edit_text"), data=wrong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="body_text-error"' in page
    assert "2:" in page.split('id="body_text-error"')[1]
    assert "document.nummer" in page
    with sqlite_home.database.read() as session:
        assert session.scalar(select(MessageText)) is None


def test_a_save_over_somebody_elses_change_is_refused(
    app_with_texts: Flask, browsers: dict[str, FlaskClient]
) -> None:
    edit, settings = url(app_with_texts, "edit_text"), browsers["settings"]
    assert settings.post(edit, data=NEW).status_code == 303
    assert settings.post(edit, data=NEW | {"subject": "another"}).status_code == 422


@pytest.mark.parametrize("part", ["html", "text"])
def test_the_preview_runs_nothing_and_shows_what_is_in_the_editor(
    app_with_texts: Flask, browsers: dict[str, FlaskClient], part: str
) -> None:
    sent = NEW | {
        "subject": "<script>alert(1)</script> {{ party.name }}",
        "body_text": "<script>alert(2)</script> {{ company.name }}",
        "body_html": "<p>Ciao {{ company.name }}</p><script>alert(3)</script><img src=x onerror=alert(4)>",
        "part": part,
    }
    answer = browsers["settings"].post(url(app_with_texts, "preview_text"), data=sent)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in page
    assert "onerror" not in page
    assert "Officine Ñandú &amp; Figli" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Ñandú" in page


def test_the_preview_of_a_wrong_text_says_what_is_wrong(
    app_with_texts: Flask, browsers: dict[str, FlaskClient]
) -> None:
    sent = NEW | {"body_text": "{{ nothing }}"}
    answer = browsers["settings"].post(url(app_with_texts, "preview_text"), data=sent)
    assert answer.status_code == 422
    assert "nothing" in answer.get_data(as_text=True)
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("name", "language"), [("nothing", "it"), ("invoice", "de"), ("run_report", "it")])
def test_a_text_that_cannot_exist_answers_404(
    app_with_texts: Flask, browsers: dict[str, FlaskClient], name: str, language: str
) -> None:
    assert browsers["settings"].get(url(app_with_texts, "edit_text", name, language)).status_code == 404
