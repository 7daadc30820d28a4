"""Pages of account statements: cut-off date, layout, customers; count and preview; then a run (PD-9 to PD-13)."""

import io
from collections.abc import Sequence
from typing import Any, Final

from flask import Response, abort, flash, render_template, request, send_file
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.contacts.access import find_party
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Party
from crm_mail.documents.pdf_pool import PdfPool
from crm_mail.documents.printing import statement_file_name
from crm_mail.documents.rendering import RenderFailed
from crm_mail.permissions import Permission, Sight, requires, signed_in_actor
from crm_mail.receivables.blueprint import blueprint
from crm_mail.receivables.forms import StatementForm
from crm_mail.receivables.page_parts import (
    begin_run,
    company_for,
    read_parties,
    today_of,
    whom_values,
)
from crm_mail.receivables.preview import statement_job
from crm_mail.receivables.reading import count_customers, reachable
from crm_mail.receivables.service import (
    AT_ONCE,
    STATEMENT,
    Made,
    NothingToSend,
    StatementChoice,
    TooMany,
    find_statement,
    make_statements,
)
from crm_mail.receivables.statements import Layout
from crm_mail.web.door import db, installation
from crm_mail.web.security_headers import PDF_POLICY, allow_framing

OFFERED: Final = 50
PREVIEW_SECONDS: Final = 30


@blueprint.route("/statements", methods=("GET", "POST"))
@requires(Permission.OUTBOX_PREPARE)
def make_statement_run() -> Any:
    """Choose; see how many and what they look like; make the run. Nothing is written before the last step."""
    company = company_for(STATEMENT)
    form = StatementForm.of_address(today_of(company))
    if not form.validate():
        return _page(company, form, None), 422
    choice = _choice(form, read_parties(company))
    if request.method == "POST":
        return _create(company, form, choice)
    return _page(company, form, choice)


def _choice(form: StatementForm, parties: PartyFilter) -> StatementChoice:
    return StatementChoice(parties, form.day, Layout(form.layout.data), form.from_on.data)


def _page(company: Company, form: StatementForm, choice: StatementChoice | None) -> str:
    actor = signed_in_actor()
    parties = choice.parties if choice else PartyFilter(company.id)
    able, without = count_customers(db(), parties, actor.sight)
    offered = _offered(parties, actor.sight)
    wanted = request.args.get("show", 0, type=int)
    shown = next((party for party in offered if party.id == wanted), offered[0] if offered else None)
    return render_template(
        "receivables/statements.html",
        form=form,
        company=company,
        choice=choice,
        able=able,
        without=without,
        customers=offered,
        shown=shown,
        **whom_values(company, parties),
    )


def _offered(parties: PartyFilter, sight: Sight) -> Sequence[Party]:
    query = select(Party).where(Party.id.in_(reachable(parties, sight))).order_by(Party.code).limit(OFFERED)
    return db().scalars(query).all()


def _create(company: Company, form: StatementForm, choice: StatementChoice) -> Any:
    if choice.parties.is_empty and not request.form.get("everybody"):
        flash(_("Tick that everybody is meant, or choose to whom."), "danger")
        return _page(company, form, choice), 422
    title = " ".join(request.form.get("title", "").split())[:200]
    try:
        made = make_statements(db(), signed_in_actor(), installation().store, company, choice, limit=AT_ONCE)
        answer = begin_run(company, STATEMENT, made, title, only_unsent=form.sent.data != "all")
    except TooMany as refused:
        flash(
            _("More than %(limit)s customers are meant: narrow the range of codes.", limit=refused.limit),
            "danger",
        )
        return _page(company, form, choice), 422
    except NothingToSend:
        flash(_("None of these customers has anything to tell for this choice."), "danger")
        return _page(company, form, choice), 422
    flash(told(made), "success")
    return answer


def told(made: Made) -> str:
    """What was made, in one sentence."""
    text = ngettext("%(num)d document for the run", "%(num)d documents for the run", len(made.documents))
    known = _("%(count)s as before", count=made.unchanged) if made.unchanged else ""
    empty = _("%(count)s customers with nothing to tell", count=made.empty) if made.empty else ""
    return ", ".join(part for part in (text, known, empty) if part) + "."


@blueprint.get("/statements/preview.pdf")
@requires(Permission.OUTBOX_PREPARE)
def preview_statement() -> Response:
    """One customer's statement as it would be printed; nothing is kept."""
    company = company_for(STATEMENT)
    form = StatementForm.of_address(today_of(company))
    party = find_party(db(), signed_in_actor(), request.args.get("show", 0, type=int))
    if not form.validate() or party is None or party.company_id != company.id:
        abort(404)
    data = find_statement(db(), signed_in_actor(), party, _choice(form, PartyFilter(company.id)))
    if data is None:
        abort(404, _("This customer has nothing to tell for this choice."))
    try:
        with PdfPool(1, timeout=PREVIEW_SECONDS) as pool:
            content = pool.render(statement_job(installation().store, company, party, data))
    except RenderFailed as failed:
        abort(422, failed.reason)
    name = statement_file_name(party.code, today_of(company))
    answer = send_file(io.BytesIO(content), mimetype="application/pdf", download_name=name)
    return allow_framing(answer, PDF_POLICY)
