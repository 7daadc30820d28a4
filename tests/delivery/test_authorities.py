"""The certificate of a private authority: what is kept of an upload, what is refused, what the page shows."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.db import now
from crm_mail.delivery.account_rules import AccountInvalid, Problem
from crm_mail.delivery.authorities import MAX_BYTES, authority_pem, describe_authorities
from crm_mail.delivery.models import SenderAccount
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.sandbox.certificates import Certificates, ensure_certificates
from crm_mail.users.models import User
from tests.delivery.test_access import NEW
from tests.factories import make_company, make_user


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority, and a server's certificate that it signed."""
    return ensure_certificates(tmp_path_factory.mktemp("authority"))


def test_only_certificates_are_kept_and_both_forms_are_read(certificates: Certificates) -> None:
    pem = certificates.ca_file.read_bytes()
    kept = authority_pem(b"# our authority\n" + pem + certificates.key_file.read_bytes(), now())
    assert kept.encode() == pem
    assert authority_pem(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER), now()) == kept
    (shown,) = describe_authorities(kept)
    assert shown.name == "Local test authority"
    assert shown.expires_at > now()


@pytest.mark.parametrize(
    ("name", "days", "problem"),
    [
        ("key_file", 0, Problem.NO_CERTIFICATE),
        ("cert_file", 0, Problem.NOT_AN_AUTHORITY),
        ("ca_file", 1000, Problem.CERTIFICATE_EXPIRED),
        ("", 0, Problem.NO_CERTIFICATE),
        ("large", 0, Problem.FILE_TOO_LARGE),
    ],
)
def test_what_is_no_authority_is_refused(
    certificates: Certificates, name: str, days: int, problem: Problem
) -> None:
    path: Path | None = getattr(certificates, name, None)
    data = path.read_bytes() if path else b"x" * (MAX_BYTES + 1 if name else 9)
    with pytest.raises(AccountInvalid) as refused:
        authority_pem(data, now() + timedelta(days=days))
    assert [found.problem for found in refused.value.problems] == [problem]


def test_an_authority_is_uploaded_shown_kept_and_forgotten_on_the_page(
    app: Flask,
    sqlite_home: Installation,
    login_as: Callable[[User], FlaskClient],
    certificates: Certificates,
) -> None:
    with sqlite_home.database.write() as session:
        make_company(session, name="Officine Ñandú")
        chief = make_user(session, areas=[Permission.SETTINGS_MANAGE])
    browser = login_as(chief)
    assert 'value="Officine Ñandú"' in browser.get("/accounts/new").get_data(as_text=True)

    def upload(path: Path) -> dict[str, object]:
        return {**NEW, "ca_upload": (io.BytesIO(path.read_bytes()), "ca.pem")}

    refused = browser.post("/accounts/new", data=upload(certificates.cert_file))
    assert refused.status_code == 422
    assert "is a server&#39;s certificate" in refused.get_data(as_text=True)
    page = browser.post("/accounts/new", data=upload(certificates.ca_file), follow_redirects=True)
    assert "Local test authority" in page.get_data(as_text=True)
    address = page.request.path
    for form, kept in ((NEW, certificates.ca_file.read_text()), ({**NEW, "forgets_authority": "y"}, "")):
        assert browser.post(address, data=form).status_code == 303
        with sqlite_home.database.read() as session:
            assert session.scalars(select(SenderAccount.ca_pem)).all() == [kept]
