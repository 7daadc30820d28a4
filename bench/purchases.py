"""Very many sales lines of a company that has its customers already, made by the database itself."""

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bench.contacts_data import analyse
from crm_mail.db import today
from crm_mail.installation import Installation
from crm_mail.purchases.models import PurchaseLine
from crm_mail.purchases.recording import work_out_totals

PRODUCTS, GROUPS, DAYS = 5_000, 50, 1_095

_PRODUCTS = (
    "INSERT INTO products (id, company_id, code, name, group_name) SELECT i, :company, 'P' || i, 'Product ' || i,"
    " 'G' || (i % :groups) FROM s"
)
_LINES = (
    "INSERT INTO purchase_lines (id, company_id, party_id, product_id, bought_on, quantity, amount, currency, number,"
    " source) SELECT i, :company, {party}, 1 + i * 16807 % :products, {day}, sign * (1 + i % 9) * 10000,"
    " sign * (10 + i % 977) * 10000, 'EUR', '', '' FROM (SELECT i, CASE WHEN i % 40 = 0 THEN -1 ELSE 1 END AS sign"
    " FROM s) AS numbered"
)
"""Few customers buy much and most buy little; products and days are spread evenly, one line of forty is a return."""


def sell(home: Installation, company_id: int, parties: int, lines: int) -> None:
    """Make products and lines, each with one statement, indexes last; then the totals.

    Args:
        parties: the customers have the ids from 1 to so many.
    """
    is_sqlite = home.database.is_sqlite
    known = {"company": company_id, "parties": parties, "products": PRODUCTS, "groups": GROUPS, "days": DAYS}
    known |= {"today": today().isoformat() if is_sqlite else today()}
    indexes = list(PurchaseLine.__table__.indexes)  # type: ignore[attr-defined]
    with home.database.write_engine.begin() as connection:
        for index in indexes:
            index.drop(connection)
        _without_checks(connection)
        for statement, count in ((_PRODUCTS, PRODUCTS), (_LINES, lines)):
            sql = _counted(is_sqlite) + _spread(statement, is_sqlite)
            values: dict[str, Any] = {name: value for name, value in known.items() if f":{name}" in sql}
            connection.execute(text(sql), values | {"count": count})
        for index in indexes:
            index.create(connection)
    with home.database.write() as session:
        work_out_totals(session, company_id)
    analyse(home)


def _counted(is_sqlite: bool) -> str:
    if not is_sqlite:
        return "WITH s AS (SELECT generate_series(1, CAST(:count AS BIGINT)) AS i) "
    return "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < :count) "


def _spread(statement: str, is_sqlite: bool) -> str:
    share = "(i * 48271 % 1000003) / 1000003.0"
    party = f"1 + CAST(FLOOR(:parties * ({share}) * ({share}) * ({share})) AS BIGINT)"
    day = "CAST(:today AS DATE) - CAST(i * 69621 % :days AS INTEGER)"
    if is_sqlite:
        party = f"1 + CAST(:parties * ({share}) * ({share}) * ({share}) AS INTEGER)"
        day = "date(:today, '-' || (i * 69621 % :days) || ' days')"
    return statement.format(party=party, day=day)


def _without_checks(connection: Connection) -> None:
    """The rows are right by themselves; checking ten million of them takes longer than making them."""
    if connection.dialect.name != "postgresql":
        return
    try:
        with connection.begin_nested():
            connection.execute(text("SET LOCAL session_replication_role = replica"))
    except DBAPIError:
        pass  # only a superuser may
