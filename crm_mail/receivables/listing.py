"""The list of open items and movements: filters in the address, pages by key, sums by currency."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Self

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.conditions import of_visible_party
from crm_mail.contacts.models import Party
from crm_mail.contacts.values import name_key
from crm_mail.document_types import DocumentType
from crm_mail.permissions import Actor, Permission, PermissionDenied
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.models import LedgerLine

STATES = ("overdue", "not_due", "disputed", "unpaid", "credit")
_TYPES = (DocumentType.ACCOUNT_STATEMENT, DocumentType.DUNNING_LETTER)
_SORT: Any = func.coalesce(LedgerLine.due_on, LedgerLine.doc_on, LedgerLine.posted_on)


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Every field empty means every line that is not settled. ``text``: number, party code or party name."""

    kind: Kind = Kind.OPEN_ITEMS
    text: str = ""
    state: str = ""
    currency: str = ""

    @classmethod
    def from_arguments(cls, get: Callable[[str], str | None]) -> Self:
        """Read query arguments; unknown values count as not given."""
        kind, state = get("kind") or "", get("state") or ""
        return cls(
            Kind(kind) if kind in set(Kind) else Kind.OPEN_ITEMS,
            (get("q") or "").strip()[:200],
            state if state in STATES else "",
            (get("currency") or "").strip()[:3],
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing narrows the list."""
        return not (self.text or self.state or self.currency)


@dataclass(frozen=True, slots=True)
class LinePage:
    """One page, the oldest due date first; sums are over all that matches."""

    lines: Sequence[tuple[LedgerLine, Party]]
    sums: Sequence[tuple[str, Decimal, int]]
    currencies: Sequence[str]
    next_cursor: str | None

    @property
    def currency_choices(self) -> list[tuple[str, str]]:
        """For the filter."""
        return [(currency, currency) for currency in self.currencies]


def require_ledger(actor: Actor, company_id: int) -> None:
    """Raise unless the actor has to do with statements, reminders or imports of the company.

    Raises:
        PermissionDenied: naming the right.
    """
    if not any(actor.can(Permission.DOCUMENTS_SEE, company_id, one.value) for one in _TYPES):
        raise PermissionDenied(Permission.DOCUMENTS_SEE, _TYPES[0].value)


def list_lines(
    session: Session,
    actor: Actor,
    company_id: int,
    chosen: LineFilter,
    as_of: date,
    *,
    after: str = "",
    size: int = 50,
) -> LinePage:
    """The lines that match, one page of them, with the sums by currency."""
    require_ledger(actor, company_id)
    conditions = [
        LedgerLine.company_id == company_id,
        LedgerLine.kind == chosen.kind,
        LedgerLine.settled_on.is_(None),
        *of_visible_party(LedgerLine.party_id, actor.sight),
    ]
    of_company = list(conditions)
    conditions += _conditions(chosen, as_of)
    query = select(LedgerLine, Party).join(Party, Party.id == LedgerLine.party_id).where(*conditions)
    mark = _read_cursor(after)
    page = query.order_by(_SORT, LedgerLine.id).limit(size + 1)
    if mark:
        page = page.where(or_(mark[0] < _SORT, and_(mark[0] == _SORT, LedgerLine.id > mark[1])))
    rows = [(line, party) for line, party in session.execute(page)]
    has_more, rows = len(rows) > size, rows[:size]
    amount = func.coalesce(LedgerLine.open_amount, LedgerLine.debit - LedgerLine.credit)
    sums = (
        select(LedgerLine.currency, func.sum(amount, type_=LedgerLine.debit.type), func.count())
        .join(Party, Party.id == LedgerLine.party_id)
        .where(*conditions)
        .group_by(LedgerLine.currency)
        .order_by(LedgerLine.currency)
    )
    currencies = select(LedgerLine.currency).where(*of_company).distinct().order_by(LedgerLine.currency)
    return LinePage(
        rows,
        [(currency, total, count) for currency, total, count in session.execute(sums)],
        list(session.scalars(currencies)),
        _cursor(rows[-1][0]) if has_more else None,
    )


def _conditions(chosen: LineFilter, as_of: date) -> list[Any]:
    found: list[Any] = []
    is_owed: Any = func.coalesce(LedgerLine.open_amount, LedgerLine.debit - LedgerLine.credit) > 0
    of_state = {
        "overdue": and_(as_of > _SORT, is_owed),
        "not_due": and_(as_of <= _SORT, is_owed),
        "disputed": LedgerLine.is_disputed.is_(True),
        "unpaid": LedgerLine.is_unpaid.is_(True),
        "credit": ~is_owed,
    }
    if chosen.state:
        found.append(of_state[chosen.state])
    if chosen.currency:
        found.append(LedgerLine.currency == chosen.currency)
    for word in chosen.text.lower().split():
        found.append(
            or_(
                LedgerLine.number.icontains(word, autoescape=True),
                Party.code.icontains(word, autoescape=True),
                Party.name_key.contains(name_key(word), autoescape=True),
            )
        )
    return found


def _cursor(line: LedgerLine) -> str:
    day = line.due_on or line.doc_on or line.posted_on or date.min
    return f"{day.isoformat()}.{line.id}"


def _read_cursor(text: str) -> tuple[date, int] | None:
    day, _, number = text.partition(".")
    try:
        return (date.fromisoformat(day), int(number)) if number else None
    except ValueError:
        return None
