"""The page of an account's signature (DKIM): its key, the record to publish, beginning and ending to sign."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectChoice, SelectField, StringField  # type: ignore[attr-defined]  # stubs lack SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from crm_mail.db import now
from crm_mail.delivery import dkim, dkim_service, service
from crm_mail.delivery.addresses import domain_of
from crm_mail.delivery.dkim_service import Published
from crm_mail.delivery.domains.resolver import shared_resolver
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.installation import SecretUnreadable
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm


class KeyForm(FlaskForm):
    """Which key to make."""

    domain = StringField(_l("Domain"), [InputRequired(), Length(max=200)])
    selector = StringField(
        _l("Selector"),
        [InputRequired(), Length(max=63)],
        description=_l("The key's name within the domain. A new key needs a new one."),
    )
    kind = SelectField(
        _l("Kind of key"),
        choices=[
            SelectChoice(dkim.KeyKind.RSA.value, "RSA (2048 bit)"),
            SelectChoice(dkim.KeyKind.ED25519.value, "Ed25519"),
        ],
        description=_l("Every receiver checks RSA. Ed25519 is shorter, but not everybody checks it yet."),
    )

    def validate_domain(self, field: Any) -> None:
        """As it stands in the DNS."""
        try:
            dkim.wire_domain(field.data or "")
        except ValueError:
            raise ValidationError(_("%(value)s is not a domain.", value=field.data)) from None

    def validate_selector(self, field: Any) -> None:
        """One or more labels."""
        if not dkim.is_selector((field.data or "").strip().lower()):
            raise ValidationError(_("Letters, digits, dots and hyphens only."))


def _found(account_id: int) -> SenderAccount:
    account = service.find_account(db(), signed_in_actor(), account_id) or abort(404)
    service.require_change(signed_in_actor(), account)
    if account.kind is not AccountKind.SMTP:
        abort(404)
    return account


def _back(account_id: int) -> Response:
    return redirect(url_for("delivery.show_signature", account_id=account_id), 303)


@requires(Permission.SIGNED_IN)
def show_signature(account_id: int) -> Any:
    """The account's key and what to publish; makes a key."""
    account = _found(account_id)
    own = domain_of(account.from_address)
    selector = f"crm{now():%Y%m%d}" if account.dkim_selector == f"crm{now():%Y%m}" else f"crm{now():%Y%m}"
    form = KeyForm(data={"domain": own, "selector": selector, "kind": dkim.KeyKind.RSA.value})
    if form.validate_on_submit():
        kind, home = dkim.KeyKind(form.kind.data), installation()
        dkim_service.make_account_key(
            db(),
            signed_in_actor(),
            account,
            form.domain.data or "",
            form.selector.data or "",
            kind,
            home.encrypt,
        )
        flash(_("The key was made. Publish its record next."), "success")
        return _back(account_id)
    page = render_template(
        "delivery/dkim.html", account=account, form=form, own_domain=own, **_record(account)
    )
    return page, 422 if form.errors else 200


def _record(account: SenderAccount) -> dict[str, Any]:
    """What is published for the kept key."""
    if account.dkim_key is None:
        return {"record": ""}
    try:
        record = dkim.public_record(installation().decrypt(account.dkim_key))
    except SecretUnreadable:
        flash(
            _("The kept key cannot be read with the present key of the installation. Make a new one."),
            "danger",
        )
        return {"record": ""}
    name = dkim.record_name(account.dkim_domain, account.dkim_selector)
    is_aligned = dkim.is_aligned(account.dkim_domain, domain_of(account.from_address))
    return {"record": record, "record_name": name, "is_aligned": is_aligned}


@requires(Permission.SIGNED_IN)
def start_signing(account_id: int) -> Any:
    """Sign from now on, if the record is published; or without looking, when asked to."""
    if not ActionForm().validate_on_submit():
        abort(400)
    home = installation()
    with home.database.read() as session:  # no transaction waits for name servers
        account = service.find_account(session, signed_in_actor(), account_id) or abort(404)
        record = _record(account)
    if not record["record"]:
        abort(409, _("There is no key yet: make one first."))
    found = Published.GOOD
    if "anyway" not in request.form:
        resolver = shared_resolver(home.settings.dns_servers)
        found = dkim_service.look_up(resolver, record["record_name"], record["record"])
    if found is not Published.GOOD:
        flash(_published_words(found), "warning")
        return _back(account_id)
    dkim_service.set_signing(db(), signed_in_actor(), _found(account_id), True)
    flash(_("Messages of this account are signed from now on."), "success")
    return _back(account_id)


def _published_words(found: Published) -> str:
    words: dict[Published, str] = {
        Published.ABSENT: _("The record is not published yet. New records may take some hours to be seen."),
        Published.OTHER: _("Another record is published there. Replace it with the one below."),
        Published.UNCHECKED: _("The name servers did not answer. Try again later."),
    }
    return words[found]


@requires(Permission.SIGNED_IN)
def stop_signing(account_id: int) -> Any:
    """Sign no more; the key stays."""
    if not ActionForm().validate_on_submit():
        abort(400)
    dkim_service.set_signing(db(), signed_in_actor(), _found(account_id), False)
    flash(_("Messages of this account are no longer signed."), "success")
    return _back(account_id)


@requires(Permission.SIGNED_IN)
def delete_key(account_id: int) -> Any:
    """Delete the key."""
    if not ActionForm().validate_on_submit():
        abort(400)
    dkim_service.forget_key(db(), signed_in_actor(), _found(account_id))
    flash(_("The key was deleted. Its record may be removed from the DNS in a week."), "success")
    return _back(account_id)


def add_dkim_routes(blueprint: Blueprint) -> None:
    """Routes of this file, under the accounts' own address."""
    blueprint.route("/<int:account_id>/dkim", methods=("GET", "POST"))(show_signature)
    blueprint.post("/<int:account_id>/dkim/start")(start_signing)
    blueprint.post("/<int:account_id>/dkim/stop")(stop_signing)
    blueprint.post("/<int:account_id>/dkim/delete")(delete_key)
