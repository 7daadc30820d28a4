"""The letters of a mailing, made before its messages are written: batch by batch, each letter once.

A letter is kept under the mark of its template and of all that the recipient's context says, so that preparing again
after a stop, or a second time, finds it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from crm_mail.campaigns.audience import purpose_of
from crm_mail.campaigns.content import Texts, language_for
from crm_mail.campaigns.letters import (
    DOCX,
    LetterInvalid,
    LetterKind,
    letter_page,
    merge_docx,
)
from crm_mail.campaigns.models import Campaign, CampaignLetter
from crm_mail.campaigns.office import AT_ONCE as CONVERTED_AT_ONCE
from crm_mail.campaigns.office import convert, require_office
from crm_mail.campaigns.recipients import Reached, read_reached
from crm_mail.companies.models import Company
from crm_mail.contacts.consents.recording import may_receive
from crm_mail.contacts.consents.rules import ConsentChannel, Purpose
from crm_mail.documents.pdf_pool import PageJob, PdfPool
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.installation import Installation
from crm_mail.many_rows import chunks, insert_many
from crm_mail.outbox.models import Run
from crm_mail.permissions import Actor

PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Letter:
    """How the letters of a mailing are made: the template, and what comes out."""

    kind: LetterKind
    is_pdf: bool
    template: bytes
    html: Mapping[str, str]
    name: str

    @classmethod
    def of(cls, home: Installation, campaign: Campaign) -> "Letter | None":
        """The mailing's letter; None: it has none."""
        kind = LetterKind(campaign.letter_kind)
        if kind is LetterKind.NONE:
            return None
        template = home.store.read(campaign.letter_sha256) if kind is LetterKind.WORD else b""
        is_pdf = kind is LetterKind.HTML or campaign.letter_as_pdf
        return cls(kind, is_pdf, template, dict(campaign.letter_html), campaign.letter_name or campaign.title)

    @property
    def file_name(self) -> str:
        """What the file is called that arrives."""
        return f"{self.name}.pdf" if self.is_pdf else f"{self.name}.docx"

    @property
    def mime(self) -> str:
        """Its media type."""
        return PDF if self.is_pdf else DOCX

    def mark(self, context: Mapping[str, Any]) -> str:
        """A mark of everything that decides the letter's bytes."""
        said = json.dumps(context, sort_keys=True, default=str)
        parts = [self.kind.value, str(self.is_pdf), hashlib.sha256(self.template).hexdigest()]
        parts += [json.dumps(self.html, sort_keys=True), said]
        return hashlib.sha256("\x1e".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Made:
    """One letter, or why there is none."""

    data: bytes = b""
    problem: str = ""


def make_all(letter: Letter, contexts: Sequence[dict[str, Any]], pool: PdfPool | None = None) -> list[Made]:
    """The letters for these contexts, in their order.

    Args:
        pool: draws HTML letters; None: one is opened.

    Raises:
        LetterInvalid: LibreOffice is needed and not installed.
    """
    if letter.kind is LetterKind.HTML:
        return _printed(letter, contexts, pool)
    merged = [_merged(letter, context) for context in contexts]
    return _converted(merged) if letter.is_pdf else merged


def _merged(letter: Letter, context: dict[str, Any]) -> Made:
    try:
        return Made(merge_docx(letter.template, context))
    except LetterInvalid as wrong:
        return Made(problem=str(wrong)[:500])


def _converted(merged: Sequence[Made]) -> list[Made]:
    program = require_office()
    good = [number for number, one in enumerate(merged) if one.data]
    found = list(merged)
    for part in chunks(good, CONVERTED_AT_ONCE):
        for number, pdf in zip(part, convert([merged[n].data for n in part], program), strict=True):
            found[number] = (
                Made(pdf) if pdf else Made(problem="LibreOffice could not turn the letter into a PDF")
            )
    return found


def _printed(letter: Letter, contexts: Sequence[dict[str, Any]], pool: PdfPool | None) -> list[Made]:
    if pool is None:
        with PdfPool(1) as own:
            return _printed(letter, contexts, own)
    found = [Made()] * len(contexts)
    jobs: list[PageJob] = []
    for number, context in enumerate(contexts):
        try:
            source = letter.html[language_for(context["language"], letter.html, "en")]
            jobs.append(PageJob(str(number), letter_page(source, context)))
        except TemplateInvalid as wrong:
            found[number] = Made(problem=str(wrong)[:500])
    for result in pool.render_many(jobs):
        problem = str(result.error)[:500] if result.error else ""
        found[int(result.key)] = Made(result.content or b"", problem)
    return found


def make_letters(
    home: Installation, actor: Actor, run_id: int, on_progress: Callable[[int], None] | None = None
) -> None:
    """Make every letter that a mailing's run needs and does not have (`composing_registry.Making`).

    Raises:
        LetterInvalid: LibreOffice is needed and not installed.
    """
    with home.database.read() as session:
        campaign = session.get_one(
            Campaign, session.get_one(Run, run_id).criteria["composed"]["data"]["campaign"]
        )
        letter = Letter.of(home, campaign)
        if letter is None:
            return
        texts = Texts.of(session, actor, campaign)
        count = 0
        with PdfPool(home.settings.render_processes or None) as pool:
            for batch in read_reached(session, campaign, actor.sight, *_may_receive(session, campaign)):
                count += _make_batch(home, session, campaign, letter, texts, batch, pool)
                if on_progress:
                    on_progress(count)


def _may_receive(session: Session, campaign: Campaign) -> list[ColumnElement[bool]]:
    """Nobody's letter is made who may not be written to anyway."""
    purpose = purpose_of(session, campaign)
    if not purpose:
        return []
    company = session.get_one(Company, campaign.company_id)
    return [may_receive(company, Purpose(purpose), ConsentChannel.EMAIL)]


def _make_batch(
    home: Installation,
    session: Session,
    campaign: Campaign,
    letter: Letter,
    texts: Texts,
    batch: Sequence[Reached],
    pool: PdfPool,
) -> int:
    contexts = [texts.context(one) for one in batch]
    marks = [letter.mark(context) for context in contexts]
    known = made_letters(session, campaign.id, batch)
    missing = [
        n for n, one in enumerate(batch) if (kept := known.get(key_of(one))) is None or kept.mark != marks[n]
    ]
    if not missing:
        return 0
    made = make_all(letter, [contexts[n] for n in missing], pool)
    rows = []
    for number, one in zip(missing, made, strict=True):
        sha256 = home.store.put(one.data) if one.data else ""
        rows.append(
            {
                "campaign_id": campaign.id,
                "contact_id": batch[number].contact_id,
                "party_id": batch[number].party_id,
                "mark": marks[number],
                "sha256": sha256,
                "size": len(one.data),
                "problem": one.problem,
            }
        )
    stale = [kept.id for n in missing if (kept := known.get(key_of(batch[n]))) is not None]
    with home.database.write() as writing:
        if stale:
            writing.connection().execute(delete(CampaignLetter).where(CampaignLetter.id.in_(stale)))
        insert_many(writing, CampaignLetter, rows)
    return len(rows)


def key_of(one: Reached) -> tuple[int | None, int]:
    """What tells recipients apart."""
    return one.contact_id, one.party_id


def made_letters(
    session: Session, campaign_id: int, batch: Iterable[Reached]
) -> dict[tuple[int | None, int], CampaignLetter]:
    """The letters that these recipients have."""
    people = list(batch)
    ids = [one.contact_id for one in people if one.contact_id is not None]
    firms = [one.party_id for one in people if one.contact_id is None]
    found: dict[tuple[int | None, int], CampaignLetter] = {}
    for condition in (
        CampaignLetter.contact_id.in_(ids),
        CampaignLetter.contact_id.is_(None) & CampaignLetter.party_id.in_(firms),
    ):
        query = select(CampaignLetter).where(CampaignLetter.campaign_id == campaign_id, condition)
        found |= {(row.contact_id, row.party_id): row for row in session.scalars(query)}
    return found
