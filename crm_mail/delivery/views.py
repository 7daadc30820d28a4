"""Pages of the delivery room: sender accounts, their health and limits, trying one out."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery import account_messages, limits, service
from crm_mail.delivery.account_rules import AccountInvalid
from crm_mail.delivery.answers import answers_by_pec
from crm_mail.delivery.connection_check import check_connection
from crm_mail.delivery.dkim_views import add_dkim_routes
from crm_mail.delivery.forms import AccountForm, blank_details, filled_in
from crm_mail.delivery.mailbox_service import keep_mailbox_secret
from crm_mail.delivery.mailbox_views import (
    add_mailbox_routes,
    mailbox_state,
    mailbox_steps,
    read_soon,
    unread_mailboxes,
)
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.oauth import account_settings
from crm_mail.delivery.oauth_views import add_oauth_routes, sign_in_card
from crm_mail.delivery.operators import OPERATORS
from crm_mail.delivery.sms.views import add_sms_routes, edit_sms_account
from crm_mail.delivery.transports import AccountSettings
from crm_mail.delivery.trial import Trial, recipient_of_trial, send_trial
from crm_mail.installation import SecretUnreadable
from crm_mail.permissions import Actor, Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm
from crm_mail.web.navigation import company_at_work, company_if_any, current_company

blueprint = Blueprint("delivery", __name__, url_prefix="/accounts")
add_mailbox_routes(blueprint)
add_oauth_routes(blueprint)
add_dkim_routes(blueprint)
add_sms_routes(blueprint)
Action = Callable[[SenderAccount], None]


def found(account_id: int) -> SenderAccount:
    """An account that the person may see, or 404."""
    return service.find_account(db(), signed_in_actor(), account_id) or abort(404)


def home_of(account: SenderAccount) -> str:
    """The list that an account is shown in."""
    is_settings = (
        signed_in_actor().can(Permission.ACCOUNTS_MANAGE, account.company_id) and account.user_id is None
    )
    return url_for(".list_accounts" if is_settings else ".list_own_accounts")


def show_list(accounts: list[SenderAccount], **values: Any) -> str:
    """A list of accounts with what each sent in the last 24 hours."""
    ids = [account.id for account in accounts]
    used, unread = limits.used_today(db(), ids, now()), unread_mailboxes(db(), ids)
    return render_template("delivery/list.html", accounts=accounts, used=used, unread=unread, **values)


@blueprint.get("")
@requires(Permission.ACCOUNTS_MANAGE)
def list_accounts() -> Any:
    """The accounts of the company at work, its users' own ones included."""
    actor = signed_in_actor()
    company = company_if_any(Permission.ACCOUNTS_MANAGE)
    accounts = service.list_accounts(db(), actor, company.id) if company else []
    return show_list(accounts, company=company, is_own=False)


@blueprint.get("/mine")
@requires(Permission.SIGNED_IN)
def list_own_accounts() -> Any:
    """The signed-in person's own accounts (PD-2)."""
    actor = signed_in_actor()
    return show_list(service.list_own_accounts(db(), actor), company=current_company(actor), is_own=True)


@blueprint.route("/new", methods=("GET", "POST"))
@requires(Permission.ACCOUNTS_MANAGE)
def create_account() -> Any:
    """Add an account of the company at work."""
    company = company_at_work(Permission.ACCOUNTS_MANAGE)
    return add_page(company.id, company.name, None)


@blueprint.route("/mine/new", methods=("GET", "POST"))
@requires(Permission.SIGNED_IN)
def create_own_account() -> Any:
    """Add an account of the signed-in person, in the company at work."""
    actor = signed_in_actor()
    company = current_company(actor) or abort(404)
    return add_page(company.id, actor.name, actor.user_id)


def add_page(company_id: int, from_name: str, user_id: int | None) -> Any:
    """The form of a new account."""
    form = AccountForm.of(blank_details(from_name, suggested()))
    if form.validate_on_submit():
        try:
            account = keep_new(form, company_id, user_id)
            flash(_("%(name)s was added. Test the connection next.", name=account.name), "success")
            return redirect(url_for(".edit_account", account_id=account.id), 303)
        except AccountInvalid as refused:
            account_messages.show_problems(form, refused.problems)
    page = render_template(
        "delivery/edit.html", form=form, account=None, is_own=user_id is not None, operators=OPERATORS
    )
    return page, 422 if form.errors else 200


def suggested() -> str:
    """The operator whose servers were asked for, when a form is only shown."""
    return request.args.get("operator", "") if request.method == "GET" else ""


def keep_new(form: AccountForm, company_id: int, user_id: int | None) -> SenderAccount:
    """Add the account that was entered. Raises AccountInvalid."""
    actor, encrypt = signed_in_actor(), installation().encrypt
    secret = form.secret.data or ""
    account = service.add_account(db(), actor, company_id, form.details(), secret, encrypt, user_id)
    keep_mailbox_secret(db(), actor, account, form.mailbox_secret.data or "", encrypt)
    return account


def keep_changed(form: AccountForm, account: SenderAccount) -> None:
    """Change an account as it was entered; its mailbox is read anew at once. Raises AccountInvalid."""
    actor, encrypt = signed_in_actor(), installation().encrypt
    details = form.details(service.details_of(account))
    service.update_account(db(), actor, account, details, form.secret.data, encrypt)
    keep_mailbox_secret(db(), actor, account, form.mailbox_secret.data or "", encrypt)
    read_soon(db(), account)


@blueprint.route("/<int:account_id>", methods=("GET", "POST"))
@requires(Permission.SIGNED_IN)
def edit_account(account_id: int) -> Any:
    """An account: settings for any, everybody their own. The password is never shown again."""
    account = found(account_id)
    if account.kind is AccountKind.SMS:
        return edit_sms_account(account)
    form = AccountForm.of(filled_in(service.details_of(account), suggested()))
    form.kind.validate_choice = False
    if form.validate_on_submit():
        try:
            form.kind.data = account.kind.value
            keep_changed(form, account)
            flash(_("Saved."), "success")
            return redirect(url_for(".edit_account", account_id=account.id), 303)
        except AccountInvalid as refused:
            account_messages.show_problems(form, refused.problems)
    used = limits.used_today(db(), [account.id], now()).get(account.id, 0)
    page = render_template(
        "delivery/edit.html",
        form=form,
        account=account,
        used=used,
        is_own=account.user_id is not None,
        authorities=service.authorities_of(account),
        present=now(),
        operators=OPERATORS,
        mailbox=mailbox_state(db(), account),
        remedy=account_messages.remedy,
        warning=account_messages.warning,
        answers_by_pec=answers_by_pec(db(), account),
        **sign_in_card(account),
    )
    return page, 422 if form.errors else 200


def act(account_id: int, action: Callable[[SenderAccount], None], message: str) -> Any:
    """Do one thing to an account, say so, and go back to it."""
    if not ActionForm().validate_on_submit():
        abort(400)
    account = found(account_id)
    action(account)
    flash(message % {"name": account.name}, "success")
    return redirect(url_for(".edit_account", account_id=account_id), 303)


@blueprint.post("/<int:account_id>/enable")
@requires(Permission.SIGNED_IN)
def enable_account(account_id: int) -> Any:
    """Switch an account on."""
    actor = signed_in_actor()
    return act(account_id, lambda a: service.set_enabled(db(), actor, a, True), _("%(name)s is enabled."))


@blueprint.post("/<int:account_id>/disable")
@requires(Permission.SIGNED_IN)
def disable_account(account_id: int) -> Any:
    """Switch an account off; its messages wait."""
    actor = signed_in_actor()
    return act(account_id, lambda a: service.set_enabled(db(), actor, a, False), _("%(name)s is disabled."))


@blueprint.post("/<int:account_id>/restart")
@requires(Permission.SIGNED_IN)
def restart_account(account_id: int) -> Any:
    """Let a stopped account try again."""
    actor = signed_in_actor()
    return act(account_id, lambda a: service.restart_account(db(), actor, a), _("%(name)s will try again."))


@blueprint.post("/<int:account_id>/default")
@requires(Permission.SIGNED_IN)
def make_default(account_id: int) -> Any:
    """Send by this account what names no other one."""
    actor = signed_in_actor()
    message = _("%(name)s is now the default account of its kind.")
    return act(account_id, lambda a: service.make_default(db(), actor, a), message)


@blueprint.post("/<int:account_id>/delete")
@requires(Permission.SIGNED_IN)
def delete_account(account_id: int) -> Any:
    """Delete an account that was never used."""
    account = found(account_id)
    back = home_of(account)
    try:
        service.delete_account(db(), signed_in_actor(), account)
    except service.AccountInUse:
        flash(
            _("This account has sent messages or is chosen for a document type. Disable it instead."),
            "warning",
        )
        return redirect(url_for(".edit_account", account_id=account_id), 303)
    flash(_("The account was deleted."), "success")
    return redirect(back, 303)


def read_settings(account_id: int) -> tuple[SenderAccount, AccountSettings]:
    """An account and how to reach its server, read without keeping a transaction open: servers may be slow."""
    with installation().database.read() as session:
        account = service.find_account(session, signed_in_actor(), account_id) or abort(404)
        if account.kind is AccountKind.SMS:  # its gateway is no mail server: `sms.views`
            abort(404)
        try:
            return account, account_settings(installation(), account)
        except SecretUnreadable:
            abort(409, _("The kept password cannot be read with the present key. Enter the password again."))


@blueprint.post("/<int:account_id>/check")
@requires(Permission.SIGNED_IN)
def check_account(account_id: int) -> Any:
    """Connect and log in once, and show each step."""
    account, settings = read_settings(account_id)
    parts = [
        (f"{settings.host}:{settings.port}", check_connection(settings), False),
        (f"{account.mailbox_host}:{account.mailbox_port}", mailbox_steps(account), True),
    ]
    return result_page(account, parts=[part for part in parts if part[1]])


@blueprint.post("/<int:account_id>/send-test")
@requires(Permission.SIGNED_IN)
def send_test_message(account_id: int) -> Any:
    """Send one message to oneself (from a PEC account: to itself)."""
    actor = signed_in_actor()
    account, settings = read_settings(account_id)
    to = recipient_of_trial(settings, actor.email)
    outcome = send_trial(settings, trial_for(actor, account, to))
    audit.record(
        db(),
        actor,
        "delivery.account.tried",
        company_id=account.company_id,
        subject=account,
        label=account.name,
        to=to,
        outcome=outcome.kind.value,
    )
    limits.record_usage(db(), account.id, now(), 1)
    return result_page(account, outcome=outcome, to=to)


def trial_for(actor: Actor, account: SenderAccount, to: str) -> Trial:
    """The test message in the language of the page."""
    return Trial(
        from_name=account.from_name,
        to=to,
        subject=_("Test message from %(account)s", account=account.name),
        body=_(
            "This message was sent by %(name)s to try out the account %(account)s (%(host)s).\n"
            "It arrived: the account works. È, ñ, € and \" ' & < > should look right.\n",
            name=actor.name,
            account=account.name,
            host=account.host,
        ),
        language=str(get_locale() or "en"),
    )


def result_page(account: SenderAccount, **values: Any) -> str:
    """What trying an account out came to."""
    return render_template(
        "delivery/result.html",
        account=account,
        step_name=account_messages.step_name,
        remedy=account_messages.remedy,
        warning=account_messages.warning,
        **values,
    )


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    app.register_blueprint(blueprint)
