"""Mailings: written, tested by whoever writes them, then made into a run for the review. Nothing is sent here."""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.campaigns.composer import NAME
from crm_mail.campaigns.content import mark_of, tidy
from crm_mail.campaigns.files import is_whole, kind_of, safe_name
from crm_mail.campaigns.letters import LetterInvalid, LetterKind, check_docx, tidy_html
from crm_mail.campaigns.models import Campaign, CampaignFile
from crm_mail.campaigns.office import require_office
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.consents.rules import Purpose
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.documents.builtin_texts import MessageText
from crm_mail.installation import Installation
from crm_mail.outbox.composing.compose import create_composed_run
from crm_mail.outbox.composing.parts import Composition, Origin
from crm_mail.outbox.models import Run
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

PURPOSES = (Purpose.COMMERCIAL.value, Purpose.GREETINGS.value, "")
MOST_FILES = 20


class CampaignRefused(Refusal):
    """A step of a mailing is refused; ``code`` says why, the message what to do."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


def find_campaign(session: Session, actor: Actor, campaign_id: int) -> Campaign | None:
    """One mailing, for who may prepare its type."""
    row = session.get(Campaign, campaign_id)
    if row is None or not actor.can(Permission.OUTBOX_PREPARE, row.company_id, row.document_type):
        return None
    return row


def list_campaigns(session: Session, actor: Actor, company_id: int) -> Sequence[Campaign]:
    """A company's mailings, the newest first, as far as the actor may prepare them."""
    query = select(Campaign).where(Campaign.company_id == company_id).order_by(Campaign.id.desc()).limit(200)
    return [
        row
        for row in session.scalars(query)
        if actor.can(Permission.OUTBOX_PREPARE, company_id, row.document_type)
    ]


def begin_campaign(
    session: Session, actor: Actor, company_id: int, title: str, document_type: str, purpose: str
) -> Campaign:
    """A new draft.

    Raises:
        PermissionDenied: the type may not be prepared by the actor.
        CampaignRefused: no title, or an unknown type or purpose.
    """
    actor.require(Permission.OUTBOX_PREPARE, company_id, document_type)
    title = " ".join(title.split())[:120]
    if not title or document_type not in company_types(session, company_id).used or purpose not in PURPOSES:
        raise CampaignRefused("incomplete", "give the mailing a name, a document type and a purpose")
    row = Campaign(
        company_id=company_id,
        title=title,
        document_type=document_type,
        purpose=purpose,
        audience=PartyFilter(company_id).to_dict(),
        created_by=actor.user_id,
    )
    session.add(row)
    session.flush()
    _record(session, actor, row, "begun")
    return row


def change_audience(
    session: Session,
    actor: Actor,
    campaign: Campaign,
    chosen: PartyFilter,
    *,
    subscribed: bool,
    parties: bool,
) -> None:
    """Say whom a mailing is for."""
    _require_draft(actor, campaign)
    campaign.audience = chosen.to_dict()
    campaign.only_subscribed, campaign.with_parties = subscribed, parties
    _record(session, actor, campaign, "audience_changed", audience=campaign.audience)


def change_text(session: Session, actor: Actor, campaign: Campaign, language: str, text: MessageText) -> None:
    """Write the text of one language; an empty one takes the language away.

    Raises:
        TextMissing, TextInvalid: see `documents.texts`.
    """
    _require_draft(actor, campaign)
    texts = dict(campaign.texts)
    if any(part.strip() for part in (text.subject, text.body_text, text.body_html)):
        texts[language] = tidy(text, language)
    else:
        texts.pop(language, None)
    campaign.texts = texts
    _record(session, actor, campaign, "text_changed", language=language)


def add_file(
    session: Session,
    actor: Actor,
    home: Installation,
    campaign: Campaign,
    name: str,
    data: bytes,
    *,
    inline: bool,
) -> CampaignFile:
    """Keep a file that everybody gets; its kind is read from its content.

    Args:
        inline: a picture that the text shows.

    Raises:
        CampaignRefused: it is empty, damaged, a program, one too many, or no picture where one is wanted.
    """
    _require_draft(actor, campaign)
    if not data:
        raise CampaignRefused("empty", f"{name} is empty: choose another file")
    if len(campaign.files) >= MOST_FILES:
        raise CampaignRefused(
            "too_many", f"a mailing carries at most {MOST_FILES} files: put some into one archive"
        )
    mime = kind_of(name, data)
    if not mime:
        raise CampaignRefused("program", f"{name} is a program or holds one: mail servers refuse such files")
    if not is_whole(mime, data):
        raise CampaignRefused(
            "damaged", f"{name} is cut off or damaged: open it, save it again, and choose that one"
        )
    if inline and not mime.startswith("image/"):
        raise CampaignRefused(
            "no_picture", f"{name} is not a picture that mail programs show (PNG, JPEG, GIF)"
        )
    sha256 = home.store.put(data)
    content_id = f"{hashlib.sha256(data).hexdigest()[:16]}@crm-mail" if inline else ""
    file = CampaignFile(
        name=safe_name(name, mime), mime=mime, sha256=sha256, size=len(data), content_id=content_id
    )
    campaign.files.append(file)
    session.flush()
    _record(session, actor, campaign, "file_added", file=file.name)
    return file


def remove_file(session: Session, actor: Actor, campaign: Campaign, file_id: int) -> None:
    """Take a file away; an unknown one changes nothing."""
    _require_draft(actor, campaign)
    campaign.files = [file for file in campaign.files if file.id != file_id]
    _record(session, actor, campaign, "file_removed")


def set_word_letter(
    session: Session,
    actor: Actor,
    home: Installation,
    campaign: Campaign,
    name: str,
    data: bytes,
    *,
    as_pdf: bool,
) -> None:
    """Use a Word template as the letter; no data keeps the one that is there.

    Raises:
        LetterInvalid: it is no Word document, or LibreOffice is needed and not installed.
    """
    _require_draft(actor, campaign)
    if as_pdf:
        require_office()
    if data:
        check_docx(data)
        campaign.letter_sha256 = home.store.put(data)
    elif not campaign.letter_sha256:
        raise LetterInvalid("not_word", "choose the Word document (.docx) that is the letter")
    campaign.letter_kind, campaign.letter_as_pdf = LetterKind.WORD.value, as_pdf
    campaign.letter_name = _letter_name(name, campaign)
    _record(session, actor, campaign, "letter_changed", kind="docx")


def set_html_letter(
    session: Session, actor: Actor, campaign: Campaign, name: str, html: dict[str, str]
) -> None:
    """Use HTML as the letter, printed as PDF. Raises `TemplateInvalid`."""
    _require_draft(actor, campaign)
    kept = {language: tidy_html(source) for language, source in html.items() if source.strip()}
    if not kept:
        raise CampaignRefused("no_letter", "write the letter in at least one language")
    campaign.letter_kind, campaign.letter_html, campaign.letter_as_pdf = LetterKind.HTML.value, kept, True
    campaign.letter_name = _letter_name(name, campaign)
    _record(session, actor, campaign, "letter_changed", kind="html")


def remove_letter(session: Session, actor: Actor, campaign: Campaign) -> None:
    """Send no letter."""
    _require_draft(actor, campaign)
    campaign.letter_kind, campaign.letter_sha256, campaign.letter_html = "", "", {}
    _record(session, actor, campaign, "letter_changed", kind="")


def _letter_name(name: str, campaign: Campaign) -> str:
    return safe_name(name.rpartition(".")[0] or name or campaign.title, "")[:100]


def is_tested(campaign: Campaign) -> bool:
    """Whether the compulsory test showed what would be sent now."""
    return campaign.tested_at is not None and campaign.tested_mark == mark_of(campaign)


def prepare_campaign(session: Session, actor: Actor, campaign: Campaign) -> Run:
    """Make the mailing's run; the worker prepares it (ring `tasks.FILL_RUN` after the commit).

    Raises:
        CampaignRefused: nothing was written, the test is missing, or it was prepared already.
        PermissionDenied, TypeNotSent
    """
    _require_draft(actor, campaign)
    if not campaign.texts:
        raise CampaignRefused("no_text", "write the text in at least one language first")
    if not is_tested(campaign):
        raise CampaignRefused(
            "not_tested", "send the test message to yourself first: the content changed since"
        )
    composition = Composition(
        company_id=campaign.company_id,
        document_type=campaign.document_type,
        title=campaign.title,
        origin=Origin.CAMPAIGN,
        origin_name=campaign.title,
        purpose=campaign.purpose,
        only_subscribed=campaign.only_subscribed,
        cleans_html=False,  # the texts were cleaned when they were kept
        composer=NAME,
        data={"campaign": campaign.id},
    )
    run = create_composed_run(session, actor, composition)
    campaign.run_id = run.id
    _record(session, actor, campaign, "prepared", run=run.id)
    return run


def delete_campaign(session: Session, actor: Actor, campaign: Campaign) -> None:
    """Throw a draft away."""
    _require_draft(actor, campaign)
    _record(session, actor, campaign, "deleted")
    session.delete(campaign)


def copy_campaign(session: Session, actor: Actor, campaign: Campaign, title: str) -> Campaign:
    """A new draft with the same audience, texts, files and letter."""
    copy = begin_campaign(
        session, actor, campaign.company_id, title, campaign.document_type, campaign.purpose
    )
    for name in ("audience", "only_subscribed", "with_parties", "texts", "letter_kind", "letter_as_pdf"):
        setattr(copy, name, getattr(campaign, name))
    copy.letter_name, copy.letter_sha256 = campaign.letter_name, campaign.letter_sha256
    copy.letter_html = dict(campaign.letter_html)
    copy.files = [
        CampaignFile(name=f.name, mime=f.mime, sha256=f.sha256, size=f.size, content_id=f.content_id)
        for f in campaign.files
    ]
    session.flush()
    return copy


def _require_draft(actor: Actor, campaign: Campaign) -> None:
    actor.require(Permission.OUTBOX_PREPARE, campaign.company_id, campaign.document_type)
    if campaign.run_id is not None:
        raise CampaignRefused("prepared", "this mailing was prepared already: copy it to send it again")


def _record(session: Session, actor: Actor, campaign: Campaign, what: str, **detail: Any) -> None:
    audit.record(
        session,
        actor,
        f"campaigns.campaign.{what}",
        company_id=campaign.company_id,
        subject=campaign,
        label=campaign.title,
        **detail,
    )
