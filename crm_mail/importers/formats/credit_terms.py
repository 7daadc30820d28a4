"""Due dates that a document leaves to the agreement with the customer: its date plus the days of credit."""

import datetime as dt
from dataclasses import replace

from crm_mail.contacts.models import Party
from crm_mail.document_types import DocumentType
from crm_mail.importers.base import Direction, DueDate, ParsedDocument


def add_credit_terms(parsed: ParsedDocument, party: Party) -> ParsedDocument:
    """Give an invoice of ours without any due date the one that the customer's days of credit make.

    A CFDI never states one (Anexo 20), a FatturaPA often does not.
    """
    is_ours = parsed.type == DocumentType.INVOICE and parsed.direction is Direction.CUSTOMER
    states_one = any(due.date is not None for due in parsed.due_dates)
    if not is_ours or states_one or party.credit_days is None:
        return parsed
    due_on = parsed.date + dt.timedelta(days=party.credit_days)
    if not parsed.due_dates:
        return replace(parsed, due_dates=(DueDate(due_on, parsed.totals.payable, computed=True),))
    return replace(
        parsed, due_dates=tuple(replace(due, date=due_on, computed=True) for due in parsed.due_dates)
    )
