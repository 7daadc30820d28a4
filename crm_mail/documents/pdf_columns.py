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
COLUMNS: dict[str, tuple[Column, ...]] = {
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
