"""Pages of privacy: requests of persons, retention, register."""

import tempfile
from typing import IO, Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.contacts.access import find_contact, find_party
from crm_mail.contacts.confidential import Way, note_reading
from crm_mail.contacts.finding.conditions import of_visible_party
from crm_mail.contacts.models import Contact, ContactState, Party
from crm_mail.outbox.models import Message
from crm_mail.permissions import Permission, current_actor, requires, signed_in_actor
from crm_mail.privacy.erasing import ErasureRefused, erase_contact, preview_erasure
from crm_mail.privacy.exporting import export_contact, export_party
from crm_mail.privacy.forms import EraseForm, ReasonForm, wrong_name
from crm_mail.privacy.models import PrivacyAct
from crm_mail.privacy.person_summary import PersonSummary
from crm_mail.privacy.restricting import AlreadyRestricted, lift_restriction, restrict_contact, restriction_of
from crm_mail.privacy.settings_views import add_settings_routes
from crm_mail.privacy.words import act_words, reason_words, table_words
from crm_mail.web.door import after_commit, db, installation
from crm_mail.web.forms import ActionForm
from crm_mail.web.navigation import current_company

MEMORY = 20_000_000
SHOWN = 200

blueprint = Blueprint("privacy", __name__, url_prefix="/privacy")
add_settings_routes(blueprint)


def company_at_work() -> Company:
    """The company at work, or 404."""
    return current_company(signed_in_actor()) or abort(404)


def may_manage_privacy() -> bool:
    """Whether the signed-in person manages privacy."""
    actor = current_actor()
    return actor is not None and actor.can(Permission.PRIVACY_MANAGE)


def found(contact_id: int) -> Contact:
    """The contact, or 404: also for one above the clearance."""
    contact = find_contact(db(), signed_in_actor(), contact_id) or abort(404)
    note_reading(db(), signed_in_actor(), [contact.id], Way.CARD)
    return contact


@blueprint.get("/")
@requires(Permission.PRIVACY_MANAGE)
def home() -> Any:
    """What was done about persons' requests."""
    company = company_at_work()
    query = (
        select(PrivacyAct, Contact, Party)
        .outerjoin(Contact, (Contact.id == PrivacyAct.contact_id) & (Contact.state != ContactState.ERASED))
        .outerjoin(Party, Party.id == PrivacyAct.party_id)
        .where(PrivacyAct.company_id == company.id)
        .where(
            PrivacyAct.privacy_level <= signed_in_actor().sight.clearance,
            *of_visible_party(PrivacyAct.party_id, signed_in_actor().sight),
        )
        .order_by(PrivacyAct.id.desc())
        .limit(SHOWN)
    )
    sight = signed_in_actor().sight
    acts = [
        (act, contact if contact is None or contact.privacy_level <= sight.clearance else None, party)
        for act, contact, party in db().execute(query)
    ]
    return render_template("privacy/home.html", acts=acts, act_words=lambda kind: act_words(kind, _))


@blueprint.get("/contacts/<int:contact_id>")
@requires(Permission.PRIVACY_MANAGE)
def show_contact(contact_id: int) -> Any:
    """What can be done about the data of a contact."""
    contact = found(contact_id)
    return _contact_page(contact, ReasonForm())


def _contact_page(contact: Contact, form: ReasonForm) -> Any:
    sight = signed_in_actor().sight
    acts = db().scalars(
        select(PrivacyAct)
        .where(PrivacyAct.contact_id == contact.id, PrivacyAct.privacy_level <= sight.clearance)
        .order_by(PrivacyAct.id.desc())
    )
    is_restricted = contact.state is ContactState.RESTRICTED
    page = render_template(
        "privacy/contact.html",
        contact=contact,
        party=contact.party,
        form=form,
        acts=acts.all(),
        act_words=lambda kind: act_words(kind, _),
        restriction=restriction_of(db(), contact.id) if is_restricted else None,
        is_restricted=is_restricted,
        may_edit=signed_in_actor().can(Permission.CONTACTS_MANAGE, contact.company_id),
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/contacts/<int:contact_id>/export")
@requires(Permission.PRIVACY_MANAGE)
def export(contact_id: int) -> Any:
    """Hand over everything about a contact."""
    contact = found(contact_id)
    if not ActionForm().validate_on_submit():
        abort(400)
    file: IO[bytes] = tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115 (the answer closes it)
    summary = PersonSummary(_language(contact))
    export_contact(db(), installation().store, signed_in_actor(), contact, file, summary)
    return _download(file, f"personal-data-contact-{contact.id}.zip")


@blueprint.post("/parties/<int:party_id>/export")
@requires(Permission.PRIVACY_MANAGE)
def export_whole_party(party_id: int) -> Any:
    """Hand over everything about a party that is a person."""
    party = find_party(db(), signed_in_actor(), party_id) or abort(404)
    if not ActionForm().validate_on_submit():
        abort(400)
    file: IO[bytes] = tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115 (the answer closes it)
    summary = PersonSummary(party.language or db().get_one(Company, party.company_id).language)
    export_party(db(), installation().store, signed_in_actor(), party, file, summary)
    return _download(file, f"personal-data-party-{party.id}.zip")


def _language(contact: Contact) -> str:
    company = db().get_one(Company, contact.company_id)
    return contact.language or contact.party.language or company.language or str(get_locale())[:2]


def _download(file: IO[bytes], name: str) -> Response:
    file.seek(0)
    answer: Response = send_file(file, "application/zip", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/contacts/<int:contact_id>/restrict")
@requires(Permission.PRIVACY_MANAGE)
def restrict(contact_id: int) -> Any:
    """Restrict the processing of a contact, or lift the restriction."""
    contact = found(contact_id)
    form = ReasonForm()
    if not form.validate_on_submit():
        return _contact_page(contact, form)
    reason = form.reason.data or ""
    try:
        if request.form.get("restricted") == "yes":
            count = restrict_contact(db(), signed_in_actor(), contact, reason)
            flash(_("%(name)s is restricted: nothing is sent.", name=contact.name), "success")
            if count:
                flash(
                    ngettext(
                        "%(num)d waiting message was called back.",
                        "%(num)d waiting messages were called back.",
                        count,
                    ),
                    "info",
                )
        else:
            lift_restriction(db(), signed_in_actor(), contact, reason)
            flash(_("The restriction of %(name)s is lifted.", name=contact.name), "success")
    except AlreadyRestricted:
        flash(_("Nothing was different."), "info")
    return redirect(url_for("privacy.show_contact", contact_id=contact.id), 303)


@blueprint.route("/contacts/<int:contact_id>/erase", methods=("GET", "POST"))
@requires(Permission.PRIVACY_MANAGE)
def erase(contact_id: int) -> Any:
    """Show what goes, what stays and why; then erase."""
    contact = found(contact_id)
    form = EraseForm()
    problem = ""
    if form.validate_on_submit():
        if (form.name.data or "").strip().lower() == contact.name.strip().lower():
            try:
                return _erased(contact, form.reason.data or "")
            except ErasureRefused as refused:
                problem = _on_their_way(refused)
        else:
            form.name.errors = [wrong_name()]
    plan = preview_erasure(db(), signed_in_actor(), contact)
    page = render_template(
        "privacy/erase.html",
        contact=contact,
        party=contact.party,
        form=form,
        plan=plan,
        kept={one.message_id: db().get_one(Message, one.message_id) for one in plan.kept[:SHOWN]},
        unshown=max(0, len(plan.kept) - SHOWN),
        problem=problem,
        table_words=lambda name: table_words(name, _),
        reason_words=lambda reason: reason_words(reason, _),
    )
    return page, 422 if form.is_submitted() else 200


def _erased(contact: Contact, reason: str) -> Any:
    party_id = contact.party_id
    done = erase_contact(db(), signed_in_actor(), contact, reason)
    after_commit(lambda: done.remove_files(installation().store))
    flash(_("The contact is erased."), "success")
    if done.kept:
        flash(
            ngettext(
                "%(num)d message stays because law obliges to keep it.",
                "%(num)d messages stay because law obliges to keep them.",
                len(done.kept),
            ),
            "info",
        )
    return redirect(url_for("contacts.show_party", party_id=party_id), 303)


def _on_their_way(refused: ErasureRefused) -> str:
    words: str = _(
        "Messages that name this contact are on their way (run %(runs)s). Wait until the run is finished, or cancel "
        "it, then erase again.",
        runs=", ".join(map(str, refused.runs)),
    )
    return words


def init_app(app: Flask) -> None:
    """Add the pages, and what other rooms' pages ask before they link here."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["may_manage_privacy"] = may_manage_privacy
