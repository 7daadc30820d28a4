"""The *Prepare* page: what, to whom, check; then a run is made and its preparation shown."""

from typing import Any
from urllib.parse import urlencode

from flask import Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts import vocabulary
from crm_mail.contacts.finding.filter_words import address_kind_choices, describe_filter
from crm_mail.contacts.finding.listing import list_names
from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter
from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.outbox import tasks
from crm_mail.outbox.composing.parts import is_composed
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing import prepare_forms
from crm_mail.outbox.preparing.completing import can_complete, complete_run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.preparation import count_unprinted
from crm_mail.outbox.preparing.prepare import Preview, create_run, fill_run, preview_run
from crm_mail.outbox.preparing.prepare_forms import FIRST, LAST, SECOND, WhatForm
from crm_mail.outbox.reviewing.review_page import link, run_or_404
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Actor, Permission, requires, signed_in_actor
from crm_mail.web.door import after_commit, db, installation
from crm_mail.web.navigation import current_company, visible_companies

AT_ONCE = 2000
"""Documents up to which the messages are written while the person waits."""


@requires(Permission.OUTBOX_PREPARE)
def prepare() -> Any:
    """The three steps; each has an address, and nothing is written before the last one is posted."""
    actor = signed_in_actor()
    company = _company(actor)
    if company is None:
        return render_template("outbox/prepare_nothing.html"), 200
    form, criteria = _read(actor, company)
    if criteria is None:
        return _page(actor, company, FIRST, form, None), 422
    if request.method == "POST":
        return _create(actor, company, form, criteria)
    return _page(actor, company, prepare_forms.current_step(), form, criteria)


def _company(actor: Actor) -> Company | None:
    """The company that the address names, else the one at work; only those in which the person may prepare."""
    mine = [c for c in visible_companies(actor) if actor.can(Permission.OUTBOX_PREPARE, c.id)]
    wanted = request.args.get("company", type=int)
    if wanted is not None:
        return next((c for c in mine if c.id == wanted), None) or abort(404)
    at_work = current_company(actor)
    return next((c for c in mine if at_work and c.id == at_work.id), mine[0] if mine else None)


def _allowed(actor: Actor, company: Company) -> list[str]:
    return actor.types(Permission.OUTBOX_PREPARE, company.id, company_types(db(), company.id).used)


def _read(actor: Actor, company: Company) -> tuple[WhatForm, Criteria | None]:
    types, language = company_types(db(), company.id), str(get_locale() or "en")
    allowed = _allowed(actor, company)
    form = WhatForm.of_address([(one, types.label(one, language)) for one in allowed])
    if not form.validate():
        return form, None
    try:
        return form, prepare_forms.read_criteria(form, company.id, allowed)
    except FilterInvalid as refused:
        abort(400, _("The filter %(name)s is not understood. Remove it from the address.", name=refused.name))


def _page(actor: Actor, company: Company, step: int, form: WhatForm, criteria: Criteria | None) -> str:
    parties = criteria.parties if criteria else PartyFilter(company.id)
    companies = [c for c in visible_companies(actor) if actor.can(Permission.OUTBOX_PREPARE, c.id)]
    return render_template(
        "outbox/prepare.html",
        step=step,
        steps=[(_("What"), _step(FIRST)), (_("To whom"), _step(SECOND)), (_("Check"), _step(LAST))],
        form=form,
        company=company,
        companies=companies,
        parties=parties,
        offered=_offered(actor, company) if step == SECOND else {},
        labels=_labels(),
        address_kinds=address_kind_choices(),
        whom_words=describe_filter(parties),
        may_schedule=actor.can(Permission.SCHEDULES_MANAGE, company.id),
        carried=prepare_forms.carried(step),
        preview=preview_run(db(), actor, criteria) if criteria else None,
        criteria=criteria,
        chosen=_chosen(form, parties),
        documents=_named_documents(company, criteria),
        step_url=_step,
        counts_url=url_for("outbox.count_preparation"),
    )


def _step(number: int) -> str:
    return f"{url_for('outbox.prepare')}?{urlencode(prepare_forms.arguments(step=number))}"


def _offered(actor: Actor, company: Company) -> dict[str, list[str]]:
    columns = {"agent": Party.agent, "zone": Party.zone, "city": Party.city, "category": Party.category}
    offered = {name: list_names(db(), actor.sight, company.id, column) for name, column in columns.items()}
    offered["role"] = [role.name for role in vocabulary.list_roles(db(), actor, company.id)]
    in_use = vocabulary.list_characteristics(db(), actor, company.id)
    return offered | {name: in_use for name in prepare_forms.TAGS}


def _labels() -> dict[str, str]:
    return {
        "agent": _("Agent"),
        "zone": _("Zone"),
        "city": _("City"),
        "category": _("Category"),
        "role": _("Role of the contact"),
        "characteristic": _("Characteristic of the contact"),
        "all_characteristic": _("All of these characteristics"),
        "any_characteristic": _("Any of these characteristics"),
        "without_characteristic": _("None of these characteristics"),
    }


def _chosen(form: WhatForm, parties: PartyFilter) -> dict[str, list[str]]:
    """The values of each list of the second step."""
    names = {
        "agent": parties.agents,
        "zone": parties.zones,
        "city": parties.cities,
        "category": parties.categories,
        "role": parties.roles,
        "characteristic": parties.characteristics,
        "all_characteristic": parties.all_characteristics,
        "any_characteristic": parties.any_characteristics,
        "without_characteristic": parties.no_characteristics,
    }
    return {name: list(values) for name, values in names.items()}


def _named_documents(company: Company, criteria: Criteria | None) -> list[Document]:
    """The documents that the address names one by one (the button on a document's page), as far as they exist."""
    if criteria is None or not criteria.document_ids:
        return []
    query = (
        db().query(Document).filter(Document.id.in_(criteria.document_ids), Document.company_id == company.id)
    )
    return query.order_by(Document.id).limit(50).all()


@requires(Permission.OUTBOX_PREPARE)
def count_preparation() -> Any:
    """The counts beside the form, while it is being filled in."""
    actor = signed_in_actor()
    company = _company(actor) or abort(404)
    _form, criteria = _read(actor, company)
    preview = preview_run(db(), actor, criteria) if criteria else None
    return render_template("outbox/_prepare_counts.html", preview=preview)


def _create(actor: Actor, company: Company, form: WhatForm, criteria: Criteria) -> Any:
    preview = preview_run(db(), actor, criteria)
    if preview.documents == 0:
        return _page(actor, company, LAST, form, criteria), 422
    if preview.is_everybody and not request.form.get("everybody"):
        flash(_("Tick that everybody is meant, or choose to whom."), "danger")
        return _page(actor, company, LAST, form, criteria), 422
    run = create_run(db(), actor, criteria, " ".join(request.form.get("title", "").split())[:200])
    if _fits_now(actor, criteria, preview):
        fill_run(db(), actor, run, installation().store.has, home=installation())
    else:
        after_commit(lambda: ring(tasks.FILL_RUN, run.id))
    return redirect(run_url(run), 303)


@requires(Permission.OUTBOX_PREPARE)
def complete(run_id: int) -> Any:
    """Prepare what the run left for a colleague, with the same criteria."""
    actor, run = signed_in_actor(), run_or_404(run_id)
    if not can_complete(actor, run):
        abort(404)
    rest = complete_run(db(), actor, run)
    criteria = Criteria.from_dict(rest.criteria)
    if not is_composed(rest.criteria) and _fits_now(actor, criteria, preview_run(db(), actor, criteria)):
        fill_run(db(), actor, rest, installation().store.has, home=installation())
    else:
        after_commit(lambda: ring(tasks.FILL_RUN, rest.id))
    flash(_("This run holds what was left of run %(run)s.", run=run.id), "success")
    return redirect(run_url(rest), 303)


def _fits_now(actor: Actor, criteria: Criteria, preview: Preview) -> bool:
    """Few documents, and no PDF has to be drawn first."""
    return preview.documents <= AT_ONCE and not count_unprinted(installation(), actor, criteria)


def ring(name: str, id_: int = 0) -> None:
    """Tell the workers at once; without a bell they look by themselves within seconds."""
    bell = current_app.extensions.get("bell")
    if bell is not None:
        bell.ring(name, id_)


def run_url(run: Run) -> str:
    """The page of a run that shows what there is to do now."""
    if run.state is RunState.PREPARING or "error" in run.commit_summary:
        return url_for("outbox.preparing", run_id=run.id)
    if run.state in (RunState.COMMITTED, RunState.SENDING, RunState.PAUSED):
        return url_for("outbox.progress", run_id=run.id)
    if run.state is RunState.FINISHED and link("reports.run_report", run_id=run.id):
        return link("reports.run_report", run_id=run.id)
    return url_for("outbox.review", run_id=run.id)


@requires(Permission.DOCUMENTS_SEE)
def preparing(run_id: int) -> Any:
    """A run while its messages are worked out; asks again every two seconds, then leads on.

    A part of the page that is answered with a redirect makes the page load itself again.
    """
    run = run_or_404(run_id)
    if run.state is not RunState.PREPARING and "error" not in run.commit_summary:
        return redirect(run_url(run), 303)
    template = "outbox/_preparing.html" if "HX-Request" in request.headers else "outbox/run_preparing.html"
    return render_template(template, run=run, again_url=_again(run), preview=_expected(run))


def _again(run: Run) -> str:
    """The *Prepare* page with the criteria of a run."""
    if is_composed(run.criteria):
        return url_for("outbox.list_runs")
    criteria = Criteria.from_dict(run.criteria)
    values: list[tuple[str, str]] = [("company", str(run.company_id)), ("step", str(LAST))]
    values += [("types", one) for one in criteria.document_types]
    values += [(n, d.isoformat()) for n, d in (("from_on", criteria.from_on), ("to_on", criteria.to_on)) if d]
    values += [("sent", "never" if criteria.only_unsent else "all")]
    values += [("document", str(one)) for one in criteria.document_ids]
    return f"{url_for('outbox.prepare')}?{urlencode(values + criteria.parties.to_arguments())}"


def _expected(run: Run) -> Preview | None:
    """How much is being prepared, for who may prepare it."""
    actor = signed_in_actor()
    if run.state is not RunState.PREPARING or is_composed(run.criteria):
        return None
    criteria = Criteria.from_dict(run.criteria)
    allowed = all(actor.can(Permission.OUTBOX_PREPARE, run.company_id, t) for t in criteria.document_types)
    return preview_run(db(), actor, criteria) if allowed else None


def add_prepare_routes(app: Flask) -> None:
    """Register the pages; their addresses stand outside the room's prefix."""
    app.add_url_rule("/prepare", "outbox.prepare", prepare, methods=["GET", "POST"])
    app.add_url_rule("/prepare/counts", "outbox.count_preparation", count_preparation)
    app.add_url_rule("/outbox/<int:run_id>/complete", "outbox.complete", complete, methods=["POST"])
    app.add_url_rule("/outbox/<int:run_id>/preparing", "outbox.preparing", preparing)
