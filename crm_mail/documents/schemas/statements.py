"""What a party owes, or what we pay it: statements, reminders, advices and orders of payment, receipts."""

from typing import Literal

from pydantic import Field, model_validator

from crm_mail.documents.schemas.envelope import Envelope, Part, Person, also
from crm_mail.documents.schemas.scalars import Amount, Code, Day, Text, Texts


class Period(Part):
    """From one day to another, both included."""

    from_: Day | None = Field(None, alias="from")
    to: Day | None = None


class Bucket(Part):
    """One column of the ageing: `not_due`, `0-30`, `31-60`, `61-90`, `>90`."""

    bucket: Code
    amount: Amount | None = None


class Entry(Part):
    """One movement or open item of a statement."""

    date: Day | None = None
    doc_type: Code | None = None
    number: Code | None = None
    doc_date: Day | None = None
    due_date: Day | None = None
    description: Text | None = None
    debit: Amount | None = None
    credit: Amount | None = None
    amount: Amount | None = Field(None, description="Open amount of an open item")
    balance: Amount | None = None
    overdue_days: int | None = None
    status: Code | None = None
    currency: Code | None = None


class CurrencyBlock(Part):
    """A statement in several currencies has one block for each."""

    currency: Code
    opening: Amount | None = None
    entries: list[Entry] = []
    closing: Amount | None = None
    aging: list[Bucket] = []
    overdue_total: Amount | None = None
    not_due_total: Amount | None = None


class AccountStatement(Envelope):
    """Statement of account (UBL Statement): movements with balances, or open items."""

    minimum = ("as_of", "entries|blocks|closing")
    as_of: Day | None = None
    layout: Literal["movements", "open_items"] | None = None
    period: Period | None = None
    opening: Amount | None = None
    entries: list[Entry] = []
    closing: Amount | None = None
    aging: list[Bucket] = []
    overdue_total: Amount | None = None
    not_due_total: Amount | None = None
    blocks: list[CurrencyBlock] = []
    bills: list[Entry] = Field([], description="Bank receipts in circulation (RiBa)")
    unpaid: list[Entry] = Field([], description="Returned unpaid by the bank")
    comment: Text | None = None

    @model_validator(mode="after")
    def _as_of_date(self) -> "AccountStatement":
        """A statement without a cut-off date is as of its own date."""
        self.as_of = self.as_of or self.date
        return self


class ReminderItem(Part):
    """One item of a reminder."""

    number: Code | None = None
    date: Day | None = None
    due: Day | None = also("due", "due_date")
    description: Text | None = None
    amount: Amount | None = None
    open: Amount | None = None
    days: int | None = None
    interest: Amount | None = None


class UnpaidReason(Part):
    """What the bank sent back: RiBa, SDD or cheque."""

    kind: Code | None = None
    number: Code | None = None
    date: Day | None = None
    reason: Text | None = None
    charges: Amount | None = None


class PreviousReminder(Part):
    """A reminder already sent."""

    date: Day | None = None
    level: int | None = None
    number: Code | None = None


class DunningLetter(Envelope):
    """Reminder of payment (UBL Reminder). Levels: 0 before the due date … 4 handed to a lawyer."""

    minimum = ("items",)
    level: int | None = Field(None, ge=0, le=4)
    items: list[ReminderItem] = []
    unpaid_reason: UnpaidReason | None = None
    fees: Amount | None = None
    lump_sum: Amount | None = None
    interest: Amount | None = None
    interest_rate: Amount | None = Field(None, description="Per cent a year")
    total: Amount | None = None
    pay_by: Day | None = None
    previous: list[PreviousReminder] = also("previous", "previous_reminders", default=[])
    paragraphs: Texts = []
    closing_paragraphs: Texts = []
    signatory: Text | None = None


class PaidItem(Part):
    """One document that a transfer, an order of payment or a receipt settles."""

    document: Code | None = also("document", "number")
    type: Code | None = None
    date: Day | None = None
    gross: Amount | None = None
    discount: Amount | None = None
    withholding: Amount | None = None
    paid: Amount | None = also("paid", "amount")


class TransferAdvice(Envelope):
    """Advice of a bank transfer (UBL RemittanceAdvice; pain.001 gives it)."""

    minimum = ("amount",)
    executed_on: Day | None = also("executed_on", "execution_date")
    value_on: Day | None = also("value_on", "value_date")
    amount: Amount | None = None
    payer_bank: Text | None = None
    payer_iban: Code | None = None
    beneficiary: Text | None = None
    beneficiary_iban: Code | None = None
    beneficiary_bank: Text | None = None
    cro: Code | None = None
    trn: Code | None = None
    end_to_end_id: Code | None = None
    purpose: Text | None = Field(None, description="What the bank passes on (Ustrd)")
    items: list[PaidItem] = []


class Instrument(Part):
    """A cheque or transfer of an order of payment."""

    kind: Code | None = None
    number: Code | None = None
    bank: Text | None = None
    iban: Code | None = None
    date: Day | None = None
    amount: Amount | None = None


class PaymentOrder(Envelope):
    """Order of payment: what is paid to whom, how, and who signs."""

    minimum = ("total",)
    beneficiary: Text | None = None
    items: list[PaidItem] = also("items", "invoices_paid", default=[])
    instruments: list[Instrument] = []
    total: Amount | None = None
    amount_in_words: Text | None = None
    signatures: Texts = Field([], description="Words under the signature boxes")


class Receipt(Envelope):
    """Receipt of a collection."""

    minimum = ("amount",)
    amount: Amount | None = None
    method: Text | None = None
    received_on: Day | None = None
    items: list[PaidItem] = also("items", "documents_settled", default=[])
    remaining: Amount | None = also("remaining", "remaining_balance")
    amount_in_words: Text | None = None
    received_from: Text | None = None
    received_by: Person | None = None
