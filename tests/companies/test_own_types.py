"""A company switches document types off, names them and adds its own (issue 3, section 1)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.company_rules import CompanyInvalid, Problem
from crm_mail.companies.models import CompanyType
from crm_mail.companies.own_types import rename_type, save_own_type, set_used
from crm_mail.companies.policies import policy_for, save_policies
from crm_mail.companies.type_registry import BUILT_IN, all_types, company_types
from crm_mail.companies.type_rules import OwnType, TypeName, check_own_type, fields_of_schema, read_own_type
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.forms import read_subscriptions
from crm_mail.delivery.routing import ChannelPreference
from crm_mail.document_types import Direction, DocumentType, FieldKind, OwnField
from crm_mail.documents.listing import DocumentFilter, list_documents
from crm_mail.documents.models import Document
from crm_mail.documents.own_type_print import printed_type
from crm_mail.documents.pdf_markup import build_html
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.schemas import Canonical, validate_canonical
from crm_mail.documents.service import FileRole, NewDocument, NewFile, store_document
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.preparation import prepare_run
from crm_mail.permissions import Permission, PermissionDenied
from crm_mail.users.models import User
from tests.factories import make_account, make_actor, make_company, make_contact, make_party, make_user

ADMIN = make_actor()
WARRANTY = OwnType(
    id="x_warranty",
    name=TypeName({"it": "Certificato di garanzia", "en": "Warranty"}, {"it": "certificati di garanzia"}),
    base="delivery_note",
    direction=Direction.CUSTOMER,
    role="amministrazione",
    channel=ChannelPreference.ORDINARY_ONLY,
    fields=(OwnField("months", FieldKind.INTEGER, True, "Mesi"), OwnField("bought_on", FieldKind.DATE)),
)


def refusals(own: OwnType) -> list[tuple[str, Problem]]:
    with pytest.raises(CompanyInvalid) as caught:
        check_own_type(own, "it")
    return [(one.field, one.problem) for one in caught.value.problems]


def test_a_company_that_changed_nothing_has_the_built_in_types(session: Session) -> None:
    types = company_types(session, make_company(session).id)
    assert types is BUILT_IN
    assert list(types.ids) == [t.value for t in DocumentType]


def test_a_renamed_type_is_called_so_in_its_company_only(session: Session) -> None:
    company, other = make_company(session), make_company(session)
    name = TypeName({"it": " Bolla ", "es": "Albarán de entrega", "en": ""}, {"it": "bolle"})
    assert rename_type(session, ADMIN, company, "delivery_note", name)
    types = company_types(session, company.id)
    assert [types.label("delivery_note", one) for one in ("it", "es", "en")] == [
        "Bolla",
        "Albarán de entrega",
        "Delivery note",
    ]
    assert types.facts("delivery_note").plural("it") == "bolle"
    assert company_types(session, other.id).label("delivery_note", "it") == "Documento di trasporto"
    assert rename_type(session, ADMIN, company, "delivery_note", TypeName())
    assert session.scalar(select(func.count(CompanyType.id))) == 0
    events = [event.action for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
    assert events == ["companies.type.changed"] * 2


def test_a_type_out_of_use_is_not_offered_and_stays_known(session: Session) -> None:
    company = make_company(session)
    kept = [t.value for t in DocumentType if t is not DocumentType.QUOTE]
    assert set_used(session, ADMIN, company, kept) == 1
    assert set_used(session, ADMIN, company, kept) == 0
    types = company_types(session, company.id)
    assert "quote" in types.ids
    assert "quote" not in types.used
    assert "quote" not in policy_for(session, company.id)
    assert "quote" not in types.sides([Direction.CUSTOMER])
    with pytest.raises(CompanyInvalid):
        set_used(session, ADMIN, company, ["nothing"])


def test_an_own_type_has_its_names_defaults_and_schema(session: Session) -> None:
    company = make_company(session)
    save_own_type(session, ADMIN, company, WARRANTY, is_new=True)
    types = company_types(session, company.id)
    view = types.by_id["x_warranty"]
    assert (view.base, view.layout, view.is_own) == ("delivery_note", "delivery_note", True)
    assert (
        types.label("x_warranty", "es") == "Certificato di garanzia"
    )  # no Spanish name: the company's language
    assert view.facts.plural("en") == "Warranty"
    policy = policy_for(session, company.id)["x_warranty"]
    assert policy.channel_preference is ChannelPreference.ORDINARY_ONLY
    assert save_policies(session, ADMIN, company, {"x_warranty": replace(policy, is_bundled=False)}) == 1
    assert not policy_for(session, company.id)["x_warranty"].is_bundled
    data = {"type": "x_warranty", "number": "1", "date": "2026-11-21", "party": {"code": "1"}, "months": 24}
    result = validate_canonical(data | {"lines": [{"code": "A"}]}, False, types.schemas())
    assert isinstance(result, Canonical)
    printed = printed_type(types, "x_warranty", result.data, "it")
    assert printed["type_label"] == "Certificato di garanzia"
    assert printed["facts"] == [{"label": "Mesi", "value": "24"}]
    page = build_html("delivery_note", result.data | printed, "it", Theme())
    assert "Certificato di garanzia n. 1" in page
    assert printed_type(types, "invoice", {}, "it") == {}


def test_an_own_type_is_changed_and_its_id_is_taken_once(session: Session) -> None:
    company, other = make_company(session), make_company(session)
    save_own_type(session, ADMIN, company, WARRANTY, is_new=True)
    with pytest.raises(CompanyInvalid, match="already"):
        save_own_type(session, ADMIN, company, WARRANTY, is_new=True)
    save_own_type(session, ADMIN, other, WARRANTY, is_new=True)
    save_own_type(session, ADMIN, company, replace(WARRANTY, layout="invoice", fields=()))
    assert company_types(session, company.id).layout("x_warranty") == "invoice"
    assert company_types(session, other.id).layout("x_warranty") == "delivery_note"
    assert "x_warranty" in all_types(session).ids
    event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert event.detail["after"] == {"layout": "invoice", "fields": []}
    with pytest.raises(PermissionDenied):
        save_own_type(session, make_actor(is_admin=False), company, WARRANTY)


@pytest.mark.parametrize(
    ("own", "field", "problem"),
    [
        (replace(WARRANTY, id="warranty"), "id", Problem.BAD_TYPE_ID),
        (replace(WARRANTY, id="x_War-1"), "id", Problem.BAD_TYPE_ID),
        (replace(WARRANTY, id="x_" + "a" * 31), "id", Problem.BAD_TYPE_ID),
        (replace(WARRANTY, base="x_other"), "base", Problem.UNKNOWN_TYPE),
        (replace(WARRANTY, name=TypeName()), "label_it", Problem.REQUIRED),
        (replace(WARRANTY, name=TypeName({"it": "a" * 61})), "label_it", Problem.TOO_LONG),
        (replace(WARRANTY, name=TypeName({"it": "a\nb"})), "label_it", Problem.CONTROL),
        (replace(WARRANTY, fields=(OwnField("Mesi!"),)), "fields", Problem.BAD_FIELD_NAME),
        (replace(WARRANTY, fields=(OwnField("a"), OwnField("a"))), "fields", Problem.FIELD_TWICE),
        (replace(WARRANTY, fields=tuple(OwnField(f"a{n}") for n in range(31))), "fields", Problem.TOO_MANY),
    ],
)
def test_an_own_type_that_cannot_be_kept_is_refused(own: OwnType, field: str, problem: Problem) -> None:
    assert (field, problem) in refusals(own)


def test_fields_may_come_as_a_small_json_schema() -> None:
    schema = {
        "type": "object",
        "required": ["plate"],
        "properties": {
            "plate": {"type": "string", "title": "Targa"},
            "litres": {"type": "number"},
            "day": {"type": "string", "format": "date"},
        },
    }
    assert fields_of_schema(schema) == (
        OwnField("plate", FieldKind.TEXT, True, "Targa"),
        OwnField("litres", FieldKind.AMOUNT),
        OwnField("day", FieldKind.DATE),
    )
    with pytest.raises(CompanyInvalid):
        fields_of_schema({"properties": {"lines": {"type": "array"}}})


def test_a_type_is_read_from_a_json_file() -> None:
    """`crm-mail company add-type`."""
    data = {
        "id": "x_warranty",
        "labels": {"it": "Certificato di garanzia", "en": "Warranty"},
        "plurals": {"it": "certificati di garanzia"},
        "base": "delivery_note",
        "role": "amministrazione",
        "channel": "ordinary_only",
        "fields": [
            {"name": "months", "type": "integer", "required": True, "label": "Mesi"},
            {"name": "bought_on", "type": "date"},
        ],
    }
    assert read_own_type(data) == replace(WARRANTY, layout="delivery_note")
    for wrong in (
        [],
        data | {"direction": "up"},
        data | {"fields": "months"},
        data | {"fields": [{"type": "x"}]},
    ):
        with pytest.raises(CompanyInvalid):
            read_own_type(wrong)


def test_a_document_of_an_own_type_goes_the_whole_way_to_a_message(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session, language="it")
        save_own_type(session, ADMIN, company, WARRANTY, is_new=True)
        make_account(session, company)
        party = make_party(session, company, language="it")
        make_contact(session, party, subscriptions=["x_warranty"])
        user = make_user(session)
        new = NewDocument(
            type="x_warranty",
            number="G-7",
            dated_on=date(2026, 11, 21),
            files=[NewFile(FileRole.MAIN, "g.pdf", "application/pdf", b"%PDF-1.4 warranty")],
            gross_total=Decimal("10"),
        )
        document, _ = store_document(session, ADMIN, sqlite_home.store, party, new)
        assert document.natural_key.startswith("x_warranty/2026/")
        actor = make_actor(
            is_admin=False,
            user_id=user.id,
            grants=frozenset({(Permission.OUTBOX_PREPARE, "x_warranty", company.id)}),
        )
        company_id = company.id
    with sqlite_home.database.read() as session:
        page = list_documents(session, actor, company_id, DocumentFilter(type="x_warranty"))
        assert [one.number for one in page.documents] == ["G-7"]
        assert session.scalar(select(Document.type)) == "x_warranty"
    prepared = prepare_run(sqlite_home, actor, Criteria(PartyFilter(company_id)))
    assert (prepared.messages, prepared.blocked) == (1, 0)
    with sqlite_home.database.read() as session:
        message = session.scalars(select(Message)).one()
        assert message.document_types == "x_warranty"
        assert "Certificato di garanzia" in message.subject
    assert set(read_subscriptions({"receive-x_warranty": "to"}, ["x_warranty"])) == {"x_warranty"}


def test_the_settings_page_adds_renames_and_switches_off(
    sqlite_home: Installation, login_as: Callable[[User], FlaskClient], app: Flask
) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session, language="en")
        admin = make_user(session, is_admin=True)
        keeper = make_user(session, areas=[Permission.CONTACTS_MANAGE])
    boss, clerk = login_as(admin), login_as(keeper)
    base = f"/companies/{company.id}/types"
    assert clerk.get(base).status_code == 403
    assert app.test_client().get(base).status_code in (302, 303)
    new = {
        "id": "x_warranty",
        "label_en": "Warranty",
        "base": "generic",
        "layout": "generic",
        "direction": "customer",
        "channel": "pec_first",
        "fields-0-name": "months",
        "fields-0-label": "Months",
        "fields-0-kind": "integer",
        "fields-1-name": "",
        "fields-1-kind": "text",
    }
    assert boss.post(f"{base}/new", data=new | {"id": "warranty"}).status_code == 422
    bad = boss.post(f"{base}/new", data=new | {"fields-0-name": "Two words"})
    assert bad.status_code == 422
    assert "Two words" in bad.text
    assert "error-summary" in bad.text
    assert boss.post(f"{base}/new", data=new).status_code == 303
    assert boss.post(f"{base}/x_warranty", data=new | {"label_it": "Garanzia"}).status_code == 303
    assert boss.post(f"{base}/quote", data={"label_en": "Offer & price"}).status_code == 303
    page = boss.get(base).text
    assert "Warranty" in page
    assert "Offer &amp; price" in page
    used = [t.value for t in DocumentType if t is not DocumentType.RECEIPT]
    assert boss.post(base, data={"used": [*used, "x_warranty"]}).status_code == 303
    assert boss.post(base, data={}).status_code == 422
    upload = boss.get("/import/pdf").text
    assert 'value="x_warranty"' in upload
    assert "Offer &amp; price" in upload
    assert 'value="receipt"' not in upload
    assert 'value="receipt"' in boss.get("/documents").text
    assert boss.get(f"{base}/x_warranty").text.count('value="months"') == 1
    assert boss.get(f"{base}/x_none").status_code == 404
