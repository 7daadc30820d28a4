"""The page of the registries of PEC addresses: what there is, a dry run, the import."""

import secrets
import time
from pathlib import Path
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _

from crm_mail.delivery.domains import registries
from crm_mail.delivery.domains.blueprint import blueprint
from crm_mail.delivery.domains.models import PecRegistry
from crm_mail.delivery.domains.registry_file import Fault, RegistryUnreadable, read_registry
from crm_mail.delivery.domains.registry_forms import RegistryForm
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm

PREFIX = "registry-"
KEEP_SECONDS = 24 * 3600


@blueprint.get("/pec-registries")
@requires(Permission.ACCOUNTS_MANAGE)
def list_registries() -> Any:
    """The imported lists of PEC addresses, with their age, and the form for another one."""
    return _registries_page(RegistryForm())


def _registries_page(form: RegistryForm, **values: Any) -> str:
    return render_template(
        "delivery/registries.html",
        registries=registries.list_registries(db()),
        may_change=signed_in_actor().can_everywhere(Permission.ACCOUNTS_MANAGE),
        form=form,
        **({"change": None, "file": None, "token": "", "file_name": ""} | values),
    )


@blueprint.post("/pec-registries")
@requires(Permission.ACCOUNTS_MANAGE)
def upload_registry() -> Any:
    """Show what an import would do; nothing is written yet."""
    signed_in_actor().require_everywhere(Permission.ACCOUNTS_MANAGE)
    form = RegistryForm()
    if not form.validate():
        return _registries_page(form), 422
    data = form.file.data.read()
    try:
        file = read_registry(data)
    except RegistryUnreadable as refused:
        form.file.errors = [fault_words(refused.fault)]
        return _registries_page(form), 422
    _sweep()
    token = secrets.token_hex(16)
    _waiting_file(token).write_bytes(data)
    change = registries.compare(db(), form.name.data or "", file)
    name = Path(form.file.data.filename or "").name[:200]
    return _registries_page(form, change=change, file=file, token=token, file_name=name)


@blueprint.post("/pec-registries/import")
@requires(Permission.ACCOUNTS_MANAGE)
def import_registry() -> Any:
    """Import the list that was looked at."""
    if not ActionForm().validate_on_submit():
        abort(400)
    waiting = _waiting_file(request.form.get("token", ""))
    if not waiting.is_file():
        flash(_("The file is no longer there. Choose it again."), "warning")
        return redirect(url_for(".list_registries"), 303)
    change = registries.import_registry(
        db(),
        signed_in_actor(),
        request.form.get("name", ""),
        read_registry(waiting.read_bytes()),
        request.form.get("file_name", ""),
    )
    waiting.unlink(missing_ok=True)
    counts = {"name": change.name, "count": format_decimal(change.addresses)}
    flash(_("%(name)s was imported: %(count)s addresses.", **counts), "success")
    return redirect(url_for(".list_registries"), 303)


def _waiting_file(token: str) -> Path:
    """Where an upload waits for its import; a token is hexadecimal and cannot leave the folder."""
    if len(token) != 32 or not set(token) <= set("0123456789abcdef"):
        abort(404)
    folder = installation().settings.data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{PREFIX}{token}"


def _sweep() -> None:
    """Delete uploads that nobody imported within a day."""
    oldest = time.time() - KEEP_SECONDS
    for path in (installation().settings.data_dir / "uploads").glob(f"{PREFIX}*"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


@blueprint.post("/pec-registries/<int:registry_id>/delete")
@requires(Permission.ACCOUNTS_MANAGE)
def delete_registry(registry_id: int) -> Any:
    """Forget a registry."""
    if not ActionForm().validate_on_submit():
        abort(400)
    registry = db().get(PecRegistry, registry_id) or abort(404)
    registries.delete_registry(db(), signed_in_actor(), registry)
    flash(_("%(name)s was deleted.", name=registry.name), "success")
    return redirect(url_for(".list_registries"), 303)


def fault_words(fault: Fault) -> str:
    """Why a file is no registry."""
    words = {
        Fault.EMPTY: _("The file is empty."),
        Fault.TOO_LARGE: _("The file is too large. Divide it."),
        Fault.BINARY: _("The file is no text. Save it as CSV."),
        Fault.NO_ADDRESS: _("No column of the file holds e-mail addresses. Choose a list of PEC addresses."),
    }
    return str(words[fault])
