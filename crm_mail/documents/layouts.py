"""A company's own layouts, kept as versions (IT-19). Services never commit.

A layout is named after the document type that it prints; `cfdi` is the printed form of stamped documents of any type.
"""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import object_session

from crm_mail.companies.models import Company
from crm_mail.documents.models import DocumentLayout
from crm_mail.documents.pdf_layouts import CFDI


def layout_name(document_type: str, layout: str) -> str:
    """The name of the own layout that would print a document of this type, which has this built-in layout."""
    return CFDI if layout == CFDI else document_type


def own_layouts(company: Company) -> Mapping[str, str]:
    """Name → source of the layouts that the company rewrote, as they are in use."""
    session = object_session(company)
    if session is None:
        return {}
    table = DocumentLayout
    newest = (
        select(table.type, func.max(table.version).label("version"))
        .where(table.company_id == company.id)
        .group_by(table.type)
        .subquery()
    )
    rows = session.execute(
        select(table.type, table.source)
        .join(newest, (table.type == newest.c.type) & (table.version == newest.c.version))
        .where(table.company_id == company.id, table.source != "")
    )
    return {name: source for name, source in rows}
