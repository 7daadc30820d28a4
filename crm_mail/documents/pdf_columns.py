"""The columns of each document type's table; those that are optional can be chosen by the company's theme. Pure."""

from __future__ import annotations

from dataclasses import replace

from crm_mail.documents.pdf_tables import Column, Kind


def _optional(field: str, label: str, width: float, kind: Kind = Kind.TEXT, *, folds: bool = False) -> Column:
    return Column(field, label, width, kind, optional=True, folds=folds)


CODE = Column("code", "code", 21)
TEXT = Column("description", "description", below="serials")
QTY = Column("qty", "quantity", 16, Kind.NUMBER)
UOM = Column("uom", "unit", 11)
LOT = _optional("lot", "lot", 24, folds=True)
EXPIRY = _optional("expires_on", "expires_on", 19, Kind.DATE, folds=True)
DISCOUNT = _optional("discounts", "discount", 15, Kind.MARK)
PRICED = (
    *(CODE, TEXT, LOT, EXPIRY, QTY, UOM, Column("price", "price", 21, Kind.PRICE), DISCOUNT),
    *(Column("net", "amount", 23, Kind.MONEY), _optional("tax_code", "tax", 12, Kind.MARK)),
)
DELIVERY = _optional("delivery_on", "delivery_date", 19, Kind.DATE)
ORDERED = (
    *(CODE, _optional("customer_code", "customer_item", 23, folds=True), TEXT),
    *(_optional("requested_on", "requested_date", 19, Kind.DATE, folds=True), DELIVERY, *PRICED[4:]),
)
SETTLED = (
    *(Column("document", "document"), _optional("date", "date", 24, Kind.DATE)),
    *(_optional("gross", "amount", 28, Kind.MONEY), _optional("discount", "discount", 24, Kind.MONEY)),
    _optional("withholding", "withholding", 28, Kind.MONEY),
    Column("paid", "paid", 30, Kind.MONEY),
)
DUE = _optional("due_date", "due_date", 19, Kind.DATE)
STATUS = Column("status", "status", 25)
BALANCE = Column("balance", "balance", 26, Kind.MONEY)
STATEMENT_HEAD = (
    Column("date", "date", 19, Kind.DATE),
    Column("document", "document_description"),
    DUE,
    STATUS,
)
LISTED = (*STATEMENT_HEAD, Column("amount", "amount", 28, Kind.MONEY))


def _breakdown(label: str) -> tuple[Column, ...]:
    """A table of totals: what it is sorted by, how many, how much."""
    return (
        *(Column("label", label), _optional("count", "count", 20, Kind.NUMBER)),
        *(_optional("amount", "amount", 32, Kind.MONEY), _optional("tax", "tax_amount", 28, Kind.MONEY)),
        *(_optional("gross", "total", 32, Kind.MONEY), _optional("share", "share", 18, Kind.PERCENT)),
    )


COLUMNS: dict[str, tuple[Column, ...]] = {
    "account_statement": (
        *(*STATEMENT_HEAD[:2], _optional("due_date", "due_date", 25)),  # and below the date how late it is
        *(Column("debit", "debit", 23, Kind.MONEY), Column("credit", "credit", 23, Kind.MONEY), BALANCE),
    ),
    "open_items": (*STATEMENT_HEAD, Column("open", "open_amount", 27, Kind.MONEY), BALANCE),
    "bills": LISTED,
    "unpaid": LISTED,
    "dunning_letter": (
        *(Column("document", "document_description"), Column("date", "date", 19, Kind.DATE)),
        *(Column("due", "due_date", 19, Kind.DATE), _optional("days", "days_late", 17, Kind.NUMBER)),
        *(_optional("amount", "original_amount", 25, Kind.MONEY), Column("open", "to_pay", 25, Kind.MONEY)),
        _optional("interest", "interest", 20, Kind.MONEY),
    ),
    "transfer_advice": SETTLED,
    "by_tax": _breakdown("rate"),
    "by_method": _breakdown("payment_method"),
    "by_group": _breakdown("product_group"),
    "by_seller": _breakdown("seller"),
    "cancellations": _breakdown("reason"),
    "denominations": _breakdown("denomination"),
    "cash_movements": (
        *(Column("at", "at_time", 34, Kind.MOMENT), Column("description", "description")),
        Column("amount", "amount", 32, Kind.MONEY),
    ),
    "comparison": (
        *(Column("label", "compared_with"), _optional("before", "before", 34, Kind.MONEY)),
        *(Column("now", "now", 34, Kind.MONEY), _optional("change_percent", "change", 22, Kind.PERCENT)),
    ),
    "delivery_note": (CODE, TEXT, LOT, EXPIRY, UOM, QTY),
    "invoice": PRICED,
    "credit_note": PRICED,
    "quote": PRICED,
    "sales_order": ORDERED,
    "purchase_order": (
        *(CODE, _optional("supplier_code", "supplier_item", 23, folds=True), TEXT),
        *(DELIVERY, *PRICED[4:]),
    ),
    "goods_receipt": (
        *(CODE, _optional("supplier_code", "supplier_item", 22, folds=True), TEXT, LOT),
        *(
            _optional("warehouse", "warehouse", 20, folds=True),
            UOM,
            _optional("ordered", "ordered", 17, Kind.NUMBER),
        ),
        *(
            Column("received", "received", 17, Kind.NUMBER),
            _optional("rejected", "rejected", 17, Kind.NUMBER),
        ),
        _optional("remark", "remark", 34, folds=True),
    ),
    "price_list": (
        _optional("image", "image", 20, Kind.PICTURE),
        *(CODE, TEXT, UOM, _optional("min_qty", "min_qty", 18, Kind.NUMBER)),
        *(Column("price", "price", 25, Kind.PRICE), _optional("discount", "discount", 17, Kind.MARK)),
    ),
    "generic": tuple(replace(column, optional=column.field != "description") for column in PRICED),
    "payment_order": SETTLED,
    "receipt": SETTLED,
    "cfdi": PRICED,
    "cfdi_payments": (
        *(Column("document", "document", below="uuid"), Column("currency", "currency", 16)),
        *(
            Column("instalment", "instalment", 20, Kind.MARK),
            Column("balance_before", "balance_before", 28, Kind.MONEY),
        ),
        *(Column("paid", "paid", 28, Kind.MONEY), Column("balance_after", "balance_after", 28, Kind.MONEY)),
    ),
    "instruments": (
        *(Column("kind", "instrument"), Column("number", "number", 36), _optional("bank", "bank", 44)),
        *(Column("date", "date", 22, Kind.DATE), Column("amount", "amount", 30, Kind.MONEY)),
    ),
    "items": (
        *(Column("number", "document", 36), Column("date", "date", 22, Kind.DATE)),
        *(_optional("due", "due_date", 22, Kind.DATE), Column("description", "description")),
        Column("amount", "amount", 30, Kind.MONEY),
    ),
}
OPTIONAL_COLUMNS: dict[str, tuple[str, ...]] = {
    name: tuple(column.field for column in columns if column.optional) for name, columns in COLUMNS.items()
}
