"""The end report of a run: totals, failures with their remedy, the uncertain, downloads, by mail (IT-7, RP-11)."""

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.evidence.listing import run_evidence
from crm_mail.evidence.resolving import Known, what_is_known
from crm_mail.outbox.committing.commit_forms import refusal_words
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.reviewing.review import find_message, find_run
from crm_mail.outbox.sending import control
from crm_mail.outbox.sending.cause_words import cause_words
from crm_mail.outbox.states import MessageState, RunState, TransitionRefused
from crm_mail.outbox.why_words import left_out_words, withheld_words
from crm_mail.permissions import Actor, Permission, requires, signed_in_actor
from crm_mail.reports import export, queries
from crm_mail.reports.export import ReportFormat
from crm_mail.reports.mailing import mail_report_to
from crm_mail.reports.rows import ReportRow, row_page
from crm_mail.reports.visibility import visible_messages
from crm_mail.web.door import commit_now, db, installation

PAGE_SIZE = 50
UNCERTAIN_SHOWN = 20
BLOCK = 64 * 1024
REPORT = "/outbox/<int:run_id>/report"


def run_or_404(run_id: int) -> Run:
    """The run, if it exists for the signed-in person."""
    return find_run(db(), signed_in_actor(), run_id) or abort(404)


def _gettext(message: str) -> str:
    return str(_(message))


def _words(group: queries.FailureGroup) -> tuple[str, str]:
    return cause_words(group.cause, group.code, group.enhanced, _gettext)


def row_words(row: ReportRow) -> str:
    """Why a row was not sent, in the language of the page."""
    return export.reason_word(row, _gettext)


def _tabs(run: Run, active: str) -> list[dict[str, Any]]:
    pages = (
        ("run_report", _("Report")),
        ("report_messages", _("Messages")),
        ("report_agents", _("By agent")),
    )
    return [
        {"label": label, "url": url_for(f"reports.{name}", run_id=run.id), "active": name == active}
        for name, label in pages
    ]


def may_export(run: Run) -> bool:
    """Whether the signed-in person may take the report away as a file."""
    types: list[str | None] = list(run.document_types) or [None]
    return all(signed_in_actor().can(Permission.DOCUMENTS_EXPORT, run.company_id, one) for one in types)


def _frame(run: Run, active: str) -> dict[str, Any]:
    """What every page of a report shows."""
    may_act = signed_in_actor().can(Permission.OUTBOX_COMMIT, run.company_id) and all(
        signed_in_actor().can(Permission.OUTBOX_COMMIT, run.company_id, type_) for type_ in run.document_types
    )
    return {
        "run": run,
        "tabs": _tabs(run, active),
        "may_act": may_act,
        "may_export": may_export(run),
        "may_retry": may_act and run.state in (RunState.SENDING, RunState.PAUSED, RunState.FINISHED),
        "formats": [f for f in ReportFormat if f is not ReportFormat.JSON],
        "row_words": row_words,
    }


@requires(Permission.DOCUMENTS_SEE)
def run_report(run_id: int) -> str:
    """Totals, failures by cause, the uncertain, who was left out."""
    run, actor = run_or_404(run_id), signed_in_actor()
    groups = queries.failure_groups(db(), actor, run)
    return render_template(
        "reports/run_report.html",
        totals=queries.run_totals(db(), actor, run),
        failures=[(group, *_words(group)) for group in groups],
        uncertain=row_page(db(), actor, run, [MessageState.UNCERTAIN], size=UNCERTAIN_SHOWN),
        asked=request.args.get("resolve", type=int),
        withheld=[(withheld_words(r, _gettext), n) for r, n in queries.withheld_reasons(db(), actor, run)],
        evidence=run_evidence(db(), run, visible_messages(actor, run)),
        known=_what_is_known(run, actor),
        left_out=[
            (r, *left_out_words(r, _gettext), n) for r, n in queries.left_out_reasons(db(), actor, run)
        ],
        accounts=queries.per_account(db(), actor, run),
        **_frame(run, "run_report"),
    )


def _what_is_known(run: Run, actor: Actor) -> dict[int, Known]:
    """Of the uncertain messages that the page shows: what is known, for who decides."""
    shown = (
        select(Message)
        .where(*visible_messages(actor, run), Message.state == MessageState.UNCERTAIN)
        .order_by(Message.id)
        .limit(UNCERTAIN_SHOWN)
    )
    return {one.id: what_is_known(db(), one) for one in db().scalars(shown)}


@requires(Permission.DOCUMENTS_SEE)
def report_messages(run_id: int) -> str:
    """Every message with a tick or a cross (RP-11), paged; narrowed to a state or to one group of failures."""
    run, actor = run_or_404(run_id), signed_in_actor()
    states = [s for s in MessageState if s.value in request.args.get("state", "").split()]
    group = request.args.get("group", "")
    ids = queries.ids_of_group(db(), actor, run, group) if group else None
    before = request.args.get("before", type=int)
    rows = row_page(
        db(),
        actor,
        run,
        states,
        after=request.args.get("after", 0, type=int),
        before=before,
        size=PAGE_SIZE + 1,
        ids=ids[:10_000] if ids is not None else None,
    )
    is_more = len(rows) > PAGE_SIZE
    rows = (rows[1:] if before else rows[:PAGE_SIZE]) if is_more else rows
    has_previous = is_more if before else "after" in request.args
    has_next = bool(before) or is_more
    return render_template(
        "reports/run_messages.html",
        rows=rows,
        next_cursor=rows[-1].id if rows and has_next else None,
        previous_cursor=rows[0].id if rows and has_previous else None,
        totals=queries.run_totals(db(), actor, run),
        states=list(MessageState),
        chosen=request.args.get("state", ""),
        group=group,
        **_frame(run, "report_messages"),
    )


@requires(Permission.DOCUMENTS_SEE)
def report_agents(run_id: int) -> str:
    """Totals per agent."""
    run = run_or_404(run_id)
    lines = queries.per_agent(db(), signed_in_actor(), run)
    return render_template("reports/run_agents.html", lines=lines, **_frame(run, "report_agents"))


@requires(Permission.OUTBOX_COMMIT)
def retry_failures(run_id: int) -> Any:
    """Send failures once more: all of them, or those of one group."""
    run, actor = run_or_404(run_id), signed_in_actor()
    group = request.form.get("group", "")
    ids = queries.ids_of_group(db(), actor, run, group) if group else None
    try:
        count = control.retry_failed(db(), actor, run, ids)
    except control.ControlRefused as refused:
        abort(409, refusal_words(refused))
    text = ngettext("%(num)s message will be sent again.", "%(num)s messages will be sent again.", count)
    nothing = _(
        "There is nothing to send again: addresses on the suppression list must be lifted or replaced first."
    )
    flash(text if count else nothing, "success" if count else "info")
    return redirect(url_for(".run_report", run_id=run.id), 303)


@requires(Permission.OUTBOX_COMMIT)
def resolve_message(run_id: int, message_id: int) -> Any:
    """Settle an uncertain message: it was sent, or it is to be sent again."""
    run, actor = run_or_404(run_id), signed_in_actor()
    message = find_message(db(), actor, message_id)
    choice = request.form.get("resolution", "")
    if message is None or message.run_id != run.id or choice not in set(control.Resolution):
        abort(404)
    try:
        control.resolve_uncertain(db(), actor, message, control.Resolution(choice))
    except TransitionRefused:
        abort(409, _("Somebody has settled this message already. Load the report again."))
    except control.ControlRefused as refused:
        abort(409, refusal_words(refused))
    is_sent = choice == control.Resolution.SENT
    flash(_("Marked as sent.") if is_sent else _("The message will be sent again."), "success")
    return redirect(url_for(".run_report", run_id=run.id, _anchor="uncertain"), 303)


@requires(Permission.DOCUMENTS_SEE)
def mail_report(run_id: int) -> Any:
    """Mail the report to the person who asks."""
    run, user_id = run_or_404(run_id), signed_in_actor().user_id
    commit_now()  # the mail has sessions of its own; a writer must not wait for this one
    outcome = mail_report_to(installation(), run.id, user_id) if user_id else None
    if outcome is None:
        abort(404)
    if outcome.is_sent:
        flash(_("The report was mailed to %(address)s.", address=signed_in_actor().email), "success")
    else:
        flash(_("The report was not mailed: %(reason)s", reason=outcome.detail), "danger")
    return redirect(url_for(".run_report", run_id=run.id), 303)


@requires(Permission.DOCUMENTS_EXPORT)
def download_report(run_id: int) -> Response:
    """The report as text log (RP-15), CSV or workbook."""
    run = run_or_404(run_id)
    signed_in_actor().require(Permission.DOCUMENTS_EXPORT, run.company_id, *run.document_types)
    try:
        chosen = ReportFormat(request.args.get("format", "txt"))
    except ValueError:
        abort(404)
    if chosen is ReportFormat.JSON:
        abort(404)
    name = export.file_name(run, db().get_one(Company, run.company_id), chosen)
    language = str(get_locale() or "en")
    return Response(
        _stream(run.id, chosen, language),
        mimetype=export.MIME_TYPES[chosen],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _stream(run_id: int, chosen: ReportFormat, language: str) -> Iterator[bytes]:
    """In a session of its own: the request's is closed before the answer has left."""
    home, actor = installation(), signed_in_actor()

    def chunks() -> Iterator[bytes]:
        with home.database.read() as session:
            run = session.get_one(Run, run_id)
            if chosen is ReportFormat.TXT:
                yield from export.text_chunks(session, actor, run)
            elif chosen is ReportFormat.XLSX:
                yield from _workbook(session, actor, run, language)
            else:
                yield from export.csv_chunks(session, actor, run, language)

    return chunks()


def _workbook(session: Session, actor: Actor, run: Run, language: str) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        export.write_xlsx(session, actor, run, language, file)
        file.seek(0)
        while block := file.read(BLOCK):
            yield block


def add_report_routes(blueprint: Blueprint) -> None:
    """Add the report's pages to the blueprint of the reports room."""
    pages: tuple[tuple[str, Callable[..., Any], str], ...] = (
        (REPORT, run_report, "GET"),
        (f"{REPORT}/messages", report_messages, "GET"),
        (f"{REPORT}/agents", report_agents, "GET"),
        (f"{REPORT}/download", download_report, "GET"),
        (f"{REPORT}/retry", retry_failures, "POST"),
        (f"{REPORT}/mail", mail_report, "POST"),
        (f"{REPORT}/messages/<int:message_id>/resolve", resolve_message, "POST"),
    )
    for rule, view, method in pages:
        blueprint.add_url_rule(rule, view.__name__, view, methods=[method])
