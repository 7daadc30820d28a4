"""What the chosen rows are asked for beside changes: how many an action would touch, and a file of them."""

from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO, Any

from flask import Response, abort, make_response, redirect, render_template, request, send_file
from flask_babel import gettext as _

from crm_mail.outbox.models import Run
from crm_mail.outbox.reviewing import list_export, list_view, review_page, selecting
from crm_mail.outbox.reviewing.affected import count_affected
from crm_mail.outbox.reviewing.review import MAX_SELECTED, Chosen
from crm_mail.outbox.reviewing.review_acts import back_to_list, problem_words
from crm_mail.outbox.reviewing.selecting import SelectionLost, TooManyExceptions
from crm_mail.permissions import Actor, Permission, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.language import zone_of_user
from crm_mail.web.table_files import CSV_MIME, XLSX_MIME, csv_chunks, write_xlsx
from crm_mail.web.type_names import type_names

COUNTED = ("exclude", "language", "account", "merge")


def posted_rows(run: Run, actor: Actor, is_all: bool) -> Chosen:
    """The rows that the posted list means.

    Raises:
        SelectionLost, TooManyExceptions
    """
    return selecting.chosen_rows(
        db(), actor, run, review_page.current_filter(), _ids("ids"), _ids("shown"), is_all=is_all
    )


def _ids(name: str) -> list[int]:
    given = request.form.getlist(name)[:MAX_SELECTED]
    return [int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 19]


@requires(Permission.OUTBOX_REVIEW)
def affected(run_id: int) -> Any:
    """How many rows an action would touch, and why others stay: asked by the dialog that offers the action."""
    run, actor = review_page.run_or_404(run_id), signed_in_actor()
    action = request.args.get("act", "")
    if action not in COUNTED:
        abort(404)
    value = request.form.get({"language": "language", "account": "account_id"}.get(action, ""), "")
    try:
        rows = posted_rows(run, actor, request.form.get("scope") == "all")
    except (SelectionLost, TooManyExceptions) as problem:
        return render_template(
            "outbox/_affected.html", run=run, problem=problem_words(problem), action=action
        )
    counts = count_affected(db(), actor, run, rows, action, value)
    return render_template("outbox/_affected.html", run=run, counts=counts, action=action)


def send_rows(run: Run, actor: Actor, rows: Chosen, kind: str) -> Response:
    """The chosen rows as a file to download (``xlsx`` or ``csv``)."""
    actor.require(Permission.DOCUMENTS_EXPORT, run.company_id, *run.document_types)
    count = selecting.count_chosen(db(), actor, run, rows)
    names = type_names()
    cells = list_export.export_rows(
        db(),
        actor,
        run,
        rows,
        zone=zone_of_user(),
        state_word=review_page.state_word,
        type_word=lambda one: names.get(one, one),
        translate=_,
    )
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed by the response
    if kind == "csv":
        file.writelines(csv_chunks(_header(), cells, review_page.page_language()))
    else:
        write_xlsx(_header(), cells, file, _("Messages"))
    file.seek(0)
    list_export.record_export(db(), actor, run, kind, count)
    name = f"run-{run.id}-messages.{kind}"
    return send_file(file, CSV_MIME if kind == "csv" else XLSX_MIME, as_attachment=True, download_name=name)


def _header() -> list[str]:
    return [
        _("Number"),
        _("State"),
        _("Problem"),
        _("Blockers"),
        _("Warnings"),
        _("Code"),
        _("Name"),
        _("Recipient"),
        _("To"),
        "Cc",
        _("Channel"),
        _("Account"),
        _("Documents"),
        _("First documents"),
        _("Subject"),
        _("Files"),
        _("Bytes"),
        _("Language"),
        _("Agent"),
        _("Zone"),
        _("City"),
        _("Edited"),
        _("Approved"),
        _("Last sent"),
    ]


@requires(Permission.DOCUMENTS_SEE)
def choose_columns(run_id: int) -> Any:
    """Keep which columns this browser shows in the lists of runs."""
    run = review_page.run_or_404(run_id)
    response = make_response(redirect(back_to_list(run), 303))
    usual = "usual" in request.form
    list_view.keep_columns(response, None if usual else request.form.getlist("columns"))
    return response


def remembering_size(view: Callable[..., Any]) -> Callable[..., Response]:
    """A list that keeps the number of rows that its address asks for."""

    def answer(**values: Any) -> Response:
        response = make_response(view(**values))
        list_view.keep_size(response)
        return response

    answer.permission = view.permission  # type: ignore[attr-defined]
    return answer
