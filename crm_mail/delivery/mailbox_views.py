"""Pages of the accounts' mailboxes: how their reading stands, reading one now, trying one out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.delivery import service
from crm_mail.delivery.connection_check import Step, StepResult, Warned, check_mailbox
from crm_mail.delivery.mailbox.failures import MailboxFailed, MailboxFailure, read_failure
from crm_mail.delivery.mailbox.responses import NEARLY_FULL, Quota
from crm_mail.delivery.mailbox_access import reach_mailbox
from crm_mail.delivery.models import SenderAccount
from crm_mail.evidence.due_mailboxes import ask_for_reading
from crm_mail.evidence.models import Mailbox, MailboxFolder
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm


@dataclass(frozen=True, slots=True)
class MailboxState:
    """What the page of an account shows. `mailbox` is None before the first reading."""

    mailbox: Mailbox | None
    folders: list[MailboxFolder]
    failure: MailboxFailure | None
    quota: Quota | None

    @property
    def warning(self) -> Warned | None:
        """A full PEC mailbox takes no receipts."""
        return Warned.NEARLY_FULL if self.quota is not None and self.quota.share >= NEARLY_FULL else None


def mailbox_state(session: Session, account: SenderAccount) -> MailboxState | None:
    """How the reading of an account's mailbox stands; None when it is not read."""
    if not account.mailbox_is_read:
        return None
    mailbox = session.get(Mailbox, account.id)
    folders = session.scalars(
        select(MailboxFolder).where(MailboxFolder.account_id == account.id).order_by(MailboxFolder.name)
    )
    quota = None
    if mailbox is not None and mailbox.quota_limit_kb:
        quota = Quota(mailbox.quota_used_kb or 0, mailbox.quota_limit_kb)
    failure = read_failure(mailbox.failure) if mailbox is not None else None
    return MailboxState(mailbox, list(folders), failure, quota)


def unread_mailboxes(session: Session, account_ids: Iterable[int]) -> set[int]:
    """Of these accounts those whose mailbox could not be read the last time."""
    query = select(Mailbox.account_id).where(
        Mailbox.account_id.in_(list(account_ids)), Mailbox.failed_at.is_not(None)
    )
    return set(session.scalars(query))


def read_soon(session: Session, account: SenderAccount) -> None:
    """After a change: a mailbox that could not be read is tried again at once."""
    if account.mailbox_is_read:
        ask_for_reading(session, [account.id])


def mailbox_steps(account: SenderAccount) -> list[StepResult]:
    """Trying the mailbox out, step by step; nothing when it is not read."""
    if not account.mailbox_is_read:
        return []
    try:
        settings = reach_mailbox(installation(), account)
    except MailboxFailed as failed:
        return [StepResult(Step.LOG_IN, False, failed.failure)]
    return check_mailbox(settings)


def add_mailbox_routes(blueprint: Blueprint) -> None:
    """Routes of this file, under the accounts' own address."""
    blueprint.post("/<int:account_id>/read-mailbox")(read_mailbox_now)


@requires(Permission.SIGNED_IN)
def read_mailbox_now(account_id: int) -> Any:
    """Have the mailbox read as soon as a worker looks: within seconds."""
    if not ActionForm().validate_on_submit():
        abort(400)
    account = service.find_account(db(), signed_in_actor(), account_id) or abort(404)
    if not account.mailbox_is_read:
        abort(409, _("This mailbox is not read: switch that on first."))
    ask_for_reading(db(), [account.id])
    flash(_("The mailbox of %(name)s is read within seconds.", name=account.name), "success")
    return redirect(url_for(".edit_account", account_id=account_id), 303)
