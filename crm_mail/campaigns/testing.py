"""The compulsory test: one message as a recipient would get it, really sent to whoever writes the mailing.

It goes out like other mail to our own people (`delivery.staff_mail`), from the company's account, at once. It is filled
in with a real recipient's data, reaches nobody else, and its unsubscribe link leads nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.campaigns.audience import purpose_of
from crm_mail.campaigns.composer import facts_of
from crm_mail.campaigns.content import Texts, mark_of
from crm_mail.campaigns.letter_making import Letter, make_all
from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.recipients import Reached, first_few
from crm_mail.campaigns.service import CampaignRefused, find_campaign
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery import limits
from crm_mail.delivery.envelope import Attachment, Outcome
from crm_mail.delivery.staff_mail import Post, StaffMail, deliver, patient, posts_of
from crm_mail.documents.message_context import PartyFields
from crm_mail.installation import Installation
from crm_mail.outbox.composing.parts import UNSUBSCRIBE
from crm_mail.outbox.links.link_words import add_unsubscribe
from crm_mail.outbox.sending.attempting import TEST_MARK
from crm_mail.permissions import Actor


@dataclass(frozen=True, slots=True)
class Trial:
    """A message as one recipient would get it."""

    one: Reached
    language: str
    subject: str
    body_text: str
    body_html: str
    files: tuple[tuple[Attachment, bytes], ...] = ()


def languages_of(campaign: Campaign) -> list[str]:
    """The languages that were written."""
    return [language for language in ("it", "es", "en") if language in campaign.texts]


def make_trial(
    session: Session,
    home: Installation,
    actor: Actor,
    campaign: Campaign,
    language: str = "",
    *,
    files: bool = True,
) -> Trial:
    """Fill everything in for the first recipient, or for an invented one where nobody is chosen.

    Args:
        language: as if the recipient were written to in this one; empty: its own.
        files: with attachments and letter.

    Raises:
        CampaignRefused: nothing was written, or the letter cannot be made.
        TemplateInvalid, LetterInvalid
    """
    if not campaign.texts:
        raise CampaignRefused("no_text", "write the text in at least one language first")
    texts = Texts.of(session, actor, campaign)
    one = first_reached(session, actor, campaign)
    if language in campaign.texts:
        one = Reached(one.contact_id, one.party_id, language, one.party, one.contact)
    subject, text, html = texts.fill(one)
    company = session.get_one(Company, campaign.company_id)
    text, html = text.replace(UNSUBSCRIBE, _link(home)), html.replace(UNSUBSCRIBE, _link(home))
    if purpose_of(session, campaign):
        text, html = add_unsubscribe(text, html, _link(home), company.name, texts.language(one))
    carried = _files(home, campaign, texts, one) if files else ()
    return Trial(one, texts.language(one), subject, text, html, carried)


def first_reached(session: Session, actor: Actor, campaign: Campaign) -> Reached:
    """The first recipient, or an invented one where nobody is chosen."""
    rows = first_few(session, campaign, actor.sight, 1)
    return rows[0] if rows else _invented(actor)


def _link(home: Installation) -> str:
    return f"{home.settings.resolved_public_url.rstrip('/')}/unsubscribe/test"


def _invented(actor: Actor) -> Reached:
    party = dict.fromkeys(PartyFields.__annotations__, "") | {"name": actor.name, "code": "000000"}
    return Reached(None, 0, "", party, {"name": actor.name, "roles": "", "email": actor.email})


def _files(
    home: Installation, campaign: Campaign, texts: Texts, one: Reached
) -> tuple[tuple[Attachment, bytes], ...]:
    found = []
    letter = Letter.of(home, campaign)
    if letter is not None:
        (made,) = make_all(letter, [texts.context(one)])
        if made.problem:
            raise CampaignRefused("letter", made.problem)
        sha256 = home.store.put(made.data)
        found.append((Attachment(letter.file_name, letter.mime, sha256, len(made.data)), made.data))
    for file in campaign.files:
        facts = facts_of(file)
        attachment = Attachment(facts.name, facts.mime, facts.sha256, facts.size, facts.content_id)
        found.append((attachment, home.store.read(file.sha256)))
    return tuple(found)


def send_test(home: Installation, actor: Actor, campaign_id: int) -> Outcome:
    """Send the test, one message for each language, and keep that it was sent; what came of the last one.

    Takes transactions of its own: nothing is open while a server is spoken to.

    Raises:
        CampaignRefused, TemplateInvalid, LetterInvalid: see `make_trial`.
    """
    if not actor.email:
        raise CampaignRefused("no_address", "the test goes to your own address, and you have none")
    with home.database.read() as session:
        campaign = find_campaign(session, actor, campaign_id)
        if campaign is None:
            raise CampaignRefused("unknown", "this mailing does not exist any more")
        company = session.get_one(Company, campaign.company_id)
        trials = [make_trial(session, home, actor, campaign, one) for one in languages_of(campaign) or [""]]
        posts = [patient(post) for post in posts_of(session, company.id, company.name, home)]
        to, mark = company.test_address or actor.email, mark_of(campaign)
    outcome, account_id = _deliver(to, trials[0], posts)
    for trial in trials[1:]:
        if outcome.is_sent:
            outcome, account_id = _deliver(to, trial, posts)
    with home.database.write() as session:
        campaign = session.scalars(select(Campaign).where(Campaign.id == campaign_id)).one()
        if outcome.is_sent:
            campaign.tested_at, campaign.tested_mark = now(), mark
            limits.record_usage(session, account_id, now(), len(trials))
        audit.record(
            session,
            actor,
            "campaigns.campaign.tested" if outcome.is_sent else "campaigns.campaign.test_failed",
            company_id=campaign.company_id,
            subject=campaign,
            label=campaign.title,
            to=to,
            reason="" if outcome.is_sent else outcome.detail,
        )
    return outcome


def _deliver(to: str, trial: Trial, posts: Sequence[Post]) -> tuple[Outcome, int]:
    subject = TEST_MARK + trial.subject
    return deliver(
        StaffMail(to, trial.language, subject, trial.body_text, trial.body_html, trial.files), posts
    )
