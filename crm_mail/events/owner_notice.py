"""Telling a rule's owner, by mail, once for each run, that the run waits for a person. A staff notice.

It is asked for where the run begins to wait, after that was committed: a worker that dies in between tells nobody, and
the history shows the run all the same.
"""

import logging

from crm_mail.db import now
from crm_mail.delivery import limits, staff_mail
from crm_mail.events.models import EventRule
from crm_mail.installation import Installation
from crm_mail.web.translating import translator

log = logging.getLogger(__name__)


def tell_owner(home: Installation, rule_id: int, run_id: int) -> None:
    """Mail the owner, or the company's error address when the owner is no longer active."""
    with home.database.read() as session:
        rule = session.get_one(EventRule, rule_id)
        company, owner = rule.company, rule.owner
        to, language = (
            (owner.email, owner.language) if owner.is_active else (company.error_address, company.language)
        )
        if not to:
            return
        _ = translator(language)
        words = {"rule": rule.name, "company": company.name}
        subject = _("%(company)s: a run of the rule “%(rule)s” waits") % words
        parts = (
            _("The rule “%(rule)s” prepared a run. It leaves when somebody has looked at it and commits it.")
            % words,
            f"{home.settings.resolved_public_url}/outbox/{run_id}",
        )
        mail = staff_mail.StaffMail(company.test_address or to, language, subject, "\n\n".join(parts) + "\n")
        posts = staff_mail.posts_of(session, company.id, company.name, home)
    outcome, account_id = staff_mail.deliver(mail, posts) if posts else (None, 0)
    if outcome is None or not outcome.is_sent:
        log.error("The owner of rule %r was not told that run %s waits.", words["rule"], run_id)
        return
    with home.database.write() as session:
        limits.record_usage(session, account_id, now(), 1)
