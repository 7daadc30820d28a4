"""The page of sending times: at which hours what is committed leaves, by channel, and the pressure cap."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.companies.sending_forms import SendingTimesForm
from crm_mail.companies.sending_times import save_sending_times
from crm_mail.delivery.models import AccountKind
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db

CHANNELS = tuple(kind.value for kind in AccountKind)


def edit_sending_times(company_id: int) -> Any:
    """Windows by channel, and the pressure cap."""
    company = db().get(Company, company_id) or abort(404)
    if not signed_in_actor().can(Permission.SETTINGS_MANAGE, company_id):
        abort(404)
    form = SendingTimesForm()
    for name in ("smtp", "pec", "sms"):
        if name not in CHANNELS:
            del form[name]
    channels = form.channels(CHANNELS)
    for one in channels.values():
        one.offer()
    if request.method == "GET":
        form.show(company, CHANNELS)
    elif form.validate():
        windows = {name: one.read() for name, one in channels.items()}
        pressure = (form.pressure_messages.data, form.pressure_days.data)
        changed = save_sending_times(db(), signed_in_actor(), company, windows, pressure)
        flash(_("Saved.") if changed else _("Nothing was different."), "success" if changed else "info")
        return redirect(url_for("companies.edit_sending_times", company_id=company_id), 303)
    names = {"smtp": _("Ordinary e-mail"), "pec": "PEC", "sms": "SMS"}
    page = render_template(
        "companies/sending_times.html", company=company, form=form, channels=channels, names=names
    )
    return page, 422 if request.method == "POST" else 200


def add_sending_routes(blueprint: Blueprint) -> None:
    """Add the page to the room's blueprint."""
    guarded = requires(Permission.SETTINGS_MANAGE)(edit_sending_times)
    blueprint.add_url_rule(
        "/<int:company_id>/sending-times", "edit_sending_times", guarded, methods=["GET", "POST"]
    )
