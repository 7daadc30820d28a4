"""Types of the shop: the close of a cash desk and of a period's sales; and the document with nothing but files."""

from pydantic import Field

from crm_mail.documents.schemas.envelope import Envelope, Part
from crm_mail.documents.schemas.goods import PricedLine
from crm_mail.documents.schemas.scalars import Amount, Moment, Text, Texts
from crm_mail.documents.schemas.statements import Period, ReminderItem


class Amounts(Part):
    """One row of a breakdown."""

    label: Text
    count: int | None = None
    amount: Amount | None = None
    tax: Amount | None = None


class Movement(Part):
    """Cash put in or taken out."""

    at: Moment | None = None
    description: Text | None = None
    amount: Amount | None = Field(None, description="Negative when taken out")


class CashClose(Envelope):
    """Close of a cash desk."""

    minimum = ("expected|counted|by_method",)
    desk: Text | None = None
    cashier: Text | None = None
    opened_at: Moment | None = None
    closed_at: Moment | None = None
    opening_float: Amount | None = None
    by_method: list[Amounts] = []
    movements: list[Movement] = []
    expected: Amount | None = None
    counted: Amount | None = None
    difference: Amount | None = None
    denominations: list[Amounts] = []


class Comparison(Part):
    """The same figure of another period."""

    label: Text
    before: Amount | None = None
    now: Amount | None = None
    change_percent: Amount | None = None


class SalesClose(Envelope):
    """Close of the sales of a day or period."""

    minimum = ("totals|by_tax|by_method",)
    period: Period | None = None
    outlet: Text | None = None
    count: int | None = None
    by_tax: list[Amounts] = []
    by_method: list[Amounts] = []
    by_group: list[Amounts] = []
    by_seller: list[Amounts] = []
    cancellations: list[Amounts] = []
    comparison: list[Comparison] = []


class Generic(Envelope):
    """Files and a title: whatever has no type of its own; it prints as a summary or a letter."""

    minimum = ("title",)
    lines: list[PricedLine] = []
    items: list[ReminderItem] = []
    total: Amount | None = None
    paragraphs: Texts = []
    closing_paragraphs: Texts = []
    signatory: Text | None = None
