"""Products, sales lines, and what each customer's lines come to.

The lines are the truth; `PurchaseTotal` and `PurchaseMonth` are worked out from them, so that *who bought last* and
*the best customers* need not read all of them.
"""

from datetime import date
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Amount, Base, Id


class Product(Base):
    """What was sold, under its code; a product without a code goes by its name."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("company_id", "code"),
        Index("ix_products_company_group", "company_id", "group_name"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    code: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(200), default="")
    group_name: Mapped[str] = mapped_column(String(120), default="")  # as the last sales list said


class PurchaseLine(Base):
    """One line of a sale; returns and credit notes are negative.

    Either of an invoice that is kept here (``document_id``), or of a sales list (``source``, ``source_key``).
    """

    __tablename__ = "purchase_lines"
    __table_args__ = (
        UniqueConstraint("company_id", "source_key"),
        Index(
            "ix_purchase_lines_product",
            *("product_id", "bought_on", "party_id", "quantity", "amount", "currency"),
        ),
        Index(
            "ix_purchase_lines_party",
            *("party_id", "bought_on", "product_id", "quantity", "amount", "currency"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    party_id: Mapped[int] = mapped_column(Id, ForeignKey("parties.id"))
    product_id: Mapped[int] = mapped_column(Id, ForeignKey("products.id"))
    bought_on: Mapped[date]
    quantity: Mapped[Decimal] = mapped_column(Amount)
    amount: Mapped[Decimal] = mapped_column(Amount)  # without tax
    currency: Mapped[str] = mapped_column(String(3))
    number: Mapped[str] = mapped_column(String(60), default="")  # of the invoice: both sources count once
    document_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("documents.id", ondelete="CASCADE"), index=True
    )
    source: Mapped[str] = mapped_column(String(120), default="")  # name of the file
    source_key: Mapped[str | None] = mapped_column(String(140))  # the same line again is known by it


class PurchaseMonth(Base):
    """What a customer's lines of a month come to in one currency, returns deducted.

    A large customer has few months and very many lines: who is among the best is asked of the months.
    """

    __tablename__ = "purchase_months"

    # without foreign keys here and below: a merge of two customers works their rows out again
    party_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)  # its first day
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    quantity: Mapped[Decimal] = mapped_column(Amount)
    amount: Mapped[Decimal] = mapped_column(Amount)


class PurchaseTotal(Base):
    """What a customer's lines of all times come to in one currency."""

    __tablename__ = "purchase_totals"
    __table_args__ = (
        Index("ix_purchase_totals_last", "company_id", "last_on", "party_id"),
        Index("ix_purchase_totals_gross", "company_id", "currency", "gross", "party_id"),
        Index("ix_purchase_totals_net", "company_id", "currency", "net", "party_id"),
    )

    party_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    last_on: Mapped[date]  # of the last sale; returns and credits do not count
    gross: Mapped[Decimal] = mapped_column(Amount)  # sales alone: never less than what any period comes to
    net: Mapped[Decimal] = mapped_column(Amount)
