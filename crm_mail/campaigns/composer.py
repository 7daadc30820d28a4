"""The messages of a mailing, one recipient after the other, for `outbox.composing`."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from crm_mail.campaigns.content import Texts
from crm_mail.campaigns.letter_making import Letter, key_of, made_letters
from crm_mail.campaigns.models import Campaign, CampaignFile, CampaignLetter
from crm_mail.campaigns.recipients import Reached, read_reached
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.installation import Installation
from crm_mail.outbox.composing.parts import Composed
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.facts import FileFacts
from crm_mail.outbox.preparing.filling import text_fault
from crm_mail.permissions import EVERYTHING, Actor

NAME = "campaign"


def compose(
    session: Session, home: Installation, actor: Actor, _run: Run, data: Mapping[str, Any]
) -> Iterator[Composed]:
    """Every recipient's message; who is out of sight for who prepares is passed on and counted there."""
    campaign = session.get_one(Campaign, data["campaign"])
    texts = Texts.of(session, actor, campaign)
    letter = Letter.of(home, campaign)
    files = tuple(facts_of(file) for file in campaign.files)
    for batch in read_reached(session, campaign, EVERYTHING, has_details=texts.names_details):
        letters = made_letters(session, campaign.id, batch) if letter else {}
        for one in batch:
            yield message_for(one, texts, files, letter, letters.get(key_of(one)))


def facts_of(file: CampaignFile) -> FileFacts:
    """A file that everybody gets, as the outbox takes it."""
    return FileFacts(file.name, file.mime, file.sha256, file.size, content_id=file.content_id)


def message_for(
    one: Reached,
    texts: Texts,
    files: tuple[FileFacts, ...],
    letter: Letter | None,
    made: CampaignLetter | None,
) -> Composed:
    """One recipient's message; what could not be filled in or made blocks it."""
    problems: list[tuple[Issue, dict[str, Any]]] = []
    subject = text = html = ""
    try:
        subject, text, html = texts.fill(one)
    except TemplateInvalid as wrong:
        problems.append((Issue.TEXT_INVALID, text_fault(wrong)))
    carried = files
    if letter is not None:
        if made is not None and made.sha256:
            carried = (FileFacts(letter.file_name, letter.mime, made.sha256, made.size), *files)
        else:
            problems.append((Issue.LETTER_FAILED, {"reason": made.problem if made else ""}))
    return Composed(
        subject,
        text,
        html,
        contact_id=one.contact_id,
        party_id=one.party_id,
        language=texts.language(one),
        files=carried,
        problems=tuple(problems),
    )
