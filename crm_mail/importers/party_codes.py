"""The parties that the rows of a list name by code or VAT number, found a few thousand at a time."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.models import Party
from crm_mail.many_rows import chunks
from crm_mail.permissions import Sight

AT_ONCE = 5000
Found = tuple[int, bool]
"""(party id, whether it is a customer)"""


def parties_named(
    session: Session,
    company_id: int,
    codes: Iterable[str],
    numbers: Iterable[str],
    sight: Sight | None = None,
) -> tuple[dict[str, Found], dict[str, Found]]:
    """Parties by code, and by VAT number; of two with one number the older one.

    Args:
        sight: only those that exist for a person; None: all.
    """
    query = (
        select(Party.id, Party.is_customer).where(Party.company_id == company_id).order_by(Party.id.desc())
    )
    if sight is not None:
        query = query.where(*visible_parties(sight))
    found: list[dict[str, Found]] = []
    for column, names in ((Party.code, codes), (Party.vat_number, numbers)):
        wanted = sorted({name for name in names if name})
        named: dict[str, Found] = {}
        for some in chunks(wanted, AT_ONCE):
            part = query.add_columns(column).where(column.in_(some))
            named |= {name: (id_, is_customer) for id_, is_customer, name in session.execute(part)}
        found.append(named)
    return found[0], found[1]
