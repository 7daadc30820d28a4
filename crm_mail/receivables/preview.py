"""A statement as the job of a PDF process, for its preview: drawn as it would be, kept nowhere."""

from typing import Any

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.document_types import DocumentType
from crm_mail.documents.layouts import layout_name, own_layouts
from crm_mail.documents.models import Document
from crm_mail.documents.pdf_jobs import RenderJob
from crm_mail.documents.pdf_layouts import layout_for
from crm_mail.documents.pdf_markup import print_language
from crm_mail.documents.printing import company_theme, print_data
from crm_mail.storage import BlobStore


def statement_job(store: BlobStore, company: Company, party: Party, data: dict[str, Any]) -> RenderJob:
    """The job that draws one customer's statement in the company's look and the customer's language."""
    theme = company_theme(store, company)
    language = print_language(party.language or company.language, theme)
    document = Document(type=DocumentType.ACCOUNT_STATEMENT, data=data, source="receivables")
    printed = print_data(document, party, company)
    layout = layout_for(DocumentType.ACCOUNT_STATEMENT, data)
    source = own_layouts(company).get(layout_name(DocumentType.ACCOUNT_STATEMENT, layout), "")
    return RenderJob("preview", layout, printed, language, theme, (), source)
