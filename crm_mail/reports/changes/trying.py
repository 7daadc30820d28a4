"""What the page of notices of changes does besides its rules: a test mail now, and what did not leave yet."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery import limits
from crm_mail.delivery.staff_mail import StaffMail, deliver, patient, posts_of
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.reports.changes.models import ChangeNotice, ChangeRule
from crm_mail.reports.languages import gettext as _
from crm_mail.reports.languages import words_in


def count_waiting(session: Session, rule_ids: Sequence[int]) -> dict[int, int]:
    """Notices of each rule that were tried and did not leave yet."""
    query = select(ChangeNotice.rule_id, func.count()).where(
        ChangeNotice.rule_id.in_(rule_ids), ChangeNotice.last_detail != ""
    )
    return {rule_id: count for rule_id, count in session.execute(query.group_by(ChangeNotice.rule_id))}


def send_test(home: Installation, session: Session, actor: Actor, rule: ChangeRule) -> tuple[int, str]:
    """Mail a test to a rule's addresses, now: to how many, and what went wrong (empty: nothing).

    Raises:
        PermissionDenied: the company may not be set up by the actor.
    """
    actor.require(Permission.SETTINGS_MANAGE, rule.company_id)
    company = rule.company
    posts = [patient(one) for one in posts_of(session, company.id, company.name, home)]
    with words_in(rule.language):
        subject = _("%(company)s: %(rule)s (test)", company=company.name, rule=rule.name)
        text = _(
            "This is a test of the notice “%(rule)s”. Changes of records will be told to this address.",
            rule=rule.name,
        )
    sent, problem = 0, ""
    for address in dict.fromkeys([company.test_address] if company.test_address else rule.addresses):
        outcome, account_id = deliver(StaffMail(address, rule.language, subject, text + "\n"), posts)
        if outcome.is_sent:
            sent += 1
            limits.record_usage(session, account_id, now(), 1)
        else:
            problem = f"{address}: {outcome.detail}"
            break
    audit.record(
        session,
        actor,
        "reports.change_notice.tried",
        company_id=company.id,
        subject=rule,
        label=rule.name,
        count=sent,
        reason=problem,
    )
    return sent, problem
