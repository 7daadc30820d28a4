"""Pages of the hot folder: what came in and what became of it, and the company's choices."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from crm_mail.documents.models import Document
from crm_mail.documents.service import can_see
from crm_mail.importers.blueprint import blueprint
from crm_mail.importers.contacts.pages import company_or_404
from crm_mail.importers.folders.claims import try_folder
from crm_mail.importers.folders.list import list_files, settle_refusals
from crm_mail.importers.folders.settings import (
    DONE,
    ERROR,
    FolderChoices,
    FolderInvalid,
    check_folder,
    read_folder,
    resolve_path,
    save_folder,
)
from crm_mail.importers.formats.name_patterns import DEFAULT_PATTERN
from crm_mail.importers.forms import FolderForm
from crm_mail.importers.models import Afterwards, FileOutcome, HotFolderFile
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation

SHOWN: Final = 100


@blueprint.get("/folder")
@requires(Permission.DOCUMENTS_MANAGE)
def show_folder() -> Any:
    """The last files that came in by the hot folder; with ?outcome=refused those that wait for a person."""
    company, actor = company_or_404(), signed_in_actor()
    only_refused = request.args.get("outcome") == FileOutcome.REFUSED.value
    lines = list_files(db(), actor, company.id, SHOWN, only_open_refusals=only_refused)
    return render_template(
        "importers/folder.html",
        company=company,
        lines=lines,
        documents=_documents(lines),
        choices=read_folder(db(), company),
        may_set=actor.can(Permission.SETTINGS_MANAGE, company.id),
        folder=_folder_shown(read_folder(db(), company)),
        only_refused=only_refused,
        has_refusals=any(line.outcome is FileOutcome.REFUSED and not line.is_settled for line in lines),
    )


def _documents(lines: Sequence[HotFolderFile]) -> dict[int, Document]:
    """The documents of these lines that exist for the person."""
    ids = [document_id for line in lines for document_id in line.document_ids[:5]]
    found = db().scalars(select(Document).where(Document.id.in_(ids)))
    return {document.id: document for document in found if can_see(signed_in_actor(), document)}


def _root() -> Path:
    return installation().settings.resolved_hot_folder_root


def _folder_shown(choices: FolderChoices) -> str:
    try:
        return str(resolve_path(_root(), choices.path))
    except FolderInvalid:
        return choices.path


@blueprint.post("/folder/seen")
@requires(Permission.DOCUMENTS_MANAGE)
def settle_folder() -> Any:
    """The refusals were seen: they wait for nobody any more."""
    count = settle_refusals(db(), signed_in_actor(), company_or_404().id)
    flash(ngettext("%(num)s refusal marked as seen.", "%(num)s refusals marked as seen.", count), "success")
    return redirect(url_for(".show_folder"), 303)


@blueprint.route("/folder/settings", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def edit_folder() -> Any:
    """The company's choices; “Try” says whether the folder can be worked in and keeps nothing."""
    company = company_or_404()
    form = FolderForm(obj=read_folder(db(), company))
    if form.validate_on_submit():
        choices = FolderChoices(
            form.path.data or "",
            bool(form.is_watched.data),
            form.name_pattern.data or "",
            form.wait_minutes.data or 0,
            Afterwards(form.afterwards.data),
        )
        try:
            is_done = _try(choices) if "try" in request.form else _save(choices)
        except FolderInvalid as wrong:
            field = form[wrong.field]
            field.errors = [*field.errors, folder_problem(wrong.problem, wrong.detail)]
        else:
            if is_done:
                return redirect(url_for(".show_folder"), 303)
    page = render_template(
        "importers/folder_settings.html", form=form, company=company, root=_root(), pattern=DEFAULT_PATTERN
    )
    return page, 422 if form.errors else 200


def _try(choices: FolderChoices) -> bool:
    checked = check_folder(db(), _root(), company_or_404(), choices)
    failed = try_folder(resolve_path(_root(), checked.path), DONE, ERROR)
    if failed:
        raise FolderInvalid("path", failed)
    flash(_("The folder can be worked in. Nothing was saved."), "success")
    return False


def _save(choices: FolderChoices) -> bool:
    company = company_or_404()
    checked = save_folder(db(), signed_in_actor(), _root(), company, choices)
    if checked.is_watched and (failed := try_folder(resolve_path(_root(), checked.path), DONE, ERROR)):
        db().rollback()
        raise FolderInvalid("path", failed)
    flash(_("Saved."), "success")
    return True


def folder_problem(problem: str, detail: str = "") -> str:
    """Why a choice cannot be kept, or a folder not be worked in."""
    words = {
        "empty": _("Enter the name of a folder."),
        "outside": _("The folder must lie inside %(root)s.", root=detail),
        "reserved": _(
            "“processing”, “done” and “error” are folders that the program makes itself. Choose another."
        ),
        "taken": _("Another company's folder is “%(folder)s”. Choose one that lies apart.", folder=detail),
        "too_long": _("This is too long."),
        "range": _("Enter minutes from 0 to %(most)s.", most=detail),
        "unknown": _("There is no placeholder {%(name)s}.", name=detail),
        "twice": _("The placeholder {%(name)s} stands twice.", name=detail),
        "needs": _("The pattern lacks %(names)s.", names=detail),
        "touching": _("Put something between two placeholders, so that it is clear where one ends."),
        "make": _("The folder cannot be made there. Check the rights of the account that runs the program."),
        "list": _("The folder cannot be listed. Check the rights of the account that runs the program."),
        "write": _("Nothing can be written there. Check the rights of the account that runs the program."),
        "move": _(
            "Files cannot be moved inside it. It must lie on one disk or share, with the right to rename."
        ),
        "delete": _("Files cannot be deleted there. Check the rights of the account that runs the program."),
    }
    return str(words[problem])
