"""The pages of the hot folder, and an upload of files that belong together."""

import io
import json
from collections.abc import Callable

from flask.testing import FlaskClient

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.documents.bundles import ImportedFile
from crm_mail.importers.documents.pairing import Group
from crm_mail.importers.folders.hot_folder import Claim
from crm_mail.importers.folders.taking import record
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from tests.factories import make_company, make_user


def test_a_refusal_waits_until_it_is_seen_and_settings_stay_inside_the_root(
    login_as: Callable[..., FlaskClient], sqlite_home: Installation
) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session, code="ACME", language="it")
        folder = sqlite_home.settings.data_dir
        refused = [ImportedFile("a.pdf", refused=ImportRefused("not_a_pdf", name="a.pdf"))]
        record(session, company, Claim(folder, Group("a.pdf")), refused)
        user = make_user(session, areas=[Permission.CONTACTS_MANAGE, Permission.SETTINGS_MANAGE])
        session.flush()
        session.expunge(user)
    client = login_as(user)
    page = client.get("/import/folder?outcome=refused").get_data(as_text=True)
    assert "“a.pdf” non è un PDF" in page  # in the company's language, whoever reads it
    assert client.post("/import/folder/seen").status_code == 303
    assert "a.pdf" not in client.get("/import/folder?outcome=refused").get_data(as_text=True)
    assert "a.pdf" in client.get("/import/folder").get_data(as_text=True)

    choices = {"path": "../elsewhere", "is_watched": "y", "wait_minutes": "0", "afterwards": "keep"}
    answer = client.post("/import/folder/settings", data=choices)
    assert answer.status_code == 422
    assert "must lie inside" in answer.get_data(as_text=True)
    assert client.post("/import/folder/settings", data=choices | {"path": "ACME"}).status_code == 303
    assert (sqlite_home.settings.resolved_hot_folder_root / "ACME" / "error").is_dir()

    document = {"type": "quote", "number": "Q1", "date": "2026-11-02", "party": {"name": "Rossi"}}
    uploads = [
        (io.BytesIO(json.dumps(document).encode()), "q.json"),
        (io.BytesIO(b"hello"), "q.pdf"),
    ]
    told = client.post("/import/documents", data={"files": uploads}).get_data(as_text=True)
    assert "q.json + q.pdf" in told
    assert "is not a PDF" in told
