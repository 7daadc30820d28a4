"""Pages of SMS accounts: adding, changing, trying one out, and the addresses at which the gateway reports."""

import secrets
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery import account_messages, limits, service
from crm_mail.delivery.account_rules import AccountInvalid
from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.oauth import account_settings
from crm_mail.delivery.sms.account_service import add_sms_account, renew_token, update_sms_account
from crm_mail.delivery.sms.accounts import SmsAccountDetails, details_of
from crm_mail.delivery.sms.callback_tokens import callback_key, make_token
from crm_mail.delivery.sms.connecting import send_once
from crm_mail.delivery.sms.forms import SmsAccountForm, SmsTrialForm
from crm_mail.delivery.sms.gateway import GatewayConfig
from crm_mail.delivery.sms.numbers import NumberInvalid, normalise_number
from crm_mail.delivery.sms.words import amount_words
from crm_mail.installation import SecretUnreadable
from crm_mail.outbox.sending.sms_budget import today_of
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm
from crm_mail.web.navigation import company_at_work


def add_sms_routes(blueprint: Blueprint) -> None:
    """Routes of this file, under the accounts' own address."""
    blueprint.route("/sms/new", methods=("GET", "POST"))(create_sms_account)
    blueprint.post("/<int:account_id>/send-test-sms")(send_test_sms)
    blueprint.post("/<int:account_id>/renew-token")(renew_callback_token)


@requires(Permission.ACCOUNTS_MANAGE)
def create_sms_account() -> Any:
    """Add an SMS account of the company at work."""
    company = company_at_work(Permission.ACCOUNTS_MANAGE)
    currency = (
        "EUR"
        if company.country in ("", "IT", "ES")
        else {"MX": "MXN", "PY": "PYG"}.get(company.country, "EUR")
    )
    form = SmsAccountForm.of(SmsAccountDetails("", "", GatewayConfig(currency=currency)))
    if form.validate_on_submit():
        try:
            account = add_sms_account(
                db(),
                signed_in_actor(),
                company.id,
                form.details(),
                form.secret.data or "",
                installation().encrypt,
                allow_private=installation().settings.webhook_private_addresses,
            )
            flash(_("%(name)s was added. Send a test SMS next.", name=account.name), "success")
            return redirect(url_for(".edit_account", account_id=account.id), 303)
        except AccountInvalid as refused:
            account_messages.show_problems(form, refused.problems)
    page = render_template("delivery/sms.html", form=form, account=None)
    return page, 422 if form.errors else 200


def edit_sms_account(account: SenderAccount) -> Any:
    """An SMS account: its form, its state, and the addresses for the gateway."""
    form = SmsAccountForm.of(details_of(account))
    if form.validate_on_submit():
        try:
            update_sms_account(
                db(),
                signed_in_actor(),
                account,
                form.details(),
                form.secret.data or "",
                installation().encrypt,
                allow_private=installation().settings.webhook_private_addresses,
            )
            flash(_("Saved."), "success")
            return redirect(url_for(".edit_account", account_id=account.id), 303)
        except AccountInvalid as refused:
            account_messages.show_problems(form, refused.problems)
    return sms_page(account, form, SmsTrialForm(formdata=None)), 422 if form.errors else 200


def sms_page(account: SenderAccount, form: SmsAccountForm, trial: SmsTrialForm, outcome: Any = None) -> str:
    """The page of one SMS account."""
    home, config = installation(), GatewayConfig.from_dict(account.sms)
    token = make_token(callback_key(home.secret_key), account.id, config.token_version)
    base = home.settings.resolved_public_url.rstrip("/")
    return render_template(
        "delivery/sms.html",
        form=form,
        account=account,
        config=config,
        trial=trial,
        outcome=outcome,
        today=today_of(db(), account, now()),
        used=limits.used_today(db(), [account.id], now()).get(account.id, 0),
        status_url=f"{base}/sms/status/{token}",
        inbound_url=f"{base}/sms/inbound/{token}",
        amount_words=amount_words,
        remedy=account_messages.remedy,
        present=now(),
    )


def _found(session: Session, account_id: int) -> SenderAccount:
    account = service.find_account(session, signed_in_actor(), account_id)
    if account is None or account.kind is not AccountKind.SMS:
        abort(404)
    return account


@requires(Permission.ACCOUNTS_MANAGE)
def send_test_sms(account_id: int) -> Any:
    """Send one text to a number that the person names, and show the gateway's answer."""
    actor, trial = signed_in_actor(), SmsTrialForm()
    with installation().database.read() as session:  # nothing may be open while a gateway is asked
        account = _found(session, account_id)
        company = session.get_one(Company, account.company_id)
        try:
            settings = account_settings(installation(), account)
        except SecretUnreadable:
            abort(409, _("The kept password cannot be read with the present key. Enter the password again."))
    form = SmsAccountForm.of(details_of(account), is_posted=False)
    try:
        number = normalise_number((trial.number.data or "").strip(), company.country)
    except NumberInvalid:
        trial.number.errors = [_("This is no mobile number. Write it as +39 333 1234567.")]
        return sms_page(account, form, trial), 422
    if not trial.validate():
        return sms_page(account, form, trial), 422
    text = _("Test of %(account)s by %(company)s.", account=account.name, company=company.name)
    outcome = send_once(settings, number, text, secrets.token_hex(12))
    audit.record(
        db(),
        actor,
        "delivery.account.tried",
        company_id=account.company_id,
        subject=account,
        label=account.name,
        to=number,
        outcome=outcome.kind.value,
    )
    limits.record_usage(db(), account.id, now(), 1)
    words = _("The gateway took the SMS for %(number)s.", number=number)
    if outcome.kind is not OutcomeKind.SENT:
        words = _("The SMS for %(number)s was not taken.", number=number)
    return sms_page(account, form, trial, (outcome, words))


@requires(Permission.ACCOUNTS_MANAGE)
def renew_callback_token(account_id: int) -> Any:
    """Give the gateway's addresses another token."""
    if not ActionForm().validate_on_submit():
        abort(400)
    account = _found(db(), account_id)
    renew_token(db(), signed_in_actor(), account)
    flash(
        _("The addresses are new. Write them down at the provider: the former ones answer no more."),
        "success",
    )
    return redirect(url_for(".edit_account", account_id=account_id), 303)
