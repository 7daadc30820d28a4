"""What a layout must pass before it is in use: the samples, short, long and empty, in every language of messages."""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents.layout_samples import SIZES, sample_data
from crm_mail.documents.layouts import base_type
from crm_mail.documents.pdf_jobs import RenderJob
from crm_mail.documents.pdf_layouts import CFDI
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.print_previews import Trial, sample_job


def check_jobs(
    session: Session, company: Company, name: str, source: str, theme: Theme
) -> Iterator[RenderJob]:
    """Every job that must succeed. The quickest to fail come first."""
    base = base_type(session, company.id, name)
    for size in SIZES:
        for language in TEXT_LANGUAGES:
            data = sample_data(base, size)
            if name != CFDI:
                data["type"] = name
            job = sample_job(session, company, data, Trial(theme, {name: source}, language))
            yield replace(job, source=source)
