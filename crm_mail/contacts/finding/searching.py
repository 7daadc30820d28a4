"""Finding what a filter means among a million contacts: counted exactly up to `MOST`, beyond that *more than*.

The demands on contacts and addresses (`sources`) are the dear part. Those that few parties meet are read whole, and the
parties are what they have in common; those that many meet are checked party by party until enough are found. Either way
the work is bounded by `MOST`, not by the number of contacts.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.conditions import Condition, unled
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.selection import plain_conditions
from crm_mail.contacts.finding.sources import Source, sources_of
from crm_mail.contacts.models import Party
from crm_mail.many_rows import among
from crm_mail.permissions import Sight

MOST: Final = 10_000
"""Parties that are counted exactly, where contacts or addresses are asked for."""

_ROWS: Final = 3 * MOST
"""Rows read at first: a party has two or three contacts."""


def needs_search(chosen: PartyFilter) -> bool:
    """Whether the filter asks for more than what the parties' own indexes count at once."""
    return bool(
        chosen.needs_contact
        or chosen.has_bounced is not None
        or chosen.address_kinds
        or chosen.text.split()
        or chosen.has_address is not None
        or chosen.was_written_to is not None
        or chosen.no_characteristics
        or chosen.purchases
    )


def find_parties(session: Session, chosen: PartyFilter, sight: Sight) -> set[int] | None:
    """Ids of the parties that a filter means; None: more than `MOST`."""
    plain = plain_conditions(chosen, sight)
    sources = sources_of(chosen, sight)
    every = [*plain, *(source.check for source in sources)]
    if not sources or (chosen.is_by_column and _few(session, plain) is not None):
        return _few(session, every)
    known: set[int] | None = None
    wide: list[Source] = []
    for source in sources:
        found = None if source.is_scan and known is not None else _read(session, source.statements)
        if found is None:
            wide.append(source)
        else:
            known = found if known is None else known & found
            if not known:
                return known
    if known is None:
        is_alone = len(wide) == 1 and len(plain) == 1  # the company, which the demand knows
        return None if is_alone else _begin_wide(session, plain, wide)
    # The company by itself: it would lead SQLite to read all its parties, looking for those few
    rest = [unled(Party.company_id) == chosen.company_id, *plain[1:], *(source.check for source in wide)]
    return set(session.scalars(select(Party.id).where(among(session, Party.id, known), *rest)))


def checked_query(chosen: PartyFilter, sight: Sight) -> Select[Party]:
    """The parties of a filter that many meet, each checked by itself: read in any order until a page is full."""
    checks = [source.check for source in sources_of(chosen, sight)]
    return select(Party).where(*plain_conditions(chosen, sight), *checks)


def _few(session: Session, conditions: Sequence[Condition]) -> set[int] | None:
    found = set(session.scalars(select(Party.id).where(*conditions).limit(MOST + 1)))
    return found if len(found) <= MOST else None


def _read(session: Session, statements: Iterable[Select[Any]]) -> set[int] | None:
    """Every party that the statements name; None: more than `MOST`."""
    found: set[int] = set()
    for statement in statements:
        rows = _ROWS
        while True:
            read = list(session.scalars(statement.limit(rows)))
            found.update(read)
            if len(found) > MOST:
                return None
            if len(read) < rows:
                break
            rows *= 8
    return found


def _begin_wide(session: Session, plain: Sequence[Condition], wide: Sequence[Source]) -> set[int] | None:
    """Begin with a demand that many meet, and check the rest row by row."""
    first, others = wide[0], [source.check for source in wide[1:]]
    plain = plain[1:]  # without the company, which would lead SQLite to begin with its parties
    statements = []
    for statement in first.statements:
        column = statement.selected_columns[0]
        if column.table is Party.__table__:
            statements.append(statement.where(*plain, *others))
        else:
            statements.append(statement.join(Party, Party.id == column).where(*plain, *others))
    return _read(session, statements)
