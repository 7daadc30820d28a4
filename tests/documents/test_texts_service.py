"""Texts: built-in until a company writes its own, checked when saved, every version kept."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import Company
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents import texts
from crm_mail.documents.builtin_texts import BUNDLE, MessageText, builtin_text, compile_message, text_name
from crm_mail.documents.context_fields import company_fields
from crm_mail.documents.text_samples import sample_context
from crm_mail.permissions import PermissionDenied
from tests.factories import make_actor, make_company, make_user, outbox_grants

ADMIN = make_actor()
SPECIAL = "È già così: ñ Ñ ¿qué? & < > \" ' €"


def text(
    subject: str = "Fattura {{ document.number }}", body: str = "Salve\n", html: str = ""
) -> MessageText:
    return MessageText(subject, body, html)


def save(session: Session, company: Company, new: MessageText, based_on: int | None = None) -> int:
    return texts.save_text(session, ADMIN, company.id, "invoice", "it", new, based_on)


def test_a_company_without_texts_uses_the_built_in_ones_in_every_language(session: Session) -> None:
    company = make_company(session)
    book = texts.load_texts(session, company.id)
    for language in TEXT_LANGUAGES:
        in_use = book.text("invoice", language)
        assert in_use.text == builtin_text("invoice", language)
        assert not in_use.is_own
    assert book.text("invoice", "de").text == builtin_text("invoice", "en")


def test_an_own_text_is_used_by_its_company_type_and_language_only(session: Session) -> None:
    """IT-12."""
    company, other = make_company(session), make_company(session)
    assert save(session, company, text()) == 1
    book = texts.load_texts(session, company.id)
    assert book.text("invoice", "it").text == text()
    assert book.text("invoice", "es").text == builtin_text("invoice", "es")
    assert book.text("credit_note", "it").text == builtin_text("credit_note", "it")
    assert texts.load_texts(session, other.id).text("invoice", "it").version == 0
    assert texts.text_for(session, company.id, "invoice", "it-IT").version == 1


def test_a_message_of_several_types_uses_the_bundle_text(session: Session) -> None:
    company = make_company(session)
    texts.save_text(session, ADMIN, company.id, BUNDLE, "it", text("{{ documents_count }} documenti"))
    book = texts.load_texts(session, company.id)
    assert book.text(text_name({"invoice", "delivery_note"}), "it").version == 1
    assert book.text(text_name({"invoice"}), "it").text == builtin_text("invoice", "it")


def test_each_save_is_a_version_and_the_same_text_again_is_none(session: Session) -> None:
    company = make_company(session)
    assert save(session, company, text("one")) == 1
    assert save(session, company, text("two")) == 2
    assert save(session, company, text("two")) == 2
    versions = texts.list_versions(session, company.id, "invoice", "it")
    assert [(v.version, v.text.subject) for v in versions] == [(2, "two"), (1, "one")]


def test_saving_the_built_in_text_unchanged_makes_no_version(session: Session) -> None:
    company = make_company(session)
    shown = texts.text_for(session, company.id, "invoice", "it").text
    crlf = MessageText(
        shown.subject, shown.body_text.replace("\n", "\r\n"), shown.body_html.replace("\n", "\r\n")
    )
    assert save(session, company, crlf) == 0


def test_an_old_version_comes_back_as_a_new_one(session: Session) -> None:
    company = make_company(session)
    save(session, company, text("one"))
    save(session, company, text("two"))
    assert texts.restore_version(session, ADMIN, company.id, "invoice", "it", 1)
    in_use = texts.text_for(session, company.id, "invoice", "it")
    assert (in_use.version, in_use.text.subject) == (3, "one")
    assert not texts.restore_version(session, ADMIN, company.id, "invoice", "it", 99)


def test_going_back_to_the_built_in_text_keeps_the_history(session: Session) -> None:
    company = make_company(session)
    save(session, company, text("one"))
    texts.restore_builtin(session, ADMIN, company.id, "invoice", "it")
    assert not texts.load_texts(session, company.id).text("invoice", "it").is_own
    assert texts.text_for(session, company.id, "invoice", "it").text == builtin_text("invoice", "it")
    assert [v.is_builtin for v in texts.list_versions(session, company.id, "invoice", "it")] == [True, False]
    assert save(session, company, text("three")) == 3


def test_accents_and_the_five_special_characters_survive_saving_and_rendering(session: Session) -> None:
    """PM-12."""
    company = make_company(session, name=f"Officine {SPECIAL}")
    own = text(
        f"{SPECIAL} {{{{ company.name }}}}",
        f"{SPECIAL}\n{{{{ company.name }}}}\n",
        "<p>{{ company.name }}</p>",
    )
    save(session, company, own)
    session.commit()
    session.expire_all()
    kept = texts.text_for(session, company.id, "invoice", "it").text
    assert kept == own
    context = sample_context(company_fields(company), {}, "invoice", "it")
    shown = texts.render_message(compile_message(kept), context)
    assert shown.subject == f"{SPECIAL} Officine {SPECIAL}"
    assert shown.text == f"{SPECIAL}\nOfficine {SPECIAL}\n"
    assert "Officine È già così: ñ Ñ ¿qué? &amp; &lt; &gt; &#34; &#39; €" in shown.html


@pytest.mark.parametrize(
    ("new", "field", "code", "line"),
    [
        (text("{{ document.nummer }}"), "subject", "unknown_placeholder", 1),
        (text(body="one\ntwo {{ customer }}\n"), "body_text", "unknown_placeholder", 2),
        (text(html="<p>x</p>\n<p>{{ party.nome }}</p>"), "body_html", "unknown_placeholder", 2),
        (text(body="{% for d in documents %}"), "body_text", "syntax", 1),
        (text(body="{{ ''.__class__ }}"), "body_text", "forbidden", 1),
        (text("x" * 501), "subject", "too_long", 0),
    ],
)
def test_a_text_that_cannot_be_used_is_refused_with_field_line_and_reason(
    session: Session, new: MessageText, field: str, code: str, line: int
) -> None:
    company = make_company(session)
    with pytest.raises(texts.TextInvalid) as refusal:
        save(session, company, new)
    assert (refusal.value.field, refusal.value.error.code, refusal.value.error.line) == (field, code, line)
    assert texts.list_versions(session, company.id, "invoice", "it") == []


def test_a_loop_without_end_is_refused_when_it_is_saved(session: Session) -> None:
    company = make_company(session)
    endless = "{% for a in range(10**9) %}x{% endfor %}"
    with pytest.raises(texts.TextInvalid, match="body_text"):
        save(session, company, text(body=endless))
    deep = "".join(f"{{% for d{n} in documents %}}" for n in range(20)) + "x" + "{% endfor %}" * 20
    with pytest.raises(texts.TextInvalid, match="body_text"):
        save(session, company, text(body=deep))


@pytest.mark.parametrize(("new", "field"), [(text(" \n "), "subject"), (text(body="  \n"), "body_text")])
def test_a_text_without_subject_or_body_is_refused(session: Session, new: MessageText, field: str) -> None:
    with pytest.raises(texts.TextMissing) as refusal:
        save(session, make_company(session), new)
    assert refusal.value.field == field


def test_a_missing_plain_body_is_made_from_the_html(session: Session) -> None:
    company = make_company(session)
    save(session, company, text(body="", html="<p>Gentile {{ contact.name }}</p>"))
    assert "Gentile {{ contact.name }}" in texts.text_for(session, company.id, "invoice", "it").text.body_text


def test_scripts_are_cleaned_out_of_the_html(session: Session) -> None:
    company = make_company(session)
    save(session, company, text(html='<p onclick="x()">a</p><script>alert(1)</script>'))
    kept = texts.text_for(session, company.id, "invoice", "it").text.body_html
    assert kept == "<p>a</p>"


def test_two_editors_at_once_do_not_overwrite_each_other(session: Session) -> None:
    company = make_company(session)
    seen = texts.newest_version(session, company.id, "invoice", "it")
    save(session, company, text("first"), seen)
    with pytest.raises(texts.TextChangedMeanwhile, match="version 1"):
        save(session, company, text("second"), seen)
    assert texts.text_for(session, company.id, "invoice", "it").text.subject == "first"


def test_only_who_manages_settings_changes_texts_and_the_audit_names_them(session: Session) -> None:
    company = make_company(session)
    user = make_user(session)
    clerk = make_actor(is_admin=False, user_id=user.id, grants=outbox_grants(company.id))
    with pytest.raises(PermissionDenied):
        texts.save_text(session, clerk, company.id, "invoice", "it", text())
    with pytest.raises(PermissionDenied):
        texts.restore_builtin(session, clerk, company.id, "invoice", "it")
    texts.save_text(session, make_actor(user_id=user.id), company.id, "invoice", "it", text())
    session.flush()
    event = session.scalars(select(AuditEvent)).one()
    assert (event.action, event.object_label, event.user_id) == (
        "documents.text.saved",
        "invoice it v1",
        user.id,
    )
    assert texts.list_versions(session, company.id, "invoice", "it")[0].author == user.name


def test_every_built_in_text_passes_the_check_that_a_company_text_must_pass() -> None:
    for name in texts.TEXT_NAMES:
        for language in TEXT_LANGUAGES:
            texts.check_text(builtin_text(name, language), name, language)
            assert texts.is_known(name, language)
