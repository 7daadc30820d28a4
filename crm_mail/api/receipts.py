"""Receipts: what came back by mail about messages, PEC receipts and bounces."""

import datetime as dt

from flask import Response
from pydantic import Field

from crm_mail.api.documents import stored_file
from crm_mail.api.operations import Answer, Given
from crm_mail.api.paging import cut, read_id_cursor, write_cursor
from crm_mail.api.problems import not_found
from crm_mail.api.resources import (
    CompanyPageQuery,
    Page,
    RowId,
    actor,
    company_by_code,
    company_codes,
    interface,
)
from crm_mail.evidence.listing import ItemFilter, find_item, list_items
from crm_mail.evidence.models import ItemKind, MailItem
from crm_mail.permissions import Permission
from crm_mail.web.door import db

TAG = "Receipts"


class ReceiptOut(Given):
    """A mail that was taken in as evidence."""

    id: int
    company: str
    message_id: int | None
    kind: ItemKind
    receipt_type: str = Field(description="Of PEC receipts, such as `avvenuta-consegna`.")
    occurred_at: dt.datetime | None
    taken_at: dt.datetime
    recipient: str
    status: str = Field(description="Enhanced status code (RFC 3463), such as 5.1.1.")
    reason: str
    detail: str
    trust: str = Field(description="What the check of the signature came to.")
    alarm: str = Field(description="A code: something here needs a person; else empty.")
    sha256: str
    size: int


class ReceiptQuery(CompanyPageQuery):
    """Which receipts; the newest first."""

    message_id: RowId | None = None
    kind: ItemKind | None = None


def shown_receipt(item: MailItem, company: str) -> ReceiptOut:
    """A receipt as it is answered."""
    names = [name for name in ReceiptOut.model_fields if name != "company"]
    return ReceiptOut(company=company, **{name: getattr(item, name) for name in names})


def receipt_or_404(item_id: int) -> MailItem:
    """The receipt, if it exists for the key."""
    item = find_item(db(), actor(), item_id)
    if item is None or not actor().can(Permission.DOCUMENTS_SEE, item.company_id):
        raise not_found("receipt", item_id)
    return item


@interface.operation(
    "GET",
    "/receipts",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    query=ReceiptQuery,
    answers=[Answer(200, "A page, the newest first.", Page[ReceiptOut])],
)
def list_receipts(query: ReceiptQuery) -> Page[ReceiptOut]:
    """Receipts, bounces and answers about the messages of a company."""
    company = company_by_code(query.company, Permission.DOCUMENTS_SEE)
    chosen = ItemFilter(kind=query.kind.value if query.kind else "", message_id=query.message_id)
    last = read_id_cursor("receipts", query.after)
    found = list_items(db(), actor(), company.id, chosen, last, query.limit + 1)
    rows, more = cut([item for item, _message in found], query.limit)
    return Page[ReceiptOut](
        data=[shown_receipt(row, company.code) for row in rows],
        next=write_cursor("receipts", rows[-1].id) if more else None,
    )


@interface.operation(
    "GET",
    "/receipts/<int:receipt_id>",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    answers=[Answer(200, "The receipt.", ReceiptOut)],
    refusals=[404],
)
def show_receipt(receipt_id: int) -> ReceiptOut:
    """One receipt."""
    item = receipt_or_404(receipt_id)
    return shown_receipt(item, company_codes()[item.company_id])


@interface.operation(
    "GET",
    "/receipts/<int:receipt_id>/mail",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    answers=[Answer(200, "The mail, byte for byte as it was received.", mime="application/octet-stream")],
    refusals=[404, 410],
)
def download_mail(receipt_id: int) -> Response:
    """The mail of a receipt, byte for byte as it was received."""
    item = receipt_or_404(receipt_id)
    return stored_file(item.sha256, f"{item.receipt_type or item.kind.value}-{item.id}.eml")
