"""Mailings at given times: a price list to a segment every Monday, a promotion once a month (GA-2).

The mailing that is scheduled stays a draft: each time a copy of it is prepared, with the audience worked out afresh and
the texts and files as they are then. What was changed since its last test message is not sent.
"""

from sqlalchemy.orm import Session

from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.service import copy_campaign, find_campaign, is_tested, prepare_campaign
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal
from crm_mail.schedules.kinds import Due, Options, Outcome, ScheduleKind, made_run


class MailingNotReady(Refusal):
    """The mailing does not exist any more, was sent by hand, or was changed since its test message."""

    def __init__(self, title: str = "") -> None:
        what = (
            f"the mailing “{title}” was prepared by hand or changed since its last test message"
            if title
            else ""
        )
        super().__init__(
            f"{what}: copy or test it, then save the schedule again"
            if what
            else "the mailing does not exist any more: choose another one"
        )


class Mailings(ScheduleKind):
    """Prepares a copy of a mailing; options: ``campaign``, its id."""

    id = "campaign"

    def require(self, session: Session, actor: Actor, company_id: int, options: Options) -> None:
        """The right to prepare the mailing's type."""
        campaign = _find(session, actor, company_id, options)
        actor.require(Permission.OUTBOX_PREPARE, company_id, campaign.document_type)

    def begin(self, session: Session, home: Installation, actor: Actor, due: Due) -> Outcome:
        """The copy and its run together."""
        campaign = _find(session, actor, due.company_id, due.options)
        if not is_tested(campaign) or campaign.run_id is not None:
            raise MailingNotReady(campaign.title)
        copy = copy_campaign(session, actor, campaign, f"{campaign.title[:105]} · {due.on.isoformat()}")
        copy.tested_at, copy.tested_mark = campaign.tested_at, campaign.tested_mark
        return made_run(prepare_campaign(session, actor, copy).id)


def _find(session: Session, actor: Actor, company_id: int, options: Options) -> Campaign:
    chosen = options.get("campaign")
    campaign = session.get(Campaign, int(chosen)) if chosen else None
    if campaign is None or campaign.company_id != company_id:
        raise MailingNotReady
    if find_campaign(session, actor, campaign.id) is None:
        actor.require(Permission.OUTBOX_PREPARE, company_id, campaign.document_type)
        raise MailingNotReady
    return campaign
