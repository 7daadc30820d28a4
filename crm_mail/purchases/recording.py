"""Sales lines are kept: those of invoices as they arrive, those of sales lists in bulk; totals follow."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Date, case, cast, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm_mail.many_rows import among, insert_many
from crm_mail.purchases.conditions import IS_SALE
from crm_mail.purchases.models import Product, PurchaseLine, PurchaseMonth, PurchaseTotal
from crm_mail.purchases.months import month_of
from crm_mail.purchases.sold import SaleLine, Sold

NEVER = date(1, 1, 1)
"""The last sale of a customer who only gave things back."""

_UNWATCHED = {"synchronize_session": False}
"""Nobody holds such rows as objects."""


def record_document(
    session: Session,
    company_id: int,
    party_id: int,
    document_id: int,
    lines: Sequence[SaleLine],
    *,
    bought_on: date,
    number: str,
    currency: str,
) -> int:
    """Keep the lines of one document; how many. Nothing where a sales list brought the same invoice already."""
    if not lines or _is_listed(session, party_id, bought_on, number):
        return 0
    ids, _changed = product_ids(session, company_id, [line.product for line in lines])
    rows = [
        {
            "company_id": company_id,
            "party_id": party_id,
            "product_id": ids[line.product.code],
            "bought_on": bought_on,
            "quantity": line.quantity,
            "amount": line.amount,
            "currency": currency,
            "number": number,
            "document_id": document_id,
        }
        for line in lines
    ]
    insert_many(session, PurchaseLine, rows)
    _add_to_totals(session, company_id, party_id, currency, bought_on, lines)
    return len(rows)


def forget_document(session: Session, company_id: int, party_id: int, document_id: int) -> None:
    """Drop the lines of a document that was voided, or whose next version has come."""
    lines = delete(PurchaseLine).where(PurchaseLine.document_id == document_id)
    gone: Any = session.execute(lines, execution_options=_UNWATCHED)
    if gone.rowcount:
        work_out_totals(session, company_id, [party_id])


def _is_listed(session: Session, party_id: int, bought_on: date, number: str) -> bool:
    same = select(PurchaseLine.id).where(
        PurchaseLine.party_id == party_id,
        PurchaseLine.bought_on == bought_on,
        PurchaseLine.number == number,
        PurchaseLine.document_id.is_(None),
    )
    return bool(number) and session.execute(same.limit(1)).first() is not None


def product_ids(session: Session, company_id: int, products: Iterable[Sold]) -> tuple[dict[str, int], int]:
    """Code → id, and how many products were added or changed: names and groups that are told are kept."""
    wanted: dict[str, Sold] = {}
    for one in products:
        before = wanted.get(one.code, one)
        wanted[one.code] = Sold(one.code, one.name or before.name, one.group or before.group)
    query = select(Product.code, Product.id, Product.name, Product.group_name).where(
        Product.company_id == company_id, among(session, Product.code, wanted)
    )
    known = {code: (id_, name, group) for code, id_, name, group in session.execute(query)}
    changed = 0
    for code, (id_, name, group) in known.items():
        told = wanted[code]
        values = {"name": told.name or name, "group_name": told.group or group}
        if (values["name"], values["group_name"]) != (name, group):
            session.execute(
                update(Product).where(Product.id == id_).values(values), execution_options=_UNWATCHED
            )
            changed += 1
    ids = {code: id_ for code, (id_, _name, _group) in known.items()}
    fresh = [one for code, one in wanted.items() if code not in known]
    if fresh:
        rows = [
            {"company_id": company_id, "code": one.code, "name": one.name, "group_name": one.group}
            for one in fresh
        ]
        kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        for row in rows:  # another worker may have brought the same product
            session.execute(kind.insert(Product).values(row).on_conflict_do_nothing())
        codes = among(session, Product.code, [one.code for one in fresh])
        added = select(Product.code, Product.id).where(Product.company_id == company_id, codes)
        ids |= {code: id_ for code, id_ in session.execute(added)}
    return ids, changed + len(fresh)


def _add_to_totals(
    session: Session,
    company_id: int,
    party_id: int,
    currency: str,
    bought_on: date,
    lines: Sequence[SaleLine],
) -> None:
    """The same as `work_out_totals`, for a few lines more, without reading those that are there."""
    kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    key = {"party_id": party_id, "currency": currency, "company_id": company_id}
    net, quantity = sum(line.amount for line in lines), sum(line.quantity for line in lines)
    month: Any = kind.insert(PurchaseMonth).values(
        key | {"month": month_of(bought_on), "quantity": quantity, "amount": net}
    )
    sums: dict[str, Any] = {
        "quantity": PurchaseMonth.quantity + month.excluded.quantity,
        "amount": PurchaseMonth.amount + month.excluded.amount,
    }
    months = ["party_id", "currency", "month"]
    session.execute(month.on_conflict_do_update(index_elements=months, set_=sums))
    sales = [line.amount for line in lines if line.is_sale]
    values = {"last_on": bought_on if sales else NEVER, "gross": sum(sales), "net": net}
    total: Any = kind.insert(PurchaseTotal).values(key | values)
    new, old = total.excluded, PurchaseTotal
    changed = {
        "last_on": case((new.last_on > old.last_on, new.last_on), else_=old.last_on),
        "gross": old.gross + new.gross,
        "net": old.net + new.net,
    }
    session.execute(total.on_conflict_do_update(index_elements=["party_id", "currency"], set_=changed))


def work_out_totals(session: Session, company_id: int, party_ids: Iterable[int] | None = None) -> None:
    """Work totals and months of these customers out again, or those of the whole company (None)."""
    wanted = None if party_ids is None else list(party_ids)
    key = (PurchaseLine.party_id, PurchaseLine.currency, PurchaseLine.company_id)
    on, amount, quantity = PurchaseLine.bought_on, PurchaseLine.amount, PurchaseLine.quantity
    if session.get_bind().dialect.name == "postgresql":
        month: Any = cast(func.date_trunc("month", on), Date)
    else:
        month = func.date(on, "start of month", type_=Date)
    last_on = func.coalesce(func.max(case((IS_SALE, on))), NEVER)
    gross = func.coalesce(func.sum(case((IS_SALE, amount))), 0)
    made: tuple[tuple[Any, Any, Any, list[str]], ...] = (
        (
            PurchaseMonth,
            (month, func.sum(quantity), func.sum(amount)),
            (*key, month),
            ["month", "quantity", "amount"],
        ),
        (PurchaseTotal, (last_on, gross, func.sum(amount)), key, ["last_on", "gross", "net"]),
    )
    for table, values, groups, names in made:
        old, lines = table.company_id == company_id, PurchaseLine.company_id == company_id
        if wanted is not None:
            old, lines = among(session, table.party_id, wanted), among(session, PurchaseLine.party_id, wanted)
        session.execute(delete(table).where(old), execution_options=_UNWATCHED)
        found = select(*key, *values).where(lines).group_by(*groups)
        columns = ["party_id", "currency", "company_id", *names]
        session.execute(insert(table).from_select(columns, found))
