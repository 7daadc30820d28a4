"""Filters of the list of parties that a person keeps under a name; nobody else sees them."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import SavedFilter
from crm_mail.contacts.party_filter import FilterInvalid, PartyFilter
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

MOST = 50
"""Filters of one person in one company."""


class FilterNotSaved(Refusal):
    """The name is missing or too long, nothing is filtered, or there are too many; ``code`` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the filter was not saved: {code}")
        self.code = code


def list_filters(session: Session, actor: Actor, company_id: int) -> Sequence[SavedFilter]:
    """The person's own filters of a company, by name."""
    query = select(SavedFilter).where(
        SavedFilter.company_id == company_id, SavedFilter.user_id == actor.user_id
    )
    return session.scalars(query.order_by(func.lower(SavedFilter.name))).all()


def arguments_of(saved: SavedFilter) -> list[tuple[str, str]]:
    """The query arguments of a kept filter; none when it is no longer understood."""
    try:
        return PartyFilter.from_dict(saved.filter, saved.company_id).to_arguments()
    except FilterInvalid:
        return []


def save_filter(session: Session, actor: Actor, chosen: PartyFilter, name: str) -> SavedFilter:
    """Keep a filter; one of the same name is replaced.

    Raises:
        FilterNotSaved: see there.
    """
    actor.require(Permission.CONTACTS_SEE, chosen.company_id)
    name = " ".join(name.split())
    if not name or len(name) > 80 or actor.user_id is None:
        raise FilterNotSaved("name")
    if chosen.is_empty:
        raise FilterNotSaved("empty")
    kept = list_filters(session, actor, chosen.company_id)
    saved = next((one for one in kept if one.name.lower() == name.lower()), None)
    if saved is None:
        if len(kept) >= MOST:
            raise FilterNotSaved("too_many")
        saved = SavedFilter(company_id=chosen.company_id, user_id=actor.user_id)
        session.add(saved)
    saved.name, saved.filter = name, chosen.to_dict()
    session.flush()
    return saved


def remove_filter(session: Session, actor: Actor, filter_id: int) -> bool:
    """Forget a filter of one's own; False when there is none."""
    saved = session.get(SavedFilter, filter_id)
    if saved is None or saved.user_id != actor.user_id:
        return False
    session.delete(saved)
    return True
