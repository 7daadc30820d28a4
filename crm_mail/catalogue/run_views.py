"""Account statements from the catalogue: find, deselect, make the run; the tick or cross of each row (RP-9 to RP-11).

Nothing is sent here: the run goes through the one gate, review and commit.
"""

from typing import Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from crm_mail.catalogue import wording
from crm_mail.catalogue.blueprint import blueprint
from crm_mail.catalogue.facts import STATEMENT
from crm_mail.catalogue.listing import catalogue_query, list_rows
from crm_mail.companies.models import Company
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Party
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.prepare import create_run
from crm_mail.outbox.preparing.prepare_views import ring, run_url
from crm_mail.outbox.reviewing.review import can_see_run
from crm_mail.outbox.reviewing.review_page import run_or_404
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.outbox.tasks import FILL_RUN
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.receivables.forms import StatementForm
from crm_mail.receivables.page_parts import first_ids, today_of
from crm_mail.receivables.reading import reachable
from crm_mail.receivables.service import (
    AT_ONCE,
    NothingToSend,
    StatementChoice,
    TooMany,
    make_statements,
    run_criteria,
)
from crm_mail.receivables.service import (
    STATEMENT as STATEMENT_TYPE,
)
from crm_mail.receivables.statement_views import told
from crm_mail.receivables.statements import Layout
from crm_mail.reports.visibility import visible_messages
from crm_mail.web.door import after_commit, db, installation
from crm_mail.web.navigation import current_company, visible_companies

ROWS: Final = 200
RECENT: Final = 5
GOOD = (MessageState.SENT, MessageState.DELIVERED)
BAD = (MessageState.FAILED, MessageState.BOUNCED, MessageState.UNCERTAIN)


def _companies() -> list[Company]:
    """The companies whose statements the person may prepare."""
    actor = signed_in_actor()
    return [
        one
        for one in visible_companies(actor)
        if actor.can(Permission.OUTBOX_PREPARE, one.id, STATEMENT)
        and actor.can(Permission.CONTACTS_SEE, one.id)
    ]


def _company(companies: list[Company]) -> Company:
    at_work = current_company(signed_in_actor())
    wanted = request.args.get("company", type=int)
    if wanted is None:
        wanted = at_work.id if at_work and at_work in companies else companies[0].id
    return next((one for one in companies if one.id == wanted), None) or abort(404)


@blueprint.route("/run", methods=("GET", "POST"))
@requires(Permission.OUTBOX_PREPARE)
def make_run() -> Any:
    """The rows found, all of them ticked; those that stay ticked get their statements into a run."""
    companies = _companies()
    if not companies:
        abort(403)
    company = _company(companies)
    form = StatementForm.of_address(today_of(company))
    if not form.validate():
        return _page(companies, company, form), 422
    if request.method == "POST":
        return _create(companies, company, form)
    return _page(companies, company, form)


def _page(companies: list[Company], company: Company, form: StatementForm) -> str:
    actor, text = signed_in_actor(), request.args.get("q", "")[:4000]
    page = list_rows(db(), actor, company.id, text, size=AT_ONCE)
    able = set(db().scalars(reachable(PartyFilter(company.id), actor.sight)))
    ticked = first_ids(request.form.getlist("ids")) if request.method == "POST" else able
    return render_template(
        "catalogue/run.html",
        form=form,
        company=company,
        companies=[(one.id, f"{one.code} · {one.name}") for one in companies],
        text=text,
        page=page,
        able=able,
        ticked=ticked,
        most=AT_ONCE,
        receives=wording.receives_words(),
        may_commit=actor.can(Permission.OUTBOX_COMMIT, company.id, STATEMENT),
    )


def _create(companies: list[Company], company: Company, form: StatementForm) -> Any:
    actor = signed_in_actor()
    given = sorted(first_ids(request.form.getlist("ids")))[: AT_ONCE + 1]
    among = set(db().scalars(catalogue_query(actor, company.id).where(Party.id.in_(given))))
    choice = StatementChoice(PartyFilter(company.id), form.day, Layout(form.layout.data), form.from_on.data)
    title = " ".join(request.form.get("title", "").split())[:200]
    try:
        if not among:
            raise NothingToSend
        made = make_statements(db(), actor, installation().store, company, choice, among, AT_ONCE)
        criteria = run_criteria(company.id, STATEMENT_TYPE, made, only_unsent=form.sent.data != "all")
    except TooMany as refused:
        said = _("More than %(limit)s customers are meant: choose fewer.", limit=refused.limit)
        flash(said, "danger")
        return _page(companies, company, form), 422
    except NothingToSend:
        said = _("None of these customers has anything to tell for this choice.") if among else ""
        flash(said or _("Tick at least one customer."), "danger")
        return _page(companies, company, form), 422
    run = create_run(db(), actor, criteria, title)
    after_commit(lambda: ring(FILL_RUN, run.id))
    flash(told(made), "success")
    if request.form.get("action") == "send":
        return redirect(url_for(".show_run", run_id=run.id, then="commit"), 303)
    return redirect(run_url(run), 303)


@blueprint.get("/runs/<int:run_id>")
@requires(Permission.CONTACTS_SEE)
def show_run(run_id: int) -> Any:
    """What became of each row of the catalogue in a run; while it is being prepared, it looks again by itself."""
    run, actor = run_or_404(run_id), signed_in_actor()
    may_commit = all(actor.can(Permission.OUTBOX_COMMIT, run.company_id, one) for one in run.document_types)
    then = request.args.get("then", "")
    if then == "commit" and may_commit and run.state in (RunState.REVIEW, RunState.APPROVAL):
        return redirect(url_for("outbox.commit_page", run_id=run.id), 303)
    messages, has_more = _messages(run, request.args.get("after", 0, type=int))
    template = "catalogue/_sent.html" if "HX-Request" in request.headers else "catalogue/sent.html"
    return render_template(
        template,
        run=run,
        messages=messages,
        next_cursor=messages[-1].id if has_more else None,
        is_moving=run.state in (RunState.PREPARING, RunState.COMMITTED, RunState.SENDING)
        and "error" not in run.commit_summary,
        here=url_for(".show_run", run_id=run.id, then=then or None, after=request.args.get("after")),
        good=GOOD,
        bad=BAD,
        may_commit=may_commit,
        run_page=run_url(run),
    )


def _messages(run: Run, after: int) -> tuple[list[Message], bool]:
    actor = signed_in_actor()
    query = select(Message).where(
        *visible_messages(actor, run),
        Message.party_id.in_(catalogue_query(actor, run.company_id)),
        Message.id > after,
    )
    found = list(db().scalars(query.order_by(Message.id).limit(ROWS + 1)))
    return found[:ROWS], len(found) > ROWS


def recent_runs(company_id: int | None) -> list[Run]:
    """The last runs of account statements that the person may see."""
    actor = signed_in_actor()
    ids = [one.id for one in visible_companies(actor) if company_id in (None, one.id)]
    query = select(Run).where(Run.company_id.in_(ids)).order_by(Run.id.desc()).limit(20 * RECENT)
    runs = [
        run for run in db().scalars(query) if run.document_types == [STATEMENT] and can_see_run(actor, run)
    ]
    return runs[:RECENT]
