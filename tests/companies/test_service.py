"""Companies: what is kept, what is refused, what a new one begins with."""

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageFile
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies import service
from crm_mail.companies.company_rules import CompanyDetails, CompanyInvalid, Problem, check_details
from crm_mail.companies.logo import check_logo, image_mime
from crm_mail.companies.models import Company
from crm_mail.contacts.models import PrivacyLevelName, Role
from crm_mail.installation import Installation
from crm_mail.permissions import PermissionDenied
from tests.factories import make_actor, make_company, outbox_grants

ADMIN = make_actor()


def details(**overrides: Any) -> CompanyDetails:
    values: dict[str, Any] = {
        "code": "SM02",
        "name": "Officine Ñandú & Figli S.p.A.",
        "vat_number": "IT01234567890",
    }
    return CompanyDetails(**(values | overrides))


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "navy").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("language", "role", "level"),
    [
        ("it", "Amministrazione", "Riservato"),
        ("es", "Logística", "Reservado"),
        ("en", "Quality office", "Reserved"),
    ],
)
def test_a_new_company_begins_with_roles_and_level_names_in_its_language(
    session: Session, language: str, role: str, level: str
) -> None:
    """IT-10, IT-17."""
    company = service.add_company(session, ADMIN, details(language=language))
    roles = set(session.scalars(select(Role.name).where(Role.company_id == company.id)))
    names = session.scalars(
        select(PrivacyLevelName.name)
        .where(PrivacyLevelName.company_id == company.id)
        .order_by(PrivacyLevelName.level)
    ).all()
    assert role in roles
    assert len(roles) == 6
    assert (len(names), names[2]) == (4, level)


def test_two_companies_cannot_have_one_code_whatever_its_capitals(session: Session) -> None:
    service.add_company(session, ADMIN, details())
    with pytest.raises(CompanyInvalid, match="a company with the code SM02 already"):
        service.add_company(session, ADMIN, details(code="sm02"))
    assert service.find_by_code(session, " sm02 ") is not None


def test_a_code_is_kept_as_typed_with_its_leading_zeros(session: Session) -> None:
    assert service.add_company(session, ADMIN, details(code="007a")).code == "007a"


@pytest.mark.parametrize(
    ("overrides", "field", "problem"),
    [
        ({"code": ""}, "code", Problem.REQUIRED),
        ({"code": "A B"}, "code", Problem.BAD_CODE),
        ({"code": "A:B"}, "code", Problem.BAD_CODE),
        ({"code": "X" * 21}, "code", Problem.TOO_LONG),
        ({"name": "  "}, "name", Problem.REQUIRED),
        ({"name": "Rossi\r\nBcc: x@example.com"}, "name", Problem.CONTROL),
        ({"country": "Italia"}, "country", Problem.BAD_COUNTRY),
        ({"language": "fr"}, "language", Problem.BAD_LANGUAGE),
        ({"timezone": "Europe/Atlantis"}, "timezone", Problem.BAD_TIMEZONE),
        ({"error_address": "nobody"}, "error_address", Problem.BAD_ADDRESS),
        ({"test_address": "a@b@c"}, "test_address", Problem.BAD_ADDRESS),
        ({"undo_seconds": -1}, "undo_seconds", Problem.OUT_OF_RANGE),
        ({"max_message_mb": 0}, "max_message_mb", Problem.OUT_OF_RANGE),
        ({"website": "javascript:alert(1)"}, "website", Problem.BAD_WEBSITE),
    ],
)
def test_a_wrong_value_is_refused_with_its_field_and_nothing_is_kept(
    session: Session, overrides: dict[str, Any], field: str, problem: Problem
) -> None:
    with pytest.raises(CompanyInvalid) as refusal:
        service.add_company(session, ADMIN, details(**overrides))
    assert (field, problem) in {(p.field, p.problem) for p in refusal.value.problems}
    assert session.scalars(select(Company)).all() == []


@pytest.mark.parametrize(
    ("overrides", "country"),
    [
        ({"vat_number": "MXEKU9003173C9"}, "MX"),
        ({"vat_number": "EKU9003173C9"}, "MX"),
        ({"vat_number": "MXEKU9003173C9", "country": "es"}, "ES"),
        ({"vat_number": "", "tax_code": "EKU9003173C9"}, "MX"),
        ({"vat_number": "01234567890"}, "IT"),
    ],
)
def test_a_country_nobody_states_is_that_of_the_vat_number(overrides: dict[str, str], country: str) -> None:
    assert check_details(details(**overrides)).country == country


def test_a_change_is_recorded_with_what_it_was_before(session: Session) -> None:
    company = service.add_company(session, ADMIN, details())
    changed = replace(service.details_of(company), undo_seconds=60, error_address="errors@example.com")
    service.update_company(session, ADMIN, company, changed)
    service.update_company(session, ADMIN, company, changed)
    session.flush()
    events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [event.action for event in events] == ["companies.company.added", "companies.company.changed"]
    assert events[1].detail == {
        "before": {"error_address": "", "undo_seconds": 30},
        "after": {"error_address": "errors@example.com", "undo_seconds": 60},
    }


def test_only_who_manages_settings_adds_or_changes_companies(session: Session) -> None:
    company = make_company(session)
    clerk = make_actor(is_admin=False, user_id=5, grants=outbox_grants(company.id))
    with pytest.raises(PermissionDenied):
        service.add_company(session, clerk, details())
    with pytest.raises(PermissionDenied):
        service.update_company(session, clerk, company, details())
    with pytest.raises(PermissionDenied):
        service.list_companies(session, clerk)


def test_a_person_works_only_in_companies_in_which_something_is_granted(session: Session) -> None:
    company, other = make_company(session), make_company(session)
    clerk = make_actor(is_admin=False, user_id=5, grants=outbox_grants(company.id))
    assert service.can_work_in(clerk, company.id)
    assert not service.can_work_in(clerk, other.id)
    assert service.can_work_in(ADMIN, other.id)


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_a_logo_is_kept_by_its_content_and_can_be_taken_away(
    session: Session, home: Installation, kind: str, mime: str
) -> None:
    company = make_company(session)
    service.set_logo(session, ADMIN, company, home.store, picture(kind))
    assert company.logo_sha256 is not None
    assert image_mime(home.store.read(company.logo_sha256)) == mime
    service.set_logo(session, ADMIN, company, home.store, None)
    assert company.logo_sha256 is None


def _bomb() -> bytes:
    """A PNG head that promises 60,000 × 60,000 points."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7",
        picture("GIF"),
        picture()[:60],
        picture("JPEG")[:200],
        b"\x89PNG\r\n\x1a\n" + b"<html>",
        b"\xff\xd8\xff" + b"x" * 1_000_001,
        picture(size=(3000, 3000)),
        _bomb(),
    ],
)
def test_what_is_no_whole_small_png_or_jpeg_is_refused(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as WeasyPrint leaves it
    with pytest.raises(CompanyInvalid, match="the logo is"):
        check_logo(data)
