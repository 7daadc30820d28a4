"""Pages of a contact's consents: what holds, what was said, recording it; and the company's ledger as a file."""

import io
from tempfile import TemporaryFile
from typing import IO, Any

from flask import Response, abort, flash, redirect, render_template, send_file, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.companies.policies import policy_for
from crm_mail.contacts.blueprint import blueprint
from crm_mail.contacts.card_views import company_or_404
from crm_mail.contacts.consents import words as consent_words
from crm_mail.contacts.consents.export import HEADER, export_states
from crm_mail.contacts.consents.forms import MAX_PROOF, ConsentForm
from crm_mail.contacts.consents.recording import Word, consent_history, find_event, record_consent, verdicts
from crm_mail.contacts.consents.rules import Decision, Source, soft_opt_in
from crm_mail.contacts.contact_views import found
from crm_mail.contacts.models import Contact
from crm_mail.contacts.party_export import record_export
from crm_mail.delivery.headers import safe_file_name
from crm_mail.outbox.links.unsubscribing import drop_unsubscribed
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.storage import StoredFileDamaged, StoredFileMissing
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm
from crm_mail.web.table_files import CSV_MIME, XLSX_MIME, csv_chunks, write_xlsx
from crm_mail.web.type_names import type_name


def _page(contact: Contact, form: ConsentForm) -> tuple[str, int]:
    company = db().get_one(Company, contact.company_id)
    policies = policy_for(db(), company.id).values()
    rule = soft_opt_in(company.country, company.soft_opt_in)
    page = render_template(
        "contacts/consents.html",
        contact=contact,
        party=contact.party,
        form=form,
        may_export=signed_in_actor().can(Permission.CONTACTS_EXPORT, contact.company_id),
        may_manage=signed_in_actor().can(Permission.CONTACTS_MANAGE, contact.company_id),
        verdicts=verdicts(db(), contact),
        history=consent_history(db(), contact),
        words=consent_words,
        asking=[type_name(one.document_type) for one in policies if one.asks_consent],
        owed=[type_name(one.document_type) for one in policies if not one.asks_consent],
        law=rule.law if rule else "",
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.get("/people/<int:contact_id>/consents")
@requires(Permission.CONTACTS_SEE)
def show_consents(contact_id: int) -> Any:
    """What a contact agreed to, and every word it ever said."""
    form = ConsentForm(formdata=None)
    form.offer()
    return _page(found(contact_id), form)


@blueprint.post("/people/<int:contact_id>/consents/<any(given, withdrawn):decision>")
@requires(Permission.CONTACTS_MANAGE)
def save_consent(contact_id: int, decision: str) -> Any:
    """Write down that a contact agreed, or said no."""
    contact, form = found(contact_id), ConsentForm()
    form.offer()
    if not form.validate():
        return _page(contact, form)
    name, data = form.read_file()
    if len(data) > MAX_PROOF:
        form.proof_file.errors = [_("The file is larger than 5 MB. Give a smaller one.")]
        return _page(contact, form)
    is_latest = _record(contact, form, Decision(decision), name, data)
    if is_latest:
        flash(_("It is written down, and holds from now on."), "success")
    else:
        flash(_("It is written down. A later word says otherwise, and holds."), "warning")
    return redirect(url_for("contacts.show_consents", contact_id=contact.id), 303)


def _record(contact: Contact, form: ConsentForm, decision: Decision, name: str, data: bytes) -> bool:
    word = Word(
        *form.chosen,
        decision,
        Source.PERSON,
        at=form.at,
        text_version=(form.text_version.data or "").strip(),
        proof=(form.proof.data or "").strip(),
        proof_name=safe_file_name(name)[:200] if data else "",
        proof_sha256=installation().store.put(data) if data else "",
    )
    is_latest = record_consent(db(), signed_in_actor(), contact, word)
    if is_latest and decision is Decision.WITHDRAWN:
        drop_unsubscribed(db(), signed_in_actor(), [contact.party_id])
    return is_latest


@blueprint.get("/people/<int:contact_id>/consents/<int:event_id>/proof")
@requires(Permission.CONTACTS_SEE)
def download_proof(contact_id: int, event_id: int) -> Any:
    """The file that proves a word, as it was given; a browser never shows it."""
    word = find_event(db(), found(contact_id), event_id)
    if word is None or not word.proof_sha256:
        abort(404)
    try:
        data = installation().store.read(word.proof_sha256)
    except (StoredFileMissing, StoredFileDamaged):
        abort(404)
    answer: Response = send_file(
        io.BytesIO(data), "application/octet-stream", as_attachment=True, download_name=word.proof_name
    )
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@blueprint.post("/consents/<any(xlsx, csv):kind>")
@requires(Permission.CONTACTS_EXPORT)
def export_consents(kind: str) -> Any:
    """The company's consents as they stand, contact by contact, as a file."""
    if not ActionForm().validate_on_submit():
        abort(400)
    company, actor = company_or_404(), signed_in_actor()
    rows = list(export_states(db(), actor, company.id))
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed by the response
    if kind == "csv":
        file.writelines(csv_chunks(HEADER, rows, str(get_locale() or "en")))
    else:
        write_xlsx(HEADER, rows, file, "consents")
    file.seek(0)
    record_export(db(), actor, company.id, f"consents {kind}", len(rows))
    mime = CSV_MIME if kind == "csv" else XLSX_MIME
    return send_file(file, mime, as_attachment=True, download_name=f"consents.{kind}")
