"""What the pages of a mailing share: the mailing at hand, and the frame of its steps."""

from typing import Any

from flask import abort, render_template, url_for
from flask_babel import gettext as _

from crm_mail.campaigns.audience import ABOVE_CLEARANCE, NO_ADDRESS, SUPPRESSED, purpose_of
from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.service import find_campaign
from crm_mail.companies.models import Company
from crm_mail.contacts.consents.rules import Purpose, soft_opt_in
from crm_mail.contacts.finding.filter_words import describe_filter
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.outbox.why_words import left_out_words
from crm_mail.permissions import Permission, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.navigation import current_company

STEPS = ("edit_audience", "edit_content", "edit_files", "check")
_TEMPLATES = {
    "edit_audience": "campaigns/audience.html",
    "edit_content": "campaigns/content.html",
    "edit_files": "campaigns/files.html",
    "check": "campaigns/check.html",
}


def company_at_work() -> Company:
    """The company chosen in the top bar, when the person may prepare something there; else 404."""
    company = current_company(signed_in_actor())
    if company is None or not signed_in_actor().can(Permission.OUTBOX_PREPARE, company.id):
        abort(404)
    return company


def campaign_or_404(campaign_id: int) -> Campaign:
    """The mailing, as far as the person may prepare it."""
    return find_campaign(db(), signed_in_actor(), campaign_id) or abort(404)


def editable_or_404(campaign_id: int) -> Campaign:
    """The same, when it is still a draft; else 409."""
    row = campaign_or_404(campaign_id)
    if row.run_id is not None:
        abort(409, _("This mailing was prepared already. Copy it to send it again."))
    return row


def step_page(row: Campaign, step: str, **values: Any) -> str:
    """One step of the wizard."""
    words = [_("Whom"), _("Content"), _("Letter and files"), _("Test and prepare")]
    steps = [
        (word, url_for(f"campaigns.{one}", campaign_id=row.id), one != "edit_content" or bool(row.texts))
        for one, word in zip(STEPS, words, strict=True)
    ]
    number = STEPS.index(step)
    purpose = purpose_of(db(), row)
    company = db().get_one(Company, row.company_id)
    return render_template(
        _TEMPLATES[step],
        campaign=row,
        steps=steps,
        step=number + 1,
        next_url=steps[number + 1][1] if number + 1 < len(steps) else "",
        audience_words=describe_filter(PartyFilter.from_dict(row.audience, row.company_id)),
        asks_consent=bool(purpose),
        soft_rule=soft_opt_in(company.country, company.soft_opt_in)
        if purpose == Purpose.COMMERCIAL
        else None,
        exclusion_words=exclusion_words,
        **values,
    )


def exclusion_words(reason: str) -> str:
    """Why somebody receives nothing."""
    own = {
        ABOVE_CLEARANCE: _("Left for a colleague with a higher clearance"),
        SUPPRESSED: _("Bounced or stopped: not written to any more"),
        NO_ADDRESS: _("No address is known"),
    }
    return str(own.get(reason) or left_out_words(reason, _)[0])
