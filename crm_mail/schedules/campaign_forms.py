"""Questions of the kind *campaign*."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import SelectField
from wtforms.validators import InputRequired

from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.service import is_tested, list_campaigns
from crm_mail.companies.models import Company
from crm_mail.permissions import Actor
from crm_mail.schedules.kind_forms import KindForm, choices_of
from crm_mail.schedules.kinds import Options


class MailingForm(KindForm):
    """Which mailing."""

    label = _l("Mailing: price list, promotion, news")
    hint = _l(
        "Each time a copy of the mailing is prepared, with its audience worked out afresh. The mailing stays a draft."
    )

    campaign = SelectField(
        _l("Mailing"),
        [InputRequired(_l("Choose a mailing that was tested and is still a draft."))],
        description=_l("Drafts whose test message was sent since their last change."),
        choices=[],
    )

    def prepare(self, session: Session, actor: Actor, company: Company, options: Options) -> None:
        """Tested drafts, and the one that is scheduled already."""
        kept = str(options.get("campaign") or "")
        drafts = [
            one
            for one in list_campaigns(session, actor, company.id)
            if (one.run_id is None and is_tested(one)) or str(one.id) == kept
        ]
        self.campaign.choices = choices_of(
            [("", _("Choose…")), *((str(one.id), one.title) for one in drafts)]
        )

    def read_options(self) -> dict[str, Any]:
        """Its id as a number."""
        return {"campaign": int(self.campaign.data)}

    @classmethod
    def values_of(cls, options: Options) -> dict[str, Any]:
        """Its id as text."""
        return {"campaign": str(options.get("campaign") or "")}

    @classmethod
    def describe(cls, session: Session, company: Company, options: Options) -> list[str]:
        """Its title."""
        found = session.get(Campaign, int(options.get("campaign") or 0))
        return [
            found.title
            if found and found.company_id == company.id
            else str(_("the mailing does not exist any more"))
        ]
